//! Routers: forwarding, TTL, return routes, source validation, redirects.

use crate::harness::{Case, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::{Probe, Trace};
use std::time::Duration;

/// h1 - r - h2, forwarding on, both hosts with a default route.
pub(crate) fn routed(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["h1", "r", "h2"])
        .wire(("h1", "eth0"), ("r", "e1"), (1, 0x11))
        .wire(("h2", "eth0"), ("r", "e2"), (2, 0x12))
        .addr("h1", "eth0", "10.1.0.1/24")
        .addr("r", "e1", "10.1.0.254/24")
        .addr("h2", "eth0", "10.2.0.1/24")
        .addr("r", "e2", "10.2.0.254/24")
        .route("h1", "default via 10.1.0.254")
        .route("h2", "default via 10.2.0.254")
        .sysctl("r", "net/ipv4/ip_forward", "1")
}

pub(crate) fn trace(from: &str, to: &str) -> Probe {
    let trace = Trace::new(ns(from), to.parse().expect("an address"));
    Probe::Trace(Trace { max_hops: 8, wait: Duration::from_secs(1), in_flight: 4, ..trace })
}

#[test]
fn routers() {
    crate::agree(
        "forward",
        vec![
            routed("through a router")
                .capture("in", "r", "e1")
                .capture("out", "r", "e2")
                .ping("h1", "10.2.0.1", 2)
                .end("in")
                .end("out")
                .neighs(),
            routed("forwarding off").sysctl("r", "net/ipv4/ip_forward", "0").ping("h1", "10.2.0.1", 2).ping(
                "h1",
                "10.2.0.254",
                1,
            ),
            routed("forwarding off on the incoming interface")
                .sysctl("r", "net/ipv4/conf/e1/forwarding", "0")
                .ping("h1", "10.2.0.1", 1)
                .sysctl("r", "net/ipv4/conf/e1/forwarding", "1")
                .sysctl("r", "net/ipv4/conf/e2/forwarding", "0")
                .ping("h1", "10.2.0.1", 1),
            routed("no return route").del_route("h2", "default").ping("h1", "10.2.0.1", 2),
            routed("a wrong return route").del_route("h2", "default").route("h2", "default via 10.2.0.77").ping_with(
                "h1",
                "10.2.0.1",
                1,
                |p| p.linger = Duration::from_secs(4),
            ),
            routed("TTL")
                .ping_with("h1", "10.2.0.1", 1, |p| p.ttl = Some(1))
                .ping_with("h1", "10.2.0.1", 1, |p| p.ttl = Some(2)),
            routed("traceroute").probe(trace("h1", "10.2.0.1")).probe(trace("h1", "10.1.0.254")),
            routed("errors of a router")
                .capture("cap", "h1", "eth0")
                .ping("h1", "10.9.0.1", 1)
                .route("r", "unreachable 10.10.0.0/16")
                .route("r", "prohibit 10.11.0.0/16")
                .route("r", "blackhole 10.12.0.0/16")
                .ping("h1", "10.10.0.1", 1)
                .wait_ms(3000)
                .ping("h1", "10.11.0.1", 1)
                .ping("h1", "10.12.0.1", 1)
                .end("cap"),
            routed("the last hop does not answer")
                .capture("cap", "h1", "eth0")
                .ping_with("h1", "10.2.0.9", 1, |p| p.linger = Duration::from_secs(5))
                .end("cap")
                .ping_with("h1", "10.2.0.9", 2, |p| p.linger = Duration::from_secs(5)),
            routed("rp_filter 1 drops what would go back elsewhere")
                .sysctl("r", "net/ipv4/conf/all/rp_filter", "1")
                .addr("h1", "eth0", "10.3.0.1/24")
                .ping_with("h1", "10.2.0.1", 1, |p| p.source = "10.3.0.1".parse().ok())
                // The ARP requests for it name that source, too, and are dropped, until the entry fails.
                .wait_ms(4000)
                .ping("h1", "10.2.0.1", 1),
            routed("rp_filter 2 wants some route")
                .sysctl("r", "net/ipv4/conf/all/rp_filter", "2")
                .addr("h1", "eth0", "10.3.0.1/24")
                .ping_with("h1", "10.2.0.1", 1, |p| p.source = "10.3.0.1".parse().ok()),
            routed("a source that is the router's own is a martian").addr("h1", "lo", "10.2.0.254/32").ping_with(
                "h1",
                "10.2.0.1",
                1,
                |p| p.source = "10.2.0.254".parse().ok(),
            ),
            Case::new("redirects")
                .netns(&["s", "h", "r1", "r2"])
                .bridge("s", "s1")
                .wire(("h", "eth0"), ("s", "p1"), (1, 0x11))
                .wire(("r1", "eth0"), ("s", "p2"), (2, 0x12))
                .wire(("r2", "eth0"), ("s", "p3"), (3, 0x13))
                .master("s", "p1", Some("s1"))
                .master("s", "p2", Some("s1"))
                .master("s", "p3", Some("s1"))
                .up("s", "s1")
                .addr("h", "eth0", "10.0.0.1/24")
                .addr("r1", "eth0", "10.0.0.2/24")
                .addr("r2", "eth0", "10.0.0.3/24")
                .addr("r2", "lo", "10.5.0.1/32")
                .sysctl("r1", "net/ipv4/ip_forward", "1")
                .sysctl("r2", "net/ipv4/ip_forward", "1")
                .route("h", "default via 10.0.0.2")
                .route("r1", "10.5.0.0/16 via 10.0.0.3")
                .ping("h", "10.5.0.1", 3),
            routed("MTU on the way, DF set")
                .set("r", "e2", LinkChange { mtu: Some(1200), ..Default::default() })
                .set("h2", "eth0", LinkChange { mtu: Some(1200), ..Default::default() })
                .capture("cap", "h1", "eth0")
                .ping_with("h1", "10.2.0.1", 3, |p| p.size = 1400)
                .end("cap"),
        ],
    );
}
