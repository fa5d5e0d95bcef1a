//! Rules as nft lists them.
//!
//! Counterpart: nftables 1.0.6, `src/rule.c`, `src/statement.c`, `src/expression.c`, `src/datatype.c`. Deliberately absent:
//! JSON, and names of services.

use super::{
    Base, Chain, Cmp, Elem, Family, Hook, Key, Level4, Log, Match, Nat, NatKind, Operand, RejectWith, Rule, Ruleset,
    Set, SetType, Span, State, Stmt, Table, Tongue, Verdict,
};
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With handles (`-a`).
    pub handles: bool,
    /// Numbers instead of names (`-n`).
    pub numeric: bool,
    /// Without what counts (`-s`).
    pub stateless: bool,
}

/// All tables, as `nft list ruleset` does.
pub fn print_ruleset(ruleset: &Ruleset, style: Style) -> String {
    ruleset.tables.iter().map(|table| table.print(style)).collect()
}

fn handle(style: Style, handle: u64) -> String {
    if style.handles { format!(" # handle {handle}") } else { String::new() }
}

impl Table {
    /// The table with all that is in it.
    pub fn print(&self, style: Style) -> String {
        let mut out = self.warning();
        out += &format!("table {} {} {{{}\n", self.family, self.name, handle(style, self.handle));
        let sets = self.sets.iter().map(|set| set.print(style));
        let chains = self.chains.iter().map(|chain| chain.print(self.family, style));
        out += &sets.chain(chains).collect::<Vec<_>>().join("\n");
        out + "}\n"
    }

    /// What is said of tables that iptables keeps.
    pub fn warning(&self) -> String {
        let is_xt = self.chains.iter().flat_map(|c| &c.rules).any(|r| !r.tongue.is_nft());
        let warning =
            |tool| format!("# Warning: table {} {} is managed by {tool}, do not touch!\n", self.family, self.name);
        match self.family {
            Family::Ip if is_xt => warning("iptables-nft"),
            Family::Ip6 if is_xt => warning("ip6tables-nft"),
            _ => String::new(),
        }
    }
}

impl Chain {
    /// The chain with its rules.
    pub fn print(&self, family: Family, style: Style) -> String {
        let mut out = format!("\tchain {} {{{}\n", self.name, handle(style, self.handle));
        if let Some(base) = &self.base {
            out += &format!("\t\t{}\n", base.print(family, style));
        }
        for rule in &self.rules {
            let text = print_rule(rule, style);
            out += &format!("\t\t{text}{}\n", handle(style, rule.handle));
        }
        out + "\t}\n"
    }
}

impl Base {
    /// `type … hook … priority …; policy …;`.
    pub fn print(&self, family: Family, style: Style) -> String {
        let priority =
            if style.numeric { self.priority.to_string() } else { chain_priority(family, self.hook, self.priority) };
        let (kind, hook, policy) = (self.kind.word(), self.hook.word(), self.policy.word());
        format!("type {kind} hook {hook} priority {priority}; policy {policy};")
    }
}

/// The names of priorities, by family.
pub fn priorities(family: Family) -> &'static [(&'static str, i32)] {
    match family {
        Family::Bridge => &[("dstnat", -300), ("filter", -200), ("out", 100), ("srcnat", 300)],
        _ => &[("raw", -300), ("mangle", -150), ("dstnat", -100), ("filter", 0), ("security", 50), ("srcnat", 100)],
    }
}

/// Whether a priority's name may be used at a hook (`std_prio_lookup`).
pub fn priority_fits(family: Family, name: &str, hook: Hook) -> bool {
    match (family, name) {
        (Family::Bridge, "out") => hook == Hook::Output,
        (_, "dstnat") => hook == Hook::Prerouting || family != Family::Bridge && hook == Hook::Output,
        (_, "srcnat") => hook == Hook::Postrouting || family != Family::Bridge && hook == Hook::Input,
        _ => true,
    }
}

/// A priority by the nearest name, within 10 of it.
pub fn chain_priority(family: Family, hook: Hook, priority: i32) -> String {
    let near = priorities(family)
        .iter()
        .filter(|(name, _)| priority_fits(family, name, hook) && !(hook == Hook::Output && *name == "dstnat"))
        .find(|(_, value)| priority.abs_diff(*value) <= 10);
    match near {
        None => priority.to_string(),
        Some((name, value)) => match priority - value {
            0 => (*name).to_owned(),
            more if more > 0 => format!("{name} + {more}"),
            less => format!("{name} - {}", -less),
        },
    }
}

impl Set {
    /// The set with its elements.
    pub fn print(&self, style: Style) -> String {
        let word = if self.data.is_some() { "map" } else { "set" };
        let mut out = format!("\t{word} {} {{{}\n\t\ttype {}", self.name, handle(style, self.handle), self.key.word());
        if let Some(data) = self.data {
            out += &format!(" : {}", data.word());
        }
        out.push('\n');
        let flags: Vec<&str> =
            [("constant", self.constant), ("interval", self.interval)].iter().filter(|f| f.1).map(|f| f.0).collect();
        if !flags.is_empty() {
            out += &format!("\t\tflags {}\n", flags.join(","));
        }
        if !self.elems.is_empty() {
            let texts: Vec<String> =
                self.elems.iter().map(|e| print_elem(e, self.key, self.data, style.numeric)).collect();
            // As many on a line as the type's width allows.
            let per_line = if self.data.is_some() { 1 } else { per_line(self.key) };
            let lines: Vec<String> = texts.chunks(per_line).map(|line| line.join(", ")).collect();
            out += &format!("\t\telements = {{ {} }}\n", lines.join(",\n\t\t\t     "));
        }
        out + "\t}\n"
    }
}

/// `set_print_declaration`'s guess of what fits a line.
fn per_line(key: SetType) -> usize {
    match key {
        SetType::Ipv4Addr | SetType::Mark | SetType::InetService | SetType::InetProto => match key {
            SetType::Ipv4Addr | SetType::Mark => 2,
            SetType::InetService => 4,
            _ => 8,
        },
        _ => 1,
    }
}

/// One element.
pub fn print_elem(elem: &Elem, key: SetType, data: Option<SetType>, numeric: bool) -> String {
    let mut out = match &elem.name {
        Some(name) => format!("\"{name}\""),
        None => print_span(elem.span, key, numeric),
    };
    if let Some(verdict) = &elem.verdict {
        write!(out, " : {}", print_verdict(verdict)).expect("a String takes all");
    }
    if let (Some(span), Some(data)) = (elem.data, data) {
        write!(out, " : {}", print_span(span, data, numeric)).expect("a String takes all");
    }
    out
}

/// A rule without its handle.
pub fn print_rule(rule: &Rule, style: Style) -> String {
    let stmts = &rule.stmts;
    let mut words: Vec<String> = Vec::new();
    for (i, stmt) in stmts.iter().enumerate() {
        if is_implied(stmt, &stmts[i + 1..], rule) {
            continue;
        }
        words.push(print_stmt(stmt, style));
    }
    if let Some(comment) = &rule.comment {
        words.push(format!("comment \"{comment}\""));
    }
    words.join(" ")
}

/// iptables' `-p tcp` says nothing beside `--dport`.
fn is_implied(stmt: &Stmt, rest: &[Stmt], rule: &Rule) -> bool {
    let Stmt::Match(Match { key: Key::L4proto, cmp: Cmp::Eq, to: Operand::Spans(spans), .. }) = stmt else {
        return false;
    };
    let proto = match spans.as_slice() {
        [Span { lo: 6, hi: 6 }] => Level4::Tcp,
        [Span { lo: 17, hi: 17 }] => Level4::Udp,
        _ => return false,
    };
    let says = |stmt: &Stmt| match stmt {
        Stmt::Match(m) => match m.key {
            Key::Sport(p) | Key::Dport(p) => p == proto,
            Key::TcpFlags => proto == Level4::Tcp,
            _ => false,
        },
        _ => false,
    };
    matches!(rule.tongue, Tongue::Iptables(_)) && rest.iter().any(says)
}

/// A statement.
pub fn print_stmt(stmt: &Stmt, style: Style) -> String {
    match stmt {
        Stmt::Match(m) => print_match(m, style.numeric),
        Stmt::Counter { .. } if style.stateless => "counter".to_owned(),
        Stmt::Counter { packets, bytes } => format!("counter packets {packets} bytes {bytes}"),
        Stmt::Limit(limit) => {
            let over = if limit.over { "over " } else { "" };
            let burst = if limit.burst == 5 { String::new() } else { format!(" burst {} packets", limit.burst) };
            format!("limit rate {over}{}/{}{burst}", limit.rate, limit.per.word())
        }
        Stmt::Log(log) => print_log(log),
        Stmt::Verdict(verdict) => print_verdict(verdict),
        Stmt::Vmap { key, map } => format!("{} vmap {}", key_words(*key), print_operand(*key, map, style.numeric)),
        Stmt::Reject(with) => print_reject(*with, style.numeric),
        Stmt::Nat(nat) => print_nat(nat),
        Stmt::SetMark { and, xor } => format!("meta mark set {}", marked("meta mark", *and, *xor)),
        Stmt::SetCtMark { and, xor } => format!("ct mark set {}", marked("ct mark", *and, *xor)),
        Stmt::SaveMark => "ct mark set meta mark".to_owned(),
        Stmt::RestoreMark => "meta mark set ct mark".to_owned(),
        Stmt::Notrack => "notrack".to_owned(),
        Stmt::TcpMss(None) => "tcp option maxseg size set rt mtu".to_owned(),
        Stmt::TcpMss(Some(mss)) => format!("tcp option maxseg size set {mss}"),
    }
}

fn marked(what: &str, and: u32, xor: u32) -> String {
    match (and, xor) {
        (0, xor) => format!("{xor:#010x}"),
        (and, 0) => format!("{what} & {and:#010x}"),
        (u32::MAX, xor) => format!("{what} ^ {xor:#010x}"),
        (and, xor) if !and == xor => format!("{what} | {xor:#010x}"),
        (and, xor) if and & xor == 0 => format!("{what} & {:#010x} | {xor:#010x}", and | xor),
        (and, xor) => format!("{what} & {and:#010x} ^ {xor:#010x}"),
    }
}

/// A decision.
pub fn print_verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::Return => "return".to_owned(),
        Verdict::Continue => "continue".to_owned(),
        Verdict::Jump(chain) => format!("jump {chain}"),
        Verdict::Goto(chain) => format!("goto {chain}"),
    }
}

/// The names of log levels, by number.
pub const LOG_LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

fn print_log(log: &Log) -> String {
    let mut out = "log".to_owned();
    if let Some(prefix) = &log.prefix {
        write!(out, " prefix \"{prefix}\"").expect("a String takes all");
    }
    if let Some(level) = log.level.filter(|level| *level != 4) {
        let word = LOG_LEVELS.get(usize::from(level)).unwrap_or(&"unknown");
        write!(out, " level {word}").expect("a String takes all");
    }
    const FLAGS: [&str; 6] = ["tcp sequence", "tcp options", "ip options", "skuid", "", "ether"];
    if log.flags & 0x2f == 0x2f {
        out += " flags all";
    } else {
        match log.flags & 3 {
            3 => out += " flags tcp sequence,options",
            0 => {}
            one => out += &format!(" flags {}", FLAGS[usize::from(one) - 1]),
        }
        for (i, word) in FLAGS.iter().enumerate().skip(2).filter(|(i, _)| log.flags >> i & 1 == 1) {
            debug_assert!(i < 8);
            out += &format!(" flags {word}");
        }
    }
    out
}

/// ICMP's codes of type 3 in nft's words.
pub const ICMP_CODES: [(&str, u8); 7] = [
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
];

/// The same of ICMPv6's type 1.
pub const ICMP6_CODES: [(&str, u8); 6] = [
    ("no-route", 0),
    ("admin-prohibited", 1),
    ("addr-unreachable", 3),
    ("port-unreachable", 4),
    ("policy-fail", 5),
    ("reject-route", 6),
];

/// The same of both (`NFT_REJECT_ICMPX_*`).
pub const ICMPX_CODES: [(&str, u8); 4] =
    [("no-route", 0), ("port-unreachable", 1), ("host-unreachable", 2), ("admin-prohibited", 3)];

fn print_reject(with: RejectWith, numeric: bool) -> String {
    let code = |words: &[(&'static str, u8)], code: u8| {
        let word = words.iter().find(|w| w.1 == code && !numeric).map(|w| w.0);
        word.map_or_else(|| code.to_string(), str::to_owned)
    };
    match with {
        RejectWith::Icmp(3) | RejectWith::Icmp6(4) | RejectWith::Icmpx(1) => "reject".to_owned(),
        RejectWith::Icmp(n) => format!("reject with icmp {}", code(&ICMP_CODES, n)),
        RejectWith::Icmp6(n) => format!("reject with icmpv6 {}", code(&ICMP6_CODES, n)),
        RejectWith::Icmpx(n) => format!("reject with icmpx {}", code(&ICMPX_CODES, n)),
        RejectWith::TcpReset => "reject with tcp reset".to_owned(),
    }
}

fn print_nat(nat: &Nat) -> String {
    let mut out = match nat.kind {
        NatKind::Snat => "snat",
        NatKind::Dnat => "dnat",
        NatKind::Masquerade => "masquerade",
        NatKind::Redirect => "redirect",
    }
    .to_owned();
    if nat.addrs.is_some() || nat.ports.is_some() {
        out += " to ";
    }
    if let Some((lo, hi)) = nat.addrs {
        let is_v6 = lo.is_ipv6() && nat.ports.is_some();
        let text = |a: std::net::IpAddr| if is_v6 { format!("[{a}]") } else { a.to_string() };
        out += &text(lo);
        if hi != lo {
            out += &format!("-{}", text(hi));
        }
    }
    if let Some((lo, hi)) = nat.ports {
        out += &format!(":{lo}");
        if hi != lo {
            out += &format!("-{hi}");
        }
    }
    let flags = [("random", nat.random), ("fully-random", nat.fully_random), ("persistent", nat.persistent)];
    let flags: Vec<&str> = flags.iter().filter(|f| f.1).map(|f| f.0).collect();
    if flags.is_empty() { out } else { out + " " + &flags.join(",") }
}

/// The words for what is looked at.
pub fn key_words(key: Key) -> String {
    let level4 = |proto: Level4, port: &str| match proto {
        Level4::Any => format!("th {port}"),
        Level4::Tcp => format!("tcp {port}"),
        Level4::Udp => format!("udp {port}"),
    };
    match key {
        Key::Sport(proto) => return level4(proto, "sport"),
        Key::Dport(proto) => return level4(proto, "dport"),
        _ => {}
    }
    KEYS.iter().find(|(k, _)| *k == key).map_or("?", |(_, words)| words).to_owned()
}

/// The words of every key that is not a port.
pub const KEYS: &[(Key, &str)] = &[
    (Key::Iifname, "iifname"),
    (Key::Oifname, "oifname"),
    (Key::Iif, "iif"),
    (Key::Oif, "oif"),
    (Key::Nfproto, "meta nfproto"),
    (Key::L4proto, "meta l4proto"),
    (Key::Mark, "meta mark"),
    (Key::PktType, "meta pkttype"),
    (Key::EtherSaddr, "ether saddr"),
    (Key::EtherDaddr, "ether daddr"),
    (Key::EtherType, "ether type"),
    (Key::IpSaddr, "ip saddr"),
    (Key::IpDaddr, "ip daddr"),
    (Key::IpProtocol, "ip protocol"),
    (Key::IpTtl, "ip ttl"),
    (Key::IpDscp, "ip dscp"),
    (Key::IpLength, "ip length"),
    (Key::IpFragOff, "ip frag-off"),
    (Key::Ip6Saddr, "ip6 saddr"),
    (Key::Ip6Daddr, "ip6 daddr"),
    (Key::TcpFlags, "tcp flags"),
    (Key::IcmpType, "icmp type"),
    (Key::IcmpCode, "icmp code"),
    (Key::Icmp6Type, "icmpv6 type"),
    (Key::Icmp6Code, "icmpv6 code"),
    (Key::CtState, "ct state"),
    (Key::CtStatus, "ct status"),
    (Key::CtMark, "ct mark"),
    (Key::SaddrType, "fib saddr type"),
    (Key::DaddrType, "fib daddr type"),
];

fn cmp_word(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Eq => "",
        Cmp::Ne => "!= ",
        Cmp::Lt => "< ",
        Cmp::Gt => "> ",
        Cmp::Le => "<= ",
        Cmp::Ge => ">= ",
    }
}

fn print_match(m: &Match, numeric: bool) -> String {
    let (words, value) = (key_words(m.key), print_operand(m.key, &m.to, numeric));
    let cmp = cmp_word(m.cmp);
    match m.mask {
        Some(mask) if m.key == Key::TcpFlags => {
            format!("{words} {cmp}{value} / {}", print_bits(m.key, mask, numeric))
        }
        Some(mask) => {
            let cmp = if m.cmp == Cmp::Eq { "== " } else { cmp };
            let mask =
                if matches!(m.key, Key::Mark | Key::CtMark) { format!("{mask:#010x}") } else { mask.to_string() };
            format!("{words} & {mask} {cmp}{value}")
        }
        None if m.key == Key::TcpFlags && m.cmp == Cmp::Eq && matches!(m.to, Operand::Spans(_)) => {
            format!("{words} == {value}")
        }
        None => format!("{words} {cmp}{value}"),
    }
}

fn print_operand(key: Key, operand: &Operand, numeric: bool) -> String {
    let braced = |list: Vec<String>| match list.as_slice() {
        [one] => one.clone(),
        _ => format!("{{ {} }}", list.join(", ")),
    };
    match operand {
        Operand::Spans(spans) if key == Key::TcpFlags => {
            let flags = spans.iter().map(|s| print_bits(key, s.lo as u32, numeric));
            braced(flags.collect())
        }
        Operand::Spans(spans) => braced(spans.iter().map(|s| print_key_span(*s, key, numeric)).collect()),
        Operand::Bits(bits) => print_bits(key, *bits, numeric),
        Operand::Names(names) => braced(names.iter().map(|n| format!("\"{n}\"")).collect()),
        Operand::Set(name) => format!("@{name}"),
        Operand::Map(elems) => {
            let each = elems.iter().map(|e| {
                let what = match &e.name {
                    Some(name) => format!("\"{name}\""),
                    None => print_key_span(e.span, key, numeric),
                };
                e.verdict.as_ref().map_or(what.clone(), |v| format!("{what} : {}", print_verdict(v)))
            });
            format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The names of TCP's flags, by bit.
pub const TCP_FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];
/// The names of a connection's status, by bit.
pub const CT_STATUS: [&str; 6] = ["expected", "seen-reply", "assured", "confirmed", "snat", "dnat"];

fn print_bits(key: Key, bits: u32, numeric: bool) -> String {
    let set: Vec<(u32, &str)> = match key {
        Key::CtState => State::WORDS.iter().map(|(word, bit)| (*bit, *word)).collect(),
        Key::CtStatus => (0..6).map(|i| (1 << i, CT_STATUS[i as usize])).collect(),
        _ => (0..8).map(|i| (1 << i, TCP_FLAGS[i as usize])).collect(),
    };
    if bits == 0 {
        return "0x0".to_owned();
    }
    let names = set.iter().filter(|(bit, _)| bits & bit != 0);
    let names = names.map(|(bit, word)| if numeric { format!("{bit:#x}") } else { (*word).to_owned() });
    names.collect::<Vec<_>>().join(",")
}

/// The type of what a key gives.
pub fn key_type(key: Key) -> Option<SetType> {
    Some(match key {
        Key::IpSaddr | Key::IpDaddr => SetType::Ipv4Addr,
        Key::Ip6Saddr | Key::Ip6Daddr => SetType::Ipv6Addr,
        Key::EtherSaddr | Key::EtherDaddr => SetType::EtherAddr,
        Key::L4proto | Key::IpProtocol => SetType::InetProto,
        Key::Sport(_) | Key::Dport(_) => SetType::InetService,
        Key::Iifname | Key::Oifname => SetType::Ifname,
        Key::Mark | Key::CtMark => SetType::Mark,
        Key::CtState => SetType::CtState,
        Key::IcmpType => SetType::IcmpType,
        _ => return None,
    })
}

/// ICMP's types in nft's words.
pub const ICMP_TYPES: [(&str, u8); 14] = [
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("address-mask-request", 17),
];

/// ICMP's codes in nft's words, as a match has them.
pub const ICMP_MATCH_CODES: [(&str, u8); 8] = [
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("frag-needed", 4),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
];

/// Protocols in nft's words.
pub const PROTOCOLS: [(&str, u8); 12] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("comp", 108),
    ("sctp", 132),
    ("udplite", 136),
];

/// DSCP classes in nft's words.
pub const DSCPS: [(&str, u8); 21] = [
    ("cs0", 0x00),
    ("cs1", 0x08),
    ("cs2", 0x10),
    ("cs3", 0x18),
    ("cs4", 0x20),
    ("cs5", 0x28),
    ("cs6", 0x30),
    ("cs7", 0x38),
    ("af11", 0x0a),
    ("af12", 0x0c),
    ("af13", 0x0e),
    ("af21", 0x12),
    ("af22", 0x14),
    ("af23", 0x16),
    ("af31", 0x1a),
    ("af32", 0x1c),
    ("af33", 0x1e),
    ("af41", 0x22),
    ("af42", 0x24),
    ("af43", 0x26),
    ("ef", 0x2e),
];

/// Kinds of packets in nft's words.
pub const PKT_TYPES: [(&str, u8); 4] = [("host", 0), ("broadcast", 1), ("multicast", 2), ("other", 3)];

/// Kinds of addresses in nft's words.
pub const ADDR_TYPES: [(&str, u8); 9] = [
    ("unspec", 0),
    ("unicast", 1),
    ("local", 2),
    ("broadcast", 3),
    ("anycast", 4),
    ("multicast", 5),
    ("blackhole", 6),
    ("unreachable", 7),
    ("prohibit", 8),
];

/// The words that a key's values have.
pub fn symbols(key: Key) -> &'static [(&'static str, u8)] {
    match key {
        Key::L4proto | Key::IpProtocol => &PROTOCOLS,
        Key::IcmpType => &ICMP_TYPES,
        Key::IcmpCode => &ICMP_MATCH_CODES,
        Key::IpDscp => &DSCPS,
        Key::PktType => &PKT_TYPES,
        Key::SaddrType | Key::DaddrType => &ADDR_TYPES,
        Key::Nfproto => &[("ipv4", 2), ("ipv6", 10)],
        _ => &[],
    }
}

fn print_key_span(span: Span, key: Key, numeric: bool) -> String {
    if let Some(kind) = key_type(key) {
        return print_span(span, kind, numeric);
    }
    let one = |value: u128| {
        let word = symbols(key).iter().find(|(_, v)| u128::from(*v) == value && !numeric);
        match (word, key) {
            (Some((word, _)), _) => (*word).to_owned(),
            (None, Key::IpDscp) => format!("{value:#04x}"),
            (None, Key::EtherType) if value == 0x0800 => "ip".to_owned(),
            (None, Key::EtherType) if value == 0x0806 => "arp".to_owned(),
            (None, Key::EtherType) if value == 0x86dd => "ip6".to_owned(),
            (None, Key::EtherType) => format!("{value:#06x}"),
            _ => value.to_string(),
        }
    };
    if span.is_one() { one(span.lo) } else { format!("{}-{}", one(span.lo), one(span.hi)) }
}

/// A value or range of a type.
pub fn print_span(span: Span, kind: SetType, numeric: bool) -> String {
    let one = |value: u128| match kind {
        SetType::Ipv4Addr => Ipv4Addr::from_bits(value as u32).to_string(),
        SetType::Ipv6Addr => Ipv6Addr::from_bits(value).to_string(),
        SetType::EtherAddr => {
            let bytes = value.to_be_bytes();
            bytes[10..].iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
        }
        SetType::Mark => format!("{value:#010x}"),
        SetType::InetProto | SetType::IcmpType if !numeric => {
            let words: &[(&str, u8)] = if kind == SetType::InetProto { &PROTOCOLS } else { &ICMP_TYPES };
            let word = words.iter().find(|(_, v)| u128::from(*v) == value);
            word.map_or_else(|| value.to_string(), |(word, _)| (*word).to_owned())
        }
        SetType::CtState => print_bits(Key::CtState, value as u32, numeric),
        _ => value.to_string(),
    };
    if span.is_one() {
        return one(span.lo);
    }
    let bits = match kind {
        SetType::Ipv4Addr => Some(32),
        SetType::Ipv6Addr => Some(128),
        _ => None,
    };
    if let Some(len) = bits.and_then(|bits| span.prefix_len(bits)) {
        return format!("{}/{len}", one(span.lo));
    }
    format!("{}-{}", one(span.lo), one(span.hi))
}
