#!/bin/bash
# Rules in several files that include each other, and what is said of places in them.
set -u
ip netns add a
ip -n a link set lo up
mkdir -p rules.d && cd rules.d
cat > main.nft <<'X'
define port = 22
table inet t {
    include "./chains.nft"
}
include "./1*.nft"
include "./none*.nft"
X
cat > chains.nft <<'X'
chain in {
    type filter hook input priority 0; policy accept;
    include "./rules.nft"
    counter
}
X
printf 'tcp dport $port accept\nudp dport 53 drop\n' > rules.nft
echo 'add rule inet t in tcp dport 1' > 10-first.nft
echo 'add rule inet t in tcp dport 2' > 11-second.nft
ip netns exec a nft -f main.nft
ip netns exec a nft list ruleset
ip netns exec a nft 'include "./10-first.nft"'
ip netns exec a nft -f - < 11-second.nft
ip netns exec a nft list table inet t
printf 'add table ip u\nadd rule ip u nope accept\n' > kern.nft
printf 'add table ip u\ninclude "./kern.nft"\n' > outer.nft
printf 'include "./outer.nft"\n' > outermost.nft
printf 'add rule inet t in foo bar\n' > wrong.nft
printf 'include "./wrong.nft"\nadd table ip v\n' > wrong0.nft
printf 'include "./missing.nft"\n' > missing0.nft
printf 'include "missing.nft"\n' > missing1.nft
printf 'include foo\n' > junk.nft
printf 'include "./main.nft" foo\n' > junk1.nft
printf 'include "./loop.nft"\n' > loop.nft
for f in kern outer outermost wrong wrong0 missing0 missing1 junk junk1 loop; do
    echo "# $f"
    ip netns exec a nft -f $f.nft 2>&1
    echo "status $?"
done
ip netns exec a nft 'include "./wrong.nft"' 2>&1
ip netns exec a nft -f - < wrong0.nft 2>&1
ip netns exec a nft list tables
