//! Simulated interfaces joined to TAP devices: frames go between them while virtual time keeps pace with the wall's.
//!
//! Kernel counterpart: the wire. An interface that is joined is played by whoever has the TAP device: what it would
//! receive comes out there, and what is sent there it sends. Deliberately absent: how the device is set up.

use crate::kernel::script::{any_readable, wait_readable};
use crate::kernel::tap::Tap;
use crate::model::probe::{ProbeEvent, ProbeId};
use crate::model::{Backend, Errno, Fault, IfName, Instant, NetnsName};
use crate::sim::{Plug, Sim};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A simulation that runs by the wall's clock, and the TAP devices that it is joined to.
pub struct Pump {
    sim: Sim,
    joints: Vec<Joint>,
    /// This instant of the simulation was that of the wall.
    began: (Instant, std::time::Instant),
    /// What workloads told, until it is taken.
    events: Vec<(Instant, ProbeId, ProbeEvent)>,
    /// How many frames went in and out.
    passed: (u64, u64),
    buffer: Vec<u8>,
}

struct Joint {
    netns: NetnsName,
    dev: IfName,
    plug: Plug,
    tap: Tap,
}

impl Pump {
    /// From now on the simulation's time keeps pace with the wall's.
    pub fn new(sim: Sim) -> Self {
        let began = (sim.now(), std::time::Instant::now());
        Pump { sim, joints: Vec::new(), began, events: Vec::new(), passed: (0, 0), buffer: vec![0; LONGEST] }
    }

    /// The simulation.
    pub fn sim(&mut self) -> &mut Sim {
        &mut self.sim
    }

    /// The simulation's present.
    pub fn now(&self) -> Instant {
        self.sim.now()
    }

    /// Joins an end of a simulated wire, or a simulated TAP device, to a TAP device. ENODEV if there is no such thing.
    pub fn join(&mut self, netns: &NetnsName, dev: IfName, tap: Tap) -> Result<(), Fault> {
        let plug = self.sim.plug(netns, dev).ok_or(Fault::errno(Errno::ENODEV))?;
        self.joints.push(Joint { netns: netns.clone(), dev, plug, tap });
        Ok(())
    }

    /// Parts a wire's end from its TAP device, which is gone then. `false` if it has none.
    pub fn part(&mut self, netns: &NetnsName, dev: IfName) -> bool {
        let gone: Vec<Joint> = self.joints.extract_if(.., |j| j.netns == *netns && j.dev == dev).collect();
        gone.iter().for_each(|joint| self.sim.unplug(joint.plug));
        !gone.is_empty()
    }

    /// An end was renamed, and its TAP device with it.
    pub fn rename(&mut self, netns: &NetnsName, from: IfName, to: IfName) {
        let joints = self.joints.iter_mut().filter(|joint| joint.netns == *netns && joint.dev == from);
        joints.for_each(|joint| joint.dev = to);
    }

    /// Parts all ends of a namespace.
    pub fn part_all(&mut self, netns: &NetnsName) {
        let gone: Vec<Joint> = self.joints.extract_if(.., |joint| joint.netns == *netns).collect();
        gone.iter().for_each(|joint| self.sim.unplug(joint.plug));
    }

    /// Frames that came from TAP devices, and that went to them.
    pub fn passed(&self) -> (u64, u64) {
        self.passed
    }

    /// What workloads of the simulation told since the last time.
    pub fn take_events(&mut self) -> Vec<(Instant, ProbeId, ProbeEvent)> {
        std::mem::take(&mut self.events)
    }

    /// Lets time pass until `deadline`, or until one of `others` can be read; whichever is first.
    pub fn run(&mut self, deadline: Option<std::time::Instant>, others: &[BorrowedFd<'_>]) -> io::Result<()> {
        loop {
            self.catch_up()?;
            let now = std::time::Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(());
            }
            let mut wait = deadline.map_or(LONGEST_SLEEP, |deadline| deadline - now).min(LONGEST_SLEEP);
            if let Some(next) = self.sim.idle_until() {
                wait = wait.min(next.since(self.present()));
            }
            let taps = self.joints.iter().map(|joint| joint.tap.as_fd());
            let fds: Vec<BorrowedFd<'_>> = taps.chain(others.iter().copied()).collect();
            wait_readable(&fds, wait)?;
            self.catch_up()?;
            self.take_in()?;
            if !others.is_empty() && any_readable(others)? {
                return self.catch_up();
            }
        }
    }

    /// What TAP devices sent goes into the simulation, and what is for them comes out, at the simulation's present; for
    /// whoever lets time pass by himself.
    pub fn exchange(&mut self) -> io::Result<()> {
        self.hand_out()?;
        self.take_in()
    }

    /// The TAP devices' descriptors, to wait for.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.joints.iter().map(|joint| joint.tap.as_fd())
    }

    /// The wall's present, on the simulation's clock.
    pub fn present(&self) -> Instant {
        self.began.0 + self.began.1.elapsed()
    }

    /// Does all that is due by now, and hands out what that sends.
    fn catch_up(&mut self) -> io::Result<()> {
        let present = self.present();
        while let Some(event) = self.sim.advance(present) {
            self.events.push(event);
        }
        self.hand_out()
    }

    fn hand_out(&mut self) -> io::Result<()> {
        for joint in &self.joints {
            for frame in self.sim.take_frames(joint.plug) {
                self.passed.1 += u64::from(joint.tap.write(&frame)?);
            }
        }
        Ok(())
    }

    /// Takes what TAP devices sent, a fair share of each.
    fn take_in(&mut self) -> io::Result<()> {
        for joint in &self.joints {
            for _ in 0..SHARE {
                let Some(len) = joint.tap.read(&mut self.buffer)? else { break };
                self.passed.0 += 1;
                self.sim.feed(&joint.netns, joint.dev, &self.buffer[..len]);
            }
        }
        self.hand_out()
    }
}

/// The longest frame: a TAP device's MTU is at most 65521 bytes.
const LONGEST: usize = 1 << 16;
/// As many frames are taken from one device before the next has its turn.
const SHARE: usize = 64;
/// Nothing waits longer than this in one go.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
