//! Single questions.
//!
//! Kernel counterpart: `inet_rtm_getroute()`, `rtnl_getlink()`, `br_fill_info()`, `br_fdb_dump()`.
//! Deliberately absent: what [`crate::observe`] answers.

use crate::machine::KernelBackend;
use crate::object::{link, mdb, neigh, route};
use nettwin_model::bridge::{BridgeStatus, FdbAged};
use nettwin_model::{Errno, Fault, IfName, NetnsName, RouteGet, RouteGot, Virtual};
use std::collections::BTreeMap;

impl KernelBackend {
    /// Which route a packet would take.
    pub(crate) fn route_get(&mut self, question: &RouteGet) -> Result<RouteGot, Fault> {
        self.indices.clear();
        let message = route::get(question, &mut |dev| self.index_of(&question.netns, dev))?;
        let answer = self.room(&question.netns)?.netlink.ask(message)?;
        let names = self.names(&question.netns)?;
        route::parse_got(&answer, question, &|index| names.get(&index).copied())
            .ok_or_else(|| Fault::Broken("the kernel's answer is no route".into()))
    }

    /// What was learned about single destinations.
    pub(crate) fn route_cache(&mut self, netns: &NetnsName) -> Result<Vec<RouteGot>, Fault> {
        let rows = self.room(netns)?.netlink.dump(&route::all())?;
        let names = self.names(netns)?;
        let name = |index| names.get(&index).copied();
        let mut learned: Vec<_> = rows.iter().filter_map(|row| route::parse_cached(row, &name)).collect();
        learned.sort_by_key(|got| got.route.dst);
        Ok(learned)
    }

    fn names(&mut self, netns: &NetnsName) -> Result<BTreeMap<u32, IfName>, Fault> {
        let links = self.room(netns)?.netlink.dump(&link::all())?;
        let rows = links.into_iter().filter_map(link::LinkRow::new);
        Ok(rows.filter_map(|row| Some((row.index, IfName::new(&row.name).ok()?))).collect())
    }

    /// Whether there is such a routing table.
    pub(crate) fn has_table(&mut self, netns: &NetnsName, table: u32) -> Result<bool, Fault> {
        match self.room(netns)?.netlink.dump_strictly(&route::of_table(table)) {
            Ok(_) => Ok(true),
            Err(Fault::Refused { errno: Errno::ENOENT, .. }) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// A link's index.
    pub(crate) fn ifindex(&mut self, netns: &NetnsName, dev: &IfName) -> Result<Option<u32>, Fault> {
        match self.room(netns)?.netlink.ask(link::by_name(dev)) {
            Ok(found) => Ok(link::LinkRow::new(found).map(|row| row.index)),
            Err(Fault::Refused { errno: Errno::ENODEV, .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// A bridge's spanning tree and forwarding database as they move.
    pub(crate) fn bridge_status(&mut self, netns: &NetnsName, bridge: IfName) -> Result<BridgeStatus, Fault> {
        let netlink = &mut self.room(netns)?.netlink;
        let rows: Vec<_> = netlink.dump(&link::all())?.into_iter().filter_map(link::LinkRow::new).collect();
        let row = rows.iter().find(|row| row.name == bridge.as_str()).ok_or(Fault::errno(Errno::ENODEV))?;
        // A VXLAN device has a forwarding database and nothing else of it.
        let is_vxlan = matches!(row.of, Some(Virtual::Vxlan(_)));
        let own = row.bridge.as_ref().map(|bridge| bridge.status.clone());
        let own = own.or_else(|| is_vxlan.then(BridgeStatus::default));
        let mut status = own.ok_or(Fault::errno(Errno::EOPNOTSUPP))?;
        let ports = rows.iter().filter(|port| port.master == Some(row.index));
        status.ports = ports
            .filter_map(|port| Some((IfName::new(&port.name).ok()?, port.port.as_ref()?.status.clone())))
            .collect();
        let name = |index: u32| rows.iter().find(|row| row.index == index).and_then(|row| IfName::new(&row.name).ok());
        let fdb = netlink.dump(&neigh::all_fdb())?;
        let aged = fdb
            .iter()
            .filter_map(|message| Some(FdbAged { entry: neigh::parse_fdb(message, name)?, age: neigh::age(message) }));
        status.fdb = aged.filter(|aged| aged.entry.bridge == bridge).collect();
        let groups = netlink.dump_raw(&mdb::all(), |body| mdb::parse(body, &name))?;
        if let Some(groups) = groups.into_iter().find(|groups| groups.bridge == row.index) {
            (status.mdb, status.routers) = (groups.mdb, groups.routers);
        }
        Ok(status)
    }
}
