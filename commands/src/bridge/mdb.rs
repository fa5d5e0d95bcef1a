//! `bridge mdb`: empty, as nobody snoops here.
//!
//! Counterpart: `bridge/mdb.c`. Deliberately absent, and refused by name: entries put in by hand.

use super::{Bridge, by_index, failed, help, named, unknown_command, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use nettwin_model::LinkKind;

pub(super) fn run(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(bridge, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") || is("delete") => Err(unsupported("mdb entries")),
        _ if is("show") || is("lst") || is("list") => show(bridge, words),
        _ if is("help") => Err(Stop::exit(MINUS_ONE, help::MDB)),
        _ => Err(unknown_command("mdb", word)),
    }
}

fn show(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let state = bridge.state()?;
    while let Some(word) = words.next() {
        if word == "dev" {
            let dev = words.value()?;
            if named(&state, dev).is_none() {
                return Err(failed(format!("Cannot find device \"{dev}\"\n")));
            }
        }
    }
    let mut page = bridge.page();
    page.open();
    let has_bridge = by_index(&state).iter().any(|dev| state.config.links[dev].kind == LinkKind::Bridge);
    if has_bridge {
        page.open_object("");
        page.open_array("mdb");
        page.close_array();
        page.open_object("router");
        page.close_object();
        page.close_object();
    }
    page.close();
    bridge.cx.print(&page.into_text());
    Ok(())
}
