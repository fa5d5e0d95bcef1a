//! Routes as they are added and removed, and what becomes of them when devices come and go.
//!
//! Kernel counterpart: `net/ipv4/fib_semantics.c`, `inet_rtm_newroute()` of `fib_frontend.c`. The checks come in the
//! kernel's order and with its texts. Deliberately absent: encapsulation; of
//! the metrics besides MTU, MSS and hop limit nothing but what is shown of them.

use crate::few::Few;
use crate::fib::{self, Alias, Flow, Hop, Pattern, Said};
use crate::l3::not_v4;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use crate::{addr, multipath, neigh, nexthop, rules};
use nettwin_model::addr::mask_v4;
use nettwin_model::route::{TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN, proto};
use nettwin_model::{Cidr, Errno, Fault, Metric, Metrics, NetnsState, Nexthop, Route, RouteKind, RouteVerb, Scope};
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// `65535 - 15`: a greater MTU is not kept.
const MOST_MTU: u32 = 65_520;
/// `65535 - 40`: a greater MSS is not kept.
const MOST_MSS: u32 = 65_495;
/// `tcp_available_congestion_control` of the kernel at hand.
const CONGESTION: &[&str] = &["reno", "bbr", "cubic"];

fn einval(text: &str) -> Fault {
    Fault::refused(Errno::EINVAL, text)
}

/// `ip route add` and its like (`inet_rtm_newroute`, `fib_table_insert`).
pub(crate) fn add(ns: &mut Netns, verb: RouteVerb, route: &Route) -> Result<(), Fault> {
    let (dst, len) = route.dst.v4().ok_or_else(not_v4)?;
    if route.tos & 3 != 0 {
        return Err(einval("Invalid dsfield (tos): ECN bits must be 0"));
    }
    if dst.to_bits() & !mask_v4(len) != 0 {
        return Err(einval("Invalid prefix for given prefix length"));
    }
    let alias = check(ns, route)?;
    let by_hand = route.kind == RouteKind::Local && route.table == TABLE_LOCAL;
    ns.l3.fib.insert(route.table, dst, len, alias, verb).map_err(Fault::errno)?;
    ns.l3.fib.has_custom_local |= by_hand;
    Ok(())
}

/// The scope that iproute2 sends when none is said.
fn scope_of(route: &Route) -> Scope {
    route.scope.unwrap_or(match route.kind {
        RouteKind::Local => Scope::HOST,
        RouteKind::Broadcast | RouteKind::Multicast => Scope::LINK,
        RouteKind::Unicast if route.nhid.is_some() => Scope::GLOBAL,
        RouteKind::Unicast if route.nexthops.len() <= 1 && route.nexthops.iter().all(|h| h.via.is_none()) => {
            Scope::LINK
        }
        _ => Scope::GLOBAL,
    })
}

/// The least far scope a kind of route may have (`fib_props`).
fn kind_scope(kind: RouteKind) -> Scope {
    match kind {
        RouteKind::Local => Scope::HOST,
        RouteKind::Broadcast => Scope::LINK,
        _ => Scope::GLOBAL,
    }
}

/// The metrics that are kept (`ip_metrics_convert`).
fn metrics(said: &Metrics) -> Result<Option<Arc<Metrics>>, Fault> {
    if said.congestion.as_deref().is_some_and(|name| !CONGESTION.contains(&name)) {
        return Err(einval("Unknown tcp congestion algorithm"));
    }
    let mut kept = said.clone();
    kept.values.retain(|_, value| *value != 0);
    if let Some(hops) = kept.values.get_mut(&Metric::Hoplimit) {
        *hops = (*hops).min(255);
    }
    Ok((!kept.is_empty()).then(|| Arc::new(kept)))
}

/// `fib_create_info()`.
fn check(ns: &Netns, route: &Route) -> Result<Alias, Fault> {
    let scope = scope_of(route);
    if kind_scope(route.kind) > scope {
        return Err(einval("Invalid scope"));
    }
    let said = Said {
        mtu: route.mtu.filter(|&mtu| mtu != 0).map(|mtu| mtu.min(MOST_MTU)),
        mtu_lock: route.mtu_lock,
        advmss: route.advmss.filter(|&mss| mss != 0).map(|mss| mss.min(MOST_MSS)),
        others: metrics(&route.metrics)?,
    };
    let mut alias = Alias {
        kind: route.kind,
        tos: route.tos,
        metric: route.metric,
        scope,
        proto: route.proto,
        prefsrc: v4(route.prefsrc)?.filter(|p| !p.is_unspecified()),
        said: said.kept(),
        object: None,
        hops: Few::Nothing,
        dead: false,
        default: Cell::new(-1),
    };
    if let Some(id) = route.nhid {
        nexthop::use_by(ns, id, route, scope, &mut alias)?;
        return check_source(ns, route, alias);
    }
    let mut hops = Vec::with_capacity(route.nexthops.len());
    for hop in &route.nexthops {
        hops.push(parse_hop(ns, hop)?);
    }
    if fib::says_no(route.kind) {
        if hops.iter().any(|h| h.via.is_some() || h.dev != Ifindex::NONE) {
            return Err(einval("Gateway, device and multipath can not be specified for this route type"));
        }
    } else if scope > Scope::HOST {
        return Err(einval("Invalid scope"));
    } else {
        if hops.is_empty() {
            hops.push(Hop {
                via: None,
                dev: Ifindex::NONE,
                weight: 1,
                onlink: false,
                scope: Scope::GLOBAL,
                dead: false,
                linkdown: false,
                benched: false,
            });
        }
        if scope == Scope::HOST {
            check_local_hops(ns, &mut hops)?;
        } else {
            for hop in &mut hops {
                check_hop(ns, hop, route.table, scope)?;
            }
        }
        multipath::rebalance(&mut hops, &multipath::skips(&ns.devs, &ns.sysctl));
        alias.hops = hops.into();
    }
    check_source(ns, route, alias)
}

fn check_source(ns: &Netns, route: &Route, alias: Alias) -> Result<Alias, Fault> {
    match (alias.prefsrc, route.dst.v4()) {
        (Some(src), Some((dst, _))) if !may_lend(ns, route.table, route.kind, (dst, src)) => {
            Err(einval("Invalid prefsrc address"))
        }
        _ => Ok(alias),
    }
}

/// Whether a route may have this preferred source (`fib_valid_prefsrc`).
pub(crate) fn may_lend(ns: &Netns, table: u32, kind: RouteKind, (dst, src): (Ipv4Addr, Ipv4Addr)) -> bool {
    let fib = &ns.l3.fib;
    // A VRF's table has its own local addresses.
    let is_own = || !matches!(table, TABLE_MAIN | TABLE_LOCAL) && fib.addr_type_in(table, src) == RouteKind::Local;
    kind == RouteKind::Local && dst == src || fib.is_local(src) || is_own()
}

fn v4(addr: Option<IpAddr>) -> Result<Option<Ipv4Addr>, Fault> {
    match addr {
        None => Ok(None),
        Some(IpAddr::V4(a)) => Ok(Some(a)),
        Some(IpAddr::V6(_)) => Err(not_v4()),
    }
}

/// A way as it is said, not checked yet.
pub(crate) fn parse_hop(ns: &Netns, hop: &Nexthop) -> Result<Hop, Fault> {
    let dev = match hop.dev {
        Some(name) => ns.devs.by_name(name).ok_or_else(|| Fault::errno(Errno::ENODEV))?,
        None => Ifindex::NONE,
    };
    Ok(Hop {
        via: v4(hop.via)?.filter(|g| !g.is_unspecified()),
        dev,
        weight: hop.weight.clamp(1, 256),
        onlink: hop.onlink,
        scope: Scope::GLOBAL,
        dead: false,
        linkdown: false,
        benched: false,
    })
}

/// The hops of a route of scope host: one device, no gateway.
fn check_local_hops(ns: &Netns, hops: &mut [Hop]) -> Result<(), Fault> {
    let [hop] = hops else { return Err(einval("Route with host scope can not have multiple nexthops")) };
    if hop.via.is_some() {
        return Err(einval("Route with host scope can not have a gateway"));
    }
    hop.scope = Scope::NOWHERE;
    ns.dev(hop.dev).map(|_| ()).ok_or_else(|| Fault::errno(Errno::ENODEV))
}

/// Checks a way and finds its device and scope (`fib_check_nh`).
pub(crate) fn check_hop(ns: &Netns, hop: &mut Hop, table: u32, scope: Scope) -> Result<(), Fault> {
    let Some(gateway) = hop.via else {
        if hop.onlink {
            return Err(einval("Invalid flags for nexthop - PERVASIVE and ONLINK can not be set"));
        }
        let dev = ns.dev(hop.dev).ok_or_else(|| Fault::errno(Errno::ENODEV))?;
        if !dev.up {
            return Err(Fault::refused(Errno::ENETDOWN, "Device for nexthop is not up"));
        }
        (hop.scope, hop.linkdown) = (Scope::HOST, !dev.carrier);
        return Ok(());
    };
    if hop.onlink {
        return check_onlink(ns, hop, gateway, scope);
    }
    // The gateway must be nearer than the destination, and at least on the link.
    let nearer = Scope(scope.0.saturating_add(1)).max(Scope::LINK);
    let flow = Flow { scope: nearer, oif: hop.dev, ..Flow::to(gateway) };
    let invalid = |errno| Fault::refused(errno, "Nexthop has invalid gateway");
    let own_table = (table != TABLE_MAIN && ns.l3.fib.has_table(table)).then(|| ns.l3.fib.lookup_in(table, &flow));
    let hit = match own_table {
        Some(Ok(hit)) => hit,
        _ => rules::lookup_any(ns, &flow).map_err(invalid)?,
    };
    if !matches!(hit.alias.kind, RouteKind::Unicast | RouteKind::Local) {
        return Err(invalid(Errno::EINVAL));
    }
    (hop.scope, hop.dev) = (hit.alias.scope, hit.way().dev);
    let dev = ns.dev(hop.dev).ok_or_else(|| einval("No egress device for nexthop gateway"))?;
    hop.linkdown = !dev.carrier;
    if dev.up { Ok(()) } else { Err(Fault::errno(Errno::ENETDOWN)) }
}

fn check_onlink(ns: &Netns, hop: &mut Hop, gateway: Ipv4Addr, scope: Scope) -> Result<(), Fault> {
    if scope >= Scope::LINK {
        return Err(einval("Nexthop has invalid scope"));
    }
    let dev = ns.dev(hop.dev).ok_or_else(|| Fault::refused(Errno::ENODEV, "Nexthop device required for onlink"))?;
    if !dev.up {
        return Err(Fault::refused(Errno::ENETDOWN, "Nexthop device is not up"));
    }
    if ns.l3.fib.addr_type(gateway) != RouteKind::Unicast {
        return Err(einval("Nexthop has invalid gateway"));
    }
    (hop.scope, hop.linkdown) = (Scope::LINK, !dev.carrier);
    Ok(())
}

/// `ip route del` (`fib_table_delete`): what the route leaves open matches anything. A kind of unicast is what iproute2
/// leaves open, too.
pub(crate) fn del(ns: &mut Netns, route: &Route) -> Result<(), Fault> {
    let (dst, len) = route.dst.v4().ok_or_else(not_v4)?;
    if !ns.l3.fib.has_table(route.table) {
        return Err(Fault::refused(Errno::ESRCH, "FIB table does not exist"));
    }
    if dst.to_bits() & !mask_v4(len) != 0 {
        return Err(einval("Invalid prefix for given prefix length"));
    }
    let mut hops = Vec::new();
    // What an object leads to is not asked for.
    let said = if route.nhid.is_some() { &[][..] } else { &route.nexthops };
    for hop in said {
        let parsed = parse_hop(ns, hop)?;
        hops.push((parsed.via, (parsed.dev != Ifindex::NONE).then_some(parsed.dev)));
    }
    let pattern = Pattern {
        dst,
        len,
        tos: route.tos,
        metric: route.metric,
        kind: Some(route.kind).filter(|&k| k != RouteKind::Unicast),
        scope: route.scope,
        // What a route is made with unless said otherwise asks for nothing when it is deleted.
        proto: if route.proto == proto::BOOT { 0 } else { route.proto },
        prefsrc: v4(route.prefsrc)?,
        mtu: route.mtu,
        advmss: route.advmss,
        metrics: route.metrics.clone(),
        object: route.nhid,
        hops,
    };
    ns.l3.fib.delete(route.table, &pattern).map(|_| ()).map_err(Fault::errno)
}

/// Routes by a device that went down, or lost its last address, are dead (`fib_disable_ip`). `all` takes those of local
/// addresses, too.
pub(crate) fn disable(ns: &mut Netns, _: &mut World, dev: Ifindex, all: bool) {
    let skips = multipath::skips(&ns.devs, &ns.sysctl);
    ns.l3.fib.sweep(|alias| {
        if alias.object.is_some() || !alias.hops.iter().any(|h| h.dev == dev) {
            return;
        }
        for hop in &mut alias.hops {
            if hop.dev == dev && (all || hop.scope != Scope::NOWHERE) {
                (hop.dead, hop.linkdown) = (true, true);
            }
        }
        multipath::rebalance(&mut alias.hops, &skips);
        alias.dead |= alias.hops.iter().all(|h| h.dead);
    });
}

/// A device is gone: routes with any way by it go (`NETDEV_UNREGISTER`).
pub(crate) fn unregister(ns: &mut Netns, dev: Ifindex) {
    nexthop::flush(ns, dev, true);
    ns.l3.fib.sweep(|alias| alias.dead |= alias.object.is_none() && alias.hops.iter().any(|h| h.dev == dev));
}

/// What a device got back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revival {
    /// It is up again, or has an address again.
    Up,
    /// It has carrier again.
    Carrier,
}

/// Ways of multipath routes by a device that is back are good again (`fib_sync_up`).
pub(crate) fn revive(ns: &mut Netns, dev: Ifindex, what: Revival) {
    let Some(d) = ns.dev(dev) else { return };
    if !d.up {
        return;
    }
    let carrier = d.carrier;
    let skips = multipath::skips(&ns.devs, &ns.sysctl);
    ns.l3.fib.sweep(|alias| {
        let mut touched = false;
        for hop in alias.hops.iter_mut().filter(|h| h.dev == dev) {
            if what == Revival::Up {
                hop.dead = false;
            }
            hop.linkdown &= !carrier;
            touched = true;
        }
        if touched {
            multipath::rebalance(&mut alias.hops, &skips);
        }
    });
}

/// Ways by a device without carrier are marked (`fib_sync_down_dev`, `NETDEV_CHANGE`); they are still used unless the
/// device's `ignore_routes_with_linkdown` says otherwise.
pub(crate) fn carrier_lost(ns: &mut Netns, dev: Ifindex) {
    nexthop::flush(ns, dev, false);
    let skips = multipath::skips(&ns.devs, &ns.sysctl);
    ns.l3.fib.sweep(|alias| {
        let mut touched = false;
        for hop in alias.hops.iter_mut().filter(|h| h.dev == dev && h.scope != Scope::NOWHERE) {
            (hop.linkdown, touched) = (true, true);
        }
        if touched {
            multipath::rebalance(&mut alias.hops, &skips);
        }
    });
}

/// A device went down (`fib_netdev_event`, `NETDEV_DOWN`).
pub(crate) fn link_down(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    nexthop::flush(ns, dev, false);
    disable(ns, w, dev, false);
    neigh::flush(ns, w, dev, false);
}

/// Adds all routes to a namespace's state: those of `proto kernel` are derived, redirects are left out.
pub(crate) fn observe(ns: &Netns, state: &mut NetnsState) {
    state.config.rules = nettwin_model::Rules::clone(&ns.l3.rules);
    state.config.nexthops = nexthop::observe(ns);
    for (table, dst, len, alias) in ns.l3.fib.dump() {
        let route = to_model(ns, table, Cidr { addr: dst.into(), len }, alias);
        match alias.proto {
            proto::KERNEL => state.derived.routes.push(route),
            _ => state.config.routes.push(route),
        }
    }
}

/// A route as the model has it.
pub(crate) fn to_model(ns: &Netns, table: u32, dst: Cidr, a: &Alias) -> Route {
    let hop = |h: &Hop| Nexthop {
        via: h.via.map(IpAddr::V4),
        dev: ns.dev(h.dev).map(|d| d.name),
        weight: h.weight,
        onlink: h.onlink,
    };
    let blackhole = a.object.is_some_and(|(_, blackhole)| blackhole);
    let said = a.said();
    Route {
        kind: if blackhole { RouteKind::Blackhole } else { a.kind },
        dst,
        tos: a.tos,
        table,
        metric: a.metric,
        proto: a.proto,
        scope: Some(a.scope),
        prefsrc: a.prefsrc.map(IpAddr::V4),
        mtu: said.mtu,
        mtu_lock: said.mtu_lock,
        advmss: said.advmss,
        metrics: said.others.as_deref().cloned().unwrap_or_default(),
        nhid: a.object.map(|(id, _)| id),
        nexthops: a.hops.iter().map(hop).collect(),
    }
}

/// Whether the main or default table has a default route by `gateway` on `dev` (`ip_fib_check_default`).
pub(crate) fn is_default_gateway(ns: &Netns, gateway: Ipv4Addr, dev: Ifindex) -> bool {
    let is_ours = |hop: &Hop| hop.dev == dev && hop.via == Some(gateway) && !hop.dead;
    let all = ns.l3.fib.dump();
    all.iter().any(|(t, _, len, a)| matches!(*t, TABLE_MAIN | TABLE_DEFAULT) && *len == 0 && a.hops.iter().any(is_ours))
}

/// The source that a route lends (`fib_result_prefsrc`).
pub(crate) fn prefsrc(ns: &Netns, alias: &Alias, hop: &Hop) -> Ipv4Addr {
    alias.prefsrc.unwrap_or_else(|| addr::select(ns, hop.dev, hop.via.unwrap_or(Ipv4Addr::UNSPECIFIED), alias.scope))
}
