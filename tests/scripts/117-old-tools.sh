#!/bin/sh
# As in the days of net-tools and bridge-utils, with ip for namespaces only.
H="left right"
brctl addbr sw
ip link set sw type bridge mcast_snooping 0
ifconfig sw 10.50.0.254 netmask 255.255.255.0 up
i=1
for h in $H; do
    ip netns add $h
    ip link add $h-0 type veth peer name $h-1
    ip link set $h-1 netns $h
    brctl addif sw $h-0
    ifconfig $h-0 0.0.0.0 up
    ip netns exec $h ifconfig $h-1 10.50.0.$i/24 up
    ip netns exec $h ifconfig lo 127.0.0.1 up
    ip netns exec $h route add default gw 10.50.0.254 $h-1
    i=`expr $i + 1`
done
brctl show sw
ip netns exec left ping -c 1 -w 2 10.50.0.2 | grep transmitted
ip netns exec left arp -an | sed 's/at [0-9a-f:]*/at MAC/'
ip netns exec left arp -n | wc -l
ip netns exec left netstat -nr
ip netns exec left netstat -i | awk '{print $1, $2, $NF}'
ip netns exec left ifconfig left-1 mtu 1400
ip netns exec left ifconfig left-1 | head -2 | sed 's/ether.*//'
ip netns exec left ifconfig left-1:1 10.50.1.1 netmask 255.255.255.0 up
ip netns exec left ifconfig | grep -E '^[a-z]' | awk '{print $1, $2}'
ip netns exec left route -n
ip netns exec left route add -net 10.60.0.0 netmask 255.255.0.0 gw 10.50.0.2
ip netns exec left route add -host 10.61.0.1 dev left-1
ip netns exec left route add -net 10.62.0.0/16 reject
ip netns exec left route -n | tail -3
ip netns exec left ping -c 1 -W 1 10.62.0.1
echo "status $?"
ip netns exec left route del -net 10.60.0.0 netmask 255.255.0.0
ip netns exec left route del -net 10.60.0.0 netmask 255.255.0.0
echo "status $?"
ip netns exec left arp -s 10.50.0.77 02:00:00:00:00:77
ip netns exec left arp -n 10.50.0.77
ip netns exec left arp -d 10.50.0.77
ip netns exec left arp -n 10.50.0.77
echo "status $?"
ip netns exec left ifconfig left-1:1 down
ip netns exec left ifconfig left-1:1
ip netns exec left ifconfig nosuch
echo "status $?"
ip netns exec left ifconfig left-1 hw ether 02:00:00:00:00:aa
ip netns exec left cat /sys/class/net/left-1/address
ip netns exec left ifconfig left-1 down
ip netns exec left route -n | wc -l
brctl delif sw left-0
brctl delif sw left-0
echo "status $?"
brctl show
ifconfig sw down
brctl delbr sw
for h in $H; do ip netns delete $h; done
