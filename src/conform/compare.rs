//! Two recordings of one course, side by side.
//!
//! Deliberately absent: running anything, and what the machines are known to differ in (see [`super::known`]).

use super::course::Course;
use super::frames::{self, Class};
use super::record::{Flow, Frame, Recording, Wire};
use super::{Level, Report, normalise};
use crate::model::differences::{self, Part};
use crate::model::impair::{Impairment, Share};
use crate::model::layout::DevKey;
use crate::model::probe::{Direction, ProbeEvent};
use crate::model::{Fault, Mac, NetnsName, Op, RouteGot, Snapshot, words};
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) fn compare(course: &Course, first: &Recording, second: &Recording, missing: &[(Op, Fault)]) -> Report {
    let mut report = Report::default();
    errnos(course, first, second, &mut report.errno);
    let lacking = impaired(missing.iter().map(|(op, _)| op), |_| true);
    let ops = course.ops.iter().chain(course.checked.timeline().iter().flat_map(|(_, ops)| ops));
    let mut chancy: BTreeSet<DevKey> = impaired(ops, is_chancy).difference(&lacking).cloned().collect();
    chancy.extend(several_ways(&first.built));
    states(course, first, second, chancy.is_empty(), &mut report.state);
    wires(first, second, &chancy, &mut report.frames);
    flows(first, second, &lacking, &chancy, &mut report.flows);
    if let Some(skip) = &course.too_long {
        report.flows.skipped.push(skip.clone());
    }
    report
}

/// The devices that these ops impair in a certain way.
fn impaired<'a>(ops: impl Iterator<Item = &'a Op>, how: impl Fn(&Impairment) -> bool) -> BTreeSet<DevKey> {
    let device = |op: &Op| match op {
        Op::SetImpairment { netns, dev, impairment: Some(i), .. } if how(i) => Some((netns.clone(), *dev)),
        _ => None,
    };
    ops.filter_map(device).collect()
}

/// Whether two runs of one machine may differ.
fn is_chancy(i: &Impairment) -> bool {
    let open = |share: Share| share.0 != 0 && share.0 != u32::MAX;
    i.bursts.is_some()
        || open(i.loss.share)
        || [i.duplicate, i.corrupt, i.reorder].iter().any(|c| c.share.0 != 0)
        || !i.jitter.is_zero()
}

fn errnos(course: &Course, first: &Recording, second: &Recording, level: &mut Level) {
    let built =
        course.ops.iter().zip(&first.ops).zip(&second.ops).map(|((op, a), b)| (op, a.as_ref().err(), b.as_ref().err()));
    let timeline: Vec<_> =
        course.checked.timeline().iter().flat_map(|(at, ops)| ops.iter().map(move |op| (at, op))).collect();
    let refused = |of: &Recording, at, op: &Op| {
        of.played.refused.iter().find(|r| r.at == at && r.op == *op).map(|r| r.fault.clone())
    };
    let played: Vec<_> =
        timeline.iter().map(|(at, op)| (*op, refused(first, **at, op), refused(second, **at, op))).collect();
    let played = played.iter().map(|(op, a, b)| (*op, a.as_ref(), b.as_ref()));
    for (op, a, b) in built.chain(played) {
        if let Some(Fault::Missing { capability, remedy }) = a {
            level.skip(1, op.to_string(), format!("{capability} is missing: {remedy}"));
            continue;
        }
        level.name(op.to_string());
        let (a, b) = (word(a), word(b));
        if a != b {
            level.differ(op.to_string(), a, b);
        }
    }
}

/// The errno counts, not the words that come with it.
fn word(fault: Option<&Fault>) -> String {
    match fault {
        None => "done".to_owned(),
        Some(Fault::Refused { errno, .. }) => errno.to_string(),
        Some(other) => other.to_string(),
    }
}

/// Where chance decides what passes, what the machines learned of each other in the play is left out.
fn states(course: &Course, first: &Recording, second: &Recording, certain: bool, level: &mut Level) {
    let asked = normalise::macs(&course.ops);
    let asked = &asked;
    let all = &[Part::Config, Part::Derived, Part::Volatile];
    state("", &first.built, &second.built, asked, all, level);
    if !course.captures.is_empty() {
        let parts = if certain { &all[..] } else { &all[..2] };
        state("after the play: ", &first.after, &second.after, asked, parts, level);
        if !certain {
            let learned = differences::paths(&first.after, &all[2..]).len();
            level.skip(learned, "after the play: what was learned", "chance, or a secret hash, decides what passes");
        }
    }
    for ((get, a), b) in course.routes.iter().zip(&first.routes).zip(&second.routes) {
        if of_several_ways(&first.built, Some(&get.netns), get.dst) {
            level.skip(1, format!("the route from {} to {}", get.netns, get.dst), SECRET);
            continue;
        }
        let what = format!("ip -n {} route get {}", get.netns, get.dst);
        let (a, b) = (got(a), got(b));
        if a != b {
            level.differ(&what, a, b);
        }
        level.name(what);
    }
}

fn state(when: &str, first: &Snapshot, second: &Snapshot, asked: &BTreeSet<Mac>, parts: &[Part], level: &mut Level) {
    let still = |snapshot: &Snapshot| {
        let mut snapshot = snapshot.clone();
        normalise::state(&mut snapshot, asked);
        snapshot
    };
    let (first, second) = (still(first), still(second));
    for path in differences::paths(&first, parts) {
        level.name(format!("{when}{path}"));
    }
    for d in differences::between(&first, &second, parts) {
        let value = |v: Option<String>| v.unwrap_or_else(|| "absent".to_owned());
        level.differ(format!("{when}{}", d.path), value(d.left), value(d.right));
    }
}

/// The devices by which routes with several ways lead: which one a flow takes is each machine's own secret.
fn several_ways(state: &Snapshot) -> impl Iterator<Item = DevKey> {
    state.netns.iter().flat_map(|(netns, state)| {
        let routes = state.config.routes.iter().filter(|r| r.nexthops.len() > 1);
        routes.flat_map(|r| &r.nexthops).filter_map(|hop| Some((netns.clone(), hop.dev?)))
    })
}

/// Whether a namespace has a route to `dst` with several ways.
fn of_several_ways(state: &Snapshot, netns: Option<&NetnsName>, dst: IpAddr) -> bool {
    let here = state.netns.iter().filter(|(name, _)| netns.is_none_or(|netns| netns == *name));
    here.flat_map(|(_, state)| &state.config.routes).any(|r| r.nexthops.len() > 1 && r.dst.contains(dst))
}

/// Why one of several ways is not compared.
const SECRET: &str = "a hash with a secret chooses among several ways";

fn got(answer: &Result<RouteGot, Fault>) -> String {
    match answer {
        Err(fault) => word(Some(fault)),
        Ok(got) => {
            let mtu = got.cached_mtu.map_or(String::new(), |mtu| format!(" mtu {mtu}"));
            format!("{} {}{mtu}", words::route::print(&got.route), got.flags.join(","))
        }
    }
}

fn wires(first: &Recording, second: &Recording, chancy: &BTreeSet<DevKey>, level: &mut Level) {
    let names: BTreeSet<&DevKey> = first.wires.keys().chain(second.wires.keys()).collect();
    let none = Wire::default();
    let end = first.played_for;
    let (mut bpdus, mut igmp) = (0, 0);
    for key in names {
        let (a, b) = (first.wires.get(key).unwrap_or(&none), second.wires.get(key).unwrap_or(&none));
        let name = format!("{}:{}", key.0, key.1);
        if !chancy.is_empty() {
            let devices: Vec<String> = chancy.iter().map(|(netns, dev)| format!("{netns}:{dev}")).collect();
            level.skip(
                a.frames.len(),
                format!("frames at {name}"),
                format!("chance, or a secret hash, decides what passes {}", devices.join(", ")),
            );
            continue;
        }
        if a.lost > 0 {
            level.skip(a.frames.len(), format!("frames at {name}"), format!("the capture lost {}", a.lost));
            continue;
        }
        for (class, what) in [(Class::Other, "frames"), (Class::Tcp, "TCP segments")] {
            let (a, b) = (of_class(a, class), of_class(b, class));
            if a.is_empty() && b.is_empty() {
                continue;
            }
            level.compared += a.len().max(1);
            level.names.insert(format!("{name} {what}"));
            if let Some((a, b)) = frames::differ(&a, &b, end) {
                level.differ(format!("{name} {what}"), a, b);
            }
        }
        bpdus += of_class(a, Class::Bpdu).len();
        igmp += of_class(a, Class::Igmp).len();
    }
    level.skip(
        bpdus,
        "frames of the spanning tree protocol",
        "each machine's own clock sends them; their effect is state",
    );
    level.skip(igmp, "IGMP messages", "each machine draws when they are sent; their effect is state");
}

fn of_class(wire: &Wire, class: Class) -> Vec<&Frame> {
    wire.frames.iter().filter(|f| frames::class(&f.bytes) == class).collect()
}

fn flows(
    first: &Recording,
    second: &Recording,
    lacking: &BTreeSet<DevKey>,
    chancy: &BTreeSet<DevKey>,
    level: &mut Level,
) {
    if first.flows.len() != second.flows.len() {
        level.differ("how many flows began", first.flows.len().to_string(), second.flows.len().to_string());
    }
    for (i, flow) in first.flows.iter().enumerate() {
        let passed = |devices: &BTreeSet<DevKey>| {
            devices.iter().any(|key| passes(first.wires.get(key), flow) || passes(second.wires.get(key), flow))
        };
        if passed(lacking) {
            level.skip(1, &flow.text, "it passes where an impairment is missing");
            continue;
        }
        if passed(chancy) {
            level.skip(1, &flow.text, "it passes where chance, or a secret hash, decides");
            continue;
        }
        let events = |of: &Recording| normalise::events(of.events.get(i).cloned().unwrap_or_default());
        let (a, b) = (events(first), events(second));
        level.name(&flow.text);
        if a != b {
            let (a, b) = apart(&a, &b);
            level.differ(&flow.text, a, b);
        }
    }
}

/// Whether a device sent a packet of the flow.
fn passes(wire: Option<&Wire>, flow: &Flow) -> bool {
    let of_flow = |f: &&Frame| {
        let ends = frames::ends(&f.bytes);
        f.direction == Direction::Out && ends.is_some_and(|(src, dst)| Some(dst) == flow.dst || Some(src) == flow.dst)
    };
    wire.is_some_and(|wire| wire.frames.iter().find(of_flow).is_some())
}

/// What two lists of events say that the other does not.
fn apart(a: &[ProbeEvent], b: &[ProbeEvent]) -> (String, String) {
    let only = |these: &[ProbeEvent], those: &[ProbeEvent]| {
        let more: Vec<String> = these.iter().filter(|e| !those.contains(e)).map(event).collect();
        if more.is_empty() { "nothing more, or in another order".to_owned() } else { more.join("; ") }
    };
    (only(a, b), only(b, a))
}

fn event(event: &ProbeEvent) -> String {
    match event {
        ProbeEvent::Done(outcome) => {
            let verdict = crate::model::expect::verdict_word(outcome.verdict());
            format!("{verdict} ({})", serde_json::to_string(outcome).unwrap_or_default())
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
