//! The words of a command line as iproute2's tools read them, and their complaints.
//!
//! Counterpart: `lib/utils.c` (`matches()`, `NEXT_ARG()`, `invarg()`, `get_integer()` and their like). Deliberately absent:
//! addresses, which are in [`super::inet`].

use crate::number::strtol_rest;
use crate::say::UNSUPPORTED;

/// The end of a command before its end: what is said, and the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// What is said on standard output.
    pub(crate) out: &'static str,
    /// The complaint, with its newline.
    pub(crate) text: String,
    /// The exit status.
    pub(crate) status: u8,
    /// The whole tool ends (`exit(3)`), not only this command of a batch.
    pub(crate) exits: bool,
}

impl Stop {
    /// As `exit(3)`: the tool ends.
    pub(crate) fn exit(status: u8, text: impl Into<String>) -> Self {
        Stop { out: "", text: text.into(), status, exits: true }
    }

    /// As `return -STATUS`: the command has failed, a batch may go on.
    pub(crate) fn back(status: u8, text: impl Into<String>) -> Self {
        Stop { out: "", text: text.into(), status, exits: false }
    }

    /// With words on standard output.
    pub(crate) fn printing(self, out: &'static str) -> Self {
        Stop { out, ..self }
    }

    /// The real tool knows it, this one does not.
    pub(crate) fn unsupported(tool: &str, what: &str) -> Self {
        Stop::exit(UNSUPPORTED, format!("nettwin: {tool}: `{what}` is not supported\n"))
    }
}

/// `-1` as an exit status.
pub(crate) const MINUS_ONE: u8 = 255;

/// Whether `word` is `full` or an abbreviation of it.
pub(crate) fn matches(word: &str, full: &str) -> bool {
    !word.is_empty() && full.starts_with(word)
}

/// A value that the tool finds wrong by itself. Some messages end in a newline of their own.
pub(crate) fn invarg(message: &str, word: &str) -> Stop {
    Stop::exit(MINUS_ONE, format!("Error: argument \"{word}\" is wrong: {message}\n"))
}

/// A key that is said twice.
pub(crate) fn duparg(key: &str, word: &str) -> Stop {
    Stop::exit(MINUS_ONE, format!("Error: duplicate \"{key}\": \"{word}\" is the second value.\n"))
}

/// A word that stands where only one may stand.
pub(crate) fn duparg2(key: &str, word: &str) -> Stop {
    Stop::exit(MINUS_ONE, format!("Error: either \"{key}\" is duplicate, or \"{word}\" is a garbage.\n"))
}

/// A device that is not there.
pub(crate) fn nodev(dev: &str) -> Stop {
    Stop::back(1, format!("Cannot find device \"{dev}\"\n"))
}

/// `on` or `off`, abbreviated or not (`parse_on_off`); what else it is is the caller's to judge.
pub(crate) fn on_off(key: &str, word: &str) -> Result<bool, String> {
    // In the order of the list: `o` is `off`.
    if matches(word, "off") {
        Ok(false)
    } else if matches(word, "on") {
        Ok(true)
    } else {
        Err(format!("Error: argument of \"{key}\" must be one of \"off\", \"on\", not \"{word}\"\n"))
    }
}

/// The words of a command, read from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Words<'a> {
    words: &'a [String],
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [String]) -> Self {
        Words { words }
    }

    /// The next word, left where it is.
    pub(crate) fn peek(&self) -> Option<&'a str> {
        self.words.first().map(String::as_str)
    }

    /// The value after a key, which must be there (`NEXT_ARG`).
    pub(crate) fn value(&mut self) -> Result<&'a str, Stop> {
        self.next().ok_or_else(|| Stop::exit(MINUS_ONE, "Command line is not complete. Try option \"help\"\n"))
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [String] {
        self.words
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }
}

/// A whole word as a signed number; a leading `0` or `0x` says the base (`get_integer`).
pub(crate) fn integer(word: &str) -> Option<i32> {
    whole(word, 0).and_then(|n| i32::try_from(n).ok())
}

/// The same without a sign (`get_unsigned`, `get_u32`).
pub(crate) fn unsigned(word: &str) -> Option<u32> {
    whole(word, 0).and_then(|n| u32::try_from(n).ok())
}

/// `get_u16`.
pub(crate) fn u16(word: &str) -> Option<u16> {
    whole(word, 0).and_then(|n| n.try_into().ok())
}

/// `get_u8`.
pub(crate) fn u8(word: &str) -> Option<u8> {
    whole(word, 0).and_then(|n| n.try_into().ok())
}

/// A word that is a number from its first to its last byte.
pub(crate) fn whole(word: &str, base: u32) -> Option<i64> {
    strtol_rest(word, base).filter(|(_, rest)| rest.is_empty()).map(|(n, _)| n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_abbreviated_from_the_front() {
        assert!(matches("add", "address") && matches("a", "address") && matches("address", "address"));
        assert!(!matches("", "address") && !matches("addresses", "address") && !matches("x", "address"));
    }

    #[test]
    fn numbers_are_whole_words() {
        assert_eq!(
            (integer("0x10"), integer("-5"), integer("5x"), integer("3000000000")),
            (Some(16), Some(-5), None, None)
        );
        assert_eq!((unsigned("-1"), unsigned("4294967295"), u8("256"), u16("")), (None, Some(u32::MAX), None, None));
    }
}
