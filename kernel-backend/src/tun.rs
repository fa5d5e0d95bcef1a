//! TAP and TUN devices that stay when nobody holds them (`ip tuntap add`).
//!
//! Kernel counterpart: `drivers/net/tun.c` (`tun_set_iff`, `TUNSETPERSIST`): rtnetlink does not make them, a descriptor of
//! `/dev/net/tun` does, in the namespace of the thread that opened it. Who holds one and reads it is in [`crate::tap`].
//! Deliberately absent: `IFF_ONE_QUEUE`, which does nothing and is not told by rtnetlink.

use crate::netns::{Netns, Worker};
use nettwin_model::virtuals::{Tun, TunMode};
use nettwin_model::{Errno, Fault, IfName};
use rustix::fs::{Mode, OFlags};
use std::os::fd::{AsRawFd, OwnedFd};

const DEVICE: &str = "/dev/net/tun";
const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
const TUNSETPERSIST: libc::c_ulong = 0x4004_54cb;
const TUNSETOWNER: libc::c_ulong = 0x4004_54cc;
const TUNSETGROUP: libc::c_ulong = 0x4004_54ce;

const IFF_TUN: i32 = 0x0001;
const IFF_TAP: i32 = 0x0002;
const IFF_MULTI_QUEUE: i32 = 0x0100;
const IFF_NO_PI: i32 = 0x1000;
const IFF_VNET_HDR: i32 = 0x4000;
const IFF_TUN_EXCL: i32 = 0x8000;

/// Makes one, down and without carrier.
pub(crate) fn add(worker: &Worker, netns: &Netns, name: &IfName, tun: &Tun) -> Result<(), Fault> {
    worker.run_in(netns, || {
        let fd = open()?;
        set_iff(&fd, name, flags(tun) | IFF_TUN_EXCL)?;
        if let Some(user) = tun.user {
            set(&fd, TUNSETOWNER, user.into())?;
        }
        if let Some(group) = tun.group {
            set(&fd, TUNSETGROUP, group.into())?;
        }
        set(&fd, TUNSETPERSIST, 1)
    })?
}

/// Whether there can be any here.
pub(crate) fn attempt() -> Result<(), Fault> {
    open().map(drop)
}

fn open() -> Result<OwnedFd, Fault> {
    let open = rustix::fs::open(DEVICE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    open.map_err(|errno| Fault::Missing {
        capability: format!("{DEVICE} ({errno})"),
        remedy: "load the module tun, or make /dev/net/tun visible here and open to users (chmod 0666)".into(),
    })
}

fn flags(tun: &Tun) -> i32 {
    let mode = match tun.mode {
        TunMode::Tap => IFF_TAP,
        TunMode::Tun => IFF_TUN,
    };
    let flag = |on: bool, flag: i32| if on { flag } else { 0 };
    mode | flag(!tun.pi, IFF_NO_PI) | flag(tun.vnet_hdr, IFF_VNET_HDR) | flag(tun.multi_queue, IFF_MULTI_QUEUE)
}

fn set_iff(fd: &OwnedFd, name: &IfName, flags: i32) -> Result<(), Fault> {
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero: names have at most 15.
    for (slot, byte) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.as_str().bytes()) {
        *slot = byte as libc::c_char;
    }
    // The flags are 16 bits without a sign there.
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    // SAFETY: it reads and writes one ifreq at the pointer, and that is the structure.
    answer(unsafe { libc::ioctl(fd.as_raw_fd(), TUNSETIFF, &raw mut request) })
}

fn set(fd: &OwnedFd, what: libc::c_ulong, value: libc::c_ulong) -> Result<(), Fault> {
    // SAFETY: these take a number, not a pointer.
    answer(unsafe { libc::ioctl(fd.as_raw_fd(), what, value) })
}

fn answer(returned: libc::c_int) -> Result<(), Fault> {
    match returned {
        0 => Ok(()),
        _ => Err(Fault::errno(Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)))),
    }
}
