//! `iperf3` where it does not come to a test: its complaints, and a server that is not there.

use crate::agree;

#[test]
fn iperf3_agrees() {
    agree(
        "iperf3",
        &[(
            "complaints",
            r#"
            ip link set lo up
            iperf3
            iperf3 -h
            iperf3 -x
            iperf3 --nope
            iperf3 -s -c 127.0.0.1
            iperf3 -s -t 5
            iperf3 -c 127.0.0.1 -p 99999
            iperf3 -c 127.0.0.1 -p 0
            iperf3 -c 127.0.0.1 -f x
            iperf3 -c 127.0.0.1 -i 0.01
            iperf3 -c 127.0.0.1 -i 61
            iperf3 -c 127.0.0.1 -t 86401
            iperf3 -c 127.0.0.1 -P 129
            iperf3 -c 127.0.0.1 -l 2M
            iperf3 -c 127.0.0.1 -u -l 65508
            iperf3 -c
            iperf3 -c 127.0.0.1
            iperf3 -c 127.0.0.1 -p 5202 -t 1
            iperf3 -c 127.0.0.1 -u
            iperf3 -c 10.9.9.9 -t 1
            iperf3 -c 127.0.0.1 -B 10.0.0.1
            "#,
        )],
    );
}
