#!/bin/bash
# Rules kept in a file and put back, as set-ups do it.
ip netns add gw
ip netns exec gw iptables -P FORWARD DROP
ip netns exec gw iptables -A FORWARD -i lan -o wan -j ACCEPT
ip netns exec gw iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
ip netns exec gw iptables -t nat -A POSTROUTING -o wan -j MASQUERADE
plain() { grep -v '^#'; }
ip netns exec gw iptables-save | plain
ip netns exec gw iptables-save -t nat | plain
rules=$(ip netns exec gw iptables-save)
ip netns exec gw iptables -F
ip netns exec gw iptables -t nat -F
ip netns exec gw iptables-save | plain
echo "$rules" | ip netns exec gw iptables-restore
ip netns exec gw iptables -S
ip netns exec gw iptables -t nat -S POSTROUTING
ip netns exec gw iptables-save -c | plain
iptables-save | plain
iptables -A INPUT -p icmp -j ACCEPT
iptables-save | plain
printf '*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n' | iptables-restore --noflush
iptables -S
printf '*filter\n-A INPUT -p tcp --dport 80 -j\nCOMMIT\n' | iptables-restore
echo "status $?"
iptables-restore --nonsense </dev/null
echo "status $?"
