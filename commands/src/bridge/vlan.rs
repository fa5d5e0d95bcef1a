//! `bridge vlan`: empty, as on a kernel that is built without VLAN filtering.
//!
//! Counterpart: `bridge/vlan.c`. Deliberately absent: VLANs.

use super::{Bridge, failed, help, named, refusal, unknown_command, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use nettwin_model::{Errno, Fault};

pub(super) fn run(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(bridge, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => Err(refusal(&Fault::errno(Errno::EOPNOTSUPP))),
        _ if is("delete") || is("set") || is("global") => Err(unsupported(&format!("vlan {word}"))),
        _ if is("show") || is("lst") || is("list") => show(bridge, words),
        _ if is("tunnelshow") => Err(unsupported(word)),
        _ if is("help") => Err(Stop::exit(MINUS_ONE, help::VLAN)),
        _ => Err(unknown_command("vlan", word)),
    }
}

fn show(bridge: &mut Bridge<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let state = bridge.state()?;
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let dev = words.value()?;
                if named(&state, dev).is_none() {
                    return Err(failed(format!("Cannot find device \"{dev}\"\n")));
                }
            }
            "vid" => _ = words.value()?,
            _ => {}
        }
    }
    if bridge.stats || bridge.details {
        return Err(unsupported(if bridge.stats { "-s" } else { "-d" }));
    }
    let mut page = bridge.page();
    page.open();
    page.text("port              vlan-id  \n");
    page.close();
    bridge.cx.print(&page.into_text());
    Ok(())
}
