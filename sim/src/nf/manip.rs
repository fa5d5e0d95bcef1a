//! Translation of a packet's bytes, checksums included.
//!
//! Kernel counterpart: `nf_nat_proto.c`, `xt_TCPMSS.c`. Everything is edited in place and sums are mended, never made anew
//! (but for an ICMP error's, whose quotation changes).

use super::conntrack::Tuple;
use super::hooks::Manip;
use crate::frame::L2_LEN;
use crate::path::Pkt;
use crate::world::World;
use nettwin_model::wire::{ICMP_LEN, Ipv4, PROTO_ICMP, PROTO_TCP, PROTO_UDP, checksum, mend};

/// Gives a packet the source or the destination of `target` (`nf_nat_manip_pkt`).
pub(super) fn packet(w: &mut World, pkt: &mut Pkt, target: &Tuple, manip: Manip) {
    translate(&mut w.frames.edit(&mut pkt.frame)[L2_LEN..], target, manip);
}

/// Translates an ICMP error: the packet that it quotes as its sender knows it, and the error itself. `false` if it must not
/// go on.
pub(super) fn error(w: &mut World, pkt: &mut Pkt, inner: &Tuple, target: &Tuple, manip: Manip) -> bool {
    let bytes = &mut w.frames.edit(&mut pkt.frame)[L2_LEN..];
    let Some(header_len) = Ipv4::unsummed(bytes).map(|ip| ip.header_len()) else { return false };
    if bytes.len() < header_len + ICMP_LEN {
        return false;
    }
    const REDIRECT: u8 = 5;
    if bytes[header_len] == REDIRECT {
        return false; // a translated host's way is not for others to tell
    }
    let other = if manip == Manip::Src { Manip::Dst } else { Manip::Src };
    translate(&mut bytes[header_len + ICMP_LEN..], inner, other);
    bytes[header_len + 2..header_len + 4].fill(0);
    let sum = checksum(&bytes[header_len..]);
    bytes[header_len + 2..header_len + 4].copy_from_slice(&sum.to_be_bytes());
    let outer = Tuple { proto: PROTO_ICMP, ..*target };
    addresses(bytes, &outer, manip, None);
    true
}

/// Translates an IPv4 packet, which may be cut off behind its ports.
fn translate(packet: &mut [u8], target: &Tuple, manip: Manip) {
    let Some(ip) = Ipv4::unsummed(packet) else { return };
    let (at, proto) = (ip.header_len(), ip.proto());
    let first = ip.frag_offset() == 0;
    let port = if manip == Manip::Src { target.sport } else { target.dport };
    let sum = match proto {
        PROTO_TCP if packet.len() >= at + 20 => Some(at + 16),
        PROTO_UDP if packet.len() >= at + 8 && packet[at + 6..at + 8] != [0, 0] => Some(at + 6),
        _ => None,
    };
    if first {
        match proto {
            PROTO_TCP | PROTO_UDP if packet.len() >= at + 4 => {
                let place = if manip == Manip::Src { at } else { at + 2 };
                put(packet, place, port, sum);
            }
            // An identifier belongs to both sides.
            PROTO_ICMP if packet.len() >= at + ICMP_LEN && matches!(packet[at], 0 | 8 | 13..=18) => {
                put(packet, at + 4, target.sport, Some(at + 2));
            }
            _ => {}
        }
    }
    addresses(packet, target, manip, sum.filter(|_| first));
    if proto == PROTO_UDP
        && let Some(sum) = sum
        && packet[sum..sum + 2] == [0, 0]
    {
        packet[sum..sum + 2].fill(0xff); // zero would say that there is none
    }
}

/// Sets the address in the header, and mends both sums.
fn addresses(packet: &mut [u8], target: &Tuple, manip: Manip, sum: Option<usize>) {
    let (place, addr) = if manip == Manip::Src { (12, target.src) } else { (16, target.dst) };
    const IP_SUM: usize = 10;
    for (i, word) in addr.octets().chunks_exact(2).enumerate() {
        let place = place + 2 * i;
        let new = u16::from_be_bytes([word[0], word[1]]);
        let old = u16::from_be_bytes([packet[place], packet[place + 1]]);
        put(packet, place, new, sum);
        mend(packet, IP_SUM, old, new);
    }
}

/// Writes a word, and mends a sum.
fn put(packet: &mut [u8], place: usize, new: u16, sum: Option<usize>) {
    let old = u16::from_be_bytes([packet[place], packet[place + 1]]);
    packet[place..place + 2].copy_from_slice(&new.to_be_bytes());
    if let Some(sum) = sum {
        mend(packet, sum, old, new);
    }
}

/// Lowers the MSS that a SYN offers.
pub(super) fn clamp_mss(w: &mut World, pkt: &mut Pkt, mss: u16) {
    let Some(place) = mss_option(&w.frames.bytes(pkt.frame)[L2_LEN..]) else { return };
    let bytes = &mut w.frames.edit(&mut pkt.frame)[L2_LEN..];
    let offered = u16::from_be_bytes([bytes[place.value], bytes[place.value + 1]]);
    if mss < offered {
        put(bytes, place.value, mss, Some(place.sum));
        // A value at an odd place is summed with its bytes exchanged.
        if (place.value - place.start) % 2 == 1 {
            mend(bytes, place.sum, mss, offered);
            mend(bytes, place.sum, offered.swap_bytes(), mss.swap_bytes());
        }
    }
}

struct MssPlace {
    start: usize,
    value: usize,
    sum: usize,
}

fn mss_option(packet: &[u8]) -> Option<MssPlace> {
    let ip = Ipv4::unsummed(packet).filter(|ip| ip.proto() == PROTO_TCP && ip.frag_offset() == 0)?;
    let start = ip.header_len();
    let end = start + usize::from(packet.get(start + 12)? >> 4) * 4;
    if packet.get(start + 13)? & 2 == 0 || end > packet.len() {
        return None;
    }
    let mut at = start + 20;
    while at < end {
        match packet[at] {
            0 => return None,
            1 => at += 1,
            2 if at + 4 <= end => return Some(MssPlace { start, value: at + 2, sum: start + 16 }),
            _ => at += usize::from(*packet.get(at + 1)?).max(2),
        }
    }
    None
}
