//! Filter expressions.
//!
//! Counterpart: `pcap-filter(7)` of libpcap 1.10.3: `host`, `net`, `port`, `portrange` with `src` and `dst`, for `ether`,
//! `ip`, `arp`, `tcp`, `udp`; `proto`, `broadcast`, `multicast`, `less`, `greater`, protocol words, `inbound` and
//! `outbound`, arithmetic (see [`super::arith`]), joined by `and`, `or`, `not` and brackets. `and` and `or` bind alike, from
//! left to right. Deliberately absent: `vlan`, `mpls`, `gateway`, IPv6 addresses.

use super::arith::{self, Part, Parts, Relation};
use super::inet::PROTOCOLS;
use super::packet::{COOKED_LEN, LinkType, Packet};
use crate::names::{Names, Services};
use nettwin_model::Mac;
use nettwin_model::probe::Direction;
use nettwin_model::wire::{PROTO_TCP, PROTO_UDP};
use std::cell::Cell;
use std::net::Ipv4Addr;

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Everything.
    All,
    Not(Box<Filter>),
    Both(Box<Filter>, Box<Filter>),
    Either(Box<Filter>, Box<Filter>),
    /// The Ethernet type, or `None` for a length instead.
    Ethertype(u16),
    /// The service access points of 802.2, both of them.
    Sap(u8),
    /// The protocol in an IPv4 header.
    Proto(u8),
    /// A network: which end, in IP or ARP or both, address and mask.
    Net(Way, Carrier, u32, u32),
    /// Ports from to, in these protocols.
    Ports(Way, Vec<u8>, u16, u16),
    EtherHost(Way, Mac),
    EtherMulticast,
    IpMulticast,
    /// At most so long.
    Less(usize),
    /// At least so long.
    Greater(usize),
    Inbound,
    Outbound,
    Arithmetic(Relation),
}

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Src,
    Dst,
    Either,
    Both,
}

/// In which packets an address is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Any,
    Ip,
    Arp,
    Rarp,
}

/// Why an expression is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// libpcap says so.
    Said(String),
    /// libpcap knows it, this does not.
    Unsupported(String),
}

/// Where names are looked up.
pub(super) struct Lookup<'a> {
    pub(super) hosts: &'a Names,
    pub(super) services: &'a Services,
}

/// Reads an expression.
pub(super) fn parse(text: &str, lookup: &Lookup<'_>) -> Result<Filter, Wrong> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Filter::All);
    }
    let mut parser = Parser { tokens: &tokens, at: 0, lookup, last: None, depth: 0 };
    let filter = parser.expression()?;
    if parser.at < tokens.len() { Err(syntax()) } else { Ok(filter) }
}

fn syntax() -> Wrong {
    Wrong::Said("can't parse filter expression: syntax error".to_owned())
}

fn said(text: impl Into<String>) -> Wrong {
    Wrong::Said(text.into())
}

fn tokens(text: &str) -> Result<Vec<&str>, Wrong> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    let mut brackets = 0i32;
    while let Some(first) = rest.chars().next() {
        brackets += i32::from(first == '[') - i32::from(first == ']');
        let pair = ["&&", "||", "==", "!=", "<=", ">=", "<<", ">>"].iter().any(|pair| rest.starts_with(pair));
        let len = match first {
            '&' | '|' | '=' | '!' | '<' | '>' if pair => 2,
            '(' | ')' | '[' | ']' | '=' | '<' | '>' | '&' | '|' | '+' | '*' | '/' | '!' | '^' | '%' => 1,
            ':' | '-' if brackets > 0 => 1,
            // In brackets a number ends before a colon.
            '0'..='9' if brackets > 0 => rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len()),
            c if c.is_ascii_alphanumeric() || matches!(c, '\\' | '_' | '.' | ':' | '-') => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '\\' | '_' | '.' | ':' | '-' | '/');
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            }
            _ => return Err(syntax()),
        };
        out.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    Ok(out)
}

/// What stands before an identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head<'a> {
    proto: Option<&'a str>,
    way: Option<Way>,
    kind: Option<&'a str>,
}

struct Parser<'a, 'b> {
    tokens: &'a [&'a str],
    at: usize,
    lookup: &'b Lookup<'b>,
    /// The qualifiers of the identifier before, which the next may do without.
    last: Option<Head<'a>>,
    depth: u32,
}

impl<'a> Parser<'a, '_> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn eat(&mut self, any: &[&str]) -> Option<&'a str> {
        let found = self.peek().filter(|t| any.contains(t))?;
        self.at += 1;
        Some(found)
    }

    fn expression(&mut self) -> Result<Filter, Wrong> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(said("expression is too deep"));
        }
        let mut filter = self.term(false)?;
        while let Some(word) = self.eat(&["and", "&&", "or", "||"]) {
            let right = Box::new(self.term(true)?);
            let left = Box::new(filter);
            filter = if matches!(word, "and" | "&&") { Filter::Both(left, right) } else { Filter::Either(left, right) };
        }
        self.depth -= 1;
        Ok(filter)
    }

    fn term(&mut self, may_be_bare: bool) -> Result<Filter, Wrong> {
        let mut negations = 0;
        while self.eat(&["not", "!"]).is_some() {
            negations += 1;
        }
        let filter = if let Some(relation) = self.arithmetic()? {
            relation
        } else if self.eat(&["("]).is_some() {
            let inner = self.expression()?;
            self.eat(&[")"]).ok_or_else(syntax)?;
            inner
        } else {
            self.primitive(may_be_bare || self.last.is_some())?
        };
        Ok(if negations % 2 == 1 { Filter::Not(Box::new(filter)) } else { filter })
    }

    /// A relation, if one begins here. A bracket may begin one as well as an expression.
    fn arithmetic(&mut self) -> Result<Option<Filter>, Wrong> {
        let rest = &self.tokens[self.at..];
        let Some((first, behind)) = rest.split_first() else { return Ok(None) };
        let begins = arith::begins(first, behind.first().copied());
        if !begins && *first != "(" {
            return Ok(None);
        }
        match arith::relation(rest) {
            Ok((relation, taken)) => {
                self.at += taken;
                Ok(Some(Filter::Arithmetic(relation)))
            }
            Err(_) if begins => Err(syntax()),
            Err(_) => Ok(None),
        }
    }

    fn primitive(&mut self, may_be_bare: bool) -> Result<Filter, Wrong> {
        match self.peek().ok_or_else(syntax)? {
            "less" | "greater" => {
                let word = self.tokens[self.at];
                self.at += 1;
                let number = self.number()?;
                return Ok(if word == "less" { Filter::Less(number) } else { Filter::Greater(number) });
            }
            "inbound" => return self.take(Filter::Inbound),
            "outbound" => return self.take(Filter::Outbound),
            "broadcast" => return self.take(Filter::EtherHost(Way::Dst, Mac::BROADCAST)),
            "multicast" => return self.take(Filter::EtherMulticast),
            word @ ("vlan" | "mpls" | "pppoed" | "pppoes" | "geneve" | "gateway" | "wlan" | "link") => {
                return Err(Wrong::Unsupported(word.to_owned()));
            }
            _ => {}
        }
        let head = self.head()?;
        let bare = head == Head::default();
        // Only what cannot be a word of the language itself is an identifier.
        let next = self.peek().filter(|t| !["and", "or", "not", "&&", "||", "!", "(", ")"].contains(t));
        match (next, head.proto) {
            (Some("broadcast"), Some("ether")) => self.take(Filter::EtherHost(Way::Dst, Mac::BROADCAST)),
            (Some("multicast"), Some("ether")) => self.take(Filter::EtherMulticast),
            (Some("multicast"), Some("ip")) => self.take(Filter::IpMulticast),
            (Some("broadcast"), Some("ip")) => Err(Wrong::Unsupported("ip broadcast".to_owned())),
            (Some(id), _) if !bare => {
                self.at += 1;
                self.last = Some(head);
                self.identifier(head, id)
            }
            (Some(id), _) if may_be_bare => {
                let head = self.last.ok_or_else(syntax)?;
                self.at += 1;
                self.identifier(head, id)
            }
            (None, Some(proto)) if head.way.is_none() && head.kind.is_none() => protocol(proto).ok_or_else(syntax),
            _ => Err(syntax()),
        }
    }

    fn take(&mut self, filter: Filter) -> Result<Filter, Wrong> {
        self.at += 1;
        Ok(filter)
    }

    fn number(&mut self) -> Result<usize, Wrong> {
        let word = self.peek().ok_or_else(syntax)?;
        self.at += 1;
        word.parse().map_err(|_| syntax())
    }

    /// Protocol, direction and type, as far as they are there.
    fn head(&mut self) -> Result<Head<'a>, Wrong> {
        let proto = self.eat(HEAD_PROTOCOLS);
        let mut way = None;
        if let Some(word) = self.eat(&["src", "dst"]) {
            let here = if word == "src" { Way::Src } else { Way::Dst };
            let (other, before) = (if word == "src" { "dst" } else { "src" }, self.at);
            way = Some(here);
            if let Some(joint) = self.eat(&["or", "and", "||", "&&"]) {
                if self.eat(&[other]).is_some() {
                    way = Some(if matches!(joint, "or" | "||") { Way::Either } else { Way::Both });
                } else {
                    self.at = before;
                }
            }
        }
        let kind = self.eat(&["host", "net", "port", "portrange", "proto"]);
        if proto.is_none() && way.is_none() && kind.is_none() && self.peek().is_none() {
            return Err(syntax());
        }
        Ok(Head { proto, way, kind })
    }

    fn identifier(&mut self, head: Head<'a>, id: &str) -> Result<Filter, Wrong> {
        let way = head.way.unwrap_or(Way::Either);
        match (head.kind.unwrap_or("host"), head.proto) {
            ("proto", Some("ether")) => {
                let name = id.trim_start_matches('\\');
                let number = crate::number::strtol_rest(name, 0).filter(|(_, rest)| rest.is_empty());
                match (protocol(name), number) {
                    (Some(filter @ (Filter::Ethertype(_) | Filter::Sap(_))), _) => Ok(filter),
                    (_, Some((n, _))) => u16::try_from(n).map(Filter::Ethertype).map_err(|_| syntax()),
                    _ => Err(said(format!("unknown ether proto '{name}'"))),
                }
            }
            ("proto", None | Some("ip")) => {
                let name = id.trim_start_matches('\\');
                let known = PROTOCOLS.iter().find(|(n, _)| *n == name).map(|(_, number)| *number);
                match known.or_else(|| name.parse().ok()) {
                    Some(number) => Ok(Filter::Proto(number)),
                    None => Err(said(format!("unknown ip proto '{name}'"))),
                }
            }
            ("proto", Some(other)) => Err(Wrong::Unsupported(format!("{other} proto"))),
            ("port" | "portrange", Some("ether" | "arp" | "rarp")) => Err(said("illegal qualifier of 'port'")),
            ("port", proto) => {
                let (protos, port) = self.port(proto, id, "port")?;
                Ok(Filter::Ports(way, protos, port, port))
            }
            ("portrange", proto) => {
                let (first, last) = id.split_once('-').unwrap_or((id, id));
                let (protos, first) = self.port(proto, first, "port in range")?;
                let (_, last) = self.port(proto, last, "port in range")?;
                Ok(Filter::Ports(way, protos, first.min(last), first.max(last)))
            }
            (_, Some("ether")) => match id.parse::<Mac>() {
                Ok(mac) => Ok(Filter::EtherHost(way, mac)),
                Err(_) if id.starts_with(|c: char| c.is_ascii_digit()) => Err(said("illegal link layer address")),
                Err(_) => Err(said(format!("unknown ether host '{id}'"))),
            },
            (kind, proto) => {
                let carrier = match proto {
                    None => Carrier::Any,
                    Some("ip") => Carrier::Ip,
                    Some("arp") => Carrier::Arp,
                    Some("rarp") => Carrier::Rarp,
                    Some(other) => return Err(said(format!("'{other}' modifier applied to {kind}"))),
                };
                let (addr, mask) = self.network(kind, id)?;
                Ok(Filter::Net(way, carrier, addr, mask))
            }
        }
    }

    /// A port and the protocols that have it.
    fn port(&self, proto: Option<&str>, id: &str, what: &str) -> Result<(Vec<u8>, u16), Wrong> {
        let protos = match proto {
            Some("tcp") => vec![PROTO_TCP],
            Some("udp") => vec![PROTO_UDP],
            Some("sctp") => vec![132],
            _ => vec![PROTO_TCP, PROTO_UDP, 132],
        };
        if let Ok(number) = id.parse::<u64>() {
            let port = u16::try_from(number).map_err(|_| said(format!("illegal port number {number} > 65535")))?;
            return Ok((protos, port));
        }
        let named = ["tcp", "udp"].into_iter().find_map(|p| self.lookup.services.of_name(p, id));
        named.map(|port| (protos, port)).ok_or_else(|| said(format!("unknown {what} '{id}'")))
    }

    /// An address with its mask: in full, in part, with a length or a mask, or a name.
    fn network(&mut self, kind: &str, id: &str) -> Result<(u32, u32), Wrong> {
        if id.parse::<Mac>().is_ok() {
            return Err(said("ethernet address used in non-ether expression"));
        }
        if id.contains(':') {
            return Err(Wrong::Unsupported(id.to_owned()));
        }
        let (text, len) = match id.split_once('/') {
            Some((text, len)) => (text, Some(len.parse::<u32>().map_err(|_| syntax())?)),
            None => (id, None),
        };
        let parts: Option<Vec<u8>> = text.split('.').map(|part| part.parse().ok()).collect();
        let Some(parts) = parts.filter(|parts| parts.len() <= 4) else {
            let found = self.lookup.hosts.of_name(text).map(|(addr, _)| (addr.to_bits(), u32::MAX));
            let what = if kind == "net" { "network" } else { "host" };
            return found.ok_or_else(|| said(format!("unknown {what} '{text}'")));
        };
        // At most four.
        let mut whole = [0; 4];
        whole[..parts.len()].copy_from_slice(&parts);
        let addr = Ipv4Addr::from(whole).to_bits();
        let mask_of = |len: u32| u32::MAX.checked_shl(32 - len).unwrap_or(0);
        let mask = match len {
            Some(len) if len > 32 => return Err(said("mask length must be <= 32")),
            Some(len) => mask_of(len),
            None if kind == "net" && self.eat(&["mask"]).is_some() => {
                let word = self.peek().ok_or_else(syntax)?;
                self.at += 1;
                word.parse::<Ipv4Addr>().map_err(|_| syntax())?.to_bits()
            }
            None => mask_of(8 * parts.len() as u32), // At most four.
        };
        if addr & !mask != 0 {
            return Err(said(format!("non-network bits set in \"{id}\"")));
        }
        Ok((addr, mask))
    }
}

/// A protocol's word alone.
fn protocol(word: &str) -> Option<Filter> {
    Some(match word {
        "ip" => Filter::Ethertype(0x0800),
        "arp" => Filter::Ethertype(0x0806),
        "rarp" => Filter::Ethertype(0x8035),
        "ip6" => Filter::Ethertype(0x86dd),
        "stp" => Filter::Sap(0x42),
        _ => Filter::Proto(PROTOCOLS.iter().find(|(name, _)| *name == word)?.1),
    })
}

impl Filter {
    /// Whether a packet passes.
    pub(super) fn passes(&self, link: LinkType, packet: &Packet) -> bool {
        let bytes = packet.bytes.as_slice();
        let view = match link {
            LinkType::Ethernet => bytes.get(12..14).map(|t| (u16::from_be_bytes([t[0], t[1]]), &bytes[14..])),
            LinkType::Cooked => {
                bytes.get(..COOKED_LEN).map(|h| (u16::from_be_bytes([h[0], h[1]]), &bytes[COOKED_LEN..]))
            }
        };
        let Some((ethertype, payload)) = view else { return matches!(self, Filter::All) };
        let eth = (link == LinkType::Ethernet).then_some(bytes);
        let view = View { packet, eth, ethertype, payload, outside: Cell::new(false) };
        self.holds(&view) && !view.outside.get()
    }

    fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Filter::All => true,
            Filter::Not(inner) => !inner.holds(view),
            Filter::Both(a, b) => a.holds(view) && b.holds(view),
            Filter::Either(a, b) => a.holds(view) || b.holds(view),
            Filter::Ethertype(ethertype) => view.ethertype == *ethertype,
            Filter::Sap(sap) => view.ethertype < 0x600 && view.payload.starts_with(&[*sap, *sap]),
            Filter::Proto(proto) => view.ip().is_some_and(|ip| ip[9] == *proto),
            Filter::Net(way, carrier, addr, mask) => {
                let at = match view.ethertype {
                    0x0800 if matches!(carrier, Carrier::Any | Carrier::Ip) => (12, 16),
                    0x0806 if matches!(carrier, Carrier::Any | Carrier::Arp) => (14, 24),
                    0x8035 if matches!(carrier, Carrier::Any | Carrier::Rarp) => (14, 24),
                    _ => return false,
                };
                let matches = |at: usize| {
                    let word = view.payload.get(at..).and_then(|b| b.first_chunk());
                    word.is_some_and(|word| u32::from_be_bytes(*word) & mask == *addr)
                };
                way.holds(matches(at.0), matches(at.1))
            }
            Filter::Ports(way, protos, first, last) => {
                let Some(ip) = view.ip().filter(|ip| protos.contains(&ip[9])) else { return false };
                let header_len = usize::from(ip[0] & 15) * 4;
                // Only a first fragment has ports.
                let is_first = u16::from_be_bytes([ip[6], ip[7]]) & 0x1fff == 0;
                let matches = |at: usize| {
                    let word = ip.get(header_len + at..).and_then(|b| b.first_chunk());
                    word.is_some_and(|word| (*first..=*last).contains(&u16::from_be_bytes(*word)))
                };
                is_first && way.holds(matches(0), matches(2))
            }
            Filter::EtherHost(way, mac) => {
                view.eth.is_some_and(|eth| way.holds(eth[6..12] == mac.0, eth[..6] == mac.0))
            }
            Filter::EtherMulticast => view.eth.is_some_and(|eth| eth[0] & 1 == 1),
            Filter::IpMulticast => view.ip().is_some_and(|ip| ip[16] >= 224),
            Filter::Less(len) => view.packet.len <= *len,
            Filter::Greater(len) => view.packet.len >= *len,
            Filter::Inbound => view.packet.direction != Some(Direction::Out),
            Filter::Outbound => view.packet.direction == Some(Direction::Out),
            Filter::Arithmetic(relation) => relation.holds(view, &view.outside),
        }
    }
}

impl Way {
    fn holds(self, src: bool, dst: bool) -> bool {
        match self {
            Way::Src => src,
            Way::Dst => dst,
            Way::Either => src || dst,
            Way::Both => src && dst,
        }
    }
}

struct View<'a> {
    packet: &'a Packet,
    eth: Option<&'a [u8]>,
    ethertype: u16,
    payload: &'a [u8],
    /// The packet ended before what was asked for.
    outside: Cell<bool>,
}

impl Parts for View<'_> {
    fn part(&self, part: Part) -> Option<&[u8]> {
        match part {
            Part::Link => Some(&self.packet.bytes),
            Part::Network(ethertype) => (self.ethertype == ethertype).then_some(self.payload),
            Part::Transport(proto) => {
                let ip = self.ip().filter(|ip| ip[9] == proto && u16::from_be_bytes([ip[6], ip[7]]) & 0x1fff == 0)?;
                ip.get(usize::from(ip[0] & 15) * 4..)
            }
        }
    }

    fn len(&self) -> u32 {
        u32::try_from(self.packet.len).unwrap_or(u32::MAX)
    }
}

impl<'a> View<'a> {
    fn ip(&self) -> Option<&'a [u8]> {
        (self.ethertype == 0x0800 && self.payload.len() >= 20).then_some(self.payload)
    }
}

/// Deeper brackets would need a deeper stack.
const MAX_DEPTH: u32 = 100;

const HEAD_PROTOCOLS: &[&str] = &[
    "ether", "ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "igmp", "sctp", "stp", "icmp6", "gre", "esp", "ah",
    "pim", "vrrp",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(text: &str) -> Result<Filter, Wrong> {
        let (hosts, services) = (Names::default(), Services::default());
        parse(text, &Lookup { hosts: &hosts, services: &services })
    }

    fn frame(ethertype: u16, payload: &[u8]) -> Packet {
        let bytes = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1][..], &ethertype.to_be_bytes(), payload].concat();
        Packet { at: Duration::ZERO, len: bytes.len(), bytes, direction: None }
    }

    /// A datagram from 10.0.0.1:1000 to 10.0.1.2:53.
    fn datagram() -> Packet {
        let ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 1, 2];
        frame(0x0800, &[&ip[..], &1000u16.to_be_bytes(), &53u16.to_be_bytes(), &[0, 8, 0, 0]].concat())
    }

    #[test]
    fn expressions_choose_packets() {
        let check = |text: &str, passes: bool| {
            assert_eq!(read(text).unwrap().passes(LinkType::Ethernet, &datagram()), passes, "{text}");
        };
        for text in [
            "",
            "udp",
            "ip",
            "host 10.0.0.1",
            "src host 10.0.0.1",
            "dst 10.0.1.2",
            "net 10",
            "net 10.0.1.0/24",
            "src net 10.0.0.0 mask 255.255.255.0",
            "port 53",
            "udp port 53 or 54",
            "dst port 54 or 53",
            "not tcp",
            "! icmp && (arp or udp)",
            "ether host 02:00:00:00:00:01",
            "ether dst 02:00:00:00:00:02",
            "ip proto 17",
            "ip proto \\udp",
            "ether proto \\ip",
            "ether proto 0x800",
            "portrange 50-60",
            "src or dst host 10.0.1.2",
            "less 42",
            "greater 42",
            "host 10.0.0.1 and not port 22",
            "tcp or udp and ip",
            "src host 9.9.9.9 or 10.0.0.1",
            "udp[2:2] = 53",
            "ip[9] == 17 and len = 42",
            "(ip[8] & 0xf0) >> 4 = 4",
            "not (ip[0] & 0xf != 5)",
            "ether[0] & 1 = 0",
        ] {
            check(text, true);
        }
        for text in [
            "tcp",
            "icmp",
            "arp",
            "src 10.0.1.2",
            "host 10.0.0.9",
            "dst port 1000",
            "tcp port 53",
            "not udp",
            "stp",
            "src and dst host 10.0.0.1",
            "ether multicast",
            "broadcast",
            "arp host 10.0.0.1",
            "greater 43",
            "ip multicast",
            "(udp) and not (port 53)",
            "udp or ip and tcp",
            "tcp[tcpflags] & tcp-syn != 0",
            "icmp[icmptype] = icmp-echo",
            "udp[8] = 0",
            "not udp[8] = 0",
            "len > 42",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn what_is_no_expression_is_said() {
        let check = |text: &str, expect: &str| match read(text) {
            Err(Wrong::Said(text)) => assert_eq!(text, expect),
            other => panic!("{text}: {other:?}"),
        };
        let syntax = "can't parse filter expression: syntax error";
        for text in ["foo", "host", "icmp and", "(icmp", "icmp)", "@", "foo bar", "and", "not", "10.0.0.1", "src"] {
            check(text, syntax);
        }
        check("host foo", "unknown host 'foo'");
        check("src foo", "unknown host 'foo'");
        check("host 1.2.3.4.5", "unknown host '1.2.3.4.5'");
        check("port foo", "unknown port 'foo'");
        check("port 99999", "illegal port number 99999 > 65535");
        check("net 10.0.0.1/24", "non-network bits set in \"10.0.0.1/24\"");
        check("net 10.0.0.0/33", "mask length must be <= 32");
        check("host 02:00:00:00:00:01", "ethernet address used in non-ether expression");
        check("ether host 10.0.0.1", "illegal link layer address");
        check("ip proto foo", "unknown ip proto 'foo'");
        check("tcp[13 & 2", syntax);
        check("len >", syntax);
        check("tcp[0:3] = 1", syntax);
    }
}
