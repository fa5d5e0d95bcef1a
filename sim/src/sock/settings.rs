//! What sysctls say to sockets.
//!
//! Kernel counterpart: `struct netns_ipv4`. A connection keeps what was in force when it began. Deliberately absent:
//! buffers that grow, and what only smoltcp decides: that selective acknowledgements
//! are offered says nothing of what is made of them.

use crate::sysctl::Sysctls;
use std::time::Duration;

/// Those that count here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `ip_local_port_range`: the first and the last ephemeral port.
    pub(super) ports: (u16, u16),
    /// `tcp_syn_retries`.
    pub(super) syn_retries: u32,
    /// `tcp_syn_linear_timeouts`.
    pub(super) syn_linear_timeouts: u32,
    /// `tcp_synack_retries`.
    synack_retries: u32,
    /// `tcp_fin_timeout`.
    pub(super) fin_timeout: Duration,
    /// `tcp_retries1`.
    first_retries: u32,
    /// `tcp_retries2`.
    retries: u32,
    /// `tcp_mtu_probing`: 1 when a connection gets nowhere, 2 from its beginning.
    pub(super) mtu_probing: i32,
    /// `tcp_base_mss`.
    base_mss: u16,
    /// The receive buffer of a connection, bytes: as large as `tcp_rmem` lets it become.
    pub(super) receive_bytes: usize,
    /// The send buffer, by `tcp_wmem`.
    pub(super) send_bytes: usize,
    /// `somaxconn`: how many connections may wait to be accepted, whatever a listener asks for.
    pub(super) most_waiting: usize,
    /// `tcp_sack` and `tcp_window_scaling`: what a SYN offers.
    pub(super) sack: bool,
    pub(super) scaling: bool,
    /// `tcp_timestamps`: 1 from a random moment on.
    pub(super) timestamps: i32,
    /// `tcp_ecn`: 1 to ask for marks, 2 to let others ask.
    pub(super) ecn: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings::of(&Sysctls::default())
    }
}

impl Settings {
    /// As they are in a namespace.
    pub(crate) fn of(sysctls: &Sysctls) -> Self {
        let number = |value: i32| u32::try_from(value).unwrap_or(0);
        let buffer = |sizes: [i32; 3]| {
            let most = usize::try_from(sizes[1].max(sizes[2])).unwrap_or(0);
            most.clamp(LEAST_BUFFER, MOST_BUFFER)
        };
        let net = &sysctls.net;
        Settings {
            ports: sysctls.ranges.port_range,
            syn_retries: number(net.tcp_syn_retries),
            syn_linear_timeouts: number(net.tcp_syn_linear_timeouts),
            synack_retries: number(net.tcp_synack_retries),
            fin_timeout: Duration::from_secs(number(net.tcp_fin_timeout).into()),
            first_retries: number(net.tcp_retries1),
            retries: number(net.tcp_retries2),
            mtu_probing: net.tcp_mtu_probing,
            base_mss: u16::try_from(net.tcp_base_mss).unwrap_or(u16::MAX),
            receive_bytes: buffer(sysctls.ranges.tcp_rmem),
            send_bytes: buffer(sysctls.ranges.tcp_wmem),
            most_waiting: usize::try_from(net.somaxconn).unwrap_or(0),
            sack: net.tcp_sack != 0,
            scaling: net.tcp_window_scaling != 0,
            timestamps: net.tcp_timestamps,
            ecn: net.tcp_ecn,
        }
    }

    /// The wait after the `sent`th SYN: as often as there are linear timeouts, and once more, a second, then doubled up to
    /// `TCP_RTO_MAX`. The kernel's timer wheel adds some milliseconds, so who gives up after a second has sent one SYN.
    pub(super) fn syn_gap(&self, sent: u32) -> Duration {
        doubled(sent.saturating_sub(self.syn_linear_timeouts + 1)) + WHEEL
    }

    /// For how long nothing may be acknowledged before a connection is given up.
    pub(super) fn give_up(&self) -> Duration {
        timeout(self.retries)
    }

    /// For how long nothing may be acknowledged before the path is taken for a black hole, for the `nth` time (from 0): so
    /// long after the first retransmission, and it is looked only when the next is due.
    pub(super) fn black_hole(&self, nth: u32) -> Duration {
        timeout(self.first_retries.saturating_add(nth + 1))
    }

    /// The packet that is tried then, bytes (`tcp_mtu_probing`).
    pub(super) fn narrower(&self, nth: u32) -> u16 {
        const LEAST_MSS: u16 = 48;
        (self.base_mss >> nth.min(15)).max(LEAST_MSS).saturating_add(40)
    }

    /// When a SYN that was answered is given up: all copies have left, and the last has had its time.
    pub(super) fn synack_give_up(&self) -> Duration {
        (0..=self.synack_retries).map(doubled).sum()
    }
}

/// How long so many retransmissions take (`tcp_model_timeout`).
fn timeout(retries: u32) -> Duration {
    /// How often 200 ms double until `TCP_RTO_MAX` ends it.
    const DOUBLINGS: u32 = 9;
    let doubled = RTO_MIN * ((2 << retries.min(DOUBLINGS)) - 1);
    doubled + RTO_MAX * retries.saturating_sub(DOUBLINGS)
}

/// A second, so many times doubled.
fn doubled(times: u32) -> Duration {
    Duration::from_secs(1 << times.min(7)).min(RTO_MAX)
}

/// What the timer wheel adds at least, about.
const WHEEL: Duration = Duration::from_millis(10);
/// `TCP_RTO_MIN`.
const RTO_MIN: Duration = Duration::from_millis(200);
/// `SOCK_MIN_RCVBUF`, about.
const LEAST_BUFFER: usize = 2304;
/// What a connection of ours takes no more than, whatever it is allowed.
const MOST_BUFFER: usize = 256 * 1024;
/// `TCP_RTO_MAX`.
const RTO_MAX: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(retries: u32, linear: u32, expect: &[u64]) {
        let settings = Settings { syn_retries: retries, syn_linear_timeouts: linear, ..Settings::default() };
        let mut at = 0;
        let instants: Vec<u64> = (1..=retries + linear + 1)
            .map(|sent| {
                at += settings.syn_gap(sent).as_secs();
                at
            })
            .collect();
        assert_eq!(instants, expect);
    }

    #[test]
    fn syn_copies_follow_the_kernels_schedule() {
        check(6, 4, &[1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131]);
        check(1, 0, &[1, 3]);
        check(2, 1, &[1, 2, 4, 8]);
        assert_eq!(Settings::default().synack_give_up(), Duration::from_secs(63));
    }

    #[test]
    fn a_connection_is_given_up_when_the_kernel_does() {
        let after = |retries| Settings { retries, ..Settings::default() }.give_up();
        assert_eq!(after(15), Duration::from_millis(924_600));
        assert_eq!(after(3), Duration::from_secs(3));
    }
}
