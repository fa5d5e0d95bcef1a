//! `arping` without its socket: when to ask, whom, when to stop.
//!
//! Counterpart: `event_loop()`, `send_pack()` and `recv_pack()` of iputils 20221126's `arping.c`. Its clock ticks once an
//! interval; `-c N` ends at the tick after the Nth request, so a count of 2 lasts two intervals whatever comes back. A tick
//! and the deadline at the same instant: one more request goes out before the end. Deliberately absent: `-f`, `-b` turned
//! on by a broadcast source, the exit status (in `commands`).

use super::workload::{Act, Input, Workload};
use super::{Arping, ArpingMode, ArpingOutcome, Outcome, ProbeEvent, Stop, WakeAt};
use crate::errno::Errno;
use crate::name::Mac;
use crate::time::Instant;
use std::time::Duration;

/// A running arping.
#[derive(Clone, Debug)]
pub struct ArpingRun {
    count: Option<u32>,
    interval: Duration,
    deadline: Option<Duration>,
    mode: ArpingMode,
    phase: Phase,
    /// Ticks of the interval so far, the first request counted as one.
    ticks: u64,
    next_tick: Instant,
    end: WakeAt,
    last_send: Option<Instant>,
    /// Whom to ask next.
    to: Mac,
    stats: ArpingOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Running,
    Over,
}

impl ArpingRun {
    /// An arping that waits for its socket ([`Input::Opened`]).
    pub fn new(arping: &Arping) -> Self {
        ArpingRun {
            count: arping.count,
            // An interval of nothing would never let time pass.
            interval: arping.interval.max(Duration::from_millis(1)),
            deadline: arping.deadline,
            mode: arping.mode,
            phase: Phase::Opening,
            ticks: 1,
            next_tick: Instant::ZERO,
            end: None,
            last_send: None,
            to: Mac::BROADCAST,
            stats: ArpingOutcome::default(),
        }
    }

    fn send(&mut self, now: Instant, acts: &mut Vec<Act>) {
        self.stats.sent += 1;
        if self.to == Mac::BROADCAST {
            self.stats.broadcasts += 1;
        }
        self.last_send = Some(now);
        acts.push(Act::Arp { to: self.to });
    }

    fn tick(&mut self, now: Instant, acts: &mut Vec<Act>) {
        if self.next_tick <= now {
            self.ticks += 1;
            self.next_tick = self.next_tick + self.interval;
            if self.count.is_some_and(|c| c > 0 && u64::from(c) < self.ticks) {
                return self.finish(acts);
            }
            self.send(now, acts);
        }
        if self.end.is_some_and(|at| at <= now) {
            self.finish(acts);
        }
    }

    fn send_failed(&mut self, errno: Errno, acts: &mut Vec<Act>) {
        if errno == Errno::ENETDOWN {
            return self.end_with(Outcome::Failed(errno), acts);
        }
        self.stats.sent = self.stats.sent.saturating_sub(1);
        if self.to == Mac::BROADCAST {
            self.stats.broadcasts = self.stats.broadcasts.saturating_sub(1);
        }
        acts.push(Act::Report(ProbeEvent::SendFailed { seq: 0, errno, mtu: None }));
    }

    fn finish(&mut self, acts: &mut Vec<Act>) {
        let outcome = Outcome::Arping(self.stats.clone());
        self.end_with(outcome, acts);
    }

    fn end_with(&mut self, outcome: Outcome, acts: &mut Vec<Act>) {
        self.phase = Phase::Over;
        acts.push(Act::Finish(outcome));
    }
}

impl Workload for ArpingRun {
    fn step(&mut self, now: Instant, input: Input) -> Vec<Act> {
        let mut acts = Vec::new();
        match (self.phase, input) {
            (Phase::Over, _) => {}
            (_, Input::OpenFailed(errno)) => self.end_with(Outcome::Failed(errno), &mut acts),
            (_, Input::Stop(Stop::Kill)) => self.end_with(Outcome::Stopped, &mut acts),
            (_, Input::Stop(Stop::Interrupt)) => self.finish(&mut acts),
            (Phase::Opening, Input::Opened { source }) => {
                self.phase = Phase::Running;
                self.next_tick = now + self.interval;
                self.end = self.deadline.filter(|d| !d.is_zero()).map(|d| now + d);
                acts.push(Act::Report(ProbeEvent::Started { source: Some(source.into()) }));
                self.send(now, &mut acts);
            }
            (Phase::Opening, _) => {}
            (Phase::Running, Input::Timer) => self.tick(now, &mut acts),
            (Phase::Running, Input::SendFailed { errno, .. }) => self.send_failed(errno, &mut acts),
            (Phase::Running, Input::Arp { from, mac, unicast, reply }) => {
                self.stats.received += 1;
                self.stats.requests += u32::from(!reply);
                self.stats.broadcast_answers += u32::from(!unicast);
                if !self.stats.macs.contains(&mac) {
                    self.stats.macs.push(mac);
                }
                let rtt = now.since(self.last_send.unwrap_or(now));
                acts.push(Act::Report(ProbeEvent::ArpReply { from, mac, unicast, reply, rtt }));
                match self.mode {
                    // One answer settles it.
                    ArpingMode::Duplicate => self.finish(&mut acts),
                    ArpingMode::AskBroadcast => {}
                    ArpingMode::Ask | ArpingMode::Announce | ArpingMode::AnnounceReply => self.to = mac,
                }
            }
            (Phase::Running, _) => {}
        }
        acts
    }

    fn wake_at(&self) -> WakeAt {
        (self.phase == Phase::Running).then(|| self.end.map_or(self.next_tick, |end| end.min(self.next_tick)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::play::{ms, play};
    use super::*;
    use std::net::Ipv4Addr;

    const OTHER: Mac = Mac([2, 0, 0, 0, 0, 9]);

    /// The seconds at which requests went out (`b` broadcast, `u` unicast), and when it ended with how many answers.
    #[track_caller]
    fn check(mode: ArpingMode, count: Option<u32>, deadline_s: Option<u64>, answered: bool, expect: &str) {
        let run = ArpingRun::new(&Arping {
            netns: crate::NetnsName::host(),
            dev: crate::IfName::lo(),
            dst: Ipv4Addr::new(10, 0, 0, 9),
            source: None,
            count,
            interval: Duration::from_secs(1),
            deadline: deadline_s.map(Duration::from_secs),
            mode,
        });
        let log = play(run, |act| match act {
            Act::Arp { .. } if answered => {
                let from = Ipv4Addr::new(10, 0, 0, 9);
                vec![(ms(1), Input::Arp { from, mac: OTHER, unicast: true, reply: true })]
            }
            _ => Vec::new(),
        });
        let mut text = Vec::new();
        for (at, act) in &log {
            let at = at.as_nanos() / 1_000_000;
            match act {
                Act::Arp { to: Mac::BROADCAST } => text.push(format!("b{at}")),
                Act::Arp { .. } => text.push(format!("u{at}")),
                Act::Finish(Outcome::Arping(a)) => {
                    text.push(format!("end{at} {}/{} {}", a.sent, a.broadcasts, a.received));
                }
                _ => {}
            }
        }
        assert_eq!(text.join(" "), expect);
    }

    #[test]
    fn asks_all_then_the_one_who_answered_and_waits_out_the_last_interval() {
        check(ArpingMode::Ask, Some(2), None, true, "b0 u1000 end2000 2/1 2");
        check(ArpingMode::AskBroadcast, Some(2), None, true, "b0 b1000 end2000 2/2 2");
        check(ArpingMode::Ask, Some(2), None, false, "b0 b1000 end2000 2/2 0");
        check(ArpingMode::Announce, Some(1), None, false, "b0 end1000 1/1 0");
    }

    #[test]
    fn at_the_deadline_one_more_goes_out_and_its_answer_is_not_waited_for() {
        check(ArpingMode::Ask, None, Some(2), false, "b0 b1000 b2000 end2000 3/3 0");
        check(ArpingMode::Ask, Some(3), Some(2), true, "b0 u1000 u2000 end2000 3/1 2");
    }

    #[test]
    fn a_duplicate_ends_it_at_once() {
        check(ArpingMode::Duplicate, Some(3), None, true, "b0 end1 1/1 1");
        check(ArpingMode::Duplicate, Some(2), None, false, "b0 b1000 end2000 2/2 0");
    }
}
