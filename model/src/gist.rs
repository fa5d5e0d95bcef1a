//! What a frame is about, in a few words.
//!
//! Counterpart: the one line that `tcpdump` prints for a frame, far shorter. Numbers that count frames are kept apart from
//! the words, so that two requests of one ping say the same. Deliberately absent: anything that a protocol analyser is for.

use crate::name::Mac;
use crate::vlan::Tag;
use crate::wire::{
    Arp, ETH_LEN, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, Eth, Icmp, Ipv4, PROTO_ICMP, PROTO_TCP, PROTO_UDP,
    Tcp, Udp,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;

/// A frame in a few words.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gist {
    /// As in `echo request 10.0.0.1 -> 10.0.0.2`.
    pub says: String,
    /// An echo's or a segment's sequence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    /// From whom and to whom, if it is an IPv4 packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<(Ipv4Addr, Ipv4Addr)>,
}

impl Gist {
    /// Of a frame from its Ethernet header on; a header of zeros, as a packet has that is not on a wire yet, counts as
    /// IPv4's.
    pub fn of(frame: &[u8]) -> Self {
        let Some(eth) = Eth::new(frame) else { return plain("a frame without a header") };
        let (from, to, mut body, mut kind) = (eth.src(), eth.dst(), &frame[ETH_LEN..], eth.ethertype());
        // A tag's own protocol is said before it, what it is about behind it.
        while let (true, [_, _, a, b, rest @ ..]) = (Tag::is_proto(kind), body) {
            (kind, body) = (u16::from_be_bytes([*a, *b]), rest);
        }
        let mut gist = match kind {
            ETHERTYPE_ARP => Arp::new(body).map_or_else(|| plain("malformed ARP"), |arp| of_arp(&arp)),
            ETHERTYPE_IPV4 => of_ip(body),
            0 if from == Mac::ZERO && to == Mac::ZERO => of_ip(body),
            ETHERTYPE_IPV6 => plain(format!("IPv6 {from} -> {to}")),
            0..=0x05ff if to == BRIDGES => plain(format!("{BPDU} from {from}")),
            kind => plain(format!("EtherType 0x{kind:04x} {from} -> {to}")),
        };
        if let Some(tag) = Tag::of(frame) {
            gist.put_into(tag);
        }
        gist
    }

    /// Says that it is of a VLAN.
    pub fn put_into(&mut self, tag: Tag) {
        self.says += &format!(", VLAN {}", tag.vid());
    }
}

impl Gist {
    /// Whether bridges say it to each other.
    pub fn is_bpdu(&self) -> bool {
        self.says.starts_with(BPDU)
    }
}

impl fmt::Display for Gist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        self.seq.map_or(Ok(()), |seq| write!(f, ", seq {seq}"))
    }
}

/// What an ICMP error says, as in `host unreachable`.
pub fn icmp_error(kind: u8, code: u8) -> String {
    let words = match (kind, code) {
        (Icmp::UNREACHABLE, 0) => "network unreachable",
        (Icmp::UNREACHABLE, 1) => "host unreachable",
        (Icmp::UNREACHABLE, 2) => "protocol unreachable",
        (Icmp::UNREACHABLE, 3) => "port unreachable",
        (Icmp::UNREACHABLE, 4) => "too big, fragmentation needed",
        (Icmp::UNREACHABLE, 9 | 10 | 13) => "administratively prohibited",
        (Icmp::REDIRECT, _) => "redirect",
        (Icmp::TIME_EXCEEDED, 0) => "time to live exceeded",
        (Icmp::TIME_EXCEEDED, _) => "reassembly time exceeded",
        (Icmp::PARAMETER, _) => "parameter problem",
        _ => return format!("ICMP type {kind} code {code}"),
    };
    words.to_owned()
}

fn plain(says: impl Into<String>) -> Gist {
    Gist { says: says.into(), seq: None, ip: None }
}

fn of_arp(arp: &Arp) -> Gist {
    let &Arp { op, sha, spa, tpa, .. } = arp;
    plain(match op {
        Arp::REQUEST if spa == tpa => format!("ARP announcement: {spa} is at {sha}"),
        Arp::REQUEST if spa.is_unspecified() => format!("ARP probe: who has {tpa}?"),
        Arp::REQUEST => format!("ARP request: who has {tpa}? tell {spa}"),
        Arp::REPLY => format!("ARP reply: {spa} is at {sha}"),
        _ => format!("ARP operation {op}"),
    })
}

fn of_ip(packet: &[u8]) -> Gist {
    let Some(ip) = Ipv4::unsummed(packet) else { return plain("malformed IPv4") };
    Gist { ip: Some((ip.src(), ip.dst())), ..told(packet, &ip) }
}

fn told(packet: &[u8], ip: &Ipv4<'_>) -> Gist {
    let (src, dst, ways) = (ip.src(), ip.dst(), format!("{} -> {}", ip.src(), ip.dst()));
    if ip.frag_offset() > 0 {
        return plain(format!("fragment {ways}, from byte {}", ip.frag_offset()));
    }
    let first = if ip.mf() { "first fragment of " } else { "" };
    let body = packet.get(ip.header_len()..).unwrap_or_default();
    let above = match ip.proto() {
        PROTO_ICMP => of_icmp(body, &ways),
        PROTO_UDP => {
            Udp::quoted(body).map(|u| plain(format!("UDP {}", ports((src, u.src_port()), (dst, u.dst_port())))))
        }
        PROTO_TCP => of_tcp(body, src, dst),
        _ => None,
    };
    let Gist { says, seq, ip: _ } = above.unwrap_or_else(|| plain(format!("IP protocol {} {ways}", ip.proto())));
    Gist { says: format!("{first}{says}"), seq, ip: None }
}

fn of_icmp(message: &[u8], ways: &str) -> Option<Gist> {
    let icmp = Icmp::new(message)?;
    let seq = Some(u32::from(icmp.seq()));
    Some(match icmp.kind() {
        Icmp::ECHO => Gist { seq, ..plain(format!("echo request {ways}")) },
        Icmp::ECHO_REPLY => Gist { seq, ..plain(format!("echo reply {ways}")) },
        kind if icmp.is_error() => plain(format!("ICMP {} {ways}", icmp_error(kind, icmp.code()))),
        kind => plain(format!("ICMP type {kind} {ways}")),
    })
}

fn of_tcp(segment: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Option<Gist> {
    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const RST: u8 = 4;
    const ACK: u8 = 16;
    let tcp = Tcp::new(segment)?;
    let flags = tcp.flags();
    let word = match flags {
        f if f & RST != 0 => "RST",
        f if f & (SYN | ACK) == SYN | ACK => "SYN+ACK",
        f if f & SYN != 0 => "SYN",
        f if f & FIN != 0 => "FIN",
        _ if tcp.data_len() > 0 => "data",
        _ => "ACK",
    };
    let says = format!("TCP {word} {}", ports((src, tcp.src_port()), (dst, tcp.dst_port())));
    Some(Gist { seq: Some(tcp.seq()), ..plain(says) })
}

fn ports(src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16)) -> String {
    format!("{}:{} -> {}:{}", src.0, src.1, dst.0, dst.1)
}

/// What bridges say to each other.
const BPDU: &str = "spanning tree BPDU";
/// Whom bridges send BPDUs to.
const BRIDGES: Mac = Mac([0x01, 0x80, 0xc2, 0, 0, 0]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ICMP_LEN, IPV4_LEN, Ipv4Header, write_eth, write_icmp};

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const M: Mac = Mac([2, 0, 0, 0, 0, 1]);

    fn echo(ethertype: Option<u16>) -> Vec<u8> {
        let mut frame = vec![0; ETH_LEN + IPV4_LEN + ICMP_LEN];
        if let Some(ethertype) = ethertype {
            write_eth(&mut frame, Mac::BROADCAST, M, ethertype);
        }
        let total_len = (IPV4_LEN + ICMP_LEN) as u16;
        let header = Ipv4Header { tos: 0, total_len, id: 0, df: false, ttl: 64, proto: PROTO_ICMP, src: A, dst: B };
        header.write(&mut frame[ETH_LEN..]);
        write_icmp(&mut frame[ETH_LEN + IPV4_LEN..], Icmp::ECHO, 0, 7 << 16 | 3);
        frame
    }

    #[test]
    fn frames_are_told_in_a_few_words() {
        let of = |frame: &[u8]| Gist::of(frame).to_string();
        assert_eq!(of(&echo(Some(ETHERTYPE_IPV4))), "echo request 10.0.0.1 -> 10.0.0.2, seq 3");
        assert_eq!(of(&echo(None)), "echo request 10.0.0.1 -> 10.0.0.2, seq 3", "not on a wire yet");
        let ask = Arp { op: Arp::REQUEST, sha: M, spa: A, tha: Mac::ZERO, tpa: B };
        assert_eq!(of(&ask.frame(Mac::BROADCAST, M)), "ARP request: who has 10.0.0.2? tell 10.0.0.1");
        assert_eq!(of(&echo(Some(0x88cc))), "EtherType 0x88cc 02:00:00:00:00:01 -> ff:ff:ff:ff:ff:ff");
        let mut tagged = echo(Some(ETHERTYPE_IPV4));
        Tag::new(crate::vlan::PROTO_8021Q, 10).put(&mut tagged);
        assert_eq!(of(&tagged), "echo request 10.0.0.1 -> 10.0.0.2, VLAN 10, seq 3");
        assert_eq!(of(&[0; 3]), "a frame without a header");
        // Cut anywhere, it is still told.
        let whole = echo(Some(ETHERTYPE_IPV4));
        (0..whole.len()).for_each(|n| assert!(!of(&whole[..n]).is_empty()));
    }
}
