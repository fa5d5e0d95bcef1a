//! What `tc` shows of a device's queues.
//!
//! Kernel counterpart: `tc_dump_qdisc_root`, `tc_dump_tclass_root` of `net/sched/sch_api.c`, whose hash tables decide the order.
//! Deliberately absent: qdiscs that the kernel made itself (`tc qdisc show invisible`).

use super::htb::HtbQueue;
use super::tree::{Kind, Node, NodeId, ROOT, Tree};
use nettwin_model::queue::{ClassRow, Counters, Handle, Prio, QdiscOptions, QdiscRow, Queues};

impl Tree {
    /// All of it.
    pub(super) fn rows(&self) -> Queues {
        let order = self.in_order();
        let qdiscs = order.iter().map(|id| self.qdisc_row(*id)).collect();
        // A netem without a child has a class that it cannot show, which ends the kernel's dump.
        let ends = |id: &&NodeId| matches!(&self.node(**id).kind, Kind::Netem(netem) if netem.child.is_none());
        let classes = order.iter().take_while(|id| !ends(id)).flat_map(|id| self.class_rows(*id)).collect();
        Queues { qdiscs, classes, filters: self.filter_rows() }
    }

    /// The root, then the others by the kernel's hash table of sixteen, the youngest first in each.
    fn in_order(&self) -> Vec<NodeId> {
        let bucket = |handle: Handle| handle.0.wrapping_mul(0x61c8_8647) >> 28;
        let below = self.nodes.iter().enumerate().skip(ROOT + 1).filter_map(|(id, node)| Some((id, node.as_ref()?)));
        let mut below: Vec<(u32, std::cmp::Reverse<u64>, NodeId)> = below
            .filter(|(_, node)| !node.is_invisible)
            .map(|(id, node)| (bucket(node.handle), std::cmp::Reverse(node.serial), id))
            .collect();
        below.sort_unstable();
        std::iter::once(ROOT).chain(below.into_iter().map(|(_, _, id)| id)).collect()
    }

    fn qdisc_row(&self, id: NodeId) -> QdiscRow {
        let node = self.node(id);
        QdiscRow {
            handle: node.handle,
            parent: node.parent,
            kind: node.word().into(),
            options: node.options(),
            counters: counters(node),
        }
    }

    fn class_rows(&self, id: NodeId) -> Vec<ClassRow> {
        let node = self.node(id);
        let number = |child: NodeId| self.node(child).handle;
        let row = |minor: u16, leaf: Option<NodeId>, counters: Option<Counters>| ClassRow {
            classid: Handle::new(node.handle.major(), minor),
            parent: node.handle,
            kind: node.word().into(),
            leaf: leaf.map(number).unwrap_or_default(),
            options: None,
            counters,
            more: None,
        };
        match &node.kind {
            Kind::Noqueue | Kind::Fifo(_) => Vec::new(),
            Kind::Bands(bands) => {
                let of = |(i, child): (usize, NodeId)| row(i as u16 + 1, Some(child), Some(counters(self.node(child))));
                bands.children().into_iter().enumerate().map(of).collect()
            }
            Kind::Tbf(bucket) => vec![row(1, bucket.child, None)],
            Kind::Netem(netem) => netem.child.map(|child| row(1, Some(child), None)).into_iter().collect(),
            Kind::Htb(htb) => htb.in_order().into_iter().map(|class| self.htb_row(htb, class)).collect(),
        }
    }

    fn htb_row(&self, htb: &HtbQueue, id: u32) -> ClassRow {
        let class = &htb.classes[&id];
        let mut counters = class.counters;
        if let Some(leaf) = class.leaf {
            let waiting = self.node(leaf).counters;
            (counters.backlog_bytes, counters.backlog_packets) = (waiting.backlog_bytes, waiting.backlog_packets);
        }
        let mut options = class.options;
        options.level = class.level as u32;
        // As much as the kernel's int holds.
        options.quantum = u32::try_from(class.quantum).unwrap_or(u32::MAX);
        ClassRow {
            classid: Handle(id),
            parent: class.parent.map_or(Handle::ROOT, Handle),
            kind: "htb".into(),
            leaf: class.leaf.map(|leaf| self.node(leaf).handle).unwrap_or_default(),
            options: Some(options),
            counters: Some(counters),
            more: Some(HtbQueue::counted(class)),
        }
    }
}

/// Those of a TAP device for several readers that has none: of its queues the first is in use.
pub(super) fn of_mq() -> Queues {
    let qdisc = |kind: &str, parent, options| QdiscRow {
        handle: Handle::NONE,
        parent,
        kind: kind.into(),
        options,
        counters: Counters::default(),
    };
    let class = |minor| ClassRow {
        classid: Handle::new(0, minor),
        parent: Handle::ROOT,
        kind: "mq".into(),
        leaf: Handle::NONE,
        options: None,
        counters: Some(Counters::default()),
        more: None,
    };
    let first = qdisc("pfifo_fast", Handle::new(0, 1), Some(QdiscOptions::Prio(Prio::default())));
    let classes = (1..=MOST_READERS).map(class).collect();
    Queues { qdiscs: vec![qdisc("mq", Handle::ROOT, None), first], classes, filters: Vec::new() }
}

/// How many may read a TAP device (`MAX_TAP_QUEUES`).
const MOST_READERS: u16 = 256;

/// What a qdisc has counted; an htb counts what its classes had to hold back.
fn counters(node: &Node) -> Counters {
    match &node.kind {
        Kind::Htb(htb) => Counters { overlimits: htb.overlimits, ..node.counters },
        _ => node.counters,
    }
}
