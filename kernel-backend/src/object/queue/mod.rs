//! Qdiscs, classes and filters: `RTM_*QDISC`, `RTM_*TCLASS`, `RTM_*TFILTER`.
//!
//! Kernel counterpart: `struct tcmsg`, `net/sched/sch_api.c`, `net/sched/cls_api.c`. Written and read here byte by byte, since
//! the packet crates know few of the kinds. Deliberately absent: what [`nettwin_model::queue`] has no words for; such a
//! qdisc is shown without its options, such a filter not at all.

mod filter;
mod netem;
mod rates;

use super::nexthop::attribute;
use crate::netlink::Raw;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use nettwin_model::Impairment;
use nettwin_model::queue::{
    ClassRow, Counters, FilterRow, Handle, HtbCounters, Prio, QdiscOptions, QdiscRequest, QdiscRow, QueueChange,
    QueueVerb,
};

/// netem's name.
pub(crate) const NETEM: &str = "netem";

const RTM_NEWQDISC: u16 = 36;
const RTM_GETQDISC: u16 = 38;
const RTM_NEWTCLASS: u16 = 40;
const RTM_GETTCLASS: u16 = 42;
const RTM_NEWTFILTER: u16 = 44;
const RTM_GETTFILTER: u16 = 46;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;
const TCA_STATS_APP: u16 = 4;
const TCA_STATS_PKT64: u16 = 8;

/// `struct tcmsg`, in bytes.
const TCMSG_BYTES: usize = 20;

/// One change.
pub(crate) fn change(index: u32, change: &QueueChange) -> Raw {
    let (new, verb, mut body, kind) = match change {
        QueueChange::Qdisc(r) => (RTM_NEWQDISC, r.verb, header(index, r.handle.0, r.parent, 0), &r.kind),
        QueueChange::Class(r) => (RTM_NEWTCLASS, r.verb, header(index, r.classid.0, r.parent, 0), &r.kind),
        QueueChange::Filter(r) => {
            let info = u32::from(r.prio) << 16 | u32::from(r.protocol.to_be());
            (RTM_NEWTFILTER, r.verb, header(index, r.handle, r.parent, info), &r.kind)
        }
    };
    if let Some(kind) = kind {
        attribute(&mut body, TCA_KIND, &[kind.as_bytes(), b"\0"].concat());
    }
    let options = match change {
        QueueChange::Qdisc(r) => r.options.as_ref().map(qdisc_options),
        QueueChange::Class(r) => r.options.as_ref().map(rates::class),
        QueueChange::Filter(r) => r.options.as_ref().map(filter::options),
    };
    if let Some(options) = options {
        attribute(&mut body, TCA_OPTIONS, &options);
    }
    let flags = match verb {
        QueueVerb::Add => NLM_F_CREATE | NLM_F_EXCL,
        QueueVerb::Replace => NLM_F_CREATE | NLM_F_REPLACE,
        QueueVerb::Change | QueueVerb::Delete => 0,
    };
    // RTM_DELQDISC and its like are one more.
    Raw { kind: new + u16::from(verb == QueueVerb::Delete), flags, body }
}

/// Puts an impairment in the place of the root qdisc, or (`None`) the default one. What an earlier netem had and this does
/// not say is undone: every attribute is said.
pub(crate) fn impair(index: u32, impairment: Option<&Impairment>, handle: Option<u16>) -> Raw {
    let request = QdiscRequest {
        verb: if impairment.is_some() { QueueVerb::Replace } else { QueueVerb::Delete },
        parent: Handle::ROOT,
        handle: Handle::new(handle.unwrap_or_default(), 0),
        kind: impairment.map(|_| NETEM.into()),
        options: impairment.map(|i| QdiscOptions::Netem(Box::new(i.clone()))),
    };
    change(index, &QueueChange::Qdisc(request))
}

/// Whether a root qdisc of this kind can be made is found out by this.
pub(crate) fn attempt(index: u32, kind: &str) -> Raw {
    let request = QdiscRequest {
        verb: QueueVerb::Add,
        parent: Handle::ROOT,
        handle: Handle::NONE,
        kind: Some(kind.into()),
        options: None,
    };
    change(index, &QueueChange::Qdisc(request))
}

/// Asks for all qdiscs.
pub(crate) fn qdiscs() -> Raw {
    Raw { kind: RTM_GETQDISC, flags: 0, body: header(0, 0, Handle::NONE, 0) }
}

/// Asks for a device's classes.
pub(crate) fn classes(index: u32) -> Raw {
    Raw { kind: RTM_GETTCLASS, flags: 0, body: header(index, 0, Handle::NONE, 0) }
}

/// Asks for the filters of a qdisc or class.
pub(crate) fn filters(index: u32, parent: Handle) -> Raw {
    Raw { kind: RTM_GETTFILTER, flags: 0, body: header(index, 0, parent, 0) }
}

fn header(index: u32, handle: u32, parent: Handle, info: u32) -> Vec<u8> {
    [0, index, handle, parent.0, info].iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn qdisc_options(options: &QdiscOptions) -> Vec<u8> {
    match options {
        QdiscOptions::Fifo { limit } => limit.to_ne_bytes().into(),
        QdiscOptions::Prio(Prio { bands, map }) => [&bands.to_ne_bytes()[..], map].concat(),
        QdiscOptions::Tbf(tbf) => rates::tbf(tbf),
        QdiscOptions::Htb(htb) => rates::htb(htb),
        QdiscOptions::Netem(impairment) => netem::options(impairment),
    }
}

/// What a row of any of the three tables begins with.
struct Row<'a> {
    index: u32,
    handle: u32,
    parent: Handle,
    info: u32,
    kind: String,
    options: Option<&'a [u8]>,
    counters: Option<Counters>,
    own: Option<HtbCounters>,
}

fn row(body: &[u8]) -> Option<Row<'_>> {
    let mut row = Row {
        index: u32_at(body, 4)?,
        handle: u32_at(body, 8)?,
        parent: Handle(u32_at(body, 12)?),
        info: u32_at(body, 16)?,
        kind: String::new(),
        options: None,
        counters: None,
        own: None,
    };
    for (kind, value) in attributes(body.get(TCMSG_BYTES..)?) {
        match kind {
            TCA_KIND => row.kind = String::from_utf8_lossy(value.strip_suffix(b"\0").unwrap_or(value)).into_owned(),
            TCA_OPTIONS => row.options = Some(value),
            TCA_STATS2 => parse_counters(value, &mut row)?,
            _ => {}
        }
    }
    Some(row)
}

/// A row of a dump of qdiscs, with its device's index: none for what most devices are born with.
pub(crate) fn parse_qdisc(body: &[u8]) -> Option<(u32, QdiscRow)> {
    let row = row(body)?;
    if row.parent == Handle::ROOT && row.handle == 0 && row.kind == "noqueue" {
        return None;
    }
    let options = row.options.and_then(|bytes| match row.kind.as_str() {
        "pfifo" | "bfifo" | "pfifo_head_drop" => Some(QdiscOptions::Fifo { limit: u32_at(bytes, 0)? }),
        "prio" | "pfifo_fast" => {
            let map = bytes.get(4..20)?.try_into().ok()?;
            Some(QdiscOptions::Prio(Prio { bands: u32_at(bytes, 0)?, map }))
        }
        "tbf" => rates::parse_tbf(bytes).map(QdiscOptions::Tbf),
        "htb" => rates::parse_htb(bytes).map(QdiscOptions::Htb),
        NETEM => netem::parse(bytes).map(|i| QdiscOptions::Netem(Box::new(i))),
        _ => None,
    });
    let (handle, counters) = (Handle(row.handle), row.counters.unwrap_or_default());
    Some((row.index, QdiscRow { handle, parent: row.parent, kind: row.kind, options, counters }))
}

/// A row of a dump of classes.
pub(crate) fn parse_class(body: &[u8]) -> Option<ClassRow> {
    let row = row(body)?;
    let is_htb = row.kind == "htb";
    Some(ClassRow {
        classid: Handle(row.handle),
        parent: row.parent,
        leaf: Handle(row.info),
        options: row.options.filter(|_| is_htb).and_then(rates::parse_class),
        counters: row.counters,
        more: row.own.filter(|_| is_htb),
        kind: row.kind,
    })
}

/// A row of a dump of filters.
pub(crate) fn parse_filter(body: &[u8]) -> Option<FilterRow> {
    let row = row(body)?;
    Some(FilterRow {
        parent: row.parent,
        // The two halves of tcm_info.
        prio: (row.info >> 16) as u16,
        protocol: u16::from_be(row.info as u16),
        handle: row.handle,
        options: row.options.and_then(|bytes| filter::parse(&row.kind, bytes)),
        kind: row.kind,
    })
}

/// `struct gnet_stats_basic`, `struct gnet_stats_queue` and htb's own.
fn parse_counters(bytes: &[u8], row: &mut Row<'_>) -> Option<()> {
    let mut c = Counters::default();
    // What does not count has no counters in there.
    let mut counts = false;
    for (kind, v) in attributes(bytes) {
        counts |= matches!(kind, TCA_STATS_BASIC | TCA_STATS_QUEUE);
        match kind {
            TCA_STATS_BASIC => (c.bytes, c.packets) = (u64_at(v)?, u32_at(v, 8)?.into()),
            TCA_STATS_PKT64 => c.packets = u64_at(v)?,
            TCA_STATS_QUEUE => {
                (c.backlog_packets, c.backlog_bytes) = (u32_at(v, 0)?.into(), u32_at(v, 4)?.into());
                (c.dropped, c.requeues, c.overlimits) =
                    (u32_at(v, 8)?.into(), u32_at(v, 12)?.into(), u32_at(v, 16)?.into());
            }
            TCA_STATS_APP if row.kind == "htb" => row.own = rates::parse_htb_counters(v),
            _ => {}
        }
    }
    row.counters = counts.then_some(c);
    Some(())
}

/// Attributes, as far as they are whole: kind and value.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    const HEADER: usize = 4;
    /// Nested, or in the network's order.
    const FLAGS: u16 = 3 << 14;
    std::iter::from_fn(move || {
        let (length, kind) = (usize::from(u16_at(bytes, 0)?), u16_at(bytes, 2)? & !FLAGS);
        let value = bytes.get(HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(HEADER)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(..8)?.try_into().ok()?))
}
