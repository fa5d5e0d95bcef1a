//! nft's words for what is looked at and for values, by type.
//!
//! Counterpart: nftables 1.0.6, `src/datatype.c`, `src/proto.c`, `src/meta.c`, `src/ct.c`, and Debian's `/etc/protocols`.
//! Deliberately absent: names of services, which the caller knows.

use super::print::{Style, print_stmt, print_verdict};
use super::{Elem, Family, Hook, Key, Level4, SetType, Span, State};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
        (_, "dstnat") => hook == Hook::Prerouting,
        (_, "srcnat") => hook == Hook::Postrouting,
        _ => true,
    }
}

/// A priority by the nearest name, within 10 of it.
pub fn chain_priority(family: Family, hook: Hook, priority: i32) -> String {
    let near = priorities(family)
        .iter()
        .filter(|(name, _)| priority_fits(family, name, hook))
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

/// The words for what is looked at.
pub fn key_words(key: Key) -> String {
    let level4 = |proto: Level4, port: &str| match proto {
        Level4::Any => format!("th {port}"),
        Level4::Tcp => format!("tcp {port}"),
        Level4::Udp => format!("udp {port}"),
    };
    match key {
        Key::Sport(proto) => level4(proto, "sport"),
        Key::Dport(proto) => level4(proto, "dport"),
        _ => KEYS.iter().find(|(k, ..)| *k == key).map_or("?", |(_, words, _)| words).to_owned(),
    }
}

/// Every key that is not a port, with its words and its values' type.
pub const KEYS: &[(Key, &str, SetType)] = &[
    (Key::Iifname, "iifname", SetType::Ifname),
    (Key::Oifname, "oifname", SetType::Ifname),
    (Key::Iif, "iif", SetType::IfaceIndex),
    (Key::Oif, "oif", SetType::IfaceIndex),
    (Key::Nfproto, "meta nfproto", SetType::NfProto),
    (Key::L4proto, "meta l4proto", SetType::InetProto),
    (Key::Protocol, "meta protocol", SetType::EtherType),
    (Key::Length, "meta length", SetType::Integer),
    (Key::Mark, "meta mark", SetType::Mark),
    (Key::PktType, "meta pkttype", SetType::PktType),
    (Key::EtherSaddr, "ether saddr", SetType::EtherAddr),
    (Key::EtherDaddr, "ether daddr", SetType::EtherAddr),
    (Key::EtherType, "ether type", SetType::EtherType),
    (Key::IpSaddr, "ip saddr", SetType::Ipv4Addr),
    (Key::IpDaddr, "ip daddr", SetType::Ipv4Addr),
    (Key::IpProtocol, "ip protocol", SetType::InetProto),
    (Key::IpTtl, "ip ttl", SetType::Integer),
    (Key::IpDscp, "ip dscp", SetType::Dscp),
    (Key::IpLength, "ip length", SetType::Integer),
    (Key::IpFragOff, "ip frag-off", SetType::Integer),
    (Key::IpId, "ip id", SetType::Integer),
    (Key::Ip6Saddr, "ip6 saddr", SetType::Ipv6Addr),
    (Key::Ip6Daddr, "ip6 daddr", SetType::Ipv6Addr),
    (Key::TcpFlags, "tcp flags", SetType::TcpFlag),
    (Key::UdpLength, "udp length", SetType::Integer),
    (Key::IcmpType, "icmp type", SetType::IcmpType),
    (Key::IcmpCode, "icmp code", SetType::IcmpCode),
    (Key::Icmp6Type, "icmpv6 type", SetType::Icmp6Type),
    (Key::Icmp6Code, "icmpv6 code", SetType::Icmp6Code),
    (Key::CtState, "ct state", SetType::CtState),
    (Key::CtDirection, "ct direction", SetType::CtDir),
    (Key::CtStatus, "ct status", SetType::CtStatus),
    (Key::CtMark, "ct mark", SetType::Mark),
    (Key::SaddrType, "fib saddr type", SetType::FibAddrtype),
    (Key::DaddrType, "fib daddr type", SetType::FibAddrtype),
];

/// The type of what a key gives.
pub fn key_type(key: Key) -> SetType {
    match key {
        Key::Sport(_) | Key::Dport(_) => SetType::InetService,
        _ => KEYS.iter().find(|(k, ..)| *k == key).map_or(SetType::Integer, |(.., kind)| *kind),
    }
}

/// The words that values of a type have.
pub fn symbols(kind: SetType) -> &'static [(&'static str, u32)] {
    match kind {
        SetType::InetProto => &PROTOCOLS,
        SetType::IcmpType => &ICMP_TYPES,
        SetType::IcmpCode => &ICMP_CODES,
        SetType::Icmp6Type => &ICMP6_TYPES,
        SetType::Icmp6Code => &ICMP6_CODES,
        SetType::Dscp => &DSCPS,
        SetType::PktType => &PKT_TYPES,
        SetType::FibAddrtype => &ADDR_TYPES,
        SetType::NfProto => &[("ipv4", 2), ("ipv6", 10)],
        SetType::EtherType => &ETHER_TYPES,
        SetType::CtState => &State::WORDS,
        SetType::CtStatus => &CT_STATUS,
        SetType::CtDir => &[("original", 0), ("reply", 1)],
        SetType::TcpFlag => &TCP_FLAGS,
        SetType::Ipv4Addr
        | SetType::Ipv6Addr
        | SetType::EtherAddr
        | SetType::InetService
        | SetType::Ifname
        | SetType::IfaceIndex
        | SetType::Mark
        | SetType::Integer
        | SetType::Verdict => &[],
    }
}

/// Whether a type's values are sets of bits.
pub fn is_bitmask(kind: SetType) -> bool {
    matches!(kind, SetType::CtState | SetType::CtStatus | SetType::TcpFlag)
}

/// How many bits a type's values have.
pub fn width(kind: SetType) -> u8 {
    match kind {
        SetType::Ipv6Addr | SetType::Ifname => 128,
        SetType::EtherAddr => 48,
        SetType::Ipv4Addr
        | SetType::Mark
        | SetType::CtState
        | SetType::CtStatus
        | SetType::IfaceIndex
        | SetType::FibAddrtype
        | SetType::Integer
        | SetType::Verdict => 32,
        SetType::InetService | SetType::EtherType => 16,
        SetType::Dscp => 6,
        SetType::InetProto
        | SetType::NfProto
        | SetType::IcmpType
        | SetType::IcmpCode
        | SetType::Icmp6Type
        | SetType::Icmp6Code
        | SetType::PktType
        | SetType::CtDir
        | SetType::TcpFlag => 8,
    }
}

/// Bits by their names.
pub(super) fn print_bits(kind: SetType, bits: u32, numeric: bool) -> String {
    if bits == 0 {
        return "0x0".to_owned();
    }
    let names = symbols(kind).iter().filter(|(_, bit)| bits & bit != 0);
    let names = names.map(|(word, bit)| if numeric { format!("{bit:#x}") } else { (*word).to_owned() });
    names.collect::<Vec<_>>().join(",")
}

/// A value or range of a type.
pub fn print_span(span: Span, kind: SetType, numeric: bool) -> String {
    if span.is_one() {
        return print_value(span.lo, kind, numeric);
    }
    if matches!(kind, SetType::Ipv4Addr | SetType::Ipv6Addr)
        && let Some(len) = span.prefix_len(width(kind))
    {
        return format!("{}/{len}", print_value(span.lo, kind, numeric));
    }
    print_range(span, kind)
}

/// A range, be it a prefix; its ends are always numbers.
pub(super) fn print_range(span: Span, kind: SetType) -> String {
    format!("{}-{}", print_value(span.lo, kind, true), print_value(span.hi, kind, true))
}

/// An address as `inet_ntop(3)` writes it: one that may hold an IPv4 address shows that.
pub fn address(addr: IpAddr) -> String {
    match addr {
        IpAddr::V6(v6) if v6.to_bits() >> 32 == 0 && v6.to_bits() >> 16 != 0 => {
            // The low half is an address of the other family.
            format!("::{}", Ipv4Addr::from_bits(v6.to_bits() as u32))
        }
        addr => addr.to_string(),
    }
}

fn print_value(value: u128, kind: SetType, numeric: bool) -> String {
    match kind {
        SetType::Ipv4Addr => return Ipv4Addr::from_bits(value as u32).to_string(),
        SetType::Ipv6Addr => return address(Ipv6Addr::from_bits(value).into()),
        SetType::EtherAddr => {
            let bytes = value.to_be_bytes();
            return bytes[10..].iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":");
        }
        SetType::Mark => return format!("{value:#010x}"),
        kind if is_bitmask(kind) => return print_bits(kind, value as u32, numeric),
        _ => {}
    }
    let word = symbols(kind).iter().find(|(_, v)| u128::from(*v) == value);
    match (word, kind) {
        (Some((word, _)), _) if !numeric => (*word).to_owned(),
        (_, SetType::Dscp) => format!("{value:#04x}"),
        (_, SetType::EtherType) => format!("{value:#06x}"),
        _ => value.to_string(),
    }
}

/// A part of an element's key.
pub(super) fn print_part(name: Option<&str>, span: Span, kind: SetType, numeric: bool) -> String {
    name.map_or_else(|| print_span(span, kind, numeric), |name| format!("\"{name}\""))
}

/// One element of a set or map with such keys.
pub fn print_elem(elem: &Elem, keys: &[SetType], data: Option<SetType>, style: Style) -> String {
    let numeric = style.numeric;
    let kind = |i: usize| keys.get(i).copied().unwrap_or(SetType::Integer);
    let mut out = print_part(elem.name.as_deref(), elem.span, kind(0), numeric);
    for (i, part) in elem.more.iter().enumerate() {
        out += " . ";
        out += &print_part(part.name.as_deref(), part.span, kind(i + 1), numeric);
    }
    if let Some(each) = &elem.each {
        out += &format!(" {}", print_stmt(&each.stmt(), style));
    }
    if let Some(ms) = elem.timeout_ms {
        out += &format!(" timeout {}", print_time(ms));
    }
    if let Some(ms) = elem.expires_in_ms.filter(|_| !style.stateless) {
        out += &format!(" expires {}", print_time(ms));
    }
    if let Some(comment) = &elem.comment {
        out += &format!(" comment \"{comment}\"");
    }
    if let Some(verdict) = &elem.verdict {
        out += &format!(" : {}", print_verdict(verdict));
    }
    if let (Some(span), Some(data)) = (elem.data, data) {
        out += &format!(" : {}", print_span(span, data, numeric));
    }
    out
}

/// A time, of milliseconds (`time_print`).
pub fn print_time(ms: u64) -> String {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let (mut left, mut out) = (ms, String::new());
    for (unit, size) in UNITS {
        if left >= size {
            out += &format!("{}{unit}", left / size);
            left %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// A time as it is written, in milliseconds: days, hours, minutes, seconds, milliseconds, in that order.
pub fn time(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let (mut rest, mut sum, mut units) = (text, 0u64, UNITS.iter());
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let end = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = tail.split_at(end);
        let size = units.find(|(known, _)| *known == unit)?.1;
        sum = sum.saturating_add(number.parse::<u64>().ok()?.saturating_mul(size));
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// The names of log levels, by number.
pub const LOG_LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/// ICMP's codes of type 3.
pub const ICMP_CODES: [(&str, u32); 8] = [
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
    ("frag-needed", 4),
];

/// The same of ICMPv6's type 1.
pub const ICMP6_CODES: [(&str, u32); 6] = [
    ("no-route", 0),
    ("admin-prohibited", 1),
    ("addr-unreachable", 3),
    ("port-unreachable", 4),
    ("policy-fail", 5),
    ("reject-route", 6),
];

/// The same of both (`NFT_REJECT_ICMPX_*`).
pub const ICMPX_CODES: [(&str, u32); 4] =
    [("port-unreachable", 1), ("admin-prohibited", 3), ("no-route", 0), ("host-unreachable", 2)];

/// TCP's flags, by bit.
pub const TCP_FLAGS: [(&str, u32); 8] =
    [("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128)];

/// A connection's status, by bit.
pub const CT_STATUS: [(&str, u32); 7] =
    [("expected", 1), ("seen-reply", 2), ("assured", 4), ("confirmed", 8), ("snat", 16), ("dnat", 32), ("dying", 512)];

/// ICMP's types.
pub const ICMP_TYPES: [(&str, u32); 15] = [
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
    ("address-mask-reply", 18),
];

/// ICMPv6's types.
pub const ICMP6_TYPES: [(&str, u32); 19] = [
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("mld-listener-query", 130),
    ("mld-listener-report", 131),
    ("mld-listener-done", 132),
    ("mld-listener-reduction", 132),
    ("nd-router-solicit", 133),
    ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135),
    ("nd-neighbor-advert", 136),
    ("nd-redirect", 137),
    ("router-renumbering", 138),
    ("ind-neighbor-solicit", 141),
    ("ind-neighbor-advert", 142),
    ("mld2-listener-report", 143),
];

/// Types of frames.
pub const ETHER_TYPES: [(&str, u32); 6] =
    [("ip", 0x0800), ("arp", 0x0806), ("ip6", 0x86dd), ("8021q", 0x8100), ("8021ad", 0x88a8), ("vlan", 0x8100)];

/// DSCP classes.
pub const DSCPS: [(&str, u32); 22] = [
    ("cs0", 0x00),
    ("cs1", 0x08),
    ("cs2", 0x10),
    ("cs3", 0x18),
    ("cs4", 0x20),
    ("cs5", 0x28),
    ("cs6", 0x30),
    ("cs7", 0x38),
    ("be", 0x00),
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

/// Kinds of packets.
pub const PKT_TYPES: [(&str, u32); 5] = [("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3)];

/// Kinds of addresses.
pub const ADDR_TYPES: [(&str, u32); 9] = [
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

/// Protocols, as `/etc/protocols` names them.
#[rustfmt::skip]
pub const PROTOCOLS: [(&str, u32); 58] = [
    ("ip", 0), ("icmp", 1), ("igmp", 2), ("ggp", 3), ("ipencap", 4), ("st", 5), ("tcp", 6), ("egp", 8), ("igp", 9), ("pup", 12),
    ("udp", 17), ("hmp", 20), ("xns-idp", 22), ("rdp", 27), ("iso-tp4", 29), ("dccp", 33), ("xtp", 36), ("ddp", 37),
    ("idpr-cmtp", 38), ("ipv6", 41), ("ipv6-route", 43), ("ipv6-frag", 44), ("idrp", 45), ("rsvp", 46), ("gre", 47), ("esp", 50),
    ("ah", 51), ("skip", 57), ("ipv6-icmp", 58), ("ipv6-nonxt", 59), ("ipv6-opts", 60), ("rspf", 73), ("vmtp", 81), ("eigrp", 88),
    ("ospf", 89), ("ax.25", 93), ("ipip", 94), ("etherip", 97), ("encap", 98), ("pim", 103), ("ipcomp", 108), ("vrrp", 112),
    ("l2tp", 115), ("isis", 124), ("sctp", 132), ("fc", 133), ("mobility-header", 135), ("udplite", 136), ("mpls-in-ip", 137),
    ("manet", 138), ("hip", 139), ("shim6", 140), ("wesp", 141), ("rohc", 142), ("ethernet", 143), ("icmpv6", 58), ("hopopt", 0),
    ("comp", 108),
];
