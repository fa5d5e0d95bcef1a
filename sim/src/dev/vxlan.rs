//! A VXLAN device: frames in UDP datagrams to whoever is known to have the receiver, by its namespace's own routes.
//!
//! Kernel counterpart: `drivers/net/vxlan/vxlan_core.c` (`vxlan_xmit`, `vxlan_rcv`, `vxlan_snoop`), `udp_tunnel_xmit_skb`. The port
//! that a datagram is sent from is the flow's hash in the seed's stead of the kernel's random one. Deliberately absent: IPv6,
//! `external`, `proxy`, `rsc`, `l2miss` and `l3miss` (refused), the short cut to another VXLAN device of the same namespace (it goes
//! by `lo` here), what the path's MTU is said to be to who sends too much, congestion marks that are taken out.

use super::{Dev, Kind};
use crate::drop::DropReason;
use crate::fib::{Flow, Selectors};
use crate::frame::L2_LEN;
use crate::ip::{igmp, output};
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt, Stage};
use crate::tag;
use crate::world::World;
use nettwin_model::bridge::FdbAged;
use nettwin_model::probe::PmtuDisc;
use nettwin_model::virtuals::Virtual;
use nettwin_model::vxlan::{self, OuterDf, OuterTtl, Remote, VxlanChange};
use nettwin_model::wire::{
    IPV4_LEN, Ipv4, Ipv4Header, PROTO_UDP, UDP_LEN, Udp, set_fragment, set_ipv4_id, transport_checksum, write_udp,
};
use nettwin_model::{Errno, Fault, FdbEntry, FdbKind, IfName, Instant, Mac};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The VXLAN header: flags and the network's number (RFC 7348).
const HEADER: usize = 8;
/// The flag that says that there is a number.
const HAS_NUMBER: u8 = 8;

/// A VXLAN device's state.
pub(crate) struct Vxlan {
    /// As it is shown, but for the device that it sends by.
    pub(crate) of: vxlan::Vxlan,
    /// That device.
    pub(crate) lower: Option<Ifindex>,
    /// Who is where, the newest first.
    known: Vec<Known>,
}

/// A MAC's entry.
struct Known {
    mac: Mac,
    kind: FdbKind,
    updated: Instant,
    remotes: Vec<Way>,
}

/// Where to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    dst: Ipv4Addr,
    port: u16,
    vni: u32,
    via: Option<Ifindex>,
}

impl Vxlan {
    /// A new one, which knows at most whom to ask for what it does not know.
    pub(crate) fn new(of: vxlan::Vxlan, lower: Option<Ifindex>, now: Instant) -> Self {
        let default = of.remote.map(|dst| Way { dst, port: of.dstport, vni: of.id, via: lower });
        let entry =
            default.map(|way| Known { mac: Mac::ZERO, kind: FdbKind::Permanent, updated: now, remotes: vec![way] });
        let ageing = if of.ageing == 0 { vxlan::Vxlan::new(0).ageing } else { of.ageing };
        Vxlan { of: vxlan::Vxlan { dev: None, ageing, ..of }, lower, known: entry.into_iter().collect() }
    }

    fn is_alive(&self, known: &Known, now: Instant) -> bool {
        let age = Duration::from_secs(self.of.ageing.into());
        known.kind != FdbKind::Learned || now < known.updated + age
    }

    /// Forgets what is too old (`vxlan_cleanup`).
    fn age(&mut self, now: Instant) {
        let mut known = std::mem::take(&mut self.known);
        known.retain(|entry| self.is_alive(entry, now));
        self.known = known;
    }

    fn find(&self, mac: Mac, now: Instant) -> Option<&Known> {
        self.known.iter().find(|known| known.mac == mac && self.is_alive(known, now))
    }

    /// Whether there may be no more entries.
    fn is_full(&self) -> bool {
        self.of.maxaddress != 0 && self.known.len() >= self.of.maxaddress as usize
    }

    /// Who sends is there where it came from (`vxlan_snoop`). `false`: the frame is not to be believed.
    fn learn(&mut self, mac: Mac, from: Ipv4Addr, now: Instant) -> bool {
        if !mac.is_valid_unicast() {
            return false;
        }
        self.age(now);
        let way = Way { dst: from, port: self.of.dstport, vni: self.of.id, via: None };
        match self.known.iter_mut().find(|known| known.mac == mac) {
            Some(known) => {
                known.updated = now;
                let Some(first) = known.remotes.first_mut().filter(|way| way.dst != from || way.via.is_some()) else {
                    return true;
                };
                if known.kind != FdbKind::Learned {
                    return false;
                }
                first.dst = from;
                true
            }
            None => {
                if !self.is_full() {
                    self.known.insert(0, Known { mac, kind: FdbKind::Learned, updated: now, remotes: vec![way] });
                }
                true
            }
        }
    }
}

fn of(ns: &Netns, index: Ifindex) -> Option<&Vxlan> {
    match &ns.dev(index)?.kind {
        Kind::Vxlan(vxlan) => Some(vxlan),
        _ => None,
    }
}

fn of_mut(ns: &mut Netns, index: Ifindex) -> Option<&mut Vxlan> {
    match &mut ns.dev_mut(index)?.kind {
        Kind::Vxlan(vxlan) => Some(vxlan),
        _ => None,
    }
}

/// As the model names it.
pub(crate) fn shown(ns: &Netns, vxlan: &Vxlan) -> Virtual {
    let dev = vxlan.lower.and_then(|index| ns.dev(index)).map(|dev| dev.name);
    Virtual::Vxlan(Box::new(vxlan::Vxlan { dev, ..vxlan.of.clone() }))
}

/// Sends (`vxlan_xmit`): to the first destination last.
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    tag::push(&mut w.frames, pkt);
    let index = pkt.dev;
    let bytes = w.frames.bytes(pkt.frame).to_vec();
    let Some(to) = bytes.first_chunk().map(|mac| Mac(*mac)) else { return Next::Drop(DropReason::TooShort) };
    let ways = of(ns, index).map(|vxlan| {
        let found = vxlan.find(to, w.now).or_else(|| vxlan.find(Mac::ZERO, w.now));
        found.map(|known| known.remotes.clone()).unwrap_or_default()
    });
    let ways = ways.unwrap_or_default();
    let Some((first, others)) = ways.split_first() else {
        ns.dev_mut(index).into_iter().for_each(|dev| dev.stats.tx_dropped += 1);
        return Next::Drop(DropReason::NoEgressPort);
    };
    let crossings = w.frames.crossings(pkt.frame);
    for way in others.iter().chain([first]) {
        if send(ns, w, index, &bytes, *way, crossings)
            && let Some(dev) = ns.dev_mut(index)
        {
            dev.stats.tx_packets += 1;
            dev.stats.tx_bytes += bytes.len().saturating_sub(L2_LEN) as u64;
        }
    }
    w.frames.release(pkt.frame);
    Next::Done
}

/// One datagram (`vxlan_xmit_one`). `false`: it did not get away.
fn send(ns: &mut Netns, w: &mut World, index: Ifindex, inner: &[u8], way: Way, crossings: u32) -> bool {
    let Some(vxlan) = of(ns, index) else { return false };
    let of = vxlan.of.clone();
    let packet = inner.get(L2_LEN..).filter(|_| inner.get(12..14) == Some(&[8, 0])).and_then(Ipv4::unsummed);
    let inherited = if of.tos == 1 { packet.as_ref().map_or(0, Ipv4::tos) } else { of.tos };
    let tos = with_congestion(inherited, packet.as_ref().map_or(0, Ipv4::tos));
    let port = flow_port(ns, &of, inner);
    let asks = Selectors { proto: PROTO_UDP, sport: port, dport: way.port, ..Selectors::default() };
    let oif = way.via.unwrap_or(Ifindex::NONE);
    let src = of.local.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let flow = Flow { src, tos, oif, asks, ..Flow::to(way.dst) };
    let Ok(dst) = output::route(ns, w.now, &flow) else { return false };
    let ttl = match of.ttl {
        OuterTtl::Is(ttl) => ttl,
        OuterTtl::Inherit => packet.as_ref().map_or(0, Ipv4::ttl),
        OuterTtl::Auto => 0,
    };
    let ttl = match ttl {
        0 if way.dst.is_multicast() => 1,
        0 => dst.ttl(ns),
        ttl => ttl,
    };
    let df = match of.df {
        OuterDf::Unset => false,
        OuterDf::Set => true,
        OuterDf::Inherit => packet.as_ref().is_some_and(Ipv4::df),
    };
    let len = IPV4_LEN + UDP_LEN + HEADER + inner.len();
    let Ok(total_len) = u16::try_from(len) else { return false };
    let header = Ipv4Header { tos, total_len, id: 0, df, ttl, proto: PROTO_UDP, src: dst.src, dst: way.dst };
    let mut frame = output::new_packet(w, &header);
    w.frames.set_crossings(frame, crossings);
    let datagram = &mut w.frames.edit(&mut frame)[L2_LEN + IPV4_LEN..];
    datagram[UDP_LEN] = HAS_NUMBER;
    datagram[UDP_LEN + 4..UDP_LEN + HEADER].copy_from_slice(&(way.vni << 8).to_be_bytes());
    datagram[UDP_LEN + HEADER..].copy_from_slice(inner);
    write_udp(datagram, (dst.src, port), (way.dst, way.port));
    if !of.udpcsum {
        datagram[6..8].fill(0);
    }
    if way.dst.is_multicast() && len <= dst.mtu as usize {
        // What it sends to a group it does not hear itself.
        let id = ns.l3.next_id(w, &ns.name);
        let packet = &mut w.frames.edit(&mut frame)[L2_LEN..];
        set_ipv4_id(packet, id);
        set_fragment(packet, total_len, 0, df, false);
        output::send_complete(ns, w, &dst, frame);
        return true;
    }
    let disc = if df { PmtuDisc::Do } else { PmtuDisc::Dont };
    output::send(ns, w, &dst, disc, frame, output::Sender::Kernel).is_ok()
}

/// The congestion bits of what is sent (`ip_tunnel_ecn_encap`): those of the packet inside, whose experience is not told.
fn with_congestion(tos: u8, inner: u8) -> u8 {
    const MASK: u8 = 3;
    const CAPABLE: u8 = 2;
    let bits = if inner & MASK == MASK { CAPABLE } else { inner & MASK };
    tos & !MASK | bits
}

/// The port that a flow is sent from (`udp_flow_src_port`).
fn flow_port(ns: &Netns, of: &vxlan::Vxlan, inner: &[u8]) -> u16 {
    let (least, most) = if of.srcport.0 < of.srcport.1 { of.srcport } else { ns.sysctl.ranges.port_range };
    // Addresses, protocol and ports of an IPv4 packet; of others the MACs and the type.
    let is_ipv4 = inner.get(12..14) == Some(&[8, 0]);
    let whole = is_ipv4 && matches!(inner.get(L2_LEN + 9), Some(6 | 17));
    let (from, to) = match (is_ipv4, whole) {
        (true, true) => (L2_LEN + 9, L2_LEN + 24),
        (true, false) => (L2_LEN + 12, L2_LEN + 20),
        (false, _) => (0, L2_LEN),
    };
    let bytes = inner.get(from..to.min(inner.len())).unwrap_or_default();
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let width = u64::from(most.saturating_sub(least));
    // Below the width, which is 16 bits.
    least + ((u64::from(hash) * width) >> 32) as u16
}

/// A datagram for this namespace: whether it is for one of its VXLAN devices, and what becomes of it (`vxlan_rcv`).
pub(crate) fn receive(ns: &mut Netns, w: &mut World, pkt: &Pkt) -> Option<Next> {
    if !ns.devs.iter().any(|dev| matches!(dev.kind, Kind::Vxlan(_))) {
        return None;
    }
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let ip = Ipv4::unsummed(packet)?;
    let datagram = packet.get(ip.header_len()..ip.total_len())?;
    let udp = Udp::new(datagram)?;
    let (from, port) = (ip.src(), udp.dst_port());
    let listens = |dev: &&Dev| dev.up && matches!(&dev.kind, Kind::Vxlan(vxlan) if vxlan.of.dstport == port);
    let devs: Vec<Ifindex> = ns.devs.iter().filter(listens).map(|dev| dev.ifindex).collect();
    if devs.is_empty() {
        return None;
    }
    let datagram = datagram.get(..udp.len())?;
    if udp.checksum() != 0 && transport_checksum(from, ip.dst(), PROTO_UDP, datagram) != 0 {
        return Some(Next::Drop(DropReason::TransportHeader));
    }
    let header = datagram.get(UDP_LEN..UDP_LEN + HEADER).and_then(|header| <[u8; HEADER]>::try_from(header).ok());
    let inner = datagram.get(UDP_LEN + HEADER..).filter(|inner| inner.len() >= L2_LEN).map(<[u8]>::to_vec);
    let (Some(header), Some(inner)) = (header, inner) else { return Some(Next::Drop(DropReason::TooShort)) };
    let [flags, _, _, _, a, b, c, _] = header;
    let id = u32::from_be_bytes([0, a, b, c]);
    let found = devs.into_iter().find(|index| of(ns, *index).is_some_and(|vxlan| vxlan.of.id == id));
    let Some(index) = found.filter(|_| flags & HAS_NUMBER != 0) else {
        return Some(Next::Drop(DropReason::NoSocket));
    };
    let sender = Mac([inner[6], inner[7], inner[8], inner[9], inner[10], inner[11]]);
    let own = ns.dev(index).map(|dev| dev.mac);
    let now = w.now;
    let believed = of_mut(ns, index).is_none_or(|vxlan| !vxlan.of.learning || vxlan.learn(sender, from, now));
    if own == Some(sender) || !believed {
        return Some(Next::Drop(DropReason::BadSourceMac));
    }
    let crossings = w.frames.crossings(pkt.frame);
    let frame = w.frames.alloc_from(&inner);
    w.frames.set_crossings(frame, crossings);
    w.decide(ns, Stage::IpLocal, pkt, "socket", || format!("VXLAN {id} takes the frame out"));
    w.push(ns.id, Stage::Dev, Pkt::on(frame, index));
    w.frames.release(pkt.frame);
    Some(Next::Done)
}

/// What is said anew of one (`vxlan_changelink`). Of an old destination the entry by the device that it has now goes.
pub(crate) fn change(ns: &mut Netns, w: &World, index: Ifindex, said: &VxlanChange) -> Result<(), Fault> {
    let nodev = || Fault::refused(Errno::ENODEV, "Invalid local interface, device not found");
    let lower = said.dev.map(|dev| ns.devs.by_name(dev).ok_or_else(nodev)).transpose()?;
    let Some(vxlan) = of_mut(ns, index) else { return Err(Fault::errno(Errno::EOPNOTSUPP)) };
    if said.ttl == Some(OuterTtl::Inherit) {
        return Err(Fault::refused(Errno::EOPNOTSUPP, "vxlan: cannot change TTL_INHERIT flag"));
    }
    let (before, via) = (vxlan.lower, lower.or(vxlan.lower));
    let way = |dst, via| Way { dst, port: vxlan.of.dstport, vni: vxlan.of.id, via };
    if let Some(remote) = said.remote.filter(|remote| vxlan.of.remote != Some(*remote)) {
        let (new, old) = (way(remote, via), vxlan.of.remote.map(|old| way(old, before)));
        match vxlan.known.iter_mut().find(|known| known.mac == Mac::ZERO) {
            Some(known) => {
                if !known.remotes.contains(&new) {
                    known.remotes.push(new);
                }
                known.remotes.retain(|way| Some(*way) != old);
            }
            None => {
                let born = Known { mac: Mac::ZERO, kind: FdbKind::Permanent, updated: w.now, remotes: vec![new] };
                vxlan.known.insert(0, born);
            }
        }
        vxlan.of.remote = Some(remote);
    }
    vxlan.lower = via;
    let of = &mut vxlan.of;
    of.local = said.local.or(of.local);
    of.ttl = said.ttl.unwrap_or(of.ttl);
    of.tos = said.tos.unwrap_or(of.tos);
    of.df = said.df.unwrap_or(of.df);
    of.learning = said.learning.unwrap_or(of.learning);
    of.ageing = said.ageing.map_or(of.ageing, |ageing| if ageing == 0 { 300 } else { ageing });
    let most = via.and_then(|lower| ns.dev(lower)).map(|dev| dev.mtu.saturating_sub(vxlan::Vxlan::OVERHEAD).max(68));
    if let (Some(most), Some(dev)) = (most, ns.dev_mut(index)) {
        dev.mtu = dev.mtu.min(most);
    }
    Ok(())
}

/// The ports that a namespace listens to for its tunnels.
pub(crate) fn ports(ns: &Netns) -> BTreeSet<u16> {
    let port = |dev: &Dev| match &dev.kind {
        Kind::Vxlan(vxlan) if dev.up => Some(vxlan.of.dstport),
        _ => None,
    };
    ns.devs.iter().filter_map(port).collect()
}

/// It is up: its group is joined (`vxlan_open`).
pub(crate) fn opened(ns: &mut Netns, w: &mut World, index: Ifindex) {
    if let Some((group, dev)) = group(ns, index) {
        igmp::join(ns, w, dev, group);
    }
}

/// It is down: it forgets what it learned (`vxlan_stop`).
pub(crate) fn closed(ns: &mut Netns, w: &mut World, index: Ifindex) {
    if let Some((group, dev)) = group(ns, index) {
        igmp::leave(ns, w, dev, group);
    }
    if let Some(vxlan) = of_mut(ns, index) {
        vxlan.known.retain(|known| known.kind != FdbKind::Learned);
    }
}

fn group(ns: &Netns, index: Ifindex) -> Option<(Ipv4Addr, Ifindex)> {
    let vxlan = of(ns, index)?;
    Some((vxlan.of.remote.filter(Ipv4Addr::is_multicast)?, vxlan.lower?))
}

/// The devices that go with one that they send by (`vxlan_handle_lowerdev_unregister`).
pub(crate) fn on(ns: &Netns, lower: Ifindex) -> Vec<Ifindex> {
    let is_on = |dev: &&Dev| matches!(&dev.kind, Kind::Vxlan(vxlan) if vxlan.lower == Some(lower));
    ns.devs.iter().filter(is_on).map(|dev| dev.ifindex).collect()
}

/// Whether the device of that name is one.
pub(crate) fn is_one(ns: &Netns, name: IfName) -> bool {
    ns.devs.by_name(name).is_some_and(|index| of(ns, index).is_some())
}

/// Its entries, with what the machine keeps for itself: the one that it is born with.
pub(crate) fn entries(ns: &Netns, dev: &Dev, now: Instant) -> Vec<(FdbAged, bool)> {
    let Kind::Vxlan(vxlan) = &dev.kind else { return Vec::new() };
    let named = |index: Ifindex| ns.dev(index).map(|dev| dev.name);
    let default = vxlan.of.remote.map(|dst| Way { dst, port: vxlan.of.dstport, vni: vxlan.of.id, via: vxlan.lower });
    let mut out = Vec::new();
    for known in vxlan.known.iter().filter(|known| vxlan.is_alive(known, now)) {
        for way in &known.remotes {
            let remote = Remote {
                dst: way.dst,
                port: Some(way.port).filter(|port| *port != vxlan.of.dstport),
                vni: Some(way.vni).filter(|vni| *vni != vxlan.of.id),
                via: way.via.and_then(named),
            };
            let (mac, kind) = (known.mac, known.kind);
            let entry =
                FdbEntry { bridge: dev.name, dev: dev.name, mac, kind, sticky: false, vlan: 0, remote: Some(remote) };
            // Hundredths of a second, as many as fit.
            let age = u32::try_from(now.since(known.updated).as_millis() / 10).unwrap_or(u32::MAX);
            let own = mac == Mac::ZERO && Some(*way) == default;
            out.push((FdbAged { entry, age }, own));
        }
    }
    out
}

fn way(ns: &Netns, vxlan: &Vxlan, remote: &Remote) -> Result<Way, Fault> {
    let via = |name| ns.devs.by_name(name).ok_or(Fault::errno(Errno::ENODEV));
    Ok(Way {
        dst: remote.dst,
        port: remote.port.unwrap_or(vxlan.of.dstport),
        vni: remote.vni.unwrap_or(vxlan.of.id),
        via: remote.via.map(via).transpose()?,
    })
}

/// `bridge fdb append` and `replace` (`vxlan_fdb_add`).
pub(crate) fn add_entry(ns: &mut Netns, w: &World, entry: &FdbEntry, replace: bool) -> Result<(), Fault> {
    let (index, way) = place(ns, entry)?;
    let now = w.now;
    let Some(vxlan) = of_mut(ns, index) else { return Err(Fault::errno(Errno::EOPNOTSUPP)) };
    vxlan.age(now);
    let way = way.ok_or(Fault::errno(Errno::EINVAL))?;
    let many = entry.mac == Mac::ZERO || entry.mac.is_multicast();
    let full = vxlan.is_full();
    match vxlan.known.iter_mut().find(|known| known.mac == entry.mac) {
        Some(_) if replace && many => {
            return Err(Fault::refused(Errno::EOPNOTSUPP, "Cannot replace non-unicast fdb entries"));
        }
        Some(known) => {
            (known.kind, known.updated) = (entry.kind, now);
            if replace {
                known.remotes = vec![way];
            } else if many && !known.remotes.contains(&way) {
                known.remotes.push(way);
            }
        }
        None if full => return Err(Fault::errno(Errno::ENOSPC)),
        None => {
            let known = Known { mac: entry.mac, kind: entry.kind, updated: now, remotes: vec![way] };
            vxlan.known.insert(0, known);
        }
    }
    Ok(())
}

/// `bridge fdb del` (`vxlan_fdb_delete`): a destination that is not there is no mistake.
pub(crate) fn del_entry(ns: &mut Netns, w: &World, entry: &FdbEntry) -> Result<(), Fault> {
    let (index, way) = place(ns, entry)?;
    let Some(vxlan) = of_mut(ns, index) else { return Err(Fault::errno(Errno::EOPNOTSUPP)) };
    vxlan.age(w.now);
    let at = vxlan.known.iter().position(|known| known.mac == entry.mac).ok_or(Fault::errno(Errno::ENOENT))?;
    let known = &mut vxlan.known[at];
    let goes = way.is_none_or(|way| known.remotes.contains(&way));
    if goes && known.remotes.len() > 1 && way.is_some() {
        known.remotes.retain(|known| Some(*known) != way);
    } else if goes {
        vxlan.known.remove(at);
    }
    Ok(())
}

fn place(ns: &Netns, entry: &FdbEntry) -> Result<(Ifindex, Option<Way>), Fault> {
    let index = ns.devs.by_name(entry.dev).ok_or(Fault::errno(Errno::ENODEV))?;
    let vxlan = of(ns, index).ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
    Ok((index, entry.remote.as_ref().map(|remote| way(ns, vxlan, remote)).transpose()?))
}
