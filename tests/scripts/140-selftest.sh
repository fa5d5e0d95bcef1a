#!/bin/bash
# In the manner of the kernel's selftests: tests as functions, a table of results, cleanup by trap, retries.
set -u
readonly A=left B=right
ret=0; npass=0; nfail=0
declare -a FAILED=()
VERBOSE=${VERBOSE:-0}

log_test() {
    local rc=$1 expected=$2 msg=$3
    if [ "$rc" -eq "$expected" ]; then
        printf "TEST: %-50s [ OK ]\n" "$msg"; npass=$((npass + 1))
    else
        printf "TEST: %-50s [FAIL]\n" "$msg"; nfail=$((nfail + 1)); ret=1; FAILED+=("$msg")
    fi
}
run_cmd() {
    local out rc
    out=$(eval "$* 2>&1"); rc=$?
    [ "$VERBOSE" = 1 ] && [ -n "$out" ] && printf '    %s\n' "$out"
    return $rc
}
setup() {
    ip netns add "$A" && ip netns add "$B" || exit 4
    ip -n "$A" link add v0 type veth peer name v1 netns "$B"
    ip -n "$A" addr add 172.16.1.1/24 dev v0
    ip -n "$B" addr add 172.16.1.2/24 dev v1
    for pair in "$A v0" "$B v1"; do
        set -- $pair
        ip -netns "$1" link set dev lo up
        ip -netns "$1" link set dev "$2" up
    done
}
cleanup() {
    local ns
    for ns in "$A" "$B"; do ip netns del "$ns" 2>/dev/null; done
}
busywait() {
    local limit=$1; shift
    local i=0
    until "$@"; do
        i=$((i + 1)); [ "$i" -ge "$limit" ] && return 1
        sleep 0.1
    done
}
has_neigh() { ip -n "$A" neigh show dev v0 | grep -q "172.16.1.2 lladdr"; }
is_up() { [ "$(ip netns exec "$1" cat "/sys/class/net/$2/operstate")" = up ]; }
trap cleanup EXIT
setup
busywait 50 is_up "$A" v0; log_test $? 0 "carrier"
run_cmd "ip netns exec $A ping -c1 -W1 172.16.1.2"; log_test $? 0 "ping"
busywait 20 has_neigh; log_test $? 0 "neighbour"
VERBOSE=1 run_cmd "ip -n $A route add 172.16.2.0/24 via 172.16.3.1"; log_test $? 2 "gateway that is not reachable"
VERBOSE=1 run_cmd "ip -n $A route add 172.16.2.0/24 via 172.16.1.2 metric 10"; log_test $? 0 "gateway that is"
VERBOSE=1 run_cmd "ip -n $A route append 172.16.2.0/24 via 172.16.1.3 metric 10"; log_test $? 0 "one more"
VERBOSE=1 run_cmd "ip -n $A route show match 172.16.2.9"
[ "$(ip -n "$A" route show 172.16.2.0/24 | wc -l)" -eq 2 ]; log_test $? 0 "both are there"
VERBOSE=1 run_cmd "ip -n $A route replace 172.16.2.0/24 dev v0 metric 10"
VERBOSE=1 run_cmd "ip -n $A route get fibmatch 172.16.2.9"; log_test $? 0 "fib match"
VERBOSE=1 run_cmd "ip -n $A -4 route del 172.16.9.0/24"; log_test $? 2 "no such route"
ip -n "$B" link set v1 down
busywait 50 eval '! is_up "$A" v0'; log_test $? 0 "the peer goes down"
ip -n "$A" -br link show v0 | awk '{print $2}'
VERBOSE=1 run_cmd "ip -n $A route show"
printf "\nTests passed: %3d\nTests failed: %3d\n" "$npass" "$nfail"
((${#FAILED[@]})) && printf ' - %s\n' "${FAILED[@]}"
exit $ret
