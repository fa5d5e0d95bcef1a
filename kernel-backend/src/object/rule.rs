//! Policy rules: `RTM_NEWRULE`, `RTM_DELRULE`, `RTM_GETRULE`.
//!
//! Kernel counterpart: `fib_nl_newrule()`, `fib_nl_fill_rule()` of `net/core/fib_rules.c`; iproute2's `iprule_modify()` for
//! what is left unsaid. Deliberately absent: IPv6 rules in observations, tunnel identifiers, realms.

use crate::netlink::Request;
use crate::object::family;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::rule::{
    RuleAction as Action, RuleAttribute, RuleFlags, RuleMessage, RulePortRange, RuleUidRange,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nettwin_model::rule::Range;
use nettwin_model::{Cidr, IfName, Rule, RuleAction};
use std::net::{IpAddr, Ipv4Addr};

/// Adds a rule.
pub(crate) fn add(rule: &Rule) -> Request {
    let mut message = message(rule);
    message.header.action = action(rule.action);
    Request::new(RouteNetlinkMessage::NewRule(message), NLM_F_CREATE | NLM_F_EXCL)
}

/// Removes the first rule that matches. A lookup is what iproute2 leaves open.
pub(crate) fn del(rule: &Rule) -> Request {
    let mut message = message(rule);
    if rule.action != RuleAction::Lookup {
        message.header.action = action(rule.action);
    }
    Request::new(RouteNetlinkMessage::DelRule(message), 0)
}

/// Asks for all IPv4 rules.
pub(crate) fn all() -> RouteNetlinkMessage {
    let mut message = RuleMessage::default();
    message.header.family = AddressFamily::Inet;
    RouteNetlinkMessage::GetRule(message)
}

fn message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = rule.from.or(rule.to).map_or(AddressFamily::Inet, |cidr| family(cidr.addr));
    header.tos = rule.tos;
    header.table = u8::try_from(rule.table).unwrap_or(0);
    header.src_len = rule.from.map_or(0, |cidr| cidr.len);
    header.dst_len = rule.to.map_or(0, |cidr| cidr.len);
    if rule.not {
        header.flags |= RuleFlags::Invert;
    }
    let mut out = Vec::new();
    let given = |cidr: Option<Cidr>| cidr.filter(|cidr| cidr.len != 0).map(|cidr| cidr.addr);
    out.extend(given(rule.from).map(RuleAttribute::Source));
    out.extend(given(rule.to).map(RuleAttribute::Destination));
    out.extend(rule.priority.map(RuleAttribute::Priority));
    if rule.fwmark != 0 || rule.fwmask.is_some() {
        out.push(RuleAttribute::FwMark(rule.fwmark));
    }
    out.extend(rule.fwmask.map(RuleAttribute::FwMask));
    out.extend(rule.iif.map(|dev| RuleAttribute::Iifname(dev.to_string())));
    out.extend(rule.oif.map(|dev| RuleAttribute::Oifname(dev.to_string())));
    out.extend(rule.uidrange.map(|r| RuleAttribute::UidRange(RuleUidRange { start: r.first, end: r.last })));
    if rule.ipproto != 0 {
        out.push(RuleAttribute::IpProtocol(i32::from(rule.ipproto).into()));
    }
    let ports = |r: Range<u16>| RulePortRange { start: r.first, end: r.last };
    out.extend(rule.sport.map(|r| RuleAttribute::SourcePortRange(ports(r))));
    out.extend(rule.dport.map(|r| RuleAttribute::DestinationPortRange(ports(r))));
    if rule.l3mdev {
        out.push(RuleAttribute::L3MDev(true));
    }
    if rule.table > u32::from(u8::MAX) {
        out.push(RuleAttribute::Table(rule.table));
    }
    if let RuleAction::Goto(target) = rule.action {
        out.push(RuleAttribute::Goto(target));
    }
    out.extend(rule.suppress_prefixlength.map(RuleAttribute::SuppressPrefixLen));
    out.extend(rule.suppress_ifgroup.map(RuleAttribute::SuppressIfGroup));
    if rule.proto != 0 {
        out.push(RuleAttribute::Protocol(rule.proto.into()));
    }
    message.attributes = out;
    message
}

fn action(action: RuleAction) -> Action {
    match action {
        RuleAction::Lookup => Action::ToTable,
        RuleAction::Goto(_) => Action::Goto,
        RuleAction::Nop => Action::Nop,
        RuleAction::Blackhole => Action::Blackhole,
        RuleAction::Unreachable => Action::Unreachable,
        RuleAction::Prohibit => Action::Prohibit,
    }
}

/// A row of a dump; `None` for what is no IPv4 rule of a known kind.
pub(crate) fn parse(message: &RouteNetlinkMessage) -> Option<Rule> {
    let RouteNetlinkMessage::NewRule(message) = message else { return None };
    let header = &message.header;
    if header.family != AddressFamily::Inet {
        return None;
    }
    const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let cidr = |len: u8| (len != 0).then_some(Cidr { addr: ANY, len });
    let mut rule = Rule {
        priority: Some(0),
        not: header.flags.contains(RuleFlags::Invert),
        from: cidr(header.src_len),
        to: cidr(header.dst_len),
        tos: header.tos,
        table: header.table.into(),
        action: match header.action {
            Action::ToTable => RuleAction::Lookup,
            Action::Goto => RuleAction::Goto(0),
            Action::Nop => RuleAction::Nop,
            Action::Blackhole => RuleAction::Blackhole,
            Action::Unreachable => RuleAction::Unreachable,
            Action::Prohibit => RuleAction::Prohibit,
            _ => return None,
        },
        ..Rule::default()
    };
    for attribute in &message.attributes {
        parse_attribute(&mut rule, attribute);
    }
    Some(rule.normal())
}

fn parse_attribute(rule: &mut Rule, attribute: &RuleAttribute) {
    // -1 stands for "not said".
    let said = |number: &u32| Some(*number).filter(|n| *n != u32::MAX);
    let ports = |r: &RulePortRange| Some(Range { first: r.start, last: r.end });
    match attribute {
        RuleAttribute::Source(addr) => rule.from = rule.from.map(|cidr| Cidr { addr: *addr, ..cidr }),
        RuleAttribute::Destination(addr) => rule.to = rule.to.map(|cidr| Cidr { addr: *addr, ..cidr }),
        RuleAttribute::Priority(priority) => rule.priority = Some(*priority),
        RuleAttribute::FwMark(mark) => rule.fwmark = *mark,
        RuleAttribute::FwMask(mask) => rule.fwmask = Some(*mask),
        RuleAttribute::Iifname(name) => rule.iif = IfName::new(name).ok(),
        RuleAttribute::Oifname(name) => rule.oif = IfName::new(name).ok(),
        RuleAttribute::UidRange(r) => rule.uidrange = Some(Range { first: r.start, last: r.end }),
        RuleAttribute::IpProtocol(proto) => rule.ipproto = u8::try_from(i32::from(*proto)).unwrap_or(0),
        RuleAttribute::SourcePortRange(r) => rule.sport = ports(r),
        RuleAttribute::DestinationPortRange(r) => rule.dport = ports(r),
        RuleAttribute::L3MDev(on) => rule.l3mdev = *on,
        RuleAttribute::Table(table) => rule.table = *table,
        RuleAttribute::Goto(target) if matches!(rule.action, RuleAction::Goto(_)) => {
            rule.action = RuleAction::Goto(*target);
        }
        RuleAttribute::SuppressPrefixLen(len) => rule.suppress_prefixlength = said(len),
        RuleAttribute::SuppressIfGroup(group) => rule.suppress_ifgroup = said(group),
        RuleAttribute::Protocol(proto) => rule.proto = (*proto).into(),
        _ => {}
    }
}
