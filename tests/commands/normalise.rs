//! What is random by nature, taken out of what was said (see `nettwin::conform::text`), and the order of lines of a command
//! marked `~`.

use crate::script::{Case, Entry};
use nettwin::conform::text::{Texts, sorted};

/// Takes it out of a case's entries.
pub(crate) fn all(case: &Case, entries: Vec<Entry>) -> Vec<Entry> {
    let typed: String = case.lines.iter().map(|l| l.text.clone() + "\n").collect();
    let mut texts = Texts::of(&typed);
    let mut tidy = |entry: Entry, unordered: bool| {
        let out = texts.out(&entry.out);
        Entry { out: if unordered { sorted(&out) } else { out }, err: texts.err(&entry.err), ..entry }
    };
    entries.into_iter().zip(&case.lines).map(|(entry, line)| tidy(entry, line.unordered)).collect()
}
