//! A lab of some size: many hosts on one bridge, made as a plan makes it.

use crate::common::{bridge, dev, done, machine, ns, up};
use nettwin_model::{
    AddLink, Address, Backend, BridgeAttrs, Extent, LinkKind, NewLink, Op, OperState, Route, RouteVerb, VethPeer,
};
use std::time::Instant;

const HOSTS: u32 = 100;

fn host(n: u32) -> (String, String) {
    (format!("h{n}"), format!("10.0.{}.{}", n / 200, n % 200 + 2))
}

fn star() -> Vec<Op> {
    let mut ops = vec![Op::AddNetns { netns: ns("s") }];
    let Op::AddLink(mut br) = bridge("s", "br0", BridgeAttrs::default()) else { unreachable!() };
    br.up = false;
    ops.push(Op::AddLink(br));
    ops.extend((0..HOSTS).map(|n| Op::AddNetns { netns: ns(&host(n).0) }));
    ops.extend((0..HOSTS).map(|n| {
        let peer = VethPeer { netns: ns(&host(n).0), name: dev("eth0"), mac: None, mtu: None };
        Op::AddLink(Box::new(AddLink {
            netns: ns("s"),
            name: dev(&format!("p{n}")),
            kind: NewLink::Veth { peer },
            mac: None,
            mtu: None,
            master: Some(dev("br0")),
            up: true,
        }))
    }));
    for n in 0..HOSTS {
        let (name, addr) = host(n);
        let addr = Address::new(format!("{addr}/16").parse().unwrap());
        let default = Route::new("0.0.0.0/0".parse().unwrap()).via("10.0.255.254".parse().unwrap());
        ops.extend([
            up(&name, "lo"),
            up(&name, "eth0"),
            Op::AddAddr { netns: ns(&name), dev: dev("eth0"), addr },
            Op::AddRoute { netns: ns(&name), verb: RouteVerb::Add, route: default },
        ]);
    }
    ops.push(up("s", "br0"));
    ops
}

#[test]
fn a_star_of_many() {
    let Some(mut m) = machine("star", &[]) else { return };
    if machine("star", &["try"]).is_none() {
        return;
    }
    let ops = star();
    let begun = Instant::now();
    done(&mut m, &ops);
    println!("{HOSTS} hosts, {} ops: {:?}", ops.len(), begun.elapsed());
    m.settle().unwrap();
    let begun = Instant::now();
    let seen = m.observe(&Extent::default()).unwrap();
    println!("observed in {:?}", begun.elapsed());
    let s = &seen.netns[&ns("s")];
    for n in 0..HOSTS {
        let name = host(n).0;
        let h = &seen.netns[&ns(&name)];
        assert_eq!(h.derived.links[&dev("eth0")].operstate, OperState::Up, "{name}");
        let port = dev(&format!("p{n}"));
        assert_eq!(h.config.links[&dev("eth0")].kind, LinkKind::Veth { peer: Some((ns("s"), port)) });
        assert_eq!(s.config.links[&port].kind, LinkKind::Veth { peer: Some((ns(&name), dev("eth0"))) });
    }
    // Half of it goes; the ports of that half are gone when the ops are.
    let half: Vec<Op> = (0..HOSTS / 2).map(|n| Op::DelNetns { netns: ns(&host(n).0) }).collect();
    let begun = Instant::now();
    done(&mut m, &half);
    println!("half removed, its ports gone: {:?}", begun.elapsed());
    let only = Extent { netns: Some([ns("s")].into()), ..Extent::default() };
    let left = m.observe(&only).unwrap().netns[&ns("s")].config.links.len();
    // lo, the bridge, and the ports of the other half.
    assert_eq!(left, 2 + (HOSTS - HOSTS / 2) as usize);
    let begun = Instant::now();
    assert!(m.destroy_all().is_empty());
    println!("the rest removed: {:?}", begun.elapsed());
}
