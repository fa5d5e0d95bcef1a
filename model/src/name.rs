//! Names and hardware addresses: parsed once, valid ever after.
//!
//! Kernel counterpart: `dev_valid_name()` in `net/core/dev.c`, `is_valid_ether_addr()`. A namespace's name is a file's
//! name under `/run/netns`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing between the quotes.
    Empty,
    /// Longer than the limit, in bytes.
    TooLong {
        /// The greatest length allowed, in bytes.
        limit: usize,
        /// The length found, in bytes.
        found: usize,
    },
    /// A byte that the kernel refuses in such a name: `/`, `:`, white space, a control character.
    BadByte(char),
    /// `.` or `..`.
    Dots,
    /// Not six hexadecimal pairs joined by colons.
    NotAMac,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Empty => f.write_str("the name is empty"),
            NameError::TooLong { limit, found } => {
                write!(f, "the name has {found} bytes, the limit is {limit}")
            }
            NameError::BadByte(c) => write!(f, "the name holds {c:?}, which is not allowed"),
            NameError::Dots => f.write_str("`.` and `..` are not names"),
            NameError::NotAMac => f.write_str("a MAC address is six hexadecimal pairs joined by colons"),
        }
    }
}

impl std::error::Error for NameError {}

fn check_name(s: &str, limit: usize) -> Result<(), NameError> {
    if s.is_empty() {
        return Err(NameError::Empty);
    }
    if s.len() > limit {
        return Err(NameError::TooLong { limit, found: s.len() });
    }
    if s == "." || s == ".." {
        return Err(NameError::Dots);
    }
    match s.chars().find(|&c| c == '/' || c == ':' || c.is_whitespace() || c.is_control()) {
        Some(c) => Err(NameError::BadByte(c)),
        None => Ok(()),
    }
}

/// The name of a network namespace. 1 to 200 bytes; no `/`, `:`, white space or control characters.
///
/// `host` is reserved for the machine's initial namespace: see [`NetnsName::is_host`] and [`NetnsName::of_file`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetnsName(Arc<str>);

impl NetnsName {
    /// The greatest length in bytes; a file's name may have 255, a lab's prefix needs room.
    pub const MAX_BYTES: usize = 200;
    /// The reserved name of the machine's initial namespace.
    pub const HOST: &'static str = "host";

    /// Parses a namespace's name.
    pub fn new(s: &str) -> Result<Self, NameError> {
        check_name(s, Self::MAX_BYTES)?;
        Ok(NetnsName(s.into()))
    }

    /// The machine's initial namespace: in the simulator a namespace like the others, in the kernel backend one of the
    /// lab's own that plays it.
    pub fn host() -> Self {
        NetnsName(Self::HOST.into())
    }

    /// The namespace that somebody calls so with `ip netns add`: a file may be called `host`, too.
    pub fn of_file(name: &str) -> Result<Self, NameError> {
        if name == Self::HOST { Ok(NetnsName(CALLED_HOST.into())) } else { Self::new(name) }
    }

    /// What its file below `/run/netns` is called, if it has one.
    pub fn file(&self) -> &str {
        if &*self.0 == CALLED_HOST { Self::HOST } else { &self.0 }
    }

    /// Whether this is the machine's initial namespace.
    pub fn is_host(&self) -> bool {
        &*self.0 == Self::HOST
    }

    /// The one that a process made for itself (`unshare -n`), by the process's number.
    pub fn of_process(pid: u32) -> Self {
        NetnsName(format!("{UNSHARED}{pid}").into())
    }

    /// The process that made it for itself, if one did.
    pub fn process(&self) -> Option<u32> {
        self.0.strip_prefix(UNSHARED)?.parse().ok()
    }

    /// Whether it has a name below `/run/netns`: the initial one has none, nor has what a process made for itself.
    pub fn is_named(&self) -> bool {
        !self.is_host() && self.process().is_none()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a namespace is called whose file is called as the initial one is here.
const CALLED_HOST: &str = "named.host";
/// How the names begin of namespaces that processes made for themselves; nobody sees them.
const UNSHARED: &str = "unshared.";

/// The name of an interface. 1 to 15 bytes (`IFNAMSIZ` - 1); no `/`, `:` or white space; not `.` or `..`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IfName {
    len: u8,
    bytes: [u8; 15],
}

impl IfName {
    /// The greatest length in bytes: `IFNAMSIZ` less the terminating zero.
    pub const MAX_BYTES: usize = 15;

    /// Parses an interface's name.
    pub fn new(s: &str) -> Result<Self, NameError> {
        check_name(s, Self::MAX_BYTES)?;
        let mut bytes = [0; 15];
        bytes[..s.len()].copy_from_slice(s.as_bytes());
        // check_name bounds the length by 15.
        Ok(IfName { len: s.len() as u8, bytes })
    }

    /// The loopback device.
    pub fn lo() -> Self {
        let mut bytes = [0; 15];
        bytes[..2].copy_from_slice(b"lo");
        IfName { len: 2, bytes }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("built from a &str")
    }
}

impl PartialOrd for IfName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for IfName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Behind a name there are zeros, which no name has in it.
        self.bytes.cmp(&other.bytes)
    }
}

/// An Ethernet hardware address.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// All zero: no address.
    pub const ZERO: Mac = Mac([0; 6]);
    /// All ones: everybody on the wire.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

    /// Whether the group bit is set (multicast and broadcast).
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether a device may have it: not multicast, not zero (`is_valid_ether_addr`).
    pub fn is_valid_unicast(self) -> bool {
        !self.is_multicast() && self != Mac::ZERO
    }
}

impl FromStr for Mac {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        let mut out = [0; 6];
        let mut parts = s.split(':');
        for byte in &mut out {
            let part = parts.next().filter(|p| (1..=2).contains(&p.len())).ok_or(NameError::NotAMac)?;
            if !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(NameError::NotAMac);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| NameError::NotAMac)?;
        }
        if parts.next().is_some() {
            return Err(NameError::NotAMac);
        }
        Ok(Mac(out))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for NetnsName {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        NetnsName::new(s)
    }
}

impl FromStr for IfName {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        IfName::new(s)
    }
}

impl fmt::Display for NetnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! text_serde {
    ($($t:ty),*) => {$(
        impl fmt::Debug for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
text_serde!(NetnsName, IfName, Mac);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_as_the_kernel_bounds_them() {
        assert!(IfName::new("abcdefghijklmno").is_ok());
        assert_eq!(IfName::new("abcdefghijklmnop"), Err(NameError::TooLong { limit: 15, found: 16 }));
        assert_eq!(IfName::new(".."), Err(NameError::Dots));
        assert_eq!(IfName::new("a/b"), Err(NameError::BadByte('/')));
        assert_eq!(IfName::new("a b"), Err(NameError::BadByte(' ')));
        assert_eq!(NetnsName::new(""), Err(NameError::Empty));
    }

    #[test]
    fn macs_round_trip() {
        let mac: Mac = "02:00:5e:10:00:ff".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:5e:10:00:ff");
        assert!("02:00:5e:10:00".parse::<Mac>().is_err());
        assert!("02:00:5e:10:00:ff:11".parse::<Mac>().is_err());
        assert!("+2:00:5e:10:00:ff".parse::<Mac>().is_err());
    }
}
