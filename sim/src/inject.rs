//! Frames from outside: what a fuzzer, a bench or a replay puts on an interface.
//!
//! Kernel counterpart: `netif_rx()`, `dev_queue_xmit()` from a packet socket. Deliberately absent: checks. Any bytes may
//! come; the path drops what is not a frame. What is shorter than an Ethernet header no device hands on: it is lost here.

use crate::frame::L2_LEN;
use crate::lane::{self, Lane};
use crate::netns::{Ifindex, NsId};
use crate::path::{self, Pkt, Stage};
use crate::sim::Sim;
use nettwin_model::{IfName, NetnsName};

/// An interface of a namespace, for as long as it is there: found once, as a socket that is bound to a device is
/// (`sockaddr_ll.sll_ifindex`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    ns: NsId,
    dev: Ifindex,
}

impl Sim {
    /// The interface of that name.
    pub fn port(&self, netns: &NetnsName, dev: IfName) -> Option<Port> {
        let ns = self.netns.by_name(netns)?;
        Some(Port { ns: ns.id, dev: ns.devs.by_name(dev)? })
    }

    /// The interface receives this frame, Ethernet header first, as if its wire had brought it. Everything that it causes
    /// at this instant is done. `false` if there is no such interface.
    pub fn receive(&mut self, netns: &NetnsName, dev: IfName, frame: &[u8]) -> bool {
        self.port(netns, dev).is_some_and(|port| self.put(port, frame, Stage::Dev))
    }

    /// The interface sends this frame, Ethernet header first, as a packet socket makes it (`AF_PACKET`). Everything that
    /// it causes at this instant is done. `false` if there is no such interface.
    pub fn send(&mut self, netns: &NetnsName, dev: IfName, frame: &[u8]) -> bool {
        self.port(netns, dev).is_some_and(|port| self.put(port, frame, Stage::Qdisc))
    }

    /// The same as [`send`](Self::send) of an interface that was found before. `false` if it is gone.
    #[inline]
    pub fn send_by(&mut self, port: Port, frame: &[u8]) -> bool {
        self.put(port, frame, Stage::Qdisc)
    }

    #[inline]
    fn put(&mut self, Port { ns, dev }: Port, bytes: &[u8], stage: Stage) -> bool {
        let Sim { netns, world: w } = self;
        let Some(ns) = netns.quiet_mut(ns) else { return false };
        if ns.dev(dev).is_none() {
            return false;
        }
        if bytes.len() < L2_LEN {
            return true;
        }
        let frame = w.frames.alloc_from(bytes);
        // Nothing else is to be done at this instant: it needs no place on the work list.
        w.ring.refill();
        match stage {
            Stage::Dev => path::by_stages(ns, w, Pkt::on(frame, dev), stage),
            _ => match lane::begin(ns, w, dev, frame) {
                Lane::Gone => {}
                Lane::Crosses(end) => path::carry(netns, w, end, frame),
                Lane::On(stage, dev) => path::by_stages(ns, w, Pkt::new(frame, dev), stage),
            },
        }
        self.go_on();
        true
    }
}
