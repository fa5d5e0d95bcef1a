//! `nettwin run`: a script on a machine.

use super::args::{Clock, RunArgs};
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
    let machine = script::Noted::plain(script::host(args.seed));
    let machine = if args.uplink { script::with_uplink(machine) } else { machine };
    let pace = script::Pace { step: args.step, most: args.max_time };
    script::run_builtin(&text, machine, pace, Box::new(std::io::stdout())).map(|(status, _)| status).map_err(|unable| {
        (
            format!("{name}:{}: {}", unable.line, unable.why),
            "nothing was run; without --builtin the script's own shell runs it",
        )
    })
}

#[cfg(unix)]
fn shell(args: &RunArgs) -> Result<u8, Failure> {
    use super::args::On;
    use script::{Machine, Run};
    if args.clock == Some(Clock::Virtual) && args.programs || args.clock == Some(Clock::Real) && !args.programs {
        return Err(("the clock is the wall's with --programs, and virtual without".into(), "leave --clock out"));
    }
    #[cfg(all(feature = "tap", target_os = "linux"))]
    if args.programs && !args.apart {
        return Err(go_apart());
    }
    let on = match (args.on, args.plain) {
        _ if args.programs => Machine::Programs,
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
        record: args.record.clone(),
        is_noted: false,
        has_uplink: args.uplink,
    };
    let help = match on {
        Machine::Kernel => "nettwin doctor says what this machine can do; without --on kernel the simulator runs it",
        Machine::Programs => {
            "nettwin doctor says what this machine can do; real programs take user namespaces and TAP devices"
        }
        Machine::Sim | Machine::PlainSim => "name a script that can be read",
    };
    script::run(&run).map(|(status, _)| status).map_err(|e| (e.to_string(), help))
}

/// Becomes the same command as root of a user namespace of its own. Returns only if that failed.
#[cfg(all(feature = "tap", target_os = "linux"))]
fn go_apart() -> Failure {
    use std::os::unix::process::CommandExt;
    let mut command = nettwin::kernel::holder::inside(std::path::Path::new("/proc/self/exe"));
    let mut words = std::env::args_os().skip(1);
    // The verb comes before its options.
    for word in words.by_ref() {
        let is_verb = word == "run";
        command.arg(word);
        if is_verb {
            break;
        }
    }
    let e = command.arg("--apart").args(words).exec();
    let fault = nettwin::kernel::holder::no_user_namespace(&e);
    (fault.to_string(), "nettwin doctor says what this machine can do")
}

#[cfg(not(unix))]
fn shell(_: &RunArgs) -> Result<u8, Failure> {
    Err(("this system has no shell for scripts".into(), "use --builtin for a script of plain lines"))
}

const FAILED: u8 = 125;
