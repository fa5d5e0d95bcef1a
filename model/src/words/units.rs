//! Times, rates and percentages in tc's units: the one home of reading and writing them.
//!
//! Counterpart: `tc/tc_util.c`, `lib/utils_math.c` of iproute2. A bare time is microseconds, a bare rate bits per second, a
//! bare share per cent, as there. `ns` is more than tc 6.1 knows; it keeps every value printable. Deliberately absent:
//! exponents, sizes.

use super::cursor::{Word, WordsError};
use crate::impair::Share;
use std::time::Duration;

/// The longest time that tc takes: 2^32 - 1 microseconds.
pub const MAX_TIME: Duration = Duration::from_micros(u32::MAX as u64);

const TIME_REMEDY: &str = "write a time such as 10ms, 1.5s or 250us (at most 4294s)";
const RATE_REMEDY: &str = "write a rate such as 1mbit, 512kbit, 10gbit (bits) or 100kbps (bytes)";
const SHARE_REMEDY: &str = "write a percentage from 0% to 100%, such as 1% or 0.1%";

/// Reads a time: `10ms`, `1.5s`, `250us`, `100ns`; bare numbers are microseconds.
pub fn parse_time(word: Word<'_>) -> Result<Duration, WordsError> {
    let error = || word.error(format!("`{}` is not a time", word.text), TIME_REMEDY);
    let (number, unit) = split_number(word.text).ok_or_else(error)?;
    let unit_ns = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" => 1e9,
        "ms" | "msec" | "msecs" => 1e6,
        "" | "us" | "usec" | "usecs" => 1e3,
        "ns" | "nsec" | "nsecs" => 1.0,
        _ => return Err(error()),
    };
    let ns = (number * unit_ns).round();
    if ns > MAX_TIME.as_nanos() as f64 {
        return Err(word.error(format!("`{}` is too long a time", word.text), TIME_REMEDY));
    }
    // Bounded just above, and not negative: split_number takes no sign.
    Ok(Duration::from_nanos(ns as u64))
}

/// Writes a time in the greatest unit that needs no fraction.
pub fn print_time(time: Duration) -> String {
    let ns = time.as_nanos();
    for (unit_ns, unit) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1000, "us")] {
        if ns.is_multiple_of(unit_ns) {
            return format!("{}{unit}", ns / unit_ns);
        }
    }
    format!("{ns}ns")
}

/// Reads a rate, in bytes per second: `1mbit`, `100kbps` (bytes), `1Mibit` (binary); bare numbers are bits per second.
pub fn parse_rate(word: Word<'_>) -> Result<u64, WordsError> {
    let error = || word.error(format!("`{}` is not a rate", word.text), RATE_REMEDY);
    let (number, unit) = split_number(word.text).ok_or_else(error)?;
    let unit = unit.to_ascii_lowercase();
    let (scale, bits) = if unit.is_empty() {
        ("", true)
    } else if let Some(scale) = unit.strip_suffix("bit") {
        (scale, true)
    } else {
        (unit.strip_suffix("bps").ok_or_else(error)?, false)
    };
    let factor: f64 = match scale {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        "ki" => 1024.0,
        "mi" => 1_048_576.0,
        "gi" => 1_073_741_824.0,
        "ti" => 1_099_511_627_776.0,
        _ => return Err(error()),
    };
    let bytes = number * factor / if bits { 8.0 } else { 1.0 };
    if bytes < 1.0 {
        return Err(word.error(format!("`{}` is less than a byte per second", word.text), RATE_REMEDY));
    }
    if bytes > 1e15 {
        return Err(word.error(format!("`{}` is too fast", word.text), RATE_REMEDY));
    }
    // Bounded on both sides just above; the kernel takes whole bytes, rounded down.
    Ok(bytes as u64)
}

/// Writes a rate given in bytes per second, in the greatest unit of bits that needs no fraction.
pub fn print_rate(bytes_per_s: u64) -> String {
    let bits = u128::from(bytes_per_s) * 8;
    for (unit, name) in [(1_000_000_000, "gbit"), (1_000_000, "mbit"), (1000, "kbit")] {
        if bits % unit == 0 && bits > 0 {
            return format!("{}{name}", bits / unit);
        }
    }
    format!("{bits}bit")
}

/// Reads a share of all: `1%`, `0.1%`; bare numbers are per cent.
pub fn parse_share(word: Word<'_>) -> Result<Share, WordsError> {
    let error = || word.error(format!("`{}` is not a percentage", word.text), SHARE_REMEDY);
    let (number, unit) = split_number(word.text).ok_or_else(error)?;
    if !matches!(unit, "" | "%") || number > 100.0 {
        return Err(error());
    }
    Ok(share_of_percent(number))
}

/// Writes a share with as few digits as lead back to it.
pub fn print_share(share: Share) -> String {
    let percent = f64::from(share.0) * 100.0 / f64::from(u32::MAX);
    let digits = (0..12).find(|&digits| {
        let text = format!("{percent:.digits$}");
        text.parse().is_ok_and(|number| share_of_percent(number) == share)
    });
    format!("{percent:.0$}%", digits.unwrap_or(12))
}

/// `get_percent`: rounded to the nearest of 2^32 - 1 parts.
fn share_of_percent(percent: f64) -> Share {
    Share((percent / 100.0 * f64::from(u32::MAX)).round() as u32)
}

/// A decimal number and what follows it; `None` if no digit leads.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::super::cursor::Words;
    use super::*;
    use proptest::prelude::*;

    fn word(text: &str) -> Word<'_> {
        Words::new(text).next().unwrap()
    }

    #[test]
    fn times_are_read_as_tc_reads_them() {
        let time = |s| parse_time(word(s)).ok();
        assert_eq!(time("10ms"), Some(Duration::from_millis(10)));
        assert_eq!(time("1.5MS"), Some(Duration::from_micros(1500)));
        assert_eq!(time("100"), Some(Duration::from_micros(100)));
        assert_eq!(time("2sec"), Some(Duration::from_secs(2)));
        for bad in ["", "ms", "-5ms", "10m", "1..2s", "inf", "5000s", "10 ms x", ".5s"] {
            assert_eq!(Words::new(bad).next().and_then(|w| parse_time(w).ok()).is_some(), bad == "10 ms x", "{bad}");
        }
    }

    #[test]
    fn rates_are_read_as_tc_reads_them() {
        let rate = |s| parse_rate(word(s)).ok();
        assert_eq!(rate("1mbit"), Some(125_000));
        assert_eq!(rate("1.5Mbit"), Some(187_500));
        assert_eq!(rate("1000"), Some(125));
        assert_eq!(rate("1kbps"), Some(1000));
        assert_eq!(rate("1Kibit"), Some(128));
        assert_eq!(rate("1tbps"), Some(1_000_000_000_000));
        assert_eq!(rate("8bit"), Some(1));
        for bad in ["7bit", "0", "1kb", "fast", "9999tbps"] {
            assert_eq!(rate(bad), None, "{bad}");
        }
    }

    #[test]
    fn shares_print_short() {
        for text in ["1%", "0.1%", "25%", "100%", "0%", "0.3%", "33.3333%"] {
            assert_eq!(print_share(parse_share(word(text)).unwrap()), text);
        }
        assert!(parse_share(word("101%")).is_err());
        assert!(parse_share(word("1%%")).is_err());
    }

    proptest! {
        #[test]
        fn values_round_trip(ns in 0..=MAX_TIME.as_nanos() as u64, share: u32, rate in 1..1_000_000_000_000u64) {
            let time = Duration::from_nanos(ns);
            prop_assert_eq!(parse_time(word(&print_time(time))), Ok(time));
            prop_assert_eq!(parse_share(word(&print_share(Share(share)))), Ok(Share(share)));
            prop_assert_eq!(parse_rate(word(&print_rate(rate))), Ok(rate));
        }
    }
}
