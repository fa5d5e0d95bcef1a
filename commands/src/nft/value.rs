//! Values as nft reads them: by their type.
//!
//! Counterpart: nftables 1.0.6, `src/datatype.c`, `src/meta.c`, `src/ct.c`, and the checks of ranges and prefixes in
//! `src/evaluate.c`. Deliberately absent: a resolver: a host's name is one of `/etc/hosts` or is not known.

use super::source::{Loc, Report};
use super::tree::{Expr, Is, Item};
use crate::names::{Names, Services};
use nettwin_model::rules::words::{is_bitmask, symbols, width};
use nettwin_model::rules::{Elem, Key, KeyPart, SetType, Span};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What values are read with.
pub(super) struct Book<'a> {
    pub(super) hosts: &'a Names,
    pub(super) services: &'a Services,
    /// Interfaces by index.
    pub(super) devs: &'a [(u32, String)],
}

/// A value: a name, or numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Val {
    Name(String),
    Span(Span),
}

/// A type, and how many bits its values have there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) kind: SetType,
    pub(super) bits: u8,
}

impl Type {
    pub(super) fn of(kind: SetType) -> Self {
        Type { kind, bits: width(kind) }
    }

    pub(super) fn of_key(key: Key) -> Self {
        let kind = nettwin_model::rules::words::key_type(key);
        let bits = match key {
            Key::IpTtl => 8,
            Key::IpLength | Key::IpFragOff | Key::IpId | Key::UdpLength => 16,
            _ => width(kind),
        };
        Type { kind, bits }
    }

    fn max(self) -> u128 {
        if self.bits >= 128 { u128::MAX } else { (1 << self.bits) - 1 }
    }
}

type Found<T> = Result<T, Report>;

impl Book<'_> {
    /// A value, a range or a prefix of a type.
    pub(super) fn value(&self, expr: &Expr, of: Type) -> Found<Val> {
        match &expr.is {
            Is::Symbol(text) => self.symbol(text, expr.at, of),
            Is::Range(low, high) => {
                let (low, high) = (self.number(low, of)?, self.number(high, of)?);
                if low > high {
                    return Err(Report::new(expr.at, "Range has zero or negative size"));
                }
                Ok(Val::Span(Span::new(low, high)))
            }
            Is::Prefix(base, length) => {
                let base = self.number(base, of)?;
                let (len, bits) = (u8::try_from(*length).unwrap_or(u8::MAX), of.bits);
                if len > bits {
                    let text = format!("Prefix length {length} is invalid for type of {bits} bits width");
                    return Err(Report::new(expr.at, text));
                }
                let host = if len == 0 { of.max() } else { of.max() >> len };
                Ok(Val::Span(Span::new(base & !host, base & !host | host)))
            }
            Is::Binary(op, left, right) => {
                let (left, right) = (self.number(left, of)?, self.number(right, of)?);
                Ok(Val::Span(Span::one(match op {
                    '&' => left & right,
                    '|' => left | right,
                    _ => left ^ right,
                })))
            }
            Is::List(list) => {
                let first = list.first().map_or(expr.at, |e| e.at);
                if !is_bitmask(of.kind) {
                    let text = format!("Basetype of type {} is not bitmask", description(of.kind));
                    return Err(Report::new(first, text));
                }
                let mut bits = 0;
                for one in list {
                    bits |= self.number(one, of)?;
                }
                Ok(Val::Span(Span::one(bits)))
            }
            Is::Concat(parts) => {
                let first = parts.first().map_or(expr.at, |e| e.at);
                Err(Report::new(first, "Can't parse symbolic invalid expressions"))
            }
            Is::Ref(_) | Is::Key(_) | Is::Set(_) | Is::Map(..) | Is::Verdict(_) => {
                let text = format!("invalid data type, expected {}", description(of.kind));
                Err(Report::new(expr.at, text))
            }
        }
    }

    /// A single number of a type.
    pub(super) fn number(&self, expr: &Expr, of: Type) -> Found<u128> {
        match self.value(expr, of)? {
            Val::Span(span) if span.is_one() => Ok(span.lo),
            _ => Err(Report::new(expr.at, format!("invalid data type, expected {}", description(of.kind)))),
        }
    }

    fn symbol(&self, text: &str, at: Loc, of: Type) -> Found<Val> {
        let error = |text: &str| Err(Report::new(at, text));
        let one = |value: u128| Ok(Val::Span(Span::one(value)));
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse::<u128>().ok().filter(|_| is_number);
        let in_range = |n: u128| {
            if n <= of.max() {
                return Ok(Val::Span(Span::one(n)));
            }
            Err(Report::new(at, format!("Value {n} exceeds valid range 0-{}", of.max())))
        };
        match of.kind {
            SetType::Ifname => {
                if text.len() > 15 {
                    return error("String exceeds maximum length of 16");
                }
                Ok(Val::Name(text.to_owned()))
            }
            SetType::IfaceIndex => match (self.devs.iter().find(|(_, name)| name == text), number) {
                (Some((index, _)), _) => one((*index).into()),
                (None, Some(n)) => in_range(n),
                (None, None) => error("Interface does not exist"),
            },
            SetType::Ipv4Addr => match (text.parse::<Ipv4Addr>(), number) {
                (Ok(addr), _) => one(addr.to_bits().into()),
                (_, Some(n)) => in_range(n),
                _ => match self.hosts.of_name(text) {
                    Some((addr, _)) => one(addr.to_bits().into()),
                    None => error(unresolved(text)),
                },
            },
            SetType::Ipv6Addr => match text.parse::<Ipv6Addr>() {
                Ok(addr) => one(addr.to_bits()),
                Err(_) => error(unresolved(text)),
            },
            SetType::EtherAddr => {
                let parts: Vec<_> = text.split(':').map(|part| u8::from_str_radix(part, 16)).collect();
                if parts.len() != 6 || parts.iter().any(Result::is_err) {
                    return error("Invalid LL address");
                }
                one(parts.iter().flatten().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
            }
            SetType::InetService => match number {
                Some(n) if n <= 65535 => one(n),
                Some(_) => error("Service out of range"),
                None => match self.services.of_name("tcp", text).or_else(|| self.services.of_name("udp", text)) {
                    Some(port) => one(port.into()),
                    None => error("Could not resolve service: Servname not supported for ai_socktype"),
                },
            },
            SetType::InetProto => match (symbols(of.kind).iter().find(|(word, _)| *word == text), number) {
                (_, Some(n)) if n <= 255 => one(n),
                (_, Some(_)) => error("Protocol out of range"),
                (Some((_, n)), _) => one((*n).into()),
                (None, None) => error("Could not resolve protocol name"),
            },
            kind => match (symbols(kind).iter().find(|(word, _)| *word == text), number) {
                (Some((_, n)), _) => one((*n).into()),
                (None, Some(n)) => in_range(n),
                (None, None) => error(&format!("Could not parse {}", description(kind))),
            },
        }
    }

    /// The elements in braces, with their places.
    pub(super) fn elements(&self, items: &[Item], key: &[Type], data: Option<Type>) -> Found<Vec<(Elem, Loc)>> {
        let mut out = Vec::new();
        for item in items {
            // A set that is defined is as good as its elements.
            if let Is::Set(inner) = &item.key.is {
                out.extend(self.elements(inner, key, data)?);
                continue;
            }
            let mut elem = self.key(&item.key, key)?;
            elem.comment.clone_from(&item.comment);
            (elem.timeout_ms, elem.expires_in_ms, elem.each) = (item.timeout_ms, item.expires_in_ms, item.each);
            match (&item.data, data) {
                (Some(Expr { is: Is::Verdict(verdict), .. }), _) => elem.verdict = Some(verdict.clone()),
                (Some(expr), Some(of)) => match self.value(expr, of)? {
                    Val::Span(span) => elem.data = Some(span),
                    Val::Name(_) => return Err(Report::new(expr.at, "a name is no value of a map")),
                },
                _ => {}
            }
            out.push((elem, item.key.at));
        }
        Ok(out)
    }

    /// An element's key.
    fn key(&self, expr: &Expr, of: &[Type]) -> Found<Elem> {
        let [first, more @ ..] = of else { return Err(Report::new(expr.at, "No symbol type information")) };
        let parts: &[Expr] = match &expr.is {
            Is::Concat(parts) if !more.is_empty() => parts,
            _ => std::slice::from_ref(expr),
        };
        if parts.len() != of.len() {
            let names: Vec<&str> = of.iter().map(|t| description(t.kind)).collect();
            let text = format!("invalid data type, expected concatenation of ({})", names.join(", "));
            return Err(Report::new(expr.at, text));
        }
        let mut elem = match self.value(&parts[0], *first)? {
            Val::Name(name) => Elem::named(&name),
            Val::Span(span) => Elem::span(span),
        };
        for (part, of) in parts[1..].iter().zip(more) {
            elem.more.push(match self.value(part, *of)? {
                Val::Name(name) => KeyPart { name: Some(name), span: Span::one(0) },
                Val::Span(span) => KeyPart { name: None, span },
            });
        }
        Ok(elem)
    }
}

/// `getaddrinfo(3)`'s answer about what is in no file, where nobody can be asked.
fn unresolved(text: &str) -> &'static str {
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        "Could not resolve hostname: Name or service not known"
    } else {
        "Could not resolve hostname: Temporary failure in name resolution"
    }
}

/// A type in words.
pub(super) fn description(kind: SetType) -> &'static str {
    match kind {
        SetType::Ipv4Addr => "IPv4 address",
        SetType::Ipv6Addr => "IPv6 address",
        SetType::EtherAddr => "Ethernet address",
        SetType::EtherType => "Ethernet protocol",
        SetType::InetProto => "Internet protocol",
        SetType::InetService => "internet network service",
        SetType::Ifname => "network interface name",
        SetType::IfaceIndex => "network interface index",
        SetType::Mark => "packet mark",
        SetType::CtState => "conntrack state",
        SetType::CtDir => "conntrack direction",
        SetType::CtStatus => "conntrack status",
        SetType::IcmpType => "ICMP type",
        SetType::IcmpCode => "icmp code",
        SetType::Icmp6Type => "ICMPv6 type",
        SetType::Icmp6Code => "icmpv6 code",
        SetType::PktType => "packet type",
        SetType::TcpFlag => "TCP flag",
        SetType::Dscp => "Differentiated Services Code Point",
        SetType::FibAddrtype => "fib address type",
        SetType::NfProto => "netfilter protocol",
        SetType::Integer => "integer",
        SetType::Verdict => "netfilter verdict",
    }
}
