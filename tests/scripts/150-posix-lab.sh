#!/bin/sh
# POSIX sh: functions, parameter expansion, a here-document into a nested shell, nc and ss, a loop over /sys.
set -eu
fail() { echo "FAIL: $1" >&2; exit 1; }
add_host() {
    ip netns add "$1"
    ip link add "eth-${1}" type veth peer name "sw-${1}"
    ip link set "eth-${1}" netns "$1"
    ip link set "sw-${1}" master lan
    ip link set "sw-${1}" up
    ip netns exec "$1" sh -eu <<-SH
	ip link set "eth-$1" name eth0
	ip addr add "$2" dev eth0
	ip link set eth0 up
	ip link set lo up
	SH
}
[ "$(id -u)" = 0 ] || fail "not root"
ip link add lan type bridge
ip link set lan up
n=0
for spec in red=10.44.0.1/24 green=10.44.0.2/24 blue=10.44.0.3/24; do
    add_host "${spec%%=*}" "${spec#*=}"
    n=$((n + 1))
done
echo "$n hosts"
ls /sys/class/net/lan/brif | tr '\n' ' '; echo
for path in /sys/class/net/lan/brif/*; do
    port=${path##*/}
    printf '%s is port %d of %s\n' "$port" "$(cat "$path/port_no")" "$(basename "$(readlink "/sys/class/net/$port/master")")"
done
[ -d /sys/class/net/lan/bridge ] && echo "a bridge, $(cat /sys/class/net/lan/bridge/stp_state)"
ip netns exec green nc -l -p 5201 > server.txt &
sleep 1
ip netns exec green ss -Htln | grep -o '^LISTEN'
i=0
while [ $i -lt 200 ]; do echo "line $i"; i=$((i + 1)); done | ip netns exec red nc -N 10.44.0.2 5201
wait
wc -l < server.txt
tail -n 1 server.txt
ip netns exec red ping -c 1 -w 2 10.44.0.3 > /dev/null && echo "red reaches blue"
ip link set sw-blue nomaster
ip netns exec red ping -c 1 -W 1 10.44.0.3 > /dev/null || echo "and no more: $?"
set -- $(ip -o link show master lan | awk -F'[ @:]+' '{print $2}')
echo "$# ports: $*"
rm -f server.txt
for ns in red green blue; do ip netns pids "$ns" | xargs -r kill; ip netns del "$ns"; done
ip link del lan
ip link | grep -c 'sw-' || true
