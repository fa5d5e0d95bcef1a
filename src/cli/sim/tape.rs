//! What happened in a run, handed to whoever asked for it: the event log, the recordings, the narrator, and the story that
//! is printed at the end.
//!
//! Deliberately absent: printing.

use super::captures::Captures;
use super::events::EventLog;
use super::explain::Narrator;
use crate::cli::transcript::Transcript;
use nettwin::model::expect::Expectation;
use nettwin::model::probe::{Probe, ProbeEvent, ProbeId};
use nettwin::model::{Backend, Fault, Instant, Op};
use nettwin::play::{Happening, Judged};
use nettwin::sim::{Sim, TraceRecord};
use std::collections::BTreeMap;

/// What happened, for whoever listens.
pub(super) struct Tape<'t> {
    pub(super) events: Option<EventLog<'t>>,
    pub(super) captures: Option<Captures>,
    pub(super) narrator: Option<Narrator>,
    /// The play, scene by scene.
    pub(super) story: Vec<Scene>,
    running: BTreeMap<ProbeId, (usize, Transcript)>,
    /// The scene of the workload that ended last.
    ended: usize,
}

/// A scene of the play.
pub(super) enum Scene {
    /// The timeline did this.
    Ops { at: Instant, ops: Vec<Op> },
    /// An expectation's probe started.
    Probe(Box<ProbeScene>),
}

/// An expectation's scene.
pub(super) struct ProbeScene {
    pub(super) at: Instant,
    /// What its tool prints.
    pub(super) lines: String,
    pub(super) judged: Option<Judged>,
}

impl<'t> Tape<'t> {
    pub(super) fn new(events: Option<EventLog<'t>>, captures: Option<Captures>, narrator: Option<Narrator>) -> Self {
        Tape { events, captures, narrator, story: Vec::new(), running: BTreeMap::new(), ended: 0 }
    }

    pub(super) fn wants_frames(&self) -> bool {
        self.events.is_some() || self.narrator.is_some()
    }

    pub(super) fn wants_ops(&self) -> bool {
        self.wants_frames() || self.captures.is_some()
    }

    /// An op is about to be executed.
    pub(super) fn before(&mut self, op: &Op, sim: &mut Sim) {
        if let Some(narrator) = &mut self.narrator {
            narrator.before(op, sim);
        }
    }

    /// An op was executed, or refused.
    pub(super) fn after(&mut self, op: &Op, refused: Option<&Fault>, sim: &mut Sim) {
        if let Some(captures) = &mut self.captures {
            captures.after(op, sim);
        }
        if let Some(events) = &mut self.events {
            events.op(sim.now(), op, refused);
        }
        if let Some(narrator) = &mut self.narrator {
            narrator.after(op, refused, sim);
        }
    }

    /// All is up; the play begins.
    pub(super) fn begin(&mut self, at: Instant) {
        if let Some(narrator) = &mut self.narrator {
            narrator.begin(at);
        }
    }

    /// This happened to frames.
    pub(super) fn frames(&mut self, records: &[TraceRecord]) {
        if let Some(events) = &mut self.events {
            records.iter().for_each(|record| events.frame(record));
        }
        if let Some(narrator) = &mut self.narrator {
            records.iter().for_each(|record| narrator.frame(record));
        }
    }

    /// A workload was started: if it is no server, by the expectation that was told of last.
    pub(super) fn started(&mut self, id: ProbeId, probe: &Probe) {
        if !matches!(probe, Probe::Listen(_)) {
            self.running.insert(id, (self.story.len().saturating_sub(1), Transcript::new(probe)));
        }
    }

    /// The play goes on.
    pub(super) fn happening(&mut self, at: Instant, what: Happening<'_>) {
        match what {
            Happening::Ops(ops) => {
                if let Some(events) = &mut self.events {
                    events.timeline(at, ops);
                }
                if let Some(narrator) = &mut self.narrator {
                    narrator.timeline(at);
                }
                self.story.push(Scene::Ops { at, ops: ops.to_vec() });
            }
            Happening::Starts(expectation) => self.starts(at, expectation),
            Happening::Event(id, event) => {
                if let Some(events) = &mut self.events {
                    events.probe(at, id, event);
                }
                self.report(id, event);
            }
            Happening::Judged(judged) => {
                if let Some(events) = &mut self.events {
                    events.judged(at, judged);
                }
                if let Some(narrator) = &mut self.narrator {
                    narrator.judged(judged);
                }
                if let Some(Scene::Probe(scene)) = self.story.get_mut(self.ended) {
                    scene.judged = Some(judged.clone());
                }
            }
        }
    }

    fn starts(&mut self, at: Instant, expectation: &Expectation) {
        if let Some(events) = &mut self.events {
            events.starts(at, &expectation.text);
        }
        if let Some(narrator) = &mut self.narrator {
            narrator.starts(at, expectation);
        }
        self.story.push(Scene::Probe(Box::new(ProbeScene { at, lines: String::new(), judged: None })));
    }

    fn report(&mut self, id: ProbeId, event: &ProbeEvent) {
        let Some((scene, transcript)) = self.running.get_mut(&id) else { return };
        let (at, lines) = (*scene, transcript.event(event));
        if let Some(Scene::Probe(scene)) = self.story.get_mut(at) {
            scene.lines += &lines.out;
            scene.lines += &lines.err;
        }
        if matches!(event, ProbeEvent::Done(_)) {
            self.ended = at;
            self.running.remove(&id);
        }
    }
}
