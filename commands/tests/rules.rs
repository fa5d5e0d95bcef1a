//! Whatever is written as rules: random words of iptables and nft, and any text.

mod scribble;

use proptest::prelude::*;
use scribble::{scribble, scribble_nft};

/// Words of which some make sense together.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "-A", "-I", "-D", "-R", "-N", "-X", "-F", "-P", "-E", "-Z", "-S", "-L", "INPUT", "FORWARD", "POSTROUTING", "X", "Y", "1", "2",
    "-t", "nat", "mangle", "-s", "10.0.0.1", "10.0.0.0/8", "-d", "!", "-i", "eth0", "e+", "-o", "-p", "tcp", "udp", "icmp", "--dport",
    "80", "1:9", "--sport", "--syn", "--tcp-flags", "SYN,ACK", "SYN", "-m", "state", "--state", "NEW,ESTABLISHED", "multiport",
    "--dports", "1,2:3", "mark", "--mark", "0x1/0xf", "limit", "--limit", "5/min", "comment", "--comment", "hi", "-j", "ACCEPT", "DROP",
    "RETURN", "LOG", "--log-prefix", "p", "REJECT", "--reject-with", "tcp-reset", "MASQUERADE", "SNAT", "--to-source", "1.2.3.4-1.2.3.9",
    "DNAT", "--to-destination", "1.2.3.4:80", "REDIRECT", "--to-ports", "80-90", "MARK", "--set-mark", "7", "-g", "-c", "5", "6", "-n", "-v",
    "\n", "\n", "fd00::1/64", "[fd00::1]:80", "icmpv6", "--icmpv6-type", "echo-request", "*filter", "*nat", "COMMIT", ":X", "-", "[1:2]",
];

/// nft's, of which some make sense together.
#[rustfmt::skip]
const NFT_WORDS: &[&str] = &[
    "add", "insert", "delete", "flush", "list", "create", "replace", "table", "chain", "rule", "set", "map", "element", "ruleset",
    "counter", "quota", "limit", "ip", "ip6", "inet", "bridge", "t", "c", "s", "{", "}", "{", "}", ";", ";", "\n", "\n", "type", "filter", "nat",
    "hook", "input", "postrouting", "priority", "0", "srcnat", "policy", "drop", "accept", "saddr", "daddr", "10.0.0.1", "10.0.0.0/8",
    "fd00::1", "tcp", "udp", "dport", "80", "1-9", "!=", "@s", "ct", "state", "established,related", "new", "meta", "mark", "0x1", "iifname",
    "\"eth0\"", "masquerade", "snat", "dnat", "redirect", "to", "1.2.3.4:80", ":80", "reject", "with", "tcp reset", "icmp", "log", "prefix",
    "\"p\"", "jump", "goto", "return", "vmap", ":", ",", "ipv4_addr", "inet_service", "flags", "interval", "timeout", "elements", "=",
    "packets", "bytes", "rate", "5/minute", "over", "mbytes", "update", "typeof", "include", "define", "$x", "name", "l4proto", "th", ".",
];

const NFT_SENSE: &str = "table ip t {
  set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 1.2.3.4-1.2.3.9 } }
  map m { type inet_service : ipv4_addr; elements = { 80 : 10.0.0.1 } }
  chain c { type filter hook input priority 0; policy drop;
    ct state established,related accept
    ip saddr @s tcp dport { 80, 443 } counter accept
    limit rate 5/minute log prefix \"hi\" reject with icmp type host-unreachable
    meta l4proto vmap { tcp : jump d, udp : drop }
  }
  chain d { meta mark set 0x1; return; }
  chain n { type nat hook prerouting priority dstnat; dnat to tcp dport map @m }
}";

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_of_iptables(words in prop::collection::vec(prop::sample::select(WORDS), 0..200)) {
        scribble(&words.join(" "));
    }

    #[test]
    fn words_of_nft(words in prop::collection::vec(prop::sample::select(NFT_WORDS), 0..120)) {
        scribble_nft(&words.join(" "));
    }

    /// What makes sense, and some of it replaced.
    #[test]
    fn nearly_what_makes_sense(changes in prop::collection::vec((any::<usize>(), prop::sample::select(NFT_WORDS)), 0..6)) {
        let mut words: Vec<&str> = NFT_SENSE.split_inclusive([' ', '\n']).collect();
        for (at, word) in changes {
            let at = at % words.len();
            words[at] = word;
        }
        scribble_nft(&words.join(" "));
    }

    #[test]
    fn any_text(text in ".{0,300}") {
        scribble(&text);
        scribble_nft(&text);
    }
}

#[test]
fn what_makes_sense() {
    scribble(
        "-N X\n-A X -p tcp --dport 80 -j ACCEPT\n-A INPUT -j X\n-A INPUT -m limit --limit 5/min -m comment --comment hi -j LOG\n\
         -t nat -A POSTROUTING -o e+ -j MASQUERADE\n-t nat -A PREROUTING -p udp -j DNAT --to-destination 1.2.3.4:80\n-P FORWARD DROP",
    );
}

#[test]
fn what_makes_sense_to_nft() {
    scribble_nft(NFT_SENSE);
}
