//! `netstat -t` and `-u`: the sockets that there are.

use crate::agree;

#[test]
fn sockets() {
    agree(
        "sockets",
        &[(
            "netstat",
            r"
            ip netns add b
            ip link add v0 type veth peer name v1 netns b
            ip addr add 10.0.0.1/24 dev v0
            ip link set v0 up
            ip -n b addr add 10.0.0.2/24 dev v1
            ip -n b link set lo up
            ip -n b link set v1 up
            netstat -tln
            netstat -tuln
            netstat -tan
            netstat -tn
            netstat -nat --inet
            nc -l 5001 &
            nc -lu 5002 &
            nc -l 10.0.0.1 5003 &
            sleep 1
            ~ netstat -tuln
            ~ netstat -tln
            netstat -uln
            netstat -un
            netstat -tn
            ~ netstat -tan
            ip netns exec b netstat -tuln
            ip netns exec b nc -p 4000 10.0.0.1 5003 &
            sleep 1
            ~ netstat -tn
            ~ netstat -tan
            ip netns exec b netstat -tn
            ip netns exec b netstat -tln
            kill %4
            wait %4
            wait %3
            netstat -tln
            ip netns exec b netstat -tan
            kill %1
            kill %2
            wait %1
            wait %2
            netstat -tuln
            ",
        )],
    );
}
