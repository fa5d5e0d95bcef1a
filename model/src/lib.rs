//! nettwin's nouns and decisions: the topology model, the instruction set, snapshots, plans, probes, and the
//! trait that both machines implement.
//!
//! Kernel counterpart: the uapi headers (`linux/rtnetlink.h`, `linux/if_link.h`, `linux/neighbour.h`). Deliberately
//! absent: I/O, clocks, randomness from outside, threads, async. Everything here is a value or a pure function.

#![forbid(unsafe_code)]

pub mod addr;
mod agree;
pub mod apply;
pub mod backend;
pub mod bond;
pub mod bridge;
pub mod builder;
pub mod check;
pub mod complaint;
pub mod differences;
pub mod distribution;
pub mod draw;
pub mod errno;
pub mod expect;
pub mod firewall;
pub mod generate;
pub mod gist;
pub mod graph;
pub mod groups;
pub mod impair;
pub mod layout;
pub mod link;
pub mod mdb;
pub mod metrics;
pub mod name;
pub mod neigh;
pub mod nexthop;
pub mod op;
pub mod paths;
pub mod plan;
pub mod probe;
pub mod question;
pub mod queue;
pub mod recover;
pub mod route;
pub mod rule;
pub mod rules;
pub mod snapshot;
pub mod socket;
#[cfg(feature = "proptest")]
pub mod strategy;
pub mod sysctl;
pub mod time;
pub mod topology;
pub mod virtuals;
pub mod vlan;
pub mod vxlan;
pub mod wire;
pub mod words;

pub use addr::{Address, Cidr, Scope};
pub use backend::{Answer, Backend, Extent, Failure, Fault, Query, RouteGet, RouteGot};
pub use complaint::{Complaint, Severity};
pub use errno::Errno;
pub use gist::Gist;
pub use groups::LinkGroups;
pub use impair::Impairment;
pub use link::{BridgeAttrs, LinkKind, LinkTraits, OperState, PortAttrs, PortState};
pub use mdb::{Group, MdbEntry};
pub use metrics::{Metric, Metrics};
pub use name::{IfName, Mac, NameError, NetnsName};
pub use neigh::{FdbEntry, FdbKind, Neigh, NeighExtra, Nud};
pub use nexthop::{NexthopKind, NexthopMember, NexthopObject};
pub use op::{AddLink, LinkChange, NewLink, Op, RouteVerb, VethPeer};
pub use plan::{Desired, Plan};
pub use route::{Nexthop, Route, RouteKind};
pub use rule::{Rule, RuleAction, Rules};
pub use snapshot::{NetnsState, Snapshot};
pub use sysctl::SysctlKey;
pub use time::Instant;
pub use topology::{Format, Topology, json_schema};
pub use virtuals::Virtual;
pub use vlan::{BridgeVlan, VlanRange};
