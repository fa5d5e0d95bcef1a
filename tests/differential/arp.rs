//! ARP and the neighbour table.

use crate::harness::{Case, dev, mac, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::{Arping, ArpingMode, Probe};
use std::time::Duration;

fn wired(name: &'static str) -> Case {
    Case::new(name).netns(&["a", "b"]).wire(("a", "x"), ("b", "y"), (1, 2)).addr("a", "x", "10.0.0.1/24").addr(
        "b",
        "y",
        "10.0.0.2/24",
    )
}

fn arping(from: &str, by: &str, to: &str, mode: ArpingMode) -> Probe {
    Probe::Arping(Arping {
        netns: ns(from),
        dev: dev(by),
        dst: to.parse().expect("an address"),
        source: None,
        count: Some(2),
        interval: Duration::from_secs(1),
        deadline: None,
        mode,
    })
}

#[test]
fn resolution() {
    crate::agree(
        "arp-resolution",
        vec![
            wired("first ping: who learns what").capture("cap", "b", "y").ping("a", "10.0.0.2", 2).end("cap").neighs(),
            wired("nobody answers")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.9", 3, |p| p.linger = Duration::from_secs(5))
                .end("cap")
                .neighs(),
            wired("nobody answers, lo down: only loss")
                .down("a", "lo")
                .ping_with("a", "10.0.0.9", 1, |p| p.linger = Duration::from_secs(4))
                .neighs(),
            wired("a permanent entry needs no question")
                .neigh("a", "x", "10.0.0.2", Some(mac(2)))
                .neigh("b", "y", "10.0.0.1", Some(mac(1)))
                .capture("cap", "b", "y")
                .ping("a", "10.0.0.2", 1)
                .end("cap")
                .neighs(),
            wired("a wrong permanent entry is believed")
                .neigh("a", "x", "10.0.0.2", Some(mac(77)))
                .ping("a", "10.0.0.2", 1)
                .neighs(),
            wired("carrier loss forgets what was resolved")
                .ping("a", "10.0.0.2", 1)
                .neigh("a", "x", "10.0.0.7", Some(mac(7)))
                .down("b", "y")
                .wait_ms(1200)
                .neighs(),
            wired("down forgets permanent entries, too")
                .neigh("a", "x", "10.0.0.7", Some(mac(7)))
                .down("a", "x")
                .neighs(),
            wired("a new MAC forgets neighbours")
                .ping("a", "10.0.0.2", 1)
                .set("a", "x", LinkChange { mac: Some(mac(9)), ..Default::default() })
                .neighs()
                .ping("a", "10.0.0.2", 1)
                .neighs(),
            wired("entries by hand: taken, missing")
                .neigh("a", "x", "10.0.0.7", Some(mac(7)))
                .neigh("a", "x", "10.0.0.7", Some(mac(8)))
                .neigh("a", "nope", "10.0.0.7", Some(mac(8)))
                .neigh("a", "x", "10.0.0.8", None)
                .neighs(),
        ],
    );
}

#[test]
fn answers() {
    let apart = |name| {
        Case::new(name)
            .netns(&["a", "b", "c"])
            .wire(("a", "x"), ("b", "y"), (1, 2))
            .wire(("b", "z"), ("c", "w"), (3, 4))
            .addr("a", "x", "10.0.0.1/24")
            .addr("b", "y", "10.0.0.2/24")
            .addr("b", "z", "10.1.0.2/24")
            .addr("c", "w", "10.1.0.3/24")
    };
    crate::agree(
        "arp-answers",
        vec![
            apart("weak host: any local address").probe(arping("a", "x", "10.1.0.2", ArpingMode::Ask)).neighs(),
            apart("arp_ignore 1").sysctl("b", "net/ipv4/conf/all/arp_ignore", "1").probe(arping(
                "a",
                "x",
                "10.1.0.2",
                ArpingMode::Ask,
            )),
            apart("arp_ignore 8").sysctl("b", "net/ipv4/conf/all/arp_ignore", "8").probe(arping(
                "a",
                "x",
                "10.0.0.2",
                ArpingMode::Ask,
            )),
            apart("an address on lo")
                .addr("b", "lo", "10.7.7.7/32")
                .probe(arping("a", "x", "10.7.7.7", ArpingMode::Ask))
                .probe(arping("a", "x", "127.0.0.1", ArpingMode::Ask)),
            apart("duplicate address detection")
                .capture("cap", "b", "y")
                .probe(arping("a", "x", "10.0.0.2", ArpingMode::Duplicate))
                .probe(arping("a", "x", "10.0.0.9", ArpingMode::Duplicate))
                .end("cap")
                .neighs(),
            apart("announcements update, and create only with arp_accept")
                .capture("cap", "b", "y")
                .probe(arping("a", "x", "10.0.0.1", ArpingMode::Announce))
                .neighs()
                .sysctl("b", "net/ipv4/conf/y/arp_accept", "1")
                .probe(arping("a", "x", "10.0.0.1", ArpingMode::AnnounceReply))
                .neighs()
                .end("cap"),
            apart("proxy ARP")
                .sysctl("b", "net/ipv4/ip_forward", "1")
                .sysctl("b", "net/ipv4/conf/y/proxy_arp", "1")
                .sysctl("b", "net/ipv4/neigh/y/proxy_delay", "0")
                .probe(arping("a", "x", "10.1.0.3", ArpingMode::Ask))
                .probe(arping("a", "x", "10.0.0.77", ArpingMode::Ask)),
            apart("rp_filter looks at the asker")
                .sysctl("b", "net/ipv4/conf/all/rp_filter", "1")
                .del_addr("a", "x", "10.0.0.1/24")
                .addr("a", "x", "10.1.0.77/16")
                .probe(arping("a", "x", "10.0.0.2", ArpingMode::Ask)),
            apart("own packets name the source of what waits")
                .addr("a", "x", "10.9.9.9/32")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| p.source = "10.9.9.9".parse().ok())
                .end("cap"),
            apart("arp_announce 2 names the best address")
                .addr("a", "x", "10.9.9.9/32")
                .sysctl("a", "net/ipv4/conf/all/arp_announce", "2")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| p.source = "10.9.9.9".parse().ok())
                .end("cap"),
        ],
    );
}
