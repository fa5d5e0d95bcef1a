//! Storms: frames that go round for ever, found, named and ended.
//!
//! Kernel counterpart: none. There a loop of bridges without spanning tree keeps a processor busy until somebody pulls a
//! plug, and two echo servers may talk for ever; here time would never go on. So nothing is taken for a storm that is
//! none: a frame that has crossed more wires than there are is only suspected, and goes round once a cycle of bridges has
//! been found that it does go round. From then on each device receives one more copy of it, and those beyond are dropped: what
//! it would have reached it still reaches, since the first copy to come anywhere is ahead of those that come again.
//! Deliberately absent: switching ports off, remembering a loop for other frames.

use crate::dev::bridge::Kind as Cast;
use crate::dev::{Kind, veth::Veth};
use crate::frame::DOOMED;
use crate::netns::{Ifindex, Netns, NetnsTable, NsId};
use crate::path::Pkt;
use crate::sim::Sim;
use crate::world::World;
use nettwin_model::{IfName, Instant, NetnsName};
use std::collections::BTreeMap;
use std::fmt;

/// Something that goes round for ever.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Storm {
    /// When it was noticed first.
    pub at: Instant,
    /// The bridges that it goes round, in order. Empty: no loop of bridges, but programs that answer each other without end.
    pub cycle: Vec<Turn>,
    /// How many frames it has ended so far, the copies of one counted once.
    pub frames: u64,
}

/// A bridge of a storm's cycle.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Turn {
    /// Its namespace.
    pub netns: NetnsName,
    /// The bridge.
    pub bridge: IfName,
    /// The port by which frames come in.
    pub from: IfName,
    /// The port by which they leave.
    pub to: IfName,
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.cycle.first() else {
            return f.write_str(
                "an instant without end: programs answer each other for ever; let a link between them have delay",
            );
        };
        f.write_str("a loop without spanning tree: ")?;
        for Turn { netns, bridge, from, to } in &self.cycle {
            write!(f, "{netns}/{bridge} (in by {from}, out by {to}) -> ")?;
        }
        write!(f, "{}/{}; switch STP on, or take a link away", first.netns, first.bridge)
    }
}

/// The storms of one simulation, and when to suspect one.
#[derive(Default)]
pub(crate) struct Storms {
    /// A frame that has crossed more wires than this is looked at.
    pub(crate) patience: u32,
    seen: Vec<Storm>,
    /// The loops that are in `seen`, by the ports that they come in by, in order.
    loops: BTreeMap<Vec<Place>, usize>,
}

/// A device anywhere.
type Place = (NsId, Ifindex);

impl Sim {
    /// The storms so far, one for each loop.
    pub fn storms(&self) -> &[Storm] {
        &self.world.storms.seen
    }
}

/// A received frame has crossed suspiciously many wires. Is it a storm's?
#[cold]
pub(crate) fn judge(netns: &NetnsTable, w: &mut World, at: NsId, pkt: &Pkt) -> bool {
    let crossed = w.frames.crossings(pkt.frame);
    if crossed == DOOMED {
        return !w.frames.visit(pkt.frame, (at, pkt.dev));
    }
    if crossed == w.storms.patience + 1 {
        // Without a loop and without duplication a frame crosses each wire once.
        w.storms.patience = wire_ends(netns) + SLACK;
        if crossed <= w.storms.patience {
            return false;
        }
    }
    let cast = Cast::of(w.frames.bytes(pkt.frame));
    let Some(places) = cycle(netns, (at, pkt.dev), cast) else {
        // A copy that left the loop. When as many as there are wires have been looked at and none goes round, then there
        // is no loop: they are duplicates.
        if crossed > 2 * w.storms.patience {
            w.frames.set_crossings(pkt.frame, 0);
        }
        return false;
    };
    w.frames.doom(pkt.frame);
    w.frames.visit(pkt.frame, (at, pkt.dev));
    let mut key = places.clone();
    key.sort_unstable();
    let now = w.now;
    let Storms { seen, loops, .. } = &mut w.storms;
    let number = *loops.entry(key).or_insert_with(|| {
        seen.push(Storm { at: now, cycle: name(netns, &places), frames: 0 });
        seen.len() - 1
    });
    seen[number].frames += 1;
    false
}

/// The instant's budget is used up: whatever this is, it has no end, unless the network is large.
#[cold]
pub(crate) fn endless(netns: &NetnsTable, w: &mut World) {
    if !w.ring.is_extended {
        w.ring.left = wire_ends(netns) * ITEMS_PER_WIRE_END + INSTANT_SLACK;
        w.ring.is_extended = true;
        return;
    }
    let now = w.now;
    let Storms { seen, loops, .. } = &mut w.storms;
    let number = *loops.entry(Vec::new()).or_insert_with(|| {
        seen.push(Storm { at: now, cycle: Vec::new(), frames: 0 });
        seen.len() - 1
    });
    seen[number].frames += 1;
}

fn wire_ends(netns: &NetnsTable) -> u32 {
    let ends = netns.iter().flat_map(|ns| ns.devs.iter()).filter(|d| matches!(d.kind, Kind::Veth(_))).count();
    u32::try_from(ends).unwrap_or(u32::MAX).min(u32::MAX / ITEMS_PER_WIRE_END / 2)
}

/// A cycle of received-by ports that a frame received by `start` goes round: a depth-first search.
fn cycle(netns: &NetnsTable, start: Place, cast: Cast) -> Option<Vec<Place>> {
    let mut on_path: BTreeMap<Place, bool> = BTreeMap::from([(start, true)]);
    let mut path = vec![(start, onward(netns, start, cast))];
    while let Some((place, next)) = path.last_mut() {
        let Some(to) = next.pop() else {
            on_path.insert(*place, false);
            path.pop();
            continue;
        };
        match on_path.get(&to) {
            Some(true) => {
                let from = path.iter().position(|(place, _)| *place == to)?;
                return Some(path[from..].iter().map(|(place, _)| *place).collect());
            }
            Some(false) => {}
            None => {
                on_path.insert(to, true);
                path.push((to, onward(netns, to, cast)));
            }
        }
    }
    None
}

/// The bridge ports that receive what the bridge port `at` has received.
fn onward(netns: &NetnsTable, (at, dev): Place, cast: Cast) -> Vec<Place> {
    let Some(ns) = netns.by_id(at) else { return Vec::new() };
    let Some(port) = ns.dev(dev).filter(|d| d.up).and_then(|d| d.port) else { return Vec::new() };
    let Some(bridge) = ns.dev(port.bridge).and_then(|d| d.bridge()) else { return Vec::new() };
    bridge.onward(port.number, cast).filter_map(|out| other_end(netns, ns, out)).collect()
}

/// The bridge port at the other end of a wire.
fn other_end(netns: &NetnsTable, ns: &Netns, dev: Ifindex) -> Option<Place> {
    let Kind::Veth(Veth { peer }) = &ns.dev(dev).filter(|d| d.is_running())?.kind else { return None };
    netns.by_id(peer.ns)?.dev(peer.dev)?.port?;
    Some((peer.ns, peer.dev))
}

fn name(netns: &NetnsTable, places: &[Place]) -> Vec<Turn> {
    let following = places.iter().cycle().skip(1);
    let turn = |(&(at, dev), &(next, next_dev)): (&Place, &Place)| {
        let ns = netns.by_id(at)?;
        let Kind::Veth(Veth { peer: out }) = &netns.by_id(next)?.dev(next_dev)?.kind else { return None };
        Some(Turn {
            netns: ns.name.clone(),
            bridge: ns.dev(ns.dev(dev)?.port?.bridge)?.name,
            from: ns.dev(dev)?.name,
            to: ns.dev(out.dev)?.name,
        })
    };
    let mut turns: Vec<Turn> = places.iter().zip(following).filter_map(turn).collect();
    // However it was found, it is told from the same bridge on.
    let first = (0..turns.len()).min_by_key(|&i| (&turns[i].netns, turns[i].bridge, turns[i].from));
    turns.rotate_left(first.unwrap_or(0));
    turns
}

/// How many items an instant may handle for each wire's end: every host is asked, answers, and all that comes of it.
const ITEMS_PER_WIRE_END: u32 = 64;
/// What an instant may handle beyond that.
const INSTANT_SLACK: u32 = 64;
/// So many wires a frame may cross beyond those that there are.
const SLACK: u32 = 32;
