//! The usual impairment of a link, a delay and nothing else, without the detours of a tree.
//!
//! Kernel counterpart: none of its own; it does what `netem_enqueue` and `netem_dequeue` do where nothing is drawn, nothing
//! overtakes and nobody watches. It acts only when it is sure. Deliberately absent: all that [`Tree`] does not do as well.

use super::netem::Netem;
use super::tree::{Kind, Node, Tree, Waiting};
use nettwin_model::Instant;

/// What a link's delay gives when it is asked.
pub(super) enum Due {
    /// A frame that goes now.
    Goes(Waiting),
    /// Nothing yet. The instant is that of an event to be scheduled, if one is.
    Later(Option<Instant>),
    /// It is not the usual one.
    Unusual,
}

impl Tree {
    /// A frame is held; the answer is the instant of an event to be scheduled, if one is. `None` if this is not the usual
    /// impairment, and then nothing was done.
    #[inline]
    pub(super) fn hold(&mut self, now: Instant, w: &Waiting) -> Option<Option<Instant>> {
        let node = self.only()?;
        let Kind::Netem(netem) = &mut node.kind else { return None };
        let first = netem.hold(now, w)?;
        node.queued(w.len);
        Some(self.watch(Some(first)))
    }

    /// The next frame that goes now.
    #[inline]
    pub(super) fn release(&mut self, now: Instant) -> Due {
        let Some(node) = self.only() else { return Due::Unusual };
        let Kind::Netem(netem) = &mut node.kind else { return Due::Unusual };
        match netem.release(now) {
            Ok(w) => {
                node.unqueued(w.len);
                node.sent(w.len);
                Due::Goes(w)
            }
            Err(Some(first)) => Due::Later(self.watch(first)),
            Err(None) => Due::Unusual,
        }
    }

    /// The root, if there is nothing else.
    fn only(&mut self) -> Option<&mut Node> {
        match &mut self.nodes[..] {
            [Some(node)] if node.peeked.is_none() => Some(node),
            _ => None,
        }
    }
}

impl Netem {
    /// A frame is held; when the first one is due. `None` if something else may become of it.
    fn hold(&mut self, now: Instant, w: &Waiting) -> Option<Instant> {
        let at = now + self.delay_alone?;
        let first = self.queue.first().unwrap_or(at);
        if first <= now || !self.front.is_empty() || self.is_full() {
            return None;
        }
        self.counter = self.counter.wrapping_add(1);
        self.queue.push(at, *w);
        Some(first)
    }

    /// The frame that goes now, or else when the first one does; neither is said if there is more to it.
    fn release(&mut self, now: Instant) -> Result<Waiting, Option<Option<Instant>>> {
        if self.delay_alone.is_none() || !self.front.is_empty() {
            return Err(None);
        }
        match self.queue.first() {
            Some(first) if first <= now => self.queue.pop().ok_or(None),
            first => Err(Some(first)),
        }
    }
}
