//! `nettwin completions`: a shell's completion script.

use super::args::{Args, CompletionsArgs};
use super::output::Output;
use super::trouble::Trouble;
use clap::CommandFactory;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &CompletionsArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    // clap_complete panics when its writer fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "nettwin", &mut script);
    out.write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
