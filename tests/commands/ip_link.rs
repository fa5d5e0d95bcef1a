//! `ip link`.

use crate::agree;

#[test]
fn arp_off() {
    let text = r"
        ip netns add r
        ip link add eth0 netns r type veth peer name p0
        ip -n r link set eth0 arp off up
        ip link set p0 up
        ip -n r link show eth0
        ip -n r -j link show eth0
        ip netns exec r ifconfig eth0
        ip netns exec r ifconfig eth0 arp
        ip -n r link show eth0
        ip netns exec r ifconfig eth0 -arp
        ip -n r link show eth0
        ip -n r link set eth0 arp on
        ip -n r -br link show eth0
        ip -n r link set eth0 arp maybe
        ip -n r link set lo arp off
        ip -n r link show lo
    ";
    agree("ip-link-arp", &[("off and on", text)]);
}

#[test]
fn links_are_made_and_changed() {
    agree(
        "ip-link",
        &[
            (
                "veth",
                r"
            ip link add veth0 type veth peer name veth1
            ip link
            ip link show
            ip link show dev veth0
            ip l sh veth1
            ip link set veth0 up
            ip link show veth0
            ip link set dev veth1 up
            ip link show type veth
            ip -br link
            ip -br l show up
            ip link set veth1 down
            ip -br link show veth0
            ip link set veth0 mtu 1400
            ip link set veth0 address 02:00:00:00:00:01
            ip link show veth0
            ip link set veth0 name left
            ip link set left down
            ip link set left name right
            ip -br link
            ip -o link
            ip link del right
            ip link
        ",
            ),
            (
                "veth between namespaces",
                r"
            ip netns add h1
            ip netns add h2
            ip link add h1-eth0 address 02:00:00:00:00:01 type veth peer name h2-eth0 address 02:00:00:00:00:02
            ip link set h1-eth0 netns h1
            ip link set h2-eth0 netns h2
            ip link
            ip netns exec h1 ip link
            ip netns exec h1 ip link set dev h1-eth0 up
            ip netns exec h1 ip link show h1-eth0
            ip netns exec h2 ip link set dev h2-eth0 up
            ip netns exec h2 ip link set lo up
            ip netns exec h1 ip link
            ip -n h2 -br link
            ip -n h2 link set h2-eth0 netns h1
            ip -n h1 link
            ip -n h1 link del h1-eth0
            ip -n h1 link
            ip -n h2 link
        ",
            ),
            (
                "veth at once",
                r"
            ip netns add a
            ip netns add b
            ip link add eth0 netns a type veth peer name eth0 netns b
            ip -n a link add eth1 mtu 1400 address 02:00:00:00:00:11 up type veth peer eth1 netns b mtu 1300
            sleep 1.2
            ip -n a link
            ip -n b link
            ip link add x type veth peer name y netns a
            ip link
            ip -n a -br link
            ip link add name p type veth
            ip link add type veth
            ip link add type bridge
            ip link add type veth peer name named
            ip -br link
            ip link add up0 type veth peer name up1 up
            ip link show up1
        ",
            ),
            (
                "bridge",
                r"
            ip link add br0 type bridge
            ip link add name br1 address 02:00:00:00:00:99 type bridge
            ip link add p1 address 02:00:00:00:00:11 type veth peer name e1 address 02:00:00:00:00:21
            ip link add p2 address 02:00:00:00:00:12 type veth peer name e2 address 02:00:00:00:00:22
            ip link set p1 master br0
            ip link set dev p2 master br0
            ip link set br0 up
            ip link set p1 up
            ip link set e1 up
            ip link show master br0
            ip link show br0
            ip link show type bridge
            ip link show type bridge_slave
            ip link show nomaster
            ip link show up
            ip -j link show type bridge up
            ip -j link show type bridge_slave
            ip link set p2 nomaster
            ip link show master br0
            ip link set p1 master br1
            ip -br link show master br1
            ip link show br1
            ip link set br1 type bridge stp_state 1
            ip link set br1 type bridge ageing_time 1000 priority 4096
            ip link set p1 type bridge_slave cost 5 hairpin on
            ip link del br0 type bridge
            ip link del br1
            ip -br link
        ",
            ),
            (
                "details",
                r"
            ip netns add a
            ip link add br0 address 02:00:00:00:00:01 type bridge stp_state 1 forward_delay 200 hello_time 100
            ip link add p1 address 02:00:00:00:00:02 type veth peer name e1 address 02:00:00:00:00:03 netns a
            ip link set p1 master br0
            ip -d link show lo
            ip -d link show p1
            ip -d link show br0
            ip -d -j -p link show br0
            ip -d -j -p link show p1
            ip -d addr show p1
            ip -n a -details link show e1
            ip link add br1 address 02:00:00:00:00:05 type bridge mcast_snooping 0 group_fwd_mask 8 ageing_time 0
            ip -d link show br1
        ",
            ),
            (
                "json",
                r"
            ip netns add a
            ip link add br0 type bridge
            ip link add v0 type veth peer name v1
            ip link add w0 type veth peer name w1 netns a
            ip link set w0 master br0
            ip link set v0 up
            ip -j link
            ip -j -p link show w0
            ip -p -j link show v0
            ip -j link show up
            ip -j -br link
            ip -j -s link show v0
            ip -json -pretty -stats link show lo
            ip -j -o link show v0
            ip -p link show v0
        ",
            ),
            (
                "what a link carries besides",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 txqueuelen 500
            ip link set v0 qlen 400 up
            ip link show v0
            ip link set dev v0 promisc on
            ip link set v1 promisc on allmulticast on multicast off
            ip link set v0 alias 'to the router'
            ip link set v1 group 5
            ip link
            ip addr show v0
            ip -d link show v1
            ip -d addr show v0
            ip -br link
            ip -j link show v0
            ip -j link show v1
            ip link show group 5
            ip link show group default
            ip link set v1 promisc off allmulticast off multicast on group default
            ip link set v0 alias ''
            ip link set v0 txqueuelen 0
            ip link
            ip link set v0 txqueuelen abc
            ip link set v0 group foo
            ip link set v0 promisc
            ip link set v0 multicast maybe
            ip link show group foo
        ",
            ),
            (
                "groups",
                r"
            ip link add v0 type veth peer name v1
            ip link add v2 group 7 txqueuelen 44 type veth peer name v3 group 7
            ip -o link show group 7
            ip link set v0 group 5
            ip link set v1 group 5
            ip link set group 5 up
            ip -br link
            ip link set group 5 mtu 1400
            ip -o link show group 5
            ip link set group 5 down
            ip -br link
            ip link set group default up
            ip -br link
            ip link set group 77 up
            ip link set dev v0 group 5 up
            ip link set group 5 group 6
            ip link set group 5 address 02:00:00:00:00:01 alias one-of-five
            ip link show group 5
            ip link set group 5 promisc on txqueuelen 500
            ip link show group 5
            ip link add br0 type bridge
            ip link set group 5 master br0
            ip -br link show master br0
            ip link set group 5 nomaster
            ip -br link show master br0
            ip link set group foo up
            ip link show group foo
            ip link set group 5 name z
            ip link set group 0 mtu 12
            ip link set v0 group 4294967295
            ip link show group 4294967295
            ip link set group
            ip link show group
            ip link set v0 group
            ip addr add 10.0.0.1/24 dev v0
            ip -br addr show group 5
            ip link del v9 group 7
            ip link del group 77
            ip link del group 0
            ip link del group default
            ip link del group 7
            ip -br link
            ip link set lo group 5
            ip link del group 5
            ip -br link
        ",
            ),
            (
                "statistics",
                r"
            ip link add v0 type veth peer name v1
            ip -s link
            ip -s -s link
            ip -s -s -j link
            ip -s -s -br link
            ip -s -s addr show lo
            ip -s -br link
            ip -s -o link show v0
            ip -s addr show lo
            ip -stats -j addr show lo
            ip -h -s link show lo
            ip -h -iec -s link show lo
        ",
            ),
            (
                "colours",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 up
            ip -c=always link
            ip -c=never link
            ip -c link show v0
            ip -c=always -br link
            ip -c=always addr show lo
            ip -c=always -j link show lo
            ip -c=foo link
        ",
            ),
        ],
    );
}

#[test]
fn link_mistakes() {
    agree(
        "ip-link-mistakes",
        &[
            (
                "names",
                r"
            ip link add abcdefghijklmnop type bridge
            ip link add a:b type bridge
            ip link add . type bridge
            ip link add a/b type bridge
            ip link add name abcdefghijklmnop type bridge
            ip link add x type veth peer name abcdefghijklmnop
            ip link add x type veth peer y:
            ip link add v0 type veth peer name v1
            ip link add v0 type veth peer name v2
            ip link add v2 type veth peer name v1
            ip link add v3 type veth peer name v3
            ip link add v0 type bridge
            ip link set v0 name a:b
            ip link set v0 name v1
            ip link set v0 name abcdefghijklmnop
            ip link set v0 name ''
            ip link add ''
            ip -br link
        ",
            ),
            (
                "values",
                r"
            ip link add v0 type veth peer name v1
            ip link set v0 mtu 20
            ip link set v0 mtu 70000
            ip link set v0 mtu -1
            ip link set v0 mtu abc
            ip link set v0 mtu 1400 mtu 1300
            ip link set lo mtu 100
            ip link set v0 address 02:00
            ip link set v0 address zz:00
            ip link set v0 address 02:00:00:00:00:1g
            ip link set v0 address 01:00:00:00:00:01
            ip link set v0 address 00:00:00:00:00:00
            ip link set v0 address ff:ff:ff:ff:ff:ff
            ip link add x mtu 20 type veth
            ip link add x address 02:00 type veth
            ip link add x address 02:00 type bridge
            ip link add x address 01:00:00:00:00:00 type bridge
            ip link add x mtu 20 type bridge
            ip link add br0 type bridge forward_delay abc
            ip link add br0 type bridge stp_state 1 forward_delay 5000
            ip link add br0 type bridge foo
            ip link add br0 type bridge priority 70000
            ip link add br0 type bridge group_fwd_mask 1
            ip link set v0 promisc maybe
            ip -br link
        ",
            ),
            (
                "devices",
                r"
            ip link set nosuch up
            ip link set dev nosuch up
            ip link del nosuch
            ip link show nosuch
            ip link show dev nosuch
            ip link set
            ip link add
            ip link del
            ip link set up
            ip link set lo master nosuch
            ip link show master nosuch
            ip link show type nosuch
            ip link set lo netns nosuch
            ip link del lo
            ip link add link nosuch name v type bridge
            ip link set lo vrf red
            ip link show dev
            ip link show up lo foo
        ",
            ),
            (
                "words",
                r"
            ip link foo
            ip link add a type veth
            ip link add x
            ip link add x type
            ip link add x type foo
            ip link add x type foo bar
            ip link add x type veth bar
            ip link add x type veth peer name y type veth
            ip link add dev x name y type bridge
            ip link add name x name y type bridge
            ip link add dev x dev y type bridge
            ip link set lo up down foo
            ip link set lo lo
            ip link set lo netns
            ip link help
            ip link add help
            ip link set help
            ip link show help
            ip link help veth
            ip link help bridge
            ip link help bridge_slave
            ip link help foo
            ip link set lo type foo
            ip -br link
        ",
            ),
            (
                "bridges and ports",
                r"
            ip netns add a
            ip link add br0 type bridge
            ip link add br1 type bridge
            ip link add v0 type veth peer name v1
            ip link set br0 master br1
            ip link set lo master br0
            ip link set v0 master v1
            ip link set v0 master lo
            ip link set v0 type bridge_slave cost 3
            ip link set v0 type bridge stp_state 1
            ip link set br0 netns a
            ip link set lo netns a
            ip link set v0 master br0
            ip link set v0 master br0
            ip link set v0 type bridge_slave cost 0
            ip link set v0 type bridge_slave cost abc
            ip link set v0 type bridge_slave priority 64
            ip link set v0 type bridge_slave hairpin maybe
            ip link set v0 type bridge_slave foo
            ip link set br0 type bridge ageing_time
            ip link set v0 netns a
            ip link add v0 type veth peer name v9
            ip link set v0 netns a
            ip link set v0 name v8 netns a
            ip -n a -br link
        ",
            ),
        ],
    );
}

#[test]
fn further_names() {
    agree(
        "ip-link-altnames",
        &[(
            "altnames",
            r"
            ip link add e type veth peer name p
            ip link property add dev e altname alt1 altname averyveryverylongalternativename
            ip link show e
            ip -j link show e
            ip link show alt1
            ip -d link show e
            ip -br link
            ip -o link show e
            ip -s link show e
            ip link property add dev e altname alt1
            ip link property add dev e altname p
            ip link property add dev p altname alt1
            ip link property add dev e altname e
            ip link property del dev e altname nope
            ip link property del dev p altname alt1
            ip link property del dev e altname e
            ip link property del dev e altname alt1
            ip link show e
            ip link show alt1
            ip link property add dev nope altname x
            ip link property
            ip link property add
            ip link property foo
            ip link property help
            ip link property add dev e
            ip link property add dev e foo bar
            ip link property add dev e altname a/b
            ip link property add dev e altname one altname two altname three
            ip link property add dev e altname four five
            ip link property del dev e altname two altname nope altname three
            ip link show e
            ip link set averyveryverylongalternativename up
            ip addr add 10.0.0.1/24 dev averyveryverylongalternativename
            ip addr
            ip route add 10.1.0.0/16 dev averyveryverylongalternativename
            ip route
            ip route show dev one
            ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev one
            ip neigh
            ip link set averyveryverylongalternativename name foo
            ip link
            ip link property add dev foo altname short
            ip link add short type veth peer name zz
            ip link set foo name short
            ip link set p name short
            ip netns add q
            ip link set p netns q
            ip -n q link property add dev p altname short
            ip link set foo netns q
            ip -n q link property del dev p altname short
            ip link set foo netns q
            ip -n q link
            ip -n q link property del dev short altname short
            ip -n q link del averyveryverylongalternativename
            ip -n q link
        ",
        )],
    );
}

/// What links are like in corners: `lo` before and after, states that come from numbers alone, what goes with a namespace.
#[test]
fn corners() {
    agree(
        "ip-link-corners",
        &[
            (
                "lo before and after it was up",
                r"
            ip netns add a
            ip -n a link
            ip netns exec a ping -c1 -W1 127.0.0.1
            ip -n a link set lo up
            ip netns exec a ping -c1 -W1 127.0.0.1
            ip -n a link set lo down
            ip netns exec a ping -c1 -W1 127.0.0.1
            ip -n a addr show lo
            ip -n a link
            ip -n a rule
            ip -n a link set lo netns a
            ip -n a link del lo
        ",
            ),
            (
                "a lost carrier is looked for by number, whoever has it",
                r"
            ip netns add a
            ip netns add b
            ip -n a link add d2 address 02:00:00:00:01:02 type veth peer name d3 address 02:00:00:00:01:03
            ip -n a link add e address 02:00:00:00:00:01 type veth peer name p netns b address 02:00:00:00:00:02
            ip -n b link
            ip -n a link set e up
            sleep 1.2
            ip -n a link
            ip -n b link set p up
            sleep 1.2
            ip -n b link set p down
            sleep 1.2
            ip -n a link
            ip -n a link set d2 up
            ip -n a link set d3 up
            ip -n b link set p up
            sleep 1.2
            ip -n b link set p down
            sleep 1.2
            ip -n a link
            ip -n a link set d3 down
            ip -n b link set p up
            sleep 1.2
            ip -n b link set p down
            sleep 1.2
            ip -n a link
        ",
            ),
            (
                "made in one namespace and moved",
                r"
            ip netns add a
            ip netns add b
            ip -n a link add m address 02:00:00:00:00:05 type veth peer name n address 02:00:00:00:00:06
            ip -n a link set n netns b
            ip -n a link set m up
            sleep 1.2
            ip -n a link show m
            ip -n b link set n up
            sleep 1.2
            ip -n b link set n down
            sleep 1.2
            ip -n a link show m
            ip -n b link show n
            ip -n b link add x type veth peer name m
            ip -n a link set m netns b
            ip -n b link set lo netns a
            ip -n a link add q type veth peer name r
            ip -n a link del q
            ip -n a link add q type veth peer name r
            ip -n a -br link
            ip netns list
            ip netns del b
            sleep 2
            ip -n a -br link
        ",
            ),
        ],
    );
}
