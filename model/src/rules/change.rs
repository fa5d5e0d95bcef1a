//! Changes of a ruleset: one list is one transaction, all of it or nothing.
//!
//! Kernel counterpart: an nfnetlink batch, `nf_tables_newtable()` … `nf_tables_commit()`. Errnos are the kernel's.

use super::{Base, Chain, ChainKind, Elem, Family, Hook, Operand, Policy, Rule, Ruleset, Set, Stmt, Table, Verdict};
use crate::errno::Errno;
use serde::{Deserialize, Serialize};

/// A table, and in it a chain or a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Which {
    /// The table's family.
    pub family: Family,
    /// Its name.
    pub table: String,
    /// The chain or set; empty where a change is about the table.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Which {
    /// A table.
    pub fn table(family: Family, table: &str) -> Self {
        Which { family, table: table.to_owned(), name: String::new() }
    }

    /// Something in a table.
    pub fn of(family: Family, table: &str, name: &str) -> Self {
        Which { family, table: table.to_owned(), name: name.to_owned() }
    }
}

/// Where a rule is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At the end.
    Last,
    /// At the beginning.
    First,
    /// Behind the rule of that handle.
    After(u64),
    /// Before it.
    Before(u64),
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleChange {
    /// Makes a table. EEXIST if there is one and `fresh`.
    AddTable {
        /// Which.
        which: Which,
        /// It must not be there.
        fresh: bool,
    },
    /// Removes a table with all that is in it. ENOENT if there is none, unless it is `lenient`.
    DelTable {
        /// Which.
        which: Which,
        /// It need not be there.
        lenient: bool,
    },
    /// Removes all tables, or all of a family.
    FlushAll {
        /// Which.
        family: Option<Family>,
    },
    /// Makes a chain, or gives a base chain another policy. EEXIST if there is one and `fresh`, or it is hooked in elsewhere.
    AddChain {
        /// Which.
        which: Which,
        /// Where it is hooked in. The policy given counts.
        base: Option<Base>,
        /// It must not be there.
        fresh: bool,
    },
    /// Lets a base chain count anew.
    ZeroChain {
        /// Which.
        which: Which,
    },
    /// Removes a chain. ENOENT if there is none, EBUSY if a rule names it.
    DelChain {
        /// Which.
        which: Which,
    },
    /// Gives a chain another name.
    RenameChain {
        /// Which.
        which: Which,
        /// The name.
        to: String,
    },
    /// Removes all rules of a chain, or of all chains of the table if none is named.
    Flush {
        /// Which.
        which: Which,
    },
    /// Adds a rule.
    AddRule {
        /// Which chain.
        which: Which,
        /// Where in it.
        place: Place,
        /// What.
        rule: Rule,
    },
    /// Puts a rule in another's place.
    ReplaceRule {
        /// Which chain.
        which: Which,
        /// The other's handle.
        handle: u64,
        /// What.
        rule: Rule,
    },
    /// Removes a rule. ENOENT if there is none of that handle.
    DelRule {
        /// Which chain.
        which: Which,
        /// Its handle.
        handle: u64,
    },
    /// Makes a set or map with elements.
    AddSet {
        /// Which table.
        which: Which,
        /// What.
        set: Set,
        /// It must not be there.
        fresh: bool,
    },
    /// Removes a set or map.
    DelSet {
        /// Which.
        which: Which,
    },
    /// Removes all elements of a set or map.
    FlushSet {
        /// Which.
        which: Which,
    },
    /// Adds elements.
    AddElems {
        /// To which.
        which: Which,
        /// What.
        elems: Vec<Elem>,
        /// They must not be there.
        fresh: bool,
    },
    /// Removes elements. ENOENT if one is not there.
    DelElems {
        /// From which.
        which: Which,
        /// What.
        elems: Vec<Elem>,
    },
}

type Done = Result<(), Errno>;

impl Ruleset {
    /// All of the changes, or none: then which one was refused, and why.
    pub fn apply(&mut self, changes: &[RuleChange]) -> Result<(), (usize, Errno)> {
        let mut next = self.clone();
        for (i, change) in changes.iter().enumerate() {
            next.change(change).map_err(|errno| (i, errno))?;
        }
        // Looked at once all is there, as the kernel does before it commits.
        next.check().map_err(|errno| (changes.len().saturating_sub(1), errno))?;
        *self = next;
        Ok(())
    }

    fn change(&mut self, change: &RuleChange) -> Done {
        match change {
            RuleChange::AddTable { which, fresh } => self.add_table(which, *fresh),
            RuleChange::DelTable { which, lenient } => {
                let before = self.tables.len();
                self.tables.retain(|t| !(t.family == which.family && t.name == which.table));
                if self.tables.len() == before && !lenient { Err(Errno::ENOENT) } else { Ok(()) }
            }
            RuleChange::FlushAll { family } => {
                self.tables.retain(|t| family.is_some_and(|f| f != t.family));
                Ok(())
            }
            RuleChange::AddChain { which, base, fresh } => self.add_chain(which, base.as_ref(), *fresh),
            RuleChange::ZeroChain { which } => {
                let chain = self.of(which)?.chain_mut(&which.name).ok_or(Errno::ENOENT)?;
                if let Some(base) = &mut chain.base {
                    base.rest = base.rest.map(|_| (0, 0));
                }
                Ok(())
            }
            RuleChange::DelChain { which } => self.of(which)?.del_chain(&which.name),
            RuleChange::RenameChain { which, to } => self.of(which)?.rename_chain(&which.name, to),
            RuleChange::Flush { which } => {
                let table = self.of(which)?;
                if !which.name.is_empty() {
                    table.chain(&which.name).ok_or(Errno::ENOENT)?;
                }
                for chain in table.chains.iter_mut().filter(|c| which.name.is_empty() || c.name == which.name) {
                    chain.rules.clear();
                }
                Ok(())
            }
            RuleChange::AddRule { which, place, rule } => self.of(which)?.add_rule(&which.name, *place, rule),
            RuleChange::ReplaceRule { which, handle, rule } => {
                let table = self.of(which)?;
                table.add_rule(&which.name, Place::After(*handle), rule)?;
                table.del_rule(&which.name, *handle)
            }
            RuleChange::DelRule { which, handle } => self.of(which)?.del_rule(&which.name, *handle),
            RuleChange::AddSet { which, set, fresh } => self.of(which)?.add_set(set, *fresh),
            RuleChange::DelSet { which } => self.of(which)?.del_set(&which.name),
            RuleChange::FlushSet { which } => {
                self.of(which)?.set_mut(&which.name)?.elems.clear();
                Ok(())
            }
            RuleChange::AddElems { which, elems, fresh } => {
                let set = self.of(which)?.set_mut(&which.name)?;
                elems.iter().try_for_each(|elem| set.add(elem, *fresh))
            }
            RuleChange::DelElems { which, elems } => {
                let set = self.of(which)?.set_mut(&which.name)?;
                elems.iter().try_for_each(|elem| set.del(elem))
            }
        }
    }

    fn of(&mut self, which: &Which) -> Result<&mut Table, Errno> {
        self.table_mut(which.family, &which.table).ok_or(Errno::ENOENT)
    }

    fn add_table(&mut self, which: &Which, fresh: bool) -> Done {
        if self.table(which.family, &which.table).is_some() {
            return if fresh { Err(Errno::EEXIST) } else { Ok(()) };
        }
        self.last_table += 1;
        self.tables.push(Table {
            family: which.family,
            name: which.table.clone(),
            handle: self.last_table,
            last_handle: 0,
            chains: Vec::new(),
            sets: Vec::new(),
        });
        Ok(())
    }

    fn add_chain(&mut self, which: &Which, base: Option<&Base>, fresh: bool) -> Done {
        if let Some(base) = base {
            check_base(which.family, base)?;
        }
        self.generation += 1;
        let seq = self.generation;
        let table = self.of(which)?;
        if let Some(chain) = table.chain_mut(&which.name) {
            if fresh {
                return Err(Errno::EEXIST);
            }
            let Some(base) = base else { return Ok(()) };
            let known = chain.base.as_mut().ok_or(Errno::EEXIST)?;
            if (known.kind, known.hook, known.priority) != (base.kind, base.hook, base.priority) {
                return Err(Errno::EEXIST);
            }
            known.policy = base.policy;
            known.rest = base.rest.or(known.rest);
            return Ok(());
        }
        let handle = table.next_handle();
        let base = base.map(|base| Base { seq, ..base.clone() });
        table.chains.push(Chain { name: which.name.clone(), handle, base, rules: Vec::new() });
        Ok(())
    }

    /// No jump into the void, into a base chain or round in circles; no statement where it cannot be.
    fn check(&self) -> Done {
        self.tables.iter().try_for_each(Table::check)
    }
}

/// Where chains of a kind can be (`nft_chain_*` types).
fn check_base(family: Family, base: &Base) -> Done {
    let fits = match (base.kind, family) {
        (ChainKind::Filter, _) => true,
        (ChainKind::Nat, Family::Bridge) => false,
        (ChainKind::Nat, _) => base.hook != Hook::Forward && base.priority > -200,
        (ChainKind::Route, Family::Bridge) => false,
        (ChainKind::Route, _) => base.hook == Hook::Output,
    };
    if fits { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
}

impl Table {
    fn next_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    fn rules_of(&mut self, chain: &str) -> Result<&mut Vec<Rule>, Errno> {
        self.chain_mut(chain).map(|c| &mut c.rules).ok_or(Errno::ENOENT)
    }

    fn set_mut(&mut self, name: &str) -> Result<&mut Set, Errno> {
        self.sets.iter_mut().find(|s| s.name == name).ok_or(Errno::ENOENT)
    }

    fn del_chain(&mut self, name: &str) -> Done {
        let own =
            self.chain(name).ok_or(Errno::ENOENT)?.rules.iter().flat_map(Rule::jumps).filter(|j| *j == name).count();
        if self.references(name) > own {
            return Err(Errno::EBUSY);
        }
        self.chains.retain(|c| c.name != name);
        Ok(())
    }

    fn rename_chain(&mut self, name: &str, to: &str) -> Done {
        if self.chain(to).is_some() {
            return Err(Errno::EEXIST);
        }
        self.chain_mut(name).ok_or(Errno::ENOENT)?.name = to.to_owned();
        let renamed = |verdict: &mut Verdict| {
            if let Verdict::Jump(chain) | Verdict::Goto(chain) = verdict
                && chain == name
            {
                *chain = to.to_owned();
            }
        };
        for rule in self.chains.iter_mut().flat_map(|c| &mut c.rules) {
            if let super::Tongue::Iptables(xt) = &mut rule.tongue {
                xt.rename(name, to);
            }
            for stmt in &mut rule.stmts {
                match stmt {
                    Stmt::Verdict(verdict) => renamed(verdict),
                    Stmt::Vmap { map: Operand::Map(elems), .. } => {
                        elems.iter_mut().filter_map(|e| e.verdict.as_mut()).for_each(renamed);
                    }
                    _ => {}
                }
            }
        }
        self.sets.iter_mut().flat_map(|s| &mut s.elems).filter_map(|e| e.verdict.as_mut()).for_each(renamed);
        Ok(())
    }

    fn add_rule(&mut self, chain: &str, place: Place, rule: &Rule) -> Done {
        let len = self.rules_of(chain)?.len();
        let find = |rules: &[Rule], handle| rules.iter().position(|r| r.handle == handle).ok_or(Errno::ENOENT);
        let at = match place {
            Place::Last => len,
            Place::First => 0,
            Place::After(handle) => find(self.rules_of(chain)?, handle)? + 1,
            Place::Before(handle) => find(self.rules_of(chain)?, handle)?,
        };
        // An anonymous set takes a handle of its own.
        self.last_handle += rule.stmts.iter().filter(|s| has_anonymous_set(s)).count() as u64;
        let handle = self.next_handle();
        self.rules_of(chain)?.insert(at, Rule { handle, ..rule.clone() });
        Ok(())
    }

    fn del_rule(&mut self, chain: &str, handle: u64) -> Done {
        let rules = self.rules_of(chain)?;
        let at = rules.iter().position(|r| r.handle == handle).ok_or(Errno::ENOENT)?;
        rules.remove(at);
        Ok(())
    }

    fn add_set(&mut self, set: &Set, fresh: bool) -> Done {
        if let Ok(known) = self.set_mut(&set.name) {
            if fresh || (known.key, known.data, known.interval) != (set.key, set.data, set.interval) {
                return Err(Errno::EEXIST);
            }
            return set.elems.iter().try_for_each(|elem| known.add(elem, false));
        }
        let handle = self.next_handle();
        let mut new = Set { handle, elems: Vec::new(), ..set.clone() };
        set.elems.iter().try_for_each(|elem| new.add(elem, fresh))?;
        self.sets.push(new);
        Ok(())
    }

    fn del_set(&mut self, name: &str) -> Done {
        self.set_mut(name)?;
        let uses = |stmt: &Stmt| match stmt {
            Stmt::Match(m) => matches!(&m.to, Operand::Set(set) if set == name),
            Stmt::Vmap { map: Operand::Set(set), .. } => set == name,
            _ => false,
        };
        if self.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.stmts).any(uses) {
            return Err(Errno::EBUSY);
        }
        self.sets.retain(|s| s.name != name);
        Ok(())
    }

    fn check(&self) -> Done {
        for chain in &self.chains {
            for rule in &chain.rules {
                for target in rule.jumps() {
                    let target = self.chain(target).ok_or(Errno::ENOENT)?;
                    if target.base.is_some() {
                        return Err(Errno::EOPNOTSUPP);
                    }
                }
                for stmt in &rule.stmts {
                    let set = match stmt {
                        Stmt::Match(m) => &m.to,
                        Stmt::Vmap { map, .. } => map,
                        _ => continue,
                    };
                    if let Operand::Set(name) = set {
                        self.set(name).ok_or(Errno::ENOENT)?;
                    }
                }
            }
        }
        // From each base chain down: how deep, and what may be done there. What none leads to may go round in circles.
        for chain in &self.chains {
            if let Some(base) = &chain.base {
                self.walk(chain, base, 0)?;
            }
        }
        Ok(())
    }

    fn walk(&self, chain: &Chain, base: &Base, depth: usize) -> Done {
        if depth >= MAX_DEPTH {
            return Err(Errno::EMLINK);
        }
        for rule in &chain.rules {
            rule.stmts.iter().try_for_each(|stmt| fits(stmt, base))?;
            for target in rule.jumps() {
                self.walk(self.chain(target).ok_or(Errno::ENOENT)?, base, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// `NFT_JUMP_STACK_SIZE`.
const MAX_DEPTH: usize = 16;

fn has_anonymous_set(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Match(m) => match &m.to {
            Operand::Spans(spans) => spans.len() > 1,
            Operand::Names(names) => names.len() > 1,
            _ => false,
        },
        Stmt::Vmap { map: Operand::Map(_), .. } => true,
        _ => false,
    }
}

/// Whether a statement can be in a chain that is reached from there (`nft_*_validate`).
fn fits(stmt: &Stmt, base: &Base) -> Done {
    use super::NatKind::*;
    let ok = match stmt {
        Stmt::Nat(nat) => {
            let hook = match nat.kind {
                Masquerade => base.hook == Hook::Postrouting,
                Redirect => matches!(base.hook, Hook::Prerouting | Hook::Output),
                Dnat => matches!(base.hook, Hook::Prerouting | Hook::Output),
                Snat => matches!(base.hook, Hook::Postrouting | Hook::Input),
            };
            base.kind == ChainKind::Nat && hook
        }
        Stmt::Reject(_) => matches!(base.hook, Hook::Input | Hook::Forward | Hook::Output | Hook::Prerouting),
        _ => true,
    };
    if ok { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
}

impl Set {
    fn add(&mut self, elem: &Elem, fresh: bool) -> Done {
        if self.constant {
            return Err(Errno::EBUSY);
        }
        let is_key = |e: &Elem| e.name == elem.name && e.span == elem.span;
        if let Some(known) = self.elems.iter().find(|e| is_key(e)) {
            let same = known.verdict == elem.verdict && known.data == elem.data;
            return if fresh || !same { Err(Errno::EEXIST) } else { Ok(()) };
        }
        if elem.name.is_none() && self.elems.iter().any(|e| e.span.lo <= elem.span.hi && elem.span.lo <= e.span.hi) {
            return Err(Errno::EEXIST);
        }
        let at = self.elems.partition_point(|e| (&e.name, e.span) < (&elem.name, elem.span));
        self.elems.insert(at, elem.clone());
        Ok(())
    }

    fn del(&mut self, elem: &Elem) -> Done {
        let at = self.elems.iter().position(|e| e.name == elem.name && e.span == elem.span).ok_or(Errno::ENOENT)?;
        self.elems.remove(at);
        Ok(())
    }
}

impl Table {
    /// The changes that make it.
    pub fn making(&self) -> Vec<RuleChange> {
        let which = |name: &str| Which::of(self.family, &self.name, name);
        let mut out = vec![RuleChange::AddTable { which: which(""), fresh: true }];
        let sets = self.sets.iter().map(|set| RuleChange::AddSet { which: which(""), set: set.clone(), fresh: true });
        out.extend(sets);
        for chain in &self.chains {
            out.push(RuleChange::AddChain { which: which(&chain.name), base: chain.base.clone(), fresh: true });
        }
        for chain in &self.chains {
            let rules = chain.rules.iter().map(|rule| RuleChange::AddRule {
                which: which(&chain.name),
                place: Place::Last,
                rule: rule.clone(),
            });
            out.extend(rules);
        }
        out
    }
}

/// A base chain as it is asked for.
impl Base {
    /// Hooked in there.
    pub fn new(kind: ChainKind, hook: Hook, priority: i32, policy: Policy) -> Self {
        Base { kind, hook, priority, policy, rest: None, seq: 0 }
    }
}
