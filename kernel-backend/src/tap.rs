//! TAP devices: an interface of the namespace that the calling thread is in, whose wire is a descriptor.
//!
//! Kernel counterpart: `drivers/net/tun.c`, `Documentation/networking/tuntap.rst`. The one home of the crate tun-tap, which
//! opens `/dev/net/tun`; from there on the descriptor is ours. Deliberately absent: TUN, several queues, offloads (without
//! them the kernel computes all checksums before it hands a frame over), persistence.

use nettwin_model::{Errno, Fault, IfName};
use rustix::io::FdFlags;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use tun_tap::{Iface, Mode};

/// A TAP device. It is gone when this is dropped.
#[derive(Debug)]
pub struct Tap {
    fd: OwnedFd,
    name: IfName,
}

impl Tap {
    /// Makes the device in the calling thread's namespace, or takes over one of this name that is there and free. It is
    /// down, if it is new.
    pub fn open(name: IfName) -> Result<Self, Fault> {
        let iface = Iface::without_packet_info(name.as_str(), Mode::Tap).map_err(|e| not_made(&e, name))?;
        iface.set_non_blocking().map_err(|e| Fault::Broken(format!("the TAP device {name}: {e}")))?;
        // SAFETY: into_raw_fd gives up the descriptor, which is open and nobody else's from here on.
        let fd = unsafe { OwnedFd::from_raw_fd(iface.into_raw_fd()) };
        rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC).map_err(crate::netns::refused)?;
        Ok(Tap { fd, name })
    }

    /// Its name.
    pub fn name(&self) -> IfName {
        self.name
    }

    /// The next frame that its namespace sent, if there is one, and how long it is.
    pub fn read(&self, frame: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.fd, frame) {
            Ok(len) => Ok(Some(len)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
            // The device is down: nothing is sent.
            Err(rustix::io::Errno::IO) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Lets its namespace receive a frame. `false`: the device is down or has no room, and the frame is lost, as on any
    /// wire.
    pub fn write(&self, frame: &[u8]) -> io::Result<bool> {
        match rustix::io::write(&self.fd, frame) {
            Ok(_) => Ok(true),
            Err(
                rustix::io::Errno::IO
                | rustix::io::Errno::AGAIN
                | rustix::io::Errno::INTR
                | rustix::io::Errno::INVAL
                | rustix::io::Errno::NOMEM,
            ) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn not_made(error: &io::Error, name: IfName) -> Fault {
    let missing = |remedy: &str| Fault::Missing { capability: "/dev/net/tun".into(), remedy: remedy.into() };
    match error.raw_os_error().map(Errno) {
        Some(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => {
            missing("load the module tun, or make /dev/net/tun visible here")
        }
        // Opening it takes no more than the file's permissions; making a device takes CAP_NET_ADMIN.
        Some(Errno::EACCES) => missing("open it to users, as distributions have it: chmod 0666 /dev/net/tun"),
        Some(Errno::EPERM) => Fault::Missing {
            capability: format!("the right to make the TAP device {name}"),
            remedy: "run as root, or in a namespace of your own: unshare -Urn".into(),
        },
        Some(errno) => Fault::refused(errno, &format!("the TAP device {name} was not made")),
        None => Fault::Broken(format!("the TAP device {name}: {error}")),
    }
}
