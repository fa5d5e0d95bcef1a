//! `ip route get`: which way a packet would go, and what is known about that way.
//!
//! Kernel counterpart: `inet_rtm_getroute()` and `rt_fill_info()` of `net/ipv4/route.c`. Deliberately absent: marks,
//! ports, the route entry itself (`fibmatch`).

use crate::drop::DropReason;
use crate::fib::Flow;
use crate::ip::input::{self, Arrival, InRoute};
use crate::ip::output::{self, Metrics};
use crate::ip::pmtu::Exception;
use crate::l3::not_v4;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use nettwin_model::route::{TABLE_LOCAL, TABLE_MAIN};
use nettwin_model::{Cidr, Errno, Fault, IfName, Nexthop, Route, RouteGet, RouteGot, RouteKind, Scope};
use std::net::{IpAddr, Ipv4Addr};

/// Answers the question.
pub(crate) fn route_get(ns: &Netns, w: &World, get: &RouteGet) -> Result<RouteGot, Fault> {
    let v4 = |a: IpAddr| if let IpAddr::V4(a) = a { Ok(a) } else { Err(not_v4()) };
    let index = |name: IfName| ns.devs.by_name(name).ok_or_else(|| Fault::errno(Errno::ENODEV));
    if get.dst.is_ipv6() {
        return Err(Fault::errno(Errno::ENETUNREACH));
    }
    let dst = v4(get.dst)?;
    let src = get.from.map(v4).transpose()?.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let oif = get.oif.map(index).transpose()?.unwrap_or(Ifindex::NONE);
    match get.iif.map(index).transpose()? {
        Some(iif) => came_in(ns, w, &Arrival { src, dst, tos: get.tos, dev: iif, arp: false }),
        None => goes_out(ns, w, &Flow { dst, src, tos: get.tos, scope: Scope::GLOBAL, oif }),
    }
}

const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

struct Facts {
    dst: Ipv4Addr,
    kind: RouteKind,
    dev: Ifindex,
    via: Option<Ipv4Addr>,
    table: u32,
    src: Option<Ipv4Addr>,
    metrics: Metrics,
    exception: Option<Exception>,
    flags: Vec<&'static str>,
}

fn goes_out(ns: &Netns, w: &World, flow: &Flow) -> Result<RouteGot, Fault> {
    let found = output::route(ns, w.now, flow).map_err(Fault::errno)?;
    let flags = match found.kind {
        RouteKind::Local => vec!["local"],
        // Every host is in the group of all hosts.
        RouteKind::Multicast if flow.dst == ALL_HOSTS => vec!["local", "mc"],
        RouteKind::Multicast => vec!["mc"],
        RouteKind::Broadcast => vec!["local", "brd"],
        _ if found.exception.is_some_and(|e| e.gateway.is_some()) => vec!["redirected"],
        _ => Vec::new(),
    };
    Ok(got(
        ns,
        w,
        Facts {
            // Nobody's address stands for one's own.
            dst: flow.dst,
            kind: found.kind,
            dev: found.dev,
            via: found.gateway,
            table: found.table,
            src: Some(found.src).filter(|s| !s.is_unspecified() && *s != flow.src),
            metrics: found.metrics,
            exception: found.exception,
            flags,
        },
    ))
}

fn came_in(ns: &Netns, w: &World, arrival: &Arrival) -> Result<RouteGot, Fault> {
    let own = |kind, flags| Facts {
        dst: arrival.dst,
        kind,
        dev: Ifindex::LO,
        via: None,
        table: TABLE_LOCAL,
        src: None,
        metrics: Metrics::default(),
        exception: None,
        flags,
    };
    let facts = match input::route(ns, w.now, arrival) {
        InRoute::Local => own(RouteKind::Local, vec!["local"]),
        InRoute::Group if arrival.dst.is_multicast() => own(RouteKind::Multicast, vec!["local", "mc"]),
        InRoute::Group => own(RouteKind::Broadcast, vec!["local", "brd"]),
        InRoute::Forward(way) => Facts {
            dev: way.dev,
            via: Some(way.nexthop).filter(|&n| n != arrival.dst),
            table: TABLE_MAIN,
            ..own(RouteKind::Unicast, Vec::new())
        },
        InRoute::Refused(errno) => return Err(Fault::errno(errno)),
        InRoute::Dropped(reason) => return Err(Fault::errno(dropped(reason))),
    };
    Ok(got(ns, w, facts))
}

/// The errno of an input route that drops without a word.
fn dropped(reason: DropReason) -> Errno {
    match reason {
        DropReason::NotForwarding => Errno::EHOSTUNREACH,
        DropReason::RpFilter => Errno::EXDEV,
        _ => Errno::EINVAL,
    }
}

fn got(ns: &Netns, w: &World, facts: Facts) -> RouteGot {
    let learned = facts.exception;
    let mut route = Route::new(Cidr::host(facts.dst.into()));
    route.kind = facts.kind;
    // The kernel answers "main" for both while local and main are one trie; which it is, the kind says.
    route.table = match (facts.kind, facts.table) {
        (RouteKind::Local | RouteKind::Broadcast, 0 | TABLE_MAIN) => TABLE_LOCAL,
        (_, 0) => TABLE_MAIN,
        (_, table) => table,
    };
    route.proto = 0;
    route.scope = Some(Scope::GLOBAL);
    route.prefsrc = facts.src.map(IpAddr::V4);
    let mtu = learned.map(|e| e.mtu).filter(|&m| m != 0);
    route.mtu = mtu.or(facts.metrics.mtu);
    route.mtu_lock = facts.metrics.mtu_lock || learned.is_some_and(|e| e.locked);
    route.advmss = facts.metrics.advmss;
    route.nexthops = vec![Nexthop {
        via: facts.via.map(IpAddr::V4),
        dev: ns.dev(facts.dev).map(|d| d.name),
        weight: 1,
        onlink: false,
    }];
    let route_mtu = learned.and(route.mtu);
    RouteGot {
        route,
        flags: facts.flags.into_iter().map(str::to_owned).collect(),
        cached_mtu: route_mtu,
        // Whole seconds that are left; far below 2^32.
        expires_s: learned.map(|e| e.expires.since(w.now).as_secs() as u32),
    }
}
