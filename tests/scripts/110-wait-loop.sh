#!/bin/bash
# Waiting as scripts wait: for carriers, operstates, addresses, with a limit of tries.
wait_for() {
    local tries=$1 what=$2; shift 2
    for ((i = 0; i < tries; i++)); do
        if "$@" &> /dev/null; then
            echo "$what after a while"
            return 0
        fi
        sleep 0.1
    done
    echo "$what: timed out" >&2
    return 1
}
is_up() { ip netns exec "$1" timeout 5 bash -c "until [[ \$(< /sys/class/net/$2/operstate) == up ]]; do sleep 0.1; done"; }
has_addr() { ip -n "$1" -4 addr show dev "$2" | grep -q "inet "; }
ip netns add n1
ip netns add n2
ip link add e1 netns n1 type veth peer name e2 netns n2
is_up n1 e1; echo "without a peer that is up: $?"
( sleep 0.5; ip -n n1 link set e1 up; ip -n n2 link set e2 up ) &
setter=$!
is_up n1 e1; echo "carrier: $?"
wait "$setter"
ip -n n1 addr add 10.0.0.1/24 dev e1; ip -n n2 addr add 10.0.0.2/24 dev e2
wait_for 5 "address" has_addr n1 e1
wait_for 2 "route" ip -n n1 route get 10.9.9.9
wait_for 10 "ping" ip netns exec n1 ping -c1 -W1 10.0.0.2
ip netns exec n1 cat /sys/class/net/e1/{carrier,mtu,operstate,tx_queue_len,type}
ip netns exec n1 ls /sys/class/net
ip netns exec n1 sh -c 'test -d /sys/class/net/e1/brport; echo $?'
ip netns exec n1 sh -c 'test -e /sys/class/net/e9; echo $?'
if ! ip -n n1 link show e9 &> /dev/null; then echo "no e9"; fi
timeout 1 ip netns exec n1 ping 10.0.0.2 > /dev/null; echo "ended by timeout: $?"
ip netns exec n1 timeout 2 ping -q -i 0.5 10.0.0.2 | grep -o '[0-9]* packets transmitted'
ip netns pids n1
ip netns identify
ip netns exec n1 bash -c 'ip netns identify'
ip netns del n1; ip netns del n2
