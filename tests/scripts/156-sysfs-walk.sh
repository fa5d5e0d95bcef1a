#!/bin/bash
# Counters and settings read by globbing /sys and /proc, written by loops, compared before and after.
ip netns add one; ip netns add two
ip link add e1 netns one type veth peer name e2 netns two
ip -n one addr add 10.70.0.1/24 dev e1; ip -n two addr add 10.70.0.2/24 dev e2
ip -n one link set e1 up; ip -n two link set e2 up
sleep 1.2
ip netns exec one bash -s <<'IN'
shopt -s nullglob
for dev in /sys/class/net/*; do
    name=${dev##*/}
    printf '%s mtu=%s state=%s index=%s carrier=%s\n' "$name" "$(<"$dev/mtu")" "$(<"$dev/operstate")" "$(<"$dev/ifindex")" \
        "$(cat "$dev/carrier" 2>/dev/null)"
done
declare -A before
for file in /sys/class/net/e1/statistics/{rx,tx}_packets; do before[$file]=$(<"$file"); done
ping -q -c 4 -i 0.2 10.70.0.2 > /dev/null
for file in /sys/class/net/e1/statistics/{rx,tx}_packets; do echo "${file##*/} +$(( $(<"$file") - ${before[$file]} ))"; done
find -L /sys/class/net/ -maxdepth 1 -mindepth 1 -printf '%f\n' | sort
test -e /sys/class/net/e1/bridge || echo "no bridge"
for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 2 > "$f"; done
for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo "$f $(<"$f")"; done
sysctl -n net.ipv4.conf.e1.rp_filter net.ipv4.ip_forward
echo 1 | tee /proc/sys/net/ipv4/ip_forward
sysctl net.ipv4.ip_forward
cat /proc/sys/net/ipv4/neigh/e1/gc_stale_time
awk '$1 == "e1:" {print $1, ($2 > 0), $4, $5}' /proc/net/dev
awk 'NR > 1 {print $1, $2, $8}' /proc/net/route
while read -r address type flags mac mask device; do [[ $address == 10.* ]] && echo "$address $type $flags $device"; done < /proc/net/arp
IN
echo "inside: $?"
cat /sys/class/net/lo/mtu
[ -e /sys/class/net/e1 ] || echo "e1 is not here"
ls /sys/class/net | tr '\n' ' '; echo
cat /proc/sys/net/ipv4/ip_forward
ls /var/run/netns | sort | paste -sd,
stat -c %F /run/netns/one
for ns in $(ls /run/netns); do ip netns del "$ns"; done
ls /run/netns | wc -l
