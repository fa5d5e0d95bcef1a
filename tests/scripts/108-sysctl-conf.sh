#!/bin/bash
# Settings by files, by sysctl -p, and by redirection, looked at in several ways.
cd "$(mktemp -d)"
conf=router.conf
cat > "$conf" <<EOF
# router
net.ipv4.ip_forward = 1
net.ipv4.conf.all.rp_filter=2
; another comment
net/ipv4/conf/default/send_redirects = 0
-net.ipv4.no_such_thing = 1
EOF
ip netns add r
ip netns exec r sysctl -p "$conf"
echo "status $?"
ip netns exec r sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter
ip netns exec r sysctl -n net.ipv4.conf.default.send_redirects
ip netns exec r sysctl -a --pattern 'conf\.lo\.rp_filter'
ip netns exec r sysctl -ar 'ip_forward$'
echo 'net.ipv4.nothing = 3' | ip netns exec r sysctl -p -
echo "status $?"
ip netns exec r sysctl -w net.ipv4.ip_forward
echo "status $?"
ip netns exec r sysctl -e net.ipv4.nothing
echo "status $?"
ip netns exec r sysctl -b net.ipv4.ip_forward; echo
ip netns exec r sysctl -N net.ipv4.ip_forward
ip netns exec r sysctl net.ipv4.ip_forward=abc
echo "status $?"
ip netns exec r bash -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo "$f=$(<"$f")"; done'
ip netns exec r bash -c 'echo 5 > /proc/sys/net/ipv4/conf/lo/rp_filter; cat /proc/sys/net/ipv4/conf/lo/rp_filter'
ip netns exec r sysctl -w net.ipv4.conf.nosuch.rp_filter=1
ip netns exec r sysctl --values net.ipv4.ip_default_ttl
ip link add v0 netns r type veth peer name v1 netns r
ip netns exec r sysctl net.ipv4.conf.v0.send_redirects net.ipv4.conf.v1.rp_filter
ip netns exec r sysctl -w net.ipv4.neigh.v0.base_reachable_time_ms=5000 net.ipv4.neigh.default.gc_stale_time=5
sysctl net.ipv4.ip_forward
rm -r "$PWD"
ip netns del r
