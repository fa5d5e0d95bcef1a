//! What goes through: TTL, MTU, redirect.
//!
//! Kernel counterpart: `net/ipv4/ip_forward.c`. Edits in place and allocates nothing. Deliberately absent: sockets that
//! ask for router alerts.

use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::ip::{flag, frag, icmp, options};
use crate::netns::Netns;
use crate::nf;
use crate::path::{Cast, Next, Pkt, Stage};
use crate::world::World;
use nettwin_model::rules::Hook;
use nettwin_model::wire::{IPV4_LEN, Icmp, Ipv4, decrement_ttl};

/// Stage [`Stage::IpForward`].
#[inline]
pub(crate) fn forward(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    if pkt.cast != Cast::Host {
        return Next::Drop(DropReason::UnwantedGroup);
    }
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else {
        return Next::Drop(DropReason::IpHeader);
    };
    let (ttl, df, fits) = (ip.ttl(), ip.df(), ip.total_len() <= pkt.mtu as usize);
    let has_options = ip.header_len() > IPV4_LEN;
    let by_gateway = has_options && options::next_hop(ns, packet, pkt) != Some(pkt.nexthop);
    let (is_strict, is_led) =
        (by_gateway && options::is_strict(packet), has_options && options::has_source_route(packet));
    if ttl <= 1 {
        icmp::error(ns, w, pkt, Icmp::TIME_EXCEEDED, 0, 0);
        return Next::Drop(DropReason::TtlExceeded);
    }
    if is_strict {
        icmp::error(ns, w, pkt, Icmp::UNREACHABLE, icmp::SOURCE_ROUTE_FAILED, 0);
        return Next::Drop(DropReason::IpHeader);
    }
    if df && !fits {
        icmp::error(ns, w, pkt, Icmp::UNREACHABLE, icmp::FRAG_NEEDED, pkt.mtu);
        return Next::Drop(DropReason::TooBig);
    }
    decrement_ttl(&mut w.frames.edit(&mut pkt.frame)[L2_LEN..]);
    let redirects = pkt.flags & flag::REDIRECT != 0 && !is_led;
    if redirects {
        // The redirect leaves before the packet.
        icmp::redirect(ns, w, pkt);
    }
    if ns.nf.is_some()
        && let Err(next) = nf::at(ns, w, pkt, Hook::Forward, pkt.iif, pkt.dev)
    {
        return next;
    }
    if has_options {
        options::forward(ns, w, pkt);
    }
    if ns.nf.is_some() {
        if let Err(next) = nf::at(ns, w, pkt, Hook::Postrouting, pkt.iif, pkt.dev) {
            return next;
        }
        if pkt.frag_max != 0 {
            // What was put together to be looked at goes on in parts as it came.
            let most = pkt.mtu.min(pkt.frag_max.into());
            for part in frag::split(w, pkt, most) {
                w.push_next(ns.id, Stage::IpOutput, part);
            }
            return Next::Done;
        }
    }
    if redirects && fits {
        w.push_next(ns.id, Stage::IpOutput, *pkt);
        return Next::Done;
    }
    if fits {
        return Next::To(Stage::IpOutput);
    }
    for part in frag::split(w, pkt, pkt.mtu) {
        w.push_next(ns.id, Stage::IpOutput, part);
    }
    Next::Done
}
