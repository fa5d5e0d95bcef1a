//! Who listens in a namespace: the sockets of pings, arpings and traceroutes, as the stages of the path see them.
//!
//! Kernel counterpart: the hash of raw sockets (`net/ipv4/raw.c`), packet sockets, the sockets that a traceroute opens.
//! What is heard goes to [`Probes`](super::Probes)' inbox: a workload acts when the packet's way is at its end, as a process
//! wakes when the softirq is over.

use super::Probes;
use crate::dev::vrf;
use crate::frame::L2_LEN;
use crate::netns::{Ifindex, Netns};
use crate::path::Pkt;
use crate::world::World;
use nettwin_model::Mac;
use nettwin_model::probe::workload::Input;
use nettwin_model::probe::{ArpingMode, IcmpError, ProbeId};
use nettwin_model::wire::{Arp, Icmp, Ipv4, PROTO_ICMP, PROTO_UDP, Udp};
use std::net::Ipv4Addr;

/// One who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ear {
    /// The workload.
    pub(crate) id: ProbeId,
    /// What for.
    pub(crate) kind: EarKind,
}

/// What somebody listens for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EarKind {
    /// Echo replies, and errors about echo requests.
    Ping {
        /// With this identifier.
        ident: u16,
        /// To this destination.
        dst: Ipv4Addr,
        /// By this device only.
        dev: Option<Ifindex>,
        /// To this address only.
        bound: Option<Ipv4Addr>,
    },
    /// Answers to datagrams.
    Trace {
        /// To this destination.
        dst: Ipv4Addr,
        /// Source port, destination port and number of each datagram sent.
        sent: Vec<(u16, u16, u16)>,
    },
    /// ARP.
    Arping {
        /// On this device.
        dev: Ifindex,
        /// What for.
        mode: ArpingMode,
        /// From this address.
        target: Ipv4Addr,
        /// To this address.
        source: Ipv4Addr,
    },
}

/// An echo reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply {
    /// From whom.
    pub(crate) from: Ipv4Addr,
    /// To which address of ours.
    pub(crate) to: Ipv4Addr,
    /// Its TTL on arrival.
    pub(crate) ttl: u8,
    /// ICMP header and payload, bytes.
    pub(crate) bytes: u16,
    /// Its identifier.
    pub(crate) ident: u16,
    /// Its sequence number.
    pub(crate) seq: u16,
}

/// The device that a raw socket takes a packet to have come by (`inet_iif`): what comes over `lo` came by the device that
/// has the address.
fn inet_iif(ns: &Netns, iif: Ifindex, to: Ipv4Addr) -> Ifindex {
    if iif != Ifindex::LO {
        return iif;
    }
    crate::rules::lookup_any(ns, &crate::fib::Flow::to(to)).map_or(iif, |hit| hit.way().dev)
}

/// An echo reply has come.
pub(crate) fn reply_heard(ns: &Netns, w: &mut World, iif: Ifindex, r: &Reply) {
    for ear in ns.l3.ears.iter() {
        let EarKind::Ping { ident, dev, bound, .. } = ear.kind else { continue };
        let fits = ident == r.ident
            && bound.is_none_or(|b| b == r.to)
            && dev.is_none_or(|d| vrf::is_bound(ns, d, inet_iif(ns, iif, r.to)));
        if fits {
            w.probes.tell(ear.id, Input::EchoReply { from: r.from, seq: r.seq, ttl: r.ttl, bytes: r.bytes });
        }
    }
}

/// An ICMP error has come that quotes `quoted`. Returns whether it was about a packet of somebody here, or of the kernel.
pub(crate) fn error_heard(
    ns: &Netns,
    w: &mut World,
    pkt: &Pkt,
    from: Ipv4Addr,
    quoted: &[u8],
    error: IcmpError,
) -> bool {
    let Some(ip) = Ipv4::unsummed(quoted) else { return false };
    let payload = &quoted[ip.header_len()..];
    match ip.proto() {
        PROTO_ICMP => about_echo(ns, w, pkt, from, &ip, payload, error),
        PROTO_UDP => about_datagram(ns, w, from, ip.dst(), payload, error),
        _ => false,
    }
}

fn about_echo(
    ns: &Netns,
    w: &mut World,
    pkt: &Pkt,
    from: Ipv4Addr,
    ip: &Ipv4<'_>,
    payload: &[u8],
    error: IcmpError,
) -> bool {
    let Some(icmp) = Icmp::new(payload) else { return false };
    if icmp.kind() == Icmp::ECHO_REPLY {
        // An answer of the kernel's own (icmp_err).
        return true;
    }
    let mut heard = false;
    for ear in ns.l3.ears.iter() {
        let EarKind::Ping { ident, dst, dev, bound } = ear.kind else { continue };
        if icmp.kind() != Icmp::ECHO || ident != icmp.ident() || dst != ip.dst() || bound.is_some_and(|b| b != ip.src())
        {
            continue;
        }
        heard = true;
        let seq = icmp.seq();
        if dev.is_none_or(|d| vrf::is_bound(ns, d, pkt.iif)) {
            w.probes.tell(ear.id, Input::IcmpError { from, seq, error });
        } else if dev == Some(inet_iif(ns, pkt.iif, ip.src())) {
            w.probes.tell(ear.id, Input::ErrorOverheard { seq });
        }
    }
    heard
}

fn about_datagram(ns: &Netns, w: &mut World, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8], error: IcmpError) -> bool {
    let Some(udp) = Udp::quoted(payload) else { return false };
    let Some((id, seq)) = traced(ns, to, udp.src_port(), udp.dst_port()) else { return false };
    w.probes.tell(id, Input::IcmpError { from, seq, error });
    true
}

/// The traceroute that sent a datagram to `dst` by these ports, and the datagram's number.
fn traced(ns: &Netns, to: Ipv4Addr, source: u16, port: u16) -> Option<(ProbeId, u16)> {
    ns.l3.ears.iter().find_map(|ear| {
        let EarKind::Trace { dst, sent } = &ear.kind else { return None };
        let one = sent.iter().find(|s| (s.0, s.1) == (source, port))?;
        (*dst == to).then_some((ear.id, one.2))
    })
}

/// A datagram has come; returns whether it was an answer to a traceroute's.
pub(crate) fn datagram_heard(ns: &Netns, w: &mut World, pkt: &Pkt) -> bool {
    if ns.l3.ears.is_empty() {
        return false;
    }
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else { return false };
    let Some(udp) = Udp::new(&packet[ip.header_len()..]) else { return false };
    let from = ip.src();
    let Some((id, seq)) = traced(ns, from, udp.dst_port(), udp.src_port()) else { return false };
    w.probes.tell(id, Input::DatagramReply { from, seq });
    true
}

/// An ARP packet has come (`recv_pack()` of arping's packet socket).
pub(crate) fn arp_heard(ns: &Netns, w: &mut World, dev: Ifindex, arp: &Arp, unicast: bool) {
    let Some(mac) = ns.dev(dev).map(|d| d.mac) else { return };
    for ear in ns.l3.ears.iter() {
        let EarKind::Arping { dev: on, mode, target, source } = ear.kind else { continue };
        if on == dev && arp.spa == target && is_for(arp, mode, source, mac) {
            let reply = arp.op == Arp::REPLY;
            w.probes.tell(ear.id, Input::Arp { from: arp.spa, mac: arp.sha, unicast, reply });
        }
    }
}

fn is_for(arp: &Arp, mode: ArpingMode, source: Ipv4Addr, mac: Mac) -> bool {
    match mode {
        ArpingMode::Duplicate => arp.sha != mac && (source.is_unspecified() || arp.tpa == source),
        _ => arp.tpa == source && arp.tha == mac,
    }
}

/// A device went down: packet sockets on it say so.
pub(crate) fn link_down(ns: &Netns, probes: &mut Probes, dev: Ifindex) {
    for ear in ns.l3.ears.iter() {
        if matches!(ear.kind, EarKind::Arping { dev: on, .. } if on == dev) {
            let errno = nettwin_model::Errno::ENETDOWN;
            probes.tell(ear.id, Input::SendFailed { seq: 0, errno, mtu: None });
        }
    }
}
