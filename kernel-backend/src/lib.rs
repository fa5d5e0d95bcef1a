//! nettwin's real machine: Linux network namespaces, driven through rtnetlink.
//!
//! Kernel counterpart: the kernel itself. Deliberately absent: helper programs (`ip`, `tc`, `nft` are never started),
//! decisions (they are the model's), IPv6 (every namespace is made with it off). On other systems the crate is empty.

#![cfg(target_os = "linux")]

pub mod affinity;
pub mod caps;
pub mod enter;
pub mod holder;
pub mod journal;
pub mod labs;
pub mod machine;
pub mod netlink;
pub mod netns;
mod nf;
pub mod probe;
mod protocol;
pub mod pump;
pub mod remote;
pub mod script;
pub mod serve;
#[cfg(feature = "tap")]
pub mod tap;
pub mod uml;

mod bulk;
mod depart;
mod execute;
mod groups;
mod host;
mod named;
mod object;
mod observe;
mod query;
mod settle;
mod sockets;
mod sysctl;
mod together;
mod tun;

pub use caps::Capability;
pub use machine::{KernelBackend, Naming, Options, is_root};
pub use netns::{Netns, NetnsId, Worker};
