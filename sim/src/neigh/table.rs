//! Neighbours by device and address: a list while they are few, a hash table when they are many.
//!
//! Kernel counterpart: `struct neigh_hash_table`. Deliberately absent: an order; whoever lets somebody see them sorts.

use super::Key;
use super::entry::Entry;
use rustc_hash::FxBuildHasher;

/// So many are looked through one by one.
const FEW: usize = 8;

/// The entries of a namespace.
#[derive(Default)]
pub(super) struct Entries {
    few: Vec<(Key, Entry)>,
    many: Option<Box<hashbrown::HashMap<Key, Entry, FxBuildHasher>>>,
}

impl Entries {
    #[inline]
    pub(super) fn get(&self, key: &Key) -> Option<&Entry> {
        match &self.many {
            None => self.few.iter().find(|(known, _)| known == key).map(|(_, entry)| entry),
            Some(many) => many.get(key),
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Entry> {
        match &mut self.many {
            None => self.few.iter_mut().find(|(known, _)| known == key).map(|(_, entry)| entry),
            Some(many) => many.get_mut(key),
        }
    }

    pub(super) fn contains_key(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }

    /// The entry, made if there is none.
    pub(super) fn get_or_make(&mut self, key: Key, make: impl FnOnce() -> Entry) -> &mut Entry {
        if self.many.is_none() && self.few.len() >= FEW && !self.contains_key(&key) {
            self.many = Some(Box::new(self.few.drain(..).collect()));
            self.few = Vec::new();
        }
        if let Some(many) = &mut self.many {
            return many.entry(key).or_insert_with(make);
        }
        let at = self.few.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            if self.few.len() < 2 {
                self.few.reserve_exact(1);
            }
            self.few.push((key, make()));
            self.few.len() - 1
        });
        &mut self.few[at].1
    }

    pub(super) fn insert(&mut self, key: Key, entry: Entry) {
        let mut new = Some(entry);
        let place = self.get_or_make(key, || new.take().unwrap_or_else(|| Entry::new(Default::default())));
        if let Some(entry) = new {
            *place = entry;
        }
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Entry> {
        match &mut self.many {
            None => self.few.iter().position(|(known, _)| known == key).map(|at| self.few.swap_remove(at).1),
            Some(many) => many.remove(key),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.many.as_ref().map_or(self.few.len(), |many| many.len())
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        let few = self.few.iter().map(|(key, entry)| (key, entry));
        few.chain(self.many.iter().flat_map(|many| many.iter()))
    }

    /// Keeps those of which that is true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key, &mut Entry) -> bool) {
        self.few.retain_mut(|(key, entry)| keep(key, entry));
        if let Some(many) = &mut self.many {
            many.retain(keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netns::Ifindex;
    use nettwin_model::{Instant, Nud};
    use std::net::Ipv4Addr;

    #[test]
    fn many_are_as_few() {
        let mut all = Entries::default();
        let key = |n: u32| (Ifindex(1 + n % 3), Ipv4Addr::from(n));
        for n in 0..40 {
            all.get_or_make(key(n), || Entry::new(Instant::ZERO)).probes = n;
            assert_eq!((all.len(), all.iter().count()), (n as usize + 1, n as usize + 1));
            assert!((0..=n).all(|n| all.get(&key(n)).is_some_and(|e| e.probes == n)), "with {n} more");
        }
        all.insert(key(7), Entry::noarp(Instant::ZERO));
        assert_eq!(all.get_mut(&key(7)).map(|e| e.nud), Some(Nud::Noarp));
        assert!(all.remove(&key(8)).is_some() && all.remove(&key(8)).is_none());
        all.retain(|_, entry| entry.probes % 2 == 0);
        assert_eq!((all.len(), all.contains_key(&key(3))), (20, false));
    }
}
