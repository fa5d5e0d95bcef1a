//! What is compared: `nettwin bench`'s sections with the bare loop beside them, the bare loop alone, and NAT.

use crate::bare::Bare;
use nettwin::bench::forwarding::FRAMES;
use nettwin::bench::peers::Peers;
use nettwin::bench::rounds::{Measured, Repeated, measure};
use nettwin::bench::shapes::{datagram, dev, mac, ns, received, routers};
use nettwin::bench::{SECTIONS, Work};
use nettwin_model::topology::{Format, Topology};
use nettwin_model::{Backend, Plan};
use nettwin_sim::Sim;
use std::net::Ipv4Addr;
use std::time::Duration;

const ROUNDS: usize = 9;

/// Runs the sections whose names begin with one of the words, or all.
pub(crate) fn run(wanted: &[String]) {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.starts_with(w.as_str()));
    if is_wanted("bare") {
        bare();
    }
    for (name, make) in SECTIONS.into_iter().filter(|(name, _)| !name.starts_with("setup") && is_wanted(name)) {
        let mut section = make(&Peers::none());
        for (who, why) in &section.skipped {
            println!("skipped: {who}: {why}");
        }
        if let Some((kind @ ("bridge" | "flood"), ports)) = name.split_once('-') {
            let ports: u32 = ports.parse().expect("a number of ports");
            section.works.push(Box::new(bare_loop("bare loop", ports, ports, kind == "flood")));
        }
        done(&section.title, &mut section.works);
    }
    if is_wanted("masquerade") {
        masquerade();
    }
}

fn done(title: &str, works: &mut [Box<dyn Work + '_>]) -> Measured {
    let measured = measure(works, ROUNDS, || ()).unwrap_or_else(|e| panic!("{title}: {e}"));
    println!("{title}");
    for (i, name) in measured.names.iter().enumerate() {
        let [low, mid, high] = measured.spread(i);
        print!("  {name:<44} {mid:>9.1} ns [{low:.1} .. {high:.1}]");
        if i > 0 {
            let [low, mid, high] = measured.ratio(0, i);
            print!("   {mid:>6.2}x [{low:.2} .. {high:.2}]");
        }
        println!();
    }
    println!();
    measured
}

fn bare_loop(name: impl Into<String>, ports: u32, macs: u32, flood: bool) -> Repeated<impl FnMut()> {
    let mut bare = Bare::new(ports, macs);
    let copies = if flood { f64::from(ports - 1) } else { 1.0 };
    Repeated::new(name, FRAMES as f64 * copies, move || bare.carry(FRAMES, 60, flood))
}

/// The yardstick alone, with more addresses than a table has room for in a cache.
fn bare() {
    for (flood, macs) in [(false, 64), (false, 1024), (false, 65536), (true, 64)] {
        let work = |ports| bare_loop(format!("{ports} ports, {macs} MACs"), ports, macs, flood);
        let mut works: Vec<Box<dyn Work>> = vec![Box::new(work(2)), Box::new(work(8)), Box::new(work(64))];
        done(if flood { "bare loop, flood, a copy" } else { "bare loop, unicast, a frame" }, &mut works);
    }
}

/// A machine on which this topology is up.
fn up(text: &str) -> Sim {
    let checked = Topology::load(text, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}"));
    let mut sim = Sim::new(checked.seed());
    let there = sim.observe(&checked.desired().extent()).expect("nothing is there");
    sim.execute(&Plan::between(checked.desired(), &there).ops).expect("it comes up");
    sim
}

/// The work of sending these frames from `a`, one after another.
fn sends<'a>(name: &str, sim: &'a mut Sim, frames: Vec<Vec<u8>>) -> Box<dyn Work + 'a> {
    let port = sim.port(&ns("a"), dev("e")).expect("it is there");
    Box::new(Repeated::new(name, FRAMES as f64, move || {
        for n in 0..FRAMES {
            assert!(sim.send_by(port, &frames[n % frames.len()]));
        }
    }))
}

/// What masquerade adds to a hop of a live flow among 100 000.
fn masquerade() {
    let text = routers(1);
    let nat = text.replace("[netns.r0]\n", "[netns.r0]\nnat = [\"masquerade out e\"]\n");
    let (mut plain, mut nat) = (up(&text), up(&nat));
    let flow = |n: u32| {
        let from = Ipv4Addr::from(0x0a00_0101 + 2 * (n % 2));
        let ports = (1024 + (n / 2) as u16, 9);
        datagram((mac(1), mac(2)), (from, Ipv4Addr::new(10, 99, 0, (n % 200) as u8)), ports)
    };
    let many: Vec<Vec<u8>> = (0..100_000).map(flow).collect();
    for sim in [&mut plain, &mut nat] {
        for _ in 0..2 {
            sim.send(&ns("a"), dev("e"), &flow(0));
            let soon = sim.now() + Duration::from_secs(1);
            while sim.advance(soon).is_some() {}
        }
        for frame in &many {
            sim.send(&ns("a"), dev("e"), frame);
        }
    }
    let arrived = |sim: &mut Sim| received(sim, "z", "w").expect("it is there");
    let before = arrived(&mut nat);
    assert!(before > 99_000, "connections are made: {before}");
    let one = vec![many[50_000].clone()];
    let some: Vec<_> = many.iter().step_by(97).cloned().collect();
    for (title, frames) in [("masquerade on a live flow among 100 000", one), ("the same, 1031 flows in turn", some)] {
        let mut works = [sends("no NAT", &mut plain, frames.clone()), sends("masqueraded", &mut nat, frames)];
        let measured = done(title, &mut works);
        let medians = [0, 1].map(|i| measured.spread(i)[1]);
        println!("  on top of the hop: {:.1} ns\n", medians[1] - medians[0]);
    }
    assert!(arrived(&mut nat) - before >= FRAMES as u64, "they arrived");
}
