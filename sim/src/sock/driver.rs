//! One smoltcp `Interface` with one socket in it, driven one packet at a time.
//!
//! Kernel counterpart: none; this is the seam to smoltcp. Each socket has an interface of its own (`Medium::Ip`, a few
//! hundred bytes, no heap), so that demultiplexing is ours, the MTU is the path's and no poll walks over idle sockets.
//! The interface takes any address: the namespace decides what is local before a packet comes here. Deliberately absent:
//! ARP, routes, fragments, ICMP, checks of what comes in (the door is [`super::segment`]).

use nettwin_model::Instant;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::{AnySocket, tcp, udp};
use smoltcp::wire::HardwareAddress;
use std::collections::VecDeque;

/// Packets on their way out of the namespace's sockets, oldest first, and buffers to be used again.
#[derive(Default)]
pub(super) struct Outbox {
    queue: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

impl Outbox {
    /// A buffer, empty but perhaps with capacity.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Puts a packet at the end.
    pub(super) fn push(&mut self, packet: Vec<u8>) {
        self.queue.push_back(packet);
    }

    /// The oldest packet.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        self.queue.pop_front()
    }

    /// How many packets wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The packets put in since it held `from`.
    pub(super) fn since(&mut self, from: usize) -> impl Iterator<Item = &mut Vec<u8>> {
        self.queue.range_mut(from..)
    }
}

/// An interface and its one socket.
pub(super) struct Driver {
    iface: Interface,
    set: SocketSet<'static>,
    socket: SocketHandle,
    mtu: u16,
}

impl Driver {
    /// Drives `socket` over paths of `mtu` bytes; `seed` decides its initial sequence number.
    pub(super) fn new<S: AnySocket<'static>>(now: Instant, socket: S, mtu: u16, seed: u64) -> Self {
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let socket = set.add(socket);
        Driver { iface: interface(now, mtu, seed), set, socket, mtu }
    }

    /// The greatest packet that leaves here, bytes.
    pub(super) fn mtu(&self) -> u16 {
        self.mtu
    }

    /// From now on the path takes packets of `mtu` bytes. smoltcp fixes the MTU when an interface is made.
    pub(super) fn set_mtu(&mut self, now: Instant, mtu: u16, seed: u64) {
        self.iface = interface(now, mtu, seed);
        self.mtu = mtu;
    }

    /// The TCP socket. The caller knows that it is one.
    pub(super) fn tcp_now(&self) -> &tcp::Socket<'static> {
        self.set.get(self.socket)
    }

    pub(super) fn tcp(&mut self) -> &mut tcp::Socket<'static> {
        self.set.get_mut(self.socket)
    }

    /// The UDP socket. The caller knows that it is one.
    pub(super) fn udp(&mut self) -> &mut udp::Socket<'static> {
        self.set.get_mut(self.socket)
    }

    /// Opens a TCP connection from an address and port to another; smoltcp refuses unspecified ones.
    pub(super) fn connect(
        &mut self,
        local: std::net::SocketAddrV4,
        remote: std::net::SocketAddrV4,
    ) -> Result<(), tcp::ConnectError> {
        let cx = self.iface.context();
        let (remote, local) = ((*remote.ip(), remote.port()), (*local.ip(), local.port()));
        self.set.get_mut::<tcp::Socket>(self.socket).connect(cx, remote, local)
    }

    /// Gives the socket a packet that it accepts. What it answers at once goes to `out`.
    pub(super) fn input(&mut self, now: Instant, packet: &[u8], out: &mut Outbox) {
        let mut port = Port { rx: Some(packet), out, mtu: self.mtu };
        self.iface.poll_ingress_single(micros(now), &mut port, &mut self.set);
    }

    /// Lets the socket send at most one packet.
    pub(super) fn output(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let before = out.len();
        let mut port = Port { rx: None, out, mtu: self.mtu };
        self.iface.poll_egress(micros(now), &mut port, &mut self.set);
        out.len() > before
    }

    /// When the socket wants [`output`](Self::output) called.
    pub(super) fn wake_at(&mut self, now: Instant) -> Option<Instant> {
        let at = self.iface.poll_at(micros(now), &self.set)?;
        let us = u64::try_from(at.total_micros()).unwrap_or(0);
        Some(Instant::from_nanos(us.saturating_mul(1000)).max(now))
    }
}

fn interface(now: Instant, mtu: u16, seed: u64) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut nowhere = Outbox::default();
    let mut port = Port { rx: None, out: &mut nowhere, mtu };
    let mut iface = Interface::new(config, &mut port, micros(now));
    iface.set_any_ip(true);
    iface
}

/// smoltcp counts microseconds; rounding down is harmless, since [`Driver::wake_at`] answers in whole ones.
fn micros(now: Instant) -> smoltcp::time::Instant {
    let us = now.as_nanos() / 1000;
    smoltcp::time::Instant::from_micros(i64::try_from(us).unwrap_or(i64::MAX))
}

/// The device of one poll: at most one packet in, any number out.
struct Port<'a> {
    rx: Option<&'a [u8]>,
    out: &'a mut Outbox,
    mtu: u16,
}

struct Rx<'a>(&'a [u8]);

struct Tx<'a>(&'a mut Outbox);

impl Device for Port<'_> {
    type RxToken<'b>
        = Rx<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Tx<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Rx<'_>, Tx<'_>)> {
        let packet = self.rx.take()?;
        Some((Rx(packet), Tx(self.out)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Tx<'_>> {
        Some(Tx(self.out))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut caps = DeviceCapabilities::default();
        caps.medium = Medium::Ip;
        caps.max_transmission_unit = usize::from(self.mtu);
        let mut checksum = ChecksumCapabilities::default();
        // The door has verified what comes in.
        checksum.ipv4 = Checksum::Tx;
        checksum.tcp = Checksum::Tx;
        checksum.udp = Checksum::Tx;
        caps.checksum = checksum;
        caps
    }
}

impl RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = self.0.buffer();
        packet.resize(len, 0);
        let result = f(&mut packet);
        self.0.push(packet);
        result
    }
}

const SPARE_BUFFERS: usize = 64;
