//! Links that are renamed, moved, changed and deleted while they are in use.

use crate::bridge::star;
use crate::harness::{Case, See, dev, mac, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::{Op, PortAttrs};

fn rename(to: &str) -> LinkChange {
    LinkChange { rename: Some(dev(to)), ..LinkChange::default() }
}

fn to(netns: &str) -> LinkChange {
    LinkChange { netns: Some(ns(netns)), ..LinkChange::default() }
}

fn mtu(bytes: u32) -> LinkChange {
    LinkChange { mtu: Some(bytes), ..LinkChange::default() }
}

fn wired(name: &'static str) -> Case {
    Case::new(name).netns(&["a", "b"]).wire(("a", "x"), ("b", "y"), (1, 2)).addr("a", "x", "10.0.0.1/24").addr(
        "b",
        "y",
        "10.0.0.2/24",
    )
}

#[test]
fn moves() {
    crate::agree(
        "link-moves",
        vec![
            wired("renamed while up, with addresses and routes")
                .route("a", "10.9.0.0/16 via 10.0.0.2")
                .sysctl("a", "net/ipv4/conf/x/rp_filter", "2")
                .set("a", "x", rename("wan"))
                .observe()
                .ping("a", "10.0.0.2", 1)
                .set("a", "wan", rename("lo"))
                .set("a", "x", rename("y"))
                .addr("a", "wan", "10.0.1.1/24")
                .observe(),
            star("a port is renamed").ping("h1", "192.168.1.2", 1).set("s", "p1", rename("uplink")).fdb().ping(
                "h1",
                "192.168.1.2",
                1,
            ),
            star("the bridge is renamed").set("s", "s1", rename("lan")).observe().ping("h1", "192.168.1.2", 1),
            star("a port moves to another namespace, and leaves the bridge")
                .ping("h1", "192.168.1.2", 1)
                .set("s", "p1", to("h3"))
                .fdb()
                .up("h3", "p1")
                .addr("h3", "p1", "192.168.1.4/24")
                .observe(),
            star("the bridge moves, its ports stay").set("s", "s1", to("h1")).observe(),
            wired("there and back again")
                .set("a", "x", to("b"))
                .set("b", "x", to("a"))
                .up("a", "x")
                .addr("a", "x", "10.0.0.1/24")
                .ping("a", "10.0.0.2", 1)
                .observe(),
            wired("where its index is taken it gets another")
                .netns(&["c"])
                .wire(("c", "v"), ("b", "w"), (3, 4))
                .set("a", "x", to("c"))
                .observe(),
            wired("where its name is taken it is refused")
                .netns(&["c"])
                .wire(("c", "x"), ("b", "w"), (3, 4))
                .set("a", "x", to("c"))
                .observe(),
            wired("both ends end up in one namespace").set("a", "x", to("b")).up("b", "x").observe(),
        ],
    );
}

#[test]
fn deletions() {
    let del = |netns: &str, name: &str| Op::DelLink { netns: ns(netns), name: dev(name) };
    crate::agree(
        "link-deletions",
        vec![
            wired("an end goes with its addresses, routes and neighbours")
                .route("b", "default via 10.0.0.1")
                .ping("a", "10.0.0.2", 1)
                .op(del("a", "x"))
                .neighs(),
            star("a port's other end goes").ping("h1", "192.168.1.2", 1).op(del("h1", "eth0")).fdb().observe(),
            star("the bridge goes, its ports speak for themselves")
                .addr("s", "s1", "192.168.1.254/24")
                .ping("h1", "192.168.1.254", 1)
                .op(del("s", "s1"))
                .addr("s", "p1", "192.168.1.253/24")
                .observe()
                .ping("h1", "192.168.1.253", 1),
            star("a namespace with ports' other ends goes")
                .ping("h1", "192.168.1.2", 1)
                .op(Op::DelNetns { netns: ns("h2") })
                .wait_ms(1000)
                .see(See { fdb: true, ..See::default() }),
            wired("a port's attributes go when it leaves")
                .bridge("a", "br")
                .master("a", "x", Some("br"))
                .op(Op::SetPort {
                    netns: ns("a"),
                    name: dev("x"),
                    attrs: PortAttrs { isolated: Some(true), cost: Some(7), ..Default::default() },
                })
                .master("a", "x", None)
                .op(Op::SetPort { netns: ns("a"), name: dev("x"), attrs: PortAttrs::default() })
                .master("a", "x", Some("br"))
                .observe(),
        ],
    );
}

#[test]
fn changes() {
    crate::agree(
        "link-changes",
        vec![
            wired("a MAC that the other side still knows by its old one")
                .ping("b", "10.0.0.1", 1)
                .set("a", "x", LinkChange { mac: Some(mac(9)), ..LinkChange::default() })
                .ping("b", "10.0.0.1", 1)
                .neighs(),
            wired("two hosts with one MAC")
                .set("b", "y", LinkChange { mac: Some(mac(1)), ..LinkChange::default() })
                .ping("a", "10.0.0.2", 1)
                .neighs(),
            wired("an MTU too small for what is sent fragments it")
                .set("a", "x", mtu(576))
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| p.size = 1000)
                .end("cap"),
            wired("an MTU below the peer's loses what is longer")
                .set("b", "y", mtu(576))
                .ping("a", "10.0.0.2", 1)
                .ping_with("a", "10.0.0.2", 1, |p| p.size = 1000)
                .see(See { stats: true, ..See::default() }),
            wired("an MTU of 68").set("a", "x", mtu(68)).observe().ping("a", "10.0.0.2", 1).ping_with(
                "a",
                "10.0.0.2",
                1,
                |p| p.size = 100,
            ),
            wired("a port that joins loses nothing of its own")
                .route("a", "10.9.0.0/16 via 10.0.0.2")
                .bridge("a", "br")
                .master("a", "x", Some("br"))
                .up("a", "br")
                .observe()
                .ping("a", "10.0.0.2", 1),
        ],
    );
}
