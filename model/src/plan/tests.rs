use super::*;
use crate::link::{BridgeAttrs, LinkKind};
use crate::name::IfName;
use crate::snapshot::{LinkConfig, NetnsState};
use crate::words;
use expect_test::{Expect, expect};

/// A lab as text, a link a line: `NETNS:DEV [-> NETNS:DEV | bridge] [in BRIDGE] [up] [mtu N] [addr A]… [netem …]`, and
/// `NETNS route …`, `NETNS neigh …`, `NETNS fdb BRIDGE …`, `NETNS sysctl KEY VALUE`.
pub(crate) fn lab(text: &str) -> Desired {
    let mut desired = Desired::default();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (subject, rest) = line.split_once(' ').unwrap_or((line, ""));
        let Some((netns, dev)) = subject.split_once(':') else {
            let config = desired.netns.entry(subject.parse().unwrap()).or_default();
            let (noun, words) = rest.split_once(' ').unwrap_or(("", ""));
            match noun {
                "route" => config.routes.push(words::route::parse(words).unwrap()),
                "neigh" => config.neighs.push(words::neigh::parse(words).unwrap()),
                "fdb" => {
                    let (bridge, words) = words.split_once(' ').unwrap();
                    config.fdb.push(words::fdb::parse(words, bridge.parse().unwrap()).unwrap());
                }
                "sysctl" => {
                    let (key, value) = words.split_once(' ').unwrap();
                    config.sysctls.insert(key.parse().unwrap(), value.into());
                }
                _ => assert_eq!(noun, ""),
            }
            continue;
        };
        let link = link(dev, rest);
        desired.netns.entry(netns.parse().unwrap()).or_default().links.insert(dev.parse().unwrap(), link);
    }
    desired
}

fn link(dev: &str, words: &str) -> LinkConfig {
    let kind = if dev == "lo" { LinkKind::Loopback } else { LinkKind::Veth { peer: None } };
    let mut link = LinkConfig {
        kind,
        up: false,
        mtu: None,
        mac: None,
        master: None,
        addrs: Vec::new(),
        bridge: None,
        port: None,
        vlans: None,
        impairment: None,
    };
    let mut words = words.split(' ').filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        match word {
            "->" => {
                let (netns, dev) = value().split_once(':').unwrap();
                link.kind = LinkKind::Veth { peer: Some((netns.parse().unwrap(), dev.parse().unwrap())) };
            }
            "bridge" => (link.kind, link.bridge) = (LinkKind::Bridge, Some(BridgeAttrs::shown_by_all())),
            "stp" => link.bridge.as_mut().unwrap().stp_state = Some(true),
            "in" => link.master = Some(value().parse().unwrap()),
            "up" => link.up = true,
            "mtu" => link.mtu = Some(value().parse().unwrap()),
            "mac" => link.mac = Some(value().parse().unwrap()),
            "addr" => link.addrs.push(words::addr::parse(value()).unwrap()),
            "netem" => {
                link.impairment = Some(words::netem::parse(&words.by_ref().collect::<Vec<_>>().join(" ")).unwrap());
            }
            _ => panic!("{word}"),
        }
    }
    link
}

/// What a machine would show of it, as far as a plan looks.
pub(crate) fn seen(desired: &Desired) -> Snapshot {
    let state = |config: &Config| NetnsState { config: config.clone(), ..NetnsState::default() };
    Snapshot { netns: desired.netns.iter().map(|(netns, config)| (netns.clone(), state(config))).collect() }
}

fn check(before: &str, after: &str, expect: Expect) {
    let (before, after) = (lab(before), lab(after));
    let plan = Plan::between(&after, &seen(&before));
    let script = plan.to_string();
    expect.assert_eq(script.strip_prefix("#!/bin/sh\nset -e\n").unwrap());
    assert!(Plan::between(&after, &seen(&after)).is_empty());
}

pub(crate) const LAN: &str = "
    h1:lo up
    h1:eth0 -> s1:p1 up addr 10.0.0.1/24
    h1 route default via 10.0.0.254
    h1 sysctl net.ipv4.ip_forward 0
    s1:p1 -> h1:eth0 in br0 up mtu 1400
    s1:br0 bridge up mtu 1400
    s1 fdb br0 02:00:00:00:00:07 dev p1 static";

#[test]
fn from_nothing() {
    check(
        "",
        LAN,
        expect![[r#"
            ip netns add h1
            ip netns add s1
            ip -n s1 link add name br0 type bridge
            ip -n s1 link add name p1 mtu 1400 master br0 up type veth peer name eth0 netns h1
            ip -n h1 link set dev eth0 up
            ip -n h1 link set dev lo up
            ip -n s1 link set dev br0 mtu 1400
            ip -n h1 addr add 10.0.0.1/24 dev eth0
            ip -n s1 link set dev br0 up
            ip -n h1 route add default via 10.0.0.254
            bridge -n s1 fdb replace 02:00:00:00:00:07 dev p1 master static
        "#]],
    );
}

#[test]
fn who_types_writes_what_machines_begin_with() {
    let text = "h1:lo up\nh1 sysctl net.ipv4.ip_forward 0\nh1 sysctl net.ipv4.conf.all.rp_filter 1";
    let sysctls = |plan: Plan| plan.ops.iter().filter(|op| matches!(op, Op::SetSysctl { .. })).count();
    assert_eq!(sysctls(Plan::between(&lab(text), &Snapshot::default())), 1, "rp_filter is another one");
    assert_eq!(sysctls(Plan::by_hand(&lab(text), &Snapshot::default())), 2);
}

#[test]
fn to_nothing() {
    check(
        LAN,
        "",
        expect![[r#"
        ip netns del h1
        ip netns del s1
    "#]],
    );
}

#[test]
fn a_host_goes() {
    check(
        LAN,
        "s1:br0 bridge up",
        expect![[r#"
        ip -n s1 link del dev p1
        ip netns del h1
    "#]],
    );
}

#[test]
fn a_primary_goes_and_takes_its_subnet() {
    let before = "
        h1:e -> h2:e up addr 10.0.0.1/24 addr 10.0.0.2/24 addr 10.1.0.1/24
        h2:e -> h1:e up
        h1 route 10.5.0.0/16 via 10.0.0.9 dev e src 10.0.0.2
        h1 route 10.6.0.0/16 via 10.1.0.9 dev e";
    let after = before.replace("addr 10.0.0.1/24 ", "");
    check(
        before,
        &after,
        expect![[r#"
        ip -n h1 addr del 10.0.0.2/24 dev e
        ip -n h1 addr del 10.0.0.1/24 dev e
        ip -n h1 addr add 10.0.0.2/24 dev e
        ip -n h1 route add 10.5.0.0/16 via 10.0.0.9 dev e src 10.0.0.2
    "#]],
    );
}

#[test]
fn routes_are_replaced_one_by_one_and_lists_made_anew() {
    let before = "
        h1:e -> h2:e up addr 10.0.0.1/24
        h2:e -> h1:e up
        h1 route default via 10.0.0.9 dev e
        h1 route blackhole 10.9.0.0/16
        h1 route 10.5.0.0/16 via 10.0.0.8 dev e
        h1 route 10.5.0.0/16 via 10.0.0.9 dev e";
    let after = "
        h1:e -> h2:e up addr 10.0.0.1/24
        h2:e -> h1:e up
        h1 route default via 10.0.0.8
        h1 route 10.5.0.0/16 via 10.0.0.9 dev e
        h1 route 10.5.0.0/16 via 10.0.0.8 dev e
        h1 route 10.7.0.0/16 via 172.16.0.1 dev e
        h1 route 172.16.0.1 dev e";
    check(
        before,
        after,
        expect![[r#"
        ip -n h1 route del 10.5.0.0/16 via 10.0.0.8 dev e
        ip -n h1 route del 10.5.0.0/16 via 10.0.0.9 dev e
        ip -n h1 route del blackhole 10.9.0.0/16
        ip -n h1 route add 172.16.0.1 dev e
        ip -n h1 route replace default via 10.0.0.8
        ip -n h1 route add 10.5.0.0/16 via 10.0.0.9 dev e
        ip -n h1 route append 10.5.0.0/16 via 10.0.0.8 dev e
        ip -n h1 route add 10.7.0.0/16 via 172.16.0.1 dev e
    "#]],
    );
}

#[test]
fn what_a_change_takes_along_is_made_again() {
    let before = "
        h1:e -> h2:e up mac 02:00:00:00:00:01 addr 10.0.0.1/24
        h2:e -> h1:e up
        h1 neigh 10.0.0.2 lladdr 02:00:00:00:00:02 dev e
        h1 route 10.5.0.0/16 via 10.0.0.8 dev e";
    check(
        before,
        &before.replace("00:01 addr", "00:09 addr"),
        expect![[r#"
        ip -n h1 link set dev e address 02:00:00:00:00:09
        ip -n h1 neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev e
    "#]],
    );
    check(
        before,
        &before.replace("10.0.0.1/24", "10.0.0.2/24"),
        expect![[r#"
        ip -n h1 addr del 10.0.0.1/24 dev e
        ip -n h1 addr add 10.0.0.2/24 dev e
        ip -n h1 route add 10.5.0.0/16 via 10.0.0.8 dev e
        ip -n h1 neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev e
    "#]],
    );
    check(
        before,
        &before.replace("h2:e", "h2:f"),
        expect![[r#"
        ip -n h1 link del dev e
        ip -n h1 link add name e address 02:00:00:00:00:01 up type veth peer name f netns h2
        ip -n h2 link set dev f up
        ip -n h1 addr add 10.0.0.1/24 dev e
        ip -n h1 route add 10.5.0.0/16 via 10.0.0.8 dev e
        ip -n h1 neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev e
    "#]],
    );
}

#[test]
fn sysctls_that_rewrite_others_go_first() {
    let before = "
        h1:lo up
        h1 sysctl net.ipv4.ip_forward 0
        h1 sysctl net.ipv4.conf.all.accept_redirects 1
        h1 sysctl net.ipv4.conf.lo.forwarding 0
        h1 sysctl net.ipv4.conf.all.rp_filter 0";
    check(
        before,
        &before.replace("ip_forward 0", "ip_forward 1"),
        expect![[r#"
        ip netns exec h1 sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.lo.forwarding=0
    "#]],
    );
}

#[test]
fn host_keeps_what_is_not_named() {
    let before = "
        host:lo up addr 127.0.0.53/32
        host:docker0 bridge up addr 172.17.0.1/16
        host:br0 bridge up addr 10.0.0.1/24
        host route default via 172.17.0.9 dev docker0
        host route 10.1.0.0/16 via 10.0.0.9 dev br0";
    check(
        before,
        "host:br0 bridge stp up addr 10.0.0.1/24",
        expect![[r#"
        ip route del 10.1.0.0/16 via 10.0.0.9 dev br0
        ip link set dev br0 type bridge stp_state 1
    "#]],
    );
    let lo = "host:lo";
    let plan = Plan::between(&lab(lo), &seen(&lab(before)));
    assert!(plan.is_empty(), "{plan}");
    let mut other = seen(&lab("host:e -> host:f"));
    let host = other.netns.get_mut(&NetnsName::host()).unwrap();
    host.config.links.get_mut(&IfName::new("e").unwrap()).unwrap().kind = LinkKind::Other("dummy".into());
    let plan = Plan::between(&lab("host:e bridge"), &other);
    assert_eq!(plan.ops.len(), 1, "{plan}");
}

#[test]
fn a_summary_counts_the_sysctls_of_the_newborn() {
    let plan = Plan::between(&lab(&LAN.replace("ip_forward 0", "ip_forward 1")), &Snapshot::default());
    expect![[r#"
        + namespace h1 with a sysctl
        + namespace s1
        + bridge s1:br0
        + veth s1:p1 and h1:eth0
        + h1:eth0 address 10.0.0.1/24
        + h1 route default via 10.0.0.254
        + s1:br0 entry 02:00:00:00:00:07 dev p1 master static
        ~ h1:lo up
    "#]]
    .assert_eq(&plan.summary().to_string());
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
}
