//! What a network costs to make from a topology in memory, and whether a frame's cost grows with the network around it. Each
//! bench first shows that what it makes works.
//!
//! `cargo bench --bench building`. Above 1 000 hosts "on a bridge" is a tree of bridges of at most 1 000 ports each, as the
//! kernel's have no more. Deliberately absent: peers, which `nettwin bench` runs.

#[path = "../sim/tests/lab/mod.rs"]
mod lab;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lab::{datagram, dev, ns, shout};
use nettwin::bench::shapes::received;
use nettwin_model::apply::apply;
use nettwin_model::topology::{Format, Topology};
use nettwin_model::{Backend, Mac, Plan, Snapshot};
use nettwin_sim::Sim;
use std::fmt::Write;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Hosts of one bridge; its other port leads up.
const PORTS: usize = 999;
/// Frames in one measured round.
const ROUND: u64 = 100;

fn mac(number: usize) -> Mac {
    let [.., b, c, d] = number.to_be_bytes();
    Mac([2, 0, 0, b, c, d])
}

/// Hosts h0 to hN with an address and a default route each, on as many bridges as it takes below one.
fn hosts(count: usize) -> String {
    let mut text = "[bridge.top]\n".to_owned();
    for s in 0..count.div_ceil(PORTS) {
        writeln!(text, "[bridge.s{s}]\n[[link]]\nends = [\"s{s}:up\", \"top:p{s}\"]").expect("a String takes all");
    }
    for h in 0..count {
        let (address, mac, s) = (Ipv4Addr::from(0x0a00_0001 + h as u32), mac(h), h / PORTS);
        let eth0 = format!("{{ mac = \"{mac}\", addresses = [\"{address}/8\"] }}");
        writeln!(text, "[netns.h{h}]\ninterfaces.eth0 = {eth0}\nroutes = [\"default via 10.255.255.254\"]")
            .expect("likewise");
        writeln!(text, "[[link]]\nends = [\"h{h}:eth0\", \"s{s}:p{h}\"]").expect("likewise");
    }
    text
}

/// Routers r0 to rN in a row, each of which sends what is for the others on to the next.
fn row(count: usize) -> String {
    let mut text = "allow = [\"missing-return-route\"]\n".to_owned();
    let net = |n: usize| format!("10.{}.{}", n >> 8, n & 255);
    for r in 0..count {
        writeln!(text, "[netns.r{r}]\nforwarding = true").expect("a String takes all");
        if r > 0 {
            let own = mac(r);
            writeln!(text, "interfaces.w = {{ addresses = [\"{}.2/24\"], mac = \"{own}\" }}", net(r))
                .expect("likewise");
        }
        if r + 1 < count {
            let next = net(r + 1);
            writeln!(text, "interfaces.e.addresses = [\"{next}.1/24\"]\nroutes = [\"10.0.0.0/8 via {next}.2\"]")
                .expect("likewise");
            writeln!(text, "[[link]]\nends = [\"r{r}:e\", \"r{}:w\"]", r + 1).expect("likewise");
        }
    }
    text
}

fn topology(text: &str) -> Topology {
    let checked = Topology::load(text, Format::Toml).unwrap_or_else(|complaints| panic!("{complaints:?}"));
    checked.topology().clone()
}

fn built(topology: &Topology) -> Sim {
    let checked = topology.check().unwrap_or_else(|complaints| panic!("{complaints:?}"));
    let plan = Plan::between(checked.desired(), &Snapshot::default());
    let mut sim = Sim::new(1);
    sim.execute(&plan.ops).expect("it is carried out");
    sim
}

fn pass(sim: &mut Sim, time: Duration) {
    let until = sim.now() + time;
    while sim.advance(until).is_some() {}
}

/// A topology checked, planned and executed; the same observed and verified.
fn building(c: &mut Criterion) {
    let mut group = c.benchmark_group("building");
    group.sample_size(10);
    for count in [1000, 10_000] {
        let topology = topology(&hosts(count));
        let mut sim = built(&topology);
        let last = format!("h{}", count - 1);
        let before = received(&mut sim, &last, "eth0").expect("it is there");
        assert!(sim.send(&ns("h0"), dev("eth0"), &shout(mac(0))));
        assert_eq!(received(&mut sim, &last, "eth0").expect("it is there"), before + 1, "the hosts are joined");
        drop(sim);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("hosts", count), |b| b.iter_with_large_drop(|| built(&topology)));
        let checked = topology.check().unwrap_or_else(|complaints| panic!("{complaints:?}"));
        group.bench_function(BenchmarkId::new("hosts, planned, made and verified", count), |b| {
            b.iter_with_large_drop(|| {
                let mut sim = Sim::new(1);
                apply(&mut sim, checked.desired(), &mut |_| {}).expect("it stands");
                sim
            });
        });
    }
    group.finish();
}

/// A frame to a neighbour's port, among ever more hosts.
fn stars(c: &mut Criterion) {
    let mut group = c.benchmark_group("among hosts");
    group.throughput(Throughput::Elements(ROUND));
    for count in [10, 100, 1000, 10_000] {
        let mut sim = built(&topology(&hosts(count)));
        assert!(sim.send(&ns("h1"), dev("eth0"), &shout(mac(1))));
        let mut frame = shout(mac(0));
        frame[..6].copy_from_slice(&mac(1).0);
        let port = sim.port(&ns("h0"), dev("eth0")).expect("it is there");
        let before = received(&mut sim, "h1", "eth0").expect("it is there");
        assert!(sim.send_by(port, &frame));
        assert_eq!(received(&mut sim, "h1", "eth0").expect("it is there"), before + 1, "it arrives");
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| (0..ROUND).filter(|_| sim.send_by(port, black_box(&frame))).count());
        });
    }
    group.finish();
}

/// A packet over the same number of routers, in ever longer rows.
fn rows(c: &mut Criterion) {
    const HOPS: usize = 8;
    let mut group = c.benchmark_group("within a row of routers");
    group.throughput(Throughput::Elements(ROUND * HOPS as u64));
    for count in [10, 100, 1000] {
        let mut sim = built(&topology(&row(count)));
        let to = Ipv4Addr::new(10, 0, HOPS as u8 + 1, 2);
        let end = format!("r{}", HOPS + 1);
        let frame = datagram((mac(0), mac(1)), (Ipv4Addr::new(10, 0, 1, 1), to), (9, 9), &[0; 18]);
        let port = sim.port(&ns("r0"), dev("e")).expect("it is there");
        // The first wait for the neighbours' answers.
        for _ in 0..2 {
            assert!(sim.send_by(port, &frame));
            pass(&mut sim, Duration::from_secs(1));
        }
        let before = received(&mut sim, &end, "w").expect("it is there");
        assert!(sim.send_by(port, &frame));
        assert_eq!(received(&mut sim, &end, "w").expect("it is there"), before + 1, "it arrives");
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| (0..ROUND).filter(|_| sim.send_by(port, black_box(&frame))).count());
        });
    }
    group.finish();
}

criterion_group!(benches, building, stars, rows);
criterion_main!(benches);
