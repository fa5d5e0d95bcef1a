//! Routes as rtnetlink carries them. Their words are in [`crate::words`].
//!
//! Kernel counterpart: `struct rtmsg` and `RTA_*` in `linux/rtnetlink.h`, `struct fib_config`. Deliberately absent:
//! encapsulation, IPv6-only attributes.

use crate::addr::{Cidr, Scope};
use crate::metrics::{LOCK_MTU, Metrics};
use crate::name::IfName;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The main routing table.
pub const TABLE_MAIN: u32 = 254;
/// The table of local and broadcast addresses.
pub const TABLE_LOCAL: u32 = 255;
/// The default table, empty unless filled.
pub const TABLE_DEFAULT: u32 = 253;

/// Who made the route: `RTPROT_*`.
pub mod proto {
    /// By an ICMP redirect.
    pub const REDIRECT: u8 = 1;
    /// By the kernel itself, with an address.
    pub const KERNEL: u8 = 2;
    /// By `ip route add` without a word about it.
    pub const BOOT: u8 = 3;
    /// By the administrator, said so.
    pub const STATIC: u8 = 4;
}

/// What happens to a packet that takes the route: `RTN_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Sent on by a gateway or on a link.
    Unicast,
    /// Delivered here.
    Local,
    /// Delivered here as a broadcast, sent as one.
    Broadcast,
    /// A multicast route.
    Multicast,
    /// Dropped silently; a local sender gets EINVAL.
    Blackhole,
    /// Refused with host unreachable; a local sender gets EHOSTUNREACH.
    Unreachable,
    /// Refused as administratively prohibited; a local sender gets EACCES.
    Prohibit,
    /// The search goes on in the next rule's table.
    Throw,
}

impl RouteKind {
    /// iproute2's word.
    pub fn word(self) -> &'static str {
        match self {
            RouteKind::Unicast => "unicast",
            RouteKind::Local => "local",
            RouteKind::Broadcast => "broadcast",
            RouteKind::Multicast => "multicast",
            RouteKind::Blackhole => "blackhole",
            RouteKind::Unreachable => "unreachable",
            RouteKind::Prohibit => "prohibit",
            RouteKind::Throw => "throw",
        }
    }
}

/// One way to go: a gateway, a device, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nexthop {
    /// The gateway; `None` means the destination is on the link.
    pub via: Option<IpAddr>,
    /// The device. May be left out when adding a route with a gateway: the machine finds it.
    pub dev: Option<IfName>,
    /// Weight among several nexthops, 1 to 256.
    pub weight: u16,
    /// Believe that the gateway is on the link without looking it up.
    pub onlink: bool,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What becomes of packets.
    pub kind: RouteKind,
    /// The destination prefix.
    pub dst: Cidr,
    /// Type of service it is limited to, 0 for any.
    pub tos: u8,
    /// The table, 1 to 2^32 - 1.
    pub table: u32,
    /// The metric (`RTA_PRIORITY`), lower wins, 0 by default.
    pub metric: u32,
    /// Who made it, `RTPROT_*`.
    pub proto: u8,
    /// How far the destination is; `None` when adding: global with a gateway, link without, host for local.
    pub scope: Option<Scope>,
    /// The preferred source address.
    pub prefsrc: Option<IpAddr>,
    /// The MTU metric, bytes.
    pub mtu: Option<u32>,
    /// The MTU is locked: no path MTU discovery, no DF.
    pub mtu_lock: bool,
    /// The advertised MSS metric, bytes.
    pub advmss: Option<u32>,
    /// The other metrics.
    #[serde(default, skip_serializing_if = "Metrics::is_empty")]
    pub metrics: Metrics,
    /// The nexthop object that says where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhid: Option<u32>,
    /// Where to: empty for blackhole and its like, one for most, several for multipath. With a nexthop
    /// object: observed, what it leads to; otherwise empty.
    pub nexthops: Vec<Nexthop>,
}

impl Route {
    /// A unicast route to `dst` in the main table, made by `ip route add`.
    pub fn new(dst: Cidr) -> Self {
        Route {
            kind: RouteKind::Unicast,
            dst,
            tos: 0,
            table: TABLE_MAIN,
            metric: 0,
            proto: proto::BOOT,
            scope: None,
            prefsrc: None,
            mtu: None,
            mtu_lock: false,
            advmss: None,
            metrics: Metrics::default(),
            nhid: None,
            nexthops: Vec::new(),
        }
    }

    /// With one nexthop by gateway.
    pub fn via(mut self, gateway: IpAddr) -> Self {
        self.first_nexthop().via = Some(gateway);
        self
    }

    /// With one nexthop by device.
    pub fn dev(mut self, dev: IfName) -> Self {
        self.first_nexthop().dev = Some(dev);
        self
    }

    /// `RTAX_LOCK`: which metrics are locked, a bit each by the kernel's number.
    pub fn locked(&self) -> u32 {
        self.metrics.locked | if self.mtu_lock { LOCK_MTU } else { 0 }
    }

    fn first_nexthop(&mut self) -> &mut Nexthop {
        if self.nexthops.is_empty() {
            self.nexthops.push(Nexthop { via: None, dev: None, weight: 1, onlink: false });
        }
        &mut self.nexthops[0]
    }
}
