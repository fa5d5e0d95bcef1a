//! What a script's processes see: the machine as it is, but for the places where networks show.
//!
//! The processes live in namespaces of their own, so every mount here is theirs alone. The run's private folder holds what
//! is mounted: `run` over `/run`, itself at `/run/nettwin`; there `here` is the view of the namespace that a process is in
//! (`name`, and folders for `/proc/sys/net`, `/proc/net` and `/sys/class/net`). Programs that must not run as they are get
//! another one mounted over them. Kernel counterpart: `netns_switch` in iproute2's `lib/namespace.c`, `mount(2)`,
//! `move_mount(2)`. Deliberately absent: `/proc/PID/net` of a process by number, `/sys/devices`.

use crate::holder::within;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind,
    mount_bind_recursive, mount_change, move_mount, open_tree, unmount,
};
use rustix::thread::UnshareFlags;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the run's folder is seen by its processes.
const HOME: &str = "/run/nettwin";

/// Folders in which programs are called by their absolute path.
const PROGRAMS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Programs that are many at once: covering one would cover all of them.
const MANY_IN_ONE: &[&str] = &["busybox", "toybox", "coreutils"];

/// What is to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The run's private folder.
    pub folder: &'a Path,
    /// The program to run instead of others.
    pub program: &'a Path,
    /// The others' names.
    pub names: &'a [&'a str],
    /// Whether the network is a machine's, shown by its views, or the kernel's own.
    pub has_views: bool,
}

/// A program that will run in namespaces of its own, as root there; its children in a PID namespace.
pub fn apart(program: &Path) -> Command {
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWIPC;
    within(program, flags)
}

/// What failed, and how.
type Failed = (&'static str, Errno);

impl Scene<'_> {
    /// Mounts it. Must be called by the first process of the namespaces that [`apart`] makes.
    pub fn set(&self) -> io::Result<()> {
        self.mount_all().map_err(|(what, errno)| io::Error::other(format!("{what}: {errno}")))
    }

    fn mount_all(&self) -> Result<(), Failed> {
        let home = Path::new(HOME);
        let down = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        mount_change("/", down).map_err(|e| ("detaching mounts from the machine's", e))?;
        mount_bind_recursive(self.folder, self.folder.join("run/nettwin"))
            .map_err(|e| ("showing the run's folder", e))?;
        mount_bind_recursive(self.folder.join("run"), "/run").map_err(|e| ("covering /run", e))?;
        let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("proc", "/proc", "proc", quiet, None).map_err(|e| ("mounting /proc", e))?;
        // A script as root may write to /etc; what it writes stays here. Without overlayfs it may not.
        let layers = format!("lowerdir=/etc,upperdir={HOME}/etc,workdir={HOME}/etc-work,userxattr");
        let layers = CString::new(layers).expect("a constant without zeros");
        let _ = mount("overlay", "/etc", "overlay", MountFlags::empty(), Some(layers.as_c_str()));
        if self.has_views {
            // Old kernels cannot mount over a link; there /proc/net shows the empty namespace of the processes.
            let _ = cover_link(&home.join("net"), Path::new("/proc/net"));
            show(&home.join("views/host"))?;
        } else {
            fresh_sys()?;
            // Folders of tmpfs list the newest first, which shows in what ip says.
            fs::create_dir_all("/run/netns").map_err(|_| ("making /run/netns", Errno::IO))?;
            let mode = CString::new("mode=0755").expect("a constant without zeros");
            mount("tmpfs", "/run/netns", "tmpfs", MountFlags::empty(), Some(mode.as_c_str()))
                .map_err(|e| ("mounting /run/netns", e))?;
        }
        self.cover_programs().map_err(|e| ("covering programs", e))
    }

    fn cover_programs(&self) -> Result<(), Errno> {
        let home = Path::new(HOME);
        let folders: BTreeSet<PathBuf> = PROGRAMS.iter().filter_map(|f| fs::canonicalize(f).ok()).collect();
        let mut covered: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for name in self.names {
            let mut is_somewhere = false;
            for file in folders.iter().filter_map(|folder| fs::canonicalize(folder.join(name)).ok()) {
                if file.file_name().and_then(|f| f.to_str()).is_some_and(|f| MANY_IN_ONE.contains(&f)) {
                    continue;
                }
                is_somewhere = true;
                let kept = home.join("real").join(name);
                if let Some(first) = covered.get(&file) {
                    // One program under several names; it goes by the name that it is called by.
                    let _ = symlink(first, kept);
                    continue;
                }
                covered.insert(file.clone(), kept.clone());
                if fs::write(&kept, "").is_ok() {
                    mount_bind(&file, &kept)?;
                }
                mount_bind(self.program, &file)?;
            }
            // What a person's own folder of programs holds comes first; ours comes before it.
            let is_hidden = first_of(name).is_some_and(|file| !covered.contains_key(&file));
            if !is_somewhere || is_hidden {
                // A link that was there before serves as well.
                let _ = symlink(self.program, home.join("bin").join(name));
            }
        }
        Ok(())
    }
}

/// The program that PATH finds.
fn first_of(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.and_then(|file| fs::canonicalize(file).ok())
}

/// Shows another namespace's view to this process and its children from now on: as `ip netns exec` does, files below
/// `/etc/netns/NAME` cover those of `/etc`.
pub fn enter_view(name: &str) -> io::Result<()> {
    let enter = || {
        // SAFETY: unsafe because of CLONE_FILES only, which is not among the flags.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }
            .map_err(|e| ("taking a mount namespace of its own", e))?;
        let down = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        mount_change("/", down).map_err(|e| ("detaching mounts", e))?;
        show(&Path::new(HOME).join("views").join(name))?;
        for entry in fs::read_dir(Path::new("/etc/netns").join(name)).into_iter().flatten().flatten() {
            let file = Path::new("/etc").join(entry.file_name());
            if mount_bind(entry.path(), &file).is_err() {
                // iproute2 says so and goes on.
                eprintln!("Bind {} -> {} failed", entry.path().display(), file.display());
            }
        }
        Ok(())
    };
    enter().map_err(|(what, errno): Failed| io::Error::other(format!("{what}: {errno}")))
}

fn show(view: &Path) -> Result<(), Failed> {
    mount_bind(view, Path::new(HOME).join("here")).map_err(|e| ("showing a namespace", e))?;
    mount_bind(view.join("sysctl"), "/proc/sys/net").map_err(|e| ("covering /proc/sys/net", e))?;
    // A machine may have no /sys, or hide it.
    let _ = mount_bind(view.join("class"), "/sys/class/net");
    Ok(())
}

/// Mounts one symbolic link over another.
fn cover_link(ours: &Path, theirs: &Path) -> Result<(), Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    let tree = open_tree(CWD, ours, flags)?;
    let place = rustix::fs::open(theirs, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    // On old systems it is a folder.
    let kind = rustix::fs::statat(&place, "", AtFlags::EMPTY_PATH)?.st_mode;
    if rustix::fs::FileType::from_raw_mode(kind) != rustix::fs::FileType::Symlink {
        return Err(Errno::NOTDIR);
    }
    let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&tree, "", &place, "", empty)
}

/// Mounts a `/sys` of the network namespace that the process is in.
pub(crate) fn fresh_sys() -> Result<(), Failed> {
    // In a user namespace the old one is locked in place; the new one covers it.
    let _ = unmount("/sys", UnmountFlags::DETACH);
    match mount("sysfs", "/sys", "sysfs", MountFlags::empty(), None) {
        // A container that hides parts of /sys forbids a fresh one. An empty folder is better than the devices of
        // another namespace.
        Err(Errno::PERM) => mount("none", "/sys", "tmpfs", MountFlags::RDONLY, None).map_err(|e| ("covering /sys", e)),
        mounted => mounted.map_err(|e| ("mounting /sys", e)),
    }
}
