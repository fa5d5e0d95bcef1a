//! A link's lines, long and brief.
//!
//! Counterpart: `print_linkinfo()` and its helpers in `ip/ipaddress.c`, `print_name_and_link()` of `lib/utils.c`. Deliberately
//! absent: what no link here has: VFs, XDP.

use super::bridge_print;
use crate::iproute::flags;
use crate::iproute::inet::Family;
use crate::iproute::names;
use crate::iproute::page::{Colour, Page, Value};
use crate::names::Accounts;
use nettwin_model::bridge::BridgeStatus;
use nettwin_model::link::{LinkKind, OperState};
use nettwin_model::snapshot::{LinkConfig, LinkDerived, LinkStats};
use nettwin_model::{IfName, LinkTraits, Mac, NetnsName, NetnsState, Virtual};
use std::collections::BTreeMap;

/// How links are printed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// `ip link`, not `ip addr`.
    pub(super) link_only: bool,
    pub(super) brief: bool,
    pub(super) details: bool,
    /// `-s`, as often as it is said.
    pub(super) stats: u32,
    /// Counters with a unit: its base.
    pub(super) human: Option<u64>,
    pub(super) family: Family,
}

/// A namespace that is printed, with what its links' neighbours are called.
pub(super) struct Scene<'a> {
    pub(super) state: &'a NetnsState,
    pub(super) netns: &'a NetnsName,
    pub(super) nsids: &'a BTreeMap<NetnsName, u32>,
    /// Asked for only where details are.
    pub(super) bridges: &'a BTreeMap<IfName, BridgeStatus>,
    /// Likewise.
    pub(super) accounts: &'a Accounts,
    pub(super) manner: Manner,
}

/// A link of the scene.
#[derive(Clone, Copy)]
pub(super) struct Link<'a> {
    pub(super) name: IfName,
    pub(super) config: &'a LinkConfig,
    pub(super) derived: &'a LinkDerived,
}

/// Where a link's other end is.
enum Other<'a> {
    None,
    /// In this namespace.
    Here(IfName),
    /// In another, or nobody knows where.
    There(u32, Option<&'a NetnsName>),
}

impl<'a> Scene<'a> {
    /// The links by index, as the kernel dumps them.
    pub(super) fn links(&self) -> Vec<Link<'a>> {
        let state = self.state;
        let mut all: Vec<_> = state
            .derived
            .links
            .iter()
            .filter_map(|(name, derived)| Some(Link { name: *name, config: state.config.links.get(name)?, derived }))
            .collect();
        all.sort_by_key(|link| link.derived.ifindex);
        all
    }

    fn other(&self, link: Link<'a>) -> Other<'a> {
        match (link.config.kind.link(), link.derived.link_ifindex) {
            (Some((netns, name)), Some(_)) if netns == self.netns => Other::Here(*name),
            (Some((netns, _)), Some(index)) => Other::There(index, Some(netns)),
            (_, Some(index)) => Other::There(index, None),
            (_, None) => Other::None,
        }
    }

    /// What a link carries besides.
    pub(super) fn traits(&self, link: Link<'_>) -> LinkTraits {
        self.state.config.traits.get(&link.name).cloned().unwrap_or_default()
    }

    fn is_up(&self, name: IfName) -> bool {
        self.state.config.links.get(&name).is_some_and(|config| config.up)
    }

    /// One link, with its last newline.
    pub(super) fn print(&self, page: &mut Page, link: Link<'a>) {
        if self.manner.brief {
            return self.print_brief(page, link);
        }
        let (config, d) = (link.config, link.derived);
        page.say("ifindex", d.ifindex, format_args!("{}: ", d.ifindex));
        let down = self.name(page, link, |name| format!("{name}: "));
        flags::print(page, link.config, link.derived, &self.traits(link), down);
        page.say("mtu", d.mtu, format_args!("mtu {} ", d.mtu));
        page.say("qdisc", &d.qdisc, format_args!("qdisc {} ", d.qdisc));
        if let Some(master) = config.master {
            page.say("master", master.as_str(), format_args!("master {master} "));
        }
        page.text("state ");
        page.paint(state_colour(d.operstate), "operstate", d.operstate.word(), format_args!("{} ", d.operstate.word()));
        if self.manner.link_only {
            page.say("linkmode", "DEFAULT", format_args!("mode DEFAULT "));
        }
        let (traits, group) = (self.traits(link), names::group_word(self.traits(link).group));
        page.say("group", &group, format_args!("group {group} "));
        if traits.txqueuelen != 0 {
            // The tool reads it as a signed number.
            let length = traits.txqueuelen.cast_signed();
            page.say("txqlen", Value::Signed(length.into()), format_args!("qlen {length}"));
        }
        if matches!(self.manner.family, Family::Unspec | Family::Packet) || self.manner.details {
            hardware(page, link);
        }
        if let Other::There(_, netns) = self.other(link) {
            self.netns_of(page, netns);
        }
        if self.manner.details {
            self.details(page, link);
        }
        if let (Some(alias), true) = (&traits.alias, self.manner.link_only || self.manner.details) {
            page.nl();
            page.text("    ");
            page.say("ifalias", alias, format_args!("alias {alias}"));
        }
        if self.manner.link_only && self.manner.stats > 0 {
            page.nl();
            self.counters(page, link);
        }
        if !traits.altnames.is_empty() {
            page.open_array("altnames");
            for altname in &traits.altnames {
                page.nl();
                page.item(altname, format_args!("    altname {altname}"));
            }
            page.close_array();
        }
        page.text("\n");
    }

    fn print_brief(&self, page: &mut Page, link: Link<'a>) {
        let d = link.derived;
        let down = self.name(page, link, |name| format!("{name:<16} "));
        page.paint(
            state_colour(d.operstate),
            "operstate",
            d.operstate.word(),
            format_args!("{:<14} ", d.operstate.word()),
        );
        if self.manner.family == Family::Packet {
            if link.config.kind.has_mac() {
                let mac = d.mac.to_string();
                page.paint(Colour::Mac, "address", &mac, format_args!("{mac} "));
            }
            flags::print(page, link.config, link.derived, &self.traits(link), down);
            page.text("\n");
        }
    }

    /// The two tables of a link's counters; the last newline is the caller's.
    pub(super) fn counters(&self, page: &mut Page, link: Link<'_>) {
        let stats = self.state.volatile.stats.get(&link.name).copied().unwrap_or_default();
        let carriers = self.state.volatile.carriers.get(&link.name).copied().unwrap_or_default();
        let changes = (self.manner.stats > 1).then(|| carriers.ups.wrapping_add(carriers.downs));
        counters(page, &stats, changes, self.manner.human);
    }

    /// The name with the other end's; says whether that one is down, here.
    fn name(&self, page: &mut Page, link: Link<'a>, shape: impl Fn(&str) -> String) -> bool {
        let (mut shown, mut down) = (link.name.to_string(), false);
        match self.other(link) {
            Other::None => {}
            Other::Here(name) => {
                page.field("link", name.as_str());
                shown = format!("{shown}@{name}");
                down = !self.is_up(name);
            }
            Other::There(index, _) => {
                page.field("link_index", index);
                shown = format!("{shown}@if{index}");
            }
        }
        page.paint(Colour::Ifname, "ifname", link.name.as_str(), format_args!("{}", shape(&shown)));
        down
    }

    fn netns_of(&self, page: &mut Page, netns: Option<&NetnsName>) {
        let number = netns.and_then(|netns| self.nsids.get(netns));
        match (netns, number) {
            (_, Some(number)) if page.is_json() => page.field("link_netnsid", *number),
            // A number that is none is -1.
            (_, None) if page.is_json() => page.field("link_netnsid", Value::Signed(-1)),
            (Some(netns), _) if netns.is_named() => page.text(format_args!(" link-netns {}", netns.file())),
            (_, Some(number)) => page.text(format_args!(" link-netnsid {number}")),
            (_, None) => page.text(" link-netnsid unknown"),
        }
    }

    fn has_port(&self, bridge: Link<'_>) -> bool {
        self.state.config.links.values().any(|link| link.master == Some(bridge.name))
    }

    /// Whether what sits on a link has another MAC than it: then it takes whatever comes (`__dev_set_rx_mode`).
    fn is_watched(&self, link: Link<'_>) -> bool {
        self.state.config.links.iter().filter(|(_, upper)| upper.up).any(|(name, upper)| {
            let is_on = |kind: &Virtual| kind.lower().is_some_and(|(n, lower)| n == self.netns && *lower == link.name);
            let mac = self.state.derived.links.get(name).map(|derived| derived.mac);
            match &upper.kind {
                LinkKind::Virtual(kind @ Virtual::Macvlan(_)) => is_on(kind),
                LinkKind::Virtual(kind @ Virtual::Vlan(_)) => is_on(kind) && mac != Some(link.derived.mac),
                _ => false,
            }
        })
    }

    /// The largest packet that it takes to cut itself, bytes (`tso_max_size`).
    fn tso_limit(&self, link: Link<'a>) -> u32 {
        const PLAIN: u32 = 65536;
        const LARGE: u32 = 524_280;
        match &link.config.kind {
            // Without a port it has the limit of a plain device; with one, and after it, its own.
            LinkKind::Bridge if link.derived.mac != Mac::ZERO && !self.has_port(link) => PLAIN,
            LinkKind::Virtual(Virtual::Dummy | Virtual::Vrf { .. } | Virtual::Tun(_)) => PLAIN,
            LinkKind::Virtual(Virtual::Vxlan(of)) if of.dev.is_none() => PLAIN,
            LinkKind::Virtual(Virtual::Bond(_)) => {
                let slaves = self.links().into_iter().filter(|slave| slave.config.master == Some(link.name));
                slaves.map(|slave| self.tso_limit(slave)).min().unwrap_or(PLAIN)
            }
            _ => LARGE,
        }
    }

    fn details(&self, page: &mut Page, link: Link<'a>) {
        let is_port = u32::from(link.config.port.is_some());
        let traits = self.traits(link);
        let others = u32::from(self.is_watched(link));
        let promisc = is_port + u32::from(traits.promisc) + others;
        let allmulti = is_port + u32::from(traits.allmulti);
        page.say("promiscuity", promisc, format_args!(" promiscuity {promisc} "));
        page.say("allmulti", allmulti, format_args!(" allmulti {allmulti} "));
        let (min, max) = link.config.kind.mtu_limits();
        page.say("min_mtu", min, format_args!("minmtu {min} "));
        page.say("max_mtu", max, format_args!("maxmtu {max} "));
        if link.config.kind != LinkKind::Loopback {
            let master = link.config.master.and_then(|master| self.state.config.links.get(&master));
            let master = master.map(|master| &master.kind);
            bridge_print::kind(page, link, self.bridges, master, self.accounts);
        }
        // With less than IPv6 needs there is none of it.
        if self.manner.link_only && link.derived.mtu >= 1280 {
            page.say("inet6_addr_gen_mode", "eui64", format_args!("addrgenmode eui64 "));
        }
        let tso = self.tso_limit(link);
        // A veth has a queue for each processor, here one.
        let queues = match &link.config.kind {
            LinkKind::Virtual(Virtual::Tun(tun)) if tun.multi_queue => 256u32,
            LinkKind::Virtual(Virtual::Bond(_)) => 16,
            _ => 1,
        };
        for (key, text, value) in [
            ("num_tx_queues", "numtxqueues", queues),
            ("num_rx_queues", "numrxqueues", queues),
            ("gso_max_size", "gso_max_size", 65536),
            ("gso_max_segs", "gso_max_segs", 65535),
            ("tso_max_size", "tso_max_size", tso),
            ("tso_max_segs", "tso_max_segs", 65535),
            ("gro_max_size", "gro_max_size", 65536),
        ] {
            page.say(key, value, format_args!("{text} {value} "));
        }
    }
}

fn state_colour(state: OperState) -> Colour {
    match state {
        OperState::Up => Colour::Up,
        OperState::Down => Colour::Down,
        _ => Colour::None,
    }
}

fn hardware(page: &mut Page, link: Link<'_>) {
    let (kind, broadcast) = match link.config.kind {
        LinkKind::Loopback => ("loopback", Mac::ZERO),
        _ if !link.config.kind.has_mac() => {
            page.nl();
            return page.say("link_type", "none", format_args!("    link/none "));
        }
        _ => ("ether", Mac::BROADCAST),
    };
    page.nl();
    page.say("link_type", kind, format_args!("    link/{kind} "));
    let mac = link.derived.mac.to_string();
    page.paint(Colour::Mac, "address", &mac, format_args!("{mac}"));
    page.text(" brd ");
    let broadcast = broadcast.to_string();
    page.paint(Colour::Mac, "broadcast", &broadcast, format_args!("{broadcast}"));
}

/// The two tables of `-s`, and with `changes` of the carrier the two of errors one by one; errors, missed, multicast, carrier
/// and collisions do not occur here.
fn counters(page: &mut Page, s: &LinkStats, changes: Option<u32>, human: Option<u64>) {
    if page.is_json() {
        page.open_object("stats64");
        page.open_object("rx");
        for (key, value) in [("bytes", s.rx_bytes), ("packets", s.rx_packets), ("errors", 0), ("dropped", s.rx_dropped)]
        {
            page.field(key, value);
        }
        page.field("over_errors", 0u32);
        page.field("multicast", 0u32);
        if changes.is_some() {
            for kind in ["length", "crc", "frame", "fifo", "missed"] {
                page.field(&format!("{kind}_errors"), 0u32);
            }
        }
        page.close_object();
        page.open_object("tx");
        for (key, value) in [("bytes", s.tx_bytes), ("packets", s.tx_packets), ("errors", 0), ("dropped", s.tx_dropped)]
        {
            page.field(key, value);
        }
        page.field("carrier_errors", 0u32);
        page.field("collisions", 0u32);
        if let Some(changes) = changes {
            for kind in ["aborted", "fifo", "window", "heartbeat"] {
                page.field(&format!("{kind}_errors"), 0u32);
            }
            page.field("carrier_changes", changes);
        }
        page.close_object();
        page.close_object();
        return;
    }
    let digits = |a: u64, b: u64, least: usize| match human {
        Some(_) => least,
        None => a.max(b).to_string().len().max(least),
    };
    let widths = [
        digits(s.rx_bytes, s.tx_bytes, 10),
        digits(s.rx_packets, s.tx_packets, 7),
        6,
        digits(s.rx_dropped, s.tx_dropped, 7),
        7,
        7,
    ];
    let tables = [
        (
            "RX",
            ["bytes", "packets", "errors", "dropped", "missed", "mcast"],
            [s.rx_bytes, s.rx_packets, 0, s.rx_dropped, 0, 0],
        ),
        (
            "TX",
            ["bytes", "packets", "errors", "dropped", "carrier", "collsns"],
            [s.tx_bytes, s.tx_packets, 0, s.tx_dropped, 0, 0],
        ),
    ];
    for (i, (name, titles, values)) in tables.into_iter().enumerate() {
        if i > 0 {
            page.nl();
        }
        page.text(format_args!("    {name}:"));
        for (column, (title, width)) in titles.into_iter().zip(widths).enumerate() {
            // The first column has its table's name in front.
            let width = if column == 0 { width - 4 } else { width };
            page.text(format_args!(" {title:>width$}"));
        }
        page.text(format_args!(" {:10}", ""));
        page.nl();
        page.text("    ");
        for (value, width) in values.into_iter().zip(widths) {
            page.text(format_args!("{:>width$} ", number(value, human)));
        }
        if let Some(changes) = changes {
            let (titles, last) = match i {
                0 => (["length", "crc", "frame", "fifo", "overrun"], 0),
                _ => (["aborted", "fifo", "window", "heartbt", "transns"], changes),
            };
            errors(page, name, &widths, titles, last, human);
        }
    }
}

/// A table of errors: none but the last occurs here.
fn errors(page: &mut Page, name: &str, widths: &[usize; 6], titles: [&str; 5], last: u32, human: Option<u64>) {
    page.nl();
    page.text(format_args!("    {name} errors:{:1$}", "", widths[0] - 10));
    for (title, width) in titles.iter().zip(&widths[1..]) {
        page.text(format_args!(" {title:>width$}"));
    }
    page.nl();
    page.text(format_args!("{:1$}", "", widths[0] + 5));
    for (value, width) in [0, 0, 0, 0, last].into_iter().zip(&widths[1..]) {
        page.text(format_args!("{:>width$} ", number(value.into(), human)));
    }
}

/// A counter, with a unit where it has one (`print_num`).
fn number(count: u64, human: Option<u64>) -> String {
    let Some(base) = human.filter(|base| count >= *base) else { return count.to_string() };
    let (mut unit, mut power) = (0, base);
    const UNITS: [char; 6] = ['k', 'M', 'G', 'T', 'P', 'E'];
    while count / base >= power && unit + 1 < UNITS.len() {
        (unit, power) = (unit + 1, power * base);
    }
    let precision = match count / power {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let i = if base == 1024 { "i" } else { "" };
    // Counters are far below 2^53 but for rounding that nobody sees.
    format!("{:.precision$}{}{i}", count as f64 / power as f64, UNITS[unit])
}
