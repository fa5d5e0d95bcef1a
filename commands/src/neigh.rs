//! `ip neigh`.
//!
//! Counterpart: `print_neigh()` of iproute2's `ipneigh.c`. The kernel lists in hash order with a random seed; here by
//! device and address.

use nettwin_model::NetnsState;
use std::fmt::Write;

/// `ip neigh show`: permanent and resolved entries; `ip neigh show proxy`'s are left out.
pub fn show(netns: &NetnsState) -> String {
    let mut all: Vec<_> = netns.config.neighs.iter().chain(&netns.volatile.neighs).filter(|n| !n.proxy).collect();
    all.sort_by_key(|n| (n.dev, n.dst));
    let mut out = String::new();
    for n in all {
        let _ = write!(out, "{} dev {} ", n.dst, n.dev);
        if let Some(mac) = n.lladdr {
            let _ = write!(out, "lladdr {mac} ");
        }
        let _ = writeln!(out, "{} ", n.state.word());
    }
    out
}

/// `ip neigh show proxy`.
pub fn show_proxy(netns: &NetnsState) -> String {
    let mut out = String::new();
    for n in netns.config.neighs.iter().filter(|n| n.proxy) {
        let _ = writeln!(out, "{} dev {} proxy ", n.dst, n.dev);
    }
    out
}
