//! What is still to happen: a hierarchical timing wheel, exact to the nanosecond, first in first out among equals.
//!
//! Kernel counterpart: `kernel/time/timer.c` and hrtimers. Order is total: by instant, then by the order of scheduling.
//! Deliberately absent: cancelling. An event says where and what; whoever it is for compares with what it waits for now
//! and ignores the rest. Frames that are handed on without delay never come here (see [`crate::path`]).

use crate::frame::FrameId;
use crate::netns::{Ifindex, NsId};
use nettwin_model::Instant;
use std::net::Ipv4Addr;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A qdisc has a frame that is due (`qdisc_watchdog`).
    Qdisc {
        /// Where.
        ns: NsId,
        /// The device that sends.
        dev: Ifindex,
    },
    /// A bridge looks for entries that are too old (`br_fdb_cleanup`).
    BridgeAge {
        /// Where.
        ns: NsId,
        /// The bridge.
        dev: Ifindex,
    },
    /// A bridge's or a port's spanning tree timer.
    Stp {
        /// Where.
        ns: NsId,
        /// The bridge.
        dev: Ifindex,
        /// Which.
        timer: StpTimer,
    },
    /// A bridge's groups, queries or routers have come to an end (`br_multicast_*_expired`).
    Mcast {
        /// Where.
        ns: NsId,
        /// The bridge.
        dev: Ifindex,
    },
    /// A bond looks at its slaves, or reports its groups.
    Bond {
        /// Where.
        ns: NsId,
        /// The bond.
        dev: Ifindex,
    },
    /// A device's groups are to be told of (`igmp_timer_expire` and its relatives).
    Igmp {
        /// Where.
        ns: NsId,
        /// The device.
        dev: Ifindex,
    },
    /// A neighbour entry's timer (`neigh_timer_handler`).
    Neigh {
        /// Where.
        ns: NsId,
        /// The entry's device.
        dev: Ifindex,
        /// The entry's address.
        addr: Ipv4Addr,
    },
    /// Neighbours that nobody uses may be forgotten (`neigh_periodic_work`).
    Sweep,
    /// A managed neighbour is looked after again (`neigh_managed_work`).
    Managed {
        /// Where.
        ns: NsId,
        /// The entry's device.
        dev: Ifindex,
        /// The entry's address.
        addr: Ipv4Addr,
    },
    /// An ARP request that waited for its proxy's answer (`neigh_proxy_process`).
    ProxyArp {
        /// Where.
        ns: NsId,
        /// The device that it came by.
        dev: Ifindex,
        /// The request, held.
        frame: FrameId,
    },
    /// Addresses of the namespace may have come to the end of their lives (`check_lifetime`).
    Lifetimes {
        /// Where.
        ns: NsId,
    },
    /// A datagram's fragments have waited long enough (`ip_expire`), or another IPv4 timer of the namespace.
    Ip {
        /// Where.
        ns: NsId,
        /// Which, in the IP layer's own numbering.
        key: u64,
    },
    /// A socket timer of the namespace.
    Sock {
        /// Where.
        ns: NsId,
        /// Which, in the transport's own numbering.
        key: u64,
    },
    /// A workload wants to be woken.
    Probe {
        /// Its number.
        id: u64,
    },
}

/// Which timer of the spanning tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StpTimer {
    /// Send the next hello.
    Hello,
    /// A port goes on to its next state.
    Forward(u16),
    /// What a port heard is too old.
    MessageAge(u16),
    /// A port may send again what it held back.
    Hold(u16),
    /// Topology change notification again.
    Tcn,
    /// The topology change is over.
    TopologyChange,
}

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
/// 11 levels of 6 bits cover the 64 bits of an instant.
const LEVELS: usize = 11;
const NIL: u32 = u32::MAX;

struct Node {
    at: u64,
    seq: u64,
    event: Event,
    next: u32,
}

#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
}

/// The wheel.
pub(crate) struct Wheel {
    nodes: Vec<Node>,
    free: u32,
    slots: Vec<List>,
    occupied: [u64; LEVELS],
    /// The wheel's position: no event is before it.
    elapsed: u64,
    seq: u64,
    len: usize,
    last: (u64, u64),
}

impl Default for Wheel {
    fn default() -> Self {
        Wheel {
            nodes: Vec::new(),
            free: NIL,
            slots: vec![List { head: NIL, tail: NIL }; SLOTS * LEVELS],
            occupied: [0; LEVELS],
            elapsed: 0,
            seq: 0,
            len: 0,
            last: (0, 0),
        }
    }
}

impl Wheel {
    /// Lets `event` happen at `at`, which is not before the present.
    #[inline]
    pub(crate) fn schedule(&mut self, at: Instant, event: Event) {
        let at = at.as_nanos();
        assert!(at >= self.last.0, "an event is never scheduled for the past");
        self.seq += 1;
        let node = Node { at, seq: self.seq, event, next: NIL };
        let index = if self.free == NIL {
            self.nodes.push(node);
            u32::try_from(self.nodes.len() - 1).expect("fewer than 2^32 events at once")
        } else {
            let index = self.free;
            self.free = self.nodes[index as usize].next;
            self.nodes[index as usize] = node;
            index
        };
        self.len += 1;
        self.append(index);
    }

    /// The next event that is due at `until` or before, with its instant.
    pub(crate) fn pop(&mut self, until: Instant) -> Option<(Instant, Event)> {
        let until = until.as_nanos();
        loop {
            let level = self.occupied.iter().position(|&o| o != 0)?;
            // The lowest occupied level holds the nearest events, its first occupied slot the nearest of them.
            let slot = self.occupied[level].trailing_zeros() as usize;
            let start = self.slot_start(level, slot);
            if start > until {
                return None;
            }
            let list = &mut self.slots[level * SLOTS + slot];
            let index = list.head;
            let node = &mut self.nodes[index as usize];
            // One that is alone in its slot need not go to a lower one first.
            if level == 0 || node.next == NIL {
                let (at, seq, event, next) = (node.at, node.seq, node.event, node.next);
                if at > until {
                    return None;
                }
                list.head = next;
                if next == NIL {
                    list.tail = NIL;
                    self.occupied[level] &= !(1 << slot);
                }
                node.next = self.free;
                self.free = index;
                self.elapsed = at;
                self.len -= 1;
                assert!((at, seq) > self.last, "time never goes back");
                self.last = (at, seq);
                return Some((Instant::from_nanos(at), event));
            }
            *list = List { head: NIL, tail: NIL };
            self.occupied[level] &= !(1 << slot);
            self.elapsed = start;
            self.spread(index);
        }
    }

    /// An instant before which no event is due; `None` if there are none.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        let level = self.occupied.iter().position(|&o| o != 0)?;
        let slot = self.occupied[level].trailing_zeros() as usize;
        Some(Instant::from_nanos(self.slot_start(level, slot).max(self.elapsed)))
    }

    /// How many events are still to happen.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many events were ever scheduled.
    pub(crate) fn scheduled(&self) -> u64 {
        self.seq
    }

    /// Puts a higher slot's events into lower ones, in their order.
    fn spread(&mut self, mut index: u32) {
        while index != NIL {
            let next = self.nodes[index as usize].next;
            self.nodes[index as usize].next = NIL;
            self.append(index);
            index = next;
        }
    }

    #[inline]
    fn append(&mut self, index: u32) {
        let at = self.nodes[index as usize].at;
        // The level is that of the highest bit in which the instant differs from the wheel's position.
        let level = ((63 - ((at ^ self.elapsed) | 1).leading_zeros()) / BITS) as usize;
        let slot = (at >> (level as u32 * BITS)) as usize % SLOTS;
        let list = &mut self.slots[level * SLOTS + slot];
        if list.head == NIL {
            list.head = index;
        } else {
            self.nodes[list.tail as usize].next = index;
        }
        list.tail = index;
        self.occupied[level] |= 1 << slot;
    }

    fn slot_start(&self, level: usize, slot: usize) -> u64 {
        let shift = level as u32 * BITS;
        let above = shift + BITS;
        let base = if above >= 64 { 0 } else { self.elapsed >> above << above };
        base | (slot as u64) << shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use std::collections::BTreeMap;

    #[test]
    fn events_come_by_instant_then_by_order_of_scheduling() {
        let mut wheel = Wheel::default();
        let mut expected = BTreeMap::new();
        let mut rng = Rng::new(1, "wheel");
        let mut now = 0u64;
        let mut id = 0u64;
        for round in 0..5000u64 {
            for _ in 0..rng.below(4) {
                let span = rng.below(40);
                let at = now + rng.below(1 << span.max(1));
                id += 1;
                wheel.schedule(Instant::from_nanos(at), Event::Probe { id });
                expected.insert((at, id), ());
            }
            let until = now + rng.below(1 << (round % 36));
            while let Some((at, event)) = wheel.pop(Instant::from_nanos(until)) {
                let ((t, i), ()) = expected.pop_first().unwrap();
                assert_eq!((at, event), (Instant::from_nanos(t), Event::Probe { id: i }));
            }
            assert!(expected.keys().next().is_none_or(|&(t, _)| t > until));
            now = until;
        }
        assert_eq!(wheel.len(), expected.len());
    }

    #[test]
    fn the_farthest_instant_is_reached() {
        let mut wheel = Wheel::default();
        wheel.schedule(Instant::FAR, Event::Probe { id: 1 });
        wheel.schedule(Instant::ZERO, Event::Probe { id: 2 });
        assert_eq!(wheel.pop(Instant::FAR), Some((Instant::ZERO, Event::Probe { id: 2 })));
        assert_eq!(wheel.pop(Instant::from_nanos(u64::MAX - 1)), None);
        assert_eq!(wheel.pop(Instant::FAR), Some((Instant::FAR, Event::Probe { id: 1 })));
        assert_eq!(wheel.pop(Instant::FAR), None);
    }
}
