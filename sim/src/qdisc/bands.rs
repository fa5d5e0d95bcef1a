//! Queues of unequal right: `prio` with a class for each band, `pfifo_fast` with three queues of its own.
//!
//! Kernel counterpart: `net/sched/sch_prio.c`, `pfifo_fast_ops` of `net/sched/sch_generic.c`. What stands in a lower band waits
//! until the higher ones are empty. A frame's priority is read from its type of service, whoever sends it: the kernel knows
//! it only of what the own sockets and the own routing send, and forgets it on a wire; what the kernel answers by ICMP has
//! none. Deliberately absent: `mq`, the priorities that sockets ask for.

use super::tree::{Io, Kind, NodeId, Outcome, Tree, Waiting};
use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::netns::Ifindex;
use crate::path::Pkt;
use nettwin_model::queue::Prio;
use nettwin_model::wire::{Icmp, PROTO_ICMP};
use std::collections::VecDeque;

/// Either.
pub(super) struct Bands {
    pub(super) prio: Prio,
    pub(super) queues: Queues,
}

pub(super) enum Queues {
    /// `pfifo_fast`: so many frames in each.
    Own { limit: usize, queues: [VecDeque<Waiting>; 3] },
    /// `prio`: a qdisc in each.
    Classes(Vec<Option<NodeId>>),
}

impl Bands {
    pub(super) fn word(&self) -> &'static str {
        match self.queues {
            Queues::Own { .. } => "pfifo_fast",
            Queues::Classes(_) => "prio",
        }
    }

    pub(super) fn children(&self) -> Vec<NodeId> {
        match &self.queues {
            Queues::Own { .. } => Vec::new(),
            Queues::Classes(classes) => classes.iter().flatten().copied().collect(),
        }
    }

    pub(super) fn purge(&mut self) -> Vec<Waiting> {
        match &mut self.queues {
            Queues::Own { queues, .. } => queues.iter_mut().flat_map(std::mem::take).collect(),
            Queues::Classes(_) => Vec::new(),
        }
    }
}

/// A packet's priority by its type of service (`rt_tos2priority`). What this host itself says by ICMP has that of the
/// kernel's own socket, which is none.
pub(crate) fn priority(pkt: &Pkt, frame: &[u8]) -> usize {
    const IPV4: [u8; 2] = [0x08, 0x00];
    if pkt.iif == Ifindex::NONE && is_answer(frame) {
        return 0;
    }
    const BY_TOS: [usize; 16] = [0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4];
    let tos = frame.get(L2_LEN + 1).filter(|_| frame.get(L2_LEN - 2..L2_LEN) == Some(&IPV4[..]));
    tos.map_or(0, |tos| BY_TOS[usize::from((tos & 0x1e) >> 1)])
}

/// A message of ICMP that is no echo request, which programs send.
fn is_answer(frame: &[u8]) -> bool {
    let Some([head, .., proto]) = frame.get(L2_LEN..L2_LEN + 10) else { return false };
    let kind = frame.get(L2_LEN + usize::from(head & 0x0f) * 4);
    *proto == PROTO_ICMP && kind.is_some_and(|kind| *kind != Icmp::ECHO)
}

impl Tree {
    /// `prio_enqueue`, `pfifo_fast_enqueue`.
    pub(super) fn enqueue_bands(&mut self, id: NodeId, w: Waiting, io: &mut Io<'_>) -> Outcome {
        let priority = priority(&w.pkt, io.frames.bytes(w.pkt.frame));
        let sorted = self.classify(self.node(id).handle, &w, io);
        let node = self.node_mut(id);
        let Kind::Bands(bands) = &mut node.kind else { return Outcome::Lost(DropReason::QueueFull) };
        let by_map = |priority: usize| usize::from(bands.prio.map[priority]);
        match &mut bands.queues {
            Queues::Own { limit, queues } => {
                let queue = &mut queues[by_map(priority).min(2)];
                if queue.len() >= *limit {
                    node.counters.dropped += 1;
                    return Outcome::Lost(DropReason::QueueFull);
                }
                queue.push_back(w);
                node.queued(w.len);
                Outcome::Kept
            }
            Queues::Classes(classes) => {
                // The filters, then the map (prio_classify).
                let band = match sorted {
                    Some(class) => usize::from(class.minor()).wrapping_sub(1),
                    None => by_map(priority),
                };
                let child = classes.get(band).or(classes.get(usize::from(bands.prio.map[0]))).copied().flatten();
                let outcome = child.map_or(Outcome::Lost(DropReason::QueueFull), |child| self.enqueue(child, w, io));
                let node = self.node_mut(id);
                match outcome {
                    Outcome::Kept => node.queued(w.len),
                    Outcome::Instead | Outcome::Lost(_) => node.counters.dropped += 1,
                }
                outcome
            }
        }
    }

    /// `prio_dequeue`, `pfifo_fast_dequeue`.
    pub(super) fn dequeue_bands(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        let w = match &mut self.node_mut(id).kind {
            Kind::Bands(Bands { queues: Queues::Own { queues, .. }, .. }) => {
                queues.iter_mut().find_map(VecDeque::pop_front)?
            }
            _ => {
                let children = self.children(id);
                // prio_dequeue looks before it takes (qdisc_dequeue_peeked).
                children.into_iter().find_map(|child| self.dequeue_peeked(child, io))?
            }
        };
        let node = self.node_mut(id);
        node.unqueued(w.len);
        node.sent(w.len);
        Some(w)
    }

    /// `prio_peek`, `pfifo_fast_peek`.
    pub(super) fn peek_bands(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        if let Kind::Bands(Bands { queues: Queues::Own { queues, .. }, .. }) = &self.node(id).kind {
            return queues.iter().find_map(|queue| queue.front().copied());
        }
        self.children(id).into_iter().find_map(|child| self.peek(child, io))
    }
}
