//! What was written, before it is known what it is about.
//!
//! Counterpart: `struct cmd`, `struct stmt`, `struct expr` of nftables as its parser leaves them. Every part knows its place.
//! Deliberately absent: everything that [`phrase`](super::phrase) refuses by name.

use super::source::Loc;
use nettwin_model::rules::{
    Cmp, Family, Key, Limit, Log, NatKind, ObjectKind, Quota, RejectWith, SetOp, Stateful, Verdict,
};

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Loc,
}

/// A number and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) value: u64,
    pub(super) at: Loc,
}

/// Which table, and what in it.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) family: Family,
    pub(super) table: Word,
    /// The chain or set.
    pub(super) name: Option<Word>,
    /// The rule, or the table or chain by number.
    pub(super) handle: Option<Count>,
    /// The rule beside which something is put, by handle.
    pub(super) position: Option<Count>,
    /// The same by its number in the chain.
    pub(super) index: Option<Count>,
}

/// A command.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) at: Loc,
    pub(super) what: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Create,
    Insert,
    Replace,
    Delete,
    Flush,
    List,
}

/// What lists show.
#[derive(Clone, Debug)]
pub(super) enum Listed {
    Ruleset(Option<Family>),
    Tables(Option<Family>),
    Chains(Option<Family>),
    Sets(Option<Family>),
    Meters(Option<Family>),
    Maps(Option<Family>),
    /// Objects of a kind.
    Objects(ObjectKind, Option<Family>),
    /// Those of a table.
    ObjectsOf(ObjectKind, Handle),
    Object(ObjectKind, Handle),
    Table(Handle),
    Chain(Handle),
    Set(Handle),
    Map(Handle),
    Meter(Handle),
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Table(Verb, Handle, Vec<Inside>),
    Chain(Verb, Handle, ChainBody),
    Rule(Verb, Handle, RuleBody),
    Set(Verb, Handle, Box<SetBody>),
    Elements(Verb, Handle, Expr),
    Object(Verb, Handle, Box<ObjectBody>),
    /// Lists objects, and lets them begin anew.
    Reset(Listed),
    Rename(Handle, Word),
    FlushRuleset(Option<Family>),
    List(Listed),
}

/// What a table's block holds.
#[derive(Clone, Debug)]
pub(super) enum Inside {
    Chain(Word, ChainBody),
    Set(Word, Box<SetBody>),
    Object(Word, Box<ObjectBody>),
}

/// What an object is said to be.
#[derive(Clone, Debug)]
pub(super) struct ObjectBody {
    pub(super) kind: ObjectKind,
    /// None if it is only named.
    pub(super) what: Option<Stateful>,
    pub(super) comment: Option<String>,
}

/// What a chain's block holds.
#[derive(Clone, Debug, Default)]
pub(super) struct ChainBody {
    pub(super) base: Option<BaseBody>,
    pub(super) policy: Option<Verdict>,
    pub(super) rules: Vec<RuleBody>,
}

#[derive(Clone, Debug)]
pub(super) struct BaseBody {
    pub(super) kind: Word,
    pub(super) hook: Word,
    pub(super) priority: Priority,
    /// From `priority` on.
    pub(super) at: Loc,
}

#[derive(Clone, Debug)]
pub(super) enum Priority {
    Number(i64),
    /// A name, and what is added.
    Name(String, i64),
}

#[derive(Clone, Debug)]
pub(super) struct SetBody {
    pub(super) is_map: bool,
    pub(super) at: Loc,
    pub(super) key: Vec<Word>,
    pub(super) data: Vec<Word>,
    /// `typeof`: what keys and values are like; none if their types are named.
    pub(super) like: Vec<Key>,
    pub(super) data_like: Option<Key>,
    pub(super) flags: Vec<Word>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) gc_interval_ms: Option<u64>,
    pub(super) each: Option<Stateful>,
    pub(super) auto_merge: bool,
    pub(super) size: Option<u64>,
    pub(super) comment: Option<String>,
    pub(super) elements: Option<Expr>,
}

#[derive(Clone, Debug)]
pub(super) struct RuleBody {
    pub(super) stmts: Vec<Said>,
    pub(super) comment: Option<String>,
    pub(super) at: Loc,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Where it stands.
    pub(super) at: Loc,
    /// What the kernel's refusal of it is about.
    pub(super) core: Loc,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Match {
        left: Expr,
        cmp: Option<(Cmp, bool)>,
        /// Where that stands.
        op: Loc,
        right: Expr,
        mask: Option<Expr>,
    },
    Vmap {
        key: Expr,
        map: Expr,
    },
    Verdict(Verdict),
    Counter {
        packets: u64,
        bytes: u64,
    },
    Limit(Limit),
    Quota(Quota),
    /// One of a kind that has a name.
    Object(ObjectKind, String),
    Log(Log),
    Reject(Option<(RejectKind, Expr)>),
    Reset,
    Nat(NatBody),
    SetMark {
        ct: bool,
        value: Expr,
    },
    Notrack,
    TcpMss(Option<Expr>),
    Dynset(DynsetBody),
}

/// A change of a set by packets.
#[derive(Clone, Debug)]
pub(super) struct DynsetBody {
    pub(super) op: SetOp,
    pub(super) set: Word,
    /// The set with its sign, as its place.
    pub(super) set_at: Loc,
    pub(super) key: Expr,
    pub(super) timeout_ms: Option<u64>,
    pub(super) each: Option<Stateful>,
    /// Of a meter: its room.
    pub(super) meter: Option<u32>,
    /// All of it.
    pub(super) at: Loc,
}

/// What a reject's code is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RejectKind {
    Icmp,
    Icmp6,
    Icmpx,
}

impl RejectKind {
    pub(super) fn with(self, code: u8) -> RejectWith {
        match self {
            RejectKind::Icmp => RejectWith::Icmp(code),
            RejectKind::Icmp6 => RejectWith::Icmp6(code),
            RejectKind::Icmpx => RejectWith::Icmpx(code),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct NatBody {
    pub(super) kind: NatKind,
    pub(super) family: Option<Family>,
    pub(super) addr: Option<Expr>,
    pub(super) port: Option<Expr>,
    pub(super) random: bool,
    pub(super) fully_random: bool,
    pub(super) persistent: bool,
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) at: Loc,
    pub(super) is: Is,
}

#[derive(Clone, Debug)]
pub(super) enum Is {
    /// A word or number whose meaning its type says.
    Symbol(String),
    /// A set by its name.
    Ref(String),
    /// What is looked at.
    Key(Key),
    /// `&`, `|` or `^`.
    Binary(char, Box<Expr>, Box<Expr>),
    Range(Box<Expr>, Box<Expr>),
    Prefix(Box<Expr>, u64),
    Concat(Vec<Expr>),
    /// With commas.
    List(Vec<Expr>),
    /// In braces.
    Set(Vec<Item>),
    /// A key and the map that is asked.
    Map(Box<Expr>, Box<Expr>),
    Verdict(Verdict),
}

/// An element in braces.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) key: Expr,
    pub(super) data: Option<Expr>,
    pub(super) comment: Option<String>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) expires_in_ms: Option<u64>,
    pub(super) each: Option<Stateful>,
}
