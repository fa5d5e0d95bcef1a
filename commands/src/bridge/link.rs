//! `bridge link`.
//!
//! Counterpart: `bridge/link.c`. Deliberately absent, and refused by name: multicast to unicast, VLAN tunnels,
//! backup ports, hardware modes.

use super::{Bridge, by_index, failed, help, named, unknown_command, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, matches, on_off};
use crate::iproute::flags;
use crate::iproute::page::{Colour, Page};
use crate::number::{atoi, strtol_rest};
use nettwin_model::snapshot::LinkConfig;
use nettwin_model::{IfName, NetnsState, Op, PortAttrs, PortState};

pub(super) fn run(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(bridge, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("set") => set(bridge, words),
        _ if is("show") || is("lst") || is("list") => show(bridge, words),
        _ if is("help") => Err(usage()),
        _ => Err(unknown_command("link", word)),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::LINK)
}

fn show(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let mut only = None;
    while let Some(word) = words.next() {
        if word == "dev" {
            only = Some(words.value()?);
        }
    }
    let state = bridge.state()?;
    let only = match only {
        None => None,
        Some(word) => Some(named(&state, word).ok_or_else(|| failed(format!("Cannot find device \"{word}\"\n")))?),
    };
    let mut page = bridge.page();
    page.open();
    for name in by_index(&state).into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        let config = &state.config.links[&name];
        if config.port.is_some() {
            one(&mut page, &state, name, config, bridge.details);
        }
    }
    page.close();
    bridge.cx.print(&page.into_text());
    Ok(())
}

fn one(page: &mut Page, state: &NetnsState, name: IfName, config: &LinkConfig, details: bool) {
    let Some(derived) = state.derived.links.get(&name) else { return };
    let attrs = config.port.clone().unwrap_or_default();
    page.open_object("");
    page.say("ifindex", derived.ifindex, format_args!("{}: ", derived.ifindex));
    let mut lower_down = false;
    // The kernel says nothing of an index like the device's own (`br_fill_ifinfo`).
    match derived.link_ifindex.filter(|index| *index != derived.ifindex) {
        Some(index) => {
            // Looked up here even if the other end is elsewhere.
            let other = state.derived.links.iter().find(|(_, other)| other.ifindex == index).map(|(other, _)| *other);
            lower_down = other.is_some_and(|other| !state.config.links[&other].up);
            let other = other.map_or_else(|| format!("if{index}"), |other| other.to_string());
            page.field("link", &other);
            page.paint(Colour::Ifname, "ifname", name.as_str(), format_args!("{name}@{other}: "));
        }
        None => page.paint(Colour::Ifname, "ifname", name.as_str(), format_args!("{name}: ")),
    }
    let traits = state.config.traits.get(&name).cloned().unwrap_or_default();
    flags::print(page, config, derived, &traits, lower_down);
    page.say("mtu", derived.mtu, format_args!("mtu {} ", derived.mtu));
    if let Some(master) = config.master {
        page.text("master ");
        page.paint(Colour::Ifname, "master", master.as_str(), format_args!("{master} "));
    }
    let port_state = derived.port.as_ref().map_or("disabled", |port| port.state.word());
    page.say("state", port_state, format_args!("state {port_state} "));
    let (priority, cost) = (attrs.priority.unwrap_or(0), attrs.cost.unwrap_or(0));
    page.say("priority", priority, format_args!("priority {priority} "));
    page.say("cost", cost, format_args!("cost {cost} "));
    if details {
        page.nl();
        page.text("    ");
        all_attrs(page, &attrs);
    }
    page.text("\n");
    page.close_object();
}

fn all_attrs(page: &mut Page, attrs: &PortAttrs) {
    let mut say = |key: &str, on: Option<bool>| {
        let on = on.unwrap_or(false);
        page.say(key, on, format_args!("{key} {} ", if on { "on" } else { "off" }));
    };
    say("hairpin", attrs.hairpin);
    say("guard", attrs.guard);
    say("root_block", attrs.root_block);
    say("fastleave", attrs.fastleave);
    say("learning", attrs.learning);
    say("flood", attrs.flood);
    say("mcast_flood", attrs.mcast_flood);
    say("bcast_flood", attrs.bcast_flood);
    let router = attrs.mcast_router.unwrap_or(1);
    page.say("mcast_router", router, format_args!("mcast_router {router} "));
    let mut say = |key: &str, on: Option<bool>| {
        let on = on.unwrap_or(false);
        page.say(key, on, format_args!("{key} {} ", if on { "on" } else { "off" }));
    };
    say("mcast_to_unicast", None);
    say("neigh_suppress", attrs.neigh_suppress);
    say("vlan_tunnel", None);
    say("isolated", attrs.isolated);
    say("locked", attrs.locked);
}

fn set(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let (mut dev, mut attrs, mut port_state) = (None, PortAttrs::default(), None);
    while let Some(word) = words.next() {
        let flag = match word {
            "guard" => &mut attrs.guard,
            "hairpin" => &mut attrs.hairpin,
            "fastleave" => &mut attrs.fastleave,
            "root_block" => &mut attrs.root_block,
            "learning" => &mut attrs.learning,
            "flood" => &mut attrs.flood,
            "mcast_flood" => &mut attrs.mcast_flood,
            "bcast_flood" => &mut attrs.bcast_flood,
            "neigh_suppress" => &mut attrs.neigh_suppress,
            "isolated" => &mut attrs.isolated,
            "locked" => &mut attrs.locked,
            "dev" => {
                dev = Some(words.value()?);
                continue;
            }
            "cost" => {
                // What is no number is 0, and 0 is not sent.
                attrs.cost = u32::try_from(atoi(words.value()?)).ok().filter(|cost| *cost > 0);
                continue;
            }
            "priority" => {
                attrs.priority = u16::try_from(atoi(words.value()?)).ok();
                continue;
            }
            "mcast_router" => {
                // What is no number is 0; sixteen bits less eight are cut.
                attrs.mcast_router = Some(atoi(words.value()?) as u8);
                continue;
            }
            "self" | "master" => continue,
            "state" => {
                port_state = state_number(words.value()?)?;
                continue;
            }
            "learning_sync" | "mcast_to_unicast" | "vlan_tunnel" | "hwmode" | "backup_port" | "nobackup_port" => {
                return Err(unsupported(word));
            }
            _ => return Err(usage()),
        };
        // -EINVAL as a status.
        *flag = Some(on_off(word, words.value()?).map_err(|text| Stop::back(234, text))?);
    }
    let Some(dev) = dev else { return Err(failed("Device is a required argument.\n")) };
    let state = bridge.state()?;
    let name = named(&state, dev).ok_or_else(|| failed(format!("Cannot find bridge device \"{dev}\"\n")))?;
    let netns = bridge.netns.clone();
    if !attrs.is_empty() || port_state.is_none() {
        bridge.talk(Op::SetPort { netns: netns.clone(), name, attrs })?;
    }
    match port_state {
        Some(state) => bridge.talk(Op::SetPortState { netns, name, state }),
        None => Ok(()),
    }
}

/// A state by its number, eight bits of it, or its name; below 0 none is sent.
fn state_number(word: &str) -> Result<Option<u8>, Stop> {
    let named = || (0..=4).find(|n| PortState::from_number(*n).is_some_and(|state| state.word() == word));
    match strtol_rest(word, 10) {
        Some((n, "")) if !word.is_empty() => Ok((n >= 0).then_some(n as u8)),
        _ => named().map(Some).ok_or_else(|| failed("Error: invalid STP port state\n")),
    }
}
