//! Real programs in a simulated network: a namespace of the kernel's whose wires end in the simulation.
//!
//! A namespace that is given to programs exists twice: in the kernel, where its programs, its addresses, routes, neighbours
//! and sockets are, and in the simulation, where its wires are. Each end of a simulated wire there is a TAP device of the
//! same name, MAC and MTU in the kernel. Whatever is executed goes to both, so the kernel's side follows the simulated one;
//! what programs change by themselves stays theirs. Deliberately absent: impairments on the kernel's side (the simulated
//! wire has them); moving a device that is no wire's end to or from a namespace of programs, which is refused.

use crate::kernel::enter::Door;
use crate::kernel::tap::Tap;
use crate::kernel::{KernelBackend, Options};
use crate::model::op::{AddLink, NewLink};
use crate::model::{
    Answer, Backend, Desired, Errno, Extent, Failure, Fault, IfName, Instant, LinkChange, Mac, NetnsName, Op, Plan,
    Query, Snapshot, SysctlKey,
};
use crate::sim::Sim;
use crate::tap::Pump;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Command;

/// A simulation with namespaces that real programs run in.
pub struct Programs {
    pump: Pump,
    kernel: KernelBackend,
    open: BTreeSet<NetnsName>,
    /// The settings that were written, for a namespace that is opened later.
    settings: BTreeMap<NetnsName, BTreeSet<SysctlKey>>,
}

impl Programs {
    /// An empty simulation; its time keeps pace with the wall's from now on. Takes the right to make namespaces.
    pub fn new(seed: u64) -> Result<Self, Fault> {
        let kernel = KernelBackend::new(Options::default())?;
        Ok(Programs { pump: Pump::new(Sim::new(seed)), kernel, open: BTreeSet::new(), settings: BTreeMap::new() })
    }

    /// The simulation and its TAP devices, to let time pass.
    pub fn pump(&mut self) -> &mut Pump {
        &mut self.pump
    }

    /// Gives a namespace of the simulation to programs: the kernel gets one like it. ENOENT if there is none.
    pub fn open(&mut self, netns: &NetnsName) -> Result<(), Fault> {
        match self.pump.sim().query(&Query::NetnsList)? {
            Answer::NetnsList(names) if names.contains(netns) => {}
            _ => return Err(Fault::errno(Errno::ENOENT)),
        }
        if !self.open.insert(netns.clone()) {
            return Ok(());
        }
        // What stands now, as if it were made from nothing: what is of this namespace is made in the kernel too.
        let extent = Extent { netns: None, sysctls: self.settings.clone() };
        let there = self.pump.sim().observe(&extent)?;
        let wanted = Desired { netns: there.netns.into_iter().map(|(name, state)| (name, state.config)).collect() };
        for op in &Plan::between(&wanted, &Snapshot::default()).ops {
            self.repeat(op, &|n| n == netns).map_err(|fault| explained(op, fault))?;
        }
        self.kernel.settle().map(drop)
    }

    /// A namespace of programs, to enter it. `None` if it is not open.
    pub fn inside(&self, netns: &NetnsName) -> Option<BorrowedFd<'_>> {
        self.kernel.netns(netns).map(AsFd::as_fd)
    }

    /// A program, ready to be started in an open namespace; it dies with this process. ENOENT if it is not open.
    pub fn command(&self, netns: &NetnsName, program: &OsStr) -> Result<Command, Fault> {
        let inside = self.kernel.netns(netns).ok_or(Fault::errno(Errno::ENOENT))?;
        Ok(Door::to(inside)?.command(program))
    }

    /// Answers a question; what moves by itself in an open namespace is the kernel's to say.
    pub fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        match query {
            Query::Bridge { netns, .. } if self.open.contains(netns) => self.kernel.query(query),
            Query::Netns(netns) if self.open.contains(netns) => match self.pump.sim().query(query)? {
                Answer::Netns(mut state) => {
                    if let Ok(Answer::Netns(real)) = self.kernel.query(query) {
                        state.volatile = real.volatile;
                    }
                    Ok(Answer::Netns(state))
                }
                other => Ok(other),
            },
            _ => self.pump.sim().query(query),
        }
    }

    /// Reads the state, in the same way.
    pub fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        let mut snapshot = self.pump.sim().observe(extent)?;
        let open: BTreeSet<NetnsName> = snapshot.netns.keys().filter(|n| self.open.contains(*n)).cloned().collect();
        if !open.is_empty() {
            let extent = Extent { netns: Some(open), ..Extent::default() };
            for (netns, real) in self.kernel.observe(&extent)?.netns {
                if let Some(state) = snapshot.netns.get_mut(&netns) {
                    state.volatile = real.volatile;
                }
            }
        }
        Ok(snapshot)
    }

    /// The simulation's present.
    pub fn now(&self) -> Instant {
        self.pump.now()
    }

    /// The TAP devices' descriptors, to wait for.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.pump.fds()
    }

    /// The namespaces that were given to programs.
    pub fn opened(&self) -> &BTreeSet<NetnsName> {
        &self.open
    }

    /// Executes ops in the simulation and, where programs live, in the kernel.
    pub fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        for (done, op) in ops.iter().enumerate() {
            self.refuse_moves(op).map_err(|fault| Failure { done, fault })?;
            self.pump.sim().execute(std::slice::from_ref(op)).map_err(|f| Failure { done, ..f })?;
            if let Op::SetSysctl { netns, key, .. } = op {
                self.settings.entry(netns.clone()).or_default().insert(key.clone());
            }
            let open = self.open.clone();
            self.repeat(op, &|netns| open.contains(netns)).map_err(|fault| Failure { done, fault })?;
        }
        Ok(())
    }

    fn refuse_moves(&mut self, op: &Op) -> Result<(), Fault> {
        let Op::SetLink { netns, name, change } = op else { return Ok(()) };
        let Some(target) = &change.netns else { return Ok(()) };
        if !self.open.contains(netns) && !self.open.contains(target) || self.pump.sim().can_plug(netns, *name) {
            return Ok(());
        }
        let what = format!("{netns}:{name} cannot be moved: programs have one of the two namespaces");
        Err(Fault::refused(Errno::EOPNOTSUPP, &what))
    }

    /// A wire's end was moved, perhaps renamed.
    fn moved(
        &mut self,
        from: &NetnsName,
        name: IfName,
        change: &LinkChange,
        concerns: &dyn Fn(&NetnsName) -> bool,
    ) -> Result<(), Fault> {
        let target = change.netns.as_ref().unwrap_or(from);
        if concerns(from) {
            // With the TAP device its addresses and routes go, as they do with any device that moves.
            self.pump.part(from, name);
        }
        if concerns(target) {
            let same = LinkChange { netns: None, rename: None, ..change.clone() };
            self.wire(target, change.rename.unwrap_or(name), same)?;
        }
        Ok(())
    }

    /// Does in the kernel what was done in the simulation, as far as it is about namespaces that `concerns` says.
    fn repeat(&mut self, op: &Op, concerns: &dyn Fn(&NetnsName) -> bool) -> Result<(), Fault> {
        match op {
            Op::AddLink(link) => {
                if let NewLink::Veth { peer } = &link.kind {
                    if concerns(&peer.netns) {
                        self.wire(&peer.netns, peer.name, LinkChange { mtu: peer.mtu, ..LinkChange::default() })?;
                    }
                    if concerns(&link.netns) {
                        let AddLink { netns, name, mtu, master, up, .. } = &**link;
                        let (mtu, master, up) = (*mtu, master.map(Some), up.then_some(true));
                        self.wire(netns, *name, LinkChange { mtu, master, up, ..LinkChange::default() })?;
                    }
                    return Ok(());
                }
            }
            Op::SetLink { netns, name, change } if change.netns.is_some() => {
                return self.moved(netns, *name, change, concerns);
            }
            Op::SetLink { netns, name, change } if concerns(netns) && change.rename.is_some() => {
                self.kernel.execute(std::slice::from_ref(op)).map_err(|failure| failure.fault)?;
                self.pump.rename(netns, *name, change.rename.unwrap_or(*name));
                return Ok(());
            }
            // The wire is the simulator's.
            Op::SetImpairment { .. } | Op::SetQueue { .. } => return Ok(()),
            Op::DelLink { netns, name } if concerns(netns) && self.pump.part(netns, *name) => return Ok(()),
            Op::DelNetns { netns } if concerns(netns) => {
                self.open.remove(netns);
                self.pump.part_all(netns);
            }
            _ => {}
        }
        if !concerns(op.netns()) {
            return Ok(());
        }
        self.kernel.execute(std::slice::from_ref(op)).map_err(|failure| failure.fault)
    }

    /// An end of a simulated wire becomes a TAP device.
    fn wire(&mut self, netns: &NetnsName, name: IfName, change: LinkChange) -> Result<(), Fault> {
        let inside = self.kernel.netns(netns).ok_or(Fault::errno(Errno::ENOENT))?;
        let tap = self.kernel.worker().run_in(inside, || Tap::open(name))??;
        let mac = self.mac(netns, name);
        // Up comes last: what is sent then has the right address already.
        let (set, up) = (LinkChange { mac, up: None, ..change.clone() }, change.up);
        let op = |change| Op::SetLink { netns: netns.clone(), name, change: Box::new(change) };
        let mut ops = vec![op(set)];
        ops.extend(up.map(|up| op(LinkChange { up: Some(up), ..LinkChange::default() })));
        self.kernel.execute(&ops).map_err(|failure| failure.fault)?;
        match self.pump.join(netns, name, tap) {
            // It was made and is gone again: history tells both.
            Err(Fault::Refused { errno: Errno::ENODEV, .. }) => Ok(()),
            joined => joined,
        }
    }

    fn mac(&mut self, netns: &NetnsName, name: IfName) -> Option<Mac> {
        match self.pump.sim().query(&Query::Netns(netns.clone())) {
            Ok(Answer::Netns(state)) => state.derived.links.get(&name).map(|link| link.mac),
            _ => None,
        }
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        // A namespace is torn down faster when its devices are gone already.
        let open = std::mem::take(&mut self.open);
        open.iter().for_each(|netns| self.pump.part_all(netns));
    }
}

fn explained(op: &Op, fault: Fault) -> Fault {
    match fault {
        Fault::Refused { errno, message } => {
            let why = message.map_or_else(|| errno.to_string(), |m| format!("{m} ({errno})"));
            Fault::Broken(format!("this kernel refuses what the simulator took: {op}: {why}"))
        }
        other => other,
    }
}
