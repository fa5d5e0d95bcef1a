//! A datagram and its echo; a connection, bytes there and back.
//!
//! Kernel counterpart: ordinary sockets, as `nc` and `iperf` use them. The UDP socket takes every ICMP error (`IP_RECVERR`),
//! not only those that end a connection. Deliberately absent: rates, several flows in one.

use super::{Begin, Clock, Outbox, Refusal, Task, sys};
use nettwin_model::probe::{FlowOutcome, Outcome, ProbeEvent, Stop, TcpFlow, UdpFlow, WakeAt, payload};
use nettwin_model::{Errno, Instant};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketType};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

/// Opens and connects the datagram's socket.
pub(super) fn open_udp(flow: &UdpFlow) -> Result<Begin, Refusal> {
    let udp = sys::udp_socket()?;
    if flow.source.is_some() || flow.source_port.is_some() {
        sys::bind(&udp, flow.source.unwrap_or(Ipv4Addr::UNSPECIFIED), flow.source_port.unwrap_or(0))?;
    }
    sys::want_errors(&udp)?;
    sys::want_timestamps(&udp)?;
    sys::enlarge_inbox(&udp, INBOX_BYTES)?;
    sys::connect(&udp, flow.dst, flow.port)?;
    let source = sys::own_addr(&udp)?;
    let (bytes, timeout) = (payload::flow(0, flow.size.into()), flow.timeout);
    Ok(Box::new(move |clock, out| {
        let start = clock.now();
        out.push((start, ProbeEvent::Started { source: Some(source.into()) }));
        let mut echo = Echo { udp, bytes, start, end: start + timeout, sent: 0 };
        match sys::send(&echo.udp, &echo.bytes) {
            // ENOBUFS: dropped below the socket, by a device without carrier or a full queue. Only a socket with
            // IP_RECVERR is told; to others it is silence, and so here.
            Ok(_) | Err(Errno::ENOBUFS) => {
                echo.sent = echo.bytes.len() as u64; // A datagram's length.
                Some(Box::new(echo))
            }
            Err(errno) => {
                echo.done(Some(errno), 0, false, clock.now(), out);
                None
            }
        }
    }))
}

/// A datagram on its way.
#[derive(Debug)]
struct Echo {
    udp: OwnedFd,
    bytes: Vec<u8>,
    start: Instant,
    end: Instant,
    sent: u64,
}

impl Echo {
    fn done(&self, error: Option<Errno>, received: u64, intact: bool, at: Instant, out: &mut Outbox) {
        let outcome = FlowOutcome { error, sent: self.sent, received, intact, time: at.since(self.start) };
        out.push((at, ProbeEvent::Done(Outcome::Udp(outcome))));
    }
}

impl Task for Echo {
    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.push(PollFd::new(&self.udp, PollFlags::IN));
    }

    fn wake_at(&self) -> WakeAt {
        Some(self.end)
    }

    fn read(&mut self, clock: Clock, out: &mut Outbox) {
        let mut buffer = vec![0; 1 << 16];
        match sys::receive(&self.udp, &mut buffer) {
            Ok(received) => {
                let at = clock.ago(received.age);
                self.done(None, received.len as u64, buffer[..received.len] == self.bytes, at, out);
            }
            Err(Errno::EAGAIN) => {}
            Err(errno) => {
                // The error queue knows when it came.
                let at = sys::receive_error(&self.udp, &mut buffer).map_or(clock.now(), |e| clock.ago(e.age));
                self.done(Some(errno), 0, false, at, out);
            }
        }
    }

    fn timer(&mut self, clock: Clock, out: &mut Outbox) {
        self.done(Some(Errno::ETIMEDOUT), 0, false, clock.now(), out);
    }

    fn stop(&mut self, how: Stop, clock: Clock, out: &mut Outbox) {
        match how {
            Stop::Interrupt => self.done(Some(Errno::EINTR), 0, false, clock.now(), out),
            Stop::Kill => out.push((clock.now(), ProbeEvent::Done(Outcome::Stopped))),
        }
    }
}

/// Opens the connection's socket and begins to connect.
pub(super) fn open_tcp(flow: &TcpFlow) -> Result<Begin, Refusal> {
    let tcp = sys::socket(AddressFamily::INET, SocketType::STREAM, 0)?;
    if let Some(source) = flow.source {
        sys::bind(&tcp, source, 0)?;
    }
    let flow = flow.clone();
    Ok(Box::new(move |clock, out| {
        let start = clock.now();
        if let Err(errno) = sys::connect(&tcp, flow.dst, flow.port)
            && errno != Errno::EINPROGRESS
        {
            out.push((clock.now(), ProbeEvent::Done(Outcome::Failed(errno))));
            return None;
        }
        let source = sys::own_addr(&tcp).ok().map(Into::into);
        out.push((start, ProbeEvent::Started { source }));
        Some(Box::new(Connection {
            tcp,
            is_connected: false,
            bytes: flow.bytes,
            sent: 0,
            received: 0,
            intact: true,
            start,
            end: start + flow.timeout,
        }))
    }))
}

/// A connection.
#[derive(Debug)]
struct Connection {
    tcp: OwnedFd,
    is_connected: bool,
    bytes: u64,
    sent: u64,
    received: u64,
    /// All that came back so far is what was sent.
    intact: bool,
    start: Instant,
    end: Instant,
}

impl Connection {
    fn done(&self, error: Option<Errno>, at: Instant, out: &mut Outbox) {
        let intact = self.intact && error.is_none() && self.received == self.bytes;
        let outcome =
            FlowOutcome { error, sent: self.sent, received: self.received, intact, time: at.since(self.start) };
        out.push((at, ProbeEvent::Done(Outcome::Tcp(outcome))));
    }

    /// Whether the handshake is over, one way or the other.
    fn is_settled(&self) -> bool {
        let mut fds = [PollFd::new(&self.tcp, PollFlags::OUT)];
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        matches!(rustix::event::poll(&mut fds, Some(&at_once)), Ok(1))
    }

    /// Sends and receives what can be without waiting. `Ok`: whether that was all.
    fn exchange(&mut self) -> Result<bool, Errno> {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let mut idle = true;
            let left = usize::try_from(self.bytes - self.sent).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            if left > 0 {
                match sys::send(&self.tcp, &payload::flow(self.sent, left)) {
                    Ok(n) => {
                        self.sent += n as u64;
                        idle = false;
                    }
                    Err(Errno::EAGAIN | Errno::EINTR) => {}
                    Err(errno) => return Err(errno),
                }
            }
            match rustix::net::recv(&self.tcp, &mut *buffer, rustix::net::RecvFlags::empty()).map_err(sys::errno) {
                // The other side closed before it sent everything back.
                Ok((0, _)) => return Err(Errno::ECONNRESET),
                Ok((n, _)) => {
                    let expected = payload::flow(self.received, n);
                    self.intact &= expected == buffer[..n];
                    self.received += n as u64;
                    idle = false;
                }
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
            if self.received >= self.bytes {
                return Ok(true);
            }
            if idle {
                return Ok(false);
            }
        }
    }
}

impl Task for Connection {
    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        let sending = !self.is_connected || self.sent < self.bytes;
        let flags = if sending { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        fds.push(PollFd::new(&self.tcp, flags));
    }

    fn wake_at(&self) -> WakeAt {
        Some(self.end)
    }

    fn read(&mut self, clock: Clock, out: &mut Outbox) {
        if !self.is_connected {
            if !self.is_settled() {
                return;
            }
            if let Some(errno) = sys::take_error(&self.tcp) {
                return self.done(Some(errno), clock.now(), out);
            }
            self.is_connected = true;
            let at = clock.now();
            out.push((at, ProbeEvent::Connected { after: at.since(self.start) }));
        }
        if self.bytes == 0 {
            return self.done(None, clock.now(), out);
        }
        match self.exchange() {
            Ok(false) => {}
            Ok(true) => self.done(None, clock.now(), out),
            Err(errno) => self.done(Some(errno), clock.now(), out),
        }
    }

    fn timer(&mut self, clock: Clock, out: &mut Outbox) {
        self.done(Some(Errno::ETIMEDOUT), clock.now(), out);
    }

    fn stop(&mut self, how: Stop, clock: Clock, out: &mut Outbox) {
        match how {
            Stop::Interrupt => self.done(Some(Errno::EINTR), clock.now(), out),
            Stop::Kill => out.push((clock.now(), ProbeEvent::Done(Outcome::Stopped))),
        }
    }
}

const CHUNK_BYTES: usize = 64 << 10;
const INBOX_BYTES: usize = 1 << 20;
