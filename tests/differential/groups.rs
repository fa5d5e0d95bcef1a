//! Groups that hosts join: what they tell of it, what they hear, and what they take.

use crate::arp::wired;
use crate::craft::addr;
use crate::harness::{Case, mac, ns};
use nettwin_model::Query;
use nettwin_model::wire::{ETH_LEN, ETHERTYPE_IPV4, checksum, write_eth};
use nettwin_model::{Mac, groups};
use std::net::Ipv4Addr;

const GROUP: &str = "239.1.1.1/32 autojoin";

/// b can send to groups, a answers.
fn pair(name: &'static str) -> Case {
    wired(name)
        .route("b", "224.0.0.0/4 dev y")
        .sysctl("a", "net/ipv4/icmp_echo_ignore_broadcasts", "0")
        .sysctl("a", "net/ipv4/conf/x/igmpv3_unsolicited_report_interval", "300")
        .sysctl("a", "net/ipv4/conf/x/igmpv2_unsolicited_report_interval", "300")
}

trait Groups: Sized {
    fn joined(self) -> Self;
    fn heard(self) -> Self;
    fn hears(self, to: Ipv4Addr, body: Vec<u8>) -> Self;
}

impl Groups for Case {
    fn joined(self) -> Self {
        self.ask(Query::Groups(ns("a")))
    }

    /// Waits until all is said, and compares it.
    fn heard(self) -> Self {
        self.wait_ms(700).end("cap").joined()
    }

    /// b says something about groups.
    fn hears(self, to: Ipv4Addr, mut body: Vec<u8>) -> Self {
        let sum = checksum(&body).to_be_bytes();
        body[2..4].copy_from_slice(&sum);
        let mut frame = vec![0; ETH_LEN];
        write_eth(&mut frame, groups::group_mac(to), mac(2), ETHERTYPE_IPV4);
        let length = u8::try_from(24 + body.len()).expect("a short message");
        let mut header = vec![0x46, 0xc0, 0, length, 0, 0, 0x40, 0, 1, 2, 0, 0, 10, 0, 0, 2];
        header.extend(to.octets());
        header.extend([0x94, 4, 0, 0]);
        let sum = checksum(&header).to_be_bytes();
        header[10..12].copy_from_slice(&sum);
        self.send("b", "y", vec![[frame, header, body].concat()])
    }
}

/// A question of version 1 or 2.
fn query(group: &str, tenths: u8) -> Vec<u8> {
    [&[0x11, tenths, 0, 0][..], &addr(group).octets()].concat()
}

/// A question of version 3: robust so often, every 125 s.
fn query3(group: &str, tenths: u8, robustness: u8) -> Vec<u8> {
    [&query(group, tenths)[..], &[robustness, 125, 0, 0]].concat()
}

fn v2(case: Case) -> Case {
    case.sysctl("a", "net/ipv4/conf/x/force_igmp_version", "2")
}

#[test]
fn joining() {
    let seen = |case: Case| case.capture("cap", "b", "y");
    crate::agree(
        "groups-joined",
        vec![
            seen(
                pair("a host joins, answers, leaves")
                    .ping("b", "239.1.1.1", 1)
                    .addr_words("a", "x", GROUP)
                    .wait_ms(700)
                    .joined()
                    .ping("b", "239.1.1.1", 1)
                    .ping("b", "239.1.1.2", 1),
            )
            .del_addr("a", "x", "239.1.1.1/32")
            .heard()
            .ping("b", "239.1.1.1", 1),
            seen(v2(pair("version 2"))).addr_words("a", "x", GROUP).heard(),
            seen(v2(pair("leaving in version 2").addr_words("a", "x", GROUP)).wait_ms(700))
                .del_addr("a", "x", "239.1.1.1/32")
                .heard(),
            seen(pair("version 1").sysctl("a", "net/ipv4/conf/all/force_igmp_version", "1"))
                .addr_words("a", "x", GROUP)
                .wait_ms(700)
                .del_addr("a", "x", "239.1.1.1/32")
                .heard(),
            seen(pair("told once").sysctl("a", "net/ipv4/igmp_qrv", "1"))
                .addr_words("a", "x", GROUP)
                .wait_ms(700)
                .del_addr("a", "x", "239.1.1.1/32")
                .heard(),
            seen(pair("told four times").sysctl("a", "net/ipv4/igmp_qrv", "4"))
                .addr_words("a", "x", GROUP)
                .wait_ms(1000)
                .heard(),
            seen(pair("groups of the link are told of")).addr_words("a", "x", "224.0.0.9/32 autojoin").heard().ping(
                "b",
                "224.0.0.9",
                1,
            ),
            seen(pair("or not").sysctl("a", "net/ipv4/igmp_link_local_mcast_reports", "0"))
                .addr_words("a", "x", "224.0.0.9/32 autojoin")
                .heard()
                .ping("b", "224.0.0.9", 1),
            seen(pair("down and up again").addr_words("a", "x", GROUP).wait_ms(700))
                .down("a", "x")
                .joined()
                .up("a", "x")
                .heard(),
            seen(pair("joined while down").down("a", "x").addr_words("a", "x", GROUP).joined()).up("a", "x").heard(),
            seen(pair("without an address").del_addr("a", "x", "10.0.0.1/24")).addr_words("a", "x", GROUP).heard(),
            pair("so many and no more")
                .sysctl("a", "net/ipv4/igmp_max_memberships", "2")
                .addr_words("a", "x", GROUP)
                .addr_words("a", "x", "239.1.1.2/32 autojoin")
                .addr_words("a", "x", "239.1.1.3/32 autojoin")
                .addr_words("a", "x", "239.1.1.1/24 autojoin")
                .addr_words("a", "x", "10.0.0.9/24 autojoin")
                .del_addr("a", "x", "239.1.1.1/32")
                .addr_words("a", "x", "239.1.1.3/32 autojoin")
                .joined(),
            pair("one hears oneself")
                .route("a", "224.0.0.0/4 dev x")
                .ping("a", "239.1.1.1", 1)
                .addr_words("a", "x", GROUP)
                .ping("a", "239.1.1.1", 1),
            pair("two groups of one hardware address")
                .addr_words("a", "x", GROUP)
                .addr_words("a", "x", "239.129.1.1/32 autojoin")
                .joined()
                .del_addr("a", "x", "239.1.1.1/32")
                .joined(),
        ],
    );
}

#[test]
fn asking() {
    const ALL: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
    let quiet =
        |name| pair(name).addr_words("a", "x", GROUP).addr_words("a", "x", "239.1.1.2/32 autojoin").wait_ms(1500);
    let member = |name| quiet(name).capture("cap", "b", "y");
    crate::agree(
        "groups-asked",
        vec![
            member("all, in version 3").hears(ALL, query3("0.0.0.0", 5, 2)).heard(),
            member("one, in version 3").hears(ALL, query3("239.1.1.2", 5, 2)).heard(),
            member("one that is not there").hears(ALL, query3("239.1.1.9", 5, 2)).heard(),
            member("of all hosts nobody speaks").hears(ALL, query3("224.0.0.1", 5, 2)).heard(),
            member("one, in version 2, and from then on")
                .hears(ALL, query("239.1.1.1", 5))
                .heard()
                .capture("cap", "b", "y")
                .addr_words("a", "x", "239.1.1.3/32 autojoin")
                .wait_ms(700)
                .del_addr("a", "x", "239.1.1.3/32")
                .heard(),
            member("how often to tell is learned")
                .hears(ALL, query3("0.0.0.0", 1, 3))
                .wait_ms(300)
                .addr_words("a", "x", "239.1.1.3/32 autojoin")
                .wait_ms(1000)
                .heard(),
            member("another's report will do")
                .hears(ALL, query("239.1.1.1", 250))
                .hears(addr("239.1.1.1"), [&[0x16, 0, 0, 0][..], &addr("239.1.1.1").octets()].concat())
                .hears(ALL, query("239.1.1.2", 5))
                .heard()
                .del_addr("a", "x", "239.1.1.1/32")
                .joined(),
            member("what is broken")
                .hears(ALL, vec![0x11, 5, 0, 0, 0])
                .hears(ALL, query3("0.0.0.0", 5, 2)[..10].to_vec())
                .heard(),
        ],
    );
}

#[test]
fn by_hand() {
    use nettwin_model::Op;
    let set = |case: Case, mac: Mac, present| {
        case.op(Op::SetMaddr { netns: ns("a"), dev: crate::harness::dev("x"), mac, present }).joined()
    };
    let group = Mac([1, 0, 0x5e, 1, 1, 1]);
    crate::agree(
        "groups-by-hand",
        vec![
            set(set(set(pair("come and go"), group, true), group, true), group, false),
            set(pair("never there"), group, false),
            set(set(pair("besides a member").addr_words("a", "x", GROUP), group, true), group, false),
        ],
    );
}
