//! What is usual about a device, looked at once and then believed for as long as nobody had its namespace to change.
//!
//! Kernel counterpart: none; there static keys and `rx_handler` pointers keep such questions off the path. The straight way
//! changes nothing but counters, tables and what is on its way; whoever may change more gets the namespace by
//! [`NetnsTable::by_id_mut`] or one of its relatives, or from a stage, and that is counted ([`Netns::changes`]). So no rule
//! about what depends on what has to be kept. Deliberately absent: looking while somebody else has the namespace.
//!
//! [`NetnsTable::by_id_mut`]: crate::netns::NetnsTable::by_id_mut

use crate::dev::{Dev, Kind};
use crate::frame::L2_LEN;
use crate::netns::{Ifindex, Netns};
use crate::qdisc::Qdisc;
use nettwin_model::PortState;

/// It receives what comes, for its bridge or its namespace, and nobody watches.
pub(super) const RECEIVES: u8 = 1;
/// It sends at once what has its queue behind it, and the other end receives it.
pub(super) const SENDS: u8 = 2;
/// Nothing has to wait in its queue.
pub(super) const AT_ONCE: u8 = 4;
/// Its namespace has no rules.
pub(super) const UNRULED: u8 = 8;
/// It is a port by which stations are learned, of a bridge without anything unusual.
pub(super) const LEARNS: u8 = 16;
/// It is a port by which frames leave.
pub(super) const FORWARDS: u8 = 32;
/// It is a port of those that do not talk to each other.
pub(super) const ISOLATED: u8 = 64;

/// What was found out about a device.
#[derive(Clone, Copy, Default)]
pub(crate) struct Line {
    /// [`Netns::changes`] then.
    asked: u32,
    /// The longest frame that passes its MTU and the other end's.
    longest: u32,
    is: u8,
}

impl Line {
    /// Whether it is still true.
    #[inline(always)]
    pub(super) fn holds(self, changes: u32) -> bool {
        self.asked == changes
    }

    /// Whether all of this is so.
    #[inline(always)]
    pub(super) fn is(self, all: u8) -> bool {
        self.is & all == all
    }

    /// Whether a frame is short enough to be sent.
    #[inline(always)]
    pub(super) fn fits(self, len: usize) -> bool {
        len <= self.longest as usize
    }
}

/// Looks at a device.
#[cold]
#[inline(never)]
pub(super) fn look(ns: &mut Netns, is_traced: bool, index: Ifindex) {
    let changes = ns.changes;
    let Some(line) = ns.dev(index).map(|dev| Line { asked: changes, ..of(ns, dev, is_traced) }) else { return };
    if let Some(dev) = ns.devs.by_index_mut(index) {
        dev.line = line;
    }
}

fn of(ns: &Netns, dev: &Dev, is_traced: bool) -> Line {
    let (is_unwatched, mut is) = (dev.taps.is_empty() && !is_traced, 0);
    let mut set = |flag, on| is |= if on { flag } else { 0 };
    let mut mtu = dev.mtu;
    let is_alone = dev.plug.is_none() && dev.uppers.is_empty();
    match &dev.kind {
        Kind::Veth(veth) => {
            mtu = mtu.min(veth.peer.mtu);
            set(RECEIVES, dev.up && is_unwatched && is_alone);
            set(SENDS, dev.up && dev.carrier && veth.peer.up && is_unwatched);
        }
        Kind::Bridge(_) => set(RECEIVES, dev.up && is_unwatched && is_alone && dev.port.is_none()),
        _ => {}
    }
    set(AT_ONCE, matches!(dev.qdisc, Qdisc::Noqueue));
    set(UNRULED, ns.nf.is_none());
    let bridge = dev.port.and_then(|at| Some((at, ns.dev(at.bridge)?.bridge()?)));
    if let Some((bridge, port)) = bridge.and_then(|(at, bridge)| Some((bridge, bridge.port(at.number)?))) {
        let forwards = port.stp.state == PortState::Forwarding;
        let is_usual = !port.locked && bridge.ageing_time != 0 && !bridge.promiscuous && !bridge.filter.on;
        set(LEARNS, forwards && port.learning && is_usual && ns.nf.is_none());
        set(FORWARDS, forwards);
        set(ISOLATED, port.isolated);
    }
    Line { asked: 0, longest: mtu.saturating_add(L2_LEN as u32), is }
}
