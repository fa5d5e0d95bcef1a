//! Checks of translations and filters: devices that are not there, a destination that is nowhere, lines that never match.
//!
//! Kernel counterpart: none; the kernel takes all of it, and nothing happens.

use crate::complaint::{Complaint, Placed, Span};
use crate::firewall::{FilterIntent, NatIntent, Packets};
use crate::layout::Layout;
use crate::name::{IfName, NetnsName};
use crate::rules::{Hook, NatKind};
use crate::topology::{Netns, Topology};
use std::net::IpAddr;

pub(super) fn check(t: &Topology, layout: &Layout, out: &mut Vec<Complaint>) {
    for (name, netns) in &t.netns {
        for intent in &netns.nat {
            devices(name, &intent.value.packets, intent.span, layout, out);
            destination(intent, layout, out);
            forwards(netns, intent, out);
        }
        for intent in &netns.firewall {
            if let FilterIntent::Rule(_, _, packets) = &intent.value {
                devices(name, packets, intent.span, layout, out);
            }
        }
        unreachable(netns, out);
    }
}

/// A device that is named must be there.
fn devices(netns: &NetnsName, packets: &Packets, span: Span, layout: &Layout, out: &mut Vec<Complaint>) {
    let has = |dev: IfName| layout.netns.get(netns).is_some_and(|devices| devices.contains_key(&dev));
    for dev in [packets.iif, packets.oif].into_iter().flatten().filter(|dev| !has(*dev)) {
        let message = format!("{netns} has no interface {dev}, so this never matches");
        out.push(Complaint::error("never-matches", span, message).help("name one of its interfaces"));
    }
}

/// Somebody must have the address that a destination becomes.
fn destination(intent: &Placed<NatIntent>, layout: &Layout, out: &mut Vec<Complaint>) {
    let (NatKind::Dnat, Some((lo, hi))) = (intent.value.kind, intent.value.addrs) else { return };
    let mut owned = layout.devices().flat_map(|(_, _, device)| &device.addresses).map(|a| a.cidr.addr);
    let is_there = owned.any(|addr| matches!(addr, IpAddr::V4(v4) if lo <= v4 && v4 <= hi));
    if !is_there {
        let message = format!("nobody has the address {lo}");
        out.push(Complaint::error("dnat-to-nowhere", intent.span, message).help("name an address of an interface"));
    }
}

/// A source is translated of what goes through, which nothing does without forwarding.
fn forwards(netns: &Netns, intent: &Placed<NatIntent>, out: &mut Vec<Complaint>) {
    let elsewhere = matches!(intent.value.kind, NatKind::Masquerade) && intent.value.packets.from.is_some();
    let on = netns.forwarding || netns.sysctls.keys().any(|key| key.path().contains("forward"));
    if elsewhere && !on {
        let message = "what others send never leaves here: this namespace does not forward";
        out.push(Complaint::warning("never-matches", intent.span, message).help("set forwarding = true"));
    }
}

/// A line behind one that takes all of its packets, and a second policy.
fn unreachable(netns: &Netns, out: &mut Vec<Complaint>) {
    let mut policies: Vec<(Hook, Span)> = Vec::new();
    for (i, intent) in netns.firewall.iter().enumerate() {
        match &intent.value {
            FilterIntent::Policy(hook, _) => {
                if let Some((_, first)) = policies.iter().find(|(h, _)| h == hook) {
                    let message = format!("a second policy for {}", hook.word());
                    let complaint = Complaint::error("contradiction", intent.span, message).also(*first, "the first");
                    out.push(complaint.help("leave one out"));
                }
                policies.push((*hook, intent.span));
            }
            FilterIntent::Rule(hook, _, packets) => {
                let earlier = netns.firewall[..i].iter().find(|e| match &e.value {
                    FilterIntent::Rule(h, _, before) => h == hook && before.covers(packets),
                    FilterIntent::Policy(..) => false,
                });
                if let Some(earlier) = earlier {
                    let message = "this never matches: an earlier line takes all of its packets";
                    let complaint = Complaint::warning("never-matches", intent.span, message);
                    out.push(complaint.also(earlier.span, "this one").help("put it before that one, or leave it out"));
                }
            }
        }
    }
    for (i, intent) in netns.nat.iter().enumerate() {
        let same = |e: &&Placed<NatIntent>| {
            e.value.hook() == intent.value.hook() && e.value.packets.covers(&intent.value.packets)
        };
        if let Some(earlier) = netns.nat[..i].iter().find(same) {
            let message = "this never matches: an earlier line translates all of its packets";
            let complaint = Complaint::warning("never-matches", intent.span, message);
            out.push(complaint.also(earlier.span, "this one").help("put it before that one, or leave it out"));
        }
    }
}
