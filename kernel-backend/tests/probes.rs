//! Workloads on the real kernel, each kind with its good and bad ends.

mod lab;

use lab::{Lab, dev, ip, netns, ping};
use nettwin_model::probe::{
    Arping, ArpingMode, ArpingOutcome, Capture, Direction, FlowOutcome, IcmpError, Listen, Outcome, PingOutcome,
    PmtuDisc, Probe, ProbeEvent, Proto, Stop, TcpFlow, Trace, UdpFlow, Verdict,
};
use nettwin_model::wire::{Arp, ETH_LEN, ETHERTYPE_ARP, Eth, Icmp, Ipv4};
use nettwin_model::{Backend, Errno, Fault, Instant};
use std::time::Duration;

const HOST_UNREACHABLE: IcmpError = IcmpError { kind: 3, code: 1, info: 0 };

/// `a` 10.0.0.1 and `b` 10.0.0.2 on one wire.
fn wire() -> Option<Lab> {
    let mut lab = Lab::new(&["a", "b"])?;
    lab.veth("a:v0", "b:v0");
    lab.hasten_arp("a:v0");
    lab.addr("a:v0", "10.0.0.1/24");
    lab.addr("b:v0", "10.0.0.2/24");
    lab.settle();
    Some(lab)
}

#[test]
fn ping_gets_replies_and_measures_them() {
    let Some(mut lab) = wire() else { return };
    let events = lab.record(Probe::Ping(ping("a", "10.0.0.2", 3)));
    assert_eq!(events[0], ProbeEvent::Started { source: Some(ip("10.0.0.1").into()) });
    for seq in 1..=3 {
        let ProbeEvent::Reply { from, seq: got, ttl: 64, bytes: 64, rtt, duplicate: false } = events[usize::from(seq)]
        else {
            panic!("{events:?}")
        };
        assert_eq!((from, got), (ip("10.0.0.2"), seq));
        assert!(rtt < Duration::from_millis(100), "{rtt:?}");
    }
    let [_, _, _, _, ProbeEvent::Done(Outcome::Ping(end))] = &events[..] else { panic!("{events:?}") };
    assert_eq!((end.transmitted, end.received, end.errors, end.duplicates, end.pipe), (3, 3, 0, 0, 1));
    let rtt = end.rtt.unwrap();
    assert!(rtt.min <= rtt.avg && rtt.avg <= rtt.max, "{rtt:?}");
    assert!((400..1000).contains(&end.time.as_millis()), "{:?}", end.time);
}

#[test]
fn a_host_that_is_not_there_is_reported_by_oneself_after_three_seconds() {
    let Some(mut lab) = Lab::new(&["a", "b"]) else { return };
    lab.veth("a:v0", "b:v0");
    lab.addr("a:v0", "10.0.0.1/24");
    lab.settle();
    let began = lab.machine.now();
    let events = lab.record(Probe::Ping(ping("a", "10.0.0.9", 2)));
    let took = lab.machine.now().since(began);
    // Both come together, when the third question was not answered, and end the ping: an error is an answer.
    assert_eq!(events[1..3], [1, 2].map(|seq| ProbeEvent::Icmp { from: ip("10.0.0.1"), seq, error: HOST_UNREACHABLE }));
    let ProbeEvent::Done(end) = &events[3] else { panic!("{events:?}") };
    assert!(
        matches!(end, Outcome::Ping(PingOutcome { transmitted: 2, received: 0, errors: 2, pipe: 2, .. })),
        "{end:?}"
    );
    assert_eq!(end.verdict(), Verdict::HostUnreachable);
    assert!((2900..3600).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn the_own_machines_errors_travel_over_lo() {
    let Some(mut lab) = wire() else { return };
    lab.down("a:lo");
    let mut p = ping("a", "10.0.0.9", 1);
    p.linger = Duration::from_secs(1);
    assert_eq!(lab.run(Probe::Ping(p)).verdict(), Verdict::Timeout);
    lab.up("a:lo");
    assert_eq!(lab.ping("a", "10.0.0.9").verdict(), Verdict::HostUnreachable);
    // A socket bound to a device does not hear what comes by lo in its error queue: no error line, no count.
    let mut p = ping("a", "10.0.0.9", 2);
    p.dev = Some(dev("v0"));
    p.linger = Duration::from_secs(1);
    let Outcome::Ping(end) = lab.run(Probe::Ping(p)) else { panic!() };
    assert_eq!((end.transmitted, end.received, end.errors, end.last_error, end.pipe), (2, 0, 0, None, 2));
}

#[test]
fn a_ping_that_cannot_open_says_why() {
    let Some(mut lab) = wire() else { return };
    assert_eq!(lab.ping("a", "10.9.9.9"), Outcome::Failed(Errno::ENETUNREACH));
    assert_eq!(lab.ping("a", "10.0.0.255"), Outcome::Failed(Errno::EACCES));
    let mut p = ping("a", "10.0.0.2", 1);
    p.source = Some(ip("10.0.0.7"));
    assert_eq!(lab.run(Probe::Ping(p.clone())), Outcome::Failed(Errno::EADDRNOTAVAIL));
    p.source = None;
    p.dev = Some(dev("nope"));
    assert_eq!(lab.machine.start(Probe::Ping(p)), Err(Fault::errno(Errno::ENODEV)));
    // With a source there is no look for one: the route is missed at each request, silently.
    let mut p = ping("a", "10.9.9.9", 2);
    p.source = Some(ip("10.0.0.1"));
    p.linger = Duration::from_secs(1);
    let Outcome::Ping(end) = lab.run(Probe::Ping(p)) else { panic!() };
    assert_eq!((end.transmitted, end.errors, end.send_error), (2, 0, Some(Errno::ENETUNREACH)));
}

#[test]
fn a_request_too_big_with_df_fails_at_home() {
    let Some(mut lab) = wire() else { return };
    let mut p = ping("a", "10.0.0.2", 1);
    p.size = 3000;
    assert_eq!(lab.run(Probe::Ping(p.clone())).verdict(), Verdict::Reached);
    p.pmtudisc = PmtuDisc::Do;
    let events = lab.record(Probe::Ping(p));
    assert_eq!(events[1], ProbeEvent::SendFailed { seq: 1, errno: Errno::EMSGSIZE, mtu: Some(1500) });
    let ProbeEvent::Done(end) = &events[2] else { panic!("{events:?}") };
    assert!(matches!(end, Outcome::Ping(PingOutcome { transmitted: 1, errors: 1, .. })), "{end:?}");
    assert_eq!(end.verdict(), Verdict::TooBig);
}

#[test]
fn a_broadcast_ping_is_answered_where_the_sysctl_says_so() {
    let Some(mut lab) = wire() else { return };
    lab.sysctl("b", "net/ipv4/icmp_echo_ignore_broadcasts", "0");
    let mut p = ping("a", "10.0.0.255", 1);
    p.broadcast = true;
    let events = lab.record(Probe::Ping(p));
    assert!(matches!(events[1], ProbeEvent::Reply { from, .. } if from == ip("10.0.0.2")), "{events:?}");
}

#[test]
fn a_ping_can_be_interrupted() {
    let Some(mut lab) = wire() else { return };
    let mut p = ping("a", "10.0.0.2", 1);
    p.count = None;
    let id = lab.start(Probe::Ping(p));
    let until = lab.machine.now() + Duration::from_millis(500);
    while lab.machine.advance(until).is_some() {}
    lab.machine.stop(id, Stop::Interrupt);
    let Some((_, _, ProbeEvent::Done(Outcome::Ping(end)))) = lab.machine.advance(Instant::FAR) else { panic!() };
    assert_eq!((end.transmitted, end.received), (3, 3));
    assert_eq!(lab.machine.advance(Instant::FAR), None);
}

fn udp(port: u16, to: &str) -> Probe {
    let timeout = Duration::from_secs(2);
    Probe::Udp(UdpFlow { netns: netns("a"), dst: ip(to), port, source: None, source_port: None, size: 100, timeout })
}

fn tcp(port: u16, to: &str, bytes: u64) -> Probe {
    let timeout = Duration::from_secs(20);
    Probe::Tcp(TcpFlow { netns: netns("a"), dst: ip(to), port, source: None, bytes, timeout })
}

fn listen(proto: Proto, port: u16) -> Probe {
    Probe::Listen(Listen { netns: netns("b"), proto, addr: None, port })
}

#[test]
fn datagrams_come_back_or_tell_why_not() {
    let Some(mut lab) = wire() else { return };
    let Outcome::Udp(closed) = lab.run(udp(9, "10.0.0.2")) else { panic!() };
    assert_eq!((closed.error, closed.sent, closed.received), (Some(Errno::ECONNREFUSED), 100, 0));
    let id = lab.start(listen(Proto::Udp, 7));
    let Outcome::Udp(open) = lab.run(udp(7, "10.0.0.2")) else { panic!() };
    assert_eq!((open.error, open.sent, open.received, open.intact), (None, 100, 100, true));
    // It answers from the address that it was asked at, and does not hold a port that is taken.
    lab.addr("b:v0", "10.0.0.22/24");
    assert_eq!(lab.run(udp(7, "10.0.0.22")).verdict(), Verdict::Reached);
    assert_eq!(lab.run(listen(Proto::Udp, 7)), Outcome::Failed(Errno::EADDRINUSE));
    lab.machine.stop(id, Stop::Interrupt);
    assert!(matches!(lab.machine.advance(Instant::FAR), Some((_, of, ProbeEvent::Done(Outcome::Stopped))) if of == id));
    assert_eq!(lab.run(udp(7, "10.0.0.2")).verdict(), Verdict::Refused);
    assert_eq!(lab.run(udp(7, "10.9.9.9")), Outcome::Failed(Errno::ENETUNREACH));
    let Outcome::Udp(absent) = lab.run(udp(7, "10.0.0.9")) else { panic!() };
    assert_eq!(absent.error, Some(Errno::EHOSTUNREACH));
    lab.down("b:v0");
    let Outcome::Udp(FlowOutcome { error, .. }) = lab.run(udp(7, "10.0.0.2")) else { panic!() };
    // The neighbour was known, and without carrier the frame is lost silently.
    assert_eq!(error, Some(Errno::ETIMEDOUT));
}

#[test]
fn connections_are_made_refused_or_unreachable() {
    let Some(mut lab) = wire() else { return };
    let Outcome::Tcp(closed) = lab.run(tcp(9, "10.0.0.2", 0)) else { panic!() };
    assert_eq!((closed.error, closed.sent), (Some(Errno::ECONNREFUSED), 0));
    lab.start(listen(Proto::Tcp, 7));
    let events = lab.record(tcp(7, "10.0.0.2", 1 << 20));
    let [ProbeEvent::Started { .. }, ProbeEvent::Connected { .. }, ProbeEvent::Done(Outcome::Tcp(open))] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((open.error, open.sent, open.received, open.intact), (None, 1 << 20, 1 << 20, true));
    assert_eq!(lab.run(tcp(7, "10.0.0.2", 0)).verdict(), Verdict::Reached);
    assert_eq!(lab.run(tcp(7, "10.9.9.9", 0)), Outcome::Failed(Errno::ENETUNREACH));
    // The handshake ends with the first error of the neighbour's, it does not wait for the timeout.
    let Outcome::Tcp(absent) = lab.run(tcp(7, "10.0.0.9", 0)) else { panic!() };
    assert_eq!(absent.error, Some(Errno::EHOSTUNREACH));
    assert!(absent.time < Duration::from_secs(2), "{:?}", absent.time);
}

fn arping(to: &str, count: u32, mode: ArpingMode) -> Arping {
    Arping {
        netns: netns("a"),
        dev: dev("v0"),
        dst: ip(to),
        source: None,
        count: Some(count),
        interval: Duration::from_millis(200),
        deadline: None,
        mode,
    }
}

#[test]
fn arping_asks_all_then_one() {
    let Some(mut lab) = wire() else { return };
    let events = lab.record(Probe::Arping(arping("10.0.0.2", 3, ArpingMode::Ask)));
    assert_eq!(events[0], ProbeEvent::Started { source: Some(ip("10.0.0.1").into()) });
    assert!(
        matches!(events[1], ProbeEvent::ArpReply { from, unicast: true, reply: true, .. } if from == ip("10.0.0.2")),
        "{events:?}"
    );
    let Some(ProbeEvent::Done(Outcome::Arping(end))) = events.last() else { panic!("{events:?}") };
    assert_eq!((end.sent, end.broadcasts, end.received, end.macs.len()), (3, 1, 3, 1));
    let Outcome::Arping(none) = lab.run(Probe::Arping(arping("10.0.0.9", 2, ArpingMode::Ask))) else { panic!() };
    assert_eq!(none, ArpingOutcome { sent: 2, broadcasts: 2, ..ArpingOutcome::default() });
}

#[test]
fn arping_finds_duplicates_and_refuses_odd_devices() {
    let Some(mut lab) = wire() else { return };
    let Outcome::Arping(taken) = lab.run(Probe::Arping(arping("10.0.0.2", 3, ArpingMode::Duplicate))) else { panic!() };
    assert_eq!((taken.sent, taken.received), (1, 1));
    let Outcome::Arping(free) = lab.run(Probe::Arping(arping("10.0.0.8", 2, ArpingMode::Duplicate))) else { panic!() };
    assert_eq!((free.sent, free.received), (2, 0));
    let foreign = arping("10.0.0.8", 1, ArpingMode::Announce);
    assert_eq!(lab.run(Probe::Arping(foreign)), Outcome::Failed(Errno::EADDRNOTAVAIL));
    let mut on_lo = arping("10.0.0.2", 1, ArpingMode::Ask);
    on_lo.dev = dev("lo");
    assert_eq!(lab.run(Probe::Arping(on_lo)), Outcome::Failed(Errno::EOPNOTSUPP));
    lab.down("a:v0");
    assert_eq!(lab.run(Probe::Arping(arping("10.0.0.2", 1, ArpingMode::Ask))), Outcome::Failed(Errno::ENETDOWN));
}

#[test]
fn traceroute_finds_the_router_and_the_end() {
    let Some(mut lab) = Lab::new(&["a", "r", "b"]) else { return };
    lab.veth("a:v0", "r:ra");
    lab.veth("r:rb", "b:v0");
    lab.hasten_arp("r:rb");
    lab.addr("a:v0", "10.0.0.1/24");
    lab.addr("r:ra", "10.0.0.254/24");
    lab.addr("r:rb", "10.0.1.254/24");
    lab.addr("b:v0", "10.0.1.2/24");
    lab.route("a", "default", "10.0.0.254");
    lab.route("b", "default", "10.0.1.254");
    lab.sysctl("r", "net/ipv4/ip_forward", "1");
    // Sixteen datagrams at once, three times: more errors than the rate limit lets through.
    for ns in ["r", "b"] {
        lab.sysctl(ns, "net/ipv4/icmp_ratelimit", "0");
    }
    lab.settle();
    let trace = |to: &str| Probe::Trace(Trace::new(netns("a"), ip(to)));
    let hops = |outcome: Outcome| -> (bool, Vec<(u8, String, u8, u8)>) {
        let Outcome::Trace(t) = outcome else { panic!("{outcome:?}") };
        let hops = t.hops.iter().filter_map(|h| h.answer.map(|(ip, e, _)| (h.ttl, ip.to_string(), e.kind, e.code)));
        (t.reached, hops.collect())
    };
    let router = (1, "10.0.0.254".to_owned(), 11, 0);
    assert_eq!(hops(lab.run(trace("10.0.1.2"))), (true, vec![router.clone(), (2, "10.0.1.2".into(), 3, 3)]));
    // Nobody there: the router says so from the address that the packets came to.
    assert_eq!(hops(lab.run(trace("10.0.1.9"))), (false, vec![router, (2, "10.0.0.254".into(), 3, 1)]));
    // The router's own address ends it at the first hop.
    assert_eq!(hops(lab.run(trace("10.0.1.254"))), (true, vec![(1, "10.0.1.254".into(), 3, 3)]));
    assert_eq!(lab.run(trace("10.0.0.255")), Outcome::Failed(Errno::EACCES));
}

#[test]
fn a_capture_sees_the_question_before_the_ping() {
    let Some(mut lab) = wire() else { return };
    let capture =
        |ns: &str| Probe::Capture(Capture { netns: netns(ns), dev: dev("v0"), snap_len: 262_144, promiscuous: false });
    let (at_a, at_b) = (lab.start(capture("a")), lab.start(capture("b")));
    let p = lab.start(Probe::Ping(ping("a", "10.0.0.2", 1)));
    let mut frames = Vec::new();
    let mut last = Instant::ZERO;
    while let Some((at, id, event)) = lab.machine.advance(Instant::FAR) {
        assert!(at >= last, "time went back");
        last = at;
        match event {
            ProbeEvent::Done(_) if id == p => break,
            ProbeEvent::Frame { direction, bytes, .. } => frames.push((id, direction, name(&bytes))),
            _ => {}
        }
    }
    for id in [at_a, at_b] {
        lab.machine.stop(id, Stop::Kill);
    }
    while let Some((_, id, event)) = lab.machine.advance(Instant::FAR) {
        if let ProbeEvent::Frame { direction, bytes, .. } = event {
            frames.push((id, direction, name(&bytes)));
        }
    }
    let seen_by = |id| frames.iter().filter(|(of, ..)| *of == id).map(|(_, d, n)| (*d, n.as_str())).collect::<Vec<_>>();
    use Direction::{In, Out};
    assert_eq!(seen_by(at_a), [(Out, "arp 1"), (In, "arp 2"), (Out, "icmp 8"), (In, "icmp 0")]);
    assert_eq!(seen_by(at_b), [(In, "arp 1"), (Out, "arp 2"), (In, "icmp 8"), (Out, "icmp 0")]);
}

#[test]
fn captured_segments_have_their_checksums_and_lo_shows_each_frame_once() {
    let Some(mut lab) = wire() else { return };
    lab.start(listen(Proto::Tcp, 7));
    let id =
        lab.start(Probe::Capture(Capture { netns: netns("b"), dev: dev("v0"), snap_len: 262_144, promiscuous: false }));
    lab.start(tcp(7, "10.0.0.2", 1000));
    let mut segments = 0;
    let until = lab.machine.now() + Duration::from_millis(500);
    while let Some((_, of, event)) = lab.machine.advance(until) {
        let ProbeEvent::Frame { bytes, .. } = event else { continue };
        let eth = Eth::new(&bytes).unwrap();
        assert_eq!(of, id);
        if eth.ethertype() == ETHERTYPE_ARP {
            continue;
        }
        let ip = Ipv4::new(&bytes[ETH_LEN..]).unwrap_or_else(|e| panic!("{e:?}"));
        let segment = &bytes[ETH_LEN + ip.header_len()..][..ip.total_len() - ip.header_len()];
        assert_eq!(nettwin_model::wire::transport_checksum(ip.src(), ip.dst(), ip.proto(), segment), 0);
        segments += 1;
    }
    assert!(segments >= 8, "{segments}");
    lab.machine.stop(id, Stop::Kill);
    let id = lab.start(Probe::Capture(Capture { netns: netns("a"), dev: dev("lo"), snap_len: 60, promiscuous: false }));
    let p = lab.start(Probe::Ping(ping("a", "127.0.0.1", 1)));
    let mut on_lo = Vec::new();
    while let Some((_, of, event)) = lab.machine.advance(Instant::FAR) {
        match event {
            ProbeEvent::Done(_) if of == p => lab.machine.stop(id, Stop::Kill),
            ProbeEvent::Done(_) if of == id => break,
            ProbeEvent::Frame { direction, len, bytes } => on_lo.push((direction, len, bytes.len(), name(&bytes))),
            _ => {}
        }
    }
    let seen = |what: &str| (Direction::In, 98, 60, what.to_owned());
    assert_eq!(on_lo, [seen("icmp 8"), seen("icmp 0")]);
}

#[test]
fn a_capture_that_nobody_reads_says_how_much_it_lost() {
    let Some(mut lab) = wire() else { return };
    let id = lab.start(Probe::Capture(Capture { netns: netns("b"), dev: dev("v0"), snap_len: 60, promiscuous: false }));
    // A hundred megabytes in fragments, while the machine reads nothing.
    let a = lab.machine.netns(&netns("a")).unwrap();
    let flood = || {
        let socket = std::net::UdpSocket::bind("10.0.0.1:0").unwrap();
        (0..2000).filter(|_| socket.send_to(&[0; 50_000], "10.0.0.2:9").is_ok()).count() * 34
    };
    let sent = u32::try_from(lab.machine.worker().run_in(a, flood).unwrap()).unwrap();
    lab.machine.stop(id, Stop::Kill);
    let (mut kept, mut lost) = (0, 0);
    while let Some((_, _, event)) = lab.machine.advance(Instant::FAR) {
        match event {
            ProbeEvent::Frame { .. } => kept += 1,
            ProbeEvent::FramesLost { count } => lost += count,
            _ => {}
        }
    }
    assert!(kept > 0 && lost > 0 && kept + lost >= sent, "{kept} {lost} {sent}");
}

/// An ARP packet's operation, an ICMP message's type.
fn name(frame: &[u8]) -> String {
    let packet = &frame[ETH_LEN..];
    if Eth::new(frame).unwrap().ethertype() == ETHERTYPE_ARP {
        return format!("arp {}", Arp::new(packet).unwrap().op);
    }
    let ip = Ipv4::unsummed(packet).unwrap();
    format!("icmp {}", Icmp::new(&packet[ip.header_len()..]).unwrap().kind())
}
