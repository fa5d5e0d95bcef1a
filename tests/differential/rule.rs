//! Policy rules: which are taken, in which order they are asked, what each of their selectors means.

use crate::harness::{Case, dev, ns};
use nettwin_model::LinkChange;
use nettwin_model::probe::{Probe, TcpFlow, UdpFlow};
use std::time::Duration;

/// a has two wires, to b and c, and a table of its own for each.
fn forked(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["a", "b", "c"])
        .wire(("a", "x"), ("b", "y"), (1, 2))
        .wire(("a", "x2"), ("c", "z"), (3, 4))
        .addr("a", "x", "10.0.0.1/24")
        .addr("a", "x2", "10.0.2.1/24")
        .addr("b", "y", "10.0.0.2/24")
        .addr("c", "z", "10.0.2.2/24")
        .addr("b", "lo", "10.9.0.1/32")
        .addr("c", "lo", "10.9.0.1/32")
        .route("a", "default via 10.0.0.2")
        .route("a", "default via 10.0.2.2 table 100")
        .route("b", "default via 10.0.0.1")
        .route("c", "default via 10.0.2.1")
}

#[test]
fn order() {
    crate::agree(
        "rule-order",
        vec![
            forked("priorities")
                .rule("a", "lookup 100")
                .rule("a", "from 10.1.0.0/16 lookup 101")
                .rule("a", "priority 5 to 10.2.0.0/16 lookup 102")
                .rule("a", "to 10.3.0.0/16 lookup 103")
                .rule("a", "priority 5 to 10.4.0.0/16 lookup 104")
                .rule("a", "priority 40000 lookup 105")
                .observe(),
            forked("refused")
                .rule("a", "priority 5 from 10.0.0.0/8 lookup 100")
                .rule("a", "priority 5 from 10.0.0.0/8 lookup 100")
                .rule("a", "priority 5 lookup 100")
                .rule("a", "priority 5 not from 10.0.0.0/8 lookup 100")
                .rule("a", "priority 6 tos 0x3 lookup 100")
                .rule("a", "priority 6 tos 0x28 lookup 100")
                .rule("a", "priority 6 goto 6")
                .rule("a", "priority 6 goto 7")
                .rule("a", "priority 6 goto 8")
                .rule("a", "uidrange 5-4 lookup 100")
                .rule("a", "sport 9-8 lookup 100")
                .rule("a", "dport 0 lookup 100")
                .del_rule("a", "priority 6 goto 5")
                .del_rule("a", "priority 9")
                .del_rule("a", "lookup 99")
                .observe(),
            forked("what is left open is deleted first")
                .rule("a", "priority 5 from 10.1.0.0/16 lookup 100")
                .rule("a", "priority 6 from 10.1.0.0/16 fwmark 1 lookup 100")
                .rule("a", "priority 7 from 10.1.0.0/16 iif x prohibit")
                .rule("a", "priority 8 to 10.1.0.0/16 lookup main suppress_prefixlength 0")
                .rule("a", "priority 9 sport 5 lookup 100")
                .rule("a", "priority 10 ipproto tcp dport 5-9 lookup 100")
                .del_rule("a", "fwmark 1")
                .del_rule("a", "prohibit")
                .del_rule("a", "dport 5-9")
                .del_rule("a", "dport 5")
                .del_rule("a", "suppress_prefixlength 0")
                .observe()
                .del_rule("a", "lookup 100")
                .del_rule("a", "lookup 100")
                .del_rule("a", "lookup 100")
                .observe(),
            forked("without the rule for table local")
                .route_get("a", "10.0.0.1")
                .del_rule("a", "priority 0")
                .route_get("a", "10.0.0.1")
                .ping("a", "10.0.0.1", 1)
                .ping("b", "10.0.0.1", 1)
                .rule("a", "priority 7 lookup local")
                .route_get("a", "10.0.0.1")
                .ping("b", "10.0.0.1", 1),
            forked("no rule at all")
                .del_rule("a", "priority 32766")
                .route_get("a", "10.0.0.2")
                .route_get("a", "10.0.0.1")
                .del_rule("a", "priority 32767")
                .del_rule("a", "priority 0")
                .observe()
                .route_get("a", "10.0.0.1"),
            forked("goto and nop")
                .rule("a", "priority 10 to 10.9.0.0/16 goto 30")
                .rule("a", "priority 11 to 10.8.0.0/16 goto 25")
                .rule("a", "priority 20 prohibit")
                .rule("a", "priority 30 nop")
                .route_get("a", "10.9.0.1")
                .route_get("a", "10.8.0.1")
                .rule("a", "priority 25 lookup 100")
                .route_get("a", "10.8.0.1"),
            forked("a table of its own for who names none")
                .rule("a", "priority 9 from 10.1.0.0/16 lookup main")
                .observe(),
        ],
    );
}

#[test]
fn selectors() {
    let tcp = |port| {
        let timeout = Duration::from_millis(300);
        Probe::Tcp(TcpFlow { netns: ns("a"), dst: "10.9.0.1".parse().unwrap(), port, source: None, bytes: 1, timeout })
    };
    let udp = |port| {
        Probe::Udp(UdpFlow {
            netns: ns("a"),
            dst: "10.9.0.1".parse().unwrap(),
            port,
            source: None,
            source_port: Some(40_000),
            size: 8,
            timeout: Duration::from_millis(300),
        })
    };
    crate::agree(
        "rule-selectors",
        vec![
            forked("from and to")
                .rule("a", "from 10.0.2.0/24 lookup 100")
                .rule("a", "to 10.7.0.0/16 lookup 100")
                .route_get("a", "10.9.0.1")
                .get("a", "10.9.0.1", |g| g.from = "10.0.2.1".parse().ok())
                .get("a", "10.9.0.1", |g| g.from = "10.0.0.1".parse().ok())
                .route_get("a", "10.7.0.1")
                .ping_with("a", "10.9.0.1", 1, |p| p.source = "10.0.2.1".parse().ok())
                .ping("a", "10.7.0.1", 1),
            forked("not")
                .rule("a", "not to 10.7.0.0/16 lookup 100")
                .route_get("a", "10.9.0.1")
                .route_get("a", "10.7.0.1"),
            forked("marks")
                .rule("a", "fwmark 5 lookup 100")
                .rule("a", "fwmark 0x10/0xf0 unreachable")
                .route_get("a", "10.9.0.1")
                .get("a", "10.9.0.1", |g| g.mark = 5)
                .get("a", "10.9.0.1", |g| g.mark = 0x15)
                .get("a", "10.9.0.1", |g| g.mark = 0x25),
            forked("type of service")
                .rule("a", "tos 0x10 lookup 100")
                .get("a", "10.9.0.1", |g| g.tos = 0x10)
                .get("a", "10.9.0.1", |g| g.tos = 0x30)
                .get("a", "10.9.0.1", |g| g.tos = 0x18)
                .ping_with("a", "10.9.0.1", 1, |p| p.tos = 0x10)
                .ping_with("a", "10.9.0.1", 1, |p| p.tos = 0),
            forked("devices")
                .rule("a", "iif lo to 10.7.0.0/16 prohibit")
                .rule("a", "oif x2 lookup 100")
                .rule("a", "iif x to 10.6.0.0/16 unreachable")
                .rule("a", "iif gone lookup 100")
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .route_get("a", "10.7.0.1")
                .route_get("a", "10.6.0.1")
                .get("a", "10.6.0.1", |g| g.oif = Some(dev("x2")))
                .get("a", "10.6.0.1", |g| (g.from, g.iif) = ("10.0.0.9".parse().ok(), Some(dev("x"))))
                .get("a", "10.6.0.1", |g| (g.from, g.iif) = ("10.0.2.9".parse().ok(), Some(dev("x2"))))
                .ping("b", "10.6.0.1", 1)
                .ping("b", "10.7.0.1", 1)
                .set("a", "x2", LinkChange { rename: Some(dev("gone")), ..LinkChange::default() })
                .get("a", "10.6.0.1", |g| (g.from, g.iif) = ("10.0.2.9".parse().ok(), Some(dev("gone")))),
            forked("users")
                .only_as_root()
                .rule("a", "uidrange 1000-2000 lookup 100")
                .route_get("a", "10.9.0.1")
                .get("a", "10.9.0.1", |g| g.uid = 1000)
                .get("a", "10.9.0.1", |g| g.uid = 2000)
                .get("a", "10.9.0.1", |g| g.uid = 2001),
            forked("protocols and ports, as asked")
                .rule("a", "ipproto tcp lookup 100")
                .rule("a", "dport 53 prohibit")
                .rule("a", "ipproto udp sport 100-200 unreachable")
                .route_get("a", "10.9.0.1")
                .get("a", "10.9.0.1", |g| g.ipproto = 6)
                .get("a", "10.9.0.1", |g| g.ipproto = 1)
                .get("a", "10.9.0.1", |g| g.ipproto = 132)
                .get("a", "10.9.0.1", |g| g.dport = 53)
                .get("a", "10.9.0.1", |g| (g.ipproto, g.dport) = (17, 54))
                .get("a", "10.9.0.1", |g| (g.ipproto, g.sport) = (17, 150))
                .get("a", "10.9.0.1", |g| (g.ipproto, g.sport) = (6, 150)),
            forked("protocols and ports, as sent")
                .rule("a", "ipproto tcp dport 80 prohibit")
                .rule("a", "ipproto udp dport 53 lookup 100")
                .rule("a", "ipproto udp dport 7 prohibit")
                .rule("a", "ipproto icmp to 10.9.0.1 lookup 100")
                .probe(tcp(80))
                .probe(tcp(81))
                .capture("b", "b", "y")
                .capture("c", "c", "z")
                .probe(udp(53))
                .probe(udp(7))
                .probe(udp(54))
                .ping("a", "10.9.0.1", 1)
                .end("b")
                .end("c"),
            forked("protocols and ports, as forwarded")
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .addr("a", "x2", "10.0.3.1/24")
                .addr("c", "lo", "10.8.0.1/32")
                .route("a", "10.8.0.1 via 10.0.2.2")
                .rule("a", "iif x ipproto udp dport 53 prohibit")
                .rule("a", "iif x ipproto icmp to 10.8.0.1 lookup 100")
                .probe(Probe::Udp(UdpFlow {
                    netns: ns("b"),
                    dst: "10.8.0.1".parse().unwrap(),
                    port: 53,
                    source: None,
                    source_port: None,
                    size: 8,
                    timeout: Duration::from_millis(500),
                }))
                .probe(Probe::Udp(UdpFlow {
                    netns: ns("b"),
                    dst: "10.8.0.1".parse().unwrap(),
                    port: 54,
                    source: None,
                    source_port: None,
                    size: 8,
                    timeout: Duration::from_millis(500),
                }))
                .ping("b", "10.8.0.1", 1),
        ],
    );
}

#[test]
fn actions() {
    crate::agree(
        "rule-actions",
        vec![
            forked("what says no")
                .rule("a", "to 10.4.0.0/16 blackhole")
                .rule("a", "to 10.5.0.0/16 unreachable")
                .rule("a", "to 10.6.0.0/16 prohibit")
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .route_get("a", "10.4.0.1")
                .route_get("a", "10.5.0.1")
                .route_get("a", "10.6.0.1")
                .ping("a", "10.4.0.1", 1)
                .ping("a", "10.5.0.1", 1)
                .ping("a", "10.6.0.1", 1)
                .ping("b", "10.4.0.1", 1)
                .ping("b", "10.5.0.1", 1)
                .ping("b", "10.6.0.1", 1),
            forked("a throw leads to the next rule")
                .route("a", "throw 10.7.0.0/16 table 100")
                .rule("a", "lookup 100")
                .route_get("a", "10.9.0.1")
                .route_get("a", "10.7.0.1")
                .route("a", "prohibit 10.6.0.0/16 table 100")
                .route_get("a", "10.6.0.1")
                .rule("a", "priority 1 lookup 77")
                .route_get("a", "10.9.0.1"),
            forked("suppressed by length")
                .route("a", "10.7.0.0/16 via 10.0.0.2")
                .rule("a", "priority 10 lookup main suppress_prefixlength 0")
                .rule("a", "priority 11 lookup 100")
                .route_get("a", "10.9.0.1")
                .route_get("a", "10.7.0.1")
                .route_get("a", "10.0.0.9")
                .ping("a", "10.9.0.1", 1),
            forked("suppressed by group")
                .set("a", "x", LinkChange { group: Some(7), ..LinkChange::default() })
                .rule("a", "priority 10 lookup main suppress_ifgroup 7")
                .rule("a", "priority 11 lookup 100")
                .route_get("a", "10.9.0.1")
                .route_get("a", "10.0.0.9")
                .route_get("a", "10.0.2.9"),
            forked("the source is validated through rules")
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .sysctl("a", "net/ipv4/conf/x2/rp_filter", "1")
                .addr("c", "lo", "10.5.0.1/32")
                .ping_with("c", "10.0.0.2", 1, |p| p.source = "10.5.0.1".parse().ok())
                .rule("a", "to 10.5.0.1 lookup 100")
                .ping_with("c", "10.0.0.2", 1, |p| p.source = "10.5.0.1".parse().ok())
                .rule("a", "priority 3 iif x2 lookup main")
                .ping_with("c", "10.0.0.2", 1, |p| p.source = "10.5.0.1".parse().ok()),
            forked("gateways are looked for through rules")
                .route("a", "10.77.0.0/24 dev x2 table 100")
                .route("a", "10.1.0.0/16 via 10.77.0.1")
                .rule("a", "to 10.77.0.0/24 lookup 100")
                .route("a", "10.1.0.0/16 via 10.77.0.1")
                .route("a", "10.2.0.0/16 via 10.77.0.1 table 100")
                .observe(),
            forked("the entry itself")
                .get("a", "10.9.0.1", |g| g.fibmatch = true)
                .get("a", "10.0.0.1", |g| g.fibmatch = true)
                .get("a", "10.0.0.255", |g| g.fibmatch = true)
                .rule("a", "to 10.9.0.0/16 lookup 100")
                .get("a", "10.9.0.1", |g| g.fibmatch = true)
                .get("a", "10.0.0.1", |g| g.fibmatch = true)
                .get("a", "224.0.0.1", |g| (g.fibmatch, g.oif) = (true, Some(dev("x")))),
        ],
    );
}
