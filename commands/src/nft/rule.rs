//! A rule as it is written becomes one as nft lists it.
//!
//! Counterpart: nftables 1.0.6, `stmt_evaluate()` and the relational expressions of `src/evaluate.c`; and, since a rule is listed as
//! it is read back from the kernel, what `src/netlink_delinearize.c` and `src/payload.c` leave out of it: what only says that a header
//! is there. Deliberately absent: arithmetic over other keys.

use super::order::{ordered, unless_several_ordered};
use super::source::{Loc, Report};
use super::tree::{Expr, Is, Item, NatBody, RejectKind, RuleBody, Said, What};
use super::value::{Book, Type, Val, description};
use nettwin_model::rules::words::is_bitmask;
use nettwin_model::rules::{
    Cmp, Elem, Family, Key, Level4, Match, Nat, Operand, RejectWith, Rule, SetType, Span, Stmt, Table, Verdict,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a rule is none.
pub(super) enum Stop {
    Wrong(Report),
    Unsupported(String),
}

impl From<Report> for Stop {
    fn from(report: Report) -> Self {
        Stop::Wrong(report)
    }
}

type Found<T> = Result<T, Stop>;

fn wrong<T>(at: Loc, text: impl Into<String>) -> Found<T> {
    Err(Stop::Wrong(Report::new(at, text)))
}

fn unsupported<T>(what: impl Into<String>) -> Found<T> {
    Err(Stop::Unsupported(what.into()))
}

/// A rule in the making.
pub(super) struct Writer<'a> {
    pub(super) book: &'a Book<'a>,
    pub(super) family: Family,
    /// The table that it is in, as far as it is known.
    pub(super) table: Option<&'a Table>,
    /// What is said of a set that is not there.
    pub(super) no_set: &'a dyn Fn(&str, Loc) -> Report,
    /// What layer 3 is known to be.
    network: Option<Family>,
    /// What layer 4 is known to be, and since where.
    transport: Option<(u8, Loc)>,
    /// Whether layer 4 is one of several.
    has_transport: bool,
    /// Where the elements of the statement's own set stand, in its order.
    pub(super) elems: Vec<Loc>,
    out: Vec<(Stmt, Place)>,
}

/// Where a statement stands, and where the elements of its own set.
type Place = (Loc, Vec<Loc>);

/// A rule, and for each of its statements where it is from.
pub(super) type Written = (Rule, Vec<Place>);

impl<'a> Writer<'a> {
    pub(super) fn new(
        book: &'a Book<'a>,
        family: Family,
        table: Option<&'a Table>,
        no_set: &'a dyn Fn(&str, Loc) -> Report,
    ) -> Self {
        let network = Some(family).filter(|f| matches!(f, Family::Ip | Family::Ip6));
        Writer {
            book,
            family,
            table,
            no_set,
            network,
            transport: None,
            has_transport: false,
            elems: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(super) fn rule(mut self, body: &RuleBody) -> Found<Written> {
        let mut last: Option<&Said> = None;
        for said in &body.stmts {
            if let Some(last) = last {
                let text = "Statement after terminal statement has no effect";
                return Err(Report::against(said.at, last.at, text).into());
            }
            self.stmt(said)?;
            if is_terminal(&said.what) {
                last = Some(said);
            }
        }
        let (stmts, places) = without_implied(self.family, self.out).into_iter().unzip();
        Ok((Rule { comment: body.comment.clone(), ..Rule::new(stmts) }, places))
    }

    fn push(&mut self, stmt: Stmt, at: Loc) {
        let elems = std::mem::take(&mut self.elems);
        self.out.push((stmt, (at, elems)));
    }

    fn stmt(&mut self, said: &Said) -> Found<()> {
        let stmt = match &said.what {
            What::Match { left, cmp, op, right, mask } => {
                let stmt = unless_several_ordered(left, *cmp, *op)
                    .and_then(|()| self.compared(left, *cmp, right, mask.as_ref()))?;
                ordered(*cmp, right, *op)?;
                stmt
            }
            What::Vmap { key, map } => self.vmap(key, map)?,
            What::Verdict(verdict) => Stmt::Verdict(verdict.clone()),
            What::Counter { packets, bytes } => Stmt::Counter { packets: *packets, bytes: *bytes },
            What::Limit(limit) => Stmt::Limit(*limit),
            What::Quota(quota) => Stmt::Quota(*quota),
            What::Object(kind, name) => Stmt::Object { kind: *kind, name: name.clone() },
            What::Log(log) => Stmt::Log(log.clone()),
            What::Reject(with) => Stmt::Reject(self.reject(with.as_ref(), said.at)?),
            What::Reset => {
                self.reset(said.at)?;
                Stmt::Reject(RejectWith::TcpReset)
            }
            What::Nat(nat) => self.nat(nat, said.at)?,
            What::SetMark { ct, value } => self.mark(*ct, value)?,
            What::Notrack => Stmt::Notrack,
            What::Dynset(body) => self.dynset(body)?,
            What::TcpMss(to) => {
                self.needs(Key::TcpFlags, said.at)?;
                match to {
                    None => Stmt::TcpMss(None),
                    // At most 16 bits.
                    Some(mss) => {
                        Stmt::TcpMss(Some(self.book.number(mss, Type { kind: SetType::Integer, bits: 16 })? as u16))
                    }
                }
            }
        };
        self.push(stmt, core(said));
        Ok(())
    }

    /// Notes what a key says about the packet; complains if that cannot be.
    fn needs(&mut self, key: Key, at: Loc) -> Found<()> {
        if key == Key::Nfproto && self.family != Family::Inet {
            return wrong(at, "meta nfproto is only useful in the inet family");
        }
        let (network, transport) = needs(key);
        if let Some(network) = network {
            if let Some(known) = self.network.filter(|known| *known != network) {
                return wrong(at, format!("conflicting protocols specified: {known} vs. {network}"));
            }
            self.network = Some(network);
        }
        if let Some(transport) = transport {
            if let Some((known, _)) = self.transport.filter(|(known, _)| *known != transport) {
                let (known, transport) = (protocol(known), protocol(transport));
                return wrong(at, format!("conflicting protocols specified: {known} vs. {transport}"));
            }
            self.transport.get_or_insert((transport, at));
            self.has_transport = true;
        }
        Ok(())
    }

    /// A key that is looked at, narrowed by what is known.
    fn key(&mut self, expr: &Expr) -> Found<(Key, Option<u32>)> {
        match &expr.is {
            Is::Key(key) => {
                let key = narrowed(*key, self.transport.map(|(proto, _)| proto));
                self.needs(key, expr.at)?;
                Ok((key, None))
            }
            Is::Binary('&', left, mask) => match self.key(left)? {
                (key, None) => {
                    // Masks are of values of at most 32 bits.
                    let mask = self.book.number(mask, Type::of_key(key))?;
                    Ok((key, Some(u32::try_from(mask).map_err(|_| Stop::Unsupported("such a wide mask".into()))?)))
                }
                _ => unsupported("several masks"),
            },
            Is::Binary(op, ..) => unsupported(format!("{op} on what is looked at")),
            Is::Concat(_) => unsupported("several values here"),
            _ => wrong(expr.at, "No symbol type information"),
        }
    }

    /// Keys that are looked at together.
    pub(super) fn keys(&mut self, expr: &Expr) -> Found<Vec<Key>> {
        let parts = match &expr.is {
            Is::Concat(parts) => parts.as_slice(),
            _ => std::slice::from_ref(expr),
        };
        let mut out = Vec::new();
        for part in parts {
            match self.key(part)? {
                (key, None) => out.push(key),
                (_, Some(_)) => return unsupported("a mask of one of several values"),
            }
        }
        Ok(out)
    }

    /// The set or map of that name in this table.
    pub(super) fn set(&self, name: &str, at: Loc) -> Found<&'a nettwin_model::rules::Set> {
        match self.table.and_then(|table| table.set(name)) {
            Some(set) => Ok(set),
            None => Err((self.no_set)(name, at).into()),
        }
    }

    fn compared(&mut self, left: &Expr, cmp: Option<(Cmp, bool)>, right: &Expr, mask: Option<&Expr>) -> Found<Stmt> {
        let (op, bang) = cmp.unwrap_or((Cmp::Eq, false));
        if let Is::Concat(_) = &left.is {
            return self.compared_together(left, op, right);
        }
        let (key, mut masked) = self.key(left)?;
        let of = Type::of_key(key);
        if let Some(mask) = mask {
            masked = Some(self.book.number(mask, of)? as u32);
        }
        let to = match &right.is {
            Is::Ref(name) => {
                let set = self.set(name, right.at)?;
                if set.key != of.kind || !set.more.is_empty() {
                    return Err(mismatch(right.at, left.at, of.kind, set.key));
                }
                Operand::Set(name.clone())
            }
            Is::Set(items) => {
                let elems = self.book.elements(items, &[of], None)?;
                if items.len() == 1 && !matches!(items[0].key.is, Is::Set(_)) {
                    return self.compared(left, cmp, &items[0].key, None);
                }
                anonymous(elems)
            }
            _ => match self.book.value(right, of)? {
                Val::Name(name) => Operand::Names(vec![name]),
                Val::Span(span) if matches!(right.is, Is::Range(..)) => Operand::Range(span),
                Val::Span(span) => Operand::Spans(vec![span]),
            },
        };
        // A range that is no prefix is written in one way only.
        let to = match to {
            Operand::Range(span) if !span.is_one() && span.prefix_len(of.bits).is_none() => Operand::Spans(vec![span]),
            other => other,
        };
        let stmt = match (&to, op, masked) {
            (Operand::Spans(spans), Cmp::Eq | Cmp::Ne, Some(bits))
                if is_bitmask(of.kind) && spans == &[Span::one(0)] =>
            {
                Match { key, mask: None, cmp: if op == Cmp::Eq { Cmp::Ne } else { Cmp::Eq }, to: Operand::Bits(bits) }
            }
            (Operand::Spans(spans), _, None) if is_bitmask(of.kind) && (cmp.is_none() || bang) && spans.len() == 1 => {
                // Bits of a type of at most 32.
                Match { key, mask: None, cmp: op, to: Operand::Bits(spans[0].lo as u32) }
            }
            _ => Match { key, mask: masked, cmp: op, to },
        };
        if op == Cmp::Eq && matches!(key, Key::L4proto | Key::IpProtocol) {
            self.has_transport = true;
            if let Some(proto) = value_of(&stmt) {
                // A protocol is a byte.
                self.transport.get_or_insert((proto as u8, left.at));
            }
        }
        if let (Cmp::Eq, Key::Nfproto | Key::Protocol | Key::EtherType, Some(proto)) = (op, key, value_of(&stmt)) {
            let known = match proto {
                2 | 0x0800 => Some(Family::Ip),
                10 | 0x86dd => Some(Family::Ip6),
                _ => None,
            };
            self.network = self.network.or(known);
        }
        Ok(Stmt::Match(stmt))
    }

    fn compared_together(&mut self, left: &Expr, op: Cmp, right: &Expr) -> Found<Stmt> {
        let keys = self.keys(left)?;
        let types: Vec<Type> = keys.iter().map(|k| Type::of_key(*k)).collect();
        let to = match &right.is {
            Is::Ref(name) => {
                let set = self.set(name, right.at)?;
                if set.keys() != types.iter().map(|t| t.kind).collect::<Vec<_>>() {
                    return Err(mismatch(right.at, left.at, types[0].kind, set.key));
                }
                Operand::Set(name.clone())
            }
            Is::Set(items) => Operand::Map(sorted(self.book.elements(items, &types, None)?)),
            Is::Concat(_) => {
                let text = "Use concatenations with sets and maps, not singleton values";
                return Err(Report::against(left.at, right.at, text).into());
            }
            _ => {
                let names: Vec<&str> = types.iter().map(|t| description(t.kind)).collect();
                let text = format!("invalid data type, expected concatenation of ({})", names.join(", "));
                return wrong(right.at, text);
            }
        };
        Ok(Stmt::Tuple { keys, not: op == Cmp::Ne, to })
    }

    fn vmap(&mut self, key: &Expr, map: &Expr) -> Found<Stmt> {
        let keys = self.keys(key)?;
        let map = self.map(&keys, key, map, SetType::Verdict)?;
        Ok(match keys.as_slice() {
            [key] => Stmt::Vmap { key: *key, map },
            _ => Stmt::TupleVmap { keys, map },
        })
    }

    /// A map that gives something of a type.
    fn map(&mut self, keys: &[Key], key: &Expr, map: &Expr, data: SetType) -> Found<Operand> {
        let types: Vec<Type> = keys.iter().map(|k| Type::of_key(*k)).collect();
        match &map.is {
            Is::Ref(name) => {
                let set = self.set(name, map.at)?;
                let Some(has) = set.data else { return wrong(map.at, "Expression is not a map") };
                if set.key != types[0].kind {
                    let (wants, is) = (description(set.key), description(types[0].kind));
                    let text = format!("datatype mismatch, map expects {wants}, mapping expression has type {is}");
                    return Err(Report::against(map.at, key.at, text).into());
                }
                if has != data {
                    let (wants, is) = (description(data), description(has));
                    let text = format!("datatype mismatch: expected {wants}, expression has type {is}");
                    return wrong(key.at.to(map.at), text);
                }
                Ok(Operand::Set(name.clone()))
            }
            Is::Set(items) => {
                let of = Some(data).filter(|d| *d != SetType::Verdict).map(Type::of);
                let elems = self.book.elements(items, &types, of)?;
                for (i, (elem, at)) in elems.iter().enumerate() {
                    let other = elems[..i].iter().find(|(e, _)| e.overlaps(elem));
                    if let Some((_, other)) = other {
                        return Err(Report::against(*other, *at, "conflicting intervals specified").into());
                    }
                    if elem.verdict.is_none() && elem.data.is_none() {
                        return unsupported("an element of a map that means nothing");
                    }
                }
                let mut elems = elems;
                elems.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
                self.elems = elems.iter().map(|(_, at)| *at).collect();
                Ok(Operand::Map(elems.into_iter().map(|(elem, _)| elem).collect()))
            }
            _ => wrong(map.at, "Expression is not a map"),
        }
    }

    fn reject(&mut self, with: Option<&(RejectKind, Expr)>, at: Loc) -> Found<RejectWith> {
        let Some((kind, code)) = with else {
            return Ok(match (self.family, self.network) {
                (Family::Inet | Family::Bridge, None) => RejectWith::Icmpx(1),
                (_, Some(Family::Ip6)) => RejectWith::Icmp6(4),
                _ => RejectWith::Icmp(3),
            });
        };
        let value = match kind {
            RejectKind::Icmp => self.book.number(code, Type::of(SetType::IcmpCode))?,
            RejectKind::Icmp6 => self.book.number(code, Type::of(SetType::Icmp6Code))?,
            RejectKind::Icmpx => match &code.is {
                Is::Symbol(text) => match ICMPX.iter().find(|(word, n)| word == text || n.to_string() == *text) {
                    Some((_, n)) => u128::from(*n),
                    None => return wrong(code.at, "Could not parse icmpx code"),
                },
                _ => return wrong(code.at, "Could not parse icmpx code"),
            },
        };
        let of = match kind {
            RejectKind::Icmp => Some(Family::Ip),
            RejectKind::Icmp6 => Some(Family::Ip6),
            RejectKind::Icmpx => None,
        };
        match (of, self.network) {
            (Some(of), Some(known)) if of != known => {
                let text = format!("conflicting protocols specified: {known} vs {of}");
                return Err(Report::against(code.at, at, text).into());
            }
            (None, Some(_)) if matches!(self.family, Family::Ip | Family::Ip6) => {
                return Err(Report::against(code.at, at, "abstracted ICMP unreachable not supported").into());
            }
            // The family is asked for first, and listed so.
            (Some(of), None) if self.family == Family::Inet => {
                self.network = Some(of);
            }
            _ => {}
        }
        // A code is a byte.
        Ok(kind.with(value as u8))
    }

    fn reset(&mut self, at: Loc) -> Found<()> {
        match self.transport {
            Some((6, _)) => Ok(()),
            Some((_, since)) => Err(Report::against(at, since, "you cannot use tcp reset with this protocol").into()),
            None => {
                self.transport = Some((6, at));
                if self.family == Family::Inet {
                    self.push(Stmt::Match(Match::is(Key::L4proto, 6)), at);
                }
                Ok(())
            }
        }
    }

    fn nat(&mut self, body: &NatBody, at: Loc) -> Found<Stmt> {
        if self.family == Family::Bridge {
            return wrong(at, "NAT is only supported for IPv4/IPv6");
        }
        let mut nat = Nat {
            random: body.random,
            fully_random: body.fully_random,
            persistent: body.persistent,
            ..Nat::new(body.kind)
        };
        let network = body.family.or(self.network);
        if self.family == Family::Inet && body.addr.is_some() {
            match network {
                Some(family) => nat.family = Some(family),
                None => return wrong(at, "ip or ip6 must be specified with address for inet tables."),
            }
        }
        if let (Some(asked), Family::Ip | Family::Ip6) = (body.family, self.family)
            && asked != self.family
        {
            return wrong(at, format!("conflicting protocols specified: {} vs {asked}", self.family));
        }
        let of = if network == Some(Family::Ip6) { SetType::Ipv6Addr } else { SetType::Ipv4Addr };
        if let Some(port) = &body.port
            && !self.has_transport
            && !matches!(port.is, Is::Map(..))
        {
            let text = "transport protocol mapping is only valid after transport protocol match";
            return Err(Report::against(port.at, at, text).into());
        }
        match (&body.addr, &body.port) {
            (Some(Expr { is: Is::Map(key, map), .. }), None) => {
                let keys = self.keys(key)?;
                let map = self.map(&keys, key, map, of)?;
                nat.data = Some(of).filter(|of| *of == SetType::Ipv6Addr);
                return Ok(Stmt::NatBy { nat, keys, map });
            }
            (None, Some(Expr { is: Is::Map(key, map), .. })) => {
                let keys = self.keys(key)?;
                let map = self.map(&keys, key, map, SetType::InetService)?;
                nat.data = Some(SetType::InetService);
                return Ok(Stmt::NatBy { nat, keys, map });
            }
            (Some(Expr { is: Is::Map(..), .. }), Some(_)) | (Some(_), Some(Expr { is: Is::Map(..), .. })) => {
                return unsupported("a map and a port");
            }
            _ => {}
        }
        if let Some(addr) = &body.addr {
            let Val::Span(span) = self.book.value(addr, Type::of(of))? else { return wrong(addr.at, "no address") };
            let as_addr = |value: u128| match of {
                SetType::Ipv6Addr => IpAddr::V6(Ipv6Addr::from_bits(value)),
                // An IPv4 address has 32 bits.
                _ => IpAddr::V4(Ipv4Addr::from_bits(value as u32)),
            };
            nat.addrs = Some((as_addr(span.lo), as_addr(span.hi)));
        }
        if let Some(port) = &body.port {
            let value = self.book.value(port, Type::of(SetType::InetService))?;
            let Val::Span(span) = value else { return wrong(port.at, "no port") };
            // A port has 16 bits.
            nat.ports = Some((span.lo as u16, span.hi as u16));
        }
        Ok(Stmt::Nat(nat))
    }

    fn mark(&mut self, ct: bool, value: &Expr) -> Found<Stmt> {
        let own = if ct { Key::CtMark } else { Key::Mark };
        match &value.is {
            Is::Map(key, map) if !ct => {
                let keys = self.keys(key)?;
                let map = self.map(&keys, key, map, SetType::Mark)?;
                Ok(Stmt::MarkBy { keys, map })
            }
            Is::Map(..) => unsupported("ct mark set by a map"),
            Is::Key(key) => match (ct, key) {
                (false, Key::CtMark) => Ok(Stmt::RestoreMark),
                (true, Key::Mark) => Ok(Stmt::SaveMark),
                (_, key) if *key == own => unsupported("a mark set to itself"),
                (_, key) => unsupported(format!("a mark set to {}", nettwin_model::rules::words::key_words(*key))),
            },
            Is::Binary(..) => {
                let (and, xor) = self.bits(own, value)?;
                Ok(if ct { Stmt::SetCtMark { and, xor } } else { Stmt::SetMark { and, xor } })
            }
            _ => {
                // Marks have 32 bits.
                let xor = self.book.number(value, Type::of(SetType::Mark))? as u32;
                Ok(if ct { Stmt::SetCtMark { and: 0, xor } } else { Stmt::SetMark { and: 0, xor } })
            }
        }
    }

    /// What operators make of a mark: `mark & and ^ xor`.
    fn bits(&self, own: Key, expr: &Expr) -> Found<(u32, u32)> {
        match &expr.is {
            Is::Key(key) if *key == own => Ok((u32::MAX, 0)),
            Is::Binary(op, left, right) => {
                let (and, xor) = self.bits(own, left)?;
                // Marks have 32 bits.
                let bits = self.book.number(right, Type::of(SetType::Mark))? as u32;
                Ok(match op {
                    '&' => (and & bits, xor & bits),
                    '|' => (and & !bits, xor & !bits | bits),
                    _ => (and, xor ^ bits),
                })
            }
            _ => unsupported("operators on anything but the mark that is set"),
        }
    }
}

/// ICMP's codes for either family, as nft names them.
const ICMPX: [(&str, u32); 4] = nettwin_model::rules::words::ICMPX_CODES;

fn mismatch(at: Loc, other: Loc, wants: SetType, is: SetType) -> Stop {
    let text = format!("datatype mismatch, expected {}, expression has type {}", description(wants), description(is));
    Report::against(at, other, text).into()
}

/// What the kernel's refusal of a statement is about.
fn core(said: &Said) -> Loc {
    /// What is looked at in an expression first.
    fn looked_at(expr: &Expr) -> &Expr {
        match &expr.is {
            Is::Binary(_, left, _) => looked_at(left),
            _ => expr,
        }
    }
    match &said.what {
        What::Match { left, .. } => looked_at(left).at,
        What::SetMark { ct, value } => {
            let first = looked_at(value);
            match (ct, &first.is) {
                (_, Is::Key(Key::CtMark)) => first.at,
                (true, _) => said.at,
                (false, _) => said.core,
            }
        }
        _ => said.core,
    }
}

/// Whether nothing can come behind it.
fn is_terminal(what: &What) -> bool {
    match what {
        What::Verdict(verdict) => *verdict != Verdict::Continue,
        What::Reject(_) | What::Reset | What::Nat(_) => true,
        _ => false,
    }
}

/// The only value that a match allows.
fn value_of(m: &Match) -> Option<u128> {
    match (&m.to, m.cmp, m.mask) {
        (Operand::Spans(spans), Cmp::Eq, None) => match spans.as_slice() {
            [one] if one.is_one() => Some(one.lo),
            _ => None,
        },
        _ => None,
    }
}

/// What must be so for a value to be there: layer 3 and layer 4.
fn needs(key: Key) -> (Option<Family>, Option<u8>) {
    match key {
        Key::IpSaddr
        | Key::IpDaddr
        | Key::IpProtocol
        | Key::IpTtl
        | Key::IpDscp
        | Key::IpLength
        | Key::IpFragOff
        | Key::IpId => (Some(Family::Ip), None),
        Key::Ip6Saddr | Key::Ip6Daddr => (Some(Family::Ip6), None),
        Key::Sport(Level4::Tcp) | Key::Dport(Level4::Tcp) | Key::TcpFlags => (None, Some(6)),
        Key::Sport(Level4::Udp) | Key::Dport(Level4::Udp) | Key::UdpLength => (None, Some(17)),
        Key::IcmpType | Key::IcmpCode => (None, Some(1)),
        Key::Icmp6Type | Key::Icmp6Code => (None, Some(58)),
        _ => (None, None),
    }
}

fn narrowed(key: Key, transport: Option<u8>) -> Key {
    let level = match transport {
        Some(6) => Level4::Tcp,
        Some(17) => Level4::Udp,
        _ => return key,
    };
    match key {
        Key::Sport(Level4::Any) => Key::Sport(level),
        Key::Dport(Level4::Any) => Key::Dport(level),
        other => other,
    }
}

fn protocol(number: u8) -> String {
    match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        58 => "icmpv6".to_owned(),
        other => other.to_string(),
    }
}

fn sorted(elems: Vec<(Elem, Loc)>) -> Vec<Elem> {
    let mut elems: Vec<Elem> = elems.into_iter().map(|(elem, _)| elem).collect();
    elems.sort_by(|a, b| a.order().cmp(&b.order()));
    elems.dedup_by(|a, b| a.is_key_of(b));
    elems
}

/// A set without a name: what overlaps or touches is put together once there are ranges.
fn anonymous(elems: Vec<(Elem, Loc)>) -> Operand {
    let elems = sorted(elems);
    if elems.iter().any(|e| e.name.is_some()) {
        let names: Vec<String> = elems.into_iter().filter_map(|e| e.name).collect();
        // A name with an asterisk stands for those that begin so.
        let covers = |name: &String, other: &String| {
            other != name && other.strip_suffix('*').is_some_and(|start| name.starts_with(start))
        };
        let kept = names.iter().filter(|name| !names.iter().any(|other| covers(name, other))).cloned();
        return Operand::Names(kept.collect());
    }
    let spans = merged(elems.into_iter().map(|e| e.span).collect());
    // A set stays one, whatever is left of it.
    if spans.len() == 1 { Operand::Map(spans.into_iter().map(Elem::span).collect()) } else { Operand::Spans(spans) }
}

/// Spans in order, put together if there are ranges.
pub(super) fn merged(spans: Vec<Span>) -> Vec<Span> {
    if spans.iter().all(Span::is_one) {
        return spans;
    }
    let mut out: Vec<Span> = Vec::new();
    for span in spans {
        match out.last_mut() {
            Some(last) if span.lo <= last.hi.saturating_add(1) => last.hi = last.hi.max(span.hi),
            _ => out.push(span),
        }
    }
    out
}

/// Takes out what the kernel's list does not show: a match that only says that a header is there, if one that needs it
/// follows with nothing but matches between.
fn without_implied(family: Family, stmts: Vec<(Stmt, Place)>) -> Vec<(Stmt, Place)> {
    let is_implied = |i: usize| {
        let Stmt::Match(m) = &stmts[i].0 else { return false };
        let Some(value) = value_of(m) else { return false };
        let following = stmts[i + 1..].iter().map(|(stmt, _)| stmt);
        let mut reached = true;
        let mut found = false;
        for stmt in following {
            if !reached {
                break;
            }
            let is_match = matches!(stmt, Stmt::Match(_) | Stmt::Tuple { .. });
            reached = is_match;
            found |= family == Family::Ip && m.key == Key::Protocol && value == 0x0800 && is_match;
            let resets = matches!(stmt, Stmt::Reject(RejectWith::TcpReset) | Stmt::TcpMss(_)) && family != Family::Inet;
            let wants = stmt.keys().iter().map(|k| needs(*k)).chain(resets.then_some((None, Some(6))));
            found |= wants.into_iter().any(|(network, transport)| match m.key {
                Key::L4proto => transport.is_some_and(|t| u128::from(t) == value),
                Key::IpProtocol => family == Family::Ip && transport.is_some_and(|t| u128::from(t) == value),
                Key::Nfproto => network.is_some_and(|n| u128::from(n.number()) == value),
                Key::Protocol | Key::EtherType => match family {
                    Family::Ip => value == 0x0800 && (network.is_some() || transport.is_some()),
                    Family::Bridge => network.is_some_and(|n| n == Family::Ip && value == 0x0800),
                    _ => false,
                },
                _ => false,
            });
        }
        found
    };
    let implied: Vec<bool> = (0..stmts.len()).map(is_implied).collect();
    stmts.into_iter().zip(implied).filter(|(_, implied)| !implied).map(|(stmt, _)| stmt).collect()
}

/// The elements of a named set as they are written, with their places.
pub(super) fn elements_of(expr: &Expr) -> Result<&[Item], Stop> {
    match &expr.is {
        Is::Set(items) => Ok(items),
        _ => unsupported("elements that are no list"),
    }
}
