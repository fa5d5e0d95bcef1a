//! The strings of a topology: names, devices, times, and iproute2's words, each with the place of what is wrong in it.
//!
//! Deliberately absent: the grammar of the words themselves (that is in [`crate::words`]).

use super::End;
use super::tree::Node;
use crate::addr::Address;
use crate::complaint::{Complaint, Placed, Span};
use crate::firewall::{self, FilterIntent, NatIntent};
use crate::impair::Impairment;
use crate::name::{IfName, Mac, NameError, NetnsName};
use crate::neigh::{FdbEntry, Neigh};
use crate::nexthop::{NexthopKind, NexthopObject};
use crate::route::Route;
use crate::rule::Rule;
use crate::virtuals::Virtual;
use crate::vlan::VlanRange;
use crate::words::{self, WordsError};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::time::Duration;

/// A string's parser: what it says, or what is wrong at which of its bytes, and the remedy.
pub(crate) type Piece<T> = Result<T, Wrong>;

/// What is wrong in a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) at: Range<usize>,
    pub(crate) help: String,
}

impl Wrong {
    fn new(code: &'static str, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Wrong { code, message: message.into(), at, help: help.into() }
    }

    /// The complaint, for a string of the file.
    pub(super) fn in_node(self, source: &str, node: &Node) -> Complaint {
        let place = node.place_within(source, self.at.clone());
        self.at_place(place)
    }

    /// The complaint, at a place known otherwise.
    pub(crate) fn at_place(self, span: Span) -> Complaint {
        Complaint::error(self.code, span, self.message).help(self.help)
    }

    /// Moved by `offset` bytes, for a part of a string.
    fn shifted(mut self, offset: usize) -> Self {
        self.at = self.at.start + offset..self.at.end + offset;
        self
    }
}

impl From<WordsError> for Wrong {
    fn from(e: WordsError) -> Self {
        Wrong::new("bad-words", e.at, e.message, e.remedy)
    }
}

/// Parses a string of the file, or complains.
pub(super) fn read<T>(
    source: &str,
    node: &Node,
    complaints: &mut Vec<Complaint>,
    parse: impl FnOnce(&str) -> Piece<T>,
) -> Option<Placed<T>> {
    match parse(node.text()?) {
        Ok(value) => Some(Placed::new(value, node.place())),
        Err(wrong) => {
            complaints.push(wrong.in_node(source, node));
            None
        }
    }
}

pub(crate) fn netns(s: &str) -> Piece<NetnsName> {
    NetnsName::new(s).map_err(|e| bad_name("namespace", s, e))
}

pub(crate) fn device(s: &str) -> Piece<IfName> {
    IfName::new(s).map_err(|e| bad_name("interface", s, e))
}

fn bad_name(of: &str, s: &str, e: NameError) -> Wrong {
    let (code, help) = match e {
        NameError::TooLong { limit, .. } => ("name-too-long", format!("shorten it to {limit} bytes")),
        _ => ("bad-name", "use letters, digits, `-`, `_` and `.`".to_owned()),
    };
    Wrong::new(code, 0..s.len(), format!("{s:?} cannot name a {of}: {e}").replace("a interface", "an interface"), help)
}

/// A lab's name: it becomes a part of file names.
pub(crate) fn lab(s: &str) -> Piece<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if s.is_empty() || s.len() > 40 || s.starts_with(['.', '-']) || !s.chars().all(good) {
        let help = "use 1 to 40 letters, digits, `.`, `_` and `-`, a letter or digit first";
        return Err(Wrong::new("bad-name", 0..s.len(), format!("{s:?} cannot name a lab"), help));
    }
    Ok(s.to_owned())
}

/// `h1:eth0`, or `s1` for a bridge's own device where `bare` says that it may be one.
pub(crate) fn end(s: &str, bare: bool) -> Piece<End> {
    let help = "write NAMESPACE:INTERFACE or BRIDGE:PORT, as in \"h1:eth0\"";
    let (node, dev) = match s.split_once(':') {
        Some(parts) => parts,
        None if bare => (s, s),
        None => return Err(Wrong::new("bad-end", 0..s.len(), format!("{s:?} does not say which interface"), help)),
    };
    let offset = s.len() - dev.len();
    let node = netns(node)?;
    let dev = device(dev).map_err(|e| e.shifted(offset))?;
    if dev == IfName::lo() && !bare {
        let message = format!("{s:?} is the loopback device, which no wire can end in");
        return Err(Wrong::new("bad-end", 0..s.len(), message, "name another interface"));
    }
    Ok(End::new(node, dev))
}

pub(crate) fn mac(s: &str) -> Piece<Mac> {
    let wrong = |message: String| {
        Wrong::new("bad-mac", 0..s.len(), message, "write six hexadecimal pairs, as in \"02:00:00:00:00:01\"")
    };
    let mac: Mac = s.parse().map_err(|e| wrong(format!("{s:?}: {e}")))?;
    if !mac.is_valid_unicast() {
        return Err(wrong(format!("{s:?} is no device's MAC: it is zero or a group's")));
    }
    Ok(mac)
}

pub(crate) fn ipv4(s: &str) -> Piece<Ipv4Addr> {
    match s.parse() {
        Ok(IpAddr::V4(a)) => Ok(a),
        Ok(IpAddr::V6(_)) => Err(ipv6(0..s.len(), s)),
        Err(_) => {
            Err(Wrong::new("bad-address", 0..s.len(), format!("{s:?} is not an IPv4 address"), "as in \"10.0.0.1\""))
        }
    }
}

/// An address in `ip address`'s words.
pub(crate) fn address(s: &str) -> Piece<Address> {
    let first = s.split_whitespace().next().unwrap_or("");
    if let Some((addr, _)) = first.split_once('/').or(Some((first, "")))
        && addr.parse::<std::net::Ipv6Addr>().is_ok()
    {
        return Err(ipv6(0..s.len(), first));
    }
    words::addr::parse(s).map_err(|e| Wrong { code: "bad-address", ..e.into() })
}

/// A route in `ip route`'s words.
pub(crate) fn route(s: &str) -> Piece<Route> {
    let route = words::route::parse(s).map_err(|e| Wrong { code: "bad-route", ..e.into() })?;
    let gateways = route.nexthops.iter().filter_map(|n| n.via);
    if let Some(v6) = std::iter::once(route.dst.addr).chain(route.prefsrc).chain(gateways).find(IpAddr::is_ipv6) {
        return Err(ipv6(0..s.len(), &v6.to_string()));
    }
    Ok(route)
}

/// A nexthop object in `ip nexthop`'s words; a topology says its number.
pub(crate) fn nexthop(s: &str) -> Piece<NexthopObject> {
    let nexthop = words::nexthop::parse(s).map_err(|e| Wrong { code: "bad-nexthop", ..e.into() })?;
    if let NexthopKind::Way { via: Some(via @ IpAddr::V6(_)), .. } = nexthop.kind {
        return Err(ipv6(0..s.len(), &via.to_string()));
    }
    if nexthop.id == 0 {
        let help = "write a number of your own, as in `id 1 via 10.0.0.254 dev eth0`";
        return Err(Wrong::new("bad-nexthop", 0..s.len(), "the nexthop has no number", help));
    }
    Ok(nexthop)
}

/// A policy rule in `ip rule`'s words.
pub(crate) fn rule(s: &str) -> Piece<Rule> {
    let rule = words::rule::parse(s).map_err(|e| Wrong { code: "bad-rule", ..e.into() })?;
    if let Some(v6) = rule.from.iter().chain(&rule.to).map(|c| c.addr).find(IpAddr::is_ipv6) {
        return Err(ipv6(0..s.len(), &v6.to_string()));
    }
    Ok(rule)
}

/// A line of `nat`.
pub(crate) fn nat(s: &str) -> Piece<NatIntent> {
    firewall::parse_nat(s).map_err(|e| Wrong { code: "bad-nat", ..e.into() })
}

/// A line of `firewall`.
pub(crate) fn filter(s: &str) -> Piece<FilterIntent> {
    firewall::parse_filter(s).map_err(|e| Wrong { code: "bad-firewall", ..e.into() })
}

/// A kind of device in `ip link`'s words.
pub(crate) fn kind(s: &str) -> Piece<Virtual> {
    match words::virtuals::parse(s).map_err(|e| Wrong { code: "bad-kind", ..e.into() })? {
        Virtual::Vrf { .. } => {
            let help = "say rules and tables instead, as in rules = [\"iif eth0 lookup 10\"]";
            Err(Wrong::new("bad-kind", 0..s.len(), "a topology has no VRFs", help))
        }
        kind => Ok(kind),
    }
}

/// A neighbour in `ip neigh`'s words.
pub(crate) fn neighbour(s: &str) -> Piece<Neigh> {
    let neigh = words::neigh::parse(s).map_err(|e| Wrong { code: "bad-neighbour", ..e.into() })?;
    if neigh.dst.is_ipv6() {
        return Err(ipv6(0..s.len(), &neigh.dst.to_string()));
    }
    Ok(neigh)
}

/// A forwarding database entry in `bridge fdb`'s words; `bridge` is whose it is.
pub(crate) fn fdb(s: &str, bridge: IfName) -> Piece<FdbEntry> {
    words::fdb::parse(s, bridge).map_err(|e| Wrong { code: "bad-fdb", ..e.into() })
}

/// VLANs in `bridge vlan`'s words.
pub(crate) fn vlans(s: &str) -> Piece<VlanRange> {
    words::vlan::parse(s).map_err(|e| Wrong { code: "bad-vlan", ..e.into() })
}

/// An impairment in netem's words; nothing, or `none`, for none.
pub(crate) fn netem(s: &str) -> Piece<Option<Impairment>> {
    if s.trim().is_empty() || s.trim() == "none" {
        return Ok(None);
    }
    words::netem::parse(s).map(Some).map_err(|e| Wrong { code: "bad-impairment", ..e.into() })
}

/// A time with its unit: `500ms`, `1.5s`, `2min`.
pub(crate) fn duration(s: &str) -> Piece<Duration> {
    let wrong = |message: String| {
        Wrong::new("bad-time", 0..s.len(), message, "write a number and its unit, as in \"500ms\" or \"5s\"")
    };
    let digits = s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, unit) = s.split_at(digits);
    let unit_ns: u128 = match unit.trim_start() {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => return Err(wrong(format!("{s:?} has no unit"))),
        other => return Err(wrong(format!("{other:?} is not a unit of time (ns, us, ms, s, min, h)"))),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let plain = |part: &str| part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || (number.contains('.') && fraction.is_empty()) {
        return Err(wrong(format!("{number:?} is not a number of at most nine digits")));
    }
    let billionths = format!("{fraction:0<9}").parse::<u128>().map_err(|_| wrong("not a number".into()))?;
    let whole = whole.parse::<u128>().map_err(|_| wrong("not a number".into()))?;
    let ns = whole * unit_ns + billionths * unit_ns / 1_000_000_000;
    u64::try_from(ns).map(Duration::from_nanos).map_err(|_| wrong(format!("{s:?} is too long")))
}

/// A duration as [`duration`] reads it, in the largest unit that needs no fraction.
pub(crate) fn print_duration(d: Duration) -> String {
    let ns = d.as_nanos();
    for (unit, size) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if ns.is_multiple_of(size) && ns / size <= 999_999_999 {
            return format!("{}{unit}", ns / size);
        }
    }
    format!("{ns}ns")
}

fn ipv6(at: Range<usize>, what: &str) -> Wrong {
    Wrong::new("ipv6", at, format!("{what:?} is IPv6, which is not supported yet"), "write IPv4 addresses")
}

/// A part of a string and where it begins.
pub(crate) type Part<'a> = (&'a str, usize);

/// `a -> b`: both sides with their places in the string.
pub(crate) fn arrow(s: &str) -> Piece<(Part<'_>, Part<'_>)> {
    let Some((from, to)) = s.split_once("->") else {
        let help = "write SOURCE -> DESTINATION, as in \"h1 -> h2\"";
        return Err(Wrong::new("bad-flow", 0..s.len(), format!("{s:?} has no `->`"), help));
    };
    let to_at = from.len() + 2 + (to.len() - to.trim_start().len());
    let from_at = from.len() - from.trim_start().len();
    Ok(((from.trim(), from_at), (to.trim(), to_at)))
}

/// `b:80`: the destination and its port.
pub(crate) fn with_port(s: &str, at: usize) -> Piece<(&str, u16)> {
    let help = "write the port behind the destination, as in \"h1 -> h2:80\"";
    let Some((to, port)) = s.rsplit_once(':') else {
        return Err(Wrong::new("bad-flow", at..at + s.len(), format!("{s:?} has no port"), help));
    };
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(n) if digits && n > 0 => Ok((to, n)),
        _ => {
            let port_at = at + to.len() + 1;
            let message = format!("{port:?} is not a port (1 to 65535)");
            Err(Wrong::new("bad-flow", port_at..port_at + port.len(), message, help))
        }
    }
}

/// Moves what is wrong in a part of a string to its place in the whole.
pub(crate) fn part<T>(piece: Piece<T>, offset: usize) -> Piece<T> {
    piece.map_err(|e| e.shifted(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for (text, ns) in [("5s", 5_000_000_000), ("1.5s", 1_500_000_000), ("2 min", 120_000_000_000), ("7ns", 7)] {
            assert_eq!(duration(text).unwrap(), Duration::from_nanos(ns), "{text}");
            assert_eq!(duration(&print_duration(Duration::from_nanos(ns))).unwrap(), Duration::from_nanos(ns));
        }
        for bad in ["", "5", "s", "5 parsecs", ".5s", "5.s", "1e3s", "-1s", "9999999999s", "1.2.3s", "é"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ends_say_which_half_is_wrong() {
        assert_eq!(end("h1:eth0", false).unwrap().to_string(), "h1:eth0");
        assert_eq!(end("s1", true).unwrap().to_string(), "s1");
        assert_eq!(end("h1", false).unwrap_err().code, "bad-end");
        let long = end("h1:a_name_of_17_bytes", false).unwrap_err();
        assert_eq!((long.code, long.at), ("name-too-long", 3..21));
        assert_eq!(end("h1:lo", false).unwrap_err().code, "bad-end");
    }

    #[test]
    fn flows_say_which_part_is_wrong() {
        assert_eq!(arrow(" h1 ->  h2").unwrap(), (("h1", 1), ("h2", 8)));
        assert_eq!(with_port("h2:80", 6).unwrap(), ("h2", 80));
        assert_eq!(with_port("h2:0", 6).unwrap_err().at, 9..10);
        assert_eq!(with_port("h2", 6).unwrap_err().at, 6..8);
    }
}
