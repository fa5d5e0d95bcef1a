//! Reading and writing `/proc/sys/net` of a namespace.
//!
//! Kernel counterpart: `net/sysctl_net.c`: the directory shows the namespace of the task that looks, so every access is
//! made by the worker while it is inside. Deliberately absent: anything outside `net`.

use crate::netns::{Netns, Worker, refused};
use nettwin_model::sysctl::BASELINE;
use nettwin_model::{Errno, Fault, SysctlKey};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};

const ROOT: &str = "/proc/sys";

/// Writes a value, as `sysctl -w` does.
pub(crate) fn write(worker: &Worker, netns: &Netns, key: &SysctlKey, value: &str) -> Result<(), Fault> {
    worker.run_in(netns, || write_here(&open_root()?, key.path(), value))?
}

/// Reads a value, without the newline at its end.
pub(crate) fn read(worker: &Worker, netns: &Netns, key: &SysctlKey) -> Result<String, Fault> {
    worker.run_in(netns, || read_here(&open_root()?, key.path()))?
}

/// Reads several; those that do not exist, or are not readable, are left out.
pub(crate) fn read_all<'a>(
    worker: &Worker,
    netns: &Netns,
    keys: impl Iterator<Item = &'a SysctlKey> + Send,
) -> Result<Vec<(SysctlKey, String)>, Fault> {
    worker.run_in(netns, || {
        let root = open_root()?;
        Ok(keys.filter_map(|key| Some((key.clone(), read_here(&root, key.path()).ok()?))).collect())
    })?
}

/// The names of all sysctls below `net`.
pub(crate) fn names(worker: &Worker, netns: &Netns) -> Result<Vec<SysctlKey>, Fault> {
    worker.run_in(netns, || {
        let mut names = Vec::new();
        walk(&open_root()?, "net", &mut names)?;
        Ok(names)
    })?
}

fn walk(root: &OwnedFd, path: &str, names: &mut Vec<SysctlKey>) -> Result<(), Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = match rustix::fs::openat(root, path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOTDIR) => {
            names.extend(SysctlKey::new(path).ok());
            return Ok(());
        }
        folder => folder.map_err(refused)?,
    };
    let entries = rustix::fs::Dir::new(folder).and_then(|dir| dir.collect::<Result<Vec<_>, _>>()).map_err(refused)?;
    let mut leaves: Vec<String> = entries.iter().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    leaves.sort();
    for leaf in leaves.iter().filter(|leaf| !matches!(leaf.as_str(), "." | "..")) {
        walk(root, &format!("{path}/{leaf}"), names)?;
    }
    Ok(())
}

/// A path below `/proc/sys`, and a value.
pub(crate) type Setting = &'static (&'static str, &'static str);

/// Writes the baseline of a new namespace. To be called inside. What this kernel does not have (IPv6 left out, say) is
/// as it should be without. All namespaces that are made at one time begin alike, as the initial one has it
/// (`devinet_init_net`), so of the first it is found out what has to be `written`, and the others are spared the rest.
pub(crate) fn write_baseline(written: &mut Option<Vec<Setting>>) -> Result<(), Fault> {
    let root = rustix::fs::CWD;
    let put = |(path, value): Setting| match write_here(root, &format!("{ROOT}/{path}"), value) {
        Err(Fault::Refused { errno: Errno::ENOENT, .. }) => Ok(false),
        Err(fault) => Err(Fault::Broken(format!("{path} could not be written: {fault}"))),
        Ok(()) => Ok(true),
    };
    if let Some(known) = written {
        return known.iter().try_for_each(|setting| put(setting).map(drop));
    }
    let mut found = Vec::new();
    for setting in BASELINE {
        let differs = read_here(root, &format!("{ROOT}/{}", setting.0)).ok().as_deref() != Some(setting.1);
        if differs && put(setting)? {
            found.push(setting);
        }
    }
    *written = Some(found);
    Ok(())
}

fn open_root() -> Result<OwnedFd, Fault> {
    rustix::fs::open(ROOT, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(refused)
}

fn write_here(root: impl AsFd, path: &str, value: &str) -> Result<(), Fault> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(root, path, flags, Mode::empty()).map_err(refused)?;
    // One write call is one value; the kernel takes it whole or refuses it.
    rustix::io::write(&file, value.as_bytes()).map(drop).map_err(refused)
}

fn read_here(root: impl AsFd, path: &str) -> Result<String, Fault> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(root, path, flags, Mode::empty()).map_err(refused)?;
    let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        match rustix::io::read(&file, &mut chunk).map_err(refused)? {
            0 => break,
            // What does not fill the room is all there is: a setting is read whole.
            n if n < chunk.len() => {
                text.extend_from_slice(&chunk[..n]);
                break;
            }
            n => text.extend_from_slice(&chunk[..n]),
        }
    }
    let text = String::from_utf8_lossy(&text);
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}
