//! JSON into the tree: RFC 8259, with places, which serde_json does not keep.
//!
//! Deliberately absent: comments, trailing commas, and more than [`MAX_DEPTH`] levels.

use super::tree::{Data, Entry, Node};
use crate::complaint::{Complaint, Span};
use std::ops::Range;

/// How deep values may nest; a topology needs six levels.
const MAX_DEPTH: u32 = 64;

/// Reads JSON. The first syntax error ends it; duplicate keys are all said.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Complaint>> {
    let mut reader = Reader { text, at: 0, duplicates: Vec::new() };
    let root = reader.document().map_err(|c| vec![c])?;
    if reader.duplicates.is_empty() { Ok(root) } else { Err(reader.duplicates) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    duplicates: Vec<Complaint>,
}

type Parsed<T> = Result<T, Complaint>;

impl Reader<'_> {
    fn document(&mut self) -> Parsed<Node> {
        let root = self.value(0)?;
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.wrong("something follows the end of the document", "remove it"));
        }
        if !matches!(root.data, Data::Table(_)) {
            return Err(syntax(root.span.clone(), "the document is not an object", "write `{ ... }` around it"));
        }
        Ok(root)
    }

    fn value(&mut self, depth: u32) -> Parsed<Node> {
        self.skip_space();
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(self.wrong("the values nest too deep", "a topology needs six levels"));
        }
        let data = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Data::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z') => self.word()?,
            Some(_) => return Err(self.wrong("a value is expected here", "strings need double quotes")),
            None => return Err(self.wrong("the text ends too early", "close every `{`, `[` and `\"`")),
        };
        Ok(Node::new(start..self.at, data))
    }

    fn object(&mut self, depth: u32) -> Parsed<Data> {
        let mut entries: Vec<Entry> = Vec::new();
        self.at += 1;
        if self.closes(b'}') {
            return Ok(Data::Table(entries));
        }
        loop {
            self.skip_space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key is expected here", "keys are strings in double quotes"));
            }
            let key = self.string()?;
            let key_span = start..self.at;
            self.expect(b':', "a `:` is expected after the key")?;
            let value = self.value(depth + 1)?;
            if let Some(first) = entries.iter().find(|e| e.key == key) {
                let message = format!("the key {key:?} is there twice");
                let complaint = Complaint::error("duplicate-name", Span::new(key_span.clone()), message);
                let complaint = complaint.help("say it once").also(Span::new(first.key_span.clone()), "first here");
                self.duplicates.push(complaint);
            }
            entries.push(Entry { key, key_span, value });
            if self.ends_after_comma(b'}')? {
                return Ok(Data::Table(entries));
            }
        }
    }

    fn array(&mut self, depth: u32) -> Parsed<Data> {
        let mut items = Vec::new();
        self.at += 1;
        if self.closes(b']') {
            return Ok(Data::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.ends_after_comma(b']')? {
                return Ok(Data::List(items));
            }
        }
    }

    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            match rest.chars().next() {
                None | Some('\n') => {
                    return Err(syntax(start..self.at, "the string does not end", "close it with `\"`"));
                }
                Some('"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some('\\') => out.push(self.escape()?),
                Some(c) if c.is_control() => {
                    return Err(self.wrong("a control character in a string", "write it as \\u00XX"));
                }
                Some(c) => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        let kind = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        let c = match kind {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => {
                self.at = start;
                return Err(self.wrong("no such escape", "JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"));
            }
        };
        Ok(c)
    }

    /// The rest of `\uXXXX`, with a second one where the first is half of a pair.
    fn unicode(&mut self, start: usize) -> Parsed<char> {
        let first = self.hex4();
        let code = match first {
            Some(high @ 0xd800..=0xdbff) if self.text[self.at..].starts_with("\\u") => {
                self.at += 2;
                self.hex4()
                    .filter(|low| (0xdc00..=0xdfff).contains(low))
                    .map(|low| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            }
            other => other,
        };
        code.and_then(char::from_u32)
            .ok_or_else(|| syntax(start..self.at, "not a character", "write \\uXXXX, or the character itself"))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Parsed<Data> {
        let start = self.at;
        let part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        self.at += self.text.as_bytes()[start..].iter().take_while(|b| part(b)).count();
        let digits = &self.text[start..self.at];
        let whole = digits.strip_prefix('-').unwrap_or(digits);
        if !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) {
            if whole.len() > 1 && whole.starts_with('0') {
                return Err(syntax(start..self.at, "a number with a leading zero", "leave the zero out"));
            }
            return Ok(digits.parse().map_or(Data::Other("an integer out of all range"), Data::Whole));
        }
        match digits.parse::<f64>() {
            Ok(_) => Ok(Data::Other("a fractional number")),
            Err(_) => Err(syntax(start..self.at, "not a number", "write an integer, or put it in double quotes")),
        }
    }

    fn word(&mut self) -> Parsed<Data> {
        let start = self.at;
        self.at += self.text.as_bytes()[start..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        match &self.text[start..self.at] {
            "true" => Ok(Data::Flag(true)),
            "false" => Ok(Data::Flag(false)),
            "null" => Ok(Data::Other("null")),
            _ => Err(syntax(start..self.at, "a word without quotes", "put it in double quotes")),
        }
    }

    fn expect(&mut self, byte: u8, message: &str) -> Parsed<()> {
        self.skip_space();
        if self.peek() != Some(byte) {
            return Err(self.wrong(message, "see what is missing before it"));
        }
        self.at += 1;
        Ok(())
    }

    fn closes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let closes = self.peek() == Some(byte);
        self.at += usize::from(closes);
        closes
    }

    /// After a value: true at the end, false after a comma.
    fn ends_after_comma(&mut self, end: u8) -> Parsed<bool> {
        if self.closes(end) {
            return Ok(true);
        }
        if !self.closes(b',') {
            return Err(self.wrong("a `,` or the end of the list or object is expected here", "separate values by `,`"));
        }
        Ok(false)
    }

    fn skip_space(&mut self) {
        let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.text.as_bytes()[self.at..].iter().take_while(|b| space(b)).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, message: &str, help: &str) -> Complaint {
        let end = self.text[self.at..].chars().next().map_or(self.at, |c| self.at + c.len_utf8());
        syntax(self.at..end, message, help)
    }
}

fn syntax(span: Range<usize>, message: &str, help: &str) -> Complaint {
    Complaint::error("syntax", Span::new(span), message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(root) => format!("{:?}", root.entries().iter().map(|e| (&e.key, e.value.what())).collect::<Vec<_>>()),
            Err(complaints) => format!("{} at {:?}", complaints[0].message, complaints[0].span.clone().unwrap()),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn values_and_errors() {
        check("{}", "[]");
        check(r#" {"a": [1, {"b": null}], "c": "\ud83d\ude00", "d": -1e3} "#, {
            r#"[("a", "a list"), ("c", "a string"), ("d", "a fractional number")]"#
        });
        check(r#"{"a": 1, "a": 2}"#, "the key \"a\" is there twice at 9..12");
        check(r#"{"a": 1,}"#, "a key is expected here at 8..9");
        check(r#"{"a": 01}"#, "a number with a leading zero at 6..8");
        check(r#"{"a": "\u"#, "not a character at 7..9");
        check(r#"{"a": yes}"#, "a word without quotes at 6..9");
        check("[]", "the document is not an object at 0..2");
        check("{\"a\": \"x", "the string does not end at 6..8");
        check(&"[".repeat(100_000), "the values nest too deep at 65..66");
    }
}
