//! Ping's raw ICMP socket.
//!
//! Kernel counterpart: `ping4_run()`, `ping4_receive_error_msg()` and `ping4_parse_reply()` of iputils. The source is what
//! `connect` on a UDP socket finds, and its refusal is ping's. Deliberately absent: ping sockets (a lab's namespaces give
//! the privilege for raw ones), ping's tiny send buffer, which makes it block behind five packets without a neighbour. When
//! an ICMP error about an earlier request makes the next send fail, ping counts that one as sent although it was not; here
//! it is sent again, so that the machine's outcomes do not hang on that race.

use super::driven::{Port, Unsent, begin};
use super::sys::{self, Peer, Received};
use super::{Begin, Clock, Refusal, ifindex, no_socket};
use nettwin_model::probe::workload::{Act, Input};
use nettwin_model::probe::{IcmpError, Ping, PingRun, PmtuDisc, ProbeId, Trace, payload};
use nettwin_model::wire::{self, Icmp, Ipv4};
use nettwin_model::{Errno, Instant};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketType, sockopt};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

/// The socket of a traceroute with echo requests.
pub(super) fn for_trace(trace: &Trace, id: ProbeId) -> Result<PingPort, Refusal> {
    let ping = Ping {
        source: trace.source,
        size: trace.packet_len.saturating_sub(28),
        tos: trace.tos,
        pmtudisc: PmtuDisc::Dont,
        pattern: (0..64).map(payload::trace_byte).collect(),
        ..Ping::new(trace.netns.clone(), trace.dst, 1)
    };
    open_port(&ping, id).map(|(port, _)| port)
}

/// Opens the socket.
pub(super) fn open(ping: &Ping, id: ProbeId) -> Result<Begin, Refusal> {
    let (port, source) = open_port(ping, id)?;
    Ok(begin(PingRun::new(ping), port, source))
}

fn open_port(ping: &Ping, id: ProbeId) -> Result<(PingPort, Ipv4Addr), Refusal> {
    let raw = sys::socket(AddressFamily::INET, SocketType::RAW, u32::from(wire::PROTO_ICMP)).map_err(no_socket)?;
    if let Some(dev) = ping.dev {
        ifindex(&raw, dev)?;
        sys::bind_to_device(&raw, dev.as_str())?;
    }
    let (source, is_broadcast) = match ping.source {
        Some(source) => {
            sys::bind(&raw, source, 0)?;
            (source, false)
        }
        None => find_source(ping)?,
    };
    let many = is_broadcast || ping.dst.is_multicast();
    let pmtudisc = match ping.pmtudisc {
        // To many, ping fragments only if told to.
        PmtuDisc::Want if many => libc::IP_PMTUDISC_DO,
        PmtuDisc::Dont => libc::IP_PMTUDISC_DONT,
        PmtuDisc::Want => libc::IP_PMTUDISC_WANT,
        PmtuDisc::Do => libc::IP_PMTUDISC_DO,
    };
    sys::set_pmtudisc(&raw, pmtudisc)?;
    sys::filter_icmp(&raw, &[0, 3, 4, 5, 11, 12])?;
    sys::want_errors(&raw)?;
    sys::want_timestamps(&raw)?;
    sys::enlarge_inbox(&raw, INBOX_BYTES)?;
    if ping.broadcast {
        sockopt::set_socket_broadcast(&raw, true).map_err(sys::errno)?;
    }
    if let Some(ttl) = ping.ttl {
        sockopt::set_ip_ttl(&raw, ttl.into()).map_err(sys::errno)?;
        sockopt::set_ip_multicast_ttl(&raw, ttl.into()).map_err(sys::errno)?;
    }
    if ping.mark != 0 {
        sys::set_mark(&raw, ping.mark)?;
    }
    if ping.tos != 0 {
        sockopt::set_ip_tos(&raw, ping.tos).map_err(sys::errno)?;
    }
    // Two pings of one namespace must differ, and should of other programs'; the low bits of both numbers do.
    let ident = ping.ident.unwrap_or_else(|| (std::process::id() as u16).wrapping_add(id.0 as u16));
    let port = PingPort {
        raw,
        dst: ping.dst,
        ident,
        payload: payload::echo(ping.size, &ping.pattern),
        overhears: ping.dev.is_some(),
        pending: Vec::new(),
        buffer: vec![0; BUFFER_BYTES],
    };
    Ok((port, source))
}

/// The source that a packet to the destination would have, and whether the destination is a broadcast address.
fn find_source(ping: &Ping) -> Result<(Ipv4Addr, bool), Refusal> {
    let udp = sys::udp_socket()?;
    if let Some(dev) = ping.dev {
        sys::bind_to_device(&udp, dev.as_str())?;
    }
    if ping.mark != 0 {
        sys::set_mark(&udp, ping.mark)?;
    }
    if ping.tos != 0 {
        sockopt::set_ip_tos(&udp, ping.tos).map_err(sys::errno)?;
    }
    // The port that ping takes for it.
    let connect = || sys::connect(&udp, ping.dst, 1025);
    let is_broadcast = match connect() {
        Err(Errno::EACCES) if ping.broadcast => {
            sockopt::set_socket_broadcast(&udp, true).map_err(sys::errno)?;
            connect()?;
            true
        }
        connected => {
            connected?;
            false
        }
    };
    Ok((sys::own_addr(&udp)?, is_broadcast))
}

/// The socket, and what is sent by it.
#[derive(Debug)]
pub(super) struct PingPort {
    raw: OwnedFd,
    dst: Ipv4Addr,
    ident: u16,
    payload: Vec<u8>,
    /// Bound to a device: errors that come by another are only overheard.
    overhears: bool,
    /// Errors that were read while sending.
    pending: Vec<(Instant, Input)>,
    buffer: Vec<u8>,
}

impl PingPort {
    /// The socket.
    pub(super) fn socket(&self) -> &OwnedFd {
        &self.raw
    }

    fn request(&self, seq: u16) -> Vec<u8> {
        let mut message = vec![0; wire::ICMP_LEN];
        message.extend_from_slice(&self.payload);
        wire::write_icmp(&mut message, 8, 0, u32::from(self.ident) << 16 | u32::from(seq));
        message
    }

    /// Takes one message from the error queue. `Ok(Some(mtu))`: it was our own machine's, about a packet too big.
    fn read_error(&mut self, clock: Clock) -> Result<Option<u32>, Errno> {
        let received = sys::receive_error(&self.raw, &mut self.buffer)?;
        let Some(error) = received.error else { return Ok(None) };
        if !error.is_icmp {
            return Ok((error.errno == Errno::EMSGSIZE).then_some(error.info));
        }
        let about_us = matches!(received.from, Peer::Inet(to) if *to.ip() == self.dst);
        if let Some(seq) = self.own_request(&self.buffer[..received.len]).filter(|_| about_us) {
            let icmp = IcmpError { kind: error.kind, code: error.code, info: error.info };
            let input = Input::IcmpError { from: error.offender, seq, error: icmp };
            self.pending.push((clock.ago(received.age), input));
        }
        Ok(None)
    }

    /// The sequence number, if this is the beginning of one of our requests.
    fn own_request(&self, message: &[u8]) -> Option<u16> {
        let icmp = Icmp::new(message)?;
        (icmp.kind() == 8 && icmp.ident() == self.ident).then(|| icmp.seq())
    }

    /// What a packet on the raw socket means to us.
    fn understand(&self, received: &Received, packet: &[u8]) -> Option<Input> {
        let ip = Ipv4::unsummed(packet)?;
        let icmp = Icmp::new(packet.get(ip.header_len()..ip.total_len().min(received.len))?)?;
        if !icmp.is_intact() {
            return None;
        }
        if icmp.kind() == 0 {
            // A packet has less than 65536 bytes.
            let bytes = (wire::ICMP_LEN + icmp.payload().len()) as u16;
            let reply = Input::EchoReply { from: ip.src(), seq: icmp.seq(), ttl: ip.ttl(), bytes };
            return (icmp.ident() == self.ident).then_some(reply);
        }
        let quoted = Ipv4::unsummed(icmp.payload())?;
        let ours = quoted.proto() == wire::PROTO_ICMP && quoted.dst() == self.dst;
        let seq = self.own_request(icmp.payload().get(quoted.header_len()..)?).filter(|_| ours)?;
        if matches!(icmp.kind(), 4 | 5) {
            // These never reach the error queue.
            let error = IcmpError { kind: icmp.kind(), code: icmp.code(), info: icmp.rest() };
            return Some(Input::IcmpError { from: ip.src(), seq, error });
        }
        self.overhears.then_some(Input::ErrorOverheard { seq })
    }
}

impl Port for PingPort {
    fn send(&mut self, act: &Act, clock: Clock) -> Result<(), Unsent> {
        let Act::Echo { seq } = *act else { return Ok(()) };
        let message = self.request(seq);
        let mut errno = Errno::ENOBUFS;
        for _ in 0..ATTEMPTS {
            errno = match sys::send_to(&self.raw, &message, SocketAddrV4::new(self.dst, 0)) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => continue,
                // The buffer is full: as good as no memory.
                Err(Errno::EAGAIN) => Errno::ENOBUFS,
                Err(errno) => errno,
            };
            let before = self.pending.len();
            let mut mtu = None;
            while let Ok(found) = self.read_error(clock) {
                mtu = mtu.or(found);
            }
            if mtu.is_some() || self.pending.len() == before {
                return Err(Unsent { seq, errno, mtu });
            }
        }
        Err(Unsent { seq, errno, mtu: None })
    }

    fn read(&mut self, clock: Clock, inputs: &mut Vec<(Instant, Input)>) {
        loop {
            match sys::receive(&self.raw, &mut self.buffer) {
                Ok(received) => {
                    let packet = &self.buffer[..received.len.min(BUFFER_BYTES)];
                    let input = self.understand(&received, packet);
                    self.pending.extend(input.map(|input| (clock.ago(received.age), input)));
                }
                Err(Errno::EAGAIN) => break,
                // A pending error, which this call took; its story is in the error queue.
                Err(_) => {}
            }
        }
        while self.read_error(clock).is_ok() {}
        self.pending.sort_by_key(|(at, _)| *at);
        inputs.append(&mut self.pending);
    }

    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.push(PollFd::new(&self.raw, PollFlags::IN));
    }
}

/// Larger than any IP packet.
const BUFFER_BYTES: usize = 1 << 16;
const INBOX_BYTES: usize = 1 << 20;
/// How often a send that fails for an earlier request's error is tried again.
const ATTEMPTS: u32 = 16;
