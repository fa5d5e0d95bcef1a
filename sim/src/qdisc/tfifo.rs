//! Frames by the instant at which they are due: what netem keeps them in.
//!
//! Kernel counterpart: `tfifo_enqueue`, `netem_peek` (`net/sched/sch_netem.c`). Most frames are due after all that wait already
//! and stand in line; those that are due before the last one are kept apart, in order. Deliberately absent: the
//! limit, which is the discipline's.

use super::tree::Waiting;
use nettwin_model::Instant;
use std::collections::{BTreeMap, VecDeque};

/// The frames that wait.
#[derive(Default)]
pub(super) struct Tfifo {
    line: VecDeque<(Instant, Waiting)>,
    early: BTreeMap<(Instant, u64), Waiting>,
    arrivals: u64,
}

impl Tfifo {
    pub(super) fn len(&self) -> usize {
        self.line.len() + self.early.len()
    }

    #[inline]
    pub(super) fn push(&mut self, due: Instant, w: Waiting) {
        if self.line.back().is_none_or(|(last, _)| *last <= due) {
            return self.line.push_back((due, w));
        }
        self.push_early(due, w);
    }

    #[cold]
    fn push_early(&mut self, due: Instant, w: Waiting) {
        self.early.insert((due, self.arrivals), w);
        self.arrivals += 1;
    }

    /// When the first one is due.
    #[inline]
    pub(super) fn first(&self) -> Option<Instant> {
        let line = self.line.front().map(|(due, _)| *due);
        if self.early.is_empty() {
            return line;
        }
        let early = self.early.first_key_value().map(|((due, _), _)| *due);
        match (line, early) {
            (Some(line), Some(early)) => Some(line.min(early)),
            (line, early) => line.or(early),
        }
    }

    /// When the last one is due.
    pub(super) fn last(&self) -> Option<Instant> {
        let line = self.line.back().map(|(due, _)| *due);
        let early = self.early.last_key_value().map(|((due, _), _)| *due);
        line.max(early)
    }

    /// Takes the first one out. Among equals, one that stands in line goes first.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        if self.early.is_empty() {
            return self.line.pop_front().map(|(_, w)| w);
        }
        let early = self.early.first_key_value().map(|((due, _), _)| *due);
        let is_early = match (early, self.line.front()) {
            (Some(early), Some((line, _))) => early < *line,
            (early, _) => early.is_some(),
        };
        if is_early { self.early.pop_first().map(|(_, w)| w) } else { self.line.pop_front().map(|(_, w)| w) }
    }

    /// All of them, taken out.
    pub(super) fn purge(&mut self) -> impl Iterator<Item = Waiting> + use<> {
        let Tfifo { line, early, .. } = std::mem::take(self);
        line.into_iter().map(|(_, w)| w).chain(early.into_values())
    }
}
