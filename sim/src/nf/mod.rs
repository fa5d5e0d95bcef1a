//! Netfilter: a namespace's rules at the five hooks of the IPv4 path, connection tracking and address translation.
//!
//! Kernel counterpart: `net/netfilter/core.c`, `nf_tables_core.c`, `nf_conntrack_core.c`, `nf_nat_core.c`. A namespace that
//! never had a rule has no [`Nf`], and its packets pass by. Conntrack begins with the first rule that asks for it.
//! Deliberately absent: helpers, expectations, TCP windows, accounting of flows, zones, queues to userspace.

pub(crate) mod conntrack;
mod dynset;
mod eval;
mod hooks;
mod manip;
mod nat;
mod reject;
mod tcp;

use crate::drop::DropReason;
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt};
use crate::world::World;
use conntrack::Conntrack;
pub(crate) use conntrack::Track;
use dynset::ElemLimits;
use eval::Limits;
use hooks::Hooks;
use nettwin_model::rules::conntrack::Connection;
use nettwin_model::rules::{Family, Hook, RejectWith, RuleChange, Ruleset};
use nettwin_model::{Fault, Instant};
use std::net::Ipv4Addr;

/// A namespace's rules and connections.
pub(crate) struct Nf {
    /// The rules, with their counters.
    rules: Ruleset,
    /// What is to be done at each hook, made from the rules.
    hooks: Hooks,
    /// The connections.
    conntrack: Conntrack,
    /// What the limits have left.
    limits: Limits,
    /// The same of sets' elements.
    elem_limits: ElemLimits,
    /// When the next element ends, in milliseconds.
    ends_ms: u64,
}

impl Default for Nf {
    fn default() -> Self {
        Nf {
            rules: Ruleset::default(),
            hooks: Hooks::default(),
            conntrack: Conntrack::default(),
            limits: Limits::default(),
            elem_limits: ElemLimits::default(),
            ends_ms: u64::MAX,
        }
    }
}

/// What became of a packet at a hook.
pub(super) enum Outcome {
    /// On.
    Accept,
    /// Not on.
    Drop,
    /// Not on, and its sender is told.
    Reject(RejectWith),
    /// It waits, or ended otherwise.
    Gone(Next),
}

/// Changes the rules: all of the changes or none.
pub(crate) fn change(ns: &mut Netns, w: &mut World, changes: &[RuleChange]) -> Result<(), Fault> {
    let nf = ns.nf.get_or_insert_with(Box::default);
    if nf.conntrack.rng.is_none() {
        nf.conntrack.rng = Some(w.stream(&format!("nat {}", ns.name)));
    }
    nf.end_times(w.now);
    nf.rules.apply(changes).map_err(|(_, errno)| Fault::errno(errno))?;
    nf.begin_times(w.now);
    nf.hooks = Hooks::new(&nf.rules);
    Ok(())
}

/// The rules as they are, with their counters.
pub(crate) fn ruleset(ns: &Netns, now: Instant) -> Ruleset {
    ns.nf.as_ref().map(|nf| nf.shown(now)).unwrap_or_default()
}

/// The connections as they are.
pub(crate) fn connections(ns: &Netns, now: Instant) -> Vec<Connection> {
    ns.nf.as_ref().map(|nf| nf.conntrack.list(now)).unwrap_or_default()
}

/// A packet at a hook. `Err` is what becomes of it instead of going on.
#[inline]
pub(crate) fn at(
    ns: &mut Netns,
    w: &mut World,
    pkt: &mut Pkt,
    hook: Hook,
    iif: Ifindex,
    oif: Ifindex,
) -> Result<(), Next> {
    if ns.nf.is_none() {
        return Ok(());
    }
    run(ns, w, pkt, hook, iif, oif)
}

fn run(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, hook: Hook, iif: Ifindex, oif: Ifindex) -> Result<(), Next> {
    let Some(mut nf) = ns.nf.take() else { return Ok(()) };
    let outcome = nf.traverse(ns, w, pkt, hook, iif, oif);
    ns.nf = Some(nf);
    match outcome {
        Outcome::Accept => Ok(()),
        Outcome::Drop => Err(Next::Drop(DropReason::Filtered)),
        Outcome::Reject(with) => {
            reject::tell(ns, w, pkt, with);
            Err(Next::Drop(DropReason::Rejected))
        }
        Outcome::Gone(next) => Err(next),
    }
}

/// Whether a chain of type route is there.
pub(crate) fn reroutes(ns: &Netns) -> bool {
    ns.nf.as_ref().is_some_and(|nf| nf.hooks.reroutes)
}

/// A frame at a bridge's hook.
#[inline]
pub(crate) fn at_bridge(
    ns: &mut Netns,
    w: &mut World,
    pkt: &mut Pkt,
    hook: Hook,
    iif: Ifindex,
    oif: Ifindex,
) -> Result<(), Next> {
    if ns.nf.as_ref().is_none_or(|nf| !nf.has_bridge_rules(hook)) {
        return Ok(());
    }
    let Some(mut nf) = ns.nf.take() else { return Ok(()) };
    let outcome = nf.traverse_in(Family::Bridge, ns, w, pkt, hook, iif, oif);
    ns.nf = Some(nf);
    match outcome {
        Outcome::Accept => Ok(()),
        Outcome::Drop | Outcome::Reject(_) => Err(Next::Drop(DropReason::Filtered)),
        Outcome::Gone(next) => Err(next),
    }
}

/// A device went down, or lost the address: what was masqueraded by it is forgotten (`masq_device_event`).
pub(crate) fn masquerade_lost(ns: &mut Netns, dev: Ifindex, addr: Option<Ipv4Addr>) {
    if let Some(nf) = ns.nf.as_mut() {
        nf.conntrack.forget_masqueraded(dev, addr);
    }
}
