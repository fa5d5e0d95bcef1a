//! `nettwin run`: a script on a machine.

use super::args::RunArgs;
use super::output::complain;
use crate::script;
use std::process::ExitCode;

/// Ends as the script does.
pub(crate) fn run(args: &RunArgs) -> ExitCode {
    let outcome = if args.builtin { builtin(args) } else { shell(args) };
    outcome.map_or_else(
        |(message, help)| {
            complain(&message, Some(help));
            ExitCode::from(FAILED)
        },
        ExitCode::from,
    )
}

/// A message and its remedy.
type Failure = (String, &'static str);

fn builtin(args: &RunArgs) -> Result<u8, Failure> {
    let name = args.script.display();
    let text = std::fs::read_to_string(&args.script)
        .map_err(|e| (format!("{name}: {e}"), "name a script that can be read"))?;
    script::run_builtin(&text, args.seed, args.step, args.max_time)
        .map_err(|unable| (format!("{name}:{}: {}", unable.line, unable.why), "nothing was run"))
}

#[cfg(unix)]
fn shell(args: &RunArgs) -> Result<u8, Failure> {
    use super::args::On;
    use script::{Machine, Run};
    let on = match (args.on, args.plain) {
        (On::Kernel, _) => Machine::Kernel,
        (On::Sim, true) => Machine::PlainSim,
        (On::Sim, false) => Machine::Sim,
    };
    let run = Run {
        script: args.script.clone(),
        arguments: args.arguments.clone(),
        on,
        seed: args.seed,
        step: args.step,
        most: args.max_time,
    };
    let help = match on {
        Machine::Kernel => "nettwin doctor says what this machine can do; without --on kernel the simulator runs it",
        Machine::Sim | Machine::PlainSim => "name a script that can be read",
    };
    script::run(&run).map_err(|e| (e.to_string(), help))
}

#[cfg(not(unix))]
fn shell(_: &RunArgs) -> Result<u8, Failure> {
    Err(("this system has no shell for scripts".into(), "use --builtin for a script of plain lines"))
}

const FAILED: u8 = 125;
