//! What devices' taps take: frames for capture probes, and pcapng recordings with virtual timestamps, as bytes.
//!
//! Kernel counterpart: `dev_queue_xmit_nit`, `AF_PACKET`; the format is draft-ietf-opsawg-pcapng. Deliberately absent:
//! files, filters, other block types than section header, interface description and enhanced packet.

use crate::dev::Tap;
use crate::frame::Slab;
use crate::netns::Netns;
use crate::path::Pkt;
use crate::tag::Tag;
use crate::world::World;
use nettwin_model::probe::{Direction, ProbeEvent};
use std::borrow::Cow;

/// The recordings of one simulation.
#[derive(Default)]
pub(crate) struct Recordings {
    files: Vec<Recording>,
}

struct Recording {
    bytes: Vec<u8>,
}

impl Recordings {
    /// Begins a recording of a device; its tap is the answer.
    pub(crate) fn begin(&mut self, netns: &str, dev: &str) -> Tap {
        let mut bytes = Vec::new();
        section_header(&mut bytes);
        interface_description(&mut bytes, &format!("{netns}/{dev}"));
        self.files.push(Recording { bytes });
        Tap::Recording(u32::try_from(self.files.len() - 1).expect("fewer than 2^32 recordings"))
    }

    /// Takes what was recorded so far and goes on recording behind it.
    pub(crate) fn take(&mut self, tap: Tap) -> Vec<u8> {
        match tap {
            Tap::Recording(n) => {
                self.files.get_mut(n as usize).map(|f| std::mem::take(&mut f.bytes)).unwrap_or_default()
            }
            Tap::Probe { .. } => Vec::new(),
        }
    }
}

/// Shows a frame to all who watch the device at hand; `outer` is a tag that it is seen with on this device alone.
#[cold]
pub(crate) fn tap(ns: &Netns, w: &mut World, pkt: &Pkt, outer: Option<Tag>, direction: Direction) {
    let Some(dev) = ns.dev(pkt.dev) else { return };
    let mut tagged = with_tag(&w.frames, pkt);
    if let Some(outer) = outer {
        outer.put(tagged.to_mut());
    }
    let bytes = &tagged[..];
    for tap in dev.taps.iter() {
        match *tap {
            // Where every frame passes both ways it is shown once.
            Tap::Probe { .. } if dev.is_loopback() && direction == Direction::Out => {}
            Tap::Probe { id, snap_len, .. } => {
                let kept = bytes.len().min(snap_len as usize);
                let frame = ProbeEvent::Frame {
                    direction,
                    len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                    bytes: bytes[..kept].to_vec(),
                };
                w.outbox.push_back((w.now, id, frame));
            }
            Tap::Recording(n) => {
                if let Some(file) = w.recordings.files.get_mut(n as usize) {
                    enhanced_packet(&mut file.bytes, w.now.as_nanos(), bytes, direction);
                }
            }
        }
    }
}

/// A frame's bytes as on a wire, its tag among them.
pub(crate) fn with_tag<'a>(frames: &'a Slab, pkt: &Pkt) -> Cow<'a, [u8]> {
    let bytes = frames.bytes(pkt.frame);
    let Some(tag) = pkt.tag else { return Cow::Borrowed(bytes) };
    let mut bytes = bytes.to_vec();
    tag.put(&mut bytes);
    Cow::Owned(bytes)
}

fn section_header(out: &mut Vec<u8>) {
    block(out, 0x0a0d_0d0a, |out| {
        out.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
        out.extend_from_slice(&1u16.to_le_bytes());
        out.extend_from_slice(&0u16.to_le_bytes());
        out.extend_from_slice(&u64::MAX.to_le_bytes()); // the section's length is not said
    });
}

fn interface_description(out: &mut Vec<u8>, name: &str) {
    block(out, 1, |out| {
        out.extend_from_slice(&1u16.to_le_bytes()); // LINKTYPE_ETHERNET
        out.extend_from_slice(&0u16.to_le_bytes());
        out.extend_from_slice(&0u32.to_le_bytes()); // no snap length
        option(out, 2, name.as_bytes()); // if_name
        option(out, 9, &[9]); // if_tsresol: nanoseconds
        option(out, 0, &[]);
    });
}

fn enhanced_packet(out: &mut Vec<u8>, at_ns: u64, bytes: &[u8], direction: Direction) {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let flags: u32 = if direction == Direction::In { 1 } else { 2 };
    block(out, 6, |out| {
        out.extend_from_slice(&0u32.to_le_bytes()); // the interface
        out.extend_from_slice(&((at_ns >> 32) as u32).to_le_bytes()); // the upper half
        out.extend_from_slice(&(at_ns as u32).to_le_bytes()); // the lower half
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(bytes);
        pad(out);
        option(out, 2, &flags.to_le_bytes()); // epb_flags: which way
        option(out, 0, &[]);
    });
}

/// Writes a block: type, length, body, length again.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    body(out);
    let len = u32::try_from(out.len() - start + 4).unwrap_or(u32::MAX);
    out[start + 4..start + 8].copy_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&len.to_le_bytes());
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(value);
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}
