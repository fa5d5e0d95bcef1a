//! What the two ends of a connection agree upon with their SYNs, and what each segment carries of it: options in the kernel's
//! order, timestamps, explicit congestion notification.
//!
//! Kernel counterpart: `tcp_syn_options()` and its relatives, `tcp_ecn_*()` of `net/ipv4/tcp_input.c` and `tcp_output.c`.
//! Deliberately absent: what smoltcp would have to do about it. It neither measures by timestamps nor sends less when it hears of
//! congestion, and refuses no old duplicates (PAWS).

use super::segment::{Segment, after, flag};
use super::settings::Settings;
use nettwin_model::Instant;
use smoltcp::wire::{IpAddress, Ipv4Packet, TcpPacket};

/// What smoltcp writes where the time belongs; it is given none, so that one connection's packets are made alike.
pub(super) fn no_time() -> u32 {
    0
}

/// What one end keeps of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agreed {
    /// What is added to the clock of milliseconds.
    offset: u32,
    /// Both ends understand marks.
    marks: bool,
    /// A mark was seen: said to the peer until it answers (`TCP_ECN_DEMAND_CWR`).
    seen: bool,
    /// The peer saw one: answered with the next new data (`TCP_ECN_QUEUE_CWR`).
    answers: bool,
    /// No further answer until this is acknowledged.
    answered_to: u32,
}

impl Agreed {
    /// Of a new connection; `marks`: the peer has asked for them already.
    pub(super) fn new(settings: &Settings, seed: u64, marks: bool) -> Self {
        // tcp_timestamps = 2: without an offset of its own.
        let offset = if settings.timestamps == 1 { (seed >> 24) as u32 } else { 0 };
        Agreed { offset, marks: marks && settings.ecn != 0, ..Agreed::default() }
    }

    /// A segment that came, before anything is answered.
    pub(super) fn hear(&mut self, settings: &Settings, segment: &Segment, tos: u8) {
        if segment.has(flag::SYN) {
            if segment.has(flag::ACK) {
                self.marks = settings.ecn == 1 && segment.has(flag::ECE) && !segment.has(flag::CWR);
            }
            return;
        }
        if !self.marks {
            return;
        }
        if segment.payload_len > 0 {
            self.seen = tos & CE == CE || self.seen && !segment.has(flag::CWR);
        }
        if segment.has(flag::ECE) && !after(self.answered_to, segment.ack) {
            self.answers = true;
        }
    }

    /// Completes a packet of ours, in an IPv4 header without options, whose header checksum is made later. `next`: the
    /// sequence number that was never sent.
    pub(super) fn say(&mut self, now: Instant, settings: &Settings, mss: u16, next: u32, packet: &mut Vec<u8>) {
        if packet[33] & flag::SYN != 0 {
            self.offer(now, settings, mss, packet);
            return;
        }
        if self.marks {
            self.mark(next, packet);
        }
        // smoltcp puts the time first and fills up behind it, Linux the other way round.
        if packet.len() >= 52 && packet[40..42] == [STAMP, 10] {
            packet.copy_within(40..50, 42);
            replace(packet, 40, [1, 1], [0, 0]);
            self.stamp(now, packet, 44);
        } else if let Some(at) = find(packet, STAMP) {
            self.stamp(now, packet, at + 2);
        }
    }

    fn mark(&mut self, next: u32, packet: &mut [u8]) {
        let header = usize::from(packet[32] >> 4) * 4;
        let before = [packet[32], packet[33]];
        let seq = u32::from_be_bytes([packet[24], packet[25], packet[26], packet[27]]);
        if packet.len() > 20 + header && !after(next, seq) {
            packet[1] |= ECT_0;
            if std::mem::take(&mut self.answers) {
                packet[33] |= flag::CWR;
                // What is sent from here on has heard of it.
                self.answered_to = next;
            }
        }
        if self.seen && packet[33] & flag::RST == 0 {
            packet[33] |= flag::ECE;
        }
        let now = [packet[32], packet[33]];
        replace(packet, 32, now, before);
    }

    /// The time of a packet, whose place for it holds none yet, or an older one.
    fn stamp(&self, now: Instant, packet: &mut [u8], at: usize) {
        // Milliseconds, counted modulo 2^32.
        let time = ((now.as_nanos() / 1_000_000) as u32).wrapping_add(self.offset).to_be_bytes();
        for (at, half) in [(at, &time[..2]), (at + 2, &time[2..])] {
            replace(packet, at, [half[0], half[1]], [packet[at], packet[at + 1]]);
        }
    }

    /// Writes what a SYN of ours offers: of what smoltcp would the options that are on, as the kernel does.
    fn offer(&mut self, now: Instant, settings: &Settings, mss: u16, packet: &mut Vec<u8>) {
        let scale = find(packet, SCALE).map(|at| packet[at + 2]).filter(|_| settings.scaling);
        let echo = find(packet, STAMP).map(|at| [packet[at + 6], packet[at + 7], packet[at + 8], packet[at + 9]]);
        let sack = find(packet, SACK).is_some() && settings.sack;
        packet.truncate(40);
        packet.extend([MSS, 4]);
        packet.extend(mss.to_be_bytes());
        match (sack, echo.is_some()) {
            (true, true) => packet.extend([SACK, 2]),
            (true, false) => packet.extend([1, 1, SACK, 2]),
            (false, true) => packet.extend([1, 1]),
            (false, false) => {}
        }
        let stamped = echo.map(|echo| {
            packet.extend([STAMP, 10, 0, 0, 0, 0]);
            packet.extend(echo);
            packet.len() - 8
        });
        if let Some(shift) = scale {
            packet.extend([1, SCALE, 3, shift]);
        }
        // At most 20 bytes of options.
        packet[32] = ((packet.len() - 20) as u8 / 4) << 4;
        let length = (packet.len() as u16).to_be_bytes();
        packet[2..4].copy_from_slice(&length);
        packet[33] |= match packet[33] & flag::ACK {
            0 if settings.ecn == 1 => flag::ECE | flag::CWR,
            0 => 0,
            _ if self.marks => flag::ECE,
            _ => 0,
        };
        let ip = Ipv4Packet::new_unchecked(&packet[..]);
        let (src, dst) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
        TcpPacket::new_unchecked(&mut packet[20..]).fill_checksum(&src, &dst);
        if let Some(at) = stamped {
            self.stamp(now, packet, at);
        }
    }

    /// A SYN goes out once more: without asking for marks, which may be why nobody answers (`tcp_ecn_clear_syn`).
    pub(super) fn again(&self, now: Instant, packet: &mut [u8]) {
        let before = [packet[32], packet[33]];
        replace(packet, 32, [before[0], before[1] & !(flag::ECE | flag::CWR)], before);
        if let Some(at) = find(packet, STAMP) {
            self.stamp(now, packet, at + 2);
        }
    }
}

/// Whether a SYN asks for marks. One that is marked itself does not (`tcp_ecn_create_request`).
pub(super) fn asks_for_marks(segment: &Segment, tos: u8) -> bool {
    segment.has(flag::ECE) && segment.has(flag::CWR) && tos & CE == 0
}

/// Takes out of a SYN, whose checksum was right, what is not to be agreed upon.
pub(super) fn withdraw(packet: &mut [u8], sack: bool, scaling: bool) {
    for kind in [SCALE, SACK] {
        let stays = if kind == SCALE { scaling } else { sack };
        if !stays && let Some(at) = find(packet, kind) {
            let length = usize::from(packet[at + 1]);
            packet[at..at + length].fill(1);
        }
    }
}

/// Writes two bytes of a segment at an even place where others were, and its checksum (RFC 1624).
fn replace(packet: &mut [u8], at: usize, new: [u8; 2], old: [u8; 2]) {
    packet[at..at + 2].copy_from_slice(&new);
    let [old, new] = [old, new].map(u16::from_be_bytes);
    let sum = u16::from_be_bytes([packet[36], packet[37]]);
    let sum = u32::from(!sum) + u32::from(!old) + u32::from(new);
    let folded = (sum & 0xffff) + (sum >> 16);
    // Twice folded it fits.
    let folded = ((folded & 0xffff) + (folded >> 16)) as u16;
    packet[36..38].copy_from_slice(&(!folded).to_be_bytes());
}

/// Where a TCP option of a packet begins that has passed the door, or is ours; it lies in the header whole.
fn find(packet: &[u8], kind: u8) -> Option<usize> {
    let header = usize::from(packet[0] & 15) * 4;
    let end = header + usize::from(packet[header + 12] >> 4) * 4;
    let mut at = header + 20;
    while at < end {
        let length = match packet[at] {
            0 => return None,
            1 => 1,
            _ => packet.get(at + 1).map_or(0, |&length| usize::from(length)),
        };
        if length == 0 || at + length > end || packet[at] != 1 && length < 2 {
            return None;
        }
        if packet[at] == kind {
            let whole = match kind {
                SACK => 2,
                SCALE => 3,
                _ => 10,
            };
            return (length == whole).then_some(at);
        }
        at += length;
    }
    None
}

const MSS: u8 = 2;
const SCALE: u8 = 3;
const SACK: u8 = 4;
const STAMP: u8 = 8;
/// The marks of an IPv4 header.
const ECT_0: u8 = 2;
const CE: u8 = 3;
