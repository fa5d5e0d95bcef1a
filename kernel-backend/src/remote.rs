//! A lab in its holder, as a machine: every call of [`Backend`] goes over the holder's socket.
//!
//! Kernel counterpart: none. Deliberately absent: reconnecting. A holder that is gone took its namespaces with it, so
//! every call after that is [`Fault::Broken`].

use crate::protocol::{self, Reply, Request};
use nettwin_model::backend::{Answer, Backend, Extent, Failure, Fault, Query};
use nettwin_model::probe::{Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::socket::{self, Call};
use nettwin_model::{Instant, NetnsName, Op, Snapshot};
use std::cell::Cell;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

/// A machine that lives in another process.
#[derive(Debug)]
pub struct RemoteBackend {
    stream: UnixStream,
    pid: u32,
    committed: bool,
    last_now: Cell<Instant>,
    /// The holder, if this process started it.
    child: Option<Child>,
}

impl RemoteBackend {
    /// Connects to the holder that listens at `socket`.
    pub fn connect(socket: &Path) -> Result<Self, Fault> {
        let gone = |e| Fault::Broken(format!("the lab's holder is gone, and the lab with it ({e})"));
        Self::over(UnixStream::connect(socket).map_err(gone)?)
    }

    /// Talks to the holder at the other end of `stream`.
    pub fn over(stream: UnixStream) -> Result<Self, Fault> {
        let mut remote =
            RemoteBackend { stream, pid: 0, committed: false, last_now: Cell::new(Instant::ZERO), child: None };
        match remote.ask(&Request::Hello)? {
            Reply::Hello { pid, committed } => {
                remote.pid = pid;
                remote.committed = committed;
                Ok(remote)
            }
            // A holder that could not begin says why.
            Reply::Done(Err(fault)) => Err(fault),
            _ => Err(confused()),
        }
    }

    pub(crate) fn with_child(mut self, child: Child) -> Self {
        self.child = Some(child);
        self
    }

    /// The holder's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the lab had been committed when this connection was made, or was by [`RemoteBackend::commit`].
    pub fn is_committed(&self) -> bool {
        self.committed
    }

    /// From now on the lab outlives the process that built it.
    pub fn commit(&mut self) -> Result<(), Fault> {
        self.ask_done(&Request::Commit)?;
        self.committed = true;
        Ok(())
    }

    /// Destroys the lab; its holder ends.
    pub fn end(self) -> Result<(), Fault> {
        self.ask_done(&Request::End)?;
        // The holder closes its end when it has nothing left to do.
        let _: io::Result<Option<Reply>> = protocol::receive(&self.stream);
        Ok(())
    }

    /// A path under `/proc` that opens this namespace; `None` if the lab has none of that name.
    pub fn netns_path(&self, netns: &NetnsName) -> Result<Option<PathBuf>, Fault> {
        match self.ask(&Request::NetnsFd(netns.clone()))? {
            Reply::NetnsFd(fd) => Ok(fd.map(|fd| PathBuf::from(format!("/proc/{}/fd/{fd}", self.pid)))),
            _ => Err(confused()),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, Fault> {
        let answer = protocol::send(&self.stream, request).and_then(|()| protocol::receive(&self.stream));
        match answer {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(Fault::Broken("the lab's holder is gone, and the lab with it".into())),
            Err(e) => Err(Fault::Broken(format!("the lab's holder does not answer: {e}"))),
        }
    }

    fn ask_done(&self, request: &Request) -> Result<(), Fault> {
        match self.ask(request)? {
            Reply::Done(result) => result,
            _ => Err(confused()),
        }
    }
}

impl Drop for RemoteBackend {
    /// An uncommitted lab ends here, and its holder with it.
    fn drop(&mut self) {
        let Some(mut child) = self.child.take().filter(|_| !self.committed) else { return };
        // Both fail only if the holder is gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
        let _ = child.wait();
    }
}

impl Backend for RemoteBackend {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        let broken = |fault| Failure { done: 0, fault };
        match self.ask(&Request::Execute(ops.to_vec())).map_err(broken)? {
            Reply::Execute(result) => result,
            _ => Err(broken(confused())),
        }
    }

    fn execute_together(&mut self, ops: &[Op]) -> Result<(), Failure> {
        let broken = |fault| Failure { done: 0, fault };
        match self.ask(&Request::ExecuteTogether(ops.to_vec())).map_err(broken)? {
            Reply::Execute(result) => result,
            _ => Err(broken(confused())),
        }
    }

    fn lacks_nothing(&mut self, ops: &[Op]) -> Result<(), Fault> {
        self.ask_done(&Request::LacksNothing(ops.to_vec()))
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        match self.ask(&Request::Query(query.clone()))? {
            Reply::Query(result) => result,
            _ => Err(confused()),
        }
    }

    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        match self.ask(&Request::Observe(extent.clone()))? {
            Reply::Observe(result) => result,
            _ => Err(confused()),
        }
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        match self.ask(&Request::Start(probe))? {
            Reply::Start(result) => result,
            _ => Err(confused()),
        }
    }

    fn socket(&mut self, call: &Call) -> Result<socket::Reply, Fault> {
        match self.ask(&Request::Socket(call.clone()))? {
            Reply::Socket(result) => result,
            _ => Err(confused()),
        }
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        // A holder that is gone stopped everything; the next call says so.
        let _ = self.ask(&Request::Stop(id, how));
    }

    fn now(&self) -> Instant {
        if let Ok(Reply::Now(now)) = self.ask(&Request::Now) {
            self.last_now.set(now);
        }
        self.last_now.get()
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        match self.ask(&Request::Advance(until)) {
            Ok(Reply::Advance(event)) => event,
            _ => None,
        }
    }

    fn settle(&mut self) -> Result<Duration, Fault> {
        match self.ask(&Request::Settle)? {
            Reply::Settle(result) => result,
            _ => Err(confused()),
        }
    }
}

fn confused() -> Fault {
    Fault::Broken("the lab's holder answered something else than it was asked; is it of another version?".into())
}
