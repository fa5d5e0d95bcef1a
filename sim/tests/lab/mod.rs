//! What the tests of the whole simulator share: topologies brought up from their text, frames from bytes.

#![allow(dead_code, reason = "each test uses its part")]

use nettwin_model::topology::{Format, Topology};
use nettwin_model::{Backend, IfName, Mac, NetnsName, Plan};
use nettwin_sim::Sim;
use std::net::Ipv4Addr;
use std::time::Duration;

pub(crate) fn ns(name: &str) -> NetnsName {
    NetnsName::new(name).unwrap()
}

pub(crate) fn dev(name: &str) -> IfName {
    IfName::new(name).unwrap()
}

/// What is left of the bytes; past their end all is zero.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub(crate) fn take(&mut self, most: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(most.min(self.0.len()));
        self.0 = tail;
        head
    }

    /// Bytes behind their count, in eights.
    pub(crate) fn some(&mut self) -> &'a [u8] {
        let most = usize::from(self.byte()) * 8;
        self.take(most)
    }

    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        from[usize::from(self.byte()) % N]
    }
}

/// A machine on which this topology is up.
pub(crate) fn lab(toml: &str) -> Sim {
    let checked = Topology::load(toml, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}\n{toml}"));
    let mut sim = Sim::new(checked.seed());
    let there = sim.observe(&checked.desired().extent()).unwrap();
    sim.execute(&Plan::between(checked.desired(), &there).ops).unwrap();
    sim
}

/// Lets time pass, whatever is reported.
pub(crate) fn pass(sim: &mut Sim, time: Duration) {
    let until = sim.now() + time;
    while sim.advance(until).is_some() {}
}

/// A broadcast that nobody answers.
pub(crate) fn shout(from: Mac) -> Vec<u8> {
    let mut frame = [&[0xff; 6], &from.0[..], &[0x88, 0xb5]].concat();
    frame.resize(60, 0);
    frame
}

/// A UDP datagram, without checksum, in a frame.
pub(crate) fn datagram(macs: (Mac, Mac), ips: (Ipv4Addr, Ipv4Addr), ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let udp_len = 8 + payload.len() as u16;
    let udp = [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &udp_len.to_be_bytes(), &[0; 2], payload].concat();
    ethernet(macs, &ipv4(ips, (17, 64), 0, &udp))
}

/// An IPv4 packet with a right checksum.
pub(crate) fn ipv4(ips: (Ipv4Addr, Ipv4Addr), (proto, ttl): (u8, u8), fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&((20 + payload.len()) as u16).to_be_bytes());
    packet[6..8].copy_from_slice(&fragment.to_be_bytes());
    (packet[8], packet[9]) = (ttl, proto);
    packet[12..16].copy_from_slice(&ips.0.octets());
    packet[16..20].copy_from_slice(&ips.1.octets());
    let sum: u32 = packet.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[10..12].copy_from_slice(&(!(((sum & 0xffff) + (sum >> 16)) as u16)).to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

/// An IPv4 packet in a frame, from the first MAC to the second.
pub(crate) fn ethernet((src, dst): (Mac, Mac), packet: &[u8]) -> Vec<u8> {
    [&dst.0[..], &src.0, &[8, 0], packet].concat()
}
