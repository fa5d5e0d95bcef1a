//! Fragmentation and reassembly.

use crate::forward::routed;
use crate::harness::{Case, See, dev, ns};
use nettwin_model::Op;
use nettwin_model::op::LinkChange;
use nettwin_model::probe::PmtuDisc;
use nettwin_model::queue::{Handle, QdiscOptions, QdiscRequest, QueueChange, QueueVerb};

#[test]
fn fragments() {
    let wide = || LinkChange { mtu: Some(5000), ..Default::default() };
    // Two parts of three do not fit, the last would.
    let narrow = QueueChange::Qdisc(QdiscRequest {
        verb: QueueVerb::Replace,
        parent: Handle::ROOT,
        handle: Handle::NONE,
        kind: Some("bfifo".into()),
        options: Some(QdiscOptions::Fifo { limit: 1100 }),
    });
    let small = || LinkChange { mtu: Some(600), ..Default::default() };
    crate::agree(
        "fragment",
        vec![
            Case::new("sent in pieces, answered in pieces")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .addr("a", "x", "10.0.0.1/24")
                .addr("b", "y", "10.0.0.2/24")
                .capture("cap", "b", "y")
                .ping_with("a", "10.0.0.2", 1, |p| p.size = 4000)
                .end("cap")
                .see(See { stats: true, ..Default::default() }),
            routed("a router fragments without DF")
                .set("r", "e2", small())
                .set("h2", "eth0", small())
                .capture("cap", "h2", "eth0")
                .ping_with("h1", "10.2.0.1", 1, |p| {
                    p.size = 1400;
                    p.pmtudisc = PmtuDisc::Dont;
                })
                .end("cap"),
            routed("fragments are fragmented again")
                .set("r", "e2", small())
                .set("h2", "eth0", small())
                .capture("cap", "h2", "eth0")
                .ping_with("h1", "10.2.0.1", 1, |p| p.size = 3000)
                .end("cap"),
            routed("a router has room for the end of a packet only")
                .set("h1", "eth0", wide())
                .set("r", "e1", wide())
                .op(Op::SetQueue { netns: ns("r"), dev: dev("e2"), change: Box::new(narrow) })
                .capture("cap", "h2", "eth0")
                .ping_with("h1", "10.2.0.1", 1, |p| {
                    p.size = 4000;
                    p.pmtudisc = PmtuDisc::Dont;
                })
                .end("cap")
                .observe(),
            routed("the greatest ping").ping_with("h1", "10.2.0.1", 1, |p| p.size = 65507),
            routed("what was learned of the path is remembered")
                .set("r", "e2", small())
                .set("h2", "eth0", small())
                .ping_with("h1", "10.2.0.1", 2, |p| p.size = 1400)
                .ping_with("h1", "10.2.0.1", 1, |p| {
                    p.size = 1400;
                    p.pmtudisc = PmtuDisc::Do;
                }),
        ],
    );
}
