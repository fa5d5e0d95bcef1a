//! A virtual Ethernet pair: what one end sends the other receives, at once.
//!
//! Kernel counterpart: `drivers/net/veth.c`. Each end keeps what it must know of the other (where it is, whether it is
//! up, its MTU), because a stage never looks into another namespace; whoever changes the one tells the other.

use super::{Dev, Kind};
use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::netns::{Ifindex, NsId};
use crate::path::{Next, Pkt, Stage};
use crate::tag::TAG_LEN;
use crate::world::World;

/// One end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Veth {
    /// The other end.
    pub(crate) peer: Peer,
}

/// What an end knows of the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Its namespace.
    pub(crate) ns: NsId,
    /// Its index there.
    pub(crate) dev: Ifindex,
    /// Whether it is up.
    pub(crate) up: bool,
    /// Its MTU, bytes.
    pub(crate) mtu: u32,
}

/// Sends to the other end (`veth_xmit`).
#[inline]
pub(crate) fn xmit(dev: &mut Dev, w: &mut World, pkt: &mut Pkt) -> Next {
    let Kind::Veth(Veth { peer }) = dev.kind else { return Next::Drop(DropReason::DevDown) };
    let len = w.frames.len(pkt.frame);
    if !peer.up || len > peer.mtu as usize + L2_LEN + TAG_LEN {
        dev.stats.tx_dropped += 1;
        if peer.up {
            // It arrives, to be counted there.
            let copy = w.frames.share(pkt.frame);
            w.push(peer.ns, Stage::Dev, Pkt { frame: copy, ..pkt.passed(peer.dev) });
        }
        return Next::Drop(if peer.up { DropReason::TooLong } else { DropReason::PeerDown });
    }
    dev.stats.tx_packets += 1;
    dev.stats.tx_bytes += len as u64;
    w.frames.cross(pkt.frame);
    match pkt.tag {
        None => w.ring.arrive((peer.ns, peer.dev), pkt.frame),
        Some(_) => w.push(peer.ns, Stage::Dev, pkt.passed(peer.dev)),
    }
    Next::Done
}
