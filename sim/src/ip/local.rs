//! What is for us: put together, then given to ICMP or a transport.
//!
//! Kernel counterpart: `ip_local_deliver()` of `net/ipv4/ip_input.c`, `icmp_send()` of `__udp4_lib_rcv()`. Deliberately
//! absent: raw sockets of protocols other than ICMP.

use crate::dev::vxlan;
use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::ip::{frag, icmp, igmp};
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt, Stage};
use crate::world::World;
use crate::{nf, probe, sock};
use nettwin_model::rules::Hook;
use nettwin_model::wire::{Icmp, Ipv4, PROTO_ICMP, PROTO_TCP, PROTO_UDP};

/// Stage [`Stage::IpLocal`](crate::path::Stage::IpLocal).
pub(crate) fn deliver(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(ip) = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]) else {
        return Next::Drop(DropReason::IpHeader);
    };
    let mut proto = ip.proto();
    if ip.is_fragment() {
        match frag::reassemble(ns, w, pkt) {
            Ok(()) => proto = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]).map_or(proto, |ip| ip.proto()),
            Err(next) => return next,
        }
    }
    if let Err(next) = nf::at(ns, w, pkt, Hook::Input, pkt.dev, Ifindex::NONE) {
        return next;
    }
    match proto {
        PROTO_ICMP => icmp::input(ns, w, pkt),
        igmp::PROTO_IGMP => igmp::input(ns, w, pkt),
        PROTO_UDP if probe::datagram_heard(ns, w, pkt) => {
            w.decide(ns, Stage::IpLocal, pkt, "socket", || "a socket takes it".to_owned());
            w.frames.release(pkt.frame);
            Next::Done
        }
        PROTO_TCP => transport(ns, w, pkt, proto),
        PROTO_UDP => vxlan::receive(ns, w, pkt).unwrap_or_else(|| transport(ns, w, pkt, proto)),
        _ => {
            icmp::error(ns, w, pkt, Icmp::UNREACHABLE, icmp::PROTO_UNREACH, 0);
            Next::Drop(DropReason::NoProtocol)
        }
    }
}

/// A TCP segment or UDP datagram: to its socket, or back to its sender.
fn transport(ns: &mut Netns, w: &mut World, pkt: &Pkt, proto: u8) -> Next {
    match sock::input(ns, w, pkt) {
        sock::Input::Taken => {
            w.decide(ns, Stage::IpLocal, pkt, "socket", || "a socket takes it".to_owned());
            w.frames.release(pkt.frame);
            Next::Done
        }
        sock::Input::NoSocket => {
            if proto == PROTO_UDP {
                icmp::error(ns, w, pkt, Icmp::UNREACHABLE, icmp::PORT_UNREACH, 0);
            }
            Next::Drop(DropReason::NoSocket)
        }
        sock::Input::Malformed | sock::Input::BadChecksum => Next::Drop(DropReason::TransportHeader),
    }
}
