//! A run from its beginning to its end: the private folder, the shell, the server, and what is said when all is over.
//!
//! Deliberately absent: keeping anything; the folder goes with the run, and the next run removes what a killed one left.

use super::builtin::Pace;
use super::machine::Told;
use super::names;
use super::noted::Noted;
use super::os::{Watch, adopt_orphans, kill, room_in_memory};
use super::place::FOLDER;
use super::record;
use super::server::{Over, Server, Signals};
use super::shell::{ROOT, command_line, path};
use super::shim::as_shells_say;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Where a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    /// On the simulator.
    Sim,
    /// On the simulator, without namespaces for the script's processes.
    PlainSim,
    /// On the simulator by the wall's clock, where real programs may run too.
    Programs,
    /// On the kernel, with the real commands.
    Kernel,
}

/// What to run, and how.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The script.
    pub(crate) script: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Where.
    pub(crate) on: Machine,
    /// The simulator's seed.
    pub(crate) seed: u64,
    /// The virtual time that a command takes.
    pub(crate) step: Duration,
    /// The virtual time that the script may take.
    pub(crate) most: Duration,
    /// Where to write what each command said.
    pub(crate) record: Option<PathBuf>,
    /// What the script prints is thrown away, and what it does is noted.
    pub(crate) is_noted: bool,
    /// The script's host has a way to a simulated outside.
    pub(crate) has_uplink: bool,
}

/// How a run ended: its exit status as a shell has it, and the notes if any were taken.
pub(crate) type Outcome = (u8, Option<Noted>);

impl Run {
    fn machine(&self) -> Told {
        let host = super::host(self.seed);
        let machine = if self.is_noted { Noted::with_diary(host) } else { Noted::plain(host) };
        Told::of(if self.has_uplink { super::with_uplink(machine) } else { machine })
    }

    fn pace(&self) -> Pace {
        Pace { step: self.step, most: self.most }
    }

    fn out(&self) -> Stdio {
        if self.is_noted { Stdio::null() } else { Stdio::inherit() }
    }
}

/// Runs a script.
pub(crate) fn run(run: &Run) -> io::Result<Outcome> {
    let line = command_line(&run.script, &run.arguments)
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", run.script.display())))?;
    let signals = Signals::default();
    for (signal, flag) in [(SIGHUP, &signals.stop), (SIGTERM, &signals.stop), (SIGINT, &signals.interrupt)] {
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    // The script gets it too and decides.
    signal_hook::flag::register(SIGQUIT, Arc::default())?;
    if run.on == Machine::PlainSim {
        return plainly(run, &line, signals);
    }
    match apart(run, &line, signals.clone()) {
        Err(Unable::NoNamespaces(why)) if run.on == Machine::Sim => {
            eprintln!("nettwin: the script gets no namespaces of its own ({why}); paths in it are rewritten instead");
            plainly(run, &line, signals)
        }
        Err(Unable::NoNamespaces(why)) => Err(io::Error::other(format!("no namespaces for the script: {why}"))),
        Err(Unable::Broken(e)) => Err(e),
        Ok(outcome) => Ok(outcome),
    }
}

/// Why no script was run.
enum Unable {
    NoNamespaces(String),
    Broken(io::Error),
}

impl From<io::Error> for Unable {
    fn from(e: io::Error) -> Self {
        Unable::Broken(e)
    }
}

/// In namespaces of the script's own.
#[cfg(all(feature = "kernel", target_os = "linux"))]
fn apart(run: &Run, line: &[OsString], signals: Signals) -> Result<Outcome, Unable> {
    let folder = Folder::new()?;
    folder.begin_record(run)?;
    let machine = match run.on {
        Machine::Programs => Told::with_programs(run.seed).map_err(|fault| io::Error::other(fault.to_string()))?,
        _ => run.machine(),
    };
    let mut server = Server::new(&folder.path, machine, run.pace(), signals)?;
    let on_kernel = run.on == Machine::Kernel;
    let child = match run.on {
        Machine::Programs => {
            fs::write(folder.path.join(super::place::PROGRAMS), "")?;
            eprintln!("nettwin: real programs may run, the network between them is simulated; clock: real");
            super::stage::spawn_as_root(&folder.path, line)
        }
        _ => super::stage::spawn(&folder.path, on_kernel, line, run.out()),
    };
    let mut child = child.map_err(|e| Unable::NoNamespaces(super::place::strerror(&e)))?;
    let stage = child.id();
    let processes = || {
        let children = fs::read_to_string(format!("/proc/{stage}/task/{stage}/children")).ok()?;
        Some(Watch::namespace(children.split_whitespace().next()?.parse().ok()?))
    };
    let over = if on_kernel {
        server.serve(|| None, || child.try_wait().map_or(true, |status| status.is_some()))
    } else {
        server.serve(processes, || child.try_wait().map_or(true, |status| status.is_some()))
    };
    if matches!(over, Ok(Over::Ended)) {
        let status = as_shells_say(&child.wait()?);
        summarise(&server);
        folder.end_record(run)?;
        return Ok((status, server.into_noted()));
    }
    // With the outer process all inner ones die.
    kill(stage);
    child.wait()?;
    match over? {
        Over::NoScene(why) => Err(Unable::NoNamespaces(why)),
        over => Ok((ended_early(&server, over), None)),
    }
}

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn apart(_: &Run, _: &[OsString], _: Signals) -> Result<Outcome, Unable> {
    Err(Unable::NoNamespaces("this system has none".into()))
}

/// Without namespaces: the commands are found by PATH, and paths in the script's text lead to the views.
fn plainly(run: &Run, line: &[OsString], signals: Signals) -> io::Result<Outcome> {
    let folder = Folder::new()?;
    folder.begin_record(run)?;
    adopt_orphans()?;
    let program = std::env::current_exe()?;
    for name in names::all() {
        symlink(&program, folder.path.join("bin").join(name))?;
    }
    let text = String::from_utf8_lossy(&fs::read(&run.script)?).into_owned();
    let rewritten = super::rewrite::rewrite(&text, &folder.path);
    for complaint in &rewritten.missed {
        eprintln!("nettwin: {}: {complaint}", run.script.display());
    }
    let script = folder.path.join(run.script.file_name().unwrap_or_default());
    fs::write(&script, rewritten.text)?;
    let mut server = Server::new(&folder.path, run.machine(), run.pace(), signals)?;
    server.show_all();
    let at = line.len() - run.arguments.len() - 1;
    let mut line = line.to_vec();
    line[at] = script.into_os_string();
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).env("PATH", path(&folder.path.join("bin"))).env(FOLDER, &folder.path);
    let mut child: Child = command.envs(ROOT.iter().copied()).stdout(run.out()).spawn()?;
    let us = std::process::id();
    let over = server.serve(|| Some(Watch::descendants(us)), || child.try_wait().map_or(true, |s| s.is_some()))?;
    for (process, _) in Watch::descendants(us).census().names() {
        kill(process);
    }
    let status = as_shells_say(&child.wait()?);
    match over {
        Over::Ended => {
            summarise(&server);
            folder.end_record(run)?;
            Ok((status, server.into_noted()))
        }
        over => Ok((ended_early(&server, over), None)),
    }
}

fn ended_early(server: &Server, over: Over) -> u8 {
    summarise(server);
    match over {
        Over::TooLong(why) => {
            eprintln!("nettwin: {why}");
            TOO_LONG
        }
        Over::Stopped(who) => {
            eprintln!("nettwin: stopped by a signal; {who}");
            STOPPED
        }
        _ => STOPPED,
    }
}

fn summarise(server: &Server) {
    if server.refused().is_empty() {
        return;
    }
    eprintln!("nettwin: what the script asked for and did not get:");
    for (what, times) in server.refused() {
        let times = if *times == 1 { String::new() } else { format!(" ({times} times)") };
        eprintln!("  {what}{times}");
    }
}

/// A run's private folder.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> io::Result<Self> {
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        // The views are many small files that change all the time.
        let memory = Some(PathBuf::from("/dev/shm"));
        let memory = || memory.filter(|dir| room_in_memory(dir).is_some_and(|room| room >= ROOM));
        let base = base.or_else(memory).unwrap_or_else(std::env::temp_dir);
        sweep(&base);
        let path = base.join(format!("{PREFIX}{}", std::process::id()));
        // One that a process of our number left.
        let _ = fs::remove_dir_all(&path);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Folder { path };
        for part in ["bin", "etc", "etc-work", "here", "real", "run/nettwin", "views"] {
            fs::create_dir_all(folder.path.join(part))?;
        }
        symlink("/run/nettwin/here/net", folder.path.join("net"))?;
        for file in ["hosts", "resolv.conf"] {
            // A machine may lack them.
            let _ = fs::copy(Path::new("/etc").join(file), folder.path.join("etc").join(file));
        }
        Ok(folder)
    }

    fn begin_record(&self, run: &Run) -> io::Result<()> {
        if run.has_uplink {
            let mut hosts = fs::OpenOptions::new().append(true).create(true).open(self.path.join("etc/hosts"))?;
            hosts.write_all(super::uplink::NAMES.as_bytes())?;
        }
        if run.record.is_some() {
            fs::write(self.path.join(record::RECORD), "")?;
        }
        if run.on == Machine::Kernel {
            fs::write(self.path.join(record::ON_KERNEL), "")?;
        }
        Ok(())
    }

    fn end_record(&self, run: &Run) -> io::Result<()> {
        if let Some(file) = &run.record {
            fs::copy(self.path.join(record::RECORD), file)?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now, the next run tries again.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what killed runs left.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u32>().ok());
        if process.is_some_and(|process| cfg!(target_os = "linux") && !Path::new(&format!("/proc/{process}")).exists())
        {
            // Somebody else's cannot be removed, and need not be.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// What the views of a large network take.
const ROOM: u64 = 1 << 30;
const PREFIX: &str = "nettwin-run-";
/// As `timeout` ends.
const TOO_LONG: u8 = 124;
/// As a shell says of what SIGTERM ended.
const STOPPED: u8 = 143;
