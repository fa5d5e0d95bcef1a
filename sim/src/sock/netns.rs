//! The sockets of a namespace of the simulation: between the IP layer, the clock and the workloads.
//!
//! Kernel counterpart: `tcp_v4_rcv()`, `udp_rcv()`, `icmp_socket_deliver()` as the IP layer calls them, and
//! `ip_queue_xmit()`, `ip_send_skb()` as sockets call it. A namespace without sockets has nothing of this.
//! Deliberately absent: state of the IP layer.

use super::flow::{Flows, Route, Routes};
use super::settings::Settings;
use super::user::Users;
use super::{Input, Sockets, reset_for};
use crate::dev::vxlan;
use crate::event::Event;
use crate::fib::Selectors;
use crate::frame::L2_LEN;
use crate::ip::igmp;
use crate::netns::{Netns, NsId};
use crate::path::Pkt;
use crate::sim::Sim;
use crate::world::World;
use crate::{l3, rules};
use nettwin_model::probe::{IcmpError, Probe, ProbeEvent, ProbeId, Proto, Stop};
use nettwin_model::socket::{Call, Listed, Reply, State};
use nettwin_model::wire::{PROTO_TCP, PROTO_UDP};
use nettwin_model::{Errno, Instant};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The sockets of one namespace, and what runs on them.
pub(crate) struct Transport {
    sockets: Sockets,
    flows: Flows,
    users: Users,
    /// The earliest event that is on its way.
    alarm: Option<Instant>,
    packet: Vec<u8>,
}

struct Ip<'a>(&'a Netns, &'a World);

impl Routes for Ip<'_> {
    fn route(&self, to: SocketAddrV4, source: Option<Ipv4Addr>, proto: Proto) -> Result<Route, Errno> {
        let number = if proto == Proto::Tcp { PROTO_TCP } else { PROTO_UDP };
        let asks = Selectors { dport: to.port(), ..Selectors::proto(number) };
        l3::socket_route(self.0, self.1, *to.ip(), source, asks)
    }

    fn can_bind(&self, addr: Ipv4Addr) -> bool {
        l3::can_bind(self.0, addr)
    }
}

/// A complete IPv4 packet for an address of this namespace that carries TCP or UDP. The frame stays the caller's. On
/// [`Input::NoSocket`] the caller sends the ICMP error (UDP); the RST (TCP) is sent here.
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &Pkt) -> Input {
    let bytes = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(mut transport) = ns.sock.take() else {
        let (verdict, reset) = without_socket(bytes);
        if let Some(packet) = reset {
            send(ns, w, &packet, false);
        }
        return verdict;
    };
    transport.sockets.settings = Settings::of(&ns.sysctl);
    let asks = rules::selectors(ns, bytes).reversed();
    let path = |own, peer| l3::socket_route(ns, w, peer, Some(own), asks).ok().map(|route| route.path);
    let verdict = transport.sockets.input(w.now, bytes, path);
    let reset = if verdict == Input::NoSocket { reset_for(bytes) } else { None };
    ns.sock = Some(transport);
    if let Some(packet) = reset {
        send(ns, w, &packet, false);
    }
    pump(ns, w);
    verdict
}

fn without_socket(bytes: &[u8]) -> (Input, Option<Vec<u8>>) {
    match super::check(bytes) {
        Input::Taken => (Input::NoSocket, reset_for(bytes)),
        bad => (bad, None),
    }
}

/// An ICMP error that quotes a packet of this namespace, from its IP header on; whether it was a TCP or UDP socket's.
pub(crate) fn icmp_error(ns: &mut Netns, w: &mut World, quoted: &[u8], error: IcmpError) -> bool {
    let Some(transport) = &mut ns.sock else { return false };
    let taken = transport.sockets.icmp_error(w.now, quoted, error);
    pump(ns, w);
    taken
}

/// [`Event::Sock`]: something may be due.
pub(crate) fn timer(ns: &mut Netns, w: &mut World) {
    if let Some(transport) = &mut ns.sock {
        if transport.alarm.is_some_and(|at| at <= w.now) {
            transport.alarm = None;
        }
        pump(ns, w);
    }
}

/// Starts a TCP, UDP or listening workload.
pub(crate) fn start(sim: &mut Sim, ns: NsId, id: ProbeId, probe: &Probe) {
    let w = &mut sim.world;
    let Some(ns) = sim.netns.by_id_mut(ns) else { return };
    let mut t = transport(ns, w);
    let ip = Ip(ns, w);
    match probe {
        Probe::Tcp(flow) => t.flows.start_tcp(w.now, &mut t.sockets, &ip, id, flow),
        Probe::Udp(flow) => t.flows.start_udp(w.now, &mut t.sockets, &ip, id, flow),
        Probe::Listen(listen) => t.flows.start_listen(w.now, &mut t.sockets, &ip, id, listen),
        _ => {}
    }
    ns.sock = Some(t);
    pump(ns, w);
}

/// A call of somebody who has a socket of this namespace, or wants one; `fresh` is a number for it.
pub(crate) fn call(ns: &mut Netns, w: &mut World, call: &Call, fresh: ProbeId) -> Result<Reply, Errno> {
    let mut t = transport(ns, w);
    if let Err(errno) = membership(ns, w, &mut t, call) {
        ns.sock = Some(t);
        return Err(errno);
    }
    let reply = t.users.call(w.now, &mut t.sockets, &Ip(ns, w), call, fresh);
    ns.sock = Some(t);
    pump(ns, w);
    reply
}

/// What a call means for the groups of its socket (`ip_mc_join_group`, `ip_mc_leave_group`, `ip_mc_drop_socket`).
fn membership(ns: &mut Netns, w: &mut World, t: &mut Transport, call: &Call) -> Result<(), Errno> {
    match call {
        Call::Join(id, group, at) => {
            let joined = t.users.joined(*id)?;
            if !group.is_multicast() {
                return Err(Errno::EINVAL);
            }
            let dev = igmp::device(ns, w.now, *at, *group)?;
            igmp::join_by(ns, w, joined, dev, *group)
        }
        Call::Leave(id, group, at) => {
            let joined = t.users.joined(*id)?;
            let dev = igmp::device(ns, w.now, *at, *group)?;
            let place = joined.iter().position(|known| *known == (dev, *group)).ok_or(Errno::EADDRNOTAVAIL)?;
            joined.remove(place);
            igmp::leave(ns, w, dev, *group);
            Ok(())
        }
        Call::Close(id) | Call::Abort(id) => {
            for (dev, group) in t.users.take_joined(*id) {
                igmp::leave(ns, w, dev, group);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The namespace's sockets, taken out to be worked with.
fn transport(ns: &mut Netns, w: &World) -> Box<Transport> {
    let mut transport = ns.sock.take().unwrap_or_else(|| {
        let sockets = Sockets::new(w.stream(&format!("sock/{}", ns.name.as_str())));
        let (flows, users) = (Flows::default(), Users::default());
        Box::new(Transport { sockets, flows, users, alarm: None, packet: Vec::new() })
    });
    transport.sockets.settings = Settings::of(&ns.sysctl);
    transport.sockets.reserved = ns.sysctl.ranges.reserved_ports.clone();
    transport
}

/// All sockets of this namespace.
pub(crate) fn list(ns: &Netns, now: Instant) -> Vec<Listed> {
    let mut all = ns.sock.as_ref().map_or(Vec::new(), |t| t.sockets.list(now));
    let none = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    // One of the kernel's own for all tunnels of a port (`vxlan_sock_add`).
    all.extend(vxlan::ports(ns).into_iter().map(|port| Listed {
        proto: Proto::Udp,
        state: State::Close,
        local: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port),
        remote: none,
        received: 0,
        unsent: 0,
    }));
    all.sort_unstable();
    all
}

/// Stops a workload of this namespace.
pub(crate) fn stop(ns: &mut Netns, w: &mut World, id: ProbeId, how: Stop) {
    if let Some(t) = &mut ns.sock {
        t.flows.stop(w.now, &mut t.sockets, id, how);
        pump(ns, w);
    }
}

/// Sends what there is to send, tells the workloads what there is to tell, until there is neither; then sets the alarm.
fn pump(ns: &mut Netns, w: &mut World) {
    let Some(mut t) = ns.sock.take() else { return };
    let mut news = BTreeSet::new();
    loop {
        // The kernel answers a segment before the program that reads it gets the processor.
        while t.sockets.poll(w.now, &mut t.packet) {
            let confirms = t.sockets.confirms(&t.packet);
            send(ns, w, &t.packet, confirms);
        }
        t.flows.expire(w.now, &mut t.sockets);
        match t.sockets.next_news() {
            Some(sock) if t.users.owner(sock).is_some() => news.extend(t.users.owner(sock)),
            Some(sock) => t.flows.news(w.now, &mut t.sockets, &Ip(ns, w), sock),
            None if t.sockets.is_quiet() => break,
            None => {}
        }
    }
    if t.sockets.take_moved() {
        w.ring.refill();
    }
    for (id, event) in t.flows.take_reports() {
        if matches!(event, ProbeEvent::Done(_)) {
            w.probes.take(id);
        }
        w.report(id, event);
    }
    news.into_iter().for_each(|id| w.report(id, ProbeEvent::News));
    let due = [t.sockets.wake_at(), t.flows.wake_at()].into_iter().flatten().min();
    if let Some(at) = due
        && t.alarm.is_none_or(|alarm| at < alarm)
    {
        t.alarm = Some(at);
        w.wheel.schedule(at, Event::Sock { ns: ns.id, key: 0 });
    }
    ns.sock = Some(t);
}

fn send(ns: &mut Netns, w: &mut World, packet: &[u8], confirms: bool) {
    let mut frame = w.new_frame(packet.len());
    w.frames.edit(&mut frame)[L2_LEN..].copy_from_slice(packet);
    l3::socket_send(ns, w, frame, confirms);
}
