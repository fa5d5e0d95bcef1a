#!/bin/bash
# A table of who reaches whom, from a here document and arrays.

hosts=()
while IFS=, read -r name ip; do
    [[ -z $name || $name == \#* ]] && continue
    hosts+=("$name:$ip")
done <<'LIST'
# name,address
alpha,10.50.0.1
beta,10.50.0.2
gamma,10.50.1.3
LIST

sudo ip link add sw type bridge
sudo ip link set sw up
for host in "${hosts[@]}"; do
    name=${host%%:*}
    sudo ip netns add "$name"
    sudo ip link add "p-$name" type veth peer name eth0 netns "$name"
    sudo ip link set "p-$name" master sw up
    sudo ip -n "$name" addr add "${host#*:}/24" dev eth0
    sudo ip -n "$name" link set eth0 up
done

printf '%-8s' from; printf '%-8s' "${hosts[@]%%:*}"; echo
total=0
for from in "${hosts[@]}"; do
    printf '%-8s' "${from%%:*}"
    for to in "${hosts[@]}"; do
        if sudo ip netns exec "${from%%:*}" ping -c1 -W1 -q "${to#*:}" &>/dev/null; then
            printf '%-8s' yes
            total=$((total + 1))
        else
            printf '%-8s' no
        fi
    done
    echo
done
echo "$total of $((${#hosts[@]} ** 2))"
sudo bridge link show | awk '{print $2, $NF}' | sort | head -3
diff <(sudo ip -n alpha -br link | awk '{print $1}') <(sudo ip -n beta -br link | awk '{print $1}')
