//! What a rejected packet's sender is told.
//!
//! Kernel counterpart: `nf_reject_ipv4.c`. Deliberately absent: answers by a bridge itself.

use crate::fib::Flow;
use crate::frame::L2_LEN;
use crate::ip::icmp;
use crate::ip::output::{self, Sender, new_packet};
use crate::netns::Netns;
use crate::path::Pkt;
use crate::world::World;
use nettwin_model::probe::PmtuDisc;
use nettwin_model::rules::RejectWith;
use nettwin_model::wire::{IPV4_LEN, Icmp, Ipv4, Ipv4Header, PROTO_TCP, Tcp, transport_checksum};

/// Tells it.
pub(super) fn tell(ns: &mut Netns, w: &mut World, pkt: &Pkt, with: RejectWith) {
    match with {
        RejectWith::Icmp(code) => icmp::error(ns, w, pkt, Icmp::UNREACHABLE, code, 0),
        RejectWith::Icmpx(kind) => {
            let code = match kind {
                0 => icmp::NET_UNREACH,
                2 => icmp::HOST_UNREACH,
                3 => icmp::PKT_FILTERED,
                _ => icmp::PORT_UNREACH,
            };
            icmp::error(ns, w, pkt, Icmp::UNREACHABLE, code, 0);
        }
        RejectWith::TcpReset => reset(ns, w, pkt),
        // IPv4 packets are never in a chain that says so.
        RejectWith::Icmp6(_) => {}
    }
}

/// `nf_send_reset()`.
fn reset(ns: &mut Netns, w: &mut World, pkt: &Pkt) {
    const LEN: usize = 20;
    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const RST: u8 = 4;
    const ACK: u8 = 16;
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet).filter(|ip| ip.proto() == PROTO_TCP && ip.frag_offset() == 0) else { return };
    let Some(tcp) = packet.get(ip.header_len()..).and_then(Tcp::new) else { return };
    if tcp.flags() & RST != 0 {
        return;
    }
    let (src, dst, ports) = (ip.src(), ip.dst(), (tcp.src_port(), tcp.dst_port()));
    let (seq, ack, flags) = if tcp.flags() & ACK != 0 {
        (tcp.ack(), 0, RST)
    } else {
        let length = u32::from(tcp.flags() & SYN != 0) + u32::from(tcp.flags() & FIN != 0);
        // A segment is shorter than 64 KiB.
        (0, tcp.seq().wrapping_add(length).wrapping_add(tcp.data_len() as u32), RST | ACK)
    };
    // It speaks for whoever was meant, who need not be here.
    let own = ns.l3.own.has(dst) || ns.l3.fib.is_local(dst);
    let from = if own { dst } else { std::net::Ipv4Addr::UNSPECIFIED };
    let Ok(route) = output::route(ns, w.now, &Flow { src: from, ..Flow::to(src) }) else { return };
    let ttl = route.ttl(ns);
    let header = Ipv4Header {
        tos: 0,
        total_len: (IPV4_LEN + LEN) as u16,
        id: 0,
        df: true,
        ttl,
        proto: PROTO_TCP,
        src: dst,
        dst: src,
    };
    let mut frame = new_packet(w, &header);
    let segment = &mut w.frames.edit(&mut frame)[L2_LEN + IPV4_LEN..];
    segment[..2].copy_from_slice(&ports.1.to_be_bytes());
    segment[2..4].copy_from_slice(&ports.0.to_be_bytes());
    segment[4..8].copy_from_slice(&seq.to_be_bytes());
    segment[8..12].copy_from_slice(&ack.to_be_bytes());
    (segment[12], segment[13]) = (5 << 4, flags);
    let sum = transport_checksum(dst, src, PROTO_TCP, segment);
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    // A reset is shorter than any MTU.
    let _ = output::send_about(ns, w, &route, PmtuDisc::Do, frame, Sender::Kernel, pkt.track.of_error());
}
