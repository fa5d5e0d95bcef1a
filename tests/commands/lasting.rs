//! `ping`, `arping`, `tcpdump`: commands that last, alone and beside each other.

use crate::agree;

/// Two hosts and a router between them: 10.0.0.1 here, `r` 10.0.0.2 and 10.0.1.1, `b` 10.0.1.2.
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
    ip -n b addr add 10.0.1.2/24 dev w1
    ip -n b link set lo up
    ip -n b link set w1 up
    ip -n b route add default via 10.0.1.1
    ip route add default via 10.0.0.2
    ping -c 1 10.0.1.2
";

fn routed(phenomenon: &str, cases: &[(&str, &str)]) {
    let texts: Vec<(&str, String)> = cases.iter().map(|(name, text)| (*name, format!("{ROUTED}{text}"))).collect();
    let cases: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    agree(phenomenon, &cases);
}

#[test]
fn pings() {
    routed(
        "ping",
        &[
            (
                "words",
                r"
            ping
            ping -c
            ping -z 10.0.0.2
            ping -h
            ping -V
            ping -c x 10.0.0.2
            ping -c 0 10.0.0.2
            ping -c 1x 10.0.0.2
            ping -c 99999999999999999999 10.0.0.2
            ping -c 1 -i 0.1x 10.0.0.2
            ping -c 1 -i '' 10.0.0.2
            ping -c 1 -i abc 10.0.0.2
            ping -c 1 -i 1e10 10.0.0.2
            ping -c 1 -W -1 10.0.0.2
            ping -c 1 -t 256 10.0.0.2
            ping -c 1 -t 0 10.0.0.2
            ping -c 1 -Q 300 10.0.0.2
            ping -c 1 -Q 0x1g 10.0.0.2
            ping -c 1 -Q 0x10 10.0.0.2
            ping -c 1 -M foo 10.0.0.2
            ping -c 1 -e 70000 10.0.0.2
            ping -c 1 -l 70000 10.0.0.2
            ping -c 1 -p xyz 10.0.0.2
            ping -c 1 -p ff 10.0.0.2
            ping -c 1 -p abcde -q 10.0.0.2
            ping -4 -6 10.0.0.2
            ping -6 -c 1 10.0.0.2
            ping6 -c 1 10.0.0.2
            ping4 -c 1 10.0.0.2
            ping -c 1 -w -1 10.0.0.2
            ping -c 1 -s -1 10.0.0.2
            ping -S 0 10.0.0.2
            ping -m x 10.0.0.2
            ping -I 1:2 10.0.0.2
            ",
            ),
            (
                "whom",
                r"
            ping -c 1 10.2
            ping -c 1 0
            ping -c 1 10.0.0.1
            ping -c 1 127.0.0.1
            ping -c 1 foo
            ping -c 1 300.1.1.1
            ping -c 1 -I nodev 10.0.0.2
            ping -c 1 -I 1.2.3.4 10.0.0.2
            ping -c 1 -I 10.0.0.1 10.0.0.2
            ping -c 1 -I v0 10.0.0.2
            ping -c 1 -I v0 -I 10.0.0.1 10.0.0.2
            ping -c 1 -W 1 -I lo 10.0.0.2
            ping -c 1 10.0.0.255
            ping -b -c 1 -W 1 10.0.0.255
            ping -b -c 1 10.0.0.2
            ip netns exec b ping -c 1 10.0.0.1
            ip route del default
            ping -c 1 10.0.1.2
            ",
            ),
            (
                "how",
                r"
            ping -c 2 -i 0.3 10.0.0.2
            ping -c 2 -l 2 10.0.0.2
            ping -c 3 -f 10.0.0.2
            ping -c 3 -f -W 1 10.0.0.77
            ping -c 3 -A 10.0.0.2
            ping -c 2 -q -i 0.2 10.0.0.2
            ping -c 2 -q -W 1 10.0.0.78
            ping -c 2 -O -W 1 10.0.0.79
            ping -c 1 -a 10.0.0.2
            ping -c 1 -n 10.0.0.2
            ping -c 1 -s 15 10.0.0.2
            ping -c 1 -s 0 10.0.0.2
            ping -c 1 -s 3000 10.0.0.2
            ping -c 1 -s 65507 10.0.0.2
            ping -c 1 -s 65508 10.0.0.2
            ping -c 2 -i 0.2 -s 65516 10.0.0.2
            ping -c 1 -q -s 65508 10.0.0.2
            ping -c 1 -s 65527 10.0.0.2
            ping -c 1 -W 1 -s 65528 10.0.0.2
            ping -c 1 -W 1 -s 70000 10.0.0.2
            ping -c 1 -m foo 10.0.0.2
            ping -c 1 -m -1 10.0.0.2
            ping -c 1 -m 4294967296 10.0.0.2
            ip route add unreachable 10.0.1.0/24 table 7
            ip rule add fwmark 7 lookup 7
            ping -c 1 -m 7 10.0.1.2
            ping -c 1 -m 7 10.0.0.2
            ping -c 1 -m 8 10.0.1.2
            ip rule del fwmark 7
            ping -c 1 -s 2000 -M do 10.0.0.2
            ping -c 1 -t 1 10.0.1.2
            ping -c 1 -t 64 10.0.1.2
            ping -c 2 -w 3 10.0.0.2
            ping -w 1 10.0.0.2
            ping -w 2 -i 0.5 10.0.0.80
            ",
            ),
            (
                "errors",
                r"
            ping -c 1 9.9.9.9
            ping -c 2 10.0.0.77
            ip -n r route add prohibit 10.0.3.0/24
            ip -n r route add unreachable 10.0.4.0/24
            ip -n r route add blackhole 10.0.5.0/24
            ping -c 1 10.0.3.1
            ping -c 1 10.0.4.1
            ping -c 1 -W 1 10.0.5.1
            ip -n r link set w0 mtu 1000
            ping -c 2 -i 0.2 -s 1200 -M do 10.0.1.2
            ping -c 1 -s 1200 10.0.1.2
            ping -c 1 -q -s 1200 -M do -W 1 10.0.1.2
            ip route add blackhole 10.0.6.0/24
            ip route add prohibit 10.0.7.0/24
            ping -c 1 10.0.6.1
            ping -c 1 10.0.7.1
            ",
            ),
            (
                "signals",
                r"
            ping 10.0.0.2 &
            sleep 1.5
            kill -QUIT %1
            kill -INT %1
            wait %1
            ping -i 0.3 10.0.0.77 &
            sleep 0.8
            kill -INT %2
            wait %2
            ping 10.0.0.2 &
            sleep 0.5
            kill %3
            wait %3
            ping 10.0.0.77 &
            sleep 0.5
            kill %4
            wait %4
            ",
            ),
        ],
    );
}

#[test]
fn arpings() {
    routed(
        "arping",
        &[(
            "asking",
            r"
            arping
            arping -z
            arping -V
            arping -c x -I v0 10.0.0.2
            arping -c 1 -I v0 10.0.0.2 10.0.0.3
            arping -c 1 10.0.0.2
            arping -c 2 -I v0 10.0.0.2
            arping -c 2 -I v0 10.0.0.77
            arping -c 1 -w 2 -I v0 10.0.0.2
            arping -w 2 -I v0 10.0.0.2
            arping -w 1 -I v0 10.0.0.77
            arping -f -w 2 -I v0 10.0.0.2
            arping -c 2 -b -I v0 10.0.0.2
            arping -c 2 -D -I v0 10.0.0.2
            arping -c 1 -D -I v0 10.0.0.77
            arping -c 1 -U -I v0 10.0.0.1
            arping -c 1 -A -I v0 10.0.0.1
            arping -c 1 -q -I v0 10.0.0.2
            arping -c 1 -I lo 127.0.0.1
            arping -c 1 -I nodev 10.0.0.2
            arping -c 1 -I v0 foo
            arping -c 1 -I v0 -s 1.2.3.4 10.0.0.2
            arping -c 1 -I v0 -s foo 10.0.0.2
            arping -c 1 -I v0 -s 10.0.0.1 10.0.0.2
            arping -c 1 -I v0 10.0.1.2
            ip route del default
            arping -c 1 9.9.9.9
            arping -I v0 10.0.0.2 &
            sleep 1.5
            kill -INT %1
            wait %1
            ip link set v0 down
            arping -c 1 -I v0 10.0.0.2
            ",
        )],
    );
}

#[test]
fn captures() {
    routed(
        "tcpdump",
        &[
            (
                "live",
                r"
            ip neigh flush all
            tcpdump -l -nn -i v0 &
            sleep 0.5
            ping -c 1 10.0.1.2
            sleep 0.5
            kill -INT %1
            wait %1
            tcpdump -l -ne -c 2 -i v0 icmp &
            sleep 0.5
            ping -c 2 -i 0.2 10.0.0.2
            wait %2
            tcpdump -l -n -i any icmp &
            sleep 0.5
            ping -c 1 10.0.0.2
            ping -c 1 127.0.0.1
            sleep 0.5
            kill %3
            wait %3
            tcpdump -l -n -i lo -v &
            sleep 0.5
            ping -c 1 127.0.0.1
            sleep 0.5
            kill %4
            wait %4
            tcpdump -n -i v0 icmp &
            sleep 0.5
            ping -c 1 10.0.0.2
            kill -INT %5
            wait %5
            tcpdump -l -n -i v0 -Q in icmp &
            sleep 0.5
            ping -c 1 10.0.0.2
            sleep 0.5
            kill %6
            wait %6
            ",
            ),
            (
                "bridge",
                r"
            ip netns add c
            ip link add br0 address 02:00:00:00:00:10 type bridge mcast_snooping 0
            ip link add p0 address 02:00:00:00:00:11 type veth peer name e0 address 02:00:00:00:00:12 netns c
            ip netns add d
            ip link add p1 address 02:00:00:00:00:13 type veth peer name e0 address 02:00:00:00:00:14 netns d
            ip link set p0 master br0
            ip link set p1 master br0
            ip link set p0 up
            ip link set p1 up
            ip link set br0 up
            ip -n c addr add 10.9.0.1/24 dev e0
            ip -n c link set e0 up
            ip -n d addr add 10.9.0.2/24 dev e0
            ip -n d link set e0 up
            ip netns exec c ping -c 1 10.9.0.2
            tcpdump -l -ne -i br0 icmp &
            tcpdump -l -ne -p -i p1 icmp &
            sleep 0.5
            ip netns exec c ping -c 1 10.9.0.2
            sleep 0.5
            kill %1
            kill %2
            wait %1
            wait %2
            ",
            ),
            (
                "words",
                r"
            tcpdump -h
            tcpdump --version
            tcpdump --foo
            tcpdump -i nodev
            tcpdump -i v0 -c x
            tcpdump -i v0 -c 0
            tcpdump -i v0 -s x
            tcpdump -i v0 -Q foo
            tcpdump -tttttt
            tcpdump -i v0 foo
            tcpdump -i v0 host
            tcpdump -i v0 port foo
            tcpdump -i any port foo
            tcpdump -r nothing
            ip link set v0 down
            tcpdump -i v0
            ",
            ),
        ],
    );
}
