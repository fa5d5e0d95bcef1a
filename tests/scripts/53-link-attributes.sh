#!/bin/bash
# Names, aliases, MACs, groups, queues.
ip netns add g
ip -n g link add one type veth peer name two
ip -n g link set one address 02:00:00:00:00:11
ip -n g link set one alias "the first"
ip -n g link set one group 7
ip -n g link set one txqueuelen 500
ip -n g link show one
ip -n g link set one address 01:00:00:00:00:11
ip -n g link set one name averyveryverylongname
ip -n g link show group 7
ip -n g link set one down name uno
ip -n g link show uno
ip -n g link set uno promisc on
ip -n g link show uno | head -n 1
ip -n g link set uno multicast off
ip -n g link show uno | head -n 1
