#!/bin/bash
# A firewall's exercise: policies, chains of one's own, tests that are tables, columns by awk.
ip netns add in; ip netns add fw; ip netns add out
ip link add i0 netns in type veth peer name f0 netns fw
ip link add o0 netns out type veth peer name f1 netns fw
ip -n in addr add 192.168.7.2/24 dev i0; ip -n fw addr add 192.168.7.1/24 dev f0
ip -n out addr add 203.0.113.2/24 dev o0; ip -n fw addr add 203.0.113.1/24 dev f1
for p in in:i0 fw:f0 fw:f1 out:o0 in:lo fw:lo out:lo; do ip -n ${p%:*} link set ${p#*:} up; done
ip -n in route add default via 192.168.7.1
ip netns exec fw sysctl -q net.ipv4.ip_forward=1
alias fwx='ip netns exec fw'
F() { ip netns exec fw iptables "$@"; }
F -P FORWARD DROP
F -N LOGDROP
F -A LOGDROP -m limit --limit 5/min -j RETURN
F -A LOGDROP -j DROP
F -A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT
F -A FORWARD -i f0 -o f1 -p icmp -j ACCEPT
F -A FORWARD -i f0 -o f1 -p tcp -m multiport --dports 80,443 -j ACCEPT
F -A FORWARD -i f0 -p tcp --dport 22 -j REJECT --reject-with tcp-reset
F -A FORWARD -j LOGDROP
F -t nat -A POSTROUTING -s 192.168.7.0/24 -o f1 -j MASQUERADE
ip netns exec out nc -lk -p 80 > /dev/null & s80=$!
ip netns exec out nc -lk -p 22 > /dev/null & s22=$!
ip netns exec out nc -lk -p 25 > /dev/null & s25=$!
sleep 0.5
while read -r name expected command; do
    if eval "ip netns exec in $command" > /dev/null 2>&1; then got=open; else got=closed; fi
    [ "$got" = "$expected" ] && verdict=ok || verdict="NOT ok"
    printf '%-6s %-7s %s\n' "$name" "$got" "$verdict"
done <<'TESTS'
icmp open ping -c1 -W1 203.0.113.2
web open nc -z -w1 203.0.113.2 80
ssh closed nc -z -w1 203.0.113.2 22
mail closed nc -z -w1 203.0.113.2 25
TESTS
ip netns exec out ping -c1 -W1 192.168.7.2; echo "from outside: $?"
F -L FORWARD -n | awk 'NR > 2 {print $1, $2, $4}'
F -S | sed -n '1,6p'
F -t nat -L POSTROUTING -n --line-numbers
F -D FORWARD 9; echo "no such rule: $?"
F -C FORWARD -j LOGDROP && echo "it is there"
F -I FORWARD 1 -s 10.0.0.0/33 -j DROP; echo "bad mask: $?"
F-X 2>/dev/null; F -X LOGDROP; echo "in use: $?"
ip netns exec fw iptables-save -t filter | grep -v '^#' | sed 's/\[[0-9:]*\]//'
kill $s80 $s22 $s25; wait 2>/dev/null
ip -all netns del
