//! Savefiles: `-w` and `-r`.
//!
//! Counterpart: the classic pcap format of libpcap (`sf-pcap.c`), microseconds, written in the byte order of a PC and read in
//! both. Deliberately absent: pcapng, nanoseconds, other link types than Ethernet and the cooked one.

use super::packet::{LinkType, Packet};
use std::time::Duration;

/// The head of a savefile.
pub(super) fn header(link: LinkType, snap_len: u32) -> Vec<u8> {
    let mut out = MAGIC.to_le_bytes().to_vec();
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&4u16.to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&snap_len.to_le_bytes());
    out.extend_from_slice(&link.number().to_le_bytes());
    out
}

/// One packet's record.
pub(super) fn record(packet: &Packet, out: &mut Vec<u8>) {
    let word = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&word(packet.at.as_secs()));
    out.extend_from_slice(&packet.at.subsec_micros().to_le_bytes());
    out.extend_from_slice(&word(packet.bytes.len() as u64));
    out.extend_from_slice(&word(packet.len as u64));
    out.extend_from_slice(&packet.bytes);
}

/// A savefile that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Savefile {
    /// What its packets begin with.
    pub(super) link: LinkType,
    /// Its snapshot length.
    pub(super) snap_len: u32,
    /// Its packets.
    pub(super) packets: Vec<Packet>,
    /// What is wrong behind them.
    pub(super) broken: Option<String>,
}

/// Reads a savefile; the error is libpcap's.
pub(super) fn read(bytes: &[u8]) -> Result<Savefile, String> {
    let got = bytes.len();
    let short =
        |want: usize| Err(format!("truncated dump file; tried to read {want} file header bytes, only got {got}"));
    let Some(magic) = bytes.first_chunk::<4>() else { return short(4) };
    let word: fn([u8; 4]) -> u32 = match u32::from_le_bytes(*magic) {
        MAGIC => u32::from_le_bytes,
        magic if magic.swap_bytes() == MAGIC => u32::from_be_bytes,
        _ => return Err("unknown file format".to_owned()),
    };
    let at = |bytes: &[u8], at: usize| bytes.get(at..at + 4)?.first_chunk::<4>().map(|w| word(*w));
    let (Some(snap_len), Some(link)) = (at(bytes, 16), at(bytes, 20)) else { return short(HEADER_BYTES) };
    let link = match link {
        1 => LinkType::Ethernet,
        276 => LinkType::Cooked,
        other => return Err(format!("link-type {other} is not supported here")),
    };
    let mut file = Savefile { link, snap_len, packets: Vec::new(), broken: None };
    let mut rest = &bytes[HEADER_BYTES..];
    while !rest.is_empty() {
        let (Some(s), Some(us), Some(kept), Some(len)) = (at(rest, 0), at(rest, 4), at(rest, 8), at(rest, 12)) else {
            let text = format!("truncated dump file; tried to read 16 header bytes, only got {}", rest.len());
            file.broken = Some(text);
            break;
        };
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        let Some(packet) = rest[16..].get(..kept) else {
            let text =
                format!("truncated dump file; tried to read {kept} captured bytes, only got {}", rest.len() - 16);
            file.broken = Some(text);
            break;
        };
        let at = Duration::from_secs(s.into()) + Duration::from_micros(us.into());
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        file.packets.push(Packet { at, len, bytes: packet.to_vec(), direction: None });
        rest = &rest[16 + kept..];
    }
    Ok(file)
}

/// `struct pcap_file_header`.
pub(super) const HEADER_BYTES: usize = 24;
const MAGIC: u32 = 0xa1b2_c3d4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let at = Duration::new(1_704_067_201, 5000);
        let packets = vec![Packet { at, len: 100, bytes: vec![7; 60], direction: None }];
        let mut bytes = header(LinkType::Cooked, 262_144);
        record(&packets[0], &mut bytes);
        let cut = bytes.len() - 1;
        let expect = Savefile { link: LinkType::Cooked, snap_len: 262_144, packets, broken: None };
        assert_eq!(read(&bytes), Ok(expect));
        let broken = read(&bytes[..cut]).unwrap().broken.unwrap();
        assert_eq!(broken, "truncated dump file; tried to read 60 captured bytes, only got 59");
        assert_eq!(read(b"root:x").unwrap_err(), "unknown file format");
    }
}
