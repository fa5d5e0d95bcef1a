//! `ip link show`, `ip addr show` and `ip addr flush`: which links and addresses.
//!
//! Counterpart: `ipaddr_list_flush_or_save()` of `ip/ipaddress.c`. Where the kernel filters a dump, what does not fit is not there;
//! where only the tool does, JSON shows an empty object.

use super::link_print::{Link, Manner, Scene};
use super::{DONE, Ip, Ran, addr_print, help, nsids, vrf};
use crate::glob;
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg2, invarg, matches};
use crate::iproute::inet::{self, Family, Prefix};
use crate::iproute::kernel::Kernel;
use crate::iproute::names;
use crate::iproute::page::Page;
use crate::names::Accounts;
use nettwin_model::bridge::BridgeStatus;
use nettwin_model::{Address, Answer, Errno, Fault, IfName, NetnsState, Op, Query, Scope};
use std::collections::BTreeMap;

/// What is shown.
#[derive(Default)]
struct Filter<'a> {
    family: Family,
    prefix: Option<Prefix>,
    scope: Option<Scope>,
    up: bool,
    /// Flags that are compared, and how they must be.
    flag_mask: u32,
    flags: u32,
    label: Option<&'a str>,
    /// `Some(None)`: none.
    master: Option<Option<IfName>>,
    kind: Option<&'a str>,
    slave_kind: Option<&'a str>,
    dev: Option<IfName>,
    group: Option<u32>,
}

/// `IFA_F_*`.
const SECONDARY: u32 = 1;
const DEPRECATED: u32 = 0x20;
const PERMANENT: u32 = 0x80;
const NOPREFIXROUTE: u32 = 0x200;
const AUTOJOIN: u32 = 0x400;

/// The flags' names that can be asked for.
const FLAGS: &[(&str, u32)] = &[
    ("secondary", SECONDARY),
    ("temporary", SECONDARY),
    ("nodad", 2),
    ("optimistic", 4),
    ("dadfailed", 8),
    ("home", 0x10),
    ("deprecated", DEPRECATED),
    ("tentative", 0x40),
    ("permanent", PERMANENT),
    ("mngtmpaddr", 0x100),
    ("noprefixroute", NOPREFIXROUTE),
    ("autojoin", AUTOJOIN),
    ("stable-privacy", 0x800),
];

/// `ip link show …`.
pub(super) fn links(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    ip.family = Family::Packet;
    // In a batch this holds for `ip addr show`, too, from here on.
    ip.link_only = true;
    let manner = manner(ip);
    show(ip, words, manner)
}

/// `ip addr show …`.
pub(super) fn addrs(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let manner = manner(ip);
    show(ip, words, manner)
}

fn manner(ip: &Ip<'_, '_>) -> Manner {
    Manner {
        link_only: ip.link_only,
        brief: ip.options.brief,
        details: ip.options.details,
        stats: ip.options.stats,
        human: ip.options.human.then_some(if ip.options.iec { 1024 } else { 1000 }),
        family: Family::Unspec,
    }
}

fn parse<'a>(ip: &mut Ip<'_, '_>, mut words: Words<'a>, usage: &'static str) -> Result<Filter<'a>, Stop> {
    let mut filter = Filter { family: ip.family, ..Filter::default() };
    let mut dev = None;
    while let Some(word) = words.next() {
        match word {
            "to" => {
                let prefix = inet::prefix(words.value()?, filter.family)?;
                filter.family = filter.family.or(prefix.family);
                filter.prefix = Some(prefix);
            }
            "scope" => {
                let value = words.value()?;
                filter.scope = match names::scope(value) {
                    None if value == "all" => None,
                    None => return Err(invarg("invalid \"scope\"\n", value)),
                    scope => scope,
                };
            }
            "up" => filter.up = true,
            w if flag(w, &mut filter) => {}
            "label" => filter.label = Some(words.value()?),
            "group" => {
                let value = words.value()?;
                filter.group = Some(names::group(value).ok_or_else(|| invarg("Invalid \"group\" value\n", value))?);
            }
            "master" => {
                let value = words.value()?;
                let found = ip.kernel.link(value)?.ok_or_else(|| invarg("Device does not exist\n", value))?;
                filter.master = Some(Some(found.0));
            }
            "vrf" => filter.master = Some(Some(vrf::device(&mut ip.kernel, words.value()?)?)),
            "nomaster" => filter.master = Some(None),
            "type" => {
                let kind = words.value()?;
                match kind.strip_suffix("_slave") {
                    Some(slave) => filter.slave_kind = Some(slave),
                    None => filter.kind = Some(kind),
                }
            }
            word => {
                let value = match word {
                    "dev" => words.value()?,
                    w if matches(w, "help") => return Err(Stop::exit(MINUS_ONE, usage)),
                    w => w,
                };
                if dev.is_some() {
                    return Err(duparg2("dev", value));
                }
                dev = Some(value);
            }
        }
    }
    if let Some(name) = dev {
        let absent = || Stop::back(1, format!("Device \"{name}\" does not exist.\n"));
        filter.dev = Some(ip.kernel.link(name)?.ok_or_else(absent)?.0);
    }
    Ok(filter)
}

/// `[-]FLAG`; says whether it is one.
fn flag(word: &str, filter: &mut Filter<'_>) -> bool {
    let (mut inverted, name) = match word.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, word),
    };
    let name = match name {
        "dynamic" => "permanent",
        "primary" => "secondary",
        name => name,
    };
    inverted ^= matches!(word.trim_start_matches('-'), "dynamic" | "primary");
    let Some((_, mask)) = FLAGS.iter().find(|(known, _)| *known == name) else { return false };
    filter.flag_mask |= mask;
    filter.flags = if inverted { filter.flags & !mask } else { filter.flags | mask };
    true
}

impl Filter<'_> {
    /// Whether an address is shown, on a link that is.
    fn takes(&self, dev: IfName, addr: &Address) -> bool {
        let bits = [
            (SECONDARY, addr.secondary),
            (DEPRECATED, addr.deprecated),
            (PERMANENT, addr.valid_lft.is_none()),
            (NOPREFIXROUTE, addr.noprefixroute),
            (AUTOJOIN, addr.autojoin),
        ];
        let flags = bits.into_iter().filter(|(_, is_set)| *is_set).fold(0, |all, (bit, _)| all | bit);
        let label = addr.label.as_deref().unwrap_or(dev.as_str());
        self.family.takes(Family::of(addr.cidr.addr))
            && self.scope.is_none_or(|scope| scope == addr.scope)
            && (flags ^ self.flags) & self.flag_mask == 0
            && self.label.is_none_or(|pattern| glob::matches(pattern, label))
            && self.prefix.is_none_or(|prefix| prefix.admits(addr.cidr.addr))
    }

    /// Whether the kernel tells of a link at all.
    fn is_dumped(&self, link: Link<'_>) -> bool {
        let alone = self.dev.is_some();
        self.dev.is_none_or(|dev| dev == link.name)
            && (alone || self.master.is_none_or(|master| master == link.config.master))
            && (alone || self.kind.is_none_or(|kind| kind == kind_of(link)))
    }

    /// What the tool shows of a link that it was told of: nothing, its addresses only, or all.
    fn told(&self, link: Link<'_>, group: u32) -> Option<Told> {
        // What is enslaved and no port is a VRF's.
        let slave = match (link.config.master, &link.config.port) {
            (Some(_), Some(_)) => "bridge",
            (Some(_), None) => "vrf",
            (None, _) => "",
        };
        if self.up && !link.config.up {
            return None;
        }
        if self.label.is_some() {
            return Some(Told::Addresses);
        }
        let fits = self.group.is_none_or(|asked| asked == group)
            && self.master.flatten().is_none_or(|master| link.config.master == Some(master))
            && self.kind.is_none_or(|kind| kind == kind_of(link))
            && self.slave_kind.is_none_or(|kind| kind == slave);
        fits.then_some(Told::All)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Addresses,
    All,
}

/// `IFLA_INFO_KIND`, which `lo` has not.
fn kind_of<'a>(link: Link<'a>) -> &'a str {
    match &link.config.kind {
        nettwin_model::LinkKind::Loopback => "",
        kind => kind.word(),
    }
}

/// A link's addresses in the kernel's order.
fn addresses(link: Link<'_>) -> impl Iterator<Item = &Address> {
    link.derived.auto_addrs.iter().chain(&link.config.addrs)
}

fn show(ip: &mut Ip<'_, '_>, words: Words<'_>, manner: Manner) -> Ran {
    let usage = if manner.link_only { help::LINK } else { help::ADDR };
    let filter = parse(ip, words, usage)?;
    let manner = Manner { family: filter.family, ..manner };
    let (state, netns) = (ip.kernel.state()?, ip.kernel.netns.clone());
    let numbers = nsids(&mut ip.kernel, &netns)?;
    let bridges = if manner.details { bridges(&mut ip.kernel, &state)? } else { BTreeMap::new() };
    let accounts = if manner.details { Accounts::read(ip.kernel.cx) } else { Accounts::default() };
    let scene = Scene { accounts: &accounts, state: &state, netns: &netns, nsids: &numbers, bridges: &bridges, manner };
    let mut page = ip.page();
    let oneline = ip.options.style.oneline;
    let with_addrs = filter.family != Family::Packet && !(manner.link_only && filter.dev.is_some());
    page.open();
    for link in scene.links().into_iter().filter(|link| filter.is_dumped(*link)) {
        if with_addrs && !has_shown_address(&filter, link) {
            continue;
        }
        page.open_object("");
        // On one line each, addresses stand alone.
        let with_link = manner.brief || !with_addrs || !oneline;
        let told = if with_link { filter.told(link, scene.traits(link).group) } else { Some(Told::Addresses) };
        if told == Some(Told::All) {
            scene.print(&mut page, link);
        }
        if with_addrs && told.is_some() {
            page.open_array("addr_info");
            let index = oneline.then_some(link.derived.ifindex);
            for addr in addresses(link).filter(|addr| filter.family.takes(Family::of(addr.cidr.addr))) {
                if filter.up && !link.config.up {
                    continue;
                }
                page.open_object("");
                if filter.takes(link.name, addr) {
                    addr_print::print(&mut page, link.name, index, addr, manner.brief);
                }
                page.close_object();
            }
            page.close_array();
            if manner.brief {
                page.text("\n");
            }
        }
        if with_addrs && told == Some(Told::All) && manner.stats > 0 && !manner.brief && !manner.link_only {
            scene.counters(&mut page, link);
            page.nl();
        }
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

/// Whether a link is listed with addresses (`ipaddr_filter`).
fn has_shown_address(filter: &Filter<'_>, link: Link<'_>) -> bool {
    let mut all = addresses(link).peekable();
    match all.peek() {
        None => filter.family == Family::Unspec,
        Some(_) => all.any(|addr| filter.takes(link.name, addr)),
    }
}

/// Every bridge's moving parts.
fn bridges(kernel: &mut Kernel<'_, '_>, state: &NetnsState) -> Result<BTreeMap<IfName, BridgeStatus>, Stop> {
    let mut out = BTreeMap::new();
    for (name, _) in state.config.links.iter().filter(|(_, link)| link.bridge.is_some()) {
        let query = Query::Bridge { netns: kernel.netns.clone(), name: *name };
        match kernel.ask(&query)? {
            Answer::Bridge(status) => drop(out.insert(*name, *status)),
            _ => return Err(super::confused()),
        }
    }
    Ok(out)
}

/// `ip addr flush …`.
pub(super) fn flush(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    if words.peek().is_none() {
        return Err(Stop::back(1, "Flush requires arguments.\n"));
    }
    if ip.family == Family::Packet {
        return Err(Stop::back(1, "Cannot flush link addresses.\n"));
    }
    let filter = parse(ip, words, help::ADDR)?;
    let (mut round, mut page) = (0, ip.page());
    let said = ip.options.stats > 0;
    let primaries_only = filter.flag_mask & SECONDARY != 0 && filter.flags & SECONDARY == 0;
    loop {
        let doomed = flushed(ip, &filter)?;
        if doomed.is_empty() || round > 0 && primaries_only {
            break;
        }
        round += 1;
        let count = doomed.len();
        if ip.options.stats > 1 {
            print_doomed(ip, &mut page, &doomed)?;
        }
        for op in doomed {
            match crate::say::execute(ip.kernel.cx, op) {
                // It went with its primary.
                Ok(()) | Err(Fault::Refused { errno: Errno::EADDRNOTAVAIL, .. }) => {}
                Err(fault) => {
                    let errno = super::say_fault(ip.kernel.cx, &fault)?;
                    return Err(Stop::back(1, format!("Failed to send flush request: {errno}\n")));
                }
            }
        }
        if said {
            page.text(format_args!("\n*** Round {round}, deleting {count} addresses ***\n"));
        }
    }
    if said {
        match round {
            0 => page.text("Nothing to flush.\n"),
            1 => page.text("*** Flush is complete after 1 round ***\n"),
            n => page.text(format_args!("*** Flush is complete after {n} rounds ***\n")),
        }
    }
    ip.print(page);
    DONE
}

/// Shows what a flush takes away.
fn print_doomed(ip: &mut Ip<'_, '_>, page: &mut Page, doomed: &[Op]) -> Result<(), Stop> {
    let state = ip.kernel.state()?;
    for op in doomed {
        if let Op::DelAddr { dev, addr, .. } = op {
            let index = state.derived.links.get(dev).map(|link| link.ifindex);
            addr_print::print(page, *dev, index, addr, false);
        }
    }
    Ok(())
}

/// The addresses that a flush takes away.
fn flushed(ip: &mut Ip<'_, '_>, filter: &Filter<'_>) -> Result<Vec<Op>, Stop> {
    let (state, netns) = (ip.kernel.state()?, ip.kernel.netns.clone());
    let (nsids, bridges) = (BTreeMap::new(), BTreeMap::new());
    let accounts = Accounts::default();
    let scene = Scene {
        state: &state,
        netns: &netns,
        nsids: &nsids,
        bridges: &bridges,
        accounts: &accounts,
        manner: Manner::default(),
    };
    let mut ops = Vec::new();
    for link in scene.links().into_iter().filter(|link| filter.dev.is_none_or(|dev| dev == link.name)) {
        let doomed = addresses(link).filter(|addr| filter.takes(link.name, addr));
        ops.extend(doomed.map(|addr| Op::DelAddr { netns: netns.clone(), dev: link.name, addr: addr.clone() }));
    }
    Ok(ops)
}
