#!/bin/bash
# Into namespaces by other doors: nsenter, unshare, a shell that stays inside, a path below /var/run/netns.
ip netns add blue
nsenter --net=/var/run/netns/blue ip link set lo up
nsenter --net=/run/netns/blue ping -c 1 127.0.0.1 | sed -n 1p
nsenter -n/var/run/netns/blue ip -br addr
ls /var/run/netns
[ -f /var/run/netns/blue ] && echo "a file"
[ -e /var/run/netns/red ] || echo "no red"
ip netns exec blue bash <<'IN'
ip link add dummy-a type veth peer name dummy-b
ip addr add 10.1.1.1/32 dev dummy-a
ip link set dummy-a up
ip -br link | awk '{print $1, $2}'
echo 1 > /proc/sys/net/ipv4/ip_forward
exit 3
IN
echo "inside: $?"
ip netns exec blue sh -c 'cat /proc/sys/net/ipv4/ip_forward; exec ip -o -4 addr show dev dummy-a'
cat /proc/sys/net/ipv4/ip_forward
ip netns exec blue ip netns exec blue ip -br link show lo
ip netns exec blue ip netns list
ip -n blue netns exec blue echo nested
unshare -n ip link show
unshare -n sh -c 'ip link set lo up; ip -4 -br addr'
unshare -rnm ip link add q0 type veth peer name q1
unshare --net -- sleep 3 &
p=$!
sleep 1
ip link add w0 type veth peer name w1
echo "link set w1 netns $p" | ip -batch -
ip -br link show w0 | awk '{print $1, $2}'
wait $p
sleep 1
ip link show w0 2>&1
unshare -n ip netns list
ip netns exec blue env FOO=bar sh -c 'echo $FOO'
FOO=baz ip netns exec blue sh -c 'echo $FOO'
cd /tmp; ip netns exec blue pwd
ip netns exec blue hostname > /dev/null && echo "hostname works"
ip netns exec blue sh -c 'echo to stderr >&2' 2>&1 | sed 's/^/got: /'
echo "from stdin" | ip netns exec blue cat
ip netns exec blue cat < /proc/sys/net/ipv4/ip_forward
ip netns exec blue bash -c 'trap "echo bye" EXIT; true'
ip netns exec blue sleep 0.1 & wait $!; echo "slept: $?"
(ip netns exec blue sh -c 'exit 7'); echo "status $?"
ip netns exec blue sh -c 'kill -9 $$'; echo "killed: $?"
ip netns add blue; echo "again: $?"
ip netns exec; echo "nothing: $?"
ip netns exec blue; echo "no command: $?"
ip netns del red; echo "no red: $?"
ip netns del blue
ip netns
