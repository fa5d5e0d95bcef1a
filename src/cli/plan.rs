//! `nettwin plan`: what `apply` would do, without doing it.
//!
//! A plan for a lab that does not stand names its namespaces as the topology does; one for a lab that stands names them as
//! `ip netns` sees them, so that the script can be run by hand.

use super::args::PlanArgs;
use super::input::Loaded;
use super::output::Output;
use super::trouble::Trouble;
use nettwin::model::plan::{Desired, Plan};
use nettwin::model::{NetnsName, Snapshot};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &PlanArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = Loaded::open(&args.file)?;
    let lab = args.lab.lab.clone().unwrap_or_else(|| loaded.lab());
    let desired = loaded.checked.desired();
    let (observed, prefix) = observed(&lab, desired)?;
    let mut plan = Plan::between(desired, &observed);
    if out.json {
        out.json(&plan)?;
    } else if args.summary {
        write!(out, "{}", plan.summary())?;
    } else {
        if let Some(prefix) = prefix {
            let name =
                |netns: &NetnsName| NetnsName::new(&format!("{prefix}.{netns}")).unwrap_or_else(|_| netns.clone());
            plan.ops.iter_mut().for_each(|op| op.rename_netns(name));
        }
        write!(out, "{plan}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The state of the lab, if it stands, and what its namespaces' names have in front; nothing otherwise.
#[cfg(all(feature = "kernel", target_os = "linux"))]
fn observed(lab: &str, desired: &Desired) -> Result<(Snapshot, Option<String>), Trouble> {
    use super::live;
    use nettwin::kernel::journal::Kind;
    use nettwin::kernel::labs::{self, State};
    let Some(lab) = labs::find(lab).into_iter().find(|lab| lab.state != State::Abandoned) else {
        return Ok((Snapshot::default(), None));
    };
    let has_prefix = matches!(lab.said.as_ref().map(|said| said.kind), Some(Kind::Named { bare: false }));
    let snapshot = live::open(&lab)?.backend().observe(&desired.extent())?;
    Ok((snapshot, has_prefix.then_some(lab.name)))
}

/// There are no labs here.
#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn observed(_lab: &str, _desired: &Desired) -> Result<(Snapshot, Option<String>), Trouble> {
    Ok((Snapshot::default(), None))
}
