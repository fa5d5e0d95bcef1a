//! Forwarding databases: entries by hand, stations that move, what ports do with what they do not know.

use crate::bridge::{bridge, fdb, port, star};
use crate::harness::{Case, See, dev, mac, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::{BridgeAttrs, FdbEntry, FdbKind, Op, PortAttrs};

fn entry(at: &str, m: u8, kind: FdbKind) -> FdbEntry {
    FdbEntry { bridge: dev("s1"), dev: dev(at), mac: mac(m), kind, sticky: false, vlan: 0, remote: None }
}

fn replace(at: &str, m: u8, kind: FdbKind) -> Op {
    Op::AddFdb { netns: ns("s"), entry: entry(at, m, kind), replace: true }
}

fn sticky(at: &str, m: u8) -> Op {
    Op::AddFdb { netns: ns("s"), entry: FdbEntry { sticky: true, ..entry(at, m, FdbKind::Static) }, replace: false }
}

fn del(at: &str, m: u8) -> Op {
    Op::DelFdb { netns: ns("s"), entry: entry(at, m, FdbKind::Static) }
}

/// h3 takes h1's MAC.
fn impostor(case: Case) -> Case {
    case.set("h3", "eth0", LinkChange { mac: Some(mac(1)), ..Default::default() })
}

#[test]
fn entries() {
    crate::agree(
        "fdb",
        vec![
            star("by hand: taken, replaced, missing")
                .op(fdb("p1", 0x21, FdbKind::Static))
                .op(fdb("p2", 0x21, FdbKind::Static))
                .op(replace("p2", 0x21, FdbKind::Static))
                .op(fdb("p1", 0x22, FdbKind::Permanent))
                .op(replace("p1", 0x22, FdbKind::Static))
                .op(fdb("p1", 0x23, FdbKind::Learned))
                .op(fdb("p1", 0x23, FdbKind::Learned))
                .op(fdb("lo", 0x24, FdbKind::Static))
                .op(fdb("nope", 0x24, FdbKind::Static))
                .fdb()
                .op(del("p1", 0x21))
                .op(del("p2", 0x21))
                .op(del("p2", 0x21))
                .op(del("p1", 0x11))
                .fdb(),
            star("what was learned ages, by default")
                .takes_long()
                .ping("h1", "192.168.1.2", 1)
                .wait_ms(290_000)
                .fdb()
                .wait_ms(25_000)
                .fdb(),
            star("what was learned can be deleted, and comes again")
                .ping("h1", "192.168.1.2", 1)
                .op(del("p1", 1))
                .fdb()
                .ping("h1", "192.168.1.2", 1)
                .fdb(),
            impostor(star("a station moves").ping("h1", "192.168.1.2", 1).fdb())
                .ping("h3", "192.168.1.2", 1)
                .fdb()
                .ping("h1", "192.168.1.2", 1),
            impostor(star("a static entry moves with its station").op(fdb("p1", 1, FdbKind::Static)))
                .ping("h3", "192.168.1.2", 1)
                .fdb(),
            impostor(star("a sticky entry stays").op(sticky("p1", 1))).ping("h3", "192.168.1.2", 1).fdb(),
            impostor(star("a permanent entry stays").op(fdb("p1", 1, FdbKind::Permanent)))
                .ping("h3", "192.168.1.2", 1)
                .fdb(),
            star("no more than so many are learned")
                .op(bridge(BridgeAttrs { fdb_max_learned: Some(2), ..Default::default() }))
                .ping("h1", "192.168.1.2", 1)
                .ping("h3", "192.168.1.2", 1)
                .op(fdb("p3", 0x33, FdbKind::Static))
                .fdb(),
            star("entries by hand as dynamic age, static ones do not")
                .op(bridge(BridgeAttrs { ageing_time: Some(100), ..Default::default() }))
                .op(fdb("p1", 0x31, FdbKind::Learned))
                .op(fdb("p1", 0x32, FdbKind::Static))
                .fdb()
                .wait_ms(2600)
                .fdb(),
            star("ageing made shorter counts for what is there")
                .ping("h1", "192.168.1.2", 1)
                .wait_ms(1500)
                .op(bridge(BridgeAttrs { ageing_time: Some(100), ..Default::default() }))
                .ping("h3", "192.168.1.2", 1)
                .wait_ms(2600)
                .fdb(),
            star("a port's MAC changes")
                .ping("h1", "192.168.1.2", 1)
                .set("s", "p1", LinkChange { mac: Some(mac(0x41)), ..Default::default() })
                .fdb()
                .observe()
                .ping("h1", "192.168.1.2", 1),
            star("the bridge's MAC is set by hand")
                .addr("s", "s1", "192.168.1.254/24")
                .ping("h1", "192.168.1.254", 1)
                .set("s", "s1", LinkChange { mac: Some(mac(0x42)), ..Default::default() })
                .fdb()
                .observe()
                .ping("h1", "192.168.1.254", 1)
                .ping("s", "192.168.1.1", 1)
                .master("s", "p1", None)
                .observe(),
        ],
    );
}

/// What ports in states set by hand, and a bridge that listens to all, do with frames.
#[test]
fn states_by_hand() {
    let put = |port: &str, state: u8| Op::SetPortState { netns: ns("s"), name: dev(port), state };
    let promisc = |on| LinkChange { promisc: Some(on), ..LinkChange::default() };
    crate::agree(
        "bridge-states",
        vec![
            star("a port that listens passes nothing and learns nothing")
                .op(put("p1", 1))
                .ping("h1", "192.168.1.2", 1)
                .see(See { neighs: false, fdb: true, stats: true }),
            star("a port that learns learns, and passes nothing")
                .op(put("p1", 2))
                .ping("h1", "192.168.1.2", 1)
                .see(See { neighs: false, fdb: true, stats: true }),
            star("a port that is disabled")
                .op(put("p1", 0))
                .ping("h1", "192.168.1.2", 1)
                .observe()
                .op(put("p1", 3))
                .ping("h1", "192.168.1.2", 1),
            star("a port that is to block forwards all the same").op(put("p1", 4)).observe().ping(
                "h1",
                "192.168.1.2",
                1,
            ),
            star("nothing leaves by a port that learns").op(put("p2", 2)).ping("h1", "192.168.1.2", 1).fdb(),
            star("the last port that forwards")
                .op(put("p1", 0))
                .op(put("p2", 0))
                .op(put("p3", 0))
                .wait_ms(1200)
                .observe(),
            star("what may not be said")
                .op(put("p1", 5))
                .op(put("s1", 1))
                .op(put("nope", 1))
                .down("s", "p1")
                .op(put("p1", 0))
                .up("s", "p1")
                .down("h1", "eth0")
                .wait_ms(1200)
                .op(put("p1", 1))
                .op(put("p1", 0))
                .op(bridge(BridgeAttrs { stp_state: Some(true), ..Default::default() }))
                .op(put("p2", 1))
                .op(put("p2", 9))
                .observe(),
            star("a bridge that listens to all")
                .addr("s", "s1", "192.168.1.254/24")
                .set("s", "s1", promisc(true))
                .ping("h1", "192.168.1.2", 2)
                .ping("h1", "192.168.1.254", 1)
                .see(See { neighs: true, fdb: true, stats: true })
                .set("s", "s1", promisc(false))
                .ping("h1", "192.168.1.2", 1)
                .see(See { neighs: false, fdb: false, stats: true }),
        ],
    );
}

/// h1 and h2 behind the hub `s0`, which does not let them talk to each other, and that on port `u` of `s1`.
fn reflected(name: &'static str) -> Case {
    let isolated = PortAttrs { isolated: Some(true), ..Default::default() };
    let on = |name, attrs| Op::SetPort { netns: ns("t"), name: dev(name), attrs };
    let hub = BridgeAttrs { ageing_time: Some(0), ..Default::default() };
    Case::new(name)
        .netns(&["s", "t", "h1", "h2"])
        .bridge("s", "s1")
        .bridge("t", "s0")
        .op(Op::SetBridge { netns: ns("t"), name: dev("s0"), attrs: hub })
        .wire(("h1", "eth0"), ("t", "p1"), (1, 0x11))
        .wire(("h2", "eth0"), ("t", "p2"), (2, 0x12))
        .wire(("s", "u"), ("t", "u"), (0x13, 0x14))
        .master("t", "p1", Some("s0"))
        .master("t", "p2", Some("s0"))
        .master("t", "u", Some("s0"))
        .master("s", "u", Some("s1"))
        .op(on("p1", isolated.clone()))
        .op(on("p2", isolated))
        .addr("h1", "eth0", "192.168.1.1/24")
        .addr("h2", "eth0", "192.168.1.2/24")
        .up("t", "s0")
        .up("s", "s1")
}

#[test]
fn ports() {
    let hairpin = |on| Op::SetPort {
        netns: ns("s"),
        name: dev("u"),
        attrs: PortAttrs { hairpin: Some(on), ..Default::default() },
    };
    let group = |case: Case| {
        ["h1", "h2", "h3"].into_iter().fold(case, |case, h| {
            case.sysctl(h, "net/ipv4/icmp_echo_ignore_broadcasts", "0").route(h, "224.0.0.0/4 dev eth0")
        })
    };
    crate::agree(
        "bridge-ports",
        vec![
            reflected("hairpin off and on")
                .ping("h1", "192.168.1.2", 1)
                .op(hairpin(true))
                .ping("h1", "192.168.1.2", 1)
                .op(hairpin(false))
                .ping("h1", "192.168.1.2", 1),
            group(star("groups reach all ports"))
                .capture("third", "h3", "eth0")
                .ping_with("h1", "224.0.0.1", 1, |p| p.broadcast = true)
                .end("third"),
            group(star("no group flooding"))
                .op(port("p3", PortAttrs { mcast_flood: Some(false), ..Default::default() }))
                .capture("third", "h3", "eth0")
                .ping_with("h1", "224.0.0.1", 1, |p| p.broadcast = true)
                .end("third"),
            star("learning off where the frame comes in: flooded for ever")
                .op(port("p1", PortAttrs { learning: Some(false), ..Default::default() }))
                .capture("third", "h3", "eth0")
                .ping("h1", "192.168.1.2", 2)
                .end("third")
                .fdb(),
            star("isolated from the bridge itself they are not")
                .addr("s", "s1", "192.168.1.254/24")
                .op(port("p1", PortAttrs { isolated: Some(true), ..Default::default() }))
                .ping("h1", "192.168.1.254", 1),
            star("a frame that does not fit a port is lost")
                .set("h1", "eth0", LinkChange { mtu: Some(4000), ..Default::default() })
                .set("s", "p1", LinkChange { mtu: Some(4000), ..Default::default() })
                .ping("h1", "192.168.1.2", 1)
                .ping_with("h1", "192.168.1.2", 1, |p| p.size = 3000)
                .see(crate::harness::See { stats: true, ..Default::default() }),
        ],
    );
}
