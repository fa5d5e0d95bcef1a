//! Connections as conntrack shows them.
//!
//! Kernel counterpart: `ctnetlink_dump_table()`. Deliberately absent: helpers, labels, zones, accounting.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tuple {
    /// From whom.
    pub src: IpAddr,
    /// To whom.
    pub dst: IpAddr,
    /// Protocol.
    pub proto: u8,
    /// Source port; an ICMP query's identifier; else 0.
    pub sport: u16,
    /// Destination port; an ICMP query's type and code; else 0.
    pub dport: u16,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Connection {
    /// As its first packet went.
    pub original: Tuple,
    /// As answers come.
    pub reply: Tuple,
    /// Seconds until it is forgotten.
    pub timeout_s: u32,
    /// TCP's state, in the kernel's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_state: Option<String>,
    /// Whether an answer has come.
    pub seen_reply: bool,
    /// Whether it is not forgotten early.
    pub assured: bool,
    /// Its mark.
    pub mark: u32,
}

/// TCP's states in the kernel's order.
pub const TCP_STATES: [&str; 10] = [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
];
