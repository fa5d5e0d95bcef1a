//! The frames of one device on two machines: the same ones, the same ways, in the same order.
//!
//! Frames are the same if their bytes are once [`normalise`](super::normalise) has been there. Their times are not
//! compared, but their order is, down to [`SLACK`], and where ARP is concerned to [`TIMER_SLACK`]: what happened closer
//! together has no order on a machine with more than one clock, whose long timers come late. A frame that only one machine
//! saw and that passed just before the captures ended is forgiven.
//! Spanning tree's own frames are left out (each machine's clock says when they are sent, and their effect is state), and
//! so are IGMP's (each machine draws when they are sent). Deliberately absent: dissecting
//! beyond a line for a person to read.

use super::normalise;
use super::record::Frame;
use crate::model::probe::Direction;
use crate::model::wire::{self, Arp, ETH_LEN, Eth, Icmp, Ipv4, Tcp, Udp};
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

/// What a frame is, as far as comparisons care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A bridge's word to its neighbours.
    Bpdu,
    /// A host's word to multicast routers.
    Igmp,
    /// A TCP segment.
    Tcp,
    /// ARP, ICMP, UDP, all the rest.
    Other,
}

/// What a frame is.
pub(super) fn class(bytes: &[u8]) -> Class {
    let proto = ip(bytes).map(|packet| packet[9]);
    match (bytes, proto) {
        ([0x01, 0x80, 0xc2, 0, 0, 0, ..], _) => Class::Bpdu,
        (_, Some(PROTO_IGMP)) => Class::Igmp,
        (_, Some(wire::PROTO_TCP)) => Class::Tcp,
        _ => Class::Other,
    }
}

/// The source and the destination of a frame's packet.
pub(super) fn ends(bytes: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let packet = ip(bytes)?;
    let at = |i: usize| Ipv4Addr::new(packet[i], packet[i + 1], packet[i + 2], packet[i + 3]);
    Some((at(12), at(16)))
}

fn ip(bytes: &[u8]) -> Option<&[u8]> {
    Eth::new(bytes).filter(|eth| eth.ethertype() == wire::ETHERTYPE_IPV4)?;
    bytes.get(ETH_LEN..).filter(|packet| packet.len() >= wire::IPV4_LEN)
}

/// How the frames of two machines differ, in words for each; `None` if they do not.
pub(super) fn differ(first: &[&Frame], second: &[&Frame], end: Duration) -> Option<(String, String)> {
    let keys = |list: &[&Frame]| list.iter().map(|f| key(f)).collect::<Vec<_>>();
    let (a, b) = (keys(first), keys(second));
    let mut places: BTreeMap<&Key, VecDeque<usize>> = BTreeMap::new();
    for (i, key) in b.iter().enumerate() {
        places.entry(key).or_default().push_back(i);
    }
    let partner: Vec<Option<usize>> = a.iter().map(|key| places.get_mut(key).and_then(VecDeque::pop_front)).collect();
    let late = |f: &Frame| f.at + TAIL >= end;
    let only_first = first.iter().zip(&partner).filter(|(f, p)| p.is_none() && !late(f)).map(|(f, _)| *f);
    let mut left: Vec<usize> = places.into_values().flatten().collect();
    left.sort_unstable();
    let only_second = left.into_iter().map(|i| second[i]).filter(|f| !late(f));
    let (only_first, only_second): (Vec<&Frame>, Vec<&Frame>) = (only_first.collect(), only_second.collect());
    if !only_first.is_empty() || !only_second.is_empty() {
        return Some((list(&only_first), list(&only_second)));
    }
    let no_arp = |i: &usize| !is_arp(first[*i]);
    let (i, j) = disorder(first, second, &partner, (0..first.len()).collect(), TIMER_SLACK)
        .or_else(|| disorder(first, second, &partner, (0..first.len()).filter(no_arp).collect(), SLACK))?;
    let words = |x: &Frame, y: &Frame| format!("{}, then {}", describe(x), describe(y));
    let (p, q) = (partner[i]?, partner[j]?);
    Some((words(first[i], first[j]), words(second[q], second[p])))
}

/// Two of these frames of the first machine, well apart, that passed in the other order and well apart on the second.
fn disorder(
    first: &[&Frame],
    second: &[&Frame],
    partner: &[Option<usize>],
    which: Vec<usize>,
    slack: Duration,
) -> Option<(usize, usize)> {
    // Of those well before: the one that came last on the second machine.
    let mut latest: Option<(usize, usize)> = None;
    let mut before = which.iter().copied().peekable();
    for &j in &which {
        while let Some(i) = before.next_if(|&i| first[i].at + slack <= first[j].at) {
            if let Some(p) = partner[i]
                && latest.is_none_or(|(_, l)| p > l)
            {
                latest = Some((i, p));
            }
        }
        if let (Some((i, l)), Some(place)) = (latest, partner[j])
            && l > place
            && second[place].at + slack <= second[l].at
        {
            return Some((i, j));
        }
    }
    None
}

fn is_arp(frame: &Frame) -> bool {
    Eth::new(&frame.bytes).is_some_and(|eth| eth.ethertype() == wire::ETHERTYPE_ARP)
}

type Key = (Direction, Vec<u8>);

fn key(frame: &Frame) -> Key {
    let mut bytes = frame.bytes.clone();
    normalise::frame(&mut bytes);
    normalise::chosen(&mut bytes);
    (frame.direction, bytes)
}

fn list(frames: &[&Frame]) -> String {
    const SHOWN: usize = 4;
    let mut lines: Vec<String> = frames.iter().take(SHOWN).map(|f| describe(f)).collect();
    match frames.len() {
        0 => lines.push("nothing more".to_owned()),
        n if n > SHOWN => lines.push(format!("and {} more", n - SHOWN)),
        _ => {}
    }
    lines.join("; ")
}

/// `1.002 s out 02:…:01 > ff:…:ff ARP who has 10.0.0.2, says 10.0.0.1`.
fn describe(frame: &Frame) -> String {
    let way = match frame.direction {
        Direction::In => "in",
        Direction::Out => "out",
    };
    let Some(eth) = Eth::new(&frame.bytes) else { return format!("a frame of {} bytes", frame.bytes.len()) };
    let what = packet(eth.ethertype(), &frame.bytes[ETH_LEN..]);
    format!("{:.3} s {way} {} > {} {what}", frame.at.as_secs_f64(), eth.src(), eth.dst())
}

fn packet(ethertype: u16, bytes: &[u8]) -> String {
    if let Some(arp) = Arp::new(bytes).filter(|_| ethertype == wire::ETHERTYPE_ARP) {
        return match arp.op {
            Arp::REQUEST => format!("ARP who has {}, says {} ({})", arp.tpa, arp.spa, arp.sha),
            op => format!("ARP {op}: {} is at {}, to {} ({})", arp.spa, arp.sha, arp.tpa, arp.tha),
        };
    }
    match Ipv4::unsummed(bytes).filter(|_| ethertype == wire::ETHERTYPE_IPV4) {
        Some(ip) => ipv4(&ip, bytes),
        None => format!("ethertype {ethertype:#06x}, {} bytes", bytes.len()),
    }
}

fn ipv4(ip: &Ipv4<'_>, bytes: &[u8]) -> String {
    let ends = format!("{} > {} ttl {} tos {:#x} len {}", ip.src(), ip.dst(), ip.ttl(), ip.tos(), ip.total_len());
    let fragment = if ip.is_fragment() { format!(" fragment at {}", ip.frag_offset()) } else { String::new() };
    let df = if ip.df() { " DF" } else { "" };
    let inner = bytes.get(ip.header_len()..).unwrap_or_default();
    let what = match ip.proto() {
        _ if ip.frag_offset() > 0 => String::new(),
        wire::PROTO_ICMP => Icmp::new(inner).map_or(String::new(), |icmp| {
            let quoted = if icmp.is_error() { ends_of(icmp.payload()) } else { String::new() };
            format!(" ICMP {}/{} {:#x}{quoted}", icmp.kind(), icmp.code(), icmp.rest())
        }),
        wire::PROTO_UDP => {
            Udp::quoted(inner).map_or(String::new(), |u| format!(" UDP {} > {}", u.src_port(), u.dst_port()))
        }
        wire::PROTO_TCP => Tcp::new(inner).map_or(String::new(), |tcp| {
            let (flags, len) = (tcp.flags(), tcp.data_len());
            format!(" TCP {} > {} flags {flags:#04x}, {len} bytes", tcp.src_port(), tcp.dst_port())
        }),
        proto => format!(" protocol {proto}"),
    };
    format!("{ends}{df}{fragment}{what}")
}

fn ends_of(quoted: &[u8]) -> String {
    Ipv4::unsummed(quoted).map_or(String::new(), |ip| format!(" about {} > {} ttl {}", ip.src(), ip.dst(), ip.ttl()))
}

const PROTO_IGMP: u8 = 2;
/// What is closer together than this has no order.
const SLACK: Duration = Duration::from_millis(20);
/// A timer of some seconds is this late at most: the kernel's timer wheel is the coarser the longer a timer runs.
const TIMER_SLACK: Duration = Duration::from_millis(300);
/// What passes this shortly before the captures end may pass after it on the other machine.
const TAIL: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(list: &[(u64, u8)]) -> Vec<Frame> {
        let frame = |&(ms, n): &(u64, u8)| Frame {
            at: Duration::from_millis(ms),
            direction: Direction::In,
            bytes: vec![n; 60],
        };
        list.iter().map(frame).collect()
    }

    fn check(first: &[(u64, u8)], second: &[(u64, u8)], same: bool) {
        let (a, b) = (frames(first), frames(second));
        let found = differ(&a.iter().collect::<Vec<_>>(), &b.iter().collect::<Vec<_>>(), Duration::from_secs(10));
        assert_eq!(found.is_none(), same, "{found:?}");
    }

    #[test]
    fn the_same_frames_in_the_same_order_agree() {
        check(&[], &[], true);
        check(&[(0, 1), (1000, 2)], &[(5, 1), (1900, 2)], true);
        check(&[(0, 1)], &[(0, 1), (0, 1)], false);
        check(&[(0, 1)], &[(0, 2)], false);
    }

    #[test]
    fn order_counts_for_what_is_well_apart() {
        check(&[(0, 1), (10, 2)], &[(0, 2), (10, 1)], true);
        check(&[(0, 1), (1000, 2)], &[(0, 2), (1000, 1)], false);
        check(&[(0, 1), (1000, 2)], &[(0, 2), (10, 1)], true);
        check(&[(0, 1), (1000, 2), (1001, 3)], &[(0, 1), (1000, 3), (1001, 2)], true);
    }

    #[test]
    fn the_last_moment_is_forgiven() {
        check(&[(0, 1), (9800, 2)], &[(0, 1)], true);
        check(&[(0, 1)], &[(0, 1), (9500, 2)], false);
    }
}
