//! How long a job of a run's server has kept all others waiting, and what is to be done about it.
//!
//! Kernel counterpart: the scheduler's tick. Deliberately absent: ending it, which the server does.

use super::server::PATIENCE;
use nettwin::model::Instant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as RealInstant};

/// How long a job has kept all others waiting.
pub(super) struct Spin {
    acts: u32,
    since: RealInstant,
    /// How far virtual time had come when it was last seen to get on, and when that was.
    mark: (Instant, RealInstant),
    /// When an interrupt was seen that nobody has answered.
    interrupted: Option<RealInstant>,
}

impl Spin {
    pub(super) fn begin(now: Instant) -> Self {
        let since = RealInstant::now();
        Spin { acts: 0, since, mark: (now, since), interrupted: None }
    }

    /// Whether it is time to look around again.
    pub(super) fn is_long(&mut self) -> bool {
        self.acts += 1;
        if !self.acts.is_multiple_of(64) || self.since.elapsed() < LOOK {
            return false;
        }
        self.since = RealInstant::now();
        true
    }

    /// Whether an interrupt came, and none of the processes, which get it too, has done anything about it.
    pub(super) fn is_interrupted(&mut self, interrupt: &AtomicBool) -> bool {
        interrupt.load(Ordering::SeqCst)
            && self.interrupted.get_or_insert_with(RealInstant::now).elapsed() >= Duration::from_secs(1)
    }

    /// Whether virtual time stands still.
    pub(super) fn is_stuck(&mut self, now: Instant) -> bool {
        if now > self.mark.0 {
            self.mark = (now, RealInstant::now());
        }
        self.mark.1.elapsed() >= PATIENCE
    }
}

/// How long jobs may keep all others waiting before the server looks around.
const LOOK: Duration = Duration::from_millis(50);
