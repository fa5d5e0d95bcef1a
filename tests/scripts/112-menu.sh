#!/bin/bash
# A lab's control script: start, status, stop, by subcommands; it calls itself.
usage() { cat <<EOF
usage: $(basename "$0" | sed 's/.*/lab/') {start|stop|status|exec NS CMD...}
EOF
exit 2; }
NODES="h1 h2 h3"
start() {
    ip link add labbr type bridge stp_state 0 forward_delay 0
    ip link set labbr up
    local i=0
    for h in $NODES; do
        i=$((i+1))
        ip netns add $h || return 1
        ip link add $h-v type veth peer name eth0 netns $h
        ip link set $h-v master labbr
        ip link set $h-v up
        ip netns exec $h sh -e <<SH
ip link set lo up
ip link set eth0 up
ip address add 10.77.0.$i/24 broadcast 10.77.0.255 dev eth0
SH
    done
}
stop() { for h in $NODES; do ip netns del $h; done; ip link del labbr; }
status() {
    local h up=0
    for h in $NODES; do
        [[ -e /var/run/netns/$h ]] && up=$((up + 1))
    done
    echo "$up namespaces"
    ip -o link show type bridge | sed 's/link\/ether.*//'
    ip -o -4 addr show dev labbr
    ip link show master labbr 2>&1 | grep -oE '^[0-9]+: h[0-9]-v' | wc -l
}
main() {
    case "${1:-}" in
        start) start ;;
        stop) stop ;;
        status) status ;;
        exec) shift; ip netns exec "$@" ;;
        *) usage ;;
    esac
}
(main); echo "-> $?"
main status
main start
main start; echo "-> $?"
main status
main exec h1 ping -c1 10.77.0.3
main exec h9 true; echo "-> $?"
main exec h1 false; echo "-> $?"
main exec h1 nosuchprogram; echo "-> $?"
main exec; echo "-> $?"
for a in $NODES; do for b in 1 2 3; do
    main exec $a ping -q -c 1 -W 1 10.77.0.$b &>/dev/null && echo -n "." || echo -n "X"
done; done; echo
main stop
main stop
main status
