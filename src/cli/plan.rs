//! `nettwin plan`: what `apply` would do, without doing it.

use super::args::PlanArgs;
use super::input::Loaded;
use super::output::Output;
use super::trouble::Trouble;
use nettwin::model::Snapshot;
use nettwin::model::plan::{Desired, Plan};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &PlanArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = Loaded::open(&args.file)?;
    let lab = args.lab.lab.clone().unwrap_or_else(|| loaded.lab());
    let desired = loaded.checked.desired();
    let plan = Plan::between(desired, &observed(&lab, desired)?);
    if out.json {
        out.json(&plan)?;
    } else if args.summary {
        write!(out, "{}", plan.summary())?;
    } else {
        write!(out, "{plan}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The state of the lab, if it stands; nothing otherwise.
#[cfg(all(feature = "kernel", target_os = "linux"))]
fn observed(lab: &str, desired: &Desired) -> Result<Snapshot, Trouble> {
    use super::live;
    use nettwin::kernel::labs::{self, State};
    match labs::find(lab).into_iter().find(|lab| lab.state != State::Abandoned) {
        Some(lab) => Ok(live::open(&lab)?.backend().observe(&desired.extent())?),
        None => Ok(Snapshot::default()),
    }
}

/// There are no labs here.
#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn observed(_lab: &str, _desired: &Desired) -> Result<Snapshot, Trouble> {
    Ok(Snapshot::default())
}
