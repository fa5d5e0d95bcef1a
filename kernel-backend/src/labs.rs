//! The labs of this machine: their folders, who is at work on them, and how they end.
//!
//! A lab has a folder: `/run/nettwin/LAB` when its namespaces have names, `$XDG_RUNTIME_DIR/nettwin/LAB` (else below a
//! folder of mode 0700 in the temporary directory) when a holder keeps it. In it lie the journal, the holder's socket,
//! and a file that whoever works on the lab keeps locked: the kernel drops the lock when that process dies, so a lab that
//! is neither committed nor locked was abandoned. Kernel counterpart: `flock(2)`, `/run/netns`. Deliberately absent:
//! anything outside these folders and the namespaces their journals name.

use crate::journal::{Journal, Kind, Made, Said};
use crate::remote::RemoteBackend;
use nettwin_model::backend::Fault;
use nettwin_model::name::NetnsName;
use rustix::fs::{FlockOperation, flock};
use rustix::mount::{UnmountFlags, unmount};
use serde::Serialize;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The journal's file in a lab's folder.
pub const JOURNAL: &str = "journal";
/// The holder's socket in a lab's folder.
pub const SOCKET: &str = "socket";
const LOCK: &str = "lock";
/// In the folder of folders; no lab's name begins with a dot.
const BASE_LOCK: &str = ".lock";

/// Where a lab's folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Below `/run/nettwin`: namespaces with names, root only.
    Named,
    /// Below the user's own folder: kept by a holder.
    Rootless,
}

impl Place {
    /// The folder of folders. It is not made here.
    pub fn base(self) -> PathBuf {
        match self {
            Place::Named => "/run/nettwin".into(),
            Place::Rootless => match std::env::var_os("XDG_RUNTIME_DIR").filter(|d| Path::new(d).is_absolute()) {
                Some(dir) => Path::new(&dir).join("nettwin"),
                None => std::env::temp_dir().join(format!("nettwin-{}", rustix::process::geteuid().as_raw())),
            },
        }
    }
}

/// What becomes of a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody is at work on it.
    Busy,
    /// It stands.
    Committed,
    /// Its builder died, or its holder did: `gc` removes it.
    Abandoned,
}

/// A lab's name: a namespace's name of at most 40 bytes that begins with neither `.` nor `-`.
pub fn check_name(name: &str) -> Result<(), String> {
    NetnsName::new(name).map_err(|e| format!("{name:?} cannot name a lab: {e}"))?;
    if name.len() > 40 || name.starts_with(['.', '-']) {
        return Err(format!("{name:?} cannot name a lab: at most 40 bytes, beginning with neither '.' nor '-'"));
    }
    Ok(())
}

/// A lab as its folder shows it.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Its name.
    pub name: String,
    /// Where its folder is.
    pub place: Place,
    /// Its folder.
    pub dir: PathBuf,
    /// What becomes of it.
    pub state: State,
    /// What its journal says, if it has one.
    pub said: Option<Said>,
}

/// All labs of this user, by place and name. Folders that cannot be read are left out.
pub fn list() -> Vec<Lab> {
    let mut labs = Vec::new();
    for place in [Place::Named, Place::Rootless] {
        if !is_private(&place.base()) {
            continue;
        }
        let Ok(entries) = fs::read_dir(place.base()) else { continue };
        let names = entries.flatten().filter(|e| e.path().is_dir()).filter_map(|e| e.file_name().into_string().ok());
        labs.extend(names.filter(|n| check_name(n).is_ok()).map(|name| look(&name, place)));
    }
    labs.sort_by(|a, b| (a.place, &a.name).cmp(&(b.place, &b.name)));
    labs
}

/// The labs of this name (at most one a place).
pub fn find(name: &str) -> Vec<Lab> {
    list().into_iter().filter(|lab| lab.name == name).collect()
}

fn look(name: &str, place: Place) -> Lab {
    let dir = place.base().join(name);
    let said = Said::read(&dir.join(JOURNAL)).ok();
    let locked = OpenOptions::new()
        .write(true)
        .open(dir.join(LOCK))
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err());
    let committed = said.as_ref().is_some_and(|said| said.committed);
    let state = match () {
        () if locked => State::Busy,
        () if committed && is_alive(&dir, place, said.as_ref()) => State::Committed,
        () => State::Abandoned,
    };
    Lab { name: name.to_owned(), place, dir, state, said }
}

fn is_alive(dir: &Path, place: Place, said: Option<&Said>) -> bool {
    match place {
        Place::Rootless => std::os::unix::net::UnixStream::connect(dir.join(SOCKET)).is_ok(),
        Place::Named => said.is_some_and(|s| s.netns.values().any(|made| examine(made) == Found::Ours)),
    }
}

/// A lab that this process works on: nobody else does until it is dropped.
#[derive(Debug)]
pub struct Claim {
    /// The lab's name.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Where that is.
    pub place: Place,
    /// What its journal said when it was claimed.
    pub said: Said,
    /// It was made by this claim.
    pub is_fresh: bool,
    _lock: File,
}

impl Claim {
    /// Claims the lab `name`, which is made if it does not stand. What an abandoned one left is removed first.
    pub fn take(name: &str, kind: Kind, real_host: bool) -> Result<Self, Fault> {
        check_name(name).map_err(Fault::Broken)?;
        let place = if kind == Kind::Rootless { Place::Rootless } else { Place::Named };
        let dir = place.base().join(name);
        make_base(place).map_err(|e| folder_fault(&place.base(), &e))?;
        let _base = lock_base(place).map_err(|e| folder_fault(&place.base(), &e))?;
        let at_dir = |e: io::Error| folder_fault(&dir, &e);
        if dir.exists() {
            let lock = lock_lab(&dir).map_err(at_dir)?.ok_or_else(|| busy(name))?;
            if look(name, place).said.is_some_and(|said| said.committed && is_alive(&dir, place, Some(&said))) {
                let said = Said::read(&dir.join(JOURNAL)).map_err(at_dir)?;
                if said.kind != kind || said.real_host != real_host {
                    return Err(Fault::Broken(format!(
                        "the lab {name} stands, made in another way ({:?}): destroy it first, or name the way it was made",
                        said.kind
                    )));
                }
                return Ok(Claim { name: name.to_owned(), dir, place, said, is_fresh: false, _lock: lock });
            }
            sweep(&dir).map_err(Fault::Broken)?;
        }
        DirBuilder::new().mode(0o700).create(&dir).map_err(at_dir)?;
        let lock = lock_lab(&dir).map_err(at_dir)?.ok_or_else(|| busy(name))?;
        let journal = Journal::create(&dir.join(JOURNAL), kind, real_host).map_err(at_dir)?;
        let said = journal.said().clone();
        Ok(Claim { name: name.to_owned(), dir, place, said, is_fresh: true, _lock: lock })
    }

    /// Claims a lab that is there, to destroy it or to work on it.
    pub fn of(lab: &Lab) -> Result<Self, Fault> {
        let at_dir = |e: io::Error| folder_fault(&lab.dir, &e);
        let _base = lock_base(lab.place).map_err(at_dir)?;
        let lock = lock_lab(&lab.dir).map_err(at_dir)?.ok_or_else(|| busy(&lab.name))?;
        let said = Said::read(&lab.dir.join(JOURNAL)).map_err(at_dir)?;
        let Lab { name, dir, place, .. } = lab.clone();
        Ok(Claim { name, dir, place, said, is_fresh: false, _lock: lock })
    }

    /// The journal, to go on with.
    pub fn journal(&self) -> Result<Journal, Fault> {
        Journal::open(&self.dir.join(JOURNAL)).map_err(|e| folder_fault(&self.dir, &e))
    }

    /// The holder's socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.join(SOCKET)
    }

    /// Destroys the lab. Namespaces that are no longer the recorded ones are left alone and reported.
    pub fn destroy(self) -> Result<(), Vec<String>> {
        if self.place == Place::Rootless && self.socket().exists() {
            match RemoteBackend::connect(&self.socket()) {
                // The holder removes the folder before it ends.
                Ok(holder) => return holder.end().map_err(|fault| vec![fault.to_string()]),
                Err(Fault::Broken(_)) => {}
                Err(other) => return Err(vec![other.to_string()]),
            }
        }
        let said = Said::read(&self.dir.join(JOURNAL)).unwrap_or(self.said);
        let base = lock_base(self.place).map_err(|e| vec![e.to_string()])?;
        let errors = end(&said, &self.dir);
        drop(base);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// What `gc` did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Labs removed.
    pub removed: Vec<String>,
    /// Labs that somebody is at work on.
    pub busy: Vec<String>,
    /// What could not be removed, and why.
    pub errors: Vec<String>,
}

/// Removes every abandoned lab of this user.
pub fn gc() -> Swept {
    let mut swept = Swept::default();
    for lab in list() {
        match collect(&lab) {
            Ok(Some(true)) => swept.removed.push(lab.name),
            Ok(Some(false)) => {}
            Ok(None) => swept.busy.push(lab.name),
            Err(why) => swept.errors.push(format!("{}: {why}", lab.name)),
        }
    }
    swept
}

/// Removes the lab if it was abandoned (`Some(true)`; `Some(false)`: it stands), unless somebody is at work on it (`None`).
pub fn collect(lab: &Lab) -> Result<Option<bool>, String> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let base = lock_base(lab.place).map_err(|e| e.to_string())?;
        let lock = match lock_lab(&lab.dir) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(None),
            // Its holder cleaned up in the meantime.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Some(true)),
            Err(e) => return Err(e.to_string()),
        };
        let said = Said::read(&lab.dir.join(JOURNAL)).ok();
        let alive = is_alive(&lab.dir, lab.place, said.as_ref());
        if alive && said.as_ref().is_some_and(|said| said.committed) {
            return Ok(Some(false));
        }
        if !(alive && lab.place == Place::Rootless) {
            return sweep(&lab.dir).map(|()| Some(true));
        }
        // A holder whose builder died undoes its lab by itself, as soon as the op under way is over.
        if Instant::now() > deadline {
            return Err("its holder does not end; kill it".into());
        }
        drop((lock, base));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Removes what an abandoned lab left. The base and the lab are locked.
fn sweep(dir: &Path) -> Result<(), String> {
    let errors = match Said::read(&dir.join(JOURNAL)) {
        Ok(said) => end(&said, dir),
        // Nothing was made before there was a journal.
        Err(_) => remove_folder(dir).err().map(|e| format!("{}: {e}", dir.display())).into_iter().collect(),
    };
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

/// Removes a lab's namespaces, then its folder, unless something of it stays that only the folder's journal knows.
fn end(said: &Said, dir: &Path) -> Vec<String> {
    let mut errors = crate::host::take_back(&said.marks, said.host);
    let mut stays = !errors.is_empty();
    for (netns, made) in &said.netns {
        if let Err(error) = release(made) {
            stays |= matches!(error, ReleaseError::Failed(_));
            errors.push(format!("{netns}: {error}"));
        }
    }
    if !stays {
        errors.extend(remove_folder(dir).err().map(|e| format!("{}: {e}", dir.display())));
    }
    errors
}

/// What is at the place of a namespace that nettwin made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// That namespace.
    Ours,
    /// A file that it was not yet mounted on.
    Bare,
    /// Nothing.
    Gone,
    /// Something else.
    Foreign,
}

/// Looks what is at the place of a namespace that nettwin made.
pub fn examine(made: &Made) -> Found {
    let Ok(meta) = fs::symlink_metadata(&made.file) else { return Found::Gone };
    let is_nsfs = rustix::fs::statfs(&made.file).is_ok_and(|s| s.f_type == NSFS_MAGIC);
    match () {
        () if (meta.dev(), meta.ino()) == (made.dev, made.ino) => Found::Ours,
        () if meta.is_file() && meta.len() == 0 && !is_nsfs => Found::Bare,
        () => Found::Foreign,
    }
}

/// Why a named namespace was not removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseError {
    /// The file is another namespace's by now; ours went when it lost its name.
    Foreign(PathBuf),
    /// It stays.
    Failed(String),
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReleaseError::Foreign(file) => {
                write!(f, "{} is not the namespace that nettwin made; it is left alone", file.display())
            }
            ReleaseError::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ReleaseError {}

/// Removes a named namespace, if it is the one recorded.
pub fn release(made: &Made) -> Result<(), ReleaseError> {
    let failed = |e: io::Error| ReleaseError::Failed(format!("{}: {e}", made.file.display()));
    let found = examine(made);
    if found == Found::Foreign {
        return Err(ReleaseError::Foreign(made.file.clone()));
    }
    if found == Found::Ours {
        unmount(&made.file, UnmountFlags::DETACH).map_err(|e| failed(e.into()))?;
    }
    match fs::remove_file(&made.file) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed(e)),
        _ => Ok(()),
    }
}

/// Removes a lab's folder, if it is still the one that `opened` is. For a holder, whose folder another may have taken.
pub(crate) fn remove_own_folder(dir: &Path, opened: &File) -> io::Result<()> {
    let base = dir.parent().unwrap_or(dir);
    let _base = lock_file(&base.join(BASE_LOCK), true)?;
    let (ours, there) = (opened.metadata()?, fs::metadata(dir));
    if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
        remove_folder(dir)?;
    }
    Ok(())
}

fn remove_folder(dir: &Path) -> io::Result<()> {
    let gone = |e: io::Error| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) };
    for file in [SOCKET, JOURNAL, LOCK] {
        fs::remove_file(dir.join(file)).or_else(gone)?;
    }
    fs::remove_dir(dir).or_else(gone)
}

fn make_base(place: Place) -> io::Result<()> {
    let base = place.base();
    match DirBuilder::new().mode(0o700).create(&base) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    if is_private(&base) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "it must be a folder of yours that nobody else may write to"))
}

/// Whether this is a folder of ours (not a link) that nobody else can put anything into. A lab's own is closed to others.
fn is_private(dir: &Path) -> bool {
    fs::symlink_metadata(dir)
        .is_ok_and(|m| m.is_dir() && m.uid() == rustix::process::geteuid().as_raw() && m.mode() & 0o022 == 0)
}

fn lock_base(place: Place) -> io::Result<File> {
    // Only a moment: whoever holds it does not wait for anything but the disk.
    lock_file(&place.base().join(BASE_LOCK), true)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
}

fn lock_lab(dir: &Path) -> io::Result<Option<File>> {
    lock_file(&dir.join(LOCK), false)
}

fn lock_file(path: &Path, wait: bool) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let how = if wait { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    match flock(&file, how) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn busy(name: &str) -> Fault {
    Fault::Broken(format!("another nettwin is at work on the lab {name}: wait for it to end"))
}

fn folder_fault(dir: &Path, e: &io::Error) -> Fault {
    match e.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem => {
            Fault::Missing {
                capability: format!("a folder for labs at {} ({e})", dir.display()),
                remedy: "set XDG_RUNTIME_DIR to a folder of yours of mode 0700, or use --rootless".into(),
            }
        }
        _ => Fault::Broken(format!("{}: {e}", dir.display())),
    }
}

/// `NSFS_MAGIC` of `linux/magic.h`.
const NSFS_MAGIC: rustix::fs::FsWord = 0x6e73_6673;
