//! What sysctls say to sockets.
//!
//! Kernel counterpart: `struct netns_ipv4`. A connection keeps what was in force when it began. Deliberately absent: sizes
//! of buffers, and what only smoltcp decides (timestamps, window scaling, selective acknowledgements, explicit congestion
//! notification).

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
        let net = &sysctls.net;
        Settings {
            ports: sysctls.port_range,
            syn_retries: number(net.tcp_syn_retries),
            syn_linear_timeouts: number(net.tcp_syn_linear_timeouts),
            synack_retries: number(net.tcp_synack_retries),
            fin_timeout: Duration::from_secs(number(net.tcp_fin_timeout).into()),
        }
    }

    /// The wait after the `sent`th SYN: as often as there are linear timeouts, and once more, a second, then doubled up to
    /// `TCP_RTO_MAX`. The kernel's timer wheel adds up to an eighth.
    pub(super) fn syn_gap(&self, sent: u32) -> Duration {
        doubled(sent.saturating_sub(self.syn_linear_timeouts + 1))
    }

    /// When a SYN that was answered is given up: all copies have left, and the last has had its time.
    pub(super) fn synack_give_up(&self) -> Duration {
        (0..=self.synack_retries).map(doubled).sum()
    }
}

/// A second, so many times doubled.
fn doubled(times: u32) -> Duration {
    Duration::from_secs(1 << times.min(7)).min(RTO_MAX)
}

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
}
