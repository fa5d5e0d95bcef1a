#!/usr/bin/env bash
# set -euo pipefail, getopts, mktemp, sourcing another file, output that is copied by tee.
set -euo pipefail
IFS=$'\n\t'
work=$(mktemp -d)
log="$work/run.log"
exec > >(tee -a "$log") 2>&1
cat > "$work/lib.sh" <<'LIB'
die() { echo "error: $*" >&2; exit 1; }
need() { command -v "$1" > /dev/null || die "no $1"; }
ns() { ip netns exec "$@"; }
link_pair() { # NS1 IF1 NS2 IF2
    ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
    ip -n "$1" link set "$2" up
    ip -n "$3" link set "$4" up
}
LIB
# shellcheck source=/dev/null
source "$work/lib.sh"
need ip; need ping
count=3 prefix=10.50
while getopts ":n:p:h" opt; do
    case $opt in
        n) count=$OPTARG ;;
        p) prefix=$OPTARG ;;
        h) echo "usage: $0 [-n COUNT] [-p PREFIX]"; exit 0 ;;
        :) die "-$OPTARG takes a value" ;;
        *) die "no such option: -$OPTARG" ;;
    esac
done
declare -A address=()
ip netns add core
cleanup() {
    local status=$?
    trap - EXIT
    ip -all netns del || true
    echo "cleaned up after $status"
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'echo "line failed: $BASH_COMMAND"' ERR
for ((i = 1; i <= count; i++)); do
    ip netns add "leaf$i"
    link_pair core "to$i" "leaf$i" eth0
    ip -n core addr add "$prefix.$i.254/24" dev "to$i"
    address[leaf$i]="$prefix.$i.1"
    ip -n "leaf$i" addr add "${address[leaf$i]}/24" dev eth0
    ip -n "leaf$i" route add default via "$prefix.$i.254"
done
ns core sysctl -qw net.ipv4.ip_forward=1
for name in "${!address[@]}"; do echo "$name ${address[$name]}"; done | sort
for from in leaf1 leaf2; do
    for to in "${address[leaf3]}" "$prefix.9.9"; do
        if ns "$from" ping -q -c1 -W1 "$to" > /dev/null; then echo "$from -> $to ok"; else echo "$from -> $to no: $?"; fi
    done
done
ns core ip -4 -o addr show scope global | awk '{print $2, $4}' | column -t
ns leaf1 ip route get "${address[leaf3]}" | head -n1
ns leaf1 ip route | while read -r dest rest; do echo "[$dest] $rest"; done
(ns leaf1 ping -c1 -W1 "$prefix.2.77" > /dev/null && echo reached) || echo "pipe says $?"
ns leaf1 ip link show nosuch | cat
echo "never said"
