//! VRFs: `type vrf`, the word `vrf NAME` of other commands, `ip vrf show`.
//!
//! Counterpart: `ip/iplink_vrf.c`, `ip/ipvrf.c`. Deliberately absent, and refused by name: `ip vrf exec`, `identify`, `pids`,
//! which are about control groups.

use super::{DONE, Ip, Ran, help, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, invarg, matches};
use crate::iproute::kernel::Kernel;
use crate::iproute::names;
use crate::iproute::page::Page;
use nettwin_model::{IfName, LinkKind, NetnsState, Virtual};

/// Reads what follows `type vrf`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Virtual, Stop> {
    let mut table = None;
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "table") => {
                let value = words.value()?;
                table = Some(names::table(value).ok_or_else(|| invarg("invalid table ID\n", value))?);
            }
            w if matches(w, "help") => return Err(Stop::exit(MINUS_ONE, help::VRF)),
            w => return Err(Stop::back(1, format!("vrf: unknown option \"{w}\"?\n{}", help::VRF))),
        }
    }
    let missing = || Stop::back(2, "Error: VRF table id is missing.\n");
    Ok(Virtual::Vrf { table: table.ok_or_else(missing)? })
}

/// What is shown between the kind and the next line.
pub(super) fn print(page: &mut Page, table: u32) {
    page.say("table", table, format_args!("table {table} "));
}

/// The VRFs of a namespace with their tables, by index.
fn all(state: &NetnsState) -> Vec<(IfName, u32)> {
    let mut found: Vec<(u32, IfName, u32)> = Vec::new();
    for (name, link) in &state.config.links {
        if let (LinkKind::Virtual(Virtual::Vrf { table }), Some(derived)) = (&link.kind, state.derived.links.get(name))
        {
            found.push((derived.ifindex, *name, *table));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, name, table)| (name, table)).collect()
}

/// The VRF that a word names, with its table.
pub(super) fn find(kernel: &mut Kernel<'_, '_>, word: &str) -> Result<Option<(IfName, u32)>, Stop> {
    Ok(all(&kernel.state()?).into_iter().find(|(name, _)| name.as_str() == word))
}

/// `vrf NAME` where a device is meant.
pub(super) fn device(kernel: &mut Kernel<'_, '_>, word: &str) -> Result<IfName, Stop> {
    let found = find(kernel, word)?;
    found.map(|(name, _)| name).ok_or_else(|| invarg("Not a valid VRF name\n", word))
}

/// `vrf NAME` where a table is meant.
pub(super) fn table(kernel: &mut Kernel<'_, '_>, word: &str) -> Result<u32, Stop> {
    let found = find(kernel, word)?;
    found.map(|(_, table)| table).ok_or_else(|| invarg("Invalid VRF\n", word))
}

/// Runs `ip vrf …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    match words.next() {
        None => show(ip, None),
        Some(w) if matches(w, "identify") || matches(w, "pids") || matches(w, "exec") => {
            Err(unsupported(&format!("vrf {w}")))
        }
        Some(w) if matches(w, "show") || matches(w, "lst") || matches(w, "list") => {
            let name = words.next();
            show(ip, name)
        }
        Some(w) if matches(w, "help") => Err(Stop::exit(MINUS_ONE, help::VRF_OBJECT)),
        Some(w) => {
            let text = format!("Command \"{w}\" is unknown, try \"ip vrf help\".\n");
            Err(Stop::exit(MINUS_ONE, text))
        }
    }
}

fn show(ip: &mut Ip<'_, '_>, name: Option<&str>) -> Ran {
    if ip.options.style.json {
        return Err(unsupported("-j vrf"));
    }
    let mut page = ip.page();
    match name {
        Some(name) => {
            let invalid = || Stop::exit(MINUS_ONE, "Invalid VRF\n");
            let (name, table) = find(&mut ip.kernel, name)?.ok_or_else(invalid)?;
            page.text(format_args!("{name} {table}\n"));
        }
        None => {
            let state = ip.kernel.state()?;
            let found = all(&state);
            page.text("Name              Table\n-----------------------\n");
            if found.is_empty() {
                page.text("No VRF has been configured\n");
            }
            for (name, table) in found {
                page.text(format_args!("{name:<16}  {table:>4}\n"));
            }
        }
    }
    ip.print(page);
    DONE
}
