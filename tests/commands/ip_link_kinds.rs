//! `ip link` with kinds of devices that not every kernel has.

use crate::agree_on_kind;

#[test]
fn dummies() {
    agree_on_kind(
        "dummy",
        "ip-link-dummy",
        &[(
            "dummy",
            r"
            ip link add d0 address 02:00:00:00:00:01 type dummy
            ip -d link show d0
            ip link set d0 up
            ip addr add 10.0.0.1/24 dev d0
            ip -d -j link show d0
            ip addr show d0
            ip link add type dummy
            ip link add dev d9 mtu 65536 type dummy foo
            ip link add d0 address 02:00:00:00:00:01 type dummy
            ip link add d8 mtu -5 type dummy
            ip link
            ip link show type dummy
            ip link help dummy
            ip link set d0 multicast on
            ip link show d0
            ip link set d0 type dummy
            ip route get 10.0.0.7
            ping -c1 -W1 10.0.0.7
            ip -s link show d0
            ifconfig d0
            ip link add br0 type bridge
            ip link set d0 master br0
            ip -d link show d0
            ip link del d0
            ip -br link
        ",
        )],
    );
}

#[test]
fn vlans() {
    agree_on_kind(
        "vlan",
        "ip-link-vlan",
        &[
            (
                "states and text",
                r"
            ping -c1 -W1 127.0.0.1
            ip netns add a
            ip netns add b
            ip -n a link add e type veth peer name p netns b
            ip -n a link add link e name e.10 type vlan id 10
            ip -n a -d link show e.10
            ip -n a -d -j link show e.10
            ip -n a link set e.10 up
            ip -n a link set e up
            ip -n a link
            ip -n b link set p up
            ip -n a link
            ip -n a link show e.10
            ip -n a -br link
            ip -n a link set e down
            ip -n a link
            ip -n a link set e up
            ip -n a link set e.10 down
            ip -n a link
            ip -n a link show type vlan
            ip -n a link add link e.10 name e.10.3 type vlan id 3 loose_binding on proto 802.1ad
            ip -n a -d link show e.10.3
            ip -n a link add link e type vlan id 77
            ip -n a -d link show vlan0
            ip -n a link add link e name up.5 up netns b type vlan id 5
            ip -n b -d link show up.5
            ip -n a link set e.10 netns b
            ip -n a link
            ip -n b link
            ip -n a link del e
            ip -n a link
            ip -n b link
        ",
            ),
            (
                "complaints",
                r"
            ip link add e type veth peer name p
            ip link add link e name e.10 type vlan id 10
            ip link add link e name v3 type vlan id 10
            ip link add link e name v3 type vlan id 4095
            ip link add link e name v3 type vlan id 4096
            ip link add link e name v3 type vlan
            ip link add link e name v3 type vlan proto 802.1q
            ip link add name v3 type vlan id 4
            ip link add link lo name v3 type vlan id 4
            ip link add link nope name v3 type vlan id 4
            ip link add link e name e.10 type vlan id 4
            ip link add link e name v4 address 01:00:00:00:00:01 type vlan id 4
            ip link add link e name v4 type vlan id x
            ip link add link e name v4 type vlan proto foo id 4
            ip link add link e name v4 type vlan id 4 foo
            ip link add link e name v4 type vlan id 4 loose_binding maybe
            ip link add link e name v4 type vlan help
            ip link help vlan
            ip link set e.10 mtu 1501
            ip link set e.10 mtu 100000
            ip link add link e name v4 mtu 1501 type vlan id 4
            ip link add link e name v4 mtu 0 type vlan id 4
            ip link show v4
            ip -br link
        ",
            ),
            (
                "priorities and what is seen of tags",
                r"
            ip link add x address 02:00:00:00:00:01 type veth peer name y address 02:00:00:00:00:02
            ip netns add b
            ip link set y netns b
            ip link set x up
            ip -n b link set y up
            ip link add link x name x.10 type vlan id 10 ingress-qos-map 1:2 3:4 9:5 egress-qos-map 0:1 6:5 16:3 22:7 2:0 reorder_hdr off
            ip -d link show x.10
            ip -d -j link show x.10
            ip link set x.10 type vlan egress-qos-map 6:6 4:2
            ip link set x.10 type vlan ingress-qos-map 1:0 2:9
            ip -d link show x.10
            ip link set x.10 type vlan reorder_hdr on
            ip link set x.10 type vlan
            ip -o -d link show x.10
            ip link set x.10 type vlan id 11
            ip link set x.10 type vlan loose_binding on egress-qos-map 6:0 0:0 16:0 22:0 4:0
            ip -d link show x.10
            ip link set x.10 type vlan egress-qos-map 0:3 16:2
            ip -d link show x.10
            ip link set y type vlan reorder_hdr off
            ip link set x type vlan reorder_hdr off
            ip link add link x name x.11 type vlan id 11 ingress-qos-map
            ip link add link x name x.12 type vlan id 12 ingress-qos-map 1:a
            ip link add link x name x.12 type vlan id 12 ingress-qos-map a:1
            ip link add link x name x.12 type vlan id 12 egress-qos-map 0:8
            ip link add link x name x.13 type vlan id 13 egress-qos-map 0:9 1:1 id 14
            ip -d link show x.12
            ip -d link show x.13
            ip -n b link add link y name y.10 type vlan id 10
            ip link set x.10 up
            ip -n b link set y.10 up
            sleep 1.5
            ip addr add 10.0.0.1/24 dev x.10
            ip -n b addr add 10.0.0.2/24 dev y.10
            ip link set x.10 type vlan reorder_hdr off
            ping -c1 -W1 10.0.0.2
            sleep 1
            ip -s link show x.10
            ip -n b -s link show y.10
            ip -n b -s link show y
        ",
            ),
            (
                "a router on a stick",
                r"
            ip netns add h1
            ip netns add h2
            ip netns add r
            ip link add br0 type bridge
            ip link set br0 up
            ip link add h1-eth0 type veth peer name eth0 netns h1
            ip link add h2-eth0 type veth peer name eth0 netns h2
            ip link add r-eth0 type veth peer name eth0 netns r
            ip link set h1-eth0 master br0 up
            ip link set h2-eth0 master br0 up
            ip link set r-eth0 master br0 up
            ip -n h1 link set eth0 up
            ip -n h2 link set eth0 up
            ip -n r link set eth0 up
            ip -n h1 link add link eth0 name eth0.10 type vlan id 10
            ip -n h2 link add link eth0 name eth0.20 type vlan id 20
            ip -n r link add link eth0 name eth0.10 type vlan id 10
            ip -n r link add link eth0 name eth0.20 type vlan id 20
            ip -n h1 link set eth0.10 up
            ip -n h2 link set eth0.20 up
            ip -n r link set eth0.10 up
            ip -n r link set eth0.20 up
            ip -n h1 addr add 10.0.10.1/24 dev eth0.10
            ip -n h2 addr add 10.0.20.1/24 dev eth0.20
            ip -n r addr add 10.0.10.254/24 dev eth0.10
            ip -n r addr add 10.0.20.254/24 dev eth0.20
            ip -n h1 route add default via 10.0.10.254
            ip -n h2 route add default via 10.0.20.254
            ip netns exec r sysctl -w net.ipv4.ip_forward=1
            ip netns exec h1 ping -c 1 -W 1 10.0.20.1
            ~ ip -n r neigh
            ip -n r -s link show eth0.10
            ip -n r route
            ip -n h1 link set eth0 down
            ip -n h1 addr
        ",
            ),
        ],
    );
}

#[test]
fn macvlans() {
    agree_on_kind(
        "macvlan",
        "ip-link-macvlan",
        &[
            (
                "macvlan",
                r"
            ip link add e type veth peer name p
            ip link add link e name m0 address 02:00:00:00:00:11 type macvlan
            ip -d link show m0
            ip -d -j link show m0
            ip link set m0 up
            ip link show m0
            ip link set p up
            ip link set e up
            ip link
            ip -d link show e
            ip link set m0 type macvlan mode private
            ip -d link show m0
            ip link set m0 type macvlan mode passthru
            ip link set m0 type macvlan
            ip link add link e type macvlan mode bridge
            ip link add link e name pt type macvlan mode passthru
            ip link add link e name m3 type macvlan mode foo
            ip link add link e name m3 type macvlan foo
            ip link add link e name m3 type macvlan mode
            ip link add link lo name m3 type macvlan
            ip link add name m3 type macvlan
            ip link add link nope name m3 type macvlan
            ip link add link e name m3 address 01:00:00:00:00:01 type macvlan
            ip link add link e name m3 address 02:00:00:00:00:11 type macvlan
            ip link set m3 up
            ip link add br0 type bridge
            ip link set e master br0
            ip link help macvlan
            ip link add link e name m4 type macvlan help
            ip link show type macvlan
            ip netns add a
            ip link set m0 netns a
            ip -n a link show m0
            ip link del e
            ip -n a link
            ip link
        ",
            ),
            (
                "sources",
                r"
            ip link add e address 02:00:00:00:00:01 type veth peer name p address 02:00:00:00:00:02
            ip netns add b
            ip link set p netns b
            ip link set e up
            ip -n b link set p up
            ip link add link e name s0 address 02:00:00:00:00:0a type macvlan mode source
            ip -d link show s0
            ip -d -j link show s0
            ip link set s0 type macvlan macaddr add 02:00:00:00:00:02
            ip link set s0 type macvlan macaddr add 02:00:00:00:00:03
            ip -d link show s0
            ip -d -j link show s0
            ip link set s0 type macvlan macaddr add 02:00:00:00:00:02
            ip link set s0 type macvlan macaddr del 02:00:00:00:00:09
            ip link set s0 type macvlan macaddr del 02:00:00:00:00:03
            ip -d link show s0
            ip link set s0 type macvlan macaddr set 02:00:00:00:00:05 02:00:00:00:00:06 02:11:00:33:00:07 aa:00:04:00:55:07
            ip -d link show s0
            ip link set s0 type macvlan macaddr flush
            ip -d link show s0
            ip link add link e name n0 type macvlan mode bridge macaddr add 02:00:00:00:00:05
            ip link add link e name o0 address 02:00:00:00:00:0b type macvlan mode source macaddr add 02:00:00:00:00:02
            ip -d link show o0
            ip link set o0 type macvlan mode bridge
            ip link set o0 type macvlan macaddr add 02:00:00:00:00:05
            ip link set o0 type macvlan mode source
            ip -d link show o0
            ip link set s0 type macvlan macaddr add
            ip link set s0 type macvlan macaddr foo
            ip link set s0 type macvlan macaddr add zz
            ip link set s0 type macvlan macaddr add 01:00:00:00:00:02
            ip link set s0 type macvlan macaddr set
            ip link set s0 up
            ip addr add 10.0.0.1/24 dev s0
            ip -n b addr add 10.0.0.2/24 dev p
            ping -c1 -W1 10.0.0.2
            sleep 2
            ip link set s0 type macvlan macaddr add 02:00:00:00:00:02
            ping -c1 -W1 10.0.0.2
            ip netns exec b ping -c1 -W1 10.0.0.1
        ",
            ),
        ],
    );
}

#[test]
fn vrfs() {
    agree_on_kind(
        "vrf",
        "ip-vrf",
        &[(
            "vrf",
            r"
            ping -c1 -W1 127.0.0.1
            ip vrf
            ip link add red address 02:00:00:00:00:09 type vrf table 10
            ip -d link show red
            ip -d -j link show red
            ip rule
            ip -j rule
            ip rule show l3mdev
            ip route show vrf red
            ip link set red up
            ip link show red
            ip link add e type veth peer name p
            ip netns add b
            ip link set p netns b
            ip -n b link set p up
            ip -n b addr add 10.0.0.2/24 dev p
            ip addr add 10.0.0.1/24 dev e
            ip link set e up
            ip link set e master red
            ip link
            ip -d link show e
            ip route show table all
            ip route show vrf red
            ip route show table 10
            ip vrf
            ip vrf show red
            ip vrf show blue
            ip vrf foo
            ip vrf help
            ip route get 10.0.0.2
            ip route get vrf red 10.0.0.2
            ip route get 10.0.0.2 oif red
            ip route get 10.0.0.2 oif e
            ip route get vrf red 10.0.0.1
            ip route get 10.0.0.1
            ip route get 10.0.0.1 from 10.0.0.2 iif e
            ping -c1 -W1 10.0.0.2
            ping -c1 -W1 -I red 10.0.0.2
            ping -c1 -W1 -I e 10.0.0.2
            ip netns exec b ping -c1 -W1 10.0.0.1
            ip neigh show vrf red
            ip route add default via 10.0.0.2 vrf red
            ip route show vrf red
            ip link show type vrf
            ip link show vrf red
            ip link show master red
            ip addr show vrf red
            ip link show type vrf_slave
            ip link set e nomaster
            ip route show table all
            ip link set e vrf red
            ip link set e vrf nope
            ip link set e vrf e
            ip link add blue type vrf
            ip link add blue type vrf table x
            ip link add blue type vrf foo
            ip link add blue type vrf table 0
            ip link help vrf
            ip rule add l3mdev pref 500
            ip rule
            ip rule del l3mdev pref 500
            ip rule
            ip link del red
            ip link
            ip rule
        ",
        )],
    );
}

#[test]
fn bonds() {
    agree_on_kind(
        "bond",
        "ip-link-bond",
        &[
            (
                "states and text",
                r"
            ip netns add a
            ip netns add b
            ip -n a link add e1 address 02:00:00:00:00:01 type veth peer name p1 netns b
            ip -n a link add e2 address 02:00:00:00:00:02 type veth peer name p2 netns b
            ip -n b link set p1 up
            ip -n b link set p2 up
            ip -n a link add bond0 address 02:00:00:00:00:09 type bond mode active-backup miimon 100 updelay 150 downdelay 250
            ip -n a -d link show bond0
            ip -n a -d -j link show bond0
            ip -n a link set e1 master bond0
            ip -n a link set e2 master bond0
            ip -n a link set bond0 up
            sleep 1.5
            ip -n a -d link show bond0
            ip -n a -d -j link show bond0
            ip -n a -d link show e1
            ip -n a -d -j link show e2
            ip -n a link show type bond
            ip -n a link show master bond0
            ip -n a -br link
            ip -n a link set bond0 type bond primary e2
            ip -n a -d link show bond0
            ip -n b link set p2 down
            sleep 1.5
            ip -n a -d link show
            ip -n a link set e1 nomaster
            ip -n a link set e2 nomaster
            ip -n a link set bond0 address 02:00:00:00:00:09
            ip -n a link show
            ip -n a link del bond0
            ip -n a link
        ",
            ),
            (
                "mistakes",
                r"
            ip link add e1 address 02:00:00:00:00:01 type veth peer name p1 address 02:00:00:00:00:11
            ip link add e2 address 02:00:00:00:00:02 type veth peer name p2 address 02:00:00:00:00:12
            ip link add b0 type bond mode 7
            ip link add b0 type bond mode
            ip link add b0 type bond mode active-backup updelay 100
            ip link add b0 type bond mode active-backup miimon z
            ip link add b0 type bond mode active-backup miimon -1
            ip link add b0 type bond mode active-backup miimon 4294967295
            ip link add b0 type bond mode active-backup primary nix
            ip link add b0 type bond mode active-backup foo
            ip link add b0 type bond help
            ip link add b0 address 02:00:00:00:00:09 type bond mode active-backup miimon 100
            ip link set b0 type bond primary_reselect foo
            ip link set b0 type bond fail_over_mac 2
            ip link set b0 type bond num_grat_arp 256
            ip link set b0 type bond num_unsol_na 3
            ip link set b0 type bond resend_igmp 256
            ip link set b0 type bond all_slaves_active 2
            ip link set b0 type bond lp_interval 0
            ip link set b0 type bond min_links 5
            ip link set b0 type bond xmit_hash_policy foo
            ip link set b0 type bond active_slave nix
            ip link set b0 type bond active_slave e1
            ip link set b0 type bond clear_active_slave
            ip link set b0 type bond
            ip link set b0 type bond use_carrier 1 arp_interval 0 xmit_hash_policy layer2
            ip -d link show b0
            ip link set e1 up
            ip link set e1 master b0
            ip link set e1 down
            ip link set e1 master b0
            ip link set b0 type bond fail_over_mac active
            ip link set b0 master b0
            ip link add v0 type vrf table 10
            ip link set v0 master b0
            ip link set e1 type bond_slave foo
            ip link set e1 type bond_slave
            ip link set e1 type bond miimon 10
            ip link help bond
            ip link help bond_slave
            ip link del e1
            ip link set b0 address 02:00:00:00:00:09
            ip link
        ",
            ),
        ],
    );
}
