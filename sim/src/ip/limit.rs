//! How often errors and redirects may be sent: one bucket for each target, one for all.
//!
//! Kernel counterpart: `net/ipv4/inetpeer.c` (`inet_peer_xrlim_allow`), `icmp_global_allow()` of `icmp.c`, the buckets of
//! `ip_error()` and `ip_rt_send_redirect()` in `route.c`. All three kinds draw from the same bucket of a target.
//! Deliberately absent: forgetting targets, ticks (the kernel counts in 4 ms).

use crate::rng::Rng;
use nettwin_model::Instant;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// All buckets of a namespace.
#[derive(Default)]
pub(crate) struct Limits {
    peers: BTreeMap<Ipv4Addr, Peer>,
    global: Global,
}

/// One target (`struct inet_peer`).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peer {
    /// Saved-up time, nanoseconds.
    tokens: u64,
    /// When it was last asked; `None`: long ago, so that the bucket is full.
    last: Option<Instant>,
    redirects: u32,
}

/// The common bucket.
#[derive(Default)]
struct Global {
    credit: i64,
    stamp: Option<Instant>,
    rng: Option<Rng>,
}

const SECOND: u64 = 1_000_000_000;
/// `XRLIM_BURST_FACTOR`.
const BURST: u64 = 6;
/// `ip_rt_error_cost` and `ip_rt_error_burst`.
const ERROR_COST: u64 = SECOND;
const ERROR_BURST: u64 = 5 * SECOND;
/// `ip_rt_redirect_load`, `ip_rt_redirect_number`, `ip_rt_redirect_silence`.
const REDIRECT_LOAD: Duration = Duration::from_millis(20);
const REDIRECT_NUMBER: u32 = 9;
const REDIRECT_SILENCE: Duration = Duration::from_millis(20 << (REDIRECT_NUMBER + 1));

impl Peer {
    fn save_up(&mut self, now: Instant, most: u64) {
        let since = self.last.map_or(u64::MAX, |last| now.as_nanos() - last.as_nanos());
        self.last = Some(now);
        self.tokens = self.tokens.saturating_add(since).min(most);
    }

    /// `inet_peer_xrlim_allow()`: one error costs `icmp_ratelimit`, six may be saved up. What was saved up at this very instant
    /// is not looked at again: where nothing is limited, nothing is saved up, and a route error finds nothing later.
    pub(crate) fn allows_icmp(&mut self, now: Instant, ratelimit_ms: i32) -> bool {
        let cost = u64::try_from(ratelimit_ms).unwrap_or(0) * 1_000_000;
        if self.last != Some(now) {
            self.save_up(now, BURST * cost);
        }
        let allowed = self.tokens >= cost;
        if allowed {
            self.tokens -= cost;
        }
        allowed
    }

    /// `ip_error()`: a second each, five saved up.
    pub(crate) fn allows_route_error(&mut self, now: Instant) -> bool {
        self.save_up(now, ERROR_BURST);
        let allowed = self.tokens >= ERROR_COST;
        if allowed {
            self.tokens -= ERROR_COST;
        }
        allowed
    }

    /// `ip_rt_send_redirect()`: 20 ms apart, doubling, nine at most, until the target was silent for 20 s.
    pub(crate) fn allows_redirect(&mut self, now: Instant) -> bool {
        if self.last.is_none_or(|last| now > last + REDIRECT_SILENCE) {
            (self.tokens, self.redirects) = (0, 0);
        }
        if self.redirects >= REDIRECT_NUMBER {
            self.last = Some(now);
            return false;
        }
        let due = self.last.is_none_or(|last| now > last + REDIRECT_LOAD * (1 << self.redirects));
        if self.redirects > 0 && !due {
            return false;
        }
        self.last = Some(now);
        self.redirects += 1;
        true
    }
}

impl Limits {
    /// The bucket of a target.
    pub(crate) fn peer(&mut self, target: Ipv4Addr) -> &mut Peer {
        self.peers.entry(target).or_default()
    }

    /// Whether the common bucket has anything left (`icmp_global_allow`).
    pub(crate) fn allows_any(&mut self, now: Instant, per_second: i32, burst: i32) -> bool {
        let global = &mut self.global;
        if global.credit > 0 {
            return true;
        }
        let since = global.stamp.map_or(SECOND, |at| (now.as_nanos() - at.as_nanos()).min(SECOND));
        if since < SECOND / 50 {
            return false;
        }
        // At most a second's worth; both factors fit 32 bits.
        let more = (since as i64 / 1000) * i64::from(per_second) / 1_000_000;
        if more == 0 {
            return false;
        }
        global.stamp = Some(now);
        global.credit = (global.credit + more).min(burst.into());
        true
    }

    /// Takes a random amount out of the common bucket (`icmp_global_consume`).
    pub(crate) fn consume(&mut self, stream: impl FnOnce() -> Rng) {
        let rng = self.global.rng.get_or_insert_with(stream);
        self.global.credit -= rng.below(3) as i64; // below three
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn six_in_a_burst_then_one_a_second() {
        let mut peer = Peer::default();
        let burst = (0..20).filter(|&i| peer.allows_icmp(at(1000 + i), 1000)).count();
        assert_eq!(burst, 6);
        let slow = (0..10).filter(|&i| peer.allows_icmp(at(3000 + 1000 * i), 1000)).count();
        assert_eq!(slow, 10);
    }

    #[test]
    fn route_errors_cost_two_tokens_so_a_burst_gets_two_and_a_slow_run_four() {
        let mut peer = Peer::default();
        let mut told = |ms| peer.allows_route_error(at(ms)) && peer.allows_icmp(at(ms), 1000);
        assert_eq!((0..20).filter(|&i| told(1000 + i)).count(), 2);
        let mut peer = Peer::default();
        let mut told = |ms| peer.allows_route_error(at(ms)) && peer.allows_icmp(at(ms), 1000);
        assert_eq!((0..20).filter(|&i| told(1000 + 1000 * i)).count(), 4);
        let mut peer = Peer::default();
        let mut told = |ms| peer.allows_route_error(at(ms)) && peer.allows_icmp(at(ms), 0);
        assert_eq!((0..20).filter(|&i| told(1000 + i)).count(), 5);
    }

    #[test]
    fn redirects_double_their_distance_and_stop_after_nine() {
        let mut peer = Peer::default();
        let sent: Vec<u64> = (0..20_000).filter(|&ms| peer.allows_redirect(at(ms))).collect();
        assert_eq!(sent.len(), 9);
        assert_eq!(sent[..4], [0, 41, 122, 283]);
        assert!(!peer.allows_redirect(at(40_000)));
        assert!(peer.allows_redirect(at(40_001 + 20_480)));
    }

    #[test]
    fn the_common_bucket_fills_again() {
        let mut limits = Limits::default();
        let mut allowed = 0;
        for _ in 0..1000 {
            if limits.allows_any(at(5000), 1000, 50) {
                limits.consume(|| Rng::new(1, "icmp"));
                allowed += 1;
            }
        }
        assert!((40..70).contains(&allowed), "{allowed}");
        assert!(!limits.allows_any(at(5010), 1000, 50));
        assert!(limits.allows_any(at(5020), 1000, 50));
    }
}
