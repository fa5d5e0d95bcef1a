//! TAP and TUN devices that nobody reads.

use crate::harness::{Case, See, dev, mac, ns};
use crate::kinds::{STATS, add, del, kind, mtu, on};
use nettwin_model::op::LinkChange;
use nettwin_model::{AddLink, Op};

fn tap(name: &'static str) -> Case {
    start(name).op(add(AddLink { mac: Some(mac(1)), ..kind("a", "t", "tap") }))
}

/// A user namespace knows no owners but oneself, and may not even open the device that they are made by.
fn start(name: &'static str) -> Case {
    Case::new(name).only_as_root().netns(&["a"])
}

#[test]
fn taps() {
    crate::agree(
        "link-tap",
        vec![
            tap("states").observe().up("a", "t").observe().down("a", "t").observe(),
            tap("limits of the MTU")
                .set("a", "t", mtu(67))
                .set("a", "t", mtu(68))
                .set("a", "t", mtu(65521))
                .set("a", "t", mtu(65522))
                .op(add(AddLink { mtu: Some(65522), ..kind("a", "e", "tap") }))
                .op(add(AddLink { mtu: Some(9000), mac: Some(mac(2)), ..kind("a", "e", "tap") }))
                .op(add(kind("a", "e", "tap")))
                .op(add(kind("a", "lo", "tun")))
                .observe(),
            tap("what is sent is lost, and counted")
                .up("a", "t")
                .addr("a", "t", "10.0.0.1/24")
                .capture("cap", "a", "t")
                .ping("a", "10.0.0.2", 2)
                .ping("a", "10.0.0.1", 1)
                .ping("a", "224.0.0.1", 1)
                .end("cap")
                .wait_ms(3500)
                .see(STATS)
                .see(See { neighs: true, ..See::default() }),
            tap("a port of a bridge")
                .netns(&["b"])
                .bridge("a", "br")
                .wire(("a", "x"), ("b", "y"), (3, 4))
                .master("a", "t", Some("br"))
                .up("a", "br")
                .up("a", "t")
                .observe()
                .master("a", "x", Some("br"))
                .addr("a", "br", "10.0.0.1/24")
                .addr("b", "y", "10.0.0.2/24")
                .ping("b", "10.0.0.1", 2)
                .observe()
                .see(See { fdb: true, stats: true, ..See::default() })
                .op(del("a", "t"))
                .observe(),
            tap("moved, renamed and deleted")
                .netns(&["b"])
                .up("a", "t")
                .addr("a", "t", "10.0.0.1/24")
                .set("a", "t", LinkChange { netns: Some(ns("b")), ..LinkChange::default() })
                .observe()
                .set("b", "t", LinkChange { rename: Some(dev("u")), up: Some(true), ..LinkChange::default() })
                .observe()
                .op(del("b", "u"))
                .observe(),
            tap("a macvlan on it")
                .op(add(AddLink { mac: Some(mac(2)), ..on("t", "a", "m", "macvlan mode bridge") }))
                .up("a", "m")
                .observe()
                .up("a", "t")
                .observe()
                .addr("a", "m", "10.0.0.1/24")
                .ping("a", "10.0.0.2", 1)
                .observe(),
            tap("without a queue")
                .set("a", "t", LinkChange { txqueuelen: Some(0), ..LinkChange::default() })
                .up("a", "t")
                .observe()
                .addr("a", "t", "10.0.0.1/24")
                .ping("a", "10.0.0.2", 1)
                .wait_ms(3500)
                .see(STATS),
            start("what it is said to be, and flags")
                .op(add(AddLink { mac: Some(mac(1)), ..kind("a", "q", "tap user 5 group 7 pi vnet_hdr multi_queue") }))
                .up("a", "q")
                .observe()
                .set("a", "q", LinkChange { arp: Some(false), promisc: Some(true), ..LinkChange::default() })
                .set("a", "q", LinkChange { multicast: Some(false), ..LinkChange::default() })
                .observe()
                .op(Op::AddLink(Box::new(AddLink { up: true, mac: Some(mac(9)), ..kind("a", "r", "tap") })))
                .bridge("a", "br")
                .op(add(AddLink { up: true, master: Some(dev("br")), mac: Some(mac(8)), ..kind("a", "s", "tap") }))
                .op(add(AddLink { master: Some(dev("br")), ..kind("a", "v", "tun") }))
                .op(add(AddLink { mac: Some(mac(8)), ..kind("a", "v", "tun") }))
                .observe(),
        ],
    );
}

#[test]
fn tuns() {
    let tun = |name| start(name).op(add(kind("a", "t", "tun")));
    crate::agree(
        "link-tun",
        vec![
            tun("states").observe().up("a", "t").observe().down("a", "t").observe(),
            tun("no Ethernet")
                .set("a", "t", LinkChange { mac: Some(mac(1)), ..LinkChange::default() })
                .set("a", "t", mtu(65535))
                .set("a", "t", mtu(65536))
                .bridge("a", "br")
                .master("a", "t", Some("br"))
                .op(del("a", "br"))
                .op(add(on("t", "a", "m", "macvlan mode bridge")))
                .set("a", "t", LinkChange { arp: Some(true), ..LinkChange::default() })
                .observe(),
            tun("what is sent is lost, and counted")
                .up("a", "t")
                .addr("a", "t", "10.0.0.1/24")
                .capture("cap", "a", "t")
                .ping("a", "10.0.0.2", 2)
                .ping("a", "224.0.0.1", 1)
                .end("cap")
                .observe()
                .see(STATS)
                .see(See { neighs: true, ..See::default() }),
            tun("a way for what is forwarded")
                .netns(&["b"])
                .wire(("a", "x"), ("b", "y"), (3, 4))
                .addr("a", "x", "10.0.0.1/24")
                .addr("b", "y", "10.0.0.2/24")
                .sysctl("a", "net.ipv4.ip_forward", "1")
                .up("a", "t")
                .addr_words("a", "t", "10.9.0.1 peer 10.9.0.2/32")
                .route("a", "10.8.0.0/16 dev t")
                .route("b", "default via 10.0.0.1")
                .ping("b", "10.9.0.1", 1)
                .ping("b", "10.9.0.2", 1)
                .ping("b", "10.8.0.1", 2)
                .observe()
                .see(STATS),
        ],
    );
}
