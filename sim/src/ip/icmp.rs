//! ICMP: answers to echo, errors, and what errors from others do.
//!
//! Kernel counterpart: `net/ipv4/icmp.c`. What asks is answered in [`query`](super::query). Deliberately absent: extensions of
//! errors (RFC 4884), `icmp_errors_extension_mask`.

use crate::addr;
use crate::dev::vrf;
use crate::drop::DropReason;
use crate::fib::{Flow, Selectors};
use crate::frame::L2_LEN;
use crate::ip::output::{self, Dst, Sender, new_packet};
use crate::ip::{flag, options, pmtu, query};
use crate::netns::{Ifindex, Netns};
use crate::path::{Cast, Next, Pkt, Stage};
use crate::world::World;
use crate::{l3, probe, route, rules, sock};
use nettwin_model::gist::icmp_error;
use nettwin_model::probe::{IcmpError, PmtuDisc};
use nettwin_model::wire::{ICMP_LEN, IPV4_LEN, Icmp, Ipv4, Ipv4Header, PROTO_ICMP, PROTO_TCP, write_icmp};
use nettwin_model::{RouteKind, Scope};
use std::net::Ipv4Addr;

/// Code of type 3: no route.
pub(crate) const NET_UNREACH: u8 = 0;
/// Code of type 3: the neighbour does not answer, or an unreachable route.
pub(crate) const HOST_UNREACH: u8 = 1;
/// Code of type 3: nobody takes the protocol.
pub(crate) const PROTO_UNREACH: u8 = 2;
/// Code of type 3: nobody listens at the port.
pub(crate) const PORT_UNREACH: u8 = 3;
/// Code of type 3: too big, and DF.
pub(crate) const FRAG_NEEDED: u8 = 4;
/// Code of type 3: a strict source route does not lead on.
pub(crate) const SOURCE_ROUTE_FAILED: u8 = 5;
/// Code of type 3: prohibited.
pub(crate) const PKT_FILTERED: u8 = 13;
/// Code of type 11: fragments missing.
pub(crate) const EXC_FRAGTIME: u8 = 1;

/// An error is at most this long, header included (RFC 1812 4.3.2.3 would allow it, Linux does it).
const MOST: usize = 576;
/// `INADDR_DUMMY`: who has no address speaks from here (RFC 7600).
const DUMMY: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);

/// Tells the sender of `pkt` what went wrong with it (`__icmp_send`). `pkt` stays as it is.
pub(crate) fn error(ns: &mut Netns, w: &mut World, pkt: &Pkt, kind: u8, code: u8, info: u32) {
    tell(ns, w, pkt, (kind, code, info), None);
}

/// The same about a packet of whose options only those before the mistake were found.
pub(crate) fn error_about(
    ns: &mut Netns,
    w: &mut World,
    pkt: &Pkt,
    (kind, code, info): (u8, u8, u32),
    found: options::Found,
) {
    tell(ns, w, pkt, (kind, code, info), Some(found));
}

fn tell(ns: &mut Netns, w: &mut World, pkt: &Pkt, (kind, code, info): (u8, u8, u32), found: Option<options::Found>) {
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else { return };
    let (src, dst, tos) = (ip.src(), ip.dst(), ip.tos());
    if pkt.cast != Cast::Host || pkt.flags & flag::GROUP != 0 || ip.frag_offset() != 0 {
        return;
    }
    if ip.proto() == PROTO_ICMP && !is_query(packet.get(ip.header_len()).copied()) {
        return;
    }
    let limited = is_limited(ns, kind, code);
    let (per_second, burst) = (ns.sysctl.net.icmp_msgs_per_sec, ns.sysctl.net.icmp_msgs_burst);
    if limited && !ns.l3.limits.allows_any(w.now, per_second, burst) {
        return;
    }
    let from = if pkt.flags & flag::LOCAL != 0 {
        dst
    } else if pkt.iif != Ifindex::NONE && ns.sysctl.net.icmp_errors_use_inbound_ifaddr != 0 {
        addr::select(ns, pkt.iif, src, Scope::LINK)
    } else {
        Ipv4Addr::UNSPECIFIED
    };
    // RT_TOS(tos) | IPTOS_PREC_INTERNETCONTROL
    let tos = (tos & 0x1e) | 0xc0;
    let Some(options) = options::echo(ns, &w.frames.bytes(pkt.frame)[L2_LEN..], pkt.flags, found) else { return };
    let to = options.first.unwrap_or(src);
    let flow = flow_of(ns, pkt.dev, (from, to), tos, Selectors::icmp(kind, code));
    let Ok(route) = output::route(ns, w.now, &flow) else { return };
    if limited && !allows(ns, w, &route) {
        return;
    }
    let room = (route.mtu as usize).min(MOST).saturating_sub(IPV4_LEN + options.len() + ICMP_LEN);
    if room <= IPV4_LEN {
        return;
    }
    let quoted = w.frames.len(pkt.frame).saturating_sub(L2_LEN).min(room);
    w.decide(ns, Stage::IpOutput, pkt, "icmp", || format!("told {src}: {}", icmp_error(kind, code)));
    let header = Ipv4Header {
        tos,
        // At most 576.
        total_len: (IPV4_LEN + options.len() + ICMP_LEN + quoted) as u16,
        id: 0,
        df: false,
        ttl: route.ttl(ns),
        proto: PROTO_ICMP,
        src: if route.src.is_unspecified() { DUMMY } else { route.src },
        dst: to,
    };
    let mut frame = new_packet(w, &header);
    let mut quote = [0; MOST];
    quote[..quoted].copy_from_slice(&w.frames.bytes(pkt.frame)[L2_LEN..][..quoted]);
    let now = options::time_of_day(w.now);
    let answer = &mut w.frames.edit(&mut frame)[L2_LEN..];
    options.build(answer, header.src, src, now);
    let message = &mut answer[IPV4_LEN + options.len()..];
    message[ICMP_LEN..].copy_from_slice(&quote[..quoted]);
    write_icmp(message, kind, code, info);
    // Errors are small and carry no DF: nothing can refuse them.
    let _ = output::send_about(ns, w, &route, PmtuDisc::Dont, frame, Sender::Kernel, pkt.track.of_error());
}

/// Whether an ICMP type may be answered with an error: it is known, and none itself.
fn is_query(kind: Option<u8>) -> bool {
    kind.is_some_and(|k| matches!(k, 0 | 8 | 13..=18))
}

/// Whether the rate of a type and code is limited at all (`icmpv4_mask_allow`).
pub(super) fn is_limited(ns: &Netns, kind: u8, code: u8) -> bool {
    let mask = ns.sysctl.net.icmp_ratemask;
    kind <= 18 && (kind, code) != (Icmp::UNREACHABLE, FRAG_NEEDED) && mask >> kind & 1 == 1
}

/// `icmpv4_xrlim_allow()`.
pub(super) fn allows(ns: &mut Netns, w: &World, route: &Dst) -> bool {
    let ratelimit = ns.sysctl.net.icmp_ratelimit;
    let allowed = route.dev == Ifindex::LO || ns.l3.limits.peer(route.dst).allows_icmp(w.now, ratelimit);
    if allowed {
        let name = &ns.name;
        ns.l3.limits.consume(|| w.stream(&format!("icmp {name}")));
    }
    allowed
}

/// The TTL of what is made here.
pub(crate) fn default_ttl(ns: &Netns) -> u8 {
    // The sysctl is between 1 and 255.
    ns.sysctl.net.ip_default_ttl as u8
}

/// Tells the sender of `pkt` the neighbour that it could have used itself (`ip_rt_send_redirect`).
pub(crate) fn redirect(ns: &mut Netns, w: &mut World, pkt: &Pkt) {
    let Some(ip) = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]) else { return };
    let src = ip.src();
    if ns.l3.limits.peer(src).allows_redirect(w.now) {
        error(ns, w, pkt, Icmp::REDIRECT, 1, pkt.nexthop.to_bits());
    }
}

/// An ICMP message for us (`icmp_rcv`).
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else { return Next::Drop(DropReason::IpHeader) };
    let Some(icmp) = packet.get(ip.header_len()..).and_then(Icmp::new) else { return Next::Drop(DropReason::Icmp) };
    if !icmp.is_intact() {
        return Next::Drop(DropReason::Icmp);
    }
    let kind = icmp.kind();
    if kind == Icmp::EXTENDED_ECHO {
        return query::probe(ns, w, pkt);
    }
    let asks = matches!(kind, Icmp::ECHO | Icmp::TIMESTAMP);
    if pkt.flags & flag::GROUP != 0 && !(asks && ns.sysctl.net.icmp_echo_ignore_broadcasts == 0) {
        return Next::Drop(DropReason::UnwantedGroup);
    }
    match kind {
        Icmp::ECHO => query::echo(ns, w, pkt),
        Icmp::TIMESTAMP => query::timestamp(ns, w, pkt),
        Icmp::ECHO_REPLY => {
            let bytes = u16::try_from(ICMP_LEN + icmp.payload().len()).unwrap_or(u16::MAX);
            let (ident, seq) = (icmp.ident(), icmp.seq());
            let reply = probe::Reply { from: ip.src(), to: ip.dst(), ttl: ip.ttl(), bytes, ident, seq };
            probe::reply_heard(ns, w, pkt.iif, &reply);
            w.decide(ns, Stage::IpLocal, pkt, "icmp", || "the answer has arrived".to_owned());
            finish(w, pkt)
        }
        _ if icmp.is_error() => heard_error(ns, w, pkt),
        _ => Next::Drop(DropReason::Icmp),
    }
}

fn finish(w: &mut World, pkt: &Pkt) -> Next {
    w.frames.release(pkt.frame);
    Next::Done
}

/// What answers a packet that came by `dev` stays in that one's VRF.
pub(super) fn flow_of(ns: &Netns, dev: Ifindex, (src, dst): (Ipv4Addr, Ipv4Addr), tos: u8, asks: Selectors) -> Flow {
    Flow { src, tos, asks, oif: vrf::of(ns, dev).unwrap_or(Ifindex::NONE), ..Flow::to(dst) }
}

/// The address to answer a broadcast from (`fib_compute_spec_dst`).
pub(super) fn spec_dst(ns: &Netns, dev: Ifindex, src: Ipv4Addr) -> Ipv4Addr {
    match rules::lookup(ns, &Flow { oif: vrf::of(ns, dev).unwrap_or(Ifindex::NONE), ..Flow::to(src) }) {
        Ok(hit) if hit.alias.kind == RouteKind::Local => hit.alias.prefsrc.unwrap_or(src),
        Ok(hit) => route::prefsrc(ns, hit.alias, hit.way()),
        Err(_) => addr::select(ns, dev, src, Scope::GLOBAL),
    }
}

/// An error about one of our packets (`icmp_unreach`, `icmp_redirect`): told to whoever sent it.
fn heard_error(ns: &mut Netns, w: &mut World, pkt: &Pkt) -> Next {
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else { return Next::Drop(DropReason::IpHeader) };
    let Some(icmp) = Icmp::new(&packet[ip.header_len()..]) else { return Next::Drop(DropReason::Icmp) };
    let Some(inner) = Ipv4::unsummed(icmp.payload()) else { return Next::Drop(DropReason::Icmp) };
    if inner.src() != ip.dst() && l3::addr_type(ns, pkt.dev, inner.src()) != RouteKind::Local {
        return Next::Drop(DropReason::Icmp);
    }
    let info = match (icmp.kind(), icmp.code()) {
        (Icmp::UNREACHABLE, FRAG_NEEDED) => match ns.sysctl.net.ip_no_pmtu_disc {
            2 => return Next::Drop(DropReason::Icmp),
            // Only TCP can tell a true error from a forged one (`icmp_tag_validation`).
            3 if inner.proto() != PROTO_TCP => return Next::Drop(DropReason::Icmp),
            0 | 3 => icmp.rest() & 0xffff,
            // Believed to be less than the least.
            _ => 0,
        },
        (Icmp::REDIRECT, _) => icmp.rest(),
        (Icmp::PARAMETER, _) => icmp.rest() >> 24,
        _ => 0,
    };
    let error = IcmpError { kind: icmp.kind(), code: icmp.code(), info };
    let (from, to) = (ip.src(), inner.dst());
    let quoted = icmp.payload().to_vec();
    let flow = flow_of(ns, pkt.dev, (inner.src(), to), inner.tos(), rules::selectors(ns, &quoted));
    w.decide(ns, Stage::IpLocal, pkt, "icmp", || {
        format!("{from} says of the packet to {to}: {}", icmp_error(error.kind, error.code))
    });
    if !probe::error_heard(ns, w, pkt, from, &quoted, error) && !sock::icmp_error(ns, w, &quoted, error) {
        return finish(w, pkt);
    }
    if error.kind == Icmp::REDIRECT && error.code <= 3 {
        pmtu::learn_gateway(ns, w, from, &flow, Ipv4Addr::from(info));
    } else if (error.kind, error.code) == (Icmp::UNREACHABLE, FRAG_NEEDED) {
        pmtu::learn_mtu(ns, w, &flow, info);
    }
    finish(w, pkt)
}
