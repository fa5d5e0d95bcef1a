//! What an op changed besides what it says: the states around it, before and after, compared.
//!
//! Deliberately absent: foreseeing; only what the machine shows afterwards is told.

use nettwin::model::link::PortState;
use nettwin::model::route::{Route, TABLE_LOCAL, proto};
use nettwin::model::snapshot::LinkDerived;
use nettwin::model::words::route::print as print_route;
use nettwin::model::{
    Answer, Backend, Extent, IfName, LinkKind, NetnsName, NetnsState, Op, OperState, Query, RouteKind,
};
use nettwin::sim::Sim;
use std::collections::{BTreeMap, BTreeSet};

/// The state before an op.
#[derive(Default)]
pub(super) struct Before {
    states: BTreeMap<NetnsName, NetnsState>,
    setting: Option<String>,
}

/// The states of the namespaces that an op works in or reaches by a wire.
pub(super) fn states(op: &Op, sim: &mut Sim) -> BTreeMap<NetnsName, NetnsState> {
    let mut wanted = BTreeSet::from([op.netns().clone()]);
    match op {
        Op::AddLink(link) => {
            wanted.extend(link.kind.link().map(|(netns, _)| netns.clone()));
        }
        Op::SetLink { name, .. } | Op::DelLink { name, .. } => {
            let here = observe(sim, &wanted);
            let kind = here.get(op.netns()).and_then(|s| s.config.links.get(name)).map(|c| &c.kind);
            wanted.extend(kind.and_then(LinkKind::link).map(|(netns, _)| netns.clone()));
        }
        _ => {}
    }
    observe(sim, &wanted)
}

fn observe(sim: &mut Sim, netns: &BTreeSet<NetnsName>) -> BTreeMap<NetnsName, NetnsState> {
    let extent = Extent { netns: Some(netns.clone()), ..Extent::default() };
    sim.observe(&extent).map(|snapshot| snapshot.netns).unwrap_or_default()
}

impl Before {
    /// What there is before an op.
    pub(super) fn of(op: &Op, sim: &mut Sim) -> Self {
        let setting = match op {
            Op::SetSysctl { netns, key, .. } => {
                match sim.query(&Query::Sysctl { netns: netns.clone(), key: key.clone() }) {
                    Ok(Answer::Sysctl(value)) => Some(value),
                    _ => None,
                }
            }
            _ => None,
        };
        // Settings change nothing else that is told.
        let states = if matches!(op, Op::SetSysctl { .. }) { BTreeMap::new() } else { states(op, sim) };
        Before { states, setting }
    }

    /// The value that a setting had.
    pub(super) fn old_setting(&self) -> Option<&str> {
        self.setting.as_deref()
    }

    /// What the op changed besides what it says, a sentence each.
    pub(super) fn effects(&self, op: &Op, sim: &mut Sim) -> Vec<String> {
        if matches!(op, Op::SetSysctl { .. } | Op::AddNetns { .. } | Op::DelNetns { .. }) {
            return Vec::new();
        }
        let after = states(op, sim);
        let mut out = Vec::new();
        carrier(&self.states, &after, &mut out);
        for (netns, now) in &after {
            let none = NetnsState::default();
            let then = self.states.get(netns).unwrap_or(&none);
            ports(then, now, &mut out);
            addresses(then, now, &mut out);
            routes(op, then, now, &mut out);
        }
        out
    }
}

type States = BTreeMap<NetnsName, NetnsState>;

/// The wires that work now, and those that do so no longer.
fn carrier(before: &States, after: &States, out: &mut Vec<String>) {
    let working = |states: &States| -> BTreeSet<String> {
        let of_one = |(netns, state): (&NetnsName, &NetnsState)| {
            let wires = state.config.links.iter().filter(|(_, c)| matches!(c.kind, LinkKind::Veth { .. }) && c.up);
            let works = wires.filter(|(dev, _)| state.derived.links.get(*dev).is_some_and(is_working));
            works.map(|(dev, _)| format!("{netns}:{dev}")).collect::<Vec<_>>()
        };
        states.iter().flat_map(of_one).collect()
    };
    let (then, now) = (working(before), working(after));
    let list = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    match list(&now, &then).as_slice() {
        [] => {}
        [a, b] => out.push(format!("both ends are up: the wire between {a} and {b} has carrier")),
        some => out.push(format!("{} has carrier", some.join(", "))),
    }
    if let lost @ [_, ..] = list(&then, &now).as_slice() {
        out.push(format!("{} lost the carrier", lost.join(" and ")));
    }
}

fn is_working(link: &LinkDerived) -> bool {
    link.operstate == OperState::Up
}

/// What bridges made of it.
fn ports(then: &NetnsState, now: &NetnsState, out: &mut Vec<String>) {
    let state = |s: &NetnsState, dev: &IfName| s.derived.links.get(dev).and_then(|d| Some(d.port.as_ref()?.state));
    let mut by_state: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (dev, derived) in &now.derived.links {
        let Some(port) = &derived.port else { continue };
        // A port that does not forward yet is news only where a spanning tree decides.
        let silent = port.state == PortState::Disabled && state(then, dev).is_none();
        if state(then, dev) != Some(port.state) && !silent {
            by_state.entry(port.state.word()).or_default().push(dev.to_string());
        }
    }
    out.extend(by_state.iter().map(|(word, ports)| format!("bridge ports now {word}: {}", ports.join(", "))));
    for (name, derived) in now.derived.links.iter().filter(|(_, d)| d.bridge.is_some()) {
        let Some(was) = then.derived.links.get(name).filter(|was| was.mac != derived.mac) else { continue };
        let port = now.derived.links.iter().find(|(_, d)| d.port.is_some() && d.mac == derived.mac);
        let whose = port.map_or_else(|| derived.mac.to_string(), |(port, _)| format!("the MAC of its port {port}"));
        out.push(format!("the bridge {name} had the MAC {}, has {whose} now", was.mac));
    }
}

/// Addresses that the machine gave by itself.
fn addresses(then: &NetnsState, now: &NetnsState, out: &mut Vec<String>) {
    for (dev, derived) in &now.derived.links {
        let had = then.derived.links.get(dev).map(|d| d.auto_addrs.as_slice()).unwrap_or_default();
        for addr in derived.auto_addrs.iter().filter(|a| !had.contains(a)) {
            out.push(format!("{dev} has {} by itself", addr.cidr));
        }
    }
}

/// Routes that came or went with it.
fn routes(op: &Op, then: &NetnsState, now: &NetnsState, out: &mut Vec<String>) {
    let all = |s: &NetnsState| s.config.routes.iter().chain(&s.derived.routes).cloned().collect::<Vec<Route>>();
    let (then, now) = (all(then), all(now));
    let own = |r: &Route| matches!(op, Op::AddRoute { route, .. } | Op::DelRoute { route, .. } if route.dst == r.dst);
    let (mut made, mut local) = (Vec::new(), Vec::new());
    for route in now.iter().filter(|r| !then.contains(r) && !own(r)) {
        match (route.table, route.kind) {
            (TABLE_LOCAL, RouteKind::Local) => local.push(format!("{} is delivered here", route.dst.addr)),
            (TABLE_LOCAL, _) => local.push(format!("{} is a broadcast", route.dst.addr)),
            _ => made.push(format!("`{}`", short(route))),
        }
    }
    // Addresses of lo are everywhere the same.
    local.retain(|text| !text.starts_with("127."));
    if !made.is_empty() {
        out.push(format!("made the route {}: its network is on the link", made.join(", ")));
    }
    if !local.is_empty() {
        out.push(format!("table local: {}", local.join(", ")));
    }
    let gone = then.iter().filter(|r| !now.contains(r) && !own(r) && r.table != TABLE_LOCAL);
    let gone: Vec<String> = gone.map(|r| format!("`{}`", short(r))).collect();
    if !gone.is_empty() {
        out.push(format!("took the route {} with it", gone.join(", ")));
    }
}

/// A route without what does not tell where it leads.
fn short(route: &Route) -> String {
    print_route(&Route { proto: proto::BOOT, scope: None, ..route.clone() })
}
