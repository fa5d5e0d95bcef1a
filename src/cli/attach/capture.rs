//! Captures as they are read: pcap and pcapng, frames of Ethernet with the time between them.
//!
//! Counterpart: libpcap's `sf-pcap.c` and `sf-pcapng.c`. Deliberately absent: other link types and compressed files, which
//! are refused by name; names and comments.

use std::collections::BTreeMap;
use std::time::Duration;

/// The frames of a capture, each with its time since the first, in order.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(Duration, Vec<u8>)>, String> {
    let mut frames = match bytes.first_chunk::<4>() {
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => sections(bytes)?,
        Some([0x1f, 0x8b, ..]) => return Err("it is compressed: unpack it first (gunzip)".to_owned()),
        Some(_) => classic(bytes)?,
        None => return Err("it is no capture: it is too short".to_owned()),
    };
    frames.sort_by_key(|(at, _)| *at);
    let first = frames.first().map_or(Duration::ZERO, |(at, _)| *at);
    frames.iter_mut().for_each(|(at, _)| *at -= first);
    Ok(frames)
}

type Frames = Vec<(Duration, Vec<u8>)>;
type Word = fn([u8; 4]) -> u32;

/// The classic format: microseconds or nanoseconds, in either byte order.
fn classic(bytes: &[u8]) -> Result<Frames, String> {
    let magic = u32_at(bytes, 0, u32::from_le_bytes)?;
    let (word, unit): (Word, u32) = match (magic, magic.swap_bytes()) {
        (MICROS, _) => (u32::from_le_bytes, 1000),
        (NANOS, _) => (u32::from_le_bytes, 1),
        (_, MICROS) => (u32::from_be_bytes, 1000),
        (_, NANOS) => (u32::from_be_bytes, 1),
        _ => return Err("it is neither pcap nor pcapng".to_owned()),
    };
    // The upper bits say how long the frame check sequence is.
    ethernet(u32_at(bytes, 20, word)? & 0xffff)?;
    let (mut frames, mut at) = (Vec::new(), 24);
    while at < bytes.len() {
        let (s, part) = (u32_at(bytes, at, word)?, u32_at(bytes, at + 4, word)?);
        let kept = u32_at(bytes, at + 8, word)? as usize;
        let frame = bytes.get(at + 16..).and_then(|rest| rest.get(..kept)).ok_or_else(|| cut(at))?;
        let time = Duration::from_secs(s.into()) + Duration::from_nanos(u64::from(part) * u64::from(unit));
        frames.push((time, frame.to_vec()));
        at += 16 + kept;
    }
    Ok(frames)
}

/// The newer format: sections of blocks.
fn sections(bytes: &[u8]) -> Result<Frames, String> {
    let (mut frames, mut at) = (Vec::new(), 0);
    let mut word: Word = u32::from_le_bytes;
    // Each interface of the section: what a unit of its time is, as a power, and to which base.
    let mut interfaces: BTreeMap<usize, Resolution> = BTreeMap::new();
    while at < bytes.len() {
        if bytes[at..].starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            word = match u32_at(bytes, at + 8, u32::from_le_bytes)? {
                0x1a2b_3c4d => u32::from_le_bytes,
                0x4d3c_2b1a => u32::from_be_bytes,
                _ => return Err(format!("at byte {at}: a section without its byte order")),
            };
            interfaces.clear();
        }
        let (kind, len) = (u32_at(bytes, at, word)?, u32_at(bytes, at + 4, word)? as usize);
        let block = bytes.get(at..).and_then(|rest| rest.get(..len)).filter(|_| len >= 12).ok_or_else(|| cut(at))?;
        match kind {
            1 => {
                ethernet(u32_at(block, 8, word)? & 0xffff)?;
                interfaces.insert(interfaces.len(), resolution(&block[..len - 4], word));
            }
            6 => {
                let interface = u32_at(block, 8, word)? as usize;
                let resolution = interfaces
                    .get(&interface)
                    .ok_or_else(|| format!("at byte {at}: interface {interface} is not said"))?;
                let ticks = u64::from(u32_at(block, 12, word)?) << 32 | u64::from(u32_at(block, 16, word)?);
                let kept = u32_at(block, 20, word)? as usize;
                let frame = block.get(28..).and_then(|rest| rest.get(..kept)).ok_or_else(|| cut(at))?;
                frames.push((resolution.time(ticks), frame.to_vec()));
            }
            3 => return Err(format!("at byte {at}: a simple packet block has no time")),
            _ => {}
        }
        at += len;
    }
    Ok(frames)
}

/// How many parts a second has.
#[derive(Clone, Copy)]
struct Resolution(u128);

impl Resolution {
    fn time(self, ticks: u64) -> Duration {
        let ns = u128::from(ticks) * 1_000_000_000 / self.0;
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

/// An interface's `if_tsresol`; microseconds unless said.
fn resolution(block: &[u8], word: Word) -> Resolution {
    let half = |at: usize| {
        let bytes = block.get(at..at + 2)?;
        let (a, b) = (bytes[0], bytes[1]);
        // Whichever order a word has, a half of it has.
        Some(if word([1, 0, 0, 0]) == 1 { u16::from_le_bytes([a, b]) } else { u16::from_be_bytes([a, b]) })
    };
    let mut at = 16;
    while let (Some(code), Some(len)) = (half(at), half(at + 2)) {
        match (code, block.get(at + 4)) {
            (0, _) => break,
            (9, Some(&unit)) if unit & 0x80 == 0 => return Resolution(10u128.pow(u32::from(unit.min(18)))),
            (9, Some(&unit)) => return Resolution(1 << (unit & 0x7f).min(63)),
            _ => at += 4 + usize::from(len).next_multiple_of(4),
        }
    }
    Resolution(1_000_000)
}

fn ethernet(link: u32) -> Result<(), String> {
    match link {
        1 => Ok(()),
        other => Err(format!("its link type is {other}; only Ethernet (1) goes into a port")),
    }
}

fn u32_at(bytes: &[u8], at: usize, word: Word) -> Result<u32, String> {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).map(|b| word(*b)).ok_or_else(|| cut(at))
}

fn cut(at: usize) -> String {
    format!("it is cut off at byte {at}")
}

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;

#[cfg(test)]
mod tests {
    use super::*;

    fn pcap(magic: u32, link: u32, part: u32) -> Vec<u8> {
        let words = [magic, 0x0004_0002, 0, 0, 65535, link, 5, 0, 2, 2, 0x0202];
        let mut bytes: Vec<u8> = words[..10].iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.extend([1, 2]);
        bytes.extend([5, part, 1, 1].iter().flat_map(|w: &u32| w.to_le_bytes()));
        bytes.push(3);
        bytes
    }

    #[test]
    fn captures_are_read_and_what_is_none_is_refused() {
        let frames = read(&pcap(MICROS, 1, 7)).expect("a capture");
        assert_eq!(frames, vec![(Duration::ZERO, vec![1, 2]), (Duration::from_micros(7), vec![3])]);
        let frames = read(&pcap(NANOS, 1, 7)).expect("a capture");
        assert_eq!(frames[1].0, Duration::from_nanos(7));
        assert!(read(&pcap(MICROS, 113, 7)).is_err_and(|e| e.contains("113")));
        // Cut anywhere it is an error or a shorter capture, never a panic.
        let whole = pcap(MICROS, 1, 7);
        (0..whole.len()).for_each(|n| assert!(read(&whole[..n]).is_err() || n == 24 || n == 42));
    }

    #[test]
    fn what_the_simulator_records_is_read_again() {
        let mut sim = nettwin::sim::Sim::new(0);
        let netns = nettwin::model::NetnsName::new("h1").expect("a name");
        let lo = nettwin::model::IfName::lo();
        nettwin::model::Backend::execute(&mut sim, &[nettwin::model::Op::AddNetns { netns: netns.clone() }])
            .expect("done");
        let recording = sim.record(&netns, lo).expect("lo");
        let frame = vec![0xab; 61];
        sim.send(&netns, lo, &frame);
        let up = nettwin::model::LinkChange { up: Some(true), ..Default::default() };
        let up = nettwin::model::Op::SetLink { netns: netns.clone(), name: lo, change: Box::new(up) };
        nettwin::model::Backend::execute(&mut sim, &[up]).expect("done");
        sim.send(&netns, lo, &frame);
        let bytes = sim.take_recording(recording);
        let frames = read(&bytes).expect("a capture");
        assert!(!frames.is_empty() && frames.iter().all(|(_, f)| *f == frame), "{frames:?}");
        (0..bytes.len()).for_each(|n| drop(read(&bytes[..n])));
    }
}
