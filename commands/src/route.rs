//! Routes in the kernel's order.
//!
//! Counterpart: the order of `fib_trie_table_dump()`, and of the tables in the hash `fib_table_hash`.

use nettwin_model::{NetnsState, Route};
use std::cmp::Reverse;

/// All routes of a namespace: tables by their place in the hash, prefixes by address, the longest first, then the
/// greatest type of service and the least metric.
pub fn sorted(netns: &NetnsState) -> Vec<&Route> {
    let mut all: Vec<&Route> = netns.derived.routes.iter().chain(&netns.config.routes).collect();
    all.sort_by_key(|r| (r.table % 256, r.table, r.dst.addr, Reverse(r.dst.len), Reverse(r.tos), r.metric));
    all
}
