//! `nettwin plan`: what `apply` would do, without doing it.
//!
//! A plan for a lab that does not stand names its namespaces as the topology does; one for a lab that stands names them as
//! `ip netns` sees them, so that the script can be run by hand. Where `host` is the namespace of whoever runs the script, the
//! script leaves its sysctls alone but for those that the topology says.

use super::args::{LabArgs, PlanArgs};
use super::input::Loaded;
use super::output::Output;
use super::trouble::Trouble;
use nettwin::model::check::Checked;
use nettwin::model::plan::{Desired, Plan};
use nettwin::model::{NetnsName, Snapshot};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &PlanArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = Loaded::open(&args.file)?;
    let lab = args.lab.lab.clone().unwrap_or_else(|| loaded.lab());
    let start = start(&lab, &args.lab, &loaded.checked)?;
    let mut plan = Plan::between(&start.desired, &start.observed);
    if out.json {
        out.json(&plan)?;
    } else if args.summary {
        write!(out, "{}", plan.summary())?;
    } else {
        let by_hand = loaded.checked.desired_with_real_host();
        plan = Plan::by_hand(if start.stands { &start.desired } else { &by_hand }, &start.observed);
        if let Some(prefix) = start.prefix {
            let name =
                |netns: &NetnsName| NetnsName::new(&format!("{prefix}.{netns}")).unwrap_or_else(|_| netns.clone());
            plan.ops.iter_mut().for_each(|op| op.rename_netns(name));
        }
        write!(out, "{plan}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a plan leads from and to.
struct Start {
    /// What is there.
    observed: Snapshot,
    /// What is wanted.
    desired: Desired,
    /// The lab stands.
    stands: bool,
    /// What its namespaces' names have in front.
    prefix: Option<String>,
}

impl Start {
    /// Where no lab stands.
    fn fresh(checked: &Checked) -> Self {
        Start { observed: Snapshot::default(), desired: checked.desired().clone(), stands: false, prefix: None }
    }
}

#[cfg(all(feature = "kernel", target_os = "linux"))]
fn start(lab: &str, args: &LabArgs, checked: &Checked) -> Result<Start, Trouble> {
    use super::live;
    use nettwin::kernel::journal::Kind;
    use nettwin::kernel::labs::{self, State};
    use nettwin::kernel::{KernelBackend, Options};
    use nettwin::model::Backend;
    let Some(lab) = labs::find(lab).into_iter().find(|lab| lab.state != State::Abandoned) else {
        let (_, real_host) = if args.real_host { live::manner(lab, args)? } else { return Ok(Start::fresh(checked)) };
        let desired = live::desired(checked, real_host).into_owned();
        let observed = KernelBackend::new(Options::of_host())?.observe(&desired.extent())?;
        return Ok(Start { observed, desired, stands: false, prefix: None });
    };
    let said = lab.said.as_ref();
    let has_prefix = matches!(said.map(|said| said.kind), Some(Kind::Named { bare: false }));
    let desired = live::desired(checked, said.is_some_and(|said| said.real_host)).into_owned();
    let observed = live::open(&lab)?.backend().observe(&desired.extent())?;
    Ok(Start { observed, desired, stands: true, prefix: has_prefix.then_some(lab.name) })
}

/// There are no labs here.
#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn start(_lab: &str, _args: &LabArgs, checked: &Checked) -> Result<Start, Trouble> {
    Ok(Start::fresh(checked))
}
