//! Rules as nft lists them.
//!
//! Counterpart: nftables 1.0.6, `src/rule.c`, `src/statement.c`, `src/expression.c`, `src/datatype.c`. Deliberately absent:
//! JSON, and names of services.

use super::words::{
    ICMP_CODES, ICMP6_CODES, ICMPX_CODES, LOG_LEVELS, address, chain_priority, is_bitmask, key_type, key_words,
    print_bits, print_elem, print_part, print_range, print_span, print_time,
};
use super::{
    Base, Chain, Cmp, Dynset, Family, Key, Log, Match, Nat, NatKind, Operand, RejectWith, Rule, Ruleset, Set, SetType,
    Span, Stmt, Table, Tongue, Verdict, in_unit,
};
use std::fmt::Write;

/// How a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With handles (`-a`).
    pub handles: bool,
    /// Numbers instead of names (`-n`).
    pub numeric: bool,
    /// Without what counts (`-s`).
    pub stateless: bool,
    /// Without elements of sets (`-t`).
    pub terse: bool,
    /// As in a table of both families, where a reject says of which it is.
    pub both: bool,
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
        let mut out = format!("table {} {} {{{}\n", self.family, self.name, handle(style, self.handle));
        let objects = self.objects.iter().map(|object| object.print(style));
        let sets = self.sets.iter().filter(|set| !set.meter).map(|set| set.print(style));
        let chains = self.chains.iter().map(|chain| chain.print(self.family, style));
        out += &objects.chain(sets).chain(chains).collect::<Vec<_>>().join("\n");
        out + "}\n"
    }

    /// What is said of tables that iptables keeps.
    pub fn warning(&self) -> Option<String> {
        let is_translated = |rule: &Rule| match &rule.tongue {
            Tongue::Iptables(xt) => xt.is_translated(),
            Tongue::Nft => false,
        };
        let tool = match self.family {
            Family::Ip | Family::Ip6 => "iptables-nft",
            Family::Inet | Family::Bridge => return None,
        };
        let translated = self.chains.iter().flat_map(|c| &c.rules).any(is_translated);
        let text = format!("# Warning: table {} {} is managed by {tool}, do not touch!\n", self.family, self.name);
        translated.then_some(text)
    }
}

impl Chain {
    /// The chain with its rules.
    pub fn print(&self, family: Family, style: Style) -> String {
        let style = Style { both: family == Family::Inet, ..style };
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

impl Set {
    /// The set with its elements.
    pub fn print(&self, style: Style) -> String {
        let word = self.word();
        let keys = self.keys();
        let mut out = format!("\t{word} {} {{{}\n\t\t{}", self.name, handle(style, self.handle), self.types());
        out.push('\n');
        if let Some(size) = self.size {
            out += &format!("\t\tsize {size}\n");
        }
        // That elements may end goes without saying where it is said when.
        if self.constant || self.dynamic || self.interval || (self.timed && self.timeout_ms.is_none()) {
            let timed = self.is_timed();
            let flags = [
                ("constant", self.constant),
                ("dynamic", self.dynamic),
                ("interval", self.interval),
                ("timeout", timed),
            ];
            let flags: Vec<&str> = flags.iter().filter(|f| f.1).map(|f| f.0).collect();
            out += &format!("\t\tflags {}\n", flags.join(","));
        }
        if self.auto_merge {
            out += "\t\tauto-merge\n";
        }
        if let Some(each) = &self.each {
            out += &format!("\t\t{}\n", print_stmt(&each.stmt(), Style { stateless: true, ..style }));
        }
        if let Some(ms) = self.timeout_ms {
            out += &format!("\t\ttimeout {}\n", print_time(ms));
        }
        if let Some(ms) = self.gc_interval_ms {
            out += &format!("\t\tgc-interval {}\n", print_time(ms));
        }
        if let Some(comment) = &self.comment {
            out += &format!("\t\tcomment \"{comment}\"\n");
        }
        if self.shows_elems(style) {
            let texts: Vec<String> = self.elems.iter().map(|e| print_elem(e, &keys, self.data, style)).collect();
            let lines: Vec<String> = texts.chunks(self.per_line()).map(|line| line.join(", ")).collect();
            out += &format!("\t\telements = {{ {} }}\n", lines.join(",\n\t\t\t     "));
        }
        out + "\t}\n"
    }

    /// nft's word for what it is.
    pub fn word(&self) -> &'static str {
        match self.data {
            Some(_) => "map",
            None if self.meter => "meter",
            None => "set",
        }
    }

    /// What its keys and values are, as they were said to be.
    pub(super) fn types(&self) -> String {
        let data = |data: SetType| self.data_like.map_or_else(|| data.word().to_owned(), key_words);
        let data = self.data.map_or(String::new(), |d| format!(" : {}", data(d)));
        let (word, keys): (_, Vec<String>) = match self.like.is_empty() {
            true => ("type", self.keys().iter().map(|k| k.word().to_owned()).collect()),
            false => ("typeof", self.like.iter().map(|key| key_words(*key)).collect()),
        };
        format!("{word} {}{data}", keys.join(" . "))
    }

    /// Whether its elements are listed; a meter's count as what it has counted.
    pub fn shows_elems(&self, style: Style) -> bool {
        !(self.elems.is_empty() || style.terse || self.meter && style.stateless)
    }

    /// How many elements are on a line (`calculate_delim`).
    fn per_line(&self) -> usize {
        if self.meter {
            return usize::MAX;
        }
        if !self.more.is_empty() {
            return 1;
        }
        match self.key {
            SetType::NfProto
            | SetType::Integer
            | SetType::InetProto
            | SetType::InetService
            | SetType::TcpFlag
            | SetType::Mark
            | SetType::IfaceIndex
            | SetType::CtDir => 5,
            SetType::Ipv4Addr | SetType::CtState | SetType::CtStatus | SetType::PktType => 2,
            _ => 1,
        }
    }
}

/// A rule without its handle.
pub fn print_rule(rule: &Rule, style: Style) -> String {
    if let Tongue::Iptables(xt) = &rule.tongue {
        return xt.print(rule.counted().unwrap_or_default(), style);
    }
    let mut words: Vec<String> = rule.stmts.iter().map(|stmt| print_stmt(stmt, style)).collect();
    if let Some(comment) = &rule.comment {
        words.push(format!("comment \"{comment}\""));
    }
    words.join(" ")
}

/// A statement.
pub fn print_stmt(stmt: &Stmt, style: Style) -> String {
    match stmt {
        Stmt::Match(m) => print_match(m, style.numeric),
        Stmt::Counter { .. } if style.stateless => "counter".to_owned(),
        Stmt::Counter { packets, bytes } => format!("counter packets {packets} bytes {bytes}"),
        Stmt::Limit(limit) => {
            let over = if limit.over { "over " } else { "" };
            let per = limit.per.word();
            if limit.bytes {
                let words = |(n, unit): (u64, &str)| format!("{n} {unit}");
                let burst =
                    Some(limit.burst).filter(|b| *b != 0).map(|b| format!(" burst {}", words(in_unit(b.into()))));
                return format!("limit rate {over}{}/{per}{}", words(in_unit(limit.rate)), burst.unwrap_or_default());
            }
            let burst = if limit.burst == 5 { String::new() } else { format!(" burst {} packets", limit.burst) };
            format!("limit rate {over}{}/{per}{burst}", limit.rate)
        }
        Stmt::Quota(quota) => format!("quota {}", quota.print(style)),
        Stmt::Object { kind, name } => format!("{} name \"{name}\"", kind.word()),
        Stmt::Log(log) => print_log(log),
        Stmt::Verdict(verdict) => print_verdict(verdict),
        Stmt::Vmap { key, map } => format!("{} vmap {}", key_words(*key), print_operand(*key, map, style.numeric)),
        Stmt::Tuple { keys, not, to } => {
            let not = if *not { "!= " } else { "" };
            format!("{} {not}{}", concatenated(keys), print_map(keys, to, None, style.numeric))
        }
        Stmt::TupleVmap { keys, map } => {
            format!("{} vmap {}", concatenated(keys), print_map(keys, map, None, style.numeric))
        }
        Stmt::NatBy { nat, keys, map } => {
            let (data, flags) = (nat.data.unwrap_or(SetType::Ipv4Addr), nat_flags(nat));
            let map = print_map(keys, map, Some(data), style.numeric);
            format!("{} to {} map {map}{flags}", nat_word(nat), concatenated(keys))
        }
        Stmt::MarkBy { keys, map } => {
            let map = print_map(keys, map, Some(SetType::Mark), style.numeric);
            format!("meta mark set {} map {map}", concatenated(keys))
        }
        Stmt::Dynset(what) => print_dynset(what, style),
        Stmt::Reject(with) => print_reject(*with, style),
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

fn print_dynset(what: &Dynset, style: Style) -> String {
    let mut inside = concatenated(&what.keys);
    if let Some(ms) = what.timeout_ms {
        inside += &format!(" timeout {}", print_time(ms));
    }
    if let Some(each) = &what.each {
        inside += &format!(" {}", print_stmt(&each.stmt(), Style { stateless: true, ..style }));
    }
    match what.meter {
        Some(size) => format!("meter {} size {size} {{ {inside} }}", what.set),
        None => format!("{} @{} {{ {inside} }}", what.op.word(), what.set),
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
pub(super) fn print_verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::Return => "return".to_owned(),
        Verdict::Continue => "continue".to_owned(),
        Verdict::Jump(chain) => format!("jump {chain}"),
        Verdict::Goto(chain) => format!("goto {chain}"),
    }
}

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

fn print_reject(with: RejectWith, style: Style) -> String {
    let code = |words: &[(&'static str, u32)], code: u8| {
        let word = words.iter().find(|w| w.1 == u32::from(code) && !style.numeric).map(|w| w.0);
        word.map_or_else(|| code.to_string(), str::to_owned)
    };
    match with {
        RejectWith::Icmpx(1) => "reject".to_owned(),
        RejectWith::Icmp(3) | RejectWith::Icmp6(4) if !style.both => "reject".to_owned(),
        RejectWith::Icmp(n) => format!("reject with icmp {}", code(&ICMP_CODES, n)),
        RejectWith::Icmp6(n) => format!("reject with icmpv6 {}", code(&ICMP6_CODES, n)),
        RejectWith::Icmpx(n) => format!("reject with icmpx {}", code(&ICMPX_CODES, n)),
        RejectWith::TcpReset => "reject with tcp reset".to_owned(),
    }
}

/// Keys that are looked at together.
fn concatenated(keys: &[Key]) -> String {
    keys.iter().map(|k| key_words(*k)).collect::<Vec<_>>().join(" . ")
}

fn print_map(keys: &[Key], map: &Operand, data: Option<SetType>, numeric: bool) -> String {
    match map {
        Operand::Set(name) => format!("@{name}"),
        Operand::Map(elems) => {
            let types: Vec<SetType> = keys.iter().map(|k| key_type(*k)).collect();
            let each = elems.iter().map(|e| print_elem(e, &types, data, Style { numeric, ..Style::default() }));
            format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
        }
        Operand::Spans(_) | Operand::Range(_) | Operand::Bits(_) | Operand::Names(_) => String::new(),
    }
}

fn nat_word(nat: &Nat) -> &'static str {
    match (nat.kind, nat.family) {
        (NatKind::Snat, None) => "snat",
        (NatKind::Snat, Some(Family::Ip6)) => "snat ip6",
        (NatKind::Snat, Some(_)) => "snat ip",
        (NatKind::Dnat, None) => "dnat",
        (NatKind::Dnat, Some(Family::Ip6)) => "dnat ip6",
        (NatKind::Dnat, Some(_)) => "dnat ip",
        (NatKind::Masquerade, _) => "masquerade",
        (NatKind::Redirect, _) => "redirect",
    }
}

fn nat_flags(nat: &Nat) -> String {
    let flags = [("random", nat.random), ("fully-random", nat.fully_random), ("persistent", nat.persistent)];
    let flags: Vec<&str> = flags.iter().filter(|f| f.1).map(|f| f.0).collect();
    if flags.is_empty() { String::new() } else { format!(" {}", flags.join(",")) }
}

fn print_nat(nat: &Nat) -> String {
    let mut out = nat_word(nat).to_owned();
    if nat.addrs.is_some() || nat.ports.is_some() {
        out += " to ";
    }
    if let Some((lo, hi)) = nat.addrs {
        let is_v6 = lo.is_ipv6() && nat.ports.is_some();
        let text = |a| if is_v6 { format!("[{}]", address(a)) } else { address(a) };
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
    out + &nat_flags(nat)
}

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
    let one = match &m.to {
        Operand::Spans(spans) => match spans.as_slice() {
            [one] => one.is_one().then_some(one.lo),
            _ => None,
        },
        _ => None,
    };
    match (m.mask, m.key, one) {
        // The same bit twice is not one of a list.
        (Some(mask), Key::TcpFlags, Some(value)) if u128::from(mask) == value && mask.is_power_of_two() => {
            let flag = print_bits(SetType::TcpFlag, mask, numeric);
            format!("{words} & {flag} {}{flag}", if m.cmp == Cmp::Eq { "== " } else { cmp })
        }
        // Any of these bits, or none.
        (Some(mask), Key::TcpFlags, Some(0)) => {
            let not = if m.cmp == Cmp::Eq { "! " } else { "" };
            format!("{words} {not}{}", print_bits(SetType::TcpFlag, mask, numeric))
        }
        (Some(mask), Key::TcpFlags, _) => {
            format!("{words} {cmp}{value} / {}", print_bits(SetType::TcpFlag, mask, numeric))
        }
        (Some(mask), ..) => {
            let cmp = if m.cmp == Cmp::Eq { "== " } else { cmp };
            let mask =
                if matches!(m.key, Key::Mark | Key::CtMark) { format!("{mask:#010x}") } else { mask.to_string() };
            format!("{words} & {mask} {cmp}{value}")
        }
        (None, key, Some(_)) if is_bitmask(key_type(key)) && m.cmp == Cmp::Eq => format!("{words} == {value}"),
        (None, ..) if m.cmp == Cmp::Ne && matches!(m.to, Operand::Bits(_)) => format!("{words} ! {value}"),
        (None, ..) => format!("{words} {cmp}{value}"),
    }
}

fn print_operand(key: Key, operand: &Operand, numeric: bool) -> String {
    let kind = key_type(key);
    let braced = |list: Vec<String>| match list.as_slice() {
        [one] => one.clone(),
        _ => format!("{{ {} }}", list.join(", ")),
    };
    match operand {
        Operand::Spans(spans) => braced(spans.iter().map(|s| print_span(*s, kind, numeric)).collect()),
        Operand::Range(span) => print_range(*span, kind),
        Operand::Bits(bits) => print_bits(kind, *bits, numeric),
        Operand::Names(names) => {
            braced(names.iter().map(|n| print_part(Some(n), Span::one(0), kind, numeric)).collect())
        }
        Operand::Set(_) | Operand::Map(_) => print_map(&[key], operand, None, numeric),
    }
}
