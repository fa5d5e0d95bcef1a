//! IP options: checked and filled in on the way in, filled in on the way through, sent back with answers and errors.
//!
//! Kernel counterpart: `net/ipv4/ip_options.c`. The time of day of a timestamp is virtual time: it begins at midnight.
//! Deliberately absent: options of packets made here, sockets that ask for router alerts, CIPSO labels.

use crate::addr::select;
use crate::drop::DropReason;
use crate::fib::{Flow, Selectors};
use crate::frame::L2_LEN;
use crate::ip::input::{self, Arrival, InRoute};
use crate::ip::{flag, icmp};
use crate::l3::all_conf;
use crate::netns::Netns;
use crate::path::{Cast, Next, Pkt};
use crate::world::World;
use crate::{route, rules};
use nettwin_model::wire::{IPV4_LEN, Icmp, Ipv4, seal_ipv4};
use nettwin_model::{Instant, RouteKind, Scope};
use std::net::Ipv4Addr;

const END: u8 = 0;
const NOOP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_ROUTE: u8 = 131;
const STRICT_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;
/// It belongs into every fragment (`IPOPT_COPY`).
const COPIED: u8 = 0x80;
/// Of the timestamp option's flags: times alone, times behind addresses, times for addresses that are named.
const TIMES: u8 = 0;
const TIMES_AND_ADDRESSES: u8 = 1;
const NAMED_ADDRESSES: u8 = 3;

/// Where the options are that somebody does something about, from the header's start; 0: not there (`struct ip_options`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    rr: usize,
    ts: usize,
    srr: usize,
}

/// The options of a packet that has passed [`input`].
fn find(packet: &[u8], header_len: usize) -> Found {
    let (mut found, mut at) = (Found::default(), IPV4_LEN);
    while at < header_len {
        match packet[at] {
            END => break,
            NOOP => {
                at += 1;
                continue;
            }
            RECORD_ROUTE => found.rr = at,
            TIMESTAMP => found.ts = at,
            LOOSE_ROUTE | STRICT_ROUTE => found.srr = at,
            _ => {}
        }
        let len = packet.get(at + 1).map_or(0, |&len| usize::from(len));
        if len < 2 {
            break;
        }
        at += len;
    }
    found
}

/// Milliseconds since midnight (`inet_current_timestamp`).
pub(crate) fn time_of_day(now: Instant) -> [u8; 4] {
    const DAY_MS: u64 = 86_400_000;
    // Less than a day.
    ((now.as_nanos() / 1_000_000 % DAY_MS) as u32).to_be_bytes()
}

/// The options of a packet that came in, once its route is known (`ip_rcv_options`): filled in, obeyed, or the end of it.
/// A source route may lead elsewhere.
pub(crate) fn input(
    ns: &mut Netns,
    w: &mut World,
    pkt: &mut Pkt,
    arrival: &Arrival,
    found_route: InRoute,
) -> Result<InRoute, Next> {
    let here = match found_route {
        InRoute::Local => arrival.dst,
        _ => icmp::spec_dst(ns, pkt.dev, arrival.src),
    };
    let now = time_of_day(w.now);
    let packet = &mut w.frames.edit(&mut pkt.frame)[L2_LEN..];
    let header_len = usize::from(packet[0] & 15) * 4;
    let is_host = |addr: Ipv4Addr| ns.l3.fib.addr_type(addr) == RouteKind::Unicast;
    let compiled = compile(&mut packet[..header_len], here, now, is_host);
    seal_ipv4(packet);
    let (found, flags) = match compiled {
        Ok(done) => done,
        Err((at, found, flags)) => {
            pkt.flags |= flags;
            // The header is shorter than 64 bytes.
            icmp::error_about(ns, w, pkt, (Icmp::PARAMETER, 0, (at as u32) << 24), found);
            return Err(Next::Drop(DropReason::IpHeader));
        }
    };
    pkt.flags |= flags;
    if found.srr == 0 {
        return Ok(found_route);
    }
    if !all_conf(ns, pkt.iif, |c| c.accept_source_route) {
        return Err(Next::Drop(DropReason::IpHeader));
    }
    source_route(ns, w, pkt, (arrival, found_route), found)
}

/// What was found, with the flags that say what is still to be filled in; or where a mistake is, and what was found before.
type Compiled = Result<(Found, u8), (usize, Found, u8)>;

/// `__ip_options_compile()` of a packet that has a route: `here` is the address of ours that is written down.
fn compile(header: &mut [u8], here: Ipv4Addr, now: [u8; 4], is_host: impl Fn(Ipv4Addr) -> bool) -> Compiled {
    let (mut found, mut flags, mut at) = (Found::default(), 0, IPV4_LEN);
    while at < header.len() {
        let left = header.len() - at;
        let wrong = |place: usize| Err((place, found, flags));
        match header[at] {
            END => {
                header[at..].fill(END);
                break;
            }
            NOOP => {
                at += 1;
                continue;
            }
            _ => {}
        }
        if left < 2 {
            return wrong(at);
        }
        let (kind, len) = (header[at], usize::from(header[at + 1]));
        if len < 2 || len > left {
            return wrong(at);
        }
        let option = &mut header[at..at + len];
        let next = option.get(2).map_or(0, |&next| usize::from(next));
        match kind {
            STRICT_ROUTE | LOOSE_ROUTE => {
                if len < 3 {
                    return wrong(at + 1);
                }
                if next < 4 {
                    return wrong(at + 2);
                }
                if found.srr != 0 {
                    return wrong(at);
                }
                found.srr = at;
            }
            RECORD_ROUTE => {
                if found.rr != 0 {
                    return wrong(at);
                }
                if len < 3 {
                    return wrong(at + 1);
                }
                if next < 4 || next <= len && next + 3 > len {
                    return wrong(at + 2);
                }
                if next <= len {
                    option[next - 1..next + 3].copy_from_slice(&here.octets());
                    option[2] += 4;
                    flags |= flag::RECORDS;
                }
                found.rr = at;
            }
            TIMESTAMP => {
                if found.ts != 0 {
                    return wrong(at);
                }
                if len < 4 {
                    return wrong(at + 1);
                }
                if next < 5 || next <= len && next + 3 > len {
                    return wrong(at + 2);
                }
                match stamp(option, next, here, now, &is_host) {
                    Ok(needs) => flags |= needs,
                    Err(place) => return wrong(at + place),
                }
                found.ts = at;
            }
            ROUTER_ALERT if len < 4 => return wrong(at + 1),
            _ => {}
        }
        at += len;
    }
    Ok((found, flags))
}

/// Writes the time, and the address where that is asked for, into a timestamp option.
fn stamp(
    option: &mut [u8],
    next: usize,
    here: Ipv4Addr,
    now: [u8; 4],
    is_host: impl Fn(Ipv4Addr) -> bool,
) -> Result<u8, usize> {
    let (len, kind) = (option.len(), option[3] & 15);
    if next > len {
        if kind != NAMED_ADDRESSES {
            let overflow = option[3] >> 4;
            if overflow == 15 {
                return Err(3);
            }
            option[3] = kind | (overflow + 1) << 4;
        }
        return Ok(0);
    }
    if matches!(kind, TIMES_AND_ADDRESSES | NAMED_ADDRESSES) && next + 7 > len {
        return Err(2);
    }
    match kind {
        TIMES => {
            option[next - 1..next + 3].copy_from_slice(&now);
            option[2] += 4;
            Ok(flag::STAMPS)
        }
        TIMES_AND_ADDRESSES => {
            option[next - 1..next + 3].copy_from_slice(&here.octets());
            option[next + 3..next + 7].copy_from_slice(&now);
            option[2] += 8;
            Ok(flag::STAMPS | flag::STAMPS_ADDRESS)
        }
        NAMED_ADDRESSES if is_host(addr_at(option, next - 1)) => Ok(0),
        NAMED_ADDRESSES => {
            option[next + 3..next + 7].copy_from_slice(&now);
            option[2] += 8;
            Ok(flag::STAMPS)
        }
        _ => Ok(0),
    }
}

fn addr_at(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}

/// `ip_options_rcv_srr()`: a packet whose source route has us next goes on to the one behind us.
fn source_route(
    ns: &mut Netns,
    w: &mut World,
    pkt: &mut Pkt,
    (arrival, mut way): (&Arrival, InRoute),
    found: Found,
) -> Result<InRoute, Next> {
    let refuse = |ns: &mut Netns, w: &mut World, pkt: &Pkt, at: usize| {
        icmp::error(ns, w, pkt, Icmp::PARAMETER, 0, (at as u32) << 24);
        Err(Next::Drop(DropReason::IpHeader))
    };
    let option = w.frames.bytes(pkt.frame)[L2_LEN + found.srr..].to_vec();
    if pkt.cast != Cast::Host {
        return Err(Next::Drop(DropReason::IpHeader));
    }
    match way {
        InRoute::Forward(_) if option[0] == STRICT_ROUTE => return refuse(ns, w, pkt, 16),
        InRoute::Forward(_) => return Ok(way),
        InRoute::Local => {}
        _ => return Err(Next::Drop(DropReason::IpHeader)),
    }
    let (len, mut next) = (usize::from(option[1]), usize::from(option[2]));
    while next <= len {
        if next + 3 > len {
            return refuse(ns, w, pkt, found.srr + 2);
        }
        let hop = addr_at(&option, next - 1);
        way = input::route(ns, w.now, &Arrival { dst: hop, ..*arrival });
        match way {
            InRoute::Forward(_) => {
                pkt.flags |= flag::SOURCE_ROUTED;
                return Ok(way);
            }
            InRoute::Local => {
                let packet = &mut w.frames.edit(&mut pkt.frame)[L2_LEN..];
                packet[16..20].copy_from_slice(&hop.octets());
                seal_ipv4(packet);
            }
            _ => return Err(Next::Drop(DropReason::IpHeader)),
        }
        next += 4;
    }
    Ok(way)
}

/// Whom a packet is for as its route was looked up: behind us on its source route, or its receiver.
pub(crate) fn next_hop(ns: &Netns, packet: &[u8], pkt: &Pkt) -> Option<Ipv4Addr> {
    let ip = Ipv4::unsummed(packet)?;
    if pkt.flags & flag::SOURCE_ROUTED == 0 {
        return Some(ip.dst());
    }
    let (at, next) = next_on_route(ns, packet, find(packet, ip.header_len()))?;
    Some(addr_at(packet, at + next - 1))
}

/// The place in a source route of the first that is not us.
fn next_on_route(ns: &Netns, packet: &[u8], found: Found) -> Option<(usize, usize)> {
    let option = &packet[found.srr..];
    let (len, first) = (usize::from(option[1]), usize::from(option[2]));
    (first..=len.saturating_sub(3))
        .step_by(4)
        .find(|&n| !ns.l3.fib.is_local(addr_at(option, n - 1)))
        .map(|n| (found.srr, n))
}

/// Whether a packet wants to go from each to the next, without a gateway between.
pub(crate) fn is_strict(packet: &[u8]) -> bool {
    let found = find(packet, usize::from(packet[0] & 15) * 4);
    found.srr != 0 && packet[found.srr] == STRICT_ROUTE
}

/// Whether it says which way to go at all.
pub(crate) fn has_source_route(packet: &[u8]) -> bool {
    find(packet, usize::from(packet[0] & 15) * 4).srr != 0
}

/// What is written down by whom it goes through (`ip_forward_options`): the address that it leaves from.
pub(crate) fn forward(ns: &Netns, w: &mut World, pkt: &mut Pkt) {
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let header_len = usize::from(packet[0] & 15) * 4;
    let found = find(packet, header_len);
    let mut header = packet[..header_len].to_vec();
    let hit = (pkt.flags & flag::SOURCE_ROUTED != 0).then(|| next_on_route(ns, &header, found)).flatten();
    if pkt.flags & flag::RECORDS != 0 {
        let from = source(ns, pkt, &header);
        let next = usize::from(header[found.rr + 2]);
        header[found.rr + next - 5..found.rr + next - 1].copy_from_slice(&from.octets());
    }
    if let Some((at, next)) = hit {
        header.copy_within(at + next - 1..at + next + 3, 16);
        let from = source(ns, pkt, &header);
        header[at + next - 1..at + next + 3].copy_from_slice(&from.octets());
        header[at + 2] = next as u8 + 4; // within the option's length
        if pkt.flags & flag::STAMPS_ADDRESS != 0 {
            let next = usize::from(header[found.ts + 2]);
            header[found.ts + next - 9..found.ts + next - 5].copy_from_slice(&from.octets());
        }
    }
    let packet = &mut w.frames.edit(&mut pkt.frame)[L2_LEN..];
    packet[..header_len].copy_from_slice(&header);
    seal_ipv4(packet);
}

/// The address that a packet which goes through leaves from (`ip_rt_get_source`).
fn source(ns: &Netns, pkt: &Pkt, header: &[u8]) -> Ipv4Addr {
    let (src, dst) = (addr_at(header, 12), addr_at(header, 16));
    let asks = Selectors { mark: pkt.mark, ..Selectors::default() };
    let flow = Flow { src, tos: header[1], oif: pkt.dev, iif: pkt.iif, asks, ..Flow::to(dst) };
    match rules::lookup(ns, &flow) {
        Ok(hit) => route::prefsrc(ns, hit.alias, hit.way()),
        Err(_) => select(ns, pkt.dev, pkt.nexthop, Scope::GLOBAL),
    }
}

/// In all fragments but the first, options that do not belong there become nothing (`ip_options_fragment`).
pub(crate) fn fragment(header: &mut [u8]) {
    let mut at = IPV4_LEN;
    while at < header.len() {
        match header[at] {
            END => return,
            NOOP => {
                at += 1;
                continue;
            }
            _ => {}
        }
        let len = header.get(at + 1).map_or(0, |&len| usize::from(len));
        if len < 2 || at + len > header.len() {
            return;
        }
        if header[at] & COPIED == 0 {
            header[at..at + len].fill(NOOP);
        }
        at += len;
    }
}

/// The options of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Echoed {
    bytes: Vec<u8>,
    rr: usize,
    ts: usize,
    srr: usize,
    flags: u8,
    /// The first on the source route back.
    pub(crate) first: Option<Ipv4Addr>,
}

/// The options of an answer to this packet (`__ip_options_echo`): what it recorded goes on, its source route is turned
/// round. `None`: there is no room left for what it wants, so it gets no answer.
pub(crate) fn echo(ns: &Netns, packet: &[u8], flags: u8, found: Option<Found>) -> Option<Echoed> {
    let header_len = usize::from(packet[0] & 15) * 4;
    let mut out = Echoed::default();
    if header_len == IPV4_LEN {
        return Some(out);
    }
    let found = found.unwrap_or_else(|| find(packet, header_len));
    let option = |at: usize| &packet[at..at + usize::from(packet[at + 1])];
    if found.rr != 0 {
        let option = option(found.rr);
        let next = usize::from(option[2]);
        let mut copy = option.to_vec();
        if flags & flag::RECORDS != 0 && next <= option.len() {
            if next + 3 > option.len() {
                return None;
            }
            copy[2] += 4;
            out.flags |= flag::RECORDS;
        }
        out.rr = out.bytes.len() + 1;
        out.bytes.extend(copy);
    }
    if found.ts != 0 {
        out.ts = out.bytes.len() + 1;
        let copy = echo_stamps(ns, option(found.ts), flags, &mut out.flags)?;
        out.bytes.extend(copy);
    }
    if found.srr != 0 {
        out.turn_round(option(found.srr), addr_at(packet, 12));
    }
    out.bytes.resize(out.bytes.len().next_multiple_of(4), END);
    Some(out)
}

fn echo_stamps(ns: &Netns, option: &[u8], flags: u8, needs: &mut u8) -> Option<Vec<u8>> {
    let (len, mut next) = (option.len(), usize::from(option[2]));
    let mut copy = option.to_vec();
    if next > len {
        return Some(copy);
    }
    if flags & flag::STAMPS_ADDRESS != 0 {
        if next + 3 > len {
            return None;
        }
        *needs |= flag::STAMPS_ADDRESS;
        next += 4;
    }
    if flags & flag::STAMPS != 0 {
        if next + 3 > len {
            return None;
        }
        if option[3] & 15 != NAMED_ADDRESSES {
            *needs |= flag::STAMPS;
            next += 4;
        } else if next + 7 <= len && ns.l3.fib.addr_type(addr_at(option, next - 1)) != RouteKind::Unicast {
            *needs |= flag::STAMPS;
            next += 8;
        }
    }
    copy[2] = next as u8; // within the option's length and 8 more
    Some(copy)
}

impl Echoed {
    /// Appends the way back along a source route that `sender`'s packet came by.
    fn turn_round(&mut self, option: &[u8], sender: Ipv4Addr) {
        let mut next = usize::from(option[2]).min(option.len() + 1) - 4;
        if next <= 3 {
            return;
        }
        let first = addr_at(option, next - 1);
        let mut back = Vec::new();
        next -= 4;
        while next > 3 {
            back.extend_from_slice(&option[next - 1..next + 3]);
            next -= 4;
        }
        // One place for the receiver, who is the last; not twice if the sender had put itself first (RFC 1812).
        if option.get(next + 3..next + 7) != Some(&sender.octets()) {
            back.extend_from_slice(&[0; 4]);
        } else if back.is_empty() {
            return;
        }
        self.first = Some(first);
        self.srr = self.bytes.len() + 1;
        // At most 40 bytes.
        self.bytes.extend_from_slice(&[option[0], back.len() as u8 + 3, 4]);
        self.bytes.extend(back);
    }

    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Puts them behind the header of `packet`, which has room for them: it goes from `source` to `receiver` in the end
    /// (`ip_options_build`).
    pub(crate) fn build(&self, packet: &mut [u8], source: Ipv4Addr, receiver: Ipv4Addr, now: [u8; 4]) {
        if self.bytes.is_empty() {
            return;
        }
        packet[0] = 0x40 | ((IPV4_LEN + self.len()) / 4) as u8; // at most 15
        let options = &mut packet[IPV4_LEN..IPV4_LEN + self.len()];
        options.copy_from_slice(&self.bytes);
        let mut put = |option: usize, back: usize, what: [u8; 4]| {
            let at = option - 1;
            let next = usize::from(options[at + 2]);
            options[at + next - back..at + next - back + 4].copy_from_slice(&what);
        };
        if self.flags & flag::RECORDS != 0 {
            put(self.rr, 5, source.octets());
        }
        if self.flags & flag::STAMPS_ADDRESS != 0 {
            put(self.ts, 9, source.octets());
        }
        if self.flags & flag::STAMPS != 0 {
            put(self.ts, 5, now);
        }
        if self.srr != 0 {
            let at = self.srr - 1;
            let end = at + usize::from(options[at + 1]);
            options[end - 4..end].copy_from_slice(&receiver.octets());
        }
        seal_ipv4(packet);
    }
}
