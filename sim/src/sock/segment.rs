//! The door: what an IPv4 packet says about its TCP segment or UDP datagram, checked once.
//!
//! Kernel counterpart: the head of `tcp_v4_rcv()` and `__udp4_lib_rcv()`, `tcp_v4_send_reset()`,
//! `ip_send_unicast_reply()`. Deliberately absent: fragments (the IP layer has put them together), options.

use nettwin_model::probe::Proto;
use smoltcp::wire::{IpAddress, Ipv4Packet, TcpPacket, TcpSeqNumber, UdpPacket};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Protocol, own and other end, as seen from the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tuple {
    /// TCP or UDP.
    pub(crate) proto: Proto,
    /// This end.
    pub(crate) local: SocketAddrV4,
    /// The other end.
    pub(crate) remote: SocketAddrV4,
}

/// A transport header that passed the checks, with where its parts lie in the packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Who sends to whom, as the receiver sees it.
    pub(super) tuple: Tuple,
    /// TCP flags (zero for UDP).
    pub(super) flags: u8,
    /// TCP sequence number.
    pub(super) seq: u32,
    /// TCP acknowledgement number.
    pub(super) ack: u32,
    /// Payload, bytes.
    pub(super) payload_len: u32,
}

/// TCP flag bits.
pub(super) mod flag {
    pub(crate) const FIN: u8 = 0x01;
    pub(crate) const SYN: u8 = 0x02;
    pub(crate) const RST: u8 = 0x04;
    pub(crate) const ACK: u8 = 0x10;
    pub(crate) const ECE: u8 = 0x40;
    pub(crate) const CWR: u8 = 0x80;
}

/// Why a packet is dropped at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// Lengths that contradict each other, or another protocol.
    Header,
    /// The TCP or UDP checksum is wrong.
    Checksum,
}

impl Segment {
    /// Checks lengths and checksum of an unfragmented IPv4 packet that carries TCP or UDP.
    pub(super) fn parse(packet: &[u8]) -> Result<Segment, Bad> {
        let ip = Ipv4Packet::new_checked(packet).map_err(|_| Bad::Header)?;
        if ip.version() != 4 || ip.more_frags() || ip.frag_offset() != 0 {
            return Err(Bad::Header);
        }
        let (src, dst) = (ip.src_addr(), ip.dst_addr());
        let (from, to) = (IpAddress::Ipv4(src), IpAddress::Ipv4(dst));
        match ip.next_header().into() {
            TCP => {
                let tcp = TcpPacket::new_checked(ip.payload()).map_err(|_| Bad::Header)?;
                if !tcp.verify_checksum(&from, &to) {
                    return Err(Bad::Checksum);
                }
                let bytes = ip.payload();
                Ok(Segment {
                    tuple: tuple(Proto::Tcp, (dst, tcp.dst_port()), (src, tcp.src_port())),
                    flags: bytes[13],
                    seq: word(bytes, 4),
                    ack: word(bytes, 8),
                    // An IPv4 payload is shorter than 65536 bytes.
                    payload_len: tcp.payload().len() as u32,
                })
            }
            UDP => {
                let udp = UdpPacket::new_checked(ip.payload()).map_err(|_| Bad::Header)?;
                if !udp.verify_checksum(&from, &to) {
                    return Err(Bad::Checksum);
                }
                Ok(Segment {
                    tuple: tuple(Proto::Udp, (dst, udp.dst_port()), (src, udp.src_port())),
                    flags: 0,
                    seq: 0,
                    ack: 0,
                    payload_len: udp.payload().len() as u32,
                })
            }
            _ => Err(Bad::Header),
        }
    }

    /// Whether this flag is set.
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether this asks for a new connection: SYN without ACK, RST and FIN (`tcp_rcv_state_process`, TCP_LISTEN).
    pub(super) fn opens(&self) -> bool {
        self.flags & (flag::SYN | flag::ACK | flag::RST | flag::FIN) == flag::SYN
    }

    /// The sequence number that follows this segment.
    pub(super) fn end(&self) -> u32 {
        let control = u32::from(self.has(flag::SYN)) + u32::from(self.has(flag::FIN));
        self.seq.wrapping_add(self.payload_len).wrapping_add(control)
    }
}

/// What an ICMP error quotes: the sender's own packet, of which 8 bytes of transport header are enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted {
    /// As the sender of the quoted packet sees it.
    pub(super) tuple: Tuple,
    /// TCP sequence number.
    pub(super) seq: u32,
}

impl Quoted {
    /// Reads the quoted IPv4 header and the 8 bytes behind it. Its checksum and length may be anything.
    pub(super) fn parse(quoted: &[u8]) -> Option<Quoted> {
        let header_len = usize::from(quoted.first()? & 0x0f) * 4;
        if quoted[0] >> 4 != 4 || header_len < 20 || quoted.len() < header_len + 8 {
            return None;
        }
        // Only the first fragment has the ports.
        if u16::from_be_bytes([quoted[6], quoted[7]]) & 0x1fff != 0 {
            return None;
        }
        let proto = match quoted[9] {
            TCP => Proto::Tcp,
            UDP => Proto::Udp,
            _ => return None,
        };
        let l4 = &quoted[header_len..];
        let port = |at: usize| u16::from_be_bytes([l4[at], l4[at + 1]]);
        let addr = |at: usize| Ipv4Addr::from_bits(word(quoted, at));
        Some(Quoted { tuple: tuple(proto, (addr(12), port(0)), (addr(16), port(2))), seq: word(l4, 4) })
    }
}

/// The RST that answers a TCP segment for which there is no socket (RFC 9293 3.10.7.1; `tcp_v4_send_reset`): ID 0, DF,
/// TTL 64, the segment's TOS, window 0. `None` where no answer is due: to an RST, to what is no sound TCP segment, to
/// or from an address that is no host's.
pub(crate) fn reset_for(packet: &[u8]) -> Option<Vec<u8>> {
    let segment = Segment::parse(packet).ok()?;
    let Tuple { proto, local, remote } = segment.tuple;
    if proto != Proto::Tcp || segment.has(flag::RST) {
        return None;
    }
    let (seq, ack, flags) =
        if segment.has(flag::ACK) { (segment.ack, 0, flag::RST) } else { (0, segment.end(), flag::RST | flag::ACK) };
    let is_host = |a: &Ipv4Addr| !a.is_multicast() && !a.is_broadcast() && !a.is_unspecified();
    if !is_host(local.ip()) || !is_host(remote.ip()) {
        return None;
    }
    Some(bare_segment(Bare { local, remote, tos: packet[1], seq, ack, flags, window: 0 }))
}

/// A TCP segment without options and payload, as the kernel sends it without a full socket.
pub(super) struct Bare {
    pub(super) local: SocketAddrV4,
    pub(super) remote: SocketAddrV4,
    pub(super) tos: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
}

/// Builds the packet: ID 0, DF, TTL 64.
pub(super) fn bare_segment(s: Bare) -> Vec<u8> {
    let mut packet = vec![0u8; 40];
    packet[0] = 0x45;
    packet[1] = s.tos;
    packet[2..4].copy_from_slice(&40u16.to_be_bytes());
    packet[6] = 0x40;
    packet[8] = 64;
    packet[9] = TCP;
    packet[12..16].copy_from_slice(&s.local.ip().octets());
    packet[16..20].copy_from_slice(&s.remote.ip().octets());
    packet[20..22].copy_from_slice(&s.local.port().to_be_bytes());
    packet[22..24].copy_from_slice(&s.remote.port().to_be_bytes());
    packet[24..28].copy_from_slice(&s.seq.to_be_bytes());
    packet[28..32].copy_from_slice(&s.ack.to_be_bytes());
    packet[32] = 5 << 4;
    packet[33] = s.flags;
    packet[34..36].copy_from_slice(&s.window.to_be_bytes());
    Ipv4Packet::new_unchecked(&mut packet[..]).fill_checksum();
    TcpPacket::new_unchecked(&mut packet[20..])
        .fill_checksum(&IpAddress::Ipv4(*s.local.ip()), &IpAddress::Ipv4(*s.remote.ip()));
    packet
}

/// Gives a TCP segment of ours, in an IPv4 packet without options, another sequence number.
pub(super) fn renumber(packet: &mut [u8], seq: u32) {
    let ip = Ipv4Packet::new_unchecked(&*packet);
    let (src, dst) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
    let mut tcp = TcpPacket::new_unchecked(&mut packet[20..]);
    // Sequence numbers are counted modulo 2^32; smoltcp keeps them signed.
    tcp.set_seq_number(TcpSeqNumber(seq.cast_signed()));
    tcp.fill_checksum(&src, &dst);
}

/// Writes identification and DF of a packet that was built here (ID 0, DF set, checksum right): the header checksum is
/// made anew, 20 bytes are cheap.
pub(super) fn stamp(packet: &mut [u8], ident: u16, df: bool) {
    packet[4..6].copy_from_slice(&ident.to_be_bytes());
    packet[6] = if df { 0x40 } else { 0 };
    Ipv4Packet::new_unchecked(packet).fill_checksum();
}

/// `a` lies after `b` in sequence space.
pub(super) fn after(a: u32, b: u32) -> bool {
    // Half of the space lies ahead (RFC 9293 3.4).
    a != b && a.wrapping_sub(b) < 1 << 31
}

fn tuple(proto: Proto, local: (Ipv4Addr, u16), remote: (Ipv4Addr, u16)) -> Tuple {
    Tuple { proto, local: SocketAddrV4::new(local.0, local.1), remote: SocketAddrV4::new(remote.0, remote.1) }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

const TCP: u8 = 6;
const UDP: u8 = 17;

#[cfg(test)]
mod tests {
    use super::*;

    fn syn(flags: u8, seq: u32, ack: u32) -> Vec<u8> {
        let at = |s: &str| s.parse().unwrap();
        let (local, remote) = (at("10.0.0.1:4000"), at("10.0.0.2:80"));
        bare_segment(Bare { local, remote, tos: 0x28, seq, ack, flags, window: 1000 })
    }

    #[test]
    fn a_reset_follows_the_rules_of_closed() {
        let r = reset_for(&syn(flag::SYN, 7, 0)).unwrap();
        let s = Segment::parse(&r).unwrap();
        assert_eq!((s.seq, s.ack, s.flags), (0, 8, flag::RST | flag::ACK));
        assert_eq!((r[1], &r[4..9], &r[34..36]), (0x28, &[0, 0, 0x40, 0, 64][..], &[0, 0][..]));
        let s = Segment::parse(&reset_for(&syn(flag::ACK, 7, 99)).unwrap()).unwrap();
        assert_eq!((s.seq, s.ack, s.flags), (99, 0, flag::RST));
        assert!(reset_for(&r).is_none());
    }

    #[test]
    fn the_door_refuses_what_is_broken() {
        let good = syn(flag::SYN, 1, 0);
        for cut in 0..good.len() {
            assert!(Segment::parse(&good[..cut]).is_err());
        }
        let mut bad = good.clone();
        bad[25] ^= 1;
        assert!(matches!(Segment::parse(&bad), Err(Bad::Checksum)));
        let mut short = good;
        short[32] = 4 << 4;
        assert!(matches!(Segment::parse(&short), Err(Bad::Header)));
    }
}
