//! Becoming a program inside a lab's namespace.
//!
//! Counterpart: `netns_switch` in iproute2's `lib/namespace.c`, `nsenter(1)`. The process enters the lab's user namespace
//! (if it has one) and the network namespace, takes a mount namespace of its own in which `/sys` shows the devices of
//! where it is, and is replaced by the program. It must have no threads but its own: a process with threads may not
//! enter a user namespace. Deliberately absent: `/etc/netns`, coming back.

use crate::netns::Netns;
use crate::remote::RemoteBackend;
use crate::script::fresh_sys;
use nettwin_model::backend::Fault;
use rustix::fs::{Mode, OFlags};
use rustix::mount::MountPropagationFlags;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a namespace of a lab is.
#[derive(Debug)]
pub struct Door {
    user: Option<OwnedFd>,
    net: OwnedFd,
}

impl Door {
    /// To a named namespace.
    pub fn named(file: &Path) -> Result<Self, Fault> {
        Ok(Door { user: None, net: open(file)? })
    }

    /// To a namespace that a holder keeps at this path (see [`RemoteBackend::netns_path`]).
    pub fn held(holder: &RemoteBackend, netns: &Path) -> Result<Self, Fault> {
        let user = PathBuf::from(format!("/proc/{}/ns/user", holder.pid()));
        Ok(Door { user: Some(open(&user)?), net: open(netns)? })
    }

    /// To a namespace that this process's own user namespace has.
    pub fn to(netns: &Netns) -> Result<Self, Fault> {
        let net = netns.as_fd().try_clone_to_owned().map_err(|e| Fault::Broken(format!("a descriptor: {e}")))?;
        Ok(Door { user: None, net })
    }

    /// A program that will be inside when it is started, and dies with the thread that starts it.
    pub fn command(self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        // SAFETY: between fork and exec the child makes system calls only (prctl, setns, unshare, mount), whose paths are
        // short constants that rustix keeps on the stack; it takes no lock and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
                self.go_in().map_err(|(_, errno)| io::Error::from(errno))
            });
        }
        command
    }

    /// Goes in and becomes the program; returns only if that failed.
    pub fn exec(self, program: &OsString, args: &[OsString]) -> ExecError {
        if let Err((what, errno)) = self.go_in() {
            return ExecError::Enter(format!("{what}: {errno}"));
        }
        ExecError::Program(Command::new(program).args(args).exec())
    }

    fn go_in(&self) -> Result<(), (&'static str, rustix::io::Errno)> {
        if let Some(user) = &self.user {
            rustix::thread::move_into_link_name_space(as_fd(user), Some(LinkNameSpaceType::User))
                .map_err(|e| ("entering the lab's user namespace", e))?;
        }
        rustix::thread::move_into_link_name_space(as_fd(&self.net), Some(LinkNameSpaceType::Network))
            .map_err(|e| ("entering the network namespace", e))?;
        // SAFETY: unsafe because of CLONE_FILES only, which is not among the flags.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }
            .map_err(|e| ("taking a mount namespace of its own", e))?;
        let down = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        rustix::mount::mount_change("/", down).map_err(|e| ("detaching mounts from the machine's", e))?;
        fresh_sys()
    }
}

/// Why no program runs.
#[derive(Debug)]
pub enum ExecError {
    /// The namespace could not be entered.
    Enter(String),
    /// The program could not be started.
    Program(io::Error),
}

fn as_fd(fd: &OwnedFd) -> std::os::fd::BorrowedFd<'_> {
    std::os::fd::AsFd::as_fd(fd)
}

fn open(path: &Path) -> Result<OwnedFd, Fault> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| Fault::Broken(format!("{}: {e}", path.display())))
}
