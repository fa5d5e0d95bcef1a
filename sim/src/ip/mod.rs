//! IPv4: what comes in, what goes through, what goes out, and what is said about errors.
//!
//! Kernel counterpart: `net/ipv4/`. Deliberately absent: IP options (they travel and are quoted, nobody obeys them),
//! multicast routing and IGMP (only 224.0.0.1 is joined), IPsec, netfilter.

pub(crate) mod forward;
pub(crate) mod frag;
pub(crate) mod get;
pub(crate) mod icmp;
pub(crate) mod input;
pub(crate) mod limit;
pub(crate) mod local;
pub(crate) mod output;
pub(crate) mod pmtu;

/// Flags of [`Pkt::flags`](crate::path::Pkt): what the route said (`rt_flags`, `IPCB(skb)->flags`).
pub(crate) mod flag {
    /// To a broadcast or multicast address (`RTCF_BROADCAST`, `RTCF_MULTICAST`).
    pub(crate) const GROUP: u8 = 1;
    /// To an address of this namespace (`RTCF_LOCAL`).
    pub(crate) const LOCAL: u8 = 2;
    /// A redirect to its sender is in order (`IPSKB_DOREDIRECT`).
    pub(crate) const REDIRECT: u8 = 4;
}
