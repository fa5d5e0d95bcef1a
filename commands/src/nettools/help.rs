//! What the tools say of themselves, word for word.

use crate::job::Context;

/// Says a usage: asked for on standard output, otherwise on standard error.
pub(super) fn say(cx: &mut Context<'_>, status: u8, text: &str) {
    match status {
        0 => cx.print(text),
        _ => cx.complain(text),
    }
}

/// The address families that net-tools knows besides `inet`.
pub(super) const FAMILIES: &[&str] = &["unix", "inet6", "ax25", "netrom", "rose", "ipx", "ddp", "ec", "ash", "x25"];

/// The kinds of hardware that net-tools knows besides `ether`.
pub(super) const HARDWARE: &[&str] = &[
    "loop",
    "slip",
    "cslip",
    "slip6",
    "cslip6",
    "adaptive",
    "ash",
    "ax25",
    "netrom",
    "rose",
    "tunnel",
    "ppp",
    "hdlc",
    "lapb",
    "arcnet",
    "dlci",
    "frad",
    "sit",
    "fddi",
    "hippi",
    "irda",
    "ec",
    "x25",
    "eui64",
    "infiniband",
];

/// `route --help`.
pub(super) const ROUTE: &str = concat!(
    "Usage: route [-nNvee] [-FC] [<AF>]           List kernel routing tables\n",
    "       route [-v] [-FC] {add|del|flush} ...  Modify routing table for AF.\n",
    "\n",
    "       route {-h|--help} [<AF>]              Detailed usage syntax for specified AF.\n",
    "       route {-V|--version}                  Display version/author and exit.\n",
    "\n",
    "        -v, --verbose            be verbose\n",
    "        -n, --numeric            don't resolve names\n",
    "        -e, --extend             display other/more information\n",
    "        -F, --fib                display Forwarding Information Base (default)\n",
    "        -C, --cache              display routing cache instead of FIB\n",
    "\n",
    "  <AF>=Use -4, -6, '-A <af>' or '--<af>'; default: inet\n",
    "  List of possible address families (which support routing):\n",
);

/// What follows it.
pub(super) const ROUTE_FAMILIES: &str = concat!(
    "    inet (DARPA Internet) inet6 (IPv6) ax25 (AMPR AX.25) \n",
    "    netrom (AMPR NET/ROM) rose (AMPR ROSE) ipx (Novell IPX) \n",
    "    ddp (Appletalk DDP) x25 (CCITT X.25) \n",
);

/// `route --version`.
pub(super) const ROUTE_VERSION: &str = concat!(
    "net-tools 2.10\n",
    "+NEW_ADDRT +RTF_IRTT +RTF_REJECT +I18N +SELINUX\n",
    "AF: (inet) +UNIX +INET +INET6 +IPX +AX25 +NETROM +X25 +ATALK +ECONET +ROSE -BLUETOOTH\n",
    "HW:  +ETHER +ARC +SLIP +PPP +TUNNEL -TR +AX25 +NETROM +X25 +FR +ROSE +ASH +SIT +FDDI +HIPPI +HDLC/LAPB +EUI64 \n",
);

/// `route add`.
pub(super) const INET_ROUTE: &str = concat!(
    "Usage: inet_route [-vF] del {-host|-net} Target[/prefix] [gw Gw] [metric M] [[dev] If]\n",
    "       inet_route [-vF] add {-host|-net} Target[/prefix] [gw Gw] [metric M]\n",
    "                              [netmask N] [mss Mss] [window W] [irtt I]\n",
    "                              [mod] [dyn] [reinstate] [[dev] If]\n",
    "       inet_route [-vF] add {-host|-net} Target[/prefix] [metric M] reject\n",
    "       inet_route [-FC] flush      NOT supported\n",
);

/// `arp --help`.
pub(super) const ARP: &str = concat!(
    "Usage:\n",
    "  arp [-vn]  [<HW>] [-i <if>] [-a] [<hostname>]             <-Display ARP cache\n",
    "  arp [-v]          [-i <if>] -d  <host> [pub]               <-Delete ARP entry\n",
    "  arp [-vnD] [<HW>] [-i <if>] -f  [<filename>]            <-Add entry from file\n",
    "  arp [-v]   [<HW>] [-i <if>] -s  <host> <hwaddr> [temp]            <-Add entry\n",
    "  arp [-v]   [<HW>] [-i <if>] -Ds <host> <if> [netmask <nm>] pub          <-''-\n",
    "\n",
    "        -a                       display (all) hosts in alternative (BSD) style\n",
    "        -e                       display (all) hosts in default (Linux) style\n",
    "        -s, --set                set a new ARP entry\n",
    "        -d, --delete             delete a specified entry\n",
    "        -v, --verbose            be verbose\n",
    "        -n, --numeric            don't resolve names\n",
    "        -i, --device             specify network interface (e.g. eth0)\n",
    "        -D, --use-device         read <hwaddr> from given device\n",
    "        -A, -p, --protocol       specify protocol family\n",
    "        -f, --file               read new entries from file or from /etc/ethers\n",
    "\n",
    "  <HW>=Use '-H <hw>' to specify hardware address type. Default: ether\n",
    "  List of possible hardware types (which support ARP):\n",
);

/// What follows it.
pub(super) const ARP_HARDWARE: &str = concat!(
    "    ash (Ash) ether (Ethernet) ax25 (AMPR AX.25) \n",
    "    netrom (AMPR NET/ROM) rose (AMPR ROSE) arcnet (ARCnet) \n",
    "    dlci (Frame Relay DLCI) fddi (Fiber Distributed Data Interface) hippi (HIPPI) \n",
    "    irda (IrLAP) x25 (generic X.25) eui64 (Generic EUI-64) \n",
);

/// `arp --version`.
pub(super) const ARP_VERSION: &str = concat!(
    "net-tools 2.10\n",
    "+I18N +SELINUX\n",
    "AF: (inet) +UNIX +INET +INET6 +IPX +AX25 +NETROM +X25 +ATALK +ECONET +ROSE -BLUETOOTH\n",
    "HW: (ether) +ETHER +ARC +SLIP +PPP +TUNNEL -TR +AX25 +NETROM +X25 +FR +ROSE +ASH +SIT +FDDI +HIPPI +HDLC/LAPB +EUI64 \n",
);

/// `ifconfig --help`.
pub(super) const IFCONFIG: &str = concat!(
    "Usage:\n",
    "  ifconfig [-a] [-v] [-s] <interface> [[<AF>] <address>]\n",
    "  [add <address>[/<prefixlen>]]\n",
    "  [del <address>[/<prefixlen>]]\n",
    "  [[-]broadcast [<address>]]  [[-]pointopoint [<address>]]\n",
    "  [netmask <address>]  [dstaddr <address>]  [tunnel <address>]\n",
    "  [outfill <NN>] [keepalive <NN>]\n",
    "  [hw <HW> <address>]  [mtu <NN>]\n",
    "  [[-]trailers]  [[-]arp]  [[-]allmulti]\n",
    "  [multicast]  [[-]promisc]\n",
    "  [mem_start <NN>]  [io_addr <NN>]  [irq <NN>]  [media <type>]\n",
    "  [txqueuelen <NN>]\n",
    "  [name <newname>]\n",
    "  [[-]dynamic]\n",
    "  [up|down] ...\n",
    "\n",
    "  <HW>=Hardware Type.\n",
    "  List of possible hardware types:\n",
);

/// What follows it: the first list.
pub(super) const IFCONFIG_HARDWARE: &str = concat!(
    "    loop (Local Loopback) slip (Serial Line IP) cslip (VJ Serial Line IP) \n",
    "    slip6 (6-bit Serial Line IP) cslip6 (VJ 6-bit Serial Line IP) adaptive (Adaptive Serial Line IP) \n",
    "    ash (Ash) ether (Ethernet) ax25 (AMPR AX.25) \n",
    "    netrom (AMPR NET/ROM) rose (AMPR ROSE) tunnel (IPIP Tunnel) \n",
    "    ppp (Point-to-Point Protocol) hdlc ((Cisco)-HDLC) lapb (LAPB) \n",
    "    arcnet (ARCnet) dlci (Frame Relay DLCI) frad (Frame Relay Access Device) \n",
    "    sit (IPv6-in-IPv4) fddi (Fiber Distributed Data Interface) hippi (HIPPI) \n",
    "    irda (IrLAP) ec (Econet) x25 (generic X.25) \n",
    "    eui64 (Generic EUI-64) \n",
);

/// What comes between the two lists.
pub(super) const IFCONFIG_BETWEEN: &str =
    concat!("  <AF>=Address family. Default: inet\n", "  List of possible address families:\n",);

/// The second list.
pub(super) const IFCONFIG_FAMILIES: &str = concat!(
    "    unix (UNIX Domain) inet (DARPA Internet) inet6 (IPv6) \n",
    "    ax25 (AMPR AX.25) netrom (AMPR NET/ROM) rose (AMPR ROSE) \n",
    "    ipx (Novell IPX) ddp (Appletalk DDP) ec (Econet) \n",
    "    ash (Ash) x25 (CCITT X.25) \n",
);

/// `ifconfig -V`.
pub(super) const IFCONFIG_VERSION: &str = "net-tools 2.10\n";

/// `netstat --help`.
pub(super) const NETSTAT: &str = concat!(
    "usage: netstat [-vWeenNcCF] [<Af>] -r         netstat {-V|--version|-h|--help}\n",
    "       netstat [-vWnNcaeol] [<Socket> ...]\n",
    "       netstat { [-vWeenNac] -i | [-cnNe] -M | -s [-6tuw] }\n",
    "\n",
    "        -r, --route              display routing table\n",
    "        -i, --interfaces         display interface table\n",
    "        -g, --groups             display multicast group memberships\n",
    "        -s, --statistics         display networking statistics (like SNMP)\n",
    "        -M, --masquerade         display masqueraded connections\n",
    "\n",
    "        -v, --verbose            be verbose\n",
    "        -W, --wide               don't truncate IP addresses\n",
    "        -n, --numeric            don't resolve names\n",
    "        --numeric-hosts          don't resolve host names\n",
    "        --numeric-ports          don't resolve port names\n",
    "        --numeric-users          don't resolve user names\n",
    "        -N, --symbolic           resolve hardware names\n",
    "        -e, --extend             display other/more information\n",
    "        -p, --programs           display PID/Program name for sockets\n",
    "        -o, --timers             display timers\n",
    "        -c, --continuous         continuous listing\n",
    "\n",
    "        -l, --listening          display listening server sockets\n",
    "        -a, --all                display all sockets (default: connected)\n",
    "        -F, --fib                display Forwarding Information Base (default)\n",
    "        -C, --cache              display routing cache instead of FIB\n",
    "        -Z, --context            display SELinux security context for sockets\n",
    "\n",
    "  <Socket>={-t|--tcp} {-u|--udp} {-U|--udplite} {-S|--sctp} {-w|--raw}\n",
    "           {-x|--unix} --ax25 --ipx --netrom\n",
    "  <AF>=Use '-6|-4' or '-A <af>' or '--<af>'; default: inet\n",
    "  List of possible address families (which support routing):\n",
);

/// What follows it.
pub(super) const NETSTAT_FAMILIES: &str = concat!(
    "    inet (DARPA Internet) inet6 (IPv6) ax25 (AMPR AX.25) \n",
    "    netrom (AMPR NET/ROM) rose (AMPR ROSE) ipx (Novell IPX) \n",
    "    ddp (Appletalk DDP) x25 (CCITT X.25) \n",
);

/// `netstat --version`.
pub(super) const NETSTAT_VERSION: &str = concat!(
    "net-tools 2.10\n",
    "Fred Baumgarten, Alan Cox, Bernd Eckenfels, Phil Blundell, Tuan Hoang, Brian Micek and others\n",
    "+NEW_ADDRT +RTF_IRTT +RTF_REJECT +FW_MASQUERADE +I18N +SELINUX\n",
    "AF: (inet) +UNIX +INET +INET6 +IPX +AX25 +NETROM +X25 +ATALK +ECONET +ROSE -BLUETOOTH\n",
    "HW:  +ETHER +ARC +SLIP +PPP +TUNNEL -TR +AX25 +NETROM +X25 +FR +ROSE +ASH +SIT +FDDI +HIPPI +HDLC/LAPB +EUI64 \n",
);
