#!/bin/bash
# A tool of one's own: subcommands, checks, and errors that the kernel gives.

usage() { echo "usage: lab up|down|status"; return 2; }

lab() {
    case "${1:-}" in
    up)
        sudo ip netns add left && sudo ip netns add right || return 1
        sudo ip link add l0 netns left type veth peer name r0 netns right || return 1
        eval "sudo ip -n left addr add 10.60.0.1/30 dev l0; sudo ip -n right addr add 10.60.0.2/30 dev r0"
        sudo ip -n left link set l0 up
        sudo ip -n right link set r0 up
        ;;
    down)
        sudo ip netns del left
        sudo ip netns del right
        ;;
    status)
        if sudo ip netns list | grep -q '^left'; then
            sudo ip netns exec left ping -c1 -q 10.60.0.2 | grep transmitted
        else
            echo "down"
        fi
        ;;
    *) usage ;;
    esac
}

lab status
lab up; echo "up: $?"
lab up; echo "up again: $?"
lab status
lab nonsense; echo "nonsense: $?"
lab down; echo "down: $?"
lab down; echo "down again: $?"
lab status
