//! The socket calls that no safe crate offers: error queues, timestamps, packet sockets.
//!
//! Kernel counterpart: `ip_recv_error()`, `sock_recv_timestamp()`, `net/packet/af_packet.c`. All `unsafe` of the probes is
//! here. Deliberately absent: IPv6, decisions.

use nettwin_model::vlan::Tag;
use nettwin_model::{Errno, Mac};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::time::ClockId;
use std::ffi::c_int;
use std::mem::size_of;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

/// What one `recvmsg` brought.
#[derive(Debug)]
pub(super) struct Received {
    /// How long the packet was; more than the buffer holds if it was cut.
    pub(super) len: usize,
    /// From whom.
    pub(super) from: Peer,
    /// How long ago the kernel received it.
    pub(super) age: Duration,
    /// Of a message from the error queue: what happened.
    pub(super) error: Option<SocketError>,
    /// The address that a datagram was sent to (`IP_PKTINFO`).
    pub(super) to: Option<Ipv4Addr>,
    /// The transport checksum was left to a device that will never see the packet.
    pub(super) unsummed: bool,
    /// The VLAN tag that the kernel took off.
    pub(super) tag: Option<Tag>,
}

/// A socket address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Nobody,
    Inet(SocketAddrV4),
    /// Of a packet socket.
    Link {
        /// `PACKET_HOST` and its like.
        kind: u8,
        mac: Mac,
    },
}

/// `struct sock_extended_err`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketError {
    pub(super) errno: Errno,
    /// Whether an ICMP message said so (else this machine did).
    pub(super) is_icmp: bool,
    pub(super) kind: u8,
    pub(super) code: u8,
    pub(super) info: u32,
    /// Who sent the ICMP message.
    pub(super) offender: Ipv4Addr,
}

/// A non-blocking socket.
pub(super) fn socket(family: AddressFamily, kind: SocketType, protocol: u32) -> Result<OwnedFd, Errno> {
    let protocol = std::num::NonZeroU32::new(protocol).map(rustix::net::Protocol::from_raw);
    rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, protocol).map_err(errno)
}

/// A non-blocking UDP socket.
pub(super) fn udp_socket() -> Result<OwnedFd, Errno> {
    socket(AddressFamily::INET, SocketType::DGRAM, 0)
}

/// Binds to an address; port 0 is any.
pub(super) fn bind(fd: impl AsFd, addr: Ipv4Addr, port: u16) -> Result<(), Errno> {
    rustix::net::bind(fd, &SocketAddrV4::new(addr, port)).map_err(errno)
}

/// Connects; EINPROGRESS is an error like others.
pub(super) fn connect(fd: impl AsFd, addr: Ipv4Addr, port: u16) -> Result<(), Errno> {
    rustix::net::connect(fd, &SocketAddrV4::new(addr, port)).map_err(errno)
}

/// A socket's own address.
pub(super) fn own_addr(fd: impl AsFd) -> Result<Ipv4Addr, Errno> {
    let any = rustix::net::getsockname(fd).map_err(errno)?;
    match SocketAddr::try_from(any) {
        Ok(SocketAddr::V4(v4)) => Ok(*v4.ip()),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// Sends to an address.
pub(super) fn send_to(fd: impl AsFd, bytes: &[u8], to: SocketAddrV4) -> Result<usize, Errno> {
    rustix::net::sendto(fd, bytes, rustix::net::SendFlags::NOSIGNAL, &to).map_err(errno)
}

/// Sends on a connected or bound socket.
pub(super) fn send(fd: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(fd, bytes, rustix::net::SendFlags::NOSIGNAL).map_err(errno)
}

/// The pending error of a socket (`SO_ERROR`), which forgets it.
pub(super) fn take_error(fd: impl AsFd) -> Option<Errno> {
    match sockopt::socket_error(fd) {
        Ok(Ok(())) => None,
        Ok(Err(e)) | Err(e) => Some(errno(e)),
    }
}

/// `SO_BINDTODEVICE`.
pub(super) fn bind_to_device(fd: impl AsFd, dev: &str) -> Result<(), Errno> {
    set(fd, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, dev.as_bytes())
}

/// `IP_MTU_DISCOVER`, with the kernel's number.
pub(super) fn set_pmtudisc(fd: impl AsFd, value: c_int) -> Result<(), Errno> {
    set(fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, &value.to_ne_bytes())
}

/// `SO_MARK`.
pub(super) fn set_mark(fd: impl AsFd, mark: u32) -> Result<(), Errno> {
    set(fd, libc::SOL_SOCKET, libc::SO_MARK, &mark.to_ne_bytes())
}

/// `IP_RECVERR`: ICMP errors about this socket's packets go to its error queue.
pub(super) fn want_errors(fd: impl AsFd) -> Result<(), Errno> {
    set(fd, libc::IPPROTO_IP, libc::IP_RECVERR, &ONE)
}

/// `SO_TIMESTAMPNS`: [`Received::age`].
pub(super) fn want_timestamps(fd: impl AsFd) -> Result<(), Errno> {
    set(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &ONE)
}

/// `IP_PKTINFO`: [`Received::to`].
pub(super) fn want_destination(fd: impl AsFd) -> Result<(), Errno> {
    set(fd, libc::IPPROTO_IP, libc::IP_PKTINFO, &ONE)
}

/// `PACKET_AUXDATA`: [`Received::unsummed`], [`Received::tag`].
pub(super) fn want_auxdata(fd: impl AsFd) -> Result<(), Errno> {
    set(fd, libc::SOL_PACKET, libc::PACKET_AUXDATA, &ONE)
}

/// `SO_DONTROUTE`: everything is on the link.
pub(super) fn dont_route(fd: impl AsFd) -> Result<(), Errno> {
    set(fd, libc::SOL_SOCKET, libc::SO_DONTROUTE, &ONE)
}

/// `ICMP_FILTER`: only these types reach the raw socket.
pub(super) fn filter_icmp(fd: impl AsFd, types: &[u8]) -> Result<(), Errno> {
    let pass: u32 = types.iter().map(|t| 1u32 << (t & 31)).sum();
    set(fd, libc::SOL_RAW, ICMP_FILTER, &(!pass).to_ne_bytes())
}

/// A receive buffer as large as the system lets it be, at most `bytes`.
pub(super) fn enlarge_inbox(fd: impl AsFd, bytes: usize) -> Result<(), Errno> {
    // Beyond the sysctl's limit if the privilege is there.
    if sockopt::set_socket_recv_buffer_size_force(&fd, bytes).is_ok() {
        return Ok(());
    }
    sockopt::set_socket_recv_buffer_size(&fd, bytes).map_err(errno)
}

/// How many frames a packet socket had no room for since the last call (`PACKET_STATISTICS`).
pub(super) fn take_drops(fd: impl AsFd) -> u32 {
    // struct tpacket_stats: packets, drops.
    let mut stats = [0u32; 2];
    let mut len = size_of::<[u32; 2]>() as libc::socklen_t; // 8.
    // SAFETY: the kernel writes at most `len` bytes at the pointer, and the array has as many.
    let r = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            stats.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if r == 0 { stats[1] } else { 0 }
}

/// Lets an interface take all frames as long as the packet socket lives (`PACKET_MR_PROMISC`).
pub(super) fn take_all_frames(fd: impl AsFd, ifindex: u32) -> Result<(), Errno> {
    // struct packet_mreq: index, type, the length of an address and the address, which does not count here.
    let mut request = [0; 16];
    request[..4].copy_from_slice(&ifindex.to_ne_bytes());
    request[4..6].copy_from_slice(&(libc::PACKET_MR_PROMISC as u16).to_ne_bytes()); // 1.
    set(fd, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
}

fn set(fd: impl AsFd, level: c_int, name: c_int, value: &[u8]) -> Result<(), Errno> {
    let len = value.len() as libc::socklen_t; // A few bytes.
    // SAFETY: the kernel reads `len` bytes at the pointer, and that is the slice.
    let r = unsafe { libc::setsockopt(fd.as_fd().as_raw_fd(), level, name, value.as_ptr().cast(), len) };
    if r == 0 { Ok(()) } else { Err(last()) }
}

/// Binds a packet socket to one interface and one Ethernet type (`ETH_P_ALL`: to all, also what is sent).
pub(super) fn bind_link(fd: impl AsFd, ifindex: u32, ethertype: u16) -> Result<(), Errno> {
    // SAFETY: all-zero bytes are a valid sockaddr_ll.
    let mut addr: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    addr.sll_family = libc::AF_PACKET as u16; // 17.
    addr.sll_protocol = ethertype.to_be();
    addr.sll_ifindex = i32::try_from(ifindex).map_err(|_| Errno::ENODEV)?;
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t; // 20.
    // SAFETY: the kernel reads `len` bytes at the pointer, and that is the structure.
    let r = unsafe { libc::bind(fd.as_fd().as_raw_fd(), (&raw const addr).cast(), len) };
    if r == 0 { Ok(()) } else { Err(last()) }
}

/// The hardware address of the interface that a packet socket is bound to.
pub(super) fn own_mac(fd: impl AsFd) -> Result<Mac, Errno> {
    let mut name = [0u8; NAME_BYTES];
    let mut len = NAME_BYTES as libc::socklen_t; // 128.
    // SAFETY: the kernel writes at most `len` bytes at the pointer, and the array has as many.
    let r = unsafe { libc::getsockname(fd.as_fd().as_raw_fd(), name.as_mut_ptr().cast(), &raw mut len) };
    match (r, peer(&name)) {
        (0, Peer::Link { mac, .. }) => Ok(mac),
        (0, _) => Err(Errno::EAFNOSUPPORT),
        _ => Err(last()),
    }
}

/// The index of an interface in the namespace of the socket.
pub(super) fn ifindex(fd: impl AsFd, dev: &str) -> Result<u32, Errno> {
    rustix::net::netdevice::name_to_index(fd, dev).map_err(errno)
}

/// An interface's `IFF_*` flags.
pub(super) fn interface_flags(fd: impl AsFd, dev: &str) -> Result<c_int, Errno> {
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero: names have at most 15.
    for (slot, byte) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(dev.bytes()) {
        *slot = byte as libc::c_char;
    }
    // SAFETY: SIOCGIFFLAGS reads and writes one ifreq at the pointer, and that is the structure.
    let r = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) };
    if r != 0 {
        return Err(last());
    }
    // SAFETY: after SIOCGIFFLAGS the union holds the flags.
    Ok(c_int::from(unsafe { request.ifr_ifru.ifru_flags }))
}

/// Receives the next packet; EAGAIN if there is none.
pub(super) fn receive(fd: impl AsFd, buffer: &mut [u8]) -> Result<Received, Errno> {
    receive_with(fd, buffer, libc::MSG_DONTWAIT | libc::MSG_TRUNC)
}

/// Takes the next message from the error queue; EAGAIN if there is none. The buffer gets what the packet began with.
pub(super) fn receive_error(fd: impl AsFd, buffer: &mut [u8]) -> Result<Received, Errno> {
    receive_with(fd, buffer, libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE)
}

fn receive_with(fd: impl AsFd, buffer: &mut [u8], flags: c_int) -> Result<Received, Errno> {
    let mut name = [0u8; NAME_BYTES];
    let mut control = Control([0; CONTROL_BYTES]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero bytes are a valid msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = name.as_mut_ptr().cast();
    message.msg_namelen = NAME_BYTES as libc::socklen_t; // 128.
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = CONTROL_BYTES as _; // 512; the type differs between C libraries.
    // SAFETY: every pointer in the header is to a live buffer of the length given beside it.
    let n = unsafe { libc::recvmsg(fd.as_fd().as_raw_fd(), &raw mut message, flags) };
    let len = usize::try_from(n).map_err(|_| last())?;
    let mut received =
        Received { len, from: peer(&name), age: Duration::ZERO, error: None, to: None, unsummed: false, tag: None };
    #[allow(clippy::unnecessary_cast)] // size_t with one C library, socklen_t with another.
    let filled = (message.msg_controllen as usize).min(CONTROL_BYTES);
    read_control(&control.0[..filled], &mut received);
    Ok(received)
}

/// Sends a datagram from a given own address (`IP_PKTINFO`).
pub(super) fn send_from(fd: impl AsFd, bytes: &[u8], to: SocketAddrV4, from: Ipv4Addr) -> Result<usize, Errno> {
    let mut name = [0u8; 16];
    name[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes()); // 2.
    name[2..4].copy_from_slice(&to.port().to_be_bytes());
    name[4..8].copy_from_slice(&to.ip().octets());
    // struct in_pktinfo: the interface's index, the source, and an address that only counts on input.
    let mut control = Control([0; CONTROL_BYTES]);
    let total = CMSG_HEADER + 12;
    control.0[..size_of::<usize>()].copy_from_slice(&total.to_ne_bytes());
    control.0[size_of::<usize>()..][..4].copy_from_slice(&libc::IPPROTO_IP.to_ne_bytes());
    control.0[size_of::<usize>() + 4..][..4].copy_from_slice(&libc::IP_PKTINFO.to_ne_bytes());
    control.0[CMSG_HEADER + 4..][..4].copy_from_slice(&from.octets());
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: all-zero bytes are a valid msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = name.as_mut_ptr().cast();
    message.msg_namelen = 16;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = total.next_multiple_of(size_of::<usize>()) as _; // 32 at most.
    // SAFETY: every pointer in the header is to a live buffer of the length given beside it; sendmsg writes to none.
    let n = unsafe { libc::sendmsg(fd.as_fd().as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    usize::try_from(n).map_err(|_| last())
}

/// Reads the control messages, each a header (length, level, type) and its data, aligned as a word.
fn read_control(mut rest: &[u8], received: &mut Received) {
    while let Some(header) = rest.get(..CMSG_HEADER) {
        let word = |at: usize| i32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let mut len = [0u8; size_of::<usize>()];
        len.copy_from_slice(&header[..size_of::<usize>()]);
        let len = usize::from_ne_bytes(len);
        let Some(data) = rest.get(CMSG_HEADER..len) else { return };
        match (word(size_of::<usize>()), word(size_of::<usize>() + 4)) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => received.age = age(data),
            (libc::IPPROTO_IP, libc::IP_RECVERR) => received.error = socket_error(data),
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => received.to = ipv4_at(data, 8),
            (libc::SOL_PACKET, libc::PACKET_AUXDATA) => {
                let status = u32_at(data, 0).unwrap_or(0);
                received.unsummed = status & libc::TP_STATUS_CSUMNOTREADY != 0;
                // struct tpacket_auxdata: status, length, captured length, offsets, tag, its protocol.
                let tag = u32_at(data, 16).map(|word| word.to_ne_bytes()).filter(|_| status & TAGGED == TAGGED);
                received.tag =
                    tag.map(|[a, b, c, d]| Tag { tci: u16::from_ne_bytes([a, b]), proto: u16::from_ne_bytes([c, d]) });
            }
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(size_of::<usize>())..).unwrap_or_default();
    }
}

/// How long ago a `struct timespec` of the wall clock was. A clock that was set meanwhile yields nothing.
fn age(data: &[u8]) -> Duration {
    let half = data.len() / 2;
    let number = |bytes: &[u8]| match bytes {
        [a, b, c, d] => u64::from(u32::from_ne_bytes([*a, *b, *c, *d])),
        [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
        _ => 0,
    };
    let stamp = Duration::from_secs(number(&data[..half])) + Duration::from_nanos(number(&data[half..]));
    let now = rustix::time::clock_gettime(ClockId::Realtime);
    let now = Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0));
    now.checked_sub(stamp).filter(|age| *age < Duration::from_secs(3600)).unwrap_or_default()
}

fn socket_error(data: &[u8]) -> Option<SocketError> {
    let fixed = data.get(..16)?;
    Some(SocketError {
        errno: Errno(i32::try_from(u32_at(fixed, 0)?).unwrap_or(0)),
        is_icmp: fixed[4] == libc::SO_EE_ORIGIN_ICMP,
        kind: fixed[5],
        code: fixed[6],
        info: u32_at(fixed, 8)?,
        // After it a sockaddr_in of the offender.
        offender: ipv4_at(data, 20).unwrap_or(Ipv4Addr::UNSPECIFIED),
    })
}

fn peer(name: &[u8; NAME_BYTES]) -> Peer {
    match i32::from(u16::from_ne_bytes([name[0], name[1]])) {
        libc::AF_INET => {
            let ip = Ipv4Addr::new(name[4], name[5], name[6], name[7]);
            Peer::Inet(SocketAddrV4::new(ip, u16::from_be_bytes([name[2], name[3]])))
        }
        // struct sockaddr_ll: family, protocol, ifindex, hatype, pkttype, halen, addr.
        libc::AF_PACKET => {
            Peer::Link { kind: name[10], mac: Mac([name[12], name[13], name[14], name[15], name[16], name[17]]) }
        }
        _ => Peer::Nobody,
    }
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at + 4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
}

fn ipv4_at(data: &[u8], at: usize) -> Option<Ipv4Addr> {
    data.get(at..at + 4).map(|b| Ipv4Addr::new(b[0], b[1], b[2], b[3]))
}

fn last() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

pub(super) fn errno(e: rustix::io::Errno) -> Errno {
    Errno(e.raw_os_error())
}

/// Control data must be aligned as its headers are.
#[repr(C, align(8))]
struct Control([u8; CONTROL_BYTES]);

const ONE: [u8; 4] = 1i32.to_ne_bytes();
const NAME_BYTES: usize = 128;
const CONTROL_BYTES: usize = 512;
/// `struct cmsghdr`: a length of the word's size and two numbers of four bytes.
const CMSG_HEADER: usize = (size_of::<usize>() + 8).next_multiple_of(size_of::<usize>());
/// There is a tag, and its protocol is said.
const TAGGED: u32 = libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID;
/// `linux/icmp.h`; the libc crate lacks it.
const ICMP_FILTER: c_int = 1;
