//! What running a person's script takes from Linux: namespaces of its own for the script's processes, what they see at the
//! places that scripts look at, who of them is asleep, and which files they wrote.
//!
//! Kernel counterpart: `namespaces(7)`, `mount_namespaces(7)`, procfs, `inotify(7)`. Deliberately absent: any network; the
//! script's network is a machine's, and that of these processes stays empty.

mod fds;
mod groups;
mod procs;
mod scene;
mod written;

pub use fds::{apart_as_root, enter_netns, receive_fd, send_fd};
pub use groups::let_groups_be;
pub use procs::{Census, Waiter, Watch};
pub(crate) use scene::fresh_sys;
pub use scene::{Scene, apart, enter_view};
pub use written::Written;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::WaitOptions;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// Waits until one of these can be read, or has ended, or until the time is over.
pub fn wait_readable(fds: &[BorrowedFd<'_>], time: Duration) -> io::Result<()> {
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
    match rustix::event::poll(&mut polled, Some(&time)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// How many bytes may still be written to the file system that a folder is on, if it is one in memory.
pub fn room_in_memory(folder: &Path) -> Option<u64> {
    let is_in_memory = rustix::fs::statfs(folder).ok()?.f_type as u64 == TMPFS;
    let room = rustix::fs::statvfs(folder).ok()?;
    is_in_memory.then(|| room.f_bavail.saturating_mul(room.f_frsize))
}

/// `TMPFS_MAGIC` of `linux/magic.h`.
const TMPFS: u64 = 0x0102_1994;

/// Whether one of these can be read, or has ended.
pub fn any_readable(fds: &[BorrowedFd<'_>]) -> io::Result<bool> {
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match rustix::event::poll(&mut polled, Some(&Timespec::default())) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// A descriptor that can be read when the process, a child of this one, has ended.
pub fn ending(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?)
}

/// Sends the processes of a group a signal, by its number.
pub fn signal_group(group: u32, number: u8) {
    let group = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw);
    let signal = rustix::process::Signal::from_named_raw(number.into());
    if let (Some(group), Some(signal)) = (group, signal) {
        // What has gone meanwhile needs none.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Reaps children, foreign ones that were left to this process too, until `child` ends; its exit status as a shell has it.
pub fn reap_until(child: u32) -> io::Result<u8> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == child => {
                let of = |n: Option<i32>| n.map(|n| (n & 0xff) as u8);
                return Ok(of(status.exit_status())
                    .or(of(status.terminating_signal()).map(|signal| 128 + signal))
                    .unwrap_or(255));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// This process dies when its parent does, and gives its orphans no other parent than itself.
pub fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
}

/// From now on the orphans among this process's descendants become its children.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Kills a process.
pub fn kill(pid: u32) {
    signal(pid, libc::SIGKILL as u8);
}

/// Sends a process a signal, by its number.
pub fn signal(pid: u32, number: u8) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let signal = rustix::process::Signal::from_named_raw(number.into());
    if let (Some(pid), Some(signal)) = (pid, signal) {
        // What has gone meanwhile needs none.
        let _ = rustix::process::kill_process(pid, signal);
    }
}
