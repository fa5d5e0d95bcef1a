//! IPv4: what comes in, what goes through, what goes out, and what is said about errors.
//!
//! Kernel counterpart: `net/ipv4/`. Deliberately absent: multicast routing, IPsec.

pub(crate) mod forward;
pub(crate) mod frag;
pub(crate) mod get;
pub(crate) mod icmp;
pub(crate) mod igmp;
pub(crate) mod input;
pub(crate) mod limit;
pub(crate) mod local;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod pmtu;
pub(crate) mod query;

/// Flags of [`Pkt::flags`](crate::path::Pkt): what the route said (`rt_flags`, `IPCB(skb)->flags`).
pub(crate) mod flag {
    /// To a broadcast or multicast address (`RTCF_BROADCAST`, `RTCF_MULTICAST`).
    pub(crate) const GROUP: u8 = 1;
    /// To an address of this namespace (`RTCF_LOCAL`).
    pub(crate) const LOCAL: u8 = 2;
    /// A redirect to its sender is in order (`IPSKB_DOREDIRECT`).
    pub(crate) const REDIRECT: u8 = 4;
    /// Its route is recorded, and there was room (`opt.rr_needaddr`).
    pub(crate) const RECORDS: u8 = 8;
    /// Times are written down (`opt.ts_needtime`).
    pub(crate) const STAMPS: u8 = 16;
    /// And addresses with them (`opt.ts_needaddr`).
    pub(crate) const STAMPS_ADDRESS: u8 = 32;
    /// It was sent here on its source route, which goes on (`opt.srr_is_hit`).
    pub(crate) const SOURCE_ROUTED: u8 = 64;
    /// A bridge has shown it to the hook before routing already (`ip_sabotage_in()`).
    pub(crate) const BRIDGED: u8 = 128;
}
