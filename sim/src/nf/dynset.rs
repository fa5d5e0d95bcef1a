//! Sets that packets change, and elements that end.
//!
//! Kernel counterpart: `nft_dynset_eval()`, `nft_rhash_update()`, `nft_rhash_gc()`. An element that ended is gone at once, whenever
//! the kernel's collector would come by.

use super::Nf;
use super::eval::{At, Bucket};
use crate::path::Pkt;
use nettwin_model::Instant;
use nettwin_model::rules::{Dynset, Elem, Ruleset, SetOp, Span, Stateful, in_jiffies};
use std::collections::BTreeMap;

/// What the elements' limits have left, by table, set and element.
pub(super) type ElemLimits = BTreeMap<(u64, u64, Elem), Bucket>;

impl Nf {
    /// A statement that changes a set; whether the packet goes on with the rule.
    pub(super) fn change_set(&mut self, at: &At<'_>, pkt: &Pkt, table: usize, what: &Dynset) -> bool {
        let Some(key) = self.values(at, pkt, &what.keys).and_then(|values| key_of(&values)) else { return false };
        let now = in_ms(at.now);
        let table = &mut self.rules.tables[table];
        let of_table = table.handle;
        let Some(set) = table.sets.iter_mut().find(|set| set.name == what.set) else { return false };
        let (place, limit_key) = (set.place_of(&key), (of_table, set.handle, key.clone()));
        if what.op == SetOp::Delete {
            if let Ok(i) = place {
                set.elems.remove(i);
            }
            return true;
        }
        let all = what.timeout_ms.or(set.timeout_ms);
        let i = match place {
            Ok(i) => {
                let elem = &mut set.elems[i];
                if what.op == SetOp::Update && elem.ends_at_ms.is_some() {
                    elem.ends_at_ms = all.map(|ms| now.saturating_add(ms));
                }
                i
            }
            Err(_) if set.size.is_some_and(|size| set.elems.len() >= size as usize) => return false,
            Err(i) => {
                let ends_at_ms = all.filter(|_| set.is_timed()).map(|ms| now.saturating_add(ms));
                let timeout_ms = what.timeout_ms.filter(|ms| Some(*ms) != set.timeout_ms);
                let each = what.each.or(set.each).map(|each| each.fresh());
                set.elems.insert(i, Elem { ends_at_ms, timeout_ms, each, ..key });
                self.elem_limits.remove(&limit_key);
                i
            }
        };
        let elem = &mut set.elems[i];
        self.ends_ms = self.ends_ms.min(elem.ends_at_ms.unwrap_or(u64::MAX));
        match &mut elem.each {
            None => true,
            Some(Stateful::Counter { packets, bytes }) => {
                (*packets, *bytes) = (packets.wrapping_add(1), bytes.wrapping_add(at.len()));
                true
            }
            Some(Stateful::Quota(quota)) => quota.takes(at.len()),
            Some(Stateful::Limit(limit)) => {
                let bucket = self.elem_limits.entry(limit_key).or_insert_with(|| Bucket::full(limit, at.now));
                bucket.allows(limit, at.now, at.len())
            }
        }
    }

    /// What was added just now begins its time.
    pub(super) fn begin_times(&mut self, now: Instant) {
        let now = in_ms(now);
        for set in self.rules.tables.iter_mut().flat_map(|table| &mut table.sets).filter(|set| set.is_timed()) {
            let usual = set.timeout_ms;
            for elem in set.elems.iter_mut().filter(|elem| elem.ends_at_ms.is_none()) {
                let left = elem.expires_in_ms.take().or(elem.timeout_ms).or(usual);
                elem.ends_at_ms = left.map(|ms| now.saturating_add(ms));
                self.ends_ms = self.ends_ms.min(elem.ends_at_ms.unwrap_or(u64::MAX));
            }
        }
    }

    /// Takes away what has ended.
    #[inline]
    pub(super) fn end_times(&mut self, now: Instant) {
        if in_ms(now) >= self.ends_ms {
            self.ends_ms = collect(&mut self.rules, in_ms(now));
        }
    }

    /// The rules as they are: with what elements have left of their time.
    pub(super) fn shown(&self, now: Instant) -> Ruleset {
        let (mut rules, now) = (self.rules.clone(), in_ms(now));
        if self.ends_ms == u64::MAX {
            return rules;
        }
        collect(&mut rules, now);
        for elem in rules.tables.iter_mut().flat_map(|table| &mut table.sets).flat_map(|set| &mut set.elems) {
            elem.expires_in_ms = elem.ends_at_ms.take().map(|end| in_jiffies(end - now));
        }
        rules
    }
}

/// Without what has ended; when the next ends.
fn collect(rules: &mut Ruleset, now: u64) -> u64 {
    let mut next = u64::MAX;
    for set in rules.tables.iter_mut().flat_map(|table| &mut table.sets).filter(|set| set.is_timed()) {
        set.elems.retain(|elem| elem.ends_at_ms.is_none_or(|end| end > now));
        next = set.elems.iter().filter_map(|elem| elem.ends_at_ms).fold(next, u64::min);
    }
    next
}

fn key_of(values: &[Result<u128, &str>]) -> Option<Elem> {
    let [first, more @ ..] = values else { return None };
    let part = |value: &Result<u128, &str>| match value {
        Ok(value) => (None, Span::one(*value)),
        Err(name) => (Some((*name).to_owned()), Span::default()),
    };
    let (name, span) = part(first);
    let more = more.iter().map(|value| {
        let (name, span) = part(value);
        nettwin_model::rules::KeyPart { name, span }
    });
    Some(Elem { name, span, more: more.collect(), ..Elem::default() })
}

fn in_ms(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000
}
