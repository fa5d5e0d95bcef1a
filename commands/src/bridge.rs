//! `bridge fdb` and `bridge link`.
//!
//! Counterpart: iproute2's `bridge/fdb.c` and `bridge/link.c`. The devices' own multicast
//! filters (`self permanent`) are not in a snapshot.

use nettwin_model::NetnsState;
use nettwin_model::neigh::{FdbEntry, FdbKind};
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

fn entries(netns: &NetnsState) -> impl Iterator<Item = &FdbEntry> {
    let mut all: Vec<_> = netns.config.fdb.iter().chain(&netns.volatile.fdb).collect();
    all.sort_by_key(|e| (e.bridge, e.dev, e.mac));
    all.into_iter()
}
