//! `timeout [-v] [-s SIGNAL] [-k TIME] [--foreground] [--preserve-status] TIME COMMAND…`, in virtual time.
//!
//! Counterpart: coreutils 9.1's `timeout.c`. The command gets a process group of its own, which gets the signals: so the
//! commands that a shell runs end with it. Deliberately absent: core dumps, messages in other languages than English.

use super::os::{signal, signal_group};
use super::own::each_signal;
use super::place::{Place, strerror};
use super::shim::as_shells_say;
use nettwin_commands::sleep::interval;
use signal_hook::consts::{SIGCONT, SIGKILL, SIGTERM};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How it was asked for.
struct Options {
    signal: u8,
    kill_after: Option<Duration>,
    preserve: bool,
    foreground: bool,
    verbose: bool,
}

/// Runs `timeout` with these words.
pub(super) fn run(words: &[String]) -> io::Result<ExitCode> {
    let wrong = |message: String| {
        let message = if message.is_empty() { message } else { format!("timeout: {message}\n") };
        eprintln!("{message}Try 'timeout --help' for more information.");
        Ok(ExitCode::from(125))
    };
    let (options, rest) = match parse(words) {
        Ok(parsed) => parsed,
        Err(message) => return wrong(message),
    };
    let [time, program, arguments @ ..] = rest else { return wrong(String::new()) };
    let Some(time) = interval(time) else { return wrong(format!("invalid time interval ‘{time}’")) };
    let mut command = Command::new(program);
    command.args(arguments);
    if !options.foreground {
        command.process_group(0);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            eprintln!("timeout: failed to run command ‘{program}’: {}", strerror(&e));
            return Ok(ExitCode::from(if e.kind() == io::ErrorKind::NotFound { 127 } else { 126 }));
        }
    };
    let (pid, place, is_over) = (child.id(), Place::find()?, Arc::new(AtomicBool::new(false)));
    let (preserve, foreground) = (options.preserve, options.foreground);
    each_signal(move |number| send(pid, number, foreground))?;
    if !time.is_zero() {
        let (is_over, program) = (Arc::clone(&is_over), program.clone());
        std::thread::spawn(move || watchdog(&place, pid, time, &options, &program, &is_over));
    }
    let status = child.wait()?;
    let (is_over, killed) = (is_over.load(Ordering::SeqCst), status.signal() == Some(SIGKILL));
    if let Some(signal) = status.signal().filter(|_| !is_over || (killed && !foreground)) {
        // As the command did. It fails for signals that do not exist only.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    let timed_out = is_over && !preserve && !killed;
    Ok(ExitCode::from(if timed_out { 124 } else { as_shells_say(&status) }))
}

/// The options, and what follows them; the error is what is said of it.
fn parse(words: &[String]) -> Result<(Options, &[String]), String> {
    let mut options =
        Options { signal: SIGTERM as u8, kill_after: None, preserve: false, foreground: false, verbose: false };
    let mut rest = words;
    while let Some((option, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-') && word.len() > 1) {
        rest = after;
        let (name, inline) = match option.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            None if !option.starts_with("--") && option.len() > 2 && option.is_char_boundary(2) => {
                (&option[..2], Some(option[2..].to_owned()))
            }
            _ => (option.as_str(), None),
        };
        let mut value = || {
            inline.clone().or_else(|| {
                let (first, after) = rest.split_first()?;
                rest = after;
                Some(first.clone())
            })
        };
        let missing = || match name.strip_prefix("--") {
            Some(_) => format!("option '{name}' requires an argument"),
            None => format!("option requires an argument -- '{}'", name.trim_start_matches('-')),
        };
        match name {
            "--preserve-status" => options.preserve = true,
            "--foreground" => options.foreground = true,
            "-v" | "--verbose" => options.verbose = true,
            "-s" | "--signal" => {
                let word = value().ok_or_else(missing)?;
                options.signal = signal_number(&word).ok_or_else(|| format!("‘{word}’: invalid signal"))?;
            }
            "-k" | "--kill-after" => {
                let word = value().ok_or_else(missing)?;
                let time = interval(&word).ok_or_else(|| format!("invalid time interval ‘{word}’"))?;
                options.kill_after = Some(time);
            }
            "--" => break,
            _ if name.starts_with("--") => return Err(format!("unrecognized option '{option}'")),
            _ => return Err(format!("invalid option -- '{}'", &name[1..])),
        }
    }
    Ok((options, rest))
}

fn send(pid: u32, number: u8, foreground: bool) {
    if foreground { signal(pid, number) } else { signal_group(pid, number) }
}

fn watchdog(place: &Place, pid: u32, time: Duration, options: &Options, program: &str, is_over: &AtomicBool) {
    let tell = |number: u8| {
        if options.verbose {
            let known = NAMES.iter().find(|(known, _)| *known == number);
            let name = known.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned());
            eprintln!("timeout: sending signal {name} to command ‘{program}’");
        }
        send(pid, number, options.foreground);
        if !options.foreground && i32::from(number) != SIGKILL {
            signal_group(pid, SIGCONT as u8);
        }
    };
    // Without a server the run is over.
    if place.sleep(time.as_secs_f64()).is_err() {
        return;
    }
    is_over.store(true, Ordering::SeqCst);
    tell(options.signal);
    if let Some(time) = options.kill_after
        && place.sleep(time.as_secs_f64()).is_ok()
    {
        tell(SIGKILL as u8);
    }
}

fn signal_number(word: &str) -> Option<u8> {
    let word = word.strip_prefix("SIG").unwrap_or(word);
    let named = NAMES.iter().find(|(_, name)| *name == word).map(|(number, _)| *number);
    named.or_else(|| word.parse().ok().filter(|n| (1..=31).contains(n)))
}

const NAMES: &[(u8, &str)] = &[
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (6, "ABRT"),
    (9, "KILL"),
    (10, "USR1"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (18, "CONT"),
    (19, "STOP"),
];
