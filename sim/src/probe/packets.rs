//! The packets of pings, traceroutes and arpings, as their sockets send them.
//!
//! Kernel counterpart: `raw_sendmsg()`, `udp_sendmsg()`, `packet_snd()`.

use super::ear::EarKind;
use crate::fib::{Flow, Selectors};
use crate::frame::L2_LEN;
use crate::ip::output::{self, SendError, Sender, new_packet};
use crate::netns::{Ifindex, Netns};
use crate::path::{self, Fate, Pkt, Stage};
use crate::world::World;
use nettwin_model::probe::{Arping, ArpingMode, Ping, PmtuDisc, ProbeId, Trace, payload};
use nettwin_model::wire::{
    Arp, ICMP_LEN, IPV4_LEN, Icmp, Ipv4Header, PROTO_ICMP, PROTO_UDP, UDP_LEN, write_icmp, write_udp,
};
use nettwin_model::{Errno, Mac, RouteKind};
use std::net::Ipv4Addr;

fn plain(errno: Errno) -> SendError {
    SendError { errno, mtu: None }
}

/// Longer than a packet may be. What `raw_sendmsg()` refuses by itself nobody hears of by the error queue.
fn too_long(size: u16, dst: &output::Dst) -> SendError {
    let heard = ICMP_LEN + usize::from(size) <= usize::from(u16::MAX);
    SendError { errno: Errno::EMSGSIZE, mtu: heard.then_some(dst.mtu) }
}

/// An echo request. ENOBUFS is told, since ping asks for errors (`IP_RECVERR`).
pub(super) fn echo(ns: &mut Netns, w: &mut World, ping: &Ping, ident: u16, seq: u16) -> Result<(), SendError> {
    let oif = match ping.dev {
        Some(name) => ns.devs.by_name(name).ok_or(plain(Errno::ENODEV))?,
        None => Ifindex::NONE,
    };
    let src = ping.source.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let asks = Selectors { mark: ping.mark, ..Selectors::icmp(Icmp::ECHO, 0) };
    let flow = Flow { src, tos: ping.tos, oif, asks, ..Flow::to(ping.dst) };
    let dst = output::Dst { mark: ping.mark, ..output::route(ns, w.now, &flow).map_err(plain)? };
    if dst.kind == RouteKind::Broadcast && !ping.broadcast {
        return Err(plain(Errno::EACCES));
    }
    let total = IPV4_LEN + ICMP_LEN + usize::from(ping.size);
    let header = Ipv4Header {
        tos: ping.tos,
        total_len: u16::try_from(total).map_err(|_| too_long(ping.size, &dst))?,
        id: 0,
        df: false,
        // Groups are not left unless asked (IP_MULTICAST_TTL).
        ttl: ping.ttl.unwrap_or(if dst.kind == RouteKind::Multicast { 1 } else { dst.ttl(ns) }),
        proto: PROTO_ICMP,
        src: dst.src,
        dst: dst.dst,
    };
    let mut frame = new_packet(w, &header);
    let message = &mut w.frames.edit(&mut frame)[L2_LEN + IPV4_LEN..];
    message[ICMP_LEN..].copy_from_slice(&payload::echo(ping.size, &ping.pattern));
    write_icmp(message, Icmp::ECHO, 0, u32::from(ident) << 16 | u32::from(seq));
    let many = dst.kind == RouteKind::Broadcast && ping.source.is_none() || ping.dst.is_multicast();
    // To many, ping fragments only if told to.
    let disc = if many && ping.pmtudisc == PmtuDisc::Want { PmtuDisc::Do } else { ping.pmtudisc };
    output::send(ns, w, &dst, disc, frame, Sender::Call)
}

/// A traceroute's datagram, from a socket and an ephemeral port of its own. Never DF.
pub(super) fn datagram(
    ns: &mut Netns,
    w: &mut World,
    id: ProbeId,
    trace: &Trace,
    seq: u16,
    port: u16,
    ttl: u8,
) -> Result<(), SendError> {
    let src = trace.source.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let asks = Selectors { dport: port, ..Selectors::proto(PROTO_UDP) };
    let flow = Flow { src, tos: trace.tos, asks, ..Flow::to(trace.dst) };
    let dst = output::route(ns, w.now, &flow).map_err(plain)?;
    if dst.kind == RouteKind::Broadcast {
        return Err(plain(Errno::EACCES));
    }
    let source = source_port(ns, w, id, seq);
    for ear in ns.l3.ears.used_mut().into_iter().flatten() {
        if let EarKind::Trace { sent, .. } = &mut ear.kind
            && ear.id == id
        {
            sent.push((source, port, seq));
        }
    }
    let header = Ipv4Header {
        tos: trace.tos,
        total_len: trace.packet_len.max(28),
        id: 0,
        df: false,
        ttl,
        proto: PROTO_UDP,
        src: dst.src,
        dst: dst.dst,
    };
    let mut frame = new_packet(w, &header);
    let data = &mut w.frames.edit(&mut frame)[L2_LEN + IPV4_LEN..];
    data[UDP_LEN..].iter_mut().enumerate().for_each(|(i, b)| *b = payload::trace_byte(i));
    write_udp(data, (dst.src, source), (dst.dst, port));
    output::send(ns, w, &dst, PmtuDisc::Dont, frame, Sender::Call)
}

/// A port that no traceroute here uses, at random as the kernel's ephemeral ports are.
fn source_port(ns: &Netns, w: &World, id: ProbeId, seq: u16) -> u16 {
    let (low, high) = ns.sysctl.ranges.port_range;
    let mut rng = w.stream(&format!("source port {} {seq}", id.0));
    let used = |port: u16| {
        ns.l3.ears.iter().any(|e| matches!(&e.kind, EarKind::Trace { sent, .. } if sent.iter().any(|s| s.0 == port)))
    };
    loop {
        // The range is within 16 bits.
        let port = low + rng.below(u64::from(high - low) + 1) as u16;
        let few = high - low < 1024; // a range too narrow to insist on
        if few || !used(port) {
            return port;
        }
    }
}

/// An arping's packet.
pub(super) fn arp(ns: &mut Netns, w: &mut World, arping: &Arping, source: Ipv4Addr, to: Mac) -> Result<(), SendError> {
    let dev = ns.dev_named(arping.dev).ok_or(plain(Errno::ENXIO))?;
    if !dev.up {
        return Err(plain(Errno::ENETDOWN));
    }
    let announces = arping.mode == ArpingMode::AnnounceReply;
    let packet = Arp {
        op: if announces { Arp::REPLY } else { Arp::REQUEST },
        sha: dev.mac,
        spa: source,
        tha: if announces { dev.mac } else { to },
        tpa: arping.dst,
    };
    let frame = packet.frame(to, dev.mac);
    let mut pkt = Pkt::new(w.frames.alloc_from(&frame), dev.ifindex);
    match path::run(ns, w, &mut pkt, Stage::Qdisc) {
        Fate::Dropped(reason) => reason.sender_errno().map_or(Ok(()), |errno| Err(plain(errno))),
        _ => Ok(()),
    }
}

/// A packet socket's frame (`packet_snd`).
pub(super) fn raw(ns: &mut Netns, w: &mut World, dev: Ifindex, bytes: &[u8]) -> Result<(), Errno> {
    let dev = ns.dev(dev).ok_or(Errno::ENXIO)?;
    if !dev.up {
        return Err(Errno::ENETDOWN);
    }
    if bytes.len() < L2_LEN {
        return Err(Errno::EINVAL);
    }
    if bytes.len() > L2_LEN + dev.mtu as usize {
        return Err(Errno::EMSGSIZE);
    }
    let mut pkt = Pkt::new(w.frames.alloc_from(bytes), dev.ifindex);
    match path::run(ns, w, &mut pkt, Stage::Qdisc) {
        Fate::Dropped(reason) => reason.sender_errno().map_or(Ok(()), Err),
        _ => Ok(()),
    }
}
