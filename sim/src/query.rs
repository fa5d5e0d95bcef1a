//! One question, one answer.

use crate::dev::stp;
use crate::sim::Sim;
use crate::{l3, observe, sysctl};
use nettwin_model::{Answer, Errno, Fault, NetnsName, Query};

/// Answers it.
pub(crate) fn query(sim: &mut Sim, query: &Query) -> Result<Answer, Fault> {
    let enoent = || Fault::errno(Errno::ENOENT);
    Ok(match query {
        Query::NetnsList => Answer::NetnsList(sim.netns.iter().map(|ns| ns.name.clone()).collect::<Vec<NetnsName>>()),
        Query::Netns(name) => {
            let ns = sim.netns.by_name(name).ok_or_else(enoent)?;
            Answer::Netns(Box::new(observe::netns(sim, ns)))
        }
        Query::RouteGet(get) => {
            let ns = sim.netns.by_name_mut(&get.netns).ok_or_else(enoent)?;
            Answer::Route(Box::new(l3::route_get(ns, &sim.world, get)?))
        }
        Query::Sysctl { netns, key } => {
            let ns = sim.netns.by_name(netns).ok_or_else(enoent)?;
            Answer::Sysctl(sysctl::read(ns, key.path())?)
        }
        Query::Sysctls(name) => Answer::Sysctls(sysctl::names(sim.netns.by_name(name).ok_or_else(enoent)?)),
        Query::Bridge { netns, name } => {
            let ns = sim.netns.by_name(netns).ok_or_else(enoent)?;
            let dev = ns.dev_named(*name).ok_or(Fault::errno(Errno::ENODEV))?;
            let bridge = dev.bridge().ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
            Answer::Bridge(Box::new(stp::status(ns, dev, bridge, sim.world.now)))
        }
    })
}
