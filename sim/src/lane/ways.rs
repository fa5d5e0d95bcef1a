//! The straight way of an IPv4 packet through a router: where packets of one pair of addresses went, others of it go.
//!
//! Kernel counterpart: the routing cache of Linux before 3.6, and `dst_entry` with the neighbour that it holds. An entry is
//! what the input route and the neighbour table said; it is believed as long as nothing has happened that might make them
//! say something else. That is told by two counts of disturbances ([`World::disturbances`] by ops, sockets and probes;
//! [`L3::disturb`](crate::l3::L3::disturb) by whatever ARP, ICMP, neighbours' timers and lifetimes do here), so no rule about
//! what depends on what has to be kept. Deliberately absent: policy rules, several ways by ports, path MTUs, redirects, NAT,
//! all of which go by the stages.
//!
//! [`World::disturbances`]: crate::world::World

use super::{Lane, line, looked, out_by};
use crate::frame::{FrameId, L2_LEN};
use crate::ip::input::{self, Arrival, InRoute};
use crate::netns::{Ifindex, Netns};
use crate::path::Stage;
use crate::world::World;
use crate::{fib, multipath};
use nettwin_model::wire::{checksum, decrement_ttl};
use std::net::Ipv4Addr;

/// The length of a header without options, bytes.
const HEADER: usize = 20;
/// What the first byte of such a header says.
const PLAIN: u8 = 0x45;

/// Where packets of one pair of addresses go.
#[derive(Clone, Copy, Default)]
struct Way {
    src: u32,
    dst: u32,
    from: u32,
    out: u32,
    mtu: u32,
    mac: [u8; 6],
    tos: u8,
    is_some: bool,
    disturbances: (u32, u32),
}

/// The ways of a namespace; how many it keeps grows with how many are asked for.
#[derive(Default)]
pub(crate) struct Ways {
    slots: Vec<Way>,
    misses: usize,
}

const FEWEST: usize = 8;
const MOST: usize = 1024;

impl Ways {
    /// The slot of a pair of addresses.
    #[inline]
    fn slot(&mut self, src: u32, dst: u32) -> Option<&mut Way> {
        let mixed = (u64::from(src) << 32 | u64::from(dst)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let last = self.slots.len().wrapping_sub(1);
        // There are a power of two of them.
        self.slots.get_mut((mixed >> 48) as usize & last)
    }

    #[cold]
    fn keep(&mut self, way: Way) {
        self.misses += 1;
        if self.slots.is_empty() || self.misses > 16 * self.slots.len() && self.slots.len() < MOST {
            let size = (4 * self.slots.len()).clamp(FEWEST, MOST);
            self.slots = vec![Way::default(); size];
            self.misses = 0;
        }
        if let Some(slot) = self.slot(way.src, way.dst) {
            *slot = way;
        }
    }
}

/// Whether these are the bytes of an IPv4 packet without options and without anything behind it, its header's sum right.
#[inline]
pub(super) fn is_plain(packet: &[u8]) -> bool {
    packet.len() >= HEADER
        && packet[0] == PLAIN
        && usize::from(u16::from_be_bytes([packet[2], packet[3]])) == packet.len()
        && checksum(&packet[..HEADER]) == 0
}

/// A packet for this router's MAC came in by `from`.
#[inline(never)]
pub(super) fn forward(ns: &mut Netns, w: &mut World, from: Ifindex, mut frame: FrameId) -> Lane {
    let packet = &w.frames.bytes(frame)[L2_LEN..];
    let otherwise = Lane::On(Stage::Ethertype, from);
    if !is_plain(packet) || packet[8] <= 1 || w.frames.is_shared(frame) {
        return otherwise;
    }
    let word = |at: usize| u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
    let (src, dst, tos, len) = (word(12), word(16), packet[1], packet.len());
    let now = (w.disturbances, ns.l3.disturbances);
    let known = ns.l3.ways.as_mut().and_then(|ways| ways.slot(src, dst)).filter(|way| {
        (way.src, way.dst, way.from, way.tos) == (src, dst, from.0, tos) && way.disturbances == now && way.is_some
    });
    let way = match known {
        Some(way) => *way,
        None => match find(ns, w, (src, dst, tos, from)) {
            Some(way) => way,
            None => return otherwise,
        },
    };
    let Some(out) = looked!(ns, w, Ifindex(way.out)).filter(|_| len <= way.mtu as usize) else { return otherwise };
    let bytes = w.frames.edit(&mut frame);
    decrement_ttl(&mut bytes[L2_LEN..]);
    bytes[..6].copy_from_slice(&way.mac);
    bytes[6..12].copy_from_slice(&out.mac.0);
    out_by(out, w, ns.id, from, frame)
}

/// Asks the tables as the stages do, and keeps what they say.
#[inline(never)]
fn find(ns: &mut Netns, w: &World, (src, dst, tos, from): (u32, u32, u8, Ifindex)) -> Option<Way> {
    let (to, l3) = (Ipv4Addr::from(dst), &ns.l3);
    if l3.fib.is_split() || l3.exceptions.is_used() || multipath::asks_ports(ns) || l3.own.has(to) {
        return None;
    }
    let asks = fib::Selectors::default();
    let arrival = Arrival { src: src.into(), dst: to, tos, dev: from, arp: false, asks };
    let InRoute::Forward(route) = input::route(ns, w.now, &arrival) else { return None };
    if route.redirect {
        return None;
    }
    let mac = l3.neigh.get(route.dev, route.nexthop)?.connected()?;
    let (out, mtu, mac) = (route.dev.0, route.mtu, mac.0);
    let disturbances = (w.disturbances, l3.disturbances);
    let way = Way { src, dst, from: from.0, out, mtu, mac, tos, is_some: true, disturbances };
    ns.l3.ways.get_or_insert_default().keep(way);
    Some(way)
}
