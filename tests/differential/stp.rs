//! The spanning tree: states and their times, who is root, which port blocks, what happens when a link or the root dies.

use crate::harness::{Case, See, dev, ns};
use nettwin_model::op::LinkChange;
use nettwin_model::{BridgeAttrs, Op, PortAttrs};

/// With the shortest times that the kernel takes: 2 s in listening and in learning.
fn quick() -> BridgeAttrs {
    BridgeAttrs {
        stp_state: Some(true),
        forward_delay: Some(200),
        hello_time: Some(100),
        max_age: Some(600),
        ..BridgeAttrs::default()
    }
}
/// Listening and learning, and time for the messages before.
const TREE_MS: u64 = 5500;

fn set(netns: &str, name: &str, attrs: BridgeAttrs) -> Op {
    Op::SetBridge { netns: ns(netns), name: dev(name), attrs }
}

fn port(netns: &str, name: &str, attrs: PortAttrs) -> Op {
    Op::SetPort { netns: ns(netns), name: dev(name), attrs }
}

/// Bridges `br` in namespaces `s1`…, quick spanning tree on, down; a host `h1`… at each, 10.0.0.1…, by port `p`.
fn bridges(name: &'static str, count: u8) -> Case {
    let names = ["s1", "s2", "s3"];
    let hosts = ["h1", "h2", "h3"];
    let mut case = Case::new(name).netns(&names[..usize::from(count)]).netns(&hosts[..usize::from(count)]);
    for (i, (s, h)) in names.into_iter().zip(hosts).enumerate().take(usize::from(count)) {
        let n = i as u8 + 1;
        case = case
            .bridge(s, "br")
            .op(set(s, "br", quick()))
            .wire((h, "eth0"), (s, "p"), (n, 0x10 * n))
            .master(s, "p", Some("br"))
            .addr(h, "eth0", &format!("10.0.0.{n}/24"));
    }
    case
}

/// Joins two bridges; MACs count up with `n`.
fn joined(case: Case, (a, port_a): (&str, &str), (b, port_b): (&str, &str), n: u8) -> Case {
    case.wire((a, port_a), (b, port_b), (0x80 + 2 * n, 0x81 + 2 * n)).master(a, port_a, Some("br")).master(
        b,
        port_b,
        Some("br"),
    )
}

fn up(case: Case, names: &[&str]) -> Case {
    names.iter().fold(case, |case, s| case.up(s, "br"))
}

fn parallel(name: &'static str) -> Case {
    let case = joined(bridges(name, 2), ("s1", "a"), ("s2", "a"), 0);
    joined(case, ("s1", "b"), ("s2", "b"), 1)
}

fn triangle(name: &'static str) -> Case {
    let case = joined(bridges(name, 3), ("s1", "a"), ("s2", "a"), 0);
    let case = joined(case, ("s2", "b"), ("s3", "b"), 1);
    joined(case, ("s3", "c"), ("s1", "c"), 2)
}

#[test]
fn states() {
    crate::agree(
        "stp-states",
        vec![
            up(bridges("listening, learning, forwarding", 1), &["s1"])
                .wait_ms(1000)
                .observe()
                .ping_with("h1", "10.0.0.9", 1, |p| p.linger = std::time::Duration::from_millis(100))
                .wait_ms(1900)
                .see(See { fdb: true, ..See::default() })
                .wait_ms(2000)
                .observe(),
            up(bridges("a port that goes down and comes back", 1), &["s1"])
                .wait_ms(TREE_MS)
                .down("s1", "p")
                .wait_ms(300)
                .observe()
                .up("s1", "p")
                .wait_ms(1000)
                .observe()
                .wait_ms(4000)
                .observe(),
            up(bridges("switched off, ports forward at once", 1), &["s1"])
                .wait_ms(500)
                .op(set("s1", "br", BridgeAttrs { stp_state: Some(false), ..Default::default() }))
                .observe()
                .op(set("s1", "br", BridgeAttrs { stp_state: Some(true), ..Default::default() }))
                .wait_ms(300)
                .observe(),
            up(bridges("down and up while the topology changes", 1), &["s1"])
                .wait_ms(TREE_MS)
                .observe()
                .down("s1", "br")
                .observe()
                .up("s1", "br")
                .observe(),
            up(bridges("switched off while the topology changes", 1), &["s1"])
                .wait_ms(TREE_MS)
                .op(set("s1", "br", BridgeAttrs { stp_state: Some(false), ..Default::default() }))
                .observe()
                .wait_ms(9000)
                .observe(),
            up(bridges("the ageing time comes back when the change is over", 1), &["s1"])
                .wait_ms(TREE_MS)
                .op(set("s1", "br", BridgeAttrs { ageing_time: Some(5000), ..Default::default() }))
                .observe()
                .wait_ms(9000)
                .observe(),
            bridges("values out of range", 1)
                .op(set("s1", "br", BridgeAttrs { forward_delay: Some(199), ..Default::default() }))
                .op(set("s1", "br", BridgeAttrs { forward_delay: Some(3001), ..Default::default() }))
                .op(set("s1", "br", BridgeAttrs { hello_time: Some(99), ..Default::default() }))
                .op(set("s1", "br", BridgeAttrs { hello_time: Some(1001), ..Default::default() }))
                .op(set("s1", "br", BridgeAttrs { max_age: Some(599), ..Default::default() }))
                .op(set("s1", "br", BridgeAttrs { max_age: Some(4001), ..Default::default() }))
                .op(set("s1", "br", BridgeAttrs { stp_state: Some(false), ..Default::default() }))
                .op(set("s1", "br", BridgeAttrs { forward_delay: Some(0), ..Default::default() }))
                .observe()
                .op(set("s1", "br", BridgeAttrs { stp_state: Some(true), ..Default::default() }))
                .observe(),
        ],
    );
}

#[test]
fn trees() {
    let priority = |p| BridgeAttrs { priority: Some(p), ..Default::default() };
    crate::agree(
        "stp-trees",
        vec![
            up(parallel("two links: the peer's higher port blocks"), &["s1", "s2"])
                .wait_ms(TREE_MS)
                .observe()
                .ping("h1", "10.0.0.2", 2)
                .see(See { fdb: true, ..See::default() }),
            up(triangle("a triangle"), &["s1", "s2", "s3"])
                .wait_ms(TREE_MS)
                .observe()
                .ping("h1", "10.0.0.2", 1)
                .ping("h2", "10.0.0.3", 1)
                .ping("h3", "10.0.0.1", 1),
            up(triangle("a triangle whose root has priority"), &["s1", "s2", "s3"])
                .op(set("s3", "br", priority(100)))
                .wait_ms(TREE_MS)
                .observe()
                .op(set("s2", "br", priority(50)))
                .wait_ms(TREE_MS + 3000)
                .observe()
                .ping("h1", "10.0.0.3", 1),
            up(triangle("costs decide"), &["s1", "s2", "s3"])
                .op(port("s3", "c", PortAttrs { cost: Some(100), ..Default::default() }))
                .wait_ms(TREE_MS)
                .observe()
                .ping("h1", "10.0.0.3", 1),
            up(parallel("the peer's port priority decides"), &["s1", "s2"])
                .op(port("s1", "b", PortAttrs { priority: Some(1), ..Default::default() }))
                .wait_ms(TREE_MS)
                .observe(),
        ],
    );
}

/// 15 s in listening and in learning, 20 s until silence is heard.
fn slow() -> BridgeAttrs {
    BridgeAttrs { forward_delay: Some(1500), hello_time: Some(200), max_age: Some(2000), ..quick() }
}

fn usual(case: Case, names: &[&str]) -> Case {
    names.iter().fold(case.takes_long(), |case, s| case.op(set(s, "br", slow())))
}

/// The usual times. Bridges of one kernel speak within a second of each other, and silence is heard as exactly.
#[test]
fn usual_times() {
    crate::agree(
        "stp-usual-times",
        vec![
            up(usual(bridges("listening and learning, by default", 1), &["s1"]), &["s1"])
                .wait_ms(14_000)
                .observe()
                .wait_ms(2_000)
                .observe()
                .wait_ms(13_000)
                .observe()
                .wait_ms(2_000)
                .observe()
                .ping("h1", "10.0.0.9", 1),
            up(usual(parallel("the link in use dies, by default"), &["s1", "s2"]), &["s1", "s2"])
                .wait_ms(33_000)
                .ping("h1", "10.0.0.2", 1)
                .down("s1", "a")
                .wait_ms(14_000)
                .observe()
                .wait_ms(2_500)
                .observe()
                .wait_ms(12_000)
                .observe()
                .wait_ms(3_000)
                .observe()
                .ping("h1", "10.0.0.2", 1),
            up(usual(triangle("the root falls silent, by default"), &["s1", "s2", "s3"]), &["s1", "s2", "s3"])
                .wait_ms(35_000)
                .down("s1", "br")
                .wait_ms(16_000)
                .observe()
                .wait_ms(39_000)
                .observe()
                .ping("h2", "10.0.0.3", 1),
        ],
    );
}

/// What goes over the wire from the root, and to it when the topology changes elsewhere.
#[test]
fn frames() {
    crate::agree(
        "stp-frames",
        vec![
            up(parallel("a change is told, acknowledged and over"), &["s1", "s2"])
                .wait_ms(TREE_MS)
                .capture("cap", "s2", "a")
                .wait_ms(10_000)
                .down("h2", "eth0")
                .wait_ms(300)
                .up("h2", "eth0")
                .wait_ms(TREE_MS)
                .end_distinct("cap"),
        ],
    );
}

#[test]
fn changes() {
    let off = BridgeAttrs { stp_state: Some(false), ..Default::default() };
    crate::agree(
        "stp-changes",
        vec![
            up(bridges("a short time of holding brings no sweep forward", 1), &["s1"])
                .wait_ms(TREE_MS)
                .ping("h1", "10.0.0.77", 1)
                .wait_ms(2500)
                .see(See { fdb: true, ..See::default() })
                .op(set("s1", "br", BridgeAttrs { ageing_time: Some(1000), ..BridgeAttrs::default() }))
                .wait_ms(300)
                .see(See { fdb: true, ..See::default() }),
            up(parallel("the link in use dies"), &["s1", "s2"])
                .wait_ms(TREE_MS)
                .ping("h1", "10.0.0.2", 1)
                .down("s1", "a")
                .wait_ms(1000)
                .observe()
                .ping("h1", "10.0.0.2", 1)
                .wait_ms(TREE_MS)
                .observe()
                .ping("h1", "10.0.0.2", 1),
            up(parallel("the blocked link dies, nothing changes"), &["s1", "s2"])
                .wait_ms(TREE_MS)
                .down("s1", "b")
                .wait_ms(500)
                .observe()
                .ping("h1", "10.0.0.2", 1),
            up(triangle("the root falls silent"), &["s1", "s2", "s3"])
                .wait_ms(TREE_MS)
                .down("s1", "br")
                .wait_ms(9000 + TREE_MS)
                .observe()
                .ping("h2", "10.0.0.3", 1),
            up(triangle("a better bridge comes late"), &["s2", "s3"])
                .wait_ms(TREE_MS)
                .observe()
                .up("s1", "br")
                .wait_ms(TREE_MS + 3000)
                .observe(),
            up(parallel("BPDU guard shuts the port"), &["s1"])
                .op(port("s2", "a", PortAttrs { guard: Some(true), ..Default::default() }))
                .up("s2", "br")
                .wait_ms(TREE_MS)
                .observe(),
            up(parallel("root block"), &["s1"])
                .op(port("s2", "a", PortAttrs { root_block: Some(true), ..Default::default() }))
                .up("s2", "br")
                .wait_ms(TREE_MS)
                .observe(),
            up(triangle("a bridge without it hands BPDUs on"), &["s1", "s2", "s3"])
                .op(set("s2", "br", off))
                .wait_ms(TREE_MS)
                .observe()
                .ping("h1", "10.0.0.2", 1)
                .ping("h1", "10.0.0.3", 1),
            up(parallel("a bridge's MAC changes, and with it the root"), &["s1", "s2"])
                .wait_ms(TREE_MS)
                .set("s2", "br", LinkChange { mac: Some(crate::harness::mac(3)), ..Default::default() })
                .wait_ms(TREE_MS + 3000)
                .observe(),
        ],
    );
}
