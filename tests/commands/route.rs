//! `route` and `netstat -r`, as scripts use them, and their complaints.

use crate::agree;

#[test]
fn route_agrees() {
    agree(
        "route",
        &[
            (
                "adding and removing",
                r#"
                ip link add v0 type veth peer name v1
                ip link add v2 type veth peer name v3
                ip link set v0 address 02:00:00:00:00:01
                ip link set v1 address 02:00:00:00:00:02
                ip link set lo up
                ip link set v0 up
                ip link set v1 up
                ip addr add 10.0.0.1/24 dev v0
                ip addr add 10.1.0.1/16 dev v2
                ip link set v2 up
                ip link set v3 up
                route -n
                route add default gw 10.0.0.254
                route -n
                route add default gw 10.0.0.254
                route add default gw 10.0.0.253
                route -n
                route add default gw 10.9.9.9
                route add -net 192.168.1.0 netmask 255.255.255.0 gw 10.0.0.2
                route add -net 192.168.2.0/24 gw 10.0.0.2
                route add -net 192.168.3.0 netmask 255.255.255.0 dev v0
                route add -net 192.168.3.5 netmask 255.255.255.0 dev v0
                route add -net 192.168.4.0 netmask 255.255.255.0 v2
                route add -host 192.168.5.5 gw 10.0.0.2
                route add -host 192.168.5.6 dev v0
                route add 192.168.5.7 gw 10.0.0.3
                route add 192.168.6.0 gw 10.0.0.3
                route add -net 10.0.0.0 netmask 255.0.0.0 reject
                route add -net 172.16.0.0/12 gw 10.0.0.2 metric 5
                route add -net 172.16.0.0/12 gw 10.0.0.3 metric 7 dev v0
                route add -net 172.16.0.0/12 gw 10.1.0.3 dev v0
                route add -host 1.2.3.4 reject
                route add -net 8.8.8.0/24
                route add -net 8.8.8.0/24 gw
                route add -net 8.8.8.0/24 gw foo
                route add -net foo/24 gw 10.0.0.2
                route add -net 8.8.8.0/33 gw 10.0.0.2
                route add
                route add default
                route add default dev v0
                route add default v2
                route add -net default gw 10.0.0.9
                route add -net 0.0.0.0 gw 10.0.0.9
                route add -net 0.0.0.0/0 gw 10.0.0.8
                route add -net 0.0.0.0 netmask 0.0.0.0 gw 10.0.0.7
                route add -net 9.9.8.0 netmask 255.255.255.0 mtu 1400 gw 10.0.0.2
                route add -net 7.0.0.0/8 gw 10.0.0.2 metric -1
                route add -net 7.0.0.0/8 gw 10.0.0.2 metric abc
                route -n
                route -en
                route -een
                netstat -rn
                netstat -nr
                netstat -rne
                route -nF
                route -nC
                route -v -n
                route del default
                route -n
                route del default gw 10.0.0.253
                route del default gw 10.0.0.77
                route del -net 192.168.1.0 netmask 255.255.255.0
                route del -net 192.168.2.0/24 gw 10.0.0.9
                route del -net 192.168.2.0/24 gw 10.0.0.2
                route del -net 192.168.3.0/24 dev v2
                route del -net 192.168.3.0/24 dev v0
                route del -net 192.168.4.0
                route del -host 192.168.5.5
                route del 192.168.5.7
                route del -net 99.0.0.0/8
                route del 1.2.3.4 reject
                route del -net 10.0.0.0 netmask 255.0.0.0 reject
                route del
                route flush
                route foo
                route -h
                route --help
                route -V
                route --version
                route -x
                route --foo
                route -A inet -n
                route -A foo -n
                route -4 -n
                route --inet -n
                route -n 10.0.0.0
                route -n
                route -A
            "#,
            ),
            (
                "hosts, nets and masks",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 up
                ip link set v1 up
                ip addr add 10.0.0.1/24 dev v0
                route add 10.2.0.0/16 gw 10.0.0.2
                route add 10.3.0.0 netmask 255.255.0.0 gw 10.0.0.2
                route add 10.3.0.0 netmask 255.255.0.0 dev v0
                route add -net 10.4.0.0 gw 10.0.0.2
                route add -net 10.4.0.0 netmask 255.255.0.0
                route add -net 10.4.0.0 netmask foo gw 10.0.0.2
                route add -net 10.4.0.0 netmask 255.0.255.0 gw 10.0.0.2
                route add -net 10.4.0.0/16 netmask 255.255.0.0 gw 10.0.0.2
                route add -net 10.5/16 gw 10.0.0.2
                route add -net 10.6.0.0/16 gw 10.0.0.2 foo
                route add -net 10.6.0.0/16 gw 10.0.0.2 gw 10.0.0.3
                route add -net 10.6.0.0/16 gw 10.0.0.0/24
                route add -net 10.6.0.0/16 gateway 10.0.0.2
                route add -net 10.7.0.0/16 gw 10.0.0.1
                route add -net 10.8.0.0/16 v0 v1
                route add -net 10.8.0.0/16 dev
                route add -host
                route add -net
                route add -host default gw 10.0.0.2
                route add -host 10.9.0.0/16 gw 10.0.0.2
                route add -host 1.1.1.1/32 gw 10.0.0.2
                route add -host 1.1.1.2 netmask 255.255.255.255 gw 10.0.0.2
                route add -host 1.1.1.3 netmask 255.255.255.0 gw 10.0.0.2
                route add default gw 10.0.0.2 netmask 0.0.0.0
                route add default gw 10.0.0.3 metric 100
                route add default gw 10.0.0.4 metric 100 dev v0
                route add default 10.0.0.5
                route add default via 10.0.0.5
                route add 0.0.0.0 gw 10.0.0.6
                route add 0/0 gw 10.0.0.7
                route add -net 127.0.0.0 netmask 255.0.0.0 dev lo
                route add -net 169.254.0.0 netmask 255.255.0.0 dev v0
                route add -net 224.0.0.0 netmask 240.0.0.0 dev v0
                route add -host 255.255.255.255 dev v0
                route add 256.1.1.1 gw 10.0.0.2
                route add -net 10.10.0.0/16 gw 10.0.0.2 mss 0
                route add -net 10.10.0.0/16 gw 10.0.0.2 mss 70000
                route add -net 10.11.0.0/16 gw 10.0.0.2 mss abc
                route add -net 10.12.0.0/16 gw 10.0.0.2 metric 0
                route add -net 10.13.0.0/16 gw 10.0.0.2 metric
                route add -net 10.14.0.0/16 gw 10.0.0.2 dyn
                route add -net 10.15.0.0/16 gw 10.0.0.2 mod
                route add -net 10.16.0.0/16 gw 10.0.0.2 reinstate
                route add -net 10.17.0.0/16 dev v0 metric 1024
                route add -net 10.18.0.0/16 metric 3 reject
                route add -net 10.19.0.0/16 reject dev lo
                route -n
                ip route add blackhole 50.0.0.0/8
                ip route add prohibit 51.0.0.0/8
                ip route add unreachable 52.0.0.0/8 metric 9
                ip route add 53.0.0.0/8 via 10.0.0.2 proto static metric 20
                ip route add 54.0.0.0/8 nexthop via 10.0.0.2 nexthop via 10.0.0.3
                ip route add 55.0.0.0/8 via 10.0.0.2 src 10.0.0.1 mtu 1300
                ip route add 56.0.0.0/8 via 10.0.0.2 advmss 1000
                ip route add throw 57.0.0.0/8
                ip route add 58.0.0.0/8 dev v0 table 100
                ip link set v1 down
                route -n
                route -een
                route del default metric 100
                route del default dev v0
                route del default gw 10.0.0.4 metric 100
                route del -net 10.2.0.0/16
                route del 10.3.0.0 netmask 255.255.0.0
                route del -net 169.254.0.0 netmask 255.255.0.0 metric 4
                route del -net 50.0.0.0/8
                route del -net 54.0.0.0/8
                route del -net 54.0.0.0/8 gw 10.0.0.2
                route del -net 10.0.0.0/24
                route delete -net 10.12.0.0/16
                route del -net 10.17.0.0/16 dev v0
                route del -net 10.17.0.0/16 dev nope
                route del -host 1.1.1.1 gw 10.0.0.2 dev v0
                route del -host 1.1.1.2
                route del 1.1.1.1/32
                route del -net default
                route del default gw 10.0.0.6
                route DEL default
                route add -v -net 10.30.0.0/16 dev v0
                route -v add -net 10.31.0.0/16 dev v0
                route -n add -net 10.32.0.0/16 dev v0
                route -F add -net 10.33.0.0/16 dev v0
                route -C add -net 10.33.0.0/16 dev v0
                route -net 10.0.0.0/8
                route -A inet add -net 10.34.0.0/16 dev v0
                route inet add default gw 10.0.0.9
                route inet -n
                route -n -e
                route -e -e -n
                route -c
            "#,
            ),
        ],
    );
}
