//! What a bridge tells of itself besides what a snapshot holds: its spanning tree's words and timers, and its forwarding
//! database in the machine's own order with ages.
//!
//! Kernel counterpart: `br_fill_info()`, `br_port_fill_attrs()`, `br_fdb_dump()`, and the same below `/sys/class/net`. It is
//! asked for, never observed: every value here moves by itself.

use crate::link::{BridgeId, PortState};
use crate::mdb::MdbEntry;
use crate::name::{IfName, Mac};
use crate::neigh::FdbEntry;
use crate::vlan::BridgeVlan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A bridge's moving parts. Timers and ages are in hundredths of a second; a timer that does not run is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeStatus {
    /// The root says that the topology changes.
    pub topology_change: bool,
    /// This bridge saw it change.
    pub topology_change_detected: bool,
    /// Until the next hello.
    pub hello_timer: u32,
    /// Until the root is told of a change again.
    pub tcn_timer: u32,
    /// Until the root stops telling of a change.
    pub topology_change_timer: u32,
    /// Until the forwarding database is next swept.
    pub gc_timer: u32,
    /// The ports by name.
    pub ports: BTreeMap<IfName, PortStatus>,
    /// The forwarding database, newest entry first.
    pub fdb: Vec<FdbAged>,
    /// The VLANs of the ports and of the bridge itself, by name and number. Nothing where the machine shows none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vlans: BTreeMap<IfName, Vec<VlanStatus>>,
    /// Groups' members, in the machine's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mdb: Vec<MdbAged>,
    /// The ports that multicast routers are behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routers: Vec<McastRouter>,
}

/// A group's member and how long it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MdbAged {
    /// The member.
    pub entry: MdbEntry,
    /// Whether somebody put it in (`proto static`); `None` for the bridge's own membership, of which that is not said.
    pub by_hand: Option<bool>,
    /// Until it is forgotten; 0 if it is not.
    pub timer: u32,
}

/// A port that a multicast router is behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct McastRouter {
    /// The port.
    pub port: IfName,
    /// `MDB_RTR_TYPE_*`.
    pub kind: u8,
    /// Until it is forgotten; 0 if it is not.
    pub timer: u32,
}

/// A VLAN's moving parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VlanStatus {
    /// Which, and of what kind.
    pub vlan: BridgeVlan,
    /// Its state at the port.
    pub state: PortState,
    /// What was counted; nothing unless the bridge counts (`vlan_stats_enabled`).
    pub count: VlanCount,
}

/// Counters of a VLAN (`struct bridge_vlan_xstats`), bytes without the Ethernet header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VlanCount {
    /// Frames that came in.
    pub rx_packets: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames that left.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
}

/// A port's moving parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStatus {
    /// Priority and number in one.
    pub id: u16,
    /// The root that the best word heard on its wire names.
    pub designated_root: BridgeId,
    /// Who said it.
    pub designated_bridge: BridgeId,
    /// By which port.
    pub designated_port: u16,
    /// At what cost.
    pub designated_cost: u16,
    /// A change is to be acknowledged here.
    pub topology_change_ack: bool,
    /// A word is to be said here as soon as the hold timer allows.
    pub config_pending: bool,
    /// Until that word is forgotten.
    pub message_age_timer: u32,
    /// Until the next state on the way to forwarding.
    pub forward_delay_timer: u32,
    /// Until the next word may be said.
    pub hold_timer: u32,
}

impl Default for PortStatus {
    fn default() -> Self {
        let nobody = BridgeId { priority: 0, mac: Mac::ZERO };
        PortStatus {
            id: 0,
            designated_root: nobody,
            designated_bridge: nobody,
            designated_port: 0,
            designated_cost: 0,
            topology_change_ack: false,
            config_pending: false,
            message_age_timer: 0,
            forward_delay_timer: 0,
            hold_timer: 0,
        }
    }
}

/// An entry of the forwarding database and its age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdbAged {
    /// The entry.
    pub entry: FdbEntry,
    /// Since it was last heard of.
    pub age: u32,
}
