//! The topology as SVG.

use super::place::{Rect, place};
use super::{Edge, Kind, Picture, Vertex};
use crate::topology::Topology;
use std::fmt::Write;

const STYLE: &str = "text{font-family:sans-serif;font-size:11px;fill:#111827;text-anchor:middle}\
.name{font-size:14px;font-weight:bold}.end{fill:#374151;paint-order:stroke;stroke:#fff;stroke-width:3px}\
.note{font-style:italic;fill:#92400e;paint-order:stroke;stroke:#fff;stroke-width:3px}\
.title{font-size:13px;fill:#6b7280;text-anchor:start}\
line{stroke:#6b7280;stroke-width:1.5}.down{stroke-dasharray:5 4}rect,ellipse,polygon{stroke:#374151;stroke-width:1}";

/// The topology as an SVG document.
pub fn svg(t: &Topology) -> String {
    let picture = Picture::of(t);
    let placed = place(&picture);
    let (width, height) = (placed.width, placed.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<title>{0}</title>\n<style>{STYLE}</style>\n\
         <rect x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\" style=\"fill:#fff;stroke:none\"/>\n\
         <text class=\"title\" x=\"14\" y=\"22\">{0}</text>\n",
        escaped(&picture.title)
    );
    for e in &picture.edges {
        line(&mut out, e, placed.boxes[e.ends[0]], placed.boxes[e.ends[1]]);
    }
    for e in &picture.edges {
        labels(&mut out, e, placed.boxes[e.ends[0]], placed.boxes[e.ends[1]]);
    }
    for (v, rect) in picture.vertices.iter().zip(&placed.boxes) {
        vertex(&mut out, v, *rect);
    }
    out.push_str("</svg>\n");
    out
}

fn line(out: &mut String, e: &Edge, a: Rect, b: Rect) {
    let class = if e.up { "" } else { " class=\"down\"" };
    let _ = writeln!(out, "<line{class} x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", a.x, a.y, b.x, b.y);
}

/// The interfaces beside their boxes, what else there is to say in the middle.
fn labels(out: &mut String, e: &Edge, a: Rect, b: Rect) {
    for (label, near, far) in [(&e.labels[0], a, b), (&e.labels[1], b, a)] {
        let (dx, dy) = (far.x - near.x, far.y - near.y);
        // As far out as the box's edge in that direction, and a little more; never beyond the middle.
        let across = (near.w / dx.abs().max(1.0)).min(near.h / dy.abs().max(1.0));
        let away = 14.0 / (dx * dx + dy * dy).sqrt().max(1.0);
        let t = (across + away).min(0.45);
        let (x, y) = ((near.x + dx * t).round(), (near.y + dy * t).round() + 4.0);
        let _ = writeln!(out, "<text class=\"end\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(label));
    }
    if !e.note.is_empty() {
        let (x, y) = (((a.x + b.x) / 2.0).round(), ((a.y + b.y) / 2.0).round() - 4.0);
        let _ = writeln!(out, "<text class=\"note\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(&e.note));
    }
}

fn vertex(out: &mut String, v: &Vertex, r: Rect) {
    let (left, top, right, bottom) = (r.x - r.w, r.y - r.h, r.x + r.w, r.y + r.h);
    let _ = match v.kind {
        Kind::Host => writeln!(
            out,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"5\" fill=\"#dbeafe\"/>",
            2.0 * r.w,
            2.0 * r.h
        ),
        Kind::Router => writeln!(
            out,
            "<polygon points=\"{left},{0} {1},{top} {2},{top} {right},{0} {2},{bottom} {1},{bottom}\" fill=\"#fde68a\"/>",
            r.y,
            left + 9.0,
            right - 9.0
        ),
        Kind::Bridge => {
            writeln!(out, "<ellipse cx=\"{}\" cy=\"{}\" rx=\"{}\" ry=\"{}\" fill=\"#e5e7eb\"/>", r.x, r.y, r.w, r.h)
        }
    };
    let mut y = r.y + 5.0 - v.notes.len() as f64 * 7.5;
    let _ = writeln!(out, "<text class=\"name\" x=\"{}\" y=\"{y}\">{}</text>", r.x, escaped(&v.name));
    for note in &v.notes {
        y += 15.0;
        let _ = writeln!(out, "<text x=\"{}\" y=\"{y}\">{}</text>", r.x, escaped(note));
    }
}

fn escaped(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML 1.0 has no such characters at all.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
