#!/bin/bash
# Background jobs: several pings at once, wait -n, jobs -p, kill, traps for signals.
ip netns add x; ip netns add y
ip link add x0 netns x type veth peer name y0 netns y
ip -n x addr add 10.8.0.1/24 dev x0; ip -n y addr add 10.8.0.2/24 dev y0
ip -n x link set x0 up; ip -n y link set y0 up
sleep 1
out=$(mktemp -d)
ip netns exec x ping -i 0.5 10.8.0.2 > "$out/endless" &
endless=$!
for n in 1 2 3; do
    ip netns exec x ping -q -c $n -i 0.3 10.8.0.2 > "$out/$n" & 
done
jobs -p | wc -l
wait -n; echo "one ended: $?"
wait %2 %3 %4 2>/dev/null
for n in 1 2 3; do grep -o '[0-9]* received' "$out/$n"; done
kill -TERM $endless
wait $endless; echo "endless: $?"
head -1 "$out/endless"
( trap 'echo "got TERM"; exit 5' TERM; ip netns exec x sleep 3 & while :; do wait; done ) &
loop=$!
sleep 1
kill $loop; wait $loop; echo "loop: $?"
timeout -s INT 1.2 ip netns exec x ping -i 0.5 10.8.0.2 | tail -3 | sed 's/rtt.*/rtt/'
echo "timeout: ${PIPESTATUS[0]}"
coproc P { ip netns exec x ping -c 2 -i 0.2 10.8.0.2; }
while read -r line <&"${P[0]}"; do case $line in *icmp_seq=*) echo "reply ${line##*icmp_seq=}" | cut -d' ' -f1,2 ;; esac; done
mkfifo "$out/pipe"
ip netns exec y nc -l -p 7000 > "$out/pipe" &
cat "$out/pipe" &
sleep 0.5
printf 'line %d\n' 1 2 3 | ip netns exec x nc -N 10.8.0.2 7000
wait
nohup ip netns exec x sleep 0.1 > /dev/null 2>&1 & disown
exec 5> "$out/log"
ip netns exec x ping -c 1 10.8.0.9 -W 1 >&5 2>&1; echo "lost: $?" >&5
exec 5>&-
grep -c . "$out/log"
tail -1 "$out/log"
rm -r "$out"
ip -all netns del
