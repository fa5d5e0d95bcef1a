//! ICMP: echo in its corners, closed ports, rate limits.

use crate::forward::routed;
use crate::harness::{Case, ns};
use nettwin_model::RouteVerb;
use nettwin_model::probe::{PmtuDisc, Probe, UdpFlow};
use std::time::Duration;

fn wired(name: &'static str) -> Case {
    Case::new(name).netns(&["a", "b"]).wire(("a", "x"), ("b", "y"), (1, 2)).addr("a", "x", "10.0.0.1/24").addr(
        "b",
        "y",
        "10.0.0.2/24",
    )
}

#[test]
fn echo() {
    crate::agree(
        "icmp-echo",
        vec![
            wired("one's own address, lo up and down")
                .ping("a", "10.0.0.1", 1)
                .down("a", "lo")
                .ping("a", "10.0.0.1", 1)
                .up("a", "lo")
                .down("a", "x")
                .ping("a", "10.0.0.1", 1),
            wired("type of service and TTL come back")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| {
                    p.tos = 0x28;
                    p.ttl = Some(9);
                })
                .end("cap"),
            wired("sizes")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| p.size = 0)
                .ping_with("a", "10.0.0.2", 1, |p| p.size = 1472)
                .end("cap"),
            wired("path MTU discovery by option")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| p.pmtudisc = PmtuDisc::Dont)
                .ping_with("a", "10.0.0.2", 1, |p| {
                    p.pmtudisc = PmtuDisc::Do;
                    p.size = 1473;
                })
                .end("cap"),
            wired("echo ignored").sysctl("b", "net/ipv4/icmp_echo_ignore_all", "1").ping("a", "10.0.0.2", 1),
            wired("broadcast")
                .ping("a", "10.0.0.255", 1)
                .ping_with("a", "10.0.0.255", 1, |p| p.broadcast = true)
                .sysctl("b", "net/ipv4/icmp_echo_ignore_broadcasts", "0")
                .ping_with("a", "10.0.0.255", 1, |p| p.broadcast = true),
            wired("one's own broadcast is answered by oneself, too")
                .sysctl("a", "net/ipv4/icmp_echo_ignore_broadcasts", "0")
                .sysctl("b", "net/ipv4/icmp_echo_ignore_broadcasts", "0")
                .ping_with("a", "10.0.0.255", 2, |p| p.broadcast = true)
                .ping_with("a", "255.255.255.255", 1, |p| p.broadcast = true)
                .down("a", "lo")
                .ping_with("a", "10.0.0.255", 1, |p| p.broadcast = true),
            wired("a group that everybody is in")
                .route("a", "224.0.0.0/4 dev x")
                .ping("a", "224.0.0.1", 1)
                .sysctl("b", "net/ipv4/icmp_echo_ignore_broadcasts", "0")
                .ping("a", "224.0.0.1", 1)
                .ping("a", "224.1.1.1", 1),
            wired("subnet zero is no broadcast").ping_with("a", "10.0.0.0", 1, |p| p.linger = Duration::from_secs(4)),
            wired("weak host")
                .addr("b", "lo", "10.7.7.7/32")
                .route("a", "10.7.7.7 via 10.0.0.2")
                .ping("a", "10.7.7.7", 1),
            wired("no route to connect to").ping("a", "8.8.8.8", 1),
            wired("a source that is not ours").ping_with("a", "10.0.0.2", 1, |p| p.source = "10.0.0.77".parse().ok()),
            wired("an interface that is down").down("a", "x").ping("a", "10.0.0.2", 1),
            wired("the peer is down")
                .down("b", "y")
                .wait_ms(1200)
                .ping_with("a", "10.0.0.2", 1, |p| p.linger = Duration::from_secs(4)),
        ],
    );
}

fn udp(from: &str, to: &str, port: u16) -> Probe {
    Probe::Udp(UdpFlow {
        netns: ns(from),
        dst: to.parse().expect("an address"),
        port,
        source: None,
        source_port: Some(40000),
        size: 32,
        timeout: Duration::from_millis(700),
    })
}

#[test]
fn errors() {
    crate::agree(
        "icmp-errors",
        vec![
            wired("a closed UDP port").capture("cap", "a", "x").probe(udp("a", "10.0.0.2", 9)).end("cap"),
            routed("six TTL errors in a burst, then one a second").ping_with("h1", "10.2.0.1", 12, |p| {
                p.ttl = Some(1);
                p.interval = Duration::from_millis(10);
            }),
            routed("the time to live of what sockets send")
                .sysctl("h1", "net/ipv4/ip_default_ttl", "5")
                .sysctl("h2", "net/ipv4/ip_default_ttl", "7")
                .route("h1", "224.0.0.0/4 dev eth0")
                .capture("cap", "h1", "eth0")
                .probe(udp("h1", "10.2.0.1", 9))
                .probe(udp("h1", "224.0.0.1", 9))
                .sysctl("h1", "net/ipv4/ip_default_ttl", "1")
                .probe(udp("h1", "10.2.0.1", 9))
                .end("cap"),
            routed("the time to live that a route gives")
                .route_by(RouteVerb::Replace, "h1", "default via 10.1.0.254 hoplimit 9")
                .route_by(
                    RouteVerb::Replace,
                    "r",
                    "10.1.0.0/24 dev e1 proto kernel scope link src 10.1.0.254 hoplimit 3",
                )
                .capture("cap", "h1", "eth0")
                .ping("h1", "10.2.0.1", 1)
                .ping("h1", "10.1.0.254", 1)
                .ping_with("h1", "10.2.0.1", 1, |p| p.ttl = Some(1))
                .ping_with("h1", "10.2.0.1", 1, |p| p.ttl = Some(20))
                .probe(udp("h1", "10.2.0.1", 9))
                .probe(udp("h1", "10.1.0.254", 9))
                .end("cap"),
            (0..9).fold(wired("over lo nothing is limited"), |case, _| case.probe(udp("a", "127.0.0.1", 9))),
            routed("two route errors in a burst")
                .ping_with("h1", "10.9.0.1", 12, |p| p.interval = Duration::from_millis(10)),
            routed("a mask says what is limited")
                .sysctl("r", "net/ipv4/icmp_ratemask", "1")
                .ping_with("h1", "10.2.0.1", 12, |p| {
                    p.ttl = Some(1);
                    p.interval = Duration::from_millis(10);
                })
                .ping_with("h1", "10.1.0.254", 12, |p| p.interval = Duration::from_millis(10)),
            routed("route errors, where nothing is limited").sysctl("r", "net/ipv4/icmp_ratelimit", "0").ping_with(
                "h1",
                "10.9.0.1",
                12,
                |p| p.interval = Duration::from_millis(10),
            ),
            routed("without a rate limit").sysctl("r", "net/ipv4/icmp_ratelimit", "0").ping_with(
                "h1",
                "10.2.0.1",
                12,
                |p| {
                    p.ttl = Some(1);
                    p.interval = Duration::from_millis(10);
                },
            ),
        ],
    );
}
