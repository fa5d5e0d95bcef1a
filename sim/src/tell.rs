//! Decisions of the IP layer in words, for the trace. Only called while somebody listens.
//!
//! Kernel counterpart: none. Deliberately absent: deciding; a decision is asked for again, not kept for being told.

use crate::fib::{Flow, Hit};
use crate::ip::input::{Arrival, InRoute};
use crate::ip::output::Dst;
use crate::netns::{Ifindex, Netns};
use crate::{route, rules};
use nettwin_model::route::{TABLE_MAIN, proto};
use nettwin_model::{Cidr, Route, RouteKind, words};

/// The way of a packet made here, with the route that gave it.
pub(crate) fn way_out(ns: &Netns, way: &Dst) -> String {
    let dst = way.dst;
    match way.kind {
        RouteKind::Local => return format!("{dst} is its own address: by {}", name(ns, way.dev)),
        RouteKind::Broadcast => return format!("{dst} is a broadcast on {}", name(ns, way.dev)),
        _ => {}
    }
    let how = match way.table {
        0 => "the device was given".to_owned(),
        _ => found_by(ns, &Flow { src: way.src, ..Flow::to(dst) }),
    };
    let by = name(ns, way.dev);
    match way.gateway {
        Some(gateway) => format!("{how}: by {by} to the gateway {gateway}"),
        None => format!("{how}: {dst} is on the link of {by}"),
    }
}

/// Where a packet that came in goes, with the route that says so.
pub(crate) fn way_in(ns: &Netns, arrival: &Arrival, route: &InRoute) -> String {
    let dst = arrival.dst;
    match route {
        InRoute::Local => format!("{dst} is its own address"),
        InRoute::Group => format!("{dst} is a broadcast or group of its own"),
        InRoute::Forward(way) => {
            let how = found_by(ns, &arrival.flow());
            let by = name(ns, way.dev);
            if way.nexthop == dst {
                return format!("{how}: {dst} is on the link of {by}");
            }
            format!("{how}: on by {by} to the gateway {}", way.nexthop)
        }
        InRoute::Refused(errno) => format!("no way to {dst}: {}", errno.text()),
        InRoute::Dropped(reason) => format!("no way to {dst}: {}", reason.text()),
    }
}

fn name(ns: &Netns, dev: Ifindex) -> &str {
    ns.dev(dev).map_or("a device that is gone", |d| d.name.as_str())
}

/// The route of a flow as `ip route` has it, in back quotes.
fn found_by(ns: &Netns, flow: &Flow) -> String {
    let Ok(hit) = rules::lookup(ns, flow) else { return "no route".to_owned() };
    format!("`{}`", words::route::print(&plain(ns, &hit)))
}

/// The route that was hit, without what does not tell where it leads.
fn plain(ns: &Netns, hit: &Hit<'_>) -> Route {
    let all = ns.l3.fib.dump();
    let at = all.iter().find(|(.., alias)| std::ptr::eq(*alias, hit.alias));
    let dst = at.map_or(Cidr::DEFAULT_V4, |&(_, dst, len, _)| Cidr { addr: dst.into(), len });
    Route {
        proto: proto::BOOT,
        scope: None,
        prefsrc: None,
        table: TABLE_MAIN,
        ..route::to_model(ns, hit.table, dst, hit.alias)
    }
}
