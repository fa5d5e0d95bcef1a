//! Raw frames and steps of time into a bridge, a router and hosts: nothing panics, and no frame stays for ever.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nettwin_model::op::{AddLink, LinkChange, NewLink, RouteVerb, VethPeer};
use nettwin_model::{Address, Backend, BridgeAttrs, Cidr, IfName, Mac, NetnsName, Op, Route, SysctlKey};
use nettwin_sim::Sim;
use std::sync::OnceLock;
use std::time::Duration;

#[derive(Arbitrary, Debug)]
enum Step {
    /// A frame as it is.
    Raw { at: u8, frame: Vec<u8> },
    /// An IPv4 packet with a right header checksum.
    Ip { at: u8, src: u8, dst: u8, proto: u8, ttl: u8, fragment: u16, payload: Vec<u8> },
    /// An ARP packet.
    Arp { at: u8, op: u8, sender: u8, target: u8, mac: [u8; 6] },
    /// Time passes.
    Wait { ms: u16 },
}

/// Where frames come in; the index is the last byte of the interface's MAC.
const PLACES: [(&str, &str); 5] = [("h1", "eth0"), ("h2", "eth0"), ("r", "e1"), ("s", "p1"), ("r", "lo")];
const ADDRESSES: [[u8; 4]; 8] = [
    [10, 1, 0, 1],
    [10, 1, 0, 254],
    [10, 2, 0, 1],
    [10, 2, 0, 254],
    [10, 9, 9, 9],
    [255, 255, 255, 255],
    [127, 0, 0, 1],
    [224, 0, 0, 1],
];

fuzz_target!(|steps: Vec<Step>| {
    let mut sim = Sim::new(1);
    sim.execute(network()).expect("the network is built");
    for step in steps.iter().take(64) {
        match step {
            Step::Raw { at, frame } => put(&mut sim, *at, frame),
            Step::Ip { at, src, dst, proto, ttl, fragment, payload } => {
                put(&mut sim, *at, &ip(*at, (*src, *dst), (*proto, *ttl), *fragment, payload));
            }
            Step::Arp { at, op, sender, target, mac } => put(&mut sim, *at, &arp(*op, *sender, *target, *mac)),
            Step::Wait { ms } => pass(&mut sim, Duration::from_millis(u64::from(*ms))),
        }
    }
    // Neighbours fail, fragments time out: nothing is held for longer than ten minutes.
    pass(&mut sim, Duration::from_secs(600));
    assert_eq!(sim.frames_live(), 0, "frames are let go of");
});

fn pass(sim: &mut Sim, time: Duration) {
    let until = sim.now() + time;
    while sim.advance(until).is_some() {}
}

fn put(sim: &mut Sim, at: u8, frame: &[u8]) {
    let (ns, dev) = PLACES[usize::from(at) % PLACES.len()];
    sim.receive(&name(ns), ifname(dev), &frame[..frame.len().min(2000)]);
}

fn ip(at: u8, (src, dst): (u8, u8), (proto, ttl): (u8, u8), fragment: u16, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(1480)];
    let mut frame = vec![0; 34];
    frame[..6].copy_from_slice(&mac_of(at % PLACES.len() as u8).0);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 0x77]);
    frame[12] = 8;
    let header = &mut frame[14..34];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&((20 + payload.len()) as u16).to_be_bytes());
    header[6..8].copy_from_slice(&fragment.to_be_bytes());
    (header[8], header[9]) = (ttl, proto);
    header[12..16].copy_from_slice(&ADDRESSES[usize::from(src) % 8]);
    header[16..20].copy_from_slice(&ADDRESSES[usize::from(dst) % 8]);
    let mut sum: u32 = header.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn arp(op: u8, sender: u8, target: u8, mac: [u8; 6]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend_from_slice(&mac);
    frame.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, op]);
    frame.extend_from_slice(&mac);
    frame.extend_from_slice(&ADDRESSES[usize::from(sender) % 8]);
    frame.extend_from_slice(&[0; 6]);
    frame.extend_from_slice(&ADDRESSES[usize::from(target) % 8]);
    frame
}

fn name(s: &str) -> NetnsName {
    NetnsName::new(s).expect("a name")
}

fn ifname(s: &str) -> IfName {
    IfName::new(s).expect("a name")
}

fn mac_of(last: u8) -> Mac {
    Mac([2, 0, 0, 0, 1, last])
}

/// h1 – bridge s1 in s – router r – h2.
fn network() -> &'static [Op] {
    static OPS: OnceLock<Vec<Op>> = OnceLock::new();
    OPS.get_or_init(|| {
        let mut ops: Vec<Op> = ["h1", "h2", "r", "s"].map(|n| Op::AddNetns { netns: name(n) }).into();
        let up = |ns: &str, dev: &str| {
            let change = Box::new(LinkChange { up: Some(true), ..LinkChange::default() });
            Op::SetLink { netns: name(ns), name: ifname(dev), change }
        };
        ops.extend(["h1", "h2", "r", "s"].map(|ns| up(ns, "lo")));
        let bridge = NewLink::Bridge { attrs: BridgeAttrs::default() };
        ops.push(link("s", "s1", bridge, None, None));
        for (a, b, macs, master) in [
            (("s", "p1"), ("h1", "eth0"), (3, 0), Some("s1")),
            (("s", "p2"), ("r", "e1"), (9, 2), Some("s1")),
            (("r", "e2"), ("h2", "eth0"), (8, 1), None),
        ] {
            let peer = VethPeer { netns: name(b.0), name: ifname(b.1), mac: Some(mac_of(macs.1)), mtu: None };
            ops.push(link(a.0, a.1, NewLink::Veth { peer }, Some(mac_of(macs.0)), master));
            ops.push(up(b.0, b.1));
        }
        ops.push(up("s", "s1"));
        for (ns, dev, cidr) in [
            ("h1", "eth0", "10.1.0.1/24"),
            ("r", "e1", "10.1.0.254/24"),
            ("r", "e2", "10.2.0.254/24"),
            ("h2", "eth0", "10.2.0.1/24"),
        ] {
            let addr = Address::new(cidr.parse().expect("a CIDR"));
            ops.push(Op::AddAddr { netns: name(ns), dev: ifname(dev), addr });
        }
        for (ns, via) in [("h1", "10.1.0.254"), ("h2", "10.2.0.254")] {
            let route = Route::new(Cidr::DEFAULT_V4).via(via.parse().expect("an address"));
            ops.push(Op::AddRoute { netns: name(ns), verb: RouteVerb::Add, route });
        }
        let key = SysctlKey::new("net/ipv4/ip_forward").expect("a sysctl");
        ops.push(Op::SetSysctl { netns: name("r"), key, value: "1".into() });
        ops
    })
}

fn link(ns: &str, dev: &str, kind: NewLink, mac: Option<Mac>, master: Option<&str>) -> Op {
    let (netns, name, master) = (name(ns), ifname(dev), master.map(ifname));
    Op::AddLink(Box::new(AddLink { netns, name, kind, mac, mtu: None, master, up: true }))
}
