//! What is random by nature, taken out of what was said.
//!
//! The list: MAC addresses (and bridge identifiers of them) that no line of the case writes; the order of lines of a
//! command marked `~`; the ages of `ip -s neigh`; how many queues a link has, which is how many processors there are;
//! round-trip times and the time of day, identifiers of packets, ephemeral ports, and how many milliseconds a ping lasted;
//! the qdisc handles that a whole machine gives out in turn; the timers of `brctl showstp` and the ages in `brctl showmacs`.

use crate::script::{Case, Entry};

/// Takes it out of a case's entries.
pub(crate) fn all(case: &Case, entries: Vec<Entry>) -> Vec<Entry> {
    let typed: String = case.lines.iter().map(|l| l.text.to_lowercase() + "\n").collect();
    let mut given = Vec::new();
    let mut tidy = |entry: Entry, unordered: bool| {
        let mut out = handles(&macs(&entry.out, &typed), &mut given);
        if unordered {
            let mut lines: Vec<&str> = out.split_inclusive('\n').collect();
            lines.sort_unstable();
            out = lines.concat();
        }
        Entry { out: timers(&times(&queues(&ages(&out)))), err: times(&macs(&entry.err, &typed)), ..entry }
    };
    entries.into_iter().zip(&case.lines).map(|(entry, line)| tidy(entry, line.unordered)).collect()
}

/// MAC addresses that nobody typed become `MAC`.
fn macs(text: &str, typed: &str) -> String {
    const LEN: usize = 17;
    let bytes = text.as_bytes();
    let is_mac = |at: usize| {
        bytes.len() >= at + LEN
            && (0..LEN).all(|i| if i % 3 == 2 { bytes[at + i] == b':' } else { bytes[at + i].is_ascii_hexdigit() })
    };
    let fixed = |mac: &str| {
        mac == "00:00:00:00:00:00"
            || mac == "ff:ff:ff:ff:ff:ff"
            || mac.starts_with("01:")
            || mac.starts_with("33:33:")
            || typed.contains(mac)
    };
    let (mut out, mut at) = (String::new(), 0);
    while at < bytes.len() {
        if is_mac(at) && !fixed(&text[at..at + LEN]) {
            out.push_str("MAC");
            at += LEN;
        } else {
            let c = text[at..].chars().next().expect("a character's beginning");
            out.push(c);
            at += c.len_utf8();
        }
    }
    out
}

/// What `ping`, `arping` and `tcpdump` say of time and of what a kernel draws.
fn times(text: &str) -> String {
    let plain: &dyn Fn(char) -> bool = &|c| c.is_ascii_digit() || c == '.';
    let many: &dyn Fn(char) -> bool = &|c| c.is_ascii_digit() || matches!(c, '.' | '/');
    let mut out = text.to_owned();
    for (before, is_part, behind) in [
        (" time=", plain, " ms"),
        (", time ", plain, "ms\n"),
        ("min/avg/max/mdev = ", many, " ms"),
        ("min/avg/ewma/max = ", many, " ms"),
        ("ipg/ewma ", many, " ms"),
        ("]  ", plain, "ms\n"),
        (", id ", plain, ", "),
    ] {
        let mut parts = out.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        out = parts.fold(first, |sum, part| {
            let rest = part.trim_start_matches(is_part);
            let is_time = rest.len() < part.len() && rest.starts_with(behind);
            sum + before + if is_time { "T" } else { "" } + if is_time { rest } else { part }
        });
    }
    out.split_inclusive('\n').map(clockless).collect()
}

/// A line without the time of day that it begins with.
fn clockless(line: &str) -> String {
    const LEN: usize = "00:00:00.000000 ".len();
    let is_clock = |head: &[u8]| {
        head.iter().enumerate().all(|(i, b)| match i {
            2 | 5 => *b == b':',
            8 => *b == b'.',
            15 => *b == b' ',
            _ => b.is_ascii_digit(),
        })
    };
    match line.as_bytes().get(..LEN) {
        Some(head) if is_clock(head) => format!("T {}", &line[LEN..]),
        _ => line.to_owned(),
    }
}

/// The number after `numtxqueues` and its like, and when a bridge next sweeps its table.
fn queues(text: &str) -> String {
    let mut out = text.to_owned();
    let queues = ["numtxqueues ", "numrxqueues ", "\"num_tx_queues\": ", "\"num_rx_queues\": "];
    for key in queues.into_iter().chain(["gc_timer ", "\"gc_timer\": "]) {
        let parts: Vec<&str> = out.split(key).collect();
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let rest = parts[1..].iter().map(|part| format!("{key}N{}", part.trim_start().trim_start_matches(is_number)));
        out = std::iter::once(parts[0].to_owned()).chain(rest).collect();
    }
    out
}

/// Qdisc handles from 8001 on become `AUTO1:` and so on, in the order in which a case meets them.
fn handles(text: &str, given: &mut Vec<String>) -> String {
    let mut out = String::new();
    // In JSON it follows a key; there it is put as in text.
    let text = text.replace("\"kind\":\"netem\",\"handle\":\"", "json netem ").replace("\"handle\": \"", "json netem ");
    for (i, part) in text.split("netem 8").enumerate() {
        let digits = part.find(|c: char| !c.is_ascii_hexdigit()).filter(|&at| at == 3 && part[at..].starts_with(':'));
        match digits {
            _ if i == 0 => out += part,
            None => out += &format!("netem 8{part}"),
            Some(at) => {
                let handle = &part[..at];
                let n = given.iter().position(|seen| seen == handle).unwrap_or_else(|| {
                    given.push(handle.to_owned());
                    given.len() - 1
                });
                out += &format!("netem AUTO{}{}", n + 1, &part[at..]);
            }
        }
    }
    out
}

/// `brctl showstp`'s timers, and the ages that end `brctl showmacs`'s lines.
fn timers(text: &str) -> String {
    let is_time = |field: &str| {
        let parts = field.trim().split_once('.');
        parts.is_some_and(|(s, cs)| s.parse::<u32>().is_ok() && cs.len() == 2 && cs.parse::<u32>().is_ok())
    };
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let has_age = line.contains("\tyes\t") || line.contains("\tno\t");
        let mut after_timer = false;
        let fields: Vec<&str> = line.split('\t').collect();
        for (i, field) in fields.iter().enumerate() {
            out += if i == 0 { "" } else { "\t" };
            match (after_timer || has_age) && is_time(field) {
                true => out += if field.ends_with('\n') { "TIME\n" } else { "TIME" },
                false => out += field,
            }
            // Empty fields only move what follows along.
            after_timer = field.trim_end().ends_with("timer") || after_timer && field.is_empty();
        }
    }
    out
}

/// `used 3/3/3` says how many seconds ago.
fn ages(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once(" used ") {
            Some((before, after)) => {
                let end = after.find(|c: char| !c.is_ascii_digit() && c != '/').unwrap_or(after.len());
                out += &format!("{before} used N/N/N{}", &after[end..]);
            }
            None => out += line,
        }
    }
    out
}
