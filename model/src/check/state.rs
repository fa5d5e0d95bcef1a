//! Checks of single values that the kernel would refuse when it executes them, or that contradict each other.

use crate::complaint::{Complaint, Placed, Span};
use crate::layout::{DeviceKind, Layout};
use crate::link::BridgeAttrs;
use crate::name::{IfName, NetnsName};
use crate::neigh::{FdbKind, Nud};
use crate::sysctl::{FORWARDING, SysctlKey};
use crate::topology::{Bridge, Netns, Topology};
use std::collections::BTreeSet;

pub(super) fn check(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) {
    addresses(layout, out);
    for (name, netns) in &t.netns {
        sysctls(name, netns, layout, out);
        neighbours(name, netns, layout, out);
    }
    bridges(t, layout, out);
}

/// The same address with the same length twice on one device, and addresses of ports.
fn addresses(layout: &Layout, out: &mut Vec<Complaint>) {
    for (_, _, device) in layout.devices() {
        let mut seen = BTreeSet::new();
        for address in &device.addresses {
            if !seen.insert((address.cidr, address.peer)) {
                let message = format!("{} has {} twice", device.said, address.cidr);
                out.push(Complaint::error("duplicate-name", address.span, message).help("say it once"));
            }
            // __inet_insert_ifa() refuses it.
            let subnet = crate::agree::subnet(address);
            let primary = device.addresses.iter().find(|first| crate::agree::subnet(first) == subnet);
            if let Some(primary) = primary.filter(|primary| primary.scope != address.scope) {
                let message =
                    format!("{} has another scope than {}, the first of its subnet", address.cidr, primary.cidr);
                let complaint = Complaint::error("bad-address", address.span, message).also(primary.span, "the first");
                out.push(complaint.help("give both the same scope"));
            }
        }
        if let (DeviceKind::Loopback, Some(first)) = (&device.kind, device.addresses.first())
            && !device.up
            && seen.iter().any(|(cidr, _)| !matches!(cidr.addr, std::net::IpAddr::V4(a) if a.is_loopback()))
        {
            let message = format!("{} has addresses and is down", device.said);
            out.push(Complaint::warning("loopback-down", first.span, message).help("leave `up = false` out"));
        }
    }
}

fn sysctls(name: &NetnsName, netns: &Netns, layout: &Layout, out: &mut Vec<Complaint>) {
    for (key, value) in &netns.sysctls {
        sysctl(name, key, value, layout, out);
    }
    forwarding(name, netns, out);
}

/// What is said about forwarding, in whichever of three ways, must be one thing.
fn forwarding(name: &NetnsName, netns: &Netns, out: &mut Vec<Complaint>) {
    let mut said = netns.forwarding.then(|| ("forwarding = true".to_owned(), true));
    for path in FORWARDING {
        let Some((key, value)) = netns.sysctls.iter().find(|(key, _)| key.path() == *path) else { continue };
        let (words, on) = (format!("{key} = {}", value.value), value.value.trim() != "0");
        match &said {
            Some((before, was)) if *was != on => {
                let message = format!("{name} has {before} and {words}");
                out.push(Complaint::error("contradiction", value.span, message).help("leave the sysctl out"));
            }
            _ => said = Some((words, on)),
        }
    }
}

/// A sysctl of an interface needs the interface.
pub(super) fn sysctl(
    netns: &NetnsName,
    key: &SysctlKey,
    value: &Placed<String>,
    layout: &Layout,
    out: &mut Vec<Complaint>,
) {
    if value.value.is_empty() || value.value.contains(['\n', '\0']) {
        let message = format!("{key} cannot be {:?}", value.value);
        out.push(Complaint::error("bad-sysctl", value.span, message).help("write one line, as into the file"));
    }
    let parts: Vec<&str> = key.path().split('/').collect();
    let ["net", "ipv4" | "ipv6", "conf" | "neigh", dev, _] = parts.as_slice() else { return };
    if *dev == "all" || *dev == "default" {
        return;
    }
    let known = IfName::new(dev).is_ok_and(|dev| layout.get(&(netns.clone(), dev)).is_some());
    if !known {
        let message = format!("{key}: {netns} has no interface {dev}");
        let help = known_devices(netns, layout);
        out.push(Complaint::error("unknown-device", value.span, message).help(help));
    }
}

/// The remedy for a device that is not there.
pub(super) fn known_devices(netns: &NetnsName, layout: &Layout) -> String {
    let names: Vec<&str> = layout.netns.get(netns).into_iter().flat_map(|d| d.keys()).map(IfName::as_str).collect();
    format!("{netns} has {}", names.join(", "))
}

fn neighbours(name: &NetnsName, netns: &Netns, layout: &Layout, out: &mut Vec<Complaint>) {
    let mut seen = BTreeSet::new();
    for neigh in &netns.neighbours {
        if !seen.insert((neigh.dev, neigh.dst, neigh.proxy)) {
            let message = format!("{name} is told of {} on {} twice", neigh.dst, neigh.dev);
            out.push(Complaint::error("duplicate-name", neigh.span, message).help("say it once"));
        }
        if layout.get(&(name.clone(), neigh.dev)).is_none() {
            let message = format!("{name} has no interface {}", neigh.dev);
            out.push(Complaint::error("unknown-device", neigh.span, message).help(known_devices(name, layout)));
        }
        if !neigh.proxy && (neigh.state != Nud::Permanent || neigh.lladdr.is_none()) {
            let message = "only permanent neighbours with a MAC can be declared: others come and go by themselves";
            let help = "write \"10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent\"";
            out.push(Complaint::error("bad-neighbour", neigh.span, message).help(help));
        }
    }
}

fn bridges(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) {
    for (name, bridge) in &t.bridges {
        times(&bridge.attrs, bridge.span, out);
        let netns = bridge.netns(*name);
        vlans(*name, bridge, out);
        let mut seen = BTreeSet::new();
        for entry in &bridge.fdb {
            if !seen.insert((entry.mac, entry.vlan)) {
                let message = format!("{name} is told of {} twice", entry.mac);
                out.push(
                    Complaint::error("duplicate-name", entry.span, message).help("say it once: a MAC has one place"),
                );
            }
            let device = layout.get(&(netns.clone(), entry.dev));
            let port = device.is_some_and(|d| d.master == Some(*name)) || entry.dev == *name;
            if !port {
                let message = format!("{} is not a port of {name}", entry.dev);
                let help = format!("write a port that a link ends in, as in \"{name}:p1\"");
                out.push(Complaint::error("unknown-device", entry.span, message).help(help));
            }
            if entry.kind == FdbKind::Learned {
                let message = "only static entries can be declared: others age";
                out.push(Complaint::error("bad-fdb", entry.span, message).help("write `static` at the end"));
            }
            let own = layout.netns.get(&netns).into_iter().flat_map(|d| d.values());
            let mut ports = own.filter(|d| d.master == Some(*name));
            if ports.any(|d| d.mac.is_some_and(|mac| mac.value == entry.mac)) {
                let message = format!("{} is a port's own MAC, which {name} knows by itself", entry.mac);
                out.push(Complaint::error("bad-fdb", entry.span, message).help("leave it out"));
            }
            // fdb_add_entry() refuses it.
            if entry.dev == *name && entry.kind == FdbKind::Static {
                let message = format!("an entry of {name} itself cannot be static");
                out.push(Complaint::error("bad-fdb", entry.span, message).help("write `permanent` at the end"));
            }
        }
    }
}

/// VLANs that nobody looks at, and what is said of one of them twice.
fn vlans(name: IfName, bridge: &Bridge, out: &mut Vec<Complaint>) {
    let said = std::iter::once((name, &bridge.device)).chain(bridge.ports.iter().map(|(port, i)| (*port, i)));
    for (dev, interface) in said {
        let Some(list) = &interface.vlans else { continue };
        let mut seen = BTreeSet::new();
        for range in list {
            if let Some(twice) = range.each().find(|vlan| !seen.insert(vlan.vid)) {
                let message = format!("{dev} is given VLAN {} twice", twice.vid);
                out.push(Complaint::error("duplicate-name", range.span, message).help("say it once"));
            }
        }
        let untagged = list.iter().filter(|range| range.pvid);
        if let Some(second) = untagged.clone().nth(1) {
            let message = format!("{dev} has several VLANs for untagged frames");
            out.push(Complaint::error("contradiction", second.span, message).help("write `pvid` with one of them"));
        }
        if let Some(first) = list.first().filter(|_| bridge.attrs.vlan_filtering != Some(true)) {
            let message = format!("{dev} has VLANs, and {name} does not filter by them");
            let help = format!("write `vlan_filtering = true` under [bridge.{name}]");
            out.push(Complaint::warning("vlans-unused", first.span, message).help(help));
        }
    }
}

/// The ranges that the kernel keeps STP's times in, and the reserved groups that it does not forward.
fn times(attrs: &BridgeAttrs, span: Span, out: &mut Vec<Complaint>) {
    let mut range = |what: &str, value: Option<u32>, min: u32, max: u32| {
        if let Some(v) = value.filter(|v| !(min..=max).contains(v)) {
            let message = format!("{what} is {}.{:02}s, out of its range", v / 100, v % 100);
            let help = format!("write \"{}s\" to \"{}s\"", min / 100, max / 100);
            out.push(Complaint::error("out-of-range", span, message).help(help));
        }
    };
    range("hello_time", attrs.hello_time, 100, 1000);
    range("max_age", attrs.max_age, 600, 4000);
    if attrs.stp_state == Some(true) {
        range("forward_delay", attrs.forward_delay, 200, 3000);
    }
    if attrs.group_fwd_mask.is_some_and(|mask| mask & 7 != 0) {
        let message = "group_fwd_mask has a bit of 0 to 2, which the kernel refuses";
        out.push(Complaint::error("out-of-range", span, message).help("write a multiple of 8"));
    }
}
