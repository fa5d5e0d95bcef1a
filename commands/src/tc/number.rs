//! tc's numbers: sizes, times, rates, shares, and how they are printed.
//!
//! Counterpart: `tc/tc_util.c`, `tc/tc_core.c`. A time is whole microseconds, then whole ticks of 64 ns, cut each time as C cuts
//! them. Deliberately absent: rates as a part of a device's speed (`50%`).

use crate::number::{general, strtod_rest};
use nettwin_model::impair::Share;
use nettwin_model::words::{self, units};

/// `get_size`.
pub(super) fn size(word: &str) -> Option<u32> {
    let (number, unit) = strtod_rest(word)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1024.0,
        "m" | "mb" => 1024.0 * 1024.0,
        "g" | "gb" => 1024.0 * 1024.0 * 1024.0,
        "kbit" => 1024.0 / 8.0,
        "mbit" => 1024.0 * 1024.0 / 8.0,
        "gbit" => 1024.0 * 1024.0 * 1024.0 / 8.0,
        _ => return None,
    };
    let value = number * factor;
    // As the conversion in C cuts.
    (0.0..=f64::from(u32::MAX)).contains(&value).then_some(value as u32)
}

/// `SIZE[/CELL]`; the cell is a power of two (`get_size_and_cell`), and of no use to today's kernels.
pub(super) fn size_and_cell(word: &str) -> Option<u32> {
    let Some((bytes, cell)) = word.split_once('/') else { return size(word) };
    let cell = crate::iproute::args::integer(cell)?;
    size(bytes).filter(|_| u32::try_from(cell).is_ok_and(u32::is_power_of_two))
}

/// Microseconds (`get_time`).
pub(super) fn time(word: &str) -> Option<u32> {
    let (number, unit) = strtod_rest(word)?;
    let us = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" => 1e6,
        "ms" | "msec" | "msecs" => 1e3,
        "" | "us" | "usec" | "usecs" => 1.0,
        _ => return None,
    };
    // An unsigned of 32 bits, as C makes it of a double: by way of a long.
    Some((number * us) as i64 as u32)
}

/// Bytes per second (`get_rate64`).
pub(super) fn rate(word: &str) -> Option<u64> {
    words::Words::new(word).next().and_then(|word| units::parse_rate(word).ok())
}

/// `get_percent`.
pub(super) fn share(word: &str) -> Option<Share> {
    words::Words::new(word).next().and_then(|word| units::parse_share(word).ok())
}

/// Ticks of so many microseconds (`tc_core_time2tick`).
pub(super) fn ticks_of(us: u64) -> u64 {
    us * 125 / 8
}

/// Whole microseconds of so many ticks (`tc_core_tick2time`).
pub(super) fn us_of(ticks: u64) -> u64 {
    ticks * 8 / 125
}

/// The ticks that so many bytes take at a rate (`tc_calc_xmittime`).
pub(super) fn xmit_ticks(rate: u64, bytes: u32) -> u32 {
    let us = 1e6 * (f64::from(bytes) / rate as f64);
    // As C cuts a double to an unsigned.
    ticks_of((us as i64 as u32).into()) as u32
}

/// The bytes that go in so many ticks at a rate (`tc_calc_xmitsize`).
pub(super) fn xmit_bytes(rate: u64, ticks: u32) -> u64 {
    // As C cuts a double to an unsigned.
    u64::from((rate as f64 * us_of(ticks.into()) as f64 / 1e6) as i64 as u32)
}

/// `tc_print_rate`: the greatest unit that keeps the number whole, or four digits of it.
pub(super) fn print_rate(bytes_per_s: u64) -> String {
    let mut rate = u128::from(bytes_per_s) * 8;
    let mut units = ["", "K", "M", "G", "T"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if rate < 1000 || !rate.is_multiple_of(1000) && rate < 1_000_000 {
            break;
        }
        (rate, unit) = (rate / 1000, next);
    }
    format!("{rate}{unit}bit")
}

/// `sprint_size`: a unit where next to nothing is lost by it.
pub(super) fn print_size(bytes: u64) -> String {
    for (unit, letter, loss) in [(1u64 << 20, "Mb", 1024), (1 << 10, "Kb", 16)] {
        let rounded = (bytes as f64 / unit as f64).round_ties_even() as u64;
        if bytes >= unit && bytes.abs_diff(rounded * unit) < loss {
            return format!("{rounded}{letter}");
        }
    }
    format!("{bytes}b")
}

/// `sprint_time`: three significant digits.
pub(super) fn print_time(us: u64) -> String {
    let value = us as f64;
    match us {
        1_000_000.. => format!("{}s", general(value / 1e6, 3)),
        1000.. => format!("{}ms", general(value / 1e3, 3)),
        _ => format!("{us}us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_cut_as_tc_cuts_them() {
        assert_eq!(xmit_ticks(750_000, 1600), 33_328, "2133 us");
        assert_eq!(xmit_bytes(750_000, 33_328), 1599);
        assert_eq!(xmit_ticks(1_250_000_000, 1601), 15);
        assert_eq!(xmit_bytes(1_250_000_000, 15), 0);
        assert_eq!([3332, 3080, 1_514_000, 1_048_600].map(print_size), ["3332b", "3Kb", "1514000b", "1Mb"]);
        assert_eq!(size_and_cell("10k/8"), Some(10_240));
        assert_eq!(size_and_cell("10k/7"), None);
    }
}
