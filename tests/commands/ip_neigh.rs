//! `ip neigh`.

use crate::agree;

#[test]
fn neighbours() {
    agree(
        "ip-neigh",
        &[
            (
                "what needs no answer",
                r"
            ip link add v0 type veth peer name v1
            sysctl -qw net.ipv6.conf.v0.disable_ipv6=1
            sysctl -qw net.ipv6.conf.v1.disable_ipv6=1
            ip link set v0 up
            ip link set v1 up
            ip addr add 10.0.0.1/24 dev v0
            ip neigh add 10.0.0.5 lladdr 02:00:00:00:00:05 dev v0 nud noarp
            ip neigh add 10.0.0.6 dev v0 nud none
            ip neigh
            ~ ip neigh show nud all
            ~ ip neigh show nud noarp
            ip neigh show nud none
            ip neigh get 10.0.0.5 dev v0
            ip neigh get 10.0.0.6 dev v0
            ip neigh flush all
            ~ ip neigh show nud all
            ip link set v0 arp off
            ip neigh show nud all
            ip link set v0 address 02:00:00:00:00:77
            ping -c 1 -W 1 10.0.0.9
            ip neigh
            ip neigh show nud noarp
            ip neigh del 10.0.0.9 dev v0
            ip neigh show nud all
                ",
            ),
            (
                "when they were used",
                r"
            ip netns add peer
            ip link add v0 type veth peer name v1 netns peer
            sysctl -qw net.ipv6.conf.v0.disable_ipv6=1
            ip -n peer link set v1 up
            ip -n peer addr add 10.0.0.2/24 dev v1
            ip link set v0 up
            ip addr add 10.0.0.1/24 dev v0
            ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0
            ip neigh add proxy 10.0.0.8 dev v0
            ping -c 1 10.0.0.2
            ~ ip -s neigh
            ~ ip -s neigh show nud permanent
            ip -s -s neigh show 10.0.0.9
            ip -s -br neigh show 10.0.0.9
            ip -s neigh show proxy
            ip -s neigh get 10.0.0.9 dev v0
            ip -s -s neigh flush 10.0.0.9
            ip -s -s neigh flush nud permanent 10.0.0.9
            ip -s -s neigh flush nud permanent dev v0
            ip -s -s addr flush dev v0
            ip netns del peer
                ",
            ),
            (
                "what is said besides",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 up
            ip link set v1 up
            ip addr add 10.0.0.1/24 dev v0
            ip neigh add 10.0.0.5 lladdr 02:00:00:00:00:05 dev v0 router
            ip neigh add 10.0.0.6 lladdr 02:00:00:00:00:06 dev v0 extern_learn
            ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev v0 protocol static
            ip neigh add 10.0.0.8 dev v0 managed
            ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:07 dev v0 nud reachable use
            ip neigh add 10.0.0.10 dev v0 use
            ip neigh add 10.0.0.16 dev v0 nud 0x80 lladdr 02:00:00:00:00:07
            ip neigh add 10.0.0.18 lladdr 02:00:00:00:00:05 dev v0 router extern managed proto 7
            ip neigh add proxy 10.0.0.20 dev v0 router
            ip neigh add proxy 10.0.0.21 dev v0 protocol zebra
            ip neigh add proxy 10.0.0.22 dev v0 managed
            ip neigh add 10.0.0.17 dev v0 nud bogus lladdr 02:00:00:00:00:07
            ip neigh add 10.0.0.17 dev v0 protocol bogus lladdr 02:00:00:00:00:07
            ~ ip neigh show
            ~ ip neigh show proxy
            ip -j -p neigh show 10.0.0.18
            ip -j neigh show to 10.0.0.7
            ip neigh get 10.0.0.5 dev v0
            ip neigh get 10.0.0.18 dev v0
            ip neigh get proxy 10.0.0.21 dev v0
            ip neigh get 10.0.0.99 dev v0
            ip neigh show protocol static
            ip neigh show protocol zebra
            ip neigh show dev v0 router
            ip neigh change 10.0.0.5 lladdr 02:00:00:00:00:15 dev v0
            ip neigh get 10.0.0.5 dev v0
            ip neigh replace 10.0.0.7 lladdr 02:00:00:00:00:17 dev v0 nud stale
            ip neigh get 10.0.0.7 dev v0
            ip neigh replace 10.0.0.6 lladdr 02:00:00:00:00:17 dev v0 nud stale
            ip neigh get 10.0.0.6 dev v0
            ip neigh del 10.0.0.18 dev v0
            ip neigh replace 10.0.0.7 dev v0 use
            ip neigh get 10.0.0.7 dev v0
            ip neigh add 10.0.0.30 dev v0 managed nud permanent lladdr 02:00:00:00:00:17
            ip link set v0 arp off
            ip neigh show
            ~ ip neigh show proxy
                ",
            ),
            (
                "entries",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 up
            ip link set v1 up
            ip addr add 10.0.0.1/24 dev v0
            ip neigh
            ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0
            ip neigh add 10.0.0.3 lladdr 02:00:00:00:00:03 dev v0 nud permanent
            ip neigh add 10.0.0.4 lladdr 02:00:00:00:00:04 dev v0 nud stale
            ip neigh add 10.0.0.5 lladdr 02:00:00:00:00:05 dev v0 nud noarp
            ip neigh add 10.0.0.6 lladdr 02:00:00:00:00:06 nud reachable dev v1
            ip neigh add proxy 10.0.0.77 dev v0
            ~ ip neigh
            ~ ip n
            ~ ip neigh show dev v0
            ip neigh show dev v1
            ip neigh show 10.0.0.2
            ~ ip neigh show to 10.0.0.0/30
            ip neigh show nud stale
            ~ ip neigh show nud permanent
            ip neigh show proxy
            ip -j neigh show dev v1
            ip -j -p neigh show dev v1
            ip -j neigh show proxy
            ~ ip -br neigh
            ip -br neigh show dev v1
            ip -o neigh show dev v1
            ip -c=always neigh show dev v1
            ip -4 neigh show dev v1
            ip -6 neigh
            ip neigh get 10.0.0.2 dev v0
            ip neigh get 10.0.0.9 dev v0
            ip neigh get proxy 10.0.0.77 dev v0
            ip neigh get proxy 10.0.0.78 dev v0
            ip neigh change 10.0.0.2 lladdr 02:00:00:00:00:22 dev v0
            ip neigh replace 10.0.0.3 lladdr 02:00:00:00:00:33 dev v0
            ip neigh replace 10.0.0.8 lladdr 02:00:00:00:00:88 dev v0
            ip neigh show 10.0.0.2
            ip neigh show 10.0.0.3
            ip neigh show 10.0.0.8
            ip neigh del 10.0.0.2 dev v0
            ip neigh del 10.0.0.3 lladdr 02:00:00:00:00:33 dev v0
            ip neigh del proxy 10.0.0.77 dev v0
            ip neigh show proxy
            ~ ip neigh
            ip neigh flush dev v0
            ~ ip neigh
            ip -s neigh flush all
            ip neigh flush nud permanent
            ip neigh
            ip -s neigh flush all
        ",
            ),
            (
                "mistakes",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 up
            ip neigh add 10.0.0.2
            ip neigh add 10.0.0.2 dev v0
            ip neigh add lladdr 02:00:00:00:00:02 dev v0
            ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev nosuch
            ip neigh add 10.0.0.2 lladdr zz dev v0
            ip neigh add 10.0.0.2 lladdr 02:00 dev v0
            ip neigh add foo lladdr 02:00:00:00:00:02 dev v0
            ip neigh add 10.0.0.2/24 lladdr 02:00:00:00:00:02 dev v0
            ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0 nud foo
            ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 lladdr 02:00:00:00:00:03 dev v0
            ip neigh add 10.0.0.2 10.0.0.3 dev v0
            ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0
            ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:02 dev v0
            ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:02 dev v0
            ip neigh change 10.0.0.9 lladdr 02:00:00:00:00:02 dev v0
            ip neigh del 10.0.0.9 dev v0
            ip neigh del 10.0.0.9
            ip neigh del proxy 10.0.0.9 dev v0
            ip neigh get 10.0.0.9
            ip neigh show dev nosuch
            ip neigh show foo
            ip neigh show nud foo
            ip neigh flush
            ip neigh flush dev nosuch
            ip neigh foo
            ip neigh help
            ip neigh show help
            ip neigh add fd00::2 lladdr 02:00:00:00:00:02 dev v0
            ip -6 neigh del fd00::2 dev v0
            ip neigh add 224.0.0.1 lladdr 02:00:00:00:00:02 dev v0
            ~ ip neigh
        ",
            ),
        ],
    );
}
