//! Real programs in a simulated network: a namespace of the kernel's whose wires end in the simulation.
//!
//! A namespace that is given to programs exists twice: in the kernel, where its programs, its addresses, routes, neighbours
//! and sockets are, and in the simulation, where its wires are. Each end of a simulated wire there is a TAP device of the
//! same name, MAC and MTU in the kernel. Whatever is executed goes to both, so the kernel's side follows the simulated one;
//! what programs change by themselves stays theirs. Deliberately absent: impairments on the kernel's side (the simulated
//! wire has them), and moving or renaming a wire's end while programs have it, which is refused.

use crate::kernel::enter::Door;
use crate::kernel::tap::Tap;
use crate::kernel::{KernelBackend, Options};
use crate::model::op::{AddLink, NewLink};
use crate::model::{Answer, Backend, Errno, Failure, Fault, IfName, LinkChange, Mac, NetnsName, Op, Query};
use crate::sim::Sim;
use crate::tap::Pump;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;

/// A simulation with namespaces that real programs run in.
pub struct Programs {
    pump: Pump,
    kernel: KernelBackend,
    open: BTreeSet<NetnsName>,
    /// All that was executed, for a namespace that is opened later.
    history: Vec<Op>,
}

impl Programs {
    /// An empty simulation; its time keeps pace with the wall's from now on. Takes the right to make namespaces.
    pub fn new(seed: u64) -> Result<Self, Fault> {
        let kernel = KernelBackend::new(Options::default())?;
        Ok(Programs { pump: Pump::new(Sim::new(seed)), kernel, open: BTreeSet::new(), history: Vec::new() })
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
        let history = self.history.clone();
        let born = history.iter().rposition(|op| matches!(op, Op::AddNetns { netns: n } if n == netns)).unwrap_or(0);
        for op in &history[born..] {
            self.repeat(op, &|n| n == netns).map_err(|fault| explained(op, fault))?;
        }
        self.kernel.settle().map(drop)
    }

    /// A program, ready to be started in an open namespace; it dies with this process. ENOENT if it is not open.
    pub fn command(&self, netns: &NetnsName, program: &OsStr) -> Result<Command, Fault> {
        let inside = self.kernel.netns(netns).ok_or(Fault::errno(Errno::ENOENT))?;
        Ok(Door::to(inside)?.command(program))
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
            self.history.push(op.clone());
            let open = self.open.clone();
            self.repeat(op, &|netns| open.contains(netns)).map_err(|fault| Failure { done, fault })?;
        }
        Ok(())
    }

    fn refuse_moves(&self, op: &Op) -> Result<(), Fault> {
        let Op::SetLink { netns, name, change } = op else { return Ok(()) };
        let moves = change.netns.is_some() || change.rename.is_some();
        if moves && self.open.contains(netns) {
            let what = format!("{netns}:{name} belongs to programs and cannot be moved or renamed");
            return Err(Fault::refused(Errno::EBUSY, &what));
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
            // The wire is the simulator's.
            Op::SetImpairment { .. } => return Ok(()),
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
