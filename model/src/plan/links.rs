//! The part of a plan about namespaces and links: what goes, what is made, what changes.
//!
//! A veth is made from the end that is a bridge's port, so that one request makes it, places its peer and enslaves it.

use super::there::There;
use super::{Desired, Planner};
use crate::agree;
use crate::link::{BridgeAttrs, LinkKind, PortAttrs};
use crate::name::{IfName, NetnsName};
use crate::op::{AddLink, LinkChange, NewLink, Op, VethPeer};
use crate::snapshot::{Config, LinkConfig};
use crate::virtuals::{Lower, Virtual};
use crate::vlan::{BridgeVlan, VlanRange};
use std::collections::BTreeSet;

type Key = (NetnsName, IfName);

impl Planner<'_> {
    /// Removes namespaces and links that are not wanted, or not so.
    pub(super) fn remove_links(&mut self) {
        let departing: Vec<&NetnsName> =
            self.observed.netns.keys().filter(|n| !self.desired.netns.contains_key(*n) && !n.is_host()).collect();
        let mut gone: BTreeSet<Key> = BTreeSet::new();
        for (netns, there) in &self.there {
            for (name, link) in &there.config.links {
                let key = (netns.clone(), *name);
                let peer = peer_of(link);
                // Namespaces go last, and the other ends of their veths with them, but their names must be free at once.
                let loses_peer = peer.is_some_and(|p| departing.contains(&&p.0));
                // In `host` a link of another make may have the name: the request to make ours is then refused.
                let unwanted = !netns.is_host() && !self.keeps(&key, link);
                if (loses_peer || unwanted) && *name != IfName::lo() && !gone.contains(&key) {
                    self.phases.del_links.push(Op::DelLink { netns: netns.clone(), name: *name });
                    self.take_along(key, &mut gone);
                    peer.cloned().into_iter().for_each(|peer| self.take_along(peer, &mut gone));
                }
            }
        }
        for (netns, name) in gone {
            if let Some(there) = self.there.get_mut(&netns) {
                there.lose_link(name);
            }
        }
        self.phases.del_netns.extend(departing.into_iter().map(|netns| Op::DelNetns { netns: netns.clone() }));
    }

    /// A link goes, and with it what sits on it.
    fn take_along(&self, key: Key, gone: &mut BTreeSet<Key>) {
        let sits_on = |netns: &NetnsName, link: &LinkConfig| match &link.kind {
            LinkKind::Virtual(kind) => kind.lower() == Some(&key) || kind.needs() == Some(key.1) && *netns == key.0,
            _ => false,
        };
        let mut uppers = Vec::new();
        for (netns, there) in &self.there {
            let above = there.config.links.iter().filter(|(_, link)| sits_on(netns, link));
            uppers.extend(above.map(|(name, _)| (netns.clone(), *name)));
        }
        if gone.insert(key) {
            uppers.into_iter().for_each(|upper| self.take_along(upper, gone));
        }
    }

    fn keeps(&self, key: &Key, seen: &LinkConfig) -> bool {
        let wanted = self.desired.netns.get(&key.0).and_then(|c| c.links.get(&key.1));
        wanted.is_some_and(|w| agree::kind(&w.kind, &seen.kind, self.desired, self.observed))
    }

    /// Makes the namespaces and links that are not there.
    pub(super) fn make_links(&mut self) {
        for netns in self.desired.netns.keys() {
            if !self.observed.netns.contains_key(netns) {
                self.phases.netns.push(Op::AddNetns { netns: netns.clone() });
            }
        }
        let desired = self.desired;
        for (netns, config) in &desired.netns {
            for (name, link) in &config.links {
                if self.there[netns].config.links.contains_key(name) {
                    continue;
                }
                match &link.kind {
                    LinkKind::Bridge => self.make_bridge(netns, *name, link),
                    LinkKind::Veth { peer: Some(peer) } => self.make_veth((netns.clone(), *name), peer.clone()),
                    LinkKind::Loopback => There::born(&mut self.there, netns, *name, new_link(LinkKind::Loopback)),
                    // What cannot be made is left to the comparison afterwards, which names it.
                    LinkKind::Veth { peer: None } | LinkKind::Other(_) => {}
                    // They may sit on any of the others.
                    LinkKind::Virtual(_) => {}
                }
            }
        }
        self.make_virtuals();
    }

    /// Those that sit on others behind them.
    fn make_virtuals(&mut self) {
        let desired = self.desired;
        let links = desired.netns.iter().flat_map(|(netns, c)| c.links.iter().map(move |(name, l)| (netns, *name, l)));
        let mut waiting: Vec<_> = links
            .filter_map(|(netns, name, link)| match &link.kind {
                LinkKind::Virtual(kind) => Some((netns, name, link, kind)),
                _ => None,
            })
            .filter(|(netns, name, ..)| !self.there[*netns].config.links.contains_key(name))
            .collect();
        while !waiting.is_empty() {
            let is_there =
                |lower: &Lower| self.there.get(&lower.0).is_some_and(|t| t.config.links.contains_key(&lower.1));
            let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(netns, _, _, kind)| {
                let needs = kind.needs().map(|dev| ((*netns).clone(), dev));
                kind.lower().is_none_or(is_there) && needs.as_ref().is_none_or(is_there)
            });
            // What sits on nothing that will be there is left to the comparison afterwards, which names it.
            if ready.is_empty() {
                return;
            }
            for (netns, name, link, kind) in ready {
                self.make_virtual(netns, name, link, kind);
            }
            waiting = rest;
        }
    }

    fn make_virtual(&mut self, netns: &NetnsName, name: IfName, link: &LinkConfig, kind: &Virtual) {
        let kind = match kind {
            // A delay is refused where nobody looks, be it 0.
            Virtual::Bond(attrs) => Virtual::Bond(Box::new(attrs.sparse())),
            kind => kind.clone(),
        };
        // Of a TAP device the kernel takes nothing else when it is made.
        let (mac, mtu) = if matches!(&kind, Virtual::Tun(_)) { (None, None) } else { (link.mac, link.mtu) };
        let born = LinkConfig { mac, mtu, ..new_link(link.kind.clone()) };
        There::born(&mut self.there, netns, name, born);
        self.phases.virtuals.push(Op::AddLink(Box::new(AddLink {
            netns: netns.clone(),
            name,
            kind: NewLink::Virtual(kind),
            mac,
            mtu,
            master: None,
            up: false,
        })));
    }

    fn make_bridge(&mut self, netns: &NetnsName, name: IfName, link: &LinkConfig) {
        let attrs = agree::bridge_changes(&link.bridge.clone().unwrap_or_default(), None);
        let born = LinkConfig {
            mac: link.mac,
            bridge: Some(attrs.or(&BridgeAttrs::shown_by_all())),
            ..new_link(LinkKind::Bridge)
        };
        There::born(&mut self.there, netns, name, born);
        self.phases.bridges.push(Op::AddLink(Box::new(AddLink {
            netns: netns.clone(),
            name,
            kind: NewLink::Bridge { attrs },
            mac: link.mac,
            // An MTU given at birth is forgotten when a port joins (br_mtu_auto_adjust); set by hand it stays.
            mtu: None,
            master: None,
            up: false,
        })));
    }

    fn make_veth(&mut self, one: Key, other: Key) {
        let desired = self.desired;
        let wanted = |key: &Key| desired.netns.get(&key.0).and_then(|c| c.links.get(&key.1));
        let is_port =
            |key: &Key| wanted(key).is_some_and(|w| w.master.is_some() && !Self::is_bonded(desired, &key.0, w));
        let first = one.clone().min(other.clone());
        let outer = [&one, &other].into_iter().find(|k| is_port(k)).filter(|_| is_port(&one) != is_port(&other));
        let outer = outer.cloned().unwrap_or(first);
        let peer = if outer == one { other } else { one };
        // What is to belong to a bond must be down until it does.
        let end = |key: &Key| match wanted(key) {
            Some(w) if Self::is_bonded(desired, &key.0, w) => (w.mac, w.mtu, None, false),
            Some(w) => (w.mac, w.mtu, w.master, w.up),
            None => Default::default(),
        };
        let ((mac, mtu, master, up), (peer_mac, peer_mtu, ..)) = (end(&outer), end(&peer));
        for (key, mate, is_outer) in [(&outer, &peer, true), (&peer, &outer, false)] {
            let Some(link) = wanted(key) else { continue };
            let (.., given, is_up) = end(key);
            let born = LinkConfig {
                up: is_outer && is_up,
                mtu: link.mtu,
                mac: link.mac,
                master: given.filter(|_| is_outer),
                port: given.filter(|_| is_outer).map(|_| PortAttrs::shown_by_all()),
                ..new_link(LinkKind::Veth { peer: Some(mate.clone()) })
            };
            There::born(&mut self.there, &key.0, key.1, born);
        }
        let peer = VethPeer { netns: peer.0, name: peer.1, mac: peer_mac, mtu: peer_mtu };
        self.phases.veths.push(Op::AddLink(Box::new(AddLink {
            netns: outer.0,
            name: outer.1,
            kind: NewLink::Veth { peer },
            mac,
            mtu,
            master,
            up,
        })));
    }

    /// Changes the links that are there, the new ones included, into what is wanted.
    pub(super) fn change_links(&mut self) {
        let desired = self.desired;
        for (netns, config) in &desired.netns {
            for (name, wanted) in &config.links {
                self.change_link(netns, *name, wanted);
            }
        }
        // What sits on another comes up behind it.
        self.phases.virtuals_up.sort_by_key(|op| match op {
            Op::SetLink { netns, name, .. } => depth(desired, &(netns.clone(), *name)),
            _ => 0,
        });
        self.lower_vlans();
    }

    /// A VLAN device comes up with what it sits on (`vlan_device_event`): one that is not wanted up goes down again.
    fn lower_vlans(&mut self) {
        let raised: BTreeSet<Key> = self
            .phases
            .set_links
            .iter()
            .chain(&self.phases.virtuals_up)
            .filter_map(|op| match op {
                Op::SetLink { netns, name, change } if change.up == Some(true) || change.master.is_some() => {
                    Some((netns.clone(), *name))
                }
                _ => None,
            })
            .collect();
        let desired = self.desired;
        let links = desired.netns.iter().flat_map(|(netns, c)| c.links.iter().map(move |(name, l)| (netns, *name, l)));
        for (netns, name, link) in links.filter(|(.., link)| !link.up) {
            let LinkKind::Virtual(Virtual::Vlan(vlan)) = &link.kind else { continue };
            let key = (netns.clone(), name);
            if !vlan.loose_binding && below(desired, &key).skip(1).any(|lower| raised.contains(&lower)) {
                let change = Box::new(LinkChange { up: Some(false), ..LinkChange::default() });
                self.phases.virtuals_up.push(Op::SetLink { netns: key.0, name, change });
            }
        }
    }

    fn change_link(&mut self, netns: &NetnsName, name: IfName, wanted: &LinkConfig) {
        if self.change_member(netns, name, wanted) {
            return;
        }
        let ports_change = wanted.kind == LinkKind::Bridge && self.ports_change(netns, name);
        let loses_mac = wanted.kind.is_bond() && self.loses_members(netns, name);
        let Some(there) = self.there.get_mut(netns) else { return };
        let Some(seen) = there.config.links.get(&name).cloned() else { return };
        let mut change = LinkChange {
            up: Some(wanted.up).filter(|up| *up != seen.up),
            mtu: wanted.mtu.filter(|_| wanted.mtu != seen.mtu),
            mac: wanted.mac.filter(|_| wanted.mac != seen.mac && name != IfName::lo()),
            master: Some(wanted.master).filter(|master| *master != seen.master),
            ..LinkChange::default()
        };
        if change.mac.is_some() {
            there.lose_neighs(name);
        }
        if change.up == Some(false) {
            there.go_down(name);
        }
        if change.master.is_some() {
            there.leave_bridge(name);
        }
        let set = |change| Op::SetLink { netns: netns.clone(), name, change: Box::new(change) };
        if wanted.kind.is_bond() && (change.mac.is_some() || loses_mac && wanted.mac.is_some()) {
            // Behind those that come and go.
            change.mac = None;
            self.phases.attrs.push(set(LinkChange { mac: wanted.mac, ..LinkChange::default() }));
        }
        if wanted.kind == LinkKind::Bridge {
            let mtu = wanted.mtu.filter(|_| change.mtu.is_some() || ports_change);
            change.mtu = None;
            if mtu.is_some() {
                self.phases.attrs.push(set(LinkChange { mtu, ..LinkChange::default() }));
            }
        }
        if wanted.kind == LinkKind::Bridge && change.up == Some(true) {
            change.up = None;
            self.phases.bridges_up.push(set(LinkChange { up: Some(true), ..LinkChange::default() }));
        }
        if matches!(wanted.kind, LinkKind::Virtual(_)) && change.up == Some(true) {
            change.up = None;
            self.phases.virtuals_up.push(set(LinkChange { up: Some(true), ..LinkChange::default() }));
        }
        if change != LinkChange::default() {
            self.phases.set_links.push(set(change));
        }
        if wanted.kind == LinkKind::Bridge {
            let attrs = wanted.bridge.as_ref().map(|w| agree::bridge_changes(w, seen.bridge.as_ref()));
            if let Some(attrs) = attrs.filter(|a| !a.is_empty()) {
                self.phases.attrs.push(Op::SetBridge { netns: netns.clone(), name, attrs });
            }
        }
        if wanted.master.is_some() {
            let port = there.config.links.get(&name).and_then(|link| link.port.as_ref());
            let attrs = wanted.port.as_ref().map(|w| agree::port_changes(w, port));
            if let Some(attrs) = attrs.filter(|a| !a.is_empty()) {
                self.phases.attrs.push(Op::SetPort { netns: netns.clone(), name, attrs });
            }
        }
        if wanted.kind == LinkKind::Bridge || wanted.master.is_some() {
            let shown = there.config.links.get(&name).and_then(|link| link.vlans.clone());
            self.plan_vlans(netns, name, wanted, shown);
        }
        self.plan_impairment(netns, name, wanted, &seen);
    }

    /// Whether a link is to be a member of a bond.
    fn is_bonded(desired: &Desired, netns: &NetnsName, wanted: &LinkConfig) -> bool {
        let links = desired.netns.get(netns).map(|config| &config.links);
        let master = links.zip(wanted.master).and_then(|(links, master)| links.get(&master));
        master.is_some_and(|master| master.kind.is_bond())
    }

    /// Whether a bond may be without members for a moment: its MAC is another then (`__bond_release_one`).
    fn loses_members(&self, netns: &NetnsName, bond: IfName) -> bool {
        let Some(seen) = self.observed.netns.get(netns) else { return false };
        let wanted = |name: &IfName| self.desired.netns.get(netns)?.links.get(name);
        let stays = |name: &IfName, link: &LinkConfig| {
            let kept = wanted(name).is_some_and(|w| w.master == Some(bond) && (w.mac.is_none() || w.mac == link.mac));
            kept && self.keeps(&(netns.clone(), *name), link)
        };
        let members = || seen.config.links.iter().filter(|(_, link)| link.master == Some(bond));
        members().next().is_some() && !members().any(|(name, link)| stays(name, link))
    }

    /// A link that is to belong to a bond, or did: it comes to one while down and is up then, and is down when it is let go
    /// (`bond_enslave`, `bond_release`). Answers whether that was all that there is to change.
    fn change_member(&mut self, netns: &NetnsName, name: IfName, wanted: &LinkConfig) -> bool {
        let joins = Self::is_bonded(self.desired, netns, wanted);
        let Some(there) = self.there.get_mut(netns) else { return false };
        let Some(seen) = there.config.links.get(&name).cloned() else { return false };
        let is_bond = |master: IfName| there.config.links.get(&master).is_some_and(|link| link.kind.is_bond());
        let was = seen.master.is_some_and(is_bond);
        let mac = wanted.mac.filter(|_| wanted.mac != seen.mac);
        let mut ops = Vec::new();
        let mut set = |change| ops.push(Op::SetLink { netns: netns.clone(), name, change: Box::new(change) });
        let mut up = seen.up;
        let stays = seen.master == wanted.master && mac.is_none();
        if was && !stays {
            set(LinkChange { master: Some(None), ..LinkChange::default() });
            up = false;
        }
        if joins && !(was && stays) {
            if up || mac.is_some() {
                set(LinkChange { up: up.then_some(false), mac, ..LinkChange::default() });
            }
            set(LinkChange { master: Some(wanted.master), ..LinkChange::default() });
            up = true;
        }
        if joins && up != wanted.up {
            set(LinkChange { up: Some(wanted.up), ..LinkChange::default() });
        }
        self.phases.set_links.append(&mut ops);
        if (joins || was) && !stays {
            there.go_down(name);
            there.leave_bridge(name);
            // Let go it has its own MTU again, which was not to be seen.
            let mtu = seen.mtu.filter(|_| !was);
            if let Some(link) = there.config.links.get_mut(&name) {
                (link.up, link.mtu) = (up, mtu);
            }
        }
        if joins {
            self.plan_impairment(netns, name, wanted, &seen);
        }
        joins
    }

    /// Takes away and gives VLANs. A new port, and a new bridge itself, has the default one.
    fn plan_vlans(&mut self, netns: &NetnsName, dev: IfName, wanted: &LinkConfig, seen: Option<Vec<BridgeVlan>>) {
        let Some(vlans) = &wanted.vlans else { return };
        let bridge = wanted.master.unwrap_or(dev);
        let attrs = |config: &Config| config.links.get(&bridge)?.bridge.as_ref()?.vlan_default_pvid;
        let default = attrs(&self.desired.netns[netns]).or_else(|| attrs(&self.there[netns].config)).unwrap_or(1);
        let born = || BridgeVlan { vid: default, pvid: true, untagged: true };
        let seen = seen.unwrap_or_else(|| (default != 0).then(born).into_iter().collect());
        let own = bridge == dev;
        let gone: Vec<BridgeVlan> = seen.iter().filter(|s| vlans.iter().all(|w| w.vid != s.vid)).copied().collect();
        let new: Vec<BridgeVlan> = vlans.iter().filter(|w| !seen.contains(w)).copied().collect();
        let del = |vlans| Op::DelVlan { netns: netns.clone(), dev, vlans, own };
        self.phases.vlans.extend(VlanRange::cover(&gone).into_iter().map(del));
        let add = |vlans| Op::AddVlan { netns: netns.clone(), dev, vlans, own };
        self.phases.vlans.extend(VlanRange::cover(&new).into_iter().map(add));
    }

    /// Whether a bridge's ports or their MTUs are not yet what they will be: then its own MTU may move.
    fn ports_change(&self, netns: &NetnsName, bridge: IfName) -> bool {
        let is_port = |link: &&LinkConfig| link.master == Some(bridge);
        let ports = |config: &Config| {
            config.links.iter().filter(|(_, link)| is_port(link)).map(|(name, l)| (*name, l.mtu)).collect::<Vec<_>>()
        };
        let seen = self.observed.netns.get(netns).map(|state| ports(&state.config)).unwrap_or_default();
        let wanted = ports(&self.desired.netns[netns]);
        let same = wanted.iter().zip(&seen).all(|(w, s)| w.0 == s.0 && (w.1.is_none() || w.1 == s.1));
        wanted.len() != seen.len() || !same
    }

    fn plan_impairment(&mut self, netns: &NetnsName, dev: IfName, wanted: &LinkConfig, seen: &LinkConfig) {
        let agrees = match (&wanted.impairment, &seen.impairment) {
            (Some(wanted), Some(seen)) => agree::impairment(wanted, seen),
            (wanted, seen) => wanted.is_none() && seen.is_none(),
        };
        if !agrees {
            let impairment = wanted.impairment.clone().map(Box::new);
            self.phases.impairments.push(Op::SetImpairment { netns: netns.clone(), dev, impairment, handle: None });
        }
    }
}

/// How many devices a device sits on, itself included.
fn depth(desired: &Desired, key: &Key) -> usize {
    below(desired, key).count()
}

/// A device and those that it sits on.
fn below<'a>(desired: &'a Desired, key: &Key) -> impl Iterator<Item = Key> + use<'a> {
    let lower = move |key: &Key| match &desired.netns.get(&key.0)?.links.get(&key.1)?.kind {
        LinkKind::Virtual(kind) => kind.lower().cloned(),
        _ => None,
    };
    // A circle has no end, and no machine makes one.
    std::iter::successors(Some(key.clone()), lower).take(64)
}

fn peer_of(link: &LinkConfig) -> Option<&Key> {
    match &link.kind {
        LinkKind::Veth { peer } => peer.as_ref(),
        _ => None,
    }
}

/// A link as it is born, but for what its request says.
fn new_link(kind: LinkKind) -> LinkConfig {
    LinkConfig {
        up: false,
        mtu: (kind == LinkKind::Loopback).then_some(65536),
        kind,
        mac: None,
        master: None,
        addrs: Vec::new(),
        bridge: None,
        port: None,
        vlans: None,
        impairment: None,
    }
}
