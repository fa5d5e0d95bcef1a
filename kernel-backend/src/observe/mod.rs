//! Reading a snapshot: dumps of every table of every namespace asked for.
//!
//! Kernel counterpart: `rtnl_dump_all()`. Which end of a veth is where is asked of the kernel too ([`peers`]); what a
//! dump's rows come to is decided in [`state`], without I/O. Deliberately absent: consistency between tables, which no
//! kernel offers: a table is consistent in itself.

mod peers;
mod state;

use crate::machine::KernelBackend;
use crate::netlink::{self, Asked, Netlink, decode};
use crate::object::link::{self, LinkRow};
use crate::object::{addr, mdb, neigh, nexthop, queue, route, rule, vlan};
use crate::sysctl;
use netlink_packet_route::RouteNetlinkMessage;
use nettwin_model::queue::{Handle, Queues};
use nettwin_model::{BridgeVlan, Extent, Fault, IfName, MdbEntry, NetnsName, NexthopObject, Snapshot, Virtual};
use std::collections::{BTreeMap, BTreeSet};

/// One namespace's tables.
#[derive(Debug, Default)]
struct Tables {
    links: Vec<LinkRow>,
    addrs: Vec<RouteNetlinkMessage>,
    routes: Vec<RouteNetlinkMessage>,
    rules: Vec<RouteNetlinkMessage>,
    nexthops: Vec<NexthopObject>,
    neighs: Vec<RouteNetlinkMessage>,
    fdb: Vec<RouteNetlinkMessage>,
    /// By link index; nothing where the kernel has none.
    vlans: BTreeMap<u32, Vec<BridgeVlan>>,
    mdb: Vec<MdbEntry>,
    /// By link index.
    queues: BTreeMap<u32, Queues>,
}

impl KernelBackend {
    pub(crate) fn observe_extent(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        let wanted: Vec<NetnsName> = match &extent.netns {
            None => self.rooms.keys().cloned().collect(),
            Some(names) => names.iter().filter(|name| self.rooms.contains_key(name)).cloned().collect(),
        };
        let mut tables = BTreeMap::new();
        for name in wanted {
            let read = read_tables(&mut self.room(&name)?.netlink)?;
            tables.insert(name, read);
        }
        let peers = self.find_peers(&tables)?;
        let mut snapshot = Snapshot::default();
        for (name, tables) in &tables {
            let mut state = state::build(tables, peers.get(name));
            state.config.ruleset = self.ruleset(name)?.without_state();
            if let Some(keys) = extent.sysctls.get(name) {
                let read = sysctl::read_all(&self.worker, &self.rooms[name].netns, keys.iter())?;
                state.config.sysctls = read.into_iter().collect();
            }
            snapshot.netns.insert(name.clone(), state);
        }
        Ok(snapshot)
    }
}

fn read_tables(netlink: &mut Netlink) -> Result<Tables, Fault> {
    let (of_links, of_addrs, of_routes, of_rules) = (link::all(), addr::all(), route::all(), rule::all());
    let (of_nexthops, of_neighs, of_proxies) = (nexthop::all(), neigh::all(false), neigh::all(true));
    let of_routes = Asked::Message(&of_routes);
    let together = [Asked::Message(&of_rules), Asked::Message(&of_neighs), Asked::Message(&of_proxies)];
    let mut rows = netlink.dump_several(&[Asked::Message(&of_links)])?;
    rows.extend(netlink.dump_several(&[Asked::Message(&of_addrs)])?);
    rows.extend(netlink.dump_several(&[&together[..], &[Asked::Raw(&of_nexthops), of_routes]].concat())?);
    let mut rows = rows.into_iter();
    let messages = |rows: Option<Vec<Vec<u8>>>| -> Result<Vec<RouteNetlinkMessage>, Fault> {
        rows.unwrap_or_default().iter().map(|row| decode(row)).collect()
    };
    let links: Vec<LinkRow> = messages(rows.next())?.into_iter().filter_map(LinkRow::new).collect();
    let (addrs, rules, mut neighs) = (messages(rows.next())?, messages(rows.next())?, messages(rows.next())?);
    neighs.extend(messages(rows.next())?);
    let name = |index: u32| links.iter().find(|row| row.index == index).and_then(|row| IfName::new(&row.name).ok());
    let nexthops = rows.next().unwrap_or_default();
    let nexthops = nexthops.iter().filter_map(|row| nexthop::parse(netlink::body(row), &name)).collect();
    let routes = messages(rows.next())?;
    // Asked for only where there can be some.
    let has_bridge = links.iter().any(|row| row.bridge.is_some());
    let has_fdb = has_bridge || links.iter().any(|row| matches!(row.of, Some(Virtual::Vxlan(_))));
    let fdb = if has_fdb { netlink.dump(&neigh::all_fdb())? } else { Vec::new() };
    let has_vlans = links.iter().any(|row| row.bridge.as_ref().is_some_and(|b| b.attrs.vlan_default_pvid.is_some()));
    let vlans = if has_vlans { netlink.dump(&vlan::all())? } else { Vec::new() };
    let vlans = vlans.into_iter().filter_map(vlan::parse).collect();
    let mdb = if has_bridge { netlink.dump_raw(&mdb::all(), |body| mdb::parse(body, &name))? } else { Vec::new() };
    let mdb = mdb.into_iter().flat_map(|row| row.mdb).map(|aged| aged.entry).collect();
    let queues = read_queues(netlink, &links)?;
    Ok(Tables { links, addrs, routes, rules, nexthops, neighs, fdb, vlans, mdb, queues })
}

/// The queues of the links that have others than those they are born with. A `noqueue` that was made by hand is no other.
fn read_queues(netlink: &mut Netlink, links: &[LinkRow]) -> Result<BTreeMap<u32, Queues>, Fault> {
    let mut all: BTreeMap<u32, Queues> = BTreeMap::new();
    if links.iter().all(|row| matches!(row.qdisc.as_str(), "noop" | "noqueue")) {
        return Ok(all);
    }
    for (index, row) in netlink.dump_raw(&queue::qdiscs(), queue::parse_qdisc)? {
        if links.iter().any(|link| link.index == index && link.qdisc != "noqueue") {
            all.entry(index).or_default().qdiscs.push(row);
        }
    }
    for (index, queues) in &mut all {
        queues.classes = netlink.dump_raw(&queue::classes(*index), queue::parse_class)?;
        let parents: BTreeSet<Handle> =
            queues.qdiscs.iter().map(|q| q.handle).chain(queues.classes.iter().map(|c| c.classid)).collect();
        for parent in parents {
            queues.filters.extend(netlink.dump_raw(&queue::filters(*index, parent), queue::parse_filter)?);
        }
    }
    Ok(all)
}
