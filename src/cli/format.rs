//! `nettwin fmt`: topologies in the one canonical style, comments kept.

use super::args::FmtArgs;
use super::input::{Source, show};
use super::output::{Output, exit};
use super::trouble::{Exit, Trouble};
use nettwin::model::topology::format_text;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(args: &FmtArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let mut rows = Vec::new();
    let mut changes = false;
    // Nothing is written unless all can be.
    let mut formatted = Vec::new();
    for path in &args.files {
        let source = Source::read(path)?;
        match format_text(&source.text, source.format) {
            Ok(text) => formatted.push((path, source, text)),
            Err(complaints) => {
                show(&source, &complaints);
                return Err(Trouble::Shown(Exit::BadInput));
            }
        }
    }
    for (path, source, text) in formatted {
        let changed = text != source.text;
        changes |= changed;
        if path.as_os_str() == "-" && !args.check && !out.json {
            out.write_all(text.as_bytes())?;
            continue;
        }
        if changed && !args.check && path.as_os_str() != "-" {
            replace(path, &text)?;
        }
        if out.json {
            rows.push(json!({ "file": source.name, "changed": changed }));
        } else if changed {
            writeln!(out, "{}{}", source.name, if args.check { " would change" } else { "" })?;
        }
    }
    if out.json {
        out.json(&rows)?;
    }
    Ok(exit(!(args.check && changes), Exit::Divergence))
}

/// Puts the text in the file's place at once, so that nobody sees half of it.
fn replace(path: &Path, text: &str) -> Result<(), Trouble> {
    let failed = |e: std::io::Error| Trouble::failed(format!("{}: {e}", path.display()));
    // Through links, and with the rights that the file has.
    let path = &path.canonicalize().map_err(failed)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".nettwin-tmp");
    let beside = path.with_file_name(name);
    let permissions = std::fs::metadata(path).map_err(failed)?.permissions();
    let written = std::fs::write(&beside, text)
        .and_then(|()| std::fs::set_permissions(&beside, permissions))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|e| {
        // What is left of a write that failed is of no use; the failure itself is told.
        let _ = std::fs::remove_file(&beside);
        failed(e)
    })
}
