//! A bridge's forwarding database: which MAC is behind which port.
//!
//! Kernel counterpart: `net/bridge/br_fdb.c`. The table is a SwissTable with a fixed fast hash and is never iterated into
//! anything that can be seen: dumps sort. Deliberately absent: VLANs, entries learned from outside, offloading.

use crate::netns::{Ifindex, NsId};
use nettwin_model::{Instant, Mac};
use rustc_hash::FxBuildHasher;
use std::time::Duration;

/// A MAC as a number: what the table is keyed by.
#[inline]
pub(crate) fn key(mac: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..6].copy_from_slice(&mac[..6]);
    u64::from_le_bytes(bytes)
}

/// The MAC of a key.
pub(crate) fn mac(key: u64) -> Mac {
    let [a, b, c, d, e, f, ..] = key.to_le_bytes();
    Mac([a, b, c, d, e, f])
}

/// The number that stands for the bridge itself where ports have theirs.
pub(crate) const SELF: u16 = 0;

/// What is known of one MAC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The port's number, or [`SELF`].
    pub(crate) port: u16,
    /// Frames for it go up (`BR_FDB_LOCAL`).
    pub(crate) local: bool,
    /// It does not age (`BR_FDB_STATIC`).
    pub(crate) fixed: bool,
    /// It does not move (`BR_FDB_STICKY`).
    pub(crate) sticky: bool,
    /// Somebody put it in (`BR_FDB_ADDED_BY_USER`).
    pub(crate) by_user: bool,
    /// When it was last heard of.
    pub(crate) updated: Instant,
    /// Its place among the entries by birth, given by [`Fdb::put`] and [`Fdb::learn`].
    pub(crate) born: u32,
}

impl Entry {
    /// It counts towards the bridge's limit (`BR_FDB_DYNAMIC_LEARNED`).
    fn is_learned(&self) -> bool {
        !self.local && !self.fixed && !self.by_user
    }
}

/// What learning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    /// Nothing new, or refreshed.
    Known,
    /// A new entry.
    New,
    /// The station moved here from that port.
    Moved(u16),
    /// It is the bridge's own address.
    Own,
    /// Not entered: the limit is reached.
    Full,
}

/// The table.
#[derive(Default)]
pub(crate) struct Fdb {
    entries: hashbrown::HashMap<u64, Entry, FxBuildHasher>,
    learned: u32,
    births: u32,
    /// When the next sweep is due, if one is.
    pub(crate) sweep_at: Option<Instant>,
}

impl Fdb {
    /// What is known of a MAC.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// Learns that `key` is behind `port` (`br_fdb_update`); `limit` 0 is none.
    #[inline]
    pub(crate) fn learn(&mut self, key: u64, port: u16, now: Instant, limit: u32) -> Learned {
        if let Some(entry) = self.entries.get_mut(&key) {
            if entry.local {
                return Learned::Own;
            }
            entry.updated = now;
            if entry.port != port && !entry.sticky {
                return Learned::Moved(std::mem::replace(&mut entry.port, port));
            }
            return Learned::Known;
        }
        if limit != 0 && self.learned >= limit {
            return Learned::Full;
        }
        self.learned += 1;
        let born = self.birth();
        let entry = Entry { port, local: false, fixed: false, sticky: false, by_user: false, updated: now, born };
        self.entries.insert(key, entry);
        Learned::New
    }

    /// Puts an entry in, in place of what was there.
    pub(crate) fn put(&mut self, key: u64, entry: Entry) {
        let born = match self.remove(key) {
            Some(before) => before.born,
            None => self.birth(),
        };
        self.entries.insert(key, Entry { born, ..entry });
    }

    fn birth(&mut self) -> u32 {
        self.births = self.births.wrapping_add(1);
        self.births
    }

    /// An entry of the machine's own making for `port`'s or the bridge's MAC.
    pub(crate) fn own(port: u16, now: Instant) -> Entry {
        Entry { port, local: true, fixed: true, sticky: false, by_user: false, updated: now, born: 0 }
    }

    /// Changes an entry.
    pub(crate) fn find_mut(&mut self, key: u64) -> Option<&mut Entry> {
        self.entries.get_mut(&key)
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, key: u64) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        self.learned -= u32::from(entry.is_learned());
        Some(entry)
    }

    /// Forgets what ages and is behind `port` (`br_fdb_delete_by_port`).
    pub(crate) fn flush_port(&mut self, port: u16) {
        let learned = &mut self.learned;
        self.entries.retain(|_, e| {
            let stays = e.port != port || e.fixed || e.local;
            *learned -= u32::from(!stays && e.is_learned());
            stays
        });
    }

    /// Forgets what has not been heard of for `hold` and says when the next one is due (`br_fdb_cleanup`).
    pub(crate) fn sweep(&mut self, now: Instant, hold: Duration) -> Option<Instant> {
        let (learned, mut next) = (&mut self.learned, None::<Instant>);
        self.entries.retain(|_, e| {
            if e.fixed || e.local {
                return true;
            }
            let due = e.updated + hold;
            if due > now {
                next = Some(next.map_or(due, |n| n.min(due)));
                return true;
            }
            *learned -= u32::from(e.is_learned());
            false
        });
        next
    }

    /// All entries, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<(Mac, Entry)> {
        let mut all: Vec<_> = self.entries.iter().map(|(&k, &e)| (mac(k), e)).collect();
        // Births are counted from the last one back, so that the count may wrap.
        all.sort_by_key(|(mac, e)| (self.births.wrapping_sub(e.born), *mac));
        all
    }

    /// All entries, sorted by MAC.
    pub(crate) fn sorted(&self) -> Vec<(Mac, Entry)> {
        let mut all: Vec<_> = self.entries.iter().map(|(&k, &e)| (mac(k), e)).collect();
        all.sort_by_key(|(mac, e)| (*mac, e.port));
        all
    }
}

/// The event that sweeps a bridge's table.
pub(crate) fn sweep_event(ns: NsId, bridge: Ifindex) -> crate::event::Event {
    crate::event::Event::BridgeAge { ns, dev: bridge }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(secs)
    }

    #[test]
    fn stations_are_learned_moved_and_forgotten() {
        let mut fdb = Fdb::default();
        assert_eq!(fdb.learn(1, 1, at(0), 0), Learned::New);
        assert_eq!(fdb.learn(1, 2, at(5), 0), Learned::Moved(1));
        assert_eq!(fdb.learn(2, 1, at(7), 1), Learned::Full);
        assert_eq!(fdb.learn(2, 1, at(7), 2), Learned::New);
        fdb.put(3, Fdb::own(1, at(0)));
        assert_eq!(fdb.learn(3, 2, at(8), 0), Learned::Own);
        assert_eq!(fdb.sweep(at(305), Duration::from_secs(300)), Some(at(307)));
        assert!(fdb.find(1).is_none() && fdb.find(2).is_some() && fdb.find(3).is_some());
        fdb.flush_port(1);
        assert!(fdb.find(2).is_none() && fdb.find(3).is_some());
        assert_eq!(fdb.learn(4, 1, at(400), 1), Learned::New, "the limit counts the living");
    }

    #[test]
    fn macs_and_keys_round_trip() {
        let m: Mac = "02:00:de:ad:be:ef".parse().unwrap();
        assert_eq!(mac(key(&m.0)), m);
    }
}
