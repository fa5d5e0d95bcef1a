//! Which command names exist, and what begins when one is called.
//!
//! Counterpart: the folders of `PATH`. A tool takes the whole command line and answers with a job, whatever the words are:
//! a complaint is a job too. Deliberately absent: names that no tool here answers to; the caller refuses them.

use crate::arping;
use crate::brctl;
use crate::bridge;
use crate::conntrack;
use crate::curl;
use crate::ethtool;
use crate::http;
use crate::ip;
use crate::iperf3;
use crate::iptables;
use crate::job::{Invocation, Job};
use crate::nc;
use crate::nettools;
use crate::nft;
use crate::ping;
use crate::sleep;
use crate::ss;
use crate::sysctl;
use crate::tc;
use crate::tcpdump;
use crate::traceroute;

/// A command.
pub struct Tool {
    /// The name it is called by.
    pub name: &'static str,
    /// Begins it.
    pub start: fn(&Invocation) -> Box<dyn Job>,
}

/// The command of that name.
pub fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|t| t.name == name)
}

/// All commands, by name.
#[rustfmt::skip]
pub const TOOLS: &[Tool] = &[
    Tool { name: "arping", start: arping::start },
    Tool { name: "arp", start: nettools::arp::start },
    Tool { name: "brctl", start: brctl::start },
    Tool { name: "conntrack", start: conntrack::start },
    Tool { name: "curl", start: curl::start },
    Tool { name: "bridge", start: bridge::start },
    Tool { name: "ethtool", start: ethtool::start },
    Tool { name: "ifconfig", start: nettools::ifconfig::start },
    Tool { name: "ip", start: ip::start },
    Tool { name: "ip6tables", start: iptables::start6 },
    Tool { name: "ip6tables-restore", start: iptables::start_restore6 },
    Tool { name: "ip6tables-save", start: iptables::start_save6 },
    Tool { name: "iperf3", start: iperf3::start },
    Tool { name: "iptables", start: iptables::start },
    Tool { name: "iptables-restore", start: iptables::start_restore },
    Tool { name: "iptables-save", start: iptables::start_save },
    Tool { name: "nc", start: nc::start },
    Tool { name: "nc.openbsd", start: nc::start },
    Tool { name: "netcat", start: nc::start },
    Tool { name: "netstat", start: nettools::netstat::start },
    Tool { name: "nft", start: nft::start },
    Tool { name: http::NAME, start: http::start },
    Tool { name: "route", start: nettools::route::start },
    Tool { name: "ping", start: ping::start },
    Tool { name: "ping4", start: ping::start },
    Tool { name: "ping6", start: ping::start },
    Tool { name: "sleep", start: sleep::start },
    Tool { name: "ss", start: ss::start },
    Tool { name: "sysctl", start: sysctl::start },
    Tool { name: "tc", start: tc::start },
    Tool { name: "tcpdump", start: tcpdump::start },
    Tool { name: "traceroute", start: traceroute::start },
];
