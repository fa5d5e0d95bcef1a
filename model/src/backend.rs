//! The trait of a machine: execute, query, observe, probe, and the only clock that anything above it knows.
//!
//! Both machines implement it and nothing else knows which is which.

use crate::bridge::BridgeStatus;
use crate::errno::Errno;
use crate::groups::LinkGroups;
use crate::name::{IfName, NetnsName};
use crate::op::Op;
use crate::probe::{Outcome, Probe, ProbeEvent, ProbeId, Stop};
use crate::route::Route;
use crate::rules::Ruleset;
use crate::rules::conntrack::Connection;
use crate::snapshot::{NetnsState, Snapshot};
use crate::socket::{Call, Listed, Reply};
use crate::sysctl::SysctlKey;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A machine that executes ops: the simulator or the kernel.
pub trait Backend {
    /// Executes ops in order and stops at the first fault. A machine may fuse neighbours where nobody can tell.
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure>;

    /// The same for a caller that leads the machine back if an op is refused: the machine may do what is asked in another
    /// order and go on behind a refusal, if that is faster. Only which op was refused is told then.
    fn execute_together(&mut self, ops: &[Op]) -> Result<(), Failure> {
        self.execute(ops)
    }

    /// Whether the machine has what these ops take; nothing is done. What it lacks is [`Fault::Missing`]. Ops that pass
    /// may still be refused.
    fn lacks_nothing(&mut self, ops: &[Op]) -> Result<(), Fault> {
        let _ = ops;
        Ok(())
    }

    /// Answers one question.
    fn query(&mut self, query: &Query) -> Result<Answer, Fault>;

    /// Reads the state of the namespaces in `extent`. Those it does not know are left out.
    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault>;

    /// Starts a workload. Its events come from [`advance`](Backend::advance), the last of them is
    /// [`ProbeEvent::Done`]. A namespace or device that does not exist is refused here.
    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault>;

    /// Ends a running workload; its `Done` comes from the next [`advance`](Backend::advance). Unknown ids are ignored.
    fn stop(&mut self, id: ProbeId, how: Stop);

    /// A socket call. It never waits: EAGAIN says that it would have to, and then
    /// [`ProbeEvent::News`] says when to try again.
    fn socket(&mut self, call: &Call) -> Result<Reply, Fault> {
        let _ = call;
        Err(Fault::Missing {
            capability: "sockets for whoever uses this machine".into(),
            remedy: "use the simulator or the kernel backend itself".into(),
        })
    }

    /// The present instant.
    fn now(&self) -> Instant;

    /// Lets time pass until the next event of any running workload, or until `until`, whichever is first. The simulator
    /// moves virtual time, the kernel backend blocks. With [`Instant::FAR`] and no workload running it returns `None`
    /// when nothing is left to happen (simulator) or at once (kernel).
    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)>;

    /// Waits until what was executed has taken effect: a kernel applies carrier changes, and tells of them, a little
    /// later. The simulator applies everything at once and has nothing to wait for. Says how long it took.
    fn settle(&mut self) -> Result<Duration, Fault> {
        Ok(Duration::ZERO)
    }

    /// The same of links' carriers alone, for whoever looks at what is configured: without waiting for silence.
    fn settle_links(&mut self) -> Result<(), Fault> {
        self.settle().map(drop)
    }

    /// Runs one workload to its end and returns its outcome; events of other workloads meanwhile are dropped.
    fn probe(&mut self, probe: Probe) -> Result<Outcome, Fault> {
        let id = self.start(probe)?;
        loop {
            match self.advance(Instant::FAR) {
                Some((_, of, ProbeEvent::Done(outcome))) if of == id => return Ok(outcome),
                Some(_) => {}
                None => return Err(Fault::Broken("the machine fell idle before the probe was done".into())),
            }
        }
    }
}

impl<B: Backend + ?Sized> Backend for Box<B> {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        (**self).execute(ops)
    }

    fn execute_together(&mut self, ops: &[Op]) -> Result<(), Failure> {
        (**self).execute_together(ops)
    }

    fn lacks_nothing(&mut self, ops: &[Op]) -> Result<(), Fault> {
        (**self).lacks_nothing(ops)
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        (**self).query(query)
    }

    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        (**self).observe(extent)
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        (**self).start(probe)
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        (**self).stop(id, how);
    }

    fn socket(&mut self, call: &Call) -> Result<Reply, Fault> {
        (**self).socket(call)
    }

    fn now(&self) -> Instant {
        (**self).now()
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        (**self).advance(until)
    }

    fn settle(&mut self) -> Result<Duration, Fault> {
        (**self).settle()
    }

    fn settle_links(&mut self) -> Result<(), Fault> {
        (**self).settle_links()
    }

    fn probe(&mut self, probe: Probe) -> Result<Outcome, Fault> {
        (**self).probe(probe)
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The machine said no, as Linux does.
    Refused {
        /// The error number.
        errno: Errno,
        /// The kernel's own text (extended acknowledgement), without `Error: `.
        message: Option<String>,
    },
    /// The lab itself is broken: a lost namespace, a socket that died, a permission that went away.
    Broken(String),
    /// This machine lacks the feature (a kernel without netem, say).
    Missing {
        /// What is missing.
        capability: String,
        /// What to do about it.
        remedy: String,
    },
}

impl Fault {
    /// A refusal without text.
    pub fn errno(errno: Errno) -> Self {
        Fault::Refused { errno, message: None }
    }

    /// A refusal with the kernel's text.
    pub fn refused(errno: Errno, message: &str) -> Self {
        Fault::Refused { errno, message: Some(message.to_owned()) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Refused { errno, message: None } => write!(f, "{errno}"),
            Fault::Refused { errno, message: Some(m) } => write!(f, "{m} ({errno})"),
            Fault::Broken(why) => f.write_str(why),
            Fault::Missing { capability, remedy } => write!(f, "{capability} is missing: {remedy}"),
        }
    }
}

impl std::error::Error for Fault {}

/// Where a list of ops stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// How many ops were executed; `ops[done]` is the one that was not.
    pub done: usize,
    /// Why.
    pub fault: Fault,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {}: {}", self.done + 1, self.fault)
    }
}

impl std::error::Error for Failure {}

/// What [`Backend::observe`] looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// The namespaces; `None` means all that the machine has.
    pub netns: Option<BTreeSet<NetnsName>>,
    /// The sysctls to read, by namespace. One that does not exist is left out of the snapshot.
    pub sysctls: BTreeMap<NetnsName, BTreeSet<SysctlKey>>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// The names of all namespaces (`host` included where it exists), the newest first.
    NetnsList,
    /// The numbers that a namespace has for others, where their links meet. Asking gives no number.
    Nsids(NetnsName),
    /// The TCP and UDP sockets of a namespace.
    Sockets(NetnsName),
    /// A link's index, if there is a link of that name.
    Ifindex {
        /// Where.
        netns: NetnsName,
        /// Which.
        dev: IfName,
    },
    /// One namespace's state, without sysctls.
    Netns(NetnsName),
    /// Which route a packet would take (`ip route get`).
    RouteGet(RouteGet),
    /// What was learned about single destinations and is still believed (`ip route show cache`).
    RouteCache(NetnsName),
    /// Whether there is such a routing table: one that a route was ever put in.
    HasTable {
        /// Where.
        netns: NetnsName,
        /// Which.
        table: u32,
    },
    /// A sysctl's value.
    Sysctl {
        /// Where.
        netns: NetnsName,
        /// Which.
        key: SysctlKey,
    },
    /// The sysctls that a namespace has, as far as the machine knows them, in the order of a walk through
    /// `/proc/sys`.
    Sysctls(NetnsName),
    /// A bridge's spanning tree and forwarding database as they move. EOPNOTSUPP if the link is no bridge.
    Bridge {
        /// Where.
        netns: NetnsName,
        /// Which.
        name: IfName,
    },
    /// All rules with their counters.
    Ruleset(NetnsName),
    /// The connections that conntrack knows.
    Conntrack(NetnsName),
    /// The groups that links have joined.
    Groups(NetnsName),
}

/// `ip route get`'s question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteGet {
    /// Where.
    pub netns: NetnsName,
    /// To whom.
    pub dst: IpAddr,
    /// From whom.
    pub from: Option<IpAddr>,
    /// As if received there.
    pub iif: Option<IfName>,
    /// Only by that device.
    pub oif: Option<IfName>,
    /// Type of service.
    pub tos: u8,
    /// The packet's mark.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mark: u32,
    /// Whose packet it is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u32,
    /// IP protocol; 0: what the kernel takes when nothing is said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ipproto: u8,
    /// Source port.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sport: u16,
    /// Destination port.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dport: u16,
    /// The route's own entry is asked for (`fibmatch`), not what a packet makes of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fibmatch: bool,
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl RouteGet {
    /// The question for a packet to `dst` of which nothing else is said.
    pub fn new(netns: NetnsName, dst: IpAddr) -> Self {
        RouteGet {
            netns,
            dst,
            from: None,
            iif: None,
            oif: None,
            tos: 0,
            mark: 0,
            uid: 0,
            ipproto: 0,
            sport: 0,
            dport: 0,
            fibmatch: false,
        }
    }
}

/// `ip route get`'s answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteGot {
    /// The route's kind, device, gateway, table and source, in a route of one nexthop whose `dst` is the host. While no
    /// rule was ever added or removed, local routes are found in table main. Table 0: decided without one. With `fibmatch`: the entry.
    pub route: Route,
    /// The cache flags that iproute2 prints, in its words and order: `local`, `mc`, `brd`, `redirected`, `redirect`.
    pub flags: Vec<String>,
    /// The path MTU learned, bytes, if an exception holds one.
    pub cached_mtu: Option<u32>,
    /// Seconds until that exception is forgotten.
    pub expires_s: Option<u32>,
}

/// The answer to a [`Query`], of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Query::NetnsList`].
    NetnsList(Vec<NetnsName>),
    /// To [`Query::Nsids`].
    Nsids(BTreeMap<NetnsName, u32>),
    /// To [`Query::Sockets`], in order.
    Sockets(Vec<Listed>),
    /// To [`Query::Ifindex`].
    Ifindex(Option<u32>),
    /// To [`Query::Netns`].
    Netns(Box<NetnsState>),
    /// To [`Query::RouteGet`].
    Route(Box<RouteGot>),
    /// To [`Query::RouteCache`], by destination.
    RouteCache(Vec<RouteGot>),
    /// To [`Query::HasTable`].
    HasTable(bool),
    /// To [`Query::Sysctl`], without the trailing newline.
    Sysctl(String),
    /// To [`Query::Sysctls`].
    Sysctls(Vec<SysctlKey>),
    /// To [`Query::Bridge`].
    Bridge(Box<BridgeStatus>),
    /// To [`Query::Ruleset`].
    Ruleset(Box<Ruleset>),
    /// To [`Query::Conntrack`], in canonical order.
    Conntrack(Vec<Connection>),
    /// To [`Query::Groups`], by index.
    Groups(Vec<LinkGroups>),
}
