//! The run's server: it holds the machine and the jobs, and lets time pass when every process of the script waits.
//!
//! It acts only while all of them are asleep, does one thing, and if that woke somebody waits until all sleep again. So what
//! happens at one instant happens in a fixed order (signals, input, what the jobs do, new commands; processes by their
//! place in the tree), and the same script gives the same bytes. Kernel counterpart: the scheduler and the clock.
//! Deliberately absent: a process that computes takes no virtual time, one that sleeps by the real clock takes as much of
//! it as of the real.

use super::builtin::Pace;
use super::machine::Told;
use super::names::{called, can_be_real, goes_on, usual};
use super::noted::{Note, Noted, TALKING};
use super::os::{Census, Waiter, Watch, wait_readable};
use super::peer::Peer;
use super::spin::Spin;
use super::views::Views;
use super::wire::{Ask, Call, Tell};
use nettwin::model::{Backend, Instant, NetnsName, Query};
use nettwin_commands::job::{Invocation, NoFiles, Program, Signal};
use nettwin_commands::sched::{Ended, JobId, Scheduler, Turn};
use nettwin_commands::tools::tool;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as RealInstant};

/// Why the server has nothing more to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The script ended.
    Ended,
    /// The script could not be shown its networks.
    NoScene(String),
    /// It took too long, or it waited for nothing; in words.
    TooLong(String),
    /// The run was told to stop; who waited, in words.
    Stopped(String),
}

/// What the run was told by signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    /// It is to stop.
    pub(crate) stop: Arc<AtomicBool>,
    /// Whoever is in the foreground is: the script too, which decides while it can.
    pub(crate) interrupt: Arc<AtomicBool>,
}

/// The server.
pub(crate) struct Server {
    machine: Told,
    scheduler: Scheduler,
    listener: UnixListener,
    peers: BTreeMap<u64, Peer>,
    owners: BTreeMap<JobId, u64>,
    last: u64,
    first: Option<u64>,
    watch: Option<Watch>,
    census: Census,
    views: Views,
    pace: Pace,
    paced: Option<(RealInstant, Instant)>,
    refused: BTreeMap<String, usize>,
    stop: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
}

/// What one act came to.
#[derive(PartialEq, Eq)]
enum Acted {
    /// Nobody woke: the next can follow at once.
    Quietly,
    /// A process woke.
    Woke,
    /// There is nothing to do before something else happens.
    Waiting,
    /// The time is over.
    Late,
}

impl Server {
    /// A server in the run's folder, on a fresh machine.
    pub(crate) fn new(folder: &Path, machine: Told, pace: Pace, signals: Signals) -> io::Result<Self> {
        let mut machine = machine;
        let listener = UnixListener::bind(folder.join("socket"))?;
        listener.set_nonblocking(true)?;
        let mut views = Views::new(folder)?;
        views.show(&mut machine, &NetnsName::host())?;
        Ok(Server {
            machine,
            scheduler: Scheduler::default(),
            listener,
            peers: BTreeMap::new(),
            owners: BTreeMap::new(),
            last: 0,
            first: None,
            watch: None,
            census: Census::default(),
            views,
            pace,
            paced: None,
            refused: BTreeMap::new(),
            stop: signals.stop,
            interrupt: signals.interrupt,
        })
    }

    /// Shows every namespace, not only those in which somebody is.
    pub(crate) fn show_all(&mut self) {
        self.views.show_all();
    }

    /// The machine with the notes about it.
    pub(crate) fn into_noted(self) -> Option<Noted> {
        self.machine.into_noted()
    }

    /// What was refused, and how often.
    pub(crate) fn refused(&self) -> &BTreeMap<String, usize> {
        &self.refused
    }

    /// Serves until the run is over. `processes` finds the script's, once they stand; `has_ended` says whether all is over
    /// where no first process stands for the others.
    pub(crate) fn serve(
        &mut self,
        processes: impl Fn() -> Option<Watch>,
        mut has_ended: impl FnMut() -> bool,
    ) -> io::Result<Over> {
        if self.machine.is_real() {
            return self.serve_by_the_wall(processes, has_ended);
        }
        let mut pause = SHORTEST;
        let mut silent: Option<RealInstant> = None;
        let mut is_quiet = false;
        loop {
            let heard = self.listen()?;
            if heard {
                (pause, silent) = (SHORTEST, None);
            }
            if let Some(over) = self.is_over(&mut has_ended) {
                return Ok(over);
            }
            if self.watch.is_none() {
                self.watch = processes();
            }
            let asleep = match &self.watch {
                Some(watch) if self.has_work() => watch.asleep(),
                // Looking at them costs more than what most of them ask for.
                Some(watch) if is_quiet => {
                    if let Some(names) = self.stuck(watch, &mut silent) {
                        return Ok(Over::TooLong(names));
                    }
                    None
                }
                _ => None,
            };
            let Some(census) = asleep else {
                let (time, begun) = (if self.has_work() { pause } else { LONGEST }, RealInstant::now());
                self.wait(time)?;
                is_quiet = time == LONGEST && begun.elapsed() >= LONGEST;
                pause = (pause * 2).min(LONG);
                continue;
            };
            is_quiet = false;
            self.census = census;
            // What was said before the last of them fell asleep.
            self.listen()?;
            if let Some(over) = self.is_over(&mut has_ended) {
                return Ok(over);
            }
            self.interrupt.store(false, Ordering::SeqCst);
            let mut spin = Spin::begin(self.machine.now());
            loop {
                match self.act()? {
                    // A job that never comes to rest is no reason to be deaf.
                    Acted::Quietly if spin.is_long() => {
                        if self.listen()? {
                            break;
                        }
                        if let Some(over) = self.judge(&mut spin) {
                            return Ok(over);
                        }
                    }
                    Acted::Quietly => {}
                    Acted::Woke => break,
                    Acted::Waiting => {
                        self.wait(LONG)?;
                        break;
                    }
                    Acted::Late => {
                        let most = self.pace.most.as_secs();
                        let why = format!("the script took more than {most} s of virtual time; {}", self.waiting());
                        return Ok(Over::TooLong(why));
                    }
                }
            }
            pause = SHORTEST;
        }
    }

    /// The same by the wall's clock: nobody is waited for, everything is done when it comes.
    fn serve_by_the_wall(
        &mut self,
        processes: impl Fn() -> Option<Watch>,
        mut has_ended: impl FnMut() -> bool,
    ) -> io::Result<Over> {
        loop {
            self.listen()?;
            if let Some(over) = self.is_over(&mut has_ended) {
                return Ok(over);
            }
            if self.watch.is_none() {
                self.watch = processes();
            }
            self.census = self.watch.as_ref().map(Watch::census).unwrap_or_default();
            let mut spin = Spin::begin(self.machine.now());
            loop {
                match self.act()? {
                    Acted::Quietly | Acted::Woke if spin.is_long() => break,
                    Acted::Quietly | Acted::Woke => {}
                    Acted::Waiting => break,
                    Acted::Late => {
                        let most = self.pace.most.as_secs();
                        return Ok(Over::TooLong(format!("the script took more than {most} s; {}", self.waiting())));
                    }
                }
            }
            self.machine.exchange()?;
            self.wait(LONG)?;
        }
    }

    /// Whether a job that has kept all others waiting for a while must end.
    fn judge(&mut self, spin: &mut Spin) -> Option<Over> {
        if self.stop.load(Ordering::SeqCst) || spin.is_interrupted(&self.interrupt) {
            return Some(Over::Stopped(self.waiting()));
        }
        let is_stuck = spin.is_stuck(self.machine.now());
        is_stuck.then(|| Over::TooLong(format!("nothing happened for 60 s; {}", self.waiting())))
    }

    fn is_over(&mut self, has_ended: &mut impl FnMut() -> bool) -> Option<Over> {
        if self.stop.load(Ordering::SeqCst) {
            return Some(Over::Stopped(self.waiting()));
        }
        let gone = self.first.is_some_and(|first| self.peers.get(&first).is_none_or(|peer| peer.is_gone));
        if gone || (self.first.is_none() && has_ended()) {
            return Some(Over::Ended);
        }
        let said = self.peers.values().flat_map(|peer| &peer.said);
        let no_scene = said.filter_map(|(ask, _)| if let Ask::NoScene(why) = ask { Some(why.clone()) } else { None });
        no_scene.map(Over::NoScene).next()
    }

    /// Takes what has come from the processes. Says whether something has.
    fn listen(&mut self) -> io::Result<bool> {
        let mut heard = false;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    self.last += 1;
                    self.peers.insert(self.last, Peer::new(stream)?);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        for (id, peer) in &mut self.peers {
            let before = (peer.said.len(), peer.is_gone);
            peer.flush();
            peer.listen();
            heard |= before != (peer.said.len(), peer.is_gone);
            // The first process says only that it stands.
            if let Some((Ask::Ready, _)) = peer.said.front() {
                peer.said.pop_front();
                self.first = Some(*id);
            }
        }
        Ok(heard)
    }

    fn wait(&self, time: Duration) -> io::Result<()> {
        let listener = std::iter::once(self.listener.as_fd());
        let live = self.peers.values().filter(|peer| !peer.is_gone);
        let fds: Vec<BorrowedFd<'_>> =
            listener.chain(live.map(|peer| peer.stream.as_fd())).chain(self.machine.fds()).collect();
        wait_readable(&fds, time)
    }

    /// Whether there is anything to do once all are asleep.
    fn has_work(&self) -> bool {
        let wants =
            |peer: &Peer| !peer.said.is_empty() || peer.due.is_some() || (peer.is_gone && !peer.jobs.is_empty());
        !self.scheduler.is_empty() || self.peers.values().any(wants)
    }

    /// Nobody wants anything of us. If nobody can ever wake either, that ends after a while.
    fn stuck(&self, watch: &Watch, silent: &mut Option<RealInstant>) -> Option<String> {
        match watch.asleep() {
            Some(census) if watch.waits_outside(&census).is_none() => {
                let since = silent.get_or_insert_with(RealInstant::now);
                (since.elapsed() >= PATIENCE).then(|| format!("nothing happened for 60 s; {}", self.waiting()))
            }
            _ => {
                *silent = None;
                None
            }
        }
    }

    /// Who waits, in words.
    fn waiting(&self) -> String {
        let census = self.watch.as_ref().map(Watch::census).unwrap_or_default();
        let calls = |pid: u32| {
            let mut calls = self.peers.values().filter_map(|peer| peer.call.as_ref());
            calls.find(|call| call.pid == pid).map(|call| call.words.join(" "))
        };
        let names = census.names().into_iter().filter(|(pid, _)| *pid != 1);
        let names: Vec<String> =
            names.map(|(pid, name)| format!("{} (process {pid})", calls(pid).unwrap_or(name))).collect();
        if names.is_empty() { "nobody waits".to_owned() } else { format!("these wait: {}", names.join(", ")) }
    }

    /// Does one thing. All processes are asleep.
    fn act(&mut self) -> io::Result<Acted> {
        self.machine.turn_of(None);
        for complaint in self.views.take_written(&mut self.machine)? {
            eprintln!("nettwin: {complaint}");
        }
        self.bury();
        self.machine.sweep(|pid| self.census.has(pid));
        if let Some(id) = self.next_to_be_heard() {
            return self.hear(id);
        }
        if let Some(job) = self.scheduler.whose_turn() {
            let peer = self.owners.get(&job).and_then(|id| self.peers.get_mut(id));
            self.machine.turn_of(peer.as_ref().and_then(|peer| peer.call.as_ref()));
            let turn = match peer {
                Some(peer) => self.scheduler.turn(&mut self.machine, peer),
                None => self.scheduler.turn(&mut self.machine, &mut NoFiles),
            };
            return turn.map_or(Ok(Acted::Quietly), |turn| self.deliver(turn));
        }
        let now = self.machine.now();
        let due = self.peers.iter().filter(|(_, peer)| peer.due.is_some_and(|due| due <= now));
        if let Some(id) = due.min_by_key(|(id, peer)| (peer.due, self.place(peer), **id)).map(|(id, _)| *id) {
            return self.begin(id);
        }
        Ok(self.pass())
    }

    /// Ends the jobs of processes that have gone.
    fn bury(&mut self) {
        self.peers.retain(|id, peer| {
            if peer.is_gone && Some(*id) != self.first {
                for job in &peer.jobs {
                    self.scheduler.signal(*job, Signal::KILL);
                }
                return false;
            }
            true
        });
    }

    fn place(&self, peer: &Peer) -> Vec<u32> {
        peer.call.as_ref().map(|call| self.census.place(call.pid)).unwrap_or_default()
    }

    fn next_to_be_heard(&self) -> Option<u64> {
        let said = self.peers.iter().filter_map(|(id, peer)| {
            let (ask, _) = peer.said.front()?;
            let (rank, place) = match ask {
                Ask::Signal(_) => (0, self.place(peer)),
                Ask::Input | Ask::ChildEnded(_) => (1, self.place(peer)),
                Ask::Run(call) | Ask::Become(call) => (2, self.census.place(call.pid)),
                _ => (3, Vec::new()),
            };
            Some(((rank, place, *id), *id))
        });
        said.min().map(|(_, id)| id)
    }

    fn hear(&mut self, id: u64) -> io::Result<Acted> {
        let Some(peer) = self.peers.get_mut(&id) else { return Ok(Acted::Quietly) };
        let Some((ask, bytes)) = peer.said.pop_front() else { return Ok(Acted::Quietly) };
        match ask {
            Ask::Run(call) => {
                // Sleeping takes the time it takes; the others have to be found, loaded and linked first.
                let is_sleep = call.words.first().is_some_and(|word| word == "sleep");
                let step = if is_sleep { Duration::ZERO } else { self.pace.step };
                peer.due = Some(self.machine.now() + step);
                peer.call = Some(call);
            }
            Ask::Become(call) => {
                let program = Program { netns: call.netns.clone(), words: call.words.clone() };
                peer.call = Some(call);
                return self.hand_over(id, program);
            }
            Ask::Signal(signal) => {
                if let Some(job) = peer.jobs.last() {
                    self.scheduler.signal(*job, Signal(signal));
                }
            }
            Ask::Input => {
                peer.reads = false;
                match peer.jobs.last() {
                    Some(job) if bytes.is_empty() => self.scheduler.end_input(*job),
                    Some(job) => self.scheduler.input(*job, &bytes),
                    None => {}
                }
            }
            Ask::ChildEnded(status) => {
                if let Some(job) = peer.jobs.last() {
                    self.scheduler.child_ended(*job, status);
                }
            }
            Ask::Time => {
                peer.tell(&Tell::Time(self.machine.now().as_nanos()), &[]);
                return Ok(Acted::Woke);
            }
            Ask::Where(pid) => {
                peer.tell(&Tell::Where(self.scheduler.place_of(pid).cloned()), &[]);
                return Ok(Acted::Woke);
            }
            Ask::Refused(what) => {
                self.machine.note(|| Note::Refused(what.clone()));
                *self.refused.entry(what).or_default() += 1;
                peer.tell(&Tell::Exit(255), &[]);
                return Ok(Acted::Woke);
            }
            Ask::Ready | Ask::NoScene(_) | Ask::File(_) => {}
        }
        Ok(Acted::Quietly)
    }

    /// Begins the command that a process stands for.
    fn begin(&mut self, id: u64) -> io::Result<Acted> {
        let Some(peer) = self.peers.get_mut(&id) else { return Ok(Acted::Quietly) };
        peer.due = None;
        let Some(Call { netns, words, .. }) = peer.call.clone() else { return Ok(Acted::Quietly) };
        let program = Program { netns, words };
        if self.is_for_real(&program) {
            return self.tell_to_run(id, program, Tell::Become);
        }
        if self.start(id, program) {
            return Ok(Acted::Quietly);
        }
        // The shims' names and the tools' are one table.
        self.peers.get_mut(&id).into_iter().for_each(|peer| peer.tell(&Tell::Exit(127), &[]));
        Ok(Acted::Woke)
    }

    /// Starts a job for a process. Says whether there is such a command.
    fn start(&mut self, id: u64, program: Program) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let Some(call) = &peer.call else { return false };
        let Some(name) = program.words.first().and_then(|word| called(word)) else { return false };
        let Some(tool) = tool(name) else { return false };
        let mut words = program.words.clone();
        words[0] = name.to_owned();
        let (env, is_tty, pid) = (call.env.clone(), call.is_tty, call.pid);
        let invocation = Invocation { words, netns: program.netns, env, is_tty, pid };
        if TALKING.contains(&name) {
            self.machine.turn_of(peer.call.as_ref());
            self.machine.note(|| Note::Talked);
        }
        let job = self.scheduler.start((tool.start)(&invocation), &invocation);
        peer.jobs.push(job);
        self.owners.insert(job, id);
        true
    }

    /// Hands on what a job did.
    fn deliver(&mut self, turn: Turn) -> io::Result<Acted> {
        let id = match turn.ended {
            Some(_) => self.owners.remove(&turn.job),
            None => self.owners.get(&turn.job).copied(),
        };
        let Some(id) = id else { return Ok(Acted::Quietly) };
        self.refresh()?;
        if turn.ended == Some(Ended::Exit(255)) && turn.err.starts_with(b"nettwin: ") {
            let line = String::from_utf8_lossy(&turn.err).lines().next().unwrap_or_default()[9..].to_owned();
            self.machine.note(|| Note::Refused(line.clone()));
            *self.refused.entry(line).or_default() += 1;
        }
        let wants_input = self.scheduler.wants_input(turn.job);
        let Some(peer) = self.peers.get_mut(&id) else { return Ok(Acted::Quietly) };
        let mut acted = Acted::Quietly;
        for (is_complaint, bytes) in turn.pieces() {
            if !bytes.is_empty() {
                peer.tell(if is_complaint { &Tell::Err } else { &Tell::Out }, bytes);
                acted = Acted::Woke;
            }
        }
        if wants_input && !peer.reads {
            peer.reads = true;
            peer.tell(&Tell::WantInput, &[]);
            acted = Acted::Woke;
        }
        if let Some(program) = turn.spawn {
            return Ok(if self.run_beside(id, program)? == Acted::Woke { Acted::Woke } else { acted });
        }
        let Some(ended) = turn.ended else { return Ok(acted) };
        peer.jobs.retain(|job| *job != turn.job);
        let (told, status) = match ended {
            Ended::Exit(status) => (Tell::Exit(status), status),
            Ended::Signal(Signal(signal)) => (Tell::Die(signal), 128 + (signal & 0x7f)),
            Ended::Become(program) => {
                let next =
                    if peer.jobs.is_empty() { self.hand_over(id, program)? } else { self.run_beside(id, program)? };
                return Ok(if next == Acted::Woke { Acted::Woke } else { acted });
            }
        };
        match peer.jobs.last() {
            Some(parent) => self.scheduler.child_ended(*parent, status),
            None => {
                peer.tell(&told, &[]);
                acted = Acted::Woke;
            }
        }
        Ok(acted)
    }

    /// Another program takes the place of what a process stands for.
    fn hand_over(&mut self, id: u64, program: Program) -> io::Result<Acted> {
        if !self.is_for_real(&program) && !goes_on(&program.words) && self.start(id, program.clone()) {
            return Ok(Acted::Quietly);
        }
        self.tell_to_run(id, program, Tell::Become)
    }

    /// A job runs another program and waits for it.
    fn run_beside(&mut self, id: u64, program: Program) -> io::Result<Acted> {
        if !self.is_for_real(&program) && !goes_on(&program.words) && self.start(id, program.clone()) {
            return Ok(Acted::Quietly);
        }
        self.tell_to_run(id, program, Tell::Spawn)
    }

    /// Whether a program must be the real one: it is no tool of the simulated network, or it talks to the network from
    /// where real programs have it.
    fn is_for_real(&self, program: &Program) -> bool {
        let name = program.words.first().and_then(|word| usual(word)).filter(|_| self.machine.is_real());
        name.is_some_and(|name| {
            can_be_real(name) || TALKING.contains(&name) && self.machine.has_programs(&program.netns)
        })
    }

    fn tell_to_run(&mut self, id: u64, program: Program, how: fn(NetnsName, Vec<String>) -> Tell) -> io::Result<Acted> {
        let is_there = self.machine.query(&Query::Netns(program.netns.clone())).is_ok();
        if is_there {
            self.views.show(&mut self.machine, &program.netns)?;
            if self.machine.is_real() {
                return self.tell_to_run_for_real(id, program, how);
            }
        }
        let Some(peer) = self.peers.get_mut(&id) else { return Ok(Acted::Quietly) };
        if is_there {
            peer.tell(&how(program.netns, program.words), &[]);
        } else {
            let missing = format!("nettwin: there is no namespace {}\n", program.netns);
            peer.tell(&Tell::Err, missing.as_bytes());
            peer.tell(&Tell::Exit(1), &[]);
        }
        Ok(Acted::Woke)
    }

    fn tell_to_run_for_real(
        &mut self,
        id: u64,
        program: Program,
        how: fn(NetnsName, Vec<String>) -> Tell,
    ) -> io::Result<Acted> {
        let inside = self.machine.open(&program.netns);
        let Some(peer) = self.peers.get_mut(&id) else { return Ok(Acted::Quietly) };
        match inside {
            Ok(inside) => {
                let told = match how(program.netns, program.words) {
                    Tell::Spawn(netns, words) => Tell::SpawnReal(netns, words),
                    Tell::Become(netns, words) => Tell::BecomeReal(netns, words),
                    other => other,
                };
                peer.tell_with(&told, inside.as_fd());
            }
            Err(fault) => {
                peer.tell(&Tell::Err, format!("nettwin: {}: {fault}\n", program.netns).as_bytes());
                peer.tell(&Tell::Exit(125), &[]);
            }
        }
        Ok(Acted::Woke)
    }

    fn refresh(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.machine.executed) {
            let settings = std::mem::take(&mut self.machine.settings);
            self.views.refresh(&mut self.machine, settings)?;
        }
        Ok(())
    }

    /// Lets the machine catch up with the wall.
    fn pass_by_the_wall(&mut self) -> Acted {
        let (before, present) = (self.machine.now(), self.machine.present());
        let end = Instant::ZERO + self.pace.most;
        if before >= end {
            return Acted::Late;
        }
        let due = self.peers.values().filter_map(|peer| peer.due).min();
        let limit = due.map_or(present, |due| due.min(present)).min(end);
        let happened = self.scheduler.pass(&mut self.machine, limit);
        if happened || due.is_some_and(|due| due <= self.machine.now()) { Acted::Quietly } else { Acted::Waiting }
    }

    /// Lets time pass until something happens.
    fn pass(&mut self) -> Acted {
        if self.machine.is_real() {
            return self.pass_by_the_wall();
        }
        let now = self.machine.now();
        let end = Instant::ZERO + self.pace.most;
        let due = self.peers.values().filter_map(|peer| peer.due).min();
        if due.is_none() && self.scheduler.is_empty() {
            return Acted::Waiting;
        }
        if now >= end {
            return Acted::Late;
        }
        let mut limit = due.map_or(end, |due| due.min(end));
        let waiter: Option<Waiter> = self.watch.as_ref().and_then(|watch| watch.waits_outside(&self.census));
        if waiter.is_some() {
            // Somebody sleeps by the real clock, or the script's user thinks: the two clocks go together.
            let (real, virtual_) = *self.paced.get_or_insert_with(|| (RealInstant::now(), now));
            limit = limit.min((virtual_ + real.elapsed()).max(now));
        } else {
            self.paced = None;
        }
        // What moves by itself may take long without waking anybody.
        limit = limit.min(now + STRIDE);
        let happened = self.scheduler.pass(&mut self.machine, limit);
        self.machine.executed = true;
        let is_due = due.is_some_and(|due| due <= self.machine.now());
        if happened || is_due || waiter.is_none() { Acted::Quietly } else { Acted::Waiting }
    }
}

/// How long to wait for processes to fall asleep, at first.
const SHORTEST: Duration = Duration::from_micros(30);
/// And at most.
const LONG: Duration = Duration::from_millis(1);
/// How long to wait when there is nothing to do.
const LONGEST: Duration = Duration::from_millis(20);
/// How far time goes at most before the server looks around, if nothing happens.
const STRIDE: Duration = Duration::from_secs(1);
/// How long nothing may happen, in real time.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
