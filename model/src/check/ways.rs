//! Checks of routes: gateways that are on link, and answers that find their way back.

use super::state::known_devices;
use crate::addr::{Cidr, Scope};
use crate::complaint::{Complaint, Placed, Span};
use crate::expect::Expectation;
use crate::graph::Segments;
use crate::layout::{Device, DeviceKind, Layout};
use crate::name::{IfName, NetnsName};
use crate::paths::{Fate, Lost, Paths, addresses};
use crate::probe::Probe;
use crate::route::{Nexthop, Route, RouteKind, TABLE_MAIN};
use crate::topology::{Topology, Want};
use crate::words;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// How many namespaces with addresses are compared each with each; beyond it only the expectations are followed.
const PAIRWISE_LIMIT: usize = 64;

/// What the kernel asks of a route when it is added.
pub(super) fn routes(t: &Topology, layout: &Layout, segments: &Segments, out: &mut Vec<Complaint>) {
    let owned = owned(layout, segments);
    for (name, netns) in &t.netns {
        let Some(devices) = layout.netns.get(name) else { continue };
        let place = Place { name, devices, layout, segments, owned: &owned };
        let mut on_link: Vec<(Cidr, IfName)> = Vec::new();
        let mut keys = BTreeSet::new();
        for route in &netns.routes {
            place.route(route, &on_link, out);
            let leads = |hop: &Nexthop| hop.via.is_some() || hop.dev.is_some();
            if let Some(id) = route.nhid
                && !netns.nexthops.iter().any(|n| n.id == id)
            {
                let message = format!("{name} has no nexthop {id}");
                out.push(Complaint::error("bad-route", route.span, message).help("list it among its `nexthops`"));
            }
            if !route.nexthops.iter().any(leads) && route.kind == RouteKind::Unicast && route.nhid.is_none() {
                let help = "say `via ADDRESS` or `dev INTERFACE`";
                out.push(Complaint::error("bad-route", route.span, "the route leads nowhere").help(help));
            }
            if let [Nexthop { via: None, dev: Some(dev), .. }] = route.nexthops.as_slice() {
                on_link.push((route.dst, *dev));
            }
            if let Some(said) = place.makes(route) {
                let message = format!("{said} makes a route to {} already", route.dst);
                let help = "leave it out, or give it another metric, as in `metric 100`";
                out.push(Complaint::error("duplicate-route", route.span, message).help(help));
            }
            if !keys.insert((route.dst, route.tos, route.metric, route.table)) {
                let message = format!("{name} has two routes to {} with the same metric", route.dst);
                let help = "give one of them another metric, as in `metric 100`";
                out.push(Complaint::error("duplicate-route", route.span, message).help(help));
            }
        }
    }
}

struct Place<'a> {
    name: &'a NetnsName,
    devices: &'a BTreeMap<IfName, Device>,
    layout: &'a Layout,
    segments: &'a Segments,
    owned: &'a BTreeSet<(usize, IpAddr)>,
}

/// Which addresses somebody on each wire has.
fn owned(layout: &Layout, segments: &Segments) -> BTreeSet<(usize, IpAddr)> {
    let on = |number| segments.stations(layout, number).filter_map(|key| layout.get(key));
    let of = |number| on(number).flat_map(|d| &d.addresses).map(move |a| (number, a.cidr.addr));
    (0..segments.devices.len()).flat_map(of).collect()
}

impl Place<'_> {
    /// The device whose address makes a route of the same key (`fib_add_ifaddr`).
    fn makes(&self, route: &Route) -> Option<&str> {
        if (route.tos, route.metric, route.table) != (0, 0, TABLE_MAIN) {
            return None;
        }
        let up = self.devices.values().filter(|d| d.up && d.kind != DeviceKind::Loopback);
        let connected = |d: &&Device| {
            addresses(d).iter().any(|(addr, net)| *net == route.dst && (net.len < 32 || net.addr != *addr))
        };
        up.filter(connected).map(|d| d.said.as_str()).next()
    }

    fn route(&self, route: &Placed<Route>, on_link: &[(Cidr, IfName)], out: &mut Vec<Complaint>) {
        if !route.dst.is_network() {
            let message = format!("{} has bits beyond its prefix length", route.dst);
            let help = format!("write {}", route.dst.network());
            out.push(Complaint::error("bad-route", route.span, message).help(help));
        }
        if let Some(source) = route.prefsrc
            && !self.devices.values().flat_map(addresses).any(|(a, _)| IpAddr::V4(a) == source)
        {
            let message = format!("{} does not have the source address {source}", self.name);
            out.push(Complaint::error("bad-route", route.span, message).help("write one of its own addresses"));
        }
        self.scope(route, out);
        for hop in &route.nexthops {
            match hop.dev.map(|dev| (dev, self.devices.get(&dev))) {
                Some((dev, None)) => {
                    let message = format!("{} has no interface {dev}", self.name);
                    let help = known_devices(self.name, self.layout);
                    out.push(Complaint::error("unknown-device", route.span, message).help(help));
                    continue;
                }
                Some((dev, Some(device))) if !device.up => {
                    let message = format!("{dev} is down, so the kernel refuses a route through it");
                    out.push(Complaint::error("device-down", route.span, message).help("leave `up = false` out"));
                    continue;
                }
                _ => {}
            }
            match hop.via {
                Some(IpAddr::V4(via)) if hop.onlink => self.onlink(via, route, out),
                Some(IpAddr::V4(via)) => self.gateway(via, hop.dev, route, on_link, out),
                _ => {}
            }
        }
    }

    /// A gateway must be nearer than the destination, and at least on the link.
    fn scope(&self, route: &Placed<Route>, out: &mut Vec<Complaint>) {
        let Some(scope) = route.scope.filter(|scope| *scope >= Scope::LINK) else { return };
        let own = |via: &IpAddr| self.devices.values().flat_map(addresses).any(|(addr, _)| IpAddr::V4(addr) == *via);
        let too_far = |via: &IpAddr| scope > Scope::LINK || !own(via);
        if route.nexthops.len() > 1 && scope > Scope::LINK
            || route.nexthops.iter().filter_map(|h| h.via).any(|via| too_far(&via))
        {
            let message =
                format!("the kernel refuses a gateway for a route of scope {}", words::route::scope_word(scope));
            out.push(Complaint::error("bad-route", route.span, message).help("leave the scope out"));
        }
    }

    /// `fib_check_nh_v4_gw()`: a gateway that is believed to be on the link must look like a single other machine.
    fn onlink(&self, via: Ipv4Addr, route: &Placed<Route>, out: &mut Vec<Complaint>) {
        let own = || self.devices.values().flat_map(addresses);
        let all_of = |net: Cidr| net.len < 31 && !net.contains(IpAddr::V4(via.to_bits().wrapping_add(1).into()));
        let to_all = own().any(|(_, net)| net.contains(IpAddr::V4(via)) && all_of(net));
        if to_all || via.is_multicast() || own().any(|(addr, _)| addr == via) {
            let message = format!("the gateway {via} is no other machine's address, so the kernel refuses it onlink");
            out.push(Complaint::error("bad-route", route.span, message).help("name a router's address"));
        }
    }

    fn gateway(
        &self,
        via: Ipv4Addr,
        dev: Option<IfName>,
        route: &Placed<Route>,
        on_link: &[(Cidr, IfName)],
        out: &mut Vec<Complaint>,
    ) {
        // With a device said, an address of another one is not found.
        let looked_at = self.devices.iter().filter(|(name, _)| dev.is_none_or(|dev| dev == **name));
        let mut owners = looked_at.filter(|(_, d)| addresses(d).iter().any(|(a, _)| *a == via));
        if let Some((name, device)) = owners.next() {
            if !device.up {
                let message = format!("{name} has the gateway {via} and is down, so the kernel refuses the route");
                out.push(Complaint::error("device-down", route.span, message).help("name a router's address instead"));
                return;
            }
            let message = format!("the gateway {via} is an address of {} itself: it has no effect", self.name);
            let help = "packets are sent as if their destination were on the wire; name a router's address instead";
            out.push(Complaint::warning("gateway-is-own", route.span, message).help(help));
            return;
        }
        let up = || self.devices.iter().filter(|(_, d)| d.up && d.master.is_none() && d.kind != DeviceKind::Loopback);
        let nets = up().flat_map(|(name, d)| addresses(d).into_iter().map(move |(_, net)| (net, *name)));
        let all: Vec<(Cidr, IfName)> = nets.chain(on_link.iter().copied()).collect();
        let reaching =
            |(net, name): &&(Cidr, IfName)| net.contains(IpAddr::V4(via)) && dev.is_none_or(|dev| dev == *name);
        let Some((_, device)) = all.iter().filter(reaching).max_by_key(|(net, _)| net.len) else {
            let nets: Vec<String> = all.iter().map(|(net, name)| format!("{net} on {name}")).collect();
            let message = format!("the gateway {via} is not on link for {}", self.name);
            let help = match nets.is_empty() {
                true => "give the namespace an address in the gateway's subnet".to_owned(),
                false => format!("a gateway is in one of its subnets: {}", nets.join(", ")),
            };
            out.push(Complaint::error("gateway-not-on-link", route.span, message).help(help));
            return;
        };
        let Some(segment) = self.segments.number(&(self.name.clone(), *device)) else { return };
        if !self.owned.contains(&(segment, IpAddr::V4(via))) {
            let message = format!("nobody on the wire of {}:{device} has the gateway address {via}", self.name);
            let help = "give a router on that wire the address, or name one that is there";
            out.push(Complaint::warning("gateway-unowned", route.span, message).help(help));
        }
    }
}

/// Follows expectations, and pairs of namespaces, there and back.
pub(super) fn returns(
    t: &Topology,
    layout: &Layout,
    paths: &Paths<'_>,
    expectations: &[Expectation],
    out: &mut Vec<Complaint>,
) {
    let mut expected = BTreeSet::new();
    // The timeline may make and break ways, and rules lead by ways that are not followed here, or translate, or filter.
    let still = t.timeline.is_empty()
        && t.netns
            .values()
            .all(|n| n.rules.is_empty() && n.nexthops.is_empty() && n.nat.is_empty() && n.firewall.is_empty());
    for expectation in expectations {
        let Some((from, source, dst)) = ends(&expectation.probe) else { continue };
        expected.insert((from.clone(), dst));
        if still && expectation.want == Want::Allowed {
            doubt(expectation, trip(paths, from, source, dst), out);
        }
    }
    let speakers: Vec<(&NetnsName, Ipv4Addr)> = layout
        .netns
        .iter()
        .filter_map(|(name, devices)| {
            let mut own = devices.values().filter(|d| d.up).flat_map(addresses).map(|(a, _)| a);
            own.find(|a| !a.is_loopback()).map(|a| (name, a))
        })
        .collect();
    if !still || speakers.len() > PAIRWISE_LIMIT {
        return;
    }
    let mut said = BTreeSet::new();
    for (from, _) in &speakers {
        for (to, dst) in speakers.iter().filter(|(to, dst)| to != from && !expected.contains(&((*from).clone(), *dst)))
        {
            if let Trip::LostBack { at, why, source } = trip(paths, from, None, *dst)
                && said.insert((at.clone(), source))
            {
                let message = format!(
                    "packets from {from} reach {to}, but their answers do not come back: {}",
                    why_lost(&at, why, source)
                );
                let span = t.netns.get(&at).map_or(Span::NOWHERE, |n| n.span);
                let help = format!("give {at} a route to {source}'s subnet, or say routes = \"shortest\"");
                out.push(Complaint::warning("missing-return-route", span, message).help(help));
            }
        }
    }
}

/// A packet there and its answer back.
enum Trip {
    Fine,
    LostThere { at: NetnsName, why: Lost },
    LostBack { at: NetnsName, why: Lost, source: Ipv4Addr },
}

fn trip(paths: &Paths<'_>, from: &NetnsName, source: Option<Ipv4Addr>, dst: Ipv4Addr) -> Trip {
    let (at, source) = match paths.follow(from, source, dst) {
        Fate::Arrives { at, source } => (at, source),
        Fate::Lost { at, why } => return Trip::LostThere { at, why },
    };
    let Some(source) = source.filter(|_| at != *from) else { return Trip::Fine };
    match paths.follow(&at, Some(dst), source) {
        Fate::Arrives { .. } => Trip::Fine,
        Fate::Lost { at, why } => Trip::LostBack { at, why, source },
    }
}

fn doubt(expectation: &Expectation, trip: Trip, out: &mut Vec<Complaint>) {
    let (code, at, why, whom, way) = match trip {
        Trip::Fine => return,
        Trip::LostThere { at, why } => {
            let Some((_, _, dst)) = ends(&expectation.probe) else { return };
            ("expectation-doubtful", at, why, dst, "it does not get there")
        }
        Trip::LostBack { at, why, source } => {
            ("missing-return-route", at, why, source, "it gets there, but no answer comes back")
        }
    };
    let message = format!("{} is expected to get through, but {way}: {}", expectation.text, why_lost(&at, why, whom));
    let help = match why {
        Lost::NotForwarding => format!("say forwarding = true for {at}"),
        Lost::NoRoute => format!("give {at} a route to {whom}, or say routes = \"shortest\""),
        _ => "change the routes, or say result = \"denied\"".to_owned(),
    };
    let span = expectation.span.clone().map_or(Span::NOWHERE, Span::new);
    out.push(Complaint::warning(code, span, message).help(help));
}

fn why_lost(at: &NetnsName, why: Lost, dst: Ipv4Addr) -> String {
    match why {
        Lost::NoRoute => format!("{at} has no route to {dst}"),
        Lost::NotForwarding => format!("{at} does not forward"),
        Lost::Nobody(next) => format!("nobody on {at}'s wire has {next}"),
        Lost::Rejected(kind) => format!("{at} has a {} route to {dst}", kind.word()),
        Lost::LoopbackDown => format!("{at}'s lo is down"),
        Lost::Circle => "the routes go in circles".to_owned(),
    }
}

/// From whom, with which source, to whom.
fn ends(probe: &Probe) -> Option<(&NetnsName, Option<Ipv4Addr>, Ipv4Addr)> {
    match probe {
        Probe::Ping(p) => Some((&p.netns, p.source, p.dst)),
        Probe::Udp(p) => Some((&p.netns, p.source, p.dst)),
        Probe::Tcp(p) => Some((&p.netns, p.source, p.dst)),
        _ => None,
    }
}
