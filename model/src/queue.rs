//! Queueing disciplines, their classes and filters, as `tc` says them to the kernel and as a machine shows them.
//!
//! Kernel counterpart: `struct tcmsg`, `linux/pkt_sched.h`, `linux/pkt_cls.h`, `net/sched/sch_api.c`. One [`QueueChange`] is
//! one `RTM_*QDISC`, `RTM_*TCLASS` or `RTM_*TFILTER` message. Deliberately absent: ingress, chains, actions, offloads, size
//! tables, estimators, and the kinds that [`QdiscOptions`] has no word for.

use crate::impair::Impairment;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `MAJOR:MINOR` of a qdisc (minor 0) or a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Handle(pub u32);

impl Handle {
    /// Nothing is said (`TC_H_UNSPEC`).
    pub const NONE: Handle = Handle(0);
    /// The parent of what stands at a device's root (`TC_H_ROOT`).
    pub const ROOT: Handle = Handle(u32::MAX);

    /// Of its two halves.
    pub const fn new(major: u16, minor: u16) -> Self {
        Handle((major as u32) << 16 | minor as u32)
    }

    /// The qdisc's number.
    pub const fn major(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The class's number within it.
    pub const fn minor(self) -> u16 {
        self.0 as u16
    }

    /// The qdisc that this is, or that this is a class of.
    pub const fn qdisc(self) -> Handle {
        Handle(self.0 & 0xffff_0000)
    }
}

impl fmt::Display for Handle {
    /// As `tc` prints it (`print_tc_classid`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Handle::ROOT => f.write_str("root"),
            Handle::NONE => f.write_str("none"),
            h if h.major() == 0 => write!(f, ":{:x}", h.minor()),
            h if h.minor() == 0 => write!(f, "{:x}:", h.major()),
            h => write!(f, "{:x}:{:x}", h.major(), h.minor()),
        }
    }
}

/// What is to happen with what is there, or is not (`NLM_F_CREATE`, `NLM_F_EXCL`, `NLM_F_REPLACE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueVerb {
    /// Make it; it must not be there.
    Add,
    /// Change it; it must be there.
    Change,
    /// Make it, or change what is there.
    Replace,
    /// Remove it.
    Delete,
}

impl QueueVerb {
    /// `tc`'s word.
    pub fn word(self) -> &'static str {
        match self {
            QueueVerb::Add => "add",
            QueueVerb::Change => "change",
            QueueVerb::Replace => "replace",
            QueueVerb::Delete => "del",
        }
    }
}

/// One change of a device's queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueChange {
    /// Of a queueing discipline.
    Qdisc(QdiscRequest),
    /// Of a class.
    Class(ClassRequest),
    /// Of a filter.
    Filter(FilterRequest),
}

/// `RTM_NEWQDISC` or `RTM_DELQDISC`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QdiscRequest {
    /// What is to happen.
    pub verb: QueueVerb,
    /// Where it hangs; [`Handle::NONE`] if that is not said.
    pub parent: Handle,
    /// Its number; [`Handle::NONE`] for the next free one.
    pub handle: Handle,
    /// `TCA_KIND`.
    pub kind: Option<String>,
    /// `TCA_OPTIONS`.
    pub options: Option<QdiscOptions>,
}

/// What a kind of qdisc is told, or shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QdiscOptions {
    /// `pfifo`, `bfifo`, `pfifo_head_drop`: how many frames or bytes wait at most.
    Fifo {
        /// Frames or bytes.
        limit: u32,
    },
    /// `prio`, `pfifo_fast`.
    Prio(Prio),
    /// `tbf`.
    Tbf(Tbf),
    /// `htb`.
    Htb(Htb),
    /// `netem`.
    Netem(Box<Impairment>),
}

/// Bands, and which one a priority goes to (`struct tc_prio_qopt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prio {
    /// How many there are.
    pub bands: u32,
    /// The band of each of the sixteen priorities.
    pub map: [u8; 16],
}

impl Default for Prio {
    fn default() -> Self {
        Prio { bands: 3, map: [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] }
    }
}

/// A rate and what it reckons besides a frame's own bytes (`struct tc_ratespec`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Bytes per second.
    pub bps: u64,
    /// Bytes that a frame takes at least.
    pub mpu: u16,
    /// Bytes that each takes more.
    pub overhead: u16,
    /// The frame goes in ATM cells (`linklayer atm`).
    pub atm: bool,
}

/// The token bucket filter (`struct tc_tbf_qopt`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tbf {
    /// The rate.
    pub rate: Rate,
    /// How long the bucket takes to fill, ticks of 64 ns.
    pub buffer_ticks: u32,
    /// How many bytes the bucket holds. Told only, not shown.
    pub burst: Option<u32>,
    /// The rate that frames leave at while there are tokens.
    pub peak: Option<Rate>,
    /// How long the second bucket takes to fill, ticks of 64 ns.
    pub mtu_ticks: u32,
    /// How many bytes the second bucket holds. Told only.
    pub mtu: Option<u32>,
    /// Bytes that wait at most.
    pub limit: u32,
}

/// The hierarchical token bucket (`struct tc_htb_glob`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Htb {
    /// The class of what no filter sends elsewhere.
    pub default: u32,
    /// A class's quantum is its rate divided by this.
    pub r2q: u32,
    /// How many frames wait that go past all classes; the device's `txqueuelen` if that is not said.
    pub direct_qlen: Option<u32>,
    /// How many frames went past all classes. Shown only.
    pub direct_packets: u32,
}

/// `RTM_NEWTCLASS` or `RTM_DELTCLASS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRequest {
    /// What is to happen.
    pub verb: QueueVerb,
    /// The class or qdisc above; [`Handle::NONE`] if that is not said.
    pub parent: Handle,
    /// Its number.
    pub classid: Handle,
    /// `TCA_KIND`.
    pub kind: Option<String>,
    /// `TCA_OPTIONS`.
    pub options: Option<HtbClass>,
}

/// A class of an htb (`struct tc_htb_opt`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HtbClass {
    /// What it gets.
    pub rate: Rate,
    /// What it gets at most, by borrowing.
    pub ceil: Rate,
    /// How long the rate's bucket takes to fill, ticks of 64 ns.
    pub buffer_ticks: u32,
    /// The same of the ceiling's.
    pub cbuffer_ticks: u32,
    /// Bytes that it sends in its turn; 0: by its rate.
    pub quantum: u32,
    /// Its priority, 0 the highest.
    pub prio: u32,
    /// Its level, 0 for a leaf. Shown only.
    pub level: u32,
}

/// `RTM_NEWTFILTER` or `RTM_DELTFILTER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRequest {
    /// What is to happen.
    pub verb: QueueVerb,
    /// The qdisc or class whose frames it sorts; [`Handle::NONE`] for the root.
    pub parent: Handle,
    /// Its number within its kind.
    pub handle: u32,
    /// Its place in the order; 0 for one that the machine chooses.
    pub prio: u16,
    /// The EtherType that it looks at; 0 if that is not said.
    pub protocol: u16,
    /// `TCA_KIND`.
    pub kind: Option<String>,
    /// `TCA_OPTIONS`.
    pub options: Option<FilterOptions>,
}

/// What a kind of filter is told, or shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterOptions {
    /// `u32`: words at places of the packet.
    U32 {
        /// Where it goes.
        classid: Handle,
        /// All of which must agree.
        keys: Vec<U32Key>,
    },
    /// `fw`: the packet's mark is the filter's number.
    Fw {
        /// Where it goes.
        classid: Handle,
        /// Which bits of the mark count.
        mask: Option<u32>,
    },
    /// `matchall`.
    Matchall {
        /// Where it goes.
        classid: Handle,
    },
}

/// A word of a packet (`struct tc_u32_key`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct U32Key {
    /// What it must be.
    pub value: u32,
    /// Which bits count.
    pub mask: u32,
    /// Where it is, bytes from the packet's network header.
    pub at: i32,
    /// That place is counted from behind the network header.
    pub behind: bool,
}

/// What a qdisc or a class has counted (`struct gnet_stats_basic`, `struct gnet_stats_queue`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Bytes sent on.
    pub bytes: u64,
    /// Frames sent on.
    pub packets: u64,
    /// Frames lost here.
    pub dropped: u64,
    /// How often it had to hold back.
    pub overlimits: u64,
    /// How often a frame was put back.
    pub requeues: u64,
    /// Bytes waiting.
    pub backlog_bytes: u64,
    /// Frames waiting.
    pub backlog_packets: u64,
}

/// The queues of a device, as a machine shows them: nothing where it has only what every device has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues {
    /// The disciplines, the root's first.
    pub qdiscs: Vec<QdiscRow>,
    /// The classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassRow>,
    /// The filters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterRow>,
}

impl Queues {
    /// The discipline at the root.
    pub fn root(&self) -> Option<&QdiscRow> {
        self.qdiscs.iter().find(|row| row.parent == Handle::ROOT)
    }

    /// The impairment, if that is what is at the root.
    pub fn impairment(&self) -> Option<&Impairment> {
        match &self.root()?.options {
            Some(QdiscOptions::Netem(impairment)) => Some(impairment),
            _ => None,
        }
    }
}

/// A qdisc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QdiscRow {
    /// Its number. Who does not name one gets 0x8001, 0x8002, … in the order of a whole machine.
    pub handle: Handle,
    /// Where it hangs.
    pub parent: Handle,
    /// What it is.
    pub kind: String,
    /// What it shows.
    pub options: Option<QdiscOptions>,
    /// What it has counted.
    pub counters: Counters,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRow {
    /// Its number.
    pub classid: Handle,
    /// What is above it.
    pub parent: Handle,
    /// The kind of its qdisc.
    pub kind: String,
    /// The qdisc that its frames wait in, if that has a number.
    pub leaf: Handle,
    /// What it was told, where it can be told something.
    pub options: Option<HtbClass>,
    /// What it has counted, where it counts.
    pub counters: Option<Counters>,
    /// What only its kind counts.
    pub more: Option<HtbCounters>,
}

/// What a class of an htb counts besides (`struct tc_htb_xstats`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HtbCounters {
    /// Frames sent by its own rate or lent to those below.
    pub lends: u32,
    /// Frames sent by the rate of one above.
    pub borrows: u32,
    /// Frames larger than the rate's table; newer kernels keep none.
    pub giants: u32,
    /// What is in the rate's bucket, ticks of 64 ns.
    pub tokens: i32,
    /// What is in the ceiling's.
    pub ctokens: i32,
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRow {
    /// The qdisc or class whose frames it sorts.
    pub parent: Handle,
    /// Its place in the order.
    pub prio: u16,
    /// The EtherType that it looks at.
    pub protocol: u16,
    /// What it is.
    pub kind: String,
    /// Its number within its kind; 0 for the row that stands for all of one place.
    pub handle: u32,
    /// What it shows.
    pub options: Option<FilterOptions>,
}

/// Nanoseconds of a tick (`PSCHED_SHIFT`).
pub const TICK_NS: u64 = 64;

/// How long a frame of a length takes at a rate, by the kernel's integers (`struct psched_ratecfg`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateTime {
    rate: Rate,
    mult: u64,
    shift: u32,
}

impl RateTime {
    /// `psched_ratecfg_precompute`.
    pub fn new(rate: Rate) -> Self {
        let (mut factor, mut mult, mut shift) = (1_000_000_000u64, 1u64, 0);
        while let Some(exact) = factor.checked_div(rate.bps) {
            // A multiplier of 32 bits; the kernel cuts it, which only a rate below one byte per second would show.
            mult = exact & u64::from(u32::MAX);
            if mult & (1 << 31) != 0 || factor & (1 << 63) != 0 {
                break;
            }
            factor <<= 1;
            shift += 1;
        }
        RateTime { rate, mult, shift }
    }

    /// Nanoseconds that so many bytes take (`psched_l2t_ns`).
    pub fn ns(&self, len: u32) -> u64 {
        let mut len = len.wrapping_add(self.rate.overhead.into()).max(self.rate.mpu.into());
        if self.rate.atm {
            len = len.div_ceil(48).wrapping_mul(53);
        }
        u64::from(len).wrapping_mul(self.mult) >> self.shift
    }

    /// Bytes that go in so many nanoseconds (`psched_ns_t2l`).
    pub fn bytes(&self, ns: u64) -> u64 {
        let mut len = (ns << self.shift).wrapping_add(self.mult.saturating_sub(1)) / self.mult.max(1);
        if self.rate.atm {
            len = len / 53 * 48;
        }
        len.saturating_sub(self.rate.overhead.into())
    }

    /// Bytes per second.
    pub fn bps(&self) -> u64 {
        self.rate.bps
    }

    /// What it was made of.
    pub fn rate(&self) -> Rate {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_print_as_tc_has_them() {
        let text = |h: Handle| h.to_string();
        let all = [Handle::new(1, 0), Handle::new(0x10, 0x1f), Handle::new(0, 3), Handle::ROOT, Handle::NONE];
        assert_eq!(all.map(text), ["1:", "10:1f", ":3", "root", "none"]);
        assert_eq!(Handle::new(7, 9).qdisc(), Handle::new(7, 0));
    }

    #[test]
    fn a_frames_time_is_its_bits_by_the_rate() {
        let at = |bps| RateTime::new(Rate { bps, ..Rate::default() });
        assert_eq!(at(125_000).ns(1500), 12_000_000);
        assert_eq!(at(125_000_000).ns(1500), 12_000);
        assert_eq!(at(125_000).bytes(12_000_000), 1500);
        let cells = RateTime::new(Rate { bps: 1000, atm: true, overhead: 4, mpu: 0 });
        assert_eq!(cells.ns(44), 53_000_000);
        assert_eq!(RateTime::new(Rate { bps: 1000, mpu: 64, ..Rate::default() }).ns(10), 64_000_000);
        assert_eq!(RateTime::new(Rate::default()).ns(1500), 1500, "no rate multiplies by one");
    }
}
