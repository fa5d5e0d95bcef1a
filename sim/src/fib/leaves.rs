//! The prefixes of one table with their routes: a short list while they are few, a map with an index when they are many.
//!
//! Kernel counterpart: `struct key_vector` of `net/ipv4/fib_trie.c`. Most tables of most networks have a handful of routes:
//! those lie in one array in order of the lookup, the longest prefix first, and a lookup reads on until one fits. A large
//! table is a map in the same order with an index for lookups ([`Lpm`]), which is built when as many lookups have been done
//! without it as building it costs: a table that is being filled is not indexed for each route again.

use super::lpm::Lpm;
use super::{Alias, Key};
use crate::few::Few;
use nettwin_model::addr::mask_v4;
use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;

/// So many lie in a plain array.
const FEW: usize = 32;
/// One lookup without the index costs about as much as indexing so many prefixes.
const PREFIXES_PER_LOOKUP: usize = 8;

/// The routes by prefix.
#[derive(Default)]
pub(super) struct Leaves {
    few: Vec<(Key, Few<Alias>)>,
    many: Option<Box<Many>>,
}

#[derive(Default)]
pub(super) struct Many {
    order: BTreeMap<Key, u32>,
    /// With the prefix's length.
    leaves: Vec<(Length, Few<Alias>)>,
    free: Vec<u32>,
    /// How many prefixes there are of each length; 32 less the length is the place.
    lengths: Vec<u32>,
    index: OnceCell<Lpm>,
    /// Lookups since the prefixes changed.
    unindexed: Cell<usize>,
}

impl Leaves {
    /// The routes of a prefix.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Few<Alias>> {
        match &mut self.many {
            Some(many) => {
                let at = *many.order.get(&key)?;
                Some(&mut many.leaves[at as usize].1)
            }
            None => {
                let at = self.few.binary_search_by_key(&key, |l| l.0).ok()?;
                Some(&mut self.few[at].1)
            }
        }
    }

    /// The routes of a prefix, none yet if it is new. Who adds none to them calls [`forget_if_empty`](Self::forget_if_empty).
    pub(super) fn entry(&mut self, key: Key) -> &mut Few<Alias> {
        if self.many.is_none() && self.few.len() >= FEW && self.few.binary_search_by_key(&key, |l| l.0).is_err() {
            self.many = Some(Box::new(Many::of(std::mem::take(&mut self.few))));
        }
        match &mut self.many {
            Some(many) => many.entry(key),
            None => {
                let at = self.few.binary_search_by_key(&key, |l| l.0).unwrap_or_else(|at| {
                    // A host's tables have one or two and five: doubling would waste as much again.
                    if self.few.len() < 8 && self.few.len() == self.few.capacity() {
                        self.few.reserve_exact(1);
                    }
                    self.few.insert(at, (key, Few::Nothing));
                    at
                });
                &mut self.few[at].1
            }
        }
    }

    /// Takes a prefix out if it has no routes.
    pub(super) fn forget_if_empty(&mut self, key: Key) {
        if self.get_mut(key).is_none_or(|leaf| !leaf.is_empty()) {
            return;
        }
        match &mut self.many {
            Some(many) => many.remove(key),
            None => self.few.retain(|(k, _)| *k != key),
        }
    }

    /// Lets `keep` change the routes of each prefix; it says whether there are any left.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Few<Alias>) -> bool) {
        self.few.retain_mut(|(_, leaf)| keep(leaf));
        if let Some(many) = &mut self.many {
            let gone: Vec<Key> =
                many.order.iter().filter(|(_, at)| !keep(&mut many.leaves[**at as usize].1)).map(|(k, _)| *k).collect();
            gone.into_iter().for_each(|key| many.remove(key));
        }
    }

    /// All prefixes with their routes, the longest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Few<Alias>)> {
        let many = self.many.iter().flat_map(|m| m.order.iter().map(|(k, at)| (*k, &m.leaves[*at as usize].1)));
        self.few.iter().map(|(k, leaf)| (*k, leaf)).chain(many)
    }

    /// The prefixes that cover an address, by length, with their routes: the longest first.
    #[inline]
    pub(super) fn covering(&self, addr: u32) -> Covering<'_> {
        match &self.many {
            None => Covering::Few { rest: self.few.iter(), addr },
            Some(many) => many.covering(addr),
        }
    }
}

impl Many {
    fn of(few: Vec<(Key, Few<Alias>)>) -> Self {
        let mut many = Many { lengths: vec![0; 33], ..Many::default() };
        for (key, leaf) in few {
            *many.entry(key) = leaf;
        }
        many
    }

    fn entry(&mut self, key: Key) -> &mut Few<Alias> {
        let at = *self.order.entry(key).or_insert_with(|| {
            self.lengths[key.place()] += 1;
            self.index.take();
            self.unindexed.set(0);
            let at = self.free.pop().unwrap_or_else(|| {
                self.leaves.push((0, Few::Nothing));
                // There are fewer than 2^31: they would not fit into memory.
                (self.leaves.len() - 1) as u32
            });
            self.leaves[at as usize].0 = key.prefix().1;
            at
        });
        &mut self.leaves[at as usize].1
    }

    fn remove(&mut self, key: Key) {
        let Some(at) = self.order.remove(&key) else { return };
        self.lengths[key.place()] -= 1;
        self.index.take();
        self.unindexed.set(0);
        self.leaves[at as usize].1 = Few::Nothing;
        self.free.push(at);
    }

    #[inline]
    fn covering(&self, addr: u32) -> Covering<'_> {
        let index = self.index.get().or_else(|| self.try_index());
        match index {
            Some(index) => Covering::Indexed { many: self, index, next: index.find(addr) },
            None => {
                let occurring = (0u32..).zip(&self.lengths).filter(|(_, n)| **n != 0);
                Covering::Many { many: self, addr, places: occurring.fold(0, |bits, (place, _)| bits | 1 << place) }
            }
        }
    }

    #[cold]
    fn try_index(&self) -> Option<&Lpm> {
        self.unindexed.set(self.unindexed.get() + 1);
        if self.unindexed.get() * PREFIXES_PER_LOOKUP < self.order.len() {
            return None;
        }
        Some(self.index.get_or_init(|| {
            let shortest_first = self.order.iter().rev().map(|(key, at)| {
                let (dst, len) = key.prefix();
                (dst.to_bits(), len, *at)
            });
            Lpm::new(shortest_first, self.order.len(), self.leaves.len())
        }))
    }
}

/// The prefixes that cover an address: their lengths and routes, the longest first.
pub(super) enum Covering<'a> {
    /// Read on until one fits.
    Few { rest: std::slice::Iter<'a, (Key, Few<Alias>)>, addr: u32 },
    /// From one to the next shorter one.
    Indexed { many: &'a Many, index: &'a Lpm, next: Option<u32> },
    /// One length after another of those that occur.
    Many { many: &'a Many, addr: u32, places: u64 },
}

impl<'a> Iterator for Covering<'a> {
    type Item = (Length, &'a [Alias]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Covering::Few { rest, addr } => {
                let (key, leaf) = rest.find(|(key, _)| key.covers(*addr))?;
                Some((key.prefix().1, leaf))
            }
            Covering::Indexed { many, index, next } => {
                let at = (*next)?;
                *next = index.shorter(at);
                let (len, leaf) = &many.leaves[at as usize];
                Some((*len, leaf))
            }
            Covering::Many { many, addr, places } => loop {
                if *places == 0 {
                    return None;
                }
                let len = 32 - places.trailing_zeros() as u8; // a place is at most 32
                *places &= *places - 1;
                if let Some(at) = many.order.get(&Key::new(*addr & mask_v4(len), len)) {
                    return Some((len, &many.leaves[*at as usize].1));
                }
            },
        }
    }
}

/// A prefix's length.
type Length = u8;
