#!/bin/bash
# set -x with its own descriptor, traps for DEBUG, ERR and EXIT, local -n, printf -v, arrays of functions, select by name.
exec 7> trace.log
BASH_XTRACEFD=7 PS4='+${FUNCNAME[0]:-main}:$LINENO '
declare -A LINKS=([a]=10.1.1.1/30 [b]=10.1.1.2/30)
order=(a b)
steps=(make address raise check tear)
make() { for n in "${order[@]}"; do ip netns add "ns-$n"; done; ip link add to-b netns ns-a type veth peer name to-a netns ns-b; }
other() { local -n out=$1; [[ $2 == a ]] && out=b || out=a; }
address() { local o; for n in "${order[@]}"; do other o "$n"; ip -n "ns-$n" addr add "${LINKS[$n]}" dev "to-$o"; done; }
raise() { local o; for n in "${order[@]}"; do other o "$n"; ip -n "ns-$n" link set dev "to-$o" up; done; sleep 1.1; }
check() {
    local text n
    for n in "${order[@]}"; do
        printf -v text '%-6s %s' "$n" "$(ip -n "ns-$n" -4 -br addr show up | tr -s ' ')"
        echo "$text"
    done
    ip netns exec ns-a ping -c 1 -W 1 "${LINKS[b]%/*}" > /dev/null; echo "ping $?"
    ip -n ns-a route get 10.9.9.9; echo "route get: $?"
}
tear() { ip -all netns del; }
set -E
trap 'echo "ERR in ${FUNCNAME[0]:-main}: $?"' ERR
trap 'set +x; echo "EXIT $?"; grep -c "^+make" trace.log; rm -f trace.log' EXIT
set -x
for step in "${steps[@]}"; do "$step"; done
set +x
ip link show dev nosuch 2>/dev/null
ip -n ns-a link 2>&1 | sed 's/^/  | /'
{ ip link show lo; ip link show nosuch; } 2>&1 >/dev/null | sed 's/^/err: /'
(exit 7)
false || echo "and went on"
count=0; while ((count++ < 3)); do ((count == 2)) && continue; echo "round $count"; done
echo done
