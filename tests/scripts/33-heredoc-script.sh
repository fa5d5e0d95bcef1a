#!/bin/bash
# A script writes another, and runs it.
cat > inner.sh <<'EOF'
#!/bin/sh
ip netns add inner-$1
ip -n inner-$1 link set lo up
ip netns exec inner-$1 ping -c 1 127.0.0.1 | sed -n 1p
EOF
chmod +x inner.sh
./inner.sh one
sh inner.sh two
. ./inner.sh three
ip netns list
rm inner.sh
