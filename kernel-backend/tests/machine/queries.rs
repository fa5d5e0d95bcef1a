//! Single questions, sysctls, and many additions at once.

use crate::common::{bridge, dev, done, machine, ns, refused, up, veth};
use nettwin_kernel::KernelBackend;
use nettwin_model::sysctl::BASELINE;
use nettwin_model::{
    Address, Answer, Backend, BridgeAttrs, Cidr, Errno, Extent, Failure, Fault, Mac, Neigh, Nud, Op, Query, Route,
    RouteGet, RouteGot, RouteVerb, SysctlKey,
};
use std::net::IpAddr;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn question(dst: &str) -> RouteGet {
    RouteGet::new(ns("a"), ip(dst))
}

fn get(m: &mut KernelBackend, question: RouteGet) -> Result<RouteGot, Fault> {
    match m.query(&Query::RouteGet(question))? {
        Answer::Route(got) => Ok(*got),
        other => panic!("{other:?}"),
    }
}

fn add_route(text: &str, gateway: &str) -> Op {
    let route = Route::new(text.parse().unwrap()).via(ip(gateway));
    Op::AddRoute { netns: ns("a"), verb: RouteVerb::Add, route }
}

fn wired(m: &mut KernelBackend) {
    let addr = Address::new("10.0.0.1/24".parse().unwrap());
    done(
        m,
        &[
            up("a", "lo"),
            veth(("a", "e0"), ("a", "e1")),
            up("a", "e0"),
            up("a", "e1"),
            Op::AddAddr { netns: ns("a"), dev: dev("e0"), addr },
        ],
    );
}

#[test]
fn which_route_a_packet_takes() {
    let Some(mut m) = machine("route get", &["a"]) else { return };
    wired(&mut m);
    let in_table = |route: Route, table| Route { table, ..route };
    let unreachable =
        Route { kind: nettwin_model::RouteKind::Unreachable, ..Route::new("10.5.0.0/16".parse().unwrap()) };
    done(
        &mut m,
        &[
            add_route("0.0.0.0/0", "10.0.0.254"),
            Op::AddRoute { netns: ns("a"), verb: RouteVerb::Add, route: unreachable },
        ],
    );
    let on_link = get(&mut m, question("10.0.0.5")).unwrap();
    assert_eq!(on_link.route.dst, Cidr::host(ip("10.0.0.5")));
    assert_eq!(on_link.route.prefsrc, Some(ip("10.0.0.1")));
    assert_eq!(on_link.route.nexthops.len(), 1);
    assert_eq!((on_link.route.nexthops[0].via, on_link.route.nexthops[0].dev), (None, Some(dev("e0"))));
    assert_eq!(on_link.route, in_table(on_link.route.clone(), 254));
    assert!(on_link.flags.is_empty());

    let own = get(&mut m, question("10.0.0.1")).unwrap();
    assert_eq!(
        (own.route.kind, own.route.table),
        (nettwin_model::RouteKind::Local, 254),
        "one table until there are rules"
    );
    assert_eq!(own.route.nexthops[0].dev, Some(dev("lo")));
    assert_eq!(own.flags, ["local"]);

    let all = get(&mut m, question("10.0.0.255")).unwrap();
    assert_eq!(all.flags, ["local", "brd"]);
    assert_eq!(get(&mut m, question("224.0.0.5")).unwrap().flags, ["mc"]);

    let far = get(&mut m, question("8.8.8.8")).unwrap();
    assert_eq!(far.route.nexthops[0].via, Some(ip("10.0.0.254")));
    assert_eq!(get(&mut m, question("10.5.0.1")), Err(Fault::errno(Errno::EHOSTUNREACH)));
    let inward = RouteGet { from: Some(ip("10.0.0.7")), iif: Some(dev("e0")), ..question("10.0.0.1") };
    assert_eq!(get(&mut m, inward).unwrap().flags, ["local"]);
    let nowhere = RouteGet { oif: Some(dev("e9")), ..question("10.0.0.1") };
    assert_eq!(get(&mut m, nowhere), Err(Fault::errno(Errno::ENODEV)));
    let elsewhere = RouteGet { netns: ns("z"), ..question("10.0.0.1") };
    assert_eq!(get(&mut m, elsewhere), Err(Fault::errno(Errno::ENOENT)));
}

fn key(text: &str) -> SysctlKey {
    SysctlKey::new(text).unwrap()
}

fn sysctl(m: &mut KernelBackend, netns: &str, name: &str) -> Result<String, Fault> {
    match m.query(&Query::Sysctl { netns: ns(netns), key: key(name) })? {
        Answer::Sysctl(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}

fn write(netns: &str, name: &str, value: &str) -> Op {
    Op::SetSysctl { netns: ns(netns), key: key(name), value: value.into() }
}

#[test]
fn sysctls_are_each_namespaces_own() {
    let Some(mut m) = machine("sysctl", &["a", "b"]) else { return };
    assert_eq!(sysctl(&mut m, "a", "net.ipv4.ip_forward").unwrap(), "0");
    done(&mut m, &[write("a", "net.ipv4.ip_forward", "1")]);
    assert_eq!(sysctl(&mut m, "a", "net.ipv4.ip_forward").unwrap(), "1");
    assert_eq!(sysctl(&mut m, "b", "net.ipv4.ip_forward").unwrap(), "0");
    refused(&mut m, write("a", "net.ipv4.nonsense", "1"), Errno::ENOENT, None);
    refused(&mut m, write("a", "net.ipv4.ip_forward", "x"), Errno::EINVAL, None);
    refused(&mut m, write("z", "net.ipv4.ip_forward", "1"), Errno::ENOENT, None);
    assert_eq!(sysctl(&mut m, "a", "net.ipv4.nonsense"), Err(Fault::errno(Errno::ENOENT)));
    let mut extent = Extent::default();
    extent.sysctls.insert(ns("a"), [key("net.ipv4.ip_forward"), key("net.ipv4.nonsense")].into());
    let seen = m.observe(&extent).unwrap();
    let expected = [(key("net.ipv4.ip_forward"), "1".to_owned())];
    assert_eq!(seen.netns[&ns("a")].config.sysctls, expected.into());
    assert!(seen.netns[&ns("b")].config.sysctls.is_empty());
}

#[test]
fn a_new_namespace_and_its_devices_have_the_baseline() {
    let Some(mut m) = machine("baseline", &["a"]) else { return };
    wired(&mut m);
    for (path, value) in BASELINE {
        let Ok(found) = sysctl(&mut m, "a", path) else { continue };
        // Writing ip_forward sets the other forwarding values, and reads back what was written.
        assert_eq!(&found, value, "{path}");
        for device in ["lo", "e0"] {
            let own = path.replace("/default/", &format!("/{device}/"));
            if own != *path {
                assert_eq!(&sysctl(&mut m, "a", &own).unwrap(), value, "{own}");
            }
        }
    }
}

#[test]
fn a_batch_stops_where_one_after_another_would() {
    let Some(mut m) = machine("batch", &["a"]) else { return };
    wired(&mut m);
    let many: Vec<Op> =
        (0..1000).map(|n| add_route(&format!("10.{}.{}.0/24", 100 + n / 250, n % 250), "10.0.0.9")).collect();
    let mut ops = many.clone();
    ops.insert(300, many[7].clone());
    let failure = m.execute(&ops).unwrap_err();
    assert_eq!(failure, Failure { done: 300, fault: Fault::errno(Errno::EEXIST) });
    let routes = |m: &mut KernelBackend| m.observe(&Extent::default()).unwrap().netns[&ns("a")].config.routes.len();
    assert_eq!(routes(&mut m), 300);
    // A device that is not there ends a batch, too, after what comes before it.
    let nowhere = Route::new("10.200.0.0/24".parse().unwrap()).dev(dev("e9"));
    let mut ops = many[300..310].to_vec();
    ops.push(Op::AddRoute { netns: ns("a"), verb: RouteVerb::Add, route: nowhere });
    ops.extend_from_slice(&many[310..320]);
    assert_eq!(m.execute(&ops), Err(Failure { done: 10, fault: Fault::errno(Errno::ENODEV) }));
    assert_eq!(routes(&mut m), 310);
    done(&mut m, &many[310..]);
    assert_eq!(routes(&mut m), 1000);
}

#[test]
fn static_neighbours_in_a_batch_are_taken_back() {
    let Some(mut m) = machine("neighbour batch", &["a"]) else { return };
    wired(&mut m);
    let add = |low: u8| Op::AddNeigh {
        netns: ns("a"),
        neigh: Neigh {
            dev: dev("e0"),
            dst: ip(&format!("10.0.0.{low}")),
            lladdr: Some(Mac([2, 0, 0, 0, 0, low])),
            state: Nud::Permanent,
            proxy: false,
            extra: Default::default(),
        },
        replace: false,
    };
    let failure = m.execute(&[add(5), add(6), add(5), add(7)]).unwrap_err();
    assert_eq!(failure, Failure { done: 2, fault: Fault::errno(Errno::EEXIST) });
    let seen = m.observe(&Extent::default()).unwrap();
    let a = &seen.netns[&ns("a")];
    let known: Vec<String> = a.config.neighs.iter().map(|n| n.dst.to_string()).collect();
    assert_eq!(known, ["10.0.0.5", "10.0.0.6"]);
    assert!(a.volatile.neighs.is_empty(), "{:?}", a.volatile.neighs);
}

#[test]
fn settling_waits_for_carrier() {
    let Some(mut m) = machine("settle", &["a", "s"]) else { return };
    let took = m.settle().unwrap();
    assert!(took.as_millis() >= 50);
    done(&mut m, &[bridge("s", "br0", BridgeAttrs::default()), veth(("s", "p1"), ("a", "e0"))]);
    let enslave = nettwin_model::LinkChange { master: Some(Some(dev("br0"))), up: Some(true), ..Default::default() };
    done(&mut m, &[crate::common::set("s", "p1", enslave), up("a", "e0")]);
    m.settle().unwrap();
    let seen = m.observe(&Extent::default()).unwrap();
    let s = &seen.netns[&ns("s")].derived;
    for name in ["br0", "p1"] {
        assert_eq!(s.links[&dev(name)].operstate, nettwin_model::OperState::Up, "{name}");
    }
    assert_eq!(s.links[&dev("p1")].port.as_ref().unwrap().state, nettwin_model::PortState::Forwarding);
}

#[test]
fn names_are_listed_newest_first() {
    let Some(mut m) = machine("list", &["b", "a", "host"]) else { return };
    assert_eq!(m.query(&Query::NetnsList), Ok(Answer::NetnsList(vec![ns("host"), ns("a"), ns("b")])));
    assert!(matches!(m.query(&Query::Netns(ns("a"))), Ok(Answer::Netns(_))));
    assert_eq!(m.query(&Query::Netns(ns("z"))), Err(Fault::errno(Errno::ENOENT)));
}

#[test]
fn what_a_bridge_tells_of_itself() {
    let Some(mut m) = machine("bridge status", &["a"]) else { return };
    let entry = |last, kind| nettwin_model::FdbEntry {
        bridge: dev("br0"),
        dev: dev("p0"),
        mac: Mac([2, 0, 0, 0, 9, last]),
        kind,
        sticky: false,
        vlan: 0,
        remote: None,
    };
    let add = |entry| Op::AddFdb { netns: ns("a"), entry, replace: false };
    let port = nettwin_model::LinkChange { master: Some(Some(dev("br0"))), ..Default::default() };
    done(
        &mut m,
        &[
            bridge("a", "br0", BridgeAttrs { stp_state: Some(true), ..BridgeAttrs::default() }),
            veth(("a", "p0"), ("a", "p1")),
            Op::SetLink { netns: ns("a"), name: dev("p0"), change: Box::new(port) },
            up("a", "br0"),
            up("a", "p0"),
            up("a", "p1"),
            add(entry(1, nettwin_model::FdbKind::Static)),
            add(entry(2, nettwin_model::FdbKind::Permanent)),
        ],
    );
    let ask = |m: &mut KernelBackend, name| m.query(&Query::Bridge { netns: ns("a"), name: dev(name) });
    let Ok(Answer::Bridge(status)) = ask(&mut m, "br0") else { panic!("a bridge answers") };
    assert!(status.hello_timer <= 200, "{status:?}");
    let p0 = &status.ports[&dev("p0")];
    assert_eq!((p0.id, p0.designated_port, p0.designated_cost), (0x8001, 0x8001, 0));
    assert_eq!(p0.designated_root, p0.designated_bridge);
    let listed: Vec<u8> = status.fdb.iter().filter(|a| a.entry.mac.0[4] == 9).map(|a| a.entry.mac.0[5]).collect();
    assert_eq!(listed, [2, 1], "the newest is first");
    assert_eq!(ask(&mut m, "p1"), Err(Fault::errno(Errno::EOPNOTSUPP)));
    assert_eq!(ask(&mut m, "nope"), Err(Fault::errno(Errno::ENODEV)));
}

#[test]
fn which_sysctls_there_are() {
    let Some(mut m) = machine("sysctl names", &["a"]) else { return };
    let Ok(Answer::Sysctls(names)) = m.query(&Query::Sysctls(ns("a"))) else { panic!("a list") };
    for name in ["net.ipv4.ip_forward", "net.ipv4.conf.lo.rp_filter", "net.ipv4.neigh.lo.unres_qlen"] {
        assert!(names.contains(&SysctlKey::new(name).unwrap()), "{name}");
    }
    assert!(names.is_sorted_by(|a, b| a.path().split('/').le(b.path().split('/'))));
}
