//! Links on the real kernel: what can be made, changed and seen, and what is refused with which words.

use crate::common::{bridge, dev, done, machine, ns, refused, refused_somehow, set, up, veth};
use nettwin_model::{
    Backend, BridgeAttrs, Errno, Extent, LinkChange, LinkKind, Mac, Op, OperState, PortAttrs, PortState,
};

#[test]
fn a_pair_between_namespaces_is_seen_from_both_sides() {
    let Some(mut m) = machine("veth", &["a", "b"]) else { return };
    done(&mut m, &[veth(("a", "eth0"), ("b", "eth7")), up("a", "eth0"), up("b", "eth7")]);
    m.settle().unwrap();
    let seen = m.observe(&Extent::default()).unwrap();
    let a = &seen.netns[&ns("a")];
    let link = &a.config.links[&dev("eth0")];
    assert_eq!(link.kind, LinkKind::Veth { peer: Some((ns("b"), dev("eth7"))) });
    assert!(link.up);
    assert_eq!(link.mtu, Some(1500));
    let derived = &a.derived.links[&dev("eth0")];
    assert_eq!((derived.ifindex, derived.link_ifindex), (2, Some(2)));
    assert_eq!((derived.operstate, derived.carrier), (OperState::Up, true));
    assert_eq!(derived.qdisc, "noqueue");
    assert_eq!(
        seen.netns[&ns("b")].config.links[&dev("eth7")].kind,
        LinkKind::Veth { peer: Some((ns("a"), dev("eth0"))) }
    );
    // One namespace alone still names the other.
    let only = Extent { netns: Some([ns("b")].into()), ..Extent::default() };
    let alone = m.observe(&only).unwrap();
    assert_eq!(alone.netns.len(), 1);
    assert_eq!(alone.netns[&ns("b")], seen.netns[&ns("b")]);
}

#[test]
fn a_fresh_namespace_has_lo_down() {
    let Some(mut m) = machine("lo", &["a"]) else { return };
    let seen = m.observe(&Extent::default()).unwrap();
    let a = &seen.netns[&ns("a")];
    assert_eq!(a.config.links.len(), 1);
    let lo = &a.config.links[&dev("lo")];
    assert_eq!((lo.kind.clone(), lo.up, lo.mtu, lo.mac), (LinkKind::Loopback, false, Some(65536), Some(Mac::ZERO)));
    let derived = &a.derived.links[&dev("lo")];
    assert_eq!((derived.ifindex, derived.operstate, derived.qdisc.as_str()), (1, OperState::Down, "noop"));
    assert!(a.derived.routes.is_empty() && a.config.routes.is_empty());
    done(&mut m, &[up("a", "lo")]);
    let seen = m.observe(&Extent::default()).unwrap();
    let a = &seen.netns[&ns("a")];
    assert!(a.config.links[&dev("lo")].addrs.is_empty());
    let derived = &a.derived.links[&dev("lo")];
    assert_eq!(derived.operstate, OperState::Unknown);
    assert_eq!(derived.auto_addrs.len(), 1);
    assert_eq!(derived.auto_addrs[0].cidr.to_string(), "127.0.0.1/8");
}

#[test]
fn names_that_are_taken_or_missing() {
    let Some(mut m) = machine("names", &["a", "b"]) else { return };
    done(&mut m, &[veth(("a", "eth0"), ("b", "eth0"))]);
    refused(&mut m, Op::AddNetns { netns: ns("a") }, Errno::EEXIST, None);
    refused(&mut m, Op::DelNetns { netns: ns("z") }, Errno::ENOENT, None);
    refused(&mut m, veth(("a", "eth0"), ("b", "eth1")), Errno::EEXIST, None);
    refused(&mut m, veth(("a", "eth1"), ("b", "eth0")), Errno::EEXIST, None);
    refused(&mut m, veth(("a", "eth1"), ("z", "eth0")), Errno::ENOENT, None);
    refused(&mut m, up("a", "eth9"), Errno::ENODEV, None);
    refused(&mut m, up("z", "eth0"), Errno::ENOENT, None);
    refused(&mut m, Op::DelLink { netns: ns("a"), name: dev("eth9") }, Errno::ENODEV, None);
    refused(&mut m, Op::DelLink { netns: ns("a"), name: dev("lo") }, Errno::EOPNOTSUPP, None);
    let seen = m.observe(&Extent::default()).unwrap();
    assert_eq!(seen.netns[&ns("a")].config.links.len(), 2);
    assert_eq!(seen.netns[&ns("b")].config.links.len(), 2);
}

#[test]
fn a_link_can_be_changed() {
    let Some(mut m) = machine("set", &["a", "b"]) else { return };
    let mac = Mac([2, 0, 0, 0, 0, 7]);
    done(&mut m, &[veth(("a", "eth0"), ("a", "eth1"))]);
    done(&mut m, &[set("a", "eth0", LinkChange { mtu: Some(1400), mac: Some(mac), ..LinkChange::default() })]);
    done(&mut m, &[set("a", "eth0", LinkChange { rename: Some(dev("x")), up: Some(true), ..LinkChange::default() })]);
    let seen = m.observe(&Extent::default()).unwrap();
    let link = &seen.netns[&ns("a")].config.links[&dev("x")];
    assert_eq!((link.mtu, link.mac, link.up), (Some(1400), Some(mac), true));
    assert_eq!(link.kind, LinkKind::Veth { peer: Some((ns("a"), dev("eth1"))) });
    let change = LinkChange { netns: Some(ns("b")), rename: Some(dev("y")), ..LinkChange::default() };
    done(&mut m, &[set("a", "x", change)]);
    let seen = m.observe(&Extent::default()).unwrap();
    let link = &seen.netns[&ns("b")].config.links[&dev("y")];
    assert_eq!((link.mtu, link.mac, link.up), (Some(1400), Some(mac), false));
    assert_eq!(link.kind, LinkKind::Veth { peer: Some((ns("a"), dev("eth1"))) });
    let short = LinkChange { mtu: Some(67), ..LinkChange::default() };
    refused(&mut m, set("b", "y", short), Errno::EINVAL, Some("mtu less than device minimum"));
    let group = LinkChange { mac: Some(Mac::BROADCAST), ..LinkChange::default() };
    refused(&mut m, set("b", "y", group), Errno::EADDRNOTAVAIL, None);
    let lo = LinkChange { netns: Some(ns("a")), ..LinkChange::default() };
    refused_somehow(&mut m, set("b", "lo", lo), Errno::EINVAL);
}

#[test]
fn bridges_and_ports_keep_what_they_were_told() {
    let Some(mut m) = machine("bridge", &["s", "h"]) else { return };
    let attrs = BridgeAttrs {
        ageing_time: Some(1000),
        priority: Some(4096),
        stp_state: Some(true),
        group_fwd_mask: Some(8),
        mcast_snooping: Some(false),
        ..BridgeAttrs::default()
    };
    let port = PortAttrs {
        cost: Some(5),
        priority: Some(7),
        hairpin: Some(true),
        guard: Some(true),
        root_block: Some(true),
        fastleave: Some(true),
        learning: Some(false),
        flood: Some(false),
        mcast_flood: Some(false),
        bcast_flood: Some(false),
        isolated: Some(true),
        locked: Some(true),
        neigh_suppress: Some(true),
        ..PortAttrs::default()
    };
    let enslave = set("s", "p1", LinkChange { master: Some(Some(dev("br0"))), ..LinkChange::default() });
    done(
        &mut m,
        &[
            bridge("s", "br0", attrs.clone()),
            veth(("s", "p1"), ("h", "eth0")),
            enslave.clone(),
            Op::SetPort { netns: ns("s"), name: dev("p1"), attrs: port.clone() },
        ],
    );
    let seen = m.observe(&Extent::default()).unwrap();
    let s = &seen.netns[&ns("s")];
    let br = &s.config.links[&dev("br0")];
    assert_eq!(br.kind, LinkKind::Bridge);
    assert_eq!(br.bridge, Some(attrs.or(&BridgeAttrs::shown_by_all())));
    let p1 = &s.config.links[&dev("p1")];
    assert_eq!(p1.master, Some(dev("br0")));
    assert_eq!(p1.port, Some(port));
    let derived = s.derived.links[&dev("p1")].port.clone().unwrap();
    assert_eq!((derived.number, derived.state), (1, PortState::Disabled));
    let id = s.derived.links[&dev("br0")].bridge.clone().unwrap();
    assert_eq!(id.id.priority, 4096);
    assert_eq!(id.id.mac, s.derived.links[&dev("p1")].mac);
    // Twice is no harm; none takes it out.
    let release = set("s", "p1", LinkChange { master: Some(None), ..LinkChange::default() });
    done(&mut m, &[enslave, release]);
    let seen = m.observe(&Extent::default()).unwrap();
    assert_eq!(seen.netns[&ns("s")].config.links[&dev("p1")].port, None);
    refused(
        &mut m,
        set("s", "lo", LinkChange { master: Some(Some(dev("br0"))), ..LinkChange::default() }),
        Errno::EINVAL,
        None,
    );
    let not_one = Op::SetBridge {
        netns: ns("s"),
        name: dev("p1"),
        attrs: BridgeAttrs { stp_state: Some(true), ..BridgeAttrs::default() },
    };
    refused(&mut m, not_one, Errno::EOPNOTSUPP, None);
    let late = Op::SetBridge {
        netns: ns("s"),
        name: dev("br0"),
        attrs: BridgeAttrs { max_age: Some(1), ..BridgeAttrs::default() },
    };
    refused(&mut m, late, Errno::ERANGE, None);
}

#[test]
fn a_removed_namespace_takes_its_links_along_at_once() {
    let Some(mut m) = machine("teardown", &["s", "h1", "h2"]) else { return };
    done(&mut m, &[veth(("s", "p1"), ("h1", "eth0")), veth(("s", "p2"), ("h2", "eth0"))]);
    done(
        &mut m,
        &[
            Op::DelNetns { netns: ns("h1") },
            Op::DelNetns { netns: ns("h2") },
            Op::AddNetns { netns: ns("h1") },
            veth(("s", "p1"), ("h1", "eth0")),
        ],
    );
    let seen = m.observe(&Extent::default()).unwrap();
    let links: Vec<&str> = seen.netns[&ns("s")].config.links.keys().map(|n| n.as_str()).collect();
    assert_eq!(links, ["lo", "p1"]);
    // Indices are not used again.
    assert_eq!(seen.netns[&ns("s")].derived.links[&dev("p1")].ifindex, 4);
    assert!(m.destroy_all().is_empty());
    assert!(m.observe(&Extent::default()).unwrap().netns.is_empty());
}
