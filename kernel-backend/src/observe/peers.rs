//! Where the other ends of veths are, and what other devices sit on.
//!
//! Kernel counterpart: `IFLA_LINK` and `IFLA_LINK_NETNSID`, `RTM_GETNSID`. A link says its peer's index and the number
//! that its own namespace has for the peer's; which namespace that number means is found by asking for the numbers of
//! the likely ones. Deliberately absent: peers in namespaces that this machine does not know.

use super::Tables;
use crate::machine::KernelBackend;
use crate::object::link::{self, LinkRow};
use nettwin_model::{Errno, Fault, IfName, NetnsName};
use std::collections::BTreeMap;

/// By namespace and link index.
pub(super) type Peers = BTreeMap<NetnsName, BTreeMap<u32, (NetnsName, IfName)>>;

/// A link by its namespace, its index and its peer's index.
type Ends<'a> = BTreeMap<(u32, u32), Vec<(&'a NetnsName, &'a LinkRow)>>;

impl KernelBackend {
    pub(super) fn find_peers(&mut self, tables: &BTreeMap<NetnsName, Tables>) -> Result<Peers, Fault> {
        let mut ends: Ends<'_> = BTreeMap::new();
        for (name, tables) in tables {
            for row in tables.links.iter().filter(|row| row.kind == "veth") {
                ends.entry((row.index, row.lower.unwrap_or(0))).or_default().push((name, row));
            }
        }
        let mut peers = Peers::new();
        for (name, tables) in tables {
            // What numbers mean here, as far as found out.
            let mut numbers: BTreeMap<NetnsName, Option<i32>> = BTreeMap::new();
            for row in tables.links.iter().filter(|row| row.kind == "veth" || row.of.is_some()) {
                if peers.get(name).is_some_and(|known| known.contains_key(&row.index)) {
                    continue;
                }
                if let Some(peer) = self.find_peer(name, row, tables, &ends, &mut numbers)? {
                    // The ends of a veth are each other's.
                    if let (Some(index), Ok(own), "veth") = (row.lower, IfName::new(&row.name), row.kind.as_str()) {
                        peers.entry(peer.0.clone()).or_default().insert(index, (name.clone(), own));
                    }
                    peers.entry(name.clone()).or_default().insert(row.index, peer);
                }
            }
        }
        Ok(peers)
    }

    fn find_peer(
        &mut self,
        here: &NetnsName,
        row: &LinkRow,
        tables: &Tables,
        ends: &Ends<'_>,
        numbers: &mut BTreeMap<NetnsName, Option<i32>>,
    ) -> Result<Option<(NetnsName, IfName)>, Fault> {
        let Some(index) = row.lower else { return Ok(None) };
        let Some(number) = row.lower_netns else {
            let other = tables.links.iter().find(|other| other.index == index);
            return Ok(other.and_then(|other| Some((here.clone(), IfName::new(&other.name).ok()?))));
        };
        if number < 0 {
            return Ok(None);
        }
        // First those whose link points back here, then whoever has not been asked about.
        let matching = ends.get(&(index, row.index)).map_or(&[][..], Vec::as_slice);
        for (there, other) in matching {
            if *there != here && self.number_in(here, there, numbers)? == Some(number) {
                return Ok(IfName::new(&other.name).ok().map(|name| ((*there).clone(), name)));
            }
        }
        for there in self.candidates(here) {
            if self.number_in(here, &there, numbers)? == Some(number) {
                return Ok(self.name_in(&there, index)?.map(|name| (there, name)));
            }
        }
        Ok(None)
    }

    fn candidates(&self, here: &NetnsName) -> Vec<NetnsName> {
        match self.departing.near(here) {
            Some(near) => near.iter().cloned().collect(),
            None => self.rooms.keys().filter(|name| *name != here).cloned().collect(),
        }
    }

    fn number_in(
        &mut self,
        here: &NetnsName,
        there: &NetnsName,
        numbers: &mut BTreeMap<NetnsName, Option<i32>>,
    ) -> Result<Option<i32>, Fault> {
        if let Some(number) = numbers.get(there) {
            return Ok(*number);
        }
        let number = self.number_of(here, there)?;
        numbers.insert(there.clone(), number);
        Ok(number)
    }

    fn name_in(&mut self, netns: &NetnsName, index: u32) -> Result<Option<IfName>, Fault> {
        match self.room(netns)?.netlink.ask(link::by_index(index)) {
            Ok(found) => Ok(LinkRow::new(found).and_then(|row| IfName::new(&row.name).ok())),
            Err(Fault::Refused { errno: Errno::ENODEV, .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
