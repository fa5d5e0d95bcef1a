//! A run's machine: the simulator in virtual time, or by the wall's clock with real programs in its namespaces.
//!
//! Deliberately absent: deciding which program is real; the server does.

use super::noted::{Command, Note, Noted};
use nettwin::model::probe::{Probe, ProbeEvent, ProbeId, Stop};
use nettwin::model::socket::{Call, Reply};
use nettwin::model::{Answer, Backend, Extent, Failure, Fault, Instant, NetnsName, Op, Query, Snapshot};
#[cfg(all(feature = "tap", target_os = "linux"))]
use nettwin::programs::Programs;
use nettwin::sim::Sim;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// The machine, and whether it was told anything.
pub(crate) struct Told {
    world: World,
    /// Something was executed since the last look.
    pub(crate) executed: bool,
    /// A setting was.
    pub(crate) settings: bool,
    /// The namespaces that processes made for themselves.
    unshared: Vec<NetnsName>,
}

enum World {
    Virtual(Box<Noted>),
    #[cfg(all(feature = "tap", target_os = "linux"))]
    Real(Box<Programs>),
}

impl Told {
    /// A simulated machine.
    pub(crate) fn of(machine: Noted) -> Self {
        Told { world: World::Virtual(Box::new(machine)), executed: false, settings: false, unshared: Vec::new() }
    }

    /// What processes made for themselves goes with them.
    pub(crate) fn sweep(&mut self, lives: impl Fn(u32) -> bool) {
        if self.unshared.is_empty() {
            return;
        }
        let is_left = |netns: &NetnsName| netns.process().is_some_and(&lives);
        let (left, gone) = std::mem::take(&mut self.unshared).into_iter().partition(is_left);
        self.unshared = left;
        for netns in gone {
            // That somebody else removed it is no matter.
            let _: Result<(), Failure> = self.execute(&[Op::DelNetns { netns }]);
        }
    }

    /// It is the turn of this command, or of none; and what it did, for the notes if there are any.
    pub(crate) fn turn_of(&mut self, call: Option<&super::wire::Call>) {
        if let World::Virtual(machine) = &mut self.world {
            machine.turn_of(|| match call {
                Some(call) => Command { netns: call.netns.clone(), words: call.words.clone(), line: None },
                None => Command::none(),
            });
        }
    }

    /// It did this.
    pub(crate) fn note(&mut self, note: impl FnOnce() -> Note) {
        if let World::Virtual(machine) = &mut self.world {
            machine.note(note);
        }
    }

    /// The machine with its notes, when all is over.
    pub(crate) fn into_noted(self) -> Option<Noted> {
        match self.world {
            World::Virtual(machine) => Some(*machine),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(_) => None,
        }
    }

    /// The same, with real programs.
    #[cfg(all(feature = "tap", target_os = "linux"))]
    pub(crate) fn with_programs(seed: u64) -> Result<Self, Fault> {
        let mut programs = Programs::new(seed)?;
        programs.execute(&super::host_ops()).map_err(|failure| failure.fault)?;
        Ok(Told { world: World::Real(Box::new(programs)), executed: false, settings: false, unshared: Vec::new() })
    }

    /// Real programs cannot be had here.
    #[cfg(not(all(feature = "tap", target_os = "linux")))]
    pub(crate) fn with_programs(_: u64) -> Result<Self, Fault> {
        Err(Fault::Missing {
            capability: "real programs in a simulated network".into(),
            remedy: "use Linux, and nettwin built with the feature `tap`".into(),
        })
    }

    /// Whether real programs may run, and the clock is the wall's.
    pub(crate) fn is_real(&self) -> bool {
        !matches!(self.world, World::Virtual(_))
    }

    /// Whether a namespace is the kernel's, too.
    pub(crate) fn has_programs(&self, netns: &NetnsName) -> bool {
        let _ = netns;
        match &self.world {
            World::Virtual(_) => false,
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.opened().contains(netns),
        }
    }

    /// Gives a namespace to programs, and the way into it.
    pub(crate) fn open(&mut self, netns: &NetnsName) -> Result<OwnedFd, Fault> {
        let _ = netns;
        match &mut self.world {
            World::Virtual(_) => Err(Fault::Broken("no real programs run here".into())),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => {
                programs.open(netns)?;
                let inside = programs.inside(netns).ok_or(Fault::errno(nettwin::model::Errno::ENOENT))?;
                inside.try_clone_to_owned().map_err(|e| Fault::Broken(format!("a descriptor: {e}")))
            }
        }
    }

    /// The wall's present; in virtual time the simulator's own.
    pub(crate) fn present(&mut self) -> Instant {
        match &mut self.world {
            World::Virtual(sim) => sim.now(),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.pump().present(),
        }
    }

    /// Frames go to real programs and come from them.
    pub(crate) fn exchange(&mut self) -> io::Result<()> {
        match &mut self.world {
            World::Virtual(_) => Ok(()),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.pump().exchange(),
        }
    }

    /// What to wait for besides.
    pub(crate) fn fds(&self) -> Vec<BorrowedFd<'_>> {
        match &self.world {
            World::Virtual(_) => Vec::new(),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.fds().collect(),
        }
    }

    fn sim(&mut self) -> &mut Sim {
        match &mut self.world {
            World::Virtual(machine) => &mut machine.sim,
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.pump().sim(),
        }
    }
}

impl Backend for Told {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        self.executed = true;
        let made = |op: &Op| match op {
            Op::AddNetns { netns } => netns.process().map(|_| netns.clone()),
            _ => None,
        };
        self.unshared.extend(ops.iter().filter_map(made));
        self.settings |= ops.iter().any(|op| matches!(op, Op::SetSysctl { .. }));
        match &mut self.world {
            World::Virtual(sim) => sim.execute(ops),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.execute(ops),
        }
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        match &mut self.world {
            World::Virtual(sim) => sim.query(query),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.query(query),
        }
    }

    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        match &mut self.world {
            World::Virtual(sim) => sim.observe(extent),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.observe(extent),
        }
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        self.sim().start(probe)
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        self.sim().stop(id, how);
    }

    fn socket(&mut self, call: &Call) -> Result<Reply, Fault> {
        self.sim().socket(call)
    }

    fn now(&self) -> Instant {
        match &self.world {
            World::Virtual(sim) => sim.now(),
            #[cfg(all(feature = "tap", target_os = "linux"))]
            World::Real(programs) => programs.now(),
        }
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        self.sim().advance(until)
    }
}
