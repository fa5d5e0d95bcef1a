//! `nettwin conform`: one topology, or one script, on both machines, compared.
//!
//! Deliberately absent: what is compared and how (the library's `conform`), and the JSON's fields (`docs/json.md`).

use super::{conform_script, reference, throw_away};
use crate::cli::args::{ConformArgs, WhichKernel};
use crate::cli::input::Loaded;
use crate::cli::output::{BAD, GOOD, HEADING, Output, Progress, WARN, count, exit};
use crate::cli::trouble::{Exit, Trouble};
use nettwin::conform::known::KERNEL_AND_SIM;
use nettwin::conform::{Level, Options, Report, conform};
use nettwin::kernel::affinity;
use nettwin::sim::Sim;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &ConformArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    // Bad input is said before anything is run.
    let (scripts, topologies): (Vec<_>, Vec<_>) = args.files.iter().partition(|file| conform_script::is_script(file));
    let loaded = topologies.into_iter().map(|file| Loaded::open(file)).collect::<Result<Vec<_>, _>>()?;
    if args.kernel == WhichKernel::Uml {
        if let Some(script) = scripts.first() {
            return Err(Trouble::input(format!("{}: a script runs on this machine's kernel only", script.display()))
                .help("leave --kernel out"));
        }
        return reference::run(args, &loaded, out);
    }
    let mut agrees = true;
    for script in scripts {
        let name = script.display().to_string();
        let progress = Progress::new(format!("running {name} on both machines"));
        let report = conform_script::conform(script)?;
        drop(progress);
        agrees &= report.agrees();
        told(&name, &report, out)?;
    }
    // Frames are compared in order.
    affinity::stay_on_this_cpu()?;
    let options = Options { long: args.long, routes: true, known: KERNEL_AND_SIM, ..Options::default() };
    for loaded in &loaded {
        let name = &loaded.source.name;
        let progress = Progress::new(format!("running {name} on both machines"));
        let mut kernel = throw_away(args.rootless)?;
        let mut sim = Sim::new(loaded.checked.seed());
        let report = conform(kernel.backend(), &mut sim, &loaded.checked, &options)?;
        drop(kernel);
        drop(progress);
        agrees &= report.agrees();
        told(name, &report, out)?;
    }
    Ok(exit(agrees, Exit::Divergence))
}

fn told(name: &str, report: &Report, out: &mut Output) -> Result<(), Trouble> {
    if !out.json {
        return print(name, report, out);
    }
    let levels: serde_json::Map<String, Value> =
        report.levels().into_iter().map(|(level, found)| (level.to_owned(), json!(found))).collect();
    let told = json!({ "file": name, "kernel": kernel_release(), "agrees": report.agrees(), "levels": levels });
    Ok(out.json(&told)?)
}

fn print(name: &str, report: &Report, out: &mut Output) -> Result<(), Trouble> {
    let row = |(level, found): (&str, &Level)| {
        let skipped: usize = found.skipped.iter().map(|skip| skip.count).sum();
        let numbers = [found.compared, found.differences.len(), found.known.len(), skipped];
        [level.to_owned()].into_iter().chain(numbers.map(|n| n.to_string())).collect()
    };
    let rows = report.levels().into_iter().map(row).collect();
    out.table(name, &["level", "compared", "differ", "known to", "skipped"], rows)?;
    for (level, found) in report.levels() {
        for d in &found.differences {
            writeln!(out, "{HEADING}{level}: {}{HEADING:#}", d.what)?;
            writeln!(out, "    kernel     {}\n    simulator  {}", d.first, d.second)?;
        }
        let known = by_reason(found.known.iter().map(|k| (&*k.reason, 1, &*k.what)));
        for (why, which) in known {
            writeln!(out, "{level}: {WARN}known to differ{WARN:#}, {which}: {why}")?;
        }
        let skipped = by_reason(found.skipped.iter().map(|s| (&*s.why, s.count, &*s.what)));
        for (why, which) in skipped {
            writeln!(out, "{level}: {WARN}skipped{WARN:#}, {which}: {why}")?;
        }
    }
    let differ: usize = report.levels().iter().map(|(_, level)| level.differences.len()).sum();
    match (report.agrees(), differ) {
        (true, _) => writeln!(out, "{GOOD}The machines agree.{GOOD:#}\n")?,
        (false, 0) => writeln!(out, "{BAD}Nothing could be compared.{BAD:#}\n")?,
        (false, _) => writeln!(out, "{BAD}The machines differ: {}.{BAD:#}\n", count(differ, "difference"))?,
    }
    Ok(out.flush()?)
}

/// The release of the kernel that runs this machine.
fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// What has one reason, told by its first and its number.
fn by_reason<'a>(list: impl Iterator<Item = (&'a str, usize, &'a str)>) -> Vec<(&'a str, String)> {
    let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (why, count, what) in list {
        reasons.entry(why).or_insert((0, what)).0 += count;
    }
    let which = |(number, what): (usize, &str)| match number {
        1 => what.to_owned(),
        _ => format!("{number} of such as {what}"),
    };
    reasons.into_iter().map(|(why, found)| (why, which(found))).collect()
}
