//! `ip tuntap`, and what the tools show of TAP and TUN devices.

use crate::agree;

#[test]
fn tuntap() {
    agree(
        "ip-tuntap",
        &[
            (
                "made and shown",
                r"
            ip tuntap
            ip tuntap add dev tap0 mode tap
            ip tuntap add dev tun0 mode tun
            ip link set dev tap0 address 02:00:00:00:00:01
            ip -d link show dev tap0
            ip -d link show dev tun0
            ip -d -j link show dev tap0
            ip -d -j link show dev tun0
            ip tuntap
            ip -j tuntap show
            ip link set dev tap0 up
            ip link set dev tun0 up
            ip addr add 10.0.0.1/24 dev tap0
            ip addr add 10.0.1.1/24 dev tun0
            ip addr add 10.0.2.1 peer 10.0.2.2 dev tun0
            ip addr
            ip -br link
            ip -br addr
            ip -o link
            ip -j addr show dev tun0
            ip route
            ip route get 10.0.1.7
            ifconfig tap0
            ifconfig tun0
            ifconfig -a -s
            ifconfig
            ping -c1 -W1 10.0.1.2
            ip -s link show dev tun0
            ip -s -j link show dev tun0
            ip link show type tun
            ip maddr show dev tun0
            ip neigh
            ip tuntap del dev tap0 mode tap
            ip link del tun0
            ip tuntap list
            ip link
        ",
            ),
            (
                "who and what",
                r"
            ip tuntap add dev q mode tap multi_queue pi vnet_hdr user 987653 group 987654
            ip tuntap add dev r mode tun user 987654 group 987654
            ip tuntap add dev s mode tap user 5 user -1
            ip link set dev q address 02:00:00:00:00:01
            ip link set dev s address 02:00:00:00:00:02
            ip -d link
            ip -d -j link
            ip tuntap
            ip -j tuntap
            ip tuntap del dev q mode tap
            ip tuntap del dev r mode tap
            ip tuntap del dev q mode tap multi_queue
            ip tuntap del dev r mode tun
            ip tuntap del dev r mode tun
            ip tuntap del dev lo mode tun
            ip tuntap del dev nope mode tap
            ip tuntap add mode tap
            ip tuntap add mode tap
            ip tuntap add mode tun
            ip tuntap add dev w%dx mode tun
            ip tuntap add dev w%d%d mode tun
            ip tuntap add dev w%s mode tun
            ip tuntap add dev a:b mode tun
            ip tuntap lst
            ip tuntap del mode tap
            ip tuntap add y mode tap
            ip tuntap add name z mode tap
            ip tuntap a dev k m tap
            ip tap s
            ip tuntap d k m tap
            ip tuntap show foo bar
            ip -br link show type tun
        ",
            ),
            (
                "complaints",
                r"
            ip tuntap add dev tap0 mode tap
            ip tuntap add dev tap0 mode tap
            ip tuntap add dev tap0 mode tun
            ip tuntap add dev tap1
            ip tuntap add dev lo mode tap
            ip tuntap add dev veryveryverylongname mode tap
            ip tuntap add dev a/b mode tap
            ip tuntap add name a/b mode tap
            ip tuntap add dev x mode foo
            ip tuntap add dev x mode
            ip tuntap add dev
            ip tuntap add dev x mode tap bla
            ip tuntap add x y mode tap
            ip tuntap add name x mode tap user nosuch
            ip tuntap add name x mode tap group nosuch
            ip tuntap add name x mode tap mode tun
            ip tuntap add name x mode tap mode tap
            ip tuntap del
            ip tuntap del x mode tap user 5
            ip tuntap help
            ip tuntap add help
            ip tuntap foo
            ip link add foo type tun
            ip link add foo type tun mode tap
            ip link add foo type tun help
            ip link add foo type tap
            ip link set dev tap0 type tun
            ip link set dev tap0 mtu 67
            ip link set dev tap0 mtu 65522
            ip tuntap add dev tun0 mode tun
            ip link set dev tun0 mtu 65536
            ip link set dev tun0 address 02:00:00:00:00:01
            ip link add br0 type bridge
            ip link set dev tun0 master br0
            ip link add link tun0 name m0 type macvlan
        ",
            ),
            (
                "queues",
                r"
            ip tuntap add dev p mode tap
            tc qdisc show dev p
            ip link set dev p up
            tc qdisc show dev p
            tc -s qdisc show dev p
            tc qdisc del dev p root
            tc qdisc change dev p root pfifo limit 5
            tc qdisc add dev p root pfifo_fast
            ~ tc -s qdisc show dev p
            tc qdisc del dev p root
            tc qdisc replace dev p root handle 7: pfifo limit 5
            tc qdisc show dev p
            tc qdisc del dev p root
            ip link set dev p down
            tc qdisc show dev p
            ip link show dev p
            ip tuntap add dev m mode tap multi_queue
            ip link set dev m up
            ip link show dev m
            tc -s qdisc show dev m
            tc qdisc del dev m root
            tc qdisc add dev m root handle 8: pfifo limit 5
            tc qdisc show dev m
            tc qdisc del dev m root
            tc qdisc show dev m
            tc class show dev m
            ip tuntap add dev n mode tun
            ip link set dev n txqueuelen 0
            ip link set dev n up
            tc qdisc show dev n
            ip link show dev n
        ",
            ),
        ],
    );
}
