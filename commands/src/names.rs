//! Host names and addresses as the C library reads them, with files only.
//!
//! Counterpart: `inet_aton(3)`, `gethostbyname(3)`, `getaddrinfo(3)` with an `/etc/hosts` and no name server that answers.
//! Deliberately absent: IPv6, DNS, other sources of names.

use crate::job::Context;
use crate::number::strtol_rest;
use std::net::Ipv4Addr;

/// `inet_aton(3)`: one to four numbers, the last of which fills what is left.
pub(crate) fn aton(text: &str) -> Option<Ipv4Addr> {
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
    // At most three before the last.
    let shift = 32 - 8 * first.len() as u32;
    if first.iter().any(|&p| p > 255) || u64::from(*last) >= 1 << shift {
        return None;
    }
    let high = first.iter().enumerate().fold(0u32, |sum, (i, &p)| sum | p << (24 - 8 * i));
    Some(Ipv4Addr::from_bits(high | last))
}

/// What `getaddrinfo` says of a name when no server can be asked.
pub(crate) const NO_ANSWER: &str = "Temporary failure in name resolution";
/// What it says of an address of another family.
pub(crate) const OTHER_FAMILY: &str = "Address family for hostname not supported";

/// A file of names and addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<(Ipv4Addr, Vec<String>)>);

impl Names {
    /// The hosts file: the namespace's own (`ip netns exec` puts it over the common one), else the common one.
    pub(crate) fn hosts(cx: &mut Context<'_>) -> Self {
        let own = format!("/etc/netns/{}/hosts", cx.netns);
        match cx.files.read(&own) {
            Ok(text) => Names::parse(&String::from_utf8_lossy(&text)),
            Err(_) => Names::read(cx, "/etc/hosts"),
        }
    }

    /// The hosts, and behind them the networks.
    pub(crate) fn with_networks(cx: &mut Context<'_>) -> Self {
        let mut both = Names::hosts(cx);
        both.0.extend(Names::read(cx, "/etc/networks").0);
        both
    }

    /// A file like `/etc/hosts` or `/etc/networks`; what cannot be read holds nothing.
    pub(crate) fn read(cx: &mut Context<'_>, path: &str) -> Self {
        let text = cx.files.read(path).unwrap_or_default();
        Names::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Self {
        let entry = |line: &str| {
            let words: Vec<&str> = line.split('#').next()?.split_whitespace().collect();
            let (first, others) = words.split_first()?;
            let addr = aton(first).map(|addr| (addr, others.to_vec()));
            // Networks have the name in front.
            let (addr, names) = addr.or_else(|| {
                let (addr, others) = others.split_first()?;
                Some((aton(addr)?, [&[*first], others].concat()))
            })?;
            (!names.is_empty()).then(|| (addr, names.into_iter().map(str::to_owned).collect()))
        };
        Names(text.lines().filter_map(entry).collect())
    }

    /// The address of a name, in any case, and the first name in its line.
    pub(crate) fn of_name(&self, name: &str) -> Option<(Ipv4Addr, &str)> {
        let (addr, names) = self.0.iter().find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(name)))?;
        Some((*addr, &names[0]))
    }

    /// The first name of an address.
    pub(crate) fn of_addr(&self, addr: Ipv4Addr) -> Option<&str> {
        self.0.iter().find(|(a, _)| *a == addr).map(|(_, names)| names[0].as_str())
    }
}

/// `/etc/passwd` and `/etc/group`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts([Vec<(String, u32)>; 2]);

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roll {
    Users,
    Groups,
}

impl Roll {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Roll::Users => "user",
            Roll::Groups => "group",
        }
    }
}

impl Accounts {
    /// Reads the files; what cannot be read holds nothing.
    pub(crate) fn read(cx: &mut Context<'_>) -> Self {
        let entry = |line: &str| {
            let mut fields = line.split(':');
            Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
        };
        Accounts(["/etc/passwd", "/etc/group"].map(|path| {
            let text = cx.files.read(path).unwrap_or_default();
            String::from_utf8_lossy(&text).lines().filter_map(entry).collect()
        }))
    }

    /// The number of a name.
    pub(crate) fn of_name(&self, roll: Roll, name: &str) -> Option<u32> {
        self.0[roll as usize].iter().find(|(known, _)| known == name).map(|(_, id)| *id)
    }

    /// The first name of a number.
    pub(crate) fn of_id(&self, roll: Roll, id: u32) -> Option<&str> {
        self.0[roll as usize].iter().find(|(_, known)| *known == id).map(|(name, _)| name.as_str())
    }
}

/// `/etc/services`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services(Vec<(u16, String, Vec<String>)>);

impl Services {
    /// Reads the file; what cannot be read holds nothing.
    pub(crate) fn read(cx: &mut Context<'_>) -> Self {
        let text = cx.files.read("/etc/services").unwrap_or_default();
        Services::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Self {
        let entry = |line: &str| {
            let mut words = line.split('#').next()?.split_whitespace();
            let (name, port) = (words.next()?, words.next()?);
            let (port, proto) = port.split_once('/')?;
            let names = std::iter::once(name).chain(words).map(str::to_owned).collect();
            Some((port.parse().ok()?, proto.to_owned(), names))
        };
        Services(text.lines().filter_map(entry).collect())
    }

    /// The port of a service.
    pub(crate) fn of_name(&self, proto: &str, name: &str) -> Option<u16> {
        self.0.iter().find(|(_, p, names)| p == proto && names.iter().any(|n| n == name)).map(|(port, ..)| *port)
    }

    /// The port of a service of whichever protocol comes first.
    pub(crate) fn of_any(&self, name: &str) -> Option<u16> {
        self.0.iter().find(|(.., names)| names.iter().any(|n| n == name)).map(|(port, ..)| *port)
    }

    /// The first name of a port.
    pub(crate) fn of_port(&self, proto: &str, port: u16) -> Option<&str> {
        self.0.iter().find(|(n, p, _)| *n == port && p == proto).map(|(.., names)| names[0].as_str())
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
        for wrong in ["256.1.1.1", "1.2.3.4.5", "1.2.3.", "1.16777216", "", "a"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_first_name_of_a_line_is_the_hosts_own() {
        let hosts = Names::parse("127.0.0.1\tlocalhost lo # us\n\n::1 ip6\n10.0.0.1 Router gw\n10.0.0.2\n");
        assert_eq!(hosts.of_name("GW"), Some((Ipv4Addr::new(10, 0, 0, 1), "Router")));
        assert_eq!(hosts.of_addr(Ipv4Addr::LOCALHOST), Some("localhost"));
        let networks = Names::parse("loopback 127.0.0.0 lo\n");
        assert_eq!(networks.of_name("lo"), Some((Ipv4Addr::new(127, 0, 0, 0), "loopback")));
        assert_eq!((hosts.of_name("ip6"), hosts.of_addr(Ipv4Addr::new(10, 0, 0, 2))), (None, None));
    }

    #[test]
    fn services_have_aliases() {
        let services = Services::parse("# x\nhttp\t80/tcp\twww # web\ndomain 53/udp\ndomain 53/tcp\n");
        assert_eq!((services.of_name("tcp", "www"), services.of_name("udp", "www")), (Some(80), None));
        assert_eq!((services.of_port("udp", 53), services.of_port("tcp", 22)), (Some("domain"), None));
    }
}
