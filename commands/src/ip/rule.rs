//! `ip rule`.
//!
//! Counterpart: `ip/iprule.c`. Every namespace has the rules that it is born with: the model has no others. Deliberately absent, and
//! refused by name: everything but the list of all.

use super::{DONE, Ip, Ran, help, unknown, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use crate::iproute::inet::Family;

/// Runs `ip rule …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    match words.next() {
        None => show(ip, words),
        Some(w) if matches(w, "list") || matches(w, "lst") || matches(w, "show") => show(ip, words),
        Some(w) if ["save", "restore", "add", "delete", "flush"].iter().any(|full| matches(w, full)) => {
            Err(unsupported(&format!("rule {w}")))
        }
        Some(w) if matches(w, "help") => Err(Stop::exit(MINUS_ONE, help::RULE)),
        Some(w) => Err(unknown(w, "rule")),
    }
}

/// Priority and table.
const RULES: [(u32, &str); 3] = [(0, "local"), (32766, "main"), (32767, "default")];

fn show(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    if let Some(word) = words.next() {
        return Err(unsupported(&format!("rule show {word}")));
    }
    // IPv6 has no rule for the table `default`.
    let count = if ip.family == Family::Inet6 { 2 } else { 3 };
    let mut page = ip.page();
    page.open();
    for (priority, table) in RULES.into_iter().take(count) {
        page.open_object("");
        page.say("priority", priority, format_args!("{priority}:\t"));
        page.say("src", "all", format_args!("from all"));
        page.say("table", table, format_args!(" lookup {table}"));
        if ip.options.details {
            page.say("protocol", "kernel", format_args!(" proto kernel"));
        }
        page.text("\n");
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}
