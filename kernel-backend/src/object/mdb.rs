//! Groups' members: `RTM_NEWMDB`, `RTM_DELMDB`, `RTM_GETMDB`, in bytes, as the packet crates have no types for them.
//!
//! Kernel counterpart: `br_mdb_parse()`, `br_mdb_fill_info()`, `br_rports_fill_info()`. Deliberately absent: sources, whose
//! entries are left out of what is read.

use crate::netlink::Raw;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use nettwin_model::bridge::{McastRouter, MdbAged};
use nettwin_model::{Group, IfName, Mac, MdbEntry};
use std::net::Ipv4Addr;

const RTM_NEWMDB: u16 = 84;
const RTM_DELMDB: u16 = 85;
const RTM_GETMDB: u16 = 86;
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;
/// `struct br_mdb_entry`.
const ENTRY_BYTES: usize = 28;
/// `struct br_port_msg`.
const HEADER_BYTES: usize = 8;

/// Adds a member.
pub(crate) fn add(bridge: u32, port: u32, entry: &MdbEntry) -> Raw {
    Raw { kind: RTM_NEWMDB, flags: NLM_F_CREATE | NLM_F_EXCL, body: body(bridge, port, entry) }
}

/// Removes a member.
pub(crate) fn del(bridge: u32, port: u32, entry: &MdbEntry) -> Raw {
    Raw { kind: RTM_DELMDB, flags: 0, body: body(bridge, port, entry) }
}

/// Asks for all members.
pub(crate) fn all() -> Raw {
    Raw { kind: RTM_GETMDB, flags: 0, body: header(0) }
}

fn header(bridge: u32) -> Vec<u8> {
    let mut out = vec![libc::PF_BRIDGE as u8, 0, 0, 0]; // 7
    out.extend(bridge.to_ne_bytes());
    out
}

fn body(bridge: u32, port: u32, entry: &MdbEntry) -> Vec<u8> {
    const MDBA_SET_ENTRY: u16 = 1;
    let mut out = header(bridge);
    out.extend((ENTRY_BYTES as u16 + 4).to_ne_bytes());
    out.extend(MDBA_SET_ENTRY.to_ne_bytes());
    out.extend(port.to_ne_bytes());
    out.extend([u8::from(entry.permanent), 0]);
    out.extend(entry.vlan.to_ne_bytes());
    let mut addr = [0; 16];
    let proto = match entry.group {
        Group::Ip(group) => {
            addr[..4].copy_from_slice(&group.octets());
            ETH_P_IP
        }
        Group::Ip6(group) => {
            addr = group.octets();
            ETH_P_IPV6
        }
        Group::Mac(mac) => {
            addr[..6].copy_from_slice(&mac.0);
            0
        }
    };
    out.extend(addr);
    out.extend(proto.to_be_bytes());
    out.extend([0, 0]);
    out
}

/// What a row of a dump says of a bridge.
pub(crate) struct Row {
    pub(crate) bridge: u32,
    pub(crate) mdb: Vec<MdbAged>,
    pub(crate) routers: Vec<McastRouter>,
}

/// Reads a row.
pub(crate) fn parse(body: &[u8], name: &dyn Fn(u32) -> Option<IfName>) -> Option<Row> {
    const MDBA_MDB: u16 = 1;
    const MDBA_ROUTER: u16 = 2;
    let bridge = u32_at(body, 4)?;
    let bridge_name = name(bridge)?;
    let mut row = Row { bridge, mdb: Vec::new(), routers: Vec::new() };
    for (kind, value) in Attributes(body.get(HEADER_BYTES..)?) {
        match kind {
            MDBA_MDB => {
                let infos = Attributes(value).flat_map(|(_, entry)| Attributes(entry));
                row.mdb.extend(infos.filter_map(|(_, info)| member(info, bridge_name, name)));
            }
            MDBA_ROUTER => row.routers.extend(Attributes(value).filter_map(|(_, port)| router(port, name))),
            _ => {}
        }
    }
    Some(row)
}

fn member(info: &[u8], bridge: IfName, name: &dyn Fn(u32) -> Option<IfName>) -> Option<MdbAged> {
    const TIMER: u16 = 1;
    const SOURCE: u16 = 4;
    const PROTOCOL: u16 = 5;
    const RTPROT_STATIC: u8 = 4;
    let entry = info.get(..ENTRY_BYTES)?;
    let group = match u16::from_be_bytes([entry[24], entry[25]]) {
        ETH_P_IP => Group::Ip(Ipv4Addr::new(entry[8], entry[9], entry[10], entry[11])),
        ETH_P_IPV6 => Group::Ip6(<[u8; 16]>::try_from(&entry[8..24]).ok()?.into()),
        0 => Group::Mac(Mac([entry[8], entry[9], entry[10], entry[11], entry[12], entry[13]])),
        _ => return None,
    };
    let (mut timer, mut by_hand) = (0, None);
    for (kind, value) in Attributes(&info[ENTRY_BYTES..]) {
        match kind {
            TIMER => timer = u32_at(value, 0)?,
            SOURCE => return None,
            PROTOCOL => by_hand = Some(*value.first()? == RTPROT_STATIC),
            _ => {}
        }
    }
    let port = name(u32_at(entry, 0)?)?;
    let vlan = u16::from_ne_bytes([entry[6], entry[7]]);
    let by_hand = by_hand.filter(|_| port != bridge);
    Some(MdbAged { entry: MdbEntry { bridge, port, group, vlan, permanent: entry[4] != 0 }, by_hand, timer })
}

fn router(port: &[u8], name: &dyn Fn(u32) -> Option<IfName>) -> Option<McastRouter> {
    const TIMER: u16 = 1;
    const TYPE: u16 = 2;
    let mut out = McastRouter { port: name(u32_at(port, 0)?)?, kind: 0, timer: 0 };
    for (kind, value) in Attributes(port.get(4..)?) {
        match kind {
            TIMER => out.timer = u32_at(value, 0)?,
            TYPE => out.kind = *value.first()?,
            _ => {}
        }
    }
    Some(out)
}

/// Attributes one behind the other: a length, a kind, a value.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        const KIND: u16 = 0x3fff;
        let bytes = self.0;
        let length = usize::from(u16::from_ne_bytes([*bytes.first()?, *bytes.get(1)?]));
        let kind = u16::from_ne_bytes([*bytes.get(2)?, *bytes.get(3)?]) & KIND;
        let value = bytes.get(4..length)?;
        self.0 = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
