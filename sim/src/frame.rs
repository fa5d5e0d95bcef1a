//! The frames that are on their way: a slab of recycled buffers, named by small handles and shared by reference count.
//!
//! Kernel counterpart: `struct sk_buff` and its slab cache, `skb_get`, `skb_clone`, `skb_unshare`. Deliberately absent:
//! headroom games (every frame has its Ethernet header in front, also on `lo`), fragments, offloads, FCS, padding.
//!
//! A handle held is a reference counted. Whoever lets go of a frame calls [`Slab::release`]; whoever keeps one copy and
//! passes another on calls [`Slab::share`]. Only [`Slab::edit`] gives bytes to write to: it copies a frame that somebody
//! else holds as well, so the handle may change. A frame counts the wires that it has crossed with all its copies since it
//! was made or edited, which is how storms are noticed (see [`crate::storm`]).

use crate::netns::{Ifindex, NsId};
use std::collections::BTreeSet;

/// The length of the Ethernet header that every frame begins with, bytes.
pub(crate) const L2_LEN: usize = 14;

/// A frame in the [`Slab`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameId(u32);

/// The number of a frame's journey: given when it is made, kept by its copies. What the trace follows a frame by.
pub(crate) type Journey = u64;

/// Devices that a frame has come to. Few frames ever need it, so it is apart from them.
#[derive(Clone, Default)]
struct Visits(BTreeSet<(NsId, Ifindex)>);

#[derive(Default)]
struct Slot {
    bytes: Vec<u8>,
    refs: u32,
    /// Wires crossed by it and its copies since it was made or edited.
    crossings: u32,
    journey: Journey,
    /// Of a frame that goes round ([`DOOMED`]; else they are another's): where it has come since that was found.
    visits: Option<Box<Visits>>,
}

/// The number of crossings of a frame that goes round.
pub(crate) const DOOMED: u32 = u32::MAX;
/// A buffer that is given back is kept for the next frame unless it is larger: that of a whole datagram is the exception.
const KEPT_BYTES: usize = 16 << 10;

/// All frames of one simulation.
#[derive(Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    free: Vec<u32>,
    journeys: Journey,
}

impl Slab {
    /// A new frame of `len` zero bytes, Ethernet header included.
    pub(crate) fn alloc(&mut self, len: usize) -> FrameId {
        let id = self.vacant();
        self.slots[id.0 as usize].bytes.resize(len, 0);
        id
    }

    /// A new frame with these bytes, Ethernet header included.
    #[inline]
    pub(crate) fn alloc_from(&mut self, bytes: &[u8]) -> FrameId {
        let id = self.vacant();
        self.slots[id.0 as usize].bytes.extend_from_slice(bytes);
        id
    }

    /// The frame's bytes.
    #[inline]
    pub(crate) fn bytes(&self, id: FrameId) -> &[u8] {
        &self.slots[id.0 as usize].bytes
    }

    /// The frame's length, Ethernet header included.
    #[inline]
    pub(crate) fn len(&self, id: FrameId) -> usize {
        self.slots[id.0 as usize].bytes.len()
    }

    /// The frame's bytes, to change or resize. Makes a copy of its own first if the frame is shared.
    #[inline]
    pub(crate) fn edit(&mut self, id: &mut FrameId) -> &mut Vec<u8> {
        let slot = self.own(id);
        slot.crossings = 0;
        &mut slot.bytes
    }

    /// Damages a frame on its way: it stays what it is otherwise.
    pub(crate) fn corrupt(&mut self, id: &mut FrameId, byte: usize, mask: u8) {
        if let Some(b) = self.own(id).bytes.get_mut(byte) {
            *b ^= mask;
        }
    }

    /// The frame crosses a wire.
    #[inline]
    pub(crate) fn cross(&mut self, id: FrameId) {
        let slot = &mut self.slots[id.0 as usize];
        slot.crossings = slot.crossings.saturating_add(1);
    }

    /// How many wires it has crossed with its copies, since it was made or edited.
    #[inline]
    pub(crate) fn crossings(&self, id: FrameId) -> u32 {
        self.slots[id.0 as usize].crossings
    }

    /// Counts anew from `crossings`.
    pub(crate) fn set_crossings(&mut self, id: FrameId, crossings: u32) {
        self.slots[id.0 as usize].crossings = crossings;
    }

    /// Whether it has several holders.
    #[inline]
    pub(crate) fn is_shared(&self, id: FrameId) -> bool {
        self.slots[id.0 as usize].refs > 1
    }

    /// The frame is found to go round.
    pub(crate) fn doom(&mut self, id: FrameId) {
        let slot = &mut self.slots[id.0 as usize];
        (slot.crossings, slot.visits) = (DOOMED, None);
    }

    /// The frame, which goes round, comes to a device: whether it is the first time since that was found.
    pub(crate) fn visit(&mut self, id: FrameId, place: (NsId, Ifindex)) -> bool {
        self.slots[id.0 as usize].visits.get_or_insert_default().0.insert(place)
    }

    /// One more holder.
    #[inline]
    pub(crate) fn share(&mut self, id: FrameId) -> FrameId {
        self.slots[id.0 as usize].refs += 1;
        id
    }

    /// So many more holders, each across a wire.
    #[inline]
    pub(crate) fn multiply(&mut self, id: FrameId, copies: u32) {
        let slot = &mut self.slots[id.0 as usize];
        slot.refs += copies;
        slot.crossings = slot.crossings.saturating_add(copies);
    }

    /// One holder less; the last one gives the buffer back.
    #[inline]
    pub(crate) fn release(&mut self, id: FrameId) {
        let slot = &mut self.slots[id.0 as usize];
        assert!(slot.refs > 0, "a frame is released once by each holder");
        slot.refs -= 1;
        if slot.refs == 0 {
            if slot.bytes.capacity() > KEPT_BYTES {
                slot.bytes = Vec::new();
            }
            self.free.push(id.0);
        }
    }

    /// A frame of one's own with the same bytes and journey; `id` stays held.
    pub(crate) fn copy(&mut self, id: FrameId) -> FrameId {
        let bytes = std::mem::take(&mut self.slots[id.0 as usize].bytes);
        let new = self.copy_with(id, &bytes);
        self.slots[id.0 as usize].bytes = bytes;
        new
    }

    /// A frame of the same journey with other bytes; `id` stays held.
    pub(crate) fn copy_with(&mut self, id: FrameId, bytes: &[u8]) -> FrameId {
        let Slot { journey, crossings, .. } = self.slots[id.0 as usize];
        let visits = if crossings == DOOMED { self.slots[id.0 as usize].visits.clone() } else { None };
        let new = self.alloc_from(bytes);
        let slot = &mut self.slots[new.0 as usize];
        (slot.journey, slot.crossings, slot.visits) = (journey, crossings, visits);
        self.journeys -= 1; // the number that the copy was born with is free again
        new
    }

    /// What the trace calls this frame and its copies.
    pub(crate) fn journey(&self, id: FrameId) -> Journey {
        self.slots[id.0 as usize].journey
    }

    /// How many frames are held by somebody now.
    pub(crate) fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[inline]
    fn own(&mut self, id: &mut FrameId) -> &mut Slot {
        if self.slots[id.0 as usize].refs > 1 {
            *id = self.unshare(*id);
        }
        &mut self.slots[id.0 as usize]
    }

    fn unshare(&mut self, id: FrameId) -> FrameId {
        let new = self.copy(id);
        self.release(id);
        new
    }

    #[cold]
    fn one_more(&mut self) -> u32 {
        self.slots.push(Slot::default());
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 frames at once")
    }

    #[inline]
    fn vacant(&mut self) -> FrameId {
        self.journeys += 1;
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.one_more(),
        };
        let slot = &mut self.slots[index as usize];
        slot.bytes.clear();
        slot.refs = 1;
        slot.crossings = 0;
        slot.journey = self.journeys;
        FrameId(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_frames_are_copied_before_the_first_edit() {
        let mut slab = Slab::default();
        let a = slab.alloc_from(b"abc");
        let mut b = slab.share(a);
        slab.edit(&mut b)[0] = b'x';
        assert_ne!(a, b);
        assert_eq!((slab.bytes(a), slab.bytes(b)), (&b"abc"[..], &b"xbc"[..]));
        assert_eq!(slab.journey(a), slab.journey(b));
        let mut same = a;
        slab.edit(&mut same)[1] = b'y';
        assert_eq!(same, a, "the only holder edits in place");
        slab.release(a);
        slab.release(b);
        assert_eq!(slab.live(), 0);
        let c = slab.alloc(4);
        assert_eq!(slab.bytes(c), [0; 4], "a recycled buffer is clean");
    }

    #[test]
    fn buffers_are_as_long_as_what_is_in_them() {
        let mut slab = Slab::default();
        let whole = slab.alloc(60_000);
        let part = slab.copy_with(whole, &[0; 82]);
        assert!(slab.slots[part.0 as usize].bytes.capacity() < 1000, "a part of a datagram");
        slab.release(whole);
        assert_eq!(slab.slots[whole.0 as usize].bytes.capacity(), 0, "nobody needs it again soon");
    }
}
