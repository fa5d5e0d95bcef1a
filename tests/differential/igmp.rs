//! IGMP as hosts and queriers say it, on a bridge that snoops: who joins, who leaves, who asks, and what is forgotten when.

use crate::bridge::{bridge, port, star};
use crate::harness::{Case, See, mac};
use nettwin_model::wire::{ETH_LEN, ETHERTYPE_IPV4, checksum, write_eth};
use nettwin_model::{BridgeAttrs, Mac, PortAttrs};
use std::net::Ipv4Addr;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(239, 2, 2, 2);
const LOCAL: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 77);
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
const REPORTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);

/// A packet of host `n` to a group.
fn packet(n: u8, proto: u8, to: Ipv4Addr, body: &[u8]) -> Vec<u8> {
    let [_, b, c, d] = to.octets();
    let mut out = vec![0; ETH_LEN + 24];
    write_eth(&mut out, Mac([1, 0, 0x5e, b & 0x7f, c, d]), mac(n), ETHERTYPE_IPV4);
    let ip = &mut out[ETH_LEN..];
    let len = (24 + body.len()) as u16;
    ip[..10].copy_from_slice(&[0x46, 0xc0, 0, 0, 0, 0, 0x40, 0, 1, proto]);
    ip[2..4].copy_from_slice(&len.to_be_bytes());
    ip[12..16].copy_from_slice(&[192, 168, 1, n]);
    ip[16..20].copy_from_slice(&to.octets());
    ip[20..24].copy_from_slice(&[0x94, 4, 0, 0]);
    let sum = checksum(&ip[..24]).to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
    out.extend_from_slice(body);
    out
}

fn igmp(n: u8, to: Ipv4Addr, mut body: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&body).to_be_bytes();
    body[2..4].copy_from_slice(&sum);
    packet(n, 2, to, &body)
}

fn short(n: u8, kind: u8, code: u8, group: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    igmp(n, to, [&[kind, code, 0, 0][..], &group.octets()].concat())
}

fn join(n: u8, group: Ipv4Addr) -> Vec<u8> {
    short(n, 0x16, 0, group, group)
}

fn leave(n: u8, group: Ipv4Addr) -> Vec<u8> {
    short(n, 0x17, 0, group, ALL_ROUTERS)
}

/// A question of version 2 for all groups, or for one, to be answered within so many tenths of a second.
fn query(n: u8, tenths: u8, group: Option<Ipv4Addr>) -> Vec<u8> {
    short(n, 0x11, tenths, group.unwrap_or(Ipv4Addr::UNSPECIFIED), group.unwrap_or(ALL_HOSTS))
}

/// A report of version 3: the kind of each record, its group, how many sources.
fn report(n: u8, records: &[(u8, Ipv4Addr, u8)]) -> Vec<u8> {
    let mut body = vec![0x22, 0, 0, 0, 0, 0, 0, records.len() as u8];
    for (kind, group, sources) in records {
        body.extend_from_slice(&[*kind, 0, 0, *sources]);
        body.extend_from_slice(&group.octets());
        (0..*sources).for_each(|s| body.extend_from_slice(&[10, 0, 0, s + 1]));
    }
    igmp(n, REPORTS, body)
}

/// Something else for a group: a datagram that nobody looks into.
fn data(n: u8, to: Ipv4Addr) -> Vec<u8> {
    packet(n, 17, to, &[0x12, 0x34, 0x12, 0x34, 0, 12, 0, 0, 1, 2, 3, 4])
}

/// The star of three hosts, whose bridge snoops.
fn snooping(name: &'static str) -> Case {
    let case = star(name).op(bridge(BridgeAttrs { mcast_snooping: Some(true), ..Default::default() }));
    PLACES.iter().fold(case, |case, (name, netns, dev)| case.capture(name, netns, dev))
}

/// Where it is looked what comes.
const PLACES: [(&str, &str, &str); 4] =
    [("at h1", "h1", "eth0"), ("at h2", "h2", "eth0"), ("at h3", "h3", "eth0"), ("up", "s", "s1")];

/// The hosts' own frames; the bridge itself reports to all snoopers, at random times.
fn is_a_hosts(frame: &str) -> bool {
    frame.get(12..23) == Some("02000000000")
}

fn all(case: Case) -> Case {
    PLACES.iter().fold(case.wait_ms(100).fdb(), |case, (name, ..)| case.end_where(name, "of hosts", is_a_hosts))
}

/// A question, of whomever.
fn is_query(frame: &str) -> bool {
    frame.get(24..30) == Some("080046") && frame.get(46..48) == Some("02") && frame.get(76..78) == Some("11")
}

#[test]
fn igmp_is_heard() {
    crate::agree(
        "igmp",
        vec![
            all(snooping("a join, and without a querier all get what is for the group")
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h1", "eth0", vec![data(1, GROUP), data(1, OTHER)])),
            all(snooping("with a querier members only")
                .send("h3", "eth0", vec![query(3, 1, None)])
                .wait_ms(300)
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h1", "eth0", vec![data(1, GROUP), data(1, OTHER), data(1, LOCAL)])),
            all(snooping("until the querier's time is over all get it")
                .send("h3", "eth0", vec![query(3, 200, None)])
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h1", "eth0", vec![data(1, GROUP), data(1, OTHER)])),
            all(snooping("a leave is believed after two seconds")
                .send("h2", "eth0", vec![join(2, GROUP), join(2, OTHER)])
                .send("h2", "eth0", vec![leave(2, GROUP)])
                .fdb()
                .wait_ms(1500)
                .fdb()
                .wait_ms(800)),
            all(snooping("or at once where the port says so")
                .op(port("p2", PortAttrs { fastleave: Some(true), ..Default::default() }))
                .send("h2", "eth0", vec![join(2, GROUP), join(2, OTHER)])
                .send("h2", "eth0", vec![leave(2, GROUP)])),
            all(snooping("while another queries a leave is left to him")
                .send("h3", "eth0", vec![query(3, 1, None)])
                .wait_ms(300)
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h2", "eth0", vec![leave(2, GROUP)])
                .wait_ms(2500)
                .fdb()
                .send("h3", "eth0", vec![query(3, 5, Some(GROUP))])
                .wait_ms(1500)),
            all(snooping("a member that answers in time stays")
                .send("h3", "eth0", vec![query(3, 1, None)])
                .wait_ms(300)
                .send("h2", "eth0", vec![join(2, GROUP)])
                .send("h3", "eth0", vec![query(3, 5, Some(GROUP))])
                .wait_ms(300)
                .send("h2", "eth0", vec![join(2, GROUP)])
                .wait_ms(1500)),
            all(snooping("reports of version 3")
                .send("h2", "eth0", vec![report(2, &[(4, GROUP, 0), (2, OTHER, 0), (4, LOCAL, 0)])])
                .send("h3", "eth0", vec![report(3, &[(1, GROUP, 2), (6, OTHER, 1), (9, LOCAL, 0)])])
                .fdb()
                .send("h2", "eth0", vec![report(2, &[(3, GROUP, 0)])])
                .wait_ms(2500)),
            all(snooping("reports go to routers only, of version 3 to all")
                .send("h3", "eth0", vec![query(3, 1, None)])
                .wait_ms(300)
                .send("h1", "eth0", vec![join(1, GROUP), report(1, &[(4, OTHER, 0)]), leave(1, GROUP)])),
            all(snooping("what is broken is lost").send("h1", "eth0", {
                let mut bad = join(1, GROUP);
                bad[ETH_LEN + 27] ^= 1;
                let short = packet(1, 2, GROUP, &[0x16, 0, 0, 0]);
                let unknown = igmp(1, GROUP, vec![0x55, 0, 0, 0, 1, 2, 3, 4]);
                vec![bad, short, unknown]
            })),
            all(snooping("groups of the link have no members").send(
                "h1",
                "eth0",
                vec![join(1, LOCAL), join(1, Ipv4Addr::new(224, 0, 1, 1))],
            )),
            all(snooping("the lower address queries")
                .send("h2", "eth0", vec![query(2, 1, None)])
                .send("h3", "eth0", vec![query(3, 1, None)])
                .send("h1", "eth0", vec![query(1, 1, None)])
                .wait_ms(300)
                .send("h1", "eth0", vec![data(1, OTHER)])),
            all(snooping("a querier that is silent is forgotten")
                .op(bridge(BridgeAttrs { mcast_querier_interval: Some(100), ..Default::default() }))
                .send("h3", "eth0", vec![query(3, 1, None)])
                .wait_ms(300)
                .send("h1", "eth0", vec![data(1, OTHER)])
                .wait_ms(1300)
                .send("h1", "eth0", vec![data(1, OTHER)])),
            all(snooping("a member is forgotten after 260 s")
                .takes_long()
                .send("h2", "eth0", vec![join(2, GROUP)])
                .wait_ms(259_000)
                .fdb()
                // A kernel's timers of that length are up to 16 s late.
                .wait_ms(18_000)),
            all(snooping("a bridge that queries asks a port where somebody left")
                .op(bridge(BridgeAttrs {
                    mcast_querier: Some(true),
                    mcast_query_response_interval: Some(10),
                    ..Default::default()
                }))
                .send("h2", "eth0", vec![join(2, GROUP)])
                .capture("second", "h2", "eth0")
                .send("h2", "eth0", vec![leave(2, GROUP)])
                .wait_ms(1500)
                .end_where("second", "what is asked", is_query)
                .fdb()
                .wait_ms(1000)),
        ],
    );
}

#[test]
fn reserved_groups() {
    let to = |x: u8| {
        let mut frame = vec![0; 60];
        write_eth(&mut frame, Mac([1, 0x80, 0xc2, 0, 0, x]), mac(1), 0x88cc);
        frame
    };
    let each = || (0..=0x11).map(to).collect::<Vec<_>>();
    let mask = |mask| bridge(BridgeAttrs { group_fwd_mask: Some(mask), ..Default::default() });
    crate::agree(
        "bridge-reserved",
        vec![
            star("none but the first is forwarded")
                .capture("second", "h2", "eth0")
                .send("h1", "eth0", each())
                .end("second")
                .see(See { fdb: true, stats: true, ..See::default() }),
            star("those that the mask says")
                .op(mask(0x4008))
                .capture("second", "h2", "eth0")
                .send("h1", "eth0", each())
                .end("second")
                .op(mask(0xfff8))
                .send("h1", "eth0", each())
                .see(See { fdb: true, stats: true, ..See::default() }),
            star("a source that is no station")
                .send("h1", "eth0", {
                    let frame = |src| {
                        let mut frame = vec![0; 60];
                        write_eth(&mut frame, Mac::BROADCAST, src, 0x88cc);
                        frame
                    };
                    vec![frame(Mac::ZERO), frame(Mac([1, 0, 0x5e, 0, 0, 9])), frame(mac(0x77))]
                })
                .see(See { fdb: true, stats: true, ..See::default() }),
        ],
    );
}
