//! Routes: `RTM_NEWROUTE`, `RTM_DELROUTE`, `RTM_GETROUTE`.
//!
//! Kernel counterpart: `inet_rtm_newroute()`, `fib_dump_info()`, `inet_rtm_getroute()`; iproute2's `iproute_modify()` for
//! what is left unsaid. Deliberately absent: encapsulation, IPv6 routes in observations.

use crate::netlink::Request;
use crate::object::family;
use netlink_packet_core::{DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Nla};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteNextHop, RouteNextHopFlags,
    RouteProtocol, RouteScope, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nettwin_model::metrics::LOCK_MTU;
use nettwin_model::route::proto;
use nettwin_model::{
    Cidr, Errno, Fault, IfName, Metric, Nexthop, Route, RouteGet, RouteGot, RouteKind, RouteVerb, Scope,
};
use std::net::IpAddr;

/// Table numbers above go in `RTA_TABLE` only.
const TABLE_COMPAT: u8 = 252;

/// Names to indices.
pub(crate) type Index<'a> = dyn FnMut(&IfName) -> Result<u32, Fault> + 'a;

/// Adds or changes a route.
pub(crate) fn add(verb: RouteVerb, route: &Route, index: &mut Index<'_>) -> Result<Request, Fault> {
    let flags = match verb {
        RouteVerb::Add => NLM_F_CREATE | NLM_F_EXCL,
        RouteVerb::Append => NLM_F_CREATE | NLM_F_APPEND,
        RouteVerb::Prepend => NLM_F_CREATE,
        RouteVerb::Test => NLM_F_EXCL,
        RouteVerb::Replace => NLM_F_CREATE | NLM_F_REPLACE,
        RouteVerb::Change => NLM_F_REPLACE,
    };
    let mut message = message(route, index)?;
    message.header.scope = scope_number(route.scope.unwrap_or_else(|| scope_of_new(route)));
    Ok(Request::new(RouteNetlinkMessage::NewRoute(message), flags))
}

/// Removes the first route that matches. The kernel takes scope `nowhere`, kind 0 and protocol 0 for "any".
pub(crate) fn del(route: &Route, index: &mut Index<'_>) -> Result<Request, Fault> {
    let said = match route.nhid {
        // What the object leads to is not asked for.
        Some(_) => Route { nexthops: Vec::new(), ..route.clone() },
        None => route.clone(),
    };
    let mut message = message(&said, index)?;
    message.header.scope = scope_number(route.scope.unwrap_or(Scope::NOWHERE));
    if route.kind == RouteKind::Unicast {
        message.header.kind = RouteType::Unspec;
    }
    if route.proto == proto::BOOT {
        // What a route is made with unless said otherwise asks for nothing when it is deleted.
        message.header.protocol = RouteProtocol::Unspec;
    }
    Ok(Request::new(RouteNetlinkMessage::DelRoute(message), 0))
}

/// Asks for all IPv4 routes of all tables.
pub(crate) fn all() -> RouteNetlinkMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    RouteNetlinkMessage::GetRoute(message)
}

/// iproute2's choice: what is not said follows from the kind and the presence of a gateway.
fn scope_of_new(route: &Route) -> Scope {
    match route.kind {
        RouteKind::Local => Scope::HOST,
        RouteKind::Broadcast | RouteKind::Multicast => Scope::LINK,
        RouteKind::Unicast if route.dst.addr.is_ipv6() => Scope::GLOBAL,
        RouteKind::Unicast => match route.nexthops.as_slice() {
            [only] if only.via.is_none() => Scope::LINK,
            _ => Scope::GLOBAL,
        },
        _ => Scope::GLOBAL,
    }
}

fn message(route: &Route, index: &mut Index<'_>) -> Result<RouteMessage, Fault> {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(route.dst.addr);
    header.destination_prefix_length = route.dst.len;
    header.tos = route.tos;
    header.table = table_byte(route.table);
    header.protocol = route.proto.into();
    header.kind = kind_number(route.kind);
    let mut attributes = Vec::new();
    if !route.dst.is_default() {
        attributes.push(RouteAttribute::Destination(address(route.dst.addr)));
    }
    if u32::from(header.table) != route.table {
        attributes.push(RouteAttribute::Table(route.table));
    }
    if route.metric != 0 {
        attributes.push(RouteAttribute::Priority(route.metric));
    }
    attributes.extend(route.prefsrc.map(|src| RouteAttribute::PrefSource(address(src))));
    let metrics = metrics(route);
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    attributes.extend(route.nhid.map(RouteAttribute::NhId));
    // What an object leads to is its own; what is said beside it the kernel is to refuse.
    match route.nexthops.as_slice() {
        [] => {}
        [only] => {
            attributes.extend(only.via.map(|via| gateway(route.dst, via)));
            if let Some(dev) = &only.dev {
                attributes.push(RouteAttribute::Oif(index(dev)?));
            }
            if only.onlink {
                message.header.flags |= RouteFlags::Onlink;
            }
        }
        several => {
            let hops = several.iter().map(|hop| nexthop(route.dst, hop, index)).collect::<Result<_, _>>()?;
            attributes.push(RouteAttribute::MultiPath(hops));
        }
    }
    message.attributes = attributes;
    Ok(message)
}

fn metrics(route: &Route) -> Vec<RouteMetric> {
    let lock = Some(route.locked()).filter(|&bits| bits != 0).map(RouteMetric::Lock);
    let own = [lock, route.mtu.map(RouteMetric::Mtu), route.advmss.map(RouteMetric::Advmss)];
    let more = route.metrics.values.iter().map(|(&metric, &value)| numbered(metric, value));
    own.into_iter().flatten().chain(more).chain(route.metrics.congestion.clone().map(RouteMetric::CcAlgo)).collect()
}

fn numbered(metric: Metric, value: u32) -> RouteMetric {
    match metric {
        Metric::Window => RouteMetric::Window(value),
        Metric::Rtt => RouteMetric::Rtt(value),
        Metric::Rttvar => RouteMetric::RttVar(value),
        Metric::Ssthresh => RouteMetric::SsThresh(value),
        Metric::Cwnd => RouteMetric::Cwnd(value),
        Metric::Reordering => RouteMetric::Reordering(value),
        Metric::Hoplimit => RouteMetric::Hoplimit(value),
        Metric::Initcwnd => RouteMetric::InitCwnd(value),
        Metric::Features => RouteMetric::Features(value),
        Metric::RtoMin => RouteMetric::RtoMin(value),
        Metric::Initrwnd => RouteMetric::InitRwnd(value),
        Metric::Quickack => RouteMetric::QuickAck(value),
        Metric::FastopenNoCookie => RouteMetric::FastopenNoCookie(value),
    }
}

fn nexthop(dst: Cidr, hop: &Nexthop, index: &mut Index<'_>) -> Result<RouteNextHop, Fault> {
    let mut out = RouteNextHop::default();
    // rtnh_hops is the weight less one; iproute2 refuses what does not fit, so the kernel never sees it.
    out.hops = match hop.weight {
        1..=256 => (hop.weight - 1) as u8,
        _ => return Err(Fault::errno(Errno::EINVAL)),
    };
    if let Some(dev) = &hop.dev {
        out.interface_index = index(dev)?;
    }
    if hop.onlink {
        out.flags |= RouteNextHopFlags::Onlink;
    }
    out.attributes.extend(hop.via.map(|via| gateway(dst, via)));
    Ok(out)
}

fn gateway(dst: Cidr, via: IpAddr) -> RouteAttribute {
    match (dst.addr, via) {
        (IpAddr::V4(_), IpAddr::V6(via)) => RouteAttribute::Via(RouteVia::Inet6(via)),
        _ => RouteAttribute::Gateway(address(via)),
    }
}

fn address(addr: IpAddr) -> RouteAddress {
    match addr {
        IpAddr::V4(a) => RouteAddress::Inet(a),
        IpAddr::V6(a) => RouteAddress::Inet6(a),
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(a) => Some(IpAddr::V4(*a)),
        RouteAddress::Inet6(a) => Some(IpAddr::V6(*a)),
        _ => None,
    }
}

/// A table as `rtm_table`: `RT_TABLE_COMPAT` where it does not fit.
fn table_byte(table: u32) -> u8 {
    u8::try_from(table).unwrap_or(TABLE_COMPAT)
}

fn scope_number(scope: Scope) -> RouteScope {
    scope.0.into()
}

fn kind_number(kind: RouteKind) -> RouteType {
    match kind {
        RouteKind::Unicast => RouteType::Unicast,
        RouteKind::Local => RouteType::Local,
        RouteKind::Broadcast => RouteType::Broadcast,
        RouteKind::Multicast => RouteType::Multicast,
        RouteKind::Blackhole => RouteType::BlackHole,
        RouteKind::Unreachable => RouteType::Unreachable,
        RouteKind::Prohibit => RouteType::Prohibit,
        RouteKind::Throw => RouteType::Throw,
    }
}

fn kind(number: RouteType) -> Option<RouteKind> {
    Some(match number {
        RouteType::Unicast => RouteKind::Unicast,
        RouteType::Local => RouteKind::Local,
        RouteType::Broadcast => RouteKind::Broadcast,
        RouteType::Multicast => RouteKind::Multicast,
        RouteType::BlackHole => RouteKind::Blackhole,
        RouteType::Unreachable => RouteKind::Unreachable,
        RouteType::Prohibit => RouteKind::Prohibit,
        RouteType::Throw => RouteKind::Throw,
        _ => return None,
    })
}

/// A row of a dump; `None` for what is no IPv4 route of a known kind, or a cached one.
pub(crate) fn parse(message: &RouteNetlinkMessage, name: &dyn Fn(u32) -> Option<IfName>) -> Option<Route> {
    match message {
        RouteNetlinkMessage::NewRoute(m) if !m.header.flags.contains(RouteFlags::Cloned) => parse_route(m, name),
        _ => None,
    }
}

fn parse_route(message: &RouteMessage, name: &dyn Fn(u32) -> Option<IfName>) -> Option<Route> {
    let header = &message.header;
    let default = match header.address_family {
        AddressFamily::Inet => Cidr::DEFAULT_V4,
        _ => return None,
    };
    let mut route = Route::new(Cidr { len: header.destination_prefix_length, ..default });
    route.kind = kind(header.kind)?;
    route.tos = header.tos;
    route.table = u32::from(header.table);
    route.proto = header.protocol.into();
    route.scope = Some(Scope(header.scope.into()));
    let mut only = Nexthop { via: None, dev: None, weight: 1, onlink: header.flags.contains(RouteFlags::Onlink) };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(addr) => route.dst.addr = ip(addr)?,
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::NhId(id) => route.nhid = Some(*id),
            RouteAttribute::Priority(metric) => route.metric = *metric,
            RouteAttribute::PrefSource(addr) => route.prefsrc = ip(addr),
            RouteAttribute::Metrics(metrics) => parse_metrics(&mut route, metrics),
            RouteAttribute::MultiPath(hops) => {
                route.nexthops = hops.iter().map(|hop| parse_nexthop(hop, name)).collect();
            }
            RouteAttribute::Oif(index) => only.dev = name(*index),
            other => only.via = parse_gateway(other).or(only.via),
        }
    }
    if only.dev.is_some() || only.via.is_some() {
        route.nexthops = vec![only];
    }
    Some(route)
}

fn parse_metrics(route: &mut Route, metrics: &[RouteMetric]) {
    for metric in metrics {
        match metric {
            RouteMetric::Mtu(mtu) => route.mtu = Some(*mtu),
            RouteMetric::Advmss(mss) => route.advmss = Some(*mss),
            RouteMetric::Lock(bits) => {
                route.mtu_lock = bits & LOCK_MTU != 0;
                route.metrics.locked = bits & !LOCK_MTU;
            }
            RouteMetric::CcAlgo(name) => route.metrics.congestion = Some(name.clone()),
            other => {
                let known = Metric::ALL.into_iter().find(|metric| metric.number() == other.kind());
                route.metrics.values.extend(known.zip(value_of(other)));
            }
        }
    }
}

fn value_of(metric: &RouteMetric) -> Option<u32> {
    let mut bytes = [0; 4];
    (metric.value_len() == bytes.len()).then(|| metric.emit_value(&mut bytes))?;
    Some(u32::from_ne_bytes(bytes))
}

fn parse_nexthop(hop: &RouteNextHop, name: &dyn Fn(u32) -> Option<IfName>) -> Nexthop {
    Nexthop {
        via: hop.attributes.iter().find_map(parse_gateway),
        dev: name(hop.interface_index),
        weight: u16::from(hop.hops) + 1,
        onlink: hop.flags.contains(RouteNextHopFlags::Onlink),
    }
}

fn parse_gateway(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::Gateway(addr) => ip(addr),
        RouteAttribute::Via(RouteVia::Inet(a)) => Some(IpAddr::V4(*a)),
        RouteAttribute::Via(RouteVia::Inet6(a)) => Some(IpAddr::V6(*a)),
        _ => None,
    }
}

/// `ip route get`'s question.
pub(crate) fn get(question: &RouteGet, index: &mut Index<'_>) -> Result<RouteNetlinkMessage, Fault> {
    let mut message = RouteMessage::default();
    let host = Cidr::host(question.dst);
    message.header.address_family = family(question.dst);
    message.header.destination_prefix_length = host.len;
    message.header.tos = question.tos;
    message.header.flags = RouteFlags::LookupTable;
    if question.fibmatch {
        message.header.flags |= RouteFlags::FibMatch;
    }
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Destination(address(question.dst)));
    if let Some(from) = question.from {
        attributes.push(RouteAttribute::Source(address(from)));
        message.header.source_prefix_length = host.len;
    }
    if let Some(iif) = &question.iif {
        attributes.push(RouteAttribute::Iif(index(iif)?));
    }
    if let Some(oif) = &question.oif {
        attributes.push(RouteAttribute::Oif(index(oif)?));
    }
    attributes.extend((question.mark != 0).then_some(RouteAttribute::Mark(question.mark)));
    attributes.extend((question.uid != 0).then_some(RouteAttribute::Uid(question.uid)));
    if question.ipproto != 0 {
        attributes.push(raw(RTA_IP_PROTO, vec![question.ipproto]));
    }
    for (kind, port) in [(RTA_SPORT, question.sport), (RTA_DPORT, question.dport)] {
        if port != 0 {
            attributes.push(raw(kind, port.to_be_bytes().to_vec()));
        }
    }
    Ok(RouteNetlinkMessage::GetRoute(message))
}

/// `RTA_*` that the packet crate has no name for.
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;

fn raw(kind: u16, value: Vec<u8>) -> RouteAttribute {
    RouteAttribute::Other(DefaultNla::new(kind, value))
}

/// Asks for the routes of one table; a kernel that checks strictly refuses where there is no such table.
pub(crate) fn of_table(table: u32) -> RouteNetlinkMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.attributes.push(RouteAttribute::Table(table));
    RouteNetlinkMessage::GetRoute(message)
}

/// Its answer.
pub(crate) fn parse_got(
    message: &RouteNetlinkMessage,
    question: &RouteGet,
    name: &dyn Fn(u32) -> Option<IfName>,
) -> Option<RouteGot> {
    let RouteNetlinkMessage::NewRoute(message) = message else { return None };
    let mut route = parse_route(message, name)?;
    if question.fibmatch {
        return Some(RouteGot { route, flags: Vec::new(), cached_mtu: None, expires_s: None });
    }
    route.dst = Cidr::host(question.dst);
    Some(with_cache(route, message))
}

/// A row of a dump that is a cached route, not an entry of a table.
pub(crate) fn parse_cached(message: &RouteNetlinkMessage, name: &dyn Fn(u32) -> Option<IfName>) -> Option<RouteGot> {
    match message {
        RouteNetlinkMessage::NewRoute(m) if m.header.flags.contains(RouteFlags::Cloned) => {
            Some(with_cache(parse_route(m, name)?, m))
        }
        _ => None,
    }
}

fn with_cache(route: Route, message: &RouteMessage) -> RouteGot {
    let mut got = RouteGot { route, flags: Vec::new(), cached_mtu: None, expires_s: None };
    // RTCF_*, which share the field with RTM_F_*; the words and their order are iproute2's.
    const CACHE_FLAGS: [(u32, &str); 6] = [
        (0x8000_0000, "local"),
        (0x4000_0000, "reject"),
        (0x2000_0000, "mc"),
        (0x1000_0000, "brd"),
        (0x0004_0000, "redirected"),
        (0x0100_0000, "redirect"),
    ];
    let flags = message.header.flags.bits();
    got.flags.extend(CACHE_FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, word)| (*word).to_owned()));
    for attribute in &message.attributes {
        if let RouteAttribute::CacheInfo(info) = attribute
            && info.expires != 0
        {
            // In hundredths of a second (USER_HZ), whatever the kernel's own tick is.
            got.expires_s = Some(info.expires / 100);
            got.cached_mtu = got.route.mtu;
        }
    }
    got
}
