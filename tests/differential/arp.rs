//! ARP and the neighbour table.

use crate::harness::{Case, dev, mac, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::{Arping, ArpingMode, Probe};
use nettwin_model::{IfName, Neigh, Nud, Op};
use std::time::Duration;

pub(crate) fn wired(name: &'static str) -> Case {
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
            apart("proxy entries stay with another MAC, some with a lost carrier, none with the link")
                .op(proxy("10.0.0.7", Nud::None))
                .op(proxy("10.0.0.8", Nud::Permanent))
                .set("b", "y", LinkChange { mac: Some(mac(9)), ..LinkChange::default() })
                .observe()
                .down("a", "x")
                .observe()
                .down("b", "y")
                .observe(),
            apart("all neighbours of lo are one")
                .neigh("a", "lo", "10.0.0.1", Some(mac(9)))
                .neigh("a", "lo", "10.0.0.2", Some(mac(8)))
                .neigh("a", "lo", "0.0.0.0", Some(mac(7)))
                .observe()
                .ping("a", "10.0.0.1", 1)
                .op(Op::DelNeigh { netns: ns("a"), neigh: lo_neigh("10.0.0.1") })
                .op(Op::DelNeigh { netns: ns("a"), neigh: lo_neigh("0.0.0.0") })
                .ping("a", "10.0.0.1", 1)
                .observe(),
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

#[test]
fn settings() {
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
    let ask = |to| arping("a", "x", to, ArpingMode::Ask);
    let proxy =
        |case: Case| case.sysctl("b", "net/ipv4/ip_forward", "1").sysctl("b", "net/ipv4/neigh/y/proxy_delay", "0");
    crate::agree(
        "arp-settings",
        vec![
            apart("arp_ignore 2 wants the asker in the subnet")
                .sysctl("b", "net/ipv4/conf/y/arp_ignore", "2")
                .probe(ask("10.0.0.2"))
                .addr("b", "y", "10.5.0.2/24")
                .probe(ask("10.5.0.2")),
            apart("arp_ignore 3 hides what is of host scope")
                .sysctl("b", "net/ipv4/conf/all/arp_ignore", "3")
                .addr("b", "lo", "10.7.7.7/32")
                .probe(ask("10.7.7.7"))
                .probe(ask("10.0.0.2")),
            apart("arp_filter answers where the way back leads")
                .sysctl("b", "net/ipv4/conf/y/arp_filter", "1")
                .probe(ask("10.1.0.2"))
                .route("b", "10.0.0.1/32 dev z")
                .probe(ask("10.0.0.2")),
            apart("arp_announce 1 names an address of the subnet")
                .addr("a", "x", "10.9.9.9/32")
                .sysctl("a", "net/ipv4/conf/x/arp_announce", "1")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| p.source = "10.9.9.9".parse().ok())
                .end("cap"),
            proxy(apart("a proxy entry for one address"))
                .neigh("b", "y", "10.0.0.88", None)
                .probe(ask("10.0.0.88"))
                .probe(ask("10.0.0.89")),
            proxy(apart("proxy ARP wants forwarding and another way out"))
                .sysctl("b", "net/ipv4/conf/all/proxy_arp", "1")
                .probe(ask("10.0.0.88"))
                .probe(ask("10.1.0.3"))
                .probe(ask("10.77.0.1"))
                .route("b", "10.77.0.0/16 via 10.1.0.3")
                .probe(ask("10.77.0.1"))
                .sysctl("b", "net/ipv4/ip_forward", "0")
                .probe(ask("10.77.0.1")),
            proxy(apart("proxy_arp_pvlan answers for the same link"))
                .sysctl("b", "net/ipv4/conf/y/proxy_arp_pvlan", "1")
                .probe(ask("10.0.0.88"))
                .sysctl("b", "net/ipv4/conf/y/proxy_arp_pvlan", "0")
                .sysctl("b", "net/ipv4/conf/all/proxy_arp_pvlan", "1")
                .probe(ask("10.0.0.89")),
            apart("gratuitous ARP unwanted")
                .ping("a", "10.0.0.2", 1)
                .sysctl("b", "net/ipv4/conf/y/drop_gratuitous_arp", "1")
                .set("a", "x", LinkChange { mac: Some(mac(9)), ..LinkChange::default() })
                .wait_ms(1200)
                .probe(arping("a", "x", "10.0.0.1", ArpingMode::Announce))
                .neighs(),
            apart("gratuitous ARP tells of a new MAC")
                .ping("a", "10.0.0.2", 1)
                .wait_ms(1200)
                .set("a", "x", LinkChange { mac: Some(mac(9)), ..LinkChange::default() })
                .probe(arping("a", "x", "10.0.0.1", ArpingMode::Announce))
                .neighs(),
            apart("arp_notify tells when the link comes up")
                .sysctl("a", "net/ipv4/conf/x/arp_notify", "1")
                .down("a", "x")
                .wait_ms(500)
                .capture("cap", "b", "y")
                .up("a", "x")
                .wait_ms(300)
                .addr("a", "x", "10.0.0.5/24")
                .wait_ms(300)
                .end("cap"),
            twins("two have the address: without a lock the last answer counts")
                .sysctl("a", "net/ipv4/neigh/x/locktime", "0")
                .ping("a", "10.0.0.2", 1)
                .neighs(),
            Case::new("two have the address: the first answer counts")
                .netns(&["s", "a", "b", "c"])
                .bridge("s", "s1")
                .wire(("a", "x"), ("s", "p1"), (1, 0x11))
                .wire(("b", "x"), ("s", "p2"), (2, 0x12))
                .wire(("c", "x"), ("s", "p3"), (3, 0x13))
                .master("s", "p1", Some("s1"))
                .master("s", "p2", Some("s1"))
                .master("s", "p3", Some("s1"))
                .up("s", "s1")
                .addr("a", "x", "10.0.0.1/24")
                .addr("b", "x", "10.0.0.2/24")
                .addr("c", "x", "10.0.0.2/24")
                .capture("cap", "a", "x")
                .ping("a", "10.0.0.2", 1)
                .end("cap")
                .neighs(),
        ],
    );
}

/// b and c both have 10.0.0.2.
fn twins(name: &'static str) -> Case {
    let mut case = Case::new(name).netns(&["s", "a", "b", "c"]).bridge("s", "s1");
    for (n, (host, port)) in [("a", "p1"), ("b", "p2"), ("c", "p3")].into_iter().enumerate() {
        let n = n as u8 + 1; // three of them
        case = case.wire((host, "x"), ("s", port), (n, 0x10 + n)).master("s", port, Some("s1"));
    }
    case.up("s", "s1").addr("a", "x", "10.0.0.1/24").addr("b", "x", "10.0.0.2/24").addr("c", "x", "10.0.0.2/24")
}

fn proxy(addr: &str, state: Nud) -> Op {
    let neigh = Neigh {
        dev: dev("y"),
        dst: addr.parse().expect("an address"),
        lladdr: None,
        state,
        proxy: true,
        extra: Default::default(),
    };
    Op::AddNeigh { netns: ns("b"), neigh, replace: false }
}

fn lo_neigh(addr: &str) -> Neigh {
    let dst = addr.parse().expect("an address");
    Neigh { dev: IfName::lo(), dst, lladdr: None, state: Nud::None, proxy: false, extra: Default::default() }
}
