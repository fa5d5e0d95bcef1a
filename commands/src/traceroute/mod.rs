//! `traceroute`.
//!
//! Counterpart: `do_it()`, `print_header()` and `print_probe()` of traceroute 2.1.2. Every probe's part of a line goes out as
//! soon as it is settled. Deliberately absent: IPv6, AS numbers, ICMP extensions.

mod help;
mod options;

use crate::job::{Context, Invocation, Job, Next, Signal, Waits, Wake};
use crate::names::Names;
use crate::say;
use crate::trace::{mark, ms};
use nettwin_model::probe::{Hop, Outcome, Probe, ProbeEvent, Trace, TraceMethod};
use nettwin_model::{Errno, Fault};
use options::Options;
use std::net::Ipv4Addr;

/// Begins `traceroute`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(TracerouteJob { words: invocation.words.clone(), running: None })
}

struct TracerouteJob {
    words: Vec<String>,
    running: Option<Running>,
}

struct Running {
    trace: Trace,
    header: String,
    names: Option<Names>,
    /// The last that answered in this hop, and how many probes of it were told of.
    last: Option<Ipv4Addr>,
    told: u8,
}

impl Job for TracerouteJob {
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

    fn signal(&mut self, _: &mut Context<'_>, _: Signal) -> Option<Next> {
        None
    }
}

fn begin(cx: &mut Context<'_>, words: &[String]) -> Result<Running, Next> {
    let options = Options::parse(cx, words)?;
    let trace = options.trace;
    let header = format!(
        "traceroute to {} ({}), {} hops max, {} byte packets",
        options.target, trace.dst, trace.max_hops, trace.packet_len
    );
    let names = if options.numeric { None } else { Some(Names::hosts(cx)) };
    match cx.start(Probe::Trace(trace.clone())) {
        Ok(_) => Ok(Running { trace, header, names, last: None, told: 0 }),
        Err(fault @ Fault::Refused { .. }) => {
            cx.complain(&format!("socket: {fault}\n"));
            Err(Next::Done(1))
        }
        Err(fault) => Err(say::errno(cx, "traceroute", &fault).map_or_else(|end| end, |_| Next::Done(1))),
    }
}

impl Running {
    fn event(&mut self, cx: &mut Context<'_>, event: &ProbeEvent) -> Next {
        match event {
            ProbeEvent::Started { .. } => {
                let header = std::mem::take(&mut self.header);
                cx.print(&header);
            }
            ProbeEvent::Hop(hop) => {
                let text = self.probe(hop);
                cx.print(&text);
            }
            ProbeEvent::Done(Outcome::Failed(errno)) => {
                // A datagram's socket is opened behind the header, that of the echo requests before it.
                if self.trace.method != TraceMethod::Icmp {
                    let header = std::mem::take(&mut self.header);
                    cx.print(&header);
                }
                let call = if *errno == Errno::EADDRNOTAVAIL { "bind" } else { "connect" };
                cx.complain(&format!("\n{call}: {errno}\n"));
                return Next::Done(1);
            }
            ProbeEvent::Done(_) => {
                cx.print("\n");
                return Next::Done(0);
            }
            _ => {}
        }
        Next::Wait(Waits::default())
    }

    /// What one probe adds.
    fn probe(&mut self, hop: &Hop) -> String {
        let mut out = String::new();
        if self.told == 0 {
            out += &format!("\n{:2} ", hop.ttl);
            self.last = None;
        }
        self.told = (self.told + 1) % self.trace.per_hop.max(1);
        let Some((from, error, time)) = hop.answer else { return out + " *" };
        if self.last != Some(from) {
            out += &match &self.names {
                None => format!(" {from}"),
                Some(names) => match names.of_addr(from) {
                    Some(name) => format!(" {name} ({from})"),
                    None => format!(" {from} ({from})"),
                },
            };
        }
        self.last = Some(from);
        out + &format!("  {} ms{}", ms(time), mark(error))
    }
}
