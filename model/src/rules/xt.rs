//! A rule as iptables writes it, and what it means.
//!
//! Kernel counterpart: `struct ipt_entry`, `xt_*.c`; iptables' `nft.c` for how it becomes expressions. Deliberately
//! absent: every match and target that is not named here.

use super::{Cmp, Key, Level4, Limit, Log, Match, Nat, Operand, RejectWith, Span, Stmt, Verdict};
use crate::name::Mac;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Something, or (`not`) everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Is<T> {
    /// What.
    pub what: T,
    /// Everything but.
    pub not: bool,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct XtRule {
    /// `-s`: address and prefix length.
    pub src: Option<Is<(IpAddr, u8)>>,
    /// `-d`.
    pub dst: Option<Is<(IpAddr, u8)>>,
    /// `-i`; `+` at the end stands for any rest.
    pub iif: Option<Is<String>>,
    /// `-o`.
    pub oif: Option<Is<String>>,
    /// `-p`.
    pub proto: Option<Is<u8>>,
    /// `-f`.
    pub fragment: Option<bool>,
    /// `-m …`, in order.
    pub matches: Vec<XtMatch>,
    /// `-j` or `-g`.
    pub target: Option<XtTarget>,
}

/// A range of ports.
pub type Ports = (u16, u16);

/// A match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "iptables' own words")]
pub enum XtMatch {
    /// `-m tcp`, `-m udp`.
    Ports { proto: Level4, sport: Option<Is<Ports>>, dport: Option<Is<Ports>>, flags: Option<Is<(u8, u8)>> },
    /// `-m icmp`: type, least and greatest code. Type 255 is any.
    Icmp(Is<(u8, u8, u8)>),
    /// `-m icmp6`, in the same way.
    Icmp6(Is<(u8, u8, u8)>),
    /// `-m multiport`.
    Multiport { which: Multiport, ports: Is<Vec<Ports>> },
    /// `-m state`: bits of [`State`](super::State).
    State(Is<u32>),
    /// `-m conntrack --ctstate`: those, and above 16 bits, SNAT and DNAT.
    Ctstate(Is<u32>),
    /// `-m mark`: value and mask.
    Mark(Is<(u32, u32)>),
    /// `-m connmark`: value and mask.
    Connmark(Is<(u32, u32)>),
    /// `-m limit`.
    Limit(Limit),
    /// `-m comment`.
    Comment(String),
    /// `-m mac --mac-source`.
    Mac(Is<Mac>),
    /// `-m addrtype`: bits by number of kind.
    Addrtype { src: Option<Is<u16>>, dst: Option<Is<u16>> },
    /// `-m iprange`.
    Iprange { src: Option<Is<(IpAddr, IpAddr)>>, dst: Option<Is<(IpAddr, IpAddr)>> },
    /// `-m pkttype`.
    Pkttype(Is<u8>),
}

/// `ct state` of `--ctstate SNAT`.
pub const CTSTATE_SNAT: u32 = 1 << 16;
/// `ct state` of `--ctstate DNAT`.
pub const CTSTATE_DNAT: u32 = 1 << 17;

/// Which ports `-m multiport` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Multiport {
    Source,
    Destination,
    Either,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "iptables' own words")]
pub enum XtTarget {
    Accept,
    Drop,
    Return,
    Jump(String),
    Goto(String),
    Reject(RejectWith),
    Log(Log),
    Masquerade(Nat),
    Snat(Nat),
    Dnat(Nat),
    Redirect(Nat),
    /// Value and mask, as `--set-xmark` has them.
    Mark {
        value: u32,
        mask: u32,
    },
    /// `CONNMARK --set-xmark`.
    ConnmarkSet {
        value: u32,
        mask: u32,
    },
    /// `CONNMARK --save-mark`.
    ConnmarkSave,
    /// `CONNMARK --restore-mark`.
    ConnmarkRestore,
    Notrack,
    /// `CT --notrack`.
    CtNotrack,
    /// `TCPMSS`: to this, or to the path's.
    Tcpmss(Option<u16>),
}

impl XtRule {
    /// Names a chain otherwise.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(XtTarget::Jump(chain) | XtTarget::Goto(chain)) = &mut self.target
            && chain == from
        {
            *chain = to.to_owned();
        }
    }

    /// What it means, with a counter that has counted so much.
    pub fn compile(&self, packets: u64, bytes: u64) -> Vec<Stmt> {
        let mut out = Vec::new();
        let mut add = |m: Match| out.push(Stmt::Match(m));
        for (key, name) in [(Key::Iifname, &self.iif), (Key::Oifname, &self.oif)] {
            if let Some(Is { what, not }) = name.as_ref().filter(|n| n.what != "+" || n.not) {
                let pattern = what.strip_suffix('+').map_or_else(|| what.clone(), |start| format!("{start}*"));
                add(Match::name(key, *not, &pattern));
            }
        }
        if let Some(Is { what, not }) = self.proto {
            add(Match::within(Key::L4proto, not, vec![Span::one(what.into())]));
        }
        for (v4, v6, addr) in [(Key::IpSaddr, Key::Ip6Saddr, self.src), (Key::IpDaddr, Key::Ip6Daddr, self.dst)] {
            if let Some(Is { what: (addr, len), not }) = addr {
                add(Match::within(if addr.is_ipv4() { v4 } else { v6 }, not, vec![Span::prefix(addr, len)]));
            }
        }
        if let Some(later) = self.fragment {
            let cmp = Match::within(Key::IpFragOff, later, vec![Span::one(0)]);
            add(Match { mask: Some(0x1fff), ..cmp });
        }
        let proto = match self.proto {
            Some(Is { what: 6, not: false }) => Level4::Tcp,
            Some(Is { what: 17, not: false }) => Level4::Udp,
            _ => Level4::Any,
        };
        for m in &self.matches {
            m.compile(proto, &mut out);
        }
        out.push(Stmt::Counter { packets, bytes });
        out.extend(self.target.as_ref().map(XtTarget::compile));
        out
    }
}

fn range((lo, hi): Ports) -> Span {
    Span::new(lo.into(), hi.into())
}

impl XtMatch {
    fn compile(&self, level4: Level4, out: &mut Vec<Stmt>) {
        let mut add = |m: Match| out.push(Stmt::Match(m));
        match self {
            XtMatch::Ports { sport, dport, flags, .. } => {
                if let Some(Is { what: (mask, comp), not }) = flags {
                    let m = Match::within(Key::TcpFlags, *not, vec![Span::one((*comp).into())]);
                    add(Match { mask: Some((*mask).into()), ..m });
                }
                // Of another protocol they are only numbers.
                for (key, ports) in [(Key::Sport(level4), sport), (Key::Dport(level4), dport)] {
                    match ports {
                        None => {}
                        // As iptables compares them.
                        Some(Is { what: (0, hi), not }) if *hi > 0 && *hi < u16::MAX => {
                            let cmp = if *not { Cmp::Gt } else { Cmp::Le };
                            add(Match { cmp, ..Match::is(key, (*hi).into()) });
                        }
                        Some(Is { what, not }) => add(Match::within(key, *not, vec![range(*what)])),
                    }
                }
            }
            XtMatch::Icmp(Is { what: (255, ..), .. }) => {}
            XtMatch::Icmp(Is { what: (kind, lo, hi), not }) | XtMatch::Icmp6(Is { what: (kind, lo, hi), not }) => {
                let (of, code) = match self {
                    XtMatch::Icmp(_) => (Key::IcmpType, Key::IcmpCode),
                    _ => (Key::Icmp6Type, Key::Icmp6Code),
                };
                add(Match::within(of, *not, vec![Span::one((*kind).into())]));
                // Nothing but this type is never said with a code, see the parser.
                if !not && (*lo, *hi) != (0, 255) {
                    add(Match::within(code, false, vec![Span::new((*lo).into(), (*hi).into())]));
                }
            }
            XtMatch::Multiport { which, ports: Is { what, not } } => {
                let mut spans: Vec<Span> = what.iter().map(|p| range(*p)).collect();
                spans.sort_unstable();
                let key = match which {
                    Multiport::Source => Key::Sport(level4),
                    // The parser refuses `--ports`.
                    Multiport::Destination | Multiport::Either => Key::Dport(level4),
                };
                add(Match::within(key, *not, spans));
            }
            XtMatch::State(Is { what, not }) => add(Match::bits(Key::CtState, *not, *what)),
            XtMatch::Ctstate(Is { what, not }) => match (what & 0xffff, what >> 16) {
                (states, 0) => add(Match::bits(Key::CtState, *not, states)),
                // IPS_SRC_NAT and IPS_DST_NAT; the parser lets them be named only alone.
                (_, nat) => add(Match::bits(Key::CtStatus, *not, nat << 4)),
            },
            XtMatch::Mark(is) => add(masked(Key::Mark, is)),
            XtMatch::Connmark(is) => add(masked(Key::CtMark, is)),
            XtMatch::Limit(limit) => {
                // The kernel's own burst, where none is given (`NFT_LIMIT_PKT_BURST_DEFAULT`).
                let burst = if limit.burst == 0 { 5 } else { limit.burst };
                out.push(Stmt::Limit(Limit { burst, ..*limit }));
            }
            XtMatch::Comment(_) => {}
            XtMatch::Mac(Is { what, not }) => {
                let value = what.0.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
                add(Match::within(Key::EtherSaddr, *not, vec![Span::one(value)]));
            }
            XtMatch::Addrtype { src, dst } => {
                for (key, kinds) in [(Key::SaddrType, src), (Key::DaddrType, dst)] {
                    if let Some(Is { what, not }) = kinds {
                        let spans = (0..12).filter(|i| what >> i & 1 == 1).map(|i: u8| Span::one(i.into())).collect();
                        add(Match::within(key, *not, spans));
                    }
                }
            }
            XtMatch::Iprange { src, dst } => {
                for (v4, v6, range) in [(Key::IpSaddr, Key::Ip6Saddr, src), (Key::IpDaddr, Key::Ip6Daddr, dst)] {
                    if let Some(Is { what: (lo, hi), not }) = range {
                        let key = if lo.is_ipv4() { v4 } else { v6 };
                        let span = Span::new(Span::address(*lo).lo, Span::address(*hi).lo);
                        add(Match::within(key, *not, vec![span]));
                    }
                }
            }
            XtMatch::Pkttype(Is { what, not }) => {
                add(Match::within(Key::PktType, *not, vec![Span::one((*what).into())]));
            }
        }
    }
}

fn masked(key: Key, Is { what: (value, mask), not }: &Is<(u32, u32)>) -> Match {
    let m = Match::within(key, *not, vec![Span::one((*value).into())]);
    Match {
        mask: Some(*mask).filter(|mask| *mask != u32::MAX),
        to: Operand::Spans(vec![Span::one((*value).into())]),
        ..m
    }
}

impl XtTarget {
    fn compile(&self) -> Stmt {
        match self {
            XtTarget::Accept => Stmt::Verdict(Verdict::Accept),
            XtTarget::Drop => Stmt::Verdict(Verdict::Drop),
            XtTarget::Return => Stmt::Verdict(Verdict::Return),
            XtTarget::Jump(chain) => Stmt::Verdict(Verdict::Jump(chain.clone())),
            XtTarget::Goto(chain) => Stmt::Verdict(Verdict::Goto(chain.clone())),
            XtTarget::Reject(with) => Stmt::Reject(*with),
            XtTarget::Log(log) => Stmt::Log(log.clone()),
            XtTarget::Masquerade(nat) | XtTarget::Snat(nat) | XtTarget::Dnat(nat) | XtTarget::Redirect(nat) => {
                Stmt::Nat(*nat)
            }
            XtTarget::Mark { value, mask } => Stmt::SetMark { and: !mask, xor: *value },
            XtTarget::ConnmarkSet { value, mask } => Stmt::SetCtMark { and: !mask, xor: *value },
            XtTarget::ConnmarkSave => Stmt::SaveMark,
            XtTarget::ConnmarkRestore => Stmt::RestoreMark,
            XtTarget::Notrack | XtTarget::CtNotrack => Stmt::Notrack,
            XtTarget::Tcpmss(to) => Stmt::TcpMss(*to),
        }
    }
}
