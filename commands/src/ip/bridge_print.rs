//! What `-d` says of a link's kind: a bridge's and a port's attributes.
//!
//! Counterpart: `print_linktype()` of `ip/ipaddress.c`, `bridge_print_opt()` of `ip/iplink_bridge.c`, `bridge_slave_print_opt()` of
//! `ip/iplink_bridge_slave.c`. Attributes that the model does not have are printed as the kernel has them by default, which is how
//! every bridge here is.

use super::link_print::Link;
use super::{macvlan, vlan, vrf};
use crate::iproute::page::{Page, Value};
use nettwin_model::bridge::{BridgeStatus, PortStatus};
use nettwin_model::link::{BridgeId, LinkKind};
use nettwin_model::snapshot::{BridgeDerived, PortDerived};
use nettwin_model::{BridgeAttrs, IfName, PortAttrs, Virtual};
use std::collections::BTreeMap;

/// The lines of a link's kind and of its master's.
pub(super) fn kind(
    page: &mut Page,
    link: Link<'_>,
    bridges: &BTreeMap<IfName, BridgeStatus>,
    master: Option<&LinkKind>,
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
        of_virtual(page, of);
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
    page.close_object();
}

/// What the kernel shows of a device of software alone.
fn of_virtual(page: &mut Page, of: &Virtual) {
    if *of == Virtual::Dummy {
        return;
    }
    page.open_object("info_data");
    match of {
        Virtual::Dummy => {}
        Virtual::Vlan(of) => vlan::print(page, of),
        Virtual::Macvlan(of) => macvlan::print(page, of.mode),
        Virtual::Vrf { table } => vrf::print(page, *table),
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

fn bridge(page: &mut Page, a: &BridgeAttrs, d: &BridgeDerived, s: &BridgeStatus) {
    let a = a.or(&BridgeAttrs::kernel_default());
    same(page, "forward_delay", a.forward_delay.unwrap_or_default());
    same(page, "hello_time", a.hello_time.unwrap_or_default());
    same(page, "max_age", a.max_age.unwrap_or_default());
    same(page, "ageing_time", a.ageing_time.unwrap_or_default());
    same(page, "stp_state", a.stp_state == Some(true));
    same(page, "priority", a.priority.unwrap_or_default());
    same(page, "vlan_filtering", a.vlan_filtering == Some(true));
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
    hex(page, "group_fwd_mask", "group_fwd_mask", a.group_fwd_mask.unwrap_or_default());
    text(page, "group_addr", "group_address", "01:80:c2:00:00:00");
    same(page, "mcast_snooping", a.mcast_snooping == Some(true));
    same(page, "no_linklocal_learn", 0u32);
    same(page, "mcast_vlan_snooping", 0u32);
    same(page, "mcast_router", 1u32);
    same(page, "mcast_query_use_ifaddr", 0u32);
    same(page, "mcast_querier", a.mcast_querier == Some(true));
    for (key, shown, value) in [
        ("mcast_hash_elasticity", "mcast_hash_elasticity", 16u32),
        ("mcast_hash_max", "mcast_hash_max", 4096),
        ("mcast_last_member_cnt", "mcast_last_member_count", 2),
        ("mcast_startup_query_cnt", "mcast_startup_query_count", 2),
        ("mcast_last_member_intvl", "mcast_last_member_interval", 100),
        ("mcast_membership_intvl", "mcast_membership_interval", 26000),
        ("mcast_querier_intvl", "mcast_querier_interval", 25500),
        ("mcast_query_intvl", "mcast_query_interval", 12500),
        ("mcast_query_response_intvl", "mcast_query_response_interval", 1000),
        ("mcast_startup_query_intvl", "mcast_startup_query_interval", 3124),
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
    number(page, "multicast_router", "mcast_router", 1u32);
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
