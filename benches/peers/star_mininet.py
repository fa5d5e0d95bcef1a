"""nettwin's peer on Mininet: a star of hosts on a Linux bridge, made and taken away.

    star_mininet.py setup HOSTS

Prints the nanoseconds of processor time for each host, of this process and all that it started; importing is left out.
"""

import os
import sys
import time

from mininet.net import Mininet
from mininet.nodelib import LinuxBridge


def spent():
    mine = os.times()
    return mine.user + mine.system + mine.children_user + mine.children_system


def main():
    if len(sys.argv) != 3 or sys.argv[1] != "setup":
        sys.exit(f"usage: {sys.argv[0]} setup HOSTS")
    hosts = int(sys.argv[2])
    begin = spent()
    net = Mininet(controller=None, switch=LinuxBridge, build=False, ipBase="10.1.0.0/16")
    switch = net.addSwitch("s1")
    for h in range(hosts):
        n = h + 1
        host = net.addHost(f"h{n}", ip=f"10.1.{n >> 8}.{n & 255}/16", defaultRoute="via 10.1.255.254")
        net.addLink(host, switch)
    net.start()
    there = sum(1 for h in net.hosts if f"inet {h.IP()}/16" in h.cmd("ip -4 addr show"))
    net.stop()
    # Its shells end a little later.
    deadline = time.time() + 5
    while time.time() < deadline:
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        time.sleep(0.01)
    if there != hosts:
        sys.exit(f"{there} of {hosts} hosts have their address")
    print(f"{(spent() - begin) * 1e9 / hosts:.0f}")


main()
