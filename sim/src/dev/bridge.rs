//! A bridge: the path of a frame through it.
//!
//! Kernel counterpart: `net/bridge/br_input.c`, `br_forward.c`, `br_device.c`. The path between two ports allocates
//! nothing and schedules no event. Membership is in [`port`](super::port), the spanning tree in [`stp`](super::stp).
//! VLANs are in [`vlans`](super::vlans), groups in [`mcast`](super::mcast). Deliberately absent: MLD snooping, proxy ARP and
//! neighbour suppression, MAB.

use super::br_netfilter;
use super::fdb::{self, Fdb, Learned, SELF};
use super::mcast::{self, Mcast, McastPort, Way};
use super::stp::{Stp, StpPort};
use super::vlans::{self, Filter, Vlans};
use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::lane;
use crate::netns::{Ifindex, Netns, NsId};
use crate::nf;
use crate::path::{self, Next, Pkt, Stage};
use crate::world::World;
use nettwin_model::rules::Hook;
use nettwin_model::{Instant, PortState};
use std::time::Duration;

/// Which port of which bridge a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortRef {
    /// The bridge.
    pub(crate) bridge: Ifindex,
    /// The port's number, from 1.
    pub(crate) number: u16,
}

/// A bridge's state. Times are in hundredths of a second.
pub(crate) struct Bridge {
    /// Which MAC is where.
    pub(crate) fdb: Fdb,
    /// The ports by number, from 1.
    pub(crate) ports: Vec<Option<Box<Port>>>,
    /// The ports' numbers in the order of flooding: the newest first.
    pub(crate) order: Vec<u16>,
    /// The spanning tree's state.
    pub(crate) stp: Stp,
    /// `ageing_time` as it is in force and shown: twice the forward delay while the topology changes.
    pub(crate) ageing_time: u32,
    /// As it was set.
    pub(crate) own_ageing_time: u32,
    /// `group_fwd_mask`.
    pub(crate) group_fwd_mask: u16,
    /// `fdb_max_learned`.
    pub(crate) fdb_max_learned: u32,
    /// Groups and who asks for them.
    pub(crate) mcast: Mcast,
    /// The MTU was set by hand.
    pub(crate) mtu_set: bool,
    /// Somebody wants to see all that passes (`IFF_PROMISC`).
    pub(crate) promiscuous: bool,
    /// What is set about VLANs.
    pub(crate) filter: Filter,
    /// The VLANs of the bridge itself.
    pub(crate) vlans: Vlans,
}

/// A port's state.
pub(crate) struct Port {
    /// The device.
    pub(crate) dev: Ifindex,
    /// May a frame leave by the port that it came from?
    pub(crate) hairpin: bool,
    /// Are source MACs learned?
    pub(crate) learning: bool,
    /// Does unknown unicast leave here?
    pub(crate) flood: bool,
    /// Does multicast leave here?
    pub(crate) mcast_flood: bool,
    /// Does broadcast leave here?
    pub(crate) bcast_flood: bool,
    /// Isolated ports do not talk to each other.
    pub(crate) isolated: bool,
    /// Unknown sources are dropped.
    pub(crate) locked: bool,
    /// A BPDU shuts the port.
    pub(crate) guard: bool,
    /// It may not become the root port.
    pub(crate) root_block: bool,
    /// A leave is believed at once.
    pub(crate) fastleave: bool,
    /// Its VLANs.
    pub(crate) vlans: Vlans,
    /// Whether multicast routers are behind it, and who asks.
    pub(crate) mcast: McastPort,
    /// The spanning tree's state of it.
    pub(crate) stp: StpPort,
}

impl Default for Bridge {
    fn default() -> Self {
        Bridge {
            fdb: Fdb::default(),
            ports: Vec::new(),
            order: Vec::new(),
            stp: Stp::default(),
            ageing_time: 30000,
            own_ageing_time: 30000,
            group_fwd_mask: 0,
            fdb_max_learned: 0,
            mcast: Mcast::default(),
            mtu_set: false,
            promiscuous: false,
            filter: Filter::default(),
            vlans: Vlans::default(),
        }
    }
}

impl Bridge {
    /// The port of that number.
    #[inline]
    pub(crate) fn port(&self, number: u16) -> Option<&Port> {
        self.ports.get(usize::from(number).wrapping_sub(1))?.as_deref()
    }

    /// The port of that number, to change.
    #[inline]
    pub(crate) fn port_mut(&mut self, number: u16) -> Option<&mut Port> {
        self.ports.get_mut(usize::from(number).wrapping_sub(1))?.as_deref_mut()
    }

    /// The device by which port `to` sends what came in by port `from`, if it does.
    #[inline]
    fn way(&self, from: u16, to: u16) -> Option<Ifindex> {
        let isolated = self.port(from).is_some_and(|p| p.isolated);
        self.port(to).filter(|p| delivers(p, from == to, isolated)).map(|p| p.dev)
    }

    /// How long an entry is held (`hold_time`).
    pub(crate) fn hold(&self) -> Duration {
        let centis = if self.stp.topology_change { self.stp.forward_delay } else { self.ageing_time };
        Duration::from_millis(u64::from(centis) * 10)
    }

    /// The devices that may send what came in by port `from`.
    pub(crate) fn onward(&self, from: u16, kind: Kind) -> impl Iterator<Item = Ifindex> {
        let ingress = self.port(from).filter(|p| p.stp.state == PortState::Forwarding);
        ingress.into_iter().flat_map(move |ingress| {
            self.order.iter().filter_map(move |&number| {
                let port = self.port(number)?;
                let wanted = kind == Kind::Unicast || port.floods(kind);
                (wanted && delivers(port, number == from, ingress.isolated)).then_some(port.dev)
            })
        })
    }
}

impl Port {
    /// Whether what is sent to many or to nobody known leaves here.
    #[inline]
    pub(crate) fn floods(&self, kind: Kind) -> bool {
        match kind {
            Kind::Unicast => self.flood,
            Kind::Multicast => self.mcast_flood,
            Kind::Broadcast => self.bcast_flood,
        }
    }
}

/// What kind of destination, for the ports' flood flags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One host.
    Unicast,
    /// A group.
    Multicast,
    /// Everybody.
    Broadcast,
}

impl Kind {
    /// That of a frame, which begins with its destination.
    #[inline]
    pub(crate) fn of(dst: &[u8]) -> Self {
        match dst {
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ..] => Kind::Broadcast,
            [first, ..] if first & 1 == 1 => Kind::Multicast,
            _ => Kind::Unicast,
        }
    }
}

/// Where a frame goes from the bridge.
enum Verdict {
    Up,
    Port(u16),
    Flood {
        kind: Kind,
        up: bool,
    },
    /// To a group's members and routers, and up or not.
    Group(Vec<u16>, bool),
    Drop(DropReason),
    /// Past the bridge: the port's own protocols get it.
    Pass,
    Bpdu,
}

/// Stage [`Stage::Bridge`]: a frame came in by a port (`br_handle_frame`, `br_handle_frame_finish`).
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    match ns.dev(pkt.dev).and_then(|d| d.port) {
        Some(at) => input_by(ns, w, pkt, at),
        None => Next::To(Stage::Ethertype),
    }
}

/// The same by a port that is known.
#[inline]
pub(crate) fn input_by(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, at: PortRef) -> Next {
    let (id, now) = (ns.id, w.now);
    let bytes = w.frames.bytes(pkt.frame);
    if bytes.len() < L2_LEN {
        return Next::Drop(DropReason::TooShort);
    }
    let filtered = br_netfilter::sees(ns, bytes, pkt.tag.is_some());
    let faulty = if filtered { br_netfilter::validate(bytes).err() } else { None };
    let src = &bytes[6..12];
    if src[0] & 1 == 1 || src == [0; 6] {
        return Next::Drop(DropReason::BadSourceMac);
    }
    if ns.nf.is_some()
        && let Err(next) = nf::at_bridge(ns, w, pkt, Hook::Prerouting, pkt.dev, Ifindex::NONE)
    {
        return next;
    }
    if filtered
        && faulty.is_none()
        && ns.nf.is_some()
        && let Err(next) = br_netfilter::hook(ns, w, pkt, Hook::Prerouting, at.bridge)
    {
        return next;
    }
    let bytes = w.frames.bytes(pkt.frame);
    let (dst, src) = (&bytes[..6], &bytes[6..12]);
    let (kind, dst_key, src_key) = (Kind::of(dst), fdb::key(dst), fdb::key(src));
    let Some(bridge) = ns.dev_mut(at.bridge).and_then(|d| d.bridge_mut()) else {
        return Next::Drop(DropReason::DevDown);
    };
    let reserved = (dst[..5] == [0x01, 0x80, 0xc2, 0, 0] && dst[5] < 0x10).then_some(dst[5]);
    let vid = match reserved {
        Some(x) if !forwards_reserved(bridge, x) => vlans::enter(bridge, at.number, true, &mut w.frames, pkt),
        _ if faulty.is_some() => Ok(0),
        _ => vlans::enter(bridge, at.number, false, &mut w.frames, pkt),
    };
    let (src_key, dst_key) = match vid {
        Ok(vid) => (fdb::in_vlan(src_key, vid), fdb::in_vlan(dst_key, vid)),
        Err(_) => (src_key, dst_key),
    };
    let (outside, vid) = (vid.err(), vid.unwrap_or(0));
    let (verdict, learned) = classify(bridge, at.number, kind, (reserved, faulty, outside), dst_key, src_key, now);
    let promiscuous = bridge.promiscuous;
    if let (Verdict::Port(to), Learned::Known, false, false) =
        (&verdict, learned, filtered || promiscuous || bridge.filter.on, w.trace.is_on())
    {
        // The usual case: there is nothing else to be done here.
        return match bridge.way(at.number, *to) {
            Some(dev) => leave_by(ns, w, pkt, dev, true),
            None => Next::Drop(DropReason::NoEgressPort),
        };
    }
    if learned == Learned::New
        && let Some(due) = bridge.fdb.arm(now, bridge.hold())
    {
        w.wheel.schedule(due, fdb::sweep_event(id, at.bridge));
    }
    let verdict = match verdict {
        Verdict::Flood { kind: Kind::Multicast, .. } => match mcast::hear(ns, w, at, vid, pkt) {
            Way::Flood => verdict,
            Way::Members(ports, up) => Verdict::Group(ports, up),
            Way::Drop => Verdict::Drop(DropReason::BadIgmp),
        },
        other => other,
    };
    if w.trace.is_on() {
        explain(ns, w, pkt, at, &verdict, learned, src_key, dst_key);
    }
    if filtered && !matches!(verdict, Verdict::Drop(_) | Verdict::Pass | Verdict::Bpdu) {
        br_netfilter::trim(w, pkt);
    }
    match verdict {
        Verdict::Port(to) if promiscuous => {
            let mut copy = Pkt { frame: w.frames.share(pkt.frame), ..*pkt };
            match forward(ns, w, &mut copy, at.bridge, Some(at.number), to) {
                Next::To(stage) => drop(path::run(ns, w, &mut copy, stage)),
                // The one that goes up counts in its stead.
                Next::Drop(_) => w.frames.release(copy.frame),
                Next::Held | Next::Done | Next::Ended(_) => {}
            }
            pkt.dev = at.bridge;
            Next::To(Stage::Dev)
        }
        Verdict::Port(to) => forward(ns, w, pkt, at.bridge, Some(at.number), to),
        Verdict::Up => up(ns, w, pkt, at.bridge),
        Verdict::Flood { kind, up } => {
            flood(ns, w, pkt, at.bridge, Some(at.number), Many { kind, only: None, up: up || promiscuous })
        }
        Verdict::Group(ports, up) => {
            let many = Many { kind: Kind::Multicast, only: Some(&ports), up: up || promiscuous };
            flood(ns, w, pkt, at.bridge, Some(at.number), many)
        }
        Verdict::Drop(reason) => Next::Drop(reason),
        Verdict::Pass => Next::To(Stage::Ethertype),
        Verdict::Bpdu => super::stp::input(ns, w, pkt, at),
    }
}

/// Learns the source and decides (`br_handle_frame`, `br_handle_frame_finish`).
#[inline]
fn classify(
    bridge: &mut Bridge,
    number: u16,
    kind: Kind,
    (reserved, faulty, outside): (Option<u8>, Option<DropReason>, Option<DropReason>),
    dst: u64,
    src: u64,
    now: Instant,
) -> (Verdict, Learned) {
    let Some(port) = bridge.port(number) else { return (Verdict::Drop(DropReason::DevDown), Learned::Known) };
    let (state, learning, locked) = (port.stp.state, port.learning, port.locked);
    let learns = learning && bridge.ageing_time != 0 && matches!(state, PortState::Learning | PortState::Forwarding);
    if let Some(x) = reserved {
        if x == 1 {
            return (Verdict::Drop(DropReason::LinkLocal), Learned::Known);
        }
        if !forwards_reserved(bridge, x) {
            let learned = learn(bridge, learns && outside.is_none(), src, number, now);
            return (if x == bridge.filter.group() { Verdict::Bpdu } else { Verdict::Pass }, learned);
        }
    }
    if !matches!(state, PortState::Learning | PortState::Forwarding) {
        return (Verdict::Drop(DropReason::PortState), Learned::Known);
    }
    if let Some(reason) = faulty {
        return (Verdict::Drop(reason), Learned::Known);
    }
    if let Some(reason) = outside {
        return (Verdict::Drop(reason), Learned::Known);
    }
    if locked && bridge.fdb.find(src).is_none_or(|e| e.port != number || e.local) {
        return (Verdict::Drop(DropReason::PortLocked), Learned::Known);
    }
    let learned = learn(bridge, learns, src, number, now);
    if state == PortState::Learning {
        return (Verdict::Drop(DropReason::PortState), learned);
    }
    let verdict = match kind {
        Kind::Unicast => match bridge.fdb.find(dst) {
            Some(entry) if entry.local => Verdict::Up,
            Some(entry) => Verdict::Port(entry.port),
            None => Verdict::Flood { kind, up: false },
        },
        // A group's frames may yet be for its members only.
        Kind::Broadcast | Kind::Multicast => Verdict::Flood { kind, up: true },
    };
    (verdict, learned)
}

/// Whether frames to 01:80:c2:00:00:0`x` are forwarded like others (`br_handle_frame`).
fn forwards_reserved(bridge: &Bridge, x: u8) -> bool {
    x == 0 && !bridge.stp.enabled || (bridge.group_fwd_mask | bridge.filter.forwards()) & 1 << x != 0
}

#[inline]
fn learn(bridge: &mut Bridge, learns: bool, src: u64, number: u16, now: Instant) -> Learned {
    if !learns {
        return Learned::Known;
    }
    bridge.fdb.learn(src, number, now, bridge.fdb_max_learned)
}

/// Sends by the bridge itself (`br_dev_xmit`).
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    let bytes = w.frames.bytes(pkt.frame);
    dev.stats.tx_packets += 1;
    dev.stats.tx_bytes += bytes.len() as u64;
    let Some(bridge) = dev.bridge_mut() else { return Next::Drop(DropReason::DevDown) };
    if bytes.len() < L2_LEN {
        return Next::Drop(DropReason::TooShort);
    }
    let kind = Kind::of(&bytes[..6]);
    let key = fdb::key(&bytes[..6]);
    let vid = match vlans::enter(bridge, SELF, false, &mut w.frames, pkt) {
        Ok(vid) => vid,
        Err(reason) => return Next::Drop(reason),
    };
    let known = if kind == Kind::Unicast { bridge.fdb.find(fdb::in_vlan(key, vid)).map(|e| e.port) } else { None };
    let at = pkt.dev;
    if w.trace.is_on() {
        let dst = station(fdb::in_vlan(key, vid));
        let (number, unknown) = (known.unwrap_or(SELF), kind == Kind::Unicast);
        w.decide(ns, Stage::Xmit, pkt, "fdb", || match known {
            Some(_) => format!("{dst} is behind {}", port_name(ns, at, number)),
            None if unknown => format!("{dst} is unknown: flooded"),
            None => "sent to all ports".to_owned(),
        });
    }
    let heard = match kind {
        Kind::Multicast => mcast::hear(ns, w, PortRef { bridge: at, number: SELF }, vid, pkt),
        _ => Way::Flood,
    };
    let only = match &heard {
        Way::Flood => None,
        Way::Members(ports, _) => Some(ports.as_slice()),
        Way::Drop => return Next::Drop(DropReason::BadIgmp),
    };
    match known {
        Some(SELF) => Next::Drop(DropReason::NoEgressPort),
        Some(to) => forward(ns, w, pkt, at, None, to),
        None => flood(ns, w, pkt, at, None, Many { kind, only, up: false }),
    }
}

/// Sends to one port (`br_forward`).
#[inline]
fn forward(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, bridge: Ifindex, from: Option<u16>, to: u16) -> Next {
    let Some(b) = ns.dev(bridge).and_then(|d| d.bridge()) else { return Next::Drop(DropReason::DevDown) };
    // What the bridge itself sends came in by no port.
    let Some(dev) = b.way(from.unwrap_or(SELF), to) else { return Next::Drop(DropReason::NoEgressPort) };
    if b.filter.on {
        if b.vlans(to).is_none_or(|vlans| !vlans::is_allowed(b, vlans, pkt.tag)) {
            return Next::Drop(DropReason::NotInVlan);
        }
        if let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) {
            vlans::leave(b, to, &w.frames, pkt);
        }
    }
    leave_by(ns, w, pkt, dev, from.is_some())
}

/// What a port's device sends: what came in by another port, or (not `forwarded`) what the bridge itself sends.
#[inline]
fn leave_by(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, dev: Ifindex, forwarded: bool) -> Next {
    pkt.dev = dev;
    if ns.nf.is_none()
        && pkt.tag.is_none()
        && let Some(out) = ns.dev_mut(dev)
        && lane::leave(out, w, pkt.frame)
    {
        return Next::Done;
    }
    leave_otherwise(ns, w, pkt, forwarded)
}

fn leave_otherwise(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, forwarded: bool) -> Next {
    if forwarded && let Some(next) = br_netfilter::xmit(ns, w, pkt) {
        return next;
    }
    if ns.dev(pkt.dev).is_some_and(|d| !d.takes_length(w.frames.len(pkt.frame))) {
        return Next::Drop(DropReason::TooLong);
    }
    match leave(ns, w, pkt, !forwarded) {
        Ok(()) => Next::To(Stage::Qdisc),
        Err(next) => next,
    }
}

/// The hooks of what a port sends (`__br_forward`).
fn leave(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, local: bool) -> Result<(), Next> {
    if ns.nf.is_none() {
        return Ok(());
    }
    let iif = if local { Ifindex::NONE } else { pkt.iif };
    let bridge = ns.dev(pkt.dev).and_then(|d| d.port).map(|port| port.bridge).filter(|_| !local);
    nf::at_bridge(ns, w, pkt, if local { Hook::Output } else { Hook::Forward }, iif, pkt.dev)?;
    if let Some(bridge) = bridge {
        br_netfilter::hook(ns, w, pkt, Hook::Forward, bridge)?;
    }
    nf::at_bridge(ns, w, pkt, Hook::Postrouting, iif, pkt.dev)?;
    bridge.map_or(Ok(()), |bridge| br_netfilter::hook(ns, w, pkt, Hook::Postrouting, bridge))
}

/// Passes a frame up to the bridge's own device (`br_pass_frame_up`).
fn up(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, bridge: Ifindex) -> Next {
    if let Some(dev) = ns.dev_mut(bridge)
        && let Some(b) = dev.bridge_mut().filter(|b| b.filter.on)
    {
        if !b.promiscuous && !vlans::is_allowed(b, &b.vlans, pkt.tag) {
            // It is counted all the same.
            dev.stats.rx_packets += 1;
            dev.stats.rx_bytes += w.frames.len(pkt.frame).saturating_sub(L2_LEN) as u64;
            return Next::Drop(DropReason::NotInVlan);
        }
        vlans::leave(b, SELF, &w.frames, pkt);
    }
    if ns.nf.is_some()
        && let Err(next) = nf::at_bridge(ns, w, pkt, Hook::Input, pkt.iif, Ifindex::NONE)
    {
        return next;
    }
    pkt.dev = bridge;
    Next::To(Stage::Dev)
}

/// Whether a port sends a frame (`should_deliver`).
#[inline]
fn delivers(port: &Port, came_in_here: bool, from_isolated: bool) -> bool {
    (port.hairpin || !came_in_here) && port.stp.state == PortState::Forwarding && !(from_isolated && port.isolated)
}

/// Whom a frame for many is for.
#[derive(Clone, Copy)]
struct Many<'a> {
    kind: Kind,
    /// These ports only.
    only: Option<&'a [u16]>,
    /// The bridge itself, too.
    up: bool,
}

/// Sends to all ports that take it, the newest first, then up (`br_flood`). The copies are sent at once, before anything
/// else happens: a port is a veth, so sending one is a push onto the work list.
fn flood(
    ns: &mut Netns,
    w: &mut World,
    pkt: &mut Pkt,
    bridge: Ifindex,
    from: Option<u16>,
    Many { kind, only, up: goes_up }: Many<'_>,
) -> Next {
    let mut copies = 0u32;
    let many = Many { kind, only, up: goes_up };
    for i in 0.. {
        let order = ns.dev(bridge).and_then(|d| d.bridge()).map(|b| &b.order);
        let Some(&number) = order.and_then(|order| order.get(i)) else { break };
        copies += u32::from(copy(ns, w, pkt, (bridge, from), many, number));
    }
    if goes_up {
        return up(ns, w, pkt, bridge);
    }
    if copies == 0 {
        return Next::Drop(DropReason::NoEgressPort);
    }
    w.frames.release(pkt.frame);
    Next::Done
}

/// Sends a copy by one port, if it takes it; says whether it does.
fn copy(
    ns: &mut Netns,
    w: &mut World,
    pkt: &Pkt,
    (bridge, from): (Ifindex, Option<u16>),
    Many { kind, only, .. }: Many<'_>,
    number: u16,
) -> bool {
    let Some(b) = ns.dev(bridge).and_then(|d| d.bridge()) else { return false };
    let Some(port) = b.port(number) else { return false };
    let isolated = from.and_then(|n| b.port(n)).is_some_and(|p| p.isolated);
    // The bridge's own broadcasts and multicasts leave by every port.
    let wanted = match only {
        Some(ports) => ports.contains(&number),
        None => port.floods(kind) || kind != Kind::Unicast && from.is_none(),
    };
    let allowed = vlans::is_allowed(b, &port.vlans, pkt.tag);
    if !wanted || !allowed || !delivers(port, from == Some(number), isolated) {
        return false;
    }
    let (dev, filters) = (port.dev, b.filter.on);
    let mut copy = *pkt;
    copy.frame = w.frames.share(pkt.frame);
    if filters && let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) {
        vlans::leave(b, number, &w.frames, &mut copy);
    }
    match leave_by(ns, w, &mut copy, dev, from.is_some()) {
        Next::To(stage) => drop(path::run(ns, w, &mut copy, stage)),
        Next::Drop(reason) => w.drop_frame(ns, Stage::Bridge, &copy, reason),
        Next::Held | Next::Done | Next::Ended(_) => {}
    }
    true
}

/// The same of what came in by a port and is for all or for nobody known.
pub(crate) fn send_copy(ns: &mut Netns, w: &mut World, pkt: &Pkt, at: PortRef, kind: Kind, number: u16) -> bool {
    copy(ns, w, pkt, (at.bridge, Some(at.number)), Many { kind, only: None, up: false }, number)
}

/// Ages a bridge's table ([`Event::BridgeAge`](crate::event::Event::BridgeAge)).
pub(crate) fn age(ns: &mut Netns, w: &mut World, bridge: Ifindex) {
    let id = ns.id;
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    if b.fdb.is_due(w.now) {
        sweep(id, w, bridge, b);
    }
}

/// Forgets old entries now and schedules the next sweep.
pub(crate) fn sweep(id: NsId, w: &mut World, bridge: Ifindex, b: &mut Bridge) {
    if let Some(due) = b.fdb.sweep_now(w.now, b.hold()) {
        w.wheel.schedule(due, fdb::sweep_event(id, bridge));
    }
}

/// A station in words.
fn station(key: u64) -> String {
    match fdb::vid(key) {
        0 => fdb::mac(key).to_string(),
        vid => format!("{} in VLAN {vid}", fdb::mac(key)),
    }
}

fn port_name(ns: &Netns, bridge: Ifindex, number: u16) -> &str {
    let dev = ns.dev(bridge).and_then(|d| d.bridge()).and_then(|b| b.port(number)).map(|p| p.dev);
    dev.and_then(|d| ns.dev(d)).map_or("the bridge", |d| d.name.as_str())
}

/// Says what the table decided.
#[cold]
#[allow(clippy::too_many_arguments)]
fn explain(ns: &Netns, w: &mut World, pkt: &Pkt, at: PortRef, verdict: &Verdict, learned: Learned, src: u64, dst: u64) {
    let name = |number: u16| port_name(ns, at.bridge, number);
    let (src, dst) = (station(src), station(dst));
    let note = match learned {
        Learned::New => Some(format!("learned {src} behind {}", name(at.number))),
        Learned::Moved(from) => Some(format!("{src} moved from {} to {}", name(from), name(at.number))),
        Learned::Own => Some(format!("received a packet on {} with own address as source address", name(at.number))),
        Learned::Full => Some(format!("did not learn {src}: the table is full")),
        Learned::Known => None,
    };
    if let Some(text) = note {
        w.decide(ns, Stage::Bridge, pkt, "fdb", || text);
    }
    let text = match verdict {
        Verdict::Port(to) => format!("{dst} is behind {}", name(*to)),
        Verdict::Up => format!("{dst} is the bridge's own"),
        Verdict::Flood { kind: Kind::Unicast, .. } => format!("{dst} is unknown: flooded"),
        Verdict::Flood { kind: Kind::Multicast, .. } => format!("{dst} is a group: flooded, and passed up"),
        Verdict::Group(ports, up) => {
            let names: Vec<&str> = ports.iter().map(|number| name(*number)).collect();
            let up = if *up { ", and passed up" } else { "" };
            format!("{dst} is a group: members and routers are behind {}{up}", names.join(", "))
        }
        Verdict::Flood { kind: Kind::Broadcast, .. } => "broadcast: flooded, and passed up".to_owned(),
        Verdict::Pass => format!("{dst} is reserved: not forwarded, handed to {}", name(at.number)),
        Verdict::Bpdu => "a BPDU: handed to the spanning tree".to_owned(),
        Verdict::Drop(_) => return,
    };
    w.decide(ns, Stage::Bridge, pkt, "fdb", || text);
}
