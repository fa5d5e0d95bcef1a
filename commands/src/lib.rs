//! The words people read: the output of iproute2, bridge-utils and iputils, printed from any machine's answers.
//!
//! Counterpart: iproute2 6.1, bridge-utils 1.7, iputils 20221126, traceroute 2.1.2, as Debian 12 ships them. What a
//! snapshot does not carry (IPv6, device multicast filters, qlen other than 1000) is not printed. A command that runs is a
//! [`job`], over any machine; [`sched`] says whose turn it is. Deliberately absent: processes, terminals, real time.

#![forbid(unsafe_code)]

pub mod arping;
mod brctl;
mod bridge;
pub mod clock;
mod conntrack;
mod curl;
mod ethtool;
mod getopt;
mod glob;
pub mod grammar;
pub mod http;
mod ip;
mod iperf3;
mod iproute;
mod iptables;
mod iputils;
pub mod job;
mod names;
mod nc;
mod nettools;
mod nft;
mod number;
pub mod ping;
pub mod route;
mod say;
pub mod sched;
pub mod sleep;
mod ss;
mod stdio;
mod sysctl;
mod tc;
mod tcpdump;
pub mod tools;
pub mod trace;
mod traceroute;
pub mod views;
