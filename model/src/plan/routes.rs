//! The part of a plan about routes, neighbours and forwarding entries.
//!
//! Kernel counterpart: `fib_table_insert`, `fib_table_delete`, `neigh_add`, `br_fdb_add`. Routes of the same prefix, tos,
//! metric and table are a list whose order counts; a list of one is replaced in place, a longer one made anew.

use super::Planner;
use crate::agree::{self, RouteKey};
use crate::name::NetnsName;
use crate::nexthop::{NexthopKind, NexthopObject};
use crate::op::{Op, RouteVerb};
use crate::route::Route;
use crate::rule::{Rule, Rules};
use crate::snapshot::Config;
use std::collections::BTreeMap;

impl Planner<'_> {
    /// Deletes, replaces and adds routes.
    pub(super) fn plan_routes(&mut self, netns: &NetnsName, wanted: &Config) {
        let wanted_lists = lists(&wanted.routes);
        let there_lists = lists(&self.there[netns].config.routes);
        // What is on the link must be there before the gateways that are found through it.
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for (key, seen) in &there_lists {
            let list = wanted_lists.get(key).map(Vec::as_slice).unwrap_or_default();
            if agrees(list, seen) || (list.len() == 1 && seen.len() == 1) {
                continue;
            }
            let del = |route: &&Route| Op::DelRoute { netns: netns.clone(), route: (*route).clone() };
            self.phases.del_routes.extend(seen.iter().map(del));
        }
        for (key, list) in &wanted_lists {
            let seen = there_lists.get(key).map(Vec::as_slice).unwrap_or_default();
            if agrees(list, seen) {
                continue;
            }
            let first = if list.len() == 1 && seen.len() == 1 { RouteVerb::Replace } else { RouteVerb::Add };
            let has_gateway = list.iter().any(|r| r.nhid.is_some() || r.nexthops.iter().any(|hop| hop.via.is_some()));
            let out = if has_gateway { &mut far } else { &mut near };
            for (i, route) in list.iter().enumerate() {
                let verb = if i == 0 { first } else { RouteVerb::Append };
                out.push(Op::AddRoute { netns: netns.clone(), verb, route: (*route).clone() });
            }
        }
        self.phases.routes.append(&mut near);
        self.phases.routes.append(&mut far);
    }

    /// Deletes and adds nexthop objects. One that changes is made anew, and with it the routes that go with it.
    pub(super) fn plan_nexthops(&mut self, netns: &NetnsName, wanted: &Config) {
        let there = std::mem::take(&mut self.there.entry(netns.clone()).or_default().config.nexthops);
        let keeps = |seen: &NexthopObject| wanted.nexthops.iter().any(|w| seen.is_as_wanted(w));
        for seen in there.iter().filter(|seen| !keeps(seen)) {
            self.phases.del_nexthops.push(Op::DelNexthop { netns: netns.clone(), id: seen.id });
            if let Some(there) = self.there.get_mut(netns) {
                there.config.routes.retain(|r| r.nhid != Some(seen.id));
            }
        }
        let missing = |w: &&NexthopObject| !there.iter().any(|seen| seen.is_as_wanted(w));
        let add = |w: &NexthopObject| Op::AddNexthop { netns: netns.clone(), nexthop: w.clone(), replace: false };
        // Groups last: they name the others.
        let (groups, ways): (Vec<_>, Vec<_>) =
            wanted.nexthops.iter().filter(missing).partition(|w| matches!(w.kind, NexthopKind::Group(_)));
        self.phases.nexthops.extend(ways.into_iter().chain(groups).map(add));
    }

    /// Deletes and adds policy rules. Where those of a priority differ, all of them are made anew: their order counts.
    pub(super) fn plan_rules(&mut self, netns: &NetnsName, wanted: &Config) {
        let there = rules_by_priority(&self.there[netns].config.rules);
        let wanted = rules_by_priority(&wanted.rules);
        for (priority, seen) in &there {
            if wanted.get(priority) != Some(seen) {
                let del = |rule: &&Rule| Op::DelRule { netns: netns.clone(), rule: Box::new((*rule).clone()) };
                self.phases.del_rules.extend(seen.iter().map(del));
            }
        }
        for (priority, list) in &wanted {
            if there.get(priority) != Some(list) {
                let add = |rule: &&Rule| Op::AddRule { netns: netns.clone(), rule: Box::new((*rule).clone()) };
                self.phases.rules.extend(list.iter().map(add));
            }
        }
    }

    /// Deletes, replaces and adds permanent and proxy neighbours.
    pub(super) fn plan_neighs(&mut self, netns: &NetnsName, wanted: &Config) {
        let there = &self.there[netns].config.neighs;
        for seen in there {
            if !wanted.neighs.iter().any(|w| agree::neigh_key(w) == agree::neigh_key(seen)) {
                self.phases.del_neighs.push(Op::DelNeigh { netns: netns.clone(), neigh: seen.clone() });
            }
        }
        for neigh in &wanted.neighs {
            let seen = there.iter().find(|s| agree::neigh_key(neigh) == agree::neigh_key(s));
            if !seen.is_some_and(|s| agree::neigh(neigh, s)) {
                // An entry that was learned may be in the way: it is no configuration, so it was not seen.
                let op = Op::AddNeigh { netns: netns.clone(), neigh: neigh.clone(), replace: true };
                self.phases.neighs.push(op);
            }
        }
    }

    /// Deletes, replaces and adds forwarding entries.
    pub(super) fn plan_fdb(&mut self, netns: &NetnsName, wanted: &Config) {
        let there = &self.there[netns].config.fdb;
        let wanted = || wanted.fdb.iter().filter(|e| agree::is_configured(e));
        for seen in there {
            if !wanted().any(|w| agree::fdb_key(w, seen)) {
                self.phases.del_fdb.push(Op::DelFdb { netns: netns.clone(), entry: seen.clone() });
            }
        }
        for entry in wanted() {
            if !there.contains(entry) {
                // As with neighbours, a learned entry may be in the way.
                self.phases.fdb.push(Op::AddFdb {
                    netns: netns.clone(),
                    entry: entry.clone(),
                    replace: entry.remote.is_none(),
                });
            }
        }
    }
}

/// Rules by priority; those of one priority are a list whose order counts.
pub(crate) fn rules_by_priority(rules: &Rules) -> BTreeMap<u32, Vec<&Rule>> {
    let mut out: BTreeMap<u32, Vec<&Rule>> = BTreeMap::new();
    for rule in &rules.0 {
        out.entry(rule.priority.unwrap_or(0)).or_default().push(rule);
    }
    out
}

/// Routes by what tells them apart; those of one key are a list whose order counts.
pub(crate) fn lists(routes: &[Route]) -> BTreeMap<RouteKey, Vec<&Route>> {
    let mut out: BTreeMap<RouteKey, Vec<&Route>> = BTreeMap::new();
    for route in routes {
        out.entry(RouteKey::of(route)).or_default().push(route);
    }
    out
}

fn agrees(wanted: &[&Route], seen: &[&Route]) -> bool {
    wanted.len() == seen.len() && wanted.iter().zip(seen).all(|(w, s)| agree::route(w, s))
}
