//! `bridge fdb`.
//!
//! Counterpart: `bridge/fdb.c`, and the order of the kernel's `rtnl_fdb_dump()` and `br_fdb_dump()`. The multicast filters that
//! every device has by itself are told from its state. Deliberately absent, and refused by name: unicast filters of a
//! device (`self` on anything but a bridge or a VXLAN device), `src_vni` and nexthop objects, `flush`, times of use (`-s`).

use super::{Bridge, by_index, failed, help, named, refusal, unknown_command, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, duparg2, invarg, matches, u16, unsigned};
use crate::iproute::inet::{self, Family};
use crate::iproute::page::{Colour, Page};
use crate::number::{atoi, strtol_rest};
use crate::say;
use nettwin_model::bridge::BridgeStatus;
use nettwin_model::vlan::VID_END;
use nettwin_model::vxlan::Remote;
use nettwin_model::{Errno, Fault, FdbEntry, FdbKind, IfName, LinkKind, Mac, NetnsState, Nud, Op, Virtual};
use std::net::IpAddr;

pub(super) fn run(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(bridge, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => change(bridge, words, Verb::Add),
        _ if is("append") => change(bridge, words, Verb::Append),
        _ if is("replace") => change(bridge, words, Verb::Replace),
        _ if is("delete") => change(bridge, words, Verb::Delete),
        _ if is("get") => get(bridge, words),
        _ if is("show") || is("lst") || is("list") => show(bridge, words),
        _ if is("flush") => Err(unsupported("fdb flush")),
        _ if is("help") => Err(usage()),
        _ => Err(unknown_command("fdb", word)),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::FDB)
}

/// One row of the dump.
struct Row {
    mac: Mac,
    dev: IfName,
    /// The bridge, unless the entry is the device's own filter.
    master: Option<IfName>,
    remote: Option<Remote>,
    sticky: bool,
    vlan: u16,
    state: Nud,
}

impl Row {
    /// Its `NUD_*` bits, of which a VXLAN device's entry has several.
    fn bits(&self) -> u16 {
        match (self.remote, self.state) {
            (Some(_), Nud::Permanent) => Nud::Permanent.bit() | Nud::Noarp.bit(),
            (Some(_), Nud::Noarp) => Nud::Noarp.bit() | Nud::Reachable.bit(),
            _ => self.state.bit(),
        }
    }
}

/// What of the dump is wanted.
#[derive(Default)]
struct Filter {
    bridge: Option<IfName>,
    dev: Option<IfName>,
    /// `NUD_*` bits; 0 is all.
    states: u16,
    dynamic: bool,
    /// 0 is all.
    vlan: i32,
}

fn show(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let (mut filter, mut dev, mut br, mut vlan) = (Filter::default(), None, None, None);
    while let Some(word) = words.next() {
        match word {
            "brport" | "dev" => dev = Some(words.value()?),
            "br" => br = Some(words.value()?),
            "vlan" => {
                let id = words.value()?;
                if vlan.replace(atoi(id)).is_some_and(|before| before != 0) {
                    return Err(duparg("vlan", id));
                }
            }
            "state" => {
                let word = words.value()?;
                filter.states |= states(word).ok_or_else(|| invarg("invalid state", word))?;
            }
            "dynamic" => filter.dynamic = true,
            _ if matches(word, "help") => return Err(usage()),
            _ => {}
        }
    }
    if bridge.stats {
        return Err(unsupported("-s"));
    }
    let state = bridge.state()?;
    if let Some(word) = br {
        let found = named(&state, word).ok_or_else(|| failed(format!("Cannot find bridge device \"{word}\"\n")))?;
        filter.bridge = Some(found);
    }
    if let Some(word) = dev {
        filter.dev = Some(named(&state, word).ok_or_else(|| failed(format!("Cannot find device \"{word}\"\n")))?);
    }
    let mut page = bridge.page();
    page.open();
    filter.vlan = vlan.unwrap_or(0);
    for row in rows(bridge, &state)?.iter().filter(|row| filter.wants(&state, row)) {
        print(&mut page, row, filter.dev.is_none());
    }
    page.close();
    bridge.cx.print(&page.into_text());
    Ok(())
}

/// `state_a2n`.
fn states(word: &str) -> Option<u16> {
    match word {
        "permanent" => Some(Nud::Permanent.bit()),
        "static" | "temp" => Some(Nud::Noarp.bit()),
        "stale" => Some(Nud::Stale.bit()),
        "reachable" | "dynamic" => Some(Nud::Reachable.bit()),
        "all" => Some(u16::MAX),
        _ => match strtol_rest(word, 0) {
            Some((bits, "")) => u16::try_from(bits).ok(),
            _ => None,
        },
    }
}

impl Filter {
    fn wants(&self, state: &NetnsState, row: &Row) -> bool {
        let of_bridge = |br| row.dev == br || state.config.links.get(&row.dev).is_some_and(|l| l.master == Some(br));
        self.dev.is_none_or(|dev| row.dev == dev)
            && self.bridge.is_none_or(of_bridge)
            && (self.states == 0 || row.bits() & self.states != 0)
            && !(self.dynamic && row.state == Nud::Permanent)
            && (self.vlan == 0 || self.vlan == i32::from(row.vlan))
    }
}

/// All rows: devices by index; a port's entries before its own filters, a bridge's own filters before its entries.
fn rows(bridge: &mut Bridge<'_, '_>, state: &NetnsState) -> Result<Vec<Row>, Stop> {
    let mut rows = Vec::new();
    for dev in by_index(state) {
        let config = &state.config.links[&dev];
        if let Some(master) = config.master.filter(|_| config.port.is_some()) {
            entries(bridge, state, master, dev, &mut rows)?;
        }
        // A VXLAN device tells of its entries and not of its filters.
        let own = if is_vxlan(state, dev) { Vec::new() } else { filters(state, dev) };
        rows.extend(own.into_iter().map(|mac| Row {
            mac,
            dev,
            master: None,
            remote: None,
            sticky: false,
            vlan: 0,
            state: Nud::Permanent,
        }));
        if config.kind == LinkKind::Bridge || is_vxlan(state, dev) {
            entries(bridge, state, dev, dev, &mut rows)?;
        }
    }
    Ok(rows)
}

/// The entries of bridge `master` at `dev`, newest first.
fn entries(
    bridge: &mut Bridge<'_, '_>,
    state: &NetnsState,
    master: IfName,
    dev: IfName,
    rows: &mut Vec<Row>,
) -> Result<(), Stop> {
    let status = say::bridge(bridge.cx, &bridge.netns, master).map_err(|fault| refusal(&fault))?;
    let hold = if is_vxlan(state, master) { u32::MAX } else { hold(state, master, &status) };
    let here = status.fdb.into_iter().filter(|aged| aged.entry.dev == dev);
    rows.extend(here.map(|aged| Row {
        mac: aged.entry.mac,
        dev,
        // A VXLAN device keeps its own.
        master: Some(master).filter(|_| aged.entry.remote.is_none()),
        remote: aged.entry.remote,
        sticky: aged.entry.sticky,
        vlan: aged.entry.vlan,
        state: match aged.entry.kind {
            FdbKind::Permanent => Nud::Permanent,
            FdbKind::Static => Nud::Noarp,
            FdbKind::Learned if aged.age >= hold => Nud::Stale,
            FdbKind::Learned => Nud::Reachable,
        },
    }));
    Ok(())
}

fn is_vxlan(state: &NetnsState, dev: IfName) -> bool {
    matches!(state.config.links.get(&dev).map(|link| &link.kind), Some(LinkKind::Virtual(Virtual::Vxlan(_))))
}

/// How long an entry is held (`hold_time`).
fn hold(state: &NetnsState, bridge: IfName, status: &BridgeStatus) -> u32 {
    let attrs = state.config.links.get(&bridge).and_then(|link| link.bridge.clone()).unwrap_or_default();
    let time = if status.topology_change { attrs.forward_delay } else { attrs.ageing_time };
    time.unwrap_or(u32::MAX)
}

/// The multicast addresses that a device listens to by itself: all IPv6 hosts from its birth; while it is up all IPv4
/// hosts, and on a snooping bridge before that all snoopers.
fn filters(state: &NetnsState, dev: IfName) -> Vec<Mac> {
    const ALL_HOSTS6: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);
    const ALL_SNOOPERS6: Mac = Mac([0x33, 0x33, 0, 0, 0, 0x6a]);
    const ALL_HOSTS: Mac = Mac([1, 0, 0x5e, 0, 0, 1]);
    const ALL_SNOOPERS: Mac = Mac([1, 0, 0x5e, 0, 0, 0x6a]);
    let Some(link) = state.config.links.get(&dev).filter(|link| link.kind != LinkKind::Loopback) else {
        return Vec::new();
    };
    let snoops = link.bridge.as_ref().is_some_and(|attrs| attrs.mcast_snooping != Some(false));
    match (link.up, snoops) {
        (false, _) => vec![ALL_HOSTS6],
        (true, false) => vec![ALL_HOSTS6, ALL_HOSTS],
        (true, true) => vec![ALL_HOSTS6, ALL_SNOOPERS, ALL_SNOOPERS6, ALL_HOSTS],
    }
}

fn print(page: &mut Page, row: &Row, with_dev: bool) {
    page.open_object("");
    let mac = row.mac.to_string();
    page.paint(Colour::Mac, "mac", &mac, format_args!("{mac}"));
    page.text(" ");
    if with_dev {
        page.text("dev ");
        page.paint(Colour::Ifname, "ifname", row.dev.as_str(), format_args!("{} ", row.dev));
    }
    if row.vlan != 0 {
        page.say("vlan", row.vlan, format_args!("vlan {} ", row.vlan));
    }
    if let Some(remote) = row.remote {
        let dst = remote.dst.to_string();
        page.paint(Colour::Inet, "dst", &dst, format_args!("dst {dst} "));
        if let Some(port) = remote.port {
            page.say("port", port, format_args!("port {port} "));
        }
        if let Some(vni) = remote.vni {
            page.say("vni", vni, format_args!("vni {vni} "));
        }
        if let Some(via) = remote.via {
            page.say("viaIf", via.as_str(), format_args!("via {via} "));
        }
    }
    page.open_array("flags");
    if row.master.is_none() {
        page.item("self", format_args!("self "));
    }
    if row.sticky {
        page.item("sticky", format_args!("sticky "));
    }
    page.close_array();
    if let Some(master) = row.master {
        page.say("master", master.as_str(), format_args!("master {master} "));
    }
    let state = match row.state {
        Nud::Permanent => "permanent",
        Nud::Noarp => "static",
        Nud::Stale => "stale",
        _ => "",
    };
    page.say("state", state, format_args!("{state}"));
    page.text("\n");
    page.close_object();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Append,
    Replace,
    Delete,
}

fn change(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>, verb: Verb) -> Result<(), Stop> {
    let (mut dev, mut addr, mut vlan) = (None, None, None);
    let (mut own, mut master, mut sticky) = (false, false, false);
    let (mut dst, mut port, mut vni, mut via) = (None, None, None, None);
    // As the tool collects them: the last word for a learned one undoes a static one.
    let (mut permanent, mut noarp, mut reachable) = (false, false, false);
    while let Some(word) = words.next() {
        let is = |full: &str| matches(word, full);
        match word {
            "dev" => dev = Some(words.value()?),
            "dst" => {
                let value = words.value()?;
                if dst.is_some() {
                    return Err(duparg2("dst", value));
                }
                dst = match inet::address(value, Family::Unspec)? {
                    IpAddr::V4(addr) => Some(addr),
                    IpAddr::V6(_) => return Err(unsupported(value)),
                };
            }
            "port" => {
                let value = words.value()?;
                port = Some(u16(value).ok_or_else(|| invarg("invalid port\n", value))?);
            }
            "vni" => {
                let value = words.value()?;
                let number = unsigned(value).filter(|vni| *vni < 1 << 24);
                vni = Some(number.ok_or_else(|| invarg("invalid VNI\n", value))?);
            }
            "via" => via = Some(words.value()?),
            "nhid" | "src_vni" => return Err(unsupported(word)),
            "self" => own = true,
            _ if is("master") => master = true,
            _ if is("router") => return Err(unsupported(word)),
            _ if is("local") || is("permanent") => permanent = true,
            _ if is("temp") || is("static") => (noarp, reachable) = (true, true),
            _ if is("dynamic") => (noarp, reachable) = (false, true),
            _ if is("vlan") => {
                if vlan.is_some() {
                    return Err(duparg2("vlan", word));
                }
                vlan = Some(atoi(words.value()?));
            }
            _ if is("use") || is("extern_learn") => return Err(unsupported(word)),
            _ if is("sticky") => sticky = true,
            _ => {
                let word = if word == "to" { words.value()? } else { word };
                if matches(word, "help") {
                    return Err(usage());
                }
                if addr.replace(word).is_some() {
                    return Err(duparg2("to", word));
                }
            }
        }
    }
    let (Some(dev), Some(addr)) = (dev, addr) else {
        return Err(failed("Device and address are required arguments.\n"));
    };
    let mac = hardware_address(addr).ok_or_else(|| failed(format!("Invalid mac address {addr}\n")))?;
    let state = bridge.state()?;
    let dev = named(&state, dev).ok_or_else(|| failed(format!("Cannot find device \"{dev}\"\n")))?;
    let kind = match (permanent || !reachable, noarp) {
        (true, _) => FdbKind::Permanent,
        (false, true) => FdbKind::Static,
        (false, false) => FdbKind::Learned,
    };
    let link = &state.config.links[&dev];
    let is_bridge = link.kind == LinkKind::Bridge;
    let is_vxlan = is_vxlan(&state, dev);
    own |= !master;
    let at = match (link.master.filter(|_| link.port.is_some()), is_bridge) {
        (_, false) if own && is_vxlan => dev,
        // A device's own filters are another list.
        (_, false) if own => return Err(unsupported("self")),
        (Some(bridge), _) if master => bridge,
        (_, true) if own => dev,
        _ => return Err(refusal(&Fault::errno(Errno::EOPNOTSUPP))),
    };
    // The tool sends sixteen bits of what is more than 0 (and minus one for what was not said); the kernel looks at them.
    let vlan = vlan.filter(|id| *id >= 0).map_or(0, |id| id as u16);
    if vlan >= VID_END {
        return Err(failed("Error: invalid vlan id.\n"));
    }
    let via = match via {
        Some(word) => {
            Some(named(&state, word).ok_or_else(|| Stop::exit(MINUS_ONE, format!("Cannot find device \"{word}\"\n")))?)
        }
        None => None,
    };
    let remote = dst.filter(|_| is_vxlan && at == dev).map(|dst| Remote { dst, port, vni, via });
    if is_vxlan && at == dev && remote.is_none() && verb != Verb::Delete {
        return Err(refusal(&Fault::errno(Errno::EINVAL)));
    }
    if remote.is_none() && (dst.is_some() || port.is_some() || vni.is_some() || via.is_some()) {
        return Err(unsupported("a destination of a device that is no VXLAN"));
    }
    let entry = FdbEntry { bridge: at, dev, mac, kind, sticky, vlan, remote };
    if remote.is_some()
        && verb == Verb::Add
        && rows(bridge, &state)?.iter().any(|row| row.dev == dev && row.mac == mac && row.remote.is_some())
    {
        return Err(refusal(&Fault::errno(Errno::EEXIST)));
    }
    let netns = bridge.netns.clone();
    bridge.talk(match verb {
        Verb::Add => Op::AddFdb { netns, entry, replace: false },
        // What is appended to a bridge's takes the place of what was there.
        Verb::Append if remote.is_some() => Op::AddFdb { netns, entry, replace: false },
        Verb::Append | Verb::Replace => Op::AddFdb { netns, entry, replace: true },
        Verb::Delete => Op::DelFdb { netns, entry },
    })
}

/// Six numbers as `sscanf("%hhx:…")` takes them; what follows is left.
fn hardware_address(word: &str) -> Option<Mac> {
    let (mut rest, mut bytes) = (word, [0u8; 6]);
    for (i, byte) in bytes.iter_mut().enumerate() {
        if i > 0 {
            rest = rest.strip_prefix(':')?;
        }
        let (value, behind) = strtol_rest(rest, 16)?;
        // As many bits as the byte has.
        (*byte, rest) = ((value & 0xff) as u8, behind);
    }
    Some(Mac(bytes))
}

fn get(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let (mut br, mut dev, mut addr, mut vlan) = (None, None, None, None);
    let (mut own, mut master) = (false, false);
    while let Some(word) = words.next() {
        let is = |full: &str| matches(word, full);
        match word {
            "brport" | "dev" => dev = Some(words.value()?),
            "br" => br = Some(words.value()?),
            "vlan" => {
                if vlan.replace(atoi(words.value()?)).is_some() {
                    return Err(duparg2("vlan", word));
                }
            }
            "vni" => return Err(unsupported(word)),
            "self" => own = true,
            _ if is("master") => master = true,
            _ if is("dynamic") => {}
            _ => {
                let word = if word == "to" { words.value()? } else { word };
                if matches(word, "help") {
                    return Err(usage());
                }
                if addr.replace(word).is_some() {
                    return Err(duparg2("to", word));
                }
            }
        }
    }
    let (Some(addr), true) = (addr, dev.is_some() || br.is_some()) else {
        return Err(failed("Device or master and address are required arguments.\n"));
    };
    let state = bridge.state()?;
    let find = |word: Option<&str>, what: &str| match word {
        None => Ok(None),
        Some(word) => match named(&state, word) {
            Some(name) => Ok(Some(name)),
            None => Err(failed(format!("Cannot find {what} \"{word}\"\n"))),
        },
    };
    let (br, dev) = (find(br, "bridge device")?, find(dev, "device")?);
    let mac = hardware_address(addr).ok_or_else(|| failed(format!("Invalid mac address {addr}\n")))?;
    if own || dev.is_some() && !master && br.is_none() {
        return Err(unsupported("self"));
    }
    let at = br.or_else(|| state.config.links.get(&dev?)?.master);
    let at = at.filter(|name| state.config.links.get(name).is_some_and(|link| link.kind == LinkKind::Bridge));
    let Some(at) = at else { return Err(refusal(&Fault::errno(Errno::EOPNOTSUPP))) };
    let (all, vlan) = (rows(bridge, &state)?, vlan.unwrap_or(0));
    let Some(row) = all.iter().find(|row| row.mac == mac && row.master == Some(at) && i32::from(row.vlan) == vlan)
    else {
        return Err(Stop::back(254, "Error: Fdb entry not found.\n"));
    };
    let mut page = bridge.page();
    page.open();
    print(&mut page, row, true);
    page.close();
    bridge.cx.print(&page.into_text());
    Ok(())
}
