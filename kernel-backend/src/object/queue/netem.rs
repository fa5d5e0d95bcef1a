//! netem's options.
//!
//! Kernel counterpart: `netem_change()`, `netem_dump()`, `struct tc_netem_qopt` and the attributes behind it. What a
//! distribution was is not shown by any kernel. Nothing deliberately absent.

use super::{attribute, attributes, u32_at, u64_at};
use nettwin_model::Impairment;
use nettwin_model::distribution;
use nettwin_model::impair::{Bursts, Chance, Distribution, Overhead, Share, Slot};
use std::time::Duration;

/// The kernel's own limit, and iproute2's: what is not said.
const DEFAULT_LIMIT: u32 = 1000;

const CORR: u16 = 1;
const DELAY_DIST: u16 = 2;
const REORDER: u16 = 3;
const CORRUPT: u16 = 4;
const LOSS: u16 = 5;
const RATE: u16 = 6;
const ECN: u16 = 7;
const RATE64: u16 = 8;
const LATENCY64: u16 = 10;
const JITTER64: u16 = 11;
const SLOT: u16 = 12;
const SLOT_DIST: u16 = 13;
const PRNG_SEED: u16 = 14;
const LOSS_GI: u16 = 1;
const LOSS_GE: u16 = 2;
const NLA_F_NESTED: u16 = 1 << 15;

/// `struct tc_netem_qopt`, in bytes.
const QOPT_BYTES: usize = 24;

/// `TCA_OPTIONS`.
pub(super) fn options(i: &Impairment) -> Vec<u8> {
    // Reordering picks every gap-th frame; none (0) would be no reordering, and a gap alone reorders always.
    let gap = if i.reorder.share.0 == 0 { 0 } else { i.gap.max(1) };
    let mut out = Vec::with_capacity(160);
    // The first two times are in ticks of an older clock; the attributes in nanoseconds below override them.
    for word in [0, i.limit.unwrap_or(DEFAULT_LIMIT), i.loss.share.0, gap, i.duplicate.share.0, 0] {
        out.extend_from_slice(&word.to_ne_bytes());
    }
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_ne_bytes()).collect::<Vec<u8>>();
    let mut attribute = |kind: u16, value: Vec<u8>| attribute(&mut out, kind, &value);
    attribute(LATENCY64, nanoseconds(i.delay).to_ne_bytes().into());
    attribute(JITTER64, nanoseconds(i.jitter).to_ne_bytes().into());
    attribute(CORR, words(&[i.delay_correlation.0, i.loss.correlation.0, i.duplicate.correlation.0]));
    attribute(REORDER, words(&[i.reorder.share.0, i.reorder.correlation.0]));
    attribute(CORRUPT, words(&[i.corrupt.share.0, i.corrupt.correlation.0]));
    // struct tc_netem_rate: the rate, saturated as iproute2 does it, then the overheads.
    let Overhead { packet, cell, per_cell } = i.overhead;
    let rate = u32::try_from(i.rate_bps).unwrap_or(u32::MAX);
    attribute(RATE, words(&[rate, packet.cast_unsigned(), cell, per_cell.cast_unsigned()]));
    if i.rate_bps > u64::from(u32::MAX) {
        attribute(RATE64, i.rate_bps.to_ne_bytes().into());
    }
    if let Some(bursts) = i.bursts {
        // struct tc_netem_gimodel, struct tc_netem_gemodel.
        let (kind, shares) = match bursts {
            Bursts::States { p13, p31, p32, p23, p14 } => (LOSS_GI, words(&[p13.0, p31.0, p32.0, p14.0, p23.0])),
            Bursts::GilbertElliott { p, r, h, k1 } => (LOSS_GE, words(&[p.0, r.0, h.0, k1.0])),
        };
        let mut nest = Vec::new();
        super::attribute(&mut nest, kind, &shares);
        attribute(LOSS | NLA_F_NESTED, nest);
    }
    attribute(ECN, words(&[u32::from(i.ecn)]));
    if let Some(distribution) = i.distribution {
        attribute(DELAY_DIST, table(distribution));
    }
    // All zero it takes an earlier one away.
    attribute(SLOT, slot(i.slot.unwrap_or_default()));
    if let Some(distribution) = i.slot.and_then(|slot| slot.distribution) {
        attribute(SLOT_DIST, table(distribution));
    }
    if let Some(seed) = i.seed {
        attribute(PRNG_SEED, seed.to_ne_bytes().into());
    }
    out
}

fn table(distribution: Distribution) -> Vec<u8> {
    distribution::table(distribution).iter().flat_map(|n| n.to_ne_bytes()).collect()
}

/// `struct tc_netem_slot`.
fn slot(slot: Slot) -> Vec<u8> {
    let (delay, jitter) = slot.spread_ns.unwrap_or_default();
    let mut out = Vec::new();
    for ns in [slot.min_ns, slot.max_ns] {
        out.extend(ns.to_ne_bytes());
    }
    out.extend(slot.packets.to_ne_bytes());
    out.extend(slot.bytes.to_ne_bytes());
    for ns in [delay, jitter] {
        out.extend(ns.to_ne_bytes());
    }
    out
}

fn parse_slot(v: &[u8]) -> Option<Slot> {
    let word = |at: usize| u64_at(v.get(at..)?);
    let (delay, jitter) = (word(24)?, word(32)?);
    Some(Slot {
        min_ns: word(0)?,
        max_ns: word(8)?,
        packets: u32_at(v, 16)?,
        bytes: u32_at(v, 20)?,
        spread_ns: (jitter != 0).then_some((delay, jitter)),
        distribution: None,
    })
}

fn nanoseconds(d: Duration) -> i64 {
    i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)
}

/// The same, read.
pub(super) fn parse(bytes: &[u8]) -> Option<Impairment> {
    let share = |bytes: &[u8], at| u32_at(bytes, at).map(Share);
    let mut i = Impairment {
        limit: u32_at(bytes, 4).filter(|limit| *limit != DEFAULT_LIMIT),
        gap: u32_at(bytes, 12)?,
        ..Impairment::default()
    };
    i.loss.share = share(bytes, 8)?;
    i.duplicate.share = share(bytes, 16)?;
    let chance = |v: &[u8]| Some(Chance { share: share(v, 0)?, correlation: share(v, 4)? });
    for (kind, v) in attributes(bytes.get(QOPT_BYTES..)?) {
        match kind {
            LATENCY64 => i.delay = Duration::from_nanos(u64_at(v)?),
            JITTER64 => i.jitter = Duration::from_nanos(u64_at(v)?),
            CORR => {
                i.delay_correlation = share(v, 0)?;
                i.loss.correlation = share(v, 4)?;
                i.duplicate.correlation = share(v, 8)?;
            }
            REORDER => i.reorder = chance(v)?,
            CORRUPT => i.corrupt = chance(v)?,
            LOSS => i.bursts = attributes(v).find_map(|(kind, model)| bursts(kind, model)),
            RATE => {
                i.rate_bps = i.rate_bps.max(u64::from(u32_at(v, 0)?));
                i.overhead = Overhead {
                    packet: u32_at(v, 4)?.cast_signed(),
                    cell: u32_at(v, 8)?,
                    per_cell: u32_at(v, 12)?.cast_signed(),
                };
            }
            RATE64 => i.rate_bps = u64_at(v)?,
            ECN => i.ecn = u32_at(v, 0)? != 0,
            SLOT => i.slot = parse_slot(v).filter(|slot| *slot != Slot::default()),
            PRNG_SEED => i.seed = Some(u64_at(v)?),
            _ => {}
        }
    }
    Some(i)
}

fn bursts(kind: u16, v: &[u8]) -> Option<Bursts> {
    let share = |at| u32_at(v, at).map(Share);
    match kind {
        LOSS_GI => {
            let (p13, p31, p32) = (share(0)?, share(4)?, share(8)?);
            Some(Bursts::States { p13, p31, p32, p14: share(12)?, p23: share(16)? })
        }
        LOSS_GE => Some(Bursts::GilbertElliott { p: share(0)?, r: share(4)?, h: share(8)?, k1: share(12)? }),
        _ => None,
    }
}
