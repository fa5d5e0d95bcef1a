#!/bin/bash
# A report of all pairs.
for n in a b c; do ip netns add $n; done
ip link add name br0 type bridge
ip link set dev br0 up
i=0
for n in a b c; do
    i=$((i + 1))
    ip link add v$n type veth peer name eth0 netns $n
    ip link set v$n master br0 up
    ip -n $n addr add 10.11.0.$i/24 dev eth0
    ip -n $n link set eth0 up
    ip -n $n link set lo up
done
printf '%-4s' ''
for n in a b c; do printf '%-4s' $n; done
printf '\n'
for from in a b c; do
    printf '%-4s' $from
    for to in 1 2 3; do
        if ip netns exec $from ping -c 1 -W 1 10.11.0.$to > /dev/null 2>&1; then printf '%-4s' +; else printf '%-4s' -; fi
    done
    printf '\n'
done
