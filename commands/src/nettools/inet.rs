//! Addresses and names as net-tools reads and writes them.
//!
//! Counterpart: `lib/inet.c`; behind it are the [`names`](crate::names) of the C library.

use crate::job::Context;
use crate::names::{Names, aton};
use crate::number::strtol_rest;
use std::net::Ipv4Addr;

/// A word as an address, and whether it names a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) addr: Ipv4Addr,
    pub(super) is_net: bool,
}

/// Reads an address or a name (`INET_resolve`); the error is `herror`'s text.
pub(super) fn resolve(cx: &mut Context<'_>, word: &str, host_first: bool) -> Result<Resolved, &'static str> {
    if word == "default" {
        return Ok(Resolved { addr: Ipv4Addr::UNSPECIFIED, is_net: true });
    }
    if let Some(addr) = aton(word) {
        return Ok(Resolved { addr, is_net: false });
    }
    let host = || Resolved { addr: Ipv4Addr::UNSPECIFIED, is_net: false };
    let hosts = Names::hosts(cx);
    let networks = Names::read(cx, "/etc/networks");
    let as_host = hosts.of_name(word).map(|(addr, _)| Resolved { addr, ..host() });
    let as_net = networks.of_name(word).map(|(addr, _)| Resolved { addr, is_net: true });
    let found = if host_first { as_host.or(as_net) } else { as_net.or(as_host) };
    // What has only digits and dots is no name to ask anybody for.
    let askable = word.bytes().any(|b| !(b.is_ascii_digit() || b == b'.'));
    found.ok_or(if askable && !host_first { "Host name lookup failure" } else { "Unknown host" })
}

/// A word's prefix length as a netmask (`INET_getnetmask`): the word without it, and the mask; `Err` if it is no number.
/// A shift by 32 is one by 0 here as it is on a PC, so that `/32` asks for no mask.
pub(super) fn split_mask(word: &str) -> Result<(&str, Option<u32>), ()> {
    let Some((addr, len)) = word.split_once('/') else { return Ok((word, None)) };
    match strtol_rest(len, 0) {
        Some((len, "")) => Ok((addr, Some(!(u32::MAX >> (len & 31))))),
        None if len.is_empty() => Ok((addr, Some(0))),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_wrap_at_32() {
        assert_eq!(split_mask("10.0.0.0/8"), Ok(("10.0.0.0", Some(0xff00_0000))));
        assert_eq!(split_mask("10.0.0.0/32"), Ok(("10.0.0.0", Some(0))));
        assert_eq!(split_mask("10.0.0.0/33"), Ok(("10.0.0.0", Some(0x8000_0000))));
        assert_eq!(split_mask("10.0.0.0/x"), Err(()));
        assert_eq!(split_mask("10.0.0.0"), Ok(("10.0.0.0", None)));
    }
}
