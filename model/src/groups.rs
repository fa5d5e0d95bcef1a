//! Groups that a namespace's links have joined.
//!
//! Kernel counterpart: `/proc/net/igmp` and `/proc/net/dev_mcast`. Deliberately absent: IPv6's groups, sources.

use crate::name::{IfName, Mac};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// What one link has joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkGroups {
    /// The link.
    pub dev: IfName,
    /// Its index.
    pub ifindex: u32,
    /// The version of IGMP that it speaks: 1, 2 or 3.
    pub version: u8,
    /// The groups, the newest first.
    pub groups: Vec<Joined>,
    /// The hardware addresses that it takes for them, the oldest first.
    pub macs: Vec<JoinedMac>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Which.
    pub group: Ipv4Addr,
    /// How many want it.
    pub users: u32,
    /// It was this link's host that last told routers of it.
    pub reporter: bool,
}

/// A group's hardware address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedMac {
    /// Which.
    pub mac: Mac,
    /// How many want it.
    pub users: u32,
    /// It was put in by hand (`ip maddr add`).
    pub by_hand: bool,
}

/// The hardware address of a group (`ip_eth_mc_map`).
pub fn group_mac(group: Ipv4Addr) -> Mac {
    let [_, b, c, d] = group.octets();
    Mac([1, 0, 0x5e, b & 0x7f, c, d])
}

/// The group that all hosts are in.
pub const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
