//! A blocking rtnetlink socket: requests out, acknowledgements and dumps in.
//!
//! Kernel counterpart: `net/netlink/af_netlink.c`. Errors carry the kernel's own text (extended acknowledgement, which
//! the packet crates do not decode). Several requests may travel in one datagram; the kernel works through all of them
//! and answers each, whatever became of those before. Deliberately absent: async (a request takes microseconds, and the
//! machine has nothing else to do meanwhile).

use crate::netns::refused_io;
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::Socket;
use netlink_sys::constants::NETLINK_ROUTE;
use nettwin_model::{Errno, Fault};
use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A request: the message and its `NLM_F_*` flags besides `NLM_F_REQUEST`.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked or told.
    pub message: RouteNetlinkMessage,
    /// `NLM_F_CREATE`, `NLM_F_EXCL`, `NLM_F_REPLACE`, `NLM_F_APPEND`.
    pub flags: u16,
}

impl Request {
    /// A request with these flags.
    pub fn new(message: RouteNetlinkMessage, flags: u16) -> Self {
        Request { message, flags }
    }
}

/// A request that the packet crates have no type for: its body is bytes.
#[derive(Clone, Debug)]
pub struct Raw {
    /// `RTM_*`.
    pub kind: u16,
    /// `NLM_F_*` besides `NLM_F_REQUEST`.
    pub flags: u16,
    /// What follows the netlink header.
    pub body: Vec<u8>,
}

/// A table that is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// By a message.
    Message(&'a RouteNetlinkMessage),
    /// In bytes.
    Raw(&'a Raw),
}

/// So many tables are asked for in one datagram: what they answer has to fit the receive buffer, where each datagram counts
/// as much as the longest that was ever received.
const TOGETHER: usize = 5;

/// So many datagrams are received at once: one of each table, and the end of the last.
const LETTERS: usize = TOGETHER + 1;

/// The kernel's datagrams are shorter.
const DATAGRAM_BYTES: usize = 32 << 10;

thread_local! {
    /// Where datagrams are received. Nobody keeps any.
    static INBOX: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The same of several at once. It is not cleared.
    static MAILBAG: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How many datagrams were sent.
static SENT: AtomicU64 = AtomicU64::new(0);

/// How many datagrams this process has sent by rtnetlink: what no neighbour on the machine can disturb.
pub fn datagrams_sent() -> u64 {
    SENT.load(Ordering::Relaxed)
}

/// What was received of one of several tables.
#[derive(Clone, Default)]
struct Partly {
    rows: Vec<Vec<u8>>,
    ended: bool,
    torn: bool,
}

/// An rtnetlink socket of the namespace that it was opened in.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket in the calling thread's namespace.
    pub fn open() -> Result<Self, Fault> {
        let open = || {
            let socket = Socket::new(NETLINK_ROUTE)?;
            // It gets an address by the first thing that is sent; whom to, if nobody is named, is the kernel.
            socket.set_ext_ack(true)?;
            socket.set_cap_ack(true)?;
            Ok(socket)
        };
        let socket = open().map_err(|e: std::io::Error| refused_io(&e))?;
        Ok(Netlink { socket, sequence: 0 })
    }

    /// One request that changes something.
    pub fn tell(&mut self, request: Request) -> Result<(), Fault> {
        let mut answers = self.tell_all(vec![request])?;
        answers.pop().unwrap_or_else(|| Err(lost("an acknowledgement")))
    }

    /// The same, of bytes.
    pub fn tell_raw(&mut self, request: &Raw) -> Result<(), Fault> {
        let mut datagram = Vec::new();
        self.append_raw(&mut datagram, request, NLM_F_ACK);
        self.send(&datagram)?;
        let asked = self.sequence;
        let mut answer = None;
        while answer.is_none() {
            self.receive(|sequence, frame| {
                if let (true, Frame::Ack(verdict)) = (sequence == asked, frame) {
                    answer = Some(verdict);
                }
            })?;
        }
        answer.unwrap_or_else(|| Err(lost("an acknowledgement")))
    }

    /// Several requests in one datagram, answered each in its place. The kernel tries every one of them: only for what
    /// may be undone, or does no harm, after the failure of one before. The outer error is the socket's own.
    pub fn tell_all(&mut self, requests: Vec<Request>) -> Result<Vec<Result<(), Fault>>, Fault> {
        let mut datagram = Vec::new();
        let first = self.sequence.wrapping_add(1);
        let count = requests.len();
        for request in requests {
            self.append(&mut datagram, request.message, request.flags | NLM_F_ACK);
        }
        self.send(&datagram)?;
        let mut answers = vec![None; count];
        while answers.iter().any(Option::is_none) {
            self.receive(|sequence, frame| {
                let slot = answers.get_mut(sequence.wrapping_sub(first) as usize);
                if let (Frame::Ack(verdict), Some(slot)) = (frame, slot) {
                    *slot = Some(verdict);
                }
            })?;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Several requests in one datagram of which only the last is acknowledged; refusals are told of all. The kernel works
    /// through all of them, so this is for whoever undoes all if one is refused: it says which was the first.
    pub fn tell_as_one(&mut self, requests: Vec<Request>) -> Result<Result<(), (usize, Fault)>, Fault> {
        let (count, first) = (requests.len(), self.sequence.wrapping_add(1));
        let Some(last) = count.checked_sub(1) else { return Ok(Ok(())) };
        let mut datagram = Vec::new();
        for (n, request) in requests.into_iter().enumerate() {
            let ack = if n == last { NLM_F_ACK } else { 0 };
            self.append(&mut datagram, request.message, request.flags | ack);
        }
        self.send(&datagram)?;
        let (mut refused, mut ended) = (None, false);
        while !ended {
            self.receive(|sequence, frame| {
                let n = sequence.wrapping_sub(first) as usize;
                if let (Frame::Ack(verdict), true) = (frame, n < count) {
                    ended |= n == last;
                    if let (Err(fault), None) = (verdict, &refused) {
                        refused = Some((n, fault));
                    }
                }
            })?;
        }
        Ok(refused.map_or(Ok(()), Err))
    }

    /// One question with one answer.
    pub fn ask(&mut self, message: RouteNetlinkMessage) -> Result<RouteNetlinkMessage, Fault> {
        let mut datagram = Vec::new();
        self.append(&mut datagram, message, 0);
        self.send(&datagram)?;
        let asked = self.sequence;
        let mut answer = None;
        while answer.is_none() {
            self.receive(|sequence, frame| match frame {
                _ if sequence != asked => {}
                Frame::Message(bytes) => answer = Some(decode(bytes)),
                Frame::Ack(Err(fault)) | Frame::Done(Err(fault)) => answer = Some(Err(fault)),
                Frame::Ack(Ok(())) | Frame::Done(Ok(())) => answer = Some(Err(lost("an answer"))),
            })?;
        }
        answer.unwrap_or_else(|| Err(lost("an answer")))
    }

    /// One question answered by a table. A table that changed while it was read is read again.
    pub fn dump(&mut self, message: &RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, Fault> {
        self.dump_frames(message, decode)?.into_iter().collect()
    }

    /// Several tables, asked for in few datagrams; the rows of each with their headers. The kernel begins with the next only
    /// once the one before has ended, else it says EBUSY, and what it said so of is asked for again alone. It has ended where
    /// one datagram holds a table with its end: links, addresses and routes have theirs in one of its own
    /// (`RTNL_FLAG_DUMP_SPLIT_NLM_DONE`), so they are best the last.
    pub(crate) fn dump_several(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Vec<u8>>>, Fault> {
        let mut tables = Vec::with_capacity(asked.len());
        for part in asked.chunks(TOGETHER) {
            let answers = self.dump_together(part)?;
            for (ask, answer) in part.iter().zip(answers) {
                tables.push(match answer {
                    Partly { torn: false, rows, .. } => rows,
                    _ => self.dump_stable(|this, datagram| this.append_asked(datagram, ask), <[u8]>::to_vec)?,
                });
            }
        }
        Ok(tables)
    }

    fn dump_together(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Partly>, Fault> {
        let mut datagram = Vec::new();
        let first = self.sequence.wrapping_add(1);
        asked.iter().for_each(|ask| self.append_asked(&mut datagram, ask));
        self.send(&datagram)?;
        let mut answers = vec![Partly::default(); asked.len()];
        while answers.iter().any(|answer| !answer.ended) {
            self.receive_several(|header, frame| {
                let Some(answer) = answers.get_mut(header.sequence.wrapping_sub(first) as usize) else { return };
                answer.torn |= header.flags & libc::NLM_F_DUMP_INTR as u16 != 0;
                match frame {
                    Frame::Message(row) => answer.rows.push(row.to_vec()),
                    Frame::Done(verdict) | Frame::Ack(verdict) => {
                        answer.ended = true;
                        answer.torn |= verdict.is_err();
                    }
                }
            })?;
        }
        Ok(answers)
    }

    fn append_asked(&mut self, datagram: &mut Vec<u8>, asked: &Asked<'_>) {
        match asked {
            Asked::Message(message) => self.append(datagram, (*message).clone(), NLM_F_DUMP),
            Asked::Raw(request) => self.append_raw(datagram, request, NLM_F_DUMP),
        }
    }

    /// The same with strict checks (`NETLINK_GET_STRICT_CHK`): the kernel leaves out what was not asked for, and refuses
    /// what it does not have.
    pub fn dump_strictly(&mut self, message: &RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, Fault> {
        self.socket.set_netlink_get_strict_chk(true).map_err(|e| refused_io(&e))?;
        let rows = self.dump(message);
        self.socket.set_netlink_get_strict_chk(false).map_err(|e| refused_io(&e))?;
        rows
    }

    /// The same, for rows that the packet crate cannot read: `parse` gets each from behind its netlink header, and leaves
    /// out what it has no use for.
    pub fn dump_bodies<T>(
        &mut self,
        message: &RouteNetlinkMessage,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Fault> {
        let rows = self.dump_frames(message, |frame| frame.get(HEADER_BYTES..).and_then(&parse))?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// The same, asked for in bytes.
    pub fn dump_raw<T>(&mut self, request: &Raw, parse: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<T>, Fault> {
        let body = |frame: &[u8]| frame.get(HEADER_BYTES..).and_then(&parse);
        let append = |this: &mut Self, datagram: &mut Vec<u8>| this.append_raw(datagram, request, NLM_F_DUMP);
        let rows = self.dump_stable(append, body)?;
        Ok(rows.into_iter().flatten().collect())
    }

    fn dump_frames<T>(&mut self, message: &RouteNetlinkMessage, each: impl Fn(&[u8]) -> T) -> Result<Vec<T>, Fault> {
        let append = |this: &mut Self, datagram: &mut Vec<u8>| this.append(datagram, message.clone(), NLM_F_DUMP);
        self.dump_stable(append, each)
    }

    fn dump_stable<T>(
        &mut self,
        append: impl Fn(&mut Self, &mut Vec<u8>),
        each: impl Fn(&[u8]) -> T,
    ) -> Result<Vec<T>, Fault> {
        const ATTEMPTS: u32 = 16;
        for _ in 0..ATTEMPTS {
            if let Some(rows) = self.dump_once(&append, &each)? {
                return Ok(rows);
            }
        }
        Err(Fault::Broken("a table changed faster than it could be read".into()))
    }

    /// `None`: interrupted by a change (`NLM_F_DUMP_INTR`).
    fn dump_once<T>(
        &mut self,
        append: impl Fn(&mut Self, &mut Vec<u8>),
        each: impl Fn(&[u8]) -> T,
    ) -> Result<Option<Vec<T>>, Fault> {
        let mut datagram = Vec::new();
        append(self, &mut datagram);
        self.send(&datagram)?;
        let asked = self.sequence;
        let (mut rows, mut end, mut torn) = (Vec::new(), None, false);
        while end.is_none() {
            let interrupted = self.receive(|sequence, frame| match frame {
                _ if sequence != asked => {}
                Frame::Message(bytes) => rows.push(each(bytes)),
                Frame::Done(verdict) | Frame::Ack(verdict) => end = Some(verdict),
            })?;
            torn |= interrupted;
        }
        if let Some(Err(fault)) = end {
            return Err(fault);
        }
        Ok((!torn).then_some(rows))
    }

    fn append(&mut self, datagram: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        message.finalize();
        let start = datagram.len();
        datagram.resize(start + aligned(message.buffer_len()), 0);
        message.serialize(&mut datagram[start..]);
    }

    fn append_raw(&mut self, datagram: &mut Vec<u8>, request: &Raw, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        // A request is far shorter than 4 GiB.
        datagram.extend(((HEADER_BYTES + request.body.len()) as u32).to_ne_bytes());
        datagram.extend(request.kind.to_ne_bytes());
        datagram.extend((NLM_F_REQUEST | request.flags | flags).to_ne_bytes());
        datagram.extend(self.sequence.to_ne_bytes());
        datagram.extend(0u32.to_ne_bytes());
        datagram.extend(&request.body);
        datagram.resize(aligned(datagram.len()), 0);
    }

    fn send(&self, datagram: &[u8]) -> Result<(), Fault> {
        SENT.fetch_add(1, Ordering::Relaxed);
        self.socket.send(datagram, 0).map(drop).map_err(|e| refused_io(&e))
    }

    /// Takes in one datagram; says whether a dump was interrupted.
    fn receive(&mut self, mut each: impl FnMut(u32, Frame<'_>)) -> Result<bool, Fault> {
        let mut interrupted = false;
        with_inbox(2 * DATAGRAM_BYTES, |inbox| {
            while let Err(e) = self.socket.recv(inbox, 0) {
                if e.kind() != io::ErrorKind::Interrupted {
                    return Err(refused_io(&e));
                }
            }
            for (header, body) in Frames(inbox) {
                interrupted |= header.flags & libc::NLM_F_DUMP_INTR as u16 != 0;
                each(header.sequence, Frame::new(&header, body)?);
            }
            Ok(())
        })?;
        Ok(interrupted)
    }

    /// Takes in what waits, up to a few datagrams, or waits for one.
    fn receive_several(&mut self, mut each: impl FnMut(&Header, Frame<'_>)) -> Result<(), Fault> {
        let mut inbox = MAILBAG.take();
        inbox.resize(LETTERS * DATAGRAM_BYTES, 0);
        let result = self.receive_into(&mut inbox, &mut each);
        MAILBAG.set(inbox);
        result
    }

    fn receive_into(&self, inbox: &mut [u8], each: &mut impl FnMut(&Header, Frame<'_>)) -> Result<(), Fault> {
        let place = |chunk: &mut [u8]| libc::iovec { iov_base: chunk.as_mut_ptr().cast(), iov_len: chunk.len() };
        let mut places: Vec<libc::iovec> = inbox.chunks_exact_mut(DATAGRAM_BYTES).map(place).collect();
        let head = |place: &mut libc::iovec| {
            // SAFETY: a message header is numbers and pointers, for which zero is a value.
            let mut head: libc::mmsghdr = unsafe { std::mem::zeroed() };
            (head.msg_hdr.msg_iov, head.msg_hdr.msg_iovlen) = (place, 1);
            head
        };
        let mut heads: Vec<libc::mmsghdr> = places.iter_mut().map(head).collect();
        let count = loop {
            // SAFETY: as many headers as are said, each of one place, which points to its own part of the inbox; all
            // outlive the call.
            let count = unsafe {
                libc::recvmmsg(
                    self.socket.as_raw_fd(),
                    heads.as_mut_ptr(),
                    LETTERS as libc::c_uint,
                    libc::MSG_WAITFORONE,
                    ptr::null_mut(),
                )
            };
            match usize::try_from(count) {
                Ok(count) => break count,
                Err(_) => {
                    let e = io::Error::last_os_error();
                    if e.kind() != io::ErrorKind::Interrupted {
                        return Err(refused_io(&e));
                    }
                }
            }
        };
        for (head, chunk) in heads[..count].iter().zip(inbox.chunks_exact(DATAGRAM_BYTES)) {
            for (header, body) in Frames(&chunk[..(head.msg_len as usize).min(DATAGRAM_BYTES)]) {
                each(&header, Frame::new(&header, body)?);
            }
        }
        Ok(())
    }
}

/// Lends the thread's inbox, empty, with room for so much.
pub(crate) fn with_inbox<T>(bytes: usize, f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut inbox = INBOX.take();
    inbox.clear();
    inbox.reserve(bytes);
    let result = f(&mut inbox);
    INBOX.set(inbox);
    result
}

/// A row of a table, from behind its netlink header.
pub(crate) fn body(row: &[u8]) -> &[u8] {
    row.get(HEADER_BYTES..).unwrap_or_default()
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket owns the descriptor and lives as long as the borrow.
        unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }
    }
}

/// `struct nlmsghdr` less its length.
struct Header {
    kind: u16,
    flags: u16,
    sequence: u32,
}

const HEADER_BYTES: usize = 16;

/// The messages of a datagram.
struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = (Header, &'a [u8]);
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.0;
        let length = u32_at(bytes, 0)? as usize;
        if length < HEADER_BYTES || length > bytes.len() {
            return None;
        }
        let header = Header { kind: u16_at(bytes, 4)?, flags: u16_at(bytes, 6)?, sequence: u32_at(bytes, 8)? };
        self.0 = &bytes[aligned(length).min(bytes.len())..];
        Some((header, &bytes[..length]))
    }
}

/// What one message is.
enum Frame<'a> {
    /// A row or an answer, with its header.
    Message(&'a [u8]),
    /// `NLMSG_ERROR`: an acknowledgement or a refusal.
    Ack(Result<(), Fault>),
    /// `NLMSG_DONE`: the end of a dump.
    Done(Result<(), Fault>),
}

impl<'a> Frame<'a> {
    fn new(header: &Header, bytes: &'a [u8]) -> Result<Self, Fault> {
        const NLMSG_ERROR: u16 = libc::NLMSG_ERROR as u16;
        const NLMSG_DONE: u16 = libc::NLMSG_DONE as u16;
        match header.kind {
            NLMSG_ERROR => {
                let code = code_at(bytes)?;
                // After the code: the refused request's header, and unless that was capped, its body.
                let quoted = match header.flags & libc::NLM_F_CAPPED as u16 {
                    0 if code != 0 => u32_at(bytes, HEADER_BYTES + 4).unwrap_or(0) as usize,
                    _ => HEADER_BYTES,
                };
                Ok(Frame::Ack(verdict(code, header, bytes.get(HEADER_BYTES + 4 + aligned(quoted)..))))
            }
            NLMSG_DONE if bytes.len() < HEADER_BYTES + 4 => Ok(Frame::Done(Ok(()))),
            NLMSG_DONE => Ok(Frame::Done(verdict(code_at(bytes)?, header, bytes.get(HEADER_BYTES + 4..)))),
            _ => Ok(Frame::Message(bytes)),
        }
    }
}

fn code_at(bytes: &[u8]) -> Result<i32, Fault> {
    u32_at(bytes, HEADER_BYTES).map(u32::cast_signed).ok_or_else(|| lost("an error number"))
}

/// The errno and, where the kernel gives one, its text: `NLMSGERR_ATTR_MSG` among the attributes behind.
fn verdict(code: i32, header: &Header, attributes: Option<&[u8]>) -> Result<(), Fault> {
    if code >= 0 {
        return Ok(());
    }
    let text = attributes.filter(|_| header.flags & libc::NLM_F_ACK_TLVS as u16 != 0).and_then(message_attribute);
    Err(Fault::Refused { errno: Errno(code.wrapping_neg()), message: text })
}

fn message_attribute(mut attributes: &[u8]) -> Option<String> {
    const NLMSGERR_ATTR_MSG: u16 = 1;
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let kind = u16_at(attributes, 2)?;
        let value = attributes.get(4..length)?;
        if kind == NLMSGERR_ATTR_MSG {
            let text = value.split(|&b| b == 0).next()?;
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        attributes = attributes.get(aligned(length)..)?;
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Result<RouteNetlinkMessage, Fault> {
    match NetlinkMessage::deserialize(bytes).map(|m| m.payload) {
        Ok(NetlinkPayload::InnerMessage(message)) => Ok(message),
        Ok(_) => Err(lost("a route message")),
        Err(e) => Err(Fault::Broken(format!("the kernel's answer could not be read: {e}"))),
    }
}

fn lost(what: &str) -> Fault {
    Fault::Broken(format!("the kernel's answer lacks {what}"))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}
