//! `tc qdisc` with netem, as scripts use it, and its complaints.

use crate::{agree, agree_on_netem};

#[test]
fn complaints_and_plain_queues_agree() {
    agree(
        "tc",
        &[(
            "without netem",
            r#"
                ip link add v0 type veth peer name v1
                ip link set v0 up
                ip link set v1 up
                tc qdisc
                tc qdisc show dev v0
                tc -s qdisc show dev v0
                tc -j -p qdisc show dev v0
                tc qdisc add dev nope root netem delay 1ms
                tc qdisc show dev nope
                tc qdisc del dev v0 root
                tc qdisc del dev v0
                tc qdisc del dev v0 parent 1:1
                tc qdisc del dev v0 root netem
                tc qdisc add dev v0 root
                tc qdisc add dev v0 root foo
                tc qdisc change dev v0 root foo
                tc qdisc foo
                tc qdisc help
                tc foo
                tc help
                tc
                tc -V
                tc -foo qdisc
                tc -n nope qdisc
                tc qdisc show dev v0 foo
                tc qdisc show dev v0 dev v1
                tc qdisc add dev v0 dev v1 root netem
                tc qdisc add dev v0 root root netem
                tc qdisc add dev v0 root handle xyz netem
                tc qdisc add dev v0 parent xyz netem
                tc qdisc replace dev v0 root netem foo
                tc qdisc replace dev v0 root netem delay
                tc qdisc replace dev v0 root netem delay abc
                tc qdisc replace dev v0 root netem loss 101%
                tc qdisc replace dev v0 root netem loss abc
                tc qdisc replace dev v0 root netem limit abc
                tc qdisc replace dev v0 root netem rate abc
                tc qdisc replace dev v0 root netem reorder 25%
                tc qdisc replace dev v0 root netem gap 5
                tc qdisc replace dev v0 root netem delay 300s
                tc qdisc replace dev v0 root netem help
                tc class show dev v0
                tc filter show dev v0
                tc qd s
                ip link set v0 down
                tc qdisc
            "#,
        )],
    );
}

#[test]
fn netem_agrees() {
    agree_on_netem(
        "tc-netem",
        &[
            (
                "batches",
                r#"
                ip link add v0 type veth peer name v1
                tc -batch - <<< qdisc add dev v0 root pfifo limit 5 # few\n\nqdisc show dev v0\n
                tc -batch - <<< qdisc add dev v0 root pfifo limit 5\nqdisc show dev v0\n
                tc -force -batch - <<< qdisc add dev v0 root pfifo limit 5\nqdisc foo\nqdisc del dev v0 root\nnosuch\n
                tc -b - <<< help\nqdisc show dev v0\n
                tc -batch
                tc -batch nosuch
            "#,
            ),
            (
                "tutorials",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 up
                ip link set v1 up
                tc qdisc
                tc qdisc show
                tc qdisc show dev v0
                tc qdisc add dev v0 root netem delay 10ms
                tc qdisc show dev v0
                tc qdisc
                tc qdisc add dev v0 root netem delay 20ms
                tc qdisc change dev v0 root netem delay 20ms 5ms
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem delay 100ms 10ms 25% loss 1% 25% duplicate 2% reorder 25% 50% corrupt 0.1%
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc -j -p qdisc show dev v0
                tc -s qdisc show dev v0
                tc -d qdisc show dev v0
                tc -p qdisc show dev v0
                tc qdisc del dev v0 root
                tc qdisc show dev v0
                tc qdisc del dev v0 root
                tc qdisc add dev v0 root handle 1: netem rate 1mbit limit 100
                tc qdisc show dev v0
                tc qdisc del dev v0 root netem
                tc qdisc add dev v0 root handle 1:0 netem loss random 10%
                tc qdisc show dev v0
                tc qdisc del dev v0 root handle 1: netem
                tc qdisc add dev v0 root netem
                tc qdisc show dev v0
                tc qdisc del dev v0 root
                tc qdisc add dev v0 root netem delay 10us loss 0.3%
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem loss 100%
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem delay 1s
                tc qdisc show dev v0
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem foo
                tc qdisc replace dev v0 root netem delay
                tc qdisc replace dev v0 root netem delay abc
                tc qdisc replace dev v0 root netem loss 101%
                tc qdisc replace dev v0 root netem loss abc
                tc qdisc replace dev v0 root netem limit abc
                tc qdisc replace dev v0 root netem rate abc
                tc qdisc replace dev v0 root netem reorder 25%
                tc qdisc replace dev v0 root netem gap 5
                tc qdisc replace dev v0 root netem delay 10ms reorder 25% gap 5
                tc qdisc show dev v0
                tc qdisc add dev nope root netem delay 1ms
                tc qdisc show dev nope
                tc qdisc add dev v0 netem delay 1ms
                tc qdisc add dev v0 parent 1:1 netem delay 1ms
                tc qdisc add root netem delay 1ms
                tc qdisc add dev v0 root
                tc qdisc add dev v0 root foo
                tc qdisc show dev v0
                tc qdisc show dev v0
                tc qdisc del dev v0 root
                tc qdisc change dev v1 root netem delay 1ms
                tc qdisc
                tc foo
                tc qdisc foo
                tc qdisc help
                tc qdisc add help
                tc -foo qdisc
                tc qdisc ls
                tc qdisc list dev v0
                tc qdisc show root
                tc qdisc show dev v0 root
                tc qdisc show dev v0 foo
                tc qdisc show invisible
                tc qdisc add dev v0 root netem delay 10ms 5ms 30% loss 2% rate 256kbit
                tc -s qdisc show dev v0
                tc qdisc add dev v0 root netem help
                tc qdisc add dev v0 root netem delay 5
                tc qdisc replace dev v0 root netem delay 5
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem delay 10ms loss 5
                tc qdisc replace dev v0 root netem rate 100kbps
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem rate 1gbit delay 0.1ms
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem rate 1500
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem duplicate 1% corrupt 5%
                tc qdisc show dev v0
                tc qdisc del dev lo root
                tc -n nope qdisc
            "#,
            ),
            (
                "a rate with overheads",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 up
                ip link set v1 up
                tc qdisc add dev v0 root netem rate 1mbit 20
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc change dev v0 root netem rate 1mbit -20 48 5
                tc qdisc show dev v0
                tc -j -p qdisc show dev v0
                tc qdisc change dev v0 root netem rate 10gbit 0 1500 -3 delay 10ms
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem delay 20ms
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem rate 1mbit 20x
                tc qdisc change dev v0 root netem rate 1mbit 20 4y
                tc qdisc change dev v0 root netem rate 1mbit 20 48 99999999999
                tc qdisc change dev v0 root netem rate 1mbit 20 48 5 6
                tc qdisc show dev v0
            "#,
            ),
            (
                "loss in bursts",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 up
                ip link set v1 up
                tc qdisc add dev v0 root netem loss state 1%
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc change dev v0 root netem loss state 1% 2% 3% 4% 5% delay 10ms
                tc qdisc show dev v0
                tc -j -p qdisc show dev v0
                tc qdisc change dev v0 root netem loss gemodel 1%
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem loss gemodel 1% 10% 70% 0.1% duplicate 5%
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc change dev v0 root netem delay 1ms
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem loss state
                tc qdisc change dev v0 root netem loss gemodel
                tc qdisc change dev v0 root netem loss state abc
                tc qdisc change dev v0 root netem loss state 1% 2% 3% 4% 101%
                tc qdisc change dev v0 root netem loss gemodel 101%
                tc qdisc change dev v0 root netem loss gemodel 1% 2% 3% 400%
                tc qdisc change dev v0 root netem loss nonsense
                tc qdisc show dev v0
            "#,
            ),
            (
                "handles and numbers",
                r#"
                ip link add v0 type veth peer name v1
                ip link set v0 up
                ip link set v1 up
                tc qdisc add dev v0 root netem loss 33.3333% 12.345%
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc add dev v0 root handle 5: netem delay 1ms
                tc qdisc replace dev v0 root handle 5: netem delay 12.3456ms
                tc qdisc show dev v0
                tc -j qdisc
                tc qdisc replace dev v0 root handle 5:1 netem delay 1ms
                tc qdisc replace dev v0 root handle xyz netem delay 1ms
                tc qdisc change dev v0 root handle 6: netem delay 1ms
                tc qdisc change dev v0 handle 5: netem delay 1234ms 567ms 1%
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc del dev v0 root handle 6:
                tc qdisc del dev v0 handle 5:
                tc qdisc show dev v0
                tc qdisc del dev v0
                tc qdisc add dev v0 root
                tc qdisc add dev v0 root root netem
                tc qdisc add dev v0 dev v1 root netem
                tc qdisc add dev v0 root netem rate 1500kbit loss 5% limit 50
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc change dev v0 root netem delay 1ms
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem reorder 10% delay 5ms
                tc qdisc show dev v0
                tc qdisc change dev v0 root netem delay 5ms 1ms 50% corrupt 1% 2% loss 3% 4% duplicate 5% 6%
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc change dev v0 root netem delay 5ms 1ms
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem
                tc qdisc show dev v0
                tc qdisc delete dev v0 root
                tc qdisc add dev v0 root netem delay 1ms 1
                tc qdisc add dev v0 root netem delay 1ms limit 0
                tc qdisc add dev v0 root netem delay 1ms seed 7
                tc qdisc add dev v0 root netem delay -1ms
                tc qdisc add dev v0 root netem delay 10m
                tc qdisc add dev v0 root netem delay 1ms 2ms abc
                tc qdisc add dev v0 root netem loss
                tc qdisc add dev v0 root netem loss 5% 200%
                tc qdisc add dev v0 root netem loss -5%
                tc qdisc add dev v0 root netem duplicate abc
                tc qdisc add dev v0 root netem corrupt abc
                tc qdisc add dev v0 root netem reorder abc
                tc qdisc add dev v0 root netem delay 1ms 2ms 3% 4%
                tc qdisc show dev v0
                tc qdisc add dev v0 root netem loss 0.00001%
                tc qdisc replace dev v0 root netem loss 0.00001%
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem loss 99.9999%
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem rate 10gbit
                tc qdisc show dev v0
                tc qdisc replace dev v0 root netem rate 1234567
                tc qdisc show dev v0
                tc -j qdisc show dev v0
                tc qdisc replace dev v0 root netem rate 64kbps delay 3
                tc qdisc show dev v0
                tc qdisc show dev v0 parent 1:
                tc qdisc show handle 1:
                tc qdisc show dev v0 ingress
                tc q
                tc qd s
                tc qdisc a dev v0 root netem
                tc qdisc d dev v0 root
                tc help
                tc qdisc get dev v0
                tc qdisc change dev v0 root netem loss 1%
                tc qdisc replace dev nope root
                tc qdisc add dev v0 parent root netem
                tc qdisc add dev v0 handle 7: root netem delay 1ms
                tc qdisc add dev v0 handle 7: root netem delay 1ms
                tc qdisc show
            "#,
            ),
        ],
    );
}
