//! When what was observed is what was wanted. Plans and differences both ask here, so that they never disagree.
//!
//! Counterpart: the defaults that `ip`, `tc` and the kernel fill in. An attribute that is left open agrees with anything.
//! Deliberately absent: order across subnets of an interface's addresses.

use crate::addr::{Address, Cidr, Scope};
use crate::impair::{Impairment, Share, Slot};
use crate::link::{BridgeAttrs, LinkKind, PortAttrs};
use crate::name::{IfName, NetnsName};
use crate::neigh::{FdbEntry, FdbKind, Neigh};
use crate::plan::Desired;
use crate::route::Route;
use crate::snapshot::{BridgeDerived, Config, NetnsState, Snapshot};
use crate::virtuals::Virtual;
use std::net::{IpAddr, Ipv4Addr};

/// netem's own queue limit, in packets.
const NETEM_LIMIT: u32 = 1000;

pub(crate) fn route(wanted: &Route, seen: &Route) -> bool {
    if wanted.nhid.is_some() || seen.nhid.is_some() {
        return route_by_object(wanted, seen);
    }
    let way = |(w, s): (&crate::route::Nexthop, &crate::route::Nexthop)| {
        w.via == s.via && (w.dev.is_none() || w.dev == s.dev) && w.weight == s.weight && w.onlink == s.onlink
    };
    RouteKey::of(wanted) == RouteKey::of(seen)
        && wanted.kind == seen.kind
        && wanted.proto == seen.proto
        && (wanted.scope.is_none() || wanted.scope == seen.scope)
        && wanted.prefsrc == seen.prefsrc
        && (wanted.mtu, wanted.mtu_lock, wanted.advmss) == (seen.mtu, seen.mtu_lock, seen.advmss)
        && wanted.metrics == seen.metrics
        && wanted.nexthops.len() == seen.nexthops.len()
        && wanted.nexthops.iter().zip(&seen.nexthops).all(way)
}

/// Where a route by a nexthop object leads is the object's.
fn route_by_object(wanted: &Route, seen: &Route) -> bool {
    let bare = |r: &Route| Route { nexthops: Vec::new(), scope: wanted.scope.and(r.scope), ..r.clone() };
    bare(wanted) == bare(seen)
}

/// What tells routes apart (`fib_table_insert`): a second one of the same key needs `append`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RouteKey {
    pub(crate) table: u32,
    pub(crate) dst: Cidr,
    pub(crate) tos: u8,
    pub(crate) metric: u32,
}

impl RouteKey {
    pub(crate) fn of(route: &Route) -> Self {
        RouteKey { table: route.table, dst: route.dst, tos: route.tos, metric: route.metric }
    }
}

pub(crate) fn address(wanted: &Address, seen: &Address, dev: IfName) -> bool {
    let label = |a: &Address| a.label.clone().filter(|l| l != dev.as_str());
    AddressKey::of(wanted) == AddressKey::of(seen)
        && wanted.broadcast == seen.broadcast
        && wanted.scope == seen.scope
        && wanted.noprefixroute == seen.noprefixroute
        && wanted.autojoin == seen.autojoin
        && label(wanted) == label(seen)
}

/// What tells an interface's addresses apart: the address and its subnet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AddressKey {
    pub(crate) local: IpAddr,
    pub(crate) subnet: Cidr,
}

impl AddressKey {
    pub(crate) fn of(address: &Address) -> Self {
        AddressKey { local: address.cidr.addr, subnet: subnet(address) }
    }
}

/// The subnet an address belongs to; the first of each is its primary (`inet_ifa_match` on `ifa_address`).
pub(crate) fn subnet(address: &Address) -> Cidr {
    address.peer.unwrap_or(address.cidr).network()
}

/// `127.0.0.1/8`, which `lo` gets by itself.
pub(crate) fn is_automatic(address: &Address, dev: IfName) -> bool {
    dev == IfName::lo()
        && address.peer.is_none()
        && address.cidr == (Cidr { addr: IpAddr::V4(Ipv4Addr::LOCALHOST), len: 8 })
        && address.scope == Scope::HOST
}

pub(crate) fn neigh(wanted: &Neigh, seen: &Neigh) -> bool {
    neigh_key(wanted) == neigh_key(seen)
        && (wanted.proxy || (wanted.lladdr, wanted.state) == (seen.lladdr, seen.state))
        && wanted.extra.lasting() == seen.extra.lasting()
}

pub(crate) fn neigh_key(neigh: &Neigh) -> (IfName, IpAddr, bool) {
    (neigh.dev, neigh.dst, neigh.proxy)
}

/// Entries that a bridge learned are nobody's configuration.
pub(crate) fn is_configured(entry: &FdbEntry) -> bool {
    entry.kind != FdbKind::Learned
}

/// Whether an entry that is there is one that is wanted, wherever it is: one that is wanted in no VLAN is there in all that
/// its port has (`br_fdb_add`).
pub(crate) fn fdb_key(wanted: &FdbEntry, seen: &FdbEntry) -> bool {
    let everywhere = wanted.vlan == 0 && (wanted.dev, wanted.kind) == (seen.dev, seen.kind);
    (wanted.bridge, wanted.mac, wanted.remote) == (seen.bridge, seen.mac, seen.remote)
        && (wanted.vlan == seen.vlan || everywhere)
}

/// A sysctl's file separates numbers by tabs, whatever separated them when written.
pub(crate) fn sysctl(wanted: &str, seen: &str) -> bool {
    wanted.split_whitespace().eq(seen.split_whitespace())
}

pub(crate) fn impairment(wanted: &Impairment, seen: &Impairment) -> bool {
    let filled = |i: &Impairment| Impairment {
        limit: Some(i.limit.unwrap_or(NETEM_LIMIT)),
        gap: if i.reorder.share == Share(0) { 0 } else { i.gap.max(1) },
        seed: wanted.seed.and(i.seed),
        // A machine does not show them.
        distribution: None,
        slot: i.slot.map(|slot| Slot { distribution: None, ..slot }),
        ..i.clone()
    };
    filled(wanted) == filled(seen)
}

/// What a bridge lacks of what is wanted. What this kernel's bridges do not know is as if it had its default.
///
/// While the spanning tree changes the ageing time is another one than was set: twice the forward delay
/// (`__br_set_topology_change`).
pub(crate) fn bridge_changes(wanted: &BridgeAttrs, seen: Option<&BridgeAttrs>) -> BridgeAttrs {
    let default = BridgeAttrs::kernel_default();
    let mut seen = seen.map_or(default.clone(), |seen| seen.or(&default));
    let changing = seen.stp_state == Some(true) && seen.ageing_time == seen.forward_delay.map(|delay| 2 * delay);
    if changing && wanted.stp_state == Some(true) {
        seen.ageing_time = wanted.ageing_time;
    }
    wanted.changes_from(&seen)
}

/// What a port lacks of what is wanted.
pub(crate) fn port_changes(wanted: &PortAttrs, seen: Option<&PortAttrs>) -> PortAttrs {
    let default = PortAttrs::kernel_default();
    wanted.changes_from(&seen.map_or(default.clone(), |seen| seen.or(&default)))
}

/// A bridge that speaks the spanning tree protocol shows the times in force, not those it was given: the root's, and for
/// ageing, while the topology changes, twice the forward delay. What it was given cannot be seen then, and is believed.
fn own_times(seen: &mut BridgeAttrs, wanted: &BridgeAttrs, derived: &BridgeDerived) {
    if seen.stp_state != Some(true) {
        return;
    }
    if seen.ageing_time == seen.forward_delay.map(|delay| 2 * delay) {
        seen.ageing_time = wanted.ageing_time.or(seen.ageing_time);
    }
    if derived.root != derived.id {
        seen.forward_delay = wanted.forward_delay.or(seen.forward_delay);
        seen.hello_time = wanted.hello_time.or(seen.hello_time);
        seen.max_age = wanted.max_age.or(seen.max_age);
    }
}

/// Whether a link is what is wanted or must be made anew.
pub(crate) fn kind(wanted: &LinkKind, seen: &LinkKind, desired: &Desired, observed: &Snapshot) -> bool {
    match (wanted, seen) {
        (LinkKind::Veth { peer: None }, LinkKind::Veth { .. }) => true,
        (LinkKind::Veth { peer: Some(peer) }, LinkKind::Veth { peer: None }) => {
            // Its other end is out of sight: fine unless it should be within.
            !observed.netns.contains_key(&peer.0) && !desired.netns.contains_key(&peer.0)
        }
        // What is left open of a bond is as the kernel makes it.
        (LinkKind::Virtual(Virtual::Bond(wanted)), LinkKind::Virtual(Virtual::Bond(seen))) => {
            wanted.sparse() == seen.sparse()
        }
        (wanted, seen) => wanted == seen,
    }
}

/// The part of what was observed in a namespace that a plan may touch: not the kinds of links that nettwin does not make,
/// and in `host`, which is not only ours, nothing but what is named in `wanted`.
pub(crate) fn within_reach(netns: &NetnsName, wanted: &Config, state: &NetnsState) -> Config {
    let mut out = state.config.clone();
    for (dev, link) in &mut out.links {
        let derived = state.derived.links.get(dev).and_then(|d| d.bridge.as_ref());
        let wanted = wanted.links.get(dev).and_then(|w| w.bridge.as_ref());
        if let (Some(seen), Some(wanted), Some(derived)) = (&mut link.bridge, wanted, derived) {
            own_times(seen, wanted, derived);
        }
    }
    out.links.retain(|dev, link| match (&link.kind, wanted.links.get(dev)) {
        (LinkKind::Other(_), named) => named.is_some_and(|w| w.kind == link.kind),
        (_, None) => !netns.is_host(),
        (_, Some(_)) => true,
    });
    let ours = |dev: &IfName| out.links.contains_key(dev);
    let keys: Vec<_> = wanted.routes.iter().map(RouteKey::of).collect();
    out.routes.retain(|r| {
        let ways: Vec<_> = r.nexthops.iter().filter_map(|hop| hop.dev).collect();
        let nowhere = ways.is_empty() && !netns.is_host();
        nowhere || ways.iter().any(ours) || keys.contains(&RouteKey::of(r))
    });
    out.nexthops.retain(|n| n.dev().as_ref().map_or(!netns.is_host(), ours));
    if netns.is_host() {
        out.rules.0.retain(|r| wanted.rules.0.contains(r));
    }
    out.neighs.retain(|n| ours(&n.dev));
    out.fdb.retain(|e| ours(&e.bridge) && is_configured(e));
    if netns.is_host()
        && let (Some(lo), Some(wanted)) = (out.links.get_mut(&IfName::lo()), wanted.links.get(&IfName::lo()))
    {
        lo.up &= wanted.up;
        lo.addrs.retain(|a| wanted.addrs.iter().any(|w| address(w, a, IfName::lo())));
    }
    out
}
