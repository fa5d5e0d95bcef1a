//! The tables against a linear scan, and the order of the lookup.

use super::*;
use crate::rng::Rng;
use nettwin_model::addr::mask_v4;
use nettwin_model::route::proto;

fn alias(kind: RouteKind, metric: u32, tos: u8, via: u8) -> Alias {
    let hop = Hop {
        via: Some(Ipv4Addr::new(10, 0, 0, via)),
        dev: Ifindex(2),
        weight: 1,
        onlink: false,
        scope: Scope::LINK,
        dead: false,
        linkdown: false,
        benched: false,
    };
    Alias {
        kind,
        tos,
        metric,
        scope: Scope::GLOBAL,
        proto: proto::BOOT,
        prefsrc: None,
        said: None,
        object: None,
        hops: if says_no(kind) { Few::Nothing } else { Few::One(hop) },
        dead: false,
        default: Cell::new(-1),
    }
}

fn ip(s: &str) -> Ipv4Addr {
    s.parse().unwrap()
}

fn add(fib: &mut Fib, table: u32, prefix: &str, a: Alias, verb: RouteVerb) -> Result<(), Errno> {
    let (addr, len) = prefix.split_once('/').unwrap();
    fib.insert(table, ip(addr), len.parse().unwrap(), a, verb)
}

fn via(fib: &Fib, dst: &str) -> Result<u8, Errno> {
    fib.lookup(&Flow::to(ip(dst)), |_| false).map(|h| h.way().via.unwrap().octets()[3])
}

#[test]
fn the_longest_prefix_then_tos_then_metric_then_the_first_wins() {
    use RouteVerb::*;
    let mut fib = Fib::default();
    let uni = |metric, tos, via| alias(RouteKind::Unicast, metric, tos, via);
    add(&mut fib, TABLE_MAIN, "0.0.0.0/0", uni(0, 0, 1), Add).unwrap();
    add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(5, 0, 2), Add).unwrap();
    add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(3, 0, 3), Add).unwrap();
    add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(3, 0, 4), Append).unwrap();
    add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(9, 0x10, 5), Add).unwrap();
    assert_eq!(via(&fib, "11.0.0.1"), Ok(1));
    assert_eq!(via(&fib, "10.0.0.1"), Ok(3));
    let flow = Flow { tos: 0x10, ..Flow::to(ip("10.0.0.1")) };
    assert_eq!(fib.lookup(&flow, |_| false).unwrap().way().via, Some(ip("10.0.0.5")));
    add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(3, 0, 6), Prepend).unwrap();
    assert_eq!(via(&fib, "10.0.0.1"), Ok(6));
    assert_eq!(add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(3, 0, 7), Add), Err(Errno::EEXIST));
    assert_eq!(add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(3, 0, 4), Replace), Err(Errno::EEXIST));
    add(&mut fib, TABLE_MAIN, "10.0.0.0/8", uni(3, 0, 8), Replace).unwrap();
    assert_eq!(via(&fib, "10.0.0.1"), Ok(8));
    assert_eq!(add(&mut fib, TABLE_MAIN, "10.0.0.0/9", uni(3, 0, 8), Change), Err(Errno::ENOENT));
    assert_eq!(fib.dump().len(), 6);
}

#[test]
fn local_and_main_are_one_search_and_throw_leads_to_default() {
    let mut fib = Fib::default();
    add(&mut fib, TABLE_LOCAL, "10.0.0.0/8", alias(RouteKind::Local, 0, 0, 1), RouteVerb::Add).unwrap();
    add(&mut fib, TABLE_MAIN, "10.0.0.0/8", alias(RouteKind::Unicast, 0, 0, 2), RouteVerb::Add).unwrap();
    add(&mut fib, TABLE_MAIN, "10.1.0.0/16", alias(RouteKind::Unicast, 0, 0, 3), RouteVerb::Add).unwrap();
    add(&mut fib, TABLE_MAIN, "10.2.0.0/16", alias(RouteKind::Throw, 0, 0, 0), RouteVerb::Add).unwrap();
    add(&mut fib, TABLE_MAIN, "10.3.0.0/16", alias(RouteKind::Prohibit, 0, 0, 0), RouteVerb::Add).unwrap();
    assert_eq!(via(&fib, "10.9.0.1"), Ok(1));
    assert_eq!(via(&fib, "10.1.0.1"), Ok(3));
    assert_eq!(via(&fib, "10.2.0.1"), Err(Errno::ENETUNREACH));
    assert_eq!(via(&fib, "10.3.0.1"), Err(Errno::EACCES));
    add(&mut fib, TABLE_DEFAULT, "0.0.0.0/0", alias(RouteKind::Unicast, 0, 0, 9), RouteVerb::Add).unwrap();
    assert_eq!(via(&fib, "10.2.0.1"), Ok(9));
    assert_eq!(fib.addr_type(ip("10.9.0.1")), RouteKind::Local);
    assert_eq!(fib.addr_type(ip("224.0.0.1")), RouteKind::Multicast);
}

#[test]
fn lookups_agree_with_a_linear_scan() {
    let mut rng = Rng::new(3, "fib");
    let mut fib = Fib::default();
    let mut all: Vec<(u32, u8, u8)> = Vec::new();
    for round in 0..2000u32 {
        let len = rng.below(33) as u8;
        let dst = (rng.next_u32() & 0x0f0f_ffff) & mask_v4(len);
        if rng.below(3) == 0 && !all.is_empty() {
            let (dst, len, _) = all.swap_remove(rng.below(all.len() as u64) as usize);
            let pattern = Pattern {
                dst: dst.into(),
                len,
                tos: 0,
                metric: 0,
                kind: None,
                scope: None,
                proto: 0,
                prefsrc: None,
                mtu: None,
                advmss: None,
                metrics: Default::default(),
                object: None,
                hops: Vec::new(),
            };
            fib.delete(TABLE_MAIN, &pattern).unwrap();
        } else if !all.iter().any(|r| (r.0, r.1) == (dst, len)) {
            let n = round as u8;
            all.push((dst, len, n));
            let route = alias(RouteKind::Unicast, 0, 0, n);
            fib.insert(TABLE_MAIN, dst.into(), len, route, RouteVerb::Add).unwrap();
        }
        let dst = rng.next_u32() & 0x0f0f_ffff;
        let best = all.iter().filter(|r| dst & mask_v4(r.1) == r.0).max_by_key(|r| r.1).map(|r| r.2);
        assert_eq!(via(&fib, &Ipv4Addr::from(dst).to_string()).ok(), best);
    }
}
