#!/bin/bash
# A log that is followed while it is written, a queue of work in a FIFO, a lock, a report by awk and printf, dates in names.
set -u
dir=$(mktemp -d); cd "$dir" || exit 1
for i in 0 1 2; do ip netns add node$i; ip -n node$i link set lo up; done
for i in 0 1; do
    j=$((i + 1))
    ip link add to$j netns node$i type veth peer name to$i netns node$j
    ip -n node$i addr add 10.$i.0.1/30 dev to$j; ip -n node$j addr add 10.$i.0.2/30 dev to$i
    ip -n node$i link set to$j up; ip -n node$j link set to$i up
done
ip netns exec node1 sysctl -qw net.ipv4.conf.all.forwarding=1
ip -n node0 route add default via 10.0.0.2; ip -n node2 route add default via 10.1.0.1
sleep 1.2
logfile="lab-$(date +%Y%m%d).log"; : > "$logfile"
say() { printf '%s %s\n' "$(date +%s)" "$*" >> "$logfile"; }
tail -n +1 -f "$logfile" > followed.txt & follower=$!
mkfifo jobs
worker() { while read -r src dst; do
    if ip netns exec "$src" ping -c1 -W1 -q "$dst" > /dev/null; then say "$src $dst up"; else say "$src $dst down"; fi
done < jobs; say "worker done"; }
worker & w=$!
exec 4> jobs
for dst in 10.0.0.2 10.1.0.2 10.1.0.9; do echo "node0 $dst" >&4; done
exec 4>&-
wait $w
sleep 1.5; kill $follower; wait $follower 2>/dev/null
cut -d' ' -f2- followed.txt
began=$(head -1 "$logfile" | cut -d' ' -f1); ended=$(tail -1 "$logfile" | cut -d' ' -f1)
[ $((ended - began)) -ge 1 ] && echo "it took a second or more"
awk '{n[$4]++} END {for (s in n) print s, n[s]}' "$logfile" | sort
{
    printf '%-8s %-12s %s\n' NODE INTERFACE ADDRESS
    for ns in $(ip netns list | awk '{print $1}' | sort); do
        ip -n "$ns" -o -4 addr show scope global | while read -r _ dev _ addr _; do printf '%-8s %-12s %s\n' "$ns" "$dev" "$addr"; done
    done
} | tee report.txt
sort -k3 report.txt | tail -n 1
date -d @0 +%Y -u
time_it() { local TIMEFORMAT=%R; { time "$@" > /dev/null; } 2>&1 | awk '{print ($1 >= 0.3 ? "slow" : "quick")}'; }
time_it ip netns list
ip netns exec node0 ip route get 10.1.0.2 | head -1 | sed 's/ uid.*//'
cd /; rm -r "$dir"
for i in 0 1 2; do ip netns del node$i; done
