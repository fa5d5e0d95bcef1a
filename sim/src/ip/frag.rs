//! Fragments: cutting on the way out, putting together at the end.
//!
//! Kernel counterpart: `ip_fragment()` of `net/ipv4/ip_output.c`, `net/ipv4/ip_fragment.c`. Deliberately absent:
//! `ipfrag_max_dist`.

use crate::drop::DropReason;
use crate::event::Event;
use crate::frame::{FrameId, L2_LEN};
use crate::ip::{flag, icmp, options};
use crate::netns::Netns;
use crate::path::{Next, Pkt, Stage};
use crate::world::World;
use nettwin_model::Instant;
use nettwin_model::wire::{IPV4_LEN, Icmp, Ipv4, set_fragment};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Cuts a packet into parts of at most `mtu` bytes, offsets multiples of 8, to be sent as it would have been. Its frame is
/// let go of.
pub(crate) fn split(w: &mut World, pkt: &Pkt, mtu: u32) -> Vec<Pkt> {
    let id = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]).map_or(0, |ip| ip.id());
    cut(w, pkt.frame, mtu).into_iter().map(|frame| Pkt { frame, part: id.max(1), ..*pkt }).collect()
}

/// A part of a packet could not be sent: those behind it are not sent either (`ip_do_fragment`).
#[cold]
pub(crate) fn stop(ns: &Netns, w: &mut World, pkt: &Pkt) {
    while let Some(part) = w.ring.take_sibling(ns.id, pkt) {
        w.drop_frame(ns, Stage::IpOutput, &part, DropReason::PartLost);
    }
}

fn cut(w: &mut World, frame: FrameId, mtu: u32) -> Vec<FrameId> {
    let packet = &w.frames.bytes(frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else { return vec![frame] };
    let (header_len, start, more) = (ip.header_len(), ip.frag_offset(), ip.mf());
    let mut head = w.frames.bytes(frame)[..L2_LEN + header_len].to_vec();
    let data = w.frames.bytes(frame)[L2_LEN + header_len..].to_vec();
    let room = (mtu as usize).saturating_sub(header_len).max(8);
    let mut parts = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let left = data.len() - at;
        let len = if left > room { room & !7 } else { left };
        let bytes = [&head[..], &data[at..at + len]].concat();
        let mut part = w.frames.copy_with(frame, &bytes);
        let bytes = w.frames.edit(&mut part);
        // A packet and its offsets fit 16 bits: it passed the door.
        let (total, offset) = ((header_len + len) as u16, (start + at) as u16);
        set_fragment(&mut bytes[L2_LEN..], total, offset, false, more || at + len < data.len());
        parts.push(part);
        if start + at == 0 && header_len > IPV4_LEN {
            options::fragment(&mut head[L2_LEN..]);
        }
        at += len;
    }
    w.frames.release(frame);
    parts
}

type Key = (Ipv4Addr, Ipv4Addr, u16, u8);

/// What waits for its other parts.
#[derive(Default)]
pub(crate) struct Frags {
    queues: BTreeMap<Key, Queue>,
    /// The bytes that wait in all queues.
    bytes: usize,
    last_number: u64,
}

/// The parts of one packet that have come (`struct ipq`).
struct Queue {
    number: u64,
    /// Parts by offset; none overlap.
    parts: BTreeMap<usize, Pkt>,
    /// Where the last part ends, once that has come.
    end: Option<usize>,
    /// Of the parts' payload.
    bytes: usize,
    expires: Instant,
}

/// How a part was taken.
enum Taken {
    Waits,
    Whole,
    Duplicate,
    Overlap,
}

/// Takes a fragment. `Ok` if the packet is whole: it is in `pkt` then, and what became of this fragment otherwise.
pub(crate) fn reassemble(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Result<(), Next> {
    let Some(ip) = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]) else {
        return Err(Next::Drop(DropReason::IpHeader));
    };
    let key = (ip.src(), ip.dst(), ip.id(), ip.proto());
    let (offset, more) = (ip.frag_offset(), ip.mf());
    let mut len = ip.total_len() - ip.header_len();
    let header_len = ip.header_len();
    if more && len % 8 != 0 {
        len &= !7;
        let bytes = w.frames.edit(&mut pkt.frame);
        bytes.truncate(L2_LEN + header_len + len);
        // It was shorter than 64 KiB.
        set_fragment(&mut bytes[L2_LEN..], (header_len + len) as u16, offset as u16, false, true);
    }
    if len == 0 {
        drop_queue(ns, w, key, DropReason::Reassembly);
    }
    if offset + len > 65535 - header_len || len == 0 {
        return Err(Next::Drop(DropReason::Reassembly));
    }
    let limit = usize::try_from(ns.sysctl.net.ipfrag_high_thresh).unwrap_or(0);
    if ns.l3.frags.bytes + len > limit {
        return Err(Next::Drop(DropReason::Reassembly));
    }
    let life = Duration::from_secs(u64::try_from(ns.sysctl.net.ipfrag_time).unwrap_or(0));
    let frags: &mut Frags = &mut ns.l3.frags;
    let number = frags.last_number + 1;
    let queue = frags.queues.entry(key).or_insert_with(|| {
        frags.last_number = number;
        let expires = w.now + life;
        w.wheel.schedule(expires, Event::Ip { ns: ns.id, key: number });
        Queue { number, parts: BTreeMap::new(), end: None, bytes: 0, expires }
    });
    match queue.take(*pkt, offset, len, more, w) {
        Taken::Waits => {
            queue.bytes += len;
            frags.bytes += len;
            Err(Next::Held)
        }
        Taken::Duplicate => Err(Next::Drop(DropReason::Reassembly)),
        Taken::Overlap => {
            // RFC 5722 for both families: nothing of such a packet is believed.
            drop_queue(ns, w, key, DropReason::Reassembly);
            Err(Next::Drop(DropReason::Reassembly))
        }
        Taken::Whole => {
            queue.bytes += len;
            frags.bytes += len;
            *pkt = join(ns, w, key, pkt);
            Ok(())
        }
    }
}

impl Queue {
    fn take(&mut self, pkt: Pkt, offset: usize, len: usize, more: bool, w: &World) -> Taken {
        let end = offset + len;
        let length_of = |p: &Pkt| {
            Ipv4::unsummed(&w.frames.bytes(p.frame)[L2_LEN..]).map_or(0, |ip| ip.total_len() - ip.header_len())
        };
        let highest = self.parts.last_key_value().map_or(0, |(&o, p)| o + length_of(p));
        match self.end {
            Some(known) if end > known || (!more && end != known) => return Taken::Overlap,
            None if !more && end < highest => return Taken::Overlap,
            _ => {}
        }
        if let Some((&o, p)) = self.parts.range(..end).next_back()
            && o + length_of(p) > offset
        {
            return if o <= offset && end <= o + length_of(p) { Taken::Duplicate } else { Taken::Overlap };
        }
        if !more {
            self.end = Some(end);
        }
        self.parts.insert(offset, pkt);
        // None overlap, so that those that are there fill it if they are as long as it.
        if Some(self.bytes + len) == self.end { Taken::Whole } else { Taken::Waits }
    }
}

/// Puts a queue's parts together behind the first one's header; the last one to come says where from.
fn join(ns: &mut Netns, w: &mut World, key: Key, last: &Pkt) -> Pkt {
    let queue = ns.l3.frags.queues.remove(&key).expect("a queue that is whole was just used");
    ns.l3.frags.bytes -= queue.bytes;
    let mut whole = Vec::new();
    let (mut first, mut frag_max, mut flags) = (None, 0, last.flags);
    for (offset, part) in queue.parts {
        let packet = &w.frames.bytes(part.frame)[L2_LEN..];
        let header_len = Ipv4::unsummed(packet).map_or(0, |ip| ip.header_len());
        // The door keeps packets below 64 KiB.
        frag_max = frag_max.max(packet.len() as u16);
        whole.extend_from_slice(if offset == 0 { packet } else { &packet[header_len..] });
        if offset == 0 {
            first = Some(w.frames.share(part.frame));
            flags = part.flags;
        }
        w.frames.release(part.frame);
    }
    let mut frame = first.expect("a whole packet has a first part");
    let bytes = w.frames.edit(&mut frame);
    bytes.truncate(L2_LEN);
    // The length was bounded when each part was taken.
    let total = whole.len() as u16;
    bytes.append(&mut whole);
    set_fragment(&mut bytes[L2_LEN..], total, 0, false, false);
    Pkt { frame, frag_max, flags, ..*last }
}

fn drop_queue(ns: &mut Netns, w: &mut World, key: Key, reason: DropReason) {
    let Some(queue) = ns.l3.frags.queues.remove(&key) else { return };
    ns.l3.frags.bytes -= queue.bytes;
    for part in queue.parts.values() {
        w.drop_frame(ns, Stage::IpLocal, part, reason);
    }
}

/// The namespace goes (`fqdir_exit`).
pub(crate) fn purge(ns: &mut Netns, w: &mut World) {
    while let Some((&key, _)) = ns.l3.frags.queues.first_key_value() {
        drop_queue(ns, w, key, DropReason::QueuePurged);
    }
}

/// The other parts of a packet did not come in time (`ip_expire`): its sender is told if the first part had come.
pub(crate) fn timer(ns: &mut Netns, w: &mut World, number: u64) {
    let due = |q: &Queue| q.number == number && q.expires <= w.now;
    let Some((&key, queue)) = ns.l3.frags.queues.iter().find(|(_, q)| due(q)) else { return };
    if let Some(&first) = queue.parts.get(&0) {
        let pkt = Pkt { flags: first.flags | flag::LOCAL, ..first };
        icmp::error(ns, w, &pkt, Icmp::TIME_EXCEEDED, icmp::EXC_FRAGTIME, 0);
    }
    drop_queue(ns, w, key, DropReason::ReassemblyTimeout);
}
