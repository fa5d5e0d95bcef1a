//! Settings that Linux has and the simulator does not: refused as missing, so that nobody takes them for misspelt.

use nettwin_model::Fault;

/// Folders of which the simulator has only what [`locate`](super::locate) finds.
const FOLDERS: &[&str] = &["net/core/", "net/ipv6/", "net/mptcp/", "net/netfilter/", "net/unix/"];

/// Settings by themselves, as far as a fresh namespace has them on Linux 6.18.
const FILES: &[&str] = &[
    "net/bridge/bridge-nf-filter-pppoe-tagged",
    "net/bridge/bridge-nf-filter-vlan-tagged",
    "net/bridge/bridge-nf-pass-vlan-input-dev",
    "net/ipv4/fib_multipath_hash_seed",
    "net/ipv4/fib_notify_on_flag_change",
    "net/ipv4/fwmark_reflect",
    "net/ipv4/ip_autobind_reuse",
    "net/ipv4/ip_dynaddr",
    "net/ipv4/nexthop_compat_mode",
    "net/ipv4/raw_l3mdev_accept",
    "net/ipv4/route/flush",
    "net/ipv4/xfrm4_gc_thresh",
];

/// The refusal of a setting that Linux has, or may have.
pub(crate) fn missing(path: &str) -> Option<Fault> {
    let is_transport = ["net/ipv4/tcp_", "net/ipv4/udp_"].iter().any(|prefix| path.starts_with(prefix));
    let is_known = FOLDERS.iter().any(|folder| path.starts_with(folder)) || FILES.contains(&path) || is_transport;
    is_known.then(|| Fault::Missing {
        capability: format!("{} in the simulator", path.replace('/', ".")),
        remedy: "leave it as it is, or run this on the kernel".into(),
    })
}
