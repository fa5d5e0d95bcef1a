//! The kernel's objects on the wire: each file turns one kind of thing into rtnetlink messages and back.
//!
//! Kernel counterpart: `net/core/rtnetlink.c` and the families behind it. Everything here is a pure function: no socket,
//! no namespace. Deliberately absent: names of devices, which the callers translate to and from indices.

pub(crate) mod addr;
pub(crate) mod bond;
pub(crate) mod bridge;
pub(crate) mod link;
pub(crate) mod mdb;
pub(crate) mod neigh;
pub(crate) mod nexthop;
pub(crate) mod nsid;
pub(crate) mod queue;
pub(crate) mod route;
pub(crate) mod rule;
pub(crate) mod virtuals;
pub(crate) mod vlan;
pub(crate) mod vxlan;

use netlink_packet_route::AddressFamily;
use std::net::IpAddr;

pub(crate) fn family(addr: IpAddr) -> AddressFamily {
    if addr.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
