//! What `arping` prints.
//!
//! Counterpart: `arping.c` of iputils 20221126.

use nettwin_model::probe::{Arping, ArpingOutcome, ProbeEvent};
use std::fmt::Write;
use std::net::IpAddr;

/// The first line; `source` is what [`ProbeEvent::Started`] told.
pub fn header(arping: &Arping, source: Option<IpAddr>) -> String {
    let source = source.map_or_else(|| "0.0.0.0".to_owned(), |s| s.to_string());
    format!("ARPING {} from {source} {}\n", arping.dst, arping.dev)
}

/// An answer's line; nothing for other events.
pub fn reply(event: &ProbeEvent) -> String {
    let ProbeEvent::ArpReply { from, mac, unicast, reply, rtt } = event else { return String::new() };
    let how = if *unicast { "Unicast" } else { "Broadcast" };
    let what = if *reply { "reply" } else { "request" };
    let us = rtt.as_micros();
    format!("{how} {what} from {from} [{}]  {}.{:03}ms\n", mac.to_string().to_uppercase(), us / 1000, us % 1000)
}

/// The last two lines.
pub fn trailer(outcome: &ArpingOutcome) -> String {
    let mut out = format!("Sent {} probes ({} broadcast(s))\n", outcome.sent, outcome.broadcasts);
    let _ = writeln!(out, "Received {} response(s)", outcome.received);
    out
}
