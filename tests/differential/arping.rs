//! `arping` in all its forms.

use crate::arp::wired;
use crate::harness::{Case, dev, ns};
use nettwin_model::probe::{Arping, ArpingMode, Probe};
use std::time::Duration;

fn arping(mode: ArpingMode, dst: &str, change: impl FnOnce(&mut Arping)) -> Probe {
    let mut arping = Arping {
        netns: ns("a"),
        dev: dev("x"),
        dst: dst.parse().expect("an address"),
        source: None,
        count: Some(2),
        interval: Duration::from_millis(300),
        deadline: None,
        mode,
    };
    change(&mut arping);
    Probe::Arping(arping)
}

/// All that b sees of it, and what it knows afterwards.
fn seen(case: Case, probe: Probe) -> Case {
    case.capture("cap", "b", "y").probe(probe).end("cap").neighs()
}

#[test]
fn forms() {
    use ArpingMode::*;
    let plain = |_: &mut Arping| {};
    let from = |source: &'static str| move |a: &mut Arping| a.source = source.parse().ok();
    crate::agree(
        "arping",
        vec![
            seen(wired("who has it"), arping(Ask, "10.0.0.2", plain)),
            seen(wired("nobody has it"), arping(Ask, "10.0.0.9", plain)),
            seen(wired("always to all"), arping(AskBroadcast, "10.0.0.2", plain)),
            seen(wired("is it taken, it is"), arping(Duplicate, "10.0.0.2", plain)),
            seen(wired("is it taken, it is not"), arping(Duplicate, "10.0.0.9", plain)),
            seen(wired("is it taken, it is my own"), arping(Duplicate, "10.0.0.1", plain)),
            seen(wired("is it taken, from an address"), arping(Duplicate, "10.0.0.2", from("10.0.0.1"))),
            seen(wired("it is here"), arping(Announce, "10.0.0.1", plain)),
            seen(wired("it is here, as an answer"), arping(AnnounceReply, "10.0.0.1", plain)),
            seen(wired("it is here, to who knows another"), arping(AnnounceReply, "10.0.0.1", |a| a.count = Some(1)))
                .ping("b", "10.0.0.1", 1)
                .neighs(),
            seen(wired("somebody else's is here"), arping(Announce, "10.0.0.9", plain)),
            seen(
                wired("from another address of mine").addr("a", "x", "10.5.0.1/24"),
                arping(Ask, "10.0.0.2", from("10.5.0.1")),
            ),
            seen(
                wired("from an address on lo").addr("a", "lo", "10.6.0.1/32"),
                arping(Ask, "10.0.0.2", from("10.6.0.1")),
            ),
            seen(wired("from nobody's address"), arping(Ask, "10.0.0.2", from("10.0.0.77"))),
            seen(wired("of another subnet"), arping(Ask, "10.9.0.1", plain)),
            seen(wired("behind a gateway").route("a", "10.9.0.0/16 via 10.0.0.2"), arping(Ask, "10.9.0.1", plain)),
            seen(wired("without an address").del_addr("a", "x", "10.0.0.1/24"), arping(Ask, "10.0.0.2", plain)),
            wired("by a device that is down").down("a", "x").probe(arping(Ask, "10.0.0.2", plain)),
            wired("by lo").probe(arping(Ask, "10.0.0.2", |a| a.dev = dev("lo"))),
            wired("by none").probe(arping(Ask, "10.0.0.2", |a| a.dev = dev("nope"))),
            seen(
                wired("until the first answer"),
                arping(Ask, "10.0.0.2", |a| {
                    a.count = None;
                    a.deadline = Some(Duration::from_millis(1000));
                }),
            ),
            seen(wired("a broadcast address"), arping(Ask, "10.0.0.255", plain)),
            seen(wired("a group"), arping(Ask, "224.0.0.5", plain)),
        ],
    );
}
