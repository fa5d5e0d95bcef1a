//! The desired state and the timed ops of a topology.

use super::state;
use crate::complaint::{Complaint, Placed};
use crate::firewall;
use crate::layout::{Device, DeviceKind, Layout, derived_mac};
use crate::link::{BridgeAttrs, LinkKind, PortAttrs};
use crate::name::{IfName, NetnsName};
use crate::nexthop::NexthopObject;
use crate::op::{LinkChange, Op, RouteVerb};
use crate::paths::{addresses, forwards};
use crate::plan::Desired;
use crate::route::Route;
use crate::rule::{Rule, Rules};
use crate::rules::Ruleset;
use crate::snapshot::{Config, LinkConfig};
use crate::sysctl::{FORWARDING, SysctlKey, baseline};
use crate::topology::{Action, End, Netns, Topology};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

pub(super) fn desired(t: &Topology, layout: &Layout, routes: &BTreeMap<NetnsName, Vec<Route>>) -> Desired {
    let mut netns: BTreeMap<NetnsName, Config> = BTreeMap::new();
    for (name, devices) in &layout.netns {
        let links = devices.iter().map(|(dev, device)| (*dev, link(t, device))).collect();
        let said = t.netns.get(name);
        let config = Config {
            traits: BTreeMap::new(),
            links,
            routes: routes.get(name).cloned().unwrap_or_default(),
            nexthops: nexthops(said.map(|n| n.nexthops.as_slice()).unwrap_or_default()),
            rules: rules(said.map(|n| n.rules.as_slice()).unwrap_or_default()),
            neighs: said.into_iter().flat_map(|n| &n.neighbours).map(|n| n.value.clone()).collect(),
            fdb: Vec::new(),
            sysctls: sysctls(t, name),
            ruleset: said.map(ruleset).unwrap_or_default(),
        };
        netns.insert(name.clone(), config);
    }
    for (name, bridge) in &t.bridges {
        if let Some(config) = netns.get_mut(&bridge.netns(*name)) {
            config.fdb.extend(bridge.fdb.iter().map(|e| e.value.clone()));
        }
    }
    Desired { netns }
}

/// The table that the intents come to.
fn ruleset(netns: &Netns) -> Ruleset {
    firewall::ruleset(netns.nat.iter().map(|n| &n.value), netns.firewall.iter().map(|f| &f.value))
}

/// By number, as they are observed.
fn nexthops(said: &[Placed<NexthopObject>]) -> Vec<NexthopObject> {
    let mut out: Vec<NexthopObject> = said.iter().map(|n| n.value.clone()).collect();
    out.sort_by_key(|n| n.id);
    out
}

/// The rules that a namespace is born with, and those said, added in their order.
fn rules(said: &[Placed<Rule>]) -> Rules {
    let mut rules = Rules::default();
    for rule in said {
        rules.insert(rule.value.clone());
    }
    rules
}

fn link(t: &Topology, device: &Device) -> LinkConfig {
    let kind = match &device.kind {
        DeviceKind::Loopback => LinkKind::Loopback,
        DeviceKind::Veth { peer, .. } => LinkKind::Veth { peer: Some(peer.clone()) },
        DeviceKind::Bridge(_) => LinkKind::Bridge,
        DeviceKind::Virtual(kind) => LinkKind::Virtual(kind.clone()),
    };
    let bridge = match &device.kind {
        DeviceKind::Bridge(attrs) => Some(attrs.or(&BridgeAttrs::shown_by_all())),
        _ => None,
    };
    let impairment = match device.kind {
        DeviceKind::Veth { link, end, .. } => t.links.get(link).and_then(|l| l.impair[end].clone()).map(|i| i.value),
        _ => None,
    };
    LinkConfig {
        kind,
        up: device.up,
        // A bond gives its members its own.
        mtu: device.mtu.filter(|_| !device.is_bonded).map(|m| m.value),
        mac: device.mac.map(|m| m.value),
        master: device.master,
        addrs: device.addresses.iter().map(|a| a.value.clone()).collect(),
        bridge,
        port: device.bridge().map(|_| device.port.or(&PortAttrs::shown_by_all())),
        vlans: device.vlans.clone(),
        impairment,
    }
}

/// The part of the desired state that the topology says itself: what nettwin adds to it in labs of its own (MACs from the
/// seed, sysctls of the baseline, the kernel's defaults of bridges and ports) is left open.
pub(super) fn said(t: &Topology, layout: &Layout, desired: &Desired) -> Desired {
    let mut out = desired.clone();
    for (name, config) in &mut out.netns {
        for (dev, link) in &mut config.links {
            let Some(device) = layout.get(&(name.clone(), *dev)) else { continue };
            link.mac = link.mac.filter(|mac| *mac != derived_mac(t.seed, name, *dev));
            link.bridge = match &device.kind {
                DeviceKind::Bridge(attrs) => Some(attrs.clone()),
                _ => None,
            };
            link.port = device.bridge().map(|_| device.port.clone());
        }
        config.sysctls.retain(|key, _| says_sysctl(t, name, key));
    }
    out
}

/// The machine's own namespace keeps what the topology does not say of it.
pub(super) fn with_real_host(t: &Topology, desired: &Desired) -> Desired {
    let mut out = desired.clone();
    for (name, config) in out.netns.iter_mut().filter(|(name, _)| name.is_host()) {
        config.sysctls.retain(|key, _| says_sysctl(t, name, key));
    }
    out
}

/// Whether the topology says a sysctl itself, or by the word that makes the namespace forward.
fn says_sysctl(t: &Topology, name: &NetnsName, key: &SysctlKey) -> bool {
    let Some(netns) = t.netns.get(name) else { return false };
    netns.sysctls.contains_key(key) || forwards(netns) && key.path() == "net/ipv4/ip_forward"
}

/// The baseline, the file's own on top.
fn sysctls(t: &Topology, name: &NetnsName) -> BTreeMap<SysctlKey, String> {
    let mut out = baseline().clone();
    let mut set = |path: &str, value: &str| {
        if let Ok(key) = SysctlKey::new(path) {
            out.insert(key, value.to_owned());
        }
    };
    let Some(netns) = t.netns.get(name) else { return out };
    if netns.forwarding {
        set("net/ipv4/ip_forward", "1");
    }
    if forwards(netns) {
        // inet_forward_change(): a namespace that begins to forward stops to believe redirects.
        set("net/ipv4/conf/all/accept_redirects", "0");
    }
    out.extend(netns.sysctls.iter().map(|(key, value)| (key.clone(), value.value.clone())));
    // Said of one name it is so of the other, which is in the baseline.
    let said = netns.sysctls.iter().find(|(key, _)| FORWARDING.contains(&key.path()));
    if let (Some((_, value)), Ok(key)) = (said, SysctlKey::new(FORWARDING[0])) {
        out.insert(key, value.value.clone());
    }
    out
}

/// A route with the device that its only gateway is reached by, as the kernel finds it when the route is added.
pub(super) fn with_device(route: &Route, layout: &Layout, netns: &NetnsName) -> Route {
    let mut route = route.clone();
    if let ([hop], Some(devices)) = (route.nexthops.as_mut_slice(), layout.netns.get(netns))
        && let (Some(IpAddr::V4(via)), None) = (hop.via, hop.dev)
    {
        let up = || devices.iter().filter(|(_, d)| d.up && d.master.is_none());
        let own = devices.iter().find(|(_, d)| addresses(d).iter().any(|(a, _)| *a == via)).map(|(dev, _)| *dev);
        let on_link = up()
            .flat_map(|(dev, d)| addresses(d).into_iter().map(move |(_, net)| (net, *dev)))
            .filter(|(net, _)| net.contains(IpAddr::V4(via)))
            .max_by_key(|(net, _)| net.len);
        hop.dev = own.or(on_link.map(|(_, dev)| dev));
    }
    route
}

/// The timeline's ops by time; moments of the same time in the order of the file.
pub(super) fn timeline(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) -> Vec<(Duration, Vec<Op>)> {
    let mut moments: Vec<(Duration, Vec<Op>)> = Vec::new();
    for moment in &t.timeline {
        let mut ops = Vec::new();
        for said in &moment.actions {
            match action(t, layout, said, out) {
                Ok(op) => ops.push(op),
                Err(complaint) => out.push(complaint),
            }
        }
        moments.push((moment.at, ops));
    }
    moments.sort_by_key(|(at, _)| *at);
    moments
}

fn action(t: &Topology, layout: &Layout, said: &Placed<Action>, out: &mut Vec<Complaint>) -> Result<Op, Complaint> {
    let at = |end: &End| device(t, layout, end);
    let within = |netns: &NetnsName| t.locate_netns(netns, said.span);
    let set = |(netns, name): (NetnsName, IfName), change| Op::SetLink { netns, name, change: Box::new(change) };
    Ok(match &said.value {
        Action::Up(end, up) => set(at(end)?, LinkChange { up: Some(*up), ..LinkChange::default() }),
        Action::Mtu(end, mtu) => set(at(end)?, LinkChange { mtu: Some(*mtu), ..LinkChange::default() }),
        Action::Impair(end, impairment) => {
            let (netns, dev) = at(end)?;
            Op::SetImpairment { netns, dev, impairment: impairment.clone().map(Box::new), handle: None }
        }
        Action::AddAddress(end, addr) => {
            let (netns, dev) = at(end)?;
            Op::AddAddr { netns, dev, addr: addr.clone() }
        }
        Action::DelAddress(end, addr) => {
            let (netns, dev) = at(end)?;
            Op::DelAddr { netns, dev, addr: addr.clone() }
        }
        Action::AddRoute(netns, route) => {
            Op::AddRoute { netns: within(netns)?, verb: RouteVerb::Add, route: route.clone() }
        }
        Action::ReplaceRoute(netns, route) => {
            Op::AddRoute { netns: within(netns)?, verb: RouteVerb::Replace, route: route.clone() }
        }
        Action::DelRoute(netns, route) => Op::DelRoute { netns: within(netns)?, route: route.clone() },
        Action::AddNeighbour(netns, neigh) => {
            Op::AddNeigh { netns: within(netns)?, neigh: neigh.clone(), replace: true }
        }
        Action::DelNeighbour(netns, neigh) => Op::DelNeigh { netns: within(netns)?, neigh: neigh.clone() },
        Action::Sysctl(netns, key, value) => {
            let netns = within(netns)?;
            state::sysctl(&netns, key, &Placed::new(value.clone(), said.span), layout, out);
            Op::SetSysctl { netns, key: key.clone(), value: value.clone() }
        }
    })
}

fn device(t: &Topology, layout: &Layout, end: &End) -> Result<(NetnsName, IfName), Complaint> {
    let (key, _) = t.locate(end)?;
    if layout.get(&key).is_none() {
        let message = format!("there is no device {end}");
        return Err(Complaint::error("unknown-device", end.span, message).help(state::known_devices(&key.0, layout)));
    }
    Ok(key)
}
