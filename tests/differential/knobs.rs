//! Settings that other cases leave alone: each changes what becomes of packets, on both machines alike.

use crate::arp::wired;
use crate::craft::addr;
use crate::forward::routed;
use crate::harness::{Case, mac, ns};
use nettwin_model::rules::{
    Base, ChainKind, Cmp, Family, Hook, Key, Match, OWN_TABLE, Operand, Place, Policy, Rule, RuleChange, Stmt, Which,
};
use nettwin_model::wire::Arp;
use nettwin_model::{Mac, Op};

/// What comes to r from h1 is marked before its way is asked for.
fn marked(case: Case) -> Case {
    let chain = Which::of(Family::Ip, OWN_TABLE, "in");
    let base = Base::new(ChainKind::Filter, Hook::Prerouting, -150, Policy::Accept);
    let by = Match { key: Key::Iifname, mask: None, cmp: Cmp::Eq, to: Operand::Names(vec!["e1".into()]) };
    let rule = Rule::new(vec![Stmt::Match(by), Stmt::SetMark { and: 0, xor: 1 }]);
    let changes = vec![
        RuleChange::AddTable { which: Which::table(Family::Ip, OWN_TABLE), fresh: false },
        RuleChange::AddChain { which: chain.clone(), base: Some(base), fresh: true },
        RuleChange::AddRule { which: chain, place: Place::Last, rule },
    ];
    case.op(Op::Ruleset { netns: ns("r"), changes })
}

#[test]
fn marks_count_for_sources() {
    // With the mark the way back to h1 is by the wrong device.
    let astray = |name, valid| {
        marked(routed(name))
            .rule("r", "fwmark 1 to 10.1.0.0/24 lookup 100")
            .route("r", "10.1.0.0/24 dev e2 table 100")
            .sysctl("r", "net/ipv4/conf/e1/rp_filter", "1")
            .sysctl("r", "net/ipv4/conf/e1/src_valid_mark", valid)
            .ping("h1", "10.2.0.1", 1)
    };
    crate::agree(
        "knobs-mark",
        vec![
            astray("the mark does not count", "0"),
            astray("the mark counts", "1").sysctl("r", "net/ipv4/conf/e1/rp_filter", "0").ping("h1", "10.2.0.1", 1),
        ],
    );
}

#[test]
fn so_many_wait_for_a_proxy() {
    let asked = |name, room| {
        let ask = |last: u8| {
            let tpa = addr(&format!("10.1.0.{last}"));
            let arp = Arp { op: Arp::REQUEST, sha: mac(1), spa: addr("10.0.0.1"), tha: Mac::ZERO, tpa };
            arp.frame(Mac::BROADCAST, mac(1)).to_vec()
        };
        wired(name)
            .wire(("b", "z"), ("a", "w"), (3, 4))
            .addr("b", "z", "10.1.0.2/24")
            .sysctl("b", "net/ipv4/ip_forward", "1")
            .sysctl("b", "net/ipv4/conf/y/proxy_arp", "1")
            .sysctl("b", "net/ipv4/neigh/y/proxy_delay", "50")
            .sysctl("b", "net/ipv4/neigh/y/proxy_qlen", room)
            .capture("cap", "a", "x")
            .send("a", "x", vec![ask(9), ask(9), ask(9)])
            .wait_ms(900)
            .end("cap")
    };
    crate::agree("knobs-proxy", vec![asked("one", "0"), asked("two", "1"), asked("all", "64")]);
}
