//! `attach`: this machine's own ping, ARP and TCP in a simulated network, and captures replayed into a port.

use crate::harness::{Place, example, lacks};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a shell script as root of namespaces of its own; `None`, with a word, where TAP devices cannot be made there.
fn in_own_namespaces(place: &Place, script: &str) -> Option<(bool, String)> {
    let unshare = |script: &str| {
        let mut command = place.program(Path::new("unshare"));
        command.args(["-Urnm", "bash", "-c", script]).env("NETTWIN", place.binary()).stdin(Stdio::null());
        let output = command.output().expect("unshare runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    };
    if !unshare("ip tuntap add nt-try mode tap").0 {
        lacks("this machine gives no TAP devices to whoever runs the test");
        return None;
    }
    Some(unshare(script))
}

/// Waits until a TAP device is up and running.
const WAIT: &str =
    "for i in $(seq 200); do ip link show tap0 2>/dev/null | grep -q LOWER_UP && break; sleep 0.05; done";

#[test]
fn this_machine_reaches_simulated_hosts() {
    let place = Place::new();
    let file = example("03-two-lans-router.toml");
    let script = format!(
        r#"$NETTWIN attach {file} --tap s1:up=tap0 --address tap0=10.0.1.77/24 --listen h3:7 --for 60s > attach.out 2>&1 &
attached=$!
{WAIT}
set -e
ip route add 10.0.2.0/24 via 10.0.1.254
ping -c2 -i0.2 -W5 10.0.2.3
exec 3<>/dev/tcp/10.0.2.3/7
echo hello there >&3
read -t 5 answer <&3
echo "answer: $answer"
if (exec 4<>/dev/tcp/10.0.2.3/8) 2>&1; then echo open; fi
ip neigh show 10.0.1.254
kill $attached
cat attach.out"#
    );
    let Some((good, said)) = in_own_namespaces(&place, &script) else { return };
    assert!(good, "{said}");
    for part in ["2 received", "ttl=63", "answer: hello there", "Connection refused", "lladdr 02:", "clock: real"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert!(said.contains("tap0 is wired to s1:up, with 10.0.1.77/24"), "{said}");
}

#[test]
fn this_machine_takes_a_simulated_hosts_place() {
    let place = Place::new();
    let file = example("03-two-lans-router.toml");
    let script = format!(
        r#"$NETTWIN attach {file} --tap h1:eth0=tap0 --for 60s > attach.out 2>&1 &
attached=$!
{WAIT}
ip route add default via 10.0.1.254
set -e
ip -br addr show tap0
ping -c1 -W5 10.0.2.3
kill $attached
cat attach.out"#
    );
    let Some((good, said)) = in_own_namespaces(&place, &script) else { return };
    assert!(good, "{said}");
    for part in ["10.0.1.1/24", "1 received", "tap0 is in the place of h1:eth0, with 10.0.1.1/24"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn a_capture_is_replayed_into_a_port() {
    let place = Place::new();
    let file = example("02-bridge-three-hosts.toml");
    let captures = place.dir.join("captures");
    let captures = captures.to_str().expect("a plain path");
    place.run(&["sim", &file, "--pcap", captures]).exits(0);
    let replay = format!("s1:p1={captures}/s1.p1.pcapng");
    let run = place.run(&["attach", &file, "--pcap-in", &replay]).exits(0);
    let run = run.says("virtual time").says("into s1:p1");
    // The bridge has learned whom it heard.
    assert!(run.out.contains("learned"), "{}", run.out);
    let json = place.run(&["--json", "attach", &file, "--pcap-in", &replay]).exits(0).json();
    assert!(json["replayed"][0]["frames"].as_u64().is_some_and(|n| n > 2), "{}", json["replayed"]);
    assert_eq!((&json["clock"], &json["frames_in"]), (&"virtual".into(), &0.into()));
    // tcpdump's own format, if it is there to write it.
    let pcap = place.dir.join("h1.pcap");
    let converted =
        Command::new("tcpdump").args(["-r", &format!("{captures}/h1.eth0.pcapng"), "-w"]).arg(&pcap).output();
    if converted.is_ok_and(|o| o.status.success()) {
        let replay = format!("s1:p2={}", pcap.display());
        place.run(&["attach", &file, "--pcap-in", &replay]).exits(0).says("into s1:p2");
    }
}

#[test]
fn what_cannot_be_attached_is_told_why() {
    let place = Place::new();
    let file = example("02-bridge-three-hosts.toml");
    let text = place.file("no-capture.pcap", "root:x:0:0\n");
    let no_capture = format!("s1:p1={text}");
    let cases: &[(&[&str], &str)] = &[
        (&[], "nothing is attached"),
        (&["--tap", "s1=tap0"], "s1:p1=WHAT"),
        (&["--tap", "s9:up=tap0", "--for", "1s"], "no namespace s9"),
        (&["--tap", "h1:eth9=tap0", "--for", "1s"], "no bridge to make one of"),
        (&["--tap", "s1:s1=tap0", "--for", "1s"], "no end of a wire"),
        (&["--tap", "s1:up=tap0", "--clock", "virtual"], "the clock is the wall's"),
        (&["--pcap-in", "s1:p9=x.pcap"], "no port s1:p9"),
        (&["--pcap-in", "s1:p1=/nowhere.pcap"], "/nowhere.pcap"),
        (&["--pcap-in", &no_capture], "neither pcap nor pcapng"),
    ];
    for (args, told) in cases {
        let run = place.run(&[&["attach", &file], *args].concat());
        assert_ne!(run.code, 0, "{args:?}: {}", run.out);
        run.says(told);
    }
}
