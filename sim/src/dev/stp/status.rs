//! What a bridge tells of itself as it moves.
//!
//! Kernel counterpart: `br_fill_info()`, `br_port_fill_attrs()`, `br_fdb_dump()`.

use super::{Bridge, StpPort};
use crate::dev::{Dev, fdb, mcast};
use crate::netns::Netns;
use crate::observe::fdb_entry;
use crate::world::World;
use nettwin_model::Instant;
use nettwin_model::bridge::{BridgeStatus, FdbAged, PortStatus};

/// The moving parts of the bridge that `dev` is, as of `now`.
pub(crate) fn status(ns: &Netns, w: &World, dev: &Dev, bridge: &Bridge) -> BridgeStatus {
    let now = w.now;
    let ports = bridge.ports.iter().flatten();
    let ports = ports.filter_map(|p| Some((ns.dev(p.dev)?.name, port_status(&p.stp, now)))).collect();
    let shown = bridge.fdb.newest_first().into_iter().filter(|(key, _)| w.shows_vlans || fdb::vid(*key) == 0);
    let fdb = shown.map(|(key, entry)| FdbAged {
        entry: fdb_entry(ns, dev, bridge, key, &entry),
        age: centis_until(Some(now), entry.updated),
    });
    let places = std::iter::once((dev.name, fdb::SELF));
    let numbers = bridge.ports.iter().flatten().filter_map(|p| Some((ns.dev(p.dev)?.name, p.stp.number)));
    let all = places.chain(numbers).filter(|_| w.shows_vlans);
    let vlans = all.map(|(name, number)| (name, bridge.vlan_status(number))).collect();
    let stp = &bridge.stp;
    BridgeStatus {
        topology_change: stp.topology_change,
        topology_change_detected: stp.topology_change_detected,
        hello_timer: centis_until(stp.hello_at, now),
        tcn_timer: centis_until(stp.tcn_at, now),
        topology_change_timer: centis_until(stp.topology_change_at, now),
        gc_timer: centis_until(bridge.fdb.next_sweep(now, bridge.hold()), now),
        ports,
        fdb: fdb.collect(),
        vlans,
        mdb: mcast::entries(ns, dev.name, bridge, now),
        routers: mcast::routers(ns, bridge, now),
    }
}

fn port_status(p: &StpPort, now: Instant) -> PortStatus {
    PortStatus {
        id: p.id(),
        designated_root: p.designated_root,
        designated_bridge: p.designated_bridge,
        designated_port: p.designated_port,
        // Sixteen bits is what the kernel shows (IFLA_BRPORT_DESIGNATED_COST).
        designated_cost: (p.designated_cost & 0xffff) as u16,
        topology_change_ack: p.topology_change_ack,
        config_pending: p.config_pending,
        message_age_timer: centis_until(p.message_age_at, now),
        forward_delay_timer: centis_until(p.forward_at, now),
        hold_timer: centis_until(p.hold_at, now),
    }
}

/// From `now` until then, or 0.
fn centis_until(at: Option<Instant>, now: Instant) -> u32 {
    let left = at.map_or(0, |at| at.since(now).as_millis() / 10);
    u32::try_from(left).unwrap_or(u32::MAX)
}
