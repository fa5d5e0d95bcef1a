#!/bin/sh
# Names of hosts, networks and services in rules.
ip netns add r
ip netns exec r sh -c '
iptables -A INPUT -s localhost -d localhost/24
iptables -A INPUT ! -s localhost,10.0.0.1
iptables -A INPUT -s loopback/8 ! -d link-local/16
iptables -A INPUT -s 10.0.0.1,localhost
iptables -A INPUT -p udp --sport 22:http
iptables -A INPUT -p udp --dport ntp
iptables -A INPUT -p tcp --dport ssh:http
iptables -A INPUT -d nosuch.invalid
iptables -t nat -A OUTPUT -j DNAT --to-destination localhost
iptables -S
iptables -L
iptables -L -n
iptables -v -L INPUT 1 -Z
'
ip netns del r
