//! Ops, carried out.
//!
//! Kernel counterpart: the doors of rtnetlink, `/proc/sys` and `ip netns`. Devices and bridges are done here, addresses,
//! routes and neighbours behind [`l3::execute`].

mod bond;
mod bridge;
pub(crate) mod link;
mod virtuals;

use crate::dev::{mcast, vlans};
use crate::ip::igmp;
use crate::netns::Ifindex;
use crate::sim::Sim;
use crate::{dev, l3, nf, probe, sysctl};
use nettwin_model::{Errno, Fault, NetnsName, Op};

/// Executes one op.
pub(crate) fn execute(sim: &mut Sim, op: &Op) -> Result<(), Fault> {
    let enoent = || Fault::errno(Errno::ENOENT);
    match op {
        Op::AddNetns { netns } => add_netns(sim, netns),
        Op::DelNetns { netns } => del_netns(sim, netns),
        Op::AddLink(link) => link::add(sim, link),
        Op::SetLink { netns, name, change } => link::set(sim, netns, *name, change),
        Op::DelLink { netns, name } => link::del(sim, netns, *name),
        Op::SetBridge { netns, name, attrs } => {
            let (id, index) = link::find_dev(sim, netns, *name)?;
            bridge::set(sim.netns.by_id_mut(id).ok_or_else(enoent)?, &mut sim.world, index, attrs)
        }
        Op::SetPort { netns, name, attrs } => {
            let (id, index) = link::find_dev(sim, netns, *name)?;
            bridge::set_port(sim.netns.by_id_mut(id).ok_or_else(enoent)?, &mut sim.world, index, attrs)
        }
        Op::SetPortState { netns, name, state } => {
            let (id, index) = link::find_dev(sim, netns, *name)?;
            bridge::set_port_state(sim.netns.by_id_mut(id).ok_or_else(enoent)?, &mut sim.world, index, *state)
        }
        Op::SetVirtual { netns, name, change } => virtuals::set(sim, link::find_dev(sim, netns, *name)?, change),
        Op::SetMaddr { netns, dev, mac, present } => {
            let (id, index) = link::find_dev(sim, netns, *dev)?;
            let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
            igmp::by_hand(ns, &sim.world, index, *mac, *present).map_err(Fault::errno)
        }
        Op::SetAltname { netns, name, altname, present } => link::set_altname(sim, netns, *name, altname, *present),
        Op::AddFdb { netns, entry, replace } => {
            let ns = sim.netns.by_name_mut(netns).ok_or_else(enoent)?;
            bridge::add_fdb(ns, &mut sim.world, entry, *replace)
        }
        Op::DelFdb { netns, entry } => {
            let ns = sim.netns.by_name_mut(netns).ok_or_else(enoent)?;
            bridge::del_fdb(ns, &sim.world, entry)
        }
        Op::AddMdb { netns, entry } => {
            let ns = sim.netns.by_name_mut(netns).ok_or_else(enoent)?;
            mcast::add(ns, &mut sim.world, entry)
        }
        Op::DelMdb { netns, entry } => mcast::del(sim.netns.by_name_mut(netns).ok_or_else(enoent)?, entry),
        Op::AddVlan { netns, dev, vlans, own } => {
            let ns = sim.netns.by_name_mut(netns).ok_or_else(enoent)?;
            vlans::add(ns, &mut sim.world, *dev, *vlans, *own)
        }
        Op::DelVlan { netns, dev, vlans, own } => {
            let ns = sim.netns.by_name_mut(netns).ok_or_else(enoent)?;
            vlans::del(ns, &mut sim.world, *dev, *vlans, *own)
        }
        Op::SetSysctl { netns, key, value } => {
            let ns = sim.netns.by_name_mut(netns).ok_or_else(enoent)?;
            sysctl::write(ns, &mut sim.world.confs, key.path(), value)?;
            l3::sysctl_changed(ns, &mut sim.world, key.path());
            Ok(())
        }
        Op::SetImpairment { netns, dev, impairment, handle } => {
            let (id, index) = link::find_dev(sim, netns, *dev)?;
            let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
            crate::qdisc::impair(ns, &mut sim.world, index, impairment.as_deref(), *handle)
        }
        Op::SetQueue { netns, dev, change } => {
            let (id, index) = link::find_dev(sim, netns, *dev)?;
            let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
            crate::qdisc::change(ns, &mut sim.world, index, change)
        }
        Op::Ruleset { netns, changes } => {
            let ns = sim.netns.by_name_mut(netns).ok_or_else(enoent)?;
            nf::change(ns, &mut sim.world, changes)
        }
        Op::AddAddr { .. }
        | Op::ChangeAddr { .. }
        | Op::DelAddr { .. }
        | Op::AddRoute { .. }
        | Op::DelRoute { .. }
        | Op::AddNexthop { .. }
        | Op::DelNexthop { .. }
        | Op::AddRule { .. }
        | Op::DelRule { .. }
        | Op::AddNeigh { .. }
        | Op::DelNeigh { .. } => {
            let ns = sim.netns.by_name_mut(op.netns()).ok_or_else(enoent)?;
            l3::execute(ns, &mut sim.world, op)
        }
    }
}

fn add_netns(sim: &mut Sim, netns: &NetnsName) -> Result<(), Fault> {
    if sim.netns.id(netns).is_some() {
        return Err(Fault::errno(Errno::EEXIST));
    }
    let id = sim.netns.add(netns.clone());
    if let Some(ns) = sim.netns.by_id_mut(id) {
        dev::lo::add(ns);
        l3::link_added(ns, &mut sim.world, Ifindex::LO);
    }
    Ok(())
}

/// Removes a namespace: its workloads end, its devices go, and with its veths their other ends.
fn del_netns(sim: &mut Sim, netns: &NetnsName) -> Result<(), Fault> {
    let id = link::find(sim, netns)?;
    probe::netns_gone(sim, id);
    // Bridges last, so that they need not give their ports back one by one.
    let devs = sim.netns.by_id(id).map(|ns| ns.devs.indexes()).unwrap_or_default();
    for index in devs.into_iter().rev() {
        link::remove(sim, id, index);
    }
    sim.world.gone.add(id);
    if let Some(mut ns) = sim.netns.remove(id) {
        l3::netns_gone(&mut ns, &mut sim.world);
    }
    Ok(())
}
