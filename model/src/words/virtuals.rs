//! Kinds of devices in iproute2's words: what follows `type` in `ip link add`.
//!
//! Counterpart: `ip/iplink_*.c`, a file for each kind. What a device sits on is said before `type` and not here.

use super::cursor::{Word, Words, WordsError, once};
use super::link::Line;
use super::route::{parse_table, table_word};
use crate::virtuals::{Macvlan, MacvlanMode, Virtual, VirtualChange, Vlan, VlanProtocol};

const KINDS: &str = "use dummy, vlan, macvlan or vrf";
const MODES: &str = "write private, vepa, bridge or passthru";
const VLAN: &str = "use id, protocol or loose_binding, as in `vlan id 10`";

/// Reads a kind and its attributes.
pub fn parse(text: &str) -> Result<Virtual, WordsError> {
    let mut words = Words::new(text);
    let kind = words.first("the kind of device", "dummy")?;
    match kind.text {
        "dummy" => match words.next() {
            Some(word) => Err(word.unknown("a dummy has no attributes")),
            None => Ok(Virtual::Dummy),
        },
        "vlan" => vlan(kind, words).map(Virtual::Vlan),
        "macvlan" => macvlan(words).map(Virtual::Macvlan),
        "vrf" => vrf(kind, words),
        _ => Err(kind.unknown(KINDS)),
    }
}

fn vrf(kind: Word<'_>, mut words: Words<'_>) -> Result<Virtual, WordsError> {
    let mut table = None;
    while let Some(key) = words.next() {
        match key.text {
            "table" => once(&mut table, parse_table(words.value(key)?)?, key)?,
            _ => return Err(key.unknown("use table, as in `vrf table 10`")),
        }
    }
    let table = table.ok_or_else(|| kind.error("the VRF has no table", "write it, as in `vrf table 10`"))?;
    Ok(Virtual::Vrf { table })
}

fn macvlan(mut words: Words<'_>) -> Result<Macvlan, WordsError> {
    let mut mode = None;
    while let Some(key) = words.next() {
        match key.text {
            "mode" => {
                let value = words.value(key)?;
                let unknown = || value.error(format!("`{}` is no mode", value.text), MODES);
                once(&mut mode, MacvlanMode::from_word(value.text).ok_or_else(unknown)?, key)?;
            }
            _ => return Err(key.unknown("use mode, as in `macvlan mode bridge`")),
        }
    }
    Ok(Macvlan { lower: None, mode: mode.unwrap_or_default() })
}

fn vlan(kind: Word<'_>, words: Words<'_>) -> Result<Vlan, WordsError> {
    let (mut id, mut protocol, mut loose) = (None, None, None);
    let mut words = words;
    while let Some(key) = words.next() {
        match key.text {
            "id" => once(&mut id, words.value(key)?.number("a VLAN", 0..=4094)?, key)?,
            "protocol" => {
                let value = words.value(key)?;
                let named = |p: &VlanProtocol| p.word() == value.text;
                let known = [VlanProtocol::Dot1q, VlanProtocol::Dot1ad].into_iter().find(named);
                let unknown = || value.error(format!("`{}` is no protocol", value.text), "write 802.1Q or 802.1ad");
                once(&mut protocol, known.ok_or_else(unknown)?, key)?;
            }
            "loose_binding" => once(&mut loose, words.value(key)?.on_off()?, key)?,
            _ => return Err(key.unknown(VLAN)),
        }
    }
    let id = id.ok_or_else(|| kind.error("the VLAN has no number", VLAN))?;
    let (protocol, loose_binding) = (protocol.unwrap_or_default(), loose.unwrap_or_default());
    Ok(Vlan { protocol, loose_binding, ..Vlan::new(id) })
}

/// Writes a kind and its attributes.
pub fn print(kind: &Virtual) -> String {
    match kind {
        Virtual::Dummy => kind.word().to_owned(),
        Virtual::Vlan(vlan) => {
            let mut out = Line("vlan".into());
            if vlan.protocol != VlanProtocol::default() {
                out.say("protocol", vlan.protocol.word());
            }
            out.say("id", vlan.id);
            if vlan.loose_binding {
                out.word("loose_binding on");
            }
            out.0
        }
        Virtual::Vrf { table } => format!("vrf table {}", table_word(*table)),
        Virtual::Macvlan(macvlan) => format!("macvlan mode {}", macvlan.mode.word()),
    }
}

/// Writes what `ip link set … type` changes.
pub fn print_change(change: &VirtualChange) -> String {
    match change {
        VirtualChange::Vlan { loose_binding } => {
            format!("vlan loose_binding {}", if *loose_binding { "on" } else { "off" })
        }
        VirtualChange::Macvlan { mode } => format!("macvlan mode {}", mode.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip() {
        assert_eq!(parse("dummy"), Ok(Virtual::Dummy));
        assert_eq!(print(&Virtual::Dummy), "dummy");
        assert!(parse("dummy id 1").is_err());
        for text in
            ["vrf table 10", "macvlan mode private", "vlan id 10", "vlan protocol 802.1ad id 0 loose_binding on"]
        {
            assert_eq!(print(&parse(text).unwrap()), text);
        }
    }
}
