//! The routing tables: adding, refusing, looking up, vanishing.

use crate::harness::{Case, ns};
use nettwin_model::backend::{Query, RouteGet};
use nettwin_model::op::RouteVerb;

fn wired(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["a", "b"])
        .wire(("a", "x"), ("b", "y"), (1, 2))
        .wire(("a", "x2"), ("b", "y2"), (3, 4))
        .addr("a", "x", "10.0.0.1/24")
        .addr("b", "y", "10.0.0.2/24")
}

fn get(dst: &str, from: Option<&str>, iif: Option<&str>, oif: Option<&str>) -> Query {
    Query::RouteGet(RouteGet {
        from: from.map(|f| f.parse().expect("an address")),
        iif: iif.map(crate::harness::dev),
        oif: oif.map(crate::harness::dev),
        ..RouteGet::new(ns("a"), dst.parse().expect("an address"))
    })
}

#[test]
fn adding() {
    crate::agree(
        "route-adding",
        vec![
            wired("gateways that are refused")
                .route("a", "10.8.0.0/16 via 10.0.1.2")
                .route("a", "10.8.0.0/16 via 10.0.0.255")
                .route("a", "10.8.0.0/16 via 224.0.0.1")
                .route("a", "10.8.0.0/16 via 10.0.0.2 dev x2")
                .route("a", "10.8.0.0/16 dev nope")
                .route("a", "10.8.0.1/16 via 10.0.0.2")
                .route("a", "10.8.0.0/16 via 10.0.0.2 src 10.0.0.9")
                .down("a", "x2")
                .route("a", "10.8.0.0/16 dev x2")
                .observe(),
            wired("gateways that are accepted")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .route("a", "10.2.0.0/16 via 10.0.0.2 dev x src 10.0.0.1 metric 7")
                .route("a", "10.3.0.0/16 dev x2")
                .route("a", "10.4.0.0/16 via 10.77.0.1 dev x2 onlink")
                .route("a", "10.5.0.0/16 dev x scope link")
                .route("a", "default via 10.0.0.2")
                .observe(),
            wired("gateways said to be on the link")
                .route("a", "10.1.0.0/16 via 10.0.0.1 dev x onlink")
                .route("a", "10.1.0.0/16 via 224.0.0.1 dev x onlink")
                .route("a", "10.1.0.0/16 via 10.0.0.255 dev x onlink")
                .route("a", "10.1.0.0/16 via 127.0.0.1 dev x onlink")
                .route("a", "10.1.0.0/16 via 10.77.0.1 onlink")
                .route("a", "10.1.0.0/16 via 10.77.0.1 dev nope onlink")
                .route("a", "10.1.0.0/16 via 10.77.0.1 dev lo onlink")
                .route("a", "10.2.0.0/16 via 10.77.0.1 dev x onlink")
                .route("a", "10.3.0.0/16 nexthop via 10.77.0.1 dev x onlink nexthop via 10.78.0.1 dev x2 onlink")
                .observe()
                .route_get("a", "10.2.0.1"),
            wired("scopes")
                .route("a", "10.1.0.0/16 dev x scope host")
                .route("a", "10.2.0.0/16 via 10.0.0.2 scope link")
                .route("a", "10.3.0.0/16 via 10.0.0.2 scope host")
                .route("a", "10.4.0.0/16 dev x scope 50")
                .route("a", "local 10.5.0.1 dev x scope global")
                .route("a", "broadcast 10.6.0.255 dev x")
                .route("a", "multicast 224.5.0.0/16 dev x")
                .route("a", "10.7.0.0/16 dev x scope nowhere")
                .observe()
                .route_get("a", "10.1.0.1")
                .route_get("a", "10.6.0.255")
                .route_get("a", "224.5.0.1")
                .ping("a", "10.5.0.1", 1),
            wired("a gateway through a gateway is refused")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .route("a", "10.2.0.0/16 via 10.1.0.1"),
            wired("one's own address as gateway")
                .route("a", "default via 10.0.0.1")
                .observe()
                .route_get("a", "10.50.0.1")
                .capture("cap", "b", "y")
                .ping("a", "10.50.0.1", 1)
                .end("cap"),
            wired("verbs")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .route("a", "10.1.0.0/16 via 10.0.0.3")
                .route("a", "10.1.0.0/16 via 10.0.0.3 metric 5")
                .route_by(RouteVerb::Append, "a", "10.1.0.0/16 via 10.0.0.4")
                .route_by(RouteVerb::Prepend, "a", "10.1.0.0/16 via 10.0.0.5")
                .observe()
                .route_by(RouteVerb::Replace, "a", "10.1.0.0/16 via 10.0.0.6")
                .route_by(RouteVerb::Change, "a", "10.1.0.0/16 via 10.0.0.7 metric 5")
                .route_by(RouteVerb::Change, "a", "10.2.0.0/16 via 10.0.0.7")
                .route_by(RouteVerb::Replace, "a", "10.3.0.0/16 via 10.0.0.7")
                .observe()
                .del_route("a", "10.1.0.0/16")
                .del_route("a", "10.1.0.0/16 via 10.0.0.4")
                .del_route("a", "10.1.0.0/16 metric 9")
                .del_route("a", "10.9.0.0/16")
                .observe(),
            wired("types")
                .route("a", "blackhole 10.1.0.0/16")
                .route("a", "unreachable 10.2.0.0/16")
                .route("a", "prohibit 10.3.0.0/16")
                .route("a", "throw 10.4.0.0/16")
                .route("a", "local 10.5.0.0/16 dev lo")
                .observe()
                .ping("a", "10.1.0.1", 1)
                .ping("a", "10.2.0.1", 1)
                .ping("a", "10.3.0.1", 1)
                .ping("a", "10.4.0.1", 1)
                .ping("a", "10.5.0.1", 1)
                .ping("a", "10.6.0.1", 1),
            wired("other tables")
                .route("a", "10.1.0.0/16 via 10.0.0.2 table 100")
                .route("a", "10.1.0.0/16 via 10.0.0.2 table 253")
                .observe()
                .route_get("a", "10.1.0.1"),
            wired("several nexthops")
                .addr("a", "x2", "10.0.2.1/24")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.2.2 weight 3")
                .observe()
                .down("a", "x2")
                .observe(),
        ],
    );
}

#[test]
fn vanishing() {
    crate::agree(
        "route-vanishing",
        vec![
            wired("with the link")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .route("a", "10.2.0.0/16 dev x")
                .down("a", "x")
                .observe()
                .up("a", "x")
                .observe(),
            wired("with the last address")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .route("a", "10.2.0.0/16 dev x")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe(),
            wired("with the preferred source, not with the gateway's subnet")
                .addr("a", "x", "10.0.1.1/24")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .route("a", "10.2.0.0/16 via 10.0.1.2 src 10.0.0.1")
                .route("a", "10.3.0.0/16 via 10.0.1.2")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe(),
            wired("not with the carrier")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .down("b", "y")
                .wait_ms(1200)
                .observe()
                .route_get("a", "10.1.0.1"),
        ],
    );
}

#[test]
fn looking_up() {
    crate::agree(
        "route-get",
        vec![
            wired("longest prefix, then metric")
                .addr("a", "x2", "10.0.2.1/24")
                .route("a", "10.1.0.0/16 via 10.0.0.2 metric 10")
                .route("a", "10.1.0.0/16 via 10.0.2.2 metric 5")
                .route("a", "10.1.2.0/24 via 10.0.0.3 metric 99")
                .route_get("a", "10.1.1.1")
                .route_get("a", "10.1.2.1")
                .route_get("a", "10.0.0.1")
                .route_get("a", "10.0.0.255")
                .route_get("a", "10.0.0.77")
                .route_get("a", "127.0.0.1")
                .route_get("a", "8.8.8.8")
                .route_get("a", "255.255.255.255")
                .route_get("a", "224.0.0.1"),
            wired("broadcasts and groups take nothing of a route but its device and source")
                .route("a", "default via 10.0.0.2 mtu 1300")
                .route_get("a", "10.77.0.1")
                .route_get("a", "255.255.255.255")
                .route_get("a", "224.1.1.1")
                .route("a", "224.0.0.0/4 via 10.0.0.3 mtu 1200")
                .route_get("a", "224.1.1.1"),
            wired("broadcasts and groups without a route")
                .ask(get("255.255.255.255", Some("10.0.0.1"), None, None))
                .ask(get("255.255.255.255", None, None, Some("x2")))
                .ask(get("224.1.1.1", None, None, None))
                .ask(get("224.1.1.1", Some("10.0.0.1"), None, None))
                .ask(get("224.1.1.1", None, None, Some("x")))
                .ask(get("224.0.0.5", None, None, Some("x2")))
                .ask(get("224.1.1.1", Some("10.0.0.77"), None, None))
                .ask(get("0.0.0.0", None, None, None))
                .ask(get("0.0.0.0", Some("10.0.0.1"), None, None))
                .ask(get("0.0.0.0", None, None, Some("x")))
                .ask(get("10.0.0.9", Some("127.0.0.1"), None, None))
                .ask(get("10.0.0.9", Some("224.0.0.1"), None, None))
                .ask(get("10.0.0.9", None, None, Some("lo")))
                .down("a", "x2")
                .ask(get("10.0.0.9", None, None, Some("x2")))
                .ask(get("10.0.0.9", None, None, Some("nope"))),
            wired("what comes in")
                .addr("a", "x2", "10.0.2.1/24")
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .route("a", "10.1.0.0/16 via 10.0.2.2")
                .route("a", "unreachable 10.3.0.0/16")
                .route("a", "prohibit 10.4.0.0/16")
                .route("a", "blackhole 10.5.0.0/16")
                .route("a", "throw 10.6.0.0/16")
                .ask(get("10.0.2.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.0.0.255", Some("10.0.0.2"), Some("x"), None))
                .ask(get("255.255.255.255", Some("10.0.0.2"), Some("x"), None))
                .ask(get("224.0.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("224.1.1.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.1.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.1.0.1", Some("10.0.2.2"), Some("x2"), None))
                .ask(get("10.3.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.4.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.5.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.6.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.7.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.1.0.1", Some("224.0.0.2"), Some("x"), None))
                .ask(get("10.1.0.1", Some("0.0.0.0"), Some("x"), None))
                .ask(get("10.1.0.1", None, Some("x"), None))
                .ask(get("127.0.0.1", Some("10.0.0.2"), Some("x"), None))
                .ask(get("10.1.0.1", Some("10.0.0.2"), Some("nope"), None))
                .sysctl("a", "net/ipv4/conf/x/rp_filter", "1")
                .ask(get("10.0.2.1", Some("10.9.0.1"), Some("x"), None))
                .ask(get("10.0.2.1", Some("10.0.2.9"), Some("x"), None)),
            wired("source, input and output device")
                .addr("a", "x2", "10.0.2.1/24")
                .route("a", "10.1.0.0/16 via 10.0.0.2")
                .ask(get("10.1.0.1", Some("10.0.2.1"), None, None))
                .ask(get("10.1.0.1", Some("10.9.9.9"), None, None))
                .ask(get("10.1.0.1", None, None, Some("x2")))
                .ask(get("10.77.0.1", None, None, Some("x2")))
                .ask(get("10.0.0.1", Some("10.0.2.5"), Some("x2"), None))
                .ask(get("10.0.0.5", Some("10.0.2.5"), Some("x2"), None))
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .ask(get("10.0.0.5", Some("10.0.2.5"), Some("x2"), None))
                .ask(get("10.0.0.5", Some("10.0.0.1"), Some("x2"), None)),
            wired("source selection")
                .addr("a", "x", "10.0.1.1/24")
                .addr("a", "x2", "10.0.2.1/24")
                .route("a", "10.1.0.0/16 via 10.0.1.2")
                .route("a", "10.2.0.0/16 dev x2")
                .route("a", "10.3.0.0/16 via 10.0.0.2 src 10.0.2.1")
                .route_get("a", "10.1.0.1")
                .route_get("a", "10.2.0.1")
                .route_get("a", "10.3.0.1")
                .route_get("a", "10.0.1.9"),
        ],
    );
}
