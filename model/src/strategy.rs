//! Random topologies and random ops on them, for property tests: ours, and those of whoever builds on nettwin.
//!
//! ```
//! use nettwin_model::strategy::{Bounds, topologies};
//! use proptest::prelude::*;
//!
//! proptest!(ProptestConfig::with_cases(16), |(topology in topologies(&Bounds::default()))| {
//!     prop_assert!(topology.check().is_ok());
//! });
//! ```
//!
//! A topology is drawn in two steps. First a network that works: hosts, routers and bridges, nearly always in one piece,
//! a subnet for each broadcast domain, routes of shortest path for most. Then a few oddities, each kept only if the
//! whole still passes [`Topology::check`]: a wrong prefix length, a lying neighbour, a device that is down, a route into
//! nothing, a sysctl. Every choice is a small number that is taken modulo what there is to choose from, so that a
//! failing case shrinks by leaving nodes, wires, oddities and ops out. The same proptest seed gives the same values.
//!
//! Bridges never form a loop without the spanning tree protocol, since a real kernel would spin. Counterpart: none;
//! syzkaller's programs for netdevices are the nearest. Deliberately absent: timelines and expectations (a test says what
//! it expects), more than one lab.

mod change;
mod oddity;

use crate::addr::{Address, Cidr};
use crate::complaint::Placed;
use crate::graph::Segments;
use crate::layout::{DeviceKind, Layout};
use crate::name::{IfName, NetnsName};
use crate::op::Op;
use crate::topology::{Bridge, End, Link, Netns, Routing, Topology};
use change::Change;
use oddity::Oddity;
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// How large and how odd the random topologies are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many nodes: hosts, routers and bridges.
    pub nodes: RangeInclusive<usize>,
    /// At most so many wires beyond those that hold the network together.
    pub more_wires: usize,
    /// At most so many oddities.
    pub oddities: usize,
    /// At most so many ops, where ops are drawn too.
    pub changes: usize,
    /// Whether bridges may speak the spanning tree protocol, with its shortest timers. Some seconds pass then before
    /// anything gets through, and without it there are no two ways between two bridges.
    pub spanning_tree: bool,
}

impl Default for Bounds {
    /// 3 to 7 nodes, 6 oddities, 12 ops, no spanning tree.
    fn default() -> Self {
        Bounds { nodes: 3..=7, more_wires: 2, oddities: 6, changes: 12, spanning_tree: false }
    }
}

/// Random topologies. Each passes [`Topology::check`].
pub fn topologies(bounds: &Bounds) -> impl Strategy<Value = Topology> + use<> {
    recipes(bounds).prop_map(|recipe| recipe.topology())
}

/// Random topologies, each with ops to try when it is up: changes of every kind, of what is there and of what is not,
/// sensible and not. Impairments are left out, since not every kernel has them.
pub fn changes(bounds: &Bounds) -> impl Strategy<Value = (Topology, Vec<Op>)> + use<> {
    (recipes(bounds), vec(Change::any(), 1..=bounds.changes.max(1))).prop_map(|(recipe, changes)| {
        let topology = recipe.topology();
        let ops = change::ops(&topology, &changes);
        (topology, ops)
    })
}

/// A choice among things whose number is known only later.
#[derive(Clone, Copy, Debug)]
struct Pick(u8);

impl Pick {
    fn any() -> impl Strategy<Value = Pick> {
        any::<u8>().prop_map(Pick)
    }

    /// Which of `count` things; `None` if there are none.
    fn index(self, count: usize) -> Option<usize> {
        usize::from(self.0).checked_rem(count)
    }

    fn of<T>(self, list: &[T]) -> Option<&T> {
        list.get(self.index(list.len())?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Router,
    Bridge,
}

/// All choices that make a topology.
#[derive(Clone, Debug)]
struct Recipe {
    seed: u64,
    nodes: Vec<Kind>,
    /// To which of the earlier nodes each but the first is wired.
    parents: Vec<Pick>,
    more_wires: Vec<(Pick, Pick)>,
    shortest: bool,
    spanning_tree: bool,
    oddities: Vec<Oddity>,
}

fn recipes(bounds: &Bounds) -> impl Strategy<Value = Recipe> + use<> {
    let kind = prop_oneof![4 => Just(Kind::Host), 3 => Just(Kind::Router), 3 => Just(Kind::Bridge)];
    let parents = bounds.nodes.end().saturating_sub(1);
    let spanning_tree = if bounds.spanning_tree { any::<bool>().boxed() } else { Just(false).boxed() };
    let choices = (
        0_u64..1000,
        vec(kind, bounds.nodes.clone()),
        vec(Pick::any(), parents),
        vec((Pick::any(), Pick::any()), 0..=bounds.more_wires),
        prop_oneof![1 => Just(false), 3 => Just(true)],
        spanning_tree,
        vec(Oddity::any(), 0..=bounds.oddities),
    );
    choices.prop_map(|(seed, nodes, parents, more_wires, shortest, spanning_tree, oddities)| Recipe {
        seed,
        nodes,
        parents,
        more_wires,
        shortest,
        spanning_tree,
        oddities,
    })
}

impl Recipe {
    fn topology(&self) -> Topology {
        let mut topology = self.wired();
        if self.spanning_tree {
            topology.bridges.values_mut().for_each(|bridge| bridge.attrs.stp_state = Some(true));
        }
        number(&mut topology);
        if self.shortest {
            topology.routing = Routing::Shortest;
        }
        for oddity in &self.oddities {
            if let Some(odd) = oddity.on(&topology).and_then(tolerated) {
                topology = odd;
            }
        }
        topology
    }

    /// The nodes and the wires among them.
    fn wired(&self) -> Topology {
        let mut t = Topology { seed: self.seed, ..Topology::default() };
        let names: Vec<String> =
            self.nodes.iter().enumerate().map(|(i, kind)| format!("{}{i}", letter(*kind))).collect();
        for (kind, name) in self.nodes.iter().zip(&names) {
            match kind {
                Kind::Bridge => {
                    let mut bridge = Bridge::default();
                    // Times as short as the kernel lets them be, should it ever speak the protocol.
                    (bridge.attrs.forward_delay, bridge.attrs.hello_time) = (Some(200), Some(100));
                    bridge.attrs.max_age = Some(600);
                    // A querier's silence and reports would be noise in captures.
                    bridge.attrs.mcast_snooping = Some(false);
                    t.bridges.insert(dev(name), bridge);
                }
                kind => {
                    let forwarding = *kind == Kind::Router;
                    t.netns.insert(netns(name), Netns { forwarding, ..Netns::default() });
                }
            }
        }
        let mut ends = vec![0; self.nodes.len()];
        let mut wire = |a: usize, b: usize| {
            let mut end = |i: usize| {
                ends[i] += 1;
                let prefix = if self.nodes[i] == Kind::Bridge { "p" } else { "eth" };
                End::new(netns(&names[i]), dev(&format!("{prefix}{}", ends[i])))
            };
            t.links.push(Link { span: Default::default(), ends: [end(a), end(b)], mtu: None, impair: [None, None] });
        };
        // Which bridges are joined already, each with the first it is joined to.
        let mut joined: Vec<usize> = (0..self.nodes.len()).collect();
        let mut closes_loop = |a: usize, b: usize| {
            let is_loop = joined[a] == joined[b];
            let (from, to) = (joined[a], joined[b]);
            if self.nodes[a] == Kind::Bridge && self.nodes[b] == Kind::Bridge {
                joined.iter_mut().filter(|j| **j == from).for_each(|j| *j = to);
                return is_loop;
            }
            false
        };
        let parents = self.parents.iter().zip(1..self.nodes.len());
        let tree = parents.filter_map(|(parent, child)| Some((parent.index(child)?, child)));
        let more = self.more_wires.iter().filter_map(|(a, b)| {
            let ends = (a.index(self.nodes.len())?, b.index(self.nodes.len())?);
            Some(ends).filter(|(a, b)| a != b)
        });
        for (a, b) in tree.chain(more) {
            if !closes_loop(a, b) || self.spanning_tree {
                wire(a, b);
            }
        }
        t
    }
}

fn letter(kind: Kind) -> char {
    match kind {
        Kind::Host => 'h',
        Kind::Router => 'r',
        Kind::Bridge => 's',
    }
}

/// 10.0.N.0/24 for the broadcast domain N, and in it a number for each interface.
fn number(t: &mut Topology) {
    let (layout, _) = Layout::of(t);
    let segments = Segments::of(&layout);
    for n in 0..segments.devices.len() {
        let stations = segments.stations(&layout, n);
        let interfaces =
            stations.filter(|key| layout.get(key).is_some_and(|d| matches!(d.kind, DeviceKind::Veth { .. })));
        for (i, (name, dev)) in interfaces.enumerate() {
            let address = Address::new(Cidr { addr: host(n, i + 1).into(), len: 24 });
            if let Some(netns) = t.netns.get_mut(name) {
                netns.interfaces.entry(*dev).or_default().addresses.push(Placed::from(address));
            }
        }
    }
}

/// The address of a number in a broadcast domain.
fn host(segment: usize, number: usize) -> Ipv4Addr {
    // There are fewer than 256 of either.
    Ipv4Addr::new(10, 0, segment as u8, number as u8)
}

/// The topology, if it passes the check; with leave to have what can be allowed.
fn tolerated(mut t: Topology) -> Option<Topology> {
    let Err(complaints) = t.check() else { return Some(t) };
    for code in ["duplicate-address", "duplicate-mac"] {
        if complaints.iter().any(|c| c.code == code) && !t.allow.iter().any(|a| a.value == code) {
            t.allow.push(Placed::from(code.to_owned()));
        }
    }
    t.check().is_ok().then_some(t)
}

/// From a name that is known to be good.
fn netns(name: &str) -> NetnsName {
    NetnsName::new(name).expect("a letter and a number")
}

/// From a name that is known to be good.
fn dev(name: &str) -> IfName {
    IfName::new(name).expect("a letter and a number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::snapshot::Snapshot;
    use crate::topology::Format;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    fn runner(seed: u8) -> TestRunner {
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    fn draw(seed: u8) -> (Topology, Vec<Op>) {
        changes(&Bounds::default()).new_tree(&mut runner(seed)).unwrap().current()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn topologies_pass_the_check_and_survive_their_text(t in topologies(&Bounds::default())) {
            prop_assert!(t.check().is_ok(), "{:?}", t.check());
            let text = t.to_toml();
            prop_assert!(Topology::parse(&text, Format::Toml).unwrap() == t, "{}", text);
        }

        #[test]
        fn no_loop_without_spanning_tree(t in topologies(&Bounds { spanning_tree: true, more_wires: 4, ..Bounds::default() })) {
            let (layout, _) = Layout::of(&t);
            prop_assert!(crate::graph::loops(&layout).is_empty());
        }

        #[test]
        fn ops_survive_their_json((t, ops) in changes(&Bounds::default())) {
            let plan = Plan::between(t.check().unwrap().desired(), &Snapshot::default());
            let all: Vec<Op> = plan.ops.into_iter().chain(ops).collect();
            let text = serde_json::to_string(&all).unwrap();
            prop_assert_eq!(serde_json::from_str::<Vec<Op>>(&text).unwrap(), all);
        }
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    /// They are worth running: most are in one piece, with several kinds of oddity among them.
    #[test]
    fn what_is_drawn_is_of_many_kinds() {
        let all: Vec<(Topology, Vec<Op>)> = (0..100).map(draw).collect();
        let count = |has: &dyn Fn(&Topology) -> bool| all.iter().filter(|(t, _)| has(t)).count();
        let whole = |t: &Topology| t.links.len() + 1 >= t.netns.len() + t.bridges.len();
        assert!(count(&whole) > 80);
        assert!(count(&|t| !t.bridges.is_empty()) > 50);
        assert!(count(&|t| t.netns.values().any(|n| n.forwarding)) > 50);
        assert!(count(&|t| t.netns.values().any(|n| !n.sysctls.is_empty())) > 20);
        assert!(count(&|t| t.netns.values().any(|n| !n.routes.is_empty())) > 20);
        assert!(count(&|t| t.netns.values().any(|n| !n.neighbours.is_empty())) > 10);
        let kinds: std::collections::BTreeSet<String> = all
            .iter()
            .flat_map(|(_, ops)| ops)
            .map(|op| serde_json::to_value(op).unwrap().as_object().unwrap().keys().next().unwrap().clone())
            .collect();
        assert!(kinds.len() >= 14, "{kinds:?}");
    }
}
