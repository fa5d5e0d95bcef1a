//! `ip nexthop`, and routes by nexthop objects.

use crate::agree;

/// Three interfaces with carrier.
const NET: &str = r"
    ip netns add r
    ip link add eth0 netns r type veth peer name p0
    ip link add eth1 netns r type veth peer name p1
    ip link add eth2 netns r type veth peer name p2
    ip link set p0 up
    ip link set p1 up
    ip link set p2 up
    ip -n r link set lo up
    ip -n r link set eth0 up
    ip -n r link set eth1 up
    ip -n r link set eth2 up
    ip -n r addr add 10.0.0.1/24 dev eth0
    ip -n r addr add 10.0.1.1/24 dev eth1
    ip -n r addr add 10.0.2.1/24 dev eth2
";

fn with_net(text: &str) -> String {
    format!("{NET}{text}")
}

#[test]
fn nexthops() {
    let show = with_net(
        r"
        ip -n r nexthop
        ip -n r nexthop add id 1 via 10.0.0.2 dev eth0
        ip -n r nexthop add id 2 via 10.0.1.2 dev eth1
        ip -n r nexthop add id 3 dev eth2
        ip -n r nexthop add id 4 blackhole
        ip -n r nexthop add id 5 via 10.99.0.1 dev eth0 onlink
        ip -n r nexthop add id 6 via 10.0.0.1 dev eth0
        ip -n r nexthop add id 9 group 1/2
        ip -n r nexthop add id 10 group 1,5/2,3
        ip -n r nexthop add via 10.0.2.9 dev eth2
        ip -n r nexthop add dev eth2 protocol static
        ip -n r nexthop add id 14 group 4 type mpath
        ip -n r nexthop add id 15 via inet 10.0.2.3 dev eth2
        ip -n r nexthop
        ip -n r nexthop show
        ip -n r nexthop list
        ip -n r nexth l
        ip -n r -d nexthop
        ip -n r -o nexthop
        ip -n r -j nexthop
        ip -n r -j -p nexthop
        ip -n r -j -d nexthop
        ip -n r -c=always nexthop
        ip -n r -4 nexthop
        ip -n r -6 nexthop
        ip -n r nexthop get id 1
        ip -n r nexthop get id 77
        ip -n r -j nexthop get id 9
        ip -n r nexthop show id 10
        ip -n r nexthop list dev eth0
        ip -n r nexthop list groups
        ip -n r nexthop list group
        ip -n r nexthop list master eth0
        ip -n r nexthop list protocol 4
        ip -n r route add 10.1.0.0/16 nhid 1
        ip -n r route add 10.2.0.0/16 nhid 9
        ip -n r route add 10.3.0.0/16 nhid 10
        ip -n r route add 10.4.0.0/16 nhid 3
        ip -n r route add 10.5.0.0/16 nhid 4
        ip -n r route add 10.7.0.0/16 nhid 5
        ip -n r route add 10.8.0.0/16 nhid 6
        ip -n r route add blackhole 10.9.0.0/16 nhid 1
        ip -n r route add 10.10.0.0/16 nhid 1 mtu 1300 metric 5 src 10.0.1.1
        ip -n r route add 10.11.0.0/16 nhid 3 scope link
        ip -n r route add local 10.12.0.1 nhid 3
        ip -n r route
        ip -n r -d route
        ip -n r -j route
        ip -n r -j -p -d route show 10.2.0.0/16
        ip -n r route show table local
        ip -n r route show dev eth0
        ip -n r route show via 10.0.0.2
        ip -n r route get 10.1.0.1
        ip -n r route get 10.5.0.1
        ip -n r route get 10.8.0.1
        ip -n r route get fibmatch 10.1.0.1
        ip -n r route get fibmatch 10.2.0.1
        ip -n r nexthop replace id 1 via 10.0.0.5 dev eth0
        ip -n r route
        ip -n r nexthop del id 2
        ip -n r route
        ip -n r nexthop
        ip -n r nexthop del id 3
        ip -n r route
        ip -n r nexthop flush protocol 4
        ip -n r nexthop flush dev eth2
        ip -n r nexthop flush groups
        ip -n r nexthop flush id 5
        ip -n r nexthop
        ip -n r nexthop flush
        ip -n r nexthop flush
        ip -n r route
    ",
    );
    let mistakes = with_net(
        r"
        ip -n r nexthop add
        ip -n r nexthop add id
        ip -n r nexthop add id foo
        ip -n r nexthop add id 20
        ip -n r nexthop add id 1 via 10.0.0.2
        ip -n r nexthop add id 1 via 10.0.0.2 dev eth0
        ip -n r nexthop add id 1 via 10.0.0.3 dev eth0
        ip -n r nexthop add id 2 blackhole
        ip -n r nexthop add id 3 group 1
        ip -n r nexthop add id 5 via 10.99.0.1 dev eth0
        ip -n r nexthop add id 7 via 10.0.0.255 dev eth0
        ip -n r nexthop add id 8 dev nosuch
        ip -n r nexthop add id 8 via foo dev eth0
        ip -n r nexthop add id 8 dev eth0 onlink
        ip -n r nexthop add id 8 dev eth0 foo
        ip -n r nexthop add id 8 dev eth0 protocol foo
        ip -n r nexthop add id 8 via 10.0.0.2 dev eth0 blackhole
        ip -n r nexthop add id 8 group 1/77
        ip -n r nexthop add id 8 group 1/3
        ip -n r nexthop add id 8 group 1/2
        ip -n r nexthop add id 8 group 1/1
        ip -n r nexthop add id 8 group 1,0
        ip -n r nexthop add id 8 group 1,257
        ip -n r nexthop add id 8 group foo
        ip -n r nexthop add id 8 group 1,foo
        ip -n r nexthop add id 8 group 1 dev eth0
        ip -n r nexthop add id 8 group 1 type foo
        ip -n r nexthop replace dev eth0
        ip -n r nexthop replace id 3 dev eth0
        ip -n r nexthop replace id 1 group 2
        ip -n r nexthop get
        ip -n r nexthop get 1
        ip -n r nexthop get id foo
        ip -n r nexthop list foo
        ip -n r nexthop list dev nosuch
        ip -n r nexthop list vrf eth0
        ip -n r nexthop list protocol static
        ip -n r nexthop show id foo
        ip -n r nexthop show id 77
        ip -n r nexthop foo
        ip -n r nexthop help
        ip -n r nexthop del
        ip -n r nexthop del id 0
        ip -n r nexthop del id 77
        ip -n r nexthop del id foo
        ip -n r nexthop flush id 77
        ip -n r route add 10.1.0.0/16 nhid 77
        ip -n r route add 10.1.0.0/16 nhid foo
        ip -n r route add 10.1.0.0/16 nhid
        ip -n r route add 10.1.0.0/16 nhid 1 via 10.0.0.2
        ip -n r route add 10.1.0.0/16 nhid 1 dev eth0
        ip -n r route add local 10.1.0.1 nhid 1
        ip -n r route add local 10.1.0.1 nhid 3
        ip -n r route add 10.1.0.0/16 nhid 1
        ip -n r route add 10.1.0.0/16 nhid 1
        ip -n r route del 10.1.0.0/16 dev eth0
        ip -n r route del 10.1.0.0/16 nhid 2
        ip -n r route del 10.1.0.0/16 nhid 1
        ip -n r nexthop
        ip -n r route
    ",
    );
    agree("ip-nexthop", &[("nexthops shown", &show), ("nexthop mistakes", &mistakes)]);
}
