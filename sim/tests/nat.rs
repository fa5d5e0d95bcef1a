//! Address translation and filtering through the whole simulator, and what must hold whatever happens.

mod lab;

use lab::{datagram, dev, ethernet, ipv4, lab, ns, pass};
use nettwin_model::probe::{Capture, Direction, Outcome, Ping, Probe, ProbeEvent, Stop};
use nettwin_model::rules::conntrack::Connection;
use nettwin_model::rules::{
    Base, ChainKind, Family, Hook, Key, Level4, Match, Nat, NatKind, Place, Policy, RejectWith, Rule, RuleChange, Stmt,
    Verdict, Which,
};
use nettwin_model::{Answer, Backend, Mac, Op, Query};
use nettwin_sim::Sim;
use proptest::prelude::*;
use std::collections::BTreeSet;
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

/// What arrives at a namespace's eth0 while something is injected.
fn seen(sim: &mut Sim, netns: &str, inject: impl FnOnce(&mut Sim)) -> Vec<Vec<u8>> {
    let capture = Capture { netns: ns(netns), dev: dev("eth0"), snap_len: 65535, promiscuous: false };
    let id = sim.start(Probe::Capture(capture)).unwrap();
    inject(sim);
    let mut frames = Vec::new();
    let until = sim.now() + Duration::from_secs(1);
    sim.stop(id, Stop::Interrupt);
    while let Some((_, of, event)) = sim.advance(until) {
        if let ProbeEvent::Frame { direction: Direction::In, bytes, .. } = event
            && of == id
            && bytes[12..14] == [8, 0]
        {
            frames.push(bytes);
        }
    }
    frames
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

/// Both ends know their neighbours.
fn warm(sim: &mut Sim) {
    assert_eq!(replies(sim, "in", "203.0.113.9"), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What went out and is answered comes back as an answer to what was sent, and no two connections share a direction.
    #[test]
    fn translated_there_and_back_is_the_identity(
        flows in prop::collection::vec((any::<u8>(), 1u16..3, 1000u16..1004, 5000u16..5003), 1..24),
    ) {
        let mut sim = lab(TOPOLOGY);
        masquerade(&mut sim);
        warm(&mut sim);
        for (fill, host, sport, dport) in flows {
            // Several hosts behind one MAC: their ports collide on the outside.
            let src = Ipv4Addr::new(192, 168, 7, 1 + host as u8);
            let payload = [fill; 5];
            let out = seen(&mut sim, "out", |sim| {
                sim.receive(&ns("r"), dev("lan"), &datagram((IN, LAN), (src, outside()), (sport, dport), &payload));
            });
            prop_assert_eq!(out.len(), 1);
            let frame = &out[0];
            prop_assert_eq!(&frame[26..30], &[203, 0, 113, 1]);
            prop_assert_eq!(&frame[42..], &payload);
            let port = u16::from_be_bytes([frame[34], frame[35]]);
            // The answer is to whoever sent.
            let capture = seen(&mut sim, "in", |sim| {
                let answer = datagram((OUT, WAN), (outside(), Ipv4Addr::new(203, 0, 113, 1)), (dport, port), b"back!");
                sim.receive(&ns("r"), dev("wan"), &answer);
            });
            if src == inside() {
                prop_assert_eq!(capture.len(), 1);
                prop_assert_eq!(&capture[0][30..34], &src.octets());
                prop_assert_eq!(u16::from_be_bytes([capture[0][36], capture[0][37]]), sport);
                prop_assert_eq!(u16::from_be_bytes([capture[0][34], capture[0][35]]), dport);
            }
        }
        let list = connections(&mut sim);
        let replies: BTreeSet<_> = list.iter().map(|c| c.reply).collect();
        prop_assert_eq!(replies.len(), list.len());
        let originals: BTreeSet<_> = list.iter().map(|c| c.original).collect();
        prop_assert_eq!(originals.len(), list.len());
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
