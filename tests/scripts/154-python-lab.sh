#!/bin/bash
# A lab that is driven by a Python program: subprocess, dataclasses, JSON, exceptions; its shell only starts it.
cd "$(mktemp -d)" || exit 1
cat > lab.py <<'PY'
#!/usr/bin/env python3
import dataclasses
import ipaddress
import json
import shlex
import subprocess
import sys
import time


@dataclasses.dataclass
class Node:
    name: str
    address: ipaddress.IPv4Interface

    def run(self, line, check=True):
        command = ["ip", "netns", "exec", self.name, *shlex.split(line)]
        return subprocess.run(command, check=check, capture_output=True, text=True)


def ip(line):
    return subprocess.check_output(["ip", *shlex.split(line)], text=True)


def build(nodes):
    ip("link add br0 type bridge")
    ip("link set br0 up")
    for number, node in enumerate(nodes):
        ip(f"netns add {node.name}")
        ip(f"link add port{number} type veth peer name eth0 netns {node.name}")
        ip(f"link set port{number} master br0 up")
        node.run(f"ip addr add {node.address} dev eth0")
        node.run("ip link set eth0 up")
        node.run("ip link set lo up")


def reaches(pair):
    a, b = pair
    done = a.run(f"ping -c1 -W1 -q {b.address.ip}", check=False)
    return a.name, b.name, done.returncode


def main():
    net = ipaddress.ip_network("10.90.0.0/24")
    nodes = [Node(f"n{i}", ipaddress.ip_interface(f"{net[i]}/24")) for i in range(1, 5)]
    build(nodes)
    pairs = [(a, b) for a in nodes for b in nodes if a is not b]
    for pair in pairs[:3]:
        print(*reaches(pair))
    results = sorted(map(reaches, pairs))
    print(len(results), "pairs,", sum(code == 0 for *_, code in results), "reached")
    try:
        ip("link add br0 type bridge")
    except subprocess.CalledProcessError as error:
        print("refused:", error.returncode, error.cmd)
    links = json.loads(ip("-j link show type bridge"))
    print([link["ifname"] for link in links], links[0]["mtu"])
    ping = subprocess.Popen(
        ["ip", "netns", "exec", "n1", "ping", "-i", "0.2", "10.90.0.2"], stdout=subprocess.PIPE, text=True)
    replies = 0
    for line in ping.stdout:
        if "icmp_seq" in line:
            replies += 1
        if replies == 3:
            ping.terminate()
            break
    ping.stdout.close()
    print("ping ended with", ping.wait())
    try:
        subprocess.run(["ip", "netns", "exec", "n1", "ping", "10.90.0.99"], timeout=2, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as expired:
        print("expired:", expired.cmd[-1])
    began = time.monotonic()
    server = subprocess.Popen(["ip", "netns", "exec", "n2", "nc", "-l", "-p", "99"], stdout=subprocess.PIPE)
    time.sleep(0.5)
    subprocess.run(["ip", "netns", "exec", "n1", "nc", "-N", "10.90.0.2", "99"], input=b"from python\n", check=True)
    out, _ = server.communicate(timeout=5)
    print(out.decode().strip(), server.returncode)
    for node in nodes:
        ip(f"netns del {node.name}")
    ip("link del br0")
    return 3


sys.exit(main())
PY
python3 lab.py; echo "status $?"
rm lab.py; rmdir "$PWD"
