//! What a run takes from the operating system: Linux gives all of it, other systems what they can.
//!
//! Deliberately absent (other systems than Linux): seeing who is asleep, so time passes when nothing was heard for a while
//! and two runs of a script with background jobs may differ; noticing that a view was written to.

#[cfg(all(feature = "kernel", target_os = "linux"))]
pub(crate) use nettwin::kernel::script::{
    Census, Scene, Waiter, Watch, Written, adopt_orphans, apart, apart_as_root, die_with_parent, enter_netns,
    enter_view, kill, let_groups_be, reap_until, receive_fd, room_in_memory, send_fd, signal, signal_group,
    wait_readable,
};

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
pub(crate) use elsewhere::*;

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
mod elsewhere {
    use std::io;
    use std::os::fd::BorrowedFd;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Census;

    impl Census {
        pub(crate) fn place(&self, process: u32) -> Vec<u32> {
            vec![process]
        }

        pub(crate) fn has(&self, _: u32) -> bool {
            true
        }

        pub(crate) fn names(&self) -> Vec<(u32, String)> {
            Vec::new()
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Waiter {
        Clock,
        Outside,
    }

    pub(crate) struct Watch;

    impl Watch {
        pub(crate) fn descendants(_: u32) -> Self {
            Watch
        }

        pub(crate) fn asleep(&self) -> Option<Census> {
            std::thread::sleep(Duration::from_millis(3));
            Some(Census)
        }

        pub(crate) fn census(&self) -> Census {
            Census
        }

        pub(crate) fn waits_outside(&self, _: &Census) -> Option<Waiter> {
            None
        }
    }

    pub(crate) struct Written;

    impl Written {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Written)
        }

        pub(crate) fn watch(&mut self, _: &Path) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn take(&mut self) -> io::Result<Vec<PathBuf>> {
            Ok(Vec::new())
        }
    }

    pub(crate) fn adopt_orphans() -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn let_groups_be() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn enter_view(_: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn send_fd(_: &std::os::unix::net::UnixStream, _: BorrowedFd<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn receive_fd(_: &std::os::unix::net::UnixStream) -> io::Result<std::os::fd::OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn enter_netns(_: BorrowedFd<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn wait_readable(_: &[BorrowedFd<'_>], time: Duration) -> io::Result<()> {
        std::thread::sleep(time.min(Duration::from_millis(1)));
        Ok(())
    }

    pub(crate) fn signal(process: u32, number: u8) {
        let arguments = [format!("-{number}"), process.to_string()];
        // What has gone meanwhile needs no signal.
        let _ = std::process::Command::new("/bin/kill").args(arguments).stderr(std::process::Stdio::null()).status();
    }

    pub(crate) fn signal_group(group: u32, number: u8) {
        let arguments = [format!("-{number}"), "--".to_owned(), format!("-{group}")];
        let _ = std::process::Command::new("/bin/kill").args(arguments).stderr(std::process::Stdio::null()).status();
    }

    pub(crate) fn room_in_memory(_: &Path) -> Option<u64> {
        None
    }

    pub(crate) fn kill(process: u32) {
        signal(process, 9);
    }
}
