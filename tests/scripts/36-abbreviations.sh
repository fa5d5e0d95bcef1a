#!/bin/bash
# Words cut short, as people type them.
ip net add z
ip -n z l add d0 type veth peer name d1
ip -n z a a 10.60.0.1/24 dev d0
ip -n z l s d0 up
ip -n z l s d1 up
ip -n z a s dev d0
ip -n z r
ip -n z ro ad 10.61.0.0/16 v 10.60.0.2
ip -n z r s
ip -n z r d 10.61.0.0/16
ip -n z n
ip net e z true
ip net l
ip net d z
