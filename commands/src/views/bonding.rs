//! What `/proc/net/bonding` and `/sys/class/net/*/bonding` show of bonds.
//!
//! Kernel counterpart: `drivers/net/bonding/bond_procfs.c`, `bond_sysfs.c`, `bond_sysfs_slave.c`. Deliberately absent: bonds
//! that are made by `bonding_masters`; where the machine does not tell, slaves are in the order of their numbers.

use super::{File, text};
use nettwin_model::bond::{BondAttrs, BondSlave, FailOverMac, MiiStatus};
use nettwin_model::link::LinkKind;
use nettwin_model::{IfName, NetnsState, Virtual};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A file of `/proc/net/bonding` for each bond.
pub(super) fn proc_net(netns: &NetnsState, release: &str) -> Vec<(String, String)> {
    let bonds = netns.config.links.keys().filter_map(|name| Some((*name, of(netns, *name)?)));
    bonds.map(|(name, attrs)| (format!("bonding/{name}"), one(netns, name, attrs, release))).collect()
}

fn of(netns: &NetnsState, name: IfName) -> Option<&BondAttrs> {
    match &netns.config.links.get(&name)?.kind {
        LinkKind::Virtual(Virtual::Bond(attrs)) => Some(attrs),
        _ => None,
    }
}

/// A bond's slaves, in the order of coming.
fn slaves(netns: &NetnsState, bond: IfName) -> Vec<(IfName, &BondSlave)> {
    let slave = |name: &IfName| Some((*name, netns.derived.links.get(name)?.bond_slave.as_ref()?));
    if let Some(known) = netns.volatile.slaves.get(&bond) {
        return known.iter().filter_map(slave).collect();
    }
    let of_bond = netns.config.links.iter().filter(|(_, link)| link.master == Some(bond));
    let mut all: Vec<_> = of_bond.filter_map(|(name, _)| slave(name)).collect();
    all.sort_by_key(|(name, _)| netns.derived.links.get(name).map(|derived| derived.ifindex));
    all
}

fn has_carrier(netns: &NetnsState, bond: IfName) -> bool {
    netns.derived.links.get(&bond).is_some_and(|derived| derived.carrier)
}

fn up_or_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

/// `bond_slave_link_status`.
fn status(slave: &BondSlave) -> &'static str {
    match slave.mii_status {
        MiiStatus::Up => "up",
        MiiStatus::GoingDown => "going down",
        MiiStatus::Down => "down",
        MiiStatus::GoingBack => "going back",
    }
}

/// Whether a device says how fast it is: 10 Gbit/s both ways.
fn says_speed(netns: &NetnsState, name: IfName) -> bool {
    match netns.config.links.get(&name).map(|link| &link.kind) {
        Some(LinkKind::Veth { .. } | LinkKind::Virtual(Virtual::Tun(_))) => true,
        Some(LinkKind::Virtual(kind)) => {
            kind.lower().is_some_and(|(_, lower)| *lower != name && says_speed(netns, *lower))
        }
        _ => false,
    }
}

/// `bond_info_show_master`, `bond_info_show_slave`.
fn one(netns: &NetnsState, name: IfName, attrs: &BondAttrs, release: &str) -> String {
    let mut out =
        format!("Ethernet Channel Bonding Driver: v{release}\n\nBonding Mode: fault-tolerance (active-backup)");
    let whose = attrs.fail_over_mac.unwrap_or_default();
    if whose != FailOverMac::None {
        _ = write!(out, " (fail_over_mac {})", whose.word());
    }
    out += "\nPrimary Slave: ";
    match attrs.primary {
        Some(primary) => {
            let when = attrs.primary_reselect.unwrap_or_default();
            _ = write!(out, "{primary} (primary_reselect {})", when.word());
        }
        None => out += "None",
    }
    let active = netns.derived.links.get(&name).and_then(|derived| derived.active_slave);
    let active = active.map_or_else(|| "None".to_owned(), |active| active.to_string());
    let number = |n: Option<u32>| n.unwrap_or(0);
    _ = write!(
        out,
        "\nCurrently Active Slave: {active}\nMII Status: {}\nMII Polling Interval (ms): {}\nUp Delay (ms): {}\n\
         Down Delay (ms): {}\nPeer Notification Delay (ms): {}\n",
        up_or_down(has_carrier(netns, name)),
        number(attrs.miimon),
        number(attrs.updelay),
        number(attrs.downdelay),
        number(attrs.peer_notify_delay),
    );
    for (slave, of) in slaves(netns, name) {
        let (speed, duplex) = if says_speed(netns, slave) { ("10000 Mbps", "full") } else { ("Unknown", "Unknown") };
        _ = write!(
            out,
            "\nSlave Interface: {slave}\nMII Status: {}\nSpeed: {speed}\nDuplex: {duplex}\nLink Failure Count: {}\n\
             Permanent HW addr: {}\nSlave queue ID: 0\n",
            status(of),
            of.failures,
            of.perm_mac,
        );
    }
    out
}

/// What a bond's folder and a slave's have more than others.
pub(super) fn class_net(files: &mut BTreeMap<String, File>, netns: &NetnsState, name: IfName) {
    if let Some(slave) = netns.derived.links.get(&name).and_then(|derived| derived.bond_slave.as_ref()) {
        let master = netns.config.links.get(&name).and_then(|link| link.master);
        if let Some(master) = master {
            files.insert(format!("{name}/master"), File::Link(format!("../{master}")));
        }
        for (key, value) in [
            ("ad_actor_oper_port_state", "N/A".to_owned()),
            ("ad_aggregator_id", "N/A".to_owned()),
            ("ad_partner_oper_port_state", "N/A".to_owned()),
            ("link_failure_count", slave.failures.to_string()),
            ("mii_status", status(slave).to_owned()),
            ("perm_hwaddr", slave.perm_mac.to_string()),
            ("queue_id", "0".to_owned()),
            ("state", if slave.active { "active" } else { "backup" }.to_owned()),
        ] {
            text(files, name, &format!("bonding_slave/{key}"), value);
        }
    }
    let Some(attrs) = of(netns, name) else { return };
    let masters: Vec<String> =
        netns.config.links.keys().filter(|name| of(netns, **name).is_some()).map(IfName::to_string).collect();
    files.insert("bonding_masters".to_owned(), File::Text(masters.join(" ") + "\n"));
    let slaves = slaves(netns, name);
    let all =
        |say: &dyn Fn(&IfName) -> String| slaves.iter().map(|(slave, _)| say(slave)).collect::<Vec<_>>().join(" ");
    let number = |n: Option<u32>| n.unwrap_or(0).to_string();
    let (reselect, whose) = (attrs.primary_reselect.unwrap_or_default(), attrs.fail_over_mac.unwrap_or_default());
    let copies = attrs.num_grat_arp.unwrap_or(0).to_string();
    let active = netns.derived.links.get(&name).and_then(|derived| derived.active_slave);
    let line = |text: String| if text.is_empty() { text } else { text + "\n" };
    let name_line = |name: Option<IfName>| line(name.map_or_else(String::new, |name| name.to_string()));
    for key in [
        "actor_key",
        "actor_sys_prio",
        "actor_system",
        "aggregator",
        "num_ports",
        "partner_key",
        "partner_mac",
        "user_port_key",
    ] {
        files.insert(format!("{name}/bonding/ad_{key}"), File::Text(String::new()));
    }
    files.insert(format!("{name}/bonding/arp_ip_target"), File::Text(String::new()));
    files.insert(format!("{name}/bonding/active_slave"), File::Text(name_line(active)));
    files.insert(format!("{name}/bonding/primary"), File::Text(name_line(attrs.primary)));
    files.insert(format!("{name}/bonding/slaves"), File::Text(line(all(&|slave| slave.to_string()))));
    files.insert(format!("{name}/bonding/queue_id"), File::Text(line(all(&|slave| format!("{slave}:0")))));
    for (key, value) in [
        ("ad_select", "stable 0".to_owned()),
        ("all_slaves_active", attrs.all_slaves_active.unwrap_or(0).to_string()),
        ("arp_all_targets", "any 0".to_owned()),
        ("arp_interval", "0".to_owned()),
        ("arp_missed_max", "2".to_owned()),
        ("arp_validate", "none 0".to_owned()),
        ("downdelay", number(attrs.downdelay)),
        ("fail_over_mac", format!("{} {}", whose.word(), whose as u8)),
        ("lacp_active", "on 1".to_owned()),
        ("lacp_rate", "slow 0".to_owned()),
        ("lp_interval", number(attrs.lp_interval)),
        ("mii_status", up_or_down(has_carrier(netns, name)).to_owned()),
        ("miimon", number(attrs.miimon)),
        ("min_links", number(attrs.min_links)),
        ("mode", "active-backup 1".to_owned()),
        ("num_grat_arp", copies.clone()),
        ("num_unsol_na", copies),
        ("packets_per_slave", "1".to_owned()),
        ("peer_notif_delay", number(attrs.peer_notify_delay)),
        ("primary_reselect", format!("{} {}", reselect.word(), reselect as u8)),
        ("resend_igmp", number(attrs.resend_igmp)),
        ("tlb_dynamic_lb", "1".to_owned()),
        ("updelay", number(attrs.updelay)),
        ("use_carrier", "1".to_owned()),
        ("xmit_hash_policy", "layer2 0".to_owned()),
    ] {
        text(files, name, &format!("bonding/{key}"), value);
    }
}
