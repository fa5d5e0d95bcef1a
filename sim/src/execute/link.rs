//! Making, changing and removing links.
//!
//! Kernel counterpart: `net/core/rtnetlink.c` (`rtnl_newlink`, `do_setlink`, whose order of steps this keeps: a step that
//! fails leaves the earlier ones done), `veth_newlink`, `dev_change_net_namespace`. Deliberately absent: a chosen index.

use super::{bond, bridge, virtuals};
use crate::dev::bond as dev_bond;
use crate::dev::veth::{Peer, Veth};
use crate::dev::{Dev, Kind, macvlan, port, state, upper, vrf, vxlan};
use crate::l3;
use crate::neigh;
use crate::netns::{Ifindex, Netns, NsId};
use crate::probe;
use crate::qdisc::{self, Qdisc};
use crate::sim::Sim;
use crate::world::World;
use nettwin_model::virtuals::{MacvlanMode, TunMode};
use nettwin_model::vxlan::Vxlan;
use nettwin_model::{AddLink, Errno, Fault, IfName, LinkChange, Mac, NetnsName, NewLink, VethPeer, Virtual};

/// The longest further name, bytes (`ALTIFNAMSIZ` less one).
const MAX_ALTNAME: usize = 127;
/// Of a veth and of a bridge, bytes.
const LIMITS: (u32, u32) = (68, 65535);

/// `ip link add`.
pub(crate) fn add(sim: &mut Sim, link: &AddLink) -> Result<(), Fault> {
    let id = find(sim, &link.netns)?;
    if let NewLink::Virtual(kind) = &link.kind {
        virtuals::check(link, kind)?;
    }
    check_mac(link.mac)?;
    let peer = match &link.kind {
        NewLink::Veth { peer } => {
            check_veth_mtu(link.mtu)?;
            check_mac(peer.mac)?;
            check_veth_mtu(peer.mtu)?;
            Some((find(sim, &peer.netns)?, peer))
        }
        NewLink::Bridge { .. } => None,
        NewLink::Virtual(_) => None,
    };
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    if ns.devs.by_name(link.name).is_some() {
        // TUNSETIFF with IFF_TUN_EXCL says it so.
        let is_tun = matches!(&link.kind, NewLink::Virtual(Virtual::Tun(_)));
        return Err(Fault::errno(if is_tun { Errno::EBUSY } else { Errno::EEXIST }));
    }
    let master = link.master.map(|m| ns.devs.by_name(m).ok_or(Fault::errno(Errno::ENODEV))).transpose()?;
    let index = match (&link.kind, peer) {
        (NewLink::Veth { .. }, Some((peer_id, peer))) => add_veth(sim, id, link, peer_id, peer)?,
        (NewLink::Virtual(kind), _) => virtuals::add(sim, id, link, kind)?,
        _ => add_bridge(sim, id, link)?,
    };
    let made = finish(sim, id, index, link, master);
    if made.is_err() {
        remove(sim, id, index);
    }
    made
}

/// Up, then into the bridge, as `rtnl_newlink_create` has it.
fn finish(sim: &mut Sim, id: NsId, index: Ifindex, link: &AddLink, master: Option<Ifindex>) -> Result<(), Fault> {
    if let NewLink::Bridge { attrs } = &link.kind {
        let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
        bridge::set(ns, &mut sim.world, index, attrs)?;
    }
    if link.up {
        state::open(&mut sim.netns, &mut sim.world, id, index)?;
    }
    match master {
        Some(master) => set_master(sim, id, index, Some(master)),
        None => Ok(()),
    }
}

/// Both ends, the peer first: it has the lower index.
fn add_veth(sim: &mut Sim, id: NsId, link: &AddLink, peer_id: NsId, peer: &VethPeer) -> Result<Ifindex, Fault> {
    let nobody = Peer { ns: id, dev: Ifindex::NONE, up: false, mtu: link.mtu.unwrap_or(1500) };
    let peer_index = register(sim, peer_id, peer.name, peer.mac, peer.mtu, Kind::Veth(Veth { peer: nobody }))?;
    let other = Peer { ns: peer_id, dev: peer_index, up: false, mtu: peer.mtu.unwrap_or(1500) };
    match register(sim, id, link.name, link.mac, link.mtu, Kind::Veth(Veth { peer: other })) {
        Ok(index) => {
            if let Some(ns) = sim.netns.by_id_mut(peer_id) {
                state::tell_peer(ns, peer_index, |p| p.dev = index);
            }
            // The peer was told of before it had another end.
            tell(sim, (id, index));
            // Both were registered without carrier; link watch then looks at each in its own namespace.
            for (at, dev) in [(peer_id, peer_index), (id, index)] {
                if let Some(ns) = sim.netns.by_id_mut(at) {
                    let state = state::operstate(ns, dev);
                    ns.dev_mut(dev).into_iter().for_each(|d| (d.operstate, d.carriers.downs) = (state, 1));
                }
            }
            Ok(index)
        }
        Err(fault) => {
            // Only if both ends have one name in one namespace; the index stays used up.
            unregister(sim, peer_id, peer_index);
            Err(fault)
        }
    }
}

fn add_bridge(sim: &mut Sim, id: NsId, link: &AddLink) -> Result<Ifindex, Fault> {
    check_mtu(link.mtu, LIMITS)?;
    let index = register(sim, id, link.name, link.mac, link.mtu, Kind::Bridge(Box::default()))?;
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    port::bridge_born(ns, &sim.world, index);
    if let Some(mac) = link.mac {
        ns.dev_mut(index).into_iter().for_each(|d| d.mac_set = true);
        port::set_bridge_mac(ns, &mut sim.world, index, mac);
    }
    // No port yet, and never had one: it has carrier and its state is unknown.
    ns.dev_mut(index).into_iter().for_each(|d| {
        d.carrier = true;
        d.operstate = nettwin_model::OperState::Unknown;
    });
    Ok(index)
}

pub(super) fn register(
    sim: &mut Sim,
    id: NsId,
    name: IfName,
    mac: Option<Mac>,
    mtu: Option<u32>,
    kind: Kind,
) -> Result<Ifindex, Fault> {
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    if ns.devs.by_name(name).is_some() {
        return Err(Fault::errno(Errno::EEXIST));
    }
    let index = ns.devs.next_index();
    let mac = mac.unwrap_or_else(|| random_mac(&mut sim.world, &ns.name, name));
    let mut dev = Dev::new(index, name, mac, kind, ns.sysctl.default.clone());
    dev.mtu = mtu.unwrap_or(dev.mtu);
    ns.devs.insert(Box::new(dev));
    l3::link_added(ns, &mut sim.world, index);
    Ok(index)
}

/// `ip link del`.
pub(crate) fn del(sim: &mut Sim, netns: &NetnsName, name: IfName) -> Result<(), Fault> {
    let (id, index) = find_dev(sim, netns, name)?;
    if sim.netns.by_id(id).and_then(|ns| ns.dev(index)).is_some_and(Dev::is_loopback) {
        return Err(Fault::errno(Errno::EOPNOTSUPP));
    }
    remove(sim, id, index);
    Ok(())
}

/// Removes a device with what hangs on it: a veth's other end, a bridge's ports' membership.
pub(crate) fn remove(sim: &mut Sim, id: NsId, index: Ifindex) {
    let Some(dev) = sim.netns.by_id(id).and_then(|ns| ns.dev(index)) else { return };
    let peer = match &dev.kind {
        Kind::Veth(veth) if veth.peer.dev != Ifindex::NONE => Some((veth.peer.ns, veth.peer.dev)),
        _ => None,
    };
    let lower = dev.kind.lower();
    bond::release(sim, (id, index), false);
    if let Some((id, index)) = peer {
        bond::release(sim, (id, index), false);
    }
    state::close(&mut sim.netns, &mut sim.world, id, index);
    if let Some((id, index)) = peer {
        state::close(&mut sim.netns, &mut sim.world, id, index);
    }
    for at in std::iter::once((id, index)).chain(peer) {
        // What sits on it goes before it.
        while let Some(upper) = sim.netns.by_id(at.0).and_then(|ns| ns.dev(at.1)?.uppers.first()).map(|upper| upper.at)
        {
            remove(sim, upper.0, upper.1);
            upper::part(&mut sim.netns, upper, at);
        }
    }
    for vxlan in sim.netns.by_id(id).map(|ns| vxlan::on(ns, index)).unwrap_or_default() {
        remove(sim, id, vxlan);
    }
    let members = sim.netns.by_id(id).map(|ns| vrf::members(ns, index)).unwrap_or_default();
    for member in members {
        vrf::leave(&mut sim.netns, &mut sim.world, id, member);
    }
    bond::free(sim, (id, index));
    if let Some(lower) = lower {
        upper::part(&mut sim.netns, (id, index), lower);
    }
    unregister(sim, id, index);
    if let Some((id, index)) = peer {
        unregister(sim, id, index);
    }
}

/// Takes a device that is down out of its namespace.
fn unregister(sim: &mut Sim, id: NsId, index: Ifindex) -> Option<Box<Dev>> {
    let ns = sim.netns.by_id_mut(id)?;
    detach(ns, &mut sim.world, index);
    let dev = ns.devs.remove(index)?;
    probe::device_gone(&mut sim.world, &dev);
    Some(dev)
}

/// Cuts a device's ties within its namespace (`NETDEV_UNREGISTER`).
fn detach(ns: &mut Netns, w: &mut World, index: Ifindex) {
    port::leave(ns, w, index);
    let ports = ns.dev(index).and_then(|d| d.bridge()).map(|b| b.ports.iter().flatten().map(|p| p.dev).collect());
    let ports: Vec<Ifindex> = ports.unwrap_or_default();
    for port in ports {
        port::leave(ns, w, port);
    }
    l3::link_removed(ns, w, index);
    qdisc::purge(ns, w, index);
}

/// `ip link set`.
pub(crate) fn set(sim: &mut Sim, netns: &NetnsName, name: IfName, change: &LinkChange) -> Result<(), Fault> {
    let (mut id, mut index) = find_dev(sim, netns, name)?;
    tell(sim, (id, index));
    let target = change.netns.as_ref().map(|n| find(sim, n)).transpose()?;
    let master = match change.master {
        Some(Some(name)) => {
            let ns = sim.netns.by_id(target.unwrap_or(id)).ok_or_else(enoent)?;
            Some(Some(ns.devs.by_name(name).ok_or(Fault::errno(Errno::ENODEV))?))
        }
        Some(None) => Some(None),
        None => None,
    };
    if let Some(target) = target {
        index = move_to(sim, id, index, target, change.rename)?;
        id = target;
    }
    if let Some(mac) = change.mac {
        set_mac(sim, id, index, mac)?;
    }
    if let Some(mtu) = change.mtu {
        set_mtu(sim, id, index, mtu)?;
    }
    if let Some(name) = change.rename {
        rename(sim.netns.by_id_mut(id).ok_or_else(enoent)?, &mut sim.world, index, name)?;
        bond::renamed(sim, (id, index));
    }
    set_traits(sim.netns.by_id_mut(id).ok_or_else(enoent)?, &mut sim.world, index, change)?;
    if change.promisc.is_some() {
        upper::tell_below(&mut sim.netns, (id, index));
    }
    match change.up {
        Some(true) => state::open(&mut sim.netns, &mut sim.world, id, index)?,
        Some(false) => state::close(&mut sim.netns, &mut sim.world, id, index),
        None => {}
    }
    if let Some(master) = master {
        set_master(sim, id, index, master)?;
    }
    Ok(())
}

/// `ip link property` (`rtnl_linkprop`).
pub(crate) fn set_altname(
    sim: &mut Sim,
    netns: &NetnsName,
    name: IfName,
    altname: &str,
    present: bool,
) -> Result<(), Fault> {
    let (id, index) = find_dev(sim, netns, name)?;
    if altname.is_empty() || altname.len() > MAX_ALTNAME {
        return Err(Fault::refused(Errno::ERANGE, "Attribute failed policy validation"));
    }
    let devs = &mut sim.netns.by_id_mut(id).ok_or_else(enoent)?.devs;
    let primary = IfName::new(altname).ok().and_then(|name| devs.by_name(name));
    match (present, devs.by_altname(altname).or(primary)) {
        (true, Some(_)) => Err(Fault::errno(Errno::EEXIST)),
        (true, None) => {
            devs.add_altname(index, altname);
            Ok(())
        }
        (false, None) => Err(enoent()),
        (false, Some(owner)) if owner != index || devs.by_altname(altname).is_none() => {
            Err(Fault::errno(Errno::EINVAL))
        }
        (false, Some(_)) => {
            devs.del_altname(index, altname);
            Ok(())
        }
    }
}

/// What is told of a device and does nothing to its frames.
fn set_traits(ns: &mut Netns, w: &mut World, index: Ifindex, change: &LinkChange) -> Result<(), Fault> {
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let born_multicast = dev.kind.has_multicast();
    let born_arp = dev.kind.has_arp();
    let mut traits = dev.traits.clone();
    traits.txqueuelen = change.txqueuelen.unwrap_or(traits.txqueuelen);
    traits.group = change.group.unwrap_or(traits.group);
    if let Some(alias) = &change.alias {
        traits.alias = Some(alias.clone()).filter(|alias| !alias.is_empty());
    }
    traits.promisc = change.promisc.unwrap_or(traits.promisc);
    traits.allmulti = change.allmulti.unwrap_or(traits.allmulti);
    traits.no_multicast = change.multicast.map_or(traits.no_multicast, |on| on != born_multicast);
    traits.no_arp = change.arp.map_or(traits.no_arp, |on| on != born_arp);
    let arp_changes = traits.no_arp != dev.traits.no_arp;
    if traits != *dev.traits {
        *dev.traits = traits;
        dev.set_promiscuous();
    }
    if arp_changes {
        neigh::mac_changed(ns, w, index);
    }
    Ok(())
}

/// Moves a device to another namespace (`dev_change_net_namespace`).
fn move_to(sim: &mut Sim, id: NsId, index: Ifindex, target: NsId, name: Option<IfName>) -> Result<Ifindex, Fault> {
    let dev = sim.netns.by_id(id).and_then(|ns| ns.dev(index)).ok_or(Fault::errno(Errno::ENODEV))?;
    if id == target {
        return Ok(index);
    }
    if matches!(dev.kind, Kind::Loopback | Kind::Bridge(_) | Kind::Vrf { .. } | Kind::Bond(_)) {
        return Err(Fault::refused(Errno::EINVAL, "The interface netns is immutable"));
    }
    if matches!(dev.kind, Kind::Vxlan(_)) {
        return Err(Fault::Missing {
            capability: "a VXLAN device in another namespace than it was made in, in the simulator".into(),
            remedy: "make it where it is used, or run this on the kernel".into(),
        });
    }
    let there = sim.netns.by_id(target).ok_or_else(enoent)?;
    let mut new_name = dev.name;
    if there.devs.by_name(new_name).is_some() {
        let exists = "An interface with the same name exists in the target netns";
        new_name = name.ok_or(Fault::refused(Errno::EEXIST, exists))?;
        if there.devs.by_name(new_name).is_some() {
            let taken = "Unable to use name for the new device in the target netns";
            return Err(Fault::refused(Errno::EEXIST, taken));
        }
    }
    let taken = |name: &&String| there.devs.by_altname(name).is_some() || is_name_of(there, name);
    if let Some(altname) = dev.traits.altnames.iter().find(taken) {
        let text = format!("An interface with the altname {altname} exists in the target netns");
        return Err(Fault::refused(Errno::EEXIST, &text));
    }
    bond::release(sim, (id, index), false);
    let dev = sim.netns.by_id(id).and_then(|ns| ns.dev(index)).ok_or(Fault::errno(Errno::ENODEV))?;
    let lost_carrier = dev.up && dev.carrier;
    state::close(&mut sim.netns, &mut sim.world, id, index);
    // Before it is where nobody would find it.
    upper::hear(&mut sim.netns, &mut sim.world);
    let mut dev = unregister(sim, id, index).ok_or(Fault::errno(Errno::ENODEV))?;
    let there = sim.netns.by_id_mut(target).ok_or_else(enoent)?;
    let new_index = if there.dev(index).is_none() { index } else { there.devs.next_index() };
    dev.ifindex = new_index;
    dev.name = new_name;
    dev.qdisc = Qdisc::Noop;
    dev.conf = there.sysctl.default.clone();
    dev.vrf = None;
    dev.in_dev = l3::InDev::default();
    let (peer, link) = (dev.veth().map(|veth| veth.peer), dev.kind.link());
    there.devs.insert(dev);
    l3::link_added(there, &mut sim.world, new_index);
    if let Some((netns, _)) = link {
        there.refers_to(netns, &sim.world.gone);
    }
    upper::moved(&mut sim.netns, (id, index), (target, new_index));
    sim.netns.by_id_mut(id).into_iter().for_each(|ns| ns.refers_to(target, &sim.world.gone));
    if let Some(peer) = peer
        && let Some(ns) = sim.netns.by_id_mut(peer.ns)
    {
        state::tell_peer(ns, peer.dev, |p| (p.ns, p.dev) = (target, new_index));
        if lost_carrier {
            // Link watch comes when the move is over.
            state::look_again(&mut sim.netns, &sim.world.gone, (target, new_index), (peer.ns, peer.dev));
        }
    }
    Ok(new_index)
}

/// Tells of a link (`rtmsg_ifinfo`): the namespace that it refers to gets a number.
pub(crate) fn tell(sim: &mut Sim, (id, index): (NsId, Ifindex)) {
    let Some(ns) = sim.netns.by_id_mut(id) else { return };
    if let Some((other, _)) = ns.dev(index).and_then(|dev| dev.kind.link()) {
        ns.refers_to(other, &sim.world.gone);
    }
}

/// Tells of a namespace's links, as a dump does: the namespaces where their peers are get numbers.
pub(crate) fn tell_all(sim: &mut Sim, id: NsId) {
    let Some(ns) = sim.netns.by_id_mut(id) else { return };
    let link_of = |dev: &Dev| dev.kind.link().map(|(netns, _)| netns);
    let peers: Vec<NsId> = ns.devs.iter().filter_map(link_of).filter(|&peer| peer != id).collect();
    peers.into_iter().for_each(|peer| ns.refers_to(peer, &sim.world.gone));
}

/// `dev_set_mac_address`. Setting the address that it has counts as set by hand, too.
pub(super) fn set_mac(sim: &mut Sim, id: NsId, index: Ifindex, mac: Mac) -> Result<(), Fault> {
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    if matches!(&dev.kind, Kind::Tun(tun) if tun.mode == TunMode::Tun) {
        return Err(Fault::errno(Errno::EOPNOTSUPP));
    }
    let old = dev.mac;
    if mac != old && !mac.is_valid_unicast() {
        return Err(Fault::errno(Errno::EADDRNOTAVAIL));
    }
    if let Kind::Macvlan(of) = &dev.kind {
        if of.mode == MacvlanMode::Passthru {
            // It is the device below that gets it; this one hears of it.
            let (id, index) = of.lower;
            return set_mac(sim, id, index, mac);
        }
        if mac != old {
            macvlan::check_mac(&sim.netns, (id, index), mac)?;
        }
    }
    if !bond::set_macs(sim, (id, index), mac)? {
        return Ok(());
    }
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    dev.mac_set = true;
    if let Kind::Vlan(vlan) = &mut dev.kind {
        vlan.inherits = false;
    }
    if dev.bridge().is_none() {
        state::set_mac(ns, &mut sim.world, index, mac);
        upper::tell_below(&mut sim.netns, (id, index));
        return Ok(());
    }
    if mac != old {
        port::set_bridge_mac(ns, &mut sim.world, index, mac);
    }
    l3::mac_changed(ns, &mut sim.world, index);
    port::mac_changed(ns, &mut sim.world, index, old);
    Ok(())
}

/// `dev_set_mtu`.
pub(super) fn set_mtu(sim: &mut Sim, id: NsId, index: Ifindex, mtu: u32) -> Result<(), Fault> {
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    if mtu == dev.mtu {
        return Ok(());
    }
    check_mtu(Some(mtu), dev.kind.mtu_limits())?;
    if let Kind::Vxlan(of) = &dev.kind {
        // vxlan_change_mtu
        let most = of.lower.and_then(|lower| ns.dev(lower)).map(|dev| dev.mtu.saturating_sub(Vxlan::OVERHEAD));
        if most.is_some_and(|most| mtu > most) {
            return Err(Fault::errno(Errno::EINVAL));
        }
    }
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let (peer, lower) = (dev.veth().map(|veth| veth.peer), dev.kind.lower());
    let below = lower.and_then(|(id, index)| sim.netns.by_id(id)?.dev(index)).map(|dev| dev.mtu);
    if below.is_some_and(|most| mtu > most) {
        // vlan_dev_change_mtu, macvlan_change_mtu
        let is_vlan =
            matches!(sim.netns.by_id(id).and_then(|ns| ns.dev(index)).map(|dev| &dev.kind), Some(Kind::Vlan(_)));
        return Err(Fault::errno(if is_vlan { Errno::ERANGE } else { Errno::EINVAL }));
    }
    bond::set_mtus(sim, (id, index), mtu)?;
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    state::set_mtu(ns, &mut sim.world, index, mtu);
    if let Some(peer) = peer
        && let Some(ns) = sim.netns.by_id_mut(peer.ns)
    {
        state::tell_peer(ns, peer.dev, |p| p.mtu = mtu);
    }
    Ok(())
}

/// `dev_change_name`.
fn rename(ns: &mut Netns, w: &mut World, index: Ifindex, name: IfName) -> Result<(), Fault> {
    let old = ns.dev(index).ok_or(Fault::errno(Errno::ENODEV))?.name;
    if old == name {
        return Ok(());
    }
    if ns.devs.by_name(name).is_some() {
        return Err(Fault::errno(Errno::EEXIST));
    }
    ns.devs.rename(index, name);
    l3::renamed(ns, w, index, old);
    Ok(())
}

/// `do_set_master`: out of the old bridge or VRF, into the new one.
fn set_master(sim: &mut Sim, id: NsId, index: Ifindex, master: Option<Ifindex>) -> Result<(), Fault> {
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    let dev = ns.dev(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let old = dev.vrf.or(dev.port.map(|p| p.bridge)).or(dev_bond::master(ns, index));
    if old == master {
        return Ok(());
    }
    port::leave(ns, &mut sim.world, index);
    vrf::leave(&mut sim.netns, &mut sim.world, id, index);
    bond::release(sim, (id, index), false);
    let joined = master.map_or(Ok(()), |master| join(sim, (id, index), master));
    upper::tell_below(&mut sim.netns, (id, index));
    joined
}

fn join(sim: &mut Sim, (id, index): (NsId, Ifindex), master: Ifindex) -> Result<(), Fault> {
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    match ns.dev(master).map(|dev| &dev.kind) {
        Some(Kind::Bridge(_)) => port::join(ns, &mut sim.world, index, master),
        Some(Kind::Vrf { .. }) => vrf::join(&mut sim.netns, &mut sim.world, id, index, master),
        Some(Kind::Bond(_)) => bond::enslave(sim, (id, index), master),
        _ => Err(Fault::errno(Errno::EOPNOTSUPP)),
    }
}

/// Whether a device has that name.
fn is_name_of(ns: &Netns, name: &str) -> bool {
    IfName::new(name).is_ok_and(|name| ns.devs.by_name(name).is_some())
}

/// A namespace by name.
pub(crate) fn find(sim: &Sim, netns: &NetnsName) -> Result<NsId, Fault> {
    sim.netns.id(netns).ok_or_else(enoent)
}

/// A device by name.
pub(crate) fn find_dev(sim: &Sim, netns: &NetnsName, name: IfName) -> Result<(NsId, Ifindex), Fault> {
    let id = find(sim, netns)?;
    let index = sim.netns.by_id(id).and_then(|ns| ns.devs.by_name(name)).ok_or(Fault::errno(Errno::ENODEV))?;
    Ok((id, index))
}

pub(super) fn enoent() -> Fault {
    Fault::errno(Errno::ENOENT)
}

/// `veth_validate`, `br_validate`.
pub(super) fn check_mac(mac: Option<Mac>) -> Result<(), Fault> {
    if mac.is_some_and(|m| !m.is_valid_unicast()) {
        return Err(Fault::errno(Errno::EADDRNOTAVAIL));
    }
    Ok(())
}

/// `veth_validate`: here the kernel gives no text.
fn check_veth_mtu(mtu: Option<u32>) -> Result<(), Fault> {
    check_mtu(mtu, LIMITS).map_err(|_| Fault::errno(Errno::EINVAL))
}

/// `dev_validate_mtu`; beyond the greatest signed number is below the least.
pub(super) fn check_mtu(mtu: Option<u32>, (least, most): (u32, u32)) -> Result<(), Fault> {
    match mtu {
        Some(mtu) if mtu < least || i32::try_from(mtu).is_err() => {
            Err(Fault::refused(Errno::EINVAL, "mtu less than device minimum"))
        }
        Some(mtu) if most > 0 && mtu > most => Err(Fault::refused(Errno::EINVAL, "mtu greater than device maximum")),
        _ => Ok(()),
    }
}

/// A locally administered unicast address from the seed: the same for the same names whatever came before, but another
/// each time that a name is used again, since the one before may have moved elsewhere.
pub(super) fn random_mac(w: &mut World, netns: &NetnsName, name: IfName) -> Mac {
    let stream = format!("mac {netns} {name}");
    let mut word = w.stream(&stream).next_u64();
    let before = w.macs.entry(word).or_default();
    *before += 1;
    if *before > 1 {
        let again = *before - 1;
        word = w.stream(&format!("{stream} {again}")).next_u64();
    }
    let [a, b, c, d, e, f, ..] = word.to_le_bytes();
    Mac([a & 0xfe | 0x02, b, c, d, e, f])
}
