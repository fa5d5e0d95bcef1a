//! What is taken out of a machine's answers before they are compared: all of it, and nowhere else.
//!
//! The list. **Frames**: the IPv4 identification and header checksum; the ICMP echo identifier, the ICMP checksum and a
//! ping's payload (it begins with a time stamp), also of a packet quoted in an error; the checksum of a quoted UDP or TCP
//! packet (over a veth the kernel leaves it unfinished); of a VXLAN's datagram the source port, which is a random hash, and
//! the checksum if there is one, and all these of the frame inside; times that somebody wrote into timestamp options and replies;
//! with [`chosen`] also ports that the sender's machine chose and the checksums over them, and of a TCP segment its
//! sequence numbers, window and options. **Events**: times, and how many requests were outstanding (that depends on
//! how fast a reply is read). **Order**: a ping reads replies and errors from two queues; by request, errors come
//! first. **State**: MACs that nobody asked for; counters; handles of qdiscs that nobody asked for; how fresh a
//! neighbour is (whether it was found is left); VLANs of a bridge about which nobody said anything, which a kernel that is
//! built without them does not show; whether a veth without carrier is DOWN or LOWERLAYERDOWN, which the
//! kernel decides at an instant of its own, by whatever device of the own namespace has the peer's index. Counterpart:
//! none; these are what two kernels differ in too.

use crate::model::probe::{FlowOutcome, Outcome, PingOutcome, ProbeEvent};
use crate::model::queue::{Counters, Handle, HtbCounters, Queues};
use crate::model::snapshot::LinkConfig;
use crate::model::vlan::{PROTO_8021Q, TAG_LEN, Tag};
use crate::model::wire::{ETH_LEN, PROTO_ICMP, PROTO_TCP, PROTO_UDP};
use crate::model::{AddLink, BridgeVlan, IfName, Mac, NewLink, Nud, Op, OperState, Snapshot};
use std::collections::BTreeSet;
use std::time::Duration;

/// Takes times and chosen identifiers out of a workload's events, and puts them in order.
pub fn events(list: impl IntoIterator<Item = ProbeEvent>) -> Vec<ProbeEvent> {
    let mut list: Vec<ProbeEvent> = list.into_iter().map(event).collect();
    list.sort_by_key(|e| match e {
        ProbeEvent::Started { .. } => (0, 0),
        ProbeEvent::Icmp { seq, .. } | ProbeEvent::SendFailed { seq, .. } => (*seq, 1),
        ProbeEvent::Reply { seq, .. } => (*seq, 2),
        _ => (u16::MAX, 0),
    });
    list
}

fn event(mut e: ProbeEvent) -> ProbeEvent {
    match &mut e {
        ProbeEvent::Reply { rtt, .. } | ProbeEvent::ArpReply { rtt, .. } => *rtt = Duration::ZERO,
        ProbeEvent::Connected { after } => *after = Duration::ZERO,
        ProbeEvent::Hop(hop) => {
            if let Some((_, _, time)) = &mut hop.answer {
                *time = Duration::ZERO;
            }
        }
        ProbeEvent::Frame { bytes, .. } => frame(bytes),
        ProbeEvent::Done(outcome) => timeless(outcome),
        // Lost frames stay: a capture with gaps must not pass as equal.
        ProbeEvent::Started { .. }
        | ProbeEvent::Sent { .. }
        | ProbeEvent::Outstanding { .. }
        | ProbeEvent::Icmp { .. }
        | ProbeEvent::SendFailed { .. }
        | ProbeEvent::FramesLost { .. }
        | ProbeEvent::News => {}
    }
    e
}

fn timeless(outcome: &mut Outcome) {
    match outcome {
        Outcome::Ping(PingOutcome { time, rtt, pipe, .. }) => {
            (*time, *rtt) = (Duration::ZERO, None);
            *pipe = 0;
        }
        Outcome::Udp(FlowOutcome { time, .. }) | Outcome::Tcp(FlowOutcome { time, .. }) => *time = Duration::ZERO,
        Outcome::Trace(trace) => {
            for hop in &mut trace.hops {
                if let Some((_, _, time)) = &mut hop.answer {
                    *time = Duration::ZERO;
                }
            }
        }
        Outcome::Arping(_) | Outcome::Stopped | Outcome::Failed(_) => {}
    }
}

/// Zeroes in a frame what two runs of one machine differ in.
pub fn frame(frame: &mut [u8]) {
    if let Some(packet) = ipv4_of(frame) {
        packet_of(packet, false);
    }
}

fn packet_of(packet: &mut [u8], quoted: bool) {
    let Some((header, first)) = header_of(packet) else { return };
    packet[4..6].fill(0);
    packet[10..12].fill(0);
    times_in_options(packet, header);
    let sum_at = header + if packet[9] == PROTO_TCP { 16 } else { 6 };
    if quoted && first && matches!(packet[9], PROTO_TCP | PROTO_UDP) && packet.len() >= sum_at + 2 {
        packet[sum_at..sum_at + 2].fill(0);
    }
    if first && packet[9] == PROTO_UDP {
        vxlan(&mut packet[header..]);
    }
    if packet[9] != PROTO_ICMP || packet.len() < header + 8 {
        return;
    }
    let icmp = &mut packet[header..];
    if !first {
        icmp.fill(0);
        return;
    }
    icmp[2..4].fill(0);
    match icmp[0] {
        0 | 8 => {
            icmp[4..6].fill(0);
            icmp[8..].fill(0);
        }
        3 | 4 | 5 | 11 | 12 => packet_of(&mut icmp[8..], true),
        // When it was received and sent; when it was asked for is the asker's word.
        14 if icmp.len() >= 20 => icmp[12..20].fill(0),
        _ => {}
    }
}

/// What machines have written into timestamp options.
fn times_in_options(packet: &mut [u8], header: usize) {
    const TIMESTAMP: u8 = 68;
    let mut at = 20;
    while at + 4 <= header.min(packet.len()) {
        let (kind, len) = (packet[at], usize::from(packet[at + 1]));
        match kind {
            0 => return,
            1 => at += 1,
            _ if len < 2 || at + len > header.min(packet.len()) => return,
            TIMESTAMP if len >= 4 => {
                let only_times = packet[at + 3] & 15 == 0;
                let words = &mut packet[at + 4..at + len];
                words.chunks_mut(if only_times { 4 } else { 8 }).for_each(|entry| {
                    let from = if only_times { 0 } else { entry.len().min(4) };
                    entry[from..].fill(0);
                });
                at += len;
            }
            _ => at += len,
        }
    }
}

/// A VXLAN's datagram comes from a port of the flow's random hash, with a checksum that the kernel leaves to the device; the
/// frame inside is one like others.
fn vxlan(datagram: &mut [u8]) {
    const PORTS: [u16; 2] = [4789, 8472];
    const HEADERS: usize = 16;
    let has_number = |datagram: &[u8]| datagram.len() > HEADERS && datagram[8] == 8;
    if !has_number(datagram) || !PORTS.contains(&u16::from_be_bytes([datagram[2], datagram[3]])) {
        return;
    }
    datagram[..2].fill(0);
    if datagram[6..8] != [0, 0] {
        datagram[6..8].fill(0xff);
    }
    frame(&mut datagram[HEADERS..]);
}

/// Zeroes in a frame what a machine chose for a UDP or TCP flow, also in a packet quoted in an error.
pub fn chosen(frame: &mut [u8]) {
    if let Some(packet) = ipv4_of(frame) {
        chosen_in(packet);
    }
}

fn chosen_in(packet: &mut [u8]) {
    let Some((header, true)) = header_of(packet) else { return };
    let proto = packet[9];
    let Some(segment) = packet.get_mut(header..).filter(|s| s.len() >= 8) else { return };
    match proto {
        PROTO_UDP => {
            ports(segment);
            segment[6..8].fill(0);
        }
        PROTO_TCP => {
            ports(segment);
            segment[4..8].fill(0);
            if segment.len() >= 20 {
                let data = (usize::from(segment[12] >> 4) * 4).clamp(20, segment.len());
                segment[8..12].fill(0);
                segment[14..18].fill(0);
                segment[20..data].fill(0);
            }
        }
        PROTO_ICMP if matches!(segment[0], 3 | 4 | 5 | 11 | 12) => chosen_in(&mut segment[8..]),
        _ => {}
    }
}

/// Those of the usual ephemeral range (`net.ipv4.ip_local_port_range`).
fn ports(segment: &mut [u8]) {
    for at in [0, 2] {
        if (32768..61000).contains(&u16::from_be_bytes([segment[at], segment[at + 1]])) {
            segment[at..at + 2].fill(0);
        }
    }
}

/// The packet of a frame, behind whatever tags it has.
fn ipv4_of(frame: &mut [u8]) -> Option<&mut [u8]> {
    let mut at = ETH_LEN;
    // Behind the tags.
    while Tag::is_proto(u16::from_be_bytes([*frame.get(at - 2)?, *frame.get(at - 1)?])) {
        at += TAG_LEN;
    }
    (frame.get(at - 2..at) == Some(&[0x08, 0x00])).then(|| &mut frame[at..])
}

/// The header's length, and whether the packet is whole or a first fragment.
fn header_of(packet: &[u8]) -> Option<(usize, bool)> {
    let header = usize::from(packet.first()? & 15) * 4;
    (packet.len() >= 20).then(|| (header, u16::from_be_bytes([packet[6], packet[7]]) & 0x1fff == 0))
}

/// Takes out of a state what moves by itself and what the machine chose freely; `asked` are the MACs that it did not.
pub fn state(snapshot: &mut Snapshot, asked: &BTreeSet<Mac>) {
    let mask = |mac: &mut Mac| {
        if !asked.contains(mac) && *mac != Mac::default() {
            *mac = CHOSEN;
        }
    };
    vlans(snapshot);
    for netns in snapshot.netns.values_mut() {
        netns.config.links.values_mut().filter_map(|link| link.mac.as_mut()).for_each(mask);
        for link in netns.derived.links.values_mut() {
            mask(&mut link.mac);
            if link.operstate == OperState::LowerLayerDown {
                link.operstate = OperState::Down;
            }
            if let Some(bridge) = &mut link.bridge {
                mask(&mut bridge.id.mac);
                mask(&mut bridge.root.mac);
            }
        }
        for list in [&mut netns.config.fdb, &mut netns.volatile.fdb] {
            list.iter_mut().for_each(|entry| mask(&mut entry.mac));
            list.sort_by_key(|entry| (entry.bridge, entry.mac, entry.dev));
        }
        for neigh in &mut netns.volatile.neighs {
            neigh.lladdr.iter_mut().for_each(mask);
            let found = !matches!(neigh.state, Nud::Incomplete | Nud::Failed);
            neigh.state = if found { Nud::Reachable } else { Nud::Failed };
        }
        netns.volatile.stats.clear();
        for queues in netns.volatile.queues.values_mut() {
            handles(queues);
            queues.qdiscs.iter_mut().for_each(|qdisc| qdisc.counters = Counters::default());
            for class in &mut queues.classes {
                class.counters = class.counters.map(|_| Counters::default());
                class.more = class.more.map(|_| HtbCounters::default());
            }
        }
    }
}

/// Takes the VLANs away from bridges that have no others than they are born with.
pub fn vlans(snapshot: &mut Snapshot) {
    let born = BridgeVlan { vid: 1, pvid: true, untagged: true };
    let is_plain = |link: &LinkConfig| {
        let bridge = link.bridge.clone().unwrap_or_default();
        let is = |flag: Option<bool>| flag == Some(true);
        !is(bridge.vlan_filtering)
            && bridge.vlan_protocol.is_none_or(|proto| proto == PROTO_8021Q)
            && bridge.vlan_default_pvid.is_none_or(|vid| vid == born.vid)
            && !is(bridge.vlan_stats_enabled)
            && !is(bridge.vlan_stats_per_port)
            && link.vlans.as_deref().is_none_or(|vlans| *vlans == [born])
    };
    for netns in snapshot.netns.values_mut() {
        let links = &mut netns.config.links;
        let bridges: Vec<IfName> = links.iter().filter(|(_, l)| l.bridge.is_some()).map(|(name, _)| *name).collect();
        for bridge in bridges {
            let is_of = |name: &IfName, link: &LinkConfig| *name == bridge || link.master == Some(bridge);
            if !links.iter().filter(|(name, link)| is_of(name, link)).all(|(_, link)| is_plain(link)) {
                continue;
            }
            for (_, link) in links.iter_mut().filter(|(name, link)| is_of(name, link)) {
                link.vlans = None;
                if let Some(attrs) = &mut link.bridge {
                    (attrs.vlan_protocol, attrs.vlan_default_pvid) = (None, None);
                    (attrs.vlan_stats_enabled, attrs.vlan_stats_per_port) = (None, None);
                }
            }
            for list in [&mut netns.config.fdb, &mut netns.volatile.fdb] {
                list.retain(|entry| entry.bridge != bridge || entry.vlan != born.vid);
            }
        }
    }
}

/// Numbers the qdiscs of a device that named no number from 8001 on.
pub fn handles(queues: &mut Queues) {
    let mut given: Vec<u16> = Vec::new();
    let given_first = queues.qdiscs.iter().map(|qdisc| qdisc.handle.major()).filter(|n| *n >= FIRST_AUTOMATIC);
    given.extend(given_first.collect::<BTreeSet<u16>>());
    let rename = |handle: &mut Handle| {
        if let Some(at) = given.iter().position(|n| *n == handle.major()) {
            // No more than there are numbers.
            *handle = Handle::new(FIRST_AUTOMATIC + at as u16, handle.minor());
        }
    };
    for qdisc in &mut queues.qdiscs {
        [&mut qdisc.handle, &mut qdisc.parent].into_iter().for_each(rename);
    }
    for class in &mut queues.classes {
        [&mut class.classid, &mut class.parent, &mut class.leaf].into_iter().for_each(rename);
    }
    queues.filters.iter_mut().for_each(|filter| rename(&mut filter.parent));
}

/// The MACs that these ops ask for.
pub fn macs(ops: &[Op]) -> BTreeSet<Mac> {
    let mut asked = BTreeSet::new();
    for op in ops {
        match op {
            Op::AddLink(link) => {
                let AddLink { mac, kind, .. } = &**link;
                asked.extend(*mac);
                if let NewLink::Veth { peer } = kind {
                    asked.extend(peer.mac);
                }
            }
            Op::SetLink { change, .. } => asked.extend(change.mac),
            Op::AddNeigh { neigh, .. } => asked.extend(neigh.lladdr),
            Op::AddFdb { entry, .. } => asked.extend([entry.mac]),
            _ => {}
        }
    }
    asked
}

/// In the place of a MAC that the machine chose.
const CHOSEN: Mac = Mac([2, 0, 0, 0, 0, 0]);
/// The first handle that a qdisc is given that asks for none; the whole machine counts them up.
const FIRST_AUTOMATIC: u16 = 0x8001;
