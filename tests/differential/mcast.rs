//! Groups on a bridge that snoops: members by hand, who queries, and which ports a group's frames leave by.

use crate::bridge::{bridge, port, star};
use crate::harness::{Case, dev, ns};
use nettwin_model::{BridgeAttrs, Group, MdbEntry, Op, PortAttrs};

fn snooping() -> BridgeAttrs {
    BridgeAttrs { mcast_snooping: Some(true), ..Default::default() }
}

fn querying() -> BridgeAttrs {
    BridgeAttrs { mcast_querier: Some(true), ..snooping() }
}

/// The hosts, of whose groups' members a tenth of a second to answer is expected. What is said with `querying` comes too late
/// for the first question.
fn quick(name: &'static str) -> Case {
    hosts(name).op(bridge(BridgeAttrs { mcast_query_response_interval: Some(10), ..Default::default() }))
}

fn member(of: &str, group: &str, permanent: bool) -> MdbEntry {
    let group = group.parse().map(Group::Ip).or_else(|_| group.parse().map(Group::Mac)).expect("a group");
    MdbEntry { bridge: dev("s1"), port: dev(of), group, vlan: 0, permanent }
}

fn add(of: &str, group: &str, permanent: bool) -> Op {
    Op::AddMdb { netns: ns("s"), entry: member(of, group, permanent) }
}

fn del(of: &str, group: &str) -> Op {
    Op::DelMdb { netns: ns("s"), entry: member(of, group, false) }
}

/// All hosts answer echo requests to groups, though they are members of none but 224.0.0.1.
fn hosts(name: &'static str) -> Case {
    let case = star(name).sysctl("s", "net/ipv4/icmp_echo_ignore_broadcasts", "0").addr("s", "s1", "192.168.1.254/24");
    ["h1", "h2", "h3"].into_iter().fold(case, |case, h| {
        case.sysctl(h, "net/ipv4/icmp_echo_ignore_broadcasts", "0").route(h, "224.0.0.0/4 dev eth0")
    })
}

/// One echo request from h1 to a group, and whom it reaches.
fn shout(case: Case, group: &str) -> Case {
    reaches(case, |case| ping(case, "h1", group))
}

fn ping(case: Case, from: &str, group: &str) -> Case {
    case.ping_with(from, group, 1, |p| (p.broadcast, p.linger) = (true, std::time::Duration::from_millis(200)))
}

fn reaches(case: Case, what: impl FnOnce(Case) -> Case) -> Case {
    let places = [("to h1", "h1", "eth0"), ("to h2", "h2", "eth0"), ("to h3", "h3", "eth0"), ("up", "s", "s1")];
    let case = places.iter().fold(case, |case, (name, netns, name_of)| case.capture(name, netns, name_of));
    places.iter().fold(what(case), |case, (name, ..)| case.end_where(name, "ICMP", is_icmp))
}

/// An IPv4 packet of ICMP, without options.
fn is_icmp(frame: &str) -> bool {
    frame.get(24..30) == Some("080045") && frame.get(46..48) == Some("01")
}

/// A question of IGMP, which has the option that routers look for.
fn is_query(frame: &str) -> bool {
    frame.get(24..30) == Some("080046") && frame.get(46..48) == Some("02") && frame.get(76..78) == Some("11")
}

#[test]
fn members() {
    crate::agree(
        "mdb",
        vec![
            hosts("by hand: taken, missing, refused")
                .op(add("p1", "239.1.1.1", false))
                .op(bridge(snooping()))
                .op(add("p1", "239.1.1.1", false))
                .op(add("p1", "239.1.1.1", true))
                .op(add("p2", "239.1.1.1", true))
                .op(add("p2", "239.1.1.2", true))
                .op(add("s1", "239.1.1.3", true))
                .op(add("s1", "239.1.1.3", false))
                .op(add("s1", "239.1.1.3", false))
                .op(add("p1", "224.0.0.5", true))
                .op(add("p1", "10.0.0.1", true))
                .op(add("p1", "01:00:5e:01:01:01", true))
                .op(add("p1", "01:02:03:04:05:06", false))
                .op(add("p1", "02:02:03:04:05:06", true))
                .op(add("lo", "239.1.1.9", true))
                .op(add("nope", "239.1.1.9", true))
                .fdb()
                .op(del("p1", "239.1.1.1"))
                .op(del("p1", "239.1.1.1"))
                .op(del("p1", "239.9.9.9"))
                .op(del("s1", "239.1.1.3"))
                .op(del("p3", "239.1.1.2"))
                .fdb(),
            hosts("a port that goes down takes its members with it, but for those by hand for good")
                .op(bridge(snooping()))
                .op(add("p1", "239.1.1.1", false))
                .op(add("p1", "239.1.1.2", true))
                .op(add("p2", "239.1.1.1", false))
                .op(add("s1", "239.1.1.4", false))
                .down("s", "p1")
                .wait_ms(300)
                .fdb()
                .op(add("p1", "239.1.1.5", false))
                .op(add("p1", "239.1.1.5", true))
                .down("s", "s1")
                .wait_ms(300)
                .fdb()
                .op(add("p2", "239.1.1.6", true))
                .master("s", "p1", None)
                .fdb(),
            hosts("a member for a time")
                .op(bridge(BridgeAttrs { mcast_membership_interval: Some(100), ..snooping() }))
                .op(add("p1", "239.1.1.1", false))
                .op(add("p1", "239.1.1.2", true))
                .op(add("s1", "239.1.1.3", false))
                .fdb()
                .wait_ms(1400)
                .fdb(),
            hosts("a member for 260 s")
                .takes_long()
                .op(bridge(snooping()))
                .op(add("p1", "239.1.1.1", false))
                .wait_ms(259_500)
                .fdb()
                // A kernel's timers of that length are up to 16 s late.
                .wait_ms(17_500)
                .fdb(),
            hosts("settings")
                .op(bridge(querying()))
                .op(bridge(BridgeAttrs {
                    mcast_query_interval: Some(50),
                    mcast_startup_query_interval: Some(50),
                    mcast_router: Some(3),
                    ..Default::default()
                }))
                .op(bridge(BridgeAttrs { mcast_router: Some(2), mcast_query_interval: Some(50), ..Default::default() }))
                .op(port("p1", PortAttrs { mcast_router: Some(4), ..Default::default() }))
                .op(port("p1", PortAttrs { mcast_router: Some(2), ..Default::default() }))
                .op(port("p2", PortAttrs { mcast_router: Some(0), ..Default::default() }))
                .observe(),
        ],
    );
}

#[test]
fn flooding() {
    let by_hand = |case: Case| case.op(add("p2", "239.1.1.1", true));
    let router = |kind| PortAttrs { mcast_router: Some(kind), ..Default::default() };
    crate::agree(
        "mcast-flooding",
        vec![
            shout(by_hand(quick("without a querier all get what is for a group").op(bridge(snooping()))), "239.1.1.1"),
            shout(
                by_hand(quick("members get what is for their group").op(bridge(querying()))).wait_ms(300),
                "239.1.1.1",
            ),
            shout(
                by_hand(hosts("until members have had time to answer all get it").op(bridge(querying()))),
                "239.1.1.1",
            ),
            shout(
                by_hand(quick("nobody gets what is for an unknown group").op(bridge(querying()))).wait_ms(300),
                "239.2.2.2",
            ),
            shout(
                by_hand(quick("all get what is for all on the link").op(bridge(querying()))).wait_ms(300),
                "224.0.0.1",
            ),
            shout(
                by_hand(quick("and for any other group of the link").op(bridge(querying()))).wait_ms(300),
                "224.0.0.77",
            ),
            shout(
                by_hand(quick("routers get all").op(bridge(querying()))).op(port("p3", router(2))).wait_ms(300),
                "239.2.2.2",
            ),
            shout(
                by_hand(quick("members and routers").op(bridge(querying()))).op(port("p3", router(2))).wait_ms(300),
                "239.1.1.1",
            ),
            shout(
                quick("the bridge itself is a member")
                    .op(bridge(querying()))
                    .op(add("s1", "239.1.1.1", false))
                    .wait_ms(300),
                "239.1.1.1",
            ),
            shout(
                quick("the bridge itself is a router")
                    .op(bridge(BridgeAttrs { mcast_router: Some(2), ..querying() }))
                    .wait_ms(300),
                "239.1.1.1",
            ),
            shout(
                by_hand(quick("snooping is switched off").op(bridge(querying())))
                    .wait_ms(300)
                    .op(bridge(BridgeAttrs { mcast_snooping: Some(false), ..Default::default() })),
                "239.1.1.1",
            ),
            shout(
                by_hand(quick("a member's port that floods no groups").op(bridge(querying())))
                    .op(port("p2", PortAttrs { mcast_flood: Some(false), ..Default::default() }))
                    .wait_ms(300),
                "239.1.1.1",
            ),
            reaches(
                quick("what the bridge itself sends to a group")
                    .op(bridge(querying()))
                    .op(add("p2", "239.1.1.1", true))
                    .route("s", "224.0.0.0/4 dev s1")
                    .wait_ms(300),
                |case| ping(case, "s", "239.1.1.1"),
            ),
            quick("queries")
                .capture("first", "h1", "eth0")
                .op(bridge(BridgeAttrs {
                    mcast_startup_query_interval: Some(100),
                    mcast_query_interval: Some(300),
                    ..querying()
                }))
                .wait_ms(2000)
                .end_where("first", "queries", is_query),
        ],
    );
}
