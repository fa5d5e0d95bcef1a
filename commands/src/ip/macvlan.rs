//! `type macvlan`: its words, and what `-d` shows of it.
//!
//! Counterpart: `ip/iplink_macvlan.c`. Deliberately absent, and refused by name: flags, the queue's length.

use super::{help, unsupported};
use crate::iproute::args::{Stop, Words, matches};
use crate::iproute::inet;
use crate::iproute::page::Page;
use nettwin_model::virtuals::{Macvlan, MacvlanMode, Sources, hear_source};
use nettwin_model::{Errno, Mac};

/// What follows `type macvlan`.
#[derive(Default)]
pub(crate) struct Said {
    pub(super) mode: Option<MacvlanMode>,
    pub(super) sources: Option<Sources>,
}

impl Said {
    /// A device as it is said.
    pub(super) fn device(self) -> Result<Macvlan, Stop> {
        let mode = self.mode.unwrap_or_default();
        let mut made = Macvlan { lower: None, mode, sources: Vec::new() };
        match self.sources {
            Some(_) if mode != MacvlanMode::Source => {
                return Err(Stop::back(2, format!("RTNETLINK answers: {}\n", Errno::EINVAL)));
            }
            Some(Sources::Add(mac)) => made.sources.push(mac),
            Some(Sources::Set(all)) => all.into_iter().for_each(|mac| hear_source(&mut made.sources, mac)),
            Some(Sources::Del(_) | Sources::Flush) | None => {}
        }
        Ok(made)
    }
}

/// Reads what follows `type macvlan`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Said, Stop> {
    let mut said = Said::default();
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "mode") => {
                let value = words.value()?;
                said.mode = Some(MacvlanMode::from_word(value).ok_or_else(|| wrong_mode(value))?);
            }
            w if matches(w, "flag") || matches(w, "bcqueuelen") => return Err(unsupported(w)),
            w if matches(w, "macaddr") => said.sources = Some(sources(&mut words)?),
            w if matches(w, "help") => return Err(Stop::back(1, help::MACVLAN)),
            w => return Err(Stop::back(1, format!("macvlan: unknown option \"{w}\"?\n{}", help::MACVLAN))),
        }
    }
    Ok(said)
}

fn sources(words: &mut Words<'_>) -> Result<Sources, Stop> {
    Ok(match words.value()? {
        "add" => Sources::Add(mac(words.value()?)?),
        "del" => Sources::Del(mac(words.value()?)?),
        "flush" => Sources::Flush,
        "set" => Sources::Set(words.by_ref().map(mac).collect::<Result<_, _>>()?),
        _ => return Err(Stop::back(1, help::MACVLAN)),
    })
}

fn mac(word: &str) -> Result<Mac, Stop> {
    inet::mac(word)?.map_err(|length| unsupported(&format!("an address of {length} bytes")))
}

fn wrong_mode(word: &str) -> Stop {
    let text = format!(
        "Error: argument of \"mode\" must be \"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\", not \"{word}\"\n"
    );
    Stop::back(1, text)
}

/// What is shown between the kind and the next line.
pub(super) fn print(page: &mut Page, of: &Macvlan) {
    let mode = of.mode;
    page.say("mode", mode.word(), format_args!("mode {} ", mode.word()));
    page.say("bcqueuelen", 1000u32, format_args!("bcqueuelen 1000 "));
    page.say("usedbcqueuelen", 1000u32, format_args!("usedbcqueuelen 1000 "));
    if mode != MacvlanMode::Source {
        return;
    }
    let count = of.sources.len() as u64; // as much as a u64 holds of a usize, which is all of it
    page.say("macaddr_count", count, format_args!("remotes ({count}) "));
    if of.sources.is_empty() {
        return;
    }
    page.open_array("macaddr_data");
    for mac in &of.sources {
        page.item(&mac.to_string(), format_args!("{mac} "));
    }
    page.close_array();
}
