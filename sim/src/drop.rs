//! Why a frame went no further.
//!
//! Kernel counterpart: `enum skb_drop_reason` and the counters of `/proc/net/snmp`. A packet never returns an error: it
//! ends as `Drop(DropReason)`, counted and traced. Where the kernel knows a reason of its own the doc names it.

use nettwin_model::Errno;

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The device it is on is down, or gone.
    DevDown,
    /// The qdisc is still `noop`: the device was never up with carrier.
    NoopQdisc,
    /// The device is up and has no carrier: its queue is switched off.
    NoCarrier,
    /// The veth's other end is down or gone.
    PeerDown,
    /// Longer than the receiving device takes (`is_skb_forwardable`).
    TooLong,
    /// Shorter than its headers (`PKT_TOO_SMALL`).
    TooShort,
    /// No protocol here takes this EtherType (`UNHANDLED_PROTO`).
    UnhandledProtocol,
    /// Meant for another MAC (`OTHERHOST`).
    OtherHost,
    /// A source MAC that is multicast or zero (`INVALID_MAC_SRC` as bridges say).
    BadSourceMac,
    /// The bridge port's state does not let it pass.
    PortState,
    /// A locked port does not know the source.
    PortLocked,
    /// No port of the bridge takes it.
    NoEgressPort,
    /// It claims to be IGMP, and is broken.
    BadIgmp,
    /// An untagged frame came in by a port that puts such into no VLAN.
    NoPvid,
    /// Its VLAN is not one of the port's.
    NotInVlan,
    /// Link-local traffic that bridges keep to themselves (pause frames).
    LinkLocal,
    /// It came by a slave of a bond that is not the active one.
    BackupSlave,
    /// A bond has no slave to send by.
    NoActiveSlave,
    /// It goes round for ever (see [`Storm`](crate::Storm)).
    Storm,
    /// netem lost it.
    NetemLoss,
    /// A queue was full (`QDISC_DROP`, `NEIGH_QUEUEFULL`).
    QueueFull,
    /// The queue it waited in was taken away.
    QueuePurged,
    /// The IPv4 header is malformed (`IP_INHDR`).
    IpHeader,
    /// The IPv4 header's checksum is wrong (`IP_CSUM`).
    IpChecksum,
    /// An address that cannot be there (martian).
    Martian,
    /// The route back does not leave by the device it came from (`IP_RPFILTER`).
    RpFilter,
    /// No forwarding on the device it came by.
    NotForwarding,
    /// No route (`IP_INNOROUTES`, `IP_OUTNOROUTES`).
    NoRoute,
    /// A blackhole route.
    Blackhole,
    /// An unreachable route.
    Unreachable,
    /// A prohibit route.
    Prohibit,
    /// The TTL ran out.
    TtlExceeded,
    /// Too big for the way on, and not to be fragmented (`PKT_TOO_BIG`).
    TooBig,
    /// The neighbour did not answer (`NEIGH_FAILED`).
    NeighFailed,
    /// The neighbour entry is going away, or the device cannot have one.
    NeighDead,
    /// An ARP packet that is malformed or of no interest.
    Arp,
    /// An ICMP message that is malformed, or of no interest, or that is ignored by sysctl.
    Icmp,
    /// No socket (`NO_SOCKET`).
    NoSocket,
    /// No protocol above IP takes it (`IP_NOPROTO`).
    NoProtocol,
    /// A transport header or checksum is wrong.
    TransportHeader,
    /// Fragments that do not fit together, or too many of them.
    Reassembly,
    /// A part of the same packet could not be sent (`IPSTATS_MIB_FRAGFAILS`).
    PartLost,
    /// The other fragments did not come in time (`FRAG_REASM_TIMEOUT`).
    ReassemblyTimeout,
    /// A broadcast or multicast nobody here asked for.
    UnwantedGroup,
    /// A rule dropped it (`NETFILTER_DROP`).
    Filtered,
    /// A rule dropped it and told its sender.
    Rejected,
    /// IPv6, which nobody speaks here.
    Ipv6Disabled,
}

impl DropReason {
    /// What a sender that waits for its frame's fate is told (`net_xmit_errno`): a switched-off queue and netem's loss
    /// look like success.
    pub(crate) fn sender_errno(self) -> Option<Errno> {
        match self {
            DropReason::NoopQdisc | DropReason::NoCarrier | DropReason::NetemLoss | DropReason::NoEgressPort => None,
            DropReason::NoPvid | DropReason::NotInVlan => None,
            DropReason::NoActiveSlave => Some(Errno::ENOBUFS),
            DropReason::PeerDown | DropReason::TooLong | DropReason::QueueFull => Some(Errno::ENOBUFS),
            DropReason::DevDown => Some(Errno::ENETDOWN),
            DropReason::Filtered | DropReason::Rejected => Some(Errno::EPERM),
            _ => None,
        }
    }

    /// Whether the parts of a packet that are behind this one are not sent any more: all that `dev_queue_xmit()` calls a
    /// failure (`ip_do_fragment`).
    pub(crate) fn ends_packet(self) -> bool {
        use DropReason::*;
        matches!(self, DevDown | NoopQdisc | NoCarrier | PeerDown | TooLong | QueueFull | NoActiveSlave)
    }

    /// The reason as a sentence's end: "dropped: …".
    pub fn text(self) -> &'static str {
        use DropReason::*;
        match self {
            DevDown => "the device is down",
            NoopQdisc => "the device was never up with carrier",
            NoCarrier => "the device has no carrier",
            PeerDown => "the other end of the wire is down",
            TooLong => "longer than the receiving device's MTU",
            TooShort => "shorter than its headers",
            UnhandledProtocol => "no protocol takes it",
            OtherHost => "meant for another MAC address",
            BadSourceMac => "its source MAC address is no unicast address",
            PortState => "the bridge port is not forwarding",
            PortLocked => "the locked port does not know its source",
            NoEgressPort => "no port of the bridge takes it",
            BadIgmp => "it claims to be IGMP, and is broken",
            NoPvid => "it has no tag, and its port has no VLAN for such",
            NotInVlan => "its VLAN is not one of the port's",
            LinkLocal => "bridges do not forward this reserved address",
            BackupSlave => "the bond receives by another slave",
            NoActiveSlave => "the bond has no slave to send by",
            Storm => "a storm: it would go round for ever",
            NetemLoss => "lost by netem",
            QueueFull => "the queue is full",
            QueuePurged => "the queue was taken away",
            IpHeader => "its IPv4 header is malformed",
            IpChecksum => "its IPv4 checksum is wrong",
            Martian => "a martian address",
            RpFilter => "the route back leaves by another device (rp_filter)",
            NotForwarding => "forwarding is off on the device it came by",
            NoRoute => "no route",
            Blackhole => "a blackhole route",
            Unreachable => "an unreachable route",
            Prohibit => "a prohibit route",
            TtlExceeded => "its time to live ran out",
            TooBig => "too big for the way on, and not to be fragmented",
            NeighFailed => "the neighbour did not answer",
            NeighDead => "the neighbour entry went away",
            Arp => "an ARP packet of no interest",
            Icmp => "an ICMP message of no interest",
            NoSocket => "no socket takes it",
            NoProtocol => "no protocol above IP takes it",
            TransportHeader => "its transport header is wrong",
            Reassembly => "fragments that do not fit together",
            PartLost => "another part of its packet could not be sent",
            ReassemblyTimeout => "the other fragments did not come in time",
            UnwantedGroup => "a group that nobody here joined",
            Filtered => "a rule dropped it",
            Rejected => "a rule rejected it",
            Ipv6Disabled => "IPv6 is not spoken here",
        }
    }
}
