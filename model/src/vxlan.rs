//! VXLAN devices: Ethernet frames in UDP datagrams to whoever is known to have the receiver.
//!
//! Kernel counterpart: `linux/if_link.h` (`IFLA_VXLAN_*`). Deliberately absent: IPv6, `external`, group policies, the
//! protocol extension, checksums of remote parts.

use crate::name::IfName;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// What a VXLAN device is made with and shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vxlan {
    /// The network's number, below 2^24.
    pub id: u32,
    /// Whom frames go to whose receiver nobody knows: a host, or a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Ipv4Addr>,
    /// The source of what is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<Ipv4Addr>,
    /// The device of the same namespace that it sends by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<IfName>,
    /// The UDP port that it listens to and sends to.
    pub dstport: u16,
    /// The range of the ports that it sends from; `(0, 0)` for that of all sockets.
    #[serde(default)]
    pub srcport: (u16, u16),
    /// The outer TTL.
    #[serde(default)]
    pub ttl: OuterTtl,
    /// The outer type of service; 1 for the inner one.
    #[serde(default)]
    pub tos: u8,
    /// The outer DF.
    #[serde(default)]
    pub df: OuterDf,
    /// Who sends from where is remembered.
    pub learning: bool,
    /// For so many seconds; a new device makes 300 of 0.
    pub ageing: u32,
    /// How many entries there may be; 0 for no limit.
    #[serde(default)]
    pub maxaddress: u32,
    /// It answers ARP for known neighbours.
    #[serde(default)]
    pub proxy: bool,
    /// It sends to routers what is routed anyway.
    #[serde(default)]
    pub rsc: bool,
    /// Frames to unknown MACs are told of.
    #[serde(default)]
    pub l2miss: bool,
    /// Unknown neighbours are told of.
    #[serde(default)]
    pub l3miss: bool,
    /// Datagrams have a checksum.
    pub udpcsum: bool,
}

/// What is said anew of a device that is there; the rest cannot be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VxlanChange {
    /// Whom frames go to whose receiver nobody knows.
    pub remote: Option<Ipv4Addr>,
    /// The source of what is sent.
    pub local: Option<Ipv4Addr>,
    /// The device that it sends by.
    pub dev: Option<IfName>,
    /// The outer TTL, which is not made to be inherited.
    pub ttl: Option<OuterTtl>,
    /// The outer type of service.
    pub tos: Option<u8>,
    /// The outer DF.
    pub df: Option<OuterDf>,
    /// Whether senders are remembered.
    pub learning: Option<bool>,
    /// For so many seconds; 300 of 0.
    pub ageing: Option<u32>,
}

/// The TTL of what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OuterTtl {
    /// As usual: 1 to groups.
    #[default]
    Auto,
    /// That of the packet inside.
    Inherit,
    /// This, from 1 on.
    Is(u8),
}

/// Whether what is sent may be fragmented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OuterDf {
    /// It may.
    #[default]
    Unset,
    /// It may not.
    Set,
    /// As the packet inside.
    Inherit,
}

impl OuterDf {
    /// The word that `ip` prints and takes.
    pub fn word(self) -> &'static str {
        match self {
            OuterDf::Unset => "unset",
            OuterDf::Set => "set",
            OuterDf::Inherit => "inherit",
        }
    }

    /// From that word.
    pub fn from_word(word: &str) -> Option<Self> {
        [OuterDf::Unset, OuterDf::Set, OuterDf::Inherit].into_iter().find(|df| df.word() == word)
    }
}

impl Vxlan {
    /// Outer IPv4, UDP and VXLAN headers and the inner Ethernet header, bytes.
    pub const OVERHEAD: u32 = 50;

    /// One as it is unless somebody says otherwise.
    pub fn new(id: u32) -> Self {
        Vxlan {
            id,
            remote: None,
            local: None,
            dev: None,
            dstport: 8472,
            srcport: (0, 0),
            ttl: OuterTtl::Auto,
            tos: 0,
            df: OuterDf::Unset,
            learning: true,
            ageing: 300,
            maxaddress: 0,
            proxy: false,
            rsc: false,
            l2miss: false,
            l3miss: false,
            udpcsum: true,
        }
    }

    /// The entry that it is born with, for what nobody knows.
    pub fn default_remote(&self) -> Option<Remote> {
        Some(Remote { dst: self.remote?, port: None, vni: None, via: self.dev })
    }
}

/// Where the frames for a MAC are sent (`NDA_DST` and its kin).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remote {
    /// The host, or a group.
    pub dst: Ipv4Addr,
    /// Its port, if it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The network's number there, if it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<u32>,
    /// The device to send by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<IfName>,
}
