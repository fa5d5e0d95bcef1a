//! Where packets would go: each namespace's routes as the layout and the topology give them, followed hop by hop; and
//! the shortest paths that `routes = "shortest"` fills in.
//!
//! Counterpart: `fib_lookup()` and a patient administrator. Deliberately absent: policy rules and tables other than main
//! (no way is judged where there are rules), multipath's choice (the first nexthop is followed), what the timeline
//! changes, neighbours, firewalls.

use crate::addr::Cidr;
use crate::graph::Segments;
use crate::layout::{DevKey, Device, DeviceKind, Layout};
use crate::name::{IfName, NetnsName};
use crate::route::{Route, RouteKind, TABLE_MAIN};
use crate::sysctl::FORWARDING;
use crate::topology::{Netns, Topology};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrives {
        /// Where.
        at: NetnsName,
        /// With which source address.
        source: Option<Ipv4Addr>,
    },
    /// It does not.
    Lost {
        /// Where it ends.
        at: NetnsName,
        /// Why.
        why: Lost,
    },
}

/// Why a packet does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// No route leads to the destination.
    NoRoute,
    /// It came from outside and the namespace does not forward.
    NotForwarding,
    /// Nobody on the wire has the address.
    Nobody(Ipv4Addr),
    /// A route of this kind refuses it.
    Rejected(RouteKind),
    /// It is for the sender itself, and `lo` is down.
    LoopbackDown,
    /// It goes in circles.
    Circle,
}

/// A line of a namespace's table.
#[derive(Clone, Debug)]
struct Line {
    dst: Cidr,
    metric: u32,
    kind: RouteKind,
    via: Option<Ipv4Addr>,
    dev: Option<IfName>,
    source: Option<Ipv4Addr>,
}

/// Every namespace's table and who has which address.
#[derive(Debug)]
pub struct Paths<'a> {
    layout: &'a Layout,
    segments: &'a Segments,
    tables: BTreeMap<NetnsName, Vec<Line>>,
    forwarding: BTreeSet<NetnsName>,
    owners: BTreeMap<(usize, Ipv4Addr), NetnsName>,
}

impl<'a> Paths<'a> {
    /// The tables of a topology, with the routes of each namespace as `routes` has them.
    pub fn new(
        topology: &Topology,
        layout: &'a Layout,
        segments: &'a Segments,
        routes: &BTreeMap<NetnsName, Vec<Route>>,
    ) -> Self {
        let mut tables: BTreeMap<NetnsName, Vec<Line>> = BTreeMap::new();
        for (netns, devices) in &layout.netns {
            let mut lines = connected(devices);
            for route in routes.get(netns).into_iter().flatten().filter(|r| r.table == TABLE_MAIN) {
                let line = stated(route, &lines);
                lines.push(line);
            }
            lines.sort_by_key(|l| (std::cmp::Reverse(l.dst.len), l.metric));
            tables.insert(netns.clone(), lines);
        }
        let mut owners = BTreeMap::new();
        for (netns, dev, device) in layout.devices().filter(|(_, _, d)| d.up && d.master.is_none()) {
            let Some(segment) = segments.number(&(netns.clone(), dev)) else { continue };
            for (addr, _) in addresses(device) {
                owners.entry((segment, addr)).or_insert_with(|| netns.clone());
            }
        }
        let forwarding = topology.netns.iter().filter(|(_, n)| forwards(n)).map(|(name, _)| name.clone()).collect();
        Paths { layout, segments, tables, forwarding, owners }
    }

    /// Follows a packet from a namespace to an address.
    pub fn follow(&self, from: &NetnsName, source: Option<Ipv4Addr>, dst: Ipv4Addr) -> Fate {
        let mut at = from;
        let mut source = source;
        for hop in 0..=self.tables.len() {
            if self.is_local(at, dst) {
                if hop == 0 && !self.loopback_up(at) {
                    return Fate::Lost { at: at.clone(), why: Lost::LoopbackDown };
                }
                return Fate::Arrives { at: at.clone(), source };
            }
            if hop > 0 && !self.forwarding.contains(at) {
                return Fate::Lost { at: at.clone(), why: Lost::NotForwarding };
            }
            match self.step(at, dst) {
                Ok((next, first_source)) => {
                    source = source.or(first_source);
                    at = next;
                }
                Err(why) => return Fate::Lost { at: at.clone(), why },
            }
        }
        Fate::Lost { at: at.clone(), why: Lost::Circle }
    }

    /// One hop: who gets the packet next, and the source address that the route gives it.
    fn step(&self, at: &NetnsName, dst: Ipv4Addr) -> Result<(&NetnsName, Option<Ipv4Addr>), Lost> {
        let line = self.lookup(at, dst).ok_or(Lost::NoRoute)?;
        match line.kind {
            RouteKind::Unicast => {}
            other => return Err(Lost::Rejected(other)),
        }
        // A gateway that is an own address is accepted without effect: the destination is taken to be on the wire.
        let next = line.via.filter(|via| !self.is_local(at, *via)).unwrap_or(dst);
        let dev = line.dev.ok_or(Lost::NoRoute)?;
        let segment = self.segments.number(&(at.clone(), dev)).ok_or(Lost::Nobody(next))?;
        let owner = self.owners.get(&(segment, next)).ok_or(Lost::Nobody(next))?;
        Ok((owner, line.source.or_else(|| self.source_on(at, dev, next))))
    }

    fn lookup(&self, at: &NetnsName, dst: Ipv4Addr) -> Option<&Line> {
        self.tables.get(at)?.iter().find(|l| l.dst.contains(IpAddr::V4(dst)))
    }

    /// The address that a packet to `next` by `dev` starts with: one of the same subnet, else the device's first, else any.
    fn source_on(&self, at: &NetnsName, dev: IfName, next: Ipv4Addr) -> Option<Ipv4Addr> {
        let devices = self.layout.netns.get(at)?;
        let on_dev: Vec<(Ipv4Addr, Cidr)> = devices.get(&dev).map(addresses).unwrap_or_default();
        on_dev
            .iter()
            .find(|(_, net)| net.contains(IpAddr::V4(next)))
            .or(on_dev.first())
            .map(|(addr, _)| *addr)
            .or_else(|| devices.values().flat_map(addresses).map(|(addr, _)| addr).find(|a| !a.is_loopback()))
    }

    fn is_local(&self, at: &NetnsName, addr: Ipv4Addr) -> bool {
        let Some(devices) = self.layout.netns.get(at) else { return false };
        devices.values().any(|d| {
            let on_lo = d.kind == DeviceKind::Loopback;
            addresses(d).iter().any(|(a, net)| *a == addr || (on_lo && d.up && net.contains(IpAddr::V4(addr))))
        }) || addr.is_loopback()
    }

    fn loopback_up(&self, at: &NetnsName) -> bool {
        self.layout.netns.get(at).and_then(|d| d.get(&IfName::lo())).is_some_and(|lo| lo.up)
    }
}

/// Whether a namespace forwards, by its word or by its sysctls.
pub fn forwards(netns: &Netns) -> bool {
    let said = netns.sysctls.iter().filter(|(key, _)| FORWARDING.contains(&key.path()));
    netns.forwarding || said.into_iter().any(|(_, value)| value.value != "0")
}

/// A device's IPv4 addresses, each with the subnet that it is connected to.
pub fn addresses(device: &Device) -> Vec<(Ipv4Addr, Cidr)> {
    let one = |a: &crate::addr::Address| {
        let (addr, _) = a.cidr.v4()?;
        Some((addr, a.peer.unwrap_or(a.cidr).network()))
    };
    device.addresses.iter().filter_map(|a| one(&a.value)).collect()
}

/// The routes that addresses make.
fn connected(devices: &BTreeMap<IfName, Device>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (dev, device) in devices.iter().filter(|(_, d)| d.up && d.kind != DeviceKind::Loopback && d.master.is_none()) {
        for (addr, net) in addresses(device) {
            if net.len < 32 || net.addr != IpAddr::V4(addr) {
                let line = Line {
                    dst: net,
                    metric: 0,
                    kind: RouteKind::Unicast,
                    via: None,
                    dev: Some(*dev),
                    source: Some(addr),
                };
                lines.push(line);
            }
        }
    }
    lines
}

fn stated(route: &Route, connected: &[Line]) -> Line {
    let hop = route.nexthops.first();
    let v4 = |addr: Option<IpAddr>| match addr {
        Some(IpAddr::V4(a)) => Some(a),
        _ => None,
    };
    let via = v4(hop.and_then(|h| h.via));
    let by_gateway = || {
        let via = via?;
        let on_link = |l: &&Line| l.via.is_none() && l.dst.contains(IpAddr::V4(via));
        connected.iter().filter(on_link).max_by_key(|l| l.dst.len)?.dev
    };
    Line {
        dst: route.dst,
        metric: route.metric,
        kind: route.kind,
        via,
        dev: hop.and_then(|h| h.dev).or_else(by_gateway),
        source: v4(route.prefsrc),
    }
}

/// A way from one namespace to a router next to it.
#[derive(Clone, Debug)]
struct Hop {
    router: NetnsName,
    dev: IfName,
    via: Ipv4Addr,
}

/// The routes of shortest path for each namespace to all subnets that it is not in. Fewest routers first, then the next
/// router's name, then the device's. A namespace that does not forward and has but one way out gets one default route.
/// What a namespace states itself stays: no route is made for a prefix that it has one for.
pub fn shortest(topology: &Topology, layout: &Layout, segments: &Segments) -> BTreeMap<NetnsName, Vec<Route>> {
    let hops = hops(topology, layout, segments);
    let mut behind: BTreeMap<&NetnsName, Vec<&NetnsName>> = BTreeMap::new();
    for (from, nexts) in &hops {
        for hop in nexts {
            behind.entry(&hop.router).or_default().push(from);
        }
    }
    let mut homes: BTreeMap<Cidr, BTreeSet<&NetnsName>> = BTreeMap::new();
    for (netns, _, device) in layout.devices().filter(|(_, _, d)| d.up && d.master.is_none()) {
        for (_, net) in addresses(device).into_iter().filter(|(a, _)| !a.is_loopback()) {
            homes.entry(net).or_default().insert(netns);
        }
    }
    let mut out: BTreeMap<NetnsName, Vec<Route>> = BTreeMap::new();
    for (net, homes) in &homes {
        let distances = distances(homes, &behind);
        for (netns, distance) in distances.iter().filter(|(_, d)| **d > 0) {
            let nearer = |h: &&Hop| distances.get(&h.router).is_some_and(|d| d + 1 == *distance);
            if let Some(hop) = hops.get(*netns).into_iter().flatten().find(nearer) {
                let route = Route::new(*net).via(IpAddr::V4(hop.via)).dev(hop.dev);
                out.entry((*netns).clone()).or_default().push(route);
            }
        }
    }
    for (name, routes) in &mut out {
        trim(topology.netns.get(name), routes);
    }
    out
}

/// How many routers lie between each namespace and a subnet's homes. Every way leads through routers only, because
/// `behind` has no one behind a namespace that does not forward.
fn distances<'a>(
    homes: &BTreeSet<&'a NetnsName>,
    behind: &BTreeMap<&'a NetnsName, Vec<&'a NetnsName>>,
) -> BTreeMap<&'a NetnsName, usize> {
    let mut distances: BTreeMap<&NetnsName, usize> = homes.iter().map(|home| (*home, 0)).collect();
    let mut queue: VecDeque<&NetnsName> = homes.iter().copied().collect();
    while let Some(at) = queue.pop_front() {
        let next = distances[at] + 1;
        for &from in behind.get(at).into_iter().flatten() {
            distances.entry(from).or_insert_with(|| {
                queue.push_back(from);
                next
            });
        }
    }
    distances
}

/// Each namespace's ways to the routers beside it, by the router's name, then the device's: those that share a subnet.
fn hops(topology: &Topology, layout: &Layout, segments: &Segments) -> BTreeMap<NetnsName, Vec<Hop>> {
    let mut out: BTreeMap<NetnsName, Vec<Hop>> = BTreeMap::new();
    for number in 0..segments.devices.len() {
        let stations: Vec<(&DevKey, Vec<(Ipv4Addr, Cidr)>)> = segments
            .stations(layout, number)
            .filter_map(|key| layout.get(key).filter(|d| d.up).map(|d| (key, addresses(d))))
            .collect();
        let routers = stations.iter().filter(|(key, _)| topology.netns.get(&key.0).is_some_and(forwards));
        for (router, offered) in routers {
            for (from, own) in stations.iter().filter(|(from, _)| from.0 != router.0) {
                let shared = offered.iter().find(|(_, net)| own.iter().any(|(_, n)| n == net));
                if let Some((via, _)) = shared {
                    let hop = Hop { router: router.0.clone(), dev: from.1, via: *via };
                    out.entry(from.0.clone()).or_default().push(hop);
                }
            }
        }
    }
    for hops in out.values_mut() {
        hops.sort_by(|a, b| (&a.router, a.dev, a.via).cmp(&(&b.router, b.dev, b.via)));
    }
    out
}

/// Leaves out what the namespace states itself, and makes one default route of many where they all go the same way.
fn trim(netns: Option<&Netns>, routes: &mut Vec<Route>) {
    let stated = |dst: Cidr| netns.is_some_and(|n| n.routes.iter().any(|r| r.dst == dst && r.table == TABLE_MAIN));
    let is_host = !netns.is_some_and(forwards);
    if is_host && stated(Cidr::DEFAULT_V4) {
        routes.clear();
    }
    routes.retain(|r| !stated(r.dst));
    if let [first, rest @ ..] = routes.as_slice()
        && is_host
        && rest.iter().all(|r| r.nexthops == first.nexthops)
    {
        let default = Route { nexthops: first.nexthops.clone(), ..Route::new(Cidr::DEFAULT_V4) };
        *routes = vec![default];
    }
}
