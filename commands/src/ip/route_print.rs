//! A route's lines.
//!
//! Counterpart: `print_route()` of `ip/iproute.c`. Deliberately absent: encapsulation.

use crate::iproute::names::dsfield_word;
use crate::iproute::page::{Colour, Page, Value};
use nettwin_model::metrics::LOCK_CONGESTION;
use nettwin_model::route::{Nexthop, TABLE_MAIN, proto};
use nettwin_model::words::route::{print_prefix, proto_word, scope_word, table_word};
use nettwin_model::{Metric, NetnsState, Route, RouteKind, Scope};
use std::net::IpAddr;

/// What is said of a route, besides what makes it itself. What was asked for is not repeated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    pub(super) details: bool,
    /// One table was asked for.
    pub(super) hides_table: bool,
    pub(super) hides_dev: bool,
    pub(super) hides_proto: bool,
    pub(super) hides_scope: bool,
    pub(super) hides_tos: bool,
    pub(super) hides_metric: bool,
    pub(super) hides_via: bool,
    pub(super) hides_src: bool,
}

/// One route's line, or lines.
pub(super) fn print(page: &mut Page, state: &NetnsState, route: &Route, manner: Manner) {
    let is_single = route.nexthops.len() == 1;
    let single = route.nexthops.first().filter(|_| is_single);
    head(page, route, manner.details);
    if route.tos != 0 && !manner.hides_tos {
        let tos = dsfield_word(route.tos);
        page.say("tos", &tos, format_args!("tos {tos} "));
    }
    if let Some(id) = route.nhid {
        page.say("nhid", id, format_args!("nhid {id} "));
    }
    if let Some(hop) = single {
        way(page, hop, manner);
    }
    if (route.table != TABLE_MAIN || manner.details) && !manner.hides_table {
        let table = table_word(route.table);
        page.say("table", &table, format_args!("table {table} "));
    }
    if (route.proto != proto::BOOT || manner.details) && !manner.hides_proto {
        let proto = proto_word(route.proto);
        page.say("protocol", &proto, format_args!("proto {proto} "));
    }
    let scope = route.scope.unwrap_or(Scope::GLOBAL);
    if (scope != Scope::GLOBAL || manner.details) && !manner.hides_scope {
        let scope = scope_word(scope);
        page.say("scope", &scope, format_args!("scope {scope} "));
    }
    if let Some(src) = route.prefsrc.filter(|_| !manner.hides_src) {
        source(page, src);
    }
    if route.metric != 0 && !manner.hides_metric {
        page.say("metric", route.metric, format_args!("metric {} ", route.metric));
    }
    let of = |hop| hop_flags(state, route, hop);
    let down = !route.nexthops.is_empty() && route.nexthops.iter().all(|hop| of(hop).contains(&"linkdown"));
    flags(page, &single.map(of).unwrap_or(if down { vec!["linkdown"] } else { Vec::new() }));
    metrics(page, route);
    if manner.details {
        object(page, state, route);
    }
    if !is_single && !route.nexthops.is_empty() {
        multipath(page, state, route);
    }
    page.text("\n");
}

/// The nexthop object that the route leads by.
fn object(page: &mut Page, state: &NetnsState, route: &Route) {
    let Some(object) = state.config.nexthops.iter().find(|n| route.nhid == Some(n.id)) else { return };
    page.nl();
    page.text("\tnh_info ");
    page.open_object("nh_info");
    super::nexthop::print(page, object, true);
    page.close_object();
}

/// The kind and the destination.
pub(super) fn head(page: &mut Page, route: &Route, details: bool) {
    if route.kind != RouteKind::Unicast || details {
        page.say("type", route.kind.word(), format_args!("{} ", route.kind.word()));
    }
    let is_default = route.dst.is_default();
    let (colour, dst) = match is_default {
        true => (Colour::None, "default".to_owned()),
        false => (Colour::of(route.dst.addr), print_prefix(route.dst)),
    };
    page.paint(colour, "dst", &dst, format_args!("{dst} "));
}

/// The gateway and the device.
pub(super) fn way(page: &mut Page, hop: &Nexthop, manner: Manner) {
    if let Some(via) = hop.via.filter(|_| !manner.hides_via) {
        gateway(page, via);
    }
    if let Some(dev) = hop.dev.filter(|_| !manner.hides_dev) {
        page.field("dev", dev.as_str());
        page.text("dev ");
        page.paint_text(Colour::Ifname, format_args!("{dev} "));
    }
}

fn gateway(page: &mut Page, via: IpAddr) {
    page.field("gateway", &via.to_string());
    page.text("via ");
    page.paint_text(Colour::of(via), format_args!("{via} "));
}

/// The preferred source.
pub(super) fn source(page: &mut Page, src: IpAddr) {
    page.field("prefsrc", &src.to_string());
    page.text("src ");
    page.paint_text(Colour::of(src), format_args!("{src} "));
}

/// `dead`, `onlink`, `linkdown`.
pub(super) fn flags(page: &mut Page, flags: &[&str]) {
    page.open_array("flags");
    for flag in flags {
        page.item(flag, format_args!("{flag} "));
    }
    page.close_array();
}

/// The metrics, in the order of the kernel's numbers (`print_rta_metrics`).
pub(super) fn metrics(page: &mut Page, route: &Route) {
    let (locked, said) = (route.locked(), &route.metrics);
    if route.mtu.is_none() && route.advmss.is_none() && locked == 0 && said.is_empty() {
        return;
    }
    let (mtu, mss) = (route.mtu.unwrap_or(0), route.advmss.unwrap_or(0));
    let number = |n: u32| n.to_string();
    let mut all = vec![(2, "mtu", mtu, number(mtu)), (8, "advmss", mss, number(mss))];
    all.extend(Metric::ALL.into_iter().map(|metric| {
        let (value, text) = match (metric, said.value(metric)) {
            (Metric::Rtt, n) => (n / 8, time(n / 8)),
            (Metric::Rttvar, n) => (n / 4, time(n / 4)),
            (Metric::RtoMin, n) => (n, time(n)),
            (Metric::Features, n) => (n, if n & 1 == 1 { "ecn".to_owned() } else { String::new() }),
            (_, n) => (n, number(n)),
        };
        // What is too small to be shown is there all the same.
        let text = if said.values.contains_key(&metric) || locked & metric.bit() != 0 { text } else { String::new() };
        (metric.number(), metric.word(), value, text)
    }));
    all.sort_by_key(|(number, ..)| *number);
    page.open_array("metrics");
    page.open_object("");
    for (number, word, value, text) in all {
        let lock = if locked >> number & 1 == 1 { "lock " } else { "" };
        match word {
            "mtu" | "advmss" if value == 0 && lock.is_empty() => {}
            _ if text.is_empty() => {}
            "features" => {
                page.say("ecn", Value::Null, format_args!("features {lock}ecn "));
            }
            _ => page.say(word, value, format_args!("{word} {lock}{text} ")),
        }
        if number == 15 {
            congestion(page, route);
        }
    }
    page.close_object();
    page.close_array();
}

fn congestion(page: &mut Page, route: &Route) {
    if let Some(name) = &route.metrics.congestion {
        let lock = if route.locked() & LOCK_CONGESTION != 0 { "lock " } else { "" };
        page.say("congestion", name, format_args!("congctl {lock}{name} "));
    }
}

/// Milliseconds; from a second on, seconds.
fn time(ms: u32) -> String {
    if ms < 1000 { format!("{ms}ms") } else { format!("{}s", crate::number::general(f64::from(ms) / 1000.0, 6)) }
}

fn multipath(page: &mut Page, state: &NetnsState, route: &Route) {
    page.open_array("nexthops");
    for hop in &route.nexthops {
        page.open_object("");
        page.nl();
        page.text("\tnexthop ");
        if let Some(via) = hop.via {
            gateway(page, via);
        }
        if let Some(dev) = hop.dev {
            page.say("dev", dev.as_str(), format_args!("dev {dev} "));
        }
        page.say("weight", hop.weight, format_args!("weight {} ", hop.weight));
        flags(page, &hop_flags(state, route, hop));
        page.close_object();
    }
    page.close_array();
}

/// Whether the way can be gone now. Routes to addresses of the machine itself do not depend on their device.
pub(super) fn hop_flags(state: &NetnsState, route: &Route, hop: &Nexthop) -> Vec<&'static str> {
    let link = hop.dev.and_then(|dev| Some((state.config.links.get(&dev)?, state.derived.links.get(&dev)?)));
    let (dead, down) = match link {
        _ if route.scope.is_some_and(|s| s >= Scope::HOST) => (false, false),
        Some((config, derived)) => (!config.up, !config.up || !derived.carrier),
        None => (false, false),
    };
    [("dead", dead), ("onlink", hop.onlink), ("linkdown", down)]
        .into_iter()
        .filter_map(|(flag, on)| on.then_some(flag))
        .collect()
}
