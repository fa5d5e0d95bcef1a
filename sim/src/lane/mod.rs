//! The straight way of the usual frame: what most frames of most networks meet, in one step and without detours.
//!
//! Kernel counterpart: none of its own; it does what the stages of [`path`](crate::path) do to a frame that a veth brings to a
//! bridge's port or to a host, where nobody watches and nothing is unusual. It looks first and acts only when it is sure; of
//! all other frames it says from which stage on the path has to go. Deliberately absent: anything that the stages do not do
//! as well, in the same order.

mod ways;

use crate::dev::{Dev, Kind, fdb, tail_word};
use crate::drop::DropReason;
use crate::frame::{FrameId, L2_LEN};
use crate::netns::{Ifindex, Netns};
use crate::path::Stage;
use crate::qdisc::Qdisc;
use crate::world::{World, place};
pub(crate) use ways::Ways;

/// How far a frame came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// All the way: it is somebody else's now, or ended.
    Gone,
    /// The path goes on from that stage; what comes before it has been done.
    At(Stage),
    /// This device is to send it, by [`Stage::Qdisc`].
    Sends(Ifindex),
}

impl Lane {
    const AT_DEV: Lane = Lane::At(Stage::Dev);
    const AT_BRIDGE: Lane = Lane::At(Stage::Bridge);
    const AT_ETHERTYPE: Lane = Lane::At(Stage::Ethertype);
}

/// The part of a word that a MAC takes.
const MAC: u64 = 0xffff_ffff_ffff;
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
/// Tags.
const DOT1Q: u16 = 0x8100;
const DOT1AD: u16 = 0x88a8;
/// What is less is a length.
const LEAST_TYPE: u16 = 0x0600;

/// A veth's end receives a frame.
#[inline]
pub(crate) fn arrive(ns: &mut Netns, w: &mut World, index: Ifindex, frame: FrameId) -> Lane {
    let (id, has_nf) = (ns.id, ns.nf.is_some());
    let Some(dev) = ns.devs.by_index_mut(index) else { return Lane::AT_DEV };
    let bytes = w.frames.bytes(frame);
    let is_usual = dev.up
        && matches!(dev.kind, Kind::Veth(_))
        && dev.takes_length(bytes.len())
        && dev.taps.is_empty()
        && dev.plug.is_none()
        && dev.uppers.is_empty()
        && !w.trace.is_on();
    let (true, Some(head)) = (is_usual, bytes.first_chunk::<16>()) else { return Lane::AT_DEV };
    let (low, high) = head.split_at(8);
    let word = |half: &[u8]| u64::from_le_bytes(half.try_into().unwrap_or_default());
    let (low, high) = (word(low), word(high));
    let (dst, src) = (low & MAC, (low >> 48 | high << 16) & MAC);
    let ethertype = ((high >> 32) as u16).swap_bytes(); // bytes 12 and 13
    if matches!(ethertype, DOT1Q | DOT1AD) {
        return Lane::AT_DEV;
    }
    let len = bytes.len() as u64; // as much as a u64 holds of a usize, which is all of it
    dev.stats.rx_packets += 1;
    dev.stats.rx_bytes += len;
    w.trace.mix(w.now, place(id, index), len ^ tail_word(bytes));
    let Some(at) = dev.port else {
        if ethertype == IPV4 && !has_nf && dst == fdb::key(&dev.mac.0) {
            return ways::forward(ns, w, index, frame);
        }
        if ethertype < LEAST_TYPE || matches!(ethertype, IPV4 | ARP | IPV6) {
            return Lane::AT_ETHERTYPE;
        }
        dev.stats.rx_dropped += 1;
        w.end_frame(id, index, frame, DropReason::UnhandledProtocol);
        return Lane::Gone;
    };
    // The bridge hooks of the IP firewall look at IPv4 and may cut off what is behind it; groups are flooded.
    if has_nf || (dst | src) & 1 == 1 || ethertype == IPV4 && !ways::is_plain(&bytes[L2_LEN..]) {
        return Lane::AT_BRIDGE;
    }
    let bridge = ns.devs.by_index_mut(at.bridge).and_then(Dev::bridge_mut);
    let Some(to) = bridge.and_then(|b| b.usual_way(at.number, src, dst, w.now)) else { return Lane::AT_BRIDGE };
    match ns.devs.by_index_mut(to) {
        Some(out) if w.frames.len(frame) <= L2_LEN + out.mtu as usize => {
            if leave(out, w, frame) {
                Lane::Gone
            } else {
                Lane::Sends(to)
            }
        }
        // To learn again at this instant changes nothing.
        _ => Lane::AT_BRIDGE,
    }
}

/// A device sends a frame without a tag beside it, if it is a veth without queue that nobody watches, and the frame fits all
/// that it may have to.
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
        w.ring.arrive(peer.ns, peer.dev, frame);
    }
    is_usual
}
