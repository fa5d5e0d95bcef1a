//! `brctl`, as scripts use it, and its complaints.

use crate::agree;

#[test]
fn brctl_agrees() {
    agree(
        "brctl",
        &[
            (
                "every verb",
                r#"
                brctl
                brctl show
                brctl addbr br0
                brctl addbr br0
                brctl addbr
                brctl addbr a b
                brctl foo
                brctl -h
                brctl --help
                brctl -V
                brctl --version
                brctl -x
                brctl show
                brctl show br0
                brctl show nope
                ip link add v0 type veth peer name v1
                ip link add v2 type veth peer name v3
                ip link set v0 address 02:00:00:00:00:01
                ip link set v1 address 02:00:00:00:00:02
                ip link set v2 address 02:00:00:00:00:03
                ip link set v3 address 02:00:00:00:00:04
                brctl addif br0 v0
                brctl addif br0 v0
                brctl addif br0 v2 v3
                brctl addif br0 nope
                brctl addif nope v1
                brctl addif br0
                brctl addif
                brctl addif br0 lo
                brctl addbr br1
                brctl addif br0 br1
                brctl addif br1 v0
                ip link set br0 up
                ip link set v0 up
                ip link set v1 up
                ip link set v2 up
                brctl show
                brctl show br0
                brctl show br0 br1
                brctl show br0 nope
                brctl show v0
                brctl showmacs br0
                brctl showmacs
                brctl showmacs nope
                brctl showmacs v1
                brctl showstp br0
                brctl showstp nope
                brctl showstp v0
                brctl showstp
                brctl stp br0 on
                brctl stp br0 off
                brctl stp br0 yes
                brctl stp br0 maybe
                brctl stp br0
                brctl stp nope on
                brctl setageing br0 10
                brctl setageing br0 0
                brctl setageing br0 foo
                brctl setageing br0 1.5
                brctl setageing nope 5
                brctl setageing v0 5
                brctl setbridgeprio br0 100
                brctl setbridgeprio br0 70000
                brctl setbridgeprio br0 foo
                brctl setbridgeprio br0 0x1000
                brctl setbridgeprio br0 -1
                brctl setbridgeprio nope 1
                brctl setfd br0 4
                brctl setfd br0 0
                brctl setfd br0 100
                brctl setfd br0 abc
                brctl sethello br0 1
                brctl sethello br0 0
                brctl sethello br0 11
                brctl setmaxage br0 10
                brctl setmaxage br0 1
                brctl setmaxage br0 500
                brctl setpathcost br0 v0 10
                brctl setpathcost br0 v0 0
                brctl setpathcost br0 v0 70000
                brctl setpathcost br0 v1 10
                brctl setpathcost br0 nope 10
                brctl setpathcost nope v0 10
                brctl setpathcost br0 v0 foo
                brctl setportprio br0 v0 10
                brctl setportprio br0 v0 64
                brctl setportprio br0 v0 foo
                brctl setportprio br0 v1 1
                brctl hairpin br0 v0 on
                brctl hairpin br0 v0 off
                brctl hairpin br0 v0 maybe
                brctl hairpin br0 v1 on
                brctl hairpin br0 v0
                brctl stp br0 on
                brctl setfd br0 1
                brctl setfd br0 5
                brctl showstp br0
                brctl show
                brctl delif br0 v0
                brctl delif br0 v0
                brctl delif br0 nope
                brctl delif nope v0
                brctl delif br1 v2
                brctl delif br0
                brctl delbr br0
                ip link set br0 down
                brctl delbr br0
                brctl delbr br0
                brctl delbr v1
                brctl delbr br1
                brctl show
                brctl addbr abcdefghijklmnopqrstuvwxyz
                brctl show
                brctl addbr a/b
                brctl addbr br%d
                brctl addbr ""
                brctl addbr "a b"
                brctl show
                brctl garpint br0 1
                brctl setgcint br0 4
            "#,
            ),
            (
                "names, numbers and words",
                r#"
                brctl addbr br0
                brctl addbr z9
                ip link add v10 type veth peer name v1
                ip link add v2 type veth peer name v3
                ip link set v10 address 02:00:00:00:00:0a
                ip link set v1 address 02:00:00:00:00:02
                ip link set v2 address 02:00:00:00:00:01
                ip link set v3 address 02:00:00:00:00:04
                brctl addif br0 v10
                brctl addif br0 v2
                brctl show nope br0
                brctl show br0 nope z9
                brctl show br0 v1 z9
                brctl showstp br0
                ip link set v10 up
                ip link set br0 up
                ip link set v1 up
                brctl hairpin br0 v10 on
                brctl showstp br0
                brctl showmacs br0
                brctl addif br0 v1 nope v3
                brctl addif br0 nope v3
                brctl show
                brctl delif br0 v1 nope v3
                brctl show
                brctl stp br0 off
                brctl setfd br0 0
                brctl setageing br0 10s
                brctl sethello br0 11
                brctl sethello br0 1.555
                brctl setmaxage br0 6.006
                brctl showstp br0
                brctl setbridgeprio br0 010
                brctl showstp br0
                brctl setbridgeprio br0 12x
                brctl setbridgeprio br0 " 12"
                brctl setbridgeprio br0 -- -1
                brctl setbridgeprio br0 99999999999999999999
                brctl showstp br0
                brctl setpathcost br0 v10 -- -1
                brctl setpathcost br0 v10 0x10
                brctl setpathcost br0 v10 010
                brctl setportprio br0 v10 -- -1
                brctl setportprio br0 v10 0x11
                brctl setportprio br0 nope 3
                brctl setportprio nope v10 3
                brctl hairpin nope v10 on
                brctl hairpin br0 nope on
                brctl hairpin br0 v10 1
                brctl hairpin br0 v10 0
                brctl hairpin br0 v10 yes
                brctl hairpin br0 v10 no
                brctl hairpin br0 v10 ON
                brctl stp br0 1
                brctl stp br0 0
                brctl stp br0 no
                brctl stp br0 ON
                brctl stp v10 on
                brctl setfd v10 4
                brctl setbridgeprio v10 4
                brctl delif br0 lo
                brctl addif br0 br0
                brctl addif v1 v3
                brctl addif br0 v10 v10
                brctl delif v1 v3
                brctl delbr nope
                brctl delbr z9 br0
                brctl delbr
                brctl sh
                brctl setf br0 4
                brctl stp br0 on off
                brctl showmacs br0 z9
                brctl showstp br0 z9
                brctl hairpin
                brctl setageing
                brctl setageing br0
                brctl setbridgeprio br0
                brctl sethello br0
                brctl setmaxage br0
                brctl setpathcost br0 v10
                brctl setportprio br0 v10
                brctl setfd br0
                brctl --hel
                brctl --foo
                brctl -Vh
                brctl addbr lo
                brctl addbr v1
                brctl delbr lo
                brctl addif br0 v1 -x
                brctl show --macs
            "#,
            ),
            (
                "a station behind a port",
                r#"
                ip netns add a
                ip link add br0 type bridge
                ip link set br0 address 02:00:00:00:00:01
                ip link add v0 type veth peer name e0 netns a
                ip link set v0 address 02:00:00:00:00:10
                ip -n a link set e0 address 02:00:00:00:00:11
                brctl addif br0 v0
                ip link set br0 up
                ip link set v0 up
                ip -n a link set e0 up
                ip -n a addr add 10.0.0.2/24 dev e0
                ip addr add 10.0.0.1/24 dev br0
                brctl showmacs br0
                brctl stp br0 on
                brctl show
                brctl showstp br0
                ip link set v0 nomaster
                brctl show br0
            "#,
            ),
        ],
    );
}
