//! Random words: every command answers something and ends.

use crate::script::Case;
use crate::simulated;
use proptest::prelude::*;

/// What every case begins with, so that words can mean something.
const NET: &str = "ip netns add a\nip link add v0 type veth peer name v1\nip link add br0 type bridge\nip link set v0 up\n\
                   ip link set v1 master br0 up\nip addr add 10.0.0.1/24 dev v0\nip route add 10.1.0.0/16 via 10.0.0.2\n\
                   ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0\n";

const WORDS: &[&str] = &[
    "-n",
    "-j",
    "-p",
    "-s",
    "-d",
    "-o",
    "-br",
    "-4",
    "-6",
    "-0",
    "-c",
    "-all",
    "-force",
    "-h",
    "--",
    "link",
    "addr",
    "route",
    "neigh",
    "netns",
    "rule",
    "l",
    "a",
    "r",
    "n",
    "add",
    "del",
    "set",
    "show",
    "list",
    "replace",
    "change",
    "append",
    "get",
    "flush",
    "exec",
    "help",
    "dev",
    "up",
    "down",
    "master",
    "nomaster",
    "mtu",
    "1400",
    "address",
    "02:00:00:00:00:07",
    "name",
    "type",
    "veth",
    "bridge",
    "bridge_slave",
    "vlan",
    "peer",
    "netns",
    "via",
    "10.0.0.2",
    "10.0.0.1/24",
    "10.1.0.0/16",
    "default",
    "brd",
    "+",
    "-",
    "scope",
    "host",
    "global",
    "label",
    "src",
    "metric",
    "5",
    "table",
    "main",
    "local",
    "all",
    "100",
    "proto",
    "static",
    "blackhole",
    "unreachable",
    "nexthop",
    "weight",
    "onlink",
    "tos",
    "0x10",
    "lladdr",
    "nud",
    "stale",
    "permanent",
    "proxy",
    "to",
    "root",
    "match",
    "exact",
    "from",
    "iif",
    "oif",
    "v0",
    "v1",
    "br0",
    "lo",
    "a",
    "b",
    "nosuch",
    "stp_state",
    "1",
    "cost",
    "hairpin",
    "on",
    "off",
    "fd00::1/64",
    "fd00::1",
    "0",
    "-1",
    "",
    "4294967296",
    "abcdefghijklmnopqrstu",
    "a:b",
    "é",
    "\u{0}",
    "%d",
    "if2",
    "ip",
    "to",
    "dev",
    "any",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_words_are_too_much_for_ip(lines in prop::collection::vec(prop::collection::vec(prop::sample::select(WORDS), 0..9), 1..6)) {
        let quoted = |words: &Vec<&str>| words.iter().map(|w| format!(" '{w}'")).collect::<String>();
        let text: String = lines.iter().map(|words| format!("ip{}\n", quoted(words))).collect();
        let case = Case::new("random", &format!("{NET}{text}"));
        for entry in simulated::run(&case) {
            prop_assert!((0..=255).contains(&entry.status), "{}", entry.line);
        }
    }

    #[test]
    fn no_batch_is_too_much_for_ip(text in "([a-z0-9./:'\"\\\\# -]|link|addr|add|dev|\n){0,60}") {
        let case = Case::new("random", NET);
        simulated::run(&case);
        let input = text.replace('\n', "\\n").replace(['\'', '"'], "x");
        simulated::run(&Case::new("random", &format!("ip -force -batch - <<< {input}")));
    }
}
