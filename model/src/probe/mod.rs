//! Workloads as data: what a probe sends, what it reports while it runs, and how it ended.
//!
//! Counterpart: iputils' `ping` and `arping`, `traceroute`, plain sockets, `tcpdump`. A machine provides sockets; when to
//! send and when to stop is decided once, in [`workload`], for both. Deliberately absent: text (that is in `commands`).

pub mod arping;
pub mod payload;
pub mod ping;
#[cfg(test)]
mod play;
pub mod trace;
pub mod workload;

pub use arping::ArpingRun;
pub use ping::PingRun;
pub use trace::TraceRun;

use crate::errno::Errno;
use crate::name::{IfName, Mac, NetnsName};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// A running workload of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProbeId(pub u64);

/// A workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// ICMP echo requests.
    Ping(Ping),
    /// ARP requests.
    Arping(Arping),
    /// UDP datagrams with growing TTL.
    Trace(Trace),
    /// One datagram to a port, and what comes back.
    Udp(UdpFlow),
    /// A connection to a port, bytes there and back.
    Tcp(TcpFlow),
    /// A server that sends back what it gets, until stopped.
    Listen(Listen),
    /// Every frame that an interface receives or sends, until stopped.
    Capture(Capture),
    /// Frames that somebody made.
    Frames(Frames),
}

impl Probe {
    /// The namespace that the workload runs in.
    pub fn netns(&self) -> &NetnsName {
        match self {
            Probe::Ping(p) => &p.netns,
            Probe::Arping(p) => &p.netns,
            Probe::Trace(p) => &p.netns,
            Probe::Udp(p) => &p.netns,
            Probe::Tcp(p) => &p.netns,
            Probe::Listen(p) => &p.netns,
            Probe::Capture(p) => &p.netns,
            Probe::Frames(p) => &p.netns,
        }
    }
}

/// Path MTU discovery of a socket: `IP_MTU_DISCOVER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PmtuDisc {
    /// Never DF.
    Dont,
    /// DF on what fits, fragment what does not (the default). A ping to many takes it for [`Do`](PmtuDisc::Do), as ping does.
    #[default]
    Want,
    /// Always DF; what does not fit fails with EMSGSIZE.
    Do,
}

/// `ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// From which namespace.
    pub netns: NetnsName,
    /// To whom.
    pub dst: Ipv4Addr,
    /// From this address (`-I ADDR`).
    pub source: Option<Ipv4Addr>,
    /// By this device (`-I DEV`).
    pub dev: Option<IfName>,
    /// How many requests (`-c`); `None`: until stopped.
    pub count: Option<u32>,
    /// Time between requests (`-i`, 1 s).
    pub interval: Duration,
    /// Payload, bytes (`-s`, 56); 0 to 65507.
    pub size: u16,
    /// Time to live (`-t`); the sysctl's otherwise.
    pub ttl: Option<u8>,
    /// Type of service (`-Q`).
    pub tos: u8,
    /// `-M`.
    pub pmtudisc: PmtuDisc,
    /// How long to wait for the last reply when none has come (`-W`, 10 s).
    pub linger: Duration,
    /// End after this time whatever has come (`-w`); `count` then counts replies.
    pub deadline: Option<Duration>,
    /// Allow a broadcast destination (`-b`).
    pub broadcast: bool,
    /// The echo identifier; `None`: the machine chooses.
    pub ident: Option<u16>,
    /// Requests that may be under way before an answer is waited for (`-l`, 1).
    pub preload: u32,
    /// The interval follows the round-trip time (`-A`).
    pub adaptive: bool,
    /// Report, before the next request, that the one before is unanswered (`-O`).
    pub outstanding: bool,
    /// A request too long to send is no error (`-q`, as ping has it).
    pub quiet: bool,
    /// What the payload repeats (`-p`), at most 16 bytes; empty: the usual pattern.
    pub pattern: Vec<u8>,
    /// Report each request as it is sent.
    pub report_sent: bool,
    /// The mark of its packets (`-m`, `SO_MARK`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mark: u32,
}

fn is_zero(mark: &u32) -> bool {
    *mark == 0
}

impl Ping {
    /// `ping -c COUNT DST` in `netns`.
    pub fn new(netns: NetnsName, dst: Ipv4Addr, count: u32) -> Self {
        Ping {
            netns,
            dst,
            source: None,
            dev: None,
            count: Some(count),
            interval: Duration::from_secs(1),
            size: 56,
            ttl: None,
            tos: 0,
            pmtudisc: PmtuDisc::Want,
            linger: Duration::from_secs(10),
            deadline: None,
            broadcast: false,
            ident: None,
            preload: 1,
            adaptive: false,
            outstanding: false,
            quiet: false,
            pattern: Vec::new(),
            report_sent: false,
            mark: 0,
        }
    }
}

/// What `arping` is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArpingMode {
    /// Who has it? First broadcast, then unicast to the answerer.
    Ask,
    /// As `Ask`, always broadcast (`-b`).
    AskBroadcast,
    /// Duplicate address detection: sender 0.0.0.0 (`-D`).
    Duplicate,
    /// Gratuitous request (`-U`).
    Announce,
    /// Gratuitous reply (`-A`).
    AnnounceReply,
}

/// `arping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arping {
    /// From which namespace.
    pub netns: NetnsName,
    /// By which device (`-I`).
    pub dev: IfName,
    /// Whom.
    pub dst: Ipv4Addr,
    /// The sender's address (`-s`); else the one that the route to `dst` by `dev` gives.
    pub source: Option<Ipv4Addr>,
    /// How many requests (`-c`); `None`: until stopped or the deadline.
    pub count: Option<u32>,
    /// Time between requests (`-i`, 1 s).
    pub interval: Duration,
    /// End after this time (`-w`).
    pub deadline: Option<Duration>,
    /// What for.
    pub mode: ArpingMode,
}

/// `traceroute`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// From which namespace.
    pub netns: NetnsName,
    /// To whom.
    pub dst: Ipv4Addr,
    /// From this address (`-s`).
    #[serde(default)]
    pub source: Option<Ipv4Addr>,
    /// What is sent (`-I`, `-U`).
    #[serde(default)]
    pub method: TraceMethod,
    /// The first hop (`-f`, 1).
    #[serde(default = "one")]
    pub first_hop: u8,
    /// Greatest number of hops (`-m`, 30).
    pub max_hops: u8,
    /// Probes for each hop (`-q`).
    #[serde(default = "one")]
    pub per_hop: u8,
    /// First destination port (33434), one more for each probe; with [`TraceMethod::UdpToPort`] the port of all.
    pub port: u16,
    /// Length of the IP packet, bytes (60).
    pub packet_len: u16,
    /// Type of service (`-t`).
    #[serde(default)]
    pub tos: u8,
    /// How long a probe waits for its answer (5 s).
    pub wait: Duration,
    /// How many times longer than another probe of its hop took, in thousandths (3000); 0: that says nothing.
    #[serde(default = "here")]
    pub here_permille: u32,
    /// How many times longer than a later hop's took, in thousandths (10 000); 0: that says nothing.
    #[serde(default = "near")]
    pub near_permille: u32,
    /// Probes in flight at once (16).
    pub in_flight: u16,
}

impl Trace {
    /// `traceroute -n -q 1 DST` in `netns`.
    pub fn new(netns: NetnsName, dst: Ipv4Addr) -> Self {
        Trace {
            netns,
            dst,
            source: None,
            method: TraceMethod::Udp,
            first_hop: one(),
            max_hops: 30,
            per_hop: one(),
            port: 33434,
            packet_len: 60,
            tos: 0,
            wait: Duration::from_secs(5),
            here_permille: here(),
            near_permille: near(),
            in_flight: 16,
        }
    }
}

const fn one() -> u8 {
    1
}

const fn here() -> u32 {
    3000
}

const fn near() -> u32 {
    10_000
}

impl Trace {
    /// How many probes it may take.
    pub fn probes(&self) -> usize {
        let hops = (usize::from(self.max_hops) + 1).saturating_sub(self.first_hop.max(1).into());
        hops * usize::from(self.per_hop.max(1))
    }
}

/// What a traceroute sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceMethod {
    /// Datagrams, each to the next port.
    #[default]
    Udp,
    /// Datagrams to one port (`-U`).
    UdpToPort,
    /// Echo requests (`-I`).
    Icmp,
}

/// One UDP datagram and its echo.
///
/// The socket is connected and takes every ICMP error (`IP_RECVERR`): no route on the way is ENETUNREACH, an absent host
/// or an expired TTL EHOSTUNREACH, a closed port ECONNREFUSED. A datagram dropped by its own device is silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UdpFlow {
    /// From which namespace.
    pub netns: NetnsName,
    /// To whom.
    pub dst: Ipv4Addr,
    /// To which port.
    pub port: u16,
    /// From this address.
    pub source: Option<Ipv4Addr>,
    /// From this port; `None`: ephemeral.
    pub source_port: Option<u16>,
    /// Payload, bytes: 1 to 65507.
    pub size: u16,
    /// How long to wait for the echo or an error.
    pub timeout: Duration,
}

/// One TCP connection: connect, send `bytes`, read them back, close. A server that closes before it has sent everything
/// back is ECONNRESET.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpFlow {
    /// From which namespace.
    pub netns: NetnsName,
    /// To whom.
    pub dst: Ipv4Addr,
    /// To which port.
    pub port: u16,
    /// From this address.
    pub source: Option<Ipv4Addr>,
    /// How much to send and to read back, bytes; 0: only connect.
    pub bytes: u64,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// UDP or TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proto {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
}

/// An echo server. A datagram is answered from the address that it was sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// In which namespace.
    pub netns: NetnsName,
    /// UDP or TCP.
    pub proto: Proto,
    /// On this address; `None`: on all.
    pub addr: Option<Ipv4Addr>,
    /// On this port.
    pub port: u16,
}

/// A capture. On `lo` each frame is seen once, as received, though it passes both ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// In which namespace.
    pub netns: NetnsName,
    /// On which interface.
    pub dev: IfName,
    /// How much of each frame to keep, bytes.
    pub snap_len: u32,
    /// The interface takes every frame while this lasts, whoever it is for (`IFF_PROMISC`).
    #[serde(default)]
    pub promiscuous: bool,
}

/// Frames that are sent as they are, one behind the other, as by a packet socket (`AF_PACKET`). Each that was refused is
/// reported, numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// In which namespace.
    pub netns: NetnsName,
    /// By which interface.
    pub dev: IfName,
    /// The frames, from their Ethernet headers on.
    pub frames: Vec<Vec<u8>>,
}

/// How to end a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// As by SIGINT: with its statistics.
    Interrupt,
    /// As by SIGTERM or SIGKILL.
    Kill,
}

/// An ICMP error as received: type, code, and the word behind the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IcmpError {
    /// 3 unreachable, 4 quench, 5 redirect, 11 time exceeded, 12 parameter problem.
    #[serde(rename = "type")]
    pub kind: u8,
    /// The code.
    pub code: u8,
    /// The next-hop MTU (3/4), the new gateway's bits (5), the pointer (12); else 0.
    pub info: u32,
}

/// Which way a captured frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// What a workload reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeEvent {
    /// It began; the source address that it uses, where it has one.
    Started {
        /// The source address.
        source: Option<IpAddr>,
    },
    /// Ping: a request was sent, or so ping counts it ([`Ping::report_sent`]).
    Sent {
        /// Which.
        seq: u16,
    },
    /// Ping: a request is unanswered while the next is about to be sent ([`Ping::outstanding`]).
    Outstanding {
        /// Which.
        seq: u16,
    },
    /// Ping: an echo reply.
    Reply {
        /// From whom.
        from: Ipv4Addr,
        /// Its sequence number, from 1.
        seq: u16,
        /// Its time to live on arrival.
        ttl: u8,
        /// ICMP header and payload, bytes.
        bytes: u16,
        /// Round-trip time.
        rtt: Duration,
        /// Not the first reply to this request.
        duplicate: bool,
    },
    /// Ping, traceroute: an ICMP error about a request.
    Icmp {
        /// From whom.
        from: Ipv4Addr,
        /// About which request.
        seq: u16,
        /// Which error.
        error: IcmpError,
    },
    /// Sending failed here. (`ping` says so only for EMSGSIZE: other errors leave no line and no count in its output.)
    SendFailed {
        /// Which request.
        seq: u16,
        /// Why.
        errno: Errno,
        /// The path MTU that it ran into, bytes (EMSGSIZE).
        mtu: Option<u32>,
    },
    /// Arping: an answer.
    ArpReply {
        /// Who says to have the address.
        from: Ipv4Addr,
        /// Its MAC.
        mac: Mac,
        /// It was sent to us, not broadcast.
        unicast: bool,
        /// It is a reply (operation 2), not a request.
        reply: bool,
        /// Since the request.
        rtt: Duration,
    },
    /// Traceroute: a hop is settled (in order of TTL).
    Hop(Hop),
    /// TCP: the connection stands.
    Connected {
        /// Since the start.
        after: Duration,
    },
    /// A captured frame, from its Ethernet header on.
    Frame {
        /// Which way.
        direction: Direction,
        /// Its length on the wire, bytes.
        len: u32,
        /// Its first `snap_len` bytes.
        bytes: Vec<u8>,
    },
    /// A capture could not keep up: so many frames, somewhere since the last word of it, are missing. Never in the
    /// simulator.
    FramesLost {
        /// How many.
        count: u32,
    },
    /// Of a socket ([`Backend::socket`](crate::Backend::socket)): what was EAGAIN may have changed.
    News,
    /// The end. Nothing follows.
    Done(Outcome),
}

/// One probe of a traceroute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The TTL of its probe.
    pub ttl: u8,
    /// Who answered with what after how long; `None`: nobody in time. Data that came back is put down as 3/3, an echo
    /// reply as 0/0.
    pub answer: Option<(Ipv4Addr, IcmpError, Duration)>,
}

/// How a workload ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Ping's statistics.
    Ping(PingOutcome),
    /// Arping's statistics.
    Arping(ArpingOutcome),
    /// Traceroute's hops.
    Trace(TraceOutcome),
    /// The datagram's fate.
    Udp(FlowOutcome),
    /// The connection's fate.
    Tcp(FlowOutcome),
    /// The end of a server, a capture or of frames; of the others, that they were killed ([`Stop::Kill`]).
    Stopped,
    /// It could not begin: opening, binding or connecting its socket failed. Of TCP: what `connect` says at once (no route
    /// here), not what comes back from the network.
    Failed(Errno),
}

/// Ping's statistics, as its trailer prints them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PingOutcome {
    /// Requests sent.
    pub transmitted: u32,
    /// Replies, duplicates excluded.
    pub received: u32,
    /// Duplicate replies.
    pub duplicates: u32,
    /// ICMP errors, and requests too big to send (EMSGSIZE).
    pub errors: u32,
    /// The last ICMP error, if any.
    pub last_error: Option<IcmpError>,
    /// The last failure to send, if any.
    #[serde(default)]
    pub send_error: Option<Errno>,
    /// From the opening to the last request.
    pub time: Duration,
    /// Least, mean and greatest round-trip time and their deviation, in whole microseconds, duplicates included. `None`
    /// without a reply, and with less than 16 bytes of payload, which hold no timestamp.
    pub rtt: Option<Rtt>,
    /// How many requests behind the newest one an answer (or error) was at most, itself included; 0 without any. Printed
    /// when above 1.
    pub pipe: u32,
}

/// Round-trip times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rtt {
    /// Least.
    pub min: Duration,
    /// Mean.
    pub avg: Duration,
    /// Greatest.
    pub max: Duration,
    /// Mean deviation as ping computes it: the square root of the variance.
    pub mdev: Duration,
}

/// Arping's statistics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArpingOutcome {
    /// Requests sent.
    pub sent: u32,
    /// Of them broadcast.
    pub broadcasts: u32,
    /// Answers.
    pub received: u32,
    /// Of them ARP requests.
    #[serde(default)]
    pub requests: u32,
    /// Of them broadcast.
    #[serde(default)]
    pub broadcast_answers: u32,
    /// Who answered, each MAC once, in order.
    pub macs: Vec<Mac>,
}

/// Traceroute's hops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceOutcome {
    /// The hops in order of TTL.
    pub hops: Vec<Hop>,
    /// A port unreachable (or data) came back: the destination answered.
    pub reached: bool,
}

/// A UDP or TCP flow's fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowOutcome {
    /// `None`: all went well. Else what the socket said: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT (ours, when
    /// the probe's timeout ended it), EMSGSIZE, …; EINTR if it was interrupted.
    pub error: Option<Errno>,
    /// Payload sent, bytes.
    pub sent: u64,
    /// Payload that came back, bytes.
    pub received: u64,
    /// What came back is what was sent.
    pub intact: bool,
    /// All of it.
    pub time: Duration,
}

/// What an outcome says about reachability, in one word: what expectations are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It got through and back.
    Reached,
    /// The port is closed (RST or port unreachable).
    Refused,
    /// No route, here or on the way.
    NetUnreachable,
    /// The neighbour did not answer, or an unreachable route.
    HostUnreachable,
    /// Administratively prohibited.
    Prohibited,
    /// The TTL ran out.
    TtlExceeded,
    /// Too big, and DF.
    TooBig,
    /// Silence.
    Timeout,
    /// Anything else that failed here.
    Failed,
}

impl Outcome {
    /// The outcome in one word.
    pub fn verdict(&self) -> Verdict {
        match self {
            Outcome::Ping(p) if p.received > 0 => Verdict::Reached,
            Outcome::Ping(PingOutcome { last_error: Some(e), .. }) => icmp_verdict(*e),
            Outcome::Ping(p) => p.send_error.map_or(Verdict::Timeout, errno_verdict),
            Outcome::Arping(a) if a.received > 0 => Verdict::Reached,
            Outcome::Arping(_) => Verdict::Timeout,
            Outcome::Trace(t) if t.reached => Verdict::Reached,
            Outcome::Trace(t) => t
                .hops
                .iter()
                .rev()
                .find_map(|h| h.answer.as_ref())
                .map_or(Verdict::Timeout, |(_, e, _)| icmp_verdict(*e)),
            Outcome::Udp(f) | Outcome::Tcp(f) => f.error.map_or(Verdict::Reached, errno_verdict),
            Outcome::Stopped => Verdict::Reached,
            Outcome::Failed(errno) => errno_verdict(*errno),
        }
    }
}

fn icmp_verdict(e: IcmpError) -> Verdict {
    match (e.kind, e.code) {
        (3, 0 | 6) => Verdict::NetUnreachable,
        (3, 1 | 7) => Verdict::HostUnreachable,
        (3, 2 | 3) => Verdict::Refused,
        (3, 4) => Verdict::TooBig,
        (3, 9 | 10 | 13) => Verdict::Prohibited,
        (11, _) => Verdict::TtlExceeded,
        _ => Verdict::Failed,
    }
}

fn errno_verdict(e: Errno) -> Verdict {
    match e {
        Errno::ECONNREFUSED => Verdict::Refused,
        Errno::ENETUNREACH => Verdict::NetUnreachable,
        Errno::EHOSTUNREACH => Verdict::HostUnreachable,
        Errno::EACCES | Errno::EPERM => Verdict::Prohibited,
        Errno::EMSGSIZE => Verdict::TooBig,
        Errno::ETIMEDOUT => Verdict::Timeout,
        _ => Verdict::Failed,
    }
}

/// When something of a workload happens next; `None`: only when something comes in.
pub type WakeAt = Option<Instant>;
