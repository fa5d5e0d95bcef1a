//! Traceroute's sockets: one UDP socket for each probe, or a raw one for all echo requests.
//!
//! Kernel counterpart: `mod-udp.c` and `mod-icmp.c` of traceroute. All sockets are opened at once, while the thread is in
//! the namespace, and closed with their answers. Deliberately absent: other methods.

use super::driven::{Port, Unsent, begin};
use super::sys::{self, Peer};
use super::{Begin, Clock, Refusal, ping};
use nettwin_model::probe::workload::{Act, Input};
use nettwin_model::probe::{IcmpError, ProbeId, Trace, TraceMethod, TraceRun, payload};
use nettwin_model::{Errno, Instant};
use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

/// Opens the sockets; the first is connected, to find the source address or that there is none.
pub(super) fn open(trace: &Trace, id: ProbeId) -> Result<Begin, Refusal> {
    let finder = sys::udp_socket()?;
    if let Some(source) = trace.source {
        sys::bind(&finder, source, 0)?;
    }
    sys::connect(&finder, trace.dst, trace.port)?;
    let source = sys::own_addr(&finder)?;
    if trace.method == TraceMethod::Icmp {
        return Ok(begin(TraceRun::new(trace), EchoPort(ping::for_trace(trace, id)?), source));
    }
    let probes = (0..trace.probes()).map(|_| open_one(trace).map(Some)).collect::<Result<Vec<_>, _>>()?;
    let port = TracePort { probes, sent: 0, dst: trace.dst, payload: payload::trace(trace.packet_len) };
    Ok(begin(TraceRun::new(trace), port, source))
}

fn open_one(trace: &Trace) -> Result<OwnedFd, Errno> {
    let udp = sys::udp_socket()?;
    if let Some(source) = trace.source {
        sys::bind(&udp, source, 0)?;
    }
    if trace.tos != 0 {
        sockopt::set_ip_tos(&udp, trace.tos).map_err(sys::errno)?;
    }
    sys::set_pmtudisc(&udp, libc::IP_PMTUDISC_DONT)?;
    sys::want_timestamps(&udp)?;
    sys::want_errors(&udp)?;
    Ok(udp)
}

/// The raw socket of ping, whose TTL changes from probe to probe.
#[derive(Debug)]
struct EchoPort(ping::PingPort);

impl Port for EchoPort {
    fn send(&mut self, act: &Act, clock: Clock) -> Result<(), Unsent> {
        let Act::Datagram { seq, ttl, .. } = *act else { return Ok(()) };
        let failed = |e| Unsent { seq, errno: sys::errno(e), mtu: None };
        sockopt::set_ip_ttl(self.0.socket(), ttl.into()).map_err(failed)?;
        self.0.send(&Act::Echo { seq }, clock)
    }

    fn read(&mut self, clock: Clock, inputs: &mut Vec<(Instant, Input)>) {
        self.0.read(clock, inputs);
    }

    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        self.0.watch(fds);
    }
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
        let Act::Datagram { seq, port, ttl } = *act else { return Ok(()) };
        self.sent = self.sent.max(usize::from(seq));
        let socket = usize::from(seq).checked_sub(1).and_then(|i| self.probes.get(i)?.as_ref());
        let unsent = |errno| Unsent { seq, errno, mtu: None };
        let socket = socket.ok_or(unsent(Errno::EBADF))?;
        sockopt::set_ip_ttl(socket, ttl.into()).map_err(|e| unsent(sys::errno(e)))?;
        sys::connect(socket, self.dst, port).map_err(unsent)?;
        sys::send(socket, &self.payload).map(|_| ()).map_err(unsent)
    }

    fn read(&mut self, clock: Clock, inputs: &mut Vec<(Instant, Input)>) {
        for (i, slot) in self.probes.iter_mut().enumerate().take(self.sent) {
            let Some(socket) = slot else { continue };
            // At most 255 hops of 255 probes.
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
