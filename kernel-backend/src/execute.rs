//! Ops, one after another: each is one rtnetlink request, one write below `/proc/sys`, or one namespace.
//!
//! Kernel counterpart: `rtnetlink_rcv_msg()`. Every request waits for its own acknowledgement, because the kernel works
//! through all of a datagram's messages even when one of them is refused, and an op after a refused one must not happen.
//! Only where what came after can be taken back without a trace several share a datagram: see [`crate::bulk`].

use crate::machine::KernelBackend;
use crate::object::bond::Named;
use crate::object::{addr, link, mdb, neigh, nexthop, queue, route, rule, vlan};
use crate::{bulk, sysctl};
use netlink_packet_route::RouteNetlinkMessage;
use nettwin_model::bond::{ActiveSlave, BondAttrs};
use nettwin_model::queue::{QueueChange, QueueVerb};
use nettwin_model::virtuals::{Tun, VirtualChange};
use nettwin_model::vxlan::VxlanChange;
use nettwin_model::{
    AddLink, BridgeAttrs, Errno, Failure, Fault, FdbEntry, IfName, Impairment, LinkChange, NetnsName, NewLink, Op,
    PortAttrs, Virtual,
};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd, RawFd};

impl KernelBackend {
    pub(crate) fn execute_all(&mut self, ops: &[Op]) -> Result<(), Failure> {
        self.begin();
        self.execute_in_order(ops)?;
        self.await_departures().map_err(|fault| Failure { done: ops.len().saturating_sub(1), fault })
    }

    /// Others may have renamed devices, and changed what new namespaces begin with, since the last time.
    pub(crate) fn begin(&mut self) {
        self.indices.clear();
        self.baseline = None;
        self.fresh.clear();
        self.first_index = None;
    }

    pub(crate) fn execute_in_order(&mut self, ops: &[Op]) -> Result<(), Failure> {
        let mut done = 0;
        while done < ops.len() {
            let run = &ops[done..done + bulk::run_length(&ops[done..])];
            self.note_in_host(run).map_err(|fault| Failure { done, fault })?;
            let executed = match run {
                [one] => self.execute_one(one).map_err(|fault| (0, fault)),
                run => self.execute_run(run),
            };
            let count = executed.as_ref().map_or_else(|(n, _)| *n, |()| run.len());
            self.note_done_in_host(&run[..count]).map_err(|fault| Failure { done, fault })?;
            done += count;
            executed.map_err(|(_, fault)| Failure { done, fault })?;
        }
        Ok(())
    }

    fn execute_one(&mut self, op: &Op) -> Result<(), Fault> {
        if !matches!(op, Op::DelNetns { .. }) {
            self.await_departures()?;
        }
        match op {
            Op::AddNetns { netns } => self.add_netns(netns),
            Op::DelNetns { netns } => {
                self.indices.clear();
                self.fresh.clear();
                self.del_netns(netns)
            }
            Op::AddLink(link) => {
                self.fresh.remove(&link.netns);
                self.add_link(link)
            }
            Op::SetLink { netns, name, change } => self.set_link(netns, name, change),
            Op::DelLink { netns, name } => {
                self.indices.clear();
                self.fresh.clear();
                self.room(netns)?.netlink.tell(link::del(name))
            }
            Op::SetBridge { netns, name, attrs } => self.set_bridge(netns, name, attrs),
            Op::SetPort { netns, name, attrs } => self.set_port(netns, name, attrs),
            Op::SetPortState { netns, name, state } => {
                let index = self.index_of(netns, name)?;
                self.room(netns)?.netlink.tell(crate::object::bridge::set_port_state(index, *state))
            }
            Op::SetVirtual { netns, name, change } => {
                let index = self.index_of(netns, name)?;
                let named = match change {
                    VirtualChange::Bond(attrs) => self.named_by(netns, attrs)?,
                    VirtualChange::Vxlan(VxlanChange { dev: Some(dev), .. }) => {
                        Named { dev: Some(self.index_of(netns, dev)?), ..Named::default() }
                    }
                    _ => Named::default(),
                };
                self.room(netns)?.netlink.tell(link::set_virtual(index, change, named))
            }
            Op::SetMaddr { netns, dev, mac, present } => {
                self.room(netns)?;
                crate::groups::set(&self.worker, &self.rooms[netns].netns, dev, *mac, *present)?;
                Ok(())
            }
            Op::SetAltname { netns, name, altname, present } => {
                let index = self.index_of(netns, name)?;
                self.room(netns)?.netlink.tell(link::set_altname(index, altname, *present))
            }
            Op::AddAddr { netns, dev, addr } => {
                let index = self.index_of(netns, dev)?;
                self.room(netns)?.netlink.tell(addr::add(index, addr))
            }
            Op::ChangeAddr { netns, dev, addr } => {
                let index = self.index_of(netns, dev)?;
                self.room(netns)?.netlink.tell(addr::change(index, addr))
            }
            Op::DelAddr { netns, dev, addr } => {
                let index = self.index_of(netns, dev)?;
                self.room(netns)?.netlink.tell(addr::del(index, addr))
            }
            Op::AddRoute { netns, verb, route } => {
                let request = route::add(*verb, route, &mut |dev| self.index_of(netns, dev))?;
                self.room(netns)?.netlink.tell(request)
            }
            Op::DelRoute { netns, route } => {
                let request = route::del(route, &mut |dev| self.index_of(netns, dev))?;
                self.room(netns)?.netlink.tell(request)
            }
            Op::AddNexthop { netns, nexthop: what, replace } => {
                let request = nexthop::add(what, *replace, &mut |dev| self.index_of(netns, dev))?;
                self.room(netns)?.netlink.tell_raw(&request)
            }
            Op::DelNexthop { netns, id } => self.room(netns)?.netlink.tell_raw(&nexthop::del(*id)),
            Op::AddRule { netns, rule: what } => self.room(netns)?.netlink.tell(rule::add(what)),
            Op::DelRule { netns, rule: what } => self.room(netns)?.netlink.tell(rule::del(what)),
            Op::AddNeigh { netns, neigh, replace } => {
                let index = self.index_of(netns, &neigh.dev)?;
                self.room(netns)?.netlink.tell(neigh::add(index, neigh, *replace))
            }
            Op::DelNeigh { netns, neigh } => {
                let index = self.index_of(netns, &neigh.dev)?;
                self.room(netns)?.netlink.tell(neigh::del(index, neigh))
            }
            Op::AddFdb { netns, entry, replace } => {
                let (index, via) = self.fdb_places(netns, entry)?;
                self.room(netns)?.netlink.tell(neigh::add_fdb(index, via, entry, *replace))
            }
            Op::DelFdb { netns, entry } => {
                let (index, via) = self.fdb_places(netns, entry)?;
                self.room(netns)?.netlink.tell(neigh::del_fdb(index, via, entry))
            }
            Op::AddMdb { netns, entry } => {
                let (bridge, port) = (self.index_of(netns, &entry.bridge)?, self.index_of(netns, &entry.port)?);
                self.room(netns)?.netlink.tell_raw(&mdb::add(bridge, port, entry))
            }
            Op::DelMdb { netns, entry } => {
                let (bridge, port) = (self.index_of(netns, &entry.bridge)?, self.index_of(netns, &entry.port)?);
                self.room(netns)?.netlink.tell_raw(&mdb::del(bridge, port, entry))
            }
            Op::AddVlan { netns, dev, vlans, own } => {
                let index = self.index_of(netns, dev)?;
                self.room(netns)?.netlink.tell(vlan::add(index, vlans, *own))
            }
            Op::DelVlan { netns, dev, vlans, own } => {
                let index = self.index_of(netns, dev)?;
                self.room(netns)?.netlink.tell(vlan::del(index, vlans, *own))
            }
            Op::SetSysctl { netns, key, value } => {
                self.room(netns)?;
                sysctl::write(&self.worker, &self.rooms[netns].netns, key, value)
            }
            Op::Ruleset { netns, changes } => self.change_ruleset(netns, changes),
            Op::SetImpairment { netns, dev, impairment, handle } => {
                self.set_impairment(netns, dev, impairment.as_deref(), *handle)
            }
            Op::SetQueue { netns, dev, change } => {
                let index = self.index_of(netns, dev)?;
                self.room(netns)?.netlink.tell_raw(&queue::change(index, change))
            }
        }
    }

    /// Whether this kernel has what the ops take, found out in a namespace of its own. Each thing is asked for once.
    pub(crate) fn offers(&mut self, ops: &[Op]) -> Result<(), Fault> {
        if ops.iter().any(|op| matches!(op, Op::AddLink(_))) {
            self.offered().map_err(|fault| match fault {
                Fault::Refused { errno: Errno::EOPNOTSUPP, .. } => Fault::Missing {
                    capability: "veth and bridge devices".into(),
                    remedy: "load the modules veth and bridge, or use the simulator".into(),
                },
                other => other,
            })?;
        }
        let mut kinds = BTreeMap::new();
        for op in ops {
            match op {
                Op::AddLink(link) => match &link.kind {
                    NewLink::Bridge { attrs } => self.fit_bridge(attrs).map(|_| ())?,
                    NewLink::Veth { .. } => {}
                    NewLink::Virtual(kind) => drop(kinds.insert(kind.word(), kind)),
                },
                Op::SetBridge { attrs, .. } => self.fit_bridge(attrs).map(|_| ())?,
                Op::SetPort { attrs, .. } => self.fit_port(attrs).map(|_| ())?,
                Op::AddVlan { .. } | Op::DelVlan { .. } if self.offered()?.bridge.vlan_filtering.is_none() => {
                    return Err(missing("vlan_filtering"));
                }
                _ => {}
            }
        }
        kinds.into_values().try_for_each(|kind| self.try_virtual(kind))?;
        let kinds: BTreeSet<&str> = ops.iter().filter_map(new_qdisc).collect();
        kinds.into_iter().try_for_each(|kind| match self.try_qdisc(kind) {
            Err(Fault::Refused { errno: Errno::ENOENT, .. }) => Err(qdisc_missing(kind)),
            other => other,
        })
    }

    fn add_link(&mut self, link: &AddLink) -> Result<(), Fault> {
        let mut places = self.places_of(link)?;
        // Who is asked: what a device sits on is looked up there.
        let mut asked = &link.netns;
        let request = match &link.kind {
            NewLink::Bridge { attrs } => {
                let kind = NewLink::Bridge { attrs: self.fit_bridge(attrs)? };
                link::add(&AddLink { kind, ..link.clone() }, &places)
            }
            NewLink::Veth { .. } => link::add(link, &places),
            NewLink::Virtual(Virtual::Tun(tun)) => return self.add_tun(link, tun),
            NewLink::Virtual(kind) => {
                if let Some((netns, lower)) = kind.lower() {
                    places.lower = Some(self.index_of(netns, lower)?);
                    asked = netns;
                }
                if let Virtual::Bond(attrs) = kind {
                    places.named = self.named_by(&link.netns, attrs)?;
                }
                places.needs = kind.needs().map(|dev| self.index_of(&link.netns, &dev)).transpose()?;
                let elsewhere = *asked != link.netns;
                places.netns = elsewhere.then(|| self.descriptor_of(&link.netns)).transpose()?;
                link::add(link, &places)
            }
        };
        self.room(asked)?.netlink.tell(request)?;
        if let Some((netns, _)) = link.kind.link() {
            self.departing.link_made(&link.netns, netns);
        }
        Ok(())
    }

    /// What is said besides its kind is a change of what is there then.
    fn add_tun(&mut self, link: &AddLink, tun: &Tun) -> Result<(), Fault> {
        crate::tun::add(&self.worker, &self.rooms[&link.netns].netns, &link.name, tun)?;
        let change = link.besides_kind();
        if change == LinkChange::default() {
            return Ok(());
        }
        let set = self.set_link(&link.netns, &link.name, &change);
        if set.is_err() {
            self.indices.clear();
            self.room(&link.netns)?.netlink.tell(link::del(&link.name))?;
        }
        set
    }

    /// What a new link's master and its peer's namespace stand for.
    pub(crate) fn places_of(&mut self, link: &AddLink) -> Result<link::Places, Fault> {
        self.room(&link.netns)?;
        let netns = match &link.kind {
            NewLink::Veth { peer } if peer.netns != link.netns => Some(self.descriptor_of(&peer.netns)?),
            _ => None,
        };
        let master = link.master.map(|master| self.index_of(&link.netns, &master)).transpose()?;
        Ok(link::Places { master, netns, ..link::Places::default() })
    }

    /// The indices of a forwarding entry's device, and of the one that its destination is reached by.
    pub(crate) fn fdb_places(&mut self, netns: &NetnsName, entry: &FdbEntry) -> Result<(u32, Option<u32>), Fault> {
        let via = entry.remote.and_then(|remote| remote.via);
        Ok((self.index_of(netns, &entry.dev)?, via.map(|via| self.index_of(netns, &via)).transpose()?))
    }

    fn set_link(&mut self, netns: &NetnsName, name: &IfName, change: &LinkChange) -> Result<(), Fault> {
        let index = self.index_of(netns, name)?;
        let master = match &change.master {
            None => None,
            Some(None) => Some(0),
            Some(Some(master)) => Some(self.index_of(netns, master)?),
        };
        let target = change.netns.as_ref().map(|to| self.descriptor_of(to)).transpose()?;
        let request = link::set(index, change, &link::Resolved { master, netns: target });
        self.room(netns)?.netlink.tell(request)?;
        if change.rename.is_some() || change.netns.is_some() {
            self.indices.clear();
            self.fresh.clear();
        }
        if let Some(to) = &change.netns {
            self.departing.link_moved(netns, to);
        }
        Ok(())
    }

    fn set_bridge(&mut self, netns: &NetnsName, name: &IfName, attrs: &BridgeAttrs) -> Result<(), Fault> {
        let index = self.index_of(netns, name)?;
        let request = link::set_bridge(index, &self.fit_bridge(attrs)?);
        self.room(netns)?.netlink.tell(request)
    }

    fn set_port(&mut self, netns: &NetnsName, name: &IfName, attrs: &PortAttrs) -> Result<(), Fault> {
        let index = self.index_of(netns, name)?;
        let request = link::set_port(index, &self.fit_port(attrs)?);
        self.room(netns)?.netlink.tell(request)
    }

    fn set_impairment(
        &mut self,
        netns: &NetnsName,
        dev: &IfName,
        what: Option<&Impairment>,
        handle: Option<u16>,
    ) -> Result<(), Fault> {
        let index = self.index_of(netns, dev)?;
        match self.room(netns)?.netlink.tell_raw(&queue::impair(index, what, handle)) {
            // qdisc_create: no such kind. Nothing else about a root qdisc is "not there".
            Err(Fault::Refused { errno: Errno::ENOENT, .. }) if what.is_some() => Err(qdisc_missing(queue::NETEM)),
            other => other,
        }
    }

    /// A kernel that does not know an attribute passes over it or refuses even the default, so the machine has to look.
    fn fit_bridge(&mut self, attrs: &BridgeAttrs) -> Result<BridgeAttrs, Fault> {
        if attrs.is_empty() {
            return Ok(attrs.clone());
        }
        self.offered()?.fit_bridge(attrs).map_err(missing)
    }

    /// The same of a port.
    fn fit_port(&mut self, attrs: &PortAttrs) -> Result<PortAttrs, Fault> {
        if attrs.is_empty() {
            return Ok(attrs.clone());
        }
        self.offered()?.fit_port(attrs).map_err(missing)
    }

    /// What a bond's attributes name.
    fn named_by(&mut self, netns: &NetnsName, attrs: &BondAttrs) -> Result<Named, Fault> {
        let active = match attrs.active_slave {
            Some(ActiveSlave::Slave(name)) => Some(name),
            Some(ActiveSlave::Any) | None => None,
        };
        Ok(Named {
            primary: attrs.primary.map(|name| self.index_of(netns, &name)).transpose()?,
            active: active.map(|name| self.index_of(netns, &name)).transpose()?,
            dev: None,
        })
    }

    fn descriptor_of(&self, netns: &NetnsName) -> Result<RawFd, Fault> {
        let room = self.rooms.get(netns).ok_or(Fault::errno(Errno::ENOENT))?;
        Ok(room.netns.as_fd().as_raw_fd())
    }

    /// What a name stands for, remembered until something is renamed, moved or removed, or the list of ops ends.
    pub(crate) fn index_of(&mut self, netns: &NetnsName, dev: &IfName) -> Result<u32, Fault> {
        if let Some(index) = self.indices.get(netns).and_then(|known| known.get(dev)).copied() {
            self.room(netns)?;
            return Ok(index);
        }
        let index = match self.room(netns)?.netlink.ask(link::by_name(dev)) {
            Ok(RouteNetlinkMessage::NewLink(found)) => found.header.index,
            Ok(_) => return Err(Fault::Broken(format!("the kernel's answer about {dev} is of another kind"))),
            Err(Fault::Refused { errno, .. }) => return Err(Fault::errno(errno)),
            Err(fault) => return Err(fault),
        };
        self.indices.entry(netns.clone()).or_default().insert(*dev, index);
        Ok(index)
    }
}

/// The kind of the qdisc that an op makes.
fn new_qdisc(op: &Op) -> Option<&str> {
    match op {
        Op::SetImpairment { impairment: Some(_), .. } => Some(queue::NETEM),
        Op::SetQueue { change, .. } => match &**change {
            QueueChange::Qdisc(r) if r.verb != QueueVerb::Delete => r.kind.as_deref(),
            _ => None,
        },
        _ => None,
    }
}

fn qdisc_missing(kind: &str) -> Fault {
    Fault::Missing {
        capability: kind.into(),
        remedy: format!(
            "load the module sch_{kind}, use a kernel built with CONFIG_NET_SCH_{}, or use the simulator",
            kind.to_uppercase()
        ),
    }
}

fn missing(attribute: &str) -> Fault {
    Fault::Missing {
        capability: format!("bridge {attribute}"),
        remedy: "use a newer kernel, one that is built with it (CONFIG_BRIDGE_*), or the simulator".into(),
    }
}
