//! `exec --sim`: real programs in a simulated network, started by a user without privileges.

use crate::harness::{Place, lacks};
use std::path::Path;
use std::process::{Command, Stdio};

/// Two LANs joined by a simulated router; the wire to h3 takes 20 ms each way.
const LANS: &str = r#"
[netns.h1]
interfaces.eth0.addresses = ["10.0.1.1/24"]
routes = ["default via 10.0.1.254"]
[netns.h3]
interfaces.eth0.addresses = ["10.0.2.3/24"]
routes = ["default via 10.0.2.254"]
[netns.r1]
forwarding = true
interfaces.eth1.addresses = ["10.0.1.254/24"]
interfaces.eth2.addresses = ["10.0.2.254/24"]
[bridge.s1]
[[link]]
ends = ["h1:eth0", "s1:p1"]
[[link]]
ends = ["s1:p2", "r1:eth1"]
[[link]]
ends = ["r1:eth2", "h3:eth0"]
impair = "delay 20ms"
"#;

/// A user without privileges who may open /dev/net/tun, as distributions have it. As root the test is given a device file of
/// its own where the machine's is closed to users.
struct User(Place);

impl User {
    fn new() -> Option<Self> {
        let user = User(Place::of_a_user()?);
        let tried = user.command(&["unshare", "-Urn", "ip", "tuntap", "add", "nt-try", "mode", "tap"]).output();
        if tried.is_ok_and(|tried| tried.status.success()) {
            return Some(user);
        }
        lacks("users may not open /dev/net/tun here");
        None
    }

    fn command(&self, words: &[&str]) -> Command {
        let is_root = self.0.binary().starts_with(&self.0.dir);
        let mut command = if is_root { Command::new("unshare") } else { self.0.program(Path::new(words[0])) };
        if is_root {
            let open = "mount -t tmpfs -o mode=755 none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && \
                        exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"";
            command.args(["-m", "sh", "-c", open, "sh"]).args(words);
            command.current_dir(&self.0.dir).env("NO_COLOR", "1");
            command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        } else {
            command.args(&words[1..]);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs the binary.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let binary = self.0.binary();
        let words = [&[binary.to_str().expect("a plain path")], args].concat();
        let output = self.command(&words).output().expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }
}

fn has(program: &str) -> bool {
    let there =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|o| o.status.success());
    if !there {
        lacks(&format!("there is no {program}"));
    }
    there
}

#[test]
fn curl_fetches_a_page_from_http_server_across_a_simulated_router_with_nat() {
    let Some(user) = User::new().filter(|_| has("curl") && has("python3")) else { return };
    // Of h1's network h3 knows nothing: the router lends its address, and publishes h3's server at a port of its own.
    let nat = "nat = [\"masquerade out eth2\", \"dnat in eth1 tcp 8080 to-destination 10.0.2.3:80\"]";
    let natted = LANS.replace("routes = [\"default via 10.0.2.254\"]\n", "");
    let natted = natted.replace("forwarding = true", &format!("forwarding = true\n{nat}"));
    let file = user.0.file("lab.toml", &natted);
    let page: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    user.0.file("page.txt", &page);
    let server = format!("h3: python3 -m http.server 80 --directory {}", user.0.dir.display());
    let get = "curl -sS --retry 30 --retry-connrefused --retry-delay 1 -o got.txt -w '%{time_connect} %{http_code}' \
               http://10.0.1.254:8080/page.txt > timing.txt";
    let (code, out, err) =
        user.run(&["exec", "--sim", &file, "--with", &server, "h1", "--", "sh", "-c", &format!("{get}; ip -br addr")]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("clock: real"), "{err}");
    let timing = std::fs::read_to_string(user.0.dir.join("timing.txt")).expect("curl says how long it took");
    let (connect, status) = timing.split_once(' ').expect("a time and a status");
    let connect: f64 = connect.parse().expect("a number");
    assert!(connect >= 0.040, "connected after {connect} s: the wire takes 20 ms each way");
    assert!(status == "200" && out.contains("10.0.1.1/24"), "{status} {out}");
    assert_eq!(std::fs::read_to_string(user.0.dir.join("got.txt")).expect("what curl got"), page);
}

#[test]
fn a_program_sees_its_simulated_network() {
    let Some(user) = User::new() else { return };
    let file = user.0.file("lab.toml", LANS);
    let look = "ip -br link; ip route; ping -c1 -W5 10.0.2.3; ip neigh; exit 7";
    let (code, out, err) = user.run(&["exec", "--sim", &file, "h1", "--", "sh", "-c", look]);
    assert_eq!(code, 7, "{out}{err}");
    for part in ["eth0", "default via 10.0.1.254", "ttl=63", "1 received", "10.0.1.254 dev eth0 lladdr 02:"] {
        assert!(out.contains(part), "{part:?} is not in {out}{err}");
    }
    // A router can be real too: then the kernel forwards, between two simulated wires.
    let settings = "cat /proc/sys/net/ipv4/ip_forward; sleep 3";
    let router = format!("r1: sh -c '{settings}'");
    let ping = "ping -c1 -W5 10.0.2.3";
    let (code, out, err) = user.run(&["exec", "--sim", &file, "--with", &router, "h1", "--", "sh", "-c", ping]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("ttl=63") && out.lines().any(|line| line == "1"), "{out}{err}");
}

#[test]
fn what_changes_in_the_simulation_changes_for_programs() {
    let Some(user) = User::new() else { return };
    let timeline = "[[timeline]]\nat = \"500ms\"\nadd_address.\"h1:eth0\" = \"10.0.1.9/24\"\n\
                    [[timeline]]\nat = \"600ms\"\nmtu.\"h1:eth0\" = 1400\n";
    let file = user.0.file("lab.toml", &format!("{LANS}{timeline}"));
    let look = "ip -br addr show eth0; for i in $(seq 100); do ip link show eth0 | grep -q 'mtu 1400' && break; sleep 0.1; \
                done; ip -br addr show eth0; ping -c1 -W5 -I 10.0.1.9 10.0.2.3";
    let (code, out, err) = user.run(&["exec", "--sim", &file, "--timeline", "h1", "--", "sh", "-c", look]);
    assert_eq!(code, 0, "{out}{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(!lines[0].contains("10.0.1.9") && lines[1].contains("10.0.1.9"), "{out}{err}");
}

/// A script that makes its network by hand, NAT included, and starts real programs in it. h2 has no route to h1.
const SCRIPT: &str = r#"#!/bin/bash
set -e
for n in h1 h2 r1; do ip netns add $n; done
ip link add eth0 netns h1 type veth peer name eth1 netns r1
ip link add r1-h2 type veth peer name h2-r1
ip link set r1-h2 netns r1 name eth2
ip link set h2-r1 netns h2 name eth0
ip -n h1 addr add 10.0.1.1/24 dev eth0
ip -n r1 addr add 10.0.1.254/24 dev eth1
ip -n r1 addr add 10.0.2.254/24 dev eth2
ip -n h2 addr add 10.0.2.2/24 dev eth0
for end in h1:eth0 h1:lo r1:eth1 r1:eth2 h2:eth0 h2:lo; do ip -n ${end%:*} link set ${end#*:} up; done
ip -n h1 route add default via 10.0.1.254
ip netns exec r1 iptables -t nat -A POSTROUTING -o eth2 -j MASQUERADE
ip netns exec r1 iptables -t nat -A PREROUTING -i eth1 -p tcp --dport 8080 -j DNAT --to-destination 10.0.2.2:80
ip netns exec r1 sysctl -q -w net.ipv4.ip_forward=1
ip netns exec r1 tc qdisc add dev eth2 root netem delay 20ms
ip netns exec h1 ping -c1 -W5 10.0.2.2 | grep 'bytes from'
ip netns exec h2 python3 -m http.server 80 --directory pages 2>log.txt >/dev/null &
server=$!
for i in $(seq 100); do
  ip netns exec h1 curl -s -o got.txt -w '%{http_code} %{time_connect}
' http://10.0.2.2/page.txt && break
  sleep 0.1
done
ip netns exec h1 ping -c1 -W5 10.0.2.2 | grep 'bytes from'
ip -n h1 addr add 10.0.1.7/24 dev eth0
ip netns exec h1 curl -s -o again.txt --interface 10.0.1.7 http://10.0.1.254:8080/page.txt
kill $server
wait $server || true
grep -c '^10.0.2.254 .*page' log.txt
ip netns exec r1 conntrack -L 2>/dev/null | grep -c 'src=10.0.1.7 dst=10.0.1.254 .* src=10.0.2.2 dst=10.0.2.254'
exit 9
"#;

#[test]
fn a_script_starts_real_programs_in_the_network_that_it_made() {
    let Some(user) = User::new().filter(|_| has("curl") && has("python3") && has("ping")) else { return };
    let page: String = (0..5_000).map(|n| format!("line {n}\n")).collect();
    let pages = user.0.dir.join("pages");
    std::fs::create_dir(&pages).expect("a folder");
    std::fs::write(pages.join("page.txt"), &page).expect("a page");
    let script = user.0.file("web.sh", SCRIPT);
    let (code, out, err) = user.run(&["run", "--programs", &script]);
    assert_eq!(code, 9, "{out}{err}");
    assert!(err.contains("clock: real"), "{err}");
    // The simulator's ping before programs live there, the real one after.
    assert_eq!(out.matches("64 bytes from 10.0.2.2: icmp_seq=1 ttl=63").count(), 2, "{out}{err}");
    let connect = out.lines().find_map(|line| line.strip_prefix("200 ")).expect("a page");
    assert!(connect.parse::<f64>().is_ok_and(|s| s >= 0.020), "{connect}");
    for file in ["got.txt", "again.txt"] {
        assert_eq!(std::fs::read_to_string(user.0.dir.join(file)).expect("what curl got"), page, "{file}");
    }
    // Both times the server saw the router's address; the second time the router sent on what was for itself.
    assert!(out.ends_with("\n2\n1\n"), "{out}{err}");
}

/// The bridge is in the script's own namespace, where no real program runs: it stays simulated.
const BRIDGED: &str = r#"#!/bin/bash
set -e
ip link add br0 type bridge
ip link set br0 up
for n in 1 2; do
  ip netns add h$n
  ip link add veth$n type veth peer name eth0 netns h$n
  ip link set veth$n master br0
  ip link set veth$n up
  ip -n h$n addr add 10.0.0.$n/24 dev eth0
  ip -n h$n link set eth0 up
  ip -n h$n link set lo up
done
ip netns exec h2 python3 -c '
import socket
s = socket.create_server(("10.0.0.2", 99))
c, peer = s.accept()
c.sendall(b"you are " + peer[0].encode())
c.close()' &
for i in $(seq 100); do
  ip netns exec h1 python3 -c '
import socket
print(socket.create_connection(("10.0.0.2", 99), 5).recv(100).decode())' 2>/dev/null && break
  sleep 0.1
done
wait
bridge fdb show br br0 | grep -c 'dev veth[12] master br0 $'
ip netns exec h1 ip neigh show 10.0.0.2 | cut -d' ' -f1-4
"#;

#[test]
fn a_bridge_between_real_programs_is_simulated() {
    let Some(user) = User::new().filter(|_| has("python3")) else { return };
    let script = user.0.file("bridged.sh", BRIDGED);
    let (code, out, err) = user.run(&["run", "--programs", &script]);
    assert_eq!((code, out.as_str()), (0, "you are 10.0.0.1\n2\n10.0.0.2 dev eth0 lladdr\n"), "{err}");
}

#[test]
fn what_cannot_be_run_is_told_why() {
    let place = Place::new();
    let file = place.file("lab.toml", LANS);
    place.run(&["exec", "--sim", &file, "--clock", "virtual", "h1", "--", "true"]).exits(125).says("the wall's");
    let script = place.file("wget.sh", "wget http://10.0.0.1/\n");
    place.run(&["run", "--clock", "real", &script]).exits(125).says("--programs");
    place.run(&["run", "--programs", "--clock", "virtual", &script]).exits(125).says("the wall's");
    let refused = place.run(&["run", &script]);
    assert_ne!(refused.code, 0, "{}", refused.out);
    refused.says("wget is not supported in a simulated network").says("--programs");
    place.run(&["exec", "--with", "h1: true", "h1", "--", "true"]).exits(1).says("--sim");
    let Some(user) = User::new() else { return };
    let file = user.0.file("lab.toml", LANS);
    for (args, status, told) in [
        (&["h9", "--", "true"][..], 125, "no namespace h9"),
        (&["h1", "--", "/nowhere"], 127, "/nowhere"),
        (&["--with", "h3 true", "h1", "--", "true"], 125, "says no program"),
        (&["--with", "h3: 'true", "h1", "--", "true"], 125, "says no program"),
        (&["--with", "h3: false", "h1", "--", "sleep", "1"], 0, "h3: false ended"),
    ] {
        let (code, out, err) = user.run(&[&["exec", "--sim", &file], args].concat());
        assert_eq!(code, status, "{args:?}: {out}{err}");
        assert!(err.contains(told), "{told:?} is not in {err}");
    }
}
