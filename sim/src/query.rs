//! One question, one answer.

use crate::dev::{self, stp};
use crate::execute::link;
use crate::netns::NsId;
use crate::sim::Sim;
use crate::{l3, nf, observe, sysctl};
use nettwin_model::bridge::BridgeStatus;
use nettwin_model::{Answer, Errno, Fault, NetnsName, Query};
use std::cmp::Reverse;

/// Answers it.
pub(crate) fn query(sim: &mut Sim, query: &Query) -> Result<Answer, Fault> {
    let enoent = || Fault::errno(Errno::ENOENT);
    Ok(match query {
        Query::NetnsList => {
            let mut all: Vec<_> = sim.netns.iter().map(|ns| (ns.id, ns.name.clone())).collect();
            all.sort_by_key(|(id, _)| Reverse(*id));
            Answer::NetnsList(all.into_iter().map(|(_, name)| name).collect::<Vec<NetnsName>>())
        }
        Query::Nsids(name) => {
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            let named = |(id, number): (NsId, u32)| Some((sim.netns.by_id(id)?.name.clone(), number));
            Answer::Nsids(ns.nsids.iter().filter_map(named).collect())
        }
        Query::Sockets(name) => {
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            Answer::Sockets(crate::sock::list(ns, sim.world.now))
        }
        Query::Ifindex { netns, dev } => {
            let ns = sim.netns.by_name(netns).ok_or_else(enoent)?;
            // Who asks takes the name for the device's own.
            let found = ns.devs.by_own_name(*dev).map(|index| (ns.id, index));
            found.into_iter().for_each(|at| link::tell(sim, at));
            Answer::Ifindex(found.map(|(_, index)| index.0))
        }
        Query::Netns(name) => {
            link::tell_all(sim, link::find(sim, name)?);
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            Answer::Netns(Box::new(observe::netns(sim, ns)))
        }
        Query::RouteGet(get) => {
            let ns = sim.netns.by_name_mut(&get.netns).ok_or_else(enoent)?;
            Answer::Route(Box::new(l3::route_get(ns, &sim.world, get)?))
        }
        Query::RouteCache(name) => {
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            Answer::RouteCache(crate::ip::get::route_cache(ns, &sim.world))
        }
        Query::HasTable { netns, table } => {
            Answer::HasTable(sim.netns.by_name(netns).ok_or_else(enoent)?.l3.fib.has_table(*table))
        }
        Query::Sysctl { netns, key } => {
            let ns = sim.netns.by_name(netns).ok_or_else(enoent)?;
            Answer::Sysctl(sysctl::read(ns, key.path())?)
        }
        Query::Sysctls(name) => Answer::Sysctls(sysctl::names(sim.netns.by_name(name).ok_or_else(enoent)?)),
        Query::Ruleset(name) => {
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            Answer::Ruleset(Box::new(nf::ruleset(ns, sim.world.now)))
        }
        Query::Groups(name) => {
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            Answer::Groups(crate::ip::igmp::list(ns, sim.world.now))
        }
        Query::Conntrack(name) => {
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            Answer::Conntrack(nf::connections(ns, sim.world.now))
        }
        Query::Bridge { netns, name } => {
            let ns = sim.netns.by_name(netns).ok_or_else(enoent)?;
            let dev = ns.dev_named(*name).ok_or(Fault::errno(Errno::ENODEV))?;
            if let dev::Kind::Vxlan(_) = &dev.kind {
                // It has a forwarding database and nothing else of a bridge.
                let fdb = dev::vxlan::entries(ns, dev, sim.world.now).into_iter().map(|(aged, _)| aged).collect();
                return Ok(Answer::Bridge(Box::new(BridgeStatus { fdb, ..BridgeStatus::default() })));
            }
            let bridge = dev.bridge().ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
            Answer::Bridge(Box::new(stp::status(ns, &sim.world, dev, bridge)))
        }
    })
}
