//! A bridge's ports: joining, leaving, and what their devices' changes do to the bridge.
//!
//! Kernel counterpart: `net/bridge/br_if.c`, `br.c` (`br_device_event`), `br_stp_recalculate_bridge_id`.

use super::bridge::{Bridge, Port, PortRef};
use super::fdb::{self, Fdb, SELF};
use super::mcast::{self, McastPort};
use super::stp::{At, StpPort};
use super::vlans::{self, Vlans};
use super::{Dev, Kind, bond, macvlan};
use crate::l3;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use nettwin_model::{Errno, Fault, Instant, Mac, OperState};

/// Numbers go from 1 to this (`BR_MAX_PORTS` less one).
const MAX_PORTS: usize = 1023;

/// Makes a device a port (`br_add_if`). It is no port yet.
pub(crate) fn join(ns: &mut Netns, w: &mut World, index: Ifindex, bridge: Ifindex) -> Result<(), Fault> {
    let Some(dev) = ns.dev(index) else { return Err(Fault::errno(Errno::ENODEV)) };
    if dev.is_loopback() || !dev.mac.is_valid_unicast() && dev.bridge().is_none() {
        return Err(Fault::errno(Errno::EINVAL));
    }
    if dev.bridge().is_some() {
        return Err(Fault::refused(Errno::ELOOP, "Can not enslave a bridge to a bridge"));
    }
    if macvlan::has_stations(ns, index) || bond::master(ns, index).is_some() {
        return Err(Fault::errno(Errno::EBUSY));
    }
    let (mac, cost) = (dev.mac, cost(ns, dev));
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else {
        return Err(Fault::errno(Errno::EOPNOTSUPP));
    };
    // As many as there are numbers: none is free below.
    let gap = if b.order.len() == b.ports.len() { None } else { b.ports.iter().position(Option::is_none) };
    let place = gap.unwrap_or(b.ports.len());
    if place >= MAX_PORTS {
        return Err(Fault::errno(Errno::EXFULL));
    }
    if place == b.ports.len() {
        b.ports.push(None);
    }
    let number = place as u16 + 1; // below 1024
    let mut stp = StpPort::new(number, &b.stp);
    stp.path_cost = cost;
    b.ports[place] = Some(Box::new(new_port(index, stp)));
    b.order.insert(0, number);
    add_own(b, number, mac, 0, w.now);
    if let Some(dev) = ns.dev_mut(index) {
        dev.port = Some(PortRef { bridge, number });
    }
    vlans::born(ns, w, bridge, number);
    let moved = is_least(ns, bridge, mac) && choose_mac(ns, w, bridge);
    At { ns, w, dev: bridge }.check_port(number);
    if moved {
        l3::mac_changed(ns, w, bridge);
    }
    choose_mtu_with(ns, w, bridge, index);
    Ok(())
}

/// Makes a port an ordinary device again (`br_del_if`). Nothing happens if it is none.
pub(crate) fn leave(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let Some(dev) = ns.dev_mut(index) else { return };
    let mac = dev.mac;
    let Some(PortRef { bridge, number }) = dev.port else { return };
    At { ns, w, dev: bridge }.disable_port(number);
    if let Some(dev) = ns.dev_mut(index) {
        dev.port = None;
    }
    let bridge_mac = ns.dev(bridge).map(|d| d.mac);
    let others: Vec<(u16, Mac)> = other_macs(ns, bridge, number);
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    let vids = b.vlans(number).map(Vlans::ids).unwrap_or_default();
    mcast::flush_port(b, number, true);
    b.ports[usize::from(number) - 1] = None;
    while b.ports.last().is_some_and(Option::is_none) {
        b.ports.pop();
    }
    b.order.retain(|&n| n != number);
    for (key, entry) in b.fdb.sorted() {
        if entry.port == number && (!entry.local || entry.by_user) {
            b.fdb.remove(key);
        }
    }
    for vid in std::iter::once(0).chain(vids) {
        remove_own(b, number, mac, vid, &others, bridge_mac);
    }
    let moved = choose_mac(ns, w, bridge);
    choose_mtu(ns, w, bridge);
    if moved {
        l3::mac_changed(ns, w, bridge);
    }
}

/// A device went up or down, or its carrier changed: if it is a port, its state follows (`br_device_event`).
pub(crate) fn device_changed(ns: &mut Netns, w: &mut World, index: Ifindex) {
    if let Some(PortRef { bridge, number }) = ns.dev(index).and_then(|d| d.port) {
        At { ns, w, dev: bridge }.check_port(number);
    }
}

/// A port's device got another MAC (`br_fdb_changeaddr`).
pub(crate) fn mac_changed(ns: &mut Netns, w: &mut World, index: Ifindex, old: Mac) {
    let Some(dev) = ns.dev(index) else { return };
    let (mac, Some(PortRef { bridge, number })) = (dev.mac, dev.port) else { return };
    let bridge_mac = ns.dev(bridge).map(|d| d.mac);
    let others = other_macs(ns, bridge, number);
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    let vids: Vec<u16> = std::iter::once(0).chain(b.vlans(number).map(Vlans::ids).unwrap_or_default()).collect();
    for vid in &vids {
        remove_own(b, number, old, *vid, &others, bridge_mac);
    }
    for vid in vids {
        add_own(b, number, mac, vid, w.now);
    }
    if choose_mac(ns, w, bridge) {
        l3::mac_changed(ns, w, bridge);
    }
}

/// A port's MTU changed: the bridge's follows, unless it was set by hand (`br_mtu_auto_adjust`).
pub(crate) fn mtu_changed(ns: &mut Netns, w: &mut World, index: Ifindex) {
    if let Some(PortRef { bridge, .. }) = ns.dev(index).and_then(|d| d.port) {
        choose_mtu(ns, w, bridge);
    }
}

/// Gives the bridge a MAC (`br_stp_change_bridge_id`).
pub(crate) fn set_bridge_mac(ns: &mut Netns, w: &mut World, bridge: Ifindex, mac: Mac) {
    let others = other_macs(ns, bridge, SELF);
    let now = w.now;
    let Some(dev) = ns.dev_mut(bridge) else { return };
    let old = std::mem::replace(&mut dev.mac, mac);
    let Some(b) = dev.bridge_mut() else { return };
    for vid in std::iter::once(0).chain(b.vlans.ids()) {
        remove_own(b, SELF, old, vid, &others, None);
        add_own(b, SELF, mac, vid, now);
    }
    At { ns, w, dev: bridge }.set_mac(mac);
}

/// A new bridge knows the MAC that it was born with, though its identifier has none yet.
pub(crate) fn bridge_born(ns: &mut Netns, w: &World, bridge: Ifindex) {
    let Some(dev) = ns.dev_mut(bridge) else { return };
    let mac = dev.mac;
    if let Some(b) = dev.bridge_mut() {
        add_own(b, SELF, mac, 0, w.now);
    }
    vlans::born(ns, w, bridge, SELF);
}

/// Whether a new port's MAC may become the bridge's, which is the lowest of the others'.
fn is_least(ns: &Netns, bridge: Ifindex, mac: Mac) -> bool {
    let known = ns.dev(bridge).and_then(|d| d.bridge()).map(|b| b.stp.id.mac);
    known.is_none_or(|known| known == Mac::ZERO || mac < known)
}

/// The bridge takes the lowest of its ports' MACs, zero without ports (`br_stp_recalculate_bridge_id`). Says whether it
/// changed.
fn choose_mac(ns: &mut Netns, w: &mut World, bridge: Ifindex) -> bool {
    let Some(dev) = ns.dev(bridge) else { return false };
    if dev.mac_set {
        return false;
    }
    let Some(known) = dev.bridge().map(|b| b.stp.id.mac) else { return false };
    let lowest = other_macs(ns, bridge, SELF).into_iter().map(|(_, mac)| mac).min().unwrap_or(Mac::ZERO);
    if lowest == known {
        return false;
    }
    set_bridge_mac(ns, w, bridge, lowest);
    true
}

/// The same as [`choose_mtu`] for a port that is new: the MTU is the least of the others'.
fn choose_mtu_with(ns: &mut Netns, w: &mut World, bridge: Ifindex, new: Ifindex) {
    let (Some(dev), Some(port)) = (ns.dev(bridge), ns.dev(new)) else { return };
    if dev.bridge().is_some_and(|b| b.order.len() == 1) || port.mtu < dev.mtu {
        choose_mtu(ns, w, bridge);
    }
}

fn choose_mtu(ns: &mut Netns, w: &mut World, bridge: Ifindex) {
    let Some(b) = ns.dev(bridge).and_then(|d| d.bridge()) else { return };
    if b.mtu_set {
        return;
    }
    let mtus = b.ports.iter().flatten().filter_map(|p| ns.dev(p.dev)).map(|d| d.mtu);
    let mtu = mtus.min().unwrap_or(1500);
    if let Some(dev) = ns.dev_mut(bridge)
        && dev.mtu != mtu
    {
        dev.mtu = mtu;
        l3::mtu_changed(ns, w, bridge);
    }
}

/// The ports but `except`, newest first, with their MACs.
pub(crate) fn other_macs(ns: &Netns, bridge: Ifindex, except: u16) -> Vec<(u16, Mac)> {
    let Some(b) = ns.dev(bridge).and_then(|d| d.bridge()) else { return Vec::new() };
    let ports = b.order.iter().filter(|&&n| n != except);
    ports.filter_map(|&n| Some((n, ns.dev(b.port(n)?.dev)?.mac))).collect()
}

/// The entry that says that a port's MAC is the bridge's own in a VLAN, or (0) in none; what is no station's address has none
/// (`fdb_add_local`).
pub(crate) fn add_own(b: &mut Bridge, number: u16, mac: Mac, vid: u16, now: Instant) {
    let key = fdb::in_vlan(fdb::key(&mac.0), vid);
    // The first of several with one address has it.
    if mac.is_valid_unicast() && b.fdb.find(key).is_none_or(|e| !e.local) {
        b.fdb.put(key, Fdb::own(number, now));
    }
}

/// Takes that entry away, or hands it to somebody else with the same MAC (`fdb_delete_local`).
pub(crate) fn remove_own(
    b: &mut Bridge,
    number: u16,
    mac: Mac,
    vid: u16,
    others: &[(u16, Mac)],
    bridge_mac: Option<Mac>,
) {
    let key = fdb::in_vlan(fdb::key(&mac.0), vid);
    if b.fdb.find(key).is_none_or(|e| !e.local || e.by_user || e.port != number) {
        return;
    }
    let is_heir = |&&(other, m): &&(u16, Mac)| m == mac && b.port(other).is_some_and(|p| p.vlans.has(vid));
    let heir = match others.iter().find(is_heir) {
        Some(&(other, _)) => Some(other),
        None => (number != SELF && bridge_mac == Some(mac) && b.vlans.has(vid)).then_some(SELF),
    };
    match (heir, b.fdb.find_mut(key)) {
        (Some(heir), Some(entry)) => entry.port = heir,
        _ => drop(b.fdb.remove(key)),
    }
}

/// What the spanning tree reckons for a port by its speed (`port_cost`): a veth and a TAP device report 10 Gbit/s, what sits on
/// another device or sends by one as much as that one, a bridge as those of its ports that run, others nothing.
fn cost(ns: &Netns, dev: &Dev) -> u32 {
    if let Some(bridge) = dev.bridge() {
        // As fast as the fastest of its ports (`br_get_link_ksettings`).
        let ports = bridge.ports.iter().flatten().filter_map(|port| ns.dev(port.dev));
        let ports = ports.filter(|port| port.up && port.operstate == OperState::Up);
        return ports.map(|port| cost(ns, port)).min().unwrap_or(100);
    }
    if let Kind::Bond(bond) = &dev.kind {
        // As fast as what it sends by (`bond_ethtool_get_link_ksettings`).
        return bond.active.and_then(|slave| ns.dev(slave)).map_or(100, |slave| cost(ns, slave));
    }
    if let Kind::Vxlan(vxlan) = &dev.kind {
        // `vxlan_get_link_ksettings`.
        return vxlan.lower.and_then(|lower| ns.dev(lower)).map_or(100, |lower| cost(ns, lower));
    }
    let below = dev.kind.lower().filter(|(id, _)| *id == ns.id).and_then(|(_, index)| ns.dev(index));
    match below {
        Some(below) => cost(ns, below),
        None if dev.veth().is_some() || matches!(dev.kind, Kind::Tun(_)) => 2,
        None => 100,
    }
}

fn new_port(dev: Ifindex, stp: StpPort) -> Port {
    Port {
        dev,
        hairpin: false,
        learning: true,
        flood: true,
        mcast_flood: true,
        bcast_flood: true,
        isolated: false,
        locked: false,
        guard: false,
        root_block: false,
        fastleave: false,
        vlans: Vlans::default(),
        mcast: McastPort::default(),
        stp,
    }
}
