//! IGMP messages as bridges hear and send them.
//!
//! Kernel counterpart: `ip_mc_check_igmp()`, `br_ip4_multicast_igmp3_report()`, `br_ip4_multicast_alloc_query()`.

use nettwin_model::Mac;
use nettwin_model::wire::{ETH_LEN, ETHERTYPE_IPV4, Ipv4, checksum, write_eth};
use std::net::Ipv4Addr;
use std::time::Duration;

/// A message.
pub(super) enum Igmp {
    /// Somebody is or becomes a member of these, and leaves those.
    Report { joined: Vec<Ipv4Addr>, left: Vec<Ipv4Addr>, only_routers: bool },
    /// Somebody leaves a group.
    Leave(Ipv4Addr),
    /// Who is a member (of `group`)?
    Query { from: Ipv4Addr, group: Option<Ipv4Addr>, delay: Duration },
}

const PROTO_IGMP: u8 = 2;

/// The message of a packet: none if it is about something else, an error if it is broken.
pub(super) fn parse(ip: &Ipv4<'_>, packet: &[u8]) -> Result<Option<Igmp>, ()> {
    if ip.proto() != PROTO_IGMP || ip.is_fragment() {
        return Ok(None);
    }
    let body = packet.get(ip.header_len()..ip.total_len()).filter(|body| body.len() >= 8).ok_or(())?;
    let known = matches!(body[0], 0x11 | 0x12 | 0x16 | 0x17 | 0x22);
    if checksum(body) != 0 {
        return Err(());
    }
    if !known {
        return Ok(None);
    }
    let group = address(body, 4);
    Ok(Some(match body[0] {
        0x12 | 0x16 => Igmp::Report { joined: vec![group], left: Vec::new(), only_routers: true },
        0x17 => Igmp::Leave(group),
        0x22 => records(body)?,
        _ => return Ok(question(ip.src(), group, body)),
    }))
}

fn question(from: Ipv4Addr, group: Ipv4Addr, body: &[u8]) -> Option<Igmp> {
    let code = body[1];
    let (group, delay) = match body.len() {
        // Version 1 says no time, and asks for all.
        8 if code == 0 => (Ipv4Addr::UNSPECIFIED, Duration::from_secs(10)),
        8 => (group, tenths(code.into())),
        12.. if u16::from_be_bytes([body[10], body[11]]) != 0 => return None,
        12.. => (group, if code == 0 { Duration::from_millis(4) } else { tenths(spread(code)) }),
        _ => return None,
    };
    Some(Igmp::Query { from, group: Some(group).filter(|group| !group.is_unspecified()), delay })
}

/// Times from 128 on are written as a mantissa and an exponent (`IGMPV3_MRC`).
fn spread(code: u8) -> u32 {
    if code < 0x80 { code.into() } else { u32::from(code & 0x0f | 0x10) << ((code >> 4 & 7) + 3) }
}

fn tenths(n: u32) -> Duration {
    Duration::from_millis(u64::from(n) * 100)
}

/// An IGMPv3 report's records: to include no source is to leave, all else is to join.
fn records(body: &[u8]) -> Result<Igmp, ()> {
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    let mut rest = &body[8..];
    for _ in 0..u16::from_be_bytes([body[6], body[7]]) {
        let record = rest.get(..8).ok_or(())?;
        let sources = usize::from(u16::from_be_bytes([record[2], record[3]]));
        rest = rest.get(8 + 4 * sources + 4 * usize::from(record[1])..).ok_or(())?;
        let group = address(record, 4);
        match record[0] {
            1 | 3 if sources == 0 => left.push(group),
            1..=6 => joined.push(group),
            _ => {}
        }
    }
    Ok(Igmp::Report { joined, left, only_routers: false })
}

fn address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}

/// A query's frame, of version 2.
pub(super) fn query(source: Mac, group: Option<Ipv4Addr>, delay_centis: u32) -> Vec<u8> {
    const HEADER: usize = 24;
    const ALL_HOSTS: Mac = Mac([1, 0, 0x5e, 0, 0, 1]);
    let mut out = vec![0; ETH_LEN + HEADER + 8];
    // Also what is about one group is asked of all hosts.
    write_eth(&mut out, ALL_HOSTS, source, ETHERTYPE_IPV4);
    let ip = &mut out[ETH_LEN..];
    // Six words of header, internetwork control, 32 bytes in all, DF, one hop.
    ip[..12].copy_from_slice(&[0x46, 0xc0, 0, 32, 0, 0, 0x40, 0, 1, PROTO_IGMP, 0, 0]);
    ip[16..20].copy_from_slice(&[224, 0, 0, 1]);
    // Routers look at it.
    ip[20..HEADER].copy_from_slice(&[0x94, 4, 0, 0]);
    let sum = checksum(&ip[..HEADER]).to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
    let igmp = &mut ip[HEADER..];
    igmp[0] = 0x11;
    igmp[1] = u8::try_from(delay_centis / 10).unwrap_or(u8::MAX);
    igmp[4..8].copy_from_slice(&group.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
    let sum = checksum(igmp).to_be_bytes();
    igmp[2..4].copy_from_slice(&sum);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(frame: &[u8]) -> Result<Option<Igmp>, ()> {
        parse(&Ipv4::new(&frame[ETH_LEN..]).expect("a good header"), &frame[ETH_LEN..])
    }

    #[test]
    fn a_query_is_read_as_it_was_written() {
        let group = Ipv4Addr::new(239, 1, 2, 3);
        let frame = query(Mac([2, 0, 0, 0, 0, 1]), Some(group), 100);
        assert!(matches!(of(&frame), Ok(Some(Igmp::Query { group: Some(g), delay, .. }))
            if g == group && delay == Duration::from_secs(1)));
        let mut broken = frame.clone();
        *broken.last_mut().unwrap() ^= 1;
        assert!(of(&broken).is_err());
        assert!(matches!(of(&query(Mac::ZERO, None, 1000)), Ok(Some(Igmp::Query { group: None, .. }))));
        assert_eq!((spread(0x7f), spread(0x80), spread(0xff)), (127, 128, 31744));
    }
}
