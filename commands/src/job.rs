//! A command that runs: what it is started with, what it may touch, and what it waits for.
//!
//! Counterpart: a process, as far as a network command needs one. A job never blocks and knows no clock but the
//! machine's: it is woken, does what it can, and says what it waits for. Deliberately absent: threads, files and streams of
//! the real world (whoever runs the job supplies [`Files`] and carries the bytes), and which machine is behind.

use crate::ethtool::Wanted;
use nettwin_model::probe::{Probe, ProbeEvent, ProbeId, Proto, Stop};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Backend, Fault, Instant, NetnsName};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// What a command is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The command line. The first word is the name it was called by, without a folder.
    pub words: Vec<String>,
    /// The namespace it runs in.
    pub netns: NetnsName,
    /// The environment variables that tools read (`COLUMNS`, `NO_COLOR`, …).
    pub env: BTreeMap<String, String>,
    /// Whether standard output is a terminal.
    pub is_tty: bool,
    /// The process that it stands for; 0 if it stands for none.
    pub pid: u32,
}

impl Invocation {
    /// These words in this namespace, with an empty environment and no terminal.
    pub fn new<S: Into<String>>(netns: NetnsName, words: impl IntoIterator<Item = S>) -> Self {
        let words = words.into_iter().map(Into::into).collect();
        Invocation { words, netns, env: BTreeMap::new(), is_tty: false, pid: 0 }
    }
}

/// A command that runs.
pub trait Job {
    /// Goes on until there is something to wait for, or to the end.
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next;

    /// Takes a signal; `None` is what Linux does to a process that has no handler: it dies of it.
    fn signal(&mut self, _cx: &mut Context<'_>, _signal: Signal) -> Option<Next> {
        None
    }
}

/// Why a job is woken.
#[derive(Clone, Debug, PartialEq)]
pub enum Wake {
    /// It begins.
    Start,
    /// One of its probes reports.
    Event(ProbeId, ProbeEvent),
    /// The instant that it waited for is here.
    Time,
    /// Standard input has more, or has ended.
    Input,
    /// The program that it spawned has ended, with this status.
    Child(u8),
}

/// What becomes of a job after it was woken.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// It waits.
    Wait(Waits),
    /// It ended, with this exit status.
    Done(u8),
    /// Another program takes its place, as after `execvp(3)`.
    Become(Program),
    /// It runs another program with its own streams and waits for its end, which comes as [`Wake::Child`].
    Spawn(Program),
}

/// What a job waits for, besides the events of its probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// This instant.
    pub until: Option<Instant>,
    /// More standard input, or its end.
    pub input: bool,
}

/// A program that a job runs, beside itself or in its own place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// In which namespace.
    pub netns: NetnsName,
    /// Its name and arguments; never empty.
    pub words: Vec<String>,
}

/// A signal, by its Linux number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub u8);

impl Signal {
    /// SIGINT.
    pub const INT: Signal = Signal(2);
    /// SIGQUIT.
    pub const QUIT: Signal = Signal(3);
    /// SIGKILL.
    pub const KILL: Signal = Signal(9);
    /// SIGPIPE.
    pub const PIPE: Signal = Signal(13);
    /// SIGTERM.
    pub const TERM: Signal = Signal(15);
}

/// Standard input as it has come so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// What has come and was not yet taken.
    pub bytes: Vec<u8>,
    /// Whether that is all.
    pub ended: bool,
}

/// The files that a command names, as seen from its working directory.
pub trait Files {
    /// A file's content.
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>>;
    /// Writes a file anew, or adds to it.
    fn write(&mut self, path: &str, bytes: &[u8], append: bool) -> io::Result<()>;
    /// What a folder holds, in the order in which the system tells it.
    fn list(&mut self, path: &str) -> io::Result<Vec<Entry>> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// It is a folder.
    pub is_folder: bool,
    /// It is a symbolic link.
    pub is_link: bool,
    /// When it was last changed, seconds since 1970.
    pub modified_s: u64,
}

/// A world without files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&mut self, _: &str) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, _: &str, _: &[u8], _: bool) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// What a job may touch while it is awake.
pub struct Context<'a> {
    /// The machine.
    pub machine: &'a mut dyn Backend,
    /// The namespace it runs in.
    pub netns: &'a NetnsName,
    /// Standard output.
    pub out: &'a mut Vec<u8>,
    /// Standard error.
    pub err: &'a mut Vec<u8>,
    /// Standard input.
    pub input: &'a mut Input,
    /// Files.
    pub files: &'a mut dyn Files,
    /// How long both streams were whenever it began to complain.
    pub(crate) marks: &'a mut Vec<(usize, usize)>,
    pub(crate) probes: &'a mut BTreeSet<ProbeId>,
    pub(crate) sockets: &'a mut BTreeSet<ProbeId>,
    /// Who it is.
    pub(crate) me: &'a Process,
    /// The sockets of all jobs.
    pub(crate) holders: &'a mut Holders,
    /// What was asked for of devices' features, by namespace and index.
    pub(crate) features: &'a mut BTreeMap<(NetnsName, u32), Wanted>,
    /// The processes that jobs stand for, and where they are.
    pub(crate) places: &'a BTreeMap<u32, NetnsName>,
}

/// A process that a job stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number; 0 if there is none.
    pub(crate) pid: u32,
    /// Its name.
    pub(crate) name: String,
    /// Its namespace.
    pub(crate) netns: Option<NetnsName>,
}

/// Who has a socket, and under which number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) process: Process,
    pub(crate) fd: u32,
    pub(crate) proto: Proto,
}

/// The sockets of all jobs, and who has them.
pub(crate) type Holders = BTreeMap<ProbeId, Holder>;

impl Context<'_> {
    /// Starts a probe that belongs to this job: its events wake it, and it ends with it.
    pub fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        let id = self.machine.start(probe)?;
        self.probes.insert(id);
        Ok(id)
    }

    /// A socket call. A socket that it opens belongs to this job: its news wakes it, and it is closed with it.
    pub fn socket(&mut self, call: &Call) -> Result<Reply, Fault> {
        let reply = self.machine.socket(call)?;
        match (&reply, call) {
            (Reply::Opened(id) | Reply::Accepted(id, _), _) => {
                self.sockets.insert(*id);
                let proto = match call {
                    Call::Connect { proto, .. } => *proto,
                    Call::Bind { .. } => Proto::Udp,
                    _ => Proto::Tcp,
                };
                // The lowest number that is free, behind the three streams.
                let taken: BTreeSet<u32> =
                    self.sockets.iter().filter_map(|id| self.holders.get(id)).map(|holder| holder.fd).collect();
                let fd = (3..).find(|fd| !taken.contains(fd)).unwrap_or_default();
                self.holders.insert(*id, Holder { process: self.me.clone(), fd, proto });
            }
            (_, Call::Close(id) | Call::Abort(id)) => {
                self.sockets.remove(id);
                self.holders.remove(id);
            }
            _ => {}
        }
        Ok(reply)
    }

    /// The sockets of this namespace that jobs have: between whom, and who has them.
    pub(crate) fn held(&mut self) -> Vec<(Proto, SocketAddrV4, SocketAddrV4, Holder)> {
        let here = Some(self.netns.clone());
        let all: Vec<_> = self.holders.iter().filter(|(_, holder)| holder.process.netns == here).collect();
        let nobody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let mut out = Vec::new();
        for (id, holder) in all {
            if let Ok(Reply::Names(local, remote)) = self.machine.socket(&Call::Names(*id)) {
                out.push((holder.proto, local, remote.unwrap_or(nobody), holder.clone()));
            }
        }
        out
    }

    /// Stops one of its probes; the end comes as an event.
    pub fn stop(&mut self, id: ProbeId, how: Stop) {
        self.machine.stop(id, how);
    }

    /// Writes to standard output.
    pub fn print(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes to standard error.
    pub fn complain(&mut self, text: &str) {
        if !text.is_empty() {
            self.marks.push((self.out.len(), self.err.len()));
        }
        self.err.extend_from_slice(text.as_bytes());
    }
}

/// A job that is over as soon as it begins.
pub struct Once<F>(pub F);

impl<F: FnMut(&mut Context<'_>) -> Next> Job for Once<F> {
    fn wake(&mut self, cx: &mut Context<'_>, _: Wake) -> Next {
        (self.0)(cx)
    }
}
