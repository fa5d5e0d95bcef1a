//! `nettwin destroy`: remove labs, and nothing that nettwin did not make.

use super::choose;
use crate::cli::args::DestroyArgs;
use crate::cli::input::Loaded;
use crate::cli::output::{Output, Progress, complain, exit};
use crate::cli::trouble::{Exit, Trouble};
use nettwin::kernel::labs::{self, Claim, Lab, State};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(args: &DestroyArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let labs = match args.all {
        true => labs::list(),
        false => args.labs.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?,
    };
    let mut results = Vec::new();
    for lab in &labs {
        let _progress = Progress::new(format!("destroying {}", lab.name));
        results.push((lab, destroy(lab)));
    }
    let good = results.iter().all(|(_, errors)| errors.is_empty());
    if out.json {
        let rows = results.iter().map(|(lab, errors)| json!({ "lab": lab.name, "errors": errors }));
        out.json(&rows.collect::<Vec<_>>())?;
        return Ok(exit(good, Exit::Failed));
    }
    for (lab, errors) in &results {
        if errors.is_empty() {
            writeln!(out, "destroyed {}", lab.name)?;
        }
        for error in errors {
            complain(&format!("{}: {error}", lab.name), None);
        }
    }
    if results.is_empty() {
        writeln!(out, "there are no labs")?;
    }
    Ok(exit(good, Exit::Failed))
}

/// A lab by its name, or by the file that names it.
fn find(name: &str) -> Result<Lab, Trouble> {
    let path = Path::new(name);
    let is_file =
        name.contains('/') || path.extension().is_some_and(|e| e == "toml" || e == "json" || e == "yaml" || e == "yml");
    if is_file && labs::find(name).is_empty() {
        return choose(Some(&Loaded::open(path)?.lab()));
    }
    choose(Some(name))
}

fn destroy(lab: &Lab) -> Vec<String> {
    if lab.state == State::Abandoned {
        return match labs::collect(lab) {
            Ok(Some(true)) => Vec::new(),
            Ok(_) => vec!["somebody has begun to work on it".to_owned()],
            Err(why) => vec![why],
        };
    }
    match Claim::of(lab) {
        Ok(claim) => claim.destroy().err().unwrap_or_default(),
        Err(fault) => vec![fault.to_string()],
    }
}
