//! Observed state in canonical order, in three parts: what ops set, what the machine made of it, and what moves.
//!
//! `config` is what plans, `diff` and idempotence compare; `derived` is compared by `conform` besides; `volatile` is
//! printed, and compared only at sync points with its tolerance. Canonical order: maps by name; routes by table, prefix
//! (shortest last only in text, here by address then length), tos, metric, then the machine's own order.

use crate::addr::Address;
use crate::bond::BondSlave;
use crate::impair::Impairment;
use crate::link::{BridgeAttrs, BridgeId, LinkKind, LinkTraits, OperState, PortAttrs, PortState};
use crate::mdb::MdbEntry;
use crate::name::{IfName, Mac, NetnsName};
use crate::neigh::{FdbEntry, Neigh};
use crate::nexthop::NexthopObject;
use crate::queue::Queues;
use crate::route::Route;
use crate::rule::Rules;
use crate::rules::Ruleset;
use crate::sysctl::SysctlKey;
use crate::time::Instant;
use crate::vlan::BridgeVlan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Everything observed, a namespace each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The namespaces by name.
    pub netns: BTreeMap<NetnsName, NetnsState>,
}

/// One namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetnsState {
    /// What ops set.
    pub config: Config,
    /// What the machine made of it.
    pub derived: Derived,
    /// What moves by itself.
    pub volatile: Volatile,
}

/// What ops set. As *desired* state, an attribute left open (`None`) is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Links by name, `lo` included.
    pub links: BTreeMap<IfName, LinkConfig>,
    /// What links carry besides, where it is not as it is by default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub traits: BTreeMap<IfName, LinkTraits>,
    /// Routes that somebody added: every table, `proto kernel` and `proto redirect` excluded.
    pub routes: Vec<Route>,
    /// Nexthop objects, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nexthops: Vec<NexthopObject>,
    /// Policy rules, where they are not those that a namespace is born with.
    #[serde(default, skip_serializing_if = "Rules::are_born")]
    pub rules: Rules,
    /// Permanent and proxy neighbour entries, by device and address.
    pub neighs: Vec<Neigh>,
    /// Forwarding database entries that somebody added: static ones, and permanent ones of a MAC that is no port's own.
    pub fdb: Vec<FdbEntry>,
    /// The rules, without their counters and handles.
    #[serde(default, skip_serializing_if = "Ruleset::is_empty")]
    pub ruleset: Ruleset,
    /// The sysctls that the observation's [`Extent`](crate::backend::Extent) asked for.
    pub sysctls: BTreeMap<SysctlKey, String>,
}

/// A link as ops set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkConfig {
    /// What it is.
    pub kind: LinkKind,
    /// Administratively up.
    pub up: bool,
    /// Maximum transmission unit, bytes. `None` (desired only): as the machine makes it.
    pub mtu: Option<u32>,
    /// Hardware address. `None` (desired only): as the machine makes it. Observed: always given, zero for `lo`; of a bond's
    /// slave the one that it will have again.
    pub mac: Option<Mac>,
    /// The bridge it is a port of, or the VRF or the bond that it belongs to.
    pub master: Option<IfName>,
    /// IPv4 addresses in the kernel's order (primaries first). `127.0.0.1/8` on `lo`, which the machine adds itself when
    /// `lo` comes up, is not listed here but in [`LinkDerived::auto_addrs`].
    pub addrs: Vec<Address>,
    /// A bridge's attributes (observed: all; `None` unless it is a bridge).
    pub bridge: Option<BridgeAttrs>,
    /// A port's attributes (observed: all; `None` unless it is a bridge's port).
    pub port: Option<PortAttrs>,
    /// A port's or a bridge's own VLANs, by number. `None`: a machine that shows none; wanted: as the machine makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlans: Option<Vec<BridgeVlan>>,
    /// The impairment of what it sends (a netem root qdisc), if any.
    pub impairment: Option<Impairment>,
}

/// What the machine made of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derived {
    /// Links by name.
    pub links: BTreeMap<IfName, LinkDerived>,
    /// Routes that the machine made itself (`proto kernel`), main and local table, in canonical order.
    pub routes: Vec<Route>,
}

/// A link as the machine shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkDerived {
    /// Its index in its namespace, from 1.
    pub ifindex: u32,
    /// Operational state.
    pub operstate: OperState,
    /// Whether it has carrier (`LOWER_UP` when also up).
    pub carrier: bool,
    /// The peer's or lower device's ifindex in its own namespace (`IFLA_LINK`), if any.
    pub link_ifindex: Option<u32>,
    /// The root qdisc's kind: `noop`, `noqueue`, `netem`, …
    pub qdisc: String,
    /// The actual MTU, bytes.
    pub mtu: u32,
    /// The actual hardware address.
    pub mac: Mac,
    /// Addresses the machine added itself (`127.0.0.1/8` on `lo`).
    pub auto_addrs: Vec<Address>,
    /// A bridge's own view.
    pub bridge: Option<BridgeDerived>,
    /// A port's own view.
    pub port: Option<PortDerived>,
    /// The slave that a bond sends and receives by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_slave: Option<IfName>,
    /// What its bond made of a slave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bond_slave: Option<BondSlave>,
}

/// What a bridge made of its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeDerived {
    /// Its identifier.
    pub id: BridgeId,
    /// The root that it believes in.
    pub root: BridgeId,
    /// Its cost to the root.
    pub root_path_cost: u32,
    /// Its root port's number, 0 if it is the root.
    pub root_port: u16,
}

/// What a port made of its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortDerived {
    /// Its number, from 1.
    pub number: u16,
    /// Its STP state.
    pub state: PortState,
}

/// What moves by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volatile {
    /// Counters by link.
    pub stats: BTreeMap<IfName, LinkStats>,
    /// Neighbour entries that were resolved, by device and address. NOARP ones are left out, as `ip neigh` does.
    pub neighs: Vec<Neigh>,
    /// Neighbour entries that need no resolution or were never used: what `ip neigh show nud all` shows besides. They are
    /// not written down.
    #[serde(skip)]
    pub unasked: Vec<Neigh>,
    /// How often links got and lost carrier. Not written down.
    #[serde(skip)]
    pub carriers: BTreeMap<IfName, CarrierCounts>,
    /// Bonds' slaves in the order of coming, where the machine knows it. Not written down.
    #[serde(skip)]
    pub slaves: BTreeMap<IfName, Vec<IfName>>,
    /// When neighbours were used and heard of, by device and address. Not written down.
    #[serde(skip)]
    pub uses: BTreeMap<(IfName, IpAddr), NeighUse>,
    /// Learned forwarding database entries and the bridges' own (`permanent`), by bridge, MAC and port.
    pub fdb: Vec<FdbEntry>,
    /// Groups' members, by bridge, group, VLAN and port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mdb: Vec<MdbEntry>,
    /// The queues of links that have others than those they are born with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<IfName, Queues>,
}

/// How often a link got and lost carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarrierCounts {
    /// Got it.
    pub ups: u32,
    /// Lost it.
    pub downs: u32,
}

/// When a neighbour was used and heard of (`struct nda_cacheinfo`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighUse {
    /// When a packet last had to ask for it.
    pub used: Instant,
    /// When it last proved to be there; else so long before [`NeighUse::doubted`].
    pub confirmed: Result<Instant, Duration>,
    /// When it was made, or was last said to have another address that nobody has proved.
    pub doubted: Instant,
    /// When its state or address last changed.
    pub updated: Instant,
    /// Requests sent.
    pub probes: u32,
    /// How many hold it.
    pub refs: u32,
}

/// A link's counters (`struct rtnl_link_stats64`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStats {
    /// Frames received.
    pub rx_packets: u64,
    /// Bytes received, link header included, no padding, no FCS.
    pub rx_bytes: u64,
    /// Frames received and dropped.
    pub rx_dropped: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Frames dropped instead of sent.
    pub tx_dropped: u64,
}
