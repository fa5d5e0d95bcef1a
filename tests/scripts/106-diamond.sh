#!/bin/bash
# Four routers in a diamond: two ways, metrics decide, the better one is cut.
topo="r1:r2:10.0.12 r1:r3:10.0.13 r2:r4:10.0.24 r3:r4:10.0.34"
seen=""
for l in $topo; do
    IFS=: read -r a b net <<EOF
$l
EOF
    for n in $a $b; do
        case " $seen " in
            *" $n "*) ;;
            *) ip netns add $n; ip -n $n link set lo up
               ip netns exec $n sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
               seen="$seen $n" ;;
        esac
    done
    ip link add $a-$b type veth peer name $b-$a
    ip link set $a-$b netns $a; ip link set $b-$a netns $b
    ip -n $a addr add $net.1/24 dev $a-$b; ip -n $b addr add $net.2/24 dev $b-$a
    ip -n $a link set $a-$b up; ip -n $b link set $b-$a up
done
ip -n r4 addr add 4.4.4.4/32 dev lo
ip -n r1 route add 4.4.4.4 via 10.0.12.2 metric 100
ip -n r1 route add 4.4.4.4 via 10.0.13.2 metric 200
ip -n r2 route add 4.4.4.4 via 10.0.24.2
ip -n r3 route add 4.4.4.4 via 10.0.34.2
ip -n r4 route add 10.0.12.0/24 via 10.0.24.1
ip -n r4 route add 10.0.13.0/24 via 10.0.34.1
ip -n r1 route show 4.4.4.4
ip netns exec r1 ping -c 2 -i 0.2 -I 10.0.12.1 4.4.4.4
ip netns exec r1 traceroute -n -w 1 -q 1 4.4.4.4
ip -n r1 link set r1-r2 down
ip -n r1 route show 4.4.4.4
ip -n r1 route get 4.4.4.4
ip netns exec r1 traceroute -n -w 1 -q 1 4.4.4.4
while read -r line; do echo "r4: $line"; done < <(ip -n r4 route show)
diff <(ip -n r2 -br link | awk '{print $2}') <(ip -n r3 -br link | awk '{print $2}') && echo same
ip -n r1 link set r1-r2 up
ip -n r1 route replace 4.4.4.4 via 10.0.12.2 metric 50
ip -n r1 route get 4.4.4.4 | sed 's/ uid.*//' | head -1
ip -j -n r1 route show 4.4.4.4 | python3 -c 'import json,sys; print([(r["gateway"], r["metric"]) for r in json.load(sys.stdin)])'
for n in $seen; do ip netns delete $n; done
