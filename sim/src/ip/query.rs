//! What ICMP asks: echoes, times, interfaces.
//!
//! Kernel counterpart: `icmp_echo()`, `icmp_timestamp()`, `icmp_build_probe()`, `icmp_reply()` of `net/ipv4/icmp.c`; RFC 792,
//! RFC 8335. Deliberately absent: interfaces asked for by IPv6 addresses (no interface has one).

use crate::drop::DropReason;
use crate::fib::Selectors;
use crate::frame::L2_LEN;
use crate::ip::icmp::{allows, flow_of, is_limited, spec_dst};
use crate::ip::output::{self, Sender};
use crate::ip::{flag, options};
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt, Stage};
use crate::world::World;
use nettwin_model::IfName;
use nettwin_model::probe::PmtuDisc;
use nettwin_model::wire::{ICMP_LEN, IPV4_LEN, Icmp, Ipv4, PROTO_ICMP, mend, set_ipv4_addrs, write_icmp};
use std::net::Ipv4Addr;

/// An echo request: its data come back.
pub(crate) fn echo(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    if ns.sysctl.net.icmp_echo_ignore_all != 0 {
        return Next::Drop(DropReason::Icmp);
    }
    reply(ns, w, pkt, Icmp::ECHO_REPLY, None, |message| {
        message[0] = Icmp::ECHO_REPLY;
        // The type went from 8 to 0 in a sum that was right.
        mend(message, 2, 0x0800, 0);
    })
}

/// A question for the time of day: it was received and is answered at the same instant.
pub(crate) fn timestamp(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    const TIMES: usize = 12;
    if message_of(w, pkt).is_none_or(|m| m.len() < ICMP_LEN + 4) {
        return Next::Drop(DropReason::Icmp);
    }
    let now = options::time_of_day(w.now);
    reply(ns, w, pkt, Icmp::TIMESTAMP_REPLY, Some(ICMP_LEN + TIMES), |message| {
        message[ICMP_LEN + 4..ICMP_LEN + 8].copy_from_slice(&now);
        message[ICMP_LEN + 8..].copy_from_slice(&now);
        let rest = rest_of(message);
        write_icmp(message, Icmp::TIMESTAMP_REPLY, 0, rest);
    })
}

/// A question about an interface of ours, where such are answered.
pub(crate) fn probe(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    /// The question is about the interface that the object names, not about a neighbour.
    const LOCAL: u32 = 1;
    let Some(message) = message_of(w, pkt) else { return Next::Drop(DropReason::Icmp) };
    let rest = rest_of(message);
    if ns.sysctl.net.icmp_echo_ignore_all != 0 || ns.sysctl.net.icmp_echo_enable_probe == 0 || rest & LOCAL == 0 {
        return Next::Drop(DropReason::Icmp);
    }
    let (code, state) = match asked_for(ns, &message[ICMP_LEN..]) {
        Asked::Nonsense => (Icmp::MALFORMED_QUERY, 0),
        Asked::Nothing => (Icmp::NO_SUCH_INTERFACE, 0),
        Asked::Dev(dev) => (message[1], state_of(ns, dev)),
    };
    reply(ns, w, pkt, Icmp::EXTENDED_ECHO_REPLY, None, |message| {
        write_icmp(message, Icmp::EXTENDED_ECHO_REPLY, code, rest & !0xff | state);
    })
}

/// Whether it is up, and speaks IPv4.
fn state_of(ns: &Netns, dev: Ifindex) -> u32 {
    const ACTIVE: u32 = 4;
    const HAS_IPV4: u32 = 2;
    let Some(dev) = ns.dev(dev) else { return 0 };
    (u32::from(dev.up) * ACTIVE) | (u32::from(!dev.in_dev.addrs.is_empty()) * HAS_IPV4)
}

/// What a question is about.
enum Asked {
    /// It says nothing that makes sense.
    Nonsense,
    /// An interface that is not here.
    Nothing,
    /// This one.
    Dev(Ifindex),
}

/// The interface that an extension object identifies.
fn asked_for(ns: &Netns, data: &[u8]) -> Asked {
    /// Of the extension's header, and of its object's.
    const HEADER: usize = 4;
    /// What the kernel has room for: a name, or an address with its header.
    const MOST: usize = 24;
    const BY_NAME: u8 = 1;
    const BY_INDEX: u8 = 2;
    const BY_ADDRESS: u8 = 3;
    let Some(&[a, b, _, class]) = data.get(HEADER..2 * HEADER) else { return Asked::Nonsense };
    let len = usize::from(u16::from_be_bytes([a, b]));
    if len <= HEADER || len > MOST {
        return Asked::Nonsense;
    }
    let Some(what) = data.get(2 * HEADER..HEADER + len) else { return Asked::Nonsense };
    let dev = match (class, what) {
        (BY_NAME, name) if name.len() < 16 => {
            let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
            let name = std::str::from_utf8(&name[..end]).ok().and_then(|name| IfName::new(name).ok());
            name.and_then(|name| ns.devs.by_name(name))
        }
        (BY_INDEX, &[a, b, c, d]) => {
            let index = Ifindex(u32::from_be_bytes([a, b, c, d]));
            ns.dev(index).map(|dev| dev.ifindex)
        }
        // Address family 1, of four bytes.
        (BY_ADDRESS, &[0, 1, 4, _, a, b, c, d]) => owner_of(ns, Ipv4Addr::new(a, b, c, d)),
        _ => return Asked::Nonsense,
    };
    dev.map_or(Asked::Nothing, Asked::Dev)
}

/// The device that has an address (`ip_dev_find`).
fn owner_of(ns: &Netns, addr: Ipv4Addr) -> Option<Ifindex> {
    let has = |dev: &&crate::dev::Dev| dev.in_dev.addrs.iter().any(|a| a.local == addr);
    ns.devs.iter().find(has).map(|dev| dev.ifindex)
}

fn message_of<'a>(w: &'a World, pkt: &Pkt) -> Option<&'a [u8]> {
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    packet.get(Ipv4::unsummed(packet)?.header_len()..).filter(|m| m.len() >= ICMP_LEN)
}

fn rest_of(message: &[u8]) -> u32 {
    u32::from_be_bytes([message[4], message[5], message[6], message[7]])
}

/// Sends the message at hand back, changed, in the packet that brought it (`icmp_reply`): its TOS, no DF, an identification of
/// our own. It is made so long, if that is given. Its checksum is `change`'s business.
fn reply(
    ns: &mut Netns,
    w: &mut World,
    pkt: &mut Pkt,
    kind: u8,
    len: Option<usize>,
    change: impl FnOnce(&mut [u8]),
) -> Next {
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else { return Next::Drop(DropReason::IpHeader) };
    let (src, dst, tos, header_len) = (ip.src(), ip.dst(), ip.tos(), ip.header_len());
    let from = if pkt.flags & flag::GROUP == 0 { dst } else { spec_dst(ns, pkt.dev, src) };
    let limited = is_limited(ns, kind, 0);
    let (per_second, burst) = (ns.sysctl.net.icmp_msgs_per_sec, ns.sysctl.net.icmp_msgs_burst);
    let Some(options) = options::echo(ns, packet, pkt.flags, None) else { return Next::Drop(DropReason::Icmp) };
    if limited && !ns.l3.limits.allows_any(w.now, per_second, burst) {
        return Next::Drop(DropReason::Icmp);
    }
    let to = options.first.unwrap_or(src);
    let Ok(route) = output::route(ns, w.now, &flow_of(ns, pkt.dev, (from, to), tos, Selectors::proto(PROTO_ICMP)))
    else {
        return Next::Drop(DropReason::NoRoute);
    };
    if limited && !allows(ns, w, &route) {
        return Next::Drop(DropReason::Icmp);
    }
    let ttl = route.ttl(ns);
    w.decide(ns, Stage::IpLocal, pkt, "icmp", || format!("answered {src}"));
    let now = options::time_of_day(w.now);
    let bytes = w.frames.edit(&mut pkt.frame);
    if let Some(len) = len {
        bytes.resize(L2_LEN + header_len + len, 0);
    }
    if header_len > IPV4_LEN {
        bytes.splice(L2_LEN + IPV4_LEN..L2_LEN + header_len, std::iter::repeat_n(0, options.len()));
        bytes[L2_LEN] = 0x45;
    }
    let packet = &mut bytes[L2_LEN..];
    set_ipv4_addrs(packet, route.src, to);
    packet[8] = ttl;
    options.build(packet, route.src, src, now);
    change(&mut packet[IPV4_LEN + options.len()..]);
    pkt.dev = route.dev;
    // An answer is no longer than may be: EMSGSIZE cannot be.
    let _ = output::send(ns, w, &route, PmtuDisc::Dont, pkt.frame, Sender::Kernel);
    Next::Done
}
