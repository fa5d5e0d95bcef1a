//! `nettwin run`: people's own shell scripts, unchanged, on a machine.
//!
//! A script is run by its own shell. The commands that it types about networks are found first, as *shims*: this binary
//! under their names. A shim hands its words, streams and signals to the run's *server*, which holds the simulator and the
//! jobs of `commands`, and ends with its answer. On Linux the script's processes live in namespaces of their own, where
//! the views of `/proc` and `/sys` show the simulated network. Without a shell, the line runner does what it can.
//! Deliberately absent: any command; they are in `commands`.

mod builtin;
mod lines;
mod noted;
mod uplink;

#[cfg(unix)]
mod machine;
#[cfg(unix)]
mod names;
#[cfg(unix)]
mod nsenter;
#[cfg(unix)]
mod os;
#[cfg(unix)]
mod own;
#[cfg(unix)]
mod peer;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod record;
#[cfg(unix)]
mod rewrite;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod shell;
#[cfg(unix)]
mod shim;
#[cfg(unix)]
mod spin;
#[cfg(all(feature = "kernel", target_os = "linux"))]
mod stage;
#[cfg(unix)]
mod timeout;
#[cfg(unix)]
mod views;
#[cfg(unix)]
mod wire;

#[cfg(all(feature = "tap", target_os = "linux"))]
pub(crate) use builtin::split_words;
pub(crate) use builtin::{Pace, Session, run as run_builtin};
pub(crate) use lines::Lines;
pub(crate) use noted::{Command, Entry, Note, Noted, everything};
#[cfg(unix)]
pub(crate) use run::{Machine, Run, run};
pub(crate) use uplink::join as with_uplink;

use nettwin::model::{Backend, IfName, LinkChange, NetnsName, Op};
use nettwin::sim::Sim;
use std::process::ExitCode;

/// From now on an interrupt from the terminal is for the program in the foreground, which gets it too and decides.
#[cfg(all(feature = "tap", target_os = "linux"))]
pub(crate) fn leave_interrupts_to_others() -> std::io::Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGQUIT] {
        signal_hook::flag::register(signal, std::sync::Arc::default())?;
    }
    Ok(())
}

/// Becomes true when the terminal's interrupt comes.
fn interrupts() -> std::io::Result<std::sync::Arc<std::sync::atomic::AtomicBool>> {
    let interrupt = std::sync::Arc::default();
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGINT, std::sync::Arc::clone(&interrupt))?;
    Ok(interrupt)
}

/// A machine that has a host, whatever else is on it.
pub(crate) fn with_host(mut sim: Sim) -> Noted {
    if sim.query(&nettwin::model::Query::Netns(NetnsName::host())).is_err() {
        sim.execute(&host_ops()).expect("a machine without a host takes one");
    }
    Noted::plain(sim)
}

/// What this program does under the name that it was called by, if that is not its own.
#[cfg(unix)]
pub(crate) fn under_another_name() -> Option<ExitCode> {
    use names::{Role, can_be_real, role};
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let called = words.next()?;
    let name = called.rsplit('/').next().unwrap_or_default().to_owned();
    let rest: Vec<String> = words.collect();
    #[cfg(all(feature = "kernel", target_os = "linux"))]
    if name == stage::STAGE || name == stage::FIRST {
        return Some(stage::main(&name, &rest));
    }
    let for_real = can_be_real(&name) && place::Place::find().is_ok_and(|place| place.has_programs());
    let outcome = match role(&name) {
        Some(Role::Own | Role::Refused) if for_real => place::Place::find().and_then(|place| {
            let words = std::iter::once(name.clone()).chain(rest).collect();
            shim::run(&place, words)
        }),
        Some(Role::Tool) if record::is_on_kernel() => record::stand_before(&name, &rest),
        Some(Role::Own) => own::run(&name, &rest),
        Some(Role::Refused) => place::Place::find().map(|place| own::refuse(&place, &name)),
        Some(Role::Tool) => place::Place::find().and_then(|place| {
            let words = std::iter::once(name.clone()).chain(rest).collect();
            shim::run(&place, words)
        }),
        None if name == shim::ENTER => place::Place::find().and_then(|place| shim::enter(&place, &rest)),
        None => return None,
    };
    Some(outcome.unwrap_or_else(|e| {
        eprintln!("nettwin: {name}: {e}");
        ExitCode::from(255)
    }))
}

/// A machine with the script's host.
pub(crate) fn host(seed: u64) -> Sim {
    let mut sim = Sim::new(seed);
    sim.execute(&host_ops()).expect("a fresh machine takes its first namespace");
    sim
}

/// A machine with the script's host after plain lines that are known to be good.
pub(crate) fn after(lines: &str) -> Noted {
    lines_on(Noted::plain(host(0)), lines)
}

/// A machine after plain lines that are known to be good.
fn lines_on(machine: Noted, lines: &str) -> Noted {
    let pace = Pace { step: std::time::Duration::ZERO, most: std::time::Duration::from_secs(3600) };
    let (status, machine) = run_builtin(lines, machine, pace, Box::new(std::io::sink()))
        .unwrap_or_else(|unable| panic!("line {}: {}", unable.line, unable.why));
    assert_eq!(status, 0, "a line that fails");
    machine
}

/// The script's host: an initial namespace whose `lo` is up.
fn host_ops() -> [Op; 2] {
    let netns = NetnsName::host();
    let up = Box::new(LinkChange { up: Some(true), ..LinkChange::default() });
    let lo = IfName::new("lo").expect("a constant name");
    [Op::AddNetns { netns: netns.clone() }, Op::SetLink { netns, name: lo, change: up }]
}
