//! ICMP that asks: timestamps, and about interfaces (RFC 8335); and what is asked of many at once.

use crate::arp::wired;
use crate::craft::{Packet, icmp};
use crate::harness::{Case, mac};
use nettwin_model::Mac;

const TIMESTAMP: u8 = 13;
const ADDRESS_MASK: u8 = 17;
const EXTENDED_ECHO: u8 = 42;

fn ask(kind: u8, code: u8, rest: u32, data: &[u8]) -> Packet {
    icmp("10.0.0.1", "10.0.0.2", kind, code, rest, data)
}

/// a sends these to b, to `to`.
fn sent(case: Case, to: Mac, packets: &[Packet]) -> Case {
    let frames = packets.iter().map(|p| p.frame(to, mac(1))).collect();
    case.ping("a", "10.0.0.2", 1).capture("cap", "a", "x").send("a", "x", frames).wait_ms(100).end("cap")
}

/// A question about an interface, by class type (1 name, 2 index, 3 address).
fn about(class: u8, what: &[u8]) -> Packet {
    let mut data = vec![0x20, 0, 0, 0, 0, what.len() as u8 + 4, 3, class]; // short ones
    data.extend_from_slice(what);
    let sum = nettwin_model::wire::checksum(&data);
    data[2..4].copy_from_slice(&sum.to_be_bytes());
    ask(EXTENDED_ECHO, 0, 0x1234_0501, &data)
}

#[test]
fn queries() {
    let probing = |name| wired(name).sysctl("b", "net/ipv4/icmp_echo_enable_probe", "1");
    let stamps = || {
        [
            ask(TIMESTAMP, 0, 7, &[1; 12]),
            ask(TIMESTAMP, 3, 7, &[1; 12]),
            ask(TIMESTAMP, 0, 7, &[1; 3]),
            ask(TIMESTAMP, 0, 7, &[1; 6]),
            ask(TIMESTAMP, 0, 7, &[1; 30]),
        ]
    };
    crate::agree(
        "icmp-queries",
        vec![
            sent(wired("what time is it there"), mac(2), &stamps()),
            sent(
                wired("what time is it there, where echoes are ignored").sysctl(
                    "b",
                    "net/ipv4/icmp_echo_ignore_all",
                    "1",
                ),
                mac(2),
                &stamps(),
            ),
            sent(
                wired("what many are asked").sysctl("b", "net/ipv4/icmp_echo_ignore_broadcasts", "0"),
                Mac::BROADCAST,
                &[
                    icmp("10.0.0.1", "10.0.0.255", TIMESTAMP, 0, 7, &[1; 12]),
                    icmp("10.0.0.1", "10.0.0.255", EXTENDED_ECHO, 0, 0x101, &[0x20, 0, 0xdf, 0xff]),
                    icmp("10.0.0.1", "255.255.255.255", 8, 0, 7, &[1; 12]),
                    icmp("10.0.0.1", "10.0.0.2", 8, 0, 7, &[1; 12]),
                    icmp("10.0.0.1", "10.0.0.255", 3, 1, 0, &[0x45; 28]),
                ],
            ),
            sent(
                wired("what was sent to all on the link, for one").sysctl(
                    "b",
                    "net/ipv4/conf/y/drop_unicast_in_l2_multicast",
                    "1",
                ),
                Mac::BROADCAST,
                &[ask(8, 0, 7, &[1; 12])],
            ),
            sent(
                wired("old questions"),
                mac(2),
                &[
                    ask(ADDRESS_MASK, 0, 7, &[0; 4]),
                    ask(15, 0, 7, &[]),
                    ask(10, 0, 0, &[]),
                    ask(30, 0, 0, &[0; 8]),
                    ask(19, 0, 0, &[0; 8]),
                    ask(8, 5, 7, &[2; 9]),
                ],
            ),
            sent(
                wired("about an interface, where that is not answered"),
                mac(2),
                &[about(1, b"y\0\0\0"), about(2, &2u32.to_be_bytes())],
            ),
            sent(
                probing("about an interface").addr("b", "lo", "10.7.7.7/32"),
                mac(2),
                &[
                    about(1, b"y\0\0\0"),
                    about(1, b"nope"),
                    about(1, b"lo"),
                    about(1, b"a name far too"),
                    about(1, b"a name far too long"),
                    about(2, &1u32.to_be_bytes()),
                    about(2, &99u32.to_be_bytes()),
                    about(2, &[0, 1]),
                    about(3, &[0, 1, 4, 0, 10, 0, 0, 2]),
                    about(3, &[0, 1, 4, 0, 10, 7, 7, 7]),
                    about(3, &[0, 1, 4, 0, 10, 0, 0, 9]),
                    about(3, &[0, 1, 3, 0, 10, 0, 0]),
                    about(3, &[0, 9, 4, 0, 10, 0, 0, 2]),
                    about(4, &[0; 4]),
                    about(1, b""),
                    about(1, b"y\0\0\0").with(|p| p.payload[7] = 2),
                    ask(EXTENDED_ECHO, 0, 0x101, &[]),
                    ask(EXTENDED_ECHO, 0, 0x101, &[0x20, 0, 0, 0, 0, 30, 3, 1]),
                ],
            ),
            sent(
                probing("about an interface that is down, or has no address")
                    .wire(("b", "z"), ("b", "w"), (5, 6))
                    .down("b", "z"),
                mac(2),
                &[about(1, b"z\0\0\0"), about(1, b"w\0\0\0")],
            ),
            sent(
                probing("about an interface, where echoes are ignored").sysctl(
                    "b",
                    "net/ipv4/icmp_echo_ignore_all",
                    "1",
                ),
                mac(2),
                &[about(1, b"y\0\0\0")],
            ),
        ],
    );
}
