//! `nettwin diff`: how what stands differs from what a topology says, attribute by attribute.
//!
//! With `--json` a list of `{part, path, left, right}`: left what is wanted, right what is there, `null` for what is not.

use super::{choose, desired, is_root, open};
use crate::cli::args::DiffArgs;
use crate::cli::input::Loaded;
use crate::cli::output::{BAD, GOOD, Output, count, exit};
use crate::cli::trouble::{Exit, Trouble};
use nettwin::kernel::{KernelBackend, Naming, Options};
use nettwin::model::differences::{Difference, from_wanted};
use nettwin::model::{Backend, Errno, Fault};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &DiffArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = Loaded::open(&args.file)?;
    let found = if args.adopt { against_others(&loaded)? } else { against_lab(args, &loaded)? };
    if out.json {
        out.json(&found)?;
    } else if found.is_empty() {
        writeln!(out, "{GOOD}no difference{GOOD:#}")?;
    } else {
        for difference in &found {
            writeln!(out, "{}", difference.say("wanted", "is"))?;
        }
        writeln!(out, "{BAD}{}{BAD:#}", count(found.len(), "difference"))?;
    }
    Ok(exit(found.is_empty(), Exit::Divergence))
}

fn against_lab(args: &DiffArgs, loaded: &Loaded) -> Result<Vec<Difference>, Trouble> {
    let name = args.lab.clone().unwrap_or_else(|| loaded.lab());
    let lab = choose(Some(&name))?;
    let desired = desired(&loaded.checked, lab.said.as_ref().is_some_and(|said| said.real_host));
    Ok(from_wanted(&desired, &open(&lab)?.backend().observe(&desired.extent())?))
}

/// Looks into namespaces that something else made; what the file leaves open is not compared.
fn against_others(loaded: &Loaded) -> Result<Vec<Difference>, Trouble> {
    if !is_root() {
        return Err(Trouble::missing("looking into other people's namespaces takes root", "use sudo"));
    }
    let desired = loaded.checked.said();
    let naming = Naming::Named { prefix: String::new(), bare: true };
    let real_host = desired.netns.keys().any(|netns| netns.is_host());
    let mut kernel = KernelBackend::new(Options { naming, real_host })?;
    for netns in desired.netns.keys().filter(|netns| !netns.is_host()) {
        match kernel.adopt(netns) {
            Ok(()) | Err(Fault::Refused { errno: Errno::ENOENT, .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(from_wanted(&desired, &kernel.observe(&desired.extent())?))
}
