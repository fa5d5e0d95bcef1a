//! Addresses and names as net-tools reads and writes them.
//!
//! Counterpart: `lib/inet.c`, and behind it `inet_aton(3)`, `gethostbyname(3)` and `getnetbyname(3)` with files only.

use crate::job::Context;
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
    let hosts = Names::read(cx, "/etc/hosts");
    let networks = Names::read(cx, "/etc/networks");
    let as_host = hosts.of_name(word).map(|addr| Resolved { addr, ..host() });
    let as_net = networks.of_name(word).map(|addr| Resolved { addr, is_net: true });
    let found = if host_first { as_host.or(as_net) } else { as_net.or(as_host) };
    // What has only digits and dots is no name to ask anybody for.
    let askable = word.bytes().any(|b| !(b.is_ascii_digit() || b == b'.'));
    found.ok_or(if askable && !host_first { "Host name lookup failure" } else { "Unknown host" })
}

/// `inet_aton(3)`: one to four numbers, the last of which fills what is left.
pub(super) fn aton(text: &str) -> Option<Ipv4Addr> {
    let (mut rest, mut parts) = (text, Vec::new());
    loop {
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (value, behind) = strtol_rest(rest, 0)?;
        parts.push(u32::try_from(value).ok()?);
        match behind.strip_prefix('.') {
            Some(next) if parts.len() < 4 => rest = next,
            Some(_) => return None,
            None if behind.is_empty() || behind.starts_with(|c: char| c.is_ascii_whitespace()) => break,
            None => return None,
        }
    }
    let (last, first) = parts.split_last()?;
    let shift = 32 - 8 * first.len() as u32;
    if first.iter().any(|&p| p > 255) || u64::from(*last) >= 1 << shift {
        return None;
    }
    let high = first.iter().enumerate().fold(0u32, |sum, (i, &p)| sum | p << (24 - 8 * i));
    Some(Ipv4Addr::from_bits(high | last))
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

/// A file of names and addresses.
pub(super) struct Names(Vec<(Ipv4Addr, String)>);

impl Names {
    /// Reads `/etc/hosts` or `/etc/networks`; what cannot be read holds nothing.
    pub(super) fn read(cx: &mut Context<'_>, path: &str) -> Self {
        let text = cx.files.read(path).unwrap_or_default();
        let mut all = Vec::new();
        for line in String::from_utf8_lossy(&text).lines() {
            let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
            let Some((first, others)) = words.split_first() else { continue };
            match (aton(first), others.first().and_then(|other| aton(other))) {
                (Some(addr), _) => all.extend(others.iter().map(|name| (addr, (*name).to_owned()))),
                // The other file has the name in front.
                (None, Some(addr)) => {
                    all.push((addr, (*first).to_owned()));
                    all.extend(others[1..].iter().map(|name| (addr, (*name).to_owned())));
                }
                (None, None) => {}
            }
        }
        Names(all)
    }

    fn of_name(&self, name: &str) -> Option<Ipv4Addr> {
        self.0.iter().find(|(_, n)| n == name).map(|(addr, _)| *addr)
    }

    /// The first name of an address.
    pub(super) fn of_addr(&self, addr: Ipv4Addr) -> Option<&str> {
        self.0.iter().find(|(a, _)| *a == addr).map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_c_library_reads_them() {
        let read = |text: &str| aton(text).map(|a| a.to_string());
        assert_eq!(read("10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(read("10.5").as_deref(), Some("10.0.0.5"));
        assert_eq!(read("0x0a000001").as_deref(), Some("10.0.0.1"));
        assert_eq!(read("010.0.0.1").as_deref(), Some("8.0.0.1"));
        assert_eq!(read("256.1.1.1"), None);
        assert_eq!(read("1.2.3.4.5"), None);
        assert_eq!(read("1.2.3."), None);
        assert_eq!(read("1.16777216"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn masks_wrap_at_32() {
        assert_eq!(split_mask("10.0.0.0/8"), Ok(("10.0.0.0", Some(0xff00_0000))));
        assert_eq!(split_mask("10.0.0.0/32"), Ok(("10.0.0.0", Some(0))));
        assert_eq!(split_mask("10.0.0.0/33"), Ok(("10.0.0.0", Some(0x8000_0000))));
        assert_eq!(split_mask("10.0.0.0/x"), Err(()));
        assert_eq!(split_mask("10.0.0.0"), Ok(("10.0.0.0", None)));
    }
}
