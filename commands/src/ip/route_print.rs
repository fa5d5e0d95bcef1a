//! A route's lines.
//!
//! Counterpart: `print_route()` of `ip/iproute.c`. Deliberately absent: metrics other than
//! MTU and MSS, encapsulation.

use crate::iproute::names::dsfield_word;
use crate::iproute::page::{Colour, Page};
use nettwin_model::route::{Nexthop, TABLE_MAIN, proto};
use nettwin_model::words::route::{print_prefix, proto_word, scope_word, table_word};
use nettwin_model::{NetnsState, Route, RouteKind, Scope};
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
    flags(page, &single.map(|hop| hop_flags(state, route, hop)).unwrap_or_default());
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

/// MTU and MSS.
pub(super) fn metrics(page: &mut Page, route: &Route) {
    if route.mtu.is_none() && route.advmss.is_none() {
        return;
    }
    page.open_array("metrics");
    page.open_object("");
    if let Some(mtu) = route.mtu {
        let lock = if route.mtu_lock { "lock " } else { "" };
        page.say("mtu", mtu, format_args!("mtu {lock}{mtu} "));
    }
    if let Some(advmss) = route.advmss {
        page.say("advmss", advmss, format_args!("advmss {advmss} "));
    }
    page.close_object();
    page.close_array();
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
fn hop_flags(state: &NetnsState, route: &Route, hop: &Nexthop) -> Vec<&'static str> {
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
