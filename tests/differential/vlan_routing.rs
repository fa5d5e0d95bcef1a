//! VLAN devices on bridges that filter: routing between VLANs. On the reference kernel where this one is built without.

use crate::harness::{Case, See, dev, ns};
use crate::kinds::{add, on, set_mac};
use crate::vlan::{filtering, star_of, vlan_bridge};
use nettwin_model::op::AddLink;
use nettwin_model::{BridgeAttrs, Op, words};

const ALL: See = See { neighs: true, fdb: true, stats: true };

fn own(vlans: &str) -> Op {
    Op::AddVlan { netns: ns("s"), dev: dev("s1"), vlans: words::vlan::parse(vlans).expect("VLANs"), own: true }
}

/// h1 in VLAN 10 and h2 in 20 of bridge s1 in s, which routes between them if the bridge itself is in both.
fn routed(name: &'static str, attrs: BridgeAttrs) -> Case {
    let mut case = Case::new(name).netns(&["s", "h1", "h2"]);
    case = vlan_bridge(case, "s", "s1", attrs).set("s", "s1", set_mac(9));
    for (n, host) in (1u8..).zip(["h1", "h2"]) {
        let (port, vlan, gateway) = (format!("p{n}"), format!("s1.{n}0"), format!("10.0.{n}0.254"));
        case = case
            .wire((host, "eth0"), ("s", &port), (n, 0x10 + n))
            .master("s", &port, Some("s1"))
            .vlan("s", &port, &format!("{n}0 pvid untagged"))
            .addr(host, "eth0", &format!("10.0.{n}0.{n}/24"))
            .route(host, &format!("default via {gateway}"))
            .op(add(on("s1", "s", &vlan, &format!("vlan id {n}0"))))
            .addr("s", &vlan, &format!("{gateway}/24"));
    }
    case.sysctl("s", "net.ipv4.ip_forward", "1").up("s", "s1").up("s", "s1.10").up("s", "s1.20").wait_ms(1200)
}

#[test]
fn between_vlans() {
    crate::agree_somewhere(
        "vlan-routing",
        vec![
            routed("a router on the bridge", filtering())
                .op(own("10"))
                .op(own("20"))
                .capture("bridge", "s", "s1")
                .capture("ten", "s", "s1.10")
                .capture("second", "h2", "eth0")
                .ping("h1", "10.0.20.2", 2)
                .ping("h2", "10.0.10.254", 1)
                .end("bridge")
                .end("ten")
                .end("second")
                .observe()
                .see(ALL),
            routed("the bridge itself is in one of them", filtering())
                .op(own("10"))
                .ping("h1", "10.0.10.254", 1)
                .ping("h2", "10.0.20.254", 1)
                .ping("h1", "10.0.20.2", 1)
                // Nobody is asked for any more by then.
                .wait_ms(3500)
                .see(See { neighs: false, ..ALL }),
            routed("the bridge takes tags off what is its own", filtering())
                .op(own("10 untagged"))
                .op(own("20 pvid untagged"))
                .ping("h1", "10.0.10.254", 1)
                .ping("s", "10.0.20.2", 1)
                .addr("s", "s1", "10.0.20.253/24")
                .ping("h2", "10.0.20.253", 1)
                // Until nobody asks any more.
                .wait_ms(2500)
                .see(See { neighs: false, ..ALL }),
            routed(
                "without a filter a tag is for the VLAN device alone",
                BridgeAttrs { vlan_filtering: Some(false), ..filtering() },
            )
            .ping("h1", "10.0.10.254", 1)
            .addr("s", "s1", "10.0.10.253/24")
            .ping("h1", "10.0.10.253", 1)
            // Until nobody asks any more.
            .wait_ms(2500)
            .see(See { neighs: false, ..ALL }),
            routed("counters of a router's VLANs", BridgeAttrs { vlan_stats_enabled: Some(true), ..filtering() })
                .op(own("10"))
                .op(own("20"))
                .ping("h1", "10.0.20.2", 2)
                .see(ALL),
            routed("a VLAN device with an address of its own", filtering())
                .op(own("10"))
                .op(own("20"))
                .set("s", "s1.10", set_mac(0x33))
                .ping("h1", "10.0.10.254", 1)
                .ping("h1", "10.0.20.2", 1)
                .observe()
                .down("s", "s1.10")
                .ping("h2", "10.0.20.254", 1)
                .see(See { neighs: false, ..ALL }),
            star_of("a router on a stick", filtering())
                .vlan("s", "p1", "10 pvid untagged")
                .vlan("s", "p2", "20 pvid untagged")
                .vlan("s", "p3", "10-20")
                .op(add(on("eth0", "h3", "v10", "vlan id 10")))
                .op(add(on("eth0", "h3", "v20", "vlan id 20")))
                .up("h3", "v10")
                .up("h3", "v20")
                .wait_ms(1200)
                .addr("h3", "v10", "10.0.10.254/24")
                .addr("h3", "v20", "10.0.20.254/24")
                .sysctl("h3", "net.ipv4.ip_forward", "1")
                .addr("h1", "eth0", "10.0.10.1/24")
                .addr("h2", "eth0", "10.0.20.2/24")
                .route("h1", "10.0.20.0/24 via 10.0.10.254")
                .route("h2", "10.0.10.0/24 via 10.0.20.254")
                .capture("stick", "h3", "eth0")
                .ping("h1", "10.0.20.2", 1)
                .end("stick")
                .see(ALL),
            vlan_bridge(
                Case::new("a provider's VLAN devices").netns(&["s", "h1"]),
                "s",
                "s1",
                BridgeAttrs { vlan_protocol: Some(0x88a8), ..filtering() },
            )
            .set("s", "s1", set_mac(9))
            .wire(("h1", "eth0"), ("s", "p1"), (1, 0x11))
            .master("s", "p1", Some("s1"))
            .vlan("s", "p1", "100 pvid untagged")
            .op(own("100"))
            .up("s", "s1")
            .op(add(on("s1", "s", "s1.100", "vlan protocol 802.1ad id 100")))
            .op(add(on("s1.100", "s", "in", "vlan id 7")))
            .op(add(on("s1", "s", "not", "vlan id 100")))
            .op(add(on("eth0", "h1", "v7", "vlan id 7")))
            .up("s", "s1.100")
            .up("s", "in")
            .up("s", "not")
            .up("h1", "v7")
            .wait_ms(1200)
            .addr("s", "s1.100", "10.1.0.254/24")
            .addr("s", "in", "10.7.0.254/24")
            .addr("h1", "eth0", "10.1.0.1/24")
            .addr("h1", "v7", "10.7.0.1/24")
            .ping("h1", "10.1.0.254", 1)
            .ping("h1", "10.7.0.254", 1)
            .see(ALL),
            routed("a VLAN device that is a port of another bridge", filtering())
                .op(own("10"))
                .netns(&["h3"])
                .wire(("h3", "eth0"), ("s", "q"), (3, 0x13))
                .del_addr("s", "s1.10", "10.0.10.254/24")
                .bridge("s", "s2")
                .set("s", "s2", set_mac(8))
                .master("s", "q", Some("s2"))
                .master("s", "s1.10", Some("s2"))
                .up("s", "s2")
                .addr("h3", "eth0", "10.0.10.3/24")
                .ping("h3", "10.0.10.1", 1)
                .observe()
                .see(ALL),
            routed("a device with a MAC from the start, MTUs and what is deleted", filtering())
                .op(own("10"))
                .op(add(AddLink { mac: Some(crate::harness::mac(0x44)), ..on("s1", "s", "v", "vlan id 30") }))
                .up("s", "v")
                .wait_ms(1200)
                .set("s", "p1", nettwin_model::LinkChange { mtu: Some(1400), ..Default::default() })
                .observe()
                .op(Op::DelLink { netns: ns("s"), name: dev("s1") })
                .observe(),
        ],
    );
}
