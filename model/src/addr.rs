//! Addresses with a prefix length, and what an interface's address carries besides.
//!
//! Kernel counterpart: `struct in_ifaddr`, `linux/if_addr.h`. The simulator executes IPv4 only; the types hold both
//! families so that nothing above changes when IPv6 comes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// An address and a prefix length. The host part is kept: `192.168.20.1/24` is not `192.168.20.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    /// The address, host part included.
    pub addr: IpAddr,
    /// The prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub len: u8,
}

impl Cidr {
    /// `0.0.0.0/0`.
    pub const DEFAULT_V4: Cidr = Cidr { addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED), len: 0 };

    /// An address with its prefix length; `None` if the length is out of range.
    pub fn new(addr: IpAddr, len: u8) -> Option<Self> {
        let max = if addr.is_ipv4() { 32 } else { 128 };
        (len <= max).then_some(Cidr { addr, len })
    }

    /// A host's own prefix: /32 or /128.
    pub fn host(addr: IpAddr) -> Self {
        Cidr { addr, len: if addr.is_ipv4() { 32 } else { 128 } }
    }

    /// The IPv4 address and length, if it is one.
    pub fn v4(self) -> Option<(Ipv4Addr, u8)> {
        match self.addr {
            IpAddr::V4(a) => Some((a, self.len)),
            IpAddr::V6(_) => None,
        }
    }

    /// The same prefix with the host part zeroed.
    pub fn network(self) -> Self {
        let addr = match self.addr {
            IpAddr::V4(a) => IpAddr::V4((a.to_bits() & mask_v4(self.len)).into()),
            IpAddr::V6(a) => IpAddr::V6((a.to_bits() & mask_v6(self.len)).into()),
        };
        Cidr { addr, len: self.len }
    }

    /// Whether the host part is zero.
    pub fn is_network(self) -> bool {
        self.network() == self
    }

    /// Whether `addr` lies in this prefix. An address of the other family does not.
    pub fn contains(self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(n), IpAddr::V4(a)) => (n.to_bits() ^ a.to_bits()) & mask_v4(self.len) == 0,
            (IpAddr::V6(n), IpAddr::V6(a)) => (n.to_bits() ^ a.to_bits()) & mask_v6(self.len) == 0,
            _ => false,
        }
    }

    /// Whether this is the whole address space (`default`).
    pub fn is_default(self) -> bool {
        self.len == 0 && self.addr.is_unspecified()
    }
}

/// The netmask of an IPv4 prefix length (0 to 32).
pub fn mask_v4(len: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)
}

fn mask_v6(len: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)
}

/// Why `ADDRESS/LENGTH` did not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CidrError {
    /// The part before the slash is no IP address.
    Address(String),
    /// The part after the slash is no number in range.
    Length(String),
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CidrError::Address(s) => write!(f, "{s:?} is not an IP address"),
            CidrError::Length(s) => write!(f, "{s:?} is not a prefix length (0 to 32 for IPv4, 0 to 128 for IPv6)"),
        }
    }
}

impl std::error::Error for CidrError {}

impl FromStr for Cidr {
    type Err = CidrError;
    /// `A.B.C.D/LEN` or a bare address, which means /32 (or /128).
    fn from_str(s: &str) -> Result<Self, CidrError> {
        let (addr, len) = match s.split_once('/') {
            Some((a, l)) => (a, Some(l)),
            None => (s, None),
        };
        let ip: IpAddr = addr.parse().map_err(|_| CidrError::Address(addr.to_owned()))?;
        let Some(len) = len else { return Ok(Cidr::host(ip)) };
        let bad = || CidrError::Length(len.to_owned());
        if !len.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        Cidr::new(ip, len.parse().map_err(|_| bad())?).ok_or_else(bad)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How far an address or a route reaches: `RT_SCOPE_*` (`linux/rtnetlink.h`). Smaller numbers reach further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope(pub u8);

impl Scope {
    /// Everywhere (0).
    pub const GLOBAL: Scope = Scope(0);
    /// This site, IPv6 only (200).
    pub const SITE: Scope = Scope(200);
    /// This link (253).
    pub const LINK: Scope = Scope(253);
    /// This machine (254).
    pub const HOST: Scope = Scope(254);
    /// Nowhere (255).
    pub const NOWHERE: Scope = Scope(255);
}

/// An interface's address: what `ip addr add` says and `ip addr show` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The local address with the prefix length of its subnet; with a `peer`, /32 (/128).
    pub cidr: Cidr,
    /// The other end of a point-to-point address (`peer`); its length is then the subnet's.
    pub peer: Option<Cidr>,
    /// The broadcast address; `None` unless asked for (`brd`).
    pub broadcast: Option<Ipv4Addr>,
    /// The scope: global, or host for 127/8, unless said otherwise.
    pub scope: Scope,
    /// The label (IPv4 only), 1 to 15 bytes; `None`, also when observed, is the interface's own name.
    pub label: Option<String>,
    /// Second or later address of its subnet (derived by the machine; false in what is asked for).
    pub secondary: bool,
    /// It makes no route to its subnet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noprefixroute: bool,
    /// It is a group, which its interface joins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub autojoin: bool,
    /// The metric of the route to its subnet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub metric: u32,
    /// How long it lives, seconds; observed: how long it still does. `None`: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_lft: Option<u32>,
    /// How long it is preferred, at most as long as it lives. Observed without a limited life only as `deprecated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_lft: Option<u32>,
    /// It is preferred no more (derived by the machine; false in what is asked for).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
}

impl Address {
    /// An address as `ip addr add CIDR dev DEV` makes it.
    pub fn new(cidr: Cidr) -> Self {
        let loopback = matches!(cidr.addr, IpAddr::V4(a) if a.is_loopback());
        Address {
            cidr,
            peer: None,
            broadcast: None,
            scope: if loopback { Scope::HOST } else { Scope::GLOBAL },
            label: None,
            secondary: false,
            noprefixroute: false,
            autojoin: false,
            metric: 0,
            valid_lft: None,
            preferred_lft: None,
            deprecated: false,
        }
    }
}

fn is_zero(metric: &u32) -> bool {
    *metric == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cidrs_round_trip_and_refuse() {
        let c: Cidr = "192.168.20.2/21".parse().unwrap();
        assert_eq!(c.network().to_string(), "192.168.16.0/21");
        assert!(c.contains("192.168.23.255".parse().unwrap()));
        assert!(!c.contains("192.168.24.0".parse().unwrap()));
        assert!("10.0.0.1/33".parse::<Cidr>().is_err());
        assert!("10.0.0.1/+3".parse::<Cidr>().is_err());
        assert!("10.0.0/8".parse::<Cidr>().is_err());
        assert_eq!("10.0.0.1".parse::<Cidr>().unwrap().len, 32);
        assert!(Cidr::DEFAULT_V4.contains("8.8.8.8".parse().unwrap()));
    }
}
