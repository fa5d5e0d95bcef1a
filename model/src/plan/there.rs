//! What will be there while a plan is carried out: the observed configuration, less what each op takes with it.
//!
//! Kernel counterpart: `fib_sync_down_dev`, `fib_sync_down_addr`, `neigh_ifdown`, `br_fdb_delete_by_port`: what vanishes by
//! itself must not be deleted again, and must be made again if it is wanted.

use crate::addr::Address;
use crate::name::{IfName, NetnsName};
use crate::nexthop::NexthopKind;
use crate::route::Route;
use crate::snapshot::{Config, LinkConfig};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A namespace's configuration as the plan goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct There {
    pub(super) config: Config,
}

impl There {
    /// A link was made.
    pub(super) fn born(all: &mut BTreeMap<NetnsName, There>, netns: &NetnsName, name: IfName, link: LinkConfig) {
        all.entry(netns.clone()).or_default().config.links.insert(name, link);
    }

    /// A link is removed, and with it all that names it. Ports of a bridge become free.
    pub(super) fn lose_link(&mut self, name: IfName) {
        let removed = self.config.links.remove(&name);
        let is_bond = removed.is_some_and(|link| link.kind.is_bond());
        let orphans: Vec<IfName> =
            self.config.links.iter().filter(|(_, l)| l.master == Some(name)).map(|(port, _)| *port).collect();
        for port in orphans {
            self.leave_bridge(port);
            if let Some(link) = self.config.links.get_mut(&port).filter(|_| is_bond) {
                // bond_release(): a member that is let go is down.
                link.up = false;
            }
        }
        // NETDEV_UNREGISTER kills a route of several ways with the first of them.
        self.lose_nexthops(name);
        self.config.routes.retain(|r| !r.nexthops.iter().any(|hop| hop.dev == Some(name)));
        self.config.neighs.retain(|n| n.dev != name);
        self.config.fdb.retain(|e| e.dev != name && e.bridge != name);
        self.config.sysctls.retain(|key, _| super::sysctls::interface_of(key) != Some(name.as_str()));
    }

    /// A port leaves its bridge: its attributes and entries are gone.
    pub(super) fn leave_bridge(&mut self, name: IfName) {
        self.config.fdb.retain(|e| e.dev != name || e.bridge == name);
        if let Some(link) = self.config.links.get_mut(&name) {
            link.master = None;
            link.port = None;
            link.vlans = None;
        }
    }

    /// Nexthop objects by a link are gone, with the groups that are empty then and the routes by them.
    fn lose_nexthops(&mut self, name: IfName) {
        let gone: BTreeSet<u32> = self.config.nexthops.iter().filter(|n| n.dev() == Some(name)).map(|n| n.id).collect();
        self.config.nexthops.retain_mut(|nexthop| {
            if let NexthopKind::Group(members) = &mut nexthop.kind {
                members.retain(|m| !gone.contains(&m.id));
                return !members.is_empty();
            }
            !gone.contains(&nexthop.id)
        });
        let left: BTreeSet<u32> = self.config.nexthops.iter().map(|n| n.id).collect();
        self.config.routes.retain(|r| r.nhid.is_none_or(|id| left.contains(&id)));
    }

    /// A link goes down.
    pub(super) fn go_down(&mut self, name: IfName) {
        self.lose_nexthops(name);
        self.lose_ways(name);
        self.config.neighs.retain(|n| n.dev != name);
    }

    /// A link's MAC changes: its neighbours are forgotten, permanent ones too; proxy entries stay.
    pub(super) fn lose_neighs(&mut self, name: IfName) {
        self.config.neighs.retain(|n| n.dev != name || n.proxy);
    }

    /// Addresses are removed, those of one link at a time.
    pub(super) fn lose_addrs(&mut self, name: IfName, removed: &[Address]) {
        let Some(link) = self.config.links.get_mut(&name) else { return };
        let key = crate::agree::AddressKey::of;
        link.addrs.retain(|a| !removed.iter().any(|r| key(r) == key(a)));
        // lo has an address of its own, which is not listed, since it was first up.
        let has_own = name == IfName::lo() && link.up;
        if link.addrs.iter().all(|a| a.cidr.addr.is_ipv6()) && !removed.is_empty() && !has_own {
            // fib_disable_ip(): as if the link went down.
            self.go_down(name);
        }
        let local: BTreeSet<IpAddr> = self.config.links.values().flat_map(|l| &l.addrs).map(|a| a.cidr.addr).collect();
        let lost = |a: IpAddr| removed.iter().any(|r| r.cidr.addr == a) && !local.contains(&a);
        self.config.routes.retain(|r| !r.prefsrc.is_some_and(lost));
    }

    /// A route vanishes when all its ways are dead; those by `name` are now, those by links that are down were before.
    fn lose_ways(&mut self, name: IfName) {
        let links = &self.config.links;
        let dead = |dev: IfName| dev == name || links.get(&dev).is_some_and(|l| !l.up);
        let dies = |r: &Route| {
            let by = |hop: &crate::route::Nexthop| hop.dev == Some(name);
            r.nexthops.iter().any(by) && r.nexthops.iter().all(|hop| hop.dev.is_some_and(dead))
        };
        self.config.routes.retain(|r| !dies(r));
    }
}
