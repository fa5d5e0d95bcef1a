//! Where a conversation ended: the one frame that was dropped for good, the neighbour that nobody is, the way back that is
//! not there.
//!
//! Deliberately absent: what to do about it; that is in [`remedy`](super::remedy).

use crate::cli::input::Loaded;
use nettwin::model::expect::Expectation;
use nettwin::model::graph::Segments;
use nettwin::model::layout::{DevKey, Layout};
use nettwin::model::paths::addresses;
use nettwin::model::probe::{Outcome, Probe};
use nettwin::model::{Answer, Backend, Errno, Fault, IfName, NetnsName, Query, RouteGet, RouteGot};
use nettwin::sim::{DropReason, Sim, TraceRecord, What};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};

/// Why it does not get through.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// Where it ended.
    pub(super) netns: NetnsName,
    pub(super) dev: Option<IfName>,
    /// Why, for a person.
    pub(super) cause: String,
    /// What to do about it, the likeliest first.
    pub(super) remedies: Vec<String>,
}

/// A frame that ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    pub(super) record: &'a TraceRecord,
    pub(super) reason: DropReason,
}

impl<'a> End<'a> {
    fn of(record: &'a TraceRecord) -> Option<Self> {
        match record.what {
            What::Dropped { reason, .. } => Some(End { record, reason }),
            _ => None,
        }
    }
}

/// What there is to judge by.
pub(super) struct Case<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) layout: &'a Layout,
    pub(super) segments: Segments,
    pub(super) expectation: &'a Expectation,
    outcome: &'a Outcome,
    records: &'a [TraceRecord],
    sim: &'a mut Sim,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        loaded: &'a Loaded,
        expectation: &'a Expectation,
        outcome: &'a Outcome,
        records: &'a [TraceRecord],
        sim: &'a mut Sim,
    ) -> Self {
        let layout = loaded.checked.layout();
        Case { loaded, layout, segments: Segments::of(layout), expectation, outcome, records, sim }
    }

    /// What it comes to.
    pub(super) fn findings(mut self) -> Vec<Finding> {
        let from = self.expectation.probe.netns().clone();
        let (src, dst) = self.ends();
        if let Some(end) = self.last_end() {
            return vec![self.ended(&end)];
        }
        if let Some(errno) = self.not_sent() {
            return vec![self.refused_here(&from, dst, errno)];
        }
        if let Some((netns, dev, dst)) = self.waits() {
            return vec![self.no_neighbour(&netns, dev, dst)];
        }
        // It arrived, and nothing came back: perhaps nothing could be sent back.
        if let Some((netns, src)) = self.holder(dst).map(|(netns, _)| netns).zip(src)
            && let Err(errno) = self.route(&netns, src, None)
        {
            return vec![self.refused_here(&netns, src, errno)];
        }
        vec![self.too_late(&from)]
    }

    /// The addresses that the conversation is between, as its first packet has them.
    fn ends(&self) -> (Option<Ipv4Addr>, Ipv4Addr) {
        let dst = match &self.expectation.probe {
            Probe::Ping(p) => p.dst,
            Probe::Tcp(p) => p.dst,
            Probe::Udp(p) => p.dst,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let first = self.records.iter().filter_map(|r| r.gist.ip).find(|(_, to)| *to == dst);
        (first.map(|(src, _)| src), dst)
    }

    /// Whether a packet goes back to whoever asked.
    pub(super) fn is_answer(&self, to: Ipv4Addr) -> bool {
        let (src, dst) = self.ends();
        src == Some(to) && src != Some(dst)
    }

    /// The last packet of the conversation that ended somewhere, unless that is what floods and broadcasts do anyway.
    fn last_end(&self) -> Option<End<'a>> {
        let ends = || self.records.iter().rev().filter(|r| is_of_conversation(r)).filter_map(End::of);
        ends().find(|e| !is_usual(e.reason)).or_else(|| ends().next())
    }

    /// The last question for an address, or answer to it, that got lost on the wire.
    pub(super) fn lost_arp(&self, addr: Ipv4Addr) -> Option<End<'a>> {
        let mut ends = self.arp_about(addr).filter_map(End::of);
        ends.find(|e| !is_usual(e.reason) && e.reason != DropReason::Arp)
    }

    /// What netem says of questions for an address, and answers to them.
    pub(super) fn held_arp(&self, addr: Ipv4Addr) -> Option<String> {
        self.arp_about(addr).find_map(|r| match &r.what {
            What::Decided { table: "netem", text } => Some(text.clone()),
            _ => None,
        })
    }

    /// What happened to questions for an address and answers to them, the last first.
    fn arp_about(&self, addr: Ipv4Addr) -> impl Iterator<Item = &'a TraceRecord> + use<'a> {
        let asks = format!("who has {addr}?");
        let tells = format!("ARP reply: {addr} is at");
        self.records.iter().rev().filter(move |r| r.gist.says.contains(&asks) || r.gist.says.starts_with(&tells))
    }

    /// Why nothing left the sender.
    fn not_sent(&self) -> Option<Errno> {
        match self.outcome {
            Outcome::Failed(errno) => Some(*errno),
            Outcome::Ping(ping) => ping.send_error,
            Outcome::Tcp(flow) | Outcome::Udp(flow) => {
                flow.error.filter(|_| !self.records.iter().any(|r| r.gist.ip.is_some()))
            }
            _ => None,
        }
    }

    /// A packet that waits for a neighbour still: where, by which device, to whom.
    fn waits(&self) -> Option<(NetnsName, IfName, Ipv4Addr)> {
        let last = self.records.iter().rev().find(|r| is_of_conversation(r))?;
        match &last.what {
            What::Decided { table: "neigh", text } if text.ends_with("waits") => {
                Some((last.netns.clone(), last.dev?, last.gist.ip?.1))
            }
            _ => None,
        }
    }

    /// The decisions of one table about a frame, in order.
    pub(super) fn decided(&self, frame: u64, table: &str) -> Vec<(NetnsName, String)> {
        let of = |r: &TraceRecord| match &r.what {
            What::Decided { table: by, text } if r.frame == frame && *by == table => {
                Some((r.netns.clone(), text.clone()))
            }
            _ => None,
        };
        self.records.iter().filter_map(of).collect()
    }

    /// Who has an address: the first namespace and device, and all the others.
    pub(super) fn holder(&self, addr: Ipv4Addr) -> Option<DevKey> {
        self.layout
            .devices()
            .find(|(_, _, d)| addresses(d).iter().any(|(a, _)| *a == addr))
            .map(|(n, d, _)| (n.clone(), d))
    }

    /// The route that a namespace has to an address.
    pub(super) fn route(
        &mut self,
        netns: &NetnsName,
        dst: Ipv4Addr,
        came_by: Option<IfName>,
    ) -> Result<RouteGot, Errno> {
        let get = RouteGet { iif: came_by, ..RouteGet::new(netns.clone(), IpAddr::V4(dst)) };
        match self.sim.query(&Query::RouteGet(get)) {
            Ok(Answer::Route(got)) => Ok(*got),
            Err(Fault::Refused { errno, .. }) => Err(errno),
            _ => Err(Errno::ENETUNREACH),
        }
    }
}

/// Packets that carry the conversation, not those that tell of its errors.
fn is_of_conversation(record: &TraceRecord) -> bool {
    record.gist.ip.is_some() && !record.gist.says.starts_with("ICMP ")
}

/// What happens to copies of a frame that was flooded where nobody wants it.
fn is_usual(reason: DropReason) -> bool {
    matches!(reason, DropReason::OtherHost | DropReason::NoEgressPort | DropReason::UnwantedGroup)
}
