//! Workloads on real sockets: what runs, what happened, and the one place that waits.
//!
//! Kernel counterpart: the programs `ping`, `arping`, `traceroute`, `nc` and `tcpdump` around their sockets. A workload's
//! sockets are opened inside its namespace by the thread that enters namespaces and belong to that namespace wherever they
//! are used; from then on everything happens on the caller's thread, in [`Probes::advance`], by poll(2). Events carry the
//! kernel's time of receipt, not the time of reading, so that what came while nobody waited still has its true time.
//! Deliberately absent: threads, a runtime (a handful of sockets per lab need none), decisions (they are in
//! `nettwin_model::probe`).

mod arping;
mod capture;
mod driven;
mod flow;
mod frames;
mod listen;
mod ping;
mod socket;
mod sys;
mod trace;

use crate::netns::{Netns, Worker};
use nettwin_model::probe::{Outcome, Probe, ProbeEvent, ProbeId, Stop, WakeAt};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Errno, Fault, Instant};
use rustix::event::{PollFd, Timespec, poll};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::time::Duration;

/// The running workloads of one machine.
#[derive(Debug, Default)]
pub struct Probes {
    last_id: u64,
    running: BTreeMap<ProbeId, Box<dyn Task>>,
    /// The sockets that users have.
    sockets: BTreeMap<ProbeId, socket::Socket>,
    /// What happened and was not yet fetched, by time.
    happened: VecDeque<(Instant, ProbeId, ProbeEvent)>,
    /// The time of the last event fetched: time never goes back.
    told: Instant,
}

impl Probes {
    /// Starts a workload in `netns`; its sockets are open (a capture's: capturing) when this returns. ENODEV if it names
    /// an interface that is not there.
    pub fn start(&mut self, netns: &Netns, worker: &Worker, probe: Probe, now: Instant) -> Result<ProbeId, Fault> {
        let clock = Clock::new(now);
        let id = ProbeId(self.last_id + 1);
        let mut out = Vec::new();
        let task = worker.run_in(netns, || open(&probe, id))?;
        let task = match task {
            Ok(begin) => begin(clock, &mut out),
            Err(Refusal::Start(fault)) => return Err(fault),
            Err(Refusal::Open(errno)) => {
                out.push((clock.now(), ProbeEvent::Done(Outcome::Failed(errno))));
                None
            }
        };
        self.last_id += 1;
        if let Some(task) = task.filter(|_| !is_done(&out)) {
            self.running.insert(id, task);
        }
        self.take_in(out.into_iter().map(|(at, event)| (at, id, event)).collect());
        Ok(id)
    }

    /// Ends a workload; what had come in by now is reported before its `Done`.
    pub fn stop(&mut self, id: ProbeId, how: Stop, now: Instant) {
        let clock = Clock::new(now);
        if let Some(socket) = self.sockets.remove(&id) {
            if how == Stop::Kill {
                // It is a stream or it is not; it goes either way.
                let _ = { socket }.call(&Call::Abort(id), id);
            }
            self.take_in(vec![(clock.now(), id, ProbeEvent::Done(Outcome::Stopped))]);
            return;
        }
        let Some(mut task) = self.running.remove(&id) else { return };
        let mut out = Vec::new();
        task.read(clock, &mut out);
        if !is_done(&out) {
            task.stop(how, clock, &mut out);
        }
        self.take_in(out.into_iter().map(|(at, event)| (at, id, event)).collect());
    }

    /// Opens a socket in `netns`.
    pub fn open_socket(&mut self, netns: &Netns, worker: &Worker, call: &Call) -> Result<Reply, Fault> {
        let socket = worker.run_in(netns, || socket::open(call))?.map_err(Fault::errno)?;
        self.last_id += 1;
        let id = ProbeId(self.last_id);
        self.sockets.insert(id, socket);
        Ok(Reply::Opened(id))
    }

    /// A call on a socket that is open.
    pub fn call_socket(&mut self, id: ProbeId, call: &Call) -> Result<Reply, Fault> {
        let fresh = ProbeId(self.last_id + 1);
        let socket = self.sockets.get_mut(&id).ok_or(Fault::errno(Errno::EBADF))?;
        let (reply, accepted) = socket.call(call, fresh).map_err(Fault::errno)?;
        if let Some(accepted) = accepted {
            self.last_id = fresh.0;
            self.sockets.insert(fresh, accepted);
        }
        if matches!(call, Call::Close(_) | Call::Abort(_)) {
            self.sockets.remove(&id);
            self.happened.retain(|(_, of, event)| *of != id || *event != ProbeEvent::News);
        }
        Ok(reply)
    }

    /// Blocks until the next event or `until`; `now` reads the machine's clock. With [`Instant::FAR`] and nothing running
    /// it returns at once.
    pub fn advance(&mut self, now: impl Fn() -> Instant, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        loop {
            if self.happened.is_empty() {
                self.serve(Clock::new(now()));
            }
            if let Some((at, ..)) = self.happened.front() {
                if *at > until {
                    return None;
                }
                return self.happened.pop_front();
            }
            let present = now();
            if present >= until || (until == Instant::FAR && self.running.is_empty() && self.sockets.is_empty()) {
                return None;
            }
            let wake = self.running.values().filter_map(|t| t.wake_at()).min().map_or(until, |w| w.min(until));
            self.wait(wake, present);
        }
    }

    /// Reads what came in and lets due timers act.
    fn serve(&mut self, clock: Clock) {
        let mut events = Vec::new();
        let mut over = Vec::new();
        for (id, task) in &mut self.running {
            let mut out = Vec::new();
            task.read(clock, &mut out);
            while !is_done(&out) && task.wake_at().is_some_and(|at| at <= clock.now()) {
                task.timer(clock, &mut out);
                if !is_done(&out) {
                    task.read(clock, &mut out);
                }
            }
            if is_done(&out) {
                over.push(*id);
            }
            events.extend(out.into_iter().map(|(at, event)| (at, *id, event)));
        }
        for id in over {
            self.running.remove(&id);
        }
        for (id, socket) in &mut self.sockets {
            if socket.has_news() {
                events.push((clock.now(), *id, ProbeEvent::News));
            }
        }
        self.take_in(events);
    }

    /// Puts new events behind those that wait, by time; those of one time stay in their order.
    fn take_in(&mut self, mut events: Vec<(Instant, ProbeId, ProbeEvent)>) {
        events.sort_by_key(|(at, ..)| *at);
        for (at, id, event) in events {
            self.told = self.told.max(at);
            self.happened.push_back((self.told, id, event));
        }
    }

    fn wait(&self, until: Instant, now: Instant) {
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        for task in self.running.values() {
            task.watch(&mut fds);
        }
        self.sockets.values().for_each(|socket| socket.watch(&mut fds));
        let left = until.since(now);
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        // What came is read whatever poll says; a signal only makes the loop go round once more. Should the call itself
        // fail (for want of memory), this must not spin.
        if let Err(errno) = poll(&mut fds, (until != Instant::FAR).then_some(&timeout))
            && errno != rustix::io::Errno::INTR
        {
            std::thread::sleep(left.min(Duration::from_millis(10)));
        }
    }
}

/// A workload with its sockets.
trait Task: Debug {
    /// Adds the descriptors to wait for.
    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>);
    /// When [`Task::timer`] is due.
    fn wake_at(&self) -> WakeAt;
    /// Reads all that came in.
    fn read(&mut self, clock: Clock, out: &mut Outbox);
    /// The instant of `wake_at` has come.
    fn timer(&mut self, clock: Clock, out: &mut Outbox);
    /// The caller ends it; the last event must be `Done`.
    fn stop(&mut self, how: Stop, clock: Clock, out: &mut Outbox);
}

/// What a task has to report.
type Outbox = Vec<(Instant, ProbeEvent)>;

/// A workload whose sockets are open: sends what is to be sent first. `None` if that was all.
type Begin = Box<dyn FnOnce(Clock, &mut Outbox) -> Option<Box<dyn Task>> + Send>;

/// Why a workload did not begin.
enum Refusal {
    /// It cannot be started.
    Start(Fault),
    /// It was started, and failed to open, bind or connect its socket.
    Open(Errno),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Refusal::Open(errno)
    }
}

/// Opens a workload's sockets in the calling thread's namespace.
fn open(probe: &Probe, id: ProbeId) -> Result<Begin, Refusal> {
    match probe {
        Probe::Ping(p) => ping::open(p, id),
        Probe::Arping(p) => arping::open(p),
        Probe::Trace(p) => trace::open(p, id),
        Probe::Udp(p) => flow::open_udp(p),
        Probe::Tcp(p) => flow::open_tcp(p),
        Probe::Listen(p) => listen::open(p),
        Probe::Capture(p) => capture::open(p),
        Probe::Frames(p) => frames::open(p),
    }
}

/// A raw or packet socket could not be made: a want of privilege, not an outcome.
fn no_socket(errno: Errno) -> Refusal {
    Refusal::Start(Fault::errno(errno))
}

/// An interface's index; that it is not there is refused when the workload is started.
fn ifindex(fd: impl std::os::fd::AsFd, dev: nettwin_model::IfName) -> Result<u32, Refusal> {
    sys::ifindex(fd, dev.as_str()).map_err(|errno| Refusal::Start(Fault::errno(errno)))
}

fn is_done(out: &Outbox) -> bool {
    matches!(out.last(), Some((_, ProbeEvent::Done(_))))
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
struct Clock {
    then: std::time::Instant,
    machine: Instant,
}

impl Clock {
    fn new(now: Instant) -> Self {
        Clock { then: std::time::Instant::now(), machine: now }
    }

    fn now(self) -> Instant {
        self.machine + self.then.elapsed()
    }

    /// The instant `age` ago.
    fn ago(self, age: Duration) -> Instant {
        let age = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        Instant::from_nanos(self.now().as_nanos().saturating_sub(age))
    }
}
