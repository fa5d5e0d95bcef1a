//! `nettwin doctor`: what this machine can do, and what to do about what it cannot.

use crate::cli::output::{GOOD, Output, WARN};
use crate::cli::trouble::Trouble;
use nettwin::kernel::caps::{Capability, capabilities};
use nettwin::kernel::holder;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(out: &mut Output) -> Result<ExitCode, Trouble> {
    let found = if super::is_root() { rows(&capabilities()) } else { as_user()? };
    if out.json {
        out.json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{GOOD}yes{GOOD:#} {:22} no privilege needed, on any system", "simulator")?;
    for row in &found {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let (style, word) = if row["available"] == json!(true) { (GOOD, "yes") } else { (WARN, "no ") };
        writeln!(out, "{style}{word}{style:#} {:22} {}", text("name"), text("reason"))?;
        if !text("remedy").is_empty() {
            writeln!(out, "    {:22} {WARN}remedy:{WARN:#} {}", "", text("remedy"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(found: &[Capability]) -> Vec<Value> {
    let row =
        |c: &Capability| json!({ "name": c.name, "available": c.available, "reason": c.reason, "remedy": c.remedy });
    found.iter().map(row).collect()
}

/// Without root a lab lives in a user namespace: what counts is what works there, and whether there can be one.
fn as_user() -> Result<Vec<Value>, Trouble> {
    let outside = rows(&capabilities());
    let answer = holder::inside(Path::new("/proc/self/exe")).args(["--json", "doctor"]).output();
    let inside: Option<Vec<Value>> = answer.ok().and_then(|o| serde_json::from_slice(&o.stdout).ok());
    let Some(inside) = inside else { return Ok(outside) };
    let decided_outside = ["userns", "named-netns"];
    let is_outside = |row: &Value| row["name"].as_str().is_some_and(|n| decided_outside.contains(&n));
    let mut found: Vec<Value> = outside.into_iter().filter(is_outside).collect();
    found.extend(inside.into_iter().filter(|row| !is_outside(row)));
    Ok(found)
}
