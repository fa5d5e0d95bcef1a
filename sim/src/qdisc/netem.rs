//! netem: delay, jitter, loss, duplication, corruption, reordering and rate.
//!
//! Kernel counterpart: `net/sched/sch_netem.c`. Probabilities are drawn from the generator that `TCA_NETEM_PRNG_SEED`
//! seeds, in the kernel's order, so that the same seed loses the same packets. Deliberately absent: distributions of
//! one's own.

use super::tfifo::Tfifo;
use super::tree::{Io, Kind, NodeId, Outcome, ROOT, Tree, Waiting};
use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::path::Pkt;
use crate::rng::Rng;
use nettwin_model::Instant;
use nettwin_model::distribution;
use nettwin_model::impair::{Bursts, Chance, Distribution, Impairment, Share, Slot};
use std::collections::VecDeque;
use std::time::Duration;

/// The kernel's default limit, packets (`sch->limit`).
const DEFAULT_LIMIT: u32 = 1000;

/// A netem qdisc with its queue.
pub(crate) struct Netem {
    /// What was asked for.
    pub(crate) impairment: Impairment,
    /// What frames that are due go through before they leave.
    pub(super) child: Option<NodeId>,
    prng: Taus,
    /// The state of loss with a memory.
    phase: Phase,
    last_loss: u32,
    last_duplicate: u32,
    last_corrupt: u32,
    last_reorder: u32,
    last_delay: u32,
    /// How jitter is spread; stays until another one is named, as in the kernel.
    spread: Option<Distribution>,
    /// The same of the time between bursts.
    slot_spread: Option<Distribution>,
    /// The burst that is under way.
    burst: Option<Burst>,
    /// Frames since the last one that was reordered.
    pub(super) counter: u32,
    /// Frames that jump the queue (`__qdisc_enqueue_head`).
    pub(super) front: VecDeque<Waiting>,
    pub(super) queue: Tfifo,
    /// How long each frame is held, if that is all that is done to it.
    pub(super) delay_alone: Option<Duration>,
    /// Which byte and bit is corrupted (`get_random_u32_below`: not from the seeded generator).
    noise: Rng,
}

/// A burst of a slot (`struct slotstate`).
#[derive(Clone, Copy, Debug)]
struct Burst {
    /// When it begins.
    at: Instant,
    /// What may still go in it.
    packets: i64,
    bytes: i64,
}

impl Burst {
    fn new(at: Instant, slot: &Slot) -> Self {
        let or_any = |n: u32| if n == 0 { i64::from(i32::MAX) } else { n.into() };
        Burst { at, packets: or_any(slot.packets), bytes: or_any(slot.bytes) }
    }
}

/// What becomes of a frame that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Kept, once or (`duplicate`) twice, one of them perhaps corrupted.
    Queue {
        /// A second one is to be enqueued first, without being duplicated again.
        duplicate: bool,
        /// One bit of this one is to be flipped.
        corrupt: bool,
    },
    /// Lost on purpose; the sender does not learn of it.
    Lose,
}

impl Netem {
    /// An empty one. `fallback_seed` counts where the impairment names none.
    pub(crate) fn new(impairment: &Impairment, fallback_seed: u64, noise: Rng, now: Instant) -> Self {
        Netem {
            spread: impairment.distribution,
            slot_spread: impairment.slot.and_then(|slot| slot.distribution),
            burst: impairment.slot.map(|slot| Burst::new(now, &slot)),
            impairment: shown(impairment),
            child: None,
            prng: Taus::new(impairment.seed.unwrap_or(fallback_seed)),
            phase: Phase::Good,
            last_loss: 0,
            last_duplicate: 0,
            last_corrupt: 0,
            last_reorder: 0,
            last_delay: 0,
            counter: 0,
            front: VecDeque::new(),
            queue: Tfifo::default(),
            delay_alone: delay_alone(impairment),
            noise,
        }
    }

    /// The draws at the door, in the kernel's order: duplicate, lose, corrupt.
    /// `mark` marks the frame instead of losing it, where it can.
    fn judge(&mut self, mark: impl FnOnce() -> bool) -> Verdict {
        let mut count = 1;
        if hit(self.impairment.duplicate, &mut self.last_duplicate, &mut self.prng) {
            count += 1;
        }
        if self.loses() && !(self.impairment.ecn && mark()) {
            count -= 1;
        }
        if count == 0 {
            return Verdict::Lose;
        }
        let corrupt = hit(self.impairment.corrupt, &mut self.last_corrupt, &mut self.prng);
        Verdict::Queue { duplicate: count > 1, corrupt }
    }

    /// `loss_event`.
    fn loses(&mut self) -> bool {
        match self.impairment.bursts {
            None => hit(self.impairment.loss, &mut self.last_loss, &mut self.prng),
            Some(bursts) => {
                let (next, lost) = self.phase.step(bursts, &mut self.prng);
                self.phase = next;
                lost
            }
        }
    }

    /// Whether the queue takes no more.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.impairment.limit.unwrap_or(DEFAULT_LIMIT) as usize
    }

    /// Which bit of a frame of `len` bytes is flipped: the byte and the mask.
    pub(crate) fn flip(&mut self, len: usize) -> (usize, u8) {
        let byte = self.noise.below(len.max(1) as u64) as usize; // below len
        (byte, 1 << self.noise.below(8))
    }

    /// Queues a frame for the instant it is due, which is the answer; `None` if it is to overtake all others.
    fn push(&mut self, now: Instant, w: Waiting) -> Option<Instant> {
        // tc makes a gap of 1 of a chance without one; the kernel makes certainty of a gap without a chance.
        let share = self.impairment.reorder.share.0;
        let gap = self.impairment.gap.max(u32::from(share > 0));
        let share = if share == 0 { u32::MAX } else { share };
        let stays = gap == 0
            || self.counter < gap - 1
            || share < draw(self.impairment.reorder.correlation, &mut self.last_reorder, &mut self.prng);
        if !stays {
            self.counter = 0;
            self.front.push_front(w);
            return None;
        }
        let at = self.due(now, w.len);
        self.counter = self.counter.wrapping_add(1);
        self.queue.push(at, w);
        Some(at)
    }

    /// All frames, taken out in order.
    pub(super) fn purge(&mut self) -> impl Iterator<Item = Waiting> + use<> {
        std::mem::take(&mut self.front).into_iter().chain(self.queue.purge())
    }

    /// Another impairment on the same qdisc (`netem_change`): frames in the queue keep their instants; the generator is
    /// seeded anew.
    pub(crate) fn change(&mut self, impairment: &Impairment, fallback_seed: u64, now: Instant) {
        self.prng = Taus::new(impairment.seed.unwrap_or(fallback_seed));
        (self.last_loss, self.last_duplicate, self.last_corrupt) = (0, 0, 0);
        (self.last_reorder, self.last_delay) = (0, 0);
        self.phase = Phase::Good;
        self.spread = impairment.distribution.or(self.spread);
        self.slot_spread = impairment.slot.and_then(|slot| slot.distribution).or(self.slot_spread);
        self.burst = impairment.slot.map(|slot| Burst::new(now, &slot));
        self.impairment = shown(impairment);
        self.delay_alone = delay_alone(impairment);
    }

    /// When a frame that arrives now is due (`tabledist`, and the rate's reference to the last frame queued).
    fn due(&mut self, now: Instant, len: u32) -> Instant {
        let mut delay = self.jittered();
        let mut from = i128::from(now.as_nanos());
        if self.impairment.rate_bps > 0 {
            if let Some(last) = self.queue.last() {
                let last = i128::from(last.as_nanos());
                delay = (delay - (last - from)).max(0);
                from = last;
            }
            // The kernel's product is one of 64 bits, too.
            let taken = self.impairment.overhead.taken(len.into());
            delay += i128::from(taken.wrapping_mul(1_000_000_000)) / i128::from(self.impairment.rate_bps);
        }
        Instant::from_nanos(u64::try_from((from + delay).max(0)).unwrap_or(u64::MAX))
    }

    /// Delay and jitter, nanoseconds; may be negative when the jitter is the greater.
    fn jittered(&mut self) -> i128 {
        let mean = self.impairment.delay.as_nanos() as i128; // at most 2^95
        // The kernel's sigma is a 32-bit number of nanoseconds.
        let sigma = self.impairment.jitter.as_nanos().min(i32::MAX as u128) as u32;
        let correlation = self.impairment.delay_correlation;
        spread(mean, sigma, self.spread, || draw(correlation, &mut self.last_delay, &mut self.prng))
    }

    /// When the next burst begins, and what may go in it (`get_slot_next`).
    fn next_burst(&mut self, now: Instant) {
        let Some(slot) = self.impairment.slot else { return };
        let wait = match slot.spread_ns {
            // As much as the kernel's 32 bits hold.
            Some((mean, jitter)) => {
                let sigma = jitter.min(i32::MAX as u64) as u32;
                spread(mean.into(), sigma, self.slot_spread, || self.prng.next_u32())
            }
            None => {
                let width = slot.max_ns.saturating_sub(slot.min_ns);
                let drawn = (u128::from(self.noise.next_u32()) * u128::from(width)) >> 32;
                // A share of a width of 64 bits.
                i128::from(slot.min_ns) + drawn as i128
            }
        };
        let at = u64::try_from(i128::from(now.as_nanos()) + wait).unwrap_or_default();
        self.burst = Some(Burst::new(Instant::from_nanos(at), &slot));
    }

    /// A frame that is due at `at` is looked for a burst: when it may go.
    fn in_burst(&mut self, at: Instant, now: Instant) -> Instant {
        if self.burst.is_some_and(|burst| burst.at < at) {
            self.next_burst(now);
        }
        self.burst.map_or(at, |burst| at.max(burst.at))
    }

    /// A frame goes in the burst.
    fn spend(&mut self, len: u32, now: Instant) {
        let Some(burst) = &mut self.burst else { return };
        burst.packets -= 1;
        burst.bytes -= i64::from(len);
        if burst.packets <= 0 || burst.bytes <= 0 {
            self.next_burst(now);
        }
    }
}

/// The delay, if nothing else was told. How jitter would be spread is no matter while there is none.
fn delay_alone(told: &Impairment) -> Option<Duration> {
    let (delay, limit, seed) = (told.delay, told.limit, told.seed);
    let only = Impairment { delay, limit, seed, ..Impairment::default() };
    (only == *told && !delay.is_zero()).then_some(delay)
}

/// What a netem shows of what it was told.
fn shown(told: &Impairment) -> Impairment {
    let slot = told.slot.map(|slot| Slot { distribution: None, ..slot });
    Impairment { distribution: None, slot, ..told.clone() }
}

/// A delay around a mean (`tabledist`), nanoseconds.
fn spread(mean: i128, sigma: u32, how: Option<Distribution>, draw: impl FnOnce() -> u32) -> i128 {
    if sigma == 0 {
        return mean;
    }
    let draw = draw();
    let Some(how) = how else { return i128::from(draw % (2 * sigma)) + mean - i128::from(sigma) };
    let table = distribution::table(how);
    let t = i64::from(table[draw as usize % table.len()]);
    let sigma = i64::from(sigma);
    let part = sigma % distribution::SCALE * t;
    let rounded = if part >= 0 { part + distribution::SCALE / 2 } else { part - distribution::SCALE / 2 };
    i128::from(rounded / distribution::SCALE + sigma / distribution::SCALE * t) + mean
}

impl Tree {
    fn netem(&mut self, id: NodeId) -> &mut Netem {
        match &mut self.node_mut(id).kind {
            Kind::Netem(netem) => netem,
            _ => unreachable!("asked only of a netem"),
        }
    }

    /// `netem_enqueue`.
    pub(super) fn enqueue_netem(&mut self, id: NodeId, mut w: Waiting, io: &mut Io<'_>) -> Outcome {
        let netem = self.netem(id);
        let mut is_marked = false;
        let verdict = netem.judge(|| {
            is_marked = mark(io, &mut w);
            is_marked
        });
        let Verdict::Queue { duplicate, corrupt } = verdict else {
            self.node_mut(id).counters.dropped += 1;
            return Outcome::Lost(DropReason::NetemLoss);
        };
        let second = duplicate.then(|| Waiting { pkt: Pkt { frame: io.frames.share(w.pkt.frame), ..w.pkt }, ..w });
        if corrupt {
            let (byte, mask) = netem.flip(w.len as usize);
            io.frames.corrupt(&mut w.pkt.frame, byte, mask);
        }
        if netem.is_full() {
            self.node_mut(id).counters.dropped += 1;
            if let Some(second) = second {
                io.frames.release(second.pkt.frame);
            }
            return Outcome::Lost(DropReason::QueueFull);
        }
        if let Some(second) = second {
            // It is enqueued at the root again, and not doubled once more.
            let chance = std::mem::take(&mut netem.impairment.duplicate.share);
            if let Outcome::Lost(reason) = self.enqueue(ROOT, second, io) {
                io.lost.push((second.pkt, reason));
            }
            self.netem(id).impairment.duplicate.share = chance;
        }
        let now = io.now;
        let at = self.netem(id).push(now, w);
        let node = self.node_mut(id);
        node.queued(w.len);
        // A mark is counted as a loss (netem_enqueue).
        node.counters.dropped += u64::from(is_marked);
        node.counters.requeues += u64::from(at.is_none());
        io.tell("netem", || {
            let flipped = if corrupt { "one bit flipped, " } else { "" };
            let held = at.map_or(0.0, |at| at.since(now).as_secs_f64());
            format!("{flipped}held for {:.3} ms", held * 1e3)
        });
        Outcome::Kept
    }

    /// `netem_dequeue`.
    pub(super) fn dequeue_netem(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        let w = self.next_of_netem(id, io)?;
        let node = self.node_mut(id);
        node.unqueued(w.len);
        node.sent(w.len);
        Some(w)
    }

    fn next_of_netem(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        loop {
            let netem = self.netem(id);
            if let Some(w) = netem.front.pop_front() {
                return Some(w);
            }
            let child = netem.child;
            let Some(due) = netem.queue.first() else {
                return child.and_then(|child| self.dequeue(child, io));
            };
            let at = netem.in_burst(due, io.now);
            if at > io.now {
                let w = child.and_then(|child| self.dequeue(child, io));
                if w.is_none() {
                    self.wake(at);
                }
                return w;
            }
            let w = netem.queue.pop()?;
            netem.spend(w.len, io.now);
            let Some(child) = child else { return Some(w) };
            // What is due goes through the child; what that loses was waiting here.
            let outcome = self.enqueue(child, w, io);
            if outcome != Outcome::Kept {
                let node = self.node_mut(id);
                node.counters.dropped += 1;
                node.unqueued(w.len);
                self.reduce_above(id, 1, w.len.into());
            }
            if let Outcome::Lost(reason) = outcome {
                io.lost.push((w.pkt, reason));
            }
        }
    }
}

/// Marks a packet as one that met congestion (`INET_ECN_set_ce`), if its sender heeds marks.
fn mark(io: &mut Io<'_>, w: &mut Waiting) -> bool {
    const IPV4: [u8; 2] = [0x08, 0x00];
    const ECN: u8 = 3;
    let bytes = io.frames.bytes(w.pkt.frame);
    let has_header = bytes.len() >= L2_LEN + 20 && bytes[L2_LEN - 2..L2_LEN] == IPV4;
    if !has_header || bytes[L2_LEN + 1] & ECN == 0 {
        return false;
    }
    let edited = io.frames.edit(&mut w.pkt.frame);
    let header = &mut edited[L2_LEN..];
    let before = u16::from_be_bytes([header[0], header[1]]);
    header[1] |= ECN;
    let after = u16::from_be_bytes([header[0], header[1]]);
    // RFC 1624: the sum of what was and what is.
    let mut sum = u32::from(!u16::from_be_bytes([header[10], header[11]])) + u32::from(!before) + u32::from(after);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    true
}

/// Where loss with a memory stands (`struct clgstate`). Two states are of either model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `TX_IN_GAP_PERIOD`, `GOOD_STATE`.
    Good,
    /// `LOST_IN_BURST_PERIOD`, `BAD_STATE`.
    Bad,
    /// `TX_IN_BURST_PERIOD`.
    Respite,
    /// `LOST_IN_GAP_PERIOD`.
    Alone,
}

impl Phase {
    /// The next state, and whether this frame is lost (`loss_4state`, `loss_gilb_ell`).
    fn step(self, bursts: Bursts, prng: &mut Taus) -> (Phase, bool) {
        match bursts {
            Bursts::States { p13, p31, p32, p23, p14 } => {
                let x = prng.next_u32();
                // A draw that meets a limit leaves the state as it is and the frame alone.
                match self {
                    Phase::Good if x < p14.0 => (Phase::Alone, true),
                    Phase::Good if p14.0 < x && x < p13.0.wrapping_add(p14.0) => (Phase::Bad, true),
                    Phase::Respite if x < p23.0 => (Phase::Bad, true),
                    Phase::Bad if x < p32.0 => (Phase::Respite, false),
                    Phase::Bad if p32.0 < x && x < p31.0.wrapping_add(p32.0) => (Phase::Good, false),
                    Phase::Bad => (Phase::Bad, p31.0.wrapping_add(p32.0) < x),
                    Phase::Respite => (Phase::Respite, false),
                    Phase::Good | Phase::Alone => (Phase::Good, false),
                }
            }
            Bursts::GilbertElliott { p, r, h, k1 } => match self {
                Phase::Bad => {
                    let next = if prng.next_u32() < r.0 { Phase::Good } else { Phase::Bad };
                    (next, prng.next_u32() > h.0)
                }
                _ => {
                    let next = if prng.next_u32() < p.0 { Phase::Bad } else { Phase::Good };
                    (next, prng.next_u32() < k1.0)
                }
            },
        }
    }
}

/// Whether a chance comes true. A chance of zero draws nothing.
fn hit(chance: Chance, last: &mut u32, prng: &mut Taus) -> bool {
    chance.share != Share(0) && chance.share.0 >= draw(chance.correlation, last, prng)
}

/// A number that leans on the one before (`get_crandom`).
fn draw(correlation: Share, last: &mut u32, prng: &mut Taus) -> u32 {
    let value = prng.next_u32();
    if correlation == Share(0) {
        return value;
    }
    let rho = u64::from(correlation.0) + 1;
    // Two products of 32-bit numbers whose weights add up to 2^32: the sum's high half is a 32-bit number.
    let mixed = u64::from(value).wrapping_mul((1 << 32) - rho).wrapping_add(u64::from(*last).wrapping_mul(rho));
    *last = (mixed >> 32) as u32;
    *last
}

/// The kernel's `struct rnd_state`: a maximally equidistributed combined Tausworthe generator (L'Ecuyer 1999).
struct Taus([u32; 4]);

impl Taus {
    /// `prandom_seed_state()`.
    fn new(seed: u64) -> Self {
        // The low 32 bits of the mixture, as the kernel masks it.
        let i = ((seed >> 32) ^ (seed << 10) ^ seed) as u32;
        let at_least = |least: u32| if i < least { i + least } else { i };
        Taus([at_least(2), at_least(8), at_least(16), at_least(128)])
    }

    /// `prandom_u32_state()`.
    fn next_u32(&mut self) -> u32 {
        let step = |s: u32, a: u32, b: u32, mask: u32, d: u32| ((s & mask) << d) ^ (((s << a) ^ s) >> b);
        let s = &mut self.0;
        s[0] = step(s[0], 6, 13, 0xffff_fffe, 18);
        s[1] = step(s[1], 2, 27, 0xffff_fff8, 2);
        s[2] = step(s[2], 13, 21, 0xffff_fff0, 7);
        s[3] = step(s[3], 3, 12, 0xffff_ff80, 13);
        s[0] ^ s[1] ^ s[2] ^ s[3]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::Bench;
    use super::*;
    use nettwin_model::impair::Overhead;

    fn netem(impairment: Impairment) -> Netem {
        Netem::new(&impairment, 1, Rng::new(1, "noise"), Instant::ZERO)
    }

    fn percent(p: f64) -> Chance {
        Chance { share: Share((p / 100.0 * f64::from(u32::MAX)) as u32), correlation: Share(0) }
    }

    /// The example published with the seed option of tc-netem(8).
    #[test]
    fn the_published_seed_loses_the_published_packets() {
        let mut q = netem(Impairment { loss: percent(10.0), seed: Some(42_424_242), ..Impairment::default() });
        let lost: Vec<u32> = (1..=25).filter(|_| q.judge(|| false) == Verdict::Lose).collect();
        assert_eq!(lost, [5, 12, 24]);
    }

    /// In the long run as many are lost, in bursts as long, as the chances say.
    #[test]
    fn bursts_are_as_long_as_the_chances_say() {
        let share = |p: f64| percent(p).share;
        let all = Share(u32::MAX);
        let models = [
            Bursts::GilbertElliott { p: share(1.0), r: share(10.0), h: Share(0), k1: Share(0) },
            Bursts::States { p13: share(1.0), p31: share(10.0), p32: Share(0), p23: all, p14: Share(0) },
        ];
        for bursts in models {
            let mut q = netem(Impairment { bursts: Some(bursts), seed: Some(1), ..Impairment::default() });
            let lost: Vec<bool> = (0..200_000).map(|_| q.judge(|| false) == Verdict::Lose).collect();
            let count = lost.iter().filter(|l| **l).count() as f64;
            let runs = lost.windows(2).filter(|w| !w[0] && w[1]).count() as f64;
            assert!((count / 200_000.0 - 1.0 / 11.0).abs() < 0.01, "{bursts:?}: {count}");
            assert!((count / runs - 10.0).abs() < 1.0, "{bursts:?}: {}", count / runs);
        }
    }

    fn bench(impairment: Impairment) -> Bench {
        Bench::new(Kind::Netem(Box::new(netem(impairment))))
    }

    #[test]
    fn rate_spaces_frames_and_delay_shifts_them() {
        let mut bench =
            bench(Impairment { delay: Duration::from_millis(10), rate_bps: 100_000, ..Impairment::default() });
        (1..=2).for_each(|number| _ = bench.push(number, 1000));
        let ms = 1_000_000;
        assert_eq!(bench.run(), (vec![], Some(20 * ms)), "10 ms of delay and 10 ms on the wire");
        assert_eq!(bench.drain(), [(20 * ms, 1), (30 * ms, 2)]);
    }

    #[test]
    fn frames_go_in_whole_cells() {
        let overhead = Overhead { packet: 10, cell: 48, per_cell: 5 };
        assert_eq!([0, 38, 39, 86].map(|len| overhead.taken(len)), [53, 53, 106, 106]);
        assert_eq!(Overhead { packet: -4, ..Overhead::default() }.taken(100), 96);
        let mut bench = bench(Impairment { rate_bps: 1000, overhead, ..Impairment::default() });
        bench.push(1, 86);
        assert_eq!(bench.drain(), [(106_000_000, 1)]);
    }

    #[test]
    fn reordered_frames_jump_the_queue() {
        let mut bench = bench(Impairment {
            delay: Duration::from_millis(10),
            reorder: percent(100.0),
            gap: 3,
            ..Impairment::default()
        });
        let jumped: Vec<bool> = (1..=6)
            .map(|number| {
                bench.push(number, 100);
                bench.run().0 == [number]
            })
            .collect();
        assert_eq!(jumped, [false, false, true, false, false, true]);
        assert_eq!(bench.tree.node(ROOT).counters.requeues, 2);
    }

    #[test]
    fn bursts_go_at_their_times() {
        let ms = 1_000_000;
        let slot = Some(Slot { min_ns: 5 * ms, max_ns: 5 * ms, packets: 2, ..Slot::default() });
        let mut bench = bench(Impairment { slot, ..Impairment::default() });
        (1..=5).for_each(|number| _ = bench.push(number, 100));
        assert_eq!(bench.drain(), [(0, 1), (0, 2), (5 * ms, 3), (5 * ms, 4), (10 * ms, 5)]);
        let slot = Some(Slot { min_ns: 5 * ms, max_ns: 5 * ms, bytes: 150, ..Slot::default() });
        let mut bench = self::bench(Impairment { slot, ..Impairment::default() });
        (1..=3).for_each(|number| _ = bench.push(number, 100));
        assert_eq!(bench.drain(), [(0, 1), (0, 2), (5 * ms, 3)]);
    }

    #[test]
    fn marks_take_the_place_of_losses() {
        let mut q = netem(Impairment { loss: percent(100.0), ecn: true, ..Impairment::default() });
        assert_eq!(q.judge(|| true), Verdict::Queue { duplicate: false, corrupt: false });
        assert_eq!(q.judge(|| false), Verdict::Lose);
    }

    #[test]
    fn a_normal_jitter_is_mostly_near() {
        let ms = Duration::from_millis;
        let mut q = netem(Impairment {
            delay: ms(100),
            jitter: ms(10),
            distribution: Some(Distribution::Normal),
            ..Impairment::default()
        });
        let far = (0..10_000).filter(|_| (q.jittered() - 100_000_000).abs() > 20_000_000).count();
        assert!((300..600).contains(&far), "{far} of 10000 beyond two deviations");
    }

    #[test]
    fn jitter_stays_in_its_range() {
        let ms = Duration::from_millis;
        let mut q = netem(Impairment { delay: ms(10), jitter: ms(2), ..Impairment::default() });
        for _ in 0..1000 {
            let d = q.jittered();
            assert!((8_000_000..12_000_000).contains(&d), "{d}");
        }
    }
}
