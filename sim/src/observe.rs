//! The state as it is seen: links, bridges and counters here, the IP layer's part by its own door.

use crate::dev::bond;
use crate::dev::bridge::{Bridge, Port};
use crate::dev::fdb::{self, Entry};
use crate::dev::mcast;
use crate::dev::vlans::Vlans;
use crate::dev::vxlan;
use crate::dev::{Dev, Kind};
use crate::netns::Netns;
use crate::sim::Sim;
use crate::world::World;
use crate::{l3, nf, sysctl};
use nettwin_model::snapshot::{BridgeDerived, LinkConfig, LinkDerived, PortDerived};
use nettwin_model::{
    BridgeAttrs, Extent, FdbEntry, FdbKind, LinkKind, LinkTraits, Mac, NetnsState, OperState, PortAttrs, Snapshot,
    Virtual,
};
use std::collections::BTreeSet;

/// Reads the namespaces of `extent`.
pub(crate) fn observe(sim: &Sim, extent: &Extent) -> Snapshot {
    let wanted = |ns: &&Netns| extent.netns.as_ref().is_none_or(|set| set.contains(&ns.name));
    let mut snapshot = Snapshot::default();
    for ns in sim.netns.iter().filter(wanted) {
        let mut state = netns(sim, ns);
        for key in extent.sysctls.get(&ns.name).into_iter().flatten() {
            if let Ok(value) = sysctl::read(ns, key.path()) {
                state.config.sysctls.insert(key.clone(), value);
            }
        }
        snapshot.netns.insert(ns.name.clone(), state);
    }
    snapshot
}

/// Reads one namespace, without sysctls.
pub(crate) fn netns(sim: &Sim, ns: &Netns) -> NetnsState {
    let mut state = NetnsState::default();
    for dev in ns.devs.iter() {
        state.config.links.insert(dev.name, link_config(sim, ns, dev));
        state.derived.links.insert(dev.name, link_derived(ns, dev));
        if *dev.traits != LinkTraits::default() {
            state.config.traits.insert(dev.name, dev.traits.clone());
        }
        if let Some(bond) = bond::of(ns, dev.ifindex) {
            let names = bond.slaves.iter().filter_map(|slave| Some(ns.dev(slave.dev)?.name)).collect();
            state.volatile.slaves.insert(dev.name, names);
        }
        let stats = bond::of(ns, dev.ifindex).map_or(dev.stats, |bond| bond::stats(ns, bond, dev.stats));
        state.volatile.stats.insert(dev.name, stats);
        state.volatile.carriers.insert(dev.name, dev.carriers);
        state.volatile.queues.extend(dev.qdisc.rows().map(|queues| (dev.name, queues)));
    }
    all_fdb(ns, &sim.world, &mut state);
    for dev in ns.devs.iter() {
        let members = dev.bridge().map(|b| mcast::entries(ns, dev.name, b, sim.world.now)).unwrap_or_default();
        state.volatile.mdb.extend(members.into_iter().map(|aged| aged.entry));
    }
    state.volatile.mdb.sort();
    l3::observe(ns, &sim.world, &mut state);
    state.config.ruleset = nf::ruleset(ns, sim.world.now).without_state();
    state
}

fn link_config(sim: &Sim, ns: &Netns, dev: &Dev) -> LinkConfig {
    let kind = match &dev.kind {
        Kind::Loopback => LinkKind::Loopback,
        Kind::Veth(veth) => {
            let there = sim.netns.by_id(veth.peer.ns);
            LinkKind::Veth { peer: there.and_then(|ns| Some((ns.name.clone(), ns.dev(veth.peer.dev)?.name))) }
        }
        Kind::Bridge(_) => LinkKind::Bridge,
        Kind::Vxlan(of) => LinkKind::Virtual(vxlan::shown(ns, of)),
        kind => {
            let mut shown = kind.born().unwrap_or(Virtual::Dummy);
            if let (Some(lower), Some((id, index))) = (shown.lower_mut(), kind.lower()) {
                let there = sim.netns.by_id(id);
                *lower = there.and_then(|ns| Some((ns.name.clone(), ns.dev(index)?.name)));
            }
            LinkKind::Virtual(shown)
        }
    };
    let vlans = dev.bridge().map(|b| &b.vlans).or_else(|| port_of(ns, dev).map(|p| &p.vlans));
    LinkConfig {
        kind,
        up: dev.up,
        mtu: Some(dev.mtu),
        mac: Some(bond::slave_of(ns, dev.ifindex).map_or(dev.mac, |slave| slave.perm_mac)),
        master: dev
            .vrf
            .or(dev.port.map(|at| at.bridge))
            .or_else(|| bond::master(ns, dev.ifindex))
            .and_then(|master| ns.dev(master))
            .map(|b| b.name),
        addrs: Vec::new(),
        bridge: dev.bridge().map(|b| bridge_attrs(b, sim.world.shows_vlans)),
        port: port_of(ns, dev).map(port_attrs),
        vlans: vlans.filter(|_| sim.world.shows_vlans).map(Vlans::shown),
        impairment: dev.qdisc.impairment().cloned(),
    }
}

fn link_derived(ns: &Netns, dev: &Dev) -> LinkDerived {
    let link_ifindex = dev.kind.link().map(|(_, index)| index.0);
    LinkDerived {
        ifindex: dev.ifindex.0,
        // What is not up is shown as down, whatever the last change left.
        operstate: if dev.up { dev.operstate } else { OperState::Down },
        carrier: dev.carrier,
        link_ifindex,
        qdisc: dev.qdisc.word().to_owned(),
        mtu: dev.mtu,
        mac: dev.mac,
        auto_addrs: Vec::new(),
        bridge: dev.bridge().map(|b| BridgeDerived {
            id: b.stp.id,
            root: b.stp.root,
            root_path_cost: b.stp.root_path_cost,
            root_port: b.stp.root_port,
        }),
        port: port_of(ns, dev).map(|p| PortDerived { number: p.stp.number, state: p.stp.state }),
        active_slave: bond::of(ns, dev.ifindex).and_then(|bond| Some(ns.dev(bond.active?)?.name)),
        bond_slave: bond::slave_of(ns, dev.ifindex),
    }
}

fn port_of<'a>(ns: &'a Netns, dev: &Dev) -> Option<&'a Port> {
    let at = dev.port?;
    ns.dev(at.bridge)?.bridge()?.port(at.number)
}

fn bridge_attrs(b: &Bridge, shows_vlans: bool) -> BridgeAttrs {
    let s = b.mcast.settings;
    let attrs = BridgeAttrs {
        stp_state: Some(b.stp.enabled),
        forward_delay: Some(ticks(b.stp.forward_delay)),
        hello_time: Some(ticks(b.stp.hello_time)),
        max_age: Some(ticks(b.stp.max_age)),
        ageing_time: Some(ticks(b.ageing_time)),
        priority: Some(b.stp.id.priority),
        group_fwd_mask: Some(b.group_fwd_mask),
        mcast_snooping: Some(s.on),
        mcast_querier: Some(s.querier),
        mcast_router: Some(s.router),
        mcast_last_member_count: Some(s.last_member_count),
        mcast_startup_query_count: Some(s.startup_query_count),
        mcast_last_member_interval: Some(ticks(s.last_member_interval)),
        mcast_membership_interval: Some(ticks(s.membership_interval)),
        mcast_querier_interval: Some(ticks(s.querier_interval)),
        mcast_query_interval: Some(ticks(s.query_interval)),
        mcast_query_response_interval: Some(ticks(s.query_response_interval)),
        mcast_startup_query_interval: Some(ticks(s.startup_query_interval)),

        vlan_filtering: Some(b.filter.on),
        fdb_max_learned: Some(b.fdb_max_learned),
        vlan_protocol: Some(b.filter.proto).filter(|_| shows_vlans),
        vlan_default_pvid: Some(b.filter.default_pvid).filter(|_| shows_vlans),
        vlan_stats_enabled: Some(b.filter.counts).filter(|_| shows_vlans),
        vlan_stats_per_port: Some(b.filter.per_port).filter(|_| shows_vlans),
    };
    attrs.sparse()
}

/// Hundredths of a second as they read back from a kernel that keeps ticks of 4 ms.
fn ticks(centis: u32) -> u32 {
    u32::try_from(u64::from(centis) * 5 / 2 * 2 / 5).unwrap_or(centis)
}

fn port_attrs(p: &Port) -> PortAttrs {
    PortAttrs {
        cost: Some(p.stp.path_cost),
        priority: Some(p.stp.priority),
        hairpin: Some(p.hairpin),
        guard: Some(p.guard),
        root_block: Some(p.root_block),
        fastleave: Some(p.fastleave),
        learning: Some(p.learning),
        flood: Some(p.flood),
        mcast_flood: Some(p.mcast_flood),
        bcast_flood: Some(p.bcast_flood),
        isolated: Some(p.isolated),
        locked: Some(p.locked),
        neigh_suppress: Some(false),
        mcast_router: Some(p.mcast.router),
    }
    .sparse()
}

/// An entry of the forwarding database of the bridge that `dev` is.
pub(crate) fn fdb_entry(ns: &Netns, dev: &Dev, bridge: &Bridge, key: u64, entry: &Entry) -> FdbEntry {
    let at = bridge.port(entry.port).and_then(|p| ns.dev(p.dev)).unwrap_or(dev);
    let kind = match (entry.local, entry.fixed) {
        (true, _) => FdbKind::Permanent,
        (false, true) => FdbKind::Static,
        (false, false) => FdbKind::Learned,
    };
    let (mac, vlan) = (fdb::mac(key), fdb::vid(key));
    FdbEntry { bridge: dev.name, dev: at.name, mac, kind, sticky: entry.sticky, vlan, remote: None }
}

/// The forwarding databases of a namespace, by bridge, MAC and port: what somebody put in, and the rest. A permanent entry
/// of a MAC that is the bridge's own or a port's counts as the machine's, as nobody can tell the two apart.
fn all_fdb(ns: &Netns, w: &World, state: &mut NetnsState) {
    let shows_vlans = w.shows_vlans;
    for dev in ns.devs.iter() {
        for (aged, own) in vxlan::entries(ns, dev, w.now) {
            let is_added = !own && aged.entry.kind != FdbKind::Learned;
            if is_added { &mut state.config.fdb } else { &mut state.volatile.fdb }.push(aged.entry);
        }
        let Some(bridge) = dev.bridge() else { continue };
        let ports = bridge.ports.iter().flatten().filter_map(|p| ns.dev(p.dev));
        let own: BTreeSet<Mac> = ports.chain([dev]).map(|d| d.mac).collect();
        for (key, entry) in bridge.fdb.sorted() {
            if !shows_vlans && fdb::vid(key) != 0 {
                continue;
            }
            let (mac, shown) = (fdb::mac(key), fdb_entry(ns, dev, bridge, key, &entry));
            match shown.kind {
                FdbKind::Learned => state.volatile.fdb.push(shown),
                FdbKind::Permanent if own.contains(&mac) => state.volatile.fdb.push(shown),
                FdbKind::Permanent | FdbKind::Static => state.config.fdb.push(shown),
            }
        }
    }
    for list in [&mut state.config.fdb, &mut state.volatile.fdb] {
        list.sort_by_key(|a| (a.bridge, a.mac, a.dev, a.vlan));
    }
}
