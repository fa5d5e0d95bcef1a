//! Neighbours and forwarding database entries: `RTM_NEWNEIGH`, `RTM_DELNEIGH`, `RTM_GETNEIGH`.
//!
//! Kernel counterpart: `neigh_add()`, `pneigh_fill_info()`, `rtnl_fdb_add()`, `br_fdb_dump()`. Deliberately absent: VXLAN's
//! and other devices' own (`self`) entries, IPv6 neighbours in observations.

use crate::netlink::Request;
use crate::object::family;
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nettwin_model::vxlan::Remote;
use nettwin_model::{FdbEntry, FdbKind, IfName, Mac, Neigh, NeighExtra, Nud};
use std::net::{IpAddr, Ipv4Addr};

/// Adds a neighbour or a proxy entry.
pub(crate) fn add(index: u32, neigh: &Neigh, replace: bool) -> Request {
    Request::new(RouteNetlinkMessage::NewNeighbour(message(index, neigh)), creation(replace))
}

/// Removes a neighbour or a proxy entry.
pub(crate) fn del(index: u32, neigh: &Neigh) -> Request {
    let mut message = message(index, &Neigh { lladdr: None, extra: NeighExtra::default(), ..neigh.clone() });
    message.header.state = NeighbourState::None;
    Request::new(RouteNetlinkMessage::DelNeighbour(message), 0)
}

/// Asks for all IPv4 neighbours, or (`proxy`) for all proxy entries.
pub(crate) fn all(proxy: bool) -> RouteNetlinkMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Inet;
    if proxy {
        message.header.flags = NeighbourFlags::Proxy;
    }
    RouteNetlinkMessage::GetNeighbour(message)
}

fn creation(replace: bool) -> u16 {
    NLM_F_CREATE | if replace { NLM_F_REPLACE } else { NLM_F_EXCL }
}

fn message(index: u32, neigh: &Neigh) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(neigh.dst);
    message.header.ifindex = index;
    message.header.state = NeighbourState::from(neigh.state.bit());
    let dst = match neigh.dst {
        IpAddr::V4(a) => NeighbourAddress::Inet(a),
        IpAddr::V6(a) => NeighbourAddress::Inet6(a),
    };
    message.attributes.push(NeighbourAttribute::Destination(dst));
    let extra = neigh.extra;
    let flags = &mut message.header.flags;
    flags.set(NeighbourFlags::Router, extra.router);
    flags.set(NeighbourFlags::ExtLearned, extra.extern_learn);
    flags.set(NeighbourFlags::Use, extra.used);
    if extra.managed {
        message.attributes.push(NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed));
    }
    if extra.protocol != 0 {
        message.attributes.push(NeighbourAttribute::Protocol(extra.protocol.into()));
    }
    if neigh.proxy {
        message.header.flags |= NeighbourFlags::Proxy;
    } else if let Some(mac) = neigh.lladdr {
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
    }
    message
}

/// A row of a dump; `None` for what is no IPv4 neighbour on a device that has a name here.
pub(crate) fn parse(message: &RouteNetlinkMessage, name: impl Fn(u32) -> Option<IfName>) -> Option<Neigh> {
    let RouteNetlinkMessage::NewNeighbour(message) = message else { return None };
    if message.header.family != AddressFamily::Inet {
        return None;
    }
    let dst = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(a)) => Some(IpAddr::V4(*a)),
        _ => None,
    })?;
    let proxy = message.header.flags.contains(NeighbourFlags::Proxy);
    let bit = u16::from(message.header.state);
    let state = if proxy { Nud::Permanent } else { Nud::from_bit(bit)? };
    let lladdr = lladdr(message).filter(|_| !proxy);
    let mut extra = NeighExtra {
        router: message.header.flags.contains(NeighbourFlags::Router),
        extern_learn: message.header.flags.contains(NeighbourFlags::ExtLearned),
        ..NeighExtra::default()
    };
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::ExtFlags(flags) => extra.managed = flags.contains(NeighbourExtFlags::Managed),
            NeighbourAttribute::Protocol(protocol) => extra.protocol = u8::from(*protocol),
            _ => {}
        }
    }
    Some(Neigh { dev: name(message.header.ifindex)?, dst, lladdr, state, proxy, extra })
}

/// Adds a forwarding database entry to the bridge that the device is a port of, or is, or a destination to a VXLAN device's
/// (`via`: the index of the device that it is reached by).
pub(crate) fn add_fdb(index: u32, via: Option<u32>, entry: &FdbEntry, replace: bool) -> Request {
    let appends = entry.remote.is_some() && !replace;
    let flags = if appends { NLM_F_CREATE | NLM_F_APPEND } else { creation(replace) };
    Request::new(RouteNetlinkMessage::NewNeighbour(fdb_message(index, via, entry)), flags)
}

/// Removes one.
pub(crate) fn del_fdb(index: u32, via: Option<u32>, entry: &FdbEntry) -> Request {
    Request::new(RouteNetlinkMessage::DelNeighbour(fdb_message(index, via, entry)), 0)
}

/// Asks for all forwarding database entries.
pub(crate) fn all_fdb() -> RouteNetlinkMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    RouteNetlinkMessage::GetNeighbour(message)
}

fn fdb_message(index: u32, via: Option<u32>, entry: &FdbEntry) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = index;
    message.header.state = match entry.kind {
        FdbKind::Permanent => NeighbourState::Permanent,
        // A VXLAN device wants to hear that it is there, too.
        FdbKind::Static if entry.remote.is_some() => NeighbourState::Other(STATIC),
        FdbKind::Static => NeighbourState::Noarp,
        FdbKind::Learned => NeighbourState::Reachable,
    };
    // A port's entries are its master's; the bridge's own it keeps itself.
    message.header.flags = if entry.dev == entry.bridge { NeighbourFlags::Own } else { NeighbourFlags::Controller };
    if entry.sticky {
        message.header.flags |= NeighbourFlags::Sticky;
    }
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(entry.mac.0.to_vec()));
    if entry.vlan != 0 {
        message.attributes.push(NeighbourAttribute::Vlan(entry.vlan));
    }
    if let Some(remote) = entry.remote {
        message.attributes.push(NeighbourAttribute::Destination(NeighbourAddress::Inet(remote.dst)));
        message.attributes.extend(remote.port.map(NeighbourAttribute::Port));
        message.attributes.extend(remote.vni.map(NeighbourAttribute::Vni));
        message.attributes.extend(via.map(NeighbourAttribute::IfIndex));
    }
    message
}

/// `NUD_PERMANENT`.
const PERMANENT: u16 = 0x80;
/// `NUD_NOARP`.
const NOARP: u16 = 0x40;
/// `NUD_NOARP | NUD_REACHABLE`.
const STATIC: u16 = 0x42;

/// A row of a dump; `None` for a device's own multicast filters.
pub(crate) fn parse_fdb(message: &RouteNetlinkMessage, name: impl Fn(u32) -> Option<IfName>) -> Option<FdbEntry> {
    let RouteNetlinkMessage::NewNeighbour(message) = message else { return None };
    let (mut bridge, mut vlan) = (None, 0);
    let (mut dst, mut port, mut vni, mut via) = (None, None, None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Controller(index) => bridge = name(*index),
            NeighbourAttribute::Vlan(id) => vlan = *id,
            NeighbourAttribute::Destination(NeighbourAddress::Inet(addr)) => dst = Some(*addr),
            // Of whatever family, the packet crate does not know.
            NeighbourAttribute::Destination(NeighbourAddress::Other(bytes)) => {
                dst = <[u8; 4]>::try_from(bytes.as_slice()).ok().map(Ipv4Addr::from);
            }
            NeighbourAttribute::Port(number) => port = Some(*number),
            NeighbourAttribute::Vni(number) => vni = Some(*number),
            NeighbourAttribute::IfIndex(index) => via = name(*index),
            _ => {}
        }
    }
    // A VXLAN device's have several of them at once.
    let state = u16::from(message.header.state);
    let kind = match () {
        () if state & PERMANENT != 0 => FdbKind::Permanent,
        () if state & NOARP != 0 => FdbKind::Static,
        () => FdbKind::Learned,
    };
    let dev = name(message.header.ifindex)?;
    let remote = dst.map(|dst| Remote { dst, port, vni, via });
    Some(FdbEntry {
        // A VXLAN device keeps its own.
        bridge: bridge.or_else(|| remote.map(|_| dev))?,
        dev,
        mac: lladdr(message)?,
        kind,
        sticky: message.header.flags.contains(NeighbourFlags::Sticky),
        vlan,
        remote,
    })
}

/// Since a row of the forwarding database was last heard of, in hundredths of a second (`nda_cacheinfo`).
pub(crate) fn age(message: &RouteNetlinkMessage) -> u32 {
    let RouteNetlinkMessage::NewNeighbour(message) = message else { return 0 };
    let info = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::CacheInfo(info) => Some(info.updated),
        _ => None,
    });
    info.unwrap_or(0)
}

fn lladdr(message: &NeighbourMessage) -> Option<Mac> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => bytes.as_slice().try_into().ok().map(Mac),
        _ => None,
    })
}
