//! From what is wanted and what is there to the ops that lead from one to the other.
//!
//! Kernel counterpart: none; this is what an administrator thinks before typing. The order follows the kernel's
//! dependencies: removals, namespaces, their sysctls, bridges, veths (each by one request that carries its peer, MACs,
//! MTUs, master and up), the rest of links, addresses, bridges up, routes, neighbours, forwarding entries, rules, impairments.
//! Namespaces are removed last, so that a plan that is stopped has lost none. Planning again after applying yields
//! nothing. Deliberately absent: executing (see [`crate::apply`]); moving or renaming a link (it is removed and made);
//! removing `host`, or anything in `host` that is not named.

mod addrs;
mod links;
mod routes;
mod ruleset;
mod summary;
mod sysctls;
mod there;

pub(crate) use addrs::changes as address_changes;
pub(crate) use routes::{lists as route_lists, rules_by_priority};
pub(crate) use ruleset::own_tables;
pub use summary::Summary;

use crate::agree;
use crate::backend::Extent;
use crate::name::NetnsName;
use crate::op::Op;
use crate::snapshot::{Config, Snapshot};
use crate::sysctl::{self, SysctlKey};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use there::There;

/// The state that is wanted, a namespace each. What an attribute leaves open is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The namespaces by name.
    pub netns: BTreeMap<NetnsName, Config>,
}

impl Desired {
    /// What must be observed to compare: all namespaces that the machine has, and the sysctls wanted.
    pub fn extent(&self) -> Extent {
        let sysctls = |config: &Config| config.sysctls.keys().cloned().collect();
        Extent {
            netns: None,
            sysctls: self.netns.iter().map(|(netns, config)| (netns.clone(), sysctls(config))).collect(),
        }
    }

    /// The same when this plan was carried out: of namespaces that it made, the sysctls that it wrote.
    pub fn extent_after(&self, plan: &Plan) -> Extent {
        let made: BTreeSet<&NetnsName> =
            plan.ops.iter().filter_map(|op| if let Op::AddNetns { netns } = op { Some(netns) } else { None }).collect();
        let old = self.netns.iter().filter(|(netns, _)| !made.contains(netns));
        let mut sysctls: BTreeMap<NetnsName, BTreeSet<SysctlKey>> =
            old.map(|(netns, config)| (netns.clone(), config.sysctls.keys().cloned().collect())).collect();
        for op in &plan.ops {
            if let Op::SetSysctl { netns, key, .. } = op
                && made.contains(netns)
            {
                sysctls.entry(netns.clone()).or_default().insert(key.clone());
            }
        }
        Extent { netns: None, sysctls }
    }
}

/// Ops in the order of their dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The ops.
    pub ops: Vec<Op>,
}

impl Plan {
    /// The ops that lead from what was observed (with [`Desired::extent`]) to what is wanted. A namespace that was
    /// observed and is not wanted is removed, unless it is `host`. One that is made has the
    /// [`BASELINE`](crate::sysctl::BASELINE), as both machines make them.
    pub fn between(desired: &Desired, observed: &Snapshot) -> Plan {
        Self::lead(desired, observed, Some(sysctl::baseline()))
    }

    /// The same for somebody who types the commands that the ops are printed as: what a namespace begins with is not known,
    /// so all of its sysctls are written.
    pub fn by_hand(desired: &Desired, observed: &Snapshot) -> Plan {
        Self::lead(desired, observed, None)
    }

    fn lead(desired: &Desired, observed: &Snapshot, begins_with: Option<&BTreeMap<SysctlKey, String>>) -> Plan {
        let reach = |(netns, wanted): (&NetnsName, &Config)| {
            let seen = observed.netns.get(netns).map(|state| agree::within_reach(netns, wanted, state));
            (netns.clone(), There { config: seen.unwrap_or_default() })
        };
        let there = desired.netns.iter().map(reach).collect();
        let mut planner =
            Planner { desired, observed, there, phases: Phases::default(), begins_with, sysctls_of_new: None };
        planner.remove_links();
        planner.make_links();
        planner.change_links();
        for (netns, wanted) in &desired.netns {
            planner.plan_addrs(netns, wanted);
            planner.plan_sysctls(netns, wanted);
            planner.plan_nexthops(netns, wanted);
            planner.plan_routes(netns, wanted);
            planner.plan_rules(netns, wanted);
            planner.plan_neighs(netns, wanted);
            planner.plan_fdb(netns, wanted);
            planner.plan_ruleset(netns, wanted);
        }
        Plan { ops: planner.phases.in_order() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }
}

/// A plan in the making.
struct Planner<'a> {
    desired: &'a Desired,
    observed: &'a Snapshot,
    /// What will be there of what is wanted, as the plan stands.
    there: BTreeMap<NetnsName, There>,
    phases: Phases,
    /// The sysctls of a namespace that is made.
    begins_with: Option<&'a BTreeMap<SysctlKey, String>>,
    /// What was wanted of the last namespace that is made, and what that takes.
    sysctls_of_new: Option<(&'a sysctls::Sysctls, sysctls::Changes<'a>)>,
}

/// The ops by what they depend on.
#[derive(Default)]
struct Phases {
    del_fdb: Vec<Op>,
    del_neighs: Vec<Op>,
    del_rules: Vec<Op>,
    del_routes: Vec<Op>,
    del_nexthops: Vec<Op>,
    del_addrs: Vec<Op>,
    del_links: Vec<Op>,
    netns: Vec<Op>,
    sysctls: Vec<Op>,
    bridges: Vec<Op>,
    veths: Vec<Op>,
    virtuals: Vec<Op>,
    set_links: Vec<Op>,
    attrs: Vec<Op>,
    vlans: Vec<Op>,
    link_sysctls: Vec<Op>,
    add_addrs: Vec<Op>,
    bridges_up: Vec<Op>,
    virtuals_up: Vec<Op>,
    nexthops: Vec<Op>,
    routes: Vec<Op>,
    rules: Vec<Op>,
    neighs: Vec<Op>,
    fdb: Vec<Op>,
    ruleset: Vec<Op>,
    impairments: Vec<Op>,
    del_netns: Vec<Op>,
}

impl Phases {
    fn in_order(self) -> Vec<Op> {
        let removals = [
            self.del_fdb,
            self.del_neighs,
            self.del_rules,
            self.del_routes,
            self.del_nexthops,
            self.del_addrs,
            self.del_links,
        ];
        let links =
            [self.netns, self.sysctls, self.bridges, self.veths, self.virtuals, self.set_links, self.attrs, self.vlans];
        let rest = [
            self.link_sysctls,
            self.add_addrs,
            self.bridges_up,
            self.virtuals_up,
            self.nexthops,
            self.routes,
            self.rules,
            self.neighs,
            self.fdb,
        ];
        let last = [self.ruleset, self.impairments, self.del_netns];
        removals.into_iter().chain(links).chain(rest).chain(last).flatten().collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
