//! `ip rule`, and what rules make of `ip route`.

use crate::agree;

/// Two interfaces with carrier.
const NET: &str = r"
    ip netns add r
    ip link add eth0 netns r type veth peer name p0
    ip link add eth1 netns r type veth peer name p1
    ip link set p0 up
    ip link set p1 up
    ip -n r link set lo up
    ip -n r link set eth0 up
    ip -n r link set eth1 up
    ip -n r addr add 10.0.0.1/24 dev eth0
    ip -n r addr add 10.0.1.1/24 dev eth1
";

fn with_net(text: &str) -> String {
    format!("{NET}{text}")
}

#[test]
fn rules() {
    let show = with_net(
        r"
        ip -n r rule add from 10.3.0.0/16 to 10.4.0.0/24 tos 0x10 fwmark 0x10/0xff iif eth0 oif eth1 table 7 prio 50
        ip -n r rule add from 10.3.0.0/16 uidrange 5-6 ipproto tcp sport 80 dport 100-200 table 7 prio 50
        ip -n r rule add from 10.3.0.0/16 table 7 suppress_prefixlength 3 suppress_ifgroup 5 protocol 77 prio 50
        ip -n r rule add goto 400 pref 51
        ip -n r rule add unreachable pref 52 table 7
        ip -n r rule add goto 32766 pref 53
        ip -n r rule add nop pref 54 table 8
        ip -n r rule add pref 56 ipproto esp table 9
        ip -n r rule add pref 57 ipproto 200 table 9
        ip -n r rule add pref 58 table 0
        ip -n r rule add pref 59 table default uidrange 7-7 sport 5-5
        ip -n r rule add pref 60 from 10.1.2.3/24
        ip -n r rule add pref 61 not
        ip -n r rule add pref 62 fwmark 0/0xff protocol static lookup 400
        ip -n r rule add pref 63 to 10.9.9.9 iif nosuch blackhole
        ip -n r rule add pref 64 table main suppress_prefixlength 0
        ip -n r rule add pref 65 table main suppress_ifgroup default
        ip -n r rule add type prohibit oif lo
        ip -n r rule add fwmark 0xffffffff dev lo lookup 4
        ip -n r rule add from all to all table 11
        ip -n r rule
        ip -n r rule show
        ip -n r ru l
        ip -n r -d rule
        ip -n r -o rule
        ip -n r -j rule
        ip -n r -j -p rule
        ip -n r -j -d rule
        ip -n r -c=always rule
        ip -n r rule show table 9
        ip -n r rule show lookup main
        ip -n r rule show pref 53
        ip -n r rule show prio 55
        ip -n r rule show from 10.3.0.0/16
        ip -n r rule show from 10.3.0.0/24
        ip -n r rule show from 10.0.0.0/8
        ip -n r rule show to 10.4.0.0/24
        ip -n r rule show 10.9.9.9
        ip -n r rule show iif eth0
        ip -n r rule show dev nosuch
        ip -n r rule show oif eth1
        ip -n r rule show fwmark 0x10/0xff
        ip -n r rule show fwmark 0x10
        ip -n r rule show uidrange 5-6
        ip -n r rule show uidrange 5-7
        ip -n r rule show tos 0x10
        ip -n r rule show dsfield AF11
        ip -n r rule show not
        ip -n r rule show ipproto tcp
        ip -n r rule show sport 80
        ip -n r rule show sport 5
        ip -n r rule show dport 100-200
        ip -n r rule show dport 100
        ip -n r rule show protocol static
        ip -n r rule show protocol all
        ip -n r rule show l3mdev
        ip -n r -4 rule
        ip -n r -6 rule
        ip -n r link set eth0 name eth9
        ip -n r rule show iif eth0
        ip -n r link set eth9 name eth0
        ip -n r rule show iif eth0
        ip link del p1
        ip -n r rule show oif eth1
    ",
    );
    let change = with_net(
        r"
        ip -n r rule add from 10.1.0.0/16 table 100
        ip -n r rule add from 10.1.0.0/16 table 100
        ip -n r rule add from 10.1.0.0/16 table 100 pref 5
        ip -n r rule add from 10.1.0.0/16 table 100 pref 5
        ip -n r rule add table 100 pref 5
        ip -n r rule add from 10.1.0.0/16 goto 9 pref 5
        ip -n r rule add from 10.1.0.0/16 goto 10 pref 5
        ip -n r rule add goto 3 pref 5
        ip -n r rule add order 7 protocol 9 unreachable
        ip -n r rule add priority 32768 table 7
        ip -n r rule
        ip -n r rule del pref 5
        ip -n r rule del pref 5 goto 4
        ip -n r rule del unreachable
        ip -n r rule del table 100
        ip -n r rule del table 100
        ip -n r rule del table 100
        ip -n r rule del from 10.1.0.0/16
        ip -n r rule del from 10.1.0.0/16
        ip -n r rule d prio 32768
        ip -n r rule
        ip -n r rule add pref 1 table 9
        ip -n r rule add table 10
        ip -n r rule add table 11 protocol static
        ip -n r rule add pref 4 table 9 protocol static
        ip -n r rule
        ip -n r rule flush protocol static
        ip -n r rule
        ip -n r rule flush table 10
        ip -n r rule flush
        ip -n r rule
        ip -n r rule del pref 0
        ip -n r rule del pref 0
        ip -n r rule
        ip -n r route get 10.0.0.1
        ip -n r rule add lookup local pref 0
        ip -n r rule add lookup main pref 32766
        ip -n r route get 10.0.0.1
        ip -n r route get 10.0.0.7
        ip -n r rule
    ",
    );
    let mistakes = with_net(
        r"
        ip -n r rule add
        ip -n r rule del
        ip -n r rule foo
        ip -n r rule help
        ip -n r rule add help
        ip -n r rule add foo
        ip -n r rule add type foo
        ip -n r rule add from
        ip -n r rule add from foo
        ip -n r rule add to 10.0.0.0/33
        ip -n r rule add table foo
        ip -n r rule add table
        ip -n r rule add pref foo
        ip -n r rule add fwmark foo
        ip -n r rule add fwmark 1/foo
        ip -n r rule add fwmark 4294967296
        ip -n r rule add uidrange 5
        ip -n r rule add uidrange foo
        ip -n r rule add uidrange 5-1
        ip -n r rule add ipproto foo
        ip -n r rule add sport 0
        ip -n r rule add sport 10-5
        ip -n r rule add sport foo
        ip -n r rule add dport foo
        ip -n r rule add dport 5-
        ip -n r rule add dport 7-3
        ip -n r rule add iif aaaaaaaaaaaaaaaaaaa
        ip -n r rule add oif aaaaaaaaaaaaaaaaaaa
        ip -n r rule add suppress_prefixlength foo
        ip -n r rule add suppress_ifgroup foo
        ip -n r rule add tos foo
        ip -n r rule add tos 0x3
        ip -n r rule add tos AF11
        ip -n r rule add goto foo
        ip -n r rule add goto
        ip -n r rule add goto 0
        ip -n r rule add protocol foo
        ip -n r rule del pref 4
        ip -n r rule del foo
        ip -n r rule del table 99
        ip -n r rule show foo
        ip -n r rule show table foo
        ip -n r rule show from foo
        ip -n r rule show pref foo
        ip -n r rule show uidrange 5
        ip -n r rule show fwmark foo
        ip -n r rule show tos foo
        ip -n r rule show protocol foo
        ip -n r rule show ipproto foo
        ip -n r rule show sport foo
        ip -n r rule show dport foo
        ip -n r rule
    ",
    );
    let tables = with_net(
        r"
        ip -n r route add 10.9.0.0/16 via 10.0.0.2 table 100
        ip -n r route add default via 10.0.1.2 table 200
        ip -n r route add throw 10.8.0.0/16 table 200
        ip -n r route add default via 10.0.0.254
        ip -n r route show table 100
        ip -n r route show table 77
        ip -n r -d route get 10.0.0.1
        ip -n r -d route get 10.9.0.1
        ip -n r route get fibmatch 10.0.0.1
        ip -n r rule add to 10.9.0.0/16 lookup 100
        ip -n r rule add fwmark 5 lookup 200
        ip -n r rule add uidrange 1000-2000 lookup 200
        ip -n r rule add ipproto tcp dport 80 lookup 200
        ip -n r route get 10.0.0.1
        ip -n r -d route get 10.0.0.1
        ip -n r -d route get 10.0.0.255
        ip -n r route get 10.9.0.1
        ip -n r -d route get 10.9.0.1
        ip -n r route get 10.5.0.1
        ip -n r route get 10.5.0.1 mark 5
        ip -n r route get 10.5.0.1 mark 0x15
        ip -n r -j route get 10.5.0.1 mark 0x15
        ip -n r route get 10.8.0.1 mark 5
        ip -n r route get 10.5.0.1 uid 1500
        ip -n r route get 10.5.0.1 ipproto tcp sport 7 dport 80
        ip -n r route get 10.5.0.1 ipproto tcp sport 7 dport 81
        ip -n r route get 10.5.0.1 ipproto icmp
        ip -n r route get 10.5.0.1 ipproto sctp
        ip -n r route get fibmatch 10.5.0.1
        ip -n r route get fibmatch 10.9.0.1
        ip -n r -d route get fibmatch 10.9.0.1
        ip -n r -j route get fibmatch 10.0.0.1
        ip -n r route get fibmatch 224.0.0.1 oif eth0
        ip -n r -d route get 224.0.0.1 oif eth0
        ip -n r route get 10.9.0.1 mark foo
        ip -n r route get 10.9.0.1 uid foo
        ip -n r route get 10.9.0.1 ipproto foo
        ip -n r route get 10.9.0.1 sport foo
        ip -n r route get 10.9.0.1 dport 70000
        ip -n r route get 10.0.0.1 from 10.0.0.9 iif eth0
        ip -n r route add 10.14.0.0/16 via 10.0.0.3 tos 0x10
        ip -n r route get 10.14.0.1 tos 0x30
        ip -n r route del 10.9.0.0/16 table 100
        ip -n r route show table 100
        ip -n r route show table all
        ip -n r route flush table 200
        ip -n r route show table 200
        ip -n r route flush table 300
    ",
    );
    agree(
        "ip-rule",
        &[
            ("rules shown", &show),
            ("rules changed", &change),
            ("rule mistakes", &mistakes),
            ("rules and tables", &tables),
        ],
    );
}
