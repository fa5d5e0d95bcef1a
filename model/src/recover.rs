//! A topology from what a machine shows: the way back from a snapshot, for `nettwin import`.
//!
//! What a snapshot says and a topology has no words for is [`Lost`], each with the reason, never left out in silence.
//! Counterpart: `ip … save`. Deliberately absent: names, expectations and timelines (no machine shows them), sysctls
//! other than forwarding (whoever has a second machine to compare with says which values count), the lines of `nat` and
//! `firewall` (a ruleset says less about what was meant than they do).

use crate::complaint::Placed;
use crate::graph::Segments;
use crate::layout::{DEFAULT_MTU, DevKey, Layout, derived_mac};
use crate::link::{BridgeAttrs, LinkKind, LinkTraits, PortAttrs};
use crate::name::{IfName, Mac, NetnsName};
use crate::op::{NewLink, Op};
use crate::paths;
use crate::route::{Route, RouteKind};
use crate::rule::Rules;
use crate::snapshot::{Config, LinkConfig, Snapshot};
use crate::sysctl::SysctlKey;
use crate::topology::{Bridge, End, Interface, Link, Netns, Routing, Topology};
use crate::virtuals::Virtual;
use crate::{Address, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What ops said and a snapshot does not tell from the machine's own choice: MACs, and MTUs of bridges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    macs: BTreeSet<DevKey>,
    mtus: BTreeSet<DevKey>,
}

impl Said {
    /// Takes note of an op that was executed.
    pub fn note(&mut self, op: &Op) {
        match op {
            Op::AddLink(link) => {
                self.born((link.netns.clone(), link.name), link.mac.is_some(), link.mtu.is_some());
                if let NewLink::Veth { peer } = &link.kind {
                    self.born((peer.netns.clone(), peer.name), peer.mac.is_some(), peer.mtu.is_some());
                }
            }
            Op::SetLink { netns, name, change } => {
                let old = (netns.clone(), *name);
                let new = (change.netns.clone().unwrap_or_else(|| netns.clone()), change.rename.unwrap_or(*name));
                for (set, said) in [(&mut self.macs, change.mac.is_some()), (&mut self.mtus, change.mtu.is_some())] {
                    if set.remove(&old) || said {
                        set.insert(new.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn born(&mut self, key: DevKey, mac: bool, mtu: bool) {
        for (set, said) in [(&mut self.macs, mac), (&mut self.mtus, mtu)] {
            // One of that name may have been there before.
            set.remove(&key);
            if said {
                set.insert(key.clone());
            }
        }
    }
}

/// What a topology has no words for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// In which namespace.
    pub netns: NetnsName,
    /// What.
    pub part: Part,
    /// Why.
    pub why: &'static str,
}

/// A part of a namespace's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A link as a whole.
    Link(IfName),
    /// A link's queue length, alias, group or flags.
    Traits(IfName),
    /// What happens to what a link sends.
    Impairment(IfName),
    /// Addresses, routes, neighbours or settings of the namespace itself.
    Netns,
    /// The policy rules that it is born with.
    Rules,
    /// Its packet filter.
    Ruleset,
    /// A setting.
    Sysctl(SysctlKey),
}

impl Lost {
    /// Whether an op is one that made it so.
    pub fn is_by(&self, op: &Op) -> bool {
        if let (Part::Link(dev), Op::AddLink(link)) = (&self.part, op) {
            let peer = matches!(&link.kind, NewLink::Veth { peer } if peer.name == *dev);
            // It may have been moved since.
            return link.name == *dev || peer;
        }
        op.netns() == &self.netns
            && match (&self.part, op) {
                (Part::Traits(dev), Op::SetLink { name, change, .. }) => {
                    let said =
                        [change.promisc, change.allmulti, change.multicast, change.arp].iter().any(Option::is_some);
                    name == dev
                        && (said || change.txqueuelen.is_some() || change.alias.is_some() || change.group.is_some())
                }
                (Part::Impairment(dev), Op::SetImpairment { dev: of, .. }) => dev == of,
                (Part::Netns, Op::AddRoute { .. } | Op::AddNeigh { .. } | Op::AddRule { .. }) => true,
                (Part::Netns, Op::AddNexthop { .. } | Op::AddAddr { .. } | Op::ChangeAddr { .. }) => true,
                (Part::Rules, Op::AddRule { .. } | Op::DelRule { .. }) => true,
                (Part::Ruleset, Op::Ruleset { .. }) => true,
                (Part::Sysctl(key), Op::SetSysctl { key: of, .. }) => key == of,
                _ => false,
            }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let netns = &self.netns;
        match &self.part {
            Part::Link(dev) => write!(f, "{netns}:{dev}")?,
            Part::Traits(dev) => write!(f, "{netns}:{dev}: queue length, alias, group or flags")?,
            Part::Impairment(dev) => write!(f, "{netns}:{dev}: netem")?,
            Part::Netns => write!(f, "{netns}: what is not about its bridge")?,
            Part::Rules => write!(f, "{netns}: policy rules")?,
            Part::Ruleset => write!(f, "{netns}: packet filter")?,
            Part::Sysctl(key) => write!(f, "{netns}: {key}")?,
        }
        write!(f, ": {}", self.why)
    }
}

/// A topology and what is missing in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The topology. It need not pass the check: a script may make what no check lets pass.
    pub topology: Topology,
    /// What it does not say.
    pub lost: Vec<Lost>,
}

impl Topology {
    /// The topology of this seed that leads to what was observed; routes of shortest path are left unsaid where `routing`
    /// asks for it and they are there.
    pub fn recover(observed: &Snapshot, said: &Said, seed: u64, routing: Routing) -> Recovered {
        let recovered = Recovered { topology: Topology { seed, ..Topology::default() }, lost: Vec::new() };
        let mut recovery = Recovery { observed, said, recovered, held: BTreeMap::new(), unsaid: BTreeMap::new() };
        recovery.bridges();
        recovery.namespaces();
        recovery.wires();
        if routing == Routing::Shortest {
            recovery.shorten();
        }
        for (name, netns) in std::mem::take(&mut recovery.unsaid) {
            if netns != Netns::default() {
                recovery.lose(&name, Part::Netns, "its bridge has the same name, which leaves no place for the rest");
            }
        }
        recovery.recovered
    }
}

struct Recovery<'a> {
    observed: &'a Snapshot,
    said: &'a Said,
    recovered: Recovered,
    /// The bridges that the topology has, each with its namespace.
    held: BTreeMap<IfName, NetnsName>,
    /// What bridges' own namespaces have besides.
    unsaid: BTreeMap<NetnsName, Netns>,
}

impl Recovery<'_> {
    fn lose(&mut self, netns: &NetnsName, part: Part, why: &'static str) {
        self.recovered.lost.push(Lost { netns: netns.clone(), part, why });
    }

    fn bridges(&mut self) {
        for (netns, state) in &self.observed.netns {
            for (name, link) in state.config.links.iter().filter(|(_, link)| link.kind == LinkKind::Bridge) {
                let has_own = netns.as_str() == name.as_str();
                let is_netns = self.observed.netns.keys().any(|n| n.as_str() == name.as_str());
                if self.held.contains_key(name) {
                    self.lose(netns, Part::Link(*name), "another bridge has that name");
                } else if is_netns && !has_own {
                    self.lose(netns, Part::Link(*name), "a namespace has that name");
                } else {
                    self.held.insert(*name, netns.clone());
                    let mut bridge = Bridge {
                        holder: (!has_own).then(|| Placed::from(netns.clone())),
                        device: self.interface(netns, *name, link),
                        ..Bridge::default()
                    };
                    let attrs = link.bridge.clone().unwrap_or_default();
                    bridge.attrs = attrs.changes_from(&BridgeAttrs::kernel_default());
                    bridge.fdb.extend(of_bridge(&state.config, *name));
                    self.recovered.topology.bridges.insert(*name, bridge);
                }
            }
        }
    }

    /// Whether a bridge has this namespace for its own.
    fn is_bridges(&self, netns: &NetnsName) -> bool {
        IfName::new(netns.as_str()).is_ok_and(|name| self.held.get(&name) == Some(netns))
    }

    fn namespaces(&mut self) {
        for (name, state) in &self.observed.netns {
            let config = &state.config;
            for dev in config.traits.keys().filter(|dev| !is_as_born(config, **dev)) {
                self.lose(name, Part::Traits(*dev), "a topology does not say these");
            }
            if !config.ruleset.is_empty() {
                self.lose(name, Part::Ruleset, "write what is meant as lines of `nat` and `firewall`");
            }
            let mut netns = self.netns(name, config);
            let lo = config.links.get(&IfName::lo());
            if let Some(lo) = lo {
                let lo = self.interface(name, IfName::lo(), lo);
                if lo != Interface::default() {
                    netns.interfaces.insert(IfName::lo(), lo);
                }
            }
            if self.is_bridges(name) {
                self.unsaid.insert(name.clone(), netns);
            } else if !(name.is_host() && netns == Netns::default() && config.links.len() < 2) {
                // The initial namespace is there in any case; of an idle one there is nothing to say.
                self.recovered.topology.netns.insert(name.clone(), netns);
            }
        }
    }

    fn netns(&mut self, name: &NetnsName, config: &Config) -> Netns {
        let mut rules = Rules::default();
        let more: Vec<_> = config.rules.0.iter().filter(|rule| !rules.0.contains(rule)).cloned().collect();
        more.iter().cloned().for_each(|rule| rules.insert(rule));
        if rules != config.rules {
            self.lose(name, Part::Rules, "those that a namespace is born with were changed");
        }
        let forwards = |(key, value): (&SysctlKey, &String)| key.path() == "net/ipv4/ip_forward" && value != "0";
        Netns {
            forwarding: config.sysctls.iter().any(forwards),
            routes: config.routes.iter().map(|route| Placed::from(plain_route(route))).collect(),
            nexthops: config.nexthops.iter().cloned().map(Placed::from).collect(),
            rules: more.into_iter().map(Placed::from).collect(),
            neighbours: config.neighs.iter().cloned().map(Placed::from).collect(),
            ..Netns::default()
        }
    }

    fn interface(&self, netns: &NetnsName, dev: IfName, link: &LinkConfig) -> Interface {
        let key = (netns.clone(), dev);
        let said_mac = |mac: &Mac| self.said.macs.contains(&key) && !self.is_derived(*mac, netns, dev, link);
        Interface {
            up: link.up,
            mac: link.mac.filter(said_mac).map(Placed::from),
            mtu: link.mtu.filter(|_| self.said.mtus.contains(&key) && !is_veth(link)).map(Placed::from),
            addresses: link.addrs.iter().map(|address| Placed::from(plain_address(address, dev))).collect(),
            port: link.port.as_ref().map(|port| port.changes_from(&PortAttrs::kernel_default())).unwrap_or_default(),
            ..Interface::default()
        }
    }

    /// Whether the seed gives a device this MAC by itself.
    fn is_derived(&self, mac: Mac, netns: &NetnsName, dev: IfName, link: &LinkConfig) -> bool {
        use Virtual::{Dummy, Tun, Vxlan};
        let has_own = is_veth(link) || matches!(link.kind, LinkKind::Virtual(Dummy | Tun(_) | Vxlan(_)));
        has_own && mac == derived_mac(self.recovered.topology.seed, netns, dev)
    }

    /// Leaves out the routes that follow from the rest.
    fn shorten(&mut self) {
        let all: BTreeMap<NetnsName, Vec<Placed<Route>>> = self
            .recovered
            .topology
            .netns
            .iter()
            .chain(&self.unsaid)
            .map(|(name, netns)| (name.clone(), netns.routes.clone()))
            .collect();
        let (layout, _) = Layout::of(&self.recovered.topology);
        let segments = Segments::of(&layout);
        let mut topology = self.recovered.topology.clone();
        topology.routing = Routing::Shortest;
        topology.netns.values_mut().for_each(|netns| netns.routes.clear());
        let mut kept = BTreeMap::new();
        // What a namespace states itself may leave less to be made.
        for _ in 0..2 {
            let made = paths::shortest(&topology, &layout, &segments);
            let is_made = |name: &NetnsName, route: &Route| made.get(name).is_some_and(|made| made.contains(route));
            kept = all.clone();
            kept.iter_mut().for_each(|(name, routes)| routes.retain(|route| !is_made(name, &route.value)));
            for (name, netns) in &mut topology.netns {
                netns.routes = kept.get(name).cloned().unwrap_or_default();
            }
        }
        let made = paths::shortest(&topology, &layout, &segments);
        let is_there = |name: &NetnsName, route: &Route| {
            all.get(name).is_some_and(|there| there.iter().any(|there| there.value == *route))
        };
        if made.iter().all(|(name, routes)| routes.iter().all(|route| is_there(name, route))) {
            self.recovered.topology = topology;
            for (name, netns) in &mut self.unsaid {
                netns.routes = kept.remove(name).unwrap_or_default();
            }
        }
    }

    fn wires(&mut self) {
        for (netns, state) in &self.observed.netns {
            for (dev, link) in &state.config.links {
                let here = (netns.clone(), *dev);
                match &link.kind {
                    LinkKind::Loopback | LinkKind::Bridge => {
                        if link.impairment.is_some() {
                            self.lose(netns, Part::Impairment(*dev), "a topology says this of wires only");
                        }
                    }
                    LinkKind::Veth { peer: Some(there) } => {
                        if here < *there {
                            self.wire(&here, there);
                        }
                    }
                    LinkKind::Veth { peer: None } => {
                        self.lose(netns, Part::Link(*dev), "its other end is nowhere to be seen");
                    }
                    LinkKind::Other(_) => self.lose(netns, Part::Link(*dev), "a topology has no links of this kind"),
                    LinkKind::Virtual(kind) => self.virtual_device(&here, link, kind),
                }
            }
        }
    }

    /// A device of software alone, where a topology can say it.
    fn virtual_device(&mut self, key: &DevKey, link: &LinkConfig, kind: &Virtual) {
        let elsewhere = kind.lower().is_some_and(|(netns, _)| *netns != key.0);
        let bond = self.bond_of(key, link);
        if matches!(kind, Virtual::Vrf { .. })
            || elsewhere
            || (link.master.is_some() && bond.is_none())
            || self.is_bridges(&key.0)
        {
            return self.lose(&key.0, Part::Link(key.1), "a topology cannot say it of a device of this kind");
        }
        let kind = match kind {
            Virtual::Bond(attrs) => Virtual::Bond(Box::new(attrs.sparse())),
            kind => kind.clone(),
        };
        let said = Interface {
            link: kind.lower().map(|(_, name)| Placed::from(*name)),
            kind: Some(Placed::from(kind)),
            master: bond.map(Placed::from),
            mtu: link.mtu.filter(|mtu| *mtu != DEFAULT_MTU && bond.is_none()).map(Placed::from),
            ..self.interface(&key.0, key.1, link)
        };
        let netns = self.recovered.topology.netns.entry(key.0.clone()).or_default();
        netns.interfaces.insert(key.1, said);
    }

    fn wire(&mut self, first: &DevKey, second: &DevKey) {
        let observed = self.observed;
        let link = |key: &DevKey| observed.netns.get(&key.0)?.config.links.get(&key.1);
        let (Some(one), Some(other)) = (link(first), link(second)) else {
            return self.lose(&first.0, Part::Link(first.1), "its other end is nowhere to be seen");
        };
        let ends = [(first, one), (second, other)];
        let Some(said) = ends.iter().map(|(key, link)| self.end(key, link)).collect::<Option<Vec<End>>>() else {
            return self.lose(&first.0, Part::Link(first.1), "a bridge that it is wired to cannot be said either");
        };
        let Ok(said) = <[End; 2]>::try_from(said) else { return };
        let same = one.mtu == other.mtu;
        let odd = |mtu: Option<u32>| mtu.filter(|mtu| *mtu != DEFAULT_MTU).map(Placed::from);
        let impair = ends.map(|(_, link)| link.impairment.clone().map(Placed::from));
        for ((key, link), end) in ends.into_iter().zip(&said) {
            let mut interface = self.interface(&key.0, key.1, link);
            let bond = self.bond_of(key, link);
            interface.master = bond.map(Placed::from);
            // A member has its bond's.
            interface.mtu = if same || bond.is_some() { None } else { odd(link.mtu) };
            if interface != Interface::default() {
                self.describe(key, end, link, interface);
            }
        }
        let mtu = if same { odd(one.mtu) } else { None };
        self.recovered.topology.links.push(Link { span: Default::default(), ends: said, mtu, impair });
    }

    /// The bond that a link is a member of.
    fn bond_of(&self, key: &DevKey, link: &LinkConfig) -> Option<IfName> {
        let links = &self.observed.netns.get(&key.0)?.config.links;
        let is_bond = |master: &IfName| links.get(master).is_some_and(|link| link.kind.is_bond());
        link.master.filter(is_bond)
    }

    /// How a wire's end is said: as a bridge's port, or as a namespace's interface.
    fn end(&self, key: &DevKey, link: &LinkConfig) -> Option<End> {
        match link.master.filter(|_| self.bond_of(key, link).is_none()) {
            Some(bridge) => {
                let node = NetnsName::new(bridge.as_str()).ok()?;
                (self.held.get(&bridge) == Some(&key.0)).then(|| End::new(node, key.1))
            }
            None => (!self.is_bridges(&key.0)).then(|| End::new(key.0.clone(), key.1)),
        }
    }

    fn describe(&mut self, key: &DevKey, end: &End, link: &LinkConfig, interface: Interface) {
        let t = &mut self.recovered.topology;
        match link.master.and_then(|bridge| t.bridges.get_mut(&bridge)) {
            Some(bridge) => _ = bridge.ports.insert(end.dev, interface),
            None => _ = t.netns.entry(key.0.clone()).or_default().interfaces.insert(end.dev, interface),
        }
    }
}

fn is_veth(link: &LinkConfig) -> bool {
    matches!(link.kind, LinkKind::Veth { .. })
}

/// The entries that somebody added to a bridge's table.
fn of_bridge(config: &Config, bridge: IfName) -> impl Iterator<Item = Placed<crate::FdbEntry>> + '_ {
    config.fdb.iter().filter(move |entry| entry.bridge == bridge).cloned().map(Placed::from)
}

/// A route without what goes without saying.
fn plain_route(route: &Route) -> Route {
    let has_gateway = route.nexthops.iter().any(|hop| hop.via.is_some()) || route.nhid.is_some();
    let usual = match route.kind {
        RouteKind::Local => Scope::HOST,
        RouteKind::Unicast if !has_gateway => Scope::LINK,
        RouteKind::Broadcast | RouteKind::Multicast => Scope::LINK,
        _ => Scope::GLOBAL,
    };
    let mut route = Route { scope: route.scope.filter(|scope| *scope != usual), ..route.clone() };
    if route.nhid.is_some() || !matches!(route.kind, RouteKind::Unicast | RouteKind::Local | RouteKind::Broadcast) {
        // It leads where the object does, or nowhere; the loopback device of the latter is the machine's own word.
        route.nexthops.clear();
    }
    route
}

/// An address without what the machine adds.
fn plain_address(address: &Address, dev: IfName) -> Address {
    let label = address.label.clone().filter(|label| label != dev.as_str());
    Address { label, secondary: false, deprecated: false, ..address.clone() }
}

/// Whether a link carries nothing besides but what its kind is born with.
fn is_as_born(config: &Config, dev: IfName) -> bool {
    let kind = config.links.get(&dev).map(|link| &link.kind);
    let Some(LinkKind::Virtual(Virtual::Tun(tun))) = kind else { return false };
    config.traits.get(&dev) == Some(&LinkTraits { txqueuelen: tun.txqueuelen(), ..LinkTraits::default() })
}
