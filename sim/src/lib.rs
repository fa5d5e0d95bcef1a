//! nettwin's simulated machine: Linux's network namespaces in userspace and virtual time.
//!
//! One [`Sim`] is one machine: it executes ops, answers queries, runs probes, and moves its own clock from event to event.
//! Begin with [`path`](self), the path of a frame. Kernel counterpart: `net/`. Deliberately absent: I/O, threads, clocks,
//! async, IPv6, VLANs.

#![forbid(unsafe_code)]

mod addr;
mod arp;
mod dev;
mod drop;
mod event;
mod execute;
mod few;
mod fib;
mod frame;
mod inject;
mod ip;
mod ipv6;
mod l3;
mod lane;
mod multipath;
mod neigh;
mod netns;
mod nexthop;
mod nf;
mod observe;
mod path;
mod pcap;
mod probe;
mod qdisc;
mod query;
mod rare;
mod rng;
mod route;
mod rules;
mod sim;
mod sock;
mod storm;
mod sysctl;
mod tag;
mod tell;
mod trace;
mod world;

pub use dev::tap::Plug;
pub use drop::DropReason;
pub use inject::Port;
pub use path::Stage;
pub use sim::{Recording, Sim};
pub use storm::{Storm, Turn};
pub use trace::{DropCount, TraceRecord, What};
