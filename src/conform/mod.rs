//! Runs one topology on two machines and compares, at four levels: what each op came to, the state, the frames on every
//! wire, and the outcomes of flows.
//!
//! The first machine (usually the kernel) leads: time passes on the second as it did there. An op that one of them lacks
//! the capability for (netem, say) is left out on both, and so are the flows that passed where it would have acted; what
//! is left out is counted, with its reason, and a run that compared nothing is no agreement. What the machines are known to
//! differ in is data ([`known`]), with a reason; it fails when they begin to agree. What is taken out of answers before
//! they are compared is in [`normalise`]. Deliberately absent: which machines they are.
//!
//! ```
//! use nettwin::conform::{Options, conform};
//! use nettwin::model::{Format, Topology};
//! use nettwin::sim::Sim;
//!
//! let text = "[netns.h1]\ninterfaces.eth0.addresses = [\"10.0.0.1/24\"]\n\
//!             [netns.h2]\ninterfaces.eth0.addresses = [\"10.0.0.2/24\"]\n\
//!             [[link]]\nends = [\"h1:eth0\", \"h2:eth0\"]\n";
//! let checked = Topology::load(text, Format::Toml).unwrap();
//! let report = conform(&mut Sim::new(1), &mut Sim::new(2), &checked, &Options::default())?;
//! assert!(report.agrees());
//! assert_eq!(report.flows.compared, 4);
//! # Ok::<(), nettwin::model::Fault>(())
//! ```

mod compare;
mod course;
mod frames;
pub mod known;
pub mod normalise;
mod record;
pub mod script;
pub mod text;

use crate::model::check::Checked;
use crate::model::{Backend, Fault, Op};
use course::Course;
use record::{Recording, Without, record};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// What is run beyond the topology's plan, and what is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Play what takes more than ten seconds of the kernel's time too.
    pub long: bool,
    /// Which flows.
    pub flows: Flows,
    /// Look up the route from each namespace to each address, and to some that nobody has.
    pub routes: bool,
    /// Ops to try when the plan is done.
    pub changes: Vec<Op>,
    /// What these two machines are known to differ in.
    pub known: &'static [known::Divergence],
}

/// Which flows are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flows {
    /// The topology's expectations with its timeline; if it has none, a ping from each namespace to each address.
    #[default]
    Expected,
    /// None; then no wires are watched and no timeline is played.
    None,
}

/// What was compared and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// What each op came to: done, or its errno.
    pub errno: Level,
    /// The state: after the plan, and after the play; and the routes looked up.
    pub state: Level,
    /// What passed at the ends of wires.
    pub frames: Level,
    /// What workloads reported and came to.
    pub flows: Level,
}

/// One level of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Level {
    /// How many things were compared.
    pub compared: usize,
    /// Where the machines differ.
    pub differences: Vec<Difference>,
    /// Where they differ and are known to.
    pub known: Vec<Known>,
    /// What was not compared.
    pub skipped: Vec<Skip>,
    /// The names of what was compared.
    #[serde(skip)]
    names: BTreeSet<String>,
}

/// Where two machines differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In what.
    pub what: String,
    /// What the first machine has.
    pub first: String,
    /// What the second machine has.
    pub second: String,
}

/// A difference that is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// In what.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// Something that was not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// How many of it.
    pub count: usize,
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Report {
    /// The levels with their names.
    pub fn levels(&self) -> [(&'static str, &Level); 4] {
        [("errno", &self.errno), ("state", &self.state), ("frames", &self.frames), ("flows", &self.flows)]
    }

    /// Whether something was compared and nothing differs that is not known to.
    pub fn agrees(&self) -> bool {
        let levels = self.levels();
        levels.iter().all(|(_, l)| l.differences.is_empty()) && levels.iter().any(|(_, l)| l.compared > 0)
    }
}

impl fmt::Display for Report {
    /// The differences, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, level) in self.levels() {
            for d in &level.differences {
                writeln!(f, "{name}: {}", d.what)?;
                writeln!(f, "    first  {}", d.first)?;
                writeln!(f, "    second {}", d.second)?;
            }
        }
        Ok(())
    }
}

impl Level {
    /// One more thing is compared.
    fn name(&mut self, what: impl Into<String>) {
        self.compared += 1;
        self.names.insert(what.into());
    }

    fn differ(&mut self, what: impl Into<String>, first: impl Into<String>, second: impl Into<String>) {
        self.differences.push(Difference { what: what.into(), first: first.into(), second: second.into() });
    }

    fn skip(&mut self, count: usize, what: impl Into<String>, why: impl Into<String>) {
        if count > 0 {
            self.skipped.push(Skip { count, what: what.into(), why: why.into() });
        }
    }
}

/// Runs a topology on two fresh machines and compares. A broken machine is an error; everything else is in the report.
pub fn conform(
    first: &mut dyn Backend,
    second: &mut dyn Backend,
    checked: &Checked,
    options: &Options,
) -> Result<Report, Fault> {
    let course = Course::of(checked, options)?;
    let mut missing = lacking(first, &course)?;
    missing.extend(lacking(second, &course)?);
    let leader = record(&mut Without { machine: first, missing: &missing }, &course, None)?;
    missing.extend(unforeseen(&course, &leader));
    let follower = record(&mut Without { machine: second, missing: &missing }, &course, Some(&leader))?;
    let mut report = compare::compare(&course, &leader, &follower, &missing);
    known::sort_out(&mut report, options.known);
    Ok(report)
}

/// The ops that a machine has not the capability for.
fn lacking(machine: &mut dyn Backend, course: &Course) -> Result<Vec<(Op, Fault)>, Fault> {
    let mut out = Vec::new();
    for ops in std::iter::once(&course.ops).chain(course.checked.timeline().iter().map(|(_, ops)| ops)) {
        if machine.lacks_nothing(ops).is_ok() {
            continue;
        }
        for op in ops {
            match machine.lacks_nothing(std::slice::from_ref(op)) {
                Err(fault @ Fault::Missing { .. }) => out.push((op.clone(), fault)),
                other => other?,
            }
        }
    }
    Ok(out)
}

/// The ops that the leader turned out not to have the capability for.
fn unforeseen(course: &Course, leader: &Recording) -> Vec<(Op, Fault)> {
    let built = course.ops.iter().zip(&leader.ops).filter_map(|(op, answer)| Some((op, answer.as_ref().err()?)));
    let played = leader.played.refused.iter().map(|refusal| (&refusal.op, &refusal.fault));
    let lacks = built.chain(played).filter(|(_, fault)| matches!(fault, Fault::Missing { .. }));
    lacks.map(|(op, fault)| (op.clone(), fault.clone())).collect()
}
