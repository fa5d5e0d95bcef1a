#!/bin/bash
# Settings by redirection, tee and sysctl.
ip netns add r
cat /proc/sys/net/ipv4/ip_forward
ip netns exec r sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
ip netns exec r cat /proc/sys/net/ipv4/ip_forward
cat /proc/sys/net/ipv4/ip_forward
ip netns exec r sysctl net.ipv4.ip_forward
ip netns exec r sysctl -w net.ipv4.conf.all.rp_filter=2
echo 1 | ip netns exec r tee /proc/sys/net/ipv4/conf/all/proxy_arp
ip netns exec r sysctl -n net.ipv4.conf.all.proxy_arp net.ipv4.conf.all.rp_filter
sysctl net.ipv4.nosuch
echo "status $?"
