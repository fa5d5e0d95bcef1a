#!/bin/bash
# Options by getopts, names generated, a report as a table; everything computed.
usage() { echo "Usage: $0 [-n hosts] [-s subnet] [-v]" >&2; }
hosts=2 subnet=10.20.30 verbose=
set -- -n 4 -v -s 10.40.50
while getopts ":n:s:vh" opt; do
    case $opt in
        n) hosts=$OPTARG ;;
        s) subnet=$OPTARG ;;
        v) verbose=1 ;;
        h) usage; exit 0 ;;
        \?) usage; exit 64 ;;
    esac
done
shift $((OPTIND - 1))
say() { [ -n "$verbose" ] && echo "$@" || :; }
work=$(mktemp -d)
declare -a names=() macs=()
ip link add sw type bridge; ip link set sw up; ip addr add $subnet.254/24 dev sw
for i in $(seq 1 "$hosts"); do
    name=$(printf 'node%02d' "$i")
    names+=("$name")
    ip netns add "$name"
    ip link add "v$i" type veth peer eth0 netns "$name"
    ip link set "v$i" master sw up
    ip -n "$name" link set eth0 address "$(printf '02:00:0a:28:32:%02x' "$i")"
    ip -n "$name" -b - <<EOF
addr add $subnet.$i/24 dev eth0
link set eth0 up
link set lo up
route add default via $subnet.254
EOF
    macs+=("$(ip netns exec "$name" cat /sys/class/net/eth0/address)")
    say "created $name"
done
printf '%-8s %-18s %s\n' NAME MAC ADDRESS
for i in "${!names[@]}"; do
    printf '%-8s %-18s %s\n' "${names[$i]}" "${macs[$i]}" "$(ip -n "${names[$i]}" -br addr show eth0 | awk '{print $3}')"
done
pids=()
for n in "${names[@]}"; do
    ip netns exec "$n" ping -q -c 3 -i 0.2 $subnet.254 > "$work/$n" &
    pids+=($!)
done
fail=0
for p in "${pids[@]}"; do wait "$p" || ((fail++)); done
echo "failed: $fail"
for n in "${names[@]}"; do sed -n 's/.*\([0-9] received\).*/'"$n"' \1/p' "$work/$n"; done
rm -r "$work"
ip neigh show dev sw | awk '{print $1, $3}' | sort
mapfile -t routes < <(ip -n "${names[0]}" route show)
echo "${#routes[@]} routes, the first: ${routes[0]}"
ip -s neigh show dev sw | wc -l
ip -n node01 neigh flush all
ip -n node01 neigh show
for n in "${names[@]}"; do ip netns del "$n"; done
ip link del sw
ip link show sw
