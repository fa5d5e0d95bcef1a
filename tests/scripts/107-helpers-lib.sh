#!/bin/bash
# Selftest style: a tiny library, PASS and FAIL lines, an exit status that counts.
NSA=ns-a-$$ NSB=ns-b-$$
NSA=${NSA//$$/x}; NSB=${NSB//$$/x}
ret=0
nsuccess=0 nfail=0
log_test() {
    local rc=$1 expected=$2 msg="$3"
    if [ ${rc} -eq ${expected} ]; then
        nsuccess=$((nsuccess+1))
        printf "    TEST: %-50s [ OK ]\n" "${msg}"
    else
        ret=1; nfail=$((nfail+1))
        printf "    TEST: %-50s [FAIL]\n" "${msg}"
    fi
}
run_cmd() {
    local cmd="$*" out rc
    out=$(eval $cmd 2>&1); rc=$?
    [ -n "$out" ] && echo "$out" | sed 's/^/        /'
    return $rc
}
setup() {
    set -e
    ip netns add $NSA
    ip netns add $NSB
    ip -netns $NSA link set dev lo up
    ip -netns $NSB link set dev lo up
    ip -netns $NSA link add veth1 type veth peer name veth2
    ip -netns $NSA link set veth2 netns $NSB
    ip -netns $NSA address add 172.16.1.1/24 dev veth1
    ip -netns $NSB address add 172.16.1.2/24 dev veth2
    ip -netns $NSA link set veth1 up
    ip -netns $NSB link set veth2 up
    set +e
}
cleanup() { ip netns del $NSA 2>/dev/null; ip netns del $NSB 2>/dev/null; }
trap cleanup EXIT INT TERM
setup
run_cmd "ip netns exec $NSA ping -c1 -w1 172.16.1.2 >/dev/null"; log_test $? 0 "ping"
run_cmd "ip -netns $NSA ro add 172.16.2.0/24 via 172.16.1.2"; log_test $? 0 "add route"
run_cmd "ip -netns $NSA ro add 172.16.2.0/24 via 172.16.1.2"; log_test $? 2 "add route again"
run_cmd "ip -netns $NSA ro add 172.16.3.0/24 via 172.16.9.9"; log_test $? 2 "gateway that is not on a link"
run_cmd "ip -netns $NSA ro change 172.16.2.0/24 via 172.16.1.2 metric 20"; log_test $? 2 "change of what is not there"
run_cmd "ip -netns $NSA ro append 172.16.2.0/24 via 172.16.1.3"; log_test $? 0 "append"
run_cmd "ip -netns $NSA ro ls match 172.16.2.1"; log_test $? 0 "list match"
run_cmd "ip -netns $NSA ro del 172.16.2.0/24 via 172.16.1.9"; log_test $? 2 "delete with other gateway"
run_cmd "ip -netns $NSA ro del 172.16.2.0/24"; log_test $? 0 "delete first"
run_cmd "ip -netns $NSA ro flush 172.16.2.0/24"; log_test $? 0 "flush"
run_cmd "ip -netns $NSA ro flush table 999"; log_test $? 0 "flush empty table"
run_cmd "ip -netns $NSA nexthop add id 1 via 172.16.1.2 dev veth1"; log_test $? 0 "nexthop"
run_cmd "ip -netns $NSA nexthop add id 1 via 172.16.1.2 dev veth1"; log_test $? 2 "nexthop again"
run_cmd "ip -netns $NSA nexthop add id 2 group 1/7"; log_test $? 2 "group of a stranger"
run_cmd "ip -netns $NSA ro add 172.16.5.0/24 nhid 1"; log_test $? 0 "route by nexthop"
run_cmd "ip -netns $NSA ro get 172.16.5.5 fibmatch"; log_test $? 0 "fibmatch"
run_cmd "ip -netns $NSA ru add from 172.16.1.1 lookup 100 pref 500"; log_test $? 0 "rule"
run_cmd "ip -netns $NSA ru del pref 501"; log_test $? 2 "no such rule"
run_cmd "ip -netns $NSA addr add 172.16.1.1/24 dev veth1"; log_test $? 2 "address again"
run_cmd "ip -netns $NSA addr add 172.16.1.300/24 dev veth1"; log_test $? 1 "no address"
run_cmd "ip -netns $NSA link set dev veth1 mtu 10"; log_test $? 2 "mtu"
run_cmd "ip -netns $NSA link add veth1 type veth"; log_test $? 2 "name taken"
run_cmd "ip -netns $NSA link show nosuch"; log_test $? 1 "no device"
run_cmd "ip -netns nosuch link show"; log_test $? 1 "no namespace"
run_cmd "ip -netns $NSA route show table all"; log_test $? 0 "all tables"
printf "\nTests passed: %3d\nTests failed: %3d\n" ${nsuccess} ${nfail}
exit $ret
