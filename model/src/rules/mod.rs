//! A namespace's ruleset: what `nft` and `iptables` both are parsed into, and what both machines execute.
//!
//! Kernel counterpart: `net/netfilter/nf_tables_api.c` and the expressions `nft_*.c`. A rule is a list of statements that
//! are tried in order: a match that fails ends the rule, everything else happens. A rule that was written as `iptables`
//! writes it remembers that ([`Tongue`]), so that it is listed as it was written. Deliberately absent: the families arp
//! and netdev, flowtables, stateful objects, quotas, concatenated keys, timeouts of set elements.

mod change;
pub mod conntrack;
mod print;
mod script;
mod stmt;
pub mod xt;

pub use change::{Place, RuleChange, Which};
pub use print::{Style, chain_priority, print_rule, print_ruleset, print_stmt};

pub mod words {
    //! nft's words for values, for whoever reads them.
    pub use super::print::{
        ADDR_TYPES, CT_STATUS, DSCPS, ICMP_CODES, ICMP_MATCH_CODES, ICMP_TYPES, ICMP6_CODES, ICMPX_CODES, KEYS,
        LOG_LEVELS, PKT_TYPES, PROTOCOLS, TCP_FLAGS, key_type, key_words, print_elem, print_span, print_verdict,
        priorities, priority_fits, symbols,
    };
}

pub use stmt::{
    AddrType, Cmp, Key, Level4, Limit, Log, Match, Nat, NatKind, Operand, Rate, RejectWith, Span, State, Stmt, Verdict,
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
        self.stmts.iter().flat_map(|stmt| {
            let one = match stmt {
                Stmt::Verdict(Verdict::Jump(chain) | Verdict::Goto(chain)) => Some(chain.as_str()),
                _ => None,
            };
            let many = match stmt {
                Stmt::Vmap { map: Operand::Map(elems), .. } => elems.as_slice(),
                _ => &[],
            };
            one.into_iter().chain(many.iter().filter_map(Elem::jumps))
        })
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
    /// What its values are, if it is a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<SetType>,
    /// Whether its elements may be ranges.
    #[serde(default)]
    pub interval: bool,
    /// Whether it cannot be changed.
    #[serde(default)]
    pub constant: bool,
    /// Its elements, in order.
    pub elems: Vec<Elem>,
}

/// What a set holds (nft's data types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "nft's own words")]
pub enum SetType {
    Ipv4Addr,
    Ipv6Addr,
    EtherAddr,
    InetProto,
    InetService,
    Ifname,
    Mark,
    CtState,
    IcmpType,
    Verdict,
}

impl SetType {
    /// nft's word.
    pub fn word(self) -> &'static str {
        match self {
            SetType::Ipv4Addr => "ipv4_addr",
            SetType::Ipv6Addr => "ipv6_addr",
            SetType::EtherAddr => "ether_addr",
            SetType::InetProto => "inet_proto",
            SetType::InetService => "inet_service",
            SetType::Ifname => "ifname",
            SetType::Mark => "mark",
            SetType::CtState => "ct_state",
            SetType::IcmpType => "icmp_type",
            SetType::Verdict => "verdict",
        }
    }

    /// The type of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        use SetType::*;
        [Ipv4Addr, Ipv6Addr, EtherAddr, InetProto, InetService, Ifname, Mark, CtState, IcmpType, Verdict]
            .into_iter()
            .find(|t| t.word() == word)
    }
}

/// An element of a set, or of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Elem {
    /// The name that it is, of an interface (`*` at its end: any that begin so).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The values that it is.
    pub span: Span,
    /// What it means, in a verdict map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What it means, in another map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Span>,
}

impl Elem {
    /// A value or a range of them.
    pub fn span(span: Span) -> Self {
        Elem { name: None, span, verdict: None, data: None }
    }

    /// An interface's name.
    pub fn named(name: &str) -> Self {
        Elem { name: Some(name.to_owned()), span: Span::one(0), verdict: None, data: None }
    }

    fn jumps(&self) -> Option<&str> {
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
