//! A line of words with their places, and the complaint about one of them.
//!
//! Deliberately absent: quotes and escapes; white space parts words, nothing joins them.

use crate::addr::Cidr;
use crate::name::{IfName, Mac};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::str::FromStr;

/// What is wrong with a line of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordsError {
    /// What is wrong, naming the word.
    pub message: String,
    /// The bytes of the line that it is about.
    pub at: Range<usize>,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for WordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.remedy)
    }
}

impl std::error::Error for WordsError {}

/// A word and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// The word.
    pub text: &'a str,
    start: usize,
}

impl<'a> Word<'a> {
    /// Its bytes in the line.
    pub fn at(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// A complaint about this word.
    pub fn error(self, message: impl Into<String>, remedy: impl Into<String>) -> WordsError {
        WordsError { message: message.into(), at: self.at(), remedy: remedy.into() }
    }

    /// The complaint that this word is not known here.
    pub fn unknown(self, remedy: impl Into<String>) -> WordsError {
        self.error(format!("unknown word `{}`", self.text), remedy)
    }

    fn parsed<T: FromStr>(self, remedy: &str) -> Result<T, WordsError>
    where
        T::Err: fmt::Display,
    {
        self.text.parse().map_err(|e| self.error(format!("`{}`: {e}", self.text), remedy))
    }

    /// An interface's name.
    pub fn ifname(self) -> Result<IfName, WordsError> {
        self.parsed("write an interface's name of 1 to 15 bytes, such as eth0")
    }

    /// A hardware address.
    pub fn mac(self) -> Result<Mac, WordsError> {
        self.parsed("write a MAC address such as 02:00:00:00:00:01")
    }

    /// An address without a prefix length. IPv4 needs all four numbers here.
    pub fn ip(self) -> Result<IpAddr, WordsError> {
        self.text.parse().map_err(|_| {
            self.error(format!("`{}` is not an IP address", self.text), "write an address such as 10.0.0.1")
        })
    }

    /// An IPv4 address.
    pub fn ipv4(self) -> Result<Ipv4Addr, WordsError> {
        self.text.parse().map_err(|_| {
            self.error(format!("`{}` is not an IPv4 address", self.text), "write an address such as 10.0.0.1")
        })
    }

    /// An address with or without a prefix length or netmask. As in iproute2 the last numbers of an IPv4 address may be
    /// left out (`10.0/16` is `10.0.0.0/16`, `10` is `10.0.0.0/32`).
    pub fn prefix(self) -> Result<Cidr, WordsError> {
        let (addr, len) = match self.text.split_once('/') {
            Some((addr, len)) => (addr, Some(len)),
            None => (self.text, None),
        };
        let not_address = || {
            self.error(format!("`{addr}` is not an IP address"), "write an address with its prefix length: 10.0.0.0/24")
        };
        let ip = short_ip(addr).ok_or_else(not_address)?;
        let Some(len) = len else { return Ok(Cidr::host(ip)) };
        let max = Cidr::host(ip).len;
        let bits = if let (IpAddr::V4(_), Ok(mask)) = (ip, len.parse::<Ipv4Addr>()) {
            let mask = mask.to_bits();
            // A netmask is ones, then zeros.
            (mask.leading_ones() + mask.trailing_zeros() == 32).then_some(mask.leading_ones() as u8)
        } else if !len.is_empty() && len.bytes().all(|b| b.is_ascii_digit()) {
            len.parse().ok()
        } else {
            None
        };
        bits.and_then(|bits| Cidr::new(ip, bits)).ok_or_else(|| {
            self.error(
                format!("`{len}` is not a prefix length"),
                format!("write a number from 0 to {max} after the slash"),
            )
        })
    }

    /// A decimal number within a range.
    pub fn number<T>(self, what: &str, range: std::ops::RangeInclusive<T>) -> Result<T, WordsError>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let digits = !self.text.is_empty() && self.text.bytes().all(|b| b.is_ascii_digit());
        let number = digits.then(|| self.text.parse::<T>().ok()).flatten();
        number.filter(|n| range.contains(n)).ok_or_else(|| {
            self.error(
                format!("`{}` is not {what}", self.text),
                format!("write a number from {} to {}", range.start(), range.end()),
            )
        })
    }

    /// `on` or `off`.
    pub fn on_off(self) -> Result<bool, WordsError> {
        match self.text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(self.error(format!("`{}` is neither on nor off", self.text), "write on or off")),
        }
    }

    /// `1` or `0`.
    pub fn one_zero(self) -> Result<bool, WordsError> {
        match self.text {
            "1" => Ok(true),
            "0" => Ok(false),
            _ => Err(self.error(format!("`{}` is neither 1 nor 0", self.text), "write 1 for on or 0 for off")),
        }
    }
}

/// `A`, `A.B`, `A.B.C` or `A.B.C.D` with what is missing zero, or an IPv6 address.
fn short_ip(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let Some(part) = parts.next() else { break };
        // A leading zero would be octal in iproute2: refused rather than read one way or the other.
        let plain =
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        *octet = part.parse().ok().filter(|_| plain)?;
    }
    parts.next().is_none().then(|| IpAddr::V4(octets.into()))
}

/// The words of a line, read from left to right.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a str,
    next: usize,
}

impl<'a> Words<'a> {
    /// Reads `text` from its beginning.
    pub fn new(text: &'a str) -> Self {
        Words { text, next: 0 }
    }

    /// The next word, left where it is.
    pub fn peek(&self) -> Option<Word<'a>> {
        self.clone().next()
    }

    /// The next word if it is `word`.
    pub fn eat(&mut self, word: &str) -> Option<Word<'a>> {
        let found = self.peek().filter(|w| w.text == word)?;
        self.next();
        Some(found)
    }

    /// The word after `keyword`, which needs one.
    pub fn value(&mut self, keyword: Word<'_>) -> Result<Word<'a>, WordsError> {
        self.next().ok_or_else(|| {
            keyword
                .error(format!("nothing follows `{}`", keyword.text), format!("write a value after `{}`", keyword.text))
        })
    }

    /// The first word, which a line must have.
    pub fn first(&mut self, what: &str, example: &str) -> Result<Word<'a>, WordsError> {
        self.next().ok_or_else(|| WordsError {
            message: format!("{what} is missing"),
            at: 0..self.text.len(),
            remedy: format!("write for instance `{example}`"),
        })
    }

    /// A complaint about the line as a whole.
    pub fn error(&self, message: impl Into<String>, remedy: impl Into<String>) -> WordsError {
        WordsError { message: message.into(), at: 0..self.text.len(), remedy: remedy.into() }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let rest = &self.text[self.next..];
        let start = self.next + rest.find(|c: char| !c.is_whitespace())?;
        let rest = &self.text[start..];
        let len = rest.find(char::is_whitespace).unwrap_or(rest.len());
        self.next = start + len;
        Some(Word { text: &rest[..len], start })
    }
}

/// Fills `slot` once; a second time is a complaint about `keyword`.
pub(super) fn once<T>(slot: &mut Option<T>, value: T, keyword: Word<'_>) -> Result<(), WordsError> {
    if slot.replace(value).is_some() {
        return Err(keyword.error(format!("`{}` is said twice", keyword.text), "keep one of them"));
    }
    Ok(())
}

/// Sets `flag` once; a second time is a complaint about `keyword`.
pub(super) fn once_flag(flag: &mut bool, keyword: Word<'_>) -> Result<(), WordsError> {
    if std::mem::replace(flag, true) {
        return Err(keyword.error(format!("`{}` is said twice", keyword.text), "keep one of them"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_places() {
        let mut words = Words::new("  default\tvia 10.0.0.1 ");
        assert_eq!(words.next().unwrap().at(), 2..9);
        let via = words.next().unwrap();
        assert_eq!((via.text, via.at()), ("via", 10..13));
        assert_eq!(words.value(via).unwrap().at(), 14..22);
        assert_eq!(words.value(via).unwrap_err().message, "nothing follows `via`");
        assert_eq!(words.next(), None);
    }

    #[test]
    fn prefixes_are_as_short_as_iproute2_takes_them() {
        let prefix = |s: &str| Words::new(s).next().unwrap().prefix().map(|c| c.to_string()).map_err(|e| e.message);
        assert_eq!(prefix("10.0/16"), Ok("10.0.0.0/16".into()));
        assert_eq!(prefix("10"), Ok("10.0.0.0/32".into()));
        assert_eq!(prefix("10.1.2.3"), Ok("10.1.2.3/32".into()));
        assert_eq!(prefix("10.0.0.0/255.255.0.0"), Ok("10.0.0.0/16".into()));
        assert_eq!(prefix("0/0"), Ok("0.0.0.0/0".into()));
        assert_eq!(prefix("0/0.0.0.0"), Ok("0.0.0.0/0".into()));
        assert_eq!(prefix("fd00::/64"), Ok("fd00::/64".into()));
        assert_eq!(prefix("10.0.0.0/255.0.255.0"), Err("`255.0.255.0` is not a prefix length".into()));
        assert_eq!(prefix("10.0.0.0/33"), Err("`33` is not a prefix length".into()));
        assert_eq!(prefix("10.0.0.0/"), Err("`` is not a prefix length".into()));
        assert_eq!(prefix("010.0.0.0/8"), Err("`010.0.0.0` is not an IP address".into()));
        assert_eq!(prefix("10.0.0.0.0/8"), Err("`10.0.0.0.0` is not an IP address".into()));
        assert_eq!(prefix("10./8"), Err("`10.` is not an IP address".into()));
    }
}
