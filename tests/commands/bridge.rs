//! `bridge`, as scripts use it, and its complaints.

use crate::{agree, agree_on_vlans};

#[test]
fn bridge_agrees() {
    agree(
        "bridge",
        &[
            (
                "batches",
                r#"
                ip link add br0 address 02:00:00:00:00:01 type bridge
                ip link add v0 address 02:00:00:00:00:10 type veth peer name v1
                ip link set v0 master br0
                bridge -batch - <<< link set dev v0 cost 7\n# a comment\nlink show dev v0\n
                bridge -batch - <<< nosuch\nlink show\n
                bridge -force -batch - <<< link set dev v9 cost 7\nfdb add 02:00:00:00:00:99 dev v0 master \\\nstatic\n
                bridge -b - <<< fdb show br br0\nlink set dev v0 cost x\nlink show dev v0
                bridge -j -batch - <<< link show dev v0\nlink show dev v0\n
                bridge -batch - <<< help\nlink show\n
                bridge -batch
                bridge -batch nosuch
                ip netns add a
                bridge -n a -batch - <<< link show\n
            "#,
            ),
            (
                "every object",
                r#"
                ip link add br0 type bridge
                ip link add v0 type veth peer name v1
                ip link add v2 type veth peer name v3
                ip link set br0 address 02:00:00:00:00:01
                ip link set v0 address 02:00:00:00:00:10
                ip link set v1 address 02:00:00:00:00:11
                ip link set v2 address 02:00:00:00:00:12
                ip link set v3 address 02:00:00:00:00:13
                bridge
                bridge link
                bridge link show
                bridge fdb
                bridge fdb show
                ip link set v0 master br0
                ip link set v2 master br0
                bridge link
                bridge fdb show
                ip link set br0 up
                bridge fdb show
                ip link set v0 up
                bridge fdb show
                ip link set v1 up
                ip link set v2 up
                ip link set v3 up
                bridge link
                bridge fdb show
                bridge -d link
                bridge -s link
                bridge -j link
                bridge -j -p link
                bridge -d -j link
                bridge link show dev v0
                bridge link show dev nope
                bridge link show dev v1
                bridge -j fdb show
                bridge -j -p fdb show
                bridge fdb show br br0
                bridge fdb show brport v0
                bridge fdb show dev v0
                bridge fdb show dynamic
                bridge fdb show state permanent
                bridge fdb show br nope
                bridge fdb show foo
                bridge fdb add 02:aa:00:00:00:01 dev v0 master
                bridge fdb add 02:aa:00:00:00:02 dev v0 master static
                bridge fdb add 02:aa:00:00:00:03 dev v2 master dynamic
                bridge fdb add 02:aa:00:00:00:05 dev br0 self
                bridge fdb add 02:aa:00:00:00:06 dev v2 master static sticky
                bridge fdb add 02:aa:00:00:00:08 dev v2 master local
                bridge fdb add 02:aa:00:00:00:09 dev v2 master permanent
                bridge fdb add 02:aa:00:00:00:0a dev v2 master temp
                bridge fdb add 02:aa:00:00:00:02 dev v0 master static
                bridge fdb append 02:aa:00:00:00:0b dev v0 master static
                bridge fdb replace 02:aa:00:00:00:02 dev v2 master static
                bridge fdb show br br0
                bridge fdb get 02:aa:00:00:00:02 br br0
                bridge fdb get 02:aa:00:00:00:77 br br0
                bridge fdb del 02:aa:00:00:00:01 dev v0 master
                bridge fdb del 02:aa:00:00:00:01 dev v0 master
                bridge fdb del 02:aa:00:00:00:02 dev v0 master
                bridge fdb add zz dev v0 master
                bridge fdb add 02:aa:00:00:00:01
                bridge fdb add 02:aa:00:00:00:01 dev nope master
                bridge fdb add 02:aa:00:00:00:01 dev v1 master
                bridge fdb add dev v0 master
                bridge fdb add 02:aa:00:00:00:01 dev v0 master vlan 10
                bridge fdb add 02:aa:00:00:00:01 dev v0 foo
                bridge fdb help
                bridge link help
                bridge help
                bridge foo
                bridge link foo
                bridge fdb foo
                bridge -foo link
                bridge link set dev v0 cost 10
                bridge link set dev v0 priority 5
                bridge link set dev v0 hairpin on
                bridge link set dev v0 learning off
                bridge link set dev v0 isolated on flood off
                bridge -d link show dev v0
                bridge -d -j link show dev v0
                bridge link
                bridge link set dev v0 hairpin maybe
                bridge link set dev v0 cost 0
                bridge link set dev v0 cost 70000
                bridge link set dev v0 cost abc
                bridge link set dev v0 priority 64
                bridge link set dev nope cost 1
                bridge link set dev v1 cost 1
                bridge link set dev v0
                bridge link set cost 1
                bridge link set dev v0 foo on
                bridge link set dev v0 guard on root_block on fastleave on mcast_flood off bcast_flood off
                bridge vlan
                bridge vlan show
                bridge -j vlan
                bridge mdb
                bridge mdb show
                bridge mdb show
                bridge -d mdb show
                bridge -j mdb
                bridge -n nope link
            "#,
            ),
            (
                "a port's state by hand",
                r#"
                ip link add br0 type bridge
                ip link set br0 up
                ip link add v0 address 02:00:00:00:00:10 type veth peer name v1 address 02:00:00:00:00:11
                ip link set v0 master br0
                bridge link set dev v0 state 1
                ip link set v0 up
                ip link set v1 up
                bridge link set dev v0 state 7
                bridge link set dev v0 state 300
                bridge link set dev v0 state -1
                bridge link set dev v0 state foo
                bridge link set dev v0 state LEARNING
                bridge link set dev v0 state 3x
                bridge link set dev v0 state
                bridge link
                bridge link set dev v0 state learning
                bridge link
                bridge link set dev v0 state 1
                bridge link
                bridge link set dev v0 state 0
                bridge link
                bridge link set dev v0 state 3
                bridge link
                bridge link set dev v0 state blocking cost 5
                bridge link
                bridge link set dev v1 state 1
                ip link set v0 type bridge_slave state 2
                bridge link
                ip link set v0 type bridge_slave state 0
                bridge link
                ip link set v0 type bridge_slave state 9
                ip link set v0 type bridge_slave state x
                ip link set v0 type bridge_slave state listening
                ip link set v0 type bridge_slave state 3 cost 4
                bridge link
                ip link set v1 down
                ip link set v1 up
                bridge link set dev v0 state 2
                ip link set br0 type bridge stp_state 1
                bridge link set dev v0 state 3
                bridge link set dev v0 state 9
                ip link set br0 promisc on
                ip -d link show br0
                ip link set br0 promisc off
                ip link show br0
            "#,
            ),
            (
                "the forwarding database",
                r#"
                ip link add br0 type bridge
                ip link add v0 type veth peer name v1
                ip link set v0 master br0
                ip link set v0 up
                ip link set v1 up
                ip link set br0 up
                bridge fdb add 02:aa:00:00:00:01 dev v0 master temp
                bridge fdb add 02:aa:00:00:00:02 dev v0 master dynamic
                bridge fdb add 02:aa:00:00:00:03 dev br0
                bridge fdb add 02:aa:00:00:00:03 dev br0
                bridge fdb add 02:aa:00:00:00:04 dev br0 master
                bridge fdb show br br0 dynamic
                bridge fdb show br br0 state static
                bridge fdb show br br0 state foo
                bridge fdb show brport nope
                bridge fdb get 02:aa:00:00:00:02 brport v0 master
                bridge fdb get 02:aa:00:00:00:02
                bridge fdb get zz br br0
                bridge fdb get 02:aa:00:00:00:01 br nope
                bridge fdb del 02:aa:00:00:00:02 dev v0 master
                bridge fdb show dynamic
                bridge -s link
                bridge -o link
                bridge --json link
                bridge l
                bridge f s br br0 dynamic
                bridge link show dev br0
                bridge link set dev br0 cost 5
                ip link set v0 nomaster
                bridge link
                bridge vlan help
                bridge mdb help
            "#,
            ),
            (
                "groups of a bridge that does not run, or does not snoop",
                r#"
                ip link add br0 type bridge
                ip link add br1 type bridge
                ip link add p1 type veth peer name e1
                ip link add p2 type veth peer name e2
                ip link set p1 master br0
                ip link set p2 master br1
                bridge mdb add dev br0 port e1 grp 239.1.1.1
                bridge mdb add dev br0 port p2 grp 239.1.1.1
                bridge mdb add dev br0 port p1 grp 10.0.0.1
                bridge mdb del dev br0 port p1 grp 239.1.1.1
                bridge mdb del dev br0 port e1 grp 239.1.1.1
                bridge mdb del dev br0 port p2 grp 239.1.1.1
                bridge mdb del dev br0 port br0 grp 239.1.1.1
                bridge mdb del dev br0 port p1 grp 10.0.0.1
                bridge mdb del dev br0 port p1 grp 239.1.1.1 vid 7
                ip link set br0 up
                ip link set br0 type bridge mcast_snooping 0
                bridge mdb add dev br0 port e1 grp 239.1.1.1
                bridge mdb add dev br0 port p2 grp 239.1.1.1
                bridge mdb del dev br0 port p1 grp 239.1.1.1
                bridge mdb del dev br0 port e1 grp 239.1.1.1
                bridge mdb del dev br0 port p2 grp 239.1.1.1
                ip link set br0 type bridge mcast_snooping 1
                bridge mdb add dev br0 port e1 grp 239.1.1.1
                bridge mdb add dev br0 port p2 grp 239.1.1.1
                bridge mdb del dev br0 port p1 grp 239.1.1.1
                bridge mdb del dev br0 port e1 grp 239.1.1.1
                bridge mdb del dev br0 port p2 grp 239.1.1.1
                ip link set p1 up
                ip link set e1 up
                bridge mdb add dev br0 port p1 grp 239.1.1.1 permanent
                ip link set br0 down
                bridge mdb del dev br0 port p1 grp 239.1.1.1
                bridge mdb
                ip link set br0 up
                bridge mdb del dev br0 port p1 grp 239.1.1.1
                bridge mdb
                "#,
            ),
            (
                "groups of IPv6",
                r#"
                ip link add br0 type bridge
                ip link add p1 type veth peer name e1
                ip link set p1 master br0
                ip link set e1 up
                ip link set p1 up
                ip link set br0 up
                sleep 1.5
                bridge mdb add dev br0 port p1 grp ff0e::1 permanent
                bridge mdb add dev br0 port p1 grp ff0e:0:0::1
                bridge mdb add dev br0 port p1 grp FF02::1
                bridge mdb add dev br0 port p1 grp fe80::1 permanent
                bridge mdb add dev br0 port br0 grp ff05::3:1
                bridge mdb add dev br0 port p1 grp ff0e:::1
                bridge mdb add dev br0 port p1 grp aa:bb:cc:dd:ee:gg
                bridge mdb add dev br0 port p1 grp 1:2
                bridge mdb add dev br0 port p1 grp 1.2.3
                bridge mdb show
                bridge -d mdb show
                bridge -j -d mdb show
                bridge mdb del dev br0 port p1 grp ff0e::1
                bridge mdb del dev br0 port p1 grp ff0e::1
                bridge mdb del dev br0 port br0 grp ff05::3:1
                bridge mdb
                "#,
            ),
            (
                "groups",
                r#"
                ip link add br0 type bridge
                ip link add p1 type veth peer name e1
                ip link add p2 type veth peer name e2
                ip link set br0 address 02:00:00:00:00:01
                ip link set p1 address 02:00:00:00:00:11
                ip link set p2 address 02:00:00:00:00:12
                ip link set e1 address 02:00:00:00:00:21
                ip link set e2 address 02:00:00:00:00:22
                ip link set p1 master br0
                ip link set p2 master br0
                bridge mdb add dev br0 port p1 grp 239.1.1.1
                ip link set e1 up
                ip link set e2 up
                ip link set p1 up
                ip link set p2 up
                ip link set br0 up
                bridge mdb
                bridge mdb add dev br0 port p1 grp 239.1.1.1
                bridge mdb add dev br0 port p1 grp 239.1.1.1 permanent
                bridge mdb add dev br0 port p2 grp 239.1.1.2 permanent
                bridge mdb add dev br0 port br0 grp 239.1.1.3 permanent
                bridge mdb add dev br0 port br0 grp 239.1.1.3 temp
                bridge mdb add dev br0 port br0 grp 239.1.1.3 temp
                bridge mdb add dev br0 port p1 grp 224.0.0.5 permanent
                bridge mdb add dev br0 port p1 grp 10.0.0.1 permanent
                bridge mdb add dev br0 port p1 grp 01:02:03:04:05:06 permanent
                bridge mdb add dev br0 port p1 grp 01:02:03:04:05:06 temp
                bridge mdb add dev br0 port p1 grp 02:02:03:04:05:06 permanent
                bridge mdb add dev br0 port e1 grp 239.1.1.9
                bridge mdb add dev br0 port nope grp 239.1.1.9
                bridge mdb add dev nope port p1 grp 239.1.1.9
                bridge mdb add dev p1 port p1 grp 239.1.1.9
                bridge mdb add dev br0 port p1 grp foo
                bridge mdb add dev br0 port p1
                bridge mdb add dev br0 grp 239.1.1.9
                bridge mdb add port p1 grp 239.1.1.9
                bridge mdb add dev br0 port p1 grp 239.1.1.9 vid 10
                bridge mdb add dev br0 port p1 grp 239.1.1.9 vid 5000
                bridge mdb add dev br0 port p1 grp 239.1.1.9 foo
                bridge mdb
                bridge -d mdb
                bridge -j mdb
                bridge -j -p mdb
                bridge -d -j mdb
                bridge -o mdb
                bridge mdb show dev br0
                bridge mdb show dev p1
                bridge mdb show vid 10
                bridge mdb show foo
                bridge mdb del dev br0 port p1 grp 239.1.1.1
                bridge mdb del dev br0 port p1 grp 239.1.1.1
                bridge mdb del dev br0 port p1 grp 239.9.9.9
                bridge mdb del dev br0 port br0 grp 239.1.1.3
                ip link set p1 down
                bridge mdb
                bridge -s mdb
                bridge -s -d mdb
                bridge -s -j mdb
                bridge mdb add dev br0 port p1 grp 239.1.1.7
                ip link set br0 down
                bridge mdb add dev br0 port p1 grp 239.1.1.7 permanent
                ip link set br0 up
                ip link set br0 type bridge mcast_snooping 0
                bridge mdb add dev br0 port p1 grp 239.1.1.7 permanent
                bridge mdb
                ip link set br0 type bridge mcast_snooping 1
                bridge link set dev p2 mcast_router 2
                bridge link set dev p2 mcast_router 4
                bridge link set dev p1 mcast_router 0
                bridge mdb
                bridge -d mdb
                bridge -d -s mdb
                bridge -d -j mdb
                bridge -d -s -j mdb
                bridge -d link
                ip link set br0 type bridge mcast_router 2 mcast_querier 1 mcast_query_interval 2000
                ip link set br0 type bridge mcast_last_member_count 3 mcast_startup_query_count 4 mcast_last_member_interval 200
                ip link set br0 type bridge mcast_membership_interval 3000 mcast_querier_interval 4000
                ip link set br0 type bridge mcast_query_response_interval 500 mcast_startup_query_interval 600
                ip link set br0 type bridge mcast_router 3
                ip link set br0 type bridge mcast_query_interval 10
                ip -d link show br0
                ip link set p2 nomaster
                bridge -d mdb
            "#,
            ),
        ],
    );
}

#[test]
fn vlans_agree() {
    agree_on_vlans(
        "bridge-vlan",
        &[(
            "VLANs",
            r#"
                ip link add br0 type bridge vlan_filtering 1 mcast_snooping 0
                ip link add p1 type veth peer name e1
                ip link add p2 type veth peer name e2
                ip link set br0 address 02:00:00:00:00:01
                ip link set p1 address 02:00:00:00:00:11
                ip link set p2 address 02:00:00:00:00:12
                ip link set p1 master br0
                ip link set p2 master br0
                bridge vlan
                bridge vlan add dev p1 vid 10 foo
                bridge vlan add dev p1 vid
                bridge vlan add dev p1 vid 10 help
                bridge vlan add dev p1 vid 10-12-14
                bridge vlan add dev p1 vid 5000-5001
                bridge vlan add dev p1 vid 4090-5001
                bridge vlan add dev p1 vid 12-10
                bridge vlan add dev p1 vid 30-31 pvid
                bridge vlan add dev p1 vid 40000
                bridge vlan add dev p1 vid -5
                bridge vlan add dev p1 vid 70000
                bridge vlan add dev p1 vid 4095
                bridge vlan add dev p1 vid x
                bridge vlan add dev p1
                bridge vlan add vid 1
                bridge vlan add dev nope vid 5
                bridge vlan add dev lo vid 5
                bridge vlan add dev p1 vid 30 self master
                bridge vlan add dev br0 vid 30 self master
                bridge vlan add dev br0 vid 31 master
                bridge vlan add dev p1 vid 31 self
                bridge vlan add dev br0 vid 20-25 self
                bridge vlan add dev p1 vid 20-25 untagged
                bridge vlan add dev p2 vid 20 pvid
                bridge vlan del dev p1 vid 22-23
                bridge vlan del dev p1 vid 99
                bridge vlan del dev p1 vid 4090-4095
                bridge vlan
                bridge -j vlan
                bridge -j -p vlan
                bridge -o vlan
                bridge -compressvlans vlan
                bridge -compressvlans -j vlan
                bridge -compressvlans vlan show vid 21
                bridge vlan show vid 21 dev p1
                bridge vlan show vid 99
                bridge vlan show vid foo
                bridge vlan show vid 1 vid 2
                bridge vlan show foo
                bridge vlan show dev e1
                bridge vlan show dev nope
                bridge -j vlan show dev e1
                bridge -s vlan
                bridge -s -j vlan
                bridge -s vlan show vid 20
                bridge -d vlan
                bridge -d -j vlan
                bridge -d -s vlan show dev p1
                bridge vlan foo
                bridge fdb show br br0
                bridge fdb add 02:aa:00:00:00:01 dev p1 master static
                bridge fdb add 02:aa:00:00:00:02 dev p1 master static vlan 10
                bridge fdb add 02:aa:00:00:00:03 dev p1 master static vlan 77
                bridge fdb add 02:aa:00:00:00:03 dev p1 master static vlan 5000
                bridge fdb add 02:aa:00:00:00:03 dev p1 master static vlan 70000
                bridge fdb add 02:aa:00:00:00:04 dev br0 self permanent
                bridge fdb add 02:aa:00:00:00:02 dev p1 master static vlan 10
                bridge fdb show br br0
                bridge -j fdb show br br0
                bridge fdb show vlan 10
                bridge fdb show br br0 vlan 10 state static
                bridge fdb get 02:aa:00:00:00:02 br br0 vlan 10
                bridge fdb get 02:aa:00:00:00:02 br br0
                bridge fdb del 02:aa:00:00:00:02 dev p1 master
                bridge fdb del 02:aa:00:00:00:01 dev p1 master vlan 10
                bridge fdb del 02:aa:00:00:00:01 dev p1 master vlan 10
                bridge fdb del 02:aa:00:00:00:01 dev p1 master
                bridge fdb show brport p1
                ip link set br0 type bridge vlan_stats_enabled 1
                ip link set br0 type bridge vlan_stats_per_port 1
                ip link set br0 type bridge vlan_default_pvid 5
                bridge vlan
                ip link set br0 type bridge vlan_default_pvid 0
                bridge vlan
                ip link set br0 type bridge vlan_default_pvid 4095
                ip link set br0 type bridge vlan_default_pvid abc
                ip link set br0 type bridge vlan_filtering abc
                ip link set br0 type bridge vlan_protocol abc
                ip link set br0 type bridge vlan_protocol 802.1AD
                ip link set br0 type bridge vlan_filtering 0
                ip link set p1 nomaster
                bridge vlan
                bridge vlan add dev p1 vid 10
                ip link add br1 type bridge vlan_filtering 1 vlan_default_pvid 7
                ip link set p1 master br1
                bridge vlan
                bridge fdb show br br1
                ip link set p1 address 02:00:00:00:00:21
                bridge fdb show br br1
                ip link del br1
                bridge vlan
            "#,
        )],
    );
}
