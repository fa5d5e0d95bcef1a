//! Rules that iptables wrote, as nft lists them.
//!
//! Counterpart: nftables 1.0.6 with libxtables: what iptables says in nf_tables' own expressions is listed as such, what it says by
//! its old matches and targets in the words of their translators (`xlate`). Deliberately absent: JSON.

use super::words::{ICMP_CODES, ICMP_TYPES, ICMP6_CODES, ICMP6_TYPES, PKT_TYPES, address, symbols};
use super::xt::{Is, Multiport, Ports, XtMatch, XtRule, XtTarget};
use super::{Cmp, Key, Level4, Operand, RejectWith, SetType, Span, State, Stmt, Style, print_stmt};

/// A part of a rule.
enum Part {
    /// An expression of nf_tables.
    Own(Stmt),
    /// A translation.
    Old(String),
}

impl XtRule {
    /// Whether it needs one of the old matches or targets, which nft can only translate.
    pub fn is_translated(&self) -> bool {
        self.matches.iter().any(|m| !is_own(m)) || self.target.as_ref().is_some_and(|t| !t.is_own())
    }

    /// The rule as nft lists it, with what it has counted.
    pub(super) fn print(&self, counted: (u64, u64), style: Style) -> String {
        let mut parts = Vec::new();
        let bare = XtRule { matches: Vec::new(), target: None, ..self.clone() };
        let counter = |stmt: &Stmt| matches!(stmt, Stmt::Counter { .. });
        parts.extend(bare.compile(0, 0).into_iter().filter(|s| !counter(s)).map(Part::Own));
        for m in &self.matches {
            if is_own(m) {
                let alone = XtRule { matches: vec![m.clone()], proto: self.proto, ..XtRule::default() };
                let stmts = alone.compile(0, 0).into_iter().filter(|s| !counter(s));
                let own = stmts.filter(|s| !matches!(s, Stmt::Match(m) if m.key == Key::L4proto));
                parts.extend(own.map(Part::Own));
            } else {
                parts.push(Part::Old(self.translated(m)));
            }
        }
        parts.push(Part::Own(Stmt::Counter { packets: counted.0, bytes: counted.1 }));
        if let Some(target) = &self.target {
            parts.push(target.part(self));
        }
        let words: Vec<String> = (0..parts.len())
            .filter(|i| !is_implied(&parts, *i))
            .map(|i| match &parts[i] {
                Part::Own(stmt) => print_stmt(stmt, style),
                Part::Old(text) => text.clone(),
            })
            .collect();
        words.join(" ")
    }

    /// An old match in its translator's words.
    fn translated(&self, m: &XtMatch) -> String {
        let not = |not: bool| if not { "!= " } else { "" };
        match m {
            // These say nothing, but take their place.
            XtMatch::Ports { .. } | XtMatch::Comment(_) => String::new(),
            XtMatch::Icmp(Is { what: (255, ..), .. }) => "ip protocol icmp".to_owned(),
            XtMatch::Icmp6(Is { what: (kind, lo, hi), not: inverted }) => {
                let word = ICMP6_TYPES.iter().find(|(_, n)| *n == u32::from(*kind) && (*lo, *hi) == (0, 255));
                word.map_or_else(
                    || "xt match icmp6".to_owned(),
                    |(word, _)| format!("icmpv6 type {}{word}", not(*inverted)),
                )
            }
            XtMatch::Icmp(Is { what: (kind, lo, hi), not: inverted }) => {
                let word = ICMP_TYPES.iter().find(|(_, n)| *n == u32::from(*kind) && (*lo, *hi) == (0, 255));
                word.map_or_else(
                    || "xt match icmp".to_owned(),
                    |(word, _)| format!("icmp type {}{word}", not(*inverted)),
                )
            }
            XtMatch::Multiport { which, ports } => {
                let proto = if self.proto.is_some_and(|p| p.what == 17) { "udp" } else { "tcp" };
                let which = if *which == Multiport::Source { "sport" } else { "dport" };
                let list: Vec<String> = ports.what.iter().map(|p| port_text(*p)).collect();
                let list = if list.len() == 1 { list.concat() } else { format!("{{ {} }}", list.join(", ")) };
                format!("{proto} {which} {}{list}", not(ports.not))
            }
            XtMatch::State(states) => state_text(states.what, states.not),
            XtMatch::Ctstate(states) => match states.what >> 16 {
                0 => state_text(states.what, states.not),
                1 => "ct status snat".to_owned(),
                _ => "ct status dnat".to_owned(),
            },
            XtMatch::Connmark(Is { what: (value, mask), not: inverted }) => {
                if *mask == u32::MAX {
                    return format!("ct mark {}{value:#x}", not(*inverted));
                }
                format!("ct mark and {mask:#x} {} {value:#x}", if *inverted { "!=" } else { "==" })
            }
            XtMatch::Mac(Is { what, not: inverted }) => format!("ether saddr {}{what}", not(*inverted)),
            XtMatch::Addrtype { src, dst } => {
                let (field, kinds) = match (src, dst) {
                    (Some(src), _) => ("saddr", src.what),
                    (None, Some(dst)) => ("daddr", dst.what),
                    (None, None) => return String::new(),
                };
                let inverted = src.is_some_and(|s| s.not) || dst.is_some_and(|d| d.not);
                let words = symbols(SetType::FibAddrtype).iter().filter(|(_, n)| kinds >> n & 1 == 1);
                let list: Vec<&str> = words.map(|(word, _)| *word).collect();
                let list = if list.len() == 1 { list.concat() } else { format!("{{ {} }}", list.join(", ")) };
                format!("fib {field} type {}{list}", not(inverted))
            }
            XtMatch::Iprange { src, dst } => {
                let ends = [("saddr", src), ("daddr", dst)];
                let each = ends.into_iter().filter_map(|(field, range)| {
                    let Is { what: (lo, hi), not: inverted } = range.as_ref()?;
                    let family = if lo.is_ipv4() { "ip" } else { "ip6" };
                    Some(format!("{family} {field} {}{}-{}", not(*inverted), address(*lo), address(*hi)))
                });
                each.collect::<Vec<_>>().join(" ")
            }
            XtMatch::Pkttype(Is { what, not: inverted }) => {
                // What is addressed to the host is unicast to iptables.
                let word = PKT_TYPES.iter().rev().find(|(_, n)| *n == u32::from(*what)).map_or("other", |w| w.0);
                format!("pkttype {}{word}", not(*inverted))
            }
            XtMatch::Mark(_) | XtMatch::Limit(_) => String::new(),
        }
    }
}

/// Whether iptables says it in nf_tables' own expressions.
fn is_own(m: &XtMatch) -> bool {
    match m {
        XtMatch::Ports { sport, dport, flags, .. } => sport.is_some() || dport.is_some() || flags.is_some(),
        XtMatch::Mark(_) | XtMatch::Limit(_) => true,
        _ => false,
    }
}

/// The protocol needs no word of its own where a header of it follows, with nothing but matches of nf_tables' own between.
fn is_implied(parts: &[Part], at: usize) -> bool {
    let Part::Own(Stmt::Match(m)) = &parts[at] else { return false };
    let level = match (m.key, m.cmp, &m.to) {
        (Key::L4proto, Cmp::Eq, Operand::Spans(spans)) if spans == &[Span::one(6)] => Level4::Tcp,
        (Key::L4proto, Cmp::Eq, Operand::Spans(spans)) if spans == &[Span::one(17)] => Level4::Udp,
        _ => return false,
    };
    for part in &parts[at + 1..] {
        let Part::Own(Stmt::Match(m)) = part else { return false };
        match m.key {
            Key::Sport(of) | Key::Dport(of) if of == level => return true,
            Key::TcpFlags if level == Level4::Tcp => return true,
            _ => {}
        }
    }
    false
}

fn port_text((lo, hi): Ports) -> String {
    if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") }
}

fn state_text(states: u32, not: bool) -> String {
    const ORDER: [(u32, &str); 5] = [
        (State::INVALID, "invalid"),
        (State::NEW, "new"),
        (State::RELATED, "related"),
        (State::ESTABLISHED, "established"),
        (State::UNTRACKED, "untracked"),
    ];
    let list: Vec<&str> = ORDER.iter().filter(|(bit, _)| states & bit != 0).map(|(_, word)| *word).collect();
    format!("ct state {}{}", if not { "! " } else { "" }, list.join(","))
}

/// `MARK` and `CONNMARK` in their translators' words: these disagree about what comes first.
fn mark_text(key: &str, value: u32, mask: u32, xor_first: bool) -> String {
    match (value, mask) {
        (value, u32::MAX) => format!("{value:#x}"),
        (value, mask) if value == mask => format!("{key} or {value:#x}"),
        (0, mask) => format!("{key} and {:#x}", !mask),
        (value, 0) => format!("{key} xor {value:#x}"),
        (value, mask) if xor_first => format!("{key} xor {value:#x} and {:#x}", !mask),
        (value, mask) => format!("{key} and {:#x} xor {value:#x}", !mask),
    }
}

impl XtTarget {
    /// Whether iptables says it in nf_tables' own expressions.
    fn is_own(&self) -> bool {
        use XtTarget::*;
        matches!(self, Accept | Drop | Return | Jump(_) | Goto(_))
    }

    fn part(&self, rule: &XtRule) -> Part {
        let text = match self {
            XtTarget::Reject(with) => reject_text(*with),
            XtTarget::Mark { value, mask } => format!("meta mark set {}", mark_text("mark", *value, *mask, false)),
            XtTarget::ConnmarkSet { value, mask } => {
                format!("ct mark set {}", mark_text("ct mark", *value, *mask, true))
            }
            XtTarget::ConnmarkSave => "ct mark set mark".to_owned(),
            _ => {
                let alone = XtRule { target: Some(self.clone()), proto: rule.proto, ..XtRule::default() };
                return alone.compile(0, 0).pop().map_or(Part::Old(String::new()), Part::Own);
            }
        };
        Part::Old(text)
    }
}

fn reject_text(with: RejectWith) -> String {
    match with {
        RejectWith::Icmp(3) | RejectWith::Icmp6(4) | RejectWith::Icmpx(_) => "reject".to_owned(),
        RejectWith::TcpReset => "reject with tcp reset".to_owned(),
        RejectWith::Icmp6(code) => {
            let word = ICMP6_CODES.iter().find(|(_, n)| *n == u32::from(code)).map_or("port-unreachable", |w| w.0);
            format!("reject with icmpv6 type {word}")
        }
        RejectWith::Icmp(code) => {
            let word = ICMP_CODES.iter().find(|(_, n)| *n == u32::from(code)).map_or("port-unreachable", |w| w.0);
            format!("reject with icmp type {word}")
        }
    }
}
