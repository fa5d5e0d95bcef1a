//! Bridges' and ports' attributes, and entries of the forwarding database.
//!
//! Kernel counterpart: `net/bridge/br_netlink.c` (`br_changelink`, `br_setport`, whose order of steps this keeps),
//! `br_fdb_add`, `br_fdb_delete`. What the simulator cannot do is refused as missing, never taken silently.

use crate::dev::bridge;
use crate::dev::fdb::{self, Entry, SELF};
use crate::dev::mcast;
use crate::dev::stp::At;
use crate::dev::vlans::{self, Vlans};
use crate::dev::vxlan;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use nettwin_model::{BridgeAttrs, Errno, Fault, FdbEntry, FdbKind, PortAttrs, PortState};

/// `ip link set … type bridge` (`br_changelink`).
pub(crate) fn set(ns: &mut Netns, w: &mut World, index: Ifindex, attrs: &BridgeAttrs) -> Result<(), Fault> {
    let erange = || Err(Fault::errno(Errno::ERANGE));
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let b = dev.bridge_mut().ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    if let Some(delay) = attrs.forward_delay {
        if b.stp.enabled && !(200..=3000).contains(&delay) {
            return erange();
        }
        At { ns, w, dev: index }.set_forward_delay(delay);
    }
    let b = bridge_mut(ns, index)?;
    if let Some(hello) = attrs.hello_time {
        if !(100..=1000).contains(&hello) {
            return erange();
        }
        b.stp.own_hello_time = hello;
        if b.stp.id == b.stp.root {
            b.stp.hello_time = hello;
        }
    }
    if let Some(age) = attrs.max_age {
        if !(600..=4000).contains(&age) {
            return erange();
        }
        b.stp.own_max_age = age;
        if b.stp.id == b.stp.root {
            b.stp.max_age = age;
        }
    }
    if let Some(time) = attrs.ageing_time {
        (b.ageing_time, b.own_ageing_time) = (time, time);
        let id = ns.id;
        let b = bridge_mut(ns, index)?;
        bridge::sweep(id, w, index, b);
    }
    if let Some(on) = attrs.stp_state {
        At { ns, w, dev: index }.set_enabled(on);
    }
    if let Some(priority) = attrs.priority {
        At { ns, w, dev: index }.set_priority(priority);
    }
    set_vlans(ns, w, index, attrs)?;
    let b = bridge_mut(ns, index)?;
    if let Some(mask) = attrs.group_fwd_mask {
        if mask & 7 != 0 {
            return Err(Fault::errno(Errno::EINVAL));
        }
        b.group_fwd_mask = mask;
    }
    b.fdb_max_learned = attrs.fdb_max_learned.unwrap_or(b.fdb_max_learned);
    let settings = groups(b.mcast.settings, attrs)?;
    mcast::set(ns, w, index, settings);
    Ok(())
}

/// What the attributes say of groups (`br_multicast_set_*`).
fn groups(now: mcast::Settings, attrs: &BridgeAttrs) -> Result<mcast::Settings, Fault> {
    if attrs.mcast_router.is_some_and(|kind| kind > mcast::ALWAYS) {
        return Err(Fault::errno(Errno::EINVAL));
    }
    // More often than once a second nobody is asked.
    let at_least = |time: Option<u32>, now: u32| time.map_or(now, |time| time.max(100));
    Ok(mcast::Settings {
        on: attrs.mcast_snooping.unwrap_or(now.on),
        querier: attrs.mcast_querier.unwrap_or(now.querier),
        router: attrs.mcast_router.unwrap_or(now.router),
        last_member_count: attrs.mcast_last_member_count.unwrap_or(now.last_member_count),
        startup_query_count: attrs.mcast_startup_query_count.unwrap_or(now.startup_query_count),
        last_member_interval: attrs.mcast_last_member_interval.unwrap_or(now.last_member_interval),
        membership_interval: attrs.mcast_membership_interval.unwrap_or(now.membership_interval),
        querier_interval: attrs.mcast_querier_interval.unwrap_or(now.querier_interval),
        query_interval: at_least(attrs.mcast_query_interval, now.query_interval),
        query_response_interval: attrs.mcast_query_response_interval.unwrap_or(now.query_response_interval),
        startup_query_interval: at_least(attrs.mcast_startup_query_interval, now.startup_query_interval),
    })
}

/// What the attributes say of VLANs (`br_vlan_filter_toggle`, `__br_vlan_set_proto` and their like).
fn set_vlans(ns: &mut Netns, w: &mut World, index: Ifindex, attrs: &BridgeAttrs) -> Result<(), Fault> {
    let b = bridge_mut(ns, index)?;
    w.shows_vlans |= attrs.vlan_filtering == Some(true)
        || attrs.vlan_protocol.or(attrs.vlan_default_pvid).is_some()
        || attrs.vlan_stats_enabled.or(attrs.vlan_stats_per_port).is_some();
    b.filter.on = attrs.vlan_filtering.unwrap_or(b.filter.on);
    b.filter.proto = attrs.vlan_protocol.unwrap_or(b.filter.proto);
    if let Some(pvid) = attrs.vlan_default_pvid {
        vlans::set_default_pvid(ns, w, index, pvid)?;
    }
    let b = bridge_mut(ns, index)?;
    b.filter.counts = attrs.vlan_stats_enabled.unwrap_or(b.filter.counts);
    if let Some(per_port) = attrs.vlan_stats_per_port {
        if b.ports.iter().flatten().any(|port| !port.vlans.ids().is_empty()) {
            return Err(Fault::errno(Errno::EBUSY));
        }
        b.filter.per_port = per_port;
    }
    Ok(())
}

/// `bridge link set` (`br_setport`).
pub(crate) fn set_port(ns: &mut Netns, w: &mut World, index: Ifindex, attrs: &PortAttrs) -> Result<(), Fault> {
    if attrs.neigh_suppress == Some(true) {
        return Err(missing("neighbour suppression in the simulator", "leave neigh_suppress off"));
    }
    let port = ns.dev(index).ok_or(Fault::errno(Errno::ENODEV))?.port;
    let at = port.ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    let p = bridge_mut(ns, at.bridge)?.port_mut(at.number).ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    for (flag, wanted) in [
        (&mut p.hairpin, attrs.hairpin),
        (&mut p.guard, attrs.guard),
        (&mut p.root_block, attrs.root_block),
        (&mut p.fastleave, attrs.fastleave),
        (&mut p.learning, attrs.learning),
        (&mut p.flood, attrs.flood),
        (&mut p.mcast_flood, attrs.mcast_flood),
        (&mut p.bcast_flood, attrs.bcast_flood),
        (&mut p.isolated, attrs.isolated),
        (&mut p.locked, attrs.locked),
    ] {
        *flag = wanted.unwrap_or(*flag);
    }
    if let Some(kind) = attrs.mcast_router {
        if kind > 3 {
            return Err(Fault::errno(Errno::EINVAL));
        }
        mcast::set_port_router(ns, w, at, kind);
    }
    if let Some(cost) = attrs.cost {
        if !(1..=65535).contains(&cost) {
            return Err(Fault::errno(Errno::ERANGE));
        }
        At { ns, w, dev: at.bridge }.set_path_cost(at.number, cost);
    }
    if let Some(priority) = attrs.priority {
        if priority > 63 {
            return Err(Fault::errno(Errno::ERANGE));
        }
        At { ns, w, dev: at.bridge }.set_port_priority(at.number, priority);
    }
    // NETDEV_CHANGE follows: a port that was shut by hand opens again.
    At { ns, w, dev: at.bridge }.check_port(at.number);
    Ok(())
}

/// `bridge link set … state` (`br_set_port_state`).
pub(crate) fn set_port_state(ns: &mut Netns, w: &mut World, index: Ifindex, state: u8) -> Result<(), Fault> {
    let dev = ns.dev(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let at = dev.port.ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    let state = PortState::from_number(state).ok_or(Fault::errno(Errno::EINVAL))?;
    let can_be = dev.up && (dev.carrier || state == PortState::Disabled);
    if bridge_mut(ns, at.bridge)?.stp.enabled {
        return Err(Fault::errno(Errno::EBUSY));
    }
    if !can_be {
        return Err(Fault::errno(Errno::ENETDOWN));
    }
    At { ns, w, dev: at.bridge }.put(at.number, state);
    Ok(())
}

/// `bridge fdb add|replace` (`br_fdb_add`, `fdb_add_entry`).
pub(crate) fn add_fdb(ns: &mut Netns, w: &mut World, entry: &FdbEntry, replace: bool) -> Result<(), Fault> {
    if entry.remote.is_some() {
        return vxlan::add_entry(ns, w, entry, replace);
    }
    let einval = || Err(Fault::errno(Errno::EINVAL));
    let (bridge, port) = fdb_place(ns, entry)?;
    if entry.mac == nettwin_model::Mac::ZERO {
        return einval();
    }
    if port == SELF && entry.kind != FdbKind::Permanent || entry.sticky && entry.kind == FdbKind::Permanent {
        return einval();
    }
    let b = bridge_mut(ns, bridge)?;
    let vlans = b.vlans(port).map(Vlans::ids).unwrap_or_default();
    match entry.vlan {
        0 => {
            add_in_vlan(ns, w, bridge, port, entry, 0, replace)?;
            // One that is said of no VLAN is of all that there are.
            vlans.into_iter().try_for_each(|vid| add_in_vlan(ns, w, bridge, port, entry, vid, replace))
        }
        vid if vlans.contains(&vid) => add_in_vlan(ns, w, bridge, port, entry, vid, replace),
        _ => einval(),
    }
}

/// `__br_fdb_add`.
fn add_in_vlan(
    ns: &mut Netns,
    w: &mut World,
    bridge: Ifindex,
    port: u16,
    entry: &FdbEntry,
    vid: u16,
    replace: bool,
) -> Result<(), Fault> {
    let (id, now) = (ns.id, w.now);
    let b = bridge_mut(ns, bridge)?;
    let learns = |s: PortState| matches!(s, PortState::Learning | PortState::Forwarding);
    if entry.kind == FdbKind::Learned && !b.port(port).is_some_and(|p| learns(p.stp.state)) {
        return Err(Fault::errno(Errno::EPERM));
    }
    let key = fdb::in_vlan(fdb::key(&entry.mac.0), vid);
    if !replace && b.fdb.find(key).is_some() {
        return Err(Fault::errno(Errno::EEXIST));
    }
    let (local, fixed) = (entry.kind == FdbKind::Permanent, entry.kind != FdbKind::Learned);
    b.fdb.put(
        key,
        Entry { local, fixed, sticky: entry.sticky, by_user: true, port, updated: now, born: 0, next: fdb::END },
    );
    if !fixed && let Some(due) = b.fdb.arm(now, b.hold()) {
        w.wheel.schedule(due, fdb::sweep_event(id, bridge));
    }
    Ok(())
}

/// `bridge fdb del` (`br_fdb_delete`).
pub(crate) fn del_fdb(ns: &mut Netns, w: &World, entry: &FdbEntry) -> Result<(), Fault> {
    if entry.remote.is_some() || vxlan::is_one(ns, entry.bridge) {
        return vxlan::del_entry(ns, w, entry);
    }
    let (bridge, port) = fdb_place(ns, entry)?;
    let b = bridge_mut(ns, bridge)?;
    if w.shows_vlans && b.vlans(port).is_some_and(|vlans| !vlans.has(entry.vlan)) {
        return Err(Fault::errno(Errno::EINVAL));
    }
    let keys = match entry.vlan {
        0 => vlans::keys(b, port, entry.mac),
        vid => vec![fdb::in_vlan(fdb::key(&entry.mac.0), vid)],
    };
    let mut found = false;
    for key in keys {
        if b.fdb.find(key).is_some_and(|e| e.port == port) {
            b.fdb.remove(key);
            found = true;
        }
    }
    if found { Ok(()) } else { Err(Fault::errno(Errno::ENOENT)) }
}

/// The bridge and the port's number that an entry's device names.
fn fdb_place(ns: &Netns, entry: &FdbEntry) -> Result<(Ifindex, u16), Fault> {
    let dev = ns.dev_named(entry.dev).ok_or(Fault::errno(Errno::ENODEV))?;
    match dev.port {
        Some(at) => Ok((at.bridge, at.number)),
        None if dev.bridge().is_some() => Ok((dev.ifindex, SELF)),
        // rtnl_fdb_add() takes Ethernet devices only, before it asks who they are.
        None if dev.is_loopback() => Err(Fault::errno(Errno::EINVAL)),
        None => Err(Fault::errno(Errno::EOPNOTSUPP)),
    }
}

fn bridge_mut(ns: &mut Netns, index: Ifindex) -> Result<&mut bridge::Bridge, Fault> {
    ns.dev_mut(index).and_then(|d| d.bridge_mut()).ok_or(Fault::errno(Errno::EOPNOTSUPP))
}

fn missing(what: &str, remedy: &str) -> Fault {
    Fault::Missing { capability: what.into(), remedy: format!("{remedy}, or run this on the kernel") }
}
