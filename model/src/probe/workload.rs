//! When to send and when to stop: ping, arping and traceroute as state machines without I/O.
//!
//! Counterpart: the main loops of iputils' `ping_common.c` and `arping.c` and of `traceroute.c`. A machine opens the
//! socket, does what the [`Act`]s say, and feeds back what happened; it calls [`Workload::step`] with [`Input::Timer`] at
//! [`Workload::wake_at`]. Deliberately absent: sockets, packets, text.

use super::{IcmpError, Outcome, ProbeEvent, Stop, WakeAt};
use crate::errno::Errno;
use crate::name::Mac;
use crate::time::Instant;
use std::net::Ipv4Addr;

/// What a workload wants done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Ping: send the echo request with this sequence number now.
    Echo {
        /// From 1.
        seq: u16,
    },
    /// Traceroute: send a datagram, each from a socket and ephemeral source port of its own; `IP_MTU_DISCOVER` is `DONT`.
    Datagram {
        /// Its number, from 1, given back with what answers it.
        seq: u16,
        /// Destination port.
        port: u16,
        /// Time to live.
        ttl: u8,
    },
    /// Arping: send an ARP frame of the workload's mode. Its target hardware address is `to` (so ff:ff:ff:ff:ff:ff in a
    /// broadcast one), in an `AnnounceReply` the sender's own; its operation is request, in an `AnnounceReply` reply.
    Arp {
        /// Whom to, in the Ethernet header.
        to: Mac,
    },
    /// Tell the caller.
    Report(ProbeEvent),
    /// Tell the caller, close the socket, forget the workload.
    Finish(Outcome),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The socket is open; its source address (0.0.0.0 where there is none).
    ///
    /// Ping and traceroute find it as `connect` on a UDP socket does, and what that refuses is the
    /// [`OpenFailed`](Input::OpenFailed); a ping with `source` only binds (EADDRNOTAVAIL), and a route that lacks shows
    /// when it sends. Arping: `source` is bound, else (`Ask` and `AskBroadcast`) that of the route to the target by the
    /// device as if the target were on the link (`SO_DONTROUTE`), else (`Announce` and `AnnounceReply`) the target itself,
    /// bound, else (`Duplicate`) none.
    Opened {
        /// The source address.
        source: Ipv4Addr,
    },
    /// Opening failed; nothing else will follow. Arping: ENETDOWN if the device is down, EOPNOTSUPP if it does not speak
    /// ARP (`lo`). Ping to a broadcast address without leave: EACCES.
    OpenFailed(Errno),
    /// The instant of `wake_at` has come.
    Timer,
    /// The last `Echo`, `Datagram` or `Arp` could not be sent. Arping: also that the device went down (ENETDOWN).
    SendFailed {
        /// Which; of arping any.
        seq: u16,
        /// Why.
        errno: Errno,
        /// The path MTU, bytes, for EMSGSIZE.
        mtu: Option<u32>,
    },
    /// An echo reply with our identifier.
    EchoReply {
        /// From whom.
        from: Ipv4Addr,
        /// Its sequence number.
        seq: u16,
        /// Its TTL on arrival.
        ttl: u8,
        /// ICMP header and payload, bytes.
        bytes: u16,
    },
    /// An ICMP error about one of our packets (also those the own machine makes).
    IcmpError {
        /// From whom.
        from: Ipv4Addr,
        /// About which (sequence number of the echo or number of the datagram).
        seq: u16,
        /// Which.
        error: IcmpError,
    },
    /// Ping: an ICMP error about one of our requests that the raw socket received as a packet, but that did not reach its
    /// error queue: the socket is bound to a device and the error came by another (the own machine's come by `lo`).
    ErrorOverheard {
        /// About which.
        seq: u16,
    },
    /// Traceroute: the destination answered the datagram with data.
    DatagramReply {
        /// From whom.
        from: Ipv4Addr,
        /// Which.
        seq: u16,
    },
    /// Arping: an ARP packet (request or reply) received on the device whose sender address is our target. With mode
    /// `Duplicate`: whose sender's MAC is not ours, and whose target address is our source if that is not 0.0.0.0. With
    /// other modes: whose target address is our source and whose target MAC is ours.
    Arp {
        /// The sender's address.
        from: Ipv4Addr,
        /// The sender's MAC.
        mac: Mac,
        /// It was addressed to us, not broadcast.
        unicast: bool,
        /// It is a reply (operation 2).
        reply: bool,
    },
    /// The caller ends it.
    Stop(Stop),
}

/// A workload without its socket.
pub trait Workload {
    /// Takes in what happened at `now` and says what to do, in order.
    ///
    /// If one of those acts fails, [`Input::SendFailed`] is fed before the next act is carried out, and what that says is
    /// done first. After [`Act::Finish`] nothing that is left is carried out.
    fn step(&mut self, now: Instant, input: Input) -> Vec<Act>;

    /// When [`Input::Timer`] is due. If that is this very instant, the timer comes after everything else that this
    /// instant still brings.
    fn wake_at(&self) -> WakeAt;
}
