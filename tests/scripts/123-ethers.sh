#!/bin/sh
# Static neighbours from a file, as arp reads it, and what becomes of them.
cd "$(mktemp -d)" || exit 1
ip netns add pc
ip netns add peer
ip link add eth0 netns pc type veth peer name eth0 netns peer
ip -n pc addr add 10.3.0.1/24 dev eth0
ip -n peer addr add 10.3.0.2/24 dev eth0
ip -n peer link set eth0 address 02:00:00:00:03:02
ip -n pc link set eth0 up
ip -n peer link set eth0 up
cat > ethers <<EOF
10.3.0.2 02:00:00:00:03:02
# what comes and goes

10.3.0.3 02:00:00:00:03:03 temp
nonsense
10.3.0.4 zz:00
192.0.2.1 02:00:00:00:00:01
EOF
ip netns exec pc arp -f ethers; echo "status $?"
ip netns exec pc arp -n | sort
ip netns exec pc ip neigh show | sort
ip netns exec pc ping -c 1 10.3.0.2 | sed -n 2p | sed 's/time=.*//'
ip -n peer link set eth0 arp off
ip netns exec pc ping -c 1 -W 1 10.3.0.2 > /dev/null; echo "without ARP there: $?"
ip -n peer neigh show
ip netns exec pc arp -vf ethers
ip netns exec pc arp -f nothing; echo "status $?"
ip netns exec pc arp -f; echo "status $?"
echo '10.3.0.9 02:00:00:00:03:09 pub bogus' > ethers
ip netns exec pc arp -f ethers > /dev/null 2>&1; echo "status $?"
ip netns exec pc arp -v -s 10.3.0.10 02:00:00:00:03:10
ip netns exec pc arp -d 10.3.0.10
ip netns del pc
ip netns del peer
rm -r "$PWD"
