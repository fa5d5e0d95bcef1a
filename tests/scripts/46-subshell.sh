#!/bin/bash
# Subshells, groups, and their statuses.
(ip netns add sub; exit 4)
echo "subshell $?"
{ ip netns add sub; } 2>/dev/null || echo "group failed"
(cd /; ip -n sub link set lo up) && echo "lo up"
ip netns exec sub sh -c 'exit 7'
echo "inner $?"
! ip netns del nosuch 2> /dev/null && echo "negated"
ip netns list | grep -q nosuch
echo "pipe $? ${PIPESTATUS[0]}"
