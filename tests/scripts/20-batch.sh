#!/bin/bash
# Many commands at once, by ip -batch.
ip -batch - <<EOF
netns add q
link add v0 type veth peer name v1
link set v1 netns q
addr add 10.20.0.1/24 dev v0
link set v0 up
EOF
echo "status $?"
cat > batch.txt <<EOF
addr add 10.20.0.2/24 dev v1
link set v1 up
route add default via 10.20.0.1
EOF
ip -n q -b batch.txt
ip -batch - <<EOF
addr add 10.20.0.1/24 dev v0
link show nosuch
EOF
echo "status $?"
ip -force -batch - <<EOF
addr add 10.20.0.1/24 dev v0
addr add 10.21.0.1/24 dev v0
EOF
echo "status $?"
ping -c 1 10.20.0.2
rm batch.txt
