//! `ethtool` on virtual devices: what it shows, what it switches, and what nobody's driver does.

use crate::agree;

#[test]
fn ethtool_agrees() {
    agree(
        "ethtool",
        &[
            (
                "what is shown",
                r#"
                ip link add v0 type veth peer name v1
                ip link add br0 type bridge
                ethtool v0
                ip link set v0 up
                ip link set v1 up
                ip link set br0 up
                ip link set lo up
                ethtool v0
                ethtool br0
                ethtool lo
                ethtool nope
                ethtool -i v0
                ethtool --driver br0
                ethtool -i lo
                ethtool -i nope
                ethtool -S v0
                ethtool -S br0
                ethtool -S lo
                ethtool -S nope
                ethtool -P v0
                ethtool -P nope
                ethtool -T v0
                ethtool -T br0
                ethtool -T nope
                ethtool -a v0
                ethtool -a nope
                ethtool -g br0
                ethtool -c lo
                ethtool -l br0
                ethtool -t v0
                ethtool -t br0
                ethtool -x v0
                ethtool -w lo
                ethtool -w nope
                ethtool --show-eee v0
                ethtool --show-priv-flags v0
                ethtool -s v0 speed 100 duplex full autoneg off
                ethtool -A v0 rx off
                ethtool -G v0 rx 100
                ethtool --version
                ethtool
                ethtool -z v0
                ethtool -i
                "#,
            ),
            (
                "features",
                r#"
                ip link add v0 type veth peer name v1
                ip link add br0 type bridge
                ip link set v0 up
                ip link set v1 up
                ethtool -k v0
                ethtool -k br0
                ethtool -k lo
                ethtool -k nope
                ethtool -K v0 tx off
                ethtool -k v0
                ethtool -K v0 tx off
                ethtool -K v0 tx on
                ethtool -K v0 rx off tx off sg off tso off gso off gro off
                ethtool -k v0
                ethtool -K v0 gro on lro off
                ethtool -K v1 sg off
                ethtool -k v1
                ip link set v1 master br0
                ethtool -k br0
                ip link set v1 nomaster
                ethtool -K lo rx off
                ethtool -K lo tx on
                ethtool -K lo tso off gso off
                ethtool -k lo
                ethtool --offload br0 tx off
                ethtool --features br0 rx-gro-list on
                ethtool -K br0 ufo off
                ethtool -K br0 generic-receive-offload off
                ethtool --show-offload br0
                ethtool -K v0 tx-checksum-ip-generic on
                ethtool -K v0 bogus off
                ethtool -K nope tx off
                ethtool -K v0 tx
                ethtool -K v0 tx maybe
                ethtool -K v0
                "#,
            ),
            (
                "what sits on another",
                r#"
                ip link add v0 type veth peer name v1
                ip link add link v0 m0 type macvlan mode bridge
                ip link set v0 up
                ip link set v1 up
                ip link set m0 up
                ethtool m0
                ethtool -i m0
                ethtool -S m0
                ethtool -k m0
                "#,
            ),
        ],
    );
}
