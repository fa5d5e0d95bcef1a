//! The time of day of a machine.
//!
//! Counterpart: `gettimeofday(2)`. Every machine was born at the same moment, so that the same run gives the same text.
//! Deliberately absent: time zones (the day is that of Greenwich), and the wall's clock.

use nettwin_model::Instant;
use std::time::Duration;

/// The time since 1970 began.
pub fn wall(now: Instant) -> Duration {
    Duration::from_secs(BIRTH) + now.since(Instant::ZERO)
}

/// 2024-01-01 00:00:00.
const BIRTH: u64 = 1_704_067_200;

/// Year, month and day of a time since 1970 (the days of a year that begins with March).
pub(crate) fn date(time: Duration) -> (u64, u64, u64) {
    let days = time.as_secs() / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// The day of the week, its first three letters, and the month's.
pub(crate) fn names(time: Duration) -> (&'static str, &'static str) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, month, _) = date(time);
    let day = usize::try_from(time.as_secs() / 86_400 % 7).unwrap_or_default();
    (DAYS[day], MONTHS.get(usize::try_from(month).unwrap_or_default().wrapping_sub(1)).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_right() {
        let check = |secs, expect| assert_eq!(date(Duration::from_secs(secs)), expect);
        check(0, (1970, 1, 1));
        check(951_782_400, (2000, 2, 29));
        check(1_704_067_199, (2023, 12, 31));
        check(1_704_067_200, (2024, 1, 1));
        check(1_709_251_200, (2024, 3, 1));
    }
}
