//! Where the boxes of a picture go: springs between wired boxes, repulsion between all, then apart until none overlap.
//!
//! Counterpart: Fruchterman and Reingold's layout. Only additions, products, quotients and square roots, which IEEE 754
//! fixes to the bit, so that a picture is the same everywhere. Deliberately absent: crossings' minimum.

use super::Picture;
use std::collections::VecDeque;

/// A box by its centre and half its width and height, pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

/// The boxes, and the frame around them.
pub(super) struct Placed {
    pub(super) boxes: Vec<Rect>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The length that a wire would like to have, pixels.
const WIRE: f64 = 190.0;
/// Between boxes at least, and around all, pixels.
const GAP: f64 = 14.0;
/// How many pairs of boxes all rounds together may look at.
const WORK: usize = 60_000_000;

/// Places a picture's boxes.
pub(super) fn place(picture: &Picture) -> Placed {
    let mut boxes = sizes(picture);
    let pairs = (boxes.len() * boxes.len()).max(1);
    let rounds = (WORK / pairs).min(400);
    start(picture, &mut boxes);
    for round in 0..rounds {
        let heat = WIRE * (1.0 - round as f64 / rounds as f64) + 1.0;
        relax(picture, &mut boxes, heat);
    }
    for _ in 0..(WORK / pairs).clamp(1, 300) {
        if !part(&mut boxes) {
            break;
        }
    }
    // What still overlaps is put in rows, which never does.
    if overlap(&boxes) {
        rows(&mut boxes);
    }
    frame(boxes)
}

fn sizes(picture: &Picture) -> Vec<Rect> {
    let size = |v: &super::Vertex| {
        let longest = v.notes.iter().map(|n| n.chars().count() * 13 / 2).max().unwrap_or(0);
        let width = (v.name.chars().count() * 9).max(longest) as f64;
        let lines = v.notes.len() as f64;
        Rect { x: 0.0, y: 0.0, w: width / 2.0 + 16.0, h: 17.0 + lines * 7.5 }
    };
    picture.vertices.iter().map(size).collect()
}

/// In rows by distance from the first box with the most wires: near each other what is wired together.
fn start(picture: &Picture, boxes: &mut [Rect]) {
    let mut beside: Vec<Vec<usize>> = vec![Vec::new(); boxes.len()];
    for e in &picture.edges {
        beside[e.ends[0]].push(e.ends[1]);
        beside[e.ends[1]].push(e.ends[0]);
    }
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(beside[i].len()));
    let mut depth = vec![usize::MAX; boxes.len()];
    let mut filled: Vec<usize> = Vec::new();
    let mut base = 0;
    for root in order {
        if depth[root] != usize::MAX {
            continue;
        }
        depth[root] = base;
        let mut queue = VecDeque::from([root]);
        while let Some(at) = queue.pop_front() {
            let row = depth[at];
            if filled.len() <= row {
                filled.resize(row + 1, 0);
            }
            // Every second to the left, so that a row grows around its middle; a little askew, so that nothing balances.
            let seat = filled[row];
            filled[row] += 1;
            let side = if seat.is_multiple_of(2) { 1.0 } else { -1.0 };
            boxes[at].x = side * seat.div_ceil(2) as f64 * WIRE * 0.8 + row as f64 * 7.0;
            boxes[at].y = row as f64 * WIRE * 0.8 + seat as f64 * 3.0;
            for &next in &beside[at] {
                if depth[next] == usize::MAX {
                    depth[next] = row + 1;
                    queue.push_back(next);
                }
            }
        }
        base = filled.len();
    }
}

/// One round of springs and repulsion; no box moves further than `heat`.
fn relax(picture: &Picture, boxes: &mut [Rect], heat: f64) {
    let mut force = vec![(0.0, 0.0); boxes.len()];
    for i in 0..boxes.len() {
        for j in 0..i {
            let (dx, dy) = (boxes[i].x - boxes[j].x, boxes[i].y - boxes[j].y);
            let square = (dx * dx + dy * dy).max(1.0);
            let push = WIRE * WIRE / square;
            force[i].0 += dx * push;
            force[i].1 += dy * push;
            force[j].0 -= dx * push;
            force[j].1 -= dy * push;
        }
    }
    for e in &picture.edges {
        let [a, b] = e.ends;
        let (dx, dy) = (boxes[a].x - boxes[b].x, boxes[a].y - boxes[b].y);
        let pull = (dx * dx + dy * dy).sqrt() / WIRE;
        force[a].0 -= dx * pull;
        force[a].1 -= dy * pull;
        force[b].0 += dx * pull;
        force[b].1 += dy * pull;
    }
    for (rect, (fx, fy)) in boxes.iter_mut().zip(force) {
        let strength = (fx * fx + fy * fy).sqrt().max(1e-9);
        let step = strength.min(heat) / strength;
        // A weak pull to the middle keeps parts that are not wired together in sight.
        rect.x += fx * step - rect.x * 0.01;
        rect.y += fy * step - rect.y * 0.01;
    }
}

/// Moves boxes that overlap apart, each by half, along the shorter way; whether any did.
fn part(boxes: &mut [Rect]) -> bool {
    let mut moved = false;
    for i in 0..boxes.len() {
        for j in 0..i {
            let (a, b) = (boxes[i], boxes[j]);
            let over_x = a.w + b.w + GAP - (a.x - b.x).abs();
            let over_y = a.h + b.h + GAP - (a.y - b.y).abs();
            if over_x <= 0.0 || over_y <= 0.0 {
                continue;
            }
            moved = true;
            if over_x < over_y {
                let half = if a.x >= b.x { over_x / 2.0 } else { -over_x / 2.0 };
                boxes[i].x += half;
                boxes[j].x -= half;
            } else {
                let half = if a.y >= b.y { over_y / 2.0 } else { -over_y / 2.0 };
                boxes[i].y += half;
                boxes[j].y -= half;
            }
        }
    }
    moved
}

fn overlap(boxes: &[Rect]) -> bool {
    let meet = |a: &Rect, b: &Rect| (a.x - b.x).abs() < a.w + b.w + 2.0 && (a.y - b.y).abs() < a.h + b.h + 2.0;
    boxes.iter().enumerate().any(|(i, a)| boxes[..i].iter().any(|b| meet(a, b)))
}

fn rows(boxes: &mut [Rect]) {
    let (wide, high) = boxes.iter().fold((0.0, 0.0), |(w, h), b: &Rect| (b.w.max(w), b.h.max(h)));
    let columns = (1..).find(|c| c * c >= boxes.len()).unwrap_or(1);
    for (i, rect) in boxes.iter_mut().enumerate() {
        rect.x = (i % columns) as f64 * (2.0 * wide + 5.0 * GAP);
        rect.y = (i / columns) as f64 * (2.0 * high + 5.0 * GAP);
    }
}

/// Moves all so that the frame begins at zero, to whole pixels.
fn frame(mut boxes: Vec<Rect>) -> Placed {
    let left = boxes.iter().map(|b| b.x - b.w).fold(f64::INFINITY, f64::min);
    let top = boxes.iter().map(|b| b.y - b.h).fold(f64::INFINITY, f64::min);
    for rect in &mut boxes {
        rect.x = (rect.x - left + 2.0 * GAP).round();
        rect.y = (rect.y - top + 4.0 * GAP).round();
    }
    let width = boxes.iter().map(|b| b.x + b.w).fold(240.0, f64::max) + 2.0 * GAP;
    let height = boxes.iter().map(|b| b.y + b.h).fold(60.0, f64::max) + 2.0 * GAP;
    Placed { boxes, width: width.ceil(), height: height.ceil() }
}
