//! How many instructions the hot paths take, beside the bounds that they must keep: a number that no neighbour disturbs.
//!
//! This program runs itself under valgrind's callgrind, each case with few and with many frames; what the difference of the
//! two counts is for each frame of the difference, is what a frame costs, whatever it took to get there. A case that takes
//! more than its bound in `instructions.bounds` ends it with status 1.
//! Each case shows that its frames arrived. Without valgrind nothing is measured, and it says so.

#[path = "../tests/lab/mod.rs"]
mod lab;

use lab::{datagram, dev, lab, ns, pass, shout};
use nettwin_model::op::RouteVerb;
use nettwin_model::{Backend, Mac, Op, words};
use nettwin_sim::Sim;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::process::{Command, ExitCode};
use std::time::Duration;

const BOUNDS: &str = include_str!("instructions.bounds");
const FEW: u32 = 500;
const MANY: u32 = 2500;
/// The environment says which case to run, and with how many frames.
const CASE: &str = "NETTWIN_INSTRUCTIONS_CASE";
const FRAMES: &str = "NETTWIN_INSTRUCTIONS_FRAMES";

fn main() -> ExitCode {
    if let (Ok(case), Ok(frames)) = (std::env::var(CASE), std::env::var(FRAMES)) {
        run(&case, frames.parse().expect("a number of frames"));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let wanted = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let lines = BOUNDS.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(' '));
    let mut kept = true;
    for (case, bound) in lines.filter(|(case, _)| case.contains(&wanted)) {
        let bound: u64 = bound.trim().parse().expect("a bound is a number");
        let frames = u64::from(MANY - FEW) * per_frame(case);
        let each = (count(case, MANY) - count(case, FEW)) / frames;
        let verdict = match each {
            _ if each > bound => "TOO MANY",
            _ if each * 5 < bound * 4 => "kept, and far below: lower the bound",
            _ => "kept",
        };
        println!("{case:<26} {each:>6} instructions, at most {bound:>6}: {verdict}");
        kept &= each <= bound;
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Into how much of what is counted one frame of a case is divided.
fn per_frame(case: &str) -> u64 {
    if case == "flood/64" { 63 } else { 1 }
}

/// Instructions of a whole run.
fn count(case: &str, frames: u32) -> u64 {
    // The routed hop is the difference of eight routers and one, as the kernel's slope is.
    if case == "router" {
        return (counted("routers/8", frames) - counted("routers/1", frames)) / 7;
    }
    counted(case, frames)
}

fn counted(case: &str, frames: u32) -> u64 {
    let this = std::env::current_exe().expect("this program has a path");
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .env(CASE, case)
        .env(FRAMES, frames.to_string())
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{case}: {text}");
    let total =
        text.lines().find_map(|l| l.split_once("Collected : ")).expect("callgrind says how many it collected").1;
    total.trim().parse().expect("a count")
}

fn run(case: &str, frames: u32) {
    let (shape, size) = case.split_once('/').unwrap_or((case, ""));
    let size = size.parse().unwrap_or(0);
    match shape {
        "bridge" => bridge(frames, size, false),
        "bridge-delay" => bridge(frames, size, true),
        "flood" => flood(frames, size),
        "routers" => routed(frames, size, 0),
        "router-of-100000-routes" => routed(frames, 1, 100_000),
        _ => panic!("no case {case}"),
    }
}

fn mac(last: u16) -> Mac {
    let [a, b] = last.to_be_bytes();
    Mac([2, 0, 0, 0, a, b])
}

fn received(sim: &mut Sim, at: &str) -> u64 {
    sim.observe(&Default::default()).expect("it can be observed").netns[&ns(at)].volatile.stats[&dev("e")].rx_packets
}

fn star(ports: usize, delayed: bool) -> Sim {
    let mut text = "[bridge.s]\n".to_owned();
    for h in 0..ports {
        let last = mac(h as u16);
        writeln!(text, "[netns.h{h}]\ninterfaces.e.mac = \"{last}\"\n[[link]]\nends = [\"s:p{h}\", \"h{h}:e\"]")
            .expect("a String takes all");
        for end in if delayed { vec![format!("s:p{h}"), format!("h{h}:e")] } else { Vec::new() } {
            writeln!(text, "impair.\"{end}\" = \"delay 1us\"").expect("a String takes all");
        }
    }
    lab(&text)
}

fn bridge(frames: u32, ports: usize, delayed: bool) {
    let mut sim = star(ports, delayed);
    let last = format!("h{}", ports - 1);
    assert!(sim.send(&ns(&last), dev("e"), &shout(mac(ports as u16 - 1))));
    pass(&mut sim, Duration::from_millis(1));
    let mut frame = shout(mac(0));
    frame[..6].copy_from_slice(&mac(ports as u16 - 1).0);
    let port = sim.port(&ns("h0"), dev("e")).expect("it is there");
    let (before, events) = (received(&mut sim, &last), sim.events_scheduled());
    for _ in 0..frames {
        sim.send_by(port, &frame);
        if delayed {
            pass(&mut sim, Duration::from_micros(3));
        }
    }
    assert_eq!(received(&mut sim, &last) - before, u64::from(frames), "all of them arrived");
    let events = sim.events_scheduled() - events;
    let most = if delayed { 2 * u64::from(frames) + 1 } else { 1 };
    assert!(events <= most, "{events} events for {frames} frames");
}

fn flood(frames: u32, ports: usize) {
    let mut sim = star(ports, false);
    let (port, frame) = (sim.port(&ns("h0"), dev("e")).expect("it is there"), shout(mac(0)));
    for _ in 0..frames {
        sim.send_by(port, &frame);
    }
    assert_eq!(received(&mut sim, "h1"), u64::from(frames), "each got each");
}

fn routed(frames: u32, count: usize, routes: u32) {
    let mut text = "allow = [\"missing-return-route\"]\n".to_owned();
    for i in 0..=count + 1 {
        let name = if i > count { "z".to_owned() } else { format!("r{i}") };
        writeln!(text, "[netns.{name}]\nforwarding = true").expect("a String takes all");
        if i > 0 {
            let (w, own) = (if i > count { "e" } else { "w" }, mac(2 * i as u16));
            writeln!(text, "interfaces.{w} = {{ addresses = [\"10.0.{i}.2/24\"], mac = \"{own}\" }}")
                .expect("likewise");
        }
        if i <= count {
            let (next, there) = (i + 1, if i == count { "z:e".to_owned() } else { format!("r{}:w", i + 1) });
            writeln!(text, "interfaces.e.addresses = [\"10.0.{next}.1/24\"]").expect("likewise");
            writeln!(text, "routes = [\"10.99.0.0/16 via 10.0.{next}.2\"]").expect("likewise");
            writeln!(text, "[[link]]\nends = [\"r{i}:e\", \"{there}\"]").expect("likewise");
        }
    }
    let mut sim = lab(&text);
    let prefix = |n: u32| Ipv4Addr::from(0x1400_0000 + n.wrapping_mul(7919) % 0x2_0000 * 0x100);
    let ops: Vec<Op> = (0..routes)
        .map(|n| Op::AddRoute {
            netns: ns("r1"),
            verb: RouteVerb::Replace,
            route: words::route::parse(&format!("{}/24 via 10.0.2.2", prefix(n))).expect("a route"),
        })
        .collect();
    sim.execute(&ops).expect("routes are taken");
    let frame = |n: u32| {
        let to =
            if routes == 0 { Ipv4Addr::new(10, 99, 0, 1) } else { Ipv4Addr::from(u32::from(prefix(n % routes)) + 1) };
        datagram((mac(1), mac(2)), (Ipv4Addr::new(10, 0, 1, 1), to), (9, 9), &[0; 18])
    };
    let several: Vec<Vec<u8>> = (0..64).map(|n| frame(n * 1009)).collect();
    let port = sim.port(&ns("r0"), dev("e")).expect("it is there");
    // The first wait for the neighbours' answers, and large tables are indexed when they are much asked.
    let send = |sim: &mut Sim, frames: u32| {
        for n in 0..frames {
            sim.send_by(port, &several[n as usize % several.len()]);
        }
    };
    send(&mut sim, 64);
    pass(&mut sim, Duration::from_secs(1));
    send(&mut sim, routes / 4);
    let before = received(&mut sim, "z");
    send(&mut sim, frames);
    assert_eq!(received(&mut sim, "z") - before, u64::from(frames), "all of them arrived");
}
