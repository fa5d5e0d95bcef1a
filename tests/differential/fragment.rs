//! Fragmentation and reassembly.

use crate::forward::routed;
use crate::harness::{Case, See};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::PmtuDisc;

#[test]
fn fragments() {
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
