//! What `-d` says of a link's kind: a bridge's and a port's attributes.
//!
//! Counterpart: `print_linktype()` of `ip/ipaddress.c`, `bridge_print_opt()` of `ip/iplink_bridge.c`, `bridge_slave_print_opt()` of
//! `ip/iplink_bridge_slave.c`. Attributes that the model does not have are printed as the kernel has them by default, which is how
//! every bridge here is.

use super::link_print::Link;
use super::{bond, macvlan, tuntap, vlan, vrf, vxlan};
use crate::iproute::page::{Page, Value};
use crate::names::Accounts;
use nettwin_model::bridge::{BridgeStatus, PortStatus};
use nettwin_model::link::{BridgeId, LinkKind};
use nettwin_model::snapshot::{BridgeDerived, PortDerived};
use nettwin_model::vlan::PROTO_8021AD;
use nettwin_model::words::link::vlan_protocol_word;
use nettwin_model::{BridgeAttrs, IfName, PortAttrs, Virtual};
use std::collections::BTreeMap;

/// The lines of a link's kind and of its master's.
pub(super) fn kind(
    page: &mut Page,
    link: Link<'_>,
    bridges: &BTreeMap<IfName, BridgeStatus>,
    master: Option<&LinkKind>,
    accounts: &Accounts,
) {
    page.open_object("linkinfo");
    let word = link.config.kind.word();
    page.nl();
    page.say("info_kind", word, format_args!("    {word} "));
    if let (LinkKind::Bridge, Some(attrs), Some(derived)) =
        (&link.config.kind, &link.config.bridge, &link.derived.bridge)
    {
        let status = bridges.get(&link.name).cloned().unwrap_or_default();
        page.open_object("info_data");
        bridge(page, attrs, derived, &status);
        page.close_object();
    }
    if let LinkKind::Virtual(of) = &link.config.kind {
        of_virtual(page, of, link.derived.active_slave, accounts);
    }
    if let (Some(master), Some(attrs), Some(derived)) = (link.config.master, &link.config.port, &link.derived.port) {
        let status = bridges.get(&master).and_then(|bridge| bridge.ports.get(&link.name)).cloned().unwrap_or_default();
        page.nl();
        page.say("info_slave_kind", "bridge", format_args!("    bridge_slave "));
        page.open_object("info_slave_data");
        port(page, attrs, derived, &status);
        page.close_object();
    }
    if let Some(LinkKind::Virtual(Virtual::Vrf { table })) = master {
        page.nl();
        page.say("info_slave_kind", "vrf", format_args!("    vrf_slave "));
        page.open_object("info_slave_data");
        vrf::print(page, *table);
        page.close_object();
    }
    if let Some(slave) = &link.derived.bond_slave {
        page.nl();
        page.say("info_slave_kind", "bond", format_args!("    bond_slave "));
        page.open_object("info_slave_data");
        bond::print_slave(page, slave);
        page.close_object();
    }
    page.close_object();
}

/// What the kernel shows of a device of software alone.
fn of_virtual(page: &mut Page, of: &Virtual, active: Option<IfName>, accounts: &Accounts) {
    if *of == Virtual::Dummy {
        return;
    }
    page.open_object("info_data");
    match of {
        Virtual::Dummy => {}
        Virtual::Vlan(of) => vlan::print(page, of),
        Virtual::Macvlan(of) => macvlan::print(page, of),
        Virtual::Vrf { table } => vrf::print(page, *table),
        Virtual::Tun(of) => tuntap::print(page, of, accounts),
        Virtual::Bond(attrs) => bond::print(page, attrs, active),
        Virtual::Vxlan(of) => vxlan::print(page, of),
    }
    page.close_object();
}

/// An identifier as iproute2 prints it: without leading zeros in the address.
fn id(id: BridgeId) -> String {
    let [a, b, c, d, e, f] = id.mac.0;
    format!("{:04x}.{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}", id.priority)
}

fn number(page: &mut Page, key: &str, text: &str, value: impl Into<u64>) {
    let value = value.into();
    page.say(key, value, format_args!("{text} {value} "));
}

fn same(page: &mut Page, key: &str, value: impl Into<u64>) {
    number(page, key, key, value);
}

fn text(page: &mut Page, key: &str, shown: &str, value: &str) {
    page.say(key, value, format_args!("{shown} {value} "));
}

/// Hundredths of a second.
fn timer(page: &mut Page, key: &str, value: u32) {
    let (whole, part) = (value / 100, value % 100);
    page.say(key, Value::Hundredths(value.into()), format_args!("{key} {whole:4}.{part:02} "));
}

fn hex(page: &mut Page, key: &str, shown: &str, value: u16) {
    // `%#x` of zero has no prefix.
    let value = if value == 0 { "0".to_owned() } else { format!("{value:#x}") };
    text(page, key, shown, &value);
}

fn switch(page: &mut Page, key: &str, on: bool) {
    page.say(key, on, format_args!("{key} {} ", on_off(on)));
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What is not said of a bridge is as it is by default, but for VLANs, of which some kernels say nothing.
fn filled() -> BridgeAttrs {
    BridgeAttrs {
        vlan_protocol: None,
        vlan_default_pvid: None,
        vlan_stats_enabled: None,
        vlan_stats_per_port: None,
        ..BridgeAttrs::kernel_default()
    }
}

/// The usual time between the first queries as it reads back from ticks of 4 ms.
const STARTUP: u32 = 3124;

fn bridge(page: &mut Page, a: &BridgeAttrs, d: &BridgeDerived, s: &BridgeStatus) {
    let a = a.or(&BridgeAttrs { mcast_startup_query_interval: Some(STARTUP), ..filled() });
    same(page, "forward_delay", a.forward_delay.unwrap_or_default());
    same(page, "hello_time", a.hello_time.unwrap_or_default());
    same(page, "max_age", a.max_age.unwrap_or_default());
    same(page, "ageing_time", a.ageing_time.unwrap_or_default());
    same(page, "stp_state", a.stp_state == Some(true));
    same(page, "priority", a.priority.unwrap_or_default());
    same(page, "vlan_filtering", a.vlan_filtering == Some(true));
    if let Some(proto) = a.vlan_protocol {
        text(page, "vlan_protocol", "vlan_protocol", vlan_protocol_word(proto));
    }
    text(page, "bridge_id", "bridge_id", &id(d.id));
    // iproute2 prints the bridge's own identifier here.
    text(page, "root_id", "designated_root", &id(d.id));
    same(page, "root_port", d.root_port);
    same(page, "root_path_cost", d.root_path_cost);
    same(page, "topology_change", s.topology_change);
    same(page, "topology_change_detected", s.topology_change_detected);
    timer(page, "hello_timer", s.hello_timer);
    timer(page, "tcn_timer", s.tcn_timer);
    timer(page, "topology_change_timer", s.topology_change_timer);
    timer(page, "gc_timer", s.gc_timer);
    let counts = |on: Option<bool>| on.map(u32::from);
    for (key, value) in [
        ("vlan_default_pvid", a.vlan_default_pvid.map(u32::from)),
        ("vlan_stats_enabled", counts(a.vlan_stats_enabled)),
        ("vlan_stats_per_port", counts(a.vlan_stats_per_port)),
    ] {
        if let Some(value) = value {
            same(page, key, value);
        }
    }
    hex(page, "group_fwd_mask", "group_fwd_mask", a.group_fwd_mask.unwrap_or_default());
    let provider = a.vlan_filtering == Some(true) && a.vlan_protocol == Some(PROTO_8021AD);
    let group = if provider { "01:80:c2:00:00:08" } else { "01:80:c2:00:00:00" };
    text(page, "group_addr", "group_address", group);
    same(page, "mcast_snooping", a.mcast_snooping == Some(true));
    same(page, "no_linklocal_learn", 0u32);
    same(page, "mcast_vlan_snooping", 0u32);
    same(page, "mcast_router", a.mcast_router.unwrap_or_default());
    same(page, "mcast_query_use_ifaddr", 0u32);
    same(page, "mcast_querier", a.mcast_querier == Some(true));
    let said = |value: Option<u32>| value.unwrap_or_default();
    for (key, shown, value) in [
        ("mcast_hash_elasticity", "mcast_hash_elasticity", 16u32),
        ("mcast_hash_max", "mcast_hash_max", 4096),
        ("mcast_last_member_cnt", "mcast_last_member_count", said(a.mcast_last_member_count)),
        ("mcast_startup_query_cnt", "mcast_startup_query_count", said(a.mcast_startup_query_count)),
        ("mcast_last_member_intvl", "mcast_last_member_interval", said(a.mcast_last_member_interval)),
        ("mcast_membership_intvl", "mcast_membership_interval", said(a.mcast_membership_interval)),
        ("mcast_querier_intvl", "mcast_querier_interval", said(a.mcast_querier_interval)),
        ("mcast_query_intvl", "mcast_query_interval", said(a.mcast_query_interval)),
        ("mcast_query_response_intvl", "mcast_query_response_interval", said(a.mcast_query_response_interval)),
        ("mcast_startup_query_intvl", "mcast_startup_query_interval", said(a.mcast_startup_query_interval)),
        ("mcast_stats_enabled", "mcast_stats_enabled", 0),
        ("mcast_igmp_version", "mcast_igmp_version", 2),
        ("mcast_mld_version", "mcast_mld_version", 1),
        ("nf_call_iptables", "nf_call_iptables", 0),
        ("nf_call_ip6tables", "nf_call_ip6tables", 0),
        ("nf_call_arptables", "nf_call_arptables", 0),
    ] {
        number(page, key, shown, value);
    }
}

fn port(page: &mut Page, a: &PortAttrs, d: &PortDerived, s: &PortStatus) {
    let a = a.or(&PortAttrs::kernel_default());
    let on = |value: Option<bool>| value == Some(true);
    text(page, "state", "state", d.state.word());
    same(page, "priority", a.priority.unwrap_or_default());
    same(page, "cost", a.cost.unwrap_or_default());
    switch(page, "hairpin", on(a.hairpin));
    switch(page, "guard", on(a.guard));
    switch(page, "root_block", on(a.root_block));
    switch(page, "fastleave", on(a.fastleave));
    switch(page, "learning", on(a.learning));
    switch(page, "flood", on(a.flood));
    hex(page, "id", "port_id", s.id);
    hex(page, "no", "port_no", d.number);
    same(page, "designated_port", s.designated_port);
    same(page, "designated_cost", s.designated_cost);
    text(page, "bridge_id", "designated_bridge", &id(s.designated_bridge));
    text(page, "root_id", "designated_root", &id(s.designated_root));
    timer(page, "hold_timer", s.hold_timer);
    timer(page, "message_age_timer", s.message_age_timer);
    timer(page, "forward_delay_timer", s.forward_delay_timer);
    same(page, "topology_change_ack", s.topology_change_ack);
    same(page, "config_pending", s.config_pending);
    switch(page, "proxy_arp", false);
    switch(page, "proxy_arp_wifi", false);
    number(page, "multicast_router", "mcast_router", a.mcast_router.unwrap_or_default());
    page.text(format_args!("mcast_fast_leave {} ", on_off(on(a.fastleave))));
    switch(page, "mcast_flood", on(a.mcast_flood));
    switch(page, "bcast_flood", on(a.bcast_flood));
    switch(page, "mcast_to_unicast", false);
    switch(page, "neigh_suppress", on(a.neigh_suppress));
    hex(page, "group_fwd_mask", "group_fwd_mask", 0);
    text(page, "group_fwd_mask_str", "group_fwd_mask_str", "0x0");
    switch(page, "vlan_tunnel", false);
    switch(page, "isolated", on(a.isolated));
    switch(page, "locked", on(a.locked));
}
