//! Making and changing bonds, enslaving devices and letting them go.
//!
//! Kernel counterpart: `bond_newlink()`, `bond_changelink()`, `bond_options.c`, `bond_enslave()`, `__bond_release_one()`.
//! Deliberately absent, and refused by name: bridges, bonds and TUN devices as slaves, and with `fail_over_mac follow` slaves that sit on
//! other devices.

use super::link::{self, check_mtu, enoent, register};
use crate::dev::bond::{self, Bond, Slave};
use crate::dev::upper::{self, Above, At, Upper};
use crate::dev::{Kind, macvlan, state};
use crate::netns::{Ifindex, Netns, NsId};
use crate::path;
use crate::sim::Sim;
use nettwin_model::bond::{ActiveSlave, BondAttrs, FailOverMac, MiiStatus};
use nettwin_model::{AddLink, Errno, Fault, IfName, OperState};

/// `bond_newlink`: without carrier, as it has no slave.
pub(super) fn add(sim: &mut Sim, id: NsId, link: &AddLink, attrs: &BondAttrs) -> Result<Ifindex, Fault> {
    check_mtu(link.mtu, (68, 65535))?;
    if let (Some(primary), Some(ns)) = (attrs.primary, sim.netns.by_id(id)) {
        ns.devs.by_name(primary).ok_or(Fault::errno(Errno::ENODEV))?;
    }
    // Settings come first, and what they refuse was never there.
    let mut made = Bond::default();
    settings(&mut made, attrs)?;
    if attrs.active_slave.is_some_and(|active| active != ActiveSlave::Any) {
        return Err(invalid());
    }
    made.settings.primary = attrs.primary;
    let index = register(sim, id, link.name, link.mac, link.mtu, Kind::Bond(Box::new(made)))?;
    let dev = sim.netns.by_id_mut(id).and_then(|ns| ns.dev_mut(index));
    if let Some(dev) = dev {
        (dev.mac_set, dev.carrier, dev.operstate) = (link.mac.is_some(), false, OperState::Down);
    }
    Ok(index)
}

/// `bond_changelink`: what came before a setting that is refused stays done.
pub(super) fn set(sim: &mut Sim, (id, index): At, attrs: &BondAttrs) -> Result<(), Fault> {
    let w = &mut sim.world;
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    match attrs.active_slave {
        Some(ActiveSlave::Slave(name)) => activate(ns, w, index, name)?,
        Some(ActiveSlave::Any) => {
            bond::change_active(ns, w, index, None);
            bond::select(ns, w, index);
        }
        None => {}
    }
    let named = attrs.primary.map(|name| ns.devs.by_name(name).ok_or(Fault::errno(Errno::ENODEV))).transpose()?;
    let bond = bond::of_mut(ns, index).ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    let done = settings(bond, attrs);
    if attrs.miimon.is_some_and(|miimon| miimon == bond.settings.miimon) {
        bond::look_anew(ns, w, index);
    }
    done?;
    if let (Some(dev), Some(bond)) = (named, bond::of_mut(ns, index)) {
        bond.settings.primary = attrs.primary;
        let is_slave = bond.slave(dev).is_some();
        let had = bond.primary.is_some();
        bond.primary = is_slave.then_some(dev);
        bond.force |= is_slave;
        if is_slave || had {
            bond::select(ns, w, index);
        }
    }
    if attrs.primary_reselect.is_some() {
        bond::select(ns, w, index);
    }
    Ok(())
}

/// `bond_option_active_slave_set`
fn activate(ns: &mut Netns, w: &mut crate::world::World, index: Ifindex, name: IfName) -> Result<(), Fault> {
    let dev = ns.devs.by_name(name).ok_or(Fault::errno(Errno::ENODEV))?;
    let bond = bond::of(ns, index).ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    let slave = bond.slave(dev).ok_or_else(invalid)?;
    if bond.active == Some(dev) {
        return Ok(());
    }
    let can = bond.active.is_some() && slave.link == MiiStatus::Up && bond::has_link(ns, dev);
    if !can {
        return Err(invalid());
    }
    bond::change_active(ns, w, index, Some(dev));
    Ok(())
}

/// What is but kept, in the kernel's order.
fn settings(bond: &mut Bond, attrs: &BondAttrs) -> Result<(), Fault> {
    let s = &mut bond.settings;
    let within =
        |value: u32, least: u32, most: u32| if (least..=most).contains(&value) { Ok(value) } else { Err(invalid()) };
    let most = i32::MAX.unsigned_abs();
    if let Some(miimon) = attrs.miimon {
        s.miimon = within(miimon, 0, most)?;
    }
    let looks = |delay: u32, miimon: u32| match delay.checked_div(miimon) {
        Some(looks) => Ok(looks),
        // Nothing looks.
        None => Err(Fault::errno(Errno::EPERM)),
    };
    if let Some(delay) = attrs.updelay {
        s.updelay = looks(within(delay, 0, most)?, s.miimon)?;
    }
    if let Some(delay) = attrs.downdelay {
        s.downdelay = looks(within(delay, 0, most)?, s.miimon)?;
    }
    if let Some(delay) = attrs.peer_notify_delay {
        s.notify_delay = looks(delay, s.miimon)?;
    }
    s.reselect = attrs.primary_reselect.unwrap_or(s.reselect);
    if let Some(how) = attrs.fail_over_mac {
        if !bond.slaves.is_empty() {
            let text = "unable to set option because the bond device has slaves";
            return Err(Fault::refused(Errno::ENOTEMPTY, text));
        }
        s.fail_over_mac = how;
    }
    if let Some(times) = attrs.resend_igmp {
        s.resend_igmp = within(times, 0, 255)?;
    }
    s.num_grat_arp = attrs.num_grat_arp.unwrap_or(s.num_grat_arp);
    if let Some(on) = attrs.all_slaves_active {
        let all = within(on.into(), 0, 1)? == 1;
        if all != s.all_active {
            s.all_active = all;
            bond.slaves.iter_mut().filter(|slave| slave.backup).for_each(|slave| slave.inactive = !all);
        }
    }
    if let Some(links) = attrs.min_links {
        s.min_links = within(links, 0, most)?;
    }
    if let Some(interval) = attrs.lp_interval {
        s.lp_interval = within(interval, 1, most)?;
    }
    Ok(())
}

/// `bond_enslave`. The device has no master.
pub(super) fn enslave(sim: &mut Sim, (id, index): At, master: Ifindex) -> Result<(), Fault> {
    let ns = sim.netns.by_id(id).ok_or_else(enoent)?;
    let dev = ns.dev(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let upper = ns.dev(master).ok_or(Fault::errno(Errno::ENODEV))?;
    let bond = bond::of(ns, master).ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    if matches!(dev.kind, Kind::Vrf { .. }) {
        return Err(Fault::refused(Errno::EPERM, "Device type (master device) cannot be enslaved"));
    }
    if macvlan::has_stations(ns, index) {
        return Err(Fault::refused(Errno::EBUSY, "Device is in use and cannot be enslaved"));
    }
    if index == master {
        return Err(Fault::refused(Errno::EPERM, "Cannot enslave bond to itself."));
    }
    if dev.up {
        return Err(Fault::refused(Errno::EPERM, "Device can not be enslaved while up"));
    }
    if dev.is_loopback() {
        return Err(Fault::errno(Errno::EADDRNOTAVAIL));
    }
    let follows = bond.settings.fail_over_mac == FailOverMac::Follow;
    let has_no_mac = dev.kind.born().is_some_and(|born| !born.has_mac());
    if matches!(dev.kind, Kind::Bridge(_) | Kind::Bond(_)) || has_no_mac || follows && dev.kind.lower().is_some() {
        return Err(missing());
    }
    if sits_on(sim, (id, index), (id, master)) {
        return Err(Fault::errno(Errno::EBUSY));
    }
    let (perm_mac, mtu, name) = (dev.mac, dev.mtu, dev.name);
    let (bond_mtu, takes_mac) = (upper.mtu, !upper.mac_set && bond.slaves.is_empty());
    let (how, miimon, updelay) = (bond.settings.fail_over_mac, bond.settings.miimon, bond.settings.updelay);
    if takes_mac && let Some(ns) = sim.netns.by_id_mut(id) {
        state::set_mac(ns, &mut sim.world, master, perm_mac);
    }
    link::set_mtu(sim, id, index, bond_mtu)?;
    let mac = sim.netns.by_id(id).and_then(|ns| ns.dev(master)).map(|dev| dev.mac).unwrap_or_default();
    if how == FailOverMac::None {
        link::set_mac(sim, id, index, mac)?;
    }
    state::open(&mut sim.netns, &mut sim.world, id, index)?;
    upper::join(&mut sim.netns, Upper { at: (id, master), above: Above::Bond, wants_all: false }, (id, index));
    let w = &mut sim.world;
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    let has_link = bond::has_link(ns, index);
    let before = ns.dev(index).map(|dev| dev.stats).unwrap_or_default();
    let Some(bond) = bond::of_mut(ns, master) else { return Ok(()) };
    let (link, delay) = match (miimon > 0, has_link) {
        (true, true) if updelay > 0 => (MiiStatus::GoingBack, updelay),
        (true, false) => (MiiStatus::Down, 0),
        _ => (MiiStatus::Up, 0),
    };
    let (inactive, backup) = (false, true);
    bond.slaves.push(Slave { dev: index, link, delay, failures: 0, inactive, backup, perm_mac, mtu, before });
    bond.set_inactive(index);
    if bond.settings.primary == Some(name) {
        (bond.primary, bond.force) = (Some(index), true);
    }
    bond::set_carrier(ns, w, master);
    bond::select(ns, w, master);
    bond::wake(ns, w, master);
    Ok(())
}

/// Whether a device sits on another, over however many.
fn sits_on(sim: &Sim, at: At, on: At) -> bool {
    let lower = |&(id, index): &At| sim.netns.by_id(id)?.dev(index)?.kind.lower();
    std::iter::successors(Some(at), lower).any(|below| below == on)
}

/// A slave goes (`__bond_release_one`). Nothing happens if it is none.
pub(super) fn release(sim: &mut Sim, (id, index): At, is_last: bool) {
    let w = &mut sim.world;
    let Some(ns) = sim.netns.by_id_mut(id) else { return };
    let Some(master) = bond::master(ns, index) else { return };
    let counted = ns.dev(index).map(|dev| dev.stats).unwrap_or_default();
    let Some(bond) = bond::of_mut(ns, master) else { return };
    let Some(slave) = bond.take(index, counted) else { return };
    let was_active = bond.active == Some(index);
    bond.primary = bond.primary.filter(|primary| *primary != index);
    let keeps_mac = bond.settings.fail_over_mac == FailOverMac::Active;
    let is_empty = bond.slaves.is_empty();
    if was_active {
        bond::change_active(ns, w, master, None);
        if !is_last {
            bond::select(ns, w, master);
        }
    }
    bond::set_carrier(ns, w, master);
    let name = ns.dev(master).map(|dev| dev.name);
    if let (true, false, Some(name)) = (is_empty, is_last, name) {
        let mac = link::random_mac(w, &ns.name, name);
        ns.dev_mut(master).into_iter().for_each(|dev| dev.mac_set = false);
        state::set_mac(ns, w, master, mac);
    }
    // What is said of the new active one goes out while this one still hears it.
    path::drain(&mut sim.netns, &mut sim.world);
    if upper::hear(&mut sim.netns, &mut sim.world) {
        path::drain(&mut sim.netns, &mut sim.world);
    }
    upper::part(&mut sim.netns, (id, master), (id, index));
    state::close(&mut sim.netns, &mut sim.world, id, index);
    if !keeps_mac {
        // It had it before.
        let _ = link::set_mac(sim, id, index, slave.perm_mac);
    }
    let _ = link::set_mtu(sim, id, index, slave.mtu);
}

/// A bond goes: so do its slaves from it (`bond_uninit`).
pub(super) fn free(sim: &mut Sim, (id, index): At) {
    let slaves = |sim: &Sim| -> Vec<Ifindex> {
        let bond = sim.netns.by_id(id).and_then(|ns| bond::of(ns, index));
        bond.map(|bond| bond.slaves.iter().map(|slave| slave.dev).collect()).unwrap_or_default()
    };
    for slave in slaves(sim) {
        release(sim, (id, slave), true);
    }
}

/// A slave has another name: it may be the preferred one now, or no more (`bond_slave_netdev_event`).
pub(super) fn renamed(sim: &mut Sim, (id, index): At) {
    let Some(ns) = sim.netns.by_id_mut(id) else { return };
    let (Some(master), Some(name)) = (bond::master(ns, index), ns.dev(index).map(|dev| dev.name)) else { return };
    let Some(bond) = bond::of_mut(ns, master) else { return };
    match () {
        () if bond.settings.primary.is_none() => return,
        () if bond.primary == Some(index) => bond.primary = None,
        () if bond.settings.primary == Some(name) => bond.primary = Some(index),
        () => return,
    }
    bond::select(ns, &mut sim.world, master);
}

/// `bond_set_mac_address` beyond the bond itself: its slaves get it, too. Says whether the bond takes it.
pub(super) fn set_macs(sim: &mut Sim, (id, index): At, mac: nettwin_model::Mac) -> Result<bool, Fault> {
    let Some(bond) = sim.netns.by_id(id).and_then(|ns| bond::of(ns, index)) else { return Ok(true) };
    // What fails over is not set by hand.
    if bond.settings.fail_over_mac != FailOverMac::None {
        return Ok(false);
    }
    for slave in bond.slaves.iter().map(|slave| slave.dev).collect::<Vec<_>>() {
        link::set_mac(sim, id, slave, mac)?;
    }
    Ok(true)
}

/// `bond_change_mtu` beyond the bond itself.
pub(super) fn set_mtus(sim: &mut Sim, (id, index): At, mtu: u32) -> Result<(), Fault> {
    let Some(bond) = sim.netns.by_id(id).and_then(|ns| bond::of(ns, index)) else { return Ok(()) };
    let slaves: Vec<(Ifindex, u32)> =
        bond.slaves.iter().filter_map(|slave| Some((slave.dev, sim.netns.by_id(id)?.dev(slave.dev)?.mtu))).collect();
    for (n, (slave, _)) in slaves.iter().enumerate() {
        if let Err(fault) = link::set_mtu(sim, id, *slave, mtu) {
            // Those before it get back what they had.
            for (slave, mtu) in &slaves[..n] {
                let _ = link::set_mtu(sim, id, *slave, *mtu);
            }
            return Err(fault);
        }
    }
    Ok(())
}

fn invalid() -> Fault {
    Fault::refused(Errno::EINVAL, "invalid option value")
}

fn missing() -> Fault {
    Fault::Missing {
        capability: "a slave of this kind in the simulator's bond".into(),
        remedy: "enslave veths, dummies, or devices that sit on others without fail_over_mac follow, or run this on the kernel"
            .into(),
    }
}
