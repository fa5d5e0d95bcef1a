//! The loopback device: what it sends it receives.
//!
//! Kernel counterpart: `drivers/net/loopback.c`.

use super::{Dev, Kind};
use crate::frame::L2_LEN;
use crate::netns::{Netns, NsId};
use crate::path::{Next, Pkt, Stage};
use crate::sysctl::DevConf;
use crate::world::World;
use nettwin_model::{IfName, Mac};

/// Sends by `lo` (`loopback_xmit`), which counts both ways here, without the Ethernet header.
pub(crate) fn xmit(ns: NsId, dev: &mut Dev, w: &mut World, pkt: &mut Pkt) -> Next {
    let len = w.frames.len(pkt.frame).saturating_sub(L2_LEN) as u64;
    dev.stats.tx_packets += 1;
    dev.stats.tx_bytes += len;
    dev.stats.rx_packets += 1;
    dev.stats.rx_bytes += len;
    // Mark and connection stay with the packet.
    let (mark, track) = (pkt.mark, pkt.track);
    w.push(ns, Stage::Dev, Pkt { mark, track, ..pkt.passed(dev.ifindex) });
    Next::Done
}

/// Gives a new namespace its `lo`, down.
pub(crate) fn add(ns: &mut Netns) {
    let index = ns.devs.next_index();
    let conf =
        std::sync::Arc::new(DevConf { disable_policy: 1, disable_xfrm: 1, ..DevConf::clone(&ns.sysctl.default) });
    ns.devs.insert(Box::new(Dev::new(index, IfName::lo(), Mac::ZERO, Kind::Loopback, conf)));
}
