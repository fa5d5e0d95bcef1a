//! `ping` without its socket: when to send, what counts, when to stop.
//!
//! Counterpart: `main_loop()`, `pinger()`, `__schedule_exit()`, `gather_statistics()` and `finish()` of iputils 20221126's
//! `ping_common.c`; its quirks are kept because they can be seen (see the comments). A flood (`-f`) is an interval of
//! nothing. Deliberately absent: checking the payload that came back.

use super::workload::{Act, Input, Workload};
use super::{IcmpError, Outcome, Ping, PingOutcome, ProbeEvent, Rtt, Stop, WakeAt};
use crate::errno::Errno;
use crate::time::Instant;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A running ping.
#[derive(Clone, Debug)]
pub struct PingRun {
    /// `-c`.
    count: Option<u32>,
    interval_ms: i64,
    linger: Duration,
    deadline: Option<Duration>,
    preload: i64,
    adaptive: bool,
    outstanding: bool,
    quiet: bool,
    report_sent: bool,
    /// Payloads below 16 bytes hold no timestamp, so there are no round-trip times.
    timing: bool,
    phase: Phase,
    started: Instant,
    /// When the last request was sent (`cur_time`).
    last_send: Option<Instant>,
    /// Milliseconds saved up towards the next request.
    tokens: i64,
    /// How often in a row a send failed for want of buffers.
    starved: i64,
    /// The last send was one of those.
    starving: bool,
    /// When SIGALRM would come: the deadline, or the end of waiting for the last replies.
    alarm: WakeAt,
    wake: WakeAt,
    /// Send times, by sequence number.
    sent_at: Vec<Instant>,
    /// Which sequence numbers were answered, a bit each.
    answered: Vec<u64>,
    /// Eight times the smoothed round-trip time in microseconds (`rtt`), and what want of buffers adds to it.
    smoothed_us: i64,
    penalty_us: i64,
    /// The sequence number last acknowledged.
    acked: u16,
    pipe: u32,
    stats: PingOutcome,
    sum_us: i64,
    /// Sum of squares.
    sum2_us: i128,
    min_us: i64,
    max_us: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Running,
    Over,
}

impl PingRun {
    /// A ping that waits for its socket ([`Input::Opened`]).
    pub fn new(ping: &Ping) -> Self {
        PingRun {
            count: ping.count,
            interval_ms: i64::try_from(ping.interval.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4),
            linger: ping.linger,
            deadline: ping.deadline,
            preload: i64::from(ping.preload.max(1)),
            adaptive: ping.adaptive,
            outstanding: ping.outstanding,
            quiet: ping.quiet,
            report_sent: ping.report_sent,
            timing: ping.size >= 16,
            phase: Phase::Opening,
            started: Instant::ZERO,
            last_send: None,
            tokens: 0,
            starved: 0,
            starving: false,
            alarm: None,
            wake: None,
            sent_at: Vec::new(),
            answered: Vec::new(),
            smoothed_us: 0,
            penalty_us: 0,
            acked: 0,
            pipe: 0,
            stats: PingOutcome::default(),
            sum_us: 0,
            sum2_us: 0,
            min_us: i64::MAX,
            max_us: 0,
        }
    }

    /// One turn of ping's main loop at `now`: stop, or send what is due and say until when to wait.
    fn turn(&mut self, now: Instant, acts: &mut Vec<Act>) {
        if self.is_enough() || self.alarm.is_some_and(|at| at <= now) {
            return self.finish(acts);
        }
        let mut next_ms = self.pinger(now, acts);
        while next_ms <= 0 {
            next_ms = self.pinger(now, acts);
        }
        if self.all_sent() {
            // Nothing to do but wait: only what comes in or the alarm can change anything.
            self.schedule_exit(now);
            self.wake = self.alarm;
            return;
        }
        self.wake_after(now, next_ms);
    }

    /// ping looks at its exit conditions at least once an interval (`SO_RCVTIMEO`), and when the next request is due
    /// within 10 ms while one is outstanding, it waits the whole 10 ms.
    fn wake_after(&mut self, now: Instant, next_ms: i64) {
        let floor = self.interval_ms.max(MIN_INTERVAL_MS);
        let wait = if next_ms >= floor {
            floor
        } else if next_ms <= MIN_INTERVAL_MS && self.in_flight() > 0 {
            MIN_INTERVAL_MS
        } else {
            next_ms
        };
        let at = now + Duration::from_millis(wait.unsigned_abs());
        self.wake = Some(self.alarm.map_or(at, |alarm| alarm.min(at)));
    }

    fn is_enough(&self) -> bool {
        let answers = self.stats.received + self.stats.errors;
        self.count.is_some_and(|c| c > 0 && answers >= c) || (self.deadline.is_some() && self.stats.errors > 0)
    }

    fn all_sent(&self) -> bool {
        self.deadline.is_none() && self.count.is_some_and(|c| c > 0 && self.stats.transmitted >= c)
    }

    /// Sends a request if enough time has been saved up; returns in how many ms to come back.
    fn pinger(&mut self, now: Instant, acts: &mut Vec<Act>) -> i64 {
        if self.all_sent() {
            return 1000;
        }
        match self.last_send {
            None => self.tokens = self.interval_ms.saturating_mul(self.preload - 1),
            Some(last) => {
                // Whole milliseconds of waiting count, so the interval stretches by the fraction that a reply took.
                let mut saved = i64::try_from(now.since(last).as_millis()).unwrap_or(i64::MAX / 4);
                if self.interval_ms == 0 && saved < MIN_INTERVAL_MS && i64::from(self.in_flight()) >= self.preload {
                    return MIN_INTERVAL_MS - saved;
                }
                saved = (saved + self.tokens).min(self.interval_ms.saturating_mul(self.preload));
                if saved < self.interval_ms {
                    return self.interval_ms - saved;
                }
                self.tokens = saved - self.interval_ms;
            }
        }
        if !std::mem::take(&mut self.starving) {
            self.starved = 0;
        }
        self.last_send = Some(now);
        // The sequence number is 16 bits wide and wraps.
        let before = self.stats.transmitted as u16;
        if self.outstanding && self.stats.transmitted > 0 && !self.is_answered(before) {
            acts.push(Act::Report(ProbeEvent::Outstanding { seq: before }));
        }
        self.stats.transmitted += 1;
        let seq = before.wrapping_add(1);
        if seq.wrapping_sub(self.acked) > 0x7fff {
            // What was acknowledged a round of numbers ago says nothing.
            self.acked = seq.wrapping_add(1);
        }
        self.note_sent(seq, now);
        acts.push(Act::Echo { seq });
        if self.report_sent {
            acts.push(Act::Report(ProbeEvent::Sent { seq }));
        }
        self.interval_ms - self.tokens
    }

    /// `update_interval()`: of an adaptive ping.
    fn adapt(&mut self) {
        if self.adaptive {
            let estimate = if self.smoothed_us == 0 { self.interval_ms * 1000 } else { self.smoothed_us / 8 };
            self.interval_ms = (estimate + self.penalty_us + 500) / 1000;
        }
    }

    /// `__schedule_exit()`: decided once, when the last request has gone.
    fn schedule_exit(&mut self, now: Instant) {
        if self.alarm.is_some() {
            return;
        }
        let wait = if self.stats.received > 0 {
            let two_rtt = Duration::from_micros(self.max_us.unsigned_abs().saturating_mul(2));
            two_rtt.max(Duration::from_millis(self.interval_ms.unsigned_abs()))
        } else {
            self.linger
        };
        // A timer of zero is no timer: `-W 0` waits for ever.
        if !wait.is_zero() {
            self.alarm = Some(now + wait);
        }
    }

    fn note_sent(&mut self, seq: u16, now: Instant) {
        let i = usize::from(seq);
        if self.sent_at.len() <= i {
            self.sent_at.resize(i + 1, Instant::FAR);
            self.answered.resize(i / 64 + 1, 0);
        }
        self.sent_at[i] = now;
        self.answered[i / 64] &= !(1 << (i % 64));
    }

    fn sent_time(&self, seq: u16) -> Option<Instant> {
        self.sent_at.get(usize::from(seq)).copied().filter(|t| *t != Instant::FAR)
    }

    /// `acknowledge()`: keeps the last sequence number seen and the greatest distance to it.
    fn acknowledge(&mut self, seq: u16) {
        let newest = self.stats.transmitted as u16;
        let behind = newest.wrapping_sub(seq);
        if behind > 0x7fff {
            return;
        }
        self.pipe = self.pipe.max(u32::from(behind) + 1);
        let ahead = seq.wrapping_sub(self.acked);
        if (1..0x8000).contains(&ahead) || newest.wrapping_sub(self.acked) > 0x7fff {
            self.acked = seq;
        }
    }

    fn in_flight(&self) -> u32 {
        match (self.stats.transmitted as u16).wrapping_sub(self.acked) {
            few @ 0..=0x7fff => few.into(),
            _ => self.stats.transmitted.saturating_sub(self.stats.received + self.stats.errors),
        }
    }

    fn is_answered(&self, seq: u16) -> bool {
        self.answered.get(usize::from(seq) / 64).is_some_and(|word| word & 1 << (seq % 64) != 0)
    }

    fn reply(&mut self, now: Instant, reply: Reply, acts: &mut Vec<Act>) {
        let Some(sent) = self.sent_time(reply.seq) else { return };
        self.acknowledge(reply.seq);
        // ping's clock for this has microseconds.
        let us = i64::try_from(now.since(sent).as_micros()).unwrap_or(i64::MAX);
        if self.timing {
            self.sum_us = self.sum_us.saturating_add(us);
            self.sum2_us = self.sum2_us.saturating_add(i128::from(us) * i128::from(us));
            self.min_us = self.min_us.min(us);
            self.max_us = self.max_us.max(us);
            self.smoothed_us = match self.smoothed_us {
                0 => us.saturating_mul(8),
                old => (old - old / 8).saturating_add(us),
            };
            self.adapt();
        }
        let duplicate = self.is_answered(reply.seq);
        self.answered[usize::from(reply.seq) / 64] |= 1 << (reply.seq % 64);
        if duplicate {
            self.stats.duplicates += 1;
        } else {
            self.stats.received += 1;
        }
        acts.push(Act::Report(ProbeEvent::Reply {
            from: reply.from,
            seq: reply.seq,
            ttl: reply.ttl,
            bytes: reply.bytes,
            rtt: Duration::from_micros(us.unsigned_abs()),
            duplicate,
        }));
        self.after_input(now, acts);
    }

    fn icmp_error(&mut self, now: Instant, from: Ipv4Addr, seq: u16, error: IcmpError, acts: &mut Vec<Act>) {
        acts.push(Act::Report(ProbeEvent::Icmp { from, seq, error }));
        // Redirects and source quenches are shown but are not errors.
        if !matches!(error.kind, 4 | 5) {
            self.acknowledge(seq);
            self.stats.errors += 1;
            self.stats.last_error = Some(error);
        }
        self.after_input(now, acts);
    }

    /// While something is outstanding ping reads on until nothing is left to read, and looks at its exit conditions only
    /// then; so the end waits for everything else of this instant.
    fn after_input(&mut self, now: Instant, acts: &mut Vec<Act>) {
        if self.is_enough() && self.in_flight() > 0 {
            self.wake = Some(now);
        } else {
            self.turn(now, acts);
        }
    }

    /// A request that could not be sent counts as sent; it counts as an error only when the socket's error queue says more
    /// (EMSGSIZE), and ends the ping only at the next look.
    fn send_failed(&mut self, now: Instant, seq: u16, errno: Errno, mtu: Option<u32>, acts: &mut Vec<Act>) {
        self.tokens = 0;
        if matches!(errno, Errno::ENOBUFS | Errno::ENOMEM) {
            self.penalty_us += (self.smoothed_us / 8).min(50_000);
            self.adapt();
            let pause = (self.interval_ms / 2).clamp(MIN_INTERVAL_MS, 500);
            self.starved += 1;
            self.starving = true;
            if i128::from(self.starved * pause) < self.linger.as_millis() as i128 {
                self.stats.transmitted -= 1;
                self.alarm = self.deadline.map(|d| self.started + d);
                self.wake_after(now, pause);
                return;
            }
        }
        if errno == Errno::EMSGSIZE && mtu.is_some() && !self.quiet {
            self.stats.errors += 1;
        }
        self.stats.send_error = Some(errno);
        acts.push(Act::Report(ProbeEvent::SendFailed { seq, errno, mtu }));
        self.wake_after(now, self.interval_ms.max(MIN_INTERVAL_MS));
    }

    fn finish(&mut self, acts: &mut Vec<Act>) {
        self.phase = Phase::Over;
        self.wake = None;
        let last = self.last_send.unwrap_or(self.started);
        let total = i64::from(self.stats.received + self.stats.duplicates);
        let mut outcome = self.stats.clone();
        outcome.time = last.since(self.started);
        outcome.pipe = self.pipe;
        outcome.rtt = (self.stats.received > 0 && self.timing).then(|| {
            let avg = self.sum_us / total;
            let (sum, n) = (i128::from(self.sum_us), i128::from(total));
            // The order of the divisions is ping's.
            let variance = if self.sum_us < i64::from(i32::MAX) {
                (self.sum2_us - sum * sum / n) / n
            } else {
                self.sum2_us / n - i128::from(avg) * i128::from(avg)
            };
            let us = |v: i64| Duration::from_micros(v.unsigned_abs());
            Rtt { min: us(self.min_us), avg: us(avg), max: us(self.max_us), mdev: us(llsqrt(variance)) }
        });
        acts.push(Act::Finish(Outcome::Ping(outcome)));
    }
}

impl Workload for PingRun {
    fn step(&mut self, now: Instant, input: Input) -> Vec<Act> {
        let mut acts = Vec::new();
        match (self.phase, input) {
            (Phase::Over, _) => {}
            (_, Input::OpenFailed(errno)) => {
                self.phase = Phase::Over;
                self.wake = None;
                acts.push(Act::Finish(Outcome::Failed(errno)));
            }
            (_, Input::Stop(Stop::Kill)) => {
                self.phase = Phase::Over;
                self.wake = None;
                acts.push(Act::Finish(Outcome::Stopped));
            }
            (_, Input::Stop(Stop::Interrupt)) => self.finish(&mut acts),
            (Phase::Opening, Input::Opened { source }) => {
                self.phase = Phase::Running;
                self.started = now;
                self.alarm = self.deadline.map(|d| now + d);
                acts.push(Act::Report(ProbeEvent::Started { source: Some(source.into()) }));
                self.turn(now, &mut acts);
            }
            (Phase::Opening, _) => {}
            (Phase::Running, Input::Timer) => self.turn(now, &mut acts),
            (Phase::Running, Input::SendFailed { seq, errno, mtu }) => {
                self.send_failed(now, seq, errno, mtu, &mut acts);
            }
            (Phase::Running, Input::EchoReply { from, seq, ttl, bytes }) => {
                self.reply(now, Reply { from, seq, ttl, bytes }, &mut acts);
            }
            (Phase::Running, Input::IcmpError { from, seq, error }) => {
                self.icmp_error(now, from, seq, error, &mut acts);
            }
            (Phase::Running, Input::ErrorOverheard { seq }) => {
                self.acknowledge(seq);
                self.after_input(now, &mut acts);
            }
            (Phase::Running, Input::Opened { .. } | Input::DatagramReply { .. } | Input::Arp { .. }) => {}
        }
        acts
    }

    fn wake_at(&self) -> WakeAt {
        self.wake
    }
}

struct Reply {
    from: Ipv4Addr,
    seq: u16,
    ttl: u8,
    bytes: u16,
}

/// ping's integer square root: Newton's iteration, stopped when it no longer falls. One too large just below a square.
fn llsqrt(a: i128) -> i64 {
    let (mut before, mut x) = (i128::MAX, a);
    while x > 0 && x < before {
        before = x;
        x = (x + a / x) / 2;
    }
    i64::try_from(x.max(0)).unwrap_or(i64::MAX)
}

const MIN_INTERVAL_MS: i64 = 10;

#[cfg(test)]
mod tests {
    use super::super::play::{ms, play};
    use super::*;

    fn ping(count: u32) -> Ping {
        Ping::new(crate::NetnsName::host(), HIM, count)
    }

    const HIM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const HOST_UNREACHABLE: IcmpError = IcmpError { kind: 3, code: 1, info: 0 };

    /// Plays a ping; `answer` gives for each sequence number what comes back and when. Returns the log as words: `sN@T` a
    /// request, `rN@T` a reply, `dN@T` a duplicate, `eN@T` an error, `fN@T` a failure to send, and the trailer.
    fn run(ping: &Ping, mut answer: impl FnMut(u16) -> Vec<(u64, Input)>) -> String {
        let log = play(PingRun::new(ping), |act| match act {
            Act::Echo { seq } => answer(*seq).into_iter().map(|(us, i)| (Duration::from_micros(us), i)).collect(),
            _ => Vec::new(),
        });
        let words = log.iter().filter_map(|(at, act)| {
            let at = at.as_nanos() as f64 / 1e6;
            Some(match act {
                Act::Echo { seq } => format!("s{seq}@{at}"),
                Act::Report(ProbeEvent::Reply { seq, duplicate: false, .. }) => format!("r{seq}@{at}"),
                Act::Report(ProbeEvent::Reply { seq, .. }) => format!("d{seq}@{at}"),
                Act::Report(ProbeEvent::Icmp { seq, .. }) => format!("e{seq}@{at}"),
                Act::Report(ProbeEvent::SendFailed { seq, .. }) => format!("f{seq}@{at}"),
                Act::Finish(Outcome::Ping(p)) => format!(
                    "end@{at} {}/{}+{}!{} {}ms pipe{}{}",
                    p.transmitted,
                    p.received,
                    p.duplicates,
                    p.errors,
                    p.time.as_millis(),
                    p.pipe,
                    p.rtt.map_or(String::new(), |r| format!(
                        " {}/{}/{}/{}",
                        r.min.as_micros(),
                        r.avg.as_micros(),
                        r.max.as_micros(),
                        r.mdev.as_micros()
                    ))
                ),
                _ => return None,
            })
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn echo(seq: u16) -> Input {
        Input::EchoReply { from: HIM, seq, ttl: 64, bytes: 64 }
    }

    fn error(seq: u16) -> Input {
        Input::IcmpError { from: HIM, seq, error: HOST_UNREACHABLE }
    }

    #[test]
    fn sends_each_second_and_ends_with_the_last_reply() {
        // The figures are those of a real run: the deviation of 142, 179 and 122 microseconds is 23. The interval
        // stretches by the part of a millisecond that each reply took.
        let rtts = [142, 179, 122];
        assert_eq!(
            run(&ping(3), |seq| vec![(rtts[usize::from(seq) - 1], echo(seq))]),
            "s1@0 r1@0.142 s2@1000.142 r2@1000.321 s3@2000.321 r3@2000.443 \
             end@2000.443 3/3+0!0 2000ms pipe1 122/147/179/23"
        );
        assert_eq!(run(&ping(1), |seq| vec![(0, echo(seq))]), "s1@0 r1@0 end@0 1/1+0!0 0ms pipe1 0/0/0/0");
    }

    #[test]
    fn waits_the_linger_when_nothing_came_else_twice_the_greatest_rtt() {
        assert_eq!(run(&ping(2), |_| vec![]), "s1@0 s2@1000 end@11000 2/0+0!0 1000ms pipe0");
        let mut p = ping(2);
        p.linger = ms(1000);
        assert_eq!(run(&p, |_| vec![]), "s1@0 s2@1000 end@2000 2/0+0!0 1000ms pipe0");
        p.interval = ms(200);
        let first_only = |seq| if seq == 1 { vec![(150_000, echo(1))] } else { vec![] };
        assert_eq!(run(&p, first_only), "s1@0 r1@150 s2@200 end@500 2/1+0!0 200ms pipe1 150000/150000/150000/0");
        p.interval = ms(100);
        let late = |seq| if seq == 1 { vec![(90_000, echo(1))] } else { vec![(190_000, echo(2))] };
        assert_eq!(run(&p, late), "s1@0 r1@90 s2@100 end@280 2/1+0!0 100ms pipe1 90000/90000/90000/0");
    }

    #[test]
    fn errors_end_it_as_answers_do() {
        // A host that does not answer ARP: the errors of all that waited come together after 3 s, later ones again.
        let answer = |seq: u16| match seq {
            1..=3 => vec![(3_069_000 - u64::from(seq - 1) * 1_000_000, error(seq))],
            _ => vec![(3_000_000 - u64::from(seq - 4) * 1_000_000, error(seq))],
        };
        assert_eq!(run(&ping(2), answer), "s1@0 s2@1000 e1@3069 e2@3069 end@3069 2/0+0!2 1000ms pipe2");
        assert_eq!(
            run(&ping(5), answer),
            "s1@0 s2@1000 s3@2000 s4@3000 e1@3069 e2@3069 e3@3069 s5@4000 e4@6000 e5@6000 end@6000 5/0+0!5 4000ms pipe4"
        );
    }

    #[test]
    fn with_a_deadline_the_count_is_of_replies_and_an_error_ends_it() {
        let mut p = ping(3);
        p.deadline = Some(ms(2000));
        assert_eq!(run(&p, |_| vec![]), "s1@0 s2@1000 end@2000 2/0+0!0 1000ms pipe0");
        p.count = None;
        p.deadline = Some(ms(4000));
        let answer = |seq: u16| vec![(3_500_000 - u64::from(seq) * 1_000_000, error(seq))];
        assert_eq!(run(&p, answer), "s1@0 s2@1000 s3@2000 e1@2500 e2@2500 e3@2500 end@2500 3/0+0!3 2000ms pipe3");
        p.count = Some(2);
        let second = |seq| if seq > 1 { vec![(100, echo(seq))] } else { vec![] };
        assert_eq!(
            run(&p, second),
            "s1@0 s2@1000 r2@1000.1 s3@2000.1 r3@2000.2 end@2000.2 3/2+0!0 2000ms pipe1 100/100/100/0"
        );
    }

    #[test]
    fn failures_to_send_count_as_sent_and_only_emsgsize_as_error() {
        let fail = |errno| move |seq| vec![(0, Input::SendFailed { seq, errno, mtu: Some(1500) })];
        // The end is seen one interval late.
        assert_eq!(run(&ping(2), fail(Errno::EMSGSIZE)), "s1@0 f1@0 s2@1000 f2@1000 end@2000 2/0+0!2 1000ms pipe0");
        assert_eq!(run(&ping(2), fail(Errno::ENETUNREACH)), "s1@0 f1@0 s2@1000 f2@1000 end@11000 2/0+0!0 1000ms pipe0");
    }

    #[test]
    fn duplicates_are_counted_apart_but_their_times_count() {
        let mut p = ping(2);
        p.interval = ms(1000);
        let twice = |seq: u16| vec![(100, echo(seq)), (200, echo(seq))];
        assert_eq!(
            run(&p, twice),
            "s1@0 r1@0.1 d1@0.2 s2@1000.2 r2@1000.3 end@1000.3 2/2+1!0 1000ms pipe1 100/133/200/47"
        );
    }

    #[test]
    fn without_an_interval_each_reply_sends_the_next_and_silence_means_100_a_second() {
        let mut p = ping(3);
        p.interval = Duration::ZERO;
        assert_eq!(
            run(&p, |seq| vec![(500, echo(seq))]),
            "s1@0 r1@0.5 s2@0.5 r2@1 s3@1 r3@1.5 end@1.5 3/3+0!0 1ms pipe1 500/500/500/0"
        );
        assert_eq!(run(&p, |_| vec![]), "s1@0 s2@10 s3@20 end@10020 3/0+0!0 20ms pipe0");
    }

    #[test]
    fn preloaded_requests_go_at_once_and_an_adaptive_ping_follows_its_replies() {
        let mut p = ping(4);
        p.preload = 3;
        assert_eq!(
            run(&p, |seq| vec![(500, echo(seq))]),
            "s1@0 s2@0 s3@0 r1@0.5 r2@0.5 r3@0.5 s4@1000.5 r4@1001 end@1001 4/4+0!0 1000ms pipe3 500/500/500/0"
        );
        let mut p = ping(3);
        p.adaptive = true;
        assert_eq!(
            run(&p, |seq| vec![(2000, echo(seq))]),
            "s1@0 r1@2 s2@2 r2@4 s3@4 r3@6 end@6 3/3+0!0 4ms pipe1 2000/2000/2000/0"
        );
    }

    #[test]
    fn what_is_unanswered_when_the_next_goes_is_told() {
        let mut p = ping(3);
        p.outstanding = true;
        p.report_sent = true;
        p.linger = ms(1000);
        let log = play(PingRun::new(&p), |act| match act {
            Act::Echo { seq: 2 } => vec![(ms(1), echo(2))],
            _ => Vec::new(),
        });
        let told: Vec<String> = log
            .iter()
            .filter_map(|(_, act)| match act {
                Act::Report(ProbeEvent::Outstanding { seq }) => Some(format!("?{seq}")),
                Act::Report(ProbeEvent::Sent { seq }) => Some(format!("s{seq}")),
                _ => None,
            })
            .collect();
        assert_eq!(told.join(" "), "s1 ?1 s2 s3");
    }

    #[test]
    fn short_payloads_have_no_times_and_redirects_are_no_errors() {
        let mut p = ping(1);
        p.size = 15;
        assert_eq!(run(&p, |seq| vec![(500, echo(seq))]), "s1@0 r1@0.5 end@0.5 1/1+0!0 0ms pipe1");
        let redirect = |seq| {
            let e = IcmpError { kind: 5, code: 1, info: 0 };
            vec![(100, Input::IcmpError { from: HIM, seq, error: e }), (200, echo(seq))]
        };
        assert_eq!(run(&ping(1), redirect), "s1@0 e1@0.1 r1@0.2 end@0.2 1/1+0!0 0ms pipe1 200/200/200/0");
        // Overheard only: the distance is noted, nothing else.
        let overheard = |seq: u16| vec![(3_500_000 - u64::from(seq) * 1_000_000, Input::ErrorOverheard { seq })];
        assert_eq!(run(&ping(2), overheard), "s1@0 s2@1000 end@11000 2/0+0!0 1000ms pipe2");
    }

    #[test]
    fn opening_may_fail_and_a_stop_prints_or_not() {
        let mut run = PingRun::new(&ping(1));
        assert_eq!(
            run.step(Instant::ZERO, Input::OpenFailed(Errno::ENETUNREACH)),
            [Act::Finish(Outcome::Failed(Errno::ENETUNREACH))]
        );
        let mut run = PingRun::new(&ping(1));
        run.step(Instant::ZERO, Input::Opened { source: HIM });
        assert!(matches!(
            run.step(Instant::ZERO, Input::Stop(Stop::Interrupt))[..],
            [Act::Finish(Outcome::Ping(PingOutcome { transmitted: 1, .. }))]
        ));
        assert_eq!((run.step(Instant::ZERO, Input::Timer), run.wake_at()), (vec![], None));
    }
}
