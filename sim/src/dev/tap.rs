//! Frames handed to somebody outside the simulation: a queue for each plug.
//!
//! Kernel counterpart: `drivers/net/tun.c` (`tun_net_xmit`, `tun_do_read`). At the end of a wire the plug has what the
//! interface receives, and its namespace is played by whoever holds it. At a TAP device it is the device's wire, as a
//! descriptor is in the kernel: it has what the device sends, and without one there is no carrier. What its holder puts in
//! enters by [`Sim::feed`]. Deliberately absent: any descriptor, any clock, readers of a TUN device.

use super::{Dev, Kind, state};
use crate::drop::DropReason;
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt};
use crate::pcap;
use crate::sim::Sim;
use crate::tag;
use crate::world::World;
use nettwin_model::virtuals::TunMode;
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
    /// none of it; of a TAP device it is what the device sends. `None` if there is no such interface, or one that is
    /// neither.
    pub fn plug(&mut self, netns: &NetnsName, dev: IfName) -> Option<Plug> {
        let ns = self.netns.by_name_mut(netns)?;
        let index = ns.devs.by_name(dev)?;
        let dev = ns.dev_mut(index)?;
        if !takes_plug(dev) {
            return None;
        }
        let plug = dev.plug.unwrap_or_else(|| {
            self.world.plugs.0.push(VecDeque::new());
            // One for each interface, of which there are fewer than 2^32.
            Plug(self.world.plugs.0.len() as u32 - 1)
        });
        dev.plug = Some(plug);
        if matches!(dev.kind, Kind::Tun(_)) {
            state::set_carrier(ns, &mut self.world, index, true);
            self.go_on();
        }
        Some(plug)
    }

    /// Whoever holds an interface's plug puts a frame in, Ethernet header first: the end of a wire sends it, a TAP device
    /// receives it. `false` if there is no such interface.
    pub fn feed(&mut self, netns: &NetnsName, dev: IfName, frame: &[u8]) -> bool {
        let there = self.netns.by_name(netns).and_then(|ns| Some(is_tun(ns, ns.devs.by_name(dev)?)));
        match there {
            Some(true) => self.receive(netns, dev, frame),
            Some(false) => self.send(netns, dev, frame),
            None => false,
        }
    }

    /// The interface, wherever it is by now, is its namespace's again. Frames that nobody took are lost.
    pub fn unplug(&mut self, plug: Plug) {
        let with_it = |ns: &crate::netns::Netns| {
            let dev = ns.devs.iter().find(|dev| dev.plug == Some(plug))?;
            Some((ns.id, dev.ifindex))
        };
        let found = self.netns.iter().find_map(with_it);
        if let Some((id, index)) = found
            && let Some(ns) = self.netns.by_id_mut(id)
        {
            ns.dev_mut(index).into_iter().for_each(|dev| dev.plug = None);
            if is_tun(ns, index) {
                state::set_carrier(ns, &mut self.world, index, false);
            }
        }
        if let Some(queue) = self.world.plugs.0.get_mut(plug.0 as usize) {
            queue.clear();
        }
    }

    /// Whether there is such an interface and it is an end of a wire.
    pub fn can_plug(&self, netns: &NetnsName, dev: IfName) -> bool {
        let dev = self.netns.by_name(netns).and_then(|ns| ns.dev(ns.devs.by_name(dev)?));
        dev.is_some_and(|dev| dev.veth().is_some())
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

fn takes_plug(dev: &Dev) -> bool {
    match &dev.kind {
        Kind::Veth(_) => true,
        Kind::Tun(tun) => tun.mode == TunMode::Tap,
        _ => false,
    }
}

/// Whether a device's wire is a descriptor.
pub(crate) fn is_tun(ns: &Netns, index: Ifindex) -> bool {
    ns.dev(index).is_some_and(|dev| matches!(dev.kind, Kind::Tun(_)))
}

/// A TAP device sends (`tun_net_xmit`).
pub(crate) fn xmit(dev: &mut Dev, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(plug) = dev.plug else {
        dev.stats.tx_dropped += 1;
        return Next::Drop(DropReason::NoCarrier);
    };
    tag::push(&mut w.frames, pkt);
    let len = w.frames.len(pkt.frame) as u64;
    let next = hand_out(w, pkt, plug);
    match next {
        Next::Drop(_) => dev.stats.tx_dropped += 1,
        _ => {
            dev.stats.tx_packets += 1;
            dev.stats.tx_bytes += len;
        }
    }
    next
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

#[cfg(test)]
mod tests {
    use super::*;
    use nettwin_model::op::{AddLink, NewLink, Op};
    use nettwin_model::{Backend, Extent, words};

    #[test]
    fn a_tap_device_has_carrier_while_it_is_plugged() {
        let (netns, dev) = ("a".parse::<NetnsName>().unwrap(), IfName::new("t").unwrap());
        let kind = NewLink::Virtual(words::virtuals::parse("tap").unwrap());
        let addr = words::addr::parse("10.0.0.1/24").unwrap();
        let link = AddLink { netns: netns.clone(), name: dev, kind, mac: None, mtu: None, master: None, up: true };
        let mut sim = Sim::new(0);
        sim.execute(&[
            Op::AddNetns { netns: netns.clone() },
            Op::AddLink(Box::new(link)),
            Op::AddAddr { netns: netns.clone(), dev, addr },
        ])
        .unwrap();
        let carrier =
            |sim: &mut Sim| sim.observe(&Extent::default()).unwrap().netns[&netns].derived.links[&dev].carrier;
        assert!(!carrier(&mut sim));
        let plug = sim.plug(&netns, dev).unwrap();
        assert!(carrier(&mut sim));
        // Who has 10.0.0.1? Tell 10.0.0.2.
        let mut question = vec![0xff; 6];
        question.extend([2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2]);
        question.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
        assert!(sim.feed(&netns, dev, &question));
        let answers = sim.take_frames(plug);
        assert_eq!(answers.iter().map(|frame| (&frame[12..14], frame[21])).collect::<Vec<_>>(), [(&[8, 6][..], 2)]);
        sim.unplug(plug);
        assert!(!carrier(&mut sim));
    }
}
