//! The workloads that run, by number: starting, waking and stopping them.
//!
//! A workload's state lies in [`World::probes`], so that a stage that receives something for it can reach it. Whoever runs
//! one takes it out of the table, works with `&mut Netns` and `&mut World`, and puts it back.

mod ear;
mod packets;
mod run;

pub(crate) use ear::{Ear, Reply, arp_heard, datagram_heard, error_heard, link_down, reply_heard};

use crate::dev::{Dev, Tap, upper};
use crate::netns::NsId;
use crate::sim::Sim;
use crate::world::World;
use nettwin_model::probe::workload::Input;
use nettwin_model::probe::{Capture, Frames, Outcome, Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::socket::{self, Call};
use nettwin_model::{Errno, Fault};
use std::collections::{BTreeMap, VecDeque};

/// All running workloads.
#[derive(Default)]
pub(crate) struct Probes {
    last: u64,
    running: BTreeMap<u64, Running>,
    /// What has happened to workloads and waits until the work list is empty.
    inbox: VecDeque<(ProbeId, Input)>,
}

/// A running workload, with its namespace.
pub(crate) struct Running {
    /// Where it runs.
    pub(crate) ns: NsId,
    /// What it does.
    pub(crate) work: Work,
}

/// The kinds of workloads.
pub(crate) enum Work {
    /// A capture: its taps are on the device.
    Capture,
    /// A flow or a server: its state is with its namespace's sockets.
    Sock,
    /// A socket in a user's hands: its state is with its namespace's sockets.
    User,
    /// A ping, an arping or a traceroute.
    Machine(Box<run::Machine>),
}

impl Probes {
    /// Something happened to a workload; it hears of it when the work list is empty.
    pub(crate) fn tell(&mut self, id: ProbeId, input: Input) {
        self.inbox.push_back((id, input));
    }

    /// A number for a new workload.
    pub(crate) fn next_id(&mut self) -> ProbeId {
        self.last += 1;
        ProbeId(self.last)
    }

    /// Enters a workload, new or taken out before.
    pub(crate) fn put(&mut self, id: ProbeId, running: Running) {
        self.running.insert(id.0, running);
    }

    /// Takes a workload out.
    pub(crate) fn take(&mut self, id: ProbeId) -> Option<Running> {
        self.running.remove(&id.0)
    }

    /// The numbers of the workloads of a namespace, in order.
    pub(crate) fn of(&self, ns: NsId) -> Vec<ProbeId> {
        self.running.iter().filter(|(_, r)| r.ns == ns).map(|(&id, _)| ProbeId(id)).collect()
    }
}

/// Starts a workload. What it reports at once is in the outbox when this returns.
pub(crate) fn start(sim: &mut Sim, probe: &Probe) -> Result<ProbeId, Fault> {
    let ns = sim.netns.id(probe.netns()).ok_or_else(|| Fault::errno(Errno::ENOENT))?;
    match probe {
        Probe::Capture(capture) => start_capture(sim, ns, capture),
        Probe::Frames(frames) => send_frames(sim, ns, frames),
        Probe::Tcp(_) | Probe::Udp(_) | Probe::Listen(_) => {
            let id = sim.world.probes.next_id();
            sim.world.probes.put(id, Running { ns, work: Work::Sock });
            crate::sock::start(sim, ns, id, probe);
            Ok(id)
        }
        Probe::Ping(_) | Probe::Arping(_) | Probe::Trace(_) => run::start(sim, ns, probe),
    }
}

/// A socket call.
pub(crate) fn socket(sim: &mut Sim, call: &Call) -> Result<socket::Reply, Errno> {
    let ns = match call {
        Call::Connect { netns, .. } | Call::Listen { netns, .. } | Call::Bind { netns, .. } => {
            sim.netns.id(netns).ok_or(Errno::ENOENT)?
        }
        Call::Connected(id)
        | Call::Accept(id)
        | Call::Send(id, _)
        | Call::Recv(id, _)
        | Call::SendTo(id, ..)
        | Call::RecvFrom(id)
        | Call::Shutdown(id)
        | Call::Close(id)
        | Call::Abort(id)
        | Call::Names(id)
        | Call::Join(id, ..)
        | Call::Leave(id, ..) => match sim.world.probes.running.get(&id.0) {
            Some(Running { ns, work: Work::User }) => *ns,
            _ => return Err(Errno::EBADF),
        },
    };
    let fresh = ProbeId(sim.world.probes.last + 1);
    let netns = sim.netns.by_id_mut(ns).ok_or(Errno::EBADF)?;
    let reply = crate::sock::call(netns, &mut sim.world, call, fresh)?;
    match (&reply, call) {
        (socket::Reply::Opened(_) | socket::Reply::Accepted(..), _) => {
            sim.world.probes.last = fresh.0;
            sim.world.probes.put(fresh, Running { ns, work: Work::User });
        }
        (_, Call::Close(id) | Call::Abort(id)) => drop(sim.world.probes.take(*id)),
        _ => {}
    }
    Ok(reply)
}

/// Wakes a workload that asked for it ([`Event::Probe`](crate::event::Event::Probe)).
pub(crate) fn timer(sim: &mut Sim, id: ProbeId) {
    let Some(mut running) = sim.world.probes.take(id) else { return };
    let due = match &mut running.work {
        Work::Capture | Work::Sock | Work::User => false,
        Work::Machine(machine) => machine.is_due(&sim.world),
    };
    sim.world.probes.put(id, running);
    if due {
        run::step(sim, id, Input::Timer);
    }
}

/// Tells one workload what happened to it. `false` if there is nothing to tell.
pub(crate) fn hear(sim: &mut Sim) -> bool {
    let Some((id, input)) = sim.world.probes.inbox.pop_front() else { return false };
    run::step(sim, id, input);
    true
}

/// Stops a workload.
pub(crate) fn stop(sim: &mut Sim, id: ProbeId, how: Stop) {
    let Some(running) = sim.world.probes.take(id) else { return };
    match running.work {
        Work::Sock => match sim.netns.by_id_mut(running.ns) {
            Some(ns) => crate::sock::stop(ns, &mut sim.world, id, how),
            None => finish(&mut sim.world, id, Outcome::Stopped),
        },
        Work::User => {
            let end = if how == Stop::Kill { Call::Abort(id) } else { Call::Close(id) };
            if let Some(ns) = sim.netns.by_id_mut(running.ns) {
                // It is there, and closing cannot fail.
                let _ = crate::sock::call(ns, &mut sim.world, &end, id);
            }
            finish(&mut sim.world, id, Outcome::Stopped);
        }
        Work::Machine(_) => {
            sim.world.probes.put(id, running);
            run::step(sim, id, Input::Stop(how));
        }
        Work::Capture => {
            let all = sim.netns.by_id(running.ns).map(|ns| ns.devs.indexes()).unwrap_or_default();
            for index in all {
                if let Some(dev) = sim.netns.by_id_mut(running.ns).and_then(|ns| ns.dev_mut(index)) {
                    dev.remove_taps(id);
                }
                upper::tell_below(&mut sim.netns, (running.ns, index));
            }
            finish(&mut sim.world, id, Outcome::Stopped);
        }
    }
}

/// Reports a workload's end; it is out of the table already.
pub(crate) fn finish(w: &mut World, id: ProbeId, outcome: Outcome) {
    w.report(id, ProbeEvent::Done(outcome));
}

fn start_capture(sim: &mut Sim, ns: NsId, capture: &Capture) -> Result<ProbeId, Fault> {
    let id = sim.world.probes.next_id();
    let enodev = || Fault::errno(Errno::ENODEV);
    let netns = sim.netns.by_id_mut(ns).ok_or_else(enodev)?;
    let dev = netns.devs.by_name(capture.dev).and_then(|d| netns.dev_mut(d)).ok_or_else(enodev)?;
    dev.add_tap(Tap::Probe { id, snap_len: capture.snap_len, promiscuous: capture.promiscuous });
    let index = dev.ifindex;
    upper::tell_below(&mut sim.netns, (ns, index));
    sim.world.probes.put(id, Running { ns, work: Work::Capture });
    sim.world.report(id, ProbeEvent::Started { source: None });
    Ok(id)
}

/// Sends them all: each goes its whole way before the next.
fn send_frames(sim: &mut Sim, ns: NsId, probe: &Frames) -> Result<ProbeId, Fault> {
    let id = sim.world.probes.next_id();
    let enodev = || Fault::errno(Errno::ENODEV);
    let dev = sim.netns.by_id(ns).and_then(|ns| ns.devs.by_name(probe.dev)).ok_or_else(enodev)?;
    sim.world.report(id, ProbeEvent::Started { source: None });
    for (seq, bytes) in (1..).zip(&probe.frames) {
        let netns = sim.netns.by_id_mut(ns).ok_or_else(enodev)?;
        if let Err(errno) = packets::raw(netns, &mut sim.world, dev, bytes) {
            sim.world.report(id, ProbeEvent::SendFailed { seq, errno, mtu: None });
        }
        sim.drain();
    }
    finish(&mut sim.world, id, Outcome::Stopped);
    Ok(id)
}

/// A device is gone: who captured on it ends.
pub(crate) fn device_gone(w: &mut World, dev: &Dev) {
    for tap in dev.taps.iter() {
        if let Tap::Probe { id, .. } = *tap
            && w.probes.take(id).is_some()
        {
            finish(w, id, Outcome::Stopped);
        }
    }
}

/// A namespace goes: its workloads end.
pub(crate) fn netns_gone(sim: &mut Sim, ns: NsId) {
    for id in sim.world.probes.of(ns) {
        stop(sim, id, Stop::Kill);
    }
}
