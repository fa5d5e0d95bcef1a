#!/bin/bash
# A dispatcher by case, with [[ ]] and a usage line.
action=${1:-up}
case "$action" in
    up)
        ip netns add lab
        ip -n lab link set lo up
        ;;
    down) ip netns del lab ;;
    *) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
if [[ $(ip netns list) == lab* ]]; then echo "lab is there"; fi
[[ -e /var/run/netns/lab ]] && echo "and its file"
[[ -e /run/netns/other ]] || echo "no other"
