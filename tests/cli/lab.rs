//! The life of a lab: made, changed, compared, entered, destroyed; as root with named namespaces, as a user with a holder.
#![cfg(all(feature = "kernel", target_os = "linux"))]

use crate::check::PAIR;
use crate::harness::{Place, Run, is_root, skip};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A place and the lab that a test plays with. Labs of root are everybody's, so each test has its own name.
struct Lab {
    place: Place,
    name: String,
    file: String,
}

impl Lab {
    fn new(place: Place, name: &str, text: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        let file = place.file("lab.toml", &text.replace("\"pair\"", &format!("{name:?}")));
        Lab { place, name, file }
    }

    /// For root, if the test is, and for a user, if there are user namespaces.
    fn both(name: &str, text: &str) -> Vec<Lab> {
        let mut labs = Vec::new();
        match is_root() {
            true => labs.push(Lab::new(Place::new(), name, text)),
            false => eprintln!("not root: no named namespaces"),
        }
        labs.extend(Place::of_a_user().map(|place| Lab::new(place, name, text)));
        labs
    }

    fn run(&self, args: &[&str]) -> Run {
        let args: Vec<&str> = args.iter().map(|a| if *a == "FILE" { &self.file[..] } else { a }).collect();
        self.place.run(&args)
    }

    fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.file).unwrap();
        assert!(text.contains(from));
        std::fs::write(&self.file, text.replace(from, to)).unwrap();
    }

    fn in_ns(&self, netns: &str, words: &[&str]) -> Run {
        let args = [&["exec", "--lab", &self.name, netns, "--"], words].concat();
        self.place.run(&args)
    }

    /// Nothing of the lab is left.
    fn is_gone(&self) {
        self.run(&["show", &self.name]).exits(2).says("no lab");
        assert!(self.place.left().is_empty(), "{:?}", self.place.left());
        assert!(!Path::new("/run/nettwin").join(&self.name).exists());
        assert!(named(&self.name).is_empty(), "{:?}", named(&self.name));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A test that failed leaves nothing either.
        let _ = self.place.run(&["destroy", &self.name]);
    }
}

/// The namespaces in `/run/netns` that begin so.
fn named(prefix: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/run/netns").into_iter().flatten().flatten();
    entries.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| n.starts_with(prefix)).collect()
}

#[test]
fn a_lab_is_made_changed_compared_and_destroyed() {
    for lab in Lab::both("life", PAIR) {
        lab.run(&["apply", "FILE"]).exits(0).says("stands").says("ping h1 -> h2: reached");
        lab.run(&["apply", "FILE"]).exits(0).says("nothing to do");
        lab.run(&["diff", "FILE"]).exits(0).says("no difference");
        let script = lab.run(&["plan", "FILE"]).exits(0).out;
        assert_eq!(script.trim(), "#!/bin/sh\nset -e", "a lab that stands needs no plan");
        lab.run(&["show"]).exits(0).says(&lab.name);
        lab.run(&["show", &lab.name]).exits(0).says("10.7.0.1/24");
        let json = lab.run(&["--json", "show", &lab.name]).exits(0).json();
        assert_eq!(json["netns"]["h1"]["config"]["links"]["eth0"]["up"], true);
        // An edit changes what differs and nothing else.
        lab.edit("10.7.0.2/24", "10.7.0.3/24");
        lab.run(&["diff", "FILE"]).exits(4).says("h2:eth0 address 10.7.0.2/24: wanted absent, is 10.7.0.2/24");
        let json = lab.run(&["--json", "apply", "FILE"]).exits(0).json();
        assert_eq!((&json["is_new"], &json["ops"]), (&false.into(), &2.into()), "{json}");
        assert_eq!(json["played"]["judged"][0]["holds"], true, "{json}");
        lab.run(&["destroy", &lab.name]).exits(0).says("destroyed");
        lab.is_gone();
        lab.run(&["destroy", &lab.name]).exits(2).says("no lab");
        lab.run(&["destroy", "FILE"]).exits(2).says("no lab");
        lab.run(&["diff", "FILE"]).exits(2).says("no lab");
    }
}

#[test]
fn programs_run_inside_and_end_as_they_end() {
    for lab in Lab::both("exec", PAIR) {
        lab.run(&["apply", "FILE"]).exits(0);
        lab.in_ns("h1", &["sh", "-c", "exit 7"]).exits(7);
        lab.in_ns("h1", &["cat", "/sys/class/net/eth0/operstate"]).exits(0).says("up");
        lab.in_ns("h1", &["nosuchprogram"]).exits(127).says("nosuchprogram");
        lab.in_ns("h1", &["/etc/passwd"]).exits(126).says("/etc/passwd");
        lab.in_ns("h9", &["true"]).exits(125).says("it has: h1 h2");
        lab.run(&["exec", "--lab", "nosuch", "h1", "--", "true"]).exits(125).says("no lab");
        lab.run(&["exec", "h1"]).exits(1);
    }
}

#[test]
fn damage_is_seen_and_repaired() {
    let text = PAIR.replace("[netns.h2]", "routes = [\"10.9.0.0/16 via 10.7.0.2\"]\n[netns.h2]");
    for lab in Lab::both("damage", &text) {
        lab.run(&["apply", "FILE"]).exits(0);
        if lab.in_ns("h1", &["ip", "route", "del", "10.9.0.0/16"]).code == 127 {
            skip("there is no ip to do damage with");
            continue;
        }
        lab.in_ns("h2", &["ip", "link", "set", "eth0", "mtu", "1400"]).exits(0);
        let run = lab.run(&["diff", "FILE"]).exits(4);
        let run = run.says("h1 route 10.9.0.0/16: wanted 10.9.0.0/16 via 10.7.0.2 dev eth0, is absent");
        run.says("h2:eth0 mtu: wanted 1500, is 1400").says("2 differences");
        let json = lab.run(&["--json", "diff", "FILE"]).exits(4).json();
        assert_eq!(
            json[1],
            serde_json::json!({
                "part": "config", "path": "h2:eth0 mtu", "left": "1500", "right": "1400",
            })
        );
        lab.run(&["apply", "FILE"]).exits(0).says("2 ops");
        lab.run(&["diff", "FILE"]).exits(0);
    }
}

#[test]
fn an_expectation_that_does_not_hold_is_exit_3_and_the_lab_stands() {
    for lab in Lab::both("expect", &format!("{PAIR}result = \"timeout\"\n")) {
        lab.run(&["apply", "FILE"]).exits(3).says("expected: timeout");
        lab.run(&["apply", "--no-expect", "FILE"]).exits(0).says("nothing to do");
        lab.run(&["destroy", &lab.name]).exits(0);
    }
}

#[test]
fn an_op_that_is_refused_leaves_nothing_or_the_lab_as_it_was() {
    for lab in Lab::both("refused", PAIR) {
        // The kernel knows no such algorithm, which no check can know.
        let bad = "[netns.h3]\nsysctls.\"net.ipv4.tcp_congestion_control\" = \"nosuch\"\n";
        let good = std::fs::read_to_string(&lab.file).unwrap();
        std::fs::write(&lab.file, good.clone() + bad).unwrap();
        lab.run(&["apply", "FILE"]).exits(2).says("nosuch`: No such file").says("nothing of it was kept");
        lab.is_gone();
        std::fs::write(&lab.file, &good).unwrap();
        lab.run(&["apply", "FILE"]).exits(0);
        let state = |lab: &Lab| {
            let json = lab.run(&["--json", "show", &lab.name]).exits(0).json();
            let netns = json["netns"].as_object().unwrap().clone();
            netns.into_iter().map(|(name, state)| (name, state["config"].clone())).collect::<Vec<_>>()
        };
        let inode = |lab: &Lab| lab.in_ns("h1", &["readlink", "/proc/self/ns/net"]).exits(0).out;
        let (before, number) = (state(&lab), inode(&lab));
        // Other ops go well before it is refused: h1 is to go, and with it the wire.
        let rest =
            good.replace("[netns.h1]\ninterfaces.eth0.addresses = [\"10.7.0.1/24\"]\n", "").replace("h1:", "h4:");
        std::fs::write(&lab.file, rest.replace("h1 ->", "h4 ->") + "[netns.h4]\n" + bad).unwrap();
        let run = lab.run(&["apply", "FILE"]).exits(2).says("nosuch`: No such file");
        run.says("the lab is as it was before; made again: veth h1:eth0 and h2:eth0");
        assert_eq!(state(&lab), before);
        assert_eq!(inode(&lab), number, "what runs in h1 would run in no lab any more");
        std::fs::write(&lab.file, &good).unwrap();
        lab.run(&["apply", "FILE"]).exits(0).says("nothing to do");
    }
}

#[test]
fn what_the_kernel_lacks_is_known_before_anything_is_done() {
    for lab in Lab::both("lacking", PAIR) {
        let able = lab.run(&["--json", "doctor"]).json();
        let has_netem = able.as_array().into_iter().flatten().any(|c| c["name"] == "netem" && c["available"] == true);
        let impaired = "ends = [\"h1:eth0\", \"h2:eth0\"]\nimpair.\"h1:eth0\" = \"delay 1ms\"";
        lab.edit("ends = [\"h1:eth0\", \"h2:eth0\"]", impaired);
        let run = lab.run(&["apply", "FILE"]);
        if has_netem {
            run.exits(0).says("reached");
            continue;
        }
        run.exits(5).says("netem is missing; nothing of it was kept").says("sch_netem");
        lab.is_gone();
    }
}

#[test]
fn a_lab_cannot_be_made_in_a_folder_of_another() {
    let Some(place) = Place::of_a_user() else { return };
    let lab = Lab::new(place, "folder", PAIR);
    std::fs::remove_dir(lab.place.dir.join("run")).unwrap();
    lab.run(&["apply", "FILE"]).exits(5).says("XDG_RUNTIME_DIR");
}

#[test]
fn no_privilege_at_all_is_exit_5_with_a_remedy() {
    let Some(place) = Place::of_a_user() else { return };
    let lab = Lab::new(place, "forbidden", PAIR);
    // A user namespace within which there may be no other.
    let shell = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    let mut command = lab.place.program(Path::new("unshare"));
    command.args(["-Ur", "sh", "-c", shell, "sh"]).arg(lab.place.binary()).args(["apply", &lab.file, "--rootless"]);
    let Ok(run) = command.output() else { return skip("there is no unshare") };
    let err = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(5), "{err}");
    assert!(err.contains("user namespace") && err.contains("max_user_namespaces"), "{err}");
    assert!(lab.place.left().is_empty(), "{:?}", lab.place.left());
}

#[test]
fn somebody_elses_namespaces_are_left_alone() {
    if !is_root() {
        return eprintln!("not root: no named namespaces");
    }
    let lab = Lab::new(Place::new(), "foreign", PAIR);
    let theirs = format!("{}.h2", lab.name);
    let ip = |args: &[&str]| Command::new("ip").args(args).status().is_ok_and(|s| s.success());
    if !ip(&["netns", "add", &theirs]) {
        return skip("there is no ip to make a namespace with");
    }
    let clash = lab.run(&["apply", "FILE"]);
    let still_there = Path::new("/run/netns").join(&theirs).exists();
    let destroyed = lab.run(&["destroy", &theirs]);
    let after = Path::new("/run/netns").join(&theirs).exists();
    let others = named(&lab.name);
    assert!(ip(&["netns", "del", &theirs]));
    clash.exits(2).says("File exists").says("nothing of it was kept");
    destroyed.exits(2).says("no lab");
    assert!(still_there && after);
    assert_eq!(others, [theirs]);
    lab.is_gone();
}

/// What a lab has of the machine's own namespace, here one that nobody misses, is given back as it was.
#[test]
fn the_machines_own_namespace_is_given_back() {
    let text = r#"
        name = "pair"
        [netns.host]
        interfaces.up0.addresses = ["10.7.0.1/24"]
        interfaces.lo.addresses = ["10.9.0.1/32"]
        routes = ["10.8.0.0/24 via 10.7.0.2", "blackhole 10.8.1.0/24"]
        sysctls."net.ipv4.ip_default_ttl" = 33
        [netns.h1]
        interfaces.eth0.addresses = ["10.7.0.2/24"]
        [bridge.br7]
        in = "host"
        [[link]]
        ends = ["host:up0", "h1:eth0"]
        [[link]]
        ends = ["br7:p1", "h1:eth1"]
        [[expect]]
        ping = "host -> h1"
    "#;
    let Some(place) = (if is_root() { Some(Place::new()) } else { Place::of_a_user() }) else { return };
    let lab = Lab::new(place, "host", text);
    let bad = text.replace("[netns.h1]", "[netns.h1]\nsysctls.\"net.ipv4.tcp_congestion_control\" = \"nosuch\"");
    let bad = lab.place.file("bad.toml", &bad);
    let script = r#"
        state() { ip link; ip -4 addr; ip route; sysctl -a 2>/dev/null | grep -E 'ip_default_ttl|ip_forward|all.(rp|disable)'; }
        # By the number of a device its link is told from one made again.
        set -e
        mount -t tmpfs tmpfs /run
        ip link set lo up
        ip link add keep0 type veth peer name keep1
        ip addr add 10.99.0.1/24 dev keep0
        sysctl -qw net.ipv4.ip_forward=1
        state > before
        "$1" apply --real-host "$2"
        "$1" diff "$2"
        test "$(sysctl -n net.ipv4.ip_forward net.ipv4.ip_default_ttl | xargs)" = "1 33"
        test -z "$("$1" plan "$2" | sed 1,2d)"
        ip link show br7 > /dev/null
        # Somebody takes our bridge away and makes one of that name: theirs stays.
        ip link del br7
        ip link add br7 type bridge
        "$1" destroy "$3"
        ip link del br7
        state | diff before - && echo as before
        if "$1" apply --real-host "$4"; then exit 9; fi
        state | diff before - && echo as before again
        ls -A /run/netns
    "#;
    let user = if is_root() { "-mn" } else { "-Urmn" };
    let mut command = lab.place.program(Path::new("unshare"));
    command.args([user, "sh", "-c", script, "sh"]).arg(lab.place.binary()).args([&lab.file, &lab.name, &bad]);
    let Ok(run) = command.output() else { return skip("there is no unshare") };
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}");
    for words in ["ping host -> h1: reached", "no difference", "as before\n", "as before again\n"] {
        assert!(said.contains(words), "{said}");
    }
}

/// Makes what must leave nothing behind, kills it in the midst, and collects what is left.
#[test]
fn what_a_killed_nettwin_leaves_is_collected() {
    let star = |n: u32| {
        let mut text = "name = \"pair\"\n[bridge.s1]\n".to_owned();
        for i in 1..=n {
            text += &format!("[netns.h{i}]\ninterfaces.eth0.addresses = [\"10.7.0.{i}/24\"]\n");
            text += &format!("[[link]]\nends = [\"h{i}:eth0\", \"s1:p{i}\"]\n");
        }
        text
    };
    for lab in Lab::both("killed", &star(100)) {
        for pause in [2, 20, 60] {
            let mut child =
                lab.place.command(&["apply", &lab.file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(pause));
            // The test's own child: Child::kill is SIGKILL.
            let _ = child.kill();
            child.wait().unwrap();
            let deadline = Instant::now() + Duration::from_secs(20);
            loop {
                lab.run(&["gc"]).exits(0);
                // It may have been quick enough to finish.
                if lab.run(&["show", &lab.name]).code == 0 {
                    lab.run(&["destroy", &lab.name]).exits(0);
                }
                // A holder that is still undoing it is at work (`gc` says so), and neither answers nor is gone.
                let shown = lab.run(&["show", &lab.name]);
                if shown.code == 2 && shown.err.contains("no lab") && named(&lab.name).is_empty() {
                    break;
                }
                assert!(Instant::now() < deadline, "{} {:?}", shown.err, named(&lab.name));
            }
            lab.is_gone();
        }
    }
}

#[test]
fn a_lab_is_probed_with_the_words_of_linux() {
    for lab in Lab::both("probe", PAIR) {
        lab.run(&["apply", "--no-expect", "FILE"]).exits(0);
        let probe = |args: &[&str]| lab.run(&[&["probe", "--lab", &lab.name], args].concat());
        let run = probe(&["ping", "h1", "10.7.0.2", "-c", "2", "-i", "200ms"]).exits(0);
        let run = run.says("64 bytes from 10.7.0.2: icmp_seq=2 ttl=64 time=");
        run.says("2 packets transmitted, 2 received, 0% packet loss");
        probe(&["arping", "h1", "eth0", "10.7.0.2", "-c", "1"]).exits(0).says("Unicast reply from 10.7.0.2 [02:");
        probe(&["trace", "h1", "10.7.0.2"]).exits(0).says(" 1  10.7.0.2  ");
        probe(&["tcp", "h1", "10.7.0.2", "80", "--listen", "h2"]).exits(0).says("1000 bytes to 10.7.0.2:80 and back");
        probe(&["tcp", "h1", "10.7.0.2", "80"]).exits(3).says("Connection refused");
        probe(&["udp", "h1", "10.7.0.2", "53", "--listen", "h2", "--bytes", "100"]).exits(0).says("100 bytes to");
        probe(&["ping", "h1", "10.9.9.9"]).exits(3).says("ping: connect: Network is unreachable");
        let json = probe(&["--json", "ping", "h2", "10.7.0.1", "-c", "1"]).exits(0).json();
        assert_eq!(json["verdict"], "reached");
        probe(&["ping", "h9", "10.7.0.2"]).exits(1).says("the namespaces are: h1, h2");
        probe(&["arping", "h1", "eth7", "10.7.0.2"]).exits(1).says("its interfaces are: eth0, lo");
    }
}
