//! `traceroute` without its sockets: which probe when, how long to wait for it, which hop is the last.
//!
//! Counterpart: `do_it()`, `get_timeout()`, `check_expired()` and `parse_icmp_res()` of traceroute 2.1.2. A silent probe
//! whose hop or successor answered is not waited for the whole time but three and ten times as long as that one took
//! (`-w 5,3,10`). Deliberately absent: other methods than UDP and ICMP, time between probes, guessing a silent last hop's
//! place from the answer's TTL.

use super::workload::{Act, Input, Workload};
use super::{Hop, IcmpError, Outcome, ProbeEvent, Stop, Trace, TraceMethod, TraceOutcome, WakeAt};
use crate::errno::Errno;
use crate::time::Instant;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A running traceroute.
#[derive(Clone, Debug)]
pub struct TraceRun {
    probes: Vec<Sent>,
    first_port: u16,
    method: TraceMethod,
    first_hop: u8,
    per_hop: usize,
    wait: Duration,
    here_permille: u32,
    near_permille: u32,
    in_flight: usize,
    /// The first probe that is not settled.
    start: usize,
    /// One behind the last probe that matters.
    end: usize,
    phase: Phase,
    wake: WakeAt,
    outcome: TraceOutcome,
}

/// One probe.
#[derive(Clone, Debug)]
struct Sent {
    at: Instant,
    /// Answered or given up.
    done: bool,
    answer: Option<(Ipv4Addr, IcmpError, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Running,
    Over,
}

impl TraceRun {
    /// A traceroute that waits for its socket ([`Input::Opened`]).
    pub fn new(trace: &Trace) -> Self {
        TraceRun {
            probes: Vec::new(),
            first_port: trace.port,
            method: trace.method,
            first_hop: trace.first_hop,
            per_hop: usize::from(trace.per_hop.max(1)),
            wait: trace.wait,
            here_permille: trace.here_permille,
            near_permille: trace.near_permille,
            in_flight: usize::from(trace.in_flight.max(1)),
            start: 0,
            end: trace.probes(),
            phase: Phase::Opening,
            wake: None,
            outcome: TraceOutcome::default(),
        }
    }

    /// One pass over the probes: give up, report, send, and find out until when to wait.
    fn pass(&mut self, now: Instant, acts: &mut Vec<Act>) {
        let mut waiting = 0;
        let mut next = None;
        let mut n = self.start;
        while n < self.end && waiting < self.in_flight {
            if n == self.start {
                self.expire(n, now);
            }
            if n == self.probes.len() {
                self.send(n, now, acts);
            }
            if self.probes[n].done {
                if n == self.start {
                    self.settle(n, acts);
                }
                if self.probes[n].answer.is_some_and(|(_, e, _)| is_final(e)) {
                    self.end = (n / self.per_hop + 1) * self.per_hop;
                }
            } else {
                waiting += 1;
                next = next.or_else(|| Some(self.probes[n].at + self.patience(n)));
            }
            n += 1;
        }
        self.wake = next.map(|at: Instant| at.max(now));
        if self.start >= self.end {
            self.finish(acts);
        }
    }

    fn send(&mut self, n: usize, now: Instant, acts: &mut Vec<Act>) {
        self.probes.push(Sent { at: now, done: false, answer: None });
        // At most 255 hops of 255 probes: below 65536.
        let i = n as u16;
        let port =
            if self.method == TraceMethod::UdpToPort { self.first_port } else { self.first_port.wrapping_add(i) };
        acts.push(Act::Datagram { seq: i + 1, port, ttl: self.ttl(n) });
    }

    /// The TTL of probe `n`.
    fn ttl(&self, n: usize) -> u8 {
        // At most the greatest number of hops.
        self.first_hop + (n / self.per_hop) as u8
    }

    fn expire(&mut self, n: usize, now: Instant) {
        let Some(probe) = self.probes.get(n) else { return };
        if probe.done || probe.at + self.patience(n) > now {
            return;
        }
        self.probes[n].done = true;
        // A host that refuses (not: a closed port) may be the router of a hop before, which answered only a later probe.
        let later = self.probes[n + 1..].iter().position(|p| p.answer.is_some()).map(|i| n + 1 + i);
        let Some((later, answer)) = later.and_then(|i| self.probes[i].answer.map(|a| (i, a))) else { return };
        let (from, error, _) = answer;
        let refused = is_final(error) && !is_port_unreachable(error) && error != ECHO_REPLY;
        let seen_before = || self.probes[..n].iter().any(|p| p.answer.is_some_and(|(a, _, _)| a == from));
        if refused && seen_before() {
            self.probes[n].answer = Some(answer);
            self.probes[later].answer = None;
        }
    }

    /// How long probe `n` is waited for.
    fn patience(&self, n: usize) -> Duration {
        let hop = n - n % self.per_hop;
        let end = self.probes.len().min(hop + self.per_hop);
        let longer = |(_, _, rtt): (_, _, Duration), permille: u32| {
            (permille > 0).then(|| self.wait.min((rtt + GRACE).saturating_mul(permille) / 1000))
        };
        let here = self.probes[hop..end].iter().filter_map(|p| p.answer).find_map(|a| longer(a, self.here_permille));
        let near = || self.probes[n + 1..].iter().filter_map(|p| p.answer).find_map(|a| longer(a, self.near_permille));
        here.or_else(near).unwrap_or(self.wait)
    }

    fn settle(&mut self, n: usize, acts: &mut Vec<Act>) {
        let answer = self.probes[n].answer;
        let hop = Hop { ttl: self.ttl(n), answer };
        self.outcome.reached |= answer.is_some_and(|(_, e, _)| is_port_unreachable(e) || e == ECHO_REPLY);
        self.outcome.hops.push(hop.clone());
        acts.push(Act::Report(ProbeEvent::Hop(hop)));
        self.start = n + 1;
    }

    /// Notes an answer. What it means is decided when everything that this instant brings has been read.
    fn answered(&mut self, now: Instant, from: Ipv4Addr, seq: u16, error: IcmpError, acts: &mut Vec<Act>) {
        // Quenches and redirects are no answers.
        if matches!(error.kind, 4 | 5) {
            return;
        }
        let Some(probe) = usize::from(seq).checked_sub(1).and_then(|i| self.probes.get_mut(i)) else { return };
        if probe.done {
            return;
        }
        probe.done = true;
        probe.answer = Some((from, error, now.since(probe.at)));
        acts.push(Act::Report(ProbeEvent::Icmp { from, seq, error }));
        self.wake = Some(now);
    }

    fn finish(&mut self, acts: &mut Vec<Act>) {
        let outcome = std::mem::take(&mut self.outcome);
        self.end_with(Outcome::Trace(outcome), acts);
    }

    fn end_with(&mut self, outcome: Outcome, acts: &mut Vec<Act>) {
        self.phase = Phase::Over;
        self.wake = None;
        acts.push(Act::Finish(outcome));
    }
}

impl Workload for TraceRun {
    fn step(&mut self, now: Instant, input: Input) -> Vec<Act> {
        let mut acts = Vec::new();
        match (self.phase, input) {
            (Phase::Over, _) => {}
            (_, Input::OpenFailed(errno)) => self.end_with(Outcome::Failed(errno), &mut acts),
            (_, Input::Stop(Stop::Kill)) => self.end_with(Outcome::Stopped, &mut acts),
            (_, Input::Stop(Stop::Interrupt)) => self.finish(&mut acts),
            (Phase::Opening, Input::Opened { source }) => {
                self.phase = Phase::Running;
                acts.push(Act::Report(ProbeEvent::Started { source: Some(source.into()) }));
                self.pass(now, &mut acts);
            }
            (Phase::Opening, _) => {}
            (Phase::Running, Input::Timer) => self.pass(now, &mut acts),
            (Phase::Running, Input::SendFailed { seq, errno, mtu }) => {
                acts.push(Act::Report(ProbeEvent::SendFailed { seq, errno, mtu }));
                // After these the probe just stays unanswered; any other ends it.
                if !matches!(errno, Errno::EMSGSIZE | Errno::EHOSTUNREACH | Errno::ENOBUFS | Errno::EAGAIN) {
                    self.end_with(Outcome::Failed(errno), &mut acts);
                }
            }
            (Phase::Running, Input::IcmpError { from, seq, error }) => {
                self.answered(now, from, seq, error, &mut acts);
            }
            (Phase::Running, Input::DatagramReply { from, seq }) => {
                self.answered(now, from, seq, PORT_UNREACHABLE, &mut acts);
            }
            (Phase::Running, Input::EchoReply { from, seq, .. }) => {
                self.answered(now, from, seq, ECHO_REPLY, &mut acts);
            }
            (Phase::Running, _) => {}
        }
        acts
    }

    fn wake_at(&self) -> WakeAt {
        self.wake
    }
}

/// Only "TTL exceeded in transit" lets the search go on.
fn is_final(e: IcmpError) -> bool {
    (e.kind, e.code) != (11, 0)
}

fn is_port_unreachable(e: IcmpError) -> bool {
    (e.kind, e.code) == (3, 3)
}

const PORT_UNREACHABLE: IcmpError = IcmpError { kind: 3, code: 3, info: 0 };
const ECHO_REPLY: IcmpError = IcmpError { kind: 0, code: 0, info: 0 };
const GRACE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::super::play::{ms, play};
    use super::*;

    fn trace(max_hops: u8) -> TraceRun {
        TraceRun::new(&Trace { max_hops, ..Trace::new(crate::NetnsName::host(), Ipv4Addr::new(10, 0, 2, 4)) })
    }

    /// What answers a probe of this TTL: after how many ms, who, with which error.
    type Answer = fn(u8) -> Option<(u64, u8, (u8, u8))>;

    #[track_caller]
    fn check(max_hops: u8, answer: Answer, sent: usize, end_ms: u64, expect: &[&str]) {
        let log = play(trace(max_hops), |act| match act {
            Act::Datagram { seq, ttl, port } => {
                assert_eq!(*port, 33433 + seq);
                answer(*ttl)
                    .map(|(after, who, (kind, code))| {
                        let error = IcmpError { kind, code, info: 0 };
                        (ms(after), Input::IcmpError { from: Ipv4Addr::new(10, 0, 0, who), seq: *seq, error })
                    })
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        });
        let datagrams = log.iter().filter(|(_, a)| matches!(a, Act::Datagram { .. })).count();
        let hops: Vec<String> = log
            .iter()
            .filter_map(|(_, a)| match a {
                Act::Report(ProbeEvent::Hop(h)) => Some(match h.answer {
                    None => format!("{} *", h.ttl),
                    Some((from, e, rtt)) => {
                        format!("{} {} {}/{} {}", h.ttl, from.octets()[3], e.kind, e.code, rtt.as_millis())
                    }
                }),
                _ => None,
            })
            .collect();
        assert_eq!(hops, expect);
        assert_eq!(datagrams, sent);
        let (at, last) = log.last().unwrap();
        assert_eq!(at.as_nanos() / 1_000_000, end_ms);
        assert!(matches!(last, Act::Finish(Outcome::Trace(t)) if t.hops.len() == expect.len()), "{last:?}");
    }

    #[test]
    fn a_path_ends_at_the_closed_port() {
        check(
            30,
            |ttl| Some((1, ttl.min(3), if ttl < 3 { (11, 0) } else { (3, 3) })),
            16,
            1,
            &["1 1 11/0 1", "2 2 11/0 1", "3 3 3/3 1"],
        );
        // Nothing delays: the sixteen go out at once all the same, and the answers are read together.
        check(
            30,
            |ttl| Some((0, ttl.min(2), if ttl < 2 { (11, 0) } else { (3, 3) })),
            16,
            0,
            &["1 1 11/0 0", "2 2 3/3 0"],
        );
    }

    #[test]
    fn silence_lasts_five_seconds_for_all_in_flight_together() {
        check(6, |_| None, 6, 5000, &["1 *", "2 *", "3 *", "4 *", "5 *", "6 *"]);
        let stars: Vec<String> = (1..=20).map(|n| format!("{n} *")).collect();
        // Sixteen, and four more when they were given up.
        check(20, |_| None, 20, 10_000, &stars.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn a_silent_hop_before_an_answer_is_waited_for_ten_times_as_long() {
        // (2 ms + 1 ms) * 10.
        check(
            30,
            |ttl| (ttl > 1).then_some((2, ttl, if ttl < 3 { (11, 0) } else { (3, 3) })),
            16,
            30,
            &["1 *", "2 2 11/0 2", "3 3 3/3 2"],
        );
    }

    #[test]
    fn a_hop_may_have_several_probes() {
        let probe = |per_hop, first_hop, max_hops| {
            let netns = crate::NetnsName::host();
            TraceRun::new(&Trace { per_hop, first_hop, max_hops, ..Trace::new(netns, Ipv4Addr::new(10, 0, 2, 4)) })
        };
        let log = play(probe(3, 2, 4), |act| match act {
            Act::Datagram { seq, ttl, .. } if seq % 3 != 0 => {
                let (from, kind) = (Ipv4Addr::new(10, 0, 0, *ttl), if *ttl < 3 { 11 } else { 3 });
                let code = if kind == 3 { 3 } else { 0 };
                let error = IcmpError { kind, code, info: 0 };
                vec![(ms(5), Input::IcmpError { from, seq: *seq, error })]
            }
            _ => Vec::new(),
        });
        let answered = |a: &Act| match a {
            Act::Report(ProbeEvent::Hop(h)) => Some((h.ttl, h.answer.is_some())),
            _ => None,
        };
        let hops: Vec<_> = log.iter().filter_map(|(_, a)| answered(a)).collect();
        assert_eq!(hops, [(2, true), (2, true), (2, false), (3, true), (3, true), (3, false)]);
        // (5 ms + 1 ms) * 3.
        assert_eq!(log.last().unwrap().0, Instant::ZERO + ms(18));
    }

    #[test]
    fn a_refusal_for_later_probes_only_belongs_to_the_first_silent_one() {
        let answer: Answer = |ttl| match ttl {
            1 => Some((1, 1, (11, 0))),
            2 | 3 => None,
            _ => Some((3000, 1, (3, 1))),
        };
        check(30, answer, 17, 5000, &["1 1 11/0 1", "2 1 3/1 3000"]);
    }

    #[test]
    fn a_failing_first_send_ends_it() {
        let log = play(trace(30), |act| match act {
            Act::Datagram { seq: 1, .. } => {
                vec![(Duration::ZERO, Input::SendFailed { seq: 1, errno: Errno::ENETUNREACH, mtu: None })]
            }
            _ => Vec::new(),
        });
        assert_eq!(log.last().unwrap().1, Act::Finish(Outcome::Failed(Errno::ENETUNREACH)));
        assert_eq!(log.iter().filter(|(_, a)| matches!(a, Act::Datagram { .. })).count(), 1);
    }
}
