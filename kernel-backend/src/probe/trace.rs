//! Traceroute's UDP sockets, one for each probe.
//!
//! Kernel counterpart: `mod-udp.c` of traceroute. All sockets are opened at once, while the thread is in the namespace, and
//! closed with their answers. Deliberately absent: other methods than UDP.

use super::driven::{Port, Unsent, begin};
use super::sys::{self, Peer};
use super::{Begin, Clock, Refusal};
use nettwin_model::probe::workload::{Act, Input};
use nettwin_model::probe::{IcmpError, Trace, TraceRun, payload};
use nettwin_model::{Errno, Instant};
use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

/// Opens the sockets; the first is connected, to find the source address or that there is none.
pub(super) fn open(trace: &Trace) -> Result<Begin, Refusal> {
    let finder = sys::udp_socket()?;
    sys::connect(&finder, trace.dst, trace.port)?;
    let source = sys::own_addr(&finder)?;
    let probes = (1..=trace.max_hops).map(|ttl| open_one(ttl).map(Some)).collect::<Result<Vec<_>, _>>()?;
    let port = TracePort { probes, sent: 0, dst: trace.dst, payload: payload::trace(trace.packet_len) };
    Ok(begin(TraceRun::new(trace), port, source))
}

fn open_one(ttl: u8) -> Result<OwnedFd, Errno> {
    let udp = sys::udp_socket()?;
    sys::set_pmtudisc(&udp, libc::IP_PMTUDISC_DONT)?;
    sys::want_timestamps(&udp)?;
    sys::want_errors(&udp)?;
    sockopt::set_ip_ttl(&udp, ttl.into()).map_err(sys::errno)?;
    Ok(udp)
}

#[derive(Debug)]
struct TracePort {
    /// The sockets of probes 1, 2, …; `None` once answered.
    probes: Vec<Option<OwnedFd>>,
    /// How many were used.
    sent: usize,
    dst: Ipv4Addr,
    payload: Vec<u8>,
}

impl Port for TracePort {
    fn send(&mut self, act: &Act, _clock: Clock) -> Result<(), Unsent> {
        let Act::Datagram { seq, port, .. } = *act else { return Ok(()) };
        self.sent = self.sent.max(usize::from(seq));
        let socket = usize::from(seq).checked_sub(1).and_then(|i| self.probes.get(i)?.as_ref());
        let unsent = |errno| Unsent { seq, errno, mtu: None };
        let socket = socket.ok_or(unsent(Errno::EBADF))?;
        sys::connect(socket, self.dst, port).map_err(unsent)?;
        sys::send(socket, &self.payload).map(|_| ()).map_err(unsent)
    }

    fn read(&mut self, clock: Clock, inputs: &mut Vec<(Instant, Input)>) {
        for (i, slot) in self.probes.iter_mut().enumerate().take(self.sent) {
            let Some(socket) = slot else { continue };
            // At most 255 probes.
            let seq = i as u16 + 1;
            if let Some(answer) = read_one(socket, seq, clock) {
                inputs.push(answer);
                *slot = None;
            }
        }
        inputs.sort_by_key(|(at, _)| *at);
    }

    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.extend(self.probes.iter().take(self.sent).flatten().map(|s| PollFd::new(s, PollFlags::IN)));
    }
}

/// The answer to one probe, if it is there.
fn read_one(socket: &OwnedFd, seq: u16, clock: Clock) -> Option<(Instant, Input)> {
    let mut buffer = [0; 64];
    while let Ok(received) = sys::receive_error(socket, &mut buffer) {
        if let Some(e) = received.error.filter(|e| e.is_icmp && !matches!(e.kind, 4 | 5)) {
            // The error is also pending, and would fail the next call.
            sys::take_error(socket);
            let error = IcmpError { kind: e.kind, code: e.code, info: e.info };
            return Some((clock.ago(received.age), Input::IcmpError { from: e.offender, seq, error }));
        }
    }
    let received = sys::receive(socket, &mut buffer).ok()?;
    let Peer::Inet(from) = received.from else { return None };
    Some((clock.ago(received.age), Input::DatagramReply { from: *from.ip(), seq }))
}
