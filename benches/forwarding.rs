//! How long a frame takes through the simulator: bridges, floods, routers, routing tables. Each bench first shows that what
//! it times really happens: the frames arrive where they should, all of them and nowhere else.

#[path = "../sim/tests/lab/mod.rs"]
mod lab;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lab::{datagram, dev, lab, ns, shout};
use nettwin::bench::shapes::{self, mac, routers};
use nettwin_model::op::RouteVerb;
use nettwin_model::{Backend, Mac, Op, words};
use nettwin_sim::Sim;
use std::fmt::Write;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

fn received(sim: &mut Sim, netns: &str, name: &str) -> u64 {
    shapes::received(sim, netns, name).expect("it is there")
}

/// Frames in one measured round.
const ROUND: u64 = 1000;

/// A frame between two hosts that no protocol takes.
fn unicast(from: Mac, to: Mac) -> Vec<u8> {
    let mut frame = shout(from);
    frame[..6].copy_from_slice(&to.0);
    frame
}

/// `count` bridges in a row, `hosts` hosts at the first and one, `z`, at the last.
fn bridges(count: usize, hosts: usize) -> String {
    let mut text = String::new();
    for s in 0..count {
        writeln!(text, "[bridge.s{s}]").expect("a String takes all");
    }
    for s in 1..count {
        writeln!(text, "[[link]]\nends = [\"s{}:n\", \"s{s}:p\"]", s - 1).expect("a String takes all");
    }
    let last = count - 1;
    for (host, bridge) in (0..hosts).map(|h| (format!("h{h}"), 0)).chain([("z".to_owned(), last)]) {
        let number = if host == "z" { 999 } else { host[1..].parse().expect("a number") };
        writeln!(text, "[netns.{host}]\ninterfaces.eth0.mac = \"{}\"", mac(number)).expect("a String takes all");
        writeln!(text, "[[link]]\nends = [\"s{bridge}:{host}\", \"{host}:eth0\"]").expect("a String takes all");
    }
    text
}

/// From h0 to z, whose place is known.
fn known_unicast(c: &mut Criterion) {
    let mut group = c.benchmark_group("bridge");
    group.throughput(Throughput::Elements(ROUND));
    for (name, count, hosts) in
        [("ports", 1, 1), ("ports", 1, 7), ("ports", 1, 63), ("bridges", 4, 1), ("bridges", 8, 1)]
    {
        let mut sim = lab(&bridges(count, hosts));
        let (h0, z, eth0) = (ns("h0"), ns("z"), dev("eth0"));
        assert!(sim.send(&z, eth0, &shout(mac(999))));
        let frame = unicast(mac(0), mac(999));
        let mut round = || {
            for _ in 0..ROUND {
                sim.send(&h0, eth0, black_box(&frame));
            }
        };
        round();
        let size = if name == "ports" { hosts + 1 } else { count };
        group.bench_function(BenchmarkId::new(name, size), |b| b.iter(&mut round));
        let sent =
            sim.observe(&Default::default()).expect("it can be observed").netns[&h0].volatile.stats[&eth0].tx_packets;
        assert_eq!(received(&mut sim, "z", "eth0"), sent, "all of them arrived");
        if hosts > 1 {
            assert_eq!(received(&mut sim, "h1", "eth0"), 1, "and nobody else heard more than the first");
        }
    }
    group.finish();
}

/// A broadcast from h0 to all the others; counted in copies.
fn flood(c: &mut Criterion) {
    let mut group = c.benchmark_group("flood");
    for hosts in [7, 63] {
        let mut sim = lab(&bridges(1, hosts));
        let (h0, eth0, frame) = (ns("h0"), dev("eth0"), shout(mac(0)));
        let rounds = 100;
        let mut round = || {
            for _ in 0..rounds {
                sim.send(&h0, eth0, black_box(&frame));
            }
        };
        round();
        group.throughput(Throughput::Elements(rounds * hosts as u64));
        group.bench_function(BenchmarkId::new("ports", hosts + 1), |b| b.iter(&mut round));
        let sent =
            sim.observe(&Default::default()).expect("it can be observed").netns[&h0].volatile.stats[&eth0].tx_packets;
        for other in ["z".to_owned(), format!("h{}", hosts - 1)] {
            assert_eq!(received(&mut sim, &other, "eth0"), sent, "each got each");
        }
        assert_eq!(received(&mut sim, "h0", "eth0"), 0, "none came back");
    }
    group.finish();
}

/// A datagram from `a` to 10.99.0.1, as the first router gets it.
fn routed(destination: Ipv4Addr) -> Vec<u8> {
    datagram((mac(1), mac(2)), (Ipv4Addr::new(10, 0, 1, 1), destination), (9, 9), &[0; 18])
}

fn routing(c: &mut Criterion) {
    let mut group = c.benchmark_group("route");
    group.throughput(Throughput::Elements(ROUND));
    for count in [1, 2, 4, 8] {
        let mut sim = lab(&routers(count));
        let (a, e, frame) = (ns("a"), dev("e"), routed(Ipv4Addr::new(10, 99, 0, 1)));
        let round = |sim: &mut Sim| {
            for _ in 0..ROUND {
                sim.send(&a, e, black_box(&frame));
            }
        };
        // The first datagrams wait for the neighbours' answers.
        round(&mut sim);
        lab::pass(&mut sim, Duration::from_secs(1));
        let before = received(&mut sim, "z", "w");
        let mut sent = 0;
        group.bench_function(BenchmarkId::new("hops", count), |b| {
            b.iter(|| {
                round(&mut sim);
                sent += ROUND;
            });
        });
        assert_eq!(received(&mut sim, "z", "w") - before, sent, "all of them arrived");
    }
    group.finish();
}

/// One router whose table is large; every datagram goes elsewhere.
fn tables(c: &mut Criterion) {
    let mut group = c.benchmark_group("table");
    group.throughput(Throughput::Elements(ROUND));
    for size in [10u32, 1000, 100_000] {
        let mut sim = lab(&routers(1));
        let prefix = |n: u32| Ipv4Addr::from(0x1400_0000 + n * 7919 % 0x2_0000 * 0x100);
        let to = |n: u32| format!("{}/24 via 10.0.2.2", prefix(n));
        let ops: Vec<Op> = (0..size)
            .map(|n| Op::AddRoute {
                netns: ns("r0"),
                verb: RouteVerb::Replace,
                route: words::route::parse(&to(n)).expect("a route"),
            })
            .collect();
        sim.execute(&ops).expect("routes are taken");
        let frames: Vec<Vec<u8>> = (0..ROUND as u32)
            .map(|n| routed(Ipv4Addr::from(u32::from(prefix(n.wrapping_mul(7919) % size)) + 1)))
            .collect();
        let (a, e) = (ns("a"), dev("e"));
        let round = |sim: &mut Sim| {
            for frame in &frames {
                sim.send(&a, e, black_box(frame));
            }
        };
        round(&mut sim);
        lab::pass(&mut sim, Duration::from_secs(1));
        let before = received(&mut sim, "z", "w");
        let mut sent = 0;
        group.bench_function(BenchmarkId::new("routes", size), |b| {
            b.iter(|| {
                round(&mut sim);
                sent += ROUND;
            });
        });
        assert_eq!(received(&mut sim, "z", "w") - before, sent, "all of them arrived");
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = known_unicast, flood, routing, tables
}
criterion_main!(benches);
