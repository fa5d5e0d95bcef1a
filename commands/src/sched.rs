//! The jobs that run on one machine, and whose turn it is.
//!
//! Counterpart: the kernel's scheduler, made deterministic: what is ready runs in the order in which it became so, and time
//! passes only when every job waits. Deliberately absent: the processes that jobs may stand for, and the decision that
//! time may pass; both are the caller's.

use crate::ethtool::Wanted;
use crate::http;
use crate::job::{Context, Files, Holders, Input, Invocation, Job, Next, Process, Program, Signal, Waits, Wake};
use nettwin_model::probe::{ProbeId, Stop};
use nettwin_model::socket::Call;
use nettwin_model::{Backend, Instant, NetnsName};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A job of one scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Exit(u8),
    /// Killed by this signal.
    Signal(Signal),
    /// Another program takes its place.
    Become(Program),
}

/// What a job wrote in one turn, and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The job.
    pub job: JobId,
    /// What it wrote to standard output.
    pub out: Vec<u8>,
    /// What it wrote to standard error.
    pub err: Vec<u8>,
    /// How long both were whenever it began to complain.
    marks: Vec<(usize, usize)>,
    /// Whether its standard output is written as it goes, not when it is full or the end is there.
    writes_at_once: bool,
    /// A program that it wants run. It waits for [`Scheduler::child_ended`].
    pub spawn: Option<Program>,
    /// Its end, if this was its last turn.
    pub ended: Option<Ended>,
}

impl Turn {
    /// What it wrote in the order in which a reader of both streams gets it: whether it is a complaint, and the bytes.
    pub fn pieces(&self) -> Vec<(bool, &[u8])> {
        if !self.writes_at_once {
            return vec![(true, &self.err), (false, &self.out)];
        }
        let (mut out, mut pieces) = (0, Vec::new());
        for (at, mark) in self.marks.iter().enumerate() {
            let end = self.marks.get(at + 1).map_or(self.err.len(), |next| next.1);
            pieces.extend([(false, &self.out[out..mark.0]), (true, &self.err[mark.1..end])]);
            out = mark.0;
        }
        pieces.push((false, &self.out[out..]));
        pieces
    }
}

/// Tools that write each line, or what belongs together, at once.
const AT_ONCE: &[&str] = &["bridge", "ip", "sysctl", "tc"];

/// The jobs that run on one machine.
#[derive(Default)]
pub struct Scheduler {
    jobs: BTreeMap<JobId, Running>,
    owners: BTreeMap<ProbeId, JobId>,
    holders: Holders,
    features: BTreeMap<(NetnsName, u32), Wanted>,
    ready: VecDeque<(JobId, Cause)>,
    last: u64,
}

struct Running {
    job: Box<dyn Job>,
    netns: NetnsName,
    process: Process,
    input: Input,
    probes: BTreeSet<ProbeId>,
    sockets: BTreeSet<ProbeId>,
    waits: Waits,
    writes_at_once: bool,
    /// How much of its input had come when it was told of it last, and whether that was all.
    told: (usize, bool),
}

/// The name of the process that is started by these words: the program's, and of a module Python's.
fn name_of(words: &[String]) -> String {
    let mut words = words.iter().filter(|word| *word != http::NAME);
    words.next().cloned().unwrap_or_default()
}

enum Cause {
    Wake(Wake),
    Signal(Signal),
}

impl Scheduler {
    /// A job begins; it runs with the next [`turn`](Scheduler::turn).
    pub fn start(&mut self, job: Box<dyn Job>, invocation: &Invocation) -> JobId {
        self.last += 1;
        let id = JobId(self.last);
        let running = Running {
            job,
            netns: invocation.netns.clone(),
            process: Process {
                pid: invocation.pid,
                name: name_of(&invocation.words),
                netns: Some(invocation.netns.clone()),
            },
            input: Input::default(),
            probes: BTreeSet::new(),
            sockets: BTreeSet::new(),
            waits: Waits::default(),
            writes_at_once: invocation.is_tty
                || invocation.words.first().is_some_and(|name| AT_ONCE.contains(&&**name)),
            told: (0, false),
        };
        self.jobs.insert(id, running);
        self.ready.push_back((id, Cause::Wake(Wake::Start)));
        id
    }

    /// Bytes come on a job's standard input.
    pub fn input(&mut self, id: JobId, bytes: &[u8]) {
        self.feed(id, |input| input.bytes.extend_from_slice(bytes));
    }

    /// A job's standard input ends.
    pub fn end_input(&mut self, id: JobId) {
        self.feed(id, |input| input.ended = true);
    }

    fn feed(&mut self, id: JobId, change: impl FnOnce(&mut Input)) {
        let Some(running) = self.jobs.get_mut(&id) else { return };
        change(&mut running.input);
        if running.waits.input {
            running.waits.input = false;
            running.told = (running.input.bytes.len(), running.input.ended);
            self.ready.push_back((id, Cause::Wake(Wake::Input)));
        }
    }

    /// Whose turn is next.
    pub fn whose_turn(&self) -> Option<JobId> {
        self.ready.iter().map(|(id, _)| *id).find(|id| self.jobs.contains_key(id))
    }

    /// Whether a job waits for standard input that has not come.
    pub fn wants_input(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|running| running.waits.input)
    }

    /// The jobs that wait for standard input that has not come.
    pub fn wanting_input(&self) -> impl Iterator<Item = JobId> + '_ {
        self.jobs.iter().filter(|(_, running)| running.waits.input).map(|(id, _)| *id)
    }

    /// The program that a job spawned has ended.
    pub fn child_ended(&mut self, id: JobId, status: u8) {
        if self.jobs.contains_key(&id) {
            self.ready.push_back((id, Cause::Wake(Wake::Child(status))));
        }
    }

    /// A job gets a signal. What is not there any more gets none.
    pub fn signal(&mut self, id: JobId, signal: Signal) {
        if self.jobs.contains_key(&id) {
            self.ready.push_back((id, Cause::Signal(signal)));
        }
    }

    /// Whether every job waits.
    pub fn is_idle(&self) -> bool {
        // What an ended job was woken for is nobody's business any more.
        self.whose_turn().is_none()
    }

    /// Whether there are jobs.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Where the last of the jobs is that a process stands for.
    pub fn place_of(&self, pid: u32) -> Option<&NetnsName> {
        let last = self.jobs.values().rfind(|running| running.process.pid == pid)?;
        last.process.netns.as_ref()
    }

    /// Runs the job whose turn it is. `None` when every job waits.
    pub fn turn(&mut self, machine: &mut dyn Backend, files: &mut dyn Files) -> Option<Turn> {
        let (id, cause) = loop {
            let (id, cause) = self.ready.pop_front()?;
            if self.jobs.contains_key(&id) {
                break (id, cause);
            }
        };
        // Of several jobs of a process the last is where it is.
        let place = |running: &Running| Some((running.process.pid, running.process.netns.clone()?));
        let places = self.jobs.values().filter_map(place).filter(|(pid, _)| *pid != 0).collect();
        let running = self.jobs.get_mut(&id)?;
        let (mut out, mut err, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        let writes_at_once = running.writes_at_once;
        let mut cx = Context {
            machine,
            netns: &running.netns,
            out: &mut out,
            err: &mut err,
            input: &mut running.input,
            files,
            marks: &mut marks,
            probes: &mut running.probes,
            sockets: &mut running.sockets,
            me: &running.process,
            holders: &mut self.holders,
            features: &mut self.features,
            places: &places,
        };
        let next = match cause {
            Cause::Wake(why) => Ok(running.job.wake(&mut cx, why)),
            Cause::Signal(Signal::KILL) => Err(Signal::KILL),
            Cause::Signal(signal) => running.job.signal(&mut cx, signal).ok_or(signal),
        };
        self.owners.extend(running.probes.iter().chain(&running.sockets).map(|probe| (*probe, id)));
        let mut spawn = None;
        let ended = match next {
            Ok(Next::Spawn(program)) => {
                running.waits = Waits::default();
                spawn = Some(program);
                None
            }
            Ok(Next::Wait(waits)) => {
                running.waits = waits;
                let there = (running.input.bytes.len(), running.input.ended);
                // What it left untaken the last time is no news.
                if waits.input && there != (0, false) && there != running.told {
                    running.waits.input = false;
                    running.told = there;
                    self.ready.push_back((id, Cause::Wake(Wake::Input)));
                }
                None
            }
            Ok(Next::Done(status)) => Some(Ended::Exit(status)),
            Ok(Next::Become(program)) => Some(Ended::Become(program)),
            Err(signal) => Some(Ended::Signal(signal)),
        };
        if ended.is_some()
            && let Some(running) = self.jobs.remove(&id)
        {
            for probe in running.probes {
                self.owners.remove(&probe);
                machine.stop(probe, Stop::Kill);
            }
            for socket in running.sockets {
                self.owners.remove(&socket);
                self.holders.remove(&socket);
                // That it is gone already is no matter.
                let _ = machine.socket(&Call::Close(socket));
            }
        }
        Some(Turn { job: id, out, err, marks, writes_at_once, spawn, ended })
    }

    /// Lets time pass until a job has something to do, or until `limit`. Says whether a job has: if not, the time is
    /// `limit`, or nothing is left to happen. Must be called only when every job waits.
    pub fn pass(&mut self, machine: &mut dyn Backend, limit: Instant) -> bool {
        assert!(self.is_idle(), "time passes only when every job waits");
        loop {
            let wanted = self.jobs.iter().filter_map(|(id, r)| Some((r.waits.until?, *id))).min();
            let until = wanted.map_or(limit, |(at, _)| at.min(limit));
            match machine.advance(until) {
                Some((_, probe, event)) => {
                    let Some(id) = self.owners.get(&probe).copied() else { continue };
                    self.ready.push_back((id, Cause::Wake(Wake::Event(probe, event))));
                    return true;
                }
                None => {
                    let now = machine.now();
                    let due = |r: &Running| r.waits.until.is_some_and(|at| at <= now);
                    for (id, running) in self.jobs.iter_mut().filter(|(_, r)| due(r)) {
                        running.waits.until = None;
                        self.ready.push_back((*id, Cause::Wake(Wake::Time)));
                    }
                    return !self.ready.is_empty();
                }
            }
        }
    }
}
