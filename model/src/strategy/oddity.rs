//! What may be odd about a network: each a small change of a topology that works.
//!
//! Deliberately absent: changes that no check lets pass (they are made, and thrown away by whoever checks).

use super::{Pick, host};
use crate::addr::{Address, Cidr, Scope};
use crate::graph::Segments;
use crate::layout::{DevKey, Device, DeviceKind, Layout};
use crate::link::PortAttrs;
use crate::name::{IfName, Mac, NetnsName};
use crate::neigh::{FdbEntry, FdbKind, Neigh, Nud};
use crate::route::{Nexthop, Route, RouteKind};
use crate::sysctl::SysctlKey;
use crate::topology::{Interface, Topology};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

/// One oddity, its choices still open.
#[derive(Clone, Debug)]
pub(super) enum Oddity {
    /// A sysctl of a namespace: whose, which, which device (or `all`, `default`), which value.
    Sysctl(Pick, Pick, Pick, Pick),
    /// A route of a namespace.
    Route(Pick, AnyRoute),
    /// A device is down.
    Down(Pick),
    /// An interface's prefix has another length.
    PrefixLen(Pick, u8),
    /// One more address on an interface: of which domain, which number, which length, which scope.
    Address(Pick, Pick, u8, u8, u8),
    /// An interface has the address of another.
    SameAddress(Pick, Pick),
    /// An interface has no address.
    NoAddress(Pick),
    /// An interface has the MAC of another, or a chosen one.
    Mac(Pick, Pick),
    /// A wire's MTU.
    WireMtu(Pick, u32),
    /// A device's MTU.
    Mtu(Pick, u32),
    /// A namespace knows a neighbour's MAC, or believes it does.
    Neighbour(Pick, Pick, Pick),
    /// A namespace answers ARP for another.
    Proxy(Pick, Pick),
    /// A namespace forwards although it is a host, or does not although it is a router.
    Forwarding(Pick),
    /// An attribute of a bridge.
    Bridge(Pick, u8),
    /// An attribute of a bridge's port.
    Port(Pick, u8),
    /// A bridge's own device has an address.
    BridgeAddress(Pick, u8),
    /// A bridge's table has an entry that somebody put there.
    Fdb(Pick, Pick, Pick),
    /// A wire is missing.
    Cut(Pick),
}

/// A route, its choices still open.
#[derive(Clone, Debug)]
pub(super) struct AnyRoute {
    dst: Pick,
    dst_len: u8,
    kind: RouteKind,
    via: Pick,
    dev: Pick,
    has_via: bool,
    has_dev: bool,
    onlink: bool,
    second: Option<(Pick, u16)>,
    source: Option<Pick>,
    metric: u32,
    mtu: Option<u32>,
    scope: Option<u8>,
}

/// The MTUs that something hangs on: the least for IPv4, the least reassembled, Ethernet's, more than that.
pub(super) fn mtus() -> impl Strategy<Value = u32> {
    prop::sample::select(&[1500, 68, 100, 552, 576, 1280, 1499, 2000, 9000][..])
}

pub(super) fn lengths() -> impl Strategy<Value = u8> {
    prop::sample::select(&[24, 8, 16, 23, 25, 28, 30, 31, 32][..])
}

impl AnyRoute {
    pub(super) fn any() -> impl Strategy<Value = AnyRoute> {
        let kind = prop_oneof![
            8 => Just(RouteKind::Unicast), 1 => Just(RouteKind::Blackhole),
            1 => Just(RouteKind::Unreachable), 1 => Just(RouteKind::Prohibit), 1 => Just(RouteKind::Throw),
        ];
        let rarely = |of: f64| prop::bool::weighted(of);
        let where_to = (Pick::any(), prop::sample::select(&[24, 0, 16, 25, 32][..]), kind);
        let how = (Pick::any(), Pick::any(), rarely(0.8), rarely(0.4), rarely(0.15));
        let more = (
            prop::option::weighted(0.1, (Pick::any(), 1_u16..4)),
            prop::option::weighted(0.15, Pick::any()),
            prop::sample::select(&[0, 0, 0, 10, 20][..]),
            prop::option::weighted(0.1, mtus()),
            prop::option::weighted(0.1, prop::sample::select(&[253, 0, 254][..])),
        );
        (where_to, how, more).prop_map(
            |((dst, dst_len, kind), (via, dev, has_via, has_dev, onlink), (second, source, metric, mtu, scope))| {
                AnyRoute { dst, dst_len, kind, via, dev, has_via, has_dev, onlink, second, source, metric, mtu, scope }
            },
        )
    }

    /// The route, in a namespace of a topology.
    pub(super) fn pick(&self, scene: &Scene, netns: &NetnsName) -> Option<Route> {
        let own: Vec<&DevKey> = scene.stations.iter().filter(|(n, _)| n == netns).collect();
        let dst = Cidr { addr: (*self.dst.of(&scene.targets)?).into(), len: self.dst_len };
        let mut route = Route::new(dst.network());
        (route.kind, route.metric, route.mtu) = (self.kind, self.metric, self.mtu);
        route.scope = self.scope.map(Scope);
        if self.kind == RouteKind::Unicast {
            let hop = |via: Pick, weight| Nexthop {
                via: self.has_via.then(|| via.of(&scene.neighbours(netns)).copied()).flatten().map(IpAddr::V4),
                dev: self.dev.of(&own).filter(|_| self.has_dev || !self.has_via).map(|key| key.1),
                weight,
                onlink: self.onlink && self.has_via && self.has_dev,
            };
            route.nexthops.push(hop(self.via, 1));
            route.nexthops.extend(self.second.map(|(via, weight)| hop(via, weight)));
            // A hop that says neither is no hop.
            route.nexthops.retain(|hop| hop.via.is_some() || hop.dev.is_some());
            let own: Vec<Ipv4Addr> = scene.owned(netns);
            route.prefsrc = self.source.and_then(|pick| pick.of(&own).copied()).map(IpAddr::V4);
        }
        Some(route)
    }
}

impl Oddity {
    pub(super) fn any() -> impl Strategy<Value = Oddity> {
        use Oddity::*;
        let p = Pick::any;
        prop_oneof![
            6 => (p(), p(), p(), p()).prop_map(|(a, b, c, d)| Sysctl(a, b, c, d)),
            5 => (p(), AnyRoute::any()).prop_map(|(a, route)| Route(a, route)),
            2 => p().prop_map(Down),
            2 => (p(), lengths()).prop_map(|(a, len)| PrefixLen(a, len)),
            3 => (p(), p(), 1_u8..9, lengths(), any::<u8>()).prop_map(|(a, b, n, len, how)| Address(a, b, n, len, how)),
            1 => (p(), p()).prop_map(|(a, b)| SameAddress(a, b)),
            1 => p().prop_map(NoAddress),
            1 => (p(), p()).prop_map(|(a, b)| Mac(a, b)),
            2 => (p(), mtus()).prop_map(|(a, mtu)| WireMtu(a, mtu)),
            2 => (p(), mtus()).prop_map(|(a, mtu)| Mtu(a, mtu)),
            2 => (p(), p(), p()).prop_map(|(a, b, c)| Neighbour(a, b, c)),
            2 => (p(), p()).prop_map(|(a, b)| Proxy(a, b)),
            1 => p().prop_map(Forwarding),
            1 => (p(), any::<u8>()).prop_map(|(a, how)| Bridge(a, how)),
            2 => (p(), any::<u8>()).prop_map(|(a, how)| Port(a, how)),
            1 => (p(), 1_u8..9).prop_map(|(a, n)| BridgeAddress(a, n)),
            1 => (p(), p(), p()).prop_map(|(a, b, c)| Fdb(a, b, c)),
            1 => p().prop_map(Cut),
        ]
    }

    /// The topology with it; `None` where it has no place.
    pub(super) fn on(&self, topology: &Topology) -> Option<Topology> {
        let mut t = topology.clone();
        let scene = Scene::of(topology);
        let names: Vec<NetnsName> = t.netns.keys().cloned().collect();
        match self {
            Oddity::Sysctl(whose, which, device, value) => {
                let netns = whose.of(&names)?;
                let own: Vec<IfName> = scene.layout.netns.get(netns)?.keys().copied().collect();
                let (key, value) = sysctl(&own, *which, *device, *value)?;
                t.netns.get_mut(netns)?.sysctls.insert(key, value.into());
            }
            Oddity::Route(whose, route) => {
                let netns = whose.of(&names)?;
                let route = route.pick(&scene, netns)?;
                t.netns.get_mut(netns)?.routes.push(route.into());
            }
            Oddity::Down(which) => scene.interface(&mut t, which.of(&scene.devices)?)?.up = false,
            Oddity::PrefixLen(which, len) => {
                let address = scene.interface(&mut t, which.of(&scene.stations)?)?.addresses.first_mut()?;
                address.value.cidr.len = *len;
            }
            Oddity::Address(which, segment, number, len, how) => {
                let key = which.of(&scene.stations)?;
                let addr = host(segment.index(scene.segments)?, usize::from(*number));
                let interface = scene.interface(&mut t, key)?;
                interface.addresses.push(address(addr, *len, *how, key.1).into());
            }
            Oddity::SameAddress(which, whose) => {
                let (key, other) = (which.of(&scene.stations)?, whose.of(&scene.stations)?);
                let addresses = scene.interface(&mut t, other)?.addresses.clone();
                scene.interface(&mut t, key)?.addresses = addresses;
            }
            Oddity::NoAddress(which) => scene.interface(&mut t, which.of(&scene.stations)?)?.addresses.clear(),
            Oddity::Mac(which, whose) => {
                let (key, other) = (which.of(&scene.stations)?, whose.of(&scene.stations)?);
                let mac = if key == other { OWN_MAC } else { scene.layout.get(other)?.mac?.value };
                scene.interface(&mut t, key)?.mac = Some(mac.into());
            }
            Oddity::WireMtu(which, mtu) => {
                let index = which.index(t.links.len())?;
                t.links[index].mtu = Some((*mtu).into());
            }
            Oddity::Mtu(which, mtu) => {
                scene.interface(&mut t, which.of(&scene.devices)?)?.mtu = Some((*mtu).into());
            }
            Oddity::Neighbour(which, whom, mac) => {
                let (netns, dev) = which.of(&scene.stations)?.clone();
                let dst = (*whom.of(&scene.targets)?).into();
                let lladdr = Some(*mac.of(&scene.macs)?);
                let neigh = Neigh { dev, dst, lladdr, state: Nud::Permanent, proxy: false, extra: Default::default() };
                t.netns.get_mut(&netns)?.neighbours.push(neigh.into());
            }
            Oddity::Proxy(which, whom) => {
                let (netns, dev) = which.of(&scene.stations)?.clone();
                let dst = (*whom.of(&scene.targets)?).into();
                let neigh = Neigh { dev, dst, lladdr: None, state: Nud::None, proxy: true, extra: Default::default() };
                t.netns.get_mut(&netns)?.neighbours.push(neigh.into());
            }
            Oddity::Forwarding(whose) => {
                let netns = t.netns.get_mut(whose.of(&names)?)?;
                netns.forwarding = !netns.forwarding;
            }
            Oddity::Bridge(which, how) => {
                let index = which.index(t.bridges.len())?;
                let attrs = &mut t.bridges.values_mut().nth(index)?.attrs;
                match how % 4 {
                    0 => attrs.ageing_time = Some(0),
                    1 => attrs.ageing_time = Some(100),
                    2 => attrs.priority = Some(4096),
                    _ => attrs.group_fwd_mask = Some(0xfff8),
                }
            }
            Oddity::Port(which, how) => {
                let key = which.of(&scene.ports)?;
                let attrs = port(*how, scene.faces_a_bridge(key));
                scene.interface(&mut t, key)?.port = attrs;
            }
            Oddity::BridgeAddress(which, number) => {
                let (_, name) = which.of(&scene.bridges)?;
                let segment = scene.segment(which.of(&scene.bridges)?)?;
                let cidr = Cidr { addr: host(segment, 100 + usize::from(*number)).into(), len: 24 };
                t.bridges.get_mut(name)?.device.addresses.push(Address::new(cidr).into());
            }
            Oddity::Fdb(which, dev, mac) => {
                let (netns, bridge) = which.of(&scene.bridges)?;
                let own: Vec<IfName> =
                    scene.layout.netns.get(netns)?.keys().copied().filter(|d| *d != IfName::lo()).collect();
                let (dev, mac) = (*dev.of(&own)?, *mac.of(&scene.macs)?);
                let kind = if dev == *bridge { FdbKind::Permanent } else { FdbKind::Static };
                let entry = FdbEntry { bridge: *bridge, dev, mac, kind, sticky: false, vlan: 0, remote: None };
                t.bridges.get_mut(bridge)?.fdb.push(entry.into());
            }
            Oddity::Cut(which) => {
                let link = t.links.remove(which.index(t.links.len())?);
                for end in link.ends {
                    if let Some(netns) = t.netns.get_mut(&end.node) {
                        netns.interfaces.remove(&end.dev);
                        netns.neighbours.retain(|n| n.dev != end.dev);
                    }
                    if let Some(bridge) = IfName::new(end.node.as_str()).ok().and_then(|name| t.bridges.get_mut(&name))
                    {
                        bridge.ports.remove(&end.dev);
                    }
                }
            }
        }
        Some(t)
    }
}

/// What there is to choose from.
pub(super) struct Scene {
    pub(super) layout: Layout,
    segments_of: Segments,
    /// How many broadcast domains there are.
    pub(super) segments: usize,
    /// All devices, `lo` included.
    pub(super) devices: Vec<DevKey>,
    /// Interfaces of namespaces.
    pub(super) stations: Vec<DevKey>,
    /// Ports of bridges.
    pub(super) ports: Vec<DevKey>,
    /// Bridges' own devices.
    pub(super) bridges: Vec<DevKey>,
    /// Addresses worth sending to: all there are, one that nobody has in each domain, and one far away.
    pub(super) targets: Vec<Ipv4Addr>,
    /// MACs worth telling of: all that are declared or derived, one that nobody has, and a group's.
    pub(super) macs: Vec<Mac>,
}

impl Scene {
    pub(super) fn of(t: &Topology) -> Self {
        let (layout, _) = Layout::of(t);
        let segments = Segments::of(&layout);
        let of_kind = |wanted: &dyn Fn(&Device) -> bool| -> Vec<DevKey> {
            layout.devices().filter(|(_, _, d)| wanted(d)).map(|(netns, dev, _)| (netns.clone(), dev)).collect()
        };
        let is_veth = |d: &Device| matches!(d.kind, DeviceKind::Veth { .. });
        let addresses = layout.devices().flat_map(|(_, _, d)| d.addresses.iter()).filter_map(|a| a.cidr.v4());
        let mut targets: Vec<Ipv4Addr> = addresses.map(|(addr, _)| addr).collect();
        targets.extend((0..segments.devices.len()).map(|n| host(n, 77)));
        targets.push(Ipv4Addr::new(192, 0, 2, 1));
        let mut macs: Vec<Mac> = layout.devices().filter_map(|(_, _, d)| d.mac).map(|m| m.value).collect();
        macs.push(OWN_MAC);
        Scene {
            devices: of_kind(&|_| true),
            stations: of_kind(&|d| is_veth(d) && d.master.is_none()),
            ports: of_kind(&|d| d.master.is_some()),
            bridges: of_kind(&|d| matches!(d.kind, DeviceKind::Bridge(_))),
            segments: segments.devices.len(),
            targets,
            macs,
            segments_of: segments,
            layout,
        }
    }

    fn segment(&self, key: &DevKey) -> Option<usize> {
        self.segments_of.number(key)
    }

    /// What is said of a device, to be changed.
    fn interface<'a>(&self, t: &'a mut Topology, key: &DevKey) -> Option<&'a mut Interface> {
        let device = self.layout.get(key)?;
        if let Some(bridge) = device.master {
            return Some(t.bridges.get_mut(&bridge)?.ports.entry(key.1).or_default());
        }
        match device.kind {
            DeviceKind::Bridge(_) => Some(&mut t.bridges.get_mut(&key.1)?.device),
            _ => Some(t.netns.get_mut(&key.0)?.interfaces.entry(key.1).or_default()),
        }
    }

    /// The addresses of a namespace.
    pub(super) fn owned(&self, netns: &NetnsName) -> Vec<Ipv4Addr> {
        let devices = self.layout.netns.get(netns).into_iter().flat_map(|d| d.values());
        devices.flat_map(|d| &d.addresses).filter_map(|a| a.cidr.v4()).map(|(addr, _)| addr).collect()
    }

    /// Addresses that a namespace may take for gateways: those in its own broadcast domains, itself and nobody included.
    pub(super) fn neighbours(&self, netns: &NetnsName) -> Vec<Ipv4Addr> {
        let own: Vec<usize> =
            self.stations.iter().filter(|(n, _)| n == netns).filter_map(|key| self.segment(key)).collect();
        let mut out = Vec::new();
        for &segment in &own {
            for key in &self.segments_of.devices[segment] {
                let addresses = self.layout.get(key).map_or(&[][..], |d| &d.addresses);
                out.extend(addresses.iter().filter_map(|a| a.cidr.v4()).map(|(addr, _)| addr));
            }
        }
        // Others first: a gateway that is another is the usual thing.
        let mine = self.owned(netns);
        out.sort_by_key(|a| (mine.contains(a), *a));
        out.extend(own.iter().map(|&segment| host(segment, 77)));
        out
    }

    /// Whether the other end of a port's wire is a port too.
    fn faces_a_bridge(&self, key: &DevKey) -> bool {
        match self.layout.get(key).map(|d| &d.kind) {
            Some(DeviceKind::Veth { peer, .. }) => self.layout.get(peer).is_some_and(|d| d.master.is_some()),
            _ => true,
        }
    }
}

/// An address with something about it.
pub(super) fn address(addr: Ipv4Addr, len: u8, how: u8, dev: IfName) -> Address {
    let mut address = Address::new(Cidr { addr: addr.into(), len });
    match how % 8 {
        1 => address.scope = Scope::LINK,
        2 => address.scope = Scope::HOST,
        3 => {
            address.broadcast =
                Some(Ipv4Addr::from_bits(addr.to_bits() | u32::MAX.checked_shr(len.into()).unwrap_or(0)))
        }
        // A longer name would not fit.
        4 => address.label = Some(format!("{dev}:1")).filter(|label| label.len() <= IfName::MAX_BYTES),
        _ => {}
    }
    address
}

/// Port attributes by number; not neighbour suppression, which the simulator has not. A frame that may leave by the port
/// it came from must not come to a bridge that does the same.
pub(super) fn port(how: u8, faces_a_bridge: bool) -> PortAttrs {
    let (on, off) = (Some(true), Some(false));
    match how % 7 {
        0 => PortAttrs { learning: off, ..PortAttrs::default() },
        1 => PortAttrs { flood: off, ..PortAttrs::default() },
        2 => PortAttrs { bcast_flood: off, ..PortAttrs::default() },
        3 => PortAttrs { isolated: on, ..PortAttrs::default() },
        4 if !faces_a_bridge => PortAttrs { hairpin: on, ..PortAttrs::default() },
        5 => PortAttrs { locked: on, ..PortAttrs::default() },
        _ => PortAttrs { mcast_flood: off, ..PortAttrs::default() },
    }
}

/// A sysctl and a value for it; a device's own, or a namespace's.
pub(super) fn sysctl(devs: &[IfName], which: Pick, device: Pick, value: Pick) -> Option<(SysctlKey, String)> {
    let (path, values) = which.of(SYSCTLS)?;
    let mut names = vec!["all", "default"];
    names.extend(devs.iter().map(IfName::as_str));
    let path = path.replace("DEV", device.of(&names)?);
    Some((SysctlKey::new(&format!("net/ipv4/{path}")).ok()?, (*value.of(values)?).to_owned()))
}

/// A MAC that no device is born with.
const OWN_MAC: Mac = Mac([2, 0, 0, 0, 0, 99]);

/// The sysctls that decide about ARP, routing and reachability, with the values worth trying.
const SYSCTLS: &[(&str, &[&str])] = &[
    ("conf/DEV/rp_filter", &["1", "2", "0"]),
    ("conf/DEV/arp_ignore", &["1", "2", "3", "8", "0"]),
    ("conf/DEV/proxy_arp", &["1"]),
    ("conf/DEV/forwarding", &["1", "0"]),
    ("conf/DEV/arp_announce", &["1", "2"]),
    ("conf/DEV/arp_filter", &["1"]),
    ("conf/DEV/accept_local", &["1"]),
    ("conf/DEV/arp_accept", &["1", "2"]),
    ("conf/DEV/arp_notify", &["1"]),
    ("conf/DEV/accept_redirects", &["0", "1"]),
    ("conf/DEV/send_redirects", &["0", "1"]),
    ("conf/DEV/secure_redirects", &["0"]),
    ("conf/DEV/shared_media", &["0"]),
    ("conf/DEV/route_localnet", &["1"]),
    ("conf/DEV/promote_secondaries", &["1"]),
    ("conf/DEV/ignore_routes_with_linkdown", &["1"]),
    ("conf/DEV/proxy_arp_pvlan", &["1"]),
    ("conf/DEV/drop_gratuitous_arp", &["1"]),
    ("conf/DEV/drop_unicast_in_l2_multicast", &["1"]),
    ("conf/DEV/bc_forwarding", &["1"]),
    ("ip_forward", &["1", "0"]),
    ("ip_default_ttl", &["1", "2", "255"]),
    ("icmp_echo_ignore_all", &["1"]),
    ("icmp_echo_ignore_broadcasts", &["0"]),
    ("icmp_errors_use_inbound_ifaddr", &["1"]),
    ("ip_no_pmtu_disc", &["1", "2", "3"]),
    ("ip_forward_use_pmtu", &["1"]),
];
