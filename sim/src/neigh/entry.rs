//! One neighbour entry: its state, its clock, its queue. No packets are built here.
//!
//! Kernel counterpart: `struct neighbour`, `__neigh_event_send()`, `neigh_timer_handler()`, `__neigh_update()` of
//! `net/core/neighbour.c`. Deliberately absent: references and locks, user space resolvers (`app_solicit` counts, but
//! nobody listens).

use crate::path::Pkt;
use crate::sysctl::DevConf;
use nettwin_model::snapshot::NeighUse;
use nettwin_model::{Instant, Mac, NeighExtra, Nud};
use std::collections::VecDeque;
use std::time::Duration;

/// A neighbour.
pub(crate) struct Entry {
    /// Its state.
    pub(crate) nud: Nud,
    /// Its MAC; zero while unknown.
    pub(crate) mac: Mac,
    /// When it last proved to be there; `None`: long ago.
    confirmed: Option<Instant>,
    /// When that was put long ago.
    doubted: Instant,
    /// When its state or MAC last changed.
    updated: Instant,
    /// When a packet last had to ask for it.
    used: Instant,
    /// Requests sent; the entry's first broadcast counts from `ucast_solicit`.
    pub(crate) probes: u32,
    /// What is said of it besides.
    pub(crate) extra: NeighExtra,
    /// When its timer is due.
    pub(crate) timer: Option<Instant>,
    waits: Option<Box<Waits>>,
}

/// What waits for a neighbour's MAC.
#[derive(Default)]
struct Waits {
    queue: VecDeque<(Pkt, u32)>,
    bytes: u32,
}

/// What a device's settings say about its neighbours (`struct neigh_parms`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parms {
    /// The random reachable time now in force.
    pub(crate) reachable: Duration,
    /// Wait before probing a stale neighbour.
    pub(crate) delay_probe: Duration,
    /// Time between requests.
    pub(crate) retrans: Duration,
    /// Time during which another MAC is not believed.
    pub(crate) locktime: Duration,
    /// Unicast requests.
    pub(crate) ucast: u32,
    /// Broadcast requests.
    pub(crate) mcast: u32,
    /// Requests left to user space.
    pub(crate) app: u32,
    /// Broadcast requests after unicast ones failed.
    pub(crate) resolicit: u32,
    /// Room for packets that wait, bytes of truesize.
    pub(crate) queue_bytes: u32,
}

impl Parms {
    /// The settings of a device, with its reachable time of the day.
    pub(crate) fn new(conf: &DevConf, reachable: Duration) -> Self {
        // Sysctls are not negative where they count.
        let count = |n: i32| u32::try_from(n).unwrap_or(0);
        let centis = |n: i32| Duration::from_millis(10 * u64::from(count(n)));
        Parms {
            reachable,
            delay_probe: Duration::from_secs(count(conf.delay_first_probe_time).into()),
            // At least a hundredth of a second, whatever the setting says (neigh_timer_handler).
            retrans: Duration::from_millis(u64::from(count(conf.retrans_time_ms)).max(10)),
            locktime: centis(conf.locktime),
            ucast: count(conf.ucast_solicit),
            mcast: count(conf.mcast_solicit),
            app: count(conf.app_solicit),
            resolicit: count(conf.mcast_resolicit),
            queue_bytes: count(conf.unres_qlen_bytes),
        }
    }
}

/// What a packet on its way out meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Send it to this MAC.
    Go(Mac),
    /// It must wait; `solicit`: ask now.
    Wait {
        /// The first request is due at once.
        solicit: bool,
    },
    /// There is no asking on this device.
    Refused,
}

/// What a timer wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// Send a request.
    Solicit,
    /// It failed: tell the senders of what waits.
    Failed,
}

/// Where an update comes from, for [`Entry::update`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// A different MAC is believed (`NEIGH_UPDATE_F_OVERRIDE`).
    pub(crate) overrides: bool,
    /// It comes from the administrator (`NEIGH_UPDATE_F_ADMIN`).
    pub(crate) admin: bool,
}

/// Whether the MAC is known (`NUD_VALID`).
pub(crate) fn is_valid(nud: Nud) -> bool {
    use Nud::*;
    matches!(nud, Permanent | Noarp | Reachable | Probe | Stale | Delay)
}

/// Whether packets go out without a question (`NUD_CONNECTED`).
fn is_connected(nud: Nud) -> bool {
    matches!(nud, Nud::Permanent | Nud::Noarp | Nud::Reachable)
}

impl Entry {
    /// A new one, without a state.
    pub(crate) fn new(now: Instant) -> Self {
        Entry {
            nud: Nud::None,
            mac: Mac::ZERO,
            confirmed: None,
            doubted: now,
            updated: now,
            used: now,
            probes: 0,
            extra: NeighExtra::default(),
            timer: None,
            waits: None,
        }
    }

    /// Without a state to move through, as those of `lo` are born.
    pub(crate) fn noarp(now: Instant) -> Self {
        Entry { nud: Nud::Noarp, ..Entry::new(now) }
    }

    /// The MAC, where packets go out without a question.
    #[inline]
    pub(crate) fn connected(&self) -> Option<Mac> {
        is_connected(self.nud).then_some(self.mac)
    }

    /// A packet wants to go to this neighbour (`neigh_event_send`).
    pub(crate) fn event_send(&mut self, now: Instant, p: &Parms) -> Use {
        self.used = now;
        match self.nud {
            Nud::Permanent | Nud::Noarp | Nud::Reachable | Nud::Delay | Nud::Probe => Use::Go(self.mac),
            Nud::Stale => {
                self.change(now, Nud::Delay);
                self.timer = Some(now + p.delay_probe);
                Use::Go(self.mac)
            }
            Nud::Incomplete => Use::Wait { solicit: false },
            Nud::None | Nud::Failed if p.mcast + p.app == 0 => {
                self.change(now, Nud::Failed);
                Use::Refused
            }
            Nud::None | Nud::Failed => {
                self.probes = p.ucast;
                self.change(now, Nud::Incomplete);
                self.timer = Some(now + p.retrans);
                Use::Wait { solicit: true }
            }
        }
    }

    /// Lets a packet wait. The oldest leave while there is no room, but one always fits; they are returned.
    pub(crate) fn hold(&mut self, pkt: Pkt, truesize: u32, p: &Parms) -> Vec<Pkt> {
        let mut evicted = Vec::new();
        let waits = self.waits.get_or_insert_default();
        while waits.bytes + truesize > p.queue_bytes {
            let Some((old, size)) = waits.queue.pop_front() else { break };
            waits.bytes -= size;
            evicted.push(old);
        }
        waits.queue.push_back((pkt, truesize));
        waits.bytes += truesize;
        evicted
    }

    /// Takes all that waits, oldest first.
    pub(crate) fn take_queue(&mut self) -> VecDeque<(Pkt, u32)> {
        self.waits.take().map(|waits| waits.queue).unwrap_or_default()
    }

    /// The packet that a request is sent for: the last that waits (`neigh_probe`).
    pub(crate) fn newest(&self) -> Option<Pkt> {
        self.waits.as_ref()?.queue.back().map(|q| q.0)
    }

    /// Something above proved that it is there (`dst_confirm_neigh`).
    pub(crate) fn confirm(&mut self, now: Instant) {
        self.confirmed = Some(now);
    }

    /// Whether another MAC may be believed already: the last change is longer ago than the lock time.
    pub(crate) fn is_unlocked(&self, now: Instant, p: &Parms) -> bool {
        now.since(self.updated) > p.locktime
    }

    /// The timer is due (`neigh_timer_handler`).
    pub(crate) fn on_timer(&mut self, now: Instant, p: &Parms) -> Due {
        self.timer = None;
        let confirmed_within = |span: Duration| self.confirmed.is_some_and(|at| now <= at + span);
        let next = match self.nud {
            Nud::Reachable if confirmed_within(p.reachable) => self.confirmed.map(|at| at + p.reachable),
            Nud::Reachable if now <= self.used + p.delay_probe => {
                self.change(now, Nud::Delay);
                Some(now + p.delay_probe)
            }
            Nud::Reachable => {
                self.change(now, Nud::Stale);
                None
            }
            // Only a transport confirms without changing the state.
            Nud::Delay if confirmed_within(p.delay_probe.saturating_sub(LATENESS)) => {
                self.change(now, Nud::Reachable);
                self.confirmed.map(|at| at + p.reachable)
            }
            Nud::Delay => {
                self.probes = 0;
                self.change(now, Nud::Probe);
                Some(now + p.retrans)
            }
            Nud::Probe | Nud::Incomplete => Some(now + p.retrans),
            _ => return Due::Nothing,
        };
        let asking = matches!(self.nud, Nud::Probe | Nud::Incomplete);
        if asking && self.probes >= self.most_probes(p) {
            self.change(now, Nud::Failed);
            return Due::Failed;
        }
        self.timer = next.map(|at| at.max(now + Duration::from_millis(10)));
        if asking { Due::Solicit } else { Due::Nothing }
    }

    fn most_probes(&self, p: &Parms) -> u32 {
        p.ucast + p.app + if self.nud == Nud::Probe { p.resolicit } else { p.mcast }
    }

    /// Somebody says how the neighbour is (`__neigh_update`). `true`: what waits may go now.
    ///
    /// `mac` is what was heard; `None` leaves it. `new` without a known MAC (`Failed`, `Incomplete`, `None`) forgets.
    pub(crate) fn update(&mut self, now: Instant, mac: Option<Mac>, new: Nud, from: Source, p: &Parms) -> bool {
        let (old, mut new) = (self.nud, new);
        if !from.admin && matches!(old, Nud::Noarp | Nud::Permanent) {
            return false;
        }
        if !is_valid(new) {
            self.change(now, new);
            return false;
        }
        let mac = mac.unwrap_or(self.mac);
        if is_connected(new) {
            self.confirmed = Some(now);
        }
        if is_valid(old) {
            if mac != self.mac && !from.overrides {
                return false;
            }
            if mac == self.mac && new == Nud::Stale && !from.admin {
                new = old;
            }
        }
        if mac != self.mac {
            self.mac = mac;
            self.updated = now;
            if !is_connected(new) {
                (self.confirmed, self.doubted) = (None, now);
            }
        }
        if new != old {
            self.change(now, new);
            self.timer = match new {
                Nud::Reachable => Some(now + p.reachable),
                Nud::Delay | Nud::Probe | Nud::Incomplete => Some(now),
                _ => None,
            };
            if new == Nud::Probe {
                self.probes = 0;
            }
        }
        !is_valid(old)
    }

    /// Whether it is never collected, however long nobody uses it.
    pub(crate) fn is_exempt(&self) -> bool {
        self.nud == Nud::Permanent || self.extra.extern_learn
    }

    /// Whether it has failed, or was of no use for as long as `stale` (`neigh_periodic_work`).
    pub(crate) fn has_aged(&mut self, now: Instant, stale: Duration) -> bool {
        use Nud::*;
        if self.is_exempt() || matches!(self.nud, Incomplete | Reachable | Delay | Probe) {
            return false;
        }
        self.used = self.confirmed.map_or(self.used, |at| at.max(self.used));
        self.nud == Failed || now >= self.used + stale
    }

    /// What is told of its age; `base` is the reachable time by which it is doubted.
    pub(crate) fn uses(&self, base: Duration) -> NeighUse {
        NeighUse {
            used: self.used,
            confirmed: self.confirmed.ok_or(base * 2),
            doubted: self.doubted,
            updated: self.updated,
            probes: self.probes,
            refs: u32::from(self.timer.is_some()),
        }
    }

    fn change(&mut self, now: Instant, nud: Nud) {
        self.nud = nud;
        self.updated = now;
        self.timer = None;
    }
}

/// The kernel's timer of 5 s comes up to 256 ms late, so what TCP confirmed within that time of the entry's turn to DELAY
/// is too long ago when it is asked for: a short exchange does not spare the request.
const LATENESS: Duration = Duration::from_millis(128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Slab;
    use crate::netns::Ifindex;

    const M: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const N: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn parms() -> Parms {
        Parms::new(&DevConf::default(), Duration::from_secs(30))
    }

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    /// Lets the timer run until `until`, noting what it did at which millisecond.
    fn run(e: &mut Entry, until: u64) -> Vec<(u64, Due, Nud)> {
        let mut seen = Vec::new();
        while let Some(t) = e.timer.filter(|&t| t <= at(until)) {
            let due = e.on_timer(t, &parms());
            seen.push((t.as_nanos() / 1_000_000, due, e.nud));
        }
        seen
    }

    #[test]
    fn nobody_answers_three_requests_a_second_apart_then_failed() {
        let mut e = Entry::new(at(0));
        assert_eq!(e.event_send(at(0), &parms()), Use::Wait { solicit: true });
        e.probes += 1;
        let mut seen = Vec::new();
        while let Some(t) = e.timer {
            let due = e.on_timer(t, &parms());
            e.probes += u32::from(due == Due::Solicit);
            seen.push((t.as_nanos() / 1_000_000, due));
        }
        assert_eq!(seen, [(1000, Due::Solicit), (2000, Due::Solicit), (3000, Due::Failed)]);
        assert_eq!(e.nud, Nud::Failed);
        assert_eq!(e.event_send(at(3500), &parms()), Use::Wait { solicit: true }, "no hold-off");
    }

    #[test]
    fn an_answer_makes_it_reachable_then_stale_then_delay_then_probe() {
        let mut e = Entry::new(at(0));
        e.event_send(at(0), &parms());
        assert!(e.update(at(1), Some(M), Nud::Reachable, Source::default(), &parms()), "what waits may go");
        assert_eq!(e.connected(), Some(M));
        // The very instant still counts as reachable; the timer looks again 10 ms later.
        let aged = [(30_001, Due::Nothing, Nud::Reachable), (30_011, Due::Nothing, Nud::Stale)];
        assert_eq!(run(&mut e, 100_000), aged);
        assert_eq!(e.event_send(at(40_000), &parms()), Use::Go(M));
        assert_eq!(e.nud, Nud::Delay);
        let mut seen = Vec::new();
        while let Some(t) = e.timer {
            let due = e.on_timer(t, &parms());
            e.probes += u32::from(due == Due::Solicit);
            seen.push((t.as_nanos() / 1_000_000, due));
        }
        let expected = [(45_000, Due::Solicit), (46_000, Due::Solicit), (47_000, Due::Solicit), (48_000, Due::Failed)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_confirmation_while_delayed_spares_the_probe() {
        let mut e = Entry::new(at(0));
        e.update(at(0), Some(M), Nud::Stale, Source { overrides: true, admin: false }, &parms());
        e.event_send(at(1000), &parms());
        e.confirm(at(3000));
        assert_eq!(run(&mut e, 10_000), [(6000, Due::Nothing, Nud::Reachable)]);
        assert_eq!(e.timer, Some(at(33_000)));
    }

    #[test]
    fn the_first_of_two_answers_wins_until_the_lock_time_is_over() {
        let mut e = Entry::new(at(0));
        e.event_send(at(0), &parms());
        e.update(at(0), Some(M), Nud::Reachable, Source::default(), &parms());
        for (ms, mac) in [(500, M), (1000, M), (1001, N)] {
            let source = Source { overrides: e.is_unlocked(at(ms), &parms()), admin: false };
            e.update(at(ms), Some(N), Nud::Reachable, source, &parms());
            assert_eq!(e.mac, mac, "after {ms} ms");
        }
    }

    #[test]
    fn hearsay_with_the_same_mac_does_not_age_an_entry() {
        let mut e = Entry::new(at(0));
        let heard = Source { overrides: true, admin: false };
        e.update(at(0), Some(M), Nud::Reachable, heard, &parms());
        e.update(at(5), Some(M), Nud::Stale, heard, &parms());
        assert_eq!(e.nud, Nud::Reachable);
        e.update(at(9), Some(N), Nud::Stale, heard, &parms());
        assert_eq!((e.nud, e.mac), (Nud::Stale, N));
        let admin = Source { overrides: true, admin: true };
        e.update(at(10), Some(M), Nud::Permanent, admin, &parms());
        e.update(at(11), Some(N), Nud::Stale, heard, &parms());
        assert_eq!((e.nud, e.mac), (Nud::Permanent, M));
    }

    #[test]
    fn the_oldest_leave_a_full_queue_and_one_always_fits() {
        let mut slab = Slab::default();
        let mut e = Entry::new(at(0));
        let small = Parms { queue_bytes: 2000, ..parms() };
        let mut pkt = || Pkt::new(slab.alloc(0), Ifindex(2));
        assert!(e.hold(pkt(), 832, &small).is_empty());
        assert!(e.hold(pkt(), 832, &small).is_empty());
        assert_eq!(e.hold(pkt(), 832, &small).len(), 1);
        assert_eq!(e.hold(pkt(), 70_000, &small).len(), 2);
        assert_eq!(e.take_queue().len(), 1);
    }
}
