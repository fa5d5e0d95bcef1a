//! Impairments of a link's direction, in netem's terms. Their words (tc's) are in [`crate::words`].
//!
//! Kernel counterpart: `net/sched/sch_netem.c`, `linux/pkt_sched.h`. One value is one root qdisc on the sending end.
//! Deliberately absent: distributions of one's own, ECN's other half (the senders that heed it).

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Parts per 2^32, as netem stores probabilities and correlations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Share(pub u32);

/// A probability with its correlation to the previous draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chance {
    /// How likely.
    pub share: Share,
    /// How much it leans on the draw before.
    pub correlation: Share,
}

/// What a frame takes of the rate besides its own bytes (`struct tc_netem_rate`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Overhead {
    /// Bytes more, or fewer, for each frame.
    pub packet: i32,
    /// The frame goes in whole cells of so many bytes; 0 means as it is.
    pub cell: u32,
    /// Bytes more, or fewer, for each cell.
    pub per_cell: i32,
}

impl Overhead {
    /// Nothing is reckoned besides.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What a frame of so many bytes takes (`packet_time_ns`, before it is divided by the rate).
    pub fn taken(&self, len: u64) -> u64 {
        let len = len.wrapping_add_signed(self.packet.into());
        if self.cell == 0 {
            return len;
        }
        // The kernel divides the low 32 bits and multiplies in as many.
        let whole = len as u32 / self.cell;
        let cells = if len > whole.wrapping_mul(self.cell).into() { whole.wrapping_add(1) } else { whole };
        cells.wrapping_mul(self.cell.wrapping_add_signed(self.per_cell)).into()
    }
}

/// Loss that has a memory (`TCA_NETEM_LOSS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bursts {
    /// Four states, lost alone and in bursts, and the chances to go from one to another (`loss state`).
    States {
        /// From good to a burst's losses.
        p13: Share,
        /// Back from them.
        p31: Share,
        /// From a burst's losses to what gets through in a burst.
        p32: Share,
        /// Back from it.
        p23: Share,
        /// From good to a loss alone.
        p14: Share,
    },
    /// Gilbert's and Elliott's two states (`loss gemodel`).
    GilbertElliott {
        /// From good to bad.
        p: Share,
        /// From bad to good.
        r: Share,
        /// What gets through in the bad state.
        h: Share,
        /// What is lost in the good state.
        k1: Share,
    },
}

impl Bursts {
    /// Of p13: what is not said follows from it, as tc has it.
    pub fn states(p13: Share) -> Self {
        Bursts::States { p13, p31: Share(u32::MAX - p13.0), p32: Share(0), p23: Share(u32::MAX), p14: Share(0) }
    }

    /// Of p: what is not said follows from it, as tc has it.
    pub fn gilbert_elliott(p: Share) -> Self {
        Bursts::GilbertElliott { p, r: Share(u32::MAX - p.0), h: Share(0), k1: Share(0) }
    }
}

/// How jitter is spread, where that is not evenly (see [`crate::distribution`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// The normal distribution; the jitter is its standard deviation.
    Normal,
    /// Pareto's.
    Pareto,
    /// A quarter of the one and three of the other.
    #[serde(rename = "paretonormal")]
    ParetoNormal,
}

impl Distribution {
    /// All of them, with their names.
    pub const NAMED: [(&str, Distribution); 3] = [
        ("normal", Distribution::Normal),
        ("pareto", Distribution::Pareto),
        ("paretonormal", Distribution::ParetoNormal),
    ];

    /// The one of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(n, _)| *n == name).map(|(_, d)| d)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMED.into_iter().find(|(_, d)| *d == self).map_or("", |(n, _)| n)
    }
}

/// Frames leave in bursts (`struct tc_netem_slot`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The least time from one burst to the next, nanoseconds.
    pub min_ns: u64,
    /// The greatest.
    pub max_ns: u64,
    /// Instead of those: the time and its jitter, nanoseconds.
    pub spread_ns: Option<(u64, u64)>,
    /// How that is spread. Told only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// Frames of a burst at most; 0 for any number.
    pub packets: u32,
    /// Bytes of a burst at most; 0 for any number.
    pub bytes: u32,
}

/// What happens to frames on their way out of one interface (`tc qdisc … netem`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Impairment {
    /// Fixed delay.
    pub delay: Duration,
    /// Jitter around the delay, uniform in ±jitter or as its distribution has it.
    pub jitter: Duration,
    /// Correlation of successive jitters.
    pub delay_correlation: Share,
    /// How jitter is spread; evenly if that is not said. The kernel does not show it, and has no word for taking it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// Independent loss.
    pub loss: Chance,
    /// Loss in bursts, instead of the independent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bursts: Option<Bursts>,
    /// Duplication.
    pub duplicate: Chance,
    /// Corruption of one bit.
    pub corrupt: Chance,
    /// Reordering: such frames are sent at once, without the delay.
    pub reorder: Chance,
    /// Every how many-th frame is a candidate for reordering; 0 or 1 means each.
    pub gap: u32,
    /// Rate in bytes per second; 0 means unlimited.
    pub rate_bps: u64,
    /// What the rate reckons besides a frame's own bytes.
    #[serde(default, skip_serializing_if = "Overhead::is_none")]
    pub overhead: Overhead,
    /// What would be lost is marked instead, where it may be (`INET_ECN_set_ce`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ecn: bool,
    /// Frames leave in bursts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Queue limit in packets; the kernel's default is 1000.
    pub limit: Option<u32>,
    /// The seed of the generator (`TCA_NETEM_PRNG_SEED`, kernels from 6.8 on).
    pub seed: Option<u64>,
}
