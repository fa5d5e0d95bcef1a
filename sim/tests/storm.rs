//! Storms: loops without spanning tree end and are named; what is no loop is never taken for one, however heavy.

mod lab;

use lab::{datagram, dev, lab, ns, pass, shout};
use nettwin_model::probe::{Listen, Probe, Proto, TcpFlow};
use nettwin_model::{Backend, Instant, Mac};
use nettwin_sim::{DropReason, Sim};
use std::fmt::Write;
use std::time::Duration;

const STRANGER: Mac = Mac([2, 0, 0, 0, 0x77, 0x77]);

/// Bridges `s0`… joined as `joined` says, with so many hosts at each; `words` are the impairment of what joins them.
fn bridges(count: usize, hosts: usize, joined: &[(usize, usize)], words: &str) -> String {
    let mut text = "allow = [\"l2-loop\"]\n".to_owned();
    for s in 0..count {
        writeln!(text, "[bridge.s{s}]").unwrap();
        for h in 0..hosts {
            let n = s * hosts + h;
            let address = format!("10.0.{}.{}/16", n / 250, n % 250 + 1);
            writeln!(text, "[netns.h{s}-{h}]\ninterfaces.eth0.addresses = [\"{address}\"]").unwrap();
            writeln!(text, "[[link]]\nends = [\"s{s}:h{h}\", \"h{s}-{h}:eth0\"]").unwrap();
        }
    }
    for (i, (a, b)) in joined.iter().enumerate() {
        writeln!(text, "[[link]]\nends = [\"s{a}:x{i}\", \"s{b}:y{i}\"]").unwrap();
        if !words.is_empty() {
            writeln!(text, "impair = \"{words}\"").unwrap();
        }
    }
    text
}

/// One broadcast from the first host; when all is over, how many frames were dropped as a storm's.
fn one_broadcast(sim: &mut Sim) -> u64 {
    assert!(sim.send(&ns("h0-0"), dev("eth0"), &shout(STRANGER)));
    pass(sim, Duration::from_secs(60));
    assert_eq!(sim.frames_live(), 0, "nothing goes on");
    sim.drops().iter().find(|(reason, _)| *reason == DropReason::Storm).map_or(0, |(_, n)| *n)
}

fn received(sim: &mut Sim, netns: &str, name: &str) -> u64 {
    let state = sim.observe(&Default::default()).unwrap();
    state.netns[&ns(netns)].volatile.stats[&dev(name)].rx_packets
}

#[track_caller]
fn is_storm(toml: &str, expected: &str) {
    let mut sim = lab(toml);
    assert!(one_broadcast(&mut sim) > 0);
    let said: Vec<String> = sim.storms().iter().map(|s| s.to_string()).collect();
    assert_eq!(said, [expected]);
    let copies = received(&mut sim, "h0-0", "eth0");
    assert!((1..200).contains(&copies), "a loop brings copies, and not too many: {copies}");
}

#[test]
fn two_parallel_links() {
    let said = "a loop without spanning tree: s0/s0 (in by x0, out by x1) -> s1/s1 (in by y1, out by y0) -> s0/s0; \
                switch STP on, or take a link away";
    is_storm(&bridges(2, 2, &[(0, 1), (0, 1)], ""), said);
    is_storm(&bridges(2, 2, &[(0, 1), (0, 1)], "delay 1ms"), said);
}

#[test]
fn a_triangle() {
    let wires = [(0, 1), (1, 2), (2, 0)];
    for words in ["", "delay 50us", "delay 10ms 3ms loss 1% duplicate 5% corrupt 2%"] {
        let mut sim = lab(&bridges(3, 1, &wires, words));
        assert!(one_broadcast(&mut sim) > 0, "{words}");
        let [storm] = sim.storms() else { panic!("{:?}", sim.storms()) };
        assert_eq!(storm.cycle.len(), 3, "{storm}");
    }
}

#[test]
fn a_bridge_wired_to_itself_and_two_hairpins() {
    is_storm(
        &bridges(1, 2, &[(0, 0)], ""),
        "a loop without spanning tree: s0/s0 (in by x0, out by y0) -> s0/s0; switch STP on, or take a link away",
    );
    let mut text = bridges(2, 1, &[(0, 1)], "");
    text += "[bridge.s0.ports.x0]\nhairpin = true\n[bridge.s1.ports.y0]\nhairpin = true\n";
    is_storm(
        &text,
        "a loop without spanning tree: s0/s0 (in by x0, out by x0) -> s1/s1 (in by y0, out by y0) -> s0/s0; \
         switch STP on, or take a link away",
    );
}

#[test]
fn many_loops_at_once_cost_no_more() {
    let mesh: Vec<(usize, usize)> = (0..12).flat_map(|a| (0..a).map(move |b| (b, a))).collect();
    for words in ["", "delay 1ms"] {
        let mut sim = lab(&bridges(12, 1, &mesh, words));
        one_broadcast(&mut sim);
        let copies = received(&mut sim, "h3-0", "eth0");
        assert!(copies < 100, "{copies}");
    }
}

/// However many broadcasts enter however many loops: each costs so many copies at most, it is over
/// before time goes on, and none is left in memory.
#[test]
fn the_damage_of_each_broadcast_is_bounded() {
    let mesh: Vec<(usize, usize)> = (0..8).flat_map(|a| (0..a).map(move |b| (b, a))).collect();
    let mut sim = lab(&bridges(8, 1, &mesh, ""));
    let mut before = received(&mut sim, "h3-0", "eth0");
    for round in 0..50 {
        assert!(sim.send(&ns("h0-0"), dev("eth0"), &shout(STRANGER)));
        pass(&mut sim, Duration::from_millis(1));
        assert_eq!(sim.frames_live(), 0, "round {round}: memory");
        let copies = received(&mut sim, "h3-0", "eth0") - before;
        assert!(copies < 100, "round {round}: {copies} copies");
        before += copies;
    }
    let loops = sim.storms().len();
    assert!((1..=64).contains(&loops), "one report for each loop: {loops}");
}

/// A full mesh of eight bridges brings forth copies sevenfold at each step; behind it is a chain of eight more.
#[test]
fn a_storm_keeps_nobody_from_the_first_copy() {
    let mut wires: Vec<(usize, usize)> = (0..8).flat_map(|a| (0..a).map(move |b| (b, a))).collect();
    wires.extend((8..16).map(|s| (s - 1, s)));
    for words in ["", "delay 1ms"] {
        let mut sim = lab(&bridges(16, 1, &wires, words));
        assert!(one_broadcast(&mut sim) > 0);
        for s in 0..16 {
            let copies = received(&mut sim, &format!("h{s}-0"), "eth0");
            assert!(s == 0 || (1..100).contains(&copies), "{words} h{s}: {copies}");
        }
    }
}

#[test]
fn pings_in_a_storm_end() {
    let mut sim = lab(&bridges(3, 2, &[(0, 1), (1, 2), (2, 0)], ""));
    let ping = nettwin_model::probe::Ping::new(ns("h0-0"), "10.0.0.6".parse().unwrap(), 3);
    sim.start(Probe::Ping(ping)).unwrap();
    sim.start(Probe::Listen(Listen { netns: ns("h2-1"), proto: Proto::Tcp, addr: None, port: 7 })).unwrap();
    let dst = "10.0.0.6".parse().unwrap();
    let (timeout, bytes) = (Duration::from_secs(5), 20_000);
    sim.start(Probe::Tcp(TcpFlow { netns: ns("h1-0"), dst, port: 7, source: None, bytes, timeout })).unwrap();
    pass(&mut sim, Duration::from_secs(60));
    assert_eq!(sim.storms().len(), 1);
    assert_eq!(sim.frames_live(), 0);
}

#[test]
fn spanning_tree_leaves_no_storm() {
    let mut text = bridges(3, 1, &[(0, 1), (1, 2), (2, 0)], "");
    for s in 0..3 {
        text =
            text.replace(&format!("[bridge.s{s}]\n"), &format!("[bridge.s{s}]\nstp = true\nforward_delay = \"2s\"\n"));
    }
    let mut sim = lab(&text);
    pass(&mut sim, Duration::from_secs(30));
    let before = received(&mut sim, "h2-0", "eth0");
    sim.send(&ns("h0-0"), dev("eth0"), &shout(STRANGER));
    assert_eq!(received(&mut sim, "h2-0", "eth0"), before + 1);
    assert!(sim.storms().is_empty());
}

#[test]
fn heavy_floods_are_no_storm() {
    // A chain of 60 bridges, and a bridge of 64 ports at its end.
    let chain: Vec<(usize, usize)> = (1..60).map(|s| (s - 1, s)).collect();
    let mut text = bridges(60, 1, &chain, "");
    for n in 0..64 {
        let ends = format!("ends = [\"s59:z{n}\", \"z{n}:eth0\"]");
        writeln!(text, "[netns.z{n}]\ninterfaces.eth0.addresses = [\"10.0.9.{}/16\"]\n[[link]]\n{ends}", n + 1)
            .unwrap();
    }
    let mut sim = lab(&text);
    for _ in 0..3 {
        assert_eq!(one_broadcast(&mut sim), 0);
    }
    assert!(sim.storms().is_empty());
    assert_eq!(received(&mut sim, "z63", "eth0"), 3);
    assert_eq!(received(&mut sim, "h30-0", "eth0"), 3);
}

#[test]
fn duplicates_are_no_storm() {
    let chain: Vec<(usize, usize)> = (1..9).map(|s| (s - 1, s)).collect();
    let mut sim = lab(&bridges(9, 1, &chain, "duplicate 100%"));
    assert_eq!(one_broadcast(&mut sim), 0);
    assert!(sim.storms().is_empty());
    assert_eq!(received(&mut sim, "h8-0", "eth0"), 256);
}

#[test]
fn programs_that_answer_each_other_for_ever() {
    let mut sim = lab(&bridges(1, 2, &[], ""));
    let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    for netns in ["h0-0", "h0-1"] {
        sim.start(Probe::Listen(Listen { netns: ns(netns), proto: Proto::Udp, addr: None, port: 7 })).unwrap();
    }
    let state = sim.observe(&Default::default()).unwrap();
    let mac = |netns: &str| state.netns[&ns(netns)].config.links[&dev("eth0")].mac;
    let frame = datagram((STRANGER, mac("h0-1").unwrap()), (a, b), (7, 7), b"hello");
    assert!(sim.receive(&ns("h0-1"), dev("eth0"), &frame));
    let said: Vec<String> = sim.storms().iter().map(|s| s.to_string()).collect();
    assert_eq!(
        said,
        ["an instant without end: programs answer each other for ever; let a link between them have delay"]
    );
    pass(&mut sim, Duration::from_secs(60));
    assert_eq!(sim.now(), Instant::ZERO + Duration::from_secs(60));
    assert_eq!(sim.frames_live(), 0);
}
