//! What a route says of its path besides MTU and MSS.
//!
//! Kernel counterpart: `RTAX_*` of `linux/rtnetlink.h`, `ip_metrics_convert()`. A value of zero is none. Deliberately absent:
//! congestion control by address families of its own.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A metric that is a number, in the order of the kernel's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The greatest window to advertise, bytes.
    Window,
    /// The round-trip time to begin with, eighths of a millisecond.
    Rtt,
    /// Its variance, quarters of a millisecond.
    Rttvar,
    /// The slow start threshold.
    Ssthresh,
    /// The greatest congestion window.
    Cwnd,
    /// How far segments may overtake each other.
    Reordering,
    /// The TTL of what is sent from here.
    Hoplimit,
    /// The congestion window to begin with.
    Initcwnd,
    /// Bit 0: explicit congestion notification.
    Features,
    /// The least retransmission timeout, milliseconds.
    RtoMin,
    /// The window to advertise at first, segments.
    Initrwnd,
    /// Acknowledge at once.
    Quickack,
    /// Fast open without a cookie.
    FastopenNoCookie,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 13] = [
        Metric::Window,
        Metric::Rtt,
        Metric::Rttvar,
        Metric::Ssthresh,
        Metric::Cwnd,
        Metric::Reordering,
        Metric::Hoplimit,
        Metric::Initcwnd,
        Metric::Features,
        Metric::RtoMin,
        Metric::Initrwnd,
        Metric::Quickack,
        Metric::FastopenNoCookie,
    ];

    /// The kernel's number.
    pub fn number(self) -> u16 {
        match self {
            Metric::Window => 3,
            Metric::Rtt => 4,
            Metric::Rttvar => 5,
            Metric::Ssthresh => 6,
            Metric::Cwnd => 7,
            Metric::Reordering => 9,
            Metric::Hoplimit => 10,
            Metric::Initcwnd => 11,
            Metric::Features => 12,
            Metric::RtoMin => 13,
            Metric::Initrwnd => 14,
            Metric::Quickack => 15,
            Metric::FastopenNoCookie => 17,
        }
    }

    /// iproute2's word.
    pub fn word(self) -> &'static str {
        match self {
            Metric::Window => "window",
            Metric::Rtt => "rtt",
            Metric::Rttvar => "rttvar",
            Metric::Ssthresh => "ssthresh",
            Metric::Cwnd => "cwnd",
            Metric::Reordering => "reordering",
            Metric::Hoplimit => "hoplimit",
            Metric::Initcwnd => "initcwnd",
            Metric::Features => "features",
            Metric::RtoMin => "rto_min",
            Metric::Initrwnd => "initrwnd",
            Metric::Quickack => "quickack",
            Metric::FastopenNoCookie => "fastopen_no_cookie",
        }
    }

    /// Whether iproute2 has a word that locks it; the least retransmission timeout is locked always.
    pub fn takes_lock(self) -> bool {
        !matches!(self, Metric::Features | Metric::RtoMin | Metric::Quickack | Metric::FastopenNoCookie)
    }

    /// Its bit among those that are locked.
    pub fn bit(self) -> u32 {
        1 << self.number()
    }
}

/// Metrics of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Those that are numbers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Metric, u32>,
    /// The congestion control algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub congestion: Option<String>,
    /// Which are locked, a bit each by the kernel's number; not the MTU, whose route says so itself.
    #[serde(skip_serializing_if = "is_zero")]
    pub locked: u32,
}

fn is_zero(bits: &u32) -> bool {
    *bits == 0
}

/// `RTAX_MTU` as a bit.
pub const LOCK_MTU: u32 = 1 << 2;
/// `RTAX_ADVMSS` as a bit.
pub const LOCK_ADVMSS: u32 = 1 << 8;
/// `RTAX_CC_ALGO` as a bit.
pub const LOCK_CONGESTION: u32 = 1 << 16;

impl Metrics {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Metrics::default()
    }

    /// A metric's value, 0 for none.
    pub fn value(&self, metric: Metric) -> u32 {
        self.values.get(&metric).copied().unwrap_or(0)
    }
}
