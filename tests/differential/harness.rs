//! Runs a case on a machine, records what it answered, and compares records.
//!
//! A case is a list of steps over any [`Backend`]; a record holds one answer for each step, with what is random by
//! nature taken out. The simulator always runs; the kernel runs wherever namespaces are allowed, and its answers are the
//! golden ones.

use nettwin::conform::normalise;
use nettwin_model::backend::{Answer, Extent, Fault, Query};
use nettwin_model::op::{AddLink, LinkChange, NewLink, RouteVerb, VethPeer};
use nettwin_model::probe::{Capture, Frames, Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::snapshot::Snapshot;
use nettwin_model::words;
use nettwin_model::{Address, Backend, IfName, Mac, Neigh, NetnsName, Nud, Op, Route, SysctlKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// One thing to do.
pub(crate) enum Step {
    /// Execute; the errno is recorded.
    Op(Op),
    /// Run a workload to its end; events and outcome are recorded.
    Probe(Probe),
    /// Start a workload and leave it running under a name.
    Start(&'static str, Probe),
    /// End a workload left running; what it reported is recorded.
    End(&'static str),
    /// The same, but what is repeated is recorded once: how often depends on the instant at which it was begun.
    EndDistinct(&'static str),
    /// The same, but of its frames only those that are wanted, told from their hexadecimal text.
    EndWhere(&'static str, fn(&str) -> bool),
    /// Let time pass.
    Wait(Duration),
    /// Record one answer.
    Ask(Query),
    /// Record the state: config and derived, and of the volatile part what the case wants.
    Observe(See),
}

/// What of the volatile part is recorded.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct See {
    /// Neighbour entries.
    pub(crate) neighs: bool,
    /// Forwarding databases, of stations and of groups.
    pub(crate) fdb: bool,
    /// Counters.
    pub(crate) stats: bool,
}

/// A named list of steps.
pub(crate) struct Case {
    name: &'static str,
    steps: Vec<(String, Step)>,
    takes_root: bool,
    takes_long: bool,
}

/// One step's answer, with its label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    step: String,
    answer: serde_json::Value,
}

/// What a machine answered to a case.
pub(crate) type Record = Vec<Entry>;

pub(crate) fn ns(name: &str) -> NetnsName {
    NetnsName::new(name).expect("a namespace's name")
}

pub(crate) fn dev(name: &str) -> IfName {
    IfName::new(name).expect("an interface's name")
}

/// A MAC that says which namespace and interface it belongs to: unique within a case, and ordered by use.
pub(crate) fn mac(last: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, last])
}

impl Case {
    pub(crate) fn new(name: &'static str) -> Self {
        Case { name, steps: Vec::new(), takes_root: false, takes_long: false }
    }

    /// On the kernel it takes root: a user namespace knows no users but oneself, and may not do all.
    pub(crate) fn only_as_root(self) -> Self {
        Case { takes_root: true, ..self }
    }

    /// It takes the kernel so long that it is asked only where `NETTWIN_LONG` is set; otherwise its golden answer is
    /// compared with.
    pub(crate) fn takes_long(self) -> Self {
        Case { takes_long: true, ..self }
    }

    pub(crate) fn is_long(&self) -> bool {
        self.takes_long
    }

    pub(crate) fn takes_root(&self) -> bool {
        self.takes_root
    }

    fn push(mut self, label: impl Into<String>, step: Step) -> Self {
        self.steps.push((label.into(), step));
        self
    }

    /// One op.
    pub(crate) fn op(self, op: Op) -> Self {
        let label = op.to_string();
        self.push(label, Step::Op(op))
    }

    /// Namespaces with the baseline and lo up.
    pub(crate) fn netns(mut self, names: &[&str]) -> Self {
        for name in names {
            self = self.op(Op::AddNetns { netns: ns(name) });
            for (key, value) in nettwin_model::sysctl::BASELINE {
                self = self.sysctl(name, key, value);
            }
            self = self.set(name, "lo", LinkChange { up: Some(true), ..LinkChange::default() });
        }
        self
    }

    /// A veth pair, both ends up, MACs 02:00:00:00:00:`macs`.
    pub(crate) fn wire(self, a: (&str, &str), b: (&str, &str), macs: (u8, u8)) -> Self {
        self.op(Op::AddLink(Box::new(AddLink {
            netns: ns(a.0),
            name: dev(a.1),
            kind: NewLink::Veth {
                peer: VethPeer { netns: ns(b.0), name: dev(b.1), mac: Some(mac(macs.1)), mtu: None },
            },
            mac: Some(mac(macs.0)),
            mtu: None,
            master: None,
            up: false,
        })))
        .up(a.0, a.1)
        .up(b.0, b.1)
    }

    /// A bridge with quiet multicast (snooping off), down.
    pub(crate) fn bridge(self, netns: &str, name: &str) -> Self {
        let attrs = nettwin_model::BridgeAttrs { mcast_snooping: Some(false), ..Default::default() };
        self.op(Op::AddLink(Box::new(AddLink {
            netns: ns(netns),
            name: dev(name),
            kind: NewLink::Bridge { attrs },
            mac: None,
            mtu: None,
            master: None,
            up: false,
        })))
    }

    pub(crate) fn set(self, netns: &str, name: &str, change: LinkChange) -> Self {
        self.op(Op::SetLink { netns: ns(netns), name: dev(name), change: Box::new(change) })
    }

    pub(crate) fn up(self, netns: &str, name: &str) -> Self {
        self.set(netns, name, LinkChange { up: Some(true), ..LinkChange::default() })
    }

    pub(crate) fn down(self, netns: &str, name: &str) -> Self {
        self.set(netns, name, LinkChange { up: Some(false), ..LinkChange::default() })
    }

    pub(crate) fn master(self, netns: &str, name: &str, bridge: Option<&str>) -> Self {
        self.set(netns, name, LinkChange { master: Some(bridge.map(dev)), ..LinkChange::default() })
    }

    /// `bridge vlan add dev NAME vid …`.
    pub(crate) fn vlan(self, netns: &str, name: &str, words: &str) -> Self {
        let vlans = words::vlan::parse(words).unwrap_or_else(|e| panic!("VLANs {words:?}: {e:?}"));
        self.op(Op::AddVlan { netns: ns(netns), dev: dev(name), vlans, own: false })
    }

    pub(crate) fn addr(self, netns: &str, name: &str, cidr: &str) -> Self {
        let addr = Address::new(cidr.parse().expect("a CIDR"));
        self.op(Op::AddAddr { netns: ns(netns), dev: dev(name), addr })
    }

    /// An address in `ip addr`'s words.
    pub(crate) fn addr_words(self, netns: &str, name: &str, text: &str) -> Self {
        let addr = words::addr::parse(text).unwrap_or_else(|e| panic!("address {text:?}: {e:?}"));
        self.op(Op::AddAddr { netns: ns(netns), dev: dev(name), addr })
    }

    /// `ip addr replace`.
    pub(crate) fn change_addr(self, netns: &str, name: &str, text: &str) -> Self {
        let addr = words::addr::parse(text).unwrap_or_else(|e| panic!("address {text:?}: {e:?}"));
        self.op(Op::ChangeAddr { netns: ns(netns), dev: dev(name), addr })
    }

    pub(crate) fn del_addr(self, netns: &str, name: &str, cidr: &str) -> Self {
        let addr = Address::new(cidr.parse().expect("a CIDR"));
        self.op(Op::DelAddr { netns: ns(netns), dev: dev(name), addr })
    }

    pub(crate) fn route(self, netns: &str, text: &str) -> Self {
        self.route_by(RouteVerb::Add, netns, text)
    }

    pub(crate) fn route_by(self, verb: RouteVerb, netns: &str, text: &str) -> Self {
        self.op(Op::AddRoute { netns: ns(netns), verb, route: route(text) })
    }

    pub(crate) fn del_route(self, netns: &str, text: &str) -> Self {
        self.op(Op::DelRoute { netns: ns(netns), route: route(text) })
    }

    pub(crate) fn nexthop(self, netns: &str, text: &str) -> Self {
        self.op(Op::AddNexthop { netns: ns(netns), nexthop: nexthop(text), replace: false })
    }

    pub(crate) fn replace_nexthop(self, netns: &str, text: &str) -> Self {
        self.op(Op::AddNexthop { netns: ns(netns), nexthop: nexthop(text), replace: true })
    }

    pub(crate) fn del_nexthop(self, netns: &str, id: u32) -> Self {
        self.op(Op::DelNexthop { netns: ns(netns), id })
    }

    pub(crate) fn rule(self, netns: &str, text: &str) -> Self {
        let rule = words::rule::parse(text).unwrap_or_else(|e| panic!("rule {text:?}: {e:?}"));
        self.op(Op::AddRule { netns: ns(netns), rule: Box::new(rule) })
    }

    pub(crate) fn del_rule(self, netns: &str, text: &str) -> Self {
        let rule = words::rule::parse_partial(text).unwrap_or_else(|e| panic!("rule {text:?}: {e:?}"));
        self.op(Op::DelRule { netns: ns(netns), rule: Box::new(rule) })
    }

    pub(crate) fn sysctl(self, netns: &str, key: &str, value: &str) -> Self {
        let key = SysctlKey::new(key).expect("a sysctl's name");
        self.op(Op::SetSysctl { netns: ns(netns), key, value: value.into() })
    }

    pub(crate) fn neigh(self, netns: &str, name: &str, addr: &str, lladdr: Option<Mac>) -> Self {
        let neigh = Neigh {
            dev: dev(name),
            dst: addr.parse().expect("an address"),
            lladdr,
            state: Nud::Permanent,
            proxy: lladdr.is_none(),
            extra: Default::default(),
        };
        self.op(Op::AddNeigh { netns: ns(netns), neigh, replace: false })
    }

    pub(crate) fn probe(self, probe: Probe) -> Self {
        let label = format!("probe {}", serde_json::to_string(&probe).expect("serialisable"));
        self.push(label, Step::Probe(probe))
    }

    /// `ping -c COUNT -i 0.2 -W 5 DST`.
    pub(crate) fn ping(self, from: &str, to: &str, count: u32) -> Self {
        self.ping_with(from, to, count, |_| {})
    }

    pub(crate) fn ping_with(
        self,
        from: &str,
        to: &str,
        count: u32,
        change: impl FnOnce(&mut nettwin_model::probe::Ping),
    ) -> Self {
        let mut ping = nettwin_model::probe::Ping::new(ns(from), to.parse().expect("an address"), count);
        ping.interval = Duration::from_millis(200);
        ping.linger = Duration::from_secs(1);
        change(&mut ping);
        self.probe(Probe::Ping(ping))
    }

    pub(crate) fn start(self, name: &'static str, probe: Probe) -> Self {
        self.push(format!("start {name}"), Step::Start(name, probe))
    }

    pub(crate) fn end(self, name: &'static str) -> Self {
        self.push(format!("end {name}"), Step::End(name))
    }

    pub(crate) fn end_distinct(self, name: &'static str) -> Self {
        self.push(format!("end {name}, what is distinct"), Step::EndDistinct(name))
    }

    /// Ends a capture; of its frames those count that are `what`.
    pub(crate) fn end_where(self, name: &'static str, what: &str, wanted: fn(&str) -> bool) -> Self {
        self.push(format!("end {name}, {what}"), Step::EndWhere(name, wanted))
    }

    pub(crate) fn capture(self, name: &'static str, netns: &str, on: &str) -> Self {
        let probe = Probe::Capture(Capture { netns: ns(netns), dev: dev(on), snap_len: 65535, promiscuous: false });
        self.start(name, probe)
    }

    /// Frames of somebody's own making, sent by an interface.
    pub(crate) fn send(self, netns: &str, by: &str, frames: Vec<Vec<u8>>) -> Self {
        let label = format!("{netns} sends {} frames by {by}", frames.len());
        self.push(label, Step::Probe(Probe::Frames(Frames { netns: ns(netns), dev: dev(by), frames })))
    }

    pub(crate) fn wait_ms(self, ms: u64) -> Self {
        self.push(format!("wait {ms} ms"), Step::Wait(Duration::from_millis(ms)))
    }

    pub(crate) fn ask(self, query: Query) -> Self {
        let label = format!("ask {}", serde_json::to_string(&query).expect("serialisable"));
        self.push(label, Step::Ask(query))
    }

    /// `ip route get DST`.
    pub(crate) fn route_get(self, netns: &str, dst: &str) -> Self {
        let get = nettwin_model::RouteGet::new(ns(netns), dst.parse().expect("an address"));
        self.ask(Query::RouteGet(get))
    }

    /// `ip route get DST …` in any of its forms.
    pub(crate) fn get(self, netns: &str, dst: &str, more: impl FnOnce(&mut nettwin_model::RouteGet)) -> Self {
        let mut get = nettwin_model::RouteGet::new(ns(netns), dst.parse().expect("an address"));
        more(&mut get);
        self.ask(Query::RouteGet(get))
    }

    /// Config and derived state.
    pub(crate) fn observe(self) -> Self {
        self.see(See::default())
    }

    pub(crate) fn see(self, see: See) -> Self {
        self.push("observe", Step::Observe(see))
    }

    pub(crate) fn neighs(self) -> Self {
        self.see(See { neighs: true, ..See::default() })
    }

    pub(crate) fn fdb(self) -> Self {
        self.see(See { fdb: true, ..See::default() })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// All that it executes.
    pub(crate) fn ops(&self) -> Vec<Op> {
        let op = |(_, step): &(String, Step)| match step {
            Step::Op(op) => Some(op.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(op).collect()
    }
}

fn nexthop(text: &str) -> nettwin_model::NexthopObject {
    words::nexthop::parse(text).unwrap_or_else(|e| panic!("nexthop {text:?}: {e:?}"))
}

fn route(text: &str) -> Route {
    words::route::parse(text).unwrap_or_else(|e| panic!("route {text:?}: {e:?}"))
}

/// Runs a case and records each step's answer.
pub(crate) fn run(case: &Case, machine: &mut dyn Backend) -> Record {
    let mut recorder = Recorder { machine, running: BTreeMap::new(), heard: BTreeMap::new() };
    case.steps.iter().map(|(label, step)| Entry { step: label.clone(), answer: recorder.take(step) }).collect()
}

struct Recorder<'a> {
    machine: &'a mut dyn Backend,
    running: BTreeMap<&'static str, ProbeId>,
    heard: BTreeMap<ProbeId, Vec<ProbeEvent>>,
}

impl Recorder<'_> {
    fn take(&mut self, step: &Step) -> serde_json::Value {
        match step {
            Step::Op(op) => match self.machine.execute(std::slice::from_ref(op)) {
                Ok(()) => "ok".into(),
                Err(failure) => fault(&failure.fault),
            },
            Step::Probe(probe) => {
                self.settle();
                match self.machine.start(probe.clone()) {
                    Err(f) => fault(&f),
                    Ok(id) => {
                        self.heard.insert(id, Vec::new());
                        self.until_done(id);
                        events(&self.heard.remove(&id).unwrap_or_default())
                    }
                }
            }
            Step::Start(name, probe) => {
                self.settle();
                match self.machine.start(probe.clone()) {
                    Err(f) => fault(&f),
                    Ok(id) => {
                        self.running.insert(name, id);
                        self.heard.insert(id, Vec::new());
                        "started".into()
                    }
                }
            }
            Step::EndDistinct(name) => match self.take(&Step::End(name)) {
                serde_json::Value::Array(events) => {
                    let mut distinct = Vec::new();
                    for event in events {
                        // How many frames there were is no more distinct than they are.
                        if !distinct.contains(&event) && event.get("done").is_none() {
                            distinct.push(event);
                        }
                    }
                    distinct.into()
                }
                other => other,
            },
            Step::EndWhere(name, wanted) => match self.take(&Step::End(name)) {
                serde_json::Value::Array(mut events) => {
                    events
                        .retain(|event| event.pointer("/frame/bytes").is_some_and(|b| b.as_str().is_some_and(wanted)));
                    events.into()
                }
                other => other,
            },
            Step::End(name) => {
                let Some(id) = self.running.remove(name) else { return "was not started".into() };
                // What is on its way arrives first.
                self.pass(Duration::from_millis(100));
                self.machine.stop(id, Stop::Interrupt);
                self.until_done(id);
                events(&self.heard.remove(&id).unwrap_or_default())
            }
            Step::Wait(time) => {
                self.pass(*time);
                "waited".into()
            }
            Step::Ask(query) => match self.machine.query(query) {
                Ok(Answer::Netns(_)) => "use observe".into(),
                Ok(Answer::Ruleset(rules)) => serde_json::to_value(unnumbered(*rules)).expect("serialisable"),
                Ok(answer) => serde_json::to_value(answer).expect("serialisable"),
                Err(f) => fault(&f),
            },
            Step::Observe(see) => {
                self.settle();
                match self.machine.observe(&Extent::default()) {
                    Ok(snapshot) => state(snapshot, *see),
                    Err(f) => fault(&f),
                }
            }
        }
    }

    fn settle(&mut self) {
        self.machine.settle().expect("the machine settles");
    }

    fn pass(&mut self, time: Duration) {
        let until = self.machine.now() + time;
        while self.machine.now() < until {
            match self.machine.advance(until) {
                Some((_, id, event)) => self.heard.entry(id).or_default().push(event),
                None => break,
            }
        }
    }

    fn until_done(&mut self, id: ProbeId) {
        let limit = self.machine.now() + Duration::from_secs(300);
        loop {
            let done = |e: Option<&ProbeEvent>| matches!(e, Some(ProbeEvent::Done(_)));
            if done(self.heard.get(&id).and_then(|e| e.last())) {
                return;
            }
            match self.machine.advance(limit) {
                Some((_, of, event)) => self.heard.entry(of).or_default().push(event),
                None => panic!("probe {id:?} did not end"),
            }
        }
    }
}

/// Rules without the numbers that only their machine knows.
fn unnumbered(mut rules: nettwin_model::rules::Ruleset) -> nettwin_model::rules::Ruleset {
    (rules.last_table, rules.generation) = (0, 0);
    for table in &mut rules.tables {
        // A transaction that failed took a table's number with it.
        (table.handle, table.last_handle) = (0, 0);
        for base in table.chains.iter_mut().filter_map(|chain| chain.base.as_mut()) {
            base.seq = 0;
        }
    }
    rules
}

/// The kernel's words count, not ours: a refusal is its errno.
fn fault(f: &Fault) -> serde_json::Value {
    match f {
        Fault::Refused { errno, .. } => errno.name().unwrap_or("?").into(),
        Fault::Broken(why) => format!("broken: {why}").into(),
        Fault::Missing { capability, .. } => format!("missing: {capability}").into(),
    }
}

fn events(list: &[ProbeEvent]) -> serde_json::Value {
    normalise::events(list.to_vec()).iter().map(|e| hexed(serde_json::to_value(e).expect("serialisable"))).collect()
}

/// A frame's bytes as hexadecimal text, so that they can be read.
fn hexed(mut event: serde_json::Value) -> serde_json::Value {
    if let Some(bytes) = event.pointer_mut("/frame/bytes")
        && let Some(list) = bytes.as_array()
    {
        *bytes = list.iter().map(|b| format!("{:02x}", b.as_u64().unwrap_or(0))).collect::<String>().into();
    }
    event
}

fn state(mut snapshot: Snapshot, see: See) -> serde_json::Value {
    normalise::vlans(&mut snapshot);
    for netns in snapshot.netns.values_mut() {
        for addr in netns.config.links.values_mut().flat_map(|link| &mut link.addrs) {
            // How long it still lives depends on when it is asked.
            addr.valid_lft = addr.valid_lft.map(|_| 1);
            addr.preferred_lft = addr.preferred_lft.map(|_| 1);
        }
        if !see.neighs {
            netns.volatile.neighs.clear();
        }
        if !see.fdb {
            netns.volatile.fdb.clear();
            netns.volatile.mdb.clear();
        }
        if !see.stats {
            netns.volatile.stats.clear();
        }
        netns.volatile.queues.values_mut().for_each(normalise::handles);
    }
    serde_json::to_value(&snapshot).expect("serialisable")
}

/// The first differences between two records, in words.
pub(crate) fn differences(left: &Record, right: &Record) -> Vec<String> {
    let mut out = Vec::new();
    for (i, (a, b)) in left.iter().zip(right).enumerate() {
        if a.step != b.step {
            out.push(format!("step {i}: {} against {}", a.step, b.step));
            return out;
        }
        compare(&format!("step {i} ({})", a.step), &a.answer, &b.answer, &mut out);
    }
    if left.len() != right.len() {
        out.push(format!("{} steps against {}", left.len(), right.len()));
    }
    out
}

fn compare(at: &str, a: &serde_json::Value, b: &serde_json::Value, out: &mut Vec<String>) {
    use serde_json::Value::{Array, Object};
    match (a, b) {
        _ if a == b => {}
        (Object(x), Object(y)) => {
            for (key, left) in x {
                compare(&format!("{at}.{key}"), left, y.get(key).unwrap_or(&serde_json::Value::Null), out);
            }
            for (key, right) in y.iter().filter(|(k, _)| !x.contains_key(*k)) {
                compare(&format!("{at}.{key}"), &serde_json::Value::Null, right, out);
            }
        }
        (Array(x), Array(y)) if x.len() == y.len() => {
            for (i, (left, right)) in x.iter().zip(y).enumerate() {
                compare(&format!("{at}[{i}]"), left, right, out);
            }
        }
        _ => out.push(format!("{at}:\n      kernel {}\n      sim    {}", a, b)),
    }
}
