//! What a plan does, for people: what it makes, what it changes, what it removes.

use super::Plan;
use crate::name::{IfName, NetnsName};
use crate::op::{NewLink, Op, RouteVerb};
use crate::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A plan's effects, a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What is made.
    pub create: Vec<String>,
    /// What is changed in place.
    pub change: Vec<String>,
    /// What is removed.
    pub delete: Vec<String>,
}

impl Plan {
    /// The plan's effects, in the order of its ops. The sysctls that a namespace is made with are counted, not listed, and
    /// the settings of a link that is made here are part of its making.
    pub fn summary(&self) -> Summary {
        let mut out = Summary::default();
        let born = |netns: &NetnsName| self.ops.iter().any(|op| matches!(op, Op::AddNetns { netns: n } if n == netns));
        let made = |netns: &NetnsName, name: IfName| {
            self.ops.iter().any(|op| match op {
                Op::AddLink(link) => {
                    let peer = |kind: &NewLink| match kind {
                        NewLink::Veth { peer } => (&peer.netns, peer.name) == (netns, name),
                        NewLink::Bridge { .. } | NewLink::Virtual(_) => false,
                    };
                    (&link.netns, link.name) == (netns, name) || peer(&link.kind)
                }
                _ => false,
            })
        };
        for op in &self.ops {
            match op {
                Op::SetLink { netns, name, .. }
                | Op::SetBridge { netns, name, .. }
                | Op::SetPort { netns, name, .. }
                | Op::SetPortState { netns, name, .. }
                | Op::SetVirtual { netns, name, .. }
                    if made(netns, *name) => {}
                Op::AddNetns { netns } => {
                    let sysctls =
                        self.ops.iter().filter(|op| matches!(op, Op::SetSysctl { netns: n, .. } if n == netns));
                    let count = sysctls.count();
                    let more = if count == 0 {
                        String::new()
                    } else if count == 1 {
                        " with a sysctl".into()
                    } else {
                        format!(" with {count} sysctls")
                    };
                    out.create.push(format!("namespace {netns}{more}"));
                }
                Op::SetSysctl { netns, .. } if born(netns) => {}
                _ => out.add(op),
            }
        }
        out
    }
}

impl Summary {
    fn add(&mut self, op: &Op) {
        let (list, line) = match op {
            Op::AddNetns { netns } => (&mut self.create, format!("namespace {netns}")),
            Op::DelNetns { netns } => (&mut self.delete, format!("namespace {netns}")),
            Op::AddLink(link) => (&mut self.create, made(&link.netns, link.name, &link.kind)),
            Op::DelLink { netns, name } => (&mut self.delete, format!("{netns}:{name}")),
            Op::SetLink { netns, name, change } => {
                (&mut self.change, format!("{netns}:{name} {}", words::link::print_change(change)))
            }
            Op::SetBridge { netns, name, attrs } => {
                (&mut self.change, format!("{netns}:{name} {}", words::link::print_bridge(attrs)))
            }
            Op::SetPort { netns, name, attrs } => {
                (&mut self.change, format!("{netns}:{name} {}", words::link::print_port(attrs)))
            }
            Op::SetPortState { netns, name, state } => (&mut self.change, format!("{netns}:{name} state {state}")),
            Op::SetVirtual { netns, name, change } => {
                (&mut self.change, format!("{netns}:{name} {}", words::virtuals::print_change(change)))
            }
            Op::SetMaddr { netns, dev, mac, present } => {
                let list = if *present { &mut self.create } else { &mut self.delete };
                (list, format!("{netns}:{dev} group {mac}"))
            }
            Op::SetAltname { netns, name, altname, present } => {
                let list = if *present { &mut self.create } else { &mut self.delete };
                (list, format!("{netns}:{name} altname {altname}"))
            }
            Op::AddAddr { netns, dev, addr } => {
                (&mut self.create, format!("{netns}:{dev} address {}", words::addr::print(addr)))
            }
            Op::ChangeAddr { netns, dev, addr } => {
                (&mut self.change, format!("{netns}:{dev} address {}", words::addr::print(addr)))
            }
            Op::DelAddr { netns, dev, addr } => {
                (&mut self.delete, format!("{netns}:{dev} address {}", words::addr::print(addr)))
            }
            Op::AddRoute { netns, verb, route } => {
                let replaces = matches!(verb, RouteVerb::Replace | RouteVerb::Change);
                let list = if replaces { &mut self.change } else { &mut self.create };
                (list, format!("{netns} route {}", words::route::print(route)))
            }
            Op::DelRoute { netns, route } => {
                (&mut self.delete, format!("{netns} route {}", words::route::print(route)))
            }
            Op::AddNexthop { netns, nexthop, replace } => {
                let list = if *replace { &mut self.change } else { &mut self.create };
                (list, format!("{netns} nexthop {}", words::nexthop::print(nexthop)))
            }
            Op::DelNexthop { netns, id } => (&mut self.delete, format!("{netns} nexthop {id}")),
            Op::AddRule { netns, rule } => (&mut self.create, format!("{netns} rule {}", words::rule::print(rule))),
            Op::DelRule { netns, rule } => (&mut self.delete, format!("{netns} rule {}", words::rule::print(rule))),
            Op::AddNeigh { netns, neigh, .. } => {
                (&mut self.create, format!("{netns} neighbour {}", words::neigh::print(neigh)))
            }
            Op::DelNeigh { netns, neigh } => {
                (&mut self.delete, format!("{netns} neighbour {}", words::neigh::print(neigh)))
            }
            Op::AddMdb { netns, entry } => (&mut self.create, format!("{netns} member {}", words::mdb::print(entry))),
            Op::DelMdb { netns, entry } => (&mut self.delete, format!("{netns} member {}", words::mdb::print(entry))),
            Op::AddVlan { netns, dev, vlans, .. } => {
                (&mut self.create, format!("{netns}:{dev} VLAN {}", words::vlan::print(vlans)))
            }
            Op::DelVlan { netns, dev, vlans, .. } => {
                (&mut self.delete, format!("{netns}:{dev} VLAN {}", words::vlan::print(vlans)))
            }
            Op::AddFdb { netns, entry, .. } => {
                (&mut self.create, format!("{netns}:{} entry {}", entry.bridge, words::fdb::print(entry)))
            }
            Op::DelFdb { netns, entry } => {
                (&mut self.delete, format!("{netns}:{} entry {}", entry.bridge, words::fdb::print(entry)))
            }
            Op::SetSysctl { netns, key, value } => (&mut self.change, format!("{netns} {key} = {value}")),
            Op::SetImpairment { netns, dev, impairment: Some(i), .. } => {
                (&mut self.change, format!("{netns}:{dev} netem {}", words::netem::print(i)))
            }
            Op::SetImpairment { netns, dev, impairment: None, .. } => {
                (&mut self.delete, format!("{netns}:{dev} netem"))
            }
            Op::SetQueue { netns, dev, change } => {
                (&mut self.change, format!("{netns} {}", words::queue::print(*dev, change)))
            }
            Op::Ruleset { netns, changes } => {
                let rules = changes.iter().filter(|c| matches!(c, crate::rules::RuleChange::AddRule { .. })).count();
                match rules {
                    0 => (&mut self.delete, format!("{netns} rules")),
                    1 => (&mut self.change, format!("{netns} rules: 1")),
                    many => (&mut self.change, format!("{netns} rules: {many}")),
                }
            }
        };
        list.push(line);
    }
}

fn made(netns: &NetnsName, name: IfName, kind: &NewLink) -> String {
    match kind {
        NewLink::Veth { peer } => format!("veth {netns}:{name} and {}:{}", peer.netns, peer.name),
        NewLink::Bridge { .. } => format!("bridge {netns}:{name}"),
        NewLink::Virtual(kind) => format!("{} {netns}:{name}", kind.word()),
    }
}

impl fmt::Display for Summary {
    /// A line each: `+` for what is made, `~` for what is changed, `-` for what is removed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (sign, lines) in [('+', &self.create), ('~', &self.change), ('-', &self.delete)] {
            for line in lines {
                writeln!(f, "{sign} {line}")?;
            }
        }
        Ok(())
    }
}
