//! Many frames into an interface as fast as one thread can send, and what a process has spent: the kernel's side of benches.
//!
//! Kernel counterpart: `net/packet/af_packet.c` with `PACKET_QDISC_BYPASS`, `sendmmsg(2)`, `clock_gettime(2)`. Deliberately
//! absent: several processors, transmit rings (which are slower for small frames), pacing.

use nettwin_model::{Errno, Fault, IfName};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::time::ClockId;
use std::ffi::c_int;
use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// How many frames one system call sends.
pub const BURST: usize = 64;

/// A packet socket bound to an interface of the namespace that it was opened in.
#[derive(Debug)]
pub struct Pump {
    link: OwnedFd,
}

impl Pump {
    /// Opens one in the calling thread's namespace.
    pub fn open(dev: IfName) -> Result<Self, Fault> {
        let link = rustix::net::socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, None)
            .map_err(crate::netns::refused)?;
        let index = rustix::net::netdevice::name_to_index(&link, dev.as_str()).map_err(crate::netns::refused)?;
        let bypass: c_int = 1;
        // SAFETY: the option is read from an int of this frame, whose size is given.
        let set = unsafe {
            libc::setsockopt(
                link.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_QDISC_BYPASS,
                (&raw const bypass).cast(),
                size_of::<c_int>() as libc::socklen_t,
            )
        };
        checked(set)?;
        // SAFETY: all of its fields are numbers, for which zero is a value.
        let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        to.sll_family = libc::AF_PACKET as u16; // a small constant
        to.sll_ifindex = c_int::try_from(index).map_err(|_| Fault::errno(Errno::ENODEV))?;
        // SAFETY: the address is a live sockaddr_ll of this frame, whose size is given.
        let bound = unsafe {
            libc::bind(link.as_raw_fd(), (&raw const to).cast(), size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        };
        checked(bound)?;
        Ok(Pump { link })
    }

    /// Sends `count` frames, these one after another and again, Ethernet header first.
    pub fn send(&self, frames: &[Vec<u8>], count: usize) -> Result<(), Fault> {
        let mut parts: Vec<libc::iovec> = (0..BURST)
            .map(|n| &frames[n % frames.len()])
            .map(|f| libc::iovec { iov_base: f.as_ptr().cast_mut().cast(), iov_len: f.len() })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = parts
            .iter_mut()
            .map(|part| {
                // SAFETY: numbers and pointers, for which zero is a value; null pointers mean that there is nothing.
                let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
                header.msg_hdr.msg_iov = part;
                header.msg_hdr.msg_iovlen = 1;
                header
            })
            .collect();
        let mut left = count;
        while left > 0 {
            let burst = left.min(BURST);
            // SAFETY: the first `burst` messages are initialised, and they and what they point to (the parts above and the
            // frames, which are only read) outlive the call.
            let sent =
                unsafe { libc::sendmmsg(self.link.as_raw_fd(), messages.as_mut_ptr(), burst as libc::c_uint, 0) };
            // A veth's backlog is bounded: what does not fit is lost and told as ENOBUFS, of the first frame only.
            match checked(sent) {
                Ok(n) => left -= (n as usize).min(left),
                Err(Fault::Refused { errno: Errno::ENOBUFS, .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}

/// What this process has computed so far, in all its threads, also in the kernel.
pub fn cpu_time() -> Duration {
    let t = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
    // Neither is negative, nor are there more than 10^9 nanoseconds.
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

/// What all children that have ended, and were waited for, have computed.
pub fn children_cpu_time() -> Duration {
    // SAFETY: all of its fields are numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live rusage of this frame.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    let of = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    of(usage.ru_utime) + of(usage.ru_stime)
}

fn checked(result: c_int) -> Result<c_int, Fault> {
    if result < 0 { Err(crate::netns::refused_io(&std::io::Error::last_os_error())) } else { Ok(result) }
}
