//! Addresses in iproute2's words: what follows `ip addr add`, without `dev DEV`.
//!
//! Counterpart: `ip/ipaddress.c`. Deliberately absent: flags other than `noprefixroute` and `autojoin`, anycast.

use super::cursor::{Word, Words, WordsError, once, once_flag};
use super::route::{parse_scope, scope_word};
use crate::addr::{Address, Cidr, Scope, mask_v4};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

const REMEDY: &str = "use peer, brd, scope, label, metric, noprefixroute, autojoin, valid_lft or preferred_lft, as in `10.0.0.1/24 brd +`";

/// Reads an address.
pub fn parse(text: &str) -> Result<Address, WordsError> {
    let mut words = Words::new(text);
    let mut first = words.first("the address", "10.0.0.1/24")?;
    if first.text == "local" {
        first = words.value(first)?;
    }
    let mut out = Address::new(first.prefix()?);
    let (mut broadcast, mut scope, mut valid, mut preferred, mut metric) = (None, None, None, None, None);
    while let Some(key) = words.next() {
        match key.text {
            "peer" | "remote" => once(&mut out.peer, parse_peer(words.value(key)?, out.cidr)?, key)?,
            "brd" | "broadcast" => once(&mut broadcast, words.value(key)?, key)?,
            "scope" => once(&mut scope, parse_scope(words.value(key)?)?, key)?,
            "metric" => once(&mut metric, words.value(key)?.number("a metric", 0..=u32::MAX)?, key)?,
            "noprefixroute" => once_flag(&mut out.noprefixroute, key)?,
            "autojoin" => once_flag(&mut out.autojoin, key)?,
            "valid_lft" => once(&mut valid, parse_lifetime(words.value(key)?)?, key)?,
            "preferred_lft" => once(&mut preferred, parse_lifetime(words.value(key)?)?, key)?,
            "label" => once(&mut out.label, parse_label(words.value(key)?, out.cidr)?, key)?,
            _ => return Err(key.unknown(REMEDY)),
        }
    }
    if out.peer.is_some() {
        // The prefix length is the peer's; what was said with the local address does not count.
        out.cidr = Cidr::host(out.cidr.addr);
    }
    out.broadcast = broadcast.map(|word| parse_broadcast(word, out.peer.unwrap_or(out.cidr))).transpose()?;
    out.scope = scope.unwrap_or(out.scope);
    out.metric = metric.unwrap_or(0);
    (out.valid_lft, out.preferred_lft) = (valid.flatten(), preferred.flatten());
    Ok(out)
}

/// Writes an address, without what `ip addr add` makes by itself.
pub fn print(address: &Address) -> String {
    let mut out = match address.peer {
        Some(peer) => format!("{} peer {peer}", address.cidr.addr),
        None => address.cidr.to_string(),
    };
    if let Some(broadcast) = address.broadcast {
        write!(out, " brd {broadcast}").expect("a String takes all");
    }
    if address.scope != default_scope(address.cidr) {
        write!(out, " scope {}", scope_word(address.scope)).expect("a String takes all");
    }
    if let Some(label) = &address.label {
        write!(out, " label {label}").expect("a String takes all");
    }
    if address.metric != 0 {
        write!(out, " metric {}", address.metric).expect("a String takes all");
    }
    if address.noprefixroute {
        out += " noprefixroute";
    }
    if address.autojoin {
        out += " autojoin";
    }
    for (key, lifetime) in [("valid_lft", address.valid_lft), ("preferred_lft", address.preferred_lft)] {
        if let Some(seconds) = lifetime {
            write!(out, " {key} {seconds}").expect("a String takes all");
        }
    }
    out
}

/// Seconds, or `forever`.
fn parse_lifetime(word: Word<'_>) -> Result<Option<u32>, WordsError> {
    if word.text == "forever" {
        return Ok(None);
    }
    word.number("a number of seconds", 0..=u32::MAX - 1).map(Some)
}

fn default_scope(cidr: Cidr) -> Scope {
    Address::new(cidr).scope
}

fn parse_peer(word: Word<'_>, local: Cidr) -> Result<Cidr, WordsError> {
    let peer = word.prefix()?;
    if peer.addr.is_ipv4() != local.addr.is_ipv4() {
        return Err(word.error(format!("`{}` is not of the address's family", word.text), "keep to IPv4 or to IPv6"));
    }
    Ok(peer)
}

fn parse_label(word: Word<'_>, local: Cidr) -> Result<String, WordsError> {
    if local.addr.is_ipv6() {
        return Err(word.error("an IPv6 address has no label", "drop the label"));
    }
    if word.text.len() > 15 {
        return Err(word.error(format!("`{}` is too long a label", word.text), "write at most 15 bytes"));
    }
    Ok(word.text.to_owned())
}

/// `+` is the subnet's last address, `-` its first.
fn parse_broadcast(word: Word<'_>, subnet: Cidr) -> Result<Ipv4Addr, WordsError> {
    let IpAddr::V4(addr) = subnet.addr else {
        return Err(word.error("IPv6 has no broadcast", "drop `brd`"));
    };
    let host_bits = !mask_v4(subnet.len);
    match word.text {
        "+" | "-" if subnet.len > 30 => {
            Err(word.error(format!("a /{} has no broadcast address", subnet.len), "drop `brd` or give an address"))
        }
        "+" => Ok(Ipv4Addr::from_bits(addr.to_bits() | host_bits)),
        "-" => Ok(Ipv4Addr::from_bits(addr.to_bits() & !host_bits)),
        _ => word.ipv4(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(address) => {
                let printed = print(&address);
                assert_eq!(parse(&printed), Ok(address), "{printed}");
                printed
            }
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn addresses_are_iproute2s_words() {
        check("10.0.0.1/24", "10.0.0.1/24");
        check("10.0.0.1", "10.0.0.1/32");
        check("10.0.0.1/24 brd +", "10.0.0.1/24 brd 10.0.0.255");
        check("10.0.0.1/24 brd - scope link label eth0:1", "10.0.0.1/24 brd 10.0.0.0 scope link label eth0:1");
        check("10.0.0.1/24 peer 10.0.0.2", "10.0.0.1 peer 10.0.0.2/32");
        check("10.0.0.1 peer 10.0.0.2/24 brd +", "10.0.0.1 peer 10.0.0.2/24 brd 10.0.0.255");
        check("127.0.0.2/8", "127.0.0.2/8");
        check("127.0.0.2/8 scope global", "127.0.0.2/8 scope global");
    }

    #[test]
    fn complaints_name_the_word() {
        check("10.0.0.1/33", "\"10.0.0.1/33\" `33` is not a prefix length");
        check("10.0.0.1/24 dev eth0", "\"dev\" unknown word `dev`");
        check("10.0.0.1/31 brd +", "\"+\" a /31 has no broadcast address");
        check("fd00::1/64 brd +", "\"+\" IPv6 has no broadcast");
        check("10.0.0.1/24 peer fd00::1", "\"fd00::1\" `fd00::1` is not of the address's family");
    }

    proptest! {
        #[test]
        fn addresses_round_trip(
            local: u32, len in 0u8..=32, peer: Option<(u32, u8)>, brd: Option<u32>, scope: Option<u8>,
            metric: u32, label in prop::option::of("[a-z:]{1,15}"),
        ) {
            let v4 = |bits: u32| IpAddr::V4(bits.into());
            let peer = peer.map(|(bits, len)| Cidr::new(v4(bits), len % 33).unwrap());
            let cidr = if peer.is_some() { Cidr::host(v4(local)) } else { Cidr::new(v4(local), len).unwrap() };
            let plain = Address::new(cidr);
            let address = Address {
                peer,
                broadcast: brd.map(Into::into),
                scope: scope.map_or(plain.scope, Scope),
                label,
                metric,
                ..plain
            };
            prop_assert_eq!(parse(&print(&address)), Ok(address));
        }
    }
}
