//! netem: what it does to state, to frames and to the flows that pass.

use crate::harness::{Case, dev, ns};
use nettwin_model::{Op, words};

/// Two hosts on a wire.
fn pair(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["h1", "h2"])
        .wire(("h1", "eth0"), ("h2", "eth0"), (1, 2))
        .addr("h1", "eth0", "10.0.0.1/24")
        .addr("h2", "eth0", "10.0.0.2/24")
}

fn impair(case: Case, netns: &str, text: &str) -> Case {
    let impairment = words::netem::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e:?}"));
    case.op(Op::SetImpairment {
        netns: ns(netns),
        dev: dev("eth0"),
        impairment: Some(Box::new(impairment)),
        handle: None,
    })
}

fn restore(case: Case, netns: &str) -> Case {
    case.op(Op::SetImpairment { netns: ns(netns), dev: dev("eth0"), impairment: None, handle: None })
}

#[test]
fn settings() {
    let changed = |name, texts: &[&str]| texts.iter().fold(pair(name), |case, text| impair(case, "h1", text).observe());
    crate::agree_somewhere(
        "netem-settings",
        vec![
            changed("one after another", &["delay 10ms", "delay 20ms 5ms", "loss 1% 25%", "rate 1mbit limit 100"]),
            changed("every chance", &["duplicate 2% corrupt 0.1% delay 1ms reorder 25% 50% gap 3"]),
            changed("a rate with overheads", &["rate 1mbit 20", "rate 1mbit -4 48 5", "rate 8gbit 1 2 3", "delay 1ms"]),
            changed("loss in bursts", &["loss state 1% 2% 3% 4% 5%", "loss gemodel 1% 10% 70% 0.1%", "delay 1ms"]),
            changed(
                "in bursts",
                &["slot 5ms", "slot 1ms 2ms packets 3 bytes 5000", "slot distribution normal 5ms 1ms"],
            ),
            changed("marks", &["loss 1% ecn", "loss gemodel 1% ecn", "delay 1ms"]),
            changed("spread", &["delay 10ms 2ms distribution normal", "delay 5ms 1ms 10% distribution pareto"]),
            restore(changed("taken away", &["delay 10ms"]), "h1").observe(),
            restore(pair("taken away where there is none"), "h1").observe(),
        ],
    );
}

#[test]
fn flows() {
    crate::agree_somewhere(
        "netem-flows",
        vec![
            impair(pair("all lost"), "h1", "loss 100%").ping("h1", "10.0.0.2", 2),
            impair(pair("a burst without end"), "h1", "loss gemodel 100% 0%").ping("h1", "10.0.0.2", 2),
            impair(pair("each for itself"), "h1", "loss state 0% 0% 0% 0% 100%").ping("h1", "10.0.0.2", 3),
            impair(pair("all doubled"), "h1", "duplicate 100%").ping("h1", "10.0.0.2", 2),
            impair(pair("a queue for nothing"), "h1", "limit 0").ping("h1", "10.0.0.2", 1),
            impair(pair("cells as long as a second"), "h1", "rate 1kbit 0 125 0").ping_with("h1", "10.0.0.2", 2, |p| {
                p.interval = std::time::Duration::from_secs(3);
                p.linger = std::time::Duration::from_secs(3);
            }),
            impair(pair("late but in order"), "h1", "delay 100ms").ping("h1", "10.0.0.2", 3),
        ],
    );
}
