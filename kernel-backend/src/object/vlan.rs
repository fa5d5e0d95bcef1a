//! VLANs of bridges and their ports: `RTM_SETLINK`, `RTM_DELLINK` and `RTM_GETLINK` of `PF_BRIDGE`.
//!
//! Kernel counterpart: `br_afspec()`, `br_fill_ifvlaninfo()`. Deliberately absent: options of a VLAN (`RTM_NEWVLAN`), tunnels.

use crate::netlink::Request;
use netlink_packet_route::link::{
    AfSpecBridge, BridgeFlag, BridgeVlanInfo, BridgeVlanInfoFlags as Flags, LinkAttribute, LinkExtentMask, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nettwin_model::{BridgeVlan, VlanRange};

/// Gives VLANs to a port, or (`own`) to a bridge itself.
pub(crate) fn add(index: u32, vlans: &VlanRange, own: bool) -> Request {
    Request::new(RouteNetlinkMessage::SetLink(message(index, vlans, own)), 0)
}

/// Takes VLANs away.
pub(crate) fn del(index: u32, vlans: &VlanRange, own: bool) -> Request {
    Request::new(RouteNetlinkMessage::DelLink(message(index, vlans, own)), 0)
}

/// Asks for the VLANs of all bridges and ports.
pub(crate) fn all() -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::Brvlan]));
    RouteNetlinkMessage::GetLink(message)
}

/// A row of that: the device's index and its VLANs, by number.
pub(crate) fn parse(message: RouteNetlinkMessage) -> Option<(u32, Vec<BridgeVlan>)> {
    let RouteNetlinkMessage::NewLink(message) = message else { return None };
    let mut vlans = Vec::new();
    for attribute in message.attributes {
        let LinkAttribute::AfSpecBridge(parts) = attribute else { continue };
        for part in parts {
            let AfSpecBridge::VlanInfo(info) = part else { continue };
            let (pvid, untagged) = (info.flags.contains(Flags::Pvid), info.flags.contains(Flags::Untagged));
            vlans.push(BridgeVlan { vid: info.vid, pvid, untagged });
        }
    }
    Some((message.header.index, vlans))
}

fn message(index: u32, vlans: &VlanRange, own: bool) -> LinkMessage {
    let mut flags = Flags::empty();
    flags.set(Flags::Pvid, vlans.pvid);
    flags.set(Flags::Untagged, vlans.untagged);
    let info = |vid, more| AfSpecBridge::VlanInfo(BridgeVlanInfo { flags: flags | more, vid });
    let mut spec = Vec::new();
    if own {
        spec.push(AfSpecBridge::Flags(BridgeFlag::LowerDev));
    }
    if vlans.first == vlans.last {
        spec.push(info(vlans.first, Flags::empty()));
    } else {
        spec.extend([info(vlans.first, Flags::RangeBegin), info(vlans.last, Flags::RangeEnd)]);
    }
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.header.index = index;
    message.attributes.push(LinkAttribute::AfSpecBridge(spec));
    message
}
