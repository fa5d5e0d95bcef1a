//! IPv4 addresses of interfaces: `RTM_NEWADDR`, `RTM_DELADDR`, `RTM_GETADDR`.
//!
//! Kernel counterpart: `inet_rtm_newaddr()`, `inet_fill_ifaddr()`. Deliberately absent:
//! observation of IPv6 addresses (they can be added where IPv6 was switched on, and are then the caller's affair).

use crate::netlink::Request;
use crate::object::family;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, CacheInfo};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nettwin_model::{Address, Cidr, IfName, Scope};
use std::net::IpAddr;

/// Adds an address.
pub(crate) fn add(index: u32, address: &Address) -> Request {
    Request::new(RouteNetlinkMessage::NewAddress(message(index, address)), NLM_F_CREATE | NLM_F_EXCL)
}

/// Changes an address, or adds it.
pub(crate) fn change(index: u32, address: &Address) -> Request {
    Request::new(RouteNetlinkMessage::NewAddress(message(index, address)), NLM_F_CREATE | NLM_F_REPLACE)
}

/// Removes an address. Only what tells it from others is said: a label or a broadcast address would have to match too.
pub(crate) fn del(index: u32, address: &Address) -> Request {
    let bare = Address {
        broadcast: None,
        label: None,
        noprefixroute: false,
        autojoin: false,
        metric: 0,
        valid_lft: None,
        preferred_lft: None,
        ..address.clone()
    };
    Request::new(RouteNetlinkMessage::DelAddress(message(index, &bare)), 0)
}

/// Asks for all IPv4 addresses.
pub(crate) fn all() -> RouteNetlinkMessage {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    RouteNetlinkMessage::GetAddress(message)
}

fn message(index: u32, address: &Address) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.cidr.addr);
    message.header.index = index;
    message.header.scope = address.scope.0.into();
    message.header.prefix_len = address.peer.unwrap_or(address.cidr).len;
    let far_end = address.peer.map_or(address.cidr.addr, |peer| peer.addr);
    let attributes = &mut message.attributes;
    attributes.push(AddressAttribute::Local(address.cidr.addr));
    attributes.push(AddressAttribute::Address(far_end));
    attributes.extend(address.broadcast.map(AddressAttribute::Broadcast));
    attributes.extend(address.label.clone().map(AddressAttribute::Label));
    let mut flags = AddressFlags::empty();
    flags.set(AddressFlags::Noprefixroute, address.noprefixroute);
    flags.set(AddressFlags::Mcautojoin, address.autojoin);
    if !flags.is_empty() {
        attributes.push(AddressAttribute::Flags(flags));
    }
    if address.metric != 0 {
        attributes.push(AddressAttribute::RoutePriority(address.metric));
    }
    if address.valid_lft.or(address.preferred_lft).is_some() {
        let mut info = CacheInfo::default();
        info.ifa_valid = address.valid_lft.unwrap_or(u32::MAX);
        info.ifa_preferred = address.preferred_lft.unwrap_or(u32::MAX);
        attributes.push(AddressAttribute::CacheInfo(info));
    }
    message
}

/// An interface's index and one of its addresses; `None` for any other message. `own_name` is the interface's.
pub(crate) fn parse(message: &RouteNetlinkMessage, own_name: impl Fn(u32) -> Option<IfName>) -> Option<(u32, Address)> {
    let RouteNetlinkMessage::NewAddress(message) = message else { return None };
    let (mut local, mut far_end, mut broadcast, mut label) = (None, None, None, None);
    let (mut flags, mut lifetimes, mut metric) = (AddressFlags::empty(), (None, None), 0);
    let limited = |seconds: u32| Some(seconds).filter(|s| *s != u32::MAX);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(addr) => local = Some(*addr),
            AddressAttribute::Address(addr) => far_end = Some(*addr),
            AddressAttribute::Broadcast(addr) => broadcast = Some(*addr),
            AddressAttribute::Flags(bits) => flags = *bits,
            AddressAttribute::CacheInfo(info) => lifetimes = (limited(info.ifa_valid), limited(info.ifa_preferred)),
            AddressAttribute::RoutePriority(priority) => metric = *priority,
            AddressAttribute::Label(text) => label = Some(text.clone()),
            _ => {}
        }
    }
    let index = message.header.index;
    let local = local.or(far_end)?;
    let subnet = Cidr::new(far_end.unwrap_or(local), message.header.prefix_len)?;
    let peer = (subnet.addr != local).then_some(subnet);
    let cidr = if peer.is_some() { Cidr::host(local) } else { subnet };
    let name = own_name(index);
    let label = label.filter(|label| name.is_none_or(|name| name.as_str() != label));
    let scope = Scope(message.header.scope.into());
    let secondary = message.header.flags.contains(AddressHeaderFlags::Secondary);
    let address = Address {
        cidr,
        peer,
        broadcast,
        scope,
        label,
        secondary,
        noprefixroute: flags.contains(AddressFlags::Noprefixroute),
        autojoin: flags.contains(AddressFlags::Mcautojoin),
        metric,
        valid_lft: lifetimes.0,
        preferred_lft: lifetimes.1,
        deprecated: flags.contains(AddressFlags::Deprecated),
    };
    Some((index, address))
}

/// The address that `lo` gives itself when it comes up.
pub(crate) fn is_automatic(address: &Address, loopback: bool) -> bool {
    let localhost = Cidr { addr: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), len: 8 };
    loopback && address.cidr == localhost && address.peer.is_none() && address.scope == Scope::HOST
}
