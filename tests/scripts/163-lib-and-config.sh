#!/bin/bash
# A lab from a configuration file: sections read by a loop, eval'd defaults, a generated script that is run, dry runs by echo.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat > "$dir/lab.conf" <<'CONF'
# hosts
[host alpha]
address = 10.66.1.10/24
gateway = 10.66.1.1
[host beta]
address=10.66.2.10/24
gateway=10.66.2.1

[router core]
to alpha = 10.66.1.1/24
to beta  = 10.66.2.1/24
sysctl   = net.ipv4.ip_forward=1
CONF
run() { if [ "${DRY:-}" ]; then printf 'would: %s\n' "$*"; else "$@"; fi; }
parse() {
    local section='' name='' key value
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%%#*}; line=${line%"${line##*[![:space:]]}"}
        [ -n "$line" ] || continue
        case $line in
            \[*\]) line=${line#[}; line=${line%]}; section=${line%% *}; name=${line#* }; echo "ns $name" ;;
            *=*) key=${line%%=*}; value=${line#*=}; key=$(echo $key); value=$(echo $value); echo "$section $name $key|$value" ;;
        esac
    done < "$1"
}
parse "$dir/lab.conf" > "$dir/plan"
wc -l < "$dir/plan"
grep '^ns' "$dir/plan" | while read -r _ name; do DRY=1 run ip netns add "$name"; run ip netns add "$name"; done
while IFS='|' read -r left value; do
    set -- $left
    case "$1 ${3:-}" in
        "router to") peer=$4
            run ip link add "to-$peer" netns "$2" type veth peer name uplink netns "$peer"
            run ip -n "$2" addr add "$value" dev "to-$peer"; run ip -n "$2" link set "to-$peer" up; run ip -n "$peer" link set uplink up ;;
        "router sysctl") run ip netns exec "$2" sysctl -w "$value" ;;
    esac
done < "$dir/plan"
cat > "$dir/gen.awk" <<'AWK'
BEGIN { FS = "[ |]" ; print "#!/bin/sh"; print "set -e" }
$1 == "host" && $3 == "address" { printf "ip -n %s addr add %s dev uplink\n", $2, $4 }
$1 == "host" && $3 == "gateway" { printf "ip -n %s route add default via %s\n", $2, $4 }
AWK
awk -f "$dir/gen.awk" "$dir/plan" | tee "$dir/gen.sh" | grep -c '^ip'
sh -e "$dir/gen.sh"
bash -n "$dir/gen.sh" && echo "its syntax is right"
ip netns exec alpha ping -c 2 -i 0.2 -q 10.66.2.10 | sed -n 4p | sed 's/, time.*//'
check=0; ip netns exec beta ping -c 1 -W 1 10.66.1.99 > /dev/null || check=$?; echo "check $check"
ip -n core -4 route | sed 's/ *$//'
eval "$(printf 'show_%s() { ip -n %s -br -4 addr show uplink | tr -s " "; }\n' alpha alpha beta beta)"
show_alpha; show_beta
result=$(sh "$dir/gen.sh" 2>&1) || echo "again: $? ${result}"
for name in $(awk '/^ns/ {print $2}' "$dir/plan" | tac); do ip netns del "$name"; done
test -z "$(ip netns list)" && echo clean
