//! Links: carrier, operstate, indexes, MTU, addresses, names.

use crate::harness::{Case, dev, mac, ns};
use nettwin_model::op::{LinkChange, NewLink, VethPeer};
use nettwin_model::{AddLink, Mac, Op};

fn pair(a: (&str, &str), b: (&str, &str), macs: (u8, u8)) -> Op {
    Op::AddLink(Box::new(AddLink {
        netns: ns(a.0),
        name: dev(a.1),
        kind: NewLink::Veth { peer: VethPeer { netns: ns(b.0), name: dev(b.1), mac: Some(mac(macs.1)), mtu: None } },
        mac: Some(mac(macs.0)),
        mtu: None,
        master: None,
        up: false,
    }))
}

#[test]
fn carrier_and_operstate() {
    crate::agree(
        "link-carrier",
        vec![
            Case::new("lo is born down")
                .op(Op::AddNetns { netns: ns("a") })
                .observe()
                .up("a", "lo")
                .observe()
                .down("a", "lo")
                .observe(),
            Case::new("veth across namespaces")
                .netns(&["a", "b"])
                .op(pair(("a", "x"), ("b", "y"), (1, 2)))
                .observe()
                .up("a", "x")
                .observe()
                .up("b", "y")
                .observe()
                .down("b", "y")
                .wait_ms(1200)
                .observe()
                .up("b", "y")
                .observe(),
            Case::new("both ends have the same index")
                .netns(&["a", "b"])
                .op(pair(("a", "x"), ("b", "y"), (1, 2)))
                .up("a", "x")
                .observe(),
            Case::new("veth inside one namespace")
                .netns(&["a"])
                .op(pair(("a", "x"), ("a", "y"), (1, 2)))
                .observe()
                .up("a", "x")
                .wait_ms(1200)
                .observe()
                .up("a", "y")
                .observe()
                .down("a", "x")
                .wait_ms(1200)
                .observe(),
            Case::new("deleting one end deletes both")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .op(Op::DelLink { netns: ns("b"), name: dev("y") })
                .observe(),
            Case::new("an index is not used twice")
                .netns(&["a"])
                .op(pair(("a", "x"), ("a", "y"), (1, 2)))
                .op(Op::DelLink { netns: ns("a"), name: dev("x") })
                .op(pair(("a", "x"), ("a", "y"), (1, 2)))
                .observe(),
        ],
    );
}

#[test]
fn attributes_and_errors() {
    let change = |c: LinkChange| c;
    crate::agree(
        "link-attributes",
        vec![
            Case::new("names taken, missing and moved")
                .netns(&["a", "b"])
                .op(Op::AddNetns { netns: ns("a") })
                .op(Op::DelNetns { netns: ns("c") })
                .op(pair(("a", "x"), ("b", "y"), (1, 2)))
                .op(pair(("a", "x"), ("b", "z"), (3, 4)))
                .op(pair(("a", "z"), ("b", "y"), (3, 4)))
                .op(Op::DelLink { netns: ns("a"), name: dev("nope") })
                .op(Op::DelLink { netns: ns("a"), name: dev("lo") })
                .set("a", "x", change(LinkChange { rename: Some(dev("w")), ..Default::default() }))
                .set("a", "w", change(LinkChange { netns: Some(ns("b")), ..Default::default() }))
                .set("a", "lo", change(LinkChange { netns: Some(ns("b")), ..Default::default() }))
                .set("a", "lo", change(LinkChange { netns: Some(ns("a")), ..Default::default() }))
                .observe(),
            Case::new("a move takes addresses and routes")
                .netns(&["a", "b", "c"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .addr("a", "x", "10.0.0.1/24")
                .route("a", "10.9.0.0/16 via 10.0.0.2")
                .observe()
                .set("a", "x", change(LinkChange { netns: Some(ns("c")), ..Default::default() }))
                .observe(),
            Case::new("MTU limits")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .set("a", "x", change(LinkChange { mtu: Some(67), ..Default::default() }))
                .set("a", "x", change(LinkChange { mtu: Some(68), ..Default::default() }))
                .set("a", "x", change(LinkChange { mtu: Some(65535), ..Default::default() }))
                .set("a", "x", change(LinkChange { mtu: Some(65536), ..Default::default() }))
                .set("a", "lo", change(LinkChange { mtu: Some(100_000), ..Default::default() }))
                .observe(),
            Case::new("MACs")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .set("a", "x", change(LinkChange { mac: Some(Mac([1, 0, 0, 0, 0, 1])), ..Default::default() }))
                .set("a", "x", change(LinkChange { mac: Some(Mac::ZERO), ..Default::default() }))
                .set("a", "x", change(LinkChange { mac: Some(mac(9)), ..Default::default() }))
                .observe(),
        ],
    );
}
