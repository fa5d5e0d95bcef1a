//! Checks of broadcast domains: loops, duplicates, MTUs, prefix lengths, and what nothing is wired to.

use crate::addr::Cidr;
use crate::complaint::{Complaint, Span};
use crate::graph::{self, Segments};
use crate::layout::{DEFAULT_MTU, DevKey, Device, DeviceKind, Layout};
use crate::name::Mac;
use crate::paths::addresses;
use crate::topology::Topology;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn check(t: &Topology, layout: &Layout, segments: &Segments, out: &mut Vec<Complaint>) {
    loops(t, layout, out);
    wire_mtus(t, layout, out);
    for number in 0..segments.devices.len() {
        let devices: Vec<(&DevKey, &Device)> =
            segments.devices[number].iter().filter_map(|k| layout.get(k).map(|d| (k, d))).collect();
        duplicate_macs(&devices, out);
        let stations: Vec<(&DevKey, &Device)> = devices.into_iter().filter(|(_, d)| d.master.is_none()).collect();
        duplicate_addresses(&stations, out);
        prefix_lengths(&stations, out);
        segment_mtus(&stations, out);
    }
    unconnected(t, layout, out);
}

fn loops(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) {
    for found in graph::loops(layout) {
        let mut names: Vec<String> =
            found.bridges.iter().filter_map(|k| layout.get(k)).map(|d| d.said.clone()).collect();
        names.extend(names.first().cloned());
        let closing = found.links.last().and_then(|i| t.links.get(*i));
        let message = format!("a loop without spanning tree: {}", names.join(" -> "));
        let mut complaint = Complaint::error("l2-loop", closing.map_or(Span::NOWHERE, |l| l.span), message)
            .label("this link closes it")
            .help("set stp = true on a bridge of the loop, remove a link, or say allow = [\"l2-loop\"]");
        for link in found.links.iter().rev().skip(1).filter_map(|i| t.links.get(*i)) {
            complaint = complaint.also(link.span, "a part of the loop");
        }
        out.push(complaint);
    }
}

fn duplicate_macs(devices: &[(&DevKey, &Device)], out: &mut Vec<Complaint>) {
    let mut seen: BTreeMap<Mac, &Device> = BTreeMap::new();
    for (_, device) in devices {
        let Some(mac) = device.mac else { continue };
        match seen.get(&mac.value) {
            None => {
                seen.insert(mac.value, device);
            }
            // A bridge may well be given the MAC of a port of its own.
            Some(first)
                if matches!(first.kind, DeviceKind::Bridge(_)) != matches!(device.kind, DeviceKind::Bridge(_)) => {}
            Some(first) => {
                let message = format!("{} and {} have the same MAC {}", first.said, device.said, mac.value);
                let place = if mac.span.range().is_some() { mac.span } else { device.span };
                let complaint = Complaint::error("duplicate-mac", place, message)
                    .help("give one of them another, or leave `mac` out: it is then derived from the seed")
                    .also(first.mac.map_or(first.span, |m| m.span), "first here");
                out.push(complaint);
            }
        }
    }
}

fn duplicate_addresses(stations: &[(&DevKey, &Device)], out: &mut Vec<Complaint>) {
    let mut seen: BTreeMap<IpAddr, (&DevKey, &Device, Span)> = BTreeMap::new();
    for (key, device) in stations {
        for address in &device.addresses {
            let addr = address.cidr.addr;
            match seen.get(&addr) {
                None => {
                    seen.insert(addr, (key, device, address.span));
                }
                // Twice on one device is another complaint, or two prefix lengths, which is fine.
                Some((first, ..)) if first == key => {}
                Some((_, first, span)) => {
                    let message =
                        format!("{} and {} have the same address {addr} on one wire", first.said, device.said);
                    let complaint = Complaint::error("duplicate-address", address.span, message)
                        .help("give one of them another address")
                        .also(*span, "first here");
                    out.push(complaint);
                }
            }
        }
    }
}

/// Subnets that overlap and differ in length: one side believes the other on the wire, the other does not.
fn prefix_lengths(stations: &[(&DevKey, &Device)], out: &mut Vec<Complaint>) {
    let mut nets: BTreeMap<Cidr, (&Device, Ipv4Addr, Span)> = BTreeMap::new();
    for (_, device) in stations {
        for (address, (addr, net)) in device.addresses.iter().zip(addresses(device)) {
            if net.len < 32 {
                nets.entry(net).or_insert((device, addr, address.span));
            }
        }
    }
    let mut said: Vec<Cidr> = Vec::new();
    for (net, (device, addr, span)) in &nets {
        let wider = nets.iter().find(|(wide, _)| wide.len < net.len && wide.contains(net.addr));
        if let Some((wide, (other, other_addr, other_span))) = wider
            && !said.contains(net)
        {
            said.push(*net);
            let message = format!(
                "prefix lengths differ on one wire: {} has {addr}/{}, {} has {other_addr}/{}",
                device.said, net.len, other.said, wide.len
            );
            let complaint = Complaint::warning("prefix-mismatch", *span, message)
                .help("give all addresses of the subnet one length")
                .also(*other_span, "the other length");
            out.push(complaint);
        }
    }
}

fn mtu(device: &Device) -> u32 {
    device.mtu.map_or(DEFAULT_MTU, |m| m.value)
}

fn mtu_place(t: &Topology, device: &Device) -> Span {
    let of_link = match device.kind {
        DeviceKind::Veth { link, .. } => t.links.get(link).map(|l| l.span),
        _ => None,
    };
    let said = device.mtu.map(|m| m.span).filter(|s| s.range().is_some());
    said.or(of_link).unwrap_or(device.span)
}

fn wire_mtus(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) {
    for (_, _, device) in layout.devices() {
        let DeviceKind::Veth { peer, end: 0, .. } = &device.kind else { continue };
        let Some(other) = layout.get(peer).filter(|other| mtu(other) != mtu(device)) else { continue };
        let message = format!(
            "the MTUs of one wire differ: {} has {}, {} has {}",
            device.said,
            mtu(device),
            other.said,
            mtu(other)
        );
        let small = if mtu(device) < mtu(other) { device } else { other };
        let complaint = Complaint::warning("mtu-mismatch", mtu_place(t, small), message)
            .help("frames that only one end takes are lost: say `mtu` once, for the link");
        out.push(complaint);
    }
}

/// Stations of one domain that are not on the same wire, or are behind a bridge, should agree as well.
fn segment_mtus(stations: &[(&DevKey, &Device)], out: &mut Vec<Complaint>) {
    let veths = || stations.iter().filter(|(_, d)| matches!(d.kind, DeviceKind::Veth { .. }));
    let direct = |a: &Device, key: &DevKey| matches!(&a.kind, DeviceKind::Veth { peer, .. } if peer == key);
    let (Some(least), Some(most)) = (veths().min_by_key(|(_, d)| mtu(d)), veths().max_by_key(|(_, d)| mtu(d))) else {
        return;
    };
    if mtu(least.1) == mtu(most.1) || direct(least.1, most.0) {
        return;
    }
    let message = format!(
        "the MTUs of one broadcast domain differ: {} has {}, {} has {}",
        least.1.said,
        mtu(least.1),
        most.1.said,
        mtu(most.1)
    );
    let place = least.1.mtu.map(|m| m.span).filter(|s| s.range().is_some()).unwrap_or(least.1.span);
    let complaint = Complaint::warning("mtu-mismatch", place, message)
        .help("bridges do not fragment: give all stations of the domain one MTU, or put a router between");
    out.push(complaint);
}

fn unconnected(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) {
    if t.netns.len() + t.bridges.len() < 2 {
        return;
    }
    for (name, netns) in &t.netns {
        let alone = layout.netns.get(name).is_none_or(|devices| devices.len() < 2);
        if alone {
            let message = format!("nothing is wired to the namespace {name}");
            let help = format!("add a link, as in ends = [\"{name}:eth0\", \"…\"], or remove it");
            out.push(Complaint::warning("unconnected-netns", netns.span, message).help(help));
        }
    }
    for (name, bridge) in &t.bridges {
        let netns = bridge.netns(*name);
        if layout.get(&(netns.clone(), *name)).is_none() {
            continue;
        }
        let ports = layout.netns.get(&netns).into_iter().flat_map(|d| d.values()).any(|d| d.master == Some(*name));
        if !ports {
            let message = format!("no link ends in a port of the bridge {name}");
            let help = format!("add a link, as in ends = [\"h1:eth0\", \"{name}:p1\"], or remove it");
            out.push(Complaint::warning("unconnected-netns", bridge.span, message).help(help));
        }
    }
}
