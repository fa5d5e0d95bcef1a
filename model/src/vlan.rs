//! VLANs: tags on frames, and the VLANs of bridges and their ports.
//!
//! Kernel counterpart: `linux/if_vlan.h` (`skb_vlan_untag()`, `__vlan_insert_tag()`), `struct bridge_vlan_info`. A tag travels
//! beside its frame's bytes, as on a device that takes tags off and puts them on (`skb->vlan_tci`), so lengths are those
//! without it. Deliberately absent: an inner tag's meaning, which is the bytes' business; tunnels, options of a VLAN.

use serde::{Deserialize, Serialize};

/// The protocol of customers' VLANs (802.1Q).
pub const PROTO_8021Q: u16 = 0x8100;
/// The protocol of providers' VLANs (802.1ad).
pub const PROTO_8021AD: u16 = 0x88a8;
/// A tag's length in a frame's bytes.
pub const TAG_LEN: usize = 4;
/// Where in a frame a tag stands: behind both addresses.
const AT: usize = 12;

/// A tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// [`PROTO_8021Q`] or [`PROTO_8021AD`].
    pub proto: u16,
    /// Priority, drop eligibility, and the VLAN.
    pub tci: u16,
}

impl Tag {
    /// The tag of a VLAN, without priority.
    pub fn new(proto: u16, vid: u16) -> Self {
        Tag { proto, tci: vid & VID_MASK }
    }

    /// The VLAN's number; 0 is a priority and no VLAN.
    pub fn vid(self) -> u16 {
        self.tci & VID_MASK
    }

    /// Whether a protocol is that of a tag.
    pub fn is_proto(ethertype: u16) -> bool {
        matches!(ethertype, PROTO_8021Q | PROTO_8021AD)
    }

    /// The tag that a frame's bytes begin with.
    pub fn of(frame: &[u8]) -> Option<Tag> {
        let proto = u16::from_be_bytes([*frame.get(AT)?, *frame.get(AT + 1)?]);
        let tci = u16::from_be_bytes([*frame.get(AT + 2)?, *frame.get(AT + 3)?]);
        // Something must follow it.
        (Tag::is_proto(proto) && frame.len() >= AT + TAG_LEN + 2).then_some(Tag { proto, tci })
    }

    /// Takes the tag out of a frame's bytes.
    pub fn take(frame: &mut Vec<u8>) -> Option<Tag> {
        let tag = Tag::of(frame)?;
        frame.drain(AT..AT + TAG_LEN);
        Some(tag)
    }

    /// Puts the tag into a frame's bytes; what has no room for addresses is left as it is.
    pub fn put(self, frame: &mut Vec<u8>) {
        if frame.len() >= AT {
            let [a, b] = self.proto.to_be_bytes();
            let [c, d] = self.tci.to_be_bytes();
            frame.splice(AT..AT, [a, b, c, d]);
        }
    }
}

const VID_MASK: u16 = 0x0fff;

/// A VLAN of a bridge's port, or of the bridge itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BridgeVlan {
    /// Its number, 1 to 4094.
    pub vid: u16,
    /// What comes in without a tag is its (`pvid`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pvid: bool,
    /// What is its leaves without a tag (`untagged`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untagged: bool,
}

/// VLANs of the same kind, as one request names them. The numbers are what somebody said; the machine judges them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VlanRange {
    /// The first.
    pub first: u16,
    /// The last, `first` for a single one.
    pub last: u16,
    /// As in [`BridgeVlan`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pvid: bool,
    /// As in [`BridgeVlan`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untagged: bool,
}

impl VlanRange {
    /// As few ranges as name these VLANs, in order.
    pub fn cover(vlans: &[BridgeVlan]) -> Vec<VlanRange> {
        let mut out: Vec<VlanRange> = Vec::new();
        for vlan in vlans {
            match out.last_mut() {
                Some(r) if r.last + 1 == vlan.vid && !r.pvid && !vlan.pvid && r.untagged == vlan.untagged => {
                    r.last = vlan.vid;
                }
                _ => out.push(VlanRange::from(*vlan)),
            }
        }
        out
    }

    /// Each of its VLANs.
    pub fn each(self) -> impl Iterator<Item = BridgeVlan> {
        let VlanRange { first, last, pvid, untagged } = self;
        (first..=last).map(move |vid| BridgeVlan { vid, pvid, untagged })
    }
}

impl From<BridgeVlan> for VlanRange {
    fn from(BridgeVlan { vid, pvid, untagged }: BridgeVlan) -> Self {
        VlanRange { first: vid, last: vid, pvid, untagged }
    }
}

/// The VLANs that these ranges come to, by number: a later one of a number counts, and only one takes what has no tag.
pub fn table(ranges: impl IntoIterator<Item = VlanRange>) -> Vec<BridgeVlan> {
    let mut out = std::collections::BTreeMap::new();
    for vlan in ranges.into_iter().flat_map(VlanRange::each) {
        if vlan.pvid {
            out.values_mut().for_each(|other: &mut BridgeVlan| other.pvid = false);
        }
        out.insert(vlan.vid, vlan);
    }
    out.into_values().collect()
}

/// The VLANs' numbers end before this (`VLAN_VID_MASK`).
pub const VID_END: u16 = VID_MASK;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_come_in_ranges() {
        let range = |first, last, pvid, untagged| VlanRange { first, last, pvid, untagged };
        let all = table([range(1, 1, true, true), range(10, 12, false, false), range(11, 11, true, false)]);
        let vids: Vec<(u16, bool)> = all.iter().map(|v| (v.vid, v.pvid)).collect();
        assert_eq!(vids, [(1, false), (10, false), (11, true), (12, false)]);
        let cover = VlanRange::cover(&table([range(10, 12, false, false), range(13, 13, false, true)]));
        assert_eq!(cover, [range(10, 12, false, false), range(13, 13, false, true)]);
    }

    #[test]
    fn tags_come_out_as_they_went_in() {
        let plain: Vec<u8> = (0..12).chain([8, 0, 0x45]).collect();
        let mut frame = plain.clone();
        assert_eq!(Tag::of(&frame), None);
        let (inner, outer) = (Tag::new(PROTO_8021Q, 10), Tag { proto: PROTO_8021AD, tci: 0xe064 });
        inner.put(&mut frame);
        outer.put(&mut frame);
        assert_eq!(frame[AT..AT + 10], [0x88, 0xa8, 0xe0, 0x64, 0x81, 0, 0, 10, 8, 0]);
        assert_eq!(outer.vid(), 100);
        assert_eq!((Tag::take(&mut frame), Tag::take(&mut frame)), (Some(outer), Some(inner)));
        assert_eq!(frame, plain);
        assert_eq!(Tag::take(&mut frame), None);
        let mut short = vec![0; 12];
        inner.put(&mut short);
        assert_eq!(Tag::of(&short), None, "no protocol behind it");
    }
}
