//! One UDP socket.
//!
//! Kernel counterpart: `net/ipv4/udp.c`: `udp_sendmsg()`, `udp_err()`, `__udp_enqueue_schedule_skb()`. A datagram longer
//! than the path's MTU leaves here whole and without DF; the IP layer cuts it. Deliberately absent: multicast groups,
//! the error queue, `SO_BINDTODEVICE`, corking, segmentation offload, UDP-Lite. Identification counts up per socket from a
//! random start; the kernel's counters are shared by sockets of one pair of hosts.

use super::driver::{Driver, Outbox};
use super::segment::stamp;
use super::tcp::icmp_errno;
use nettwin_model::probe::IcmpError;
use nettwin_model::{Errno, Instant};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket, UdpMetadata};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A bound, perhaps connected socket.
pub(super) struct Udp {
    driver: Driver,
    /// Where it is bound; 0.0.0.0 is every address.
    pub(super) local: SocketAddrV4,
    /// Whom it is connected to.
    pub(super) peer: Option<SocketAddrV4>,
    error: Option<Errno>,
    /// `IP_RECVERR`.
    pub(super) wants_errors: bool,
    ident: u16,
}

/// A received datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    /// Who sent it.
    pub(crate) from: SocketAddrV4,
    /// To which address of ours.
    pub(crate) to: Ipv4Addr,
    /// The payload.
    pub(crate) payload: Vec<u8>,
}

impl Udp {
    /// A socket bound to an address (or 0.0.0.0) and a port that is not 0.
    pub(super) fn bind(now: Instant, local: SocketAddrV4, seed: u64) -> Result<Udp, Errno> {
        let buffer =
            |slots: usize, bytes: usize| PacketBuffer::new(vec![PacketMetadata::EMPTY; slots], vec![0u8; bytes]);
        let mut socket = Socket::new(buffer(RX_SLOTS, RX_BYTES), buffer(4, TX_BYTES));
        socket.bind(local.port()).map_err(|_| Errno::EINVAL)?;
        let driver = Driver::new(now, socket, u16::MAX, seed);
        // Any bits of the seed will do.
        Ok(Udp { driver, local, peer: None, error: None, wants_errors: false, ident: (seed >> 48) as u16 })
    }

    /// Sends a datagram now, from `source`, over a path of `mtu` bytes.
    pub(super) fn send(
        &mut self,
        now: Instant,
        (source, to): (Ipv4Addr, SocketAddrV4),
        payload: &[u8],
        mtu: u16,
        out: &mut Outbox,
    ) -> Result<(), Errno> {
        if let Some(errno) = self.error.take() {
            return Err(errno);
        }
        if payload.len() > MAX_PAYLOAD {
            return Err(Errno::EMSGSIZE);
        }
        let mut meta: UdpMetadata = (*to.ip(), to.port()).into();
        meta.local_address = Some(source.into());
        let from = out.len();
        // Port 0 and address 0.0.0.0 are all that smoltcp refuses: its ring is empty, since each datagram leaves at once.
        self.driver.udp().send_slice(payload, meta).map_err(|_| Errno::EINVAL)?;
        self.driver.output(now, out);
        for packet in out.since(from) {
            let fits = packet.len() <= usize::from(mtu);
            stamp(packet, self.ident, fits);
            self.ident = self.ident.wrapping_add(1);
        }
        Ok(())
    }

    /// A datagram for this socket; one that does not fit into the receive buffer is lost.
    pub(super) fn input(&mut self, now: Instant, packet: &[u8], out: &mut Outbox) {
        self.driver.input(now, packet, out);
    }

    /// The oldest datagram received.
    pub(super) fn recv(&mut self) -> Result<Datagram, Errno> {
        if let Some(errno) = self.error.take() {
            return Err(errno);
        }
        let (payload, meta) = self.driver.udp().recv().map_err(|_| Errno::EAGAIN)?;
        let smoltcp::wire::IpAddress::Ipv4(from) = meta.endpoint.addr else { return Err(Errno::EAGAIN) };
        let to = match meta.local_address {
            Some(smoltcp::wire::IpAddress::Ipv4(to)) => to,
            _ => *self.local.ip(),
        };
        Ok(Datagram { from: SocketAddrV4::new(from, meta.endpoint.port), to, payload: payload.to_vec() })
    }

    /// An ICMP error about a datagram that was sent from here (`udp_err`): only a connected socket learns of it, and
    /// only of fatal ones unless it asked for all.
    pub(super) fn icmp_error(&mut self, error: IcmpError) {
        if self.peer.is_none() {
            return;
        }
        match icmp_errno(error) {
            // IP_PMTUDISC_WANT, the default, makes it hard.
            Some((Errno::EMSGSIZE, _)) => self.error = Some(Errno::EMSGSIZE),
            Some((errno, fatal)) if fatal || self.wants_errors => self.error = Some(errno),
            _ => {}
        }
    }

    /// `SO_ERROR`.
    pub(super) fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }
}

/// 65535 less the headers of IP and UDP.
const MAX_PAYLOAD: usize = 65_507;
/// `net.core.rmem_default`.
const RX_BYTES: usize = 212_992;
const RX_SLOTS: usize = 256;
/// Twice the longest datagram, so that it fits wherever the ring stands.
const TX_BYTES: usize = 2 * 65_536;
