//! What happens after a while: neighbours grow stale, fragments are given up, what was learned of a path is forgotten,
//! attempts end. Ordinary runs use shortened times; with the usual ones the kernel is asked once (`NETTWIN_LONG`) and
//! its golden answers are compared with.

use crate::arp::wired;
use crate::forward::routed;
use crate::harness::{Case, dev, mac, ns};
use crate::router::detour;
use nettwin_model::probe::{Listen, PmtuDisc, Probe, Proto, TcpFlow, UdpFlow};
use nettwin_model::{LinkChange, Neigh, NeighExtra, Nud, Op};
use std::time::Duration;

fn udp(size: u16) -> Probe {
    Probe::Udp(UdpFlow {
        netns: ns("h1"),
        dst: "10.2.0.1".parse().expect("an address"),
        port: 53,
        source: None,
        source_port: Some(40_000),
        size,
        timeout: Duration::from_millis(500),
    })
}

/// A neighbour that was heard of; `elsewhere`: not by the kernel.
fn aged(netns: &str, name: &str, addr: &str, elsewhere: bool) -> Op {
    let neigh = Neigh {
        dev: dev(name),
        dst: addr.parse().expect("an address"),
        lladdr: Some(mac(2)),
        state: Nud::Stale,
        proxy: false,
        extra: NeighExtra { extern_learn: elsewhere, ..NeighExtra::default() },
    };
    Op::AddNeigh { netns: ns(netns), neigh, replace: false }
}

fn listen(netns: &str, proto: Proto, port: u16) -> Probe {
    Probe::Listen(Listen { netns: ns(netns), proto, addr: None, port })
}

/// Nothing but the last fragment fits the receiver's end of the wire.
fn headless(name: &'static str) -> Case {
    routed(name)
        .set("h2", "eth0", LinkChange { mtu: Some(1400), ..LinkChange::default() })
        .start("server", listen("h2", Proto::Udp, 53))
}

/// A path that is narrow at its end.
fn narrow(name: &'static str) -> Case {
    let mtu = LinkChange { mtu: Some(1200), ..LinkChange::default() };
    routed(name).set("r", "e2", mtu.clone()).set("h2", "eth0", mtu).ping_with("h1", "10.2.0.1", 2, |p| p.size = 1400)
}

fn tcp(from: &str, to: &str, timeout: u64) -> Probe {
    let (dst, timeout) = (to.parse().expect("an address"), Duration::from_secs(timeout));
    Probe::Tcp(TcpFlow { netns: ns(from), dst, port: 80, source: None, bytes: 0, timeout })
}

#[test]
fn forgotten_and_given_up() {
    let whole = |p: &mut nettwin_model::probe::Ping| {
        p.size = 1400;
        p.pmtudisc = PmtuDisc::Do;
    };
    crate::agree(
        "times",
        vec![
            headless("fragments without the first are given up silently")
                .sysctl("h2", "net/ipv4/ipfrag_time", "1")
                .capture("cap", "h1", "eth0")
                .probe(udp(1600))
                .wait_ms(1800)
                .probe(udp(1600))
                .end("cap")
                .end("server"),
            routed("no fragment has ports for a rule to see, not even the first")
                .rule("r", "priority 10 iif e1 ipproto udp dport 53 blackhole")
                .probe(udp(8))
                .probe(udp(1600))
                .rule("r", "priority 11 iif e1 ipproto udp blackhole")
                .probe(udp(1600)),
            narrow("what was learned of a path is forgotten")
                .sysctl("h1", "net/ipv4/route/mtu_expires", "2")
                .sysctl("h1", "net/ipv4/route/flush", "1")
                .route_get("h1", "10.2.0.1")
                .ping_with("h1", "10.2.0.1", 1, |p| p.size = 1400)
                .ping_with("h1", "10.2.0.1", 1, whole)
                .wait_ms(3000)
                .route_get("h1", "10.2.0.1")
                .ping_with("h1", "10.2.0.1", 1, whole),
            narrow("what was learned of a path, by default")
                .takes_long()
                .wait_ms(590_000)
                .ping_with("h1", "10.2.0.1", 1, whole)
                .wait_ms(12_000)
                .route_get("h1", "10.2.0.1")
                .ping_with("h1", "10.2.0.1", 1, whole),
            wired("a neighbour, by default")
                .takes_long()
                .ping("a", "10.0.0.2", 1)
                .wait_ms(8_000)
                .neighs()
                .wait_ms(42_000)
                .neighs()
                .ping("a", "10.0.0.2", 1)
                .neighs()
                .wait_ms(4_000)
                .neighs()
                .wait_ms(1_600)
                .neighs()
                .capture("cap", "b", "y")
                .wait_ms(30_000)
                .end("cap"),
            wired("attempts to connect end when they have been made often enough")
                .sysctl("a", "net/ipv4/tcp_syn_retries", "1")
                .sysctl("a", "net/ipv4/tcp_syn_linear_timeouts", "1")
                .route("b", "blackhole 10.0.0.1")
                .probe(tcp("a", "10.0.0.2", 20)),
            wired("attempts to connect, by default")
                .takes_long()
                .route("b", "blackhole 10.0.0.1")
                .probe(tcp("a", "10.0.0.2", 200)),
        ],
    );
}

#[test]
fn not_there_any_more() {
    crate::agree(
        "times-neighbour",
        vec![
            wired("a neighbour that is not there any more, by default")
                .takes_long()
                // The other end would ask at the same instants.
                .sysctl("b", "net/ipv4/neigh/y/delay_first_probe_time", "60")
                .ping("a", "10.0.0.2", 1)
                .wait_ms(50_000)
                .sysctl("b", "net/ipv4/conf/all/arp_ignore", "8")
                .capture("cap", "b", "y")
                .ping("a", "10.0.0.2", 1)
                .wait_ms(9_500)
                .neighs()
                .end("cap"),
        ],
    );
}

#[test]
fn kept() {
    crate::agree(
        "times-kept",
        vec![
            wired("no neighbour is collected while there are few")
                .takes_long()
                .ping("a", "10.0.0.2", 1)
                .ping_with("a", "10.0.0.9", 1, |p| p.linger = Duration::from_secs(4))
                .wait_ms(150_000)
                .neighs(),
            detour("redirects come ever more rarely, nine at most, until there was silence")
                .takes_long()
                .sysctl("h", "net/ipv4/conf/all/accept_redirects", "0")
                .sysctl("h", "net/ipv4/conf/eth0/accept_redirects", "0")
                .ping("h", "10.5.0.1", 70)
                .wait_ms(19_000)
                .ping("h", "10.5.0.1", 1)
                .wait_ms(21_500)
                .ping("h", "10.5.0.1", 2),
        ],
    );
}

/// The kernel has one table for all namespaces, so that this is asked alone.
#[test]
fn forgotten() {
    crate::agree(
        "times-forgotten",
        vec![
            (1..=70)
                .fold(wired("of many neighbours those are forgotten that nobody uses"), |case, last| {
                    let heard = |netns, name| aged(netns, name, &format!("10.0.1.{last}"), false);
                    case.op(heard("a", "x")).op(heard("b", "y"))
                })
                .takes_long()
                .sysctl("b", "net/ipv4/neigh/y/gc_stale_time", "8")
                .neigh("a", "x", "10.0.2.1", Some(mac(2)))
                .op(aged("a", "x", "10.0.2.2", true))
                .wait_ms(2_000)
                .neighs()
                .wait_ms(28_000)
                .neighs()
                .wait_ms(60_000)
                .neighs(),
        ],
    );
}
