//! Settings: what each reads in a new namespace and on a new device, what it takes, and what is no setting.

use crate::arp::wired;
use crate::harness::{Case, ns};
use nettwin_model::{Query, SysctlKey};

/// Below `net/ipv4/conf/DEV`.
const CONF: &[&str] = &[
    "accept_local",
    "accept_redirects",
    "accept_source_route",
    "arp_accept",
    "arp_announce",
    "arp_evict_nocarrier",
    "arp_filter",
    "arp_ignore",
    "arp_notify",
    "bc_forwarding",
    "drop_gratuitous_arp",
    "drop_unicast_in_l2_multicast",
    "forwarding",
    "igmpv2_unsolicited_report_interval",
    "igmpv3_unsolicited_report_interval",
    "ignore_routes_with_linkdown",
    "log_martians",
    "mc_forwarding",
    "medium_id",
    "promote_secondaries",
    "proxy_arp",
    "proxy_arp_pvlan",
    "route_localnet",
    "rp_filter",
    "secure_redirects",
    "send_redirects",
    "shared_media",
    "src_valid_mark",
];

/// Below `net/ipv4/neigh/DEV`.
const NEIGH: &[&str] = &[
    "anycast_delay",
    "app_solicit",
    "base_reachable_time_ms",
    "delay_first_probe_time",
    "gc_stale_time",
    "interval_probe_time_ms",
    "locktime",
    "mcast_resolicit",
    "mcast_solicit",
    "proxy_delay",
    "proxy_qlen",
    "retrans_time_ms",
    "ucast_solicit",
    "unres_qlen",
    "unres_qlen_bytes",
];

/// Below `net/ipv4`. Not among them is `ping_group_range`: a user namespace has groups of its own.
const IPV4: &[&str] = &[
    "fib_multipath_hash_fields",
    "fib_multipath_hash_policy",
    "fib_multipath_use_neigh",
    "icmp_echo_enable_probe",
    "icmp_echo_ignore_all",
    "icmp_echo_ignore_broadcasts",
    "icmp_errors_use_inbound_ifaddr",
    "icmp_ignore_bogus_error_responses",
    "icmp_msgs_burst",
    "icmp_msgs_per_sec",
    "icmp_ratelimit",
    "icmp_ratemask",
    "igmp_max_memberships",
    "igmp_qrv",
    "ip_default_ttl",
    "ip_early_demux",
    "ip_forward",
    "ip_forward_use_pmtu",
    "ip_local_port_range",
    "ip_no_pmtu_disc",
    "ip_nonlocal_bind",
    "ipfrag_high_thresh",
    "ipfrag_time",
    "route/min_adv_mss",
    "route/min_pmtu",
    "route/mtu_expires",
    "tcp_base_mss",
    "tcp_ecn",
    "tcp_fin_timeout",
    "tcp_keepalive_intvl",
    "tcp_keepalive_probes",
    "tcp_keepalive_time",
    "tcp_mtu_probing",
    "tcp_retries1",
    "tcp_retries2",
    "tcp_sack",
    "tcp_syn_linear_timeouts",
    "tcp_syn_retries",
    "tcp_synack_retries",
    "tcp_timestamps",
    "tcp_window_scaling",
];

fn ask(case: Case, path: String) -> Case {
    case.ask(Query::Sysctl { netns: ns("a"), key: SysctlKey::new(&path).expect("a sysctl's name") })
}

fn reads(mut case: Case, devs: &[&str]) -> Case {
    for key in IPV4 {
        case = ask(case, format!("net/ipv4/{key}"));
    }
    for dev in devs {
        for key in CONF {
            case = ask(case, format!("net/ipv4/conf/{dev}/{key}"));
        }
        for key in NEIGH.iter().filter(|_| !matches!(*dev, "all" | "default")) {
            case = ask(case, format!("net/ipv4/neigh/{dev}/{key}"));
        }
    }
    case
}

/// Writes some values to each and reads what became of them.
fn writes(mut case: Case, values: &[&str]) -> Case {
    let ours = |key: &&str| *key != "ip_local_port_range";
    let paths = IPV4.iter().copied().filter(ours).map(|key| format!("net/ipv4/{key}"));
    let conf = CONF.iter().map(|key| format!("net/ipv4/conf/x/{key}"));
    let neigh = NEIGH.iter().map(|key| format!("net/ipv4/neigh/x/{key}"));
    for path in paths.chain(conf).chain(neigh) {
        for value in values {
            case = case.sysctl("a", &path, value);
        }
        case = ask(case, path);
    }
    case
}

/// Less than nothing; ticks of less than nothing, which read back as `-0`, are left out.
fn belows(mut case: Case) -> Case {
    let ticks = |key: &&&str| !matches!(**key, "anycast_delay" | "locktime" | "proxy_delay");
    let paths = IPV4.iter().filter(|key| **key != "ip_local_port_range");
    let neigh = NEIGH.iter().filter(ticks).map(|key| format!("neigh/x/{key}"));
    for key in paths.map(|key| (*key).to_owned()).chain(neigh) {
        case = ask(case.sysctl("a", &format!("net/ipv4/{key}"), "-1"), format!("net/ipv4/{key}"));
    }
    case
}

#[test]
fn knobs() {
    crate::agree(
        "sysctl-knobs",
        vec![
            reads(wired("what each reads at first"), &["all", "default", "lo", "x"]),
            writes(wired("what each takes: small numbers"), &["2", "1"]),
            writes(wired("what each takes: no words, and nothing at all"), &["a", ""]),
            belows(wired("what each takes: what is below zero")),
            writes(wired("what each takes: numbers that may be too large"), &["99999", "256"]),
            reads(
                wired("devices inherit what the default is when they come")
                    .sysctl("a", "net/ipv4/conf/default/rp_filter", "2")
                    .sysctl("a", "net/ipv4/conf/default/arp_ignore", "1")
                    .sysctl("a", "net/ipv4/conf/default/forwarding", "1")
                    .sysctl("a", "net/ipv4/conf/x/arp_announce", "2")
                    .sysctl("a", "net/ipv4/conf/default/arp_announce", "1")
                    .wire(("a", "x2"), ("b", "y2"), (3, 4)),
                &["x", "x2"],
            ),
            {
                let mut case = wired("what forwarding writes");
                let keys = [
                    "ip_forward",
                    "conf/all/forwarding",
                    "conf/default/forwarding",
                    "conf/x/forwarding",
                    "conf/lo/forwarding",
                    "conf/all/accept_redirects",
                    "conf/default/accept_redirects",
                    "conf/x/accept_redirects",
                ];
                let writes = [
                    ("ip_forward", "1"),
                    ("conf/x/forwarding", "0"),
                    ("ip_forward", "1"),
                    ("conf/all/forwarding", "0"),
                    ("conf/default/forwarding", "1"),
                    ("conf/all/forwarding", "2"),
                    ("ip_forward", "0"),
                ];
                for (key, value) in writes {
                    case = case.sysctl("a", &format!("net/ipv4/{key}"), value);
                    case = keys.iter().fold(case, |case, key| ask(case, format!("net/ipv4/{key}")));
                }
                case
            },
            {
                let mut case = wired("three numbers at once");
                for key in ["tcp_rmem", "tcp_wmem"] {
                    let path = format!("net/ipv4/{key}");
                    case = ask(case, path.clone());
                    for value in
                        ["2000 3000 4000", "5000", "6000 7000", "1 2 3 4", "8000 0 9000", "9 a 9", "", " ", "-1 2 3"]
                    {
                        case = ask(case.sysctl("a", &path, value), path.clone());
                    }
                }
                case
            },
            {
                let mut case = wired("sets of ports");
                let path = "net/ipv4/ip_local_reserved_ports";
                let values = [
                    "8080,9148",
                    "1-3,3-5,7,6",
                    "",
                    "65535,0",
                    "70000",
                    "5-4",
                    "a",
                    "\n",
                    "100-200,150",
                    "1,,2",
                    "7 8",
                ];
                for value in values {
                    case = ask(case.sysctl("a", path, value), path.to_owned());
                }
                case
            },
            {
                let mut case = wired("what is only read");
                for key in ["core/rmem_default", "core/wmem_default", "core/rmem_max", "core/wmem_max"] {
                    let path = format!("net/{key}");
                    case = ask(case.sysctl("a", &path, "100000"), path);
                }
                ask(case.sysctl("a", "net/core/somaxconn", "100"), "net/core/somaxconn".to_owned())
            },
            ask(
                wired("what is no setting")
                    .sysctl("a", "net/ipv4/no_such_thing", "1")
                    .sysctl("a", "net/ipv4/conf/nope/rp_filter", "1")
                    .sysctl("a", "net/ipv4/conf/x/no_such_thing", "1")
                    .sysctl("a", "net/ipv4/neigh/default/gc_thresh1", "1")
                    .sysctl("a", "net/nope/there", "1"),
                "net/ipv4/no_such_thing".to_owned(),
            ),
        ],
    );
}
