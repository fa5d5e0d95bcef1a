//! The way of a frame, hop by hop: by which device it came, what was decided there, by which device it left.
//!
//! Deliberately absent: what a newcomer needs explained; `sim --explain` does that.

use crate::cli::output::{BAD, FAINT, Output};
use crate::cli::trail::{Leg, Stop};
use nettwin::model::{IfName, NetnsName, Snapshot};
use serde::Serialize;
use std::io::{self, Write};

/// A stop on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Hop {
    netns: NetnsName,
    /// The device that received it; none where it was made.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    came_by: Option<Port>,
    #[serde(rename = "out", skip_serializing_if = "Vec::is_empty")]
    sent: Vec<Port>,
    decisions: Vec<Said>,
}

/// A device, and its port's state where it is a bridge's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Port {
    dev: IfName,
    #[serde(skip_serializing_if = "Option::is_none")]
    stp: Option<String>,
}

/// What a table said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Said {
    table: &'static str,
    says: String,
}

/// Each leg's hops, and how often it was gone alike; told once, where it was gone first.
pub(super) fn legs(legs: Vec<Leg>, snapshot: &Snapshot) -> Vec<(Leg, Vec<Hop>, usize)> {
    let mut told: Vec<(Leg, Vec<Hop>, usize)> = Vec::new();
    for leg in legs {
        let hops: Vec<Hop> = leg.stops.iter().map(|stop| Hop::of(stop, snapshot)).collect();
        match told.iter_mut().find(|(l, h, _)| l.says == leg.says && *h == hops) {
            Some((.., times)) => *times += 1,
            None => told.push((leg, hops, 1)),
        }
    }
    told
}

impl Hop {
    fn of(stop: &Stop, snapshot: &Snapshot) -> Self {
        let port = |dev: IfName| {
            let derived = snapshot.netns.get(&stop.netns).and_then(|s| s.derived.links.get(&dev));
            Port { dev, stp: derived.and_then(|d| d.port.as_ref()).map(|p| p.state.word().to_owned()) }
        };
        let mut decisions: Vec<Said> =
            stop.decisions.iter().map(|d| Said { table: word(d.table), says: d.words.clone() }).collect();
        if stop.again > 0 {
            decisions.push(Said { table: "again", says: format!("{} more like these: it comes again", stop.again) });
        }
        let sent = stop.sent.iter().map(|dev| port(*dev)).collect();
        Hop { netns: stop.netns.clone(), came_by: stop.came_by.map(port), sent, decisions }
    }

    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        let came = self.came_by.as_ref().map(|port| format!(" in {}", port.text())).unwrap_or_default();
        let sent: Vec<String> = self.sent.iter().map(Port::text).collect();
        let sent = if sent.is_empty() { String::new() } else { format!(" out {}", sent.join(", ")) };
        writeln!(out, "    {}:{came}{sent}", self.netns)?;
        for Said { table, says } in &self.decisions {
            let style = if *table == "drop" { BAD } else { FAINT };
            writeln!(out, "      {style}{table:8}{style:#} {says}")?;
        }
        Ok(())
    }
}

impl Port {
    fn text(&self) -> String {
        self.stp.as_ref().map_or_else(|| self.dev.to_string(), |state| format!("{} ({state})", self.dev))
    }
}

/// The table's name for people.
fn word(table: &'static str) -> &'static str {
    if table == "fib" { "route" } else { table }
}
