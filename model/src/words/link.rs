//! Link settings in iproute2's words: what follows `ip link set dev DEV`, and the attributes of bridges and their ports.
//!
//! Counterpart: `ip/iplink.c`, `ip/iplink_bridge.c`, `ip/iplink_bridge_slave.c`. `fdb_max_learned` is newer than ip 6.1.
//! Deliberately absent: `arp`, an alias of several words.

use super::cursor::{Word, Words, WordsError, once};
use crate::link::{BridgeAttrs, PortAttrs};
use crate::op::LinkChange;
use crate::vlan::{PROTO_8021AD, PROTO_8021Q};
use std::fmt::Write;

const SET_REMEDY: &str = "use up, down, mtu, address, master, nomaster, name or netns, as in `mtu 1400 up`";
const BRIDGE_REMEDY: &str = "use stp_state, forward_delay, hello_time, max_age, ageing_time, priority, group_fwd_mask, \
                             mcast_snooping, mcast_querier, vlan_filtering, vlan_protocol, vlan_default_pvid, \
                             vlan_stats_enabled, vlan_stats_per_port, mcast_router, the counts and intervals of \
                             multicast (mcast_query_interval, …) or fdb_max_learned";
const PORT_REMEDY: &str = "use cost, priority, hairpin, guard, root_block, fastleave, learning, flood, mcast_flood, \
                           bcast_flood, isolated, locked, neigh_suppress or mcast_router";

/// Reads what `ip link set dev DEV` changes.
pub fn parse_change(text: &str) -> Result<LinkChange, WordsError> {
    let mut words = Words::new(text);
    let mut out = LinkChange::default();
    while let Some(key) = words.next() {
        match key.text {
            "up" | "down" => once(&mut out.up, key.text == "up", key)?,
            "mtu" => once(&mut out.mtu, words.value(key)?.number("an MTU", 0..=u32::MAX)?, key)?,
            "address" => once(&mut out.mac, words.value(key)?.mac()?, key)?,
            "master" => once(&mut out.master, Some(words.value(key)?.ifname()?), key)?,
            "nomaster" => once(&mut out.master, None, key)?,
            "txqueuelen" => {
                once(&mut out.txqueuelen, words.value(key)?.number("a queue's length", 0..=u32::MAX)?, key)?
            }
            "alias" => once(&mut out.alias, words.value(key)?.text.to_owned(), key)?,
            "group" => once(&mut out.group, words.value(key)?.number("a group", 0..=u32::MAX)?, key)?,
            "promisc" => once(&mut out.promisc, words.value(key)?.on_off()?, key)?,
            "allmulticast" => once(&mut out.allmulti, words.value(key)?.on_off()?, key)?,
            "arp" => once(&mut out.arp, words.value(key)?.on_off()?, key)?,
            "multicast" => once(&mut out.multicast, words.value(key)?.on_off()?, key)?,
            "name" => once(&mut out.rename, words.value(key)?.ifname()?, key)?,
            "netns" => {
                let value = words.value(key)?;
                let name = value
                    .text
                    .parse()
                    .map_err(|e| value.error(format!("`{}`: {e}", value.text), "write the name of a namespace"))?;
                once(&mut out.netns, name, key)?;
            }
            _ => return Err(key.unknown(SET_REMEDY)),
        }
    }
    Ok(out)
}

/// Writes what `ip link set dev DEV` changes.
pub fn print_change(change: &LinkChange) -> String {
    let mut out = Line::default();
    if let Some(name) = change.rename {
        out.say("name", name);
    }
    if let Some(mac) = change.mac {
        out.say("address", mac);
    }
    if let Some(mtu) = change.mtu {
        out.say("mtu", mtu);
    }
    match change.master {
        Some(Some(master)) => out.say("master", master),
        Some(None) => out.word("nomaster"),
        None => {}
    }
    out.given("txqueuelen", change.txqueuelen);
    out.given("alias", change.alias.as_ref());
    out.given("group", change.group);
    out.switch("promisc", change.promisc, ["off", "on"]);
    out.switch("allmulticast", change.allmulti, ["off", "on"]);
    out.switch("multicast", change.multicast, ["off", "on"]);
    out.switch("arp", change.arp, ["off", "on"]);
    if let Some(up) = change.up {
        out.word(if up { "up" } else { "down" });
    }
    if let Some(netns) = &change.netns {
        out.say("netns", netns);
    }
    out.0
}

/// Reads a bridge's attributes: what follows `type bridge`.
pub fn parse_bridge(text: &str) -> Result<BridgeAttrs, WordsError> {
    let mut words = Words::new(text);
    let mut a = BridgeAttrs::default();
    while let Some(key) = words.next() {
        let value = words.value(key);
        let number = || value.clone()?.number("a number", 0..=u32::MAX);
        let short = || value.clone()?.number("a number", 0..=u16::MAX);
        let switch = || value.clone()?.one_zero();
        match key.text {
            "stp_state" => once(&mut a.stp_state, switch()?, key)?,
            "forward_delay" => once(&mut a.forward_delay, number()?, key)?,
            "hello_time" => once(&mut a.hello_time, number()?, key)?,
            "max_age" => once(&mut a.max_age, number()?, key)?,
            "ageing_time" => once(&mut a.ageing_time, number()?, key)?,
            "priority" => once(&mut a.priority, short()?, key)?,
            "group_fwd_mask" => once(&mut a.group_fwd_mask, short()?, key)?,
            "mcast_snooping" => once(&mut a.mcast_snooping, switch()?, key)?,
            "mcast_querier" => once(&mut a.mcast_querier, switch()?, key)?,
            "vlan_filtering" => once(&mut a.vlan_filtering, switch()?, key)?,
            "vlan_protocol" => once(&mut a.vlan_protocol, vlan_protocol(value.clone()?)?, key)?,
            "vlan_default_pvid" => once(&mut a.vlan_default_pvid, short()?, key)?,
            "vlan_stats_enabled" => once(&mut a.vlan_stats_enabled, switch()?, key)?,
            "vlan_stats_per_port" => once(&mut a.vlan_stats_per_port, switch()?, key)?,
            "mcast_router" => once(&mut a.mcast_router, value.clone()?.number("a router's kind", 0..=2)?, key)?,
            "mcast_last_member_count" => once(&mut a.mcast_last_member_count, number()?, key)?,
            "mcast_startup_query_count" => once(&mut a.mcast_startup_query_count, number()?, key)?,
            "mcast_last_member_interval" => once(&mut a.mcast_last_member_interval, number()?, key)?,
            "mcast_membership_interval" => once(&mut a.mcast_membership_interval, number()?, key)?,
            "mcast_querier_interval" => once(&mut a.mcast_querier_interval, number()?, key)?,
            "mcast_query_interval" => once(&mut a.mcast_query_interval, number()?, key)?,
            "mcast_query_response_interval" => once(&mut a.mcast_query_response_interval, number()?, key)?,
            "mcast_startup_query_interval" => once(&mut a.mcast_startup_query_interval, number()?, key)?,
            "fdb_max_learned" => once(&mut a.fdb_max_learned, number()?, key)?,
            _ => return Err(key.unknown(BRIDGE_REMEDY)),
        }
    }
    Ok(a)
}

/// Writes a bridge's attributes (those given).
pub fn print_bridge(a: &BridgeAttrs) -> String {
    let mut out = Line::default();
    out.switch("stp_state", a.stp_state, ["0", "1"]);
    out.given("forward_delay", a.forward_delay);
    out.given("hello_time", a.hello_time);
    out.given("max_age", a.max_age);
    out.given("ageing_time", a.ageing_time);
    out.given("priority", a.priority);
    out.given("group_fwd_mask", a.group_fwd_mask);
    out.switch("mcast_snooping", a.mcast_snooping, ["0", "1"]);
    out.switch("mcast_querier", a.mcast_querier, ["0", "1"]);
    out.switch("vlan_filtering", a.vlan_filtering, ["0", "1"]);
    out.given("vlan_protocol", a.vlan_protocol.map(vlan_protocol_word));
    out.given("vlan_default_pvid", a.vlan_default_pvid);
    out.switch("vlan_stats_enabled", a.vlan_stats_enabled, ["0", "1"]);
    out.switch("vlan_stats_per_port", a.vlan_stats_per_port, ["0", "1"]);
    out.given("mcast_router", a.mcast_router);
    out.given("mcast_last_member_count", a.mcast_last_member_count);
    out.given("mcast_startup_query_count", a.mcast_startup_query_count);
    out.given("mcast_last_member_interval", a.mcast_last_member_interval);
    out.given("mcast_membership_interval", a.mcast_membership_interval);
    out.given("mcast_querier_interval", a.mcast_querier_interval);
    out.given("mcast_query_interval", a.mcast_query_interval);
    out.given("mcast_query_response_interval", a.mcast_query_response_interval);
    out.given("mcast_startup_query_interval", a.mcast_startup_query_interval);
    out.given("fdb_max_learned", a.fdb_max_learned);
    out.0
}

fn vlan_protocol(word: Word<'_>) -> Result<u16, WordsError> {
    vlan_protocol_named(word.text)
        .ok_or_else(|| word.error(format!("`{}` is no VLANs' protocol", word.text), "write 802.1Q or 802.1ad"))
}

/// The protocol of that name, in any case of letters.
pub fn vlan_protocol_named(word: &str) -> Option<u16> {
    [PROTO_8021Q, PROTO_8021AD].into_iter().find(|proto| vlan_protocol_word(*proto).eq_ignore_ascii_case(word))
}

/// The name of a VLAN protocol.
pub fn vlan_protocol_word(proto: u16) -> &'static str {
    if proto == PROTO_8021AD { "802.1ad" } else { "802.1Q" }
}

/// Reads a port's attributes: what follows `type bridge_slave`.
pub fn parse_port(text: &str) -> Result<PortAttrs, WordsError> {
    let mut words = Words::new(text);
    let mut a = PortAttrs::default();
    while let Some(key) = words.next() {
        let value = words.value(key);
        let switch = || value.clone()?.on_off();
        match key.text {
            "cost" => once(&mut a.cost, value?.number("a path cost", 1..=65535)?, key)?,
            "priority" => once(&mut a.priority, value?.number("a port priority", 0..=63)?, key)?,
            "hairpin" => once(&mut a.hairpin, switch()?, key)?,
            "guard" => once(&mut a.guard, switch()?, key)?,
            "root_block" => once(&mut a.root_block, switch()?, key)?,
            "fastleave" => once(&mut a.fastleave, switch()?, key)?,
            "learning" => once(&mut a.learning, switch()?, key)?,
            "flood" => once(&mut a.flood, switch()?, key)?,
            "mcast_flood" => once(&mut a.mcast_flood, switch()?, key)?,
            "bcast_flood" => once(&mut a.bcast_flood, switch()?, key)?,
            "isolated" => once(&mut a.isolated, switch()?, key)?,
            "locked" => once(&mut a.locked, switch()?, key)?,
            "neigh_suppress" => once(&mut a.neigh_suppress, switch()?, key)?,
            "mcast_router" => once(&mut a.mcast_router, value?.number("a router's kind", 0..=3)?, key)?,
            _ => return Err(key.unknown(PORT_REMEDY)),
        }
    }
    Ok(a)
}

/// Writes a port's attributes (those given).
pub fn print_port(a: &PortAttrs) -> String {
    let mut out = Line::default();
    out.given("cost", a.cost);
    out.given("priority", a.priority);
    for (key, value) in port_switches(a) {
        out.switch(key, value, ["off", "on"]);
    }
    out.given("mcast_router", a.mcast_router);
    out.0
}

fn port_switches(a: &PortAttrs) -> [(&'static str, Option<bool>); 11] {
    [
        ("hairpin", a.hairpin),
        ("guard", a.guard),
        ("root_block", a.root_block),
        ("fastleave", a.fastleave),
        ("learning", a.learning),
        ("flood", a.flood),
        ("mcast_flood", a.mcast_flood),
        ("bcast_flood", a.bcast_flood),
        ("isolated", a.isolated),
        ("locked", a.locked),
        ("neigh_suppress", a.neigh_suppress),
    ]
}

/// A line that grows by words.
#[derive(Default)]
pub(super) struct Line(pub(super) String);

impl Line {
    pub(super) fn word(&mut self, word: &str) {
        if !self.0.is_empty() && !word.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }

    pub(super) fn say(&mut self, key: &str, value: impl std::fmt::Display) {
        self.word(key);
        write!(self.0, " {value}").expect("a String takes all");
    }

    pub(super) fn given<T: std::fmt::Display>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.say(key, value);
        }
    }

    fn switch(&mut self, key: &str, value: Option<bool>, words: [&str; 2]) {
        self.given(key, value.map(|on| words[usize::from(on)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(text: &str, result: Result<T, WordsError>) -> String {
        let e = result.unwrap_err();
        format!("{:?} {}", &text[e.at.clone()], e.message)
    }

    #[test]
    fn settings_round_trip() {
        for text in [
            "up",
            "name e1 address 02:00:00:00:00:01 mtu 1400 master br0 down netns h2",
            "nomaster",
            "txqueuelen 5 alias x group 7 promisc on",
            "",
        ] {
            assert_eq!(print_change(&parse_change(text).unwrap()), text);
        }
        for attrs in [BridgeAttrs::kernel_default(), BridgeAttrs::default()] {
            assert_eq!(parse_bridge(&print_bridge(&attrs)), Ok(attrs));
        }
        for attrs in [PortAttrs::kernel_default(), PortAttrs::default()] {
            assert_eq!(parse_port(&print_port(&attrs)), Ok(attrs));
        }
    }

    #[test]
    fn complaints_name_the_word() {
        let text = "up down";
        assert_eq!(message(text, parse_change(text)), "\"down\" `down` is said twice");
        let text = "mtu big";
        assert_eq!(message(text, parse_change(text)), "\"big\" `big` is not an MTU");
        let text = "stp 1";
        assert_eq!(message(text, parse_bridge(text)), "\"stp\" unknown word `stp`");
        let text = "stp_state on";
        assert_eq!(message(text, parse_bridge(text)), "\"on\" `on` is neither 1 nor 0");
        let text = "hairpin 1";
        assert_eq!(message(text, parse_port(text)), "\"1\" `1` is neither on nor off");
        let text = "cost";
        assert_eq!(message(text, parse_port(text)), "\"cost\" nothing follows `cost`");
    }
}
