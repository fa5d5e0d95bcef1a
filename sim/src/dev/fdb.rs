//! A bridge's forwarding database: which MAC is behind which port.
//!
//! Kernel counterpart: `net/bridge/br_fdb.c`. The table is a list of entries and chains through it by a fixed fast hash; its
//! order is never seen: dumps sort. Deliberately absent: entries learned from outside, offloading.

use crate::netns::{Ifindex, NsId};
use nettwin_model::{Instant, Mac};
use std::time::Duration;

/// A MAC as a number, in no VLAN: what the table is keyed by.
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

/// The same MAC in a VLAN.
#[inline]
pub(crate) fn in_vlan(key: u64, vid: u16) -> u64 {
    key | u64::from(vid) << 48
}

/// The VLAN of a key.
pub(crate) fn vid(key: u64) -> u16 {
    (key >> 48) as u16 // all that is left
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
    /// The next one of its chain; behind the last one there is none. Given likewise.
    pub(crate) next: u32,
}

impl Entry {
    /// It is forgotten when nothing is heard of it.
    fn ages(&self) -> bool {
        !self.fixed && !self.local
    }

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

/// An entry with its key.
struct Slot {
    key: u64,
    entry: Entry,
}

/// No slot.
pub(crate) const END: u32 = u32::MAX;
/// Chains that a table begins with.
const FEWEST_CHAINS: usize = 4;

/// The table.
#[derive(Default)]
pub(crate) struct Fdb {
    slots: Vec<Slot>,
    /// The first slot of each chain; a power of two of them, and not fewer than there are slots.
    heads: Vec<u32>,
    learned: u32,
    births: u32,
    /// When the next sweep is due: there are sweeps while the bridge is up, whether or not anything ages.
    sweep_at: Option<Instant>,
    /// Whether that sweep is an event. Where nothing ages it is not, and is reckoned when somebody asks.
    armed: bool,
}

impl Fdb {
    /// What is known of a MAC.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> Option<&Entry> {
        Some(&self.slots[self.place(key)?].entry)
    }

    #[inline]
    fn chain(&self, key: u64) -> usize {
        // The high bits of the product depend on all of the key.
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & self.heads.len().wrapping_sub(1)
    }

    #[inline]
    fn place(&self, key: u64) -> Option<usize> {
        let mut at = *self.heads.get(self.chain(key))?;
        loop {
            let slot = self.slots.get(at as usize)?;
            if slot.key == key {
                return Some(at as usize);
            }
            at = slot.entry.next;
        }
    }

    /// Enters what is not there.
    fn insert(&mut self, key: u64, entry: Entry) {
        self.slots.push(Slot { key, entry });
        if self.slots.len() > self.heads.len() {
            let chains = (2 * self.heads.len()).max(FEWEST_CHAINS);
            self.heads.clear();
            self.heads.resize(chains, END);
            self.link_from(0);
        } else {
            self.link_from(self.slots.len() - 1);
        }
    }

    /// Puts the slots from `first` on into their chains.
    fn link_from(&mut self, first: usize) {
        for at in first..self.slots.len() {
            let chain = self.chain(self.slots[at].key);
            // As many as an index of ports and MACs can tell apart.
            self.slots[at].entry.next = std::mem::replace(&mut self.heads[chain], at as u32);
        }
    }

    /// Where the number of slot `at` stands.
    fn link(&mut self, at: usize) -> &mut u32 {
        let (chain, number) = (self.chain(self.slots[at].key), at as u32);
        if self.heads[chain] == number {
            return &mut self.heads[chain];
        }
        let mut before = self.heads[chain] as usize;
        while self.slots[before].entry.next != number {
            before = self.slots[before].entry.next as usize;
        }
        &mut self.slots[before].entry.next
    }

    /// Keeps those of which it is said.
    fn retain(&mut self, mut stays: impl FnMut(u64, &Entry) -> bool) {
        let before = self.slots.len();
        self.slots.retain(|slot| stays(slot.key, &slot.entry));
        if self.slots.len() != before {
            self.heads.fill(END);
            self.link_from(0);
        }
    }

    /// Learns that `key` is behind `port` (`br_fdb_update`); `limit` 0 is none.
    #[inline]
    pub(crate) fn learn(&mut self, key: u64, port: u16, now: Instant, limit: u32) -> Learned {
        if let Some(entry) = self.find_mut(key) {
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
        let entry =
            Entry { port, local: false, fixed: false, sticky: false, by_user: false, updated: now, born, next: END };
        self.insert(key, entry);
        Learned::New
    }

    /// What [`learn`](Self::learn) does of a station that is known to be behind `port`; `false`, and nothing is done, if it
    /// is not.
    #[inline]
    pub(crate) fn refresh(&mut self, key: u64, port: u16, now: Instant) -> bool {
        let Some(entry) = self.find_mut(key).filter(|e| e.port == port && !e.local) else { return false };
        entry.updated = now;
        true
    }

    /// Puts an entry in, in place of what was there.
    pub(crate) fn put(&mut self, key: u64, entry: Entry) {
        let born = match self.remove(key) {
            Some(before) => before.born,
            None => self.birth(),
        };
        self.insert(key, Entry { born, ..entry });
    }

    fn birth(&mut self) -> u32 {
        self.births = self.births.wrapping_add(1);
        self.births
    }

    /// An entry of the machine's own making for `port`'s or the bridge's MAC.
    pub(crate) fn own(port: u16, now: Instant) -> Entry {
        Entry { port, local: true, fixed: true, sticky: false, by_user: false, updated: now, born: 0, next: END }
    }

    /// Changes an entry.
    #[inline]
    pub(crate) fn find_mut(&mut self, key: u64) -> Option<&mut Entry> {
        let at = self.place(key)?;
        Some(&mut self.slots[at].entry)
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, key: u64) -> Option<Entry> {
        let at = self.place(key)?;
        let next = self.slots[at].entry.next;
        *self.link(at) = next;
        let last = self.slots.len() - 1;
        if at != last {
            *self.link(last) = at as u32;
        }
        let Slot { entry, .. } = self.slots.swap_remove(at);
        self.learned -= u32::from(entry.is_learned());
        Some(entry)
    }

    /// Forgets what ages and is behind `port` (`br_fdb_delete_by_port`).
    pub(crate) fn flush_port(&mut self, port: u16) {
        let mut learned = 0;
        self.retain(|_, e| {
            let stays = e.port != port || e.fixed || e.local;
            learned += u32::from(!stays && e.is_learned());
            stays
        });
        self.learned -= learned;
    }

    /// The same of one VLAN.
    pub(crate) fn flush_port_in(&mut self, port: u16, vlan: u16) {
        let mut learned = 0;
        self.retain(|key, e| {
            let stays = e.port != port || e.fixed || e.local || vid(key) != vlan;
            learned += u32::from(!stays && e.is_learned());
            stays
        });
        self.learned -= learned;
    }

    /// The bridge came up, the first sweep is soon (`br_stp_enable_bridge`). Says when it must be an event.
    pub(crate) fn open(&mut self, now: Instant) -> Option<Instant> {
        (self.sweep_at, self.armed) = (Some(now + FIRST_SWEEP), false);
        if self.slots.iter().any(|slot| slot.entry.ages()) { self.arm(now, Duration::MAX) } else { None }
    }

    /// The bridge went down: no more sweeps (`br_stp_disable_bridge`).
    pub(crate) fn close(&mut self) {
        (self.sweep_at, self.armed) = (None, false);
    }

    /// Something ages from now on. Says when the next sweep is, unless there is none or it is an event already.
    pub(crate) fn arm(&mut self, now: Instant, hold: Duration) -> Option<Instant> {
        if self.armed {
            return None;
        }
        self.catch_up(now, hold);
        self.armed = self.sweep_at.is_some();
        self.sweep_at
    }

    /// Reckons the sweeps until now, in which nothing aged. To be called before the time of holding changes.
    pub(crate) fn catch_up(&mut self, now: Instant, hold: Duration) {
        if let Some(due) = self.sweep_at.filter(|due| !self.armed && *due <= now) {
            let (late, every) = (now.since(due).as_nanos(), hold.max(BETWEEN_SWEEPS).as_nanos());
            // What is left is less than one time of holding, which fits.
            let left = u64::try_from(every - late % every).unwrap_or(u64::MAX);
            self.sweep_at = Some(now + Duration::from_nanos(left));
        }
    }

    /// When the next sweep is, if nothing changes.
    pub(crate) fn next_sweep(&self, now: Instant, hold: Duration) -> Option<Instant> {
        let mut ahead = Fdb { sweep_at: self.sweep_at, armed: self.armed, ..Fdb::default() };
        ahead.catch_up(now, hold);
        ahead.sweep_at
    }

    /// Whether the sweep that is an event is due now; it may have been put off or brought forward meanwhile.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.armed && self.sweep_at == Some(now)
    }

    /// Sweeps now (`br_fdb_cleanup`) and says when the next sweep must be an event.
    pub(crate) fn sweep_now(&mut self, now: Instant, hold: Duration) -> Option<Instant> {
        let next = self.sweep(now, hold);
        let wait = next.map_or(hold, |next| next.since(now).min(hold)).max(BETWEEN_SWEEPS);
        (self.sweep_at, self.armed) = (Some(now + wait), next.is_some());
        self.sweep_at.filter(|_| self.armed)
    }

    /// Forgets what has not been heard of for `hold` and says when the next one is due.
    fn sweep(&mut self, now: Instant, hold: Duration) -> Option<Instant> {
        let (mut learned, mut next) = (0, None::<Instant>);
        self.retain(|_, e| {
            if !e.ages() {
                return true;
            }
            let due = e.updated + hold;
            if due > now {
                next = Some(next.map_or(due, |n| n.min(due)));
                return true;
            }
            learned += u32::from(e.is_learned());
            false
        });
        self.learned -= learned;
        next
    }

    /// All entries by their keys, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<(u64, Entry)> {
        let mut all: Vec<_> = self.slots.iter().map(|slot| (slot.key, slot.entry)).collect();
        // Births are counted from the last one back, so that the count may wrap.
        all.sort_by_key(|(key, e)| (self.births.wrapping_sub(e.born), mac(*key), vid(*key)));
        all
    }

    /// All entries by their keys, sorted by MAC.
    pub(crate) fn sorted(&self) -> Vec<(u64, Entry)> {
        let mut all: Vec<_> = self.slots.iter().map(|slot| (slot.key, slot.entry)).collect();
        all.sort_by_key(|(key, e)| (mac(*key), vid(*key), e.port));
        all
    }
}

/// The event that sweeps a bridge's table.
pub(crate) fn sweep_event(ns: NsId, bridge: Ifindex) -> crate::event::Event {
    crate::event::Event::BridgeAge { ns, dev: bridge }
}

/// From the bridge's coming up to the first sweep.
const FIRST_SWEEP: Duration = Duration::from_millis(100);
/// Sweeps are no closer.
const BETWEEN_SWEEPS: Duration = Duration::from_millis(10);

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
    fn sweeps_have_a_rhythm_of_their_own() {
        let (long, short) = (Duration::from_secs(300), Duration::from_secs(2));
        let mut fdb = Fdb::default();
        assert_eq!(fdb.open(at(0)), None, "nothing ages");
        assert_eq!(fdb.next_sweep(at(1), long), Some(at(300) + FIRST_SWEEP));
        fdb.learn(1, 1, at(310), 0);
        assert_eq!(fdb.arm(at(310), long), Some(at(600) + FIRST_SWEEP));
        assert_eq!(fdb.arm(at(311), short), None, "a shorter time of holding brings no sweep forward");
        let due = at(600) + FIRST_SWEEP;
        assert!(fdb.is_due(due) && !fdb.is_due(at(600)));
        assert_eq!(fdb.sweep_now(due, long), Some(at(610)));
        assert_eq!(fdb.sweep_now(at(610), long), None);
        assert_eq!(fdb.next_sweep(at(611), long), Some(at(910)));
        fdb.close();
        assert_eq!(fdb.next_sweep(at(611), long), None);
    }

    #[test]
    fn macs_and_keys_round_trip() {
        let m: Mac = "02:00:de:ad:be:ef".parse().unwrap();
        assert_eq!(mac(key(&m.0)), m);
        let inside = in_vlan(key(&m.0), 4094);
        assert_eq!((mac(inside), vid(inside), vid(key(&m.0))), (m, 4094, 0));
    }
}
