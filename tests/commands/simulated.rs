//! Our side: the tools of `nettwin-commands` on the simulator, as a shell would call them.

use crate::normalise;
use crate::script::{Case, Entry, Line, What};
use nettwin_commands::job::{Files, Invocation, Program, Signal};
use nettwin_commands::sched::{Ended, JobId, Scheduler};
use nettwin_commands::tools::tool;
use nettwin_model::{Backend, Instant, LinkChange, NetnsName, Op};
use nettwin_sim::Sim;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// What each line gives.
pub(crate) fn run(case: &Case) -> Vec<Entry> {
    let mut shell = Shell::new();
    let entries: Vec<Entry> = case.lines.iter().map(|line| shell.line(line)).collect();
    normalise::all(case, entries)
}

/// The least of a shell.
struct Shell {
    machine: Sim,
    jobs: Scheduler,
    files: Memory,
    running: BTreeMap<JobId, Spoken>,
    /// Those that were started to run behind, in order.
    behind: Vec<JobId>,
    /// In whose place a job runs.
    places: BTreeMap<JobId, JobId>,
    /// What was typed to those that do not run behind.
    inputs: BTreeMap<JobId, String>,
}

/// What a command has said, and its end.
#[derive(Default)]
struct Spoken {
    out: Vec<u8>,
    err: Vec<u8>,
    status: Option<i32>,
}

impl Shell {
    /// The machine with its initial namespace, `lo` up.
    fn new() -> Self {
        let mut machine = Sim::new(7);
        let netns = NetnsName::host();
        let up = LinkChange { up: Some(true), ..LinkChange::default() };
        let lo = Op::SetLink { netns: netns.clone(), name: nettwin_model::IfName::lo(), change: Box::new(up) };
        machine.execute(&[Op::AddNetns { netns }, lo]).expect("the host's namespace");
        let (running, behind) = (BTreeMap::new(), Vec::new());
        let (places, inputs) = (BTreeMap::new(), BTreeMap::new());
        Shell { machine, jobs: Scheduler::default(), files: Memory::default(), running, behind, places, inputs }
    }

    fn line(&mut self, line: &Line) -> Entry {
        let said = match &line.what {
            What::Run { words, input } => {
                let id = self.start(words);
                self.inputs.insert(id, input.clone());
                self.jobs.input(id, input.as_bytes());
                self.jobs.end_input(id);
                self.until_done(id)
            }
            What::Start { words } => {
                let id = self.start(words);
                self.jobs.end_input(id);
                self.behind.push(id);
                self.work();
                Spoken { status: Some(0), ..Spoken::default() }
            }
            What::Kill { signal, job } => {
                let job = self.behind[job - 1];
                let inner = self.places.iter().rev().find(|(_, place)| **place == job).map(|(inner, _)| *inner);
                self.jobs.signal(inner.unwrap_or(job), Signal(*signal));
                self.work();
                Spoken { status: Some(0), ..Spoken::default() }
            }
            What::Wait { job } => self.until_done(self.behind[job - 1]),
            What::Sleep { seconds } => {
                self.pass(Duration::from_secs_f64(*seconds));
                Spoken { status: Some(0), ..Spoken::default() }
            }
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Entry {
            line: line.text.clone(),
            out: text(said.out),
            err: text(said.err),
            status: said.status.unwrap_or_default(),
        }
    }

    fn start(&mut self, words: &[String]) -> JobId {
        self.begin(&Program { netns: NetnsName::host(), words: words.to_vec() })
    }

    fn begin(&mut self, program: &Program) -> JobId {
        let found = tool(&program.words[0]).unwrap_or_else(|| panic!("no tool {:?}", program.words));
        let invocation = Invocation::new(program.netns.clone(), program.words.clone());
        let id = self.jobs.start((found.start)(&invocation), &invocation);
        self.running.insert(id, Spoken::default());
        id
    }

    /// Lets everything that can go on go on.
    fn work(&mut self) {
        while let Some(turn) = self.jobs.turn(&mut self.machine, &mut self.files) {
            let job = self.place_of(turn.job);
            let spoken = self.running.entry(job).or_default();
            spoken.out.extend(turn.out);
            spoken.err.extend(turn.err);
            if let Some(program) = turn.spawn {
                self.run_for(job, &program);
                let status = self.running.entry(job).or_default().status.take();
                self.jobs.child_ended(turn.job, status.and_then(|s| s.try_into().ok()).unwrap_or(255));
            }
            let status = match turn.ended {
                None => continue,
                Some(Ended::Exit(status)) => status.into(),
                Some(Ended::Signal(signal)) => 128 + i32::from(signal.0),
                Some(Ended::Become(program)) => {
                    self.become_of(turn.job, &program);
                    continue;
                }
            };
            self.running.entry(job).or_default().status = Some(status);
        }
    }

    /// The job in whose place this one runs, or itself.
    fn place_of(&self, id: JobId) -> JobId {
        self.places.get(&id).copied().unwrap_or(id)
    }

    /// Another program takes a job's place, and its standard input.
    fn become_of(&mut self, id: JobId, program: &Program) {
        let place = self.place_of(id);
        let inner = self.begin(program);
        self.running.remove(&inner);
        self.places.insert(inner, place);
        let input = self.inputs.get(&place).cloned().unwrap_or_default();
        self.jobs.input(inner, input.as_bytes());
        self.jobs.end_input(inner);
    }

    /// Runs another program in a job's place: its words count as the job's.
    fn run_for(&mut self, id: JobId, program: &Program) {
        let inner = self.begin(program);
        self.jobs.end_input(inner);
        let said = self.until_done(inner);
        let spoken = self.running.entry(id).or_default();
        spoken.out.extend(said.out);
        spoken.err.extend(said.err);
        spoken.status = said.status;
    }

    fn until_done(&mut self, id: JobId) -> Spoken {
        let limit = self.machine.now() + Duration::from_secs(600);
        loop {
            self.work();
            if self.running.get(&id).is_none_or(|s| s.status.is_some()) {
                return self.running.remove(&id).unwrap_or_default();
            }
            assert!(self.jobs.pass(&mut self.machine, limit), "a command does not end");
        }
    }

    fn pass(&mut self, time: Duration) {
        let until: Instant = self.machine.now() + time;
        self.work();
        while self.jobs.pass(&mut self.machine, until) {
            self.work();
        }
    }
}

/// Files that exist for the length of a case.
#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, path: &str, bytes: &[u8], append: bool) -> io::Result<()> {
        let file = self.0.entry(path.to_owned()).or_default();
        if !append {
            file.clear();
        }
        file.extend_from_slice(bytes);
        Ok(())
    }
}
