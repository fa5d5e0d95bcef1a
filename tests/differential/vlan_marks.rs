//! VLAN devices: what becomes of priorities, and where tags are seen.

use crate::harness::{Case, See, dev, ns};
use crate::kinds::{STATS, add, on, set_mac, trunk};
use crate::vlan::{filtering, vlan_bridge};
use nettwin_model::virtuals::{VirtualChange, VlanChange};
use nettwin_model::{Op, words};

/// Two hosts on a wire with a VLAN on it, made in these words.
fn marked(name: &'static str, ours: &str, theirs: &str) -> Case {
    Case::new(name)
        .netns(&["a", "b"])
        .wire(("a", "x"), ("b", "y"), (1, 2))
        .op(add(on("x", "a", "v", &format!("vlan id 10 {ours}"))))
        .op(add(on("y", "b", "v", &format!("vlan id 10 {theirs}"))))
        .up("a", "v")
        .up("b", "v")
        .wait_ms(1200)
        .addr("a", "v", "10.0.10.1/24")
        .addr("b", "v", "10.0.10.2/24")
}

fn set_vlan(netns: &str, name: &str, change: VlanChange) -> Op {
    Op::SetVirtual { netns: ns(netns), name: dev(name), change: VirtualChange::Vlan(change) }
}

#[test]
fn priorities() {
    crate::agree_somewhere(
        "link-vlan-priorities",
        vec![
            marked("a packet's priority is its tag's", "egress-qos-map 0:1 2:3 4:5 6:7", "ingress-qos-map 5:6")
                .capture("wire", "b", "y")
                .ping("a", "10.0.10.2", 1)
                .ping_with("a", "10.0.10.2", 1, |p| p.tos = 0x10)
                .ping_with("a", "10.0.10.2", 1, |p| p.tos = 0x08)
                .ping_with("a", "10.0.10.2", 1, |p| p.tos = 0xb8)
                .end("wire")
                .observe(),
            marked("what the kernel answers by itself has no priority", "egress-qos-map 0:1 2:3 4:5 6:7", "")
                .op(set_vlan("b", "v", VlanChange { egress: vec![(0, 1), (2, 3), (6, 7)], ..VlanChange::default() }))
                .capture("wire", "a", "x")
                .ping("a", "10.0.10.2", 1)
                .ping_with("a", "10.0.10.2", 1, |p| p.tos = 0x08)
                .end("wire"),
            marked("tags that are seen", "reorder_hdr off egress-qos-map 0:2", "")
                .capture("here", "a", "v")
                .capture("wire", "b", "y")
                .capture("there", "b", "v")
                .ping("a", "10.0.10.2", 1)
                .ping("b", "10.0.10.1", 1)
                .end("here")
                .end("wire")
                .end("there")
                .see(STATS),
            marked("maps are changed, and flags", "egress-qos-map 0:1", "")
                .op(set_vlan("a", "v", VlanChange { egress: vec![(16, 3), (0, 2), (1, 9)], ..VlanChange::default() }))
                .op(set_vlan("a", "v", VlanChange { ingress: vec![(9, 3), (7, 1)], ..VlanChange::default() }))
                .observe()
                .op(set_vlan("a", "v", VlanChange { egress: vec![(0, 0)], ..VlanChange::default() }))
                .op(set_vlan("a", "v", VlanChange { ingress: vec![(1, 0)], ..VlanChange::default() }))
                .op(set_vlan("a", "v", VlanChange { reorder_hdr: Some(false), ..VlanChange::default() }))
                .observe()
                .op(set_vlan("a", "v", VlanChange { egress: vec![(32, 7), (0, 4)], ..VlanChange::default() }))
                .op(set_vlan(
                    "a",
                    "v",
                    VlanChange { reorder_hdr: Some(true), loose_binding: Some(true), ..VlanChange::default() },
                ))
                .observe()
                .op(set_vlan("a", "x", VlanChange { reorder_hdr: Some(true), ..VlanChange::default() })),
            trunk("a router passes on what it is told of priorities")
                .netns(&["c"])
                .wire(("b", "z"), ("c", "w"), (3, 4))
                .op(add(on("z", "b", "z.20", "vlan id 20 egress-qos-map 0:1 6:6")))
                .op(add(on("w", "c", "w.20", "vlan id 20 reorder_hdr off")))
                .up("b", "z.20")
                .up("c", "w.20")
                .wait_ms(1200)
                .addr("b", "z.20", "10.0.20.254/24")
                .addr("c", "w.20", "10.0.20.1/24")
                .sysctl("b", "net.ipv4.ip_forward", "1")
                .route("a", "10.0.20.0/24 via 10.0.10.2")
                .route("c", "10.0.10.0/24 via 10.0.20.254")
                .capture("wire", "c", "w")
                .capture("there", "c", "w.20")
                .ping_with("a", "10.0.20.1", 1, |p| p.tos = 0x10)
                .ping("a", "10.0.20.1", 1)
                .end("wire")
                .end("there")
                .see(STATS),
            Case::new("through a bridge with VLAN devices as ports")
                .netns(&["h", "s", "r"])
                .wire(("h", "x"), ("s", "p"), (1, 11))
                .wire(("r", "y"), ("s", "t"), (2, 12))
                .op(add(on("t", "s", "t.10", "vlan id 10 reorder_hdr off egress-qos-map 0:3 6:7")))
                .bridge("s", "br")
                .set("s", "br", set_mac(9))
                .master("s", "p", Some("br"))
                .master("s", "t.10", Some("br"))
                .up("s", "br")
                .up("s", "t.10")
                .op(add(on("y", "r", "y.10", "vlan id 10")))
                .up("r", "y.10")
                .wait_ms(1200)
                .addr("h", "x", "10.0.0.1/24")
                .addr("r", "y.10", "10.0.0.2/24")
                .addr("s", "br", "10.0.0.9/24")
                .capture("wire", "r", "y")
                .capture("port", "s", "t.10")
                .ping_with("h", "10.0.0.2", 1, |p| p.tos = 0x10)
                .ping_with("s", "10.0.0.2", 1, |p| p.tos = 0x10)
                .end("wire")
                .end("port")
                .see(STATS),
            vlan_bridge(Case::new("below is a bridge that filters").netns(&["h", "s"]), "s", "br", filtering())
                .set("s", "br", set_mac(9))
                .wire(("h", "x"), ("s", "p"), (1, 11))
                .master("s", "p", Some("br"))
                .up("s", "br")
                .vlan("s", "p", "10 pvid untagged")
                .op(Op::AddVlan {
                    netns: ns("s"),
                    dev: dev("br"),
                    vlans: words::vlan::parse("10").expect("a VLAN"),
                    own: true,
                })
                .op(add(on("br", "s", "br.10", "vlan id 10 reorder_hdr off")))
                .up("s", "br.10")
                .wait_ms(1200)
                .addr("h", "x", "10.0.0.1/24")
                .addr("s", "br.10", "10.0.0.9/24")
                .capture("here", "s", "br.10")
                .ping("s", "10.0.0.1", 1)
                .ping("h", "10.0.0.9", 1)
                .end("here")
                .see(See { neighs: false, fdb: true, stats: true }),
        ],
    );
}
