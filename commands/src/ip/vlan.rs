//! `type vlan`: its words, and what `-d` shows of it.
//!
//! Counterpart: `ip/iplink_vlan.c`. Deliberately absent, and refused by name: `gvrp`, `mvrp` and `bridge_binding`.

use super::link::on_off;
use super::{help, unsupported};
use crate::iproute::args::{Stop, Words, invarg, matches, u16, unsigned};
use crate::iproute::page::Page;
use nettwin_model::virtuals::{Vlan, VlanChange, VlanProtocol, map_egress, map_ingress};

/// What follows `type vlan`.
#[derive(Default)]
pub(crate) struct Said {
    protocol: Option<VlanProtocol>,
    id: Option<u16>,
    /// What can be said of a device that is there, too.
    pub(super) change: VlanChange,
}

impl Said {
    /// Whether nothing is said.
    pub(super) fn is_bare(&self) -> bool {
        self.protocol.is_none() && self.id.is_none() && self.change == VlanChange::default()
    }

    /// A device as it is said.
    pub(super) fn device(self) -> Result<Vlan, Stop> {
        let Some(id) = self.id else {
            let what = if self.is_bare() { "properties" } else { "id" };
            return Err(Stop::back(2, format!("Error: 8021q: VLAN {what} not specified.\n")));
        };
        let mut vlan = Vlan { protocol: self.protocol.unwrap_or_default(), ..Vlan::new(id) };
        vlan.loose_binding = self.change.loose_binding.unwrap_or_default();
        vlan.reorder_hdr = self.change.reorder_hdr.unwrap_or(true);
        self.change.ingress.into_iter().for_each(|of| map_ingress(&mut vlan.ingress, of));
        self.change.egress.into_iter().for_each(|of| map_egress(&mut vlan.egress, of));
        vlan.egress.retain(|(_, to)| *to != 0);
        Ok(vlan)
    }
}

/// Reads what follows `type vlan`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Said, Stop> {
    let mut said = Said::default();
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "protocol") => {
                let value = words.value()?;
                let named = |p: &&VlanProtocol| p.word().eq_ignore_ascii_case(value);
                let found = [VlanProtocol::Dot1q, VlanProtocol::Dot1ad].iter().find(named).copied();
                said.protocol = Some(found.ok_or_else(|| invarg("protocol is invalid", value))?);
            }
            w if matches(w, "id") => {
                let value = words.value()?;
                said.id = Some(u16(value).ok_or_else(|| invarg("id is invalid", value))?);
            }
            w if matches(w, "reorder_hdr") => said.change.reorder_hdr = Some(switch("reorder_hdr", &mut words)?),
            w if matches(w, "gvrp") => return refuse("gvrp", &mut words),
            w if matches(w, "mvrp") => return refuse("mvrp", &mut words),
            w if matches(w, "loose_binding") => {
                said.change.loose_binding = Some(switch("loose_binding", &mut words)?);
            }
            w if matches(w, "bridge_binding") => return refuse("bridge_binding", &mut words),
            w if matches(w, "ingress-qos-map") => said.change.ingress.extend(map("ingress-qos-map", &mut words)?),
            w if matches(w, "egress-qos-map") => said.change.egress.extend(map("egress-qos-map", &mut words)?),
            w if matches(w, "help") => return Err(Stop::back(1, help::VLAN)),
            w => return Err(Stop::back(1, format!("vlan: unknown command \"{w}\"?\n{}", help::VLAN))),
        }
    }
    Ok(said)
}

/// Pairs `FROM:TO` (`vlan_parse_qos_map`).
fn map(key: &str, words: &mut Words<'_>) -> Result<Vec<(u32, u32)>, Stop> {
    let mut out = Vec::new();
    let mut word = words.value()?;
    while let Some((from, to)) = word.split_once(':') {
        let wrong = || invarg(&format!("invalid {key}"), from);
        let number = |text| unsigned(text).ok_or_else(wrong);
        out.push((number(from)?, number(to)?));
        match words.peek().filter(|next| next.contains(':')) {
            Some(next) => word = next,
            None => return Ok(out),
        }
        words.next();
    }
    Ok(out)
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
    let flags = [("REORDER_HDR", vlan.reorder_hdr), ("LOOSE_BINDING", vlan.loose_binding)];
    if flags.iter().any(|(_, on)| *on) {
        page.open_array("flags");
        page.text("<");
        for (i, (flag, _)) in flags.iter().filter(|(_, on)| *on).enumerate() {
            let comma = if i == 0 { "" } else { "," };
            page.item(flag, format_args!("{comma}{flag}"));
        }
        page.close_array();
        page.text("> ");
    }
    print_map(page, "ingress_qos", "ingress-qos-map", &vlan.ingress);
    print_map(page, "egress_qos", "egress-qos-map", &vlan.egress);
}

fn print_map(page: &mut Page, key: &str, shown: &str, map: &[(u32, u32)]) {
    if map.is_empty() {
        return;
    }
    page.open_array(key);
    page.nl();
    page.text(format_args!("      {shown} {{ "));
    for (from, to) in map {
        page.open_object("");
        page.field("from", *from);
        page.field("to", *to);
        page.close_object();
        page.text(format_args!("{from}:{to} "));
    }
    page.text("} ");
    page.close_array();
}
