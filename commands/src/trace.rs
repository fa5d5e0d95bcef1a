//! What `traceroute -n -q 1` prints.
//!
//! Counterpart: traceroute 2.1.2. Deliberately absent: names, several probes a hop, methods other than UDP.

use nettwin_model::probe::{Hop, IcmpError, Trace};
use std::time::Duration;

/// The first line.
pub fn header(trace: &Trace) -> String {
    format!("traceroute to {0} ({0}), {1} hops max, {2} byte packets\n", trace.dst, trace.max_hops, trace.packet_len)
}

/// A hop's line.
pub fn hop(hop: &Hop) -> String {
    match &hop.answer {
        None => format!("{:2}  *\n", hop.ttl),
        Some((from, error, time)) => {
            let mark = mark(*error);
            format!("{:2}  {from}  {} ms{mark}\n", hop.ttl, ms(*time))
        }
    }
}

/// What stands behind the time of an answer that tells of more than an expired TTL or a closed port.
pub(crate) fn mark(error: IcmpError) -> String {
    match (error.kind, error.code) {
        (11 | 0, _) | (3, 3) => String::new(),
        (3, 0 | 6) => " !N".into(),
        (3, 1 | 7) => " !H".into(),
        (3, 2) => " !P".into(),
        (3, 4) => format!(" !F-{}", error.info),
        (3, 5) => " !S".into(),
        (3, 9 | 10 | 13) => " !X".into(),
        (3, 14) => " !V".into(),
        (3, 15) => " !C".into(),
        (3, code) => format!(" !<{code}>"),
        (kind, code) => format!(" !<{kind}-{code}>"),
    }
}

/// Milliseconds, with three digits behind the point.
pub(crate) fn ms(time: Duration) -> String {
    let us = time.as_micros();
    format!("{}.{:03}", us / 1000, us % 1000)
}
