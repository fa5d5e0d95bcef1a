//! The machine: what executes, answers, and lets virtual time pass.
//!
//! Kernel counterpart: all of it. Deliberately absent: any clock. Time moves only in
//! [`advance`](Backend::advance), from event to event; between two events, and after every op, the work list is empty.

use crate::dev::{bond, bridge, mcast, stp, upper};
use crate::drop::DropReason;
use crate::event::Event;
use crate::netns::{Ifindex, NetnsTable, NsId};
use crate::trace::{DropCount, TraceRecord};
use crate::world::World;
use crate::{execute, l3, neigh, observe, path, probe, qdisc, query, sock};
use nettwin_model::probe::{Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Answer, Backend, Extent, Failure, Fault, IfName, Instant, NetnsName, Op, Query, Snapshot};
use std::collections::BTreeMap;

/// A simulation: namespaces, devices, and what is on its way among them.
pub struct Sim {
    pub(crate) netns: NetnsTable,
    pub(crate) world: World,
}

impl Sim {
    /// An empty machine. The same seed and the same calls give the same frames at the same instants.
    pub fn new(seed: u64) -> Self {
        Sim { netns: NetnsTable::default(), world: World::new(seed) }
    }

    /// Records what happens to each frame from now on, or no longer.
    pub fn trace(&mut self, enable: bool) {
        self.world.trace.enable(enable);
        // The straight way looks again: it keeps away from what is recorded.
        self.netns.iter_mut().for_each(drop);
    }

    /// Takes the records made since the last time.
    pub fn take_trace(&mut self) -> Vec<TraceRecord> {
        self.world.trace.take()
    }

    /// A hash over every frame received or dropped so far: when, where, its length and its last bytes.
    pub fn trace_hash(&self) -> u64 {
        self.world.trace.hash()
    }

    /// How many frames ended for each reason.
    pub fn drops(&self) -> Vec<(DropReason, u64)> {
        let mut by_reason = BTreeMap::new();
        for ((reason, ..), n) in self.world.trace.drops.sorted() {
            *by_reason.entry(reason).or_insert(0) += n;
        }
        by_reason.into_iter().collect()
    }

    /// How many frames ended where, for each reason. A namespace that is gone is left out; a device that is gone, or was
    /// never chosen, has no name.
    pub fn drops_by_place(&self) -> Vec<DropCount> {
        let count = |((reason, ns, dev), count): ((DropReason, NsId, Ifindex), u64)| {
            let ns = self.netns.by_id(ns)?;
            Some(DropCount { reason, netns: ns.name.clone(), dev: ns.dev(dev).map(|d| d.name), count })
        };
        self.world.trace.drops.sorted().into_iter().filter_map(count).collect()
    }

    /// How many events were ever scheduled.
    pub fn events_scheduled(&self) -> u64 {
        self.world.wheel.scheduled()
    }

    /// How many frames are on their way or waiting.
    pub fn frames_live(&self) -> usize {
        self.world.frames.live()
    }

    /// Begins to record an interface in pcapng. `None` if there is no such interface.
    pub fn record(&mut self, netns: &NetnsName, dev: IfName) -> Option<Recording> {
        let ns = self.netns.by_name_mut(netns)?;
        let index = ns.devs.by_name(dev)?;
        let tap = self.world.recordings.begin(netns.as_str(), dev.as_str());
        ns.dev_mut(index)?.taps.push(tap);
        Some(Recording(tap))
    }

    /// Takes the bytes recorded since the last time: a whole file the first time, its continuation later.
    pub fn take_recording(&mut self, recording: Recording) -> Vec<u8> {
        self.world.recordings.take(recording.0)
    }

    /// Does all that is to be done at this instant.
    pub(crate) fn drain(&mut self) {
        self.world.ring.refill();
        self.go_on();
    }

    /// The same, of what was begun at this instant.
    #[inline]
    pub(crate) fn go_on(&mut self) {
        loop {
            path::drain(&mut self.netns, &mut self.world);
            if upper::hear(&mut self.netns, &mut self.world) || self.world.do_later() {
                continue;
            }
            // Processes wake when the work of the wire is done.
            if !probe::hear(self) {
                return;
            }
            self.world.disturb();
        }
    }

    fn happen(&mut self, event: Event) {
        let w = &mut self.world;
        match event {
            Event::Qdisc { ns, dev } => {
                if let Some(ns) = self.netns.quiet_mut(ns) {
                    qdisc::timer(ns, w, dev);
                }
            }
            Event::BridgeAge { ns, dev } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    bridge::age(ns, w, dev);
                }
            }
            Event::Stp { ns, dev, timer } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    stp::timer(ns, w, dev, timer);
                }
            }
            Event::Mcast { ns, dev } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    mcast::timer(ns, w, dev);
                }
            }
            Event::Bond { ns, dev } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    bond::timer(ns, w, dev);
                }
            }
            Event::Igmp { ns, dev } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    l3::igmp_timer(ns, w, dev);
                }
            }
            Event::Neigh { ns, dev, addr } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    l3::neigh_timer(ns, w, dev, addr);
                }
            }
            Event::Sweep => neigh::gc::sweep(&mut self.netns, w),
            Event::Managed { ns, dev, addr } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    l3::neigh_managed(ns, w, dev, addr);
                }
            }
            Event::ProxyArp { ns, dev, frame } => match self.netns.by_id_mut(ns) {
                Some(ns) => l3::proxy_timer(ns, w, dev, frame),
                None => w.frames.release(frame),
            },
            Event::Lifetimes { ns } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    l3::lifetimes(ns, w);
                }
            }
            Event::Ip { ns, key } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    l3::ip_timer(ns, w, key);
                }
            }
            Event::Sock { ns, .. } => {
                if let Some(ns) = self.netns.by_id_mut(ns) {
                    sock::timer(ns, w);
                }
            }
            Event::Probe { id } => {
                w.disturb();
                probe::timer(self, ProbeId(id));
            }
        }
        self.drain();
    }
}

/// A recording that [`Sim::record`] began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording(pub(crate) crate::dev::Tap);

impl Backend for Sim {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        for (done, op) in ops.iter().enumerate() {
            self.world.disturb();
            let result = execute::execute(self, op);
            self.drain();
            result.map_err(|fault| Failure { done, fault })?;
        }
        Ok(())
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        query::query(self, query)
    }

    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        Ok(observe::observe(self, extent))
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        self.world.disturb();
        let id = probe::start(self, &probe);
        self.drain();
        id
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        self.world.disturb();
        probe::stop(self, id, how);
        self.drain();
    }

    fn socket(&mut self, call: &Call) -> Result<Reply, Fault> {
        self.world.disturb();
        let reply = probe::socket(self, call);
        self.drain();
        reply.map_err(Fault::errno)
    }

    fn now(&self) -> Instant {
        self.world.now
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        let until = until.max(self.world.now);
        loop {
            if let Some(report) = self.world.outbox.pop_front() {
                return Some(report);
            }
            let Some((at, event)) = self.world.wheel.pop(until) else {
                // "Until nothing is left" ends where the last event was, not at the end of time.
                if until != Instant::FAR {
                    self.world.now = until;
                }
                return None;
            };
            self.world.now = at;
            self.happen(event);
        }
    }
}
