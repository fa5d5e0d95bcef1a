//! Expressions as statements: what [`super::encode`] writes is read back as what it was.
//!
//! Kernel counterpart: `nf_tables_rule_fill_info()`. A rule that holds anything else is no rule of nettwin's, and is
//! reported as such.

use super::attr::Read;
use super::encode::{KEYS, Layout, Needs, Source};
use nettwin_model::rules::{
    Cmp, Elem, Family, Key, Level4, Limit, Log, Match, Nat, NatKind, Operand, Quota, Rate, RejectWith, Set, Span, Stmt,
    Verdict,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What was read into a register.
#[derive(Clone, Debug)]
enum Held {
    /// A key, perhaps masked.
    Key(Source, Option<(u128, u128)>),
    /// A value.
    Bytes(Vec<u8>),
    /// The path's MSS.
    PathMss,
}

/// A rule being read.
struct Decoder<'a> {
    sets: &'a BTreeMap<String, Set>,
    registers: BTreeMap<u32, Held>,
    out: Vec<Stmt>,
}

/// A rule's statements; `None` if it is not one of those that are written here.
pub(super) fn rule(family: Family, exprs: Read<'_>, sets: &BTreeMap<String, Set>) -> Option<Vec<Stmt>> {
    let mut decoder = Decoder { sets, registers: BTreeMap::new(), out: Vec::new() };
    for (_, expr) in exprs.each() {
        let expr = Read(expr);
        let data = expr.nest(2).unwrap_or(Read(&[]));
        decoder.expr(&expr.text(1)?, data)?;
    }
    Some(without_implied(family, decoder.out))
}

/// Takes out what only says that a value is there, and lets the value say so.
fn without_implied(family: Family, stmts: Vec<Stmt>) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::new();
    let mut proto = None;
    let mut pending: Option<Stmt> = None;
    for stmt in stmts {
        let said = |key: Key| match &stmt {
            Stmt::Match(Match { key: k, mask: None, cmp: Cmp::Eq, to: Operand::Spans(s) }) if *k == key => {
                match s.as_slice() {
                    [one] if one.is_one() => Some(one.lo),
                    _ => None,
                }
            }
            _ => None,
        };
        if family == Family::Inet && said(Key::Nfproto).is_some() {
            out.extend(pending.replace(stmt));
            continue;
        }
        if let Some(n) = said(Key::L4proto) {
            proto = u8::try_from(n).ok();
            out.extend(pending.replace(stmt));
            continue;
        }
        let needs = needs_of(&stmt, proto);
        let implied = match (&pending, needs) {
            (Some(Stmt::Match(Match { key: Key::L4proto, to: Operand::Spans(s), .. })), Some(Needs::L4proto(n))) => {
                s.first().is_some_and(|s| s.lo == u128::from(n))
            }
            (Some(Stmt::Match(Match { key: Key::Nfproto, to: Operand::Spans(s), .. })), Some(Needs::Nfproto(n))) => {
                s.first().is_some_and(|s| s.lo == u128::from(n))
            }
            _ => false,
        };
        if implied {
            pending = None;
        }
        out.extend(pending.take());
        out.push(within(stmt, proto));
    }
    out.extend(pending);
    out
}

/// What a statement needs.
fn needs_of(stmt: &Stmt, proto: Option<u8>) -> Option<Needs> {
    let key = match stmt {
        Stmt::Match(m) => m.key,
        Stmt::Vmap { key, .. } => *key,
        Stmt::Reject(RejectWith::TcpReset) | Stmt::TcpMss(_) => return Some(Needs::L4proto(6)),
        _ => return None,
    };
    let key = narrowed(key, proto);
    KEYS.iter().find(|(k, ..)| *k == key).map(|(.., needs)| *needs)
}

/// A port of a protocol that is known.
fn narrowed(key: Key, proto: Option<u8>) -> Key {
    let level = match proto {
        Some(6) => Level4::Tcp,
        Some(17) => Level4::Udp,
        Some(1) => {
            return match key {
                Key::Sport(_) => Key::IcmpType,
                other => other,
            };
        }
        _ => return key,
    };
    match key {
        Key::Sport(Level4::Any) => Key::Sport(level),
        Key::Dport(Level4::Any) => Key::Dport(level),
        other => other,
    }
}

fn within(stmt: Stmt, proto: Option<u8>) -> Stmt {
    match stmt {
        Stmt::Match(m) => Stmt::Match(Match { key: narrowed(m.key, proto), ..m }),
        Stmt::Vmap { key, map } => Stmt::Vmap { key: narrowed(key, proto), map },
        other => other,
    }
}

impl Decoder<'_> {
    fn expr(&mut self, name: &str, data: Read<'_>) -> Option<()> {
        match name {
            "meta" => match (data.word(1), data.word(2)?, data.word(3)) {
                (Some(to), key, None) => drop(self.registers.insert(to, Held::Key(Source::Meta(key), None))),
                (None, 3, Some(from)) => self.set_mark(from, true)?,
                _ => return None,
            },
            "ct" => match (data.word(1), data.word(2)?, data.word(4)) {
                (Some(to), key, None) => drop(self.registers.insert(to, Held::Key(Source::Ct(key), None))),
                (None, 3, Some(from)) => self.set_mark(from, false)?,
                _ => return None,
            },
            "payload" => {
                let source = Source::Payload(data.word(2)?, data.word(3)?, data.word(4)?);
                self.registers.insert(data.word(1)?, Held::Key(source, None));
            }
            "fib" => {
                self.registers.insert(data.word(1)?, Held::Key(Source::Fib(data.word(3)?), None));
            }
            "rt" => drop(self.registers.insert(data.word(1)?, Held::PathMss)),
            "bitwise" => {
                let Held::Key(source, None) = self.registers.get(&data.word(1)?)?.clone() else { return None };
                let layout = layout_of(source, data.word(3)?)?;
                let value = |kind| layout.read(data.nest(kind)?.get(1)?);
                self.registers.insert(data.word(2)?, Held::Key(source, Some((value(4)?, value(5)?))));
            }
            "cmp" => self.cmp(data)?,
            "range" => {
                let (key, layout, mask) = self.held(data.word(1)?)?;
                let value = |kind| layout.read(data.nest(kind)?.get(1)?);
                let span = Span::new(value(3)?, value(4)?);
                self.push(key, mask, if data.word(2)? == 0 { Cmp::Eq } else { Cmp::Ne }, Operand::Spans(vec![span]))?;
            }
            "lookup" => self.lookup(data)?,
            "immediate" => {
                let to = data.word(1)?;
                let value = data.nest(2)?;
                match value.nest(2) {
                    Some(verdict) => self.out.push(Stmt::Verdict(self::verdict(verdict)?)),
                    None => drop(self.registers.insert(to, Held::Bytes(value.get(1)?.to_vec()))),
                }
            }
            "counter" => self.out.push(Stmt::Counter { bytes: data.long(1)?, packets: data.long(2)? }),
            "limit" => {
                let per = Rate::ALL.into_iter().find(|r| Some(r.seconds()) == data.long(2))?;
                let over = data.word(5).unwrap_or(0) & 1 == 1;
                let bytes = data.word(4).unwrap_or(0) == 1;
                self.out.push(Stmt::Limit(Limit { rate: data.long(1)?, per, burst: data.word(3)?, over, bytes }));
            }
            "quota" => {
                let over = data.word(2).unwrap_or(0) & 1 == 1;
                self.out.push(Stmt::Quota(Quota { bytes: data.long(1)?, over, used: data.long(4).unwrap_or(0) }));
            }
            "log" => {
                let level = data.word(5).and_then(|l| u8::try_from(l).ok()).filter(|l| *l != 4);
                // Six bits.
                let flags = data.word(6).unwrap_or(0) as u8;
                self.out.push(Stmt::Log(Log { prefix: data.text(2), level, flags }));
            }
            "reject" => {
                let code = data.byte(2).unwrap_or(0);
                self.out.push(Stmt::Reject(match data.word(1)? {
                    0 => RejectWith::Icmp(code),
                    1 => RejectWith::TcpReset,
                    2 => RejectWith::Icmpx(code),
                    _ => return None,
                }));
            }
            "nat" => {
                let kind = if data.word(1)? == 0 { NatKind::Snat } else { NatKind::Dnat };
                self.nat(kind, (data.word(3), data.word(4)), (data.word(5), data.word(6)), data.word(7))?;
            }
            "masq" => self.nat(NatKind::Masquerade, (None, None), (data.word(2), data.word(3)), data.word(1))?,
            "redir" => self.nat(NatKind::Redirect, (None, None), (data.word(1), data.word(2)), data.word(3))?,
            "notrack" => self.out.push(Stmt::Notrack),
            "exthdr" => match self.registers.get(&data.word(7)?)? {
                Held::PathMss => self.out.push(Stmt::TcpMss(None)),
                Held::Bytes(bytes) => {
                    let mss = u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
                    self.out.push(Stmt::TcpMss(Some(mss)));
                }
                Held::Key(..) => return None,
            },
            _ => return None,
        }
        Some(())
    }

    /// A register's key, how it lies there, and its mask.
    fn held(&self, register: u32) -> Option<(Key, Layout, Option<u128>)> {
        let Held::Key(source, mask) = self.registers.get(&register)? else { return None };
        let (key, _, layout, _) = KEYS.iter().find(|(_, s, ..)| s == source)?;
        match mask {
            None => Some((*key, *layout, None)),
            Some((mask, 0)) => Some((*key, *layout, Some(*mask))),
            Some(_) => None,
        }
    }

    /// The address that a register holds the first bytes of.
    fn beginning(&self, register: u32) -> Option<(Key, Layout)> {
        let Held::Key(source, None) = self.registers.get(&register)? else { return None };
        let Source::Payload(base, offset, len) = source else { return None };
        if KEYS.iter().any(|(_, whole, ..)| whole == source) {
            return None; // a field of its own: IPv4's TTL lies where an IPv6 address begins
        }
        let is_address = |key: &Key| matches!(key, Key::IpSaddr | Key::IpDaddr | Key::Ip6Saddr | Key::Ip6Daddr);
        let begins =
            |source: &Source| matches!(source, Source::Payload(b, o, l) if (b, o) == (base, offset) && l > len);
        let (key, _, layout, _) = KEYS.iter().find(|(key, source, ..)| is_address(key) && begins(source))?;
        (*len > 0).then_some((*key, *layout))
    }

    fn push(&mut self, key: Key, mask: Option<u128>, cmp: Cmp, to: Operand) -> Option<()> {
        let mask = match mask {
            None => None,
            Some(mask) => Some(u32::try_from(mask).ok()?),
        };
        self.out.push(Stmt::Match(Match { key, mask, cmp, to }));
        Some(())
    }

    fn cmp(&mut self, data: Read<'_>) -> Option<()> {
        let cmp = [Cmp::Eq, Cmp::Ne, Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge].get(data.word(2)? as usize).copied()?;
        let bytes = data.nest(3)?.get(1)?;
        let register = data.word(1)?;
        if let Some(Held::Key(Source::Meta(which @ (6 | 7)), None)) = self.registers.get(&register) {
            let key = if *which == 6 { Key::Iifname } else { Key::Oifname };
            let text = String::from_utf8_lossy(bytes.split(|b| *b == 0).next()?).into_owned();
            let name = if bytes.contains(&0) { text } else { text + "*" };
            return self.push(key, None, cmp, Operand::Names(vec![name]));
        }
        if let Some((key, layout)) = self.beginning(register) {
            // A prefix of whole bytes, as nft writes it: only those are looked at.
            let mut whole = bytes.to_vec();
            whole.resize(layout.bytes, 0);
            let rest = (layout.bytes - bytes.len()) * 8;
            let first = layout.read(&whole)?;
            return self.push(key, None, cmp, Operand::Spans(vec![Span::new(first, first | ((1u128 << rest) - 1))]));
        }
        let (key, layout, mask) = self.held(register)?;
        let value = layout.read(bytes)?;
        match mask {
            None => self.push(key, None, cmp, Operand::Spans(vec![Span::one(value)])),
            // Any of some bits.
            Some(bits) if value == 0 && matches!(key, Key::CtState | Key::CtStatus | Key::TcpFlags) => {
                let cmp = if cmp == Cmp::Ne { Cmp::Eq } else { Cmp::Ne };
                self.push(key, None, cmp, Operand::Bits(u32::try_from(bits).ok()?))
            }
            // A prefix.
            Some(mask) if matches!(key, Key::IpSaddr | Key::IpDaddr | Key::Ip6Saddr | Key::Ip6Daddr) => {
                let ones = if layout.bytes == 16 { u128::MAX } else { (1u128 << (layout.bytes * 8)) - 1 };
                self.push(key, None, cmp, Operand::Spans(vec![Span::new(value, value | (ones & !mask))]))
            }
            mask => self.push(key, mask, cmp, Operand::Spans(vec![Span::one(value)])),
        }
    }

    fn lookup(&mut self, data: Read<'_>) -> Option<()> {
        let name = data.text(1)?;
        let register = data.word(2)?;
        let cmp = if data.word(5).unwrap_or(0) & 1 == 1 { Cmp::Ne } else { Cmp::Eq };
        let key = match self.registers.get(&register)? {
            Held::Key(Source::Meta(6), None) => Key::Iifname,
            Held::Key(Source::Meta(7), None) => Key::Oifname,
            _ => self.held(register)?.0,
        };
        let anonymous = self.sets.get(&name).filter(|_| name.starts_with("__"));
        if data.word(3).is_some() {
            let map = anonymous.map_or_else(|| Operand::Set(name.clone()), |set| Operand::Map(set.elems.clone()));
            self.out.push(Stmt::Vmap { key, map });
            return Some(());
        }
        let to = match anonymous {
            None => Operand::Set(name),
            Some(set) if set.elems.iter().any(|e| e.name.is_some()) => {
                Operand::Names(set.elems.iter().filter_map(|e| e.name.clone()).collect())
            }
            Some(set) => Operand::Spans(set.elems.iter().map(|e: &Elem| e.span).collect()),
        };
        self.push(key, None, cmp, to)
    }

    fn set_mark(&mut self, from: u32, packet: bool) -> Option<()> {
        let stmt = match self.registers.get(&from)? {
            Held::Bytes(bytes) => {
                let xor = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
                if packet { Stmt::SetMark { and: 0, xor } } else { Stmt::SetCtMark { and: 0, xor } }
            }
            Held::Key(Source::Ct(3), None) if packet => Stmt::RestoreMark,
            Held::Key(Source::Meta(3), None) if !packet => Stmt::SaveMark,
            Held::Key(Source::Meta(3), Some((and, xor))) if packet => {
                Stmt::SetMark { and: u32::try_from(*and).ok()?, xor: u32::try_from(*xor).ok()? }
            }
            Held::Key(Source::Ct(3), Some((and, xor))) if !packet => {
                Stmt::SetCtMark { and: u32::try_from(*and).ok()?, xor: u32::try_from(*xor).ok()? }
            }
            _ => return None,
        };
        self.out.push(stmt);
        Some(())
    }

    fn nat(
        &mut self,
        kind: NatKind,
        addrs: (Option<u32>, Option<u32>),
        ports: (Option<u32>, Option<u32>),
        flags: Option<u32>,
    ) -> Option<()> {
        let bytes = |register: u32| match self.registers.get(&register)? {
            Held::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        };
        let addr = |register| {
            let bytes = bytes(register)?;
            match bytes.len() {
                4 => Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))),
                16 => Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?))),
                _ => None,
            }
        };
        let port = |register| Some(u16::from_be_bytes(bytes(register)?.get(..2)?.try_into().ok()?));
        let addrs = match addrs {
            (None, _) => None,
            (Some(lo), hi) => Some((addr(lo)?, addr(hi.unwrap_or(lo))?)),
        };
        let ports = match ports {
            (None, _) => None,
            (Some(lo), hi) => Some((port(lo)?, port(hi.unwrap_or(lo))?)),
        };
        let flags = flags.unwrap_or(0);
        let has = |bit: u32| flags & bit != 0;
        let (random, persistent, fully_random) = (has(4), has(8), has(16));
        let nat = Nat { addrs, ports, random, persistent, fully_random, ..Nat::new(kind) };
        self.out.push(Stmt::Nat(nat));
        Some(())
    }
}

fn layout_of(source: Source, length: u32) -> Option<Layout> {
    let (_, _, layout, _) = KEYS.iter().find(|(_, s, ..)| *s == source)?;
    (layout.bytes as u32 == length).then_some(*layout)
}

/// A decision as data says it.
pub(super) fn verdict(data: Read<'_>) -> Option<Verdict> {
    Some(match data.word(1)?.cast_signed() {
        0 => Verdict::Drop,
        1 => Verdict::Accept,
        -1 => Verdict::Continue,
        -5 => Verdict::Return,
        -3 => Verdict::Jump(data.text(2)?),
        -4 => Verdict::Goto(data.text(2)?),
        _ => return None,
    })
}
