//! `ip route add`, `del` and their like: from words to ops.
//!
//! Counterpart: `iproute_modify()`, `parse_nexthops()` of `ip/iproute.c`. Deliberately absent, and refused by name:
//! encapsulation, sources, realms, gateways of another family.

use super::{DONE, Ip, Ran, help, route_dump, route_get, route_list, unknown, unsupported, vrf};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg2, invarg, matches, nodev, unsigned};
use crate::iproute::inet::{self, Family, Prefix};
use crate::iproute::names;
use nettwin_model::metrics::{LOCK_ADVMSS, LOCK_CONGESTION};
use nettwin_model::route::{Nexthop, TABLE_LOCAL, TABLE_MAIN, proto};
use nettwin_model::{IfName, Metric, Metrics, Op, Route, RouteKind, RouteVerb, Scope};
use std::net::IpAddr;

/// Runs `ip route …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return route_list::show(ip, words) };
    match command {
        w if matches(w, "add") => modify(ip, words, Some(RouteVerb::Add)),
        w if matches(w, "change") || w == "chg" => modify(ip, words, Some(RouteVerb::Change)),
        w if matches(w, "replace") => modify(ip, words, Some(RouteVerb::Replace)),
        w if matches(w, "prepend") => modify(ip, words, Some(RouteVerb::Prepend)),
        w if matches(w, "append") => modify(ip, words, Some(RouteVerb::Append)),
        w if matches(w, "test") => modify(ip, words, Some(RouteVerb::Test)),
        w if matches(w, "delete") => modify(ip, words, None),
        w if matches(w, "list") || matches(w, "show") || matches(w, "lst") => route_list::show(ip, words),
        w if matches(w, "get") => route_get::run(ip, words),
        w if matches(w, "flush") => route_list::flush(ip, words),
        w if matches(w, "save") => route_list::save(ip, words),
        w if matches(w, "restore") => route_dump::restore(ip),
        w if matches(w, "showdump") => route_dump::show(ip),
        w if matches(w, "help") => Err(usage()),
        w => Err(unknown(w, "route")),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::ROUTE)
}

/// What the words say.
#[derive(Default)]
struct Said<'a> {
    family: Family,
    kind: Option<u8>,
    dst: Option<Prefix>,
    via: Option<IpAddr>,
    dev: Option<&'a str>,
    onlink: bool,
    src: Option<IpAddr>,
    tos: u8,
    metric: u32,
    scope: Option<Scope>,
    mtu: Option<u32>,
    mtu_lock: bool,
    advmss: Option<u32>,
    metrics: Metrics,
    nhid: Option<u32>,
    proto: Option<u8>,
    table: Option<u32>,
    /// From the first `nexthop` on.
    nexthops: Option<Words<'a>>,
}

fn modify(ip: &mut Ip<'_, '_>, words: Words<'_>, verb: Option<RouteVerb>) -> Ran {
    let mut said = parse(ip, words)?;
    let dst = said.dst.ok_or_else(usage)?;
    let dev = said.dev.map(|dev| ip.kernel.need_link(dev)).transpose()?;
    let nexthops = match said.nexthops.take() {
        Some(words) => {
            let hops = nexthops(ip, words, &mut said)?;
            // What is said besides must be what the first says (fib_create_info).
            let first = hops.first();
            if dev.is_some() && first.is_some_and(|hop| hop.dev != dev) {
                return Err(Stop::back(2, "Error: Nexthop device index does not match RTA_OIF.\n"));
            }
            if said.via.is_some() && first.is_some_and(|hop| hop.via != said.via) {
                return Err(Stop::back(2, "Error: Nexthop gateway does not match RTA_GATEWAY or RTA_VIA.\n"));
            }
            hops
        }
        None if said.via.is_some() || dev.is_some() || said.onlink => {
            vec![Nexthop { via: said.via, dev, weight: 1, onlink: said.onlink }]
        }
        None => Vec::new(),
    };
    let number = said.kind.unwrap_or(1);
    let kind = names::route_kind(number).ok_or_else(|| unsupported(&format!("route of type {number}")))?;
    let is_local = matches!(kind, RouteKind::Local | RouteKind::Broadcast);
    let by_way =
        said.nhid.is_some() || said.via.is_some() || nexthops.iter().any(|hop| hop.via.is_some()) || nexthops.len() > 1;
    let route = Route {
        kind,
        dst: Prefix { family: said.family, ..dst }.cidr(),
        tos: said.tos,
        table: said.table.unwrap_or(if is_local { TABLE_LOCAL } else { TABLE_MAIN }),
        metric: said.metric,
        // What is deleted is of any maker, which the model writes so.
        proto: said.proto.unwrap_or(proto::BOOT),
        scope: said.scope.or(match kind {
            _ if said.family == Family::Inet6 => Some(Scope::GLOBAL),
            RouteKind::Local => Some(Scope::HOST),
            RouteKind::Broadcast | RouteKind::Multicast => Some(Scope::LINK),
            _ if verb.is_none() => None,
            RouteKind::Unicast if !by_way => Some(Scope::LINK),
            _ => Some(Scope::GLOBAL),
        }),
        prefsrc: said.src,
        mtu: said.mtu,
        mtu_lock: said.mtu_lock,
        advmss: said.advmss,
        metrics: said.metrics,
        nhid: said.nhid.filter(|id| *id != 0),
        nexthops,
    };
    let netns = ip.kernel.netns.clone();
    ip.kernel.talk(match verb {
        Some(verb) => Op::AddRoute { netns, verb, route },
        None => Op::DelRoute { netns, route },
    })?;
    DONE
}

/// Metrics that are not abbreviated.
const WHOLE_METRICS: [Metric; 3] = [Metric::Hoplimit, Metric::Rtt, Metric::RtoMin];
/// The others, in the order in which abbreviations are resolved: those before `congctl`, and all.
const METRICS_BEFORE: [Metric; 7] = [
    Metric::Reordering,
    Metric::Window,
    Metric::Cwnd,
    Metric::Initcwnd,
    Metric::Initrwnd,
    Metric::Features,
    Metric::Quickack,
];
const METRICS: [Metric; 9] = [
    Metric::Reordering,
    Metric::Window,
    Metric::Cwnd,
    Metric::Initcwnd,
    Metric::Initrwnd,
    Metric::Features,
    Metric::Quickack,
    Metric::Rttvar,
    Metric::Ssthresh,
];

fn parse<'a>(ip: &mut Ip<'_, '_>, mut words: Words<'a>) -> Result<Said<'a>, Stop> {
    let mut said = Said { family: ip.family, ..Said::default() };
    loop {
        let before = words.clone();
        let Some(word) = words.next() else { break };
        match word {
            "src" => {
                let addr = inet::address(words.value()?, said.family)?;
                said.family = said.family.or(Family::of(addr));
                said.src = Some(addr);
            }
            // What only MPLS and IPv6 know, the kernel does not read here.
            "as" => {
                let value = words.value()?;
                inet::address(if value == "to" { words.value()? } else { value }, said.family)?;
            }
            "from" => drop(inet::prefix(words.value()?, said.family)?),
            "via" => {
                if said.via.is_some() {
                    return Err(invarg("use nexthop syntax to specify multiple via\n", word));
                }
                said.via = Some(gateway(&mut words, &mut said.family)?);
            }
            w if w == "tos" || matches(w, "dsfield") => {
                let value = words.value()?;
                said.tos = names::dsfield(value).ok_or_else(|| invarg("\"tos\" value is invalid\n", value))?;
            }
            // Only IPv6 routes expire.
            "expires" => {
                let value = words.value()?;
                unsigned(value).ok_or_else(|| invarg("\"expires\" value is invalid\n", value))?;
            }
            w if matches(w, "metric") || matches(w, "priority") || w == "preference" => {
                let value = words.value()?;
                said.metric = unsigned(value).ok_or_else(|| invarg("\"metric\" value is invalid\n", value))?;
            }
            "scope" => {
                let value = words.value()?;
                said.scope = Some(names::scope(value).ok_or_else(|| invarg("invalid \"scope\" value\n", value))?);
            }
            "mtu" => {
                let mut value = words.value()?;
                if value == "lock" {
                    (said.mtu_lock, value) = (true, words.value()?);
                }
                let mtu = unsigned(value).ok_or_else(|| invarg("\"mtu\" value is invalid\n", value))?;
                said.mtu = Some(mtu).filter(|&mtu| mtu != 0);
            }
            "advmss" => {
                let value = locked(&mut words, LOCK_ADVMSS, &mut said.metrics)?;
                said.advmss = Some(unsigned(value).ok_or_else(|| invarg("\"mss\" value is invalid\n", value))?);
            }
            w if WHOLE_METRICS.iter().any(|metric| w == metric.word()) => {
                let found = WHOLE_METRICS.into_iter().find(|metric| w == metric.word());
                metric(&mut words, found, &mut said.metrics)?;
            }
            w if matches(w, "congctl") && !METRICS_BEFORE.iter().any(|metric| matches(w, metric.word())) => {
                said.metrics.congestion = Some(locked(&mut words, LOCK_CONGESTION, &mut said.metrics)?.to_owned());
            }
            w if METRICS.iter().any(|metric| matches(w, metric.word())) => {
                let found = METRICS.into_iter().find(|metric| matches(w, metric.word()));
                metric(&mut words, found, &mut said.metrics)?;
            }
            w if matches(w, "realms") => return Err(unsupported(w)),
            "onlink" => said.onlink = true,
            "nexthop" => {
                said.nexthops = Some(before);
                break;
            }
            "nhid" => {
                let value = words.value()?;
                said.nhid = Some(unsigned(value).ok_or_else(|| invarg("\"id\" value is invalid\n", value))?);
            }
            w if matches(w, "protocol") => {
                let value = words.value()?;
                said.proto = Some(names::proto(value).ok_or_else(|| invarg("\"protocol\" value is invalid\n", value))?);
            }
            w if matches(w, "table") => {
                let value = words.value()?;
                said.table = Some(names::table(value).ok_or_else(|| invarg("\"table\" value is invalid\n", value))?);
            }
            w if matches(w, "vrf") => said.table = Some(vrf::table(&mut ip.kernel, words.value()?)?),
            "dev" | "oif" => said.dev = Some(words.value()?),
            w if matches(w, "pref") => {
                let value = words.value()?;
                if !["low", "medium", "high"].contains(&value) && unsigned(value).is_none_or(|n| n > 255) {
                    return Err(invarg("\"pref\" value is invalid\n", value));
                }
            }
            "encap" => return Err(unsupported(word)),
            "ttl-propagate" => {
                let value = words.value()?;
                if !matches(value, "enabled") && !matches(value, "disabled") {
                    return Err(invarg("\"ttl-propagate\" value is invalid\n", value));
                }
            }
            w if matches(w, "fastopen_no_cookie") => {
                metric(&mut words, Some(Metric::FastopenNoCookie), &mut said.metrics)?;
            }
            word => destination(word, &mut words, &mut said)?,
        }
    }
    Ok(said)
}

/// `[lock] VALUE`.
fn locked<'a>(words: &mut Words<'a>, bit: u32, metrics: &mut Metrics) -> Result<&'a str, Stop> {
    let value = words.value()?;
    if value != "lock" {
        return Ok(value);
    }
    metrics.locked |= bit;
    words.value()
}

/// What follows a metric's word.
fn metric(words: &mut Words<'_>, metric: Option<Metric>, metrics: &mut Metrics) -> Result<(), Stop> {
    let Some(metric) = metric else { return Ok(()) };
    let word = metric.word();
    let value = if metric.takes_lock() { locked(words, metric.bit(), metrics)? } else { words.value()? };
    let wrong = |what: &str| invarg(&format!("\"{word}\" value {what}\n"), value);
    let number = match metric {
        Metric::Features if value == "ecn" => 1,
        Metric::Features => return Err(wrong("not valid")),
        Metric::Rtt => time(value, 8).ok_or_else(|| wrong("is invalid"))?,
        Metric::Rttvar => time(value, 4).ok_or_else(|| wrong("is invalid"))?,
        Metric::RtoMin => {
            metrics.locked |= metric.bit();
            time(value, 1).ok_or_else(|| wrong("is invalid"))?
        }
        Metric::Hoplimit => unsigned(value).filter(|&n| n <= 255).ok_or_else(|| wrong("is invalid"))?,
        Metric::Quickack | Metric::FastopenNoCookie => {
            let number = unsigned(value).ok_or_else(|| wrong("is invalid"))?;
            Some(number).filter(|&n| n <= 1).ok_or_else(|| wrong("should be 0 or 1"))?
        }
        _ => unsigned(value).ok_or_else(|| wrong("is invalid"))?,
    };
    match number {
        0 => metrics.values.remove(&metric),
        number => metrics.values.insert(metric, number),
    };
    Ok(())
}

/// `get_time_rtt`: a number without a unit is in the kernel's own, so many to a millisecond.
fn time(word: &str, per_ms: u32) -> Option<u32> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let (digits, unit) = word.split_at(end);
    let number: f64 = digits.parse().ok()?;
    let scale = match unit.to_ascii_lowercase().as_str() {
        "" => 1.0,
        "s" | "sec" | "secs" => 1000.0,
        "ms" | "msec" | "msecs" => 1.0,
        _ => return None,
    };
    let ms = (number * scale).ceil();
    if ms >= f64::from(u32::MAX) {
        return None;
    }
    // Whole, not negative and below 2^32.
    Some((ms as u32).wrapping_mul(if unit.is_empty() { 1 } else { per_ms }))
}

/// `[to] [TYPE] PREFIX`.
fn destination<'a>(word: &'a str, words: &mut Words<'a>, said: &mut Said<'a>) -> Result<(), Stop> {
    let mut value = if word == "to" { words.value()? } else { word };
    if !value.starts_with(|c: char| c.is_ascii_digit())
        && let Some(kind) = names::route_type(value)
    {
        (said.kind, value) = (Some(kind), words.value()?);
    }
    if matches(value, "help") {
        return Err(usage());
    }
    if said.dst.is_some() {
        return Err(duparg2("to", value));
    }
    let dst = inet::prefix(value, said.family)?;
    said.family = said.family.or(dst.family);
    said.dst = Some(dst);
    Ok(())
}

/// `[FAMILY] ADDRESS`, after `via`.
fn gateway(words: &mut Words<'_>, family: &mut Family) -> Result<IpAddr, Stop> {
    let mut value = words.value()?;
    let asked = match Family::read(value) {
        Family::Unspec => *family,
        said => {
            value = words.value()?;
            said
        }
    };
    let addr = inet::address(value, asked)?;
    if !family.takes(Family::of(addr)) {
        return Err(unsupported("via of another family"));
    }
    *family = family.or(Family::of(addr));
    Ok(addr)
}

/// `nexthop …` to the end of the line.
fn nexthops(ip: &mut Ip<'_, '_>, mut words: Words<'_>, said: &mut Said<'_>) -> Result<Vec<Nexthop>, Stop> {
    let mut hops = Vec::new();
    while let Some(word) = words.next() {
        if word != "nexthop" {
            let text = format!("Error: \"nexthop\" or end of line is expected instead of \"{word}\"\n");
            return Err(Stop::exit(MINUS_ONE, text));
        }
        if words.peek().is_none() {
            return Err(Stop::exit(MINUS_ONE, "Error: unexpected end of line after \"nexthop\"\n"));
        }
        hops.push(one_nexthop(ip, &mut words, said)?);
    }
    Ok(hops)
}

fn one_nexthop(ip: &mut Ip<'_, '_>, words: &mut Words<'_>, said: &mut Said<'_>) -> Result<Nexthop, Stop> {
    let mut hop = Nexthop { via: None, dev: None, weight: 1, onlink: said.onlink };
    while let Some(word) = words.peek() {
        match word {
            "via" => {
                words.next();
                hop.via = Some(gateway(words, &mut said.family)?);
            }
            "dev" => {
                words.next();
                let name = words.value()?;
                let dev: Option<IfName> = ip.kernel.link(name)?.map(|(dev, _)| dev);
                hop.dev = Some(dev.ok_or_else(|| {
                    let text = format!("{}Error: cannot parse nexthop\n", nodev(name).text);
                    Stop::exit(MINUS_ONE, text)
                })?);
            }
            "weight" => {
                words.next();
                let value = words.value()?;
                let weight = unsigned(value).and_then(|n| u16::try_from(n).ok()).filter(|n| (1..=256).contains(n));
                hop.weight = weight.ok_or_else(|| invarg("\"weight\" is invalid\n", value))?;
            }
            "onlink" => {
                words.next();
                hop.onlink = true;
            }
            w if matches(w, "realms") || w == "encap" || w == "as" => return Err(unsupported(w)),
            _ => break,
        }
    }
    Ok(hop)
}
