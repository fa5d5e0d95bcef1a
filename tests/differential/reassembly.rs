//! Fragments as they may come: in any order, twice, one over the other, too long, too few.

use crate::arp::wired;
use crate::craft::{Packet, udp};
use crate::harness::{Case, mac};

/// The bytes `from..to` of a datagram to a closed port, as a fragment.
fn part(from: usize, to: usize, last: bool) -> Packet {
    let whole = udp("10.0.0.1", "10.0.0.2", 9, &(0..=255).collect::<Vec<u8>>());
    let payload = whole.payload[from..to].to_vec();
    let more = if last { 0 } else { 0x2000 };
    Packet { frag: more | (from / 8) as u16, payload, ..whole } // far below 64 KiB
}

fn sent(case: Case, packets: &[Packet]) -> Case {
    let frames = packets.iter().map(|p| p.frame(mac(2), mac(1))).collect();
    case.sysctl("b", "net/ipv4/icmp_ratelimit", "0")
        .sysctl("b", "net/ipv4/ipfrag_time", "1")
        .ping("a", "10.0.0.2", 1)
        .capture("cap", "a", "x")
        .send("a", "x", frames)
        .wait_ms(1800)
        .end("cap")
}

#[test]
fn fragments() {
    const END: usize = 264;
    let whole = |name| wired(name);
    crate::agree(
        "reassembly",
        vec![
            sent(whole("in order"), &[part(0, 96, false), part(96, 200, false), part(200, END, true)]),
            sent(whole("the last first"), &[part(200, END, true), part(96, 200, false), part(0, 96, false)]),
            sent(whole("in the middle first"), &[part(96, 200, false), part(0, 96, false), part(200, END, true)]),
            sent(
                whole("one of them twice"),
                &[
                    part(0, 96, false),
                    part(0, 96, false),
                    part(96, 200, false),
                    part(96, 200, false),
                    part(200, END, true),
                ],
            ),
            sent(
                whole("one inside another"),
                &[part(0, 96, false), part(8, 48, false), part(96, 200, false), part(200, END, true)],
            ),
            sent(
                whole("one over another"),
                &[part(0, 96, false), part(88, 200, false), part(200, END, true), part(96, 200, false)],
            ),
            sent(
                whole("one over the whole of another"),
                &[part(8, 48, false), part(0, 96, false), part(96, 200, false), part(200, END, true)],
            ),
            sent(whole("one behind the end"), &[part(0, 96, false), part(96, 200, true), part(200, END, true)]),
            sent(whole("two ends"), &[part(96, 200, true), part(200, END, true), part(0, 96, false)]),
            sent(
                whole("a length that is no multiple of eight"),
                &[part(0, 96, false).with(|p| p.payload.push(9)), part(96, 200, false), part(200, END, true)],
            ),
            sent(whole("nothing in it"), &[part(0, 96, false), part(96, 96, false), part(96, END, true)]),
            sent(whole("too long in the end"), &[part(0, 96, false), part(0, 96, true).with(|p| p.frag = 0x1fff)]),
            sent(whole("the first is missing"), &[part(96, 200, false), part(200, END, true)]),
            sent(whole("the middle is missing"), &[part(0, 96, false), part(200, END, true)]),
            sent(whole("the last is missing"), &[part(0, 96, false), part(96, 200, false)]),
            sent(
                whole("of another sender, identification and protocol"),
                &[
                    part(0, 96, false),
                    part(96, END, true).with(|p| p.id = 78),
                    part(96, END, true).with(|p| p.src = "10.0.0.9".parse().expect("an address")),
                    part(96, END, true).with(|p| p.proto = 1),
                ],
            ),
            sent(
                whole("no room for any").sysctl("b", "net/ipv4/ipfrag_low_thresh", "0").sysctl(
                    "b",
                    "net/ipv4/ipfrag_high_thresh",
                    "0",
                ),
                &[part(0, 96, false), part(96, END, true)],
            ),
            wired("limits of the limits")
                .sysctl("b", "net/ipv4/ipfrag_high_thresh", "100")
                .sysctl("b", "net/ipv4/ipfrag_low_thresh", "5000000")
                .sysctl("b", "net/ipv4/ipfrag_low_thresh", "100")
                .sysctl("b", "net/ipv4/ipfrag_high_thresh", "99")
                .sysctl("b", "net/ipv4/ipfrag_high_thresh", "100")
                .sysctl("b", "net/ipv4/ipfrag_low_thresh", "101"),
        ],
    );
}
