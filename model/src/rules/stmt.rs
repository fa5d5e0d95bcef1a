//! Statements: what a rule looks at and what it does.
//!
//! Kernel counterpart: `nft_meta.c`, `nft_payload.c`, `nft_ct.c`, `nft_cmp.c`, `nft_nat.c`, … Deliberately absent:
//! registers; a value is looked at where it is compared.

use super::{Dynset, Elem, Family, ObjectKind, Quota, SetType};
use crate::errno::Errno;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stmt {
    /// Goes on only if this holds.
    Match(Match),
    /// Counts.
    Counter {
        /// Packets.
        packets: u64,
        /// Bytes, from the IP header on.
        bytes: u64,
    },
    /// Goes on only so often.
    Limit(Limit),
    /// Goes on only for so many bytes.
    Quota(Quota),
    /// Counts, or goes on, as the object of that name does.
    Object {
        /// Of what kind.
        kind: ObjectKind,
        /// Which.
        name: String,
    },
    /// Says so in the kernel's log.
    Log(Log),
    /// Decides.
    Verdict(Verdict),
    /// Decides by a map.
    Vmap {
        /// By what.
        key: Key,
        /// The map: [`Operand::Map`] or [`Operand::Set`].
        map: Operand,
    },
    /// Goes on only if these together are (`not`: are not) among the elements.
    Tuple {
        /// What is looked at.
        keys: Vec<Key>,
        /// Everything but.
        not: bool,
        /// Among which: [`Operand::Map`] without meanings, or [`Operand::Set`].
        to: Operand,
    },
    /// Decides by a map of several values together.
    TupleVmap {
        /// By what.
        keys: Vec<Key>,
        /// The map: [`Operand::Map`] or [`Operand::Set`].
        map: Operand,
    },
    /// Translates the connection to the address that a map has.
    NatBy {
        /// What else is said: kind and flags.
        nat: Nat,
        /// By what.
        keys: Vec<Key>,
        /// The map.
        map: Operand,
    },
    /// Sets the packet's mark to what a map has.
    MarkBy {
        /// By what.
        keys: Vec<Key>,
        /// The map.
        map: Operand,
    },
    /// Changes a set.
    Dynset(Box<Dynset>),
    /// Drops, and tells the sender.
    Reject(RejectWith),
    /// Translates the connection.
    Nat(Nat),
    /// Sets the packet's mark to `mark & and ^ xor`.
    SetMark {
        /// The bits that stay.
        and: u32,
        /// The bits that change then.
        xor: u32,
    },
    /// Sets the connection's mark in the same way.
    SetCtMark {
        /// The bits that stay.
        and: u32,
        /// The bits that change then.
        xor: u32,
    },
    /// Sets the connection's mark to the packet's.
    SaveMark,
    /// Sets the packet's mark to the connection's.
    RestoreMark,
    /// Lets conntrack pass over the packet.
    Notrack,
    /// Lowers the MSS that a TCP SYN offers: to this, or to what the path takes.
    TcpMss(Option<u16>),
}

impl Stmt {
    /// What it compares with, or looks up in.
    pub fn operand(&self) -> Option<&Operand> {
        match self {
            Stmt::Match(m) => Some(&m.to),
            Stmt::Vmap { map, .. }
            | Stmt::TupleVmap { map, .. }
            | Stmt::NatBy { map, .. }
            | Stmt::MarkBy { map, .. }
            | Stmt::Tuple { to: map, .. } => Some(map),
            _ => None,
        }
    }

    /// The named set or map that it asks.
    pub fn set(&self) -> Option<&str> {
        match (self, self.operand()) {
            (_, Some(Operand::Set(name))) => Some(name),
            (Stmt::Dynset(what), _) => Some(&what.set),
            _ => None,
        }
    }

    /// What it looks at.
    pub fn keys(&self) -> &[Key] {
        match self {
            Stmt::Match(m) => std::slice::from_ref(&m.key),
            Stmt::Vmap { key, .. } => std::slice::from_ref(key),
            Stmt::Tuple { keys, .. }
            | Stmt::TupleVmap { keys, .. }
            | Stmt::NatBy { keys, .. }
            | Stmt::MarkBy { keys, .. } => keys,
            Stmt::Dynset(what) => &what.keys,
            _ => &[],
        }
    }

    /// The chains that it names.
    pub fn jumps(&self) -> impl Iterator<Item = &str> {
        let one = match self {
            Stmt::Verdict(Verdict::Jump(chain) | Verdict::Goto(chain)) => Some(chain.as_str()),
            _ => None,
        };
        let many = match self.operand() {
            Some(Operand::Map(elems)) => elems.as_slice(),
            _ => &[],
        };
        one.into_iter().chain(many.iter().filter_map(Elem::jumps))
    }

    /// Whether the kernel needs conntrack for it (`nf_ct_netns_get`).
    pub fn is_about_connections(&self) -> bool {
        let by_key = |key: &Key| matches!(key, Key::CtState | Key::CtStatus | Key::CtMark | Key::CtDirection);
        match self {
            Stmt::Nat(_) | Stmt::NatBy { .. } | Stmt::SetCtMark { .. } | Stmt::SaveMark | Stmt::RestoreMark => true,
            other => other.keys().iter().any(by_key),
        }
    }
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// What is looked at.
    pub key: Key,
    /// Only these bits of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<u32>,
    /// How it is compared.
    pub cmp: Cmp,
    /// With what.
    pub to: Operand,
}

impl Match {
    /// Equal to one value.
    pub fn is(key: Key, value: u128) -> Self {
        Match::within(key, false, vec![Span::one(value)])
    }

    /// Within one of the ranges, or (`not`) within none.
    pub fn within(key: Key, not: bool, spans: Vec<Span>) -> Self {
        Match { key, mask: None, cmp: if not { Cmp::Ne } else { Cmp::Eq }, to: Operand::Spans(spans) }
    }

    /// An interface of that name; one that ends in `*`, any that begin so.
    pub fn name(key: Key, not: bool, name: &str) -> Self {
        let cmp = if not { Cmp::Ne } else { Cmp::Eq };
        Match { key, mask: None, cmp, to: Operand::Names(vec![name.to_owned()]) }
    }

    /// Any of these bits, or (`not`) none of them.
    pub fn bits(key: Key, not: bool, bits: u32) -> Self {
        Match { key, mask: None, cmp: if not { Cmp::Ne } else { Cmp::Eq }, to: Operand::Bits(bits) }
    }
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Cmp {
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// These values. One that is not alone is nft's anonymous set.
    Spans(Vec<Span>),
    /// These values, written as a range though they are one or a prefix.
    Range(Span),
    /// Any of these bits.
    Bits(u32),
    /// These interfaces' names.
    Names(Vec<String>),
    /// A named set or map.
    Set(String),
    /// A map of its own; or a set of its own that is a set though it has one element.
    Map(Vec<Elem>),
}

/// Values from the first to the last, as numbers in the order that they have on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    /// The first.
    pub lo: u128,
    /// The last.
    pub hi: u128,
}

impl Span {
    /// One value.
    pub fn one(value: u128) -> Self {
        Span { lo: value, hi: value }
    }

    /// A range.
    pub fn new(lo: u128, hi: u128) -> Self {
        Span { lo, hi }
    }

    /// One address.
    pub fn address(addr: IpAddr) -> Self {
        Span::prefix(addr, 128)
    }

    /// The addresses of a prefix.
    pub fn prefix(addr: IpAddr, len: u8) -> Self {
        let (value, bits) = match addr {
            IpAddr::V4(a) => (u128::from(a.to_bits()), 32u8),
            IpAddr::V6(a) => (a.to_bits(), 128),
        };
        let host = u32::from(bits.saturating_sub(len));
        let mask = if host >= 128 { u128::MAX } else { (1u128 << host) - 1 };
        Span { lo: value & !mask, hi: (value & !mask) | mask }
    }

    /// Whether the value is in it.
    pub fn has(&self, value: u128) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// Whether it is one value.
    pub fn is_one(&self) -> bool {
        self.lo == self.hi
    }

    /// The length of the prefix that it is, of so many bits.
    pub fn prefix_len(&self, bits: u8) -> Option<u8> {
        let host = (self.lo ^ self.hi).checked_add(1).map_or(128, u128::trailing_zeros);
        let len = u32::from(bits).checked_sub(host)?;
        let span = self.hi - self.lo;
        let whole = span.checked_add(1).is_none_or(u128::is_power_of_two) && self.lo & span == 0;
        whole.then_some(u8::try_from(len).ok()?)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_one() { write!(f, "{}", self.lo) } else { write!(f, "{}-{}", self.lo, self.hi) }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no range of values; write LOW-HIGH");
        let (lo, hi) = text.split_once('-').unwrap_or((text, text));
        let (lo, hi) = (lo.parse().map_err(|_| bad())?, hi.parse().map_err(|_| bad())?);
        if lo <= hi { Ok(Span { lo, hi }) } else { Err(bad()) }
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Which header a port is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level4 {
    /// Whatever there is (`th`).
    Any,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The name of the device that it came in by.
    Iifname,
    /// The name of the device that it leaves by.
    Oifname,
    /// The index of the device that it came in by.
    Iif,
    /// The index of the device that it leaves by.
    Oif,
    /// Layer 3's family.
    Nfproto,
    /// Layer 4's protocol.
    L4proto,
    /// What the frame holds, by EtherType.
    Protocol,
    /// The packet's length.
    Length,
    /// The packet's mark.
    Mark,
    /// Whom it was addressed to: host 0, broadcast 1, multicast 2, other 3.
    PktType,
    /// Source MAC.
    EtherSaddr,
    /// Destination MAC.
    EtherDaddr,
    /// EtherType.
    EtherType,
    /// IPv4 source.
    IpSaddr,
    /// IPv4 destination.
    IpDaddr,
    /// IPv4 protocol.
    IpProtocol,
    /// IPv4 time to live.
    IpTtl,
    /// IPv4 DSCP.
    IpDscp,
    /// IPv4 total length.
    IpLength,
    /// IPv4 flags and fragment offset.
    IpFragOff,
    /// IPv4 identification.
    IpId,
    /// IPv6 source.
    Ip6Saddr,
    /// IPv6 destination.
    Ip6Daddr,
    /// Source port.
    Sport(Level4),
    /// Destination port.
    Dport(Level4),
    /// TCP flags.
    TcpFlags,
    /// UDP length.
    UdpLength,
    /// ICMP type.
    IcmpType,
    /// ICMP code.
    IcmpCode,
    /// ICMPv6 type.
    Icmp6Type,
    /// ICMPv6 code.
    Icmp6Code,
    /// The connection's state: bits of [`State`].
    CtState,
    /// The packet's direction in the connection: original 0, reply 1.
    CtDirection,
    /// The connection's status: `IPS_*`.
    CtStatus,
    /// The connection's mark.
    CtMark,
    /// What kind of address the source is here.
    SaddrType,
    /// What kind of address the destination is here.
    DaddrType,
}

/// The bits of [`Key::CtState`] (`NF_CT_STATE_*`).
#[allow(missing_docs, reason = "the kernel's own words")]
pub struct State;

#[allow(missing_docs, reason = "the kernel's own words")]
impl State {
    pub const INVALID: u32 = 1;
    pub const ESTABLISHED: u32 = 2;
    pub const RELATED: u32 = 4;
    pub const NEW: u32 = 8;
    pub const UNTRACKED: u32 = 64;

    /// nft's words, in the order of its lists.
    pub const WORDS: [(&'static str, u32); 5] = [
        ("invalid", State::INVALID),
        ("established", State::ESTABLISHED),
        ("related", State::RELATED),
        ("new", State::NEW),
        ("untracked", State::UNTRACKED),
    ];
}

/// Numbers of kinds of addresses (`enum rtn_type`) with iptables' words.
pub struct AddrType;

impl AddrType {
    /// By number.
    pub const WORDS: [&'static str; 12] = [
        "UNSPEC",
        "UNICAST",
        "LOCAL",
        "BROADCAST",
        "ANYCAST",
        "MULTICAST",
        "BLACKHOLE",
        "UNREACHABLE",
        "PROHIBIT",
        "THROW",
        "NAT",
        "XRESOLVE",
    ];
}

/// So often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Limit {
    /// So many packets, or bytes.
    pub rate: u64,
    /// In this time.
    pub per: Rate,
    /// So many at once.
    pub burst: u32,
    /// Goes on only beyond it.
    #[serde(default)]
    pub over: bool,
    /// Of bytes.
    #[serde(default)]
    pub bytes: bool,
}

impl Limit {
    /// The time that it is about, in nanoseconds.
    pub fn window_ns(&self) -> u64 {
        self.per.seconds() * 1_000_000_000
    }

    /// How much time it can save up; `None` if that is more than can be counted (`nft_limit_init`).
    pub fn bucket_ns(&self) -> Option<u64> {
        let (window, burst) = (self.window_ns(), u64::from(self.burst));
        match self.bytes {
            // What comes in the time, and the burst beyond it.
            true => window.checked_mul(self.rate.checked_add(burst)?)?.checked_div(self.rate),
            false => window.checked_div(self.rate)?.checked_mul(burst),
        }
    }

    /// What the kernel says of it.
    pub(super) fn check(&self) -> Result<(), Errno> {
        match self.rate {
            0 => Err(Errno::EINVAL),
            _ => self.bucket_ns().map(|_| ()).ok_or(Errno::EOVERFLOW),
        }
    }
}

/// Bytes in the greatest unit that they are a whole number of.
pub fn in_unit(bytes: u64) -> (u64, &'static str) {
    match bytes {
        0 => (0, "bytes"),
        n if n % (1 << 20) == 0 => (n >> 20, "mbytes"),
        n if n % (1 << 10) == 0 => (n >> 10, "kbytes"),
        n => (n, "bytes"),
    }
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Rate {
    Second,
    Minute,
    Hour,
    Day,
    Week,
}

impl Rate {
    /// All.
    pub const ALL: [Rate; 5] = [Rate::Second, Rate::Minute, Rate::Hour, Rate::Day, Rate::Week];

    /// nft's word.
    pub fn word(self) -> &'static str {
        match self {
            Rate::Second => "second",
            Rate::Minute => "minute",
            Rate::Hour => "hour",
            Rate::Day => "day",
            Rate::Week => "week",
        }
    }

    /// Its length.
    pub fn seconds(self) -> u64 {
        match self {
            Rate::Second => 1,
            Rate::Minute => 60,
            Rate::Hour => 3600,
            Rate::Day => 86400,
            Rate::Week => 604_800,
        }
    }
}

/// What is said in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// What it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How important it is, 0 to 7; warn otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// What else is said (`NF_LOG_*`).
    #[serde(default)]
    pub flags: u8,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It goes on.
    Accept,
    /// It does not.
    Drop,
    /// Back to the chain that jumped here.
    Return,
    /// To the next rule.
    Continue,
    /// That chain, then the next rule.
    Jump(String),
    /// That chain, and not back here.
    Goto(String),
}

/// What the sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectWith {
    /// ICMP unreachable with this code.
    Icmp(u8),
    /// ICMPv6 unreachable with this code.
    Icmp6(u8),
    /// Unreachable in either family (`NFT_REJECT_ICMPX_*`).
    Icmpx(u8),
    /// A TCP reset.
    TcpReset,
}

/// A translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nat {
    /// Of what.
    pub kind: NatKind,
    /// Only of this family's packets, in a table of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// What a map gives, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<SetType>,
    /// To these addresses, the first to the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addrs: Option<(IpAddr, IpAddr)>,
    /// To these ports, the first to the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<(u16, u16)>,
    /// The port is drawn even if the packet's own is free.
    #[serde(default)]
    pub random: bool,
    /// It is drawn altogether.
    #[serde(default)]
    pub fully_random: bool,
    /// A client keeps its address for all connections.
    #[serde(default)]
    pub persistent: bool,
}

impl Nat {
    /// A translation that leaves everything to the machine.
    pub fn new(kind: NatKind) -> Self {
        Nat {
            kind,
            family: None,
            data: None,
            addrs: None,
            ports: None,
            random: false,
            fully_random: false,
            persistent: false,
        }
    }
}

/// What is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatKind {
    /// The source.
    Snat,
    /// The destination.
    Dnat,
    /// The source, to the address of the device that it leaves by.
    Masquerade,
    /// The destination, to this namespace.
    Redirect,
}
