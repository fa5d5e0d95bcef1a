//! `nettwin run` where it is not about what the commands say: how it ends, and where its host is.

use crate::harness::Place;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

const PAIR: &str = "#!/bin/sh
ip netns add a
ip link add v0 type veth peer name v1 netns a
ip addr add 10.0.0.1/24 dev v0
ip -n a addr add 10.0.0.2/24 dev v1
ip link set v0 up
ip -n a link set v1 up
";

/// A job that never comes to rest keeps nobody from ending the run.
#[test]
#[cfg(target_os = "linux")]
fn a_run_whose_job_spins_can_be_stopped() {
    let place = Place::new();
    let script = place.file("spin.sh", &format!("{PAIR}echo ready\nping -q -i 0.002 10.0.0.2 >/dev/null\n"));
    for signal in ["TERM", "INT"] {
        let mut command = place.command(&["run", "--max-time", "100000m", &script]);
        // A new group: the script's processes are not to get the signal.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        let mut ready = [0; 6];
        child.stdout.as_mut().expect("a pipe").read_exact(&mut ready).expect("the script's word");
        std::thread::sleep(Duration::from_millis(300));
        let began = Instant::now();
        let kill = std::process::Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()));
        let run = child.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(143), "{signal}: {said}");
        assert!(said.contains("stopped by a signal; these wait: ") && said.contains("ping -q -i 0.002"), "{said}");
        assert!(began.elapsed() < Duration::from_secs(30), "{signal}");
    }
    let late = place.run(&["run", "--max-time", "2s", &script]).exits(124);
    assert!(late.err.contains("more than 2 s of virtual time; these wait: "), "{}", late.err);
}

const UPLINK: &str = "
ip netns
ip route
ping -c1 8.8.8.8
ping -c1 -q example.com
ip netns exec a ip route add default via 10.0.0.1
ip netns exec a ping -c1 -W1 -q 8.8.8.8
sysctl -qw net.ipv4.ip_forward=1
ip netns exec a ping -c1 -W1 -q 8.8.8.8
iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE
ip netns exec a ping -c1 -q 8.8.8.8
ping -c1 -q 192.168.77.1
ping -c1 -q nowhere.invalid
";

/// No answer without masquerading; none from a private address.
const OUTSIDE: &str = "
a (id: 1)
default via 10.0.2.2 dev eth0
10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1
10.0.2.0/24 dev eth0 proto kernel scope link src 10.0.2.15
64 bytes from 8.8.8.8: icmp_seq=1 ttl=63 time=20.0 ms
--- 8.8.8.8 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
--- example.com ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
--- 8.8.8.8 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time 0ms
--- 8.8.8.8 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time 0ms
--- 8.8.8.8 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
--- 192.168.77.1 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms
";

#[test]
fn an_uplink_leads_outside() {
    let place = Place::new();
    let script = place.file("uplink.sh", &(PAIR.to_owned() + UPLINK));
    for how in [&["run", "--uplink"][..], &["run", "--uplink", "--builtin"]] {
        let run = place.run(&[how, &[&script]].concat()).exits(2);
        let told = |line: &&str| !line.is_empty() && !line.starts_with("rtt") && !line.starts_with("PING");
        let lines: Vec<&str> = run.out.lines().map(str::trim_end).filter(told).collect();
        assert_eq!(lines.join("\n"), OUTSIDE.trim());
        assert!(run.err.contains("nowhere.invalid"), "{}", run.err);
    }
    place.run(&["run", "--uplink", "--on", "kernel", &script]).exits(1);
}

/// Without namespaces of its own a script prints the same: paths in its text lead to the views. What that cannot catch is named.
#[test]
#[cfg(target_os = "linux")]
fn a_script_without_namespaces_prints_the_same() {
    let place = Place::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    for name in ["07-background.sh", "13-nested-shell.sh", "15-proc-sys.sh", "23-netns-files.sh", "50-proc-net.sh"] {
        let script = folder.join(name);
        let script = script.to_str().expect("a path in UTF-8");
        let (apart, plainly) = (place.run(&["run", script]), place.run(&["run", "--plain", script]));
        assert_eq!(plainly.code, apart.code, "{name}");
        assert_eq!(plainly.out, apart.out, "{name}");
    }
    let hidden = "#!/bin/sh\nip netns add a\nip netns exec a sh -c 'key=ip_forward; cat /proc/sys/net/ipv4/$key'\n\
                  n=a; ip netns exec $n cat /proc/sys/net/ipv4/ip_forward\n";
    let said = place.run(&["run", "--plain", &place.file("hidden.sh", hidden)]);
    assert!(said.err.contains("hidden.sh: line 4: which namespace's files it means"), "{}", said.err);
    assert!(!said.err.contains("line 3"), "{}", said.err);
}
