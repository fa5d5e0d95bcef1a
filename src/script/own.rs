//! Programs around the network that a run does its own way, so that the script's outcome is right: who one is, what time it
//! is, how long something may last, and where it runs.
//!
//! Counterparts: sudo, coreutils, kmod, util-linux, procps. Deliberately absent: users other than root; what an option
//! asks for beyond what is done here is refused by name or left to the real program.

use super::names::can_be_real;
use super::place::{Place, strerror};
use super::shim;
use super::wire::{Ask, Tell};
use nettwin::model::{Instant, NetnsName};
use nettwin_commands::clock::wall;
use nettwin_commands::http;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

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
        "timeout" => super::timeout::run(words),
        "watch" => watch(words),
        "nsenter" => super::nsenter::run(words),
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

/// Passes the signals that this process gets to its child.
pub(super) fn pass_on(child: u32) -> io::Result<()> {
    each_signal(move |signal| super::os::signal(child, signal))
}

/// Does this with each signal that asks this process to end.
pub(super) fn each_signal(mut act: impl FnMut(u8) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            act(u8::try_from(signal).unwrap_or(0));
        }
    });
    Ok(())
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
