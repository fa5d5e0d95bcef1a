#!/bin/bash
# Commands that are made by a program and handed to ip -batch, bridge -batch and tc -batch, with errors on the way.
{
    echo "netns add hub"
    for i in 1 2 3; do echo "netns add spoke$i"; done
    echo
    echo "# a comment"
} | ip -batch - ; echo "status $?"
gen() {
    echo "link add name sw type bridge forward_delay 0"
    for i in $(seq 1 3); do
        printf 'link add p%d type veth peer name eth0 netns spoke%d\n' "$i" "$i"
        printf 'link set dev p%d master sw up\n' "$i"
    done
    echo "link set sw up"
    echo "addr add 10.20.0.254/24 dev sw"
}
gen | ip -n hub -b /dev/stdin; echo "status $?"
cd "$(mktemp -d)"; file=batch.txt
for i in 1 2 3; do
    cat > "$file" <<BATCH
link set lo up
addr add 10.20.0.$i/24 dev eth0  # the host's
link set eth0 up mtu \\
    1400
route add default via 10.20.0.254
BATCH
    ip -n spoke$i -batch "$file"
done
ip -n spoke2 -br -4 addr
ip -n spoke2 link show eth0 | grep -o 'mtu [0-9]*'
printf '%s\n' "addr add 10.20.0.9/24 dev eth0" "addr add 10.20.0.9/24 dev eth0" "route add 1.1.1.0/24 via 9.9.9.9" \
    "link set nosuch up" "addr show dev lo" > "$file"
ip -n spoke1 -batch "$file"; echo "status $?"
ip -n spoke1 -force -batch "$file"; echo "status $?"
ip -n spoke1 -batch /no/such/file; echo "status $?"
ip netns exec hub bridge -batch - <<'B'
link set dev p1 cost 7
link set dev p2 learning off
fdb add 02:00:00:00:00:99 dev p3 master static
fdb show br sw dev p3 state static
B
echo "status $?"
ip netns exec hub bridge -d link show dev p2 | grep -o 'learning o[nf]*'
sleep 1
for i in 1 2; do ip netns exec spoke$i ping -c1 -W1 -q 10.20.0.3 | grep received; done
ip netns exec hub bridge fdb show dynamic | awk '{print $2, $3, $4, $5}' | sort -u | head -2
echo 'addr flush dev eth0' | ip -n spoke3 -batch -
ip -n spoke3 addr show eth0 | grep -c 'inet '
rm "$file"; rmdir "$PWD"
for n in $(ip netns list | cut -d' ' -f1); do ip netns delete "$n"; done
