//! MLD as hosts and queriers say it, on a bridge that snoops and has no IPv6 itself: who joins, who leaves, who asks, and
//! which ports a group's frames leave by.

use crate::bridge::{bridge, port, star};
use crate::harness::{Case, dev, mac, ns};
use nettwin_model::wire::{ETH_LEN, ETHERTYPE_IPV6, checksum, write_eth};
use nettwin_model::{BridgeAttrs, Group, Mac, MdbEntry, Op, PortAttrs};
use std::net::Ipv6Addr;

const GROUP: &str = "ff0e::1:1";
const OTHER: &str = "ff0e::2:2";
const LOCAL: &str = "ff02::77";
const ALL_NODES: &str = "ff02::1";
const ALL_ROUTERS: &str = "ff02::2";
const REPORTS: &str = "ff02::16";

fn addr(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

/// A packet of host `n` to a group.
fn packet(n: u8, proto: u8, to: &str, body: &[u8]) -> Vec<u8> {
    let to = addr(to).octets();
    let mut out = vec![0; ETH_LEN];
    write_eth(&mut out, Mac([0x33, 0x33, to[12], to[13], to[14], to[15]]), mac(n), ETHERTYPE_IPV6);
    out.extend([0x60, 0, 0, 0, 0, body.len() as u8, proto, 1]); // far below 256 bytes
    out.extend(source(n));
    out.extend(to);
    out.extend(body);
    out
}

fn source(n: u8) -> [u8; 16] {
    addr(&format!("fe80::{n}")).octets()
}

/// A message behind the option that routers look for.
fn mld(n: u8, to: &str, mut body: Vec<u8>) -> Vec<u8> {
    let mut all = [source(n), addr(to).octets()].concat();
    all.extend([0, 0, 0, body.len() as u8, 0, 0, 0, 58]);
    all.extend(&body);
    let sum = checksum(&all).to_be_bytes();
    body[2..4].copy_from_slice(&sum);
    packet(n, 0, to, &[&[58, 0, 5, 2, 0, 0, 1, 0], &body[..]].concat())
}

fn short(n: u8, kind: u8, millis: u16, group: &str, to: &str) -> Vec<u8> {
    let [high, low] = millis.to_be_bytes();
    mld(n, to, [&[kind, 0, 0, 0, high, low, 0, 0][..], &addr(group).octets()].concat())
}

fn join(n: u8, group: &str) -> Vec<u8> {
    short(n, 131, 0, group, group)
}

fn done(n: u8, group: &str) -> Vec<u8> {
    short(n, 132, 0, group, ALL_ROUTERS)
}

/// A question of version 1 for all groups, or for one.
fn query(n: u8, millis: u16, group: Option<&str>) -> Vec<u8> {
    short(n, 130, millis, group.unwrap_or("::"), group.unwrap_or(ALL_NODES))
}

/// The same of version 2.
fn query2(n: u8, code: u16, group: Option<&str>, sources: u8) -> Vec<u8> {
    let [high, low] = code.to_be_bytes();
    let mut body = vec![130, 0, 0, 0, high, low, 0, 0];
    body.extend(addr(group.unwrap_or("::")).octets());
    body.extend([2, 125, 0, sources]);
    (0..sources).for_each(|s| body.extend(source(s + 100)));
    mld(n, group.unwrap_or(ALL_NODES), body)
}

/// A report of version 2: the kind of each record, its group, how many sources.
fn report(n: u8, records: &[(u8, &str, u8)]) -> Vec<u8> {
    let mut body = vec![143, 0, 0, 0, 0, 0, 0, records.len() as u8];
    for (kind, group, sources) in records {
        body.extend([*kind, 0, 0, *sources]);
        body.extend(addr(group).octets());
        (0..*sources).for_each(|s| body.extend(source(s + 100)));
    }
    mld(n, REPORTS, body)
}

/// Something else for a group: a datagram that nobody looks into.
fn data(n: u8, to: &str) -> Vec<u8> {
    packet(n, 17, to, &[0x12, 0x34, 0x12, 0x34, 0, 12, 0, 0, 1, 2, 3, 4])
}

/// Where it is looked what comes.
const PLACES: [(&str, &str, &str); 4] =
    [("at h1", "h1", "eth0"), ("at h2", "h2", "eth0"), ("at h3", "h3", "eth0"), ("up", "s", "s1")];

/// The star of three hosts, whose bridge snoops.
fn snooping(name: &'static str) -> Case {
    let case = star(name).op(bridge(BridgeAttrs { mcast_snooping: Some(true), ..Default::default() }));
    PLACES.iter().fold(case, |case, (name, netns, dev)| case.capture(name, netns, dev))
}

fn is_ipv6(frame: &str) -> bool {
    frame.get(24..28) == Some("86dd")
}

fn all(case: Case) -> Case {
    PLACES.iter().fold(case.wait_ms(100).fdb(), |case, (name, ..)| case.end_where(name, "of IPv6", is_ipv6))
}

fn member(of: &str, group: &str, permanent: bool) -> MdbEntry {
    MdbEntry { bridge: dev("s1"), port: dev(of), group: Group::Ip6(addr(group)), vlan: 0, permanent }
}

fn add(of: &str, group: &str, permanent: bool) -> Op {
    Op::AddMdb { netns: ns("s"), entry: member(of, group, permanent) }
}

fn del(of: &str, group: &str) -> Op {
    Op::DelMdb { netns: ns("s"), entry: member(of, group, false) }
}

#[test]
fn mld_is_heard() {
    let broken = |mut frame: Vec<u8>| {
        if let Some(last) = frame.last_mut() {
            *last ^= 1;
        }
        frame
    };
    // A tenth of a second, in which nobody's answers are waited for any more.
    let asked = |name| snooping(name).send("h3", "eth0", vec![query(3, 100, None)]).wait_ms(300);
    crate::agree(
        "mld",
        vec![
            all(snooping("a join, and without a querier all get what is for the group")
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h1", "eth0", vec![data(1, GROUP), data(1, OTHER), data(1, ALL_NODES)])),
            all(asked("with a querier members only").send("h2", "eth0", vec![join(2, GROUP)]).send(
                "h1",
                "eth0",
                vec![data(1, GROUP), data(1, OTHER), data(1, LOCAL), data(1, ALL_NODES)],
            )),
            all(asked("groups of a link count, too, but for that of all")
                .send("h2", "eth0", vec![join(2, LOCAL), join(2, ALL_NODES), join(2, "ff02::1:ff00:2")])
                .send("h1", "eth0", vec![data(1, LOCAL), data(1, ALL_NODES)])),
            all(snooping("members have time to answer")
                .send("h3", "eth0", vec![query(3, 5000, None)])
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h1", "eth0", vec![data(1, GROUP), data(1, OTHER)])),
            all(asked("reports of version 2")
                .send("h2", "eth0", vec![report(2, &[(4, GROUP, 0), (2, OTHER, 0), (3, LOCAL, 0), (9, LOCAL, 0)])])
                .send("h1", "eth0", vec![report(1, &[(1, GROUP, 1), (6, OTHER, 1)])])
                .send("h3", "eth0", vec![data(3, GROUP), data(3, OTHER), data(3, LOCAL)])),
            all(snooping("who leaves is forgotten a little later")
                .op(bridge(BridgeAttrs { mcast_last_member_interval: Some(20), ..Default::default() }))
                .send("h2", "eth0", vec![join(2, GROUP), join(2, OTHER)])
                .send("h2", "eth0", vec![done(2, GROUP), report(2, &[(3, OTHER, 0)])])
                .fdb()
                .wait_ms(1000)),
            all(asked("while another asks it is for that one to find out")
                .op(bridge(BridgeAttrs { mcast_last_member_interval: Some(20), ..Default::default() }))
                .send("h2", "eth0", vec![join(2, GROUP), join(2, OTHER)])
                .send("h2", "eth0", vec![done(2, GROUP)])
                .wait_ms(1000)
                .fdb()
                .send("h3", "eth0", vec![query(3, 100, Some(GROUP)), query(3, 0, Some(OTHER))])
                .send("h3", "eth0", vec![query2(3, 100, Some(OTHER), 1)])
                .wait_ms(1000)),
            all(asked("at once where the port says so")
                .op(port("p2", PortAttrs { fastleave: Some(true), ..Default::default() }))
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h1", "eth0", vec![join(1, GROUP)])
                .send("h2", "eth0", vec![done(2, GROUP)])
                .send("h1", "eth0", vec![done(1, GROUP)])),
            all(snooping("a question of version 2")
                .send("h3", "eth0", vec![query2(3, 100, None, 0)])
                .wait_ms(300)
                .send("h1", "eth0", vec![data(1, GROUP)])),
            all(snooping("what is broken is dropped")
                .send("h2", "eth0", vec![broken(join(2, GROUP)), broken(data(2, GROUP))])
                .send("h2", "eth0", vec![short(2, 130, 100, "::", GROUP), join(2, OTHER)[..70].to_vec()])
                .send("h2", "eth0", vec![short(2, 150, 0, GROUP, GROUP), report(2, &[])])),
            all(asked("routers are told where others are not")
                .send("h1", "eth0", vec![join(1, GROUP)])
                .send("h2", "eth0", vec![data(2, OTHER)])
                .op(port("p3", PortAttrs { mcast_router: Some(0), ..Default::default() }))
                .op(port("p1", PortAttrs { mcast_router: Some(2), ..Default::default() }))
                .send("h2", "eth0", vec![data(2, OTHER), join(2, OTHER)])),
            all(snooping("a bridge that may ask has nothing to ask with")
                .op(bridge(BridgeAttrs { mcast_querier: Some(true), ..Default::default() }))
                .wait_ms(1500)
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h1", "eth0", vec![data(1, OTHER)])
                .send("h3", "eth0", vec![query(3, 100, None)])
                .wait_ms(300)
                .send("h1", "eth0", vec![data(1, OTHER)])),
            all(asked("members by hand")
                .op(add("p1", GROUP, true))
                .op(add("p1", GROUP, false))
                .op(add("p2", OTHER, false))
                .op(add("p2", ALL_NODES, false))
                .op(add("p2", "fe80::1", false))
                .op(add("s1", LOCAL, false))
                .send("h3", "eth0", vec![data(3, GROUP), data(3, OTHER), data(3, LOCAL)])
                .op(del("p2", OTHER))
                .op(del("p2", OTHER))
                .op(del("p1", OTHER))),
            all(snooping("members that say nothing are forgotten")
                .op(bridge(BridgeAttrs { mcast_membership_interval: Some(100), ..Default::default() }))
                .send("h2", "eth0", vec![join(2, GROUP)])
                .fdb()
                .wait_ms(1500)),
        ],
    );
}
