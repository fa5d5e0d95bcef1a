//! `bridge fdb`, `bridge link`, `brctl show` and `brctl showmacs`.
//!
//! Counterpart: iproute2's `bridge/fdb.c` and `bridge/link.c`, bridge-utils' `brctl_cmd.c`. The devices' own multicast
//! filters (`self permanent`) are not in a snapshot.

use nettwin_model::neigh::{FdbEntry, FdbKind};
use nettwin_model::{IfName, NetnsState};
use std::fmt::Write;

/// `bridge fdb show`, by bridge, port and MAC.
pub fn fdb(netns: &NetnsState) -> String {
    let mut out = String::new();
    for e in entries(netns) {
        let _ = write!(out, "{} dev {} ", e.mac, e.dev);
        if e.dev != e.bridge {
            let _ = write!(out, "master {} ", e.bridge);
        }
        if e.sticky {
            out.push_str("sticky ");
        }
        out.push_str(match e.kind {
            FdbKind::Permanent => "permanent",
            FdbKind::Static => "static",
            FdbKind::Learned => "",
        });
        out.push('\n');
    }
    out
}

/// `bridge link show`: the ports.
pub fn link(netns: &NetnsState) -> String {
    let mut ports: Vec<_> = netns.config.links.iter().filter(|(_, c)| c.master.is_some()).collect();
    ports.sort_by_key(|(name, _)| netns.derived.links.get(*name).map_or(0, |d| d.ifindex));
    let mut out = String::new();
    for (name, config) in ports {
        let (Some(d), Some(master)) = (netns.derived.links.get(name), config.master) else { continue };
        let attrs = config.port.clone().unwrap_or_default();
        let state = d.port.as_ref().map_or("disabled", |p| p.state.word());
        let flags = match (config.up, d.carrier) {
            (true, true) => "BROADCAST,MULTICAST,UP,LOWER_UP",
            (true, false) => "NO-CARRIER,BROADCAST,MULTICAST,UP",
            (false, _) => "BROADCAST,MULTICAST",
        };
        let _ = writeln!(
            out,
            "{}: {name}: <{flags}> mtu {} master {master} state {state} priority {} cost {} ",
            d.ifindex,
            d.mtu,
            attrs.priority.unwrap_or(32),
            attrs.cost.unwrap_or(2),
        );
    }
    out
}

/// `brctl show`.
pub fn brctl_show(netns: &NetnsState) -> String {
    let mut out = String::from("bridge name\tbridge id\t\tSTP enabled\tinterfaces\n");
    for (name, d) in &netns.derived.links {
        let Some(bridge) = &d.bridge else { continue };
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

/// `brctl showmacs BRIDGE`, without the ages, which a snapshot does not hold: printed as 0.00.
pub fn brctl_showmacs(netns: &NetnsState, bridge: IfName) -> String {
    let mut out = String::from("port no\tmac addr\t\tis local?\tageing timer\n");
    let mut rows: Vec<_> = entries(netns).filter(|e| e.bridge == bridge && e.dev != bridge).collect();
    rows.sort_by_key(|e| e.mac);
    for e in rows {
        let number = netns.derived.links.get(&e.dev).and_then(|d| d.port.as_ref()).map_or(0, |p| p.number);
        let local = if e.kind == FdbKind::Permanent { "yes" } else { "no" };
        let _ = writeln!(out, "{number:>3}\t{}\t{local}\t\t{:>4}.{:02}", e.mac, 0, 0);
    }
    out
}

fn entries(netns: &NetnsState) -> impl Iterator<Item = &FdbEntry> {
    let mut all: Vec<_> = netns.config.fdb.iter().chain(&netns.volatile.fdb).collect();
    all.sort_by_key(|e| (e.bridge, e.dev, e.mac));
    all.into_iter()
}
