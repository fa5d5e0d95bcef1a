//! Sets of ports, as `ip_local_reserved_ports` is written: `8080,9148-9150`.
//!
//! Kernel counterpart: `proc_do_large_bitmap()` of `kernel/sysctl.c`.

use nettwin_model::{Errno, Fault};
use std::collections::BTreeSet;

/// The ranges of a text, in order and apart. Nothing at all is none.
pub(super) fn parse(text: &str) -> Result<Vec<(u16, u16)>, Fault> {
    let einval = || Fault::errno(Errno::EINVAL);
    let mut set = BTreeSet::new();
    for part in text.trim().split_terminator(',') {
        let number = |word: &str| word.trim().parse::<u16>().map_err(|_| einval());
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last {
            return Err(einval());
        }
        set.extend(first..=last);
    }
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in set {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == port => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    Ok(ranges)
}

/// The text of a set.
pub(super) fn print(ranges: &[(u16, u16)]) -> String {
    let word = |(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(word).collect::<Vec<_>>().join(",")
}
