//! Complaints about a topology: what is wrong, where it was said, and what to do about it.
//!
//! A complaint is data; drawing it with colours and carets is the command line's work. Deliberately absent: I/O, file
//! names (whoever read the text knows them), and stopping at the first complaint.

use serde::Serialize;
use std::fmt;
use std::ops::{Deref, Range};

/// A place in the text that a topology was read from, or nowhere, for what a program built.
///
/// Places never count when topologies are compared: all spans are equal.
#[derive(Clone, Copy, Default)]
pub struct Span(Option<(usize, usize)>);

impl Span {
    /// Not from any text.
    pub const NOWHERE: Span = Span(None);

    /// These bytes.
    pub fn new(range: Range<usize>) -> Self {
        Span(Some((range.start, range.end.max(range.start))))
    }

    /// The bytes, if there is a text.
    pub fn range(self) -> Option<Range<usize>> {
        self.0.map(|(start, end)| start..end)
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Span::new(range)
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Span) -> bool {
        true
    }
}

impl Eq for Span {}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((start, end)) => write!(f, "{start}..{end}"),
            None => f.write_str("nowhere"),
        }
    }
}

/// A value and where it was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place in the text.
    pub span: Span,
}

impl<T> Placed<T> {
    /// A value said at a place.
    pub fn new(value: T, span: Span) -> Self {
        Placed { value, span }
    }
}

impl<T> From<T> for Placed<T> {
    fn from(value: T) -> Self {
        Placed { value, span: Span::NOWHERE }
    }
}

impl<T> Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It runs, but probably not as meant.
    Warning,
    /// It is refused.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name for this kind of complaint, as `allow = [...]` takes it.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The bytes of the text that are to blame, if it came from a text.
    pub span: Option<Range<usize>>,
    /// What to write at that place.
    pub label: String,
    /// The remedy.
    pub help: String,
    /// Other places that matter, each with what it is.
    pub related: Vec<(Range<usize>, String)>,
}

impl Complaint {
    /// An error.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Complaint {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: span.range(),
            label: String::new(),
            help: String::new(),
            related: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Complaint { severity: Severity::Warning, ..Complaint::error(code, span, message) }
    }

    /// With a few words for the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// With another place that matters; nothing is added for a place outside any text.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        if let Some(range) = span.range() {
            self.related.push((range, label.into()));
        }
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Line and column, both from 1, of the place in `text`, the text that was read.
    pub fn line_column(&self, text: &str) -> Option<(usize, usize)> {
        self.span.as_ref().map(|span| line_column(text, span.start))
    }
}

impl fmt::Display for Complaint {
    /// One line: `error[code]: message (remedy)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_error() { "error" } else { "warning" };
        write!(f, "{word}[{}]: {}", self.code, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, " ({})", self.help) }
    }
}

impl std::error::Error for Complaint {}

/// Line and column of a byte offset, both from 1; columns count characters. An offset beyond the text is its end.
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The one of `known` that `word` was probably meant to be.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known.into_iter().map(|k| (distance(word, k), k)).filter(|(d, _)| *d <= limit).min().map(|(_, k)| k)
}

/// Edit distance with transpositions of neighbours, case ignored. Long words are not worth the time.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(40).flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().take(40).flat_map(char::to_lowercase).collect();
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let swap = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + swap);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\nböse = 1\n";
        assert_eq!(line_column(text, 0), (1, 1));
        assert_eq!(line_column(text, text.find('=').unwrap()), (2, 6));
        assert_eq!(line_column(text, 4), (2, 2), "inside a character counts as its start");
        assert_eq!(line_column(text, 999), (3, 1));
    }

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        let known = ["forwarding", "routes", "neighbours", "up"];
        assert_eq!(did_you_mean("forwardin", known), Some("forwarding"));
        assert_eq!(did_you_mean("neighbors", known), Some("neighbours"));
        assert_eq!(did_you_mean("rotues", known), Some("routes"));
        assert_eq!(did_you_mean("firewall", known), None);
    }
}
