//! `ip route get`: which way a packet would go, and what is known about that way.
//!
//! Kernel counterpart: `inet_rtm_getroute()` and `rt_fill_info()` of `net/ipv4/route.c`.

use crate::dev::vrf;
use crate::drop::DropReason;
use crate::fib::{Flow, Selectors};
use crate::ip::input::{self, Arrival, InRoute};
use crate::ip::output::{self, Metrics};
use crate::ip::pmtu::{self, Exception};
use crate::l3::not_v4;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use crate::{route, rules};
use nettwin_model::route::{TABLE_LOCAL, TABLE_MAIN};
use nettwin_model::wire::{PROTO_ICMP, PROTO_TCP, PROTO_UDP};
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
    let &RouteGet { mark, uid, ipproto, sport, dport, .. } = get;
    // Who says nothing asks for UDP, without ports.
    let proto = if ipproto == 0 { PROTO_UDP } else { ipproto };
    let asks = Selectors { mark, uid, proto, sport, dport };
    let iif = get.iif.map(index).transpose()?;
    let flow = match iif {
        Some(iif) => Flow { src, tos: get.tos, iif, asks, ..Flow::to(dst) },
        None => Flow { src, tos: get.tos, oif, asks, ..Flow::to(dst) },
    };
    if !matches!(proto, PROTO_ICMP | PROTO_TCP | PROTO_UDP) {
        return Err(Fault::refused(Errno::EOPNOTSUPP, "Unsupported ip proto"));
    }
    let got = match iif {
        Some(dev) => came_in(ns, w, &Arrival { src, dst, tos: get.tos, dev, arp: false, asks })?,
        None => goes_out(ns, w, &flow)?,
    };
    match got.route.table {
        _ if !get.fibmatch => Ok(got),
        // No table has it.
        0 => Err(Fault::errno(Errno::EHOSTUNREACH)),
        _ => entry(ns, &flow),
    }
}

/// All exceptions that are in force (`fib_dump_info_fnhe`).
pub(crate) fn route_cache(ns: &Netns, w: &World) -> Vec<RouteGot> {
    let learned = pmtu::known(ns, w.now).filter_map(|(dst, oif)| goes_out(ns, w, &Flow { oif, ..Flow::to(dst) }).ok());
    let learned = learned.filter(|got| got.expires_s.is_some());
    learned.map(|got| RouteGot { route: Route { prefsrc: None, ..got.route }, ..got }).collect()
}

/// The table as the kernel tells it: main while local and main are one trie.
fn shown_table(ns: &Netns, table: u32) -> u32 {
    if table == TABLE_LOCAL && !ns.l3.fib.is_split() { TABLE_MAIN } else { table }
}

/// The entry that a packet's route comes of (`RTM_F_FIB_MATCH`).
fn entry(ns: &Netns, flow: &Flow) -> Result<RouteGot, Fault> {
    let hit = rules::lookup(ns, flow).map_err(|_| Fault::errno(Errno::EHOSTUNREACH))?;
    let dst = Cidr { addr: flow.dst.into(), len: hit.len }.network();
    let route = route::to_model(ns, shown_table(ns, hit.table), dst, hit.alias);
    Ok(RouteGot { route, flags: Vec::new(), cached_mtu: None, expires_s: None })
}

const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

struct Facts {
    dst: Ipv4Addr,
    kind: RouteKind,
    dev: Ifindex,
    via: Option<Ipv4Addr>,
    table: u32,
    tos: u8,
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
        _ if found.dev == Ifindex::LO => vec!["local"],
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
            tos: found.metrics.tos,
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
        tos: 0,
        src: None,
        metrics: Metrics::default(),
        exception: None,
        flags,
    };
    let facts = match input::route(ns, w.now, arrival) {
        InRoute::Local => match (vrf::of(ns, arrival.dev), vrf::table(ns, arrival.dev)) {
            (Some(dev), Some(table)) => Facts { dev, table, ..own(RouteKind::Local, vec!["local"]) },
            _ => own(RouteKind::Local, vec!["local"]),
        },
        InRoute::Group if arrival.dst.is_multicast() => {
            Facts { table: 0, ..own(RouteKind::Multicast, vec!["local", "mc"]) }
        }
        // No table was asked.
        InRoute::Group if arrival.dst.is_broadcast() => {
            Facts { table: 0, ..own(RouteKind::Broadcast, vec!["local", "brd"]) }
        }
        InRoute::Group => own(RouteKind::Broadcast, vec!["local", "brd"]),
        InRoute::Forward(way) => Facts {
            dev: way.dev,
            via: Some(way.nexthop).filter(|&n| n != arrival.dst),
            table: way.table,
            tos: way.tos,
            ..own(RouteKind::Unicast, if way.redirect { vec!["redirect"] } else { Vec::new() })
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
        _ => Errno::EINVAL,
    }
}

fn got(ns: &Netns, w: &World, facts: Facts) -> RouteGot {
    let learned = facts.exception;
    let mut route = Route::new(Cidr::host(facts.dst.into()));
    route.kind = facts.kind;
    route.table = shown_table(ns, facts.table);
    route.tos = facts.tos;
    route.proto = 0;
    route.scope = Some(Scope::GLOBAL);
    route.prefsrc = facts.src.map(IpAddr::V4);
    let mtu = learned.map(|e| e.mtu).filter(|&m| m != 0);
    route.mtu = mtu.or(facts.metrics.mtu);
    route.mtu_lock = facts.metrics.mtu_lock || learned.is_some_and(|e| e.locked);
    route.advmss = facts.metrics.advmss;
    route.metrics = facts.metrics.more.as_deref().cloned().unwrap_or_default();
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
