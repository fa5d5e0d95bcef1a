//! `type macvlan`: its words, and what `-d` shows of it.
//!
//! Counterpart: `ip/iplink_macvlan.c`. Deliberately absent, and refused by name: the mode `source`, flags, the queue's length.

use super::{help, unsupported};
use crate::iproute::args::{Stop, Words, matches};
use crate::iproute::page::Page;
use nettwin_model::virtuals::MacvlanMode;

/// Reads what follows `type macvlan`: the mode, if it is said.
pub(super) fn parse(mut words: Words<'_>) -> Result<Option<MacvlanMode>, Stop> {
    let mut mode = None;
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "mode") => match words.value()? {
                "source" => return Err(unsupported("mode source")),
                value => mode = Some(MacvlanMode::from_word(value).ok_or_else(|| wrong_mode(value))?),
            },
            w if matches(w, "flag") || matches(w, "macaddr") || matches(w, "bcqueuelen") => return Err(unsupported(w)),
            w if matches(w, "help") => return Err(Stop::back(1, help::MACVLAN)),
            w => return Err(Stop::back(1, format!("macvlan: unknown option \"{w}\"?\n{}", help::MACVLAN))),
        }
    }
    Ok(mode)
}

fn wrong_mode(word: &str) -> Stop {
    let text = format!(
        "Error: argument of \"mode\" must be \"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\", not \"{word}\"\n"
    );
    Stop::back(1, text)
}

/// What is shown between the kind and the next line.
pub(super) fn print(page: &mut Page, mode: MacvlanMode) {
    page.say("mode", mode.word(), format_args!("mode {} ", mode.word()));
    page.say("bcqueuelen", 1000u32, format_args!("bcqueuelen 1000 "));
    page.say("usedbcqueuelen", 1000u32, format_args!("usedbcqueuelen 1000 "));
}
