//! Nexthop objects: `RTM_NEWNEXTHOP`, `RTM_DELNEXTHOP`, `RTM_GETNEXTHOP`, which the packet crates do not know.
//!
//! Kernel counterpart: `struct nhmsg`, `NHA_*` and `struct nexthop_grp` of `linux/nexthop.h`. Deliberately absent: resilient
//! groups, encapsulation, nexthops of a forwarding database; in observations also IPv6 gateways.

use crate::netlink::Raw;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use nettwin_model::{Fault, IfName, NexthopKind, NexthopMember, NexthopObject, Scope};
use std::net::{IpAddr, Ipv4Addr};

const RTM_NEWNEXTHOP: u16 = 104;
const RTM_DELNEXTHOP: u16 = 105;
const RTM_GETNEXTHOP: u16 = 106;

const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_GROUP_TYPE: u16 = 3;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;

const RTNH_F_ONLINK: u32 = 4;
/// Family, scope, protocol, a reserved byte, flags.
const HEADER_BYTES: usize = 8;

/// Adds or replaces an object.
pub(crate) fn add(
    nexthop: &NexthopObject,
    replace: bool,
    index: &mut dyn FnMut(&IfName) -> Result<u32, Fault>,
) -> Result<Raw, Fault> {
    let (mut family, mut flags, mut body) = (libc::AF_INET, 0, Vec::new());
    match &nexthop.kind {
        NexthopKind::Blackhole => attribute(&mut body, NHA_BLACKHOLE, &[]),
        NexthopKind::Way { via, dev, onlink } => {
            match via {
                Some(IpAddr::V4(via)) => attribute(&mut body, NHA_GATEWAY, &via.octets()),
                Some(IpAddr::V6(via)) => {
                    family = libc::AF_INET6;
                    attribute(&mut body, NHA_GATEWAY, &via.octets());
                }
                None => {}
            }
            if let Some(dev) = dev {
                attribute(&mut body, NHA_OIF, &index(dev)?.to_ne_bytes());
            }
            flags = if *onlink { RTNH_F_ONLINK } else { 0 };
        }
        NexthopKind::Group(members) => {
            family = libc::AF_UNSPEC;
            let entries: Vec<u8> = members.iter().flat_map(entry).collect();
            attribute(&mut body, NHA_GROUP, &entries);
            attribute(&mut body, NHA_GROUP_TYPE, &0u16.to_ne_bytes());
        }
    }
    if nexthop.id != 0 {
        attribute(&mut body, NHA_ID, &nexthop.id.to_ne_bytes());
    }
    // The address families fit in a byte.
    let mut message = vec![family as u8, 0, nexthop.proto, 0];
    message.extend(flags.to_ne_bytes());
    message.extend(body);
    let flags = NLM_F_CREATE | if replace { NLM_F_REPLACE } else { NLM_F_EXCL };
    Ok(Raw { kind: RTM_NEWNEXTHOP, flags, body: message })
}

/// `struct nexthop_grp`: the weight less one.
fn entry(member: &NexthopMember) -> [u8; 8] {
    let mut out = [0; 8];
    out[..4].copy_from_slice(&member.id.to_ne_bytes());
    // 1 to 256; what does not fit the kernel never sees.
    out[4] = member.weight.clamp(1, 256).wrapping_sub(1) as u8;
    out
}

/// Removes an object.
pub(crate) fn del(id: u32) -> Raw {
    let mut body = vec![0; HEADER_BYTES];
    attribute(&mut body, NHA_ID, &id.to_ne_bytes());
    Raw { kind: RTM_DELNEXTHOP, flags: 0, body }
}

/// Asks for all of them.
pub(crate) fn all() -> Raw {
    Raw { kind: RTM_GETNEXTHOP, flags: 0, body: vec![0; HEADER_BYTES] }
}

/// Appends an attribute.
pub(super) fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // Groups of at most some hundred members.
    out.extend((value.len() as u16 + 4).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A row of a dump; `None` for what the model has no words for.
pub(crate) fn parse(bytes: &[u8], name: &dyn Fn(u32) -> Option<IfName>) -> Option<NexthopObject> {
    let (header, mut rest) = bytes.split_at_checked(HEADER_BYTES)?;
    let flags = u32::from_ne_bytes(header[4..8].try_into().ok()?);
    let mut out = NexthopObject { id: 0, kind: NexthopKind::Blackhole, proto: header[2], scope: None };
    let (mut via, mut dev, mut blackhole, mut group) = (None, None, false, None);
    while let Some((kind, value, more)) = next_attribute(rest) {
        rest = more;
        match kind {
            NHA_ID => out.id = number(value)?,
            NHA_GATEWAY => via = Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?))),
            NHA_OIF => dev = name(number(value)?),
            NHA_BLACKHOLE => blackhole = true,
            NHA_GROUP => group = Some(value.chunks_exact(8).map(member).collect::<Option<Vec<_>>>()?),
            _ => {}
        }
    }
    match group {
        Some(members) => out.kind = NexthopKind::Group(members),
        None if blackhole => {}
        None => {
            out.kind = NexthopKind::Way { via, dev, onlink: flags & RTNH_F_ONLINK != 0 };
            out.scope = Some(Scope(header[1]));
        }
    }
    Some(out)
}

fn member(entry: &[u8]) -> Option<NexthopMember> {
    Some(NexthopMember { id: number(entry.get(..4)?)?, weight: u16::from(*entry.get(4)?) + 1 })
}

fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}

fn next_attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
    let kind = u16::from_ne_bytes(bytes.get(2..4)?.try_into().ok()?);
    let value = bytes.get(4..length)?;
    Some((kind & 0x3fff, value, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: NexthopKind, scope: Option<Scope>) {
        let nexthop = NexthopObject { id: 7, kind, proto: 4, scope };
        let mut message = add(&nexthop, false, &mut |_| Ok(3)).unwrap().body;
        message[1] = scope.map_or(0, |s| s.0);
        assert_eq!(parse(&message, &|_| IfName::new("eth0").ok()), Some(nexthop));
    }

    #[test]
    fn objects_come_back_as_they_went() {
        let dev = IfName::new("eth0").ok();
        let via = "10.0.0.2".parse().ok();
        check(NexthopKind::Blackhole, None);
        check(NexthopKind::Way { via, dev, onlink: true }, Some(Scope::LINK));
        check(NexthopKind::Way { via: None, dev, onlink: false }, Some(Scope::HOST));
        let members = [(1, 1), (2, 256)].map(|(id, weight)| NexthopMember { id, weight });
        check(NexthopKind::Group(members.to_vec()), None);
    }
}
