//! First in, first out: `pfifo` by frames, `bfifo` by bytes, `pfifo_head_drop` that loses the oldest.
//!
//! Kernel counterpart: `net/sched/sch_fifo.c`. Nothing deliberately absent.

use super::tree::{Io, Kind, NodeId, Outcome, Tree, Waiting};
use crate::drop::DropReason;
use std::collections::VecDeque;

/// What counts, and what goes when it is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Packets,
    Bytes,
    PacketsFromTheHead,
}

/// The queue.
pub(super) struct Fifo {
    pub(super) measure: Measure,
    pub(super) limit: u32,
    queue: VecDeque<Waiting>,
}

impl Fifo {
    pub(super) fn new(measure: Measure, limit: u32) -> Self {
        Fifo { measure, limit, queue: VecDeque::new() }
    }

    pub(super) fn word(&self) -> &'static str {
        match self.measure {
            Measure::Packets => "pfifo",
            Measure::Bytes => "bfifo",
            Measure::PacketsFromTheHead => "pfifo_head_drop",
        }
    }

    pub(super) fn first(&self) -> Option<Waiting> {
        self.queue.front().copied()
    }

    pub(super) fn purge(&mut self) -> impl Iterator<Item = Waiting> {
        std::mem::take(&mut self.queue).into_iter()
    }
}

impl Tree {
    /// `pfifo_enqueue`, `bfifo_enqueue`, `pfifo_tail_enqueue`.
    pub(super) fn enqueue_fifo(&mut self, id: NodeId, w: Waiting, io: &mut Io<'_>) -> Outcome {
        let node = self.node_mut(id);
        let Kind::Fifo(fifo) = &mut node.kind else { return Outcome::Lost(DropReason::QueueFull) };
        let limit = u64::from(fifo.limit);
        let has_room = match fifo.measure {
            Measure::Packets | Measure::PacketsFromTheHead => (fifo.queue.len() as u64) < limit,
            Measure::Bytes => node.counters.backlog_bytes + u64::from(w.len) <= limit,
        };
        let makes_room = !has_room && fifo.measure == Measure::PacketsFromTheHead;
        let oldest = if makes_room { fifo.queue.pop_front() } else { None };
        if !has_room {
            node.counters.dropped += 1;
        }
        let Some(oldest) = oldest else {
            if !has_room {
                return Outcome::Lost(DropReason::QueueFull);
            }
            fifo.queue.push_back(w);
            node.queued(w.len);
            return Outcome::Kept;
        };
        fifo.queue.push_back(w);
        let before = node.counters.backlog_bytes;
        node.unqueued(oldest.len);
        node.queued(w.len);
        let after = node.counters.backlog_bytes;
        io.lost.push((oldest.pkt, DropReason::QueueFull));
        self.reduce_above(id, 0, before.saturating_sub(after));
        Outcome::Instead
    }

    /// `qdisc_dequeue_head`.
    pub(super) fn dequeue_fifo(&mut self, id: NodeId) -> Option<Waiting> {
        let node = self.node_mut(id);
        let Kind::Fifo(fifo) = &mut node.kind else { return None };
        let w = fifo.queue.pop_front()?;
        node.unqueued(w.len);
        node.sent(w.len);
        Some(w)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::Bench;
    use super::*;

    #[test]
    fn a_full_queue_loses_the_newest_or_the_oldest() {
        let kept = |measure, limit| {
            let mut bench = Bench::new(Kind::Fifo(Fifo::new(measure, limit)));
            let outcomes = [1, 2, 3].map(|number| bench.push(number, 100));
            (outcomes, bench.run().0)
        };
        let lost = Outcome::Lost(DropReason::QueueFull);
        assert_eq!(kept(Measure::Packets, 2), ([Outcome::Kept, Outcome::Kept, lost], vec![1, 2]));
        assert_eq!(kept(Measure::Bytes, 200), ([Outcome::Kept, Outcome::Kept, lost], vec![1, 2]));
        assert_eq!(kept(Measure::Bytes, 199), ([Outcome::Kept, lost, lost], vec![1]));
        let instead = Outcome::Instead;
        assert_eq!(kept(Measure::PacketsFromTheHead, 2), ([Outcome::Kept, Outcome::Kept, instead], vec![2, 3]));
        assert_eq!(kept(Measure::PacketsFromTheHead, 0), ([lost; 3], vec![]));
    }
}
