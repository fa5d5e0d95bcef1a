//! The sockets of a namespace.
//!
//! Kernel counterpart: `/proc/net/tcp` and `/proc/net/udp`, as `net/ipv4/tcp_ipv4.c` prints them; the link leads to the task
//! that looks, so it is read by the worker while it is inside. Deliberately absent: IPv6.

use crate::netns::{Netns, Worker};
use nettwin_model::Fault;
use nettwin_model::probe::Proto;
use nettwin_model::socket::{Listed, State};
use std::net::{Ipv4Addr, SocketAddrV4};

/// All TCP and UDP sockets, in order.
pub(crate) fn list(worker: &Worker, netns: &Netns) -> Result<Vec<Listed>, Fault> {
    let read = |path: &str| std::fs::read_to_string(path).map_err(|e| Fault::Broken(format!("{path}: {e}")));
    let (tcp, udp) = worker.run_in(netns, || (read("/proc/thread-self/net/tcp"), read("/proc/thread-self/net/udp")))?;
    let mut all: Vec<Listed> = lines(&tcp?, Proto::Tcp);
    all.extend(lines(&udp?, Proto::Udp));
    all.sort_unstable();
    Ok(all)
}

fn lines(text: &str, proto: Proto) -> Vec<Listed> {
    text.lines().skip(1).filter_map(|line| entry(line, proto)).collect()
}

/// `0: 0100007F:1389 00000000:0000 0A 00000000:00000000 …`.
fn entry(line: &str, proto: Proto) -> Option<Listed> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, remote) = (end(fields.next()?)?, end(fields.next()?)?);
    let number = usize::from_str_radix(fields.next()?, 16).ok()?;
    let state = *State::ALL.get(number.checked_sub(1)?)?;
    let (unsent, received) = fields.next()?.split_once(':')?;
    let number = |hex| u32::from_str_radix(hex, 16).ok();
    let (unsent, received) = (number(unsent)?, number(received)?);
    // A datagram's buffers are counted with all that the kernel keeps beside it; a listener's limit is not told.
    let (unsent, received) = match (proto, state) {
        (Proto::Udp, _) => (0, 0),
        (Proto::Tcp, State::Listen) => (0, received),
        (Proto::Tcp, _) => (unsent, received),
    };
    Some(Listed { proto, state, local, remote, received, unsent })
}

/// An address as a number in the machine's byte order, and a port.
fn end(text: &str) -> Option<SocketAddrV4> {
    let (addr, port) = text.split_once(':')?;
    let addr = u32::from_str_radix(addr, 16).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(addr.to_ne_bytes()), u16::from_str_radix(port, 16).ok()?))
}
