//! Expectations as people read them, and what they came to.

use super::output::{BAD, GOOD, Output};
use nettwin::model::expect::verdict_word;
use nettwin::play::{Judged, Played};
use std::io::{self, Write};

/// A line for each, and one for all.
pub(crate) fn print(played: &Played, out: &mut Output) -> io::Result<()> {
    for judged in &played.judged {
        writeln!(out, " {} {}", mark(judged.holds), sentence(judged))?;
    }
    for refusal in &played.refused {
        writeln!(out, " {} {}: {}", mark(false), refusal.op, refusal.fault)?;
    }
    if played.left_out > 0 {
        writeln!(out, " {} left out: the timeline was not played (--timeline)", played.left_out)?;
    }
    Ok(())
}

/// What an expectation came to, and whether that was expected.
pub(crate) fn sentence(judged: &Judged) -> String {
    let (what, verdict) = (&judged.expectation, verdict_word(judged.verdict));
    match judged.holds {
        true if judged.want == "allowed" => format!("{what}: {verdict}"),
        true => format!("{what}: {verdict}, as expected"),
        false => format!("{what}: {verdict}, expected: {}", judged.want),
    }
}

pub(crate) fn mark(good: bool) -> String {
    if good { format!("{GOOD}✓{GOOD:#}") } else { format!("{BAD}✗{BAD:#}") }
}
