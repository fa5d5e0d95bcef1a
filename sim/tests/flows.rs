//! TCP and UDP through the whole simulator: over a bridge and a router, refused, unreachable, silent, lossy.

use nettwin_model::op::{AddLink, LinkChange, NewLink, RouteVerb, VethPeer};
use nettwin_model::probe::{
    Capture, Direction, FlowOutcome, Listen, Outcome, Probe, ProbeEvent, Proto, Stop, TcpFlow, UdpFlow,
};
use nettwin_model::words;
use nettwin_model::{
    Address, Answer, Backend, BridgeAttrs, Errno, IfName, Instant, Mac, Neigh, NetnsName, Nud, Op, Query, SysctlKey,
};
use nettwin_sim::Sim;
use std::time::Duration;

fn ns(name: &str) -> NetnsName {
    NetnsName::new(name).unwrap()
}

fn dev(name: &str) -> IfName {
    IfName::new(name).unwrap()
}

fn set(netns: &str, name: &str, change: LinkChange) -> Op {
    Op::SetLink { netns: ns(netns), name: dev(name), change: Box::new(change) }
}

fn up(netns: &str, name: &str) -> Op {
    set(netns, name, LinkChange { up: Some(true), ..LinkChange::default() })
}

fn link(netns: &str, name: &str, kind: NewLink) -> Op {
    Op::AddLink(Box::new(AddLink {
        netns: ns(netns),
        name: dev(name),
        kind,
        mac: None,
        mtu: None,
        master: None,
        up: false,
    }))
}

fn wire(a: (&str, &str), b: (&str, &str)) -> Vec<Op> {
    let peer = VethPeer { netns: ns(b.0), name: dev(b.1), mac: None, mtu: None };
    vec![link(a.0, a.1, NewLink::Veth { peer }), up(a.0, a.1), up(b.0, b.1)]
}

fn addr(netns: &str, name: &str, cidr: &str) -> Op {
    Op::AddAddr { netns: ns(netns), dev: dev(name), addr: Address::new(cidr.parse().unwrap()) }
}

fn route(netns: &str, text: &str) -> Op {
    Op::AddRoute { netns: ns(netns), verb: RouteVerb::Add, route: words::route::parse(text).unwrap() }
}

fn impair(netns: &str, name: &str, text: &str) -> Op {
    Op::SetImpairment {
        netns: ns(netns),
        dev: dev(name),
        impairment: Some(Box::new(words::netem::parse(text).unwrap())),
        handle: None,
    }
}

/// A simulation may move to another thread, sockets included.
fn sendable<T: Send>(value: T) -> T {
    value
}

/// h1 (10.1.0.1) on a bridge with the router r (10.1.0.254), behind which h2 (10.2.0.1) is; echo servers on h2, port 7.
fn lab(seed: u64) -> Sim {
    let mut sim = sendable(Sim::new(seed));
    let mut ops: Vec<Op> = ["h1", "h2", "r", "s"].map(|n| Op::AddNetns { netns: ns(n) }).into();
    ops.extend(["h1", "h2", "r", "s"].map(|n| up(n, "lo")));
    let attrs = BridgeAttrs { mcast_snooping: Some(false), ..BridgeAttrs::default() };
    ops.push(link("s", "br0", NewLink::Bridge { attrs }));
    ops.push(up("s", "br0"));
    ops.extend(wire(("h1", "eth0"), ("s", "p1")));
    ops.extend(wire(("r", "eth1"), ("s", "p2")));
    ops.extend(wire(("h2", "eth0"), ("r", "eth2")));
    for port in ["p1", "p2"] {
        ops.push(set("s", port, LinkChange { master: Some(Some(dev("br0"))), ..LinkChange::default() }));
    }
    ops.extend([addr("h1", "eth0", "10.1.0.1/24"), addr("r", "eth1", "10.1.0.254/24")]);
    ops.extend([addr("h2", "eth0", "10.2.0.1/24"), addr("r", "eth2", "10.2.0.254/24")]);
    ops.extend([route("h1", "default via 10.1.0.254"), route("h2", "default via 10.2.0.254")]);
    let key = SysctlKey::new("net.ipv4.ip_forward").unwrap();
    ops.push(Op::SetSysctl { netns: ns("r"), key, value: "1".into() });
    sim.execute(&ops).unwrap();
    for proto in [Proto::Tcp, Proto::Udp] {
        sim.start(Probe::Listen(Listen { netns: ns("h2"), proto, addr: None, port: 7 })).unwrap();
    }
    while sim.advance(sim.now()).is_some() {}
    sim
}

fn tcp(dst: &str, port: u16, bytes: u64) -> Probe {
    let timeout = Duration::from_secs(300);
    Probe::Tcp(TcpFlow { netns: ns("h1"), dst: dst.parse().unwrap(), port, source: None, bytes, timeout })
}

fn udp(dst: &str, port: u16, size: u16) -> Probe {
    let (source, source_port, timeout) = (None, None, Duration::from_secs(20));
    Probe::Udp(UdpFlow { netns: ns("h1"), dst: dst.parse().unwrap(), port, source, source_port, size, timeout })
}

fn run(sim: &mut Sim, probe: Probe) -> FlowOutcome {
    match sim.probe(probe).unwrap() {
        Outcome::Tcp(flow) | Outcome::Udp(flow) => flow,
        other => panic!("{other:?}"),
    }
}

/// Error and time in milliseconds.
fn fate(sim: &mut Sim, probe: Probe) -> (Option<Errno>, u128) {
    let flow = run(sim, probe);
    (flow.error, flow.time.as_millis())
}

#[test]
fn a_megabyte_over_a_bridge_and_a_router_and_back() {
    let mut sim = lab(1);
    let flow = run(&mut sim, tcp("10.2.0.1", 7, 1 << 20));
    let expect = FlowOutcome { error: None, sent: 1 << 20, received: 1 << 20, intact: true, time: flow.time };
    assert_eq!(flow, expect);
    while sim.advance(Instant::FAR).is_some() {}
    assert_eq!(sim.frames_live(), 0);
}

#[test]
fn datagrams_of_any_size_come_back() {
    for size in [1, 1472, 1473, 65_507] {
        let flow = run(&mut lab(1), udp("10.2.0.1", 7, size));
        assert_eq!((flow.error, flow.received, flow.intact), (None, size.into(), true), "{size}");
    }
}

#[test]
fn a_closed_port_refuses_at_once() {
    assert_eq!(fate(&mut lab(1), tcp("10.2.0.1", 8, 10)), (Some(Errno::ECONNREFUSED), 0));
    assert_eq!(fate(&mut lab(1), udp("10.2.0.1", 8, 10)), (Some(Errno::ECONNREFUSED), 0));
    assert_eq!(fate(&mut lab(1), tcp("127.0.0.1", 8, 10)), (Some(Errno::ECONNREFUSED), 0));
    // A router is a host, too.
    assert_eq!(fate(&mut lab(1), tcp("10.2.0.254", 7, 10)), (Some(Errno::ECONNREFUSED), 0));
}

#[test]
fn what_is_unreachable_says_so_in_the_kernels_time() {
    let mut sim = lab(1);
    // Three ARP requests, a second apart.
    assert_eq!(fate(&mut sim, tcp("10.1.0.9", 7, 10)), (Some(Errno::EHOSTUNREACH), 3000));
    assert_eq!(fate(&mut lab(1), udp("10.1.0.9", 7, 10)), (Some(Errno::EHOSTUNREACH), 3000));
    assert_eq!(fate(&mut lab(1), tcp("10.2.0.9", 7, 10)), (Some(Errno::EHOSTUNREACH), 3000));
    // At the router.
    assert_eq!(fate(&mut lab(1), tcp("10.3.0.1", 7, 10)), (Some(Errno::ENETUNREACH), 0));
    let mut sim = lab(1);
    sim.execute(&[route("r", "prohibit 10.3.0.0/16")]).unwrap();
    assert_eq!(fate(&mut sim, tcp("10.3.0.1", 7, 10)), (Some(Errno::EHOSTUNREACH), 0));
    // Here.
    for (kind, errno) in
        [("unreachable", Errno::EHOSTUNREACH), ("prohibit", Errno::EACCES), ("blackhole", Errno::EINVAL)]
    {
        let mut sim = lab(1);
        sim.execute(&[route("h1", &format!("{kind} 10.3.0.0/16"))]).unwrap();
        assert_eq!(sim.probe(tcp("10.3.0.1", 7, 1)), Ok(Outcome::Failed(errno)));
        assert_eq!(sim.probe(udp("10.3.0.1", 7, 1)), Ok(Outcome::Failed(errno)));
    }
    assert_eq!(sim.probe(tcp("10.1.0.255", 7, 1)), Ok(Outcome::Failed(Errno::ENETUNREACH)));
    assert_eq!(sim.probe(udp("10.1.0.255", 7, 1)), Ok(Outcome::Failed(Errno::EACCES)));
}

#[test]
fn silence_takes_as_long_as_the_kernels_retries() {
    let mut sim = lab(1);
    let dst = "10.1.0.9".parse().unwrap();
    let lladdr = Some(Mac([2, 0, 0, 0, 0, 9]));
    let neigh = Neigh { dev: dev("eth0"), dst, lladdr, state: Nud::Permanent, proxy: false, extra: Default::default() };
    sim.execute(&[Op::AddNeigh { netns: ns("h1"), neigh, replace: false }]).unwrap();
    assert_eq!(fate(&mut sim, tcp("10.1.0.9", 7, 10)), (Some(Errno::ETIMEDOUT), 131_110));
    assert_eq!(fate(&mut sim, udp("10.1.0.9", 7, 10)), (Some(Errno::ETIMEDOUT), 20_000));
}

#[test]
fn a_narrow_path_is_found_out() {
    let mut sim = lab(1);
    let narrow = || LinkChange { mtu: Some(900), ..LinkChange::default() };
    sim.execute(&[set("r", "eth2", narrow()), set("h2", "eth0", narrow())]).unwrap();
    let flow = run(&mut sim, tcp("10.2.0.1", 7, 100_000));
    assert_eq!((flow.error, flow.received, flow.intact), (None, 100_000, true));
    assert!(flow.time < Duration::from_millis(500), "{:?}", flow.time);
    // Below 552 bytes the path is believed to be no smaller, and DF is given up (ip_rt_min_pmtu).
    let mut sim = lab(1);
    let tiny = || LinkChange { mtu: Some(300), ..LinkChange::default() };
    sim.execute(&[set("r", "eth2", tiny()), set("h2", "eth0", tiny())]).unwrap();
    assert_eq!(run(&mut sim, udp("10.2.0.1", 7, 500)).error, Some(Errno::EMSGSIZE));
    assert_eq!(run(&mut sim, udp("10.2.0.1", 7, 500)).error, None);
    assert_eq!(run(&mut sim, tcp("10.2.0.1", 7, 20_000)).error, None);
    // A datagram runs into it once; the next is cut here.
    let mut sim = lab(1);
    sim.execute(&[set("r", "eth2", narrow()), set("h2", "eth0", narrow())]).unwrap();
    assert_eq!(run(&mut sim, udp("10.2.0.1", 7, 1400)).error, Some(Errno::EMSGSIZE));
    assert_eq!(run(&mut sim, udp("10.2.0.1", 7, 1400)).error, None);
}

#[test]
fn loss_and_delay_are_overcome_and_repeat_themselves() {
    let trial = |seed| {
        let mut sim = lab(seed);
        sim.execute(&[impair("r", "eth1", "delay 5ms loss 2%"), impair("r", "eth2", "delay 5ms 1ms loss 2%")]).unwrap();
        let flow = run(&mut sim, tcp("10.2.0.1", 7, 300_000));
        assert_eq!((flow.error, flow.received, flow.intact), (None, 300_000, true));
        (flow.time, sim.trace_hash())
    };
    assert_eq!(trial(1), trial(1));
    assert_ne!(trial(1).1, trial(2).1);
}

/// Segments overtake each other both ways: each carries data and an acknowledgement, old ones among them.
#[test]
fn reordering_costs_no_timeout() {
    let mut sim = lab(3);
    sim.execute(&[impair("h1", "eth0", "delay 20ms 10ms"), impair("h2", "eth0", "delay 20ms")]).unwrap();
    let outcome = run(&mut sim, tcp("10.2.0.1", 7, 200_000));
    assert_eq!(outcome.error, None);
    assert!(outcome.time < Duration::from_secs(4), "{:?}", outcome.time);
}

#[test]
fn a_connection_confirms_the_neighbour() {
    let delay = || impair("h2", "eth0", "delay 200ms");
    // A short one is over long before the neighbour is asked about; the kernel asks then, too.
    for (flow, ops, requests) in [
        (tcp("10.2.0.1", 7, 10), vec![], 1),
        (tcp("10.2.0.1", 7, 10), vec![delay()], 0),
        (udp("10.2.0.1", 7, 10), vec![delay()], 1),
    ] {
        let mut sim = lab(1);
        assert_eq!(run(&mut sim, tcp("10.2.0.1", 7, 1)).error, None);
        sim.execute(&ops).unwrap();
        // By now the entry is stale.
        let stale = sim.now() + Duration::from_secs(60);
        while sim.advance(stale).is_some() {}
        sim.start(Probe::Capture(Capture { netns: ns("h1"), dev: dev("eth0"), snap_len: 64, promiscuous: false }))
            .unwrap();
        sim.start(flow).unwrap();
        let mut asked = 0;
        while let Some((_, _, event)) = sim.advance(stale + Duration::from_secs(20)) {
            if let ProbeEvent::Frame { direction: Direction::Out, bytes, .. } = event {
                asked += usize::from(bytes[12..14] == [8, 6] && bytes[20..22] == [0, 1]);
            }
        }
        assert_eq!(asked, requests);
    }
}

#[test]
fn a_stopped_server_refuses_and_its_port_is_free() {
    let mut sim = lab(1);
    let listen = || Probe::Listen(Listen { netns: ns("h1"), proto: Proto::Tcp, addr: None, port: 80 });
    let id = sim.start(listen()).unwrap();
    assert_eq!(sim.probe(listen()), Ok(Outcome::Failed(Errno::EADDRINUSE)));
    assert_eq!(run(&mut sim, tcp("10.1.0.1", 80, 70_000)).error, None);
    assert_eq!(run(&mut sim, tcp("0.0.0.0", 80, 70_000)).error, None);
    sim.stop(id, Stop::Interrupt);
    let stopped = sim.advance(Instant::FAR).unwrap();
    assert_eq!((stopped.1, stopped.2), (id, ProbeEvent::Done(Outcome::Stopped)));
    assert_eq!(run(&mut sim, tcp("127.0.0.1", 80, 1)).error, Some(Errno::ECONNREFUSED));
    sim.start(listen()).unwrap();
    assert_eq!(run(&mut sim, tcp("127.0.0.1", 80, 1)).error, None);
}

#[test]
fn a_namespace_that_goes_takes_its_sockets_along() {
    let mut sim = lab(1);
    let flow = sim.start(tcp("10.1.0.9", 7, 1)).unwrap();
    let server = Listen { netns: ns("h2"), proto: Proto::Tcp, addr: None, port: 9 };
    let server = sim.start(Probe::Listen(server)).unwrap();
    sim.execute(&[Op::DelNetns { netns: ns("h1") }, Op::DelNetns { netns: ns("h2") }]).unwrap();
    let mut done = Vec::new();
    while let Some((_, of, event)) = sim.advance(Instant::FAR) {
        if matches!(event, ProbeEvent::Done(_)) {
            done.push(of);
        }
    }
    assert!(done.contains(&flow) && done.contains(&server), "{done:?}");
    assert_eq!(sim.frames_live(), 0);
}

/// Two interfaces that were made under one name and moved apart have addresses of their own.
#[test]
fn a_name_used_again_gets_another_mac() {
    let mut sim = Sim::new(0);
    let mut macs = Vec::new();
    let netns = |name: &str| Op::AddNetns { netns: ns(name) };
    sim.execute(&[netns("host"), netns("h1"), netns("h2")]).unwrap();
    for inside in ["h1", "h2"] {
        let outside = format!("to-{inside}");
        let peer = VethPeer { netns: ns("host"), name: dev("eth0"), mac: None, mtu: None };
        let moved = LinkChange { netns: Some(ns(inside)), ..LinkChange::default() };
        sim.execute(&[link("host", &outside, NewLink::Veth { peer }), set("host", "eth0", moved)]).unwrap();
        let Answer::Netns(state) = sim.query(&Query::Netns(ns(inside))).unwrap() else { panic!("another answer") };
        macs.push(state.derived.links[&dev("eth0")].mac);
    }
    assert_ne!(macs[0], macs[1]);
}
