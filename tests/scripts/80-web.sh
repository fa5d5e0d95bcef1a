#!/bin/bash
# A web server in one namespace and curl in another.
ip netns add web
ip netns add client
ip link add eth0 netns web type veth peer name eth0 netns client
ip -n web addr add 10.0.0.1/24 dev eth0
ip -n client addr add 10.0.0.2/24 dev eth0
for n in web client; do
    ip -n $n link set eth0 up
    ip -n $n link set lo up
done
site=$(mktemp -d)
mkdir $site/sub
echo hello > $site/f.txt
echo '<p>' > "$site/a b.html"
touch -d 2024-02-29 $site/*
cd $site
ip netns exec web /usr/bin/python3 -m http.server 80 > /dev/null 2> log &
server=$!
sleep 1.5
ip netns exec client curl -s http://10.0.0.1/f.txt
ip netns exec client curl -s 'http://10.0.0.1/a%20b.html'
ip netns exec client curl -s 10.0.0.1
ip netns exec client curl -sI http://10.0.0.1/f.txt
ip netns exec client curl -si http://10.0.0.1/sub
ip netns exec client curl -sL http://10.0.0.1/sub
ip netns exec client curl -s http://10.0.0.1/nosuch
ip netns exec client curl -fsS http://10.0.0.1/nosuch
ip netns exec client curl http://10.0.0.1/f.txt
ip netns exec client curl -v http://10.0.0.1/f.txt
ip netns exec client curl -s -o /dev/null -w '%{http_code} %{size_download}\n' http://10.0.0.1/f.txt
ip netns exec client curl -s -d x=1 http://10.0.0.1/
ip netns exec client curl -s 10.0.0.1:81 || echo "nobody there"
ip netns exec client curl 10.0.0.1:81
ip netns exec client curl -m 2 --connect-timeout 1 10.0.0.9
ip netns exec client curl -sS nosuch.invalid
ip netns exec client curl foo://x
ip netns exec client curl
ip netns exec web ss -tln
ip netns exec web ss -tlnp
ip netns exec web netstat -tlnp
sleep 4
kill $server
wait $server 2> /dev/null
sed 's/\[.*\]/[when]/' log
ip netns exec web /usr/bin/python3 -m http.server -b 10.9.9.9 2>&1 | tail -n 1
rm -r $site
