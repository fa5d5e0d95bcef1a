//! Waiting for the kernel's afterthoughts.
//!
//! Kernel counterpart: `net/core/link_watch.c`, which applies carrier changes to operational states, queueing disciplines
//! and routes by a work queue, at once or up to a second later. Deliberately absent: waiting for protocols (neighbour
//! states, STP, learning), which is what tests do by the clock.

use crate::machine::KernelBackend;
use crate::netlink::{Asked, decode};
use crate::netns::{refused, refused_io};
use crate::object::link::{self, LinkRow};
use netlink_sys::constants::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nettwin_model::{Fault, OperState};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Silence that is believed.
const QUIET: Duration = Duration::from_millis(50);
/// After this long the machine is taken as it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV4_ROUTE`.
const GROUPS: [u32; 3] = [1, 5, 7];

impl KernelBackend {
    /// Waits until no namespace has told of a change for a while and no link's carrier waits to be noticed.
    pub(crate) fn await_quiet(&mut self) -> Result<Duration, Fault> {
        let begun = Instant::now();
        let deadline = begun + PATIENCE;
        let everywhere = self.worker.run_in_each(self.rooms.values().map(|room| &room.netns), listen)?;
        let listeners: Vec<Socket> = everywhere.into_iter().collect::<Result<_, _>>()?;
        loop {
            silence(&listeners, deadline)?;
            if Instant::now() >= deadline || !self.is_carrier_pending()? {
                return Ok(begun.elapsed());
            }
        }
    }

    /// Waits until no link's carrier waits to be noticed; returns at once if none does.
    pub(crate) fn await_carriers(&mut self) -> Result<(), Fault> {
        if self.is_carrier_pending()? {
            self.await_quiet()?;
        }
        Ok(())
    }

    fn is_carrier_pending(&mut self) -> Result<bool, Fault> {
        for room in self.rooms.values_mut() {
            let rows = room.netlink.dump_several(&[Asked::Message(&link::all())])?;
            for row in rows.iter().flatten() {
                if LinkRow::new(decode(row)?).is_some_and(|row| is_pending(&row)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Link-watch has yet to look at this link. Devices that no op makes are left out: they have reasons of their own.
fn is_pending(row: &LinkRow) -> bool {
    if !row.up || !matches!(row.kind.as_str(), "veth" | "bridge") {
        return false;
    }
    // A bridge that never had a port stays UNKNOWN; one whose carrier went and came back is about to be UP.
    let up = row.operstate == OperState::Up || row.operstate == OperState::Unknown && row.carrier_changes == 0;
    // Without carrier UNKNOWN is what a device is born with: the first change may wait a second for link watch.
    let down = !matches!(row.operstate, OperState::Up | OperState::Unknown);
    if row.carrier { !up || row.qdisc == "noop" } else { !down }
}

/// A socket that hears of changes in the calling thread's namespace.
fn listen() -> Result<Socket, Fault> {
    let open = || {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        GROUPS.iter().try_for_each(|group| socket.add_membership(*group))?;
        socket.set_non_blocking(true)?;
        Ok(socket)
    };
    open().map_err(|e: std::io::Error| refused_io(&e))
}

/// Returns when nobody has said anything for a while, or at the deadline.
fn silence(listeners: &[Socket], deadline: Instant) -> Result<(), Fault> {
    let mut until = (Instant::now() + QUIET).min(deadline);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let mut fds: Vec<PollFd<'_>> = listeners
            .iter()
            .map(|socket| {
                // SAFETY: the socket owns the descriptor and outlives this list.
                let fd = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
                PollFd::from_borrowed_fd(fd, PollFlags::IN)
            })
            .collect();
        let timeout = Timespec::try_from(left).unwrap_or_default();
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(refused(errno)),
        }
        let noisy: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (socket, _) in listeners.iter().zip(noisy).filter(|(_, noisy)| *noisy) {
            drain(socket);
        }
        until = (Instant::now() + QUIET).min(deadline);
    }
}

/// Reads away what was said, whatever it was. Any error (nothing more, or an overflow) ends the reading: an overflow
/// was noise too.
fn drain(socket: &Socket) {
    let mut scratch = Vec::with_capacity(32 << 10);
    while socket.recv(&mut scratch, 0).is_ok() {
        scratch.clear();
    }
}
