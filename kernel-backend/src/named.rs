//! Namespaces with names: bind mounts below `/run/netns`, as `ip netns` makes and lists them.
//!
//! Kernel counterpart: nsfs; `netns_add` and `create_netns_dir` in iproute2's `ipnetns.c`. Deliberately absent:
//! `/etc/netns`, attaching by process id.

use crate::netns::{refused, refused_io};
use nettwin_model::Fault;
use rustix::mount::{MountPropagationFlags, UnmountFlags};
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where names are.
pub(crate) const DIRECTORY: &str = "/run/netns";

/// The file of a name.
pub(crate) fn path_of(file: &str) -> PathBuf {
    Path::new(DIRECTORY).join(file)
}

/// Makes the folder a shared mount of its own, so that names made in one mount namespace show in the others. Done once
/// per machine that names its namespaces.
pub(crate) fn prepare_directory() -> Result<(), Fault> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(DIRECTORY);
    made.map_err(|e| refused_io(&e))?;
    let share = || {
        let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
        rustix::mount::mount_change(DIRECTORY, shared)
    };
    match share() {
        // Not a mount point yet: `ip netns` binds it to itself and tries again.
        Err(rustix::io::Errno::INVAL) => {
            rustix::mount::mount_bind_recursive(DIRECTORY, DIRECTORY).map_err(refused)?;
            share().map_err(refused)
        }
        done => done.map_err(refused),
    }
}

/// Reserves a name: EEXIST if it is taken, by whomever.
pub(crate) fn reserve(path: &Path) -> Result<(), Fault> {
    // The mode of `ip netns add`: nobody is to mistake the empty file for a namespace.
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o000).open(path);
    file.map(drop).map_err(|e| refused_io(&e))
}

/// Mounts a namespace on a reserved name.
pub(crate) fn bind(netns: BorrowedFd<'_>, path: &Path) -> Result<(), Fault> {
    rustix::mount::mount_bind(format!("/proc/self/fd/{}", netns.as_raw_fd()), path).map_err(refused)
}

/// Takes a name away. The namespace goes when nobody else holds it.
pub(crate) fn remove(path: &Path) -> Result<(), Fault> {
    match rustix::mount::unmount(path, UnmountFlags::DETACH) {
        // Reserved and never mounted, or unmounted by somebody else: the file is left.
        Ok(()) | Err(rustix::io::Errno::INVAL) => {}
        Err(errno) => return Err(refused(errno)),
    }
    fs::remove_file(path).map_err(|e| refused_io(&e))
}
