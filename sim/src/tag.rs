//! The 802.1Q tag of a frame, kept beside its bytes as long as the frame is inside.
//!
//! Kernel counterpart: `skb->vlan_proto`, `skb->vlan_tci`, `skb_vlan_untag()`, `__vlan_hwaccel_push_inside()`. A veth and a
//! bridge take frames with the tag beside them, so lengths and counters do not show it; whoever looks at a frame (a
//! capture, a plug) gets it with the tag in its place. A second tag is in the bytes, behind the first one's place.

use crate::frame::{L2_LEN, Slab};
use crate::path::Pkt;

/// A tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// `0x8100` (802.1Q) or `0x88a8` (802.1ad).
    pub(crate) proto: u16,
    /// Priority, DEI and VLAN.
    pub(crate) tci: u16,
}

/// A tag's length in a frame's bytes.
pub(crate) const TAG_LEN: usize = 4;
/// Where it is in them: behind both addresses.
const AT: usize = L2_LEN - 2;

impl Tag {
    /// The VLAN, 0 to 4095.
    pub(crate) fn vid(self) -> u16 {
        self.tci & 0xfff
    }

    fn bytes(self) -> [u8; TAG_LEN] {
        let ([a, b], [c, d]) = (self.proto.to_be_bytes(), self.tci.to_be_bytes());
        [a, b, c, d]
    }
}

/// Takes a tag in the frame's bytes out of them (`skb_vlan_untag`). A frame that has a tag beside it is left as it is.
#[inline]
pub(crate) fn pull(frames: &mut Slab, pkt: &mut Pkt) {
    let bytes = frames.bytes(pkt.frame);
    let Some(&[a, b, c, d]) = bytes.get(AT..AT + TAG_LEN) else { return };
    let proto = u16::from_be_bytes([a, b]);
    if !matches!(proto, 0x8100 | 0x88a8) || pkt.tag.is_some() || bytes.len() < L2_LEN + TAG_LEN {
        return;
    }
    pkt.tag = Some(Tag { proto, tci: u16::from_be_bytes([c, d]) });
    let crossings = frames.crossings(pkt.frame);
    frames.edit(&mut pkt.frame).drain(AT..AT + TAG_LEN);
    frames.set_crossings(pkt.frame, crossings);
}

/// Puts the tag beside a frame into its bytes (`__vlan_hwaccel_push_inside`).
pub(crate) fn push(frames: &mut Slab, pkt: &mut Pkt) {
    let Some(tag) = pkt.tag.take() else { return };
    let crossings = frames.crossings(pkt.frame);
    let bytes = frames.edit(&mut pkt.frame);
    if bytes.len() >= AT {
        bytes.splice(AT..AT, tag.bytes());
    }
    frames.set_crossings(pkt.frame, crossings);
}

/// A frame's bytes as they are on a wire.
pub(crate) fn on_wire(frames: &Slab, pkt: &Pkt) -> Option<Vec<u8>> {
    let (tag, bytes) = (pkt.tag?, frames.bytes(pkt.frame));
    let (addrs, rest) = bytes.split_at_checked(AT)?;
    Some([addrs, &tag.bytes(), rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netns::Ifindex;

    #[test]
    fn a_tag_comes_out_and_goes_in_again() {
        let mut frames = Slab::default();
        let mut wire: Vec<u8> = (0..12).collect();
        wire.extend([0x81, 0x00, 0x60, 0x0a, 0x08, 0x00, 0x45]);
        let mut pkt = Pkt::new(frames.alloc_from(&wire), Ifindex(1));
        pull(&mut frames, &mut pkt);
        assert_eq!(pkt.tag, Some(Tag { proto: 0x8100, tci: 0x600a }));
        assert_eq!((pkt.tag.unwrap().vid(), frames.len(pkt.frame)), (10, wire.len() - TAG_LEN));
        assert_eq!(on_wire(&frames, &pkt), Some(wire.clone()));
        push(&mut frames, &mut pkt);
        assert_eq!((pkt.tag, frames.bytes(pkt.frame)), (None, &wire[..]));
    }
}
