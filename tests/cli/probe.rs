//! `probe` in a simulation: what the tools print, exit codes, JSON, bad input. (In labs: the tests of labs.)

use crate::check::PAIR;
use crate::harness::{Place, Run, example};

/// Probes the simulation of an example.
fn probe(place: &Place, name: &str, args: &[&str]) -> Run {
    place.run(&[&["probe", "--sim", &example(name)], args].concat())
}

const LANS: &str = "03-two-lans-router.toml";

#[test]
fn tools_print_what_they_print_on_linux() {
    let place = Place::new();
    let run = probe(&place, LANS, &["ping", "h1", "10.0.2.3", "-c", "2", "-i", "200ms"]).exits(0);
    assert_eq!(
        run.out,
        "PING 10.0.2.3 (10.0.2.3) 56(84) bytes of data.\n\
         64 bytes from 10.0.2.3: icmp_seq=1 ttl=63 time=0.000 ms\n\
         64 bytes from 10.0.2.3: icmp_seq=2 ttl=63 time=0.000 ms\n\n\
         --- 10.0.2.3 ping statistics ---\n\
         2 packets transmitted, 2 received, 0% packet loss, time 200ms\n\
         rtt min/avg/max/mdev = 0.000/0.000/0.000/0.000 ms\n"
    );
    let run = probe(&place, LANS, &["trace", "h1", "10.0.2.3"]).exits(0);
    assert_eq!(
        run.out,
        "traceroute to 10.0.2.3 (10.0.2.3), 30 hops max, 60 byte packets\n 1  10.0.1.254  0.000 ms\n 2  10.0.2.3  0.000 ms\n"
    );
    let run = probe(&place, LANS, &["arping", "h1", "eth0", "10.0.1.254", "-c", "1"]).exits(0);
    let run = run.says("ARPING 10.0.1.254 from 10.0.1.1 eth0\n").says("Unicast reply from 10.0.1.254 [02:");
    run.says("Received 1 response(s)");
    let run = probe(&place, LANS, &["tcp", "h1", "10.0.2.3", "80", "--listen", "h3"]).exits(0);
    run.says("connected to 10.0.2.3:80 in").says("1000 bytes to 10.0.2.3:80 and back in");
    probe(&place, LANS, &["udp", "h1", "10.0.2.3", "53", "--listen", "h3"]).exits(0).says("1000 bytes to 10.0.2.3:53");
}

#[test]
fn what_does_not_get_through_exits_3() {
    let place = Place::new();
    probe(&place, LANS, &["tcp", "h1", "10.0.2.3", "80"]).exits(3).says("tcp 10.0.2.3:80: Connection refused");
    probe(&place, LANS, &["udp", "h1", "10.0.2.3", "53"]).exits(3).says("udp 10.0.2.3:53: Connection refused");
    probe(&place, LANS, &["ping", "h1", "10.0.2.3", "-t", "1", "-c", "1"]).exits(3).says("Time to live exceeded");
    probe(&place, LANS, &["arping", "h1", "eth0", "10.0.1.77", "-c", "1"]).exits(3).says("Received 0 response(s)");
    probe(&place, LANS, &["trace", "h1", "10.0.9.9"]).exits(3).says("!N");
    let run = probe(&place, "02-bridge-three-hosts.toml", &["ping", "h1", "10.9.9.9"]).exits(3);
    assert_eq!(run.err, "ping: connect: Network is unreachable\n");
    let quiet = ["udp", "inside", "198.51.100.81", "9", "--timeout", "1s"];
    probe(&place, "04-outside-by-router.toml", &quiet).exits(3).says("no answer in 1000.000 ms");
}

#[test]
fn json_says_the_same() {
    let place = Place::new();
    let json = probe(&place, LANS, &["--json", "ping", "h1", "10.0.2.3", "-c", "1"]).exits(0).json();
    assert_eq!((&json["verdict"], &json["outcome"]["ping"]["received"]), (&"reached".into(), &1.into()));
    assert_eq!(json["probe"]["ping"]["dst"], "10.0.2.3");
    assert_eq!(json["events"][1]["report"]["reply"]["ttl"], 63);
    let json = probe(&place, LANS, &["--json", "tcp", "h1", "10.0.2.3", "81"]).exits(3).json();
    assert_eq!(json["verdict"], "refused");
}

#[test]
fn bad_input_has_a_remedy() {
    let place = Place::new();
    let run = probe(&place, LANS, &["ping", "h9", "10.0.2.3"]).exits(1).says("there is no namespace \"h9\"");
    run.says("h1, h2, h3, r1, s1, s2");
    let run = probe(&place, LANS, &["arping", "h1", "eth7", "10.0.1.2"]).exits(1).says("no interface \"eth7\"");
    run.says("eth0, lo");
    probe(&place, LANS, &["tcp", "h1", "10.0.2.3", "80", "--listen", "nobody"]).exits(1).says("nobody");
    probe(&place, LANS, &["udp", "h1", "10.0.2.3", "80", "--bytes", "70000"]).exits(1).says("65507");
    probe(&place, LANS, &["ping", "h1", "10.0.2.300"]).exits(1).says("10.0.2.300");
    probe(&place, LANS, &["ping", "h1", "10.0.2.3", "-i", "5"]).exits(1).says("200ms");
    probe(&place, LANS, &["tcp", "h1", "10.0.2.3", "0"]).exits(1);
    place.run(&["probe", "--sim", "absent.toml", "ping", "h1", "10.0.0.1"]).exits(1).says("absent.toml");
    let bad = place.file("bad.toml", "[netns.h1]\nforwardin = true\n");
    place.run(&["probe", "--sim", &bad, "ping", "h1", "10.0.0.1"]).exits(1).says("forwardin");
    let pair = place.file("pair.toml", PAIR);
    place.run(&["probe", "--sim", &pair, "--lab", "x", "ping", "h1", "10.0.0.1"]).exits(1);
}
