//! `bridge`, as scripts use it, and its complaints.

use crate::agree;

#[test]
fn bridge_agrees() {
    agree(
        "bridge",
        &[
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
                bridge vlan add dev v0 vid 10
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
        ],
    );
}
