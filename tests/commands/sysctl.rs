//! `sysctl`, as scripts use it, and its complaints.

use crate::agree;

#[test]
fn sysctl_agrees() {
    agree(
        "sysctl",
        &[
            (
                "what devices have of the default",
                r"
            ip netns add a
            ip -n a link add w0 type veth peer name w1
            ip netns exec a sysctl -w net.ipv4.conf.default.arp_ignore=1
            ip netns exec a sysctl net.ipv4.conf.w0.arp_ignore net.ipv4.conf.lo.arp_ignore
            ip -n a link add x0 type veth peer name x1
            ip netns exec a sysctl net.ipv4.conf.x0.arp_ignore
            ip netns exec a sysctl -w net.ipv4.conf.w0.arp_ignore=2
            ip netns exec a sysctl -w net.ipv4.conf.default.arp_ignore=3
            ip netns exec a sysctl net.ipv4.conf.w0.arp_ignore net.ipv4.conf.w1.arp_ignore net.ipv4.conf.x0.arp_ignore
            ip -n a link add y0 type veth peer name y1
            ip netns exec a sysctl -w net.ipv4.conf.default.arp_ignore=0
            ip netns exec a sysctl net.ipv4.conf.y0.arp_ignore net.ipv4.conf.w1.arp_ignore
        ",
            ),
            (
                "options and forms",
                r#"
                sysctl
                sysctl net.ipv4.ip_forward
                sysctl -w net.ipv4.ip_forward=1
                sysctl net.ipv4.ip_forward=1
                sysctl -q net.ipv4.ip_forward=1
                sysctl -q -w net.ipv4.ip_forward=0
                sysctl -n net.ipv4.ip_forward
                sysctl -N net.ipv4.ip_forward
                sysctl -e net.ipv4.nope
                sysctl net.ipv4.nope
                sysctl -w net.ipv4.nope=1
                sysctl -e -w net.ipv4.nope=1
                sysctl -w net.ipv4.ip_forward
                sysctl -w net.ipv4.ip_forward 1
                sysctl -w net.ipv4.ip_forward = 1
                sysctl -w "net.ipv4.ip_forward = 1"
                sysctl -w "net.ipv4.ip_forward=1 "
                sysctl -w net/ipv4/ip_forward=1
                sysctl net/ipv4/ip_forward
                sysctl -w net.ipv4.ip_forward=abc
                sysctl -w net.ipv4.ip_default_ttl=999
                sysctl -w net.ipv4.ip_forward=
                sysctl net.ipv4.ip_forward net.ipv4.ip_default_ttl
                sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
                sysctl -n -w net.ipv4.ip_forward=1
                sysctl -nw net.ipv4.ip_forward=1
                sysctl -b net.ipv4.ip_forward
                sysctl -n net.ipv4.ip_forward net.ipv4.nope net.ipv4.ip_default_ttl
                sysctl net.ipv4.conf.lo.forwarding
                sysctl net.ipv4.conf.*.rp_filter
                sysctl net.ipv4.conf.*.nope
                sysctl --all --pattern "conf.all.*arp_"
                sysctl -r rp_filter$ net.ipv4.conf
                sysctl net.ipv4.conf.lo.nope
                sysctl -p /nope
                sysctl -x
                sysctl -h
                sysctl --help
                sysctl -V
                sysctl --version
                sysctl --foo
                sysctl net.ipv4.ip_local_port_range
                sysctl -w net.ipv4.ip_local_port_range="1024 65000"
                sysctl -w net.ipv4.conf.v0.rp_filter=0
                sysctl -X -r ip_forward$
                sysctl --values net.ipv4.ip_forward
                sysctl --names net.ipv4.ip_forward
                sysctl --quiet --write net.ipv4.ip_forward=1
                sysctl --ignore net.ipv4.nope
                sysctl -d net.ipv4.ip_forward
                sysctl -w -net.ipv4.nope=1
                sysctl -- -net.ipv4.nope=1
                sysctl net.ipv4.conf.all.forwarding net.ipv4.conf.default.forwarding
                sysctl foo=1
                sysctl ""
                sysctl -w
                sysctl -n
                sysctl net.bridge.bridge-nf-call-iptables
                sysctl net.bridge.bridge-nf-call-iptables=0
                sysctl -n -a -r "^net.ipv4.ip_forward"
                sysctl -N -a -r "^net.ipv4.ip_forward"
                sysctl -w -n net.ipv4.nope=1 net.ipv4.ip_forward=1
                sysctl -w net.ipv4.ip_forward=99999999999
                sysctl net.ipv4.*
                sysctl net.ipv4.ip_*fault_ttl
            "#,
            ),
            (
                "values and separators",
                r#"
                sysctl -w net.ipv4.ip_forward 1 net.ipv4.ip_forward=0
                sysctl -w net.ipv4.ip_forward=1 foo net.ipv4.ip_forward=0
                sysctl net.ipv4.ip_forward foo=1 net.ipv4.ip_forward=0 net.ipv4.ip_forward
                sysctl -w a b c
                sysctl -p /nope /nope2
                sysctl net.ipv4.ip_forward=1=2
                sysctl --dry-run net.ipv4.ip_forward=0
                sysctl net.ipv4.ip_forward
                sysctl -w net.ipv4.conf.*.rp_filter=0
                sysctl -w net.ipv4.conf.*.nope=0
                sysctl -w net.ipv4.conf.{all,default}.rp_filter=0
                sysctl -r ip_forw net.ipv4.ip_forward=0
                sysctl -r nope net.ipv4.ip_forward=0
                sysctl -r nope net.ipv4.ip_forward
                sysctl -r
                sysctl -N -w net.ipv4.ip_forward=1
                sysctl -b -w net.ipv4.ip_forward=1
                sysctl -w net.ipv4.conf.all.mc_forwarding=1
                sysctl net.ipv4.conf.all.mc_forwarding=0
                sysctl net..ipv4.ip_forward
                sysctl .net.ipv4.ip_forward
                sysctl /net/ipv4/ip_forward
                sysctl /proc/sys/net/ipv4/ip_forward
                sysctl net.ipv4/ip_forward
                sysctl net/ipv4.ip_forward
                sysctl net.ipv4.neigh.lo.base_reachable_time
                sysctl net.ipv4.neigh.lo.base_reachable_time_ms
                sysctl net.ipv4.neigh.lo
                sysctl --deprecated net.ipv4.neigh.lo
                sysctl ../../etc/passwd
                sysctl net.ipv4.../ip_forward
                sysctl ../net.ipv4.ip_forward=1
                sysctl -w net.ipv4.conf.all=1
                sysctl net.ipv4.conf.all=1
                sysctl -w "net.ipv4.ip_forward =1"
                sysctl -w "  net.ipv4.ip_forward=  1"
                sysctl -w net.ipv4.ip_forward="1 2"
                sysctl -w net.ipv4.ip_forward="0x1"
                sysctl -w net.ipv4.ip_forward=-1
                sysctl -w net.ipv4.ip_forward=1a
                sysctl -w -q
                sysctl -W net.ipv4.ip_forward=1
                sysctl -w net.ipv4.ip_forward=1 -q
                sysctl --writ net.ipv4.ip_forward=1
                sysctl --p
                sysctl -nr ip_forward$ -a
                sysctl -w net.ipv4.neigh.default.gc_thresh1=1024
            "#,
            ),
            (
                "settings of devices",
                r#"
                ip link add v0 type veth peer name v1
                sysctl net.ipv4.conf.v0.forwarding
                sysctl -w net.ipv4.conf.all.forwarding=1
                sysctl net.ipv4.conf.v0.forwarding net.ipv4.ip_forward
                sysctl -w net.ipv4.conf.v0.forwarding=0
                sysctl net.ipv4.ip_forward
                sysctl -w net.ipv4.conf.default.secure_redirects=0
                sysctl -a -r secure_redirects
                sysctl -w net.ipv4.conf.v0.arp_ignore=1 net.ipv4.conf.v0.arp_announce=2
                sysctl -n net.ipv4.conf.v0.arp_ignore net.ipv4.conf.v0.arp_announce
                sysctl net.ipv4.conf.v0
                sysctl net.ipv4.neigh.v0
                sysctl net/ipv4/conf/v0/proxy_arp=1
                sysctl -q net.ipv4.conf.nope.proxy_arp=1
                sysctl -w net.ipv4.neigh.v0.gc_stale_time=10 net.ipv4.neigh.v0.base_reachable_time_ms=5000
                sysctl -w net.ipv4.icmp_echo_ignore_all=1
                sysctl net.ipv4.icmp_echo_ignore_all
                ip link set v0 name eth9
                sysctl net.ipv4.conf.eth9.proxy_arp
                sysctl net.ipv4.conf.v0.proxy_arp
                sysctl -p /nope
                sysctl -w net.ipv6.conf.v1.disable_ipv6=1
                sysctl -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
                sysctl net.ipv6.conf.eth9.disable_ipv6
            "#,
            ),
        ],
    );
}
