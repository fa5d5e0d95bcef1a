//! Bonds of the mode `active-backup`: enslaving, failing over, and what others see of it.

use crate::craft::echo;
use crate::harness::{Case, dev, mac, ns};
use crate::kinds::{STATS, add, on};
use nettwin_model::bond::{ActiveSlave, BondAttrs, FailOverMac, PrimaryReselect};
use nettwin_model::op::{LinkChange, NewLink};
use nettwin_model::virtuals::VirtualChange;
use nettwin_model::{AddLink, Op, words};

/// A bond in the words that follow `mode active-backup`.
fn bond(netns: &str, name: &str, last: u8, text: &str) -> Op {
    let kind = words::virtuals::parse(&format!("bond mode active-backup {text}"));
    add(AddLink {
        netns: ns(netns),
        name: dev(name),
        kind: NewLink::Virtual(kind.unwrap_or_else(|e| panic!("{text:?}: {e:?}"))),
        mac: Some(mac(last)),
        mtu: None,
        master: None,
        up: false,
    })
}

fn change(attrs: BondAttrs) -> Op {
    Op::SetVirtual { netns: ns("a"), name: dev("bond"), change: VirtualChange::Bond(Box::new(attrs)) }
}

fn activate(slave: &str) -> Op {
    change(BondAttrs { active_slave: Some(ActiveSlave::Slave(dev(slave))), ..BondAttrs::default() })
}

fn mtu(bytes: u32) -> LinkChange {
    LinkChange { mtu: Some(bytes), ..LinkChange::default() }
}

/// Two or three wires from `a` to `b`, whose ends in `a` are down, and a bond in `a`.
fn wires(name: &'static str, text: &str) -> Case {
    let mut case = Case::new(name).netns(&["a", "b"]);
    for (n, (e, p)) in [("e1", "p1"), ("e2", "p2"), ("e3", "p3")].into_iter().enumerate() {
        let n = n as u8 + 1; // 1 to 3
        case = case.wire(("a", e), ("b", p), (n, n + 16)).down("a", e);
    }
    case.op(bond("a", "bond", 9, text))
}

/// The same with two slaves, in use: `b` has a bridge over its ends.
fn in_use(name: &'static str, text: &str) -> Case {
    let mut case = wires(name, text).bridge("b", "br");
    for p in ["p1", "p2", "p3"] {
        case = case.master("b", p, Some("br"));
    }
    case.up("b", "br")
        .master("a", "e1", Some("bond"))
        .master("a", "e2", Some("bond"))
        .up("a", "bond")
        .addr("a", "bond", "10.0.0.1/24")
        .addr("b", "br", "10.0.0.2/24")
        // Link watch and the first look take their time.
        .wait_ms(1500)
}

#[test]
fn enslaving() {
    crate::agree_somewhere(
        "link-bond",
        vec![
            wires("what a new one is", "miimon 100 updelay 250 downdelay 100")
                .observe()
                .op(bond("a", "bond", 8, ""))
                .op(bond("a", "other", 8, "updelay 100"))
                .op(bond("a", "other", 8, "lp_interval 0"))
                .op(bond("a", "other", 8, "primary nobody"))
                .op(bond("a", "other", 8, "min_links 3 num_grat_arp 0 resend_igmp 0 all_slaves_active 1"))
                .up("a", "bond")
                .wait_ms(1500)
                .observe(),
            wires("slaves come and go", "miimon 100")
                .up("a", "e1")
                .master("a", "e1", Some("bond"))
                .down("a", "e1")
                .set("a", "e1", mtu(1400))
                .master("a", "e1", Some("bond"))
                .observe()
                .master("a", "e2", Some("bond"))
                .up("a", "bond")
                .wait_ms(1500)
                .observe()
                .master("a", "e1", Some("bond"))
                .set("a", "bond", mtu(1300))
                .set("a", "e2", mtu(1200))
                .set("a", "bond", LinkChange { mac: Some(mac(77)), ..LinkChange::default() })
                .observe()
                .master("a", "e1", None)
                .wait_ms(1500)
                .observe()
                .set("a", "e2", LinkChange { mac: Some(mac(78)), ..LinkChange::default() })
                .down("a", "bond")
                .observe(),
            wires("the bond goes", "miimon 100")
                .master("a", "e1", Some("bond"))
                .master("a", "e2", Some("bond"))
                .up("a", "bond")
                .wait_ms(1500)
                .op(Op::DelLink { netns: ns("a"), name: dev("bond") })
                .wait_ms(1500)
                .observe(),
            wires("slaves go with their wires or elsewhere", "miimon 100")
                .netns(&["c"])
                .master("a", "e1", Some("bond"))
                .master("a", "e2", Some("bond"))
                .master("a", "e3", Some("bond"))
                .up("a", "bond")
                .wait_ms(1500)
                .set("a", "e1", LinkChange { netns: Some(ns("c")), ..LinkChange::default() })
                .op(Op::DelLink { netns: ns("b"), name: dev("p2") })
                .wait_ms(1500)
                .observe(),
            wires("who may not be one", "miimon 100")
                .master("a", "bond", Some("bond"))
                .master("a", "lo", Some("bond"))
                .down("a", "lo")
                .op(add(AddLink { mac: Some(mac(50)), ..on("e1", "a", "m", "macvlan") }))
                .master("a", "e1", Some("bond"))
                .op(add(on("bond", "a", "v", "vlan id 5")))
                .set("a", "v", LinkChange { mac: Some(mac(5)), ..LinkChange::default() })
                .master("a", "e2", Some("bond"))
                .bridge("a", "br")
                .master("a", "e2", Some("br"))
                .set("a", "bond", LinkChange { mac: Some(mac(9)), ..LinkChange::default() })
                .observe(),
        ],
    );
}

#[test]
fn failing_over() {
    let down = |case: Case, p: &str| case.down("b", p).wait_ms(1500);
    let up = |case: Case, p: &str| case.up("b", p).wait_ms(1500);
    crate::agree_somewhere(
        "link-bond-failover",
        vec![
            up(down(in_use("to the other and not back", "miimon 100").observe(), "p1").observe(), "p1")
                .observe()
                .ping("a", "10.0.0.2", 1)
                // Another comes: then it is chosen anew.
                .master("a", "e3", Some("bond"))
                .wait_ms(1500)
                .observe(),
            up(down(in_use("to the preferred one and back", "miimon 100 primary e2"), "p2").observe(), "p2").observe(),
            up(
                down(in_use("to the preferred one when the other fails", "miimon 100"), "p1")
                    .op(change(BondAttrs {
                        primary: Some(dev("e1")),
                        primary_reselect: Some(PrimaryReselect::Failure),
                        ..BondAttrs::default()
                    }))
                    .observe(),
                "p1",
            )
            .observe()
            .down("b", "p2")
            .wait_ms(1500)
            .observe(),
            up(down(down(in_use("all fail", "miimon 100"), "p1"), "p2").observe().ping("a", "10.0.0.2", 1), "p2")
                .observe()
                .ping("a", "10.0.0.2", 1),
            down(in_use("nobody looks", ""), "p1").observe(),
            in_use("chosen by hand", "miimon 100")
                .op(activate("e1"))
                .op(activate("e2"))
                .observe()
                .op(activate("e3"))
                .op(activate("lo"))
                .op(change(BondAttrs { active_slave: Some(ActiveSlave::Any), ..BondAttrs::default() }))
                .observe()
                .op(change(BondAttrs { primary: Some(dev("e2")), ..BondAttrs::default() }))
                .observe()
                .down("a", "e2")
                .wait_ms(1500)
                .set("a", "e2", LinkChange { rename: Some(dev("e9")), ..LinkChange::default() })
                .observe(),
            in_use("what is refused", "miimon 100")
                .op(change(BondAttrs { fail_over_mac: Some(FailOverMac::Active), ..BondAttrs::default() }))
                .op(change(BondAttrs { resend_igmp: Some(256), ..BondAttrs::default() }))
                .op(change(BondAttrs { all_slaves_active: Some(2), ..BondAttrs::default() }))
                .op(change(BondAttrs { miimon: Some(1 << 31), ..BondAttrs::default() }))
                .op(change(BondAttrs { miimon: Some(0), updelay: Some(10), ..BondAttrs::default() }))
                .op(change(BondAttrs { miimon: Some(50), updelay: Some(120), ..BondAttrs::default() }))
                .observe(),
            down(in_use("a slave goes down itself", "miimon 100").down("a", "e1").wait_ms(1500).observe(), "p2")
                .observe(),
            in_use("delays", "miimon 100 updelay 3000 downdelay 3000")
                .down("b", "p1")
                .wait_ms(500)
                .observe()
                .wait_ms(5000)
                .observe()
                .up("b", "p1")
                .wait_ms(1500)
                .observe()
                .down("b", "p2")
                .wait_ms(6000)
                .observe(),
            up(
                in_use("back before the delay is over", "miimon 100 downdelay 5000").down("b", "p1").wait_ms(1500),
                "p1",
            )
            .observe(),
            down(in_use("the bond has the MAC of the active one", "miimon 100 fail_over_mac active"), "p1")
                .observe()
                .set("a", "bond", LinkChange { mac: Some(mac(70)), ..LinkChange::default() })
                .observe()
                .ping("a", "10.0.0.2", 1),
            down(in_use("the MAC goes to the active one", "miimon 100 fail_over_mac follow"), "p1")
                .observe()
                .ping("a", "10.0.0.2", 1),
        ],
    );
}

/// A request comes by the slave that is not the active one.
fn by_the_backup(name: &'static str, text: &str) -> Case {
    in_use(name, text)
        .ping("a", "10.0.0.2", 1)
        .capture("first", "b", "p1")
        .send("b", "p2", vec![echo("10.0.0.2", "10.0.0.1").frame(mac(9), mac(60))])
        .wait_ms(500)
        .end("first")
}

#[test]
fn frames() {
    crate::agree_somewhere(
        "link-bond-frames",
        vec![
            in_use("it is said where it is", "miimon 100")
                .op(add(on("bond", "a", "v", "vlan id 5")))
                .up("a", "v")
                .addr("a", "v", "10.5.0.1/24")
                .wait_ms(1500)
                .capture("first", "b", "p1")
                .capture("second", "b", "p2")
                .op(activate("e2"))
                .wait_ms(1500)
                .op(activate("e1"))
                .wait_ms(1500)
                .end("first")
                .end("second"),
            in_use("several times, and groups", "miimon 100 num_grat_arp 3 resend_igmp 2")
                .capture("second", "b", "p2")
                .op(activate("e2"))
                .wait_ms(3000)
                .end("second"),
            in_use("never", "miimon 100 num_grat_arp 0")
                .capture("second", "b", "p2")
                .op(activate("e2"))
                .wait_ms(1500)
                .end("second"),
            in_use("counters are the slaves'", "miimon 100")
                .ping("a", "10.0.0.2", 2)
                .op(activate("e2"))
                .ping("a", "10.0.0.2", 1)
                // Long enough for a neighbour to be asked again, too short for it to be forgotten.
                .wait_ms(6500)
                .see(STATS)
                .master("a", "e2", None)
                .see(STATS),
            in_use("VLANs on it", "miimon 100")
                .op(add(on("bond", "a", "v", "vlan id 5")))
                .op(add(on("br", "b", "w", "vlan id 5")))
                .up("a", "v")
                .up("b", "w")
                .addr("a", "v", "10.5.0.1/24")
                .addr("b", "w", "10.5.0.2/24")
                .wait_ms(1500)
                .ping("a", "10.5.0.2", 1)
                .down("b", "p1")
                .wait_ms(1500)
                .ping("a", "10.5.0.2", 1)
                .observe(),
            in_use("it is a bridge's port", "miimon 100")
                .netns(&["h"])
                .wire(("a", "x"), ("h", "y"), (40, 41))
                .del_addr("a", "bond", "10.0.0.1/24")
                .bridge("a", "bridge")
                .master("a", "bond", Some("bridge"))
                .master("a", "x", Some("bridge"))
                .up("a", "bridge")
                .addr("h", "y", "10.0.0.3/24")
                .wait_ms(1500)
                .ping("h", "10.0.0.2", 1)
                .fdb()
                .down("b", "p1")
                .wait_ms(1500)
                .ping("h", "10.0.0.2", 1)
                .observe(),
            by_the_backup("what the backup receives is nothing", "miimon 100"),
            by_the_backup("what the backup receives counts", "miimon 100 all_slaves_active 1"),
        ],
    );
}
