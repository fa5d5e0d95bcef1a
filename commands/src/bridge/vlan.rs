//! `bridge vlan`.
//!
//! Counterpart: `bridge/vlan.c`, and the order of the kernel's `br_vlan_rtm_dump()`. Deliberately absent, and refused by name:
//! options of a VLAN (`set`, `global`), tunnels.

use super::{Bridge, Wanted, by_index, failed, help, named, refusal, unknown_command, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use crate::iproute::page::{Colour, Page};
use crate::number::atoi;
use crate::say;
use nettwin_model::bridge::VlanStatus;
use nettwin_model::{BridgeVlan, IfName, LinkKind, NetnsState, Op, VlanRange};
use std::collections::BTreeMap;

pub(super) fn run(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(bridge, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => change(bridge, words, true),
        _ if is("delete") => change(bridge, words, false),
        _ if is("set") || is("global") => Err(unsupported(&format!("vlan {word}"))),
        _ if is("show") || is("lst") || is("list") => show(bridge, words),
        _ if is("tunnelshow") => Err(unsupported(word)),
        _ if is("help") => Err(Stop::exit(MINUS_ONE, help::VLAN)),
        _ => Err(unknown_command("vlan", word)),
    }
}

fn change(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>, add: bool) -> Result<(), Stop> {
    let (mut dev, mut ids, mut own, mut master) = (None, None, false, false);
    let (mut pvid, mut untagged) = (false, false);
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(words.value()?),
            "vid" => ids = Some(words.value()?),
            "self" => own = true,
            "master" => master = true,
            "pvid" => pvid = true,
            "untagged" => untagged = true,
            "tunnel_info" => return Err(unsupported(word)),
            // The tool passes over what it does not know, and over one word more behind this one.
            _ if matches(word, "help") => _ = words.value()?,
            _ => {}
        }
    }
    let (Some(dev), Some(ids)) = (dev, ids) else {
        return Err(failed("Device and VLAN ID are required arguments.\n"));
    };
    let state = bridge.state()?;
    let dev = named(&state, dev).ok_or_else(|| failed(format!("Cannot find bridge device \"{dev}\"\n")))?;
    let vlans = VlanRange { pvid, untagged, ..range(ids, pvid)? };
    // Told of both, the kernel does the one before it fails at the other.
    let has_master = state.config.links.get(&dev).is_some_and(|link| link.port.is_some());
    let owns: &[bool] = match (own, master) {
        (true, true) if has_master => &[false, true],
        (true, true) => &[false],
        (true, false) => &[true],
        (false, _) => &[false],
    };
    for own in owns {
        let (netns, own) = (bridge.netns.clone(), *own);
        bridge.talk(if add {
            Op::AddVlan { netns, dev, vlans, own }
        } else {
            Op::DelVlan { netns, dev, vlans, own }
        })?;
    }
    Ok(())
}

/// The numbers as the tool reads them, in sixteen bits.
fn range(text: &str, pvid: bool) -> Result<VlanRange, Stop> {
    let short = |text: &str| atoi(text) as i16; // what does not fit is cut, as there
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (short(first), Some(short(last))),
        None => (short(text), None),
    };
    if first >= END {
        return Err(failed(format!("Invalid VLAN ID \"{first}\"\n")));
    }
    if let Some(last) = last {
        if last >= END || first >= last {
            let (first, last) = (first.cast_unsigned(), last.cast_unsigned());
            return Err(failed(format!("Invalid VLAN range \"{first}-{last}\"\n")));
        }
        if pvid {
            return Err(failed("pvid cannot be configured for a vlan range\n"));
        }
    }
    let (first, last) = (first.cast_unsigned(), last.unwrap_or(first).cast_unsigned());
    Ok(VlanRange { first, last, pvid: false, untagged: false })
}

fn show(bridge: &mut Bridge<'_, '_>, words: Words<'_>) -> Result<(), Stop> {
    let Wanted { state, dev: only, vid } = bridge.wanted(words)?;
    let look = Look {
        vid: u16::try_from(vid).unwrap_or(0),
        details: bridge.details,
        stats: bridge.stats,
        // The kernel puts together what it tells in full.
        ranges: bridge.compress || bridge.details,
    };
    let status = if look.details || look.stats { status(bridge, &state)? } else { BTreeMap::new() };
    let mut page = bridge.page();
    page.open();
    page.text(if look.stats && !look.details {
        "port              vlan-id\n"
    } else {
        "port              vlan-id  \n"
    });
    for name in by_index(&state).into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        let Some(vlans) = &state.config.links[&name].vlans else { continue };
        let told = status.get(&name).map(Vec::as_slice).unwrap_or_default();
        let groups = look.groups(vlans, told);
        if !groups.is_empty() {
            let is_bridge = state.config.links[&name].kind == LinkKind::Bridge;
            look.port(&mut page, name, is_bridge, &groups);
        }
    }
    page.close();
    bridge.cx.print(&page.into_text());
    Ok(())
}

/// What all bridges tell of their VLANs and their ports'.
fn status(bridge: &mut Bridge<'_, '_>, state: &NetnsState) -> Result<BTreeMap<IfName, Vec<VlanStatus>>, Stop> {
    let mut out = BTreeMap::new();
    let bridges: Vec<IfName> =
        state.config.links.iter().filter(|(_, l)| l.kind == LinkKind::Bridge).map(|l| *l.0).collect();
    for name in bridges {
        out.extend(say::bridge(bridge.cx, &bridge.netns, name).map_err(|fault| refusal(&fault))?.vlans);
    }
    Ok(out)
}

/// What of VLANs is wanted, and how much of it.
struct Look {
    /// 0: all.
    vid: u16,
    details: bool,
    stats: bool,
    ranges: bool,
}

/// VLANs that are shown together.
struct Group {
    first: u16,
    last: u16,
    vlan: BridgeVlan,
    status: Option<VlanStatus>,
}

impl Look {
    fn groups(&self, vlans: &[BridgeVlan], told: &[VlanStatus]) -> Vec<Group> {
        let mut out: Vec<Group> = Vec::new();
        for vlan in vlans {
            let status = told.iter().find(|status| status.vlan.vid == vlan.vid).copied();
            let joins = |group: &Group| {
                self.ranges
                    && !self.stats
                    && group.last + 1 == vlan.vid
                    && !vlan.pvid
                    && !group.vlan.pvid
                    && vlan.untagged == group.vlan.untagged
                    && status.map(|s| s.state) == group.status.map(|s| s.state)
            };
            match out.last_mut() {
                Some(group) if joins(group) => group.last = vlan.vid,
                _ => out.push(Group { first: vlan.vid, last: vlan.vid, vlan: *vlan, status }),
            }
        }
        out.retain(|group| self.vid == 0 || (group.first..=group.last).contains(&self.vid));
        out
    }

    fn port(&self, page: &mut Page, name: IfName, is_bridge: bool, groups: &[Group]) {
        page.open_object("");
        page.paint(Colour::Ifname, "ifname", name.as_str(), format_args!("{name:<16}  "));
        page.open_array("vlans");
        for (i, group) in groups.iter().enumerate() {
            if i > 0 {
                page.text(format_args!("{:18}", ""));
            }
            page.open_object("");
            self.group(page, group, is_bridge);
            page.close_object();
        }
        page.close_array();
        page.close_object();
    }

    fn group(&self, page: &mut Page, group: &Group, is_bridge: bool) {
        let Group { first, last, vlan, status } = group;
        let key = if self.stats && !self.details { "vid" } else { "vlan" };
        page.say(key, *first, format_args!("{first}"));
        if last > first {
            page.say("vlanEnd", *last, format_args!("-{last}"));
        }
        // Without details a range, and what is counted of a bridge's own, say even that they are of no kind.
        if vlan.pvid || vlan.untagged || (last > first || self.stats && is_bridge) && !self.details {
            page.open_array("flags");
            if vlan.pvid {
                page.item("PVID", format_args!(" PVID"));
            }
            if vlan.untagged {
                page.item("Egress Untagged", format_args!(" Egress Untagged"));
            }
            page.close_array();
        }
        page.nl();
        let Some(status) = status else { return };
        if self.details {
            page.text(format_args!("{:20}", ""));
            page.say("state", status.state.word(), format_args!("state {} ", status.state.word()));
            page.say("mcast_router", 1u8, format_args!("mcast_router 1 "));
            page.nl();
        }
        if self.stats {
            let count = status.count;
            let mut line = |way: &str, keys: [&str; 2], bytes: u64, packets: u64| {
                page.text(format_args!("{:20}", ""));
                page.say(keys[0], bytes, format_args!("{way}: {bytes} bytes"));
                page.say(keys[1], packets, format_args!(" {packets} packets"));
                page.nl();
            };
            line("RX", ["rx_bytes", "rx_packets"], count.rx_bytes, count.rx_packets);
            line("TX", ["tx_bytes", "tx_packets"], count.tx_bytes, count.tx_packets);
        }
    }
}

/// VLANs' numbers are below this, says the tool.
const END: i16 = 4096;
