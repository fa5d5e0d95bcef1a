//! Sysctl names, and the baseline that every namespace gets explicitly.
//!
//! Kernel counterpart: `/proc/sys/net`. A new namespace copies `net.ipv4.conf` from the initial one, so a lab that
//! depends on a value must write it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

/// A sysctl's path below `/proc/sys`, with slashes: `net/ipv4/ip_forward`.
///
/// The dotted form is accepted; a dot inside an interface's name is written with slashes throughout, as `sysctl(8)`
/// has it (`net/ipv4/conf/eth0.1/forwarding`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SysctlKey(Arc<str>);

impl SysctlKey {
    /// Parses either form. Only names below `net` are nettwin's business.
    pub fn new(s: &str) -> Result<Self, SysctlError> {
        // sysctl(8): the first separator decides which of the two is the separator; the other is swapped.
        let slashes = s.find('/').is_some_and(|i| s.find('.').is_none_or(|j| i < j));
        let path: String = if slashes {
            s.to_owned()
        } else {
            s.chars()
                .map(|c| {
                    if c == '.' {
                        '/'
                    } else if c == '/' {
                        '.'
                    } else {
                        c
                    }
                })
                .collect()
        };
        let mut parts = path.split('/');
        if parts.next() != Some("net") || path.len() > 200 {
            return Err(SysctlError::NotNet);
        }
        let bad =
            |p: &str| p.is_empty() || p == "." || p == ".." || p.chars().any(|c| c.is_whitespace() || c.is_control());
        if path.split('/').count() < 3 || path.split('/').any(bad) {
            return Err(SysctlError::Shape);
        }
        Ok(SysctlKey(path.into()))
    }

    /// The path below `/proc/sys`.
    pub fn path(&self) -> &str {
        &self.0
    }

    /// The dotted name that `sysctl` prints.
    pub fn dotted(&self) -> String {
        self.0
            .chars()
            .map(|c| {
                if c == '/' {
                    '.'
                } else if c == '.' {
                    '/'
                } else {
                    c
                }
            })
            .collect()
    }
}

/// Why a sysctl's name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SysctlError {
    /// Not below `net`.
    NotNet,
    /// Empty parts, dots, white space, or no leaf.
    Shape,
}

impl fmt::Display for SysctlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SysctlError::NotNet => "a namespace's sysctls are those below net, as in net.ipv4.ip_forward",
            SysctlError::Shape => "a sysctl's name is dotted parts, as in net.ipv4.conf.all.rp_filter",
        })
    }
}

impl std::error::Error for SysctlError {}

impl FromStr for SysctlKey {
    type Err = SysctlError;
    fn from_str(s: &str) -> Result<Self, SysctlError> {
        SysctlKey::new(s)
    }
}

impl fmt::Display for SysctlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dotted())
    }
}

impl fmt::Debug for SysctlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for SysctlKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SysctlKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// [`BASELINE`] by its keys.
pub fn baseline() -> &'static BTreeMap<SysctlKey, String> {
    static KEYED: LazyLock<BTreeMap<SysctlKey, String>> = LazyLock::new(|| {
        let keyed = |(path, value): &(&str, &str)| SysctlKey::new(path).ok().map(|key| (key, (*value).to_owned()));
        BASELINE.iter().filter_map(keyed).collect()
    });
    &KEYED
}

/// Two names of one setting: whether a namespace forwards.
pub const FORWARDING: &[&str] = &["net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding"];

/// What a fresh namespace must have so that both machines start alike, in the order of writing. Per-interface values
/// follow from `default`, which is written before any interface but `lo` exists.
pub const BASELINE: &[(&str, &str)] = &[
    ("net/ipv6/conf/all/disable_ipv6", "1"),
    ("net/ipv6/conf/default/disable_ipv6", "1"),
    ("net/ipv4/ip_forward", "0"),
    ("net/ipv4/conf/all/accept_local", "0"),
    ("net/ipv4/conf/default/accept_local", "0"),
    ("net/ipv4/conf/all/accept_redirects", "1"),
    ("net/ipv4/conf/default/accept_redirects", "1"),
    ("net/ipv4/conf/all/arp_accept", "0"),
    ("net/ipv4/conf/default/arp_accept", "0"),
    ("net/ipv4/conf/all/arp_announce", "0"),
    ("net/ipv4/conf/default/arp_announce", "0"),
    ("net/ipv4/conf/all/arp_filter", "0"),
    ("net/ipv4/conf/default/arp_filter", "0"),
    ("net/ipv4/conf/all/arp_ignore", "0"),
    ("net/ipv4/conf/default/arp_ignore", "0"),
    ("net/ipv4/conf/all/arp_notify", "0"),
    ("net/ipv4/conf/default/arp_notify", "0"),
    ("net/ipv4/conf/all/proxy_arp", "0"),
    ("net/ipv4/conf/default/proxy_arp", "0"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
    ("net/ipv4/conf/all/send_redirects", "1"),
    ("net/ipv4/conf/default/send_redirects", "1"),
    ("net/ipv4/conf/all/shared_media", "1"),
    ("net/ipv4/conf/default/shared_media", "1"),
];
