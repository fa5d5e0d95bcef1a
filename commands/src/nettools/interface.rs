//! Interfaces and their labels as `ifconfig` and `netstat -i` print them.
//!
//! Counterpart: `lib/interface.c`, and behind it `SIOCGIFCONF` and its like, which know one address for each label.

use nettwin_model::link::{LinkKind, OperState};
use nettwin_model::snapshot::LinkStats;
use nettwin_model::{Address, Cidr, IfName, Mac, NetnsState};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

/// An interface, or one of its labels (`eth0:1`).
pub(super) struct Interface {
    pub(super) name: String,
    /// It is a label: without counters of its own.
    is_label: bool,
    is_loopback: bool,
    has_mac: bool,
    pub(super) flags: u32,
    mtu: u32,
    mac: Mac,
    txqueuelen: u32,
    addr: Option<Address>,
    stats: LinkStats,
}

const UP: u32 = 1;
const POINT_TO_POINT: u32 = 0x10;
const MASTER: u32 = 0x400;
const SLAVE: u32 = 0x800;

/// A flag, its name and its letter (`netstat -i`), in the order of printing of each.
const FLAGS: &[(u32, &str)] = &[
    (UP, "UP"),
    (2, "BROADCAST"),
    (8, "LOOPBACK"),
    (POINT_TO_POINT, "POINTOPOINT"),
    (0x40, "RUNNING"),
    (0x80, "NOARP"),
    (0x100, "PROMISC"),
    (0x200, "ALLMULTI"),
    (SLAVE, "SLAVE"),
    (MASTER, "MASTER"),
    (0x1000, "MULTICAST"),
];
const LETTERS: &[(u32, char)] = &[
    (0x200, 'A'),
    (2, 'B'),
    (8, 'L'),
    (0x1000, 'M'),
    (0x100, 'P'),
    (0x80, 'O'),
    (POINT_TO_POINT, 'P'),
    (SLAVE, 's'),
    (MASTER, 'm'),
    (0x40, 'R'),
    (UP, 'U'),
];

impl Interface {
    /// The interface, or its label, of that name.
    pub(super) fn find(netns: &NetnsState, word: &str) -> Option<Self> {
        let dev = super::device(netns, word)?;
        let (config, derived) = (netns.config.links.get(&dev)?, netns.derived.links.get(&dev)?);
        let is_loopback = config.kind == LinkKind::Loopback;
        let traits = netns.config.traits.get(&dev).cloned().unwrap_or_default();
        let has_mac = config.kind.has_mac();
        let mut flags = if is_loopback {
            8
        } else if has_mac {
            2
        } else {
            POINT_TO_POINT
        };
        let multicast = config.kind.has_multicast() != traits.no_multicast;
        let noarp = config.kind.has_arp() == traits.no_arp;
        let is_master = matches!(&config.kind, LinkKind::Virtual(kind) if kind.is_master());
        for (bit, is_set) in [
            (0x80, noarp),
            (0x100, traits.promisc),
            (0x200, traits.allmulti),
            (MASTER, is_master),
            (SLAVE, derived.bond_slave.is_some()),
            (0x1000, multicast),
        ] {
            flags |= if is_set { bit } else { 0 };
        }
        if config.up {
            flags |= UP;
        }
        if config.up && matches!(derived.operstate, OperState::Up | OperState::Unknown) {
            flags |= 0x40;
        }
        let labelled = |addr: &&Address| label(dev, addr) == word;
        Some(Interface {
            name: word.to_owned(),
            is_label: word.contains(':'),
            is_loopback,
            has_mac,
            flags,
            mtu: derived.mtu,
            mac: derived.mac,
            txqueuelen: traits.txqueuelen,
            addr: derived.auto_addrs.iter().chain(&config.addrs).find(labelled).cloned(),
            stats: netns.volatile.stats.get(&dev).copied().unwrap_or_default(),
        })
    }

    /// All interfaces and labels, sorted as people count.
    pub(super) fn all(netns: &NetnsState) -> Vec<Self> {
        let mut names: BTreeSet<String> = netns.config.links.keys().map(IfName::to_string).collect();
        for (dev, config) in &netns.config.links {
            names.extend(config.addrs.iter().map(|addr| label(*dev, addr).to_owned()));
        }
        let mut all: Vec<Self> = names.iter().filter_map(|name| Interface::find(netns, name)).collect();
        all.sort_by(|a, b| by_number(&a.name, &b.name));
        all
    }

    pub(super) fn is_up(&self) -> bool {
        self.flags & UP != 0
    }

    /// The block that `ifconfig` prints, with the empty line at its end.
    pub(super) fn block(&self) -> String {
        let mut out = String::new();
        let names: Vec<&str> = FLAGS.iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, name)| *name).collect();
        let _ = writeln!(out, "{}: flags={}<{}>  mtu {}", self.name, self.flags, names.join(","), self.mtu);
        if let Some(addr) = &self.addr {
            let _ = write!(out, "        inet {}  netmask {}", addr.cidr.addr, netmask(addr));
            if self.flags & 2 != 0 {
                let _ = write!(out, "  broadcast {}", addr.broadcast.unwrap_or(Ipv4Addr::UNSPECIFIED));
            }
            if self.flags & POINT_TO_POINT != 0 {
                let _ = write!(out, "  destination {}", addr.peer.map_or(addr.cidr.addr, |peer| peer.addr));
            }
            out.push('\n');
        }
        match self.is_loopback {
            _ if !self.has_mac => {
                let none = ["00"; 16].join("-");
                _ = writeln!(out, "        unspec {none}  txqueuelen {}  (UNSPEC)", self.txqueuelen);
            }
            true => _ = writeln!(out, "        loop  txqueuelen {}  (Local Loopback)", self.txqueuelen),
            false => _ = writeln!(out, "        ether {}  txqueuelen {}  (Ethernet)", self.mac, self.txqueuelen),
        }
        if !self.is_label {
            let s = &self.stats;
            let _ = write!(
                out,
                "        RX packets {}  bytes {} ({})\n        \
                 RX errors 0  dropped {}  overruns 0  frame 0\n        \
                 TX packets {}  bytes {} ({})\n        \
                 TX errors 0  dropped {} overruns 0  carrier 0  collisions 0\n",
                s.rx_packets,
                s.rx_bytes,
                human(s.rx_bytes),
                s.rx_dropped,
                s.tx_packets,
                s.tx_bytes,
                human(s.tx_bytes),
                s.tx_dropped
            );
        }
        out.push('\n');
        out
    }

    /// The line that `netstat -i` and `ifconfig -s` print.
    pub(super) fn line(&self) -> String {
        let letters: String = LETTERS.iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, c)| *c).collect();
        let mut out = format!("{:<15.15} {:>5} ", self.name, self.mtu);
        if self.is_label {
            let _ = writeln!(out, "     - no statistics available -                        {letters}");
        } else {
            let s = &self.stats;
            let _ = write!(out, "{:>8} {:>6} {:>6} {:<6} ", s.rx_packets, 0, s.rx_dropped, 0);
            let _ = writeln!(out, "{:>8} {:>6} {:>6} {:>6} {letters}", s.tx_packets, 0, s.tx_dropped, 0);
        }
        out
    }
}

/// An address's label: its own, or its interface's name.
pub(super) fn label(dev: IfName, addr: &Address) -> String {
    addr.label.clone().unwrap_or_else(|| dev.to_string())
}

fn netmask(addr: &Address) -> IpAddr {
    let len = addr.peer.map_or(addr.cidr.len, |peer| peer.len);
    Cidr::new(IpAddr::V4(Ipv4Addr::BROADCAST), len).map_or(IpAddr::V4(Ipv4Addr::BROADCAST), |mask| mask.network().addr)
}

/// Bytes with one decimal, cut.
fn human(bytes: u64) -> String {
    const UNITS: &[(u32, &str)] = &[(50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let (shift, unit) = UNITS.iter().find(|(shift, _)| bytes > 1 << shift).copied().unwrap_or((0, "B"));
    let tenths = (u128::from(bytes) * 10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Names by their letters, and where both have a number there, by that (`nstrcmp`).
fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut number_at = 0;
    let at = |s: &[u8], i: usize| s.get(i).copied().unwrap_or(0);
    let mut i = 0;
    while at(a, i) == at(b, i) {
        if i >= a.len() {
            return Ordering::Equal;
        }
        if !at(a, i).is_ascii_digit() && at(a, i + 1).is_ascii_digit() {
            number_at = i + 1;
        }
        i += 1;
    }
    if at(a, i).is_ascii_digit() && at(b, i).is_ascii_digit() {
        let number = |s: &[u8]| {
            let digits = s[number_at..].iter().take_while(|b| b.is_ascii_digit());
            digits.fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
        };
        return number(a).cmp(&number(b));
    }
    at(a, i).cmp(&at(b, i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = vec!["v10", "v2", "lo", "v2:1", "br0", "v1"];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(names, ["br0", "lo", "v1", "v2", "v2:1", "v10"]);
    }

    #[test]
    fn bytes_are_cut_to_one_decimal() {
        assert_eq!(human(0), "0.0 B");
        assert_eq!(human(1024), "1024.0 B");
        assert_eq!(human(1100), "1.0 KiB");
        assert_eq!(human(5_000_000), "4.7 MiB");
        assert_eq!(human(u64::MAX), "16383.9 PiB");
    }
}
