//! From what was said to what is to be: checks a topology and derives the desired state, the probes and the timed ops.
//!
//! All complaints are made, each with its place. An error can be allowed where the thing runs all the same (`allow =
//! ["l2-loop"]`); the codes that can are [`ALLOWABLE`]. Deliberately absent: running anything.

mod desired;
mod firewall;
mod state;
mod ways;
mod wires;

use crate::complaint::{Complaint, did_you_mean};
use crate::expect::{self, Expectation};
use crate::graph::Segments;
use crate::layout::Layout;
use crate::name::NetnsName;
use crate::op::Op;
use crate::paths;
use crate::plan::Desired;
use crate::route::Route;
use crate::topology::{Format, Routing, Topology};
use std::collections::BTreeMap;
use std::time::Duration;

/// The codes of the complaints that `allow` can silence, each with what it is about.
pub const ALLOWABLE: &[(&str, &str)] = &[
    ("l2-loop", "bridges without STP form a loop"),
    ("duplicate-address", "two devices of one broadcast domain have the same address"),
    ("duplicate-mac", "two devices of one broadcast domain have the same MAC"),
    ("mtu-mismatch", "the devices of one broadcast domain have different MTUs"),
    ("prefix-mismatch", "addresses of one broadcast domain have overlapping subnets of different length"),
    ("gateway-is-own", "a route's gateway is an address of the namespace itself"),
    ("gateway-unowned", "nobody on the wire has a route's gateway address"),
    ("missing-return-route", "packets get there, their answers do not come back"),
    ("expectation-doubtful", "an expectation contradicts the routes"),
    ("never-matches", "a line of nat or firewall has no packets to match"),
    ("unconnected-netns", "a namespace or bridge has no link"),
    ("empty-topology", "there are no namespaces"),
];

/// A topology that can be run, and what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    topology: Topology,
    layout: Layout,
    desired: Desired,
    expectations: Vec<Expectation>,
    timeline: Vec<(Duration, Vec<Op>)>,
    warnings: Vec<Complaint>,
}

impl Checked {
    /// The state that is to be, without what the timeline changes.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The same where `host` is the machine's own namespace: of its sysctls only those that the topology says.
    pub fn desired_with_real_host(&self) -> Desired {
        desired::with_real_host(&self.topology, &self.desired)
    }

    /// The part of the desired state that the topology says itself: to compare with what something else made.
    pub fn said(&self) -> Desired {
        desired::said(&self.topology, &self.layout, &self.desired)
    }

    /// What should get through and what should not, in the order of the file.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// What happens later, by time.
    pub fn timeline(&self) -> &[(Duration, Vec<Op>)] {
        &self.timeline
    }

    /// What decides MACs, ports and randomness.
    pub fn seed(&self) -> u64 {
        self.topology.seed
    }

    /// The lab's name, if the topology says one.
    pub fn name(&self) -> Option<&str> {
        self.topology.name.as_ref().map(|n| n.value.as_str())
    }

    /// What runs but is probably not meant so.
    pub fn warnings(&self) -> &[Complaint] {
        &self.warnings
    }

    /// What was said.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The devices, names resolved.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl Topology {
    /// Checks the topology and derives what follows from it; or says all that is wrong, warnings included.
    pub fn check(&self) -> Result<Checked, Vec<Complaint>> {
        let (checked, complaints) = examine(self);
        if complaints.iter().any(Complaint::is_error) {
            Err(complaints)
        } else {
            Ok(Checked { warnings: complaints, ..checked })
        }
    }

    /// Reads and checks in one go: what is wrong with the text and what is wrong with the network, together.
    pub fn load(text: &str, format: Format) -> Result<Checked, Vec<Complaint>> {
        let (topology, mut complaints) = Topology::parse_what_can_be(text, format);
        if complaints.is_empty() {
            return topology.check();
        }
        // What could not be read is missing from the rest: only what its absence cannot cause is worth saying.
        let (_, more) = examine(&topology);
        let sure = ["duplicate-name", "duplicate-address", "duplicate-mac", "l2-loop", "unknown-code"];
        complaints.extend(more.into_iter().filter(|c| sure.contains(&c.code)));
        sort(&mut complaints);
        Err(complaints)
    }
}

/// Everything at once; what is derived counts only if no complaint is an error.
fn examine(t: &Topology) -> (Checked, Vec<Complaint>) {
    let (layout, mut complaints) = Layout::of(t);
    let segments = Segments::of(&layout);
    let routes = routes(t, &layout, &segments);
    let ways = paths::Paths::new(t, &layout, &segments, &routes);

    codes(t, &mut complaints);
    state::check(t, &layout, &mut complaints);
    firewall::check(t, &layout, &mut complaints);
    wires::check(t, &layout, &segments, &mut complaints);
    ways::routes(t, &layout, &segments, &mut complaints);
    let expectations = expect::resolve(t, &layout, &mut complaints);
    let timeline = desired::timeline(t, &layout, &mut complaints);
    if !complaints.iter().any(Complaint::is_error) {
        ways::returns(t, &layout, &ways, &expectations, &mut complaints);
    }
    let desired = desired::desired(t, &layout, &routes);

    complaints
        .retain(|c| !t.allow.iter().any(|a| a.value == c.code && ALLOWABLE.iter().any(|(code, _)| *code == c.code)));
    sort(&mut complaints);
    let checked = Checked { topology: t.clone(), layout, desired, expectations, timeline, warnings: Vec::new() };
    (checked, complaints)
}

/// By place, errors before warnings at the same place, and nothing twice.
fn sort(complaints: &mut Vec<Complaint>) {
    complaints.sort_by_key(|c| (c.span.as_ref().map_or(0, |s| s.start), std::cmp::Reverse(c.severity)));
    complaints.dedup();
}

/// Each namespace's routes: those stated, then those of shortest path.
fn routes(t: &Topology, layout: &Layout, segments: &Segments) -> BTreeMap<NetnsName, Vec<Route>> {
    let mut routes: BTreeMap<NetnsName, Vec<Route>> = BTreeMap::new();
    for (name, netns) in &t.netns {
        let stated = netns.routes.iter().map(|r| desired::with_device(&r.value, layout, name)).collect();
        routes.insert(name.clone(), stated);
    }
    if t.routing == Routing::Shortest {
        for (name, more) in paths::shortest(t, layout, segments) {
            routes.entry(name).or_default().extend(more);
        }
    }
    routes
}

fn codes(t: &Topology, complaints: &mut Vec<Complaint>) {
    for allowed in &t.allow {
        if !ALLOWABLE.iter().any(|(code, _)| *code == allowed.value) {
            let message = format!("{:?} is not the code of a complaint that can be allowed", allowed.value);
            let known = ALLOWABLE.iter().map(|(code, _)| *code);
            let help = match did_you_mean(&allowed.value, known.clone()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("these can be: {}", known.collect::<Vec<_>>().join(", ")),
            };
            complaints.push(Complaint::error("unknown-code", allowed.span, message).help(help));
        }
    }
    if t.netns.is_empty() && t.bridges.is_empty() && t.links.is_empty() {
        let message = "the topology has no namespaces: there is nothing to run";
        let help = "declare one as [netns.h1]; `nettwin gen line 2` writes a whole topology";
        complaints.push(Complaint::error("empty-topology", crate::complaint::Span::NOWHERE, message).help(help));
    }
}
