//! `nettwin export`: a topology in another language.
//!
//! A script says more than a plan: who wrote it, and the name and seed, which no command can say, for `nettwin import`.
//! Deliberately absent: expectations and timelines; what is left out is said.

use super::args::{ExportArgs, Language};
use super::input::Loaded;
use super::output::{Output, complain, count};
use super::trouble::Trouble;
use nettwin::model::Snapshot;
use nettwin::model::plan::Plan;
use nettwin::model::topology::Routing;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &ExportArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let Language::Iproute2 = args.language;
    let loaded = Loaded::open(&args.file)?;
    let checked = &loaded.checked;
    let plan = Plan::by_hand(&checked.desired_with_real_host(), &Snapshot::default());
    let script = plan.to_string();
    let Some((first, commands)) = script.split_once('\n') else { return Ok(ExitCode::SUCCESS) };
    writeln!(out, "{first}\n# Run this as root; nettwin import makes a topology of it again.")?;
    if let Some(name) = checked.name() {
        writeln!(out, "{NAME}{name}")?;
    }
    if checked.seed() != 0 {
        writeln!(out, "{SEED}{}", checked.seed())?;
    }
    if checked.topology().routing == Routing::Shortest {
        writeln!(out, "{ROUTES}shortest")?;
    }
    out.write_all(commands.as_bytes())?;
    let left_out =
        [(checked.expectations().len(), "expectation"), (checked.timeline().len(), "moment of the timeline")];
    for (number, what) in left_out.into_iter().filter(|(number, _)| *number > 0) {
        complain(&format!("{} left out: a script only sets up", count(number, what)), None);
    }
    Ok(ExitCode::SUCCESS)
}

/// What begins the line of a script that says the topology's name.
pub(crate) const NAME: &str = "# name: ";
/// The same of the routes that are made besides.
pub(crate) const ROUTES: &str = "# routes: ";
/// The same of the seed.
pub(crate) const SEED: &str = "# seed: ";
