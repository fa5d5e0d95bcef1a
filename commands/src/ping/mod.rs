//! `ping`.
//!
//! Counterpart: `main()`, `ping4_run()` and `setup()` of iputils 20221126's `ping.c` and `ping_common.c`, whose order of
//! checks decides which complaint comes first. Deliberately absent: IPv6, IP options (`-R`, `-T`, several hosts), `-C`,
//! `-N`, `-v`, negative intervals. Each is refused by its name.

mod options;
mod text;

use crate::iputils::fail;
use crate::job::{Context, Invocation, Job, Next, Signal, Waits, Wake};
use crate::names::Names;
use crate::say;
use crate::stdio::Stdout;
use nettwin_model::probe::{Outcome, Ping, Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::{Answer, Errno, Fault, IfName, Query, Route, RouteGet, RouteKind};
use options::Options;
use std::net::{IpAddr, Ipv4Addr};
use text::Style;

pub use text::{Lines, PingText};

/// Begins `ping`, `ping4` or `ping6`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(PingJob { words: invocation.words.clone(), is_tty: invocation.is_tty, running: None })
}

struct PingJob {
    words: Vec<String>,
    is_tty: bool,
    running: Option<Running>,
}

struct Running {
    id: ProbeId,
    ping: Ping,
    text: PingText,
    stdout: Stdout,
    /// Answers and errors that count.
    answers: u32,
}

impl Job for PingJob {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        match (why, &mut self.running) {
            (Wake::Start, None) => match begin(cx, &self.words, self.is_tty) {
                Ok(running) => {
                    self.running = Some(running);
                    Next::Wait(Waits::default())
                }
                Err(end) => end,
            },
            (Wake::Event(_, event), Some(running)) => running.event(cx, &event),
            _ => Next::Wait(Waits::default()),
        }
    }

    fn signal(&mut self, cx: &mut Context<'_>, signal: Signal) -> Option<Next> {
        let running = self.running.as_ref()?;
        match signal {
            Signal::INT => cx.stop(running.id, Stop::Interrupt),
            Signal::QUIT => cx.complain(&running.text.status_line()),
            _ => return None,
        }
        Some(Next::Wait(Waits::default()))
    }
}

impl Running {
    fn event(&mut self, cx: &mut Context<'_>, event: &ProbeEvent) -> Next {
        if let ProbeEvent::Started { source: Some(IpAddr::V4(source)) } = event
            && let (Some(dev), None) = (self.ping.dev, self.ping.source)
            && !has_address(cx, dev, *source)
        {
            let warning = format!("Warning: source address might be selected on device other than: {dev}");
            cx.complain(&format!("{}: {warning}\n", self.text.program()));
        }
        let lines = self.text.event_at(cx.machine.now(), event);
        self.stdout.print(cx, &lines.out);
        // The first line and redirects wait in the buffer for what comes next.
        let stays = match event {
            ProbeEvent::Started { .. } | ProbeEvent::Sent { .. } => true,
            ProbeEvent::Icmp { error, .. } => self.ping.quiet || error.kind == 5,
            _ => false,
        };
        self.answers += match event {
            ProbeEvent::Reply { duplicate, .. } => u32::from(!duplicate),
            ProbeEvent::Icmp { error, .. } => u32::from(!matches!(error.kind, 4 | 5)),
            ProbeEvent::SendFailed { .. } => 1,
            _ => 0,
        };
        // The last answer and the figures follow each other at once: whoever reads only the former does not end it by that.
        let is_last = self.ping.count.is_some_and(|count| count > 0 && self.answers >= count)
            && !matches!(event, ProbeEvent::Done(_));
        if !(stays || is_last) || !lines.err.is_empty() {
            self.stdout.flush(cx);
        }
        cx.complain(&lines.err);
        match event {
            ProbeEvent::Done(outcome) => Next::Done(status(&self.ping, outcome)),
            _ => Next::Wait(Waits::default()),
        }
    }
}

/// 0: some reply; 1: none, or with a deadline fewer than asked for; 2: it could not begin.
fn status(ping: &Ping, outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Ping(p) if p.received == 0 => 1,
        Outcome::Ping(p) if ping.deadline.is_some() && ping.count.is_some_and(|c| p.received < c) => 1,
        Outcome::Ping(_) => 0,
        _ => 2,
    }
}

/// Reads the command line and starts the probe, or says why not.
fn begin(cx: &mut Context<'_>, words: &[String], is_tty: bool) -> Result<Running, Next> {
    let program = words.first().map_or("ping", String::as_str);
    let options = Options::parse(cx, program, words)?;
    let target = options.target.clone();
    let hosts = Names::hosts(cx);
    let (mut dst, hostname, is_number) = match crate::names::aton(&target) {
        Some(dst) => (dst, target.clone(), true),
        None => match hosts.of_name(&target) {
            Some((dst, name)) => (dst, name.to_owned(), false),
            None => return Err(unknown(cx, program, &target)),
        },
    };
    if options.only_ipv6 {
        return Err(fail(cx, program, 2, &format!("{target}: {}", crate::names::OTHER_FAMILY)));
    }
    let dev = device(cx, program, options.device.as_deref())?;
    // Who pings nobody pings himself.
    if dst.is_unspecified() {
        dst = options.ping.source.unwrap_or(Ipv4Addr::LOCALHOST);
    }
    let mut ping = Ping { netns: cx.netns.clone(), dst, dev, ..options.ping };
    if options.zero_ttl {
        return Err(fail(cx, program, 2, "cannot set unicast time-to-live: Invalid argument"));
    }
    if options.sticky || options.dontroute {
        let route = way(cx, &ping);
        if options.dontroute && route.as_ref().is_none_or(|route| route.nexthops.iter().any(|hop| hop.via.is_some())) {
            return Err(fail(cx, program, 2, &format!("connect: {}", Errno::ENETUNREACH)));
        }
        if let (true, None, Some(IpAddr::V4(source))) = (options.sticky, ping.source, route.and_then(|r| r.prefsrc)) {
            ping.source = Some(source);
        }
    }
    if ping.broadcast && ping.source.is_none() && is_broadcast(cx, &ping) {
        cx.complain("WARNING: pinging broadcast address\n");
    }
    let names = (!options.numeric && !is_number).then_some(hosts);
    let style = Style { program: program.to_owned(), hostname, names, ..options.style };
    let mut stdout = if style.flood { Stdout::unbuffered() } else { Stdout::new(is_tty) };
    stdout.print(cx, &options.preamble);
    let text = PingText::styled(&ping, style);
    match cx.start(Probe::Ping(ping.clone())) {
        Ok(id) => Ok(Running { id, ping, text, stdout, answers: 0 }),
        Err(Fault::Refused { errno, .. }) => Err(fail(cx, program, 2, &format!("socket: {errno}"))),
        Err(fault) => Err(say::errno(cx, program, &fault).map_or_else(|end| end, |_| Next::Done(2))),
    }
}

/// A name that no file knows.
fn unknown(cx: &mut Context<'_>, program: &str, target: &str) -> Next {
    if target.parse::<std::net::Ipv6Addr>().is_ok() {
        return say::unsupported(cx, program, target);
    }
    fail(cx, program, 2, &format!("{target}: {}", crate::names::NO_ANSWER))
}

/// The device to bind to, if it is there.
fn device(cx: &mut Context<'_>, program: &str, name: Option<&str>) -> Result<Option<IfName>, Next> {
    let Some(name) = name else { return Ok(None) };
    let found = match (IfName::new(name), say::state(cx)) {
        (Ok(dev), Ok(state)) if state.config.links.contains_key(&dev) => Some(dev),
        _ => None,
    };
    match found {
        Some(dev) => Ok(Some(dev)),
        None => Err(fail(cx, program, 2, &format!("SO_BINDTODEVICE {name}: {}", Errno::ENODEV))),
    }
}

fn is_broadcast(cx: &mut Context<'_>, ping: &Ping) -> bool {
    way(cx, ping).is_some_and(|route| route.kind == RouteKind::Broadcast)
}

/// The route to whom it pings, if there is one.
fn way(cx: &mut Context<'_>, ping: &Ping) -> Option<Route> {
    let (netns, dst) = (cx.netns.clone(), ping.dst.into());
    let question = RouteGet { oif: ping.dev, tos: ping.tos, ..RouteGet::new(netns, dst) };
    match cx.machine.query(&Query::RouteGet(question)) {
        Ok(Answer::Route(got)) => Some(got.route),
        _ => None,
    }
}

fn has_address(cx: &mut Context<'_>, dev: IfName, addr: Ipv4Addr) -> bool {
    let Ok(state) = say::state(cx) else { return true };
    let own = state.config.links.get(&dev).map(|l| l.addrs.as_slice()).unwrap_or_default();
    let automatic = state.derived.links.get(&dev).map(|l| l.auto_addrs.as_slice()).unwrap_or_default();
    own.iter().chain(automatic).any(|a| a.cidr.addr == IpAddr::V4(addr))
}
