//! Neighbours' settings one by one: how many questions, to whom, how much waits, who is learned from what.

use crate::arp::wired;
use crate::craft::addr;
use crate::harness::{Case, dev, mac, ns};
use nettwin_model::probe::{Arping, ArpingMode, Ping, Probe};
use nettwin_model::wire::Arp;
use nettwin_model::{LinkChange, Mac, Neigh, NeighExtra, Nud, Op};
use std::time::Duration;

fn set(case: Case, key: &str, value: &str) -> Case {
    case.sysctl("a", &format!("net/ipv4/neigh/x/{key}"), value)
}

/// Questions 200 ms apart; b does not answer.
fn deaf(name: &'static str) -> Case {
    set(wired(name), "retrans_time_ms", "200").sysctl("b", "net/ipv4/conf/all/arp_ignore", "8")
}

fn by_hand(case: Case, addr: &str, state: Nud) -> Case {
    let neigh = Neigh {
        dev: dev("x"),
        dst: addr.parse().expect("an address"),
        lladdr: Some(mac(2)),
        state,
        proxy: false,
        extra: Default::default(),
    };
    case.op(Op::AddNeigh { netns: ns("a"), neigh, replace: true })
}

fn pings(count: u32, interval: u64) -> Probe {
    let mut ping = Ping::new(ns("a"), addr("10.0.0.2"), count);
    ping.interval = Duration::from_millis(interval);
    ping.linger = Duration::from_secs(3);
    Probe::Ping(ping)
}

/// b sends an ARP packet to a.
fn heard(case: Case, op: u16, spa: &str, tpa: &str, sha: u8, to: Mac) -> Case {
    let arp = Arp { op, sha: mac(sha), spa: addr(spa), tha: Mac::ZERO, tpa: addr(tpa) };
    let arp = if op == Arp::REPLY { Arp { tha: mac(1), ..arp } } else { arp };
    case.send("b", "y", vec![arp.frame(to, mac(sha)).to_vec()])
}

#[test]
fn questions() {
    let seen = |case: Case| case.capture("cap", "b", "y").probe(pings(1, 200)).wait_ms(1000).end("cap").neighs();
    let stale = |case: Case| {
        let case = set(by_hand(case, "10.0.0.2", Nud::Stale), "delay_first_probe_time", "1");
        case.capture("cap", "b", "y").probe(pings(1, 200)).wait_ms(2500).end("cap").neighs()
    };
    crate::agree(
        "neighbour-questions",
        vec![
            seen(set(deaf("none"), "mcast_solicit", "0")),
            seen(set(set(deaf("none by us, some by a program"), "mcast_solicit", "0"), "app_solicit", "2")),
            seen(set(deaf("a program is asked first"), "app_solicit", "1")),
            stale(set(deaf("no unicast ones"), "ucast_solicit", "0")),
            stale(set(deaf("one unicast one"), "ucast_solicit", "1")),
            stale(set(deaf("broadcasts when unicasts were not answered"), "mcast_resolicit", "2")),
            stale(set(set(deaf("nothing at all of a stale one"), "ucast_solicit", "0"), "mcast_solicit", "0")),
        ],
    );
}

#[test]
fn waiting() {
    let released = |case: Case, count| {
        case.start("pings", pings(count, 10))
            .wait_ms(150)
            .sysctl("b", "net/ipv4/conf/all/arp_ignore", "0")
            .wait_ms(1000)
            .end("pings")
    };
    crate::agree(
        "neighbour-queue",
        vec![
            released(deaf("all that fits"), 8),
            released(set(deaf("one always fits"), "unres_qlen_bytes", "0"), 5),
            released(set(deaf("counted in bytes"), "unres_qlen_bytes", "2500"), 6),
            released(set(deaf("counted in frames"), "unres_qlen", "2"), 8),
            set(set(deaf("the two are one"), "unres_qlen", "3"), "unres_qlen_bytes", "9000")
                .ask(nettwin_model::Query::Sysctl {
                    netns: ns("a"),
                    key: nettwin_model::SysctlKey::new("net/ipv4/neigh/x/unres_qlen").expect("a key"),
                })
                .ask(nettwin_model::Query::Sysctl {
                    netns: ns("a"),
                    key: nettwin_model::SysctlKey::new("net/ipv4/neigh/x/unres_qlen_bytes").expect("a key"),
                }),
        ],
    );
}

#[test]
fn learning() {
    let known = |name, state| by_hand(wired(name), "10.0.0.2", state);
    let all = Mac::BROADCAST;
    let accept = |name, value| wired(name).sysctl("a", "net/ipv4/conf/x/arp_accept", value);
    let (ask, answer) = (Arp::REQUEST, Arp::REPLY);
    crate::agree(
        "neighbour-learning",
        vec![
            heard(wired("asked from a foreign subnet"), ask, "10.77.0.1", "10.0.0.1", 2, all).neighs(),
            heard(wired("asked for somebody else"), ask, "10.0.0.2", "10.0.0.9", 2, all).neighs(),
            heard(known("asked for somebody else by a known one", Nud::Stale), ask, "10.0.0.2", "10.0.0.9", 2, all)
                .neighs(),
            heard(known("asked by a known one with another MAC", Nud::Reachable), ask, "10.0.0.2", "10.0.0.1", 7, all)
                .neighs(),
            heard(
                known("a question for somebody else, with another MAC", Nud::Reachable),
                ask,
                "10.0.0.2",
                "10.0.0.9",
                7,
                all,
            )
            .neighs(),
            heard(
                known("the same, after the lock time", Nud::Reachable).wait_ms(1200),
                ask,
                "10.0.0.2",
                "10.0.0.9",
                7,
                all,
            )
            .neighs(),
            heard(wired("an answer that nobody asked for"), answer, "10.0.0.2", "10.0.0.1", 2, mac(1)).neighs(),
            heard(known("an answer of a known one", Nud::Stale), answer, "10.0.0.2", "10.0.0.1", 2, mac(1)).neighs(),
            heard(known("an answer to all of a known one", Nud::Stale), answer, "10.0.0.2", "10.0.0.1", 2, all)
                .neighs(),
            heard(
                known("an answer with another MAC, too early", Nud::Reachable),
                answer,
                "10.0.0.2",
                "10.0.0.1",
                7,
                mac(1),
            )
            .neighs(),
            heard(
                known("an answer with another MAC, late enough", Nud::Reachable).wait_ms(1200),
                answer,
                "10.0.0.2",
                "10.0.0.1",
                7,
                mac(1),
            )
            .neighs(),
            heard(known("told at once of another MAC", Nud::Reachable), ask, "10.0.0.2", "10.0.0.2", 7, all).neighs(),
            heard(known("told of another MAC by an answer", Nud::Reachable), answer, "10.0.0.2", "10.0.0.2", 7, all)
                .neighs(),
            heard(known("a permanent one is not told", Nud::Permanent), ask, "10.0.0.2", "10.0.0.2", 7, all).neighs(),
            heard(known("one without ARP is not told", Nud::Noarp), ask, "10.0.0.2", "10.0.0.1", 7, all).neighs(),
            heard(known("a failed one is there again", Nud::Failed), ask, "10.0.0.2", "10.0.0.9", 2, all).neighs(),
            heard(wired("probed for, nothing is learned"), ask, "0.0.0.0", "10.0.0.1", 2, all).neighs(),
            heard(wired("a group asks"), ask, "224.0.0.1", "10.0.0.1", 2, all).neighs(),
            heard(wired("one of ours asks"), ask, "10.0.0.1", "10.0.0.1", 2, all).neighs(),
            heard(wired("asked for a group"), ask, "10.0.0.2", "224.0.0.1", 2, all).neighs(),
            heard(accept("arp_accept 1, told", "1"), ask, "10.0.0.2", "10.0.0.2", 2, all).neighs(),
            heard(accept("arp_accept 1, told from a foreign subnet", "1"), ask, "10.77.0.2", "10.77.0.2", 2, all)
                .neighs(),
            heard(accept("arp_accept 1, answered", "1"), answer, "10.0.0.2", "10.0.0.1", 2, mac(1)).neighs(),
            heard(accept("arp_accept 1, a question to somebody else", "1"), ask, "10.0.0.2", "10.0.0.9", 2, all)
                .neighs(),
            heard(accept("arp_accept 2, told", "2"), ask, "10.0.0.2", "10.0.0.2", 2, all).neighs(),
            heard(accept("arp_accept 2, told from a foreign subnet", "2"), ask, "10.77.0.2", "10.77.0.2", 2, all)
                .neighs(),
            heard(wired("a frame for somebody else"), ask, "10.0.0.2", "10.0.0.1", 2, mac(9)).neighs(),
            heard(wired("no such operation"), 3, "10.0.0.2", "10.0.0.1", 2, all).neighs(),
        ],
    );
}

#[test]
fn settings() {
    let ask = |dst: &str, count| {
        Probe::Arping(Arping {
            netns: ns("a"),
            dev: dev("x"),
            dst: addr(dst),
            source: None,
            count: Some(count),
            interval: Duration::from_secs(1),
            deadline: None,
            mode: ArpingMode::Ask,
        })
    };
    let proxy = |name| {
        wired(name)
            .wire(("b", "z"), ("a", "w"), (3, 4))
            .addr("b", "z", "10.1.0.2/24")
            .sysctl("b", "net/ipv4/ip_forward", "1")
            .sysctl("b", "net/ipv4/conf/y/proxy_arp", "1")
    };
    let quick = |case: Case| case.sysctl("b", "net/ipv4/neigh/y/proxy_delay", "0");
    crate::agree(
        "neighbour-settings",
        vec![
            proxy("a proxy takes its time").probe(ask("10.1.0.9", 3)),
            quick(proxy("media that hear each other need no proxy"))
                .sysctl("b", "net/ipv4/conf/y/medium_id", "1")
                .sysctl("b", "net/ipv4/conf/z/medium_id", "1")
                .probe(ask("10.1.0.9", 1))
                .sysctl("b", "net/ipv4/conf/z/medium_id", "2")
                .probe(ask("10.1.0.9", 1))
                .sysctl("b", "net/ipv4/conf/z/medium_id", "-1")
                .probe(ask("10.1.0.9", 1))
                .sysctl("b", "net/ipv4/conf/y/medium_id", "-1")
                .probe(ask("10.1.0.9", 1)),
            wired("carrier loss, where no device forgets")
                .sysctl("a", "net/ipv4/conf/all/arp_evict_nocarrier", "0")
                .ping("a", "10.0.0.2", 1)
                .down("b", "y")
                .wait_ms(1200)
                .neighs(),
            wired("arp_notify of all devices")
                .sysctl("a", "net/ipv4/conf/all/arp_notify", "1")
                .addr("a", "x", "10.5.0.1/24")
                .down("a", "x")
                .capture("cap", "b", "y")
                .up("a", "x")
                .wait_ms(300)
                .set("a", "x", LinkChange { mac: Some(mac(9)), ..LinkChange::default() })
                .wait_ms(300)
                .end("cap"),
            wired("where a group's packets go")
                .route("a", "224.0.0.0/4 dev x")
                .capture("cap", "b", "y")
                .ping("a", "224.1.2.3", 1)
                .ping("a", "239.129.2.3", 1)
                .ping_with("a", "10.0.0.255", 1, |p| p.broadcast = true)
                .ping_with("a", "255.255.255.255", 1, |p| p.broadcast = true)
                .end("cap")
                .neighs(),
        ],
    );
}

#[test]
fn without_arp() {
    let arp =
        |case: Case, netns, name, on| case.set(netns, name, LinkChange { arp: Some(on), ..LinkChange::default() });
    let off = |name| arp(wired(name), "a", "x", false);
    crate::agree(
        "neighbour-noarp",
        vec![
            off("asks nobody, and sends to itself")
                .capture("cap", "b", "y")
                .ping("a", "10.0.0.2", 1)
                .end("cap")
                .neighs(),
            off("says nothing of itself").capture("cap", "b", "y").ping("b", "10.0.0.1", 4).end("cap").neighs(),
            arp(off("asks again"), "a", "x", true).ping("a", "10.0.0.2", 1).neighs(),
            arp(wired("off forgets whom it knew").ping("a", "10.0.0.2", 1), "a", "x", false).neighs().observe(),
            arp(off("on forgets what was said by hand").neigh("a", "x", "10.0.0.2", Some(mac(2))), "a", "x", true)
                .neighs(),
            off("who is known by hand is reached")
                .neigh("a", "x", "10.0.0.2", Some(mac(2)))
                .neigh("b", "y", "10.0.0.1", Some(mac(1)))
                .ping("a", "10.0.0.2", 2)
                .neighs(),
            off("broadcasts and groups")
                .route("a", "224.0.0.0/4 dev x")
                .capture("cap", "b", "y")
                .ping("a", "224.1.2.3", 1)
                .ping_with("a", "10.0.0.255", 1, |p| p.broadcast = true)
                .end("cap"),
            arp(wired("nothing is announced").sysctl("a", "net/ipv4/conf/x/arp_notify", "1"), "a", "x", false)
                .capture("cap", "b", "y")
                .addr("a", "x", "10.5.0.1/24")
                .down("a", "x")
                .up("a", "x")
                .wait_ms(300)
                .end("cap"),
            heard(
                arp(wired("nothing is heard").sysctl("a", "net/ipv4/conf/all/arp_accept", "1"), "a", "x", false),
                Arp::REQUEST,
                "10.0.0.2",
                "10.0.0.2",
                2,
                Mac::BROADCAST,
            )
            .wait_ms(100)
            .neighs(),
        ],
    );
}

#[test]
fn managed() {
    let said = |case: Case, extra: NeighExtra| {
        let state = if extra.managed { Nud::None } else { Nud::Permanent };
        let neigh = Neigh { dev: dev("x"), dst: addr("10.0.0.2").into(), lladdr: None, state, proxy: false, extra };
        case.op(Op::AddNeigh { netns: ns("a"), neigh, replace: true })
    };
    let managed = NeighExtra { managed: true, ..NeighExtra::default() };
    let used = NeighExtra { used: true, ..NeighExtra::default() };
    crate::agree(
        "neighbour-managed",
        vec![
            said(wired("is asked for at once").capture("cap", "b", "y"), managed).wait_ms(300).end("cap").neighs(),
            said(said(deaf("one that failed is asked for again"), managed).wait_ms(1200).neighs(), managed)
                .sysctl("b", "net/ipv4/conf/all/arp_ignore", "0")
                .wait_ms(6000)
                .neighs(),
            said(wired("a use of one that is not known").capture("cap", "b", "y"), used)
                .wait_ms(300)
                .end("cap")
                .neighs(),
            said(by_hand(wired("a use of a permanent one"), "10.0.0.2", Nud::Permanent), used).wait_ms(300).neighs(),
        ],
    );
}
