//! Which files below some folders were written, in the order in which it happened.
//!
//! Kernel counterpart: `inotify(7)`. Deliberately absent: what was written; the file says it.

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Watches folders.
#[derive(Debug)]
pub struct Written {
    fd: OwnedFd,
    folders: BTreeMap<i32, PathBuf>,
}

impl Written {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Written { fd: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?, folders: BTreeMap::new() })
    }

    /// Watches the files directly in a folder from now on.
    pub fn watch(&mut self, folder: &Path) -> io::Result<()> {
        let wanted = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        let id = inotify::add_watch(&self.fd, folder, wanted)?;
        self.folders.insert(id, folder.to_owned());
        Ok(())
    }

    /// The files written since the last call; one that was written twice in a row is named once.
    pub fn take(&mut self) -> io::Result<Vec<PathBuf>> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        let mut files: Vec<PathBuf> = Vec::new();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => return Ok(files),
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(e.into()),
            };
            if event.events().contains(ReadFlags::IGNORED) {
                self.folders.remove(&event.wd());
                continue;
            }
            if let (Some(folder), Some(name)) = (self.folders.get(&event.wd()), event.file_name()) {
                let file = folder.join(OsStr::from_bytes(name.to_bytes()));
                if files.last() != Some(&file) {
                    files.push(file);
                }
            }
        }
    }
}
