//! A topology's timeline and expectations, played on any machine.
//!
//! The timeline begins when all is up and settled. An expectation that names an instant starts then, while the timeline
//! goes on; the others run one after another when it is over. Deliberately absent: bringing the topology up
//! ([`model::apply`](crate::model::apply)), and which machine it is.

use crate::model::backend::{Backend, Failure, Fault};
use crate::model::check::Checked;
use crate::model::expect::Expectation;
use crate::model::probe::{Outcome, Probe, ProbeEvent, ProbeId, Stop, Verdict};
use crate::model::{Instant, Op};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What became of an expectation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The expectation in words.
    pub expectation: String,
    /// What should become of it, in the file's word.
    pub want: &'static str,
    /// When it started, since the timeline began.
    pub at: Duration,
    /// What the probe came to.
    pub verdict: Verdict,
    /// All that the probe reported at its end.
    pub outcome: Outcome,
    /// Whether that is what was expected.
    pub holds: bool,
}

/// An op of the timeline that the machine refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// When, since the timeline began.
    pub at: Duration,
    /// The op.
    pub op: Op,
    /// Why.
    pub fault: Fault,
}

/// How much is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Script {
    /// The timeline and all expectations.
    #[default]
    Whole,
    /// No timeline, and only the expectations that come before its first op.
    Standing,
}

/// What a play came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Played {
    /// The expectations, in the order of the file.
    pub judged: Vec<Judged>,
    /// The timeline's ops that were refused, in order.
    pub refused: Vec<Refusal>,
    /// How many expectations were left out with the timeline.
    pub left_out: usize,
}

impl Played {
    /// Whether every expectation held and every op was done.
    pub fn is_good(&self) -> bool {
        self.refused.is_empty() && self.judged.iter().all(|j| j.holds)
    }
}

/// What happens while a topology is played, for whoever wants to tell of it.
#[derive(Clone, Debug)]
pub enum Happening<'a> {
    /// The timeline does something.
    Ops(&'a [Op]),
    /// An expectation's probe starts.
    Starts(&'a Expectation),
    /// An expectation's probe, or a workload started by somebody else, reports.
    Event(ProbeId, &'a ProbeEvent),
    /// An expectation was judged.
    Judged(&'a Judged),
}

/// Plays the timeline and evaluates the expectations; `watch` is told of everything, with its instant.
pub fn play<B: Backend + ?Sized>(
    machine: &mut B,
    checked: &Checked,
    script: Script,
    watch: &mut dyn FnMut(Instant, Happening<'_>),
) -> Result<Played, Fault> {
    let expectations = checked.expectations();
    let mut player = Player {
        begin: machine.now(),
        machine,
        expectations,
        running: BTreeMap::new(),
        judged: vec![None; expectations.len()],
        refused: Vec::new(),
        watch,
    };
    let first_op = checked.timeline().first().map(|(at, _)| *at).filter(|_| script == Script::Standing);
    for (at, item) in agenda(checked).into_iter().take_while(|(at, _)| first_op.is_none_or(|first| *at < first)) {
        player.wait_until(player.begin + at)?;
        match item {
            Item::Ops(ops) => player.execute(at, ops)?,
            Item::Expectation(index) => player.start(index)?,
        }
    }
    for index in (0..expectations.len()).filter(|&i| expectations[i].at.is_none() && first_op.is_none()) {
        player.start(index)?;
        while player.running.values().any(|r| r.index == index) {
            player.step(Instant::FAR)?;
        }
    }
    while !player.running.is_empty() {
        player.step(Instant::FAR)?;
    }
    let judged: Vec<Judged> = player.judged.into_iter().flatten().collect();
    let left_out = expectations.len() - judged.len();
    Ok(Played { judged, refused: player.refused, left_out })
}

enum Item<'a> {
    Ops(&'a [Op]),
    Expectation(usize),
}

/// The timeline and the expectations that name an instant, in order; at one instant the ops come first.
fn agenda(checked: &Checked) -> Vec<(Duration, Item<'_>)> {
    let mut agenda: Vec<(Duration, Item<'_>)> =
        checked.timeline().iter().map(|(at, ops)| (*at, Item::Ops(ops))).collect();
    let timed = checked.expectations().iter().enumerate();
    agenda.extend(timed.filter_map(|(i, e)| Some((e.at?, Item::Expectation(i)))));
    agenda.sort_by_key(|(at, _)| *at);
    agenda
}

struct Running {
    /// Of the expectation.
    index: usize,
    started: Instant,
    server: Option<ProbeId>,
}

struct Player<'a, B: ?Sized> {
    begin: Instant,
    machine: &'a mut B,
    expectations: &'a [Expectation],
    running: BTreeMap<ProbeId, Running>,
    judged: Vec<Option<Judged>>,
    refused: Vec<Refusal>,
    watch: &'a mut dyn FnMut(Instant, Happening<'_>),
}

impl<B: Backend + ?Sized> Player<'_, B> {
    /// Executes all of them; one that is refused does not keep the next from being tried.
    fn execute(&mut self, at: Duration, ops: &[Op]) -> Result<(), Fault> {
        (self.watch)(self.machine.now(), Happening::Ops(ops));
        let mut rest = ops;
        while let Err(Failure { done, fault }) = self.machine.execute(rest) {
            if matches!(fault, Fault::Broken(_)) {
                return Err(fault);
            }
            self.refused.push(Refusal { at, op: rest[done].clone(), fault });
            rest = &rest[done + 1..];
        }
        Ok(())
    }

    fn start(&mut self, index: usize) -> Result<(), Fault> {
        let expectation = &self.expectations[index];
        let started = self.machine.now();
        (self.watch)(started, Happening::Starts(expectation));
        let server = expectation.listen.clone().map(|l| self.machine.start(Probe::Listen(l))).transpose()?;
        let id = self.machine.start(expectation.probe.clone())?;
        self.running.insert(id, Running { index, started, server });
        Ok(())
    }

    fn wait_until(&mut self, until: Instant) -> Result<(), Fault> {
        while self.machine.now() < until {
            self.step(until)?;
        }
        Ok(())
    }

    /// Takes in the next event, if one comes in time.
    fn step(&mut self, until: Instant) -> Result<(), Fault> {
        let Some((now, id, event)) = self.machine.advance(until) else {
            if until == Instant::FAR && !self.running.is_empty() {
                return Err(Fault::Broken("the machine fell idle before a probe was done".into()));
            }
            return Ok(());
        };
        (self.watch)(now, Happening::Event(id, &event));
        let ProbeEvent::Done(outcome) = event else { return Ok(()) };
        let Some(Running { index, started, server }) = self.running.remove(&id) else { return Ok(()) };
        if let Some(server) = server {
            self.machine.stop(server, Stop::Kill);
        }
        let expectation = &self.expectations[index];
        let verdict = outcome.verdict();
        let judged = Judged {
            expectation: expectation.text.clone(),
            want: expectation.want.word(),
            at: started.since(self.begin),
            verdict,
            outcome,
            holds: expectation.want.is_met(verdict),
        };
        (self.watch)(now, Happening::Judged(&judged));
        self.judged[index] = Some(judged);
        Ok(())
    }
}
