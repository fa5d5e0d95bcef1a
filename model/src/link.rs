//! Link kinds and their attributes, as rtnetlink names them.
//!
//! Kernel counterpart: `linux/if_link.h` (`IFLA_BR_*`, `IFLA_BRPORT_*`), RFC 2863 for operstate. Kinds beside loopback,
//! veth and bridge are in [`crate::virtuals`].

use crate::name::{IfName, Mac, NetnsName};
use crate::virtuals::{Lower, Virtual};
use serde::{Deserialize, Serialize};

/// What a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// `lo`, which every namespace is born with.
    Loopback,
    /// One end of a virtual Ethernet pair; `peer` is the other end (`None` if it is outside what can be seen).
    Veth {
        /// The other end's namespace and name.
        peer: Option<(NetnsName, IfName)>,
    },
    /// A software bridge.
    Bridge,
    /// A kind that nettwin does not make; observed, never touched.
    Other(String),
    /// Another device of software alone.
    #[serde(untagged)]
    Virtual(Virtual),
}

impl LinkKind {
    /// Whether it is a bond.
    pub fn is_bond(&self) -> bool {
        matches!(self, LinkKind::Virtual(Virtual::Bond(_)))
    }

    /// The word that `ip -d link` prints and `ip link add type` takes.
    pub fn word(&self) -> &str {
        match self {
            LinkKind::Loopback => "loopback",
            LinkKind::Veth { .. } => "veth",
            LinkKind::Bridge => "bridge",
            LinkKind::Other(kind) => kind,
            LinkKind::Virtual(kind) => kind.word(),
        }
    }

    /// What the kernel shows as its `IFLA_LINK`: a veth's other end, or what it sits on, as far as that can be seen.
    pub fn link(&self) -> Option<&Lower> {
        match self {
            LinkKind::Veth { peer } => peer.as_ref(),
            LinkKind::Virtual(kind) => kind.lower(),
            LinkKind::Loopback | LinkKind::Bridge | LinkKind::Other(_) => None,
        }
    }

    /// The least and the greatest MTU, bytes; 0 for no limit.
    pub fn mtu_limits(&self) -> (u32, u32) {
        match self {
            LinkKind::Loopback => (0, 0),
            LinkKind::Virtual(kind) => kind.mtu_limits(),
            LinkKind::Veth { .. } | LinkKind::Bridge | LinkKind::Other(_) => (68, 65535),
        }
    }

    /// Whether it asks for neighbours' addresses. `lo` has none to ask, though its flags do not say so.
    pub fn has_arp(&self) -> bool {
        !matches!(self, LinkKind::Virtual(kind) if !kind.has_arp())
    }

    /// Whether it has an Ethernet header and a MAC.
    pub fn has_mac(&self) -> bool {
        !matches!(self, LinkKind::Virtual(kind) if !kind.has_mac())
    }

    /// Whether it is born with the flag `MULTICAST`.
    pub fn has_multicast(&self) -> bool {
        match self {
            LinkKind::Loopback => false,
            LinkKind::Virtual(kind) => kind.has_multicast(),
            LinkKind::Veth { .. } | LinkKind::Bridge | LinkKind::Other(_) => true,
        }
    }
}

/// What a link carries besides, as it is unless somebody said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTraits {
    /// `txqueuelen`, packets.
    pub txqueuelen: u32,
    /// `alias`, a description.
    pub alias: Option<String>,
    /// `group`, 0 for none.
    pub group: u32,
    /// `promisc`.
    pub promisc: bool,
    /// `allmulticast`.
    pub allmulti: bool,
    /// `multicast off`, or on where the kind is born without it.
    pub no_multicast: bool,
    /// `arp off`, or on where the kind is born without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_arp: bool,
    /// Further names (`altname`), each as good as the first, at most 127 bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altnames: Vec<String>,
}

impl Default for LinkTraits {
    fn default() -> Self {
        LinkTraits {
            txqueuelen: 1000,
            alias: None,
            group: 0,
            promisc: false,
            allmulti: false,
            no_multicast: false,
            no_arp: false,
            altnames: Vec::new(),
        }
    }
}

/// Declares a struct of optional attributes with the operations that plans need on them.
macro_rules! attrs {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty = $default:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$fdoc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$ty>,)*
        }

        impl $name {
            /// The kernel's values for a new one, every attribute given.
            pub fn kernel_default() -> Self {
                $name { $($field: Some($default),)* }
            }

            /// Whether nothing is said.
            pub fn is_empty(&self) -> bool {
                true $(&& self.$field.is_none())*
            }

            /// These attributes, with what they leave open taken from `base`.
            pub fn or(&self, base: &Self) -> Self {
                $name { $($field: self.$field.or(base.$field),)* }
            }

            /// What these attributes say that `other` does not have so.
            pub fn changes_from(&self, other: &Self) -> Self {
                $name { $($field: self.$field.filter(|v| other.$field != Some(*v)),)* }
            }
        }
    };
}

attrs! {
    /// A bridge's attributes; `None` leaves the attribute as it is. Times are in hundredths of a second (`USER_HZ`), as
    /// iproute2 and sysfs say them.
    BridgeAttrs {
        /// Spanning tree protocol on or off.
        stp_state: bool = false;
        /// Time in listening and in learning, 1/100 s; 200 to 3000 while STP is on.
        forward_delay: u32 = 1500;
        /// Time between hellos, 1/100 s; 100 to 1000.
        hello_time: u32 = 200;
        /// Age at which the root's word is forgotten, 1/100 s; 600 to 4000.
        max_age: u32 = 2000;
        /// Time after which an unseen MAC is forgotten, 1/100 s; 0 turns the bridge into a hub.
        ageing_time: u32 = 30000;
        /// Bridge priority, 0 to 65535; the lowest (priority, MAC) is the root.
        priority: u16 = 32768;
        /// Which reserved 01:80:c2:00:00:0X are forwarded, bit X each; bits 0 to 2 are refused.
        group_fwd_mask: u16 = 0;
        /// IGMP and MLD snooping.
        mcast_snooping: bool = true;
        /// Whether the bridge itself queries for members.
        mcast_querier: bool = false;
        /// Whether multicast routers are behind the bridge itself: 0 never, 1 as queries tell, 2 always.
        mcast_router: u8 = 1;
        /// How often members are asked for before a group without them is forgotten.
        mcast_last_member_count: u32 = 2;
        /// How many queries are sent in quick succession when the bridge begins to query.
        mcast_startup_query_count: u32 = 2;
        /// Time between those questions, 1/100 s.
        mcast_last_member_interval: u32 = 100;
        /// Time after which a member that says nothing is forgotten, 1/100 s.
        mcast_membership_interval: u32 = 26000;
        /// Time after which another querier that says nothing is forgotten, 1/100 s.
        mcast_querier_interval: u32 = 25500;
        /// Time between queries, 1/100 s.
        mcast_query_interval: u32 = 12500;
        /// Time that members have to answer, 1/100 s.
        mcast_query_response_interval: u32 = 1000;
        /// Time between the first queries, 1/100 s; a kernel that counts in ticks of 4 ms shows 3124.
        mcast_startup_query_interval: u32 = 3125;
        /// 802.1Q VLAN filtering.
        vlan_filtering: bool = false;
        /// Whose tags it goes by: 0x8100 (802.1Q) or 0x88a8 (802.1ad).
        vlan_protocol: u16 = crate::vlan::PROTO_8021Q;
        /// The VLAN of what comes untagged into a new port, 0 for none.
        vlan_default_pvid: u16 = 1;
        /// Frames are counted by VLAN.
        vlan_stats_enabled: bool = false;
        /// They are so at each port; to be said while the bridge has none.
        vlan_stats_per_port: bool = false;
        /// How many MACs may be learned; 0 means no limit.
        fdb_max_learned: u32 = 0;
    }
}

attrs! {
    /// A bridge port's attributes; `None` leaves the attribute as it is.
    PortAttrs {
        /// STP path cost, 1 to 65535 (2 for a veth, which reports 10 Gbit/s).
        cost: u32 = 2;
        /// STP port priority, 0 to 63.
        priority: u16 = 32;
        /// May a frame leave by the port it came from?
        hairpin: bool = false;
        /// Does a BPDU received shut the port (BPDU guard)?
        guard: bool = false;
        /// May the port not become a root port?
        root_block: bool = false;
        /// Is a multicast leave believed at once?
        fastleave: bool = false;
        /// Are source MACs learned?
        learning: bool = true;
        /// Does unknown unicast leave by this port?
        flood: bool = true;
        /// Does unknown multicast leave by this port?
        mcast_flood: bool = true;
        /// Does broadcast leave by this port?
        bcast_flood: bool = true;
        /// Isolated ports do not talk to each other.
        isolated: bool = false;
        /// Is a frame from an unknown source dropped?
        locked: bool = false;
        /// Does the bridge answer ARP for known neighbours instead of flooding?
        neigh_suppress: bool = false;
        /// Is a multicast router behind it: 0 never, 1 as queries tell, 2 always, 3 for now?
        mcast_router: u8 = 1;
    }
}

impl PortAttrs {
    /// What is said of a new port; of multicast routers only where it is something else.
    pub fn shown_by_all() -> Self {
        PortAttrs { mcast_router: None, ..PortAttrs::kernel_default() }
    }

    /// Without what is not said where it is the default.
    pub fn sparse(mut self) -> Self {
        self.mcast_router = self.mcast_router.filter(|kind| *kind != 1);
        self
    }
}

impl BridgeAttrs {
    /// Without what is not said where it is the default.
    pub fn sparse(mut self) -> Self {
        let default = BridgeAttrs::kernel_default();
        let drop = |said: &mut Option<u32>, default: Option<u32>| *said = said.filter(|v| Some(*v) != default);
        drop(&mut self.mcast_last_member_count, default.mcast_last_member_count);
        drop(&mut self.mcast_startup_query_count, default.mcast_startup_query_count);
        drop(&mut self.mcast_last_member_interval, default.mcast_last_member_interval);
        drop(&mut self.mcast_membership_interval, default.mcast_membership_interval);
        drop(&mut self.mcast_querier_interval, default.mcast_querier_interval);
        drop(&mut self.mcast_query_interval, default.mcast_query_interval);
        drop(&mut self.mcast_query_response_interval, default.mcast_query_response_interval);
        drop(&mut self.mcast_startup_query_interval, default.mcast_startup_query_interval);
        self.mcast_startup_query_interval = self.mcast_startup_query_interval.filter(|v| *v != TICKS_STARTUP);
        self.mcast_router = self.mcast_router.filter(|kind| Some(*kind) != default.mcast_router);
        self
    }

    /// What every kernel shows of a new bridge: of VLANs, one built without them shows only that they are not filtered. The
    /// times of multicast are said only where they are others than [`kernel_default`](Self::kernel_default)'s.
    pub fn shown_by_all() -> Self {
        BridgeAttrs {
            vlan_protocol: None,
            vlan_default_pvid: None,
            vlan_stats_enabled: None,
            vlan_stats_per_port: None,
            mcast_router: None,
            mcast_last_member_count: None,
            mcast_startup_query_count: None,
            mcast_last_member_interval: None,
            mcast_membership_interval: None,
            mcast_querier_interval: None,
            mcast_query_interval: None,
            mcast_query_response_interval: None,
            mcast_startup_query_interval: None,
            ..BridgeAttrs::kernel_default()
        }
    }
}

/// The usual time between the first queries, by a kernel that counts in ticks of 4 ms.
const TICKS_STARTUP: u32 = 3124;

/// RFC 2863 operational state, in the kernel's numbering (`IF_OPER_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OperState {
    /// 0.
    Unknown,
    /// 1.
    NotPresent,
    /// 2.
    Down,
    /// 3.
    LowerLayerDown,
    /// 4.
    Testing,
    /// 5.
    Dormant,
    /// 6.
    Up,
}

impl OperState {
    /// The word that `ip link` prints.
    pub fn word(self) -> &'static str {
        match self {
            OperState::Unknown => "UNKNOWN",
            OperState::NotPresent => "NOTPRESENT",
            OperState::Down => "DOWN",
            OperState::LowerLayerDown => "LOWERLAYERDOWN",
            OperState::Testing => "TESTING",
            OperState::Dormant => "DORMANT",
            OperState::Up => "UP",
        }
    }

    /// From the kernel's number.
    pub fn from_number(n: u8) -> Option<Self> {
        use OperState::*;
        [Unknown, NotPresent, Down, LowerLayerDown, Testing, Dormant, Up].get(usize::from(n)).copied()
    }
}

/// A bridge port's STP state, in the kernel's numbering (`BR_STATE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// 0.
    Disabled,
    /// 1.
    Listening,
    /// 2.
    Learning,
    /// 3.
    Forwarding,
    /// 4.
    Blocking,
}

impl PortState {
    /// The word that `bridge link` prints.
    pub fn word(self) -> &'static str {
        match self {
            PortState::Disabled => "disabled",
            PortState::Listening => "listening",
            PortState::Learning => "learning",
            PortState::Forwarding => "forwarding",
            PortState::Blocking => "blocking",
        }
    }

    /// From the kernel's number.
    pub fn from_number(n: u8) -> Option<Self> {
        use PortState::*;
        [Disabled, Listening, Learning, Forwarding, Blocking].get(usize::from(n)).copied()
    }
}

/// A bridge identifier: priority and MAC, as `8000.0200deadbeef`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BridgeId {
    /// The priority, 0 to 65535.
    pub priority: u16,
    /// The bridge's MAC.
    pub mac: Mac,
}

impl std::fmt::Display for BridgeId {
    /// As `brctl` prints it: four hexadecimal digits, a dot, twelve.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.mac.0;
        write!(f, "{:04x}.{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{g:02x}", self.priority)
    }
}
