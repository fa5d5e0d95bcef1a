//! The classic walkthroughs on the real kernel: what both machines must do, and what in it is surprising.

mod lab;

use lab::{Lab, dev, end, ip, netns, ping};
use nettwin_model::probe::{
    Capture, Direction, IcmpError, Listen, Outcome, PingOutcome, Probe, ProbeEvent, ProbeId, Proto, Stop, TcpFlow,
    Trace, UdpFlow, Verdict,
};
use nettwin_model::wire::{Arp, ETH_LEN, ETHERTYPE_ARP, Eth, Icmp, Ipv4, PROTO_ICMP};
use nettwin_model::{Answer, Backend, Cidr, Errno, FdbKind, IfName, Instant, NetnsState, Nud, Op, Query, Route};
use std::time::Duration;

use Direction::{In, Out};
use Verdict::{HostUnreachable, NetUnreachable, Reached, Refused, Timeout, TtlExceeded};

// 1. Two namespaces and a wire.

/// `192.168.20.1/24` and `192.168.20.2/21`, each with a default route by its own address.
fn two() -> Option<Lab> {
    let mut lab = Lab::new(&["ns1", "ns2"])?;
    lab.veth("ns1:veth1", "ns2:veth2");
    for (dev, own) in [("ns1:veth1", "192.168.20.1/24"), ("ns2:veth2", "192.168.20.2/21")] {
        lab.hasten_arp(dev);
        lab.addr(dev, own);
    }
    lab.route("ns1", "default", "192.168.20.1");
    lab.route("ns2", "default", "192.168.20.2");
    lab.settle();
    Some(lab)
}

#[test]
fn one_wire_joins_two_namespaces_whose_prefixes_differ() {
    let Some(mut lab) = two() else { return };
    let tap = lab.tap("ns1:veth1");
    let (outcome, frames) = lab.watch(&[tap], Probe::Ping(ping("ns1", "192.168.20.2", 1)));
    assert_eq!(outcome.verdict(), Reached);
    assert_eq!(
        seen(&frames, tap),
        [
            (Out, "who has 192.168.20.2 tell 192.168.20.1"),
            (In, "192.168.20.2 is me, 192.168.20.1"),
            (Out, "192.168.20.1 > 192.168.20.2 icmp 8"),
            (In, "192.168.20.2 > 192.168.20.1 icmp 0"),
        ]
    );
    assert_eq!(lab.verdict("ns2", "192.168.20.1"), Reached);
    // Who asked knows; who was asked learned from the question, and is about to make sure.
    assert_eq!(lab.neighbours("ns1"), [("192.168.20.2".to_owned(), Nud::Reachable)]);
    assert_eq!(lab.neighbours("ns2"), [("192.168.20.1".to_owned(), Nud::Delay)]);
}

#[test]
fn one_a_default_route_by_the_own_address_puts_the_world_on_the_link() {
    let Some(mut lab) = two() else { return };
    let routes = lab.state("ns1").config.routes;
    assert_eq!(routes.len(), 1);
    // It is kept as given: a gateway, global scope; the device was found for it.
    assert_eq!(routes[0].nexthops[0].via, Some(ip("192.168.20.1").into()));
    assert_eq!(routes[0].nexthops[0].dev, Some(dev("veth1")));
    let tap = lab.tap("ns1:veth1");
    let (outcome, frames) = lab.watch(&[tap], Probe::Ping(ping("ns1", "10.9.9.9", 1)));
    assert_eq!(outcome.verdict(), HostUnreachable);
    // Not the gateway is asked for, but the destination itself.
    assert_eq!(seen(&frames, tap), [(Out, "who has 10.9.9.9 tell 192.168.20.1"); 3]);
    // An address inside the /21 only is on ns2's link, and asked for there; ns1 asks for it too, by its default route.
    assert_eq!(lab.verdict("ns2", "192.168.16.7"), HostUnreachable);
    assert_eq!(lab.verdict("ns1", "192.168.16.7"), HostUnreachable);
}

// 2. Three hosts and a bridge.

fn three() -> Option<Lab> {
    let mut lab = Lab::with_lo_down(&["s1", "h1", "h2", "h3"])?;
    for n in 1..=3 {
        lab.veth(&format!("h{n}:eth0"), &format!("s1:p{n}"));
        lab.addr(&format!("h{n}:eth0"), &format!("192.168.1.{n}/24"));
    }
    lab.bridge("s1:br0", &["s1:p1", "s1:p2", "s1:p3"]);
    lab.settle();
    Some(lab)
}

#[test]
fn two_the_bridge_floods_the_question_and_not_the_answer() {
    let Some(mut lab) = three() else { return };
    let (at2, at3) = (lab.tap("h2:eth0"), lab.tap("h3:eth0"));
    let (outcome, frames) = lab.watch(&[at2, at3], Probe::Ping(ping("h1", "192.168.1.2", 1)));
    assert_eq!(outcome.verdict(), Reached);
    assert_eq!(seen(&frames, at3), [(In, "who has 192.168.1.2 tell 192.168.1.1")]);
    assert_eq!(seen(&frames, at2).len(), 4);
    // h3 took note of nobody: it was not the one asked for.
    assert_eq!(lab.neighbours("h3"), []);
    let learned = lab.learned_ports("s1");
    assert!(learned.contains(&dev("p1")) && learned.contains(&dev("p2")), "{learned:?}");
}

#[test]
fn two_all_reach_all_but_themselves_only_with_lo_up() {
    let Some(mut lab) = three() else { return };
    // 127.0.0.1 comes when lo first comes up: before, there is no route.
    assert_eq!(lab.verdict("h1", "127.0.0.1"), NetUnreachable);
    let all = [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)];
    for (a, b) in all {
        assert_eq!(lab.verdict(&format!("h{a}"), &format!("192.168.1.{b}")), Reached, "{a} to {b}");
    }
    for n in 1..=3 {
        let (host, own) = (format!("h{n}"), format!("192.168.1.{n}"));
        // What one sends to oneself goes by lo, and is lost there without a word.
        assert_eq!(lab.verdict(&host, &own), Timeout);
        lab.up(&format!("{host}:lo"));
        assert_eq!(lab.verdict(&host, &own), Reached);
    }
    assert_eq!(lab.learned_ports("s1"), ["p1", "p2", "p3"].map(dev));
    assert_eq!(lab.verdict("h1", "127.0.0.1"), Reached);
    // It does not go with lo, nor do its local routes: now the request is lost.
    lab.down("h1:lo");
    assert_eq!(lab.verdict("h1", "127.0.0.1"), Timeout);
}

// 3. Two bridged LANs and a router.

fn routed() -> Option<Lab> {
    let mut lab = Lab::new(&["a", "s1", "r", "s2", "b"])?;
    lab.veth("a:eth0", "s1:pa");
    lab.veth("r:eth0", "s1:pr");
    lab.bridge("s1:br0", &["s1:pa", "s1:pr"]);
    lab.veth("b:eth0", "s2:pb");
    lab.veth("r:eth1", "s2:pr");
    lab.bridge("s2:br0", &["s2:pb", "s2:pr"]);
    let ends = [
        ("a:eth0", "10.1.0.1/24"),
        ("r:eth0", "10.1.0.254/24"),
        ("r:eth1", "10.2.0.254/24"),
        ("b:eth0", "10.2.0.1/24"),
    ];
    for (dev, own) in ends {
        lab.addr(dev, own);
        lab.hasten_arp(dev);
    }
    lab.route("a", "default", "10.1.0.254");
    lab.route("b", "default", "10.2.0.254");
    for ns in ["r", "b"] {
        lab.sysctl(ns, "net/ipv4/icmp_ratelimit", "0");
    }
    lab.settle();
    Some(lab)
}

#[test]
fn three_forwarding_off_is_silence_but_the_far_address_of_the_router_answers() {
    let Some(mut lab) = routed() else { return };
    assert_eq!(lab.verdict("a", "10.2.0.1"), Timeout);
    assert_eq!(lab.verdict("a", "10.2.0.254"), Reached);
    lab.forward("r");
    let Outcome::Ping(PingOutcome { received: 1, .. }) = lab.ping("a", "10.2.0.1") else { panic!() };
    let events = lab.record(Probe::Ping(ping("a", "10.2.0.1", 1)));
    assert!(matches!(events[1], ProbeEvent::Reply { ttl: 63, .. }), "{events:?}");
    assert_eq!(lab.hops("10.2.0.1", 30), ["1 10.1.0.254 11/0", "2 10.2.0.1 3/3"]);
}

#[test]
fn three_errors_come_from_the_routers_near_address() {
    let Some(mut lab) = routed() else { return };
    lab.forward("r");
    let error = |lab: &mut Lab, p| match &lab.record(Probe::Ping(p))[..] {
        [_, ProbeEvent::Icmp { from, error: IcmpError { kind, code, .. }, .. }, ProbeEvent::Done(end)] => {
            (from.to_string(), *kind, *code, end.verdict())
        }
        other => panic!("{other:?}"),
    };
    let near = || "10.1.0.254".to_owned();
    assert_eq!(error(&mut lab, ping("a", "10.9.0.1", 1)), (near(), 3, 0, NetUnreachable));
    assert_eq!(error(&mut lab, ping("a", "10.2.0.9", 1)), (near(), 3, 1, HostUnreachable));
    let mut short = ping("a", "10.2.0.1", 1);
    short.ttl = Some(1);
    assert_eq!(error(&mut lab, short), (near(), 11, 0, TtlExceeded));
    // Even with icmp_ratelimit 0 "no route" is rationed: it takes a second's worth of the same bucket, which every
    // other error to that host leaves empty.
    assert_eq!(lab.verdict("a", "10.9.0.1"), Timeout);
    lab.pass(Duration::from_millis(1100));
    assert_eq!(lab.verdict("a", "10.9.0.1"), NetUnreachable);
}

#[test]
fn three_closed_ports_refuse_through_the_router() {
    let Some(mut lab) = routed() else { return };
    lab.forward("r");
    assert_eq!(lab.run(udp("a", "10.2.0.1", 9)).verdict(), Refused);
    assert_eq!(lab.run(tcp("a", "10.2.0.1", 9, 10)).verdict(), Refused);
    // Told by the router during the handshake: the connection fails at once. The route here is fine, so it is the
    // connection's outcome and not a failure to begin.
    let Outcome::Tcp(lost) = lab.run(tcp("a", "10.9.0.1", 9, 10)) else { panic!() };
    assert_eq!(lost.error, Some(Errno::ENETUNREACH));
    assert!(lost.time < Duration::from_millis(500), "{:?}", lost.time);
}

#[test]
fn three_without_a_way_back_there_is_silence() {
    let Some(mut lab) = routed() else { return };
    lab.forward("r");
    lab.op(Op::DelRoute { netns: netns("b"), route: Route::new(Cidr::DEFAULT_V4) });
    assert_eq!(lab.verdict("a", "10.2.0.1"), Timeout);
    // The router is heard, what lies behind it is not.
    assert_eq!(lab.hops("10.2.0.1", 3), ["1 10.1.0.254 11/0", "2 *", "3 *"]);
    lab.route("b", "default", "10.2.0.77");
    assert_eq!(lab.verdict("a", "10.2.0.1"), Timeout);
    // On the LAN itself no route is needed.
    assert_eq!(lab.verdict("r", "10.2.0.1"), Reached);
}

// 4. The way outside.

#[test]
fn four_the_outside_is_reached_once_it_knows_the_way_back() {
    let Some(mut lab) = Lab::new(&["inside", "r", "outside"]) else { return };
    lab.veth("inside:eth0", "r:in");
    lab.veth("r:out", "outside:eth0");
    lab.addr("inside:eth0", "192.168.0.2/24");
    lab.addr("r:in", "192.168.0.1/24");
    lab.addr("r:out", "203.0.113.1/24");
    lab.addr("outside:eth0", "203.0.113.9/24");
    lab.route("inside", "default", "192.168.0.1");
    lab.forward("r");
    lab.settle();
    for proto in [Proto::Udp, Proto::Tcp] {
        lab.start(Probe::Listen(Listen { netns: netns("outside"), proto, addr: None, port: 80 }));
    }
    // The question arrives; outside has no route for the answer.
    let tap = lab.tap("outside:eth0");
    let mut p = ping("inside", "203.0.113.9", 1);
    p.linger = Duration::from_millis(800);
    let (outcome, frames) = lab.watch(&[tap], Probe::Ping(p));
    assert_eq!(outcome.verdict(), Timeout);
    let heard = [
        (In, "who has 203.0.113.9 tell 203.0.113.1"),
        (Out, "203.0.113.9 is me, 203.0.113.1"),
        (In, "192.168.0.2 > 203.0.113.9 icmp 8"),
    ];
    assert_eq!(seen(&frames, tap), heard);
    assert_eq!(lab.run(udp("inside", "203.0.113.9", 80)).verdict(), Timeout);
    assert_eq!(lab.run(tcp("inside", "203.0.113.9", 80, 0)).verdict(), Timeout);
    lab.route("outside", "192.168.0.0/24", "203.0.113.1");
    assert_eq!(lab.verdict("inside", "203.0.113.9"), Reached);
    assert_eq!(lab.run(udp("inside", "203.0.113.9", 80)).verdict(), Reached);
    let Outcome::Tcp(flow) = lab.run(tcp("inside", "203.0.113.9", 80, 100_000)) else { panic!() };
    assert_eq!((flow.error, flow.received, flow.intact), (None, 100_000, true));
}

fn udp(from: &str, to: &str, port: u16) -> Probe {
    let timeout = Duration::from_secs(1);
    Probe::Udp(UdpFlow { netns: netns(from), dst: ip(to), port, source: None, source_port: None, size: 20, timeout })
}

fn tcp(from: &str, to: &str, port: u16, bytes: u64) -> Probe {
    let timeout = Duration::from_secs(3);
    Probe::Tcp(TcpFlow { netns: netns(from), dst: ip(to), port, source: None, bytes, timeout })
}

type Frames = Vec<(ProbeId, Direction, String)>;

impl Lab {
    /// What one ping that waits 0.8 s comes to.
    fn verdict(&mut self, from: &str, to: &str) -> Verdict {
        let mut p = ping(from, to, 1);
        p.linger = Duration::from_millis(800);
        self.run(Probe::Ping(p)).verdict()
    }

    fn hops(&mut self, to: &str, max_hops: u8) -> Vec<String> {
        let trace = Trace { max_hops, wait: Duration::from_secs(1), ..Trace::new(netns("a"), ip(to)) };
        let Outcome::Trace(trace) = self.run(Probe::Trace(trace)) else { panic!() };
        let line = |(from, e, _): (std::net::Ipv4Addr, IcmpError, Duration)| format!("{from} {}/{}", e.kind, e.code);
        trace.hops.iter().map(|h| format!("{} {}", h.ttl, h.answer.map_or("*".into(), line))).collect()
    }

    fn forward(&mut self, ns: &str) {
        self.sysctl(ns, "net/ipv4/ip_forward", "1");
    }

    fn pass(&mut self, time: Duration) {
        let until = self.machine.now() + time;
        while self.machine.advance(until).is_some() {}
    }

    fn state(&mut self, ns: &str) -> NetnsState {
        match self.machine.query(&Query::Netns(netns(ns))) {
            Ok(Answer::Netns(state)) => *state,
            other => panic!("{other:?}"),
        }
    }

    fn neighbours(&mut self, ns: &str) -> Vec<(String, Nud)> {
        self.state(ns).volatile.neighs.iter().map(|n| (n.dst.to_string(), n.state)).collect()
    }

    /// The ports that MACs were learned on, each once.
    fn learned_ports(&mut self, ns: &str) -> Vec<IfName> {
        let fdb = self.state(ns).volatile.fdb;
        let mut ports: Vec<_> = fdb.iter().filter(|e| e.kind == FdbKind::Learned).map(|e| e.dev).collect();
        ports.sort();
        ports.dedup();
        ports
    }

    fn tap(&mut self, at: &str) -> ProbeId {
        let (netns, dev) = end(at);
        self.start(Probe::Capture(Capture { netns, dev, snap_len: 2000, promiscuous: false }))
    }

    /// Runs a workload to its end while captures run, then ends those.
    fn watch(&mut self, taps: &[ProbeId], probe: Probe) -> (Outcome, Frames) {
        let id = self.start(probe);
        let (mut frames, mut outcome, mut open) = (Frames::new(), None, taps.len());
        while outcome.is_none() || open > 0 {
            let (_, of, event) = self.machine.advance(Instant::FAR).expect("something runs");
            match event {
                ProbeEvent::Done(end) if of == id => {
                    outcome = Some(end);
                    taps.iter().for_each(|tap| self.machine.stop(*tap, Stop::Kill));
                }
                ProbeEvent::Done(_) => open -= 1,
                ProbeEvent::Frame { direction, bytes, .. } => {
                    frames.extend(describe(&bytes).map(|text| (of, direction, text)));
                }
                _ => {}
            }
        }
        (outcome.expect("the loop saw it"), frames)
    }
}

fn seen(frames: &Frames, tap: ProbeId) -> Vec<(Direction, &str)> {
    frames.iter().filter(|(of, ..)| *of == tap).map(|(_, d, text)| (*d, text.as_str())).collect()
}

/// ARP and ICMP in words. A bridge that snoops multicast joins a group when it comes up and says so by IGMP, at a time of
/// its own: not of interest here.
fn describe(frame: &[u8]) -> Option<String> {
    let packet = &frame[ETH_LEN..];
    if Eth::new(frame)?.ethertype() == ETHERTYPE_ARP {
        let arp = Arp::new(packet)?;
        return Some(match arp.op {
            Arp::REQUEST => format!("who has {} tell {}", arp.tpa, arp.spa),
            _ => format!("{} is me, {}", arp.spa, arp.tpa),
        });
    }
    let ip = Ipv4::unsummed(packet).filter(|ip| ip.proto() == PROTO_ICMP)?;
    Some(format!("{} > {} icmp {}", ip.src(), ip.dst(), Icmp::new(&packet[ip.header_len()..])?.kind()))
}
