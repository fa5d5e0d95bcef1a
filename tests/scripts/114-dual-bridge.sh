#!/bin/bash
# Two switches with two cables between them: spanning tree keeps one of them silent; then bridge tools of both kinds.
shopt -s extglob
echo "== building"
for s in sw1 sw2; do
    sudo ip netns add $s
    sudo ip netns exec $s brctl addbr br0
    sudo ip netns exec $s brctl stp br0 on
    sudo ip netns exec $s brctl setfd br0 2
    sudo ip netns exec $s brctl sethello br0 1
    sudo ip netns exec $s brctl setmaxage br0 6
done
sudo ip netns exec sw1 brctl setbridgeprio br0 4096
for i in 1 2; do
    sudo ip link add t$i-1 type veth peer name t$i-2
    sudo ip link set t$i-1 netns sw1
    sudo ip link set t$i-2 netns sw2
    sudo ip netns exec sw1 brctl addif br0 t$i-1
    sudo ip netns exec sw2 brctl addif br0 t$i-2
    sudo ip netns exec sw1 ip link set t$i-1 address 02:00:00:00:01:0$i up
    sudo ip netns exec sw2 ip link set t$i-2 address 02:00:00:00:02:0$i up
done
sudo ip netns exec sw1 ip link set br0 up
sudo ip netns exec sw2 ip link set br0 up
sleep 15
state() { sudo ip netns exec $1 bridge link show dev $2 | grep -oE 'state [a-z]+'; }
for p in "sw1 t1-1" "sw1 t2-1" "sw2 t1-2" "sw2 t2-2"; do echo "$p: $(state $p)"; done
sudo ip netns exec sw2 bridge -d link show dev t1-2
sudo ip netns exec sw2 brctl showstp br0 | sed -n '1,8p' | sed 's/[ \t]*$//'
sudo ip netns exec sw1 brctl showmacs br0 | awk '$3 == "yes" {print $2}'
sudo ip netns exec sw1 ip -d link show br0 | grep -oE '(stp_state|priority|forward_delay|hello_time|max_age) [0-9]+'
sudo ip netns exec sw1 ip link set t1-1 down
sleep 15
for p in "sw1 t2-1" "sw2 t1-2" "sw2 t2-2"; do echo "$p: $(state $p)"; done
sudo ip netns exec sw2 brctl setpathcost br0 t2-2 50
sudo ip netns exec sw2 brctl setportprio br0 t2-2 16
sudo ip netns exec sw2 brctl setageing br0 60
sudo ip netns exec sw2 brctl hairpin br0 t2-2 on
sudo ip netns exec sw2 bridge -d link show dev t2-2
sudo ip netns exec sw2 cat /sys/class/net/br0/bridge/{stp_state,ageing_time,forward_delay,priority}
sudo ip netns exec sw2 cat /sys/class/net/t2-2/brport/{path_cost,priority,state,hairpin_mode}
sudo ip netns exec sw2 brctl delif br0 t2-2
sudo ip netns exec sw2 brctl delbr br0; echo "status $?"
sudo ip netns exec sw2 ip link set br0 down
sudo ip netns exec sw2 brctl delbr br0; echo "status $?"
sudo ip netns del sw1; sudo ip netns del sw2
