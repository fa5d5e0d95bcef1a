//! A policy rule's line.
//!
//! Counterpart: `print_rule()` of `ip/iprule.c`.

use crate::iproute::names;
use crate::iproute::page::{Colour, Page, Value};
use nettwin_model::route::proto;
use nettwin_model::rule::Range;
use nettwin_model::words::route::{proto_word, table_word};
use nettwin_model::words::rule::action_word;
use nettwin_model::{Cidr, IfName, NetnsState, Rule, RuleAction};

/// One rule.
pub(super) fn print(page: &mut Page, state: &NetnsState, rule: &Rule, details: bool) {
    let priority = rule.priority.unwrap_or(0);
    page.say("priority", priority, format_args!("{priority}:\t"));
    if rule.not {
        page.say("not", Value::Null, format_args!("not "));
    }
    match rule.from {
        Some(from) => {
            page.text("from ");
            prefix(page, "src", "srclen", from);
        }
        None => page.say("src", "all", format_args!("from all")),
    }
    if let Some(to) = rule.to {
        page.text(" to ");
        prefix(page, "dst", "dstlen", to);
    }
    selectors(page, state, rule);
    verdict(page, state, rule);
    if !matches!(rule.proto, 0 | proto::KERNEL) || details {
        let proto = proto_word(rule.proto);
        page.say("protocol", &proto, format_args!(" proto {proto}"));
    }
    page.text("\n");
}

fn prefix(page: &mut Page, key: &str, len_key: &str, cidr: Cidr) {
    page.paint(Colour::of(cidr.addr), key, &cidr.addr.to_string(), format_args!("{}", cidr.addr));
    if cidr != Cidr::host(cidr.addr) {
        page.say(len_key, cidr.len, format_args!("/{}", cidr.len));
    }
}

fn selectors(page: &mut Page, state: &NetnsState, rule: &Rule) {
    if rule.tos != 0 {
        let tos = names::dsfield_word(rule.tos);
        page.say("tos", &tos, format_args!(" tos {tos}"));
    }
    if rule.fwmark != 0 || rule.fwmask.is_some() {
        let mark = hex(rule.fwmark);
        page.say("fwmark", &mark, format_args!(" fwmark {mark}"));
        if let Some(mask) = rule.fwmask {
            let mask = hex(mask);
            page.say("fwmask", &mask, format_args!("/{mask}"));
        }
    }
    if let Some(iif) = rule.iif {
        device(page, state, ("iif", "iif_detached"), iif);
    }
    if let Some(oif) = rule.oif {
        device(page, state, ("oif", "oif_detached"), oif);
    }
    if rule.l3mdev {
        page.say("l3mdev", Value::Null, format_args!(" lookup [l3mdev-table]"));
    }
    if let Some(Range { first, last }) = rule.uidrange {
        page.say("uid_start", first, format_args!(" uidrange {first}"));
        page.say("uid_end", last, format_args!("-{last}"));
    }
    if rule.ipproto != 0 {
        let proto = names::ipproto_word(rule.ipproto);
        page.say("ipproto", &proto, format_args!(" ipproto {proto}"));
    }
    if let Some(range) = rule.sport {
        ports(page, ("sport", "sport_start", "sport_end"), range);
    }
    if let Some(range) = rule.dport {
        ports(page, ("dport", "dport_start", "dport_end"), range);
    }
}

/// `%#x`, which has no prefix for zero.
fn hex(number: u32) -> String {
    if number == 0 { "0".to_owned() } else { format!("0x{number:x}") }
}

fn device(page: &mut Page, state: &NetnsState, (key, detached): (&str, &str), dev: IfName) {
    page.text(format_args!(" {key} "));
    page.paint(Colour::Ifname, key, dev.as_str(), format_args!("{dev}"));
    if !state.config.links.contains_key(&dev) {
        page.say(detached, Value::Null, format_args!(" [detached]"));
    }
}

fn ports(page: &mut Page, (one, start, end): (&str, &str, &str), Range { first, last }: Range<u16>) {
    if first == last {
        page.say(one, first, format_args!(" {one} {first}"));
    } else {
        page.say(start, first, format_args!(" {one} {first}"));
        page.say(end, last, format_args!("-{last}"));
    }
}

/// What the rule does.
fn verdict(page: &mut Page, state: &NetnsState, rule: &Rule) {
    if rule.table != 0 {
        let table = table_word(rule.table);
        page.say("table", &table, format_args!(" lookup {table}"));
        if let Some(len) = rule.suppress_prefixlength {
            page.say("suppress_prefixlen", len, format_args!(" suppress_prefixlength {len}"));
        }
        if let Some(group) = rule.suppress_ifgroup {
            let group = names::group_word(group);
            page.say("suppress_ifgroup", &group, format_args!(" suppress_ifgroup {group}"));
        }
    }
    match rule.action {
        RuleAction::Lookup => {}
        RuleAction::Goto(target) => {
            page.say("goto", target, format_args!(" goto {target}"));
            if !state.config.rules.0.iter().any(|r| r.priority == Some(target)) {
                page.say("unresolved", Value::Null, format_args!(" [unresolved]"));
            }
        }
        RuleAction::Nop => page.say("nop", Value::Null, format_args!(" nop")),
        other => {
            let word = action_word(other);
            page.say("action", word, format_args!(" {word}"));
        }
    }
}
