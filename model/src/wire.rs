//! Packets on the wire: views of Ethernet, ARP, IPv4, ICMP, UDP and TCP headers in place, and their checksums.
//!
//! Counterpart: `linux/if_ether.h`, `if_arp.h`, `ip.h`, `icmp.h`, `udp.h`, `tcp.h`; `ip_rcv_core()` for what is checked.
//! This is the one home of pnet_packet. It validates nothing beyond a minimum length, so every view here is made by a
//! door that checks versions and lengths once; accessors then only index. Sums are our own: pnet's are ten times slower.
//! Deliberately absent: IPv6, 802.1Q tags, the meaning of IP and TCP options.

use crate::name::Mac;
use pnet_packet::arp::{ArpOperation, ArpPacket, MutableArpPacket};
use pnet_packet::ethernet::{EtherType, EthernetPacket, MutableEthernetPacket};
use pnet_packet::icmp::{IcmpPacket, MutableIcmpPacket};
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{Ipv4Packet, MutableIpv4Packet};
use pnet_packet::tcp::TcpPacket;
use pnet_packet::udp::{MutableUdpPacket, UdpPacket};
use std::fmt;
use std::net::Ipv4Addr;

/// Length of an Ethernet header, bytes.
pub const ETH_LEN: usize = 14;
/// Length of an ARP packet for Ethernet and IPv4, bytes.
pub const ARP_LEN: usize = 28;
/// Length of an IPv4 header without options, bytes.
pub const IPV4_LEN: usize = 20;
/// Length of an ICMP header, bytes.
pub const ICMP_LEN: usize = 8;
/// Length of a UDP header, bytes.
pub const UDP_LEN: usize = 8;

/// EtherType of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ETHERTYPE_ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;

/// IP protocol number of ICMP.
pub const PROTO_ICMP: u8 = 1;
/// IP protocol number of TCP.
pub const PROTO_TCP: u8 = 6;
/// IP protocol number of UDP.
pub const PROTO_UDP: u8 = 17;

/// The Ethernet header of a frame.
pub struct Eth<'a>(EthernetPacket<'a>);

impl<'a> Eth<'a> {
    /// A view of `frame`; `None` if it is shorter than a header.
    pub fn new(frame: &'a [u8]) -> Option<Self> {
        EthernetPacket::new(frame).map(Eth)
    }

    /// Destination.
    pub fn dst(&self) -> Mac {
        Mac(self.0.get_destination().octets())
    }

    /// Source.
    pub fn src(&self) -> Mac {
        Mac(self.0.get_source().octets())
    }

    /// EtherType.
    pub fn ethertype(&self) -> u16 {
        self.0.get_ethertype().0
    }
}

/// Writes an Ethernet header over the first [`ETH_LEN`] bytes of `frame`, which must have them.
pub fn write_eth(frame: &mut [u8], dst: Mac, src: Mac, ethertype: u16) {
    let mut view = MutableEthernetPacket::new(frame).expect("the caller made room for an Ethernet header");
    view.set_destination(dst.0.into());
    view.set_source(src.0.into());
    view.set_ethertype(EtherType(ethertype));
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub op: u16,
    /// The sender's MAC.
    pub sha: Mac,
    /// The sender's address.
    pub spa: Ipv4Addr,
    /// The target's MAC.
    pub tha: Mac,
    /// The target's address.
    pub tpa: Ipv4Addr,
}

impl Arp {
    /// "Who has?"
    pub const REQUEST: u16 = 1;
    /// "I have."
    pub const REPLY: u16 = 2;

    /// Reads the packet behind an Ethernet header; `None` unless it is Ethernet (1), IPv4, with lengths 6 and 4.
    pub fn new(packet: &[u8]) -> Option<Self> {
        let view = ArpPacket::new(packet)?;
        let fits = view.get_hardware_type().0 == 1
            && view.get_protocol_type().0 == ETHERTYPE_IPV4
            && view.get_hw_addr_len() == 6
            && view.get_proto_addr_len() == 4;
        fits.then(|| Arp {
            op: view.get_operation().0,
            sha: Mac(view.get_sender_hw_addr().octets()),
            spa: view.get_sender_proto_addr(),
            tha: Mac(view.get_target_hw_addr().octets()),
            tpa: view.get_target_proto_addr(),
        })
    }

    /// The packet in a frame from `src` to `dst`, 42 bytes without padding as the kernel sends it.
    pub fn frame(&self, dst: Mac, src: Mac) -> [u8; ETH_LEN + ARP_LEN] {
        let mut frame = [0; ETH_LEN + ARP_LEN];
        write_eth(&mut frame, dst, src, ETHERTYPE_ARP);
        let mut view = MutableArpPacket::new(&mut frame[ETH_LEN..]).expect("28 bytes were just made");
        view.set_hardware_type(pnet_packet::arp::ArpHardwareType(1));
        view.set_protocol_type(EtherType(ETHERTYPE_IPV4));
        view.set_hw_addr_len(6);
        view.set_proto_addr_len(4);
        view.set_operation(ArpOperation(self.op));
        view.set_sender_hw_addr(self.sha.0.into());
        view.set_sender_proto_addr(self.spa);
        view.set_target_hw_addr(self.tha.0.into());
        view.set_target_proto_addr(self.tpa);
        frame
    }
}

/// What is wrong with an IPv4 packet, in the order of `ip_rcv_core()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv4Fault {
    /// Shorter than a header, version not 4, or header length below 5 words.
    Header,
    /// The header's checksum is wrong.
    Checksum,
    /// The total length is more than there is, or less than the header.
    Length,
}

impl fmt::Display for Ipv4Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ipv4Fault::Header => "no IPv4 header",
            Ipv4Fault::Checksum => "wrong IPv4 header checksum",
            Ipv4Fault::Length => "wrong IPv4 total length",
        })
    }
}

/// An IPv4 packet: header and what follows it.
pub struct Ipv4<'a>(Ipv4Packet<'a>);

impl<'a> Ipv4<'a> {
    /// The door: checks version, header length, header checksum and total length (`ip_rcv_core()`).
    pub fn new(packet: &'a [u8]) -> Result<Self, Ipv4Fault> {
        let ip = Self::unsummed(packet).ok_or(Ipv4Fault::Header)?;
        if checksum(&packet[..ip.header_len()]) != 0 {
            return Err(Ipv4Fault::Checksum);
        }
        if ip.total_len() > packet.len() || ip.total_len() < ip.header_len() {
            return Err(Ipv4Fault::Length);
        }
        Ok(ip)
    }

    /// A packet whose header is whole but whose sum and total length are not looked at: one that the door has passed
    /// before, or one quoted in an ICMP error, which is cut off.
    pub fn unsummed(packet: &'a [u8]) -> Option<Self> {
        let ip = Ipv4(Ipv4Packet::new(packet)?);
        let whole = ip.0.get_version() == 4 && ip.header_len() >= IPV4_LEN && ip.header_len() <= packet.len();
        whole.then_some(ip)
    }

    /// Length of the header with its options, bytes.
    pub fn header_len(&self) -> usize {
        usize::from(self.0.get_header_length()) * 4
    }

    /// Length of the packet by its own word, bytes.
    pub fn total_len(&self) -> usize {
        usize::from(self.0.get_total_length())
    }

    /// Type of service: DSCP and ECN bits.
    pub fn tos(&self) -> u8 {
        self.0.get_dscp() << 2 | self.0.get_ecn()
    }

    /// Identification.
    pub fn id(&self) -> u16 {
        self.0.get_identification()
    }

    /// Don't fragment.
    pub fn df(&self) -> bool {
        self.0.get_flags() & 2 != 0
    }

    /// More fragments follow.
    pub fn mf(&self) -> bool {
        self.0.get_flags() & 1 != 0
    }

    /// Where the payload belongs in the original, bytes.
    pub fn frag_offset(&self) -> usize {
        usize::from(self.0.get_fragment_offset()) * 8
    }

    /// Whether it is a part of something.
    pub fn is_fragment(&self) -> bool {
        self.mf() || self.frag_offset() != 0
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        self.0.get_ttl()
    }

    /// Protocol of the payload.
    pub fn proto(&self) -> u8 {
        self.0.get_next_level_protocol().0
    }

    /// Source.
    pub fn src(&self) -> Ipv4Addr {
        self.0.get_source()
    }

    /// Destination.
    pub fn dst(&self) -> Ipv4Addr {
        self.0.get_destination()
    }
}

/// What an IPv4 header without options says, for writing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Type of service.
    pub tos: u8,
    /// Length of header and payload, bytes.
    pub total_len: u16,
    /// Identification.
    pub id: u16,
    /// Don't fragment.
    pub df: bool,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub proto: u8,
    /// Source.
    pub src: Ipv4Addr,
    /// Destination.
    pub dst: Ipv4Addr,
}

impl Ipv4Header {
    /// Writes the header over the first [`IPV4_LEN`] bytes of `packet`, which must have them, checksum included.
    pub fn write(&self, packet: &mut [u8]) {
        let header = &mut packet[..IPV4_LEN];
        let mut view = MutableIpv4Packet::new(header).expect("20 bytes were just sliced");
        view.set_version(4);
        view.set_header_length(5);
        view.set_dscp(self.tos >> 2);
        view.set_ecn(self.tos & 3);
        view.set_total_length(self.total_len);
        view.set_identification(self.id);
        view.set_flags(if self.df { 2 } else { 0 });
        view.set_fragment_offset(0);
        view.set_ttl(self.ttl);
        view.set_next_level_protocol(IpNextHeaderProtocol(self.proto));
        view.set_source(self.src);
        view.set_destination(self.dst);
        seal_ipv4(packet);
    }
}

/// Recomputes the header checksum of a checked packet.
pub fn seal_ipv4(packet: &mut [u8]) {
    let len = usize::from(packet[0] & 15) * 4;
    packet[10..12].fill(0);
    let sum = checksum(&packet[..len]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Lowers the TTL of a checked packet by one and mends its checksum (`ip_decrease_ttl()`).
pub fn decrement_ttl(packet: &mut [u8]) {
    let old = u16::from_be_bytes([packet[8], packet[9]]);
    packet[8] = packet[8].wrapping_sub(1);
    mend(packet, 10, old, u16::from_be_bytes([packet[8], packet[9]]));
}

/// Sets the identification of a checked packet and mends its checksum.
pub fn set_ipv4_id(packet: &mut [u8], id: u16) {
    let old = u16::from_be_bytes([packet[4], packet[5]]);
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    mend(packet, 10, old, id);
}

/// Sets total length, offset (bytes, a multiple of 8) and flags of a checked packet and recomputes its checksum.
pub fn set_fragment(packet: &mut [u8], total_len: u16, offset: u16, df: bool, mf: bool) {
    let mut view = MutableIpv4Packet::new(packet).expect("the caller's packet has been checked");
    view.set_total_length(total_len);
    view.set_fragment_offset(offset / 8);
    view.set_flags(u8::from(df) << 1 | u8::from(mf));
    seal_ipv4(packet);
}

/// Replaces the addresses of a checked packet; the caller seals it.
pub fn set_ipv4_addrs(packet: &mut [u8], src: Ipv4Addr, dst: Ipv4Addr) {
    let mut view = MutableIpv4Packet::new(packet).expect("the caller's packet has been checked");
    view.set_source(src);
    view.set_destination(dst);
}

/// Mends the checksum at `packet[at..at + 2]` for a 16-bit word that went from `old` to `new` (RFC 1624, equation 3).
pub fn mend(packet: &mut [u8], at: usize, old: u16, new: u16) {
    let sum = u16::from_be_bytes([packet[at], packet[at + 1]]);
    let mut acc = u32::from(!sum) + u32::from(!old) + u32::from(new);
    acc = (acc & 0xffff) + (acc >> 16);
    acc = (acc & 0xffff) + (acc >> 16);
    // Two folds leave at most 16 bits.
    packet[at..at + 2].copy_from_slice(&(!(acc as u16)).to_be_bytes());
}

/// An ICMP message.
pub struct Icmp<'a>(IcmpPacket<'a>, &'a [u8]);

impl<'a> Icmp<'a> {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 3;
    /// Source quench.
    pub const QUENCH: u8 = 4;
    /// Redirect.
    pub const REDIRECT: u8 = 5;
    /// Echo request.
    pub const ECHO: u8 = 8;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAMETER: u8 = 12;
    /// What time is it there?
    pub const TIMESTAMP: u8 = 13;
    /// The time there.
    pub const TIMESTAMP_REPLY: u8 = 14;
    /// A question about an interface (RFC 8335).
    pub const EXTENDED_ECHO: u8 = 42;
    /// Its answer.
    pub const EXTENDED_ECHO_REPLY: u8 = 43;
    /// Code of an extended echo reply: the question makes no sense.
    pub const MALFORMED_QUERY: u8 = 1;
    /// Code of an extended echo reply: there is no such interface.
    pub const NO_SUCH_INTERFACE: u8 = 2;

    /// A view of the payload of an IPv4 packet; `None` if it is shorter than a header.
    pub fn new(message: &'a [u8]) -> Option<Self> {
        (message.len() >= ICMP_LEN).then_some(())?;
        Some(Icmp(IcmpPacket::new(message)?, message))
    }

    /// Whether the sum over the whole message is right.
    pub fn is_intact(&self) -> bool {
        checksum(self.1) == 0
    }

    /// Type.
    pub fn kind(&self) -> u8 {
        self.0.get_icmp_type().0
    }

    /// Code.
    pub fn code(&self) -> u8 {
        self.0.get_icmp_code().0
    }

    /// Whether the type is an error's.
    pub fn is_error(&self) -> bool {
        matches!(self.kind(), Self::UNREACHABLE | Self::QUENCH | Self::REDIRECT | Self::TIME_EXCEEDED | Self::PARAMETER)
    }

    /// The 32 bits behind the checksum: identifier and sequence number, gateway, or unused and MTU.
    pub fn rest(&self) -> u32 {
        u32::from_be_bytes([self.1[4], self.1[5], self.1[6], self.1[7]])
    }

    /// The identifier of an echo.
    pub fn ident(&self) -> u16 {
        u16::from_be_bytes([self.1[4], self.1[5]])
    }

    /// The sequence number of an echo.
    pub fn seq(&self) -> u16 {
        u16::from_be_bytes([self.1[6], self.1[7]])
    }

    /// What follows the header: an echo's data, an error's quotation.
    pub fn payload(&self) -> &'a [u8] {
        &self.1[ICMP_LEN..]
    }
}

/// Writes an ICMP header over the first [`ICMP_LEN`] bytes of `message` and sums the whole of it.
pub fn write_icmp(message: &mut [u8], kind: u8, code: u8, rest: u32) {
    message[4..8].copy_from_slice(&rest.to_be_bytes());
    let mut view = MutableIcmpPacket::new(message).expect("the caller made room for an ICMP header");
    view.set_icmp_type(pnet_packet::icmp::IcmpType(kind));
    view.set_icmp_code(pnet_packet::icmp::IcmpCode(code));
    view.set_checksum(0);
    let sum = checksum(message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
}

/// A UDP header.
pub struct Udp<'a>(UdpPacket<'a>);

impl<'a> Udp<'a> {
    /// A view of the payload of an IPv4 packet; `None` if it is shorter than a header, or its length field is wrong.
    pub fn new(datagram: &'a [u8]) -> Option<Self> {
        let udp = Self::quoted(datagram)?;
        (udp.len() >= UDP_LEN && udp.len() <= datagram.len()).then_some(udp)
    }

    /// A header whose datagram may be cut off, as an ICMP error quotes it.
    pub fn quoted(datagram: &'a [u8]) -> Option<Self> {
        UdpPacket::new(datagram).map(Udp)
    }

    /// Source port.
    pub fn src_port(&self) -> u16 {
        self.0.get_source()
    }

    /// Destination port.
    pub fn dst_port(&self) -> u16 {
        self.0.get_destination()
    }

    /// Length of header and data by its own word, bytes.
    #[allow(clippy::len_without_is_empty, reason = "a datagram has a header and is never empty")]
    pub fn len(&self) -> usize {
        usize::from(self.0.get_length())
    }

    /// The checksum field; 0 means none.
    pub fn checksum(&self) -> u16 {
        self.0.get_checksum()
    }
}

/// Writes a UDP header over the first [`UDP_LEN`] bytes of `datagram`, which is the whole datagram, and sums it.
pub fn write_udp(datagram: &mut [u8], src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16)) {
    let len = u16::try_from(datagram.len()).expect("an IPv4 payload is at most 65 515 bytes");
    let mut view = MutableUdpPacket::new(datagram).expect("the caller made room for a UDP header");
    view.set_source(src.1);
    view.set_destination(dst.1);
    view.set_length(len);
    view.set_checksum(0);
    let sum = match transport_checksum(src.0, dst.0, PROTO_UDP, datagram) {
        0 => 0xffff, // RFC 768: an all-zero sum is sent as all ones.
        sum => sum,
    };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
}

/// A TCP header.
pub struct Tcp<'a>(TcpPacket<'a>, usize);

impl<'a> Tcp<'a> {
    /// A view of the payload of an IPv4 packet; `None` if the header is not whole.
    pub fn new(segment: &'a [u8]) -> Option<Self> {
        let view = TcpPacket::new(segment)?;
        let header = usize::from(view.get_data_offset()) * 4;
        (header >= 20 && header <= segment.len()).then(|| Tcp(view, segment.len() - header))
    }

    /// Source port.
    pub fn src_port(&self) -> u16 {
        self.0.get_source()
    }

    /// Destination port.
    pub fn dst_port(&self) -> u16 {
        self.0.get_destination()
    }

    /// Sequence number.
    pub fn seq(&self) -> u32 {
        self.0.get_sequence()
    }

    /// Acknowledgement number.
    pub fn ack(&self) -> u32 {
        self.0.get_acknowledgement()
    }

    /// FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    pub fn flags(&self) -> u8 {
        self.0.get_flags()
    }

    /// Length of the data, bytes.
    pub fn data_len(&self) -> usize {
        self.1
    }
}

/// The Internet checksum (RFC 1071): 0 over data that holds its own right sum.
pub fn checksum(data: &[u8]) -> u16 {
    !fold(sum(data))
}

/// The checksum of a UDP or TCP payload with its pseudo header: 0 if the field in it is right.
pub fn transport_checksum(src: Ipv4Addr, dst: Ipv4Addr, proto: u8, payload: &[u8]) -> u16 {
    let mut pseudo = [0; 12];
    pseudo[..4].copy_from_slice(&src.octets());
    pseudo[4..8].copy_from_slice(&dst.octets());
    pseudo[9] = proto;
    // An IPv4 payload's length fits 16 bits; a longer one would be caught by its own length field.
    pseudo[10..].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    !fold(sum(&pseudo) + sum(payload))
}

/// The sum of native-endian words without its folding: at most 2^16 words of 32 bits never overflow 64.
fn sum(data: &[u8]) -> u64 {
    let (words, tail) = data.as_chunks::<4>();
    let mut acc: u64 = words.iter().map(|w| u64::from(u32::from_ne_bytes(*w))).sum();
    let mut last = [0; 4];
    last[..tail.len()].copy_from_slice(tail);
    acc += u64::from(u32::from_ne_bytes(last));
    acc
}

/// Folds to 16 bits in network order: ones' complement sums commute with byte swapping (RFC 1071, 2.B).
fn fold(mut acc: u64) -> u16 {
    while acc >> 16 != 0 {
        acc = (acc & 0xffff) + (acc >> 16);
    }
    u16::from_be(acc as u16) // folded: 16 bits are left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ping's IP header as captured.
    const HEADER: [u8; 20] =
        [0x45, 0x28, 0x00, 0x54, 0x12, 0x34, 0x40, 0x00, 0x40, 0x01, 0, 0, 192, 168, 20, 1, 192, 168, 20, 2];

    fn slow_checksum(data: &[u8]) -> u16 {
        let mut acc = 0u32;
        for pair in data.chunks(2) {
            acc += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
            acc = (acc & 0xffff) + (acc >> 16);
        }
        !(acc as u16)
    }

    #[test]
    fn sums_agree_with_the_definition_at_every_length() {
        let data: Vec<u8> = (0..1500u32).map(|i| (i.wrapping_mul(2654435761) >> 13) as u8).collect();
        for len in (0..70).chain([576, 1479, 1480, 1499, 1500]) {
            assert_eq!(checksum(&data[..len]), slow_checksum(&data[..len]), "{len} bytes");
        }
        assert_eq!(checksum(&[0xff; 1500]), slow_checksum(&[0xff; 1500]));
    }

    #[test]
    fn the_door_refuses_what_pnet_lets_through() {
        let mut p = HEADER.to_vec();
        p.resize(84, 0);
        seal_ipv4(&mut p);
        assert!(Ipv4::new(&p).is_ok());
        assert_eq!(Ipv4::new(&p[..83]).err(), Some(Ipv4Fault::Length));
        assert_eq!(Ipv4::new(&p[..19]).err(), Some(Ipv4Fault::Header));
        for (byte, value) in [(0, 0x44), (0, 0x65), (0, 0x4f)] {
            let mut q = p[..40].to_vec();
            q[byte] = value;
            assert_eq!(Ipv4::new(&q).err(), Some(Ipv4Fault::Header), "byte {byte} = {value:#x}");
        }
        p[12] ^= 1;
        assert_eq!(Ipv4::new(&p).err(), Some(Ipv4Fault::Checksum));
    }

    #[test]
    fn edits_in_place_keep_the_checksum_right() {
        let mut p = HEADER.to_vec();
        p.resize(84, 7);
        seal_ipv4(&mut p);
        for _ in 0..64 {
            decrement_ttl(&mut p);
            assert!(Ipv4::new(&p).is_ok());
        }
        assert_eq!(Ipv4::new(&p).unwrap().ttl(), 0);
        for id in [0, 0xffff, 0x1234, 0xedcb] {
            set_ipv4_id(&mut p, id);
            assert_eq!(Ipv4::new(&p).unwrap().id(), id);
        }
        set_fragment(&mut p, 84, 1480, false, true);
        let ip = Ipv4::new(&p).unwrap();
        assert_eq!((ip.frag_offset(), ip.mf(), ip.df()), (1480, true, false));
    }

    #[test]
    fn headers_round_trip() {
        let header = Ipv4Header {
            tos: 0x2b,
            total_len: 28,
            id: 77,
            df: true,
            ttl: 3,
            proto: PROTO_UDP,
            src: Ipv4Addr::new(10, 0, 0, 1),
            dst: Ipv4Addr::new(10, 0, 0, 2),
        };
        let mut p = [0; 28];
        header.write(&mut p);
        write_udp(&mut p[20..], (header.src, 9), (header.dst, 53));
        let ip = Ipv4::new(&p).unwrap();
        assert_eq!((ip.tos(), ip.id(), ip.df(), ip.ttl(), ip.proto()), (0x2b, 77, true, 3, 17));
        assert_eq!((ip.src(), ip.dst()), (header.src, header.dst));
        let udp = Udp::new(&p[20..]).unwrap();
        assert_eq!((udp.src_port(), udp.dst_port(), udp.len()), (9, 53, 8));
        assert_eq!(transport_checksum(header.src, header.dst, PROTO_UDP, &p[20..]), 0);
    }

    #[test]
    fn arp_round_trips_and_refuses_other_hardware() {
        let arp = Arp {
            op: Arp::REQUEST,
            sha: Mac([2, 0, 0, 0, 0, 1]),
            spa: Ipv4Addr::new(10, 0, 0, 1),
            tha: Mac::ZERO,
            tpa: Ipv4Addr::new(10, 0, 0, 2),
        };
        let mut frame = arp.frame(Mac::BROADCAST, arp.sha);
        assert_eq!(Eth::new(&frame).unwrap().ethertype(), ETHERTYPE_ARP);
        assert_eq!(Arp::new(&frame[14..]), Some(arp));
        assert_eq!(Arp::new(&frame[14..41]), None);
        frame[18] = 8;
        assert_eq!(Arp::new(&frame[14..]), None);
    }

    #[test]
    fn icmp_is_summed_whole() {
        let mut m = [1u8; 64];
        write_icmp(&mut m, Icmp::ECHO, 0, 0x1234_0007);
        let icmp = Icmp::new(&m).unwrap();
        assert!(icmp.is_intact());
        assert_eq!((icmp.kind(), icmp.ident(), icmp.seq()), (8, 0x1234, 7));
        m[40] ^= 0x10;
        assert!(!Icmp::new(&m).unwrap().is_intact());
    }
}
