//! The workloads on TCP and UDP sockets: a connection, a datagram, an echo server.
//!
//! Counterpart: `nc`, `inetd`'s echo service. They speak to [`Sockets`] only, as a program speaks to the kernel, and are
//! told when there is news about a socket of theirs. Deliberately absent: packets, rates, several flows in one.

use super::{Path, SockId, Sockets};
use nettwin_model::probe::{FlowOutcome, Listen, Outcome, ProbeEvent, ProbeId, Proto, Stop, TcpFlow, UdpFlow, payload};
use nettwin_model::{Errno, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

/// What a route lookup for a socket answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Whom to send to: the destination, or 127.0.0.1 if that was 0.0.0.0.
    pub(crate) dst: Ipv4Addr,
    /// The address to send from and the path's MTU.
    pub(crate) path: Path,
    /// To one host, to all, or to a group.
    pub(crate) reach: Reach,
}

/// Whom a destination means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// One host.
    Host,
    /// Everybody on a link.
    Broadcast,
    /// A group.
    Group,
}

/// What a workload asks the IP layer of its namespace.
pub(crate) trait Routes {
    /// The route to `to`, from `source` if that is given.
    fn route(&self, to: SocketAddrV4, source: Option<Ipv4Addr>, proto: Proto) -> Result<Route, Errno>;
    /// Whether a socket may be bound to this address.
    fn can_bind(&self, addr: Ipv4Addr) -> bool;
}

/// All running flows and servers of one namespace.
#[derive(Default)]
pub(crate) struct Flows {
    running: BTreeMap<ProbeId, Flow>,
    /// Whose a socket is.
    owner: BTreeMap<SockId, ProbeId>,
    deadlines: BTreeSet<(Instant, ProbeId)>,
    /// What they have reported and nobody has taken yet.
    reports: Vec<(ProbeId, ProbeEvent)>,
    /// The bytes of a flow, a whole number of periods and one more.
    pattern: Vec<u8>,
    buffer: Vec<u8>,
}

enum Flow {
    Tcp(Connection),
    Udp(Echo),
    Listen(Server),
}

struct Connection {
    sock: SockId,
    is_connected: bool,
    bytes: u64,
    sent: u64,
    received: u64,
    /// All that came back so far is what was sent.
    intact: bool,
    start: Instant,
    end: Instant,
}

struct Echo {
    sock: SockId,
    bytes: Vec<u8>,
    sent: u64,
    start: Instant,
    end: Instant,
}

struct Server {
    sock: SockId,
    proto: Proto,
    clients: BTreeMap<SockId, Client>,
}

/// A connection to a server.
#[derive(Default)]
struct Client {
    /// Read, not yet sent back.
    held: Vec<u8>,
    /// The other side has sent all it will.
    is_ended: bool,
}

impl Flows {
    /// Whether none is running and nothing is to be reported.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.reports.is_empty()
    }

    /// What was reported since the last time.
    pub(crate) fn take_reports(&mut self) -> Vec<(ProbeId, ProbeEvent)> {
        std::mem::take(&mut self.reports)
    }

    /// When the first of them gives up.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.deadlines.first().map(|d| d.0)
    }

    /// Starts a connection.
    pub(crate) fn start_tcp(&mut self, now: Instant, s: &mut Sockets, ip: &impl Routes, id: ProbeId, flow: &TcpFlow) {
        let opened = (|| {
            let source = bindable(ip, flow.source)?;
            let Route { dst, path, reach } = ip.route(SocketAddrV4::new(flow.dst, flow.port), source, Proto::Tcp)?;
            if reach != Reach::Host {
                return Err(Errno::ENETUNREACH); // tcp_v4_connect()
            }
            let local = SocketAddrV4::new(source.unwrap_or(path.source), 0);
            s.tcp_connect(now, local, SocketAddrV4::new(dst, flow.port), path)
        })();
        let sock = match opened {
            Ok(sock) => sock,
            Err(errno) => return self.finish(id, Outcome::Failed(errno)),
        };
        self.begin(id, sock, s, Some(now + flow.timeout));
        let (start, end) = (now, now + flow.timeout);
        let bytes = flow.bytes;
        let connection =
            Connection { sock, is_connected: false, bytes, sent: 0, received: 0, intact: true, start, end };
        self.running.insert(id, Flow::Tcp(connection));
    }

    /// Sends a datagram.
    pub(crate) fn start_udp(&mut self, now: Instant, s: &mut Sockets, ip: &impl Routes, id: ProbeId, flow: &UdpFlow) {
        let opened = (|| {
            let source = bindable(ip, flow.source)?;
            let local = SocketAddrV4::new(source.unwrap_or(Ipv4Addr::UNSPECIFIED), flow.source_port.unwrap_or(0));
            let sock = s.udp_bind(now, local)?;
            let connected = ip.route(SocketAddrV4::new(flow.dst, flow.port), source, Proto::Udp).and_then(|route| {
                if route.reach == Reach::Broadcast {
                    return Err(Errno::EACCES); // ip4_datagram_connect() without SO_BROADCAST
                }
                s.udp_connect(sock, route.path.source, SocketAddrV4::new(route.dst, flow.port))?;
                Ok(route)
            });
            if connected.is_err() {
                s.close(sock);
            }
            connected.map(|route| (sock, route))
        })();
        let (sock, route) = match opened {
            Ok(opened) => opened,
            Err(errno) => return self.finish(id, Outcome::Failed(errno)),
        };
        s.want_errors(sock);
        self.begin(id, sock, s, Some(now + flow.timeout));
        let bytes = payload::flow(0, flow.size.into());
        let mut echo = Echo { sock, bytes, sent: 0, start: now, end: now + flow.timeout };
        let to = SocketAddrV4::new(route.dst, flow.port);
        match s.udp_send(now, sock, to, route.path, &echo.bytes) {
            Ok(()) => {
                echo.sent = flow.size.into();
                self.running.insert(id, Flow::Udp(echo));
            }
            Err(errno) => {
                let outcome = echo.outcome(Some(errno), 0, false, now);
                self.running.insert(id, Flow::Udp(echo));
                self.end(s, id, outcome);
            }
        }
    }

    /// Starts an echo server.
    pub(crate) fn start_listen(&mut self, now: Instant, s: &mut Sockets, ip: &impl Routes, id: ProbeId, on: &Listen) {
        let opened = (|| {
            let addr = bindable(ip, on.addr)?.unwrap_or(Ipv4Addr::UNSPECIFIED);
            let local = SocketAddrV4::new(addr, on.port);
            match on.proto {
                Proto::Tcp => s.tcp_listen(now, local, BACKLOG),
                Proto::Udp => s.udp_bind(now, local),
            }
        })();
        let sock = match opened {
            Ok(sock) => sock,
            Err(errno) => return self.finish(id, Outcome::Failed(errno)),
        };
        self.owner.insert(sock, id);
        self.reports.push((id, ProbeEvent::Started { source: on.addr.map(Into::into) }));
        self.running.insert(id, Flow::Listen(Server { sock, proto: on.proto, clients: BTreeMap::new() }));
    }

    fn begin(&mut self, id: ProbeId, sock: SockId, s: &Sockets, end: Option<Instant>) {
        self.owner.insert(sock, id);
        self.deadlines.extend(end.map(|at| (at, id)));
        let source = s.local(sock).map(|local| (*local.ip()).into());
        self.reports.push((id, ProbeEvent::Started { source }));
    }

    /// Ends a workload for its caller.
    pub(crate) fn stop(&mut self, now: Instant, s: &mut Sockets, id: ProbeId, how: Stop) {
        let interrupted = Some(Errno::EINTR);
        let outcome = match (self.running.get(&id), how) {
            (None, _) => return,
            (Some(Flow::Tcp(c)), Stop::Interrupt) => c.outcome(interrupted, now),
            (Some(Flow::Udp(e)), Stop::Interrupt) => e.outcome(interrupted, 0, false, now),
            (Some(_), _) => Outcome::Stopped,
        };
        self.end(s, id, outcome);
    }

    /// There is news about a socket.
    pub(crate) fn news(&mut self, now: Instant, s: &mut Sockets, ip: &impl Routes, sock: SockId) {
        let Some(&id) = self.owner.get(&sock) else { return };
        if self.pattern.is_empty() {
            self.pattern = payload::flow(0, PERIOD + CHUNK_BYTES);
            self.buffer = vec![0; CHUNK_BYTES];
        }
        let outcome = match self.running.get_mut(&id) {
            Some(Flow::Tcp(c)) => c.news(now, s, id, (&self.pattern, &mut self.buffer), &mut self.reports),
            Some(Flow::Udp(e)) => e.news(now, s),
            Some(Flow::Listen(server)) => {
                server.news(now, s, ip, sock, &mut self.buffer);
                self.adopt(id, sock);
                None
            }
            None => None,
        };
        if let Some(outcome) = outcome {
            self.end(s, id, outcome);
        }
    }

    /// Keeps the table of owners as a server's connections come and go.
    fn adopt(&mut self, id: ProbeId, sock: SockId) {
        let Some(Flow::Listen(server)) = self.running.get(&id) else { return };
        if sock == server.sock {
            self.owner.extend(server.clients.keys().map(|&client| (client, id)));
        } else if !server.clients.contains_key(&sock) {
            self.owner.remove(&sock);
        }
    }

    /// Lets those whose time is over end.
    pub(crate) fn expire(&mut self, now: Instant, s: &mut Sockets) {
        while let Some(&(at, id)) = self.deadlines.first() {
            if at > now {
                return;
            }
            let silence = Some(Errno::ETIMEDOUT);
            match self.running.get(&id) {
                Some(Flow::Tcp(c)) => {
                    let outcome = c.outcome(silence, now);
                    self.end(s, id, outcome);
                }
                Some(Flow::Udp(e)) => {
                    let outcome = e.outcome(silence, 0, false, now);
                    self.end(s, id, outcome);
                }
                Some(Flow::Listen(_)) | None => {
                    self.deadlines.pop_first();
                }
            }
        }
    }

    fn end(&mut self, s: &mut Sockets, id: ProbeId, outcome: Outcome) {
        match self.running.remove(&id) {
            Some(Flow::Tcp(Connection { sock, end, .. }) | Flow::Udp(Echo { sock, end, .. })) => {
                self.owner.remove(&sock);
                self.deadlines.remove(&(end, id));
                s.close(sock);
            }
            Some(Flow::Listen(server)) => {
                for sock in server.clients.into_keys().chain([server.sock]) {
                    self.owner.remove(&sock);
                    s.close(sock);
                }
            }
            None => {}
        }
        self.finish(id, outcome);
    }

    fn finish(&mut self, id: ProbeId, outcome: Outcome) {
        self.reports.push((id, ProbeEvent::Done(outcome)));
    }
}

/// `bind()` to an address that is given.
fn bindable(ip: &impl Routes, addr: Option<Ipv4Addr>) -> Result<Option<Ipv4Addr>, Errno> {
    match addr.filter(|a| !a.is_unspecified()) {
        Some(a) if !ip.can_bind(a) => Err(Errno::EADDRNOTAVAIL),
        other => Ok(other),
    }
}

impl Connection {
    fn outcome(&self, error: Option<Errno>, at: Instant) -> Outcome {
        let (sent, received) = (self.sent, self.received);
        let intact = self.intact && error.is_none() && received == self.bytes;
        Outcome::Tcp(FlowOutcome { error, sent, received, intact, time: at.since(self.start) })
    }

    fn news(
        &mut self,
        now: Instant,
        s: &mut Sockets,
        id: ProbeId,
        bytes: (&[u8], &mut [u8]),
        reports: &mut Vec<(ProbeId, ProbeEvent)>,
    ) -> Option<Outcome> {
        if !self.is_connected {
            if s.is_opening(self.sock) {
                return None;
            }
            if let Some(errno) = s.take_error(self.sock) {
                return Some(self.outcome(Some(errno), now));
            }
            self.is_connected = true;
            reports.push((id, ProbeEvent::Connected { after: now.since(self.start) }));
        }
        match self.exchange(s, bytes) {
            Ok(false) => None,
            Ok(true) => Some(self.outcome(None, now)),
            Err(errno) => Some(self.outcome(Some(errno), now)),
        }
    }

    /// Sends and receives what can be. `Ok`: whether that was all.
    fn exchange(&mut self, s: &mut Sockets, (pattern, buffer): (&[u8], &mut [u8])) -> Result<bool, Errno> {
        while self.received < self.bytes {
            let mut idle = true;
            // A chunk fits a usize.
            let left = (self.bytes - self.sent).min(CHUNK_BYTES as u64) as usize;
            if left > 0 {
                match s.send(self.sock, expected(pattern, self.sent, left)) {
                    Ok(n) => {
                        self.sent += n as u64;
                        idle = false;
                    }
                    Err(Errno::EAGAIN) => {}
                    Err(errno) => return Err(errno),
                }
            }
            match s.recv(self.sock, buffer) {
                // The other side closed before it sent everything back.
                Ok(0) => return Err(Errno::ECONNRESET),
                Ok(n) => {
                    self.intact &= expected(pattern, self.received, n) == &buffer[..n];
                    self.received += n as u64;
                    idle = false;
                }
                Err(Errno::EAGAIN) => {}
                Err(errno) => return Err(errno),
            }
            if idle {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Bytes `from` to `from + len` of what a flow sends; at most a chunk.
fn expected(pattern: &[u8], from: u64, len: usize) -> &[u8] {
    // The remainder is below the period.
    let at = (from % PERIOD as u64) as usize;
    &pattern[at..at + len]
}

impl Echo {
    fn outcome(&self, error: Option<Errno>, received: u64, intact: bool, at: Instant) -> Outcome {
        let time = at.since(self.start);
        Outcome::Udp(FlowOutcome { error, sent: self.sent, received, intact, time })
    }

    fn news(&mut self, now: Instant, s: &mut Sockets) -> Option<Outcome> {
        match s.udp_recv(self.sock) {
            Ok(d) => Some(self.outcome(None, d.payload.len() as u64, d.payload == self.bytes, now)),
            Err(Errno::EAGAIN) => None,
            Err(errno) => Some(self.outcome(Some(errno), 0, false, now)),
        }
    }
}

impl Server {
    fn news(&mut self, now: Instant, s: &mut Sockets, ip: &impl Routes, sock: SockId, buffer: &mut [u8]) {
        match self.proto {
            Proto::Udp => self.echo_datagrams(now, s, ip),
            Proto::Tcp if sock == self.sock => {
                while let Ok(client) = s.accept(self.sock) {
                    self.clients.insert(client, Client::default());
                    self.serve(s, client, buffer);
                }
            }
            Proto::Tcp => self.serve(s, sock, buffer),
        }
    }

    fn serve(&mut self, s: &mut Sockets, sock: SockId, buffer: &mut [u8]) {
        let Some(client) = self.clients.get_mut(&sock) else { return };
        if !client.echo(s, sock, buffer) {
            self.clients.remove(&sock);
            s.close(sock);
        }
    }

    /// An echo that cannot be sent is lost, as any datagram may be. To a broadcast the answer comes from the address that
    /// the route back gives.
    fn echo_datagrams(&self, now: Instant, s: &mut Sockets, ip: &impl Routes) {
        loop {
            let datagram = match s.udp_recv(self.sock) {
                Ok(datagram) => datagram,
                Err(Errno::EAGAIN | Errno::EBADF) => return,
                Err(_) => continue,
            };
            let me = Some(datagram.to).filter(|&to| ip.can_bind(to));
            if let Ok(route) = ip.route(datagram.from, me, Proto::Udp)
                && route.reach != Reach::Broadcast
            {
                let path = Path { source: me.unwrap_or(route.path.source), ..route.path };
                let _ = s.udp_send(now, self.sock, datagram.from, path, &datagram.payload);
            }
        }
    }
}

impl Client {
    /// Sends back what it can; returns whether the connection lives on.
    fn echo(&mut self, s: &mut Sockets, sock: SockId, buffer: &mut [u8]) -> bool {
        loop {
            while !self.held.is_empty() {
                match s.send(sock, &self.held) {
                    Ok(n) => drop(self.held.drain(..n)),
                    Err(Errno::EAGAIN) => return true,
                    Err(_) => return false,
                }
            }
            if self.is_ended {
                return false;
            }
            match s.recv(sock, buffer) {
                Ok(0) => self.is_ended = true,
                Ok(n) => self.held.extend_from_slice(&buffer[..n]),
                Err(Errno::EAGAIN) => return true,
                Err(_) => return false,
            }
        }
    }
}

const BACKLOG: usize = 128;
const CHUNK_BYTES: usize = 64 << 10;
/// Of [`payload::flow_byte`].
const PERIOD: usize = 251;
