//! `ip link` with VXLAN devices, and `bridge fdb` of them.

use crate::agree;

#[test]
fn vxlans() {
    agree(
        "ip-link-vxlan",
        &[
            (
                "made and shown",
                r"
            ip link add d0 address 02:00:00:00:00:01 type veth peer name d1 address 02:00:00:00:00:02
            ip link set dev d0 up
            ip link set dev d1 up
            ip addr add 10.0.0.1/24 dev d0
            ip link add vx0 address 02:00:00:00:00:0a type vxlan id 42 remote 10.0.0.2 dstport 4789
            ip -d link show vx0
            ip -d -j link show vx0
            ip link set vx0 up
            ip link show vx0
            ip link add vx1 address 02:00:00:00:00:0b type vxlan id 43 group 239.1.1.1 dev d0 dstport 4789
            ip -d link show vx1
            ip -d -j link show vx1
            ip l a vx2 addr 02:00:00:00:00:0c type vxlan id 44 local 10.0.0.1 po 1 9 ttl 5 tos 10 df set nol ag 60 max 7 noudpcsum dstp 4789
            ip -d link show vx2
            ip -d -j link show vx2
            ip l a vx3 addr 02:00:00:00:00:0d type vxlan id 45 dstport 0 ttl inherit tos inherit df inherit ageing none
            ip -d link show vx3
            ip -d -j link show vx3
            ip link add vx4 address 02:00:00:00:00:0e type vxlan id 46
            ip -d link show vx4
            ip link show type vxlan
            ip -br link
            bridge fdb show dev vx0
            bridge -j fdb show dev vx1
            bridge fdb
            ip link del d0
            ip -br link
        ",
            ),
            (
                "changes",
                r"
            ip link add e address 02:00:00:00:00:01 type veth peer name p address 02:00:00:00:00:02
            ip addr add 10.0.0.1/24 dev e
            ip link set e up
            ip link set p up
            ip link add v address 02:00:00:00:00:05 type vxlan id 5 dstport 4789 remote 10.0.0.2
            ip link set v type vxlan id 6
            ip link set v type vxlan id 5
            ip link set v type vxlan dstport 4790
            ip link set v type vxlan dstport 4789
            ip link set v type vxlan dstport 0
            ip link set v type vxlan ageing 5
            ip -d link show v
            ip link set v type vxlan ageing 0
            ip -d link show v
            ip link set v type vxlan nolearning
            ip -d link show v
            ip link set v type vxlan learning maxaddress 4
            ip link set v type vxlan ttl 7 tos 0x10 df set local 10.0.0.1
            ip -d link show v
            ip link set v type vxlan ttl auto tos inherit df unset
            ip -d link show v
            ip link set v type vxlan ttl inherit
            ip link set v type vxlan remote 10.0.0.3
            bridge fdb show dev v
            ip link set v type vxlan dev e
            bridge fdb show dev v
            ip -d link show v
            ip link set v type vxlan dev nope
            ip link set v type vxlan group 239.1.1.1
            ip link set v type vxlan group 239.1.1.1 dev e
            bridge fdb show dev v
            ip -d link show v
            ip link set v type vxlan remote 10.0.0.2
            bridge fdb show dev v
            ip link set v type vxlan proxy
            ip link set v type vxlan noproxy
            ip link set v type vxlan rsc
            ip link set v type vxlan l2miss
            ip link set v type vxlan nol3miss
            ip link set v type vxlan udpcsum
            ip link set v type vxlan noudpcsum
            ip link set v type vxlan srcport 0 0
            ip link set v type vxlan srcport 100 200
            ip link set v type vxlan
            ip link set v type vxlan foo
            ip link set v up
            ip link set v type vxlan id 5 remote 10.0.0.5 local 10.0.0.1
            ip link set v type vxlan id 7 remote 10.0.0.6
            bridge fdb show dev v
            ip -d link show v
            ip link set e type vxlan ttl 4
        ",
            ),
            (
                "complaints",
                r"
            ip link add d0 type veth peer name d1
            ip link add vx0 type vxlan
            ip link add vx0 type vxlan id
            ip link add vx0 type vxlan id x
            ip link add vx0 type vxlan id 16777216
            ip link add vx0 type vxlan id 1 id 2
            ip link add vx0 type vxlan id 1 group 239.1.1.1
            ip link add vx0 type vxlan id 1 group 10.0.0.1 dev d0
            ip link add vx0 type vxlan id 1 remote 239.1.1.1
            ip link add vx0 type vxlan id 1 remote 10.0.0.1 group 239.1.1.1
            ip link add vx0 type vxlan id 1 remote x
            ip link add vx0 type vxlan id 1 local 239.1.1.1
            ip link add vx0 type vxlan id 1 dev nope
            ip link add vx0 type vxlan id 1 ttl 256
            ip link add vx0 type vxlan id 1 ttl x
            ip link add vx0 type vxlan id 1 tos 256
            ip link add vx0 type vxlan id 1 tos x
            ip link add vx0 type vxlan id 1 df x
            ip link add vx0 type vxlan id 1 ageing x
            ip link add vx0 type vxlan id 1 maxaddress x
            ip link add vx0 type vxlan id 1 srcport 1
            ip link add vx0 type vxlan id 1 srcport x 1
            ip link add vx0 type vxlan id 1 srcport 5 3
            ip link add vx0 type vxlan id 1 dstport x
            ip link add vx0 type vxlan id 1 foo
            ip link add vx0 type vxlan
            ip link add vx0 type vxlan nolearning
            ip link add vx0 type vxlan remote 10.0.0.2
            ip link add vx0 type vxlan group 239.1.1.1
            ip link add vx0 type vxlan dstport 4789 dev nosuch
            ip link add vx0 type vxlan help
            ip link help vxlan
            ip link add vx0 address 01:00:00:00:00:01 type vxlan id 1 dstport 4789
            ip link add vx0 mtu 67 type vxlan id 1 dstport 4789
            ip link add vx0 address 02:00:00:00:00:01 type vxlan id 1 dstport 4789
            ip link add vx1 type vxlan id 1 dstport 4789
            ip link set vx0 mtu 65536
            ip link add vx2 type vxlan id 2 dstport 4789 dev d0
            ip link set vx2 mtu 1451
        ",
            ),
            (
                "entries",
                r"
            ip link add d0 address 02:00:00:00:00:01 type veth peer name d1 address 02:00:00:00:00:02
            ip link add vx address 02:00:00:00:00:0a type vxlan id 42 remote 10.0.0.2 dev d0 dstport 4789
            bridge fdb append 02:00:00:00:00:99 dev vx dst 10.0.0.3
            bridge fdb append 00:00:00:00:00:00 dev vx dst 10.0.0.4 port 5000 vni 77 via d0
            bridge fdb append 00:00:00:00:00:00 dev vx dst 10.0.0.4 port 5000 vni 77 via d0
            bridge fdb add 02:00:00:00:00:99 dev vx dst 10.0.0.5
            bridge fdb replace 02:00:00:00:00:99 dev vx dst 10.0.0.5 permanent
            bridge fdb add 02:00:00:00:00:98 dev vx dst 10.0.0.5 static
            bridge fdb add 02:00:00:00:00:97 dev vx dst 10.0.0.5 dynamic self
            bridge fdb add 02:00:00:00:00:96 dev vx
            bridge fdb add 02:00:00:00:00:95 dev vx self
            bridge fdb add 01:00:5e:00:00:05 dev vx dst 10.0.0.2
            bridge fdb replace 00:00:00:00:00:00 dev vx dst 10.0.0.7
            bridge fdb show dev vx
            bridge -j fdb show dev vx
            bridge fdb show
            bridge fdb show state static
            bridge fdb show dynamic
            bridge fdb del 02:00:00:00:00:99 dev vx
            bridge fdb del 02:00:00:00:00:99 dev vx
            bridge fdb del 02:00:00:00:00:98 dev vx dst 10.0.0.9
            bridge fdb del 00:00:00:00:00:00 dev vx dst 10.0.0.2
            bridge fdb del 00:00:00:00:00:00 dev vx dst 10.0.0.2 via d0
            bridge fdb add 02:00:00:00:00:94 dev vx dst
            bridge fdb add 02:00:00:00:00:94 dev vx dst x
            bridge fdb add 02:00:00:00:00:94 dev vx dst 10.0.0.1 vni 16777216
            bridge fdb add 02:00:00:00:00:94 dev vx dst 10.0.0.1 port x
            bridge fdb add 02:00:00:00:00:94 dev vx dst 10.0.0.1 via nope
            bridge fdb add 02:00:00:00:00:94 dev vx dst 10.0.0.1 dst 10.0.0.2
            bridge fdb
        ",
            ),
            (
                "over a network",
                r"
            ip netns add a
            ip netns add b
            ip link add x address 02:00:00:00:00:01 netns a type veth peer name y address 02:00:00:00:00:02 netns b
            ip -n a addr add 10.0.0.1/24 dev x
            ip -n b addr add 10.0.0.2/24 dev y
            ip -n a link set x up
            ip -n b link set y up
            ip -n a link add vx address 02:00:00:00:00:0a type vxlan id 42 remote 10.0.0.2 dstport 4789 dev x
            ip -n b link add vx address 02:00:00:00:00:0b type vxlan id 42 remote 10.0.0.1 dstport 4789
            ip -n a addr add 192.168.0.1/24 dev vx
            ip -n b addr add 192.168.0.2/24 dev vx
            ip -n a link set vx up
            ip -n b link set vx up
            ip netns exec a ping -c2 -W1 192.168.0.2
            ip netns exec a ping -c1 -W1 -s 1422 -M do 192.168.0.2
            ip netns exec a ping -c1 -W1 -s 1423 -M do 192.168.0.2
            bridge -n a fdb
            bridge -n b fdb
            ip -n a link add br0 address 02:00:00:00:00:0c type bridge
            ip -n b link add br0 address 02:00:00:00:00:0d type bridge
            ip -n a link set vx master br0
            ip -n b link set vx master br0
            bridge -n a link
            bridge -n b link
            ip -n a link set vx nomaster
            ip -n b link set vx nomaster
            ip -n a -s link show dev vx
            ip -n b -s link show dev vx
            ip -n b -s link show dev y
            ~ ip -n a neigh
            ip -n b link set vx down
            bridge -n b fdb
        ",
            ),
        ],
    );
}
