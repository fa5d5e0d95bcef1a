//! A netlink socket to netfilter: transactions out, dumps in.
//!
//! Kernel counterpart: `nfnetlink_rcv_batch()`. All messages of a transaction travel in one datagram between a beginning
//! and an end; the first that is refused refuses all.

use super::attr::Read;
use crate::netlink::with_inbox;
use crate::netns::refused_io;
use netlink_sys::Socket;
use nettwin_model::{Errno, Fault};

/// `NETLINK_NETFILTER`.
const PROTOCOL: isize = 12;
const HEADER: usize = 16;
/// `struct nfgenmsg`.
const GENMSG: usize = 4;
pub(super) const REQUEST: u16 = 1;
pub(super) const ACK: u16 = 4;
pub(super) const DUMP: u16 = 0x300;
pub(super) const EXCL: u16 = 0x200;
pub(super) const CREATE: u16 = 0x400;
pub(super) const APPEND: u16 = 0x800;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// `NFNL_SUBSYS_NFTABLES`.
const NFTABLES: u16 = 10;

/// A message: its kind within nf_tables, its flags, its family and its attributes.
pub(super) struct Message {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) family: u8,
    pub(super) attrs: Vec<u8>,
    /// The change that it belongs to.
    pub(super) change: usize,
}

/// A socket of the namespace that it was opened in.
#[derive(Debug)]
pub(crate) struct NfSocket {
    socket: Socket,
    sequence: u32,
}

impl NfSocket {
    /// Opens it in the calling thread's namespace.
    pub(crate) fn open() -> Result<Self, Fault> {
        // It gets an address by the first thing that is sent; whom to, if nobody is named, is the kernel.
        let socket = Socket::new(PROTOCOL).map_err(|e| refused_io(&e))?;
        Ok(NfSocket { socket, sequence: 0 })
    }

    /// All messages or none. On refusal: which change, and why.
    pub(super) fn transact(&mut self, messages: &[Message]) -> Result<Result<(), (usize, Errno)>, Fault> {
        let mut datagram = Vec::new();
        self.append(&mut datagram, BATCH_BEGIN, REQUEST, 0, NFTABLES, &[]);
        let first = self.sequence + 1;
        for message in messages {
            let kind = NFTABLES << 8 | message.kind;
            self.append(&mut datagram, kind, REQUEST | ACK | message.flags, message.family, 0, &message.attrs);
        }
        self.append(&mut datagram, BATCH_END, REQUEST, 0, NFTABLES, &[]);
        self.socket.send(&datagram, 0).map_err(|e| refused_io(&e))?;
        let mut open = messages.len();
        let mut refusal: Option<(usize, Errno)> = None;
        while open > 0 {
            let inbox = self.receive()?;
            for (kind, sequence, body) in Frames(&inbox) {
                let Some(code) = (kind == ERROR).then(|| code(body)).flatten() else { continue };
                let Some(at) = sequence.checked_sub(first).map(|n| n as usize) else {
                    // The beginning itself was refused: nothing else is answered.
                    return Ok(Err((0, Errno(-code))));
                };
                let Some(message) = messages.get(at) else { continue };
                open -= 1;
                if code != 0 && refusal.is_none() {
                    refusal = Some((message.change, Errno(-code)));
                }
            }
        }
        Ok(refusal.map_or(Ok(()), Err))
    }

    /// All rows of a table, each from behind its headers, with its family.
    pub(super) fn dump(
        &mut self,
        subsystem: u16,
        kind: u16,
        family: u8,
        attrs: &[u8],
    ) -> Result<Vec<(u8, Vec<u8>)>, Fault> {
        let mut datagram = Vec::new();
        self.append(&mut datagram, subsystem << 8 | kind, REQUEST | DUMP, family, 0, attrs);
        self.socket.send(&datagram, 0).map_err(|e| refused_io(&e))?;
        let mut rows = Vec::new();
        loop {
            let inbox = self.receive()?;
            for (kind, _, body) in Frames(&inbox) {
                match kind {
                    DONE => return Ok(rows),
                    ERROR => match code(body) {
                        Some(0) | None => return Ok(rows),
                        Some(code) => return Err(Fault::errno(Errno(-code))),
                    },
                    _ => {
                        rows.push((body.first().copied().unwrap_or(0), body.get(GENMSG..).unwrap_or_default().to_vec()))
                    }
                }
            }
        }
    }

    fn append(&mut self, out: &mut Vec<u8>, kind: u16, flags: u16, family: u8, resource: u16, attrs: &[u8]) {
        self.sequence += 1;
        // A ruleset is far below 4 GiB.
        let length = (HEADER + GENMSG + attrs.len()) as u32;
        out.extend_from_slice(&length.to_ne_bytes());
        out.extend_from_slice(&kind.to_ne_bytes());
        out.extend_from_slice(&flags.to_ne_bytes());
        out.extend_from_slice(&self.sequence.to_ne_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[family, 0]);
        out.extend_from_slice(&resource.to_be_bytes());
        out.extend_from_slice(attrs);
        out.resize(out.len().next_multiple_of(4), 0);
    }

    fn receive(&mut self) -> Result<Vec<u8>, Fault> {
        const INBOX: usize = 1 << 20;
        with_inbox(INBOX, |inbox| {
            while let Err(e) = self.socket.recv(inbox, 0) {
                if e.kind() != std::io::ErrorKind::Interrupted {
                    return Err(refused_io(&e));
                }
            }
            Ok(inbox.clone())
        })
    }
}

fn code(body: &[u8]) -> Option<i32> {
    Some(i32::from_ne_bytes(body.get(..4)?.try_into().ok()?))
}

/// A datagram's messages: kind, sequence number and body.
struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = (u16, u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.0;
        let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        if length < HEADER || length > bytes.len() {
            return None;
        }
        self.0 = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
        let sequence = u32::from_ne_bytes(bytes.get(8..12)?.try_into().ok()?);
        Some((kind, sequence, &bytes[HEADER..length]))
    }
}

/// Attributes of a row.
pub(super) fn read(row: &[u8]) -> Read<'_> {
    Read(row)
}
