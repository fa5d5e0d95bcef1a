//! What `/proc/net` and `/sys/class/net` show of a namespace.
//!
//! Kernel counterpart: `fib_route_seq_show()`, `arp_format_neigh_entry()`, `dev_seq_show()`, `net/core/net-sysfs.c`,
//! `net/bridge/br_sysfs_br.c`. Deliberately absent: the other files of `/proc/net`; timers, queues
//! and what cannot be read as a file; that an interface's folder is a link.

mod bonding;

use nettwin_model::link::{LinkKind, LinkTraits, OperState};
use nettwin_model::neigh::{Neigh, Nud};
use nettwin_model::route::{RouteKind, TABLE_MAIN};
use nettwin_model::snapshot::{CarrierCounts, LinkConfig, LinkDerived, LinkStats};
use nettwin_model::{IfName, LinkGroups, Mac, Metric, NetnsState, Route, Virtual};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

/// A file of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// With this content.
    Text(String),
    /// A link to there.
    Link(String),
}

/// The files of `/proc/net` by name, of a kernel of this release.
pub fn proc_net(netns: &NetnsState, groups: &[LinkGroups], release: &str) -> BTreeMap<String, File> {
    let files = [
        ("arp", arp(netns)),
        ("dev", dev(netns)),
        ("route", route(netns)),
        ("igmp", igmp(groups)),
        ("dev_mcast", dev_mcast(groups)),
    ];
    let bonds = bonding::proc_net(netns, release);
    files
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .chain(bonds)
        .map(|(n, t)| (n, File::Text(t)))
        .collect()
}

/// Who has joined which groups.
fn igmp(groups: &[LinkGroups]) -> String {
    let mut out = String::from("Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
    for of in groups.iter().filter(|of| !of.groups.is_empty()) {
        let (count, querier) = (of.groups.len(), format!("V{}", of.version));
        out += &format!("{}\t{:<10}: {count:5} {querier:>7}\n", of.ifindex, of.dev.as_str());
        for group in &of.groups {
            let (addr, reporter) = (as_in_memory(group.group.to_bits()), u8::from(group.reporter));
            out += &format!("\t\t\t\t{addr:08X} {:5} 0:00000000\t\t{reporter}\n", group.users);
        }
    }
    out
}

/// Which hardware addresses of groups are taken.
fn dev_mcast(groups: &[LinkGroups]) -> String {
    let mut out = String::new();
    for of in groups {
        for mac in &of.macs {
            let digits: String = mac.mac.0.iter().map(|byte| format!("{byte:02x}")).collect();
            let (dev, by_hand) = (of.dev.as_str(), u8::from(mac.by_hand));
            out += &format!("{:<4} {dev:<15} {:<5} {by_hand:<5} {digits}\n", of.ifindex, mac.users);
        }
    }
    out
}

/// The files of `/sys/class/net` by path.
pub fn class_net(netns: &NetnsState) -> BTreeMap<String, File> {
    let mut files = BTreeMap::new();
    for (name, config) in &netns.config.links {
        let Some(derived) = netns.derived.links.get(name) else { continue };
        let stats = netns.volatile.stats.get(name).copied().unwrap_or_default();
        let traits = netns.config.traits.get(name).cloned().unwrap_or_default();
        let carriers = netns.volatile.carriers.get(name).copied().unwrap_or_default();
        interface(&mut files, *name, (config, derived, &traits), stats, carriers);
        bonding::class_net(&mut files, netns, *name);
        if let Some(attrs) = &config.bridge {
            let mut add = |key: &str, value: String| text(&mut files, *name, &format!("bridge/{key}"), value);
            let number = |n: Option<u32>| n.unwrap_or(0).to_string();
            let flag = |b: Option<bool>| u8::from(b.unwrap_or(false)).to_string();
            add("stp_state", flag(attrs.stp_state));
            add("forward_delay", number(attrs.forward_delay));
            add("hello_time", number(attrs.hello_time));
            add("max_age", number(attrs.max_age));
            add("ageing_time", number(attrs.ageing_time));
            add("priority", attrs.priority.unwrap_or(0).to_string());
            if let Some(bridge) = &derived.bridge {
                add("bridge_id", bridge.id.to_string());
                add("root_id", bridge.root.to_string());
                add("root_path_cost", bridge.root_path_cost.to_string());
                add("root_port", bridge.root_port.to_string());
            }
            add("multicast_querier", flag(attrs.mcast_querier));
            add("group_fwd_mask", format!("{:#x}", attrs.group_fwd_mask.unwrap_or(0)));
            add("multicast_snooping", flag(attrs.mcast_snooping));
            add("vlan_filtering", flag(attrs.vlan_filtering));
            if let Some(proto) = attrs.vlan_protocol {
                add("vlan_protocol", format!("{proto:#06x}"));
                add("default_pvid", attrs.vlan_default_pvid.unwrap_or(0).to_string());
                add("vlan_stats_enabled", flag(attrs.vlan_stats_enabled));
                add("vlan_stats_per_port", flag(attrs.vlan_stats_per_port));
            }
            for (port, of) in &netns.config.links {
                if of.master == Some(*name) {
                    files.insert(format!("{name}/brif/{port}"), File::Link(format!("../../{port}/brport")));
                }
            }
        }
        if let (Some(attrs), Some(master)) = (&config.port, config.master) {
            files.insert(format!("{name}/master"), File::Link(format!("../{master}")));
            files.insert(format!("{name}/brport/bridge"), File::Link(format!("../../{master}")));
            let mut add = |key: &str, value: String| text(&mut files, *name, &format!("brport/{key}"), value);
            add("path_cost", attrs.cost.unwrap_or(0).to_string());
            add("priority", attrs.priority.unwrap_or(0).to_string());
            for (key, value) in [
                ("hairpin_mode", attrs.hairpin),
                ("learning", attrs.learning),
                ("unicast_flood", attrs.flood),
                ("multicast_flood", attrs.mcast_flood),
                ("broadcast_flood", attrs.bcast_flood),
                ("bpdu_guard", attrs.guard),
                ("root_block", attrs.root_block),
                ("multicast_fast_leave", attrs.fastleave),
                ("isolated", attrs.isolated),
                ("neigh_suppress", attrs.neigh_suppress),
            ] {
                add(key, u8::from(value.unwrap_or(false)).to_string());
            }
            add("multicast_router", attrs.mcast_router.unwrap_or(1).to_string());
            if let Some(port) = &derived.port {
                add("port_no", format!("{:#x}", port.number));
                let id = u32::from(attrs.priority.unwrap_or(0)) << 10 | u32::from(port.number);
                add("port_id", format!("{id:#x}"));
                add("state", (port.state as u8).to_string());
            }
        }
    }
    files
}

fn text(files: &mut BTreeMap<String, File>, name: IfName, key: &str, value: String) {
    files.insert(format!("{name}/{key}"), File::Text(value + "\n"));
}

fn interface(
    files: &mut BTreeMap<String, File>,
    name: IfName,
    (config, derived, traits): (&LinkConfig, &LinkDerived, &LinkTraits),
    stats: LinkStats,
    carriers: CarrierCounts,
) {
    let is_loopback = config.kind == LinkKind::Loopback;
    let mut add = |key: &str, value: String| text(files, name, key, value);
    let has_mac = config.kind.has_mac();
    let of_mac = |text: String| if has_mac { text } else { String::new() };
    add("address", of_mac(derived.mac.to_string()));
    add("addr_len", if has_mac { "6" } else { "0" }.into());
    add("broadcast", of_mac(if is_loopback { Mac::ZERO } else { Mac::BROADCAST }.to_string()));
    add("mtu", derived.mtu.to_string());
    add("operstate", derived.operstate.word().to_lowercase());
    // Linux answers EINVAL for an interface that is down; a file can only be empty.
    add("carrier", if config.up { u8::from(derived.carrier).to_string() } else { String::new() });
    add("ifindex", derived.ifindex.to_string());
    add("iflink", derived.link_ifindex.unwrap_or(derived.ifindex).to_string());
    let bit = |set: bool, bit: u32| if set { bit } else { 0 };
    let is_port = config.port.is_some();
    let flags = bit(config.up, 1)
        | match () {
            () if is_loopback => 8,
            () if has_mac => 2,
            () => 0x10,
        }
        | bit(config.kind.has_arp() == traits.no_arp, 0x80)
        | bit(traits.promisc || is_port, 0x100)
        | bit(traits.allmulti || is_port, 0x200)
        | bit(matches!(&config.kind, LinkKind::Virtual(kind) if kind.is_master()), 0x400)
        | bit(derived.bond_slave.is_some(), 0x800)
        | bit(config.kind.has_multicast() != traits.no_multicast, 0x1000);
    add("flags", format!("{flags:#x}"));
    let hardware = match () {
        () if is_loopback => "772",
        () if has_mac => "1",
        () => "65534",
    };
    add("type", hardware.into());
    add("tx_queue_len", traits.txqueuelen.to_string());
    add("netdev_group", traits.group.to_string());
    // Without one there is not even a line's end.
    let alias = traits.alias.as_ref().map_or(String::new(), |alias| format!("{alias}\n"));
    files.insert(format!("{name}/ifalias"), File::Text(alias));
    let mut add = |key: &str, value: String| text(files, name, key, value);
    add("carrier_changes", carriers.ups.wrapping_add(carriers.downs).to_string());
    add("carrier_up_count", carriers.ups.to_string());
    add("carrier_down_count", carriers.downs.to_string());
    add(
        "dormant",
        if config.up { u8::from(derived.operstate == OperState::Dormant).to_string() } else { String::new() },
    );
    for (key, value) in [("dev_id", "0x0"), ("dev_port", "0"), ("link_mode", "0"), ("proto_down", "0")] {
        add(key, value.into());
    }
    let devtype = match &config.kind {
        LinkKind::Loopback | LinkKind::Veth { .. } | LinkKind::Virtual(Virtual::Dummy) => String::new(),
        kind => format!("DEVTYPE={}\n", kind.word()),
    };
    add("uevent", format!("{devtype}INTERFACE={name}\nIFINDEX={}", derived.ifindex));
    if matches!(config.kind, LinkKind::Veth { .. }) {
        add("speed", "10000".into());
        add("duplex", "full".into());
    }
    if let LinkKind::Virtual(Virtual::Tun(tun)) = &config.kind {
        let mode = if has_mac { 2 } else { 1 };
        let persist = 0x800;
        let flags = mode | persist | bit(!tun.pi, 0x1000) | bit(tun.vnet_hdr, 0x4000) | bit(tun.multi_queue, 0x100);
        add("tun_flags", format!("{flags:#x}"));
        let number = |id: Option<u32>| id.map_or(-1, i64::from).to_string();
        add("owner", number(tun.user));
        add("group", number(tun.group));
    }
    for (key, value) in [
        ("rx_packets", stats.rx_packets),
        ("rx_bytes", stats.rx_bytes),
        ("rx_dropped", stats.rx_dropped),
        ("rx_errors", 0),
        ("collisions", 0),
        ("multicast", 0),
        ("tx_packets", stats.tx_packets),
        ("tx_bytes", stats.tx_bytes),
        ("tx_dropped", stats.tx_dropped),
        ("tx_errors", 0),
    ] {
        add(&format!("statistics/{key}"), value.to_string());
    }
}

fn dev(netns: &NetnsState) -> String {
    let mut out = String::from(
        "Inter-|   Receive                                                |  Transmit\n \
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier \
         compressed\n",
    );
    let mut links: Vec<(&IfName, &LinkDerived)> = netns.derived.links.iter().collect();
    links.sort_by_key(|(_, derived)| derived.ifindex);
    for (name, _) in links {
        let s = netns.volatile.stats.get(name).copied().unwrap_or_default();
        let _ = writeln!(
            out,
            "{name:>6}: {:>7} {:>7} {:>4} {:>4} {:>4} {:>5} {:>10} {:>9} {:>8} {:>7} {:>4} {:>4} {:>4} {:>5} {:>7} {:>10}",
            s.rx_bytes,
            s.rx_packets,
            0,
            s.rx_dropped,
            0,
            0,
            0,
            0,
            s.tx_bytes,
            s.tx_packets,
            0,
            s.tx_dropped,
            0,
            0,
            0,
            0,
        );
    }
    out
}

fn arp(netns: &NetnsState) -> String {
    let mut out = String::from("IP address       HW type     Flags       HW address            Mask     Device\n");
    let mut add = |neigh: &Neigh| {
        let flags = match neigh.state {
            Nud::Permanent => 6,
            Nud::Incomplete | Nud::Failed | Nud::None => 0,
            _ => 2,
        };
        let mac = neigh.lladdr.unwrap_or_default();
        let _ = writeln!(
            out,
            "{:<16} 0x{:<10x}0x{flags:<10x}{mac:<17}     *        {}",
            neigh.dst.to_string(),
            1,
            neigh.dev
        );
    };
    netns.volatile.neighs.iter().for_each(&mut add);
    netns.config.neighs.iter().filter(|neigh| !neigh.proxy).for_each(&mut add);
    out
}

fn route(netns: &NetnsState) -> String {
    let mut out = padded("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    let shown = |r: &&Route| r.table == TABLE_MAIN && !matches!(r.kind, RouteKind::Broadcast | RouteKind::Multicast);
    for route in crate::route::sorted(netns).into_iter().filter(shown) {
        let Some((dst, len)) = route.dst.v4() else { continue };
        let hop = route.nexthops.first();
        let via = hop.and_then(|hop| hop.via).filter(|via| !via.is_unspecified());
        let mut flags = 1;
        if matches!(route.kind, RouteKind::Unreachable | RouteKind::Prohibit) {
            flags |= 0x200;
        }
        if via.is_some() {
            flags |= 2;
        }
        if len == 32 {
            flags |= 4;
        }
        let gateway = match via {
            Some(IpAddr::V4(via)) => as_in_memory(u32::from(via)),
            _ => 0,
        };
        let mtu = route.advmss.map_or(0, |mss| mss + 40);
        let dev = hop.and_then(|hop| hop.dev).map_or("*".to_owned(), |dev| dev.to_string());
        out.push_str(&padded(&format!(
            "{dev}\t{:08X}\t{gateway:08X}\t{flags:04X}\t0\t0\t{}\t{:08X}\t{mtu}\t{}\t{}",
            as_in_memory(u32::from(dst)),
            route.metric,
            as_in_memory(nettwin_model::addr::mask_v4(len)),
            route.metrics.value(Metric::Window),
            route.metrics.value(Metric::Rtt) / 8,
        )));
    }
    out
}

/// The number whose bytes lie in memory as the address travels: Linux prints those of the machine that most people have.
fn as_in_memory(addr: u32) -> u32 {
    addr.swap_bytes()
}

/// `seq_setwidth(127)`: padded with spaces.
fn padded(line: &str) -> String {
    format!("{line:<127}\n")
}
