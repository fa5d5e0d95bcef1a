//! Policy rules in iproute2's words: what follows `ip rule add`, and what `ip rule show` prints.
//!
//! Counterpart: `ip/iprule.c`. Deliberately absent: realms, `nat`, `tun_id`, names of protocols other than
//! those of [`proto_word`].

use super::cursor::{Word, Words, WordsError, once, once_flag};
use super::route::{parse_proto, parse_table, parse_tos, print_prefix, table_word};
use crate::addr::Cidr;
use crate::rule::{Range, Rule, RuleAction};
use std::fmt::Write;
use std::str::FromStr;

const REMEDY: &str = "use from, to, iif, oif, fwmark, tos, uidrange, ipproto, sport, dport, not, priority, lookup, goto, \
                      blackhole, unreachable or prohibit, as in `from 10.0.0.0/8 lookup 100`";
const EXAMPLE: &str = "from 10.0.0.0/8 lookup 100";

/// Reads a rule. Without a table or an action it asks table main.
pub fn parse(text: &str) -> Result<Rule, WordsError> {
    let mut rule = parse_partial(text)?;
    if rule.action == RuleAction::Lookup && rule.table == 0 && !rule.l3mdev {
        rule.table = crate::route::TABLE_MAIN;
    }
    Ok(rule)
}

/// Reads what `ip rule del` takes: what is not said is left open.
pub fn parse_partial(text: &str) -> Result<Rule, WordsError> {
    let mut words = Words::new(text);
    let mut next = Some(words.first("the rule", EXAMPLE)?);
    let mut rule = Rule::default();
    let mut seen = Seen::default();
    while let Some(key) = next {
        parse_word(&mut words, key, &mut rule, &mut seen)?;
        next = words.next();
    }
    Ok(rule)
}

#[derive(Default)]
struct Seen {
    tos: bool,
    mark: bool,
    ipproto: bool,
    action: bool,
    table: bool,
    proto: bool,
}

fn parse_word<'a>(words: &mut Words<'a>, key: Word<'a>, rule: &mut Rule, seen: &mut Seen) -> Result<(), WordsError> {
    let mut act = |action| {
        rule.action = action;
        once_flag(&mut seen.action, key)
    };
    match key.text {
        "not" => once_flag(&mut rule.not, key)?,
        "from" => prefix(words, key, &mut rule.from)?,
        "to" => prefix(words, key, &mut rule.to)?,
        "priority" | "pref" | "preference" | "order" => {
            once(&mut rule.priority, words.value(key)?.number("a priority", 0..=u32::MAX)?, key)?;
        }
        "tos" | "dsfield" => {
            once_flag(&mut seen.tos, key)?;
            rule.tos = parse_tos(words.value(key)?)?;
        }
        "fwmark" => {
            once_flag(&mut seen.mark, key)?;
            let value = words.value(key)?;
            let (mark, mask) = value.text.split_once('/').map_or((value.text, None), |(a, b)| (a, Some(b)));
            let read = |text: &str| number(text).ok_or_else(|| wrong(value, "a mark", "write it as in 0x1/0xff"));
            (rule.fwmark, rule.fwmask) = (read(mark)?, mask.map(read).transpose()?);
        }
        "iif" | "dev" => once(&mut rule.iif, words.value(key)?.ifname()?, key)?,
        "oif" => once(&mut rule.oif, words.value(key)?.ifname()?, key)?,
        "uidrange" => {
            let value = words.value(key)?;
            let range = range(value.text).filter(|_| value.text.contains('-'));
            let range = range.ok_or_else(|| wrong(value, "a range of users", "write it as in 1000-2000"))?;
            once(&mut rule.uidrange, range, key)?;
        }
        "ipproto" => {
            once_flag(&mut seen.ipproto, key)?;
            let value = words.value(key)?;
            let named = PROTOS.iter().find(|(name, _)| *name == value.text).map(|(_, n)| *n);
            rule.ipproto = match named {
                Some(number) => number,
                None => value.number("a protocol (tcp, udp, icmp or a number)", 0..=u8::MAX)?,
            };
        }
        "sport" => once(&mut rule.sport, ports(words.value(key)?)?, key)?,
        "dport" => once(&mut rule.dport, ports(words.value(key)?)?, key)?,
        "lookup" | "table" => {
            once_flag(&mut seen.table, key)?;
            rule.table = parse_table(words.value(key)?)?;
        }
        "suppress_prefixlength" => {
            let value = words.value(key)?.number("a prefix length", 0..=32)?;
            once(&mut rule.suppress_prefixlength, value, key)?;
        }
        "suppress_ifgroup" => {
            let value = words.value(key)?;
            let group = if value.text == "default" { 0 } else { value.number("a group", 0..=u32::MAX)? };
            once(&mut rule.suppress_ifgroup, group, key)?;
        }
        "proto" | "protocol" => {
            once_flag(&mut seen.proto, key)?;
            rule.proto = parse_proto(words.value(key)?)?;
        }
        "goto" => {
            let target = words.value(key)?.number("a priority", 0..=u32::MAX)?;
            act(RuleAction::Goto(target))?;
        }
        "l3mdev" => once_flag(&mut rule.l3mdev, key)?,
        "nop" => act(RuleAction::Nop)?,
        "blackhole" => act(RuleAction::Blackhole)?,
        "unreachable" => act(RuleAction::Unreachable)?,
        "prohibit" => act(RuleAction::Prohibit)?,
        _ => return Err(key.unknown(REMEDY)),
    }
    Ok(())
}

fn prefix<'a>(words: &mut Words<'a>, key: Word<'a>, slot: &mut Option<Cidr>) -> Result<(), WordsError> {
    let value = words.value(key)?;
    if matches!(value.text, "all" | "any" | "default") {
        return Ok(());
    }
    once(slot, value.prefix()?, key)
}

fn wrong(word: Word<'_>, what: &str, remedy: &str) -> WordsError {
    word.error(format!("`{}` is not {what}", word.text), remedy)
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn range<T: FromStr + Copy>(text: &str) -> Option<Range<T>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(Range { first: first.parse().ok()?, last: last.parse().ok()? })
}

fn ports(word: Word<'_>) -> Result<Range<u16>, WordsError> {
    range(word.text).ok_or_else(|| wrong(word, "a port or a range of ports", "write it as in 80 or 8000-8080"))
}

/// Writes a rule on one line, as `ip rule add` takes it.
pub fn print(rule: &Rule) -> String {
    let mut out = String::new();
    if let Some(priority) = rule.priority {
        say(&mut out, format_args!("priority {priority} "));
    }
    selectors(&mut out, rule);
    match rule.action {
        RuleAction::Lookup => {}
        RuleAction::Goto(target) => say(&mut out, format_args!("goto {target} ")),
        other => say(&mut out, format_args!("{} ", action_word(other))),
    }
    if rule.l3mdev {
        say(&mut out, format_args!("l3mdev "));
    }
    if rule.table != 0 {
        say(&mut out, format_args!("lookup {} ", table_word(rule.table)));
    }
    if let Some(len) = rule.suppress_prefixlength {
        say(&mut out, format_args!("suppress_prefixlength {len} "));
    }
    if let Some(group) = rule.suppress_ifgroup {
        say(&mut out, format_args!("suppress_ifgroup {group} "));
    }
    if rule.proto != 0 {
        say(&mut out, format_args!("proto {} ", super::route::proto_word(rule.proto)));
    }
    out.truncate(out.trim_end().len());
    out
}

fn selectors(out: &mut String, rule: &Rule) {
    if rule.not {
        say(out, format_args!("not "));
    }
    match rule.from {
        Some(from) => say(out, format_args!("from {} ", print_prefix(from))),
        None => say(out, format_args!("from all ")),
    }
    if let Some(to) = rule.to {
        say(out, format_args!("to {} ", print_prefix(to)));
    }
    if rule.tos != 0 {
        say(out, format_args!("tos 0x{:02x} ", rule.tos));
    }
    match (rule.fwmark, rule.fwmask) {
        (0, None) => {}
        (mark, None) => say(out, format_args!("fwmark 0x{mark:x} ")),
        (mark, Some(mask)) => say(out, format_args!("fwmark 0x{mark:x}/0x{mask:x} ")),
    }
    if let Some(iif) = rule.iif {
        say(out, format_args!("iif {iif} "));
    }
    if let Some(oif) = rule.oif {
        say(out, format_args!("oif {oif} "));
    }
    if let Some(uids) = rule.uidrange {
        say(out, format_args!("uidrange {}-{} ", uids.first, uids.last));
    }
    if rule.ipproto != 0 {
        say(out, format_args!("ipproto {} ", proto_word(rule.ipproto)));
    }
    for (key, ports) in [("sport", rule.sport), ("dport", rule.dport)] {
        match ports {
            Some(Range { first, last }) if first == last => say(out, format_args!("{key} {first} ")),
            Some(Range { first, last }) => say(out, format_args!("{key} {first}-{last} ")),
            None => {}
        }
    }
}

fn say(out: &mut String, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words).expect("a String takes all");
}

/// An action's word.
pub fn action_word(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Lookup => "lookup",
        RuleAction::Goto(_) => "goto",
        RuleAction::Nop => "nop",
        RuleAction::Blackhole => "blackhole",
        RuleAction::Unreachable => "unreachable",
        RuleAction::Prohibit => "prohibit",
    }
}

const PROTOS: [(&str, u8); 3] = [("icmp", 1), ("tcp", 6), ("udp", 17)];

/// The name of a protocol, or its number.
pub fn proto_word(number: u8) -> String {
    match PROTOS.into_iter().find(|(_, n)| *n == number) {
        Some((name, _)) => name.into(),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(rule) => {
                let printed = print(&rule);
                assert_eq!(parse(&printed), Ok(rule), "{printed}");
                printed
            }
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn rules_are_iproute2s_words() {
        check("from 10/8 lookup 100", "from 10.0.0.0/8 lookup 100");
        check(
            "pref 5 not from 10.0.0.1 to 10.1/16 table main",
            "priority 5 not from 10.0.0.1 to 10.1.0.0/16 lookup main",
        );
        check("fwmark 1", "from all fwmark 0x1 lookup main");
        check("fwmark 0x10/0xff tos 0x10 lookup 7", "from all tos 0x10 fwmark 0x10/0xff lookup 7");
        check("iif a oif b unreachable", "from all iif a oif b unreachable");
        check(
            "ipproto tcp sport 80 dport 100-200 uidrange 0-5 prohibit",
            "from all uidrange 0-5 ipproto tcp sport 80 dport 100-200 prohibit",
        );
        check("goto 500 priority 7", "priority 7 from all goto 500");
        check(
            "lookup main suppress_prefixlength 0 suppress_ifgroup default proto static",
            "from all lookup main suppress_prefixlength 0 suppress_ifgroup 0 proto static",
        );
    }

    #[test]
    fn complaints_name_the_word() {
        check("", "\"\" the rule is missing");
        check("from", "\"from\" nothing follows `from`");
        check("from 10.x", "\"10.x\" `10.x` is not an IP address");
        check("foo", "\"foo\" unknown word `foo`");
        check("fwmark x", "\"x\" `x` is not a mark");
        check("uidrange 5", "\"5\" `5` is not a range of users");
        check("sport x", "\"x\" `x` is not a port or a range of ports");
        check("nop blackhole", "\"blackhole\" `blackhole` is said twice");
    }
}
