//! IP options: passed through, filled in on the way, refused, sent back.

use crate::craft::{Packet, addr, echo, udp};
use crate::forward::routed;
use crate::harness::{Case, mac};
use nettwin_model::LinkChange;

const NOP: u8 = 1;
const RR: u8 = 7;
const TS: u8 = 68;
const LSRR: u8 = 131;
const SSRR: u8 = 137;
const ALERT: u8 = 148;

fn option(kind: u8, rest: &[u8]) -> Vec<u8> {
    // At most 40 bytes.
    let mut out = vec![kind, rest.len() as u8 + 2];
    out.extend_from_slice(rest);
    out
}

/// Room for so many addresses.
fn record_route(room: usize) -> Vec<u8> {
    let mut rest = vec![4];
    rest.resize(1 + 4 * room, 0);
    option(RR, &rest)
}

fn source_route(kind: u8, hops: &[&str]) -> Vec<u8> {
    let mut rest = vec![4];
    hops.iter().for_each(|hop| rest.extend(addr(hop).octets()));
    option(kind, &rest)
}

/// h1 sends these to its router, whose neighbours are known.
fn sent(case: Case, packets: &[Packet]) -> Case {
    let frames = packets.iter().map(|p| p.frame(mac(0x11), mac(1))).collect();
    case.sysctl("r", "net/ipv4/icmp_ratelimit", "0")
        .sysctl("h2", "net/ipv4/icmp_ratelimit", "0")
        .ping("h1", "10.2.0.1", 1)
        .capture("there", "h2", "eth0")
        .capture("here", "h1", "eth0")
        .send("h1", "eth0", frames)
        .wait_ms(100)
        .end("there")
        .end("here")
}

fn through(options: &[u8]) -> Packet {
    echo("10.1.0.1", "10.2.0.1").options(options)
}

/// The same to a port that nobody listens at.
fn refused(options: &[u8]) -> Packet {
    udp("10.1.0.1", "10.2.0.1", 9, &[3; 10]).options(options)
}

fn everywhere(case: Case, value: &str) -> Case {
    ["r", "h2"].into_iter().fold(case, |case, ns| {
        let case = case.sysctl(ns, "net/ipv4/conf/all/accept_source_route", value);
        let dev = if ns == "r" { "e1" } else { "eth0" };
        case.sysctl(ns, &format!("net/ipv4/conf/{dev}/accept_source_route"), value)
    })
}

#[test]
fn options() {
    crate::agree(
        "ip-options",
        vec![
            sent(
                routed("what means nothing passes through, and is not sent back"),
                &[
                    through(&[NOP, NOP, NOP, NOP]),
                    through(&option(ALERT, &[0, 0])),
                    through(&option(200, &[1, 2, 3, 4])),
                    through(&[NOP, 0, 9, 9]),
                    refused(&option(ALERT, &[0, 0])),
                ],
            ),
            sent(
                routed("the route is recorded there and back"),
                &[
                    through(&record_route(9)),
                    through(&record_route(1)),
                    through(&record_route(0)),
                    refused(&record_route(4)),
                ],
            ),
            sent(
                routed("the times are recorded there and back"),
                &[
                    through(&option(TS, &[5, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
                    through(&option(TS, &[5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
                    through(&option(TS, &[5, 3, 10, 2, 0, 1, 0, 0, 0, 0])),
                    through(&option(TS, &[5, 3, 10, 2, 0, 254, 0, 0, 0, 0])),
                    through(&option(TS, &[9, 0x10, 1, 2, 3, 4])),
                    through(&option(TS, &[9, 0xf0, 1, 2, 3, 4])),
                ],
            ),
            sent(
                routed("options that are wrong"),
                &[
                    through(&option(RR, &[3, 0, 0, 0, 0])),
                    through(&option(RR, &[5, 0, 0, 0, 0])),
                    through(&[RR, 1, 4, 0]),
                    through(&[RR, 40, 4, 0]),
                    through(&[NOP, NOP, NOP, 200]),
                    through(&option(TS, &[4, 0, 0, 0, 0, 0])),
                    through(&[record_route(1), record_route(1)].concat()),
                    through(&option(ALERT, &[0])),
                    through(&option(LSRR, &[3, 10, 2, 0, 1])),
                ],
            ),
            sent(
                routed("source routes are not followed"),
                &[
                    through(&source_route(LSRR, &["10.2.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                    through(&source_route(SSRR, &["10.2.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                ],
            ),
            sent(
                everywhere(routed("source routes are followed where that is allowed"), "1"),
                &[
                    through(&source_route(LSRR, &["10.2.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                    through(&source_route(SSRR, &["10.2.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                    through(&source_route(LSRR, &["10.2.0.254", "10.2.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                    through(&source_route(LSRR, &["10.9.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                    through(&source_route(LSRR, &["10.7.0.1"])),
                    through(&source_route(SSRR, &["10.7.0.1"])),
                    refused(&source_route(LSRR, &["10.2.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                    through(&[LSRR, 7, 8, 10, 1, 0, 254]),
                    through(&[LSRR, 6, 4, 10, 1, 0]).with(|p| p.dst = addr("10.1.0.254")),
                ],
            ),
            sent(
                everywhere(routed("a strict source route, and a gateway on the way"), "1")
                    .addr("h2", "lo", "10.5.0.1/32")
                    .route("r", "10.5.0.0/16 via 10.2.0.1"),
                &[
                    through(&source_route(SSRR, &["10.5.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                    through(&source_route(LSRR, &["10.5.0.1"])).with(|p| p.dst = addr("10.1.0.254")),
                ],
            ),
            sent(
                routed("only some options are in every fragment").set(
                    "r",
                    "e2",
                    LinkChange { mtu: Some(400), ..LinkChange::default() },
                ),
                &[
                    udp("10.1.0.1", "10.2.0.1", 9, &[1; 900]).options(&record_route(3)),
                    udp("10.1.0.1", "10.2.0.1", 9, &[1; 900]).options(&option(ALERT, &[0, 0])),
                    udp("10.1.0.1", "10.2.0.1", 9, &[1; 900])
                        .options(&[option(ALERT, &[0, 0]), record_route(1)].concat()),
                ],
            ),
            sent(
                routed("errors on the way carry what was recorded"),
                &[
                    through(&record_route(4)).with(|p| p.ttl = 1),
                    through(&option(ALERT, &[0, 0])).with(|p| p.ttl = 1),
                    through(&record_route(4)).with(|p| p.dst = addr("10.9.0.1")),
                ],
            ),
        ],
    );
}
