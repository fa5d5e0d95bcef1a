//! Frames from outside: what a fuzzer, a bench or a replay puts on an interface.
//!
//! Kernel counterpart: `netif_rx()`, `dev_queue_xmit()` from a packet socket. Deliberately absent: checks. Any bytes may
//! come; the path drops what is not a frame. What is shorter than an Ethernet header no device hands on: it is lost here.

use crate::frame::L2_LEN;
use crate::path::{Pkt, Stage};
use crate::sim::Sim;
use nettwin_model::{IfName, NetnsName};

impl Sim {
    /// The interface receives this frame, Ethernet header first, as if its wire had brought it. Everything that it causes
    /// at this instant is done. `false` if there is no such interface.
    pub fn receive(&mut self, netns: &NetnsName, dev: IfName, frame: &[u8]) -> bool {
        self.put(netns, dev, frame, Stage::Dev)
    }

    /// The interface sends this frame, Ethernet header first, as a packet socket makes it (`AF_PACKET`). Everything that
    /// it causes at this instant is done. `false` if there is no such interface.
    pub fn send(&mut self, netns: &NetnsName, dev: IfName, frame: &[u8]) -> bool {
        self.put(netns, dev, frame, Stage::Qdisc)
    }

    fn put(&mut self, netns: &NetnsName, dev: IfName, bytes: &[u8], stage: Stage) -> bool {
        let Some(ns) = self.netns.by_name_mut(netns) else { return false };
        let Some(index) = ns.devs.by_name(dev) else { return false };
        if bytes.len() < L2_LEN {
            return true;
        }
        let frame = self.world.frames.alloc_from(bytes);
        let pkt = match stage {
            Stage::Dev => Pkt::on(frame, index),
            _ => Pkt::new(frame, index),
        };
        let id = ns.id;
        self.world.push(id, stage, pkt);
        self.drain();
        true
    }
}
