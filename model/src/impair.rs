//! Impairments of a link's direction, in netem's terms. Their words (tc's) are in [`crate::words`].
//!
//! Kernel counterpart: `net/sched/sch_netem.c`, `linux/pkt_sched.h`. One value is one root qdisc on the sending end.
//! Deliberately absent (so far): distributions other than uniform, Gilbert-Elliott loss, slots, ECN, tbf.

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

/// What happens to frames on their way out of one interface (`tc qdisc … netem`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Impairment {
    /// Fixed delay.
    pub delay: Duration,
    /// Jitter around the delay, uniform in ±jitter.
    pub jitter: Duration,
    /// Correlation of successive jitters.
    pub delay_correlation: Share,
    /// Independent loss.
    pub loss: Chance,
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
    /// Queue limit in packets; the kernel's default is 1000.
    pub limit: Option<u32>,
    /// The seed of the generator (`TCA_NETEM_PRNG_SEED`, kernels from 6.8 on).
    pub seed: Option<u64>,
}
