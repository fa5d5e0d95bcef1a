//! Devices: what every kind has in common, reception and transmission.
//!
//! Kernel counterpart: `struct net_device`, `net/core/dev.c`. Deliberately absent: queues per CPU, features, offloads,
//! hardware flags.

pub(crate) mod bond;
mod bpdu;
pub(crate) mod br_netfilter;
pub(crate) mod bridge;
pub(crate) mod dummy;
pub(crate) mod fdb;
pub(crate) mod lo;
pub(crate) mod macvlan;
pub(crate) mod mcast;
pub(crate) mod port;
pub(crate) mod state;
pub(crate) mod stp;
pub(crate) mod tap;
pub(crate) mod upper;
pub(crate) mod veth;
pub(crate) mod vlan;
pub(crate) mod vlans;
pub(crate) mod vrf;
pub(crate) mod vxlan;

use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::l3::InDev;
use crate::lane::Line;
use crate::netns::{Ifindex, Netns};
use crate::path::{Cast, Fate, Next, Pkt, Stage};
use crate::pcap;
use crate::qdisc::Qdisc;
use crate::rare::{Rare, resting};
use crate::sysctl::DevConf;
use crate::tag::{self, TAG_LEN};
use crate::trace::What;
use crate::world::{World, place};
use bridge::{Bridge, PortRef};
use macvlan::Macvlan;
use nettwin_model::probe::{Direction, ProbeId};
use nettwin_model::snapshot::{CarrierCounts, LinkStats};
use nettwin_model::virtuals::{self, MacvlanMode, Tun, TunMode};
use nettwin_model::{IfName, LinkTraits, Mac, OperState, Virtual};
use std::sync::Arc;
use upper::{At, Upper};
use veth::Veth;
use vlan::Vlan;
use vxlan::Vxlan;

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
    /// How often it got and lost that.
    pub(crate) carriers: CarrierCounts,
    /// RFC 2863's state, as the last carrier change left it.
    pub(crate) operstate: OperState,
    /// Its queueing discipline.
    pub(crate) qdisc: Qdisc,
    /// What kind, with the kind's state.
    pub(crate) kind: Kind,
    /// What sits on it, in the order of coming.
    pub(crate) uppers: Rare<Vec<Upper>>,
    /// The VRF that it is a member of.
    pub(crate) vrf: Option<Ifindex>,
    /// The bridge port that it is, if it is one.
    pub(crate) port: Option<PortRef>,
    /// Its counters.
    pub(crate) stats: LinkStats,
    /// Who watches its frames.
    pub(crate) taps: Rare<Vec<Tap>>,
    /// Who gets what it receives, instead of its namespace.
    pub(crate) plug: Option<tap::Plug>,
    /// Its MAC was set by hand (`NET_ADDR_SET`).
    pub(crate) mac_set: bool,
    /// What is usual about it.
    pub(crate) line: Line,
    /// What it carries besides.
    pub(crate) traits: Rare<LinkTraits>,
    /// Its IPv4 and neighbour settings, shared with `default` until written.
    pub(crate) conf: Arc<DevConf>,
    /// The IP layer's state of it.
    pub(crate) in_dev: InDev,
}

resting!(Vec<Upper>, Vec<Tap>, LinkTraits);

/// The kinds of devices.
pub(crate) enum Kind {
    /// `lo`.
    Loopback,
    /// One end of a virtual Ethernet pair.
    Veth(Veth),
    /// A bridge.
    Bridge(Box<Bridge>),
    /// Takes all and does nothing with it.
    Dummy,
    /// One network of what a device carries.
    Vlan(Box<Vlan>),
    /// A station of its own on the wire of another device.
    Macvlan(Box<Macvlan>),
    /// The loopback of a domain for routes.
    Vrf {
        /// Its table.
        table: u32,
    },
    /// Its wire is a descriptor: a plug, or nobody's.
    Tun(Box<Tun>),
    /// Several devices as one.
    Bond(Box<bond::Bond>),
    /// Frames in UDP datagrams.
    Vxlan(Box<Vxlan>),
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

impl Kind {
    /// The device that it sits on.
    pub(crate) fn lower(&self) -> Option<At> {
        match self {
            Kind::Vlan(vlan) => Some(vlan.lower),
            Kind::Macvlan(macvlan) => Some(macvlan.lower),
            Kind::Loopback | Kind::Veth(_) | Kind::Bridge(_) | Kind::Dummy => None,
            Kind::Vrf { .. } | Kind::Tun(_) | Kind::Bond(_) | Kind::Vxlan(_) => None,
        }
    }

    /// The same, to change.
    pub(crate) fn lower_mut(&mut self) -> Option<&mut At> {
        match self {
            Kind::Vlan(vlan) => Some(&mut vlan.lower),
            Kind::Macvlan(macvlan) => Some(&mut macvlan.lower),
            Kind::Loopback | Kind::Veth(_) | Kind::Bridge(_) | Kind::Dummy => None,
            Kind::Vrf { .. } | Kind::Tun(_) | Kind::Bond(_) | Kind::Vxlan(_) => None,
        }
    }

    /// What it shows as its `IFLA_LINK`: a veth's other end, or what it sits on.
    pub(crate) fn link(&self) -> Option<At> {
        match self {
            Kind::Veth(veth) => Some((veth.peer.ns, veth.peer.dev)),
            kind => kind.lower(),
        }
    }

    /// As the model names it.
    pub(crate) fn born(&self) -> Option<Virtual> {
        match self {
            Kind::Loopback | Kind::Veth(_) | Kind::Bridge(_) => None,
            Kind::Dummy => Some(Virtual::Dummy),
            Kind::Vlan(vlan) => Some(Virtual::Vlan(vlan.shown())),
            Kind::Vrf { table } => Some(Virtual::Vrf { table: *table }),
            Kind::Tun(tun) => Some(Virtual::Tun(Tun::clone(tun))),
            Kind::Bond(bond) => Some(Virtual::Bond(Box::new(bond.shown()))),
            Kind::Vxlan(of) => Some(Virtual::Vxlan(Box::new(of.of.clone()))),
            Kind::Macvlan(of) => Some(Virtual::Macvlan(virtuals::Macvlan {
                lower: None,
                mode: of.mode,
                sources: of.sources.as_ref().map(|list| list.to_vec()).unwrap_or_default(),
            })),
        }
    }

    /// The least and the greatest MTU, bytes; 0 for no limit.
    pub(crate) fn mtu_limits(&self) -> (u32, u32) {
        match self {
            Kind::Loopback => (0, 0),
            kind => kind.born().map_or((68, 65535), |born| born.mtu_limits()),
        }
    }

    /// Whether it is born with `IFF_MULTICAST`.
    pub(crate) fn has_multicast(&self) -> bool {
        match self {
            Kind::Loopback => false,
            kind => kind.born().is_none_or(|born| born.has_multicast()),
        }
    }
}

impl Kind {
    /// Whether it is born without `IFF_NOARP`.
    pub(crate) fn has_arp(&self) -> bool {
        match self {
            Kind::Dummy | Kind::Vrf { .. } => false,
            Kind::Tun(tun) => tun.mode == TunMode::Tap,
            _ => true,
        }
    }
}

impl Dev {
    /// A device, down, with `noop` qdisc.
    pub(crate) fn new(ifindex: Ifindex, name: IfName, mac: Mac, kind: Kind, conf: Arc<DevConf>) -> Self {
        let mtu = if matches!(kind, Kind::Loopback) { 65536 } else { 1500 };
        let carrier = !matches!(kind, Kind::Veth(_) | Kind::Tun(_));
        Dev {
            ifindex,
            name,
            mac,
            mtu,
            up: false,
            carrier,
            carriers: CarrierCounts::default(),
            operstate: OperState::Unknown,
            qdisc: Qdisc::Noop,
            kind,
            uppers: Rare::default(),
            vrf: None,
            port: None,
            stats: LinkStats::default(),
            taps: Rare::default(),
            plug: None,
            mac_set: false,
            line: Line::default(),
            traits: Rare::default(),
            conf,
            in_dev: InDev::default(),
        }
    }

    /// Switches its carrier, and counts (`netif_carrier_on`, `netif_carrier_off`).
    pub(crate) fn switch_carrier(&mut self, on: bool) {
        if self.carrier != on {
            let count = if on { &mut self.carriers.ups } else { &mut self.carriers.downs };
            *count = count.wrapping_add(1);
        }
        self.carrier = on;
    }

    /// Whether it is up and has carrier (`IFF_RUNNING` applied at once).
    pub(crate) fn is_running(&self) -> bool {
        self.up && self.carrier
    }

    /// Whether it is `lo`.
    pub(crate) fn is_loopback(&self) -> bool {
        matches!(self.kind, Kind::Loopback)
    }

    /// Whether it asks for its neighbours' addresses (not `IFF_NOARP`).
    pub(crate) fn has_arp(&self) -> bool {
        self.kind.has_arp() != self.traits.no_arp
    }

    /// Whether it has an Ethernet header and a MAC.
    pub(crate) fn has_mac(&self) -> bool {
        !matches!(&self.kind, Kind::Tun(tun) if tun.mode == TunMode::Tun)
    }

    /// Whether what comes to it is for it whatever its MAC.
    fn takes_all(&self) -> bool {
        matches!(&self.kind, Kind::Macvlan(of) if of.mode == MacvlanMode::Passthru)
    }

    /// Counts what it sent by the device below.
    pub(crate) fn count_sent(&mut self, fate: Fate, len: u64) {
        match fate {
            Fate::Dropped(reason) if reason.sender_errno().is_some() => self.stats.tx_dropped += 1,
            // What a bridge does not pass on counts as sent, and what is lost on the way.
            Fate::Held | Fate::Instead | Fate::Done | Fate::Dropped(_) => {
                self.stats.tx_packets += 1;
                self.stats.tx_bytes += len;
            }
        }
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
        if let Some(taps) = self.taps.used_mut() {
            taps.retain(|tap| !matches!(tap, Tap::Probe { id, .. } if *id == of));
        }
        self.set_promiscuous();
    }

    /// Whether somebody wants to see all that comes (`IFF_PROMISC`): who watches, a bridge that it is a port of, or a device
    /// above.
    pub(crate) fn is_promiscuous(&self) -> bool {
        self.taps.iter().any(|tap| matches!(tap, Tap::Probe { promiscuous: true, .. }))
            || self.port.is_some()
            || self.traits.promisc
            || self.uppers.iter().any(|upper| upper.wants_all)
    }

    /// Only a bridge does something else for it: frames come to the others' ends whoever they are for.
    pub(crate) fn set_promiscuous(&mut self) {
        let promiscuous = self.is_promiscuous();
        if let Some(bridge) = self.bridge_mut() {
            bridge.promiscuous = promiscuous;
        }
    }

    /// The end of a wire that it is.
    pub(crate) fn veth(&self) -> Option<&Veth> {
        match &self.kind {
            Kind::Veth(veth) => Some(veth),
            _ => None,
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

/// Stage [`Stage::Dev`]: a device received a frame (`__netif_receive_skb_core`).
#[inline]
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    if !dev.up {
        return Next::Drop(DropReason::DevDown);
    }
    let len = w.frames.len(pkt.frame);
    let mut outer = None;
    match dev.kind {
        // lo counts where it sends.
        Kind::Loopback => {}
        // The same, but what it receives counts as a whole.
        Kind::Vrf { .. } => {
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += len as u64;
        }
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
        // What passes up has no Ethernet header there.
        Kind::Vlan(ref vlan) => {
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += len.saturating_sub(L2_LEN) as u64;
            // A bridge and stations do not want it.
            let is_station = |upper: &Upper| matches!(upper.above, upper::Above::Macvlan(_));
            let shows = !vlan.reorder && dev.port.is_none() && !dev.uppers.iter().any(is_station);
            outer = pkt.tag.take().filter(|_| shows);
        }
        Kind::Macvlan(_) => {
            let twice = if pkt.flags & macvlan::COUNTED_LONGER != 0 { L2_LEN } else { 0 };
            pkt.flags = 0;
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += (len + twice) as u64;
        }
        Kind::Tun(_) => {
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += len as u64;
        }
        // Its slaves count.
        Kind::Bond(_) => {}
        // Its Ethernet header is off by then (`vxlan_set_mac`).
        Kind::Vxlan(_) => {
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += len.saturating_sub(L2_LEN) as u64;
        }
        // Nobody sends to one.
        Kind::Dummy => return Next::Drop(DropReason::DevDown),
    }
    tag::pull(&mut w.frames, pkt);
    let (tapped, port, plug) = (!dev.taps.is_empty(), dev.port, dev.plug);
    let has_uppers = !dev.uppers.is_empty();
    let tag = pkt.tag.map_or(0, |tag| u64::from(tag.tci) + 1);
    w.trace.mix(w.now, place(ns.id, pkt.dev), len as u64 ^ tag << 32 ^ tail_word(w.frames.bytes(pkt.frame)));
    if let (Some(at), None, false, false) = (port, plug, tapped || has_uppers, w.trace.is_on()) {
        return bridge::input_by(ns, w, pkt, at);
    }
    if tapped {
        pcap::tap(ns, w, pkt, outer, Direction::In);
    }
    if w.trace.is_on() {
        w.note(ns, Stage::Dev, pkt, What::Received { len });
    }
    if let Some(plug) = plug
        && !tap::is_tun(ns, pkt.dev)
    {
        return tap::hand_out(w, pkt, plug);
    }
    if let Some(tag) = pkt.tag
        && let Some(next) = vlan::receive(ns, w, pkt, tag)
    {
        return next;
    }
    if has_uppers && let Some(next) = bond::receive(ns, w, pkt) {
        return next;
    }
    if has_uppers && let Some(next) = macvlan::receive(ns, w, pkt) {
        return next;
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
    // A tag without a VLAN is a priority; a VLAN that no device here has is somebody else's.
    let foreign = pkt.tag.take().is_some_and(|tag| tag.vid() != 0);
    // What is passed up may have been meant for the device that it came by, or for one between.
    let for_port = pkt.iif != pkt.dev && is_for_lower(ns, pkt, to);
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    pkt.cast = match to {
        _ if foreign => Cast::Other,
        Mac::BROADCAST => Cast::Broadcast,
        mac if mac.is_multicast() => Cast::Multicast,
        mac if mac == dev.mac || for_port || dev.takes_all() => Cast::Host,
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
            // Whoever watches it has got it (`deliver_skb`).
            let is_watched = dev.taps.iter().any(|tap| matches!(tap, Tap::Probe { .. }));
            dev.stats.rx_dropped += u64::from(!is_watched);
            Next::Drop(DropReason::UnhandledProtocol)
        }
    }
}

/// Whether a MAC is that of the device that a frame came by, or of one that the device at hand sits on.
fn is_for_lower(ns: &Netns, pkt: &Pkt, to: Mac) -> bool {
    let mut below = ns.dev(pkt.dev).and_then(|dev| dev.kind.lower());
    while let Some((_, index)) = below.filter(|(id, _)| *id == ns.id) {
        let Some(dev) = ns.dev(index) else { break };
        if dev.mac == to {
            return true;
        }
        below = dev.kind.lower();
    }
    ns.dev(pkt.iif).is_some_and(|dev| dev.mac == to)
}

/// Stage [`Stage::Xmit`]: the device sends a frame (`dev_hard_start_xmit`).
#[inline]
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(dev) = ns.dev(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    if !dev.up {
        return Next::Drop(DropReason::DevDown);
    }
    if !dev.taps.is_empty() {
        pcap::tap(ns, w, pkt, None, Direction::Out);
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
        Kind::Dummy => dummy::xmit(dev, w, pkt),
        Kind::Vrf { .. } => vrf::xmit(id, dev, w, pkt),
        Kind::Tun(_) => tap::xmit(dev, w, pkt),
        Kind::Bond(_) => bond::xmit(ns, w, pkt),
        Kind::Vxlan(_) => vxlan::xmit(ns, w, pkt),
        Kind::Vlan(_) => vlan::xmit(ns, w, pkt),
        Kind::Macvlan(_) => macvlan::xmit(ns, w, pkt),
    }
}

/// The last eight bytes of a frame as a word, for the running hash.
#[inline]
pub(crate) fn tail_word(bytes: &[u8]) -> u64 {
    bytes.last_chunk().map_or(0, |tail| u64::from_le_bytes(*tail))
}
