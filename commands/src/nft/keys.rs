//! What nft's expressions look at.
//!
//! Counterpart: nftables 1.0.6, `primary_expr` of `src/parser_bison.y`. Deliberately absent: the fields and keys that are refused by
//! their names.

use super::parse::{Parser, Read, unsupported};
use super::source::Kind;
use super::tree::{Expr, Is};
use nettwin_model::rules::{Key, Level4, words};

impl Parser {
    /// Keys with points between, each perhaps masked.
    pub(super) fn keys(&mut self) -> Read<Expr> {
        let first = self.masked()?;
        if !self.is(".") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(".") {
            parts.push(self.masked()?);
        }
        Ok(Expr { at: parts[0].at.to(self.last()), is: Is::Concat(parts) })
    }

    /// A key, and what is done with its bits.
    pub(super) fn masked(&mut self) -> Read<Expr> {
        let mut left = self.key()?;
        loop {
            let op = match self.peek().text.as_str() {
                "&" | "and" => '&',
                "|" | "or" => '|',
                "^" | "xor" => '^',
                "<<" | ">>" | "lshift" | "rshift" => return unsupported(self.peek().text.clone()),
                _ => return Ok(left),
            };
            if !matches!(self.peek().kind, Kind::Mark | Kind::Word) {
                return Ok(left);
            }
            self.next();
            let right = self.primary_right()?;
            left = Expr { at: left.at.to(right.at), is: Is::Binary(op, Box::new(left), Box::new(right)) };
        }
    }

    /// Whether what comes next is looked at, and not compared with.
    pub(super) fn begins_key(&self) -> bool {
        const FIRST: [&str; 22] = [
            "ip", "ip6", "tcp", "udp", "icmp", "icmpv6", "ether", "th", "meta", "ct", "fib", "iif", "oif", "iifname",
            "oifname", "mark", "pkttype", "rt", "numgen", "jhash", "symhash", "socket",
        ];
        let token = self.peek();
        token.kind == Kind::Word && FIRST.contains(&token.text.as_str())
    }

    /// What is looked at.
    pub(super) fn key(&mut self) -> Read<Expr> {
        let token = self.peek().clone();
        let word = if token.kind == Kind::Word { token.text.as_str() } else { "" };
        let key = match word {
            "ip" | "ip6" | "tcp" | "udp" | "icmp" | "icmpv6" | "ether" | "th" => self.field(word)?,
            "meta" => self.meta()?,
            "ct" => self.ct()?,
            "fib" => self.fib()?,
            "iif" | "oif" | "iifname" | "oifname" | "mark" | "pkttype" => {
                self.next();
                bare(word).expect("each of these is a key")
            }
            "iiftype" | "oiftype" | "skuid" | "skgid" | "nftrace" | "rtclassid" | "ibriport" | "ibrname"
            | "obriport" | "obrname" | "cpu" | "iifgroup" | "oifgroup" | "cgroup" | "udplite" | "dccp" | "sctp"
            | "ah" | "esp" | "comp" | "arp" | "vlan" | "igmp" | "rt" | "rt0" | "rt2" | "srh" | "hbh" | "frag"
            | "dst" | "mh" | "exthdr" | "socket" | "osf" | "ipsec" | "numgen" | "jhash" | "symhash" | "secmark"
            | "time" | "hour" | "day" => {
                return unsupported(word);
            }
            _ if token.kind == Kind::Mark && token.text == "@" => return unsupported("a field by its offset"),
            _ if token.kind == Kind::Mark && token.text == "{" => {
                self.set(false)?;
                return self.fail(&[]);
            }
            // Anything may stand here until it is known to be nothing that can be looked at.
            _ => return self.basic_right(),
        };
        Ok(Expr { at: token.at.to(self.last()), is: Is::Key(key) })
    }

    /// A field of a header.
    fn field(&mut self, header: &str) -> Read<Key> {
        self.next();
        let token = self.peek().clone();
        if token.kind != Kind::Word {
            return self.fail(&[]);
        }
        let level = match header {
            "tcp" => Level4::Tcp,
            "udp" => Level4::Udp,
            _ => Level4::Any,
        };
        let key = match (header, token.text.as_str()) {
            ("tcp" | "udp" | "th", "sport") => Key::Sport(level),
            ("tcp" | "udp" | "th", "dport") => Key::Dport(level),
            (header, field) => {
                let words = format!("{header} {field}");
                match words::KEYS.iter().find(|(_, known, _)| *known == words) {
                    Some((key, ..)) => *key,
                    None if OTHER_FIELDS.contains(&words.as_str()) => return unsupported(words),
                    None => return self.fail(&[]),
                }
            }
        };
        self.next();
        Ok(key)
    }

    /// `tcp option maxseg size set`, to a number or (`None`) what the path takes.
    pub(super) fn mss(&mut self) -> Read<Option<Expr>> {
        self.next();
        self.next();
        let is_size = matches!(self.peek().text.as_str(), "maxseg" | "mss") && self.peek_behind().text == "size";
        if !is_size {
            return unsupported("tcp option");
        }
        self.next();
        self.next();
        if !self.take("set") {
            return unsupported("a match of tcp option maxseg");
        }
        if self.take("rt") {
            self.want("mtu", &[])?;
            return Ok(None);
        }
        self.symbol_of_number().map(Some)
    }

    fn symbol_of_number(&mut self) -> Read<Expr> {
        if self.peek().kind == Kind::Number { self.symbol() } else { self.fail(&[]) }
    }

    fn meta(&mut self) -> Read<Key> {
        let from = self.next().at;
        let token = self.peek().clone();
        if token.kind != Kind::Word {
            return self.fail(&[]);
        }
        let words = format!("meta {}", token.text);
        if let Some(key) =
            bare(&token.text).or_else(|| words::KEYS.iter().find(|(_, known, _)| *known == words).map(|(key, ..)| *key))
        {
            self.next();
            return Ok(key);
        }
        if META_KEYS.split(", ").any(|key| key == token.text) {
            return unsupported(words);
        }
        self.complain(from.to(token.at), format!("syntax error, unexpected {}, known keys are {META_KEYS}", token.text))
    }

    fn ct(&mut self) -> Read<Key> {
        self.next();
        let token = self.peek().clone();
        if token.kind != Kind::Word {
            return self.fail(&[]);
        }
        let key = match token.text.as_str() {
            "state" => Key::CtState,
            "status" => Key::CtStatus,
            "mark" => Key::CtMark,
            "direction" => Key::CtDirection,
            "original" | "reply" | "expiration" | "helper" | "label" | "l3proto" | "saddr" | "daddr" | "protocol"
            | "proto-src" | "proto-dst" | "bytes" | "packets" | "avgpkt" | "zone" | "id" | "event" | "secmark"
            | "count" | "timeout" | "expectation" => return unsupported(format!("ct {}", token.text)),
            _ => return self.fail(&[]),
        };
        self.next();
        Ok(key)
    }

    fn fib(&mut self) -> Read<Key> {
        self.next();
        let key = match self.peek().text.as_str() {
            "saddr" => Key::SaddrType,
            "daddr" => Key::DaddrType,
            "mark" | "iif" | "oif" => return unsupported(format!("fib {}", self.peek().text)),
            _ => return self.fail(&[]),
        };
        self.next();
        match self.peek().text.as_str() {
            "." => unsupported("fib by several values"),
            "type" => {
                self.next();
                Ok(key)
            }
            "oif" | "oifname" => unsupported(format!("fib {}", self.peek().text)),
            _ => self.fail(&["type", "oif", "oifname"]),
        }
    }
}

/// The keys that need no `meta`.
fn bare(word: &str) -> Option<Key> {
    Some(match word {
        "iif" => Key::Iif,
        "oif" => Key::Oif,
        "iifname" => Key::Iifname,
        "oifname" => Key::Oifname,
        "mark" => Key::Mark,
        "pkttype" => Key::PktType,
        _ => return None,
    })
}

/// Fields that nft knows beside those that are keys here.
#[rustfmt::skip]
const OTHER_FIELDS: [&str; 30] = [
    "ip version", "ip hdrlength", "ip ecn", "ip checksum", "ip option", "ip6 version", "ip6 dscp", "ip6 ecn", "ip6 flowlabel",
    "ip6 length", "ip6 nexthdr", "ip6 hoplimit", "tcp sequence", "tcp ackseq", "tcp doff", "tcp reserved", "tcp window",
    "tcp checksum", "tcp urgptr", "udp checksum", "icmp checksum", "icmp id", "icmp sequence", "icmp gateway", "icmp mtu",
    "icmpv6 checksum", "icmpv6 id", "icmpv6 sequence", "icmpv6 mtu", "icmpv6 max-delay",
];

/// As nft lists them.
const META_KEYS: &str = "length, protocol, priority, mark, iif, oif, iifname, oifname, iiftype, oiftype, skuid, skgid, \
                         nftrace, rtclassid, secmark, nfproto, l4proto, ibrname, obrname, pkttype, cpu, iifgroup, oifgroup, \
                         cgroup, random, ipsec, iifkind, oifkind, ibrpvid, ibrvproto, time, day, hour, sdif, sdifname";
