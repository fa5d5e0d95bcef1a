//! What a device's driver may leave to it: the features, which of them can be switched, and what follows from what.
//!
//! Counterpart: `net/ethtool/features.c`, `netdev_fix_features()` of Linux 6.18, `net/ethtool/common.c` for names and order.
//! Nothing here changes a frame: the simulator has no offloads. Deliberately absent: the devices whose drivers are not in
//! [`TABLE`].

use std::collections::BTreeMap;

/// What was asked for, by feature, where it differs from the driver's own.
pub(crate) type Wanted = BTreeMap<&'static str, bool>;

/// Who drives a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    Veth,
    Bridge,
    Loopback,
    Macvlan,
}

/// A feature of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    pub(super) active: bool,
    pub(super) wanted: bool,
    pub(super) is_fixed: bool,
}

/// The features in the kernel's order. `ports`: those of a bridge's ports.
pub(super) fn features(driver: Driver, wanted: &Wanted, ports: &[Vec<Feature>]) -> Vec<Feature> {
    let column = match driver {
        Driver::Veth => 0,
        Driver::Bridge => 1,
        Driver::Loopback => 2,
        Driver::Macvlan => 3,
    };
    let feature = |(name, marks): &(&'static str, &str)| {
        let mark = marks.as_bytes()[column];
        let is_fixed = mark == b'F' || mark == b'f';
        // A driver that takes no part in this leaves it off.
        let (on, off) = (matches!(mark, b'F' | b'1'), mark == b'r');
        let wanted = match wanted.get(name) {
            Some(wanted) if !is_fixed => *wanted,
            _ => on || off,
        };
        Feature { name, active: wanted && !off, wanted, is_fixed }
    };
    let mut all: Vec<Feature> = TABLE.iter().map(feature).collect();
    let lacks =
        |name: &str| ports.iter().any(|port| port.iter().any(|feature| feature.name == name && !feature.active));
    for feature in all.iter_mut().filter(|feature| OF_ALL_PORTS.contains(&feature.name)) {
        feature.active &= !lacks(feature.name);
    }
    fix(&mut all);
    all
}

/// Turns off what cannot be without what is off.
fn fix(all: &mut [Feature]) {
    let is_on = |all: &[Feature], name: &str| all.iter().any(|f| f.name == name && f.active);
    let sums = is_on(all, "tx-checksum-ip-generic");
    let scatters = is_on(all, "tx-scatter-gather");
    for feature in all.iter_mut().filter(|feature| !feature.is_fixed) {
        feature.active &= match feature.name {
            "tx-tcp-segmentation"
            | "tx-tcp-ecn-segmentation"
            | "tx-tcp-mangleid-segmentation"
            | "tx-tcp6-segmentation" => sums && scatters,
            "tx-udp-segmentation" => sums,
            "tx-generic-segmentation" => scatters,
            _ => true,
        };
    }
}

/// The features of a name that `-K` takes: a flag of old, in short or in full, or the kernel's own name.
pub(super) fn of_flag(word: &str) -> Option<Vec<&'static str>> {
    let names = || TABLE.iter().map(|(name, _)| *name);
    match FLAGS.iter().find(|(short, long, _)| *short == word || *long == word) {
        Some((_, _, pattern)) => Some(names().filter(|name| is_like(name, pattern)).collect()),
        None => names().find(|name| *name == word).map(|name| vec![name]),
    }
}

/// Whether a name fits a pattern with at most one star.
pub(super) fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail),
        None => name == pattern,
    }
}

/// The flags of old: in short, in full, and the features that they stand for.
pub(super) const FLAGS: &[(&str, &str, &str)] = &[
    ("rx", "rx-checksumming", "rx-checksum"),
    ("tx", "tx-checksumming", "tx-checksum-*"),
    ("sg", "scatter-gather", "tx-scatter-gather*"),
    ("tso", "tcp-segmentation-offload", "tx-tcp*-segmentation"),
    ("ufo", "udp-fragmentation-offload", "tx-udp-fragmentation"),
    ("gso", "generic-segmentation-offload", "tx-generic-segmentation"),
    ("gro", "generic-receive-offload", "rx-gro"),
    ("lro", "large-receive-offload", "rx-lro"),
    ("rxvlan", "rx-vlan-offload", "rx-vlan-hw-parse"),
    ("txvlan", "tx-vlan-offload", "tx-vlan-hw-insert"),
    ("ntuple", "ntuple-filters", "rx-ntuple-filter"),
    ("rxhash", "receive-hashing", "rx-hashing"),
];

/// What a bridge has only if all of its ports do.
const OF_ALL_PORTS: &[&str] = &[
    "tx-scatter-gather",
    "tx-scatter-gather-fraglist",
    "tx-checksum-ip-generic",
    "tx-gso-robust",
    "tx-fcoe-segmentation",
];

/// Each feature, and for veth, bridge, loopback and macvlan: on (1) or off (0) as one likes, on (F) or off (f) for ever,
/// wanted but off (r).
const TABLE: &[(&str, &str)] = &[
    ("tx-scatter-gather", "11FF"),
    ("tx-checksum-ipv4", "ffff"),
    ("tx-checksum-ip-generic", "11FF"),
    ("tx-checksum-ipv6", "ffff"),
    ("highdma", "11FF"),
    ("tx-scatter-gather-fraglist", "11FF"),
    ("tx-vlan-hw-insert", "11ff"),
    ("rx-vlan-hw-parse", "1fff"),
    ("rx-vlan-filter", "ffff"),
    ("vlan-challenged", "ffFf"),
    ("tx-generic-segmentation", "1111"),
    ("rx-gro", "011r"),
    ("rx-lro", "fff0"),
    ("tx-tcp-segmentation", "111F"),
    ("tx-gso-robust", "f1fF"),
    ("tx-tcp-ecn-segmentation", "111F"),
    ("tx-tcp-mangleid-segmentation", "111F"),
    ("tx-tcp6-segmentation", "111F"),
    ("tx-fcoe-segmentation", "f1ff"),
    ("tx-gre-segmentation", "11fF"),
    ("tx-gre-csum-segmentation", "11fF"),
    ("tx-ipxip4-segmentation", "11fF"),
    ("tx-ipxip6-segmentation", "11fF"),
    ("tx-udp_tnl-segmentation", "11fF"),
    ("tx-udp_tnl-csum-segmentation", "11fF"),
    ("tx-gso-partial", "f1ff"),
    ("tx-tunnel-remcsum-segmentation", "f1ff"),
    ("tx-sctp-segmentation", "111F"),
    ("tx-esp-segmentation", "f1ff"),
    ("tx-udp-segmentation", "111F"),
    ("tx-gso-list", "111F"),
    ("tx-tcp-accecn-segmentation", "111F"),
    ("tx-checksum-fcoe-crc", "ffff"),
    ("tx-checksum-sctp", "1fFf"),
    ("rx-ntuple-filter", "ffff"),
    ("rx-hashing", "ffff"),
    ("rx-checksum", "1fFF"),
    ("tx-nocache-copy", "00f0"),
    ("loopback", "ffFf"),
    ("rx-fcs", "ffff"),
    ("rx-all", "ffff"),
    ("tx-vlan-stag-hw-insert", "11ff"),
    ("rx-vlan-stag-hw-parse", "1fff"),
    ("rx-vlan-stag-filter", "ffff"),
    ("l2-fwd-offload", "ffff"),
    ("hw-tc-offload", "ffff"),
    ("esp-hw-offload", "ffff"),
    ("esp-tx-csum-hw-offload", "ffff"),
    ("rx-udp_tunnel-port-offload", "ffff"),
    ("tls-hw-tx-offload", "ffff"),
    ("tls-hw-rx-offload", "ffff"),
    ("rx-gro-hw", "ffff"),
    ("tls-hw-record", "ffff"),
    ("rx-gro-list", "0000"),
    ("macsec-hw-offload", "ffff"),
    ("rx-udp-gro-forwarding", "0000"),
    ("hsr-tag-ins-offload", "ffff"),
    ("hsr-tag-rm-offload", "ffff"),
    ("hsr-fwd-offload", "ffff"),
    ("hsr-dup-offload", "ffff"),
];
