//! `nettwin check`: read topologies and say all that is wrong with them.

use super::args::CheckArgs;
use super::input::{Source, show};
use super::output::{GOOD, Output, count, exit};
use super::trouble::{Exit, Trouble};
use nettwin::model::check::Checked;
use nettwin::model::complaint::Complaint;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

pub(crate) fn run(args: &CheckArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let mut good = true;
    let mut rows: Vec<Value> = Vec::new();
    for path in &args.files {
        let source = match Source::read(path) {
            Ok(source) => source,
            Err(trouble) => {
                // The other files are looked at all the same.
                good = false;
                match (out.json, trouble) {
                    (true, Trouble::Said { message, help, .. }) => {
                        rows.push(
                            json!({ "file": path.display().to_string(), "ok": false, "error": message, "help": help }),
                        );
                    }
                    (_, trouble) => drop(out.trouble(&trouble)),
                }
                continue;
            }
        };
        let checked = source.try_check();
        let complaints: &[Complaint] = match &checked {
            Ok(checked) => checked.warnings(),
            Err(complaints) => complaints,
        };
        let ok = checked.is_ok() && (!args.strict || complaints.is_empty());
        good &= ok;
        if out.json {
            let complaints: Vec<Value> = complaints.iter().map(|c| source.complaint_json(c)).collect();
            rows.push(json!({ "file": source.name, "ok": ok, "complaints": complaints }));
        } else {
            show(&source, complaints);
            heard(match &checked {
                Ok(checked) => {
                    writeln!(out, "{GOOD}ok{GOOD:#} {}: {}", source.name, summary(checked, complaints.len()))
                }
                Err(_) => writeln!(out, "{}: {}", source.name, count(complaints.len(), "complaint")),
            })?;
        }
    }
    if out.json {
        heard(out.json(&rows))?;
    }
    Ok(exit(good, Exit::BadInput))
}

/// A reader that has gone (`| head -1`) changes nothing about the verdict, which the exit code tells too.
fn heard(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|e| if e.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(e) })
}

fn summary(checked: &Checked, warnings: usize) -> String {
    let topology = checked.topology();
    let mut parts = vec![
        count(checked.desired().netns.len(), "namespace"),
        count(topology.links.len(), "link"),
        count(checked.expectations().len(), "expectation"),
    ];
    if warnings > 0 {
        parts.push(count(warnings, "warning"));
    }
    parts.join(", ")
}
