//! Plans of random networks: applied, they leave nothing to plan; printed, they can be read again.

use crate::{cases, hold, kernel, runner};
use nettwin_model::apply::apply;
use nettwin_model::plan::Plan;
use nettwin_model::strategy::{Bounds, changes, topologies};
use nettwin_model::topology::Format;
use nettwin_model::{Backend, IfName, Op, RouteVerb, Snapshot, Topology, words};
use nettwin_sim::Sim;
use proptest::strategy::Strategy;

/// A second plan is empty, in the simulator.
#[test]
fn a_second_plan_is_empty() {
    let strategy = topologies(&Bounds::default()).prop_map(|topology| (topology, Vec::new()));
    let result = hold(&mut runner(cases() * 10, 0), &strategy, |topology, _| {
        let mut sim = Sim::new(topology.seed);
        applied_twice(topology, &mut sim)
    });
    result.unwrap_or_else(|why| panic!("{why}"));
}

/// A second plan is empty, on the kernel.
#[test]
fn a_second_plan_is_empty_on_the_kernel() {
    if !kernel::is_there(&format!("{} plans", cases())) {
        return;
    }
    let strategy = topologies(&Bounds::default()).prop_map(|topology| (topology, Vec::new()));
    let result = hold(&mut runner(cases(), 1), &strategy, |topology, _| {
        let mut kernel = kernel::machine()?;
        applied_twice(topology, &mut *kernel)
    });
    result.unwrap_or_else(|why| panic!("{why}"));
}

/// Whatever was changed by hand, applying brings back what is wanted.
#[test]
fn applying_repairs() {
    let result = hold(&mut runner(cases() * 10, 2), &changes(&Bounds::default()), |topology, ops| {
        let mut sim = Sim::new(topology.seed);
        applied_twice(topology, &mut sim)?;
        for op in ops.iter().filter(|op| !is_beyond_repair(op)) {
            // Some of them are refused.
            let _ = sim.execute(std::slice::from_ref(op));
        }
        applied_twice(topology, &mut sim)
    });
    result.unwrap_or_else(|why| panic!("{why}"));
}

/// A loopback device under another name: nobody can make a new one. A route behind or before the kernel's own of the same
/// key: `ip route del` takes whichever is first.
fn is_beyond_repair(op: &Op) -> bool {
    match op {
        Op::SetLink { name, change, .. } => *name == IfName::lo() && change.rename.is_some(),
        Op::AddRoute { verb, .. } => matches!(verb, RouteVerb::Append | RouteVerb::Prepend),
        _ => false,
    }
}

fn applied_twice(topology: &Topology, machine: &mut dyn Backend) -> Result<(), String> {
    let checked = topology.check().map_err(|c| format!("{c:?}"))?;
    apply(machine, checked.desired(), &mut |_| {}).map_err(|failure| format!("{failure:?}"))?;
    let seen = machine.observe(&checked.desired().extent()).map_err(|f| f.to_string())?;
    let rest = Plan::between(checked.desired(), &seen);
    if rest.is_empty() { Ok(()) } else { Err(format!("there is something left to do:\n{rest}")) }
}

/// Ops survive their JSON, nouns their words, and a topology each of its languages.
#[test]
fn what_is_printed_can_be_read() {
    let result = hold(&mut runner(cases() * 10, 3), &changes(&Bounds::default()), |topology, ops| {
        let checked = topology.check().map_err(|c| format!("{c:?}"))?;
        let plan = Plan::between(checked.desired(), &Snapshot::default());
        for op in plan.ops.iter().chain(ops) {
            let text = serde_json::to_string(op).map_err(|e| e.to_string())?;
            let read: Op = serde_json::from_str(&text).map_err(|e| format!("{text}: {e}"))?;
            same(op, &read, &text)?;
            by_words(op)?;
        }
        let read = |text: &str, format| Topology::parse(text, format).map_err(|c| format!("{text}: {c:?}"));
        let toml = topology.to_toml();
        same(topology, &read(&toml, Format::Toml)?, &toml)?;
        let json = topology.to_json().to_string();
        same(topology, &read(&json, Format::Json)?, &json)
    });
    result.unwrap_or_else(|why| panic!("{why}"));
}

/// The part of an op that is in iproute2's words, printed and parsed.
fn by_words(op: &Op) -> Result<(), String> {
    let wrong = |text: &str, e: &dyn std::fmt::Debug| format!("{text}: {e:?}");
    match op {
        Op::AddAddr { addr, .. } => {
            let text = words::addr::print(addr);
            same(addr, &words::addr::parse(&text).map_err(|e| wrong(&text, &e))?, &text)
        }
        Op::AddRoute { route, .. } => {
            let text = words::route::print(route);
            // A kind of its own has its scope said by the kind.
            same(route, &words::route::parse(&text).map_err(|e| wrong(&text, &e))?, &text)
        }
        Op::AddNeigh { neigh, .. } => {
            let text = words::neigh::print(neigh);
            same(neigh, &words::neigh::parse(&text).map_err(|e| wrong(&text, &e))?, &text)
        }
        Op::AddFdb { entry, .. } => {
            let text = words::fdb::print(entry);
            same(entry, &words::fdb::parse(&text, entry.bridge).map_err(|e| wrong(&text, &e))?, &text)
        }
        Op::SetLink { change, .. } => {
            let text = words::link::print_change(change);
            same(&**change, &words::link::parse_change(&text).map_err(|e| wrong(&text, &e))?, &text)
        }
        Op::SetBridge { attrs, .. } => {
            let text = words::link::print_bridge(attrs);
            same(attrs, &words::link::parse_bridge(&text).map_err(|e| wrong(&text, &e))?, &text)
        }
        Op::SetPort { attrs, .. } => {
            let text = words::link::print_port(attrs);
            same(attrs, &words::link::parse_port(&text).map_err(|e| wrong(&text, &e))?, &text)
        }
        _ => Ok(()),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(before: &T, after: &T, text: &str) -> Result<(), String> {
    if before == after { Ok(()) } else { Err(format!("{text}\nis read as {after:?}\nand was    {before:?}")) }
}
