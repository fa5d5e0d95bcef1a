//! `why`: where conversations end, with the remedy, for each common failure; and that the remedy is one.

use crate::harness::{Place, example};
use expect_test::expect_file;

/// Two LANs joined by a router; the rest is up to the case.
fn lans(h1: &str, h2: &str, r1: &str, more: &str) -> String {
    format!(
        r#"[netns.h1]
interfaces.eth0.addresses = ["10.0.1.1/24"]
{h1}
[netns.h2]
interfaces.eth0.addresses = ["10.0.2.2/24"]
{h2}
[netns.r1]
interfaces.eth1.addresses = ["10.0.1.254/24"]
interfaces.eth2.addresses = ["10.0.2.254/24"]
{r1}
[bridge.s1]
[[link]]
ends = ["h1:eth0", "s1:p1"]
[[link]]
ends = ["s1:p2", "r1:eth1"]
[[link]]
ends = ["r1:eth2", "h2:eth0"]
{more}
"#
    )
}

/// The way there and back, as it should be.
const WAY_1: &str = "routes = [\"default via 10.0.1.254\"]";
const WAY_2: &str = "routes = [\"default via 10.0.2.254\"]";
const ON: &str = "forwarding = true";

#[test]
fn every_common_failure_has_its_cause_and_its_remedy() {
    let place = Place::new();
    let lo_down = format!("{WAY_1}\ninterfaces.lo.up = false");
    let way_2 = |more: &str| format!("{WAY_2}\n{more}");
    let on = |more: &str| format!("{ON}\n{more}");
    let cases: Vec<(&str, String, &str, &str, &str)> = vec![
        ("no route", lans("", WAY_2, ON, ""), "h1 -> h2", "ends at h1: it has no route", "default via 10.0.1.254"),
        (
            "no way back",
            lans(WAY_1, "", ON, ""),
            "h1 -> h2",
            "answer ends at h2: it has no route",
            "default via 10.0.2.254",
        ),
        (
            "no way back",
            lans(WAY_1, "", ON, ""),
            "h1 -> h2 tcp 80",
            "answer ends at h2: it has no route",
            "via 10.0.2.254",
        ),
        (
            "a wrong way back",
            lans(WAY_1, "routes = [\"default via 10.0.2.99\"]", ON, ""),
            "h1 -> h2 udp 53",
            "answers for the gateway 10.0.2.99",
            "default via 10.0.2.254",
        ),
        ("no forwarding", lans(WAY_1, WAY_2, "", ""), "h1 -> h2 tcp 80", "r1 does not forward", "`forwarding = true`"),
        (
            "a router without a route",
            lans(WAY_1, WAY_2, ON, ""),
            "h1 -> 10.9.0.1",
            "ends at r1: it has no route",
            "give r1",
        ),
        ("nobody there", lans(WAY_1, WAY_2, ON, ""), "h1 -> 10.0.1.77", "eth0 answers for 10.0.1.77", "nobody has"),
        (
            "a prefix too short",
            lans(WAY_1, WAY_2, ON, "").replace("10.0.1.1/24", "10.0.1.1/8"),
            "h1 -> h2",
            "eth0 answers for 10.0.2.2",
            "correct the prefix length of h1:eth0",
        ),
        (
            "a device that is down",
            lans(WAY_1, "interfaces.eth0.up = false", ON, ""),
            "r1 -> 10.0.2.2",
            "eth2 answers for 10.0.2.2",
            "`interfaces.eth0.up = true` under [netns.h2]",
        ),
        ("lo down", lans(&lo_down, WAY_2, ON, ""), "h1 -> h1", "through lo, which is down", "interfaces.lo.up = true"),
        (
            "rp_filter",
            lans(
                &format!("{WAY_1}\ninterfaces.lo.addresses = [\"10.5.0.1/32\"]"),
                WAY_2,
                &on("sysctls.\"net.ipv4.conf.all.rp_filter\" = 1\nroutes = [\"10.0.1.1 via 10.0.2.2\"]"),
                "",
            ),
            "h1 -> h2",
            "leads by eth2: rp_filter drops it",
            "a route to 10.0.1.1 that leaves by eth1",
        ),
        (
            "unequal MTUs",
            lans(WAY_1, WAY_2, &on("interfaces.eth1.mtu = 1000"), ""),
            "h1 -> h2 udp 53",
            "r1:eth1: it is longer than the MTU of 1000",
            "one MTU for the whole wire",
        ),
        (
            "a route that refuses",
            lans(WAY_1, WAY_2, &on("routes = [\"unreachable 10.0.2.2\"]"), ""),
            "h1 -> h2",
            "`unreachable 10.0.2.2` says so",
            "take `unreachable 10.0.2.2` from [netns.r1]",
        ),
        (
            "a closed port",
            lans(WAY_1, WAY_2, ON, ""),
            "--closed h1 -> h2 tcp 80",
            "nobody listens on TCP",
            "start a server",
        ),
        (
            "a closed port",
            lans(WAY_1, WAY_2, ON, ""),
            "--closed h1 -> h2 udp 53",
            "nobody listens on UDP",
            "start a server",
        ),
        (
            "spanning tree",
            lans(
                WAY_1,
                WAY_2,
                ON,
                "[bridge.s2]\nstp = true\n[netns.h3]\ninterfaces.eth0.addresses = [\"10.3.0.1/24\"]\n\
             [netns.h4]\ninterfaces.eth0.addresses = [\"10.3.0.2/24\"]\n[[link]]\nends = [\"h3:eth0\", \"s2:a\"]\n\
             [[link]]\nends = [\"h4:eth0\", \"s2:b\"]",
            ),
            "h3 -> h4",
            "not forwarding, by its spanning tree",
            "ask later",
        ),
        (
            "loss",
            lans(WAY_1, WAY_2, ON, "").replace("\"h2:eth0\"]", "\"h2:eth0\"]\nimpair = \"loss 100%\""),
            "h1 -> h2",
            "netem on eth2 loses frames",
            "take `loss`",
        ),
        (
            "a firewall's policy",
            lans(WAY_1, WAY_2, &on("firewall = [\"policy forward drop\", \"allow forward tcp 80\"]"), ""),
            "h1 -> h2",
            "ends at r1: `ip nettwin forward: policy drop` drops it",
            "a line before it in `firewall` of [netns.r1]",
        ),
        (
            "a rule that drops",
            lans(WAY_1, WAY_2, &on("firewall = [\"deny forward to 10.0.2.2 udp 53\"]"), ""),
            "h1 -> h2 udp 53",
            "`ip nettwin forward: ip daddr 10.0.2.2 udp dport 53 counter drop` drops it",
            "`firewall` of [netns.r1]",
        ),
        (
            "a rule that rejects",
            lans(WAY_1, WAY_2, &on("firewall = [\"reject forward tcp 80\"]"), ""),
            "h1 -> h2 tcp 80",
            "`ip nettwin forward: tcp dport 80 counter reject` rejects it",
            "`firewall` of [netns.r1]",
        ),
        (
            "an answer that a firewall keeps in",
            lans(WAY_1, WAY_2, &on("firewall = [\"policy forward drop\", \"allow forward in eth1\"]"), ""),
            "h1 -> h2",
            "the answer from 10.0.2.2 to 10.0.1.1 ends at r1",
            "`firewall` of [netns.r1]",
        ),
        (
            "a published port without a server",
            lans(
                WAY_1,
                "",
                &on("nat = [\"dnat in eth1 tcp 8080 to-destination 10.0.2.2:80\", \"masquerade out eth2\"]"),
                "",
            ),
            "--closed h1 -> 10.0.1.254 tcp 8080",
            "nobody listens on TCP port 80 of 10.0.2.2",
            "start a server on TCP port 80 in h2",
        ),
        (
            "too late",
            lans(WAY_1, WAY_2, ON, "").replace("\"h2:eth0\"]", "\"h2:eth0\"]\nimpair = \"delay 4s\""),
            "h1 -> h2",
            "in time: netem holds its frames back",
            "less delay",
        ),
        (
            "a circle",
            lans(WAY_1, WAY_2, &on("routes = [\"10.9.0.0/16 via 10.0.2.2\"]"), "").replace(WAY_2, &way_2(ON)),
            "h1 -> 10.9.0.1",
            "goes in a circle: r1 -> h2",
            "correct one of these routes",
        ),
    ];
    for (what, text, question, cause, remedy) in cases {
        let file = place.file("case.toml", &text);
        let (question, closed) = match question.strip_prefix("--closed ") {
            Some(question) => (question, &["--closed"][..]),
            None => (question, &[][..]),
        };
        let bytes: &[&str] = if what == "unequal MTUs" { &["--bytes", "1400"] } else { &[] };
        let args = [&["why", &file, question], closed, bytes].concat();
        let run = place.run(&args);
        assert_eq!(run.code, 3, "{what}: {}{}", run.out, run.err);
        let told = run.out.split_once('✗').unwrap_or_else(|| panic!("{what}: no finding: {}", run.out)).1;
        assert!(told.lines().next().is_some_and(|l| l.contains(cause)), "{what}: {cause:?} is not in {told}");
        assert!(told.contains(remedy), "{what}: {remedy:?} is not in {told}");
    }
}

#[test]
fn what_gets_through_is_followed_there_and_back() {
    let place = Place::new();
    let file = example("03-two-lans-router.toml");
    let run = place.run(&["why", &file, "h1 -> h3"]).exits(0);
    expect_file!["expected/why-router.txt"].assert_eq(&run.out);
    let json = place.run(&["why", "--json", &file, "h1 -> h3 tcp 80"]).exits(0).json();
    assert_eq!((json["verdict"].as_str(), json["findings"].as_array().map(Vec::len)), (Some("reached"), Some(0)));
    let trail = json["trail"].as_array().expect("a trail");
    let arrives = trail.iter().any(|leg| {
        leg["frame"].as_str().is_some_and(|f| f.starts_with("TCP SYN 10.0.1.1"))
            && leg["hops"].as_array().is_some_and(|hops| hops.last().is_some_and(|hop| hop["netns"] == "h3"))
    });
    assert!(arrives, "{trail:#?}");
    let bridge = trail.iter().flat_map(|leg| leg["hops"].as_array().expect("hops")).find(|hop| hop["netns"] == "s1");
    assert_eq!(bridge.map(|hop| &hop["in"]["stp"]), Some(&"forwarding".into()));
}

/// Hooks, the rules that matched, connections and translations are in the trail.
#[test]
fn what_is_translated_is_followed_through_every_hook() {
    let place = Place::new();
    let run = place.run(&["why", &example("04-nat.toml"), "outside -> 203.0.113.2 tcp 8080"]).exits(0);
    expect_file!["expected/why-nat.txt"].assert_eq(&run.out);
    for part in [
        "conntrack begins a connection of 203.0.113.1 with 203.0.113.2",
        "nf       ip nettwin prerouting: iifname \"wan\" tcp dport 8080 counter dnat to 192.168.0.2:80",
        "nat      destination is now 192.168.0.2:80",
        "nf       ip nettwin forward: iifname \"wan\" ip daddr 192.168.0.2 tcp dport 80 counter accept",
        "conntrack answers a connection of 203.0.113.1 with 203.0.113.2",
        "nat      source is now 203.0.113.2:8080",
    ] {
        assert!(run.out.contains(part), "{part:?} is not in {}", run.out);
    }
}

/// A bridge's ports, its flooding and learning, and the device of a VLAN that a tagged frame comes by.
#[test]
fn vlans_and_bridges_are_in_the_trail() {
    let place = Place::new();
    let text = r#"
[netns.h1]
interfaces.eth0 = {}
interfaces.v5 = { type = "vlan id 5", link = "eth0", addresses = ["10.5.0.1/24"] }
[netns.h2]
interfaces.eth0 = {}
interfaces.v5 = { type = "vlan id 5", link = "eth0", addresses = ["10.5.0.2/24"] }
[bridge.s1]
stp = true
forward_delay = "2s"
[[link]]
ends = ["h1:eth0", "s1:p1"]
[[link]]
ends = ["h2:eth0", "s1:p2"]
"#;
    let listens = place.run(&["why", &place.file("vlan.toml", text), "h1 -> 10.5.0.2"]).exits(3);
    let forwards = text.replace("stp = true\nforward_delay = \"2s\"\n", "");
    let forwards = place.run(&["why", &place.file("vlan.toml", &forwards), "h1 -> 10.5.0.2"]).exits(0);
    for (run, parts) in [
        (listens, ["out v5", "tell 10.5.0.1, VLAN 5", "out eth0", "(listening)", "learned h1:v5 behind p1"]),
        (
            forwards,
            ["echo request 10.5.0.1 -> 10.5.0.2, VLAN 5", "flooded", "h2:v5 is behind p2", "(forwarding)", "in v5"],
        ),
    ] {
        for part in parts {
            assert!(run.out.contains(part), "{part:?} is not in {}", run.out);
        }
    }
}

#[test]
fn a_question_that_cannot_be_asked_is_told_why() {
    let place = Place::new();
    let file = example("03-two-lans-router.toml");
    for (question, told) in [
        ("h1 h2", "from whom to whom"),
        ("h1 -> h33", "h3"),
        ("h1 -> h3 tcp", "to which port?"),
        ("h1 -> h3 sctp 80", "nothing that can be sent"),
        ("h1 -> h3:80 ping", "no port"),
    ] {
        place.run(&["why", &file, question]).exits(1).says(told);
    }
    place.run(&["why", &file, "h1 -> h3 udp 53", "--bytes", "70000"]).exits(1).says("65507");
}
