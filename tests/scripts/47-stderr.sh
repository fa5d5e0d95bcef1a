#!/bin/bash
# Where errors go.
ip netns add e
ip -n e link set nosuch up > out.txt 2> err.txt
echo "status $? out $(wc -c < out.txt) err $(cat err.txt)"
ip -n e addr add 1.2.3.4/24 dev nosuch 2>&1 | sed 's/^/both: /'
ip netns exec e ping -c 1 8.8.8.8 2>&1
ip nosuch 2>&1 | head -n 1
ip link frob 2>&1
rm -f out.txt err.txt
