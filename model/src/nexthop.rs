//! Nexthop objects and groups: ways that routes name by number instead of carrying them.
//!
//! Kernel counterpart: `struct nhmsg` and `NHA_*` of `linux/nexthop.h`, `net/ipv4/nexthop.c`. Deliberately absent:
//! resilient groups, encapsulation, nexthops of a forwarding database, IPv6 gateways.

use crate::addr::Scope;
use crate::name::IfName;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a nexthop object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NexthopKind {
    /// Drops what takes it.
    Blackhole,
    /// A way.
    Way {
        /// The gateway; `None`: the destination is on the link.
        via: Option<IpAddr>,
        /// The device; the kernel wants it said.
        dev: Option<IfName>,
        /// Believe that the gateway is on the link without looking it up.
        onlink: bool,
    },
    /// Several others, each flow by one of them.
    Group(Vec<NexthopMember>),
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NexthopMember {
    /// The nexthop's number.
    pub id: u32,
    /// Its weight, 1 to 256.
    pub weight: u16,
}

/// A nexthop object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NexthopObject {
    /// Its number. 0 when adding: the lowest that is free behind the last that was given so.
    pub id: u32,
    /// What it is.
    pub kind: NexthopKind,
    /// Who made it, `RTPROT_*`.
    pub proto: u8,
    /// How near it is: link for a gateway, host for an own address or none. `None` when adding, and for what has none.
    pub scope: Option<Scope>,
}

impl NexthopObject {
    /// The device that it leads by.
    pub fn dev(&self) -> Option<IfName> {
        match self.kind {
            NexthopKind::Way { dev, .. } => dev,
            _ => None,
        }
    }

    /// Whether what was wanted is there: the scope is the kernel's to find.
    pub fn is_as_wanted(&self, wanted: &NexthopObject) -> bool {
        (self.id, &self.kind, self.proto) == (wanted.id, &wanted.kind, wanted.proto)
    }
}
