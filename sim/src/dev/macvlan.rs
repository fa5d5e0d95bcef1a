//! A macvlan: a station of its own on the wire of the device below.
//!
//! Kernel counterpart: `drivers/net/macvlan.c`. The device below knows its stations (where each is, its MAC, its mode,
//! whether it is up), since they may be in other namespaces; whoever changes one tells it ([`upper::tell_below`]). What a station
//! sends is handed to the device below as a stage of its own ([`Stage::Macvlan`]) and is known there by its source MAC.
//! Deliberately absent: the flag `nodst`, in another namespace what a station of the mode `source` hears that is for the device
//! below, broadcast queues, group filters but those for broadcast and for all hosts.

use super::upper::{self, Above, At, News, Seen};
use super::{Kind, state};
use crate::drop::DropReason;
use crate::netns::{Ifindex, Netns, NetnsTable, NsId};
use crate::path::{self, Fate, Next, Pkt, Stage};
use crate::pcap;
use crate::world::World;
use nettwin_model::probe::Direction;
use nettwin_model::virtuals::{MacvlanMode, Sources, hear_source};
use nettwin_model::{Errno, Fault, Mac};
use std::sync::Arc;

/// A macvlan's state.
#[derive(Clone, Debug)]
pub(crate) struct Macvlan {
    /// The device that it sits on.
    pub(crate) lower: At,
    /// How it goes about with its siblings.
    pub(crate) mode: MacvlanMode,
    /// Whom it hears in the mode `source`.
    pub(crate) sources: Option<Arc<[Mac]>>,
}

impl Macvlan {
    /// Says anew whom it hears (`macvlan_changelink_sources`).
    pub(crate) fn hear(&mut self, change: &Sources) -> Result<(), Fault> {
        if self.mode != Source {
            return Err(Fault::errno(Errno::EINVAL));
        }
        let mut list = self.sources.take().map(|list| list.to_vec()).unwrap_or_default();
        match change {
            Sources::Add(mac) => hear_source(&mut list, *mac),
            Sources::Del(mac) => list.retain(|known| known != mac),
            Sources::Flush => list.clear(),
            Sources::Set(all) => {
                list.clear();
                all.iter().for_each(|mac| hear_source(&mut list, *mac));
            }
        }
        self.sources = Some(list.into()).filter(|list: &Arc<[Mac]>| !list.is_empty());
        Ok(())
    }
}

/// What the device below knows of a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Station {
    pub(crate) mac: Mac,
    pub(crate) mode: MacvlanMode,
    pub(crate) up: bool,
    /// Whom it hears in the mode `source`.
    pub(crate) sources: Option<Arc<[Mac]>>,
}

use MacvlanMode::{Bridge, Passthru, Private, Source, Vepa};

/// A frame came to a device with stations (`macvlan_handle_frame`); `None`: the device itself goes on with it.
pub(crate) fn receive(ns: &Netns, w: &mut World, pkt: &mut Pkt) -> Option<Next> {
    let stations = stations(ns, pkt.dev);
    let bytes = w.frames.bytes(pkt.frame);
    let (to, from) = (mac_at(bytes, 0)?, mac_at(bytes, 6)?);
    let hears = |s: &Station| s.up && s.sources.as_ref().is_some_and(|list| list.contains(&from));
    for (at, _) in stations.iter().rev().filter(|(_, s)| hears(s)) {
        // What is for the device below counts as its own.
        let iif = if at.0 == ns.id { pkt.dev } else { at.1 };
        let copy = Pkt { frame: w.frames.share(pkt.frame), iif, ..pkt.passed(at.1) };
        w.push(at.0, Stage::Dev, copy);
    }
    if to.is_multicast() {
        let source = stations.iter().find(|(_, s)| s.up && s.mode != Passthru && s.mac == from).cloned();
        let modes: &[MacvlanMode] = match source {
            // A switch sent back what it sent.
            Some((at, ref s)) if matches!(s.mode, Private | Source) => return Some(deliver(ns, w, pkt, at)),
            Some((_, ref s)) if s.mode == Vepa => &[Vepa, Bridge],
            // Its siblings saw it on its way out.
            Some(_) => &[Vepa],
            None => &[Private, Vepa, Bridge, Passthru],
        };
        broadcast(w, pkt, &stations, source.map(|(at, _)| at), modes, to, false);
        return None;
    }
    let passthru = stations.iter().find(|(_, s)| s.mode == Passthru);
    let known = || stations.iter().find(|(_, s)| s.up && s.mac == to);
    let (at, station) = passthru.or_else(known).filter(|(_, station)| station.mode != Source)?;
    if !station.up {
        return Some(Next::Drop(DropReason::DevDown));
    }
    Some(deliver(ns, w, pkt, *at))
}

/// Stage [`Stage::Macvlan`]: what a station sends is at the device below (`macvlan_queue_xmit`).
pub(crate) fn leave(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let stations = stations(ns, pkt.dev);
    let bytes = w.frames.bytes(pkt.frame);
    let (Some(to), Some(from)) = (mac_at(bytes, 0), mac_at(bytes, 6)) else { return Next::Drop(DropReason::TooShort) };
    let source = stations.iter().find(|(_, s)| s.up && s.mode == Bridge && s.mac == from).map(|(at, _)| *at);
    if source.is_some() && to.is_multicast() {
        broadcast(w, pkt, &stations, source, &[Bridge], to, true);
    } else if source.is_some()
        && let Some((at, _)) = stations.iter().find(|(_, s)| s.up && s.mode == Bridge && s.mac == to)
    {
        // The device below shows it and does not count it.
        if ns.dev(pkt.dev).is_some_and(|dev| !dev.taps.is_empty()) {
            pcap::tap(ns, w, pkt, None, Direction::In);
        }
        w.push(at.0, Stage::Dev, pkt.passed(at.1));
        return Next::Done;
    }
    Next::To(Stage::Qdisc)
}

/// Sends (`macvlan_start_xmit`).
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let at = pkt.dev;
    let Some((id, lower)) = ns.dev(at).and_then(|dev| dev.kind.lower()) else {
        return Next::Drop(DropReason::DevDown);
    };
    let len = w.frames.len(pkt.frame) as u64;
    let mut below = Pkt { dev: lower, ..*pkt };
    let fate = if id == ns.id {
        path::run(ns, w, &mut below, Stage::Macvlan)
    } else {
        w.push_next(id, Stage::Macvlan, below);
        Fate::Done
    };
    if let Some(dev) = ns.dev_mut(at) {
        dev.count_sent(fate, len);
    }
    Next::Ended(fate)
}

/// The device below changed (`macvlan_device_event`).
pub(crate) fn hear(netns: &mut NetnsTable, w: &mut World, (id, index): At, seen: Seen, news: News) {
    let Some(ns) = netns.by_id_mut(id) else { return };
    let Some(dev) = ns.dev_mut(index) else { return };
    match news {
        News::Up | News::Down | News::Carrier => state::set_carrier(ns, w, index, seen.carrier),
        News::Mtu if dev.mtu > seen.mtu => state::set_mtu(ns, w, index, seen.mtu),
        News::Mac if matches!(&dev.kind, Kind::Macvlan(m) if m.mode == Passthru) => {
            state::set_mac(ns, w, index, seen.mac);
            upper::tell_below(netns, (id, index));
        }
        News::Mtu | News::Mac | News::Peers | News::Groups => {}
    }
}

/// Whether a station may have this MAC while it is up: nobody on this wire has it (`macvlan_addr_busy`).
pub(crate) fn check_mac(netns: &NetnsTable, at: At, mac: Mac) -> Result<(), Fault> {
    let Some(Kind::Macvlan(of)) = netns.by_id(at.0).and_then(|ns| ns.dev(at.1)).map(|dev| &dev.kind) else {
        return Ok(());
    };
    let Some(ns) = netns.by_id(of.lower.0) else { return Ok(()) };
    let is_lower = ns.dev(of.lower.1).is_some_and(|dev| dev.mac == mac);
    let taken = stations(ns, of.lower.1).iter().any(|(other, s)| *other != at && s.up && s.mac == mac);
    if of.mode != Passthru && (is_lower || taken) {
        return Err(Fault::errno(Errno::EADDRINUSE));
    }
    Ok(())
}

/// The stations of a device, in the order of coming.
pub(crate) fn stations(ns: &Netns, index: Ifindex) -> Vec<(At, Station)> {
    let uppers = ns.dev(index).map(|dev| dev.uppers.as_slice()).unwrap_or_default();
    let station = |upper: &upper::Upper| match &upper.above {
        Above::Macvlan(station) => Some((upper.at, station.clone())),
        Above::Vlan(_) | Above::Bond => None,
    };
    uppers.iter().filter_map(station).collect()
}

/// Hands a frame to one station.
fn deliver(ns: &Netns, w: &mut World, pkt: &mut Pkt, (id, index): At) -> Next {
    if id == ns.id {
        (pkt.dev, pkt.iif) = (index, index);
        return Next::To(Stage::Dev);
    }
    w.push_next(id, Stage::Dev, pkt.passed(index));
    Next::Done
}

/// Hands copies to the stations of these modes that are up (`macvlan_broadcast`): at once what goes out, by a work queue
/// what came to everybody (`macvlan_broadcast_enqueue`), when all else is done.
fn broadcast(
    w: &mut World,
    pkt: &Pkt,
    all: &[(At, Station)],
    but: Option<At>,
    modes: &[MacvlanMode],
    to: Mac,
    goes_out: bool,
) {
    // Others than broadcast and 224.0.0.1 nobody has joined.
    if to != Mac::BROADCAST && to != ALL_HOSTS {
        return;
    }
    for (at, station) in all {
        if !station.up || Some(*at) == but || !modes.contains(&station.mode) {
            continue;
        }
        let mut copy = Pkt { frame: w.frames.share(pkt.frame), ..pkt.passed(at.1) };
        if to == Mac::BROADCAST && !goes_out {
            w.later(at.0, copy);
        } else {
            copy.flags = if goes_out { COUNTED_LONGER } else { 0 };
            w.push(at.0, Stage::Dev, copy);
        }
    }
}

/// A flag of what a sibling sent to everybody: its Ethernet header is counted twice (`macvlan_count_rx`).
pub(crate) const COUNTED_LONGER: u8 = 1 << 7;

fn mac_at(bytes: &[u8], at: usize) -> Option<Mac> {
    bytes.get(at..at + 6)?.try_into().ok().map(Mac)
}

/// The group of all hosts.
const ALL_HOSTS: Mac = Mac([0x01, 0, 0x5e, 0, 0, 1]);

/// Whether a device has stations (`netdev_is_rx_handler_busy`).
pub(crate) fn has_stations(ns: &Netns, index: Ifindex) -> bool {
    !stations(ns, index).is_empty()
}

/// The device that stations of `at` are on: a station's own stations are its siblings.
pub(crate) fn bottom(netns: &NetnsTable, at: At) -> At {
    let of = |(id, index): (NsId, Ifindex)| netns.by_id(id).and_then(|ns| ns.dev(index));
    match of(at).map(|dev| &dev.kind) {
        Some(Kind::Macvlan(of)) => of.lower,
        _ => at,
    }
}
