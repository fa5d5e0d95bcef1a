//! Routes in iproute2's words: what follows `ip route add`, and what `ip route show` prints.
//!
//! Counterpart: `ip/iproute.c`, `lib/rt_names.c` with Debian 12's `/etc/iproute2/rt_protos`. Deliberately absent:
//! encapsulation, realms, `via inet6` for an IPv4 route. Metrics of time are in the
//! kernel's own units, as `ip route` takes them without a unit.

use super::cursor::{Word, Words, WordsError, once, once_flag};
use crate::addr::{Cidr, Scope};
use crate::metrics::{LOCK_ADVMSS, LOCK_CONGESTION, Metric};
use crate::name::IfName;
use crate::route::{Nexthop, Route, RouteKind, TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN, proto};
use std::fmt::Write;
use std::net::IpAddr;

const REMEDY: &str = "use via, dev, src, metric, table, scope, proto, tos, onlink, mtu, advmss, hoplimit and the other \
                      metrics, nhid or nexthop, as in `default via 10.0.0.1 dev eth0`";
const EXAMPLE: &str = "default via 10.0.0.1";
const HOP_REMEDY: &str = "use via, dev, weight or onlink, as in `nexthop via 10.0.0.1 dev eth0 weight 1`";

const KINDS: [RouteKind; 8] = [
    RouteKind::Unicast,
    RouteKind::Local,
    RouteKind::Broadcast,
    RouteKind::Multicast,
    RouteKind::Blackhole,
    RouteKind::Unreachable,
    RouteKind::Prohibit,
    RouteKind::Throw,
];

/// Reads a route.
pub fn parse(text: &str) -> Result<Route, WordsError> {
    let mut words = Words::new(text);
    let mut first = words.first("the destination", EXAMPLE)?;
    let kind = KINDS.into_iter().find(|k| k.word() == first.text);
    if kind.is_some() {
        first = words.value(first)?;
    }
    if first.text == "to" {
        first = words.value(first)?;
    }
    let is_default = matches!(first.text, "default" | "any" | "all");
    let dst = if is_default { Cidr::DEFAULT_V4 } else { first.prefix()? };
    let mut route = Route { kind: kind.unwrap_or(RouteKind::Unicast), ..Route::new(dst) };
    let mut seen = Seen::default();
    while let Some(key) = words.next() {
        parse_word(&mut words, key, &mut route, &mut seen)?;
    }
    seen.finish(is_default, &mut route)?;
    Ok(route)
}

/// Writes a route on one line, as `ip route show` has it; what is as `ip route add` makes it by itself is not said.
pub fn print(route: &Route) -> String {
    let mut out = String::new();
    let mut say = |words: std::fmt::Arguments<'_>| {
        let space = if out.is_empty() { "" } else { " " };
        write!(out, "{space}{words}").expect("a String takes all");
    };
    if route.kind != RouteKind::Unicast {
        say(format_args!("{}", route.kind.word()));
    }
    // What a nexthop object leads to is its own to say.
    let hops = if route.nhid.is_some() { &[][..] } else { &route.nexthops };
    let single = match hops {
        [hop] if hop.weight == 1 => Some(hop),
        _ => None,
    };
    let family_shows = route.dst.addr.is_ipv4() || single.is_some_and(|hop| hop.via.is_some());
    if route.dst.is_default() && family_shows {
        say(format_args!("default"));
    } else {
        say(format_args!("{}", print_prefix(route.dst)));
    }
    if route.tos != 0 {
        say(format_args!("tos 0x{:02x}", route.tos));
    }
    if let Some(id) = route.nhid {
        say(format_args!("nhid {id}"));
    }
    if let Some(hop) = single {
        print_way(&mut say, hop);
    }
    if route.table != TABLE_MAIN {
        say(format_args!("table {}", table_word(route.table)));
    }
    if route.proto != proto::BOOT {
        say(format_args!("proto {}", proto_word(route.proto)));
    }
    if let Some(scope) = route.scope {
        say(format_args!("scope {}", scope_word(scope)));
    }
    if let Some(src) = route.prefsrc {
        say(format_args!("src {src}"));
    }
    if route.metric != 0 {
        say(format_args!("metric {}", route.metric));
    }
    if single.is_some_and(|hop| hop.onlink) {
        say(format_args!("onlink"));
    }
    match route.mtu {
        Some(mtu) if route.mtu_lock => say(format_args!("mtu lock {mtu}")),
        Some(mtu) => say(format_args!("mtu {mtu}")),
        None if route.mtu_lock => say(format_args!("mtu lock 0")),
        None => {}
    }
    if let Some(advmss) = route.advmss {
        let lock = if route.metrics.locked & LOCK_ADVMSS != 0 { "lock " } else { "" };
        say(format_args!("advmss {lock}{advmss}"));
    }
    print_metrics(&mut say, route);
    if single.is_none() {
        for hop in hops {
            say(format_args!("nexthop"));
            print_way(&mut say, hop);
            say(format_args!("weight {}", hop.weight));
            if hop.onlink {
                say(format_args!("onlink"));
            }
        }
    }
    out
}

fn print_metrics(say: &mut impl FnMut(std::fmt::Arguments<'_>), route: &Route) {
    let metrics = &route.metrics;
    for metric in Metric::ALL {
        let (word, value) = (metric.word(), metrics.value(metric));
        let locked = metrics.locked & metric.bit() != 0;
        match metric {
            Metric::Features if value != 0 => say(format_args!("features ecn")),
            _ if locked && metric.takes_lock() => say(format_args!("{word} lock {value}")),
            _ if value != 0 || locked => say(format_args!("{word} {value}")),
            _ => {}
        }
    }
    if let Some(name) = &metrics.congestion {
        let lock = if metrics.locked & LOCK_CONGESTION != 0 { "lock " } else { "" };
        say(format_args!("congctl {lock}{name}"));
    }
}

fn print_way(say: &mut impl FnMut(std::fmt::Arguments<'_>), hop: &Nexthop) {
    if let Some(via) = hop.via {
        say(format_args!("via {via}"));
    }
    if let Some(dev) = hop.dev {
        say(format_args!("dev {dev}"));
    }
}

/// A prefix as `ip` prints it: a host without its length.
pub fn print_prefix(prefix: Cidr) -> String {
    if prefix == Cidr::host(prefix.addr) { prefix.addr.to_string() } else { prefix.to_string() }
}

/// What was said once so far.
#[derive(Default)]
struct Seen<'a> {
    via: Option<IpAddr>,
    via_at: Option<Word<'a>>,
    dev: Option<IfName>,
    onlink: bool,
    src_at: Option<Word<'a>>,
    nexthop_at: Option<Word<'a>>,
    single_at: Option<Word<'a>>,
    table: bool,
    metric: bool,
    tos: bool,
    proto: bool,
}

impl Seen<'_> {
    /// What can only be judged at the end: one way or several, and one address family throughout.
    fn finish(self, is_default: bool, route: &mut Route) -> Result<(), WordsError> {
        if let (Some(_), Some(key)) = (self.nexthop_at, self.single_at) {
            let message = format!("`{}` stands beside `nexthop`", key.text);
            return Err(key.error(message, "say it within each nexthop"));
        }
        if self.via.is_some() || self.dev.is_some() || self.onlink {
            route.nexthops.push(Nexthop { via: self.via, dev: self.dev, weight: 1, onlink: self.onlink });
        }
        let ways = route.nexthops.iter().find_map(|hop| hop.via);
        if is_default && ways.or(route.prefsrc).is_some_and(|a| a.is_ipv6()) {
            route.dst = Cidr { addr: IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), len: 0 };
        }
        let v4 = route.dst.addr.is_ipv4();
        let stray = |word: Option<Word<'_>>| {
            word.map(|w| w.error(format!("`{}` is not of the destination's family", w.text), "keep to IPv4 or to IPv6"))
        };
        if route.nexthops.iter().any(|hop| hop.via.is_some_and(|a| a.is_ipv4() != v4)) {
            return stray(self.via_at).map_or(Ok(()), Err);
        }
        if route.prefsrc.is_some_and(|a| a.is_ipv4() != v4) {
            return stray(self.src_at).map_or(Ok(()), Err);
        }
        Ok(())
    }
}

fn parse_word<'a>(
    words: &mut Words<'a>,
    key: Word<'a>,
    route: &mut Route,
    seen: &mut Seen<'a>,
) -> Result<(), WordsError> {
    match key.text {
        "via" => {
            let value = words.value(key)?;
            once(&mut seen.via, value.ip()?, key)?;
            seen.via_at = Some(value);
            seen.single_at = Some(key);
        }
        "dev" | "oif" => {
            once(&mut seen.dev, words.value(key)?.ifname()?, key)?;
            seen.single_at = Some(key);
        }
        "onlink" => {
            once_flag(&mut seen.onlink, key)?;
            seen.single_at = Some(key);
        }
        "src" => {
            let value = words.value(key)?;
            once(&mut route.prefsrc, value.ip()?, key)?;
            seen.src_at = Some(value);
        }
        "metric" | "preference" => {
            once_flag(&mut seen.metric, key)?;
            route.metric = words.value(key)?.number("a metric", 0..=u32::MAX)?;
        }
        "table" => {
            once_flag(&mut seen.table, key)?;
            route.table = parse_table(words.value(key)?)?;
        }
        "scope" => once(&mut route.scope, parse_scope(words.value(key)?)?, key)?,
        "proto" | "protocol" => {
            once_flag(&mut seen.proto, key)?;
            route.proto = parse_proto(words.value(key)?)?;
        }
        "tos" | "dsfield" => {
            once_flag(&mut seen.tos, key)?;
            route.tos = parse_tos(words.value(key)?)?;
        }
        "mtu" => {
            route.mtu_lock = words.eat("lock").is_some();
            let mtu = words.value(key)?.number("an MTU", 0..=u32::MAX)?;
            if mtu != 0 {
                once(&mut route.mtu, mtu, key)?;
            }
        }
        "nhid" => once(&mut route.nhid, words.value(key)?.number("a nexthop's number", 1..=u32::MAX)?, key)?,
        "advmss" => {
            if words.eat("lock").is_some() {
                route.metrics.locked |= LOCK_ADVMSS;
            }
            once(&mut route.advmss, words.value(key)?.number("an MSS", 0..=u32::MAX)?, key)?;
        }
        "congctl" => {
            if words.eat("lock").is_some() {
                route.metrics.locked |= LOCK_CONGESTION;
            }
            once(&mut route.metrics.congestion, words.value(key)?.text.to_owned(), key)?;
        }
        "nexthop" => {
            seen.nexthop_at = Some(key);
            parse_nexthop(words, key, route, seen)?;
        }
        text => match Metric::ALL.into_iter().find(|metric| metric.word() == text) {
            Some(metric) => parse_metric(words, key, metric, route)?,
            None => return Err(key.unknown(REMEDY)),
        },
    }
    Ok(())
}

/// `[lock] N`, or the one feature that has a name.
fn parse_metric<'a>(words: &mut Words<'a>, key: Word<'a>, metric: Metric, route: &mut Route) -> Result<(), WordsError> {
    let metrics = &mut route.metrics;
    if metric == Metric::RtoMin || metric.takes_lock() && words.eat("lock").is_some() {
        metrics.locked |= metric.bit();
    }
    let value = words.value(key)?;
    let number = match metric {
        Metric::Features if value.text == "ecn" => 1,
        Metric::Features => return Err(value.unknown("the one feature is ecn")),
        Metric::Hoplimit => value.number("a hop limit", 0..=255)?,
        Metric::Quickack | Metric::FastopenNoCookie => value.number("0 or 1", 0..=1)?,
        _ => value.number("a metric", 0..=u32::MAX)?,
    };
    if metrics.values.contains_key(&metric) {
        return Err(key.error(format!("`{}` is said twice", key.text), "say it once"));
    }
    if number != 0 {
        metrics.values.insert(metric, number);
    }
    Ok(())
}

/// `nexthop [via A] [dev D] [weight N] [onlink]`, up to a word that is none of these.
fn parse_nexthop<'a>(
    words: &mut Words<'a>,
    nexthop: Word<'a>,
    route: &mut Route,
    seen: &mut Seen<'a>,
) -> Result<(), WordsError> {
    let (mut via, mut dev, mut weight, mut onlink) = (None, None, None, false);
    while let Some(key) = words.peek().filter(|w| w.text != "nexthop") {
        words.next();
        match key.text {
            "via" => {
                let value = words.value(key)?;
                once(&mut via, value.ip()?, key)?;
                seen.via_at = Some(value);
            }
            "dev" | "oif" => once(&mut dev, words.value(key)?.ifname()?, key)?,
            "weight" => once(&mut weight, words.value(key)?.number("a weight", 1..=256)?, key)?,
            "onlink" => once_flag(&mut onlink, key)?,
            _ => return Err(key.unknown(HOP_REMEDY)),
        }
    }
    if via.is_none() && dev.is_none() {
        return Err(nexthop.error("`nexthop` leads nowhere", HOP_REMEDY));
    }
    route.nexthops.push(Nexthop { via, dev, weight: weight.unwrap_or(1), onlink });
    Ok(())
}

/// Reads a table: a name or a number.
pub(super) fn parse_table(word: Word<'_>) -> Result<u32, WordsError> {
    match word.text {
        "main" => Ok(TABLE_MAIN),
        "local" => Ok(TABLE_LOCAL),
        "default" => Ok(TABLE_DEFAULT),
        _ => word.number("a routing table (main, local, default or a number)", 1..=u32::MAX),
    }
}

/// A table's name, or its number.
pub fn table_word(table: u32) -> String {
    match table {
        TABLE_MAIN => "main".into(),
        TABLE_LOCAL => "local".into(),
        TABLE_DEFAULT => "default".into(),
        n => n.to_string(),
    }
}

const SCOPES: [(&str, Scope); 5] = [
    ("global", Scope::GLOBAL),
    ("site", Scope::SITE),
    ("link", Scope::LINK),
    ("host", Scope::HOST),
    ("nowhere", Scope::NOWHERE),
];

/// Reads a scope: a name or a number.
pub fn parse_scope(word: Word<'_>) -> Result<Scope, WordsError> {
    match SCOPES.into_iter().find(|(name, _)| *name == word.text) {
        Some((_, scope)) => Ok(scope),
        None => Ok(Scope(word.number("a scope (global, link, host, nowhere or a number)", 0..=u8::MAX)?)),
    }
}

/// A scope's name, or its number.
pub fn scope_word(scope: Scope) -> String {
    match SCOPES.into_iter().find(|(_, s)| *s == scope) {
        Some((name, _)) => name.into(),
        None => scope.0.to_string(),
    }
}

const PROTOS: [(&str, u8); 22] = [
    ("unspec", 0),
    ("redirect", 1),
    ("kernel", 2),
    ("boot", 3),
    ("static", 4),
    ("gated", 8),
    ("ra", 9),
    ("mrt", 10),
    ("zebra", 11),
    ("bird", 12),
    ("dnrouted", 13),
    ("xorp", 14),
    ("ntk", 15),
    ("dhcp", 16),
    ("keepalived", 18),
    ("babel", 42),
    ("openr", 99),
    ("bgp", 186),
    ("isis", 187),
    ("ospf", 188),
    ("rip", 189),
    ("eigrp", 192),
];

/// Reads a route's maker: a name or a number.
pub(super) fn parse_proto(word: Word<'_>) -> Result<u8, WordsError> {
    match PROTOS.into_iter().find(|(name, _)| *name == word.text) {
        Some((_, number)) => Ok(number),
        None => word.number("a protocol (static, boot, kernel, … or a number)", 0..=u8::MAX),
    }
}

/// The name of a route's maker, or its number.
pub fn proto_word(number: u8) -> String {
    match PROTOS.into_iter().find(|(_, n)| *n == number) {
        Some((name, _)) => name.into(),
        None => number.to_string(),
    }
}

/// Hexadecimal with or without `0x`, as `rtnl_dsfield_a2n` reads it.
pub(super) fn parse_tos(word: Word<'_>) -> Result<u8, WordsError> {
    let digits = word.text.strip_prefix("0x").unwrap_or(word.text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| plain).ok_or_else(|| {
        word.error(format!("`{}` is not a type of service", word.text), "write it in hexadecimal, as in 0x10")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use proptest::prelude::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(route) => {
                let printed = print(&route);
                assert_eq!(parse(&printed), Ok(route), "{printed}");
                printed
            }
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn routes_are_iproute2s_words() {
        check("default via 10.0.0.1", "default via 10.0.0.1");
        check("0/0 via 10.0.0.1 dev eth0", "default via 10.0.0.1 dev eth0");
        check(
            "10.0/16 dev eth0 proto static scope link src 10.0.0.1",
            "10.0.0.0/16 dev eth0 proto static scope link src 10.0.0.1",
        );
        check("to 10.1.2.3 via 10.0.0.1 metric 5 table 100", "10.1.2.3 via 10.0.0.1 table 100 metric 5");
        check("blackhole 10.9.0.0/16", "blackhole 10.9.0.0/16");
        check(
            "unicast 10.9.0.0/16 dev eth0 tos 10 mtu lock 1400 advmss 1360",
            "10.9.0.0/16 tos 0x10 dev eth0 mtu lock 1400 advmss 1360",
        );
        check(
            "10.9/16 via 10.0.0.1 hoplimit lock 9 rtt 160 rto_min 5 features ecn congctl lock reno advmss lock 9 mtu lock 0",
            "10.9.0.0/16 via 10.0.0.1 mtu lock 0 advmss lock 9 rtt 160 hoplimit lock 9 features ecn rto_min 5 \
             congctl lock reno",
        );
        check("default via 10.0.0.1 dev eth0 onlink", "default via 10.0.0.1 dev eth0 onlink");
        check(
            "default nexthop via 10.0.0.1 dev a nexthop via 10.0.1.1 weight 3",
            "default nexthop via 10.0.0.1 dev a weight 1 nexthop via 10.0.1.1 weight 3",
        );
        check("10.1/16 nhid 7 metric 5", "10.1.0.0/16 nhid 7 metric 5");
        check("default via fe80::1 dev eth0", "default via fe80::1 dev eth0");
        check("::/0 dev eth0", "::/0 dev eth0");
    }

    #[test]
    fn complaints_name_the_word() {
        check("", "\"\" the destination is missing");
        check("default via", "\"via\" nothing follows `via`");
        check("default via 10.0.0", "\"10.0.0\" `10.0.0` is not an IP address");
        check("default gw 10.0.0.1", "\"gw\" unknown word `gw`");
        check("10.0.0.0/40 dev eth0", "\"10.0.0.0/40\" `40` is not a prefix length");
        check("default via 10.0.0.1 via 10.0.0.2", "\"via\" `via` is said twice");
        check(
            "default dev abcdefghijklmnopq",
            "\"abcdefghijklmnopq\" `abcdefghijklmnopq`: the name has 17 bytes, the limit is 15",
        );
        check("default via fe80::1 src 10.0.0.1", "\"10.0.0.1\" `10.0.0.1` is not of the destination's family");
        check("10/8 via fe80::1", "\"fe80::1\" `fe80::1` is not of the destination's family");
        check("default dev a nexthop dev b", "\"dev\" `dev` stands beside `nexthop`");
        check("default nexthop weight 1", "\"nexthop\" `nexthop` leads nowhere");
        check("default nexthop dev a weight 0", "\"0\" `0` is not a weight");
        check("default hoplimit 256", "\"256\" `256` is not a hop limit");
        check("default features sack", "\"sack\" unknown word `sack`");
        check("default metric -1", "\"-1\" `-1` is not a metric");
    }

    fn route() -> impl Strategy<Value = Route> {
        let hop = (any::<Option<u32>>(), prop::option::of("[a-z]{1,15}"), 1u16..=256, any::<bool>());
        let hops = prop::collection::vec(hop, 0..3);
        let words = (0usize..8, any::<u32>(), 0u8..=32, any::<u8>(), 1u32.., any::<u32>(), any::<u8>());
        let metric = prop::sample::select(&Metric::ALL[..]);
        let metrics = prop::collection::btree_map(metric, (1u32..=255, any::<bool>()), 0..4).prop_map(|all| {
            let mut metrics = Metrics::default();
            for (metric, (value, lock)) in all {
                let is_flag = matches!(metric, Metric::Features | Metric::Quickack | Metric::FastopenNoCookie);
                metrics.values.insert(metric, if is_flag { 1 } else { value });
                if metric == Metric::RtoMin || metric.takes_lock() && lock {
                    metrics.locked |= metric.bit();
                }
            }
            metrics
        });
        let more =
            (any::<Option<u8>>(), any::<Option<u32>>(), any::<Option<u32>>(), any::<bool>(), any::<Option<u32>>());
        (words, more, metrics, hops).prop_map(
            |((kind, dst, len, tos, table, metric, proto), (scope, src, mtu, lock, advmss), metrics, hops)| Route {
                kind: KINDS[kind],
                dst: Cidr::new(IpAddr::V4(dst.into()), len).unwrap().network(),
                tos,
                table,
                metric,
                proto,
                scope: scope.map(Scope),
                prefsrc: src.map(|a| IpAddr::V4(a.into())),
                mtu: mtu.filter(|&mtu| mtu != 0),
                mtu_lock: lock,
                advmss,
                metrics,
                nhid: None,
                nexthops: hops
                    .into_iter()
                    .filter(|(via, dev, ..)| via.is_some() || dev.is_some())
                    .map(|(via, dev, weight, onlink)| Nexthop {
                        via: via.map(|a| IpAddr::V4(a.into())),
                        dev: dev.map(|d| IfName::new(&d).unwrap()),
                        weight,
                        onlink,
                    })
                    .collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn routes_round_trip(route in route()) {
            prop_assert_eq!(parse(&print(&route)), Ok(route));
        }
        #[test]
        fn no_line_panics(text in "(via|dev|default|nexthop|src|[0-9./:]{1,9}|\\PC{0,3}| ){0,8}") {
            let _ = parse(&text);
        }
    }
}
