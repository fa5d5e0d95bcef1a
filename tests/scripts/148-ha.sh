#!/bin/bash
# Failover: a watcher in the background moves the default route when the first gateway is lost, and writes a journal.
set -o errexit -o nounset
ip netns add host1; ip netns add gw1; ip netns add gw2; ip netns add inet
trap 'ip -all netns delete' EXIT
ip netns add sw; ip -n sw link add br type bridge; ip -n sw link set br up
plug() { ip link add "$2" netns "$1" type veth peer name "to-$1" netns sw; ip -n sw link set "to-$1" master br up; ip -n "$1" link set "$2" up; }
plug host1 eth0; plug gw1 lan; plug gw2 lan
ip -n host1 addr add 10.5.0.10/24 dev eth0
ip -n gw1 addr add 10.5.0.1/24 dev lan; ip -n gw2 addr add 10.5.0.2/24 dev lan
for n in 1 2; do
    ip link add "up" netns gw$n type veth peer name "gw$n" netns inet
    ip -n gw$n addr add 10.6.$n.1/24 dev up; ip -n inet addr add 10.6.$n.2/24 dev gw$n
    ip -n gw$n link set up up; ip -n inet link set gw$n up
    ip netns exec gw$n sysctl -q -w net.ipv4.ip_forward=1
    ip -n gw$n route add 8.8.8.8 via 10.6.$n.2
done
ip -n inet link set lo up; ip -n inet addr add 8.8.8.8/32 dev lo
ip -n inet route add 10.5.0.0/24 proto static nexthop via 10.6.1.1 weight 1 nexthop via 10.6.2.1 weight 1
ip netns exec inet sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip -n inet route replace 10.5.0.0/24 via 10.6.1.1
ip -n host1 route add default via 10.5.0.1
journal=$(mktemp)
watcher() {
    local now=1 failed=0
    while :; do
        if ip netns exec host1 ping -c1 -W1 10.5.0.$now > /dev/null 2>&1; then failed=0; else failed=$((failed + 1)); fi
        if [ $failed -ge 2 ]; then
            now=$((3 - now)); failed=0
            ip -n host1 route replace default via 10.5.0.$now
            ip -n inet route replace 10.5.0.0/24 via 10.6.$now.1
            echo "moved to gateway $now" >> "$journal"
        fi
        sleep 1
    done
}
watcher & watching=$!
sleep 2
ip netns exec host1 ping -c1 -W1 8.8.8.8 | grep -o '1 received'
ip -n gw1 link set lan down
sleep 8
ip -n host1 route show default
ip netns exec host1 ping -c1 -W1 8.8.8.8 | grep -o '1 received'
ip -n gw1 link set lan up
ip -n gw2 link set lan down
for try in 1 2 3 4 5 6 7 8 9 10; do
    ip netns exec host1 ping -c1 -W1 8.8.8.8 > /dev/null 2>&1 && break
    sleep 1
done
[ "$try" -lt 10 ] && echo "back again"
kill $watching; wait $watching 2> /dev/null || true
cat "$journal"; rm "$journal"
ip -n host1 route get 8.8.8.8 | sed 's/ uid.*//' | head -1
