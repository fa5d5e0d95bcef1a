//! `nettwin exec --sim`: real programs in a simulated network, by the wall's clock.
//!
//! The process becomes root of a user namespace of its own first, whoever runs it. The program in the foreground has this
//! process's streams and ends it; those of `--with` run beside it and end with it. Deliberately absent: the expectations,
//! which `sim` has.

use super::exec::{FAILED, NOT_FOUND, NOT_RUNNABLE};
use super::netns;
use crate::cli::args::{Clock, ExecArgs};
use crate::cli::input::Loaded;
use crate::cli::output::complain;
use crate::cli::trouble::Trouble;
use crate::script::{leave_interrupts_to_others, split_words};
use nettwin::kernel::holder;
use nettwin::kernel::script::{any_readable, ending, signal_group};
use nettwin::model::apply::{Why, apply};
use nettwin::model::{Fault, NetnsName, Op};
use nettwin::programs::Programs;
use nettwin::sim::Sim;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

pub(super) fn run(args: &ExecArgs, file: &Path) -> Result<ExitCode, Trouble> {
    if args.clock == Some(Clock::Virtual) {
        return Err(Trouble::input("where real programs run the clock is the wall's")
            .help("leave --clock virtual out; `nettwin probe --sim` and `nettwin run` have virtual time"));
    }
    if !args.apart {
        return Err(go_apart(args, file));
    }
    let loaded = Loaded::open(file)?;
    let wanted = netns(&args.netns)?;
    let beside = args.with.iter().map(|with| beside(with)).collect::<Result<Vec<_>, _>>()?;
    let mut programs = bring_up(&loaded)?;
    for name in std::iter::once(&wanted).chain(beside.iter().map(|(name, _)| name)) {
        programs.open(name).map_err(|fault| match fault {
            Fault::Refused { errno: nettwin::model::Errno::ENOENT, .. } => {
                let known = loaded.checked.layout().netns.keys().map(NetnsName::as_str).collect::<Vec<_>>().join(", ");
                Trouble::input(format!("the topology has no namespace {name}")).help(format!("it has: {known}"))
            }
            other => other.into(),
        })?;
    }
    let names: Vec<&str> = programs.opened().iter().map(NetnsName::as_str).collect();
    eprintln!("nettwin: real programs in {}, the rest is simulated; clock: real", names.join(", "));
    leave_interrupts_to_others()?;
    let mut company = Company::default();
    for (name, words) in &beside {
        match start(&programs, name, words, true) {
            Ok(child) => company.0.push((name.clone(), words.clone(), child)),
            Err(code) => return Ok(code),
        }
    }
    match start(&programs, &wanted, &args.command, false) {
        Ok(child) => {
            let timeline = if args.timeline { loaded.checked.timeline() } else { &[] };
            attend(&mut programs, &mut company, child, timeline)
        }
        Err(code) => Ok(code),
    }
}

/// Becomes the same command in a user, network and mount namespace of its own. Returns only if that failed.
fn go_apart(args: &ExecArgs, file: &Path) -> Trouble {
    let mut command = holder::inside(Path::new("/proc/self/exe"));
    command.args(["exec", "--apart", "--sim"]).arg(file);
    args.with.iter().for_each(|with| _ = command.arg("--with").arg(with));
    command.args(args.timeline.then_some("--timeline"));
    command.arg(&args.netns).arg("--").args(&args.command);
    holder::no_user_namespace(&command.exec()).into()
}

/// The simulation, led to the topology.
fn bring_up(loaded: &Loaded) -> Result<Programs, Trouble> {
    // What it takes is found out by a simulation of its own; then it is executed where programs may follow.
    let plan = apply(&mut Sim::new(loaded.checked.seed()), loaded.checked.desired(), &mut |_| {});
    let plan = plan.map_err(|failure| match &failure.why {
        Why::Lacking(fault) => Trouble::from(fault.clone()),
        _ => Trouble::failed(failure).help("the topology asks for what Linux refuses"),
    })?;
    let mut programs = Programs::new(loaded.checked.seed())?;
    programs
        .execute(&plan.ops)
        .map_err(|failure| Trouble::failed(failure).help("the topology asks for what Linux refuses"))?;
    Ok(programs)
}

/// `NS: CMD`.
fn beside(with: &str) -> Result<(NetnsName, Vec<OsString>), Trouble> {
    let bad = || {
        Trouble::input(format!("--with {with:?} says no program"))
            .help("write it as --with 'h3: python3 -m http.server 80'")
    };
    let (name, line) = with.split_once(':').ok_or_else(bad)?;
    let words = split_words(line).filter(|words| !words.is_empty()).ok_or_else(bad)?;
    Ok((netns(name.trim())?, words.into_iter().map(OsString::from).collect()))
}

fn start(programs: &Programs, name: &NetnsName, words: &[OsString], aside: bool) -> Result<Child, ExitCode> {
    let (program, rest) = words.split_first().map_or((OsStr::new(""), &[][..]), |(p, rest)| (p.as_os_str(), rest));
    let mut command = programs.command(name, program).map_err(|fault| {
        complain(&fault.to_string(), None);
        ExitCode::from(FAILED)
    })?;
    command.args(rest);
    if aside {
        // The terminal is the foreground program's.
        command.stdin(std::process::Stdio::null()).process_group(0);
    }
    command.spawn().map_err(|e| {
        complain(&format!("{}: {e}", program.display()), None);
        ExitCode::from(if e.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE })
    })
}

/// Lets time pass until the program ends, and does meanwhile what the timeline says.
fn attend(
    programs: &mut Programs,
    company: &mut Company,
    mut child: Child,
    timeline: &[(Duration, Vec<Op>)],
) -> Result<ExitCode, Trouble> {
    let began = Instant::now();
    let mut agenda = timeline.iter().peekable();
    let over = ending(child.id())?;
    while !any_readable(&[over.as_fd()])? {
        let ends: Vec<OwnedFd> = company.0.iter().filter_map(|(.., child)| ending(child.id()).ok()).collect();
        let all: Vec<_> = std::iter::once(over.as_fd()).chain(ends.iter().map(AsFd::as_fd)).collect();
        programs.pump().run(agenda.peek().map(|(at, _)| began + *at), &all)?;
        while let Some((_, ops)) = agenda.next_if(|(at, _)| began + *at <= Instant::now()) {
            for op in ops {
                if let Err(failure) = programs.execute(std::slice::from_ref(op)) {
                    // What is refused does not keep the next from being tried, as in `sim`.
                    complain(&format!("{op}: {}", failure.fault), None);
                }
            }
        }
        company.bury();
    }
    let status = child.wait()?;
    company.dismiss(programs)?;
    Ok(ExitCode::from(as_shells_say(status)))
}

/// The programs that run beside.
#[derive(Default)]
struct Company(Vec<(NetnsName, Vec<OsString>, Child)>);

impl Company {
    /// Lets go of those that have ended, with a word.
    fn bury(&mut self) {
        self.0.retain_mut(|(name, words, child)| match child.try_wait() {
            Ok(Some(status)) => {
                eprintln!("nettwin: {name}: {} ended: {status}", words[0].display());
                false
            }
            _ => true,
        });
    }

    /// Asks them to end, and sees to it.
    fn dismiss(&mut self, programs: &mut Programs) -> Result<(), Trouble> {
        self.0.iter().for_each(|(.., child)| signal_group(child.id(), SIGTERM));
        let deadline = Instant::now() + GRACE;
        while !self.0.is_empty() && Instant::now() < deadline {
            self.0.retain_mut(|(.., child)| !matches!(child.try_wait(), Ok(Some(_))));
            if !self.0.is_empty() {
                programs.pump().run(Some(Instant::now() + Duration::from_millis(10)), &[])?;
            }
        }
        Ok(())
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        for (.., child) in &mut self.0 {
            signal_group(child.id(), SIGKILL);
            // It has been killed; nothing is left to go wrong.
            let _ = child.wait();
        }
    }
}

fn as_shells_say(status: ExitStatus) -> u8 {
    let number = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    u8::try_from(number & 0xff).unwrap_or(255)
}

/// How long programs beside may take to end when they are asked to.
const GRACE: Duration = Duration::from_secs(2);
const SIGTERM: u8 = 15;
const SIGKILL: u8 = 9;
