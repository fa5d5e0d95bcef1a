//! `nettwin conform` of a shell script: run on the simulator and, with the real commands, on this machine's kernel.
//!
//! Each run is a process of its own that records its commands (`nettwin run --record`). Deliberately absent: what is compared
//! (the library's `conform::script`).

use crate::cli::trouble::Trouble;
use nettwin::conform::Report;
use nettwin::conform::script::{Run, compare};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a file is a script: by its name, or by its first line.
pub(crate) fn is_script(file: &Path) -> bool {
    file.extension().is_some_and(|e| e == "sh") || std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"#!"))
}

/// Runs a script on both machines and compares.
pub(crate) fn conform(file: &Path) -> Result<Report, Trouble> {
    let name = file.display();
    let bytes = std::fs::read(file)
        .map_err(|e| Trouble::input(format!("{name}: {e}")).help("name a script that can be read"))?;
    let text = String::from_utf8_lossy(&bytes);
    let kernel = run(file, "kernel")?.normalised(&text);
    let sim = run(file, "sim")?.normalised(&text);
    Ok(compare(&kernel, &sim))
}

fn run(file: &Path, on: &str) -> Result<Run, Trouble> {
    let record = Record(std::env::temp_dir().join(format!("nettwin-conform-{}-{on}.jsonl", std::process::id())));
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", "--on", on, "--record"]).arg(&record.0).arg(file).stdin(Stdio::null());
    let output = command.output()?;
    let Ok(lines) = std::fs::read_to_string(&record.0) else {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.lines().last().unwrap_or("it gives no reason");
        let trouble = Trouble::missing(
            format!("{} did not run on the {on} side: {why}", file.display()),
            "nettwin doctor says what this machine can do",
        );
        return Err(trouble);
    };
    let said = lines.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>();
    let said = said.map_err(|e| Trouble::failed(format!("the record of {}: {e}", file.display())))?;
    let status = u8::try_from(output.status.code().unwrap_or(255)).unwrap_or(255);
    Ok(Run { said, out: String::from_utf8_lossy(&output.stdout).into_owned(), status })
}

/// A file that goes when it was read.
struct Record(PathBuf);

impl Drop for Record {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.0);
    }
}
