//! Groups that a bridge knows members of: its multicast database.
//!
//! Kernel counterpart: `struct br_mdb_entry`, `struct net_bridge_port_group`. Deliberately absent: members of one source's
//! frames only (IGMPv3's and MLDv2's filters).

use crate::name::{IfName, Mac};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Whom frames are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Group {
    /// An IPv4 group.
    Ip(Ipv4Addr),
    /// An IPv6 group.
    Ip6(Ipv6Addr),
    /// An Ethernet group of frames that are no IP.
    Mac(Mac),
}

impl std::fmt::Display for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Group::Ip(addr) => addr.fmt(f),
            Group::Ip6(addr) => addr.fmt(f),
            Group::Mac(mac) => mac.fmt(f),
        }
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MdbEntry {
    /// The bridge.
    pub bridge: IfName,
    /// The port that members are behind, or the bridge itself.
    pub port: IfName,
    /// The group.
    pub group: Group,
    /// The VLAN that it counts in; 0 for none.
    #[serde(default, skip_serializing_if = "crate::neigh::is_none")]
    pub vlan: u16,
    /// It is not forgotten.
    pub permanent: bool,
}
