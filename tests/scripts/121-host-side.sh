#!/bin/bash
# One namespace reached from the host, with a name in /etc/hosts and its own resolver file.
NS=app; HOSTIP=192.168.240.1; NSIP=192.168.240.2
sudo ip netns add $NS
sudo mkdir -p /etc/netns/$NS
echo "nameserver 9.9.9.9" | sudo tee /etc/netns/$NS/resolv.conf > /dev/null
sudo ip link add v-host type veth peer name v-app
sudo ip link set v-app netns $NS
sudo ip addr add $HOSTIP/24 dev v-host && sudo ip link set v-host up
sudo ip netns exec $NS ip addr add $NSIP/24 dev v-app
sudo ip netns exec $NS ip link set v-app up
sudo ip netns exec $NS ip link set lo up
sudo ip netns exec $NS ip route add default via $HOSTIP
sudo ip netns exec $NS cat /etc/resolv.conf
echo "$NSIP app.lab app" | sudo tee -a /etc/hosts > /dev/null
ping -c 1 app | sed -n 1,2p | sed 's/time=.*//'
ping -c 1 -n app.lab | sed -n 2p | sed 's/time=.*//'
getent hosts app
sudo ip netns exec $NS python3 -m http.server --bind 0.0.0.0 80 &> /dev/null &
SRV=$!
sleep 2
curl -s -o /dev/null -w "%{http_code} %{remote_ip}\n" http://app/
curl -s http://$NSIP:81/; echo "refused: $?"
curl -s --connect-timeout 1 http://192.168.240.77/; echo "nobody: $?"
sudo ip netns exec $NS ss -tln sport = :80 | tail -1 | awk '{print $1, $4}'
sudo ip netns exec $NS iptables -A INPUT -p tcp --dport 80 -s $HOSTIP -j REJECT
curl -s http://$NSIP/; echo "rejected: $?"
sudo ip netns exec $NS iptables -L INPUT -n --line-numbers
sudo ip netns exec $NS iptables -D INPUT 1
sudo ip netns exec $NS iptables -D INPUT 1; echo "status $?"
sudo kill $SRV; wait $SRV 2> /dev/null
ip route get $NSIP | head -1
ip neigh show dev v-host | awk '{print $1, $2, $NF}' | sed 's/DELAY\|STALE\|REACHABLE/known/'
sudo ip link del v-host
sudo ip netns exec $NS ip link | grep -c v-app
sudo ip netns del $NS
sudo rm -r /etc/netns/$NS
ping -c 1 -W 1 app; echo "status $?"
