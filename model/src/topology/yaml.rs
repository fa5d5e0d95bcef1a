//! YAML 1.2 into the tree, scalars by the core schema (`yes` is a string).
//!
//! The only place that knows saphyr-parser. Deliberately absent: anchors and aliases, tags other than `!!str`, several
//! documents in one text.

use super::tree::{Data, Entry, Node};
use crate::complaint::{Complaint, Span};
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks};
use std::ops::Range;

/// How deep values may nest; a topology needs six levels.
const MAX_DEPTH: u32 = 64;

/// Reads YAML. The first syntax error ends it; duplicate keys are all said.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Complaint>> {
    let mut reader =
        Reader { text, offsets: offsets(text), events: Parser::new_from_str(text), duplicates: Vec::new() };
    let root = reader.document().map_err(|c| vec![c])?;
    if reader.duplicates.is_empty() { Ok(root) } else { Err(reader.duplicates) }
}

/// The byte offset of each character, where the two differ.
fn offsets(text: &str) -> Option<Vec<usize>> {
    (!text.is_ascii()).then(|| text.char_indices().map(|(i, _)| i).collect())
}

struct Reader<'a> {
    text: &'a str,
    offsets: Option<Vec<usize>>,
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    duplicates: Vec<Complaint>,
}

type Parsed<T> = Result<T, Complaint>;

impl<'a> Reader<'a> {
    fn document(&mut self) -> Parsed<Node> {
        let mut root = None;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                _ if root.is_some() => {
                    return Err(syntax(place, "a second document begins", "one text is one topology"));
                }
                event => root = Some(self.node(event, place, 0)?),
            }
        }
        let root = root.unwrap_or_else(|| Node::new(0..0, Data::Table(Vec::new())));
        match root.data {
            Data::Table(_) => Ok(root),
            Data::Other("null") => Ok(Node::new(0..0, Data::Table(Vec::new()))),
            _ => Err(syntax(root.span.clone(), "the document is not a mapping", "write lines of `key: value`")),
        }
    }

    fn next(&mut self) -> Parsed<(Event<'a>, Range<usize>)> {
        match self.events.next() {
            Some(Ok((event, marks))) => {
                let place = self.place(marks);
                Ok((event, place))
            }
            Some(Err(e)) => {
                let at = self.byte(e.marker().index());
                Err(syntax(at..at, e.info(), "YAML has lines of `key: value`, and lists of lines that begin with `- `"))
            }
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    fn byte(&self, index: usize) -> usize {
        match &self.offsets {
            Some(offsets) => offsets.get(index).copied().unwrap_or(self.text.len()),
            None => index.min(self.text.len()),
        }
    }

    fn place(&self, marks: Marks) -> Range<usize> {
        let start = self.byte(marks.start.index());
        start..self.byte(marks.end.index()).max(start)
    }

    fn node(&mut self, event: Event<'a>, place: Range<usize>, depth: u32) -> Parsed<Node> {
        if depth > MAX_DEPTH {
            return Err(syntax(place, "the values nest too deep", "a topology needs six levels"));
        }
        match event {
            Event::Scalar(value, style, _, tag) => {
                let text = style != ScalarStyle::Plain || tag.as_ref().is_some_and(|t| t.suffix == "str");
                let data = if text { Data::Text(value.into_owned()) } else { plain(&value) };
                Ok(Node::new(place, data))
            }
            Event::SequenceStart(..) => self.sequence(place, depth),
            Event::MappingStart(..) => self.mapping(place, depth),
            Event::Alias(_) => Err(syntax(place, "an alias", "write the value itself: aliases are not understood")),
            _ => Err(syntax(place, "a value is expected here", "write one")),
        }
    }

    /// Where a collection ends: behind its bracket, else with its last item (the event is where the next thing begins).
    fn end(&self, place: Range<usize>, last: Option<&Node>) -> usize {
        match (self.text.get(place.clone()), last) {
            (Some("]" | "}"), _) | (_, None) => place.end,
            (_, Some(last)) => last.span.end,
        }
    }

    fn sequence(&mut self, start: Range<usize>, depth: u32) -> Parsed<Node> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::SequenceEnd {
                let end = self.end(place, items.last());
                return Ok(Node::new(start.start..end.max(start.start), Data::List(items)));
            }
            items.push(self.node(event, place, depth + 1)?);
        }
    }

    fn mapping(&mut self, start: Range<usize>, depth: u32) -> Parsed<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            let key = match event {
                Event::MappingEnd => {
                    let end = self.end(key_span, entries.last().map(|e| &e.value));
                    return Ok(Node::new(start.start..end.max(start.start), Data::Table(entries)));
                }
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(syntax(key_span, "a key that is no string", "write a name")),
            };
            let (event, place) = self.next()?;
            let value = self.node(event, place, depth + 1)?;
            if let Some(first) = entries.iter().find(|e| e.key == key) {
                let message = format!("the key {key:?} is there twice");
                let complaint = Complaint::error("duplicate-name", Span::new(key_span.clone()), message);
                let complaint = complaint.help("say it once").also(Span::new(first.key_span.clone()), "first here");
                self.duplicates.push(complaint);
            }
            entries.push(Entry { key, key_span, value });
        }
    }
}

/// A scalar without quotes, by the core schema.
fn plain(s: &str) -> Data {
    let digits = s.strip_prefix(['-', '+']).unwrap_or(s);
    let whole = match digits.get(..2) {
        Some("0x") => i64::from_str_radix(&digits[2..], 16).ok(),
        Some("0o") => i64::from_str_radix(&digits[2..], 8).ok(),
        _ if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => s.parse().ok(),
        _ => None,
    };
    match s {
        "" | "~" | "null" | "Null" | "NULL" => Data::Other("null"),
        "true" | "True" | "TRUE" => Data::Flag(true),
        "false" | "False" | "FALSE" => Data::Flag(false),
        _ => match whole {
            Some(n) => Data::Whole(n),
            None if is_fraction(digits) => Data::Other("a fractional number"),
            None => Data::Text(s.to_owned()),
        },
    }
}

fn is_fraction(s: &str) -> bool {
    s.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && s.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && s.parse::<f64>().is_ok()
}

fn syntax(span: Range<usize>, message: &str, help: &str) -> Complaint {
    Complaint::error("syntax", Span::new(span), message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let show = |n: &Node| match &n.data {
            Data::Text(s) => format!("{s:?}"),
            Data::Whole(n) => n.to_string(),
            _ => n.what().to_owned(),
        };
        let got = match parse(text) {
            Ok(root) => {
                let entry = |e: &Entry| format!("{}={}@{:?}", e.key, show(&e.value), &text[e.value.span.clone()]);
                root.entries().iter().map(entry).collect::<Vec<_>>().join(" ")
            }
            Err(c) => format!("{} at {:?}", c[0].message, c[0].span.clone().unwrap()),
        };
        assert_eq!(got, expect, "{text:?}");
    }

    #[test]
    fn values_keep_their_places() {
        check("a: 1\nb: yes\nc: '2'\n", r#"a=1@"1" b="yes"@"yes" c="2"@"'2'""#);
        check("ä: ö\nb: [1, 2]\n", r#"ä="ö"@"ö" b=a list@"[1, 2]""#);
        check("{\"a\": 1.5, \"b\": ~}", r#"a=a fractional number@"1.5" b=null@"~""#);
        check("", "");
        check("- 1\n", "the document is not a mapping at 0..3");
        check("a: &x 1\nb: *x\n", "an alias at 11..13");
        check("a: 1\na: 2\n", "the key \"a\" is there twice at 5..6");
        check("a: 1\n---\nb: 2\n", "a second document begins at 9..9");
    }
}
