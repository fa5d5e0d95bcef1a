//! Ops as a whole: as few system calls as there can be, for a caller that undoes all if one of them is refused.
//!
//! Kernel counterpart: `netlink_rcv_skb()`, which works through a datagram's messages whatever becomes of each, and tells
//! of a refusal even where no acknowledgement was asked for. Namespaces are made in one visit of the worker; the veths of
//! one namespace travel in one datagram, and so do the settings of each namespace, whatever stands between them of others.
//! Deliberately absent: what is written below `/proc/sys`, rules and impairments, which go one by one in their places;
//! labs that mark what they do in the machine's own namespace.

use crate::bulk;
use crate::machine::KernelBackend;
use crate::netlink::Request;
use crate::object::{addr, link, neigh, route};
use nettwin_model::{Failure, Fault, IfName, NetnsName, NewLink, Op};
use std::collections::BTreeMap;

/// How many messages one datagram holds: all fit the usual send buffer, and one acknowledgement answers them.
const LONGEST: usize = 256;

impl KernelBackend {
    /// Executes all ops; which of them came first is not said. On a refusal `done` says which one it was, and of the others
    /// around it some may have been executed.
    pub(crate) fn execute_as_one(&mut self, ops: &[Op]) -> Result<(), Failure> {
        if self.marks_host() {
            return self.execute_all(ops);
        }
        self.begin();
        let mut done = 0;
        while done < ops.len() {
            let rest = &ops[done..];
            let at = |(n, fault): (usize, Fault)| Failure { done: done + n, fault };
            let count = run_length(rest);
            let run = &rest[..count];
            match &run[0] {
                Op::AddNetns { .. } => self.add_all_netns(run).map_err(at)?,
                Op::AddLink(_) if is_veth(&run[0]) => self.add_veths(run).map_err(at)?,
                op if is_setting(op) => self.set_all(run).map_err(at)?,
                _ => self.execute_in_order(run).map_err(|failure| at((failure.done, failure.fault)))?,
            }
            done += count;
        }
        self.await_departures().map_err(|fault| Failure { done: done.saturating_sub(1), fault })
    }

    fn add_all_netns(&mut self, run: &[Op]) -> Result<(), (usize, Fault)> {
        self.await_departures().map_err(|fault| (0, fault))?;
        let names: Vec<&NetnsName> = run.iter().map(Op::netns).collect();
        self.add_several_netns(&names)
    }

    /// Veths that are made from one namespace.
    fn add_veths(&mut self, run: &[Op]) -> Result<(), (usize, Fault)> {
        self.await_departures().map_err(|fault| (0, fault))?;
        let mut requests = Vec::with_capacity(run.len());
        for (n, op) in run.iter().enumerate() {
            if let Op::AddLink(link) = op {
                let places = self.places_of(link).map_err(|fault| (n, fault))?;
                requests.push(link::add(link, &places));
            }
        }
        self.room(run[0].netns()).and_then(|room| room.netlink.tell_as_one(requests)).map_err(|fault| (0, fault))??;
        for op in run {
            if let Op::AddLink(link) = op
                && let NewLink::Veth { peer } = &link.kind
            {
                self.departing.link_made(&link.netns, &peer.netns);
                // The peer is registered first.
                self.reckon_index(&peer.netns, peer.name);
                self.reckon_index(&link.netns, link.name);
            }
        }
        Ok(())
    }

    /// A device was made: in a namespace that these ops made, where nobody else can have made any, its index is known by how
    /// many there are, once the first was asked for. Whoever asks for another is answered by the kernel.
    fn reckon_index(&mut self, netns: &NetnsName, name: IfName) {
        let Some(made) = self.fresh.get_mut(netns) else { return };
        let before = std::mem::replace(made, *made + 1);
        match self.first_index {
            Some(first) => drop(self.indices.entry(netns.clone()).or_default().insert(name, first + before)),
            // It may fail only as it would fail later, when it is needed.
            None => self.first_index = self.index_of(netns, &name).ok().and_then(|index| index.checked_sub(before)),
        }
    }

    /// Settings of any namespaces, those of each in one datagram, in their order.
    fn set_all(&mut self, run: &[Op]) -> Result<(), (usize, Fault)> {
        self.await_departures().map_err(|fault| (0, fault))?;
        let mut order: Vec<&NetnsName> = Vec::new();
        let mut of: BTreeMap<&NetnsName, Vec<usize>> = BTreeMap::new();
        for (n, op) in run.iter().enumerate() {
            of.entry(op.netns())
                .or_insert_with(|| {
                    order.push(op.netns());
                    Vec::new()
                })
                .push(n);
        }
        for netns in order {
            for part in of[netns].chunks(LONGEST) {
                let mut requests = Vec::with_capacity(part.len());
                for &n in part {
                    requests.push(self.setting(&run[n]).map_err(|fault| (n, fault))?);
                }
                let told = self.room(netns).and_then(|room| room.netlink.tell_as_one(requests));
                told.map_err(|fault| (part[0], fault))?.map_err(|(n, fault)| (part[n], fault))?;
            }
        }
        Ok(())
    }

    fn setting(&mut self, op: &Op) -> Result<Request, Fault> {
        match op {
            Op::SetLink { netns, name, change } => {
                Ok(link::set(self.index_of(netns, name)?, change, &link::Resolved::default()))
            }
            Op::AddAddr { netns, dev, addr } => Ok(addr::add(self.index_of(netns, dev)?, addr)),
            Op::AddRoute { netns, verb, route } => route::add(*verb, route, &mut |dev| self.index_of(netns, dev)),
            Op::AddNeigh { netns, neigh, replace } => {
                Ok(neigh::add(self.index_of(netns, &neigh.dev)?, neigh, *replace))
            }
            _ => Err(Fault::Broken("an op that does not belong among settings".into())),
        }
    }
}

/// How many of the first ops go together.
fn run_length(ops: &[Op]) -> usize {
    let first = &ops[0];
    let alike = |op: &&Op| match first {
        Op::AddNetns { .. } => matches!(op, Op::AddNetns { .. }),
        Op::AddLink(_) => is_veth(first) && is_veth(op) && op.netns() == first.netns(),
        // Neighbours come when all links are up: a device whose peer is not loses those that are not permanent, as soon as link
        // watch looks at it (`neigh_carrier_down`).
        _ => is_setting(first) && is_setting(op) && is_neigh(first) == is_neigh(op),
    };
    let most = if matches!(first, Op::AddLink(_)) { LONGEST } else { usize::MAX };
    match ops.iter().take(most).take_while(alike).count() {
        0 => bulk::run_length(ops),
        count => count,
    }
}

fn is_veth(op: &Op) -> bool {
    matches!(op, Op::AddLink(link) if matches!(link.kind, NewLink::Veth { .. }))
}

fn is_neigh(op: &Op) -> bool {
    matches!(op, Op::AddNeigh { .. })
}

/// What changes one namespace alone and says so by one message.
fn is_setting(op: &Op) -> bool {
    match op {
        Op::SetLink { change, .. } => change.netns.is_none() && change.rename.is_none() && change.master.is_none(),
        Op::AddAddr { .. } | Op::AddRoute { .. } | Op::AddNeigh { .. } => true,
        _ => false,
    }
}
