//! `ss`'s filters: states by name, and expressions about addresses and ports.
//!
//! Counterpart: `scan_state()`, `yylex()` and `parse_hostcond()` of `ss.c`, `ssfilter.y`. A word of the command line may hold
//! several of the expression's. Deliberately absent, and refused by name: `dev`, `fwmark`, `cgroup`, `autobound`.

use crate::names::{Names, Services, aton};
use nettwin_model::Cidr;
use nettwin_model::socket::{Listed, State};
use std::net::{IpAddr, SocketAddrV4};

/// States as the bits of a mask, by the kernel's numbers.
pub(super) const ALL: u16 = 0xffe;
/// Those of a connection that is neither over nor about to begin.
pub(super) const CONNECTIONS: u16 = ALL & !(LISTEN | CLOSE | TIME_WAIT | SYN_RECV);
pub(super) const ESTABLISHED: u16 = 1 << 1;
pub(super) const SYN_SENT: u16 = 1 << 2;
pub(super) const SYN_RECV: u16 = 1 << 3;
pub(super) const TIME_WAIT: u16 = 1 << 6;
pub(super) const CLOSE: u16 = 1 << 7;
pub(super) const LISTEN: u16 = 1 << 10;

/// A state's bit.
pub(super) fn bit(state: State) -> u16 {
    let number = State::ALL.iter().position(|s| *s == state).unwrap_or_default() + 1;
    1 << number
}

/// The states of a name.
pub(super) fn states(name: &str) -> Option<u16> {
    const NAMES: [&str; 12] = [
        "unknown",
        "established",
        "syn-sent",
        "syn-recv",
        "fin-wait-1",
        "fin-wait-2",
        "time-wait",
        "unconnected",
        "close-wait",
        "last-ack",
        "listening",
        "closing",
    ];
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "close" | "closed" => Some(CLOSE),
        "syn-rcv" => Some(SYN_RECV),
        "all" => Some(ALL),
        "connected" => Some(ALL & !(CLOSE | LISTEN)),
        "synchronized" => Some(ALL & !(CLOSE | LISTEN | SYN_SENT)),
        "bucket" => Some(SYN_RECV | TIME_WAIT),
        "big" => Some(ALL & !(SYN_RECV | TIME_WAIT)),
        name => NAMES.iter().position(|known| *known == name).map(|number| 1 << number),
    }
}

/// What a socket must be.
#[derive(Debug)]
pub(super) enum Filter {
    Any,
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    /// Its other end, or its own.
    Host {
        remote: bool,
        net: Option<Cidr>,
        port: Option<u32>,
    },
    /// A port that compares so.
    Port {
        remote: bool,
        order: Order,
        port: u32,
    },
}

/// How a port compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Other,
    Less,
    More,
    AtMost,
    AtLeast,
}

/// Why an expression is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is not built as one.
    Syntax,
    /// This is no address.
    Address(String),
    /// The real tool knows this word.
    Unsupported(String),
}

impl Filter {
    /// Reads the words that follow the states.
    pub(super) fn parse(words: &[String], hosts: &Names, services: &Services) -> Result<Filter, Wrong> {
        let tokens: Vec<&str> = words.iter().flat_map(|word| word.split_ascii_whitespace()).collect();
        let mut parser = Parser { tokens: &tokens, hosts, services };
        if tokens.is_empty() {
            return Ok(Filter::Any);
        }
        let filter = parser.any()?;
        if parser.tokens.is_empty() { Ok(filter) } else { Err(Wrong::Syntax) }
    }

    /// Whether a socket is so.
    pub(super) fn takes(&self, socket: &Listed) -> bool {
        let end = |remote: bool| if remote { socket.remote } else { socket.local };
        match self {
            Filter::Any => true,
            Filter::Not(one) => !one.takes(socket),
            Filter::And(one, other) => one.takes(socket) && other.takes(socket),
            Filter::Or(one, other) => one.takes(socket) || other.takes(socket),
            Filter::Host { remote, net, port } => {
                let end: SocketAddrV4 = end(*remote);
                net.is_none_or(|net| net.contains(IpAddr::V4(*end.ip())))
                    && port.is_none_or(|port| port == u32::from(end.port()))
            }
            Filter::Port { remote, order, port } => {
                let own = u32::from(end(*remote).port());
                match order {
                    Order::Equal => own == *port,
                    Order::Other => own != *port,
                    Order::Less => own < *port,
                    Order::More => own > *port,
                    Order::AtMost => own <= *port,
                    Order::AtLeast => own >= *port,
                }
            }
        }
    }
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    hosts: &'a Names,
    services: &'a Services,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn skip(&mut self, words: &[&str]) -> bool {
        let found = self.tokens.first().is_some_and(|token| words.contains(token));
        if found {
            self.next();
        }
        found
    }

    fn any(&mut self) -> Result<Filter, Wrong> {
        let mut left = self.both()?;
        while self.skip(&["or", "|", "||"]) {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, Wrong> {
        let mut left = self.one()?;
        loop {
            let said = self.skip(&["and", "&", "&&"]);
            let ends = self.tokens.first().is_none_or(|token| ["or", "|", "||", ")"].contains(token));
            if !said && ends {
                return Ok(left);
            }
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
    }

    fn one(&mut self) -> Result<Filter, Wrong> {
        match self.next().ok_or(Wrong::Syntax)? {
            "not" | "!" => Ok(Filter::Not(Box::new(self.one()?))),
            "(" => {
                let inner = self.any()?;
                if self.skip(&[")"]) { Ok(inner) } else { Err(Wrong::Syntax) }
            }
            token @ ("dst" | "src") => {
                self.skip(&["=", "==", "eq"]);
                let word = self.next().ok_or(Wrong::Syntax)?;
                if order(word).is_some() {
                    return Err(Wrong::Syntax);
                }
                let (net, port) = self.host(word)?;
                Ok(Filter::Host { remote: token == "dst", net, port })
            }
            token @ ("dport" | "sport") => {
                let order = self.tokens.first().and_then(|token| order(token));
                if order.is_some() {
                    self.next();
                }
                let word = self.next().ok_or(Wrong::Syntax)?;
                let name = word.strip_prefix(':').unwrap_or(word);
                let port = self.port(name).ok_or_else(|| Wrong::Address(word.to_owned()))?;
                Ok(Filter::Port { remote: token == "dport", order: order.unwrap_or(Order::Equal), port })
            }
            token @ ("dev" | "fwmark" | "cgroup" | "autobound") => Err(Wrong::Unsupported(token.to_owned())),
            // Anything else is read as an address, which may not stand alone.
            token => self.host(token).and(Err(Wrong::Syntax)),
        }
    }

    /// `ADDRESS[/LENGTH][:PORT]` or `:PORT`.
    fn host(&self, word: &str) -> Result<(Option<Cidr>, Option<u32>), Wrong> {
        let wrong = || Wrong::Address(word.to_owned());
        let (host, port) = match word.rsplit_once(':') {
            Some((host, port)) => (host, Some(port).filter(|port| !port.is_empty() && *port != "*")),
            None => (word, None),
        };
        let port = port.map(|port| self.port(port).ok_or_else(wrong)).transpose()?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host == "*" {
            return Ok((None, port));
        }
        let (addr, len) = match host.split_once('/') {
            Some((addr, len)) => (addr, len.parse().ok().filter(|len| *len <= 32).ok_or_else(wrong)?),
            None => (host, 32),
        };
        let addr = aton(addr).or_else(|| self.hosts.of_name(addr).map(|(addr, _)| addr)).ok_or_else(wrong)?;
        Ok((Some(Cidr { addr: addr.into(), len }), port))
    }

    fn port(&self, word: &str) -> Option<u32> {
        let named = || ["tcp", "udp"].iter().find_map(|proto| self.services.of_name(proto, word)).map(u32::from);
        word.parse().ok().or_else(named)
    }
}

fn order(token: &str) -> Option<Order> {
    match token {
        "=" | "==" | "eq" => Some(Order::Equal),
        "!=" | "ne" | "neq" => Some(Order::Other),
        "<" | "lt" => Some(Order::Less),
        ">" | "gt" => Some(Order::More),
        "<=" | "le" | "leq" => Some(Order::AtMost),
        ">=" | "ge" | "geq" => Some(Order::AtLeast),
        _ => None,
    }
}
