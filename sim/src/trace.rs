//! What happened to each frame, as data: every hop, every table that decided, every drop with its reason.
//!
//! Kernel counterpart: the `skb:kfree_skb` and `net:*` tracepoints, `dropwatch`. Off by default; then a record costs one
//! test of a flag and no text is made. The running hash is always on. Deliberately absent: printing, files.

use crate::drop::DropReason;
use crate::netns::{Ifindex, NsId};
use crate::path::Stage;
use nettwin_model::{Gist, IfName, Instant, NetnsName};
use rustc_hash::FxBuildHasher;
use std::collections::BTreeMap;

/// One thing that happened to one frame.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TraceRecord {
    /// When.
    pub at: Instant,
    /// Where.
    pub netns: NetnsName,
    /// The device at hand, `None` if there is none (any more).
    pub dev: Option<IfName>,
    /// The frame's number; its copies have the same, and an answer made in place of its question.
    pub frame: u64,
    /// What the frame is about, as it is at this point.
    pub gist: Gist,
    /// The stage of the path.
    pub stage: Stage,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A device received it.
    Received {
        /// Its length, bytes.
        len: usize,
    },
    /// A device sent it.
    Sent {
        /// Its length, bytes.
        len: usize,
    },
    /// A table decided.
    Decided {
        /// Which: `fdb`, `fib`, `neigh`, `arp`, `netem`, `icmp` or `socket`.
        table: &'static str,
        /// What it said, in words.
        text: String,
    },
    /// It ended here.
    Dropped {
        /// The reason's name.
        reason: DropReason,
        /// The reason in words.
        text: &'static str,
    },
}

/// How many frames ended at one place for one reason.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DropCount {
    /// Why.
    pub reason: DropReason,
    /// Where.
    pub netns: NetnsName,
    /// The device at hand.
    pub dev: Option<IfName>,
    /// How many.
    pub count: u64,
}

impl serde::Serialize for DropReason {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{self:?}"))
    }
}

impl serde::Serialize for Stage {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{self:?}"))
    }
}

/// The trace of one simulation.
#[derive(Default)]
pub(crate) struct Trace {
    on: bool,
    records: Vec<TraceRecord>,
    hash: u64,
    /// Drops counted by reason and place.
    pub(crate) drops: Drops,
}

/// What ended why and where.
type Ended = (DropReason, NsId, Ifindex);

/// How many frames ended why and where. Most end again where the last ones did, so the latest places are counted in an array
/// whose slot a namespace's number gives, and those that another drives out of it in a map.
#[derive(Default)]
pub(crate) struct Drops {
    latest: Vec<(Ended, u64)>,
    rest: hashbrown::HashMap<Ended, u64, FxBuildHasher>,
}

/// How many places are counted in the array; a power of two.
const LATEST: usize = 128;

impl Drops {
    /// Counts one more.
    #[inline(always)]
    pub(crate) fn count(&mut self, at: Ended) {
        match self.latest.get_mut(at.1.0 as usize % LATEST) {
            Some((known, count)) if *known == at => *count += 1,
            _ => self.count_elsewhere(at),
        }
    }

    #[cold]
    fn count_elsewhere(&mut self, at: Ended) {
        if self.latest.is_empty() {
            self.latest.resize(LATEST, (at, 0));
        }
        let slot = &mut self.latest[at.1.0 as usize % LATEST];
        let (before, count) = std::mem::replace(slot, (at, 1));
        if count > 0 {
            *self.rest.entry(before).or_default() += count;
        }
    }

    /// All of them, in order.
    pub(crate) fn sorted(&self) -> BTreeMap<Ended, u64> {
        let mut all = BTreeMap::new();
        for (at, count) in self.latest.iter().map(|(at, count)| (at, count)).chain(&self.rest).filter(|(_, n)| **n > 0)
        {
            *all.entry(*at).or_default() += count;
        }
        all
    }
}

impl Trace {
    /// Records from now on, or no longer.
    pub(crate) fn enable(&mut self, on: bool) {
        self.on = on;
    }

    /// Whether records are wanted.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Takes what was recorded.
    pub(crate) fn take(&mut self) -> Vec<TraceRecord> {
        std::mem::take(&mut self.records)
    }

    /// Adds a record. Only called while [`Trace::is_on`].
    #[cold]
    pub(crate) fn record(&mut self, record: TraceRecord) {
        self.records.push(record);
    }

    /// Mixes one event of a frame into the running hash: when, where, and a word of what.
    #[inline(always)]
    pub(crate) fn mix(&mut self, at: Instant, place: u64, word: u64) {
        // Only one multiplication waits for the one of the event before.
        let mixed = at.as_nanos().wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ place.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(21)
            ^ word.wrapping_mul(0x1656_67b1_9e37_79f9).rotate_left(42);
        self.hash = (self.hash.rotate_left(5) ^ mixed).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// The running hash.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}
