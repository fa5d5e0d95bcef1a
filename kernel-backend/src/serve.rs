//! The holder's loop: one machine, several clients, one thread.
//!
//! A client that waits for an event ([`Backend::advance`]) does not keep the others waiting: the machine is advanced in
//! short slices, and events go to the client that started the workload. A client that goes away takes its workloads with
//! it. The first client is the lab's builder: until it commits, the lab dies with its connection. Deliberately absent:
//! threads.

use crate::protocol::{self, Reply, Request};
use nettwin_model::backend::{Backend, Fault};
use nettwin_model::probe::{ProbeEvent, ProbeId, Stop};
use nettwin_model::socket::{self, Call};
use nettwin_model::{Instant, NetnsName};
use rustix::event::{PollFd, PollFlags, poll};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// A machine that a holder can hold.
pub trait Held: Backend {
    /// The number of the open descriptor of this namespace.
    fn netns_fd(&self, netns: &NetnsName) -> Option<i32>;
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A client destroyed the lab.
    Destroyed,
    /// The builder went away before it committed.
    Abandoned,
}

/// Serves `machine` until the lab ends. `builder` is the process that builds it, `committed` is called when the builder
/// commits, before it is told so; `ending` before a client that destroys the lab is told so.
pub fn serve<B: Held>(
    machine: &mut B,
    builder: UnixStream,
    listener: Option<&UnixListener>,
    mut committed: impl FnMut() -> io::Result<()>,
    mut ending: impl FnMut() -> io::Result<()>,
) -> io::Result<Ended> {
    let mut clients = vec![Client::new(builder, true)?];
    let mut is_committed = false;
    loop {
        let waiting = clients.iter().filter_map(|c| c.waiting).min();
        if let Some(until) = waiting {
            let slice = machine.now() + SLICE;
            let event = machine.advance(until.min(slice));
            dispatch(&mut clients, event, machine.now());
        }
        let ready = wait(&clients, listener, waiting.is_none())?;
        for (client, ready) in clients.iter_mut().zip(&ready.clients) {
            if *ready {
                client.read();
            }
        }
        for client in &mut clients {
            while let Some(request) = client.next_request() {
                match request {
                    Request::Hello => client.reply(&Reply::Hello { pid: std::process::id(), committed: is_committed }),
                    Request::Commit => {
                        let result = committed().map_err(|e| Fault::Broken(e.to_string()));
                        is_committed |= result.is_ok();
                        client.reply(&Reply::Done(result));
                    }
                    Request::End => {
                        let result = ending().map_err(|e| Fault::Broken(e.to_string()));
                        client.reply(&Reply::Done(result));
                        return Ok(Ended::Destroyed);
                    }
                    other => client.answer(machine, other),
                }
            }
        }
        let abandoned = clients.iter().any(|c| c.gone && c.is_builder) && !is_committed;
        for client in clients.extract_if(.., |c| c.gone) {
            client.running.iter().for_each(|&id| machine.stop(id, Stop::Kill));
        }
        if abandoned {
            return Ok(Ended::Abandoned);
        }
        if let (true, Some(listener)) = (ready.listener, listener) {
            let (stream, _) = listener.accept()?;
            clients.push(Client::new(stream, false)?);
        }
    }
}

struct Client {
    stream: UnixStream,
    is_builder: bool,
    inbox: Vec<u8>,
    /// Its workloads that have not reported their end.
    running: BTreeSet<ProbeId>,
    /// Events of its workloads that came while it was not waiting.
    events: VecDeque<(Instant, ProbeId, ProbeEvent)>,
    /// It waits for an event until then, and is owed a reply.
    waiting: Option<Instant>,
    gone: bool,
}

impl Client {
    fn new(stream: UnixStream, is_builder: bool) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        // A client that does not read its replies must not stop the others.
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        Ok(Client {
            stream,
            is_builder,
            inbox: Vec::new(),
            running: BTreeSet::new(),
            events: VecDeque::new(),
            waiting: None,
            gone: false,
        })
    }

    /// Reads what is there (the descriptor is readable, so this does not block).
    fn read(&mut self) {
        let mut chunk = vec![0; 64 << 10];
        match (&self.stream).read(&mut chunk) {
            Ok(0) | Err(_) => self.gone = true,
            Ok(n) => self.inbox.extend_from_slice(&chunk[..n]),
        }
    }

    fn next_request(&mut self) -> Option<Request> {
        if self.gone || self.waiting.is_some() {
            return None;
        }
        protocol::take(&mut self.inbox).unwrap_or_else(|_| {
            self.gone = true;
            None
        })
    }

    fn reply(&mut self, reply: &Reply) {
        self.gone |= protocol::send(&self.stream, reply).is_err();
    }

    fn answer<B: Held>(&mut self, machine: &mut B, request: Request) {
        let reply = match request {
            Request::Execute(ops) => Reply::Execute(machine.execute(&ops)),
            Request::ExecuteTogether(ops) => Reply::Execute(machine.execute_together(&ops)),
            Request::LacksNothing(ops) => Reply::Done(machine.lacks_nothing(&ops)),
            Request::Query(query) => Reply::Query(machine.query(&query)),
            Request::Observe(extent) => Reply::Observe(machine.observe(&extent)),
            Request::Socket(call) => {
                let reply = machine.socket(&call);
                match (&reply, &call) {
                    (Ok(socket::Reply::Opened(id) | socket::Reply::Accepted(id, _)), _) => _ = self.running.insert(*id),
                    (Ok(_), Call::Close(id) | Call::Abort(id)) => _ = self.running.remove(id),
                    _ => {}
                }
                Reply::Socket(reply)
            }
            Request::Start(probe) => {
                let started = machine.start(probe);
                self.running.extend(started.as_ref().ok());
                Reply::Start(started)
            }
            Request::Stop(id, how) => {
                if self.running.contains(&id) {
                    machine.stop(id, how);
                }
                Reply::Done(Ok(()))
            }
            Request::Now => Reply::Now(machine.now()),
            Request::Advance(until) => return self.wait_until(until),
            Request::Settle => Reply::Settle(machine.settle()),
            Request::NetnsFd(netns) => Reply::NetnsFd(machine.netns_fd(&netns)),
            Request::Hello | Request::Commit | Request::End => return,
        };
        self.reply(&reply);
    }

    fn wait_until(&mut self, until: Instant) {
        if let Some(event) = self.events.pop_front() {
            self.reply(&Reply::Advance(Some(event)));
        } else if until == Instant::FAR && self.running.is_empty() {
            self.reply(&Reply::Advance(None));
        } else {
            self.waiting = Some(until);
        }
    }
}

/// Gives an event to the client whose workload it is of, and wakes those whose time has come.
fn dispatch(clients: &mut [Client], event: Option<(Instant, ProbeId, ProbeEvent)>, now: Instant) {
    if let Some((at, id, event)) = event
        && let Some(client) = clients.iter_mut().find(|c| c.running.contains(&id))
    {
        if matches!(event, ProbeEvent::Done(_)) {
            client.running.remove(&id);
        }
        client.events.push_back((at, id, event));
    }
    for client in clients {
        let Some(until) = client.waiting else { continue };
        if let Some(event) = client.events.pop_front() {
            client.waiting = None;
            client.reply(&Reply::Advance(Some(event)));
        } else if until <= now {
            client.waiting = None;
            client.reply(&Reply::Advance(None));
        }
    }
}

struct Ready {
    clients: Vec<bool>,
    listener: bool,
}

fn wait(clients: &[Client], listener: Option<&UnixListener>, block: bool) -> io::Result<Ready> {
    let mut fds: Vec<PollFd<'_>> = clients.iter().map(|c| PollFd::new(&c.stream, PollFlags::IN)).collect();
    fds.extend(listener.map(|l| PollFd::new(l, PollFlags::IN)));
    let zero = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
    // A client has one request under way at a time, so no whole message waits in an inbox while this blocks.
    match poll(&mut fds, (!block).then_some(&zero)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => return Err(e.into()),
    }
    let mut ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    let listener = listener.is_some() && ready.pop().unwrap_or(false);
    Ok(Ready { clients: ready, listener })
}

/// How long one client's wait may delay another's request.
const SLICE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::RemoteBackend;
    use nettwin_model::backend::{Answer, Extent, Failure, Query};
    use nettwin_model::probe::{Capture, Outcome, Probe};
    use nettwin_model::{Errno, IfName, Op, Snapshot};
    use std::path::PathBuf;

    /// A machine without a network: a capture reports its end 30 ms after its start, a stopped one at once.
    struct Fake {
        born: std::time::Instant,
        probes: Vec<(ProbeId, Instant)>,
        started: u64,
    }

    impl Backend for Fake {
        fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
            let twice = ops.iter().position(|op| matches!(op, Op::DelNetns { .. }));
            twice.map_or(Ok(()), |done| Err(Failure { done, fault: Fault::refused(Errno::ENOENT, "no such") }))
        }

        fn query(&mut self, _: &Query) -> Result<Answer, Fault> {
            Ok(Answer::NetnsList(vec![NetnsName::host()]))
        }

        fn observe(&mut self, _: &Extent) -> Result<Snapshot, Fault> {
            Err(Fault::Broken("blind".into()))
        }

        fn start(&mut self, _: Probe) -> Result<ProbeId, Fault> {
            self.started += 1;
            let id = ProbeId(self.started);
            self.probes.push((id, self.now() + Duration::from_millis(30)));
            Ok(id)
        }

        fn stop(&mut self, id: ProbeId, _: Stop) {
            let now = self.now();
            self.probes.iter_mut().filter(|p| p.0 == id).for_each(|p| p.1 = now);
        }

        fn now(&self) -> Instant {
            Instant::ZERO + self.born.elapsed()
        }

        fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
            let next = self.probes.iter().copied().min_by_key(|p| p.1).filter(|p| p.1 <= until);
            std::thread::sleep(next.map_or(until, |p| p.1).since(self.now()));
            let (id, at) = next?;
            self.probes.retain(|p| p.0 != id);
            Some((at, id, ProbeEvent::Done(Outcome::Stopped)))
        }
    }

    impl Held for Fake {
        fn netns_fd(&self, netns: &NetnsName) -> Option<i32> {
            netns.is_host().then_some(7)
        }
    }

    /// Runs `client` as the builder of a lab with a second client's socket at hand; says how the loop ended.
    fn check(name: &str, client: impl FnOnce(RemoteBackend, PathBuf)) -> (io::Result<Ended>, bool) {
        let socket = std::env::temp_dir().join(format!("nettwin-serve-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut committed = false;
        let ended = std::thread::scope(|scope| {
            let server = scope.spawn(|| {
                let mut fake = Fake { born: std::time::Instant::now(), probes: Vec::new(), started: 0 };
                let commit = || {
                    committed = true;
                    Ok(())
                };
                serve(&mut fake, theirs, Some(&listener), commit, || Ok(()))
            });
            client(RemoteBackend::over(ours).unwrap(), socket.clone());
            server.join().unwrap()
        });
        std::fs::remove_file(&socket).unwrap();
        (ended, committed)
    }

    fn capture() -> Probe {
        Probe::Capture(Capture { netns: NetnsName::host(), dev: IfName::lo(), snap_len: 64, promiscuous: false })
    }

    #[test]
    fn calls_come_through_and_an_uncommitted_lab_dies_with_its_builder() {
        let (ended, committed) = check("builder", |mut builder, _| {
            let netns = NetnsName::new("h1").unwrap();
            builder.execute(&[Op::AddNetns { netns: netns.clone() }]).unwrap();
            let failure =
                builder.execute(&[Op::AddNetns { netns: netns.clone() }, Op::DelNetns { netns }]).unwrap_err();
            assert_eq!(failure, Failure { done: 1, fault: Fault::refused(Errno::ENOENT, "no such") });
            assert_eq!(builder.observe(&Extent::default()), Err(Fault::Broken("blind".into())));
            let path = builder.netns_path(&NetnsName::host()).unwrap().unwrap();
            assert_eq!(path, PathBuf::from(format!("/proc/{}/fd/7", std::process::id())));
            assert_eq!(builder.probe(capture()), Ok(Outcome::Stopped));
            assert_eq!(builder.advance(Instant::FAR), None);
            let now = builder.now();
            assert_eq!(builder.advance(now + Duration::from_millis(3)), None);
            assert!(builder.now() >= now + Duration::from_millis(3));
        });
        assert_eq!((ended.unwrap(), committed), (Ended::Abandoned, false));
    }

    #[test]
    fn a_committed_lab_serves_others_side_by_side_until_destroyed() {
        let (ended, committed) = check("others", |mut builder, socket| {
            builder.commit().unwrap();
            drop(builder);
            let mut one = RemoteBackend::connect(&socket).unwrap();
            let mut two = RemoteBackend::connect(&socket).unwrap();
            assert!(one.is_committed());
            let long = one.start(capture()).unwrap();
            let waiting = std::thread::spawn(move || one.advance(Instant::FAR));
            let short = two.start(capture()).unwrap();
            two.stop(short, Stop::Interrupt);
            assert_eq!(two.advance(Instant::FAR).map(|e| e.1), Some(short));
            assert_eq!(waiting.join().unwrap().map(|e| e.1), Some(long));
            two.end().unwrap();
        });
        assert_eq!((ended.unwrap(), committed), (Ended::Destroyed, true));
    }
}
