//! A process of the script that is connected to the server: what it said, what it is told, and the jobs it stands for.
//!
//! Kernel counterpart: `unix(7)`. Nothing here blocks, but for a file that a job reads through its process. Deliberately
//! absent: what is to be done about what was said.

use super::wire::{self, Ask, Call, Listed, Tell};
use nettwin::model::Instant;
use nettwin_commands::job::{Entry, Files};
use nettwin_commands::sched::JobId;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A connected process.
pub(crate) struct Peer {
    pub(crate) stream: UnixStream,
    /// What it said and nobody has taken yet.
    pub(crate) said: VecDeque<(Ask, Vec<u8>)>,
    /// The command it stands for.
    pub(crate) call: Option<Call>,
    /// When that begins.
    pub(crate) due: Option<Instant>,
    /// Its jobs: each but the last waits for the one after it.
    pub(crate) jobs: Vec<JobId>,
    /// Whether it was told to read standard input and has not done so yet.
    pub(crate) reads: bool,
    /// Whether it is not there any more.
    pub(crate) is_gone: bool,
    heard: Vec<u8>,
    untold: Vec<u8>,
}

impl Peer {
    /// A process that has just connected.
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Peer {
            stream,
            said: VecDeque::new(),
            call: None,
            due: None,
            jobs: Vec::new(),
            reads: false,
            is_gone: false,
            heard: Vec::new(),
            untold: Vec::new(),
        })
    }

    /// Takes what has come.
    pub(crate) fn listen(&mut self) {
        let mut buffer = [0; 1 << 14];
        while !self.is_gone {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.is_gone = true,
                Ok(count) => self.heard.extend_from_slice(&buffer[..count]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.is_gone = true,
            }
        }
        loop {
            match wire::unframe(&mut self.heard) {
                Ok(Some(said)) => self.said.push_back(said),
                Ok(None) => return,
                // It speaks another language: not one of ours.
                Err(_) => {
                    self.is_gone = true;
                    return;
                }
            }
        }
    }

    /// Tells it something, as soon as it can take it.
    pub(crate) fn tell(&mut self, told: &Tell, bytes: &[u8]) {
        match wire::frame(told, bytes) {
            Ok(frame) => self.untold.extend(frame),
            Err(_) => self.is_gone = true,
        }
        self.flush();
    }

    /// Tells it something that a descriptor goes with, at once.
    pub(crate) fn tell_with(&mut self, told: &Tell, fd: BorrowedFd<'_>) {
        self.tell(told, &[]);
        let sent = self.stream.set_nonblocking(false).and_then(|()| {
            self.stream.set_write_timeout(Some(PATIENCE))?;
            self.stream.write_all(&self.untold)?;
            self.untold.clear();
            super::os::send_fd(&self.stream, fd)?;
            self.stream.set_nonblocking(true)
        });
        self.is_gone |= sent.is_err();
    }

    /// Sends what could not be sent before.
    pub(crate) fn flush(&mut self) {
        while !self.untold.is_empty() && !self.is_gone {
            match self.stream.write(&self.untold) {
                Ok(count) => _ = self.untold.drain(..count),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                // What it said last may still be read.
                Err(_) => self.untold.clear(),
            }
        }
    }

    /// Asks it for something and waits for the answer.
    fn ask(&mut self, told: &Tell, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_read_timeout(Some(PATIENCE))?;
        self.tell(told, bytes);
        let answer = self.answer();
        self.stream.set_nonblocking(true)?;
        answer
    }

    fn answer(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 1 << 14];
        loop {
            while let Some((ask, bytes)) = wire::unframe(&mut self.heard)? {
                match ask {
                    Ask::File(None) => return Ok(bytes),
                    Ask::File(Some(errno)) => return Err(io::Error::from_raw_os_error(errno)),
                    other => self.said.push_back((other, bytes)),
                }
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::BrokenPipe.into()),
                count => self.heard.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

/// Files are the process's to read and write: it knows its working directory, what it may do, and `/dev/fd`.
impl Files for Peer {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        self.ask(&Tell::Read(path.to_owned()), &[])
    }

    fn write(&mut self, path: &str, bytes: &[u8], append: bool) -> io::Result<()> {
        self.ask(&Tell::Write { path: path.to_owned(), append }, bytes).map(drop)
    }

    fn list(&mut self, path: &str) -> io::Result<Vec<Entry>> {
        let all: Vec<Listed> = serde_json::from_slice(&self.ask(&Tell::List(path.to_owned()), &[])?)?;
        Ok(all
            .into_iter()
            .map(|(name, is_folder, is_link, modified_s)| Entry { name, is_folder, is_link, modified_s })
            .collect())
    }
}

/// How long a file may take, in real time: a pipe whose writer waits for this very job would take for ever.
const PATIENCE: Duration = Duration::from_secs(10);
