//! The journeys of frames, told from the trace: who decided what about each, in order, and nothing twice.
//!
//! A journey is told in legs: a frame from where it is made to where it ends, waits, or becomes an answer. In a leg each
//! namespace has a line. What a namespace decided before it does not say again, and a leg of which everything was told
//! before is only counted. Deliberately absent: times within an instant; what the simulator did not trace.

use super::Names;
use crate::cli::output::count;
use crate::cli::sim::report::clock;
use nettwin::model::{IfName, Instant, NetnsName};
use nettwin::sim::{TraceRecord, What};
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
    legs: Vec<Leg>,
    lines: Vec<String>,
    repeated: usize,
}

/// A part of a frame's journey.
struct Leg {
    frame: u64,
    began: Instant,
    /// The last that was heard of it.
    at: Instant,
    says: String,
    /// The frame waits for an answer: what comes then is another leg.
    closed: bool,
    /// netem has it.
    held: bool,
    stops: Vec<Stop>,
}

/// What happened to it in one namespace.
struct Stop {
    netns: NetnsName,
    /// What was decided: the words, and how they are compared.
    words: Vec<(String, String)>,
    /// How often something was decided that had been decided here already: the frame came again.
    again: usize,
    sent: Vec<IfName>,
    floods: bool,
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
        if self.legs.iter().any(|leg| !leg.held && leg.at < record.at) {
            self.tell_those(|leg| !leg.held);
        }
        let TraceRecord { at, netns, dev, frame, gist, what, .. } = record;
        let says = names.put_into(&gist.says);
        let open = self.legs.iter().position(|l| l.frame == *frame && !l.closed && l.says == says);
        let index = open.unwrap_or_else(|| {
            let (began, stops) = (*at, Vec::new());
            self.legs.push(Leg { frame: *frame, began, at: began, says, closed: false, held: false, stops });
            self.legs.len() - 1
        });
        let leg = &mut self.legs[index];
        // Released now, or made now: it is over with this instant unless it is held again.
        (leg.at, leg.held) = (*at, false);
        let stop = leg.stop(netns);
        match what {
            What::Received { .. } => {}
            What::Sent { .. } => stop.sent.extend(dev.filter(|dev| !stop.sent.contains(dev))),
            What::Decided { table, text } => {
                let floods = *table == "fdb" && text.contains("flooded");
                // What a bridge's own namespace hears of a flood and does not care for is not worth a word.
                if *table == "arp" && text.ends_with("ignored") && stop.floods {
                    return;
                }
                stop.floods |= floods;
                // How long netem holds a frame differs each time.
                let compared = if *table == "netem" { "netem".to_owned() } else { text.clone() };
                stop.say(names.put_into(text), compared);
                leg.held = *table == "netem";
                leg.closed |= *table == "neigh" && text.ends_with("waits");
            }
            What::Dropped { text, .. } => {
                let by = dev.map(|d| format!(" at {d}")).unwrap_or_default();
                stop.say(format!("dropped{by}: {text}"), (*text).to_owned());
            }
        }
    }

    /// A line between the journeys.
    pub(super) fn note(&mut self, line: String) {
        self.settle();
        self.lines.push(line);
    }

    /// Tells all there is.
    pub(super) fn settle(&mut self) {
        self.tell_those(|_| true);
    }

    fn tell_those(&mut self, complete: impl Fn(&Leg) -> bool) {
        let (done, open) = std::mem::take(&mut self.legs).into_iter().partition(complete);
        self.legs = open;
        let done: Vec<Leg> = done;
        done.iter().for_each(|leg| self.tell(leg));
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
            let lines = stop.lines();
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
        let words: Vec<String> = match stop.words.as_slice() {
            [] => stop.lines(),
            words => words.iter().map(|(_, compared)| compared.clone()).collect(),
        };
        // All of them are told now, not only up to the first that is new.
        let new = words.into_iter().filter(|word| self.told.insert((stop.netns.clone(), word.clone())));
        new.count() > 0
    }
}

impl Leg {
    /// The frame's stop in this namespace: the last one if it is still there, or a copy of it is.
    fn stop(&mut self, netns: &NetnsName) -> &mut Stop {
        let at = self.stops.iter().position(|stop| stop.netns == *netns).unwrap_or_else(|| {
            self.stops.push(Stop {
                netns: netns.clone(),
                words: Vec::new(),
                again: 0,
                sent: Vec::new(),
                floods: false,
            });
            self.stops.len() - 1
        });
        &mut self.stops[at]
    }
}

impl Stop {
    fn say(&mut self, words: String, compared: String) {
        match self.words.iter().any(|(_, known)| *known == compared) {
            true => self.again += 1,
            false => self.words.push((words, compared)),
        }
    }

    /// What was decided, on one line if it fits.
    fn lines(&self) -> Vec<String> {
        let mut words: Vec<String> = self.words.iter().map(|(words, _)| words.clone()).collect();
        if !self.sent.is_empty() && (words.is_empty() || self.floods) {
            let sent: Vec<&str> = self.sent.iter().map(IfName::as_str).collect();
            words.push(format!("sent by {}", sent.join(", ")));
        }
        if self.again > 0 {
            words.push(format!("and {} the like, as the frame comes again", count(self.again, "decision")));
        }
        let long = words.iter().map(|w| w.chars().count() + 2).sum::<usize>() > WIDTH;
        if long || words.is_empty() { words } else { vec![words.join("; ")] }
    }
}

/// For who decides what was told before.
const AS_BEFORE: &str = "as before";
/// What is longer than this goes on several lines.
const WIDTH: usize = 90;
