//! What nobody has used for long is forgotten, once there are many neighbours.
//!
//! Kernel counterpart: `neigh_periodic_work()` of `net/core/neighbour.c`, with `gc_thresh1` as it is from the start. Deliberately
//! absent: the table's other two bounds (`gc_thresh2`, `gc_thresh3`). The kernel has one table for all namespaces, which is
//! full at 1024 entries until its administrator says otherwise; a simulated network may be larger.

use crate::event::Event;
use crate::netns::{Netns, NetnsTable};
use crate::world::World;
use nettwin_model::Instant;
use std::time::Duration;

/// With fewer entries in all namespaces together nothing is collected (`gc_thresh1`).
const FEW: usize = 128;

/// Half of the base reachable time that the initial namespace says, in nanoseconds.
const INTERVAL: u64 = 15_000_000_000;

/// When the table is looked through next.
#[derive(Default)]
pub(crate) struct Sweep(bool);

/// There is one neighbour more: as long as there are some, they are looked at every now and then.
pub(super) fn expect(w: &mut World) {
    if !std::mem::replace(&mut w.sweep.0, true) {
        w.wheel.schedule(Instant::from_nanos((w.now.as_nanos() / INTERVAL + 1) * INTERVAL), Event::Sweep);
    }
}

/// Looks through the tables of all namespaces ([`Event::Sweep`]).
pub(crate) fn sweep(all: &mut NetnsTable, w: &mut World) {
    w.sweep = Sweep::default();
    if all.iter().map(|ns| ns.l3.neigh.entries.len()).sum::<usize>() < FEW {
        return;
    }
    let mut left = false;
    for ns in all.iter_mut() {
        left |= collect(ns, w.now);
    }
    if left {
        expect(w);
    }
}

/// Forgets a namespace's old ones; says whether there are some that may grow old.
fn collect(ns: &mut Netns, now: Instant) -> bool {
    let before = ns.l3.neigh.entries.len();
    let devs = &ns.devs;
    let mut left = false;
    ns.l3.neigh.entries.retain(|&(dev, _), entry| {
        let Some(dev) = devs.by_index(dev) else { return true };
        let keep = !entry.has_aged(now, Duration::from_secs(u64::try_from(dev.conf.gc_stale_time).unwrap_or(0)));
        left |= keep && !entry.is_exempt();
        keep
    });
    if ns.l3.neigh.entries.len() < before {
        ns.l3.disturb();
    }
    left
}
