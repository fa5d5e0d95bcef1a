//! `nettwin gc`: remove what killed runs left behind.

use crate::cli::output::{Output, complain, exit};
use crate::cli::trouble::{Exit, Trouble};
use nettwin::kernel::labs;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(out: &mut Output) -> Result<ExitCode, Trouble> {
    let swept = labs::gc();
    if out.json {
        out.json(&swept)?;
    } else {
        for name in &swept.removed {
            writeln!(out, "removed {name}")?;
        }
        for name in &swept.busy {
            writeln!(out, "left {name}: somebody is at work on it")?;
        }
        for error in &swept.errors {
            complain(error, None);
        }
        if swept == labs::Swept::default() {
            writeln!(out, "nothing to remove")?;
        }
    }
    Ok(exit(swept.errors.is_empty(), Exit::Failed))
}
