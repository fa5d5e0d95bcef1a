//! A command of the simulated network as the script sees it: a process that hands its words and streams to the run's server
//! and does what that says.
//!
//! Kernel counterpart: `execve(2)`. It reads standard input only when it is told to, so that it does not eat what the script
//! reads after it; it dies of the signal that the command dies of. Deliberately absent: any knowledge of networks.

use super::names::{CATCHING, DAEMON, called, goes_on, usual};
use super::os::{enter_netns, receive_fd};
use super::place::{Place, strerror};
use super::record::{Recorder, executes};
use super::wire::{self, Ask, Listed, Tell};
use nettwin::model::NetnsName;
use nettwin_commands::http;
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::UNIX_EPOCH;

/// Under this name this program goes to a namespace and becomes another.
pub(crate) const ENTER: &str = "nettwin-enter";

/// Runs a command of the simulated network.
pub(crate) fn run(place: &Place, words: Vec<String>) -> io::Result<ExitCode> {
    if goes_on(&words) {
        return leave_behind(place, &words);
    }
    let stream = place.connect()?;
    let runs = executes(&words).unwrap_or(&words[0]);
    if called(runs).is_some_and(|name| CATCHING.contains(&name)) {
        pass_signals(stream.try_clone()?)?;
    }
    let program = words[0].clone();
    // A real server is not recorded either.
    let recorder = if program == http::NAME { None } else { Recorder::of(place, &words) };
    wire::send(&stream, &Ask::Run(place.call(words)), &[])?;
    obey(place, &stream, &program, recorder)
}

/// Starts a server that goes on in the background, as `daemon(3)` does.
fn leave_behind(place: &Place, words: &[String]) -> io::Result<ExitCode> {
    let rest = words[1..].iter().filter(|word| !DAEMON.contains(&word.as_str()));
    let mut command = Command::new(std::env::current_exe()?);
    command.arg0(&words[0]).args(rest).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Until it listens.
    place.sleep(0.01)?;
    Ok(ExitCode::SUCCESS)
}

/// Becomes a program in another namespace.
pub(crate) fn become_in(place: &Place, netns: NetnsName, program: &str, words: Vec<String>) -> io::Result<ExitCode> {
    let stream = place.connect()?;
    // A command of the network is recorded as if it had been called there.
    let there = place.elsewhere(netns);
    let runs = words.first().and_then(|word| called(word)).filter(|name| *name != http::NAME);
    let recorder = runs.and_then(|_| Recorder::of(&there, &words));
    wire::send(&stream, &Ask::Become(there.call(words)), &[])?;
    obey(place, &stream, program, recorder)
}

/// The program of a job that spawns: the words are a namespace and a command line.
pub(crate) fn enter(place: &Place, words: &[String]) -> io::Result<ExitCode> {
    let Some((netns, words)) = words.split_first() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let netns = NetnsName::new(netns).map_err(io::Error::other)?;
    Ok(failed(&words[0], &place.go(&netns, words)))
}

fn obey(place: &Place, stream: &UnixStream, program: &str, mut recorder: Option<Recorder>) -> io::Result<ExitCode> {
    let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut err = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    while let Some((told, bytes)) = wire::receive::<Tell>(stream)? {
        match told {
            Tell::Out => {
                recorder.iter_mut().for_each(|recorder| recorder.out(&bytes));
                write(&mut out, &bytes, &mut recorder);
            }
            Tell::Err => {
                recorder.iter_mut().for_each(|recorder| recorder.err(&bytes));
                write(&mut err, &bytes, &mut recorder);
            }
            Tell::WantInput => read_input(stream.try_clone()?)?,
            Tell::Exit(status) => {
                recorder.into_iter().for_each(|recorder| recorder.ended(status));
                return Ok(ExitCode::from(status));
            }
            Tell::Die(signal) => {
                recorder.into_iter().for_each(|recorder| recorder.ended(128 + signal));
                die(signal.into());
                return Ok(ExitCode::from(128 + signal));
            }
            Tell::BecomeReal(netns, words) => {
                enter_netns(receive_fd(stream)?.as_fd())?;
                // Its name may stand for this program here.
                let real = usual(&words[0]).and_then(|name| place.real(name));
                let e = place.go_as(&netns, &words, real.as_deref());
                eprintln!("{program}: failed to execute {}: {}", words[0], strerror(&e));
                return Ok(ExitCode::from(if e.kind() == io::ErrorKind::NotFound { 127 } else { 126 }));
            }
            Tell::SpawnReal(netns, words) => {
                // The child is there too; if its name stands for this program it asks again.
                enter_netns(receive_fd(stream)?.as_fd())?;
                let mut command = Command::new(std::env::current_exe()?);
                command.arg0(ENTER).arg(netns.as_str()).args(words);
                let status = command.status().map_or(1, |status| as_shells_say(&status));
                wire::send(stream, &Ask::ChildEnded(status), &[])?;
            }
            Tell::Become(netns, words) => {
                let e = place.go(&netns, &words);
                // As iproute2 has it; its relatives differ in words only.
                if program == "ip" {
                    return Ok(failed(&words[0], &e));
                }
                eprintln!("{program}: failed to execute {}: {}", words[0], strerror(&e));
                return Ok(ExitCode::from(if e.kind() == io::ErrorKind::NotFound { 127 } else { 126 }));
            }
            Tell::Spawn(netns, words) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg0(ENTER).arg(netns.as_str()).args(words);
                let status = command.status().map_or(1, |status| as_shells_say(&status));
                wire::send(stream, &Ask::ChildEnded(status), &[])?;
            }
            Tell::Read(path) => match std::fs::read(path) {
                Ok(bytes) => wire::send(stream, &Ask::File(None), &bytes)?,
                Err(e) => wire::send(stream, &Ask::File(e.raw_os_error().or(Some(5))), &[])?,
            },
            Tell::List(path) => match list(&path).and_then(|entries| Ok(serde_json::to_vec(&entries)?)) {
                Ok(bytes) => wire::send(stream, &Ask::File(None), &bytes)?,
                Err(e) => wire::send(stream, &Ask::File(e.raw_os_error().or(Some(5))), &[])?,
            },
            Tell::Write { path, append } => {
                let mut options = OpenOptions::new();
                options.create(true).write(true).append(append).truncate(!append);
                let written = options.open(path).and_then(|mut file| file.write_all(&bytes));
                wire::send(stream, &Ask::File(written.err().map(|e| e.raw_os_error().unwrap_or(5))), &[])?;
            }
            Tell::Time(_) | Tell::Where(_) => {}
        }
    }
    // The run is over, or was ended.
    Ok(ExitCode::from(255))
}

/// What a folder holds; what a link leads to counts.
fn list(path: &str) -> io::Result<Vec<Listed>> {
    let entry = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let modified = std::fs::metadata(&path).and_then(|data| data.modified()).unwrap_or(UNIX_EPOCH);
        let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        (entry.file_name().to_string_lossy().into_owned(), path.is_dir(), path.is_symlink(), modified)
    };
    Ok(std::fs::read_dir(path)?.flatten().map(entry).collect())
}

fn failed(program: &str, e: &io::Error) -> ExitCode {
    eprintln!("exec of \"{program}\" failed: {}", strerror(e));
    ExitCode::from(1)
}

fn write(to: &mut File, bytes: &[u8], recorder: &mut Option<Recorder>) {
    match to.write_all(bytes) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            recorder.take().into_iter().for_each(|recorder| recorder.ended(128 + SIGPIPE as u8));
            die(SIGPIPE);
        }
        // A full disk loses output as it does for any program that does not look.
        _ => {}
    }
}

fn die(signal: i32) {
    // Fails for signals that do not exist only; the status says the same then.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Reads once, beside the rest, and hands on what came.
fn read_input(stream: UnixStream) -> io::Result<()> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        let count = input.read(&mut buffer).unwrap_or(0);
        // The server has gone when this fails, and so will this process.
        let _ = wire::send(&stream, &Ask::Input, &buffer[..count]);
    });
    Ok(())
}

fn pass_signals(stream: UnixStream) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let number = u8::try_from(signal).unwrap_or(0);
            if wire::send(&stream, &Ask::Signal(number), &[]).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// An exit status as a shell shows it.
pub(crate) fn as_shells_say(status: &ExitStatus) -> u8 {
    let number = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    u8::try_from(number & 0xff).unwrap_or(255)
}
