//! `ip nexthop`.
//!
//! Counterpart: `ip/ipnexthop.c`. Deliberately absent, and refused by name: encapsulation, `fdb`, resilient groups and
//! their buckets, gateways of IPv6.

use super::route_print::{self, Manner};
use super::{DONE, Ip, Ran, help, unknown, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, invarg, matches, u16, unsigned};
use crate::iproute::inet::{self, Family};
use crate::iproute::names;
use crate::iproute::page::{Page, Value};
use nettwin_model::words::nexthop::group_words;
use nettwin_model::words::route::{proto_word, scope_word};
use nettwin_model::{Errno, Fault, IfName, Nexthop, NexthopKind, NexthopMember, NexthopObject, Op, Query, Scope};
use std::net::IpAddr;

/// Runs `ip nexthop …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return list(ip, words, What::Show) };
    match command {
        w if matches(w, "add") => add(ip, words, false),
        w if matches(w, "replace") => add(ip, words, true),
        w if matches(w, "delete") => del(ip, words),
        w if matches(w, "list") || matches(w, "show") || matches(w, "lst") => list(ip, words, What::Show),
        w if matches(w, "get") => get(ip, words),
        w if matches(w, "flush") => list(ip, words, What::Flush),
        w if matches(w, "bucket") => Err(unsupported("nexthop bucket")),
        w if matches(w, "help") => Err(usage()),
        w => Err(unknown(w, "nexthop")),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::NEXTHOP)
}

/// What the words say.
#[derive(Default)]
struct Said {
    family: Family,
    id: u32,
    via: Option<IpAddr>,
    dev: Option<IfName>,
    onlink: bool,
    blackhole: bool,
    group: Option<Vec<NexthopMember>>,
    proto: u8,
}

fn parse(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Result<Said, Stop> {
    let mut said = Said { family: ip.family, ..Said::default() };
    while let Some(word) = words.next() {
        match word {
            "id" => said.id = id(words.value()?)?,
            "dev" => said.dev = Some(device(ip, words.value()?)?),
            "via" => {
                let mut value = words.value()?;
                let family = match Family::read(value) {
                    Family::Unspec => said.family,
                    asked => {
                        value = words.value()?;
                        asked
                    }
                };
                let addr = inet::address(value, family)?;
                if addr.is_ipv6() {
                    return Err(unsupported("via of IPv6"));
                }
                said.via = Some(addr);
            }
            "encap" | "fdb" | "buckets" | "idle_timer" | "unbalanced_timer" => return Err(unsupported(word)),
            "blackhole" => said.blackhole = true,
            "onlink" => said.onlink = true,
            "group" => said.group = Some(group(words.value()?)?),
            "type" => match words.value()? {
                "mpath" => {}
                "resilient" => return Err(unsupported("type resilient")),
                value => return Err(invarg("\"type\" value is invalid\n", value)),
            },
            w if matches(w, "protocol") => {
                let value = words.value()?;
                said.proto = names::proto(value).ok_or_else(|| invarg("\"protocol\" value is invalid\n", value))?;
            }
            "help" => return Err(usage()),
            w => return Err(invarg("", w)),
        }
    }
    Ok(said)
}

fn id(word: &str) -> Result<u32, Stop> {
    unsigned(word).ok_or_else(|| invarg("invalid id value", word))
}

fn device(ip: &mut Ip<'_, '_>, word: &str) -> Result<IfName, Stop> {
    ip.kernel.link(word)?.map(|(dev, _)| dev).ok_or_else(|| invarg("Device does not exist\n", word))
}

/// `ID[,WEIGHT]/…`.
fn group(word: &str) -> Result<Vec<NexthopMember>, Stop> {
    let member = |part: &str| {
        let (id, weight) = part.split_once(',').map_or((part, None), |(id, weight)| (id, Some(weight)));
        let id = unsigned(id).ok_or_else(|| invarg("\"group\" value is invalid\n", id))?;
        let weight = match weight {
            None => 1,
            Some(text) => {
                u16(text).filter(|w| (1..=256).contains(w)).ok_or_else(|| invarg("\"weight\" is invalid\n", text))?
            }
        };
        Ok(NexthopMember { id, weight })
    };
    word.split('/').map(member).collect()
}

/// What the kernel says of words that no object is made of.
fn kernel_says(text: &str) -> Stop {
    crate::iproute::kernel::refusal(&Fault::refused(Errno::EINVAL, text))
}

fn add(ip: &mut Ip<'_, '_>, words: Words<'_>, replace: bool) -> Ran {
    let said = parse(ip, words)?;
    let is_way = said.via.is_some() || said.dev.is_some();
    let kind = match said.group {
        Some(_) if is_way || said.blackhole => return Err(kernel_says("Invalid family for group")),
        Some(members) => NexthopKind::Group(members),
        None if said.blackhole && is_way => {
            return Err(kernel_says("Blackhole attribute can not be used with gateway, oif, encap or fdb"));
        }
        None if said.blackhole => NexthopKind::Blackhole,
        None if !is_way => return Err(kernel_says("Invalid address family")),
        None => NexthopKind::Way { via: said.via, dev: said.dev, onlink: said.onlink },
    };
    let nexthop = NexthopObject { id: said.id, kind, proto: said.proto, scope: None };
    let netns = ip.kernel.netns.clone();
    ip.kernel.talk(Op::AddNexthop { netns, nexthop, replace })?;
    DONE
}

fn del(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let says_id = words.rest().iter().any(|word| word == "id");
    let said = parse(ip, words)?;
    if !says_id {
        return Err(kernel_says("Nexthop id is missing"));
    }
    let netns = ip.kernel.netns.clone();
    ip.kernel.talk(Op::DelNexthop { netns, id: said.id })?;
    DONE
}

fn get(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let mut asked = 0;
    while let Some(word) = words.next() {
        match word {
            "id" => asked = id(words.value()?)?,
            _ => return Err(usage()),
        }
    }
    if asked == 0 {
        return Err(usage());
    }
    show_one(ip, asked)
}

fn show_one(ip: &mut Ip<'_, '_>, asked: u32) -> Ran {
    let state = ip.kernel.state()?;
    let found = state.config.nexthops.iter().find(|n| n.id == asked);
    let found = found.ok_or_else(|| crate::iproute::kernel::refusal(&Fault::errno(Errno::ENOENT)))?;
    let mut page = ip.page();
    page.open();
    page.open_object("");
    print(&mut page, found, ip.options.details);
    page.text("\n");
    page.close_object();
    page.close();
    ip.print(page);
    DONE
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Show,
    Flush,
}

fn list(ip: &mut Ip<'_, '_>, mut words: Words<'_>, what: What) -> Ran {
    let (mut dev, mut groups, mut proto, mut nothing) = (None, false, 0, false);
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(device(ip, words.value()?)?),
            w if matches(w, "groups") => groups = true,
            "master" => {
                // The ports of a bridge have no addresses: there is no nexthop by one.
                device(ip, words.value()?)?;
                nothing = true;
            }
            w if matches(w, "vrf") => return Err(invarg("Invalid VRF\n", words.value()?)),
            "id" => {
                let asked = id(words.value()?)?;
                return match what {
                    What::Show => show_one(ip, asked),
                    What::Flush => {
                        let netns = ip.kernel.netns.clone();
                        let done = ip.kernel.talk(Op::DelNexthop { netns, id: asked });
                        done.map_err(|stop| Stop { status: 1, ..stop })?;
                        DONE
                    }
                };
            }
            w if matches(w, "protocol") => {
                let value = words.value()?;
                proto = unsigned(value).ok_or_else(|| invarg("invalid protocol value", value))?;
            }
            "fdb" => return Err(unsupported("fdb")),
            w if matches(w, "help") => return Err(usage()),
            w => return Err(invarg("", w)),
        }
    }
    let state = ip.kernel.state()?;
    let family = ip.family;
    let takes = |n: &&NexthopObject| {
        let is_group = matches!(n.kind, NexthopKind::Group(_));
        !nothing
            && dev.is_none_or(|dev| n.dev() == Some(dev))
            && (!groups || is_group)
            && (proto == 0 || u32::from(n.proto) == proto)
            && (family == Family::Unspec || family == Family::Inet && !is_group)
    };
    let chosen: Vec<&NexthopObject> = state.config.nexthops.iter().filter(takes).collect();
    let mut page = ip.page();
    match what {
        What::Show => {
            page.open();
            for nexthop in chosen {
                page.open_object("");
                print(&mut page, nexthop, ip.options.details);
                page.text("\n");
                page.close_object();
            }
            page.close();
        }
        What::Flush => match flush(ip, chosen.into_iter().map(|n| n.id).collect())? {
            0 => page.text("Nothing to flush\n"),
            count => page.text(format_args!("Flushed {count} nexthops\n")),
        },
    }
    ip.print(page);
    DONE
}

/// Removes these; a group may go with its last member before its turn.
fn flush(ip: &mut Ip<'_, '_>, ids: Vec<u32>) -> Result<usize, Stop> {
    let count = ids.len();
    for id in ids {
        let still = ip.kernel.ask(&Query::Netns(ip.kernel.netns.clone()))?;
        let there = matches!(still, nettwin_model::Answer::Netns(s) if s.config.nexthops.iter().any(|n| n.id == id));
        if there {
            let netns = ip.kernel.netns.clone();
            ip.kernel.talk(Op::DelNexthop { netns, id })?;
        }
    }
    Ok(count)
}

/// An object, without the end of its line.
pub(super) fn print(page: &mut Page, nexthop: &NexthopObject, details: bool) {
    page.say("id", nexthop.id, format_args!("id {} ", nexthop.id));
    let mut onlink = false;
    match &nexthop.kind {
        NexthopKind::Group(members) => members_of(page, members),
        NexthopKind::Way { via, dev, onlink: said } => {
            onlink = *said;
            let hop = Nexthop { via: *via, dev: *dev, weight: 1, onlink };
            route_print::way(page, &hop, Manner::default());
        }
        NexthopKind::Blackhole => {}
    }
    let scope = nexthop.scope.unwrap_or(Scope::GLOBAL);
    if scope != Scope::GLOBAL || details {
        let scope = scope_word(scope);
        page.say("scope", &scope, format_args!("scope {scope} "));
    }
    if nexthop.kind == NexthopKind::Blackhole {
        page.say("blackhole", Value::Null, format_args!("blackhole "));
    }
    if nexthop.proto != 0 || details {
        let proto = proto_word(nexthop.proto);
        page.say("protocol", &proto, format_args!("proto {proto} "));
    }
    route_print::flags(page, if onlink { &["onlink"] } else { &[] });
}

fn members_of(page: &mut Page, members: &[NexthopMember]) {
    page.text(format_args!("group {} ", group_words(members)));
    page.open_array("group");
    for member in members {
        page.open_object("");
        page.field("id", member.id);
        if member.weight != 1 {
            page.field("weight", member.weight);
        }
        page.close_object();
    }
    page.close_array();
}
