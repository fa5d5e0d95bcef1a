//! The netem qdisc: `RTM_NEWQDISC`, `RTM_DELQDISC`, `RTM_GETQDISC`.
//!
//! Kernel counterpart: `netem_change()`, `netem_dump()`; `struct tc_netem_qopt` and the attributes behind it are written
//! and read here, since the packet crates do not know them. Deliberately absent: distributions, slots, ECN, other qdiscs.

use crate::netlink::Request;
use netlink_packet_core::{DefaultNla, Emitable, NLM_F_CREATE, NLM_F_REPLACE, NlasIterator};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage};
use nettwin_model::Impairment;
use nettwin_model::impair::{Bursts, Chance, Overhead, Share};
use nettwin_model::snapshot::QdiscState;
use std::time::Duration;

/// The kind's name.
pub(crate) const KIND: &str = "netem";
/// The kernel's own limit, and iproute2's: what is not said.
pub(crate) const DEFAULT_LIMIT: u32 = 1000;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;

const CORR: u16 = 1;
const REORDER: u16 = 3;
const CORRUPT: u16 = 4;
const LOSS: u16 = 5;
const RATE: u16 = 6;
const RATE64: u16 = 8;
const LATENCY64: u16 = 10;
const JITTER64: u16 = 11;
const PRNG_SEED: u16 = 14;
const LOSS_GI: u16 = 1;
const LOSS_GE: u16 = 2;
const NLA_F_NESTED: u16 = 1 << 15;

/// `struct tcmsg`, and `struct tc_netem_qopt`, in bytes.
const TCMSG_BYTES: usize = 20;
const QOPT_BYTES: usize = 24;

/// Puts an impairment in the place of the root qdisc. What an earlier one had and this does not say is undone: the old
/// qdisc is replaced, which netem does attribute by attribute, so every attribute is said.
pub(crate) fn set(index: u32, impairment: &Impairment, handle: Option<u16>) -> Request {
    let mut message = root_of(index);
    if let Some(major) = handle {
        message.header.handle = TcHandle { major, minor: 0 };
    }
    message.attributes.push(TcAttribute::Kind(KIND.into()));
    message.attributes.push(TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, options(impairment))));
    Request::new(RouteNetlinkMessage::NewQueueDiscipline(message), NLM_F_CREATE | NLM_F_REPLACE)
}

/// Removes the root qdisc; the default one takes its place.
pub(crate) fn del(index: u32) -> Request {
    Request::new(RouteNetlinkMessage::DelQueueDiscipline(root_of(index)), 0)
}

/// Asks for all qdiscs.
pub(crate) fn all() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default())
}

fn root_of(index: u32) -> TcMessage {
    let mut message = TcMessage::default();
    // tcm_ifindex is signed; the kernel hands out none above i32::MAX.
    message.header.index = index.cast_signed();
    message.header.parent = TcHandle::ROOT;
    message
}

fn options(i: &Impairment) -> Vec<u8> {
    // Reordering picks every gap-th frame; none (0) would be no reordering, and a gap alone reorders always.
    let gap = if i.reorder.share.0 == 0 { 0 } else { i.gap.max(1) };
    let mut out = Vec::with_capacity(160);
    // The first two times are in ticks of an older clock; the attributes in nanoseconds below override them.
    for word in [0, i.limit.unwrap_or(DEFAULT_LIMIT), i.loss.share.0, gap, i.duplicate.share.0, 0] {
        out.extend_from_slice(&word.to_ne_bytes());
    }
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_ne_bytes()).collect::<Vec<u8>>();
    let mut attribute = |kind: u16, value: Vec<u8>| {
        let attribute = DefaultNla::new(kind, value);
        let start = out.len();
        out.resize(start + attribute.buffer_len(), 0);
        attribute.emit(&mut out[start..]);
    };
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
        let model = DefaultNla::new(kind, shares);
        let mut nest = vec![0; model.buffer_len()];
        model.emit(&mut nest);
        attribute(LOSS | NLA_F_NESTED, nest);
    }
    if let Some(seed) = i.seed {
        attribute(PRNG_SEED, seed.to_ne_bytes().into());
    }
    out
}

fn nanoseconds(d: Duration) -> i64 {
    i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)
}

/// A row of a dump, from its `struct tcmsg` on: the interface, its impairment and the qdisc's counters, if it is a netem at
/// the root.
pub(crate) fn parse(body: &[u8]) -> Option<(u32, (Impairment, QdiscState))> {
    let index = u32_at(body, 4)?;
    let mut state = QdiscState { handle: (u32_at(body, 8)? >> 16) as u16, ..QdiscState::default() };
    let parent = u32_at(body, 12)?;
    if parent != u32::from(TcHandle::ROOT) {
        return None;
    }
    let (mut kind, mut options) = (None, None);
    for attribute in NlasIterator::new(body.get(TCMSG_BYTES..)?).flatten() {
        match attribute.kind() {
            TCA_KIND => kind = Some(attribute.value().strip_suffix(b"\0").unwrap_or(attribute.value()).to_vec()),
            TCA_OPTIONS => options = Some(attribute.value().to_vec()),
            TCA_STATS2 => parse_counters(attribute.value(), &mut state)?,
            _ => {}
        }
    }
    (kind? == KIND.as_bytes()).then_some(())?;
    Some((index, (parse_options(&options?)?, state)))
}

/// `struct gnet_stats_basic` and `struct gnet_stats_queue`.
fn parse_counters(bytes: &[u8], state: &mut QdiscState) -> Option<()> {
    for attribute in NlasIterator::new(bytes).flatten() {
        let v = attribute.value();
        match attribute.kind() {
            TCA_STATS_BASIC => (state.bytes, state.packets) = (u64_at(v)?, u32_at(v, 8)?.into()),
            TCA_STATS_QUEUE => {
                (state.backlog_packets, state.backlog_bytes) = (u32_at(v, 0)?.into(), u32_at(v, 4)?.into());
                state.dropped = u32_at(v, 8)?.into();
            }
            _ => {}
        }
    }
    Some(())
}

fn parse_options(bytes: &[u8]) -> Option<Impairment> {
    let share = |bytes: &[u8], at| u32_at(bytes, at).map(Share);
    let mut i = Impairment {
        limit: u32_at(bytes, 4).filter(|limit| *limit != DEFAULT_LIMIT),
        gap: u32_at(bytes, 12)?,
        ..Impairment::default()
    };
    i.loss.share = share(bytes, 8)?;
    i.duplicate.share = share(bytes, 16)?;
    let chance = |v: &[u8]| Some(Chance { share: share(v, 0)?, correlation: share(v, 4)? });
    for attribute in NlasIterator::new(bytes.get(QOPT_BYTES..)?).flatten() {
        let v = attribute.value();
        match attribute.kind() {
            LATENCY64 => i.delay = Duration::from_nanos(u64_at(v)?),
            JITTER64 => i.jitter = Duration::from_nanos(u64_at(v)?),
            CORR => {
                i.delay_correlation = share(v, 0)?;
                i.loss.correlation = share(v, 4)?;
                i.duplicate.correlation = share(v, 8)?;
            }
            REORDER => i.reorder = chance(v)?,
            CORRUPT => i.corrupt = chance(v)?,
            LOSS => i.bursts = NlasIterator::new(v).flatten().find_map(|model| bursts(model.kind(), model.value())),
            RATE => {
                i.rate_bps = i.rate_bps.max(u64::from(u32_at(v, 0)?));
                i.overhead = Overhead {
                    packet: u32_at(v, 4)?.cast_signed(),
                    cell: u32_at(v, 8)?,
                    per_cell: u32_at(v, 12)?.cast_signed(),
                };
            }
            RATE64 => i.rate_bps = u64_at(v)?,
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

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(..8)?.try_into().ok()?))
}
