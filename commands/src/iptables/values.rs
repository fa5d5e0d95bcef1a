//! Values of options: numbers, protocols, ports, flags, ICMP types, states, rates, kinds of addresses, rejects.
//!
//! Counterpart: `libxtables/xtables.c`, and the parsers of each extension of iptables 1.8.9.

use super::parse::{Stop, unsupported, usage};
use crate::names::Services;
use nettwin_model::rules::xt::{CTSTATE_DNAT, CTSTATE_SNAT, Ports};
use nettwin_model::rules::{AddrType, Family, Rate, RejectWith, State, words};

/// A number as `strtoul` with base 0 reads it, nothing behind.
pub(super) fn integer(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if digits.starts_with(['+', '-']) { None } else { u64::from_str_radix(digits, radix).ok() }
}

pub(super) fn word32(text: &str) -> Option<u32> {
    integer(text).and_then(|n| u32::try_from(n).ok())
}

/// Protocols by name.
pub(super) const PROTOCOLS: &[(&str, u8)] = &[
    ("tcp", 6),
    ("sctp", 132),
    ("udp", 17),
    ("udplite", 136),
    ("icmp", 1),
    ("icmpv6", 58),
    ("ipv6-icmp", 58),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-mh", 135),
    ("mh", 135),
    ("all", 0),
    ("igmp", 2),
    ("gre", 47),
    ("ospf", 89),
    ("ipip", 94),
    ("pim", 103),
    ("vrrp", 112),
    ("l2tp", 115),
    ("ipencap", 4),
    ("egp", 8),
    ("dccp", 33),
    ("ipv6", 41),
];

/// A protocol's number.
pub(super) fn protocol(name: &str) -> Option<u8> {
    match integer(name) {
        Some(n) => u8::try_from(n).ok(),
        None => {
            let own = PROTOCOLS.iter().find(|(n, _)| *n == name).map(|(_, n)| *n);
            // Those of /etc/protocols.
            own.or_else(|| words::PROTOCOLS.iter().find(|(n, _)| *n == name).and_then(|(_, n)| u8::try_from(*n).ok()))
        }
    }
}

/// A protocol's name: the system's, or its own.
pub(super) fn protocol_name(number: u8) -> String {
    let known = words::PROTOCOLS.iter().find(|(_, n)| *n == u32::from(number)).map(|(name, _)| *name);
    let own = || PROTOCOLS.iter().find(|(_, n)| *n == number).map(|(name, _)| *name);
    known.or_else(own).map_or_else(|| number.to_string(), str::to_owned)
}

/// Headers of IPv6 that are no protocols: routing, fragments, AH, options.
pub(super) fn is_extension_header(number: u8) -> bool {
    matches!(number, 43 | 44 | 51 | 60)
}

/// The name of a protocol's own match.
pub(super) fn protocol_match(number: u8, word: &str) -> String {
    match number {
        6 => "tcp".into(),
        17 => "udp".into(),
        1 => "icmp".into(),
        58 => "icmp6".into(),
        _ => word.to_owned(),
    }
}

pub(super) const LOG_LEVELS: [(&str, u8); 11] = [
    ("alert", 1),
    ("crit", 2),
    ("debug", 7),
    ("emerg", 0),
    ("error", 3),
    ("info", 6),
    ("notice", 5),
    ("panic", 0),
    ("warning", 4),
    ("err", 3),
    ("warn", 4),
];

pub(super) fn port(text: &str, proto: &str, services: &Services) -> Result<u16, Stop> {
    let number = integer(text).and_then(|n| u16::try_from(n).ok());
    let found = number.or_else(|| services.of_name(proto, text));
    found.ok_or_else(|| Stop::Usage(format!("invalid port/service `{text}' specified")))
}

pub(super) fn port_range(text: &str, proto: &str, services: &Services) -> Result<Ports, Stop> {
    let one = |text: &str| port(text, proto, services);
    let Some((lo, hi)) = text.split_once(':') else { return one(text).map(|p| (p, p)) };
    let lo = if lo.is_empty() { 0 } else { one(lo)? };
    let hi = if hi.is_empty() { 65535 } else { one(hi)? };
    if lo > hi { usage("invalid portrange (min > max)") } else { Ok((lo, hi)) }
}

/// UDP's are read by another parser: it cuts numbers to what a port holds.
pub(super) fn udp_port_range(option: &str, text: &str, services: &Services) -> Result<Ports, Stop> {
    let parts: Vec<&str> = text.split(':').collect();
    let one = |text: &str, none: u16| match integer(text) {
        _ if text.is_empty() => Ok(none),
        Some(n) => Ok(n as u16), // cut, as it is
        None => {
            services.of_any(text).ok_or_else(|| Stop::Usage(format!("Port \"{text}\" does not resolve to anything.\n")))
        }
    };
    match parts.as_slice() {
        [only] => one(only, 0).map(|port| (port, port)),
        [lo, hi] => {
            let (lo, hi) = (one(lo, 0)?, one(hi, u16::MAX)?);
            if lo > hi { unsupported("a range whose end is before its beginning") } else { Ok((lo, hi)) }
        }
        _ => usage(format!("udp: Too many components for option \"--{option}\" (max: 2)\n")),
    }
}

pub(super) fn port_list(text: &str, proto: &str, services: &Services) -> Result<Vec<Ports>, Stop> {
    const MOST: usize = 15;
    let mut out = Vec::new();
    let mut count = 0;
    for part in text.split(',') {
        count += 1 + usize::from(part.contains(':'));
        if count > MOST {
            return usage("too many ports specified");
        }
        let one = |text: &str| port(text, proto, services);
        out.push(match part.split_once(':') {
            None => one(part).map(|p| (p, p))?,
            Some((lo, hi)) => {
                let (lo, hi) = (one(lo)?, one(hi)?);
                if lo > hi {
                    return usage("invalid portrange specified");
                }
                (lo, hi)
            }
        });
    }
    Ok(out)
}

pub(super) fn tcp_flags(text: &str) -> Result<u8, Stop> {
    let mut out = 0;
    for word in text.split(',') {
        out |= match word.to_ascii_uppercase().as_str() {
            "FIN" => 1,
            "SYN" => 2,
            "RST" => 4,
            "PSH" => 8,
            "ACK" => 16,
            "URG" => 32,
            "ALL" => 0x3f,
            "NONE" => 0,
            _ => return usage(format!("Unknown TCP flag `{word}'")),
        };
    }
    Ok(out)
}

/// ICMP's types and codes by name: type, least and greatest code.
pub(super) const ICMP: &[(&str, u8, u8, u8)] = &[
    ("any", 0xff, 0, 0xff),
    ("echo-reply", 0, 0, 0xff),
    ("pong", 0, 0, 0xff),
    ("destination-unreachable", 3, 0, 0xff),
    ("network-unreachable", 3, 0, 0),
    ("host-unreachable", 3, 1, 1),
    ("protocol-unreachable", 3, 2, 2),
    ("port-unreachable", 3, 3, 3),
    ("fragmentation-needed", 3, 4, 4),
    ("source-route-failed", 3, 5, 5),
    ("network-unknown", 3, 6, 6),
    ("host-unknown", 3, 7, 7),
    ("network-prohibited", 3, 9, 9),
    ("host-prohibited", 3, 10, 10),
    ("TOS-network-unreachable", 3, 11, 11),
    ("TOS-host-unreachable", 3, 12, 12),
    ("communication-prohibited", 3, 13, 13),
    ("host-precedence-violation", 3, 14, 14),
    ("precedence-cutoff", 3, 15, 15),
    ("source-quench", 4, 0, 0xff),
    ("redirect", 5, 0, 0xff),
    ("network-redirect", 5, 0, 0),
    ("host-redirect", 5, 1, 1),
    ("TOS-network-redirect", 5, 2, 2),
    ("TOS-host-redirect", 5, 3, 3),
    ("echo-request", 8, 0, 0xff),
    ("ping", 8, 0, 0xff),
    ("router-advertisement", 9, 0, 0xff),
    ("router-solicitation", 10, 0, 0xff),
    ("time-exceeded", 11, 0, 0xff),
    ("ttl-exceeded", 11, 0, 0xff),
    ("ttl-zero-during-transit", 11, 0, 0),
    ("ttl-zero-during-reassembly", 11, 1, 1),
    ("parameter-problem", 12, 0, 0xff),
    ("ip-header-bad", 12, 0, 0),
    ("required-option-missing", 12, 1, 1),
    ("timestamp-request", 13, 0, 0xff),
    ("timestamp-reply", 14, 0, 0xff),
    ("address-mask-request", 17, 0, 0xff),
    ("address-mask-reply", 18, 0, 0xff),
];

pub(super) fn icmp_type(text: &str) -> Result<(u8, u8, u8), Stop> {
    let unknown = || Stop::Usage(format!("Unknown ICMP type `{text}'"));
    let lower = text.to_ascii_lowercase();
    let mut named = ICMP.iter().filter(|(name, ..)| name.to_ascii_lowercase().starts_with(&lower));
    if let Some((_, kind, lo, hi)) = ICMP.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text)) {
        return Ok((*kind, *lo, *hi));
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        let Some((first, kind, lo, hi)) = named.next() else { return Err(unknown()) };
        return match named.next() {
            None => Ok((*kind, *lo, *hi)),
            Some((other, ..)) => usage(format!("Ambiguous ICMP type `{text}': `{first}' or `{other}'?")),
        };
    }
    let (kind, code) = text.split_once('/').map_or((text, None), |(k, c)| (k, Some(c)));
    let byte = |text: &str| integer(text).and_then(|n| u8::try_from(n).ok());
    let kind = byte(kind).ok_or_else(unknown)?;
    match code {
        None => Ok((kind, 0, 255)),
        Some(code) => {
            let code = byte(code).ok_or_else(|| Stop::Usage(format!("Unknown ICMP code `{text}'")))?;
            Ok((kind, code, code))
        }
    }
}

/// ICMPv6's, in the same way.
pub(super) const ICMP6: &[(&str, u8, u8, u8)] = &[
    ("destination-unreachable", 1, 0, 0xff),
    ("no-route", 1, 0, 0),
    ("communication-prohibited", 1, 1, 1),
    ("beyond-scope", 1, 2, 2),
    ("address-unreachable", 1, 3, 3),
    ("port-unreachable", 1, 4, 4),
    ("failed-policy", 1, 5, 5),
    ("reject-route", 1, 6, 6),
    ("packet-too-big", 2, 0, 0xff),
    ("time-exceeded", 3, 0, 0xff),
    ("ttl-exceeded", 3, 0, 0xff),
    ("ttl-zero-during-transit", 3, 0, 0),
    ("ttl-zero-during-reassembly", 3, 1, 1),
    ("parameter-problem", 4, 0, 0xff),
    ("bad-header", 4, 0, 0),
    ("unknown-header-type", 4, 1, 1),
    ("unknown-option", 4, 2, 2),
    ("echo-request", 128, 0, 0xff),
    ("ping", 128, 0, 0xff),
    ("echo-reply", 129, 0, 0xff),
    ("pong", 129, 0, 0xff),
    ("router-solicitation", 133, 0, 0xff),
    ("router-advertisement", 134, 0, 0xff),
    ("neighbour-solicitation", 135, 0, 0xff),
    ("neighbor-solicitation", 135, 0, 0xff),
    ("neighbour-advertisement", 136, 0, 0xff),
    ("neighbor-advertisement", 136, 0, 0xff),
    ("redirect", 137, 0, 0xff),
];

/// `parse_icmpv6()`: a whole name may be the beginning of another, and is as little enough as that beginning.
pub(super) fn icmp6_type(text: &str) -> Result<(u8, u8, u8), Stop> {
    let lower = text.to_ascii_lowercase();
    let mut named = ICMP6.iter().filter(|(name, ..)| name.starts_with(&lower));
    if let Some((first, kind, lo, hi)) = named.next() {
        return match named.next() {
            None => Ok((*kind, *lo, *hi)),
            Some((other, ..)) => usage(format!("Ambiguous ICMPv6 type `{text}': `{first}' or `{other}'?")),
        };
    }
    let (kind, code) = text.split_once('/').map_or((text, None), |(k, c)| (k, Some(c)));
    let byte = |text: &str| integer(text).and_then(|n| u8::try_from(n).ok());
    let kind = byte(kind).ok_or_else(|| Stop::Usage(format!("Unknown ICMPv6 type `{text}'")))?;
    match code {
        None => Ok((kind, 0, 255)),
        Some(code) => {
            let code = byte(code).ok_or_else(|| Stop::Usage(format!("Unknown ICMPv6 code `{text}'")))?;
            Ok((kind, code, code))
        }
    }
}

pub(super) fn states(text: &str, conntrack: bool) -> Result<u32, Stop> {
    let mut out = 0;
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (word, behind) = text.split_once(',').map_or((text, None), |(word, behind)| (word, Some(behind)));
        rest = behind;
        out |= match word.to_ascii_uppercase().as_str() {
            "" if behind.is_none() && !conntrack => return usage(NO_STATES),
            "INVALID" => State::INVALID,
            "NEW" => State::NEW,
            "ESTABLISHED" => State::ESTABLISHED,
            "RELATED" => State::RELATED,
            "UNTRACKED" => State::UNTRACKED,
            "SNAT" if conntrack => CTSTATE_SNAT,
            "DNAT" if conntrack => CTSTATE_DNAT,
            _ => return usage(format!("Bad {}state \"{text}\"", if conntrack { "ct" } else { "" })),
        };
    }
    Ok(out)
}

const NO_STATES: &str = "\"--state\" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED";

pub(super) fn rate(text: &str) -> Result<(u64, Rate), Stop> {
    let bad = || Stop::Usage(format!("bad rate \"{text}\"'"));
    let (number, unit) = text.split_once('/').map_or((text, "second"), |(n, u)| (n, u));
    let units = [("second", Rate::Second), ("minute", Rate::Minute), ("hour", Rate::Hour), ("day", Rate::Day)];
    let lower = unit.to_ascii_lowercase();
    let per = units.iter().find(|(word, _)| !lower.is_empty() && word.starts_with(&lower)).ok_or_else(bad)?.1;
    let number = number.parse::<u64>().ok().filter(|n| *n > 0).ok_or_else(bad)?;
    // XT_LIMIT_SCALE: a rate is kept as ten thousandths of a second.
    if number / per.seconds() > 10_000 {
        return usage(format!("Rate too fast \"{text}\""));
    }
    Ok((number, per))
}

pub(super) fn address_kinds(text: &str) -> Result<u16, Stop> {
    let mut out = 0;
    for word in text.split(',') {
        match AddrType::WORDS.iter().position(|w| w.eq_ignore_ascii_case(word)) {
            Some(at) => out |= 1 << at,
            None => return usage(format!("addrtype: bad type \"{word}\"")),
        }
    }
    Ok(out)
}

/// Reject's kinds, each with its shorter name.
pub(super) const REJECTS: &[(&str, &str, RejectWith)] = &[
    ("icmp-net-unreachable", "net-unreach", RejectWith::Icmp(0)),
    ("icmp-host-unreachable", "host-unreach", RejectWith::Icmp(1)),
    ("icmp-proto-unreachable", "proto-unreach", RejectWith::Icmp(2)),
    ("icmp-port-unreachable", "port-unreach", RejectWith::Icmp(3)),
    ("icmp-net-prohibited", "net-prohib", RejectWith::Icmp(9)),
    ("icmp-host-prohibited", "host-prohib", RejectWith::Icmp(10)),
    ("tcp-reset", "tcp-rst", RejectWith::TcpReset),
    ("icmp-admin-prohibited", "admin-prohib", RejectWith::Icmp(13)),
];

/// Those of IPv6.
pub(super) const REJECTS6: &[(&str, &str, RejectWith)] = &[
    ("icmp6-no-route", "no-route", RejectWith::Icmp6(0)),
    ("icmp6-adm-prohibited", "adm-prohibited", RejectWith::Icmp6(1)),
    ("icmp6-addr-unreachable", "addr-unreach", RejectWith::Icmp6(3)),
    ("icmp6-port-unreachable", "port-unreach", RejectWith::Icmp6(4)),
    ("tcp-reset", "tcp-reset", RejectWith::TcpReset),
    ("icmp6-policy-fail", "policy-fail", RejectWith::Icmp6(5)),
    ("icmp6-reject-route", "reject-route", RejectWith::Icmp6(6)),
];

pub(super) fn reject(text: &str, family: Family) -> Result<RejectWith, Stop> {
    let lower = text.to_ascii_lowercase();
    let fits = |name: &str, short: &str| name.starts_with(&lower) || short.starts_with(&lower);
    let kinds = if family == Family::Ip6 { REJECTS6 } else { REJECTS };
    match kinds.iter().find(|(name, short, _)| fits(name, short)) {
        Some((.., with)) => Ok(*with),
        None => usage(format!("unknown reject type \"{text}\"")),
    }
}
