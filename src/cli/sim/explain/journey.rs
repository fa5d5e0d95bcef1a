//! The journeys of frames, told from the trace: who decided what about each, in order, and nothing twice.
//!
//! In a leg of a [`trail`](crate::cli::trail) each namespace has a line. What a namespace decided before it does not say
//! again, and a leg of which everything was told before is only counted. Deliberately absent: times within an instant.

use crate::cli::output::count;
use crate::cli::sim::report::clock;
use crate::cli::trail::{Leg, Legs, Names, Stop};
use nettwin::model::{IfName, Instant, NetnsName};
use nettwin::sim::TraceRecord;
use std::collections::BTreeSet;

/// The journeys of one section, and what was told in all before.
#[derive(Default)]
pub(super) struct Journeys {
    /// What was decided where.
    told: BTreeSet<(NetnsName, String)>,
    /// Which frames were told of.
    headings: BTreeSet<String>,
    begin: Instant,
    /// The time told last.
    clock: String,
    legs: Legs,
    lines: Vec<String>,
    repeated: usize,
}

impl Journeys {
    /// A new section begins.
    pub(super) fn begin(&mut self, at: Instant) {
        self.begin = at;
        self.clock = clock(std::time::Duration::ZERO);
        self.legs.clear();
        self.lines.clear();
        self.repeated = 0;
    }

    /// Takes in what happened to a frame.
    pub(super) fn record(&mut self, record: &TraceRecord, names: &Names) {
        let over = self.legs.record(record, names);
        over.iter().for_each(|leg| self.tell(leg));
    }

    /// A line between the journeys.
    pub(super) fn note(&mut self, line: String) {
        self.settle();
        self.lines.push(line);
    }

    /// Tells all there is.
    pub(super) fn settle(&mut self) {
        self.legs.settle().iter().for_each(|leg| self.tell(leg));
    }

    /// The section's lines.
    pub(super) fn end(&mut self) -> Vec<String> {
        self.settle();
        if self.repeated > 0 {
            let frames = count(self.repeated, "more frame");
            self.lines.push(format!("  ... and {frames} as told above"));
        }
        std::mem::take(&mut self.lines)
    }

    fn tell(&mut self, leg: &Leg) {
        let news: Vec<bool> = leg.stops.iter().map(|stop| self.is_news(stop)).collect();
        let known = !self.headings.insert(leg.says.clone());
        if known && !news.contains(&true) {
            self.repeated += 1;
            return;
        }
        let now = clock(leg.began.since(self.begin));
        let when = if now == self.clock { String::new() } else { format!("   (after {now})") };
        self.clock = now;
        self.lines.push(format!("  {}{when}", leg.says));
        let mut stops: Vec<(String, Vec<String>)> = Vec::new();
        for (stop, new) in leg.stops.iter().zip(news) {
            let lines = lines(stop);
            match stops.last_mut() {
                _ if lines.is_empty() => {}
                _ if new => stops.push((stop.netns.to_string(), lines)),
                // What was told before is not told again: neighbours that only repeat themselves share a line.
                Some((names, lines)) if lines[0] == AS_BEFORE => *names += &format!(", {}", stop.netns),
                _ => stops.push((stop.netns.to_string(), vec![AS_BEFORE.to_owned()])),
            }
        }
        let told = stops.iter().filter(|(_, lines)| lines[0] != AS_BEFORE);
        let width = told.map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, lines) in &stops {
            let mut name = name.as_str();
            for line in lines {
                self.lines.push(format!("    {name:width$}  {line}"));
                name = "";
            }
        }
    }

    /// Whether a stop says anything that was not said before.
    fn is_news(&mut self, stop: &Stop) -> bool {
        let words: Vec<String> = match stop.decisions.as_slice() {
            [] => lines(stop),
            decisions => decisions.iter().map(|d| d.compared.clone()).collect(),
        };
        // All of them are told now, not only up to the first that is new.
        let new = words.into_iter().filter(|word| self.told.insert((stop.netns.clone(), word.clone())));
        new.count() > 0
    }
}

/// What was decided, on one line if it fits.
fn lines(stop: &Stop) -> Vec<String> {
    let mut words: Vec<String> = stop.decisions.iter().map(|d| d.words.clone()).collect();
    if !stop.sent.is_empty() && (words.is_empty() || stop.floods) {
        let sent: Vec<&str> = stop.sent.iter().map(IfName::as_str).collect();
        words.push(format!("sent by {}", sent.join(", ")));
    }
    if stop.again > 0 {
        words.push(format!("and {} the like, as the frame comes again", count(stop.again, "decision")));
    }
    let long = words.iter().map(|w| w.chars().count() + 2).sum::<usize>() > WIDTH;
    if long || words.is_empty() { words } else { vec![words.join("; ")] }
}

/// For who decides what was told before.
const AS_BEFORE: &str = "as before";
/// What is longer than this goes on several lines.
const WIDTH: usize = 90;
