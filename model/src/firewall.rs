//! What a topology says about translation and filtering, one intent a line, and the rules that it comes to.
//!
//! Counterpart: what an administrator means by a handful of nft rules. All of a namespace's intents become one table of
//! nettwin's own ([`OWN_TABLE`]), with one chain for each hook that is used. Deliberately absent: IPv6, sets, limits; who
//! needs more writes rules themselves.

use crate::name::IfName;
use crate::rules::{
    Base, Chain, ChainKind, Family, Hook, Key, Level4, Match, Nat, NatKind, OWN_TABLE, Policy, RejectWith, Rule,
    Ruleset, Span, State, Stmt, Table, Verdict,
};
use crate::words::WordsError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

/// A network: address and prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// Its first address.
    pub addr: Ipv4Addr,
    /// Its prefix length.
    pub len: u8,
}

impl Net {
    pub(crate) fn span(self) -> Span {
        Span::prefix(IpAddr::V4(self.addr), self.len)
    }

    /// Whether all of another network is in it.
    pub fn covers(self, other: Net) -> bool {
        self.len <= other.len && self.span().has(other.span().lo)
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len == 32 { write!(f, "{}", self.addr) } else { write!(f, "{}/{}", self.addr, self.len) }
    }
}

/// Ports of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// TCP or UDP.
    pub proto: Level4,
    /// The first and the last port; `None` for all.
    pub ports: Option<(u16, u16)>,
}

/// What packets an intent is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packets {
    /// That come in by this device.
    pub iif: Option<IfName>,
    /// That leave by this device.
    pub oif: Option<IfName>,
    /// From there.
    pub from: Option<Net>,
    /// To there.
    pub to: Option<Net>,
    /// Of this service.
    pub service: Option<Service>,
    /// Of ICMP.
    pub icmp: bool,
    /// Of connections in one of these states: bits of [`State`].
    pub states: u32,
}

/// A translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatIntent {
    /// Of what.
    pub kind: NatKind,
    /// Which packets.
    pub packets: Packets,
    /// To these addresses.
    pub addrs: Option<(Ipv4Addr, Ipv4Addr)>,
    /// To these ports.
    pub ports: Option<(u16, u16)>,
}

/// A filter's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterIntent {
    /// What becomes of the rest of what passes a hook.
    Policy(Hook, Policy),
    /// What becomes of some of it.
    Rule(Hook, Deed, Packets),
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It goes on.
    Allow,
    /// It is dropped.
    Deny,
    /// It is dropped, and its sender is told.
    Reject,
}

/// The rules that a namespace's intents come to.
pub fn ruleset<'a>(
    nat: impl Iterator<Item = &'a NatIntent>,
    filter: impl Iterator<Item = &'a FilterIntent>,
) -> Ruleset {
    let mut table = Table {
        family: Family::Ip,
        name: OWN_TABLE.to_owned(),
        handle: 0,
        last_handle: 0,
        chains: Vec::new(),
        objects: Vec::new(),
        sets: Vec::new(),
    };
    for intent in filter {
        let chain = chain(&mut table, intent.hook(), ChainKind::Filter);
        match intent {
            FilterIntent::Policy(_, policy) => {
                if let Some(base) = &mut chain.base {
                    base.policy = *policy;
                }
            }
            FilterIntent::Rule(_, deed, packets) => {
                let mut stmts = packets.stmts();
                stmts.push(Stmt::Counter { packets: 0, bytes: 0 });
                stmts.push(match deed {
                    Deed::Allow => Stmt::Verdict(Verdict::Accept),
                    Deed::Deny => Stmt::Verdict(Verdict::Drop),
                    Deed::Reject => Stmt::Reject(RejectWith::Icmp(3)),
                });
                chain.rules.push(Rule::new(stmts));
            }
        }
    }
    for intent in nat {
        let mut stmts = intent.packets.stmts();
        stmts.push(Stmt::Counter { packets: 0, bytes: 0 });
        let addrs = intent.addrs.map(|(lo, hi)| (IpAddr::V4(lo), IpAddr::V4(hi)));
        stmts.push(Stmt::Nat(Nat { addrs, ports: intent.ports, ..Nat::new(intent.kind) }));
        chain(&mut table, intent.hook(), ChainKind::Nat).rules.push(Rule::new(stmts));
    }
    let tables = if table.chains.is_empty() { Vec::new() } else { vec![table] };
    Ruleset { tables, ..Ruleset::default() }
}

/// The chain of a hook, made if it is not there.
fn chain(table: &mut Table, hook: Hook, kind: ChainKind) -> &mut Chain {
    let name = hook.word();
    if table.chain(name).is_none() {
        let priority = match (kind, hook) {
            (ChainKind::Nat, Hook::Prerouting) => -100,
            (ChainKind::Nat, _) => 100,
            _ => 0,
        };
        let base = Some(Base::new(kind, hook, priority, Policy::Accept));
        table.chains.push(Chain { name: name.to_owned(), handle: 0, base, rules: Vec::new() });
    }
    table.chain_mut(name).expect("it was just made")
}

impl NatIntent {
    /// Where it is done.
    pub fn hook(&self) -> Hook {
        match self.kind {
            NatKind::Snat | NatKind::Masquerade => Hook::Postrouting,
            NatKind::Dnat | NatKind::Redirect => Hook::Prerouting,
        }
    }
}

impl FilterIntent {
    /// Where it is done.
    pub fn hook(&self) -> Hook {
        match self {
            FilterIntent::Policy(hook, _) | FilterIntent::Rule(hook, ..) => *hook,
        }
    }
}

impl Packets {
    fn stmts(&self) -> Vec<Stmt> {
        let mut out = Vec::new();
        let mut add = |m: Match| out.push(Stmt::Match(m));
        if self.states != 0 {
            add(Match::bits(Key::CtState, false, self.states));
        }
        for (key, dev) in [(Key::Iifname, self.iif), (Key::Oifname, self.oif)] {
            if let Some(dev) = dev {
                add(Match::name(key, false, dev.as_str()));
            }
        }
        for (key, net) in [(Key::IpSaddr, self.from), (Key::IpDaddr, self.to)] {
            if let Some(net) = net {
                add(Match::within(key, false, vec![net.span()]));
            }
        }
        if self.icmp {
            add(Match::is(Key::L4proto, 1));
        }
        match self.service {
            None => {}
            Some(Service { proto, ports: Some((lo, hi)) }) => {
                add(Match::within(Key::Dport(proto), false, vec![Span::new(lo.into(), hi.into())]));
            }
            Some(Service { proto, ports: None }) => {
                add(Match::is(Key::L4proto, if proto == Level4::Udp { 17 } else { 6 }));
            }
        }
        out
    }

    /// Whether every packet that `other` is about is one that this is about.
    pub fn covers(&self, other: &Packets) -> bool {
        fn dev(mine: Option<IfName>, theirs: Option<IfName>) -> bool {
            mine.is_none() || mine == theirs
        }
        let net = |mine: Option<Net>, theirs: Option<Net>| {
            mine.is_none_or(|mine| theirs.is_some_and(|theirs| mine.covers(theirs)))
        };
        let service = match (self.service, other.service) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => {
                mine.proto == theirs.proto
                    && mine.ports.is_none_or(|(lo, hi)| theirs.ports.is_some_and(|(a, b)| lo <= a && b <= hi))
            }
        };
        let states = self.states == 0 || other.states != 0 && self.states & other.states == other.states;
        dev(self.iif, other.iif)
            && dev(self.oif, other.oif)
            && net(self.from, other.from)
            && net(self.to, other.to)
            && service
            && (!self.icmp || other.icmp)
            && states
    }
}

const STATES: [(&str, u32); 4] = [
    ("established", State::ESTABLISHED | State::RELATED),
    ("new", State::NEW),
    ("invalid", State::INVALID),
    ("untracked", State::UNTRACKED),
];

impl fmt::Display for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, bits) in STATES.iter().filter(|(_, bits)| self.states & bits == *bits) {
            debug_assert!(*bits != 0);
            write!(f, " {word}")?;
        }
        if let Some(dev) = self.iif {
            write!(f, " in {dev}")?;
        }
        if let Some(dev) = self.oif {
            write!(f, " out {dev}")?;
        }
        if let Some(net) = self.from {
            write!(f, " from {net}")?;
        }
        if let Some(net) = self.to {
            write!(f, " to {net}")?;
        }
        if self.icmp {
            write!(f, " icmp")?;
        }
        if let Some(service) = &self.service {
            write!(f, " {service}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.proto == Level4::Udp { "udp" } else { "tcp" })?;
        match self.ports {
            None => Ok(()),
            Some(ports) => write!(f, " {}", range(ports)),
        }
    }
}

fn range((lo, hi): (u16, u16)) -> String {
    if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") }
}

impl fmt::Display for FilterIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterIntent::Policy(hook, policy) => write!(f, "policy {} {}", hook.word(), policy.word()),
            FilterIntent::Rule(hook, deed, packets) => {
                let deed = match deed {
                    Deed::Allow => "allow",
                    Deed::Deny => "deny",
                    Deed::Reject => "reject",
                };
                write!(f, "{deed} {}{packets}", hook.word())
            }
        }
    }
}

impl fmt::Display for NatIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addrs = self.addrs.map(|(lo, hi)| if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") });
        let ports = self.ports.map(range);
        match self.kind {
            NatKind::Masquerade => write!(f, "masquerade{}", self.packets),
            NatKind::Snat => write!(f, "snat{} to-source {}", self.packets, addrs.unwrap_or_default()),
            NatKind::Redirect => write!(f, "redirect{} to-port {}", self.packets, ports.unwrap_or_default()),
            NatKind::Dnat => {
                let port = ports.map(|p| format!(":{p}")).unwrap_or_default();
                write!(f, "dnat{} to-destination {}{port}", self.packets, addrs.unwrap_or_default())
            }
        }
    }
}

/// A line's words with their places.
struct Words<'a> {
    text: &'a str,
    words: Vec<(usize, &'a str)>,
    at: usize,
}

type Read<T> = Result<T, WordsError>;

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        let start = text.as_ptr() as usize;
        let words = text.split_whitespace().map(|w| (w.as_ptr() as usize - start, w)).collect();
        Words { text, words, at: 0 }
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?.1;
        self.at += 1;
        Some(word)
    }

    fn place(&self) -> Range<usize> {
        match self.words.get(self.at.saturating_sub(1)) {
            Some((at, word)) => *at..at + word.len(),
            None => 0..self.text.len(),
        }
    }

    fn wrong<T>(&self, message: impl Into<String>, remedy: &str) -> Read<T> {
        Err(WordsError { at: self.place(), message: message.into(), remedy: remedy.to_owned() })
    }

    fn value(&mut self, what: &str, remedy: &str) -> Read<&'a str> {
        match self.next() {
            Some(word) => Ok(word),
            None => self.wrong(format!("{what} is missing at the end"), remedy),
        }
    }

    fn net(&mut self) -> Read<Net> {
        let remedy = "write a network as in 10.0.0.0/8";
        let word = self.value("a network", remedy)?;
        let (addr, len) = word.split_once('/').unwrap_or((word, "32"));
        match (addr.parse::<Ipv4Addr>(), len.parse::<u8>()) {
            (Ok(addr), Ok(len)) if len <= 32 => {
                let span = Span::prefix(IpAddr::V4(addr), len);
                if span.lo != u128::from(addr.to_bits()) {
                    return self.wrong(format!("{word} has bits set behind its prefix"), remedy);
                }
                Ok(Net { addr, len })
            }
            _ => self.wrong(format!("{word} is no IPv4 network"), remedy),
        }
    }

    fn dev(&mut self) -> Read<IfName> {
        let word = self.value("a device", "name one, as in `in eth0`")?;
        IfName::new(word).or_else(|e| self.wrong(format!("{word} is no device: {e}"), "name one, as in `in eth0`"))
    }

    fn ports(&mut self, word: &str) -> Read<(u16, u16)> {
        let (lo, hi) = word.split_once('-').unwrap_or((word, word));
        match (lo.parse(), hi.parse()) {
            (Ok(lo), Ok(hi)) if lo <= hi && lo > 0 => Ok((lo, hi)),
            _ => self.wrong(format!("{word} is no port or range of ports"), "write it as in 80 or 8000-8010"),
        }
    }

    fn addrs(&mut self, word: &str) -> Read<(Ipv4Addr, Ipv4Addr)> {
        let (lo, hi) = word.split_once('-').unwrap_or((word, word));
        match (lo.parse(), hi.parse()) {
            (Ok(lo), Ok(hi)) if lo <= hi => Ok((lo, hi)),
            _ => self.wrong(format!("{word} is no IPv4 address or range"), "write it as in 203.0.113.1"),
        }
    }

    /// One word about which packets. `false`: it is none.
    fn packets(&mut self, word: &str, out: &mut Packets) -> Read<bool> {
        match word {
            "in" => out.iif = Some(self.dev()?),
            "out" => out.oif = Some(self.dev()?),
            "from" => out.from = Some(self.net()?),
            "to" => out.to = Some(self.net()?),
            "icmp" => out.icmp = true,
            "tcp" | "udp" => {
                let proto = if word == "udp" { Level4::Udp } else { Level4::Tcp };
                let digit = self.words.get(self.at).filter(|(_, w)| w.starts_with(|c: char| c.is_ascii_digit()));
                let ports = match digit.copied() {
                    None => None,
                    Some((_, word)) => {
                        self.at += 1;
                        Some(self.ports(word)?)
                    }
                };
                out.service = Some(Service { proto, ports });
            }
            other => match STATES.iter().find(|(state, _)| *state == other) {
                Some((_, bits)) => out.states |= bits,
                None => return Ok(false),
            },
        }
        if out.icmp && out.service.is_some() {
            return self.wrong("a packet is either ICMP or TCP or UDP", "leave one out");
        }
        Ok(true)
    }
}

const PACKETS: &str = "say which packets with `in DEV`, `out DEV`, `from NET`, `to NET`, `tcp PORT`, `udp PORT`, `icmp`, \
                       `established`, `new` or `invalid`";

/// Reads a line of `firewall`.
pub fn parse_filter(text: &str) -> Read<FilterIntent> {
    let verbs = "begin with `policy`, `allow`, `deny` or `reject`";
    let hooks = "say where: `input`, `forward` or `output`";
    let mut words = Words::new(text);
    let verb = words.value("what to do", verbs)?;
    if !matches!(verb, "policy" | "allow" | "deny" | "reject") {
        return words.wrong(format!("{verb} is nothing that a firewall does"), verbs);
    }
    let hook = match words.value("the hook", hooks)? {
        "input" => Hook::Input,
        "forward" => Hook::Forward,
        "output" => Hook::Output,
        other => return words.wrong(format!("{other} is no place of a firewall"), hooks),
    };
    let deed = match verb {
        "policy" => {
            let policies = "write `accept` or `drop`";
            let policy = match words.value("the policy", policies)? {
                "accept" => Policy::Accept,
                "drop" => Policy::Drop,
                other => return words.wrong(format!("{other} is no policy"), policies),
            };
            return match words.next() {
                None => Ok(FilterIntent::Policy(hook, policy)),
                Some(word) => words.wrong(format!("{word} is too much"), "a policy is about all packets"),
            };
        }
        "allow" => Deed::Allow,
        "deny" => Deed::Deny,
        _ => Deed::Reject,
    };
    let mut packets = Packets::default();
    while let Some(word) = words.next() {
        if !words.packets(word, &mut packets)? {
            return words.wrong(format!("{word} says nothing about packets"), PACKETS);
        }
    }
    if hook == Hook::Input && packets.oif.is_some() || hook == Hook::Output && packets.iif.is_some() {
        return words.wrong(
            "that device is not known there",
            "`in` goes with input and forward, `out` with forward and output",
        );
    }
    Ok(FilterIntent::Rule(hook, deed, packets))
}

/// Reads a line of `nat`.
pub fn parse_nat(text: &str) -> Read<NatIntent> {
    let verbs = "begin with `masquerade`, `snat`, `dnat`, `forward` or `redirect`";
    let mut words = Words::new(text);
    let kind = match words.value("what to do", verbs)? {
        "masquerade" => NatKind::Masquerade,
        "snat" => NatKind::Snat,
        // A port forward is a destination's translation.
        "dnat" | "forward" => NatKind::Dnat,
        "redirect" => NatKind::Redirect,
        other => return words.wrong(format!("{other} is no translation"), verbs),
    };
    let (mut packets, mut addrs, mut ports) = (Packets::default(), None, None);
    while let Some(word) = words.next() {
        match (kind, word) {
            (NatKind::Snat, "to-source") => {
                let word = words.value("the address", "write it as in `to-source 203.0.113.1`")?;
                addrs = Some(words.addrs(word)?);
            }
            (NatKind::Dnat, "to-destination") => {
                let word = words.value("the address", "write it as in `to-destination 10.0.0.2:80`")?;
                let (addr, port) = word.split_once(':').map_or((word, None), |(a, p)| (a, Some(p)));
                addrs = Some(words.addrs(addr)?);
                ports = port.map(|port| words.ports(port)).transpose()?;
            }
            (NatKind::Redirect, "to-port") => {
                let word = words.value("the port", "write it as in `to-port 8080`")?;
                ports = Some(words.ports(word)?);
            }
            (_, word) if words.packets(word, &mut packets)? => {}
            (_, word) => {
                return words.wrong(format!("{word} says nothing about packets or their translation"), PACKETS);
            }
        }
    }
    let intent = NatIntent { kind, packets, addrs, ports };
    match kind {
        NatKind::Snat if intent.addrs.is_none() => words.wrong("to which address?", "add `to-source 203.0.113.1`"),
        NatKind::Dnat if intent.addrs.is_none() => words.wrong("to which address?", "add `to-destination 10.0.0.2`"),
        NatKind::Redirect if intent.ports.is_none() => words.wrong("to which port?", "add `to-port 8080`"),
        _ if intent.ports.is_some() && intent.packets.service.is_none() => {
            words.wrong("only TCP and UDP have ports", "add `tcp 80` or `udp 53`")
        }
        _ if intent.hook() == Hook::Postrouting && intent.packets.iif.is_some() => {
            words.wrong("where a source is translated, only the device that it leaves by is known", "use `out DEV`")
        }
        _ if intent.hook() == Hook::Prerouting && intent.packets.oif.is_some() => words
            .wrong("where a destination is translated, the device that it leaves by is not known yet", "use `in DEV`"),
        _ => Ok(intent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_written() {
        for text in [
            "masquerade",
            "masquerade out wan from 192.168.0.0/24",
            "snat out wan to-source 203.0.113.1-203.0.113.9",
            "dnat in wan tcp 8080 to-destination 10.0.0.2:80",
            "dnat to 203.0.113.7 to-destination 10.0.0.2",
            "redirect tcp 80 to-port 8080",
        ] {
            assert_eq!(parse_nat(text).unwrap().to_string(), text);
        }
        for text in [
            "policy forward drop",
            "allow forward established",
            "allow input in lan tcp 22",
            "deny forward from 10.0.0.0/8 to 192.168.7.2 udp 53-60",
            "reject output to 192.0.2.0/24 icmp",
        ] {
            assert_eq!(parse_filter(text).unwrap().to_string(), text);
        }
        assert_eq!(parse_nat("forward tcp 8080 to-destination 10.0.0.2:80").unwrap().kind, NatKind::Dnat);
    }

    #[test]
    fn what_is_wrong_has_a_place_and_a_remedy() {
        for (text, at) in
            [("allow forwards", "forwards"), ("policy input reject", "reject"), ("deny input out e0", "e0")]
        {
            let wrong = parse_filter(text).unwrap_err();
            assert_eq!(&text[wrong.at.clone()], at, "{wrong:?}");
            assert!(!wrong.remedy.is_empty());
        }
        for text in ["", "nat", "snat out e0", "dnat to-destination 10.0.0.2:80", "masquerade in e0", "redirect tcp 1"]
        {
            assert!(parse_nat(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ruleset_is_one_table_of_our_own() {
        let nat = [parse_nat("masquerade out wan").unwrap()];
        let filter = ["policy forward drop", "allow forward established"].map(|t| parse_filter(t).unwrap());
        let rules = ruleset(nat.iter(), filter.iter());
        let text = crate::rules::print_ruleset(&rules, crate::rules::Style::default());
        expect_test::expect![[r#"
            table ip nettwin {
            	chain forward {
            		type filter hook forward priority filter; policy drop;
            		ct state established,related counter packets 0 bytes 0 accept
            	}

            	chain postrouting {
            		type nat hook postrouting priority srcnat; policy accept;
            		oifname "wan" counter packets 0 bytes 0 masquerade
            	}
            }
        "#]]
        .assert_eq(&text);
    }
}
