//! Topologies of a known shape and any size: line, star, ring, tree, grid, fat tree.
//!
//! Each has addresses and routes so that all pairs of hosts reach each other, and expectations that say so for a few.
//! Lines, rings and grids are of routers, one wire and one /30 between each two; stars are hosts on one bridge; trees and
//! fat trees are routers with hosts below. Addresses are dealt from 10/8 in order, so a shape of a size is always the
//! same. Deliberately absent: randomness.

use crate::addr::{Address, Cidr};
use crate::complaint::{Placed, Span};
use crate::name::{IfName, NetnsName};
use crate::topology::{
    Bridge, DEFAULT_TIMEOUT, End, Expect, Flow, Interface, Link, Netns, Routing, Target, Topology, Want,
};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// N namespaces in a row; those between the ends forward.
    Line,
    /// N hosts on one bridge.
    Star,
    /// N routers in a circle.
    Ring,
    /// A binary tree of routers of depth N, hosts for leaves.
    Tree,
    /// N by N routers, each wired to its neighbours.
    Grid,
    /// A fat tree of N-port routers (N even): N pods, N³/4 hosts.
    FatTree,
}

/// Why nothing was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerateError {
    /// No such shape.
    Unknown(String),
    /// The shape has no such size.
    Size {
        /// The shape.
        shape: Shape,
        /// The size asked for.
        size: u32,
        /// The sizes there are.
        allowed: &'static str,
    },
}

impl Shape {
    /// All shapes.
    pub const ALL: [Shape; 6] = [Shape::Line, Shape::Star, Shape::Ring, Shape::Tree, Shape::Grid, Shape::FatTree];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Shape::Line => "line",
            Shape::Star => "star",
            Shape::Ring => "ring",
            Shape::Tree => "tree",
            Shape::Grid => "grid",
            Shape::FatTree => "fat-tree",
        }
    }

    /// The sizes there are, least and greatest, and in words.
    fn sizes(self) -> (u32, u32, &'static str) {
        match self {
            Shape::Line => (2, 1000, "2 to 1000 namespaces"),
            Shape::Star => (2, 1022, "2 to 1022 hosts, as many as one bridge and its /22 take"),
            Shape::Ring => (3, 1000, "3 to 1000 routers"),
            Shape::Tree => (1, 9, "depth 1 to 9"),
            Shape::Grid => (2, 32, "2 to 32 routers on a side"),
            Shape::FatTree => (2, 16, "2 to 16 ports, an even number"),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Shape {
    type Err = GenerateError;
    fn from_str(s: &str) -> Result<Self, GenerateError> {
        Shape::ALL.into_iter().find(|shape| shape.word() == s).ok_or_else(|| GenerateError::Unknown(s.to_owned()))
    }
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GenerateError::Unknown(word) => {
                let words: Vec<&str> = Shape::ALL.iter().map(|s| s.word()).collect();
                write!(f, "{word:?} is no shape: there are {}", words.join(", "))
            }
            GenerateError::Size { shape, size, allowed } => write!(f, "no {shape} of {size}: {allowed}"),
        }
    }
}

impl std::error::Error for GenerateError {}

/// A topology of this shape and size.
pub fn generate(shape: Shape, size: u32) -> Result<Topology, GenerateError> {
    let (least, most, allowed) = shape.sizes();
    let odd = shape == Shape::FatTree && !size.is_multiple_of(2);
    if size < least || size > most || odd {
        return Err(GenerateError::Size { shape, size, allowed });
    }
    let mut g = Generator { topology: Topology::default(), wires: 0 };
    g.topology.name = Some(Placed::from(format!("{shape}-{size}")));
    g.topology.routing = Routing::Shortest;
    let far = match shape {
        Shape::Line => g.line(size),
        Shape::Star => g.star(size),
        Shape::Ring => g.ring(size),
        Shape::Tree => g.tree(size),
        Shape::Grid => g.grid(size),
        Shape::FatTree => g.fat_tree(size),
    };
    for (from, to) in far {
        g.expect(&from, &to);
    }
    Ok(g.topology)
}

struct Generator {
    topology: Topology,
    wires: u32,
}

/// How far a packet gets with the usual time to live of 64, with room to spare.
const MOST_HOPS: u32 = 60;

/// Pairs of hosts that are far apart.
type Far = Vec<(String, String)>;

impl Generator {
    fn line(&mut self, size: u32) -> Far {
        for i in 1..=size {
            self.node(&format!("n{i}"), 1 < i && i < size);
        }
        for i in 1..size {
            self.wire(&format!("n{i}"), "right", &format!("n{}", i + 1), "left");
        }
        vec![("n1".into(), format!("n{}", size.min(MOST_HOPS)))]
    }

    fn star(&mut self, size: u32) -> Far {
        self.topology.routing = Routing::Static;
        self.topology.bridges.insert(dev("s1"), Bridge::default());
        for i in 1..=size {
            let host = format!("h{i}");
            self.node(&host, false);
            // 10.0.0.0/22 has room for the 1023 ports of a bridge.
            self.address(&host, "eth0", Ipv4Addr::from(0x0a00_0000 + i), 22);
            self.link(&host, "eth0", "s1", &format!("p{i}"));
        }
        vec![("h1".into(), "h2".into()), ("h1".into(), format!("h{size}"))]
    }

    fn ring(&mut self, size: u32) -> Far {
        for i in 1..=size {
            self.node(&format!("r{i}"), true);
        }
        for i in 1..=size {
            self.wire(&format!("r{i}"), "right", &format!("r{}", i % size + 1), "left");
        }
        vec![("r1".into(), "r2".into()), ("r1".into(), format!("r{}", (size / 2 + 1).min(MOST_HOPS)))]
    }

    /// Routers `r1`, its children `r2` and `r3`, and so on; under the lowest ones hosts, numbered from the left.
    fn tree(&mut self, depth: u32) -> Far {
        let routers = (1u32 << depth) - 1;
        let hosts = 1u32 << depth;
        for i in 1..=routers {
            self.node(&format!("r{i}"), true);
        }
        for i in 2..=routers {
            self.wire(&format!("r{}", i / 2), if i % 2 == 0 { "left" } else { "right" }, &format!("r{i}"), "up");
        }
        for h in 1..=hosts {
            self.node(&format!("h{h}"), false);
            let parent = (hosts + h - 1) / 2;
            self.wire(&format!("r{parent}"), if h % 2 == 1 { "left" } else { "right" }, &format!("h{h}"), "eth0");
        }
        vec![("h1".into(), "h2".into()), ("h1".into(), format!("h{hosts}"))]
    }

    fn grid(&mut self, side: u32) -> Far {
        let name = |row: u32, column: u32| format!("r{row}-{column}");
        for (row, column) in cells(side) {
            self.node(&name(row, column), true);
        }
        for (row, column) in cells(side) {
            if column < side {
                self.wire(&name(row, column), "east", &name(row, column + 1), "west");
            }
            if row < side {
                self.wire(&name(row, column), "south", &name(row + 1, column), "north");
            }
        }
        vec![(name(1, 1), name(1, 2)), (name(1, 1), name(side, side))]
    }

    /// Core routers `c1…`, in each pod P aggregation `aP-1…` and edge routers `eP-1…`, hosts `hP-E-1…` below each edge.
    fn fat_tree(&mut self, ports: u32) -> Far {
        let half = ports / 2;
        for core in 1..=half * half {
            self.node(&format!("c{core}"), true);
        }
        for pod in 1..=ports {
            for i in 1..=half {
                self.node(&format!("a{pod}-{i}"), true);
                self.node(&format!("e{pod}-{i}"), true);
            }
            for (agg, other) in cells(half) {
                let core = (agg - 1) * half + other;
                self.wire(&format!("a{pod}-{agg}"), &format!("up{other}"), &format!("c{core}"), &format!("pod{pod}"));
                self.wire(
                    &format!("a{pod}-{agg}"),
                    &format!("down{other}"),
                    &format!("e{pod}-{other}"),
                    &format!("up{agg}"),
                );
            }
            for (edge, host) in cells(half) {
                let name = format!("h{pod}-{edge}-{host}");
                self.node(&name, false);
                self.wire(&format!("e{pod}-{edge}"), &format!("down{host}"), &name, "eth0");
            }
        }
        vec![("h1-1-1".into(), format!("h{ports}-{half}-{half}")), ("h1-1-1".into(), "h2-1-1".into())]
    }

    fn node(&mut self, name: &str, forwarding: bool) {
        self.topology.netns.insert(netns(name), Netns { forwarding, ..Netns::default() });
    }

    /// A wire with a /30 of its own: the first end has the first address.
    fn wire(&mut self, a: &str, a_dev: &str, b: &str, b_dev: &str) {
        let base = 0x0a00_0000 + 4 * self.wires;
        self.wires += 1;
        self.address(a, a_dev, Ipv4Addr::from(base + 1), 30);
        self.address(b, b_dev, Ipv4Addr::from(base + 2), 30);
        self.link(a, a_dev, b, b_dev);
    }

    fn link(&mut self, a: &str, a_dev: &str, b: &str, b_dev: &str) {
        let ends = [End::new(netns(a), dev(a_dev)), End::new(netns(b), dev(b_dev))];
        self.topology.links.push(Link { span: Span::NOWHERE, ends, mtu: None, impair: [None, None] });
    }

    fn address(&mut self, node: &str, interface: &str, addr: Ipv4Addr, len: u8) {
        let cidr = Cidr { addr: IpAddr::V4(addr), len };
        let node = self.topology.netns.entry(netns(node)).or_default();
        let interface: &mut Interface = node.interfaces.entry(dev(interface)).or_default();
        interface.addresses.push(Placed::from(Address::new(cidr)));
    }

    fn expect(&mut self, from: &str, to: &str) {
        let flow = Flow::Ping { count: 1, interval: Duration::from_secs(1), size: 56, ttl: None };
        self.topology.expectations.push(Expect {
            span: Span::NOWHERE,
            from: netns(from).into(),
            to: Target::Netns(netns(to)).into(),
            flow,
            source: None,
            timeout: DEFAULT_TIMEOUT,
            result: Want::Allowed,
            at: None,
        });
    }
}

/// All pairs of 1 to `side`.
fn cells(side: u32) -> impl Iterator<Item = (u32, u32)> {
    (1..=side).flat_map(move |row| (1..=side).map(move |column| (row, column)))
}

fn netns(name: &str) -> NetnsName {
    NetnsName::new(name).expect("generated names are letters, digits and dashes")
}

fn dev(name: &str) -> IfName {
    IfName::new(name).expect("generated names are short letters and digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Format;

    #[test]
    fn every_shape_checks_without_a_word_and_reads_back() {
        for (shape, size, namespaces) in [
            (Shape::Line, 2, 2),
            (Shape::Line, 5, 5),
            (Shape::Star, 4, 5),
            (Shape::Ring, 5, 5),
            (Shape::Tree, 1, 3),
            (Shape::Tree, 3, 15),
            (Shape::Grid, 3, 9),
            (Shape::FatTree, 2, 7),
            (Shape::FatTree, 4, 36),
        ] {
            let topology = generate(shape, size).unwrap();
            let checked = topology.check().unwrap_or_else(|c| panic!("{shape} {size}: {c:#?}"));
            assert!(checked.warnings().is_empty(), "{shape} {size}: {:#?}", checked.warnings());
            assert_eq!(checked.desired().netns.len(), namespaces, "{shape} {size}");
            assert_eq!(Topology::parse(&topology.to_toml(), Format::Toml).unwrap(), topology, "{shape} {size}");
        }
    }

    #[test]
    fn sizes_out_of_range_are_refused_in_words() {
        for (shape, size) in [(Shape::Line, 1), (Shape::Ring, 2), (Shape::FatTree, 3), (Shape::Star, 1023)] {
            assert!(generate(shape, size).is_err(), "{shape} {size}");
        }
        assert_eq!("cube".parse::<Shape>().unwrap_err().to_string().split(':').next(), Some("\"cube\" is no shape"));
    }
}
