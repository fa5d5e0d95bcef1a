//! Names and networks on a command line, and what is wrong with them.
//!
//! Counterpart: `parse_chain()`, `xtables_parse_interface()`, `xtables_ipparse_multiple()`. Deliberately absent: host names,
//! masks that are no prefix.

use super::ext;
use super::parse::{Stop, unsupported, usage};
use super::values::integer;
use crate::names::aton;
use nettwin_model::rules::xt::Is;
use std::net::Ipv4Addr;

pub(super) fn chain_name(name: &str) -> Result<(), Stop> {
    if name.len() >= 29 {
        return usage(format!("chain name `{name}' too long (must be under 29 chars)"));
    }
    Ok(())
}

pub(super) fn chain_name_is_free(name: &str) -> Result<(), Stop> {
    if name.starts_with(['-', '!']) {
        return usage(format!("chain name not allowed to start with `{}'", &name[..1]));
    }
    if matches!(name, "ACCEPT" | "DROP" | "RETURN" | "QUEUE") || ext::find_target(name).is_some() {
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

/// A list of networks (`xtables_ipparse_multiple`).
pub(super) fn addresses(text: &str, not: bool) -> Result<Vec<Is<(Ipv4Addr, u8)>>, Stop> {
    let mut out = Vec::new();
    for part in text.split(',') {
        let (host, mask) = part.split_once('/').map_or((part, None), |(h, m)| (h, Some(m)));
        let len = match mask {
            None => 32,
            Some(mask) => mask_len(mask)?,
        };
        let addr = match aton(host) {
            Some(addr) => addr,
            None if len == 0 => Ipv4Addr::UNSPECIFIED,
            None => return usage(format!("host/network `{host}' not found")),
        };
        let bits = if len == 0 { 0 } else { u32::MAX << (32 - len) };
        out.push(Is { what: (Ipv4Addr::from_bits(addr.to_bits() & bits), len), not });
    }
    if out.len() > 1 && not {
        return usage("! not allowed with multiple source or destination IP addresses");
    }
    Ok(out)
}

pub(super) fn mask_len(mask: &str) -> Result<u8, Stop> {
    if let Some(addr) = mask.contains('.').then(|| aton(mask)).flatten() {
        let bits = addr.to_bits();
        if bits.leading_ones() + bits.trailing_zeros() < 32 {
            return unsupported(&format!("the mask {mask}, which is no prefix"));
        }
        return Ok(u8::try_from(bits.leading_ones()).unwrap_or(32));
    }
    match integer(mask).and_then(|n| u8::try_from(n).ok()) {
        Some(len) if len <= 32 => Ok(len),
        _ => usage(format!("invalid mask `{mask}' specified")),
    }
}
