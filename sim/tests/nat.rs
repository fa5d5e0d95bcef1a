//! Address translation and filtering through the whole simulator, and what must hold whatever happens.

mod lab;
mod translate;

use lab::{dev, ethernet, ipv4, lab, ns, pass};
use nettwin_model::probe::{Listen, Outcome, Ping, Probe, Proto, Stop, TcpFlow, UdpFlow};
use nettwin_model::rules::conntrack::Connection;
use nettwin_model::rules::{
    Base, ChainKind, Family, Hook, Key, Level4, Match, Nat, NatKind, Place, Policy, RejectWith, Rule, RuleChange, Stmt,
    Verdict, Which,
};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Answer, Backend, Mac, Op, Query};
use nettwin_sim::Sim;
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::time::Duration;

const TOPOLOGY: &str = r#"
name = "nat"
[netns.in]
interfaces.eth0 = { mac = "02:00:00:00:00:01", addresses = ["192.168.7.2/24"] }
routes = ["default via 192.168.7.1"]
[netns.r]
forwarding = true
interfaces.lan = { mac = "02:00:00:00:00:02", addresses = ["192.168.7.1/24"] }
interfaces.wan = { mac = "02:00:00:00:00:03", addresses = ["203.0.113.1/24"] }
[netns.out]
interfaces.eth0 = { mac = "02:00:00:00:00:04", addresses = ["203.0.113.9/24"] }
[[link]]
ends = ["in:eth0", "r:lan"]
[[link]]
ends = ["r:wan", "out:eth0"]
"#;

fn chain(kind: ChainKind, hook: Hook, priority: i32, policy: Policy) -> Vec<RuleChange> {
    let which = Which::of(Family::Ip, "t", hook.word());
    let base = Some(Base::new(kind, hook, priority, policy));
    vec![
        RuleChange::AddTable { which: Which::table(Family::Ip, "t"), fresh: false },
        RuleChange::AddChain { which, base, fresh: true },
    ]
}

fn rule(hook: Hook, stmts: Vec<Stmt>) -> RuleChange {
    let which = Which::of(Family::Ip, "t", hook.word());
    RuleChange::AddRule { which, place: Place::Last, rule: Rule::new(stmts) }
}

fn change(sim: &mut Sim, netns: &str, changes: Vec<RuleChange>) {
    sim.execute(&[Op::Ruleset { netns: ns(netns), changes }]).unwrap();
}

fn masquerade(sim: &mut Sim) {
    let mut changes = chain(ChainKind::Nat, Hook::Postrouting, 100, Policy::Accept);
    let counter = Stmt::Counter { packets: 0, bytes: 0 };
    let out = Stmt::Match(Match::name(Key::Oifname, false, "wan"));
    changes.push(rule(Hook::Postrouting, vec![out, counter, Stmt::Nat(Nat::new(NatKind::Masquerade))]));
    change(sim, "r", changes);
}

fn replies(sim: &mut Sim, from: &str, to: &str) -> u32 {
    let ping = Ping::new(ns(from), to.parse().unwrap(), 3);
    match sim.probe(Probe::Ping(ping)) {
        Ok(Outcome::Ping(summary)) => summary.received,
        other => panic!("{other:?}"),
    }
}

fn connections(sim: &mut Sim) -> Vec<Connection> {
    match sim.query(&Query::Conntrack(ns("r"))) {
        Ok(Answer::Conntrack(list)) => list,
        other => panic!("{other:?}"),
    }
}

/// How often the only rule with a counter was hit.
fn counted(sim: &mut Sim) -> (u64, u64) {
    let Ok(Answer::Ruleset(rules)) = sim.query(&Query::Ruleset(ns("r"))) else { panic!("rules") };
    let mut rules = rules.tables.iter().flat_map(|t| &t.chains).flat_map(|c| &c.rules);
    rules.find_map(Rule::counted).unwrap()
}

#[test]
fn without_masquerade_nothing_comes_back_and_with_it_all_does() {
    let mut sim = lab(TOPOLOGY);
    assert_eq!(replies(&mut sim, "in", "203.0.113.9"), 0);
    masquerade(&mut sim);
    assert_eq!(replies(&mut sim, "in", "203.0.113.9"), 3);
    // A ping is one connection: the rule saw its first packet.
    assert_eq!(counted(&mut sim), (1, 84));
    let list = connections(&mut sim);
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].reply.dst.to_string(), "203.0.113.1");
    assert!(list[0].seen_reply);
    // It is forgotten half a minute after its last packet.
    pass(&mut sim, Duration::from_secs(29));
    assert_eq!(connections(&mut sim).len(), 1);
    pass(&mut sim, Duration::from_secs(2));
    assert_eq!(connections(&mut sim), []);
}

#[test]
fn each_protocols_connections_are_forgotten_in_their_own_time() {
    let mut sim = lab(TOPOLOGY);
    masquerade(&mut sim);
    let to = "203.0.113.9".parse().unwrap();
    let from = || ns("in");
    let mut after = |server: Probe, probe: Probe, state: Option<&str>, seconds: u64| {
        let server = sim.start(server).unwrap();
        sim.probe(probe).unwrap();
        sim.stop(server, Stop::Interrupt);
        let list = connections(&mut sim);
        assert_eq!(list.len(), 1, "{list:?}");
        assert_eq!(list[0].tcp_state.as_deref(), state);
        pass(&mut sim, Duration::from_secs(seconds - 2));
        assert_eq!(connections(&mut sim).len(), 1, "{state:?}: too early");
        pass(&mut sim, Duration::from_secs(3));
        assert_eq!(connections(&mut sim), [], "{state:?}: too late");
    };
    let timeout = Duration::from_millis(100);
    let udp = UdpFlow { netns: from(), dst: to, port: 9, source: None, source_port: None, size: 8, timeout };
    // An error about it is none of its own packets, and an answer within two seconds makes it no stream.
    let silent = Listen { netns: ns("out"), proto: Proto::Udp, addr: None, port: 8 };
    after(Probe::Listen(silent), Probe::Udp(udp), None, 30);
    let tcp = |port| Probe::Tcp(TcpFlow { netns: from(), dst: to, port, source: None, bytes: 10, timeout });
    let server = Listen { netns: ns("out"), proto: Proto::Tcp, addr: None, port: 7 };
    after(Probe::Listen(server), tcp(7), Some("TIME_WAIT"), 120);
    // A reset is the end of it, if it is the first answer.
    sim.probe(tcp(9)).unwrap();
    assert_eq!(connections(&mut sim), []);
}

#[test]
fn datagrams_that_go_on_being_answered_are_a_stream() {
    let mut sim = lab(TOPOLOGY);
    masquerade(&mut sim);
    let server = Listen { netns: ns("out"), proto: Proto::Udp, addr: None, port: 9 };
    sim.start(Probe::Listen(server)).unwrap();
    let udp = UdpFlow {
        netns: ns("in"),
        dst: "203.0.113.9".parse().unwrap(),
        port: 9,
        source: None,
        source_port: Some(4000),
        size: 8,
        timeout: Duration::from_millis(100),
    };
    sim.probe(Probe::Udp(udp.clone())).unwrap();
    pass(&mut sim, Duration::from_secs(29));
    assert_eq!(connections(&mut sim).len(), 1);
    // Answered more than two seconds after it began: from here on it may be silent for two minutes.
    sim.probe(Probe::Udp(udp)).unwrap();
    pass(&mut sim, Duration::from_secs(118));
    assert_eq!(connections(&mut sim).len(), 1, "too early");
    pass(&mut sim, Duration::from_secs(3));
    assert_eq!(connections(&mut sim), [], "too late");
}

/// What is known of the only connection: its state and how long it may be silent.
fn known(sim: &mut Sim) -> (String, u32) {
    match connections(sim).as_slice() {
        [one] => (one.tcp_state.clone().unwrap_or_default(), one.timeout_s),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_state_of_a_connection_has_its_time() {
    let slow =
        TOPOLOGY.replace("\"]\n[[link]]", "\"]\nimpair = \"delay 100ms\"\n[[link]]") + "impair = \"delay 100ms\"\n";
    let mut sim = lab(&slow);
    masquerade(&mut sim);
    let open = |sim: &mut Sim, call: Call| match sim.socket(&call) {
        Ok(Reply::Opened(id) | Reply::Accepted(id, _)) => id,
        other => panic!("{call:?}: {other:?}"),
    };
    let listener = open(&mut sim, Call::Listen { netns: ns("out"), on: "0.0.0.0:80".parse().unwrap(), backlog: 9 });
    let connect = || Call::Connect {
        netns: ns("in"),
        proto: Proto::Tcp,
        from: "0.0.0.0:0".parse().unwrap(),
        to: "203.0.113.9:80".parse().unwrap(),
    };
    // Each is at its place 100 ms after it was sent.
    let step = |sim: &mut Sim, state: &str, seconds: u32| {
        pass(sim, Duration::from_millis(200));
        // What has passed of the last of the seconds is not shown.
        assert_eq!(known(sim), (state.to_owned(), seconds - 1), "{state}");
    };
    // Neighbours are known from here on.
    assert_eq!(replies(&mut sim, "in", "203.0.113.9"), 3);
    pass(&mut sim, Duration::from_secs(40));
    let client = open(&mut sim, connect());
    step(&mut sim, "SYN_SENT", 120);
    step(&mut sim, "SYN_RECV", 60);
    step(&mut sim, "ESTABLISHED", 432_000);
    let server = open(&mut sim, Call::Accept(listener));
    sim.socket(&Call::Shutdown(client)).unwrap();
    step(&mut sim, "FIN_WAIT", 120);
    step(&mut sim, "CLOSE_WAIT", 60);
    sim.socket(&Call::Close(server)).unwrap();
    step(&mut sim, "LAST_ACK", 30);
    step(&mut sim, "TIME_WAIT", 120);
    pass(&mut sim, Duration::from_secs(118));
    assert_eq!(connections(&mut sim).len(), 1);
    pass(&mut sim, Duration::from_secs(2));
    assert_eq!(connections(&mut sim), [], "TIME_WAIT is over");

    let client = open(&mut sim, connect());
    pass(&mut sim, Duration::from_secs(1));
    pass(&mut sim, Duration::from_secs(431_998));
    assert_eq!(connections(&mut sim).len(), 1, "silent for five days, nearly");
    pass(&mut sim, Duration::from_secs(2));
    assert_eq!(connections(&mut sim), [], "five days");
    // A segment in the middle begins a connection again (`tcp_loose`), which the answer establishes.
    sim.socket(&Call::Send(client, b"hello".to_vec())).unwrap();
    pass(&mut sim, Duration::from_secs(1));
    assert_eq!(known(&mut sim).0, "ESTABLISHED");
    sim.socket(&Call::Abort(client)).unwrap();
    step(&mut sim, "CLOSE", 10);
    pass(&mut sim, Duration::from_secs(10));
    assert_eq!(connections(&mut sim), [], "CLOSE is over");

    // ICMP, and protocols of which nothing is known.
    let ping = |netns| Probe::Ping(Ping::new(ns(netns), "203.0.113.9".parse().unwrap(), 1));
    sim.probe(ping("in")).unwrap();
    assert_eq!(known(&mut sim), (String::new(), 29));
    pass(&mut sim, Duration::from_secs(30));
    assert_eq!(connections(&mut sim), [], "a ping");
    let frame = ethernet((IN, LAN), &ipv4((inside(), outside()), (47, 64), 0, &[0; 8]));
    sim.receive(&ns("r"), dev("lan"), &frame);
    step(&mut sim, "", 600);
    pass(&mut sim, Duration::from_secs(600));
    assert_eq!(connections(&mut sim), [], "GRE");
}

#[test]
fn a_port_is_published() {
    let mut sim = lab(TOPOLOGY);
    let mut changes = chain(ChainKind::Nat, Hook::Prerouting, -100, Policy::Accept);
    let to = "192.168.7.2".parse().unwrap();
    let nat = Nat { addrs: Some((to, to)), ..Nat::new(NatKind::Dnat) };
    changes.push(rule(Hook::Prerouting, vec![Stmt::Match(Match::is(Key::L4proto, 1)), Stmt::Nat(nat)]));
    change(&mut sim, "r", changes);
    assert_eq!(replies(&mut sim, "out", "203.0.113.1"), 3);
    let list = connections(&mut sim);
    assert_eq!(list[0].reply.src, to);
}

#[test]
fn a_policy_drops_and_established_passes() {
    let mut sim = lab(TOPOLOGY);
    masquerade(&mut sim);
    let mut changes = chain(ChainKind::Filter, Hook::Forward, 0, Policy::Drop);
    changes.push(rule(
        Hook::Forward,
        vec![Stmt::Match(Match::bits(Key::CtState, false, 6)), Stmt::Verdict(Verdict::Accept)],
    ));
    change(&mut sim, "r", changes);
    assert_eq!(replies(&mut sim, "in", "203.0.113.9"), 0);
    let lan = Stmt::Match(Match::name(Key::Iifname, false, "lan"));
    change(&mut sim, "r", vec![rule(Hook::Forward, vec![lan, Stmt::Verdict(Verdict::Accept)])]);
    assert_eq!(replies(&mut sim, "in", "203.0.113.9"), 3);
}

#[test]
fn a_reject_is_told() {
    let mut sim = lab(TOPOLOGY);
    let mut changes = chain(ChainKind::Filter, Hook::Input, 0, Policy::Accept);
    changes.push(rule(Hook::Input, vec![Stmt::Reject(RejectWith::Icmp(13))]));
    change(&mut sim, "r", changes);
    let ping = Ping::new(ns("in"), "192.168.7.1".parse().unwrap(), 1);
    let Ok(Outcome::Ping(summary)) = sim.probe(Probe::Ping(ping)) else { panic!("a ping") };
    assert_eq!((summary.received, summary.errors), (0, 1));
}

const IN: Mac = Mac([2, 0, 0, 0, 0, 1]);
const LAN: Mac = Mac([2, 0, 0, 0, 0, 2]);
const WAN: Mac = Mac([2, 0, 0, 0, 0, 3]);
const OUT: Mac = Mac([2, 0, 0, 0, 0, 4]);

fn inside() -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 7, 2)
}

fn outside() -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Translate and reverse is the identity, whatever the rules and the traffic are; no two live connections share a tuple.
    #[test]
    fn translated_there_and_back_is_the_identity(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        translate::translate(&bytes);
    }

    /// Nothing that comes in by a wire gets a panic out of NAT, and nothing is kept for ever.
    #[test]
    fn whatever_comes_in_is_taken(
        packets in prop::collection::vec(
            (any::<bool>(), prop::sample::select(vec![1u8, 6, 17, 47]), any::<u8>(), 0u16..0x4000,
             prop::collection::vec(any::<u8>(), 0..80)), 1..40),
    ) {
        let mut sim = lab(TOPOLOGY);
        masquerade(&mut sim);
        let filter = chain(ChainKind::Filter, Hook::Forward, 0, Policy::Accept);
        change(&mut sim, "r", filter);
        let port = Stmt::Match(Match::is(Key::Dport(Level4::Tcp), 80));
        change(&mut sim, "r", vec![rule(Hook::Forward, vec![port, Stmt::Reject(RejectWith::TcpReset)])]);
        for (from_inside, proto, ttl, fragment, payload) in packets {
            let public = Ipv4Addr::new(203, 0, 113, 1);
            let (netif, macs, ips) = if from_inside {
                ("lan", (IN, LAN), (inside(), outside()))
            } else {
                ("wan", (OUT, WAN), (outside(), public))
            };
            let frame = ethernet(macs, &ipv4(ips, (proto, ttl), fragment, &payload));
            sim.receive(&ns("r"), dev(netif), &frame);
            pass(&mut sim, Duration::from_millis(10));
        }
        pass(&mut sim, Duration::from_secs(500_000));
        prop_assert_eq!(connections(&mut sim), vec![]);
    }
}

/// The ordeal's own means: it is not for want of packets that nothing goes wrong in it.
#[test]
fn an_ordeal_that_is_known() {
    // One rule: UDP out of `wan` is masqueraded to port 1000 or 1001.
    let rules = [0, 0, 1, 64 | 8, 2, 1];
    // From inside, of each host, from two ports to one of the outside, answered.
    let step = |host: u8, port: u8| [0, 1, host, 0, port, 0];
    let flows = [step(0, 3), step(0, 4), step(1, 3), step(0, 3)].concat();
    let came = translate::translate(&[&rules[..], &flows].concat());
    // Two ports, so two connections; a third finds none, and the first goes on.
    assert_eq!((came.answers, came.translated, came.errors), (3, 3, 0), "{came:?}");
    // An error of whom it was sent to, and one of the router about a packet that has come too far.
    let errors = [[64, 1, 0, 0, 3, 0], [192, 1, 0, 0, 3, 0]].concat();
    let came = translate::translate(&[&rules[..], &errors].concat());
    assert_eq!((came.answers, came.errors), (0, 2), "{came:?}");
}
