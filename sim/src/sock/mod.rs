//! The sockets of one namespace: TCP and UDP by smoltcp, demultiplexing and errors as Linux has them.
//!
//! Kernel counterpart: `net/ipv4/inet_hashtables.c`, `inet_connection_sock.c`, `udp.c`. IPv4 packets go in
//! ([`Sockets::input`], [`Sockets::icmp_error`]), IPv4 packets come out ([`Sockets::poll`], one at a time), time is a
//! parameter, and [`Sockets::wake_at`] says when to poll again. Which addresses are local, which route a packet takes and
//! what it is fragmented into is the IP layer's business: callers pass what they found as a [`Path`].
//!
//! smoltcp is imported nowhere else. Deliberately absent: IPv6, raw and ping sockets (they are the IP layer's),
//! `SO_REUSEPORT` (`SO_REUSEADDR` is taken as set, as servers do), `SO_BINDTODEVICE`, SYN cookies.

mod agreed;
mod driver;
mod flow;
mod netns;
mod segment;
mod settings;
mod tables;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;
mod user;

pub(crate) use flow::{Reach, Route};
pub(crate) use netns::{Transport, call, icmp_error, input, list, start, stop, timer};

use crate::rng::Rng;
use driver::Outbox;
use nettwin_model::probe::{IcmpError, Proto};
use nettwin_model::socket::{Listed, State};
use nettwin_model::{Errno, Instant};
use segment::{Bad, Bare, Quoted, Segment, Tuple, bare_segment, flag, reset_for};
use settings::Settings;
use std::collections::{BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tables::{Listener, Ports, Slots, SockId, Socket, TimeWaits};
use tcp::{Tcp, TimeWait};
use udp::{Datagram, Udp};

/// What a route says to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The address to send from.
    pub(crate) source: Ipv4Addr,
    /// The greatest packet that the path is known to take, bytes.
    pub(crate) mtu: u16,
    /// The greatest segment to offer, bytes.
    pub(crate) mss: u16,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A socket took it (or knew to drop it).
    Taken,
    /// There is no socket for it: ICMP port unreachable (UDP) or [`reset_for`] (TCP) is due.
    NoSocket,
    /// Its TCP or UDP header contradicts its length.
    Malformed,
    /// Its TCP or UDP checksum is wrong.
    BadChecksum,
}

/// All TCP and UDP sockets of one namespace.
pub(crate) struct Sockets {
    slots: Slots,
    ports: Ports,
    time_waits: TimeWaits,
    out: Outbox,
    /// Sockets that may have something to send, in the order they got it.
    run: VecDeque<u32>,
    /// When sockets want to be looked at again; an entry may be too early, never too late.
    timers: BTreeSet<(Instant, u32)>,
    /// Sockets about which there is news for their owner.
    news: VecDeque<SockId>,
    /// Who acknowledged something, until the next packet to it.
    heard: Option<Ipv4Addr>,
    /// A stream has moved on: bytes were read from it.
    moved: bool,
    random: Rng,
    /// What sysctls say.
    pub(crate) settings: Settings,
    /// `ip_local_reserved_ports`: ranges that are never ephemeral.
    pub(crate) reserved: Arc<[(u16, u16)]>,
}

impl Sockets {
    /// No sockets; the stream decides ports, sequence numbers and identifications.
    pub(crate) fn new(random: Rng) -> Self {
        Sockets {
            slots: Slots::default(),
            ports: Ports::default(),
            time_waits: TimeWaits::default(),
            out: Outbox::default(),
            run: VecDeque::new(),
            timers: BTreeSet::new(),
            news: VecDeque::new(),
            heard: None,
            moved: false,
            random,
            settings: Settings::default(),
            reserved: Arc::default(),
        }
    }

    /// Whether there is no socket at all.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Begins a connection from `local` (port 0: an ephemeral one) to `remote`; its SYN leaves with the next poll.
    /// EADDRINUSE: this pair of ends has a connection. EADDRNOTAVAIL: no ephemeral port is left.
    pub(crate) fn tcp_connect(
        &mut self,
        now: Instant,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        path: Path,
    ) -> Result<SockId, Errno> {
        let chosen = local.port() != 0;
        let (proto, at) = (Proto::Tcp, |port| SocketAddrV4::new(*local.ip(), port));
        let local = match local.port() {
            0 => self
                .ephemeral(|me, port| {
                    let tuple = Tuple { proto, local: at(port), remote };
                    !me.ports.is_listening(port) && me.is_tuple_free(now, &tuple)
                })
                .map(at)
                .ok_or(Errno::EADDRNOTAVAIL)?,
            _ => local,
        };
        let tuple = Tuple { proto, local, remote };
        if !self.is_tuple_free(now, &tuple) {
            return Err(Errno::EADDRINUSE);
        }
        let mut tcp = Tcp::connect(now, tuple, path, self.random(), self.settings)?;
        tcp.client = Some(chosen);
        let id = self.slots.insert(Socket::Tcp(Box::new(tcp)));
        self.ports.connect(tuple, id.index);
        self.make_runnable(id.index);
        Ok(id)
    }

    /// Listens on an address (0.0.0.0: all) and a port (0: an ephemeral one).
    /// EADDRINUSE: somebody listens there, or on all addresses, or this is on all and somebody listens on one; or a client
    /// has that port.
    pub(crate) fn tcp_listen(&mut self, now: Instant, local: SocketAddrV4, backlog: usize) -> Result<SockId, Errno> {
        let port = match local.port() {
            0 => self.ephemeral(|me, port| !me.ports.is_listening(port)).ok_or(Errno::EADDRINUSE)?,
            port => port,
        };
        let local = SocketAddrV4::new(*local.ip(), port);
        if !self.ports.can_bind(Proto::Tcp, local) || self.is_clients(now, local) {
            return Err(Errno::EADDRINUSE);
        }
        let backlog = backlog.min(self.settings.most_waiting);
        let id = self.slots.insert(Socket::Listener(Listener::new(local, backlog)));
        self.ports.bind(Proto::Tcp, local, id.index);
        Ok(id)
    }

    /// The oldest connection that a listener has completed. EAGAIN: none.
    pub(crate) fn accept(&mut self, id: SockId) -> Result<SockId, Errno> {
        match self.slots.get_mut(id) {
            Some(Socket::Listener(l)) => l.ready.pop_front().ok_or(Errno::EAGAIN),
            Some(_) => Err(Errno::EINVAL),
            None => Err(Errno::EBADF),
        }
    }

    /// Binds a UDP socket to an address (0.0.0.0: all) and a port (0: an ephemeral one).
    /// EADDRINUSE: the port is taken on that address, on all addresses, or on any if this one wants all.
    pub(crate) fn udp_bind(&mut self, now: Instant, local: SocketAddrV4) -> Result<SockId, Errno> {
        let ip = *local.ip();
        let local = match local.port() {
            0 => self
                .ephemeral(|me, port| me.ports.can_bind(Proto::Udp, SocketAddrV4::new(ip, port)))
                .map(|port| SocketAddrV4::new(ip, port))
                .ok_or(Errno::EADDRINUSE)?,
            _ => local,
        };
        if !self.ports.can_bind(Proto::Udp, local) {
            return Err(Errno::EADDRINUSE);
        }
        let udp = Udp::bind(now, local, self.random())?;
        let id = self.slots.insert(Socket::Udp(Box::new(udp)));
        self.ports.bind(Proto::Udp, local, id.index);
        Ok(id)
    }

    /// Connects a UDP socket: it then takes only what `remote` sends to `source`, and learns of ICMP errors.
    pub(crate) fn udp_connect(&mut self, id: SockId, source: Ipv4Addr, remote: SocketAddrV4) -> Result<(), Errno> {
        let Some(Socket::Udp(udp)) = self.slots.get_mut(id) else { return Err(Errno::EBADF) };
        let bound = udp.local;
        let local = if bound.ip().is_unspecified() { SocketAddrV4::new(source, bound.port()) } else { bound };
        let before = udp.peer.replace(remote).map(|old| Tuple { proto: Proto::Udp, local: udp.local, remote: old });
        udp.local = local;
        match before {
            Some(tuple) => self.ports.disconnect(&tuple),
            None => self.ports.unbind(Proto::Udp, bound),
        }
        self.ports.connect(Tuple { proto: Proto::Udp, local, remote }, id.index);
        Ok(())
    }

    /// Lets a connected UDP socket learn of every ICMP error, not only of fatal ones (`IP_RECVERR`).
    pub(crate) fn want_errors(&mut self, id: SockId) {
        if let Some(Socket::Udp(udp)) = self.slots.get_mut(id) {
            udp.wants_errors = true;
        }
    }

    /// Sends a datagram over `path`. A pending error comes first. Longer than the path's MTU, it leaves here whole.
    pub(crate) fn udp_send(
        &mut self,
        now: Instant,
        id: SockId,
        to: SocketAddrV4,
        path: Path,
        payload: &[u8],
    ) -> Result<(), Errno> {
        let Some(Socket::Udp(udp)) = self.slots.get_mut(id) else { return Err(Errno::EBADF) };
        let source = if udp.local.ip().is_unspecified() { path.source } else { *udp.local.ip() };
        udp.send(now, (source, to), payload, path.mtu, &mut self.out)
    }

    /// The oldest datagram received. EAGAIN: none.
    pub(crate) fn udp_recv(&mut self, id: SockId) -> Result<Datagram, Errno> {
        match self.slots.get_mut(id) {
            Some(Socket::Udp(udp)) => udp.recv(),
            _ => Err(Errno::EBADF),
        }
    }

    /// Appends to a connection's stream; how much was taken. EAGAIN: nothing now. EPIPE: it is closed for sending.
    pub(crate) fn send(&mut self, id: SockId, data: &[u8]) -> Result<usize, Errno> {
        let sent = self.tcp(id)?.send(data)?;
        self.make_runnable(id.index);
        Ok(sent)
    }

    /// Takes from a connection's stream; 0 is its end. EAGAIN: nothing now.
    pub(crate) fn recv(&mut self, id: SockId, buffer: &mut [u8]) -> Result<usize, Errno> {
        let got = self.tcp(id)?.recv(buffer)?;
        self.moved |= got > 0;
        self.make_runnable(id.index);
        Ok(got)
    }

    /// Whether a stream has moved on since the last time.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Ends a connection's sending direction (`shutdown(SHUT_WR)`).
    pub(crate) fn shutdown(&mut self, id: SockId) -> Result<(), Errno> {
        self.tcp(id)?.shutdown()?;
        self.make_runnable(id.index);
        Ok(())
    }

    /// Whether a connection's handshake is still under way.
    pub(crate) fn is_opening(&self, id: SockId) -> bool {
        matches!(self.slots.get(id), Some(Socket::Tcp(tcp)) if tcp.is_opening())
    }

    /// The local address and port.
    pub(crate) fn local(&self, id: SockId) -> Option<SocketAddrV4> {
        Some(match self.slots.get(id)? {
            Socket::Tcp(tcp) => tcp.tuple.local,
            Socket::Udp(udp) => udp.local,
            Socket::Listener(l) => l.local,
        })
    }

    /// The other end's address and port.
    pub(crate) fn peer(&self, id: SockId) -> Option<SocketAddrV4> {
        match self.slots.get(id)? {
            Socket::Tcp(tcp) => Some(tcp.tuple.remote),
            Socket::Udp(udp) => udp.peer,
            Socket::Listener(_) => None,
        }
    }

    /// Of a UDP socket, whom it is connected to; `None` for others.
    pub(crate) fn udp_peer(&self, id: SockId) -> Option<Option<SocketAddrV4>> {
        match self.slots.get(id)? {
            Socket::Udp(udp) => Some(udp.peer),
            _ => None,
        }
    }

    /// The pending error, once (`SO_ERROR`).
    pub(crate) fn take_error(&mut self, id: SockId) -> Option<Errno> {
        match self.slots.get_mut(id)? {
            Socket::Tcp(tcp) => tcp.take_error(),
            Socket::Udp(udp) => udp.take_error(),
            Socket::Listener(_) => None,
        }
    }

    /// All of them, and the connections that linger in TIME-WAIT.
    pub(crate) fn list(&self, now: Instant) -> Vec<Listed> {
        let is_there = |l: &Listed| l.proto == Proto::Udp || l.state != State::Close;
        let mut out: Vec<Listed> = self.slots.all().map(listed).filter(is_there).collect();
        out.extend(self.time_waits.lasting(now).map(|(tuple, _)| Listed {
            proto: Proto::Tcp,
            state: State::TimeWait,
            local: tuple.local,
            remote: tuple.remote,
            received: 0,
            unsent: 0,
        }));
        out
    }

    /// Lets go of a socket. A connection ends in order, or with an RST if something received was not read; a listener
    /// resets what was not accepted.
    pub(crate) fn close(&mut self, id: SockId) {
        self.release(id, Tcp::close);
    }

    /// Lets go of a socket; a connection ends with an RST.
    pub(crate) fn abort(&mut self, id: SockId) {
        self.release(id, Tcp::abort);
    }

    fn release(&mut self, id: SockId, end: fn(&mut Tcp)) {
        match self.slots.get_mut(id) {
            None => {}
            Some(Socket::Tcp(tcp)) => {
                end(tcp);
                self.make_runnable(id.index);
            }
            Some(Socket::Udp(udp)) => {
                match udp.peer {
                    Some(remote) => {
                        let tuple = Tuple { proto: Proto::Udp, local: udp.local, remote };
                        self.ports.disconnect(&tuple);
                    }
                    None => self.ports.unbind(Proto::Udp, udp.local),
                }
                self.slots.remove(id.index);
            }
            Some(Socket::Listener(l)) => {
                let local = l.local;
                let children: Vec<SockId> = l.opening.iter().chain(&l.ready).copied().collect();
                self.ports.unbind(Proto::Tcp, local);
                self.slots.remove(id.index);
                for child in children {
                    self.abort(child);
                }
            }
        }
    }

    /// A packet for a local address. `path` answers which route leads back (local end, other end), asked only for a new
    /// connection; with `None` its SYN is dropped.
    pub(crate) fn input(
        &mut self,
        now: Instant,
        packet: &[u8],
        path: impl FnOnce(Ipv4Addr, Ipv4Addr) -> Option<Path>,
    ) -> Input {
        let segment = match Segment::parse(packet) {
            Ok(segment) => segment,
            Err(Bad::Header) => return Input::Malformed,
            Err(Bad::Checksum) => return Input::BadChecksum,
        };
        let tuple = &segment.tuple;
        if let Some(index) = self.ports.connection(tuple) {
            match self.slots.at_mut(index) {
                Some(Socket::Tcp(tcp)) => {
                    if tcp.input(now, &segment, packet, &mut self.out) {
                        self.heard = Some(*tuple.remote.ip());
                    }
                }
                Some(Socket::Udp(udp)) => udp.input(now, packet, &mut self.out),
                _ => return Input::NoSocket,
            }
            self.after_input(index);
            return Input::Taken;
        }
        if tuple.proto == Proto::Tcp
            && let Some(answer) = self.time_wait_input(now, &segment)
        {
            return answer;
        }
        let Some(index) = self.ports.bound(tuple) else { return Input::NoSocket };
        match self.slots.at_mut(index) {
            Some(Socket::Udp(udp)) => {
                udp.input(now, packet, &mut self.out);
                self.after_input(index);
                Input::Taken
            }
            Some(Socket::Listener(_)) => self.listener_input(now, index, &segment, packet, path),
            _ => Input::NoSocket,
        }
    }

    fn after_input(&mut self, index: u32) {
        let Some(id) = self.slots.id(index) else { return };
        self.make_runnable(index);
        match self.slots.adopt(id) {
            Some(listener) => self.tell(listener),
            None => self.tell(id),
        }
    }

    /// A segment for a listener: a SYN makes a connection (`tcp_conn_request`), an ACK has none (RST), the rest is dropped.
    fn listener_input(
        &mut self,
        now: Instant,
        index: u32,
        segment: &Segment,
        packet: &[u8],
        path: impl FnOnce(Ipv4Addr, Ipv4Addr) -> Option<Path>,
    ) -> Input {
        if segment.has(flag::ACK) {
            return Input::NoSocket;
        }
        let seed = self.random();
        let Some(listener_id) = self.slots.id(index) else { return Input::NoSocket };
        let Some(Socket::Listener(listener)) = self.slots.at_mut(index) else { return Input::NoSocket };
        if !segment.opens() || listener.is_full() {
            return Input::Taken;
        }
        let tuple = segment.tuple;
        let Some(path) = path(*tuple.local.ip(), *tuple.remote.ip()) else { return Input::Taken };
        let syn = (segment, packet);
        let Some(child) = Tcp::answer(now, tuple, path, seed, self.settings, syn, &mut self.out) else {
            return Input::Taken;
        };
        let child = self.slots.insert(Socket::Tcp(Box::new(child)));
        self.slots.set_parent(child, listener_id);
        self.ports.connect(tuple, child.index);
        self.make_runnable(child.index);
        Input::Taken
    }

    /// A segment for a connection in TIME-WAIT (`tcp_timewait_state_process`); `None` if there is none, or if a new SYN
    /// ends it.
    fn time_wait_input(&mut self, now: Instant, segment: &Segment) -> Option<Input> {
        let tuple = segment.tuple;
        let TimeWait { snd_nxt, rcv_nxt, window, .. } = self.time_waits.find(now, &tuple)?;
        if segment.has(flag::RST) {
            // tcp_rfc1337 = 0.
            if segment.seq == rcv_nxt {
                self.time_waits.remove(&tuple);
            }
        } else if segment.opens() && segment::after(segment.seq, rcv_nxt) {
            self.time_waits.remove(&tuple);
            return None;
        } else if segment.end() != segment.seq || segment.seq != rcv_nxt {
            let (Tuple { local, remote, .. }, seq) = (tuple, snd_nxt);
            self.out.push(bare_segment(Bare { local, remote, tos: 0, seq, ack: rcv_nxt, flags: flag::ACK, window }));
        }
        Some(Input::Taken)
    }

    /// An ICMP error has come that quotes `quoted`, the first bytes of a packet sent from here, its IP header on. Returns
    /// whether it was a socket's.
    pub(crate) fn icmp_error(&mut self, now: Instant, quoted: &[u8], error: IcmpError) -> bool {
        let Some(Quoted { tuple, seq }) = Quoted::parse(quoted) else { return false };
        let Some(index) = self.ports.connection(&tuple).or_else(|| self.ports.bound(&tuple)) else { return false };
        match self.slots.at_mut(index) {
            Some(Socket::Tcp(tcp)) => {
                if tcp.icmp_error(seq, error) {
                    // ip_rt_min_pmtu; the caller has checked that the value fits an MTU.
                    let mtu = error.info.clamp(MIN_PMTU, u32::from(u16::MAX)) as u16;
                    tcp.reduce_mtu(now, mtu, &mut self.out);
                }
            }
            Some(Socket::Udp(udp)) => udp.icmp_error(error),
            _ => return false,
        }
        self.after_input(index);
        true
    }

    /// The next packet to send, appended to `packet` (which is cleared); false: none at this instant.
    pub(crate) fn poll(&mut self, now: Instant, packet: &mut Vec<u8>) -> bool {
        self.wake(now);
        loop {
            if let Some(next) = self.out.pop() {
                self.out.recycle(std::mem::replace(packet, next));
                return true;
            }
            let Some(index) = self.run.pop_front() else { return false };
            self.serve(now, index);
        }
    }

    /// Whether the receiver of this packet has lately proved by TCP that it gets what is sent to it: then so does the
    /// neighbour on the way (`sk_dst_confirm`, `skb_set_dst_pending_confirm`). Only the last one heard is remembered.
    pub(crate) fn confirms(&mut self, packet: &[u8]) -> bool {
        self.heard.take_if(|peer| packet.get(16..20) == Some(&peer.octets()[..])).is_some()
    }

    fn wake(&mut self, now: Instant) {
        while let Some(&(at, index)) = self.timers.first() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            self.slots.set_alarm(index, None);
            self.make_runnable(index);
        }
    }

    /// Lets a connection send one packet; when it has none, notices how it stands.
    fn serve(&mut self, now: Instant, index: u32) {
        self.slots.set_runnable(index, false);
        let Some(id) = self.slots.id(index) else { return };
        let Some(Socket::Tcp(tcp)) = self.slots.at_mut(index) else { return };
        if tcp.output(now, &mut self.out) {
            if self.slots.set_runnable(index, true) {
                self.run.push_front(index);
            }
            return;
        }
        let retired = tcp.retire();
        let (tuple, closed, orphan) = (tcp.tuple, tcp.is_closed(), tcp.orphan);
        let wake_at = tcp.wake_at(now);
        if let Some(rest) = retired {
            self.time_waits.insert(now + TIME_WAIT, tuple, rest);
        }
        if !closed {
            self.set_alarm(index, wake_at);
            return;
        }
        self.set_alarm(index, None);
        self.ports.disconnect_if(&tuple, index);
        if orphan || self.slots.forget_unaccepted(id) {
            self.slots.remove(index);
        } else {
            self.tell(id);
        }
    }

    fn set_alarm(&mut self, index: u32, at: Option<Instant>) {
        let before = self.slots.alarm(index);
        // Later is left alone: the early alarm finds nothing to do and is set anew. ACKs postpone timers all the time.
        if matches!((before, at), (Some(old), Some(new)) if old <= new) || before == at {
            return;
        }
        if let Some(old) = before {
            self.timers.remove(&(old, index));
        }
        if let Some(new) = at {
            self.timers.insert((new, index));
        }
        self.slots.set_alarm(index, at);
    }

    /// Whether [`poll`](Self::poll) has nothing to do at this instant.
    pub(crate) fn is_quiet(&self) -> bool {
        self.run.is_empty() && self.out.len() == 0
    }

    /// When to [`poll`](Self::poll) again if nothing comes in; `None`: never. Call it when poll has answered false.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// A socket about which there is news for its owner: data, room, a connection to accept, an error, an end.
    pub(crate) fn next_news(&mut self) -> Option<SockId> {
        while let Some(id) = self.news.pop_front() {
            if self.slots.take_news(id) {
                return Some(id);
            }
        }
        None
    }

    fn tell(&mut self, id: SockId) {
        if self.slots.has_news(id) {
            self.news.push_back(id);
        }
    }

    fn make_runnable(&mut self, index: u32) {
        if self.slots.set_runnable(index, true) {
            self.run.push_back(index);
        }
    }

    fn tcp(&mut self, id: SockId) -> Result<&mut Tcp, Errno> {
        match self.slots.get_mut(id) {
            Some(Socket::Tcp(tcp)) => Ok(tcp),
            Some(_) => Err(Errno::ENOTCONN),
            None => Err(Errno::EBADF),
        }
    }

    /// Whether a TCP socket may be bound to this without `SO_REUSEADDR`: nobody has the port there, not even a connection that
    /// lingers in TIME-WAIT (`inet_csk_bind_conflict`).
    pub(super) fn is_port_free(&self, now: Instant, local: SocketAddrV4) -> bool {
        let has = |other: SocketAddrV4| {
            let anywhere = local.ip().is_unspecified() || other.ip().is_unspecified();
            other.port() == local.port() && (anywhere || other.ip() == local.ip())
        };
        let taken = self.slots.all().any(|socket| match socket {
            Socket::Tcp(tcp) => !tcp.is_closed() && has(tcp.tuple.local),
            Socket::Listener(l) => has(l.local),
            Socket::Udp(_) => false,
        });
        !taken && !self.time_waits.lasting(now).any(|(tuple, _)| has(tuple.local))
    }

    /// Whether a connection that was begun here has this port, or lingers with it. `SO_REUSEADDR` is said of listeners and
    /// what they accept, never of clients, so the two do not share (`inet_bind_conflict`).
    fn is_clients(&self, now: Instant, local: SocketAddrV4) -> bool {
        let has = |other: SocketAddrV4| {
            other.port() == local.port() && (local.ip().is_unspecified() || other.ip() == local.ip())
        };
        // A port that nobody chose is free again when its connection has failed.
        let clients = self.slots.all().any(|socket| match socket {
            Socket::Tcp(tcp) => tcp.client.is_some_and(|chosen| chosen || !tcp.is_closed()) && has(tcp.tuple.local),
            _ => false,
        });
        clients || self.time_waits.lasting(now).any(|(tuple, client)| client && has(tuple.local))
    }

    fn is_tuple_free(&mut self, now: Instant, tuple: &Tuple) -> bool {
        self.ports.connection(tuple).is_none() && self.time_waits.find(now, tuple).is_none()
    }

    /// The first free ephemeral port from a random place on (`__inet_hash_connect`, `udp_lib_get_port`; which parity the
    /// kernel prefers is left out).
    fn ephemeral(&mut self, is_free: impl Fn(&mut Self, u16) -> bool) -> Option<u16> {
        let (low, high) = self.settings.ports;
        let count = high - low + 1;
        // Below `count`, which is a u16.
        let start = self.random.below(u64::from(count)) as u16;
        let reserved = self.reserved.clone();
        let is_reserved = |port: u16| reserved.iter().any(|(first, last)| (*first..=*last).contains(&port));
        let mut ports = (0..count).map(|i| low + (start + i) % count).filter(|&port| !is_reserved(port));
        ports.find(|&port| is_free(self, port))
    }

    fn random(&mut self) -> u64 {
        self.random.next_u64()
    }
}

fn listed(socket: &Socket) -> Listed {
    let nobody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    match socket {
        Socket::Tcp(tcp) => {
            let (state, received, unsent) = tcp.listed();
            Listed { proto: Proto::Tcp, state, local: tcp.tuple.local, remote: tcp.tuple.remote, received, unsent }
        }
        Socket::Udp(udp) => {
            let state = if udp.peer.is_some() { State::Established } else { State::Close };
            let remote = udp.peer.unwrap_or(nobody);
            Listed { proto: Proto::Udp, state, local: udp.local, remote, received: 0, unsent: 0 }
        }
        Socket::Listener(l) => {
            let (received, unsent) = l.queue();
            Listed { proto: Proto::Tcp, state: State::Listen, local: l.local, remote: nobody, received, unsent }
        }
    }
}

/// Whether a packet would pass the door ([`Input::Taken`]), or how it is broken.
fn check(packet: &[u8]) -> Input {
    match Segment::parse(packet) {
        Ok(_) => Input::Taken,
        Err(Bad::Header) => Input::Malformed,
        Err(Bad::Checksum) => Input::BadChecksum,
    }
}

/// `TCP_TIMEWAIT_LEN`.
const TIME_WAIT: Duration = Duration::from_secs(60);
/// `net.ipv4.route.min_pmtu`.
const MIN_PMTU: u32 = 552;
