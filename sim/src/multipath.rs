//! Which of several ways a flow takes, and which of several default routes.
//!
//! Kernel counterpart: `fib_select_path()`, `fib_select_default()`, `fib_select_multipath()`, `fib_rebalance()` of
//! `net/ipv4/fib_semantics.c`, `fib_multipath_hash()` of `route.c`, `nexthop_select_path()` of `nexthop.c`. A hash of
//! 31 bits falls into the share that a way's weight gives it. The kernel keys its hash (siphash) with a random number;
//! here the key comes from the seed and the namespace's name and the hash is splitmix64's, so that which way a flow
//! takes is the same in every run, and another than the kernel's. Deliberately absent: the inner headers of tunnels
//! and of ICMP errors.

use crate::fib::{Alias, Flow, Hit, Hop, TOS_MASK};
use crate::neigh::entry::is_valid;
use crate::netns::{DevTable, Ifindex, Netns};
use crate::sysctl::Sysctls;
use crate::{addr, neigh};
use nettwin_model::{Nud, RouteKind, Scope};
use std::net::Ipv4Addr;

/// The way that a packet takes. `by_source`: a way whose own address is the packet's source is preferred, as for what is
/// sent from here.
pub(crate) fn choose(ns: &Netns, hit: &Hit<'_>, flow: &Flow, by_source: bool) -> usize {
    let hops = &hit.alias.hops;
    if hops.len() < 2 || flow.oif != Ifindex::NONE {
        return hit.hop;
    }
    let hash = hash(ns, flow);
    let uses_neigh = ns.sysctl.net.fib_multipath_use_neigh != 0;
    let good = |hop: &Hop| !uses_neigh || neigh::may_be_there(ns, hop.dev, hop.via);
    let is_source = |hop: &Hop| {
        let gateway = hop.via.unwrap_or(Ipv4Addr::UNSPECIFIED);
        by_source
            && hit.alias.object.is_none()
            && !flow.src.is_unspecified()
            && addr::select(ns, hop.dev, gateway, hit.alias.scope) == flow.src
    };
    select(hops, hash, good, is_source).unwrap_or(hit.hop)
}

/// The route that a packet made here takes, and its way (`fib_select_path`).
pub(crate) fn path<'a>(ns: &'a Netns, hit: Hit<'a>, flow: &Flow) -> Hit<'a> {
    let is_default = hit.len == 0 && hit.alias.kind == RouteKind::Unicast && hit.leaf.len() > 1;
    if is_default && hit.alias.hops.len() < 2 && flow.oif == Ifindex::NONE {
        return default_route(ns, hit, flow);
    }
    Hit { hop: choose(ns, &hit, flow, true), ..hit }
}

/// Of equal default routes by gateways, the first whose neighbour is known to be there, or is not known to be away; those that
/// are only believed to be there take turns (`fib_select_default`).
fn default_route<'a>(ns: &'a Netns, hit: Hit<'a>, flow: &Flow) -> Hit<'a> {
    let mut gateways: Vec<&Alias> = Vec::new();
    let (mut metric, mut tos) = (hit.alias.metric, 0);
    for alias in hit.leaf {
        if alias.tos != 0 && alias.tos != flow.tos & TOS_MASK {
            continue;
        }
        if alias.metric > metric && tos == alias.tos {
            if alias.tos != 0 {
                continue;
            }
            break;
        }
        if alias.dead || alias.hops.iter().all(|hop| hop.dead) && !alias.hops.is_empty() {
            continue;
        }
        (metric, tos) = (alias.metric, alias.tos);
        let is_gateway = alias.hops.first().is_some_and(|hop| hop.via.is_some() && hop.scope == Scope::LINK);
        if alias.scope != hit.alias.scope || alias.kind != RouteKind::Unicast || !is_gateway {
            continue;
        }
        if gateways.is_empty() && !std::ptr::eq(alias, hit.alias) {
            break;
        }
        gateways.push(alias);
    }
    let Some(first) = gateways.first().filter(|_| gateways.len() > 1) else {
        if let Some(first) = gateways.first() {
            first.default.set(-1);
        }
        return hit;
    };
    let mut last_resort = None;
    for (order, alias) in (0..).zip(&gateways) {
        if !is_dead(ns, &alias.hops[0], order, first.default.get(), &mut last_resort) {
            first.default.set(order);
            return Hit { alias, hop: 0, ..hit };
        }
    }
    first.default.set(last_resort.unwrap_or(-1));
    let at = last_resort.and_then(|order| usize::try_from(order).ok());
    at.map_or(hit, |at| Hit { alias: gateways[at], hop: 0, ..hit })
}

/// Whether a gateway is not to be taken; one that may do if nothing else does is noted (`fib_detect_death`). `taken` is the one
/// that was taken last.
fn is_dead(ns: &Netns, hop: &Hop, order: i32, taken: i32, last_resort: &mut Option<i32>) -> bool {
    let Some(entry) = hop.via.and_then(|via| ns.l3.neigh.get(hop.dev, via)) else { return false };
    let is_valid = is_valid(entry.nud);
    if entry.nud == Nud::Reachable || is_valid && order != taken {
        return false;
    }
    if is_valid || last_resort.is_none() && order > taken && entry.nud != Nud::Incomplete {
        *last_resort = Some(order);
    }
    true
}

/// Whether ways by a device do not count while it has no carrier (`IN_DEV_IGNORE_ROUTES_WITH_LINKDOWN`).
pub(crate) fn skips<'a>(devs: &'a DevTable, sysctl: &'a Sysctls) -> impl Fn(Ifindex) -> bool + 'a {
    let all = sysctl.all.ignore_routes_with_linkdown != 0;
    move |dev| all || devs.by_index(dev).is_some_and(|d| d.conf.ignore_routes_with_linkdown != 0)
}

/// Shares the range among the ways that count now; until something happens to one of them this stays so.
pub(crate) fn rebalance(hops: &mut [Hop], skips: &impl Fn(Ifindex) -> bool) {
    for hop in hops {
        hop.benched = hop.dead || hop.linkdown && skips(hop.dev);
    }
}

fn select(hops: &[Hop], hash: u32, good: impl Fn(&Hop) -> bool, is_source: impl Fn(&Hop) -> bool) -> Option<usize> {
    let total: u64 = hops.iter().filter(|h| !h.benched).map(|h| u64::from(h.weight)).sum();
    let (mut sum, mut best) = (0, None);
    for (i, hop) in hops.iter().enumerate().filter(|(_, h)| !h.benched) {
        sum += u64::from(hop.weight);
        if !good(hop) {
            continue;
        }
        // DIV_ROUND_CLOSEST_ULL(weight << 31, total) - 1 is the share's upper bound.
        let within = u64::from(hash) < ((sum << 31) + total / 2) / total;
        let score = 2 * u8::from(is_source(hop)) + u8::from(within);
        if best.is_none_or(|(_, most)| most < score) {
            best = Some((i, score));
        }
    }
    best.map(|(i, _)| i)
}

/// The hash of a flow, 31 bits, of what `fib_multipath_hash_policy` names.
fn hash(ns: &Netns, flow: &Flow) -> u32 {
    const SRC_IP: i32 = 1;
    const DST_IP: i32 = 2;
    const IP_PROTO: i32 = 4;
    const SRC_PORT: i32 = 0x10;
    const DST_PORT: i32 = 0x20;
    let fields = match ns.sysctl.net.fib_multipath_hash_policy {
        1 => SRC_IP | DST_IP | IP_PROTO | SRC_PORT | DST_PORT,
        3 => ns.sysctl.net.fib_multipath_hash_fields,
        _ => SRC_IP | DST_IP,
    };
    let taken = |field: i32, value: u32| if fields & field != 0 { u64::from(value) } else { 0 };
    let addrs = taken(SRC_IP, flow.src.to_bits()) << 32 | taken(DST_IP, flow.dst.to_bits());
    let (sport, dport) = (taken(SRC_PORT, flow.asks.sport.into()), taken(DST_PORT, flow.asks.dport.into()));
    let ports = taken(IP_PROTO, flow.asks.proto.into()) << 32 | sport << 16 | dport;
    // Its 31 highest bits.
    (mix(mix(ns.l3.hash_seed ^ addrs) ^ ports) >> 33) as u32
}

/// splitmix64's finalizer: every bit moves every bit.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Whether the hash asks for protocol and ports.
pub(crate) fn asks_ports(ns: &Netns) -> bool {
    matches!(ns.sysctl.net.fib_multipath_hash_policy, 1 | 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn hop(weight: u16, benched: bool) -> Hop {
        Hop {
            via: None,
            dev: Ifindex(2),
            weight,
            onlink: false,
            scope: Scope::LINK,
            dead: false,
            linkdown: false,
            benched,
        }
    }

    #[test]
    fn weights_share_the_range() {
        let hops = [hop(3, false), hop(1, false)];
        let mut rng = Rng::new(1, "multipath");
        let chosen = |hash| select(&hops, hash, |_| true, |_| false);
        let first = (0..4000).filter(|_| chosen((mix(rng.next_u64()) >> 33) as u32) == Some(0));
        let share = first.count();
        assert!((2900..3100).contains(&share), "{share} of 4000");
        assert_eq!(chosen((1 << 31) - 1), Some(1));
        assert_eq!(select(&[hop(3, true), hop(1, false)], 0, |_| true, |_| false), Some(1));
        assert_eq!(select(&hops, 0, |h| h.weight == 1, |_| false), Some(1));
        assert_eq!(select(&hops, 0, |_| true, |h| h.weight == 1), Some(1));
    }
}
