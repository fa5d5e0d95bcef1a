//! Arithmetic on packets: `tcp[tcpflags] & tcp-syn != 0`, `len > 60`.
//!
//! Counterpart: `narth` of libpcap 1.10's `grammar.y`, `gen_load()` and `gen_relation()` of `gencode.c`. Numbers have 32 bits and
//! no sign. What lies outside of a packet ends its examination: it does not pass. Deliberately absent: IPv6, radio headers.

use std::cell::Cell;

/// Two values that compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    left: Value,
    order: Order,
    right: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Other,
    Less,
    More,
    AtMost,
    AtLeast,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(u32),
    /// The packet's length.
    Len,
    /// So many bytes of a header, at an offset.
    Load(Part, Box<Value>, u8),
    Both(char, Box<Value>, Box<Value>),
    Minus(Box<Value>),
}

/// Where offsets count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Link,
    /// The header of this Ethernet type.
    Network(u16),
    /// What follows an IPv4 header with this protocol.
    Transport(u8),
}

/// What a packet has to be asked.
pub(super) trait Parts {
    /// The bytes from there on; `None` if the packet has no such part.
    fn part(&self, part: Part) -> Option<&[u8]>;
    /// Its length.
    fn len(&self) -> u32;
}

/// What is no arithmetic.
#[derive(Debug)]
pub(super) struct NoValue;

/// Whether arithmetic begins with this word, in front of that one.
pub(super) fn begins(word: &str, next: Option<&str>) -> bool {
    word == "len" || word == "-" || next == Some("[") || number(word).is_some() && next.is_some_and(is_operator)
}

fn is_operator(word: &str) -> bool {
    order(word).is_some() || level(word).is_some()
}

/// Reads a relation off the front; says how many words it took.
pub(super) fn relation(tokens: &[&str]) -> Result<(Relation, usize), NoValue> {
    let mut reader = Reader { tokens, at: 0, depth: 0 };
    let left = reader.value(0)?;
    let order = reader.next().and_then(order).ok_or(NoValue)?;
    let right = reader.value(0)?;
    Ok((Relation { left, order, right }, reader.at))
}

struct Reader<'a> {
    tokens: &'a [&'a str],
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn expect(&mut self, word: &str) -> Result<(), NoValue> {
        if self.next() == Some(word) { Ok(()) } else { Err(NoValue) }
    }

    /// Operators of this level and above.
    fn value(&mut self, least: u8) -> Result<Value, NoValue> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(NoValue);
        }
        let mut left = self.one()?;
        while let Some((word, level)) =
            self.peek().and_then(|word| Some((word, level(word)?))).filter(|(_, l)| *l >= least)
        {
            self.at += 1;
            let right = self.value(level + 1)?;
            let mark = word.chars().next().unwrap_or(' ');
            left = Value::Both(mark, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn one(&mut self) -> Result<Value, NoValue> {
        let word = self.next().ok_or(NoValue)?;
        match word {
            "(" => {
                let inner = self.value(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            "-" => Ok(Value::Minus(Box::new(self.value(LEVELS)?))),
            "len" => Ok(Value::Len),
            word => match (self.peek(), part(word)) {
                (Some("["), Some(part)) => {
                    self.at += 1;
                    let offset = self.value(0)?;
                    let mut size = 1;
                    if self.peek() == Some(":") {
                        self.at += 1;
                        let bytes = self.next().and_then(number).ok_or(NoValue)?;
                        size = u8::try_from(bytes).ok().filter(|n| [1, 2, 4].contains(n)).ok_or(NoValue)?;
                    }
                    self.expect("]")?;
                    Ok(Value::Load(part, Box::new(offset), size))
                }
                _ => number(word).map(Value::Number).ok_or(NoValue),
            },
        }
    }
}

fn part(word: &str) -> Option<Part> {
    Some(match word {
        "ether" | "link" => Part::Link,
        "ip" => Part::Network(0x0800),
        "arp" => Part::Network(0x0806),
        "rarp" => Part::Network(0x8035),
        "icmp" => Part::Transport(1),
        "igmp" => Part::Transport(2),
        "tcp" => Part::Transport(6),
        "udp" => Part::Transport(17),
        "sctp" => Part::Transport(132),
        _ => return None,
    })
}

fn order(word: &str) -> Option<Order> {
    Some(match word {
        "=" | "==" => Order::Equal,
        "!=" => Order::Other,
        "<" => Order::Less,
        ">" => Order::More,
        "<=" => Order::AtMost,
        ">=" => Order::AtLeast,
        _ => return None,
    })
}

/// How tightly an operator binds.
fn level(word: &str) -> Option<u8> {
    Some(match word {
        "|" | "&" | "^" => 0,
        "<<" | ">>" => 1,
        "+" | "-" => 2,
        "*" | "/" | "%" => 3,
        _ => return None,
    })
}

/// A number, or a word for one.
fn number(word: &str) -> Option<u32> {
    const WORDS: &[(&str, u32)] = &[
        ("icmptype", 0),
        ("icmpcode", 1),
        ("tcpflags", 13),
        ("icmp-echoreply", 0),
        ("icmp-unreach", 3),
        ("icmp-sourcequench", 4),
        ("icmp-redirect", 5),
        ("icmp-echo", 8),
        ("icmp-routeradvert", 9),
        ("icmp-routersolicit", 10),
        ("icmp-timxceed", 11),
        ("icmp-paramprob", 12),
        ("icmp-tstamp", 13),
        ("icmp-tstampreply", 14),
        ("icmp-ireq", 15),
        ("icmp-ireqreply", 16),
        ("icmp-maskreq", 17),
        ("icmp-maskreply", 18),
        ("tcp-fin", 1),
        ("tcp-syn", 2),
        ("tcp-rst", 4),
        ("tcp-push", 8),
        ("tcp-ack", 0x10),
        ("tcp-urg", 0x20),
        ("tcp-ece", 0x40),
        ("tcp-cwr", 0x80),
    ];
    let named = || WORDS.iter().find(|(name, _)| *name == word).map(|(_, n)| *n);
    let read = || crate::number::strtol_rest(word, 0).filter(|(_, rest)| rest.is_empty());
    match word.starts_with(|c: char| c.is_ascii_digit()) {
        true => read().and_then(|(n, _)| u32::try_from(n).ok()),
        false => named(),
    }
}

/// Why a value is none: the packet is not of that kind, or not so long.
enum Absent {
    Kind,
    Outside,
}

impl Relation {
    /// Whether it holds. `outside` is set where the packet ends before what is asked for.
    pub(super) fn holds(&self, parts: &impl Parts, outside: &Cell<bool>) -> bool {
        let both = self.left.of(parts).and_then(|left| Ok((left, self.right.of(parts)?)));
        match both {
            Ok((a, b)) => match self.order {
                Order::Equal => a == b,
                Order::Other => a != b,
                Order::Less => a < b,
                Order::More => a > b,
                Order::AtMost => a <= b,
                Order::AtLeast => a >= b,
            },
            Err(Absent::Kind) => false,
            Err(Absent::Outside) => {
                outside.set(true);
                false
            }
        }
    }
}

impl Value {
    fn of(&self, parts: &impl Parts) -> Result<u32, Absent> {
        match self {
            Value::Number(n) => Ok(*n),
            Value::Len => Ok(parts.len()),
            Value::Minus(one) => Ok(one.of(parts)?.wrapping_neg()),
            Value::Load(part, offset, size) => {
                let bytes = parts.part(*part).ok_or(Absent::Kind)?;
                let at = offset.of(parts)? as usize;
                let end = at.checked_add(usize::from(*size)).ok_or(Absent::Outside)?;
                let bytes = bytes.get(at..end).ok_or(Absent::Outside)?;
                Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
            }
            Value::Both(mark, left, right) => {
                let (a, b) = (left.of(parts)?, right.of(parts)?);
                Ok(match mark {
                    '+' => a.wrapping_add(b),
                    '-' => a.wrapping_sub(b),
                    '*' => a.wrapping_mul(b),
                    '/' => a.checked_div(b).ok_or(Absent::Outside)?,
                    '%' => a.checked_rem(b).ok_or(Absent::Outside)?,
                    '&' => a & b,
                    '|' => a | b,
                    '^' => a ^ b,
                    '<' => a.checked_shl(b).unwrap_or(0),
                    _ => a.checked_shr(b).unwrap_or(0),
                })
            }
        }
    }
}

/// How many levels of operators there are.
const LEVELS: u8 = 4;
const MAX_DEPTH: u32 = 100;
