//! UDP and TCP as seen from outside: served, refused, unreachable, silent.

use crate::forward::routed;
use crate::harness::{Case, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::{Listen, Probe, Proto, TcpFlow, UdpFlow};
use std::time::Duration;

fn tcp(to: &str, port: u16, bytes: u64) -> Probe {
    Probe::Tcp(TcpFlow {
        netns: ns("h1"),
        dst: to.parse().expect("an address"),
        port,
        source: None,
        bytes,
        timeout: Duration::from_secs(6),
    })
}

fn udp(to: &str, port: u16, size: u16) -> Probe {
    Probe::Udp(UdpFlow {
        netns: ns("h1"),
        dst: to.parse().expect("an address"),
        port,
        source: None,
        source_port: None,
        size,
        timeout: Duration::from_secs(2),
    })
}

fn listen(proto: Proto, addr: Option<&str>, port: u16) -> Probe {
    Probe::Listen(Listen { netns: ns("h2"), proto, addr: addr.map(|a| a.parse().expect("an address")), port })
}

/// Starts a probe of h2's, named.
fn served(case: Case) -> Case {
    case.start("tcp", listen(Proto::Tcp, None, 80)).start("udp", listen(Proto::Udp, None, 53))
}

#[test]
fn flows() {
    crate::agree(
        "flow",
        vec![
            served(routed("served"))
                .probe(tcp("10.2.0.1", 80, 0))
                .probe(tcp("10.2.0.1", 80, 100_000))
                .probe(udp("10.2.0.1", 53, 64))
                .probe(udp("10.2.0.1", 53, 4000))
                .end("tcp")
                .end("udp"),
            routed("refused").probe(tcp("10.2.0.1", 81, 10)).probe(udp("10.2.0.1", 54, 10)),
            routed("a listener on 127.0.0.1 is not seen")
                .start("tcp", listen(Proto::Tcp, Some("127.0.0.1"), 80))
                .probe(tcp("10.2.0.1", 80, 0))
                .end("tcp"),
            routed("a listener on one address")
                .addr("h2", "eth0", "10.2.0.5/24")
                .start("tcp", listen(Proto::Tcp, Some("10.2.0.5"), 80))
                .probe(tcp("10.2.0.1", 80, 0))
                .probe(tcp("10.2.0.5", 80, 100))
                .end("tcp"),
            routed("no such address to listen on").start("tcp", listen(Proto::Tcp, Some("10.2.0.77"), 80)).end("tcp"),
            routed("no route").del_route("h1", "default").probe(tcp("10.2.0.1", 80, 0)).probe(udp("10.2.0.1", 80, 1)),
            routed("routes that refuse, here")
                .route("h1", "unreachable 10.3.0.0/16")
                .route("h1", "prohibit 10.4.0.0/16")
                .route("h1", "blackhole 10.5.0.0/16")
                .probe(tcp("10.3.0.1", 80, 0))
                .probe(tcp("10.4.0.1", 80, 0))
                .probe(tcp("10.5.0.1", 80, 0))
                .probe(udp("10.3.0.1", 80, 1))
                .probe(udp("10.4.0.1", 80, 1))
                .probe(udp("10.5.0.1", 80, 1)),
            routed("routes that refuse, at the router")
                .sysctl("r", "net/ipv4/icmp_ratelimit", "0")
                .route("r", "unreachable 10.3.0.0/16")
                .route("r", "prohibit 10.4.0.0/16")
                .route("r", "blackhole 10.5.0.0/16")
                .probe(tcp("10.3.0.1", 80, 0))
                .probe(tcp("10.4.0.1", 80, 0))
                .probe(tcp("10.5.0.1", 80, 0))
                .probe(tcp("10.6.0.1", 80, 0))
                .probe(udp("10.3.0.1", 80, 1))
                .probe(udp("10.4.0.1", 80, 1))
                .probe(udp("10.5.0.1", 80, 1))
                .probe(udp("10.6.0.1", 80, 1)),
            routed("the neighbour does not answer").probe(tcp("10.1.0.9", 80, 0)).probe(udp("10.1.0.9", 80, 1)),
            served(routed("over a narrow path"))
                .set("r", "e2", LinkChange { mtu: Some(900), ..Default::default() })
                .set("h2", "eth0", LinkChange { mtu: Some(900), ..Default::default() })
                .probe(tcp("10.2.0.1", 80, 50_000))
                .probe(udp("10.2.0.1", 53, 1400))
                .probe(udp("10.2.0.1", 53, 1400))
                .end("tcp")
                .end("udp"),
            served(routed("to oneself"))
                .start("own", Probe::Listen(Listen { netns: ns("h1"), proto: Proto::Tcp, addr: None, port: 80 }))
                .probe(tcp("10.1.0.1", 80, 1000))
                .probe(tcp("127.0.0.1", 80, 1000))
                .probe(tcp("127.0.0.1", 81, 0))
                .probe(udp("127.0.0.1", 81, 1))
                .end("own")
                .end("tcp")
                .end("udp"),
            routed("the port is taken")
                .start("one", listen(Proto::Tcp, None, 80))
                .start("two", listen(Proto::Tcp, Some("10.2.0.1"), 80))
                .end("two")
                .end("one"),
        ],
    );
}
