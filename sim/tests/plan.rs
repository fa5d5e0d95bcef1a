//! Plans against a machine that moves by itself: what it does on its own calls for nothing.

mod lab;

use lab::{lab, pass};
use nettwin_model::topology::{Format, Topology};
use nettwin_model::{Backend, Plan};
use std::time::Duration;

#[test]
fn a_spanning_tree_at_work_calls_for_nothing() {
    let text = r#"
        [netns.h1]
        interfaces.eth0.addresses = ["10.0.0.1/24"]
        [netns.h2]
        interfaces.eth0.addresses = ["10.0.0.2/24"]
        [bridge.s1]
        stp = true
        forward_delay = "3s"
        ageing_time = "50s"
        [bridge.s2]
        stp = true
        forward_delay = "2s"
        hello_time = "1s"
        max_age = "7s"
        [[link]]
        ends = ["h1:eth0", "s1:p"]
        [[link]]
        ends = ["h2:eth0", "s2:p"]
        [[link]]
        ends = ["s1:a", "s2:a"]
        [[link]]
        ends = ["s1:b", "s2:b"]
    "#;
    let checked = Topology::load(text, Format::Toml).unwrap();
    let mut sim = lab(text);
    let mut seen = Vec::new();
    for second in 0..60 {
        let there = sim.observe(&checked.desired().extent()).unwrap();
        let times = there.netns.values().flat_map(|n| n.config.links.values()).filter_map(|l| l.bridge.as_ref());
        seen.extend(times.map(|b| (b.ageing_time, b.forward_delay)));
        let plan = Plan::between(checked.desired(), &there);
        assert!(plan.is_empty(), "after {second} s: {:#?}", plan.ops);
        pass(&mut sim, Duration::from_secs(1));
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > 2, "the times in force change: {seen:?}");
}
