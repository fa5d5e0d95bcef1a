#!/bin/sh
# Plain queues, and what tc says to those who mistype.
ip link add a0 type veth peer name a1
ip link set a0 up
ip link set a1 up
tc qdisc add dev a0 root handle 1: pfifo limit 100
tc qdisc show dev a0
tc qdisc add dev a0 root handle 1: pfifo limit 200 2>&1
tc qdisc change dev a0 root handle 1: pfifo limit 200 && tc qdisc show dev a0
tc qdisc replace dev a0 root bfifo limit 64kb; tc qdisc show dev a0 | cut -d' ' -f2,7
tc qdisc add dev a0 root tbf rate 1mbit 2>&1 | head -1
tc qdisc add dev a0 root tbf rate fast burst 10k latency 1ms
tc qdisc add dev nowhere root pfifo || echo "status $?"
tc qdisc add dev a0 parent 5:1 pfifo || echo "status $?"
tc qdisc del dev a0 root handle 9: || echo "status $?"
tc qdisc add dev a0 root sillyq || echo "status $?"
tc class add dev a0 parent 1: classid 1:1 htb rate 1mbit || echo "status $?"
tc qdisc del dev a0 root
for kind in pfifo bfifo pfifo_fast pfifo_head_drop noqueue; do
    tc qdisc add dev a0 root $kind && tc qdisc show dev a0 | awk '{print $2}' && tc qdisc del dev a0 root
done
ip link set a0 down
tc qdisc show dev a0
