#!/bin/bash
# Two jobs that build two networks at the same time.
build() {
    ip -n $1 link set lo up
    for i in 1 2 3; do
        ip -n $1 addr add $2.$i/32 dev lo
        sleep 0.2
    done
}
ip netns add p
ip netns add q
build p 10.1.0 &
build q 10.2.0 &
wait
ip -n p -4 -o addr show lo | awk '{print $4}' | sort
ip -n q -4 -o addr show lo | awk '{print $4}' | sort
ip netns list | sort
