//! From what is wanted to what stands: observe, plan, execute, settle, observe again, verify. Once for both machines.
//!
//! Counterpart: an administrator who looks before typing and again after. What goes wrong is undone: the machine is led back
//! to what was observed first, by a plan like any other. Deliberately absent: keeping a lab, locks and journals (whoever
//! holds the machine does that), and waiting for anything but the machine's own settling.

use crate::backend::{Backend, Failure, Fault};
use crate::differences::{self, Difference};
use crate::plan::{Desired, Plan};
use crate::snapshot::Snapshot;
use std::fmt;

/// What is going on, for whoever wants to tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The machine is asked what it has.
    Observing,
    /// This is executed.
    Executing(&'a Plan),
    /// The machine comes to rest and is asked again.
    Verifying,
    /// What was done is undone, by these ops.
    Undoing(&'a Plan),
}

/// Why what is wanted does not stand.
#[derive(Clone, Debug, PartialEq)]
pub struct NotApplied {
    /// The plan, as far as there was one.
    pub plan: Plan,
    /// What went wrong.
    pub why: Why,
    /// How the undoing went; the machine is as it was before if it went well.
    pub undone: Result<(), Fault>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// The machine could not be asked, so nothing was done.
    Unseen(Fault),
    /// An op was not executed.
    Stopped(Failure),
    /// All ops were executed; the machine could not be asked what came of it.
    Unverified(Fault),
    /// All ops were executed, and the state is not what was wanted.
    Differs(Vec<Difference>),
}

impl fmt::Display for NotApplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Unseen(fault) => write!(f, "the machine cannot be asked what it has: {fault}"),
            Why::Unverified(fault) => write!(f, "the machine cannot be asked what came of it: {fault}"),
            Why::Stopped(Failure { done, fault }) => {
                write!(f, "op {} of {}", done + 1, self.plan.ops.len())?;
                match self.plan.ops.get(*done) {
                    Some(op) => write!(f, ", `{op}`: {fault}"),
                    None => write!(f, ": {fault}"),
                }
            }
            Why::Differs(list) => {
                f.write_str("every op was executed, and yet")?;
                list.iter().try_for_each(|d| write!(f, "\n  {}", d.say("wanted", "is")))
            }
        }?;
        match &self.undone {
            Ok(()) => Ok(()),
            Err(fault) => write!(f, "\nwhat was done could not be undone: {fault}"),
        }
    }
}

impl std::error::Error for NotApplied {}

/// Leads the machine to what is wanted and makes sure that it is there; says what was done, which is nothing if it was
/// there already.
pub fn apply<B: Backend + ?Sized>(
    machine: &mut B,
    desired: &Desired,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<Plan, Box<NotApplied>> {
    watch(Step::Observing);
    let before = match machine.observe(&desired.extent()) {
        Ok(before) => before,
        Err(fault) => {
            return Err(Box::new(NotApplied { plan: Plan::default(), why: Why::Unseen(fault), undone: Ok(()) }));
        }
    };
    let plan = Plan::between(desired, &before);
    match carry_out(machine, desired, &plan, watch) {
        Ok(()) => Ok(plan),
        Err(why) => {
            let undone = lead_back(machine, desired, &before, watch);
            Err(Box::new(NotApplied { plan, why, undone }))
        }
    }
}

fn carry_out<B: Backend + ?Sized>(
    machine: &mut B,
    desired: &Desired,
    plan: &Plan,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<(), Why> {
    if !plan.is_empty() {
        watch(Step::Executing(plan));
        machine.execute(&plan.ops).map_err(Why::Stopped)?;
    }
    watch(Step::Verifying);
    machine.settle().map_err(Why::Unverified)?;
    let after = machine.observe(&desired.extent()).map_err(Why::Unverified)?;
    let list = differences::from_wanted(desired, &after);
    if list.is_empty() { Ok(()) } else { Err(Why::Differs(list)) }
}

/// Leads the machine back to what it had. What moves by itself does not come back.
fn lead_back<B: Backend + ?Sized>(
    machine: &mut B,
    desired: &Desired,
    before: &Snapshot,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<(), Fault> {
    let former =
        Desired { netns: before.netns.iter().map(|(netns, state)| (netns.clone(), state.config.clone())).collect() };
    let now = machine.observe(&desired.extent())?;
    let back = Plan::between(&former, &now);
    if back.is_empty() {
        return Ok(());
    }
    watch(Step::Undoing(&back));
    machine.execute(&back.ops).map_err(|failure| failure.fault)
}
