//! Whatever is written as rules: random words of iptables, and any text.

mod scribble;

use proptest::prelude::*;
use scribble::scribble;

/// Words of which some make sense together.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "-A", "-I", "-D", "-R", "-N", "-X", "-F", "-P", "-E", "-Z", "-S", "-L", "INPUT", "FORWARD", "POSTROUTING", "X", "Y", "1", "2",
    "-t", "nat", "mangle", "-s", "10.0.0.1", "10.0.0.0/8", "-d", "!", "-i", "eth0", "e+", "-o", "-p", "tcp", "udp", "icmp", "--dport",
    "80", "1:9", "--sport", "--syn", "--tcp-flags", "SYN,ACK", "SYN", "-m", "state", "--state", "NEW,ESTABLISHED", "multiport",
    "--dports", "1,2:3", "mark", "--mark", "0x1/0xf", "limit", "--limit", "5/min", "comment", "--comment", "hi", "-j", "ACCEPT", "DROP",
    "RETURN", "LOG", "--log-prefix", "p", "REJECT", "--reject-with", "tcp-reset", "MASQUERADE", "SNAT", "--to-source", "1.2.3.4-1.2.3.9",
    "DNAT", "--to-destination", "1.2.3.4:80", "REDIRECT", "--to-ports", "80-90", "MARK", "--set-mark", "7", "-g", "-c", "5", "6", "-n", "-v",
    "\n", "\n", "*filter", "*nat", "COMMIT", ":X", "-", "[1:2]",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_of_iptables(words in prop::collection::vec(prop::sample::select(WORDS), 0..200)) {
        scribble(&words.join(" "));
    }

    #[test]
    fn any_text(text in ".{0,300}") {
        scribble(&text);
    }
}

#[test]
fn what_makes_sense() {
    scribble(
        "-N X\n-A X -p tcp --dport 80 -j ACCEPT\n-A INPUT -j X\n-A INPUT -m limit --limit 5/min -m comment --comment hi -j LOG\n\
         -t nat -A POSTROUTING -o e+ -j MASQUERADE\n-t nat -A PREROUTING -p udp -j DNAT --to-destination 1.2.3.4:80\n-P FORWARD DROP",
    );
}
