//! A captured packet, with its link-layer header as a savefile keeps it.
//!
//! Counterpart: `pcap_pkthdr`, `DLT_EN10MB`, `DLT_LINUX_SLL2` (the header that libpcap makes up for the `any` device).

use nettwin_model::Mac;
use nettwin_model::probe::Direction;
use nettwin_model::wire::{ETH_LEN, Eth};
use std::time::Duration;

/// What a packet begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkType {
    /// An Ethernet header.
    Ethernet,
    /// The cooked header of the `any` device.
    Cooked,
}

impl LinkType {
    /// Its number in a savefile.
    pub(super) fn number(self) -> u32 {
        match self {
            LinkType::Ethernet => 1,
            LinkType::Cooked => 276,
        }
    }

    /// Its name and description.
    pub(super) fn text(self) -> &'static str {
        match self {
            LinkType::Ethernet => "EN10MB (Ethernet)",
            LinkType::Cooked => "LINUX_SLL2 (Linux cooked v2)",
        }
    }
}

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// When, since 1970.
    pub(super) at: Duration,
    /// How long it was, link-layer header included.
    pub(super) len: usize,
    /// What was kept of it.
    pub(super) bytes: Vec<u8>,
    /// Which way; a savefile does not say.
    pub(super) direction: Option<Direction>,
}

/// The device that a frame was caught on, for its cooked header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nic {
    /// Its index.
    pub(super) ifindex: u32,
    /// Its address.
    pub(super) mac: Mac,
    /// Whether it is `lo`.
    pub(super) is_lo: bool,
}

impl Packet {
    /// The packet with a cooked header instead of its Ethernet header.
    pub(super) fn cook(self, nic: Nic) -> Packet {
        let Some(eth) = Eth::new(&self.bytes) else { return self };
        let (dst, ethertype) = (eth.dst(), eth.ethertype());
        let kind: u8 = match self.direction {
            Some(Direction::Out) => 4,
            _ if dst == Mac::BROADCAST => 1,
            _ if dst.is_multicast() => 2,
            _ if dst == nic.mac || nic.is_lo => 0,
            _ => 3,
        };
        // A length instead of a type: LINUX_SLL_P_802_2.
        let protocol = if ethertype < 0x600 { 4 } else { ethertype };
        let hardware: u16 = if nic.is_lo { 772 } else { 1 };
        let mut bytes = Vec::with_capacity(self.bytes.len() + COOKED_LEN - ETH_LEN);
        bytes.extend_from_slice(&protocol.to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&nic.ifindex.to_be_bytes());
        bytes.extend_from_slice(&hardware.to_be_bytes());
        bytes.extend_from_slice(&[kind, 6]);
        bytes.extend_from_slice(&eth.src().0);
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.bytes[ETH_LEN..]);
        Packet { len: self.len + COOKED_LEN - ETH_LEN, bytes, ..self }
    }
}

/// Length of a cooked header, bytes.
pub(super) const COOKED_LEN: usize = 20;
