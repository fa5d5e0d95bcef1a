//! `sim`: every example, determinism, the event log, recordings, the explanation, and what goes wrong.

use crate::check::PAIR;
use crate::harness::{Place, Run, example};
use expect_test::expect_file;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

fn examples() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = fs::read_dir(dir).expect("the examples").map(|e| e.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|n| n.to_string_lossy().into_owned()).collect();
    names.retain(|n| n.ends_with(".toml"));
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    names
}

/// The lines of an event log.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

#[test]
fn every_example_holds() {
    let place = Place::new();
    for name in examples() {
        let file = example(&name);
        let run = place.run(&["sim", &file]).exits(0);
        assert!(run.out.contains('✓') && !run.out.contains('✗'), "{name}: {}", run.out);
        assert!(run.err.is_empty(), "{name}: {}", run.err);
        let json = place.run(&["sim", "--json", &file]).exits(0).json();
        assert_eq!(json["good"], true, "{name}");
        let expectations = json["expectations"].as_array().expect("a list");
        assert!(
            !expectations.is_empty() && expectations.iter().all(|e| e["holds"] == true),
            "{name}: {expectations:?}"
        );
        assert!(json["snapshot"]["netns"].as_object().is_some_and(|n| !n.is_empty()), "{name}");
        place.run(&["sim", "--explain", &file]).exits(0).says("1. Namespaces");
    }
}

#[test]
fn the_first_contact_reads_well() {
    let place = Place::new();
    let run = |args: &[&str]| place.run(&[args, &[&example("02-bridge-three-hosts.toml")]].concat()).exits(0).out;
    expect_file!["expected/sim-three-hosts.txt"].assert_eq(&run(&["sim"]));
    expect_file!["expected/sim-three-hosts-explained.txt"].assert_eq(&run(&["sim", "--explain"]));
    let run = place.run(&["sim", "--explain", &example("05-timeline.toml")]).exits(0).out;
    expect_file!["expected/sim-timeline-explained.txt"].assert_eq(&run);
}

#[test]
fn a_failed_expectation_is_told_with_its_reason_and_the_drops() {
    let place = Place::new();
    let wrong =
        place.file("wrong.toml", &format!("{PAIR}result = \"timeout\"\n[[expect]]\nping = \"h1 -> 10.9.9.9\"\n"));
    let run = place.run(&["sim", &wrong]).exits(3);
    let run = run.says("✗ ping h1 -> h2: reached, expected: timeout").says("2 of 2 expectations failed");
    run.says("✗ ping h1 -> 10.9.9.9: net-unreachable, expected: allowed").says("connect: Network is unreachable");
    let json = place.run(&["sim", "--json", &wrong]).exits(3).json();
    assert_eq!((&json["good"], &json["expectations"][0]["verdict"]), (&false.into(), &"reached".into()));
    // Frames that were dropped are counted by place.
    let off = fs::read_to_string(example("03-forwarding-off.toml")).unwrap().replace("result = \"timeout\"\n", "");
    let off = place.file("off.toml", &off);
    let run = place.run(&["sim", &off]).exits(3).says("Dropped frames").says("r1:eth1");
    run.says("forwarding is off on the device it came by").says("' follows it hop by hop and names the remedy");
    let json = place.run(&["sim", "--json", &off]).exits(3).json();
    let drops = json["drops"].as_array().expect("a list");
    assert!(drops.iter().any(|d| d["reason"] == "NotForwarding" && d["netns"] == "r1" && d["count"] == 1), "{drops:?}");
}

#[test]
fn a_storm_is_named() {
    let place = Place::new();
    let text = r#"
allow = ["l2-loop"]
[netns.h1]
interfaces.eth0.addresses = ["10.0.0.1/24"]
[bridge.s1]
[bridge.s2]
[[link]]
ends = ["h1:eth0", "s1:p1"]
[[link]]
ends = ["s1:a", "s2:a"]
[[link]]
ends = ["s1:b", "s2:b"]
[[expect]]
ping = "h1 -> 10.0.0.9"
result = "denied"
timeout = "1s"
"#;
    let file = place.file("loop.toml", text);
    place.run(&["sim", &file]).says("storm:").says("a loop without spanning tree: s");
    place.run(&["sim", "--explain", &file]).says("spanning tree");
    let json = place.run(&["sim", "--json", &file]).json();
    assert_eq!(json["storms"][0]["cycle"].as_array().map(Vec::len), Some(2), "{}", json["storms"]);
}

#[test]
fn nat_reaches_the_outside_and_a_firewall_refuses_it() {
    let place = Place::new();
    place.run(&["sim", &example("04-nat.toml")]).exits(0).says("all 6 expectations hold");
}

/// The example without its rules: nothing comes back from the outside, and nothing is published.
fn without_rules() -> String {
    let text = std::fs::read_to_string(example("04-nat.toml")).expect("the example");
    let (head, _) = text.split_once("[[expect]]").expect("expectations");
    let mut plain = String::new();
    let mut inside = false;
    for line in head.lines() {
        inside |= line.starts_with("nat = [") || line.starts_with("firewall = [");
        if !inside {
            plain += &format!("{line}\n");
        }
        inside &= line != "]";
    }
    plain
        + "[[expect]]\nping = \"inside -> 203.0.113.1\"\nresult = \"timeout\"\n\
           [[expect]]\ntcp = \"inside -> 198.51.100.80:443\"\nresult = \"timeout\"\n\
           [[expect]]\ntcp = \"outside -> 203.0.113.2:8080\"\nresult = \"refused\"\n"
}

/// With and without the rules, on this kernel as in the simulator.
#[test]
fn nat_and_its_want_are_the_same_on_both_machines() {
    let place = Place::new();
    let plain = place.file("without.toml", &without_rules());
    place.run(&["sim", &plain]).exits(0).says("all 3 expectations hold");
    for file in [example("04-nat.toml"), plain] {
        let run = place.run(&["--json", "conform", &file]);
        if run.code == 5 {
            return crate::harness::skip(&run.err);
        }
        let report = run.exits(0).json();
        assert_eq!(report["agrees"], true, "{report}");
        assert_eq!(report["levels"]["flows"]["skipped"], serde_json::json!([]), "{report}");
    }
}

#[test]
fn the_timeline_is_told_and_what_it_is_refused() {
    let place = Place::new();
    let run = place.run(&["sim", &example("05-timeline.toml")]).exits(0).says("Timeline and expectations");
    run.says("ip -n r1 link set dev to-r2 down").says("✓ 3s  ping r1 -> 10.9.0.2: net-unreachable, as expected");
    let text = format!("{PAIR}[[timeline]]\nat = \"1s\"\nadd_route.h1 = \"10.9.0.0/16 via 10.7.0.77\"\n");
    let twice = text + "[[timeline]]\nat = \"2s\"\nadd_route.h1 = \"10.9.0.0/16 via 10.7.0.77\"\n";
    let twice = place.file("twice.toml", &twice);
    place.run(&["sim", &twice]).exits(3).says("✗ File exists").says("1 op of the timeline refused");
    let json = place.run(&["sim", "--json", &twice]).exits(3).json();
    assert_eq!(json["refused"][0]["at_ns"], 2_000_000_000_u64);
    assert!(json["refused"][0]["words"].as_str().is_some_and(|w| w.contains("route add 10.9.0.0/16")), "{json}");
}

/// The event log and all recordings of a run with this seed.
fn recorded(place: &Place, file: &str, seed: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let dir = place.dir.join(format!("seed-{seed}"));
    let _ = fs::remove_dir_all(&dir);
    let (pcap, events) = (dir.join("pcap"), dir.join("events.jsonl"));
    fs::create_dir(&dir).unwrap();
    let paths = [pcap.to_str().unwrap(), events.to_str().unwrap()];
    let run = place.run(&["sim", "--seed", seed, "--pcap", paths[0], "--events", paths[1], file]);
    // With another seed a lossy wire may lose what was expected.
    assert!(run.code == 0 || run.code == 3, "{}", run.err);
    let entries = fs::read_dir(&pcap).unwrap().map(|e| e.unwrap());
    let mut files: Vec<_> =
        entries.map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read(e.path()).unwrap())).collect();
    files.sort();
    (fs::read_to_string(events).unwrap(), files)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_other_macs() {
    let place = Place::new();
    for name in ["03-two-lans-router.toml", "06-impairment.toml"] {
        let file = example(name);
        let (first, second, other) =
            (recorded(&place, &file, "7"), recorded(&place, &file, "7"), recorded(&place, &file, "8"));
        assert!(first == second, "{name}: not the same bytes");
        assert_ne!(first.0, other.0, "{name}");
        let names = |(_, files): &(String, Vec<(String, Vec<u8>)>)| -> Vec<String> {
            files.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&first), names(&other), "{name}");
        let mac = |run: Run| run.json()["snapshot"]["netns"]["h1"]["config"]["links"]["eth0"]["mac"].clone();
        let macs = ["7", "7", "8"].map(|seed| mac(place.run(&["sim", "--json", "--seed", seed, &file])));
        assert!(macs[0] == macs[1] && macs[1] != macs[2], "{name}: {macs:?}");
    }
}

#[test]
fn the_event_log_tells_everything_in_order() {
    let place = Place::new();
    let (events, _) = recorded(&place, &example("05-timeline.toml"), "7");
    let events = lines(&events);
    let of = |kind: &str| events.iter().filter(|e| e["event"] == kind).collect::<Vec<_>>();
    for kind in ["op", "timeline", "expectation", "probe", "judged", "sent", "received", "decided"] {
        assert!(!of(kind).is_empty(), "no {kind}");
    }
    let times: Vec<u64> = events.iter().map(|e| e["at_ns"].as_u64().expect("a time")).collect();
    assert!(times.is_sorted());
    assert_eq!(of("timeline")[0]["at_ns"], 2_000_000_000_u64);
    assert_eq!(of("judged").len(), 4);
    let sent = of("sent");
    let arp =
        sent.iter().find(|e| e["says"] == "ARP request: who has 10.0.12.2? tell 10.9.0.1").expect("an ARP request");
    assert_eq!((&arp["netns"], &arp["dev"], &arp["len"]), (&"r1".into(), &"to-r2".into(), &42.into()));
    // What is sent over a wire is received with the same number.
    assert!(of("received").iter().any(|e| e["frame"] == arp["frame"] && e["netns"] == "r2"));
    // On standard output, before the result.
    let run = place.run(&["sim", "--events", "-", "--json", &example("02-bridge-three-hosts.toml")]).exits(0);
    let mut values = serde_json::Deserializer::from_str(&run.out).into_iter::<Value>();
    let last = values.by_ref().last().expect("a result").expect("JSON");
    assert_eq!(last["topology"], "bridge-three-hosts");
    let (dropped, reason) = (lines_of(&run.out, "dropped"), "the device is down");
    assert!(dropped.iter().any(|e| e["text"] == reason && e["netns"] == "h3" && e["dev"] == "lo"), "{dropped:?}");
}

fn lines_of(out: &str, kind: &str) -> Vec<Value> {
    let all = out.lines().take_while(|l| l.starts_with("{\"at_ns\""));
    all.map(|l| serde_json::from_str::<Value>(l).unwrap()).filter(|e| e["event"] == kind).collect()
}

#[test]
fn recordings_open_in_tcpdump() {
    let place = Place::new();
    let (_, files) = recorded(&place, &example("06-impairment.toml"), "42");
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["h1.eth0.pcapng", "h1.lo.pcapng", "h2.eth0.pcapng", "h2.lo.pcapng"]);
    for (name, bytes) in &files {
        assert_eq!(bytes[..4], [0x0a, 0x0d, 0x0d, 0x0a], "{name} has a section header");
    }
    let file = place.dir.join("seed-42/pcap/h2.eth0.pcapng");
    let mut tcpdump = std::process::Command::new("tcpdump");
    tcpdump.args(["-n", "-tt", "--nano", "-r"]).arg(&file);
    let Ok(output) = tcpdump.output() else { return crate::harness::skip("there is no tcpdump here") };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("ARP, Request who-has 10.0.0.2 tell 10.0.0.1"), "{text}");
    assert!(text.contains("ICMP echo request"), "{text}");
    // The first request was held back for 20 ms or so: virtual time.
    assert!(text.starts_with("0.0"), "{text}");
}

#[test]
fn the_explanation_teaches() {
    let place = Place::new();
    let explain = |name: &str| place.run(&["sim", "--explain", &example(name)]).exits(0);
    let run = explain("02-bridge-three-hosts.toml").says("$ ip -n h1 addr add 192.168.1.1/24 dev eth0");
    let run = run.says("made the route `192.168.1.0/24 dev eth0 src 192.168.1.1`");
    let run = run.says("broadcast: flooded").says("learned h1:eth0 behind p1").says("h2:eth0 is behind p2");
    let run = run.says("the MAC of 192.168.1.2 is not known: the packet waits");
    run.says("dropped at lo: the device is down").says("both ends are up");
    let run = explain("03-two-lans-router.toml").says("net.ipv4.ip_forward=1 (was 0) in r1");
    let run = run
        .says("`default via 10.0.1.254 dev eth0`: by eth0 to the gateway 10.0.1.254")
        .says("dropped at eth1: no route");
    let run = run.says("its time to live ran out").says("the neighbour did not answer").says("no socket takes it");
    assert!(run.out.lines().count() < 250, "a wall of text: {}", run.out);
    explain("03-forwarding-off.toml").says("forwarding is off on the device it came by");
    explain("06-impairment.toml").says("lost by netem").says("held for").says("more frames as told above");
    explain("05-timeline.toml").says("At 2s, the timeline").says("took the route").says("lost the carrier");
    let json = place.run(&["sim", "--explain", "--json", &example("01-two-namespaces.toml")]).exits(0).json();
    assert_eq!(json["explanation"][0]["title"], "1. Namespaces");
    assert!(json["explanation"][0]["lines"].as_array().is_some_and(|l| !l.is_empty()));
    // A second ping like the first is only counted.
    let again = place.file("again.toml", &format!("{PAIR}[[expect]]\nping = \"h1 -> h2\"\n"));
    let out = place.run(&["sim", "--explain", &again]).exits(0).out;
    let second = out.rsplit("✓ ping h1 -> h2").next().unwrap();
    assert!(second.contains("more frames as told above") || second.contains("as before"), "{out}");
    assert!(second.lines().count() < 8, "{second}");
}

#[test]
fn bad_input_is_said_before_anything_runs() {
    let place = Place::new();
    place.run(&["sim"]).exits(1);
    place.run(&["sim", "absent.toml"]).exits(1).says("absent.toml");
    let bad = place.file("bad.toml", "[netns.h1]\nforwardin = true\n");
    place.run(&["sim", "--pcap", "pcap", &bad]).exits(1).says("forwardin");
    assert!(!place.dir.join("pcap").exists());
    place.run(&["sim", "--seed", "x", &bad]).exits(1);
    place.run_with(&["sim", "-"], PAIR).exits(0).says("pair");
    // What Linux refuses is refused here.
    let refused = place.file(
        "refused.toml",
        "name = \"x\"\nallow = [\"unconnected-netns\"]\n[netns.h1]\nroutes = [\"10.0.0.0/8 dev eth7\"]\n",
    );
    let run = place.run(&["sim", &refused]);
    assert!(run.code == 1 || run.code == 2, "{} {}", run.out, run.err);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let place = Place::new();
    let file = place.file("pair.toml", PAIR);
    let blocked = place.file("blocked", "not a folder");
    let left = || {
        let mut names: Vec<_> = fs::read_dir(&place.dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = left();
    place.run(&["sim", "--pcap", &format!("{blocked}/pcap"), &file]).exits(2).says("blocked");
    place.run(&["sim", "--pcap", &blocked, &file]).exits(2).says("blocked");
    place.run(&["sim", "--events", &format!("{blocked}/events"), &file]).exits(2).says("blocked");
    place.run(&["sim", "--events", "absent/events", &file]).exits(2).says("absent");
    assert_eq!(left(), before);
    assert_eq!(fs::read_to_string(&blocked).unwrap(), "not a folder");
    // A folder in a recording's place: none of the files appears.
    fs::create_dir_all(place.dir.join("pcap/h2.eth0.pcapng/in-the-way")).unwrap();
    place.run(&["sim", "--pcap", "pcap", &file]).exits(2).says("h2.eth0.pcapng");
    assert_eq!(fs::read_dir(place.dir.join("pcap")).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let place = Place::new();
    let file = place.file("pair.toml", PAIR);
    place.run(&["sim", "--events", "/dev/full", &file]).exits(2).says("No space left");
}

#[test]
fn a_closed_pipe_is_quiet() {
    let place = Place::new();
    let file = example("06-impairment.toml");
    for args in [&["sim", "--events", "-"][..], &["sim", "--explain"], &["sim", "--json"]] {
        let mut command = place.command(&[args, &[&file]].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
        let status = child.wait().expect("an end");
        assert!(status.success() && err.is_empty(), "{args:?}: {status} {err}");
    }
}
