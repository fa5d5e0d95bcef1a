//! What follows `type KIND`.
//!
//! Counterpart: `ip/link_veth.c`, `ip/iplink_bridge.c`, `ip/iplink_bridge_slave.c`, `iplink_types_usage()`. Deliberately absent,
//! and refused by name: other kinds, and attributes of bridges and ports that the model does not have.

use super::{bond, help, macvlan, unsupported, vlan, vrf, vxlan};
use crate::iproute::args::{MINUS_ONE, Stop, Words, invarg, matches, on_off, u8, u16, unsigned};
use nettwin_model::words::link::vlan_protocol_named;
use nettwin_model::{BridgeAttrs, PortAttrs, Virtual};

/// A kind with its attributes.
pub(super) enum Kind<'a> {
    /// A veth; what is said of the peer.
    Veth(&'a [String]),
    Bridge(BridgeAttrs),
    /// Another device of software alone; what it sits on is said elsewhere.
    Virtual(Virtual),
    /// A macvlan, as far as it is said.
    Macvlan(macvlan::Said),
    /// A VXLAN device, as far as it is said.
    Vxlan(vxlan::Said),
    /// A VLAN device, as far as it is said.
    Vlan(vlan::Said),
    /// A bond, as far as it is said.
    Bond(bond::Said),
    /// A bridge's port (`bridge_slave`), and the state to put it into.
    Port(PortAttrs, Option<u8>),
    /// A bond's slave, of which nothing is said.
    BondSlave,
    /// One that this product does not have, without attributes.
    Bare,
}

/// The kinds that iproute2 knows.
const KINDS: &str = "amt bareudp bond bond_slave bridge bridge_slave dsa dummy erspan geneve gre gretap gtp hsr ifb ip6erspan \
                     ip6gre ip6gretap ip6tnl ipip ipoib ipvlan ipvtap lowpan macsec macvlan macvtap netdevsim nlmon rmnet sit \
                     team team_slave vcan veth vlan vrf vti vxcan vxlan wwan xfrm virt_wifi wireguard tun";

/// Whether iproute2 or the kernel knows it.
pub(super) fn is_known(kind: &str) -> bool {
    KINDS.split(' ').any(|known| known == kind)
}

/// Reads a kind's attributes.
pub(super) fn parse<'a>(kind: &str, words: &'a [String]) -> Result<Kind<'a>, Stop> {
    match kind {
        "veth" if words.is_empty() => Ok(Kind::Veth(&[])),
        "veth" if words[0] != "peer" => Err(Stop::back(1, "").printing(help::VETH)),
        "veth" => Ok(Kind::Veth(&words[1..])),
        "bridge" => bridge(Words::new(words)).map(Kind::Bridge),
        "bridge_slave" => port(Words::new(words)).map(|(attrs, state)| Kind::Port(attrs, state)),
        // ip passes over whatever follows.
        "dummy" => Ok(Kind::Virtual(Virtual::Dummy)),
        "vlan" => vlan::parse(Words::new(words)).map(Kind::Vlan),
        "vxlan" => vxlan::parse(Words::new(words)).map(Kind::Vxlan),
        "vrf" => vrf::parse(Words::new(words)).map(Kind::Virtual),
        "bond" => bond::parse(Words::new(words)).map(Kind::Bond),
        "bond_slave" => bond::parse_slave(Words::new(words)).map(|()| Kind::BondSlave),
        "macvlan" => macvlan::parse(Words::new(words)).map(Kind::Macvlan),
        // ip passes over whatever follows, and the kernel has another way to make them.
        "tun" => Err(Stop::back(2, "Error: tun/tap creation via rtnetlink is not supported.\n")),
        _ if is_known(kind) => Err(unsupported(&format!("type {kind}"))),
        _ => match words.first() {
            None => Ok(Kind::Bare),
            Some(word) if matches(word, "help") => Err(Stop::exit(MINUS_ONE, help::LINK)),
            Some(word) => {
                let text = format!("Garbage instead of arguments \"{word} ...\". Try \"ip link help\".\n");
                Err(Stop::back(1, text))
            }
        },
    }
}

/// The words of `type bridge`, in the order in which abbreviations are resolved.
#[rustfmt::skip]
const BRIDGE: &[&str] = &[
    "forward_delay", "hello_time", "max_age", "ageing_time", "stp_state", "priority", "vlan_filtering", "vlan_protocol",
    "group_fwd_mask", "group_address", "fdb_flush", "vlan_default_pvid", "vlan_stats_enabled", "vlan_stats_per_port",
    "mcast_router", "mcast_snooping", "mcast_query_use_ifaddr", "mcast_querier", "mcast_hash_elasticity", "mcast_hash_max",
    "mcast_last_member_count", "mcast_startup_query_count", "mcast_last_member_interval", "mcast_membership_interval",
    "mcast_querier_interval", "mcast_query_interval", "mcast_query_response_interval", "mcast_startup_query_interval",
    "mcast_stats_enabled", "mcast_igmp_version", "mcast_mld_version", "nf_call_iptables", "nf_call_ip6tables",
    "nf_call_arptables", "help",
];

fn bridge(mut words: Words<'_>) -> Result<BridgeAttrs, Stop> {
    let mut a = BridgeAttrs::default();
    while let Some(word) = words.next() {
        if matches!(word, "no_linklocal_learn" | "mcast_vlan_snooping") {
            return Err(unsupported(word));
        }
        let Some(key) = BRIDGE.iter().find(|full| matches(word, full)) else {
            return Err(Stop::back(1, format!("bridge: unknown command \"{word}\"?\n{}", help::BRIDGE)));
        };
        match *key {
            "help" => return Err(Stop::back(1, help::BRIDGE)),
            "forward_delay" => a.forward_delay = Some(number(key, &mut words, unsigned)?),
            "hello_time" => a.hello_time = Some(number(key, &mut words, unsigned)?),
            "max_age" => a.max_age = Some(number(key, &mut words, unsigned)?),
            "ageing_time" => a.ageing_time = Some(number(key, &mut words, unsigned)?),
            "stp_state" => a.stp_state = Some(number(key, &mut words, unsigned)? != 0),
            "priority" => a.priority = Some(number(key, &mut words, u16)?),
            "group_fwd_mask" => a.group_fwd_mask = Some(number(key, &mut words, u16)?),
            "vlan_filtering" => a.vlan_filtering = Some(number(key, &mut words, u8)? != 0),
            "mcast_router" => a.mcast_router = Some(number(key, &mut words, u8)?),
            "mcast_last_member_count" => a.mcast_last_member_count = Some(number(key, &mut words, unsigned)?),
            "mcast_startup_query_count" => a.mcast_startup_query_count = Some(number(key, &mut words, unsigned)?),
            "mcast_last_member_interval" => a.mcast_last_member_interval = Some(number(key, &mut words, unsigned)?),
            "mcast_membership_interval" => a.mcast_membership_interval = Some(number(key, &mut words, unsigned)?),
            "mcast_querier_interval" => a.mcast_querier_interval = Some(number(key, &mut words, unsigned)?),
            "mcast_query_interval" => a.mcast_query_interval = Some(number(key, &mut words, unsigned)?),
            "mcast_query_response_interval" => {
                a.mcast_query_response_interval = Some(number(key, &mut words, unsigned)?);
            }
            "mcast_startup_query_interval" => {
                a.mcast_startup_query_interval = Some(number(key, &mut words, unsigned)?);
            }
            "vlan_protocol" => {
                let word = words.value()?;
                let proto = vlan_protocol_named(word);
                a.vlan_protocol = Some(proto.ok_or_else(|| invarg("invalid vlan_protocol", word))?);
            }
            "vlan_default_pvid" => a.vlan_default_pvid = Some(number(key, &mut words, u16)?),
            "vlan_stats_enabled" => a.vlan_stats_enabled = Some(number(key, &mut words, u8)? != 0),
            "vlan_stats_per_port" => a.vlan_stats_per_port = Some(number(key, &mut words, u8)? != 0),
            "mcast_snooping" => a.mcast_snooping = Some(number(key, &mut words, u8)? != 0),
            "mcast_querier" => a.mcast_querier = Some(number(key, &mut words, u8)? != 0),
            key => return Err(unsupported(key)),
        }
    }
    Ok(a)
}

fn number<T>(key: &str, words: &mut Words<'_>, read: fn(&str) -> Option<T>) -> Result<T, Stop> {
    let word = words.value()?;
    read(word).ok_or_else(|| invarg(&format!("invalid {key}"), word))
}

/// The words of `type bridge_slave`, in the order in which abbreviations are resolved.
#[rustfmt::skip]
const PORT: &[&str] = &[
    "fdb_flush", "state", "priority", "cost", "hairpin", "guard", "root_block", "fastleave", "learning", "flood",
    "mcast_flood", "bcast_flood", "mcast_to_unicast", "proxy_arp", "proxy_arp_wifi", "mcast_router", "mcast_fast_leave",
    "neigh_suppress", "group_fwd_mask", "vlan_tunnel", "isolated", "locked", "backup_port", "nobackup_port", "help",
];

fn port(mut words: Words<'_>) -> Result<(PortAttrs, Option<u8>), Stop> {
    let (mut a, mut state) = (PortAttrs::default(), None);
    while let Some(word) = words.next() {
        let Some(key) = PORT.iter().find(|full| matches(word, full)) else {
            let text = format!("bridge_slave: unknown option \"{word}\"?\n{}", help::BRIDGE_SLAVE);
            return Err(Stop::back(1, text));
        };
        match *key {
            "help" => return Err(Stop::back(1, help::BRIDGE_SLAVE)),
            "state" => state = Some(of_port(key, &mut words, u8)?),
            "priority" => a.priority = Some(of_port(key, &mut words, u16)?),
            "cost" => a.cost = Some(of_port(key, &mut words, unsigned)?),
            "hairpin" => a.hairpin = Some(switch(key, &mut words)?),
            "guard" => a.guard = Some(switch(key, &mut words)?),
            "root_block" => a.root_block = Some(switch(key, &mut words)?),
            "fastleave" | "mcast_fast_leave" => a.fastleave = Some(switch(key, &mut words)?),
            "learning" => a.learning = Some(switch(key, &mut words)?),
            "flood" => a.flood = Some(switch(key, &mut words)?),
            "mcast_flood" => a.mcast_flood = Some(switch(key, &mut words)?),
            "bcast_flood" => a.bcast_flood = Some(switch(key, &mut words)?),
            "isolated" => a.isolated = Some(switch(key, &mut words)?),
            "locked" => a.locked = Some(switch(key, &mut words)?),
            "mcast_router" => a.mcast_router = Some(of_port(key, &mut words, u8)?),
            "neigh_suppress" => a.neigh_suppress = Some(switch(key, &mut words)?),
            key => return Err(unsupported(key)),
        }
    }
    Ok((a, state))
}

fn of_port<T>(key: &str, words: &mut Words<'_>, read: fn(&str) -> Option<T>) -> Result<T, Stop> {
    let word = words.value()?;
    read(word).ok_or_else(|| invarg(&format!("{key} is invalid"), word))
}

fn switch(key: &str, words: &mut Words<'_>) -> Result<bool, Stop> {
    on_off(key, words.value()?).map_err(|text| Stop::exit(1, text))
}
