//! `arping`, and what it prints.
//!
//! Counterpart: `arping.c` of iputils 20221126, whose order of checks decides which complaint comes first. Deliberately
//! absent: whom an answer was for when it was not for us, going on after the device went down.

use crate::getopt::{self, Met};
use crate::iputils::{fail, number, version};
use crate::job::{Context, Invocation, Job, Next, Signal, Waits, Wake};
use crate::names::{self, Names};
use crate::say;
use nettwin_model::probe::{Arping, ArpingMode, ArpingOutcome, Outcome, Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::{Answer, Errno, Fault, IfName, Query, RouteGet};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Begins `arping`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(ArpingJob { words: invocation.words.clone(), running: None })
}

struct ArpingJob {
    words: Vec<String>,
    running: Option<Running>,
}

struct Running {
    id: ProbeId,
    arping: Arping,
    quiet: bool,
    /// Ends with the first answer (`-f`).
    first_only: bool,
    answers: u32,
}

impl Job for ArpingJob {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        match (why, &mut self.running) {
            (Wake::Start, None) => match begin(cx, &self.words) {
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
        matches!(signal, Signal::INT | Signal::QUIT | Signal::TERM).then(|| {
            cx.stop(running.id, Stop::Interrupt);
            Next::Wait(Waits::default())
        })
    }
}

impl Running {
    fn event(&mut self, cx: &mut Context<'_>, event: &ProbeEvent) -> Next {
        let text = match event {
            ProbeEvent::Started { source } => header(&self.arping, *source),
            ProbeEvent::Done(Outcome::Arping(outcome)) => trailer(outcome),
            other => reply(other),
        };
        if !self.quiet {
            cx.print(&text);
        }
        match event {
            ProbeEvent::ArpReply { .. } => {
                self.answers += 1;
                let enough = self.arping.deadline.is_some() && self.arping.count == Some(self.answers);
                if self.first_only || enough {
                    cx.stop(self.id, Stop::Interrupt);
                }
            }
            ProbeEvent::SendFailed { .. } => {}
            ProbeEvent::Done(Outcome::Arping(outcome)) => return Next::Done(self.status(outcome)),
            ProbeEvent::Done(Outcome::Failed(errno)) => return self.failed(cx, *errno),
            ProbeEvent::Done(_) => return Next::Done(2),
            _ => {}
        }
        Next::Wait(Waits::default())
    }

    /// What `finish()` and `event_loop()` make of the counts.
    fn status(&self, outcome: &ArpingOutcome) -> u8 {
        let heard = outcome.received > 0;
        let bad = match self.arping.mode {
            ArpingMode::Announce | ArpingMode::AnnounceReply => false,
            ArpingMode::Duplicate => heard || outcome.broadcasts == outcome.received,
            _ if self.arping.deadline.is_some() && self.arping.count.is_none() => !heard,
            _ => !heard || outcome.sent != outcome.received,
        };
        u8::from(bad)
    }

    fn failed(&self, cx: &mut Context<'_>, errno: Errno) -> Next {
        let announces = matches!(self.arping.mode, ArpingMode::Announce | ArpingMode::AnnounceReply);
        let call = match errno {
            Errno::ENETDOWN => "recvfrom",
            _ if self.arping.source.is_some() || announces => "bind",
            _ => "connect",
        };
        fail(cx, "arping", 2, &format!("{call}: {errno}"))
    }
}

/// Reads the command line and starts the probe, or says why not.
fn begin(cx: &mut Context<'_>, words: &[String]) -> Result<Running, Next> {
    let (mut count, mut deadline, mut interval) = (None, None, Duration::from_secs(1));
    let (mut broadcast, mut duplicate, mut announce, mut advert) = (false, false, false, false);
    let (mut quiet, mut first_only, mut device, mut source) = (false, false, None, None);
    let parsed = getopt::parse(words.get(1..).unwrap_or_default(), "h?bfDUAqc:w:i:s:I:V", &[]);
    for met in parsed.options {
        let (key, value) = match met {
            Met::Option(key, value) => (key, value.unwrap_or_default()),
            Met::Wrong(complaint) => {
                cx.complain(&format!("arping: {complaint}\n"));
                return Err(usage(cx));
            }
        };
        match key {
            'b' => broadcast = true,
            'D' => duplicate = true,
            'U' => announce = true,
            'A' => (announce, advert) = (true, true),
            'q' => quiet = true,
            'f' => first_only = true,
            'c' => count = u32::try_from(number(cx, "arping", &value, 1, i64::from(i32::MAX))?).ok(),
            'w' => {
                let seconds = number(cx, "arping", &value, 0, i64::from(i32::MAX))?.unsigned_abs();
                deadline = (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            'i' => {
                let seconds = number(cx, "arping", &value, 0, i64::from(i32::MAX))?.unsigned_abs();
                // A timer of nothing never rings.
                interval = if seconds == 0 { NEVER } else { Duration::from_secs(seconds) };
            }
            's' => source = Some(value),
            'I' => device = Some(value).filter(|name| !name.is_empty()),
            'V' => {
                cx.print(&version("arping"));
                return Err(Next::Done(0));
            }
            _ => return Err(usage(cx)),
        }
    }
    let [target] = parsed.operands.as_slice() else { return Err(usage(cx)) };
    let dst = match names::aton(target).or_else(|| Names::hosts(cx).of_name(target).map(|(addr, _)| addr)) {
        Some(dst) => dst,
        None => return Err(fail(cx, "arping", 2, &format!("{target}: {}", names::NO_ANSWER))),
    };
    let device = match device {
        Some(name) => name,
        None => guess(cx, dst)?,
    };
    let dev = check(cx, &device, quiet, duplicate)?;
    let source = match source {
        None => None,
        Some(word) => match names::aton(&word) {
            Some(addr) => Some(addr),
            None => return Err(fail(cx, "arping", 2, &format!("invalid source {word}"))),
        },
    };
    let mode = match () {
        () if duplicate => ArpingMode::Duplicate,
        () if advert => ArpingMode::AnnounceReply,
        () if announce => ArpingMode::Announce,
        () if broadcast => ArpingMode::AskBroadcast,
        () => ArpingMode::Ask,
    };
    let arping = Arping { netns: cx.netns.clone(), dev, dst, source, count, interval, deadline, mode };
    match cx.start(Probe::Arping(arping.clone())) {
        Ok(id) => Ok(Running { id, arping, quiet, first_only, answers: 0 }),
        Err(Fault::Refused { errno, .. }) => Err(fail(cx, "arping", 2, &format!("socket: {errno}"))),
        Err(fault) => Err(say::errno(cx, "arping", &fault).map_or_else(|end| end, |_| Next::Done(2))),
    }
}

/// The device of the route (`guess_device`).
fn guess(cx: &mut Context<'_>, dst: Ipv4Addr) -> Result<String, Next> {
    let (netns, dst) = (cx.netns.clone(), dst.into());
    let question = RouteGet::new(netns, dst);
    let dev = match cx.machine.query(&Query::RouteGet(question)) {
        Ok(Answer::Route(got)) => got.route.nexthops.first().and_then(|hop| hop.dev),
        _ => None,
    };
    dev.map(|dev| dev.to_string()).ok_or_else(|| fail(cx, "arping", 1, "NETLINK_ROUTE unexpected iov element"))
}

/// Whether the device is there and speaks ARP (`check_device`).
fn check(cx: &mut Context<'_>, name: &str, quiet: bool, duplicate: bool) -> Result<IfName, Next> {
    let found = match (IfName::new(name), say::state(cx)) {
        (Ok(dev), Ok(state)) => state.config.links.get(&dev).map(|link| (dev, link.up)),
        _ => None,
    };
    let (text, status) = match found {
        None => return Err(fail(cx, "arping", 2, &format!("Device {name} not available."))),
        Some((_, false)) => ("is down", 2),
        Some((dev, true)) if dev == IfName::lo() => ("is not ARPable", if duplicate { 0 } else { 2 }),
        Some((dev, true)) => return Ok(dev),
    };
    if !quiet {
        cx.print(&format!("Interface \"{name}\" {text}\n"));
    }
    Err(Next::Done(status))
}

fn usage(cx: &mut Context<'_>) -> Next {
    cx.complain(USAGE);
    Next::Done(2)
}

/// The first line; `source` is what [`ProbeEvent::Started`] told.
pub fn header(arping: &Arping, source: Option<IpAddr>) -> String {
    let source = source.map_or_else(|| "0.0.0.0".to_owned(), |s| s.to_string());
    format!("ARPING {} from {source} {}\n", arping.dst, arping.dev)
}

/// An answer's line; nothing for other events.
pub fn reply(event: &ProbeEvent) -> String {
    let ProbeEvent::ArpReply { from, mac, unicast, reply, rtt } = event else { return String::new() };
    let how = if *unicast { "Unicast" } else { "Broadcast" };
    let what = if *reply { "reply" } else { "request" };
    // Whole microseconds; arping rounds the milliseconds and then shows the rest as from half a millisecond below.
    let us = (rtt.as_nanos() + 500) / 1000;
    let ms = (us + 500) / 1000;
    let rest = us + 500 - ms * 1000;
    format!("{how} {what} from {from} [{}]  {ms}.{rest:03}ms\n", mac.to_string().to_uppercase())
}

/// The last two lines.
pub fn trailer(outcome: &ArpingOutcome) -> String {
    let mut out = format!("Sent {} probes ({} broadcast(s))\n", outcome.sent, outcome.broadcasts);
    let of_them = [(outcome.requests, "request(s)"), (outcome.broadcast_answers, "broadcast(s)")];
    let of_them: Vec<String> = of_them.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let of_them = if of_them.is_empty() { String::new() } else { format!(" ({})", of_them.join(", ")) };
    let _ = writeln!(out, "Received {} response(s){of_them}", outcome.received);
    out
}

const NEVER: Duration = Duration::from_secs(1 << 32);

const USAGE: &str = "
Usage:
  arping [options] <destination>

Options:
  -f            quit on first reply
  -q            be quiet
  -b            keep on broadcasting, do not unicast
  -D            duplicate address detection mode
  -U            unsolicited ARP mode, update your neighbours
  -A            ARP answer mode, update your neighbours
  -V            print version and exit
  -c <count>    how many packets to send
  -w <timeout>  how long to wait for a reply
  -i <interval> set interval between packets (default: 1 second)
  -I <device>   which ethernet device to use
  -s <source>   source ip address
  <destination> dns name or ip address

For more details see arping(8).
";
