//! u32's selectors: words of a packet, by name or by place.
//!
//! Counterpart: `parse_selector` and `pack_key` of `tc/f_u32.c`. Deliberately absent, and refused by name: `ip6`, `mark`, `ether`.

use super::unsupported;
use crate::iproute::args::{Stop, Words, unsigned, whole};
use crate::number::strtol_rest;
use nettwin_model::Cidr;
use nettwin_model::queue::U32Key;

/// One selector, behind `match`; whether it makes sense.
pub(super) fn parse(words: &mut Words<'_>, keys: &mut Vec<U32Key>) -> Result<bool, Stop> {
    let Some(word) = words.next() else { return Ok(false) };
    match word {
        "u8" => Ok(number(words, keys, 1, (0, false)).is_some()),
        "u16" => Ok(number(words, keys, 2, (0, false)).is_some()),
        "u32" => Ok(number(words, keys, 4, (0, false)).is_some()),
        "ip" => Ok(ip(words, keys).is_some()),
        "tcp" | "udp" => {
            let at = match words.next() {
                Some("src") => 0,
                Some("dst") => 2,
                _ => return Ok(false),
            };
            Ok(number(words, keys, 2, (at, true)).is_some())
        }
        "icmp" => {
            let at = match words.next() {
                Some("type") => 0,
                Some("code") => 1,
                _ => return Ok(false),
            };
            Ok(number(words, keys, 1, (at, true)).is_some())
        }
        "ip6" | "mark" | "ether" => Err(unsupported(&format!("u32 match {word}"))),
        _ => Ok(false),
    }
}

fn ip(words: &mut Words<'_>, keys: &mut Vec<U32Key>) -> Option<()> {
    let word = words.next()?;
    match word {
        "src" => address(words, keys, 12),
        "dst" => address(words, keys, 16),
        "tos" | "dsfield" | "precedence" => number(words, keys, 1, (1, false)),
        "ihl" => number(words, keys, 1, (0, false)),
        "protocol" => number(words, keys, 1, (9, false)),
        "icmp_type" => number(words, keys, 1, (20, false)),
        "icmp_code" => number(words, keys, 1, (21, false)),
        "sport" => number(words, keys, 2, (20, false)),
        "dport" => number(words, keys, 2, (22, false)),
        "nofrag" => pack(keys, 2, 0, 0x3fff, 6, false),
        "firstfrag" => pack(keys, 2, 0, 0x1fff, 6, false),
        "df" => pack(keys, 2, 0x4000, 0x4000, 6, false),
        "mf" => pack(keys, 2, 0x2000, 0x2000, 6, false),
        _ => None,
    }
}

fn address(words: &mut Words<'_>, keys: &mut Vec<U32Key>, at: i32) -> Option<()> {
    let word = words.next()?;
    let (text, bits) = word.split_once('/').map_or((word, 32), |(a, b)| (a, b.parse().unwrap_or(u8::MAX)));
    let cidr: Cidr = format!("{text}/{bits}").parse().ok()?;
    let std::net::IpAddr::V4(addr) = cidr.addr else { return None };
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
    let (at, behind) = place(words, (at, false))?;
    pack(keys, 4, u32::from(addr) & mask, mask, at, behind)
}

/// `VALUE MASK [at PLACE]`.
fn number(words: &mut Words<'_>, keys: &mut Vec<U32Key>, width: u32, at: (i32, bool)) -> Option<()> {
    let value = unsigned(words.next()?)?;
    let mask = whole(words.next()?, 16).and_then(|n| u32::try_from(n).ok())?;
    let (at, behind) = place(words, at)?;
    pack(keys, width, value, mask, at, behind)
}

/// `at [nexthdr+]OFFSET`, if that comes next (`parse_at`).
fn place(words: &mut Words<'_>, default: (i32, bool)) -> Option<(i32, bool)> {
    if words.peek() != Some("at") {
        return Some(default);
    }
    words.next();
    let word = words.next()?;
    match word.strip_prefix("nexthdr+") {
        Some(rest) => Some((crate::iproute::args::integer(rest)?, true)),
        None => Some((crate::iproute::args::integer(word)?, false)),
    }
}

/// Puts a value of `width` bytes into the word that it lies in; what is said of one word twice must agree (`pack_key`).
fn pack(keys: &mut Vec<U32Key>, width: u32, value: u32, mask: u32, at: i32, behind: bool) -> Option<()> {
    let fits = |n: u32| width == 4 || n < 1 << (8 * width);
    if !fits(value) || !fits(mask) {
        return None;
    }
    let within = at.rem_euclid(4).cast_unsigned();
    let shift = match width {
        1 => 8 * (3 - within),
        2 if within == 0 => 16,
        _ => 0,
    };
    let at = if width == 4 { at } else { at - within.cast_signed() };
    let (value, mask) = ((value << shift) & (mask << shift), mask << shift);
    if let Some(key) = keys.iter_mut().find(|key| key.at == at && key.behind == behind) {
        if (value ^ key.value) & mask & key.mask != 0 {
            return None;
        }
        key.value |= value;
        key.mask |= mask;
        return Some(());
    }
    const MOST: usize = 128;
    if keys.len() >= MOST || at % 4 != 0 {
        return None;
    }
    keys.push(U32Key { value, mask, at, behind });
    Some(())
}

/// `TABLE:BUCKET:NODE` in hexadecimal, or all of it behind `0x` (`get_u32_handle`).
pub(super) fn handle(word: &str) -> Option<u32> {
    if !word.contains(':') {
        return word.starts_with("0x").then(|| whole(word, 16).and_then(|n| u32::try_from(n).ok())).flatten();
    }
    let mut parts = word.splitn(3, ':').map(|part| match part {
        "" => Some(0),
        part => strtol_rest(part, 16).filter(|(_, rest)| rest.is_empty()).and_then(|(n, _)| u32::try_from(n).ok()),
    });
    let mut next = |limit: u32| parts.next().unwrap_or(Some(0)).filter(|n| *n < limit);
    let (table, bucket, node) = (next(0x1000)?, next(0x100)?, next(0x1000)?);
    Some(table << 20 | bucket << 12 | node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&[(u32, u32, i32)]>) {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let (mut words, mut keys) = (Words::new(&words), Vec::new());
        let mut makes_sense = true;
        while words.peek().is_some() {
            makes_sense &= parse(&mut words, &mut keys).expect("known words");
        }
        let found: Vec<_> = keys.iter().map(|key| (key.value, key.mask, key.at)).collect();
        assert_eq!(makes_sense.then_some(&found[..]), expect, "{text}");
    }

    #[test]
    fn selectors_are_words_of_the_packet() {
        check("ip dst 10.0.0.1", Some(&[(0x0a00_0001, u32::MAX, 16)]));
        check("ip src 10.0.0.7/24", Some(&[(0x0a00_0000, 0xffff_ff00, 12)]));
        check("ip dport 80 0xffff ip sport 8 ff", Some(&[(0x0008_0050, 0x00ff_ffff, 20)]));
        check("ip tos 0x10 0xff ip dsfield 0x10 0xfc", Some(&[(0x0010_0000, 0x00ff_0000, 0)]));
        check("ip tos 0x10 0xff ip tos 0x20 0xff", None);
        check("u16 0x0800 0xffff at -2", Some(&[(0x0800, 0xffff, -4)]));
        check("u8 0x10 0xff at 33", Some(&[(0x0010_0000, 0x00ff_0000, 32)]));
        check("u32 0 0", Some(&[(0, 0, 0)]));
        check("ip dport 80", None);
        check("ip dst nope", None);
        check("ip protocol 6 0x1ff", None);
    }

    #[test]
    fn handles_have_three_parts() {
        let check = |text, expect| assert_eq!(handle(text), expect, "{text}");
        check("800::801", Some(0x8000_0801));
        check("800:", Some(0x8000_0000));
        check("::1", Some(1));
        check("0x80000801", Some(0x8000_0801));
        check("801", None);
        check("1000::1", None);
    }
}
