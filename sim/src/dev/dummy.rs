//! A dummy device: always has carrier, takes what it is given, and does nothing with it.
//!
//! Kernel counterpart: `drivers/net/dummy.c`. It has no place for a tag beside a frame, so a tag counts as bytes.

use super::Dev;
use crate::path::{Next, Pkt};
use crate::tag;
use crate::world::World;

/// Sends (`dummy_xmit`).
pub(crate) fn xmit(dev: &mut Dev, w: &mut World, pkt: &mut Pkt) -> Next {
    tag::push(&mut w.frames, pkt);
    dev.stats.tx_packets += 1;
    dev.stats.tx_bytes += w.frames.len(pkt.frame) as u64;
    w.frames.release(pkt.frame);
    Next::Done
}
