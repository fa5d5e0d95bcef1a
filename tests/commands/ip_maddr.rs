//! `ip maddress`, `autojoin` of addresses, `netstat -g`.

use crate::agree;

/// An interface that is up, in a namespace that does not speak IPv6.
const NET: &str = r"
    ip netns add r
    ip netns exec r sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    ip netns exec r sysctl -qw net.ipv6.conf.default.disable_ipv6=1
    ip link add eth0 netns r type veth peer name p0
    ip link set p0 up
    ip -n r link set lo up
    ip -n r addr add 10.0.0.1/24 dev eth0
    ip -n r maddr
    ip -n r link set eth0 up
";

#[test]
fn groups() {
    let joined = format!(
        "{NET}{}",
        r"
        ip -n r maddr
        ip -n r addr add 239.1.1.1/32 dev eth0 autojoin
        ip -n r addr add 239.129.1.1/32 autojoin noprefixroute dev eth0
        ip -n r addr add 224.0.0.9/32 dev lo autojoin
        ip -n r addr add 239.1.1.2/32 dev eth0
        ip -n r addr show dev eth0
        ip -n r addr show autojoin
        ip -n r -o addr show -autojoin
        ip -n r -j -p addr show dev eth0
        ip -n r maddr show
        ip -n r -j -p maddr show
        ip -n r -o maddr show
        ip -n r -4 maddr show dev eth0
        ip -n r -6 maddr
        ip -n r -0 maddr list eth0
        ip -n r -s maddr lst dev eth0
        ip -n r maddress show nosuch
        ip netns exec r netstat -g
        ip netns exec r netstat -gn
        ip netns exec r netstat -gr
        ip -n r addr add 239.1.1.1/24 dev eth0 autojoin
        ip -n r addr add 10.0.0.9/24 dev eth0 autojoin
        ip -n r addr del 239.129.1.1/32 dev eth0
        ip -n r addr replace 239.1.1.1/32 dev eth0
        ip -n r addr show dev eth0
        ip -n r maddr show dev eth0
        ip -n r link set eth0 down
        ip -n r maddr show dev eth0
        ip -n r link set eth0 up
        ip -n r maddr show dev eth0
        ip -n r addr flush dev eth0
        ip -n r maddr show dev eth0
    "
    );
    let by_hand = format!(
        "{NET}{}",
        r"
        ip -n r maddr add 01:00:5e:01:01:05 dev eth0
        ip -n r maddr add 01:00:5e:01:01:05 dev eth0
        ip -n r maddr add address 33:33:00:00:00:05 dev eth0
        ip -n r addr add 239.1.1.5/32 dev eth0 autojoin
        ip -n r maddr show dev eth0
        ip -n r -j maddr show dev eth0
        ip -n r maddr del 01:00:5e:01:01:05 dev eth0
        ip -n r maddr del 01:00:5e:01:01:05 dev eth0
        ip -n r maddr delete 33:33:00:00:00:05 dev eth0
        ip -n r maddr show dev eth0
        ip -n r maddr add 02:00:00:00:00:01 dev eth0
        ip -n r maddr add 239.1.1.5 dev eth0
        ip -n r maddr add 01:00 dev eth0
        ip -n r maddr add 01:00:5e:01:01:05
        ip -n r maddr add 01:00:5e:01:01:05 01:00:5e:01:01:06 dev eth0
        ip -n r maddr add 01:00:5e:01:01:05 dev eth0 dev lo
        ip -n r maddr add 01:00:5e:01:01:05 dev nosuch
        ip -n r maddr add
        ip -n r maddr show dev
        ip -n r maddr show eth0 lo
        ip -n r maddr foo
        ip -n r maddr help
        ip -n r maddr show dev eth0
    "
    );
    agree("ip-maddr", &[("joined", &joined), ("by hand", &by_hand)]);
}
