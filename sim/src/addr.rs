//! Interface addresses and the routes that they make.
//!
//! Kernel counterpart: `net/ipv4/devinet.c`, `fib_add_ifaddr()` and `fib_del_ifaddr()` of `net/ipv4/fib_frontend.c`.
//! Deliberately absent: address validators, IPv6.

use crate::dev::{Dev, vrf};
use crate::event::Event;
use crate::few::Few;
use crate::fib::{Alias, Hop, Pattern};
use crate::ip::igmp;
use crate::l3::{self, any_conf, not_v4};
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use crate::{arp, neigh, route};
use nettwin_model::addr::mask_v4;
use nettwin_model::route::{TABLE_LOCAL, TABLE_MAIN, proto};
use nettwin_model::{Address, Cidr, Errno, Fault, IfName, Instant, NetnsState, RouteKind, RouteVerb, Scope};
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// One address of a device (`struct in_ifaddr`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IfAddr {
    /// The address.
    pub(crate) local: Ipv4Addr,
    /// The other end; the address itself unless there is a peer (`ifa_address`).
    pub(crate) peer: Ipv4Addr,
    /// The prefix length, the peer's if there is one.
    pub(crate) len: u8,
    /// The broadcast address, if set.
    pub(crate) broadcast: Option<Ipv4Addr>,
    /// Scope.
    pub(crate) scope: Scope,
    /// The label, if it is not the device's name.
    pub(crate) label: Option<Box<str>>,
    /// Not the first of its subnet.
    pub(crate) secondary: bool,
    /// It makes no route to its subnet.
    pub(crate) noprefixroute: bool,
    /// The metric of the route to its subnet.
    pub(crate) metric: u32,
    /// It is a group, which was joined for it.
    pub(crate) autojoin: bool,
    /// When it goes.
    pub(crate) valid_until: Option<Instant>,
    /// When it is preferred no more.
    pub(crate) preferred_until: Option<Instant>,
    /// It is preferred no more.
    pub(crate) deprecated: bool,
}

impl IfAddr {
    fn mask(&self) -> u32 {
        mask_v4(self.len)
    }

    /// The subnet's first address.
    fn prefix(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.peer.to_bits() & self.mask())
    }

    /// The subnet's last address.
    fn last(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.peer.to_bits() | !self.mask())
    }

    /// Whether `addr` is in the subnet (`inet_ifa_match`).
    pub(crate) fn covers(&self, addr: Ipv4Addr) -> bool {
        (self.peer.to_bits() ^ addr.to_bits()) & self.mask() == 0
    }

    /// Whether it makes a prefix route: it has a subnet, and is not alone in it.
    fn has_subnet(&self) -> bool {
        !is_zeronet(self.prefix()) && (self.prefix() != self.local || self.len < 32)
    }

    fn is_same_subnet(&self, other: &IfAddr) -> bool {
        self.len == other.len && self.covers(other.peer)
    }

    fn parse(addr: &Address, now: Instant) -> Result<Self, Fault> {
        let until = |seconds: Option<u32>| seconds.map(|s| now + Duration::from_secs(s.into()));
        let (local, own_len) = addr.cidr.v4().ok_or_else(not_v4)?;
        let (peer, len) = match addr.peer {
            Some(peer) => peer.v4().ok_or_else(not_v4)?,
            None => (local, own_len),
        };
        Ok(IfAddr {
            local,
            peer,
            len,
            broadcast: addr.broadcast.filter(|b| !b.is_unspecified()),
            scope: addr.scope,
            label: addr.label.as_deref().map(Into::into),
            secondary: false,
            noprefixroute: addr.noprefixroute,
            metric: addr.metric,
            autojoin: addr.autojoin,
            valid_until: until(addr.valid_lft),
            preferred_until: until(addr.preferred_lft),
            deprecated: addr.preferred_lft == Some(0),
        })
    }

    /// As it is observed.
    pub(crate) fn to_model(&self, now: Instant) -> Address {
        // Without an end of its life nothing is told of it.
        let left = |until: Option<Instant>| {
            let seconds = until.filter(|_| self.valid_until.is_some())?.since(now).as_secs();
            u32::try_from(seconds).ok()
        };
        let subnet = Cidr { addr: IpAddr::V4(self.peer), len: self.len };
        let has_peer = self.peer != self.local;
        Address {
            cidr: if has_peer { Cidr::host(self.local.into()) } else { subnet },
            peer: has_peer.then_some(subnet),
            broadcast: self.broadcast,
            scope: self.scope,
            label: self.label.as_deref().map(str::to_owned),
            secondary: self.secondary,
            noprefixroute: self.noprefixroute,
            autojoin: self.autojoin,
            metric: self.metric,
            valid_lft: left(self.valid_until),
            preferred_lft: left(self.preferred_until),
            deprecated: self.deprecated,
        }
    }
}

/// Whether the address is 0.0.0.0; the others of 0.0.0.0/8 are like any (`ipv4_is_zeronet`).
pub(crate) fn is_zeronet(addr: Ipv4Addr) -> bool {
    addr.is_unspecified()
}

/// `ip addr add`, and with `changes` `ip addr replace` (`inet_rtm_newaddr`).
pub(crate) fn add(ns: &mut Netns, w: &mut World, dev: IfName, addr: &Address, changes: bool) -> Result<(), Fault> {
    let dev = find_dev(ns, dev)?;
    let mut ifa = IfAddr::parse(addr, w.now)?;
    let ends = addr.valid_lft.unwrap_or(u32::MAX);
    if ends == 0 || addr.preferred_lft.unwrap_or(u32::MAX) > ends {
        return Err(Fault::refused(Errno::EINVAL, "ipv4: address lifetime invalid"));
    }
    if ns.dev(dev).is_some_and(|d| d.mtu < l3::LEAST_MTU) {
        return Err(Fault::errno(Errno::ENOBUFS));
    }
    let name = ns.dev(dev).map(|d| d.name);
    if ifa.label.as_deref() == name.as_ref().map(IfName::as_str) {
        ifa.label = None;
    }
    let is_there = |a: &IfAddr| a.local == ifa.local && a.len == ifa.len;
    if changes && let Some(at) = addrs(ns, dev).iter().position(|a| a.local == ifa.local && a.is_same_subnet(&ifa)) {
        change(ns, w, dev, at, &ifa);
        return Ok(());
    }
    if ifa.autojoin && !addrs(ns, dev).iter().any(is_there) {
        let joined = autojoin(ns, w, dev, ifa.local);
        joined.map_err(|errno| Fault::refused(errno, "ipv4: Multicast auto join failed"))?;
    }
    insert(ns, w, dev, ifa)
}

/// An address that is there gets the life and the metric of `new`.
fn change(ns: &mut Netns, w: &mut World, dev: Ifindex, at: usize, new: &IfAddr) {
    let old = addrs(ns, dev)[at].clone();
    let Some(d) = ns.dev(dev) else { return };
    let makes_route = d.up && !old.secondary && !old.noprefixroute && old.has_subnet();
    if old.metric != new.metric && makes_route {
        // The new one comes before the old one goes (fib_modify_prefix_metric).
        let kind = if d.is_loopback() { RouteKind::Local } else { RouteKind::Unicast };
        magic_add(ns, dev, kind, (old.prefix(), old.len), old.local, new.metric);
        magic_del(ns, dev, kind, (old.prefix(), old.len), old.local, old.metric);
    }
    let ifa = &mut addrs_mut(ns, dev)[at];
    ifa.metric = new.metric;
    (ifa.valid_until, ifa.preferred_until) = (new.valid_until, new.preferred_until);
    ifa.deprecated = new.deprecated;
    expect(ns, w, new);
}

/// Its time will be over.
fn expect(ns: &Netns, w: &mut World, ifa: &IfAddr) {
    for at in [ifa.preferred_until, ifa.valid_until].into_iter().flatten() {
        w.wheel.schedule(at, Event::Lifetimes { ns: ns.id });
    }
}

/// Joins a group for an address (`ip_mc_autojoin_config`): all of a namespace do so by one socket, which has its limit.
fn autojoin(ns: &mut Netns, w: &mut World, dev: Ifindex, group: Ipv4Addr) -> Result<(), Errno> {
    let mut joined = std::mem::take(&mut *ns.l3.autojoined);
    let result = igmp::join_by(ns, w, &mut joined, dev, group);
    *ns.l3.autojoined = joined;
    result
}

/// `__inet_insert_ifa()`.
fn insert(ns: &mut Netns, w: &mut World, dev: Ifindex, mut ifa: IfAddr) -> Result<(), Fault> {
    if let Some(d) = ns.dev_mut(dev) {
        crate::sysctl::leave_default(d, &mut w.confs);
    }
    if ifa.local.is_unspecified() {
        return Ok(());
    }
    let list = addrs(ns, dev);
    let mut after_primaries = 0;
    for (i, other) in list.iter().enumerate() {
        if !other.secondary && ifa.scope <= other.scope {
            after_primaries = i + 1;
        }
        if other.is_same_subnet(&ifa) {
            if other.local == ifa.local {
                return Err(Fault::refused(Errno::EEXIST, "ipv4: Address already assigned"));
            }
            if other.scope != ifa.scope {
                return Err(Fault::refused(Errno::EINVAL, "ipv4: Invalid scope value"));
            }
            ifa.secondary = true;
        }
    }
    let at = if ifa.secondary { list.len() } else { after_primaries };
    ns.l3.own.add(ifa.local);
    let list = addrs_mut(ns, dev);
    // Most devices have one for ever.
    list.reserve_exact(usize::from(list.is_empty()));
    list.insert(at, ifa.clone());
    added(ns, w, dev, &ifa);
    expect(ns, w, &ifa);
    Ok(())
}

/// Addresses whose life is over go; those whose time is over are preferred no more (`check_lifetime`).
pub(crate) fn expire(ns: &mut Netns, w: &mut World) {
    let now = w.now;
    for dev in ns.devs.indexes() {
        while let Some(at) = addrs(ns, dev).iter().position(|a| a.valid_until.is_some_and(|end| end <= now)) {
            remove(ns, w, dev, at);
        }
        // What lives for ever is preferred for ever, unless it never was.
        let over = |a: &IfAddr| a.valid_until.is_some() && a.preferred_until.is_some_and(|end| end <= now);
        for ifa in addrs_mut(ns, dev) {
            ifa.deprecated |= over(ifa);
        }
    }
}

/// `ip addr del` (`inet_rtm_deladdr`).
pub(crate) fn del(ns: &mut Netns, w: &mut World, dev: IfName, addr: &Address) -> Result<(), Fault> {
    let dev = find_dev(ns, dev)?;
    let asked = IfAddr::parse(addr, w.now)?;
    let fits = |ifa: &IfAddr| {
        ifa.local == asked.local
            && ifa.len == asked.len
            && ifa.covers(asked.peer)
            && asked.label.as_ref().is_none_or(|label| ifa.label.as_ref() == Some(label))
    };
    let at = addrs(ns, dev)
        .iter()
        .position(fits)
        .ok_or_else(|| Fault::refused(Errno::EADDRNOTAVAIL, "ipv4: Address not found"))?;
    if asked.local.is_multicast() && ns.l3.autojoined.contains(&(dev, asked.local)) {
        ns.l3.autojoined.retain(|joined| *joined != (dev, asked.local));
        igmp::leave(ns, w, dev, asked.local);
    }
    remove(ns, w, dev, at);
    Ok(())
}

/// `__inet_del_ifa()`: a primary takes its secondaries along, or promotes the first of them.
fn remove(ns: &mut Netns, w: &mut World, dev: Ifindex, at: usize) {
    let gone = addrs(ns, dev)[at].clone();
    let mut promoted = None;
    if !gone.secondary {
        let promotes = any_conf(ns, dev, |c| c.promote_secondaries);
        let mut i = at + 1;
        while let Some(ifa) = addrs(ns, dev).get(i) {
            if !ifa.secondary || !gone.is_same_subnet(ifa) {
                i += 1;
            } else if promotes {
                promoted = Some(ifa.local);
                break;
            } else {
                let ifa = take(ns, dev, i);
                removed(ns, w, dev, &ifa, None);
            }
        }
        if promoted.is_some() {
            // All of the subnet change their preferred source: their routes go now and come back below.
            let subnet: Vec<IfAddr> = secondaries(ns, dev, &gone);
            subnet.iter().for_each(|ifa| del_routes(ns, dev, ifa, Some(&gone)));
        }
    }
    let gone = take(ns, dev, at);
    removed(ns, w, dev, &gone, None);
    if let Some(local) = promoted {
        promote(ns, w, dev, &gone, local);
    }
}

/// Makes the secondary `local` the primary of `gone`'s subnet, behind the last primary of at least its scope.
fn promote(ns: &mut Netns, w: &mut World, dev: Ifindex, gone: &IfAddr, local: Ipv4Addr) {
    let list = addrs_mut(ns, dev);
    let Some(from) = list.iter().position(|a| a.local == local && a.secondary && gone.is_same_subnet(a)) else {
        return;
    };
    let mut ifa = list.remove(from);
    ifa.secondary = false;
    let to = list[..from].iter().rposition(|a| !a.secondary && gone.scope <= a.scope).map_or(0, |i| i + 1);
    list.insert(to, ifa.clone());
    added(ns, w, dev, &ifa);
    for rest in secondaries(ns, dev, &ifa) {
        add_routes(ns, w, dev, &rest);
    }
}

fn secondaries(ns: &Netns, dev: Ifindex, of: &IfAddr) -> Vec<IfAddr> {
    addrs(ns, dev).iter().filter(|a| a.secondary && of.is_same_subnet(a)).cloned().collect()
}

fn take(ns: &mut Netns, dev: Ifindex, at: usize) -> IfAddr {
    let ifa = addrs_mut(ns, dev).remove(at);
    ns.l3.own.take(ifa.local);
    ifa
}

/// What follows from a new address (`fib_inetaddr_event`, `NETDEV_UP`).
fn added(ns: &mut Netns, w: &mut World, dev: Ifindex, ifa: &IfAddr) {
    add_routes(ns, w, dev, ifa);
    route::revive(ns, dev, route::Revival::Up);
}

/// What follows from a lost address (`fib_inetaddr_event`, `NETDEV_DOWN`); it is out of the list.
fn removed(ns: &mut Netns, w: &mut World, dev: Ifindex, ifa: &IfAddr, instead: Option<&IfAddr>) {
    del_routes(ns, dev, ifa, instead);
    if addrs(ns, dev).is_empty() {
        // The last address: as if the device went down, but local routes go as well.
        route::disable(ns, w, dev, true);
        neigh::flush(ns, w, dev, false);
    }
}

/// The routes of an address (`fib_add_ifaddr`).
fn add_routes(ns: &mut Netns, w: &mut World, dev: Ifindex, ifa: &IfAddr) {
    let Some(d) = ns.dev(dev) else { return };
    let (up, loopback) = (d.up, d.is_loopback());
    let Some(src) = primary_of(ns, dev, ifa) else { return };
    magic_add(ns, dev, RouteKind::Local, (ifa.local, 32), src, 0);
    if !up {
        return;
    }
    if let Some(brd) = ifa.broadcast.filter(|b| !b.is_broadcast()) {
        magic_add(ns, dev, RouteKind::Broadcast, (brd, 32), src, 0);
        neigh::forget(ns, w, dev, brd);
    }
    if ifa.has_subnet() && !ifa.secondary {
        let kind = if loopback { RouteKind::Local } else { RouteKind::Unicast };
        if !ifa.noprefixroute {
            magic_add(ns, dev, kind, (ifa.prefix(), ifa.len), src, ifa.metric);
        }
        if ifa.len < 31 {
            magic_add(ns, dev, RouteKind::Broadcast, (ifa.last(), 32), src, 0);
            neigh::forget(ns, w, dev, ifa.last());
        }
    }
}

/// Takes the routes of an address away as far as no other address needs them (`fib_del_ifaddr`). With `instead` the
/// subnet's primary is that one, which is going away itself.
fn del_routes(ns: &mut Netns, dev: Ifindex, ifa: &IfAddr, instead: Option<&IfAddr>) {
    let Some(d) = ns.dev(dev) else { return };
    let loopback = d.is_loopback();
    let src = match instead {
        Some(primary) => primary.local,
        None if ifa.secondary => match primary_of(ns, dev, ifa) {
            Some(src) => src,
            None => return,
        },
        None => ifa.local,
    };
    let subnet = ifa.has_subnet() && !ifa.secondary;
    if subnet && !ifa.noprefixroute {
        let kind = if loopback { RouteKind::Local } else { RouteKind::Unicast };
        magic_del(ns, dev, kind, (ifa.prefix(), ifa.len), src, ifa.metric);
    }
    let others = |keeps: &dyn Fn(&IfAddr) -> bool| addrs(ns, dev).iter().any(|o| o != ifa && keeps(o));
    let last = ifa.last();
    let in_use = |addr: Ipv4Addr| {
        others(&|o| o.broadcast == Some(addr) || (!o.secondary && o.len < 31 && o.has_subnet() && o.last() == addr))
    };
    let drop_brd = ifa.broadcast.filter(|&b| !in_use(b));
    let drop_last = (subnet && ifa.len < 31 && !in_use(last)).then_some(last);
    let drop_local = !others(&|o| o.local == ifa.local);
    for brd in [drop_brd, drop_last].into_iter().flatten() {
        magic_del(ns, dev, RouteKind::Broadcast, (brd, 32), src, 0);
    }
    if drop_local {
        magic_del(ns, dev, RouteKind::Local, (ifa.local, 32), src, 0);
        if l3::addr_type(ns, dev, ifa.local) != RouteKind::Local {
            let local = ifa.local;
            // Other tables' routes go on lending it (fib_sync_down_addr).
            let table = vrf::table(ns, dev).unwrap_or(TABLE_MAIN);
            ns.l3.fib.sweep_in(table, |a| a.dead |= a.prefsrc == Some(local));
        }
    }
}

/// The preferred source of an address's routes: the subnet's primary (`inet_ifa_byprefix`).
fn primary_of(ns: &Netns, dev: Ifindex, ifa: &IfAddr) -> Option<Ipv4Addr> {
    if !ifa.secondary {
        return Some(ifa.local);
    }
    addrs(ns, dev).iter().find(|a| a.len == ifa.len && a.covers(ifa.prefix())).map(|a| a.local)
}

/// Where the routes of a device's addresses are: in its VRF's table, if it is in one.
fn own_table(ns: &Netns, dev: Ifindex, kind: RouteKind) -> u32 {
    let usual = if kind == RouteKind::Unicast { TABLE_MAIN } else { TABLE_LOCAL };
    vrf::table(ns, dev).unwrap_or(usual)
}

/// `fib_magic(RTM_NEWROUTE, …)`.
fn magic_add(ns: &mut Netns, dev: Ifindex, kind: RouteKind, (dst, len): (Ipv4Addr, u8), src: Ipv4Addr, metric: u32) {
    let Some(d) = ns.dev(dev) else { return };
    // An address that is a broadcast address, too, is no source.
    if !route::may_lend(ns, own_table(ns, dev, kind), kind, (dst, src)) {
        return;
    }
    let local = kind == RouteKind::Local;
    let hop = Hop {
        via: None,
        dev,
        weight: 1,
        onlink: false,
        scope: if local { Scope::NOWHERE } else { Scope::HOST },
        dead: false,
        linkdown: !local && !d.carrier,
        benched: false,
    };
    let alias = Alias {
        kind,
        tos: 0,
        metric,
        scope: if local { Scope::HOST } else { Scope::LINK },
        proto: proto::KERNEL,
        prefsrc: Some(src),
        said: None,
        object: None,
        hops: Few::One(hop),
        dead: false,
        default: Cell::new(-1),
    };
    let table = own_table(ns, dev, kind);
    // The same route is there already when a device comes up again: EEXIST is what the kernel ignores here, too.
    let _ = ns.l3.fib.insert(table, dst, len, alias, RouteVerb::Append);
}

/// `fib_magic(RTM_DELROUTE, …)`.
fn magic_del(ns: &mut Netns, dev: Ifindex, kind: RouteKind, (dst, len): (Ipv4Addr, u8), src: Ipv4Addr, metric: u32) {
    let pattern = Pattern {
        dst,
        len,
        tos: 0,
        metric,
        kind: Some(kind),
        scope: Some(if kind == RouteKind::Local { Scope::HOST } else { Scope::LINK }),
        proto: proto::KERNEL,
        prefsrc: Some(src),
        mtu: None,
        advmss: None,
        metrics: Default::default(),
        object: None,
        hops: vec![(None, Some(dev))],
    };
    let table = own_table(ns, dev, kind);
    // ESRCH where the device's going down took the route before; the kernel ignores it here, too.
    let _ = ns.l3.fib.delete(table, &pattern);
}

/// A device came up: `lo` gets its address, addresses their routes (`inetdev_event`, then `fib_netdev_event`).
pub(crate) fn link_up(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    let Some(d) = ns.dev(dev) else { return };
    if d.is_loopback() {
        let ifa = IfAddr {
            local: Ipv4Addr::LOCALHOST,
            peer: Ipv4Addr::LOCALHOST,
            len: 8,
            broadcast: None,
            scope: Scope::HOST,
            label: None,
            secondary: false,
            noprefixroute: false,
            autojoin: false,
            metric: 0,
            valid_until: None,
            preferred_until: None,
            deprecated: false,
        };
        // Already assigned unless this is the first time.
        let _ = insert(ns, w, dev, ifa);
    }
    if any_conf(ns, dev, |c| c.arp_notify) {
        announce(ns, w, dev);
    }
    for ifa in addrs(ns, dev).to_vec() {
        add_routes(ns, w, dev, &ifa);
    }
    route::revive(ns, dev, route::Revival::Up);
}

/// Tells the link of all addresses (`inetdev_send_gratuitous_arp`).
pub(crate) fn announce(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    for local in addrs(ns, dev).iter().map(|a| a.local).collect::<Vec<_>>() {
        arp::announce(ns, w, dev, local);
    }
}

/// A device leaves: its addresses go (`inetdev_destroy`).
pub(crate) fn link_removed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    while !addrs(ns, dev).is_empty() {
        remove(ns, w, dev, 0);
    }
}

/// A device has another name: labels follow (`inetdev_changename`).
pub(crate) fn renamed(ns: &mut Netns, dev: Ifindex, old: IfName) {
    let Some(d) = ns.dev_mut(dev) else { return };
    let name = d.name;
    for (n, ifa) in d.in_dev.addrs.iter_mut().enumerate() {
        if n == 0 {
            ifa.label = None;
            continue;
        }
        let label = ifa.label.as_deref().unwrap_or(old.as_str());
        // The first keeps the bare name; a later one without a suffix gets its number in the list for one.
        let suffix = label.find(':').map_or_else(|| format!(":{}", n + 1), |at| label[at..].to_owned());
        let room = IfName::MAX_BYTES.saturating_sub(suffix.len());
        let stem: String = name.as_str().chars().take(room).collect();
        ifa.label = Some(format!("{stem}{suffix}").into());
    }
}

/// The source address that a device lends for reaching `dst` (`inet_select_addr`): the first primary whose subnet holds
/// it, else the first of fitting scope, else another device's. 0.0.0.0 if there is none.
pub(crate) fn select(ns: &Netns, dev: Ifindex, dst: Ipv4Addr, scope: Scope) -> Ipv4Addr {
    let mut first = None;
    for ifa in addrs(ns, dev).iter().filter(|a| !a.secondary && min_scope(ns, dev, a) <= scope) {
        if dst.is_unspecified() || ifa.covers(dst) {
            return ifa.local;
        }
        first = first.or(Some(ifa.local));
    }
    if let Some(local) = first {
        return local;
    }
    // Addresses of scope link are not lent by other devices.
    let lends = |d: &Dev| {
        d.in_dev.addrs.iter().find(|a| !a.secondary && a.scope != Scope::LINK && a.scope <= scope).map(|a| a.local)
    };
    ns.devs.iter().find_map(lends).unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// A host address counts as one of the link where 127/8 may be routed.
fn min_scope(ns: &Netns, dev: Ifindex, ifa: &IfAddr) -> Scope {
    let bound = if any_conf(ns, dev, |c| c.route_localnet) { Scope::LINK } else { Scope::HOST };
    ifa.scope.min(bound)
}

/// Whether `a` is on a subnet of the device, and `b` (unless 0.0.0.0) on the same one (`inet_addr_onlink`).
pub(crate) fn on_link(ns: &Netns, dev: Ifindex, a: Ipv4Addr, b: Ipv4Addr) -> bool {
    addrs(ns, dev).iter().any(|ifa| ifa.covers(a) && (b.is_unspecified() || ifa.covers(b)))
}

/// Whether the namespace has `local` at scope `scope` or wider, on `dev` if given, and (if not 0.0.0.0) `dst` in the
/// subnet of it (`inet_confirm_addr`).
pub(crate) fn confirm(ns: &Netns, dev: Option<Ifindex>, dst: Ipv4Addr, local: Ipv4Addr, scope: Scope) -> bool {
    let on = |dev: Ifindex| {
        let (mut found, mut same) = (false, false);
        for ifa in addrs(ns, dev) {
            found |= ifa.local == local && min_scope(ns, dev, ifa) <= scope;
            same |= ifa.covers(local) && (dst.is_unspecified() || ifa.covers(dst));
        }
        found && same
    };
    match dev {
        Some(dev) => on(dev),
        None => ns.devs.iter().any(|d| on(d.ifindex)),
    }
}

/// Adds addresses to a namespace's state. `127.0.0.1/8` on `lo` is what the machine adds itself.
pub(crate) fn observe(ns: &Netns, now: Instant, state: &mut NetnsState) {
    for dev in ns.devs.iter() {
        for ifa in &dev.in_dev.addrs {
            let auto = dev.is_loopback() && ifa.local == Ipv4Addr::LOCALHOST && ifa.len == 8;
            if auto {
                if let Some(link) = state.derived.links.get_mut(&dev.name) {
                    link.auto_addrs.push(ifa.to_model(now));
                }
            } else if let Some(link) = state.config.links.get_mut(&dev.name) {
                link.addrs.push(ifa.to_model(now));
            }
        }
    }
}

/// A device's addresses, primaries first.
pub(crate) fn addrs(ns: &Netns, dev: Ifindex) -> &[IfAddr] {
    ns.dev(dev).map_or(&[], |d| &d.in_dev.addrs)
}

fn addrs_mut(ns: &mut Netns, dev: Ifindex) -> &mut Vec<IfAddr> {
    &mut ns.dev_mut(dev).expect("the caller found the device").in_dev.addrs
}

fn find_dev(ns: &Netns, dev: IfName) -> Result<Ifindex, Fault> {
    ns.devs.by_name(dev).ok_or_else(|| Fault::errno(Errno::ENODEV))
}
