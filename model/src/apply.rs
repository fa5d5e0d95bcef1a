//! From what is wanted to what stands: observe, plan, execute, settle, observe again, verify. Once for both machines.
//!
//! Counterpart: an administrator who looks before typing and again after. What the machine lacks is found out before anything
//! is done. What goes wrong is undone: the machine is led back to what was observed first, by a plan like any other.
//! Deliberately absent: keeping a lab, locks and journals (whoever holds the machine does that), waiting for anything but
//! the machine's own settling, and what no plan brings back: counters, learned addresses, the index of a link made again.

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
    /// By what the machine was led back to what it had, which is nothing if nothing was done; or by what it should have
    /// been, and why it was not.
    pub undone: Result<Plan, (Plan, Why)>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// The machine could not be asked, so nothing was done.
    Unseen(Fault),
    /// The machine lacks what the plan takes, so nothing was done.
    Lacking(Fault),
    /// An op was not executed.
    Stopped(Failure),
    /// All ops were executed; the machine could not be asked what came of it.
    Unverified(Fault),
    /// All ops were executed, and the state is not what was wanted.
    Differs(Vec<Difference>),
}

impl Why {
    /// How many of the plan's ops were executed.
    pub fn done(&self, plan: &Plan) -> usize {
        match self {
            Why::Unseen(_) | Why::Lacking(_) => 0,
            Why::Stopped(Failure { done, .. }) => *done,
            Why::Unverified(_) | Why::Differs(_) => plan.ops.len(),
        }
    }

    /// What went wrong with this plan, in words.
    pub fn say(&self, plan: &Plan) -> String {
        match self {
            Why::Unseen(fault) => format!("the machine cannot be asked what it has: {fault}"),
            Why::Lacking(fault) => fault.to_string(),
            Why::Unverified(fault) => format!("the machine cannot be asked what came of it: {fault}"),
            Why::Stopped(Failure { done, fault }) => {
                let op = plan.ops.get(*done).map(|op| format!(", `{op}`")).unwrap_or_default();
                format!("op {} of {}{op}: {fault}", done + 1, plan.ops.len())
            }
            Why::Differs(list) => {
                let lines = list.iter().map(|d| format!("\n  {}", d.say("wanted", "is")));
                lines.fold("every op was executed, and yet".to_owned(), |text, line| text + &line)
            }
        }
    }
}

impl NotApplied {
    /// The part of the plan that was executed.
    pub fn done(&self) -> Plan {
        Plan { ops: self.plan.ops.iter().take(self.why.done(&self.plan)).cloned().collect() }
    }
}

impl fmt::Display for NotApplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why.say(&self.plan))?;
        let Err((back, why)) = &self.undone else { return Ok(()) };
        write!(f, "\nwhat was done could not be undone: {}", why.say(back))?;
        let done = self.done();
        if !done.is_empty() {
            f.write_str("\nwhat was done, and may stand:")?;
            done.summary().to_string().lines().try_for_each(|line| write!(f, "\n  {line}"))?;
        }
        Ok(())
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
        Err(fault) => return Err(nothing_done(Plan::default(), Why::Unseen(fault))),
    };
    let plan = Plan::between(desired, &before);
    if let Err(fault) = machine.lacks_nothing(&plan.ops) {
        return Err(nothing_done(plan, Why::Lacking(fault)));
    }
    if plan.is_empty() {
        // What no plan can make is missed all the same.
        return match differences::from_wanted(desired, &before) {
            list if list.is_empty() => Ok(plan),
            list => Err(nothing_done(plan, Why::Differs(list))),
        };
    }
    watch(Step::Executing(&plan));
    match carry_out(machine, desired, &plan, watch) {
        Ok(()) => Ok(plan),
        Err(why) => {
            let undone = lead_back(machine, &before, watch);
            Err(Box::new(NotApplied { plan, why, undone }))
        }
    }
}

fn nothing_done(plan: Plan, why: Why) -> Box<NotApplied> {
    Box::new(NotApplied { plan, why, undone: Ok(Plan::default()) })
}

fn carry_out<B: Backend + ?Sized>(
    machine: &mut B,
    desired: &Desired,
    plan: &Plan,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<(), Why> {
    machine.execute_together(&plan.ops).map_err(Why::Stopped)?;
    watch(Step::Verifying);
    machine.settle_links().map_err(Why::Unverified)?;
    let extent = desired.extent_after(plan);
    let after = machine.observe(&extent).map_err(Why::Unverified)?;
    let list = differences::from_wanted_in(desired, &after, Some(&extent));
    if list.is_empty() { Ok(()) } else { Err(Why::Differs(list)) }
}

/// Leads the machine back to what it had.
fn lead_back<B: Backend + ?Sized>(
    machine: &mut B,
    before: &Snapshot,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<Plan, (Plan, Why)> {
    let former =
        Desired { netns: before.netns.iter().map(|(netns, state)| (netns.clone(), state.config.clone())).collect() };
    let now = machine.observe(&former.extent()).map_err(|fault| (Plan::default(), Why::Unseen(fault)))?;
    let back = Plan::between(&former, &now);
    watch(Step::Undoing(&back));
    match carry_out(machine, &former, &back, watch) {
        Ok(()) => Ok(back),
        Err(why) => Err((back, why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Answer, Extent, Query};
    use crate::errno::Errno;
    use crate::op::Op;
    use crate::plan::tests::{LAN, lab, seen};
    use crate::probe::{Probe, ProbeEvent, ProbeId, Stop};
    use crate::time::Instant;
    use expect_test::{Expect, expect};

    /// A machine that has this, and becomes that by executing so many ops, then refuses.
    struct Fake {
        has: Snapshot,
        becomes: Option<Snapshot>,
        ops: usize,
        lacks: bool,
    }

    impl Backend for Fake {
        fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
            if let Some(then) = self.becomes.take() {
                self.has = then;
            }
            let done = self.ops.min(ops.len());
            self.ops -= done;
            if done == ops.len() { Ok(()) } else { Err(Failure { done, fault: Fault::errno(Errno::ENODEV) }) }
        }

        fn lacks_nothing(&mut self, _: &[Op]) -> Result<(), Fault> {
            let fault = Fault::Missing { capability: "netem".into(), remedy: "buy one".into() };
            if self.lacks { Err(fault) } else { Ok(()) }
        }

        fn query(&mut self, _: &Query) -> Result<Answer, Fault> {
            Ok(Answer::NetnsList(Vec::new()))
        }

        fn observe(&mut self, _: &Extent) -> Result<Snapshot, Fault> {
            Ok(self.has.clone())
        }

        fn start(&mut self, _: Probe) -> Result<ProbeId, Fault> {
            Err(Fault::Broken("no probes here".into()))
        }

        fn stop(&mut self, _: ProbeId, _: Stop) {}

        fn now(&self) -> Instant {
            Instant::ZERO
        }

        fn advance(&mut self, _: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
            None
        }
    }

    /// Wants `LAN` of a machine that has `has`; says how that ended, and the steps on the way.
    fn check(has: &str, becomes: Option<&str>, ops: usize, expect: Expect) {
        let has = seen(&lab(has));
        let becomes = becomes.map(|text| seen(&lab(text)));
        let mut steps = String::new();
        let mut watch = |step: Step<'_>| {
            steps += &match step {
                Step::Observing => "observe\n".to_owned(),
                Step::Executing(plan) => format!("execute {}\n", plan.ops.len()),
                Step::Verifying => "verify\n".to_owned(),
                Step::Undoing(plan) => format!("undo by {}\n", plan.ops.len()),
            };
        };
        let end = match apply(&mut Fake { has, becomes, ops, lacks: false }, &lab(LAN), &mut watch) {
            Ok(plan) => format!("done by {} ops", plan.ops.len()),
            Err(failure) => format!("{failure}\nundone: {}", failure.undone.is_ok()),
        };
        expect.assert_eq(&(steps + &end));
    }

    #[test]
    fn what_is_there_takes_nothing() {
        check(
            LAN,
            None,
            0,
            expect![[r#"
                observe
                done by 0 ops"#]],
        );
    }

    #[test]
    fn what_is_not_there_is_made_and_verified() {
        check(
            "",
            Some(LAN),
            100,
            expect![[r#"
                observe
                execute 11
                verify
                done by 11 ops"#]],
        );
        let nearly = LAN.replace("default via 10.0.0.254", "default via 10.0.0.253");
        check(
            "",
            Some(&nearly),
            100,
            expect![[r#"
                observe
                execute 11
                verify
                undo by 2
                verify
                every op was executed, and yet
                  h1 route default: wanted default via 10.0.0.254, is default via 10.0.0.253
                what was done could not be undone: every op was executed, and yet
                  h1: wanted absent, is present
                  s1: wanted absent, is present
                what was done, and may stand:
                  + namespace h1
                  + namespace s1
                  + bridge s1:br0
                  + veth s1:p1 and h1:eth0
                  + h1:eth0 address 10.0.0.1/24
                  + h1 route default via 10.0.0.254
                  + s1:br0 entry 02:00:00:00:00:07 dev p1 master static
                  ~ h1:lo up
                undone: false"#]],
        );
    }

    #[test]
    fn what_is_refused_is_undone_or_told() {
        let other = LAN.replace("default via 10.0.0.254", "default via 10.0.0.253");
        check(
            &other,
            None,
            0,
            expect![[r#"
            observe
            execute 1
            undo by 0
            verify
            op 1 of 1, `ip -n h1 route replace default via 10.0.0.254`: No such device
            undone: true"#]],
        );
        check(
            &other,
            Some("h1:lo up"),
            1,
            expect![[r#"
                observe
                execute 1
                verify
                undo by 10
                every op was executed, and yet
                  h1:eth0: wanted veth, is absent
                  h1 route default: wanted default via 10.0.0.254, is absent
                  h1 sysctl net.ipv4.ip_forward: wanted 0, is absent
                  s1: wanted present, is absent
                what was done could not be undone: op 1 of 10, `ip netns add s1`: No such device
                what was done, and may stand:
                  ~ h1 route default via 10.0.0.254
                undone: false"#]],
        );
    }

    #[test]
    fn what_the_machine_lacks_is_found_out_before() {
        let mut machine = Fake { has: Snapshot::default(), becomes: None, ops: 0, lacks: true };
        let failure = apply(&mut machine, &lab(LAN), &mut |_| {}).unwrap_err();
        assert_eq!(failure.to_string(), "netem is missing: buy one");
        assert_eq!((failure.done(), failure.undone.clone()), (Plan::default(), Ok(Plan::default())));
    }
}
