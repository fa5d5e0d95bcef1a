#!/bin/bash
# Defaults, readonly and parameter expansion.
: "${PREFIX:=lab}"
readonly PREFIX
NET=${NET:-192.168.100}
ip netns add "${PREFIX}-1"
ip -n "${PREFIX}-1" link add "${PREFIX:0:1}eth" type veth peer name peer
ip -n "${PREFIX}-1" addr add "${NET}.1/24" dev "${PREFIX:0:1}eth"
dev="leth@peer"
echo "${dev%%@*} ${dev##*@} ${PREFIX^^} ${#NET}"
ip -n "${PREFIX}-1" -br addr show dev "${dev%%@*}"
