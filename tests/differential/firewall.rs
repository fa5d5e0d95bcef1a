//! Rules: each kind on both machines, what they do to packets and what they have counted.

use crate::harness::{Case, ns};
use nettwin_model::probe::{Listen, Probe, Proto, TcpFlow, UdpFlow};
use nettwin_model::rules::{
    Base, ChainKind, Cmp, Elem, Family, Hook, Key, Level4, Limit, Match, Nat, NatKind, OWN_TABLE, Operand, Place,
    Policy, Quota, Rate, RejectWith, Rule, RuleChange, Set, SetType, Span, State, Stmt, Table, Verdict, Which,
};
use nettwin_model::{Op, Query, firewall};
use std::time::Duration;

/// in - r - out; `in` has its way out by `r`, of which `out` knows only the outside.
fn behind_router(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["in", "r", "out"])
        .wire(("in", "eth0"), ("r", "lan"), (1, 0x11))
        .wire(("out", "eth0"), ("r", "wan"), (2, 0x12))
        .addr("in", "eth0", "192.168.7.2/24")
        .addr("r", "lan", "192.168.7.1/24")
        .addr("r", "wan", "203.0.113.1/24")
        .addr("out", "eth0", "203.0.113.9/24")
        .route("in", "default via 192.168.7.1")
        .sysctl("r", "net/ipv4/ip_forward", "1")
}

fn change(case: Case, netns: &str, changes: Vec<RuleChange>) -> Case {
    case.op(Op::Ruleset { netns: ns(netns), changes })
}

/// The table that these lines come to.
fn table(nat: &[&str], filter: &[&str]) -> Table {
    let nat: Vec<_> = nat.iter().map(|line| firewall::parse_nat(line).expect("a line of nat")).collect();
    let filter: Vec<_> = filter.iter().map(|line| firewall::parse_filter(line).expect("a line of firewall")).collect();
    firewall::ruleset(nat.iter(), filter.iter()).tables.remove(0)
}

fn says(case: Case, netns: &str, nat: &[&str], filter: &[&str]) -> Case {
    change(case, netns, table(nat, filter).making())
}

fn chain(name: &str, kind: ChainKind, hook: Hook, priority: i32) -> Vec<RuleChange> {
    let which = Which::of(Family::Ip, OWN_TABLE, name);
    vec![
        RuleChange::AddTable { which: Which::table(Family::Ip, OWN_TABLE), fresh: false },
        RuleChange::AddChain { which, base: Some(Base::new(kind, hook, priority, Policy::Accept)), fresh: true },
    ]
}

fn rule(chain: &str, stmts: Vec<Stmt>) -> RuleChange {
    let which = Which::of(Family::Ip, OWN_TABLE, chain);
    RuleChange::AddRule { which, place: Place::Last, rule: Rule::new(stmts) }
}

const COUNTER: Stmt = Stmt::Counter { packets: 0, bytes: 0 };

/// A chain at a hook with rules that count.
fn counting(case: Case, netns: &str, hook: Hook, rules: Vec<Vec<Stmt>>) -> Case {
    let mut changes = chain(hook.word(), ChainKind::Filter, hook, 0);
    changes.extend(rules.into_iter().map(|stmts| rule(hook.word(), stmts)));
    change(case, netns, changes)
}

fn rules(case: Case, netns: &str) -> Case {
    case.ask(Query::Ruleset(ns(netns)))
}

fn udp(from: &str, to: &str, port: u16) -> Probe {
    Probe::Udp(UdpFlow {
        netns: ns(from),
        dst: to.parse().expect("an address"),
        port,
        source: None,
        source_port: None,
        size: 100,
        timeout: Duration::from_secs(1),
    })
}

fn tcp(from: &str, to: &str, port: u16) -> Probe {
    Probe::Tcp(TcpFlow {
        netns: ns(from),
        dst: to.parse().expect("an address"),
        port,
        source: None,
        bytes: 100,
        timeout: Duration::from_secs(2),
    })
}

fn listen(netns: &str, proto: Proto, port: u16) -> Probe {
    Probe::Listen(Listen { netns: ns(netns), proto, addr: None, port })
}

#[test]
fn rules_of_every_kind() {
    crate::agree(
        "firewall",
        vec![
            {
                let case = says(behind_router("masquerade"), "r", &["masquerade out wan"], &[]);
                let case = case.capture("outside", "out", "eth0").ping("in", "203.0.113.9", 3).end("outside");
                rules(case, "r").ping("in", "203.0.113.1", 1).observe()
            },
            behind_router("without masquerade nothing comes back").ping("in", "203.0.113.9", 1),
            {
                let case = says(behind_router("snat"), "r", &["snat out wan to-source 203.0.113.1"], &[]);
                rules(case.ping("in", "203.0.113.9", 2), "r")
            },
            {
                let nat = ["dnat in wan to 203.0.113.1 icmp to-destination 192.168.7.2"];
                let case = says(behind_router("dnat"), "r", &nat, &[]).capture("inside", "in", "eth0");
                rules(case.ping("out", "203.0.113.1", 2).end("inside"), "r")
            },
            {
                let case =
                    says(behind_router("a published port"), "r", &["dnat tcp 8080 to-destination 192.168.7.2:80"], &[]);
                let case = case.start("server", listen("in", Proto::Tcp, 80)).probe(tcp("out", "203.0.113.1", 8080));
                case.end("server")
            },
            {
                let case = says(behind_router("a redirected port"), "r", &["redirect tcp 8080 to-port 80"], &[]);
                let case = case.start("server", listen("r", Proto::Tcp, 80)).probe(tcp("out", "203.0.113.1", 8080));
                case.end("server")
            },
            {
                let case = says(behind_router("traceroute through masquerade"), "r", &["masquerade out wan"], &[]);
                case.probe(crate::forward::trace("in", "203.0.113.9"))
            },
            {
                let filter = ["policy forward drop", "allow forward established", "allow forward in lan new"];
                let case = says(behind_router("a stateful firewall"), "r", &[], &filter)
                    .route("out", "default via 203.0.113.1");
                rules(case.ping("in", "203.0.113.9", 2).ping("out", "192.168.7.2", 1), "r")
            },
            {
                let filter =
                    ["reject input in lan icmp", "deny input in wan", "reject forward udp 53", "allow forward"];
                let case = says(behind_router("rejected and denied"), "r", &[], &filter)
                    .route("out", "default via 203.0.113.1");
                let case =
                    case.ping("in", "192.168.7.1", 1).ping("out", "203.0.113.1", 1).probe(udp("in", "203.0.113.9", 53));
                rules(case, "r")
            },
            {
                let reset = vec![
                    Stmt::Match(Match::is(Key::Dport(Level4::Tcp), 80)),
                    COUNTER,
                    Stmt::Reject(RejectWith::TcpReset),
                ];
                let case = counting(behind_router("a reset"), "r", Hook::Forward, vec![reset]);
                case.route("out", "default via 203.0.113.1").probe(tcp("in", "203.0.113.9", 80))
            },
            {
                let drop = vec![COUNTER, Stmt::Verdict(Verdict::Drop)];
                rules(
                    counting(behind_router("denied on the way out"), "in", Hook::Output, vec![drop]).ping(
                        "in",
                        "192.168.7.1",
                        1,
                    ),
                    "in",
                )
            },
            {
                let span = |lo, hi| Span::new(lo, hi);
                let accept = || Stmt::Verdict(Verdict::Accept);
                let stmts = |m: Match| vec![Stmt::Match(m), COUNTER];
                let named = |cmp| Match { key: Key::Iifname, mask: None, cmp, to: Operand::Names(vec!["la*".into()]) };
                let list = vec![
                    stmts(Match::is(Key::L4proto, 1)),
                    stmts(Match::within(Key::IpSaddr, false, vec![span(0xc0a8_0700, 0xc0a8_07ff)])),
                    stmts(Match::within(Key::IpSaddr, true, vec![span(0xc0a8_0702, 0xc0a8_0703)])),
                    stmts(Match::within(
                        Key::IpDaddr,
                        false,
                        vec![span(0x0a00_0000, 0x0aff_ffff), span(0xc0a8_0701, 0xc0a8_0701)],
                    )),
                    stmts(Match::is(Key::IpTtl, 64)),
                    stmts(Match {
                        key: Key::IpLength,
                        mask: None,
                        cmp: Cmp::Gt,
                        to: Operand::Spans(vec![Span::one(100)]),
                    }),
                    stmts(Match::is(Key::IcmpType, 8)),
                    stmts(Match::is(Key::PktType, 0)),
                    stmts(Match::is(Key::DaddrType, 2)),
                    stmts(Match::bits(Key::CtState, false, State::NEW)),
                    stmts(Match::bits(Key::CtState, true, State::NEW | State::ESTABLISHED)),
                    stmts(named(Cmp::Eq)),
                    stmts(named(Cmp::Ne)),
                    stmts(Match {
                        key: Key::Iifname,
                        mask: None,
                        cmp: Cmp::Eq,
                        to: Operand::Names(vec!["lan".into(), "wan".into()]),
                    }),
                    vec![Stmt::SetMark { and: 0, xor: 0x12 }, COUNTER],
                    vec![
                        Stmt::Match(Match { mask: Some(0xf0), ..Match::is(Key::Mark, 0x10) }),
                        COUNTER,
                        Stmt::SaveMark,
                    ],
                    stmts(Match::is(Key::CtMark, 0x12)),
                    vec![COUNTER, accept()],
                    vec![COUNTER],
                ];
                let case = counting(behind_router("what can be looked at"), "r", Hook::Input, list);
                rules(case.ping("in", "192.168.7.1", 2), "r")
            },
            {
                let limit = Limit { rate: 1, per: Rate::Hour, burst: 2, over: false, bytes: false };
                let list = vec![
                    vec![Stmt::Limit(limit), COUNTER, Stmt::Verdict(Verdict::Accept)],
                    vec![COUNTER, Stmt::Verdict(Verdict::Drop)],
                ];
                rules(counting(behind_router("a limit"), "r", Hook::Input, list).ping("in", "192.168.7.1", 4), "r")
            },
            {
                // Pings of 84 bytes: the bucket holds what comes in an hour and a burst of one more.
                let limit = Limit { rate: 100, per: Rate::Hour, burst: 84, over: false, bytes: true };
                let list = vec![
                    vec![Stmt::Limit(limit), COUNTER, Stmt::Verdict(Verdict::Accept)],
                    vec![COUNTER, Stmt::Verdict(Verdict::Drop)],
                ];
                let quota = |over| Stmt::Quota(Quota { bytes: 200, over, used: 0 });
                let all = [vec![quota(false), COUNTER], vec![quota(true), COUNTER]];
                let list = all.into_iter().chain(list).collect();
                let case = counting(behind_router("quotas and a limit of bytes"), "r", Hook::Input, list);
                rules(case.ping("in", "192.168.7.1", 4), "r")
            },
            {
                let which = Which::table(Family::Ip, OWN_TABLE);
                let mut changes = chain("input", ChainKind::Filter, Hook::Input, 0);
                let elems = vec![Elem::span(Span::new(0xc0a8_0700, 0xc0a8_070f))];
                let set = Set { interval: true, elems, ..Set::new("friends", SetType::Ipv4Addr) };
                changes.push(RuleChange::AddSet { which: which.clone(), set, fresh: true });
                let jump = |elem: Elem, to: Verdict| Elem { verdict: Some(to), ..elem };
                let map = Operand::Map(vec![
                    jump(Elem::span(Span::one(1)), Verdict::Jump("ping".into())),
                    jump(Elem::span(Span::one(17)), Verdict::Drop),
                ]);
                let ping = Which::of(Family::Ip, OWN_TABLE, "ping");
                changes.push(RuleChange::AddChain { which: ping, base: None, fresh: true });
                changes.push(rule("ping", vec![COUNTER, Stmt::Verdict(Verdict::Return)]));
                let friends = Match { key: Key::IpSaddr, mask: None, cmp: Cmp::Eq, to: Operand::Set("friends".into()) };
                changes.push(rule("input", vec![Stmt::Match(friends), COUNTER]));
                changes.push(rule("input", vec![Stmt::Vmap { key: Key::L4proto, map }]));
                changes.push(rule("input", vec![COUNTER]));
                let case = change(behind_router("sets, maps and jumps"), "r", changes);
                rules(case.ping("in", "192.168.7.1", 2).probe(udp("in", "192.168.7.1", 9)), "r").observe()
            },
            {
                let nat = Stmt::Nat(Nat::new(NatKind::Masquerade));
                let wrong = || {
                    let mut changes = chain("input", ChainKind::Filter, Hook::Input, 0);
                    changes.push(rule("input", vec![nat.clone()]));
                    changes
                };
                let missing = vec![rule("nowhere", vec![COUNTER])];
                let case = change(behind_router("all or nothing"), "r", wrong());
                let case = rules(change(case, "r", missing), "r");
                let jump = |to: &str| {
                    let mut changes = chain("input", ChainKind::Filter, Hook::Input, 0);
                    changes.push(rule("input", vec![Stmt::Verdict(Verdict::Jump(to.into()))]));
                    changes
                };
                let del = RuleChange::DelTable { which: Which::table(Family::Ip, OWN_TABLE), lenient: false };
                let case = change(change(case, "r", jump("nowhere")), "r", vec![del.clone()]);
                let case = change(case, "r", table(&["masquerade"], &[]).making());
                let case = change(case, "r", table(&["masquerade"], &[]).making());
                change(rules(case, "r"), "r", vec![del]).observe()
            },
        ],
    );
}
