//! `nsenter [-t PID] [-n[FILE]] [OPTIONS] [COMMAND…]`: into the network namespace of a file or of a process.
//!
//! Counterpart: util-linux 2.38's `nsenter.c`. A run has one namespace of each other kind, but for its views, which come with
//! the network: with a process, those are its own already. Deliberately absent, and refused by name: their files, `-r`, `-w`,
//! `-S`, `-G`.

use super::own::refuse;
use super::place::Place;
use super::shim;
use super::wire::{Ask, Tell};
use nettwin::model::NetnsName;
use std::io;
use std::process::ExitCode;

/// How it was asked for.
#[derive(Default)]
struct Options {
    target: Option<u32>,
    /// The network: of this file, or of the target.
    net: Option<Option<String>>,
    all: bool,
}

/// What ends it early.
enum Stop {
    /// It complains.
    Said(String),
    /// It complains of its words.
    Misused(String),
    /// This is not for a run.
    Refused(String),
}

/// Runs `nsenter` with these words.
pub(super) fn run(words: &[String]) -> io::Result<ExitCode> {
    let place = Place::find()?;
    let found = parse(words).and_then(|(options, rest)| Ok((wanted(&place, &options)?, rest)));
    let (netns, rest) = match found {
        Ok(found) => found,
        Err(Stop::Refused(what)) => return Ok(refuse(&place, &format!("nsenter {what}"))),
        Err(Stop::Said(text)) => {
            eprintln!("nsenter: {text}");
            return Ok(ExitCode::from(1));
        }
        Err(Stop::Misused(text)) => {
            eprintln!("nsenter: {text}\nTry 'nsenter --help' for more information.");
            return Ok(ExitCode::from(1));
        }
    };
    let mut command_line = rest.to_vec();
    if command_line.is_empty() {
        command_line.push(std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into()));
    }
    let netns = netns.unwrap_or_else(|| place.netns.clone());
    shim::become_in(&place, netns, "nsenter", command_line)
}

/// The options, and the command behind them.
fn parse(words: &[String]) -> Result<(Options, &[String]), Stop> {
    let mut options = Options::default();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-') && word.len() > 1) {
        rest = after;
        if word == "--" {
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            match name {
                "net" => options.net = Some(value.map(str::to_owned)),
                "target" => {
                    let inline = value.map(str::to_owned);
                    let missing = || Stop::Misused("option '--target' requires an argument".into());
                    options.target = Some(pid(&inline.or_else(|| take(&mut rest)).ok_or_else(missing)?)?);
                }
                "all" => options.all = true,
                "no-fork" => {}
                "mount" | "uts" | "ipc" | "pid" | "user" | "cgroup" | "time" if value.is_none() => {}
                _ => return Err(Stop::Refused(word.clone())),
            }
            continue;
        }
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            match letter {
                'n' => options.net = Some(Some(letters.as_str().to_owned()).filter(|file| !file.is_empty())),
                't' => {
                    let inline = Some(letters.as_str().to_owned()).filter(|value| !value.is_empty());
                    let missing = || Stop::Misused("option requires an argument -- 't'".into());
                    options.target = Some(pid(&inline.or_else(|| take(&mut rest)).ok_or_else(missing)?)?);
                }
                'a' => options.all = true,
                'F' => {}
                'm' | 'u' | 'i' | 'p' | 'U' | 'C' | 'T' if letters.as_str().is_empty() => {}
                'm' | 'u' | 'i' | 'p' | 'U' | 'C' | 'T' | 'r' | 'w' | 'S' | 'G' => {
                    return Err(Stop::Refused(word.clone()));
                }
                other => return Err(Stop::Misused(format!("invalid option -- '{other}'"))),
            }
            if matches!(letter, 'n' | 't') {
                break;
            }
        }
    }
    Ok((options, rest))
}

fn take(rest: &mut &[String]) -> Option<String> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(first.clone())
}

fn pid(word: &str) -> Result<u32, Stop> {
    word.parse().map_err(|_| Stop::Said(format!("failed to parse pid: '{word}'")))
}

/// The namespace that is to be entered; `None` if none is.
fn wanted(place: &Place, options: &Options) -> Result<Option<NetnsName>, Stop> {
    let absent = |file: &str| Stop::Said(format!("cannot open {file}: No such file or directory"));
    match (&options.net, options.target) {
        (Some(Some(file)), _) => match of_file(place, file) {
            Some(netns) => Ok(Some(netns)),
            None => Err(absent(file)),
        },
        (Some(None), None) => Err(Stop::Said("neither filename nor target pid supplied for ns/net".into())),
        (None, None) if options.all => Err(Stop::Said("no target PID specified for --all".into())),
        (Some(None), Some(pid)) => match of_process(place, pid) {
            Some(netns) => Ok(Some(netns)),
            None => Err(absent(&format!("/proc/{pid}/ns/net"))),
        },
        (None, Some(pid)) if options.all => match of_process(place, pid) {
            Some(netns) => Ok(Some(netns)),
            None => Err(absent(&format!("/proc/{pid}/ns/user"))),
        },
        (None, _) => Ok(None),
    }
}

/// The namespace whose file this is.
fn of_file(place: &Place, file: &str) -> Option<NetnsName> {
    if let Some(name) = file.strip_prefix("/var").unwrap_or(file).strip_prefix("/run/netns/") {
        return NetnsName::of_file(name).ok();
    }
    let pid = file.strip_prefix("/proc/")?.strip_suffix("/ns/net")?;
    if pid == "self" {
        return Some(place.netns.clone());
    }
    of_process(place, pid.parse().ok()?)
}

/// The namespace that a process is in: a command's is the server's to say, of others their view does.
fn of_process(place: &Place, pid: u32) -> Option<NetnsName> {
    if let Ok(Tell::Where(Some(netns))) = place.ask(&Ask::Where(pid)) {
        return Some(netns);
    }
    let name = std::fs::read_to_string(format!("/proc/{pid}/root/run/nettwin/here/name")).ok()?;
    NetnsName::new(name.trim()).ok()
}
