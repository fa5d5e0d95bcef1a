#!/bin/bash
# Links travel between namespaces.
ip netns add here
ip netns add there
ip -n here link add w0 type veth peer name w1
ip -n here addr add 10.40.0.1/24 dev w0
ip -n here link set w0 up
ip -n here link set w1 up
ip -n here -br addr
ip -n here link set w1 netns there
ip -n here -br link
ip -n there -br link
ip -n here link set w0 netns there name moved
ip -n there -br addr
ip -n there link set moved name again
ip -n there link show again
ip -n there link del again
ip -n there -br link
