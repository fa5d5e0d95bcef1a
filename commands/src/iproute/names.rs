//! Names for numbers: scopes, protocols, tables, types of service.
//!
//! Counterpart: `lib/rt_names.c` with Debian 12's `/etc/iproute2/`.

use super::args::{matches, unsigned, whole};
use nettwin_model::route::RouteKind;
use nettwin_model::words::route::{proto_word, scope_word, table_word};
use nettwin_model::{Nud, Scope};

/// A scope by name or number (`rtnl_rtscope_a2n`).
pub(crate) fn scope(word: &str) -> Option<Scope> {
    by_name(word, |n| scope_word(Scope(n))).or_else(|| super::args::u8(word)).map(Scope)
}

/// A route's maker by name or number (`rtnl_rtprot_a2n`).
pub(crate) fn proto(word: &str) -> Option<u8> {
    by_name(word, proto_word).or_else(|| super::args::u8(word))
}

/// A group of links by name or number (`rtnl_group_a2n`).
pub(crate) fn group(word: &str) -> Option<u32> {
    match word {
        "default" => Some(0),
        word => super::args::integer(word).and_then(|n| n.try_into().ok()),
    }
}

/// Its name, or its number.
pub(crate) fn group_word(group: u32) -> String {
    if group == 0 { "default".to_owned() } else { group.to_string() }
}

/// A routing table by name or number (`rtnl_rttable_a2n`).
pub(crate) fn table(word: &str) -> Option<u32> {
    match word {
        "unspec" => Some(0),
        _ => by_name(word, |n| table_word(n.into())).map(u32::from).or_else(|| unsigned(word)),
    }
}

/// A type of service by name or hexadecimal number (`rtnl_dsfield_a2n`).
pub(crate) fn dsfield(word: &str) -> Option<u8> {
    let named = DSFIELDS.into_iter().find(|(_, name)| *name == word).map(|(n, _)| n);
    named.or_else(|| whole(word, 16).and_then(|n| n.try_into().ok()))
}

/// Its name, or its number.
pub(crate) fn dsfield_word(tos: u8) -> String {
    match DSFIELDS.into_iter().find(|(n, _)| *n == tos) {
        Some((_, name)) => name.to_owned(),
        None => format!("0x{tos:02x}"),
    }
}

/// The number of a route's kind by name or number (`rtnl_rtntype_a2n`).
pub(crate) fn route_type(word: &str) -> Option<u8> {
    match word {
        "local" => return Some(2),
        "nat" => return Some(10),
        "brd" => return Some(3),
        "throw" => return Some(9),
        _ => {}
    }
    const ABBREVIATED: [(&str, u8); 8] = [
        ("broadcast", 3),
        ("anycast", 4),
        ("multicast", 5),
        ("prohibit", 8),
        ("unreachable", 7),
        ("blackhole", 6),
        ("xresolve", 11),
        ("unicast", 1),
    ];
    let named = ABBREVIATED.into_iter().find(|(full, _)| matches(word, full)).map(|(_, n)| n);
    named.or_else(|| super::args::u8(word))
}

/// The kind of that number, of those that the model knows.
pub(crate) fn route_kind(number: u8) -> Option<RouteKind> {
    use RouteKind::*;
    let kinds = [None, Some(Unicast), Some(Local), Some(Broadcast), None, Some(Multicast), Some(Blackhole)];
    let more = [Some(Unreachable), Some(Prohibit), Some(Throw)];
    kinds.into_iter().chain(more).nth(usize::from(number)).flatten()
}

/// A neighbour's state (`nud_state_a2n`); some may be abbreviated.
pub(crate) fn nud(word: &str) -> Option<Nud> {
    match word {
        w if matches(w, "permanent") => Some(Nud::Permanent),
        w if matches(w, "reachable") => Some(Nud::Reachable),
        "noarp" => Some(Nud::Noarp),
        "none" => Some(Nud::None),
        "stale" => Some(Nud::Stale),
        "incomplete" => Some(Nud::Incomplete),
        "delay" => Some(Nud::Delay),
        "probe" => Some(Nud::Probe),
        w if matches(w, "failed") => Some(Nud::Failed),
        w => unsigned(w).and_then(|n| Nud::from_bit(n.try_into().ok()?)),
    }
}

/// An IP protocol by number or name (`inet_proto_a2n`).
pub(crate) fn ipproto(word: &str) -> Option<u8> {
    let number = whole(word, 10).and_then(|n| u8::try_from(n).ok());
    number.or_else(|| IP_PROTOCOLS.iter().find(|(name, _)| *name == word).map(|(_, n)| *n))
}

/// Its name, or its number.
pub(crate) fn ipproto_word(number: u8) -> String {
    match IP_PROTOCOLS.iter().find(|(_, n)| *n == number) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("ipproto-{number}"),
    }
}

/// The number whose word it is. A number's own digits are a word, too.
fn by_name(word: &str, name: impl Fn(u8) -> String) -> Option<u8> {
    (0..=u8::MAX).find(|n| name(*n) == word)
}

/// `/etc/protocols`.
const IP_PROTOCOLS: [(&str, u8); 56] = [
    ("ip", 0),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("st", 5),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("pup", 12),
    ("udp", 17),
    ("hmp", 20),
    ("xns-idp", 22),
    ("rdp", 27),
    ("iso-tp4", 29),
    ("dccp", 33),
    ("xtp", 36),
    ("ddp", 37),
    ("idpr-cmtp", 38),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("idrp", 45),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("skip", 57),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("rspf", 73),
    ("vmtp", 81),
    ("eigrp", 88),
    ("ospf", 89),
    ("ax.25", 93),
    ("ipip", 94),
    ("etherip", 97),
    ("encap", 98),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("sctp", 132),
    ("fc", 133),
    ("mobility-header", 135),
    ("udplite", 136),
    ("mpls-in-ip", 137),
    ("manet", 138),
    ("hip", 139),
    ("shim6", 140),
    ("wesp", 141),
    ("rohc", 142),
    ("ethernet", 143),
];

/// `/etc/iproute2/rt_dsfield`.
const DSFIELDS: [(u8, &str); 21] = [
    (0x00, "default"),
    (0x20, "CS1"),
    (0x28, "AF11"),
    (0x30, "AF12"),
    (0x38, "AF13"),
    (0x40, "CS2"),
    (0x48, "AF21"),
    (0x50, "AF22"),
    (0x58, "AF23"),
    (0x60, "CS3"),
    (0x68, "AF31"),
    (0x70, "AF32"),
    (0x78, "AF33"),
    (0x80, "CS4"),
    (0x88, "AF41"),
    (0x90, "AF42"),
    (0x98, "AF43"),
    (0xa0, "CS5"),
    (0xb8, "EF"),
    (0xc0, "CS6"),
    (0xe0, "CS7"),
];
