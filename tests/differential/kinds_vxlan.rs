//! VXLAN devices: what they are, what they send over the network below, whom they know.

use crate::harness::{Case, See, dev, mac, ns};
use crate::kinds::{add, del, kind, mtu};
use nettwin_model::op::LinkChange;
use nettwin_model::virtuals::VirtualChange;
use nettwin_model::vxlan::{OuterDf, OuterTtl, VxlanChange};
use nettwin_model::{AddLink, Op, words};

/// Both hosts on a wire that a VXLAN goes over.
fn below(name: &'static str) -> Case {
    Case::new(name).netns(&["a", "b"]).wire(("a", "x"), ("b", "y"), (1, 2)).addr("a", "x", "10.0.0.1/24").addr(
        "b",
        "y",
        "10.0.0.2/24",
    )
}

/// A device with a MAC.
fn vxlan(netns: &str, name: &str, last: u8, text: &str) -> Op {
    add(AddLink { mac: Some(mac(last)), ..kind(netns, name, &format!("vxlan {text}")) })
}

/// Both hosts with a VXLAN device each, up.
fn tunnel(name: &'static str, more: &str) -> Case {
    below(name)
        .op(vxlan("a", "v", 0xa, &format!("id 42 remote 10.0.0.2 dstport 4789 {more}")))
        .op(vxlan("b", "v", 0xb, &format!("id 42 remote 10.0.0.1 dstport 4789 {more}")))
        .up("a", "v")
        .up("b", "v")
        .addr("a", "v", "192.168.0.1/24")
        .addr("b", "v", "192.168.0.2/24")
}

fn fdb(netns: &str, text: &str, replace: bool) -> Op {
    Op::AddFdb { netns: ns(netns), entry: words::fdb::parse(text, dev("v")).expect("an entry"), replace }
}

fn del_fdb(netns: &str, text: &str) -> Op {
    Op::DelFdb { netns: ns(netns), entry: words::fdb::parse(text, dev("v")).expect("an entry") }
}

fn none() -> VxlanChange {
    VxlanChange::default()
}

fn change(netns: &str, change: VxlanChange) -> Op {
    Op::SetVirtual { netns: ns(netns), name: dev("v"), change: VirtualChange::Vxlan(change) }
}

const FDB: See = See { neighs: false, fdb: true, stats: true };

#[test]
fn what_they_are() {
    crate::agree(
        "link-vxlan",
        vec![
            below("states")
                .op(vxlan("a", "v", 5, "id 42 remote 10.0.0.2 dstport 4789"))
                .observe()
                .up("a", "v")
                .see(FDB)
                .down("a", "v")
                .see(FDB)
                .op(del("a", "v"))
                .observe(),
            below("all its words")
                .op(vxlan(
                    "a",
                    "v",
                    5,
                    "id 7 remote 10.0.0.2 local 10.0.0.1 dev x dstport 4789 srcport 1000 2000 ttl 5 tos 16 df set \
                     ageing 60 maxaddress 5 nolearning noudpcsum",
                ))
                .op(vxlan("a", "w", 6, "id 8 dstport 4789 ttl inherit tos inherit df inherit ageing 0"))
                .op(vxlan("a", "u", 7, "id 9 group 239.1.1.1 dev x dstport 8472"))
                .see(FDB),
            below("changed while it is there")
                .netns(&["c"])
                .wire(("c", "z"), ("a", "xz"), (3, 4))
                .addr("c", "z", "10.0.3.3/24")
                .addr("a", "xz", "10.0.3.1/24")
                .op(vxlan("a", "v", 5, "id 42 remote 10.0.0.2 dstport 4789"))
                .op(vxlan("c", "v", 6, "id 42 remote 10.0.3.1 dstport 4789"))
                .addr("a", "v", "192.168.0.1/24")
                .addr("c", "v", "192.168.0.2/24")
                .up("a", "v")
                .up("c", "v")
                .op(change("a", VxlanChange { remote: "10.0.3.3".parse().ok(), ttl: Some(OuterTtl::Is(7)), ..none() }))
                .op(change("a", VxlanChange { tos: Some(16), df: Some(OuterDf::Set), ageing: Some(5), ..none() }))
                .op(change("a", VxlanChange { local: "10.0.3.1".parse().ok(), learning: Some(false), ..none() }))
                .capture("cap", "c", "z")
                .ping("a", "192.168.0.2", 1)
                .end("cap")
                .see(See { stats: false, ..FDB })
                .op(change("a", VxlanChange { dev: Some(dev("xz")), ttl: Some(OuterTtl::Auto), ..none() }))
                .op(change("a", VxlanChange { remote: "10.0.3.4".parse().ok(), ageing: Some(0), ..none() }))
                .op(change("a", VxlanChange { ttl: Some(OuterTtl::Inherit), ..none() }))
                .op(Op::SetVirtual { netns: ns("a"), name: dev("x"), change: VirtualChange::Vxlan(none()) })
                .op(change("a", VxlanChange { df: Some(OuterDf::Unset), ..none() }))
                .see(See { stats: false, ..FDB }),
            below("the MTU")
                .op(vxlan("a", "v", 5, "id 1 dev x dstport 4789"))
                .set("a", "v", mtu(1451))
                .set("a", "v", mtu(1450))
                .set("a", "v", mtu(67))
                .set("a", "v", mtu(68))
                .op(vxlan("a", "w", 6, "id 2 dstport 4789"))
                .set("a", "w", mtu(65535))
                .set("a", "w", mtu(65536))
                .op(add(AddLink { mtu: Some(9000), ..kind("a", "p", "vxlan id 3 dev x dstport 4789") }))
                .op(add(AddLink { mtu: Some(9000), mac: Some(mac(8)), ..kind("a", "q", "vxlan id 4 dstport 4789") }))
                .op(del("a", "p"))
                .op(add(AddLink { mtu: Some(66), ..kind("a", "r", "vxlan id 5 dstport 4789") }))
                .op(add(AddLink { mtu: Some(70000), ..kind("a", "r", "vxlan id 5 dstport 4789") }))
                .set("a", "x", mtu(1000))
                .observe(),
            below("refusals")
                .op(vxlan("a", "v", 5, "id 1 dstport 4789"))
                .op(vxlan("a", "w", 6, "id 1 dstport 4789"))
                .op(vxlan("a", "w", 6, "id 1 dstport 8472"))
                .op(vxlan("a", "u", 7, "id 2 dev nope dstport 4789"))
                .op(vxlan("a", "u", 7, "id 2 srcport 9 5 dstport 4789"))
                .op(vxlan("a", "v", 7, "id 2 dstport 4789"))
                .op(add(AddLink {
                    mac: Some(nettwin_model::Mac::BROADCAST),
                    ..kind("a", "u", "vxlan id 3 dstport 4789")
                }))
                .observe(),
            below("it goes with what it sends by")
                .op(vxlan("a", "v", 5, "id 1 dev x dstport 4789"))
                .op(vxlan("a", "w", 6, "id 2 dstport 4789"))
                .set("a", "x", LinkChange { rename: Some(dev("xx")), ..LinkChange::default() })
                .observe()
                .op(del("a", "xx"))
                .observe(),
        ],
    );
}

#[test]
fn what_they_carry() {
    crate::agree(
        "vxlan-frames",
        vec![
            tunnel("there and back", "")
                .capture("out", "a", "x")
                .capture("in", "b", "v")
                .ping("a", "192.168.0.2", 2)
                .end("out")
                .end("in")
                .see(FDB),
            tunnel("without checksums, by a device of their own", "noudpcsum ttl 9 tos 32")
                .capture("out", "a", "x")
                .ping("a", "192.168.0.2", 1)
                .end("out"),
            tunnel("as the packet inside", "ttl inherit tos inherit df inherit")
                .capture("out", "a", "x")
                .ping_with("a", "192.168.0.2", 1, |p| p.ttl = Some(7))
                .end("out"),
            tunnel("not to be fragmented", "df set").capture("out", "a", "x").ping("a", "192.168.0.2", 1).end("out"),
            tunnel("to nobody", "nolearning")
                .op(del_fdb("a", "00:00:00:00:00:00"))
                .ping("a", "192.168.0.2", 1)
                .wait_ms(3500)
                .see(FDB),
            below("to several")
                .addr("b", "y", "10.0.0.3/24")
                .op(vxlan("a", "v", 0xa, "id 42 dstport 4789"))
                .op(fdb("a", "00:00:00:00:00:00 dst 10.0.0.2", false))
                .op(fdb("a", "00:00:00:00:00:00 dst 10.0.0.3 port 8472 vni 77", false))
                .op(fdb("a", "02:00:00:00:00:77 dst 10.0.0.3", false))
                .up("a", "v")
                .addr("a", "v", "192.168.0.1/24")
                .neigh("a", "v", "192.168.0.7", Some(mac(0x77)))
                .capture("out", "a", "x")
                .ping("a", "192.168.0.2", 1)
                .ping("a", "192.168.0.7", 1)
                .end("out")
                .see(See { stats: false, ..FDB }),
            below("a group")
                .op(vxlan("a", "v", 0xa, "id 42 group 239.1.1.1 dev x dstport 4789"))
                .op(vxlan("b", "v", 0xb, "id 42 group 239.1.1.1 dev y dstport 4789"))
                .up("a", "v")
                .up("b", "v")
                .addr("a", "v", "192.168.0.1/24")
                .addr("b", "v", "192.168.0.2/24")
                // Both have told of the group, twice.
                .wait_ms(3000)
                .capture("out", "a", "x")
                .ping("a", "192.168.0.2", 1)
                .end("out")
                .see(See { stats: false, ..FDB })
                .down("a", "v")
                .observe(),
            tunnel("another number, another port", "")
                .op(vxlan("b", "w", 0xc, "id 43 remote 10.0.0.1 dstport 4789"))
                .up("b", "w")
                .op(del("b", "v"))
                .ping("a", "192.168.0.2", 1)
                .op(del("b", "w"))
                .capture("out", "a", "x")
                .ping("a", "192.168.0.2", 1)
                .end("out"),
        ],
    );
}

#[test]
fn whom_they_know() {
    crate::agree(
        "vxlan-fdb",
        vec![
            below("entries")
                .op(vxlan("a", "v", 0xa, "id 42 remote 10.0.0.2 dev x dstport 4789"))
                .op(fdb("a", "02:00:00:00:00:99 dst 10.0.0.3", false))
                .op(fdb("a", "02:00:00:00:00:99 dst 10.0.0.4", false))
                .op(fdb("a", "02:00:00:00:00:98 static dst 10.0.0.4 via x", false))
                .op(fdb("a", "02:00:00:00:00:97 dynamic dst 10.0.0.4", false))
                .op(fdb("a", "00:00:00:00:00:00 dst 10.0.0.4 port 5000 vni 77 via x", false))
                .op(fdb("a", "00:00:00:00:00:00 dst 10.0.0.4 port 5000 vni 77 via x", false))
                .op(fdb("a", "00:00:00:00:00:00 dst 10.0.0.5", true))
                .op(fdb("a", "01:00:5e:00:00:05 dst 10.0.0.5", false))
                .see(FDB)
                .op(fdb("a", "02:00:00:00:00:99 dst 10.0.0.9", true))
                .op(del_fdb("a", "02:00:00:00:00:98 dst 10.0.0.9"))
                .op(del_fdb("a", "02:00:00:00:00:98"))
                .op(del_fdb("a", "02:00:00:00:00:98"))
                .op(del_fdb("a", "00:00:00:00:00:00 dst 10.0.0.2"))
                .op(del_fdb("a", "00:00:00:00:00:00 dst 10.0.0.2 via x"))
                .see(FDB)
                .up("a", "v")
                .down("a", "v")
                .see(FDB),
            tunnel("a router of nets on both sides", "")
                .netns(&["c"])
                .wire(("b", "z"), ("c", "w"), (3, 4))
                .bridge("b", "br")
                .del_addr("b", "v", "192.168.0.2/24")
                .master("b", "z", Some("br"))
                .master("b", "v", Some("br"))
                .up("b", "br")
                .addr("c", "w", "192.168.0.3/24")
                .set("c", "w", mtu(1450))
                .ping("a", "192.168.0.3", 1)
                .ping("c", "192.168.0.1", 1)
                .see(See { stats: false, ..FDB }),
            tunnel("as many as may be", "maxaddress 2")
                .op(fdb("a", "02:00:00:00:00:99 dst 10.0.0.3", false))
                .op(fdb("a", "02:00:00:00:00:98 dst 10.0.0.3", false))
                .ping("a", "192.168.0.2", 1)
                .see(See { stats: false, ..FDB }),
        ],
    );
}
