//! The routing table as `route` and `netstat -r` print it.
//!
//! Counterpart: `rprint_fib()` of `lib/inet_gr.c`, and what `fib_route_seq_show()` puts into `/proc/net/route`.

use crate::job::Context;
use crate::names::Names;
use nettwin_model::route::TABLE_MAIN;
use nettwin_model::{Cidr, Metric, NetnsState, Route, RouteKind};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

/// Which columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// Metric, references, use.
    Metric,
    /// MSS, window, round-trip time.
    Mss,
    /// Both.
    Both,
}

/// The main table's routes in the kernel's order, without those that `/proc/net/route` leaves out.
pub(super) fn routes(netns: &NetnsState) -> Vec<&Route> {
    let shown = |r: &&Route| r.table == TABLE_MAIN && !matches!(r.kind, RouteKind::Broadcast | RouteKind::Multicast);
    crate::route::sorted(netns).into_iter().filter(shown).collect()
}

/// Prints it.
pub(super) fn print(cx: &mut Context<'_>, netns: &NetnsState, columns: Columns, numeric: bool) {
    let names = (!numeric).then(|| (Names::hosts(cx), Names::read(cx, "/etc/networks")));
    let mut out = String::from("Kernel IP routing table\n");
    out.push_str(match columns {
        Columns::Metric => "Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n",
        Columns::Mss => "Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n",
        Columns::Both => {
            "Destination     Gateway         Genmask         Flags Metric Ref    Use Iface    MSS   Window irtt\n"
        }
    });
    for route in routes(netns) {
        line(&mut out, route, columns, names.as_ref());
    }
    cx.print(&out);
}

fn line(out: &mut String, route: &Route, columns: Columns, names: Option<&(Names, Names)>) {
    let reject = matches!(route.kind, RouteKind::Unreachable | RouteKind::Prohibit);
    let hop = route.nexthops.first();
    let via = hop.and_then(|h| h.via).filter(|via| !via.is_unspecified());
    let mut flags = String::from(if reject { "!" } else { "U" });
    if via.is_some() {
        flags.push('G');
    }
    if route.dst.len == 32 {
        flags.push('H');
    }
    let gateway = match via {
        _ if reject => "-".to_owned(),
        Some(via) => host(via, names),
        None => Ipv4Addr::UNSPECIFIED.to_string(),
    };
    let iface = match hop.and_then(|h| h.dev) {
        _ if reject => "-".to_owned(),
        Some(dev) => dev.to_string(),
        None => "*".to_owned(),
    };
    let dst = destination(route.dst, names);
    let mask = Cidr::new(IpAddr::V4(Ipv4Addr::BROADCAST), route.dst.len)
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |c| c.network().addr);
    let _ = write!(out, "{dst:<15.15} {gateway:<15.15} {:<15.15} {flags:<5} ", mask.to_string());
    let dash = |value: u32| if reject { "-".to_owned() } else { value.to_string() };
    // The column has room for the headers that the size leaves out.
    let mss = dash(route.advmss.map_or(0, |mss| mss.saturating_add(40)));
    let window = dash(route.metrics.value(Metric::Window));
    let irtt = dash(route.metrics.value(Metric::Rtt) / 8);
    if columns != Columns::Mss {
        let _ = write!(out, "{:<6} {:<2} {:>7} ", route.metric, dash(0), 0);
    }
    let _ = match columns {
        Columns::Metric => writeln!(out, "{iface}"),
        Columns::Mss => writeln!(out, "{mss:>5} {window:<5} {irtt:>6} {iface}"),
        Columns::Both => writeln!(out, "{iface:<8} {mss:<5} {window:<6} {irtt}"),
    };
}

fn destination(dst: Cidr, names: Option<&(Names, Names)>) -> String {
    let IpAddr::V4(addr) = dst.addr else { return dst.addr.to_string() };
    let Some((_, networks)) = names else { return addr.to_string() };
    if dst.len == 0 {
        return "default".to_owned();
    }
    if dst.len == 32 || addr.is_unspecified() {
        return host(dst.addr, names);
    }
    networks.of_addr(addr).map_or_else(|| addr.to_string(), str::to_owned)
}

fn host(addr: IpAddr, names: Option<&(Names, Names)>) -> String {
    let name = match (addr, names) {
        (IpAddr::V4(v4), Some((hosts, _))) => hosts.of_addr(v4),
        _ => None,
    };
    name.map_or_else(|| addr.to_string(), str::to_owned)
}
