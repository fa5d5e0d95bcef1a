//! Kinds of devices in iproute2's words: what follows `type` in `ip link add`.
//!
//! Counterpart: `ip/iplink_*.c`, a file for each kind; `ip/iptuntap.c`. What a device sits on is said before `type` and not here.

use super::cursor::{Word, Words, WordsError, once};
use super::link::Line;
use super::route::{parse_table, table_word};
use super::vxlan;
use crate::name::Mac;
use crate::virtuals::{
    Macvlan, MacvlanMode, Sources, Tun, TunMode, Virtual, VirtualChange, Vlan, VlanProtocol, hear_source, map_egress,
    map_ingress,
};

const KINDS: &str = "use dummy, vlan, macvlan, vxlan, vrf, bond, tap or tun";
const MODES: &str = "write private, vepa, bridge, passthru or source";
const VLAN: &str =
    "use id, protocol, loose_binding, reorder_hdr, ingress-qos-map or egress-qos-map, as in `vlan id 10`";

/// Reads a kind and its attributes.
pub fn parse(text: &str) -> Result<Virtual, WordsError> {
    let mut words = Words::new(text);
    let kind = words.first("the kind of device", "dummy")?;
    match kind.text {
        "dummy" => match words.next() {
            Some(word) => Err(word.unknown("a dummy has no attributes")),
            None => Ok(Virtual::Dummy),
        },
        "vlan" => vlan(kind, words).map(Virtual::Vlan),
        "macvlan" => macvlan(words).map(Virtual::Macvlan),
        "vrf" => vrf(kind, words),
        "vxlan" => vxlan::parse(kind, words).map(|of| Virtual::Vxlan(Box::new(of))),
        "tap" => tun(TunMode::Tap, words),
        "tun" => tun(TunMode::Tun, words),
        "bond" => super::bond::parse(kind, words).map(|attrs| Virtual::Bond(Box::new(attrs))),
        _ => Err(kind.unknown(KINDS)),
    }
}

fn vrf(kind: Word<'_>, mut words: Words<'_>) -> Result<Virtual, WordsError> {
    let mut table = None;
    while let Some(key) = words.next() {
        match key.text {
            "table" => once(&mut table, parse_table(words.value(key)?)?, key)?,
            _ => return Err(key.unknown("use table, as in `vrf table 10`")),
        }
    }
    let table = table.ok_or_else(|| kind.error("the VRF has no table", "write it, as in `vrf table 10`"))?;
    Ok(Virtual::Vrf { table })
}

fn tun(mode: TunMode, mut words: Words<'_>) -> Result<Virtual, WordsError> {
    let mut tun = Tun::new(mode);
    while let Some(key) = words.next() {
        match key.text {
            "user" => once(&mut tun.user, words.value(key)?.number("a user", 0..=u32::MAX - 1)?, key)?,
            "group" => once(&mut tun.group, words.value(key)?.number("a group", 0..=u32::MAX - 1)?, key)?,
            "pi" => tun.pi = true,
            "vnet_hdr" => tun.vnet_hdr = true,
            "multi_queue" => tun.multi_queue = true,
            _ => return Err(key.unknown("use user, group, pi, vnet_hdr or multi_queue, as in `tap user 1000`")),
        }
    }
    Ok(Virtual::Tun(tun))
}

/// Writes it as `ip tuntap add … mode` takes it.
pub fn print_tun(tun: &Tun) -> String {
    let mut out = Line(tun.mode.word().into());
    out.given("user", tun.user);
    out.given("group", tun.group);
    for (word, on) in [("pi", tun.pi), ("vnet_hdr", tun.vnet_hdr), ("multi_queue", tun.multi_queue)] {
        if on {
            out.word(word);
        }
    }
    out.0
}

fn macvlan(mut words: Words<'_>) -> Result<Macvlan, WordsError> {
    let (mut mode, mut sources) = (None, Vec::new());
    while let Some(key) = words.next() {
        match key.text {
            "mode" => {
                let value = words.value(key)?;
                let unknown = || value.error(format!("`{}` is no mode", value.text), MODES);
                once(&mut mode, MacvlanMode::from_word(value.text).ok_or_else(unknown)?, key)?;
            }
            "macaddr" => {
                let how = words.value(key)?;
                if how.text != "set" {
                    return Err(how.unknown("write them all, as in `macaddr set 02:00:00:00:00:01`"));
                }
                for mac in words.by_ref() {
                    hear_source(&mut sources, mac.mac()?);
                }
            }
            _ => return Err(key.unknown("use mode or macaddr, as in `macvlan mode bridge`")),
        }
    }
    Ok(Macvlan { lower: None, mode: mode.unwrap_or_default(), sources })
}

fn vlan(kind: Word<'_>, words: Words<'_>) -> Result<Vlan, WordsError> {
    let (mut id, mut protocol, mut loose, mut reorder) = (None, None, None, None);
    let (mut ingress, mut egress) = (Vec::new(), Vec::new());
    let mut words = words;
    while let Some(key) = words.next() {
        match key.text {
            "id" => once(&mut id, words.value(key)?.number("a VLAN", 0..=4094)?, key)?,
            "protocol" => {
                let value = words.value(key)?;
                let named = |p: &VlanProtocol| p.word() == value.text;
                let known = [VlanProtocol::Dot1q, VlanProtocol::Dot1ad].into_iter().find(named);
                let unknown = || value.error(format!("`{}` is no protocol", value.text), "write 802.1Q or 802.1ad");
                once(&mut protocol, known.ok_or_else(unknown)?, key)?;
            }
            "loose_binding" => once(&mut loose, words.value(key)?.on_off()?, key)?,
            "reorder_hdr" => once(&mut reorder, words.value(key)?.on_off()?, key)?,
            "ingress-qos-map" => mappings(key, &mut words)?.into_iter().for_each(|of| map_ingress(&mut ingress, of)),
            "egress-qos-map" => mappings(key, &mut words)?.into_iter().for_each(|of| map_egress(&mut egress, of)),
            _ => return Err(key.unknown(VLAN)),
        }
    }
    let id = id.ok_or_else(|| kind.error("the VLAN has no number", VLAN))?;
    let (protocol, loose_binding) = (protocol.unwrap_or_default(), loose.unwrap_or_default());
    egress.retain(|(_, to)| *to != 0);
    let reorder_hdr = reorder.unwrap_or(true);
    Ok(Vlan { protocol, loose_binding, reorder_hdr, ingress, egress, ..Vlan::new(id) })
}

/// Pairs of priorities, as in `0:1 6:5`: one at least.
fn mappings(key: Word<'_>, words: &mut Words<'_>) -> Result<Vec<(u32, u32)>, WordsError> {
    let mut out = vec![mapping(words.value(key)?)?];
    while let Some(next) = words.peek().filter(|next| next.text.contains(':')) {
        words.next();
        out.push(mapping(next)?);
    }
    Ok(out)
}

fn mapping(word: Word<'_>) -> Result<(u32, u32), WordsError> {
    let pair = word.text.split_once(':').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    pair.ok_or_else(|| word.error(format!("`{}` is no pair of priorities", word.text), "write FROM:TO, as in 0:1"))
}

fn say_flags(out: &mut Line, loose_binding: Option<bool>, reorder_hdr: Option<bool>) {
    for (key, on) in [("loose_binding", loose_binding), ("reorder_hdr", reorder_hdr)] {
        if let Some(on) = on {
            out.say(key, if on { "on" } else { "off" });
        }
    }
}

fn say_sources<'a>(out: &mut Line, how: &str, macs: impl IntoIterator<Item = &'a Mac>) {
    out.say("macaddr", how);
    macs.into_iter().for_each(|mac| out.word(&mac.to_string()));
}

fn say_map(out: &mut Line, key: &str, map: impl Iterator<Item = (u32, u32)>) {
    let pairs: Vec<String> = map.map(|(from, to)| format!("{from}:{to}")).collect();
    if !pairs.is_empty() {
        out.say(key, pairs.join(" "));
    }
}

/// Writes a kind and its attributes.
pub fn print(kind: &Virtual) -> String {
    match kind {
        Virtual::Dummy => kind.word().to_owned(),
        Virtual::Vlan(vlan) => {
            let mut out = Line("vlan".into());
            if vlan.protocol != VlanProtocol::default() {
                out.say("protocol", vlan.protocol.word());
            }
            out.say("id", vlan.id);
            say_flags(&mut out, vlan.loose_binding.then_some(true), (!vlan.reorder_hdr).then_some(false));
            say_map(&mut out, "ingress-qos-map", vlan.ingress.iter().copied());
            // Of those that share a list the last to come is the first.
            say_map(&mut out, "egress-qos-map", vlan.egress.iter().rev().copied());
            out.0
        }
        Virtual::Vrf { table } => format!("vrf table {}", table_word(*table)),
        Virtual::Tun(tun) => print_tun(tun),
        Virtual::Bond(attrs) => super::bond::print(attrs),
        Virtual::Vxlan(of) => vxlan::print(of),
        Virtual::Macvlan(macvlan) => {
            let mut out = Line("macvlan".into());
            out.say("mode", macvlan.mode.word());
            if !macvlan.sources.is_empty() {
                // Of those that share a hash the last to come is the first.
                say_sources(&mut out, "set", macvlan.sources.iter().rev());
            }
            out.0
        }
    }
}

/// Writes what `ip link set … type` changes.
pub fn print_change(change: &VirtualChange) -> String {
    match change {
        VirtualChange::Vlan(change) => {
            let mut out = Line("vlan".into());
            say_flags(&mut out, change.loose_binding, change.reorder_hdr);
            say_map(&mut out, "ingress-qos-map", change.ingress.iter().copied());
            say_map(&mut out, "egress-qos-map", change.egress.iter().copied());
            out.0
        }
        VirtualChange::Macvlan { mode } => format!("macvlan mode {}", mode.word()),
        VirtualChange::Bond(attrs) => super::bond::print_change(attrs),
        VirtualChange::Vxlan(change) => vxlan::print_change(change),
        VirtualChange::MacvlanSources(sources) => {
            let mut out = Line("macvlan".into());
            match sources {
                Sources::Add(mac) => say_sources(&mut out, "add", [mac]),
                Sources::Del(mac) => say_sources(&mut out, "del", [mac]),
                Sources::Set(list) => say_sources(&mut out, "set", list),
                Sources::Flush => say_sources(&mut out, "flush", []),
            }
            out.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip() {
        assert_eq!(parse("dummy"), Ok(Virtual::Dummy));
        assert_eq!(print(&Virtual::Dummy), "dummy");
        assert!(parse("dummy id 1").is_err());
        for text in [
            "vrf table 10",
            "tap",
            "vxlan id 42 dstport 8472",
            "vxlan id 42 group 239.1.1.1 local 10.0.0.1 dev eth0 dstport 4789 srcport 1000 2000 ttl inherit tos 16 df set \
             ageing 60 maxaddress 5 nolearning proxy rsc l2miss l3miss noudpcsum",
            "tun user 1000 group 5 pi vnet_hdr multi_queue",
            "bond mode active-backup",
            "bond mode active-backup miimon 100 updelay 200 downdelay 300 primary e1 fail_over_mac follow num_grat_arp 3",
            "macvlan mode private",
            "macvlan mode source macaddr set 02:00:00:00:00:02 02:00:00:00:00:03",
            "vlan id 10",
            "vlan protocol 802.1ad id 0 loose_binding on",
            "vlan id 10 reorder_hdr off ingress-qos-map 1:5 3:4 egress-qos-map 6:5 22:7 0:1 16:3",
        ] {
            assert_eq!(print(&parse(text).unwrap()), text);
        }
    }
}
