//! What no neighbour on the machine can disturb: heap allocations and events for each frame, bytes for each host.

mod lab;

use lab::{datagram, dev, lab, ns, pass, shout};
use nettwin_model::{Backend, Mac, Neigh, Nud, Op};
use nettwin_sim::Sim;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FRAMES: u64 = 1000;

fn mac(last: u16) -> Mac {
    let [a, b] = last.to_be_bytes();
    Mac([2, 0, 0, 0, a, b])
}

/// Hosts on one bridge; `impair` goes to both ends of each link.
fn star(hosts: u16, impair: Option<&str>) -> String {
    let mut text = "[bridge.s]\n".to_owned();
    for h in 0..hosts {
        let (own, [a, b]) = (mac(h), (h + 1).to_be_bytes());
        let eth0 = format!("{{ mac = \"{own}\", addresses = [\"10.0.{a}.{b}/16\"] }}");
        writeln!(text, "[netns.h{h}]\ninterfaces.eth0 = {eth0}\n[[link]]\nends = [\"s:h{h}\", \"h{h}:eth0\"]").unwrap();
        for end in [format!("s:h{h}"), format!("h{h}:eth0")] {
            impair.into_iter().for_each(|how| writeln!(text, "impair.\"{end}\" = \"{how}\"").unwrap());
        }
    }
    text
}

fn routers(count: usize) -> String {
    let mut text = "allow = [\"missing-return-route\"]\n".to_owned();
    for i in 0..=count + 1 {
        writeln!(text, "[netns.r{i}]\nforwarding = true").unwrap();
        if i > 0 {
            let own = mac(2 * i as u16);
            writeln!(text, "interfaces.w = {{ addresses = [\"10.0.{i}.2/24\"], mac = \"{own}\" }}").unwrap();
        }
        if i <= count {
            let next = i + 1;
            writeln!(text, "interfaces.e.addresses = [\"10.0.{next}.1/24\"]").unwrap();
            writeln!(text, "routes = [\"10.99.0.0/16 via 10.0.{next}.2\"]").unwrap();
            writeln!(text, "[[link]]\nends = [\"r{i}:e\", \"r{next}:w\"]").unwrap();
        }
    }
    text
}

fn received(sim: &mut Sim, at: &str, name: &str) -> u64 {
    sim.observe(&Default::default()).unwrap().netns[&ns(at)].volatile.stats[&dev(name)].rx_packets
}

/// Heap allocations, of new and of more memory, while `work` is done.
fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(HEAP);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

/// The counters are the whole process's, whose other tests would be counted: so this is one.
#[test]
fn counters_that_nobody_can_disturb() {
    a_bridged_frame_takes_neither_memory_nor_an_event();
    a_frame_on_links_with_delay_takes_an_event_a_link();
    a_routed_packet_takes_neither_memory_nor_an_event();
    a_host_takes_little_memory();
}

fn a_bridged_frame_takes_neither_memory_nor_an_event() {
    let mut sim = lab(&star(8, None));
    assert!(sim.send(&ns("h7"), dev("eth0"), &shout(mac(7))));
    let mut frame = shout(mac(0));
    frame[..6].copy_from_slice(&mac(7).0);
    let port = sim.port(&ns("h0"), dev("eth0")).unwrap();
    assert!(sim.send_by(port, &frame));
    let (before, events) = (received(&mut sim, "h7", "eth0"), sim.events_scheduled());
    let allocations = allocations(|| {
        for _ in 0..FRAMES {
            assert!(sim.send_by(port, &frame));
        }
    });
    assert_eq!(received(&mut sim, "h7", "eth0") - before, FRAMES);
    assert_eq!(sim.events_scheduled() - events, 0, "events");
    assert_eq!(allocations, 0, "allocations");
}

fn a_frame_on_links_with_delay_takes_an_event_a_link() {
    let mut sim = lab(&star(8, Some("delay 1ms")));
    assert!(sim.send(&ns("h7"), dev("eth0"), &shout(mac(7))));
    pass(&mut sim, Duration::from_millis(10));
    let mut frame = shout(mac(0));
    frame[..6].copy_from_slice(&mac(7).0);
    let port = sim.port(&ns("h0"), dev("eth0")).unwrap();
    let round = |sim: &mut Sim, count| {
        for _ in 0..count {
            assert!(sim.send_by(port, &frame));
            pass(sim, Duration::from_micros(100));
        }
        pass(sim, Duration::from_millis(10));
    };
    round(&mut sim, 100);
    let (before, events) = (received(&mut sim, "h7", "eth0"), sim.events_scheduled());
    let allocations = allocations(|| round(&mut sim, FRAMES));
    assert_eq!(received(&mut sim, "h7", "eth0") - before, FRAMES);
    // Beside them only the bridge's sweeps of its table.
    assert!(sim.events_scheduled() - events <= 2 * FRAMES + 2, "{} events", sim.events_scheduled() - events);
    assert_eq!(allocations, 0, "allocations");
}

fn a_routed_packet_takes_neither_memory_nor_an_event() {
    let mut sim = lab(&routers(8));
    let to = Ipv4Addr::new(10, 99, 0, 1);
    let frame = datagram((mac(1), mac(2)), (Ipv4Addr::new(10, 0, 1, 1), to), (9, 9), &[0; 18]);
    let port = sim.port(&ns("r0"), dev("e")).unwrap();
    // The first wait for the neighbours' answers.
    for _ in 0..2 {
        assert!(sim.send_by(port, &frame));
        pass(&mut sim, Duration::from_secs(1));
    }
    let (before, events) = (received(&mut sim, "r9", "w"), sim.events_scheduled());
    let allocations = allocations(|| {
        for _ in 0..FRAMES {
            assert!(sim.send_by(port, &frame));
        }
    });
    assert_eq!(received(&mut sim, "r9", "w") - before, FRAMES);
    assert_eq!(sim.events_scheduled() - events, 0, "events");
    assert_eq!(allocations, 0, "allocations");
}

fn a_host_takes_little_memory() {
    let region = Region::new(HEAP);
    let held = || {
        let change = region.change();
        change.bytes_allocated as isize - change.bytes_deallocated as isize
    };
    let build = |hosts: u16| {
        let before = held();
        let mut sim = lab(&star(hosts, None));
        let neighbours: Vec<Op> = (0..hosts)
            .map(|h| Op::AddNeigh {
                netns: ns(&format!("h{h}")),
                neigh: Neigh {
                    dev: dev("eth0"),
                    dst: Ipv4Addr::new(10, 0, 255, 1).into(),
                    lladdr: Some(mac(u16::MAX)),
                    state: Nud::Permanent,
                    proxy: false,
                    extra: Default::default(),
                },
                replace: false,
            })
            .collect();
        sim.execute(&neighbours).unwrap();
        drop(neighbours);
        (held() - before, sim)
    };
    let ((few, _a), (many, _b)) = (build(100), build(900));
    let each = (many - few) / 800;
    assert!(
        each <= MOST_BYTES_A_HOST,
        "{each} bytes for each host with its interface, address, route, neighbour and port"
    );
}

/// Of the simulator, all that it keeps of a host on a bridge.
const MOST_BYTES_A_HOST: isize = 2300;
