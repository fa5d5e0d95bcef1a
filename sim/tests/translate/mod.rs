//! Translation as an ordeal: random rules of NAT on a router, and random packets through it, their answers and errors.
//!
//! The fuzzer and the property tests share it. What holds whatever the bytes are: what answers a translated packet arrives
//! as an answer to what was sent, an error about it quotes what was sent, checksums stay right, and no two live connections
//! share a tuple, of either direction.

use crate::lab::{Bytes, dev, ethernet, ipv4, lab, ns, pass};
use nettwin_model::probe::{Capture, Direction, Probe, ProbeEvent};
use nettwin_model::rules::conntrack::Connection;
use nettwin_model::rules::{
    Base, ChainKind, Family, Hook, Key, Level4, Match, Nat, NatKind, Place, Policy, Rule, RuleChange, Span, Stmt, Which,
};
use nettwin_model::wire::{Icmp, Ipv4, checksum, transport_checksum};
use nettwin_model::{Answer, Backend, Mac, Op, Query};
use nettwin_sim::Sim;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The ends have no addresses, so that nobody but the ordeal answers.
const TOPOLOGY: &str = r#"
[netns.in]
interfaces.eth0 = { mac = "02:00:00:00:00:01" }
[netns.r]
forwarding = true
interfaces.lan = { mac = "02:00:00:00:00:02", addresses = ["192.168.7.1/24"] }
interfaces.wan = { mac = "02:00:00:00:00:03", addresses = ["203.0.113.1/24"] }
neighbours = [
  "192.168.7.2 lladdr 02:00:00:00:00:01 dev lan", "192.168.7.3 lladdr 02:00:00:00:00:01 dev lan",
  "192.168.7.4 lladdr 02:00:00:00:00:01 dev lan", "203.0.113.8 lladdr 02:00:00:00:00:04 dev wan",
  "203.0.113.9 lladdr 02:00:00:00:00:04 dev wan",
]
sysctls = { "net.ipv4.icmp_ratelimit" = 0, "net.ipv4.icmp_msgs_per_sec" = 1000000 }
[netns.out]
interfaces.eth0 = { mac = "02:00:00:00:00:04" }
[[link]]
ends = ["in:eth0", "r:lan"]
[[link]]
ends = ["r:wan", "out:eth0"]
"#;

const INSIDE: [Ipv4Addr; 3] =
    [Ipv4Addr::new(192, 168, 7, 2), Ipv4Addr::new(192, 168, 7, 3), Ipv4Addr::new(192, 168, 7, 4)];
const OUTSIDE: [Ipv4Addr; 2] = [Ipv4Addr::new(203, 0, 113, 8), Ipv4Addr::new(203, 0, 113, 9)];
/// The router's own, and some more that it lends out.
const PUBLIC: [Ipv4Addr; 3] =
    [Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::new(203, 0, 113, 2), Ipv4Addr::new(203, 0, 113, 3)];
/// Few, so that they collide.
const PORTS: [u16; 6] = [80, 81, 1000, 1001, 1002, 40000];
const PROTOS: [u8; 3] = [6, 17, 1];
/// More steps than this are no more than a repetition.
const MOST_STEPS: usize = 48;

/// Which side of the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    In,
    Out,
}

impl Side {
    /// The router's device there, and the MACs of what comes in by it.
    fn ways(self) -> (&'static str, (Mac, Mac)) {
        match self {
            Side::In => ("lan", (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]))),
            Side::Out => ("wan", (Mac([2, 0, 0, 0, 0, 4]), Mac([2, 0, 0, 0, 0, 3]))),
        }
    }
}

/// Who speaks with whom; an ICMP query's identifier is both ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    proto: u8,
    src: (Ipv4Addr, u16),
    dst: (Ipv4Addr, u16),
}

impl Flow {
    fn back(self) -> Flow {
        Flow { src: self.dst, dst: self.src, ..self }
    }

    /// A packet of it that carries a mark, `answer` if it is the second.
    fn packet(self, answer: bool, ttl: u8, mark: u32) -> Vec<u8> {
        let mark = mark.to_be_bytes();
        let (from, to) = (self.src.1.to_be_bytes(), self.dst.1.to_be_bytes());
        let mut payload = match self.proto {
            6 => [&from[..], &to, &mark, &[0; 4], &[0x50, if answer { 0x12 } else { 2 }, 64, 0, 0, 0, 0, 0]].concat(),
            17 => [&from[..], &to, &[0, 12, 0, 0], &mark].concat(),
            _ => [&[if answer { 0 } else { 8 }, 0, 0, 0][..], &from, &mark].concat(),
        };
        let (sum, at) = match self.proto {
            1 => (checksum(&payload), 2),
            proto => (transport_checksum(self.src.0, self.dst.0, proto, &payload), if proto == 6 { 16 } else { 6 }),
        };
        payload[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        ipv4((self.src.0, self.dst.0), (self.proto, ttl), 0, &payload)
    }

    /// That of a first packet or of an answer, with its mark; `None` if it is an error, or another.
    fn of(packet: &[u8], answer: bool) -> Option<(Flow, u32)> {
        let ip = Ipv4::unsummed(packet)?;
        let payload = packet.get(ip.header_len()..)?;
        let word = |at: usize| payload.get(at..at + 2).map(|w| u16::from_be_bytes([w[0], w[1]]));
        let (sport, dport, at) = match ip.proto() {
            6 => (word(0)?, word(2)?, 4),
            17 => (word(0)?, word(2)?, 8),
            1 if *payload.first()? == if answer { 0 } else { 8 } => (word(4)?, word(4)?, 6),
            _ => return None,
        };
        // A query's mark is only two bytes long, behind its identifier.
        let mark = match ip.proto() {
            1 => u32::from(word(at)?) << 16 | u32::from(word(at + 2)?),
            _ => u32::from(word(at)?) << 16 | u32::from(word(at + 2).unwrap_or(0)),
        };
        Some((Flow { proto: ip.proto(), src: (ip.src(), sport), dst: (ip.dst(), dport) }, mark))
    }
}

/// Whether all checksums of a packet are right.
fn is_intact(packet: &[u8]) -> bool {
    let Ok(ip) = Ipv4::new(packet) else { return false };
    let payload = &packet[ip.header_len()..ip.total_len()];
    match ip.proto() {
        1 => checksum(payload) == 0,
        proto => transport_checksum(ip.src(), ip.dst(), proto, payload) == 0,
    }
}

/// What the ordeal came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Came {
    /// Answers that arrived as answers to what was sent.
    pub(crate) answers: usize,
    /// Errors that quoted what was sent.
    pub(crate) errors: usize,
    /// Packets that went on otherwise than they came.
    pub(crate) translated: usize,
}

struct Ordeal {
    sim: Sim,
    marks: u32,
    came: Came,
}

/// Goes through all of it.
pub(crate) fn translate(bytes: &[u8]) -> Came {
    let mut rest = Bytes(bytes);
    let mut sim = lab(TOPOLOGY);
    let changes = rules(&mut rest);
    sim.execute(&[Op::Ruleset { netns: ns("r"), changes }]).expect("rules of NAT");
    for netns in ["in", "out"] {
        let capture = Capture { netns: ns(netns), dev: dev("eth0"), snap_len: 65535, promiscuous: true };
        sim.start(Probe::Capture(capture)).expect("a capture");
    }
    let mut ordeal = Ordeal { sim, marks: 0, came: Came::default() };
    for _ in 0..MOST_STEPS {
        if rest.0.is_empty() {
            break;
        }
        ordeal.step(&mut rest);
        ordeal.check();
    }
    pass(&mut ordeal.sim, Duration::from_secs(500_000));
    assert_eq!(ordeal.connections(), [], "something is kept for ever");
    ordeal.came
}

/// A translation at a hook.
fn rule(bytes: &mut Bytes<'_>) -> RuleChange {
    let (source, proto, kind) = (bytes.byte() & 1 == 0, bytes.pick(PROTOS), bytes.byte());
    let mut nat = Nat::new(match (source, kind % 4) {
        (true, 0 | 1) => NatKind::Masquerade,
        (true, _) => NatKind::Snat,
        (false, 0) => NatKind::Redirect,
        (false, _) => NatKind::Dnat,
    });
    let addrs = if source { PUBLIC } else { INSIDE };
    if matches!(nat.kind, NatKind::Snat | NatKind::Dnat) {
        let (a, b) = (bytes.pick(addrs), bytes.pick(addrs));
        nat.addrs = Some((a.min(b).into(), a.max(b).into()));
    }
    // Ranges of at most four ports: they are soon used up.
    if kind & 4 == 0 {
        let lo = bytes.pick(PORTS);
        nat.ports = Some((lo, lo + u16::from(bytes.byte() % 4)));
    }
    (nat.random, nat.persistent) = (kind & 16 != 0, kind & 32 != 0);
    let (chain, way, names) =
        if source { ("post", Key::Oifname, ["wan", "lan"]) } else { ("pre", Key::Iifname, ["wan", "lan"]) };
    let mut stmts = vec![Stmt::Match(Match::is(Key::L4proto, proto.into()))];
    if kind & 64 == 0 {
        stmts.push(Stmt::Match(Match::name(way, false, bytes.pick(names))));
    }
    if kind & 8 == 0 && proto != 1 {
        let level = if proto == 6 { Level4::Tcp } else { Level4::Udp };
        let port = bytes.pick(PORTS);
        stmts.push(Stmt::Match(Match::within(
            Key::Dport(level),
            false,
            vec![Span::new(port.into(), (port + 1).into())],
        )));
    }
    if !source {
        stmts.push(Stmt::Match(Match::within(
            Key::IpDaddr,
            false,
            vec![Span::new(PUBLIC[0].to_bits().into(), PUBLIC[2].to_bits().into())],
        )));
    }
    stmts.push(Stmt::Nat(nat));
    RuleChange::AddRule { which: Which::of(Family::Ip, "t", chain), place: Place::Last, rule: Rule::new(stmts) }
}

fn rules(bytes: &mut Bytes<'_>) -> Vec<RuleChange> {
    let base = |hook, priority| Some(Base::new(ChainKind::Nat, hook, priority, Policy::Accept));
    let chain = |name, base| RuleChange::AddChain { which: Which::of(Family::Ip, "t", name), base, fresh: true };
    let mut changes = vec![
        RuleChange::AddTable { which: Which::table(Family::Ip, "t"), fresh: true },
        chain("pre", base(Hook::Prerouting, -100)),
        chain("post", base(Hook::Postrouting, 100)),
    ];
    for _ in 0..=bytes.byte() % 5 {
        changes.push(rule(bytes));
    }
    changes
}

impl Ordeal {
    /// Puts a packet in by a side; what comes out, and where.
    fn put(&mut self, side: Side, packet: &[u8]) -> Vec<(Side, Vec<u8>)> {
        let (name, macs) = side.ways();
        self.sim.receive(&ns("r"), dev(name), &ethernet(macs, packet));
        let until = self.sim.now() + Duration::from_millis(1);
        let mut out = Vec::new();
        while let Some((_, _, event)) = self.sim.advance(until) {
            if let ProbeEvent::Frame { direction: Direction::In, bytes, .. } = event
                && bytes[12..14] == [8, 0]
            {
                // Only the outside's MAC ends in 4.
                out.push((if bytes[5] == 4 { Side::Out } else { Side::In }, bytes[14..].to_vec()));
            }
        }
        for (_, packet) in &out {
            assert!(is_intact(packet), "a checksum is wrong: {packet:02x?}");
        }
        out
    }

    fn mark(&mut self) -> u32 {
        self.marks += 1;
        self.marks
    }

    /// A packet, and what comes of it.
    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let kind = bytes.byte();
        if kind % 16 == 15 {
            let time = Duration::from_secs(u64::from(bytes.byte()));
            return pass(&mut self.sim, time);
        }
        let proto = bytes.pick(PROTOS);
        let (side, src, dst) = match kind % 4 {
            0 | 1 => (Side::In, bytes.pick(INSIDE), bytes.pick(OUTSIDE)),
            2 => (Side::In, bytes.pick(INSIDE), bytes.pick(PUBLIC)),
            _ => (Side::Out, bytes.pick(OUTSIDE), bytes.pick(PUBLIC)),
        };
        let (sport, dport) = (bytes.pick(PORTS), bytes.pick(PORTS));
        let flow = Flow { proto, src: (src, sport), dst: (dst, if proto == 1 { sport } else { dport }) };
        let (mark, is_last) = (self.mark(), kind & 64 != 0 && kind & 128 != 0);
        let sent = flow.packet(false, if is_last { 1 } else { 64 }, mark);
        let out = self.put(side, &sent);
        if is_last {
            return self.quoted(side, flow, &out);
        }
        let mut gone = out.iter().filter_map(|(at, packet)| {
            Flow::of(packet, false).filter(|(_, of)| *of == mark).map(|(to, _)| (*at, to, packet.clone()))
        });
        let Some((at, to, packet)) = gone.next() else { return };
        assert!(gone.next().is_none(), "{flow:?} went on twice");
        drop(gone);
        self.came.translated += usize::from(to != flow);
        if kind & 64 != 0 {
            // An error from the one that it was sent to.
            let quote = &packet[..28.min(packet.len())];
            let mut icmp = [&[3, 3, 0, 0, 0, 0, 0, 0], quote].concat();
            let sum = checksum(&icmp).to_be_bytes();
            icmp[2..4].copy_from_slice(&sum);
            let error = ipv4((to.dst.0, to.src.0), (1, 64), 0, &icmp);
            let out = self.put(at, &error);
            return self.quoted(side, flow, &out);
        }
        let mark = self.mark();
        let out = self.put(at, &to.back().packet(true, 64, mark));
        let answers: Vec<_> = out.iter().filter_map(|(at, p)| Some((*at, Flow::of(p, true)?))).collect();
        let back = if proto == 1 { Flow { src: (dst, sport), dst: (src, sport), proto } } else { flow.back() };
        assert_eq!(answers, [(side, (back, mark))], "the answer to {flow:?}, which went on as {to:?}");
        self.came.answers += 1;
    }

    /// Errors that came back to a side quote what was sent.
    fn quoted(&mut self, side: Side, flow: Flow, out: &[(Side, Vec<u8>)]) {
        for (at, packet) in out {
            let Some(ip) = Ipv4::new(packet).ok().filter(|ip| ip.proto() == 1) else { continue };
            let Some(icmp) = Icmp::new(&packet[ip.header_len()..]).filter(|icmp| icmp.is_error() && icmp.kind() != 5)
            else {
                continue;
            };
            assert_eq!((*at, ip.dst()), (side, flow.src.0), "an error about {flow:?} goes elsewhere");
            let quote = icmp.payload();
            let inner = Ipv4::new(&[quote, &[0; 64]].concat()).map(|ip| (ip.src(), ip.dst()));
            assert_eq!(
                inner,
                Ok((flow.src.0, flow.dst.0)),
                "an error about {flow:?} quotes something else: {packet:02x?}"
            );
            let ports = |at: usize| u16::from_be_bytes([quote[20 + at], quote[21 + at]]);
            match flow.proto {
                1 => assert_eq!(ports(4), flow.src.1, "an error quotes another identifier"),
                _ => assert_eq!((ports(0), ports(2)), (flow.src.1, flow.dst.1), "an error quotes other ports"),
            }
            self.came.errors += 1;
        }
    }

    fn connections(&mut self) -> Vec<Connection> {
        match self.sim.query(&Query::Conntrack(ns("r"))) {
            Ok(Answer::Conntrack(list)) => list,
            other => panic!("{other:?}"),
        }
    }

    /// No two live connections share a tuple.
    fn check(&mut self) {
        let list = self.connections();
        let tuples: BTreeSet<_> = list.iter().flat_map(|c| [c.original, c.reply]).collect();
        // One that is sent back to its own sender may look the same both ways.
        let each: usize = list.iter().map(|c| 1 + usize::from(c.original != c.reply)).sum();
        assert_eq!(tuples.len(), each, "two connections share a tuple: {list:?}");
    }
}
