//! What goes out: the output route, the choice of the source, DF and identification, fragments.
//!
//! Kernel counterpart: `net/ipv4/ip_output.c`, `ip_route_output_key_hash_rcu()` of `route.c`. Deliberately absent:
//! options, multicast other than by a route or a given device.

use crate::addr::{self, is_zeronet};
use crate::dev::vrf;
use crate::drop::DropReason;
use crate::fib::{Flow, Hop, Selectors};
use crate::frame::{FrameId, L2_LEN};
use crate::ip::{flag, frag, icmp, igmp, pmtu};
use crate::l3::any_conf;
use crate::netns::{Ifindex, Netns};
use crate::nf::{self, Track};
use crate::path::{self, Cast, Fate, Next, Pkt, Stage};
use crate::route::prefsrc;
use crate::world::World;
use crate::{multipath, neigh, rules, sock, tell};
use nettwin_model::probe::PmtuDisc;
use nettwin_model::rules::Hook;
use nettwin_model::wire::{Icmp, Ipv4, Ipv4Header, seal_ipv4, set_fragment};
use nettwin_model::{self as model, Errno, Instant, Metric, RouteKind, Scope};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// An output route (`struct rtable`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dst {
    /// To whom.
    pub(crate) dst: Ipv4Addr,
    /// From whom: as asked for, else as chosen.
    pub(crate) src: Ipv4Addr,
    /// The device it leaves by: `lo` for addresses of ours.
    pub(crate) dev: Ifindex,
    /// The neighbour.
    pub(crate) nexthop: Ipv4Addr,
    /// Unicast, local, broadcast or multicast.
    pub(crate) kind: RouteKind,
    /// The gateway, where one is used.
    pub(crate) gateway: Option<Ipv4Addr>,
    /// The table that the route was found in; 0 if there was none.
    pub(crate) table: u32,
    /// The greatest packet that the path is known to take, bytes.
    pub(crate) mtu: u32,
    /// It is locked: no DF.
    pub(crate) mtu_locked: bool,
    /// What the route itself says.
    pub(crate) metrics: Metrics,
    /// What was learned about the path, where that is in force.
    pub(crate) exception: Option<pmtu::Exception>,
    /// The mark of what is sent by it.
    pub(crate) mark: u32,
}

/// A route's metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metrics {
    /// Its MTU, bytes.
    pub(crate) mtu: Option<u32>,
    /// That is locked.
    pub(crate) mtu_lock: bool,
    /// Its advertised MSS, bytes.
    pub(crate) advmss: Option<u32>,
    /// The others, where there are any.
    pub(crate) more: Option<Arc<model::Metrics>>,
    /// The type of service that it is limited to.
    pub(crate) tos: u8,
}

impl Dst {
    /// The TTL of what is sent this way without a word about it (`ip4_dst_hoplimit`).
    pub(crate) fn ttl(&self, ns: &Netns) -> u8 {
        let said = self.metrics.more.as_ref().map_or(0, |more| more.value(Metric::Hoplimit));
        u8::try_from(said).ok().filter(|&hops| hops != 0).unwrap_or_else(|| icmp::default_ttl(ns))
    }
}

/// Why a packet could not be sent, as the sender's system call says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendError {
    /// The errno.
    pub(crate) errno: Errno,
    /// The path MTU that it ran into, bytes (EMSGSIZE).
    pub(crate) mtu: Option<u32>,
}

/// Who sends: a system call learns its packet's fate at once, a stage of the path queues it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A socket's owner.
    Call,
    /// The kernel itself, while it handles another packet.
    Kernel,
}

/// The route of a packet made here (`ip_route_output_key`). A `src` of 0.0.0.0 is to be chosen; `oif` binds to a device.
pub(crate) fn route(ns: &Netns, now: Instant, flow: &Flow) -> Result<Dst, Errno> {
    let (src, dst) = (flow.src, flow.dst);
    let mut flow = *flow;
    let to_all = dst.is_multicast() || dst.is_broadcast();
    if !src.is_unspecified() {
        if src.is_multicast() || src.is_broadcast() || is_zeronet(src) {
            return Err(Errno::EINVAL);
        }
        if flow.oif == Ifindex::NONE && to_all {
            let owner = ns.devs.iter().find(|d| d.in_dev.addrs.iter().any(|a| a.local == src));
            let dev = owner.ok_or(Errno::ENETUNREACH)?.ifindex;
            return make(ns, now, Made::on_link(&flow, dev, src));
        }
        if !ns.l3.own.has(src) && !ns.l3.fib.is_local(src) {
            return Err(Errno::ENETUNREACH);
        }
    }
    if flow.oif != Ifindex::NONE {
        let dev = ns.dev(flow.oif).ok_or(Errno::ENODEV)?;
        if !dev.up {
            return Err(Errno::ENETUNREACH);
        }
        let local_group = dst.octets()[..3] == [224, 0, 0];
        if local_group || dst.is_broadcast() || flow.asks.proto == igmp::PROTO_IGMP {
            let src = pick(ns, src, flow.oif, Scope::LINK);
            return make(ns, now, Made::on_link(&flow, flow.oif, src));
        }
        if dst.is_multicast() {
            flow.src = pick(ns, src, flow.oif, flow.scope);
        } else if dst.is_unspecified() {
            flow.src = pick(ns, src, flow.oif, Scope::HOST);
        }
    }
    if dst.is_unspecified() {
        let own = if flow.src.is_unspecified() { Ipv4Addr::LOCALHOST } else { flow.src };
        let to_self = Flow { dst: own, src: own, ..flow };
        return make(ns, now, Made { kind: RouteKind::Local, ..Made::on_link(&to_self, Ifindex::LO, own) });
    }
    look_up(ns, now, &flow)
}

/// The part of the search that asks the tables.
fn look_up(ns: &Netns, now: Instant, flow: &Flow) -> Result<Dst, Errno> {
    let hit = match rules::lookup(ns, flow) {
        Ok(hit) => hit,
        // "Apparently, routing tables are wrong. Assume, that the destination is on link."
        Err(_) if flow.oif != Ifindex::NONE && vrf::of(ns, flow.oif).is_none() => {
            let src = pick(ns, flow.src, flow.oif, Scope::LINK);
            return make(ns, now, Made::on_link(flow, flow.oif, src));
        }
        Err(errno) => return Err(errno),
    };
    let found = |src, dev, hop| Made {
        dst: flow.dst,
        src,
        dev,
        kind: hit.alias.kind,
        table: hit.table,
        hop,
        metrics: Metrics {
            mtu: hit.alias.said().mtu,
            mtu_lock: hit.alias.said().mtu_lock,
            advmss: hit.alias.said().advmss,
            more: hit.alias.said().others.clone(),
            tos: hit.alias.tos,
        },
    };
    if hit.alias.kind == RouteKind::Local {
        let src = if flow.src.is_unspecified() { hit.alias.prefsrc.unwrap_or(flow.dst) } else { flow.src };
        // A VRF is the loopback of its domain.
        let back = vrf::of(ns, hit.way().dev).unwrap_or(Ifindex::LO);
        return make(ns, now, found(src, back, None));
    }
    let hit = multipath::path(ns, hit, flow);
    let hop = hit.way();
    if flow.dst.is_broadcast() || hit.alias.kind == RouteKind::Broadcast || flow.dst.is_multicast() && hit.len < 4 {
        // The route lends its device and source, and nothing else ("Yes, it is hack").
        let src = if flow.src.is_unspecified() { prefsrc(ns, hit.alias, hop) } else { flow.src };
        let bare = Made { metrics: Metrics::default(), ..found(src, hop.dev, None) };
        return make(ns, now, bare);
    }
    let src = if flow.src.is_unspecified() { prefsrc(ns, hit.alias, hop) } else { flow.src };
    make(ns, now, found(src, hop.dev, Some(hop.clone())))
}

fn pick(ns: &Netns, src: Ipv4Addr, dev: Ifindex, scope: Scope) -> Ipv4Addr {
    if src.is_unspecified() { addr::select(ns, dev, Ipv4Addr::UNSPECIFIED, scope) } else { src }
}

/// What the search found.
struct Made {
    dst: Ipv4Addr,
    src: Ipv4Addr,
    dev: Ifindex,
    kind: RouteKind,
    table: u32,
    hop: Option<Hop>,
    metrics: Metrics,
}

impl Made {
    fn on_link(flow: &Flow, dev: Ifindex, src: Ipv4Addr) -> Self {
        Made { dst: flow.dst, src, dev, kind: RouteKind::Unicast, table: 0, hop: None, metrics: Metrics::default() }
    }
}

/// `__mkroute_output()`.
fn make(ns: &Netns, now: Instant, m: Made) -> Result<Dst, Errno> {
    let dev = ns.dev(m.dev).ok_or(Errno::ENODEV)?;
    if m.src.is_loopback() && !dev.is_loopback() && !any_conf(ns, m.dev, |c| c.route_localnet) {
        return Err(Errno::EINVAL);
    }
    let kind = match m.dst {
        d if d.is_broadcast() => RouteKind::Broadcast,
        d if d.is_multicast() => RouteKind::Multicast,
        d if is_zeronet(d) => return Err(Errno::EINVAL),
        _ => m.kind,
    };
    let exception = m.hop.as_ref().and_then(|hop| pmtu::find(ns, now, hop, m.dst));
    let true_gateway = m.hop.as_ref().filter(|h| h.scope == Scope::LINK).and_then(|h| h.via);
    let gateway = exception.and_then(|e| e.gateway).or(true_gateway);
    let own = m.metrics.mtu.unwrap_or(dev.mtu).min(65535);
    let learned = exception.map_or(0, |e| e.mtu);
    Ok(Dst {
        dst: m.dst,
        src: m.src,
        dev: m.dev,
        nexthop: gateway.unwrap_or(m.dst),
        kind,
        gateway,
        table: m.table,
        mtu: if learned != 0 && !m.metrics.mtu_lock { learned.min(own) } else { own },
        mtu_locked: m.metrics.mtu_lock || exception.is_some_and(|e| e.locked),
        metrics: m.metrics,
        exception,
        mark: 0,
    })
}

/// A new frame for an IPv4 packet of `header` with `payload` bytes of room behind it, zero.
pub(crate) fn new_packet(w: &mut World, header: &Ipv4Header) -> FrameId {
    let mut frame = w.new_frame(header.total_len.into());
    header.write(&mut w.frames.edit(&mut frame)[L2_LEN..]);
    frame
}

/// Sends a packet whose header is complete but for DF, identification and checksum (`ip_push_pending_frames`). The
/// frame is ours from here on.
///
/// ENOBUFS is told to callers always; sockets without `IP_RECVERR` keep it to themselves.
pub(crate) fn send(
    ns: &mut Netns,
    w: &mut World,
    dst: &Dst,
    disc: PmtuDisc,
    frame: FrameId,
    sender: Sender,
) -> Result<(), SendError> {
    send_about(ns, w, dst, disc, frame, sender, Track::default())
}

/// The same, for a packet that is about a connection.
pub(crate) fn send_about(
    ns: &mut Netns,
    w: &mut World,
    dst: &Dst,
    disc: PmtuDisc,
    mut frame: FrameId,
    sender: Sender,
    track: Track,
) -> Result<(), SendError> {
    let len = w.frames.len(frame) - L2_LEN;
    let (mtu, fits) = (dst.mtu, len <= dst.mtu as usize);
    if disc == PmtuDisc::Do && !fits {
        w.frames.release(frame);
        return Err(SendError { errno: Errno::EMSGSIZE, mtu: Some(mtu) });
    }
    let df = disc == PmtuDisc::Do || (disc == PmtuDisc::Want && fits && !dst.mtu_locked);
    let id = ns.l3.next_id(w, &ns.name);
    let packet = &mut w.frames.edit(&mut frame)[L2_LEN..];
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    // The door and the senders keep packets below 64 KiB.
    set_fragment(packet, len as u16, 0, df, false);
    let mut pkt = Pkt { track, ..packet_for(dst, frame) };
    w.decide(ns, Stage::IpOutput, &pkt, "fib", || tell::way_out(ns, dst));
    let rerouted = match local_out(ns, w, &mut pkt) {
        Ok(rerouted) => rerouted,
        Err(Next::Drop(reason)) => {
            w.drop_frame(ns, Stage::IpOutput, &pkt, reason);
            return reason.sender_errno().map_or(Ok(()), |errno| Err(SendError { errno, mtu: None }));
        }
        Err(_) => return Ok(()),
    };
    let dst = rerouted.as_ref().unwrap_or(dst);
    let (mtu, fits) = (dst.mtu, len <= dst.mtu as usize);
    loop_back(ns, w, dst, &pkt);
    let parts = if fits { vec![pkt] } else { frag::split(w, &pkt, mtu) };
    if sender == Sender::Kernel {
        parts.into_iter().for_each(|part| w.push_next(ns.id, Stage::IpOutput, part));
        return Ok(());
    }
    let mut parts = parts.into_iter();
    while let Some(mut part) = parts.next() {
        let fate = path::run(ns, w, &mut part, Stage::IpOutput);
        if fate.ends_packet() {
            parts.for_each(|part| w.drop_frame(ns, Stage::IpOutput, &part, DropReason::PartLost));
            return match fate {
                Fate::Dropped(reason) if reason.sender_errno() == Some(Errno::ENOBUFS) => {
                    Err(SendError { errno: Errno::ENOBUFS, mtu: None })
                }
                _ => Ok(()),
            };
        }
    }
    Ok(())
}

/// The hooks of what is made here (`__ip_local_out`, `ip_output`). `Some` is the way that it takes since they changed it
/// (`ip_route_me_harder`).
fn local_out(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Result<Option<Dst>, Next> {
    if ns.nf.is_none() {
        return Ok(None);
    }
    let receiver = |w: &World, pkt: &Pkt| {
        let ip = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]).ok_or(Next::Drop(DropReason::IpHeader))?;
        Ok((ip.src(), ip.dst(), ip.tos()))
    };
    let (before, mark) = (receiver(w, pkt)?, pkt.mark);
    nf::at(ns, w, pkt, Hook::Output, Ifindex::NONE, pkt.dev)?;
    let (src, dst, tos) = receiver(w, pkt)?;
    let mut rerouted = None;
    // A chain of type route looks again for other things as well (nf_route_table_hook4).
    let marked = mark != pkt.mark || before.2 != tos;
    if before.1 != dst || marked && nf::reroutes(ns) {
        let own = ns.l3.own.has(src) || ns.l3.fib.is_local(src);
        let from = if own { src } else { Ipv4Addr::UNSPECIFIED };
        let asks = Selectors { mark: pkt.mark, ..rules::selectors(ns, &w.frames.bytes(pkt.frame)[L2_LEN..]) };
        let way = route(ns, w.now, &Flow { src: from, tos, asks, ..Flow::to(dst) })
            .map_err(|_| Next::Drop(DropReason::NoRoute))?;
        w.decide(ns, Stage::IpOutput, pkt, "fib", || tell::way_out(ns, &way));
        *pkt = Pkt { mark: pkt.mark, track: pkt.track, ..packet_for(&way, pkt.frame) };
        rerouted = Some(way);
    }
    nf::at(ns, w, pkt, Hook::Postrouting, Ifindex::NONE, pkt.dev)?;
    Ok(rerouted)
}

/// Broadcasts and what is for a group of one's own are heard by their sender as well (`ip_mc_output`), without `lo`.
fn loop_back(ns: &Netns, w: &mut World, dst: &Dst, pkt: &Pkt) {
    let joined = dst.kind == RouteKind::Multicast && igmp::is_member(ns, dst.dev, dst.dst);
    if dst.dev != Ifindex::LO && (dst.kind == RouteKind::Broadcast || joined) {
        let copy = Pkt { cast: Cast::Broadcast, iif: pkt.dev, frame: w.frames.share(pkt.frame), ..*pkt };
        w.push(ns.id, Stage::IpLocal, copy);
    }
}

/// Stage [`Stage::IpOutput`] (`ip_output`): what is to be fragmented has been; the hooks behind routing belong here.
#[inline]
pub(crate) fn output(_: &mut Netns, _: &mut World, _: &mut Pkt) -> Next {
    Next::To(Stage::Neigh)
}

/// The route of what a TCP or UDP socket sends.
pub(crate) fn socket_route(
    ns: &Netns,
    w: &World,
    dst: Ipv4Addr,
    source: Option<Ipv4Addr>,
    asks: Selectors,
) -> Result<sock::Route, Errno> {
    let flow = Flow { src: source.unwrap_or(Ipv4Addr::UNSPECIFIED), asks, ..Flow::to(dst) };
    let found = route(ns, w.now, &flow)?;
    if source.is_none() && found.src.is_multicast() {
        // Connecting asks once more, from the address found (ip_route_connect).
        return Err(Errno::EINVAL);
    }
    let reach = match found.kind {
        RouteKind::Broadcast => sock::Reach::Broadcast,
        RouteKind::Multicast => sock::Reach::Group,
        _ => sock::Reach::Host,
    };
    // A path's MTU is at most 65 535, a segment shorter.
    let path = sock::Path { source: found.src, mtu: found.mtu as u16, mss: advertised_mss(ns, &found) as u16 };
    Ok(sock::Route { dst: found.dst, path, reach })
}

/// The greatest segment that is offered by this way (`dst_metric_advmss`, `ipv4_default_advmss`).
fn advertised_mss(ns: &Netns, found: &Dst) -> u32 {
    const HEADERS: u32 = 40;
    let least = u32::try_from(ns.sysctl.net.min_adv_mss).unwrap_or(0);
    let usual = found.mtu.saturating_sub(HEADERS).max(least);
    found.metrics.advmss.unwrap_or(usual).min(65535 - HEADERS)
}

/// A socket's packet, complete: only its way is to be found (`ip_local_out`).
pub(crate) fn socket_send(ns: &mut Netns, w: &mut World, mut frame: FrameId, confirms: bool) {
    let Some(ip) = Ipv4::unsummed(&w.frames.bytes(frame)[L2_LEN..]) else { return w.frames.release(frame) };
    let asks = rules::selectors(ns, &w.frames.bytes(frame)[L2_LEN..]);
    let flow = Flow { src: ip.src(), tos: ip.tos(), asks, ..Flow::to(ip.dst()) };
    let (mut df, len, ttl) = (ip.df(), ip.total_len(), ip.ttl());
    let Ok(dst) = route(ns, w.now, &flow) else {
        return w.drop_frame(ns, Stage::IpOutput, &Pkt::new(frame, Ifindex::NONE), DropReason::NoRoute);
    };
    if confirms {
        neigh::confirm(ns, w, dst.dev, dst.nexthop);
    }
    // ip_select_ttl()
    let own = if dst.kind == RouteKind::Multicast { 1 } else { dst.ttl(ns) };
    if ttl != own {
        let packet = &mut w.frames.edit(&mut frame)[L2_LEN..];
        packet[8] = own;
        seal_ipv4(packet);
    }
    if df && dst.mtu_locked {
        // ip_dont_fragment(): the path is narrower than is believed. A packet is shorter than 65536 bytes.
        set_fragment(&mut w.frames.edit(&mut frame)[L2_LEN..], len as u16, 0, false, false);
        df = false;
    }
    let mut pkt = packet_for(&dst, frame);
    w.decide(ns, Stage::IpOutput, &pkt, "fib", || tell::way_out(ns, &dst));
    let dst = match local_out(ns, w, &mut pkt) {
        Ok(rerouted) => rerouted.unwrap_or(dst),
        Err(Next::Drop(reason)) => return w.drop_frame(ns, Stage::IpOutput, &pkt, reason),
        Err(_) => return,
    };
    let fits = len <= dst.mtu as usize;
    if df && !fits {
        icmp::error(ns, w, &pkt, Icmp::UNREACHABLE, icmp::FRAG_NEEDED, dst.mtu);
        return w.drop_frame(ns, Stage::IpOutput, &pkt, DropReason::TooBig);
    }
    loop_back(ns, w, &dst, &pkt);
    if fits {
        return w.push_next(ns.id, Stage::IpOutput, pkt);
    }
    for part in frag::split(w, &pkt, dst.mtu) {
        w.push_next(ns.id, Stage::IpOutput, part);
    }
}

/// Sends a complete packet that fits by a way that is found already. Its sender does not hear it itself.
pub(crate) fn send_complete(ns: &mut Netns, w: &mut World, dst: &Dst, frame: FrameId) {
    let mut pkt = packet_for(dst, frame);
    match local_out(ns, w, &mut pkt) {
        Ok(_) => w.push_next(ns.id, Stage::IpOutput, pkt),
        Err(Next::Drop(reason)) => w.drop_frame(ns, Stage::IpOutput, &pkt, reason),
        Err(_) => {}
    }
}

/// The packet with what its route says.
fn packet_for(dst: &Dst, frame: FrameId) -> Pkt {
    let flags = match dst.kind {
        RouteKind::Broadcast | RouteKind::Multicast => flag::GROUP,
        RouteKind::Local => flag::LOCAL,
        _ if dst.dev == Ifindex::LO => flag::LOCAL,
        _ => 0,
    };
    Pkt { nexthop: dst.nexthop, mtu: dst.mtu, mark: dst.mark, flags, ..Pkt::new(frame, dst.dev) }
}
