//! The token bucket: a rate, and how much may go at once.
//!
//! Kernel counterpart: `net/sched/sch_tbf.c`, by its integers. Deliberately absent: cutting frames that are larger than the
//! bucket (no frame here is one of those that the kernel could cut).

use super::tree::{Io, Kind, NodeId, Outcome, Tree, Waiting};
use crate::drop::DropReason;
use nettwin_model::Instant;
use nettwin_model::queue::{RateTime, TICK_NS, Tbf};
use std::time::Duration;

/// The bucket.
pub(super) struct Bucket {
    rate: RateTime,
    peak: Option<RateTime>,
    limit: u32,
    /// The greatest frame that ever gets through.
    pub(super) max_size: u64,
    /// What the buckets hold, and what is in them, nanoseconds at the rate.
    buffer: i64,
    tokens: i64,
    mtu: i64,
    ptokens: i64,
    /// When that was reckoned.
    at: Instant,
    /// What frames wait in.
    pub(super) child: Option<NodeId>,
}

/// What a request for a bucket comes to (`tbf_change`); `None` for EINVAL.
pub(super) fn parse(tbf: &Tbf) -> Option<Bucket> {
    let rate = RateTime::new(tbf.rate);
    let cut = |ns: u64| ns.min(u64::from(u32::MAX));
    let (buffer_ticks, mtu_ticks) = (u64::from(tbf.buffer_ticks) * TICK_NS, u64::from(tbf.mtu_ticks) * TICK_NS);
    let (mut max_size, buffer) = match tbf.burst {
        Some(burst) => (burst.into(), rate.ns(burst)),
        None => (cut(rate.bytes(cut(buffer_ticks))), buffer_ticks),
    };
    let (mut peak, mut mtu) = (None, mtu_ticks);
    if let Some(wanted) = tbf.peak {
        let found = RateTime::new(wanted);
        if wanted.bps <= tbf.rate.bps {
            return None;
        }
        match tbf.mtu {
            Some(bytes) => {
                max_size = max_size.min(bytes.into());
                mtu = found.ns(bytes);
            }
            None => max_size = max_size.min(cut(found.bytes(cut(mtu_ticks)))),
        }
        peak = Some(found);
    }
    if max_size == 0 {
        return None;
    }
    let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
    let (buffer, mtu) = (signed(buffer), signed(mtu));
    let (limit, at, child) = (tbf.limit, Instant::ZERO, None);
    Some(Bucket { rate, peak, limit, max_size, buffer, tokens: buffer, mtu, ptokens: mtu, at, child })
}

impl Bucket {
    /// Other settings for the same queue; both buckets are full again.
    pub(super) fn change(&mut self, to: Bucket) {
        *self = Bucket { at: self.at, child: self.child, ..to };
    }

    /// Both buckets are full (`tbf_reset`).
    pub(super) fn reset(&mut self, now: Instant) {
        (self.at, self.tokens, self.ptokens) = (now, self.buffer, self.mtu);
    }

    /// What it shows (`tbf_dump`).
    pub(super) fn shown(&self) -> Tbf {
        // As the kernel's 32 bits hold it.
        let ticks = |ns: i64| (ns.unsigned_abs() / TICK_NS) as u32;
        Tbf {
            rate: self.rate.rate(),
            buffer_ticks: ticks(self.buffer),
            burst: None,
            peak: self.peak.map(|peak| peak.rate()),
            mtu_ticks: ticks(self.mtu),
            mtu: None,
            limit: self.limit,
        }
    }

    /// Takes a frame's tokens; or how long it is until there are enough.
    fn take(&mut self, now: Instant, len: u32) -> Result<(), u64> {
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let passed = signed(now.as_nanos() - self.at.as_nanos().min(now.as_nanos())).min(self.buffer);
        let mut ptokens = 0;
        if let Some(peak) = &self.peak {
            ptokens = (passed.saturating_add(self.ptokens)).min(self.mtu).saturating_sub(signed(peak.ns(len)));
        }
        let tokens = (passed.saturating_add(self.tokens)).min(self.buffer).saturating_sub(signed(self.rate.ns(len)));
        if tokens < 0 || ptokens < 0 {
            return Err(tokens.min(ptokens).unsigned_abs());
        }
        (self.at, self.tokens, self.ptokens) = (now, tokens, ptokens);
        Ok(())
    }
}

impl Tree {
    /// `tbf_enqueue`.
    pub(super) fn enqueue_tbf(&mut self, id: NodeId, w: Waiting, io: &mut Io<'_>) -> Outcome {
        let Kind::Tbf(bucket) = &self.node(id).kind else { return Outcome::Lost(DropReason::QueueFull) };
        let outcome = match bucket.child {
            _ if u64::from(w.len) > bucket.max_size => Outcome::Lost(DropReason::QueueFull),
            Some(child) => self.enqueue(child, w, io),
            // Its child was taken away, and the kernel's noop_qdisc says nothing of what it loses.
            None => Outcome::Lost(DropReason::NoopQdisc),
        };
        let node = self.node_mut(id);
        match outcome {
            Outcome::Kept => node.queued(w.len),
            Outcome::Instead | Outcome::Lost(_) => node.counters.dropped += 1,
        }
        outcome
    }

    /// `tbf_dequeue`.
    pub(super) fn dequeue_tbf(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        let Kind::Tbf(bucket) = &self.node(id).kind else { return None };
        let child = bucket.child?;
        let first = self.peek(child, io)?;
        let Kind::Tbf(bucket) = &mut self.node_mut(id).kind else { return None };
        if let Err(short) = bucket.take(io.now, first.len) {
            self.wake(io.now + Duration::from_nanos(short));
            self.node_mut(id).counters.overlimits += 1;
            return None;
        }
        let w = self.dequeue_peeked(child, io)?;
        let node = self.node_mut(id);
        node.unqueued(w.len);
        node.sent(w.len);
        Some(w)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fifo::{Fifo, Measure};
    use super::super::tree::tests::Bench;
    use super::*;
    use nettwin_model::queue::{Handle, Rate};

    fn bench(tbf: Tbf) -> Bench {
        let mut bucket = parse(&tbf).expect("a bucket");
        bucket.child = Some(1);
        let mut bench = Bench::new(Kind::Tbf(Box::new(bucket)));
        let fifo = Kind::Fifo(Fifo::new(Measure::Bytes, tbf.limit));
        bench.tree.add(Handle::NONE, Handle::new(1, 1), true, fifo);
        bench
    }

    fn at(bps: u64) -> Rate {
        Rate { bps, ..Rate::default() }
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_by_the_rate() {
        let mut bench = bench(Tbf { rate: at(1_000_000), burst: Some(2000), limit: 3000, ..Tbf::default() });
        let outcomes: Vec<Outcome> = (1..=6).map(|number| bench.push(number, 1000)).collect();
        assert_eq!(outcomes[..3], [Outcome::Kept; 3]);
        assert_eq!(outcomes[3..], [Outcome::Lost(DropReason::QueueFull); 3]);
        assert_eq!(bench.drain(), [(0, 1), (0, 2), (1_000_000, 3)]);
        assert_eq!(bench.tree.node(0).counters.overlimits, 1);
        assert_eq!(bench.push(9, 2001), Outcome::Lost(DropReason::QueueFull), "it would never fit");
    }

    #[test]
    fn a_peak_rate_spaces_the_burst() {
        let (rate, peak) = (at(1_000_000), Some(at(2_000_000)));
        let mut bench = bench(Tbf { rate, burst: Some(3000), peak, mtu: Some(1000), limit: 9000, ..Tbf::default() });
        (1..=5).for_each(|number| _ = bench.push(number, 1000));
        let times: Vec<u64> = bench.drain().iter().map(|(at, _)| at / 1000).collect();
        assert_eq!(times, [0, 500, 1000, 1500, 2000]);
    }

    #[test]
    fn a_peak_below_the_rate_is_refused() {
        let tbf =
            |peak| Tbf { rate: at(1000), burst: Some(2000), peak: Some(at(peak)), mtu: Some(1500), ..Tbf::default() };
        assert!(parse(&tbf(1000)).is_none());
        assert!(parse(&tbf(1001)).is_some());
        assert!(parse(&Tbf { rate: at(1000), burst: Some(0), ..Tbf::default() }).is_none());
    }
}
