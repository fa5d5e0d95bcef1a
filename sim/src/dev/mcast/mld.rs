//! MLD: how a bridge hears of IPv6's groups.
//!
//! Kernel counterpart: `ipv6_mc_check_mld()`, `br_multicast_ipv6_rcv()` and what it calls. A bridge here has no IPv6 address, so it
//! never asks itself, and is never the querier. Deliberately absent: MLDv2's source filters, router advertisements of MRD.

use super::{BY_QUERIES, FOR_NOW, Way, arm, centis, way, works};
use crate::dev::bridge::PortRef;
use crate::frame::L2_LEN;
use crate::netns::Netns;
use crate::path::Pkt;
use crate::world::World;
use nettwin_model::Instant;
use nettwin_model::mdb::Group;
use nettwin_model::wire::checksum;
use std::net::Ipv6Addr;
use std::time::Duration;

/// What a bridge knows of who asks for IPv6's groups; as of [`super::Mcast`].
#[derive(Debug, Default)]
pub(crate) struct Six {
    pub(super) other_until: Option<Instant>,
    pub(super) delay_until: Option<Instant>,
    querier: Option<Ipv6Addr>,
    pub(super) router_until: Option<Instant>,
}

impl Six {
    fn is_other(&self, now: Instant) -> bool {
        self.other_until.is_some_and(|at| at > now)
    }

    /// Somebody asks, and members have had the time to answer.
    pub(super) fn has_querier(&self, now: Instant) -> bool {
        self.is_other(now) && self.delay_until.is_none_or(|at| at <= now)
    }

    /// Forgets what is over.
    pub(super) fn expire(&mut self, now: Instant) {
        for until in [&mut self.other_until, &mut self.delay_until, &mut self.router_until] {
            until.take_if(|at| *at <= now);
        }
    }

    /// When the next of it is over.
    pub(super) fn next(&self) -> [Option<Instant>; 3] {
        [self.other_until, self.delay_until, self.router_until]
    }
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
enum Mld {
    /// Somebody is or becomes a member of these, and leaves those.
    Report { joined: Vec<Ipv6Addr>, left: Vec<Ipv6Addr>, only_routers: bool },
    /// Who is a member (of `group`)?
    Query { from: Ipv6Addr, group: Option<Ipv6Addr>, delay: Duration },
    /// A question that nobody need answer.
    Idle,
}

/// The group of all, which nobody need join.
pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Hears a frame of IPv6 for a group, and says where it goes.
pub(super) fn hear(ns: &mut Netns, w: &mut World, at: PortRef, vid: u16, pkt: &Pkt) -> Way {
    let Ok((to, message)) = parse(&w.frames.bytes(pkt.frame)[L2_LEN..]) else { return Way::Drop };
    let Some(message) = message else {
        return way(ns, at.bridge, Some((Group::Ip6(to), vid)), to != ALL_NODES, w.now);
    };
    let only_routers = matches!(message, Mld::Report { only_routers: true, .. });
    if works(ns, at) {
        take(ns, w, at, vid, message);
        arm(ns, w, at.bridge);
    }
    // Who the group is for does not matter, but of which family it is.
    way(ns, at.bridge, Some((Group::Ip6(Ipv6Addr::UNSPECIFIED), vid)), only_routers, w.now)
}

fn take(ns: &mut Netns, w: &World, at: PortRef, vid: u16, message: Mld) {
    let (now, is_up) = (w.now, ns.dev(at.bridge).is_some_and(|dev| dev.up));
    let Some(b) = ns.dev_mut(at.bridge).and_then(|d| d.bridge_mut()) else { return };
    let s = b.mcast.settings;
    match message {
        Mld::Report { joined, left, .. } => {
            let until = now + centis(s.membership_interval);
            for group in joined.into_iter().filter(|group| *group != ALL_NODES) {
                b.mcast.groups.join(Group::Ip6(group), vid, at.number, Some(until));
            }
            let is_fast = b.port(at.number).is_some_and(|port| port.fastleave);
            let until = now + centis(s.last_member_count * s.last_member_interval);
            for group in left.into_iter().filter(|group| *group != ALL_NODES).map(Group::Ip6) {
                if is_fast {
                    b.mcast.groups.leave_at_once(group, vid, at.number);
                } else if !b.mcast.six.is_other(now) {
                    b.mcast.groups.shorten(group, vid, Some(at.number), until);
                }
            }
        }
        Mld::Query { group: Some(group), delay, .. } => {
            b.mcast.groups.shorten(Group::Ip6(group), vid, None, now + delay * s.last_member_count);
        }
        Mld::Query { from, group: None, delay } => {
            let six = &mut b.mcast.six;
            let is_other = six.is_other(now);
            // It believes to ask itself, though it has no address to do so.
            let asks = s.querier && is_up;
            if (is_other || asks) && from > six.querier.unwrap_or(Ipv6Addr::UNSPECIFIED) {
                return;
            }
            six.querier = Some(from);
            if !is_other {
                six.delay_until = Some(now + delay);
            }
            let until = Some(now + centis(s.querier_interval));
            six.other_until = until;
            match b.port_mut(at.number) {
                Some(port) if matches!(port.mcast.router, BY_QUERIES | FOR_NOW) => port.mcast.router6_until = until,
                Some(_) => {}
                None if s.router == BY_QUERIES => b.mcast.six.router_until = until,
                None => {}
            }
        }
        Mld::Idle => {}
    }
}

const HEADER: usize = 40;
const HOP_BY_HOP: u8 = 0;
const ICMPV6: u8 = 58;

/// Whom a packet is for, and the message in it: none if it is about something else, an error if it is broken.
fn parse(packet: &[u8]) -> Result<(Ipv6Addr, Option<Mld>), ()> {
    let header: &[u8; HEADER] = packet.first_chunk().ok_or(())?;
    let payload = usize::from(u16::from_be_bytes([header[4], header[5]]));
    if header[0] >> 4 != 6 || payload == 0 {
        return Err(());
    }
    let packet = packet.get(..HEADER + payload).ok_or(())?;
    let (from, to) = (address(packet, 8), address(packet, 24));
    if header[6] != HOP_BY_HOP {
        return Ok((to, None));
    }
    let (proto, body) = above(packet)?;
    if proto != ICMPV6 {
        return Ok((to, None));
    }
    if body.len() < 8 || !is_whole(packet, body) {
        return Err(());
    }
    let message = if body.len() < 24 { None } else { message(from, to, body)? };
    Ok((to, message))
}

/// What the further headers carry (`ipv6_skip_exthdr`).
fn above(packet: &[u8]) -> Result<(u8, &[u8]), ()> {
    let (mut proto, mut rest) = (packet[6], &packet[HEADER..]);
    loop {
        let units = |rest: &[u8]| Ok::<usize, ()>(usize::from(*rest.get(1).ok_or(())?));
        let len = match proto {
            HOP_BY_HOP | 43 | 60 => (units(rest)? + 1) * 8,
            44 => 8,
            51 => (units(rest)? + 2) * 4,
            59 => return Err(()),
            _ => return Ok((proto, rest)),
        };
        proto = *rest.first().ok_or(())?;
        rest = rest.get(len..).ok_or(())?;
    }
}

/// Whether the checksum is good, which is over the addresses, too.
fn is_whole(packet: &[u8], body: &[u8]) -> bool {
    let mut all = packet[8..HEADER].to_vec();
    all.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
    all.extend([0, 0, 0, ICMPV6]);
    all.extend_from_slice(body);
    checksum(&all) == 0
}

fn message(from: Ipv6Addr, to: Ipv6Addr, body: &[u8]) -> Result<Option<Mld>, ()> {
    let group = address(body, 8);
    Ok(Some(match body[0] {
        130 => question(from, to, group, body)?,
        131 => Mld::Report { joined: vec![group], left: Vec::new(), only_routers: true },
        132 => Mld::Report { joined: Vec::new(), left: vec![group], only_routers: false },
        143 => records(body)?,
        _ => return Ok(None),
    }))
}

/// `ipv6_mc_check_mld_query`, `br_ip6_multicast_query`
fn question(from: Ipv6Addr, to: Ipv6Addr, group: Ipv6Addr, body: &[u8]) -> Result<Mld, ()> {
    let is_short = body.len() == 24;
    let is_for_all = group.is_unspecified();
    if !is_short && body.len() < 28 || !from.is_unicast_link_local() || is_for_all && to != ALL_NODES {
        return Err(());
    }
    let code = u16::from_be_bytes([body[4], body[5]]);
    let has_sources = !is_short && body[26..28] != [0, 0];
    if is_short && code == 0 || has_sources {
        return Ok(Mld::Idle);
    }
    // Times from 32768 on are written as a mantissa and an exponent (`mldv2_mrc`); a tick at least.
    let millis = match code {
        0x8000.. if !is_short => u64::from(code & 0x0fff | 0x1000) << ((code >> 12 & 7) + 3),
        _ if is_short => code.into(),
        _ => u64::from(code).max(4),
    };
    let group = Some(group).filter(|_| !is_for_all);
    Ok(Mld::Query { from, group, delay: Duration::from_millis(millis) })
}

/// The records of an MLDv2 report: to include no source is to leave, all else is to join.
fn records(body: &[u8]) -> Result<Mld, ()> {
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    let mut rest = &body[8..];
    for _ in 0..u16::from_be_bytes([body[6], body[7]]) {
        let record = rest.get(..20).ok_or(())?;
        let sources = usize::from(u16::from_be_bytes([record[2], record[3]]));
        rest = rest.get(20 + 16 * sources..).ok_or(())?;
        let group = address(record, 4);
        match record[0] {
            1 | 3 if sources == 0 => left.push(group),
            1..=6 => joined.push(group),
            _ => {}
        }
    }
    Ok(Mld::Report { joined, left, only_routers: false })
}

fn address(bytes: &[u8], at: usize) -> Ipv6Addr {
    let mut out = [0; 16];
    out.copy_from_slice(&bytes[at..at + 16]);
    Ipv6Addr::from(out)
}
