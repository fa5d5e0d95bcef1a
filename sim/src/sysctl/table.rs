//! Which settings there are, their defaults and their bounds, as read on Linux 6.18 in a fresh namespace (HZ 250); IPv6 is
//! off, as the baseline has it that both machines begin with.

/// How a setting's text is taken and given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any 32-bit number (`proc_dointvec`).
    Int,
    /// A number in bounds (`proc_dointvec_minmax`, `proc_dou8vec_minmax`).
    Within(i32, i32),
    /// Milliseconds, kept in ticks of 4 (`proc_dointvec_ms_jiffies`): rounded up.
    Millis,
    /// Seconds, kept in ticks (`proc_dointvec_jiffies`).
    Seconds,
    /// Hundredths of a second, kept in ticks (`proc_dointvec_userhz_jiffies`): rounded down.
    Centis,
    /// Only read.
    ReadOnly,
}

/// Declares a struct of settings, one field each, with access by name.
macro_rules! settings {
    ($(#[$doc:meta])* $name:ident { $($key:literal $field:ident: $form:expr, $default:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name {
            $(#[doc = concat!("`", $key, "`.")] pub(crate) $field: i32,)*
            /// Which were written by themselves, bit per setting (`ipv4_devconf.state`).
            pub(crate) written: u64,
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)* written: 0 }
            }
        }

        impl $name {
            /// The names, in order.
            pub(crate) const KEYS: &'static [&'static str] = &[$($key),*];

            /// A setting's place in the order, its form and its value.
            pub(crate) fn look_up(&self, key: &str) -> Option<(usize, Form, i32)> {
                let place = Self::KEYS.iter().position(|&k| k == key)?;
                let (form, value) = [$(($form, self.$field)),*][place];
                Some((place, form, value))
            }

            /// Sets the one at that place.
            pub(crate) fn set_at(&mut self, place: usize, value: i32) {
                *[$(&mut self.$field),*][place] = value;
            }
        }
    };
}

settings! {
    /// A device's settings: `net.ipv4.conf.DEV` and, prefixed with `neigh/`, `net.ipv4.neigh.DEV`.
    DevConf {
        "accept_local" accept_local: Form::Int, 0;
        "accept_redirects" accept_redirects: Form::Int, 1;
        "accept_source_route" accept_source_route: Form::Int, 1;
        "arp_accept" arp_accept: Form::Int, 0;
        "arp_announce" arp_announce: Form::Int, 0;
        "arp_evict_nocarrier" arp_evict_nocarrier: Form::Int, 1;
        "arp_filter" arp_filter: Form::Int, 0;
        "arp_ignore" arp_ignore: Form::Int, 0;
        "arp_notify" arp_notify: Form::Int, 0;
        "bc_forwarding" bc_forwarding: Form::Int, 0;
        "bootp_relay" bootp_relay: Form::Int, 0;
        "disable_policy" disable_policy: Form::Int, 0;
        "disable_xfrm" disable_xfrm: Form::Int, 0;
        "drop_gratuitous_arp" drop_gratuitous_arp: Form::Int, 0;
        "drop_unicast_in_l2_multicast" drop_unicast_in_l2_multicast: Form::Int, 0;
        "force_igmp_version" force_igmp_version: Form::Int, 0;
        "forwarding" forwarding: Form::Int, 0;
        "igmpv2_unsolicited_report_interval" igmpv2_unsolicited_report_interval: Form::Int, 10000;
        "igmpv3_unsolicited_report_interval" igmpv3_unsolicited_report_interval: Form::Int, 1000;
        "ignore_routes_with_linkdown" ignore_routes_with_linkdown: Form::Int, 0;
        "log_martians" log_martians: Form::Int, 0;
        "mc_forwarding" mc_forwarding: Form::ReadOnly, 0;
        "medium_id" medium_id: Form::Int, 0;
        "promote_secondaries" promote_secondaries: Form::Int, 0;
        "proxy_arp" proxy_arp: Form::Int, 0;
        "proxy_arp_pvlan" proxy_arp_pvlan: Form::Int, 0;
        "route_localnet" route_localnet: Form::Int, 0;
        "rp_filter" rp_filter: Form::Int, 0;
        "secure_redirects" secure_redirects: Form::Int, 1;
        "send_redirects" send_redirects: Form::Int, 1;
        "shared_media" shared_media: Form::Int, 1;
        "src_valid_mark" src_valid_mark: Form::Int, 0;
        "tag" tag: Form::Int, 0;
        "ipv6/disable_ipv6" disable_ipv6: Form::Int, 1;
        "neigh/anycast_delay" anycast_delay: Form::Centis, 100;
        "neigh/app_solicit" app_solicit: Form::Within(0, i32::MAX), 0;
        "neigh/base_reachable_time_ms" base_reachable_time_ms: Form::Millis, 30000;
        "neigh/delay_first_probe_time" delay_first_probe_time: Form::Seconds, 5;
        "neigh/gc_stale_time" gc_stale_time: Form::Seconds, 60;
        "neigh/interval_probe_time_ms" interval_probe_time_ms: Form::Millis, 5000;
        "neigh/locktime" locktime: Form::Centis, 100;
        "neigh/mcast_resolicit" mcast_resolicit: Form::Within(0, i32::MAX), 0;
        "neigh/mcast_solicit" mcast_solicit: Form::Within(0, i32::MAX), 3;
        "neigh/proxy_delay" proxy_delay: Form::Centis, 80;
        "neigh/proxy_qlen" proxy_qlen: Form::Within(0, i32::MAX), 64;
        "neigh/retrans_time_ms" retrans_time_ms: Form::Millis, 1000;
        "neigh/ucast_solicit" ucast_solicit: Form::Within(0, i32::MAX), 3;
        "neigh/unres_qlen_bytes" unres_qlen_bytes: Form::Within(0, i32::MAX), 212_992;
    }
}

settings! {
    /// A namespace's own settings below `net`; names begin behind `net/`.
    NetConf {
        "ipv4/icmp_echo_enable_probe" icmp_echo_enable_probe: Form::Within(0, 1), 0;
        "ipv4/icmp_echo_ignore_all" icmp_echo_ignore_all: Form::Within(0, 1), 0;
        "ipv4/icmp_echo_ignore_broadcasts" icmp_echo_ignore_broadcasts: Form::Within(0, 1), 1;
        "ipv4/icmp_errors_use_inbound_ifaddr" icmp_errors_use_inbound_ifaddr: Form::Within(0, 1), 0;
        "ipv4/icmp_ignore_bogus_error_responses" icmp_ignore_bogus_error_responses: Form::Within(0, 1), 1;
        "ipv4/icmp_msgs_burst" icmp_msgs_burst: Form::Within(0, i32::MAX), 50;
        "ipv4/icmp_msgs_per_sec" icmp_msgs_per_sec: Form::Within(0, i32::MAX), 1000;
        "ipv4/icmp_ratelimit" icmp_ratelimit: Form::Millis, 1000;
        "ipv4/icmp_ratemask" icmp_ratemask: Form::Int, 6168;
        "ipv4/igmp_link_local_mcast_reports" igmp_link_local_mcast_reports: Form::Within(0, 255), 1;
        "ipv4/igmp_max_memberships" igmp_max_memberships: Form::Int, 20;
        "ipv4/igmp_max_msf" igmp_max_msf: Form::Int, 10;
        "ipv4/igmp_qrv" igmp_qrv: Form::Within(1, i32::MAX), 2;
        "ipv4/fib_multipath_hash_fields" fib_multipath_hash_fields: Form::Within(1, 4095), 7;
        "ipv4/fib_multipath_hash_policy" fib_multipath_hash_policy: Form::Within(0, 3), 0;
        "ipv4/fib_multipath_use_neigh" fib_multipath_use_neigh: Form::Within(0, 1), 0;
        "ipv4/ip_default_ttl" ip_default_ttl: Form::Within(1, 255), 64;
        "ipv4/ip_early_demux" ip_early_demux: Form::Within(0, 255), 1;
        "ipv4/ip_forward_update_priority" ip_forward_update_priority: Form::Within(0, 1), 1;
        "ipv4/ip_forward_use_pmtu" ip_forward_use_pmtu: Form::Within(0, 255), 0;
        "ipv4/ip_no_pmtu_disc" ip_no_pmtu_disc: Form::Within(0, 255), 0;
        "ipv4/ip_nonlocal_bind" ip_nonlocal_bind: Form::Within(0, 255), 0;
        "ipv4/ip_unprivileged_port_start" ip_unprivileged_port_start: Form::Within(0, 65535), 1024;
        "ipv4/ipfrag_high_thresh" ipfrag_high_thresh: Form::Within(3_145_728, i32::MAX), 4_194_304;
        "ipv4/ipfrag_low_thresh" ipfrag_low_thresh: Form::Within(0, 4_194_304), 3_145_728;
        "ipv4/ipfrag_max_dist" ipfrag_max_dist: Form::Within(0, i32::MAX), 64;
        "ipv4/ipfrag_time" ipfrag_time: Form::Seconds, 30;
        "ipv4/route/min_adv_mss" min_adv_mss: Form::Int, 256;
        "ipv4/route/min_pmtu" min_pmtu: Form::Within(68, i32::MAX), 552;
        "ipv4/route/mtu_expires" mtu_expires: Form::Seconds, 600;
        "ipv4/tcp_base_mss" tcp_base_mss: Form::Int, 1024;
        "ipv4/tcp_ecn" tcp_ecn: Form::Within(0, 2), 2;
        "ipv4/tcp_fin_timeout" tcp_fin_timeout: Form::Seconds, 60;
        "ipv4/tcp_keepalive_intvl" tcp_keepalive_intvl: Form::Seconds, 75;
        "ipv4/tcp_keepalive_probes" tcp_keepalive_probes: Form::Within(0, 255), 9;
        "ipv4/tcp_keepalive_time" tcp_keepalive_time: Form::Seconds, 7200;
        "ipv4/tcp_mtu_probing" tcp_mtu_probing: Form::Within(0, 255), 0;
        "ipv4/tcp_retries1" tcp_retries1: Form::Within(0, 255), 3;
        "ipv4/tcp_retries2" tcp_retries2: Form::Within(0, 255), 15;
        "ipv4/tcp_sack" tcp_sack: Form::Within(0, 255), 1;
        "ipv4/tcp_syn_linear_timeouts" tcp_syn_linear_timeouts: Form::Within(0, 127), 4;
        "ipv4/tcp_syn_retries" tcp_syn_retries: Form::Within(1, 127), 6;
        "ipv4/tcp_synack_retries" tcp_synack_retries: Form::Within(0, 255), 5;
        "ipv4/tcp_timestamps" tcp_timestamps: Form::Within(0, 255), 1;
        "ipv4/tcp_window_scaling" tcp_window_scaling: Form::Within(0, 255), 1;
        "bridge/bridge-nf-call-arptables" bridge_nf_call_arptables: Form::Int, 1;
        "bridge/bridge-nf-call-ip6tables" bridge_nf_call_ip6tables: Form::Int, 1;
        "bridge/bridge-nf-call-iptables" bridge_nf_call_iptables: Form::Int, 1;
        "core/rmem_default" rmem_default: Form::ReadOnly, 212_992;
        "core/rmem_max" rmem_max: Form::ReadOnly, 4_194_304;
        "core/somaxconn" somaxconn: Form::Within(0, i32::MAX), 4096;
        "core/wmem_default" wmem_default: Form::ReadOnly, 212_992;
        "core/wmem_max" wmem_max: Form::ReadOnly, 4_194_304;
    }
}
