//! Bridges: learning, flooding, the bridge's own address, port attributes.

use crate::harness::{Case, See, dev, mac, ns};
use nettwin_model::op::{LinkChange, NewLink, VethPeer};
use nettwin_model::probe::PmtuDisc;
use nettwin_model::wire::write_eth;
use nettwin_model::{AddLink, BridgeAttrs, FdbEntry, FdbKind, Mac, Op, PortAttrs};

/// h1, h2, h3 on ports p1, p2, p3 of bridge s1 in namespace s.
pub(crate) fn star(name: &'static str) -> Case {
    let mut case = Case::new(name).netns(&["s", "h1", "h2", "h3"]).bridge("s", "s1");
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

pub(crate) fn port(name: &str, attrs: PortAttrs) -> Op {
    Op::SetPort { netns: ns("s"), name: dev(name), attrs }
}

pub(crate) fn bridge(attrs: BridgeAttrs) -> Op {
    Op::SetBridge { netns: ns("s"), name: dev("s1"), attrs }
}

pub(crate) fn fdb(port: &str, m: u8, kind: FdbKind) -> Op {
    let entry = FdbEntry { bridge: dev("s1"), dev: dev(port), mac: mac(m), kind, sticky: false, vlan: 0, remote: None };
    Op::AddFdb { netns: ns("s"), entry, replace: false }
}

/// Long packets to h3, whose port has an MTU of 500: with and without DF, to one and to all.
fn cut_at_port(name: &'static str, call_iptables: &str) -> Case {
    let small = LinkChange { mtu: Some(500), ..LinkChange::default() };
    star(name)
        .sysctl("s", "net.bridge.bridge-nf-call-iptables", call_iptables)
        .set("s", "p3", small)
        .addr("s", "s1", "192.168.1.254/24")
        .capture("third", "h3", "eth0")
        .capture("first", "h1", "eth0")
        .ping_with("h1", "192.168.1.3", 1, |p| (p.size, p.pmtudisc) = (900, PmtuDisc::Dont))
        .ping_with("h1", "192.168.1.3", 1, |p| (p.size, p.pmtudisc) = (900, PmtuDisc::Do))
        .ping_with("h1", "192.168.1.3", 1, |p| (p.size, p.pmtudisc) = (472, PmtuDisc::Do))
        .ping_with("h1", "192.168.1.3", 1, |p| (p.size, p.pmtudisc) = (474, PmtuDisc::Dont))
        .ping_with("h1", "192.168.1.255", 1, |p| {
            (p.size, p.pmtudisc, p.broadcast) = (1400, PmtuDisc::Dont, true);
        })
        .ping("h3", "192.168.1.1", 1)
        .end("third")
        .end("first")
        .see(See { neighs: false, fdb: true, stats: true })
}

#[test]
fn forwarding() {
    crate::agree(
        "bridge-forwarding",
        vec![
            star("all ping all")
                .capture("third", "h3", "eth0")
                .ping("h1", "192.168.1.2", 2)
                .ping("h1", "192.168.1.3", 1)
                .ping("h2", "192.168.1.3", 1)
                .end("third")
                .see(See { neighs: true, fdb: true, stats: true }),
            star("the bridge answers for itself")
                .addr("s", "s1", "192.168.1.254/24")
                .ping("h1", "192.168.1.254", 1)
                .ping("s", "192.168.1.2", 1)
                .see(See { neighs: true, fdb: true, stats: false }),
            star("a hub has ageing 0")
                .op(bridge(BridgeAttrs { ageing_time: Some(0), ..Default::default() }))
                .capture("third", "h3", "eth0")
                .ping("h1", "192.168.1.2", 2)
                .end("third"),
            star("entries age")
                .op(bridge(BridgeAttrs { ageing_time: Some(100), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .fdb()
                .wait_ms(2600)
                .fdb(),
            star("bridge down").down("s", "s1").wait_ms(300).observe().ping("h1", "192.168.1.2", 1).up("s", "s1").ping(
                "h1",
                "192.168.1.2",
                1,
            ),
            star("a port that goes down is forgotten").ping("h1", "192.168.1.2", 1).down("s", "p1").wait_ms(300).fdb(),
            star("a port that leaves").ping("h1", "192.168.1.2", 1).master("s", "p1", None).fdb().ping(
                "h2",
                "192.168.1.1",
                1,
            ),
            star("isolated ports")
                .op(port("p1", PortAttrs { isolated: Some(true), ..Default::default() }))
                .op(port("p2", PortAttrs { isolated: Some(true), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .ping("h1", "192.168.1.3", 1),
            star("no learning, no flooding")
                .op(port("p2", PortAttrs { learning: Some(false), flood: Some(false), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
            star("no broadcast flooding")
                .op(port("p2", PortAttrs { bcast_flood: Some(false), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1),
            star("a locked port")
                .op(port("p1", PortAttrs { locked: Some(true), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .op(fdb("p1", 1, FdbKind::Static))
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
            star("static entries")
                .op(fdb("p3", 2, FdbKind::Static))
                .op(fdb("p3", 2, FdbKind::Static))
                .fdb()
                .ping("h1", "192.168.1.2", 1)
                .fdb()
                .op(Op::DelFdb {
                    netns: ns("s"),
                    entry: FdbEntry {
                        bridge: dev("s1"),
                        dev: dev("p1"),
                        mac: mac(0x55),
                        kind: FdbKind::Static,
                        sticky: false,
                        vlan: 0,
                        remote: None,
                    },
                }),
            cut_at_port("a bridge cuts packets for a port of small MTU", "1"),
            cut_at_port("a bridge that keeps the IP firewall out drops them", "0"),
            star("a permanent entry is the bridge's own")
                .op(fdb("p3", 2, FdbKind::Permanent))
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
        ],
    );
}

/// Both ends of two wires between bridges: where the second bridge believes the sender to be is where the last copy came from.
fn newest_first() -> Case {
    let mut frame = vec![0; 60];
    write_eth(&mut frame, Mac::BROADCAST, mac(0x55), 0x88cc);
    let mut case = Case::new("the newest port is flooded first")
        .netns(&["s", "t", "h"])
        .bridge("s", "s1")
        .bridge("t", "s2")
        .wire(("h", "e"), ("s", "p1"), (1, 0x11))
        .master("s", "p1", Some("s1"));
    for (n, port) in [(2, "p2"), (3, "p3"), (4, "p4")] {
        let isolated = PortAttrs { isolated: Some(true), ..Default::default() };
        case = case
            .wire(("t", port), ("s", port), (0x20 + n, 0x10 + n))
            .master("t", port, Some("s2"))
            .op(Op::SetPort { netns: ns("t"), name: dev(port), attrs: isolated })
            .master("s", port, Some("s1"));
    }
    case.up("s", "s1")
        .up("t", "s2")
        .send("h", "e", vec![frame.clone()])
        .fdb()
        .master("s", "p2", None)
        .master("s", "p2", Some("s1"))
        .send("h", "e", vec![frame])
        .fdb()
}

/// Both ends of 512 wires are to be ports, and one of them finds no room until another leaves.
fn full() -> Case {
    let mut case = Case::new("as many ports as there may be").netns(&["s"]).bridge("s", "s1");
    for n in 0..512 {
        let (one, other) = (format!("v{n}"), format!("w{n}"));
        let peer = VethPeer { netns: ns("s"), name: dev(&other), mac: None, mtu: None };
        let link = AddLink {
            netns: ns("s"),
            name: dev(&one),
            kind: NewLink::Veth { peer },
            mac: None,
            mtu: None,
            master: Some(dev("s1")),
            up: false,
        };
        case = case.op(Op::AddLink(Box::new(link))).master("s", &other, Some("s1"));
    }
    case.master("s", "v3", None).master("s", "w511", Some("s1")).master("s", "v3", Some("s1"))
}

#[test]
fn device() {
    crate::agree(
        "bridge-device",
        vec![
            Case::new("born, with and without ports")
                .netns(&["s", "h"])
                .bridge("s", "s1")
                .up("s", "s1")
                .wire(("h", "e1"), ("s", "p1"), (1, 0x12))
                .wire(("h", "e2"), ("s", "p2"), (2, 0x11))
                .master("s", "p1", Some("s1"))
                .observe()
                .master("s", "p2", Some("s1"))
                .observe()
                .master("s", "p2", None)
                .observe()
                .master("s", "p1", None)
                .wait_ms(1200)
                .observe(),
            Case::new("its own entry goes where its MAC goes")
                .netns(&["s", "h"])
                .bridge("s", "s1")
                .wire(("h", "e1"), ("s", "p1"), (1, 0x11))
                .master("s", "p1", Some("s1"))
                .fdb()
                .set("s", "p1", LinkChange { mac: Some(mac(0x11)), ..Default::default() })
                .fdb()
                .master("s", "p1", None)
                .fdb()
                .set("s", "s1", LinkChange { mac: Some(mac(0x33)), ..Default::default() })
                .fdb(),
            Case::new("MTU is the ports' least until set")
                .netns(&["s", "h"])
                .bridge("s", "s1")
                .wire(("h", "e1"), ("s", "p1"), (1, 0x11))
                .wire(("h", "e2"), ("s", "p2"), (2, 0x12))
                .master("s", "p1", Some("s1"))
                .master("s", "p2", Some("s1"))
                .set("s", "p1", LinkChange { mtu: Some(1300), ..Default::default() })
                .observe()
                .set("s", "s1", LinkChange { mtu: Some(1200), ..Default::default() })
                .set("s", "p1", LinkChange { mtu: Some(900), ..Default::default() })
                .observe(),
            Case::new("who may be enslaved")
                .netns(&["s", "h"])
                .bridge("s", "s1")
                .bridge("s", "s2")
                .wire(("h", "e1"), ("s", "p1"), (1, 0x11))
                .master("s", "s2", Some("s1"))
                .master("s", "lo", Some("s1"))
                .master("s", "p1", Some("lo"))
                .master("s", "p1", Some("nope"))
                .master("s", "p1", Some("s1"))
                .master("s", "p1", Some("s1"))
                .master("s", "p1", Some("s2"))
                .observe(),
            Case::new("attributes out of range")
                .netns(&["s", "h"])
                .bridge("s", "s1")
                .wire(("h", "e1"), ("s", "p1"), (1, 0x11))
                .master("s", "p1", Some("s1"))
                .op(bridge(BridgeAttrs { group_fwd_mask: Some(7), ..Default::default() }))
                .op(bridge(BridgeAttrs { priority: Some(4096), ..Default::default() }))
                .op(port("p1", PortAttrs { priority: Some(64), ..Default::default() }))
                .op(port("p1", PortAttrs { cost: Some(0), ..Default::default() }))
                .op(port("p1", PortAttrs { cost: Some(65536), ..Default::default() }))
                .op(port("p1", PortAttrs { cost: Some(100), priority: Some(5), ..Default::default() }))
                .observe(),
            newest_first(),
            full(),
            Case::new("the bridge goes: its ports stay")
                .netns(&["s", "h"])
                .bridge("s", "s1")
                .wire(("h", "e1"), ("s", "p1"), (1, 0x11))
                .master("s", "p1", Some("s1"))
                .op(Op::DelLink { netns: ns("s"), name: dev("s1") })
                .observe(),
        ],
    );
}
