//! The same things done by this machine and by `ip` and `bridge`, on namespaces set up alike: the same refusals, in the
//! same words, and the same state afterwards.

use crate::common::{bridge, dev, machine, ns, set, skip, up};
use nettwin_kernel::KernelBackend;
use nettwin_model::impair::{Chance, Share};
use nettwin_model::route::proto;
use nettwin_model::{
    AddLink, Address, Backend, Cidr, Errno, Extent, Failure, Fault, FdbEntry, FdbKind, Impairment, LinkChange, Mac,
    Neigh, NetnsState, NewLink, Nexthop, Nud, Op, PortAttrs, Route, RouteKind, RouteVerb, Scope, VethPeer,
};
use nettwin_model::{BridgeAttrs, NetnsName};
use std::process::Command;
use std::time::Duration;

/// Runs a tool in a namespace of the machine's: its exit and its words.
fn tool(m: &KernelBackend, netns: &str, words: &str) -> Result<(), String> {
    let mut parts = words.split_whitespace();
    let mut command = Command::new(parts.next().unwrap());
    command.args(parts);
    let output = m.worker().run_in(m.netns(&ns(netns)).unwrap(), move || command.output()).unwrap().unwrap();
    if output.status.success() {
        return Ok(());
    }
    // iproute2 adds where in its own input it was.
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// A refusal as iproute2 prints it.
fn words_of(failure: &Failure) -> String {
    match &failure.fault {
        Fault::Refused { message: Some(text), .. } => {
            format!("Error: {text}{}", if text.ends_with('.') { "" } else { "." })
        }
        Fault::Refused { errno, message: None } => format!("RTNETLINK answers: {errno}"),
        other => other.to_string(),
    }
}

fn same_words(ours: &Failure, theirs: &str) -> bool {
    // The tool looks devices up first, and says so.
    let lookup = matches!(&ours.fault, Fault::Refused { errno: Errno::ENODEV, .. }) && theirs.contains("find device");
    lookup || words_of(ours) == theirs
}

/// One side's world: a namespace with two up veth ends that lead to another, and a bridge with one port.
fn setup(side: &str) -> Vec<Op> {
    let (a, b) = (side.to_owned(), format!("{side}-far"));
    let veth = |name: &str, low: u8, master: Option<&str>| {
        Op::AddLink(Box::new(AddLink {
            netns: ns(&a),
            name: dev(name),
            kind: NewLink::Veth {
                peer: VethPeer { netns: ns(&b), name: dev(name), mac: Some(Mac([2, 0, 0, 0, 1, low])), mtu: None },
            },
            mac: Some(Mac([2, 0, 0, 0, 0, low])),
            mtu: None,
            master: master.map(dev),
            up: true,
        }))
    };
    vec![
        up(&a, "lo"),
        bridge(&a, "br0", BridgeAttrs { mcast_snooping: Some(false), ..BridgeAttrs::default() }),
        veth("e0", 1, None),
        veth("e1", 2, None),
        veth("p1", 3, Some("br0")),
        up(&b, "e0"),
        up(&b, "e1"),
        up(&b, "p1"),
    ]
}

/// Does each op in `ours` and its words in `theirs`.
fn compare(what: &str, cases: &[(Op, &str)]) {
    let Some(mut m) = machine(what, &["ours", "ours-far", "theirs", "theirs-far"]) else { return };
    if Command::new("ip").arg("-V").output().is_err() {
        return skip(what, "no `ip` here to compare with");
    }
    for side in ["ours", "theirs"] {
        crate::common::done(&mut m, &setup(side));
    }
    m.settle().unwrap();
    for (op, words) in cases {
        let ours = m.execute(std::slice::from_ref(op));
        let theirs = tool(&m, "theirs", words);
        match (&ours, &theirs) {
            (Ok(()), Ok(())) => {}
            (Err(ours), Err(theirs)) if same_words(ours, theirs) => {}
            _ => panic!("{words}\n  ours: {:?}\n  theirs: {theirs:?}", ours.as_ref().map_err(words_of)),
        }
    }
    let seen = m.observe(&Extent::default()).unwrap();
    let part = |name: &str| comparable(&seen.netns[&ns(name)]);
    assert_eq!(part("ours"), part("theirs"));
}

/// Without what is random or names the namespace.
fn comparable(state: &NetnsState) -> (nettwin_model::snapshot::Config, Vec<Route>, Vec<FdbEntry>) {
    let mut config = state.config.clone();
    for link in config.links.values_mut() {
        if let nettwin_model::LinkKind::Veth { peer: Some(peer) } = &mut link.kind {
            peer.0 = NetnsName::host();
        }
    }
    (config, state.derived.routes.clone(), state.volatile.fdb.clone())
}

fn addr(text: &str) -> Address {
    Address::new(text.parse().unwrap())
}

fn add_addr(name: &str, addr: Address) -> Op {
    Op::AddAddr { netns: ns("ours"), dev: dev(name), addr }
}

fn del_addr(name: &str, addr: Address) -> Op {
    Op::DelAddr { netns: ns("ours"), dev: dev(name), addr }
}

#[test]
fn addresses() {
    let peer = Address { peer: Some("10.9.0.2/32".parse().unwrap()), ..addr("10.9.0.1") };
    let long_peer = Address { peer: Some("10.9.1.2/24".parse().unwrap()), ..addr("10.9.1.1") };
    let full = Address {
        broadcast: Some("10.1.0.255".parse().unwrap()),
        label: Some("e0:one".into()),
        scope: Scope::LINK,
        ..addr("10.1.0.1/24")
    };
    let alias = Address { label: Some("other".into()), ..addr("10.1.9.1/24") };
    compare(
        "addresses",
        &[
            (add_addr("e0", addr("10.0.0.1/24")), "ip addr add 10.0.0.1/24 dev e0"),
            (add_addr("e0", addr("10.0.0.1/24")), "ip addr add 10.0.0.1/24 dev e0"),
            (add_addr("e0", addr("10.0.0.1/16")), "ip addr add 10.0.0.1/16 dev e0"),
            (add_addr("e0", addr("10.0.0.2/24")), "ip addr add 10.0.0.2/24 dev e0"),
            (add_addr("e1", addr("10.0.0.1/24")), "ip addr add 10.0.0.1/24 dev e1"),
            (add_addr("e9", addr("10.0.0.1/24")), "ip addr add 10.0.0.1/24 dev e9"),
            (add_addr("lo", addr("127.0.0.5/8")), "ip addr add 127.0.0.5/8 dev lo"),
            (add_addr("lo", addr("10.255.0.1/32")), "ip addr add 10.255.0.1/32 dev lo"),
            (add_addr("e0", addr("0.0.0.0/0")), "ip addr add 0.0.0.0/0 dev e0"),
            (add_addr("e0", addr("224.0.0.1/24")), "ip addr add 224.0.0.1/24 dev e0"),
            (add_addr("e0", addr("10.2.0.0/31")), "ip addr add 10.2.0.0/31 dev e0"),
            (add_addr("e0", peer), "ip addr add 10.9.0.1 peer 10.9.0.2 dev e0"),
            (add_addr("e0", long_peer.clone()), "ip addr add 10.9.1.1 peer 10.9.1.2/24 dev e0"),
            (add_addr("e0", full.clone()), "ip addr add 10.1.0.1/24 brd + label e0:one scope link dev e0"),
            // The tool itself insists that a label begins with the device's name; the kernel does not.
            (
                add_addr("e1", Address { label: Some("e1x".into()), ..alias }),
                "ip addr add 10.1.9.1/24 label e1x dev e1",
            ),
            (del_addr("e0", full), "ip addr del 10.1.0.1/24 dev e0"),
            (del_addr("e0", addr("10.0.0.9/24")), "ip addr del 10.0.0.9/24 dev e0"),
            (del_addr("e0", long_peer), "ip addr del 10.9.1.1 peer 10.9.1.2/24 dev e0"),
            (del_addr("e9", addr("10.0.0.9/24")), "ip addr del 10.0.0.9/24 dev e9"),
            (add_addr("e1", addr("10.3.0.1/24")), "ip addr add 10.3.0.1/24 dev e1"),
            (add_addr("e1", addr("10.3.0.2/24")), "ip addr add 10.3.0.2/24 dev e1"),
            (del_addr("e1", addr("10.3.0.1/24")), "ip addr del 10.3.0.1/24 dev e1"),
        ],
    );
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn route(verb: RouteVerb, route: Route) -> Op {
    Op::AddRoute { netns: ns("ours"), verb, route }
}

fn to(text: &str) -> Route {
    Route::new(cidr(text))
}

fn via(text: &str, gateway: &str) -> Route {
    to(text).via(gateway.parse().unwrap())
}

fn kind(text: &str, kind: RouteKind) -> Route {
    Route { kind, ..to(text) }
}

fn hop(gateway: &str, weight: u16) -> Nexthop {
    Nexthop { via: Some(gateway.parse().unwrap()), dev: None, weight, onlink: false }
}

fn del_route(route: Route) -> Op {
    Op::DelRoute { netns: ns("ours"), route }
}

#[test]
fn routes() {
    use RouteVerb::{Add, Append, Change, Prepend, Replace};
    let dead = kind("10.66.0.0/16", RouteKind::Blackhole);
    let onlink = {
        let mut r = via("10.70.0.0/16", "203.0.113.1").dev(dev("e0"));
        r.nexthops[0].onlink = true;
        r
    };
    let mut no_dev = onlink.clone();
    no_dev.nexthops[0].dev = None;
    let several = Route { nexthops: vec![hop("10.0.0.254", 1), hop("10.1.0.254", 5)], ..to("10.80.0.0/16") };
    compare(
        "routes",
        &[
            (add_addr("e0", addr("10.0.0.1/24")), "ip addr add 10.0.0.1/24 dev e0"),
            (add_addr("e1", addr("10.1.0.1/24")), "ip addr add 10.1.0.1/24 dev e1"),
            (route(Add, via("0.0.0.0/0", "10.0.0.254")), "ip route add default via 10.0.0.254"),
            (route(Add, via("0.0.0.0/0", "10.0.0.253")), "ip route add default via 10.0.0.253"),
            (route(Append, via("0.0.0.0/0", "10.0.0.252")), "ip route append default via 10.0.0.252"),
            (route(Prepend, via("0.0.0.0/0", "10.0.0.251")), "ip route prepend default via 10.0.0.251"),
            (
                route(Add, Route { metric: 50, ..via("0.0.0.0/0", "10.1.0.254") }),
                "ip route add default via 10.1.0.254 metric 50",
            ),
            (route(Replace, via("10.5.0.0/16", "10.0.0.9")), "ip route replace 10.5.0.0/16 via 10.0.0.9"),
            (route(Replace, via("10.5.0.0/16", "10.0.0.8")), "ip route replace 10.5.0.0/16 via 10.0.0.8"),
            (route(Change, via("10.5.0.0/16", "10.0.0.7")), "ip route change 10.5.0.0/16 via 10.0.0.7"),
            (route(Change, via("10.6.0.0/16", "10.0.0.7")), "ip route change 10.6.0.0/16 via 10.0.0.7"),
            (route(Add, to("10.7.0.0/16").dev(dev("e1"))), "ip route add 10.7.0.0/16 dev e1"),
            (route(Add, via("10.8.0.1/16", "10.0.0.9")), "ip route add 10.8.0.1/16 via 10.0.0.9"),
            (route(Add, via("10.8.0.0/16", "10.77.0.9")), "ip route add 10.8.0.0/16 via 10.77.0.9"),
            (route(Add, via("10.8.0.0/16", "10.0.0.9").dev(dev("e1"))), "ip route add 10.8.0.0/16 via 10.0.0.9 dev e1"),
            (route(Add, via("10.8.0.0/16", "10.0.0.255")), "ip route add 10.8.0.0/16 via 10.0.0.255"),
            (route(Add, via("10.9.0.0/16", "10.0.0.1")), "ip route add 10.9.0.0/16 via 10.0.0.1"),
            (route(Add, to("10.8.0.0/16").dev(dev("e9"))), "ip route add 10.8.0.0/16 dev e9"),
            (route(Add, to("10.8.0.0/16")), "ip route add 10.8.0.0/16"),
            (route(Add, dead.clone()), "ip route add blackhole 10.66.0.0/16"),
            (route(Add, kind("10.67.0.0/16", RouteKind::Unreachable)), "ip route add unreachable 10.67.0.0/16"),
            (route(Add, kind("10.68.0.0/16", RouteKind::Prohibit)), "ip route add prohibit 10.68.0.0/16"),
            (
                route(Add, Route { table: 100, ..kind("10.69.0.0/16", RouteKind::Throw) }),
                "ip route add throw 10.69.0.0/16 table 100",
            ),
            (
                route(Add, Route { kind: RouteKind::Local, table: 255, ..to("10.99.0.0/16").dev(dev("lo")) }),
                "ip route add local 10.99.0.0/16 dev lo",
            ),
            (route(Add, onlink), "ip route add 10.70.0.0/16 via 203.0.113.1 dev e0 onlink"),
            (route(Add, no_dev), "ip route add 10.70.0.0/16 via 203.0.113.1 onlink"),
            (
                route(Add, several.clone()),
                "ip route add 10.80.0.0/16 nexthop via 10.0.0.254 nexthop via 10.1.0.254 weight 5",
            ),
            (
                route(
                    Add,
                    Route {
                        table: 70000,
                        metric: 7,
                        proto: proto::STATIC,
                        tos: 16,
                        prefsrc: Some("10.1.0.1".parse().unwrap()),
                        mtu: Some(1400),
                        mtu_lock: true,
                        advmss: Some(1300),
                        ..via("10.81.0.0/16", "10.0.0.254")
                    },
                ),
                "ip route add 10.81.0.0/16 tos 0x10 via 10.0.0.254 table 70000 metric 7 proto static src 10.1.0.1 mtu lock \
                 1400 advmss 1300",
            ),
            (
                route(Add, Route { prefsrc: Some("10.1.0.77".parse().unwrap()), ..via("10.82.0.0/16", "10.0.0.254") }),
                "ip route add 10.82.0.0/16 via 10.0.0.254 src 10.1.0.77",
            ),
            (del_route(via("0.0.0.0/0", "10.0.0.252")), "ip route del default via 10.0.0.252"),
            (del_route(to("0.0.0.0/0")), "ip route del default"),
            (del_route(to("10.123.0.0/16")), "ip route del 10.123.0.0/16"),
            (del_route(Route { metric: 9, ..to("0.0.0.0/0") }), "ip route del default metric 9"),
            (del_route(dead), "ip route del blackhole 10.66.0.0/16"),
            (del_route(kind("10.67.0.0/16", RouteKind::Blackhole)), "ip route del blackhole 10.67.0.0/16"),
            (del_route(several), "ip route del 10.80.0.0/16 nexthop via 10.0.0.254 nexthop via 10.1.0.254 weight 5"),
            (set("ours", "e1", LinkChange { up: Some(false), ..LinkChange::default() }), "ip link set e1 down"),
            (route(Add, via("10.90.0.0/16", "10.1.0.9")), "ip route add 10.90.0.0/16 via 10.1.0.9"),
            (route(Add, to("10.90.0.0/16").dev(dev("e1"))), "ip route add 10.90.0.0/16 dev e1"),
        ],
    );
}

fn neigh(dst: &str, lladdr: Option<u8>, state: Nud) -> Neigh {
    let lladdr = lladdr.map(|low| Mac([2, 0, 0, 0, 9, low]));
    Neigh { dev: dev("e0"), dst: dst.parse().unwrap(), lladdr, state, proxy: false, extra: Default::default() }
}

fn add_neigh(neigh: Neigh, replace: bool) -> Op {
    Op::AddNeigh { netns: ns("ours"), neigh, replace }
}

fn del_neigh(neigh: Neigh) -> Op {
    Op::DelNeigh { netns: ns("ours"), neigh }
}

#[test]
fn neighbours() {
    let proxy = Neigh { proxy: true, lladdr: None, ..neigh("10.0.0.77", None, Nud::Permanent) };
    compare(
        "neighbours",
        &[
            (add_addr("e0", addr("10.0.0.1/24")), "ip addr add 10.0.0.1/24 dev e0"),
            (
                add_neigh(neigh("10.0.0.5", Some(5), Nud::Permanent), false),
                "ip neigh add 10.0.0.5 lladdr 02:00:00:00:09:05 dev e0",
            ),
            (
                add_neigh(neigh("10.0.0.5", Some(6), Nud::Permanent), false),
                "ip neigh add 10.0.0.5 lladdr 02:00:00:00:09:06 dev e0",
            ),
            (
                add_neigh(neigh("10.0.0.5", Some(6), Nud::Permanent), true),
                "ip neigh replace 10.0.0.5 lladdr 02:00:00:00:09:06 dev e0",
            ),
            (
                add_neigh(neigh("10.0.0.6", Some(7), Nud::Stale), false),
                "ip neigh add 10.0.0.6 lladdr 02:00:00:00:09:07 nud stale dev e0",
            ),
            (add_neigh(neigh("10.0.0.7", None, Nud::Permanent), false), "ip neigh add 10.0.0.7 dev e0"),
            (add_neigh(proxy.clone(), false), "ip neigh add proxy 10.0.0.77 dev e0"),
            (add_neigh(proxy.clone(), false), "ip neigh add proxy 10.0.0.77 dev e0"),
            (
                add_neigh(Neigh { dst: "10.0.0.78".parse().unwrap(), ..proxy.clone() }, false),
                "ip neigh add proxy 10.0.0.78 dev e0",
            ),
            (del_neigh(proxy.clone()), "ip neigh del proxy 10.0.0.77 dev e0"),
            (del_neigh(proxy), "ip neigh del proxy 10.0.0.77 dev e0"),
            (del_neigh(neigh("10.0.0.99", None, Nud::Permanent)), "ip neigh del 10.0.0.99 dev e0"),
            (
                add_neigh(Neigh { dev: dev("e9"), ..neigh("10.0.0.5", Some(5), Nud::Permanent) }, false),
                "ip neigh add 10.0.0.5 lladdr 02:00:00:00:09:05 dev e9",
            ),
        ],
    );
}

fn fdb(dev_name: &str, low: u8, kind: FdbKind) -> FdbEntry {
    FdbEntry {
        bridge: dev("br0"),
        dev: dev(dev_name),
        mac: Mac([2, 0, 0, 0, 8, low]),
        kind,
        sticky: false,
        vlan: 0,
        remote: None,
    }
}

fn add_fdb(entry: FdbEntry, replace: bool) -> Op {
    Op::AddFdb { netns: ns("ours"), entry, replace }
}

fn del_fdb(entry: FdbEntry) -> Op {
    Op::DelFdb { netns: ns("ours"), entry }
}

#[test]
fn forwarding_entries() {
    use FdbKind::{Learned, Permanent, Static};
    compare(
        "forwarding entries",
        &[
            (add_fdb(fdb("p1", 1, Static), false), "bridge fdb add 02:00:00:00:08:01 dev p1 master static"),
            (add_fdb(fdb("p1", 1, Static), false), "bridge fdb add 02:00:00:00:08:01 dev p1 master static"),
            (add_fdb(fdb("p1", 2, Permanent), false), "bridge fdb add 02:00:00:00:08:02 dev p1 master"),
            (add_fdb(fdb("p1", 3, Learned), false), "bridge fdb add 02:00:00:00:08:03 dev p1 master dynamic"),
            (add_fdb(fdb("br0", 4, Permanent), false), "bridge fdb add 02:00:00:00:08:04 dev br0 self"),
            (
                add_fdb(FdbEntry { sticky: true, ..fdb("p1", 5, Static) }, false),
                "bridge fdb add 02:00:00:00:08:05 dev p1 master static sticky",
            ),
            (add_fdb(fdb("p1", 1, Permanent), true), "bridge fdb replace 02:00:00:00:08:01 dev p1 master"),
            (del_fdb(fdb("p1", 9, Static)), "bridge fdb del 02:00:00:00:08:09 dev p1 master"),
            (del_fdb(fdb("p1", 2, Permanent)), "bridge fdb del 02:00:00:00:08:02 dev p1 master"),
            (add_fdb(fdb("e0", 6, Static), false), "bridge fdb add 02:00:00:00:08:06 dev e0 master static"),
            (add_fdb(fdb("e9", 6, Static), false), "bridge fdb add 02:00:00:00:08:06 dev e9 master static"),
        ],
    );
}

#[test]
fn links() {
    let change = LinkChange::default;
    let port = |attrs| Op::SetPort { netns: ns("ours"), name: dev("p1"), attrs };
    let br = |attrs| Op::SetBridge { netns: ns("ours"), name: dev("br0"), attrs };
    let none = PortAttrs::default;
    compare(
        "links",
        &[
            (set("ours", "e0", LinkChange { mtu: Some(9000), ..change() }), "ip link set e0 mtu 9000"),
            (set("ours", "e0", LinkChange { mtu: Some(65536), ..change() }), "ip link set e0 mtu 65536"),
            (set("ours", "e0", LinkChange { rename: Some(dev("e1")), ..change() }), "ip link set e0 name e1"),
            (set("ours", "e0", LinkChange { rename: Some(dev("x0")), ..change() }), "ip link set e0 name x0"),
            (
                set("ours", "x0", LinkChange { mac: Some(Mac::ZERO), ..change() }),
                "ip link set x0 address 00:00:00:00:00:00",
            ),
            (
                set("ours", "x0", LinkChange { mac: Some(Mac([2, 0, 0, 0, 0, 9])), ..change() }),
                "ip link set x0 address 02:00:00:00:00:09",
            ),
            (set("ours", "x0", LinkChange { master: Some(Some(dev("e1"))), ..change() }), "ip link set x0 master e1"),
            (
                set("ours", "br0", LinkChange { master: Some(Some(dev("br0"))), ..change() }),
                "ip link set br0 master br0",
            ),
            (set("ours", "lo", LinkChange { master: Some(Some(dev("br0"))), ..change() }), "ip link set lo master br0"),
            (set("ours", "x0", LinkChange { master: Some(Some(dev("br0"))), ..change() }), "ip link set x0 master br0"),
            (port(PortAttrs { cost: Some(0), ..none() }), "ip link set p1 type bridge_slave cost 0"),
            (port(PortAttrs { cost: Some(65536), ..none() }), "ip link set p1 type bridge_slave cost 65536"),
            (port(PortAttrs { cost: Some(7), ..none() }), "ip link set p1 type bridge_slave cost 7"),
            (port(PortAttrs { priority: Some(64), ..none() }), "ip link set p1 type bridge_slave priority 64"),
            (
                Op::SetPort { netns: ns("ours"), name: dev("e1"), attrs: PortAttrs { cost: Some(7), ..none() } },
                "ip link set e1 type bridge_slave cost 7",
            ),
            (
                br(BridgeAttrs { forward_delay: Some(100), stp_state: Some(true), ..BridgeAttrs::default() }),
                "ip link set br0 type bridge forward_delay 100 stp_state 1",
            ),
            (
                br(BridgeAttrs { forward_delay: Some(100), ..BridgeAttrs::default() }),
                "ip link set br0 type bridge forward_delay 100",
            ),
            (
                br(BridgeAttrs { group_fwd_mask: Some(1), ..BridgeAttrs::default() }),
                "ip link set br0 type bridge group_fwd_mask 1",
            ),
            (Op::DelLink { netns: ns("ours"), name: dev("lo") }, "ip link del lo"),
            (Op::DelLink { netns: ns("ours"), name: dev("nope") }, "ip link del nope"),
            (Op::DelLink { netns: ns("ours"), name: dev("x0") }, "ip link del x0"),
        ],
    );
}

#[test]
fn impairments() {
    let able = nettwin_kernel::caps::capabilities().iter().any(|c| c.name == "netem" && c.available);
    if !able {
        return skip("impairments", "this kernel has no netem");
    }
    // A half and a quarter of 2^32 - 1, rounded as tc rounds.
    let (half, quarter) = (Share(1 << 31), Share(1 << 30));
    let impair = |what: Option<Impairment>| Op::SetImpairment {
        netns: ns("ours"),
        dev: dev("e0"),
        impairment: what.map(Box::new),
        handle: None,
    };
    let full = Impairment {
        delay: Duration::from_millis(100),
        // tc says it in ticks of 64 ns.
        jitter: Duration::from_micros(3200),
        delay_correlation: quarter,
        bursts: None,
        overhead: Default::default(),
        distribution: None,
        ecn: false,
        slot: None,
        loss: Chance { share: half, correlation: quarter },
        duplicate: Chance { share: quarter, correlation: half },
        corrupt: Chance { share: half, correlation: half },
        reorder: Chance { share: quarter, correlation: quarter },
        gap: 3,
        rate_bps: 125_000,
        limit: Some(50),
        seed: None,
    };
    let all = "tc qdisc replace dev e0 root netem limit 50 delay 100ms 3.2ms 25% loss 50% 25% duplicate 25% 50% \
               corrupt 50% 50% reorder 25% 25% gap 3 rate 1mbit";
    let delay = Impairment { delay: Duration::from_millis(7), ..Impairment::default() };
    compare("impairments, all", &[(impair(Some(full.clone())), all)]);
    compare("impairments, removed", &[(impair(Some(full)), all), (impair(None), "tc qdisc del dev e0 root")]);
    compare("impairments, delay", &[(impair(Some(delay)), "tc qdisc replace dev e0 root netem delay 7ms")]);
}
