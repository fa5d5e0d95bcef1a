//! Workloads that are state machines: what happened goes in, what they want done comes out and is done.
//!
//! Counterpart: the loop of a process around its socket. Deliberately absent: when to send and when to stop (that is in
//! `nettwin_model::probe`).

use super::ear::{Ear, EarKind};
use super::{Running, Work, finish, packets};
use crate::fib::{Flow, Selectors};
use crate::ip::output::{self, SendError};
use crate::netns::{Ifindex, Netns, NsId};
use crate::sim::Sim;
use crate::world::World;
use crate::{l3, path};
use nettwin_model::probe::workload::{Act, Input, Workload};
use nettwin_model::probe::{
    Arping, ArpingMode, ArpingRun, Ping, PingRun, PmtuDisc, Probe, ProbeId, Trace, TraceMethod, TraceRun,
};
use nettwin_model::probe::{WakeAt, payload};
use nettwin_model::wire::PROTO_UDP;
use nettwin_model::{Errno, Fault, IfName, RouteKind, Scope};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// A state machine with what it needs to send.
pub(crate) struct Machine {
    workload: Box<dyn Workload + Send>,
    kind: Kind,
    /// When its next wake-up is scheduled.
    scheduled: WakeAt,
}

/// What it sends.
pub(crate) enum Kind {
    /// Echo requests.
    Ping {
        /// As asked for.
        ping: Ping,
        /// The identifier.
        ident: u16,
    },
    /// ARP.
    Arping {
        /// As asked for.
        arping: Arping,
        /// The sender's address.
        source: Ipv4Addr,
    },
    /// Datagrams or echo requests.
    Trace {
        /// As asked for.
        trace: Trace,
        /// The identifier of its echo requests.
        ident: u16,
    },
}

/// Starts one of the workloads that are state machines.
pub(super) fn start(sim: &mut Sim, ns: NsId, probe: &Probe) -> Result<ProbeId, Fault> {
    let id = sim.world.probes.next_id();
    let netns = sim.netns.by_id_mut(ns).ok_or_else(|| Fault::errno(Errno::ENOENT))?;
    let w = &mut sim.world;
    let (workload, kind, opened): (Box<dyn Workload + Send>, Kind, _) = match probe {
        Probe::Ping(ping) => {
            let dev = device(netns, ping.dev)?;
            let ident = ping.ident.unwrap_or_else(|| free_ident(netns, w, id));
            let opened = open_ping(netns, w, ping, dev.unwrap_or(Ifindex::NONE));
            let ear = EarKind::Ping { ident, dst: ping.dst, dev, bound: ping.source };
            netns.l3.ears.push(Ear { id, kind: ear });
            (Box::new(PingRun::new(ping)), Kind::Ping { ping: ping.clone(), ident }, opened)
        }
        Probe::Trace(trace) => {
            let opened = open_trace(netns, w, trace);
            let ident = w.stream(&format!("echo identifier {}", id.0)).next_u32() as u16;
            let kind = match trace.method {
                TraceMethod::Icmp => EarKind::Ping { ident, dst: trace.dst, dev: None, bound: trace.source },
                TraceMethod::Udp | TraceMethod::UdpToPort => EarKind::Trace { dst: trace.dst, sent: Vec::new() },
            };
            netns.l3.ears.push(Ear { id, kind });
            (Box::new(TraceRun::new(trace)), Kind::Trace { trace: trace.clone(), ident }, opened)
        }
        Probe::Arping(arping) => {
            let dev = device(netns, Some(arping.dev))?.unwrap_or(Ifindex::NONE);
            let opened = open_arping(netns, w, arping, dev);
            let source = opened.unwrap_or(Ipv4Addr::UNSPECIFIED);
            let ear = EarKind::Arping { dev, mode: arping.mode, target: arping.dst, source };
            netns.l3.ears.push(Ear { id, kind: ear });
            (Box::new(ArpingRun::new(arping)), Kind::Arping { arping: arping.clone(), source }, opened)
        }
        _ => return Err(Fault::Broken("this workload is no state machine".into())),
    };
    let machine = Machine { workload, kind, scheduled: None };
    w.probes.put(id, Running { ns, work: Work::Machine(Box::new(machine)) });
    let input = match opened {
        Ok(source) => Input::Opened { source },
        Err(errno) => Input::OpenFailed(errno),
    };
    step(sim, id, input);
    Ok(id)
}

fn device(ns: &Netns, name: Option<IfName>) -> Result<Option<Ifindex>, Fault> {
    let find = |name| ns.devs.by_name(name).ok_or_else(|| Fault::errno(Errno::ENODEV));
    name.map(find).transpose()
}

/// An identifier that no other ping of the namespace has, as ping sockets have it (`ping_get_port`).
fn free_ident(ns: &Netns, w: &World, id: ProbeId) -> u16 {
    let mut stream = w.stream(&format!("echo identifier {}", id.0));
    let taken = |drawn| ns.l3.ears.iter().any(|ear| matches!(ear.kind, EarKind::Ping { ident, .. } if ident == drawn));
    // After as many draws as there are identifiers even a taken one will do.
    let mut drawn = 0;
    for _ in 0..=u16::MAX {
        drawn = stream.next_u32() as u16; // its low half
        if !taken(drawn) {
            break;
        }
    }
    drawn
}

/// ping finds its source by connecting a UDP socket, unless it is told one: then it binds.
fn open_ping(ns: &Netns, w: &World, ping: &Ping, dev: Ifindex) -> Result<Ipv4Addr, Errno> {
    match ping.source {
        Some(source) if !l3::can_bind(ns, source) => Err(Errno::EADDRNOTAVAIL),
        Some(source) => Ok(source),
        None => {
            let asks = Selectors { mark: ping.mark, ..Selectors::default() };
            connect(ns, w, &Flow { oif: dev, tos: ping.tos, asks, ..Flow::to(ping.dst) }, ping.broadcast)
        }
    }
}

fn open_trace(ns: &Netns, w: &World, trace: &Trace) -> Result<Ipv4Addr, Errno> {
    if trace.source.is_some_and(|source| !l3::can_bind(ns, source)) {
        return Err(Errno::EADDRNOTAVAIL);
    }
    let found = connect(ns, w, &Flow::to(trace.dst), false)?;
    Ok(trace.source.unwrap_or(found))
}

/// The source that `connect` gives a UDP socket (`ip4_datagram_connect`).
fn connect(ns: &Netns, w: &World, flow: &Flow, broadcast: bool) -> Result<Ipv4Addr, Errno> {
    // ping connects to port 1025.
    let asks = Selectors { dport: 1025, mark: flow.asks.mark, ..Selectors::proto(PROTO_UDP) };
    let dst = output::route(ns, w.now, &Flow { asks, ..*flow })?;
    if flow.src.is_unspecified() && dst.src.is_multicast() {
        // It is asked once more, from the address found (ip_route_connect).
        return Err(Errno::EINVAL);
    }
    if dst.kind == RouteKind::Broadcast && !broadcast {
        return Err(Errno::EACCES);
    }
    Ok(dst.src)
}

fn open_arping(ns: &Netns, w: &World, arping: &Arping, dev: Ifindex) -> Result<Ipv4Addr, Errno> {
    let Some(d) = ns.dev(dev) else { return Err(Errno::ENODEV) };
    if !d.up {
        return Err(Errno::ENETDOWN);
    }
    if d.is_loopback() {
        return Err(Errno::EOPNOTSUPP);
    }
    let bind = |addr: Ipv4Addr| if ns.l3.fib.is_local(addr) { Ok(addr) } else { Err(Errno::EADDRNOTAVAIL) };
    match (arping.source, arping.mode) {
        (Some(source), ArpingMode::Duplicate) if source.is_unspecified() => Ok(source),
        (Some(source), _) => bind(source),
        (None, ArpingMode::Duplicate) => Ok(Ipv4Addr::UNSPECIFIED),
        (None, ArpingMode::Announce | ArpingMode::AnnounceReply) => bind(arping.dst),
        (None, ArpingMode::Ask | ArpingMode::AskBroadcast) => {
            // SO_DONTROUTE: only routes whose destination is on the link.
            let flow = Flow { oif: dev, scope: Scope::LINK, ..Flow::to(arping.dst) };
            let dst = output::route(ns, w.now, &flow)?;
            if dst.kind == RouteKind::Broadcast { Err(Errno::EACCES) } else { Ok(dst.src) }
        }
    }
}

/// Feeds a workload what happened, and does what it wants. What it sends goes its whole way before it goes on, as the
/// softirq runs before a system call returns.
pub(super) fn step(sim: &mut Sim, id: ProbeId, input: Input) {
    let Some(mut running) = sim.world.probes.take(id) else { return };
    let Work::Machine(machine) = &mut running.work else {
        sim.world.probes.put(id, running);
        return;
    };
    let now = sim.world.now;
    let mut acts = VecDeque::from(machine.workload.step(now, input));
    while let Some(act) = acts.pop_front() {
        let Some(ns) = sim.netns.by_id_mut(running.ns) else { return };
        let failed = match act {
            Act::Report(event) => {
                sim.world.report(id, event);
                continue;
            }
            Act::Finish(outcome) => {
                if let Some(ears) = ns.l3.ears.used_mut() {
                    ears.retain(|ear| ear.id != id);
                }
                return finish(&mut sim.world, id, outcome);
            }
            act => send(ns, &mut sim.world, id, &machine.kind, &act).err(),
        };
        path::drain(&mut sim.netns, &mut sim.world);
        if let Some((seq, SendError { errno, mtu })) = failed {
            let more = machine.workload.step(now, Input::SendFailed { seq, errno, mtu });
            more.into_iter().rev().for_each(|act| acts.push_front(act));
        }
    }
    machine.schedule(&mut sim.world, id);
    sim.world.probes.put(id, running);
}

impl Machine {
    fn schedule(&mut self, w: &mut World, id: ProbeId) {
        let Some(at) = self.workload.wake_at() else { return };
        let at = at.max(w.now);
        if self.scheduled.is_none_or(|s| s != at || s <= w.now) {
            self.scheduled = Some(at);
            w.wheel.schedule(at, crate::event::Event::Probe { id: id.0 });
        }
    }

    /// Whether it wants to be woken now; wake-ups are never taken back.
    pub(super) fn is_due(&mut self, w: &World) -> bool {
        if self.scheduled == Some(w.now) {
            self.scheduled = None;
        }
        self.workload.wake_at().is_some_and(|at| at <= w.now)
    }
}

/// A traceroute's echo request, as a ping's.
fn traced_echo(trace: &Trace, ttl: u8) -> Ping {
    let pattern = (0..64).map(payload::trace_byte).collect();
    Ping {
        source: trace.source,
        size: trace.packet_len.saturating_sub(28),
        ttl: Some(ttl),
        tos: trace.tos,
        pmtudisc: PmtuDisc::Dont,
        pattern,
        ..Ping::new(trace.netns.clone(), trace.dst, 1)
    }
}

/// Sends what an act says.
fn send(ns: &mut Netns, w: &mut World, id: ProbeId, kind: &Kind, act: &Act) -> Result<(), (u16, SendError)> {
    match (kind, act) {
        (Kind::Ping { ping, ident }, &Act::Echo { seq }) => {
            packets::echo(ns, w, ping, *ident, seq).map_err(|e| (seq, e))
        }
        (Kind::Trace { trace, ident }, &Act::Datagram { seq, ttl, .. }) if trace.method == TraceMethod::Icmp => {
            packets::echo(ns, w, &traced_echo(trace, ttl), *ident, seq).map_err(|e| (seq, e))
        }
        (Kind::Trace { trace, .. }, &Act::Datagram { seq, port, ttl }) => {
            packets::datagram(ns, w, id, trace, seq, port, ttl).map_err(|e| (seq, e))
        }
        (Kind::Arping { arping, source }, &Act::Arp { to }) => {
            packets::arp(ns, w, arping, *source, to).map_err(|e| (0, e))
        }
        _ => Ok(()),
    }
}
