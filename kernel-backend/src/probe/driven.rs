//! A workload of the model on its socket: carries out what it says and tells it what happened.
//!
//! Kernel counterpart: the I/O half of ping, arping and traceroute. Deliberately absent: decisions.

use super::{Begin, Clock, Outbox, Task};
use nettwin_model::probe::workload::{Act, Input, Workload};
use nettwin_model::probe::{ProbeEvent, Stop, WakeAt};
use nettwin_model::{Errno, Instant};
use rustix::event::PollFd;
use std::fmt::Debug;
use std::net::Ipv4Addr;

/// The socket side of a workload.
pub(super) trait Port: Debug {
    /// Sends what the act says.
    fn send(&mut self, act: &Act, clock: Clock) -> Result<(), Unsent>;
    /// Reads all that came in.
    fn read(&mut self, clock: Clock, inputs: &mut Vec<(Instant, Input)>);
    /// Adds the descriptors to wait for.
    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>);
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsent {
    pub(super) seq: u16,
    pub(super) errno: Errno,
    pub(super) mtu: Option<u32>,
}

/// The workload begins, with the source address that its socket has.
pub(super) fn begin<W, P>(run: W, port: P, source: Ipv4Addr) -> Begin
where
    W: Workload + Debug + Send + 'static,
    P: Port + Send + 'static,
{
    Box::new(move |clock, out| {
        let mut task = Driven { run, port };
        let over = task.feed(clock.now(), Input::Opened { source }, clock, out);
        (!over).then(|| Box::new(task) as Box<dyn Task>)
    })
}

#[derive(Debug)]
struct Driven<W, P> {
    run: W,
    port: P,
}

impl<W: Workload, P: Port> Driven<W, P> {
    /// Returns whether it is over.
    fn feed(&mut self, at: Instant, input: Input, clock: Clock, out: &mut Outbox) -> bool {
        for act in self.run.step(at, input) {
            match act {
                Act::Report(event) => out.push((at, event)),
                Act::Finish(outcome) => {
                    out.push((at, ProbeEvent::Done(outcome)));
                    return true;
                }
                Act::Echo { .. } | Act::Datagram { .. } | Act::Arp { .. } => {
                    if let Err(Unsent { seq, errno, mtu }) = self.port.send(&act, clock)
                        && self.feed(at, Input::SendFailed { seq, errno, mtu }, clock, out)
                    {
                        return true;
                    }
                }
            }
        }
        false
    }
}

impl<W: Workload + Debug, P: Port> Task for Driven<W, P> {
    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        self.port.watch(fds);
    }

    fn wake_at(&self) -> WakeAt {
        self.run.wake_at()
    }

    fn read(&mut self, clock: Clock, out: &mut Outbox) {
        let mut inputs = Vec::new();
        self.port.read(clock, &mut inputs);
        for (at, input) in inputs {
            if self.feed(at, input, clock, out) {
                return;
            }
        }
    }

    fn timer(&mut self, clock: Clock, out: &mut Outbox) {
        self.feed(clock.now(), Input::Timer, clock, out);
    }

    fn stop(&mut self, how: Stop, clock: Clock, out: &mut Outbox) {
        self.feed(clock.now(), Input::Stop(how), clock, out);
    }
}
