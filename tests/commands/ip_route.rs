//! `ip route` and `ip rule`.

use crate::agree;

/// Two interfaces with carrier, one without, one down.
const NET: &str = r"
    ip netns add r
    ip link add eth0 netns r type veth peer name p0
    ip link add eth1 netns r type veth peer name p1
    ip link add eth2 netns r type veth peer name p2
    ip link add eth3 netns r type veth peer name p3
    ip link set p0 up
    ip link set p1 up
    ip -n r link set lo up
    ip -n r link set eth0 up
    ip -n r link set eth1 up
    ip -n r link set eth2 up
    ip -n r addr add 10.0.0.1/24 dev eth0
    ip -n r addr add 10.0.1.1/24 dev eth1
    ip -n r addr add 10.0.2.1/24 dev eth2
    ip -n r addr add 10.0.3.1/24 dev eth3
";

fn with_net(text: &str) -> String {
    format!("{NET}{text}")
}

#[test]
fn metrics() {
    let all = with_net(
        r"
        ip -n r route add 10.1.0.0/24 via 10.0.0.2 window 1000 rtt 20ms rttvar 5 ssthresh 9 cwnd 10 advmss 1000 mtu 1400
        ip -n r route add 10.1.1.0/24 via 10.0.0.2 reordering 4 hoplimit 33 initcwnd 20 features ecn rto_min 300ms
        ip -n r route add 10.1.2.0/24 via 10.0.0.2 initrwnd 30 quickack 1 congctl cubic fastopen_no_cookie 1 hoplimit 7
        ip -n r route add 10.2.0.0/24 via 10.0.0.2 window lock 1 rtt lock 2 rttvar lock 30ms ssthresh lock 4 cwnd lock 5
        ip -n r route add 10.2.1.0/24 via 10.0.0.2 advmss lock 1200 reordering lock 7 hoplimit lock 8 initcwnd lock 9
        ip -n r route add 10.2.2.0/24 via 10.0.0.2 rto_min 5 initrwnd lock 11 congctl lock reno mtu lock 1300 cwnd 5
        ip -n r route add 10.3.0.0/24 via 10.0.0.2 hoplimit 0 mtu 0 window 0
        ip -n r route add 10.3.4.0/24 via 10.0.0.2 rtt 3s rto_min 2.5s rttvar 1500ms
        ip -n r route add 10.3.7.0/24 via 10.0.0.2 mtu 70000 advmss 70000
        ip -n r route add 10.3.8.0/24 via 10.0.0.2 features ecn hoplimit 255 rtt 100
        ip -n r route add 10.3.10.0/24 via 10.0.0.2 rtt 1 rttvar 1 rto_min 1
        ip -n r route add 10.3.11.0/24 via 10.0.0.2 rtt 999ms rto_min 1001ms
        ip -n r route add 10.3.12.0/24 via 10.0.0.2 initcw 1 initr 2 reord 3 win 4 cw 5 feat ecn quick 1 cong cubic
        ip -n r route append 10.3.12.0/24 via 10.0.0.2 rttv 6 ssth 7 fast 1
        ip -n r route add 10.3.14.0/24 via 10.0.0.2 mtu lock 0
        ip -n r route add 10.3.15.0/24 via 10.0.0.2 expires 4
        ip -n r route add 10.3.19.0/24 via 10.0.0.2 congctl cubic congctl reno hoplimit 3 hoplimit 4
        ip -n r route
        ip -n r -j route
        ip -n r -j -p route show root 10.1.0.0/16
        ip -n r -d route show 10.2.0.0/24
        ip -n r route get 10.1.0.3
        ip -n r route get 10.1.1.3
        ip -n r route get 10.2.0.3
        ip -n r -j route get 10.1.2.3
        ip -n r route del 10.3.19.0/24 hoplimit 5
        ip -n r route del 10.3.19.0/24 hoplimit 4
        ip -n r route del 10.2.1.0/24 hoplimit lock 8
        ip -n r route del 10.2.2.0/24 congctl cubic
        ip -n r route del 10.2.2.0/24 congctl reno cwnd 5
        ip -n r route change 10.3.12.0/24 via 10.0.0.2 hoplimit 9
        ip -n r route append 10.3.12.0/24 via 10.0.0.2 hoplimit 9
        ip -n r route append 10.3.12.0/24 via 10.0.0.2 hoplimit 10
        ip -n r route show 10.3.12.0/24
        ip netns exec r netstat -rn
        ip netns exec r route -nee
        ip netns exec r route add -net 10.5.0.0/16 gw 10.0.0.2 window 127
        ip netns exec r route add -net 10.5.0.0/16 gw 10.0.0.2 window 9999999999 irtt 100
        ip netns exec r route add -net 10.6.0.0/16 gw 10.0.0.2 irtt 120001
        ip netns exec r route add -net 10.7.0.0/16 gw 10.0.0.2 irtt x
        ip netns exec r route add -net 10.8.0.0/16 gw 10.0.0.2 irtt
        ip -n r route show root 10.4.0.0/14
    ",
    );
    let wrong = with_net(
        r"
        ip -n r route add 10.3.1.0/24 via 10.0.0.2 hoplimit 256
        ip -n r route add 10.3.2.0/24 via 10.0.0.2 congctl nosuch
        ip -n r route add 10.3.3.0/24 via 10.0.0.2 features ecn2
        ip -n r route add 10.3.3.0/24 via 10.0.0.2 features lock ecn
        ip -n r route add 10.3.3.0/24 via 10.0.0.2 quickack 2
        ip -n r route add 10.3.3.0/24 via 10.0.0.2 quickack lock 1
        ip -n r route add 10.3.9.0/24 via 10.0.0.2 fastopen_no_cookie 2
        ip -n r route add 10.3.5.0/24 via 10.0.0.2 rtt 3x
        ip -n r route add 10.3.5.0/24 via 10.0.0.2 rto_min lock 5
        ip -n r route add 10.3.5.0/24 via 10.0.0.2 rto_min
        ip -n r route add 10.3.5.0/24 via 10.0.0.2 rttvar x
        ip -n r route add 10.3.5.0/24 via 10.0.0.2 rtt x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 window x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 ssthresh x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 cwnd x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 initcwnd x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 initrwnd x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 reordering x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 advmss lock x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 fastopen_no_cookie x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 quickack x
        ip -n r route add 10.3.6.0/24 via 10.0.0.2 expires x
        ip -n r route add 10.3.13.0/24 via 10.0.0.2 window lock
        ip -n r route
    ",
    );
    agree("ip-route-metrics", &[("all of them", &all), ("mistakes", &wrong)]);
}

#[test]
fn routes() {
    let show = with_net(
        r"
        ip -n r route
        ip -n r route add default via 10.0.0.254
        ip -n r route add 10.1.0.0/16 via 10.0.1.2 dev eth1 metric 100
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 metric 50
        ip -n r route add 10.2.0.0/16 dev eth1
        ip -n r route add 10.3.3.3 via 10.0.0.3 src 10.0.1.1
        ip -n r route add blackhole 10.4.0.0/16
        ip -n r route add unreachable 10.5.0.0/16 metric 7
        ip -n r route add prohibit 10.6.0.0/16
        ip -n r route add throw 10.7.0.0/16
        ip -n r route add 10.8.0.0/16 via 10.0.2.2
        ip -n r route add 10.9.0.0/16 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.1.2 dev eth1
        ip -n r route add 10.10.0.0/16 via 1.2.3.4 dev eth0 onlink
        ip -n r route add 10.11.0.0/16 via 10.0.0.2 mtu 1300 advmss 1200
        ip -n r route add 10.12.0.0/16 via 10.0.0.2 mtu lock 1300 proto static
        ip -n r route add 10.13.0.0/16 via 10.0.0.2 table 100
        ip -n r route add 10.14.0.0/16 via 10.0.0.2 tos 0x10
        ip -n r route add 10.14.0.0/16 via 10.0.0.2 tos AF11 proto bgp
        ip -n r route add local 10.15.0.1 dev eth0
        ip -n r route add broadcast 10.15.0.255 dev eth0
        ip -n r route add 10.16/16 dev eth0 scope link proto 77
        ip -n r route
        ip -n r route show
        ip -n r r
        ip -n r route list table main
        ip -n r route show table local
        ip -n r route show table 100
        ip -n r route show table all
        ip -n r route show dev eth0
        ip -n r route show dev eth1
        ip -n r route show proto kernel
        ip -n r route show proto static
        ip -n r route show scope link
        ip -n r route show scope global
        ip -n r route show type blackhole
        ip -n r route show type unicast
        ip -n r route show default
        ip -n r route show 10.1.0.0/16
        ip -n r route show exact 10.1.0.0/16
        ip -n r route show root 10.0.0.0/8
        ip -n r route show root 10.0.0.0/22
        ip -n r route show match 10.0.1.77
        ip -n r route show to match 10.3.3.3
        ip -n r route show via 10.0.0.2
        ip -n r route show via 10.0.0.0/24
        ip -n r route show src 10.0.1.1
        ip -n r route show metric 50
        ip -n r route show tos 0x10
        ip -n r route show iif eth0
        ip -n r route show 10.99.0.0/16
        ip -n r -4 route show dev eth1
        ip -n r -6 route
        ip -n r -d route
        ip -n r -o route show 10.9.0.0/16
        ip -n r -j route
        ip -n r -j -p route show 10.9.0.0/16
        ip -n r -j -p route show 10.11.0.0/16
        ip -n r -j route show table all
        ip -n r -j -d route show default
        ip -n r -c=always route show default
        ip -n r link set eth0 down
        ip -n r route
        ip -n r link set eth0 up
        ip -n r route
    ",
    );
    let change = with_net(
        r"
        ip -n r route test 10.1.0.0/16 via 10.0.0.2
        ip -n r route add 10.1.0.0/16 via 10.0.0.2
        ip -n r route test 10.1.0.0/16 via 10.0.0.3
        ip -n r route te 10.1.0.0/16 via 10.0.0.2 metric 5
        ip -n r route test 10.0.0.0/24 dev eth0
        ip -n r route test 10.1.0.0/16 via 10.99.0.3
        ip -n r route test 10.1.0.0/16 via 10.0.0.2 table 77
        ip -n r route show table 77
        ip -n r route append 10.1.0.0/16 via 10.0.0.3
        ip -n r route prepend 10.1.0.0/16 via 10.0.0.4
        ip -n r route show 10.1.0.0/16
        ip -n r route replace 10.1.0.0/16 via 10.0.1.5
        ip -n r route show 10.1.0.0/16
        ip -n r route change 10.1.0.0/16 via 10.0.1.6
        ip -n r route change 10.77.0.0/16 via 10.0.1.6
        ip -n r route show 10.1.0.0/16
        ip -n r route del 10.1.0.0/16 via 10.0.0.3
        ip -n r route del 10.1.0.0/16
        ip -n r route show 10.1.0.0/16
        ip -n r route del 10.1.0.0/16 dev eth0
        ip -n r route del 10.1.0.0/16 dev eth1
        ip -n r route del 10.1.0.0/16
        ip -n r route add default via 10.0.0.2
        ip -n r route del default
        ip -n r route del default
        ip -n r route add 10.2.0.0/16 dev eth0 table 50
        ip -n r route flush table 50
        ip -n r route add blackhole 10.3.0.0/16
        ip -n r route del blackhole 10.3.0.0/16
        ip -n r route add 10.4.0.0/16 dev eth0
        ip -n r route add 10.5.0.0/16 dev eth0 proto static
        ip -n r route flush proto static
        ip -n r route show dev eth0
        ip -n r -s route flush dev eth0
        ip -n r -s route flush dev eth0
        ip -n r route
        ip -n r route flush cache
        ip -n r route flush 10.0.1.0/24
        ip -n r route
    ",
    );
    let mistakes = with_net(
        r"
        ip -n r route add
        ip -n r route add default
        ip -n r route add default via
        ip -n r route add default via 10.0.0.2 dev nosuch
        ip -n r route add default via 10.99.0.1
        ip -n r route add default via 10.0.0.255
        ip -n r route add default via foo
        ip -n r route add default gw 10.0.0.2
        ip -n r route add 10.1.0.1/16 via 10.0.0.2
        ip -n r route add 10.1.0.0/33 via 10.0.0.2
        ip -n r route add foo via 10.0.0.2
        ip -n r route add 10.1.0.0/16 dev eth3
        ip -n r route add 10.1.0.0/16 via 10.0.3.2
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 dev eth1
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 src 10.99.0.1
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 metric foo
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 table foo
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 scope foo
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 proto foo
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 mtu foo
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 tos foo
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 tos 0x03
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 via 10.0.0.3
        ip -n r route add 10.1.0.0/16 10.2.0.0/16 via 10.0.0.2
        ip -n r route add 10.1.0.0/16 nexthop
        ip -n r route add 10.1.0.0/16 nexthop via 10.0.0.2 foo
        ip -n r route add 10.1.0.0/16 nexthop via 10.0.0.2 weight 0
        ip -n r route add 10.1.0.0/16 nexthop dev nosuch
        ip -n r route add 10.1.0.0/16 via 10.9.9.9 onlink
        ip -n r route add blackhole 10.1.0.0/16 dev eth0
        ip -n r route add 10.1.0.0/16 via 10.0.0.2 dev eth0 scope host
        ip -n r route add 10.0.0.0/24 dev eth0
        ip -n r route add 10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1
        ip -n r route add 10.1.0.0/16 via 10.0.0.2
        ip -n r route add 10.1.0.0/16 via 10.0.0.3
        ip -n r route del 10.2.0.0/16
        ip -n r route del 10.2.0.1/16
        ip -n r route del default table 77
        ip -n r route del
        ip -n r route show table 77
        ip -n r route show table foo
        ip -n r route show dev nosuch
        ip -n r route show foo
        ip -n r route show proto foo
        ip -n r route flush
        ip -n r route flush table 77
        ip -n r route foo
        ip -n r route help
        ip -n r route add help
        ip -n r -6 route add default via fd00::1
        ip -n r -6 route add fd01::/64 dev eth0
        ip -n r route add fd01::/64 via fd00::1
        ip -n r route add fd01::/64 via 10.0.0.2
        ip -n r -6 route del fd01::/64
        ip -n r route
    ",
    );
    let get = with_net(
        r"
        ip -n r route add default via 10.0.0.254
        ip -n r route add blackhole 10.4.0.0/16
        ip -n r route add unreachable 10.5.0.0/16
        ip -n r route add prohibit 10.6.0.0/16
        ip -n r route get 10.0.0.2
        ip -n r route get 8.8.8.8
        ip -n r route get 10.0.0.1
        ip -n r route get 127.0.0.1
        ip -n r route get 10.0.0.255
        ip -n r route get 255.255.255.255
        ip -n r route get 224.0.0.1
        ip -n r route get to 10.0.1.9
        ip -n r route get 10.0.1.9 oif eth1
        ip -n r route get 10.0.1.9 dev eth0
        ip -n r route get 8.8.8.8 from 10.0.1.1
        ip -n r route get 8.8.8.8 from 10.9.9.9
        ip -n r route get 8.8.8.8 tos 0x10
        ip -n r route get 10.4.0.1
        ip -n r route get 10.5.0.1
        ip -n r route get 10.6.0.1
        ip -n r route get 10.0.1.9 from 10.0.0.9 iif eth0
        ip -n r route get 10.0.0.1 from 10.0.0.9 iif eth0
        ip -n r route get 10.0.0.0/24
        ip -n r route get
        ip -n r route get foo
        ip -n r route get 10.0.0.2 dev nosuch
        ip -n r -j route get 8.8.8.8
        ip -n r -j -p route get 10.0.0.1
        ip -n r -d route get 8.8.8.8
        ip -n r -o route get 8.8.8.8
        ip -n r -c=always route get 8.8.8.8
        ip -n r -6 route get fd00::1
        ip route get 8.8.8.8
        ip route get 127.0.0.1
    ",
    );
    let fresh = r"
        ip netns add f
        ip -n f route flush table main
        ip -n f route flush dev lo
        ip -n f route del default
        ip -n f route
        ip -n f route show table local
        ip -n f route show table main
        ip -n f route show table default
        ip -n f route show table all
        ip -n f -j route
        ip -n f route get 127.0.0.1
        ip -n f rule
        ip -n f rule show
        ip -n f rule list
        ip -n f -j rule
        ip -n f -d rule
        ip -n f -6 rule
        ip rule help
        ip rule foo
        ip -n f link set lo up
        ip -n f route
        ip -n f route show table local
    ";
    let little_used = with_net(
        r"
        ip -n r route add 10.19.0.0/16 via 10.0.0.2
        ip -n r route add 10.20.0.0/16 via 10.0.0.2 nexthop via 10.0.0.2 nexthop via 10.0.0.3
        ip -n r route add 10.21.0.0/16 dev eth0 nexthop via 10.0.0.2 nexthop via 10.0.0.3
        ip -n r route add 10.21.0.0/16 dev eth0 nexthop via 10.0.0.2 dev eth0 nexthop via 10.0.0.3
        ip -n r route add 10.22.0.0/16 via 10.0.0.2 nexthop via 10.0.0.3
        ip -n r route add 10.23.0.0/16 via 10.0.0.2 as 1.2.3.4
        ip -n r route add 10.24.0.0/16 via 10.0.0.2 as to 1.2.3.4
        ip -n r route add 10.25.0.0/16 via 10.0.0.2 as
        ip -n r route add 10.25.0.0/16 via 10.0.0.2 as bla
        ip -n r route add 10.25.0.0/16 via 10.0.0.2 from 1.2.3.0/24
        ip -n r route add 10.26.0.0/16 via 10.0.0.2 from bla
        ip -n r route add 10.26.0.0/16 via 10.0.0.2 pref high
        ip -n r route add 10.27.0.0/16 via 10.0.0.2 pref 3
        ip -n r route add 10.28.0.0/16 via 10.0.0.2 pref bla
        ip -n r route add 10.28.0.0/16 via 10.0.0.2 pref 256
        ip -n r route add 10.28.0.0/16 via 10.0.0.2 ttl-propagate en
        ip -n r route add 10.29.0.0/16 via 10.0.0.2 ttl-propagate disabled
        ip -n r route add 10.30.0.0/16 via 10.0.0.2 ttl-propagate bla
        ip -n r route show
        ip -n r route show from 1.2.3.0/24
        ip -n r route show from match 1.2.3.0/24
        ip -n r route show from root 1.2.3.0/24
        ip -n r route show from 0/0
        ip -n r route show from default
        ip -n r route show from exact default
        ip -n r route show from bla
        ip -n r -s -s route flush 10.28.0.0/16
        ip -n r -s -s route flush root 10.16.0.0/12
        ip -n r -s -s route flush root 10.16.0.0/12
    ",
    );
    agree(
        "ip-route",
        &[
            ("show", &show),
            ("change", &change),
            ("mistakes", &mistakes),
            ("get", &get),
            ("little used", &little_used),
            ("a new namespace", fresh),
        ],
    );
}
