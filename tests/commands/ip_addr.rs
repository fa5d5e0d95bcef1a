//! `ip addr`.

use crate::agree;

#[test]
fn addresses() {
    agree(
        "ip-addr",
        &[
            (
                "add and show",
                r"
            ip link add v0 type veth peer name v1
            ip addr add 192.168.1.1/24 dev v0
            ip addr show v0
            ip link set v0 up
            ip link set v1 up
            ip addr add 192.168.1.2/24 dev v1
            ip a
            ip addr show dev v0
            ip address show v1
            ip a s v0
            ip -br a
            ip -br addr show v0
            ip -o addr
            ip -o -4 addr show v0
            ip -4 a
            ip -4 addr show dev v1
            ip -6 addr
            ip -6 addr show v0
            ip -0 addr
            ip addr show up
            ip addr show type veth
            ip addr show to 192.168.1.0/24
            ip addr show to 192.168.1.2
            ip addr show scope host
            ip addr show scope global
            ip addr show label v0
            ip addr show label 'v*'
            ip -j addr
            ip -j -p addr show v0
            ip -j -br addr
            ip -j -o addr show v0
            ip -j addr show up
            ip -4 -j addr show v0
            ip -s addr show v0
        ",
            ),
            (
                "kinds",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 up
            ip link set v1 up
            ip addr add 10.0.0.1/24 brd + dev v0
            ip addr add 10.0.0.2/24 dev v0
            ip addr add 10.0.1.1/24 broadcast 10.0.1.255 dev v0 label v0:1
            ip addr add 10.0.2.1 dev v0
            ip addr add 10.0.3.1 peer 10.0.3.2 dev v0
            ip addr add 10.0.4.1/24 brd - dev v0 scope link
            ip addr add local 10.0.5.1/24 dev v0 scope host
            ip addr add 10.6/16 dev v0
            ip addr add 10.7.0.1/255.255.255.0 dev v0
            ip addr add 127.0.0.2/8 dev v0
            ip addr add 10.8.0.1/31 brd + dev v0
            ip addr add 10.9.0.1/24 peer 10.9.1.1/24 dev v0
            ip addr add 10.10.0.1/24 dev v0 scope 100
            ip addr show v0
            ip -j -p addr show v0
            ip -br addr show v0
            ip -o addr show v0
            ip addr show v0 secondary
            ip addr show v0 primary
            ip addr show dynamic
            ip addr show permanent
            ip addr show dev v0 label v0:1
            ip addr show dev v0 label v0:1 up
            ip -j addr show dev v0 secondary
            ip addr del 10.0.0.1/24 dev v0
            ip addr show v0 to 10.0.0.0/24
            ip addr del 10.0.2.1 dev v0
            ip addr del 10.0.3.1 dev v0
            ip addr del 10.0.4.1 dev v0
            ip addr del 10.9.0.1 peer 10.9.1.1/24 dev v0
            ip addr show v0
            ip addr flush dev v0 label 'v0:*'
            ip addr flush dev v0 scope link
            ip -br addr show v0
            ip -s addr flush dev v0
            ip -s addr flush dev v0
            ip addr show v0
        ",
            ),
            (
                "replace and change",
                r"
            ip link add v0 type veth peer name v1
            ip addr replace 10.0.0.1/24 dev v0
            ip addr replace 10.0.0.1/24 dev v0
            ip addr change 10.0.0.2/24 dev v0
            ip addr chg 10.0.0.2/24 dev v0
            ip addr show v0
            ip addr add 10.0.0.3/24 valid_lft forever preferred_lft forever dev v0
            ip addr del 10.0.0.3/24 dev v0 label v0
            ip -br addr show v0
            ip link set v0 up
            ip addr flush v0
            ip addr show v0
            ip addr add 10.0.0.1/24 dev v0
            ip addr add 10.0.1.1/24 dev v0
            ip addr flush to 10.0.1.0/24
            ip -4 addr flush scope global
            ip addr show v0
        ",
            ),
            (
                "mistakes",
                r"
            ip link add v0 type veth peer name v1
            ip addr add 10.0.0.1/24
            ip addr add dev v0
            ip addr add 10.0.0.1/24 dev nosuch
            ip addr add 10.0.0.1/33 dev v0
            ip addr add 10.0.0 dev
            ip addr add 10.0.0.256/24 dev v0
            ip addr add foo dev v0
            ip addr add 10.0.0.1/24 v0
            ip addr add 10.0.0.1/24 dev v0 foo
            ip addr add 10.0.0.1/24 dev v0
            ip addr add 10.0.0.1/24 dev v0
            ip addr add 10.0.0.2/24 dev v0 scope link
            ip addr add 10.0.0.1/16 dev v0
            ip addr add 10.0.0.1/24 brd foo dev v0
            ip addr add 10.0.0.1/24 brd 10.0.0.255 brd + dev v0
            ip addr add 10.0.0.1/24 peer foo dev v0
            ip addr add 10.0.0.1/24 dev v0 scope foo
            ip addr add 10.0.0.9/24 dev v0 nodad
            ip addr add 10.0.0.8/24 dev v0 secondary
            ip addr add 10.0.0.7/24 dev v0 label abcdefghijklmnopqrst
            ip addr add 10.0.0.1/24 valid_lft foo dev v0
            ip addr add fd00::1/64 dev v0
            ip -6 addr add fd00::1/64 dev v0
            ip -4 addr add fd00::1/64 dev v0
            ip addr add fd00::1/64 brd + dev v0
            ip addr del fd00::1/64 dev v0
            ip addr del 10.9.9.9/24 dev v0
            ip addr del 10.9.9.9 dev v0
            ip addr del 10.0.0.1/25 dev v0
            ip addr del 10.0.0.1/24
            ip addr del 10.0.0.1/24 dev nosuch
            ip addr show nosuch
            ip addr show dev v0 dev v1
            ip addr show scope foo
            ip addr show to foo
            ip addr flush
            ip addr flush dev nosuch
            ip -0 addr flush dev v0
            ip addr foo
            ip addr help
            ip addr add help
            ip addr show help
            ip -br addr
        ",
            ),
            (
                "the first walkthrough",
                r"
            ip netns add ns1
            ip netns add ns2
            ip link add veth1 type veth peer name veth2
            ip link set veth1 netns ns1
            ip link set veth2 netns ns2
            ip netns exec ns1 ip addr add 192.168.20.1/24 dev veth1
            ip netns exec ns2 ip addr add 192.168.20.2/21 dev veth2
            ip netns exec ns1 ip link set veth1 up
            ip netns exec ns2 ip link set veth2 up
            ip netns exec ns1 ip link set lo up
            ip netns exec ns2 ip link set lo up
            ip netns exec ns1 ip route add default via 192.168.20.1
            ip netns exec ns2 ip route add default via 192.168.20.2
            ip --all netns exec ip addr
            ip --all netns exec ip route
            ip --all netns exec ip neigh
            ip netns list
        ",
            ),
            (
                "another life and a metric",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 up
            ip link set v1 up
            ip addr add 10.0.0.1/24 dev v0 metric 50
            ip addr add 10.0.1.1/24 dev v0 priority 7 noprefixroute brd +
            ip addr add 10.0.2.1/24 dev v0 preference 0
            ip addr add 10.0.3.1/24 dev v0 metric
            ip addr add 10.0.3.1/24 dev v0 metric foo
            ip addr add 10.0.3.1 peer 10.0.3.2/24 dev v0 met 4294967295
            ip -4 addr show v0
            ip -4 -o addr show v0
            ip -4 -br addr show v0
            ip -4 -j addr show v0
            ip route
            ip addr change 10.0.0.1/24 dev v0 metric 60 valid_lft 1000 preferred_lft 500
            ip addr chg 10.0.1.1/24 dev v0 valid_lft 1000 preferred_lft 0
            ip addr replace 10.0.2.1/24 dev v0 metric 3
            ip addr replace 10.0.4.1/24 dev v0 metric 4 valid_lft 20
            ip addr change 10.0.5.1/24 dev v0
            ip addr change 10.0.5.1/24 dev v0 valid_lft 10 preferred_lft 20
            ip -4 addr show v0
            ip route
            ip addr replace 10.0.0.1/24 dev v0
            ip addr show v0 dynamic
            ip addr show v0 permanent
            ip route
            ip addr del 10.0.0.1/24 dev v0 metric 5
            ip route
        ",
            ),
            (
                "lifetimes and other flags",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 up
            ip link set v1 up
            ip addr add 10.0.0.1/24 dev v0 valid_lft 1000 preferred_lft 500
            ip addr add 10.0.1.1/24 dev v0 valid_lft forever preferred_lft 0
            ip addr add 10.0.2.1/24 dev v0 preferred_lft 1000
            ip addr add 10.0.3.1/24 dev v0 valid_lft 1000
            ip addr add 10.0.3.1/24 dev v0 valid_lft 0
            ip addr add 10.0.3.1/24 dev v0 valid_lft 5 preferred_lft 10
            ip addr add 10.0.3.1/24 dev v0 valid_lft foo
            ip addr add 10.0.3.1/24 dev v0 preferred_lft foo
            ip addr add 10.0.3.1/24 dev v0 valid_lft 1000 preferred_lft 0
            ip addr add 10.0.5.1/24 dev v0 noprefixroute
            ip addr add 10.0.5.2/24 dev v0 valid_lft 1000 preferred_lft 500
            ip addr add 10.0.6.1/24 dev v0 valid_lft 4294967295
            ip -4 addr show dev v0
            ip -4 -o addr show dev v0
            ip -4 -br addr show dev v0
            ip addr show dev v0 dynamic
            ip addr show dev v0 deprecated
            ip addr show dev v0 -deprecated
            ip addr show dev v0 permanent
            ip addr show dev v0 noprefixroute
            ip route
            ip route show table local
            ip addr add 10.0.7.1/24 dev v0 valid_lft 2 preferred_lft 1
            ip route show dev v0 10.0.7.0/24
            sleep 4
            ip route show dev v0 10.0.7.0/24
            ip addr del 10.0.5.1/24 dev v0
            ip -4 addr show dev v0
        ",
            ),
        ],
    );
}
