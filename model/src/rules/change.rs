//! Changes of a ruleset: one list is one transaction, all of it or nothing.
//!
//! Kernel counterpart: an nfnetlink batch, `nf_tables_newtable()` … `nf_tables_commit()`. Errnos are the kernel's.

use super::{
    Base, Chain, ChainKind, Elem, Family, Hook, Key, Object, ObjectKind, Operand, Policy, Rule, Ruleset, Set, Stmt,
    Table, Verdict,
};
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
    /// Makes a chain, or gives a base chain another policy. EEXIST if there is one and `fresh`,
    /// or it is not hooked in; EOPNOTSUPP if it is hooked in elsewhere.
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
    /// Makes an object in a table; it must not be there if `fresh`. A quota that is there gets the new one's bytes.
    AddObject {
        /// Which table.
        which: Which,
        /// What.
        object: Object,
        /// It must not be there.
        fresh: bool,
    },
    /// Removes an object. ENOENT if there is none, EBUSY if a rule names it.
    DelObject {
        /// Which.
        which: Which,
        /// Of what kind.
        kind: ObjectKind,
    },
    /// Lets an object begin anew.
    ResetObject {
        /// Which.
        which: Which,
        /// Of what kind.
        kind: ObjectKind,
    },
    /// Removes elements. ENOENT if one is not there.
    DelElems {
        /// From which.
        which: Which,
        /// What.
        elems: Vec<Elem>,
    },
}

/// What of a change was refused: the attribute that the kernel names (`NL_SET_BAD_ATTR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// None in particular.
    Whole,
    /// The table.
    Table,
    /// The chain or set.
    Name,
    /// The handle.
    Handle,
    /// That statement of the rule.
    Stmt(usize),
    /// That element.
    Elem(usize),
    /// That element of that statement's own set or map.
    StmtElem(usize, usize),
}

/// A refusal of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub errno: Errno,
    /// Because of what.
    pub part: Part,
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Refusal { errno, part: Part::Whole }
    }
}

pub(super) type Done = Result<(), Refusal>;

pub(super) fn refuse<T>(errno: Errno, part: Part) -> Result<T, Refusal> {
    Err(Refusal { errno, part })
}

impl Ruleset {
    /// All of the changes, or none: then which one was refused, and why.
    pub fn apply(&mut self, changes: &[RuleChange]) -> Result<(), (usize, Errno)> {
        let (next, refusals) = self.after(changes);
        match refusals.first() {
            None => {
                *self = next;
                Ok(())
            }
            Some((i, refusal)) => {
                // Numbers that were given are not given again.
                self.last_table = self.last_table.max(next.last_table);
                for table in &mut self.tables {
                    let tried = next.table(table.family, &table.name);
                    table.last_handle = tried.map_or(table.last_handle, |t| t.last_handle.max(table.last_handle));
                }
                Err((*i, refusal.errno))
            }
        }
    }

    /// What is refused of the changes: the kernel goes on behind a refusal, to name all.
    pub fn refusals(&self, changes: &[RuleChange]) -> Vec<(usize, Refusal)> {
        self.after(changes).1
    }

    fn after(&self, changes: &[RuleChange]) -> (Ruleset, Vec<(usize, Refusal)>) {
        let mut next = self.clone();
        let mut refusals = Vec::new();
        for (i, change) in changes.iter().enumerate() {
            if let Err(refusal) = next.change(change) {
                refusals.push((i, refusal));
            }
        }
        // Looked at once all is there, as the kernel does before it commits; if that fails it begins again and looks after
        // each rule, to say which it is.
        if refusals.is_empty() && next.check().is_err() {
            let mut again = self.clone();
            for table in &mut again.tables {
                table.last_handle = next.table(table.family, &table.name).map_or(table.last_handle, |t| t.last_handle);
            }
            for (i, change) in changes.iter().enumerate() {
                let done = again.change(change);
                let adds = matches!(change, RuleChange::AddRule { .. } | RuleChange::ReplaceRule { .. });
                let done = done.and_then(|()| if adds { again.check() } else { Ok(()) });
                refusals.extend(done.err().map(|refusal| (i, refusal)));
            }
            if refusals.is_empty() {
                refusals.extend(next.check().err().map(|refusal| (changes.len().saturating_sub(1), refusal)));
            }
            next = again;
        }
        (next, refusals)
    }

    fn change(&mut self, change: &RuleChange) -> Done {
        match change {
            RuleChange::AddTable { which, fresh } => self.add_table(which, *fresh),
            RuleChange::DelTable { which, lenient } => {
                let before = self.tables.len();
                self.tables.retain(|t| !(t.family == which.family && t.name == which.table));
                if self.tables.len() == before && !lenient { refuse(Errno::ENOENT, Part::Table) } else { Ok(()) }
            }
            RuleChange::FlushAll { family } => {
                self.tables.retain(|t| family.is_some_and(|f| f != t.family));
                Ok(())
            }
            RuleChange::AddChain { which, base, fresh } => self.add_chain(which, base.as_ref(), *fresh),
            RuleChange::ZeroChain { which } => {
                if let Some(base) = &mut self.of(which)?.chain_named(&which.name)?.base {
                    base.rest = base.rest.map(|_| (0, 0));
                }
                Ok(())
            }
            RuleChange::DelChain { which } => self.of(which)?.del_chain(&which.name),
            RuleChange::RenameChain { which, to } => self.of(which)?.rename_chain(&which.name, to),
            RuleChange::Flush { which } => {
                let table = self.of(which)?;
                if !which.name.is_empty() {
                    table.chain_named(&which.name)?;
                }
                for chain in table.chains.iter_mut().filter(|c| which.name.is_empty() || c.name == which.name) {
                    chain.rules.clear();
                }
                table.drop_meters();
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
                self.of(which)?.set_named(&which.name)?.elems.clear();
                Ok(())
            }
            RuleChange::AddElems { which, elems, fresh } => {
                let table = self.of(which)?;
                table.set_named(&which.name)?;
                table.check_elems(elems).map_err(|(i, errno)| Refusal { errno, part: Part::Elem(i) })?;
                table.set_to_change(&which.name)?.add_all(elems, *fresh)
            }
            RuleChange::AddObject { which, object, fresh } => self.of(which)?.add_object(object, *fresh),
            RuleChange::DelObject { which, kind } => self.of(which)?.del_object(&which.name, *kind),
            RuleChange::ResetObject { which, kind } => self.of(which)?.reset_object(&which.name, *kind),
            RuleChange::DelElems { which, elems } => {
                let set = self.of(which)?.set_to_change(&which.name)?;
                let mut each = elems.iter().enumerate();
                each.try_for_each(|(i, elem)| set.del(elem).map_err(|errno| Refusal { errno, part: Part::Elem(i) }))
            }
        }
    }

    fn of(&mut self, which: &Which) -> Result<&mut Table, Refusal> {
        self.table_mut(which.family, &which.table).ok_or(Refusal { errno: Errno::ENOENT, part: Part::Table })
    }

    fn add_table(&mut self, which: &Which, fresh: bool) -> Done {
        if self.table(which.family, &which.table).is_some() {
            return if fresh { refuse(Errno::EEXIST, Part::Table) } else { Ok(()) };
        }
        self.last_table += 1;
        self.tables.push(Table {
            family: which.family,
            name: which.table.clone(),
            handle: self.last_table,
            last_handle: 0,
            chains: Vec::new(),
            objects: Vec::new(),
            sets: Vec::new(),
        });
        Ok(())
    }

    fn add_chain(&mut self, which: &Which, base: Option<&Base>, fresh: bool) -> Done {
        self.of(which)?;
        if let Some(base) = base {
            check_base(which.family, base)?;
        }
        self.generation += 1;
        let seq = self.generation;
        let table = self.of(which)?;
        if let Some(chain) = table.chain_mut(&which.name) {
            if fresh {
                return refuse(Errno::EEXIST, Part::Name);
            }
            let Some(base) = base else { return Ok(()) };
            let Some(known) = chain.base.as_mut() else { return refuse(Errno::EEXIST, Part::Name) };
            if (known.kind, known.hook, known.priority) != (base.kind, base.hook, base.priority) {
                return refuse(Errno::EOPNOTSUPP, Part::Whole);
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
    if fits { Ok(()) } else { refuse(Errno::EOPNOTSUPP, Part::Whole) }
}

impl Table {
    pub(super) fn next_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    fn chain_named(&mut self, chain: &str) -> Result<&mut Chain, Refusal> {
        self.chain_mut(chain).ok_or(Refusal { errno: Errno::ENOENT, part: Part::Name })
    }

    fn set_named(&mut self, name: &str) -> Result<&mut Set, Refusal> {
        self.sets.iter_mut().find(|s| s.name == name).ok_or(Refusal { errno: Errno::ENOENT, part: Part::Name })
    }

    /// A set whose elements may change: one that is constant may not once a rule uses it.
    fn set_to_change(&mut self, name: &str) -> Result<&mut Set, Refusal> {
        let used = self.uses_set(name);
        let set = self.set_named(name)?;
        if set.constant && used { refuse(Errno::EBUSY, Part::Whole) } else { Ok(set) }
    }

    fn del_chain(&mut self, name: &str) -> Done {
        let own = self.chain_named(name)?.rules.iter().flat_map(Rule::jumps).filter(|j| *j == name).count();
        if self.references(name) > own {
            return refuse(Errno::EBUSY, Part::Name);
        }
        self.chains.retain(|c| c.name != name);
        self.drop_meters();
        Ok(())
    }

    fn rename_chain(&mut self, name: &str, to: &str) -> Done {
        if self.chain(to).is_some() {
            return refuse(Errno::EEXIST, Part::Whole);
        }
        self.chain_named(name)?.name = to.to_owned();
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
                    Stmt::Vmap { map: Operand::Map(elems), .. } | Stmt::TupleVmap { map: Operand::Map(elems), .. } => {
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
        let rules = &self.chain_named(chain)?.rules;
        let find = |handle| {
            let found = rules.iter().position(|r| r.handle == handle);
            found.ok_or(Refusal { errno: Errno::ENOENT, part: Part::Handle })
        };
        let at = match place {
            Place::Last => rules.len(),
            Place::First => 0,
            Place::After(handle) => find(handle)? + 1,
            Place::Before(handle) => find(handle)?,
        };
        for (i, stmt) in rule.stmts.iter().enumerate() {
            self.make_meter(stmt).map_err(|errno| Refusal { errno, part: Part::StmtElem(i, 0) })?;
        }
        // An anonymous set takes a handle of its own.
        self.last_handle += rule.stmts.iter().filter(|s| has_anonymous_set(s)).count() as u64;
        let handle = self.next_handle();
        for (i, stmt) in rule.stmts.iter().enumerate() {
            if let Some(Operand::Map(elems)) = stmt.operand() {
                self.check_elems(elems).map_err(|(n, errno)| Refusal { errno, part: Part::StmtElem(i, n) })?;
            }
            self.check_stmt(stmt).map_err(|errno| Refusal { errno, part: Part::Stmt(i) })?;
        }
        self.bound_sets(rule);
        self.chain_named(chain)?.rules.insert(at, Rule { handle, ..rule.clone() });
        Ok(())
    }

    /// Whether elements lead to chains that can be jumped to; which does not, and why.
    fn check_elems(&self, elems: &[Elem]) -> Result<(), (usize, Errno)> {
        let target = |name: &str| match self.chain(name) {
            None => Err(Errno::ENOENT),
            Some(chain) if chain.base.is_some() => Err(Errno::EOPNOTSUPP),
            Some(_) => Ok(()),
        };
        let mut each = elems.iter().enumerate();
        each.try_for_each(|(n, elem)| elem.jumps().map_or(Ok(()), target).map_err(|errno| (n, errno)))
    }

    /// What is looked at as soon as a statement is read (`nft_verdict_init()`, the expressions' `init`).
    fn check_stmt(&self, stmt: &Stmt) -> Result<(), Errno> {
        for target in stmt.jumps() {
            if self.chain(target).ok_or(Errno::ENOENT)?.base.is_some() {
                return Err(Errno::EOPNOTSUPP);
            }
        }
        match stmt {
            Stmt::Limit(limit) => limit.check()?,
            Stmt::Dynset(what) => self.check_dynset(what)?,
            Stmt::Object { kind, name } if !self.objects.iter().any(|o| o.name == *name && o.kind() == *kind) => {
                return Err(Errno::ENOENT);
            }
            _ => {}
        }
        if self.family == Family::Bridge {
            // This kernel has neither connections of bridges nor rejects nor routes there.
            if stmt.is_about_connections() {
                return Err(Errno::EPROTO);
            }
            let asks_routes = stmt.keys().iter().any(|k| matches!(k, Key::SaddrType | Key::DaddrType));
            if matches!(stmt, Stmt::Reject(_)) || asks_routes {
                return Err(Errno::ENOENT);
            }
        }
        match stmt.set() {
            Some(name) => self.set(name).map(|_| ()).ok_or(Errno::ENOENT),
            None => Ok(()),
        }
    }

    fn del_rule(&mut self, chain: &str, handle: u64) -> Done {
        let rules = &mut self.chain_named(chain)?.rules;
        let Some(at) = rules.iter().position(|r| r.handle == handle) else {
            return refuse(Errno::ENOENT, Part::Handle);
        };
        rules.remove(at);
        self.drop_meters();
        Ok(())
    }

    fn add_set(&mut self, set: &Set, fresh: bool) -> Done {
        if let Ok(known) = self.set_named(&set.name) {
            if fresh {
                return refuse(Errno::EEXIST, Part::Name);
            }
            if (known.keys(), known.data, known.interval) != (set.keys(), set.data, set.interval) {
                return refuse(Errno::EEXIST, Part::Name);
            }
            return known.add_all(&set.elems, false);
        }
        let handle = self.next_handle();
        set.check()?;
        let mut new = Set { handle, elems: Vec::new(), ..set.clone() };
        new.add_all(&set.elems, fresh)?;
        self.sets.push(new);
        Ok(())
    }

    fn uses_set(&self, name: &str) -> bool {
        self.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.stmts).any(|stmt| stmt.set() == Some(name))
    }

    fn del_set(&mut self, name: &str) -> Done {
        self.set_named(name)?;
        if self.uses_set(name) {
            return refuse(Errno::EBUSY, Part::Name);
        }
        self.sets.retain(|s| s.name != name);
        Ok(())
    }

    fn check(&self) -> Done {
        for chain in &self.chains {
            for stmt in chain.rules.iter().flat_map(|rule| &rule.stmts) {
                self.check_stmt(stmt)?;
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
            return refuse(Errno::EMLINK, Part::Whole);
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
    let is_anonymous = |operand: &Operand| match operand {
        Operand::Spans(spans) => spans.len() > 1,
        Operand::Names(names) => names.len() > 1,
        Operand::Map(_) => true,
        Operand::Set(_) | Operand::Bits(_) | Operand::Range(_) => false,
    };
    stmt.operand().is_some_and(is_anonymous)
}

/// Whether a statement can be in a chain that is reached from there (`nft_*_validate`).
fn fits(stmt: &Stmt, base: &Base) -> Done {
    use super::NatKind::*;
    let ok = match stmt {
        Stmt::Nat(nat) | Stmt::NatBy { nat, .. } => {
            let hook = match nat.kind {
                Masquerade => base.hook == Hook::Postrouting,
                Redirect => matches!(base.hook, Hook::Prerouting | Hook::Output),
                Dnat => matches!(base.hook, Hook::Prerouting | Hook::Output),
                Snat => matches!(base.hook, Hook::Postrouting | Hook::Input),
            };
            base.kind == ChainKind::Nat && hook
        }
        Stmt::TcpMss(None) => matches!(base.hook, Hook::Forward | Hook::Output | Hook::Postrouting),
        Stmt::Reject(_) => matches!(base.hook, Hook::Input | Hook::Forward | Hook::Output | Hook::Prerouting),
        _ => true,
    };
    if ok { Ok(()) } else { refuse(Errno::EOPNOTSUPP, Part::Whole) }
}

impl Table {
    /// The changes that make it.
    pub fn making(&self) -> Vec<RuleChange> {
        let which = |name: &str| Which::of(self.family, &self.name, name);
        let mut out = vec![RuleChange::AddTable { which: which(""), fresh: true }];
        // Meters come with their rules.
        let sets = self.sets.iter().filter(|set| !set.meter);
        let sets = sets.map(|set| RuleChange::AddSet { which: which(""), set: set.clone(), fresh: true });
        out.extend(sets);
        let object = |o: &Object| RuleChange::AddObject { which: which(""), object: o.clone(), fresh: true };
        out.extend(self.objects.iter().map(object));
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
