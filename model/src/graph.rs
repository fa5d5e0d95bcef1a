//! The graph of a topology: broadcast domains and loops.
//!
//! The only place that knows petgraph. Wires with an end that is down are cut. Deliberately absent: what STP will block
//! (a loop with a bridge that speaks it is no loop), routes (see [`crate::paths`]), pictures (see [`crate::draw`]).

use crate::layout::{DevKey, DeviceKind, Layout};
use crate::virtuals::Virtual;
use petgraph::algo::astar;
use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::unionfind::UnionFind;
use std::collections::BTreeMap;

/// The broadcast domains.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    /// The devices of each, in order; the domains in the order of their first device. `lo` is in none.
    pub devices: Vec<Vec<DevKey>>,
    of: BTreeMap<DevKey, usize>,
}

impl Segments {
    /// The broadcast domains of a layout: wires join their ends, bridges and bonds what belongs to them.
    pub fn of(layout: &Layout) -> Self {
        let keys: Vec<DevKey> = layout
            .devices()
            .filter(|(_, _, d)| d.kind != DeviceKind::Loopback)
            .map(|(netns, dev, _)| (netns.clone(), dev))
            .collect();
        let index: BTreeMap<&DevKey, usize> = keys.iter().enumerate().map(|(i, k)| (k, i)).collect();
        let mut joined = UnionFind::<usize>::new(keys.len());
        for (i, key) in keys.iter().enumerate() {
            let Some(device) = layout.get(key) else { continue };
            if let Some(&bridge) = device.master.and_then(|m| index.get(&(key.0.clone(), m))) {
                joined.union(i, bridge);
            }
            if let DeviceKind::Veth { peer, .. } = &device.kind
                && device.up
                && layout.get(peer).is_some_and(|p| p.up)
                && let Some(&other) = index.get(peer)
            {
                joined.union(i, other);
            }
        }
        join_virtuals(layout, &keys, &index, &mut joined);
        let mut segments = Segments::default();
        let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
        for (i, key) in keys.iter().enumerate() {
            let number = *numbers.entry(joined.find(i)).or_insert_with(|| {
                segments.devices.push(Vec::new());
                segments.devices.len() - 1
            });
            segments.devices[number].push(key.clone());
            segments.of.insert(key.clone(), number);
        }
        segments
    }

    /// The domain that a device is in.
    pub fn number(&self, key: &DevKey) -> Option<usize> {
        self.of.get(key).copied()
    }

    /// Those devices of a domain that speak IP: interfaces and bridges' own devices, ports excluded.
    pub fn stations<'a>(&'a self, layout: &'a Layout, number: usize) -> impl Iterator<Item = &'a DevKey> + 'a {
        let devices = self.devices.get(number).map_or(&[][..], Vec::as_slice);
        devices.iter().filter(|key| layout.get(key).is_some_and(|d| d.master.is_none()))
    }
}

/// A macvlan is on the wire of what it sits on; VLAN devices of one number on one wire are a domain of their own.
fn join_virtuals(layout: &Layout, keys: &[DevKey], index: &BTreeMap<&DevKey, usize>, joined: &mut UnionFind<usize>) {
    let lower = |key: &DevKey| match &layout.get(key)?.kind {
        DeviceKind::Virtual(kind) => kind.lower().cloned(),
        _ => None,
    };
    let depth = |key: &DevKey| std::iter::successors(Some(key.clone()), |key| lower(key)).count();
    let mut order: Vec<(usize, &DevKey)> = keys.iter().map(|key| (depth(key), key)).filter(|(d, _)| *d > 1).collect();
    order.sort();
    let mut vlans: BTreeMap<(usize, u16, u16), usize> = BTreeMap::new();
    for (_, key) in order {
        let (Some(device), Some(&at)) = (layout.get(key), index.get(key)) else { continue };
        let Some(&below) = lower(key).and_then(|lower| index.get(&lower)) else { continue };
        match &device.kind {
            DeviceKind::Virtual(Virtual::Macvlan(_)) => drop(joined.union(at, below)),
            DeviceKind::Virtual(Virtual::Vlan(vlan)) => {
                let wire = (joined.find(below), vlan.protocol.number(), vlan.id);
                joined.union(at, *vlans.entry(wire).or_insert(at));
            }
            _ => {}
        }
    }
}

/// A loop of bridges without spanning tree: frames for everybody go round it for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// The bridges in order, the first not repeated.
    pub bridges: Vec<DevKey>,
    /// The topology's links between them, the last leading from the last bridge to the first.
    pub links: Vec<usize>,
}

/// The loops: one for each link that closes one, in the order of the links.
pub fn loops(layout: &Layout) -> Vec<Loop> {
    let mut forest: UnGraph<DevKey, usize> = UnGraph::default();
    let mut nodes: BTreeMap<DevKey, NodeIndex> = BTreeMap::new();
    for (netns, dev, device) in layout.devices() {
        if let DeviceKind::Bridge(attrs) = &device.kind
            && device.up
            && attrs.stp_state != Some(true)
        {
            let key = (netns.clone(), dev);
            nodes.insert(key.clone(), forest.add_node(key));
        }
    }
    let mut joined = UnionFind::<usize>::new(forest.node_count());
    let mut found = Vec::new();
    for (link, ends) in wires_between_bridges(layout) {
        let (Some(&a), Some(&b)) = (nodes.get(&ends[0]), nodes.get(&ends[1])) else { continue };
        if joined.union(a.index(), b.index()) {
            forest.add_edge(a, b, link);
        } else if let Some((_, path)) = astar(&forest, b, |n| n == a, |_| 1, |_| 0) {
            let edges = path.windows(2).filter_map(|w| forest.find_edge(w[0], w[1])).map(|e| forest[e]);
            let links = edges.chain([link]).collect();
            found.push(Loop { bridges: path.iter().map(|&n| forest[n].clone()).collect(), links });
        }
    }
    found
}

/// Each wire that joins two bridges and is up, by the topology's link: the bridges at its ends.
fn wires_between_bridges(layout: &Layout) -> BTreeMap<usize, [DevKey; 2]> {
    let mut out = BTreeMap::new();
    for (netns, _, device) in layout.devices() {
        let DeviceKind::Veth { peer, link, end: 0 } = &device.kind else { continue };
        let Some(other) = layout.get(peer).filter(|other| other.up && device.up) else { continue };
        if let (Some(here), Some(there)) = (device.bridge(), other.bridge()) {
            out.insert(*link, [(netns.clone(), here), (peer.0.clone(), there)]);
        }
    }
    out
}
