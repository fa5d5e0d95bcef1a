//! `ip link` and `ip addr`, long and brief.
//!
//! Counterpart: `print_linkinfo()` and `print_addrinfo()` of iproute2's `ipaddress.c`.

use nettwin_model::link::{LinkKind, OperState};
use nettwin_model::snapshot::{LinkConfig, LinkDerived, LinkStats};
use nettwin_model::{Address, IfName, NetnsState, Scope};
use std::fmt::Write;

/// `ip link show`.
pub fn show(netns: &NetnsState) -> String {
    let mut out = String::new();
    for link in links(netns) {
        head(&mut out, &link, " mode DEFAULT");
    }
    out
}

/// `ip -s link show`.
pub fn show_stats(netns: &NetnsState) -> String {
    let mut out = String::new();
    for link in links(netns) {
        head(&mut out, &link, " mode DEFAULT");
        let stats = netns.volatile.stats.get(&link.name).copied().unwrap_or_default();
        counters(&mut out, &stats);
    }
    out
}

/// `ip addr show`.
pub fn show_addr(netns: &NetnsState) -> String {
    let mut out = String::new();
    for link in links(netns) {
        head(&mut out, &link, "");
        for addr in link.addrs() {
            address(&mut out, link.name, addr);
        }
    }
    out
}

/// `ip -br link show`.
pub fn show_brief(netns: &NetnsState) -> String {
    let mut out = String::new();
    for link in links(netns) {
        let state = link.derived.operstate.word();
        let _ = writeln!(out, "{:<16} {state:<14} {} <{}> ", link.full_name(), link.derived.mac, link.flags());
    }
    out
}

/// `ip -br addr show`.
pub fn show_addr_brief(netns: &NetnsState) -> String {
    let mut out = String::new();
    for link in links(netns) {
        let _ = write!(out, "{:<16} {:<14} ", link.full_name(), link.derived.operstate.word());
        for addr in link.addrs() {
            let _ = write!(out, "{} ", local(addr));
        }
        out.push('\n');
    }
    out
}

/// One link with what its neighbours in the namespace say about it.
struct Link<'a> {
    name: IfName,
    config: &'a LinkConfig,
    derived: &'a LinkDerived,
    netns: &'a NetnsState,
}

/// The links by ifindex, as the kernel dumps them.
fn links(netns: &NetnsState) -> Vec<Link<'_>> {
    let mut all: Vec<_> = netns
        .derived
        .links
        .iter()
        .filter_map(|(name, derived)| {
            let config = netns.config.links.get(name)?;
            Some(Link { name: *name, config, derived, netns })
        })
        .collect();
    all.sort_by_key(|link| link.derived.ifindex);
    all
}

impl<'a> Link<'a> {
    fn addrs(&self) -> impl Iterator<Item = &'a Address> {
        self.derived.auto_addrs.iter().chain(&self.config.addrs)
    }

    /// The peer's name and whether it lives in this namespace.
    fn peer(&self) -> Option<(IfName, bool)> {
        let LinkKind::Veth { peer: Some((_, name)) } = &self.config.kind else { return None };
        let here = self.netns.derived.links.get(name).is_some_and(|other| {
            Some(other.ifindex) == self.derived.link_ifindex
                && matches!(&self.netns.config.links.get(name).map(|c| &c.kind),
                    Some(LinkKind::Veth { peer: Some((_, back)) }) if *back == self.name)
        });
        Some((*name, here))
    }

    fn full_name(&self) -> String {
        match (self.peer(), self.derived.link_ifindex) {
            (Some((peer, true)), _) => format!("{}@{peer}", self.name),
            (_, Some(index)) => format!("{}@if{index}", self.name),
            (_, None) => self.name.to_string(),
        }
    }

    fn flags(&self) -> String {
        let mut flags = Vec::new();
        let running = matches!(self.derived.operstate, OperState::Up | OperState::Unknown);
        if self.config.up && !running {
            flags.push("NO-CARRIER");
        }
        match self.config.kind {
            LinkKind::Loopback => flags.push("LOOPBACK"),
            _ => flags.extend(["BROADCAST", "MULTICAST"]),
        }
        if self.config.up {
            flags.push("UP");
            if self.derived.carrier {
                flags.push("LOWER_UP");
            }
        }
        if let Some((peer, true)) = self.peer()
            && self.netns.config.links.get(&peer).is_some_and(|p| !p.up)
        {
            flags.push("M-DOWN");
        }
        flags.join(",")
    }
}

fn head(out: &mut String, link: &Link<'_>, mode: &str) {
    let d = link.derived;
    let master = link.config.master.map(|m| format!(" master {m}")).unwrap_or_default();
    let _ = writeln!(
        out,
        "{}: {}: <{}> mtu {} qdisc {}{master} state {}{mode} group default qlen 1000",
        d.ifindex,
        link.full_name(),
        link.flags(),
        d.mtu,
        d.qdisc,
        d.operstate.word(),
    );
    match &link.config.kind {
        LinkKind::Loopback => {
            let _ = writeln!(out, "    link/loopback {} brd {}", d.mac, nettwin_model::Mac::ZERO);
        }
        kind => {
            let _ = write!(out, "    link/ether {} brd {}", d.mac, nettwin_model::Mac::BROADCAST);
            if let (LinkKind::Veth { peer: Some((netns, _)) }, Some((_, false))) = (kind, link.peer()) {
                let _ = write!(out, " link-netns {netns}");
            }
            out.push('\n');
        }
    }
}

fn address(out: &mut String, dev: IfName, addr: &Address) {
    let _ = write!(out, "    inet {}", local(addr));
    if let Some(brd) = addr.broadcast {
        let _ = write!(out, " brd {brd}");
    }
    let scope = match addr.scope {
        Scope::GLOBAL => "global".to_owned(),
        Scope::SITE => "site".to_owned(),
        Scope::LINK => "link".to_owned(),
        Scope::HOST => "host".to_owned(),
        Scope::NOWHERE => "nowhere".to_owned(),
        Scope(n) => n.to_string(),
    };
    let _ = write!(out, " scope {scope} ");
    if addr.secondary {
        out.push_str("secondary ");
    }
    match &addr.label {
        Some(label) => out.push_str(label),
        None => out.push_str(dev.as_str()),
    }
    out.push_str("\n       valid_lft forever preferred_lft forever\n");
}

fn local(addr: &Address) -> String {
    match addr.peer {
        Some(peer) => format!("{} peer {peer}", addr.cidr.addr),
        None => addr.cidr.to_string(),
    }
}

/// The two tables of `-s`; errors, missed, carrier and collisions do not occur here.
fn counters(out: &mut String, s: &LinkStats) {
    let width = |a: u64, title: usize| a.to_string().len().max(title);
    let (rb, rp) = (width(s.rx_bytes, 6), width(s.rx_packets, 7));
    let (tb, tp) = (width(s.tx_bytes, 6), width(s.tx_packets, 7));
    let _ = writeln!(out, "    RX: {:>rb$} {:>rp$} errors dropped  missed   mcast           ", "bytes", "packets");
    let _ = writeln!(
        out,
        "    {:>w$} {:>rp$} {:>6} {:>7} {:>7} {:>7} ",
        s.rx_bytes,
        s.rx_packets,
        0,
        s.rx_dropped,
        0,
        0,
        w = rb + 4
    );
    let _ = writeln!(out, "    TX: {:>tb$} {:>tp$} errors dropped carrier collsns           ", "bytes", "packets");
    let _ = writeln!(
        out,
        "    {:>w$} {:>tp$} {:>6} {:>7} {:>7} {:>7} ",
        s.tx_bytes,
        s.tx_packets,
        0,
        s.tx_dropped,
        0,
        0,
        w = tb + 4
    );
}
