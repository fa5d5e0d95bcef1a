//! nft's lists as JSON (`-j`).
//!
//! Counterpart: nftables 1.0.6, `src/json.c`; jansson's spacing. Deliberately absent: reading JSON.

use super::tree::Listed;
use nettwin_model::rules::words::{
    ICMP_CODES, ICMP6_CODES, ICMPX_CODES, LOG_LEVELS, is_bitmask, key_type, key_words, symbols, width,
};
use nettwin_model::rules::{
    Chain, Cmp, Dynset, Elem, Family, Key, Log, Match, Nat, NatKind, Object, Operand, RejectWith, Rule, Ruleset, Set,
    SetType, Span, Stateful, Stmt, Style, Table, Verdict, in_unit, words::print_span,
};
use std::fmt;

/// A value.
enum J {
    Null,
    True,
    False,
    Number(i64),
    Text(String),
    List(Vec<J>),
    Object(Vec<(&'static str, J)>),
}

impl fmt::Display for J {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            J::Null => f.write_str("null"),
            J::True => f.write_str("true"),
            J::False => f.write_str("false"),
            J::Number(n) => write!(f, "{n}"),
            J::Text(text) => write!(f, "\"{}\"", escaped(text)),
            J::List(list) => {
                f.write_str("[")?;
                for (i, one) in list.iter().enumerate() {
                    write!(f, "{}{one}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            J::Object(pairs) => {
                f.write_str("{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    write!(f, "{}\"{key}\": {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\t' => out += "\\t",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            c if c < ' ' => out += &format!("\\u{:04X}", c as u32),
            c => out.push(c),
        }
    }
    out
}

fn text(text: impl Into<String>) -> J {
    J::Text(text.into())
}

fn number(n: impl TryInto<i64>) -> J {
    J::Number(n.try_into().unwrap_or(i64::MAX))
}

fn one(key: &'static str, value: J) -> J {
    J::Object(vec![(key, value)])
}

/// One alone, or a list.
fn list_or_one(mut list: Vec<J>) -> J {
    if list.len() == 1 { list.remove(0) } else { J::List(list) }
}

/// A list; `Err` is what has no JSON here.
pub(super) fn print(part: &Ruleset, listed: &Listed, style: Style) -> Result<String, String> {
    let info = vec![
        ("version", text("1.0.6")),
        ("release_name", text("Lester Gooch #5")),
        ("json_schema_version", J::Number(1)),
    ];
    let mut out = vec![one("metainfo", J::Object(info))];
    let whole = matches!(listed, Listed::Ruleset(_) | Listed::Table(_) | Listed::Tables(_));
    for table in &part.tables {
        if table.chains.iter().flat_map(|c| &c.rules).any(|r| !r.tongue.is_nft()) {
            return Err("-j of a rule as iptables writes it".into());
        }
        if whole {
            out.push(one("table", table_of(table)));
        }
        if matches!(listed, Listed::Tables(_)) {
            continue;
        }
        for object in &table.objects {
            out.push(object_of(table, object));
        }
        for set in &table.sets {
            out.push(set_of(table, set, style));
        }
        // The rules of all chains come behind all chains.
        for chain in &table.chains {
            out.push(one("chain", chain_of(table, chain)));
        }
        for chain in &table.chains {
            for rule in &chain.rules {
                out.push(one("rule", rule_of(table, chain, rule, style)));
            }
        }
    }
    Ok(format!("{}\n", one("nftables", J::List(out))))
}

fn table_of(table: &Table) -> J {
    J::Object(vec![
        ("family", text(table.family.word())),
        ("name", text(&table.name)),
        ("handle", number(table.handle)),
    ])
}

fn object_of(table: &Table, object: &Object) -> J {
    let mut out = vec![
        ("family", text(table.family.word())),
        ("name", text(&object.name)),
        ("table", text(&table.name)),
        ("handle", number(object.handle)),
    ];
    if let Some(comment) = &object.comment {
        out.push(("comment", text(comment)));
    }
    match &object.what {
        Stateful::Counter { packets, bytes } => {
            out.extend([("packets", number(*packets)), ("bytes", number(*bytes))]);
        }
        Stateful::Quota(quota) => {
            let over = if quota.over { J::True } else { J::False };
            out.extend([("bytes", number(quota.bytes)), ("used", number(quota.used)), ("inv", over)]);
        }
        Stateful::Limit(limit) => {
            let (rate, unit) = if limit.bytes { in_unit(limit.rate) } else { (limit.rate, "") };
            let (burst, burst_unit) = if limit.bytes { in_unit(limit.burst.into()) } else { (limit.burst.into(), "") };
            out.extend([("rate", number(rate)), ("per", text(limit.per.word()))]);
            if limit.over {
                out.push(("inv", J::True));
            }
            if limit.bytes {
                out.push(("rate_unit", text(unit)));
            }
            out.push(("burst", number(burst)));
            if limit.bytes {
                out.push(("burst_unit", text(burst_unit)));
            }
        }
    }
    one(object.kind().word(), J::Object(out))
}

fn chain_of(table: &Table, chain: &Chain) -> J {
    let mut out = vec![
        ("family", text(table.family.word())),
        ("table", text(&table.name)),
        ("name", text(&chain.name)),
        ("handle", number(chain.handle)),
    ];
    if let Some(base) = &chain.base {
        out.push(("type", text(base.kind.word())));
        out.push(("hook", text(base.hook.word())));
        out.push(("prio", number(base.priority)));
        out.push(("policy", text(base.policy.word())));
    }
    J::Object(out)
}

fn rule_of(table: &Table, chain: &Chain, rule: &Rule, style: Style) -> J {
    let mut out = vec![
        ("family", text(table.family.word())),
        ("table", text(&table.name)),
        ("chain", text(&chain.name)),
        ("handle", number(rule.handle)),
    ];
    if let Some(comment) = &rule.comment {
        out.push(("comment", text(comment)));
    }
    let stmts = rule.stmts.iter().map(|stmt| stmt_of(stmt, table.family, style));
    out.push(("expr", J::List(stmts.collect())));
    J::Object(out)
}

fn set_of(table: &Table, set: &Set, style: Style) -> J {
    let keys = set.keys();
    let types = list_or_one(keys.iter().map(|k| text(k.word())).collect());
    let mut out = vec![
        ("family", text(table.family.word())),
        ("name", text(&set.name)),
        ("table", text(&table.name)),
        ("type", types),
        ("handle", number(set.handle)),
    ];
    if let Some(comment) = &set.comment {
        out.push(("comment", text(comment)));
    }
    if let Some(data) = set.data {
        out.push(("map", text(data.word())));
    }
    if let Some(size) = set.size {
        out.push(("size", number(size)));
    }
    // Not that packets change it.
    let flags = [("constant", set.constant), ("interval", set.interval), ("timeout", set.is_timed())];
    let flags: Vec<J> = flags.iter().filter(|f| f.1).map(|f| text(f.0)).collect();
    if !flags.is_empty() {
        out.push(("flags", J::List(flags)));
    }
    for (word, ms) in [("timeout", set.timeout_ms), ("gc-interval", set.gc_interval_ms)] {
        out.extend(ms.map(|ms| (word, number(ms / 1000))));
    }
    if set.shows_elems(style) {
        let elems = set.elems.iter().map(|e| elem_of(e, &keys, set.data, style)).collect();
        out.push(("elem", J::List(elems)));
    }
    if let Some(each) = &set.each {
        let stateless = Style { stateless: true, ..style };
        out.push(("stmt", J::List(vec![stmt_of(&each.stmt(), table.family, stateless)])));
    }
    one(set.word(), J::Object(out))
}

fn elem_of(elem: &Elem, keys: &[SetType], data: Option<SetType>, style: Style) -> J {
    let part = |name: &Option<String>, span: Span, i: usize| match name {
        Some(name) => text(name),
        None => span_of(span, keys.get(i).copied().unwrap_or(SetType::Integer), style),
    };
    let mut key = part(&elem.name, elem.span, 0);
    if !elem.more.is_empty() {
        let more = elem.more.iter().enumerate().map(|(i, p)| part(&p.name, p.span, i + 1));
        let more: Vec<J> = more.collect();
        key = one("concat", J::List(std::iter::once(key).chain(more).collect()));
    }
    let mut more = Vec::new();
    more.extend(elem.timeout_ms.map(|ms| ("timeout", number(ms / 1000))));
    more.extend(elem.expires_in_ms.map(|ms| ("expires", number(ms / 1000))));
    more.extend(elem.comment.as_ref().map(|comment| ("comment", text(comment))));
    if let Some(J::Object(each)) = elem.each.map(|each| stmt_of(&each.stmt(), Family::Ip, style)) {
        more.extend(each);
    }
    if !more.is_empty() {
        more.insert(0, ("val", key));
        key = one("elem", J::Object(more));
    }
    match (&elem.verdict, elem.data, data) {
        (Some(verdict), ..) => J::List(vec![key, verdict_of(verdict)]),
        (None, Some(span), Some(data)) => J::List(vec![key, span_of(span, data, style)]),
        _ => key,
    }
}

fn span_of(span: Span, kind: SetType, style: Style) -> J {
    if span.is_one() {
        return value_of(span.lo, kind, style);
    }
    let bits = width(kind);
    if let Some(len) = span.prefix_len(bits).filter(|_| matches!(kind, SetType::Ipv4Addr | SetType::Ipv6Addr)) {
        let prefix = vec![("addr", value_of(span.lo, kind, style)), ("len", number(len))];
        return one("prefix", J::Object(prefix));
    }
    one("range", J::List(vec![value_of(span.lo, kind, style), value_of(span.hi, kind, style)]))
}

fn value_of(value: u128, kind: SetType, style: Style) -> J {
    match kind {
        // Bits of at most 32.
        kind if is_bitmask(kind) => bits_of(value as u32, kind, style),
        SetType::Ipv4Addr | SetType::Ipv6Addr | SetType::EtherAddr => text(print_span(Span::one(value), kind, false)),
        SetType::EtherType => text(print_span(Span::one(value), kind, false)),
        kind => match symbols(kind).iter().find(|(_, v)| u128::from(*v) == value && !style.numeric) {
            Some((word, _)) => text(*word),
            None => number(value),
        },
    }
}

fn bits_of(bits: u32, kind: SetType, style: Style) -> J {
    let set = symbols(kind).iter().filter(|(_, bit)| bits & bit != 0);
    let list: Vec<J> = set.map(|(word, bit)| if style.numeric { number(*bit) } else { text(*word) }).collect();
    if list.is_empty() { number(0) } else { list_or_one(list) }
}

fn key_of(key: Key) -> J {
    match key {
        Key::SaddrType | Key::DaddrType => {
            let flag = if key == Key::SaddrType { "saddr" } else { "daddr" };
            one("fib", J::Object(vec![("result", text("type")), ("flags", J::List(vec![text(flag)]))]))
        }
        _ => {
            let words = key_words(key);
            match words.split_once(' ') {
                Some(("meta", name)) => one("meta", one("key", text(name))),
                Some(("ct", name)) => one("ct", one("key", text(name))),
                Some((header, field)) => {
                    one("payload", J::Object(vec![("protocol", text(header)), ("field", text(field))]))
                }
                None => one("meta", one("key", text(words))),
            }
        }
    }
}

fn keys_of(keys: &[Key]) -> J {
    match keys {
        [one] => key_of(*one),
        many => one("concat", J::List(many.iter().map(|k| key_of(*k)).collect())),
    }
}

fn operand_of(keys: &[Key], operand: &Operand, data: Option<SetType>, style: Style) -> J {
    let kind = keys.first().map_or(SetType::Integer, |k| key_type(*k));
    let set = |list: Vec<J>| one("set", J::List(list));
    match operand {
        Operand::Spans(spans) => match spans.as_slice() {
            [span] => span_of(*span, kind, style),
            many => set(many.iter().map(|s| span_of(*s, kind, style)).collect()),
        },
        Operand::Range(span) => {
            one("range", J::List(vec![value_of(span.lo, kind, style), value_of(span.hi, kind, style)]))
        }
        Operand::Bits(bits) => bits_of(*bits, kind, style),
        Operand::Names(names) => match names.as_slice() {
            [name] => text(name),
            many => set(many.iter().map(text).collect()),
        },
        Operand::Set(name) => text(format!("@{name}")),
        Operand::Map(elems) => {
            let types: Vec<SetType> = keys.iter().map(|k| key_type(*k)).collect();
            set(elems.iter().map(|e| elem_of(e, &types, data, style)).collect())
        }
    }
}

fn match_of(m: &Match, style: Style) -> J {
    let mut left = key_of(m.key);
    let kind = key_type(m.key);
    if let Some(mask) = m.mask {
        let mask = if is_bitmask(kind) { bits_of(mask, kind, style) } else { number(mask) };
        left = one("&", J::List(vec![left, mask]));
    }
    let op = match (m.cmp, &m.to) {
        (Cmp::Eq, Operand::Bits(_)) => "in",
        (Cmp::Ne, Operand::Bits(_)) => "!",
        (Cmp::Eq, _) => "==",
        (Cmp::Ne, _) => "!=",
        (Cmp::Lt, _) => "<",
        (Cmp::Gt, _) => ">",
        (Cmp::Le, _) => "<=",
        (Cmp::Ge, _) => ">=",
    };
    let right = operand_of(&[m.key], &m.to, None, style);
    one("match", J::Object(vec![("op", text(op)), ("left", left), ("right", right)]))
}

fn map_of(keys: &[Key], map: &Operand, data: SetType, style: Style) -> J {
    let data = operand_of(keys, map, Some(data), style);
    one("map", J::Object(vec![("key", keys_of(keys)), ("data", data)]))
}

fn stmt_of(stmt: &Stmt, family: Family, style: Style) -> J {
    let mangle = |key: J, value: J| one("mangle", J::Object(vec![("key", key), ("value", value)]));
    match stmt {
        Stmt::Match(m) => match_of(m, style),
        Stmt::Tuple { keys, not, to } => {
            let op = if *not { "!=" } else { "==" };
            let right = operand_of(keys, to, None, style);
            one("match", J::Object(vec![("op", text(op)), ("left", keys_of(keys)), ("right", right)]))
        }
        Stmt::Vmap { key, map } => vmap_of(&[*key], map, style),
        Stmt::TupleVmap { keys, map } => vmap_of(keys, map, style),
        Stmt::Counter { .. } if style.stateless => one("counter", J::Null),
        Stmt::Counter { packets, bytes } => {
            one("counter", J::Object(vec![("packets", number(*packets)), ("bytes", number(*bytes))]))
        }
        Stmt::Limit(limit) => {
            let ((rate, rate_unit), (burst, burst_unit)) = match limit.bytes {
                true => (in_unit(limit.rate), in_unit(limit.burst.into())),
                false => ((limit.rate, ""), (limit.burst.into(), "")),
            };
            let mut out = vec![("rate", number(rate)), ("burst", number(burst)), ("per", text(limit.per.word()))];
            if limit.over {
                out.push(("inv", J::True));
            }
            if limit.bytes {
                out.extend([("rate_unit", text(rate_unit)), ("burst_unit", text(burst_unit))]);
            }
            one("limit", J::Object(out))
        }
        Stmt::Quota(quota) => {
            let (n, unit) = in_unit(quota.bytes);
            let mut out = vec![("val", number(n)), ("val_unit", text(unit))];
            if quota.over {
                out.push(("inv", J::True));
            }
            if quota.used != 0 && !style.stateless {
                let (n, unit) = in_unit(quota.used);
                out.extend([("used", number(n)), ("used_unit", text(unit))]);
            }
            one("quota", J::Object(out))
        }
        Stmt::Object { kind, name } => one(kind.word(), text(name)),
        Stmt::Log(log) => one("log", log_of(log)),
        Stmt::Verdict(verdict) => verdict_of(verdict),
        Stmt::Dynset(what) => dynset_of(what, family, style),
        Stmt::Reject(with) => one("reject", reject_of(*with, style)),
        Stmt::Nat(nat) => nat_of(nat, None, family),
        Stmt::NatBy { nat, keys, map } => {
            let data = nat.data.unwrap_or(SetType::Ipv4Addr);
            nat_of(nat, Some(map_of(keys, map, data, style)), family)
        }
        Stmt::MarkBy { keys, map } => mangle(key_of(Key::Mark), map_of(keys, map, SetType::Mark, style)),
        Stmt::SetMark { and, xor } => mangle(key_of(Key::Mark), marked(Key::Mark, *and, *xor)),
        Stmt::SetCtMark { and, xor } => mangle(key_of(Key::CtMark), marked(Key::CtMark, *and, *xor)),
        Stmt::SaveMark => mangle(key_of(Key::CtMark), key_of(Key::Mark)),
        Stmt::RestoreMark => mangle(key_of(Key::Mark), key_of(Key::CtMark)),
        Stmt::Notrack => one("notrack", J::Null),
        Stmt::TcpMss(to) => {
            let option = one("tcp option", J::Object(vec![("name", text("maxseg")), ("field", text("size"))]));
            mangle(option, to.map_or_else(|| one("rt", one("key", text("mtu"))), number))
        }
    }
}

fn dynset_of(what: &Dynset, family: Family, style: Style) -> J {
    let mut key = keys_of(&what.keys);
    if let Some(ms) = what.timeout_ms {
        key = one("elem", J::Object(vec![("val", key), ("timeout", number(ms / 1000))]));
    }
    let stateless = Style { stateless: true, ..style };
    let each = what.each.map(|each| stmt_of(&each.stmt(), family, stateless));
    if let Some(size) = what.meter {
        let each = each.unwrap_or(J::Null);
        let name = text(&what.set);
        return one("meter", J::Object(vec![("key", key), ("stmt", each), ("size", number(size)), ("name", name)]));
    }
    let set = text(format!("@{}", what.set));
    let mut out = vec![("op", text(what.op.word())), ("elem", key), ("set", set)];
    out.extend(each.map(|each| ("stmt", J::List(vec![each]))));
    one("set", J::Object(out))
}

fn vmap_of(keys: &[Key], map: &Operand, style: Style) -> J {
    let data = operand_of(keys, map, None, style);
    one("vmap", J::Object(vec![("key", keys_of(keys)), ("data", data)]))
}

/// `key & … | …`, as the text has it.
fn marked(key: Key, and: u32, xor: u32) -> J {
    let with = |op: &'static str, left: J, bits: u32| one(op, J::List(vec![left, number(bits)]));
    match (and, xor) {
        (0, xor) => number(xor),
        (and, 0) => with("&", key_of(key), and),
        (u32::MAX, xor) => with("^", key_of(key), xor),
        (and, xor) if !and == xor => with("|", key_of(key), xor),
        (and, xor) if and & xor == 0 => with("|", with("&", key_of(key), and | xor), xor),
        (and, xor) => with("^", with("&", key_of(key), and), xor),
    }
}

fn verdict_of(verdict: &Verdict) -> J {
    match verdict {
        Verdict::Accept => one("accept", J::Null),
        Verdict::Drop => one("drop", J::Null),
        Verdict::Return => one("return", J::Null),
        Verdict::Continue => one("continue", J::Null),
        Verdict::Jump(chain) => one("jump", one("target", text(chain))),
        Verdict::Goto(chain) => one("goto", one("target", text(chain))),
    }
}

fn log_of(log: &Log) -> J {
    let mut out = Vec::new();
    if let Some(prefix) = &log.prefix {
        out.push(("prefix", text(prefix)));
    }
    if let Some(level) = log.level.filter(|level| *level != 4) {
        out.push(("level", text(*LOG_LEVELS.get(usize::from(level)).unwrap_or(&"unknown"))));
    }
    const FLAGS: [(u8, &str); 5] =
        [(1, "tcp sequence"), (2, "tcp options"), (4, "ip options"), (8, "skuid"), (0x20, "ether")];
    if log.flags & 0x2f == 0x2f {
        out.push(("flags", text("all")));
    } else if log.flags != 0 {
        let flags = FLAGS.iter().filter(|(bit, _)| log.flags & bit != 0).map(|(_, word)| text(*word));
        out.push(("flags", list_or_one(flags.collect())));
    }
    if out.is_empty() { J::Null } else { J::Object(out) }
}

fn reject_of(with: RejectWith, style: Style) -> J {
    let (kind, words, code): (_, &[(&str, u32)], u8) = match with {
        RejectWith::TcpReset => return one("type", text("tcp reset")),
        RejectWith::Icmp(code) => ("icmp", &ICMP_CODES, code),
        RejectWith::Icmp6(code) => ("icmpv6", &ICMP6_CODES, code),
        RejectWith::Icmpx(code) => ("icmpx", &ICMPX_CODES, code),
    };
    let word = words.iter().find(|(_, n)| *n == u32::from(code) && !style.numeric);
    let code = word.map_or_else(|| number(code), |(word, _)| text(*word));
    J::Object(vec![("type", text(kind)), ("expr", code)])
}

fn nat_of(nat: &Nat, by: Option<J>, family: Family) -> J {
    let word = match nat.kind {
        NatKind::Snat => "snat",
        NatKind::Dnat => "dnat",
        NatKind::Masquerade => "masquerade",
        NatKind::Redirect => "redirect",
    };
    let mut out = Vec::new();
    if let Some(of) = nat.family.filter(|_| family == Family::Inet) {
        out.push(("family", text(of.word())));
    }
    let range = |lo: J, hi: J, same: bool| if same { lo } else { one("range", J::List(vec![lo, hi])) };
    match by {
        Some(map) if nat.data == Some(SetType::InetService) => out.push(("port", map)),
        Some(map) => out.push(("addr", map)),
        None => {}
    }
    if let Some((lo, hi)) = nat.addrs {
        out.push(("addr", range(text(lo.to_string()), text(hi.to_string()), lo == hi)));
    }
    if let Some((lo, hi)) = nat.ports {
        out.push(("port", range(number(lo), number(hi), lo == hi)));
    }
    let flags = [("random", nat.random), ("fully-random", nat.fully_random), ("persistent", nat.persistent)];
    let flags: Vec<J> = flags.iter().filter(|f| f.1).map(|f| text(f.0)).collect();
    if !flags.is_empty() {
        out.push(("flags", list_or_one(flags)));
    }
    one(word, if out.is_empty() { J::Null } else { J::Object(out) })
}
