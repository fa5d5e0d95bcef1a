//! What a workload prints while it runs, in the words of the tool it stands for.
//!
//! Counterpart: ping, arping, traceroute (their texts are in `commands`); what TCP and UDP flows say is our own, as there
//! is no one tool for it. Deliberately absent: where it goes.

use commands::ping::{Lines, PingText};
use nettwin::model::Errno;
use nettwin::model::probe::{Arping, FlowOutcome, Outcome, Probe, ProbeEvent, Trace};
use nettwin_commands as commands;
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A workload's transcript: feed it the events in order.
pub(crate) enum Transcript {
    Ping(PingText),
    Arping(Arping),
    Trace(Trace),
    /// TCP or UDP to this port.
    Flow {
        proto: &'static str,
        to: (Ipv4Addr, u16),
    },
    /// Servers, captures and frames say nothing.
    Silent,
}

impl Transcript {
    /// Of this workload, begun before its first event.
    pub(crate) fn new(probe: &Probe) -> Self {
        match probe {
            Probe::Ping(p) => Transcript::Ping(PingText::new(p)),
            Probe::Arping(p) => Transcript::Arping(p.clone()),
            Probe::Trace(p) => Transcript::Trace(p.clone()),
            Probe::Tcp(p) => Transcript::Flow { proto: "tcp", to: (p.dst, p.port) },
            Probe::Udp(p) => Transcript::Flow { proto: "udp", to: (p.dst, p.port) },
            Probe::Listen(_) | Probe::Capture(_) | Probe::Frames(_) => Transcript::Silent,
        }
    }

    /// What this event prints.
    pub(crate) fn event(&mut self, event: &ProbeEvent) -> Lines {
        match self {
            Transcript::Ping(text) => text.event(event),
            Transcript::Arping(arping) => match event {
                ProbeEvent::Started { source } => out(commands::arping::header(arping, *source)),
                ProbeEvent::Done(Outcome::Arping(outcome)) => out(commands::arping::trailer(outcome)),
                ProbeEvent::Done(Outcome::Failed(errno)) => failed("arping", errno),
                other => out(commands::arping::reply(other)),
            },
            Transcript::Trace(trace) => match event {
                ProbeEvent::Started { .. } => out(commands::trace::header(trace)),
                ProbeEvent::Hop(hop) => out(commands::trace::hop(hop)),
                ProbeEvent::Done(Outcome::Failed(errno)) => failed("connect", errno),
                _ => Lines::default(),
            },
            Transcript::Flow { proto, to: (addr, port) } => match event {
                ProbeEvent::Connected { after } => out(format!("connected to {addr}:{port} in {}\n", ms(*after))),
                ProbeEvent::Done(Outcome::Tcp(flow) | Outcome::Udp(flow)) => flow_end(flow, proto, *addr, *port),
                ProbeEvent::Done(Outcome::Failed(errno)) => failed(format_args!("{proto} {addr}:{port}"), errno),
                _ => Lines::default(),
            },
            Transcript::Silent => Lines::default(),
        }
    }
}

fn flow_end(flow: &FlowOutcome, proto: &str, addr: Ipv4Addr, port: u16) -> Lines {
    let time = ms(flow.time);
    match flow.error {
        Some(Errno::ETIMEDOUT) => Lines { err: format!("{proto} {addr}:{port}: no answer in {time}\n"), ..out("") },
        Some(errno) => failed(format_args!("{proto} {addr}:{port}"), &errno),
        None if flow.intact => out(format!("{} bytes to {addr}:{port} and back in {time}\n", flow.sent)),
        None => out(format!("{} bytes to {addr}:{port}, {} other bytes back in {time}\n", flow.sent, flow.received)),
    }
}

fn out(text: impl Into<String>) -> Lines {
    Lines { out: text.into(), err: String::new() }
}

fn failed(who: impl Display, errno: &Errno) -> Lines {
    Lines { err: format!("{who}: {errno}\n"), ..Lines::default() }
}

fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
