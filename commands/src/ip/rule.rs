//! `ip rule`: from words to ops, and which rules are shown.
//!
//! Counterpart: `ip/iprule.c`. Deliberately absent, and refused by name: `save`, `restore`, realms, `nat`, `tun_id`,
//! actions other than those that the model has, IPv6 rules beside the two that are always there.

use super::rule_print;
use super::{DONE, Ip, Ran, help, unknown, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, integer, invarg, matches, unsigned};
use crate::iproute::inet::{self, Family, Prefix};
use crate::iproute::names;
use nettwin_model::route::TABLE_MAIN;
use nettwin_model::rule::Range;
use nettwin_model::{Cidr, IfName, Op, Rule, RuleAction};

/// Runs `ip rule …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return list(ip, words, What::Show) };
    match command {
        w if matches(w, "list") || matches(w, "lst") || matches(w, "show") => list(ip, words, What::Show),
        w if matches(w, "save") || matches(w, "restore") => Err(unsupported(&format!("rule {w}"))),
        w if matches(w, "add") => modify(ip, words, true),
        w if matches(w, "delete") => modify(ip, words, false),
        w if matches(w, "flush") => list(ip, words, What::Flush),
        w if matches(w, "help") => Err(usage()),
        w => Err(unknown(w, "rule")),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::RULE)
}

fn modify(ip: &mut Ip<'_, '_>, mut words: Words<'_>, adds: bool) -> Ran {
    if words.peek().is_none() {
        let verb = if adds { "add" } else { "del" };
        return Err(Stop::back(1, format!("\"ip rule {verb}\" requires arguments.\n")));
    }
    let mut said = Said { family: ip.family, ..Said::default() };
    while let Some(word) = words.next() {
        one(word, &mut words, &mut said)?;
    }
    if said.family == Family::Inet6 {
        return Err(unsupported("-6 rule"));
    }
    let mut rule = said.rule;
    if adds && !said.has_table {
        rule.table = TABLE_MAIN;
    }
    let (netns, rule) = (ip.kernel.netns.clone(), Box::new(rule));
    ip.kernel.talk(if adds { Op::AddRule { netns, rule } } else { Op::DelRule { netns, rule } })?;
    DONE
}

/// What the words say.
#[derive(Default)]
struct Said {
    family: Family,
    rule: Rule,
    has_table: bool,
}

/// One word and what belongs to it, in the order in which abbreviations are resolved.
fn one(word: &str, words: &mut Words<'_>, said: &mut Said) -> Result<(), Stop> {
    let rule = &mut said.rule;
    match word {
        "not" => rule.not = true,
        "from" => rule.from = prefix(words, &mut said.family)?,
        "to" => rule.to = prefix(words, &mut said.family)?,
        w if is_priority(w) => rule.priority = Some(priority(words.value()?)?),
        w if w == "tos" || matches(w, "dsfield") => rule.tos = tos(words.value()?)?,
        "fwmark" => (rule.fwmark, rule.fwmask) = fwmark(words.value()?)?,
        w if matches(w, "realms") => return Err(unsupported("realms")),
        w if matches(w, "protocol") => {
            let value = words.value()?;
            rule.proto = names::proto(value).ok_or_else(|| invarg("\"protocol\" value is invalid\n", value))?;
        }
        "tun_id" => return Err(unsupported(word)),
        w if matches(w, "table") || w == "lookup" => {
            let value = words.value()?;
            rule.table = names::table(value).ok_or_else(|| invarg("invalid table ID\n", value))?;
            said.has_table = true;
        }
        w if matches(w, "suppress_prefixlength") || w == "sup_pl" => {
            let value = words.value()?;
            let len = integer(value).filter(|len| *len >= 0);
            let len = len.ok_or_else(|| invarg("suppress_prefixlength value is invalid\n", value))?;
            rule.suppress_prefixlength = Some(len.unsigned_abs());
        }
        w if matches(w, "suppress_ifgroup") || w == "sup_group" => {
            let value = words.value()?;
            let group = names::group(value);
            rule.suppress_ifgroup = Some(group.ok_or_else(|| invarg("Invalid \"suppress_ifgroup\" value\n", value))?);
        }
        "dev" | "iif" => rule.iif = Some(device(words.value()?, "\"iif\"/\"dev\" not a valid ifname")?),
        "oif" => rule.oif = Some(device(words.value()?, "\"oif\" not a valid ifname")?),
        "l3mdev" => {
            rule.l3mdev = true;
            said.has_table = true;
        }
        "uidrange" => rule.uidrange = Some(users(words.value()?)?),
        w if w == "nat" || matches(w, "map-to") => return Err(unsupported(w)),
        "ipproto" => rule.ipproto = ipproto(words.value()?)?,
        "sport" => rule.sport = Some(ports(words.value()?, "invalid port range\n")?),
        "dport" => rule.dport = Some(ports(words.value()?, "invalid dport range\n")?),
        word => {
            let value = if word == "type" { words.value()? } else { word };
            action(value, words, rule)?;
            said.has_table = true;
        }
    }
    Ok(())
}

fn action(word: &str, words: &mut Words<'_>, rule: &mut Rule) -> Result<(), Stop> {
    rule.action = match word {
        w if matches(w, "help") => return Err(usage()),
        w if matches(w, "goto") => {
            let target = words.value()?;
            RuleAction::Goto(unsigned(target).ok_or_else(|| invarg("invalid target\n", target))?)
        }
        w if matches(w, "nop") => RuleAction::Nop,
        w => match names::route_type(w) {
            Some(1) => RuleAction::Lookup,
            Some(6) => RuleAction::Blackhole,
            Some(7) => RuleAction::Unreachable,
            Some(8) => RuleAction::Prohibit,
            Some(number) => return Err(unsupported(&format!("rule of type {number}"))),
            None => return Err(invarg("Failed to parse rule type", w)),
        },
    };
    Ok(())
}

fn is_priority(word: &str) -> bool {
    ["preference", "order", "priority"].iter().any(|full| matches(word, full))
}

fn priority(word: &str) -> Result<u32, Stop> {
    unsigned(word).ok_or_else(|| invarg("preference value is invalid\n", word))
}

fn prefix(words: &mut Words<'_>, family: &mut Family) -> Result<Option<Cidr>, Stop> {
    let prefix = inet::prefix(words.value()?, *family)?;
    *family = family.or(prefix.family);
    Ok(prefix.addr.map(|_| prefix.cidr()))
}

fn tos(word: &str) -> Result<u8, Stop> {
    names::dsfield(word).ok_or_else(|| invarg("TOS value is invalid\n", word))
}

/// `MARK[/MASK]`.
fn fwmark(word: &str) -> Result<(u32, Option<u32>), Stop> {
    let (mark, mask) = word.split_once('/').map_or((word, None), |(mark, mask)| (mark, Some(mask)));
    let mark = unsigned(mark).ok_or_else(|| invarg("fwmark value is invalid\n", mark))?;
    let read = |mask| unsigned(mask).ok_or_else(|| invarg("fwmask value is invalid\n", mask));
    Ok((mark, mask.map(read).transpose()?))
}

fn device(word: &str, complaint: &str) -> Result<IfName, Stop> {
    IfName::new(word).map_err(|_| invarg(complaint, word))
}

/// `N-M`: as `sscanf` reads it, what follows does not count.
fn users(word: &str) -> Result<Range<u32>, Stop> {
    let read = || {
        let (first, rest) = crate::number::strtol_rest(word, 10)?;
        let (last, _) = crate::number::strtol_rest(rest.strip_prefix('-')?, 10)?;
        Some(Range { first: first.try_into().ok()?, last: last.try_into().ok()? })
    };
    read().ok_or_else(|| invarg("invalid UID range\n", word))
}

/// `N` or `N-M`.
fn ports(word: &str, complaint: &str) -> Result<Range<u16>, Stop> {
    let read = || {
        let (first, rest) = crate::number::strtol_rest(word, 10)?;
        let second = rest.strip_prefix('-').and_then(|more| crate::number::strtol_rest(more, 10));
        let last = second.map_or(first, |(last, _)| last);
        Some(Range { first: first.try_into().ok()?, last: last.try_into().ok()? })
    };
    read().ok_or_else(|| invarg(complaint, word))
}

fn ipproto(word: &str) -> Result<u8, Stop> {
    names::ipproto(word).ok_or_else(|| invarg("Invalid \"ipproto\" value\n", word))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Show,
    Flush,
}

/// Which rules are shown or flushed.
#[derive(Default)]
struct Filter {
    rule: Rule,
    /// 0: all.
    table: u32,
    from: Option<Prefix>,
    to: Option<Prefix>,
    tos: Option<u8>,
    /// Rules of a kind that there is none of.
    nothing: bool,
    /// Only what is flushed is asked for its maker.
    proto: Option<u8>,
}

fn list(ip: &mut Ip<'_, '_>, words: Words<'_>, what: What) -> Ran {
    let filter = parse_filter(words, ip.family.or(Family::Inet))?;
    if ip.family == Family::Inet6 {
        return show_ipv6(ip, what);
    }
    let state = ip.kernel.state()?;
    let chosen: Vec<&Rule> = state.config.rules.0.iter().filter(|rule| filter.takes(rule)).collect();
    if what == What::Flush {
        let netns = ip.kernel.netns.clone();
        // The kernel does not tell a priority of zero, and iproute2 flushes only what has one.
        for rule in chosen.into_iter().filter(|r| r.priority != Some(0) && filter.proto.is_none_or(|p| p == r.proto)) {
            ip.kernel.talk(Op::DelRule { netns: netns.clone(), rule: Box::new(rule.clone()) })?;
        }
        return DONE;
    }
    let mut page = ip.page();
    page.open();
    for rule in chosen {
        page.open_object("");
        rule_print::print(&mut page, &state, rule, ip.options.details);
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

/// The rules that IPv6 has from birth; it has none for the table `default`.
fn show_ipv6(ip: &mut Ip<'_, '_>, what: What) -> Ran {
    if what == What::Flush {
        return Err(unsupported("-6 rule flush"));
    }
    let state = ip.kernel.state()?;
    let mut page = ip.page();
    page.open();
    for rule in nettwin_model::Rules::default().0.iter().take(2) {
        page.open_object("");
        rule_print::print(&mut page, &state, rule, ip.options.details);
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

fn parse_filter(mut words: Words<'_>, family: Family) -> Result<Filter, Stop> {
    let mut filter = Filter::default();
    let rule = &mut filter.rule;
    while let Some(word) = words.next() {
        match word {
            w if is_priority(w) => rule.priority = Some(priority(words.value()?)?),
            "not" => rule.not = true,
            "from" => filter.from = Some(inet::prefix(words.value()?, family)?),
            "to" => filter.to = Some(inet::prefix(words.value()?, family)?),
            w if w == "tos" || matches(w, "dsfield") => filter.tos = Some(tos(words.value()?)?),
            "fwmark" => (rule.fwmark, rule.fwmask) = fwmark(words.value()?)?,
            "dev" | "iif" => rule.iif = Some(device(words.value()?, "\"iif\"/\"dev\" not a valid ifname")?),
            "oif" => rule.oif = Some(device(words.value()?, "\"oif\" not a valid ifname")?),
            "l3mdev" => rule.l3mdev = true,
            "uidrange" => rule.uidrange = Some(users(words.value()?)?),
            "tun_id" => return Err(unsupported(word)),
            w if matches(w, "lookup") || matches(w, "table") => {
                let value = words.value()?;
                filter.table = names::table(value).ok_or_else(|| invarg("table id value is invalid\n", value))?;
            }
            w if matches(w, "protocol") => {
                let value = words.value()?;
                filter.proto = match names::proto(value) {
                    None if value == "all" => None,
                    None => return Err(invarg("invalid \"protocol\"\n", value)),
                    proto => proto,
                };
            }
            "ipproto" => rule.ipproto = ipproto(words.value()?)?,
            "sport" => rule.sport = Some(ports(words.value()?, "invalid port range\n")?),
            "dport" => rule.dport = Some(ports(words.value()?, "invalid dport range\n")?),
            word => {
                let value = if matches(word, "dst") || matches(word, "to") { words.value()? } else { word };
                filter.to = Some(inet::prefix(value, family)?);
            }
        }
    }
    Ok(filter)
}

impl Filter {
    /// `filter_nlmsg()`.
    fn takes(&self, rule: &Rule) -> bool {
        fn open<T: PartialEq>(asked: &Option<T>, there: &Option<T>) -> bool {
            asked.is_none() || asked == there
        }
        let asked = &self.rule;
        !self.nothing
            && open(&asked.priority, &rule.priority)
            && (!asked.not || rule.not)
            && is_within(self.from, rule.from)
            && is_within(self.to, rule.to)
            && self.tos.is_none_or(|tos| tos == rule.tos)
            && (asked.fwmark == 0 || asked.fwmark == rule.fwmark)
            && asked.fwmask.is_none_or(|mask| mask == 0 || mask == rule.mask())
            && open(&asked.iif, &rule.iif)
            && open(&asked.oif, &rule.oif)
            && (!asked.l3mdev || rule.l3mdev)
            && open(&asked.uidrange, &rule.uidrange)
            && (asked.ipproto == 0 || asked.ipproto == rule.ipproto)
            && open(&asked.sport, &rule.sport)
            && open(&asked.dport, &rule.dport)
            && (self.table == 0 || self.table == rule.table)
    }
}

fn is_within(asked: Option<Prefix>, there: Option<Cidr>) -> bool {
    let Some(asked) = asked.filter(|p| p.addr.is_some()) else { return true };
    match there {
        Some(cidr) => cidr.len >= asked.len && asked.admits(cidr.addr),
        None => asked.len == 0,
    }
}
