//! What a shim and the run's server say to each other: a message in JSON and the bytes that go with it, each behind a length.
//!
//! Kernel counterpart: none. Deliberately absent: versions (both ends are the same program), authentication (the socket
//! lies in a folder of mode 0700).

use nettwin::model::NetnsName;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// What a shim says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// The script's first process stands, and begins the script.
    Ready,
    /// It could not set the scene.
    NoScene(String),
    /// A command was called.
    Run(Call),
    /// A program wants another to run in its place.
    Become(Call),
    /// It got this signal.
    Signal(u8),
    /// What came on standard input: the bytes. None are its end.
    Input,
    /// The program that it was told to spawn has ended.
    ChildEnded(u8),
    /// What became of the file that it was told to read (its bytes) or write: an errno if it failed.
    File(Option<i32>),
    /// What time is it?
    Time,
    /// Where is the command that this process stands for?
    Where(u32),
    /// A program was called that is not for this network.
    Refused(String),
}

/// A command line, and where it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// The process.
    pub(crate) pid: u32,
    /// The namespace.
    pub(crate) netns: NetnsName,
    /// The words.
    pub(crate) words: Vec<String>,
    /// The part of its environment that tools read.
    pub(crate) env: BTreeMap<String, String>,
    /// Whether standard output is a terminal.
    pub(crate) is_tty: bool,
}

/// What the server says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Tell {
    /// Write the bytes to standard output.
    Out,
    /// Write the bytes to standard error.
    Err,
    /// Read standard input.
    WantInput,
    /// End with this status.
    Exit(u8),
    /// Die of this signal.
    Die(u8),
    /// Become this program in that namespace.
    Become(NetnsName, Vec<String>),
    /// Run this program in that namespace and say how it ended.
    Spawn(NetnsName, Vec<String>),
    /// The same two, where the network is the kernel's: a descriptor of the namespace follows, with one byte.
    BecomeReal(NetnsName, Vec<String>),
    /// See there.
    SpawnReal(NetnsName, Vec<String>),
    /// Read this file.
    Read(String),
    /// Write the bytes to this file.
    Write {
        /// Where.
        path: String,
        /// At its end.
        append: bool,
    },
    /// Say what this folder holds.
    List(String),
    /// Nanoseconds since the script began.
    Time(u64),
    /// In that namespace, if the process stands for a command.
    Where(Option<NetnsName>),
}

/// What a folder holds, as the answer to [`Tell::List`]: a name, whether it is a folder, whether it is a link,
/// and when it was last changed.
pub(crate) type Listed = (String, bool, bool, u64);

/// A message as it travels.
pub(crate) fn frame(message: &impl Serialize, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let message = serde_json::to_vec(message)?;
    let length = |n: usize| u32::try_from(n).map_err(|_| io::Error::other("a message of more than 4 GiB"));
    let mut out = Vec::with_capacity(8 + message.len() + bytes.len());
    out.extend(length(message.len())?.to_be_bytes());
    out.extend(length(bytes.len())?.to_be_bytes());
    out.extend(message);
    out.extend(bytes);
    Ok(out)
}

/// Takes the first message off what has come, if it is there as a whole.
pub(crate) fn unframe<T: DeserializeOwned>(buffer: &mut Vec<u8>) -> io::Result<Option<(T, Vec<u8>)>> {
    let Some((lengths, rest)) = buffer.split_first_chunk::<8>() else { return Ok(None) };
    let (message, bytes) = split(lengths);
    if rest.len() < message + bytes {
        return Ok(None);
    }
    let decoded = serde_json::from_slice(&rest[..message])?;
    let carried = rest[message..message + bytes].to_vec();
    buffer.drain(..8 + message + bytes);
    Ok(Some((decoded, carried)))
}

fn split(lengths: &[u8; 8]) -> (usize, usize) {
    let [a, b, c, d, e, f, g, h] = *lengths;
    // A u32 fits into a usize wherever there are Unix sockets.
    (u32::from_be_bytes([a, b, c, d]) as usize, u32::from_be_bytes([e, f, g, h]) as usize)
}

/// Sends a message at once.
pub(crate) fn send(mut to: &UnixStream, message: &impl Serialize, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&frame(message, bytes)?)
}

/// Waits for a message; `None` when the other end has gone.
pub(crate) fn receive<T: DeserializeOwned>(mut from: &UnixStream) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; 8];
    match from.read_exact(&mut lengths) {
        Err(e) if matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => return Ok(None),
        read => read?,
    }
    let (message, bytes) = split(&lengths);
    let mut body = vec![0; message + bytes];
    from.read_exact(&mut body)?;
    let carried = body.split_off(message);
    Ok(Some((serde_json::from_slice(&body)?, carried)))
}
