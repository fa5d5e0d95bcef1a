//! `traceroute`: its words, its hops, and what ends it.
//!
//! With `-w 2` no probe is given up because another's answer came fast, which a machine with other work makes a matter of
//! luck. Looking names up sends questions that a router answers with refusals, of which it sends a few only: what hangs on
//! their number comes before, or waits until it may send them again.

use crate::agree;

/// As for ping, without limits on how many errors a host sends.
const ROUTED: &str = r"
    ip netns add r
    ip netns add b
    ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02 netns r
    ip -n r link add w0 address 02:00:00:00:00:03 type veth peer name w1 address 02:00:00:00:00:04 netns b
    ip addr add 10.0.0.1/24 dev v0
    ip link set v0 up
    ip -n r addr add 10.0.0.2/24 dev v1
    ip -n r addr add 10.0.1.1/24 dev w0
    ip -n r link set lo up
    ip -n r link set v1 up
    ip -n r link set w0 up
    ip netns exec r sysctl -qw net.ipv4.ip_forward=1
    ip netns exec r sysctl -qw net.ipv4.icmp_ratelimit=0
    ip netns exec b sysctl -qw net.ipv4.icmp_ratelimit=0
    sysctl -qw net.ipv4.icmp_ratelimit=0
    ip -n b addr add 10.0.1.2/24 dev w1
    ip -n b link set lo up
    ip -n b link set w1 up
    ip -n b route add default via 10.0.1.1
    ip route add default via 10.0.0.2
    ping -n -c 1 10.0.1.2
";

#[test]
fn traceroutes() {
    let cases = [
        (
            "words",
            r"
            traceroute
            traceroute --help
            traceroute -V
            traceroute -n -q 11 10.0.1.2
            traceroute -n -q 0 10.0.1.2
            traceroute -n -q x 10.0.1.2
            traceroute -n --queries=x 10.0.1.2
            traceroute -n --queries x 10.0.1.2
            traceroute -n --queries
            traceroute -n -m 256 10.0.1.2
            traceroute -n -m 0 10.0.1.2
            traceroute -n -f 31 10.0.1.2
            traceroute -n -f 0 10.0.1.2
            traceroute -n -w -1 10.0.1.2
            traceroute -n -w x 10.0.1.2
            traceroute -n -w 1,2,3,4 10.0.1.2
            traceroute -n -w 1,-2 10.0.1.2
            traceroute -n -z
            traceroute -nz
            traceroute -nz1 -Z
            traceroute -n -z1 -Z
            traceroute -n -q1x 10.0.1.2
            traceroute -n --quer=1 -Z 10.0.1.2
            traceroute -n --que -Z 10.0.1.2
            traceroute -n --s=1 -Z 10.0.1.2
            traceroute -n -q 0x2 -Z
            traceroute -n -q -1 10.0.1.2
            traceroute -n -Z 10.0.1.2
            traceroute -n --foo 10.0.1.2
            traceroute -n -p
            traceroute -n foo
            traceroute -n 10.0.1.2 x
            traceroute -n 10.0.1.2 70000
            traceroute -n 10.0.1.2 60 70
            traceroute -6 -n 10.0.1.2
            traceroute -n
            traceroute -n -s 1.2.3.4 10.0.1.2
            traceroute -n -I -s 1.2.3.4 10.0.1.2
            ",
        ),
        (
            "hops",
            r"
            sleep 0.1
            traceroute -w 2 -n 10.0.1.2
            sleep 0.1
            traceroute -w 2 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -q 1 10.0.1.2
            sleep 0.1
            traceroute -nq1 10.0.1.2
            traceroute -w 2 -nq 1 10.0.1.2
            traceroute -w 2 -nI 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -I 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -I -q 2 -m 1 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -U 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -U -p 33434 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -p 40000 10.0.1.2
            sleep 0.1
            traceroute -n -m 1 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -f 2 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n 10.0.1.2 100
            sleep 0.1
            traceroute -w 2 -n 10.0.1.2 3
            sleep 0.1
            traceroute -w 2 -n -N 1 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -s 10.0.0.1 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -t 16 10.0.1.2
            sleep 0.1
            traceroute -w 2 -4 -n 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n 127.0.0.1
            sleep 0.1
            traceroute -w 2 -n 10.0.0.1
            sleep 0.1
            traceroute -w 2 -n 10.0.0.2
            sleep 0.1
            traceroute -n -m 3 -w 0.5 10.0.0.77
            sleep 0.1
            traceroute -n -I -m 2 -q 1 -w 0.5 10.0.0.78
            sleep 0.1
            ip netns exec b traceroute -w 2 -n 10.0.0.1
            ",
        ),
        (
            "refusals",
            r"
            sleep 0.1
            sleep 6
            traceroute -w 2 -n 192.168.5.5
            sleep 0.1
            sleep 6
            traceroute -w 2 -n -I 192.168.5.5
            ip -n r route add unreachable 192.168.6.0/24
            sleep 0.1
            sleep 6
            traceroute -w 2 -n 192.168.6.1
            ip -n r route add prohibit 192.168.7.0/24
            sleep 0.1
            sleep 6
            traceroute -w 2 -n 192.168.7.1
            ip -n r route add blackhole 192.168.8.0/24
            sleep 0.1
            sleep 6
            traceroute -n -m 2 -w 0.5 192.168.8.1
            sleep 0.1
            traceroute -w 2 -n 10.0.0.255
            ip route del default
            sleep 0.1
            traceroute -w 2 -n 10.0.1.2
            sleep 0.1
            traceroute -w 2 -n -I 10.0.1.2
            ",
        ),
    ];
    let texts: Vec<(&str, String)> = cases.iter().map(|(name, text)| (*name, format!("{ROUTED}{text}"))).collect();
    let cases: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    agree("traceroute", &cases);
}
