//! Programs around the network that a run does its own way, so that the script's outcome is right: who one is, what time it
//! is, how long something may last, and where it runs.
//!
//! Counterparts: sudo, coreutils, kmod, util-linux, procps. Deliberately absent: users other than root; what an option
//! asks for beyond what is done here is refused by name or left to the real program.

use super::names::can_be_real;
use super::place::{Place, strerror};
use super::shim::{self, as_shells_say};
use super::wire::{Ask, Tell};
use nettwin::model::{Instant, NetnsName};
use nettwin_commands::clock::wall;
use nettwin_commands::http;
use nettwin_commands::sleep::interval;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs the program of that name.
pub(crate) fn run(name: &str, words: &[String]) -> io::Result<ExitCode> {
    match name {
        "sudo" => Ok(sudo(words)),
        "id" => id(words),
        "whoami" => {
            println!("root");
            Ok(ExitCode::SUCCESS)
        }
        "modprobe" => Ok(modprobe(words)),
        "date" => date(words),
        "timeout" => timeout(words),
        "watch" => watch(words),
        "nsenter" => nsenter(words),
        "unshare" => unshare(words),
        _ => python(name, words),
    }
}

/// Says that a program is not for this network, here and at the end of the run.
pub(crate) fn refuse(place: &Place, what: &str) -> ExitCode {
    let name = what.split(' ').next().unwrap_or_default();
    let hint = if can_be_real(name) { " (with --programs the real one runs, by the wall's clock)" } else { "" };
    eprintln!("nettwin: {what} is not supported in a simulated network{hint}");
    // The message above is said even if the server has gone.
    let _ = place.ask(&Ask::Refused(what.to_owned()));
    ExitCode::from(255)
}

/// Everybody is root already.
fn sudo(words: &[String]) -> ExitCode {
    let mut rest = words;
    let mut command_line = Vec::new();
    while let Some((word, after)) = rest.split_first() {
        match word.as_str() {
            "--" => {
                rest = after;
                break;
            }
            "-u" | "-g" | "-p" | "-C" | "-h" | "-r" | "-t" | "-U" | "--user" | "--group" | "--prompt" => {
                rest = after.get(1..).unwrap_or_default();
                continue;
            }
            "-v" | "-k" | "-K" | "-l" if after.is_empty() => return ExitCode::SUCCESS,
            "-s" | "-i" | "--shell" | "--login" => {
                let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
                command_line = vec![shell];
                if !after.is_empty() {
                    command_line.push("-c".into());
                    command_line.push(after.join(" "));
                }
                rest = &[];
                break;
            }
            _ if word.starts_with('-') => {}
            _ => break,
        }
        rest = after;
    }
    let mut set = Vec::new();
    while let Some((name, value)) = rest.first().and_then(|word| word.split_once('=')) {
        set.push((name.to_owned(), value.to_owned()));
        rest = &rest[1..];
    }
    command_line.extend_from_slice(rest);
    let Some((program, arguments)) = command_line.split_first() else {
        eprintln!("usage: sudo [-E] [-n] [-u user] [VAR=value] [-i | -s] [command [arg ...]]");
        return ExitCode::from(1);
    };
    let e = Command::new(program).args(arguments).envs(set).exec();
    match e.kind() {
        io::ErrorKind::NotFound => eprintln!("sudo: {program}: command not found"),
        _ => eprintln!("sudo: unable to execute {program}: {}", strerror(&e)),
    }
    ExitCode::from(1)
}

fn id(words: &[String]) -> io::Result<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = match words[..] {
        [] | ["root"] => "uid=0(root) gid=0(root) groups=0(root)",
        ["-u" | "-g" | "-G" | "-ru" | "-ur" | "--user" | "--group"] => "0",
        ["-un" | "-nu" | "-gn" | "-ng" | "-Gn" | "-nG"] | ["-u" | "-g", "-n"] | ["-n", "-u" | "-g"] => "root",
        _ => return real("id", &words),
    };
    println!("{said}");
    Ok(ExitCode::SUCCESS)
}

/// Modules of what the simulated kernel has built in.
const MODULES: &[&str] = &["bridge", "br_netfilter", "dummy", "ip_tables", "llc", "sch_netem", "stp", "veth"];

fn modprobe(words: &[String]) -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    for word in words.iter().filter(|word| !word.starts_with('-')) {
        // Options of a module follow it.
        if !word.contains('=') && !MODULES.contains(&word.replace('-', "_").as_str()) {
            eprintln!("modprobe: FATAL: Module {word} not found in directory /lib/modules/simulated");
            status = ExitCode::from(1);
        }
    }
    status
}

fn date(words: &[String]) -> io::Result<ExitCode> {
    let place = Place::find()?;
    let given = |word: &String| {
        ["-d", "-f", "-r", "-s", "--date", "--file", "--reference", "--set"].iter().any(|o| word.starts_with(o))
    };
    let mut all: Vec<String> = Vec::new();
    if !words.iter().any(given) {
        let Tell::Time(ns) = place.ask(&Ask::Time)? else { return Err(io::Error::other("no time")) };
        all.push("-d".into());
        let since_1970 = wall(Instant::from_nanos(ns));
        all.push(format!("@{}.{:09}", since_1970.as_secs(), since_1970.subsec_nanos()));
    }
    all.extend_from_slice(words);
    real("date", &all)
}

/// Becomes the program that a name stands for outside of a run.
fn real<S: AsRef<std::ffi::OsStr>>(name: &str, words: &[S]) -> io::Result<ExitCode> {
    let Some(program) = Place::find()?.real(name) else {
        eprintln!("nettwin: {name}: command not found");
        return Ok(ExitCode::from(127));
    };
    Err(Command::new(program).arg0(name).args(words).exec())
}

fn python(name: &str, words: &[String]) -> io::Result<ExitCode> {
    let all: Vec<String> = std::iter::once(name.to_owned()).chain(words.iter().cloned()).collect();
    if http::is_served(&all) && name != "python" {
        let line = std::iter::once(http::NAME.to_owned()).chain(all).collect();
        return shim::run(&Place::find()?, line);
    }
    let serves = |pair: &[String]| pair[0] == "-m" && ["http.server", "SimpleHTTPServer"].contains(&pair[1].as_str());
    if words.windows(2).any(serves) {
        return Ok(refuse(&Place::find()?, &format!("{name} {}", words.join(" "))));
    }
    real(name, words)
}

/// `timeout [-s SIGNAL] [-k TIME] [--preserve-status] TIME COMMAND…`, in virtual time.
fn timeout(words: &[String]) -> io::Result<ExitCode> {
    let (mut signal, mut kill_after, mut preserve) = (SIGTERM as u8, None, false);
    let mut rest = words;
    let usage = |message: String| {
        eprintln!("timeout: {message}\nTry 'timeout --help' for more information.");
        Ok(ExitCode::from(125))
    };
    while let Some((option, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        rest = after;
        let (name, inline) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None if !option.starts_with("--") && option.len() > 2 && option.is_char_boundary(2) => {
                (&option[..2], Some(option[2..].to_owned()))
            }
            None => (option.as_str(), None),
        };
        let mut value = || {
            inline.clone().or_else(|| {
                let (first, after) = rest.split_first()?;
                rest = after;
                Some(first.clone())
            })
        };
        match name {
            "--preserve-status" => preserve = true,
            "--foreground" | "-v" | "--verbose" => {}
            "-s" | "--signal" => match value().as_deref().and_then(signal_number) {
                Some(number) => signal = number,
                None => return usage("invalid signal".into()),
            },
            "-k" | "--kill-after" => match value().as_deref().and_then(interval) {
                Some(time) => kill_after = Some(time),
                None => return usage("invalid time interval".into()),
            },
            "--" => break,
            other => return usage(format!("unrecognized option '{other}'")),
        }
    }
    let [time, program, arguments @ ..] = rest else { return usage("missing operand".into()) };
    let Some(time) = interval(time) else { return usage(format!("invalid time interval ‘{time}’")) };
    let mut child = match Command::new(program).args(arguments).spawn() {
        Ok(child) => child,
        Err(e) => {
            eprintln!("timeout: failed to run command ‘{program}’: {}", strerror(&e));
            return Ok(ExitCode::from(if e.kind() == io::ErrorKind::NotFound { 127 } else { 126 }));
        }
    };
    let (pid, place, is_over) = (child.id(), Place::find()?, Arc::new(AtomicBool::new(false)));
    pass_on(pid)?;
    if !time.is_zero() {
        let is_over = Arc::clone(&is_over);
        std::thread::spawn(move || watchdog(&place, pid, time, signal, kill_after, &is_over));
    }
    let status = as_shells_say(&child.wait()?);
    let killed = is_over.load(Ordering::SeqCst) && !preserve && status != 137;
    Ok(ExitCode::from(if killed { 124 } else { status }))
}

fn watchdog(place: &Place, pid: u32, time: Duration, signal: u8, kill_after: Option<Duration>, is_over: &AtomicBool) {
    // Without a server the run is over.
    if place.sleep(time.as_secs_f64()).is_err() {
        return;
    }
    is_over.store(true, Ordering::SeqCst);
    super::os::signal(pid, signal);
    if let Some(time) = kill_after
        && place.sleep(time.as_secs_f64()).is_ok()
    {
        super::os::kill(pid);
    }
}

/// Passes the signals that this process gets to its child.
pub(super) fn pass_on(child: u32) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            super::os::signal(child, u8::try_from(signal).unwrap_or(0));
        }
    });
    Ok(())
}

fn signal_number(word: &str) -> Option<u8> {
    let names =
        [(1, "HUP"), (2, "INT"), (3, "QUIT"), (9, "KILL"), (10, "USR1"), (12, "USR2"), (13, "PIPE"), (15, "TERM")];
    let word = word.strip_prefix("SIG").unwrap_or(word);
    let named = names.iter().find(|(_, name)| *name == word).map(|(number, _)| *number);
    named.or_else(|| word.parse().ok().filter(|n| (1..=31).contains(n)))
}

/// `watch [-n SECONDS] [-t] COMMAND…`: every so often, below a title, until it is killed.
fn watch(words: &[String]) -> io::Result<ExitCode> {
    let place = Place::find()?;
    let (mut every, mut has_title) = (2.0, true);
    let mut rest = words;
    while let Some((option, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        rest = after;
        match option.as_str() {
            "-t" | "--no-title" => has_title = false,
            "-n" | "--interval" => {
                let Some((seconds, after)) = rest.split_first() else { break };
                every = seconds.parse().ok().filter(|s| (0.1..1e9).contains(s)).unwrap_or(2.0);
                rest = after;
            }
            other => return Ok(refuse(&place, &format!("watch {other}"))),
        }
    }
    if rest.is_empty() {
        eprintln!("Usage:\n watch [options] command");
        return Ok(ExitCode::from(1));
    }
    let line = rest.join(" ");
    loop {
        if has_title {
            println!("Every {every:.1}s: {line}\n");
        }
        Command::new("sh").args(["-c", &line]).status()?;
        place.sleep(every)?;
    }
}

/// `nsenter --net=FILE COMMAND…`.
fn nsenter(words: &[String]) -> io::Result<ExitCode> {
    let place = Place::find()?;
    let mut netns = None;
    let mut rest = words;
    while let Some((option, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        rest = after;
        let file = option.strip_prefix("--net=").or_else(|| option.strip_prefix("-n").filter(|f| !f.is_empty()));
        match file {
            _ if option == "--" => break,
            Some(file) => match named(file) {
                Some(name) => netns = Some(name),
                None => {
                    eprintln!("nsenter: cannot open {file}: No such file or directory");
                    return Ok(ExitCode::from(1));
                }
            },
            None => return Ok(refuse(&place, &format!("nsenter {option}"))),
        }
    }
    let mut command_line = rest.to_vec();
    if command_line.is_empty() {
        command_line.push(std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into()));
    }
    let netns = netns.unwrap_or_else(|| place.netns.clone());
    shim::become_in(&place, netns, "nsenter", command_line)
}

/// The namespace whose file this is.
fn named(file: &str) -> Option<NetnsName> {
    let name = file.strip_prefix("/var").unwrap_or(file).strip_prefix("/run/netns/")?;
    NetnsName::new(name).ok()
}

/// `unshare -n [OPTIONS] COMMAND…`: the namespace goes with the process. Everybody is root already; what else is to be
/// unshared the real program does there.
fn unshare(words: &[String]) -> io::Result<ExitCode> {
    let (options, command) = words.split_at(words.iter().take_while(|word| word.starts_with('-')).count());
    let (mut net, mut rest, mut unknown) = (false, Vec::new(), None);
    for option in options {
        match option.as_str() {
            "--" | "--user" | "--map-root-user" | "--map-current-user" => {}
            "--net" => net = true,
            "--mount" | "--uts" | "--ipc" | "--cgroup" | "--fork" => rest.push(option.clone()),
            short if !short.starts_with("--") => {
                net |= short.contains('n');
                if short[1..].contains(|c| !"nUrcmuiCf".contains(c)) {
                    unknown = Some(option);
                }
                let others: String = short.chars().filter(|c| !"nUrc".contains(*c)).collect();
                rest.extend(Some(others).filter(|others| others != "-"));
            }
            _ => unknown = Some(option),
        }
    }
    if !net && !options.iter().any(|option| option.starts_with("--net=")) {
        return real("unshare", words);
    }
    let place = Place::find()?;
    if let Some(option) = unknown.filter(|_| net) {
        return Ok(refuse(&place, &format!("unshare {option}")));
    }
    let netns = NetnsName::of_process(std::process::id());
    let line = ["ip", "netns", "add", netns.as_str()].map(str::to_owned).to_vec();
    if !net || place.has_programs() || !matches!(place.ask(&Ask::Run(place.call(line)))?, Tell::Exit(0)) {
        return Ok(refuse(&place, "unshare --net"));
    }
    let mut line = command.to_vec();
    if line.is_empty() {
        line.push(std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into()));
    }
    if !rest.is_empty() {
        line = std::iter::once("unshare".to_owned()).chain(rest).chain(line).collect();
    }
    shim::become_in(&place, netns, "unshare", line)
}
