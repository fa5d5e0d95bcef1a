#!/bin/bash
# Work in parallel by xargs -P and export -f, traps for INT and TERM, a lock by flock, numbers by bc and printf.
shopt -s nullglob extglob
ping_one() { if ip netns exec prober ping -c1 -W1 -q "$1" > /dev/null; then echo "$1 up"; else echo "$1 down"; fi; }
export -f ping_one
ip netns add prober
ip link add lan0 type bridge
ip link set lan0 up
ip link add pr0 type veth peer name eth0 netns prober
ip link set pr0 master lan0; ip link set pr0 up
ip netns exec prober bash -c 'ip addr add 10.3.3.254/24 dev eth0; ip link set eth0 up'
for i in {1..4}; do
    (
        ip netns add "t$i"
        ip link add "t${i}p" type veth peer name eth0 netns "t$i"
        ip link set "t${i}p" master lan0 up
        (( i % 2 )) && ip -n "t$i" addr add "10.3.3.$i/24" dev eth0
        ip -n "t$i" link set eth0 up
    )
done
ip netns list | awk '{print $1}' | sort | paste -sd' '
printf '10.3.3.%d\n' 1 2 3 4 | xargs -P 4 -I{} bash -c 'ping_one {}' | sort
printf '%s\0' 10.3.3.1 10.3.3.3 | xargs -0 -n1 ip netns exec prober ping -c1 -W1 -q | grep -c '1 received'
lock=$(mktemp)
for i in 1 2 3; do
    ( flock 9; n=$(cat "$lock.n" 2>/dev/null || echo 0); ip netns exec prober ping -c1 -q 10.3.3.1 > /dev/null && echo $((n + 1)) > "$lock.n" ) 9> "$lock" &
done
wait; echo "counted $(cat "$lock.n")"
worker() {
    trap 'echo "worker: INT"; exit 130' INT
    trap 'echo "worker: TERM"; exit 143' TERM
    ip netns exec prober ping -i 0.5 10.3.3.1 > /dev/null & local p=$!
    trap 'kill $p 2>/dev/null' EXIT
    wait $p
}
worker & w=$!
sleep 1.5
kill -TERM $w; wait $w; echo "worker ended with $?"
rtt=$(ip netns exec prober ping -c3 -i0.2 10.3.3.3 | tail -1 | awk -F/ '{print ($5 < 50 ? "fast" : "slow")}'); echo "$rtt"
loss=$(ip netns exec prober ping -c4 -i0.2 -W1 10.3.3.2 | grep -oP '\d+(?=% packet loss)'); echo "loss $loss"
echo "scale=1; $loss / 2" | bc
printf '%-10s|%5d|%s\n' row "$loss" "$(ip -o link show master lan0 | wc -l)"
case $(ip -n t1 -o -4 addr show eth0) in *10.3.3.1/24*) echo yes ;; *) echo no ;; esac
[[ "$(ip -br link show lan0)" == *([! ])+( )@(UP|UNKNOWN)* ]] && echo "bridge is up"
timeout 2.5 bash -c 'until ip netns exec prober ping -c1 -W1 10.3.3.4 > /dev/null; do :; done' || echo "gave up: $?"
rm -f "$lock" "$lock.n"
ip link del lan0
ip -all netns delete
