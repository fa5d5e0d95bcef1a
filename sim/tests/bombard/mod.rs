//! Bytes as an ordeal: frames of all kinds, ops, workloads and steps of time, thrown at a small network.
//!
//! The fuzzer and the property tests share it. What holds whatever the bytes are: nothing panics, every instant ends, time
//! goes on, and when all namespaces are gone nobody holds a frame any more.

use crate::lab::{Bytes, dev, ethernet, ipv4, ns, pass};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::{Arping, ArpingMode, Listen, Ping, Probe, Proto, TcpFlow, Trace, TraceMethod, UdpFlow};
use nettwin_model::rules::{Family, OWN_TABLE, RuleChange, Which};
use nettwin_model::topology::{Format, Topology};
use nettwin_model::{Backend, BridgeAttrs, Mac, Op, Plan, PortAttrs};
use nettwin_sim::Sim;
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::time::Duration;

/// h1, h3 – two bridges with spanning tree and two wires between them – router r – a slow, bad wire – h2 with a small MTU.
/// Behind h3 two bridges without spanning tree form a loop.
const NETWORK: &str = r#"
allow = ["l2-loop"]
[netns.h1]
interfaces.eth0 = { addresses = ["10.1.0.1/24", "10.1.0.11/24"], mac = "02:00:00:00:01:00" }
routes = ["default via 10.1.0.254"]
[netns.h2]
interfaces.eth0 = { addresses = ["10.2.0.1/24"], mac = "02:00:00:00:01:01", mtu = 600 }
routes = ["default via 10.2.0.254"]
[netns.h3]
interfaces.eth0 = { addresses = ["10.1.0.3/24"], mac = "02:00:00:00:01:06" }
interfaces.eth1 = { addresses = ["10.3.0.3/24"], mac = "02:00:00:00:01:07" }
neighbours = ["10.3.0.9 lladdr 02:00:00:00:00:09 dev eth1"]
sysctls = { "net.ipv4.conf.all.arp_accept" = 1, "net.ipv4.icmp_echo_ignore_broadcasts" = 0 }
[netns.r]
forwarding = true
interfaces.e1 = { addresses = ["10.1.0.254/24"], mac = "02:00:00:00:01:02" }
interfaces.e2 = { addresses = ["10.2.0.254/24"], mac = "02:00:00:00:01:05" }
routes = ["blackhole 10.9.1.0/24", "unreachable 10.9.2.0/24", "prohibit 10.9.3.0/24", "10.9.9.0/24 via 10.1.0.1"]
sysctls = { "net.ipv4.conf.e1.proxy_arp" = 1 }
nat = [
  "masquerade from 10.1.0.3 out e2",
  "snat from 10.1.0.11 out e2 udp to-source 10.2.0.254",
  "dnat in e2 udp 7 to-destination 10.1.0.1:7",
  "dnat in e1 to 10.1.0.77 to-destination 10.2.0.1",
  "redirect in e1 tcp 9 to-port 7",
]
firewall = ["reject forward tcp 23", "deny forward invalid", "reject input udp 24", "allow forward established"]
[bridge.s1]
stp = true
forward_delay = "2s"
hello_time = "1s"
max_age = "6s"
ageing_time = "3s"
ports.p1 = { mac = "02:00:00:00:01:03" }
[bridge.s2]
stp = true
forward_delay = "2s"
[bridge.s3]
fdb = ["02:00:00:00:00:0a dev a master static"]
[bridge.s4]
[[link]]
ends = ["h1:eth0", "s1:p1"]
[[link]]
ends = ["s1:x", "s2:x"]
[[link]]
ends = ["s1:y", "s2:y"]
[[link]]
ends = ["s2:p2", "r:e1"]
[[link]]
ends = ["s2:p3", "h3:eth0"]
[[link]]
ends = ["r:e2", "h2:eth0"]
impair = "delay 1ms 200us duplicate 5% corrupt 5% reorder 10% loss 1%"
[[link]]
ends = ["h3:eth1", "s3:p"]
[[link]]
ends = ["s3:a", "s4:a"]
[[link]]
ends = ["s3:b", "s4:b"]
"#;

/// Where frames come in; the index is the last byte of the interface's MAC.
const PLACES: [(&str, &str); 8] = [
    ("h1", "eth0"),
    ("h2", "eth0"),
    ("r", "e1"),
    ("s1", "p1"),
    ("r", "lo"),
    ("r", "e2"),
    ("h3", "eth0"),
    ("h3", "eth1"),
];
const ADDRESSES: [[u8; 4]; 16] = [
    [10, 1, 0, 1],
    [10, 1, 0, 254],
    [10, 2, 0, 1],
    [10, 2, 0, 254],
    [10, 9, 9, 9],
    [255, 255, 255, 255],
    [127, 0, 0, 1],
    [224, 0, 0, 1],
    [10, 1, 0, 3],
    [10, 1, 0, 255],
    [10, 9, 1, 1],
    [10, 9, 2, 1],
    [10, 9, 3, 1],
    [0, 0, 0, 0],
    [10, 3, 0, 9],
    [8, 8, 8, 8],
];
/// Echo servers listen here.
const ECHO: u16 = 7;
/// More steps than this are no more than a repetition.
const MOST_STEPS: usize = 64;

fn addr(bytes: &mut Bytes<'_>) -> Ipv4Addr {
    bytes.pick(ADDRESSES).into()
}

/// Throws all of it.
pub(crate) fn bombard(bytes: &[u8]) {
    let (ops, mischief) = network();
    let mut sim = Sim::new(1);
    sim.execute(ops).expect("the network is built");
    for (netns, proto) in [("h1", Proto::Udp), ("h2", Proto::Udp), ("h2", Proto::Tcp), ("h1", Proto::Tcp)] {
        sim.start(Probe::Listen(Listen { netns: ns(netns), proto, addr: None, port: ECHO })).expect("a free port");
    }
    let mut rest = Bytes(bytes);
    for _ in 0..MOST_STEPS {
        if rest.0.is_empty() {
            break;
        }
        step(&mut sim, &mut rest, mischief);
    }
    let before = sim.now();
    // Neighbours fail, fragments time out, spanning trees settle.
    pass(&mut sim, Duration::from_secs(40));
    assert_eq!(sim.now().since(before), Duration::from_secs(40));
    let state = sim.observe(&Default::default()).expect("it can be observed");
    let all: Vec<Op> = state.netns.into_keys().map(|netns| Op::DelNetns { netns }).collect();
    sim.execute(&all).expect("what is there can be removed");
    pass(&mut sim, Duration::from_secs(600));
    assert_eq!(sim.frames_live(), 0, "somebody still holds a frame");
}

fn step(sim: &mut Sim, bytes: &mut Bytes<'_>, mischief: &[Op]) {
    let kind = bytes.byte() % 10;
    let at = bytes.byte();
    let macs = (Mac([2, 0, 0, 0, 0, 0x77]), Mac([2, 0, 0, 0, 1, at % PLACES.len() as u8]));
    match kind {
        0 => put(sim, at, bytes.some()),
        1 => {
            let ips = (addr(bytes), addr(bytes));
            let (proto, ttl, fragment) = (bytes.byte(), bytes.byte(), bytes.word());
            put(sim, at, &ethernet(macs, &ipv4(ips, (proto, ttl), fragment, bytes.some())));
        }
        2 => {
            let (op, mac) = (bytes.byte() % 3, Mac([2, 0, 0, 0, 1, bytes.byte()]));
            put(sim, at, &arp(op, (mac, addr(bytes)), addr(bytes)));
        }
        3 => pass(sim, Duration::from_millis(u64::from(bytes.word()))),
        4 => {
            let (ips, ports) = ((addr(bytes), addr(bytes)), (bytes.pick([ECHO, 9, 0]), bytes.pick([ECHO, 9, 0])));
            put(sim, at, &crate::lab::datagram(macs, ips, ports, bytes.some()));
        }
        5 => {
            let ips = (addr(bytes), addr(bytes));
            let segment = segment(ips, bytes);
            put(sim, at, &ethernet(macs, &ipv4(ips, (6, 64), 0x4000, &segment)));
        }
        6 => {
            let (source, kind) = (Mac([2, 0, 0, 0, 2, at]), bytes.pick([0, 0x80]));
            put(sim, at, &bpdu(source, kind, bytes.take(31)));
        }
        // Whether a machine refuses is no matter, as long as it goes on.
        7 | 8 => drop(sim.execute(std::slice::from_ref(&mischief[usize::from(bytes.word()) % mischief.len()]))),
        _ => workload(sim, at, bytes),
    }
}

fn put(sim: &mut Sim, at: u8, frame: &[u8]) {
    let (netns, name) = PLACES[usize::from(at) % PLACES.len()];
    sim.receive(&ns(netns), dev(name), frame);
}

fn workload(sim: &mut Sim, at: u8, bytes: &mut Bytes<'_>) {
    let (netns, name) = PLACES[usize::from(at) % PLACES.len()];
    let (netns, name) = (ns(netns), dev(name));
    let (dst, size) = (addr(bytes), bytes.word());
    let timeout = Duration::from_secs(20);
    let interval = Duration::from_millis(u64::from(bytes.byte()));
    let probe = match bytes.byte() % 6 {
        0 => Probe::Ping(Ping { interval, size, broadcast: size & 1 == 1, ..Ping::new(netns, dst, 3) }),
        1 => Probe::Udp(UdpFlow { netns, dst, port: ECHO, source: None, source_port: None, size, timeout }),
        2 => Probe::Tcp(TcpFlow { netns, dst, port: ECHO, source: None, bytes: u64::from(size) * 4, timeout }),
        3 => {
            let (packet_len, per_hop) = (28 + size % 1500, 1 + (size % 3) as u8);
            let method = bytes.pick([TraceMethod::Udp, TraceMethod::UdpToPort, TraceMethod::Icmp]);
            Probe::Trace(Trace { packet_len, per_hop, method, ..Trace::new(netns, dst) })
        }
        4 => Probe::Ping(Ping { ttl: Some(bytes.byte()), interval, ..Ping::new(netns, dst, 2) }),
        _ => {
            let mode = bytes.pick([ArpingMode::Ask, ArpingMode::Duplicate, ArpingMode::Announce]);
            let interval = Duration::from_secs(1);
            Probe::Arping(Arping {
                netns,
                dev: name,
                dst,
                source: None,
                count: Some(2),
                interval,
                deadline: None,
                mode,
            })
        }
    };
    drop(sim.start(probe));
}

fn arp(op: u8, sender: (Mac, Ipv4Addr), target: Ipv4Addr) -> Vec<u8> {
    let head = [8, 6, 0, 1, 8, 0, 6, 4, 0, op];
    let (mac, ip) = (sender.0.0, sender.1.octets());
    [&[0xff; 6][..], &mac, &head, &mac, &ip, &[0; 6], &target.octets()].concat()
}

/// A TCP segment with a right checksum.
fn segment(ips: (Ipv4Addr, Ipv4Addr), bytes: &mut Bytes<'_>) -> Vec<u8> {
    let mut out = vec![0; 20];
    out[..2].copy_from_slice(&bytes.pick([ECHO, 9, 1000]).to_be_bytes());
    out[2..4].copy_from_slice(&bytes.pick([ECHO, 9, 1000]).to_be_bytes());
    out[4..12].fill(bytes.byte());
    (out[12], out[13]) = (0x50, bytes.byte());
    out[14..16].copy_from_slice(&bytes.word().to_be_bytes());
    out.extend_from_slice(bytes.some());
    let pseudo = [&ips.0.octets()[..], &ips.1.octets(), &[0, 6], &(out.len() as u16).to_be_bytes()].concat();
    let words = pseudo.chunks(2).chain(out.chunks(2));
    let sum: u32 = words.map(|w| u32::from(w[0]) << 8 | u32::from(w.get(1).copied().unwrap_or(0))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    out[16..18].copy_from_slice(&(!(((sum & 0xffff) + (sum >> 16)) as u16)).to_be_bytes());
    out
}

/// A message of the spanning tree's kind.
fn bpdu(source: Mac, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = [&[1, 0x80, 0xc2, 0, 0, 0][..], &source.0, &[0, 38, 0x42, 0x42, 3, 0, 0, 0, kind], body].concat();
    frame.resize(52, 0);
    frame
}

/// What builds the network, and what may be done to it: those ops again, their opposites, and some more.
fn network() -> (&'static [Op], &'static [Op]) {
    static OPS: OnceLock<(Vec<Op>, Vec<Op>)> = OnceLock::new();
    let (ops, mischief) = OPS.get_or_init(|| {
        let checked = Topology::load(NETWORK, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}"));
        let ops = Plan::between(checked.desired(), &Default::default()).ops;
        let mischief = ops.iter().flat_map(|op| [vec![op.clone()], opposites(op)].concat()).collect();
        (ops, mischief)
    });
    (ops, mischief)
}

fn opposites(op: &Op) -> Vec<Op> {
    match op.clone() {
        Op::AddNetns { netns } => vec![Op::DelNetns { netns }],
        Op::AddLink(link) => {
            let ends = match &link.kind {
                nettwin_model::op::NewLink::Veth { peer } => vec![(peer.netns.clone(), peer.name)],
                nettwin_model::op::NewLink::Bridge { .. } | nettwin_model::op::NewLink::Virtual(_) => Vec::new(),
            };
            let ends = [(link.netns.clone(), link.name)].into_iter().chain(ends);
            ends.flat_map(|(netns, name)| changes(netns, name)).collect()
        }
        Op::Ruleset { netns, .. } => {
            let which = Which::table(Family::Ip, OWN_TABLE);
            vec![Op::Ruleset { netns, changes: vec![RuleChange::DelTable { which, lenient: true }] }]
        }
        Op::AddAddr { netns, dev, addr } => vec![Op::DelAddr { netns, dev, addr }],
        Op::AddRoute { netns, route, .. } => vec![Op::DelRoute { netns, route }],
        Op::AddNeigh { netns, neigh, .. } => vec![Op::DelNeigh { netns, neigh }],
        Op::AddFdb { netns, entry, .. } => vec![Op::DelFdb { netns, entry }],
        Op::SetSysctl { netns, key, .. } => ["0", "1", "2"]
            .map(|value| Op::SetSysctl { netns: netns.clone(), key: key.clone(), value: value.into() })
            .into(),
        Op::SetImpairment { netns, dev, .. } => vec![Op::SetImpairment { netns, dev, impairment: None, handle: None }],
        _ => Vec::new(),
    }
}

fn changes(netns: nettwin_model::NetnsName, name: nettwin_model::IfName) -> Vec<Op> {
    let none = LinkChange::default;
    let sets = [
        LinkChange { up: Some(false), ..none() },
        LinkChange { up: Some(true), ..none() },
        LinkChange { mtu: Some(68), ..none() },
        LinkChange { mtu: Some(9000), ..none() },
        LinkChange { mac: Some(Mac([2, 0, 0, 0, 1, 0])), ..none() },
        LinkChange { master: Some(None), ..none() },
        LinkChange { master: Some(Some(dev("s3"))), ..none() },
        LinkChange { master: Some(Some(dev("s1"))), ..none() },
        LinkChange { rename: Some(dev("eth0")), ..none() },
        LinkChange { netns: Some(ns("s3")), ..none() },
        LinkChange { netns: Some(ns("h1")), ..none() },
    ];
    let port = PortAttrs { hairpin: Some(true), isolated: Some(true), ..Default::default() };
    let locked = PortAttrs { locked: Some(true), guard: Some(true), root_block: Some(true), ..Default::default() };
    let bridge = BridgeAttrs { stp_state: Some(false), ageing_time: Some(0), ..Default::default() };
    let tree = BridgeAttrs { stp_state: Some(true), priority: Some(1), ..Default::default() };
    let set = |change| Op::SetLink { netns: netns.clone(), name, change: Box::new(change) };
    let mut all: Vec<Op> = sets.into_iter().map(set).collect();
    all.extend([port, locked].map(|attrs| Op::SetPort { netns: netns.clone(), name, attrs }));
    all.extend([bridge, tree].map(|attrs| Op::SetBridge { netns: netns.clone(), name, attrs }));
    all.push(Op::DelLink { netns, name });
    all
}
