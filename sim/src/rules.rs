//! Policy rules: which tables a packet asks, in which order; and the lookup through them.
//!
//! Kernel counterpart: `net/core/fib_rules.c`, `net/ipv4/fib_rules.c`. While no rule was ever added or removed the kernel
//! passes over all this and asks the tables themselves ([`Fib::lookup`](crate::fib::Fib::lookup)), and so does this.
//! Deliberately absent: tunnel identifiers, realms.

use crate::dev::vrf;
use crate::fib::{Asked, Flow, Hit, Selectors, TOS_MASK};
use crate::l3::{not_v4, skips_linkdown};
use crate::multipath;
use crate::netns::{Ifindex, Netns};
use nettwin_model::addr::mask_v4;
use nettwin_model::route::proto;
use nettwin_model::rule::{PRIORITY_L3MDEV, Range};
use nettwin_model::wire::{Ipv4, PROTO_TCP, PROTO_UDP};
use nettwin_model::{Cidr, Errno, Fault, IfName, Rule, RuleAction};
use std::net::Ipv4Addr;

/// The route of a packet (`fib_lookup`). Ways by devices without carrier are passed over where they ask for it.
#[inline]
pub(crate) fn lookup<'a>(ns: &'a Netns, flow: &Flow) -> Result<Hit<'a>, Errno> {
    look_up(ns, flow, |dev| skips_linkdown(ns, dev))
}

/// The same whatever the carriers are (`FIB_LOOKUP_IGNORE_LINKSTATE`).
pub(crate) fn lookup_any<'a>(ns: &'a Netns, flow: &Flow) -> Result<Hit<'a>, Errno> {
    look_up(ns, flow, |_| false)
}

#[inline]
fn look_up<'a>(ns: &'a Netns, flow: &Flow, skips: impl Fn(Ifindex) -> bool) -> Result<Hit<'a>, Errno> {
    if !ns.l3.fib.is_split() { ns.l3.fib.lookup(flow, skips) } else { by_rules(ns, flow, skips) }
}

/// `fib_rules_lookup()`.
fn by_rules<'a>(ns: &'a Netns, flow: &Flow, skips: impl Fn(Ifindex) -> bool) -> Result<Hit<'a>, Errno> {
    let rules = &ns.l3.rules.0;
    let (mut flow, domain) = (*flow, domain_of(ns, flow).unwrap_or(0));
    // What is bound to a VRF may leave by any of its members (l3mdev_update_flow).
    if domain != 0 && vrf::of(ns, flow.oif) == Some(flow.oif) {
        flow.oif = Ifindex::NONE;
    }
    let mut at = 0;
    while let Some(rule) = rules.get(at) {
        at += 1;
        if (matches(ns, rule, &flow) && (!rule.l3mdev || domain != 0)) == rule.not {
            continue;
        }
        match rule.action {
            RuleAction::Nop => {}
            // Only forwards: this comes to an end.
            RuleAction::Goto(target) => at = target_of(rules, target).unwrap_or(at),
            RuleAction::Unreachable => return Err(Errno::ENETUNREACH),
            RuleAction::Prohibit => return Err(Errno::EACCES),
            RuleAction::Blackhole => return Err(Errno::EINVAL),
            RuleAction::Lookup => match ns.l3.fib.ask(if rule.l3mdev { domain } else { rule.table }, &flow, &skips) {
                Asked::Hit(hit) if is_suppressed(ns, rule, &hit) => {}
                Asked::Hit(hit) => return Ok(hit),
                Asked::Refused(errno) => return Err(errno),
                Asked::Nothing => {}
            },
        }
    }
    Err(Errno::ENETUNREACH)
}

/// The table of the VRF that a packet is bound to, or came from a member of.
pub(crate) fn domain_of(ns: &Netns, flow: &Flow) -> Option<u32> {
    let dev = if flow.oif == Ifindex::NONE { flow.iif } else { flow.oif };
    vrf::table(ns, dev)
}

/// The first VRF of a namespace makes the rule that leads to their tables (`vrf_add_fib_rules`).
pub(crate) fn lead_to_vrfs(ns: &mut Netns) {
    if !std::mem::replace(&mut ns.l3.leads_to_vrfs, true) {
        ns.l3.fib.split();
        let rule = Rule { priority: Some(PRIORITY_L3MDEV), l3mdev: true, proto: proto::KERNEL, ..Rule::default() };
        ns.l3.rules.insert(rule);
    }
}

fn target_of(rules: &[Rule], priority: u32) -> Option<usize> {
    rules.iter().position(|r| r.priority == Some(priority))
}

/// `fib4_rule_suppress()`.
fn is_suppressed(ns: &Netns, rule: &Rule, hit: &Hit<'_>) -> bool {
    let group = || ns.dev(hit.way().dev).map(|d| d.traits.group);
    rule.suppress_prefixlength.is_some_and(|len| u32::from(hit.len) <= len)
        || rule.suppress_ifgroup.is_some_and(|forbidden| group() == Some(forbidden))
}

/// Whether what the rule says is so, without regard to its `not` (`fib_rule_match`, `fib4_rule_match`).
fn matches(ns: &Netns, rule: &Rule, flow: &Flow) -> bool {
    let dev = |name: Option<IfName>, at: Ifindex| name.is_none_or(|name| ns.devs.by_name(name) == Some(at));
    let within = |cidr: Option<Cidr>, addr: Ipv4Addr| {
        cidr.and_then(Cidr::v4).is_none_or(|(net, len)| (net.to_bits() ^ addr.to_bits()) & mask_v4(len) == 0)
    };
    let ports = |range: Option<Range<u16>>, port| range.is_none_or(|range| range.has(port));
    let asks = &flow.asks;
    dev(rule.iif, flow.iif)
        && dev(rule.oif, flow.oif)
        && (rule.fwmark ^ asks.mark) & rule.mask() == 0
        && rule.uidrange.is_none_or(|range| range.has(asks.uid))
        && within(rule.from, flow.src)
        && within(rule.to, flow.dst)
        && (rule.tos == 0 || rule.tos == flow.tos & TOS_MASK)
        && (rule.ipproto == 0 || rule.ipproto == asks.proto)
        && ports(rule.sport, asks.sport)
        && ports(rule.dport, asks.dport)
}

/// What the rules may ask of a packet beside its addresses: its protocol and ports, if any rule, or the multipath hash, asks for them
/// (`fib4_rules_early_flow_dissect`).
#[inline]
pub(crate) fn selectors(ns: &Netns, packet: &[u8]) -> Selectors {
    if !ns.l3.fib.is_split() && !multipath::asks_ports(ns) {
        return Selectors::default();
    }
    let asks = |r: &Rule| r.ipproto != 0 || r.sport.is_some() || r.dport.is_some();
    if multipath::asks_ports(ns) || ns.l3.rules.0.iter().any(asks) { of_packet(packet) } else { Selectors::default() }
}

/// A packet's protocol and ports. No fragment has ports, not even the first.
pub(crate) fn of_packet(packet: &[u8]) -> Selectors {
    let Some(ip) = Ipv4::unsummed(packet) else { return Selectors::default() };
    let mut out = Selectors { proto: ip.proto(), ..Selectors::default() };
    let has_ports = matches!(ip.proto(), PROTO_TCP | PROTO_UDP) && !ip.is_fragment();
    if let (true, Some(&[a, b, c, d])) = (has_ports, packet.get(ip.header_len()..ip.header_len() + 4)) {
        (out.sport, out.dport) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    }
    out
}

/// `ip rule add` (`fib_newrule`).
pub(crate) fn add(ns: &mut Netns, rule: &Rule) -> Result<(), Fault> {
    let mut rule = rule.clone().normal();
    check(&rule)?;
    let priority = rule.priority.unwrap_or_else(|| ns.l3.rules.default_priority());
    rule.priority = Some(priority);
    check_target(&rule, priority)?;
    if ns.l3.rules.0.iter().any(|there| there.is_taken_for(&rule)) {
        return Err(Fault::errno(Errno::EEXIST));
    }
    if rule.tos & 3 != 0 {
        return Err(Fault::refused(Errno::EINVAL, "Invalid dsfield (tos): ECN bits must be 0"));
    }
    if rule.tos & !0x1e != 0 {
        return Err(Fault::refused(Errno::EINVAL, "Invalid tos"));
    }
    ns.l3.fib.split();
    if rule.action == RuleAction::Lookup && rule.table == 0 && !rule.l3mdev {
        rule.table = ns.l3.fib.empty_table();
    }
    ns.l3.rules.insert(rule);
    Ok(())
}

fn check(rule: &Rule) -> Result<(), Fault> {
    for cidr in rule.from.iter().chain(&rule.to) {
        cidr.v4().ok_or_else(not_v4)?;
    }
    let is_range = |range: Option<Range<u16>>| range.is_none_or(|r| r.first > 0 && r.first <= r.last);
    let einval = |text| Err(Fault::refused(Errno::EINVAL, text));
    if rule.uidrange.is_some_and(|r| r.first > r.last) {
        return einval("Invalid uid range");
    }
    if !is_range(rule.sport) {
        return einval("Invalid sport range");
    }
    if !is_range(rule.dport) {
        return einval("Invalid dport range");
    }
    Ok(())
}

fn check_target(rule: &Rule, priority: u32) -> Result<(), Fault> {
    match rule.action {
        RuleAction::Goto(target) if target <= priority => {
            Err(Fault::refused(Errno::EINVAL, "Backward goto not supported"))
        }
        _ => Ok(()),
    }
}

/// `ip rule del` (`fib_delrule`).
pub(crate) fn del(ns: &mut Netns, rule: &Rule) -> Result<(), Fault> {
    let asked = rule.clone().normal();
    check(&asked)?;
    check_target(&asked, asked.priority.unwrap_or_else(|| ns.l3.rules.default_priority()))?;
    let rules = &mut ns.l3.rules.0;
    let at = rules.iter().position(|there| there.is_meant_by(&asked)).ok_or(Fault::errno(Errno::ENOENT))?;
    rules.remove(at);
    ns.l3.fib.split();
    Ok(())
}
