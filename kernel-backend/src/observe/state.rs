//! From a namespace's tables to its state in canonical order.
//!
//! Kernel counterpart: none; the order and the division into three parts are the model's ([`nettwin_model::snapshot`]).
//! Deliberately absent: I/O.

use super::Tables;
use crate::object::link::LinkRow;
use crate::object::{addr, neigh, route, rule};
use nettwin_model::queue::Queues;
use nettwin_model::route::proto;
use nettwin_model::snapshot::{LinkConfig, LinkDerived};
use nettwin_model::{
    Address, BridgeAttrs, FdbEntry, FdbKind, IfName, LinkKind, LinkTraits, Mac, NetnsName, NetnsState, Nud, PortAttrs,
    Route, Rules, Virtual,
};
use std::collections::{BTreeMap, BTreeSet};

/// The state that the tables show. `peers`: the other ends of veths, by index.
pub(super) fn build(tables: &Tables, peers: Option<&BTreeMap<u32, (NetnsName, IfName)>>) -> NetnsState {
    // A name that the model has no word for is no device that nettwin made.
    let names: BTreeMap<u32, IfName> =
        tables.links.iter().filter_map(|row| Some((row.index, IfName::new(&row.name).ok()?))).collect();
    let name = |index: u32| names.get(&index).copied();
    let mut addrs: BTreeMap<u32, Vec<Address>> = BTreeMap::new();
    for (index, address) in tables.addrs.iter().filter_map(|message| addr::parse(message, name)) {
        addrs.entry(index).or_default().push(address);
    }
    let mut state = NetnsState::default();
    for row in &tables.links {
        let Some(own_name) = name(row.index) else { continue };
        let (auto_addrs, addrs) = addrs
            .remove(&row.index)
            .unwrap_or_default()
            .into_iter()
            .partition(|address| addr::is_automatic(address, row.loopback));
        let master = row.master.and_then(name);
        let peer = peers.and_then(|peers| peers.get(&row.index)).cloned();
        let queues = tables.queues.get(&row.index).cloned();
        let impairment = queues.as_ref().and_then(Queues::impairment).cloned();
        let vlans = tables.vlans.get(&row.index).cloned().filter(|_| row.bridge.is_some() || row.port.is_some());
        let needs = row.needs.and_then(name);
        let mut config = LinkConfig { addrs, master, impairment, vlans, ..config_of(row, peer, needs) };
        if let LinkKind::Virtual(Virtual::Bond(attrs)) = &mut config.kind {
            attrs.primary = row.bond.primary.and_then(name);
        }
        state.config.links.insert(own_name, config);
        let active_slave = row.bond.active.and_then(name);
        state.derived.links.insert(own_name, LinkDerived { auto_addrs, active_slave, ..derived_of(row) });
        if row.traits != LinkTraits::default() {
            state.config.traits.insert(own_name, row.traits.clone());
        }
        state.volatile.stats.insert(own_name, row.stats);
        state.volatile.queues.extend(queues.map(|queues| (own_name, queues)));
    }
    state.config.nexthops = tables.nexthops.clone();
    state.config.rules = Rules(tables.rules.iter().filter_map(rule::parse).collect());
    sort_routes(tables, &name, &mut state);
    sort_neighs(tables, name, &mut state);
    sort_fdb(tables, name, &mut state);
    state.volatile.mdb = tables.mdb.clone();
    state.volatile.mdb.sort();
    state
}

fn config_of(row: &LinkRow, peer: Option<(NetnsName, IfName)>, needs: Option<IfName>) -> LinkConfig {
    let kind = match row.kind.as_str() {
        _ if row.loopback => LinkKind::Loopback,
        "veth" => LinkKind::Veth { peer },
        "bridge" => LinkKind::Bridge,
        _ if let Some(of) = &row.of => {
            let mut of = of.clone();
            of.lower_mut().into_iter().for_each(|lower| lower.clone_from(&peer));
            if let Virtual::Vxlan(of) = &mut of {
                of.dev = needs;
            }
            LinkKind::Virtual(of)
        }
        "" => LinkKind::Other("physical".into()),
        other => LinkKind::Other(other.into()),
    };
    LinkConfig {
        kind,
        up: row.up,
        mtu: Some(row.mtu),
        mac: Some(row.bond_slave.as_ref().map_or(row.mac, |slave| slave.perm_mac)),
        master: None,
        addrs: Vec::new(),
        bridge: row.bridge.as_ref().map(|b| b.attrs.or(&BridgeAttrs::shown_by_all()).sparse()),
        port: row.port.as_ref().map(|p| p.attrs.or(&PortAttrs::shown_by_all()).sparse()),
        vlans: None,
        impairment: None,
    }
}

fn derived_of(row: &LinkRow) -> LinkDerived {
    LinkDerived {
        ifindex: row.index,
        operstate: row.operstate,
        carrier: row.carrier,
        link_ifindex: row.lower,
        qdisc: row.qdisc.clone(),
        mtu: row.mtu,
        mac: row.mac,
        auto_addrs: Vec::new(),
        bridge: row.bridge.as_ref().map(|b| b.derived.clone()),
        port: row.port.as_ref().map(|p| p.derived.clone()),
        active_slave: None,
        bond_slave: row.bond_slave.clone(),
    }
}

fn sort_routes(tables: &Tables, name: &dyn Fn(u32) -> Option<IfName>, state: &mut NetnsState) {
    for route in tables.routes.iter().filter_map(|message| route::parse(message, name)) {
        match route.proto {
            proto::REDIRECT => {}
            proto::KERNEL => state.derived.routes.push(route),
            _ => state.config.routes.push(route),
        }
    }
    // Stable: the kernel's order decides among equals.
    let key = |r: &Route| (r.table, r.dst.addr, r.dst.len, r.tos, r.metric);
    state.config.routes.sort_by_key(key);
    state.derived.routes.sort_by_key(key);
}

fn sort_neighs(tables: &Tables, name: impl Fn(u32) -> Option<IfName>, state: &mut NetnsState) {
    for neigh in tables.neighs.iter().filter_map(|message| neigh::parse(message, &name)) {
        match neigh.state {
            Nud::Permanent => state.config.neighs.push(neigh),
            Nud::Noarp | Nud::None => state.volatile.unasked.push(neigh),
            _ => state.volatile.neighs.push(neigh),
        }
    }
    state.config.neighs.sort_by_key(|n| (n.dev, n.dst, n.proxy));
    state.volatile.neighs.sort_by_key(|n| (n.dev, n.dst));
    state.volatile.unasked.sort_by_key(|n| (n.dev, n.dst));
}

fn sort_fdb(tables: &Tables, name: impl Fn(u32) -> Option<IfName>, state: &mut NetnsState) {
    // The MACs that a bridge has for itself: its own and its ports'.
    let own: BTreeSet<(Option<IfName>, Mac)> = tables
        .links
        .iter()
        .map(|row| (row.master.filter(|_| row.port.is_some()).or(Some(row.index)).and_then(&name), row.mac))
        .collect();
    // What a VXLAN device is born with is its own, too.
    let born = |entry: &FdbEntry| match state.config.links.get(&entry.dev).map(|link| &link.kind) {
        Some(LinkKind::Virtual(Virtual::Vxlan(of))) => entry.mac == Mac::ZERO && entry.remote == of.default_remote(),
        _ => false,
    };
    let (mut config, mut volatile) = (Vec::new(), Vec::new());
    for entry in tables.fdb.iter().filter_map(|message| neigh::parse_fdb(message, &name)) {
        let added = match entry.kind {
            FdbKind::Static => true,
            FdbKind::Permanent if entry.remote.is_some() => !born(&entry),
            FdbKind::Permanent => !own.contains(&(Some(entry.bridge), entry.mac)),
            FdbKind::Learned => false,
        };
        if added { &mut config } else { &mut volatile }.push(entry);
    }
    (state.config.fdb, state.volatile.fdb) = (config, volatile);
    let key = |e: &FdbEntry| (e.bridge, e.mac, e.dev, e.vlan);
    state.config.fdb.sort_by_key(key);
    state.volatile.fdb.sort_by_key(key);
}
