//! One TCP connection: smoltcp's state machine between Linux's timers and errors.
//!
//! Kernel counterpart: `net/ipv4/tcp*.c`: `tcp_retransmit_timer()`, `tcp_write_err()`, `tcp_reset()`, `tcp_v4_err()`,
//! `tcp_close()`. smoltcp does sequence numbers, windows, reassembly, retransmission and Reno. Ours are the schedule of
//! SYN copies, the ends by timeout, the errors that the application reads, identification, path MTU, TIME-WAIT.
//! Deliberately absent, and therefore different: the sender's use of SACK and of what is agreed upon ([`super::agreed`]),
//! an RTO below 1 s (smoltcp's least; Linux has 200 ms), window autotuning (256 KiB both ways), an
//! initial congestion window of ten segments (smoltcp begins with 2 KiB), Nagle's interplay with delayed ACKs, keep-alive,
//! Karn's rule for a SYN that was sent again (its wait counts as round-trip time), urgent data, fast open, SYN cookies.

use super::Path;
use super::agreed::{self, Agreed, withdraw};
use super::driver::{Driver, Outbox};
use super::segment::{Segment, Tuple, after, flag, renumber, stamp};
use super::settings::Settings;
use nettwin_model::probe::IcmpError;
use nettwin_model::socket::State as Listed;
use nettwin_model::{Errno, Instant};
use smoltcp::socket::tcp::{CongestionControl, RecvError, Socket, SocketBuffer, State};
use std::time::Duration;

/// A connection, from its first SYN to its end.
pub(super) struct Tcp {
    settings: Settings,
    driver: Driver,
    pub(super) tuple: Tuple,
    phase: Phase,
    /// Read once by the application (`SO_ERROR`).
    error: Option<Errno>,
    /// What ICMP said about an open connection; the reason if it times out.
    soft: Option<Errno>,
    /// The application has closed it.
    pub(super) orphan: bool,
    /// Identification of the next packet.
    ident: u16,
    /// Oldest sequence number not acknowledged, and the one after the last sent.
    una: u32,
    nxt: u32,
    /// What the last packet acknowledged, and the window that it offered.
    acked: u32,
    window: u16,
    /// The window that the peer offered with its newest acknowledgement, as on the wire.
    peer_window: [u8; 2],
    /// Segments with data that are still acknowledged at once.
    quick_acks: u8,
    /// Since when something is on its way without an answer.
    silent_since: Option<Instant>,
    /// The greatest segment to offer, bytes.
    mss: u16,
    /// It was begun here, and whether its port was chosen by whoever began it.
    pub(super) client: Option<bool>,
    /// What the SYNs have agreed upon.
    agreed: Agreed,
    /// How often the path was taken for a black hole.
    black_holes: u32,
    /// A mixing seed for the interfaces of this connection.
    seed: u64,
}

enum Phase {
    /// SYN sent, or about to be: its copy, how many were sent, when the next is due.
    SynSent { syn: Vec<u8>, sent: u32, next: Instant },
    /// SYN-ACK sent; given up at `until`.
    SynReceived { until: Instant },
    /// Both directions stand, or one of them, or the end is being agreed.
    Open,
    /// Closed by the application and by the peer's ACK; forgotten at `until`.
    FinWait2 { until: Instant },
    /// Nothing will be sent or taken any more. What was received can still be read.
    Closed,
}

/// What stays of a connection in TIME-WAIT.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeWait {
    pub(super) snd_nxt: u32,
    pub(super) rcv_nxt: u32,
    pub(super) window: u16,
    /// It was begun here.
    pub(super) client: bool,
}

impl Tcp {
    /// A connection that will send its SYN with the first [`output`](Self::output).
    pub(super) fn connect(now: Instant, tuple: Tuple, path: Path, seed: u64, settings: Settings) -> Result<Tcp, Errno> {
        let mut tcp =
            Tcp::new(now, tuple, path, seed, settings, Phase::SynSent { syn: Vec::new(), sent: 0, next: now });
        // smoltcp refuses port 0 and 0.0.0.0 only.
        tcp.driver.connect(tuple.local, tuple.remote).map_err(|_| Errno::EADDRNOTAVAIL)?;
        Ok(tcp)
    }

    /// The child of a listener for a SYN; `None` if smoltcp does not take it.
    pub(super) fn answer(
        now: Instant,
        tuple: Tuple,
        path: Path,
        seed: u64,
        settings: Settings,
        syn: (&Segment, &[u8]),
        out: &mut Outbox,
    ) -> Option<Tcp> {
        let mut tcp =
            Tcp::new(now, tuple, path, seed, settings, Phase::SynReceived { until: now + settings.synack_give_up() });
        tcp.driver.tcp().listen((*tuple.local.ip(), tuple.local.port())).ok()?;
        tcp.agreed = Agreed::new(&settings, seed, agreed::asks_for_marks(syn.0, syn.1[1]));
        let mut asked = syn.1.to_vec();
        withdraw(&mut asked, settings.sack, settings.scaling);
        tcp.driver.input(now, &asked, out);
        (tcp.driver.tcp().state() == State::SynReceived).then_some(tcp)
    }

    fn new(now: Instant, tuple: Tuple, path: Path, seed: u64, settings: Settings, phase: Phase) -> Tcp {
        let buffer = |bytes| SocketBuffer::new(vec![0; bytes]);
        let mut socket = Socket::new(buffer(settings.receive_bytes), buffer(settings.send_bytes));
        socket.set_congestion_control(CongestionControl::Reno);
        socket.set_ack_delay(None);
        if settings.timestamps != 0 {
            socket.set_tsval_generator(Some(agreed::no_time));
        }
        let driver = Driver::new(
            now,
            socket,
            usable_mtu(path.mtu.min(if settings.mtu_probing > 1 { settings.narrower(0) } else { u16::MAX })),
            seed,
        );
        Tcp {
            settings,
            driver,
            tuple,
            phase,
            error: None,
            soft: None,
            orphan: false,
            // The low bits decide the initial sequence number, these the identification.
            ident: (seed >> 48) as u16,
            una: 0,
            nxt: 0,
            acked: 0,
            window: 0,
            peer_window: [0; 2],
            quick_acks: QUICK_ACKS,
            silent_since: None,
            mss: path.mss,
            client: None,
            agreed: Agreed::new(&settings, seed, false),
            black_holes: 0,
            seed,
        }
    }

    /// A segment of this connection. Returns whether it acknowledges something new.
    pub(super) fn input(&mut self, now: Instant, segment: &Segment, packet: &[u8], out: &mut Outbox) -> bool {
        if matches!(self.phase, Phase::Closed) {
            return false;
        }
        let from = out.len();
        let before = self.driver.tcp().state();
        self.agreed.hear(&self.settings, segment, packet[1]);
        let renewed = self.with_renewed_ack(segment, packet);
        self.driver.input(now, renewed.as_deref().unwrap_or(packet), out);
        self.silent_since = None;
        let progress = segment.has(flag::ACK) && segment.ack != self.una && between(segment.ack, self.una, self.nxt);
        if progress {
            self.una = segment.ack;
        }
        if segment.payload_len > 0 && self.quick_acks > 0 {
            self.quick_acks -= 1;
            if self.quick_acks == 0 {
                self.driver.tcp().set_ack_delay(Some(ACK_DELAY.into()));
            }
        }
        self.note_output(now, from, out);
        self.after_input(before, segment.has(flag::RST));
        progress
    }

    /// An overtaken segment acknowledges less than is acknowledged already. Linux ignores that and takes its data
    /// (`tcp_ack`, `old_ack`); smoltcp would drop it whole. So it is told what is acknowledged already.
    fn with_renewed_ack(&mut self, segment: &Segment, packet: &[u8]) -> Option<Vec<u8>> {
        // The door has seen that the headers are whole, and verified the checksum that is wrong from here on.
        let tcp = usize::from(packet[0] & 15) * 4;
        let is_old = matches!(self.phase, Phase::Open) && segment.has(flag::ACK) && after(self.una, segment.ack);
        if !is_old {
            self.peer_window = [packet[tcp + 14], packet[tcp + 15]];
            return None;
        }
        if segment.payload_len == 0 && !segment.has(flag::FIN) {
            return None;
        }
        let mut renewed = packet.to_vec();
        renewed[tcp + 8..tcp + 12].copy_from_slice(&self.una.to_be_bytes());
        // Its window is as old as its acknowledgement (tcp_may_update_window).
        renewed[tcp + 14..tcp + 16].copy_from_slice(&self.peer_window);
        Some(renewed)
    }

    fn after_input(&mut self, before: State, reset: bool) {
        match self.driver.tcp().state() {
            State::Closed if reset && before != State::Closed => self.fail(match before {
                State::SynSent => Errno::ECONNREFUSED,
                State::CloseWait => Errno::EPIPE,
                _ => Errno::ECONNRESET,
            }),
            // smoltcp would listen again; the listener is ours.
            State::Listen => self.phase = Phase::Closed,
            // LAST-ACK is over: there is nothing to send any more.
            State::Closed => self.phase = Phase::Closed,
            State::SynReceived if matches!(self.phase, Phase::SynSent { .. }) => self.phase = Phase::Open,
            State::SynSent | State::SynReceived => {}
            // Data after close: tcp_rcv_state_process() resets the connection (TCPAbortOnData).
            _ if self.orphan && self.driver.tcp().recv_queue() > 0 => {
                self.driver.tcp().abort();
                self.phase = Phase::Open;
            }
            _ if matches!(self.phase, Phase::SynSent { .. } | Phase::SynReceived { .. }) => self.phase = Phase::Open,
            _ => {}
        }
    }

    /// Sends at most one packet.
    pub(super) fn output(&mut self, now: Instant, out: &mut Outbox) -> bool {
        match &mut self.phase {
            Phase::Closed => false,
            Phase::SynSent { sent: 0, .. } => self.first_syn(now, out),
            Phase::SynSent { next, .. } if now < *next => false,
            Phase::SynSent { sent, .. } if *sent > self.settings.syn_retries + self.settings.syn_linear_timeouts => {
                self.fail(self.soft.unwrap_or(Errno::ETIMEDOUT));
                false
            }
            Phase::SynSent { syn, sent, next } => {
                *next = now + self.settings.syn_gap(*sent + 1);
                *sent += 1;
                let mut copy = out.buffer();
                copy.extend_from_slice(syn);
                self.agreed.again(now, &mut copy);
                stamp(&mut copy, self.ident, true);
                self.ident = self.ident.wrapping_add(1);
                out.push(copy);
                true
            }
            Phase::SynReceived { until } | Phase::FinWait2 { until } if now >= *until => {
                self.phase = Phase::Closed;
                false
            }
            _ => self.stream(now, out),
        }
    }

    fn first_syn(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let from = out.len();
        self.driver.output(now, out);
        self.note_output(now, from, out);
        let Some(packet) = out.since(from).next() else { return false };
        let syn = packet.clone();
        self.una = u32::from_be_bytes([syn[24], syn[25], syn[26], syn[27]]);
        self.phase = Phase::SynSent { syn, sent: 1, next: now + self.settings.syn_gap(1) };
        true
    }

    fn stream(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let limit = self.give_up();
        if self.silent_since.is_some_and(|since| now >= since + limit) {
            self.fail(self.soft.unwrap_or(Errno::ETIMEDOUT));
            return false;
        }
        if self.black_hole_at().is_some_and(|at| now >= at) {
            let mtu = self.settings.narrower(self.black_holes);
            self.black_holes += 1;
            self.reduce_mtu(now, mtu, out);
        }
        let from = out.len();
        let sent = self.driver.output(now, out);
        self.note_output(now, from, out);
        if !sent {
            self.quiet(now);
        } else if self.silent_since.is_none() && self.expects_ack() {
            self.silent_since = Some(now);
        }
        sent
    }

    /// When the path is taken for a black hole for large packets, where that is looked for.
    fn black_hole_at(&self) -> Option<Instant> {
        let since = self.silent_since.filter(|_| self.settings.mtu_probing > 0)?;
        Some(since + self.settings.black_hole(self.black_holes))
    }

    /// Nothing more to send for now: notices what that means at the connection's end.
    fn quiet(&mut self, now: Instant) {
        match self.driver.tcp().state() {
            State::Closed => self.phase = Phase::Closed,
            State::FinWait2 if self.orphan && !matches!(self.phase, Phase::FinWait2 { .. }) => {
                self.phase = Phase::FinWait2 { until: now + self.settings.fin_timeout };
            }
            _ => {}
        }
        if !self.expects_ack() {
            self.silent_since = None;
        }
    }

    fn expects_ack(&mut self) -> bool {
        let socket = self.driver.tcp();
        socket.send_queue() > 0 || matches!(socket.state(), State::FinWait1 | State::Closing | State::LastAck)
    }

    /// Gives the packets since `from` their identification, and remembers what they say.
    fn note_output(&mut self, now: Instant, from: usize, out: &mut Outbox) {
        for packet in out.since(from) {
            self.agreed.say(now, &self.settings, self.mss, self.nxt, packet);
            let tcp = &packet[20..];
            let word = |at: usize| u32::from_be_bytes([tcp[at], tcp[at + 1], tcp[at + 2], tcp[at + 3]]);
            let flags = tcp[13];
            let header = usize::from(tcp[12] >> 4) * 4;
            let control = u32::from(flags & flag::SYN != 0) + u32::from(flags & flag::FIN != 0);
            // An IPv4 packet is shorter than 65536 bytes.
            let end = word(4).wrapping_add((tcp.len() - header) as u32).wrapping_add(control);
            let is_pure = flags & flag::RST == 0 && end == word(4);
            if flags & flag::RST == 0 {
                // The SYN comes first and gives `nxt` its place.
                if flags & flag::SYN != 0 || after(end, self.nxt) {
                    self.nxt = end;
                }
                self.acked = word(8);
                self.window = u16::from_be_bytes([tcp[14], tcp[15]]);
            }
            if flags & (flag::SYN | flag::ACK) == flag::SYN | flag::ACK {
                self.una = word(4);
                continue; // A request socket's SYN-ACK has ID 0 (ip_build_and_send_pkt).
            }
            if is_pure && after(self.nxt, end) {
                // SND.NXT, as tcp_send_ack() has it. smoltcp goes back to what it sends again, and two ends that both did
                // would take each other's acknowledgements for old segments for ever.
                renumber(packet, self.nxt);
            }
            stamp(packet, self.ident, true);
            self.ident = self.ident.wrapping_add(1);
        }
    }

    fn give_up(&self) -> Duration {
        if self.orphan { ORPHAN_GIVE_UP } else { self.settings.give_up() }
    }

    /// When [`output`](Self::output) is due.
    pub(super) fn wake_at(&mut self, now: Instant) -> Option<Instant> {
        let give_up = self.silent_since.map(|s| s + self.give_up());
        let (own, smoltcp) = match &self.phase {
            Phase::Closed => (None, false),
            Phase::SynSent { next, .. } => (Some(*next), false),
            Phase::SynReceived { until } | Phase::FinWait2 { until } => (Some(*until), true),
            Phase::Open => (give_up.into_iter().chain(self.black_hole_at()).min(), true),
        };
        let theirs = if smoltcp { self.driver.wake_at(now) } else { None };
        [own, theirs].into_iter().flatten().min()
    }

    /// An ICMP error about a packet that this socket sent (`tcp_v4_err`). Returns whether the path MTU is now smaller.
    pub(super) fn icmp_error(&mut self, seq: u32, error: IcmpError) -> bool {
        if matches!(self.phase, Phase::Closed) || !between(seq, self.una, self.nxt) {
            return false;
        }
        if (error.kind, error.code) == (3, 4) {
            return error.info != 0 && error.info < u32::from(self.driver.mtu());
        }
        let Some((errno, _)) = icmp_errno(error) else { return false };
        match self.phase {
            Phase::SynSent { .. } => self.fail(errno),
            // tcp_req_err()
            Phase::SynReceived { .. } if error.kind != 3 || error.code <= 1 => self.phase = Phase::Closed,
            _ => self.soft = Some(errno),
        }
        false
    }

    /// The path takes packets of `mtu` bytes only (`tcp_v4_mtu_reduced`): what is on its way is sent again, smaller.
    pub(super) fn reduce_mtu(&mut self, now: Instant, mtu: u16, out: &mut Outbox) {
        let mtu = usable_mtu(mtu);
        if mtu >= self.driver.mtu() {
            return;
        }
        self.driver.set_mtu(now, mtu, self.seed);
        if !matches!(self.phase, Phase::Open) || self.una == self.nxt {
            return;
        }
        // smoltcp sends again what is lost when its timer runs out: so it is asked at an instant when it has. What it
        // sends meanwhile is new data, which fits already.
        for seconds in [1, 2, 4, 8, 16, 32, 64] {
            let from = out.len();
            self.driver.output(now + Duration::from_secs(seconds), out);
            let una = self.una.to_be_bytes();
            let again = out.since(from).any(|packet| packet[24..28] == una);
            self.note_output(now, from, out);
            if again {
                return;
            }
        }
    }

    /// Appends to the stream; how much was taken.
    pub(super) fn send(&mut self, data: &[u8]) -> Result<usize, Errno> {
        if let Some(errno) = self.error.take() {
            return Err(errno);
        }
        match self.phase {
            Phase::SynSent { .. } | Phase::SynReceived { .. } => return Err(Errno::EAGAIN),
            Phase::Closed | Phase::FinWait2 { .. } => return Err(Errno::EPIPE),
            Phase::Open => {}
        }
        match self.driver.tcp().send_slice(data) {
            Ok(0) if !data.is_empty() => Err(Errno::EAGAIN),
            Ok(n) => Ok(n),
            Err(_) => Err(Errno::EPIPE),
        }
    }

    /// Takes from the stream; 0 is its end.
    pub(super) fn recv(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.driver.tcp().recv_slice(buffer) {
            Ok(n) if n > 0 || buffer.is_empty() => return Ok(n),
            Ok(_) | Err(RecvError::InvalidState | RecvError::Finished) => {}
        }
        // Who has read the end hears of nothing that came behind it (SOCK_DONE); it is told when he sends.
        if self.error == Some(Errno::EPIPE) {
            return Ok(0);
        }
        if let Some(errno) = self.error.take() {
            return Err(errno);
        }
        match self.phase {
            Phase::Closed => Ok(0),
            Phase::SynSent { .. } | Phase::SynReceived { .. } => Err(Errno::EAGAIN),
            _ if self.driver.tcp().may_recv() => Err(Errno::EAGAIN),
            _ => Ok(0),
        }
    }

    /// No more will be sent (`shutdown(SHUT_WR)`).
    pub(super) fn shutdown(&mut self) -> Result<(), Errno> {
        if !matches!(self.phase, Phase::Open) {
            return Err(Errno::ENOTCONN);
        }
        self.driver.tcp().close();
        Ok(())
    }

    /// The application lets go. With unread data the peer gets an RST (`tcp_close`, TCPAbortOnClose).
    pub(super) fn close(&mut self) {
        self.orphan = true;
        match self.phase {
            Phase::SynSent { .. } => self.phase = Phase::Closed,
            Phase::Closed => {}
            _ if self.driver.tcp().recv_queue() > 0 => self.driver.tcp().abort(),
            _ => self.driver.tcp().close(),
        }
    }

    /// The application lets go with an RST.
    pub(super) fn abort(&mut self) {
        self.orphan = true;
        match self.phase {
            Phase::SynSent { .. } => self.phase = Phase::Closed,
            Phase::Closed => {}
            _ => self.driver.tcp().abort(),
        }
    }

    /// `SO_ERROR`.
    pub(super) fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    /// Its state, what was received and not read, what was sent and not acknowledged.
    pub(super) fn listed(&self) -> (Listed, u32, u32) {
        let socket = self.driver.tcp_now();
        let state = match (&self.phase, socket.state()) {
            (Phase::SynSent { .. }, _) => Listed::SynSent,
            (Phase::SynReceived { .. }, _) => Listed::SynRecv,
            (Phase::FinWait2 { .. }, _) => Listed::FinWait2,
            (Phase::Closed, _) => Listed::Close,
            (Phase::Open, state) => match state {
                State::Closed | State::Listen => Listed::Close,
                State::SynSent => Listed::SynSent,
                State::SynReceived => Listed::SynRecv,
                State::Established => Listed::Established,
                State::FinWait1 => Listed::FinWait1,
                State::FinWait2 => Listed::FinWait2,
                State::CloseWait => Listed::CloseWait,
                State::Closing => Listed::Closing,
                State::LastAck => Listed::LastAck,
                State::TimeWait => Listed::TimeWait,
            },
        };
        let bytes = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (state, bytes(socket.recv_queue()), bytes(socket.send_queue()))
    }

    /// The handshake is still under way.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.phase, Phase::SynSent { .. } | Phase::SynReceived { .. })
    }

    /// Nothing will be sent or taken any more.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// If the connection is in TIME-WAIT and has said all: what remains of it. The socket is closed by that.
    pub(super) fn retire(&mut self) -> Option<TimeWait> {
        if self.is_closed() || self.driver.tcp().state() != State::TimeWait {
            return None;
        }
        self.phase = Phase::Closed;
        Some(TimeWait { snd_nxt: self.nxt, rcv_nxt: self.acked, window: self.window, client: self.client.is_some() })
    }

    fn fail(&mut self, errno: Errno) {
        self.error = Some(errno);
        self.phase = Phase::Closed;
    }
}

/// What an ICMP error means to a socket, and whether it is fatal (`icmp_err_convert[]`).
pub(super) fn icmp_errno(error: IcmpError) -> Option<(Errno, bool)> {
    Some(match (error.kind, error.code) {
        (3, 0 | 11) => (Errno::ENETUNREACH, false),
        (3, 1 | 12) => (Errno::EHOSTUNREACH, false),
        (3, 2) => (Errno::ENOPROTOOPT, true),
        (3, 3) => (Errno::ECONNREFUSED, true),
        (3, 4) => (Errno::EMSGSIZE, false),
        (3, 5) => (Errno::EOPNOTSUPP, false),
        (3, 6 | 9) => (Errno::ENETUNREACH, true),
        (3, 7) => (Errno::EHOSTDOWN, true),
        (3, 8) => (Errno::ENONET, true),
        (3, 10 | 13 | 14 | 15) => (Errno::EHOSTUNREACH, true),
        (11, _) => (Errno::EHOSTUNREACH, false),
        (12, _) => (Errno::EPROTO, true),
        _ => return None,
    })
}

/// smoltcp subtracts headers from the MTU; devices allow 68 bytes at least.
fn usable_mtu(mtu: u16) -> u16 {
    mtu.max(MIN_MTU)
}

fn between(seq: u32, low: u32, high: u32) -> bool {
    high.wrapping_sub(low) >= seq.wrapping_sub(low)
}

const MIN_MTU: u16 = 68;
/// `tcp_orphan_retries` = 0, which means 8.
const ORPHAN_GIVE_UP: Duration = Duration::from_millis(102_200);
/// `TCP_DELACK_MIN`.
const ACK_DELAY: Duration = Duration::from_millis(40);
/// `TCP_MAX_QUICKACKS`.
const QUICK_ACKS: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        assert!(after(3, u32::MAX) && !after(u32::MAX, 3) && !after(5, 5));
        assert!(between(1, u32::MAX, 3) && !between(4, u32::MAX, 3));
    }
}
