#!/bin/bash
# A loop in the background that looks whether somebody answers, until a trap ends it.

set -o pipefail
declare -A addr=([a]=10.40.0.1 [b]=10.40.0.2)
ip netns add a; ip netns add b
ip link add va netns a type veth peer name vb netns b
for n in "${!addr[@]}"; do
    ip -n "$n" addr add "${addr[$n]}/24" dev "v$n"
    ip -n "$n" link set "v$n" up
done

watchdog() {
    local misses=0
    trap 'echo "watchdog: $misses misses"; exit 0' TERM
    while true; do
        if ! ip netns exec a ping -c1 -W1 -q "${addr[b]}" >/dev/null; then
            ((misses++))
        fi
        sleep 1
    done
}
watchdog &
pid=$!
sleep 3.5
ip -n b link set vb down
sleep 4
ip -n b link set vb up
sleep 2.5
kill "$pid"
wait "$pid"
echo "ended with $?"
jobs
