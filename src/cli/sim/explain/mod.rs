//! `--explain`: the run narrated, so that a newcomer learns from it: what each step of the set-up changed, and which table
//! decided each frame's fate.
//!
//! Deliberately absent: knowing anything that the machine did not say; steps are told by comparing states, journeys by the
//! simulator's trace.

mod effects;
mod journey;
mod setup;

use super::report::clock;
use crate::cli::judged::sentence;
use crate::cli::output::{HEADING, Output};
use crate::cli::trail::Names;
use effects::Before;
use journey::Journeys;
use nettwin::model::expect::Expectation;
use nettwin::model::probe::Outcome;
use nettwin::model::{Fault, Instant, Op};
use nettwin::play::Judged;
use nettwin::sim::{Sim, TraceRecord};
use serde::Serialize;
use setup::Setup;
use std::io::{self, Write};

/// A part of the explanation.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Section {
    title: String,
    lines: Vec<String>,
}

impl Section {
    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        writeln!(out, "{HEADING}{}{HEADING:#}", self.title)?;
        self.lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out)
    }
}

/// Who tells.
#[derive(Default)]
pub(super) struct Narrator {
    told: Vec<Section>,
    /// While the topology is brought up.
    setup: Option<Setup>,
    playing: bool,
    /// The state before the op at hand, if what it changes is to be told.
    before: Option<Before>,
    journeys: Journeys,
    /// What is being told of now: the expectations under way, and when the first of them began.
    current: Vec<String>,
    /// Expectations that were judged since, for the title.
    judged: Vec<String>,
    /// When all was up.
    began: Instant,
    names: Names,
}

impl Narrator {
    pub(super) fn before(&mut self, op: &Op, sim: &mut Sim) {
        let wanted = self.playing || self.setup.as_ref().is_none_or(|setup| setup.wants(op));
        self.before = wanted.then(|| Before::of(op, sim));
    }

    pub(super) fn after(&mut self, op: &Op, refused: Option<&Fault>, sim: &mut Sim) {
        self.learn_names(op, sim);
        let before = self.before.take();
        let mut effects = before.as_ref().map(|before| before.effects(op, sim)).unwrap_or_default();
        effects.extend(refused.map(|fault| format!("refused: {fault}")));
        match self.playing {
            false => self.setup.get_or_insert_default().add(op, effects, before.as_ref().and_then(Before::old_setting)),
            true => {
                self.journeys.settle();
                let lines = std::iter::once(format!("  $ {op}")).chain(effects.into_iter().map(|e| format!("    {e}")));
                match self.told.last_mut() {
                    Some(section) if self.current.is_empty() => section.lines.extend(lines),
                    _ => lines.for_each(|line| self.journeys.note(line)),
                }
            }
        }
    }

    /// All is up; the play begins.
    pub(super) fn begin(&mut self, at: Instant) {
        (self.playing, self.began) = (true, at);
        self.told.extend(self.setup.take().into_iter().flat_map(Setup::into_sections));
    }

    /// The timeline does something.
    pub(super) fn timeline(&mut self, at: Instant) {
        if self.current.is_empty() {
            let title = format!("At {}, the timeline", self.clock(at));
            self.told.push(Section { title, lines: Vec::new() });
        } else {
            self.journeys.note(format!("  at {}, the timeline:", self.clock(at)));
        }
    }

    pub(super) fn starts(&mut self, at: Instant, expectation: &Expectation) {
        if self.current.is_empty() {
            self.journeys.begin(at);
        }
        self.current.push(expectation.text.clone());
    }

    pub(super) fn frame(&mut self, record: &TraceRecord) {
        if !self.current.is_empty() {
            self.journeys.record(record, &self.names);
        }
    }

    pub(super) fn judged(&mut self, judged: &Judged) {
        let Some(at) = self.current.iter().position(|text| *text == judged.expectation) else { return };
        self.current.remove(at);
        let mark = if judged.holds { "✓" } else { "✗" };
        let when = if judged.at.is_zero() { String::new() } else { format!(", at {}", clock(judged.at)) };
        self.judged.push(format!("{mark} {}{when}", sentence(judged)));
        if self.current.is_empty() {
            let title = std::mem::take(&mut self.judged).join("; ");
            let mut lines = self.journeys.end();
            if lines.is_empty() {
                lines.push(match &judged.outcome {
                    Outcome::Failed(errno) => format!("  nothing was sent: {errno}"),
                    _ => "  nothing was sent".to_owned(),
                });
            }
            self.told.push(Section { title, lines });
        }
    }

    pub(super) fn finish(self) -> Vec<Section> {
        self.told
    }

    /// Learns the names of what an op may have changed.
    fn learn_names(&mut self, op: &Op, sim: &mut Sim) {
        if matches!(op, Op::AddLink(_) | Op::SetLink { .. }) {
            effects::states(op, sim).iter().for_each(|(netns, state)| self.names.learn(netns, state));
        }
    }

    fn clock(&self, at: Instant) -> String {
        clock(at.since(self.began))
    }
}
