//! A namespace: its devices, its settings, and the IP layer's state; and the table of all namespaces.
//!
//! Kernel counterpart: `struct net`, `net/core/net_namespace.c`. Deliberately absent: numbers of namespaces set by hand.

use crate::dev::Dev;
use crate::l3::L3;
use crate::sysctl::Sysctls;
use nettwin_model::{IfName, NetnsName};
use rustc_hash::FxBuildHasher;
use std::collections::BTreeMap;

/// A namespace's number within one simulation; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NsId(pub(crate) u32);

/// A device's index in its namespace, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ifindex(pub(crate) u32);

impl Ifindex {
    /// No device.
    pub(crate) const NONE: Ifindex = Ifindex(0);
    /// The loopback device.
    pub(crate) const LO: Ifindex = Ifindex(1);
}

/// One namespace.
pub(crate) struct Netns {
    /// Its number.
    pub(crate) id: NsId,
    /// How often somebody had it who may have changed it: more than counters, tables and what is on its way.
    pub(crate) changes: u32,
    /// Its name.
    pub(crate) name: NetnsName,
    /// Its devices.
    pub(crate) devs: DevTable,
    /// Its settings.
    pub(crate) sysctl: Sysctls,
    /// The IP layer's state.
    pub(crate) l3: L3,
    /// The numbers that it has for other namespaces, from the lowest that is free (`peernet2id_alloc`).
    pub(crate) nsids: Nsids,
    /// Its rules and connections, once there were rules.
    pub(crate) nf: Option<Box<crate::nf::Nf>>,
    /// Its TCP and UDP sockets, once there were any.
    pub(crate) sock: Option<Box<crate::sock::Transport>>,
}

impl Netns {
    /// A new namespace, without even `lo`.
    pub(crate) fn new(id: NsId, name: NetnsName) -> Self {
        Netns {
            id,
            changes: 1,
            name,
            devs: DevTable::default(),
            sysctl: Sysctls::default(),
            l3: L3::default(),
            nsids: Nsids::default(),
            nf: None,
            sock: None,
        }
    }

    /// Somebody has it who may change it.
    #[inline]
    pub(crate) fn touch(&mut self) {
        self.changes = self.changes.wrapping_add(1);
    }

    /// A link here refers to another namespace, which gets a number if it has none.
    pub(crate) fn refers_to(&mut self, other: NsId, gone: &Gone) {
        if other != self.id {
            self.nsids.forget(gone);
            self.nsids.give(other);
        }
    }

    /// The device of that index.
    #[inline]
    pub(crate) fn dev(&self, index: Ifindex) -> Option<&Dev> {
        self.devs.by_index(index)
    }

    /// The device of that index, to change.
    #[inline]
    pub(crate) fn dev_mut(&mut self, index: Ifindex) -> Option<&mut Dev> {
        self.devs.by_index_mut(index)
    }

    /// The device of that name.
    pub(crate) fn dev_named(&self, name: IfName) -> Option<&Dev> {
        self.dev(self.devs.by_name(name)?)
    }
}

/// The numbers that a namespace has for others, in order of their own numbers.
#[derive(Default)]
pub(crate) struct Nsids {
    of: Vec<(NsId, u32)>,
    /// One more than the highest.
    end: u32,
    /// How many namespaces were gone when it was last looked.
    seen_gone: u32,
}

/// The numbers of all namespaces that were there once. None is used again.
#[derive(Default)]
pub(crate) struct Gone(hashbrown::HashSet<NsId, FxBuildHasher>);

impl Gone {
    /// One more.
    pub(crate) fn add(&mut self, id: NsId) {
        self.0.insert(id);
    }
}

impl Nsids {
    fn give(&mut self, other: NsId) {
        let Err(at) = self.of.binary_search_by_key(&other, |known| known.0) else { return };
        // Without a gap there are as many as the highest says.
        let dense = self.end as usize == self.of.len();
        let free = if dense { self.end } else { self.first_gap() };
        self.end = self.end.max(free + 1);
        if self.of.is_empty() {
            self.of.reserve_exact(1);
        }
        self.of.insert(at, (other, free));
    }

    fn first_gap(&self) -> u32 {
        let mut taken: Vec<u32> = self.of.iter().map(|(_, number)| *number).collect();
        taken.sort_unstable();
        taken.iter().zip(0..).find(|(number, at)| *number != at).map_or(self.end, |(_, at)| at)
    }

    /// Numbers of namespaces that are gone are free again. That is found out when somebody needs one.
    fn forget(&mut self, gone: &Gone) {
        // Their numbers are as short.
        let all = gone.0.len() as u32;
        if std::mem::replace(&mut self.seen_gone, all) == all {
            return;
        }
        let before = self.of.len();
        self.of.retain(|(id, _)| !gone.0.contains(id));
        if self.of.len() != before {
            self.end = self.of.iter().map(|(_, number)| number + 1).max().unwrap_or(0);
        }
    }

    /// Each namespace with its number; also such that are gone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NsId, u32)> {
        self.of.iter().copied()
    }
}

/// A namespace's devices: by index in constant time, listed in order of index.
///
/// Indexes are dense in nearly every namespace and lie in a plain array; one that is far beyond the number of devices
/// (a device moved here from a crowded namespace keeps its index) lies in a sorted overflow.
#[derive(Default)]
pub(crate) struct DevTable {
    dense: Vec<Option<Box<Dev>>>,
    more: Option<Box<More>>,
    len: u32,
    last: u32,
}

/// What a table of few devices does without.
#[derive(Default)]
struct More {
    /// The overflow.
    #[expect(clippy::vec_box, reason = "what the dense array outgrows moves here as it is")]
    sparse: Vec<Box<Dev>>,
    /// The names in order, where there are so many devices that it pays.
    names: Vec<(IfName, Ifindex)>,
    /// Further names, in no order: nearly always there are none.
    altnames: Vec<(String, Ifindex)>,
}

/// Among so many devices a name is looked for one by one.
const FEW_DEVS: u32 = 8;

impl DevTable {
    #[inline]
    pub(crate) fn by_index(&self, index: Ifindex) -> Option<&Dev> {
        match self.dense.get(index.0 as usize) {
            Some(Some(dev)) => Some(dev),
            _ => self.sparse(index),
        }
    }

    #[inline]
    pub(crate) fn by_index_mut(&mut self, index: Ifindex) -> Option<&mut Dev> {
        if matches!(self.dense.get(index.0 as usize), Some(Some(_))) {
            return self.dense[index.0 as usize].as_deref_mut();
        }
        let more = self.more.as_mut()?;
        more.place(index).ok().map(|i| &mut *more.sparse[i])
    }

    #[cold]
    fn sparse(&self, index: Ifindex) -> Option<&Dev> {
        let more = self.more.as_ref()?;
        more.place(index).ok().map(|i| &*more.sparse[i])
    }

    /// The names in order, if they are kept.
    fn names(&self) -> &[(IfName, Ifindex)] {
        self.more.as_ref().map_or(&[], |more| &more.names)
    }

    /// The index of the device of that name; a further name is as good (`netdev_name_node_lookup`).
    pub(crate) fn by_name(&self, name: IfName) -> Option<Ifindex> {
        self.by_own_name(name).or_else(|| self.by_altname(name.as_str()))
    }

    /// The index of the device whose own name it is.
    pub(crate) fn by_own_name(&self, name: IfName) -> Option<Ifindex> {
        let names = self.names();
        if names.is_empty() {
            return self.iter().find(|dev| dev.name == name).map(|dev| dev.ifindex);
        }
        let at = names.binary_search_by_key(&name, |n| n.0).ok()?;
        Some(names[at].1)
    }

    /// The index of the device that has this further name.
    pub(crate) fn by_altname(&self, name: &str) -> Option<Ifindex> {
        self.more.as_ref()?.altnames.iter().find(|(known, _)| known == name).map(|(_, index)| *index)
    }

    /// Gives a device a further name, which is free.
    pub(crate) fn add_altname(&mut self, index: Ifindex, name: &str) {
        if let Some(dev) = self.by_index_mut(index) {
            dev.traits.altnames.push(name.to_owned());
            self.more.get_or_insert_default().altnames.push((name.to_owned(), index));
        }
    }

    /// Takes a device's further name away.
    pub(crate) fn del_altname(&mut self, index: Ifindex, name: &str) {
        if let Some(dev) = self.by_index_mut(index) {
            dev.traits.altnames.retain(|known| known != name);
            self.more.get_or_insert_default().altnames.retain(|(known, _)| known != name);
        }
    }

    /// Gives a device another name, which is free.
    pub(crate) fn rename(&mut self, index: Ifindex, name: IfName) {
        let Some(dev) = self.by_index_mut(index) else { return };
        let old = std::mem::replace(&mut dev.name, name);
        if !self.names().is_empty() {
            self.forget_name(old);
            self.learn_name(name, index);
        }
    }

    /// The next index to hand out: one more than the highest ever handed out (`dev_index_reserve`).
    pub(crate) fn next_index(&mut self) -> Ifindex {
        loop {
            self.last += 1;
            if self.by_index(Ifindex(self.last)).is_none() {
                return Ifindex(self.last);
            }
        }
    }

    /// Adds a device; its index is free.
    pub(crate) fn insert(&mut self, dev: Box<Dev>) {
        let index = dev.ifindex;
        assert!(self.by_index(index).is_none(), "an index is given once");
        let at = index.0 as usize;
        let name = dev.name;
        self.len += 1;
        if !dev.traits.altnames.is_empty() {
            let known = &mut self.more.get_or_insert_default().altnames;
            known.extend(dev.traits.altnames.iter().map(|name| (name.clone(), index)));
        }
        if at < 8 + 2 * self.len() {
            if self.dense.len() <= at {
                if at < FEW_DEVS as usize {
                    self.dense.reserve_exact(at + 1 - self.dense.len());
                }
                self.dense.resize_with(at + 1, || None);
            }
            self.dense[at] = Some(dev);
        } else {
            let more = self.more.get_or_insert_default();
            let place = more.place(index).unwrap_or_else(|place| place);
            more.sparse.insert(place, dev);
        }
        if !self.names().is_empty() {
            self.learn_name(name, index);
        } else if self.len > FEW_DEVS {
            let mut names: Vec<(IfName, Ifindex)> = self.iter().map(|dev| (dev.name, dev.ifindex)).collect();
            names.sort_unstable();
            self.more.get_or_insert_default().names = names;
        }
    }

    /// Takes a device out.
    pub(crate) fn remove(&mut self, index: Ifindex) -> Option<Box<Dev>> {
        let dev = match self.dense.get_mut(index.0 as usize).and_then(Option::take) {
            Some(dev) => dev,
            None => {
                let more = self.more.as_mut()?;
                more.place(index).ok().map(|i| more.sparse.remove(i))?
            }
        };
        self.len -= 1;
        self.forget_name(dev.name);
        if let Some(more) = &mut self.more {
            more.altnames.retain(|(_, at)| *at != index);
        }
        Some(dev)
    }

    /// All devices in order of index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Dev> {
        // An index below the array's length can still lie in the overflow, so the two are merged.
        let mut dense = self.dense.iter().flatten().map(|d| &**d).peekable();
        let mut sparse = self.more.iter().flat_map(|more| &more.sparse).map(|d| &**d).peekable();
        std::iter::from_fn(move || match (dense.peek(), sparse.peek()) {
            (Some(a), Some(b)) if b.ifindex < a.ifindex => sparse.next(),
            (Some(_), _) => dense.next(),
            (None, _) => sparse.next(),
        })
    }

    /// The indexes of all devices, in order.
    pub(crate) fn indexes(&self) -> Vec<Ifindex> {
        self.iter().map(|d| d.ifindex).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    fn learn_name(&mut self, name: IfName, index: Ifindex) {
        let names = &mut self.more.get_or_insert_default().names;
        let place = names.binary_search_by_key(&name, |n| n.0);
        names.insert(place.expect_err("a device's name is given once"), (name, index));
    }

    fn forget_name(&mut self, name: IfName) {
        let Some(more) = &mut self.more else { return };
        if let Ok(at) = more.names.binary_search_by_key(&name, |n| n.0) {
            more.names.remove(at);
        }
    }
}

impl More {
    /// Where in the overflow a device is, or would be.
    fn place(&self, index: Ifindex) -> Result<usize, usize> {
        self.sparse.binary_search_by_key(&index, |d| d.ifindex)
    }
}

/// All namespaces of one simulation.
#[derive(Default)]
pub(crate) struct NetnsTable {
    slots: Vec<Option<Box<Netns>>>,
    names: BTreeMap<NetnsName, NsId>,
}

impl NetnsTable {
    /// The namespace of that number.
    #[inline]
    pub(crate) fn by_id_mut(&mut self, id: NsId) -> Option<&mut Netns> {
        let ns = self.quiet_mut(id)?;
        ns.touch();
        Some(ns)
    }

    /// The same for the [straight way](crate::lane), which says itself when it gives the namespace to others.
    #[inline]
    pub(crate) fn quiet_mut(&mut self, id: NsId) -> Option<&mut Netns> {
        self.slots.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// The namespace of that number.
    pub(crate) fn by_id(&self, id: NsId) -> Option<&Netns> {
        self.slots.get(id.0 as usize)?.as_deref()
    }

    /// The number of the namespace of that name.
    pub(crate) fn id(&self, name: &NetnsName) -> Option<NsId> {
        self.names.get(name).copied()
    }

    /// The namespace of that name.
    pub(crate) fn by_name(&self, name: &NetnsName) -> Option<&Netns> {
        self.by_id(self.id(name)?)
    }

    /// The namespace of that name, to change.
    pub(crate) fn by_name_mut(&mut self, name: &NetnsName) -> Option<&mut Netns> {
        let id = self.id(name)?;
        self.by_id_mut(id)
    }

    /// Makes a namespace; the name is free.
    pub(crate) fn add(&mut self, name: NetnsName) -> NsId {
        let id = NsId(u32::try_from(self.slots.len()).expect("fewer than 2^32 namespaces"));
        self.slots.push(Some(Box::new(Netns::new(id, name.clone()))));
        let taken = self.names.insert(name, id);
        assert!(taken.is_none(), "a namespace's name is given once");
        id
    }

    /// Takes a namespace out, with whatever is still in it.
    pub(crate) fn remove(&mut self, id: NsId) -> Option<Box<Netns>> {
        let ns = self.slots.get_mut(id.0 as usize)?.take()?;
        self.names.remove(&ns.name);
        Some(ns)
    }

    /// All of them, oldest first, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Netns> {
        self.slots.iter_mut().filter_map(|slot| {
            let ns = slot.as_deref_mut()?;
            ns.touch();
            Some(ns)
        })
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Netns> {
        self.names.values().filter_map(|&id| self.by_id(id))
    }
}
