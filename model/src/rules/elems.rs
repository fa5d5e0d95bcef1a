//! Elements of sets: added and removed by people and by packets, for good or for a time.
//!
//! Kernel counterpart: `nft_add_set_elem()` of `nf_tables_api.c`, `nft_dynset.c`, `nft_set_hash.c`. Deliberately absent: maps
//! that packets change, more than one thing that an element counts, counts of connections.

use super::change::{Done, Part, Refusal};
use super::{Elem, Key, ObjectKind, Rule, Set, Stateful, Stmt, Table};
use crate::errno::Errno;
use serde::{Deserialize, Serialize};

/// What a packet does to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetOp {
    /// Adds an element, if it is not there.
    Add,
    /// The same, and an element that is there begins its time anew.
    Update,
    /// Removes it.
    Delete,
}

impl SetOp {
    /// All.
    pub const ALL: [SetOp; 3] = [SetOp::Add, SetOp::Update, SetOp::Delete];

    /// nft's word.
    pub fn word(self) -> &'static str {
        match self {
            SetOp::Add => "add",
            SetOp::Update => "update",
            SetOp::Delete => "delete",
        }
    }
}

/// A change of a set by packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dynset {
    /// Which.
    pub op: SetOp,
    /// Of which set.
    pub set: String,
    /// What of the packet the element is.
    pub keys: Vec<Key>,
    /// How long it stays, in milliseconds, if not as long as the set says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What each element counts, or lets through; the packet goes on with the rule if that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Stateful>,
    /// The set is the rule's own, with room for so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<u32>,
}

/// What the kernel keeps of a time (`nf_msecs_to_jiffies64`), with 250 jiffies a second.
pub fn in_jiffies(ms: u64) -> u64 {
    ms - ms % 4
}

/// How many elements a set has room for once packets change it, if it does not say.
pub const USUAL_SIZE: u32 = 0xffff;

impl Stateful {
    /// The same with nothing counted.
    pub fn fresh(&self) -> Self {
        let mut fresh = *self;
        fresh.reset();
        fresh
    }

    /// Of which kind it is.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Stateful::Counter { .. } => ObjectKind::Counter,
            Stateful::Quota(_) => ObjectKind::Quota,
            Stateful::Limit(_) => ObjectKind::Limit,
        }
    }

    /// As a statement of its own.
    pub fn stmt(&self) -> Stmt {
        match *self {
            Stateful::Counter { packets, bytes } => Stmt::Counter { packets, bytes },
            Stateful::Quota(quota) => Stmt::Quota(quota),
            Stateful::Limit(limit) => Stmt::Limit(limit),
        }
    }
}

impl Set {
    pub(super) fn add_all(&mut self, elems: &[Elem], fresh: bool) -> Done {
        let mut each = elems.iter().enumerate();
        each.try_for_each(|(i, elem)| self.add(elem, fresh).map_err(|errno| Refusal { errno, part: Part::Elem(i) }))
    }

    fn add(&mut self, asked: &Elem, fresh: bool) -> Result<(), Errno> {
        let elem = &self.made(asked)?;
        let names_time = asked.timeout_ms.is_some();
        if let Some(known) = self.elems.iter_mut().find(|e| e.is_key_of(elem)) {
            if fresh || known.verdict != elem.verdict || known.data != elem.data {
                return Err(Errno::EEXIST);
            }
            // Another time than before begins anew.
            if names_time && known.timeout_ms != elem.timeout_ms {
                (known.timeout_ms, known.expires_in_ms, known.ends_at_ms) = (elem.timeout_ms, elem.expires_in_ms, None);
            }
            return Ok(());
        }
        if self.elems.iter().any(|e| e.overlaps(elem)) {
            return Err(Errno::EEXIST);
        }
        if self.size.is_some_and(|size| self.elems.len() >= size as usize) {
            return Err(Errno::ENFILE);
        }
        let at = self.elems.partition_point(|e| e.order() < elem.order());
        self.elems.insert(at, elem.clone());
        Ok(())
    }

    pub(super) fn del(&mut self, elem: &Elem) -> Result<(), Errno> {
        let at = self.elems.iter().position(|e| e.is_key_of(elem)).ok_or(Errno::ENOENT)?;
        self.elems.remove(at);
        Ok(())
    }
}

impl Set {
    /// Whether its elements end.
    pub fn is_timed(&self) -> bool {
        self.timed || self.timeout_ms.is_some()
    }

    /// What of a set cannot be.
    pub(super) fn check(&self) -> Done {
        if self.interval && self.dynamic {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if self.gc_interval_ms.is_some() && !self.is_timed() {
            return Err(Errno::EINVAL.into());
        }
        Ok(())
    }

    /// An element as it is once it is in the set.
    fn made(&self, elem: &Elem) -> Result<Elem, Errno> {
        let mut elem = elem.clone();
        elem.timeout_ms = elem.timeout_ms.map(in_jiffies).filter(|ms| *ms != 0);
        if elem.timeout_ms.is_some() && !self.is_timed() {
            return Err(Errno::EINVAL);
        }
        let all = elem.timeout_ms.or(self.timeout_ms).unwrap_or(0);
        if elem.expires_in_ms.is_some_and(|left| left > all) {
            return Err(Errno::ERANGE);
        }
        elem.timeout_ms = elem.timeout_ms.filter(|ms| Some(*ms) != self.timeout_ms);
        elem.each = match (self.each, elem.each) {
            (Some(of), Some(own)) if of.kind() != own.kind() => return Err(Errno::EOPNOTSUPP),
            (Some(of), None) => Some(of.fresh()),
            (_, own) => own,
        };
        Ok(elem)
    }

    /// Where an element is, or where it would have to be.
    pub fn place_of(&self, key: &Elem) -> Result<usize, usize> {
        match self.elems.iter().position(|e| e.is_key_of(key)) {
            Some(at) => Ok(at),
            None => Err(self.elems.partition_point(|e| e.order() < key.order())),
        }
    }
}

impl Table {
    /// A meter is a set that its rule makes.
    pub(super) fn make_meter(&mut self, stmt: &Stmt) -> Result<(), Errno> {
        let Stmt::Dynset(what) = stmt else { return Ok(()) };
        let Some(size) = what.meter else { return Ok(()) };
        if self.set(&what.set).is_some() {
            return Err(Errno::EEXIST);
        }
        let types: Vec<_> = what.keys.iter().map(|key| super::words::key_type(*key)).collect();
        let [key, more @ ..] = types.as_slice() else { return Err(Errno::EINVAL) };
        let handle = self.next_handle();
        self.sets.push(Set {
            handle,
            more: more.to_vec(),
            dynamic: true,
            timed: what.timeout_ms.is_some(),
            size: Some(size),
            meter: true,
            ..Set::new(&what.set, *key)
        });
        Ok(())
    }

    /// Meters go with their rules.
    pub(super) fn drop_meters(&mut self) {
        let used: Vec<String> = self.dynsets().map(|what| what.set.clone()).collect();
        self.sets.retain(|set| !set.meter || used.contains(&set.name));
    }

    fn dynsets(&self) -> impl Iterator<Item = &Dynset> {
        self.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.stmts).filter_map(|stmt| match stmt {
            Stmt::Dynset(what) => Some(&**what),
            _ => None,
        })
    }

    /// Whether a set can be changed so (`nft_dynset_init`).
    pub(super) fn check_dynset(&self, what: &Dynset) -> Result<(), Errno> {
        let set = self.set(&what.set).ok_or(Errno::ENOENT)?;
        // A table of fixed size has no way in for packets.
        if set.interval || (set.size.is_some() && !set.dynamic && !set.is_timed() && !set.is_open) {
            return Err(Errno::EOPNOTSUPP);
        }
        if set.constant && !set.dynamic {
            return Err(Errno::EBUSY);
        }
        if what.timeout_ms.is_some() && !set.is_timed() {
            return Err(Errno::EOPNOTSUPP);
        }
        match (set.each, what.each) {
            (Some(of), Some(own)) if of.kind() != own.kind() => Err(Errno::EOPNOTSUPP),
            (None, Some(_)) if !set.dynamic => Err(Errno::EINVAL),
            (_, Some(Stateful::Limit(limit))) => limit.check(),
            _ => Ok(()),
        }
    }

    /// A set that packets change has room for so many and no more.
    pub(super) fn bound_sets(&mut self, rule: &Rule) {
        for stmt in &rule.stmts {
            let Stmt::Dynset(what) = stmt else { continue };
            let set = self.sets.iter_mut().find(|set| set.name == what.set);
            if let Some(set) = set.filter(|set| set.size.is_none()) {
                (set.size, set.is_open) = (Some(USUAL_SIZE), true);
            }
        }
    }
}
