//! Devices that sit on others: who sits on whom, and what a device tells those above it.
//!
//! Kernel counterpart: `netdev_upper_dev_link()`, the notifier chain and `vlan_device_event()`. What sits on a device may
//! be in another namespace, so news goes on a list and is told when the op or the event is over; the kernel tells it in
//! the midst of the change. A bridge's ports are not here: they hear of each other in their own namespace ([`super::port`]).

use super::macvlan::Station;
use super::{Kind, bond, macvlan, vlan};
use crate::netns::{Ifindex, Netns, NetnsTable, NsId};
use crate::tag::Tag;
use crate::world::World;
use nettwin_model::Mac;
use std::collections::VecDeque;

/// A device, wherever it is.
pub(crate) type At = (NsId, Ifindex);

/// A device that sits on another, as that one knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upper {
    /// Where it is.
    pub(crate) at: At,
    /// What it is.
    pub(crate) above: Above,
    /// It wants all that comes: it has a MAC of its own, which no device filters by, or is told to (`__dev_set_rx_mode`).
    pub(crate) wants_all: bool,
}

/// What a device knows of one above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Above {
    /// A VLAN device: its tag.
    Vlan(Tag),
    /// A macvlan.
    Macvlan(Station),
    /// The bond whose slave it is.
    Bond,
}

/// What happened to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// `NETDEV_UP`.
    Up,
    /// `NETDEV_DOWN`.
    Down,
    /// `NETDEV_CHANGE`: its carrier came or went.
    Carrier,
    /// `NETDEV_CHANGEADDR`.
    Mac,
    /// `NETDEV_CHANGEMTU`.
    Mtu,
    /// `NETDEV_NOTIFY_PEERS`: others are to be told where its addresses are.
    Peers,
    /// `NETDEV_RESEND_IGMP`: others are to be told of its groups.
    Groups,
}

/// What was told and not yet heard.
#[derive(Default)]
pub(crate) struct Bulletin(VecDeque<(At, News)>);

/// What those above see of a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) carrier: bool,
    pub(crate) mac: Mac,
    pub(crate) mtu: u32,
}

/// A device tells those above it.
#[inline]
pub(crate) fn tell(ns: &Netns, w: &mut World, index: Ifindex, news: News) {
    if ns.dev(index).is_some_and(|dev| !dev.uppers.is_empty()) {
        w.bulletin.0.push_back(((ns.id, index), news));
    }
}

/// All that was told is heard; says whether there was anything.
#[inline]
pub(crate) fn hear(netns: &mut NetnsTable, w: &mut World) -> bool {
    let any = !w.bulletin.0.is_empty();
    if any {
        hear_all(netns, w);
    }
    any
}

#[cold]
fn hear_all(netns: &mut NetnsTable, w: &mut World) {
    while let Some(((id, index), news)) = w.bulletin.0.pop_front() {
        let Some(dev) = netns.by_id(id).and_then(|ns| ns.dev(index)) else { continue };
        let seen = Seen { carrier: dev.carrier, mac: dev.mac, mtu: dev.mtu };
        for upper in dev.uppers.clone() {
            let (id, index) = upper.at;
            if matches!(news, News::Peers | News::Groups) {
                bond::pass_on(netns, w, upper.at, news);
                continue;
            }
            match netns.by_id(id).and_then(|ns| ns.dev(index)).map(|dev| &dev.kind) {
                Some(Kind::Vlan(_)) => vlan::hear(netns, w, upper.at, seen, news),
                Some(Kind::Macvlan(_)) => macvlan::hear(netns, w, upper.at, seen, news),
                Some(Kind::Bond(_)) => netns.by_id_mut(id).into_iter().for_each(|ns| bond::wake(ns, w, index)),
                _ => {}
            }
        }
    }
}

/// A device was made that sits on `lower`.
pub(crate) fn join(netns: &mut NetnsTable, upper: Upper, lower: At) {
    if let Some(dev) = dev_mut(netns, lower) {
        dev.uppers.push(upper);
    }
}

/// What changed of a device is told to the one below (`dev_uc_add`, `vlan_dev_change_rx_flags`), and by that further down.
pub(crate) fn tell_below(netns: &mut NetnsTable, at: At) {
    let Some(dev) = netns.by_id(at.0).and_then(|ns| ns.dev(at.1)) else { return };
    let Some(lower) = dev.kind.lower() else { return };
    let Some(below) = netns.by_id(lower.0).and_then(|ns| ns.dev(lower.1)) else { return };
    let (above, wants_all) = match &dev.kind {
        Kind::Vlan(vlan) => (Above::Vlan(vlan.tag), dev.mac != below.mac || dev.is_promiscuous()),
        Kind::Macvlan(of) => {
            let (mac, mode, up, sources) = (dev.mac, of.mode, dev.up, of.sources.clone());
            (Above::Macvlan(Station { mac, mode, up, sources }), true)
        }
        _ => return,
    };
    let known = Upper { at, above, wants_all: wants_all && dev.up };
    if let Some(dev) = dev_mut(netns, lower) {
        dev.uppers.iter_mut().filter(|upper| upper.at == at).for_each(|upper| upper.clone_from(&known));
        dev.set_promiscuous();
    }
    tell_below(netns, lower);
}

/// A device that sat on another is gone.
pub(crate) fn part(netns: &mut NetnsTable, upper: At, lower: At) {
    if let Some(dev) = dev_mut(netns, lower) {
        dev.uppers.retain(|u| u.at != upper);
        dev.set_promiscuous();
    }
    tell_below(netns, lower);
}

/// A device went elsewhere: those below and above it find it there.
pub(crate) fn moved(netns: &mut NetnsTable, from: At, to: At) {
    let Some(dev) = dev_mut(netns, to) else { return };
    let (lower, uppers) = (dev.kind.lower(), dev.uppers.clone());
    if let Some(dev) = lower.and_then(|lower| dev_mut(netns, lower)) {
        dev.uppers.iter_mut().filter(|u| u.at == from).for_each(|u| u.at = to);
    }
    for upper in uppers {
        if let Some(lower) = dev_mut(netns, upper.at).and_then(|dev| dev.kind.lower_mut()) {
            *lower = to;
        }
    }
}

fn dev_mut(netns: &mut NetnsTable, (id, index): At) -> Option<&mut super::Dev> {
    netns.by_id_mut(id)?.dev_mut(index)
}
