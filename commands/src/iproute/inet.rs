//! Addresses, prefixes and hardware addresses as iproute2 reads them.
//!
//! Counterpart: `get_addr_1()`, `get_prefix_1()` of `lib/utils.c`, `ll_addr_a2n()` of `lib/ll_addr.c`. Deliberately absent:
//! MPLS labels, names of hosts.

use super::args::{Stop, unsigned};
use crate::number::strtol_rest;
use nettwin_model::{Cidr, Mac};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses a command is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Family {
    /// Not said.
    #[default]
    Unspec,
    /// `-4`.
    Inet,
    /// `-6`.
    Inet6,
    /// `-0`: hardware addresses.
    Packet,
    /// `-M`.
    Mpls,
    /// `-B`.
    Bridge,
}

impl Family {
    /// By name; unknown names are [`Family::Unspec`].
    pub(crate) fn read(word: &str) -> Self {
        match word {
            "inet" => Family::Inet,
            "inet6" => Family::Inet6,
            "link" => Family::Packet,
            "mpls" => Family::Mpls,
            "bridge" => Family::Bridge,
            _ => Family::Unspec,
        }
    }

    /// That of an address.
    pub(crate) fn of(addr: IpAddr) -> Self {
        if addr.is_ipv4() { Family::Inet } else { Family::Inet6 }
    }

    /// This one, or what is not said yet, `other`.
    pub(crate) fn or(self, other: Family) -> Self {
        if self == Family::Unspec { other } else { self }
    }

    /// Whether an address of this family may be given where `self` is asked for.
    pub(crate) fn takes(self, family: Family) -> bool {
        self == Family::Unspec || self == family
    }

    fn word(self) -> &'static str {
        match self {
            Family::Unspec => "any valid",
            Family::Inet => "inet",
            Family::Inet6 => "inet6",
            Family::Packet => "link",
            Family::Mpls => "mpls",
            Family::Bridge => "bridge",
        }
    }
}

/// An address with a prefix length (`inet_prefix`). `default`, `all` and `any` have no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// The address.
    pub(crate) addr: Option<IpAddr>,
    /// Its family; that which was asked for where there is no address.
    pub(crate) family: Family,
    /// The prefix length.
    pub(crate) len: u8,
    /// The length was said (`default` counts as said).
    pub(crate) specified: bool,
}

impl Prefix {
    /// As a prefix of the model; what has no address is that of IPv4.
    pub(crate) fn cidr(self) -> Cidr {
        match (self.addr, self.family) {
            (Some(addr), _) => Cidr { addr, len: self.len },
            (None, Family::Inet6) => Cidr { addr: IpAddr::V6(Ipv6Addr::UNSPECIFIED), len: 0 },
            (None, _) => Cidr::DEFAULT_V4,
        }
    }

    /// Whether `addr` is in the prefix; anything is where no address or no length is said (`inet_addr_match_rta`).
    pub(crate) fn admits(self, addr: IpAddr) -> bool {
        self.len == 0 || self.addr.is_none() || self.cidr().contains(addr)
    }
}

/// An address, where `family` is asked for.
pub(crate) fn address(word: &str, family: Family) -> Result<IpAddr, Stop> {
    let expected = || format!("Error: {} address is expected rather than \"{word}\".\n", family.word());
    match addr_1(word, family) {
        Some(Read::Addr(addr)) => Ok(addr),
        // An address of no bytes, which no request takes.
        Some(Read::Any { .. }) => Err(Stop::unsupported("ip", word)),
        None => Err(Stop::exit(1, expected())),
    }
}

/// A prefix, where `family` is asked for.
pub(crate) fn prefix(word: &str, family: Family) -> Result<Prefix, Stop> {
    if family == Family::Packet {
        let text = format!("Error: \"{word}\" may be inet prefix, but it is not allowed in this context.\n");
        return Err(Stop::exit(1, text));
    }
    prefix_1(word, family)
        .ok_or_else(|| Stop::exit(1, format!("Error: {} prefix is expected rather than \"{word}\".\n", family.word())))
}

enum Read {
    Addr(IpAddr),
    Any { specified: bool },
}

fn addr_1(word: &str, family: Family) -> Option<Read> {
    match word {
        "default" => return Some(Read::Any { specified: true }),
        "all" | "any" => return Some(Read::Any { specified: false }),
        _ => {}
    }
    let addr = if word.contains(':') { IpAddr::V6(word.parse().ok()?) } else { IpAddr::V4(ipv4(word)?) };
    family.takes(Family::of(addr)).then_some(Read::Addr(addr))
}

fn prefix_1(word: &str, family: Family) -> Option<Prefix> {
    let (text, length) = match word.split_once('/') {
        Some((text, length)) => (text, Some(length)),
        None => (word, None),
    };
    match (addr_1(text, family)?, length) {
        (Read::Any { .. }, Some(_)) => None,
        (Read::Any { specified }, None) => Some(Prefix { addr: None, family, len: 0, specified }),
        (Read::Addr(addr), length) => {
            let host = Cidr::host(addr).len;
            let len = match length {
                Some(length) => u8::try_from(netmask(length)?).ok().filter(|len| *len <= host)?,
                None => host,
            };
            Some(Prefix { addr: Some(addr), family: Family::of(addr), len, specified: length.is_some() })
        }
    }
}

/// A prefix length, or a netmask that stands for one.
fn netmask(word: &str) -> Option<u32> {
    if let Some(n) = unsigned(word) {
        return Some(n);
    }
    let host = !ipv4(word)?.to_bits();
    (host & host.wrapping_add(1) == 0).then_some(host.leading_zeros())
}

/// `A[.B[.C[.D]]]`, each in any base, what is left out zero: `10.8` is `10.8.0.0`.
fn ipv4(word: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut text = word;
    for (i, octet) in octets.iter_mut().enumerate() {
        let (n, rest) = strtol_rest(text, 0)?;
        *octet = n.try_into().ok()?;
        if rest.is_empty() {
            return Some(octets.into());
        }
        text = rest.strip_prefix('.').filter(|_| i < 3)?;
    }
    None
}

/// The bytes of a hardware address, at most `max` (`ll_addr_a2n`); with a dot it is an IPv4 address's four.
pub(crate) fn ll_addr(word: &str, max: usize) -> Result<Vec<u8>, Stop> {
    let invalid = |part: &str| Stop::back(1, format!("\"{part}\" is invalid lladdr.\n"));
    if word.contains('.') {
        return ipv4(word).map(|a| a.octets().to_vec()).ok_or_else(|| invalid(word));
    }
    let mut bytes = Vec::new();
    for part in word.split(':').take(max) {
        // sscanf("%x"): what follows the number does not count.
        let n = strtol_rest(part, 16).and_then(|(n, _)| u8::try_from(n).ok());
        bytes.push(n.ok_or_else(|| invalid(part))?);
    }
    Ok(bytes)
}

/// The same as an Ethernet address; `Err` with its length if it is no such.
pub(crate) fn mac(word: &str) -> Result<Result<Mac, usize>, Stop> {
    let bytes = ll_addr(word, 32)?;
    Ok(<[u8; 6]>::try_from(bytes).map(Mac).map_err(|bytes| bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str, family: Family) -> String {
        match prefix(word, family) {
            Ok(p) => format!("{:?}/{}{}", p.addr, p.len, if p.specified { "!" } else { "" }),
            Err(stop) => stop.text,
        }
    }

    #[test]
    fn prefixes_are_read_as_iproute2_reads_them() {
        assert_eq!(read("10.8/16", Family::Unspec), "Some(10.8.0.0)/16!");
        assert_eq!(read("0x0a.010.0.1", Family::Unspec), "Some(10.8.0.1)/32");
        assert_eq!(read("10.0.0.0/255.255.0.0", Family::Unspec), "Some(10.0.0.0)/16!");
        assert_eq!(read("default", Family::Inet), "None/0!");
        assert_eq!(read("any", Family::Inet), "None/0");
        assert_eq!(read("fd00::1/64", Family::Unspec), "Some(fd00::1)/64!");
        assert_eq!(read("10.0.0.0/33", Family::Inet), "Error: inet prefix is expected rather than \"10.0.0.0/33\".\n");
        for bad in ["", "x", "10.", "10.0.0.0.0", "256", "10.0.0.0/", "10.0.0.0/255.0.255.0", "default/8", "::1::"] {
            assert!(prefix_1(bad, Family::Unspec).is_none(), "{bad}");
        }
        assert!(prefix_1("fd00::1", Family::Inet).is_none());
    }

    #[test]
    fn hardware_addresses_are_read_loosely() {
        assert_eq!(mac("2:0:0:0:0:1"), Ok(Ok(Mac([2, 0, 0, 0, 0, 1]))));
        assert_eq!(mac("02:00:00"), Ok(Err(3)));
        assert_eq!(mac("02:0z:0x11:0:0:0"), Ok(Ok(Mac([2, 0, 0x11, 0, 0, 0]))));
        assert_eq!(mac("02:zz:00:00:00:00").unwrap_err().text, "\"zz\" is invalid lladdr.\n");
        assert_eq!(mac("02:100:00").unwrap_err().text, "\"100\" is invalid lladdr.\n");
        assert_eq!(mac("10.0.0.1"), Ok(Err(4)));
    }
}
