//! Devices that are software alone, beside veths and bridges: what each kind is made with and shows.
//!
//! Kernel counterpart: `linux/if_link.h` (`IFLA_INFO_DATA` of each kind). One type says what is to be made
//! ([`NewLink`](crate::NewLink)) and what is seen ([`LinkKind`](crate::LinkKind)), since the kernel shows what it was told.
//! Bonds have a file of their own ([`crate::bond`]). Deliberately absent: the queues that read a TAP device.

use crate::bond::BondAttrs;
use crate::name::{IfName, Mac, NetnsName};
use crate::vxlan::{Vxlan, VxlanChange};
use serde::{Deserialize, Serialize};

/// A kind of device with its attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Virtual {
    /// Takes all that it is to send and does nothing with it.
    Dummy,
    /// One 802.1Q network of what a device carries.
    Vlan(Vlan),
    /// A station of its own on the wire of another device.
    Macvlan(Macvlan),
    /// A domain of its own for routes: its members' packets ask its table.
    Vrf {
        /// The table.
        table: u32,
    },
    /// A TAP or TUN device that stays: the wire is a descriptor, and nobody need hold it.
    Tun(Tun),
    /// Several devices as one, of which one carries the frames (`active-backup`).
    Bond(Box<BondAttrs>),
    /// Ethernet frames in UDP datagrams.
    Vxlan(Box<Vxlan>),
}

/// A device of `ip tuntap add` (`IFLA_TUN_*`, `TUNSETIFF`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tun {
    /// What is read and written.
    pub mode: TunMode,
    /// Each packet has four bytes about it in front.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pi: bool,
    /// Each packet has a header about offloads in front.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vnet_hdr: bool,
    /// Several may read and write it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multi_queue: bool,
    /// Who may open it besides root, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// Whose members may, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
}

/// What a descriptor of a [`Tun`] carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TunMode {
    /// Frames, from the Ethernet header on.
    #[default]
    Tap,
    /// Packets: there is no Ethernet and there are no addresses of it.
    Tun,
}

impl TunMode {
    /// The word that `ip` prints and takes.
    pub fn word(self) -> &'static str {
        match self {
            TunMode::Tap => "tap",
            TunMode::Tun => "tun",
        }
    }
}

impl Tun {
    /// One as it is unless somebody says otherwise.
    pub fn new(mode: TunMode) -> Self {
        Tun { mode, ..Tun::default() }
    }

    /// Its `txqueuelen` at birth.
    pub fn txqueuelen(&self) -> u32 {
        match self.mode {
            TunMode::Tap => 1000,
            TunMode::Tun => 500,
        }
    }
}

/// What `ip link set … type` can change of a device that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VirtualChange {
    /// A VLAN's.
    Vlan(VlanChange),
    /// A macvlan's.
    Macvlan {
        /// How it goes about with its siblings.
        mode: MacvlanMode,
    },
    /// Whom a macvlan hears.
    MacvlanSources(Sources),
    /// A bond's.
    Bond(Box<BondAttrs>),
    /// A VXLAN device's.
    Vxlan(VxlanChange),
}

impl VirtualChange {
    /// The word that `ip link set type` takes.
    pub fn word(&self) -> &'static str {
        match self {
            VirtualChange::Vlan(_) => "vlan",
            VirtualChange::Macvlan { .. } | VirtualChange::MacvlanSources(_) => "macvlan",
            VirtualChange::Bond(_) => "bond",
            VirtualChange::Vxlan(_) => "vxlan",
        }
    }
}

/// A macvlan (`IFLA_MACVLAN_*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Macvlan {
    /// The device that it sits on (`None` if it is outside what can be seen).
    pub lower: Option<Lower>,
    /// How it goes about with its siblings.
    #[serde(default)]
    pub mode: MacvlanMode,
    /// Whom it hears in the mode `source`, in the kernel's order ([`hear_source`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Mac>,
}

/// What is said anew of whom a macvlan hears (`IFLA_MACVLAN_MACADDR_MODE`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sources {
    /// One more.
    Add(Mac),
    /// One less.
    Del(Mac),
    /// These and no others.
    Set(Vec<Mac>),
    /// Nobody.
    Flush,
}

/// Enters one more whom a macvlan hears: by their hashes, and of those that share one the newest first
/// (`macvlan_hash_add_source`).
pub fn hear_source(list: &mut Vec<Mac>, mac: Mac) {
    if !list.contains(&mac) {
        let at = list.partition_point(|known| source_hash(*known) < source_hash(mac));
        list.insert(at, mac);
    }
}

/// `macvlan_eth_hash`, `hash_64`.
fn source_hash(Mac([a, b, c, d, e, f]): Mac) -> u64 {
    const GOLDEN_RATIO: u64 = 0x61c8_8646_80b5_83eb;
    u64::from_le_bytes([0, 0, a, b, c, d, e, f]).wrapping_mul(GOLDEN_RATIO) >> 56
}

/// How macvlans of one device go about with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MacvlanMode {
    /// Not at all.
    Private,
    /// By a switch at the other end of the wire that sends back what it gets.
    #[default]
    Vepa,
    /// At once.
    Bridge,
    /// There is one only, and it has the device for itself.
    Passthru,
    /// It receives what certain others send, whoever it is for.
    Source,
}

impl MacvlanMode {
    const ALL: [MacvlanMode; 5] =
        [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Passthru, MacvlanMode::Source];

    /// The word that `ip` prints and takes.
    pub fn word(self) -> &'static str {
        match self {
            MacvlanMode::Private => "private",
            MacvlanMode::Vepa => "vepa",
            MacvlanMode::Bridge => "bridge",
            MacvlanMode::Passthru => "passthru",
            MacvlanMode::Source => "source",
        }
    }

    /// From that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// A VLAN device (`IFLA_VLAN_*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vlan {
    /// The device that it sits on (`None` if it is outside what can be seen).
    pub lower: Option<Lower>,
    /// The network's number, 0 to 4094.
    pub id: u16,
    /// What its tags are called.
    #[serde(default)]
    pub protocol: VlanProtocol,
    /// It goes up and down by itself and not with the device that it sits on.
    #[serde(default)]
    pub loose_binding: bool,
    /// The tags of what it receives are not seen on it.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub reorder_hdr: bool,
    /// What a tag's priority makes of a packet's, as [`map_ingress`] has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<(u32, u32)>,
    /// What a packet's priority makes of its tag's, as [`map_egress`] has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<(u32, u32)>,
}

fn yes() -> bool {
    true
}

/// What is said anew of a VLAN device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VlanChange {
    /// Whether it goes up and down by itself.
    pub loose_binding: Option<bool>,
    /// Whether tags are not seen on it.
    pub reorder_hdr: Option<bool>,
    /// Priorities of tags, and what they become; 0 takes an entry away.
    pub ingress: Vec<(u32, u32)>,
    /// Priorities of packets, and what they become; 0 takes an entry away.
    pub egress: Vec<(u32, u32)>,
}

/// Enters what a tag's priority becomes, in their order (`vlan_dev_set_ingress_priority`).
pub fn map_ingress(map: &mut Vec<(u32, u32)>, (from, to): (u32, u32)) {
    let from = from & 7;
    map.retain(|(known, _)| *known != from);
    if to != 0 {
        let at = map.partition_point(|(known, _)| *known < from);
        map.insert(at, (from, to));
    }
}

/// Enters what becomes of a packet's priority: in the kernel's order, sixteen lists with the newest first
/// (`vlan_dev_set_egress_priority`). An entry of 0 keeps its place and is not shown.
pub fn map_egress(map: &mut Vec<(u32, u32)>, (from, to): (u32, u32)) {
    let to = to & 7;
    match map.iter_mut().find(|(known, _)| *known == from) {
        Some(entry) => entry.1 = to,
        None => {
            let at = map.partition_point(|(known, _)| known & 15 < from & 15);
            map.insert(at, (from, to));
        }
    }
}

impl Vlan {
    /// One as it is unless somebody says otherwise.
    pub fn new(id: u16) -> Self {
        Vlan {
            lower: None,
            id,
            protocol: VlanProtocol::default(),
            loose_binding: false,
            reorder_hdr: true,
            ingress: Vec::new(),
            egress: Vec::new(),
        }
    }
}

/// What a tag is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VlanProtocol {
    /// 802.1Q: a customer's.
    #[default]
    #[serde(rename = "802.1Q")]
    Dot1q,
    /// 802.1ad: a provider's, around those.
    #[serde(rename = "802.1ad")]
    Dot1ad,
}

impl VlanProtocol {
    /// The word that `ip` prints and takes.
    pub fn word(self) -> &'static str {
        match self {
            VlanProtocol::Dot1q => "802.1Q",
            VlanProtocol::Dot1ad => "802.1ad",
        }
    }

    /// The ethertype.
    pub fn number(self) -> u16 {
        match self {
            VlanProtocol::Dot1q => 0x8100,
            VlanProtocol::Dot1ad => 0x88a8,
        }
    }
}

/// A device that another sits on: its namespace and name.
pub type Lower = (NetnsName, IfName);

impl Virtual {
    /// The word that `ip link add type` takes.
    pub fn word(&self) -> &'static str {
        match self {
            Virtual::Dummy => "dummy",
            Virtual::Vlan(_) => "vlan",
            Virtual::Macvlan(_) => "macvlan",
            Virtual::Vrf { .. } => "vrf",
            Virtual::Tun(_) => "tun",
            Virtual::Bond(_) => "bond",
            Virtual::Vxlan(_) => "vxlan",
        }
    }

    /// What a device of this kind is called that was given no name, before its number.
    pub fn prefix(&self) -> &'static str {
        match self {
            Virtual::Tun(tun) => tun.mode.word(),
            kind => kind.word(),
        }
    }

    /// Whether it has an Ethernet header and a MAC.
    pub fn has_mac(&self) -> bool {
        !matches!(self, Virtual::Tun(Tun { mode: TunMode::Tun, .. }))
    }

    /// A device of its own namespace that must be there before it and is not what it sits on.
    pub fn needs(&self) -> Option<IfName> {
        match self {
            Virtual::Vxlan(of) => of.dev,
            _ => None,
        }
    }

    /// The device that it sits on.
    pub fn lower(&self) -> Option<&Lower> {
        match self {
            Virtual::Dummy | Virtual::Vrf { .. } | Virtual::Tun(_) | Virtual::Bond(_) | Virtual::Vxlan(_) => None,
            Virtual::Vlan(vlan) => vlan.lower.as_ref(),
            Virtual::Macvlan(macvlan) => macvlan.lower.as_ref(),
        }
    }

    /// The device that it sits on, to say otherwise.
    pub fn lower_mut(&mut self) -> Option<&mut Option<Lower>> {
        match self {
            Virtual::Dummy | Virtual::Vrf { .. } | Virtual::Tun(_) | Virtual::Bond(_) | Virtual::Vxlan(_) => None,
            Virtual::Vlan(vlan) => Some(&mut vlan.lower),
            Virtual::Macvlan(macvlan) => Some(&mut macvlan.lower),
        }
    }

    /// The least and the greatest MTU, bytes; 0 for no limit.
    pub fn mtu_limits(&self) -> (u32, u32) {
        match self {
            Virtual::Dummy => (0, 0),
            Virtual::Vlan(_) => (0, 65535),
            Virtual::Macvlan(_) | Virtual::Bond(_) | Virtual::Vxlan(_) => (68, 65535),
            Virtual::Vrf { .. } => (1280, 65575),
            Virtual::Tun(Tun { mode: TunMode::Tap, .. }) => (68, 65521),
            Virtual::Tun(Tun { mode: TunMode::Tun, .. }) => (68, 65535),
        }
    }

    /// Whether it has the flag `BROADCAST`.
    pub fn has_broadcast(&self) -> bool {
        !matches!(self, Virtual::Vrf { .. }) && self.has_mac()
    }

    /// Whether others are enslaved to it (`MASTER`).
    pub fn is_master(&self) -> bool {
        matches!(self, Virtual::Vrf { .. } | Virtual::Bond(_))
    }

    /// Whether it asks for neighbours' addresses (not `NOARP`).
    pub fn has_arp(&self) -> bool {
        match self {
            Virtual::Dummy | Virtual::Vrf { .. } => false,
            Virtual::Vlan(_) | Virtual::Macvlan(_) | Virtual::Bond(_) | Virtual::Vxlan(_) => true,
            Virtual::Tun(_) => self.has_mac(),
        }
    }

    /// Whether it is born with the flag `MULTICAST`.
    pub fn has_multicast(&self) -> bool {
        match self {
            Virtual::Dummy | Virtual::Vrf { .. } => false,
            Virtual::Vlan(_) | Virtual::Macvlan(_) | Virtual::Tun(_) | Virtual::Bond(_) | Virtual::Vxlan(_) => true,
        }
    }
}
