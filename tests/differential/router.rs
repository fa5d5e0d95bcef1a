//! Routers with their settings: several in a row, loops, path MTUs, redirects refused, whose address errors come from.

use crate::forward::{routed, trace};
use crate::harness::{Case, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::{Listen, PmtuDisc, Probe, Proto, TcpFlow, UdpFlow};
use std::time::Duration;

/// h1 – r1 – r2 – h2.
fn two(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["h1", "r1", "r2", "h2"])
        .wire(("h1", "eth0"), ("r1", "e1"), (1, 0x11))
        .wire(("r1", "e2"), ("r2", "e1"), (0x12, 0x21))
        .wire(("r2", "e2"), ("h2", "eth0"), (0x22, 2))
        .addr("h1", "eth0", "10.1.0.1/24")
        .addr("r1", "e1", "10.1.0.254/24")
        .addr("r1", "e2", "10.12.0.1/30")
        .addr("r2", "e1", "10.12.0.2/30")
        .addr("r2", "e2", "10.2.0.254/24")
        .addr("h2", "eth0", "10.2.0.1/24")
        .route("h1", "default via 10.1.0.254")
        .route("r1", "10.2.0.0/24 via 10.12.0.2")
        .route("r2", "10.1.0.0/24 via 10.12.0.1")
        .route("h2", "default via 10.2.0.254")
        .sysctl("r1", "net/ipv4/ip_forward", "1")
        .sysctl("r2", "net/ipv4/ip_forward", "1")
}

fn udp(to: &str, port: u16) -> Probe {
    let dst = to.parse().expect("an address");
    let timeout = Duration::from_millis(700);
    Probe::Udp(UdpFlow { netns: ns("h1"), dst, port, source: None, source_port: Some(40000), size: 32, timeout })
}

#[test]
fn rows() {
    let ttl = |ttl| move |p: &mut nettwin_model::probe::Ping| p.ttl = Some(ttl);
    let mtu = |bytes| LinkChange { mtu: Some(bytes), ..LinkChange::default() };
    let size = |size, pmtudisc| {
        move |p: &mut nettwin_model::probe::Ping| {
            p.size = size;
            p.pmtudisc = pmtudisc;
        }
    };
    crate::agree(
        "router-rows",
        vec![
            two("TTL 1, 2, 3 through two routers")
                .capture("cap", "h1", "eth0")
                .ping_with("h1", "10.2.0.1", 1, ttl(1))
                .ping_with("h1", "10.2.0.1", 1, ttl(2))
                .ping_with("h1", "10.2.0.1", 1, ttl(3))
                .end("cap"),
            two("traceroute through two routers").probe(trace("h1", "10.2.0.1")).probe(trace("h1", "10.2.0.77")),
            two("traceroute into a hole").route("r1", "blackhole 10.3.0.0/16").probe(trace("h1", "10.3.0.1")),
            two("two routers send it to each other until its time is over")
                .route("r1", "10.3.0.0/16 via 10.12.0.2")
                .route("r2", "10.3.0.0/16 via 10.12.0.1")
                .ping("h1", "10.3.0.1", 1)
                .ping_with("h1", "10.3.0.1", 1, ttl(5))
                .see(crate::harness::See { stats: true, ..Default::default() }),
            two("ever narrower: each router says how much")
                .set("r1", "e2", mtu(1300))
                .set("r2", "e1", mtu(1300))
                .set("r2", "e2", mtu(900))
                .set("h2", "eth0", mtu(900))
                .capture("cap", "h1", "eth0")
                .ping_with("h1", "10.2.0.1", 3, size(1400, PmtuDisc::Want))
                .end("cap")
                .route_get("h1", "10.2.0.1")
                .ping_with("h1", "10.2.0.1", 1, size(1400, PmtuDisc::Do)),
            two("without discovery everything is fragmented")
                .sysctl("h1", "net/ipv4/ip_no_pmtu_disc", "1")
                .set("r2", "e2", mtu(900))
                .set("h2", "eth0", mtu(900))
                .ping_with("h1", "10.2.0.1", 2, size(1400, PmtuDisc::Want))
                .route_get("h1", "10.2.0.1"),
            two("narrower than a path may be")
                .set("r2", "e2", mtu(300))
                .set("h2", "eth0", mtu(300))
                .ping_with("h1", "10.2.0.1", 3, size(800, PmtuDisc::Want))
                .route_get("h1", "10.2.0.1"),
            two("a closed port two routers away").capture("cap", "h1", "eth0").probe(udp("10.2.0.1", 9)).end("cap"),
            two("a route's own MTU")
                .route("h1", "10.2.0.0/24 via 10.1.0.254 mtu 700")
                .capture("cap", "r1", "e1")
                .ping_with("h1", "10.2.0.1", 1, size(1000, PmtuDisc::Want))
                .ping_with("h1", "10.2.0.1", 1, size(1000, PmtuDisc::Do))
                .end("cap"),
        ],
    );
}

/// h, r1 and r2 on one bridge; h's way to 10.5/16 leads by r1, which knows that r2 has it.
pub(crate) fn detour(name: &'static str) -> Case {
    Case::new(name)
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
}

#[test]
fn settings() {
    let from = |source: &'static str| move |p: &mut nettwin_model::probe::Ping| p.source = source.parse().ok();
    crate::agree(
        "router-settings",
        vec![
            detour("redirects are believed")
                .capture("cap", "h", "eth0")
                .ping("h", "10.5.0.1", 3)
                .end("cap")
                .route_get("h", "10.5.0.1")
                .route_get("h", "10.5.0.2"),
            detour("redirects not sent")
                .sysctl("r1", "net/ipv4/conf/all/send_redirects", "0")
                .sysctl("r1", "net/ipv4/conf/eth0/send_redirects", "0")
                .ping("h", "10.5.0.1", 2)
                .route_get("h", "10.5.0.1"),
            detour("redirects not believed")
                .sysctl("h", "net/ipv4/conf/all/accept_redirects", "0")
                .sysctl("h", "net/ipv4/conf/eth0/accept_redirects", "0")
                .ping("h", "10.5.0.1", 3)
                .route_get("h", "10.5.0.1"),
            detour("who forwards does not believe redirects")
                .sysctl("h", "net/ipv4/ip_forward", "1")
                .ping("h", "10.5.0.1", 3)
                .route_get("h", "10.5.0.1"),
            routed("errors come from the address towards the sender")
                .addr("r", "e1", "10.1.0.253/24")
                .addr("r", "e1", "10.8.0.254/24")
                .capture("cap", "h1", "eth0")
                .ping_with("h1", "10.2.0.1", 1, |p| p.ttl = Some(1))
                .sysctl("r", "net/ipv4/icmp_errors_use_inbound_ifaddr", "1")
                .wait_ms(1100)
                .ping_with("h1", "10.2.0.1", 1, |p| p.ttl = Some(1))
                .end("cap"),
            routed("own addresses as a source, accepted")
                .sysctl("r", "net/ipv4/conf/e1/accept_local", "1")
                .addr("h1", "lo", "10.2.0.254/32")
                .capture("cap", "h2", "eth0")
                .ping_with("h1", "10.2.0.1", 1, from("10.2.0.254"))
                .end("cap"),
            routed("127/8 from the wire, and with route_localnet")
                .route("h1", "127.0.0.2/32 via 10.1.0.254 table 254")
                .ping("h1", "127.0.0.2", 1)
                .sysctl("r", "net/ipv4/conf/e1/route_localnet", "1")
                .ping("h1", "127.0.0.2", 1),
            routed("the default TTL")
                .sysctl("h1", "net/ipv4/ip_default_ttl", "3")
                .sysctl("h2", "net/ipv4/ip_default_ttl", "99")
                .ping("h1", "10.2.0.1", 1),
            routed("a source that nobody has, allowed")
                .sysctl("h1", "net/ipv4/ip_nonlocal_bind", "1")
                .route("r", "10.77.0.0/16 via 10.1.0.1")
                .capture("cap", "h2", "eth0")
                .ping_with("h1", "10.2.0.1", 1, from("10.77.0.1"))
                .end("cap"),
            routed("routes without carrier are passed over where asked")
                .addr("r", "e2", "10.3.0.254/24")
                .route("r", "10.9.0.0/16 via 10.2.0.1")
                .route("r", "10.9.0.0/16 via 10.1.0.1 metric 100")
                .sysctl("r", "net/ipv4/conf/e2/ignore_routes_with_linkdown", "1")
                .down("h2", "eth0")
                .wait_ms(1200)
                .observe()
                .route_get("r", "10.9.0.1")
                .ping("h1", "10.2.0.1", 1),
            routed("or where asked of all devices")
                .route("r", "10.9.0.0/16 via 10.2.0.1")
                .route("r", "10.9.0.0/16 via 10.1.0.1 metric 100")
                .sysctl("r", "net/ipv4/conf/all/ignore_routes_with_linkdown", "1")
                .down("h2", "eth0")
                .wait_ms(1200)
                .route_get("r", "10.9.0.1")
                .ping("h1", "10.2.0.1", 1),
            routed("forwarding switched on and off writes to all")
                .sysctl("r", "net/ipv4/conf/e1/forwarding", "0")
                .sysctl("r", "net/ipv4/ip_forward", "0")
                .sysctl("r", "net/ipv4/conf/e1/forwarding", "1")
                .ping("h1", "10.2.0.1", 1)
                .sysctl("r", "net/ipv4/conf/all/forwarding", "1")
                .ping("h1", "10.2.0.1", 1),
            routed("a host route beats the subnet, a local address beats all")
                .addr("r", "lo", "10.2.0.1/32")
                .ping("h1", "10.2.0.1", 1)
                .del_addr("r", "lo", "10.2.0.1/32")
                .route("r", "prohibit 10.2.0.1/32")
                .ping("h1", "10.2.0.1", 1)
                .ping("h1", "10.2.0.254", 1),
        ],
    );
}

#[test]
fn flows() {
    let listen = |proto| Probe::Listen(Listen { netns: ns("h2"), proto, addr: None, port: 80 });
    let tcp = |bytes, timeout| {
        let (dst, timeout) = ("10.2.0.1".parse().expect("an address"), Duration::from_secs(timeout));
        Probe::Tcp(TcpFlow { netns: ns("h1"), dst, port: 80, source: None, bytes, timeout })
    };
    crate::agree(
        "router-flows",
        vec![
            two("nobody answers: silence until the time is over").route("r1", "blackhole 10.2.0.1/32").probe(tcp(0, 5)),
            two("the router says no")
                .sysctl("r1", "net/ipv4/icmp_ratelimit", "0")
                .del_route("r1", "10.2.0.0/24")
                .probe(tcp(0, 5))
                .probe(udp("10.2.0.1", 80)),
            two("the last router does not find the host")
                .del_addr("h2", "eth0", "10.2.0.1/24")
                .probe(tcp(0, 5))
                .probe(udp("10.2.0.1", 80)),
            two("a narrow path in the middle")
                .set("r1", "e2", LinkChange { mtu: Some(800), ..LinkChange::default() })
                .set("r2", "e1", LinkChange { mtu: Some(800), ..LinkChange::default() })
                .start("echo", listen(Proto::Tcp))
                .probe(tcp(60_000, 20))
                .end("echo")
                .route_get("h1", "10.2.0.1"),
        ],
    );
}
