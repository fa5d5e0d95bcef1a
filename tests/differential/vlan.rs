//! Bridges that filter by VLAN: which frames are in which VLAN, which ports take them, with and without their tags, and what
//! is learned where. On the reference kernel where this one is built without.

use crate::bridge::{bridge, port};
use crate::harness::{Case, See, dev, mac, ns};
use nettwin_model::op::{AddLink, LinkChange, NewLink};
use nettwin_model::{BridgeAttrs, FdbEntry, FdbKind, Op, PortAttrs, VlanRange, words};

pub(crate) fn filtering() -> BridgeAttrs {
    BridgeAttrs { vlan_filtering: Some(true), mcast_snooping: Some(false), ..Default::default() }
}

pub(crate) fn vlan_bridge(case: Case, netns: &str, name: &str, attrs: BridgeAttrs) -> Case {
    case.op(Op::AddLink(Box::new(AddLink {
        netns: ns(netns),
        name: dev(name),
        kind: NewLink::Bridge { attrs },
        mac: None,
        mtu: None,
        master: None,
        up: false,
    })))
}

/// h1, h2, h3 on ports p1, p2, p3 of bridge s1, which filters as `attrs` says.
pub(crate) fn star_of(name: &'static str, attrs: BridgeAttrs) -> Case {
    let mut case = vlan_bridge(Case::new(name).netns(&["s", "h1", "h2", "h3"]), "s", "s1", attrs);
    for (i, host) in ["h1", "h2", "h3"].into_iter().enumerate() {
        let n = i as u8 + 1;
        let port = format!("p{n}");
        case = case.wire((host, "eth0"), ("s", &port), (n, 0x10 + n)).master("s", &port, Some("s1")).addr(
            host,
            "eth0",
            &format!("192.168.1.{n}/24"),
        );
    }
    case.up("s", "s1")
}

fn star(name: &'static str) -> Case {
    star_of(name, filtering())
}

fn range(text: &str) -> VlanRange {
    words::vlan::parse(text).expect("VLANs")
}

fn own(text: &str) -> Op {
    Op::AddVlan { netns: ns("s"), dev: dev("s1"), vlans: range(text), own: true }
}

fn del(name: &str, text: &str) -> Op {
    Op::DelVlan { netns: ns("s"), dev: dev(name), vlans: range(text), own: false }
}

fn raw(first: u16, last: u16) -> Op {
    let vlans = VlanRange { first, last, pvid: false, untagged: false };
    Op::AddVlan { netns: ns("s"), dev: dev("p1"), vlans, own: false }
}

fn entry(at: &str, m: u8, kind: FdbKind, vlan: u16) -> FdbEntry {
    FdbEntry { bridge: dev("s1"), dev: dev(at), mac: mac(m), kind, sticky: false, vlan, remote: None }
}

fn add_fdb(at: &str, m: u8, kind: FdbKind, vlan: u16) -> Op {
    Op::AddFdb { netns: ns("s"), entry: entry(at, m, kind, vlan), replace: false }
}

fn del_fdb(at: &str, m: u8, vlan: u16) -> Op {
    Op::DelFdb { netns: ns("s"), entry: entry(at, m, FdbKind::Static, vlan) }
}

/// Two bridges that both filter, joined by a trunk; h1 and h3 at the first, h2 and h4 at the second: h1 and h2 are in VLAN 10,
/// h3 and h4 in 20.
fn trunk(name: &'static str, trunk: &str) -> Case {
    let mut case = Case::new(name).netns(&["s", "t", "h1", "h2", "h3", "h4"]);
    for (netns, bridge) in [("s", "s1"), ("t", "s2")] {
        case = vlan_bridge(case, netns, bridge, BridgeAttrs { vlan_default_pvid: Some(0), ..filtering() });
    }
    for (n, (host, netns, vlan)) in
        (1u8..).zip([("h1", "s", "10"), ("h2", "t", "10"), ("h3", "s", "20"), ("h4", "t", "20")])
    {
        let (port, bridge) = (format!("p{n}"), if netns == "s" { "s1" } else { "s2" });
        case = case
            .wire((host, "eth0"), (netns, &port), (n, 0x10 + n))
            .master(netns, &port, Some(bridge))
            .vlan(netns, &port, &format!("{vlan} pvid untagged"))
            .addr(host, "eth0", &format!("192.168.1.{n}/24"));
    }
    case.wire(("s", "up"), ("t", "up"), (0x21, 0x22))
        .master("s", "up", Some("s1"))
        .master("t", "up", Some("s2"))
        .vlan("s", "up", trunk)
        .vlan("t", "up", trunk)
        .up("s", "s1")
        .up("t", "s2")
}

#[test]
fn forwarding() {
    let all = See { neighs: false, fdb: true, stats: true };
    crate::agree_somewhere(
        "vlan-forwarding",
        vec![
            star("all are in the default VLAN").ping("h1", "192.168.1.2", 1).ping("h3", "192.168.1.1", 1).see(all),
            star("access ports of two VLANs")
                .vlan("s", "p1", "10 pvid untagged")
                .vlan("s", "p2", "10 pvid untagged")
                .vlan("s", "p3", "20 pvid untagged")
                .capture("third", "h3", "eth0")
                .ping("h1", "192.168.1.2", 1)
                .ping("h1", "192.168.1.3", 1)
                .end("third")
                .fdb(),
            trunk("a trunk carries tags", "10-20")
                .capture("trunk", "s", "up")
                .ping("h1", "192.168.1.2", 1)
                .ping("h3", "192.168.1.4", 1)
                .ping("h1", "192.168.1.4", 1)
                .end("trunk")
                .fdb(),
            trunk("a trunk that carries one VLAN", "10")
                .ping("h1", "192.168.1.2", 1)
                .ping("h3", "192.168.1.4", 1)
                .fdb(),
            trunk("a native VLAN has no tag on a trunk", "10")
                .vlan("s", "up", "20 pvid untagged")
                .vlan("t", "up", "20 pvid untagged")
                .capture("trunk", "s", "up")
                .ping("h1", "192.168.1.2", 1)
                .ping("h3", "192.168.1.4", 1)
                .end("trunk")
                .see(all),
            star("a port without a VLAN for untagged frames")
                .op(del("p1", "1"))
                .ping("h1", "192.168.1.2", 1)
                .ping("h2", "192.168.1.1", 1)
                .fdb(),
            star("tagged out, untagged in")
                .vlan("s", "p2", "1 pvid")
                .capture("second", "h2", "eth0")
                .ping("h1", "192.168.1.2", 1)
                .end("second")
                .see(all),
            star("the bridge itself is in the default VLAN")
                .addr("s", "s1", "192.168.1.254/24")
                .ping("h1", "192.168.1.254", 1)
                .ping("s", "192.168.1.2", 1)
                .see(all),
            star("the bridge itself is in another VLAN")
                .addr("s", "s1", "192.168.1.254/24")
                .op(own("10 pvid untagged"))
                .op(Op::DelVlan { netns: ns("s"), dev: dev("s1"), vlans: range("1"), own: true })
                .vlan("s", "p1", "10 pvid untagged")
                .ping("h1", "192.168.1.254", 1)
                .ping("h2", "192.168.1.254", 1)
                .ping("s", "192.168.1.1", 1)
                .ping("s", "192.168.1.2", 1)
                .fdb(),
            star("the bridge itself is in no VLAN")
                .addr("s", "s1", "192.168.1.254/24")
                .op(Op::DelVlan { netns: ns("s"), dev: dev("s1"), vlans: range("1"), own: true })
                .ping("h1", "192.168.1.254", 1)
                .ping("s", "192.168.1.1", 1)
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
            star("filtering is switched off and on")
                .vlan("s", "p1", "10 pvid untagged")
                .ping("h1", "192.168.1.2", 1)
                .op(bridge(BridgeAttrs { vlan_filtering: Some(false), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .fdb()
                .op(bridge(BridgeAttrs { vlan_filtering: Some(true), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
            star("isolated ports of a VLAN")
                .op(port("p1", PortAttrs { isolated: Some(true), ..Default::default() }))
                .op(port("p2", PortAttrs { isolated: Some(true), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .ping("h1", "192.168.1.3", 1),
            star("a locked port knows its stations by VLAN")
                .op(port("p1", PortAttrs { locked: Some(true), ..Default::default() }))
                .op(add_fdb("p2", 1, FdbKind::Static, 1))
                .ping("h1", "192.168.1.2", 1)
                .op(del_fdb("p2", 1, 1))
                .op(add_fdb("p1", 1, FdbKind::Static, 1))
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
        ],
    );
}

#[test]
fn tables() {
    crate::agree_somewhere(
        "vlan-tables",
        vec![
            star("what may be said")
                .op(raw(0, 0))
                .op(raw(4095, 4095))
                .op(raw(4094, 4094))
                .op(raw(20, 10))
                .op(raw(10, 20))
                .op(own("30"))
                .op(Op::AddVlan { netns: ns("s"), dev: dev("p1"), vlans: range("30"), own: true })
                .op(Op::AddVlan { netns: ns("s"), dev: dev("s1"), vlans: range("31"), own: false })
                .op(Op::AddVlan { netns: ns("s"), dev: dev("lo"), vlans: range("31"), own: false })
                .op(Op::AddVlan { netns: ns("s"), dev: dev("nope"), vlans: range("31"), own: false })
                .op(del("p1", "99"))
                .op(del("p1", "12-14"))
                .vlan("s", "p2", "20 pvid")
                .vlan("s", "p2", "20")
                .vlan("s", "p3", "20 pvid untagged")
                .op(del("p3", "20"))
                .fdb(),
            star("one address in two VLANs is two stations")
                .vlan("s", "p1", "10 pvid untagged")
                .vlan("s", "p3", "10 pvid untagged")
                .set("h2", "eth0", LinkChange { mac: Some(mac(1)), ..Default::default() })
                .ping("h1", "192.168.1.3", 1)
                .ping("h2", "192.168.1.3", 1)
                .fdb()
                .op(del("p1", "10"))
                .fdb(),
            star("entries by hand are in all VLANs of a port, or in one")
                .vlan("s", "p1", "10-11")
                .op(add_fdb("p1", 0x31, FdbKind::Static, 0))
                .op(add_fdb("p1", 0x32, FdbKind::Static, 10))
                .op(add_fdb("p1", 0x33, FdbKind::Static, 77))
                .op(add_fdb("s1", 0x34, FdbKind::Permanent, 0))
                .op(add_fdb("p1", 0x32, FdbKind::Static, 10))
                .op(add_fdb("p1", 0x35, FdbKind::Learned, 11))
                .fdb()
                .op(del_fdb("p1", 0x31, 10))
                .op(del_fdb("p1", 0x31, 10))
                .op(del_fdb("p1", 0x31, 0))
                .op(del_fdb("p1", 0x31, 0))
                .op(del_fdb("p2", 0x32, 10))
                .fdb(),
            star("the default VLAN changes where nobody said otherwise")
                .vlan("s", "p1", "10 pvid untagged")
                .vlan("s", "p2", "1 pvid")
                .op(bridge(BridgeAttrs { vlan_default_pvid: Some(5), ..Default::default() }))
                .fdb()
                .op(bridge(BridgeAttrs { vlan_default_pvid: Some(0), ..Default::default() }))
                .fdb()
                .op(bridge(BridgeAttrs { vlan_default_pvid: Some(7), ..Default::default() }))
                .observe()
                .op(bridge(BridgeAttrs { vlan_default_pvid: Some(4095), ..Default::default() })),
            star("own entries follow MACs, in each VLAN")
                .vlan("s", "p1", "10")
                .op(own("10"))
                .set("s", "p1", LinkChange { mac: Some(mac(0x41)), ..Default::default() })
                .fdb()
                .set("s", "s1", LinkChange { mac: Some(mac(0x42)), ..Default::default() })
                .fdb()
                .set("s", "p2", LinkChange { mac: Some(mac(0x41)), ..Default::default() })
                .fdb()
                .master("s", "p1", None)
                .fdb(),
            star("a port that leaves and comes again")
                .vlan("s", "p1", "10 pvid untagged")
                .ping("h1", "192.168.1.2", 1)
                // Nobody is asked for any more by then.
                .wait_ms(3500)
                .master("s", "p1", None)
                .fdb()
                .vlan("s", "p1", "10")
                .master("s", "p1", Some("s1"))
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
            star_of("counters by VLAN", BridgeAttrs { vlan_stats_enabled: Some(true), ..filtering() })
                .vlan("s", "p1", "10 pvid untagged")
                .vlan("s", "p2", "10 pvid untagged")
                .op(bridge(BridgeAttrs { vlan_stats_per_port: Some(true), ..Default::default() }))
                .ping("h1", "192.168.1.2", 2)
                .observe(),
        ],
    );
}

#[test]
fn provider() {
    let ad = || BridgeAttrs { vlan_protocol: Some(0x88a8), ..filtering() };
    let stp = BridgeAttrs { stp_state: Some(true), ..Default::default() };
    crate::agree_somewhere(
        "vlan-provider",
        vec![
            star_of("providers' tags", ad())
                .vlan("s", "p2", "1 pvid")
                .vlan("s", "p3", "100 pvid untagged")
                .capture("second", "h2", "eth0")
                .ping("h1", "192.168.1.2", 1)
                .end_distinct("second")
                .ping("h1", "192.168.1.3", 1)
                .fdb(),
            star_of("providers' spanning tree speaks to a group of its own", ad())
                .capture("first", "h1", "eth0")
                .op(bridge(stp))
                .wait_ms(4500)
                .end_distinct("first"),
            trunk("customers' tags pass a provider's bridge", "10-20")
                .op(bridge(BridgeAttrs { vlan_protocol: Some(0x88a8), ..Default::default() }))
                .capture("trunk", "s", "up")
                .ping("h1", "192.168.1.2", 1)
                .end("trunk")
                .fdb(),
        ],
    );
}
