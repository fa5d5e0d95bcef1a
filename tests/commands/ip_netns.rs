//! `ip netns`, and running `ip` in another namespace.

use crate::agree;

#[test]
fn namespaces() {
    agree(
        "ip-netns",
        &[
            (
                "come and go",
                r"
            ip netns
            ip netns add ns1
            ip netns add ns2
            ip netns list
            ip netns show
            ip netns add ns1
            ip netns del ns1
            ip netns ls
            ip netns list
            ip netns delete ns1
            ip netns del ns2
            ip netns list
        ",
            ),
            (
                "numbers",
                r"
            ip netns add red
            ip netns add green
            ip netns add blue
            ip link add v0 type veth peer name v1
            ip link set v0 netns red
            ip netns list
            ip link set v1 netns blue
            ip netns list
            ip netns list-id
            ip -n red netns list
            ip -n blue netns list-id
            ip -j netns list
            ip -j -p netns list-id
            ip -n red link show v0
            ip -n red -j link show v0
            ip netns del blue
            sleep 0.5
            ip netns list
            ip netns add grey
            ip link add w0 netns grey type veth peer name w1 netns green
            ip netns list
            ip -n grey netns list
            ip netns list-id
        ",
            ),
            (
                "exec",
                r"
            ip netns add a
            ip netns add b
            ip netns exec a ip link
            ip netns exec a ip netns identify
            ip netns identify
            ip netns exec a ip netns exec b ip netns identify
            ip -n a netns identify
            ip netns exec a ip link set lo up
            ip netns exec a ip addr
            ip -netns b a
            ip -all netns exec ip link set lo up
            ip --all netns exec ip -br addr
            ip -a netns del
            ip netns
        ",
            ),
            (
                "mistakes",
                r"
            ip netns add
            ip netns del
            ip netns add a/b
            ip netns exec
            ip netns exec nosuch
            ip netns exec nosuch ip link
            ip -n nosuch link
            ip -n
            ip netns foo
            ip netns help
            ip netns identify a
            ip netns identify 1 2
            ip netns list-id foo
            ip netns add .
        ",
            ),
            (
                "numbers are given when a link is told of",
                r"
            ip netns add a
            ip link add m0 netns a type veth peer name m1
            ip netns list
            ip netns exec a ip netns list-id
            ip -br link show m1
            ip netns list
            ip netns add b
            ip link add x0 type veth peer name x1 netns b
            ip netns list
            ip netns exec b ip netns list-id
            ip -n b link set x1 up
            ip netns exec b ip netns list-id
            ip netns add c
            ip link add y0 type veth peer name y1
            ip link set y1 netns c
            ip netns list
            ip netns exec c ip netns list-id
            ip netns add d
            ip netns add e
            ip -n d link add z0 type veth peer name z1 netns e
            ip netns exec d ip netns list-id
            ip -n d link set z0 up
            ip netns exec e ip netns list-id
            ip -n e link set z1 up
            ip netns exec e ip netns list-id
            ip netns add g
            ip link add w0 netns g type veth peer name w1
            ip netns list
            ip addr add 10.0.0.1/24 dev w1
            ip netns list
            ip netns add h
            ip link add u0 netns h type veth peer name u1
            ip link set u1 alias of-mine
            ip netns list
        ",
            ),
        ],
    );
}
