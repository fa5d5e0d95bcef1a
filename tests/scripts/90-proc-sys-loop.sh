#!/bin/sh
# Settings by redirection, in loops and in namespaces, and read again by several ways.

if [ "$(id -u)" != "0" ]; then
    echo "not root"
    exit 1
fi
echo 1 > /proc/sys/net/ipv4/ip_forward
cat /proc/sys/net/ipv4/ip_forward
sysctl net.ipv4.ip_forward
ip link add v0 type veth peer name v1
for dev in v0 v1; do
    echo 1 > /proc/sys/net/ipv4/conf/$dev/proxy_arp
    echo 2 > /proc/sys/net/ipv4/conf/$dev/rp_filter
done
for dev in v0 v1 lo; do
    echo "$dev: $(cat /proc/sys/net/ipv4/conf/$dev/proxy_arp) $(cat /proc/sys/net/ipv4/conf/$dev/rp_filter)"
done
ip netns add n
ip netns exec n sh -c 'echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all; sysctl -n net.ipv4.icmp_echo_ignore_all'
cat /proc/sys/net/ipv4/icmp_echo_ignore_all
ip link set v1 netns n
[ -e /proc/sys/net/ipv4/conf/v1 ] || echo "v1 is not here"
ip netns exec n test -e /proc/sys/net/ipv4/conf/v1 && echo "v1 is there"
ip netns exec n cat /proc/sys/net/ipv4/conf/v1/rp_filter
sysctl -w net.ipv4.conf.v0.rp_filter=0
cat /proc/sys/net/ipv4/conf/v0/rp_filter
