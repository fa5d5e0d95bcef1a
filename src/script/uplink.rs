//! The outside world of `--uplink`: the script's host gets an `eth0`, a gateway, and behind it somebody who answers to every
//! public address, and names for some.
//!
//! Counterpart: the user network of QEMU (10.0.2.15 behind 10.0.2.2). Nobody outside knows the way to the script's own
//! subnets, so without masquerading no answer comes back, as at home. Both namespaces are hidden from the
//! script but for the one's name in `ip link`.
//! Deliberately absent: name servers (names are in the hosts file), open ports: a connection is refused.

use super::noted::Noted;
use nettwin::model::NetnsName;

/// How the hidden namespaces' names begin.
const HIDDEN: &str = "uplink.";

/// Whether a script does not see this namespace.
pub(crate) fn is_hidden(netns: &NetnsName) -> bool {
    netns.as_str().starts_with(HIDDEN)
}

/// Joins a machine's host to the outside.
pub(crate) fn join(machine: Noted) -> Noted {
    Noted { hides_uplink: true, ..super::lines_on(machine, LINES) }
}

const LINES: &str = "
ip netns add uplink.gateway
ip netns add uplink.outside
ip link add eth0 type veth peer name lan netns uplink.gateway
ip -n uplink.gateway link add wan type veth peer name eth0 netns uplink.outside
ip -n uplink.gateway addr add 10.0.2.2/24 dev lan
ip -n uplink.gateway addr add 203.0.113.1/30 dev wan
ip -n uplink.gateway link set lo up
ip -n uplink.gateway link set lan up
ip -n uplink.gateway link set wan up
ip netns exec uplink.gateway sysctl -qw net.ipv4.ip_forward=1
ip -n uplink.gateway route add default via 203.0.113.2
ip -n uplink.gateway route add unreachable 10.0.0.0/8
ip -n uplink.gateway route add unreachable 172.16.0.0/12
ip -n uplink.gateway route add unreachable 192.168.0.0/16
ip -n uplink.outside addr add 203.0.113.2/30 dev eth0
ip -n uplink.outside link set lo up
ip -n uplink.outside link set eth0 up
ip -n uplink.outside route add 10.0.2.0/24 via 203.0.113.1
ip -n uplink.outside route add local default dev lo
ip netns exec uplink.outside tc qdisc add dev eth0 root netem delay 10ms
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
";

/// The names that the outside has, as lines of a hosts file.
pub(crate) const NAMES: &str = "
8.8.8.8 dns.google
8.8.4.4 dns.google
1.1.1.1 one.one.one.one
9.9.9.9 dns.quad9.net
93.184.215.14 example.com www.example.com
93.184.215.15 example.org www.example.org
142.250.74.46 google.com www.google.com
140.82.121.4 github.com www.github.com
130.89.148.77 debian.org www.debian.org deb.debian.org
91.189.91.83 archive.ubuntu.com ubuntu.com
139.178.84.217 kernel.org www.kernel.org
185.15.59.224 wikipedia.org www.wikipedia.org
104.16.132.229 cloudflare.com www.cloudflare.com
";
