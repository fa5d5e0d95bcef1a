//! What comes in: header checks, the input route, source validation.
//!
//! Kernel counterpart: `net/ipv4/ip_input.c` up to `ip_rcv_finish()`, `ip_route_input_slow()` of `route.c`,
//! `fib_validate_source()` of `fib_frontend.c`. Deliberately absent: early demultiplexing.

use crate::addr::{is_zeronet, on_link};
use crate::dev::vrf;
use crate::drop::DropReason;
use crate::fib::{Flow, Hit, Selectors};
use crate::frame::L2_LEN;
use crate::ip::{flag, icmp, igmp, options, pmtu};
use crate::l3::{addr_type, all_conf, any_conf, max_conf};
use crate::netns::{Ifindex, Netns};
use crate::path::{Cast, Next, Pkt, Stage};
use crate::world::World;
use crate::{multipath, nf, rules, tell};
use nettwin_model::rules::Hook;
use nettwin_model::wire::{IPV4_LEN, Icmp, Ipv4, Ipv4Fault};
use nettwin_model::{Errno, Instant, RouteKind, Scope};
use std::net::Ipv4Addr;

/// Where a packet that came in goes (`struct rtable` of an input route).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InRoute {
    /// To an address of ours.
    Local,
    /// To a broadcast or a group of ours.
    Group,
    /// On by another device, or the same.
    Forward(Way),
    /// Nowhere: what `ip_error()` would tell its sender.
    Refused(Errno),
    /// Dropped without a word.
    Dropped(DropReason),
}

/// The way on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// The device.
    pub(crate) dev: Ifindex,
    /// The neighbour.
    pub(crate) nexthop: Ipv4Addr,
    /// The greatest packet, bytes.
    pub(crate) mtu: u32,
    /// The table that the route was found in.
    pub(crate) table: u32,
    /// The type of service that the route is limited to.
    pub(crate) tos: u8,
    /// The sender should use the neighbour itself.
    pub(crate) redirect: bool,
}

/// Stage [`Stage::IpInput`] (`ip_rcv`, `ip_rcv_finish`).
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    if pkt.cast == Cast::Other {
        return Next::Drop(DropReason::OtherHost);
    }
    let bytes = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let ip = match Ipv4::new(bytes) {
        Ok(ip) => ip,
        Err(Ipv4Fault::Checksum) => return Next::Drop(DropReason::IpChecksum),
        Err(_) => return Next::Drop(DropReason::IpHeader),
    };
    let (mut src, mut dst, mut tos, len) = (ip.src(), ip.dst(), ip.tos(), ip.total_len());
    let has_options = ip.header_len() > IPV4_LEN;
    if len < bytes.len() {
        w.frames.edit(&mut pkt.frame).truncate(L2_LEN + len);
    }
    if ns.nf.is_some() {
        if pkt.flags & flag::BRIDGED == 0
            && let Err(next) = nf::at(ns, w, pkt, Hook::Prerouting, pkt.dev, Ifindex::NONE)
        {
            return next;
        }
        let Some(ip) = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]) else {
            return Next::Drop(DropReason::IpHeader);
        };
        (src, dst, tos) = (ip.src(), ip.dst(), ip.tos());
    }
    vrf::receive(ns, w, pkt);
    let asks = Selectors { mark: pkt.mark, ..rules::selectors(ns, &w.frames.bytes(pkt.frame)[L2_LEN..]) };
    let arrival = Arrival { src, dst, tos, dev: pkt.dev, arp: false, asks };
    let mut found = if pkt.iif == Ifindex::LO || vrf::of(ns, pkt.iif) == Some(pkt.iif) {
        // What comes over lo, or over a VRF, keeps the route that it was sent by: it is ours.
        match addr_type(ns, pkt.iif, dst) {
            RouteKind::Broadcast | RouteKind::Multicast => InRoute::Group,
            _ => InRoute::Local,
        }
    } else {
        let found = route(ns, w.now, &arrival);
        w.decide(ns, Stage::IpInput, pkt, "fib", || tell::way_in(ns, &arrival, &found));
        found
    };
    if has_options && !matches!(found, InRoute::Dropped(_)) {
        found = match options::input(ns, w, pkt, &arrival, found) {
            Ok(found) => found,
            Err(next) => return next,
        };
    }
    let to_many = matches!(pkt.cast, Cast::Broadcast | Cast::Multicast);
    if to_many && found != InRoute::Group && any_conf(ns, pkt.iif, |c| c.drop_unicast_in_l2_multicast) {
        return Next::Drop(DropReason::UnwantedGroup);
    }
    match found {
        InRoute::Local => {
            pkt.flags |= flag::LOCAL;
            Next::To(Stage::IpLocal)
        }
        InRoute::Group => {
            pkt.flags |= flag::GROUP;
            Next::To(Stage::IpLocal)
        }
        InRoute::Forward(way) => {
            (pkt.dev, pkt.nexthop, pkt.mtu) = (way.dev, way.nexthop, way.mtu);
            pkt.flags |= if way.redirect { flag::REDIRECT } else { 0 };
            Next::To(Stage::IpForward)
        }
        InRoute::Refused(errno) => refuse(ns, w, pkt, errno),
        InRoute::Dropped(reason) => Next::Drop(reason),
    }
}

/// `ip_error()`: tells the sender, if this device forwards at all, and if the sender has not been told too often.
fn refuse(ns: &mut Netns, w: &mut World, pkt: &Pkt, errno: Errno) -> Next {
    if !forwards(ns, pkt.iif) {
        return Next::Drop(DropReason::NotForwarding);
    }
    let (code, reason) = match errno {
        Errno::EHOSTUNREACH => (icmp::HOST_UNREACH, DropReason::Unreachable),
        Errno::ENETUNREACH => (icmp::NET_UNREACH, DropReason::NoRoute),
        Errno::EACCES => (icmp::PKT_FILTERED, DropReason::Prohibit),
        _ => return Next::Drop(DropReason::Blackhole),
    };
    let src = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]).map_or(Ipv4Addr::UNSPECIFIED, |ip| ip.src());
    if ns.l3.limits.peer(src).allows_route_error(w.now) {
        icmp::error(ns, w, pkt, Icmp::UNREACHABLE, code, 0);
    }
    Next::Drop(reason)
}

/// Whether packets that come in by the device may go on (`IN_DEV_FORWARD`).
pub(crate) fn forwards(ns: &Netns, dev: Ifindex) -> bool {
    ns.dev(dev).is_some_and(|d| d.conf.forwarding != 0)
}

/// What the input route depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// From whom.
    pub(crate) src: Ipv4Addr,
    /// To whom.
    pub(crate) dst: Ipv4Addr,
    /// Type of service.
    pub(crate) tos: u8,
    /// By which device.
    pub(crate) dev: Ifindex,
    /// It is an ARP request, not an IPv4 packet.
    pub(crate) arp: bool,
    /// What only policy rules ask.
    pub(crate) asks: Selectors,
}

impl Arrival {
    /// As a question to the tables.
    pub(crate) fn flow(&self) -> Flow {
        Flow { src: self.src, tos: self.tos, iif: self.dev, asks: self.asks, ..Flow::to(self.dst) }
    }
}

/// The input route (`ip_route_input_slow`).
pub(crate) fn route(ns: &Netns, now: Instant, arrival: &Arrival) -> InRoute {
    let &Arrival { src, dst, dev, .. } = arrival;
    let martian = InRoute::Dropped(DropReason::Martian);
    if dst.is_multicast() {
        return group(ns, arrival);
    }
    if src.is_multicast() || src.is_broadcast() {
        return martian;
    }
    if dst.is_broadcast() || (src.is_unspecified() && dst.is_unspecified()) {
        return broadcast(ns, arrival);
    }
    if is_zeronet(src) || is_zeronet(dst) {
        return martian;
    }
    if (src.is_loopback() || dst.is_loopback()) && !any_conf(ns, dev, |c| c.route_localnet) {
        return martian;
    }
    let flow = arrival.flow();
    let hit = match rules::lookup(ns, &flow) {
        Ok(hit) => hit,
        Err(errno) if forwards(ns, dev) => return InRoute::Refused(errno),
        Err(_) => return InRoute::Dropped(DropReason::NotForwarding),
    };
    match hit.alias.kind {
        RouteKind::Broadcast if all_conf(ns, dev, |c| c.bc_forwarding) => forward(ns, now, &flow, &hit, arrival),
        RouteKind::Broadcast => broadcast(ns, arrival),
        RouteKind::Local => match validate_source(ns, arrival, Ifindex::NONE) {
            Ok(_) => InRoute::Local,
            Err(reason) => InRoute::Dropped(reason),
        },
        _ if !forwards(ns, dev) => InRoute::Dropped(DropReason::NotForwarding),
        RouteKind::Unicast => forward(ns, now, &flow, &hit, arrival),
        _ => martian,
    }
}

/// `__mkroute_input()`.
fn forward(ns: &Netns, now: Instant, flow: &Flow, hit: &Hit<'_>, arrival: &Arrival) -> InRoute {
    let dev = arrival.dev;
    let hop = &hit.alias.hops[multipath::choose(ns, hit, flow, false)];
    let on_link_source = match validate_source(ns, arrival, hop.dev) {
        Ok(near) => near,
        Err(reason) => return InRoute::Dropped(reason),
    };
    let Some(out) = ns.dev(hop.dev) else { return InRoute::Dropped(DropReason::DevDown) };
    let mut gateway = hop.via.filter(|_| hop.scope == Scope::LINK);
    let learned = pmtu::find(ns, now, hop, flow.dst);
    if let Some(redirected) = learned.and_then(|e| e.gateway) {
        gateway = Some(redirected);
    }
    let mut redirect = false;
    if hop.dev == dev {
        // Nobody answers for a neighbour of the asker's, except where neighbours do not hear each other.
        if arrival.arp && !any_conf(ns, dev, |c| c.proxy_arp_pvlan) {
            return InRoute::Dropped(DropReason::Arp);
        }
        // A directly connected destination is on the link of whoever is on the link.
        redirect = on_link_source
            && any_conf(ns, dev, |c| c.send_redirects)
            && (any_conf(ns, dev, |c| c.shared_media)
                || on_link(ns, dev, flow.src, hop.via.unwrap_or(Ipv4Addr::UNSPECIFIED)));
    }
    let mtu =
        forward_mtu(ns, hit, learned.filter(|e| e.mtu != 0).map(|e| (e.mtu, e.locked)), out.mtu, gateway.is_some());
    InRoute::Forward(Way {
        dev: hop.dev,
        nexthop: gateway.unwrap_or(flow.dst),
        mtu,
        table: hit.table,
        tos: hit.alias.tos,
        redirect,
    })
}

/// What is learned of a path does not bind what only goes through, unless it is told to (`ip_dst_mtu_maybe_forward`).
fn forward_mtu(ns: &Netns, hit: &Hit<'_>, learned: Option<(u32, bool)>, own: u32, by_gateway: bool) -> u32 {
    /// By a gateway, over a path that is said to be narrower than it may be.
    const NARROW: u32 = 576;
    let said = hit.alias.said();
    let locked = said.mtu_lock || learned.is_some_and(|(_, locked)| locked);
    match (learned, said.mtu) {
        (Some((mtu, _)), _) if locked || ns.sysctl.net.ip_forward_use_pmtu != 0 => mtu,
        (_, Some(mtu)) => mtu,
        _ if locked && by_gateway => own.min(NARROW),
        _ => own,
    }
}

fn broadcast(ns: &Netns, arrival: &Arrival) -> InRoute {
    if arrival.arp {
        return InRoute::Dropped(DropReason::Arp);
    }
    if !is_zeronet(arrival.src)
        && let Err(reason) = validate_source(ns, arrival, Ifindex::NONE)
    {
        return InRoute::Dropped(reason);
    }
    InRoute::Group
}

/// `ip_route_input_mc()`.
fn group(ns: &Netns, arrival: &Arrival) -> InRoute {
    let &Arrival { src, dst, dev, .. } = arrival;
    if !igmp::is_member(ns, dev, dst) {
        return InRoute::Dropped(DropReason::UnwantedGroup);
    }
    let martian = InRoute::Dropped(DropReason::Martian);
    if src.is_multicast() || src.is_broadcast() || (src.is_loopback() && !any_conf(ns, dev, |c| c.route_localnet)) {
        return martian;
    }
    if is_zeronet(src) {
        // Hosts without an address may speak to groups of the link.
        let is_local = dst.octets()[..3] == [224, 0, 0] || arrival.asks.proto == igmp::PROTO_IGMP;
        return if is_local { InRoute::Group } else { martian };
    }
    match validate_source(ns, arrival, Ifindex::NONE) {
        Ok(_) => InRoute::Group,
        Err(reason) => InRoute::Dropped(reason),
    }
}

/// Whether a packet from `src` may come in by `dev`, and whether its sender is on that link (`fib_validate_source`).
/// `out`: the device that it would leave by.
fn validate_source(ns: &Netns, arrival: &Arrival, out: Ifindex) -> Result<bool, DropReason> {
    let &Arrival { src, dst, tos, dev, asks, .. } = arrival;
    let rp_filter = max_conf(ns, dev, |c| c.rp_filter);
    let accepts_local = any_conf(ns, dev, |c| c.accept_local);
    if rp_filter == 0 && (dev != out || !any_conf(ns, dev, |c| c.send_redirects)) {
        if accepts_local {
            return Ok(false);
        }
        if !ns.l3.fib.has_custom_local && !ns.l3.fib.is_split() {
            return if ns.l3.own.has(src) { Err(DropReason::Martian) } else { Ok(false) };
        }
    }
    let marked = any_conf(ns, dev, |c| c.src_valid_mark);
    let reverse = Flow {
        src: dst,
        tos,
        iif: if out == Ifindex::NONE { Ifindex::LO } else { out },
        asks: Selectors { mark: if marked { asks.mark } else { 0 }, ..asks.reversed() },
        ..Flow::to(src)
    };
    let last_resort = || if rp_filter == 0 { Ok(false) } else { Err(DropReason::RpFilter) };
    let Ok(hit) = rules::lookup(ns, &reverse) else { return last_resort() };
    let local = hit.alias.kind == RouteKind::Local;
    if hit.alias.kind != RouteKind::Unicast && !(local && accepts_local) {
        return Err(DropReason::Martian);
    }
    if hit.alias.hops.iter().any(|h| h.dev == dev) {
        return Ok(hit.way().scope >= Scope::HOST);
    }
    if ns.dev(dev).is_some_and(|d| d.in_dev.addrs.is_empty()) {
        return last_resort();
    }
    if rp_filter == 1 {
        return Err(DropReason::RpFilter);
    }
    let by_dev = Flow { oif: dev, ..reverse };
    match rules::lookup_any(ns, &by_dev) {
        Ok(hit) => Ok(hit.alias.kind == RouteKind::Unicast && hit.way().scope >= Scope::HOST),
        Err(_) => Ok(false),
    }
}
