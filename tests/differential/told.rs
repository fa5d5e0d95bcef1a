//! Errors that are told and errors that are not: about what, to whom, how much of it, how often.

use crate::craft::{Packet, addr, echo, icmp, plain, udp};
use crate::forward::routed;
use crate::harness::{Case, mac};
use nettwin_model::{LinkChange, Mac};

/// h1 sends these to its router, by its MAC or another.
fn sent(case: Case, to: Mac, packets: &[Packet]) -> Case {
    let frames = packets.iter().map(|p| p.frame(to, mac(1))).collect();
    case.sysctl("r", "net/ipv4/icmp_ratelimit", "0")
        .ping("h1", "10.2.0.1", 1)
        .capture("cap", "h1", "eth0")
        .send("h1", "eth0", frames)
        .wait_ms(100)
        .end("cap")
}

/// Echo requests from everywhere, and what of them arrives.
fn sources(case: Case) -> Case {
    let from = [
        "10.1.0.1",
        "10.77.0.1",
        "10.2.0.9",
        "10.1.0.254",
        "10.2.0.254",
        "10.1.0.255",
        "255.255.255.255",
        "224.0.0.1",
        "0.0.0.0",
        "0.0.0.9",
        "127.0.0.1",
        "240.0.0.1",
        "169.254.0.1",
    ];
    let frames = from.iter().map(|src| echo(src, "10.2.0.1").frame(mac(0x11), mac(1))).collect();
    case.ping("h1", "10.2.0.1", 1).capture("cap", "r", "e2").send("h1", "eth0", frames).wait_ms(100).end("cap")
}

/// A packet whose time is over at the router.
fn dying(packet: Packet) -> Packet {
    packet.with(|p| p.ttl = 1)
}

#[test]
fn errors() {
    let far = "10.2.0.1";
    let from = |src: &'static str| dying(echo(src, far));
    let fragment = |frag| dying(udp("10.1.0.1", far, 9, &[1; 64])).with(|p| p.frag = frag);
    let small = |mtu| LinkChange { mtu: Some(mtu), ..LinkChange::default() };
    crate::agree(
        "icmp-told",
        vec![
            sent(
                routed("what may be told about"),
                mac(0x11),
                &[
                    dying(plain("10.1.0.1", far)),
                    dying(udp("10.1.0.1", far, 9, &[1; 10])),
                    dying(icmp("10.1.0.1", far, 0, 0, 0, &[1; 8])),
                    dying(icmp("10.1.0.1", far, 13, 0, 0, &[1; 12])),
                    dying(icmp("10.1.0.1", far, 18, 0, 0, &[1; 12])),
                    // Errors, and what nobody knows.
                    dying(icmp("10.1.0.1", far, 3, 1, 0, &echo("10.2.0.1", "10.1.0.1").bytes())),
                    dying(icmp("10.1.0.1", far, 4, 0, 0, &echo("10.2.0.1", "10.1.0.1").bytes())),
                    dying(icmp("10.1.0.1", far, 5, 0, 0, &echo("10.2.0.1", "10.1.0.1").bytes())),
                    dying(icmp("10.1.0.1", far, 11, 0, 0, &echo("10.2.0.1", "10.1.0.1").bytes())),
                    dying(icmp("10.1.0.1", far, 12, 0, 0, &echo("10.2.0.1", "10.1.0.1").bytes())),
                    dying(icmp("10.1.0.1", far, 19, 0, 0, &[0; 8])),
                    dying(icmp("10.1.0.1", far, 42, 0, 0, &[0; 8])),
                    dying(plain("10.1.0.1", far)).with(|p| p.proto = 1),
                ],
            ),
            sent(
                routed("of fragments only the first"),
                mac(0x11),
                &[fragment(0x2000), fragment(0x2008), fragment(0x0010), fragment(0x4000)],
            ),
            sent(
                routed("never what was sent to many"),
                Mac::BROADCAST,
                &[
                    dying(echo("10.1.0.1", far)),
                    udp("10.1.0.1", "10.1.0.254", 9, &[1; 10]),
                    udp("10.1.0.1", "10.1.0.255", 9, &[1; 10]),
                    udp("10.1.0.1", "255.255.255.255", 9, &[1; 10]),
                    udp("10.1.0.1", "224.0.0.1", 9, &[1; 10]),
                    plain("10.1.0.1", "10.1.0.254"),
                ],
            ),
            sent(
                routed("never to who is no single host").addr("r", "e2", "10.3.0.254/24"),
                mac(0x11),
                &[
                    from("10.1.0.255"),
                    from("255.255.255.255"),
                    from("224.0.0.1"),
                    from("0.0.0.0"),
                    from("0.0.0.9"),
                    from("127.0.0.1"),
                    from("10.1.0.254"),
                    from("10.2.0.254"),
                    from("10.3.0.255"),
                    from("240.0.0.1"),
                    udp("10.1.0.255", "10.1.0.254", 9, &[1; 10]),
                    udp("0.0.0.0", "10.1.0.254", 9, &[1; 10]),
                ],
            ),
            sent(
                routed("to whom nobody has a way"),
                mac(0x11),
                &[
                    echo("10.1.0.1", "0.0.0.1"),
                    echo("10.1.0.1", "127.0.0.1"),
                    echo("10.1.0.1", "240.0.0.1"),
                    from("10.77.0.1"),
                ],
            ),
            sent(
                routed("whose time is over, too long, without a way")
                    .set("r", "e2", small(600))
                    .route("r", "throw 10.13.0.0/16"),
                mac(0x11),
                &[
                    dying(udp("10.1.0.1", far, 9, &[1; 900])).with(|p| p.frag = 0x4000),
                    dying(udp("10.1.0.1", "10.13.0.1", 9, &[1; 9])),
                    udp("10.1.0.1", "10.13.0.1", 9, &[1; 9]),
                    udp("10.1.0.1", far, 9, &[1; 900]).with(|p| p.frag = 0x4000),
                ],
            ),
            sources(routed("sources that cannot be")),
            sources(routed("sources that can be on any link").sysctl("r", "net/ipv4/conf/e1/route_localnet", "1")),
            sources(routed("sources, where some route must lead back").sysctl("r", "net/ipv4/conf/all/rp_filter", "2")),
            sources(routed("sources, where the route must lead back").sysctl("r", "net/ipv4/conf/e1/rp_filter", "1")),
            sources(routed("sources, the laxer of two").sysctl("r", "net/ipv4/conf/all/rp_filter", "2").sysctl(
                "r",
                "net/ipv4/conf/e1/rp_filter",
                "1",
            )),
            sent(
                routed("what nobody takes"),
                mac(0x11),
                &[
                    plain("10.1.0.1", "10.1.0.254"),
                    plain("10.1.0.1", "10.2.0.254"),
                    udp("10.1.0.1", "10.2.0.254", 9, &[1; 10]),
                    udp("10.1.0.1", "10.1.0.254", 9, &[1; 10]).with(|p| p.payload.truncate(6)),
                    udp("10.1.0.1", "10.1.0.254", 9, &[1; 10]).with(|p| p.payload[7] ^= 1),
                    udp("10.1.0.1", "10.1.0.254", 9, &[1; 10]).with(|p| p.payload[6..8].fill(0)),
                    udp("10.1.0.1", "10.1.0.254", 9, &[1; 10]).with(|p| p.payload[5] = 12),
                    udp("10.1.0.1", "10.1.0.254", 9, &[1; 10]).with(|p| p.payload[5] = 99),
                ],
            ),
            sent(
                routed("so much of it comes back"),
                mac(0x11),
                &[
                    dying(udp("10.1.0.1", far, 9, &[5; 1400])),
                    dying(udp("10.1.0.1", far, 9, &[5; 520])),
                    dying(udp("10.1.0.1", far, 9, &[5; 519])),
                    udp("10.1.0.1", "10.1.0.254", 9, &[5; 1400]),
                ],
            ),
            sent(
                routed("so much as the way back takes").set("r", "e1", small(200)).set("h1", "eth0", small(200)),
                mac(0x11),
                &[dying(udp("10.1.0.1", far, 9, &[5; 170])), dying(udp("10.1.0.1", far, 9, &[5; 90]))],
            ),
            sent(
                routed("type of service"),
                mac(0x11),
                &[0x00, 0x04, 0x10, 0x1c, 0x1f, 0x28, 0xb8, 0xff]
                    .map(|tos| dying(udp("10.1.0.1", far, 9, &[1; 10])).with(|p| p.tos = tos)),
            ),
            sent(
                routed("type of service of answers"),
                mac(0x11),
                &[0x04, 0x1f, 0xb8, 0xff].map(|tos| echo("10.1.0.1", "10.1.0.254").with(|p| p.tos = tos)),
            ),
            routed("a common limit of none")
                .sysctl("r", "net/ipv4/icmp_msgs_per_sec", "0")
                .capture("cap", "h1", "eth0")
                .ping_with("h1", "10.2.0.1", 2, |p| p.ttl = Some(1))
                .ping("h1", "10.1.0.254", 2)
                .end("cap"),
            routed("a common limit, and what is not limited")
                .sysctl("r", "net/ipv4/icmp_msgs_burst", "0")
                .sysctl("r", "net/ipv4/icmp_ratemask", "6169")
                .ping_with("h1", "10.2.0.1", 1, |p| p.ttl = Some(1))
                .wait_ms(100)
                .ping("h1", "10.1.0.254", 3)
                .sysctl("r", "net/ipv4/icmp_ratemask", "6168")
                .ping("h1", "10.1.0.254", 1),
            routed("a host that is told of a redirect does not tell it on")
                .ping("h1", "10.2.0.1", 1)
                .send(
                    "r",
                    "e1",
                    vec![
                        icmp(
                            "10.1.0.254",
                            "10.1.0.1",
                            5,
                            1,
                            addr("10.1.0.253").to_bits(),
                            &echo("10.1.0.1", "10.5.0.1").bytes(),
                        )
                        .frame(mac(1), mac(0x11)),
                        icmp(
                            "10.1.0.254",
                            "10.1.0.1",
                            5,
                            1,
                            addr("10.1.0.253").to_bits(),
                            &echo("10.1.0.1", "10.5.0.1").bytes(),
                        )
                        .frame(mac(1), mac(0x11)),
                    ],
                )
                .route_get("h1", "10.5.0.1"),
        ],
    );
}

/// What a and b think of a path after b was told of it, by whoever: r's errors about h1's packets.
#[test]
fn believed() {
    let about = |mtu: u32| {
        icmp("10.1.0.254", "10.1.0.1", 3, 4, mtu, &echo("10.1.0.1", "10.2.0.1").bytes()).frame(mac(1), mac(0x11))
    };
    let told = |case: Case, mtus: &[u32]| {
        let frames = mtus.iter().map(|mtu| about(*mtu)).collect();
        case.ping("h1", "10.2.0.1", 1).send("r", "e1", frames).route_get("h1", "10.2.0.1").route_get("h1", "10.2.0.2")
    };
    let foreign = icmp("10.1.0.254", "10.1.0.1", 3, 4, 1000, &echo("10.9.0.1", "10.2.0.1").bytes());
    crate::agree(
        "path-mtu-told",
        vec![
            told(routed("narrower"), &[1400]),
            told(routed("narrower, then wider, then narrower"), &[1200, 1300, 1000]),
            told(routed("wider than the device"), &[1500, 9000]),
            told(routed("narrower than the least"), &[500]),
            told(routed("narrower than the least, then less narrow"), &[500, 1200]),
            told(routed("none said"), &[0]),
            told(routed("narrower than the least that is set").sysctl("h1", "net/ipv4/route/min_pmtu", "1000"), &[800]),
            told(routed("a least that is lower").sysctl("h1", "net/ipv4/route/min_pmtu", "100"), &[200]),
            told(routed("where discovery is off").sysctl("h1", "net/ipv4/ip_no_pmtu_disc", "1"), &[1000]),
            told(routed("where what is told is ignored").sysctl("h1", "net/ipv4/ip_no_pmtu_disc", "2"), &[1000]),
            told(routed("where only what can be proven counts").sysctl("h1", "net/ipv4/ip_no_pmtu_disc", "3"), &[1000]),
            told(routed("a locked MTU").route("h1", "10.2.0.0/16 via 10.1.0.254 mtu lock 1300"), &[1000]),
            told(routed("a route's MTU").route("h1", "10.2.0.0/16 via 10.1.0.254 mtu 1300"), &[1400, 1200]),
            routed("about somebody else's packet")
                .ping("h1", "10.2.0.1", 1)
                .send("r", "e1", vec![foreign.frame(mac(1), mac(0x11))])
                .route_get("h1", "10.2.0.1"),
            told(routed("forgotten with the route"), &[1000])
                .del_route("h1", "default")
                .route("h1", "default via 10.1.0.254")
                .route_get("h1", "10.2.0.1"),
            told(routed("forgotten with the device"), &[1000])
                .down("h1", "eth0")
                .up("h1", "eth0")
                .route("h1", "default via 10.1.0.254")
                .route_get("h1", "10.2.0.1"),
            told(routed("not forgotten with another route"), &[1000])
                .route("h1", "10.3.0.0/16 via 10.1.0.254")
                .del_route("h1", "10.3.0.0/16")
                .addr("h1", "eth0", "10.8.0.1/24")
                .del_addr("h1", "eth0", "10.8.0.1/24")
                .route_get("h1", "10.2.0.1"),
        ],
    );
}

/// h1 is told by its router, twice, that 10.5.0.1 is better reached by another.
#[test]
fn redirected() {
    let told = |case: Case, gateway: &str| {
        let about = echo("10.1.0.1", "10.5.0.1").bytes();
        let frame = icmp("10.1.0.254", "10.1.0.1", 5, 1, addr(gateway).to_bits(), &about).frame(mac(1), mac(0x11));
        case.ping("h1", "10.2.0.1", 1)
            .send("r", "e1", vec![frame.clone()])
            .route_get("h1", "10.5.0.1")
            .wait_ms(100)
            .send("r", "e1", vec![frame])
            .route_get("h1", "10.5.0.1")
    };
    let other = |name| routed(name).addr("r", "e1", "10.1.0.253/24");
    let unshared = |name| {
        other(name).sysctl("h1", "net/ipv4/conf/all/shared_media", "0").sysctl(
            "h1",
            "net/ipv4/conf/eth0/shared_media",
            "0",
        )
    };
    let insecure = |case: Case| {
        case.sysctl("h1", "net/ipv4/conf/all/secure_redirects", "0").sysctl(
            "h1",
            "net/ipv4/conf/eth0/secure_redirects",
            "0",
        )
    };
    crate::agree(
        "redirected",
        vec![
            told(other("to another router"), "10.1.0.253"),
            told(other("to who does not answer"), "10.1.0.99"),
            told(other("to itself"), "10.1.0.254"),
            told(other("to oneself"), "10.1.0.1"),
            told(other("to a group"), "224.0.0.5"),
            told(other("to everybody"), "10.1.0.255"),
            told(other("to nobody"), "0.0.0.0"),
            told(other("to another subnet, on shared media"), "10.7.0.1"),
            told(unshared("to another subnet, where media are not shared"), "10.7.0.1"),
            told(unshared("to who is no default router, where media are not shared"), "10.1.0.253"),
            told(insecure(unshared("to who is no default router, where that is not asked")), "10.1.0.253"),
            told(
                unshared("to a default router, where media are not shared")
                    .route("h1", "default via 10.1.0.253 metric 9"),
                "10.1.0.253",
            ),
            told(
                other("who forwards, and accepts on all").sysctl("h1", "net/ipv4/ip_forward", "1").sysctl(
                    "h1",
                    "net/ipv4/conf/all/accept_redirects",
                    "1",
                ),
                "10.1.0.253",
            ),
            told(
                other("who forwards, and accepts on all but this")
                    .sysctl("h1", "net/ipv4/ip_forward", "1")
                    .sysctl("h1", "net/ipv4/conf/all/accept_redirects", "1")
                    .sysctl("h1", "net/ipv4/conf/eth0/accept_redirects", "0"),
                "10.1.0.253",
            ),
            told(
                other("who accepts on this, not on all").sysctl("h1", "net/ipv4/conf/all/accept_redirects", "0"),
                "10.1.0.253",
            ),
            told(
                other("by who is not the router in use").del_route("h1", "default").route("h1", "default via 10.1.0.9"),
                "10.1.0.253",
            ),
        ],
    );
}

/// Two hundred hosts' datagrams to a closed port at once: the common limit lets some fifty errors out; how many exactly is
/// drawn, by the kernel too.
#[test]
fn common_limit() {
    use crate::harness::run;
    let frames = (0..200)
        .map(|n| udp(&format!("10.50.0.{}", n + 1), "10.1.0.254", 9, &[1; 10]).frame(mac(0x11), mac(1)))
        .collect();
    let case = routed("a common limit")
        .route("r", "10.50.0.0/16 via 10.1.0.1")
        .ping("r", "10.1.0.1", 1)
        .wait_ms(1500)
        .capture("cap", "r", "e1")
        .send("h1", "eth0", frames)
        .wait_ms(100)
        .end("cap");
    let count = |machine: &mut dyn nettwin_model::Backend| {
        let told = serde_json::to_string(&run(&case, machine)).expect("serialisable");
        told.matches("\"direction\":\"out\"").count()
    };
    let range = 40..=75;
    let ours = count(&mut nettwin_sim::Sim::new(7));
    assert!(range.contains(&ours), "the simulator let {ours} out");
    if crate::machine::is_there("a common limit of errors") {
        // A machine that is busy is asked again.
        let counts: Vec<usize> = (0..3)
            .map(|_| count(&mut *crate::machine::machine().expect("as before")))
            .take_while(|theirs| !range.contains(theirs))
            .collect();
        assert!(counts.len() < 3, "the kernel let {counts:?} out");
    }
}

#[test]
fn forwarders() {
    let size = |size: u16| move |p: &mut nettwin_model::probe::Ping| p.size = size;
    // r learns that the path to h2 is narrow; what only goes through it need not care.
    let learned = |name| {
        let told = icmp("10.2.0.1", "10.2.0.254", 3, 4, 1000, &echo("10.2.0.254", "10.2.0.1").bytes());
        routed(name)
            .ping("r", "10.2.0.1", 1)
            .send("h2", "eth0", vec![told.frame(mac(0x12), mac(2))])
            .route_get("r", "10.2.0.1")
            .capture("cap", "h2", "eth0")
    };
    crate::agree(
        "forwarding-settings",
        vec![
            learned("what a router learned of a path does not bind what it forwards")
                .ping_with("h1", "10.2.0.1", 1, size(1200))
                .end("cap"),
            learned("but may")
                .sysctl("r", "net/ipv4/ip_forward_use_pmtu", "1")
                .ping_with("h1", "10.2.0.1", 2, size(1200))
                .end("cap"),
            routed("directed broadcasts are not forwarded")
                .sysctl("h2", "net/ipv4/icmp_echo_ignore_broadcasts", "0")
                .capture("cap", "h2", "eth0")
                .ping("h1", "10.2.0.255", 1)
                .end("cap"),
            routed("directed broadcasts are forwarded where that is set")
                .sysctl("h2", "net/ipv4/icmp_echo_ignore_broadcasts", "0")
                .sysctl("r", "net/ipv4/conf/all/bc_forwarding", "1")
                .sysctl("r", "net/ipv4/conf/e1/bc_forwarding", "1")
                .capture("cap", "h2", "eth0")
                .ping("h1", "10.2.0.255", 1)
                .sysctl("r", "net/ipv4/conf/e1/bc_forwarding", "0")
                .ping("h1", "10.2.0.255", 1)
                .end("cap"),
            routed("what is directly on the link is told of whatever is shared")
                .sysctl("r", "net/ipv4/conf/all/shared_media", "0")
                .sysctl("r", "net/ipv4/conf/e1/shared_media", "0")
                .addr("r", "e1", "10.6.0.254/24")
                .ping("r", "10.1.0.1", 1)
                .capture("cap", "h1", "eth0")
                .send(
                    "h1",
                    "eth0",
                    vec![
                        echo("10.1.0.9", "10.1.0.1").frame(mac(0x11), mac(1)),
                        echo("10.6.0.9", "10.1.0.1").frame(mac(0x11), mac(1)),
                    ],
                )
                .wait_ms(100)
                .end("cap"),
            routed("shared media, and not")
                .addr("h1", "eth0", "10.6.0.1/24")
                .addr("r", "e1", "10.6.0.254/24")
                .addr("h1", "eth0", "10.7.0.1/24")
                .addr("r", "e1", "10.7.0.254/24")
                .route("h1", "10.9.0.0/16 via 10.1.0.254")
                .route("r", "10.9.0.0/16 via 10.7.0.1")
                .capture("cap", "h1", "eth0")
                .send("h1", "eth0", vec![echo("10.6.0.9", "10.9.0.1").frame(mac(0x11), mac(1))])
                .sysctl("r", "net/ipv4/conf/all/shared_media", "0")
                .sysctl("r", "net/ipv4/conf/e1/shared_media", "0")
                .send("h1", "eth0", vec![echo("10.6.0.8", "10.9.0.1").frame(mac(0x11), mac(1))])
                .wait_ms(100)
                .end("cap"),
        ],
    );
}
