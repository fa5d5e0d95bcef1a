//! Expectations as probes: names become addresses, and servers are put where connections go: behind a `dnat` or a `redirect`
//! where that sends them.
//!
//! Deliberately absent: running them and judging the outcome (a machine runs the probe, [`Want::is_met`] judges).

use crate::complaint::{Complaint, Placed};
use crate::firewall::NatIntent;
use crate::layout::{Device, Layout};
use crate::name::NetnsName;
use crate::paths::addresses;
use crate::probe::{Listen, Ping, Probe, Proto, TcpFlow, UdpFlow, Verdict};
use crate::rules::{Level4, NatKind};
use crate::topology::{Expect, Flow, Target, Topology, Want};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

/// An expectation, ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As a person says it: `ping h1 -> h2`.
    pub text: String,
    /// What to send.
    pub probe: Probe,
    /// The server to put there first, if one is needed.
    pub listen: Option<Listen>,
    /// What should become of it.
    pub want: Want,
    /// When, since all was up; when the timeline is over otherwise.
    pub at: Option<Duration>,
    /// Where the topology's text says it.
    pub span: Option<Range<usize>>,
}

impl Want {
    /// The file's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Want::Allowed => "allowed",
            Want::Denied => "denied",
            Want::Exactly(verdict) => verdict_word(verdict),
        }
    }
}

/// The file's word for a verdict.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reached => "reached",
        Verdict::Refused => "refused",
        Verdict::NetUnreachable => "net-unreachable",
        Verdict::HostUnreachable => "host-unreachable",
        Verdict::Prohibited => "prohibited",
        Verdict::TtlExceeded => "ttl-exceeded",
        Verdict::TooBig => "too-big",
        Verdict::Timeout => "timeout",
        Verdict::Failed => "failed",
    }
}

/// The expectations of a topology, in order; those with names that lead nowhere are said and left out.
pub(crate) fn resolve(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) -> Vec<Expectation> {
    let mut resolved = Vec::new();
    for expect in &t.expectations {
        match one(t, layout, expect) {
            Ok(expectation) => resolved.push(expectation),
            Err(complaint) => out.push(complaint),
        }
    }
    resolved
}

/// One expectation.
pub(crate) fn one(t: &Topology, layout: &Layout, e: &Expect) -> Result<Expectation, Complaint> {
    let netns = t.locate_netns(&e.from.value, e.from.span)?;
    let (dst, holder) = destination(t, layout, &netns, &e.to)?;
    if let Some(source) = &e.source
        && !has(layout, &netns, source.value)
    {
        let message = format!("{netns} does not have the source address {}", source.value);
        return Err(Complaint::error("bad-address", source.span, message).help("write one of its own addresses"));
    }
    let source = e.source.map(|s| s.value);
    let timeout = e.timeout;
    let from = netns.clone();
    let listener = |wanted: bool, proto, port| {
        let place = holder.clone().filter(|_| wanted)?;
        // A namespace's own connections do not come in to it.
        let sent_on = if place == from { None } else { sent_on(t, layout, &place, (dst, proto, port)) };
        let (netns, addr, port) = sent_on.unwrap_or((place, dst, port));
        Some(Listen { netns, proto, addr: Some(addr), port })
    };
    let (kind, port, probe, listen) = match e.flow {
        Flow::Ping { count, interval, size, ttl } => {
            let ping = Ping { source, interval, size, ttl, linger: timeout, ..Ping::new(netns, dst, count) };
            ("ping", None, Probe::Ping(ping), None)
        }
        Flow::Tcp { port, bytes, listen } => {
            let flow = TcpFlow { netns, dst, port, source, bytes, timeout };
            ("tcp", Some(port), Probe::Tcp(flow), listener(listen, Proto::Tcp, port))
        }
        Flow::Udp { port, size, listen } => {
            let flow = UdpFlow { netns, dst, port, source, source_port: None, size, timeout };
            ("udp", Some(port), Probe::Udp(flow), listener(listen, Proto::Udp, port))
        }
    };
    let port = port.map_or(String::new(), |p| format!(":{p}"));
    let text = format!("{kind} {} -> {}{port}", e.from.value, e.to.value);
    Ok(Expectation { text, probe, listen, want: e.result, at: e.at, span: e.span.range() })
}

/// Where the `nat` of a namespace sends on connections to one of its addresses: the first line that is about them decides, by
/// whichever device they come.
fn sent_on(
    t: &Topology,
    layout: &Layout,
    at: &NetnsName,
    (dst, proto, port): (Ipv4Addr, Proto, u16),
) -> Option<(NetnsName, Ipv4Addr, u16)> {
    let level = if proto == Proto::Tcp { Level4::Tcp } else { Level4::Udp };
    let is_about = |n: &&NatIntent| {
        let to = n.packets.to.is_none_or(|net| net.span().has(dst.to_bits().into()));
        let service = n
            .packets
            .service
            .is_none_or(|s| s.proto == level && s.ports.is_none_or(|(lo, hi)| (lo..=hi).contains(&port)));
        matches!(n.kind, NatKind::Dnat | NatKind::Redirect)
            && !n.packets.icmp
            && n.packets.from.is_none()
            && to
            && service
    };
    let line = t.netns.get(at)?.nat.iter().map(|line| &line.value).find(is_about)?;
    let port = line.ports.map_or(port, |(lo, hi)| if (lo..=hi).contains(&port) { port } else { lo });
    match line.addrs {
        Some((addr, _)) => {
            let holder = layout.netns.keys().find(|n| has(layout, n, addr))?;
            Some((holder.clone(), addr, port))
        }
        None => Some((at.clone(), dst, port)),
    }
}

/// The address that a target means to `from`, and the namespace that has it, if one has.
fn destination(
    t: &Topology,
    layout: &Layout,
    from: &NetnsName,
    to: &Placed<Target>,
) -> Result<(Ipv4Addr, Option<NetnsName>), Complaint> {
    let name = match &to.value {
        Target::Addr(addr) => {
            let holder = match has(layout, from, *addr) {
                true => Some(from.clone()),
                false => layout.netns.keys().find(|n| has(layout, n, *addr)).cloned(),
            };
            return Ok((*addr, holder));
        }
        Target::Netns(name) => t.locate_netns(name, to.span)?,
    };
    let own = |netns: &NetnsName| -> Vec<_> {
        let devices = layout.netns.get(netns).into_iter().flat_map(|d| d.values());
        devices.flat_map(addresses).filter(|(a, _)| !a.is_loopback()).collect()
    };
    let (theirs, ours) = (own(&name), own(from));
    let shared = theirs.iter().find(|(a, _)| ours.iter().any(|(_, net)| net.contains((*a).into())));
    match shared.or(theirs.first()) {
        Some((addr, _)) => Ok((*addr, Some(name))),
        None => {
            let message = format!("{name} has no address to send to");
            let help = format!("give it one: interfaces.eth0.addresses = [\"10.0.0.2/24\"] under [netns.{name}]");
            Err(Complaint::error("no-address", to.span, message).help(help))
        }
    }
}

fn has(layout: &Layout, netns: &NetnsName, addr: Ipv4Addr) -> bool {
    let on = |d: &Device| addresses(d).iter().any(|(a, _)| *a == addr);
    layout.netns.get(netns).is_some_and(|devices| devices.values().any(on))
}
