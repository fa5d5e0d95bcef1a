//! What a run came to, as text and as JSON (its fields are in `docs/json.md`).
//!
//! Deliberately absent: anything that is not the same for the same seed, such as how long the run really took.

use super::explain::Section;
use super::tape::{ProbeScene, Scene};
use crate::cli::input::Loaded;
use crate::cli::judged::{mark, sentence};
use crate::cli::output::{BAD, FAINT, GOOD, HEADING, Output, WARN, count};
use crate::cli::state;
use nettwin::model::probe::Verdict;
use nettwin::model::{Instant, Op, Snapshot};
use nettwin::play::{Judged, Played, Refusal};
use nettwin::sim::{DropCount, DropReason, Storm};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// What a run came to.
pub(super) struct Report {
    /// How many ops brought it up.
    pub(super) ops: usize,
    /// When it was up.
    pub(super) began: Instant,
    /// How much virtual time passed since.
    pub(super) time: Duration,
    pub(super) played: Played,
    pub(super) story: Vec<Scene>,
    pub(super) explanation: Option<Vec<Section>>,
    /// The state at the end.
    pub(super) snapshot: Snapshot,
    pub(super) drops: Vec<DropCount>,
    pub(super) storms: Vec<Storm>,
}

impl Report {
    pub(super) fn print(&self, loaded: &Loaded, out: &mut Output) -> io::Result<()> {
        if out.json {
            return out.json(&self.to_json(loaded));
        }
        self.head(loaded, out)?;
        match &self.explanation {
            Some(sections) => sections.iter().try_for_each(|section| section.print(out))?,
            None => {
                state::print(&self.snapshot, MOST_ROWS, out)?;
                self.story(out)?;
            }
        }
        if !self.played.is_good() {
            print_drops(&self.drops, out)?;
        }
        for storm in &self.storms {
            let frames = count(usize::try_from(storm.frames).unwrap_or(usize::MAX), "frame");
            writeln!(out, "{WARN}storm:{WARN:#} {frames} went round, {storm}\n")?;
        }
        self.verdict(out)?;
        self.hint(loaded, out)
    }

    fn head(&self, loaded: &Loaded, out: &mut Output) -> io::Result<()> {
        let name = loaded.lab();
        let namespaces = count(self.snapshot.netns.len(), "namespace");
        let links = count(loaded.checked.topology().links.len(), "wire");
        let seed = loaded.checked.seed();
        writeln!(out, "{HEADING}{name}{HEADING:#}: {namespaces}, {links}, set up by {} ops, seed {seed}\n", self.ops)
    }

    fn story(&self, out: &mut Output) -> io::Result<()> {
        if self.story.is_empty() {
            return Ok(());
        }
        let timed = self.story.iter().any(|scene| matches!(scene, Scene::Ops { .. }));
        writeln!(out, "{HEADING}{}{HEADING:#}", if timed { "Timeline and expectations" } else { "Expectations" })?;
        for scene in &self.story {
            match scene {
                Scene::Ops { at, ops } => self.ops(*at, ops, out)?,
                Scene::Probe(scene) => self.probe(scene, timed, out)?,
            }
        }
        writeln!(out)
    }

    fn ops(&self, at: Instant, ops: &[Op], out: &mut Output) -> io::Result<()> {
        let at = at.since(self.began);
        for op in ops {
            writeln!(out, "   {}  {op}", clock(at))?;
            if let Some(refusal) = self.played.refused.iter().find(|r| r.at == at && r.op == *op) {
                writeln!(out, "   {BAD}✗{BAD:#} {}", refusal.fault)?;
            }
        }
        Ok(())
    }

    fn probe(&self, scene: &ProbeScene, timed: bool, out: &mut Output) -> io::Result<()> {
        let Some(judged) = &scene.judged else { return Ok(()) };
        let at = if timed { format!("{}  ", clock(scene.at.since(self.began))) } else { String::new() };
        writeln!(out, " {} {at}{}", mark(judged.holds), sentence(judged))?;
        let told: Vec<&str> = scene.lines.lines().filter(|line| is_worth_a_line(line)).collect();
        let (first, rest) = told.split_at(told.len().min(MANY));
        // Of many replies the first few and the statistics.
        let last = rest.last().filter(|_| rest.len() > 1);
        for line in first {
            writeln!(out, "     {FAINT}{line}{FAINT:#}")?;
        }
        match last {
            Some(last) => {
                writeln!(out, "     {FAINT}... {} more lines ...{FAINT:#}", rest.len() - 1)?;
                writeln!(out, "     {FAINT}{last}{FAINT:#}")
            }
            None => rest.iter().try_for_each(|line| writeln!(out, "     {FAINT}{line}{FAINT:#}")),
        }
    }

    fn verdict(&self, out: &mut Output) -> io::Result<()> {
        let (all, time) = (self.played.judged.len(), clock(self.time));
        let held = self.played.judged.iter().filter(|j| j.holds).count();
        let refused = match self.played.refused.len() {
            0 => String::new(),
            n => format!(", {} of the timeline refused", count(n, "op")),
        };
        let style = if self.played.is_good() { GOOD } else { BAD };
        let what = match all {
            0 => "no expectations".to_owned(),
            1 if held == 1 => "the expectation holds".to_owned(),
            1 => "the expectation failed".to_owned(),
            _ if held == all => format!("all {all} expectations hold"),
            _ => format!("{} of {all} expectations failed", all - held),
        };
        writeln!(out, "{style}{what}{refused}{style:#} ({time} of virtual time)")
    }

    /// How to learn why the first of them failed.
    fn hint(&self, loaded: &Loaded, out: &mut Output) -> io::Result<()> {
        // `why` plays no timeline, and reads no standard input twice.
        let can_ask = loaded.checked.timeline().is_empty() && loaded.source.name != "standard input";
        match self.played.judged.iter().find(|j| can_ask && !j.holds && j.verdict != Verdict::Reached) {
            Some(judged) => {
                let (file, what) = (&loaded.source.name, &judged.expectation);
                writeln!(out, "{FAINT}nettwin why {file} '{what}'{FAINT:#} follows it hop by hop and names the remedy")
            }
            None => Ok(()),
        }
    }

    fn to_json(&self, loaded: &Loaded) -> Value {
        let expectations = self.story.iter().filter_map(|scene| match scene {
            Scene::Probe(scene) => scene.judged.as_ref(),
            Scene::Ops { .. } => None,
        });
        let expectation = |j: &Judged| {
            json!({
                "expectation": j.expectation, "at_ns": nanos(j.at), "want": j.want, "verdict": j.verdict,
                "holds": j.holds, "outcome": j.outcome,
            })
        };
        let refusal =
            |r: &Refusal| json!({ "at_ns": nanos(r.at), "words": r.op.to_string(), "fault": r.fault.to_string() });
        let dropped = |d: &DropCount| {
            json!({
                "reason": d.reason, "text": d.reason.text(), "netns": d.netns, "dev": d.dev, "count": d.count,
            })
        };
        let mut whole = json!({
            "topology": loaded.lab(),
            "seed": loaded.checked.seed(),
            "ops": self.ops,
            "time_ns": nanos(self.time),
            "good": self.played.is_good(),
            "expectations": expectations.map(expectation).collect::<Vec<_>>(),
            "refused": self.played.refused.iter().map(refusal).collect::<Vec<_>>(),
            "drops": self.drops.iter().map(dropped).collect::<Vec<_>>(),
            "storms": self.storms,
            "snapshot": self.snapshot,
        });
        if let Some(explanation) = &self.explanation {
            whole["explanation"] = json!(explanation);
        }
        whole
    }
}

fn place(d: &DropCount) -> String {
    d.dev.map_or_else(|| d.netns.to_string(), |dev| format!("{}:{dev}", d.netns))
}

/// What happens to frames on every healthy network.
fn is_usual(reason: DropReason) -> bool {
    matches!(reason, DropReason::OtherHost | DropReason::UnwantedGroup | DropReason::Ipv6Disabled)
}

/// Ping's first line and the title of its statistics say what is said already, as do the statistics of one reply.
fn is_worth_a_line(line: &str) -> bool {
    let known = ["PING ", "--- ", "rtt ", "1 packets transmitted, 1 received, 0%"];
    !line.is_empty() && !known.iter().any(|start| line.starts_with(start))
}

/// Seconds, to the millisecond.
/// Where frames ended and why, but for what is usual.
pub(crate) fn print_drops(drops: &[DropCount], out: &mut Output) -> io::Result<()> {
    let mut drops: Vec<&DropCount> = drops.iter().filter(|d| !is_usual(d.reason)).collect();
    drops.sort_by_key(|d| (std::cmp::Reverse(d.count), &d.netns, d.dev));
    let row = |d: &&DropCount| vec![d.count.to_string(), place(d), d.reason.text().to_owned()];
    out.table("Dropped frames", &["count", "where", "why"], drops.iter().map(row).collect())
}

pub(crate) fn clock(time: Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Of a longer table only the first rows are printed.
const MOST_ROWS: usize = 40;
/// More lines of a transcript than this are shortened.
const MANY: usize = 4;
