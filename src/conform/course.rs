//! What both machines are put through: the plan's ops, what is tried after them, the questions, the captures, the flows.
//!
//! Deliberately absent: running it (see [`super::record`]).

use super::{Flows, Options, Skip};
use crate::model::check::Checked;
use crate::model::complaint::{Complaint, Span};
use crate::model::layout::{DevKey, DeviceKind, Layout};
use crate::model::paths::addresses;
use crate::model::plan::{Desired, Plan};
use crate::model::probe::Probe;
use crate::model::topology::{Expect, Flow, Target, Topology, Want};
use crate::model::{Extent, Fault, NetnsName, Op, RouteGet, Snapshot};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// What is run.
#[derive(Debug)]
pub(super) struct Course {
    /// With the timeline and the expectations that are played.
    pub(super) checked: Checked,
    /// The ops, one after another, whatever becomes of those before.
    pub(super) ops: Vec<Op>,
    /// How many of them are the plan's.
    pub(super) planned: usize,
    /// How long to wait when they are done, beyond settling: spanning trees take their time.
    pub(super) patience: Duration,
    /// What to observe.
    pub(super) extent: Extent,
    /// Which routes to look up.
    pub(super) routes: Vec<RouteGet>,
    /// Where to capture.
    pub(super) captures: Vec<DevKey>,
    /// What is left out for its length, in flows.
    pub(super) too_long: Option<Skip>,
}

impl Course {
    pub(super) fn of(checked: &Checked, options: &Options) -> Result<Course, Fault> {
        let (played, too_long) = shortened(checked, options);
        let topology = match options.flows {
            Flows::None => Topology { expectations: Vec::new(), timeline: Vec::new(), ..played },
            Flows::Expected if played.expectations.is_empty() => all_pairs(checked, played),
            Flows::Expected => played,
        };
        let checked = topology.check().map_err(|complaints| {
            // The topology passed the check before; only its expectations and timeline are others.
            Fault::Broken(format!("the flows do not pass the check: {}", words(&complaints)))
        })?;
        let mut ops = Plan::between(checked.desired(), &Snapshot::default()).ops;
        let planned = ops.len();
        ops.extend(options.changes.iter().cloned());
        let captures = if options.flows == Flows::None { Vec::new() } else { wires(checked.layout()) };
        Ok(Course {
            ops,
            planned,
            patience: patience(&topology),
            extent: extent(checked.desired(), &options.changes),
            routes: if options.routes { routes(checked.layout()) } else { Vec::new() },
            captures,
            too_long,
            checked,
        })
    }
}

/// The topology without the part that takes too long, and how much that is.
fn shortened(checked: &Checked, options: &Options) -> (Topology, Option<Skip>) {
    let whole = checked.topology();
    let timed = checked.timeline().iter().map(|(at, _)| *at).chain(checked.expectations().iter().filter_map(|e| e.at));
    let rest = checked.expectations().iter().filter(|e| e.at.is_none());
    let takes = timed.max().unwrap_or_default() + rest.map(|e| length(&e.probe)).sum::<Duration>();
    if options.long || takes <= PATIENCE || options.flows == Flows::None {
        return (whole.clone(), None);
    }
    let first = checked.timeline().first().map(|(at, _)| *at);
    let mut budget = PATIENCE;
    let mut left_out = 0;
    let mut kept = Vec::new();
    for (said, expectation) in whole.expectations.iter().zip(checked.expectations()) {
        let too_late = first.is_some_and(|first| expectation.at.is_none_or(|at| at >= first));
        match budget.checked_sub(expectation.at.unwrap_or_default() + length(&expectation.probe)) {
            Some(left) if !too_late => {
                budget = left;
                kept.push(said.clone());
            }
            _ => left_out += 1,
        }
    }
    let moments = whole.timeline.len();
    let what = format!("{left_out} expectations and a timeline of {moments} moments");
    let why = format!("they take the kernel {} s; --long plays them", takes.as_secs());
    let skip = Skip { count: left_out + moments, what, why };
    (Topology { expectations: kept, timeline: Vec::new(), ..whole.clone() }, Some(skip))
}

/// How long a probe takes if all goes well.
fn length(probe: &Probe) -> Duration {
    match probe {
        Probe::Ping(ping) => ping.interval * ping.count.unwrap_or(1).saturating_sub(1),
        _ => Duration::ZERO,
    }
}

fn words(complaints: &[Complaint]) -> String {
    let errors = complaints.iter().filter(|c| c.is_error());
    errors.map(|c| c.message.as_str()).collect::<Vec<_>>().join("; ")
}

/// A ping from each namespace to each address, in waves: in each wave every namespace sends one, to another address each.
fn all_pairs(checked: &Checked, topology: Topology) -> Topology {
    let begin = topology.timeline.iter().map(|m| m.at).max().map_or(Duration::ZERO, |last| last + WAVE);
    let layout = checked.layout();
    let own = layout.devices().flat_map(|(_, _, d)| addresses(d)).map(|(addr, _)| addr);
    let targets: Vec<Ipv4Addr> = own.filter(|addr| !addr.is_loopback()).collect();
    let mut expectations = Vec::new();
    for wave in 0..targets.len() {
        for (i, from) in layout.netns.keys().enumerate() {
            expectations.push(Expect {
                span: Span::NOWHERE,
                from: from.clone().into(),
                to: Target::Addr(targets[(i + wave) % targets.len()]).into(),
                flow: Flow::Ping { count: 1, interval: Duration::from_secs(1), size: 56, ttl: None },
                source: None,
                timeout: PING_TIMEOUT,
                result: Want::Allowed,
                at: Some(begin + WAVE * u32::try_from(wave).unwrap_or(u32::MAX)),
            });
        }
    }
    expectations.truncate(MOST_PINGS);
    Topology { expectations, ..topology }
}

/// All ends of wires.
fn wires(layout: &Layout) -> Vec<DevKey> {
    let ends = layout.devices().filter(|(_, _, d)| matches!(d.kind, DeviceKind::Veth { .. }));
    ends.map(|(netns, dev, _)| (netns.clone(), dev)).collect()
}

/// From each namespace to each address, to nobody in each subnet, and to nobody far away.
fn routes(layout: &Layout) -> Vec<RouteGet> {
    let mut targets: Vec<Ipv4Addr> = Vec::new();
    for (addr, net) in layout.devices().flat_map(|(_, _, d)| addresses(d)) {
        let bits = |cidr: crate::model::Cidr| cidr.network().v4().map_or(0, |(net, _)| net.to_bits());
        let host_part = u32::MAX.checked_shr(net.len.into()).unwrap_or(0);
        targets.extend([addr, bits(net).into(), (bits(net) | host_part).into(), (bits(net) | (host_part & 77)).into()]);
    }
    targets.extend([Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::BROADCAST]);
    targets.sort();
    targets.dedup();
    let get = |netns: &NetnsName, dst: Ipv4Addr| RouteGet::new(netns.clone(), IpAddr::V4(dst));
    layout.netns.keys().flat_map(|netns| targets.iter().map(move |dst| get(netns, *dst))).collect()
}

/// What spanning trees take until all ports forward: listening, learning, and a hello before and after.
fn patience(topology: &Topology) -> Duration {
    let speaking = topology.bridges.values().filter(|b| b.attrs.stp_state == Some(true));
    let hundredths =
        speaking.map(|b| 2 * b.attrs.forward_delay.unwrap_or(1500) + 2 * b.attrs.hello_time.unwrap_or(200));
    Duration::from_millis(hundredths.max().map_or(0, |h| u64::from(h) * 10 + 500))
}

/// All namespaces, and the sysctls that are wanted or tried.
fn extent(desired: &Desired, changes: &[Op]) -> Extent {
    let mut extent = desired.extent();
    for op in changes {
        if let Op::SetSysctl { netns, key, .. } = op {
            extent.sysctls.entry(netns.clone()).or_default().insert(key.clone());
        }
    }
    extent
}

/// What a file may take of the kernel's time, unless longer ones are asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two waves of pings, longer than a ping takes.
const WAVE: Duration = Duration::from_millis(50);
/// Longer than ARP takes to give up.
const PING_TIMEOUT: Duration = Duration::from_secs(4);
/// So many pings at most.
const MOST_PINGS: usize = 1000;
