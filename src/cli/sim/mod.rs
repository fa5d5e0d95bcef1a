//! `nettwin sim`: a topology brought up in virtual time, its timeline played, its expectations evaluated.
//!
//! Deliberately absent: anything about networks; the simulator runs, this asks, listens and prints.

mod captures;
mod events;
mod explain;
mod report;
mod tape;
mod watched;

use super::args::SimArgs;
use super::input::{Loaded, show};
use super::output::{Output, exit};
use super::staged::Staged;
use super::trouble::{Exit, Trouble};
use captures::Captures;
use events::EventLog;
use explain::Narrator;
use nettwin::model::Backend;
use nettwin::model::apply::apply;
use nettwin::play::{self, Played, Script};
use nettwin::sim::Sim;
use report::Report;
pub(crate) use report::{clock, print_drops};
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use tape::Tape;
use watched::Watched;

pub(crate) fn run(args: &SimArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = with_seed(Loaded::open(&args.file)?, args.seed)?;
    let captures = args.pcap.as_deref().map(Captures::into_dir).transpose()?;
    let narrator = args.explain.then(Narrator::default);
    let report = match args.events.as_deref() {
        None => simulate(&loaded, Tape::new(None, captures, narrator))?,
        Some(path) => {
            let mut sink = Sink::open(path, out)?;
            let events = Some(EventLog::new(sink.as_write()));
            let report = simulate(&loaded, Tape::new(events, captures, narrator))?;
            sink.commit()?;
            report
        }
    };
    report.print(&loaded, out)?;
    Ok(exit(report.played.is_good(), Exit::Expectation))
}

/// A topology brought up in a simulation, for whoever wants to ask it something.
pub(crate) fn bring_up(loaded: &Loaded) -> Result<Sim, Trouble> {
    let mut sim = Sim::new(loaded.checked.seed());
    set_up(&mut sim, loaded)?;
    Ok(sim)
}

/// The same topology with another seed: MACs depend on it.
fn with_seed(loaded: Loaded, seed: Option<u64>) -> Result<Loaded, Trouble> {
    let Some(seed) = seed else { return Ok(loaded) };
    let mut topology = loaded.checked.topology().clone();
    topology.seed = seed;
    match topology.check() {
        Ok(checked) => Ok(Loaded { checked, ..loaded }),
        Err(complaints) => {
            show(&loaded.source, &complaints);
            Err(Trouble::Shown(Exit::BadInput))
        }
    }
}

fn simulate(loaded: &Loaded, tape: Tape<'_>) -> Result<Report, Trouble> {
    let tape = RefCell::new(tape);
    let mut machine = Watched::new(Sim::new(loaded.checked.seed()), &tape);
    let ops = set_up(&mut machine, loaded)?;
    let began = machine.now();
    tape.borrow_mut().begin(began);
    let mut watch = |at, what: play::Happening<'_>| tape.borrow_mut().happening(at, what);
    let played: Played = play::play(&mut machine, &loaded.checked, Script::Whole, &mut watch)?;
    let snapshot = machine.observe(&loaded.checked.desired().extent())?;
    let time = machine.now().since(began);
    let (drops, storms) = (machine.sim.drops_by_place(), machine.sim.storms().to_vec());
    let mut sim = machine.sim;
    let Tape { events, captures, narrator, story, .. } = tape.into_inner();
    events.map_or(Ok(()), EventLog::finish)?;
    captures.map_or(Ok(()), |captures| captures.write(&mut sim))?;
    let explanation = narrator.map(|narrator| narrator.finish());
    Ok(Report { ops, began, time, played, story, explanation, snapshot, drops, storms })
}

/// Leads an empty machine to the topology; says how many ops that took.
fn set_up(machine: &mut dyn Backend, loaded: &Loaded) -> Result<usize, Trouble> {
    match apply(machine, loaded.checked.desired(), &mut |_| {}) {
        Ok(plan) => Ok(plan.ops.len()),
        Err(failure) => Err(Trouble::failed(failure).help("the topology asks for what Linux refuses")),
    }
}

/// Where the event log goes.
enum Sink<'a> {
    Stdout(&'a mut Output),
    File(Staged),
}

impl<'a> Sink<'a> {
    fn open(path: &Path, out: &'a mut Output) -> Result<Self, Trouble> {
        if path.as_os_str() == "-" { Ok(Sink::Stdout(out)) } else { Staged::create(path).map(Sink::File) }
    }

    fn as_write(&mut self) -> &mut dyn Write {
        match self {
            Sink::Stdout(out) => *out,
            Sink::File(file) => file,
        }
    }

    fn commit(self) -> Result<(), Trouble> {
        match self {
            Sink::Stdout(out) => Ok(out.flush()?),
            Sink::File(file) => file.commit(),
        }
    }
}
