//! The straight way of the usual frame: what most frames of most networks meet, in one step and without detours.
//!
//! Kernel counterpart: none of its own; it does what the stages of [`path`](crate::path) do to a frame that a veth brings to a
//! bridge's port or to a host, where nobody watches and nothing is unusual. It looks first and acts only when it is sure; of
//! all other frames it says from which stage on the path has to go. Deliberately absent: anything that the stages do not do
//! as well, in the same order.

mod line;
mod ways;

use crate::dev::bridge::{self, PortRef};
use crate::dev::upper::At;
use crate::dev::{Dev, Kind, fdb, tail_word};
use crate::drop::DropReason;
use crate::frame::{FrameId, L2_LEN};
use crate::netns::{Ifindex, Netns, NsId};
use crate::path::{Pkt, Stage};
use crate::qdisc::{self, Qdisc};
use crate::world::{World, place};
pub(crate) use line::Line;
use line::{AT_ONCE, FORWARDS, ISOLATED, LEARNS, RECEIVES, SENDS, UNRULED};
pub(crate) use ways::Ways;

/// How far a frame came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// All the way: it ended, or waits, or somebody has it.
    Gone,
    /// It comes to the other end of a wire.
    Crosses(At),
    /// The path goes on from that stage by that device; what comes before it has been done.
    On(Stage, Ifindex),
}

/// The device of that index as `Option<&mut Dev>`, after it was looked at.
macro_rules! looked {
    ($ns:expr, $w:expr, $index:expr) => {
        match $ns.devs.by_index_mut($index) {
            Some(dev) if dev.line.holds($ns.changes) => Some(dev),
            _ => {
                line::look($ns, $w.trace.is_on(), $index);
                $ns.devs.by_index_mut($index)
            }
        }
    };
}
use looked;

/// The part of a word that a MAC takes.
const MAC: u64 = 0xffff_ffff_ffff;
/// Types as a frame has them: the higher byte first.
const IPV4: u16 = 0x0800_u16.to_be();
const ARP: u16 = 0x0806_u16.to_be();
const IPV6: u16 = 0x86dd_u16.to_be();
/// Tags.
const DOT1Q: u16 = 0x8100_u16.to_be();
const DOT1AD: u16 = 0x88a8_u16.to_be();
/// What is less is a length.
const LEAST_TYPE: u16 = 0x0600;

/// A frame's destination, source and type.
#[inline(always)]
fn parse(head: &[u8; 16]) -> (u64, u64, u16) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, ..] = *head;
    let dst = u64::from_le_bytes([a, b, c, d, e, f, g, h]) & MAC;
    let src = u64::from_le_bytes([g, h, i, j, k, l, m, n]) & MAC;
    (dst, src, u16::from_ne_bytes([m, n]))
}

/// A veth's end receives a frame.
#[inline(always)]
pub(crate) fn arrive(ns: &mut Netns, w: &mut World, index: Ifindex, frame: FrameId) -> Lane {
    let Some(dev) = looked!(ns, w, index) else { return Lane::On(Stage::Dev, index) };
    let bytes = w.frames.bytes(frame);
    let (true, true, Some(head)) = (dev.line.is(RECEIVES), dev.takes_length(bytes.len()), bytes.first_chunk()) else {
        return Lane::On(Stage::Dev, index);
    };
    let (dst, src, ethertype) = parse(head);
    if matches!(ethertype, DOT1Q | DOT1AD) {
        return Lane::On(Stage::Dev, index);
    }
    let len = bytes.len() as u64; // as much as a u64 holds of a usize, which is all of it
    dev.stats.rx_packets += 1;
    dev.stats.rx_bytes += len;
    w.trace.mix(w.now, place(ns.id, index), len ^ tail_word(bytes));
    let Some(at) = dev.port else {
        if ethertype == IPV4 && dev.line.is(UNRULED) && dst == fdb::key(&dev.mac.0) {
            return ways::forward(ns, w, index, frame);
        }
        if is_handled(ethertype) {
            return Lane::On(Stage::Ethertype, index);
        }
        return unhandled(dev, w, ns.id, frame);
    };
    // The bridge hooks of the IP firewall look at IPv4 and may cut off what is behind it.
    if !dev.line.is(LEARNS) || src & 1 == 1 || ethertype == IPV4 && !ways::is_plain(&bytes[L2_LEN..]) {
        return Lane::On(Stage::Bridge, index);
    }
    let line = dev.line;
    let Some(bridge) = ns.devs.by_index_mut(at.bridge).and_then(Dev::bridge_mut) else {
        return Lane::On(Stage::Bridge, index);
    };
    // To learn again at this instant changes nothing, wherever the path goes on.
    if !bridge.fdb.refresh(src, at.number, w.now) {
        return Lane::On(Stage::Bridge, index);
    }
    let to = match bridge.fdb.find(dst) {
        None if dst & 1 == 0 || dst == MAC => return flood(ns, w, (index, at), line, frame),
        Some(entry) if !entry.local && entry.port != at.number && dst & 1 == 0 => entry.port,
        _ => return Lane::On(Stage::Bridge, index),
    };
    let Some(to) = bridge.port(to).map(|port| port.dev) else { return Lane::On(Stage::Bridge, index) };
    let Some(out) = looked!(ns, w, to) else { return Lane::On(Stage::Bridge, index) };
    if !may_pass(line, out.line, w.frames.len(frame)) {
        return Lane::On(Stage::Bridge, index);
    }
    out_by(out, w, ns.id, index, frame)
}

/// Whether IP or the link layer takes it, besides who watches.
#[inline(always)]
fn is_handled(ethertype: u16) -> bool {
    matches!(ethertype, IPV4 | ARP | IPV6) || u16::from_be(ethertype) < LEAST_TYPE
}

#[inline(always)]
fn unhandled(dev: &mut Dev, w: &mut World, ns: NsId, frame: FrameId) -> Lane {
    dev.stats.rx_dropped += 1;
    w.end_frame(ns, dev.ifindex, frame, DropReason::UnhandledProtocol);
    Lane::Gone
}

/// Whether what came in by one port may leave by another one.
#[inline(always)]
fn may_pass(from: Line, to: Line, len: usize) -> bool {
    to.is(FORWARDS) && to.fits(len) && !(from.is(ISOLATED) && to.is(ISOLATED))
}

/// A device that was looked at sends a frame, which fits it.
#[inline(always)]
fn out_by(out: &mut Dev, w: &mut World, ns: NsId, from: Ifindex, frame: FrameId) -> Lane {
    let len = w.frames.len(frame);
    match depart(out, len) {
        Some(end) => {
            w.frames.cross(frame);
            Lane::Crosses(end)
        }
        None if qdisc::delay(out, w, ns, &Pkt { dev: out.ifindex, ..Pkt::on(frame, from) }) => Lane::Gone,
        None => Lane::On(Stage::Qdisc, out.ifindex),
    }
}

/// Counts what a device sends, if it is a veth without queue that nobody watches; the other end.
#[inline(always)]
fn depart(out: &mut Dev, len: usize) -> Option<At> {
    let Kind::Veth(veth) = &out.kind else { return None };
    if !out.line.is(SENDS | AT_ONCE) || !out.line.fits(len) {
        return None;
    }
    out.stats.tx_packets += 1;
    out.stats.tx_bytes += len as u64;
    Some((veth.peer.ns, veth.peer.dev))
}

/// A frame was made that a device is to send.
#[inline(always)]
pub(crate) fn begin(ns: &mut Netns, w: &mut World, index: Ifindex, frame: FrameId) -> Lane {
    match looked!(ns, w, index) {
        Some(out) => out_by(out, w, ns.id, Ifindex::NONE, frame),
        None => Lane::On(Stage::Qdisc, index),
    }
}

/// Sends to all ports that take it, the newest first, then up: what a bridge does, without asking it of each port.
#[inline(never)]
fn flood(ns: &mut Netns, w: &mut World, (index, at): (Ifindex, PortRef), from: Line, frame: FrameId) -> Lane {
    let bytes = w.frames.bytes(frame);
    let (len, kind) = (bytes.len(), bridge::Kind::of(bytes));
    let Some(bridge) = ns.dev(at.bridge).and_then(Dev::bridge) else { return Lane::On(Stage::Bridge, index) };
    let mut ports = std::mem::take(&mut w.fan);
    ports.clear();
    ports.extend(bridge.order.iter().filter_map(|&number| {
        let port = bridge.port(number).filter(|port| port.floods(kind) && (number != at.number || port.hairpin))?;
        Some((number, port.dev))
    }));
    let (mut sent, mut others) = (0, 0);
    for &(number, dev) in &ports {
        let out = looked!(ns, w, dev).filter(|out| number != at.number && may_pass(from, out.line, len));
        if let Some(end) = out.and_then(|out| depart(out, len)) {
            w.ring.arrive(end, frame);
            sent += 1;
        } else {
            ns.touch();
            let copied = bridge::send_copy(ns, w, &Pkt::on(frame, index), at, kind, number);
            others += u32::from(copied);
        }
    }
    w.fan = ports;
    w.frames.multiply(frame, sent);
    if kind == bridge::Kind::Broadcast {
        return rise(ns, w, at.bridge, frame);
    }
    if sent + others == 0 {
        return Lane::On(Stage::Bridge, index);
    }
    w.frames.release(frame);
    Lane::Gone
}

/// A bridge's own device receives a frame.
fn rise(ns: &mut Netns, w: &mut World, bridge: Ifindex, frame: FrameId) -> Lane {
    let Some(dev) = looked!(ns, w, bridge).filter(|dev| dev.line.is(RECEIVES)) else {
        return Lane::On(Stage::Dev, bridge);
    };
    let bytes = w.frames.bytes(frame);
    if bytes.first_chunk().map(parse).is_none_or(|(.., ethertype)| is_handled(ethertype)) {
        return Lane::On(Stage::Dev, bridge);
    }
    dev.stats.rx_packets += 1;
    dev.stats.rx_bytes += (bytes.len() - L2_LEN) as u64;
    w.trace.mix(w.now, place(ns.id, bridge), bytes.len() as u64 ^ tail_word(bytes));
    unhandled(dev, w, ns.id, frame)
}

/// A device sends a frame without a tag beside it, if it is a veth without queue that nobody watches, and the frame fits all
/// that it may have to. It may have been changed since it was looked at.
#[inline]
pub(crate) fn leave(dev: &mut Dev, w: &mut World, frame: FrameId) -> bool {
    matches!(dev.qdisc, Qdisc::Noqueue) && send(dev, w, frame)
}

/// The same of a frame that has the queue behind it.
#[inline]
pub(crate) fn send(dev: &mut Dev, w: &mut World, frame: FrameId) -> bool {
    let Kind::Veth(veth) = &dev.kind else { return false };
    let (peer, len) = (veth.peer, w.frames.len(frame));
    let is_usual = dev.up
        && dev.carrier
        && peer.up
        && dev.taps.is_empty()
        && len <= L2_LEN + dev.mtu.min(peer.mtu) as usize
        && !w.trace.is_on();
    if is_usual {
        dev.stats.tx_packets += 1;
        dev.stats.tx_bytes += len as u64; // likewise
        w.frames.cross(frame);
        w.ring.arrive((peer.ns, peer.dev), frame);
    }
    is_usual
}
