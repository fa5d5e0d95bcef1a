//! `type vlan`: its words, and what `-d` shows of it.
//!
//! Counterpart: `ip/iplink_vlan.c`. Deliberately absent, and refused by name: `reorder_hdr off`, `gvrp`, `mvrp`,
//! `bridge_binding` and the maps of priorities.

use super::link::on_off;
use super::{help, unsupported};
use crate::iproute::args::{Stop, Words, invarg, matches, u16};
use crate::iproute::page::Page;
use nettwin_model::virtuals::{Vlan, VlanProtocol};

/// Reads what follows `type vlan`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Vlan, Stop> {
    let is_bare = words.peek().is_none();
    let (mut vlan, mut has_id) = (Vlan::new(0), false);
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "protocol") => {
                let value = words.value()?;
                let named = |p: &&VlanProtocol| p.word().eq_ignore_ascii_case(value);
                vlan.protocol = *[VlanProtocol::Dot1q, VlanProtocol::Dot1ad]
                    .iter()
                    .find(named)
                    .ok_or_else(|| invarg("protocol is invalid", value))?;
            }
            w if matches(w, "id") => {
                let value = words.value()?;
                vlan.id = u16(value).ok_or_else(|| invarg("id is invalid", value))?;
                has_id = true;
            }
            w if matches(w, "reorder_hdr") => {
                if !switch("reorder_hdr", &mut words)? {
                    return Err(unsupported("reorder_hdr off"));
                }
            }
            w if matches(w, "gvrp") => return refuse("gvrp", &mut words),
            w if matches(w, "mvrp") => return refuse("mvrp", &mut words),
            w if matches(w, "loose_binding") => vlan.loose_binding = switch("loose_binding", &mut words)?,
            w if matches(w, "bridge_binding") => return refuse("bridge_binding", &mut words),
            w if matches(w, "ingress-qos-map") || matches(w, "egress-qos-map") => return Err(unsupported(w)),
            w if matches(w, "help") => return Err(Stop::back(1, help::VLAN)),
            w => return Err(Stop::back(1, format!("vlan: unknown command \"{w}\"?\n{}", help::VLAN))),
        }
    }
    if !has_id {
        let what = if is_bare { "properties" } else { "id" };
        return Err(Stop::back(2, format!("Error: 8021q: VLAN {what} not specified.\n")));
    }
    Ok(vlan)
}

fn switch(key: &str, words: &mut Words<'_>) -> Result<bool, Stop> {
    on_off(key, words.value()?)
}

fn refuse<T>(key: &str, words: &mut Words<'_>) -> Result<T, Stop> {
    switch(key, words)?;
    Err(unsupported(key))
}

/// What is shown between the kind and the next line.
pub(super) fn print(page: &mut Page, vlan: &Vlan) {
    let protocol = vlan.protocol.word();
    page.say("protocol", protocol, format_args!("protocol {protocol} "));
    page.say("id", vlan.id, format_args!("id {} ", vlan.id));
    page.open_array("flags");
    page.text("<");
    let flags = [("REORDER_HDR", true), ("LOOSE_BINDING", vlan.loose_binding)];
    for (i, (flag, _)) in flags.iter().filter(|(_, on)| *on).enumerate() {
        let comma = if i == 0 { "" } else { "," };
        page.item(flag, format_args!("{comma}{flag}"));
    }
    page.close_array();
    page.text("> ");
}
