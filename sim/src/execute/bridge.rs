//! Bridges' and ports' attributes, and entries of the forwarding database.
//!
//! Kernel counterpart: `net/bridge/br_netlink.c` (`br_changelink`, `br_setport`, whose order of steps this keeps),
//! `br_fdb_add`, `br_fdb_delete`. What the simulator cannot do is refused as missing, never taken silently.

use crate::dev::bridge;
use crate::dev::fdb::{self, Entry, SELF};
use crate::dev::stp::At;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use nettwin_model::{BridgeAttrs, Errno, Fault, FdbEntry, FdbKind, PortAttrs, PortState};

/// Whether these attributes can be had at all, before anything is made.
pub(crate) fn check(attrs: &BridgeAttrs) -> Result<(), Fault> {
    if attrs.vlan_filtering == Some(true) {
        return Err(missing("VLAN filtering in the simulator", "leave vlan_filtering off"));
    }
    if attrs.mcast_querier == Some(true) {
        return Err(missing("an IGMP querier in the simulator", "leave mcast_querier off: groups are flooded"));
    }
    Ok(())
}

/// `ip link set … type bridge` (`br_changelink`).
pub(crate) fn set(ns: &mut Netns, w: &mut World, index: Ifindex, attrs: &BridgeAttrs) -> Result<(), Fault> {
    check(attrs)?;
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
    let b = bridge_mut(ns, index)?;
    if let Some(mask) = attrs.group_fwd_mask {
        if mask & 7 != 0 {
            return Err(Fault::errno(Errno::EINVAL));
        }
        b.group_fwd_mask = mask;
    }
    b.mcast_snooping = attrs.mcast_snooping.unwrap_or(b.mcast_snooping);
    b.fdb_max_learned = attrs.fdb_max_learned.unwrap_or(b.fdb_max_learned);
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
    Ok(())
}

/// `bridge fdb add|replace` (`br_fdb_add`, `fdb_add_entry`).
pub(crate) fn add_fdb(ns: &mut Netns, w: &mut World, entry: &FdbEntry, replace: bool) -> Result<(), Fault> {
    let einval = || Err(Fault::errno(Errno::EINVAL));
    let (bridge, port) = fdb_place(ns, entry)?;
    if entry.mac == nettwin_model::Mac::ZERO {
        return einval();
    }
    if port == SELF && entry.kind != FdbKind::Permanent || entry.sticky && entry.kind == FdbKind::Permanent {
        return einval();
    }
    let (id, now) = (ns.id, w.now);
    let b = bridge_mut(ns, bridge)?;
    let learns = |s: PortState| matches!(s, PortState::Learning | PortState::Forwarding);
    if entry.kind == FdbKind::Learned && !b.port(port).is_some_and(|p| learns(p.stp.state)) {
        return Err(Fault::errno(Errno::EPERM));
    }
    let key = fdb::key(&entry.mac.0);
    if !replace && b.fdb.find(key).is_some() {
        return Err(Fault::errno(Errno::EEXIST));
    }
    let (local, fixed) = (entry.kind == FdbKind::Permanent, entry.kind != FdbKind::Learned);
    b.fdb.put(key, Entry { local, fixed, sticky: entry.sticky, by_user: true, port, updated: now, born: 0 });
    if !fixed && let Some(due) = b.fdb.arm(now, b.hold()) {
        w.wheel.schedule(due, fdb::sweep_event(id, bridge));
    }
    Ok(())
}

/// `bridge fdb del` (`br_fdb_delete`).
pub(crate) fn del_fdb(ns: &mut Netns, entry: &FdbEntry) -> Result<(), Fault> {
    let (bridge, port) = fdb_place(ns, entry)?;
    let b = bridge_mut(ns, bridge)?;
    let key = fdb::key(&entry.mac.0);
    if b.fdb.find(key).is_none_or(|e| e.port != port) {
        return Err(Fault::errno(Errno::ENOENT));
    }
    b.fdb.remove(key);
    Ok(())
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
