//! A device's qdiscs as a tree: the one at the root, and those that hang below the classes of others.
//!
//! Kernel counterpart: `struct Qdisc`, `net/sched/sch_generic.c`, `qdisc_tree_reduce_backlog`. A qdisc gets frames by
//! [`Tree::enqueue`] and gives them by [`Tree::dequeue`]; what each kind does is in its file. Deliberately absent: several
//! queues of one device, requeueing.

use super::bands::Bands;
use super::fifo::Fifo;
use super::filter::Filters;
use super::htb::HtbQueue;
use super::netem::Netem;
use super::tbf::Bucket;
use crate::drop::DropReason;
use crate::frame::Slab;
use crate::path::Pkt;
use nettwin_model::Instant;
use nettwin_model::queue::{Counters, Handle, QdiscOptions};

/// A qdisc's place in its tree's list.
pub(crate) type NodeId = usize;

/// The root's.
pub(super) const ROOT: NodeId = 0;

/// A frame that waits, and its length with the Ethernet header (`qdisc_pkt_len`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) pkt: Pkt,
    pub(super) len: u32,
}

/// What became of a frame that was to be queued (`NET_XMIT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It waits (`NET_XMIT_SUCCESS`).
    Kept,
    /// It waits, and another one does no more (`NET_XMIT_CN`).
    Instead,
    /// It is the caller's to be dropped.
    Lost(DropReason),
}

/// What qdiscs see of the world, and what they leave to be done.
pub(super) struct Io<'a> {
    pub(super) now: Instant,
    pub(super) frames: &'a mut Slab,
    /// Frames to be dropped, besides the one at hand.
    pub(super) lost: Vec<(Pkt, DropReason)>,
    /// What was decided about the frame at hand, if somebody listens.
    pub(super) told: Option<Vec<(&'static str, String)>>,
}

impl Io<'_> {
    pub(super) fn tell(&mut self, table: &'static str, text: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told.push((table, text()));
        }
    }
}

/// What a qdisc does.
pub(super) enum Kind {
    /// Everything is sent at once.
    Noqueue,
    Fifo(Fifo),
    Bands(Bands),
    Tbf(Box<Bucket>),
    Htb(Box<HtbQueue>),
    Netem(Box<Netem>),
}

/// A qdisc.
pub(super) struct Node {
    pub(super) handle: Handle,
    pub(super) parent: Handle,
    /// Made by the qdisc above, not by hand: it has no number and is not shown.
    pub(super) is_invisible: bool,
    /// The order in which they were made.
    pub(super) serial: u64,
    pub(super) counters: Counters,
    pub(super) kind: Kind,
    /// A frame that was looked at and is still counted as waiting (`gso_skb`).
    pub(super) peeked: Option<Waiting>,
}

impl Node {
    /// The kind's name.
    pub(super) fn word(&self) -> &'static str {
        match &self.kind {
            Kind::Noqueue => "noqueue",
            Kind::Fifo(fifo) => fifo.word(),
            Kind::Bands(bands) => bands.word(),
            Kind::Tbf(_) => "tbf",
            Kind::Htb(_) => "htb",
            Kind::Netem(_) => "netem",
        }
    }

    /// What it shows of how it was set.
    pub(super) fn options(&self) -> Option<QdiscOptions> {
        match &self.kind {
            Kind::Noqueue => None,
            Kind::Fifo(fifo) => Some(QdiscOptions::Fifo { limit: fifo.limit }),
            Kind::Bands(bands) => Some(QdiscOptions::Prio(bands.prio)),
            Kind::Tbf(bucket) => Some(QdiscOptions::Tbf(bucket.shown())),
            Kind::Htb(htb) => Some(QdiscOptions::Htb(htb.shown())),
            Kind::Netem(netem) => Some(QdiscOptions::Netem(Box::new(netem.impairment.clone()))),
        }
    }

    /// A frame waits here from now on.
    pub(super) fn queued(&mut self, len: u32) {
        self.counters.backlog_bytes += u64::from(len);
        self.counters.backlog_packets += 1;
    }

    /// A frame waits here no more.
    pub(super) fn unqueued(&mut self, len: u32) {
        self.counters.backlog_bytes = self.counters.backlog_bytes.saturating_sub(len.into());
        self.counters.backlog_packets = self.counters.backlog_packets.saturating_sub(1);
    }

    /// A frame is sent on (`qdisc_bstats_update`).
    pub(super) fn sent(&mut self, len: u32) {
        self.counters.bytes += u64::from(len);
        self.counters.packets += 1;
    }
}

/// All qdiscs of a device.
#[derive(Default)]
pub(crate) struct Tree {
    pub(super) nodes: Vec<Option<Node>>,
    /// In the order in which they are asked, place by place.
    pub(super) filters: Vec<Filters>,
    /// The device's, when the root was made.
    pub(super) txqueuelen: u32,
    serial: u64,
    /// When the qdiscs want to be asked again, as the run at hand finds it (`qdisc_watchdog`).
    wish: Option<Instant>,
    /// The instant that an event is scheduled for.
    armed: Option<Instant>,
}

impl Tree {
    /// A tree without a root yet, for a device that lets so many frames wait.
    pub(super) fn new(txqueuelen: u32) -> Self {
        Tree { txqueuelen, ..Tree::default() }
    }

    /// A new qdisc in the tree; the first one is the root.
    pub(super) fn add(&mut self, handle: Handle, parent: Handle, is_invisible: bool, kind: Kind) -> NodeId {
        self.serial += 1;
        let counters = Counters::default();
        let node = Node { handle, parent, is_invisible, serial: self.serial, counters, kind, peeked: None };
        match self.nodes.iter().position(Option::is_none) {
            Some(free) => {
                self.nodes[free] = Some(node);
                free
            }
            None => {
                self.nodes.push(Some(node));
                self.nodes.len() - 1
            }
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes[id].as_ref().expect("ids are taken back with their nodes")
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id].as_mut().expect("ids are taken back with their nodes")
    }

    /// The qdisc of a number (`qdisc_lookup`).
    pub(super) fn find(&self, handle: Handle) -> Option<NodeId> {
        let has = |node: &Option<Node>| node.as_ref().is_some_and(|n| n.handle == handle && handle != Handle::NONE);
        self.nodes.iter().position(has)
    }

    /// Takes a qdisc out with all below it; what waited there is lost (`qdisc_put`).
    pub(super) fn remove(&mut self, id: NodeId, io: &mut Io<'_>) {
        self.reset(id, io);
        for child in self.children(id) {
            self.remove(child, io);
        }
        let handle = self.node(id).handle;
        self.filters.retain(|filters| filters.parent.qdisc() != handle);
        self.nodes[id] = None;
    }

    /// The qdiscs that hang directly below one.
    pub(super) fn children(&self, id: NodeId) -> Vec<NodeId> {
        match &self.node(id).kind {
            Kind::Noqueue | Kind::Fifo(_) => Vec::new(),
            Kind::Bands(bands) => bands.children(),
            Kind::Tbf(bucket) => bucket.child.into_iter().collect(),
            Kind::Htb(htb) => htb.leaves(),
            Kind::Netem(netem) => netem.child.into_iter().collect(),
        }
    }

    /// Loses what waits in a qdisc and below it (`qdisc_reset`).
    pub(super) fn reset(&mut self, id: NodeId, io: &mut Io<'_>) {
        for child in self.children(id) {
            self.reset(child, io);
        }
        let now = io.now;
        let node = self.node_mut(id);
        let mut lost: Vec<Waiting> = node.peeked.take().into_iter().collect();
        (node.counters.backlog_bytes, node.counters.backlog_packets) = (0, 0);
        match &mut node.kind {
            Kind::Noqueue => {}
            Kind::Fifo(fifo) => lost.extend(fifo.purge()),
            Kind::Bands(bands) => lost.extend(bands.purge()),
            Kind::Tbf(bucket) => bucket.reset(now),
            Kind::Htb(htb) => lost.extend(htb.purge()),
            Kind::Netem(netem) => lost.extend(netem.purge()),
        }
        io.lost.extend(lost.into_iter().map(|w| (w.pkt, DropReason::QueuePurged)));
    }

    /// A frame for a qdisc (`qdisc_enqueue`).
    pub(super) fn enqueue(&mut self, id: NodeId, w: Waiting, io: &mut Io<'_>) -> Outcome {
        match &self.node(id).kind {
            Kind::Noqueue | Kind::Fifo(_) => self.enqueue_fifo(id, w, io),
            Kind::Bands(_) => self.enqueue_bands(id, w, io),
            Kind::Tbf(_) => self.enqueue_tbf(id, w, io),
            Kind::Htb(_) => self.enqueue_htb(id, w, io),
            Kind::Netem(_) => self.enqueue_netem(id, w, io),
        }
    }

    /// The next frame of a qdisc that may go now.
    pub(super) fn dequeue(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        match &self.node(id).kind {
            Kind::Noqueue | Kind::Fifo(_) => self.dequeue_fifo(id),
            Kind::Bands(_) => self.dequeue_bands(id, io),
            Kind::Tbf(_) => self.dequeue_tbf(id, io),
            Kind::Htb(_) => self.dequeue_htb(id, io),
            Kind::Netem(_) => self.dequeue_netem(id, io),
        }
    }

    /// The same, left where it is (`qdisc_peek_dequeued`, `qdisc_peek_head`).
    pub(super) fn peek(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        match &self.node(id).kind {
            Kind::Fifo(fifo) => return fifo.first(),
            Kind::Bands(_) => return self.peek_bands(id, io),
            _ => {}
        }
        if let Some(w) = self.node(id).peeked {
            return Some(w);
        }
        let w = self.dequeue(id, io)?;
        let node = self.node_mut(id);
        // It is still part of the queue.
        node.queued(w.len);
        node.peeked = Some(w);
        Some(w)
    }

    /// The frame that was looked at (`qdisc_dequeue_peeked`).
    pub(super) fn dequeue_peeked(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        let node = self.node_mut(id);
        if let Some(w) = node.peeked.take() {
            node.unqueued(w.len);
            return Some(w);
        }
        self.dequeue(id, io)
    }

    /// A frame was lost behind the backs of those above (`qdisc_tree_reduce_backlog`).
    pub(super) fn reduce_above(&mut self, id: NodeId, packets: u64, bytes: u64) {
        let mut parent = self.node(id).parent;
        while let Some(above) = self.find(parent.qdisc()).filter(|_| parent != Handle::ROOT) {
            let node = self.node_mut(above);
            node.counters.backlog_packets = node.counters.backlog_packets.saturating_sub(packets);
            node.counters.backlog_bytes = node.counters.backlog_bytes.saturating_sub(bytes);
            parent = node.parent;
        }
    }

    /// A qdisc has nothing to give before `at` (`qdisc_watchdog_schedule_ns`).
    pub(super) fn wake(&mut self, at: Instant) {
        self.wish = Some(self.wish.map_or(at, |wish| wish.min(at)));
    }

    /// All that may go now, one by one (`__qdisc_run`).
    pub(super) fn next(&mut self, io: &mut Io<'_>) -> Option<Waiting> {
        self.wish = None;
        self.dequeue(ROOT, io)
    }

    /// After a run: the instant to be woken at, if an event has to be scheduled for it.
    pub(super) fn arm(&mut self) -> Option<Instant> {
        self.watch(self.wish)
    }

    /// The qdiscs want to be asked again then; the answer is the instant of an event to be scheduled, if one has to be.
    pub(super) fn watch(&mut self, at: Option<Instant>) -> Option<Instant> {
        let before = std::mem::replace(&mut self.armed, at);
        at.filter(|_| at != before)
    }

    /// Whether an event that comes now is the one that is waited for.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.armed.is_some_and(|armed| armed <= now);
        if is_due {
            self.armed = None;
        }
        is_due
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::netns::Ifindex;

    /// A tree by itself, with frames of any length.
    pub(crate) struct Bench {
        pub(crate) tree: Tree,
        pub(crate) frames: Slab,
        pub(crate) now: u64,
    }

    impl Bench {
        pub(crate) fn new(kind: Kind) -> Self {
            let mut tree = Tree::default();
            tree.add(Handle::new(1, 0), Handle::ROOT, false, kind);
            Bench { tree, frames: Slab::default(), now: 0 }
        }

        fn with<T>(&mut self, act: impl FnOnce(&mut Tree, &mut Io<'_>) -> T) -> T {
            let now = Instant::from_nanos(self.now);
            let mut io = Io { now, frames: &mut self.frames, lost: Vec::new(), told: None };
            act(&mut self.tree, &mut io)
        }

        /// A frame arrives; `number` tells it from others.
        pub(crate) fn push(&mut self, number: u32, len: u32) -> Outcome {
            let frame = self.frames.alloc(len as usize);
            let w = Waiting { pkt: Pkt::new(frame, Ifindex(number)), len };
            self.with(|tree, io| tree.enqueue(ROOT, w, io))
        }

        /// What goes now, by number, and when the next one may.
        pub(crate) fn run(&mut self) -> (Vec<u32>, Option<u64>) {
            self.with(|tree, io| {
                let mut gone = Vec::new();
                while let Some(w) = tree.next(io) {
                    gone.push(w.pkt.dev.0);
                }
                (gone, tree.wish.map(Instant::as_nanos))
            })
        }

        /// Runs until nothing waits: the instant and the number of each frame.
        pub(crate) fn drain(&mut self) -> Vec<(u64, u32)> {
            let mut out = Vec::new();
            loop {
                let (gone, next) = self.run();
                out.extend(gone.into_iter().map(|number| (self.now, number)));
                match next {
                    Some(at) => self.now = at,
                    None => return out,
                }
            }
        }
    }
}
