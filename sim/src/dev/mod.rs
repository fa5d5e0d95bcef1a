//! Devices: what every kind has in common, reception and transmission.
//!
//! Kernel counterpart: `struct net_device`, `net/core/dev.c`. Deliberately absent: queues per CPU, features, offloads,
//! alternative names, hardware flags.

mod bpdu;
pub(crate) mod br_netfilter;
pub(crate) mod bridge;
pub(crate) mod fdb;
pub(crate) mod lo;
pub(crate) mod port;
pub(crate) mod state;
pub(crate) mod stp;
pub(crate) mod tap;
pub(crate) mod veth;

use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::l3::InDev;
use crate::netns::{Ifindex, Netns};
use crate::path::{Cast, Next, Pkt, Stage};
use crate::pcap;
use crate::qdisc::Qdisc;
use crate::sysctl::DevConf;
use crate::trace::What;
use crate::world::{World, place};
use bridge::{Bridge, PortRef};
use nettwin_model::probe::{Direction, ProbeId};
use nettwin_model::snapshot::LinkStats;
use nettwin_model::{IfName, LinkTraits, Mac, OperState};
use std::sync::Arc;
use veth::Veth;

/// One network device.
pub(crate) struct Dev {
    /// Its index in its namespace.
    pub(crate) ifindex: Ifindex,
    /// Its name.
    pub(crate) name: IfName,
    /// Its hardware address.
    pub(crate) mac: Mac,
    /// The greatest packet above Ethernet that it sends, bytes.
    pub(crate) mtu: u32,
    /// Administratively up (`IFF_UP`).
    pub(crate) up: bool,
    /// It has carrier (`netif_carrier_ok`).
    pub(crate) carrier: bool,
    /// RFC 2863's state, as the last carrier change left it.
    pub(crate) operstate: OperState,
    /// Its queueing discipline.
    pub(crate) qdisc: Qdisc,
    /// What kind, with the kind's state.
    pub(crate) kind: Kind,
    /// The bridge port that it is, if it is one.
    pub(crate) port: Option<PortRef>,
    /// Its counters.
    pub(crate) stats: LinkStats,
    /// Who watches its frames.
    pub(crate) taps: Vec<Tap>,
    /// Who gets what it receives, instead of its namespace.
    pub(crate) plug: Option<tap::Plug>,
    /// Its MAC was set by hand (`NET_ADDR_SET`).
    pub(crate) mac_set: bool,
    /// What it carries besides.
    pub(crate) traits: LinkTraits,
    /// Its IPv4 and neighbour settings, shared with `default` until written.
    pub(crate) conf: Arc<DevConf>,
    /// The IP layer's state of it.
    pub(crate) in_dev: InDev,
}

/// The kinds of devices.
pub(crate) enum Kind {
    /// `lo`.
    Loopback,
    /// One end of a virtual Ethernet pair.
    Veth(Veth),
    /// A bridge.
    Bridge(Box<Bridge>),
}

/// Somebody who watches a device's frames (`packet_type` of `ETH_P_ALL`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tap {
    /// A capture that reports its frames.
    Probe {
        /// Whom to.
        id: ProbeId,
        /// How much of each, bytes.
        snap_len: u32,
        /// It wants to see all that passes.
        promiscuous: bool,
    },
    /// A pcapng recording of the simulation.
    Recording(u32),
}

impl Dev {
    /// A device, down, with `noop` qdisc.
    pub(crate) fn new(ifindex: Ifindex, name: IfName, mac: Mac, kind: Kind, conf: Arc<DevConf>) -> Self {
        let mtu = if matches!(kind, Kind::Loopback) { 65536 } else { 1500 };
        let carrier = !matches!(kind, Kind::Veth(_));
        Dev {
            ifindex,
            name,
            mac,
            mtu,
            up: false,
            carrier,
            operstate: OperState::Unknown,
            qdisc: Qdisc::Noop,
            kind,
            port: None,
            stats: LinkStats::default(),
            taps: Vec::new(),
            plug: None,
            mac_set: false,
            traits: LinkTraits::default(),
            conf,
            in_dev: InDev::default(),
        }
    }

    /// Whether it is up and has carrier (`IFF_RUNNING` applied at once).
    pub(crate) fn is_running(&self) -> bool {
        self.up && self.carrier
    }

    /// Whether it is `lo`.
    pub(crate) fn is_loopback(&self) -> bool {
        matches!(self.kind, Kind::Loopback)
    }

    /// Whether the frame fits this device (`is_skb_forwardable`): MTU, Ethernet header and one tag.
    #[inline]
    pub(crate) fn takes_length(&self, len: usize) -> bool {
        len <= self.mtu as usize + L2_LEN + TAG_LEN
    }

    /// Begins to show frames to somebody.
    pub(crate) fn add_tap(&mut self, tap: Tap) {
        self.taps.push(tap);
        self.set_promiscuous();
    }

    /// Shows no more frames to a workload.
    pub(crate) fn remove_taps(&mut self, of: ProbeId) {
        self.taps.retain(|tap| !matches!(tap, Tap::Probe { id, .. } if *id == of));
        self.set_promiscuous();
    }

    /// Only a bridge does something else for it: frames come to the others' ends whoever they are for.
    fn set_promiscuous(&mut self) {
        let promiscuous = self.taps.iter().any(|tap| matches!(tap, Tap::Probe { promiscuous: true, .. }));
        if let Some(bridge) = self.bridge_mut() {
            bridge.promiscuous = promiscuous;
        }
    }

    /// The bridge that it is.
    pub(crate) fn bridge(&self) -> Option<&Bridge> {
        match &self.kind {
            Kind::Bridge(bridge) => Some(bridge),
            _ => None,
        }
    }

    /// The bridge that it is, to change.
    pub(crate) fn bridge_mut(&mut self) -> Option<&mut Bridge> {
        match &mut self.kind {
            Kind::Bridge(bridge) => Some(bridge),
            _ => None,
        }
    }
}

/// A VLAN tag's length: frames may be longer by one, tag or not.
pub(crate) const TAG_LEN: usize = 4;

/// Stage [`Stage::Dev`]: a device received a frame (`__netif_receive_skb_core`).
#[inline]
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    if !dev.up {
        return Next::Drop(DropReason::DevDown);
    }
    let len = w.frames.len(pkt.frame);
    match dev.kind {
        // lo counts where it sends.
        Kind::Loopback => {}
        // Its sender has told of it already.
        Kind::Veth(_) if !dev.takes_length(len) => {
            dev.stats.rx_dropped += 1;
            w.frames.release(pkt.frame);
            return Next::Done;
        }
        Kind::Veth(_) => {
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += len as u64;
        }
        // A bridge counts what it passes up without the Ethernet header, as br_pass_frame_up does.
        Kind::Bridge(_) => {
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += len.saturating_sub(L2_LEN) as u64;
        }
    }
    let (tapped, port, plug) = (!dev.taps.is_empty(), dev.port, dev.plug);
    w.trace.mix(w.now, place(ns.id, pkt.dev), len as u64 ^ tail_word(w.frames.bytes(pkt.frame)));
    if let (Some(at), None, false, false) = (port, plug, tapped, w.trace.is_on()) {
        return bridge::input_by(ns, w, pkt, at);
    }
    if tapped {
        pcap::tap(ns, w, pkt, Direction::In);
    }
    if w.trace.is_on() {
        w.note(ns, Stage::Dev, pkt, What::Received { len });
    }
    if let Some(plug) = plug {
        return tap::hand_out(w, pkt, plug);
    }
    Next::To(if port.is_some() { Stage::Bridge } else { Stage::Ethertype })
}

/// Stage [`Stage::Ethertype`]: whom a frame is for, by MAC and by protocol (`eth_type_trans`, `deliver_skb`).
pub(crate) fn ethertype(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let bytes = w.frames.bytes(pkt.frame);
    if bytes.len() < L2_LEN {
        return Next::Drop(DropReason::TooShort);
    }
    let to = Mac([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]);
    let ethertype = u16::from_be_bytes([bytes[12], bytes[13]]);
    // What a bridge passes up may have been meant for the port that it came by.
    let for_port = pkt.iif != pkt.dev && ns.dev(pkt.iif).is_some_and(|port| port.mac == to);
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    pkt.cast = match to {
        Mac::BROADCAST => Cast::Broadcast,
        mac if mac.is_multicast() => Cast::Multicast,
        mac if mac == dev.mac || for_port => Cast::Host,
        _ => Cast::Other,
    };
    pkt.iif = pkt.dev;
    match ethertype {
        0x0806 => Next::To(Stage::Arp),
        0x0800 => Next::To(Stage::IpInput),
        0x86dd => Next::Drop(DropReason::Ipv6Disabled),
        // A length instead of a type: 802.2, which the bridge module's LLC always takes.
        0..=0x05ff => Next::Drop(DropReason::UnhandledProtocol),
        _ => {
            dev.stats.rx_dropped += 1;
            Next::Drop(DropReason::UnhandledProtocol)
        }
    }
}

/// Stage [`Stage::Xmit`]: the device sends a frame (`dev_hard_start_xmit`).
#[inline]
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(dev) = ns.dev(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    if !dev.up {
        return Next::Drop(DropReason::DevDown);
    }
    if !dev.taps.is_empty() {
        pcap::tap(ns, w, pkt, Direction::Out);
    }
    if w.trace.is_on() {
        let len = w.frames.len(pkt.frame);
        w.note(ns, Stage::Xmit, pkt, What::Sent { len });
    }
    let id = ns.id;
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    match &dev.kind {
        Kind::Loopback => lo::xmit(id, dev, w, pkt),
        Kind::Veth(_) => veth::xmit(dev, w, pkt),
        Kind::Bridge(_) => bridge::xmit(ns, w, pkt),
    }
}

/// The last eight bytes of a frame as a word, for the running hash.
#[inline]
pub(crate) fn tail_word(bytes: &[u8]) -> u64 {
    bytes.last_chunk().map_or(0, |tail| u64::from_le_bytes(*tail))
}
