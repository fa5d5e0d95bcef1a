//! The time of day of a machine.
//!
//! Counterpart: `gettimeofday(2)`. Every machine was born at the same moment, so that the same run gives the same text.
//! Deliberately absent: time zones (the day is that of Greenwich), and the wall's clock.

use nettwin_model::Instant;
use std::time::Duration;

/// The time since 1970 began.
pub(crate) fn wall(now: Instant) -> Duration {
    Duration::from_secs(BIRTH) + now.since(Instant::ZERO)
}

/// 2024-01-01 00:00:00.
const BIRTH: u64 = 1_704_067_200;
