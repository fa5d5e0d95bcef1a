//! The holder: nettwin re-executed in a user, network and mount namespace of its own, where it keeps a lab.
//!
//! A process with threads may not unshare its user namespace (`EINVAL`), and namespaces live only as long as somebody
//! holds them: so the lab's keeper is a child, made single-threaded by fork and put inside before its exec. Its standard
//! input is a socket to the process that builds the lab. When the holder dies, however it dies, the kernel takes the
//! namespaces away. Kernel counterpart: `user_namespaces(7)`. Deliberately absent: more than one user id in the lab.

use crate::journal::Journal;
use crate::protocol::{self, Reply};
use crate::remote::RemoteBackend;
use crate::serve::{Ended, Held, serve};
use nettwin_model::backend::Fault;
use rustix::thread::UnshareFlags;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts a holder: `program` with `args`, which must come to [`run`]. Dies with its connection until it is committed.
pub fn spawn(program: &Path, args: &[&OsStr]) -> Result<RemoteBackend, Fault> {
    let broken = |e: io::Error| Fault::Broken(format!("no connection to a holder: {e}"));
    let (ours, theirs) = UnixStream::pair().map_err(broken)?;
    let mut command = inside(program);
    command.args(args).current_dir("/");
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: setsid allocates nothing and takes no lock.
    unsafe { command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
    let mut child = command.spawn().map_err(|e| no_user_namespace(&e))?;
    // The command keeps a copy of the holder's end of the socket.
    drop(command);
    match RemoteBackend::over(ours) {
        Ok(remote) => Ok(remote.with_child(child)),
        Err(fault) => {
            // It has ended or is about to; a zombie would stay otherwise.
            let _ = child.wait();
            Err(fault)
        }
    }
}

/// A program that will run in a user, network and mount namespace of its own, as root there.
pub fn inside(program: &Path) -> Command {
    let mut command = within(program, UnshareFlags::NEWUSER | UnshareFlags::NEWNET | UnshareFlags::NEWNS);
    command.arg0("nettwin");
    command
}

/// A program that will run in new namespaces of these kinds, a user namespace among them, as root there.
pub(crate) fn within(program: &Path, namespaces: UnshareFlags) -> Command {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let uid_map = format!("0 {uid} 1\n");
    let gid_map = format!("0 {gid} 1\n");
    let mut command = Command::new(program);
    // SAFETY: between fork and exec the child makes system calls only (unshare, open, write, close) on memory that was
    // allocated before the fork; it takes no lock and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            rustix::thread::unshare_unsafe(namespaces)?;
            write_file(c"/proc/self/setgroups", b"deny")?;
            write_file(c"/proc/self/uid_map", uid_map.as_bytes())?;
            write_file(c"/proc/self/gid_map", gid_map.as_bytes())?;
            Ok(())
        });
    }
    command
}

/// The holder's life: makes the machine, serves it, and cleans its folder. `dir` is the lab's folder; a holder without
/// one is thrown away with its builder's connection.
pub fn run<B: Held>(dir: Option<&Path>, make: impl FnOnce() -> Result<B, Fault>) -> io::Result<()> {
    let builder = UnixStream::from(rustix::io::dup(io::stdin())?);
    let made = listen(dir).map_err(|e| Fault::Broken(format!("the lab's socket: {e}"))).and_then(|l| Ok((l, make()?)));
    let (listener, mut machine) = match made {
        Ok(made) => made,
        // The builder's first question gets the reason as its answer.
        Err(fault) => return protocol::send(&builder, &Reply::Done(Err(fault))),
    };
    // Standard input would keep the builder's connection open.
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    let commit = || match dir {
        Some(dir) => Journal::open(&dir.join(crate::labs::JOURNAL))?.commit(),
        None => Err(io::Error::other("a lab without a folder cannot be kept")),
    };
    let opened = dir.map(std::fs::File::open).transpose()?;
    let clean = || match (dir, &opened) {
        (Some(dir), Some(opened)) => crate::labs::remove_own_folder(dir, opened),
        _ => Ok(()),
    };
    let ended = serve(&mut machine, builder, listener.as_ref(), commit, clean)?;
    if ended == Ended::Abandoned {
        clean()?;
    }
    Ok(())
}

fn listen(dir: Option<&Path>) -> io::Result<Option<UnixListener>> {
    dir.map(|dir| UnixListener::bind(dir.join(crate::labs::SOCKET))).transpose()
}

/// Opens, writes and closes without allocating.
fn write_file(path: &std::ffi::CStr, bytes: &[u8]) -> io::Result<()> {
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, rustix::fs::Mode::empty())?;
    rustix::io::write(&file, bytes)?;
    Ok(())
}

/// Why a program that [`inside`] makes did not start.
pub fn no_user_namespace(e: &io::Error) -> Fault {
    let remedy = match rustix::io::Errno::from_io_error(e) {
        Some(rustix::io::Errno::NOSPC) => "raise user.max_user_namespaces (sysctl), or run as root",
        Some(rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) => {
            "allow them (sysctl kernel.unprivileged_userns_clone=1 on Debian, \
             kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu; a container may forbid them by seccomp), \
             or run as root"
        }
        Some(rustix::io::Errno::INVAL) => "use a kernel built with CONFIG_USER_NS, or run as root",
        _ => "run as root",
    };
    Fault::Missing { capability: format!("a user namespace of one's own ({e})"), remedy: remedy.to_owned() }
}
