//! What a lab's holder and its clients say to each other: one request, one reply, in JSON behind a length.
//!
//! Kernel counterpart: none; this is the wire of [`Backend`](nettwin_model::Backend) over a Unix socket. Deliberately
//! absent: versions (both ends are the same program), authentication (the socket lies in a folder of mode 0700).

use nettwin_model::backend::{Answer, Extent, Failure, Fault, Query};
use nettwin_model::probe::{Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::socket::{self, Call};
use nettwin_model::{Instant, NetnsName, Op, Snapshot};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::time::Duration;

/// What a client asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Who are you?
    Hello,
    /// `Backend::execute`.
    Execute(Vec<Op>),
    /// `Backend::execute_together`, answered as `Execute` is.
    ExecuteTogether(Vec<Op>),
    /// `Backend::lacks_nothing`.
    LacksNothing(Vec<Op>),
    /// `Backend::query`.
    Query(Query),
    /// `Backend::observe`.
    Observe(Extent),
    /// `Backend::start`.
    Start(Probe),
    /// `Backend::stop`.
    Stop(ProbeId, Stop),
    /// `Backend::socket`.
    Socket(Call),
    /// `Backend::now`.
    Now,
    /// `Backend::advance`.
    Advance(Instant),
    /// `Backend::settle`.
    Settle,
    /// From now on the lab outlives the process that built it.
    Commit,
    /// Which descriptor of the holder is this namespace?
    NetnsFd(NetnsName),
    /// Destroy the lab and end.
    End,
}

/// What the holder answers: the variant of the request's name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// To `Hello`.
    Hello {
        /// The holder's process id.
        pid: u32,
        /// Whether the lab was committed.
        committed: bool,
    },
    /// To `Execute`.
    Execute(Result<(), Failure>),
    /// To `Query`.
    Query(Result<Answer, Fault>),
    /// To `Observe`.
    Observe(Result<Snapshot, Fault>),
    /// To `Start`.
    Start(Result<ProbeId, Fault>),
    /// To `Socket`.
    Socket(Result<socket::Reply, Fault>),
    /// To `Now`.
    Now(Instant),
    /// To `Advance`.
    Advance(Option<(Instant, ProbeId, ProbeEvent)>),
    /// To `NetnsFd`.
    NetnsFd(Option<i32>),
    /// To `Settle`.
    Settle(Result<Duration, Fault>),
    /// To `LacksNothing`, `Stop`, `Commit` and `End`.
    Done(Result<(), Fault>),
}

/// Writes one message.
pub(crate) fn send<T: Serialize>(mut to: impl Write, message: &T) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let len = u32::try_from(bytes.len() - 4).ok().filter(|&n| n <= LIMIT).ok_or_else(too_long)?;
    bytes[..4].copy_from_slice(&len.to_be_bytes());
    to.write_all(&bytes)
}

/// Reads one message; `None` at the end of the stream.
pub(crate) fn receive<T: DeserializeOwned>(mut from: impl Read) -> io::Result<Option<T>> {
    let mut len = [0; 4];
    match from.read_exact(&mut len) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let len = u32::from_be_bytes(len);
    if len > LIMIT {
        return Err(too_long());
    }
    let mut bytes = vec![0; len as usize];
    from.read_exact(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Takes one whole message from the front of what has come in so far.
pub(crate) fn take<T: DeserializeOwned>(inbox: &mut Vec<u8>) -> io::Result<Option<T>> {
    let Some(head) = inbox.first_chunk::<4>() else { return Ok(None) };
    let len = u32::from_be_bytes(*head);
    if len > LIMIT {
        return Err(too_long());
    }
    let end = 4 + len as usize;
    if inbox.len() < end {
        return Ok(None);
    }
    let message = serde_json::from_slice(&inbox[4..end])?;
    inbox.drain(..end);
    Ok(Some(message))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message of more than 256 MiB")
}

/// The longest message, bytes. A snapshot of 10 000 namespaces is some 40 MB.
const LIMIT: u32 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use nettwin_model::IfName;
    use nettwin_model::op::LinkChange;

    #[test]
    fn messages_survive_the_wire() {
        let change = LinkChange { master: Some(None), up: Some(true), ..Default::default() };
        let netns = NetnsName::new("h1").unwrap();
        let ops = vec![
            Op::AddNetns { netns: netns.clone() },
            Op::SetLink { netns, name: IfName::new("eth0").unwrap(), change: Box::new(change) },
        ];
        let mut wire = Vec::new();
        send(&mut wire, &Request::Execute(ops.clone())).unwrap();
        send(&mut wire, &Request::Now).unwrap();
        let Some(Request::Execute(got)) = receive(&wire[..]).unwrap() else { panic!("not what was sent") };
        assert_eq!(got, ops);

        let mut inbox = wire[..7].to_vec();
        assert!(take::<Request>(&mut inbox).unwrap().is_none());
        inbox.extend(&wire[7..]);
        assert!(matches!(take(&mut inbox).unwrap(), Some(Request::Execute(_))));
        assert!(matches!(take(&mut inbox).unwrap(), Some(Request::Now)));
        assert!(inbox.is_empty());
        assert!(receive::<Request>(&b"\xff\xff\xff\xff"[..]).is_err());
    }
}
