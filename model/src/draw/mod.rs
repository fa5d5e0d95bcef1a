//! Pictures of a topology: Graphviz DOT, Mermaid, and SVG with a layout of its own.
//!
//! The same topology gives the same bytes, on any platform. Deliberately absent: colours to choose, interaction.

mod place;
mod svg;

pub use svg::svg;

use crate::layout::{DeviceKind, Layout};
use crate::name::{IfName, NetnsName};
use crate::paths::forwards;
use crate::topology::netem_text;
use crate::topology::{Interface, Topology};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is drawn.
struct Picture {
    title: String,
    vertices: Vec<Vertex>,
    edges: Vec<Edge>,
}

/// A namespace or a bridge.
struct Vertex {
    name: String,
    kind: Kind,
    /// Addresses, or the namespace that holds a bridge.
    notes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Host,
    Router,
    Bridge,
}

/// A wire.
struct Edge {
    ends: [usize; 2],
    /// The interfaces.
    labels: [String; 2],
    /// MTU and impairment, if there is something to say.
    note: String,
    up: bool,
}

impl Picture {
    fn of(t: &Topology) -> Self {
        let (layout, _) = Layout::of(t);
        let mut vertices = Vec::new();
        let mut index: BTreeMap<(NetnsName, Option<IfName>), usize> = BTreeMap::new();
        let bridge_netns: Vec<NetnsName> = t.bridges.iter().map(|(name, b)| b.netns(*name)).collect();
        for name in layout.netns.keys().filter(|n| t.netns.contains_key(n) || !bridge_netns.contains(n) || n.is_host())
        {
            let said = t.netns.get(name);
            let kind = if said.is_some_and(forwards) { Kind::Router } else { Kind::Host };
            let notes = said.into_iter().flat_map(|n| n.interfaces.values()).flat_map(notes).collect();
            index.insert((name.clone(), None), vertices.len());
            vertices.push(Vertex { name: name.to_string(), kind, notes });
        }
        for (name, bridge) in &t.bridges {
            let held = bridge.holder.as_ref().map(|h| format!("in {}", h.value));
            let stp = (bridge.attrs.stp_state == Some(true)).then(|| "stp".to_owned());
            let notes = held.into_iter().chain(stp).chain(notes(&bridge.device)).collect();
            index.insert((bridge.netns(*name), Some(*name)), vertices.len());
            vertices.push(Vertex { name: name.to_string(), kind: Kind::Bridge, notes });
        }
        let edges = edges(t, &layout, &index);
        let title = t.name.as_ref().map_or("topology".to_owned(), |n| n.value.clone());
        Picture { title, vertices, edges }
    }
}

fn notes(interface: &Interface) -> Vec<String> {
    interface.addresses.iter().map(|a| a.cidr.to_string()).collect()
}

fn edges(t: &Topology, layout: &Layout, index: &BTreeMap<(NetnsName, Option<IfName>), usize>) -> Vec<Edge> {
    let mut edges: BTreeMap<usize, Edge> = BTreeMap::new();
    for (netns, dev, device) in layout.devices() {
        let DeviceKind::Veth { peer, link, end: 0 } = &device.kind else { continue };
        let Some(other) = layout.get(peer) else { continue };
        let here = index.get(&(netns.clone(), device.bridge()));
        let there = index.get(&(peer.0.clone(), other.bridge()));
        let (Some(&here), Some(&there), Some(said)) = (here, there, t.links.get(*link)) else { continue };
        let mut note: Vec<String> = said.mtu.iter().map(|m| format!("mtu {}", m.value)).collect();
        match &said.impair {
            [Some(a), Some(b)] if a == b => note.push(netem_text(&a.value)),
            each => {
                for (end, i) in said.ends.iter().zip(each) {
                    note.extend(i.iter().map(|i| format!("{end}: {}", netem_text(&i.value))));
                }
            }
        }
        let labels = [dev.to_string(), peer.1.to_string()];
        edges.insert(*link, Edge { ends: [here, there], labels, note: note.join(", "), up: device.up && other.up });
    }
    edges.into_values().collect()
}

/// The topology in Graphviz's language: `nettwin graph --dot lab.toml | dot -Tpng`.
pub fn dot(t: &Topology) -> String {
    let picture = Picture::of(t);
    let mut out = format!("graph {} {{\n  layout=neato; overlap=false; splines=true;\n", quoted(&picture.title));
    out.push_str("  node [fontname=\"sans-serif\", style=filled]; edge [fontname=\"sans-serif\", fontsize=10];\n");
    for v in &picture.vertices {
        let label = std::iter::once(&v.name).chain(&v.notes).cloned().collect::<Vec<_>>().join("\n");
        let (shape, fill) = match v.kind {
            Kind::Host => ("box", "#dbeafe"),
            Kind::Router => ("hexagon", "#fde68a"),
            Kind::Bridge => ("ellipse", "#e5e7eb"),
        };
        let _ = writeln!(out, "  {} [label={}, shape={shape}, fillcolor=\"{fill}\"];", quoted(&v.name), quoted(&label));
    }
    for e in &picture.edges {
        let [a, b] = e.ends.map(|i| quoted(&picture.vertices[i].name));
        let [tail, head] = e.labels.each_ref().map(|l| quoted(l));
        let style = if e.up { "" } else { ", style=dashed" };
        let _ = writeln!(out, "  {a} -- {b} [taillabel={tail}, headlabel={head}, label={}{style}];", quoted(&e.note));
    }
    out.push_str("}\n");
    out
}

/// A DOT string.
fn quoted(s: &str) -> String {
    format!("\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// The topology as a Mermaid flowchart, which many wikis and forges draw.
pub fn mermaid(t: &Topology) -> String {
    let picture = Picture::of(t);
    let mut out = String::from("flowchart LR\n");
    for (i, v) in picture.vertices.iter().enumerate() {
        let label = std::iter::once(&v.name).chain(&v.notes).map(|s| entities(s)).collect::<Vec<_>>().join("<br/>");
        let (open, close) = match v.kind {
            Kind::Host => ("[", "]"),
            Kind::Router => ("{{", "}}"),
            Kind::Bridge => ("([", "])"),
        };
        let _ = writeln!(out, "  v{i}{open}\"{label}\"{close}");
    }
    for e in &picture.edges {
        let line = if e.up { "---" } else { "-.-" };
        let mut label = format!("{} - {}", entities(&e.labels[0]), entities(&e.labels[1]));
        if !e.note.is_empty() {
            label = format!("{label}<br/>{}", entities(&e.note));
        }
        let _ = writeln!(out, "  v{} {line}|\"{label}\"| v{}", e.ends[0], e.ends[1]);
    }
    out
}

/// Text in Mermaid: its own notation of HTML's entities.
fn entities(s: &str) -> String {
    s.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;").replace('`', "#96;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Shape, generate};
    use crate::topology::Format;

    const LAB: &str = r#"
        [netns.h1]
        interfaces.eth0.addresses = ["10.0.0.1/24"]
        [netns.'a"b']
        [bridge.s1]
        [[link]]
        ends = ["h1:eth0", "s1:p1"]
        mtu = 1400
        [[link]]
        ends = ['a"b:eth0', "s1:p2"]
    "#;

    #[test]
    fn names_are_quoted_in_each_language() {
        let t = Topology::parse(LAB, Format::Toml).unwrap();
        assert!(dot(&t).contains(r#""a\"b" -- "s1" [taillabel="eth0", headlabel="p2""#), "{}", dot(&t));
        assert!(mermaid(&t).contains(r#"["a#quot;b"]"#), "{}", mermaid(&t));
        assert!(mermaid(&t).contains(r#"|"eth0 - p1<br/>mtu 1400"|"#), "{}", mermaid(&t));
        assert!(svg(&t).contains("a&quot;b"), "{}", svg(&t));
    }

    #[test]
    fn pictures_of_all_shapes_stay_inside_their_frame() {
        for (shape, size) in [(Shape::Line, 3), (Shape::Star, 12), (Shape::Ring, 8), (Shape::Tree, 3), (Shape::Grid, 4)]
        {
            let t = generate(shape, size).unwrap();
            assert_eq!(svg(&t), svg(&t));
            let picture = Picture::of(&t);
            let placed = place::place(&picture);
            for (i, a) in placed.boxes.iter().enumerate() {
                assert!(a.x - a.w >= 0.0 && a.y - a.h >= 0.0, "{shape}");
                assert!(a.x + a.w <= placed.width && a.y + a.h <= placed.height, "{shape}");
                for b in &placed.boxes[..i] {
                    assert!((a.x - b.x).abs() >= a.w + b.w || (a.y - b.y).abs() >= a.h + b.h, "{shape}: boxes overlap");
                }
            }
        }
    }
}
