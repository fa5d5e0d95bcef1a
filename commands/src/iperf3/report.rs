//! What `iperf3` prints of a test.
//!
//! Counterpart: `unit_snprintf()`, `iperf_print_intermediate()` and `iperf_print_results()` of iperf3 3.12, as on a system whose
//! sockets do not tell their retransmissions and windows (no `TCP_INFO`), since the simulated ones do not.

use std::fmt::Write;
use std::time::Duration;

/// What went over a stream in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Share {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) bytes: u64,
    pub(super) packets: u64,
    /// What is missing of a receiver's packets.
    pub(super) lost: u64,
    pub(super) jitter_ms: f64,
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) udp: bool,
    pub(super) unit: char,
}

/// Whose count a line is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    Sender,
    Receiver,
}

pub(super) const BETWEEN: &str = "- - - - - - - - - - - - - - - - - - - - - - - - -\n";

impl Style {
    /// The header of the lines of intervals as this side has them.
    pub(super) fn header(self, side: Side) -> &'static str {
        match (self.udp, side) {
            (false, _) => "[ ID] Interval           Transfer     Bitrate\n",
            (true, Side::Sender) => "[ ID] Interval           Transfer     Bitrate         Total Datagrams\n",
            (true, Side::Receiver) => self.summary_header(),
        }
    }

    pub(super) fn summary_header(self) -> &'static str {
        if self.udp {
            "[ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams\n"
        } else {
            self.header(Side::Sender)
        }
    }

    /// A line of an interval.
    pub(super) fn interval(self, id: Option<usize>, share: &Share, side: Side) -> String {
        let begin = self.begin(id, share);
        match (self.udp, side) {
            (false, _) => format!("{begin}                  \n"),
            (true, Side::Sender) => format!("{begin}  {}  \n", share.packets),
            (true, Side::Receiver) => format!("{begin}  {}  \n", losses(share)),
        }
    }

    /// A line of the summary.
    pub(super) fn summary(self, id: Option<usize>, share: &Share, side: Side) -> String {
        let begin = self.begin(id, share);
        let side = if side == Side::Sender { "sender" } else { "receiver" };
        match self.udp {
            false => format!("{begin}                  {side}\n"),
            true => format!("{begin}  {}  {side}\n", losses(share)),
        }
    }

    fn begin(self, id: Option<usize>, share: &Share) -> String {
        let mut out = id.map_or_else(|| "[SUM]".to_owned(), |id| format!("[{id:3}]"));
        let seconds = (share.to.saturating_sub(share.from)).as_secs_f64();
        let rate = if seconds > 0.0 { share.bytes as f64 / seconds } else { 0.0 };
        let _ = write!(
            out,
            " {:6.2}-{:<6.2} sec  {}  {}/sec",
            share.from.as_secs_f64(),
            share.to.as_secs_f64(),
            unit(share.bytes as f64, 'A'),
            unit(rate, self.unit)
        );
        out
    }
}

fn losses(share: &Share) -> String {
    let all = share.packets;
    let percent = if all > 0 { 100.0 * share.lost as f64 / all as f64 } else { 0.0 };
    format!("{:5.3} ms  {}/{all} ({}%)", share.jitter_ms, share.lost, crate::number::general(percent, 2))
}

/// Several streams as one.
pub(super) fn sum(shares: &[Share]) -> Share {
    let mut out = shares.first().copied().unwrap_or_default();
    for share in shares.iter().skip(1) {
        out.bytes += share.bytes;
        out.packets += share.packets;
        out.lost += share.lost;
        out.jitter_ms += share.jitter_ms;
        out.to = out.to.max(share.to);
    }
    out.jitter_ms /= shares.len().max(1) as f64;
    out
}

/// A number of bytes in four places, with the unit that a letter says: of bits if it is small.
fn unit(bytes: f64, letter: char) -> String {
    let is_bits = letter.is_ascii_lowercase();
    let mut value = if is_bits { bytes * 8.0 } else { bytes };
    let step = if is_bits { 1000.0 } else { 1024.0 };
    let fixed = ['B', 'K', 'M', 'G', 'T'].iter().position(|unit| *unit == letter.to_ascii_uppercase());
    let mut power = 0;
    while fixed.map_or(value >= step && power < 4, |fixed| power < fixed) {
        value /= step;
        power += 1;
    }
    let names = if is_bits {
        ["bits", "Kbits", "Mbits", "Gbits", "Tbits"]
    } else {
        ["Bytes", "KBytes", "MBytes", "GBytes", "TBytes"]
    };
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:4.digits$} {}", names[power])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_in_four_places() {
        let check = |bytes: f64, letter: char, expect: &str| assert_eq!(unit(bytes, letter), expect);
        check(1_310_720.0, 'A', "1.25 MBytes");
        check(1_310_720.0, 'a', "10.5 Mbits");
        check(655_360.0, 'A', " 640 KBytes");
        check(1_310_720.0, 'k', "10486 Kbits");
        check(1_310_720.0, 'g', "0.01 Gbits");
        check(0.0, 'A', "0.00 Bytes");
        check(0.0, 'a', "0.00 bits");
    }

    #[test]
    fn lines_are_as_iperf3_prints_them() {
        let second = Duration::from_secs(1);
        let share = Share { to: second, bytes: 131_072, packets: 4, ..Share::default() };
        let tcp = Style { udp: false, unit: 'a' };
        let udp = Style { udp: true, unit: 'a' };
        assert_eq!(
            tcp.interval(Some(5), &share, Side::Sender),
            "[  5]   0.00-1.00   sec   128 KBytes  1.05 Mbits/sec                  \n"
        );
        assert_eq!(
            udp.interval(Some(5), &share, Side::Sender),
            "[  5]   0.00-1.00   sec   128 KBytes  1.05 Mbits/sec  4  \n"
        );
        assert_eq!(
            udp.summary(None, &share, Side::Receiver),
            "[SUM]   0.00-1.00   sec   128 KBytes  1.05 Mbits/sec  0.000 ms  0/4 (0%)  receiver\n"
        );
    }
}
