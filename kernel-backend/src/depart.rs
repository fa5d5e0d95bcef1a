//! Waiting for what goes with a removed namespace.
//!
//! Kernel counterpart: `cleanup_net()`, a work queue that takes apart namespaces whose last reference is gone, and with
//! their veths the ends in other namespaces, some milliseconds later. The simulator does it at once, so before anything
//! is executed, observed or started after a removal the machine waits until those ends are gone. Removals that follow
//! each other wait once. Deliberately absent: waiting for the namespace itself, which nobody can see any more.

use crate::machine::KernelBackend;
use crate::object::{link, nsid};
use nettwin_model::{Errno, Fault, NetnsName};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long `cleanup_net` is waited for. It takes milliseconds, seconds on a machine that is hard pressed, and for ever
/// when a program still runs in the namespace.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(1);

/// What is on its way out, and which namespaces may hold the other ends of whose veths.
#[derive(Debug, Default)]
pub(crate) struct Departing {
    /// Links that will vanish, by namespace and index.
    awaited: BTreeSet<(NetnsName, u32)>,
    /// More than is true does no harm: it only bounds the search. Both directions are kept.
    adjacent: BTreeMap<NetnsName, BTreeSet<NetnsName>>,
    /// Namespaces that somebody else filled.
    foreign: BTreeSet<NetnsName>,
}

impl Departing {
    /// A link from one namespace to another was made.
    pub(crate) fn link_made(&mut self, a: &NetnsName, b: &NetnsName) {
        if a != b {
            self.adjacent.entry(a.clone()).or_default().insert(b.clone());
            self.adjacent.entry(b.clone()).or_default().insert(a.clone());
        }
    }

    /// A link went from one namespace to another; its other end is somewhere next to where it was, or there.
    pub(crate) fn link_moved(&mut self, from: &NetnsName, to: &NetnsName) {
        for near in self.adjacent.get(from).cloned().unwrap_or_default() {
            self.link_made(&near, to);
        }
        self.link_made(from, to);
    }

    /// A namespace was taken over, with whatever links it has.
    pub(crate) fn know_nothing_of(&mut self, name: &NetnsName) {
        self.foreign.insert(name.clone());
    }

    /// Where the other end of a link of `name` may be; `None`: anywhere.
    pub(crate) fn near(&self, name: &NetnsName) -> Option<&BTreeSet<NetnsName>> {
        static NONE: BTreeSet<NetnsName> = BTreeSet::new();
        self.foreign.is_empty().then(|| self.adjacent.get(name).unwrap_or(&NONE))
    }

    /// A namespace is gone.
    pub(crate) fn forget(&mut self, name: &NetnsName) {
        self.awaited.retain(|(netns, _)| netns != name);
        for near in self.adjacent.remove(name).unwrap_or_default() {
            if let Some(set) = self.adjacent.get_mut(&near) {
                set.remove(name);
            }
        }
        self.foreign.remove(name);
    }
}

impl KernelBackend {
    /// Before a namespace is given up: which links elsewhere will go with it?
    pub(crate) fn note_departure(&mut self, name: &NetnsName) -> Result<(), Fault> {
        let rows = self.room(name)?.netlink.dump(&link::all())?;
        // Index there and number of the namespace, as seen from here.
        let ends: Vec<(u32, i32)> = rows
            .into_iter()
            .filter_map(link::LinkRow::new)
            .filter(|row| row.kind == "veth")
            .filter_map(|row| Some((row.lower?, row.lower_netns.filter(|id| *id >= 0)?)))
            .collect();
        if !ends.is_empty() {
            for (there, id) in self.numbers_in(name)? {
                let indices = ends.iter().filter(|(_, of)| *of == id).map(|(index, _)| *index);
                self.departing.awaited.extend(indices.map(|index| (there.clone(), index)));
            }
        }
        Ok(())
    }

    /// The numbers that a namespace has for those that its links may lead to.
    pub(crate) fn numbers_in(&mut self, name: &NetnsName) -> Result<Vec<(NetnsName, i32)>, Fault> {
        let near: Vec<NetnsName> = match self.departing.near(name) {
            Some(near) => near.iter().cloned().collect(),
            None => self.rooms.keys().filter(|other| *other != name).cloned().collect(),
        };
        let mut numbers = Vec::new();
        for other in near {
            if let Some(id) = self.number_of(name, &other)? {
                numbers.push((other, id));
            }
        }
        Ok(numbers)
    }

    /// The number that the namespace `seen_from` has for `other`.
    pub(crate) fn number_of(&mut self, seen_from: &NetnsName, other: &NetnsName) -> Result<Option<i32>, Fault> {
        let Some(other) = self.rooms.get(other) else { return Ok(None) };
        let question = nsid::get(other.netns.as_fd());
        Ok(nsid::parse(&self.room(seen_from)?.netlink.ask(question)?))
    }

    /// Waits until the ends of removed namespaces' links are gone.
    pub(crate) fn await_departures(&mut self) -> Result<(), Fault> {
        let deadline = Instant::now() + PATIENCE;
        while let Some((netns, index)) = self.departing.awaited.first().cloned() {
            let Some(room) = self.rooms.get_mut(&netns) else {
                self.departing.awaited.remove(&(netns, index));
                continue;
            };
            match room.netlink.ask(link::by_index(index)) {
                Err(Fault::Refused { errno: Errno::ENODEV, .. }) => {
                    self.departing.awaited.remove(&(netns, index));
                }
                Err(fault) => return Err(fault),
                Ok(_) if Instant::now() < deadline => std::thread::sleep(POLL),
                Ok(_) => {
                    // Said once; what is there then is what is observed.
                    self.departing.awaited.clear();
                    let s = PATIENCE.as_secs();
                    return Err(Fault::Broken(format!(
                        "{s} s after the removal of a namespace a link of it is still in {netns} (index {index}): does a \
                         program still run there?"
                    )));
                }
            }
        }
        Ok(())
    }
}
