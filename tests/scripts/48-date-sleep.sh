#!/bin/bash
# Time goes with sleep.
start=$(date +%s)
sleep 3
end=$(date +%s)
elapsed=$((end - start))
[ $elapsed -ge 3 ] && [ $elapsed -le 4 ] && echo "three seconds"
ip netns add t
ip -n t link set lo up
SECONDS_BEFORE=$(date +%s)
ip netns exec t ping -c 3 127.0.0.1 > /dev/null
[ $(( $(date +%s) - SECONDS_BEFORE )) -ge 2 ] && echo "two more"
