//! iproute2's grammar (6.1, with the later words that newer tools know): parse and print, one pair of functions for each
//! noun, and an op as the command line that does it.
//!
//! Counterpart: `ip/iproute.c`, `ip/ipaddress.c`, `tc/q_netem.c` and their like in iproute2. Stricter than they are: no
//! abbreviations, no word said twice, no octal or hexadecimal addresses. Deliberately absent: command lines as input (what
//! comes here is what follows `add`), IPv6-only words.

pub mod addr;
mod bond;
pub mod cursor;
pub mod fdb;
pub mod link;
pub mod mdb;
pub mod neigh;
pub mod netem;
pub mod nexthop;
pub mod op;
pub mod queue;
pub mod route;
pub mod rule;
pub mod script;
pub mod units;
pub mod virtuals;
pub mod vlan;
mod vxlan;

pub use cursor::{Word, Words, WordsError};
