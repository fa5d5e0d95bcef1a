//! Sockets as programs have them: calls that never block, and word when it is worth trying again.
//!
//! Kernel counterpart: `socket(2)` and its relatives with `SOCK_NONBLOCK`, and `poll(2)`. A socket is numbered like a
//! workload; what a call would have to wait for is EAGAIN, and [`ProbeEvent::News`](crate::probe::ProbeEvent::News) comes
//! from [`advance`](crate::Backend::advance) when it may have changed (sometimes needlessly, never too rarely). Deliberately
//! absent: blocking, options but membership of groups, IPv6.

use crate::name::NetnsName;
use crate::probe::{ProbeId, Proto};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A call. A socket that there is not is EBADF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `socket`, `bind` and `connect`. A TCP connection is under way then: see [`Call::Connected`].
    Connect {
        /// In which namespace.
        netns: NetnsName,
        /// Over TCP or UDP.
        proto: Proto,
        /// From which address and port; 0.0.0.0 and 0: the kernel's choice.
        from: SocketAddrV4,
        /// To whom.
        to: SocketAddrV4,
    },
    /// `socket`, `bind` and `listen`.
    Listen {
        /// In which namespace.
        netns: NetnsName,
        /// On which address (0.0.0.0: all) and port (0: any).
        on: SocketAddrV4,
        /// How many connections may wait to be accepted.
        backlog: u32,
    },
    /// `socket` and `bind` of UDP.
    Bind {
        /// In which namespace.
        netns: NetnsName,
        /// To which address (0.0.0.0: all) and port (0: any).
        on: SocketAddrV4,
    },
    /// `SO_ERROR` of a connection that is under way: EAGAIN while it is, done when it stands, its error when it failed.
    Connected(ProbeId),
    /// The oldest connection that waits.
    Accept(ProbeId),
    /// Appends to a stream, or sends a datagram to whom the socket is connected to; how much was taken.
    Send(ProbeId, Vec<u8>),
    /// Takes at most so many bytes from a stream, none at its end; or a datagram from whom the socket is connected to.
    Recv(ProbeId, usize),
    /// Sends a datagram.
    SendTo(ProbeId, SocketAddrV4, Vec<u8>),
    /// Takes a datagram.
    RecvFrom(ProbeId),
    /// `shutdown(SHUT_WR)`: no more will be sent.
    Shutdown(ProbeId),
    /// `close`. No news comes of it any more.
    Close(ProbeId),
    /// `close` with `SO_LINGER` of zero: a connection ends with an RST.
    Abort(ProbeId),
    /// `getsockname` and `getpeername`.
    Names(ProbeId),
    /// `IP_ADD_MEMBERSHIP`: take what is sent to the group, at the interface of that address, or (0.0.0.0) at the one that
    /// the route to the group leads by.
    Join(ProbeId, Ipv4Addr, Ipv4Addr),
    /// `IP_DROP_MEMBERSHIP`.
    Leave(ProbeId, Ipv4Addr, Ipv4Addr),
}

/// What a call answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Done; there is nothing more to say.
    Done,
    /// A socket.
    Opened(ProbeId),
    /// A connection, and from whom.
    Accepted(ProbeId, SocketAddrV4),
    /// So many bytes were taken.
    Sent(usize),
    /// Bytes of a stream, none at its end; or a datagram's.
    Received(Vec<u8>),
    /// A datagram, and from whom.
    Datagram(SocketAddrV4, Vec<u8>),
    /// The socket's own address and port, and those of whom it is connected to.
    Names(SocketAddrV4, Option<SocketAddrV4>),
}

/// A socket as a list of all of them has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// TCP or UDP.
    pub proto: Proto,
    /// A connection's state; [`State::Established`] of a connected UDP socket, [`State::Close`] of any other.
    pub state: State,
    /// Its own address and port.
    pub local: SocketAddrV4,
    /// The other end; 0.0.0.0 and 0 where there is none.
    pub remote: SocketAddrV4,
    /// Bytes received and not yet read; a listener's: connections that wait to be accepted.
    pub received: u32,
    /// Bytes not yet acknowledged; a listener's: how many may wait.
    pub unsent: u32,
}

/// A connection's state, by the kernel's number (`TCP_ESTABLISHED`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 1.
    Established,
    /// 2.
    SynSent,
    /// 3.
    SynRecv,
    /// 4.
    FinWait1,
    /// 5.
    FinWait2,
    /// 6.
    TimeWait,
    /// 7.
    Close,
    /// 8.
    CloseWait,
    /// 9.
    LastAck,
    /// 10.
    Listen,
    /// 11.
    Closing,
}

impl State {
    /// All, the first being number 1.
    pub const ALL: [State; 11] = [
        State::Established,
        State::SynSent,
        State::SynRecv,
        State::FinWait1,
        State::FinWait2,
        State::TimeWait,
        State::Close,
        State::CloseWait,
        State::LastAck,
        State::Listen,
        State::Closing,
    ];
}
