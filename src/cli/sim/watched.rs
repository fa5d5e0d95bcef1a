//! A simulation under observation: whatever it is told to do, and whatever happens in it, is told on.
//!
//! Deliberately absent: what becomes of the news; the [`Tape`] hands them to whoever asked for them.

use super::tape::Tape;
use nettwin::model::probe::{Probe, ProbeEvent, ProbeId, Stop};
use nettwin::model::{Answer, Backend, Extent, Failure, Fault, Instant, Op, Query, Snapshot};
use nettwin::sim::Sim;
use std::cell::RefCell;

/// The simulation, and who listens.
pub(super) struct Watched<'a, 't> {
    pub(super) sim: Sim,
    tape: &'a RefCell<Tape<'t>>,
}

impl<'a, 't> Watched<'a, 't> {
    pub(super) fn new(mut sim: Sim, tape: &'a RefCell<Tape<'t>>) -> Self {
        sim.trace(tape.borrow().wants_frames());
        Watched { sim, tape }
    }

    fn pass_on_frames(&mut self) {
        let records = self.sim.take_trace();
        if !records.is_empty() {
            self.tape.borrow_mut().frames(&records);
        }
    }
}

impl Backend for Watched<'_, '_> {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        if !self.tape.borrow().wants_ops() {
            return self.sim.execute(ops);
        }
        for (done, op) in ops.iter().enumerate() {
            self.tape.borrow_mut().before(op, &mut self.sim);
            let result = self.sim.execute(std::slice::from_ref(op));
            let result = result.map_err(|failure| Failure { done, ..failure });
            self.tape.borrow_mut().after(op, result.as_ref().err().map(|f| &f.fault), &mut self.sim);
            self.pass_on_frames();
            result?;
        }
        Ok(())
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        self.sim.query(query)
    }

    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        self.sim.observe(extent)
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        let id = self.sim.start(probe.clone())?;
        self.tape.borrow_mut().started(id, &probe);
        self.pass_on_frames();
        Ok(id)
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        self.sim.stop(id, how);
        self.pass_on_frames();
    }

    fn now(&self) -> Instant {
        self.sim.now()
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        let event = self.sim.advance(until);
        self.pass_on_frames();
        event
    }
}
