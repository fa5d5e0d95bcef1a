//! `ifconfig` and `netstat -i`, as scripts use them, and their complaints.

use crate::agree;

#[test]
fn ifconfig_agrees() {
    agree(
        "ifconfig",
        &[
            (
                "addresses and flags",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 address 02:00:00:00:00:01
                ip link set v1 address 02:00:00:00:00:02
                ifconfig
                ifconfig -a
                ifconfig v0 10.0.0.1 netmask 255.255.255.0 up
                ifconfig v1 10.1.0.1/16
                ifconfig
                ifconfig v0
                ifconfig v1 up
                ifconfig lo up
                ifconfig lo 127.0.0.1
                ifconfig lo
                ifconfig v0 mtu 1400
                ifconfig v0 hw ether 02:00:00:00:00:aa
                ifconfig v0 down
                ifconfig v0 hw ether 02:00:00:00:00:aa
                ifconfig v0
                ifconfig v0 up
                ifconfig v0:0 10.0.0.2 netmask 255.255.255.0
                ifconfig v0:1 10.5.0.2 netmask 255.255.255.0 up
                ifconfig
                ifconfig v0:0 down
                ifconfig v0 10.0.0.9
                ifconfig v0
                ifconfig v0 0
                ifconfig v0
                ifconfig v0 0.0.0.0
                ifconfig nope
                ifconfig nope up
                ifconfig nope 10.0.0.1
                ifconfig v0 10.0.0.256
                ifconfig v0 foo
                ifconfig v0 netmask 255.255.255.0
                ifconfig v0 10.0.0.1 netmask 255.255.0.255
                ifconfig v0 10.0.0.1 netmask
                ifconfig v0 mtu 20
                ifconfig v0 mtu 70000
                ifconfig v0 mtu abc
                ifconfig v0 hw ether zz
                ifconfig v0 hw foo 1
                ifconfig v0 hw ether 01:00:00:00:00:01
                ifconfig v0 broadcast 10.0.0.77
                ifconfig v0 10.0.0.1 broadcast 10.0.0.255 netmask 255.255.255.0
                ifconfig v0
                ifconfig v0
                ifconfig -s
                ifconfig -s v0
                ifconfig -a -s
                netstat -i
                netstat -ia
                netstat -ie
                netstat -in
                netstat -i v0
                ip link set v1 down
                ifconfig
                netstat -i
                ifconfig -v nope
                ifconfig --help
                ifconfig -V
                ifconfig --foo
                ifconfig v0 inet 10.0.0.3
                ifconfig v0 metric 3
                ifconfig v0 10.0.0.1 prefixlen 24
                ifconfig v0 10.0.0.1/33
                ifconfig v0 10.0.0.1/24 down
                ifconfig v0 up up
                ifconfig v0 name w0
            "#,
            ),
            (
                "masks, labels and hardware",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 address 02:00:00:00:00:01
                ip link set v1 address 02:00:00:00:00:02
                ifconfig v0 192.168.1.1
                ifconfig v1 172.16.5.5 up
                ifconfig v0
                ifconfig v1
                ifconfig v0 netmask 255.255.0.0
                ifconfig v0
                ifconfig v0 192.168.1.2 netmask 255.255.255.252 broadcast 192.168.1.99
                ifconfig v0
                ip addr add 10.3.0.1/24 dev v0
                ip addr add 10.4.0.1/24 dev v1
                ip addr add 10.4.0.2/24 dev v1
                ifconfig v1
                ip addr show dev v0
                ip addr show dev v1
                ifconfig v0:1 10.0.0.1/8
                ifconfig v0:1
                ip addr show dev v0
                ifconfig v0:1 10.0.0.2 netmask 255.255.255.0
                ip addr show dev v0
                ifconfig v0:9 down
                ifconfig v0 224.0.0.1
                ifconfig v0 1.2.3.4/abc
                ifconfig v0 10.0.0.1/24 netmask 255.255.255.0
                ifconfig v0 mtu 1400 up
                ifconfig v0 down mtu 1500
                ip link show v0
                ifconfig v0 up
                ifconfig v1 down
                ifconfig v0
                ifconfig -a
                ifconfig v0 hw ether
                ifconfig v0 hw
                ifconfig v0 10.0.0.1 broadcast
                ifconfig v0 broadcast
                ifconfig v0 down
                ifconfig v0 0
                ip -br link show v0
                ifconfig v0:3 10.3.3.3
                ifconfig v0:3 up
                ifconfig v0:3 0
                ifconfig v0:3 0
                ifconfig v0:3 up
                ifconfig nope:1 down
                ifconfig nope mtu 3 up
                ifconfig nope up mtu 3
                ifconfig nope hw ether 02:00:00:00:00:01
                ifconfig nope name v9
                ifconfig nope broadcast 10.0.0.1
                ifconfig -s nope
                ifconfig v0 name e7
                ifconfig v0 name e7
                ifconfig e7
                ifconfig e7 name bad/name
                netstat -i
            "#,
            ),
            (
                "flags and queues",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 address 02:00:00:00:00:01
                ifconfig v0 0.0.0.0 promisc up
                ifconfig v0
                ip link show v0
                ifconfig v0 -promisc allmulti
                ifconfig v0
                ifconfig v0 -allmulti -multicast
                ifconfig v0
                ifconfig v0 multicast
                ifconfig v0 arp
                ifconfig v0 promisc allmulti
                ifconfig v0
                ifconfig -s v0
                ifconfig v0 txqueuelen
                ifconfig v0
                ifconfig nope promisc
            "#,
            ),
        ],
    );
}
