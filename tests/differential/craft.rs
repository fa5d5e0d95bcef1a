//! Packets of somebody's own making, for what no program sends: options, groups, fragments, queries that nobody asks.

use nettwin_model::Mac;
use nettwin_model::wire::{
    ETH_LEN, ETHERTYPE_IPV4, ICMP_LEN, IPV4_LEN, Icmp, Ipv4Header, PROTO_ICMP, PROTO_UDP, UDP_LEN, seal_ipv4,
    write_eth, write_icmp, write_udp,
};
use std::net::Ipv4Addr;

/// An IPv4 packet, to be changed before it is framed.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) src: Ipv4Addr,
    pub(crate) dst: Ipv4Addr,
    pub(crate) proto: u8,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    pub(crate) id: u16,
    /// Flags and fragment offset, as they are in the header.
    pub(crate) frag: u16,
    /// Filled up with zeros to a multiple of four.
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn addr(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

/// An ICMP message.
pub(crate) fn icmp(src: &str, dst: &str, kind: u8, code: u8, rest: u32, data: &[u8]) -> Packet {
    let mut payload = vec![0; ICMP_LEN];
    payload.extend_from_slice(data);
    write_icmp(&mut payload, kind, code, rest);
    Packet { proto: PROTO_ICMP, payload, ..plain(src, dst) }
}

/// An echo request.
pub(crate) fn echo(src: &str, dst: &str) -> Packet {
    icmp(src, dst, Icmp::ECHO, 0, 0x0001_0001, &[7; 8])
}

/// A datagram from port 1000.
pub(crate) fn udp(src: &str, dst: &str, port: u16, data: &[u8]) -> Packet {
    let mut payload = vec![0; UDP_LEN];
    payload.extend_from_slice(data);
    write_udp(&mut payload, (addr(src), 1000), (addr(dst), port));
    Packet { proto: PROTO_UDP, payload, ..plain(src, dst) }
}

/// A packet of a protocol that nobody takes, without anything in it.
pub(crate) fn plain(src: &str, dst: &str) -> Packet {
    let (src, dst) = (addr(src), addr(dst));
    Packet { src, dst, proto: 253, ttl: 64, tos: 0, id: 77, frag: 0, options: Vec::new(), payload: Vec::new() }
}

impl Packet {
    pub(crate) fn with(self, change: impl FnOnce(&mut Packet)) -> Packet {
        let mut packet = self;
        change(&mut packet);
        packet
    }

    pub(crate) fn options(self, options: &[u8]) -> Packet {
        Packet { options: options.to_vec(), ..self }
    }

    /// The packet itself.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut options = self.options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let header_len = IPV4_LEN + options.len();
        let mut packet = vec![0; IPV4_LEN];
        let header = Ipv4Header {
            tos: self.tos,
            // Far below 64 KiB.
            total_len: (header_len + self.payload.len()) as u16,
            id: self.id,
            df: false,
            ttl: self.ttl,
            proto: self.proto,
            src: self.src,
            dst: self.dst,
        };
        header.write(&mut packet);
        packet[0] = 0x40 | (header_len / 4) as u8; // at most 15
        packet[6..8].copy_from_slice(&self.frag.to_be_bytes());
        packet.extend_from_slice(&options);
        seal_ipv4(&mut packet);
        packet.extend_from_slice(&self.payload);
        packet
    }

    /// The packet in a frame.
    pub(crate) fn frame(&self, to: Mac, from: Mac) -> Vec<u8> {
        let mut frame = vec![0; ETH_LEN];
        write_eth(&mut frame, to, from, ETHERTYPE_IPV4);
        frame.extend(self.bytes());
        frame
    }
}
