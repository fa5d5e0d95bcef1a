//! What an interface receives, handed to somebody outside the simulation: a queue for each plug.
//!
//! Kernel counterpart: `drivers/net/tun.c` (`tun_net_xmit`, `tun_do_read`): the interface's own namespace is then played
//! by whoever holds the plug. What that one sends enters by [`Sim::send`](crate::Sim::send). Deliberately absent: any
//! descriptor, any clock.

use crate::drop::DropReason;
use crate::path::{Next, Pkt};
use crate::pcap;
use crate::sim::Sim;
use crate::world::World;
use nettwin_model::{IfName, Instant, NetnsName};
use std::collections::VecDeque;

/// The queues of one simulation.
#[derive(Default)]
pub(crate) struct Plugs(Vec<VecDeque<Vec<u8>>>);

/// An interface's plug (see [`Sim::plug`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plug(u32);

impl Sim {
    /// From now on what the interface receives is for whoever takes it with [`Sim::take_frames`], and its namespace sees
    /// none of it. `None` if there is no such interface, or one that is no wire's end.
    pub fn plug(&mut self, netns: &NetnsName, dev: IfName) -> Option<Plug> {
        let ns = self.netns.by_name_mut(netns)?;
        let index = ns.devs.by_name(dev)?;
        let dev = ns.dev_mut(index)?;
        if !matches!(dev.kind, super::Kind::Veth(_)) {
            return None;
        }
        let plug = dev.plug.unwrap_or_else(|| {
            self.world.plugs.0.push(VecDeque::new());
            // One for each interface, of which there are fewer than 2^32.
            Plug(self.world.plugs.0.len() as u32 - 1)
        });
        dev.plug = Some(plug);
        Some(plug)
    }

    /// The interface, wherever it is by now, is its namespace's again. Frames that nobody took are lost.
    pub fn unplug(&mut self, plug: Plug) {
        let with_it = |ns: &crate::netns::Netns| {
            let dev = ns.devs.iter().find(|dev| dev.plug == Some(plug))?;
            Some((ns.id, dev.ifindex))
        };
        let found = self.netns.iter().find_map(with_it);
        if let Some((id, index)) = found
            && let Some(dev) = self.netns.by_id_mut(id).and_then(|ns| ns.dev_mut(index))
        {
            dev.plug = None;
        }
        if let Some(queue) = self.world.plugs.0.get_mut(plug.0 as usize) {
            queue.clear();
        }
    }

    /// Whether there is such an interface and it is an end of a wire.
    pub fn can_plug(&self, netns: &NetnsName, dev: IfName) -> bool {
        let dev = self.netns.by_name(netns).and_then(|ns| ns.dev(ns.devs.by_name(dev)?));
        dev.is_some_and(|dev| matches!(dev.kind, super::Kind::Veth(_)))
    }

    /// What came since the last time, in order, each from its Ethernet header on.
    pub fn take_frames(&mut self, plug: Plug) -> VecDeque<Vec<u8>> {
        self.world.plugs.0.get_mut(plug.0 as usize).map(std::mem::take).unwrap_or_default()
    }

    /// An instant before which nothing will happen by itself; `None` if nothing is left to happen.
    pub fn idle_until(&self) -> Option<Instant> {
        self.world.wheel.not_before()
    }
}

/// Hands a frame to whoever holds the plug (`tun_net_xmit`).
pub(crate) fn hand_out(w: &mut World, pkt: &Pkt, plug: Plug) -> Next {
    let frame = pcap::with_tag(&w.frames, pkt).into_owned();
    let Some(queue) = w.plugs.0.get_mut(plug.0 as usize).filter(|queue| queue.len() < LENGTH) else {
        return Next::Drop(DropReason::QueueFull);
    };
    queue.push_back(frame);
    w.frames.release(pkt.frame);
    Next::Done
}

/// What a queue holds at most, frames (the kernel's `TUN_READQ_SIZE`).
const LENGTH: usize = 500;
