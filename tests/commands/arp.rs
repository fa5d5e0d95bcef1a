//! `arp`, as scripts use it, and its complaints. The kernel lists in random order.

use crate::agree;

#[test]
fn arp_agrees() {
    agree(
        "arp",
        &[
            (
                "entries",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 address 02:00:00:00:00:01
                ip link set v1 address 02:00:00:00:00:02
                ip link set lo up
                ip link set v0 up
                ip link set v1 up
                ip addr add 10.0.0.1/24 dev v0
                ~ arp
                ~ arp -n
                ~ arp -a
                arp -s 10.0.0.2 02:00:00:00:00:22
                arp -s 10.0.0.3 02:00:00:00:00:33 temp
                arp -s 10.0.0.4 02:00:00:00:00:44 pub
                arp -i v0 -s 10.0.0.5 02:00:00:00:00:55
                arp -s 10.9.9.9 02:00:00:00:00:99
                arp -i v0 -s 10.9.9.9 02:00:00:00:00:99
                arp -s 10.0.0.6 zz
                arp -s 10.0.0.6
                arp -s
                arp -s foo 02:00:00:00:00:99
                arp -i nope -s 10.0.0.7 02:00:00:00:00:99
                ip neigh add 10.0.0.8 lladdr 02:00:00:00:00:88 dev v0
                ~ arp
                ~ arp -n
                ~ arp -an
                ~ arp -a
                ~ arp -e
                ~ arp -en
                ~ arp -v
                ~ arp -vn
                arp 10.0.0.2
                ~ arp -n 10.0.0.2
                ~ arp -a 10.0.0.2
                ~ arp -n 10.0.0.77
                ~ arp -a 10.0.0.77
                arp 10.0.0.77
                ~ arp -n -i v0
                ~ arp -n -i v1
                ~ arp -n -i nope
                ~ arp -i v0
                arp -d 10.0.0.2
                arp -d 10.0.0.2
                arp -d 10.0.0.77
                arp -i v0 -d 10.0.0.3
                arp -d 10.0.0.4
                arp -d 10.0.0.4 pub
                arp -d
                arp -d foo
                ~ arp -n
                arp -h
                arp --help
                arp -V
                arp -x
                ~ arp -H ether -n
                ~ arp -H foo -n
                ~ arp -t ether -n
                ~ arp -A inet -n
                arp -Ds 10.0.0.9 v0
                arp -s 10.0.0.11 02:00:00:00:00:aa dev v0
                arp -s 10.0.0.12 02:00:00:00:00:aa trail
                arp -s 10.0.0.12 02:00:00:00:00:aa foo
                arp -s 10.0.0.13 2:0:0:0:0:d
                arp -s 10.0.0.14 02-00-00-00-00-0e
                arp -s 10.0.0.15 0200.0000.000f
                arp -s 10.0.0.5 02:00:00:00:00:56
                ~ arp -n 10.0.0.5
                arp -s 10.0.0.1 02:00:00:00:00:56
                arp -s 10.0.0.255 02:00:00:00:00:56
                ~ arp -n
                arp -s 10.0.0.16 02:00:00:00:00:aa pub temp
                ~ arp -n 10.0.0.2 10.0.0.3
                ~ arp -a -n -v
                arp -d 10.0.0.5 -i v0
                arp -d 10.0.0.5 dev v0
            "#,
            ),
            (
                "proxies and devices",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 address 02:00:00:00:00:01
                ip link set v1 address 02:00:00:00:00:02
                ip link set lo up
                ip link set v0 up
                ip link set v1 up
                ip addr add 10.0.0.1/24 dev v0
                arp -i v0 -s 10.0.0.4 02:00:00:00:00:44 pub
                ~ arp -n
                ~ arp -an
                ~ arp -v
                ~ arp -an -v
                ~ arp -n
                ~ arp -an
                ~ arp -n
                arp -i v0 -d 10.0.0.4 pub
                ~ arp -n
                arp -s 10.0.0.4 02:00:00:00:00:01 pub
                arp -d 10.0.0.4 pub
                arp -Ds 10.0.0.7 v0 pub
                arp -Ds 10.0.0.8 v0 pub -i v0
                ~ arp -n
                arp -s 10.0.0.16 02:00:00:00:00:aa pub temp
                arp -s 10.0.0.17 02:00:00:00:00:aa temp pub
                ~ arp -n 10.0.0.2 10.0.0.3
                arp -s 10.0.0.5 02:00:00:00:00:55
                arp -d 10.0.0.5 -i v0
                arp -s 10.0.0.5 02:00:00:00:00:55
                arp -d 10.0.0.5 dev v0
                arp -s 10.0.0.5 02:00:00:00:00:55
                arp -d 10.0.0.5 foo
                arp -s default 02:00:00:00:00:55
                arp -s 10.5 02:00:00:00:00:55
                arp -s 10.0.0.300 02:00:00:00:00:55
                arp -Ds 10.0.0.18 nope
                arp -Ds 10.0.0.18
                ~ arp -D
                arp -s 10.0.0.20 02:00:00:00:00:55 dev
                arp -s 10.0.0.20 02:00:00:00:00:55 dev nope
                arp -s 10.0.0.20 ff:ff:ff:ff:ff:ff
                arp -s 10.0.0.21 02:00:00:00:00:55:66
                arp -s 10.0.0.22 020000000055
                arp -s 224.0.0.1 02:00:00:00:00:55
                arp -i lo -s 10.0.0.23 02:00:00:00:00:55
                arp -a -d 10.0.0.5
                ~ arp -i
                ~ arp -A foo
                ~ arp -p inet -n
                ~ arp -nv -i v1
            "#,
            ),
        ],
    );
}
