//! A namespace's ruleset: what `nft` and `iptables` both are parsed into, and what both machines execute.
//!
//! Kernel counterpart: `net/netfilter/nf_tables_api.c` and the expressions `nft_*.c`. A rule is a list of statements that
//! are tried in order: a match that fails ends the rule, everything else happens. A rule that was written as `iptables`
//! writes it remembers that ([`Tongue`]), so that it is listed as it was written. Deliberately absent: the families arp
//! and netdev, flowtables, maps that packets change, values of maps that are concatenated.

mod change;
pub mod conntrack;
mod elems;
mod object;
mod print;
mod script;
mod stmt;
pub mod words;
pub mod xt;
mod xt_print;

pub use change::{Part, Place, Refusal, RuleChange, Which};
pub use elems::{Dynset, SetOp, USUAL_SIZE, in_jiffies};
pub use object::{Object, ObjectKind, Quota, Stateful};
pub use print::{Style, print_rule, print_ruleset, print_stmt};
pub use words::chain_priority;

pub use stmt::{
    AddrType, Cmp, Key, Level4, Limit, Log, Match, Nat, NatKind, Operand, Rate, RejectWith, Span, State, Stmt, Verdict,
    in_unit,
};

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of the tables that nettwin makes for a topology; it touches no others.
pub const OWN_TABLE: &str = "nettwin";

/// What a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// Both.
    Inet,
    /// What bridges forward.
    Bridge,
}

impl Family {
    /// nft's word.
    pub fn word(self) -> &'static str {
        match self {
            Family::Ip => "ip",
            Family::Ip6 => "ip6",
            Family::Inet => "inet",
            Family::Bridge => "bridge",
        }
    }

    /// The family of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Family::Ip, Family::Ip6, Family::Inet, Family::Bridge].into_iter().find(|f| f.word() == word)
    }

    /// The kernel's number (`NFPROTO_*`).
    pub fn number(self) -> u8 {
        match self {
            Family::Inet => 1,
            Family::Ip => 2,
            Family::Bridge => 7,
            Family::Ip6 => 10,
        }
    }

    /// The family of that number.
    pub fn of_number(number: u8) -> Option<Self> {
        [Family::Ip, Family::Ip6, Family::Inet, Family::Bridge].into_iter().find(|f| f.number() == number)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where on a packet's way a chain is (`enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Before routing.
    Prerouting,
    /// To this namespace.
    Input,
    /// Through it.
    Forward,
    /// From it.
    Output,
    /// After routing.
    Postrouting,
}

impl Hook {
    /// All, by number.
    pub const ALL: [Hook; 5] = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];

    /// nft's word.
    pub fn word(self) -> &'static str {
        match self {
            Hook::Prerouting => "prerouting",
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::Postrouting => "postrouting",
        }
    }

    /// The kernel's number.
    pub fn number(self) -> u32 {
        self as u32
    }
}

/// What a base chain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainKind {
    /// Filters.
    Filter,
    /// Translates the first packet of a connection.
    Nat,
    /// Filters, and routes anew what it changed (output only).
    Route,
}

impl ChainKind {
    /// nft's and the kernel's word.
    pub fn word(self) -> &'static str {
        match self {
            ChainKind::Filter => "filter",
            ChainKind::Nat => "nat",
            ChainKind::Route => "route",
        }
    }
}

/// What becomes of packets that no rule decided about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// They go on.
    #[default]
    Accept,
    /// They do not.
    Drop,
}

impl Policy {
    /// nft's word.
    pub fn word(self) -> &'static str {
        match self {
            Policy::Accept => "accept",
            Policy::Drop => "drop",
        }
    }
}

/// All tables of a namespace, in the order of their making.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ruleset {
    /// The tables.
    pub tables: Vec<Table>,
    /// The last table's handle.
    pub last_table: u64,
    /// How many changes there were; the number of the next chain that is hooked in.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_false(b: &bool) -> bool {
    !*b
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What it is about.
    pub family: Family,
    /// Its name.
    pub name: String,
    /// Its handle.
    pub handle: u64,
    /// The last handle given to something in it.
    pub last_handle: u64,
    /// Its chains, in the order of their making.
    pub chains: Vec<Chain>,
    /// What its rules share by name, in the order of its making.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Object>,
    /// Its named sets and maps, in the order of their making.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<Set>,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// Its handle.
    pub handle: u64,
    /// Where it is hooked in; `None` if it is only jumped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// Where and how a chain is hooked in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// What it does.
    pub kind: ChainKind,
    /// Where.
    pub hook: Hook,
    /// In which order: the lowest first.
    pub priority: i32,
    /// What becomes of the rest.
    pub policy: Policy,
    /// How much that has been, packets and bytes, if it is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<(u64, u64)>,
    /// Which hooking in it was, so that of two with one priority the later is first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seq: u64,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its handle, 0 as long as it is not in a table.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub handle: u64,
    /// What it says.
    pub stmts: Vec<Stmt>,
    /// What somebody says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// How it was written.
    #[serde(default, skip_serializing_if = "Tongue::is_nft")]
    pub tongue: Tongue,
}

/// How a rule was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tongue {
    /// As nft writes.
    #[default]
    Nft,
    /// As iptables writes.
    Iptables(Box<xt::XtRule>),
}

impl Tongue {
    /// Whether nft wrote it.
    pub fn is_nft(&self) -> bool {
        *self == Tongue::Nft
    }
}

impl Rule {
    /// A rule as nft writes it.
    pub fn new(stmts: Vec<Stmt>) -> Self {
        Rule { stmts, ..Rule::default() }
    }

    /// A rule as iptables writes it.
    pub fn iptables(rule: xt::XtRule, packets: u64, bytes: u64) -> Self {
        Rule { stmts: rule.compile(packets, bytes), tongue: Tongue::Iptables(Box::new(rule)), ..Rule::default() }
    }

    /// What its counter has counted: packets and bytes.
    pub fn counted(&self) -> Option<(u64, u64)> {
        self.stmts.iter().find_map(|stmt| match stmt {
            Stmt::Counter { packets, bytes } => Some((*packets, *bytes)),
            _ => None,
        })
    }

    /// Sets its counter.
    pub fn set_counted(&mut self, to: (u64, u64)) {
        for stmt in &mut self.stmts {
            if let Stmt::Counter { packets, bytes } = stmt {
                (*packets, *bytes) = to;
            }
        }
    }

    /// The chains that it names.
    pub fn jumps(&self) -> impl Iterator<Item = &str> {
        self.stmts.iter().flat_map(Stmt::jumps)
    }
}

/// A named set or map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Its handle.
    pub handle: u64,
    /// What its keys are.
    pub key: SetType,
    /// What further parts its keys have, if they are concatenated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<SetType>,
    /// What its values are, if it is a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<SetType>,
    /// What its keys were said to be like (`typeof`), if their types were not named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<Key>,
    /// What its values were said to be like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_like: Option<Key>,
    /// Whether its elements may be ranges.
    #[serde(default)]
    pub interval: bool,
    /// Whether it cannot be changed.
    #[serde(default)]
    pub constant: bool,
    /// Whether packets may change it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dynamic: bool,
    /// Whether its elements may end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub timed: bool,
    /// How long they stay unless they say otherwise, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How often those that ended are collected, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc_interval_ms: Option<u64>,
    /// What each element counts or limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Stateful>,
    /// Whether it is a rule's own, and goes with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub meter: bool,
    /// Whether its size is only the usual one of sets that packets change.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_open: bool,
    /// Whether elements that overlap are put together.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_merge: bool,
    /// How many elements it can have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// What somebody says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Its elements, in order.
    pub elems: Vec<Elem>,
}

impl Set {
    /// An empty set of such keys.
    pub fn new(name: &str, key: SetType) -> Self {
        Set {
            name: name.to_owned(),
            handle: 0,
            key,
            more: Vec::new(),
            data: None,
            like: Vec::new(),
            data_like: None,
            interval: false,
            constant: false,
            dynamic: false,
            timed: false,
            timeout_ms: None,
            gc_interval_ms: None,
            each: None,
            meter: false,
            is_open: false,
            auto_merge: false,
            size: None,
            comment: None,
            elems: Vec::new(),
        }
    }

    /// The parts of its keys.
    pub fn keys(&self) -> Vec<SetType> {
        std::iter::once(self.key).chain(self.more.iter().copied()).collect()
    }
}

/// What a set holds (nft's data types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "nft's own words")]
pub enum SetType {
    Ipv4Addr,
    Ipv6Addr,
    EtherAddr,
    EtherType,
    InetProto,
    InetService,
    Ifname,
    IfaceIndex,
    Mark,
    CtState,
    CtDir,
    CtStatus,
    IcmpType,
    IcmpCode,
    Icmp6Type,
    Icmp6Code,
    PktType,
    TcpFlag,
    Dscp,
    FibAddrtype,
    NfProto,
    Integer,
    Verdict,
}

impl SetType {
    /// All, with nft's words and nft's numbers.
    pub const ALL: [(SetType, &'static str, u32); 23] = [
        (SetType::Ipv4Addr, "ipv4_addr", 7),
        (SetType::Ipv6Addr, "ipv6_addr", 8),
        (SetType::EtherAddr, "ether_addr", 9),
        (SetType::EtherType, "ether_type", 10),
        (SetType::InetProto, "inet_proto", 12),
        (SetType::InetService, "inet_service", 13),
        (SetType::Ifname, "ifname", 41),
        (SetType::IfaceIndex, "iface_index", 20),
        (SetType::Mark, "mark", 19),
        (SetType::CtState, "ct_state", 26),
        (SetType::CtDir, "ct_dir", 27),
        (SetType::CtStatus, "ct_status", 28),
        (SetType::IcmpType, "icmp_type", 14),
        (SetType::IcmpCode, "icmp_code", 32),
        (SetType::Icmp6Type, "icmpv6_type", 29),
        (SetType::Icmp6Code, "icmpv6_code", 33),
        (SetType::PktType, "pkt_type", 31),
        (SetType::TcpFlag, "tcp_flag", 15),
        (SetType::Dscp, "dscp", 36),
        (SetType::FibAddrtype, "fib_addrtype", 38),
        (SetType::NfProto, "nf_proto", 2),
        (SetType::Integer, "integer", 4),
        (SetType::Verdict, "verdict", 0xffff_ff00),
    ];

    /// nft's word.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|t| t.0 == self).map_or("integer", |t| t.1)
    }

    /// The type of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|t| t.1 == word).map(|t| t.0)
    }

    /// nft's number.
    pub fn number(self) -> u32 {
        Self::ALL.iter().find(|t| t.0 == self).map_or(4, |t| t.2)
    }
}

/// An element of a set, or of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Elem {
    /// The name that it is, of an interface (`*` at its end: any that begin so).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The values that it is.
    pub span: Span,
    /// The further parts of its key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<KeyPart>,
    /// What it means, in a verdict map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What it means, in another map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Span>,
    /// How long it stays, in milliseconds, if not as long as its set says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// When it ends: in so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// The same by a machine's clock, while the machine has it.
    #[serde(skip)]
    pub ends_at_ms: Option<u64>,
    /// What it counts or limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Stateful>,
    /// What somebody says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A further part of a concatenated key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyPart {
    /// The name that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The values that it is.
    pub span: Span,
}

impl Elem {
    /// A value or a range of them.
    pub fn span(span: Span) -> Self {
        Elem { span, ..Elem::default() }
    }

    /// An interface's name.
    pub fn named(name: &str) -> Self {
        Elem { name: Some(name.to_owned()), ..Elem::default() }
    }

    /// What it is sorted by: names as numbers whose first byte is the last, then the parts.
    pub fn order(&self) -> impl Ord + '_ {
        let name = |name: &Option<String>| name.as_ref().map(|n| (n.len(), n.bytes().rev().collect::<Vec<u8>>()));
        let parts = self.more.iter().map(|part| (name(&part.name), part.span));
        std::iter::once((name(&self.name), self.span)).chain(parts).collect::<Vec<_>>()
    }

    /// Whether something has the keys of both.
    pub fn overlaps(&self, other: &Elem) -> bool {
        let meet = |a: Span, b: Span| a.lo <= b.hi && b.lo <= a.hi;
        let parts = self.more.iter().zip(&other.more);
        self.name == other.name
            && meet(self.span, other.span)
            && self.more.len() == other.more.len()
            && parts.into_iter().all(|(a, b)| a.name == b.name && meet(a.span, b.span))
    }

    /// Whether it has the same key.
    pub fn is_key_of(&self, other: &Elem) -> bool {
        self.name == other.name && self.span == other.span && self.more == other.more
    }

    pub(super) fn jumps(&self) -> Option<&str> {
        match &self.verdict {
            Some(Verdict::Jump(chain) | Verdict::Goto(chain)) => Some(chain),
            _ => None,
        }
    }
}

impl Ruleset {
    /// The table of that name.
    pub fn table(&self, family: Family, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.family == family && t.name == name)
    }

    /// The same, to change.
    pub fn table_mut(&mut self, family: Family, name: &str) -> Option<&mut Table> {
        self.tables.iter_mut().find(|t| t.family == family && t.name == name)
    }

    /// The same rules with all that counts or numbers them gone: what two machines can be compared by.
    pub fn without_state(&self) -> Ruleset {
        let mut plain = self.clone();
        (plain.last_table, plain.generation) = (0, 0);
        for table in &mut plain.tables {
            (table.handle, table.last_handle) = (0, 0);
            for set in &mut table.sets {
                set.handle = 0;
                if set.dynamic {
                    set.elems.clear();
                }
                for elem in &mut set.elems {
                    (elem.expires_in_ms, elem.each) = (None, elem.each.map(|each| each.fresh()));
                }
            }
            for chain in &mut table.chains {
                chain.handle = 0;
                if let Some(base) = &mut chain.base {
                    (base.seq, base.rest) = (0, None);
                }
                for rule in &mut chain.rules {
                    rule.handle = 0;
                    rule.set_counted((0, 0));
                }
            }
        }
        plain
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

impl Table {
    /// The chain of that name.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|c| c.name == name)
    }

    /// The same, to change.
    pub fn chain_mut(&mut self, name: &str) -> Option<&mut Chain> {
        self.chains.iter_mut().find(|c| c.name == name)
    }

    /// The set or map of that name.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|s| s.name == name)
    }

    /// How many rules name a chain.
    pub fn references(&self, chain: &str) -> usize {
        let rules = self.chains.iter().flat_map(|c| &c.rules).flat_map(Rule::jumps);
        let elems = self.sets.iter().flat_map(|s| &s.elems).filter_map(Elem::jumps);
        rules.chain(elems).filter(|name| *name == chain).count()
    }
}
