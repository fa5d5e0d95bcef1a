//! What is compared: bridges, floods, routed hops and NAT on the simulator, the kernel and the bare loop.

use crate::bare::Bare;
use crate::lab::{self, datagram, dev, ns, pass, shout};
use crate::rounds::{Measured, Work, measure};
use crate::shapes::{mac, received, routers};
use nettwin::kernel::pump::Pump;
use nettwin::kernel::{KernelBackend, Options};
use nettwin_model::topology::{Format, Topology};
use nettwin_model::{Backend, Plan};
use nettwin_sim::Sim;
use std::cell::RefCell;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Frames of one round on the simulator.
const FRAMES: usize = 4096;
/// The same on the kernel, whose backlog is bounded: no more than it takes at once.
const KERNEL_FRAMES: usize = 2048;

/// Runs the sections whose names hold one of the words, or all.
pub(crate) fn run(wanted: &[String]) {
    let sections: [(&str, fn()); 6] = [
        ("bare", bare),
        ("bridge", bridge),
        ("delay", delay),
        ("flood", flood),
        ("hop", hop),
        ("masquerade", masquerade),
    ];
    for (name, section) in sections {
        if wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str())) {
            section();
        }
    }
}

/// The bare loop as section 5 of the first measurements had it.
fn bare() {
    for (flood, macs) in [(false, 64), (false, 1024), (false, 65536), (true, 64)] {
        let works = [2, 8, 64].map(|ports| {
            let mut bare = Bare::new(ports, macs);
            let copies = if flood { f64::from(ports - 1) } else { 1.0 };
            Work::new(format!("{ports} ports, {macs} MACs"), FRAMES as f64 * copies, move || {
                bare.carry(FRAMES, 60, flood);
            })
        });
        measure(works.into()).print(if flood { "bare loop, flood, a copy" } else { "bare loop, unicast, a frame" });
    }
}

/// Hosts h0 to hN on one bridge.
fn star(ports: usize, delay: Option<&str>) -> String {
    let mut text = "[bridge.s]\n".to_owned();
    for h in 0..ports {
        writeln!(text, "[netns.h{h}]\ninterfaces.e.mac = \"{}\"", mac(h as u16)).expect("a String takes all");
        writeln!(text, "[[link]]\nends = [\"s:p{h}\", \"h{h}:e\"]").expect("likewise");
        for end in delay.map(|_| [format!("s:p{h}"), format!("h{h}:e")]).into_iter().flatten() {
            writeln!(text, "impair.\"{end}\" = \"delay {}\"", delay.expect("there is one")).expect("likewise");
        }
    }
    text
}

/// A frame between two hosts that no protocol takes.
fn unicast(from: u16, to: u16) -> Vec<u8> {
    let mut frame = shout(mac(from));
    frame[..6].copy_from_slice(&mac(to).0);
    frame
}

/// A topology on the kernel.
fn kernel(text: &str) -> KernelBackend {
    let checked = Topology::load(text, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}"));
    let mut kernel = KernelBackend::new(Options::default()).expect("namespaces can be made here");
    let there = kernel.observe(&checked.desired().extent()).expect("nothing is there");
    kernel.execute(&Plan::between(checked.desired(), &there).ops).expect("the kernel takes it");
    kernel.settle().expect("it comes to rest");
    kernel
}

fn pump(kernel: &KernelBackend, netns: &str, name: &str) -> Pump {
    let netns = kernel.netns(&ns(netns)).expect("it is there");
    kernel.worker().run_in(netns, || Pump::open(dev(name))).expect("it can be entered").expect("a packet socket")
}

/// The work of sending these frames from a host's interface, one after another, in the simulator.
fn sends<'a>(sim: &'a mut Sim, from: (&str, &str), frames: Vec<Vec<u8>>) -> impl FnMut() + 'a {
    let port = sim.port(&ns(from.0), dev(from.1)).expect("it is there");
    move || {
        for n in 0..FRAMES {
            assert!(sim.send_by(port, &frames[n % frames.len()]));
        }
    }
}

fn bridge() {
    for ports in [2, 8, 64] {
        let last = ports as u16 - 1;
        let mut sim = lab::lab(&star(ports, None));
        let mut real = kernel(&star(ports, None));
        let (at, of) = (ns(&format!("h{last}")), dev("e"));
        assert!(sim.send(&at, of, &shout(mac(last))));
        pump(&real, &format!("h{last}"), "e").send(&[shout(mac(last))], 1).expect("it is sent");
        let frames = vec![unicast(0, last)];
        let from = pump(&real, "h0", "e");
        let mut bare = Bare::new(ports as u32, ports as u32);
        let sent = RefCell::new(0);
        let before = [received(&mut sim, &at, "e"), received(&mut real, &at, "e")];
        let works = vec![
            Work::new("simulator", FRAMES as f64, sends(&mut sim, ("h0", "e"), frames.clone())),
            Work::new("kernel, AF_PACKET", KERNEL_FRAMES as f64, || {
                from.send(&frames, KERNEL_FRAMES).expect("they are sent");
                *sent.borrow_mut() += KERNEL_FRAMES as u64;
            }),
            Work::new("bare loop", FRAMES as f64, || bare.carry(FRAMES, 60, false)),
        ];
        let measured = measure(works);
        measured.print(&format!("bridge of {ports} ports, known unicast, 60 bytes"));
        assert!(received(&mut sim, &at, "e") - before[0] >= FRAMES as u64, "they arrived");
        assert!(received(&mut real, &at, "e") - before[1] >= *sent.borrow() * 9 / 10, "they arrived in the kernel");
    }
}

fn delay() {
    let mut sim = lab::lab(&star(8, Some("10us")));
    let mut real = kernel(&star(8, None));
    let (at, of) = (ns("h7"), dev("e"));
    assert!(sim.send(&at, of, &shout(mac(7))));
    pass(&mut sim, Duration::from_millis(1));
    pump(&real, "h7", "e").send(&[shout(mac(7))], 1).expect("it is sent");
    let frames = vec![unicast(0, 7)];
    let from = pump(&real, "h0", "e");
    let port = sim.port(&ns("h0"), of).expect("it is there");
    let before = received(&mut sim, &at, "e");
    let works = vec![
        Work::new("simulator, 10 us a link, a frame each us", FRAMES as f64, || {
            for _ in 0..FRAMES {
                assert!(sim.send_by(port, &frames[0]));
                pass(&mut sim, Duration::from_micros(1));
            }
        }),
        Work::new("kernel, AF_PACKET, no delay", KERNEL_FRAMES as f64, || {
            from.send(&frames, KERNEL_FRAMES).expect("they are sent");
        }),
    ];
    let measured = measure(works);
    measured.print("bridge of 8 ports with link delay, known unicast");
    assert!(received(&mut sim, &at, "e") - before >= FRAMES as u64, "they arrived");
    assert!(received(&mut real, &at, "e") > 0, "they arrived in the kernel");
}

fn flood() {
    for ports in [8, 64] {
        let copies = (ports - 1) as f64;
        let mut sim = lab::lab(&star(ports, None));
        let mut real = kernel(&star(ports, None));
        let at = ns("h1");
        let frames = vec![shout(mac(0))];
        let from = pump(&real, "h0", "e");
        let few = KERNEL_FRAMES / 16;
        let mut bare = Bare::new(ports as u32, ports as u32);
        let before = received(&mut sim, &at, "e");
        let works = vec![
            Work::new("simulator", FRAMES as f64 * copies, sends(&mut sim, ("h0", "e"), frames.clone())),
            Work::new("kernel, AF_PACKET", few as f64 * copies, || from.send(&frames, few).expect("they are sent")),
            Work::new("bare loop", FRAMES as f64 * copies, || bare.carry(FRAMES, 60, true)),
        ];
        let measured = measure(works);
        measured.print(&format!("flood of {ports} ports, a copy"));
        assert!(received(&mut sim, &at, "e") - before >= FRAMES as u64, "they arrived");
        assert!(received(&mut real, &at, "e") > 0, "they arrived in the kernel");
    }
}

/// A datagram from `a` to 10.99.0.1, as the first router gets it.
fn routed() -> Vec<u8> {
    datagram((mac(1), mac(2)), (Ipv4Addr::new(10, 0, 1, 1), Ipv4Addr::new(10, 99, 0, 1)), (9, 9), &[0; 18])
}

/// A row of routers on both machines whose neighbours know each other.
fn row(count: usize) -> (Sim, KernelBackend, Pump) {
    let (mut sim, mut real) = (lab::lab(&routers(count)), kernel(&routers(count)));
    let from = pump(&real, "a", "e");
    for _ in 0..3 {
        sim.send(&ns("a"), dev("e"), &routed());
        pass(&mut sim, Duration::from_secs(1));
        from.send(&[routed()], 1).expect("it is sent");
        let soon = real.now() + Duration::from_millis(100);
        while real.advance(soon).is_some() {}
    }
    (sim, real, from)
}

fn hop() {
    let (mut one, mut one_real, one_pump) = row(1);
    let (mut eight, mut eight_real, eight_pump) = row(8);
    let frames = vec![routed()];
    let far = |machines: [&mut dyn Backend; 4]| machines.map(|m| received(m, &ns("z"), "w"));
    let before = far([&mut one, &mut eight, &mut one_real, &mut eight_real]);
    let works = vec![
        Work::new("simulator, 1 router", FRAMES as f64, sends(&mut one, ("a", "e"), frames.clone())),
        Work::new("simulator, 8 routers", FRAMES as f64, sends(&mut eight, ("a", "e"), frames.clone())),
        Work::new("kernel, 1 router", KERNEL_FRAMES as f64, || one_pump.send(&frames, KERNEL_FRAMES).expect("sent")),
        Work::new("kernel, 8 routers", KERNEL_FRAMES as f64, || {
            eight_pump.send(&frames, KERNEL_FRAMES).expect("sent");
        }),
    ];
    let measured = measure(works);
    measured.print("IPv4 through routers");
    let slope = |few: usize, many: usize| (measured.median_ns(many) - measured.median_ns(few)) / 7.0;
    let (sim, real) = (slope(0, 1), slope(2, 3));
    println!("  each further hop: simulator {sim:.1} ns, kernel {real:.1} ns: {:.1}x\n", real / sim);
    let after = far([&mut one, &mut eight, &mut one_real, &mut eight_real]);
    assert!(after.iter().zip(before).all(|(a, b)| a - b >= KERNEL_FRAMES as u64), "they arrived: {before:?} {after:?}");
}

fn masquerade() {
    let plain = routers(1);
    let nat = plain.replace("[netns.r0]\n", "[netns.r0]\nnat = [\"masquerade out e\"]\n");
    let (mut plain, mut nat) = (lab::lab(&plain), lab::lab(&nat));
    let flow = |n: u32| {
        let from = Ipv4Addr::from(0x0a00_0101 + 2 * (n % 2));
        let ports = (1024 + (n / 2) as u16, 9);
        datagram((mac(1), mac(2)), (from, Ipv4Addr::new(10, 99, 0, (n % 200) as u8)), ports, &[0; 18])
    };
    let mut many = Vec::new();
    for sim in [&mut plain, &mut nat] {
        for _ in 0..2 {
            sim.send(&ns("a"), dev("e"), &flow(0));
            pass(sim, Duration::from_secs(1));
        }
        many = (0..100_000).map(flow).collect();
        for frame in &many {
            sim.send(&ns("a"), dev("e"), frame);
        }
    }
    let before = received(&mut nat, &ns("z"), "w");
    assert!(before > 99_000, "connections are made: {before}");
    let one = vec![many[50_000].clone()];
    let some: Vec<_> = many.iter().step_by(97).cloned().collect();
    let works = vec![
        Work::new("one flow, no NAT", FRAMES as f64, sends(&mut plain, ("a", "e"), one.clone())),
        Work::new("one flow of 100 000, masqueraded", FRAMES as f64, sends(&mut nat, ("a", "e"), one)),
    ];
    let measured = measure(works);
    measured.print("masquerade on a live flow among 100 000");
    println!("  on top of the hop: {:.1} ns", measured.median_ns(1) - measured.median_ns(0));
    let works = vec![
        Work::new("1031 flows in turn, no NAT", FRAMES as f64, sends(&mut plain, ("a", "e"), some.clone())),
        Work::new("1031 flows of 100 000 in turn, masqueraded", FRAMES as f64, sends(&mut nat, ("a", "e"), some)),
    ];
    let measured: Measured = measure(works);
    measured.print("the same, flows in turn");
    println!("  on top of the hop: {:.1} ns\n", measured.median_ns(1) - measured.median_ns(0));
    assert!(received(&mut nat, &ns("z"), "w") - before >= FRAMES as u64, "they arrived");
}
