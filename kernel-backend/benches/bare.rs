//! The bare netlink yardstick: a star of namespaces in as few system calls as the kernel allows, and nothing else.
//!
//! A namespace is made by `unshare` and kept by its descriptor, its socket opened while the thread is inside. All links are
//! one datagram: each message makes a veth of one queue with its peer in the other namespace, its master and up. The four
//! settings of a host are one datagram. The bridge comes up last. Deliberately absent: names, checks of what came of it,
//! settings, undoing, tidiness.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A star that stands: the descriptors keep it.
pub(crate) struct Star {
    _bridge: Room,
    _hosts: Vec<Room>,
}

struct Room {
    netns: OwnedFd,
    netlink: OwnedFd,
}

impl Star {
    /// Makes a bridge in a namespace and `hosts` namespaces on it; leaves the calling thread in the last one.
    pub(crate) fn make(hosts: usize) -> io::Result<Self> {
        let hosts: Vec<Room> = (0..hosts).map(|_| Room::make()).collect::<io::Result<_>>()?;
        let bridge = Room::make()?;
        let mut buffer = Vec::new();
        message(&mut buffer, RTM_NEWLINK, CREATE | ACK, |m| {
            link(m, 0, 0);
            text(m, IFLA_IFNAME, "br0");
            nest(m, IFLA_LINKINFO, |m| text(m, IFLA_INFO_KIND, "bridge"));
        });
        bridge.tell(&buffer)?;
        // lo is 1.
        let bridge_index = 2u32;
        for (chunk, from) in hosts.chunks(LINKS_A_DATAGRAM).zip((0..).step_by(LINKS_A_DATAGRAM)) {
            buffer.clear();
            for (n, host) in chunk.iter().enumerate() {
                // Only the last one of a datagram says that it has been done, and refusals are told in any case.
                let ack = if n + 1 == chunk.len() { ACK } else { 0 };
                message(&mut buffer, RTM_NEWLINK, CREATE | ack, |m| {
                    link(m, 0, IFF_UP);
                    text(m, IFLA_IFNAME, &format!("p{}", from + n));
                    number(m, IFLA_MASTER, bridge_index);
                    number(m, IFLA_NUM_TX_QUEUES, 1);
                    number(m, IFLA_NUM_RX_QUEUES, 1);
                    nest(m, IFLA_LINKINFO, |m| {
                        text(m, IFLA_INFO_KIND, "veth");
                        nest(m, IFLA_INFO_DATA, |m| {
                            nest(m, VETH_INFO_PEER, |m| {
                                link(m, 0, 0);
                                text(m, IFLA_IFNAME, "eth0");
                                number(m, IFLA_NUM_TX_QUEUES, 1);
                                number(m, IFLA_NUM_RX_QUEUES, 1);
                                number(m, IFLA_NET_NS_FD, host.netns.as_raw_fd() as u32);
                            });
                        });
                    });
                });
            }
            bridge.tell(&buffer)?;
        }
        for (n, host) in hosts.iter().enumerate() {
            let [.., a, b] = (n as u32 + 1).to_be_bytes();
            buffer.clear();
            message(&mut buffer, RTM_NEWLINK, 0, |m| link(m, 2, IFF_UP));
            message(&mut buffer, RTM_NEWLINK, 0, |m| link(m, 1, IFF_UP));
            message(&mut buffer, RTM_NEWADDR, CREATE, |m| {
                m.extend([libc::AF_INET as u8, 16, 0, 0]);
                m.extend(2u32.to_ne_bytes());
                attribute(m, IFA_LOCAL, &[10, 1, a, b]);
                attribute(m, IFA_ADDRESS, &[10, 1, a, b]);
            });
            message(&mut buffer, RTM_NEWROUTE, CREATE | ACK, |m| {
                let (main, static_, universe, unicast) = (254, 4, 0, 1);
                m.extend([libc::AF_INET as u8, 0, 0, 0, main, static_, universe, unicast]);
                m.extend(0u32.to_ne_bytes());
                attribute(m, RTA_GATEWAY, &[10, 1, 255, 254]);
            });
            host.tell(&buffer)?;
        }
        buffer.clear();
        message(&mut buffer, RTM_NEWLINK, ACK, |m| link(m, bridge_index, IFF_UP));
        bridge.tell(&buffer)?;
        Ok(Star { _bridge: bridge, _hosts: hosts })
    }
}

impl Room {
    fn make() -> io::Result<Self> {
        // SAFETY: of the calling thread, which the caller gives for it; no descriptors are unshared.
        checked(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
        // SAFETY: the path is a literal that ends with NUL.
        let netns =
            owned(unsafe { libc::open(c"/proc/thread-self/ns/net".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) })?;
        // SAFETY: no memory is handed over.
        let netlink =
            owned(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) })?;
        Ok(Room { netns, netlink })
    }

    /// Sends a datagram whose last message asks for an answer, and waits for that.
    fn tell(&self, datagram: &[u8]) -> io::Result<()> {
        let fd: RawFd = self.netlink.as_raw_fd();
        // SAFETY: the datagram is read, as long as it is.
        let sent = unsafe { libc::send(fd, datagram.as_ptr().cast(), datagram.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut answer = [0u8; 1024];
        // SAFETY: at most the buffer's length is written to it.
        let got = unsafe { libc::recv(fd, answer.as_mut_ptr().cast(), answer.len(), 0) };
        if got < 20 {
            return Err(io::Error::last_os_error());
        }
        match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(-code)),
        }
    }
}

fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: a new descriptor that nobody else has.
    checked(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

fn message(out: &mut Vec<u8>, kind: u16, flags: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind.to_ne_bytes());
    out.extend((libc::NLM_F_REQUEST as u16 | flags).to_ne_bytes());
    out.extend([0; 8]);
    body(out);
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    pad(out);
}

/// `struct ifinfomsg`.
fn link(out: &mut Vec<u8>, index: u32, up: u32) {
    out.extend([0; 4]);
    out.extend(index.to_ne_bytes());
    out.extend(up.to_ne_bytes());
    out.extend(up.to_ne_bytes());
}

fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend((4 + value.len() as u16).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    pad(out);
}

fn text(out: &mut Vec<u8>, kind: u16, value: &str) {
    attribute(out, kind, &[value.as_bytes(), b"\0"].concat());
}

fn number(out: &mut Vec<u8>, kind: u16, value: u32) {
    attribute(out, kind, &value.to_ne_bytes());
}

fn nest(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    attribute(out, kind, &[]);
    body(out);
    let length = (out.len() - start) as u16;
    out[start..start + 2].copy_from_slice(&length.to_ne_bytes());
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

/// What fits the usual send buffer.
const LINKS_A_DATAGRAM: usize = 500;
const RTM_NEWLINK: u16 = libc::RTM_NEWLINK;
const RTM_NEWADDR: u16 = libc::RTM_NEWADDR;
const RTM_NEWROUTE: u16 = libc::RTM_NEWROUTE;
const ACK: u16 = libc::NLM_F_ACK as u16;
const CREATE: u16 = (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
const IFF_UP: u32 = libc::IFF_UP as u32;
const IFLA_IFNAME: u16 = libc::IFLA_IFNAME;
const IFLA_MASTER: u16 = libc::IFLA_MASTER;
const IFLA_LINKINFO: u16 = libc::IFLA_LINKINFO;
const IFLA_NET_NS_FD: u16 = libc::IFLA_NET_NS_FD;
const IFLA_NUM_TX_QUEUES: u16 = libc::IFLA_NUM_TX_QUEUES;
const IFLA_NUM_RX_QUEUES: u16 = libc::IFLA_NUM_RX_QUEUES;
const IFLA_INFO_KIND: u16 = libc::IFLA_INFO_KIND;
const IFLA_INFO_DATA: u16 = libc::IFLA_INFO_DATA;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = libc::IFA_ADDRESS;
const IFA_LOCAL: u16 = libc::IFA_LOCAL;
const RTA_GATEWAY: u16 = libc::RTA_GATEWAY;
