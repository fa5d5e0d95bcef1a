//! Namespaces and the one thread that enters them.
//!
//! Kernel counterpart: `unshare(CLONE_NEWNET)`, `setns`, nsfs. Every call of either is in this file: a namespace belongs
//! to a thread, so a [`Worker`] thread of its own enters one after another and always comes home, which keeps the rest
//! of the process where it was and pins no namespace that was given up. What is opened inside (a socket, a file below
//! `/proc/sys/net`) stays in that namespace wherever it is used later. Deliberately absent: a thread per namespace, forks.

use nettwin_model::{Errno, Fault};
use rustix::fs::{Mode, OFlags};
use rustix::mount::MountPropagationFlags;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Where a thread finds its own network namespace.
pub(crate) const OWN_NETNS: &str = "/proc/thread-self/ns/net";

/// What tells one namespace from all others while it lives: the device and inode of its nsfs file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetnsId {
    /// The device number of nsfs.
    pub dev: u64,
    /// The inode number.
    pub ino: u64,
}

/// A namespace, kept alive by this descriptor.
#[derive(Debug)]
pub struct Netns {
    fd: OwnedFd,
    id: NetnsId,
}

impl Netns {
    /// The calling thread's own namespace.
    pub fn own() -> Result<Self, Fault> {
        Self::of(Path::new(OWN_NETNS))
    }

    /// A namespace by its file: `/proc/PID/ns/net`, or a bind mount of one as below `/run/netns`. What is there but is
    /// no network namespace (a file left behind without its mount) is refused with EINVAL, as `setns` does.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let netns = Self::of(path)?;
        let on_nsfs = rustix::fs::fstatfs(&netns.fd).map_err(refused)?.f_type == libc::NSFS_MAGIC;
        if on_nsfs { Ok(netns) } else { Err(Fault::errno(Errno::EINVAL)) }
    }

    /// The same, of a file that can be nothing else.
    fn of(path: &Path) -> Result<Self, Fault> {
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(refused)?;
        let stat = rustix::fs::fstat(&fd).map_err(refused)?;
        Ok(Netns { fd, id: NetnsId { dev: stat.st_dev, ino: stat.st_ino } })
    }

    /// Its identity.
    pub fn id(&self) -> NetnsId {
        self.id
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

type Job = Box<dyn FnOnce(BorrowedFd<'_>) + Send>;

/// The thread that enters namespaces.
#[derive(Debug)]
pub struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. It begins, and rests, in the namespace of the thread that calls this.
    pub fn new() -> Result<Self, Fault> {
        let home = Netns::own()?;
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("nettwin-netns".into())
            .spawn(move || {
                while let Ok(job) = inbox.recv() {
                    job(home.as_fd());
                }
            })
            .map_err(|e| Fault::Broken(format!("the thread that enters namespaces did not start: {e}")))?;
        Ok(Worker { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `f` in `netns` on the worker's thread and waits for its result. A panic in `f` goes on in the caller.
    pub fn run_in<R: Send>(&self, netns: &Netns, f: impl FnOnce() -> R + Send) -> Result<R, Fault> {
        self.visit(|| enter(netns.as_fd()), f)
    }

    /// Makes a namespace and runs `f` inside before anybody else can know it.
    pub fn create<R: Send>(&self, f: impl FnMut() -> R + Send) -> Result<(Netns, R), Fault> {
        self.create_several(1, f)?.pop().unwrap_or_else(|| Err(Fault::Broken("no namespace was made".into())))
    }

    /// Makes several namespaces in one visit and runs `f` inside each; the first failure ends it and is the last answer.
    #[allow(clippy::type_complexity)]
    pub fn create_several<R: Send>(
        &self,
        count: usize,
        mut f: impl FnMut() -> R + Send,
    ) -> Result<Vec<Result<(Netns, R), Fault>>, Fault> {
        self.visit(
            || Ok(()),
            || {
                let mut made = Vec::with_capacity(count);
                for _ in 0..count {
                    // SAFETY: unsafe because of CLONE_FILES only, which is not among the flags.
                    let inside = unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) };
                    made.push(inside.map_err(refused).and_then(|()| Ok((Netns::own()?, f()))));
                    if made.last().is_some_and(Result::is_err) {
                        break;
                    }
                }
                made
            },
        )
    }

    /// Runs `f` in each of these namespaces, in one visit of the worker's thread.
    pub fn run_in_each<'a, R: Send>(
        &self,
        all: impl Iterator<Item = &'a Netns> + Send,
        mut f: impl FnMut() -> R + Send,
    ) -> Result<Vec<R>, Fault> {
        self.visit(|| Ok(()), || all.map(|netns| enter(netns.as_fd()).map(|()| f())).collect::<Result<_, _>>())?
            .map_err(refused)
    }

    /// On the worker's thread: go in, do it, come home.
    fn visit<R: Send>(
        &self,
        go_in: impl FnOnce() -> rustix::io::Result<()> + Send,
        f: impl FnOnce() -> R + Send,
    ) -> Result<R, Fault> {
        enum Visit<R> {
            Refused(rustix::io::Errno),
            Stranded(rustix::io::Errno),
            Panicked(Box<dyn Any + Send>),
            Done(R),
        }
        let (answer, result) = mpsc::sync_channel(1);
        let job = move |home: BorrowedFd<'_>| {
            let visit = match go_in() {
                Err(errno) => Visit::Refused(errno),
                Ok(()) => {
                    let r = catch_unwind(AssertUnwindSafe(f));
                    match (r, enter(home)) {
                        (Err(panic), _) => Visit::Panicked(panic),
                        (Ok(_), Err(errno)) => Visit::Stranded(errno),
                        (Ok(r), Ok(())) => Visit::Done(r),
                    }
                }
            };
            // Nobody listens only if the caller is gone, and the caller waits below.
            let _ = answer.send(visit);
        };
        let job: Box<dyn FnOnce(BorrowedFd<'_>) + Send + '_> = Box::new(job);
        // SAFETY: the closure borrows from the caller's frame and is sent to another thread as if it did not. This frame
        // does not end before `recv` returns, and `recv` returns only once the closure has been consumed: either it sent
        // its answer, its last act, after `go_in` and `f` were used up; or its sender was dropped, with it, unrun.
        let job: Job = unsafe { std::mem::transmute(job) };
        let gone = || Fault::Broken("the thread that enters namespaces is gone".into());
        self.jobs.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())?;
        match result.recv().map_err(|_| gone())? {
            Visit::Done(r) => Ok(r),
            Visit::Refused(errno) => Err(refused(errno)),
            Visit::Stranded(errno) => Err(Fault::Broken(format!("the way home from a namespace is barred: {errno}"))),
            Visit::Panicked(panic) => resume_unwind(panic),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Jobs catch their panics, so the thread has none to report.
            let _ = thread.join();
        }
    }
}

fn enter(netns: BorrowedFd<'_>) -> rustix::io::Result<()> {
    rustix::thread::move_into_link_name_space(netns, Some(LinkNameSpaceType::Network))
}

/// Tries to mount, in a mount namespace of a thread of its own, where nobody sees it.
pub(crate) fn try_mounting() -> Result<(), Fault> {
    let thread = std::thread::spawn(|| {
        // SAFETY: unsafe because of CLONE_FILES only, which is not among the flags.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
        rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        rustix::mount::mount_bind(OWN_NETNS, "/dev/null")
    });
    thread.join().map_err(|_| Fault::Broken("the thread that tried to mount panicked".into()))?.map_err(refused)
}

/// A system call's refusal.
pub(crate) fn refused(errno: rustix::io::Errno) -> Fault {
    Fault::errno(Errno(errno.raw_os_error()))
}

/// A refusal by way of the standard library.
pub(crate) fn refused_io(error: &std::io::Error) -> Fault {
    match error.raw_os_error() {
        Some(n) => Fault::errno(Errno(n)),
        None => Fault::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_comes_home_and_passes_panics_on() {
        let worker = Worker::new().unwrap();
        let home = Netns::own().unwrap();
        let seen = worker.run_in(&home, || Netns::own().unwrap().id());
        match seen {
            // Entering even one's own namespace takes a privilege.
            Err(Fault::Refused { errno: Errno::EPERM, .. }) => {
                return println!("skipped: not permitted to enter netns");
            }
            seen => assert_eq!(seen.unwrap(), home.id()),
        }
        let (made, inside) = worker.create(|| Netns::own().unwrap().id()).unwrap();
        assert_eq!(made.id(), inside);
        assert_ne!(made.id(), home.id());
        assert_eq!(worker.run_in(&home, || Netns::own().unwrap().id()).unwrap(), home.id());
        let mut borrowed = 1;
        worker.run_in(&made, || borrowed += 1).unwrap();
        assert_eq!(borrowed, 2);
        let panic = catch_unwind(AssertUnwindSafe(|| worker.run_in(&made, || panic!("inside")))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"inside"));
        assert!(worker.run_in(&made, || ()).is_ok());
    }
}
