//! A topology's devices with their names resolved: what is where, what is wired to what, which bridge holds which port.
//!
//! Between [`Topology`] (what was said) and the desired state (what is to be). Deliberately absent: addresses' meaning
//! and routes (see [`crate::check`]), graphs (see [`crate::graph`]).

use crate::addr::Address;
use crate::complaint::{Complaint, Placed, Span, did_you_mean};
use crate::link::{BridgeAttrs, PortAttrs};
use crate::name::{IfName, Mac, NetnsName};
use crate::topology::{Bridge, End, Interface, Topology};
use crate::virtuals::{MacvlanMode, Virtual};
use crate::vlan::{self, BridgeVlan};
use std::collections::BTreeMap;

/// A device's namespace and name.
pub type DevKey = (NetnsName, IfName);

/// All devices of a topology.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// All namespaces with their devices, `lo` included. Those of bridges are here, and `host` if something is in it.
    pub netns: BTreeMap<NetnsName, BTreeMap<IfName, Device>>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What it is.
    pub kind: DeviceKind,
    /// How the topology says it: `h1:eth0`, `s1:p1`, `s1`.
    pub said: String,
    /// Where it is said best.
    pub span: Span,
    /// The bridge that it is a port of or the bond that it is a member of, in the same namespace.
    pub master: Option<IfName>,
    /// It is a bond that it belongs to.
    pub is_bonded: bool,
    /// Administratively up.
    pub up: bool,
    /// Its MAC; `None` where the machine chooses (`lo`, most bridges).
    pub mac: Option<Placed<Mac>>,
    /// Its MTU, bytes; `None` where the machine chooses.
    pub mtu: Option<Placed<u32>>,
    /// Its addresses.
    pub addresses: Vec<Placed<Address>>,
    /// A port's attributes.
    pub port: PortAttrs,
    /// A port's or a bridge's own VLANs, if they are said.
    pub vlans: Option<Vec<BridgeVlan>>,
}

/// What a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// `lo`.
    Loopback,
    /// An end of a wire.
    Veth {
        /// The other end.
        peer: DevKey,
        /// Which of the topology's links it belongs to.
        link: usize,
        /// Which of the link's ends it is, 0 or 1.
        end: usize,
    },
    /// A bridge.
    Bridge(BridgeAttrs),
    /// Another device of software alone.
    Virtual(Virtual),
}

/// The MTU of a veth of which nothing is said.
pub const DEFAULT_MTU: u32 = 1500;

/// A MAC for a device, decided by the topology's seed and the device's names and nothing else: `02:` and five bytes of
/// a fixed hash (FNV-1a, then SplitMix64's finaliser).
pub fn derived_mac(seed: u64, netns: &NetnsName, dev: IfName) -> Mac {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let bytes = seed.to_le_bytes().into_iter().chain(netns.as_str().bytes()).chain([0]).chain(dev.as_str().bytes());
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [_, _, _, a, b, c, d, e] = (hash ^ (hash >> 31)).to_be_bytes();
    Mac([0x02, a, b, c, d, e])
}

impl Bridge {
    /// The namespace that holds the bridge of this name.
    pub fn netns(&self, name: IfName) -> NetnsName {
        match &self.holder {
            Some(holder) => holder.value.clone(),
            // An interface's name is a namespace's too: shorter, and the same bytes are refused.
            None => NetnsName::new(name.as_str()).unwrap_or_else(|_| NetnsName::host()),
        }
    }
}

impl Device {
    /// The bridge that it is a port of.
    pub fn bridge(&self) -> Option<IfName> {
        self.master.filter(|_| !self.is_bonded)
    }
}

impl Layout {
    /// Resolves all names. What cannot be resolved is said and left out.
    pub fn of(topology: &Topology) -> (Layout, Vec<Complaint>) {
        let mut builder = Builder { t: topology, layout: Layout::default(), complaints: Vec::new() };
        builder.namespaces();
        builder.bridges();
        for index in 0..topology.links.len() {
            builder.link(index);
        }
        builder.virtuals();
        builder.members();
        builder.unconnected();
        (builder.layout, builder.complaints)
    }

    /// A device.
    pub fn get(&self, key: &DevKey) -> Option<&Device> {
        self.netns.get(&key.0)?.get(&key.1)
    }

    /// All devices, by namespace and name.
    pub fn devices(&self) -> impl Iterator<Item = (&NetnsName, IfName, &Device)> {
        self.netns.iter().flat_map(|(netns, devices)| devices.iter().map(move |(dev, d)| (netns, *dev, d)))
    }

    fn insert(&mut self, key: DevKey, device: Device) {
        self.netns.entry(key.0).or_default().insert(key.1, device);
    }
}

impl Topology {
    /// Where a device is: its namespace, its name, and the bridge it is a port of.
    pub fn locate(&self, end: &End) -> Result<(DevKey, Option<IfName>), Complaint> {
        if self.netns.contains_key(&end.node) || end.node.is_host() {
            return Ok(((end.node.clone(), end.dev), None));
        }
        let bridge = IfName::new(end.node.as_str()).ok().and_then(|name| self.bridges.get_key_value(&name));
        if let Some((name, bridge)) = bridge {
            let master = (end.dev != *name).then_some(*name);
            return Ok(((bridge.netns(*name), end.dev), master));
        }
        Err(self.unknown_node(&end.node, end.span))
    }

    /// Where a namespace's name leads: to itself, or for a bridge to the namespace that holds it.
    pub fn locate_netns(&self, name: &NetnsName, span: Span) -> Result<NetnsName, Complaint> {
        if self.netns.contains_key(name) || name.is_host() {
            return Ok(name.clone());
        }
        match IfName::new(name.as_str()).ok().and_then(|n| self.bridges.get_key_value(&n)) {
            Some((bridge_name, bridge)) => Ok(bridge.netns(*bridge_name)),
            None => Err(self.unknown_node(name, span)),
        }
    }

    fn unknown_node(&self, name: &NetnsName, span: Span) -> Complaint {
        let known = self.netns.keys().map(NetnsName::as_str).chain(self.bridges.keys().map(IfName::as_str));
        let help = match did_you_mean(name.as_str(), known) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("declare it: [netns.{0}] or [bridge.{0}]", toml_key(name.as_str())),
        };
        let message = format!("there is no namespace or bridge {:?}", name.as_str());
        Complaint::error("unknown-namespace", span, message).label("not declared").help(help)
    }
}

/// A name as a TOML key.
pub(crate) fn toml_key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { format!("{name:?}") }
}

struct Builder<'a> {
    t: &'a Topology,
    layout: Layout,
    complaints: Vec<Complaint>,
}

impl Builder<'_> {
    fn add_netns(&mut self, name: &NetnsName) {
        if !self.layout.netns.contains_key(name) {
            let lo = self.t.netns.get(name).and_then(|n| n.interfaces.get(&IfName::lo())).cloned();
            let said = format!("{name}:lo");
            let lo = lo.unwrap_or_default();
            if let Some(mac) = &lo.mac {
                let message = "the loopback device has no MAC";
                self.complaints.push(Complaint::error("bad-mac", mac.span, message).help("leave `mac` out"));
            }
            let device = Device { mac: None, ..device_of(DeviceKind::Loopback, &lo, said, lo.span) };
            self.layout.insert((name.clone(), IfName::lo()), device);
        }
    }

    fn namespaces(&mut self) {
        for name in self.t.netns.keys() {
            self.add_netns(name);
        }
    }

    fn bridges(&mut self) {
        for (&name, bridge) in &self.t.bridges {
            let netns = bridge.netns(name);
            let same = self.t.netns.iter().find(|(n, _)| n.as_str() == name.as_str());
            if let Some((_, declared)) = same {
                let message = format!("{name} is both a namespace and a bridge");
                let complaint = Complaint::error("duplicate-name", bridge.span, message)
                    .help("rename one; a bridge needs no namespace declared, it has one of its own")
                    .also(declared.span, "the namespace");
                self.complaints.push(complaint);
                continue;
            }
            if name.as_str() == NetnsName::HOST || name == IfName::lo() {
                let message = format!("{name:?} is a reserved name");
                self.complaints.push(Complaint::error("bad-name", bridge.span, message).help("rename the bridge"));
                continue;
            }
            if let Some(holder) = &bridge.holder
                && let Err(complaint) = self.known_holder(holder)
            {
                self.complaints.push(complaint);
                continue;
            }
            self.add_netns(&netns);
            let kind = DeviceKind::Bridge(bridge.attrs.clone());
            let device = device_of(kind, &bridge.device, name.to_string(), bridge.span);
            self.layout.insert((netns, name), device);
        }
    }

    /// A bridge's holder is a declared namespace or `host`, not another bridge's.
    fn known_holder(&self, holder: &Placed<NetnsName>) -> Result<(), Complaint> {
        if self.t.netns.contains_key(&holder.value) || holder.is_host() {
            return Ok(());
        }
        Err(self.t.unknown_node(&holder.value, holder.span))
    }

    fn link(&mut self, index: usize) {
        let link = &self.t.links[index];
        let mut places = Vec::new();
        for end in &link.ends {
            match self.t.locate(end) {
                Ok((key, master)) => match self.free_end(end, &key) {
                    Ok(()) => places.push((key, master)),
                    Err(complaint) => self.complaints.push(complaint),
                },
                Err(complaint) => self.complaints.push(complaint),
            }
        }
        let Ok([first, second]) = <[_; 2]>::try_from(places) else { return };
        if first.0 == second.0 {
            let message = format!("both ends of the link are {}", link.ends[0]);
            let complaint = Complaint::error("duplicate-name", link.ends[1].span, message);
            self.complaints.push(complaint.help("a wire joins two different interfaces"));
            return;
        }
        let keys = [first.0.clone(), second.0.clone()];
        for (end, (key, master)) in [first, second].into_iter().enumerate() {
            self.end(index, end, key, master, keys[1 - end].clone());
        }
    }

    /// Complains if another link, a bridge or `lo` has the name already.
    fn free_end(&self, end: &End, key: &DevKey) -> Result<(), Complaint> {
        let Some(taken) = self.layout.get(key) else { return Ok(()) };
        let complaint = match &taken.kind {
            DeviceKind::Veth { link, end: which, .. } => {
                let message = format!("{} is already the end of another link", taken.said);
                let first = self.t.links[*link].ends[*which].span;
                let help = "each interface ends one wire: give it another name, or put a bridge between";
                Complaint::error("duplicate-name", end.span, message).also(first, "first here").help(help)
            }
            DeviceKind::Bridge(_) => {
                let message = format!("{} is a bridge, which no wire can end in", taken.said);
                let help = format!("name a port of it, as in \"{}:p1\"", taken.said);
                Complaint::error("bad-end", end.span, message).help(help)
            }
            DeviceKind::Loopback => Complaint::error("bad-end", end.span, "no wire can end in lo").help("rename it"),
            // They come behind all wires.
            DeviceKind::Virtual(kind) => {
                let message = format!("{} is a {}, which no wire can end in", taken.said, kind.word());
                Complaint::error("bad-end", end.span, message).help("rename it")
            }
        };
        Err(complaint)
    }

    fn end(&mut self, link: usize, end: usize, key: DevKey, master: Option<IfName>, peer: DevKey) {
        self.add_netns(&key.0);
        let said = &self.t.links[link].ends[end];
        let by_netns = self.t.netns.get(&key.0).and_then(|n| n.interfaces.get(&key.1));
        let spec = match master {
            Some(bridge) => {
                if let Some(wrong) = by_netns {
                    let message = format!("{} is a port of bridge {bridge}", key.1);
                    let help = format!("describe it under [bridge.{}.ports.{}]", bridge, toml_key(key.1.as_str()));
                    self.complaints.push(Complaint::error("port-as-interface", wrong.span, message).help(help));
                }
                self.t.bridges.get(&bridge).and_then(|b| b.ports.get(&key.1))
            }
            None => by_netns,
        };
        let spec = spec.cloned().unwrap_or_default();
        let kind = DeviceKind::Veth { peer, link, end };
        let device = device_of(kind, &spec, said.to_string(), said.span);
        let mac = device.mac.unwrap_or_else(|| Placed::from(derived_mac(self.t.seed, &key.0, key.1)));
        let mtu = device.mtu.or(self.t.links[link].mtu).unwrap_or_else(|| Placed::from(DEFAULT_MTU));
        let device = Device { master, mac: Some(mac), mtu: Some(mtu), ..device };
        self.layout.insert(key, device);
    }

    /// Interfaces that are devices of software alone, those that sit on others behind them.
    fn virtuals(&mut self) {
        let said = self.t.netns.iter().flat_map(|(netns, n)| n.interfaces.iter().map(move |(dev, i)| (netns, *dev, i)));
        let mut waiting: Vec<(&NetnsName, IfName, &Interface)> = said.filter(|(.., i)| i.kind.is_some()).collect();
        while !waiting.is_empty() {
            let is_there = |netns: &NetnsName, dev| self.layout.get(&(netns.clone(), dev)).is_some();
            let (ready, rest): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|(netns, _, i)| i.link.as_ref().is_none_or(|link| is_there(netns, link.value)));
            if ready.is_empty() {
                rest.iter().for_each(|(netns, _, i)| self.sits_on_nothing(netns, i));
                return;
            }
            for (netns, dev, interface) in ready {
                self.virtual_device(netns, dev, interface);
            }
            waiting = rest;
        }
    }

    fn sits_on_nothing(&mut self, netns: &NetnsName, interface: &Interface) {
        let Some(link) = &interface.link else { return };
        let message = format!("{netns} has no interface {} to sit on", link.value);
        let help = "name an interface of the same namespace; what a device sits on cannot sit on it";
        self.complaints.push(Complaint::error("unknown-device", link.span, message).help(help));
    }

    fn virtual_device(&mut self, netns: &NetnsName, dev: IfName, interface: &Interface) {
        let Some(kind) = &interface.kind else { return };
        let key = (netns.clone(), dev);
        let said = format!("{netns}:{dev}");
        if let Some(taken) = self.layout.get(&key) {
            let message = format!("{} is made otherwise already", taken.said);
            let complaint = Complaint::error("duplicate-name", kind.span, message).also(taken.span, "here");
            self.complaints.push(complaint.help("leave `type` out, or rename it"));
            return;
        }
        let mut kind = kind.clone();
        match (kind.value.lower_mut(), &interface.link) {
            (Some(lower), Some(link)) if link.value == IfName::lo() => {
                *lower = None;
                let message = "nothing sits on the loopback device";
                self.complaints.push(Complaint::error("unknown-device", link.span, message).help("name another"));
                return;
            }
            (Some(lower), Some(link)) => *lower = Some((netns.clone(), link.value)),
            (Some(_), None) => {
                let message = format!("{said} does not say what it sits on");
                let help = "name an interface of the same namespace, as in link = \"eth0\"";
                self.complaints.push(Complaint::error("missing-key", kind.span, message).help(help));
                return;
            }
            (None, Some(link)) => {
                let message = format!("a {} sits on nothing", kind.value.word());
                self.complaints.push(Complaint::error("bad-kind", link.span, message).help("leave `link` out"));
                return;
            }
            (None, None) => {}
        }
        if let (false, Some(mac)) = (kind.value.has_mac(), &interface.mac) {
            let message = format!("a {} has no MAC", kind.value.prefix());
            self.complaints.push(Complaint::error("bad-mac", mac.span, message).help("leave `mac` out"));
            return;
        }
        let inherits = match &kind.value {
            // Of a bond it is the first member's.
            Virtual::Vlan(_) | Virtual::Bond(_) => true,
            Virtual::Macvlan(of) => of.mode == MacvlanMode::Passthru,
            kind => !kind.has_mac(),
        };
        let device = device_of(DeviceKind::Virtual(kind.value), interface, said, interface.span);
        let own = || Placed::from(derived_mac(self.t.seed, netns, dev));
        let mac = device.mac.or_else(|| (!inherits).then(own));
        self.layout.insert(key, Device { mac, ..device });
    }

    /// Gives bonds their members.
    fn members(&mut self) {
        let said = self.t.netns.iter().flat_map(|(netns, n)| n.interfaces.iter().map(move |(dev, i)| (netns, *dev, i)));
        for (netns, dev, interface) in said {
            if let Some(master) = &interface.master
                && let Err(complaint) = self.member((netns.clone(), dev), interface, master)
            {
                self.complaints.push(complaint);
            }
        }
        let is_bond = |d: &Device| matches!(&d.kind, DeviceKind::Virtual(Virtual::Bond(_)));
        let mut wrong = Vec::new();
        for (netns, dev, bond) in self.layout.devices().filter(|(.., d)| is_bond(d)) {
            let DeviceKind::Virtual(Virtual::Bond(attrs)) = &bond.kind else { continue };
            let delays = [attrs.updelay, attrs.downdelay, attrs.peer_notify_delay];
            if attrs.miimon.unwrap_or(0) == 0 && delays.iter().any(Option::is_some) {
                let message = format!("the bond {} has a delay and never looks at its members' links", bond.said);
                let help = "say how often it looks, as in `miimon 100`, or leave the delays out";
                wrong.push(Complaint::error("bad-kind", bond.span, message).help(help));
            }
            let members: Vec<&IfName> = self.layout.netns[netns]
                .iter()
                .filter_map(|(name, d)| (d.is_bonded && d.master == Some(dev)).then_some(name))
                .collect();
            if members.is_empty() {
                let message = format!("the bond {} has no members, and carries nothing", bond.said);
                let help = format!("say master = \"{dev}\" of the interfaces of {netns} that are to belong to it");
                wrong.push(Complaint::error("empty-bond", bond.span, message).help(help));
            } else if let Some(primary) = attrs.primary.filter(|primary| !members.contains(&primary)) {
                let message = format!("the bond {} prefers {primary}, which is no member of it", bond.said);
                let help = format!("say master = \"{dev}\" of {primary}, or leave `primary` out");
                wrong.push(Complaint::error("unknown-device", bond.span, message).help(help));
            }
        }
        self.complaints.append(&mut wrong);
    }

    fn member(&mut self, key: DevKey, interface: &Interface, master: &Placed<IfName>) -> Result<(), Complaint> {
        // That it is not made at all is said elsewhere.
        let Some(device) = self.layout.get(&key) else { return Ok(()) };
        let bond = self.layout.get(&(key.0.clone(), master.value));
        let mtu = match bond.map(|bond| (&bond.kind, bond.mtu)) {
            Some((DeviceKind::Virtual(Virtual::Bond(_)), mtu)) => mtu.unwrap_or_else(|| Placed::from(DEFAULT_MTU)),
            Some((DeviceKind::Bridge(_), _)) => {
                let message = format!("{} is a bridge: its ports are the ends of links", master.value);
                let help = format!("end a link in a port of it, as in ends = [\"h1:eth0\", \"{}:p1\"]", master.value);
                return Err(Complaint::error("bad-master", master.span, message).help(help));
            }
            Some(_) => {
                let message = format!("{} is no bond", master.value);
                let help = "give it type = \"bond mode active-backup miimon 100\", or leave `master` out";
                return Err(Complaint::error("bad-master", master.span, message).help(help));
            }
            None => {
                let message = format!("{} has no interface {} to belong to", key.0, master.value);
                let help =
                    format!("add interfaces.{} = {{ type = \"bond mode active-backup miimon 100\" }}", master.value);
                return Err(Complaint::error("unknown-device", master.span, message).help(help));
            }
        };
        let cannot = match &device.kind {
            DeviceKind::Loopback => Some("the loopback device belongs to no bond"),
            DeviceKind::Virtual(Virtual::Bond(_)) => Some("a bond of bonds is not supported"),
            DeviceKind::Virtual(kind) if !kind.has_mac() => Some("a device without a MAC belongs to no bond"),
            _ => None,
        };
        if let Some(why) = cannot {
            return Err(Complaint::error("bad-master", master.span, why).help("name an interface of another kind"));
        }
        if self.sits_on(&key, &(key.0.clone(), master.value)) {
            let message = format!("{} sits on {}, which it cannot belong to", device.said, master.value);
            return Err(Complaint::error("bad-master", master.span, message).help("leave `master` out"));
        }
        if let Some(address) = device.addresses.first() {
            let message =
                format!("{} is a member of {} and has an address, which it will not use", device.said, master.value);
            let help = format!("give the address to {}", master.value);
            return Err(Complaint::error("bonded-address", address.span, message).help(help));
        }
        if let Some(own) = interface.mtu.filter(|own| own.value != mtu.value) {
            let message = format!("{} gets the MTU of its bond, {}", device.said, mtu.value);
            let help = format!("say mtu = {} of {}", own.value, master.value);
            return Err(Complaint::error("bonded-mtu", own.span, message).help(help));
        }
        let place = device.span;
        let device = Device {
            master: Some(master.value),
            is_bonded: true,
            mtu: Some(Placed::new(mtu.value, place)),
            ..device.clone()
        };
        self.layout.insert(key, device);
        Ok(())
    }

    /// Whether a device sits on another, by however many between.
    fn sits_on(&self, upper: &DevKey, lower: &DevKey) -> bool {
        let below = |key: &DevKey| match &self.layout.get(key)?.kind {
            DeviceKind::Virtual(kind) => kind.lower().cloned(),
            _ => None,
        };
        std::iter::successors(Some(upper.clone()), below).take(64).any(|key| key == *lower)
    }

    /// Interfaces and ports that are described and that no link makes; namespaces and bridges that nothing is wired to.
    fn unconnected(&mut self) {
        let described = self.t.netns.iter().flat_map(|(netns, n)| {
            n.interfaces.iter().map(move |(dev, i)| ((netns.clone(), *dev), i.span, format!("{netns}:{dev}")))
        });
        let ports = self.t.bridges.iter().flat_map(|(&name, b)| {
            let netns = b.netns(name);
            b.ports.iter().map(move |(dev, i)| ((netns.clone(), *dev), i.span, format!("{name}:{dev}")))
        });
        for (key, span, said) in described.chain(ports) {
            let of_kind =
                self.t.netns.get(&key.0).and_then(|n| n.interfaces.get(&key.1)).is_some_and(|i| i.kind.is_some());
            if of_kind {
                continue;
            }
            match self.layout.get(&key).map(|d| &d.kind) {
                None => {
                    let ends = format!("add a link, as in ends = [{said:?}, \"…\"], or remove it");
                    let message = format!("no link has the end {said:?}, so there is no such interface");
                    self.complaints.push(Complaint::error("unconnected-interface", span, message).help(ends));
                }
                Some(DeviceKind::Bridge(_)) => {
                    let message = format!("{said} is a bridge");
                    let help = format!("describe it under [bridge.{}]", key.1);
                    self.complaints.push(Complaint::error("port-as-interface", span, message).help(help));
                }
                Some(_) => {}
            }
        }
    }
}

fn device_of(kind: DeviceKind, spec: &Interface, said: String, span: Span) -> Device {
    Device {
        kind,
        said,
        span: if spec.span.range().is_some() { spec.span } else { span },
        master: None,
        is_bonded: false,
        up: spec.up,
        mac: spec.mac,
        mtu: spec.mtu,
        addresses: spec.addresses.clone(),
        port: spec.port.clone(),
        vlans: spec.vlans.as_ref().map(|list| vlan::table(list.iter().map(|v| v.value))),
    }
}
