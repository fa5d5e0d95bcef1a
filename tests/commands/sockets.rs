//! `netstat` and `ss` with `-t` and `-u`: the sockets that there are.

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
            ss -tln
            netstat -tuln
            ss -tuln
            netstat -tan
            ss -tan
            netstat -tn
            ss -tn
            netstat -nat --inet
            ss -X -t
            ss -V
            ss -h
            ss --ipv -t
            ss -H -tln
            nc -l 5001 &
            nc -lu 5002 &
            nc -l 10.0.0.1 5003 &
            sleep 1
            ~ netstat -tuln
            ~ ss -tuln
            ~ netstat -tln
            ~ ss -tln
            ~ ss -H -tln
            ~ ss --tcp --listening --numeric
            netstat -uln
            ss -uln
            netstat -un
            ss -un
            netstat -tn
            ss -tn
            ~ netstat -tan
            ~ ss -tan
            ip netns exec b netstat -tuln
            ip netns exec b ss -tuln
            ip netns exec b nc -p 4000 10.0.0.1 5003 &
            sleep 1
            ~ netstat -tn
            ~ ss -tn
            ~ netstat -tan
            ~ ss -tan
            ip netns exec b netstat -tn
            ip netns exec b ss -tn
            ip netns exec b netstat -tln
            ip netns exec b ss -tln
            kill %4
            wait %4
            wait %3
            netstat -tln
            ss -tln
            ip netns exec b netstat -tan
            ip netns exec b ss -tan
            kill %1
            kill %2
            wait %1
            wait %2
            netstat -tuln
            ss -tuln
            ",
        )],
    );
}
