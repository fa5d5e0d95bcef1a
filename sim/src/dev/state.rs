//! Up and down, carrier, and what follows from them.
//!
//! Kernel counterpart: `__dev_open`, `__dev_close`, `net/core/link_watch.c`, `veth_open`, `veth_close`. Carrier changes are
//! applied at once, where the kernel's link watch comes a little later. Deliberately absent: dormant and testing states.

use super::stp::At;
use super::upper::{self, News};
use super::{Kind, bond, macvlan, port, vlan, vxlan};
use crate::l3;
use crate::netns::{Gone, Ifindex, Netns, NetnsTable, NsId};
use crate::qdisc::{self, Qdisc};
use crate::world::World;
use nettwin_model::{Errno, Fault, Mac, OperState};

/// Brings a device up (`__dev_open`). Nothing happens if it is up.
pub(crate) fn open(netns: &mut NetnsTable, w: &mut World, id: NsId, index: Ifindex) -> Result<(), Fault> {
    let Some(dev) = netns.by_id(id).and_then(|ns| ns.dev(index)).filter(|d| !d.up) else { return Ok(()) };
    let below = dev.kind.lower().and_then(|(id, index)| netns.by_id(id)?.dev(index));
    let below = below.map(|lower| (lower.up, lower.carrier, lower.mac));
    if matches!(&dev.kind, Kind::Vlan(vlan) if !vlan.loose) && below.is_some_and(|(up, ..)| !up) {
        return Err(Fault::errno(Errno::ENETDOWN));
    }
    macvlan::check_mac(netns, (id, index), dev.mac)?;
    let Some(ns) = netns.by_id_mut(id) else { return Ok(()) };
    let Some(dev) = ns.dev_mut(index) else { return Ok(()) };
    dev.up = true;
    if matches!(dev.qdisc, Qdisc::Noop) {
        dev.qdisc = Qdisc::at_birth(dev);
    }
    let peer = match &dev.kind {
        Kind::Veth(veth) => Some(veth.peer),
        _ => None,
    };
    let paired = peer.is_some_and(|p| p.up) || below.is_some_and(|(_, carrier, _)| carrier) && !dev.carrier;
    if paired {
        dev.switch_carrier(true);
    }
    l3::link_up(ns, w, index);
    if ns.dev(index).is_some_and(|d| d.bridge().is_some()) {
        At { ns, w, dev: index }.enable_bridge();
    }
    bond::opened(ns, w, index);
    if paired {
        carrier_moved(ns, w, index);
    } else {
        port::device_changed(ns, w, index);
    }
    if let Some((.., mac)) = below {
        vlan::inherit(ns, w, index, mac);
    }
    vxlan::opened(ns, w, index);
    upper::tell(ns, w, index, News::Up);
    if let Some(peer) = peer {
        ns.refers_to(peer.ns, &w.gone);
        let Some(there) = netns.by_id_mut(peer.ns) else { return Ok(()) };
        tell_peer(there, peer.dev, |p| p.up = true);
        if paired {
            there.refers_to(id, &w.gone);
            set_carrier(there, w, peer.dev, true);
        }
    }
    upper::tell_below(netns, (id, index));
    Ok(())
}

/// Brings a device down (`__dev_close`). Nothing happens if it is down.
pub(crate) fn close(netns: &mut NetnsTable, w: &mut World, id: NsId, index: Ifindex) {
    let Some(ns) = netns.by_id_mut(id) else { return };
    let Some(dev) = ns.dev_mut(index).filter(|d| d.up) else { return };
    dev.up = false;
    let peer = match &dev.kind {
        Kind::Veth(veth) => Some(veth.peer),
        _ => None,
    };
    let had_carrier = dev.carrier;
    let follows = peer.is_some() || matches!(dev.kind, Kind::Vlan(_));
    if follows {
        dev.switch_carrier(false);
    }
    qdisc::purge(ns, w, index);
    vxlan::closed(ns, w, index);
    l3::link_down(ns, w, index);
    if ns.dev(index).is_some_and(|d| d.bridge().is_some()) {
        At { ns, w, dev: index }.disable_bridge();
    }
    bond::closed(ns, index);
    port::device_changed(ns, w, index);
    upper::tell(ns, w, index, News::Down);
    if follows && had_carrier {
        let state = operstate(ns, index);
        if let Some(dev) = ns.dev_mut(index) {
            dev.operstate = state;
        }
    }
    if let Some(peer) = peer {
        let Some(there) = netns.by_id_mut(peer.ns) else { return };
        tell_peer(there, peer.dev, |p| p.up = false);
        set_carrier(there, w, peer.dev, false);
    }
    upper::tell_below(netns, (id, index));
}

/// What link watch makes of the two ends of a wire that has no carrier any more, each seen from where it is now.
pub(crate) fn look_again(netns: &mut NetnsTable, gone: &Gone, a: (NsId, Ifindex), b: (NsId, Ifindex)) {
    for ((id, index), (other, _)) in [(a, b), (b, a)] {
        let Some(ns) = netns.by_id_mut(id) else { continue };
        ns.refers_to(other, gone);
        let state = operstate(ns, index);
        ns.dev_mut(index).into_iter().for_each(|dev| dev.operstate = state);
    }
}

/// Switches a device's carrier, with what follows in its own namespace.
pub(crate) fn set_carrier(ns: &mut Netns, w: &mut World, index: Ifindex, on: bool) {
    let Some(dev) = ns.dev_mut(index).filter(|d| d.carrier != on) else { return };
    dev.switch_carrier(on);
    if !on {
        qdisc::purge(ns, w, index);
    }
    carrier_moved(ns, w, index);
}

/// What link watch does after a change (`linkwatch_do_dev`).
fn carrier_moved(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let state = operstate(ns, index);
    let Some(dev) = ns.dev_mut(index) else { return };
    dev.operstate = state;
    if dev.up {
        l3::carrier_changed(ns, w, index);
        port::device_changed(ns, w, index);
        upper::tell(ns, w, index, News::Carrier);
    }
}

/// Gives a device that is no bridge another MAC.
pub(crate) fn set_mac(ns: &mut Netns, w: &mut World, index: Ifindex, mac: Mac) {
    let Some(dev) = ns.dev_mut(index) else { return };
    let old = std::mem::replace(&mut dev.mac, mac);
    l3::mac_changed(ns, w, index);
    // The same one again counts too (`NETDEV_CHANGEADDR`).
    port::mac_changed(ns, w, index, old);
}

/// Sets a device's MTU, which it takes.
pub(crate) fn set_mtu(ns: &mut Netns, w: &mut World, index: Ifindex, mtu: u32) {
    let Some(dev) = ns.dev_mut(index).filter(|dev| dev.mtu != mtu) else { return };
    dev.mtu = mtu;
    if let Some(bridge) = dev.bridge_mut() {
        bridge.mtu_set = true;
    }
    l3::mtu_changed(ns, w, index);
    port::mtu_changed(ns, w, index);
}

/// RFC 2863's state of a device (`default_operstate`). Without carrier the device of index `iflink` is looked up in the own
/// namespace, wherever the peer is.
pub(crate) fn operstate(ns: &Netns, index: Ifindex) -> OperState {
    let Some(dev) = ns.dev(index) else { return OperState::NotPresent };
    if dev.carrier {
        return OperState::Up;
    }
    let Some((_, link)) = dev.kind.link() else { return OperState::Down };
    match ns.dev(link) {
        Some(lower) if lower.ifindex != index && !lower.carrier => OperState::LowerLayerDown,
        _ => OperState::Down,
    }
}

/// Changes what a veth knows of its peer.
pub(crate) fn tell_peer(ns: &mut Netns, index: Ifindex, change: impl FnOnce(&mut super::veth::Peer)) {
    if let Some(Kind::Veth(veth)) = ns.dev_mut(index).map(|d| &mut d.kind) {
        change(&mut veth.peer);
    }
}
