//! Topologies built by a program: as powerful as the file, in the same words.
//!
//! ```
//! use nettwin_model::Topology;
//! use nettwin_model::builder::{ping, tcp};
//!
//! let topology = Topology::build()
//!     .netns("h1", |n| n.address("eth0", "10.0.1.1/24").route("default via 10.0.1.254"))
//!     .netns("h2", |n| n.address("eth0", "10.0.2.1/24").route("default via 10.0.2.254"))
//!     .netns("r1", |n| n.forwarding().address("eth1", "10.0.1.254/24").address("eth2", "10.0.2.254/24"))
//!     .link("h1:eth0", "r1:eth1")
//!     .link_with("h2:eth0", "r1:eth2", |l| l.mtu(1400))
//!     .expect(ping("h1 -> h2").count(3))
//!     .expect(tcp("h1 -> h2:80").result("refused"))
//!     .at("5s", |m| m.down("h2:eth0"))
//!     .finish()?;
//! let checked = topology.check()?;
//! assert_eq!(checked.desired().netns.len(), 3);
//! # Ok::<(), Vec<nettwin_model::Complaint>>(())
//! ```
//!
//! Strings are parsed as the file's are; what is wrong with any of them is said by [`Builder::finish`], all at once.
//! Deliberately absent: places (there is no text), and checks of the whole, which are [`Topology::check`]'s.

use crate::complaint::{Complaint, Placed, Span};
use crate::link::{BridgeAttrs, PortAttrs};
use crate::name::{IfName, NetnsName};
use crate::sysctl::SysctlKey;
use crate::topology::pieces::{self, Piece, Wrong};
use crate::topology::{
    Action, Bridge, End, Expect, Flow, Interface, Link, Moment, Netns, RESULTS, Routing, Topology, flow_ends, want,
};
use crate::topology::{DEFAULT_TIMEOUT, Want};
use std::time::Duration;

impl Topology {
    /// Begins to build a topology.
    pub fn build() -> Builder {
        Builder::default()
    }
}

/// What is wrong so far.
#[derive(Clone, Debug, Default)]
struct Said(Vec<Complaint>);

impl Said {
    fn read<T>(&mut self, piece: Piece<T>) -> Option<T> {
        piece.map_err(|wrong: Wrong| self.0.push(wrong.at_place(Span::NOWHERE))).ok()
    }

    fn complain(&mut self, code: &'static str, message: String, help: &str) {
        self.0.push(Complaint::error(code, Span::NOWHERE, message).help(help));
    }
}

/// A topology being built.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    topology: Topology,
    said: Said,
}

impl Builder {
    /// The lab's name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.topology.name = self.said.read(pieces::lab(name)).map(Placed::from);
        self
    }

    /// What decides MACs, ports and randomness.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.topology.seed = seed;
        self
    }

    /// Fills in the routes of shortest path.
    #[must_use]
    pub fn shortest_routes(mut self) -> Self {
        self.topology.routing = Routing::Shortest;
        self
    }

    /// Lets something be that would be complained about; see [`ALLOWABLE`](crate::check::ALLOWABLE).
    #[must_use]
    pub fn allow(mut self, code: &str) -> Self {
        self.topology.allow.push(Placed::from(code.to_owned()));
        self
    }

    /// A namespace. The second time, more about it.
    #[must_use]
    pub fn netns(mut self, name: &str, more: impl FnOnce(NetnsBuilder) -> NetnsBuilder) -> Self {
        if let Some(name) = self.said.read(pieces::netns(name)) {
            let netns = self.topology.netns.remove(&name).unwrap_or_default();
            let built = more(NetnsBuilder { netns, said: self.said });
            self.said = built.said;
            self.topology.netns.insert(name, built.netns);
        }
        self
    }

    /// A bridge. The second time, more about it.
    #[must_use]
    pub fn bridge(mut self, name: &str, more: impl FnOnce(BridgeBuilder) -> BridgeBuilder) -> Self {
        if let Some(name) = self.said.read(pieces::device(name)) {
            let bridge = self.topology.bridges.remove(&name).unwrap_or_default();
            let built = more(BridgeBuilder { name, bridge, said: self.said });
            self.said = built.said;
            self.topology.bridges.insert(name, built.bridge);
        }
        self
    }

    /// A wire between two ends, `"h1:eth0"` or `"s1:p1"` each.
    #[must_use]
    pub fn link(self, a: &str, b: &str) -> Self {
        self.link_with(a, b, |l| l)
    }

    /// A wire and more about it.
    #[must_use]
    pub fn link_with(mut self, a: &str, b: &str, more: impl FnOnce(LinkBuilder) -> LinkBuilder) -> Self {
        let ends = (self.said.read(pieces::end(a, false)), self.said.read(pieces::end(b, false)));
        if let (Some(a), Some(b)) = ends {
            let link = Link { span: Span::NOWHERE, ends: [a, b], mtu: None, impair: [None, None] };
            let built = more(LinkBuilder { link, said: self.said });
            self.said = built.said;
            self.topology.links.push(built.link);
        }
        self
    }

    /// An expectation: see [`ping`], [`tcp`] and [`udp`].
    #[must_use]
    pub fn expect(mut self, expect: ExpectBuilder) -> Self {
        self.said.0.extend(expect.said.0);
        self.topology.expectations.extend(expect.expect);
        self
    }

    /// What happens at a time since all was up, `"5s"`.
    #[must_use]
    pub fn at(mut self, at: &str, more: impl FnOnce(MomentBuilder) -> MomentBuilder) -> Self {
        if let Some(at) = self.said.read(pieces::duration(at)) {
            let moment = Moment { span: Span::NOWHERE, at, actions: Vec::new() };
            let built = more(MomentBuilder { moment, said: self.said });
            self.said = built.said;
            self.topology.timeline.push(built.moment);
        }
        self
    }

    /// The topology, or all that is wrong with its strings.
    pub fn finish(self) -> Result<Topology, Vec<Complaint>> {
        if self.said.0.is_empty() { Ok(self.topology) } else { Err(self.said.0) }
    }
}

/// A namespace being built.
#[derive(Debug)]
pub struct NetnsBuilder {
    netns: Netns,
    said: Said,
}

impl NetnsBuilder {
    /// It forwards packets.
    #[must_use]
    pub fn forwarding(mut self) -> Self {
        self.netns.forwarding = true;
        self
    }

    /// An address of an interface, in `ip address`'s words.
    #[must_use]
    pub fn address(self, dev: &str, address: &str) -> Self {
        self.interface(dev, |i| i.address(address))
    }

    /// More about an interface.
    #[must_use]
    pub fn interface(mut self, dev: &str, more: impl FnOnce(InterfaceBuilder) -> InterfaceBuilder) -> Self {
        if let Some(dev) = self.said.read(pieces::device(dev)) {
            let interface = self.netns.interfaces.remove(&dev).unwrap_or_default();
            let built = more(InterfaceBuilder { interface, said: self.said });
            self.said = built.said;
            self.netns.interfaces.insert(dev, built.interface);
        }
        self
    }

    /// A route, in `ip route`'s words.
    #[must_use]
    pub fn route(mut self, route: &str) -> Self {
        self.netns.routes.extend(self.said.read(pieces::route(route)).map(Placed::from));
        self
    }

    /// A nexthop object, in `ip nexthop`'s words.
    #[must_use]
    pub fn nexthop(mut self, nexthop: &str) -> Self {
        self.netns.nexthops.extend(self.said.read(pieces::nexthop(nexthop)).map(Placed::from));
        self
    }

    /// A policy rule, in `ip rule`'s words.
    #[must_use]
    pub fn rule(mut self, rule: &str) -> Self {
        self.netns.rules.extend(self.said.read(pieces::rule(rule)).map(Placed::from));
        self
    }

    /// A translation, as in `masquerade out wan`.
    #[must_use]
    pub fn nat(mut self, intent: &str) -> Self {
        self.netns.nat.extend(self.said.read(pieces::nat(intent)).map(Placed::from));
        self
    }

    /// A line of its firewall, as in `policy forward drop`.
    #[must_use]
    pub fn firewall(mut self, intent: &str) -> Self {
        self.netns.firewall.extend(self.said.read(pieces::filter(intent)).map(Placed::from));
        self
    }

    /// A permanent neighbour or proxy entry, in `ip neigh`'s words.
    #[must_use]
    pub fn neighbour(mut self, neighbour: &str) -> Self {
        self.netns.neighbours.extend(self.said.read(pieces::neighbour(neighbour)).map(Placed::from));
        self
    }

    /// A sysctl.
    #[must_use]
    pub fn sysctl(mut self, key: &str, value: &str) -> Self {
        if let Some(key) = sysctl(&mut self.said, key) {
            self.netns.sysctls.insert(key, Placed::from(value.to_owned()));
        }
        self
    }
}

/// An interface, a bridge's own device or a port being built.
#[derive(Debug)]
pub struct InterfaceBuilder {
    interface: Interface,
    said: Said,
}

impl InterfaceBuilder {
    /// An address, in `ip address`'s words.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.interface.addresses.extend(self.said.read(pieces::address(address)).map(Placed::from));
        self
    }

    /// What kind of device it is, in `ip link`'s words.
    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        self.interface.kind = self.said.read(pieces::kind(kind)).map(Placed::from);
        self
    }

    /// The interface that it sits on.
    #[must_use]
    pub fn on(mut self, link: &str) -> Self {
        self.interface.link = self.said.read(pieces::device(link)).map(Placed::from);
        self
    }

    /// Its MAC.
    #[must_use]
    pub fn mac(mut self, mac: &str) -> Self {
        self.interface.mac = self.said.read(pieces::mac(mac)).map(Placed::from);
        self
    }

    /// Its MTU, bytes.
    #[must_use]
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.interface.mtu = checked_mtu(&mut self.said, mtu);
        self
    }

    /// It is down.
    #[must_use]
    pub fn down(mut self) -> Self {
        self.interface.up = false;
        self
    }

    /// A port's attributes.
    #[must_use]
    pub fn port(mut self, attrs: PortAttrs) -> Self {
        self.interface.port = attrs;
        self
    }

    /// VLANs of a port, in `bridge vlan`'s words.
    #[must_use]
    pub fn port_vlan(mut self, words: &str) -> Self {
        self.interface.vlans.get_or_insert_default().extend(self.said.read(pieces::vlans(words)).map(Placed::from));
        self
    }
}

/// A bridge being built.
#[derive(Debug)]
pub struct BridgeBuilder {
    name: IfName,
    bridge: Bridge,
    said: Said,
}

impl BridgeBuilder {
    /// The namespace that holds it.
    #[must_use]
    pub fn within(mut self, netns: &str) -> Self {
        self.bridge.holder = self.said.read(pieces::netns(netns)).map(Placed::from);
        self
    }

    /// The spanning tree protocol.
    #[must_use]
    pub fn stp(mut self, on: bool) -> Self {
        self.bridge.attrs.stp_state = Some(on);
        self
    }

    /// Its attributes, in place of those said before.
    #[must_use]
    pub fn attrs(mut self, attrs: BridgeAttrs) -> Self {
        self.bridge.attrs = attrs;
        self
    }

    /// Its own device.
    #[must_use]
    pub fn device(mut self, more: impl FnOnce(InterfaceBuilder) -> InterfaceBuilder) -> Self {
        let built = more(InterfaceBuilder { interface: self.bridge.device, said: self.said });
        self.bridge.device = built.interface;
        self.said = built.said;
        self
    }

    /// More about a port.
    #[must_use]
    pub fn port(mut self, dev: &str, more: impl FnOnce(InterfaceBuilder) -> InterfaceBuilder) -> Self {
        if let Some(dev) = self.said.read(pieces::device(dev)) {
            let interface = self.bridge.ports.remove(&dev).unwrap_or_default();
            let built = more(InterfaceBuilder { interface, said: self.said });
            self.said = built.said;
            self.bridge.ports.insert(dev, built.interface);
        }
        self
    }

    /// VLANs of the bridge's own device, in `bridge vlan`'s words.
    #[must_use]
    pub fn own_vlan(mut self, words: &str) -> Self {
        let said = self.said.read(pieces::vlans(words)).map(Placed::from);
        self.bridge.device.vlans.get_or_insert_default().extend(said);
        self
    }

    /// A static forwarding entry, in `bridge fdb`'s words.
    #[must_use]
    pub fn fdb(mut self, entry: &str) -> Self {
        self.bridge.fdb.extend(self.said.read(pieces::fdb(entry, self.name)).map(Placed::from));
        self
    }
}

/// A wire being built.
#[derive(Debug)]
pub struct LinkBuilder {
    link: Link,
    said: Said,
}

impl LinkBuilder {
    /// The MTU of both ends, bytes.
    #[must_use]
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.link.mtu = checked_mtu(&mut self.said, mtu);
        self
    }

    /// What happens to frames in both directions, in netem's words.
    #[must_use]
    pub fn impair(mut self, words: &str) -> Self {
        let impairment = self.said.read(pieces::netem(words)).flatten().map(Placed::from);
        self.link.impair = [impairment.clone(), impairment];
        self
    }

    /// What happens to frames that one of the ends sends.
    #[must_use]
    pub fn impair_from(mut self, end: &str, words: &str) -> Self {
        let impairment = self.said.read(pieces::netem(words)).flatten().map(Placed::from);
        match self.link.ends.iter().position(|e| e.to_string() == end) {
            Some(i) => self.link.impair[i] = impairment,
            None => {
                self.said.complain("bad-end", format!("{end:?} is not an end of this link"), "name one of its ends")
            }
        }
        self
    }
}

/// An expectation being built.
#[derive(Debug)]
pub struct ExpectBuilder {
    expect: Option<Expect>,
    said: Said,
}

/// Expects an echo: `ping("h1 -> h2")`, `ping("h1 -> 10.0.0.2")`.
pub fn ping(way: &str) -> ExpectBuilder {
    expectation(way, false, |_| Flow::Ping { count: 1, interval: Duration::from_secs(1), size: 56, ttl: None })
}

/// Expects a connection: `tcp("h1 -> h2:80")`.
pub fn tcp(way: &str) -> ExpectBuilder {
    expectation(way, true, |port| Flow::Tcp { port, bytes: 1000, listen: true })
}

/// Expects a datagram's echo: `udp("h1 -> h2:53")`.
pub fn udp(way: &str) -> ExpectBuilder {
    expectation(way, true, |port| Flow::Udp { port, size: 100, listen: true })
}

fn expectation(way: &str, port: bool, flow: impl FnOnce(u16) -> Flow) -> ExpectBuilder {
    let mut said = Said::default();
    let expect = said.read(flow_ends(way, port)).map(|(from, to, port)| Expect {
        span: Span::NOWHERE,
        from: from.into(),
        to: to.into(),
        flow: flow(port),
        source: None,
        timeout: DEFAULT_TIMEOUT,
        result: Want::Allowed,
        at: None,
    });
    ExpectBuilder { expect, said }
}

impl ExpectBuilder {
    fn change(mut self, change: impl FnOnce(&mut Expect)) -> Self {
        if let Some(expect) = &mut self.expect {
            change(expect);
        }
        self
    }

    fn flow(self, change: impl FnOnce(&mut Flow)) -> Self {
        self.change(|e| change(&mut e.flow))
    }

    /// What should become of it, in the file's words: `allowed`, `denied`, `refused`, `ttl-exceeded`, …
    #[must_use]
    pub fn result(mut self, word: &str) -> Self {
        if !RESULTS.contains(&word) {
            let help = format!("write one of {}", RESULTS.join(", "));
            self.said.complain("unknown-word", format!("{word:?} is not a result"), &help);
        }
        let refused = word == "refused";
        self.change(|e| e.result = want(word)).flow(|flow| match flow {
            Flow::Tcp { listen, .. } | Flow::Udp { listen, .. } => *listen = *listen && !refused,
            Flow::Ping { .. } => {}
        })
    }

    /// It should not get through.
    #[must_use]
    pub fn denied(self) -> Self {
        self.result("denied")
    }

    /// When, since all was up.
    #[must_use]
    pub fn at(mut self, at: &str) -> Self {
        let at = self.said.read(pieces::duration(at));
        self.change(|e| e.at = at)
    }

    /// How long an answer may take.
    #[must_use]
    pub fn timeout(mut self, timeout: &str) -> Self {
        match self.said.read(pieces::duration(timeout)) {
            Some(timeout) => self.change(|e| e.timeout = timeout),
            None => self,
        }
    }

    /// From this address.
    #[must_use]
    pub fn source(mut self, source: &str) -> Self {
        let source = self.said.read(pieces::ipv4(source)).map(Placed::from);
        self.change(|e| e.source = source)
    }

    /// How many echo requests.
    #[must_use]
    pub fn count(self, requests: u32) -> Self {
        self.flow(|flow| {
            if let Flow::Ping { count, .. } = flow {
                *count = requests.max(1);
            }
        })
    }

    /// An echo request's time to live.
    #[must_use]
    pub fn ttl(self, hops: u8) -> Self {
        self.flow(|flow| {
            if let Flow::Ping { ttl, .. } = flow {
                *ttl = Some(hops.max(1));
            }
        })
    }

    /// The payload of an echo request or a datagram, bytes; what a connection sends and reads back.
    #[must_use]
    pub fn size(self, payload: u16) -> Self {
        self.flow(|flow| match flow {
            Flow::Ping { size, .. } => *size = payload.min(65507),
            Flow::Udp { size, .. } => *size = payload.clamp(1, 65507),
            Flow::Tcp { bytes, .. } => *bytes = u64::from(payload),
        })
    }
}

/// A moment being built.
#[derive(Debug)]
pub struct MomentBuilder {
    moment: Moment,
    said: Said,
}

impl MomentBuilder {
    fn by_device<T>(mut self, end: &str, value: Piece<T>, action: impl FnOnce(End, T) -> Action) -> Self {
        let end = self.said.read(pieces::end(end, true));
        if let (Some(end), Some(value)) = (end, self.said.read(value)) {
            self.moment.actions.push(Placed::from(action(end, value)));
        }
        self
    }

    fn by_netns<T>(mut self, netns: &str, value: Piece<T>, action: impl FnOnce(NetnsName, T) -> Action) -> Self {
        let netns = self.said.read(pieces::netns(netns));
        if let (Some(netns), Some(value)) = (netns, self.said.read(value)) {
            self.moment.actions.push(Placed::from(action(netns, value)));
        }
        self
    }

    /// A device goes up.
    #[must_use]
    pub fn up(self, device: &str) -> Self {
        self.by_device(device, Ok(true), Action::Up)
    }

    /// A device goes down.
    #[must_use]
    pub fn down(self, device: &str) -> Self {
        self.by_device(device, Ok(false), Action::Up)
    }

    /// What happens to frames that a device sends, in netem's words; `""` for nothing.
    #[must_use]
    pub fn impair(self, device: &str, words: &str) -> Self {
        self.by_device(device, pieces::netem(words), Action::Impair)
    }

    /// A device's MTU changes.
    #[must_use]
    pub fn mtu(self, device: &str, mtu: u32) -> Self {
        self.by_device(device, Ok(mtu), Action::Mtu)
    }

    /// An address comes.
    #[must_use]
    pub fn add_address(self, device: &str, address: &str) -> Self {
        self.by_device(device, pieces::address(address), Action::AddAddress)
    }

    /// An address goes.
    #[must_use]
    pub fn del_address(self, device: &str, address: &str) -> Self {
        self.by_device(device, pieces::address(address), Action::DelAddress)
    }

    /// A route comes.
    #[must_use]
    pub fn add_route(self, netns: &str, route: &str) -> Self {
        self.by_netns(netns, pieces::route(route), Action::AddRoute)
    }

    /// A route comes in the place of another.
    #[must_use]
    pub fn replace_route(self, netns: &str, route: &str) -> Self {
        self.by_netns(netns, pieces::route(route), Action::ReplaceRoute)
    }

    /// A route goes.
    #[must_use]
    pub fn del_route(self, netns: &str, route: &str) -> Self {
        self.by_netns(netns, pieces::route(route), Action::DelRoute)
    }

    /// A neighbour comes, or changes.
    #[must_use]
    pub fn add_neighbour(self, netns: &str, neighbour: &str) -> Self {
        self.by_netns(netns, pieces::neighbour(neighbour), Action::AddNeighbour)
    }

    /// A neighbour goes.
    #[must_use]
    pub fn del_neighbour(self, netns: &str, neighbour: &str) -> Self {
        self.by_netns(netns, pieces::neighbour(neighbour), Action::DelNeighbour)
    }

    /// A sysctl changes.
    #[must_use]
    pub fn sysctl(mut self, netns: &str, key: &str, value: &str) -> Self {
        match sysctl(&mut self.said, key) {
            Some(key) => self.by_netns(netns, Ok(value.to_owned()), |netns, value| Action::Sysctl(netns, key, value)),
            None => self,
        }
    }
}

fn sysctl(said: &mut Said, key: &str) -> Option<SysctlKey> {
    match SysctlKey::new(key) {
        Ok(key) => Some(key),
        Err(e) => {
            said.complain("bad-sysctl", format!("{key:?} is not a sysctl: {e}"), "as in net.ipv4.conf.all.rp_filter");
            None
        }
    }
}

fn checked_mtu(said: &mut Said, mtu: u32) -> Option<Placed<u32>> {
    if !(68..=65535).contains(&mtu) {
        said.complain("out-of-range", format!("the MTU is {mtu}, out of its range"), "68 to 65535");
    }
    Some(Placed::from(mtu))
}
