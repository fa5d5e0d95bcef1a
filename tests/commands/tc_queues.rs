//! `tc` with the queues, classes and filters besides netem, as scripts use them, and its complaints.

use crate::{agree, agree_on_netem};

const WIRE: &str = "ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up\n";

fn on_a_wire(lines: &str) -> String {
    format!("{WIRE}{lines}")
}

#[test]
fn fifos_and_tbf_agree() {
    let fifos = on_a_wire(
        r#"
        tc qdisc add dev v0 root pfifo foo
        tc qdisc add dev v0 root pfifo help
        tc qdisc add dev v0 root pfifo limit abc
        tc qdisc add dev v0 root pfifo_fast limit 5
        tc qdisc add dev v0 root noqueue limit 5
        tc qdisc add dev v0 root pfifo limit 5
        tc qdisc show dev v0
        tc qdisc add dev v0 root pfifo limit 6
        tc qdisc add dev v0 root bfifo limit 6kb
        tc qdisc show dev v0
        tc -s qdisc show dev v0
        tc qdisc change dev v0 root pfifo limit 10
        tc qdisc change dev v0 root pfifo limit 11
        tc qdisc show dev v0
        tc qdisc del dev v0 root foo
        tc qdisc del dev v0 root bfifo
        tc qdisc del dev v0 root pfifo
        tc qdisc replace dev v0 root noqueue
        tc qdisc show dev v0
        tc qdisc change dev v0 root noqueue
        tc qdisc del dev v0 root
        tc qdisc add dev v0 root handle 1:1 pfifo
        tc qdisc add dev v0 root handle 1: pfifo_head_drop limit 3
        tc -j qdisc show
        tc qdisc replace dev v0 root handle 1: pfifo
        tc qdisc replace dev v0 root handle 2: pfifo_fast
        tc qdisc show
        tc qdisc change dev v0 root pfifo_fast
        tc qdisc change dev v0 root handle 2: pfifo limit 1
        tc -j qdisc show dev v0
        tc -j -p -s qdisc show dev v0
        tc qdisc add dev v0 parent 2:1 handle 20: pfifo limit 5
        tc qdisc replace dev v0 root pfifo_head_drop limit 7
        tc qdisc replace dev v0 root bfifo
        tc -s qdisc show dev v0
        tc -s -j qdisc show dev v0
        ip link set v0 txqueuelen 0
        tc qdisc replace dev v0 root pfifo_fast
        ip link set v0 txqueuelen 20
        tc qdisc replace dev v0 root pfifo
        tc qdisc show dev v0
        tc qdisc replace dev v0 root bfifo
        tc qdisc show dev v0
        ip link set v0 down
        tc qdisc show dev v0
        tc qdisc del dev v0 root
        tc qdisc show dev v0
        tc qdisc add dev v0 root pfifo limit 4
        tc qdisc show dev v0
        "#,
    );
    let tbf = on_a_wire(
        r#"
        tc qdisc add dev v0 root tbf foo
        tc qdisc add dev v0 root tbf help
        tc qdisc add dev v0 root tbf rate 1mbit burst 1500 latency 50ms limit 3000
        tc qdisc add dev v0 root tbf rate 1mbit burst 1500 limit 3000 latency 50ms
        tc qdisc add dev v0 root tbf rate 1mbit rate 2mbit
        tc qdisc add dev v0 root tbf burst 1k burst 2k
        tc qdisc add dev v0 root tbf rate abc
        tc qdisc add dev v0 root tbf burst abc
        tc qdisc add dev v0 root tbf latency abc
        tc qdisc add dev v0 root tbf limit abc
        tc qdisc add dev v0 root tbf rate
        tc qdisc add dev v0 root tbf
        tc qdisc add dev v0 root tbf rate 1mbit
        tc qdisc add dev v0 root tbf rate 1mbit burst 1500 peakrate 2mbit latency 10ms
        tc qdisc add dev v0 root tbf rate 1mbit burst 1500 peakrate 1mbit mtu 1500 latency 10ms
        tc qdisc add dev v0 root tbf rate 0.5mbit burst 5kb latency 70ms peakrate 1mbit minburst 1540
        tc qdisc show dev v0
        tc -d qdisc show dev v0
        tc -j qdisc show dev v0
        tc -d -j qdisc show dev v0
        tc -s -j -p qdisc show dev v0
        tc class show dev v0
        tc -s class show dev v0
        tc -j class show dev v0
        tc qdisc replace dev v0 root tbf rate 333kbit burst 3333 limit 10000 overhead 10 mpu 64 linklayer atm
        tc qdisc show dev v0
        tc -d qdisc show dev v0
        tc -j qdisc show dev v0
        tc qdisc replace dev v0 root tbf rate 10gbit burst 1mb limit 3mb
        tc -d qdisc show dev v0
        tc qdisc replace dev v0 root tbf rate 100gbit burst 1mb/8 limit 3mb
        tc qdisc show dev v0
        tc qdisc replace dev v0 root tbf rate 1mbit burst 32kbit latency 400ms
        tc qdisc show dev v0
        tc qdisc replace dev v0 root tbf rate 1mbit buffer 1600 limit 1000
        tc qdisc show dev v0
        tc -j qdisc show dev v0
        tc qdisc add dev v0 root handle 1: tbf rate 1mbit burst 32kbit latency 400ms
        tc qdisc replace dev v0 root handle 1: tbf rate 256kbit burst 1600 latency 50ms
        tc qdisc show dev v0
        tc qdisc add dev v0 parent 1:1 handle 10: pfifo limit 5
        tc qdisc show dev v0
        tc class show dev v0
        tc qdisc show dev v0 parent 1:1
        tc qdisc show dev v0 root
        tc qdisc show dev v0 handle 10:
        tc -j qdisc show
        tc qdisc add dev v0 parent 1:1 handle 20: pfifo limit 5
        tc qdisc add dev v0 parent 1:1 handle 10: pfifo limit 7
        tc qdisc add dev v0 parent 2:1 handle 20: pfifo limit 5
        tc qdisc add dev v0 parent 10:1 handle 20: pfifo limit 5
        tc qdisc add dev v0 parent 1:1 handle 10: bfifo limit 5kb
        tc qdisc replace dev v0 parent 1:1 handle 20: bfifo limit 5kb
        tc qdisc show dev v0
        tc qdisc add dev v0 parent 1:1 handle 20: noqueue
        tc qdisc replace dev v0 parent 1:1 noqueue
        tc qdisc change dev v0 parent 1:1 handle 20: bfifo limit 6kb
        tc qdisc change dev v0 handle 20: bfifo limit 7kb
        tc qdisc change dev v0 handle 21: bfifo limit 7kb
        tc qdisc replace dev v0 handle 20: pfifo limit 7
        tc qdisc show dev v0
        tc qdisc del dev v0 handle 20:
        tc qdisc del dev v0 parent 1:1 handle 30:
        tc qdisc del dev v0 parent 1:1 handle 20: pfifo
        tc qdisc del dev v0 parent 1:2
        tc qdisc show dev v0
        tc qdisc del dev v0 parent 1:1
        tc qdisc del dev v0 parent 10:1
        tc qdisc del dev v0 root handle 1: foo
        tc qdisc del dev v0 root handle 2:
        tc qdisc del dev v0 root
        tc qdisc show dev v0
        "#,
    );
    agree("tc-fifo", &[("first in, first out", &fifos), ("the token bucket", &tbf)]);
}

#[test]
fn classes_of_htb_agree() {
    let qdisc = on_a_wire(
        r#"
        tc qdisc add dev v0 root htb help
        tc qdisc add dev v0 root htb foo
        tc qdisc add dev v0 root htb default xyz
        tc qdisc add dev v0 root htb r2q abc
        tc qdisc add dev v0 root htb default 30
        tc qdisc change dev v0 root htb default 20
        tc qdisc del dev v0 root
        tc qdisc add dev v0 root handle 1: htb default 30 r2q 5 direct_qlen 50
        tc qdisc show dev v0
        tc -d qdisc show dev v0
        tc -j qdisc show dev v0
        tc -s -d -j -p qdisc show dev v0
        tc class show dev v0
        tc qdisc replace dev v0 root handle 1: htb
        tc qdisc replace dev v0 root handle 2: htb
        tc -j qdisc show dev v0
        tc qdisc show dev v0
        tc class foo
        tc class help
        tc class add help
        tc class add
        tc class show
        tc class add dev v0 foo
        tc class add dev nope foo
        tc class show dev nope
        tc class show dev v0 foo
        tc class show dev v0 help
        "#,
    );
    let classes = on_a_wire(
        r#"
        tc qdisc add dev v0 root handle 1: htb default 30 r2q 5
        tc class add dev v0 parent 1: classid 1:1 htb rate 6mbit burst 15k
        tc class add dev v0 parent 1:1 classid 1:10 htb rate 5mbit burst 15k
        tc class add dev v0 parent 1:1 classid 1:20 htb rate 3mbit ceil 6mbit burst 15k
        tc class add dev v0 parent 1:1 classid 1:30 htb rate 1kbit ceil 6mbit burst 15k
        tc class show dev v0
        tc -s class show dev v0
        tc -d class show dev v0
        tc -j class show dev v0
        tc -s -d -j -p class show dev v0
        tc class add dev v0 parent 1:1 classid 1:10 htb rate 5mbit burst 15k
        tc class change dev v0 parent 1:1 classid 1:10 htb rate 4mbit ceil 5mbit prio 1 quantum 1500
        tc class replace dev v0 classid 1:11 htb rate 4mbit
        tc class show dev v0
        tc class show dev v0 classid 1:10
        tc class show dev v0 parent 1:1
        tc class show dev v0 root
        tc class del dev v0 classid 1:1
        tc class del dev v0 classid 1:99
        tc class del dev v0 classid 1:11
        tc class del dev v0 parent 1:1 classid 1:30
        tc class change dev v0 classid 1:99 htb rate 1mbit
        tc class add dev v0 parent 2: classid 1:40 htb rate 1mbit
        tc class add dev v0 parent 2: classid 2:40 htb rate 1mbit
        tc class add dev v0 parent 1:99 classid 1:40 htb rate 1mbit
        tc class add dev v0 parent 1:1 htb rate 1mbit
        tc class add dev v0 parent 1:1 classid 1:50 htb
        tc class add dev v0 parent 1:1 classid 1:50 htb rate abc
        tc class add dev v0 parent 1:1 classid 1:50 htb foo
        tc class add dev v0 parent 1:1 classid 1:50 htb help
        tc class add dev v0 parent 1:1 classid 1:50 htb ceil 1mbit
        tc class add dev v0 parent 1:1 classid 1:50 htb rate 1mbit burst abc
        tc class add dev v0 parent 1:1 classid 1:50 htb rate 1mbit rate 2mbit
        tc class add dev v0 parent 1:1 classid 1:50 htb rate 10gbit ceil 100gbit
        tc class add dev v0 parent 1:1 classid 1:51 htb rate 333kbit burst 3333 overhead 4 mpu 64 linklayer atm
        tc class add dev v0 parent 1:1 classid 1:52 foo rate 333kbit
        tc class add dev v0 parent 1:1 classid 1:52
        tc class add dev v0 parent 1:1 classid xyz htb rate 1mbit
        tc class add dev v0 parent xyz classid 1:5 htb rate 1mbit
        tc class add dev v0 parent 1:1 classid 1: htb rate 1mbit
        tc class add dev v0 root classid 1:5 htb rate 1mbit
        tc class add dev v0 root classid :6 htb rate 1mbit
        tc class add parent 1:1 classid 1:5 htb rate 1mbit
        tc class add dev nope parent 1:1 classid 1:5 htb rate 1mbit
        tc class show dev v0
        tc -d class show dev v0
        tc qdisc add dev v0 parent 1:10 handle 10: pfifo limit 5
        tc qdisc add dev v0 parent 1:20 handle 20: tbf rate 1mbit burst 10kb latency 10ms
        tc qdisc add dev v0 parent 1:1 handle 30: pfifo limit 5
        tc qdisc add dev v0 parent 1:77 handle 30: pfifo limit 5
        tc qdisc show dev v0
        tc qdisc show
        tc qdisc show dev v0 parent 1:10
        tc class show dev v0
        tc -s class show dev v0
        tc qdisc del dev v0 parent 1:10
        tc qdisc del dev v0 parent 1:10
        tc qdisc del dev v0 parent 1:1
        tc qdisc del dev v0 parent 1:77
        tc qdisc show dev v0
        tc class del dev v0 classid 1:20
        tc qdisc show dev v0
        tc class show dev v0
        tc qdisc del dev v0 root
        tc class show dev v0
        tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit
        tc class del dev v0 classid 1:1
        tc qdisc add dev v0 root handle 7: pfifo
        tc class add dev v0 parent 7: classid 7:1 htb rate 1mbit
        tc qdisc replace dev v0 root handle 1: tbf rate 1mbit burst 10kb latency 10ms
        tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit
        tc class replace dev v0 parent 1: classid 1:1 htb rate 1mbit
        tc class del dev v0 classid 1:1
        "#,
    );
    let deep = on_a_wire(
        r#"
        tc qdisc add dev v0 root handle 1: htb
        tc class add dev v0 parent 1: classid 1:1 htb rate 8mbit
        tc class add dev v0 parent 1:1 classid 1:2 htb rate 7mbit
        tc class add dev v0 parent 1:2 classid 1:3 htb rate 6mbit
        tc class add dev v0 parent 1:3 classid 1:4 htb rate 5mbit
        tc class add dev v0 parent 1:4 classid 1:5 htb rate 4mbit
        tc class add dev v0 parent 1:5 classid 1:6 htb rate 3mbit
        tc class add dev v0 parent 1:6 classid 1:7 htb rate 2mbit
        tc class add dev v0 parent 1:7 classid 1:8 htb rate 1mbit
        tc class add dev v0 parent 1:8 classid 1:9 htb rate 1mbit
        tc -d class show dev v0
        tc class del dev v0 classid 1:8
        tc class del dev v0 classid 1:7
        tc -d class show dev v0
        tc class add dev v0 parent 1: classid 1:ff htb rate 1mbit prio 9
        tc class add dev v0 parent 1: classid 1:1ff htb rate 1mbit
        tc class add dev v0 parent 1: classid 1:2ff htb rate 1mbit
        tc class add dev v0 parent 1: classid 1:3ff htb rate 1mbit
        tc class show dev v0
        "#,
    );
    agree("tc-htb", &[("the discipline", &qdisc), ("its classes", &classes), ("deep ones", &deep)]);
}

#[test]
fn traffic_is_counted_alike() {
    let pair = r#"
        ip netns add h1
        ip netns add h2
        ip -n h1 link add v0 type veth peer name v1 netns h2
        ip -n h1 link set v0 address 02:00:00:00:00:01
        ip -n h2 link set v1 address 02:00:00:00:00:02
        ip -n h1 addr add 10.0.0.1/24 dev v0
        ip -n h2 addr add 10.0.0.2/24 dev v1
        ip -n h1 link set v0 up
        ip -n h2 link set v1 up
        ip -n h1 neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0
        ip -n h2 neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev v1
        "#;
    let with = |lines: &str| format!("{pair}{lines}");
    let plain = with(
        r#"
        tc -n h1 qdisc add dev v0 root pfifo limit 10
        ip netns exec h1 ping -c 3 -i 0.2 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 qdisc replace dev v0 root pfifo limit 0
        ip netns exec h1 ping -c 1 -W 1 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 qdisc replace dev v0 root bfifo limit 97
        ip netns exec h1 ping -c 1 -W 1 10.0.0.2
        ip netns exec h1 ping -c 1 -W 1 -s 55 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 qdisc replace dev v0 root pfifo_fast
        ip netns exec h1 ping -c 2 -i 0.2 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        "#,
    );
    let bucket = with(
        r#"
        tc -n h1 qdisc add dev v0 root handle 1: tbf rate 8kbit burst 1600 limit 3000
        ip netns exec h1 ping -c 3 -i 0.2 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 -r qdisc show dev v0
        sleep 1
        ip netns exec h1 ping -c 1 -W 1 -s 1600 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 qdisc add dev v0 parent 1:1 handle 10: pfifo limit 5
        sleep 1
        ip netns exec h1 ping -c 2 -i 0.2 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 qdisc del dev v0 parent 1:1
        ip netns exec h1 ping -c 1 -W 1 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        "#,
    );
    let classes = with(
        r#"
        tc -n h1 qdisc add dev v0 root handle 1: htb default 20
        ip netns exec h1 ping -c 2 -i 0.2 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 class add dev v0 parent 1: classid 1:1 htb rate 1mbit
        tc -n h1 class add dev v0 parent 1:1 classid 1:20 htb rate 500kbit ceil 1mbit
        ip netns exec h1 ping -c 3 -i 0.2 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 qdisc add dev v0 parent 1:20 handle 20: pfifo limit 3
        ip netns exec h1 ping -c 3 -i 0.2 10.0.0.2
        tc -n h1 -s qdisc show dev v0
        tc -n h1 class show dev v0
        "#,
    );
    agree("tc-counters", &[("fifos", &plain), ("the token bucket", &bucket), ("classes", &classes)]);
}

#[test]
fn what_many_kernels_lack_agrees() {
    let prio = on_a_wire(
        r#"
        tc qdisc add dev v0 root handle 1: prio
        tc qdisc show dev v0
        tc -j qdisc show dev v0
        tc class show dev v0
        tc -s class show dev v0
        tc qdisc add dev v0 parent 1:1 handle 10: netem delay 100ms
        tc qdisc add dev v0 parent 1:2 handle 20: tbf rate 20kbit buffer 1600 limit 3000
        tc qdisc add dev v0 parent 1:3 handle 30: pfifo
        tc qdisc show dev v0
        tc -s qdisc show dev v0
        tc class show dev v0
        tc qdisc add dev v0 parent 1:4 handle 40: pfifo
        tc qdisc add dev v0 root handle 1: prio bands 1
        tc qdisc change dev v0 root handle 1: prio bands 1
        tc qdisc change dev v0 root handle 1: prio bands 4
        tc qdisc change dev v0 root handle 1: prio bands 17
        tc qdisc change dev v0 root handle 1: prio bands abc
        tc qdisc change dev v0 root handle 1: prio bands 2 priomap 1 1 1 1
        tc qdisc change dev v0 root handle 1: prio bands 2 priomap 0 0 0 0 1 1 1 1 0 0 0 0 1 1 1 1
        tc qdisc change dev v0 root handle 1: prio priomap 5
        tc qdisc change dev v0 root handle 1: prio priomap x
        tc qdisc change dev v0 root handle 1: prio foo
        tc qdisc change dev v0 root handle 1: prio help
        tc qdisc show dev v0
        tc class show dev v0
        tc qdisc del dev v0 parent 1:1
        tc qdisc show dev v0
        "#,
    );
    let child = on_a_wire(
        r#"
        tc qdisc add dev v0 root handle 1: netem delay 10ms
        tc class show dev v0
        tc qdisc add dev v0 parent 1:1 handle 10: tbf rate 1mbit burst 32kbit latency 400ms
        tc qdisc show dev v0
        tc -s qdisc show dev v0
        tc class show dev v0
        tc -s class show dev v0
        tc qdisc change dev v0 parent 1:1 handle 10: tbf rate 2mbit burst 32kbit latency 400ms
        tc qdisc show dev v0
        tc qdisc del dev v0 parent 1:1
        tc qdisc show dev v0
        tc qdisc add dev v0 parent 1: handle 10: tbf rate 1mbit burst 32kbit latency 400ms
        tc qdisc del dev v0 root
        "#,
    );
    let filters = on_a_wire(
        r#"
        tc filter add dev v0 parent 1: protocol ip prio 1 u32 match ip dst 10.0.0.1 flowid 1:1
        tc filter show dev v0
        tc qdisc add dev v0 root handle 1: htb default 30
        tc class add dev v0 parent 1: classid 1:1 htb rate 2mbit
        tc class add dev v0 parent 1:1 classid 1:10 htb rate 1mbit
        tc class add dev v0 parent 1:1 classid 1:20 htb rate 1mbit
        tc filter add dev v0 protocol ip parent 1:0 prio 1 u32 match ip dst 10.0.0.1 flowid 1:10
        tc filter add dev v0 protocol ip parent 1:0 prio 1 u32 match ip src 10.0.0.0/24 match ip dport 80 0xffff flowid 1:20
        tc filter add dev v0 protocol ip parent 1:0 prio 1 u32 match ip sport 80 0xffff match ip protocol 6 0xff flowid 1:20
        tc filter add dev v0 protocol ip parent 1:0 prio 2 u32 match ip tos 0x10 0xff match ip dsfield 0x10 0xfc classid 1:20
        tc filter add dev v0 protocol ip parent 1:0 u32 match u32 0 0 flowid 1:20
        tc filter add dev v0 protocol all parent 1: u32 match u16 0x0800 0xffff at -2 flowid 1:20
        tc filter add dev v0 protocol ip parent 1: u32 match u8 5 f at 0 match u16 0 ffc0 at 2 match u8 0x10 ff at 33 flowid 1:20
        tc filter add dev v0 protocol ip parent 1: u32 match tcp dst 80 0xffff match udp src 53 0xffff flowid 1:20
        tc filter add dev v0 protocol ip parent 1: prio 3 handle 6 fw flowid 1:10
        tc filter add dev v0 protocol ip parent 1: prio 3 handle 7 fw classid 1:10
        tc filter add dev v0 protocol ip parent 1: prio 4 handle 0x10/0xf0 fw classid 1:10
        tc filter add dev v0 parent 1: prio 6 matchall flowid 1:20
        tc filter add dev v0 parent 1: prio 6 matchall flowid 1:20
        tc filter add dev v0 parent 1: prio 7 protocol arp matchall classid 1:20
        tc filter show dev v0
        tc -d filter show dev v0
        tc filter show dev v0 parent 1:
        tc filter show dev v0 root
        tc filter show dev v0 parent 1:10
        tc filter show dev v0 prio 1
        tc filter show dev v0 pref 3
        tc filter show dev v0 protocol arp
        tc filter del dev v0 parent 1: prio 1 handle 800::801 u32
        tc filter del dev v0 parent 1: prio 1 handle 800::801 u32
        tc filter del dev v0 prio 3 handle 6 fw
        tc filter del dev v0 parent 1: protocol ip prio 3 handle 7 fw
        tc filter show dev v0
        tc filter del dev v0 prio 4
        tc filter del dev v0 prio 44
        tc filter del dev v0 parent 2:
        tc filter del dev v0 parent 1:
        tc filter show dev v0
        "#,
    );
    let wrong = on_a_wire(
        r#"
        tc qdisc add dev v0 root handle 1: htb default 30
        tc class add dev v0 parent 1: classid 1:1 htb rate 2mbit
        tc class add dev v0 parent 1:1 classid 1:10 htb rate 1mbit
        tc filter add dev v0 protocol ip parent 2: prio 1 u32 match ip dst 10.0.0.1 flowid 1:10
        tc filter add dev v0 protocol ip parent 1:99 prio 1 u32 match ip dst 10.0.0.1 flowid 1:10
        tc filter add dev v0 protocol ip prio 1 u32 match ip dst 10.0.0.1 flowid 1:99
        tc filter add dev v0 protocol ip prio 1 u32 match ip dst
        tc filter add dev v0 protocol ip prio 1 u32 match ip foo 1
        tc filter add dev v0 protocol ip prio 1 u32 match foo
        tc filter add dev v0 protocol ip prio 1 u32 match ip dst nope flowid 1:1
        tc filter add dev v0 protocol ip prio 1 u32 match ip dport 80 flowid 1:1
        tc filter add dev v0 protocol ip prio 1 u32 match ip dport abc 0xffff flowid 1:1
        tc filter add dev v0 protocol ip prio 1 u32 match ip dport 80 0xffff flowid xyz
        tc filter add dev v0 protocol ip prio 1 u32 foo
        tc filter add dev v0 protocol ip prio 1 u32 help
        tc filter add dev v0 protocol foo prio 1 u32 match ip dst 1.2.3.4 flowid 1:10
        tc filter add dev v0 protocol ip prio abc u32 match ip dst 1.2.3.4 flowid 1:10
        tc filter add dev v0 protocol ip prio 1 foo
        tc filter add dev v0 protocol ip prio 1 foo bar
        tc filter add dev v0 protocol ip prio 1 handle 3 fw foo
        tc filter add dev v0 protocol ip prio 1 handle 3 fw help
        tc filter add dev v0 protocol ip prio 1 handle 3 fw flowid xyz
        tc filter add dev v0 protocol ip prio 1 handle 3 fw flowid 1:10
        tc filter add dev v0 protocol ip prio 1 handle abc fw flowid 1:10
        tc filter add dev v0 protocol ip prio 1 matchall foo
        tc filter add dev v0 protocol ip prio 1 matchall help
        tc filter add dev v0 parent foo prio 1 matchall
        tc filter add parent 1: prio 1 matchall
        tc filter add dev nope parent 1: prio 1 matchall
        tc filter show dev v0
        tc filter add dev v0 protocol ip prio 9 u32 match ip dst 1.2.3.4 flowid 1:10
        tc filter add dev v0 protocol arp prio 9 u32 match ip dst 1.2.3.4 flowid 1:10
        tc filter replace dev v0 protocol ip prio 9 handle 800::800 u32 match ip dst 1.2.3.5 flowid 1:20
        tc filter change dev v0 protocol ip prio 9 handle 800::800 u32 match ip dst 1.2.3.5 flowid 1:10
        tc filter show dev v0
        tc filter add dev v0 parent 1:1 protocol ip prio 1 u32 match ip dst 1.2.3.4 flowid 1:10
        tc filter show dev v0 parent 1:1
        tc filter show dev v0
        tc qdisc del dev v0 root
        tc filter show dev v0
        "#,
    );
    let spread = on_a_wire(
        r#"
        tc qdisc add dev v0 root netem delay 10ms 2ms distribution normal
        tc qdisc show dev v0
        tc qdisc change dev v0 root netem delay 10ms 2ms distribution foo
        tc qdisc change dev v0 root netem delay 10ms distribution normal
        tc qdisc change dev v0 root netem delay 10ms 2ms distribution uniform
        tc qdisc change dev v0 root netem distribution pareto delay 10ms 2ms
        tc qdisc change dev v0 root netem delay 10ms 2ms 25% distribution paretonormal
        tc qdisc show dev v0
        tc qdisc change dev v0 root netem slot 800us
        tc qdisc show dev v0
        tc -j qdisc show dev v0
        tc qdisc change dev v0 root netem slot 800us 1ms packets 5 bytes 10k
        tc qdisc show dev v0
        tc -j qdisc show dev v0
        tc qdisc change dev v0 root netem slot distribution normal 5ms 1ms packets 3
        tc qdisc show dev v0
        tc -j -p qdisc show dev v0
        tc qdisc change dev v0 root netem slot 1500 rate 1mbit
        tc qdisc show dev v0
        tc qdisc change dev v0 root netem slot foo
        tc qdisc change dev v0 root netem slot 1ms packets
        tc qdisc change dev v0 root netem slot 1ms bytes x
        tc qdisc change dev v0 root netem slot 1x
        tc qdisc change dev v0 root netem slot distribution foo 1ms 2ms
        tc qdisc change dev v0 root netem slot distribution normal 1ms
        tc qdisc change dev v0 root netem slot distribution normal 1ms 0
        tc qdisc change dev v0 root netem loss 10% ecn
        tc qdisc show dev v0
        tc -j qdisc show dev v0
        tc qdisc change dev v0 root netem ecn
        tc qdisc change dev v0 root netem delay 1ms
        tc qdisc show dev v0
        tc qdisc del dev v0 root
        tc qdisc add dev v0 root netem loss gemodel 10% ecn delay 5ms
        tc qdisc show dev v0
        "#,
    );
    agree_on_netem("tc-netem-spread", &[("distributions, slots and ecn", &spread)]);
    agree_on_netem(
        "tc-classful",
        &[("prio", &prio), ("below netem", &child), ("filters", &filters), ("wrong filters", &wrong)],
    );
}
