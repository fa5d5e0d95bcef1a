//! The processes between the server and the script's shell: one outside of the PID namespace, which begins it, and its
//! first process, which sets the scene, runs the shell and reaps what is left to it.
//!
//! Kernel counterpart: `pid_namespaces(7)`: with the first process all others end. Deliberately absent: passing signals on;
//! a terminal sends its own to all of them.

use super::names;
use super::os::{Scene, apart, apart_as_root, die_with_parent, reap_until};
use super::record;
use super::shell::{ROOT, is_ours, path};
use super::shim::as_shells_say;
use super::wire::{self, Ask};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

/// The name of the process outside.
pub(crate) const STAGE: &str = "nettwin-stage";
/// The name of the first process inside.
pub(crate) const FIRST: &str = "nettwin-first";

/// Says that the network is the kernel's.
const ON_KERNEL: &str = "kernel";
/// That it is a machine's.
const VIEWS: &str = "views";

/// Begins a script in namespaces of its own. The folder has a listening socket in it.
pub(crate) fn spawn(folder: &Path, on_kernel: bool, command_line: &[OsString], out: Stdio) -> io::Result<Child> {
    let program = std::env::current_exe()?;
    let manner = if on_kernel { ON_KERNEL } else { VIEWS };
    apart(&program).arg0(STAGE).arg(folder).arg(manner).args(command_line).stdout(out).spawn()
}

/// The same where real programs may run: the user namespace is this process's own, so that its namespaces can be entered.
pub(crate) fn spawn_as_root(folder: &Path, command_line: &[OsString]) -> io::Result<Child> {
    let program = std::env::current_exe()?;
    apart_as_root(&program).arg0(STAGE).arg(folder).arg(VIEWS).args(command_line).spawn()
}

/// Is one of the two processes.
pub(crate) fn main(name: &str, words: &[String]) -> ExitCode {
    let outcome = if name == STAGE { outside() } else { inside(words) };
    outcome.unwrap_or_else(|e| {
        eprintln!("nettwin: {e}");
        ExitCode::from(FAILED)
    })
}

fn outside() -> io::Result<ExitCode> {
    die_with_parent()?;
    for signal in [SIGINT, SIGQUIT, SIGHUP, SIGTERM] {
        // Whoever is to end by a signal gets it too.
        signal_hook::flag::register(signal, Arc::default())?;
    }
    let mut words = std::env::args_os();
    words.next();
    let status = Command::new(std::env::current_exe()?).arg0(FIRST).args(words).status()?;
    Ok(ExitCode::from(as_shells_say(&status)))
}

fn inside(words: &[String]) -> io::Result<ExitCode> {
    die_with_parent()?;
    let [folder, manner, ..] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
    let on_kernel = manner == ON_KERNEL;
    let folder = PathBuf::from(folder);
    let server = UnixStream::connect(folder.join("socket"))?;
    let is_recorded = folder.join(record::RECORD).exists();
    let names = match on_kernel {
        true if is_recorded => names::recorded_on_kernel(),
        true => names::OWN_ON_KERNEL.to_vec(),
        false => names::all(),
    };
    let program = std::env::current_exe()?;
    let scene = Scene { folder: &folder, program: &program, names: &names, has_views: !on_kernel };
    if let Err(e) = scene.set() {
        wire::send(&server, &Ask::NoScene(e.to_string()), &[])?;
        return Ok(ExitCode::from(FAILED));
    }
    wire::send(&server, &Ask::Ready, &[])?;
    if on_kernel {
        // A machine's own lo is up. Where there is no ip the script will say so.
        let kept = Path::new("/run/nettwin/real/ip");
        let ip = if kept.exists() { kept } else { Path::new("ip") };
        let _ = Command::new(ip).arg0("ip").args(["link", "set", "lo", "up"]).status();
    }
    if on_kernel && is_recorded {
        record::prepare_own_namespace();
    }
    let line: Vec<OsString> = std::env::args_os().skip(3).collect();
    let Some((shell, arguments)) = line.split_first() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut command = Command::new(shell);
    command.args(arguments).env("PATH", path(Path::new("/run/nettwin/bin"))).envs(ROOT.iter().copied());
    std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| is_ours(name))
        .for_each(|name| _ = command.env_remove(name));
    match command.spawn() {
        Ok(child) => {
            let status = reap_until(child.id())?;
            if is_recorded {
                record::last_look();
            }
            Ok(ExitCode::from(status))
        }
        Err(e) => {
            eprintln!("nettwin: {}: {e}", shell.display());
            Ok(ExitCode::from(127))
        }
    }
}

/// The run's own failure, as `env` and `timeout` have it.
const FAILED: u8 = 125;
