//! What `brctl` prints.
//!
//! Counterpart: `brctl_disp.c` and the `show` functions of `brctl_cmd.c`.

use nettwin_model::bridge::{BridgeStatus, PortStatus};
use nettwin_model::snapshot::BridgeDerived;
use nettwin_model::{FdbKind, IfName, NetnsState, PortState};
use std::fmt::Write;

/// `brctl show` of these bridges; nothing at all without one.
pub(super) fn show(netns: &NetnsState, bridges: &[IfName]) -> String {
    let mut out = String::new();
    if !bridges.is_empty() {
        out.push_str("bridge name\tbridge id\t\tSTP enabled\tinterfaces\n");
    }
    for name in bridges {
        let Some(bridge) = derived(netns, *name) else { continue };
        let stp = netns.config.links.get(name).and_then(|c| c.bridge.as_ref()?.stp_state).unwrap_or(false);
        let _ = write!(out, "{name}\t\t{}\t{}\t\t", bridge.id, if stp { "yes" } else { "no" });
        let mut ports = netns.config.links.iter().filter(|(_, c)| c.master == Some(*name)).map(|(port, _)| port);
        match ports.next() {
            Some(first) => {
                let _ = writeln!(out, "{first}");
                for port in ports {
                    let _ = writeln!(out, "\t\t\t\t\t\t\t{port}");
                }
            }
            None => out.push('\n'),
        }
    }
    out
}

/// `brctl showmacs`: what is behind a port, by MAC.
pub(super) fn macs(netns: &NetnsState, status: &BridgeStatus) -> String {
    let mut out = String::from("port no\tmac addr\t\tis local?\tageing timer\n");
    let mut rows: Vec<_> = status.fdb.iter().filter(|aged| aged.entry.dev != aged.entry.bridge).collect();
    rows.sort_by_key(|aged| aged.entry.mac);
    for row in rows {
        let e = &row.entry;
        let number = netns.derived.links.get(&e.dev).and_then(|d| d.port.as_ref()).map_or(0, |p| p.number);
        let local = if e.kind == FdbKind::Permanent { "yes" } else { "no" };
        let age = if e.kind == FdbKind::Learned { row.age } else { 0 };
        let _ = writeln!(out, "{number:>3}\t{}\t{local}\t\t{}", e.mac, time(age));
    }
    out
}

/// `brctl showstp`.
pub(super) fn stp(netns: &NetnsState, name: IfName, s: &BridgeStatus) -> String {
    let mut out = String::new();
    let (Some(bridge), Some(attrs)) =
        (derived(netns, name), netns.config.links.get(&name).and_then(|link| link.bridge.as_ref()))
    else {
        return out;
    };
    let setting = |value: Option<u32>| time(value.unwrap_or(0));
    let (max_age, hello, delay) = (setting(attrs.max_age), setting(attrs.hello_time), setting(attrs.forward_delay));
    let mut flags = String::new();
    if s.topology_change {
        flags.push_str("TOPOLOGY_CHANGE ");
    }
    if s.topology_change_detected {
        flags.push_str("TOPOLOGY_CHANGE_DETECTED ");
    }
    let _ = write!(
        out,
        "{name}\n \
         bridge id\t\t{}\n \
         designated root\t{}\n \
         root port\t\t{:>4}\t\t\tpath cost\t\t{:>4}\n \
         max age\t\t{max_age}\t\t\tbridge max age\t\t{max_age}\n \
         hello time\t\t{hello}\t\t\tbridge hello time\t{hello}\n \
         forward delay\t\t{delay}\t\t\tbridge forward delay\t{delay}\n \
         ageing time\t\t{}\n \
         hello timer\t\t{}\t\t\ttcn timer\t\t{}\n \
         topology change timer\t{}\t\t\tgc timer\t\t{}\n \
         flags\t\t\t{flags}\n\n\n",
        bridge.id,
        bridge.root,
        bridge.root_port,
        bridge.root_path_cost,
        setting(attrs.ageing_time),
        time(s.hello_timer),
        time(s.tcn_timer),
        time(s.topology_change_timer),
        time(s.gc_timer),
    );
    for (port, status) in &s.ports {
        stp_port(&mut out, netns, *port, status);
    }
    out
}

fn stp_port(out: &mut String, netns: &NetnsState, name: IfName, s: &PortStatus) {
    let derived = netns.derived.links.get(&name).and_then(|link| link.port.as_ref());
    let attrs = netns.config.links.get(&name).and_then(|link| link.port.as_ref());
    let mut flags = String::new();
    if s.config_pending {
        flags.push_str("CONFIG_PENDING ");
    }
    if s.topology_change_ack {
        flags.push_str("TOPOLOGY_CHANGE_ACK ");
    }
    let hairpin = attrs.is_some_and(|a| a.hairpin == Some(true));
    let _ = write!(
        out,
        "{name} ({})\n \
         port id\t\t{:04x}\t\t\tstate\t\t{:>15}\n \
         designated root\t{}\tpath cost\t\t{:>4}\n \
         designated bridge\t{}\tmessage age timer\t{}\n \
         designated port\t{:04x}\t\t\tforward delay timer\t{}\n \
         designated cost\t{:>4}\t\t\thold timer\t\t{}\n \
         flags\t\t\t{flags}\n{}\n",
        derived.map_or(0, |p| p.number),
        s.id,
        derived.map_or(PortState::Disabled, |p| p.state).word(),
        s.designated_root,
        attrs.and_then(|a| a.cost).unwrap_or(0),
        s.designated_bridge,
        time(s.message_age_timer),
        s.designated_port,
        time(s.forward_delay_timer),
        s.designated_cost,
        time(s.hold_timer),
        if hairpin { " hairpin mode\t\t   1\n" } else { "" },
    );
}

fn derived(netns: &NetnsState, name: IfName) -> Option<&BridgeDerived> {
    netns.derived.links.get(&name)?.bridge.as_ref()
}

/// Hundredths of a second.
fn time(centis: u32) -> String {
    format!("{:>4}.{:02}", centis / 100, centis % 100)
}
