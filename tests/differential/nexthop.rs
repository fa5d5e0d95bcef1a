//! Nexthop objects and groups, and routes of several ways: what is taken, what changes with what, what vanishes with what.

use crate::harness::{Case, dev};
use nettwin_model::LinkChange;

/// a has three wires, to b, c and d, who all have 10.9.0.1.
fn forked(name: &'static str) -> Case {
    let mut case = Case::new(name).netns(&["a", "b", "c", "d"]);
    for (i, (own, peer)) in [("x", "b"), ("x2", "c"), ("x3", "d")].into_iter().enumerate() {
        let n = i as u8; // three of them
        case = case
            .wire(("a", own), (peer, "y"), (2 * n + 1, 2 * n + 2))
            .addr("a", own, &format!("10.0.{n}.1/24"))
            .addr(peer, "y", &format!("10.0.{n}.2/24"))
            .addr(peer, "lo", "10.9.0.1/32")
            .route(peer, &format!("default via 10.0.{n}.1"));
    }
    case
}

#[test]
fn objects() {
    crate::agree(
        "nexthop-objects",
        vec![
            forked("what is taken and what is refused")
                .nexthop("a", "id 1 via 10.0.0.2 dev x")
                .nexthop("a", "id 1 via 10.0.1.2 dev x2")
                .nexthop("a", "id 2 via 10.0.1.2")
                .nexthop("a", "id 2 dev x2")
                .nexthop("a", "id 3 blackhole proto static")
                .nexthop("a", "id 4 via 10.99.0.1 dev x")
                .nexthop("a", "id 4 via 10.99.0.1 dev x onlink")
                .nexthop("a", "id 5 via 10.0.0.1 dev x")
                .nexthop("a", "id 6 via 10.0.0.255 dev x")
                .nexthop("a", "id 6 via 224.0.0.1 dev x")
                .nexthop("a", "id 6 dev x onlink")
                .nexthop("a", "id 7 group 1/2")
                .nexthop("a", "id 8 group 1,5/2,256")
                .nexthop("a", "id 9 group 1/77")
                .nexthop("a", "id 9 group 1/7")
                .nexthop("a", "id 9 group 1/3")
                .nexthop("a", "id 9 group 1/1")
                .nexthop("a", "id 9 group 3")
                .nexthop("a", "via 10.0.2.2 dev x3")
                .nexthop("a", "via 10.0.2.3 dev x3")
                .down("a", "x3")
                .nexthop("a", "id 20 dev x3")
                .up("a", "x3")
                .down("d", "y")
                .wait_ms(1200)
                .nexthop("a", "id 20 dev x3")
                .observe(),
            forked("routes by objects")
                .nexthop("a", "id 1 via 10.0.0.2 dev x")
                .nexthop("a", "id 2 dev x2")
                .nexthop("a", "id 3 blackhole")
                .nexthop("a", "id 4 via 10.0.1.2 dev x2")
                .nexthop("a", "id 5 group 1/4")
                .nexthop("a", "id 6 via 10.99.0.1 dev x onlink")
                .nexthop("a", "id 7 via 10.0.0.1 dev x")
                .route("a", "10.1.0.0/16 nhid 1")
                .route("a", "10.2.0.0/16 nhid 2 metric 7 src 10.0.0.1 mtu 1300")
                .route("a", "10.3.0.0/16 nhid 3")
                .route("a", "10.5.0.0/16 nhid 5")
                .route("a", "10.6.0.0/16 nhid 6")
                .route("a", "10.6.0.0/17 nhid 6 scope link")
                .route("a", "10.7.0.0/16 nhid 7")
                .route("a", "local 10.8.0.1 nhid 2")
                .route("a", "local 10.8.0.2 nhid 1")
                .route("a", "local 10.8.0.3 nhid 5")
                .route("a", "10.10.0.0/16 nhid 77")
                .route("a", "10.10.0.0/16 nhid 1 via 10.0.0.2")
                .route("a", "prohibit 10.11.0.0/16 nhid 1")
                .route("a", "10.1.0.0/16 nhid 2")
                .observe()
                .route_get("a", "10.1.0.1")
                .route_get("a", "10.2.0.1")
                .route_get("a", "10.3.0.1")
                .route_get("a", "10.6.0.1")
                .route_get("a", "10.7.0.1")
                .route_get("a", "10.8.0.1")
                .route_get("a", "10.11.0.1")
                .get("a", "10.1.0.1", |g| g.fibmatch = true)
                .ping("a", "10.1.0.1", 1)
                .ping("a", "10.3.0.1", 1)
                .del_route("a", "10.1.0.0/16 dev x")
                .del_route("a", "10.1.0.0/16 nhid 2")
                .del_route("a", "10.1.0.0/16 nhid 1")
                .del_route("a", "10.2.0.0/16")
                .observe(),
            forked("routes follow what replaces their object")
                .nexthop("a", "id 1 via 10.0.0.2 dev x")
                .nexthop("a", "id 2 via 10.0.1.2 dev x2")
                .nexthop("a", "id 3 group 1/2")
                .nexthop("a", "id 4 group 1,7")
                .route("a", "10.1.0.0/16 nhid 1")
                .route("a", "10.3.0.0/16 nhid 3")
                .route("a", "10.4.0.0/16 nhid 4")
                .replace_nexthop("a", "id 1 via 10.0.2.2 dev x3")
                .observe()
                .route_get("a", "10.1.0.1")
                .ping("a", "10.4.0.1", 1)
                .replace_nexthop("a", "id 3 group 2/1,3")
                .replace_nexthop("a", "id 3 via 10.0.0.2 dev x")
                .replace_nexthop("a", "id 1 group 2")
                .replace_nexthop("a", "id 9 dev x")
                .replace_nexthop("a", "dev x")
                .replace_nexthop("a", "id 1 blackhole")
                .route_get("a", "10.1.0.1")
                .observe(),
            forked("groups shrink and go with what is deleted")
                .nexthop("a", "id 1 via 10.0.0.2 dev x")
                .nexthop("a", "id 2 via 10.0.1.2 dev x2")
                .nexthop("a", "id 3 group 1/2,5")
                .route("a", "10.1.0.0/16 nhid 1")
                .route("a", "10.3.0.0/16 nhid 3")
                .del_nexthop("a", 1)
                .observe()
                .route_get("a", "10.3.0.1")
                .del_nexthop("a", 2)
                .observe()
                .del_nexthop("a", 2)
                .del_nexthop("a", 0),
            forked("what goes with a device")
                .nexthop("a", "id 1 via 10.0.0.2 dev x")
                .nexthop("a", "id 2 via 10.0.1.2 dev x2")
                .nexthop("a", "id 3 group 1/2")
                .nexthop("a", "id 4 dev x3")
                .nexthop("a", "id 5 blackhole")
                .route("a", "10.1.0.0/16 nhid 1")
                .route("a", "10.3.0.0/16 nhid 3")
                .route("a", "10.4.0.0/16 nhid 4")
                .route("a", "10.5.0.0/16 nhid 5")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe()
                .addr("a", "x", "10.0.0.1/24")
                .down("b", "y")
                .wait_ms(1200)
                .observe()
                .down("a", "x3")
                .observe()
                .down("a", "lo")
                .observe()
                .op(nettwin_model::Op::DelLink { netns: crate::harness::ns("a"), name: dev("x2") })
                .observe(),
        ],
    );
}

#[test]
fn several_ways() {
    crate::agree(
        "multipath",
        vec![
            forked("a way without carrier is left out where that is asked for")
                .sysctl("a", "net/ipv4/conf/x/ignore_routes_with_linkdown", "1")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.1.2 weight 3")
                .down("b", "y")
                .wait_ms(1200)
                .observe()
                .route_get("a", "10.1.0.1")
                .route_get("a", "10.1.0.2")
                .route_get("a", "10.1.0.3")
                .up("b", "y")
                .wait_ms(1200)
                .observe(),
            forked("a way by a device that is down is dead and comes back")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.1.2 weight 3")
                .down("a", "x")
                .observe()
                .route_get("a", "10.1.0.1")
                .route_get("a", "10.1.0.2")
                .route_get("a", "10.1.0.3")
                .up("a", "x")
                .observe()
                .down("a", "x")
                .down("a", "x2")
                .observe(),
            forked("a route goes with any of its devices")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.1.2 weight 3")
                .op(nettwin_model::Op::DelLink { netns: crate::harness::ns("a"), name: dev("x2") })
                .observe(),
            forked("a way whose last address is gone")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.1.2 weight 3")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe()
                .route_get("a", "10.1.0.1")
                .addr("a", "x", "10.0.0.1/24")
                .observe(),
            forked("the device that is asked for decides")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.1.2 weight 3")
                .get("a", "10.1.0.1", |g| g.oif = Some(dev("x")))
                .get("a", "10.1.0.1", |g| g.oif = Some(dev("x2")))
                .get("a", "10.1.0.1", |g| g.oif = Some(dev("x3"))),
            forked("the source decides where it is one of the ways'")
                .route("a", "10.9.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.1.2 weight 3")
                .get("a", "10.9.0.1", |g| g.from = "10.0.0.1".parse().ok())
                .get("a", "10.9.0.1", |g| g.from = "10.0.1.1".parse().ok())
                .ping_with("a", "10.9.0.1", 1, |p| p.source = "10.0.0.1".parse().ok())
                .ping_with("a", "10.9.0.1", 1, |p| p.source = "10.0.1.1".parse().ok())
                .get("a", "10.9.0.1", |g| (g.from, g.oif) = ("10.0.0.1".parse().ok(), Some(dev("x2")))),
            forked("a way without neighbour is left out where that is asked for")
                .sysctl("a", "net/ipv4/fib_multipath_use_neigh", "1")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.77 weight 1 nexthop via 10.0.1.2 weight 1")
                .ping_with("a", "10.0.0.77", 1, |p| p.linger = std::time::Duration::from_secs(4))
                .route_get("a", "10.1.0.1")
                .route_get("a", "10.1.0.2")
                .route_get("a", "10.1.0.3")
                .route_get("a", "10.1.0.4"),
            forked("a hash of nothing leads everything one way")
                .sysctl("a", "net/ipv4/fib_multipath_hash_policy", "3")
                .sysctl("a", "net/ipv4/fib_multipath_hash_policy", "4")
                .sysctl("a", "net/ipv4/fib_multipath_hash_fields", "0")
                .sysctl("a", "net/ipv4/fib_multipath_hash_fields", "4096"),
            forked("refused")
                .route("a", "10.1.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.7.2 weight 3")
                .route("a", "10.1.0.0/16 nexthop dev x weight 1 nexthop via 10.0.1.2 dev x3 weight 3")
                .route("a", "10.1.0.0/16 nexthop dev x weight 1 nexthop dev x2 weight 3")
                .route("a", "local 10.2.0.1 nexthop dev x weight 1 nexthop dev x2 weight 3")
                .set("a", "x3", LinkChange { up: Some(false), ..LinkChange::default() })
                .route("a", "10.3.0.0/16 nexthop dev x weight 1 nexthop dev x3 weight 3")
                .observe(),
        ],
    );
}
