//! The tree that every format is read into: values with their places in the text.
//!
//! Deliberately absent: what the keys mean (that is in [`super::grammar`] and [`super::decode`]).

use crate::complaint::Span;
use std::ops::Range;

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) data: Data,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Text(String),
    Whole(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Anything that no topology has: a float, a date, a null, a number too big. What it is, in words.
    Other(&'static str),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(span: Range<usize>, data: Data) -> Self {
        Node { span, data }
    }

    pub(super) fn place(&self) -> Span {
        Span::new(self.span.clone())
    }

    /// Whether both are the same, places aside.
    pub(super) fn means(&self, other: &Node) -> bool {
        match (&self.data, &other.data) {
            (Data::Text(a), Data::Text(b)) => a == b,
            (Data::Whole(a), Data::Whole(b)) => a == b,
            (Data::Flag(a), Data::Flag(b)) => a == b,
            (Data::Other(a), Data::Other(b)) => a == b,
            (Data::List(a), Data::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.means(b)),
            (Data::Table(a), Data::Table(b)) => {
                let same = |(a, b): (&Entry, &Entry)| a.key == b.key && a.value.means(&b.value);
                a.len() == b.len() && a.iter().zip(b).all(same)
            }
            _ => false,
        }
    }

    /// What it is, with its article.
    pub(super) fn what(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "a string",
            Data::Whole(_) => "an integer",
            Data::Flag(_) => "true or false",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
            Data::Other(what) => what,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(s) => Some(s),
            _ => None,
        }
    }

    pub(super) fn whole(&self) -> Option<i64> {
        match self.data {
            Data::Whole(n) => Some(n),
            _ => None,
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self.data {
            Data::Flag(b) => Some(b),
            _ => None,
        }
    }

    /// The items of a list; nothing if it is none.
    pub(super) fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a table; nothing if it is none.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Table(entries) => entries,
            _ => &[],
        }
    }

    /// A table's value by key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|e| e.key == key).map(|e| &e.value)
    }

    /// The place of `part`, a byte range of this string's value. Where escapes hide it, the whole string's.
    pub(super) fn place_within(&self, source: &str, part: Range<usize>) -> Span {
        let (Some(value), Some(raw)) = (self.text(), source.get(self.span.clone())) else { return self.place() };
        let quotes = match raw {
            _ if raw == value => 0,
            _ if raw.starts_with("\"\"\"") || raw.starts_with("'''") => 3,
            _ => 1,
        };
        let literal = raw.len() == value.len() + 2 * quotes && raw.get(quotes..raw.len() - quotes) == Some(value);
        if !literal {
            return self.place();
        }
        let start = (self.span.start + quotes + part.start.min(value.len())).min(self.span.end);
        let end = (self.span.start + quotes + part.end.min(value.len())).max(start);
        Span::new(start..end)
    }
}
