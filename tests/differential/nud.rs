//! The life of a neighbour entry, with short times: reachable, stale, delay, probe, failed; and the queue of what waits.

use crate::arp::wired;
use crate::harness::{Case, dev, mac, ns};
use nettwin_model::probe::{Listen, Probe, Proto, TcpFlow};
use nettwin_model::{Neigh, Nud, Op};
use std::time::Duration;

/// a's entries are reachable for two to six seconds, wait a second in delay, and are asked for every 200 ms. Those of b,
/// who would do the same at the same instant, live as long as usual.
fn short(name: &'static str) -> Case {
    wired(name)
        .sysctl("a", "net/ipv4/neigh/x/base_reachable_time_ms", "4000")
        .sysctl("a", "net/ipv4/neigh/x/delay_first_probe_time", "1")
        .sysctl("a", "net/ipv4/neigh/x/retrans_time_ms", "200")
}

fn deaf(case: Case, deaf: bool) -> Case {
    case.sysctl("b", "net/ipv4/conf/all/arp_ignore", if deaf { "8" } else { "0" })
}

#[test]
fn states() {
    crate::agree(
        "nud",
        vec![
            short("reachable, stale, delay, and asked again")
                .capture("cap", "b", "y")
                .ping("a", "10.0.0.2", 1)
                .neighs()
                .wait_ms(7000)
                .neighs()
                .ping("a", "10.0.0.2", 1)
                .neighs()
                .wait_ms(1500)
                .neighs()
                .end("cap"),
            deaf(short("asked again and not answered").ping("a", "10.0.0.2", 1).wait_ms(7000), true)
                .capture("cap", "b", "y")
                .ping("a", "10.0.0.2", 1)
                .wait_ms(2500)
                .neighs()
                .end("cap"),
            deaf(short("failed, then asked again at once"), true)
                .ping_with("a", "10.0.0.2", 1, |p| p.linger = Duration::from_secs(2))
                .neighs()
                .sysctl("b", "net/ipv4/conf/all/arp_ignore", "0")
                .ping("a", "10.0.0.2", 1)
                .neighs(),
            short("one that is used lately is doubted, not forgotten")
                .sysctl("a", "net/ipv4/neigh/x/base_reachable_time_ms", "400")
                .ping("a", "10.0.0.2", 5)
                .neighs(),
            short("fewer questions")
                .sysctl("a", "net/ipv4/neigh/x/mcast_solicit", "1")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.9", 1, |p| p.linger = Duration::from_secs(2))
                .end("cap"),
            short("more questions, then errors for all that waited")
                .sysctl("a", "net/ipv4/neigh/x/mcast_solicit", "5")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.9", 3, |p| {
                    p.interval = Duration::from_millis(10);
                    p.linger = Duration::from_secs(2);
                })
                .end("cap"),
            deaf(
                short("the oldest of what waits is lost").sysctl("a", "net/ipv4/neigh/x/unres_qlen_bytes", "1700"),
                true,
            )
            .start("pings", pings(5))
            .wait_ms(300)
            .sysctl("b", "net/ipv4/conf/all/arp_ignore", "0")
            .wait_ms(1000)
            .end("pings"),
            short("a connection that gets on proves its neighbour")
                .start("server", listen("b"))
                .ping("a", "10.0.0.2", 1)
                .wait_ms(7000)
                .neighs()
                .probe(tcp("a", "10.0.0.2"))
                .wait_ms(1600)
                .neighs()
                .end("server"),
            wired("entries by hand in every state")
                .op(by_hand("10.0.0.11", Nud::Stale))
                .op(by_hand("10.0.0.12", Nud::Reachable))
                .op(by_hand("10.0.0.13", Nud::Noarp))
                .op(by_hand("10.0.0.14", Nud::Failed))
                .op(by_hand("10.0.0.15", Nud::Delay))
                .op(by_hand("10.0.0.2", Nud::Noarp))
                .wait_ms(100)
                .neighs()
                .capture("cap", "b", "y")
                .ping("a", "10.0.0.11", 1)
                .ping("a", "10.0.0.2", 1)
                .end("cap")
                .neighs(),
            wired("carrier loss need not forget")
                .sysctl("a", "net/ipv4/conf/x/arp_evict_nocarrier", "0")
                .ping("a", "10.0.0.2", 1)
                .down("b", "y")
                .wait_ms(1200)
                .neighs(),
        ],
    );
}

fn listen(netns: &str) -> Probe {
    Probe::Listen(Listen { netns: ns(netns), proto: Proto::Tcp, addr: None, port: 80 })
}

fn tcp(from: &str, to: &str) -> Probe {
    let dst = to.parse().expect("an address");
    let timeout = Duration::from_secs(5);
    Probe::Tcp(TcpFlow { netns: ns(from), dst, port: 80, source: None, bytes: 1000, timeout })
}

fn by_hand(addr: &str, state: Nud) -> Op {
    let dst = addr.parse().expect("an address");
    let neigh = Neigh { dev: dev("x"), dst, lladdr: Some(mac(2)), state, proxy: false, extra: Default::default() };
    Op::AddNeigh { netns: ns("a"), neigh, replace: false }
}

fn pings(count: u32) -> nettwin_model::probe::Probe {
    let mut ping =
        nettwin_model::probe::Ping::new(crate::harness::ns("a"), "10.0.0.2".parse().expect("an address"), count);
    ping.interval = Duration::from_millis(10);
    ping.linger = Duration::from_secs(5);
    nettwin_model::probe::Probe::Ping(ping)
}
