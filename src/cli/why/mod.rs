//! `nettwin why`: one conversation, followed hop by hop in a simulation: what decides about it, where it ends, and what to
//! do about it.
//!
//! The JSON's fields are in `docs/json.md`. Deliberately absent: the timeline (the topology is asked as it stands), and
//! deciding anything about networks: the simulator decides, this reads its trace.

mod find;
mod remedy;
mod way;

use super::args::WhyArgs;
use super::input::{Loaded, Source, show};
use super::output::{BAD, GOOD, HEADING, Output, WARN, exit};
use super::sim::{bring_up, clock};
use super::trail::{Leg, Legs, Names};
use super::trouble::{Exit, Trouble};
use find::{Case, Finding};
use nettwin::model::check::ALLOWABLE;
use nettwin::model::complaint::{Placed, Span};
use nettwin::model::expect::{Expectation, verdict_word};
use nettwin::model::probe::{Outcome, Probe, ProbeEvent, Stop, Verdict};
use nettwin::model::question::ask;
use nettwin::model::topology::Topology;
use nettwin::model::{Backend, Extent, Instant};
use nettwin::sim::{Sim, TraceRecord};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;
use way::Hop;

pub(crate) fn run(args: &WhyArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = open(args)?;
    let asked = ask(&loaded.checked, &args.question, args.bytes, !args.closed);
    let expectation = asked.map_err(|complaint| Trouble::input(complaint.message).help(complaint.help))?;
    let mut sim = bring_up(&loaded)?;
    let snapshot = sim.observe(&Extent::default())?;
    let (records, outcome) = follow(&mut sim, &expectation)?;
    let verdict = outcome.verdict();
    let findings = match verdict {
        Verdict::Reached => Vec::new(),
        _ => Case::new(&loaded, &expectation, &outcome, &records, &mut sim).findings(),
    };
    let answer = Answer {
        legs: way::legs(trail(&records, &Names::of(&snapshot)), &snapshot),
        began: records.first().map_or(Instant::ZERO, |r| r.at),
        expectation,
        outcome,
        verdict,
        findings,
    };
    if out.json {
        out.json(&answer.to_json(&args.question))?
    } else {
        answer.print(out)?
    }
    Ok(exit(verdict == Verdict::Reached, Exit::Expectation))
}

/// The topology, with all that could be allowed allowed: whoever asks why does so because something is wrong.
fn open(args: &WhyArgs) -> Result<Loaded, Trouble> {
    let source = Source::read(&args.file)?;
    let parsed = Topology::parse(&source.text, source.format).and_then(|mut topology| {
        topology.allow = ALLOWABLE.iter().map(|(code, _)| Placed::new((*code).to_owned(), Span::NOWHERE)).collect();
        topology.check()
    });
    match parsed {
        Ok(checked) => Ok(Loaded { source, checked }),
        Err(complaints) => {
            show(&source, &complaints);
            Err(Trouble::Shown(Exit::BadInput))
        }
    }
}

/// Runs the conversation and takes down what happened to every frame meanwhile.
fn follow(sim: &mut Sim, expectation: &Expectation) -> Result<(Vec<TraceRecord>, Outcome), Trouble> {
    sim.trace(true);
    let server = expectation.listen.clone().map(|listen| sim.start(Probe::Listen(listen))).transpose()?;
    let id = sim.start(expectation.probe.clone())?;
    let outcome = loop {
        match sim.advance(Instant::FAR) {
            Some((_, of, ProbeEvent::Done(outcome))) if of == id => break outcome,
            Some(_) => {}
            None => return Err(Trouble::failed("the simulation fell idle before the conversation was over")),
        }
    };
    if let Some(server) = server {
        sim.stop(server, Stop::Kill);
    }
    let records = sim.take_trace();
    sim.trace(false);
    Ok((records, outcome))
}

/// The legs of all frames but the spanning tree's, which talks whether or not anybody else does.
fn trail(records: &[TraceRecord], names: &Names) -> Vec<Leg> {
    let mut open = Legs::default();
    let told = records.iter().filter(|r| !r.gist.is_bpdu());
    let mut legs: Vec<Leg> = told.flat_map(|record| open.record(record, names)).collect();
    legs.extend(open.settle());
    legs
}

struct Answer {
    expectation: Expectation,
    outcome: Outcome,
    verdict: Verdict,
    /// The frames' ways, and how often each was gone.
    legs: Vec<(Leg, Vec<Hop>, usize)>,
    began: Instant,
    findings: Vec<Finding>,
}

impl Answer {
    fn print(&self, out: &mut Output) -> io::Result<()> {
        let (text, verdict) = (&self.expectation.text, verdict_word(self.verdict));
        let style = if self.verdict == Verdict::Reached { GOOD } else { BAD };
        writeln!(out, "{HEADING}{text}{HEADING:#}: {style}{verdict}{style:#}\n")?;
        let mut now = clock(std::time::Duration::ZERO);
        for (leg, hops, times) in &self.legs {
            let at = clock(leg.began.since(self.began));
            let when = if at == now { String::new() } else { format!("   (after {at})") };
            let more = if *times > 1 { format!("   ({} times like this)", times) } else { String::new() };
            writeln!(out, "  {HEADING}{}{HEADING:#}{when}{more}", leg.says)?;
            now = at;
            hops.iter().try_for_each(|hop| hop.print(out))?;
        }
        if self.legs.is_empty() {
            writeln!(out, "  nothing was sent")?;
        }
        for finding in &self.findings {
            writeln!(out, "\n{BAD}✗{BAD:#} {}", finding.cause)?;
            for remedy in &finding.remedies {
                writeln!(out, "  {WARN}remedy:{WARN:#} {remedy}")?;
            }
        }
        Ok(())
    }

    fn to_json(&self, question: &str) -> Value {
        let leg = |(leg, hops, times): &(Leg, Vec<Hop>, usize)| {
            let at_ns = u64::try_from(leg.began.since(self.began).as_nanos()).unwrap_or(u64::MAX);
            json!({ "at_ns": at_ns, "frame": leg.says, "times": times, "hops": hops })
        };
        json!({
            "question": question, "expectation": self.expectation.text, "verdict": self.verdict,
            "outcome": self.outcome, "trail": self.legs.iter().map(leg).collect::<Vec<_>>(), "findings": self.findings,
        })
    }
}
