//! The shipped walkthroughs, step by step as the tutorials type them.

use crate::forward::{routed, trace};
use crate::harness::{Case, See};

#[test]
fn walkthroughs() {
    let all = See { neighs: true, fdb: true, stats: true };
    crate::agree(
        "walkthrough",
        vec![
            Case::new("two namespaces, prefixes that differ, default by one's own address")
                .netns(&["ns1", "ns2"])
                .wire(("ns1", "veth1"), ("ns2", "veth2"), (1, 2))
                .addr("ns1", "veth1", "192.168.20.1/24")
                .addr("ns2", "veth2", "192.168.20.2/21")
                .route("ns1", "default via 192.168.20.1")
                .route("ns2", "default via 192.168.20.2")
                .observe()
                .ping("ns1", "192.168.20.2", 3)
                .ping("ns2", "192.168.20.1", 3)
                .route_get("ns1", "8.8.8.8")
                .route_get("ns2", "192.168.16.9")
                .see(all),
            three_hosts()
                .ping("h1", "192.168.1.2", 1)
                .ping("h1", "192.168.1.3", 1)
                .ping("h2", "192.168.1.3", 1)
                .see(all),
            self_pings(),
            routed("two networks and a router: traceroute, closed ports")
                .ping("h1", "10.2.0.1", 1)
                .probe(trace("h1", "10.2.0.1"))
                .see(See { neighs: true, ..Default::default() }),
        ],
    );
}

fn hosts(case: Case) -> Case {
    let mut case = case.netns(&["s", "h1", "h2", "h3"]).bridge("s", "s1");
    for n in 1..=3u8 {
        let (host, port) = (format!("h{n}"), format!("s1-eth{n}"));
        case = case.wire((&host, "eth0"), ("s", &port), (n, 0x10 + n)).master("s", &port, Some("s1")).addr(
            &host,
            "eth0",
            &format!("192.168.1.{n}/24"),
        );
    }
    case.up("s", "s1")
}

fn three_hosts() -> Case {
    hosts(Case::new("three hosts on a bridge"))
}

fn self_pings() -> Case {
    let mut case = hosts(Case::new("hosts ping themselves, lo down and up"));
    for n in 1..=3u8 {
        let (host, own) = (format!("h{n}"), format!("192.168.1.{n}"));
        case = case.down(&host, "lo").ping(&host, &own, 1).up(&host, "lo").ping(&host, &own, 1);
    }
    case
}
