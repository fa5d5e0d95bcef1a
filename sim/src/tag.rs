//! The 802.1Q tag of a frame, kept beside its bytes as long as the frame is inside.
//!
//! Kernel counterpart: `skb->vlan_proto`, `skb->vlan_tci`, `skb_vlan_untag()`, `__vlan_hwaccel_push_inside()`. A veth and a
//! bridge take frames with the tag beside them, so lengths and counters do not show it; whoever looks at a frame (a
//! capture, a plug) gets it with the tag in its place. A second tag is in the bytes, behind the first one's place.

use crate::frame::Slab;
use crate::path::Pkt;
pub(crate) use nettwin_model::vlan::{TAG_LEN, Tag};

/// Takes a tag in the frame's bytes out of them (`skb_vlan_untag`). A frame that has a tag beside it is left as it is.
#[inline]
pub(crate) fn pull(frames: &mut Slab, pkt: &mut Pkt) {
    if pkt.tag.is_some() || Tag::of(frames.bytes(pkt.frame)).is_none() {
        return;
    }
    let crossings = frames.crossings(pkt.frame);
    pkt.tag = Tag::take(frames.edit(&mut pkt.frame));
    frames.set_crossings(pkt.frame, crossings);
}

/// Puts the tag beside a frame into its bytes (`__vlan_hwaccel_push_inside`).
pub(crate) fn push(frames: &mut Slab, pkt: &mut Pkt) {
    let Some(tag) = pkt.tag.take() else { return };
    let crossings = frames.crossings(pkt.frame);
    tag.put(frames.edit(&mut pkt.frame));
    frames.set_crossings(pkt.frame, crossings);
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
        assert_eq!(crate::pcap::with_tag(&frames, &pkt), wire);
        push(&mut frames, &mut pkt);
        assert_eq!((pkt.tag, frames.bytes(pkt.frame)), (None, &wire[..]));
    }
}
