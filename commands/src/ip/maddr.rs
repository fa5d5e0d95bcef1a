//! `ip maddress`: groups that links have joined.
//!
//! Counterpart: `ip/ipmaddr.c`. IPv6's groups are those of a link that does not speak it. Deliberately absent: addresses of
//! other lengths than Ethernet's.

use super::{DONE, Ip, Ran, help, unknown};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, duparg2, matches};
use crate::iproute::inet::{self, Family};
use crate::iproute::page::Colour;
use nettwin_model::groups::LinkGroups;
use nettwin_model::{Answer, Fault, IfName, Mac, NetnsState, Op, Query};
use std::net::{IpAddr, Ipv6Addr};

/// Runs `ip maddress …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return show(ip, words) };
    match command {
        w if matches(w, "add") => modify(ip, words, true),
        w if matches(w, "delete") => modify(ip, words, false),
        w if matches(w, "list") || matches(w, "show") || matches(w, "lst") => show(ip, words),
        w if matches(w, "help") => Err(usage()),
        w => Err(unknown(w, "maddr")),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::MADDR)
}

fn modify(ip: &mut Ip<'_, '_>, mut words: Words<'_>, present: bool) -> Ran {
    let (mut dev, mut mac) = (None, Mac::ZERO);
    while let Some(word) = words.next() {
        if word == "dev" {
            let value = words.value()?;
            if dev.replace(value).is_some() {
                return Err(duparg("dev", value));
            }
            continue;
        }
        let value = if matches(word, "address") { words.value()? } else { word };
        if matches(value, "help") {
            return Err(usage());
        }
        if mac.0[0] != 0 {
            return Err(duparg("address", value));
        }
        mac = inet::mac(value)?
            .map_err(|length| Stop::exit(1, format!("Error: Invalid address length {length} - must be 6 bytes\n")))?;
    }
    let Some(dev) = dev else {
        return Err(Stop::exit(MINUS_ONE, "Not enough information: \"dev\" is required.\n"));
    };
    let failed = |text: String| Stop::exit(1, format!("ioctl: {text}\n"));
    let Some((dev, _)) = ip.kernel.link(dev)? else {
        return Err(failed(nettwin_model::Errno::ENODEV.to_string()));
    };
    let netns = ip.kernel.netns.clone();
    match crate::say::execute(ip.kernel.cx, Op::SetMaddr { netns, dev, mac, present }) {
        Ok(()) => DONE,
        Err(Fault::Refused { errno, .. }) => Err(failed(errno.to_string())),
        Err(fault) => Err(crate::iproute::kernel::refusal(&fault)),
    }
}

/// A line about a group.
enum Line {
    Link { mac: Mac, users: u32, by_hand: bool },
    Inet { group: IpAddr, users: u32 },
}

fn show(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let mut dev = None;
    while let Some(word) = words.next() {
        let value = match word {
            "dev" => words.value()?,
            w if matches(w, "help") => return Err(usage()),
            w => w,
        };
        if dev.replace(value).is_some() {
            return Err(duparg2("dev", value));
        }
    }
    let state = ip.kernel.state()?;
    let query = Query::Groups(ip.kernel.netns.clone());
    let Ok(Answer::Groups(all)) = ip.kernel.cx.machine.query(&query) else { return DONE };
    let (family, oneline) = (ip.family, ip.options.style.oneline);
    let mut page = ip.page();
    page.open();
    for of in all.iter().filter(|of| dev.is_none_or(|dev| dev == of.dev.as_str())) {
        let lines = lines(&state, of, family);
        for (nth, line) in lines.iter().enumerate() {
            if nth == 0 || oneline {
                if nth > 0 {
                    page.close_array();
                    page.close_object();
                }
                page.open_object("");
                page.say("ifindex", of.ifindex, format_args!("{}:", of.ifindex));
                page.text("\t");
                page.paint(Colour::Ifname, "ifname", of.dev.as_str(), format_args!("{}", of.dev));
                page.nl();
                page.open_array("maddr");
            }
            print(&mut page, line);
        }
        if !lines.is_empty() {
            page.close_array();
            page.close_object();
        }
    }
    page.close();
    ip.print(page);
    DONE
}

fn print(page: &mut crate::iproute::page::Page, line: &Line) {
    page.text("\t");
    page.open_object("");
    let (users, by_hand) = match line {
        Line::Link { mac, users, by_hand } => {
            let mac = mac.to_string();
            page.say("link", &mac, format_args!("link  {mac}"));
            (*users, *by_hand)
        }
        Line::Inet { group, users } => {
            let family = if group.is_ipv4() { "inet" } else { "inet6" };
            page.say("family", family, format_args!("{family:<5} "));
            let group = (group.to_string(), Colour::of(*group));
            page.paint(group.1, "address", &group.0, format_args!("{}", group.0));
            (*users, false)
        }
    };
    if users != 1 {
        page.say("users", users, format_args!(" users {users}"));
    }
    if by_hand {
        page.say("features", "static", format_args!(" static"));
    }
    page.text("\n");
    page.close_object();
}

fn lines(state: &NetnsState, of: &LinkGroups, family: Family) -> Vec<Line> {
    let mut lines = Vec::new();
    let v6 = groups_v6(state, of.dev);
    if matches!(family, Family::Unspec | Family::Packet) {
        let has_macs =
            of.dev != IfName::lo() && state.config.links.get(&of.dev).is_some_and(|link| link.kind.has_mac());
        let first = (!v6.is_empty() && has_macs).then_some(Line::Link {
            mac: Mac([0x33, 0x33, 0, 0, 0, 1]),
            users: 1,
            by_hand: false,
        });
        lines.extend(first);
        lines.extend(of.macs.iter().map(|m| Line::Link { mac: m.mac, users: m.users, by_hand: m.by_hand }));
    }
    if matches!(family, Family::Unspec | Family::Inet) {
        lines.extend(of.groups.iter().map(|g| Line::Inet { group: g.group.into(), users: g.users }));
    }
    if matches!(family, Family::Unspec | Family::Inet6) {
        lines.extend(v6.into_iter().map(|group| Line::Inet { group: group.into(), users: 1 }));
    }
    lines
}

/// IPv6's groups of a link that could speak it (`ipv6_add_dev`): all nodes of the link, and of the interface.
pub(crate) fn groups_v6(state: &NetnsState, dev: IfName) -> Vec<Ipv6Addr> {
    const LEAST_MTU: u32 = 1280;
    let speaks = state.derived.links.get(&dev).is_some_and(|link| link.mtu >= LEAST_MTU);
    if speaks {
        vec![Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1)]
    } else {
        vec![]
    }
}
