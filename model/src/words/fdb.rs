//! Forwarding database entries in iproute2's words: what follows `bridge fdb add`.
//!
//! Counterpart: `bridge/fdb.c`. A port's entry is written with `master`, the bridge's own with `self`, as there. Deliberately
//! absent: `extern_learn`.

use super::cursor::{Words, WordsError, once, once_flag};
use super::vxlan;
use crate::name::IfName;
use crate::neigh::{FdbEntry, FdbKind};

const REMEDY: &str = "use dev, master, self, vlan, static, permanent, dynamic or sticky, as in \
                      `02:00:00:00:00:02 dev p1 master static`";

/// Reads an entry of `bridge`: `MAC [dev DEV] [master|self] [vlan N] [permanent|static|dynamic] [sticky]`. Without `dev` it is
/// the bridge's own, without a kind permanent, as there.
pub fn parse(text: &str, bridge: IfName) -> Result<FdbEntry, WordsError> {
    let mut words = Words::new(text);
    let mac = words.first("the MAC address", "02:00:00:00:00:02 dev p1 master static")?.mac()?;
    let (mut dev, mut whose, mut kind, mut sticky, mut vlan) = (None, None, None, false, None);
    let mut remote = None;
    while let Some(key) = words.next() {
        if vxlan::parse_remote(&mut remote, key, &mut words)? {
            continue;
        }
        match key.text {
            "dev" => once(&mut dev, words.value(key)?.ifname()?, key)?,
            "master" | "self" => once(&mut whose, key, key)?,
            "vlan" => once(&mut vlan, words.value(key)?.number("a VLAN", 1..=4094)?, key)?,
            "permanent" | "local" => once(&mut kind, FdbKind::Permanent, key)?,
            "static" | "temp" => once(&mut kind, FdbKind::Static, key)?,
            "dynamic" => once(&mut kind, FdbKind::Learned, key)?,
            "sticky" => once_flag(&mut sticky, key)?,
            _ => return Err(key.unknown(REMEDY)),
        }
    }
    let dev = dev.unwrap_or(bridge);
    if let Some(word) = whose
        && (word.text == "self") != (dev == bridge)
    {
        let remedy = "write `master` with a port and `self` with the bridge itself";
        return Err(word.error(format!("`{}` does not go with {dev}", word.text), remedy));
    }
    let kind = kind.unwrap_or(FdbKind::Permanent);
    Ok(FdbEntry { bridge, dev, mac, kind, sticky, vlan: vlan.unwrap_or(0), remote })
}

/// Writes an entry.
pub fn print(entry: &FdbEntry) -> String {
    let whose = if entry.dev == entry.bridge { "self" } else { "master" };
    let sticky = if entry.sticky { " sticky" } else { "" };
    let vlan = if entry.vlan == 0 { String::new() } else { format!(" vlan {}", entry.vlan) };
    let remote = entry.remote.as_ref().map(|remote| format!(" {}", vxlan::print_remote(remote))).unwrap_or_default();
    format!("{} dev {} {whose}{vlan} {}{sticky}{remote}", entry.mac, entry.dev, kind_word(entry.kind))
}

fn kind_word(kind: FdbKind) -> &'static str {
    match kind {
        FdbKind::Permanent => "permanent",
        FdbKind::Static => "static",
        FdbKind::Learned => "dynamic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let bridge = IfName::new("br0").unwrap();
        let got = match parse(text, bridge) {
            Ok(entry) => {
                let printed = print(&entry);
                assert_eq!(parse(&printed, bridge), Ok(entry), "{printed}");
                printed
            }
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn entries_are_iproute2s_words() {
        check("02:00:00:00:00:02 dev p1 master static", "02:00:00:00:00:02 dev p1 master static");
        check("02:00:00:00:00:02 dev p1", "02:00:00:00:00:02 dev p1 master permanent");
        check("02:00:00:00:00:02 dynamic sticky dev p1", "02:00:00:00:00:02 dev p1 master dynamic sticky");
        check("02:00:00:00:00:02", "02:00:00:00:00:02 dev br0 self permanent");
        check("02:00:00:00:00:02 dev p1 self", "\"self\" `self` does not go with p1");
        check("02:00:00:00:00:02 dev p1 vlan 5 static", "02:00:00:00:00:02 dev p1 master vlan 5 static");
        check("02:00:00:00:00:02 vlan 4095", "\"4095\" `4095` is not a VLAN");
    }
}
