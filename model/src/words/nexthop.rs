//! Nexthop objects in iproute2's words: what follows `ip nexthop add`.
//!
//! Counterpart: `ip/ipnexthop.c`. Deliberately absent: `fdb`, `encap`, resilient groups.

use super::cursor::{Word, Words, WordsError, once, once_flag};
use super::route::{parse_proto, proto_word};
use crate::nexthop::{NexthopKind, NexthopMember, NexthopObject};
use std::fmt::Write;

const REMEDY: &str = "use id, via, dev, onlink, blackhole, group or proto, as in `id 1 via 10.0.0.1 dev eth0`";
const EXAMPLE: &str = "id 1 via 10.0.0.1 dev eth0";

/// Reads a nexthop object.
pub fn parse(text: &str) -> Result<NexthopObject, WordsError> {
    let mut words = Words::new(text);
    let first = words.first("the nexthop", EXAMPLE)?;
    let (mut id, mut via, mut dev, mut onlink, mut blackhole) = (None, None, None, false, false);
    let (mut group, mut proto) = (None, None);
    let mut next = Some(first);
    while let Some(key) = next {
        match key.text {
            "id" => once(&mut id, words.value(key)?.number("a nexthop's number", 0..=u32::MAX)?, key)?,
            "via" => once(&mut via, words.value(key)?.ip()?, key)?,
            "dev" => once(&mut dev, words.value(key)?.ifname()?, key)?,
            "onlink" => once_flag(&mut onlink, key)?,
            "blackhole" => once_flag(&mut blackhole, key)?,
            "group" => once(&mut group, members(words.value(key)?)?, key)?,
            "proto" | "protocol" => once(&mut proto, parse_proto(words.value(key)?)?, key)?,
            _ => return Err(key.unknown(REMEDY)),
        }
        next = words.next();
    }
    let is_way = via.is_some() || dev.is_some() || onlink;
    let kind = match (blackhole, group, is_way) {
        (true, None, false) => NexthopKind::Blackhole,
        (false, Some(members), false) => NexthopKind::Group(members),
        (false, None, true) => NexthopKind::Way { via, dev, onlink },
        (false, None, false) => return Err(first.error("the nexthop leads nowhere", REMEDY)),
        _ => return Err(first.error("a nexthop is a way, a group or a blackhole", REMEDY)),
    };
    Ok(NexthopObject { id: id.unwrap_or(0), kind, proto: proto.unwrap_or(0), scope: None })
}

/// `ID[,WEIGHT]/…`.
fn members(word: Word<'_>) -> Result<Vec<NexthopMember>, WordsError> {
    let read = |part: &str| {
        let (id, weight) = part.split_once(',').map_or((part, None), |(id, weight)| (id, Some(weight)));
        let weight = weight.map_or(Some(1), |w| w.parse().ok()).filter(|w| (1..=256).contains(w))?;
        Some(NexthopMember { id: id.parse().ok()?, weight })
    };
    let all: Option<Vec<_>> = word.text.split('/').map(read).collect();
    all.ok_or_else(|| {
        word.error(format!("`{}` is not a group", word.text), "write it as in 1/2,3: numbers and weights")
    })
}

/// Writes a nexthop object on one line, as `ip nexthop add` takes it.
pub fn print(nexthop: &NexthopObject) -> String {
    let mut out = String::new();
    let mut say = |words: std::fmt::Arguments<'_>| out.write_fmt(words).expect("a String takes all");
    if nexthop.id != 0 {
        say(format_args!("id {} ", nexthop.id));
    }
    match &nexthop.kind {
        NexthopKind::Blackhole => say(format_args!("blackhole ")),
        NexthopKind::Way { via, dev, onlink } => {
            if let Some(via) = via {
                say(format_args!("via {via} "));
            }
            if let Some(dev) = dev {
                say(format_args!("dev {dev} "));
            }
            if *onlink {
                say(format_args!("onlink "));
            }
        }
        NexthopKind::Group(members) => say(format_args!("group {} ", group_words(members))),
    }
    if nexthop.proto != 0 {
        say(format_args!("proto {} ", proto_word(nexthop.proto)));
    }
    out.truncate(out.trim_end().len());
    out
}

/// A group's members: `1/2,3`.
pub fn group_words(members: &[NexthopMember]) -> String {
    let one = |m: &NexthopMember| match m.weight {
        1 => m.id.to_string(),
        weight => format!("{},{weight}", m.id),
    };
    members.iter().map(one).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(nexthop) => {
                let printed = print(&nexthop);
                assert_eq!(parse(&printed), Ok(nexthop), "{printed}");
                printed
            }
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn nexthops_are_iproute2s_words() {
        check("id 1 via 10.0.0.2 dev eth0", "id 1 via 10.0.0.2 dev eth0");
        check("via 10.0.0.2 dev eth0 onlink proto static", "via 10.0.0.2 dev eth0 onlink proto static");
        check("id 7 blackhole", "id 7 blackhole");
        check("id 3 group 1/2,3", "id 3 group 1/2,3");
        check("", "\"\" the nexthop is missing");
        check("id 3", "\"id\" the nexthop leads nowhere");
        check("id 3 group 1,0", "\"1,0\" `1,0` is not a group");
        check("id 3 group 1 dev eth0", "\"id\" a nexthop is a way, a group or a blackhole");
        check("id 3 foo", "\"foo\" unknown word `foo`");
    }
}
