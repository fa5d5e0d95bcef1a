//! `nettwin exec`: become a program in a namespace of a lab.

use super::{Machine, choose, netns, open};
use crate::cli::args::ExecArgs;
use crate::cli::output::complain;
use crate::cli::trouble::Trouble;
use nettwin::kernel::enter::{Door, ExecError};
use std::io::ErrorKind;
use std::process::ExitCode;

/// Returns only if the program does not run; the code is then 125 to 127, as `env` and `timeout` have it.
pub(crate) fn run(args: &ExecArgs) -> ExitCode {
    if let Some(file) = &args.sim {
        return simulated(args, file);
    }
    let door = match door(args) {
        Ok(door) => door,
        Err(Trouble::Said { message, help, .. }) => {
            complain(&message, help.as_deref());
            return ExitCode::from(FAILED);
        }
        Err(_) => return ExitCode::from(FAILED),
    };
    let (program, rest) = args.command.split_first().expect("clap demands a program");
    match door.exec(program, rest) {
        ExecError::Enter(why) => {
            complain(&why, None);
            ExitCode::from(FAILED)
        }
        ExecError::Program(e) => {
            complain(&format!("{}: {e}", program.display()), None);
            ExitCode::from(if e.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE })
        }
    }
}

#[cfg(feature = "tap")]
fn simulated(args: &ExecArgs, file: &std::path::Path) -> ExitCode {
    use super::programs;
    match programs::run(args, file) {
        Ok(code) => code,
        Err(Trouble::Said { message, help, .. }) => {
            complain(&message, help.as_deref());
            ExitCode::from(FAILED)
        }
        Err(_) => ExitCode::from(FAILED),
    }
}

#[cfg(not(feature = "tap"))]
fn simulated(_: &ExecArgs, _: &std::path::Path) -> ExitCode {
    complain("this nettwin was built without TAP devices", Some("build it with the feature `tap`"));
    ExitCode::from(FAILED)
}

fn door(args: &ExecArgs) -> Result<Door, Trouble> {
    let lab = choose(args.lab.as_deref())?;
    let name = netns(&args.netns)?;
    let none = |known: String| {
        Trouble::input(format!("the lab {} has no namespace {name}", lab.name)).help(format!("it has: {known}"))
    };
    match open(&lab)? {
        Machine::Held(remote) => match remote.netns_path(&name)? {
            Some(path) => Ok(Door::held(&remote, &path)?),
            None => Err(none(super::show::names(&mut Machine::Held(remote))?)),
        },
        Machine::Named(kernel) => match kernel.netns(&name).and(kernel.path_of(&name)) {
            Some(path) => Ok(Door::named(&path)?),
            None => Err(none(super::show::names(&mut Machine::Named(kernel))?)),
        },
    }
}

pub(super) const FAILED: u8 = 125;
pub(super) const NOT_RUNNABLE: u8 = 126;
pub(super) const NOT_FOUND: u8 = 127;
