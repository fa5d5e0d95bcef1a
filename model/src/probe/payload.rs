//! What workloads put into their packets: the same bytes on both machines, so that frames can be compared.
//!
//! Counterpart: the fill patterns of iputils and traceroute. Deliberately absent: ping's timestamp in the first 16 bytes;
//! send times are kept in [`PingRun`](super::PingRun), and those bytes go on with the pattern.

/// Byte `i` of an echo request's payload without a pattern.
const fn echo_byte(i: usize) -> u8 {
    i as u8
}

/// Byte `i` of a traceroute datagram's payload: `@ABC…`.
pub const fn trace_byte(i: usize) -> u8 {
    0x40 + (i & 0x3f) as u8
}

/// Byte `i` of what a UDP or TCP flow sends. The period is a prime, so that lost or doubled segments show.
pub const fn flow_byte(i: u64) -> u8 {
    (i % 251) as u8
}

/// An echo request's payload. A pattern begins at its first byte, timestamp or not.
pub fn echo(size: u16, pattern: &[u8]) -> Vec<u8> {
    let usual = |i| if pattern.is_empty() { echo_byte(i) } else { pattern[i % pattern.len()] };
    (0..usize::from(size)).map(usual).collect()
}

/// A traceroute datagram's payload in an IP packet of `packet_len` bytes, of which IP and UDP headers take 28.
pub fn trace(packet_len: u16) -> Vec<u8> {
    (0..usize::from(packet_len.saturating_sub(28))).map(trace_byte).collect()
}

/// Bytes `from` to `from + len` of what a flow sends.
pub fn flow(from: u64, len: usize) -> Vec<u8> {
    (from..).take(len).map(flow_byte).collect()
}
