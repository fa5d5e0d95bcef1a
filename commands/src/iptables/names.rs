//! Names and networks on a command line, and what is wrong with them.
//!
//! Counterpart: `parse_chain()`, `xtables_parse_interface()`, `xtables_ipparse_multiple()`. Deliberately absent: names of hosts
//! that are not in `/etc/hosts`, masks that are no prefix.

use super::ext;
use super::parse::{Stop, unsupported, usage};
use super::values::integer;
use crate::names::{Names, aton};
use nettwin_model::rules::Family;
use nettwin_model::rules::xt::Is;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn chain_name(name: &str) -> Result<(), Stop> {
    if name.len() >= 29 {
        return usage(format!("chain name `{name}' too long (must be under 29 chars)"));
    }
    Ok(())
}

pub(super) fn chain_name_is_free(name: &str, family: Family) -> Result<(), Stop> {
    if name.starts_with(['-', '!']) {
        return usage(format!("chain name not allowed to start with `{}'", &name[..1]));
    }
    if matches!(name, "ACCEPT" | "DROP" | "RETURN" | "QUEUE") || ext::find_target(name, family).is_some() {
        return usage("chain name may not clash with target name");
    }
    if name.chars().any(|c| c.is_whitespace()) {
        return usage(format!("Invalid chain name `{name}'"));
    }
    Ok(())
}

pub(super) fn interface(name: &str) -> Result<String, Stop> {
    if name.len() >= 16 {
        return usage(format!("interface name `{name}' must be shorter than IFNAMSIZ (15)"));
    }
    if name.contains([' ', '/', '*']) {
        return unsupported(&format!("the interface name {name:?}"));
    }
    Ok(name.to_owned())
}

/// No address in particular.
pub(super) fn unspecified(family: Family) -> IpAddr {
    match family {
        Family::Ip6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    }
}

/// An address of the family.
pub(super) fn address(text: &str, family: Family) -> Option<IpAddr> {
    match family {
        Family::Ip6 => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => aton(text).map(IpAddr::V4),
    }
}

/// A list of networks (`xtables_ipparse_multiple`, `xtables_ip6parse_multiple`).
pub(super) fn addresses(text: &str, not: bool, family: Family, hosts: &Names) -> Result<Vec<Is<(IpAddr, u8)>>, Stop> {
    let mut out = Vec::new();
    for part in text.split(',') {
        let (host, mask) = part.split_once('/').map_or((part, None), |(h, m)| (h, Some(m)));
        let len = match mask {
            None if family == Family::Ip6 => 128,
            None => 32,
            Some(mask) => mask_len(mask, family)?,
        };
        let addr = match address(host, family) {
            Some(addr) => addr,
            None if len == 0 => unspecified(family),
            None if family == Family::Ip
                && let Some((addr, _)) = hosts.of_name(host) =>
            {
                addr.into()
            }
            None => return usage(format!("host/network `{host}' not found")),
        };
        let network = match addr {
            IpAddr::V4(v4) => {
                Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)).into()
            }
            IpAddr::V6(v6) => {
                Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)).into()
            }
        };
        out.push(Is { what: (network, len), not });
    }
    Ok(out)
}

fn mask_len(mask: &str, family: Family) -> Result<u8, Stop> {
    let is_address = mask.contains(if family == Family::Ip6 { ':' } else { '.' });
    let (bits, width) = match is_address.then(|| address(mask, family)).flatten() {
        Some(IpAddr::V4(v4)) => (u128::from(v4.to_bits()) << 96, 32),
        Some(IpAddr::V6(v6)) => (v6.to_bits(), 128),
        None => {
            let most = if family == Family::Ip6 { 128 } else { 32 };
            return match integer(mask).and_then(|n| u8::try_from(n).ok()) {
                Some(len) if len <= most => Ok(len),
                _ => usage(format!("invalid mask `{mask}' specified")),
            };
        }
    };
    if bits.leading_ones() + bits.trailing_zeros() < 128 {
        return unsupported(&format!("the mask {mask}, which is no prefix"));
    }
    // At most 128.
    Ok(bits.leading_ones().min(width) as u8)
}

/// Names of options that mean the same.
pub(super) fn alias(name: &str) -> &str {
    match name {
        "src" => "source",
        "dst" => "destination",
        "sport" => "source-port",
        "dport" => "destination-port",
        "sports" => "source-ports",
        "dports" => "destination-ports",
        other => other,
    }
}
