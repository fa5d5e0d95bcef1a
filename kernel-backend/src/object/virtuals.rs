//! Devices of software alone: `IFLA_INFO_KIND` and `IFLA_INFO_DATA` of each kind.
//!
//! Kernel counterpart: the `newlink` and `fill_info` of each kind's `rtnl_link_ops`.

use super::bond::{self, Named};
use super::vxlan;
use netlink_packet_core::Nla;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, InfoTun, InfoVlan, InfoVrf, MacVlanMacAddressMode as Heard, MacVlanMode,
    VlanFlags, VlanProtocol as packet, VlanQosMapping,
};
use nettwin_model::virtuals::{
    Macvlan, MacvlanMode, Sources, Tun, TunMode, VirtualChange, Vlan, VlanChange, VlanProtocol,
};
use nettwin_model::{Mac, Virtual};

/// The kind as rtnetlink names it.
pub(crate) fn info_kind(kind: &Virtual) -> InfoKind {
    match kind {
        Virtual::Dummy => InfoKind::Dummy,
        Virtual::Vlan(_) => InfoKind::Vlan,
        Virtual::Macvlan(_) => InfoKind::MacVlan,
        Virtual::Vrf { .. } => InfoKind::Vrf,
        Virtual::Tun(_) => InfoKind::Tun,
        Virtual::Bond(_) => InfoKind::Bond,
        Virtual::Vxlan(_) => InfoKind::Vxlan,
    }
}

/// What is said of a device that is made. `needs`: the index of the device that it needs.
pub(crate) fn info_data(kind: &Virtual, named: Named, needs: Option<u32>) -> Option<InfoData> {
    match kind {
        // A TAP device is not made so: see [`crate::tun`].
        Virtual::Dummy | Virtual::Tun(_) => None,
        Virtual::Vlan(vlan) => {
            let mut attributes = vec![
                InfoVlan::Id(vlan.id),
                InfoVlan::Protocol(match vlan.protocol {
                    VlanProtocol::Dot1q => packet::Ieee8021Q,
                    VlanProtocol::Dot1ad => packet::Ieee8021Ad,
                }),
            ];
            // The newest of a list is the first.
            let egress = vlan.egress.iter().rev().copied().collect();
            attributes.extend(of_vlan(&VlanChange {
                loose_binding: Some(vlan.loose_binding),
                reorder_hdr: Some(vlan.reorder_hdr),
                ingress: vlan.ingress.clone(),
                egress,
            }));
            Some(InfoData::Vlan(attributes))
        }
        Virtual::Vxlan(of) => Some(InfoData::Vxlan(vxlan::attributes(of, needs))),
        Virtual::Vrf { table } => Some(InfoData::Vrf(vec![InfoVrf::TableId(*table)])),
        Virtual::Bond(attrs) => Some(InfoData::Bond(bond::born(attrs, named))),
        Virtual::Macvlan(macvlan) => {
            let mut attributes = vec![mode_of(macvlan.mode)];
            if !macvlan.sources.is_empty() {
                // Of those that share a hash the newest is the first.
                attributes.extend(heard(&Sources::Set(macvlan.sources.iter().rev().copied().collect())));
            }
            Some(InfoData::MacVlan(attributes))
        }
    }
}

/// A device's kind as far as its name tells.
pub(crate) fn parse(kind: &InfoKind) -> Option<Virtual> {
    match kind {
        InfoKind::Dummy => Some(Virtual::Dummy),
        _ => None,
    }
}

/// The same with what the kernel shows of it.
pub(crate) fn parse_data(data: &InfoData) -> Option<Virtual> {
    match data {
        InfoData::Vlan(attributes) => Some(Virtual::Vlan(vlan(attributes))),
        InfoData::Vrf(attributes) => attributes.iter().find_map(|attribute| match attribute {
            InfoVrf::TableId(table) => Some(Virtual::Vrf { table: *table }),
            _ => None,
        }),
        InfoData::MacVlan(attributes) => macvlan(attributes).map(Virtual::Macvlan),
        InfoData::Vxlan(attributes) => vxlan::parse(attributes).map(|of| Virtual::Vxlan(Box::new(of))),
        InfoData::Tun(attributes) => tun(attributes).map(Virtual::Tun),
        InfoData::Bond(attributes) => bond::parse(attributes).map(|attrs| Virtual::Bond(Box::new(attrs))),
        _ => None,
    }
}

fn vlan(attributes: &[InfoVlan]) -> Vlan {
    // What has no flag at all does not tell of them.
    let mut out = Vlan { reorder_hdr: false, ..Vlan::new(0) };
    for attribute in attributes {
        match attribute {
            InfoVlan::Id(id) => out.id = *id,
            InfoVlan::Protocol(packet::Ieee8021Ad) => out.protocol = VlanProtocol::Dot1ad,
            InfoVlan::Flags((flags, _)) => {
                out.loose_binding = flags.contains(VlanFlags::LooseBinding);
                out.reorder_hdr = flags.contains(VlanFlags::ReorderHdr);
            }
            InfoVlan::IngressQos(map) => out.ingress = pairs(map),
            InfoVlan::EgressQos(map) => out.egress = pairs(map),
            _ => {}
        }
    }
    out
}

/// `IFLA_TUN_*`, which the packet crate leaves as they come. One that goes with its holder is none of ours.
fn tun(attributes: &[InfoTun]) -> Option<Tun> {
    // IFF_TUN is 1, IFF_TAP 2.
    const LAYER_3: u32 = 1;
    let (mut out, mut stays) = (Tun::default(), false);
    for attribute in attributes {
        let mut bytes = [0; 4];
        let length = attribute.value_len();
        if length > bytes.len() {
            continue;
        }
        attribute.emit_value(&mut bytes[..length]);
        let number = if length == 1 { u32::from(bytes[0]) } else { u32::from_ne_bytes(bytes) };
        match attribute.kind() {
            1 => out.user = Some(number),
            2 => out.group = Some(number),
            3 => out.mode = if number == LAYER_3 { TunMode::Tun } else { TunMode::Tap },
            4 => out.pi = number != 0,
            5 => out.vnet_hdr = number != 0,
            6 => stays = number != 0,
            7 => out.multi_queue = number != 0,
            _ => {}
        }
    }
    Some(out).filter(|_| stays)
}

/// A mode that the model has no word for makes a device that is none of ours.
fn macvlan(attributes: &[InfoMacVlan]) -> Option<Macvlan> {
    let (mut found, mut sources) = (None, Vec::new());
    for attribute in attributes {
        match attribute {
            InfoMacVlan::Mode(mode) => {
                found = Some(match mode {
                    MacVlanMode::Private => MacvlanMode::Private,
                    MacVlanMode::Vepa => MacvlanMode::Vepa,
                    MacVlanMode::Bridge => MacvlanMode::Bridge,
                    MacVlanMode::Passthrough => MacvlanMode::Passthru,
                    MacVlanMode::Source => MacvlanMode::Source,
                    _ => return None,
                });
            }
            InfoMacVlan::MacAddrData(list) => {
                sources.extend(list.iter().filter_map(|attribute| match attribute {
                    InfoMacVlan::MacAddr(bytes) => Some(Mac(*bytes)),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    found.map(|mode| Macvlan { lower: None, mode, sources })
}

/// Whom a macvlan hears.
fn heard(sources: &Sources) -> Vec<InfoMacVlan> {
    let one = |mac: &Mac| InfoMacVlan::MacAddr(mac.0);
    match sources {
        Sources::Add(mac) => vec![InfoMacVlan::MacAddrMode(Heard::Add), one(mac)],
        Sources::Del(mac) => vec![InfoMacVlan::MacAddrMode(Heard::Del), one(mac)],
        Sources::Flush => vec![InfoMacVlan::MacAddrMode(Heard::Flush)],
        Sources::Set(list) => {
            let list = list.iter().map(one).collect();
            vec![InfoMacVlan::MacAddrMode(Heard::Set), InfoMacVlan::MacAddrData(list)]
        }
    }
}

fn mode_of(mode: MacvlanMode) -> InfoMacVlan {
    InfoMacVlan::Mode(match mode {
        MacvlanMode::Private => MacVlanMode::Private,
        MacvlanMode::Vepa => MacVlanMode::Vepa,
        MacvlanMode::Bridge => MacVlanMode::Bridge,
        MacvlanMode::Passthru => MacVlanMode::Passthrough,
        MacvlanMode::Source => MacVlanMode::Source,
    })
}

fn pairs(map: &[VlanQosMapping]) -> Vec<(u32, u32)> {
    let pair = |mapping: &VlanQosMapping| match mapping {
        VlanQosMapping::Mapping(from, to) => Some((*from, *to)),
        _ => None,
    };
    map.iter().filter_map(pair).collect()
}

/// Flags and maps of a VLAN device, as far as they are said.
fn of_vlan(change: &VlanChange) -> Vec<InfoVlan> {
    let said = [(VlanFlags::LooseBinding, change.loose_binding), (VlanFlags::ReorderHdr, change.reorder_hdr)];
    let (mut flags, mut mask) = (VlanFlags::empty(), VlanFlags::empty());
    for (flag, on) in said {
        flags.set(flag, on == Some(true));
        mask.set(flag, on.is_some());
    }
    let map = |pairs: &[(u32, u32)]| pairs.iter().map(|&(from, to)| VlanQosMapping::Mapping(from, to)).collect();
    let mut out = Vec::new();
    if !mask.is_empty() {
        out.push(InfoVlan::Flags((flags, mask)));
    }
    if !change.ingress.is_empty() {
        out.push(InfoVlan::IngressQos(map(&change.ingress)));
    }
    if !change.egress.is_empty() {
        out.push(InfoVlan::EgressQos(map(&change.egress)));
    }
    out
}

/// What is said of a device that is there.
pub(crate) fn change(change: &VirtualChange, named: Named) -> (InfoKind, InfoData) {
    match change {
        VirtualChange::Vlan(change) => (InfoKind::Vlan, InfoData::Vlan(of_vlan(change))),
        VirtualChange::Macvlan { mode } => (InfoKind::MacVlan, InfoData::MacVlan(vec![mode_of(*mode)])),
        VirtualChange::Bond(attrs) => (InfoKind::Bond, InfoData::Bond(bond::attributes(attrs, named))),
        VirtualChange::Vxlan(said) => (InfoKind::Vxlan, InfoData::Vxlan(vxlan::changes(said, named.dev))),
        VirtualChange::MacvlanSources(sources) => (InfoKind::MacVlan, InfoData::MacVlan(heard(sources))),
    }
}
