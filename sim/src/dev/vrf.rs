//! A VRF: the loopback of a domain of its own, whose members' packets ask its table.
//!
//! Kernel counterpart: `drivers/net/vrf.c`, `net/l3mdev/l3mdev.c`. What a member receives counts here, too, and is shown
//! here; what goes to an address of the domain is sent by this device and comes back. Deliberately absent: netfilter's
//! hooks of this device, qdiscs on it, which sockets take what comes from a domain (`tcp_l3mdev_accept` and its kin).

use super::{Dev, Kind, state};
use crate::frame::L2_LEN;
use crate::l3;
use crate::netns::{Ifindex, Netns, NetnsTable, NsId};
use crate::path::{Next, Pkt, Stage};
use crate::pcap;
use crate::world::World;
use nettwin_model::probe::Direction;
use nettwin_model::{Errno, Fault};

/// The VRF that a device belongs to, be it the VRF itself (`l3mdev_master_ifindex_rcu`).
#[inline]
pub(crate) fn of(ns: &Netns, index: Ifindex) -> Option<Ifindex> {
    let dev = ns.dev(index)?;
    if matches!(dev.kind, Kind::Vrf { .. }) { Some(index) } else { dev.vrf }
}

/// The table of the domain that a device belongs to (`l3mdev_fib_table`).
pub(crate) fn table(ns: &Netns, index: Ifindex) -> Option<u32> {
    match ns.dev(of(ns, index)?)?.kind {
        Kind::Vrf { table } => Some(table),
        _ => None,
    }
}

/// Whether what came by `iif` is for a socket that is bound to `dev`: the device itself, or its VRF (`inet_sdif`).
pub(crate) fn is_bound(ns: &Netns, dev: Ifindex, iif: Ifindex) -> bool {
    dev == iif || of(ns, iif) == Some(dev)
}

/// A packet came by a member (`vrf_ip_rcv`).
pub(crate) fn receive(ns: &mut Netns, w: &mut World, pkt: &Pkt) {
    let Some(vrf) = ns.dev(pkt.dev).and_then(|dev| dev.vrf) else { return };
    let len = w.frames.len(pkt.frame).saturating_sub(L2_LEN) as u64;
    let Some(dev) = ns.dev_mut(vrf) else { return };
    dev.stats.rx_packets += 1;
    dev.stats.rx_bytes += len;
    if !dev.taps.is_empty() {
        pcap::tap(ns, w, &Pkt { dev: vrf, ..*pkt }, None, Direction::In);
    }
}

/// Sends to an address of the domain (`vrf_xmit`, `vrf_local_xmit`): it comes back.
pub(crate) fn xmit(ns: NsId, dev: &mut Dev, w: &mut World, pkt: &Pkt) -> Next {
    let len = w.frames.len(pkt.frame) as u64;
    dev.stats.tx_packets += 1;
    dev.stats.tx_bytes += len;
    let (mark, track) = (pkt.mark, pkt.track);
    w.push(ns, Stage::Dev, Pkt { mark, track, ..pkt.passed(dev.ifindex) });
    Next::Done
}

/// Makes a device a member (`do_vrf_add_slave`). It is none yet.
pub(crate) fn join(netns: &mut NetnsTable, w: &mut World, id: NsId, index: Ifindex, vrf: Ifindex) -> Result<(), Fault> {
    let dev = netns.by_id_mut(id).and_then(|ns| ns.dev_mut(index)).ok_or(Fault::errno(Errno::ENODEV))?;
    if matches!(dev.kind, Kind::Vrf { .. }) {
        return Err(Fault::refused(Errno::EINVAL, "Can not enslave an L3 master device to a VRF"));
    }
    if dev.is_loopback() {
        return Err(Fault::refused(Errno::EOPNOTSUPP, "Can not enslave loopback device to a VRF"));
    }
    dev.vrf = Some(vrf);
    cycle(netns, w, id, index);
    Ok(())
}

/// A device is a member no more (`do_vrf_del_slave`). Nothing happens if it was none.
pub(crate) fn leave(netns: &mut NetnsTable, w: &mut World, id: NsId, index: Ifindex) {
    let Some(dev) = netns.by_id_mut(id).and_then(|ns| ns.dev_mut(index)) else { return };
    if dev.vrf.take().is_some() {
        cycle(netns, w, id, index);
    }
}

/// The members of a VRF.
pub(crate) fn members(ns: &Netns, vrf: Ifindex) -> Vec<Ifindex> {
    ns.devs.iter().filter(|dev| dev.vrf == Some(vrf)).map(|dev| dev.ifindex).collect()
}

/// Its routes go; down and up again: its addresses' routes and its neighbours are then those of where it belongs (`cycle_netdev`).
fn cycle(netns: &mut NetnsTable, w: &mut World, id: NsId, index: Ifindex) {
    if let Some(ns) = netns.by_id_mut(id) {
        l3::domain_changed(ns, w, index);
    }
    if netns.by_id(id).and_then(|ns| ns.dev(index)).is_some_and(|dev| dev.up) {
        state::close(netns, w, id, index);
        // What refused would have refused before.
        let _ = state::open(netns, w, id, index);
    }
}
