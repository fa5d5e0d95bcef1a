#!/bin/bash
# A coproc, process substitution on both sides, wait -n, named pipes, here-strings.
shopt -s lastpipe
ip netns add one; ip netns add two
ip link add l1 netns one type veth peer name l2 netns two
ip -n one addr add 10.9.9.1/30 dev l1; ip -n two addr add 10.9.9.2/30 dev l2
ip -n one link set l1 up; ip -n two link set l2 up; ip -n two link set lo up
sleep 1.2
coproc SERVER { exec ip netns exec two nc -l -k -p 5000; }
sleep 0.3
for word in alpha beta gamma; do ip netns exec one nc -N 10.9.9.2 5000 <<< "$word"; done
for _ in 1 2 3; do read -r line <&"${SERVER[0]}"; echo "server got $line"; done
kill "$SERVER_PID"; wait "$SERVER_PID" 2>/dev/null
echo "server ended"
diff <(ip -n one -o -4 addr show | awk '{print $4}') <(ip -n two -o -4 addr show | awk '{print $4}') | grep -c '^[<>]'
comm -12 <(ip -n one -o link | awk -F': ' '{print $2}' | sort) <(ip -n two -o link | awk -F': ' '{print $2}' | sort)
while IFS=': ' read -r number name rest; do
    echo "$number=${name%@*}"
done < <(ip -n one -o link show)
ip -n one route | tee >(wc -l > lines.txt) | cat
sleep 0.2; cat lines.txt
(ip netns exec one ping -c 3 -i 0.2 10.9.9.2 > slow.txt; exit 3) & slow=$!
(ip netns exec one ping -c 1 10.9.9.2 > fast.txt; exit 4) & fast=$!
wait -n; echo "first: $?"
wait -n; echo "second: $?"
wait -n; echo "none: $?"
grep -h -o '[0-9]* packets transmitted, [0-9]* received' fast.txt slow.txt
mkfifo pipe
ip netns exec one ping -c 2 -i 0.3 10.9.9.2 > pipe &
n=0
while read -r line; do [[ $line =~ icmp_seq=([0-9]+)\ ttl=([0-9]+) ]] && echo "seq ${BASH_REMATCH[1]} ttl ${BASH_REMATCH[2]}" && ((n++)); done < pipe
echo "$n replies"
ip netns list | awk '{print $1}' | while read -r name; do last=$name; done; echo "last read: $last"
ip netns exec one bash -c 'ip -4 addr show dev l1 | sed -n "s/.*inet \([^ ]*\).*/\1/p"'
rm -f pipe slow.txt fast.txt lines.txt
ip netns del one; ip netns del two
