//! The door between devices and the IP layer: what the path, the devices and the machine call above Ethernet.
//!
//! Kernel counterpart: `packet_type` handlers, the `netdev_chain` notifiers `arp_netdev_event`, `inetdev_event` and
//! `fib_netdev_event`.

use crate::addr::IfAddr;
use crate::arp::ArpState;
use crate::dev::upper::{self, News};
use crate::dev::vrf;
use crate::fib::{Fib, Selectors};
use crate::frame::FrameId;
use crate::ip::frag::Frags;
use crate::ip::igmp::{self, Memberships};
use crate::ip::limit::Limits;
use crate::ip::pmtu::Exceptions;
use crate::lane::Ways;
use crate::neigh::NeighTable;
use crate::netns::{Ifindex, Netns};
use crate::nexthop::Nexthops;
use crate::path::{Next, Pkt};
use crate::probe::{self, Ear};
use crate::rare::{Rare, resting};
use crate::rng::Rng;
use crate::sysctl::DevConf;
use crate::world::World;
use crate::{addr, arp, ip, ipv6, neigh, nexthop, nf, route, rules};
use nettwin_model::{Errno, Fault, IfName, NetnsState, Op, RouteGet, RouteGot, RouteKind, Rules};
use std::net::Ipv4Addr;

/// The IP layer's state of one namespace.
#[derive(Default)]
pub(crate) struct L3 {
    /// Routing tables.
    pub(crate) fib: Fib,
    /// Nexthop objects.
    pub(crate) nexthops: Rare<Nexthops>,
    /// Policy rules.
    pub(crate) rules: Rare<Rules>,
    /// A VRF has made the rule that leads to their tables.
    pub(crate) leads_to_vrfs: bool,
    /// Neighbours.
    pub(crate) neigh: NeighTable,
    /// The addresses of all devices, each with how often it is there (`inet_addr_lst`).
    pub(crate) own: Own,
    /// Path MTUs and redirects.
    pub(crate) exceptions: Rare<Exceptions>,
    /// Fragments that wait.
    pub(crate) frags: Rare<Frags>,
    /// Who may be told how often.
    pub(crate) limits: Rare<Limits>,
    /// What ARP remembers.
    pub(crate) arp: Rare<ArpState>,
    /// The key of the multipath hash, drawn with the namespace's first address.
    pub(crate) hash_seed: u64,
    /// The groups that addresses have joined, and their devices.
    pub(crate) autojoined: Rare<Vec<(Ifindex, Ipv4Addr)>>,
    /// Who listens.
    pub(crate) ears: Rare<Vec<Ear>>,
    ids: Option<Box<Rng>>,
    /// Where packets went lately.
    pub(crate) ways: Option<Box<Ways>>,
    /// How often something happened here that may change where they go.
    pub(crate) disturbances: u32,
}

impl L3 {
    /// Something happens that may change where packets go.
    #[inline]
    pub(crate) fn disturb(&mut self) {
        self.disturbances = self.disturbances.wrapping_add(1);
    }

    /// The identification of the next packet made here (`__ip_select_ident`).
    pub(crate) fn next_id(&mut self, w: &World, ns: &nettwin_model::NetnsName) -> u16 {
        let rng = self.ids.get_or_insert_with(|| Box::new(w.stream(&format!("ip id {ns}"))));
        rng.next_u32() as u16 // its low half
    }
}

resting!(Nexthops, Rules, Exceptions, Frags, Limits, ArpState, Vec<(Ifindex, Ipv4Addr)>, Vec<Ear>);

/// Addresses with how often each is there, in order. Most namespaces have two.
#[derive(Default)]
pub(crate) struct Own(Vec<(Ipv4Addr, u32)>);

impl Own {
    /// Whether the address is there.
    #[inline]
    pub(crate) fn has(&self, addr: Ipv4Addr) -> bool {
        match self.0.as_slice() {
            few if few.len() <= 4 => few.iter().any(|own| own.0 == addr),
            many => many.binary_search_by_key(&addr, |own| own.0).is_ok(),
        }
    }

    /// It is there once more.
    pub(crate) fn add(&mut self, addr: Ipv4Addr) {
        match self.0.binary_search_by_key(&addr, |own| own.0) {
            Ok(at) => self.0[at].1 += 1,
            Err(at) => {
                if self.0.len() < 4 {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (addr, 1));
            }
        }
    }

    /// It is there once less.
    pub(crate) fn take(&mut self, addr: Ipv4Addr) {
        if let Ok(at) = self.0.binary_search_by_key(&addr, |own| own.0) {
            self.0[at].1 -= 1;
            if self.0[at].1 == 0 {
                self.0.remove(at);
            }
        }
    }
}

/// The IP layer's state of one device (`struct in_device`).
#[derive(Default)]
pub(crate) struct InDev {
    /// Its addresses, primaries first.
    pub(crate) addrs: Vec<IfAddr>,
    /// The groups that it has joined, where there are others than that of all hosts.
    pub(crate) memberships: Option<Box<Memberships>>,
    /// How often changes are told to routers, as it was when it came up, or as a querier said (`mr_qrv`).
    pub(crate) robustness: u32,
}

/// Whether a setting is on for all devices or for this one (`IN_DEV_ORCONF`).
pub(crate) fn any_conf(ns: &Netns, dev: Ifindex, setting: impl Fn(&DevConf) -> i32) -> bool {
    setting(&ns.sysctl.all) != 0 || ns.dev(dev).is_some_and(|d| setting(&d.conf) != 0)
}

/// Whether a setting is on for all devices and for this one (`IN_DEV_ANDCONF`).
pub(crate) fn all_conf(ns: &Netns, dev: Ifindex, setting: impl Fn(&DevConf) -> i32) -> bool {
    setting(&ns.sysctl.all) != 0 && ns.dev(dev).is_some_and(|d| setting(&d.conf) != 0)
}

/// The greater of a setting for all devices and for this one (`IN_DEV_MAXCONF`).
pub(crate) fn max_conf(ns: &Netns, dev: Ifindex, setting: impl Fn(&DevConf) -> i32) -> i32 {
    setting(&ns.sysctl.all).max(ns.dev(dev).map_or(i32::MIN, |d| setting(&d.conf)))
}

/// What an address is to those who belong with a device (`inet_addr_type_dev_table`).
pub(crate) fn addr_type(ns: &Netns, dev: Ifindex, addr: Ipv4Addr) -> RouteKind {
    match vrf::table(ns, dev) {
        Some(table) => ns.l3.fib.addr_type_in(table, addr),
        None => ns.l3.fib.addr_type(addr),
    }
}

/// Whether routes by a device are passed over while it has no carrier (`IN_DEV_IGNORE_ROUTES_WITH_LINKDOWN`).
pub(crate) fn skips_linkdown(ns: &Netns, dev: Ifindex) -> bool {
    any_conf(ns, dev, |conf| conf.ignore_routes_with_linkdown)
}

/// IPv6 is not spoken here.
pub(crate) fn not_v4() -> Fault {
    Fault::refused(Errno::EAFNOSUPPORT, "the simulator speaks IPv4 only")
}

/// Stage [`Arp`](crate::path::Stage::Arp).
pub(crate) fn arp(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    ns.l3.disturb();
    arp::input(ns, w, pkt)
}

/// Stage [`IpInput`](crate::path::Stage::IpInput).
#[inline]
pub(crate) fn ip_input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    ip::input::input(ns, w, pkt)
}

/// Stage [`IpLocal`](crate::path::Stage::IpLocal).
pub(crate) fn ip_local(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    ns.l3.disturb();
    ip::local::deliver(ns, w, pkt)
}

/// Stage [`IpForward`](crate::path::Stage::IpForward).
#[inline]
pub(crate) fn ip_forward(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    ip::forward::forward(ns, w, pkt)
}

/// Stage [`IpOutput`](crate::path::Stage::IpOutput).
#[inline]
pub(crate) fn ip_output(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    ip::output::output(ns, w, pkt)
}

/// Stage [`Neigh`](crate::path::Stage::Neigh).
#[inline]
pub(crate) fn neigh_output(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    neigh::output(ns, w, pkt)
}

/// The route of what a socket sends to `dst`, from `source` if that is given (`ip_route_output_key`).
pub(crate) fn socket_route(
    ns: &Netns,
    w: &World,
    dst: Ipv4Addr,
    source: Option<Ipv4Addr>,
    asks: Selectors,
) -> Result<crate::sock::Route, Errno> {
    ip::output::socket_route(ns, w, dst, source, asks)
}

/// Whether a socket may be bound to this address: it is local, or of everybody, or a group's.
pub(crate) fn can_bind(ns: &Netns, addr: Ipv4Addr) -> bool {
    ns.sysctl.net.ip_nonlocal_bind != 0 || addr.is_unspecified() || ns.l3.fib.addr_type(addr) != RouteKind::Unicast
}

/// A socket sends an IPv4 packet, its header complete with checksum; without DF it may be longer than any MTU
/// (`ip_local_out`). It goes on the work list: no socket is called before this returns. `confirms`: the
/// receiver has answered, so the neighbour on the way is there.
pub(crate) fn socket_send(ns: &mut Netns, w: &mut World, frame: FrameId, confirms: bool) {
    ns.l3.disturb();
    ip::output::socket_send(ns, w, frame, confirms);
}

/// A neighbour entry's timer ([`Event::Neigh`](crate::event::Event::Neigh)).
pub(crate) fn neigh_timer(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    ns.l3.disturb();
    neigh::timer(ns, w, dev, addr);
}

/// A managed neighbour is looked after ([`Event::Managed`](crate::event::Event::Managed)).
pub(crate) fn neigh_managed(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    ns.l3.disturb();
    neigh::manage(ns, w, dev, addr);
}

/// A proxied ARP request has waited ([`Event::ProxyArp`](crate::event::Event::ProxyArp)); the frame is ours.
pub(crate) fn proxy_timer(ns: &mut Netns, w: &mut World, dev: Ifindex, frame: FrameId) {
    ns.l3.disturb();
    arp::proxy_timer(ns, w, dev, frame);
}

/// Addresses may have come to their end ([`Event::Lifetimes`](crate::event::Event::Lifetimes)).
pub(crate) fn lifetimes(ns: &mut Netns, w: &mut World) {
    ns.l3.disturb();
    addr::expire(ns, w);
}

/// Another IPv4 timer ([`Event::Ip`](crate::event::Event::Ip)): fragments have waited.
pub(crate) fn ip_timer(ns: &mut Netns, w: &mut World, key: u64) {
    ns.l3.disturb();
    ip::frag::timer(ns, w, key);
}

/// Groups are to be told of ([`Event::Igmp`](crate::event::Event::Igmp)).
pub(crate) fn igmp_timer(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    ns.l3.disturb();
    igmp::timer(ns, w, dev);
}

/// A device appeared in this namespace, down (`NETDEV_REGISTER`).
pub(crate) fn link_added(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    if dev == Ifindex::LO {
        ns.l3.hash_seed = w.stream(&format!("multipath {}", ns.name)).next_u64();
    }
}

/// A device came up (`NETDEV_UP`); its `up` and `carrier` say so already.
pub(crate) fn link_up(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    igmp::link_up(ns, w, dev);
    addr::link_up(ns, w, dev);
}

/// A device went down (`NETDEV_DOWN`).
pub(crate) fn link_down(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    route::link_down(ns, w, dev);
    probe::link_down(ns, &mut w.probes, dev);
    ip::pmtu::link_down(ns, dev);
    igmp::link_down(ns, dev);
    nf::masquerade_lost(ns, dev, None);
}

/// A device that is up got or lost carrier (`NETDEV_CHANGE`).
pub(crate) fn carrier_changed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    let Some(d) = ns.dev(dev) else { return };
    let (carrier, evicts) = (d.carrier, d.conf.arp_evict_nocarrier != 0 && ns.sysctl.all.arp_evict_nocarrier != 0);
    if carrier {
        route::revive(ns, dev, route::Revival::Carrier);
    } else {
        route::carrier_lost(ns, dev);
        if evicts {
            neigh::flush(ns, w, dev, true);
        }
    }
}

/// A device's MAC changed (`NETDEV_CHANGEADDR`).
pub(crate) fn mac_changed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    upper::tell(ns, w, dev, News::Mac);
    neigh::mac_changed(ns, w, dev);
    if any_conf(ns, dev, |c| c.arp_notify) {
        addr::announce(ns, w, dev);
    }
}

/// What a device must take for IPv4 to be spoken on it, bytes (`IPV4_MIN_MTU`).
pub(crate) const LEAST_MTU: u32 = 68;

/// A device's MTU changed (`NETDEV_CHANGEMTU`): routes ask for it when they are used. With less than IPv4 needs there is
/// none of it any more.
pub(crate) fn mtu_changed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    upper::tell(ns, w, dev, News::Mtu);
    if ns.dev(dev).is_some_and(|d| d.mtu < LEAST_MTU) {
        link_removed(ns, w, dev);
    }
}

/// A device's name changed (`NETDEV_CHANGENAME`); `old` was it.
pub(crate) fn renamed(ns: &mut Netns, _: &mut World, dev: Ifindex, old: IfName) {
    addr::renamed(ns, dev, old);
}

/// A device, already down, leaves this namespace (`NETDEV_UNREGISTER`); it is still there.
pub(crate) fn link_removed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    addr::link_removed(ns, w, dev);
    route::unregister(ns, dev);
    neigh::link_removed(ns, w, dev);
    igmp::link_removed(ns, dev);
    ip::pmtu::link_down(ns, dev);
}

/// The namespace goes, its devices have gone already.
pub(crate) fn netns_gone(ns: &mut Netns, w: &mut World) {
    ip::frag::purge(ns, w);
}

/// A sysctl was written; the store holds the new value already. Settings are read where they count.
pub(crate) fn sysctl_changed(_: &mut Netns, _: &mut World, _key: &str) {}

/// The IP layer of a device joins a VRF or leaves one (`NETDEV_CHANGEUPPER`): its routes go.
pub(crate) fn domain_changed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    route::disable(ns, w, dev, true);
}

/// Executes an address, route or neighbour op in its namespace.
pub(crate) fn execute(ns: &mut Netns, w: &mut World, op: &Op) -> Result<(), Fault> {
    if let Some(answer) = ipv6::execute(ns, op) {
        return answer;
    }
    match op {
        Op::AddAddr { dev, addr, .. } => addr::add(ns, w, *dev, addr, false),
        Op::ChangeAddr { dev, addr, .. } => addr::add(ns, w, *dev, addr, true),
        Op::DelAddr { dev, addr, .. } => addr::del(ns, w, *dev, addr),
        Op::AddRoute { verb, route, .. } => route::add(ns, *verb, route),
        Op::DelRoute { route, .. } => route::del(ns, route),
        Op::AddNexthop { nexthop, replace, .. } => nexthop::add(ns, nexthop, *replace),
        Op::DelNexthop { id, .. } => nexthop::del(ns, *id),
        Op::AddRule { rule, .. } => rules::add(ns, rule),
        Op::DelRule { rule, .. } => rules::del(ns, rule),
        Op::AddNeigh { neigh, replace, .. } => neigh::add(ns, w, neigh, *replace),
        Op::DelNeigh { neigh, .. } => neigh::del(ns, w, neigh),
        _ => Err(Fault::Broken("this op is not the IP layer's".into())),
    }
}

/// Adds addresses, routes and neighbours to a namespace's state, whose links are there already.
pub(crate) fn observe(ns: &Netns, w: &World, state: &mut NetnsState) {
    addr::observe(ns, w.now, state);
    route::observe(ns, state);
    neigh::observe(ns, state);
}

/// `ip route get`.
pub(crate) fn route_get(ns: &mut Netns, w: &World, get: &RouteGet) -> Result<RouteGot, Fault> {
    ip::get::route_get(ns, w, get)
}
