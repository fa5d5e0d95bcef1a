//! A routed mesh of fifty namespaces with random links, addresses, routes and rules: `ip route get` and a ping from each
//! to each agree with the kernel, pair by pair.
//!
//! Each namespace has an address on `lo`. Most routes lead by a shortest path, some by a detour, some say no, some lie in
//! other tables that rules lead to, and some namespaces do not forward or check sources. What a lost ping is told of is not
//! compared: which of many errors at one instant a router's limits let pass depends on their order.

use crate::harness::{dev, ns};
use crate::machine::{is_there, machine, stay_on_this_cpu};
use nettwin_model::op::{AddLink, NewLink, VethPeer};
use nettwin_model::probe::{Outcome, Ping, Probe, ProbeEvent, ProbeId};
use nettwin_model::words;
use nettwin_model::{Address, Answer, Backend, Fault, Instant, LinkChange, Op, Query, RouteGet, RouteVerb, SysctlKey};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

const SIZE: usize = 50;
/// Namespaces whose pings run at the same time: a kernel has so many sockets at once.
const AT_ONCE: usize = 5;

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

/// Who is linked to whom: for each namespace its neighbours' numbers, interfaces and addresses.
struct Mesh {
    /// By namespace: the neighbour, the interface to it, its address on that wire.
    links: Vec<Vec<(usize, String, Ipv4Addr)>>,
    ops: Vec<Op>,
}

fn name(n: usize) -> String {
    format!("n{n}")
}

/// The address on `lo`.
fn own(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 200, (n * 5 % 256) as u8, 1 + n as u8) // fewer than 255
}

fn sysctl(n: usize, key: &str, value: &str) -> Op {
    let key = SysctlKey::new(key).expect("a sysctl's name");
    Op::SetSysctl { netns: ns(&name(n)), key, value: value.into() }
}

fn up(n: usize, at: &str) -> Op {
    let change = Box::new(LinkChange { up: Some(true), ..LinkChange::default() });
    Op::SetLink { netns: ns(&name(n)), name: dev(at), change }
}

fn addr(n: usize, at: &str, cidr: &str) -> Op {
    Op::AddAddr { netns: ns(&name(n)), dev: dev(at), addr: Address::new(cidr.parse().expect("a CIDR")) }
}

fn route(n: usize, text: &str) -> Op {
    let route = words::route::parse(text).expect("a route");
    Op::AddRoute { netns: ns(&name(n)), verb: RouteVerb::Add, route }
}

fn rule(n: usize, text: &str) -> Op {
    Op::AddRule { netns: ns(&name(n)), rule: Box::new(words::rule::parse(text).expect("a rule")) }
}

impl Mesh {
    fn new(dice: &mut Dice) -> Mesh {
        let mut mesh = Mesh { links: vec![Vec::new(); SIZE], ops: Vec::new() };
        for n in 0..SIZE {
            mesh.ops.push(Op::AddNetns { netns: ns(&name(n)) });
            for (key, value) in nettwin_model::sysctl::BASELINE {
                mesh.ops.push(sysctl(n, key, value));
            }
            for key in ["conf/all/send_redirects", "conf/default/send_redirects"] {
                mesh.ops.push(sysctl(n, &format!("net/ipv4/{key}"), "0"));
            }
            let forwards = dice.roll(25) != 0;
            mesh.ops.push(sysctl(n, "net/ipv4/ip_forward", if forwards { "1" } else { "0" }));
            mesh.ops.push(sysctl(
                n,
                "net/ipv4/conf/all/rp_filter",
                ["0", "0", "0", "0", "0", "0", "2", "1"][dice.roll(8) as usize],
            ));
            mesh.ops.extend([up(n, "lo"), addr(n, "lo", &format!("{}/32", own(n)))]);
        }
        // A tree, so that all are connected, then some more wires.
        for n in 1..SIZE {
            let to = dice.roll(n as u64) as usize;
            mesh.wire(n, to, dice);
        }
        for _ in 0..SIZE / 2 {
            let (a, b) = (dice.roll(SIZE as u64) as usize, dice.roll(SIZE as u64) as usize);
            if a != b && !mesh.links[a].iter().any(|(to, ..)| *to == b) {
                mesh.wire(a, b, dice);
            }
        }
        for n in 0..SIZE {
            mesh.route_all(n, dice);
            mesh.rules(n, dice);
        }
        mesh
    }

    fn wire(&mut self, a: usize, b: usize, dice: &mut Dice) {
        let number = self.links.iter().map(Vec::len).sum::<usize>() / 2;
        let len = 28 + dice.roll(3) as u8;
        let net = u32::from(Ipv4Addr::new(10, 100, 0, 0)) + (number as u32) * 16;
        let (first, second) = (Ipv4Addr::from(net + 1), Ipv4Addr::from(net + 2));
        let (at, there) = (format!("to{b}"), format!("to{a}"));
        let kind = NewLink::Veth { peer: VethPeer { netns: ns(&name(b)), name: dev(&there), mac: None, mtu: None } };
        let (netns, link) = (ns(&name(a)), dev(&at));
        self.ops.push(Op::AddLink(Box::new(AddLink {
            netns,
            name: link,
            kind,
            mac: None,
            mtu: None,
            master: None,
            up: false,
        })));
        self.ops.extend([up(a, &at), up(b, &there)]);
        self.ops.extend([addr(a, &at, &format!("{first}/{len}")), addr(b, &there, &format!("{second}/{len}"))]);
        self.links[a].push((b, at, second));
        self.links[b].push((a, there, first));
    }

    /// The distance of each from `from`.
    fn distances(&self, from: usize) -> Vec<usize> {
        let mut far = vec![usize::MAX; SIZE];
        far[from] = 0;
        let mut waiting = VecDeque::from([from]);
        while let Some(at) = waiting.pop_front() {
            for (to, ..) in &self.links[at] {
                if far[*to] == usize::MAX {
                    far[*to] = far[at] + 1;
                    waiting.push_back(*to);
                }
            }
        }
        far
    }

    fn route_all(&mut self, n: usize, dice: &mut Dice) {
        for to in (0..SIZE).filter(|to| *to != n) {
            let far = self.distances(to);
            let nearer: Vec<_> = self.links[n].iter().filter(|(by, ..)| far[*by] < far[n]).cloned().collect();
            let pick = match dice.roll(150) {
                0 => &self.links[n],
                _ => &nearer,
            };
            let (_, at, via) = pick[dice.roll(pick.len() as u64) as usize].clone();
            let dst = own(to);
            let more = match dice.roll(30) {
                0 => " metric 7",
                1 => " tos 0x10",
                2 => " mtu 1400",
                3 => " table 100",
                _ => "",
            };
            let text = match dice.roll(200) {
                0 => format!("unreachable {dst}"),
                1 => format!("blackhole {dst}"),
                2 => format!("prohibit {dst}"),
                3 => format!("throw {dst}"),
                4..12 => format!("{dst} via {via} dev {at}{more}"),
                _ => format!("{dst} via {via} dev {at} src {}{more}", own(n)),
            };
            self.ops.push(route(n, &text));
        }
        if dice.roll(3) == 0 {
            let (_, at, via) = self.links[n][dice.roll(self.links[n].len() as u64) as usize].clone();
            self.ops.push(route(n, &format!("default via {via} dev {at}")));
        }
    }

    fn rules(&mut self, n: usize, dice: &mut Dice) {
        self.ops.push(rule(n, "priority 30000 lookup 100"));
        for _ in 0..dice.roll(3) {
            let other = own(dice.roll(SIZE as u64) as usize);
            let at = self.links[n][dice.roll(self.links[n].len() as u64) as usize].1.clone();
            let text = match dice.roll(10) {
                0 => format!("from {other} lookup 100"),
                1 => format!("to {other}/24 lookup 100"),
                2 => format!("iif {at} to {other}/20 prohibit"),
                3 => format!("not from 10.200.0.0/16 to {other} unreachable"),
                4 => "ipproto icmp lookup 100".to_owned(),
                5 => "lookup main suppress_prefixlength 0".to_owned(),
                6 => format!("iif lo to {other} blackhole"),
                7 => format!("priority 1{} goto 32766", dice.roll(1000)),
                8 => "ipproto udp prohibit".to_owned(),
                _ => format!("from {other}/22 iif {at} lookup 100"),
            };
            self.ops.push(rule(n, &text));
        }
    }
}

/// What a machine says of each pair.
type Pairs = BTreeMap<String, String>;

fn run(ops: &[Op], machine: &mut dyn Backend) -> Pairs {
    let mut pairs = Pairs::new();
    // An op that is refused is refused by both, or the pairs differ.
    let mut done = 0;
    while done < ops.len() {
        match machine.execute(&ops[done..]) {
            Ok(()) => break,
            Err(failure) => {
                done += failure.done;
                pairs.insert(ops[done].to_string(), said(&failure.fault));
                done += 1;
            }
        }
    }
    machine.settle().expect("a machine that settles");
    for n in 0..SIZE {
        for to in 0..SIZE {
            let get = RouteGet::new(ns(&name(n)), own(to).into());
            let text = match machine.query(&Query::RouteGet(get)) {
                Ok(Answer::Route(got)) => format!("{} {:?}", words::route::print(&got.route), got.flags),
                Ok(_) => "another answer".to_owned(),
                Err(fault) => said(&fault),
            };
            pairs.insert(format!("{n} {to} route"), text);
        }
    }
    let all: Vec<usize> = (0..SIZE).collect();
    for batch in all.chunks(AT_ONCE) {
        pairs.extend(pings(batch, machine));
    }
    pairs
}

fn said(fault: &Fault) -> String {
    match fault {
        Fault::Refused { errno, .. } => errno.to_string(),
        other => other.to_string(),
    }
}

fn pings(from: &[usize], machine: &mut dyn Backend) -> Pairs {
    let mut pairs = Pairs::new();
    let mut running: BTreeMap<ProbeId, String> = BTreeMap::new();
    for (n, to) in from.iter().flat_map(|n| (0..SIZE).map(|to| (*n, to))) {
        let mut ping = Ping::new(ns(&name(n)), own(to), 1);
        ping.linger = Duration::from_secs(1);
        let pair = format!("{n} {to} ping");
        match machine.start(Probe::Ping(ping)) {
            Ok(id) => {
                running.insert(id, pair);
            }
            Err(fault) => {
                pairs.insert(pair, said(&fault));
            }
        }
    }
    while !running.is_empty() {
        let Some((_, id, event)) = machine.advance(Instant::FAR) else { break };
        let Some(pair) = running.get(&id).cloned() else { continue };
        let text = pairs.entry(pair).or_default();
        match event {
            ProbeEvent::Started { source: Some(source) } => *text += &format!("from {source} "),
            ProbeEvent::Reply { ttl, .. } => *text += &format!("ttl {ttl}"),
            ProbeEvent::Done(outcome) => {
                running.remove(&id);
                if let Outcome::Failed(errno) = outcome {
                    *text += &errno.to_string();
                }
            }
            _ => {}
        }
    }
    pairs
}

#[derive(Default, Serialize, Deserialize)]
struct Golden {
    kernel: String,
    pairs: Pairs,
}

#[test]
fn fifty_namespaces_agree_pair_by_pair() {
    // Another mesh, on the kernel alone: `NETTWIN_MESH_SEED`.
    let seed = std::env::var("NETTWIN_MESH_SEED").ok().map(|text| text.parse().expect("a number that is not 0"));
    let mesh = Mesh::new(&mut Dice(seed.unwrap_or(3333)));
    let ours = run(&mesh.ops, &mut nettwin_sim::Sim::new(7));
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "mesh.json"].iter().collect();
    let theirs = if is_there("a mesh of fifty namespaces") {
        stay_on_this_cpu();
        let pairs = run(&mesh.ops, &mut *machine().expect("as before"));
        if seed.is_none() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            let golden = Golden { kernel: crate::kernel::release(), pairs: pairs.clone() };
            let text = serde_json::to_string(&golden).expect("serialisable").replace("\",\"", "\",\n\"");
            std::fs::write(&path, text + "\n").expect("the golden file");
        }
        pairs
    } else {
        let text = std::fs::read_to_string(&path).expect("a golden file");
        serde_json::from_str::<Golden>(&text).expect("a golden file").pairs
    };
    let reached = ours.iter().filter(|(pair, text)| pair.ends_with("ping") && text.contains("ttl")).count();
    let keys: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let differ: Vec<String> = keys
        .into_iter()
        .filter(|key| ours.get(*key) != theirs.get(*key))
        .map(|key| format!("  {key}\n    kernel {:?}\n    sim    {:?}", theirs.get(key), ours.get(key)))
        .collect();
    println!("{} pairs, {reached} of {} pings answered", ours.len(), SIZE * SIZE);
    assert!(reached > SIZE * SIZE / 4, "only {reached} pings were answered: the mesh proves little");
    assert!(
        differ.is_empty(),
        "{} of {} differ\n{}",
        differ.len(),
        ours.len(),
        differ[..differ.len().min(20)].join("\n")
    );
}
