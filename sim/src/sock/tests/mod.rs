//! Two namespaces' sockets at the ends of a pipe that loses and reorders, in virtual time.

mod flow;
mod marks;

use super::*;
use nettwin_model::probe::payload;
use std::collections::BTreeMap;

const MS: u64 = 1_000_000;

/// The pipe: packets in flight by instant of arrival, and whatever went through it.
struct Pipe {
    ends: [Sockets; 2],
    now: Instant,
    flight: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    seq: u64,
    delay: Duration,
    loss: u64,
    jitter_ms: u64,
    rng: Rng,
    /// Packets longer than this are answered by "fragmentation needed".
    mtu: usize,
    log: Vec<(Instant, usize, Vec<u8>)>,
    silent: bool,
    /// What can be marked is marked (congestion experienced).
    congested: bool,
}

fn ip(end: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 1 + end as u8)
}

fn at(end: usize, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(ip(end), port)
}

const PATH: Path = Path { source: Ipv4Addr::UNSPECIFIED, mtu: 1500, mss: 1460 };

impl Pipe {
    fn new(seed: u64) -> Self {
        Pipe {
            ends: [Sockets::new(Rng::new(seed, "a")), Sockets::new(Rng::new(seed, "b"))],
            now: Instant::ZERO,
            flight: BTreeMap::new(),
            seq: 0,
            delay: Duration::from_millis(1),
            loss: 0,
            jitter_ms: 0,
            rng: Rng::new(seed, "pipe"),
            mtu: 1500,
            log: Vec::new(),
            silent: false,
            congested: false,
        }
    }

    /// Takes out what the ends send now.
    fn flush(&mut self) {
        for end in 0..2 {
            let mut packet = Vec::new();
            while self.ends[end].poll(self.now, &mut packet) {
                self.log.push((self.now, end, packet.clone()));
                if packet.len() > self.mtu && packet[6] & 0x40 != 0 {
                    let error = IcmpError { kind: 3, code: 4, info: self.mtu as u32 };
                    assert!(self.ends[end].icmp_error(self.now, &packet[..28], error));
                    continue;
                }
                if self.silent || self.rng.below(100) < self.loss {
                    continue;
                }
                if self.congested && packet[1] & 3 != 0 {
                    packet[1] |= 3;
                }
                let jitter = Duration::from_millis(self.rng.below(self.jitter_ms + 1));
                self.seq += 1;
                self.flight.insert((self.now + self.delay + jitter, self.seq), (1 - end, packet.clone()));
            }
        }
    }

    /// Goes on to the next instant at which something happens; false: nothing will.
    fn step(&mut self) -> bool {
        self.step_until(Instant::FAR)
    }

    fn step_until(&mut self, until: Instant) -> bool {
        self.flush();
        let arrival = self.flight.keys().next().map(|k| k.0);
        let timers = self.ends.iter().filter_map(Sockets::wake_at);
        let Some(next) = timers.chain(arrival).min().filter(|&at| at <= until) else { return false };
        assert!(next >= self.now);
        self.now = next;
        while let Some(entry) = self.flight.first_entry().filter(|e| e.key().0 <= next) {
            let (end, packet) = entry.remove();
            let path = |source, _| Some(Path { source, mtu: 1500, mss: 1460 });
            match self.ends[end].input(next, &packet, path) {
                Input::NoSocket if packet[9] == 6 => {
                    if let Some(reset) = reset_for(&packet) {
                        self.log.push((next, end, reset.clone()));
                        self.seq += 1;
                        self.flight.insert((next + self.delay, self.seq), (1 - end, reset));
                    }
                }
                Input::NoSocket => {
                    let error = IcmpError { kind: 3, code: 3, info: 0 };
                    self.ends[1 - end].icmp_error(next, &packet[..28], error);
                }
                other => assert_eq!(other, Input::Taken),
            }
        }
        true
    }

    fn run(&mut self, until: Instant) {
        while self.step_until(until) {}
        self.now = self.now.max(until);
    }

    fn settle(&mut self) {
        self.run(self.now + Duration::from_secs(5));
    }

    /// A connection from end 0 to a listener on port 80 of end 1: both sockets.
    fn connected(&mut self) -> (SockId, SockId, SockId) {
        let listener =
            self.ends[1].tcp_listen(Instant::ZERO, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80), 16).unwrap();
        let client = self.ends[0].tcp_connect(self.now, at(0, 0), at(1, 80), PATH).unwrap();
        for _ in 0..1000 {
            self.step();
            if let Ok(server) = self.ends[1].accept(listener) {
                assert!(!self.ends[0].is_opening(client));
                return (client, server, listener);
            }
        }
        panic!("no connection");
    }
}

/// Sends `total` bytes from end 0, echoes them at end 1, and says what came back.
fn echo(pipe: &mut Pipe, total: usize) -> Vec<u8> {
    let (client, server, _) = pipe.connected();
    let (mut sent, mut back, mut pending) = (0, Vec::new(), Vec::new());
    let mut buffer = vec![0; 70_000];
    for _ in 0..2_000_000 {
        if sent < total {
            let chunk = payload::flow(sent as u64, (total - sent).min(65_536));
            sent += pipe.ends[0].send(client, &chunk).unwrap_or(0);
        }
        if let Ok(n) = pipe.ends[1].recv(server, &mut buffer) {
            pending.extend_from_slice(&buffer[..n]);
        }
        if let Ok(n) = pipe.ends[1].send(server, &pending) {
            pending.drain(..n);
        }
        if let Ok(n) = pipe.ends[0].recv(client, &mut buffer) {
            back.extend_from_slice(&buffer[..n]);
        }
        if back.len() >= total || !pipe.step() {
            break;
        }
    }
    back
}

#[test]
fn bytes_come_back_intact_in_spite_of_loss_and_reordering() {
    for (loss, jitter_ms, total) in [(0, 0, 1_000_000), (0, 3, 300_000), (3, 0, 300_000), (10, 5, 60_000)] {
        let mut pipe = Pipe::new(7);
        (pipe.loss, pipe.jitter_ms) = (loss, jitter_ms);
        let back = echo(&mut pipe, total);
        assert_eq!(back.len(), total, "loss {loss} jitter {jitter_ms}");
        assert!(back == payload::flow(0, total));
    }
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let run = |seed| {
        let mut pipe = Pipe::new(seed);
        (pipe.loss, pipe.jitter_ms) = (3, 3);
        echo(&mut pipe, 100_000);
        pipe.log
    };
    assert!(run(1) == run(1));
    assert!(run(1) != run(2));
}

#[test]
fn identification_counts_up_and_a_syn_ack_has_none() {
    let mut pipe = Pipe::new(3);
    let (client, ..) = pipe.connected();
    pipe.ends[0].send(client, b"hello").unwrap();
    pipe.settle();
    let ident = |p: &[u8]| u16::from_be_bytes([p[4], p[5]]);
    let of = |end: usize| pipe.log.iter().filter(move |l| l.1 == end).map(|l| &l.2);
    let ids: Vec<u16> = of(0).map(|p| ident(p)).collect();
    assert!(ids.len() >= 3 && ids.windows(2).all(|w| w[1] == w[0].wrapping_add(1)), "{ids:?}");
    assert_eq!(ident(of(1).next().unwrap()), 0);
    assert!(pipe.log.iter().all(|l| l.2[6] == 0x40 && l.2[8] == 64));
}

#[test]
fn a_closed_port_refuses() {
    let mut pipe = Pipe::new(1);
    let s = pipe.ends[0].tcp_connect(pipe.now, at(0, 0), at(1, 81), PATH).unwrap();
    pipe.settle();
    assert_eq!(pipe.ends[0].next_news(), Some(s));
    assert_eq!(pipe.ends[0].take_error(s), Some(Errno::ECONNREFUSED));
    assert_eq!(pipe.ends[0].take_error(s), None);
    pipe.ends[0].close(s);
    pipe.flush();
    assert!(pipe.ends[0].is_empty());
}

#[test]
fn silence_times_out_at_the_kernels_instants() {
    let mut pipe = Pipe::new(1);
    pipe.silent = true;
    let s = pipe.ends[0].tcp_connect(pipe.now, at(0, 0), at(1, 80), PATH).unwrap();
    pipe.run(Instant::from_nanos(131_109 * MS));
    assert_eq!(pipe.ends[0].take_error(s), None);
    pipe.run(Instant::from_nanos(131_110 * MS));
    let sent: Vec<u64> = pipe.log.iter().map(|l| l.0.as_nanos() / (1000 * MS)).collect();
    assert_eq!(sent, [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
    assert_eq!(pipe.ends[0].take_error(s), Some(Errno::ETIMEDOUT));
}

#[test]
fn icmp_errors_end_an_attempt_but_not_a_connection() {
    for (code, errno) in
        [(0, Errno::ENETUNREACH), (1, Errno::EHOSTUNREACH), (2, Errno::ENOPROTOOPT), (13, Errno::EHOSTUNREACH)]
    {
        let error = IcmpError { kind: 3, code, info: 0 };
        let mut pipe = Pipe::new(1);
        pipe.silent = true;
        let s = pipe.ends[0].tcp_connect(pipe.now, at(0, 0), at(1, 80), PATH).unwrap();
        pipe.flush();
        let syn = pipe.log[0].2.clone();
        let mut forged = syn[..28].to_vec();
        forged[24] ^= 0x40;
        pipe.ends[0].icmp_error(pipe.now, &forged, error);
        assert_eq!(pipe.ends[0].take_error(s), None);
        assert!(pipe.ends[0].icmp_error(pipe.now, &syn[..28], error));
        assert_eq!(pipe.ends[0].take_error(s), Some(errno));

        let mut pipe = Pipe::new(1);
        let (client, server, _) = pipe.connected();
        pipe.ends[0].send(client, b"x").unwrap();
        pipe.flush();
        let quoted = pipe.log.last().unwrap().2[..28].to_vec();
        assert!(pipe.ends[0].icmp_error(pipe.now, &quoted, error));
        assert_eq!(pipe.ends[0].take_error(client), None);
        pipe.settle();
        assert_eq!(pipe.ends[1].recv(server, &mut [0; 8]), Ok(1));
    }
}

#[test]
fn too_big_makes_segments_smaller_at_once() {
    let mut pipe = Pipe::new(5);
    pipe.mtu = 600;
    let back = echo(&mut pipe, 50_000);
    assert!(back == payload::flow(0, 50_000));
    assert!(pipe.now < Instant::from_nanos(500 * MS), "no retransmission timer was needed, but it took {}", pipe.now);
    let big = pipe.log.iter().filter(|l| l.2.len() > 600).count();
    assert!((2..=40).contains(&big), "{big}");
}

#[test]
fn one_direction_may_end_before_the_other() {
    let mut pipe = Pipe::new(1);
    let (client, server, _) = pipe.connected();
    pipe.ends[0].send(client, b"ask").unwrap();
    pipe.ends[0].shutdown(client).unwrap();
    pipe.settle();
    let mut buffer = [0; 16];
    assert_eq!(pipe.ends[1].recv(server, &mut buffer), Ok(3));
    assert_eq!(pipe.ends[1].recv(server, &mut buffer), Ok(0));
    assert_eq!(pipe.ends[0].send(client, b"more"), Err(Errno::EPIPE));
    pipe.ends[1].send(server, b"answer").unwrap();
    pipe.settle();
    assert_eq!(pipe.ends[0].recv(client, &mut buffer), Ok(6));
    assert_eq!(pipe.ends[0].recv(client, &mut buffer), Err(Errno::EAGAIN));
    pipe.ends[1].close(server);
    pipe.settle();
    assert_eq!(pipe.ends[0].recv(client, &mut buffer), Ok(0));
    pipe.ends[0].close(client);
    pipe.settle();
    assert!(pipe.ends[0].is_empty() && pipe.ends[0].wake_at().is_none());
}

#[test]
fn closing_with_unread_data_resets() {
    let mut pipe = Pipe::new(1);
    let (client, server, _) = pipe.connected();
    pipe.ends[0].send(client, b"unread").unwrap();
    pipe.settle();
    pipe.ends[1].close(server);
    pipe.settle();
    assert_eq!(pipe.ends[0].recv(client, &mut [0; 8]), Err(Errno::ECONNRESET));
    assert_eq!(pipe.ends[0].send(client, b"x"), Err(Errno::EPIPE));
    pipe.ends[0].close(client);
    pipe.settle();
    assert!(pipe.ends[0].is_empty());
}

#[test]
fn a_full_backlog_drops_syns_and_a_closed_listener_resets() {
    let mut pipe = Pipe::new(1);
    let listener = pipe.ends[1].tcp_listen(Instant::ZERO, at(1, 80), 1).unwrap();
    let clients: Vec<SockId> =
        (0..4).map(|_| pipe.ends[0].tcp_connect(pipe.now, at(0, 0), at(1, 80), PATH).unwrap()).collect();
    pipe.run(Instant::from_nanos(500 * MS));
    let open = clients.iter().filter(|&&c| !pipe.ends[0].is_opening(c)).count();
    assert_eq!(open, 2);
    pipe.ends[1].accept(listener).unwrap();
    pipe.run(Instant::from_nanos(1500 * MS));
    assert_eq!(clients.iter().filter(|&&c| !pipe.ends[0].is_opening(c)).count(), 3);
    pipe.ends[1].close(listener);
    pipe.run(Instant::from_nanos(4000 * MS));
    let mut errors: Vec<_> = clients.iter().map(|&c| pipe.ends[0].take_error(c)).collect();
    errors.sort();
    let reset = Some(Errno::ECONNRESET);
    assert_eq!(errors, [None, reset, reset, Some(Errno::ECONNREFUSED)]);
}

#[test]
fn a_listener_closed_during_a_handshake_leaves_nothing() {
    let mut pipe = Pipe::new(1);
    let listener = pipe.ends[1].tcp_listen(Instant::ZERO, at(1, 80), 8).unwrap();
    pipe.ends[0].tcp_connect(pipe.now, at(0, 0), at(1, 80), PATH).unwrap();
    pipe.flush();
    pipe.step();
    pipe.ends[1].close(listener);
    pipe.settle();
    assert!(pipe.ends[1].is_empty());
}

#[test]
fn ports_are_given_once() {
    let any = |port| SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
    let now = Instant::ZERO;
    let mut s = Sockets::new(Rng::new(1, "ports"));
    let one = s.tcp_listen(Instant::ZERO, at(0, 80), 1).unwrap();
    assert_eq!(s.tcp_listen(Instant::ZERO, any(80), 1), Err(Errno::EADDRINUSE));
    assert_eq!(s.tcp_listen(Instant::ZERO, at(0, 80), 1), Err(Errno::EADDRINUSE));
    s.tcp_listen(Instant::ZERO, at(1, 80), 1).unwrap();
    s.close(one);
    s.tcp_listen(Instant::ZERO, at(0, 80), 1).unwrap();
    let u = s.udp_bind(now, any(80)).unwrap();
    assert_eq!(s.udp_bind(now, at(0, 80)), Err(Errno::EADDRINUSE));
    s.udp_connect(u, ip(0), at(1, 9)).unwrap();
    assert_eq!(s.udp_bind(now, any(80)), Err(Errno::EADDRINUSE));
    s.close(u);
    s.udp_bind(now, any(80)).unwrap();
    let e = s.udp_bind(now, any(0)).unwrap();
    let (low, high) = Settings::default().ports;
    assert!((low..=high).contains(&s.local(e).unwrap().port()));
    s.tcp_connect(now, at(0, 5000), at(1, 80), PATH).unwrap();
    assert_eq!(s.tcp_connect(now, at(0, 5000), at(1, 80), PATH), Err(Errno::EADDRINUSE));
    s.tcp_connect(now, at(0, 5000), at(1, 81), PATH).unwrap();
}

#[test]
fn a_datagram_finds_the_nearest_socket() {
    let mut pipe = Pipe::new(1);
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 53);
    let wild = pipe.ends[1].udp_bind(pipe.now, any).unwrap();
    let client = pipe.ends[0].udp_bind(pipe.now, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    pipe.ends[0].udp_connect(client, ip(0), at(1, 53)).unwrap();
    let path = Path { source: ip(0), mtu: 1500, mss: 1460 };
    pipe.ends[0].udp_send(pipe.now, client, at(1, 53), path, b"one").unwrap();
    pipe.ends[0].udp_send(pipe.now, client, at(1, 53), path, &[7; 2000]).unwrap();
    pipe.settle();
    let got = pipe.ends[1].udp_recv(wild).unwrap();
    assert_eq!((got.payload.as_slice(), got.to), (&b"one"[..], ip(1)));
    assert_eq!(pipe.ends[1].udp_recv(wild).unwrap().payload.len(), 2000);
    assert_eq!(pipe.ends[1].udp_recv(wild), Err(Errno::EAGAIN));
    // The short one has DF, the long one is for the IP layer to cut.
    assert_eq!((pipe.log[0].2[6], pipe.log[1].2[6], pipe.log[1].2.len()), (0x40, 0, 2028));
    // Somebody else's datagram is not for a connected socket.
    let path = Path { source: ip(1), mtu: 1500, mss: 1460 };
    let port = pipe.ends[0].local(client).unwrap().port();
    let stranger = pipe.ends[1].udp_bind(pipe.now, at(1, 54)).unwrap();
    pipe.ends[1].udp_send(pipe.now, stranger, at(0, port), path, b"no").unwrap();
    pipe.ends[1].udp_send(pipe.now, wild, got.from, path, b"yes").unwrap();
    pipe.settle();
    assert_eq!(pipe.ends[0].udp_recv(client).unwrap().payload, b"yes");
    assert_eq!(pipe.ends[0].udp_recv(client), Err(Errno::EAGAIN));
}

#[test]
fn a_closed_udp_port_is_told_to_connected_sockets_only() {
    let mut pipe = Pipe::new(1);
    let path = Path { source: ip(0), mtu: 1500, mss: 1460 };
    for connected in [true, false] {
        let s = pipe.ends[0].udp_bind(pipe.now, at(0, 0)).unwrap();
        if connected {
            pipe.ends[0].udp_connect(s, ip(0), at(1, 9)).unwrap();
        }
        pipe.ends[0].udp_send(pipe.now, s, at(1, 9), path, b"?").unwrap();
        pipe.settle();
        let expect = if connected { Errno::ECONNREFUSED } else { Errno::EAGAIN };
        assert_eq!(pipe.ends[0].udp_recv(s), Err(expect));
    }
}

#[test]
fn time_wait_answers_and_yields_to_a_new_connection() {
    let mut pipe = Pipe::new(1);
    let (client, server, listener) = pipe.connected();
    let local = pipe.ends[0].local(client).unwrap();
    pipe.ends[1].close(server);
    pipe.settle();
    pipe.ends[0].close(client);
    pipe.settle();
    assert!(pipe.ends[0].is_empty() && pipe.ends.iter().all(|e| e.wake_at().is_none()));
    // End 1 closed first: its side waits, and a copy of the last FIN is acknowledged again.
    let fin = pipe.log.iter().rev().find(|l| l.1 == 0 && l.2[33] & flag::FIN != 0).unwrap().2.clone();
    let before = pipe.log.len();
    assert_eq!(pipe.ends[1].input(pipe.now, &fin, |_, _| None), Input::Taken);
    pipe.flush();
    assert_eq!(pipe.log.len(), before + 1);
    assert_eq!(pipe.log[before].2[33], flag::ACK);
    pipe.settle();
    let again = (0..20).any(|_| {
        // A higher initial sequence number is accepted; about every second one is higher.
        let c = pipe.ends[0].tcp_connect(pipe.now, local, at(1, 80), PATH).unwrap();
        pipe.run(pipe.now + Duration::from_millis(20));
        let done = pipe.ends[1].accept(listener).is_ok();
        pipe.ends[0].abort(c);
        pipe.settle();
        done
    });
    assert!(again);
}

#[test]
fn no_segment_does_harm() {
    for seed in 0..40 {
        let mut pipe = Pipe::new(seed);
        let (client, server, _) = pipe.connected();
        let mut rng = Rng::new(seed, "harm");
        let mut buffer = [0; 4096];
        for round in 0..400u64 {
            let end = rng.below(2) as usize;
            let _ = pipe.ends[end].send([client, server][end], &buffer[..rng.below(4000) as usize]);
            let _ = pipe.ends[1 - end].recv([server, client][end], &mut buffer);
            pipe.step();
            // Something that was sent before comes again with other numbers, flags and length, its checksum right.
            let (_, from, old) =
                pipe.log[pipe.log.len() - 1 - rng.below(3.min(pipe.log.len() as u64)) as usize].clone();
            let s = Segment::parse(&old).unwrap();
            let near = |x: u32, rng: &mut Rng| x.wrapping_add(rng.below(6000) as u32).wrapping_sub(3000);
            let mut forged = bare_segment(Bare {
                local: s.tuple.remote,
                remote: s.tuple.local,
                tos: 0,
                seq: near(s.seq, &mut rng),
                ack: near(s.ack, &mut rng),
                // An RST or SYN now and then only, or every run would be over soon.
                flags: if round % 50 == 0 { rng.below(64) as u8 } else { 0x10 | (rng.below(64) as u8 & 0x29) },
                window: rng.below(1 << 16) as u16,
            });
            let extra = rng.below(100) as usize;
            forged.resize(40 + extra, 7);
            forged[2..4].copy_from_slice(&(40 + extra as u16).to_be_bytes());
            reseal(&mut forged);
            let to = 1 - from;
            pipe.ends[to].input(pipe.now, &forged, |source, _| Some(Path { source, mtu: 1500, mss: 1460 }));
            let error = IcmpError { kind: 3, code: rng.below(16) as u8, info: rng.below(2000) as u32 };
            pipe.ends[from].icmp_error(pipe.now, &old[..28], error);
        }
        pipe.ends[0].abort(client);
        pipe.ends[1].close(server);
        pipe.settle();
    }
}

fn reseal(packet: &mut [u8]) {
    use smoltcp::wire::{Ipv4Packet, TcpPacket};
    let mut ip = Ipv4Packet::new_unchecked(packet);
    ip.fill_checksum();
    let (src, dst) = (ip.src_addr().into(), ip.dst_addr().into());
    TcpPacket::new_unchecked(ip.payload_mut()).fill_checksum(&src, &dst);
}
