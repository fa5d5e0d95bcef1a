//! `bridge mdb`.
//!
//! Counterpart: `bridge/mdb.c`. Deliberately absent, and refused by name: sources (IGMPv3's and MLDv2's filters).

use super::{Bridge, Wanted, by_index, failed, help, named, refusal, unknown_command, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use crate::iproute::inet;
use crate::iproute::page::Page;
use crate::number::atoi;
use crate::say;
use nettwin_model::bridge::{BridgeStatus, McastRouter, MdbAged};
use nettwin_model::{Group, IfName, LinkKind, MdbEntry, Op};

pub(super) fn run(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(bridge, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => change(bridge, words, true),
        _ if is("delete") => change(bridge, words, false),
        _ if is("show") || is("lst") || is("list") => show(bridge, words),
        _ if is("help") => Err(usage()),
        _ => Err(unknown_command("mdb", word)),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::MDB)
}

fn change(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>, add: bool) -> Result<(), Stop> {
    let (mut dev, mut port, mut group, mut permanent, mut vid) = (None, None, None, false, 0);
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(words.value()?),
            "grp" => group = Some(words.value()?),
            "port" => port = Some(words.value()?),
            "permanent" => permanent = true,
            "temp" => permanent = false,
            "vid" => vid = atoi(words.value()?),
            "src" => return Err(unsupported(word)),
            _ if matches(word, "help") => return Err(usage()),
            _ => {}
        }
    }
    let (Some(dev), Some(port), Some(group)) = (dev, port, group) else {
        return Err(failed("Device, group address and port name are required arguments.\n"));
    };
    let state = bridge.state()?;
    let find = |word: &str| named(&state, word).ok_or_else(|| failed(format!("Cannot find device \"{word}\"\n")));
    let (name, port) = (find(dev)?, find(port)?);
    let group = group_of(group)?;
    // Sixteen bits of it are sent.
    let entry = MdbEntry { bridge: name, port, group, vlan: vid as u16, permanent };
    let netns = bridge.netns.clone();
    bridge.talk(if add { Op::AddMdb { netns, entry } } else { Op::DelMdb { netns, entry } })
}

/// An address of either family, or a MAC; what is none is cut off at its first colon before it is complained of
/// (`ll_addr_a2n`).
fn group_of(word: &str) -> Result<Group, Stop> {
    let ip = word.parse().ok().map(Group::Ip).or_else(|| word.parse().ok().map(Group::Ip6));
    let why = match (ip, inet::mac(word)) {
        (Some(ip), _) => return Ok(ip),
        (None, Ok(Ok(mac))) => return Ok(Group::Mac(mac)),
        (None, Ok(Err(_))) => String::new(),
        (None, Err(stop)) => stop.text,
    };
    let shown = word.split(':').next().unwrap_or(word);
    Err(failed(format!("{why}Invalid address \"{shown}\"\n")))
}

fn show(bridge: &mut Bridge<'_, '_>, words: Words<'_>) -> Result<(), Stop> {
    let Wanted { state, dev: only, vid } = bridge.wanted(words)?;
    let is_bridge = |name: &IfName| state.config.links[name].kind == LinkKind::Bridge;
    let mut all: Vec<(IfName, u32, BridgeStatus)> = Vec::new();
    for name in by_index(&state).into_iter().filter(is_bridge) {
        let status = say::bridge(bridge.cx, &bridge.netns, name).map_err(|fault| refusal(&fault))?;
        all.push((name, state.derived.links[&name].ifindex, status));
    }
    let mut page = bridge.page();
    page.open();
    if !all.is_empty() {
        all.retain(|(name, ..)| only.is_none_or(|only| only == *name));
        page.open_object("");
        page.open_array("mdb");
        for (_, index, status) in &all {
            for aged in status.mdb.iter().filter(|aged| vid == 0 || vid == i32::from(aged.entry.vlan)) {
                member(&mut page, *index, aged, bridge.details, bridge.stats);
            }
        }
        page.close_array();
        page.open_object("router");
        for (name, _, status) in all.iter().filter(|(.., status)| bridge.details && !status.routers.is_empty()) {
            routers(&mut page, *name, &status.routers, bridge.stats);
        }
        page.close_object();
        page.close_object();
    }
    page.close();
    bridge.cx.print(&page.into_text());
    Ok(())
}

fn member(page: &mut Page, index: u32, aged: &MdbAged, details: bool, stats: bool) {
    let MdbAged { entry, by_hand, timer } = aged;
    page.open_object("");
    page.field("index", index);
    page.say("dev", entry.bridge.as_str(), format_args!("dev {}", entry.bridge));
    page.say("port", entry.port.as_str(), format_args!(" port {}", entry.port));
    let group = entry.group.to_string();
    page.say("grp", group.as_str(), format_args!(" grp {group}"));
    let state = if entry.permanent { "permanent" } else { "temp" };
    page.say("state", state, format_args!(" {state}"));
    if let Some(by_hand) = by_hand.filter(|_| details) {
        let proto = if by_hand { "static" } else { "kernel" };
        page.say("protocol", proto, format_args!(" proto {proto} "));
    }
    page.open_array("flags");
    page.close_array();
    if entry.vlan != 0 {
        page.say("vid", entry.vlan, format_args!(" vid {}", entry.vlan));
    }
    if stats {
        let timer = until(*timer);
        page.say("timer", timer.as_str(), format_args!(" {timer}"));
    }
    page.nl();
    page.close_object();
}

fn routers(page: &mut Page, bridge: IfName, routers: &[McastRouter], stats: bool) {
    page.text(format_args!("router ports on {bridge}: "));
    page.open_array(bridge.as_str());
    for router in routers {
        page.open_object("");
        page.say("port", router.port.as_str(), format_args!("{} ", router.port));
        if stats {
            let timer = until(router.timer);
            page.say("timer", timer.as_str(), format_args!("{timer}"));
            let kind = match router.kind {
                1 => "temp",
                2 => "permanent",
                3 => "temp",
                _ => "disabled",
            };
            page.say("type", kind, format_args!(" {kind}"));
        }
        page.close_object();
    }
    page.close_array();
    page.nl();
}

/// Hundredths of a second.
fn until(centis: u32) -> String {
    format!("{:4}.{:02}", centis / 100, centis % 100)
}
