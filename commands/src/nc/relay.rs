//! Bytes from standard input to a socket, and from the socket to standard output.
//!
//! Counterpart: `readwrite()` of OpenBSD netcat 1.219. Deliberately absent: `-i`, `-C`, telnet.

use super::options::Options;
use crate::job::{Context, Waits};
use nettwin_model::probe::ProbeId;
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Errno, Fault, Instant};
use std::net::SocketAddrV4;

/// The two directions of one socket.
#[derive(Debug)]
pub(super) struct Relay {
    /// The socket.
    pub(super) sock: ProbeId,
    /// Whom datagrams go to, where the socket has no one other end.
    peer: Option<SocketAddrV4>,
    /// Datagrams of anybody are taken.
    open_to_all: bool,
    stdin: bool,
    net_in: bool,
    net_out: bool,
    held: Vec<u8>,
    /// When it ends because nothing happens.
    idle_at: Option<Instant>,
    /// When it ends because standard input has.
    quit_at: Option<Instant>,
}

impl Relay {
    /// A relay of a socket with one other end.
    pub(super) fn new(cx: &Context<'_>, options: &Options, sock: ProbeId) -> Self {
        Relay {
            sock,
            peer: None,
            open_to_all: false,
            stdin: !options.detached,
            net_in: true,
            net_out: true,
            held: Vec::new(),
            idle_at: options.timeout.map(|timeout| cx.machine.now() + timeout),
            quit_at: None,
        }
    }

    /// One of a bound socket: with whoever spoke first, or (`None`) with everybody, who is then not answered.
    pub(super) fn bound(cx: &Context<'_>, options: &Options, sock: ProbeId, peer: Option<SocketAddrV4>) -> Self {
        Relay { peer, open_to_all: peer.is_none(), ..Relay::new(cx, options, sock) }
    }

    /// Goes on as far as it can; `None` at its end.
    pub(super) fn run(&mut self, cx: &mut Context<'_>, options: &Options) -> Option<Waits> {
        let mut happened = false;
        loop {
            let moved = self.take_input(cx) | self.send(cx) | self.receive(cx, options.udp);
            happened |= moved;
            if !self.stdin && self.held.is_empty() && self.net_out {
                if options.half_close && !options.udp {
                    // It is gone if this fails, which the next read says.
                    let _ = cx.socket(&Call::Shutdown(self.sock));
                }
                self.net_out = false;
                self.quit_at = options.quit_after.map(|after| cx.machine.now() + after);
            }
            let is_flushed = self.held.is_empty();
            let inputs_gone = !self.stdin && !self.net_in && is_flushed;
            let outputs_gone = !self.net_out && !self.net_in;
            if inputs_gone || outputs_gone || (options.listen && !self.net_in && is_flushed) {
                return None;
            }
            if !moved {
                break;
            }
        }
        let now = cx.machine.now();
        if happened {
            self.idle_at = options.timeout.map(|timeout| now + timeout);
        }
        if [self.idle_at, self.quit_at].into_iter().flatten().any(|at| at <= now) {
            return None;
        }
        let until = [self.idle_at, self.quit_at].into_iter().flatten().min();
        Some(Waits { until, input: self.stdin && self.held.len() < BUFFER_BYTES })
    }

    fn take_input(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.stdin || self.held.len() >= BUFFER_BYTES {
            return false;
        }
        if !self.net_out {
            self.stdin = false;
            return true;
        }
        let take = cx.input.bytes.len().min(BUFFER_BYTES - self.held.len());
        self.held.extend(cx.input.bytes.drain(..take));
        if take == 0 && cx.input.ended {
            self.stdin = false;
        }
        take > 0 || !self.stdin
    }

    fn send(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.net_out || self.held.is_empty() {
            return false;
        }
        let call = match self.peer {
            Some(peer) => Call::SendTo(self.sock, peer, self.held.clone()),
            None => Call::Send(self.sock, self.held.clone()),
        };
        match cx.socket(&call) {
            Ok(Reply::Sent(n)) => drop(self.held.drain(..n.min(self.held.len()))),
            Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => return false,
            _ => self.net_out = false,
        }
        true
    }

    fn receive(&mut self, cx: &mut Context<'_>, udp: bool) -> bool {
        if !self.net_in {
            return false;
        }
        let is_bound = self.open_to_all || self.peer.is_some();
        let call = if udp && is_bound { Call::RecvFrom(self.sock) } else { Call::Recv(self.sock, BUFFER_BYTES) };
        match cx.socket(&call) {
            Ok(Reply::Datagram(from, _)) if self.peer.is_some_and(|peer| peer != from) => {}
            Ok(Reply::Received(bytes) | Reply::Datagram(_, bytes)) => {
                cx.out.extend_from_slice(&bytes);
                self.net_in = !bytes.is_empty();
            }
            Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => return false,
            // POLLERR says so of both directions.
            _ => (self.net_in, self.net_out) = (false, false),
        }
        true
    }
}

const BUFFER_BYTES: usize = 16384;
