//! Numbers of namespaces: `RTM_GETNSID`.
//!
//! Kernel counterpart: `rtnl_net_getid()`. Each namespace numbers those that its links refer to. Asking gives no number.
//! Deliberately absent: setting numbers.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::nsid::{NsidAttribute, NsidMessage};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Asks which number the asked namespace has for this one.
pub(crate) fn get(netns: BorrowedFd<'_>) -> RouteNetlinkMessage {
    let mut message = NsidMessage::default();
    // A descriptor's number is never negative.
    message.attributes.push(NsidAttribute::Fd(netns.as_raw_fd().cast_unsigned()));
    RouteNetlinkMessage::GetNsId(message)
}

/// The number; `None` if it has none.
pub(crate) fn parse(message: &RouteNetlinkMessage) -> Option<i32> {
    let RouteNetlinkMessage::NewNsId(message) = message else { return None };
    message.attributes.iter().find_map(|attribute| match attribute {
        NsidAttribute::Id(id) if *id >= 0 => Some(*id),
        _ => None,
    })
}
