//! A workload played in virtual time, for tests: a driver as small as can be.

use super::WakeAt;
use super::workload::{Act, Input, Workload};
use crate::time::Instant;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Runs `workload` to its end. `answer` says what an act brings about and after how long; a `SendFailed` comes at once.
/// Returns what it did and when.
pub(super) fn play(workload: impl Workload, answer: impl FnMut(&Act) -> Vec<(Duration, Input)>) -> Vec<(Instant, Act)> {
    let source = Ipv4Addr::new(10, 0, 0, 1);
    let mut player =
        Player { workload, answer, now: Instant::ZERO, pending: BTreeMap::new(), order: 0, log: Vec::new() };
    let mut over = player.feed(Input::Opened { source });
    while !over {
        let wake: WakeAt = player.workload.wake_at();
        let input = match (player.pending.first_key_value().map(|(k, _)| *k), wake) {
            (Some(key), wake) if wake.is_none_or(|w| key.0 <= w) => {
                player.now = key.0;
                player.pending.remove(&key).expect("just seen")
            }
            (_, Some(wake)) => {
                assert!(wake >= player.now, "time never goes back");
                player.now = wake;
                Input::Timer
            }
            _ => panic!("it waits for nothing: {:?}", player.log),
        };
        over = player.feed(input);
    }
    player.log
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Player<W, F> {
    workload: W,
    answer: F,
    now: Instant,
    pending: BTreeMap<(Instant, u64), Input>,
    order: u64,
    log: Vec<(Instant, Act)>,
}

impl<W: Workload, F: FnMut(&Act) -> Vec<(Duration, Input)>> Player<W, F> {
    /// Returns whether it is over.
    fn feed(&mut self, input: Input) -> bool {
        for act in self.workload.step(self.now, input) {
            let brings = (self.answer)(&act);
            let over = matches!(act, Act::Finish(_));
            self.log.push((self.now, act));
            if over {
                return true;
            }
            for (after, input) in brings {
                if matches!(input, Input::SendFailed { .. }) {
                    if self.feed(input) {
                        return true;
                    }
                } else {
                    self.order += 1;
                    self.pending.insert((self.now + after, self.order), input);
                }
            }
        }
        false
    }
}
