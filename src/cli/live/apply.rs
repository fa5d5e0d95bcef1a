//! `nettwin apply`: make a lab, or change the one that stands; all of it or nothing.
//!
//! With `--json` one object: `lab`, `is_new`, `ops` (how many were executed), `summary` (`create`, `change`, `delete`), and
//! unless told otherwise `played` (`judged`, `refused`, `left_out`).

use super::{Site, desired, not_applied};
use crate::cli::args::ApplyArgs;
use crate::cli::input::Loaded;
use crate::cli::judged;
use crate::cli::output::{Output, Progress, count, exit};
use crate::cli::trouble::{Exit, Trouble};
use nettwin::model::apply::apply;
use nettwin::play::{Played, Script, play};
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &ApplyArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = Loaded::open(&args.file)?;
    let lab = args.lab.lab.clone().unwrap_or_else(|| loaded.lab());
    let mut site = Site::open(&lab, &args.lab, loaded.checked.seed())?;
    let is_new = site.claim.is_fresh;
    let progress = Progress::new(format!("applying {lab}"));
    let desired = desired(&loaded.checked, site.claim.said.real_host);
    let applied = apply(site.machine.backend(), &desired, &mut |_| {});
    let plan = match applied {
        Ok(plan) => plan,
        Err(failure) => {
            site.give_up()?;
            return Err(not_applied(&failure, is_new));
        }
    };
    site.commit()?;
    drop(progress);
    if !out.json {
        match (is_new, plan.is_empty()) {
            (true, _) => writeln!(out, "{lab} stands, by {}", count(plan.ops.len(), "op"))?,
            (false, true) => writeln!(out, "{lab} stands: nothing to do")?,
            (false, false) => writeln!(out, "{lab} changed, by {}:\n{}", count(plan.ops.len(), "op"), plan.summary())?,
        }
        out.flush()?;
    }
    let played = match args.no_expect {
        true => None,
        false => Some(evaluate(&mut site, &loaded, args)?),
    };
    if out.json {
        out.json(&json!({
            "lab": lab, "is_new": is_new, "ops": plan.ops.len(), "summary": plan.summary(), "played": played,
        }))?;
    } else if let Some(played) = &played {
        judged::print(played, out)?;
    }
    Ok(exit(played.is_none_or(|p| p.is_good()), Exit::Expectation))
}

fn evaluate(site: &mut Site, loaded: &Loaded, args: &ApplyArgs) -> Result<Played, Trouble> {
    let _progress = Progress::new("evaluating the expectations");
    let script = if args.timeline { Script::Whole } else { Script::Standing };
    Ok(play(site.machine.backend(), &loaded.checked, script, &mut |_, _| {})?)
}
