//! `ip route show`.
//!
//! Counterpart: `print_route()` of iproute2's `iproute.c`, and the order of `fib_trie_table_dump()`. Deliberately
//! absent: details (`-d`), metrics other than MTU and MSS, IPv6's routes.

use nettwin_model::route::{Nexthop, TABLE_MAIN};
use nettwin_model::{NetnsState, Route, Scope, words};
use std::cmp::Reverse;
use std::fmt::Write;

/// `ip route show`: the main table.
pub fn show(netns: &NetnsState) -> String {
    show_table(netns, TABLE_MAIN)
}

/// `ip route show table TABLE`.
pub fn show_table(netns: &NetnsState, table: u32) -> String {
    sorted(netns).into_iter().filter(|r| r.table == table).map(|r| line(netns, r, false)).collect()
}

/// `ip route show table all`.
pub fn show_all(netns: &NetnsState) -> String {
    sorted(netns).into_iter().map(|r| line(netns, r, r.table != TABLE_MAIN)).collect()
}

/// All routes in the kernel's order: tables by their place in its hash, prefixes by address, the longest first, then the
/// greatest type of service and the least metric.
pub fn sorted(netns: &NetnsState) -> Vec<&Route> {
    let mut all: Vec<&Route> = netns.derived.routes.iter().chain(&netns.config.routes).collect();
    all.sort_by_key(|r| (r.table % 256, r.table, r.dst.addr, Reverse(r.dst.len), Reverse(r.tos), r.metric));
    all
}

/// One route's line, or lines; `says_table`: with its table.
pub fn line(netns: &NetnsState, route: &Route, says_table: bool) -> String {
    let several = route.nexthops.len() > 1;
    let plain = Route {
        scope: route.scope.filter(|s| *s != Scope::GLOBAL),
        table: if says_table { route.table } else { TABLE_MAIN },
        mtu: None,
        advmss: None,
        nexthops: if several { Vec::new() } else { route.nexthops.clone() },
        ..route.clone()
    };
    let mut out = words::route::print(&plain);
    if let Some((_, name)) = DSFIELDS.into_iter().find(|(field, _)| *field == route.tos) {
        out = out.replacen(&format!("tos 0x{:02x}", route.tos), &format!("tos {name}"), 1);
    }
    out.push(' ');
    if let [hop] = route.nexthops.as_slice() {
        out.push_str(hop_flags(netns, route, hop));
    }
    if let Some(mtu) = route.mtu {
        let lock = if route.mtu_lock { "lock " } else { "" };
        let _ = write!(out, "mtu {lock}{mtu} ");
    }
    if let Some(advmss) = route.advmss {
        let _ = write!(out, "advmss {advmss} ");
    }
    out.push('\n');
    for hop in route.nexthops.iter().filter(|_| several) {
        out.push_str("\tnexthop ");
        if let Some(via) = hop.via {
            let _ = write!(out, "via {via} ");
        }
        if let Some(dev) = hop.dev {
            let _ = write!(out, "dev {dev} ");
        }
        let onlink = if hop.onlink { "onlink " } else { "" };
        let _ = writeln!(out, "weight {} {onlink}{}", hop.weight, hop_flags(netns, route, hop));
    }
    out
}

/// Whether the way can be gone now. Routes to addresses of the machine itself do not depend on their device.
fn hop_flags(netns: &NetnsState, route: &Route, hop: &Nexthop) -> &'static str {
    let link = hop.dev.and_then(|dev| Some((netns.config.links.get(&dev)?, netns.derived.links.get(&dev)?)));
    match link {
        _ if route.scope.is_some_and(|s| s >= Scope::HOST) => "",
        Some((config, _)) if !config.up => "dead linkdown ",
        Some((_, derived)) if !derived.carrier => "linkdown ",
        _ => "",
    }
}

/// `/etc/iproute2/rt_dsfield`.
const DSFIELDS: [(u8, &str); 20] = [
    (0x20, "CS1"),
    (0x28, "AF11"),
    (0x30, "AF12"),
    (0x38, "AF13"),
    (0x40, "CS2"),
    (0x48, "AF21"),
    (0x50, "AF22"),
    (0x58, "AF23"),
    (0x60, "CS3"),
    (0x68, "AF31"),
    (0x70, "AF32"),
    (0x78, "AF33"),
    (0x80, "CS4"),
    (0x88, "AF41"),
    (0x90, "AF42"),
    (0x98, "AF43"),
    (0xa0, "CS5"),
    (0xb8, "EF"),
    (0xc0, "CS6"),
    (0xe0, "CS7"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use nettwin_model::link::{LinkKind, OperState};
    use nettwin_model::snapshot::{LinkConfig, LinkDerived};
    use nettwin_model::{IfName, Mac};

    /// `va` has carrier, `vb` has none, `vc` is down.
    fn state(routes: &[&str]) -> NetnsState {
        let mut state = NetnsState::default();
        for (name, up, carrier) in [("va", true, true), ("vb", true, false), ("vc", false, false)] {
            let kind = LinkKind::Veth { peer: None };
            let config = LinkConfig {
                kind,
                up,
                mtu: None,
                mac: None,
                master: None,
                addrs: Vec::new(),
                bridge: None,
                port: None,
                impairment: None,
            };
            let derived = LinkDerived {
                ifindex: 2,
                operstate: if carrier { OperState::Up } else { OperState::LowerLayerDown },
                carrier,
                link_ifindex: None,
                qdisc: "noqueue".into(),
                mtu: 1500,
                mac: Mac::ZERO,
                auto_addrs: Vec::new(),
                bridge: None,
                port: None,
            };
            let name = IfName::new(name).unwrap();
            state.config.links.insert(name, config);
            state.derived.links.insert(name, derived);
        }
        for text in routes {
            let route = words::route::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            let made_by_kernel = route.proto == nettwin_model::route::proto::KERNEL;
            if made_by_kernel { &mut state.derived.routes } else { &mut state.config.routes }.push(route);
        }
        state
    }

    #[test]
    fn routes_are_listed_as_ip_does() {
        let state = state(&[
            "blackhole 10.2.0.0/16 scope global",
            "unreachable 10.2.1.0/24 scope global metric 3",
            "10.0.0.0/24 dev va proto kernel scope link src 10.0.0.1",
            "10.0.5.0/24 dev vb proto kernel scope link src 10.0.5.1",
            "local 10.0.5.1 dev vb table local proto kernel scope host src 10.0.5.1",
            "broadcast 10.0.5.255 dev vb table local proto kernel scope link src 10.0.5.1",
            "default via 10.0.0.3 dev va proto static scope global metric 50",
            "default via 10.0.0.2 dev va scope global",
            "10.3.0.0/16 scope global nexthop via 10.0.0.2 dev va weight 3 nexthop via 10.0.5.2 dev vc",
            "10.3.0.0/24 tos 0x28 dev va scope link",
            "10.5.0.0/16 tos 0x10 via 10.0.0.2 dev va src 10.0.0.7 scope global mtu lock 1300 advmss 1000",
            "10.6.6.6 dev vc scope host",
            "10.9.0.0/16 via 1.1.1.1 dev vb scope global onlink",
            "10.10.0.0/16 dev va table 100 scope link",
        ]);
        expect![[r#"
            default via 10.0.0.2 dev va 
            default via 10.0.0.3 dev va proto static metric 50 
            10.0.0.0/24 dev va proto kernel scope link src 10.0.0.1 
            10.0.5.0/24 dev vb proto kernel scope link src 10.0.5.1 linkdown 
            blackhole 10.2.0.0/16 
            unreachable 10.2.1.0/24 metric 3 
            10.3.0.0/24 tos AF11 dev va scope link 
            10.3.0.0/16 
            	nexthop via 10.0.0.2 dev va weight 3 
            	nexthop via 10.0.5.2 dev vc weight 1 dead linkdown 
            10.5.0.0/16 tos 0x10 via 10.0.0.2 dev va src 10.0.0.7 mtu lock 1300 advmss 1000 
            10.6.6.6 dev vc scope host 
            10.9.0.0/16 via 1.1.1.1 dev vb onlink linkdown 
        "#]]
        .assert_eq(&show(&state));
        expect![[r#"
            10.10.0.0/16 dev va table 100 scope link 
        "#]]
        .assert_eq(&show_all(&state).lines().next().map(|l| format!("{l}\n")).unwrap());
        expect![[r#"
            local 10.0.5.1 dev vb table local proto kernel scope host src 10.0.5.1 
            broadcast 10.0.5.255 dev vb table local proto kernel scope link src 10.0.5.1 linkdown 
        "#]]
        .assert_eq(&show_all(&state).split_inclusive('\n').skip(14).collect::<String>());
    }
}
