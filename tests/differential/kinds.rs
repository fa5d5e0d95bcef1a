//! Devices of software alone: dummies, VLANs, macvlans.

use crate::harness::{Case, See, dev, mac, ns};
use nettwin_model::op::{LinkChange, NewLink};
use nettwin_model::virtuals::{MacvlanMode, Sources, VirtualChange};
use nettwin_model::{AddLink, Op, words};

pub(crate) const STATS: See = See { neighs: false, fdb: false, stats: true };

/// A device made in the words that follow `type`.
pub(crate) fn kind(netns: &str, name: &str, text: &str) -> AddLink {
    let kind = words::virtuals::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e:?}"));
    AddLink {
        netns: ns(netns),
        name: dev(name),
        kind: NewLink::Virtual(kind),
        mac: None,
        mtu: None,
        master: None,
        up: false,
    }
}

pub(crate) fn add(link: AddLink) -> Op {
    Op::AddLink(Box::new(link))
}

pub(crate) fn mtu(bytes: u32) -> LinkChange {
    LinkChange { mtu: Some(bytes), ..LinkChange::default() }
}

#[test]
fn dummies() {
    let dummy = |name| Case::new(name).netns(&["a"]).op(add(AddLink { mac: Some(mac(1)), ..kind("a", "d", "dummy") }));
    crate::agree_somewhere(
        "link-dummy",
        vec![
            dummy("states").observe().up("a", "d").observe().down("a", "d").observe(),
            dummy("MTUs have no limits")
                .set("a", "d", mtu(20))
                .set("a", "d", mtu(0))
                .set("a", "d", mtu(100_000))
                .op(add(AddLink { mtu: Some(70_000), mac: Some(mac(2)), ..kind("a", "e", "dummy") }))
                .op(add(kind("a", "e", "dummy")))
                .observe(),
            dummy("what is sent is gone, and nobody is asked")
                .up("a", "d")
                .addr("a", "d", "10.0.0.1/24")
                .ping("a", "10.0.0.2", 2)
                .ping("a", "10.0.0.1", 1)
                .ping("a", "224.0.0.1", 1)
                .see(STATS)
                .see(See { neighs: true, ..See::default() }),
            dummy("a capture shows what is sent")
                .up("a", "d")
                .addr("a", "d", "10.0.0.1/24")
                .capture("cap", "a", "d")
                .ping("a", "10.0.0.2", 1)
                .end("cap"),
            dummy("an address of its own for a router")
                .netns(&["b"])
                .wire(("a", "x"), ("b", "y"), (3, 4))
                .addr("a", "x", "10.0.0.1/24")
                .addr("b", "y", "10.0.0.2/24")
                .up("a", "d")
                .addr("a", "d", "10.9.9.9/32")
                .route("b", "10.9.9.9 via 10.0.0.1")
                .ping("b", "10.9.9.9", 1)
                .observe(),
            dummy("moved and deleted")
                .netns(&["b"])
                .up("a", "d")
                .addr("a", "d", "10.0.0.1/24")
                .set("a", "d", LinkChange { netns: Some(ns("b")), ..LinkChange::default() })
                .observe()
                .op(Op::DelLink { netns: ns("b"), name: dev("d") })
                .observe(),
            dummy("a port of a bridge")
                .bridge("a", "br")
                .master("a", "d", Some("br"))
                .up("a", "br")
                .up("a", "d")
                .observe(),
            dummy("flags and the rest")
                .set("a", "d", LinkChange { multicast: Some(true), ..LinkChange::default() })
                .observe()
                .set("a", "d", LinkChange { multicast: Some(false), promisc: Some(true), ..LinkChange::default() })
                .set("a", "d", LinkChange { mac: Some(mac(7)), ..LinkChange::default() })
                .observe(),
        ],
    );
}

/// A device that sits on another of its namespace.
pub(crate) fn on(lower: &str, netns: &str, name: &str, text: &str) -> AddLink {
    let mut link = kind(netns, name, text);
    if let NewLink::Virtual(of) = &mut link.kind {
        *of.lower_mut().expect("a kind that sits on another") = Some((ns(netns), dev(lower)));
    }
    link
}

/// Two hosts on a wire with a VLAN on it.
pub(crate) fn trunk(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["a", "b"])
        .wire(("a", "x"), ("b", "y"), (1, 2))
        .op(add(on("x", "a", "x.10", "vlan id 10")))
        .op(add(on("y", "b", "y.10", "vlan id 10")))
        .up("a", "x.10")
        .up("b", "y.10")
        // Link watch takes its time.
        .wait_ms(1200)
        .addr("a", "x.10", "10.0.10.1/24")
        .addr("b", "y.10", "10.0.10.2/24")
}

pub(crate) fn del(netns: &str, name: &str) -> Op {
    Op::DelLink { netns: ns(netns), name: dev(name) }
}

fn to(netns: &str) -> LinkChange {
    LinkChange { netns: Some(ns(netns)), ..LinkChange::default() }
}

pub(crate) fn set_mac(last: u8) -> LinkChange {
    LinkChange { mac: Some(mac(last)), ..LinkChange::default() }
}

#[test]
fn vlans() {
    crate::agree_somewhere(
        "link-vlan",
        vec![
            Case::new("carrier and states follow what is below")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .down("a", "x")
                .op(add(on("x", "a", "v", "vlan id 10")))
                .observe()
                .up("a", "v")
                .up("a", "x")
                .observe()
                .down("a", "v")
                .observe()
                .up("a", "v")
                .down("b", "y")
                .wait_ms(1200)
                .observe()
                .down("a", "v")
                .down("a", "x")
                .observe()
                .up("a", "x")
                .up("b", "y")
                .observe()
                .down("a", "x")
                .observe(),
            Case::new("one that is bound loosely")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .op(add(on("x", "a", "v", "vlan id 10 loose_binding on")))
                .observe()
                .up("a", "v")
                .down("a", "x")
                .observe()
                .up("a", "x")
                .observe(),
            trunk("tags on the wire, counters without them")
                .capture("cap", "b", "y")
                .capture("above", "b", "y.10")
                .ping("a", "10.0.10.2", 2)
                .end("cap")
                .end("above")
                .see(STATS)
                .see(See { neighs: true, ..See::default() }),
            trunk("beside what has no tag")
                .addr("a", "x", "10.0.0.1/24")
                .addr("b", "y", "10.0.0.2/24")
                .op(add(on("x", "a", "x.20", "vlan id 20")))
                .up("a", "x.20")
                .addr("a", "x.20", "10.0.20.1/24")
                .ping("a", "10.0.0.2", 1)
                .ping("a", "10.0.10.2", 1)
                .ping("a", "10.0.20.2", 1)
                // Nobody is asked for any more by then.
                .wait_ms(6500)
                .observe()
                .see(STATS),
            trunk("a number nobody has, a number of another protocol, and none")
                .op(add(on("x", "a", "p", "vlan id 0")))
                .op(add(on("x", "a", "q", "vlan protocol 802.1ad id 10")))
                .up("a", "p")
                .up("a", "q")
                .addr("a", "p", "10.0.0.1/24")
                .addr("a", "q", "10.0.1.1/24")
                .addr("b", "y", "10.0.0.2/24")
                .addr("b", "y.10", "10.0.1.2/24")
                .capture("cap", "b", "y")
                .ping("a", "10.0.0.2", 1)
                .end("cap")
                .wait_ms(4000)
                .capture("cap2", "b", "y")
                .ping("a", "10.0.1.2", 1)
                .end("cap2")
                .see(STATS),
            trunk("one in the other")
                .op(add(on("x.10", "a", "in", "vlan id 7")))
                .op(add(on("y.10", "b", "in", "vlan id 7")))
                .up("a", "in")
                .up("b", "in")
                .wait_ms(1200)
                .addr("a", "in", "10.7.0.1/24")
                .addr("b", "in", "10.7.0.2/24")
                .capture("cap", "b", "y")
                .ping("a", "10.7.0.2", 1)
                .end("cap")
                .see(STATS)
                .down("a", "x")
                .observe(),
            trunk("MACs")
                .set("a", "x", set_mac(5))
                .observe()
                .set("a", "x.10", set_mac(6))
                .set("a", "x", set_mac(7))
                .observe()
                .ping("b", "10.0.10.1", 1)
                .op(add(AddLink { mac: Some(mac(9)), ..on("x", "a", "own", "vlan id 11") }))
                .up("a", "own")
                .wait_ms(1200)
                .set("a", "x", set_mac(8))
                .observe(),
            Case::new("a MAC that changes while it is down")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .op(add(on("x", "a", "v", "vlan id 10")))
                .set("a", "x", set_mac(5))
                .observe()
                .up("a", "v")
                .observe(),
            trunk("MTUs")
                .set("a", "x.10", mtu(1501))
                .set("a", "x", mtu(1400))
                .observe()
                .set("a", "x", mtu(1500))
                .observe()
                .set("a", "x.10", mtu(20))
                .set("a", "x.10", mtu(70_000))
                .op(add(AddLink { mtu: Some(1600), ..on("x", "a", "v", "vlan id 11") }))
                .op(add(AddLink { mtu: Some(1000), ..on("x", "a", "v", "vlan id 11") }))
                .observe()
                .ping_with("b", "10.0.10.1", 1, |p| p.size = 1472),
            trunk("refusals")
                .op(add(on("x", "a", "v", "vlan id 10")))
                .op(add(on("x", "a", "x.10", "vlan id 11")))
                .op(add(on("lo", "a", "v", "vlan id 11")))
                .op(add(on("nope", "a", "v", "vlan id 11")))
                .op(add(kind("a", "v", "vlan id 11")))
                .op(add(AddLink {
                    mac: Some(nettwin_model::Mac([1, 0, 0, 0, 0, 1])),
                    ..on("x", "a", "v", "vlan id 11")
                }))
                .observe(),
            trunk("moved away from what is below")
                .netns(&["c"])
                .set("a", "x.10", to("c"))
                .observe()
                .up("c", "x.10")
                .addr("c", "x.10", "10.0.10.1/24")
                .ping("c", "10.0.10.2", 1)
                .down("a", "x")
                .observe()
                .up("a", "x")
                .observe()
                .ping("b", "10.0.10.1", 1)
                .set("a", "x", mtu(1000))
                .set("a", "x", set_mac(8))
                .observe()
                .op(del("a", "x"))
                .observe(),
            trunk("what is below moves away")
                .netns(&["c"])
                .set("a", "x", to("c"))
                .observe()
                .up("c", "x")
                .observe()
                .ping("b", "10.0.10.1", 1),
            trunk("deleted").op(del("a", "x.10")).observe().op(del("b", "y")).observe(),
            Case::new("through a bridge and on it")
                .netns(&["h1", "h2", "s"])
                .bridge("s", "br")
                .set("s", "br", set_mac(9))
                .op(add(on("br", "s", "br.10", "vlan id 10")))
                .wire(("h1", "x"), ("s", "p1"), (1, 11))
                .wire(("h2", "y"), ("s", "p2"), (2, 12))
                .master("s", "p1", Some("br"))
                .master("s", "p2", Some("br"))
                .observe()
                .up("s", "br")
                .observe()
                .op(add(on("x", "h1", "v", "vlan id 10")))
                .op(add(on("y", "h2", "v", "vlan id 10")))
                .up("h1", "v")
                .up("h2", "v")
                .wait_ms(1200)
                .addr("h1", "v", "10.0.0.1/24")
                .addr("h2", "v", "10.0.0.2/24")
                .addr("s", "br.10", "10.0.0.254/24")
                .ping("h1", "10.0.0.2", 1)
                .ping("h2", "10.0.0.254", 1)
                .see(See { fdb: true, stats: true, neighs: true }),
            Case::new("a port of a bridge")
                .netns(&["h1", "s", "r"])
                .wire(("h1", "x"), ("s", "p"), (1, 11))
                .wire(("r", "y"), ("s", "t"), (2, 12))
                .op(add(on("t", "s", "t.10", "vlan id 10")))
                .bridge("s", "br")
                .master("s", "p", Some("br"))
                .master("s", "t.10", Some("br"))
                .up("s", "br")
                .up("s", "t.10")
                .op(add(on("y", "r", "y.10", "vlan id 10")))
                .up("r", "y.10")
                .addr("h1", "x", "10.0.0.1/24")
                .addr("r", "y.10", "10.0.0.2/24")
                .capture("cap", "r", "y")
                .ping("h1", "10.0.0.2", 1)
                .end("cap")
                .observe()
                .see(See { fdb: true, stats: true, neighs: true }),
        ],
    );
}

/// A macvlan with a MAC.
fn station(lower: &str, netns: &str, name: &str, mode: &str, last: u8) -> Op {
    add(AddLink { mac: Some(mac(last)), ..on(lower, netns, name, &format!("macvlan mode {mode}")) })
}

/// A wire from a to b, and two stations at a's end, each in a namespace of its own.
fn stations(name: &'static str, mode: &str) -> Case {
    Case::new(name)
        .netns(&["a", "b", "m", "n"])
        .wire(("a", "x"), ("b", "y"), (1, 2))
        .addr("b", "y", "10.0.0.2/24")
        .op(station("x", "a", "m0", mode, 11))
        .op(station("x", "a", "n0", mode, 12))
        .set("a", "m0", to("m"))
        .set("a", "n0", to("n"))
        .up("m", "m0")
        .up("n", "n0")
        .addr("m", "m0", "10.0.0.11/24")
        .addr("n", "n0", "10.0.0.12/24")
}

fn heard(netns: &str, name: &str, sources: Sources) -> Op {
    Op::SetVirtual { netns: ns(netns), name: dev(name), change: VirtualChange::MacvlanSources(sources) }
}

fn set_mode(netns: &str, name: &str, mode: MacvlanMode) -> Op {
    Op::SetVirtual { netns: ns(netns), name: dev(name), change: VirtualChange::Macvlan { mode } }
}

#[test]
fn macvlans() {
    const ALL: See = See { neighs: true, fdb: false, stats: true };
    let talk = |case: Case| {
        case.capture("wire", "b", "y")
            .ping("m", "10.0.0.2", 1)
            .ping("b", "10.0.0.12", 1)
            .ping("m", "10.0.0.12", 1)
            .end("wire")
            .observe()
            .see(ALL)
    };
    crate::agree_somewhere(
        "link-macvlan",
        vec![
            Case::new("carrier and states")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .down("a", "x")
                .op(station("x", "a", "m", "vepa", 11))
                .observe()
                .up("a", "m")
                .observe()
                .up("a", "x")
                .observe()
                .down("b", "y")
                .wait_ms(1200)
                .observe()
                .up("b", "y")
                .down("a", "m")
                .observe()
                .down("a", "x")
                .up("a", "m")
                .observe(),
            talk(stations("siblings speak at once", "bridge")),
            talk(stations("siblings are kept apart", "private")),
            talk(stations("siblings speak by a switch that is none", "vepa")),
            Case::new("siblings speak by a switch that sends back")
                .netns(&["a", "s", "h"])
                .wire(("a", "x"), ("s", "p"), (1, 21))
                .wire(("h", "e"), ("s", "q"), (2, 22))
                .bridge("s", "br")
                .master("s", "p", Some("br"))
                .master("s", "q", Some("br"))
                .op(Op::SetPort {
                    netns: ns("s"),
                    name: dev("p"),
                    attrs: nettwin_model::PortAttrs { hairpin: Some(true), ..Default::default() },
                })
                .up("s", "br")
                .netns(&["m", "n"])
                .op(station("x", "a", "m0", "vepa", 11))
                .op(station("x", "a", "n0", "vepa", 12))
                .set("a", "m0", to("m"))
                .set("a", "n0", to("n"))
                .up("m", "m0")
                .up("n", "n0")
                .addr("m", "m0", "10.0.0.11/24")
                .addr("n", "n0", "10.0.0.12/24")
                .addr("h", "e", "10.0.0.2/24")
                .ping("m", "10.0.0.12", 1)
                .ping("n", "10.0.0.2", 1)
                .see(See { fdb: true, ..ALL }),
            Case::new("in the namespace of what is below, which has no part in it")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .addr("b", "y", "10.0.0.2/24")
                .addr("a", "x", "10.0.0.1/24")
                .op(station("x", "a", "m", "bridge", 11))
                .up("a", "m")
                .addr("a", "m", "10.0.1.1/24")
                .addr("b", "y", "10.0.1.2/24")
                .ping("a", "10.0.0.2", 1)
                .ping("b", "10.0.1.1", 1)
                .ping("b", "10.0.0.1", 1)
                // Nobody is asked for any more by then.
                .wait_ms(2500)
                .see(ALL),
            Case::new("one that has the device for itself")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .addr("b", "y", "10.0.0.2/24")
                .op(add(on("x", "a", "m", "macvlan mode passthru")))
                .up("a", "m")
                .addr("a", "m", "10.0.0.1/24")
                .op(station("x", "a", "n", "bridge", 12))
                .ping("b", "10.0.0.1", 1)
                // Nobody is asked for any more by then.
                .wait_ms(6500)
                .see(ALL)
                .set("a", "m", set_mac(7))
                .observe()
                .set("a", "x", set_mac(8))
                .observe()
                .op(set_mode("a", "m", MacvlanMode::Bridge))
                .op(set_mode("a", "m", MacvlanMode::Passthru)),
            stations("modes change", "bridge")
                .op(set_mode("n", "n0", MacvlanMode::Private))
                .observe()
                .ping("m", "10.0.0.12", 1)
                .op(set_mode("n", "n0", MacvlanMode::Bridge))
                .ping("m", "10.0.0.12", 1)
                .op(set_mode("n", "n0", MacvlanMode::Passthru))
                .op(set_mode("b", "y", MacvlanMode::Vepa)),
            Case::new("stations that hear certain others")
                .netns(&["a", "b", "m", "n"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .addr("b", "y", "10.0.0.2/24")
                .addr("a", "x", "10.0.0.1/24")
                .op(station("x", "a", "m0", "source macaddr set 02:00:00:00:00:02", 11))
                .op(station("x", "a", "n0", "source macaddr set 02:00:00:00:00:03 02:00:00:00:00:04", 12))
                .op(station("x", "a", "k0", "source macaddr set 02:00:00:00:00:02", 13))
                .set("a", "m0", to("m"))
                .set("a", "n0", to("n"))
                .up("m", "m0")
                .up("n", "n0")
                .up("a", "k0")
                .addr("m", "m0", "10.0.0.11/24")
                .addr("n", "n0", "10.0.0.12/24")
                .observe()
                .capture("m", "m", "m0")
                .capture("k", "a", "k0")
                .ping("m", "10.0.0.2", 1)
                .ping("b", "10.0.0.11", 1)
                .ping("b", "10.0.0.1", 1)
                .ping("n", "10.0.0.2", 1)
                .end("m")
                .end("k")
                .wait_ms(3500)
                .see(STATS)
                .op(heard("n", "n0", Sources::Add(mac(2))))
                .op(heard("n", "n0", Sources::Del(mac(3))))
                .op(heard("m", "m0", Sources::Flush))
                .observe()
                .ping("n", "10.0.0.2", 1)
                .ping("m", "10.0.0.2", 1)
                .op(heard("n", "n0", Sources::Set(vec![mac(7), mac(8)])))
                .op(heard("n", "n0", Sources::Add(nettwin_model::Mac([1, 0, 0, 0, 0, 1]))))
                .op(set_mode("m", "m0", MacvlanMode::Bridge))
                .op(heard("m", "m0", Sources::Add(mac(2))))
                .op(set_mode("n", "n0", MacvlanMode::Private))
                .op(set_mode("n", "n0", MacvlanMode::Source))
                .op(add(on("x", "a", "w", "macvlan mode bridge macaddr set 02:00:00:00:00:02")))
                .observe(),
            stations("MACs, and whose they may not be", "bridge")
                .set("m", "m0", set_mac(1))
                .set("m", "m0", set_mac(12))
                .set("m", "m0", set_mac(13))
                .ping("b", "10.0.0.11", 1)
                .down("m", "m0")
                .set("m", "m0", set_mac(12))
                .up("m", "m0")
                .set("m", "m0", set_mac(14))
                .up("m", "m0")
                .observe(),
            stations("MTUs", "bridge")
                .set("m", "m0", mtu(1501))
                .set("a", "x", mtu(1400))
                .observe()
                .set("a", "x", mtu(1500))
                .set("m", "m0", mtu(67))
                .op(add(AddLink { mtu: Some(1501), ..on("x", "a", "z", "macvlan mode bridge") }))
                .observe(),
            stations("refusals", "bridge")
                .op(station("lo", "a", "z", "bridge", 15))
                .op(station("x", "a", "z", "passthru", 15))
                .op(add(kind("a", "z", "macvlan mode bridge")))
                .op(station("nope", "a", "z", "bridge", 15))
                .bridge("a", "br")
                .set("a", "br", set_mac(9))
                .master("a", "x", Some("br"))
                .observe(),
            stations("one on the other is beside it", "bridge")
                .op(station("m0", "m", "z", "bridge", 15))
                .up("m", "z")
                .observe(),
            stations("deleted", "bridge").op(del("m", "m0")).ping("n", "10.0.0.2", 1).op(del("b", "y")).observe(),
            stations("what is below moves away", "bridge").set("a", "x", to("b")).up("b", "x").observe().ping(
                "m",
                "10.0.0.12",
                1,
            ),
            Case::new("on a bridge")
                .netns(&["s", "h"])
                .wire(("h", "e"), ("s", "p"), (1, 21))
                .bridge("s", "br")
                .master("s", "p", Some("br"))
                .up("s", "br")
                .op(station("br", "s", "m", "bridge", 11))
                .up("s", "m")
                .addr("s", "m", "10.0.0.1/24")
                .addr("h", "e", "10.0.0.2/24")
                .ping("h", "10.0.0.1", 1)
                .observe()
                .see(See { fdb: true, ..ALL }),
        ],
    );
}

/// A host b at the wire of a member of the VRF red of a.
fn domain(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["a", "b"])
        .op(add(AddLink { mac: Some(mac(9)), ..kind("a", "red", "vrf table 10") }))
        .up("a", "red")
        .wire(("a", "x"), ("b", "y"), (1, 2))
        .addr("a", "x", "10.0.0.1/24")
        .addr("b", "y", "10.0.0.2/24")
        .master("a", "x", Some("red"))
}

#[test]
fn vrfs() {
    const ALL: See = See { neighs: true, fdb: false, stats: true };
    let bound = |dev_: &'static str| move |p: &mut nettwin_model::probe::Ping| p.dev = Some(dev(dev_));
    let get = |case: Case, dst: &str, oif: Option<&str>| {
        let get = nettwin_model::RouteGet {
            oif: oif.map(dev),
            ..nettwin_model::RouteGet::new(ns("a"), dst.parse().unwrap())
        };
        case.ask(nettwin_model::Query::RouteGet(get))
    };
    crate::agree_somewhere(
        "link-vrf",
        vec![
            Case::new("born, up and down")
                .netns(&["a"])
                .op(add(AddLink { mac: Some(mac(9)), ..kind("a", "red", "vrf table 10") }))
                .observe()
                .up("a", "red")
                .observe()
                .addr("a", "red", "127.0.0.1/8")
                .observe()
                .down("a", "red")
                .observe()
                .op(del("a", "red"))
                .observe(),
            domain("what its addresses make is in its table").observe().master("a", "x", None).observe(),
            domain("deleted with a member").op(del("a", "red")).observe(),
            domain("pings from and to a member")
                .ping("a", "10.0.0.2", 1)
                .ping_with("a", "10.0.0.2", 1, bound("red"))
                .ping_with("a", "10.0.0.2", 1, bound("x"))
                .ping("b", "10.0.0.1", 1)
                .ping_with("a", "10.0.0.1", 1, bound("red"))
                .see(ALL),
            get(
                get(
                    get(get(domain("routes asked for"), "10.0.0.2", None), "10.0.0.2", Some("red")),
                    "10.0.0.2",
                    Some("x"),
                ),
                "10.0.0.1",
                Some("red"),
            ),
            domain("two of one address")
                .netns(&["c"])
                .op(add(AddLink { mac: Some(mac(10)), ..kind("a", "blue", "vrf table 20") }))
                .up("a", "blue")
                .wire(("a", "z"), ("c", "w"), (3, 4))
                .master("a", "z", Some("blue"))
                .addr("a", "z", "10.0.0.1/24")
                .addr("c", "w", "10.0.0.2/24")
                .ping_with("a", "10.0.0.2", 1, bound("red"))
                .ping_with("a", "10.0.0.2", 1, bound("blue"))
                .ping("c", "10.0.0.1", 1)
                .ping("b", "10.0.0.1", 1)
                // Until nobody asks any more.
                .wait_ms(2500)
                .observe()
                .see(ALL),
            domain("forwards within, not without")
                .netns(&["c", "d"])
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .wire(("a", "z"), ("c", "w"), (3, 4))
                .wire(("a", "q"), ("d", "r"), (5, 6))
                .master("a", "z", Some("red"))
                .addr("a", "z", "10.1.0.1/24")
                .addr("a", "q", "10.2.0.1/24")
                .addr("c", "w", "10.1.0.2/24")
                .addr("d", "r", "10.2.0.2/24")
                .route("b", "default via 10.0.0.1")
                .route("c", "default via 10.1.0.1")
                .route("d", "default via 10.2.0.1")
                .ping("b", "10.1.0.2", 1)
                .ping("d", "10.1.0.2", 1)
                .ping("c", "10.0.0.77", 1)
                // Until nobody asks for that neighbour any more.
                .wait_ms(2500)
                .see(ALL),
            domain("routes by hand")
                .route("a", "default via 10.0.0.2 table 10")
                .route("a", "unreachable 10.9.0.0/16 table 10")
                .observe()
                .ping_with("a", "10.7.0.1", 1, bound("red"))
                .ping_with("a", "10.9.0.1", 1, bound("red")),
            domain("refusals")
                .op(add(AddLink { mac: Some(mac(10)), ..kind("a", "blue", "vrf table 20") }))
                .master("a", "blue", Some("red"))
                .master("a", "lo", Some("red"))
                .master("a", "x", Some("x"))
                .set("a", "red", to("b"))
                .set("a", "red", mtu(1279))
                .set("a", "red", mtu(65576))
                .set("a", "red", mtu(2000))
                .bridge("a", "br")
                .master("a", "x", Some("br"))
                .master("a", "br", Some("red"))
                .see(ALL),
        ],
    );
}
