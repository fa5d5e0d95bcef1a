#!/bin/bash
# Which ports of a host are open, and how a firewall changes that.

if [ "$(id -u)" -ne 0 ]; then echo "as root, please"; exit 1; fi
ip netns add scanner; ip netns add target
ip link add s0 netns scanner type veth peer name t0 netns target
ip -n scanner addr add 10.80.0.1/24 dev s0; ip -n target addr add 10.80.0.2/24 dev t0
ip -n scanner link set s0 up; ip -n target link set t0 up; ip -n target link set lo up
pids=()
for port in 22 80; do
    ip netns exec target nc -lk -p "$port" >/dev/null &
    pids+=($!)
done
sleep 0.2
scan() {
    local port
    for port in 21 22 80; do
        if ip netns exec scanner nc -z -w1 10.80.0.2 "$port" 2>/dev/null; then echo "$port open"; else echo "$port closed"; fi
    done
}
scan
ip netns exec target ss -tlnH | awk '{print $4}' | sort
ip netns exec target iptables -A INPUT -p tcp --dport 80 -j DROP
scan
ip netns exec target iptables -L INPUT -n | tail -1
kill "${pids[@]}"
wait
echo "servers ended"
